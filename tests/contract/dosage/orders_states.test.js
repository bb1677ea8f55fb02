'use strict';
// States of orders: the whole table, reasons, drafts, doses.

const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { interval } = require('./site');
const { RULES, ordered, harmless, override, shared, placed, change, setState, failure } = require('./ordering');

let site;
test.before(async () => { site = await shared(); });
test.after(() => site?.stop());

const STATES = ['DRAFT', 'ACTIVE', 'ON_HOLD', 'STOPPED', 'COMPLETED', 'CANCELLED', 'ENTERED_IN_ERROR'];
// Row: from. Column: to, in the order of STATES. y: yes, d: only without a dose that stands, -: no.
const TABLE = {
  DRAFT: '-y---yd',
  ACTIVE: '--yyydd',
  ON_HOLD: '-y-y-dd',
  STOPPED: '------d',
  COMPLETED: '------d',
  CANCELLED: '------d',
  ENTERED_IN_ERROR: '-------',
};
const ID = () => crypto.randomUUID();

// An order in this state, of a patient of its own (a chart alone).
async function inState(state) {
  const { id } = await site.charted(ID());
  if (state === 'DRAFT') return placed(site, id, harmless(), { draft: true });
  const order = await placed(site, id, harmless());
  return state === 'ACTIVE' ? order : (await setState(site, order, state)).order;
}

// A dose that was given: a row as it stands in the table, which nothing here opens.
const giveDose = (order, counts = 1) => site.sql(`INSERT INTO administration (patient_id, administration_id, version, order_id, outcome,
  counts, given_at_us, recorded_at_us, recorded_by, second_person, ward, place, scanned, emergency, sealed) VALUES (${site.hex(order.patient_id)},
  ${site.hex(ID())}, 1, ${site.hex(order.order_id)}, 1, ${counts}, 1, 1, 'nurse-1', '', 'ward-3', 'bed', 0, 0, 'x')`);

for (const from of STATES) {
  test(`from ${from}: every step that is legal, and no other`, async () => {
    const stays = await inState(from);
    for (const [i, to] of STATES.entries()) {
      const mark = TABLE[from][i];
      const what = `${from} -> ${to}`;
      if (mark === '-') {
        const err = await failure(setState(site, stays, to));
        assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'ORDER_STATE'], what);
        continue;
      }
      const order = await inState(from);
      const answer = await setState(site, order, to);
      assert.deepStrictEqual([answer.changed, answer.order.state, answer.order.version], [true, `ORDER_STATE_${to}`, order.version + 1], what);
      assert.strictEqual(answer.decision !== null, to === 'ACTIVE', what);
      const { order: now } = await site.orders.call('GetOrder', { order_id: order.order_id }, site.who('physician'));
      assert.deepStrictEqual(now, answer.order, what);
    }
    const { order: now } = await site.orders.call('GetOrder', { order_id: stays.order_id }, site.who('physician'));
    assert.deepStrictEqual(now, stays, 'what was refused changed nothing');
  });
}

test('an order that doses were given of is not cancelled, nor ever wrong', async () => {
  for (const from of STATES) {
    for (const [i, to] of STATES.entries()) {
      if (TABLE[from][i] !== 'd') continue;
      const order = await inState(from);
      await giveDose(order, 0); // one that was refused, or taken back
      await giveDose(order);
      const err = await failure(setState(site, order, to));
      assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'ORDER_HAS_DOSES'], `${from} -> ${to}`);
      await site.sql(`UPDATE administration SET counts = 0 WHERE order_id = ${site.hex(order.order_id)}`);
      assert.strictEqual((await setState(site, order, to)).changed, true, `${from} -> ${to}`);
    }
  }
});

test('numbers that are no state are refused', async () => {
  const order = await inState('ACTIVE');
  for (const state of [0, 8, 99, -1]) {
    const err = await failure(setState(site, order, 'ACTIVE', { state }));
    assert.deepStrictEqual([err.code, err.field], ['INVALID_ARGUMENT', 'state'], String(state));
  }
});

test('a step needs a reason that the rule set has for it, by whom may give it', async () => {
  const order = await inState('ACTIVE');
  for (const reason_code of ['', 'no-such', 'benefit', 'x'.repeat(100000)]) {
    const err = await failure(setState(site, order, 'STOPPED', { reason_code }));
    assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'REASON_UNKNOWN'], reason_code.slice(0, 20));
  }
  const role = await failure(setState(site, order, 'STOPPED', { reason_code: 'pharmacy-asks' }));
  assert.deepStrictEqual([role.code, role.reason], ['PERMISSION_DENIED', 'OVERRIDE_ROLE']);
  const answer = await setState(site, order, 'ON_HOLD', { reason_code: 'pharmacy-asks', by: 'pharmacist' });
  assert.deepStrictEqual([answer.order.reason_code, answer.order.written_by], ['pharmacy-asks', 'pharmacist-1']);
  const drawn = await placed(site, order.patient_id, harmless(), { draft: true });
  const unknown = await failure(setState(site, drawn, 'ACTIVE', { reason_code: 'no-such' }));
  assert.deepStrictEqual([unknown.code, unknown.reason], ['INVALID_ARGUMENT', 'REASON_UNKNOWN']);
});

test('of two steps from one version one is taken', async () => {
  const order = await inState('ACTIVE');
  await setState(site, order, 'ON_HOLD');
  const err = await failure(setState(site, order, 'STOPPED'));
  assert.deepStrictEqual([err.code, err.reason], ['ABORTED', 'VERSION_CONFLICT']);
  for (const version of [3, 99]) {
    const ahead = await failure(setState(site, order, 'STOPPED', { version }));
    assert.deepStrictEqual([ahead.code, ahead.reason], ['ABORTED', 'VERSION_CONFLICT']);
  }
  const none = await failure(setState(site, order, 'STOPPED', { version: 0 }));
  assert.deepStrictEqual([none.code, none.field], ['INVALID_ARGUMENT', 'expected_version']);
});

test('a draft is kept unchecked, for its prescriber alone', async () => {
  const { id } = await site.charted(ID());
  const before = await site.rows('decision');
  const answer = await site.place(id, ordered(6000), { draft: true });
  assert.deepStrictEqual([answer.placed, answer.decision, answer.order.state], [true, null, 'ORDER_STATE_DRAFT']);
  assert.deepStrictEqual([answer.order.decision_id, answer.order.prescription.starts_at_us], ['', '0']);
  const changed = await change(site, answer.order, ordered(5500));
  assert.deepStrictEqual([changed.changed, changed.decision, changed.order.version], [true, null, 2]);
  assert.strictEqual(await site.rows('decision'), before, 'nothing was decided');

  const other = site.as('physician', { sub: 'physician-2' });
  for (const step of [() => change(site, changed.order, ordered(100), { by: other }), () => setState(site, changed.order, 'ACTIVE', { by: other }),
    () => setState(site, changed.order, 'CANCELLED', { by: 'pharmacist' })]) {
    const err = await failure(step());
    assert.deepStrictEqual([err.code, err.reason], ['PERMISSION_DENIED', 'ORDER_DRAFT']);
  }
  const { snapshot } = await site.check(id, harmless());
  assert.deepStrictEqual(snapshot.running, [], 'a draft does not run');
});

test('a draft that becomes an order is checked, and starts then', async () => {
  const { id } = await site.charted(ID());
  const { order } = await site.place(id, ordered(800), { draft: true });
  const refused = await setState(site, order, 'ACTIVE', { reason_code: '' });
  assert.deepStrictEqual([refused.changed, refused.open, refused.order], [false, [RULES.hard], order]);
  assert.strictEqual(refused.decision.snapshot.purpose, 'CHECK_PURPOSE_PLACE');
  const answer = await setState(site, order, 'ACTIVE', {
    reason_code: '', overrides: [override(RULES.hard, 'specialist')], second_person_token: site.as('pharmacist', { sub: 'pharmacist-two' }).token,
  });
  assert.strictEqual(answer.changed, true);
  assert.deepStrictEqual([answer.order.state, answer.order.second_person], ['ORDER_STATE_ACTIVE', 'pharmacist-two']);
  assert.strictEqual(answer.order.decision_id, answer.decision.decision_id);
  assert.strictEqual(answer.order.prescription.starts_at_us, answer.order.written_at_us);
});

test('what was on hold is checked again by what runs now', async () => {
  const { id } = await site.charted(ID());
  const order = await placed(site, id, ordered(500));
  const held = (await setState(site, order, 'ON_HOLD')).order;
  const twin = await site.place(id, ordered(400));
  // Whatever stands in its way while the first is on hold (it is the same drug) is overridden: it runs.
  const forced = await site.place(id, ordered(400), {
    overrides: twin.open.map((r) => override(r, twin.decision.findings.find((f) => f.rule_id === r).severity === 'SEVERITY_HARD' ? 'specialist' : 'benefit')),
    second_person_token: site.as('pharmacist', { sub: 'pharmacist-two' }).token,
  });
  assert.strictEqual(forced.placed, true, String(forced.open));
  const again = await setState(site, held, 'ACTIVE');
  assert.strictEqual(again.changed, false);
  assert.ok(again.open.includes(RULES.hard), String(again.open));
  assert.deepStrictEqual(again.decision.snapshot.running.map((r) => r.order_id), [forced.order.order_id]);
  assert.strictEqual(again.decision.snapshot.order_id, order.order_id);
});

test('overrides go with ACTIVE only, and a draft takes none', async () => {
  const order = await inState('ACTIVE');
  const err = await failure(setState(site, order, 'STOPPED', { overrides: [override(RULES.warn)] }));
  assert.deepStrictEqual([err.code, err.field], ['INVALID_ARGUMENT', 'overrides']);
  const draft = await failure(site.place(order.patient_id, harmless(), { draft: true, overrides: [override(RULES.warn)] }));
  assert.deepStrictEqual([draft.code, draft.field], ['INVALID_ARGUMENT', 'draft']);
});

test('an order that has ended goes on by a change, not by a state', async () => {
  const { id } = await site.charted(ID());
  const ends_at_us = String((Date.now() + 4000) * 1000);
  const order = await placed(site, id, harmless({ ends_at_us, timing: interval(24) }));
  const { order: held } = await setState(site, order, 'ON_HOLD');
  let err;
  do { err = await setState(site, held, 'ON_HOLD').catch((e) => e); } while (Date.now() * 1000 < Number(ends_at_us));
  assert.strictEqual(err.reason, 'ORDER_STATE');
  err = await failure(setState(site, held, 'ACTIVE'));
  assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'ORDER_STATE']);
  const { order: longer } = await change(site, held, harmless());
  assert.strictEqual(longer.state, 'ORDER_STATE_ON_HOLD');
  assert.strictEqual((await setState(site, longer, 'ACTIVE')).order.state, 'ORDER_STATE_ACTIVE');
});
