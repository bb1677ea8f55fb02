'use strict';
// provenance.js NAME DIGEST [OUT] - how an image was made: an in-toto statement (v1) with SLSA provenance (v1). The release key signs its
// hash; `cosign attest` takes the predicate where a hospital uses it.
// Environment: BUILD, VERSION, COMMIT, SOURCE_DATE_EPOCH.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const root = path.resolve(__dirname, '../..');
const build = path.resolve(root, process.env.BUILD || 'build');
const LOCKS = ['tools/packages.txt', 'tools/models.lock', 'tools/models-gpu.lock', 'package-lock.json', 'deploy/image/packages.txt', 'deploy/image/Containerfile'];
const BUILD_TYPE = 'https://ward.example/build/image/v1'; // make images: tools/build/image.mk

const sha256 = (file) => ({ sha256: crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex') });
const version = (package_) => execFileSync('dpkg-query', ['-W', '-f=${Version}', package_], { encoding: 'utf8' });

function statement(name, digest) {
  const [service, , cls] = /^([a-z]+)(-(gpu|npu))?$/.exec(name).slice(1);
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: `ward/${name}`, digest: { sha256: digest.replace('sha256:', '') } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { service, class: cls ?? 'cpu', version: process.env.VERSION },
        internalParameters: { SOURCE_DATE_EPOCH: process.env.SOURCE_DATE_EPOCH },
        resolvedDependencies: [
          { name: 'source', digest: { gitCommit: process.env.COMMIT } },
          ...LOCKS.map((f) => ({ name: f, digest: sha256(path.join(root, f)) })),
          { name: 'base.tar', digest: sha256(path.join(build, 'image/stage/base.tar')) },
        ],
      },
      runDetails: {
        builder: { id: 'https://ward.example/builders/make-release', version: Object.fromEntries(['gcc-12', 'mmdebstrap', 'podman', 'skopeo'].map((p) => [p, version(p)])) },
      },
    },
  };
}

if (require.main === module) {
  const [name, digest, out] = process.argv.slice(2);
  const text = `${JSON.stringify(statement(name, digest), null, 1)}\n`;
  if (out) fs.writeFileSync(out, text);
  else process.stdout.write(text);
}

module.exports = { statement };
