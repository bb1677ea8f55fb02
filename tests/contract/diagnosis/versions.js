'use strict';
// A folder of models like the repository's, with versions that are made for a test and signed by a key of the test's own.

const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { root, folder, bin } = require('../../lib/paths');

class Models {
  constructor() {
    this.dir = folder();
    fs.cpSync(path.join(root, 'models'), this.dir, { recursive: true });
    this.key = path.join(this.dir, 'test.key');
    this.keys = path.join(this.dir, 'trusted.vkeys');
    fs.appendFileSync(this.keys, this.wardctl('keygen', '--name', 'of-the-test', this.key));
  }

  wardctl(...args) { return execFileSync(bin('wardctl'), ['models', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }); }
  folder(name, version) { return path.join(this.dir, name, version); }

  // name/version from name/1, with its manifest changed by `change`, signed where `sign` is not false.
  make(name, version, change = () => {}, sign = true) {
    const dir = this.folder(name, version);
    fs.cpSync(this.folder(name, '1'), dir, { recursive: true });
    const file = path.join(dir, 'manifest.json');
    const manifest = JSON.parse(fs.readFileSync(file));
    manifest.version = version;
    change(manifest);
    fs.writeFileSync(file, JSON.stringify(manifest));
    fs.rmSync(path.join(dir, 'manifest.sig'));
    if (sign) this.sign(name, version);
    return dir;
  }

  sign(name, version, key = this.key) { return this.wardctl('sign', '--key', key, '--name', 'of-the-test', this.folder(name, version)); }
  // For a Site.start: the service reads these models and trusts this key.
  env(more = {}) { return { WARD_MODELS: this.dir, WARD_MODEL_KEYS: this.keys, WARD_REGISTRY_MS: '100', WARD_CANARY_MS: '500', ...more }; }
  remove() { fs.rmSync(this.dir, { recursive: true, force: true }); }
}

module.exports = { Models };
