'use strict';
// Rows of clinical/context.tsv as checks: a chart that says yes, one that says no, one that says nothing; and interactions that need
// more than two names. In a row charts are parted by ";", what one chart says by " + ".

const { NOON, HOUR, DAY, orderOf, runningOf, givenOf, snapshotOf, birthOf } = require('./clinical_patient');
const { readTables, found } = require('./clinical_doses');

const SYSTEMS = { icd: 'http://hl7.org/fhir/sid/icd-10', cm: 'http://hl7.org/fhir/sid/icd-10-cm', sct: 'http://snomed.info/sct' };
const LOINC = 'http://loinc.org';
const MAN = { days: 14700, sex: 'male' };

// ---- a chart in words ----

function problem(facts, system, code, ago) {
  const id = `problem-${facts.problems.length}`;
  facts.problems.push({ codings: [{ system: SYSTEMS[system], code }], record_id: id, record_version: 1, began_us: ago ? NOON - parseInt(ago, 10) * DAY : 0 });
}

function value(facts, loinc, amount, unit, ago) {
  const [, comparator, number] = /^([<>]?)(.*)$/.exec(amount);
  let series = facts.labs.find((l) => l.loinc === loinc);
  if (!series) facts.labs.push(series = { loinc, values: [] });
  series.values.push({ quantity: { value: number, unit }, comparator, at_us: NOON - (ago ? parseInt(ago, 10) : 1) * HOUR, record_id: `lab-${series.values.length}`, record_version: 1 });
  series.values.sort((a, b) => b.at_us - a.at_us);
}

const said = (is, ago = 1) => ({ is: `IS_${is}`, at_us: NOON - ago * DAY, record_id: 'said', record_version: 1 });

function say(facts, patient, words) {
  const [first, second, third, fourth] = words.split(' ');
  if (first === 'woman') Object.assign(patient, { sex: 'female', days: second === 'old' ? 20000 : 11000 });
  else if (first === 'man') Object.assign(patient, MAN);
  else if (first === 'days') patient.days = Number(second);
  else if (first === 'pregnant') Object.assign(facts, { pregnancy: said('YES'), due_us: NOON + (40 - Number(second)) * 7 * DAY });
  else if (words.startsWith('not pregnant')) facts.pregnancy = said('NO', parseInt(third, 10));
  else if (first === 'milk') facts.breastfeeding = said('YES');
  else if (SYSTEMS[first]) problem(facts, first, second, third);
  else if (second === '=') facts.answers.push({ loinc: first, values: [{ system: LOINC, code: third }], at_us: NOON - DAY, record_id: 'answer', record_version: 1 });
  else value(facts, first, second, third, fourth);
}

function snapshotWith(chart, order, more = {}) {
  const facts = { problems: [], labs: [], answers: [] };
  const patient = { ...MAN };
  for (const words of chart.split(' + ').filter(Boolean)) say(facts, patient, words.trim());
  const snapshot = snapshotOf(patient, order, more);
  Object.assign(snapshot.facts, facts, { birth_date: birthOf(patient.days) });
  return snapshot;
}

// ---- rows ----

const fires = (rule, severity) => (d) => {
  if (d.error) return `no decision: ${d.error}`;
  const f = found(d, rule);
  if (severity === '') return f.length ? `it is ${f[0].severity}: ${f[0].text.en}` : null;
  return f.length === 1 && f[0].severity === `SEVERITY_${severity}` ? null : `it should be ${severity}, it is ${f.map((x) => x.severity)}`;
};

const order = (text) => {
  const [drug, amount, unit, route] = text.split(' ');
  return orderOf(drug, `${amount} ${unit}`, route);
};

function rowChecks(row) {
  const charts = (text) => text.split(';').map((c) => c.trim()).filter(Boolean);
  const check = (chart, severity) => ({ id: `${row.rule} ${row.order}: ${chart || 'nothing'}`, rule: row.rule, snapshot: snapshotWith(chart, order(row.order)), wrong: fires(row.rule, severity) });
  const [unknown, who = ''] = (row.unknown ?? '').split(':');
  return [
    ...charts(row.yes).map((c) => check(c, row.severity)), ...charts(row.no).map((c) => check(c, c.includes('+ 2823-3 4') ? '' : noOf(row, c))), check(who, unknown),
  ];
}
// What an old value leaves open is what a rule says of silence.
const noOf = (row, chart) => (/ 3h$/.test(chart) ? row.unknown : '');

// ---- interactions that need more than two names ----

const PARTIES = { simvastatin: 'simvastatin', amlodipine: 'amlodipine' };
const RAAS = 'triple-whammy-ace-loop';
const daily = (drug, dose, more = {}) => ({ ...orderOf(drug, dose, 'PO'), timing: { kind: 'KIND_INTERVAL', interval_minutes: 1440 }, ...more });
const withOrders = (rule, severity, what, ...others) => ({
  id: `${rule} ${what.drug_id} ${what.dose.value} beside ${others.map((o) => `${o.drug_id} ${o.dose.value}`)}`, rule,
  snapshot: snapshotOf(MAN, what, { running: others.map((o, i) => runningOf(o, i)) }), wrong: fires(rule, severity),
});
const afterDose = (rule, severity, ordered, given, hours) => ({
  id: `${rule} ${ordered[0]} ${hours} h after ${given[0]}`, rule, snapshot: snapshotOf(MAN, orderOf(...ordered, 'PO'), { given: [givenOf(...given, hours * 60)] }),
  wrong: fires(rule, severity),
});

// A dose of prevention, and one just above it.
const FULL_DOSE = [
  ['nsaids-enoxaparin', 'enoxaparin', '60 mg', '60.1 mg'], ['nsaids-heparin', 'heparin', '15000 [IU]', '15001 [IU]'], ['nsaids-fondaparinux', 'fondaparinux', '2.5 mg', '2.51 mg'],
];
const NSAIDS = ['meloxicam', 'etoricoxib', 'indometacin', 'flurbiprofen', 'flurbiprofen-axetil', 'parecoxib'];
const BETA_BLOCKERS = ['metoprolol', 'propranolol', 'sotalol', 'bisoprolol', 'carvedilol', 'labetalol', 'esmolol', 'nebivolol', 'atenolol'];
const byVein = (drug, route, beta, by, hours, severity) => ({
  id: `verapamil-beta-blockers-iv ${drug} ${route}, ${beta} ${by} ${hours} h before`, rule: 'verapamil-beta-blockers-iv',
  snapshot: snapshotOf(MAN, orderOf(drug, '5 mg', route), { given: [givenOf(beta, '5 mg', hours * 60, { route: `ROUTE_${by}` })] }),
  wrong: fires('verapamil-beta-blockers-iv', severity),
});

const BINDERS = [
  ['fluoroquinolones-binders', ['ciprofloxacin', 'levofloxacin', 'moxifloxacin']], ['tetracyclines-binders', ['doxycycline', 'minocycline', 'tigecycline']],
];

const OPIOIDS = [
  'morphine', 'oxycodone', 'hydromorphone', 'fentanyl', 'tramadol', 'codeine', 'pethidine', 'methadone', 'tapentadol', 'buprenorphine',
  'nalbuphine', 'pentazocine', 'butorphanol', 'dezocine', 'sufentanil', 'remifentanil',
];
const older = (drug, other, days, severity) => ({
  id: `opioids-gabapentinoids-older ${drug} beside ${other} at ${days} days`, rule: 'opioids-gabapentinoids-older',
  snapshot: snapshotOf({ ...MAN, days }, daily(drug, '1 mg'), { running: [runningOf(daily(other, '1 mg'), 0)] }), wrong: fires('opioids-gabapentinoids-older', severity),
});

function interactionChecks() {
  const amlodipine = daily(PARTIES.amlodipine, '5 mg');
  const simvastatin = (dose) => daily(PARTIES.simvastatin, dose);
  const washouts = [
    ['fluoxetine-then-maoi', 'HARD', ['phenelzine', '15 mg'], ['fluoxetine', '20 mg'], 840], ['fluoxetine-then-maoi', 'HARD', ['fluoxetine', '20 mg'], ['phenelzine', '15 mg'], 336],
    ['amiodarone-then-digoxin', 'WARN', ['digoxin', '125 ug'], ['amiodarone', '200 mg'], 2160], ['amiodarone-then-warfarin', 'WARN', ['warfarin', '5 mg'], ['amiodarone', '200 mg'], 2160],
    ['warfarin-then-inhibitors', 'WARN', ['fluconazole', '200 mg'], ['warfarin', '5 mg'], 120],
  ];
  const newborn = (days, hours) => ({
    id: `ceftriaxone-calcium-newborn at ${days} days after ${hours} h`, rule: 'ceftriaxone-calcium-newborn',
    snapshot: snapshotOf({ days, kg: '3', cm: '50', creatinine: null }, orderOf('ceftriaxone', '150 mg', 'IV'), { given: [givenOf('calcium-gluconate', '100 mg', hours * 60, { route: 'ROUTE_IV' })] }),
    wrong: fires('ceftriaxone-calcium-newborn', days < 29 && hours < 48 ? 'HARD' : ''),
  });
  return [
    withOrders('simvastatin-amlodipine', 'WARN', simvastatin('20.1 mg'), amlodipine), withOrders('simvastatin-amlodipine', '', simvastatin('20 mg'), amlodipine),
    withOrders('simvastatin-amlodipine', 'WARN', amlodipine, simvastatin('20.1 mg')), withOrders('simvastatin-amlodipine', '', amlodipine, simvastatin('20 mg')),
    withOrders('simvastatin-amlodipine', '', simvastatin('40 mg')),
    ...washouts.flatMap(([rule, severity, ordered, given, hours]) => [afterDose(rule, severity, ordered, given, hours - 0.1), afterDose(rule, '', ordered, given, hours)]),
    ...FULL_DOSE.flatMap(([rule, other, dose, above]) => [
      withOrders(rule, 'WARN', daily('ibuprofen', '400 mg'), daily(other, above)), withOrders(rule, '', daily('ibuprofen', '400 mg'), daily(other, dose)),
      withOrders(rule, 'WARN', daily(other, above), daily('ketorolac', '10 mg')), withOrders(rule, '', daily(other, above)),
      ...['naproxen', 'celecoxib', 'diclofenac', ...NSAIDS].map((n) => withOrders(rule, 'WARN', daily(n, '1 mg'), daily(other, above))),
    ]),
    ...['verapamil', 'diltiazem'].flatMap((drug) => BETA_BLOCKERS.flatMap((b) => ['IV', 'IVP', 'IVINF'].flatMap((route) => [
      byVein(drug, route, b, route, 7.9, 'HARD'), byVein(drug, 'PO', b, route, 1, ''), byVein(drug, route, b, 'PO', 1, ''), byVein(drug, route, b, route, 8, ''),
    ]))),
    ...BINDERS.flatMap(([rule, drugs]) => drugs.flatMap((drug) => ['calcium-carbonate', 'ferrous-sulfate', 'sucralfate'].flatMap((b) => [
      withOrders(rule, 'WARN', daily(drug, '1 mg'), daily(b, '1 mg')), withOrders(rule, 'WARN', daily(b, '1 mg'), daily(drug, '1 mg')),
      withOrders(rule, 'WARN', daily(drug, '1 mg', { route: 'ROUTE_NG' }), daily(b, '1 mg', { route: 'ROUTE_NG' })),
      withOrders(rule, '', daily(drug, '1 mg', { route: 'ROUTE_IV' }), daily(b, '1 mg')), withOrders(rule, '', daily(drug, '1 mg'), daily(b, '1 mg', { route: 'ROUTE_IV' })),
    ]))),
    ...OPIOIDS.flatMap((drug) => [older(drug, 'gabapentin', 23741, 'WARN'), older('pregabalin', drug, 23741, 'WARN'), older(drug, 'gabapentin', 23740, '')]),
    newborn(5, 1), newborn(28, 1), newborn(29, 1), newborn(5, 47.9), newborn(5, 48),
    withOrders(RAAS, 'WARN', daily('ibuprofen', '400 mg'), daily('lisinopril', '10 mg'), daily('furosemide', '40 mg')), withOrders(RAAS, '', daily('ibuprofen', '400 mg'), daily('lisinopril', '10 mg')),
    withOrders('triple-whammy-ace-thiazide', 'WARN', daily('hydrochlorothiazide', '25 mg'), daily('lisinopril', '10 mg'), daily('ibuprofen', '400 mg')),
    withOrders('triple-whammy-ace-thiazide', '', daily('hydrochlorothiazide', '25 mg'), daily('ibuprofen', '400 mg')),
  ];
}

const contextChecks = () => [...readTables('context').flatMap(rowChecks), ...interactionChecks()];

module.exports = { contextChecks, snapshotWith, fires };
