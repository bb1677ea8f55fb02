'use strict';
// Where things are: the repository, the build (BUILD, default build/), data that may be absent.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const root = path.resolve(__dirname, '../..');
const build = path.resolve(root, process.env.BUILD || 'build');
const models = path.resolve(root, process.env.WARD_MODELS || 'build/models');
const packs = path.resolve(root, process.env.WARD_PACKS || 'models');
const data = path.resolve(root, process.env.WARD_DATA || '../shared/data');

// A folder for one test, gone when the test process ends. In /tmp: a unix socket's path may have
// no more than 107 bytes.
function folder(name = 'ward') {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), `${name}-`));
  if (!process.env.KEEP) process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

// A file of the repository with its ${VARIABLES} replaced; at: of another version's folder.
function template(file, values, at = root) {
  return fs.readFileSync(path.join(at, file), 'utf8').replace(/\$\{(\w+)\}/g, (all, key) => {
    if (key in values) return values[key];
    throw new Error(`${file}: ${all} is unknown`);
  });
}

// Each service of the repository, found by its services/NAME/local.env: {NAME: the text of that file}.
const services = Object.fromEntries(fs.readdirSync(path.join(root, 'services')).sort()
  .map((name) => [name, path.join(root, 'services', name, 'local.env')]).filter(([, file]) => fs.existsSync(file))
  .map(([name, file]) => [name, fs.readFileSync(file, 'utf8')]));

// "NAME=value" lines as an object.
function environment(text) {
  return Object.fromEntries(text.split('\n').filter((l) => /^\w+=/.test(l)).map((l) => {
    const at = l.indexOf('=');
    return [l.slice(0, at), l.slice(at + 1)];
  }));
}

module.exports = {
  root,
  build,
  models,
  packs,
  data,
  bin: (name) => path.join(build, 'bin', name),
  folder,
  template,
  services,
  environment,
  // A photograph of tools/models.lock's, "user2"; undefined where it was not fetched.
  photo: (name) => [path.join(root, 'build/photos', `${name}.jpg`)].find((p) => fs.existsSync(p)),
};
