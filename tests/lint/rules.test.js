'use strict';
// Each rule of tools/rules/rules and tools/layers finds a fault that is planted for it, in a repository of two files, and only that.

const { test } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const root = path.join(__dirname, '../..');

// A repository with the rules, the files given ({name: text}) and the known exceptions given.
function plant(files, known = '') {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ward-rules-'));
  const write = (name, text) => {
    fs.mkdirSync(path.join(dir, path.dirname(name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), text);
  };
  for (const name of ['tools/layers', 'tools/rules/rules', 'tools/rules/words.txt']) fs.cpSync(path.join(root, name), path.join(dir, name));
  write('tools/rules/known.txt', known);
  for (const folder of ['common', 'services', 'plugins', 'cli', 'tests']) fs.mkdirSync(path.join(dir, folder));
  for (const [name, text] of Object.entries(files)) write(name, text);
  assert.strictEqual(spawnSync('git', ['init', '-q', dir]).status, 0);
  return dir;
}

function run(dir, ...argv) {
  const { status, stdout, stderr } = spawnSync(argv[0], argv.slice(1), { cwd: dir, encoding: 'utf8' });
  return { status, out: stdout + stderr };
}

// Runs a rule over planted files; what it prints must match, or be nothing.
function finds(rule, files, pattern, known) {
  const dir = plant(files, known);
  try {
    const { status, out } = rule === 'layers' ? run(dir, 'sh', 'tools/layers') : run(dir, 'tools/rules/rules', rule);
    if (pattern === undefined) return assert.deepStrictEqual([status, out], [0, '']);
    assert.match(out, pattern);
    assert.strictEqual(status, 1, out);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

const WORDS = [
  ['a document', { 'docs/a.md': 'A patient is none.\n' }, /docs\/a\.md:1: "is none"/],
  ['a comment of a .proto', { 'proto/a.proto': 'message A {\n  // What is no id is refused.\n  string id = 1;\n}\n' }, /proto\/a\.proto:2: "What is"/],
  ['a help text', { 'cli/a.c': 'static const char HELP[] = "show the doses that were put aside";\n' }, /cli\/a\.c:1: "put aside"/],
  ['an error sentence', { 'services/audit/a.c': 'int f(void)\n{\n    return fail("the database is away");\n}\n' }, /a\.c:3: "database is away"/],
  ['a string that goes on in a line of its own', { 'services/audit/a.c': 'x = fail(\n    "rightly");\n' }, /a\.c:2: "rightly"/],
  ['a list of reasons', { 'services/audit/reasons.txt': 'X\n  who may not gets nothing\nWho may not gets nothing.\n' }, /reasons\.txt:3: "Who may"/],
  ['the opening of a header', { 'common/base/a.h': '/* a.h - who is told. */\n' }, /a\.h:1: "is told"/],
];
for (const [name, files, pattern] of WORDS) test(`words: a phrase in ${name} is found`, () => finds('words', files, pattern));

test('words: code, quoted names, later comments and tests are left alone', () => finds('words', {
  'docs/a.md': '```\nis none\n```\nThe option `is none` exists. There is no id. It is no longer needed. Who is it?\n',
  'common/base/a.h': '/* a.h - a file. */\n/* rightly */\n',
  'common/base/a.c': '/* rightly */\nint x;\n',
  'common/base/a_test.c': 'char *s = "what is said rightly";\n',
}));

const crowd = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`common/base/f${i}.c`, '']));
test('folders: 26 files are too many, 25 are not', () => {
  finds('folders', crowd(26), /common\/base: 26 files, at most 25/);
  finds('folders', crowd(25));
});
test('folders: a known exception may not grow, and is removed when it is not needed', () => {
  finds('folders', crowd(27), /common\/base: 27 files, at most 26/, 'files common/base 26\n');
  finds('folders', crowd(26), undefined, 'files common/base 26\n');
  finds('folders', crowd(3), /"files common\/base 26" is now 0/, 'files common/base 26\n');
});

test('names: two files of one name within a service are found; two services may each have one', () => {
  finds('names', { 'services/audit/a/x.c': '', 'services/audit/b/x.c': '' }, /services\/audit: x\.c: 2 files/);
  finds('names', { 'services/audit/a/x.c': '', 'services/records/a/x.c': '' });
});
test('names: a shared function or variable begins with the service\'s name', () => {
  finds('names', { 'services/audit/x.c': 'int look(void)\n{\n    return 0;\n}\n' }, /services\/audit: 1 shared names/);
  finds('names', { 'services/audit/x.c': 'const struct row rows[] = {{0}};\n' }, /services\/audit: 1 shared names/);
  finds('names', { 'services/audit/x.c': 'enum ward_code\naudit_look(int a,\n           int b)\n{\n}\nstatic int look;\nint audit_n = 2;\n' });
});

const include = (what) => `#include "services/records/${what}"\n`;
test('floors: a folder does not include a header of a folder above it', () => {
  finds('layers', { 'services/records/store/a.c': include('merge/a.h') }, /store\/a\.c: may not include a header of merge/);
  finds('layers', { 'services/records/merge/a.c': include('store/a.h'), 'services/records/main.c': include('merge/a.h') });
});
test('floors: two folders that include each other are found, and so is a folder without a floor', () => {
  finds('layers', { 'services/records/store/a.c': include('search/a.h'), 'services/records/search/a.c': include('store/a.h') }, /may not include/);
  finds('layers', { 'services/records/attic/a.c': include('store/a.h') }, /attic\/a\.c: may not include a header of no-floor/);
});
test('floors: a known arrow that is gone is a fault', () => {
  const known = 'floor services/records/store/a.c>merge 1\n';
  finds('layers', { 'services/records/store/a.c': include('merge/a.h') }, undefined, known);
  finds('layers', {}, /the arrow services\/records\/store\/a\.c>merge is gone/, known);
});

test('shrink lowers the numbers of known.txt and removes lines', () => {
  const dir = plant(crowd(27), 'files common/base 40\nname services/audit:x.c 2\n# the end\n');
  assert.strictEqual(run(dir, 'tools/rules/rules', 'shrink').status, 0);
  assert.strictEqual(fs.readFileSync(path.join(dir, 'tools/rules/known.txt'), 'utf8'), 'files common/base 27\n# the end\n');
  fs.rmSync(dir, { recursive: true, force: true });
});
