'use strict';
// What is thrown away is no more than what was opened and not given: what was scanned, by the units that the nurse says.

const test = require('node:test');
const assert = require('node:assert');
const { Site, amount } = require('./site');
const { GTIN, gtin, bedsideSet, ordered, bedside, give, held, correct, refused, failure } = require('./bedside');

const VIAL = gtin('0299999000021');
let site;
test.before(async () => {
  const rules = bedsideSet();
  const strength = (mg, per) => ({ ingredient: 'testozin', amount: amount(mg, 'mg'), per: amount(1, per) });
  rules.drugs.find((d) => d.id === 'testozin').products.push({
    id: 'testozin-vial', name: { en: 'testozin vial', zh: '试药瓶' }, form: 'solution', routes: ['ROUTE_PO'], source: 'made up for tests',
    strengths: [strength(100, 'mL'), strength(1000, '{vial}')], gtins: [VIAL],
  });
  site = await Site.shared({ rules, audit: false });
});
test.after(() => site?.stop());

const mg = (n) => amount(n, 'mg');
const of = (n) => bedside(site, ordered({ dose: mg(n) }));
const vial = { scan: VIAL, volume: amount(4, 'mL') };
const tooMuch = ['INVALID_ARGUMENT', 'wasted'];
const why = async (promise) => { const e = await failure(promise); return [e.code, e.reason === e.code && e.field || e.reason]; };

test('the rest of a vial can be thrown away, and no more', async () => {
  const at = await of(400);
  assert.deepStrictEqual(await why(give(site, at, { ...vial, wasted: mg(601) })), tooMuch);
  assert.deepStrictEqual(await why(give(site, at, { ...vial, wasted: amount('6.01', 'mL') })), tooMuch);
  const { administration: d } = await give(site, at, { ...vial, wasted: mg(600) });
  assert.deepStrictEqual(d.wasted, mg(600));
  assert.deepStrictEqual(await why(correct(site, d, { wasted: mg(601) })), tooMuch, 'nor by a correction');
  assert.deepStrictEqual(await why(correct(site, d, { dose: mg(300), wasted: mg(701) })), tooMuch);
  assert.deepStrictEqual((await correct(site, d, { dose: mg(300), wasted: mg(700) })).administration.wasted, mg(700));
});

test('each vial that is scanned counts', async () => {
  const overrides = [{ rule_id: 'testozin-single-warn', reason_code: 'benefit' }];
  const at = await bedside(site, ordered({ dose: mg(1200) }), { overrides });
  const two = { scan: VIAL, volume: amount(10, 'mL'), more: [{ scan: VIAL, volume: amount(2, 'mL') }] };
  assert.deepStrictEqual(await why(give(site, at, { ...two, wasted: mg(801) })), tooMuch);
  assert.strictEqual((await give(site, at, { ...two, wasted: mg(800) })).recorded, true);
});

test('a half tablet leaves a half, a whole one nothing', async () => {
  const half = { scan: GTIN.testozinTab2, units: '0.5' };
  assert.deepStrictEqual(await why(give(site, await of(50), { ...half, wasted: mg(51) })), tooMuch);
  assert.strictEqual((await give(site, await of(50), { ...half, wasted: mg(50) })).recorded, true);
  assert.deepStrictEqual(await why(give(site, await of(100), { scan: GTIN.testozinTab2, units: '1', wasted: mg(1) })), tooMuch);
});

test('a dose that is thrown away is at most what was scanned for it', async () => {
  const all = (n, more) => held('WASTED', { wasted: mg(n), scan: GTIN.testozin, ...more });
  assert.deepStrictEqual(await why(give(site, await of(500), all(501))), tooMuch, 'one barcode is one tablet');
  assert.deepStrictEqual(await why(give(site, await of(500), all(1001, { units: '2' }))), tooMuch);
  assert.strictEqual((await give(site, await of(500), all(500))).recorded, true);
  assert.strictEqual((await give(site, await of(500), all(1000, { units: '2' }))).recorded, true);
  const dropped = await of(500);
  assert.strictEqual((await give(site, dropped, all(500))).recorded, true);
  assert.strictEqual((await give(site, dropped, { scan: GTIN.testozin, units: '1' })).recorded, true, 'the second tablet is given');
});

test('where nobody says how much was opened, nothing is compared', async () => {
  assert.strictEqual((await give(site, await of(500), { wasted: mg(600) })).recorded, true, 'not scanned');
  assert.strictEqual((await give(site, await of(500), { scan: GTIN.testozin, wasted: mg(600) })).recorded, true, 'not counted');
  assert.strictEqual((await give(site, await of(160), { scan: GTIN.testozinSyrup, volume: amount(5, 'mL'), wasted: mg(600) })).recorded, true, 'measured, of a bottle');
  assert.deepStrictEqual((await refused(site, await of(500), { wasted: mg(500001) })).field, 'wasted');
});
