'use strict';
// The databases of the tests sync nothing (tests/lib/mariadb.js). A bench that writes figures must start one that does and ask it.

const { test } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');

const dir = path.join(__dirname, '../bench');

test('every bench with a database has one that syncs its commits', () => {
  const texts = fs.readdirSync(dir, { recursive: true }).filter((f) => f.endsWith('.mjs') && !path.basename(f).startsWith('eval_'))
    .map((f) => [f, fs.readFileSync(path.join(dir, f), 'utf8')]);
  const starts = texts.filter(([, text]) => /\b(Ward|Site)\.start\(/.test(text));
  assert.ok(starts.length >= 6, `${starts.length} benches were found`);
  const without = starts.filter(([, text]) => !/\.start\(\{[^}]*\bmariadb\b/.test(text) || !/await mustSync\(/.test(text));
  assert.deepStrictEqual(without.map(([f]) => f), []);
});
