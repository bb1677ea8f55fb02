'use strict';
// podman as `make images` uses it: its own store in build/image, runc, no systemd.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { root, build } = require('../lib/paths');
const { run, must } = require('../lib/proc');

const dir = path.join(build, 'image');
const env = { PATH: process.env.PATH, HOME: process.env.HOME, LC_ALL: 'C', CONTAINERS_CONF: process.env.CONTAINERS_CONF || path.join(root, 'deploy/image/containers.conf') };
const words = (store, args) => ['podman', '--root', path.join(store, 'store'), '--runroot', path.join(store, 'run'), ...args];

// Why images cannot be built or run here; false where they can.
function missing() {
  for (const program of ['podman', 'mmdebstrap']) {
    if (spawnSync(program, ['--version']).error) return `${program} is not here: make deps-image`;
  }
  if (process.getuid() !== 0) return 'containers are run by root in this test';
  return fs.existsSync(path.join(dir, 'digests')) ? false : 'there are no images: make images';
}

const podman = async (...args) => (await must(words(dir, args), { env })).trim();
const tried = (...args) => run(words(dir, args), { env });
const inspect = async (what) => JSON.parse(await podman('inspect', what))[0];

// name -> sha256:... of deploy/image/build's last run.
const digests = (from = dir) => Object.fromEntries(fs.readFileSync(path.join(from, 'digests'), 'utf8').trim().split('\n').map((l) => l.split(' ')));

module.exports = { dir, env, podman, tried, inspect, missing, digests };
