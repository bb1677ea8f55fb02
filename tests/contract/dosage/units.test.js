'use strict';
// Units of orders and how amounts are shown, by the sample formulary: what no ward writes is refused, sentences say mcg, units and
// thousands, potassium chloride is ordered in mmol and g too.

const test = require('node:test');
const assert = require('node:assert');
const { Site, amount, once } = require('./site');
const { change, failure } = require('./ordering');
const { right } = require('./bedside');

let site, patient;
test.before(async () => {
  site = await Site.shared();
  patient = await site.patient();
  await site.measure(patient.id, '2160-0', '1 mg/dL');
  await site.measure(patient.id, '62238-1', '90 mL/min/{1.73_m2}');
});
test.after(() => site?.stop());

const order = (drug_id, value, unit, more = {}) => ({ drug_id, dose: amount(value, unit), route: 'ROUTE_PO', timing: once, ...more });
const check = (...p) => site.check(patient, order(...p));
const findings = async (...p) => (await check(...p)).findings.map((f) => `${f.severity.slice(9)} ${f.rule_id}`);

test('a unit that no ward writes is refused, in a check and in an order', async () => {
  for (const unit of ['Mg', 'kg', 'ng', 'pg', 'm[IU]', 'ug.1', '10*3.ug', 'dag', '1', '%', 'mg/mg', 'mg{x}', 'lb_av', '[lb_av]']) {
    for (const call of [() => check('digoxin', '1', unit), () => site.place(patient, order('digoxin', '1', unit))]) {
      const err = await failure(call());
      assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'DOSE_UNIT'], unit);
    }
  }
  const err = await failure(check('digoxin', '1', 'Mg'));
  assert.match(err.message, /this unit is not allowed/);
  for (const [drug, value, unit, more] of [['digoxin', '125', 'ug'], ['digoxin', '0.125', 'mg'], ['heparin', '5', 'k[IU]', { route: 'ROUTE_SC' }]]) await check(drug, value, unit, more);
});

test('sentences say mcg, units and thousands, in Chinese as a ward writes', async () => {
  const said = async (l, ...p) => (await check(...p)).findings.map((f) => f.text[l]).join('\n');
  const digoxin = ['digoxin', '1000000', 'ug'];
  assert.match(await said('en', ...digoxin), /1,000,000 mcg/);
  assert.match(await said('zh', ...digoxin), /1,000,000 微克/);
  const heparin = ['heparin', '50000', '[IU]', { route: 'ROUTE_SC' }];
  assert.match(await said('en', ...heparin), /50,000 units/);
  assert.match(await said('zh', ...heparin), /50,000 单位/);
  for (const p of [digoxin, heparin]) {
    for (const l of ['en', 'zh']) assert.doesNotMatch(await said(l, ...p), /\bug\b|\[IU\]|\d U\b|[\x01\x02]/);
  }
});

test('what is compared stays exact, in the units of the rule', async () => {
  const compared = (await check('digoxin', '1000000', 'ug')).findings.flatMap((x) => x.compared);
  assert.ok(compared.length > 0);
  for (const c of compared) assert.doesNotMatch(`${c.actual.value} ${c.actual.unit} ${c.limit.unit}`, /,|mcg/);
});

test('potassium chloride is ordered in mmol and in g, with the findings of the same in meq', async () => {
  for (const [value, unit, meq] of [['20', 'mmol', '20'], ['200', 'mmol', '200'], ['1.5', 'g', '20.1'], ['15', 'g', '201']]) {
    for (const route of ['ROUTE_PO', 'ROUTE_IV']) {
      assert.deepStrictEqual(await findings('potassium-chloride', value, unit, { route }), await findings('potassium-chloride', meq, 'meq', { route }), `${value} ${unit} ${route}`);
    }
  }
  const err = await failure(check('digoxin', '1', 'mmol'));
  assert.strictEqual(err.reason, 'DOSE_UNIT', 'nothing says so of another drug');
});

test('evidence at the bedside has no trailing zeros', async () => {
  const placed = await site.place(patient, order('paracetamol', '500.0', 'mg'));
  const [slot] = await site.slots(patient, { order_id: placed.order.order_id });
  const given = await site.give(patient, placed.order, slot, { scan: '0102999990010015', units: '1' });
  assert.deepStrictEqual([right(given, 'DOSE'), given.rights[2].evidence], ['PASS', '1 x paracetamol-tab-500 is 500 mg; 500 mg of 500 mg']);
});

test('an order keeps no trailing zeros, of dose and volume, nor does its change', async () => {
  const asked = order('paracetamol', '500.0', 'mg', { route: 'ROUTE_IV', volume: amount('50.00', 'mL'), infuse_over_minutes: 15 });
  const kept = (o) => [o.prescription.dose.value, o.prescription.volume.value];
  const other = await site.patient();
  const { order: placed, open } = await site.place(other, asked);
  assert.ok(placed, open?.join());
  assert.deepStrictEqual(kept(placed), ['500', '50']);
  const { order: changed } = await change(site, placed, { ...asked, dose: amount('250.50', 'mg'), volume: amount('100', 'mL') });
  assert.deepStrictEqual(kept(changed), ['250.5', '100']);
  const { order: read } = await site.orders.call('GetOrder', { order_id: placed.order_id }, site.who('nurse'));
  assert.deepStrictEqual(kept(read), ['250.5', '100']);
});
