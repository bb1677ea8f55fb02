'use strict';
// Drills, benches and tools do not run in every check. A script that does not even compile must be found without running it.

const { test } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const { wrap } = require('node:module');
const { spawnSync } = require('node:child_process');

const root = path.join(__dirname, '../..');

function fault(file) {
  if (file.endsWith('.mjs')) {
    const { status, stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
    return status === 0 ? undefined : stderr;
  }
  try {
    new vm.Script(wrap(fs.readFileSync(file, 'utf8').replace(/^#!.*/, '')), { filename: file });
  } catch (e) {
    return e.stack.split('\n').slice(0, 4).join('\n');
  }
  return undefined;
}

test('every script compiles', () => {
  const files = ['tests', 'tools', 'cli', 'examples', 'training', 'deploy'].flatMap((d) => fs.readdirSync(path.join(root, d), { recursive: true })
    .filter((f) => /\.m?js$/.test(f) && !f.includes('node_modules')).map((f) => path.join(root, d, f)));
  assert.ok(files.length >= 250, `${files.length} scripts were found`);
  assert.deepStrictEqual(files.map((f) => [f, fault(f)]).filter(([, why]) => why), []);
});
