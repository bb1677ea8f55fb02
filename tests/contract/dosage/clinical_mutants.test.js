'use strict';
// Whether the clinical table would notice a wrong number: each constant of each rule of the sample formulary changed a little, up
// and down, each rule and each part of one left out; for every such set some row must come out otherwise.

const test = require('node:test');
const assert = require('node:assert/strict');
const { sampleSet } = require('./site');
const { Parts, encodeSnapshot, runAll } = require('./clinical_run');
const { mutants } = require('./clinical_mutants');
const { allChecks } = require('./clinical_table');

const AT_ONCE = 40;

test('a change of any constant of any rule, and the loss of any rule or part of one, fails the table', () => {
  const set = sampleSet();
  const parts = new Parts(set);
  const byRule = new Map();
  for (const check of allChecks()) {
    for (const rule of check.rules ?? [check.rule]) byRule.set(rule, [...(byRule.get(rule) ?? []), { ...check, bytes: encodeSnapshot(check.snapshot) }]);
  }
  const all = [...mutants(set)];
  const alive = [];
  let killed = 0;
  let refused = 0;
  let spare = 0;
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const some = all.slice(at, at + AT_ONCE);
    const checksOf = (m) => m.ids.flatMap((id) => byRule.get(id) ?? []);
    const results = runAll(some.map((m) => ({ set: parts.bytes(m.name, m.i, m.value), snapshots: checksOf(m).map((c) => c.bytes) })));
    some.forEach((m, k) => {
      const checks = checksOf(m);
      if (results[k].error) refused += 1;
      else if (results[k].decisions.some((d, j) => checks[j].wrong(d) !== null)) killed += 1;
      // A spelling that another one holds, as "penicillin allergy" does "penicillin": a chart with it is understood without it too,
      // which is what the rows of that very spelling just showed.
      else if (m.spelling && checks.some((c) => c.spelling === m.spelling)) spare += 1;
      else alive.push(m.what);
    });
  }
  const able = all.length - refused - spare;
  console.log(`${killed} of ${able} mutants were noticed; of ${all.length} ${refused} are no valid rule sets, ${spare} spellings are held by others`);
  assert.equal(alive.length, 0, `not noticed:\n${alive.join('\n')}`);
});
