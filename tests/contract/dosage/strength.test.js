'use strict';
// RIGHT_DOSE rests on what was scanned and counted or measured, RIGHT_ROUTE on the product too: another strength, another form.

const test = require('node:test');
const assert = require('node:assert');
const { GTIN, shared, ordered, bedside, give, refused, right, amount, emergency } = require('./bedside');

let site;
test.before(async () => { site = await shared(); });
test.after(() => site?.stop());

const of = (mg, more = {}) => ordered({ dose: amount(mg, 'mg'), ...more });
// What RIGHT_DOSE says of an order of so many mg, given as ordered with this in hand.
async function dose(mg, more, p) {
  const answer = await give(site, await bedside(site, of(mg, p)), more);
  const r = answer.rights[2];
  return [right(answer, 'DOSE'), r.evidence, answer.recorded];
}

test('one unit of another strength is refused, with the numbers', async () => {
  assert.deepStrictEqual(await dose(500, { scan: GTIN.testozin250, units: '1' }), ['FAIL scanned-less', '1 x testozin-250 is 250 mg; 500 mg of 500 mg', false]);
  assert.deepStrictEqual(await dose(250, { scan: GTIN.testozin, units: '1' }), ['FAIL scanned-more', '1 x testozin-tablet is 500 mg; 250 mg of 250 mg', false]);
  assert.deepStrictEqual(await dose(500, { scan: GTIN.testozin250, units: '2' }), ['PASS', '2 x testozin-250 is 500 mg; 500 mg of 500 mg', true]);
});

test('a scan that is not counted passes nothing, and a strength that cannot make the dose fails', async () => {
  assert.deepStrictEqual(await dose(500, { scan: GTIN.testozin250 }), ['NOT_CHECKED units-not-given', '500 mg of 500 mg', true]);
  assert.deepStrictEqual(await dose(100, { scan: GTIN.testozin }), ['FAIL strength', '1 x testozin-tablet is 500 mg; 100 mg of 100 mg', false]);
  assert.deepStrictEqual(await dose(250, { scan: GTIN.testozin }), ['FAIL strength', '1 x testozin-tablet is 500 mg; 250 mg of 250 mg', false]);
  assert.deepStrictEqual(await dose(50, { scan: GTIN.testozinTab2 }), ['NOT_CHECKED units-not-given', '50 mg of 50 mg', true]);
});

test('halves only where the product has them', async () => {
  assert.deepStrictEqual(await dose(150, { scan: GTIN.testozinTab2, units: '1.5' }), ['PASS', '1.5 x testozin-100-scored is 150 mg; 150 mg of 150 mg', true]);
  assert.strictEqual((await dose(250, { scan: GTIN.testozin, units: '0.5' }))[0], 'FAIL whole-only');
  assert.strictEqual((await dose(50, { scan: GTIN.testozinCap, units: '0.5' }))[0], 'FAIL whole-only');
  assert.strictEqual((await dose(50, { scan: GTIN.testozinCap, dose: amount('0.5', '{capsule}') }))[0], 'FAIL whole-only');
  assert.strictEqual((await dose(25, { scan: GTIN.testozinTab2, dose: amount('0.25', '{tablet}') }))[0], 'FAIL whole-only');
  assert.strictEqual((await dose(200, { scan: GTIN.testozinCap, dose: amount('2', '{capsule}') }))[0], 'PASS');
});

test('each unit may be scanned, of several strengths', async () => {
  const unit = (scan, units = '') => ({ scan, units });
  const at = await bedside(site, of(850));
  const answer = await give(site, at, { scan: GTIN.testozin, more: [unit(GTIN.testozin250), unit(GTIN.testozinTab2)] });
  assert.deepStrictEqual([right(answer, 'DOSE'), answer.rights[2].evidence],
    ['PASS', '1 x testozin-tablet + 1 x testozin-250 + 1 x testozin-100-scored is 850 mg; 850 mg of 850 mg']);
  assert.deepStrictEqual(answer.administration.more_scanned.map((s) => s.product_id), ['testozin-250', 'testozin-100-scored']);
  assert.strictEqual((await dose(500, { scan: GTIN.testozin250, more: [unit(GTIN.testozin250, '2')] }))[0], 'FAIL scanned-more');
  assert.strictEqual((await dose(750, { scan: GTIN.testozin250, more: [unit(GTIN.testozin250, '2')] }))[0], 'PASS');
  const other = await give(site, await bedside(site, of(500)), { scan: GTIN.testozin, more: [unit(GTIN.alertin)] });
  assert.deepStrictEqual([right(other, 'DRUG'), right(other, 'DOSE'), other.recorded], ['FAIL another-product', 'NOT_CHECKED another-product', false]);
  const nobodys = await give(site, await bedside(site, of(500)), { scan: GTIN.testozin, more: [unit(GTIN.nobodys)] });
  assert.deepStrictEqual([right(nobodys, 'DRUG'), nobodys.recorded], ['FAIL unknown-product', false]);
});

test('a liquid is given by the volume that was measured', async () => {
  const syrup = { scan: GTIN.testozinSyrup };
  assert.deepStrictEqual(await dose(160, { ...syrup, volume: amount(5, 'mL') }), ['PASS', '5 mL of testozin-syrup is 160 mg; 160 mg of 160 mg', true]);
  assert.deepStrictEqual(await dose(160, syrup), ['NOT_CHECKED volume-not-given', '160 mg of 160 mg', true]);
  assert.deepStrictEqual((await dose(160, { ...syrup, volume: amount('0.5', 'mL') }))[0], 'FAIL scanned-less');
  assert.deepStrictEqual((await dose(160, { ...syrup, volume: amount(50, 'mL') }))[0], 'FAIL scanned-more');
  assert.strictEqual((await dose(100, { ...syrup, volume: amount('3.1', 'mL') }))[0], 'PASS', '3.125 mL, as a syringe shows it');
  assert.strictEqual((await dose(100, { ...syrup, volume: amount('3.2', 'mL') }))[0], 'FAIL scanned-more');
  assert.strictEqual((await dose(110, { ...syrup, volume: amount(3, 'mL') }))[0], 'FAIL scanned-less', '3.4 mL is more than 5 % more');
  assert.strictEqual((await dose(160, { ...syrup, dose: amount(5, 'mL') }))[0], 'PASS', 'the dose itself is a volume');
});

test('a suppository is counted', async () => {
  assert.strictEqual((await dose(500, { scan: GTIN.testozinSupp, units: '1' }, { route: 'ROUTE_PR' }))[0], 'PASS');
  assert.strictEqual((await dose(500, { scan: GTIN.testozinSupp, units: '2' }, { route: 'ROUTE_PR' }))[0], 'FAIL scanned-more');
});

test('patches are counted, by their rate', async () => {
  const patches = async (rate, more) => {
    const at = await bedside(site, ordered({ drug_id: 'patchin', dose: amount(rate, 'ug/h'), route: 'ROUTE_TD' }));
    const answer = await give(site, at, more);
    return [right(answer, 'DOSE'), answer.rights[2].evidence];
  };
  assert.deepStrictEqual(await patches(25, { scan: GTIN.patch25, units: '1' }), ['PASS', '1 x patchin-25 is 25 mcg/h; 25 mcg/h of 25 mcg/h']);
  assert.deepStrictEqual(await patches(25, { scan: GTIN.patch50, units: '1' }), ['FAIL scanned-more', '1 x patchin-50 is 50 mcg/h; 25 mcg/h of 25 mcg/h']);
  assert.deepStrictEqual(await patches(25, { scan: GTIN.patch50 }), ['FAIL strength', '1 x patchin-50 is 50 mcg/h; 25 mcg/h of 25 mcg/h']);
  assert.strictEqual((await patches(25, { scan: GTIN.patch50, units: '0.5' }))[0], 'FAIL whole-only');
  assert.strictEqual((await patches(75, { scan: GTIN.patch50, more: [{ scan: GTIN.patch25 }] }))[0], 'PASS');
  assert.strictEqual((await patches(50, { scan: GTIN.patch25 }))[0], 'NOT_CHECKED units-not-given');
});

test('a count needs a scan, and is one', async () => {
  const at = await bedside(site);
  const bad = async (more, field) => {
    const err = await refused(site, at, more);
    assert.deepStrictEqual([err.code, err.field], ['INVALID_ARGUMENT', field], JSON.stringify(more));
  };
  await bad({ units: '1' }, 'units');
  await bad({ volume: amount(1, 'mL') }, 'volume');
  await bad({ more: [{ scan: GTIN.testozin }] }, 'more');
  for (const units of ['0', '-1', '0.25', '1001', '1e2', 'one', ' 1']) await bad({ scan: GTIN.testozin, units }, 'units');
  await bad({ scan: GTIN.testozin, units: '1', volume: amount(1, 'mL') }, 'units');
  await bad({ scan: GTIN.testozinSyrup, units: '1' }, 'units');
  await bad({ scan: GTIN.testozin, volume: amount(1, 'mL') }, 'volume');
  await bad({ scan: GTIN.testozin, more: Array(21).fill({ scan: GTIN.testozin }) }, 'more');
  assert.strictEqual((await refused(site, at, { scan: GTIN.testozin, more: [{ scan: 'x' }] })).reason, 'SCAN_UNREADABLE');
});

test('a product that is not for the order\'s route is refused', async () => {
  const oral = await give(site, await bedside(site, of(500, { route: 'ROUTE_PR' })), { scan: GTIN.testozin250, units: '2' });
  assert.deepStrictEqual([right(oral, 'ROUTE'), oral.rights[3].evidence, oral.recorded], ['FAIL product-route', 'PR of PR; testozin-250 is for PO', false]);
  const supp = await give(site, await bedside(site, of(500)), { scan: GTIN.testozinSupp, units: '1' });
  assert.deepStrictEqual([right(supp, 'ROUTE'), supp.recorded], ['FAIL product-route', false]);
  const named = await give(site, await bedside(site, of(500)), { product_id: 'testozin-supp' });
  assert.deepStrictEqual([right(named, 'ROUTE'), named.recorded], ['FAIL product-route', false], 'named, not scanned');
  const one = await give(site, await bedside(site, of(500)), { scan: GTIN.testozin, more: [{ scan: GTIN.testozinSupp }] });
  assert.strictEqual(right(one, 'ROUTE'), 'FAIL product-route');
  const { administration: d } = await emergency(site, await site.patient(), { scan: GTIN.testozinSupp });
  assert.strictEqual(right(d, 'ROUTE'), 'FAIL product-route', 'in an emergency it is said');
});
