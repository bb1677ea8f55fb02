'use strict';
// Orders: checked, placed, changed, with overrides and a second person.

const test = require('node:test');
const assert = require('node:assert');
const { interval, once, prescription, rulesOf, UUID, nobody } = require('./site');
const { RULES, ordered, harmless, override, shared, placed, change, setState, failure } = require('./ordering');

let site;
test.before(async () => { site = await shared(); });
test.after(() => site?.stop());

const daily = (mg, more = {}) => ordered(mg, { timing: interval(24), ...more });
const second = (role = 'pharmacist', claims = {}) => site.as(role, { sub: `${role}-two`, ...claims }).token;

test('Check says what would be found, keeps the decision, and orders nothing', async () => {
  const patient = await site.patient();
  const good = await site.check(patient, daily(500));
  assert.strictEqual(good.outcome, 'OUTCOME_PASS');
  assert.strictEqual(good.decided_by, 'physician-1');
  assert.match(good.decision_id, UUID);
  assert.strictEqual(good.snapshot.purpose, 'CHECK_PURPOSE_ASK');
  assert.strictEqual(good.snapshot.patient_id, patient.id);
  assert.ok(Math.abs(Number(good.snapshot.prescription.starts_at_us) - Date.now() * 1000) < 60e6, 'starts now');

  const bad = await site.check(patient, ordered(1100), { by: 'nurse' });
  assert.strictEqual(bad.outcome, 'OUTCOME_STOP');
  assert.ok(rulesOf(bad).includes(RULES.warn) && rulesOf(bad).includes(RULES.hard));
  const { decision } = await site.orders.call('GetDecision', { decision_id: bad.decision_id }, site.who('nurse'));
  assert.deepStrictEqual(decision, bad);
  const { orders } = await site.orders.call('ListOrders', { patient_id: patient.id }, site.who('nurse'));
  assert.deepStrictEqual(orders, []);
});

test('what passes is ordered, at version 1, by the clock of the patient\'s ward', async () => {
  const patient = await site.patient({ ward: 'ward-3' });
  const answer = await site.place(patient, daily(500, { ends_at_us: String((Date.now() + 864e5) * 1000), instructions: ['with-food'] }));
  assert.strictEqual(answer.placed, true);
  assert.deepStrictEqual(answer.open, []);
  const { order, decision } = answer;
  assert.strictEqual(order.version, 1);
  assert.strictEqual(order.state, 'ORDER_STATE_ACTIVE');
  assert.strictEqual(order.patient_id, patient.id);
  assert.strictEqual(order.ward, 'ward-3');
  assert.notStrictEqual(order.time_zone, '');
  assert.strictEqual(order.written_by, 'physician-1');
  assert.strictEqual(order.decision_id, decision.decision_id);
  assert.strictEqual(order.event_id, decision.event_id);
  assert.strictEqual(order.prescription.starts_at_us, order.written_at_us);
  assert.deepStrictEqual(order.prescription.instructions, ['with-food']);
  assert.strictEqual(decision.snapshot.purpose, 'CHECK_PURPOSE_PLACE');
  const got = await site.orders.call('GetOrder', { order_id: order.order_id }, site.who('nurse'));
  assert.deepStrictEqual(got.order, order);
});

test('a refusal is an answer: nothing is ordered, the decision and its findings are kept', async () => {
  const patient = await site.patient();
  const before = await site.rows('finding', 'followed');
  const answer = await site.place(patient, daily(1100));
  assert.strictEqual(answer.placed, false);
  assert.strictEqual(answer.order, null);
  assert.deepStrictEqual(answer.open, [RULES.warn]);
  assert.strictEqual(answer.decision.outcome, 'OUTCOME_WARN');
  const { decision } = await site.orders.call('GetDecision', { decision_id: answer.decision.decision_id }, site.who('physician'));
  assert.deepStrictEqual(decision, answer.decision);
  assert.strictEqual(await site.rows('drug_order', `patient_id = ${site.hex(patient.id)}`), 0);
  assert.strictEqual(await site.rows('finding', 'followed') - before, 1);
});

test('a warning goes on with a reason that the caller\'s role may give', async () => {
  const patient = await site.patient();
  const p = daily(1100);
  const none = await failure(site.place(patient, p, { overrides: [override(RULES.warn, 'no-such')] }));
  assert.deepStrictEqual([none.code, none.reason], ['INVALID_ARGUMENT', 'REASON_UNKNOWN']);
  const role = await failure(site.place(patient, p, { overrides: [override(RULES.warn, 'nurse-knows')] }));
  assert.deepStrictEqual([role.code, role.reason], ['PERMISSION_DENIED', 'OVERRIDE_ROLE']);
  const use = await failure(site.place(patient, p, { overrides: [override(RULES.warn, 'specialist')] }));
  assert.deepStrictEqual([use.code, use.reason], ['INVALID_ARGUMENT', 'REASON_UNKNOWN']);
  const unused = await failure(site.place(patient, p, { overrides: [override(RULES.warn), override(RULES.hard, 'specialist')] }));
  assert.deepStrictEqual([unused.code, unused.reason], ['INVALID_ARGUMENT', 'OVERRIDE_UNUSED']);
  assert.strictEqual(await site.rows('drug_order', `patient_id = ${site.hex(patient.id)}`), 0);

  const before = await site.rows('finding', 'overridden');
  const answer = await site.place(patient, p, { overrides: [override(RULES.warn)] });
  assert.strictEqual(answer.placed, true);
  assert.deepStrictEqual(answer.decision.overrides, [override(RULES.warn)]);
  assert.strictEqual(answer.order.second_person, '');
  assert.strictEqual(await site.rows('finding', 'overridden') - before, 1);
});

test('a hard stop needs a second person beside the reason', async () => {
  const patient = await site.patient();
  const p = ordered(800);
  const overrides = [override(RULES.hard, 'specialist')];
  const alone = await site.place(patient, p, { overrides });
  assert.deepStrictEqual([alone.placed, alone.open], [false, [RULES.hard]]);

  const tokens = {
    'no token': 'eyJhbGciOiJub25lIn0.e30.',
    'the caller\'s own': site.tokens.physician.token,
    'the caller in another role': site.as('pharmacist', { sub: 'physician-1' }).token,
    'a nurse': second('nurse'),
    'one that expired': second('pharmacist', { lifetime: -600 }),
  };
  for (const [what, token] of Object.entries(tokens)) {
    const err = await failure(site.place(patient, p, { overrides, second_person_token: token }));
    assert.deepStrictEqual([err.code, err.reason], ['PERMISSION_DENIED', 'SECOND_PERSON_REFUSED'], what);
  }
  const answer = await site.place(patient, p, { overrides, second_person_token: second() });
  assert.strictEqual(answer.placed, true);
  assert.strictEqual(answer.order.second_person, 'pharmacist-two');
  assert.strictEqual(answer.decision.second_person, 'pharmacist-two');
});

test('what is final goes by no way', async () => {
  const patient = await site.patient();
  const p = daily(6000);
  const overrides = [override(RULES.warn), override(RULES.hard, 'specialist')];
  const answer = await site.place(patient, p, { overrides, second_person_token: second() });
  assert.deepStrictEqual([answer.placed, answer.open], [false, [RULES.final]]);
  const err = await failure(site.place(patient, p, { overrides: [...overrides, override(RULES.final, 'specialist')], second_person_token: second() }));
  assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'OVERRIDE_UNUSED']);
});

test('what runs counts: two orders that exceed together do not both pass, one that is stopped no more', async () => {
  const patient = await site.patient();
  const first = await placed(site, patient, ordered(500));
  const two = await site.place(patient, ordered(400));
  assert.ok(!two.placed && two.open.includes(RULES.hard), String(two.open));
  assert.deepStrictEqual(two.decision.snapshot.running.map((r) => r.order_id), [first.order_id]);
  const asked = await site.check(patient, ordered(600), { order_id: first.order_id });
  assert.deepStrictEqual([asked.snapshot.order_id, asked.snapshot.running], [first.order_id, []]);
  assert.strictEqual(asked.outcome, 'OUTCOME_PASS');
  await setState(site, first, 'STOPPED');
  assert.strictEqual((await site.place(patient, ordered(400))).placed, true);
});

test('an order on hold runs still; one that ended does not', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, ordered(500));
  await setState(site, order, 'ON_HOLD');
  const { snapshot } = await site.check(patient, daily(100));
  assert.deepStrictEqual(snapshot.running.map((r) => [r.order_id, r.on_hold]), [[order.order_id, true]]);

  const other = await site.patient();
  const short = await placed(site, other, daily(100, { ends_at_us: String((Date.now() + 3000) * 1000) }));
  assert.notStrictEqual(short.prescription.ends_at_us, '0');
  for (;;) { // until it has ended
    const later = await site.check(other, daily(100));
    if (later.snapshot.running.length === 0) break;
    assert.ok(BigInt(later.snapshot.at_us) < BigInt(short.prescription.ends_at_us));
  }
});

test('a change is another prescription of the same ingredients, as a version of its own', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, ordered(500));
  const answer = await change(site, order, ordered(600));
  assert.strictEqual(answer.changed, true);
  assert.strictEqual(answer.order.version, 2);
  assert.strictEqual(answer.order.prescription.dose.value, '600');
  assert.strictEqual(answer.decision.snapshot.purpose, 'CHECK_PURPOSE_CHANGE');
  assert.deepStrictEqual(answer.decision.snapshot.running, []);
  assert.strictEqual(answer.order.decision_id, answer.decision.decision_id);

  const refused = await change(site, answer.order, ordered(800));
  assert.deepStrictEqual([refused.changed, refused.open, refused.order], [false, [RULES.hard], answer.order]);
  const stale = await failure(change(site, order, ordered(400)));
  assert.deepStrictEqual([stale.code, stale.reason], ['ABORTED', 'VERSION_CONFLICT']);
  for (const drug of ['plainin', 'duozin', 'no-such-drug']) {
    const err = await failure(change(site, answer.order, prescription(drug, '10 mg')));
    assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'DRUG_CHANGED'], drug);
  }
  const syrup = await change(site, answer.order, prescription('testozin-syrup', '300 mg'));
  assert.deepStrictEqual([syrup.changed, syrup.order.version], [true, 3]);
  const stopped = await setState(site, syrup.order, 'STOPPED');
  const over = await failure(change(site, stopped.order, ordered(500)));
  assert.deepStrictEqual([over.code, over.reason], ['FAILED_PRECONDITION', 'ORDER_STATE']);
  const unknown = await failure(change(site, { order_id: nobody, version: 1 }, ordered(500)));
  assert.deepStrictEqual([unknown.code, unknown.reason], ['NOT_FOUND', 'ORDER_NOT_FOUND']);
});

test('every version is kept, newest first, and can be read', async () => {
  const patient = await site.patient();
  let order = await placed(site, patient, ordered(500));
  for (const mg of [510, 520, 530]) ({ order } = await change(site, order, ordered(mg)));
  ({ order } = await setState(site, order, 'STOPPED'));
  assert.strictEqual(order.reason_code, 'no-longer-needed');
  const history = (more) => site.orders.call('OrderHistory', { order_id: order.order_id, ...more }, site.who('nurse'));
  const all = await history();
  assert.deepStrictEqual(all.orders.map((o) => [o.version, o.prescription.dose.value]), [[5, '530'], [4, '530'], [3, '520'], [2, '510'], [1, '500']]);
  assert.strictEqual(all.next_page_token, '');
  const one = await history({ page_size: 3 });
  const two = await history({ page_size: 3, page_token: one.next_page_token });
  assert.deepStrictEqual([...one.orders, ...two.orders], all.orders);
  assert.strictEqual(two.next_page_token, '');
  for (const o of all.orders) {
    const got = await site.orders.call('GetOrder', { order_id: o.order_id, version: o.version }, site.who('nurse'));
    assert.deepStrictEqual(got.order, o);
  }
  const err = await site.orders.failure('GetOrder', { order_id: order.order_id, version: 6 }, site.who('nurse'));
  assert.deepStrictEqual([err.code, err.reason], ['NOT_FOUND', 'ORDER_NOT_FOUND']);
});

test('ListOrders gives a patient\'s orders, newest first, by state, page by page', async () => {
  const patient = await site.patient();
  const made = [];
  for (let i = 0; i < 7; i++) {
    const order = await placed(site, patient, harmless());
    made.unshift((await setState(site, order, i % 2 ? 'STOPPED' : 'COMPLETED')).order);
  }
  made.unshift(await placed(site, patient, harmless()));
  const list = (more) => site.orders.call('ListOrders', { patient_id: patient.id, ...more }, site.who('nurse'));
  assert.deepStrictEqual((await list()).orders, made);
  const stopped = await list({ states: ['ORDER_STATE_STOPPED'] });
  assert.deepStrictEqual(stopped.orders, made.filter((o) => o.state === 'ORDER_STATE_STOPPED'));
  const paged = [];
  let token = '';
  let pages = 0;
  do {
    const page = await list({ page_size: 3, page_token: token });
    paged.push(...page.orders);
    token = page.next_page_token;
    pages++;
  } while (token);
  assert.deepStrictEqual(paged, made);
  assert.strictEqual(pages, 3);
});

test('a page token is good for its own question alone', async () => {
  const patient = await site.patient();
  const other = await site.patient();
  for (const who of [patient, patient, other, other]) await setState(site, await placed(site, who, harmless()), 'STOPPED');
  const list = (more, by = 'nurse') => site.orders.call('ListOrders', { patient_id: patient.id, page_size: 1, ...more }, site.who(by));
  const { next_page_token: token, orders } = await list();
  assert.ok(token);
  const history = { order_id: orders[0].order_id, page_size: 1 };
  const { next_page_token: historyToken } = await site.orders.call('OrderHistory', history, site.who('nurse'));
  const cases = {
    'another patient': () => list({ page_token: token, patient_id: other.id }),
    'other states': () => list({ page_token: token, states: ['ORDER_STATE_STOPPED'] }),
    'another size': () => list({ page_token: token, page_size: 2 }),
    'another person': () => list({ page_token: token }, 'physician'),
    'another method': () => site.orders.call('OrderHistory', { ...history, page_token: token }, site.who('nurse')),
    'another method\'s': () => list({ page_token: historyToken }),
    'one bit changed': () => list({ page_token: (token[0] === 'A' ? 'B' : 'A') + token.slice(1) }),
    'cut short': () => list({ page_token: token.slice(0, -4) }),
    'no token': () => list({ page_token: '?'.repeat(5000) }),
  };
  for (const [what, ask] of Object.entries(cases)) {
    const err = await failure(ask());
    assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID'], what);
  }
  assert.strictEqual((await list({ page_token: token })).orders.length, 1);
});

test('an order whose last dose is long due runs no more, whatever its state', async () => {
  const patient = await site.patient();
  const starts = (hours) => ({ starts_at_us: String((Date.now() - hours * 3600e3) * 1000) });
  const runs = [
    await placed(site, patient, harmless({ timing: once, ...starts(23) })),
    await placed(site, patient, prescription('testozin', '10 mg', { timing: interval(1, { count: 3 }), ...starts(25) })),
  ];
  await placed(site, patient, prescription('lifozin', '10 mg', { timing: once, ...starts(25) }));
  await placed(site, patient, prescription('lifozin', '10 mg', { timing: interval(1, { count: 3 }), ...starts(27) }));
  const { snapshot } = await site.check(patient, daily(100));
  assert.deepStrictEqual(snapshot.running.map((r) => r.order_id), runs.map((o) => o.order_id).sort());
});

test('a limit for life counts what runs beside what is ordered', async () => {
  const patient = await site.patient();
  const p = (mg, count) => prescription('lifozin', `${mg} mg`, { timing: interval(24, { count }) });
  assert.strictEqual((await site.check(patient, p(100, 3))).outcome, 'OUTCOME_PASS');
  const much = await site.check(patient, p(2100, 1));
  assert.ok(rulesOf(much).includes(RULES.life));
  assert.deepStrictEqual(much.snapshot.lifetime, [], 'nothing was given before what is listed');
});
