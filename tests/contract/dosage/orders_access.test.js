'use strict';
// Who may order, and who may look: as records says of the patient, whatever way it is asked.

const test = require('node:test');
const assert = require('node:assert');
const { nobody, chart } = require('./site');
const { ordered, harmless, shared, placed, change, setState } = require('./ordering');

let site;
let patient;
let order;
let decision;
test.before(async () => {
  site = await shared({ audit: false });
  patient = await site.patient({ ward: 'ward-3' });
  ({ order, decision } = await site.place(patient, ordered(100)));
});
test.after(() => site?.stop());

// Every method, about this patient: [method, request, who may].
const METHODS = () => [
  ['Check', { patient_id: patient.id, prescription: harmless() }, 'PATIENT_NOT_FOUND'],
  ['Place', { idempotency_key: site.key(), patient_id: patient.id, prescription: harmless() }, 'PATIENT_NOT_FOUND'],
  ['Change', { idempotency_key: site.key(), order_id: order.order_id, expected_version: 1, prescription: ordered(200) }, 'ORDER_NOT_FOUND'],
  ['SetState', { idempotency_key: site.key(), order_id: order.order_id, expected_version: 1, state: 'ORDER_STATE_STOPPED', reason_code: 'no-longer-needed' }, 'ORDER_NOT_FOUND'],
  ['GetOrder', { order_id: order.order_id }, 'ORDER_NOT_FOUND'],
  ['ListOrders', { patient_id: patient.id }, 'PATIENT_NOT_FOUND'],
  ['OrderHistory', { order_id: order.order_id }, 'ORDER_NOT_FOUND'],
  ['GetDecision', { decision_id: decision.decision_id }, 'DECISION_NOT_FOUND'],
  ['ListDecisions', { patient_id: patient.id }, 'PATIENT_NOT_FOUND'],
  ['ReplayDecision', { decision_id: decision.decision_id }, 'DECISION_NOT_FOUND'],
  ['ReconcileHomeMedicine', {
    idempotency_key: site.key(), patient_id: patient.id, statement_id: nobody, statement_version: 1, decision: 'HOME_DECISION_STOP', reason: 'why',
  }, 'PATIENT_NOT_FOUND'],
  ['ListHomeMedicines', { patient_id: patient.id }, 'PATIENT_NOT_FOUND'],
];
const ROLES = {
  Check: ['physician', 'nurse', 'pharmacist'], Place: ['physician'], Change: ['physician'], SetState: ['physician', 'pharmacist'],
  ReconcileHomeMedicine: ['physician', 'pharmacist'],
};
const READ = ['physician', 'nurse', 'pharmacist'];

test('who works in another ward hears that there is nothing', async () => {
  for (const [method, request, reason] of METHODS()) {
    const role = (ROLES[method] ?? READ)[0];
    const err = await site.orders.failure(method, request, site.as(role, { sub: `${role}-far`, ward: 'icu' }));
    assert.deepStrictEqual([err.code, err.reason], ['NOT_FOUND', reason], method);
    assert.ok(!err.details.includes(patient.id));
  }
  assert.strictEqual(await site.rows('order_version', `order_id = ${site.hex(order.order_id)}`), 1);
});

test('what there is not is answered as what one may not see', async () => {
  for (const [method, request, reason] of METHODS()) {
    const unknown = { ...request };
    for (const field of ['patient_id', 'order_id', 'decision_id']) if (unknown[field]) unknown[field] = nobody;
    const role = (ROLES[method] ?? READ)[0];
    const none = await site.orders.failure(method, unknown, site.who(role));
    const far = await site.orders.failure(method, request, site.as(role, { sub: `${role}-far`, ward: 'icu' }));
    assert.deepStrictEqual([none.code, none.reason, none.details], [far.code, reason, far.details], method);
  }
});

test('ids that are none are named', async () => {
  for (const [method, request] of METHODS()) {
    const field = ['patient_id', 'order_id', 'decision_id'].find((f) => request[f]);
    for (const id of ['', 'x', `${patient.id}0`, 'a'.repeat(100000)]) {
      const err = await site.orders.failure(method, { ...request, [field]: id }, site.who((ROLES[method] ?? READ)[0]));
      assert.deepStrictEqual([err.code, err.field], ['INVALID_ARGUMENT', field], `${method} ${id.slice(0, 10)}`);
    }
  }
});

test('roles other than a method\'s are refused, and so is who comes for another purpose', async () => {
  for (const [method, request] of METHODS()) {
    const may = ROLES[method] ?? READ;
    for (const role of ['physician', 'nurse', 'pharmacist', 'registrar', 'dosage-admin', 'porter', 'auditor'].filter((r) => !may.includes(r))) {
      const err = await site.orders.failure(method, request, site.who(role));
      assert.strictEqual(err.code, 'PERMISSION_DENIED', `${method} ${role}`);
    }
    for (const purpose of ['HOPERAT', 'HRESCH', 'PATRQT', 'treat', '']) {
      const err = await site.orders.failure(method, request, site.as(may[0], { purpose }));
      assert.deepStrictEqual([err.code, err.reason], ['PERMISSION_DENIED', 'PURPOSE_NOT_ALLOWED'], `${method} ${purpose}`);
    }
    const none = await site.orders.failure(method, request, {});
    assert.strictEqual(none.code, 'UNAUTHENTICATED', method);
    const stranger = await site.api('dosage', { as: 'stranger' }).failure(method, request, site.who(may[0]));
    assert.strictEqual(stranger.code, 'PERMISSION_DENIED', method);
  }
});

test('nothing of it was done', async () => {
  const { order: now } = await site.orders.call('GetOrder', { order_id: order.order_id }, site.who('nurse'));
  assert.deepStrictEqual(now, order);
  assert.strictEqual(await site.rows('drug_order', `patient_id = ${site.hex(patient.id)}`), 1);
});

test('an order of another patient is not what Check asks about', async () => {
  const other = await site.patient();
  const err = await site.orders.failure('Check', { patient_id: other.id, prescription: ordered(100), order_id: order.order_id }, site.who('nurse'));
  assert.deepStrictEqual([err.code, err.reason], ['NOT_FOUND', 'ORDER_NOT_FOUND']);
});

test('the order goes by the ward of the patient, and moves with them by a change', async () => {
  const admin = site.api('dosageadmin');
  for (const [ward, time_zone] of [['ward-9', 'Asia/Shanghai'], ['ward-10', 'America/New_York']]) {
    await admin.call('SetWard', { idempotency_key: site.key(), ward: { ward, time_zone } }, site.who('dosage-admin'));
  }
  const of = (ward) => site.as('physician', { ward });
  const moved = await site.patient({ ward: 'ward-9' });
  const first = await placed(site, moved, harmless(), { by: of('ward-9') });
  assert.deepStrictEqual([first.ward, first.time_zone], ['ward-9', 'Asia/Shanghai']);
  await site.record(chart.encounter(moved.id, 'ward-10'));
  await site.api('records').call('Update', {
    idempotency_key: site.key(), expected_version: 1,
    resource: { ...chart.encounter(moved.id, 'ward-9', { status: 'STATUS_FINISHED', id: moved.encounter }) },
  }, site.who('registrar'));
  let now;
  for (let i = 0; i < 200; i++) { // the chart follows records' feed
    const answer = await site.orders.call('Check', { patient_id: moved.id, prescription: harmless(), order_id: first.order_id }, of('ward-10'));
    if (answer.decision.snapshot.facts.ward === 'ward-10') { now = answer; break; }
    await new Promise((r) => { setTimeout(r, 50); });
  }
  assert.ok(now, 'the encounter moved');
  assert.strictEqual(now.decision.snapshot.time_zone, 'America/New_York');
  const { order: second } = await change(site, first, harmless(), { by: of('ward-10') });
  assert.deepStrictEqual([second.ward, second.time_zone], ['ward-10', 'America/New_York']);
  const { order: held } = await setState(site, second, 'ON_HOLD', { by: of('ward-10') });
  assert.strictEqual(held.ward, 'ward-10');
});
