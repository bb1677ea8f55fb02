'use strict';
// Orders: how long what has a last dose is looked for, and calls that come again when what they said is past.

const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { once, interval, times } = require('./site');
const { harmless, start, placed, change, setState, failure } = require('./ordering');

const HOUR = 3600e6;
const DAY = 24 * HOUR;
const FOR_GOOD = '9223372036854775807';

let site;
test.before(async () => { site = await start(); });
test.after(() => site?.stop());

const now = () => Date.now() * 1000;
const us = (n) => String(Math.round(n));
const until = async (order) => (await site.sql(`SELECT ends_at_us FROM drug_order WHERE order_id = ${site.hex(order.order_id)}`))[0][0];
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
    assert.strictEqual(await until(order), want, JSON.stringify(order.prescription));
    assert.deepStrictEqual(await got(order), order);
  }
});

test('a change says anew until when, and leaves two days for the doses before it', async () => {
  const patient = await site.charted(crypto.randomUUID());
  const order = await placed(site, patient, harmless({ timing: interval(6), starts_at_us: us(now() - 5 * DAY) }));
  assert.strictEqual(await until(order), FOR_GOOD);
  const changed = await change(site, order, harmless({ timing: interval(6, { count: 1 }), starts_at_us: us(now() - 5 * DAY) }));
  assert.strictEqual(changed.changed, true);
  assert.strictEqual(await until(changed.order), us(Number(changed.order.written_at_us) + 2 * DAY));
  assert.deepStrictEqual(await got(changed.order), changed.order);
  const held = (await setState(site, changed.order, 'ON_HOLD')).order;
  assert.strictEqual(await until(held), us(Number(held.written_at_us) + 2 * DAY));
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
