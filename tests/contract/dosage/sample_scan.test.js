'use strict';
// The sample formulary at the bedside: one unit of another strength, a product of another route, and every product with what it says of
// halves, routes and names.

const test = require('node:test');
const assert = require('node:assert');
const { Site, sampleSet, amount, once } = require('./site');
const { right } = require('./bedside');

let site;
const set = sampleSet();
const products = Object.fromEntries(set.drugs.flatMap((d) => d.products.map((p) => [p.id, p])));
test.before(async () => { site = await Site.shared(); });
test.after(() => site?.stop());

async function ordered(drug_id, value, unit, route) {
  const patient = await site.patient();
  await site.measure(patient.id, '2160-0', '1 mg/dL');
  await site.measure(patient.id, '62238-1', '90 mL/min/{1.73_m2}');
  const p = { drug_id, dose: amount(value, unit), route, timing: once };
  let placed = await site.place(patient, p);
  if (!placed.placed) {
    const overrides = placed.open.map((rule_id) => ({ rule_id, reason_code: 'specialist-advice' }));
    placed = await site.place(patient, p, { overrides, second_person_token: site.as('pharmacist', { sub: 'pharmacist-2' }).token });
  }
  assert.ok(placed.placed, `${drug_id}: ${placed.open}`);
  const [slot] = await site.slots(patient, { order_id: placed.order.order_id });
  return { patient, order: placed.order, slot };
}
const give = (at, product, more = {}) => site.give(at.patient, at.order, at.slot, {
  scan: `01${products[product].gtins[0]}`, second_person_token: site.as('nurse', { sub: 'nurse-2' }).token, ...more,
});

test('one tablet or capsule of another strength is refused, counted or not', async () => {
  const cases = [
    ['warfarin', 1, 'mg', 'warfarin-tab-5', '1 x warfarin-tab-5 is 5 mg; 1 mg of 1 mg'],
    ['digoxin', 62.5, 'ug', 'digoxin-tab-250', '1 x digoxin-tab-250 is 250 mcg; 62.5 mcg of 62.5 mcg'],
    ['levothyroxine', 25, 'ug', 'levothyroxine-tab-100', '1 x levothyroxine-tab-100 is 100 mcg; 25 mcg of 25 mcg'],
    ['apixaban', '2.5', 'mg', 'apixaban-tab-5', '1 x apixaban-tab-5 is 5 mg; 2.5 mg of 2.5 mg'],
    ['morphine', 10, 'mg', 'morphine-tab-30', '1 x morphine-tab-30 is 30 mg; 10 mg of 10 mg'],
    ['dofetilide', 125, 'ug', 'dofetilide-cap-500', '1 x dofetilide-cap-500 is 500 mcg; 125 mcg of 125 mcg'],
  ];
  for (const [drug, value, unit, product, evidence] of cases) {
    const at = await ordered(drug, value, unit, 'ROUTE_PO');
    const one = await give(at, product, { units: '1' });
    assert.deepStrictEqual([one.recorded, right(one, 'DOSE'), one.rights[2].evidence], [false, 'FAIL scanned-more', evidence]);
    const uncounted = await give(at, product);
    assert.deepStrictEqual([uncounted.recorded, right(uncounted, 'DOSE')], [false, 'FAIL strength'], product);
  }
});

test('half the dose is refused, and two tablets are the dose', async () => {
  const at = await ordered('metformin', 1000, 'mg', 'ROUTE_PO');
  const half = await give(at, 'metformin-tab-500', { units: '1' });
  assert.deepStrictEqual([half.recorded, right(half, 'DOSE'), half.rights[2].evidence],
    [false, 'FAIL scanned-less', '1 x metformin-tab-500 is 500 mg; 1000 mg of 1000 mg']);
  assert.deepStrictEqual((await give(at, 'metformin-tab-500', { units: '2' })).recorded, true);
});

test('a scored tablet may be halved, another not', async () => {
  const scored = await ordered('warfarin', '2.5', 'mg', 'ROUTE_PO');
  assert.strictEqual(right(await give(scored, 'warfarin-tab-5', { units: '0.5' }), 'DOSE'), 'PASS');
  const whole = await ordered('apixaban', '2.5', 'mg', 'ROUTE_PO');
  assert.strictEqual(right(await give(whole, 'apixaban-tab-5', { units: '0.5' }), 'DOSE'), 'FAIL whole-only');
});

test('a liquid of another concentration shows in the volume', async () => {
  const at = await ordered('morphine', 2, 'mg', 'ROUTE_IV');
  const inj = Object.values(products).find((p) => p.id.startsWith('morphine-inj-10')).id;
  const ten = await give(at, inj, { volume: amount(1, 'mL') });
  assert.deepStrictEqual([ten.recorded, right(ten, 'DOSE')], [false, 'FAIL scanned-more'], ten.rights[2].evidence);
  assert.strictEqual(right(await give(at, inj, { volume: amount('0.2', 'mL') }), 'DOSE'), 'PASS');
});

test('a product of another route is refused', async () => {
  const cases = [
    ['morphine', 4, 'mg', 'ROUTE_IV', (p) => p.form === 'oral solution'],
    ['paracetamol', 1000, 'mg', 'ROUTE_IV', (p) => p.id === 'paracetamol-tab-500'],
    ['potassium-chloride', 20, 'meq', 'ROUTE_PO', (p) => p.form.startsWith('solution for in')],
    ['methotrexate', 12, 'mg', 'ROUTE_IT', (p) => p.id === 'methotrexate-inj-25'],
  ];
  for (const [drug, value, unit, route, is] of cases) {
    const product = set.drugs.find((d) => d.id === drug).products.find(is);
    const answer = await give(await ordered(drug, value, unit, route), product.id);
    assert.deepStrictEqual([answer.recorded, right(answer, 'ROUTE')], [false, 'FAIL product-route'], product.id);
  }
});

test('no two products have one name; capsules and release forms are given whole', () => {
  for (const l of ['en', 'zh']) assert.strictEqual(new Set(Object.values(products).map((p) => p.name[l])).size, Object.keys(products).length, l);
  const halved = Object.values(products).filter((p) => p.may_be_halved);
  assert.ok(halved.length >= 20);
  for (const p of halved) assert.ok(/tablet/.test(p.form) && !/release|sublingual/.test(p.form) && p.halved_source, p.id);
  const of = (part) => Object.values(products).filter((p) => p.id.startsWith('methotrexate-inj') && part.test(p.name.en + p.name.zh));
  assert.strictEqual(of(/not for intrathecal use.*禁用于鞘内/).length, 1);
  assert.strictEqual(of(/preservative-free.*不含防腐剂/).length, 1);
});
