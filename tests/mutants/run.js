#!/usr/bin/env node
'use strict';
// run.js - how many small faults the tests notice: N operator mutants drawn over the product's C files, each in a file of its own.
//
//   N=40      mutants      SEED=n  repeats a draw      DIR=folder  a scratch copy of the tree (build/mutants)
//   ONLY=re   files whose path matches
//
// A mutant is tried by the unit tests of its folder, then of its service or of common/, then by the contract tests of its service. The
// first suite that fails kills it. A suite must pass without the mutant, or the run ends. A mutant whose object code is the same is no
// mutant and another one is drawn; so is one that does not compile.

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { chance, newSeed } = require('../lib/chance');
const { results } = require('../lib/results');
const { mutants, apply } = require('./draw');

const GOAL = 0.85;
const N = Number(process.env.N || 40);
const SEED = newSeed();
const root = path.resolve(__dirname, '../..');
const DIR = path.resolve(process.env.DIR ?? path.join(root, 'build/mutants'));
const random = chance(SEED);

const isTest = (f) => /_test\.c$/.test(f);
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
const FILES = git('ls-files', 'common/*.c', 'services/*.c', 'cli/*.c').filter((f) => new RegExp(process.env.ONLY || '').test(f));

// The contract tests of what a folder does.
const CONTRACT = {
  'common/rpc': ['rpc'], 'common/auth': ['rpc'], 'common/app': ['app'], 'common/base': ['app', 'rpc'], 'common/handler': ['audit', 'identity'], 'common/bus': ['audit'],
  'common/db': ['audit', 'app'], 'common/merkle': ['audit'], 'common/keyring': ['identity'], 'common/vault': ['identity'], 'common/host': ['diagnosis'],
  'common/serve': ['diagnosis'], 'common/image': ['identity'], 'common/scan': ['identity'], 'common/json': ['records'], 'common/measure': ['records', 'measure'],
  'common/unicode': ['records'], 'common/zone': ['dosage'], cli: ['app'],
};
const folderOf = (f) => (f.startsWith('cli/') ? 'cli' : f.split('/').slice(0, 2).join('/'));
function contracts(f) {
  const names = f.startsWith('services/') ? [f.split('/')[1]] : (CONTRACT[folderOf(f)] ?? []);
  return names.flatMap((n) => git('ls-files', `tests/contract/${n}/*.test.js`));
}
const integrations = (f) => (f.startsWith('common/') ? git('ls-files', 'tests/integration/*_test.c').map((t) => t.replace(/^tests\/(.*)\.c$/, 'build/$1')) : []);
const unitTests = (of) => FILES.filter(isTest).filter(of).map((t) => `build/test/${t.slice(0, -2)}`);

function sh(cmd, args, seconds = 1800) {
  const r = spawnSync(cmd, args, { cwd: DIR, encoding: 'utf8', maxBuffer: 1 << 28, timeout: seconds * 1000, env: { ...process.env, MAKEFLAGS: '', WARD_DATA: process.env.WARD_DATA ?? path.resolve(root, '../shared/data') } });
  return { ok: r.status === 0, out: `${r.stdout}${r.stderr}` };
}
const make = (...targets) => sh('make', ['-s', '--no-print-directory', ...targets]);

// The suites that may kill a mutant of a file, nearest first.
function suites(f) {
  const near = unitTests((t) => path.dirname(t) === path.dirname(f));
  const unit = f.startsWith('services/') ? `${folderOf(f)}/` : `${f.split('/')[0]}/`;
  const far = unitTests((t) => t.startsWith(unit)).filter((t) => !near.includes(t));
  const js = contracts(f);
  const it = integrations(f);
  return [
    { name: `unit tests of ${path.dirname(f)}`, n: near.length, run: () => unitRun(near) },
    { name: `unit tests of ${unit}`, n: far.length, run: () => unitRun(far) },
    { name: 'integration tests', n: it.length, run: () => make(...it).ok && sh('tests/tools/with-db', ['tools/run-tests', ...it]).ok },
    { name: `contract tests of ${folderOf(f)}`, n: js.length, run: () => make('build').ok && sh('tools/run-node', js, 3600).ok },
  ].filter((s) => s.n > 0);
}
// A test program that no longer links is one that noticed nothing: the mutant compiled before.
const unitRun = (tests) => make(...tests).ok && sh('tools/run-tests', tests).ok;

const sound = new Map(); // suite -> does it pass without a mutant?
function mustPass(suite) {
  if (!sound.has(suite.name)) sound.set(suite.name, suite.run());
  if (!sound.get(suite.name)) throw new Error(`${suite.name} fail without a mutant: no figure`);
}

function copy() {
  fs.mkdirSync(DIR, { recursive: true });
  execFileSync('rsync', ['-a', '--delete', '--exclude=/build/mutants', '--exclude=/build/asan', '--exclude=/build/results', '--exclude=/build/fuzz', `${root}/`, `${DIR}/`]);
  const r = make('build');
  if (!r.ok) throw new Error(`the copy does not build:\n${r.out}`);
}

const object = (f) => path.join(DIR, 'build/obj', f.replace(/\.c$/, '.o'));
const code = (f) => spawnSync('objdump', ['-d', '-s', '-j', '.text', '-j', '.rodata', object(f)], { encoding: 'utf8', maxBuffer: 1 << 28 }).stdout;

// null: no mutant after all. Otherwise the suite that killed it, or undefined.
function attempt(f, text, m) {
  const file = path.join(DIR, f);
  const put = (t) => { fs.writeFileSync(file, t); const at = Date.now() / 1000 + 1; fs.utimesSync(file, at, at); };
  const target = `build/obj/${f.replace(/\.c$/, '.o')}`;
  const all = suites(f);
  make(target);
  const before = code(f);
  try {
    put(apply(text, m));
    if (!make(target).ok || code(f) === before) return null;
    for (const s of all) {
      if (!sound.has(s.name)) { put(text); mustPass(s); put(apply(text, m)); }
      if (!s.run()) return s.name;
    }
    return undefined;
  } finally {
    put(text);
    make(target);
  }
}

function main() {
  console.log(`SEED=${SEED}, ${N} mutants`);
  copy();
  const left = FILES.filter((f) => !isTest(f) && !/\/main\.c$/.test(f));
  const tried = [];
  while (tried.length < N && left.length > 0) {
    const [f] = left.splice(Math.floor(random() * left.length), 1);
    const text = fs.readFileSync(path.join(root, f), 'utf8');
    const all = mutants(text);
    if (all.length === 0) continue;
    const m = all[Math.floor(random() * all.length)];
    const by = attempt(f, text, m);
    if (by === null) continue;
    tried.push(by);
    const was = text.split('\n')[m.line - 1].trim();
    console.log(`${by === undefined ? 'SURVIVED' : 'killed  '} ${f}:${m.line} ${text.slice(m.at, m.at + m.length)} -> ${m.by}${by === undefined ? `   ${was}` : `   by ${by}`}`);
  }
  const killed = tried.filter((t) => t !== undefined).length;
  const near = tried.filter((t) => /^unit/.test(t ?? '')).length;
  console.log(`${killed} of ${tried.length} killed (${near} by unit tests); goal ${GOAL}`);
  results('mutants', { killed_share: killed / tried.length, goal_killed_share: GOAL, killed_by_unit_tests: near / tried.length, mutants: tried.length, seed: SEED });
}
main();
