'use strict';
// What an order is checked for, through Check: units, limits over a patient's weight, surface and kidneys, allergies, other orders,
// slips, and what the chart does not say. The rule set is made up: nothing here is a dose of anything.

const test = require('node:test');
const assert = require('node:assert');
const { Site, amount, chart, interval, once, prescription, rulesOf, until, uuid } = require('./site');

const both = (en, zh = `${en}（试）`) => ({ en, zh });
const rule = (id, severity, more = {}) => ({ id, version: 1, severity: `SEVERITY_${severity}`, source: 'made up for tests', reviewed_on: '2026-11-21', ...more });
const YEARS = 365;
const PO = ['ROUTE_PO'];
const ingredient = (id, more = {}) => ({ id, name: both(id), unit: 'mg', source: 'made up for tests', ...more });
const drug = (id, ingredients = [id], products = []) => ({ id, name: both(`${id} the drug`), ingredients, routes: PO, products });
const holds = (i, mg, per = '1 {tablet}') => ({ ingredient: i, amount: amount(mg, 'mg'), per: amount(...per.split(' ')) });
const product = (id, strengths) => ({ id, name: both(id), form: 'tablet', routes: PO, strengths, source: 'made up for tests' });

const SET = {
  title: 'made up for tests of the check', notice: 'made up for tests: nothing here is a drug',
  ingredients: [
    ingredient('testozin', { synonyms: ['testogen'], codes: [{ system: 'http://example.org/drugs', code: 't1', display: 'Testozin' }] }),
    ingredient('otherin', { classes: ['sleepers'] }), ingredient('dozin', { classes: ['sleepers'] }),
    ingredient('nephrin', { renal: true }), ingredient('toxin'),
  ],
  drugs: [
    drug('testozin', ['testozin'], [product('testozin-500', [holds('testozin', 500)]), product('testozin-syrup', [holds('testozin', 120, '5 mL')])]),
    drug('duozin', ['testozin', 'otherin'], [product('duozin-weak', [holds('testozin', 500), holds('otherin', 5)]),
      product('duozin-strong', [holds('testozin', 500), holds('otherin', 50)])]),
    drug('dozin'), drug('nephrin'), drug('toxin'),
  ],
  dose_rules: [
    { rule: rule('adult', 'HARD'), ingredient: 'testozin', band: { age_from_days: 18 * YEARS }, max_single: amount(1, 'g'), max_daily: amount(4, 'g') },
    { rule: rule('child', 'HARD'), ingredient: 'testozin', band: { age_to_days: 18 * YEARS }, max_single_per_kg: amount(15, 'mg/kg') },
    { rule: rule('other', 'HARD'), ingredient: 'otherin', max_single: amount(60, 'mg') },
    { rule: rule('dozin', 'HARD'), ingredient: 'dozin', max_single: amount(60, 'mg') },
    { rule: rule('kidneys-fail', 'HARD', { final: true }), ingredient: 'nephrin', band: { renal_to: '30', renal_by: 'RENAL_BY_CRCL' }, contraindicated: true },
    { rule: rule('kidneys-work', 'WARN'), ingredient: 'nephrin', band: { renal_from: '30', renal_by: 'RENAL_BY_CRCL' }, max_single: amount(500, 'mg') },
    { rule: rule('surface', 'HARD'), ingredient: 'toxin', max_single_per_m2: amount(75, 'mg/m2') },
  ],
  interactions: [{ rule: rule('sleepy', 'WARN'), a: { ingredient: 'testozin' }, b: { class: 'sleepers' }, within_hours: 6, effect: both('Sleep.', '嗜睡。') }],
  duplicates: [{ rule: rule('one-sleeper', 'WARN'), class: 'sleepers', name: both('sleepers', '安眠药'), most: 1 }],
  allergies: [{ rule: rule('cross', 'HARD'), names: ['poppy'], allergy: { class: 'sleepers' }, forbids: [{ class: 'sleepers' }], effect: both('They cross-react.', '交叉过敏。') }],
  fresh: [{ rule: rule('fresh-weight', 'WARN'), what: 'WHAT_WEIGHT', age_to_days: 18 * YEARS, max_age_hours: 24 },
    { rule: rule('fresh-kidneys', 'WARN'), what: 'WHAT_CREATININE', max_age_hours: 48 }],
  slips: [{ rule: rule('tenfold', 'HARD'), kind: 'KIND_TENFOLD', factor: '10' }, { rule: rule('jump', 'HARD'), kind: 'KIND_WEIGHT_JUMP', factor: '1.8', within_hours: 720 },
    { rule: rule('calculated', 'WARN'), kind: 'KIND_NOT_AS_CALCULATED', factor: '0.1' }, { rule: rule('differs', 'WARN'), kind: 'KIND_WEIGHT_DIFFERS', factor: '0.1' }],
};

let site;
test.before(async () => { site = await Site.shared({ rules: SET }); });
test.after(() => site?.stop());

const WEIGHT = '29463-7', HEIGHT = '8302-2', CREATININE = '2160-0';
const CHILD = `${new Date().getFullYear() - 7}-01-15`;
const person = (more = {}) => site.charted(uuid(), { weight: null, height: null, ...more });
const asked = (drugId, dose, more = {}) => prescription(drugId, dose, { timing: once, ...more });
const told = async (patient, ...what) => rulesOf(await site.check(patient, asked(...what)));
// What was charted in records is known here soon, not at once.
const becomes = async (want, ...what) => {
  let last;
  await until('the check knows', async () => {
    last = await told(...what);
    return JSON.stringify(last) === JSON.stringify(want);
  }, { seconds: 90 }).catch((err) => { if (err.code) throw err; });
  assert.deepStrictEqual(last, want);
};
const refused = async (patient, p) => {
  const err = await site.orders.failure('Check', { patient_id: patient.id, prescription: p }, site.who('physician'));
  return `${err.code} ${err.reason}`;
};

test('a dose is a plain decimal above 0 in a unit that is exactly one of the drug\'s', async () => {
  const p = await person();
  for (const value of ['', '0', '0.0', '-1', '+1', '1e3', '1,5', '.5', '1.', '01', 'NaN', '٥', '123456789012345678901']) {
    assert.strictEqual(await refused(p, asked('testozin', '1 mg', { dose: { value, unit: 'mg' } })), 'INVALID_ARGUMENT DOSE_VALUE', value);
  }
  for (const unit of ['', 'tablet', 'mL', '{tablet}', '{capsule}', 'mmol', 'mg/kg', 'mg/h', 'Cel', 'mg{salt}', '%', 'mg '.repeat(60)]) {
    assert.strictEqual(await refused(p, asked('testozin', '1 mg', { dose: { value: '1', unit } })), 'INVALID_ARGUMENT DOSE_UNIT', unit);
  }
  assert.strictEqual(await refused(p, asked('testozin', '1 {capsule}', { product_id: 'testozin-500' })), 'INVALID_ARGUMENT DOSE_UNIT');
  assert.strictEqual(await refused(p, asked('testozin', '1 mg', { timing: { kind: 'KIND_CONTINUOUS' } })), 'INVALID_ARGUMENT DOSE_UNIT');
  assert.strictEqual(await refused(p, asked('duozin', '500 mg')), 'INVALID_ARGUMENT DOSE_UNIT', 'its products differ');
});

test('one dose in many units finds one thing', async () => {
  const p = await person();
  for (const [dose, more] of [['1000 mg'], ['1 g'], ['1.000 g'], ['1000000 ug'], ['2 {tablet}', { product_id: 'testozin-500' }]]) {
    assert.deepStrictEqual(await told(p, 'testozin', dose, more), [], dose);
  }
  for (const [dose, more] of [['1000.001 mg'], ['1.000001 g'], ['1000001 ug'], ['2.5 {tablet}', { product_id: 'testozin-500' }],
    ['42 mL', { product_id: 'testozin-syrup' }], ['0.042 L', { product_id: 'testozin-syrup' }]]) {
    assert.deepStrictEqual(await told(p, 'testozin', dose, more), ['adult'], dose);
  }
});

test('a finding says what was compared, in English and in Chinese', async () => {
  const p = await person({ birth_date: CHILD });
  const weight = await site.measure(p.id, WEIGHT, '20 kg');
  const d = await site.check(p, asked('testozin', '400 mg'));
  assert.deepStrictEqual(rulesOf(d), ['child']);
  assert.deepStrictEqual(d.findings[0].text, {
    en: 'testozin: one dose is 400 mg, at most 15 mg/kg, 300 mg at 20 kg.', zh: 'testozin（试）：单次剂量 400 mg，最多 15 mg/kg，按 20 kg 为 300 mg。',
  });
  assert.deepStrictEqual(d.findings[0].compared, [{ what: 'dose-per-kg', actual: amount(20, 'mg/kg'), limit: amount(15, 'mg/kg'), relation: '<=' }]);
  assert.strictEqual(d.findings[0].source, 'made up for tests');
  assert.strictEqual(d.outcome, 'OUTCOME_STOP');
  assert.strictEqual(d.snapshot.facts.weights[0].record_id, weight);
  const of = (id) => d.trace.find((t) => t.rule_id === id);
  assert.deepStrictEqual([of('child').result, of('adult').result, of('adult').why], ['RESULT_BROKEN', 'RESULT_NOT_FOR_THIS', 'age']);
});

test('a missing weight is a finding where a limit is over it, and only there; an old one too', async () => {
  const child = await person({ birth_date: CHILD });
  await becomes(['ward.no-weight'], child, 'testozin', '300 mg');
  assert.deepStrictEqual(await told(await person(), 'testozin', '300 mg'), []);
  await site.measure(child.id, WEIGHT, '20 kg', { hoursAgo: 25 });
  await becomes(['fresh-weight'], child, 'testozin', '300 mg');
  assert.deepStrictEqual(await told(child, 'testozin', '301 mg'), ['child', 'fresh-weight']);
  await site.measure(child.id, WEIGHT, '20 kg');
  await becomes([], child, 'testozin', '300 mg');
});

test('pounds are pounds, and a weight that jumps is a finding', async () => {
  const child = await person({ birth_date: CHILD });
  await site.measure(child.id, WEIGHT, '44.1 [lb_av]', { hoursAgo: 2 }); // 20.003421717 kg
  await becomes([], child, 'testozin', '300.05 mg');
  assert.deepStrictEqual(await told(child, 'testozin', '300.06 mg'), ['child']);
  await site.measure(child.id, WEIGHT, '44.1 kg');
  await becomes(['jump'], child, 'testozin', '300 mg');
  assert.deepStrictEqual(await told(await person(), 'testozin', '1 g'), []);
});

test('surface and kidneys are reckoned from the chart', async () => {
  const p = await person({ birth_date: '1970-01-01', gender: 'ADMINISTRATIVE_GENDER_MALE' });
  assert.deepStrictEqual(await told(p, 'toxin', '10 mg'), ['ward.no-weight']);
  await site.measure(p.id, WEIGHT, '60 kg');
  await becomes(['ward.no-height'], p, 'toxin', '10 mg');
  await site.measure(p.id, HEIGHT, '170 cm'); // 1.68 m2
  await becomes([], p, 'toxin', '126 mg');
  assert.deepStrictEqual(await told(p, 'toxin', '126.1 mg'), ['surface']);
  assert.deepStrictEqual(await told(p, 'nephrin', '5 mg'), ['ward.no-renal']);
  await site.measure(p.id, CREATININE, '1 mg/dL', { hoursAgo: 49 });
  await becomes(['fresh-kidneys'], p, 'nephrin', '5 mg');
  await site.measure(p.id, CREATININE, '4 mg/dL');
  await becomes(['kidneys-fail'], p, 'nephrin', '5 mg');
  const d = await site.check(p, asked('nephrin', '5 mg'));
  assert.deepStrictEqual(d.findings.map((f) => [f.rule_id, f.final]), [['kidneys-fail', true]]);
  const crcl = ((140 - (new Date().getUTCFullYear() - 1970)) * 60) / (72 * 4); // Cockcroft-Gault, born on a 1st of January
  assert.strictEqual(d.findings[0].text.en, `nephrin is not for this patient: creatinine clearance ${(Math.round(crcl * 10) / 10)} mL/min, below 30 mL/min.`);
});

test('allergies: known by code, name and class; unknown ones and none at all are told', async () => {
  const p = await person({ allergies: null });
  await becomes(['ward.allergy-unknown'], p, 'testozin', '5 mg');
  await site.allergy(p.id, chart.coded('http://example.org/other', 'x', 'House dust'));
  await becomes(['ward.allergy-text'], p, 'testozin', '5 mg');
  await site.allergy(p.id, { text: 'rash from Testogen' });
  await becomes(['ward.allergy', 'ward.allergy-text'], p, 'testozin', '5 mg');
  assert.deepStrictEqual(await told(p, 'dozin', '5 mg'), ['ward.allergy-text']);
  const coded = await person({ allergies: null });
  const id = await site.allergy(coded.id, chart.coded('http://example.org/drugs', 't1', 'anything'));
  await becomes(['ward.allergy'], coded, 'testozin', '5 mg');
  const d = await site.check(coded, asked('duozin', '1 {tablet}', { product_id: 'duozin-weak' }));
  assert.deepStrictEqual(d.findings.map((f) => [f.rule_id, f.about]), [['ward.allergy', [id]]]);
  const cross = await person({ allergies: null });
  await site.allergy(cross.id, { text: 'otherin' });
  await becomes(['cross'], cross, 'dozin', '5 mg');
});

test('what runs besides: interactions, one ingredient twice, too many of a class', async () => {
  const p = await person();
  const { order } = await site.place(p, prescription('testozin', '500 mg', { timing: interval(6) }));
  const d = await site.check(p, asked('dozin', '5 mg'));
  assert.deepStrictEqual(d.findings.map((f) => [f.rule_id, f.about, f.text.en, f.text.zh]),
    [['sleepy', [order.order_id], 'dozin with testozin: Sleep.', 'dozin（试） 与 testozin（试） 合用：嗜睡。']]);
  assert.deepStrictEqual(await told(p, 'testozin', '500 mg', { timing: interval(6) }), ['ward.same-ingredient']);
  assert.deepStrictEqual(await told(p, 'testozin', '501 mg', { timing: interval(6) }), ['adult', 'ward.same-ingredient']);
  assert.deepStrictEqual(await told(p, 'duozin', '1 {tablet}', { product_id: 'duozin-weak' }), ['ward.same-ingredient']);
  const other = await person();
  await site.place(other, asked('dozin', '5 mg'));
  assert.deepStrictEqual(await told(other, 'duozin', '1 {tablet}', { product_id: 'duozin-weak' }), ['one-sleeper', 'sleepy']);
  assert.deepStrictEqual(await told(other, 'duozin', '3 {tablet}', { product_id: 'duozin-strong' }), ['adult', 'other', 'one-sleeper', 'sleepy']);
});

test('slips show in numbers', async () => {
  const p = await person();
  await site.measure(p.id, WEIGHT, '70 kg');
  await becomes(['adult'], p, 'testozin', '9999 mg');
  assert.deepStrictEqual(await told(p, 'testozin', '10000 mg'), ['adult', 'tenfold']);
  assert.strictEqual(await refused(p, asked('testozin', '500 Mg')), 'INVALID_ARGUMENT DOSE_UNIT', 'a megagram: nobody means it');
  const from = (per, weight) => ({ calculated_from: { per: amount(...per.split(' ')), weight: amount(...weight.split(' ')) } });
  assert.deepStrictEqual(await told(p, 'testozin', '700 mg', from('10 mg/kg', '70 kg')), []);
  assert.deepStrictEqual(await told(p, 'testozin', '600 mg', from('10 mg/kg', '70 kg')), ['calculated']);
  assert.deepStrictEqual(await told(p, 'testozin', '700 mg', from('10 mg/kg', '154.324 [lb_av]')), []);
  assert.deepStrictEqual(await told(p, 'testozin', '900 mg', from('10 mg/kg', '90 kg')), ['differs']);
});
