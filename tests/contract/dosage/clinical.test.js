'use strict';
// The clinical table: what labels and papers say, as patients and orders, each with what must be found. clinical_mutants.test.js
// asks whether it would notice a wrong number; clinical_service.test.js takes a part of the cases through the service.

const test = require('node:test');
const assert = require('node:assert/strict');
const { sampleSet } = require('./site');
const { RuleSet, encode, encodeSnapshot, runAll } = require('./clinical_run');
const { groups } = require('./clinical_table');
const { readTables } = require('./clinical_doses');

test('the table has at least 200 rows, each with its source', () => {
  const rows = ['doses_', 'usual', 'interactions', 'pairs', 'onc_pairs', 'duplicates', 'allergies', 'fresh', 'context', 'cases'].flatMap(readTables);
  for (const row of rows) assert.ok(row.source.length > 8, JSON.stringify(row));
  assert.ok(rows.length >= 200);
  console.log(`${rows.length} rows`);
});

for (const [name, make] of Object.entries(groups)) {
  test(`the sample formulary does what is published of ${name}`, () => {
    const checks = make();
    const [{ decisions, error }] = runAll([{ set: encode(RuleSet, sampleSet()), snapshots: checks.map((c) => encodeSnapshot(c.snapshot)) }]);
    assert.equal(error, undefined);
    const wrong = checks.map((c, i) => [c.id, c.wrong(decisions[i])]).filter(([, w]) => w !== null);
    assert.equal(wrong.length, 0, wrong.map(([id, w]) => `${id}: ${w}`).join('\n'));
    console.log(`${name}: ${checks.length} decisions`);
  });
}

test('every dose rule of the sample formulary has its row', () => {
  const rows = new Set(readTables('doses_').map((r) => r.rule));
  assert.deepEqual(sampleSet().dose_rules.map((r) => r.rule.id).filter((id) => !rows.has(id)), []);
});

test('every usual dose of the sample formulary has its row', () => {
  const rows = new Set(readTables('usual').map((r) => r.rule));
  assert.deepEqual((sampleSet().usual_doses ?? []).map((r) => r.rule.id).filter((id) => !rows.has(id)), []);
});
