'use strict';
// Orders written twice, at once, and cut in the middle: two replicas on one database.

const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { RULES, ordered, harmless, override, start, placed, change, setState, failure } = require('./ordering');
const { prescription, interval } = require('./site');

let site;
let two;
test.before(async () => {
  site = await start({ services: ['records', 'dosage', 'dosage2'] });
  two = site.api('dosage', { on: 'dosage2' });
});
test.after(() => site?.stop());

const ROUNDS = 12;
const patient = async () => (await site.charted(crypto.randomUUID())).id;
const versions = (order) => site.rows('order_version', `order_id = ${site.hex(order.order_id)}`);
const ofPatient = (table, id) => site.rows(table, `patient_id = ${site.hex(id)}`);
const place = (id, p, more = {}) => ({ idempotency_key: site.key(), patient_id: id, prescription: p, ...more });
const at = (client, method, request, by = 'physician') => client.call(method, request, site.who(by)).then((a) => a, (err) => err);

test('two orders that together exceed a limit are never both placed', async () => {
  for (let i = 0; i < ROUNDS; i++) {
    const id = await patient();
    const known = i % 3 > 0; // with its chart on both replicas, so that they meet; or new to both
    if (known) await Promise.all([site.check(id, harmless()), site.check(id, harmless(), { on: two })]);
    const p = [ordered(500), prescription('testozin-syrup', '400 mg', { timing: interval(6) })];
    const answers = await Promise.all([at(site.orders, 'Place', place(id, p[i & 2 ? 1 : 0])), at(two, 'Place', place(id, p[i & 2 ? 0 : 1]))]);
    assert.deepStrictEqual(answers.map((a) => a.placed).sort(), [false, true], JSON.stringify(answers.map((a) => a.open ?? a)));
    const refused = answers.find((a) => !a.placed);
    assert.ok(refused.open.includes(RULES.hard), String(refused.open));
    assert.strictEqual(await ofPatient('drug_order', id), 1);
    assert.strictEqual(await ofPatient('decision', id), known ? 4 : 2);
  }
});

test('a patient whom nobody ordered for is made once, by whoever comes first', async () => {
  for (let i = 0; i < ROUNDS; i++) {
    const id = await patient();
    const calls = [site.orders, two, site.orders, two].map((c) => at(c, 'Check', { patient_id: id, prescription: harmless() }, 'nurse'));
    for (const a of await Promise.all(calls)) assert.strictEqual(a.decision?.outcome, 'OUTCOME_PASS', String(a));
    assert.strictEqual(await ofPatient('decision', id), 4);
    assert.strictEqual(await ofPatient('patient', id), 1);
  }
});

test('of two changes of one version one is written', async () => {
  for (let i = 0; i < ROUNDS; i++) {
    const order = await placed(site, await patient(), ordered(100));
    const answers = await Promise.all([
      change(site, order, ordered(200)).catch((e) => e), change(site, order, ordered(300), { on: two }).catch((e) => e),
    ]);
    assert.strictEqual(answers.filter((a) => a.changed).length, 1);
    const err = answers.find((a) => !a.changed);
    assert.deepStrictEqual([err.code, err.reason], ['ABORTED', 'VERSION_CONFLICT']);
    assert.strictEqual(await versions(order), 2);
  }
});

test('of a change and a stop at once one is written', async () => {
  for (let i = 0; i < ROUNDS; i++) {
    const order = await placed(site, await patient(), ordered(100));
    const answers = await Promise.all([
      change(site, order, ordered(200)).catch((e) => e), setState(site, order, 'STOPPED', { on: two }).catch((e) => e),
    ]);
    assert.strictEqual(answers.filter((a) => a.changed).length, 1);
    assert.strictEqual(await versions(order), 2);
  }
});

test('the same call is the same answer, on every replica, at once and later; a refusal too', async () => {
  const id = await patient();
  for (const p of [ordered(100), ordered(800), ordered(100, { draft: false })]) {
    const q = place(id, p);
    const [a, b] = await Promise.all([at(site.orders, 'Place', q), at(two, 'Place', q)]);
    assert.deepStrictEqual(a, b);
    assert.deepStrictEqual(await at(two, 'Place', q), a);
  }
  const draft = place(id, ordered(100), { draft: true });
  assert.deepStrictEqual(await at(site.orders, 'Place', draft), await at(two, 'Place', draft));
  const order = await placed(site, await patient(), ordered(100));
  const calls = [
    ['Change', { idempotency_key: site.key(), order_id: order.order_id, expected_version: 1, prescription: ordered(900) }],
    ['Change', { idempotency_key: site.key(), order_id: order.order_id, expected_version: 1, prescription: ordered(200) }],
    ['SetState', { idempotency_key: site.key(), order_id: order.order_id, expected_version: 2, state: 'ORDER_STATE_ON_HOLD', reason_code: 'no-longer-needed' }],
    ['SetState', { idempotency_key: site.key(), order_id: order.order_id, expected_version: 3, state: 'ORDER_STATE_ACTIVE', reason_code: 'no-longer-needed' }],
  ];
  const answers = [];
  for (const [method, q] of calls) answers.push(await at(site.orders, method, q));
  assert.deepStrictEqual(answers.map((a) => a.changed), [false, true, true, true], JSON.stringify(answers.map((a) => a.open ?? String(a))));
  // Later versions do not change what was answered.
  for (const [i, [method, q]] of calls.entries()) assert.deepStrictEqual(await at(two, method, q), answers[i], method);
  assert.strictEqual(await versions(order), 4);
});

test('a key is for one request, of one person', async () => {
  const id = await patient();
  const q = place(id, ordered(100));
  const first = await at(site.orders, 'Place', q);
  const err = await site.orders.failure('Place', { ...q, prescription: ordered(200) }, site.who('physician'));
  assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
  const other = await at(site.orders, 'Place', q, site.as('physician', { sub: 'physician-9' }));
  assert.notStrictEqual(other.decision.decision_id, first.decision.decision_id);
  for (const idempotency_key of ['', 'k'.repeat(129)]) {
    const bad = await site.orders.failure('Place', { ...q, idempotency_key }, site.who('physician'));
    assert.deepStrictEqual([bad.code, bad.field], ['INVALID_ARGUMENT', 'idempotency_key']);
  }
});

test('what failed is not an answer: the same key goes on once the request can be', async () => {
  const order = await placed(site, await patient(), ordered(100));
  const q = { idempotency_key: site.key(), order_id: order.order_id, expected_version: 2, prescription: ordered(300) };
  const err = await site.orders.failure('Change', q, site.who('physician'));
  assert.strictEqual(err.reason, 'VERSION_CONFLICT');
  await change(site, order, ordered(200));
  assert.strictEqual((await at(two, 'Change', q)).order.version, 3);
});

test('a call cut anywhere is done whole or not at all, and its key tells', async () => {
  const id = await patient();
  let order = await placed(site, id, ordered(1));
  for (let i = 0; i < 40; i++) {
    const q = { idempotency_key: site.key(), order_id: order.order_id, expected_version: order.version, prescription: ordered(2 + i) };
    let call;
    const cut = site.orders.call('Change', q, { ...site.who('physician'), onCall: (c) => { call = c; } }).catch((e) => e);
    await new Promise((r) => { setTimeout(r, i / 3); });
    call.cancel();
    await cut;
    const answer = await at(two, 'Change', q);
    assert.deepStrictEqual([answer.changed, answer.order?.version], [true, order.version + 1], String(answer));
    ({ order } = answer);
    assert.strictEqual(await versions(order), order.version);
  }
  const events = await site.outbox();
  const told = events.filter((e) => e.action.endsWith('/Change') && e.outcome === 'OUTCOME_SUCCESS' && e.patient === id && e.detail.again !== 'yes');
  assert.strictEqual(told.length, 40, 'an event a change');
});

test('every act is one event, about the patient, of ids and counts alone', async () => {
  const id = await patient();
  const order = await placed(site, id, ordered(100));
  await change(site, order, ordered(900));
  await site.orders.call('ListOrders', { patient_id: id }, site.who('nurse'));
  await site.orders.call('GetOrder', { order_id: order.order_id }, site.who('nurse'));
  await site.orders.call('OrderHistory', { order_id: order.order_id }, site.who('nurse'));
  const { decision } = await site.orders.call('Check', { patient_id: id, prescription: ordered(100) }, site.who('nurse'));
  await site.orders.call('GetDecision', { decision_id: decision.decision_id }, site.who('nurse'));
  await site.orders.call('ReplayDecision', { decision_id: decision.decision_id }, site.who('nurse'));
  await site.orders.call('ListDecisions', { patient_id: id }, site.who('nurse'));
  await failure(change(site, order, ordered(100), { version: 7 }));
  await failure(site.place(id, ordered(1100), { overrides: [override('no-such-rule')] }));
  const events = (await site.outbox()).filter((e) => e.patient === id);
  assert.deepStrictEqual(events.map((e) => [e.action.split('/').pop(), e.outcome, e.code]), [
    ['Place', 'OUTCOME_SUCCESS', ''], ['Change', 'OUTCOME_SUCCESS', ''], ['ListOrders', 'OUTCOME_SUCCESS', ''], ['GetOrder', 'OUTCOME_SUCCESS', ''],
    ['OrderHistory', 'OUTCOME_SUCCESS', ''], ['Check', 'OUTCOME_SUCCESS', ''], ['GetDecision', 'OUTCOME_SUCCESS', ''],
    ['ReplayDecision', 'OUTCOME_SUCCESS', ''], ['ListDecisions', 'OUTCOME_SUCCESS', ''], ['Change', 'OUTCOME_FAILURE', 'ABORTED/VERSION_CONFLICT'],
    ['Place', 'OUTCOME_FAILURE', 'INVALID_ARGUMENT/OVERRIDE_UNUSED'],
  ]);
  const [placedEvent, refusedEvent] = events;
  assert.strictEqual(placedEvent.detail.done, 'yes');
  assert.strictEqual(placedEvent.detail.order, order.order_id);
  assert.deepStrictEqual([refusedEvent.detail.done, refusedEvent.detail.outcome], ['no', 'stop']);
  for (const word of ['testozin', 'tablet', 'physician-1 ', '100 mg', 'Beispiel', '1980']) {
    assert.ok(!JSON.stringify(events.map((e) => e.detail)).includes(word), word);
  }
});
