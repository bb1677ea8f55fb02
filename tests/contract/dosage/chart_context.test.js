'use strict';
// What the chart says against a drug, from records to the finding: problems, laboratory values, pregnancy, answers; and what has to be
// measured.

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { Site, chart, until, uuid } = require('./site');
const { madeUpSet, harmless } = require('./ordering');

const ICD = 'http://hl7.org/fhir/sid/icd-10';
const both = (en, zh) => ({ en, zh });
const rule = (id, severity) => ({ id, version: 1, severity: `SEVERITY_${severity}`, source: 'made up for tests', reviewed_on: '2026-11-22' });
const context = (id, severity, asks, when_unknown = 'SILENT') => ({
  rule: rule(id, severity), drugs: [{ ingredient: 'plainin' }], when_unknown: `WHEN_UNKNOWN_${when_unknown}`, effect: both('Made up.', '虚构。'), ...asks,
});
const potassium = {
  name: both('potassium', '血钾'), value: { loincs: ['2823-3'], relation: 'RELATION_ABOVE', limits: [{ value: '5.5', unit: 'mmol/L' }], max_age_hours: 24 },
};
// 30 codes more, so that no search can ask for all at once.
const MANY = ['1742-6', '1743-4', '1751-7', '1920-8', '1975-2', '1988-5', '2000-8', '2075-0', '2276-4', '2345-7', '2532-0', '2601-3', '2703-7', '2744-1', '2885-2', '2951-2', '3094-0', '3173-2', '4544-3',
  '6298-4', '6301-6', '6690-2', '6768-6', '718-7', '751-8', '777-3', '785-6', '787-2', '788-0', '789-8'];
const rules = () => ({
  ...madeUpSet(),
  context: [
    context('potassium-high', 'HARD', { any: [potassium] }, 'INFO'),
    context('heart-failure', 'WARN', { any: [{ name: both('heart failure', '心力衰竭'), problem: { below: [{ system: ICD, code: 'I50' }] } }] }),
    context('pregnant', 'WARN', { all: [{ name: both('pregnancy', '妊娠'), pregnancy: { from_week: 20, age_from_days: 4383, age_to_days: 18628 } }] }, 'INFO'),
    context('breastfeeding', 'WARN', { all: [{ name: both('breastfeeding', '哺乳期'), breastfeeding: {} }] }),
    context('allele', 'HARD', { all: [{ name: both('an allele', '等位基因'), answer: { loincs: ['57979-7'], values: [{ system: 'http://loinc.org', code: 'LA6576-8' }] } }] }),
    context('many', 'WARN', { any: MANY.map((code) => ({ name: both(code, `代码${code}`), value: { loincs: [code], relation: 'RELATION_ABOVE', limits: [{ value: '1000', unit: 'mmol/L' }], max_age_hours: 8760 } })) }),
  ],
  monitoring: [{ rule: rule('level', 'INFO'), drugs: [{ ingredient: 'plainin' }], name: both('a level', '血药浓度'), loincs: ['20578-1'], before_hours: 48 }],
});

let site;
before(async () => { site = await Site.start({ rules: rules(), env: { dosage: { WARD_ACCESS_S: '3600' } } }); });
after(() => site?.stop());

// "id:S ..." of the context and monitoring rules.
const told = async (p) => {
  const d = await site.check(p, harmless());
  return d.findings.filter((f) => !f.rule_id.startsWith('ward.')).map((f) => `${f.rule_id}:${f.severity[9]}`).join(' ');
};
const level = (p) => site.measure(p.id, '20578-1', '10 mg/L');
const man = async (more = {}) => {
  const p = await site.charted(uuid(), more);
  await level(p);
  return p;
};
const answer = (p, code, system, value) => site.record(chart.observation(p.id, {
  code: chart.loinc(code), effective_date_time: new Date().toISOString(), value_quantity: undefined, value_codeable_concept: chart.coded(system, value),
}), 'nurse');

test('a laboratory value stops an order as soon as it is charted, and no longer when a newer one is better', async () => {
  const p = await man();
  assert.equal(await told(p), 'potassium-high:I');
  await site.measure(p.id, '2823-3', '6.2 mmol/L', { hoursAgo: 2 });
  await until('the value is here', async () => await told(p) === 'potassium-high:H');
  const d = await site.check(p, harmless());
  const [f] = d.findings.filter((x) => x.rule_id === 'potassium-high');
  assert.match(f.text.en, /: potassium 6\.2 mmol\/L\. Made up\.$/);
  assert.match(f.text.zh, /：血钾 6\.2 mmol\/L。虚构。$/);
  assert.deepEqual(f.compared.map((c) => [c.what, c.actual.value, c.relation, c.limit.value]), [['loinc-2823-3', '6.2', '<=', '5.5']]);
  assert.deepEqual(d.snapshot.facts.labs.map((l) => [l.loinc, l.values.length]), [['20578-1', 1], ['2823-3', 1]]);
  const [placed] = [await site.place(p, harmless())];
  assert.equal(placed.decision.outcome, 'OUTCOME_STOP');
  await site.measure(p.id, '2823-3', '4.5 mmol/L', { hoursAgo: 1 });
  await until('the newer one is here', async () => await told(p) === '');
});

test('values that are preliminary or of a unit nobody can convert are not known', async () => {
  const p = await man();
  await site.measure(p.id, '2823-3', '6.2 mmol/L', { more: { status: 'STATUS_PRELIMINARY' } });
  await site.measure(p.id, '2823-3', '24 mg/dL');
  await site.caughtUp();
  assert.equal(await told(p), 'potassium-high:I');
});

test('a rare value is not hidden by the many of others', async () => {
  const p = await man();
  await site.measure(p.id, '2823-3', '6.2 mmol/L', { hoursAgo: 20 });
  for (let i = 0; i < 30; i++) for (const code of ['1742-6', '1743-4', '20578-1', '2885-2']) await site.measure(p.id, code, '20 mmol/L', { hoursAgo: i / 10 });
  await site.caughtUp();
  const { snapshot } = await site.check(p, harmless());
  const held = Object.fromEntries(snapshot.facts.labs.map((l) => [l.loinc, l.values.length]));
  assert.deepEqual(held, { '1742-6': 5, '1743-4': 5, '20578-1': 5, '2823-3': 1, '2885-2': 5 });
  assert.equal(await told(p), 'potassium-high:H');
});

test('an active problem counts under its code and what is above it, one that was resolved does not', async () => {
  const p = await man();
  await site.measure(p.id, '2823-3', '4 mmol/L');
  await site.record(chart.condition(p.id, { code: chart.coded('http://hl7.org/fhir/sid/icd-10-cm', 'I50.23') }), 'physician');
  await until('the problem is here', async () => await told(p) === 'heart-failure:W');
  const other = await man();
  await site.measure(other.id, '2823-3', '4 mmol/L');
  await site.record(chart.condition(other.id, {
    code: chart.coded(ICD, 'I50.2'), clinical_status: chart.coded('http://terminology.hl7.org/CodeSystem/condition-clinical', 'resolved'),
  }), 'physician');
  await site.caughtUp();
  assert.equal(await told(other), '');
});

test('a pregnancy and its week come from records, and silence is told of women of an age alone', async () => {
  const woman = { gender: 'ADMINISTRATIVE_GENDER_FEMALE', birth_date: '1995-01-01' };
  const p = await man(woman);
  await site.measure(p.id, '2823-3', '4 mmol/L');
  assert.equal(await told(p), 'pregnant:I');
  await answer(p, '82810-3', 'http://loinc.org', 'LA15173-0');
  const weeks = (n) => new Date(Date.now() + (40 - n) * 7 * 86400e3 - 3600e3).toISOString();
  const due = (n) => site.record(chart.observation(p.id, {
    code: chart.loinc('11778-8'), effective_date_time: new Date().toISOString(), value_quantity: undefined, value_date_time: weeks(n),
  }), 'nurse');
  await until('pregnant, of no known week', async () => await told(p) === 'pregnant:W');
  await due(19);
  await until('in week 19', async () => await told(p) === '');
  await due(20);
  await until('in week 20', async () => await told(p) === 'pregnant:W');
  await answer(p, '82810-3', 'http://loinc.org', 'LA26683-5');
  await until('not pregnant', async () => await told(p) === '');
  await answer(p, '63895-7', 'http://loinc.org', 'LA29252-6');
  await until('breastfeeding', async () => await told(p) === 'breastfeeding:W');
});

test('an answer by a code is found whenever it was given', async () => {
  const p = await man();
  await site.measure(p.id, '2823-3', '4 mmol/L');
  await answer(p, '57979-7', 'http://loinc.org', 'LA6576-8');
  await until('the answer is here', async () => await told(p) === 'allele:H');
});

test('what has to be measured is asked for where the chart has none', async () => {
  const p = await site.charted(uuid());
  await site.measure(p.id, '2823-3', '4 mmol/L');
  assert.equal(await told(p), 'level:I');
  await level(p);
  await until('measured', async () => await told(p) === '');
});
