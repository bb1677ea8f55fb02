'use strict';
// What a dose is usually, how it is infused, what phase it is of, sums over a class, patches, and kidneys from creatinine alone: from
// the order to the finding and to the bedside. The rule set is made up: nothing here is a dose of anything.

const test = require('node:test');
const assert = require('node:assert');
const { Site, amount, interval, once, prescription, rulesOf, uuid } = require('./site');
const { madeUpSet, failure, placed } = require('./ordering');

const PATCH = '02999990000313'; // a GTIN with its check digit
const both = (en) => ({ en, zh: `${en}（试）` });
const rule = (id, severity) => ({ id, version: 1, severity: `SEVERITY_${severity}`, source: 'made up for tests', reviewed_on: '2026-11-22' });
const ingredient = (id, unit, more = {}) => ({ id, name: both(id), unit, source: 'made up for tests', ...more });
const drug = (id, route, products = []) => ({ id, name: both(id), ingredients: [id], routes: [].concat(route), products });
const product = (id, route, of, hold, per) => ({
  id, name: both(id), form: 'made up', routes: [route], source: 'made up for tests', strengths: [{ ingredient: of, amount: amount(...hold), per: amount(...per) }],
});

function doseSet() {
  const set = madeUpSet();
  set.ingredients.push(ingredient('sugarin', '[IU]'), ingredient('saltin', 'meq'), ingredient('patchin', 'ug', { classes: ['numbers'] }),
    ingredient('numbin', 'mg', { classes: ['numbers'] }), ingredient('filterin', 'mg'));
  set.drugs.push(drug('sugarin', 'ROUTE_IV'), drug('saltin', ['ROUTE_IV', 'ROUTE_IVINF'], [product('saltin-conc', 'ROUTE_IV', 'saltin', [20, 'meq'], [10, 'mL'])]),
    drug('patchin', 'ROUTE_TD', [{ ...product('patchin-25', 'ROUTE_TD', 'patchin', [25, 'ug/h'], [1, '{patch}']), gtins: [PATCH] }]), drug('numbin', 'ROUTE_PO'), drug('filterin', 'ROUTE_PO'));
  set.dose_rules.push(
    { rule: rule('sugarin-most', 'HARD'), ingredient: 'sugarin', max_single: amount(500, '[IU]') },
    {
      rule: rule('saltin-drip', 'HARD'), ingredient: 'saltin', band: { routes: ['ROUTE_IV'] }, max_single: amount(40, 'meq'),
      max_concentration: amount('0.4', 'meq/mL'), max_infusion_rate: amount(10, 'meq/h'), infusion_required: true,
    },
    { rule: rule('saltin-rate', 'WARN'), ingredient: 'saltin', band: { routes: ['ROUTE_IVINF'] }, max_rate: amount(10, 'meq/h') },
    { rule: rule('patchin-rate', 'HARD'), ingredient: 'patchin', max_rate: amount(100, 'ug/h') },
    { rule: rule('numbin-load', 'HARD'), ingredient: 'numbin', band: { phase: 'PHASE_LOADING' }, max_single: amount(40, 'mg') },
    { rule: rule('numbin-keep', 'HARD'), ingredient: 'numbin', band: { phase: 'PHASE_MAINTENANCE' }, max_single: amount(20, 'mg') },
    { rule: rule('filterin-low', 'HARD'), ingredient: 'filterin', band: { renal_to: '30', renal_by: 'RENAL_BY_EGFR' }, contraindicated: true },
    { rule: rule('filterin-all', 'WARN'), ingredient: 'filterin', max_single: amount(1000, 'mg') },
  );
  set.usual_doses = [{
    rule: rule('sugarin-usual', 'HARD'), ingredient: 'sugarin', low: amount(2, '[IU]'), high: amount(20, '[IU]'), factor: '10', warn_factor: '3',
    low_factor: '10', low_severity: 'SEVERITY_INFO',
  }];
  set.class_sums = [{
    rule: rule('numbers', 'WARN'), name: both('numbers'), unit: 'mg', max_daily: amount(90, 'mg'),
    members: [{ ingredient: 'patchin', routes: ['ROUTE_TD'], factor: '0.1' }, { ingredient: 'numbin', factor: '1' }],
  }];
  set.slips = [{ rule: rule('too-heavy', 'HARD'), kind: 'KIND_WEIGHT_FOR_AGE', factor: '8' }];
  return set;
}

let site;
test.before(async () => { site = await Site.shared({ rules: doseSet() }); });
test.after(() => site?.stop());

const order = (id, dose, route, more = {}) => prescription(id, dose, { route: `ROUTE_${route}`, timing: once, ...more });
const told = async (patient, ...what) => rulesOf(await site.check(patient, order(...what)));

test('ten times the usual dose stops, three times warns, a tenth is told', async () => {
  const p = await site.patient();
  assert.deepStrictEqual(await told(p, 'sugarin', '20 [IU]', 'IV'), []);
  const warned = await site.check(p, order('sugarin', '61 [IU]', 'IV'));
  assert.deepStrictEqual([rulesOf(warned), warned.outcome], [['sugarin-usual'], 'OUTCOME_WARN']);
  const stopped = await site.check(p, order('sugarin', '200 [IU]', 'IV'));
  assert.deepStrictEqual([rulesOf(stopped), stopped.outcome], [['sugarin-usual'], 'OUTCOME_STOP']);
  assert.deepStrictEqual(stopped.findings[0].text, {
    en: 'sugarin: one dose is 200 units, 10 times the usual highest amount of 20 units. Check the decimal point and the unit.',
    zh: 'sugarin（试）：单次剂量 200 单位，为常用最大量（20 单位）的 10 倍。请核对小数点和单位。',
  });
  const little = await site.check(p, order('sugarin', '0.2 [IU]', 'IV'));
  assert.deepStrictEqual([rulesOf(little), little.outcome], [['sugarin-usual'], 'OUTCOME_PASS']);
});

test('a concentrate is ordered with what it is diluted in and over how long, or not at all', async () => {
  const p = await site.patient();
  for (const more of [{}, { product_id: 'saltin-conc' }, { volume: amount(100, 'mL') }, { infuse_over_minutes: 120 },
    { volume: amount(40, 'mL'), infuse_over_minutes: 120 }, { volume: amount(100, 'mL'), infuse_over_minutes: 119 }]) {
    assert.deepStrictEqual(await told(p, 'saltin', '20 meq', 'IV', more), ['saltin-drip'], JSON.stringify(more));
  }
  assert.deepStrictEqual(await told(p, 'saltin', '20 meq', 'IV', { volume: amount(100, 'mL'), infuse_over_minutes: 120 }), []);
});

test('what an order says of its infusion must make sense', async () => {
  const p = await site.patient();
  const drip = { timing: { kind: 'KIND_CONTINUOUS' } };
  const field = async (...what) => failure(placed(site, p, order(...what))).then((e) => `${e.code} ${e.field}`);
  assert.strictEqual(await field('saltin', '5 meq/h', 'IVINF', { ...drip, volume: amount(100, 'mL') }), 'INVALID_ARGUMENT prescription.volume');
  assert.strictEqual(await field('saltin', '5 meq/h', 'IVINF', { ...drip, infuse_over_minutes: 5 }), 'INVALID_ARGUMENT prescription.infuse_over_minutes');
  assert.strictEqual(await field('saltin', '5 meq', 'IV', { concentration: amount(1, 'meq/mL') }), 'INVALID_ARGUMENT prescription.concentration');
  assert.strictEqual(await field('saltin', '5 meq', 'IV', { infuse_over_minutes: 1441 }), 'INVALID_ARGUMENT prescription.infuse_over_minutes');
  assert.strictEqual(await field('numbin', '5 mg', 'PO', { phase: 9 }), 'INVALID_ARGUMENT prescription.phase');
});

test('a loading dose has a limit of its own, and an order without a phase the smaller one', async () => {
  const p = await site.patient();
  assert.deepStrictEqual(await told(p, 'numbin', '40 mg', 'PO', { phase: 'PHASE_LOADING' }), []);
  assert.deepStrictEqual(await told(p, 'numbin', '40 mg', 'PO'), ['numbin-keep']);
  assert.deepStrictEqual(await told(p, 'numbin', '40 mg', 'PO', { phase: 'PHASE_MAINTENANCE' }), ['numbin-keep']);
});

test('a patch is ordered by its rate, counted in sums, and given as ordered', async () => {
  const p = await site.patient();
  const patch = order('patchin', '25 ug/h', 'TD', { timing: interval(72) });
  assert.deepStrictEqual(rulesOf(await site.check(p, { ...patch, dose: amount(101, 'ug/h') })), ['patchin-rate', 'numbers']);
  const o = await placed(site, p, patch);
  assert.deepStrictEqual(await told(p, 'numbin', '8 mg', 'PO', { timing: interval(6) }), ['numbers'], '60 and 32 of 90 mg');
  assert.deepStrictEqual(await told(p, 'numbin', '7 mg', 'PO', { timing: interval(6) }), [], '60 and 28');
  const [slot] = await site.slots(p, { order_id: o.order_id });
  const half = await site.give(p, o, slot, { dose: amount('12.5', 'ug/h') });
  assert.strictEqual(half.rights.find((r) => r.right === 'RIGHT_DOSE').result, 'RESULT_FAIL', 'half a patch');
  const given = await site.give(p, o, slot);
  assert.strictEqual(given.rights.find((r) => r.right === 'RIGHT_DOSE').result, 'RESULT_NOT_CHECKED', 'nothing was scanned');
  assert.strictEqual(given.administration.outcome, 'DOSE_OUTCOME_GIVEN');
  assert.deepStrictEqual(await told(p, 'numbin', '8 mg', 'PO', { timing: interval(6) }), ['numbers'], 'once, though it is ordered and given');
});

test('a patch that is scanned is given whole, and its count is the proof of the dose', async () => {
  const p = await site.patient();
  const o = await placed(site, p, order('patchin', '25 ug/h', 'TD', { timing: interval(72) }));
  const [slot] = await site.slots(p, { order_id: o.order_id });
  const dose = async (more) => {
    const answer = await site.give(p, o, slot, { scan: PATCH, ...more });
    const r = answer.rights.find((x) => x.right === 'RIGHT_DOSE');
    return [r.result.replace('RESULT_', ''), r.reason_code, answer.recorded];
  };
  assert.deepStrictEqual(await dose({ units: '0.5' }), ['FAIL', 'whole-only', false]);
  assert.deepStrictEqual(await dose({ units: '2' }), ['FAIL', 'scanned-more', false]);
  assert.deepStrictEqual(await dose({ units: '1' }), ['PASS', '', true]);
});

test('a creatinine alone is enough for a rule by eGFR', async () => {
  const p = await site.charted(uuid(), { birth_date: '1970-01-01', gender: 'ADMINISTRATIVE_GENDER_MALE' });
  await site.measure(p.id, '2160-0', '4 mg/dL');
  const d = await site.check(p, order('filterin', '500 mg', 'PO'));
  assert.deepStrictEqual(rulesOf(d), ['filterin-low']);
  assert.match(d.findings[0].text.en, /eGFR 1\d\.\d mL\/min, below 30 mL\/min/);
});
