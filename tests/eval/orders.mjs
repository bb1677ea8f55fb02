// orders.mjs - the order test: what the order check says to the scenarios of tests/eval/orders, by the sample formulary as shipped.
// Prints a table by category with 95 % intervals and writes build/results/eval-orders.json.
//
//   make eval-orders          prints each miss and each false alarm of the half `dev`
//   make eval-orders ALL=1    of both halves; only for a report: whoever mends rules looks at `dev` alone
//   make eval-orders ONLY=x   of the files whose names begin with x
//
// The halves are fixed: the first byte of the sha256 of a scenario's id (of its patient, in the ordinary ones) is even: dev; odd: held.
import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { Names, snapshotOf, terms } from './snapshot.mjs';
import { Topics } from './topics.mjs';

const require = createRequire(import.meta.url);
const { sampleSet } = require('../contract/dosage/site.js');
const { RuleSet, encode, encodeSnapshot, runAll } = require('../contract/dosage/clinical_run.js');

const FOLDER = new URL('orders/', import.meta.url);
const OUT = 'build/results/eval-orders.json';
const GOALS = { serious_alerted: 0.92, serious_stopped: 0.8, false_alarms: 0.05, false_alarms_no_labs: 0.1 };
const ALL = process.env.ALL === '1';

function scenarios() {
  return fs.readdirSync(FOLDER).filter((f) => f.endsWith('.json') && f.startsWith(process.env.ONLY ?? '')).sort().flatMap((f) => {
    const file = JSON.parse(fs.readFileSync(new URL(f, FOLDER)));
    return file.scenarios.map((s) => ({
      ...s, patient: typeof s.patient === 'string' ? file.patients[s.patient] : s.patient, category: file.category, ordinary: file.kind === 'ordinary',
      half: crypto.createHash('sha256').update(typeof s.patient === 'string' ? s.patient : s.id).digest()[0] % 2 ? 'held' : 'dev',
    }));
  });
}

// What is wrong with the scenarios themselves.
function faults(list) {
  const ids = new Set();
  return list.flatMap((s) => {
    const wrong = [];
    if (ids.has(s.id)) wrong.push('its id is there twice');
    ids.add(s.id);
    if (!(s.source.length > 8)) wrong.push('it has no source');
    if (s.ordinary === s.expect.alert || s.ordinary === s.expect.topics.length > 0) wrong.push('ordinary orders expect no alert, all others name its topics');
    if (s.expect.stop && !s.expect.serious) wrong.push('what must stop is serious');
    for (const name of Object.keys(s.patient.labs)) if (!terms.labs[name]) wrong.push(`terms.json has no LOINC of ${name}`);
    return wrong.map((w) => `${s.category}/${s.id}: ${w}`);
  });
}

const OUTCOMES = { OUTCOME_PASS: 'pass', OUTCOME_WARN: 'warn', OUTCOME_STOP: 'stop' };
const LOUD = ['SEVERITY_WARN', 'SEVERITY_HARD'];

function judge(s, decision, topics) {
  const findings = (decision.findings ?? []).filter((f) => LOUD.includes(f.severity));
  const relevant = findings.filter((f) => topics.relevant(f, s.expect.topics));
  return {
    error: decision.error, findings, outcome: OUTCOMES[decision.outcome] ?? 'error', alerted: relevant.length > 0,
    stopped: relevant.some((f) => f.severity === 'SEVERITY_HARD'), loud: decision.error !== undefined || decision.outcome !== 'OUTCOME_PASS',
  };
}

function run(set, list) {
  const names = new Names(set);
  const topics = new Topics(set, names);
  const ordinary = list.filter((s) => s.ordinary);
  const made = [...list.map((s) => snapshotOf(s, names)), ...ordinary.map((s) => snapshotOf(s, names, { labs: false }))];
  const [{ decisions, error }] = runAll([{ set: encode(RuleSet, set), snapshots: made.map((m) => encodeSnapshot(m.snapshot)) }]);
  if (error) throw new Error(`the sample formulary is not taken: ${error}`);
  list.forEach((s, i) => Object.assign(s, { result: judge(s, decisions[i], topics), missing: [...made[i].missing] }));
  ordinary.forEach((s, i) => { s.noLabs = judge(s, decisions[list.length + i], topics); });
}

// Wilson's interval, 95 %.
function wilson(k, n) {
  if (!n) return [0, 1];
  const z = 1.959964;
  const p = k / n;
  const mid = (p + z * z / (2 * n)) / (1 + z * z / n);
  const half = (z / (1 + z * z / n)) * Math.sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return [Math.max(0, mid - half), Math.min(1, mid + half)];
}
const percent = (x) => `${(100 * x).toFixed(1)} %`;
function rate(list, yes) {
  const k = list.filter(yes).length;
  return { k, n: list.length, value: list.length ? k / list.length : 0, ci: wilson(k, list.length) };
}
const shown = ({ k, n, value, ci }) => `${String(k).padStart(3)} of ${String(n).padStart(3)} = ${percent(value).padStart(7)} (${percent(ci[0])} to ${percent(ci[1])})`;

const known = (s) => s.missing.length === 0;
const FIGURES = {
  serious_alerted: (list) => rate(list.filter((s) => s.expect.serious), (s) => s.result.alerted),
  serious_stopped: (list) => rate(list.filter((s) => s.expect.stop), (s) => s.result.stopped),
  false_alarms: (list) => rate(list.filter((s) => s.ordinary), (s) => s.result.loud),
  false_alarms_no_labs: (list) => rate(list.filter((s) => s.ordinary), (s) => s.noLabs.loud),
  all_alerted: (list) => rate(list.filter((s) => s.expect.alert), (s) => s.result.alerted),
  known_serious_alerted: (list) => FIGURES.serious_alerted(list.filter(known)),
  known_serious_stopped: (list) => FIGURES.serious_stopped(list.filter(known)),
  known_false_alarms: (list) => FIGURES.false_alarms(list.filter(known)),
  known_false_alarms_no_labs: (list) => FIGURES.false_alarms_no_labs(list.filter(known)),
};
const WORDS = {
  serious_alerted: 'serious errors with a relevant alert', serious_stopped: 'stopped, of those that must be', false_alarms: 'false alarms, complete charts',
  false_alarms_no_labs: 'false alarms, no laboratory values', all_alerted: 'all errors with a relevant alert',
};

function table(list) {
  console.log(`${'category'.padEnd(18)}    n  alerted  must stop  stopped  false alarms  without labs`);
  for (const category of [...new Set(list.map((s) => s.category))]) {
    const of = list.filter((s) => s.category === category);
    const count = (yes) => String(of.filter(yes).length);
    const cells = of[0].ordinary ? ['', '', '', count((s) => s.result.loud), count((s) => s.noLabs.loud)]
      : [count((s) => s.result.alerted), count((s) => s.expect.stop), count((s) => s.expect.stop && s.result.stopped), '', ''];
    console.log(`${category.padEnd(18)} ${String(of.length).padStart(4)} ${[8, 10, 8, 13, 13].map((w, i) => cells[i].padStart(w)).join(' ')}`);
  }
}

function figures(title, list) {
  console.log(`\n${title}: ${list.length} scenarios, ${list.filter((s) => !known(s)).length} with a drug that the set does not have`);
  for (const [name, words] of Object.entries(WORDS)) {
    const goal = GOALS[name] === undefined ? '' : `, goal ${name.startsWith('false') ? 'at most' : 'at least'} ${percent(GOALS[name])}`;
    console.log(`  ${words.padEnd(38)} ${shown(FIGURES[name](list))}${goal}`);
    if (FIGURES[`known_${name}`]) console.log(`    ${'where the set has every drug'.padEnd(36)} ${shown(FIGURES[`known_${name}`](list))}`);
  }
}

const found = (r) => (r.error ? `no decision: ${r.error}` : r.findings.map((f) => `${f.severity.slice(9)} ${f.rule_id}`).join(', ') || 'nothing');
function details(list) {
  const line = (s, r) => console.log(`  ${s.category}/${s.id} ${s.title}: ${found(r)}${s.missing.length ? `; not in the set: ${s.missing.join(', ')}` : ''}`);
  const part = (title, of, result) => {
    console.log(`\n${title}: ${of.length}`);
    for (const s of of) line(s, result(s));
  };
  part('missed: no relevant alert', list.filter((s) => s.expect.alert && !s.result.alerted), (s) => s.result);
  part('alerted, but not stopped', list.filter((s) => s.expect.stop && s.result.alerted && !s.result.stopped), (s) => s.result);
  part('false alarms on complete charts', list.filter((s) => s.ordinary && s.result.loud), (s) => s.result);
  part('further false alarms without laboratory values', list.filter((s) => s.ordinary && !s.result.loud && s.noLabs.loud), (s) => s.noLabs);
  const missing = [...new Set(list.flatMap((s) => s.missing))].sort();
  console.log(`\ndrugs that the set does not have: ${missing.length}\n  ${missing.join(', ')}`);
}

function written(list) {
  const json = { scenarios: list.length, ordinary: list.filter((s) => s.ordinary).length, known_scenarios: list.filter(known).length };
  // The figures without a prefix are of the half that nobody tunes rules to.
  const halves = [['', list.filter((s) => s.half === 'held')], ['dev_', list.filter((s) => s.half === 'dev')], ['both_', list]];
  for (const [prefix, of] of halves) {
    for (const [name, figure] of Object.entries(FIGURES)) {
      const { n, value, ci } = figure(of);
      Object.assign(json, { [`${prefix}${name}`]: +value.toFixed(4), [`${prefix}${name}_n`]: n, [`${prefix}${name}_low`]: +ci[0].toFixed(4), [`${prefix}${name}_high`]: +ci[1].toFixed(4) });
      if (!prefix && GOALS[name] !== undefined) json[`goal_${name}`] = GOALS[name];
    }
  }
  fs.mkdirSync('build/results', { recursive: true });
  fs.writeFileSync(OUT, `${JSON.stringify(json, null, 2)}\n`);
}

const list = scenarios();
const wrong = faults(list);
if (wrong.length) throw new Error(wrong.join('\n'));
run(sampleSet(), list);
table(list);
figures('held, which rules are judged on', list.filter((s) => s.half === 'held'));
figures('dev, which rules may be tuned to', list.filter((s) => s.half === 'dev'));
figures('both halves', list);
details(ALL ? list : list.filter((s) => s.half === 'dev'));
if (!process.env.ONLY) {
  written(list);
  console.log(`\nwritten to ${OUT}`);
}
