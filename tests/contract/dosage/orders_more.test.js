'use strict';
// Orders: how long what has a last dose is looked for; calls that come again when what they said is past; merges meanwhile.

const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { once, interval, times, until } = require('./site');
const { RULES, harmless, ordered, override, shared, placed, change, setState, failure } = require('./ordering');

const HOUR = 3600e6;
const DAY = 24 * HOUR;
const FOR_GOOD = '9223372036854775807';

let site;
test.before(async () => { site = await shared(); });
test.after(() => site?.stop());

const now = () => Date.now() * 1000;
const us = (n) => String(Math.round(n));
const lookedForUntil = async (order) => (await site.sql(`SELECT ends_at_us FROM drug_order WHERE order_id = ${site.hex(order.order_id)}`))[0][0];
const got = async (order) => (await site.orders.call('GetOrder', { order_id: order.order_id }, site.who('nurse'))).order;

test('what has a last dose is looked for no longer than two days beyond it', async () => {
  const begin = now() + 10 * DAY;
  const at = async (timing, more = {}) =>
    placed(site, (await site.charted(crypto.randomUUID())).id, harmless({ timing, starts_at_us: us(begin), ...more }));
  const rows = [
    [await at(once), us(begin + 2 * DAY)],
    [await at(interval(6, { count: 3 })), us(begin + 12 * HOUR + 2 * DAY)],
    // Of doses at times of the day the latest day that the last can be on: the third with doses, the first being half gone.
    [await at({ ...times('08:00', '20:00'), count: 5 }), us(begin + 6 * DAY)],
    [await at(interval(6)), FOR_GOOD],
    [await at(interval(6), { ends_at_us: us(begin + DAY) }), us(begin + DAY)],
    [await at(interval(6, { count: 3 }), { ends_at_us: us(begin + DAY) }), us(begin + DAY)],
    [await at(interval(6, { count: 3 }), { ends_at_us: us(begin + 9 * DAY) }), us(begin + 12 * HOUR + 2 * DAY)],
  ];
  for (const [order, want] of rows) {
    assert.strictEqual(await lookedForUntil(order), want, JSON.stringify(order.prescription));
    assert.deepStrictEqual(await got(order), order);
  }
});

test('a change says anew until when, and leaves two days for the doses before it', async () => {
  const patient = await site.charted(crypto.randomUUID());
  const order = await placed(site, patient, harmless({ timing: interval(6), starts_at_us: us(now() - 5 * DAY) }));
  assert.strictEqual(await lookedForUntil(order), FOR_GOOD);
  const changed = await change(site, order, harmless({ timing: interval(6, { count: 1 }), starts_at_us: us(now() - 5 * DAY) }));
  assert.strictEqual(changed.changed, true);
  assert.strictEqual(await lookedForUntil(changed.order), us(Number(changed.order.written_at_us) + 2 * DAY));
  assert.deepStrictEqual(await got(changed.order), changed.order);
  const held = (await setState(site, changed.order, 'ON_HOLD')).order;
  assert.strictEqual(await lookedForUntil(held), us(Number(held.written_at_us) + 2 * DAY));
});

test('a dose of an order that has only one is due, then late, and the order is read all that time', async () => {
  const ward = { ward: 'ward-3', time_zone: 'Asia/Shanghai' };
  await site.api('dosageadmin').call('SetWard', { idempotency_key: site.key(), ward }, site.tokens['dosage-admin']);
  for (const hours of [0, 3, 23]) {
    const patient = await site.charted(crypto.randomUUID());
    const order = await placed(site, patient, harmless({ timing: once, starts_at_us: us(now() - hours * HOUR) }));
    const [slot] = await site.slots(patient, { order_id: order.order_id });
    assert.strictEqual(slot.state, hours === 0 ? 'SLOT_STATE_DUE' : 'SLOT_STATE_OVERDUE');
    const { slots } = await site.api('schedule').call('ListDue', { ward: 'ward-3' }, site.tokens.nurse);
    assert.ok(slots.some((s) => s.slot_id === slot.slot_id), `${hours} hours late`);
  }
});

// What each call says is good for some seconds from here on.
const SECONDS = 6;
const SKEW = 30; // that clocks may be apart: a token is good for as long beyond its end
const brief = () => {
  const at = Math.floor(Date.now() / 1000);
  return site.as('pharmacist', { sub: 'pharmacist-two', iat: at - 100, nbf: at - 100, exp: at - SKEW + SECONDS }).token;
};
const second = (more = {}) => ({ overrides: [override(RULES.hard, 'specialist')], second_person_token: brief(), ...more });

test('a call that comes again is answered as it was, though what it said is past', async () => {
  const ids = await Promise.all([1, 2, 3, 4].map(async () => (await site.charted(crypto.randomUUID())).id));
  const stopping = await placed(site, ids[2], harmless());
  const draft = await placed(site, ids[3], ordered(800), { draft: true });
  const ends_at_us = us(now() + SECONDS * 1e6);
  const past = ['INVALID_ARGUMENT', 'prescription.ends_at_us'];
  const refused = ['PERMISSION_DENIED', 'SECOND_PERSON_REFUSED'];
  const calls = [
    ['Place', { patient_id: ids[0], prescription: harmless({ ends_at_us }) }, past],
    ['Place', { patient_id: ids[1], prescription: ordered(800), ...second() }, refused],
    ['Change', { order_id: stopping.order_id, expected_version: 1, prescription: harmless({ ends_at_us }) }, past],
    ['SetState', { order_id: draft.order_id, expected_version: 1, state: 'ORDER_STATE_ACTIVE', ...second() }, refused],
  ].map(([method, request, why]) => ({ method, why, request: { idempotency_key: site.key(), ...request } }));
  for (const c of calls) {
    c.answer = await site.orders.call(c.method, c.request, site.tokens.physician);
    assert.strictEqual(c.answer.placed ?? c.answer.changed, true, `${c.method}: ${c.answer.open}`);
  }
  const written = await site.rows('order_version');
  while (Date.now() * 1000 < Number(ends_at_us) + 1e6) await new Promise((done) => setTimeout(done, 100));
  for (const { method, request, why } of calls) {
    const err = await failure(site.orders.call(method, { ...request, idempotency_key: site.key() }, site.tokens.physician));
    assert.deepStrictEqual([err.code, err.reason === err.code && err.field || err.reason], why, `${method}: a call that was not there before`);
  }
  for (const { method, request, answer } of calls) {
    assert.deepStrictEqual(await site.orders.call(method, request, site.tokens.physician), answer, method);
    const other = await failure(site.orders.call(method, { ...request, overrides: [override(RULES.warn)] }, site.tokens.physician));
    assert.deepStrictEqual([other.code, other.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH'], method);
    const away = await failure(site.orders.call(method, request, site.as('physician', { ward: 'icu' })));
    assert.strictEqual(away.code, 'NOT_FOUND', `${method}: who may not see the patient any more`);
  }
  assert.strictEqual(await site.rows('order_version'), written, 'nothing was written again');
});

test('who is merged while their order waits is locked with whom they are then', async () => {
  const [a, b] = (await Promise.all([1, 2].map(() => site.charted(crypto.randomUUID())))).map((p) => p.id);
  for (const id of [a, b]) await placed(site, id, harmless());
  const runs = async (what) => (await site.sql(`SELECT COUNT(*) FROM information_schema.processlist WHERE info = 'DO ${what}'`))[0][0] !== '0';
  // One moves b to a, as a merge does, and another holds a, as an order for a does, for longer.
  const moved = site.sql(`START TRANSACTION; UPDATE patient SET root_id = ${site.hex(a)} WHERE patient_id = ${site.hex(b)}; DO SLEEP(2.02); COMMIT`);
  const held = site.sql(`START TRANSACTION; SELECT patient_id FROM patient WHERE patient_id = ${site.hex(a)} FOR UPDATE; DO SLEEP(4.04);
    SELECT FLOOR(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000); COMMIT`);
  await Promise.all(['SLEEP(2.02)', 'SLEEP(4.04)'].map((what) => until(what, () => runs(what))));
  const [answer, rows] = await Promise.all([site.place(b, harmless()), held, moved]);
  const { snapshot } = answer.decision;
  const freed = rows.at(-1)[0];
  assert.ok(Number(freed) > 1e15, freed);
  assert.ok(Number(snapshot.at_us) >= Number(freed), 'what is decided by is read behind the lock of both');
  assert.strictEqual(snapshot.running.length, 2);
});
