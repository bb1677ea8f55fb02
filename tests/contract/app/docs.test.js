'use strict';
// docs/config.md and docs/metrics.md are what the services print of themselves, and all of it; docs/methods.md is what the .proto files
// declare; and the links of every document lead to a file and a heading.

const { test } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { must, run } = require('../../lib/proc');
const { root, build, folder } = require('../../lib/paths');
const { methods, page } = require('../../../tools/print-methods');

const services = fs.readdirSync(path.join(root, 'services'))
  .filter((s) => fs.existsSync(path.join(root, 'services', s, 'main.c'))).sort();
const read = (...at) => fs.readFileSync(path.join(...at), 'utf8');

// The .c files under a folder, tests left out.
function sources(dir) {
  return fs.readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((e) => e.isFile() && e.name.endsWith('.c') && !e.name.endsWith('_test.c'))
    .map((e) => read(e.parentPath || e.path, e.name));
}

test('the_documents_say_what_the_services_do', async () => {
  const out = folder('docs');
  await must([path.join(root, 'tools/print-docs'), path.join(build, 'bin'), out, ...services],
    { env: { PATH: process.env.PATH }, cwd: root });
  for (const name of ['config.md', 'metrics.md']) {
    assert.strictEqual(read(out, name), read(root, 'docs', name), `docs/${name} is out of date: make docs`);
  }
});

test('every_metric_in_the_sources_is_documented', () => {
  const documented = read(root, 'docs/metrics.md');
  const names = [...sources(path.join(root, 'common')), ...sources(path.join(root, 'services'))]
    .flatMap((text) => [...text.matchAll(/\.name = "((?:ward|grpc|process)_[a-z0-9_]+)"/g)].map((m) => m[1]));
  assert.ok(names.length > 20);
  for (const name of names) assert.ok(documented.includes(`| \`${name}\` |`), `no service lists ${name}`);
});

test('every_metric_has_a_unit_or_is_a_count', () => {
  const rows = [...read(root, 'docs/metrics.md').matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \|/gm)];
  assert.ok(rows.length > 20);
  for (const [, name, type] of rows) {
    assert.strictEqual(name.endsWith('_total'), type === 'counter', name);
    if (type === 'histogram') assert.match(name, /_(seconds|bytes|events|rows|size)$/, name);
  }
});

test('the_table_of_methods_is_what_the_proto_files_declare', () => {
  assert.strictEqual(read(root, 'docs/methods.md'), page(methods()), 'docs/methods.md is out of date: make docs');
});

// GitHub's name for a heading.
const anchor = (heading) => heading.toLowerCase().replace(/[`*]/g, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[^\p{L}\p{N}\- _]/gu, '').replace(/ /g, '-');

// The cards under training/ are templates that are copied beside a manifest.
test('links_of_documents_lead_somewhere', async () => {
  const { stdout } = await run(['git', 'ls-files', '-co', '--exclude-standard', '*.md'], { env: { PATH: process.env.PATH }, cwd: root });
  const broken = [];
  for (const file of stdout.split('\n').filter((f) => f && !f.startsWith('training/diagnosis/cards/') && fs.existsSync(path.join(root, f)))) {
    const text = read(root, file).replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [to, heading] = target.split('#');
      const at = to ? path.resolve(root, path.dirname(file), to) : path.join(root, file);
      const headings = () => [...fs.readFileSync(at, 'utf8').matchAll(/^#+ (.*)$/gm)].map((m) => anchor(m[1]));
      if (!fs.existsSync(at) || (heading && !headings().includes(heading))) broken.push(`${file}: ${target}`);
    }
  }
  assert.deepStrictEqual(broken, []);
});
