'use strict';
// Records away and no chart cached: an order or a dose is refused for it with an error that leaves its key free, two people can go on
// without the chart, and the emergency path works.

const test = require('node:test');
const assert = require('node:assert');
const { start, bedside, give, ordered, second, emergency, failure, amount } = require('./bedside');
const { change, setState } = require('./ordering');

let site;
test.before(async () => { site = await start({ env: { dosage: { WARD_RECORDS_MS: '2000' } } }); });
test.after(() => site?.stop());

const UNREAD = ['UNAVAILABLE', 'CHART_UNAVAILABLE'];
const of = (err) => [err.code, err.reason];

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

// Whoever lists is let in; the chart is not read for them. A change of the patient that arrives later withdraws the permission: that first.
async function letIn(patient) {
  await site.caughtUp();
  const doctor = site.as('physician', { sub: `physician-${site.key()}` });
  await site.orders.call('ListOrders', { patient_id: patient.id }, doctor);
  return doctor;
}

async function withoutRecords(fn) {
  const { proc } = site.ward.services.records;
  proc.signal('SIGSTOP');
  try { return await fn(); } finally {
    proc.signal('SIGCONT');
    await sleep(1200); // a hung records is not asked for a second
  }
}

async function storedOf(patient) {
  const of = `patient_id = ${site.hex(patient.id)}`;
  return Promise.all(['drug_order', 'decision', 'administration'].map((t) => site.rows(t, of)));
}

test('Place: nothing is stored, and the same key places once records is back', async () => {
  const patient = await site.patient();
  const by = await letIn(patient);
  const call = { idempotency_key: site.key(), patient_id: patient.id, prescription: ordered() };
  await withoutRecords(async () => {
    const err = await failure(site.orders.call('Place', call, by));
    assert.deepStrictEqual(of(err), UNREAD);
    assert.ok(err.retryMs > 0, 'it says when to try again');
    assert.deepStrictEqual(await storedOf(patient), [0, 0, 0]);
  });
  const answer = await site.orders.call('Place', call, by);
  assert.strictEqual(answer.placed, true, answer.open.join());
  assert.deepStrictEqual(await site.orders.call('Place', call, by), answer);
  assert.strictEqual((await storedOf(patient))[0], 1);
});

test('Change and SetState ACTIVE likewise', async () => {
  const at = await bedside(site);
  const by = await letIn(at.patient);
  const held = (await setState(site, at.order, 'ON_HOLD')).order;
  const before = await storedOf(at.patient);
  const changed = { idempotency_key: site.key(), order_id: held.order_id, expected_version: held.version, prescription: ordered({ dose: amount(250, 'mg') }) };
  const active = { idempotency_key: site.key(), order_id: held.order_id, expected_version: held.version + 1, state: 'ORDER_STATE_ACTIVE', reason_code: 'no-longer-needed' };
  await withoutRecords(async () => {
    assert.deepStrictEqual(of(await failure(site.orders.call('Change', changed, by))), UNREAD);
    assert.deepStrictEqual(of(await failure(site.orders.call('SetState', { ...active, expected_version: held.version }, by))), UNREAD);
    assert.deepStrictEqual(await storedOf(at.patient), before);
  });
  assert.strictEqual((await site.orders.call('Change', changed, by)).changed, true);
  assert.strictEqual((await site.orders.call('SetState', active, by)).changed, true);
});

test('two people go on without the chart, and an emergency needs nobody', async () => {
  const patient = await site.patient();
  const by = await letIn(patient);
  const nurse = site.as('nurse', { sub: `nurse-${site.key()}` });
  await site.slots(patient, { by: nurse });
  await withoutRecords(async () => {
    const without = { overrides: [{ rule_id: 'ward.chart-unavailable', reason_code: 'specialist' }], second_person_token: second(site, 'pharmacist') };
    const answer = await site.place(patient, ordered(), { by, ...without });
    assert.ok(!answer.open.includes('ward.chart-unavailable'), 'that the chart is unread no longer stands in the way');
    const given = await emergency(site, patient, {}, { by: nurse });
    assert.strictEqual(given.administration.emergency, true);
  });
});

test('a wrong route is refused as ever, whether the chart is read or not', async () => {
  const at = await bedside(site);
  await letIn(at.patient);
  const nurse = site.as('nurse', { sub: `nurse-${site.key()}` });
  await site.slots(at.patient, { by: nurse });
  const ppid_token = await site.ppid(at.patient, { by: nurse });
  await withoutRecords(async () => {
    const answer = await give(site, at, { by: nurse, ppid_token, route: 'ROUTE_IV' });
    assert.strictEqual(answer.recorded, false);
  });
});
