'use strict';
// What the bedside must not let through: doses that nobody is due, findings that are worse than what was overridden, an emergency's
// dose given once more by its order.

const test = require('node:test');
const assert = require('node:assert');
const {
  start, ordered, minutesAgo, bedside, give, held, taken, doses, failure, setState, placed, interval, amount, prescription,
} = require('./bedside');
const { change } = require('./ordering');

const HOUR_US = 3600e6;
let site;
test.before(async () => { site = await start(); });
test.after(() => site?.stop());

const failed = async (promise) => { const e = await failure(promise); return [e.code, e.reason || e.field]; };
const late = { time_reason: 'late-round' };
const slotAt = (order, due) => ({ slot_id: `${order.order_id}@${due}` });
const listed = (patient, order, more = {}) => site.slots(patient, { order_id: order.order_id, ...more });

test('only a dose that ListSlots shows is given', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, ordered({ timing: interval(6), starts_at_us: minutesAgo(18 * 60 + 30) }));
  const from = Number(order.prescription.starts_at_us);
  const shown = (await listed(patient, order, { to_us: minutesAgo(0) })).map((s) => s.slot_id);
  assert.deepStrictEqual(shown, [slotAt(order, from + 18 * HOUR_US).slot_id]);
  for (const n of [0, 1, 2]) assert.deepStrictEqual(await failed(give(site, { patient, order, slot: slotAt(order, from + n * 6 * HOUR_US) }, late)), ['NOT_FOUND', 'SLOT_NOT_FOUND']);
  assert.strictEqual((await give(site, { patient, order, slot: { slot_id: shown[0] } }, late)).recorded, true);
  assert.strictEqual(await doses(site, order), 1);
});

test('a dose of a time when the order was on hold is not given, but may be charted as not given', async () => {
  const at = await bedside(site, ordered({ timing: interval(6) }));
  const onHold = (await setState(site, at.order, 'ON_HOLD')).order;
  const order = (await setState(site, onHold, 'ACTIVE')).order;
  const [slot] = await listed(at.patient, order);
  assert.deepStrictEqual([slot.slot_id, slot.state], [at.slot.slot_id, 'SLOT_STATE_SKIPPED']);
  assert.deepStrictEqual(await failed(give(site, { ...at, order })), ['FAILED_PRECONDITION', 'SLOT_OVER']);
  assert.strictEqual(await taken(site, order), 0);
  assert.strictEqual((await give(site, { ...at, order }, held('HELD'))).recorded, true);
});

test('a change makes no second dose of the one that was given', async () => {
  const at = await bedside(site, ordered({ timing: interval(6) }));
  assert.strictEqual((await give(site, at)).recorded, true);
  const starts = Number(at.order.prescription.starts_at_us) + 1000; // before the change is made
  const { order } = await change(site, at.order, ordered({ timing: interval(6), starts_at_us: String(starts) }));
  const due = slotAt(order, starts);
  assert.ok(!(await listed(at.patient, order)).some((s) => s.slot_id === due.slot_id));
  assert.deepStrictEqual(await failed(give(site, { ...at, order, slot: due })), ['NOT_FOUND', 'SLOT_NOT_FOUND']);
  assert.strictEqual(await doses(site, order), 1);
});

test('a dose that was due before a change is given by what the order says now', async () => {
  const at = await bedside(site, ordered({ timing: interval(6) }));
  const { order } = await change(site, at.order, prescription('testozin', '250 mg', { timing: interval(6), starts_at_us: minutesAgo(-300) }));
  const [slot] = await listed(at.patient, order);
  assert.deepStrictEqual([slot.slot_id, slot.state], [at.slot.slot_id, 'SLOT_STATE_DUE']);
  assert.strictEqual((await give(site, { ...at, order, slot }, { dose: amount(500, 'mg') })).recorded, false);
  assert.strictEqual((await give(site, { ...at, order, slot })).recorded, true);
});

test('a dose of a window that has ended is not given', async () => {
  const patient = await site.patient();
  // Of the one that was due 26 hours ago nothing is left: a window ends 24 hours behind.
  const order = await placed(site, patient, ordered({ starts_at_us: minutesAgo(26 * 60) }));
  const slot = slotAt(order, order.prescription.starts_at_us);
  assert.deepStrictEqual(await failed(give(site, { patient, order, slot }, late)), ['FAILED_PRECONDITION', 'SLOT_OVER']);
  assert.strictEqual(await doses(site, order), 0);
});
