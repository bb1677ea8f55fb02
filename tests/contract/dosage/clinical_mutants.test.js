'use strict';
// Whether the clinical table would notice a wrong number: each constant of each rule of the sample formulary changed a little, up
// and down, each rule and each part of one left out; for every such set some row must come out otherwise.
//
// A mutant is first tried in a small set: its own rule, and of the others what the rows of that rule need. Rows that come out wrong
// in the small set without any change, as those that list every finding, are tried in the whole set alone.

const test = require('node:test');
const assert = require('node:assert/strict');
const { sampleSet } = require('./site');
const { Parts, encodeSnapshot, runAll } = require('./clinical_run');
const { mutants } = require('./clinical_mutants');
const { allChecks } = require('./clinical_table');

const AT_ONCE = 40;
const RULES = ['dose_rules', 'interactions', 'duplicates', 'allergies', 'fresh', 'slips', 'usual_doses', 'class_sums', 'context', 'monitoring'];

// Every text in a value: among a snapshot's are the drugs that it speaks of.
function* texts(value) {
  if (typeof value === 'string') yield value;
  else if (value && typeof value === 'object') for (const v of Object.values(value)) yield* texts(v);
}

// What a mutant's small set holds beside it: the drugs that its rows speak of, and of a dose rule those with its ingredient; what they
// are made of, and what kidney_risks name; of a dose rule its ingredient's dose rules, otherwise the rules that the mutant is of.
function keeper(set, m, checks) {
  const ingredient = m.name === 'dose_rules' ? set.dose_rules[m.i].ingredient : undefined;
  const named = new Set(checks.flatMap((c) => [...texts(c.snapshot)]));
  const drugs = set.drugs.map((d) => named.has(d.id) || d.ingredients.includes(ingredient));
  const held = new Set(set.drugs.filter((_, k) => drugs[k]).flatMap((d) => d.ingredients));
  const risky = new Set(texts(set.kidney_risks));
  const kept = set.ingredients.map((i) => held.has(i.id) || [i.id, ...i.classes ?? []].some((name) => risky.has(name)));
  return (list, k) => {
    if (list === 'drugs') return drugs[k];
    if (list === 'ingredients') return kept[k];
    if (!RULES.includes(list)) return true;
    return ingredient === undefined ? m.ids.includes(set[list][k].rule.id) : list === 'dose_rules' && set.dose_rules[k].ingredient === ingredient;
  };
}

function checksByRule() {
  const byRule = new Map();
  for (const check of allChecks()) {
    for (const rule of check.rules ?? [check.rule]) byRule.set(rule, [...(byRule.get(rule) ?? []), { ...check, bytes: encodeSnapshot(check.snapshot) }]);
  }
  return (m) => m.ids.flatMap((id) => byRule.get(id) ?? []);
}

function* batches(list) {
  for (let at = 0; at < list.length; at += AT_ONCE) yield list.slice(at, at + AT_ONCE);
}

// The checks of a mutant that hold in its small set as it is, by its rules: reckoned once for all mutants of a rule.
function soundChecks(set, parts, checksOf) {
  const known = new Map();
  return (some) => {
    const fresh = [...new Map(some.map((m) => [`${m.name} ${m.ids}`, m])).entries()].filter(([key]) => !known.has(key));
    const runs = fresh.map(([, m]) => ({ set: parts.bytes(m.name, m.i, set[m.name][m.i], keeper(set, m, checksOf(m))), snapshots: checksOf(m).map((c) => c.bytes) }));
    runAll(runs).forEach((r, k) => {
      const [key, m] = fresh[k];
      known.set(key, r.error ? [] : checksOf(m).filter((c, j) => c.wrong(r.decisions[j]) === null));
    });
    return some.map((m) => known.get(`${m.name} ${m.ids}`));
  };
}

test('a change of any constant of any rule, and the loss of any rule or part of one, fails the table', () => {
  const set = sampleSet();
  const parts = new Parts(set);
  const checksOf = checksByRule();
  const soundOf = soundChecks(set, parts, checksOf);
  const count = { killed: 0, refused: 0, spare: 0 };
  const alive = [];
  const failsIn = (result, checks) => result.decisions.some((d, j) => checks[j].wrong(d) !== null);

  const left = [];
  // Each 32nd mutant, some 680; MUTANTS=1 takes all of them, in three minutes.
  const each = Number(process.env.MUTANTS || 32);
  const all = [...mutants(set)].filter((_, i) => i % each === 0);
  for (const some of batches(all)) {
    const sound = soundOf(some);
    const results = runAll(some.map((m, k) => ({ set: parts.bytes(m.name, m.i, m.value, keeper(set, m, checksOf(m))), snapshots: sound[k].map((c) => c.bytes) })));
    some.forEach((m, k) => {
      if (!results[k].error && failsIn(results[k], sound[k])) count.killed += 1;
      else left.push(m);
    });
  }
  for (const some of batches(left)) {
    const results = runAll(some.map((m) => ({ set: parts.bytes(m.name, m.i, m.value), snapshots: checksOf(m).map((c) => c.bytes) })));
    some.forEach((m, k) => {
      if (results[k].error) count.refused += 1;
      else if (failsIn(results[k], checksOf(m))) count.killed += 1;
      // A spelling that another one holds, as "penicillin allergy" does "penicillin": a chart with it is understood without it too,
      // which is what the rows of that very spelling just showed.
      else if (m.spelling && checksOf(m).some((c) => c.spelling === m.spelling)) count.spare += 1;
      else alive.push(m.what);
    });
  }
  const { killed, refused, spare } = count;
  console.log(`${killed} of ${all.length - refused - spare} mutants were noticed; of ${all.length} ${refused} are no valid rule sets, ${spare} spellings are held by others`);
  console.log(`${left.length} were tried in the whole set`);
  assert.equal(alive.length, 0, `not noticed:\n${alive.join('\n')}`);
});
