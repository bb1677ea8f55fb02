'use strict';
// An order's start over its changes: a change that says nothing of the start keeps it, and opens no second dose.

const test = require('node:test');
const assert = require('node:assert');
const { shared, bedside, give, ordered, minutesAgo, failure, held, interval, once, amount, prescription, placed } = require('./bedside');
const { change } = require('./ordering');
const { times } = require('./site');

let site;
test.before(async () => { site = await shared(); });
test.after(() => site?.stop());

const slotsOf = (at) => site.slots(at.patient, { order_id: at.order.order_id });
const open = async (at) => (await slotsOf(at)).filter((s) => ['SLOT_STATE_DUE', 'SLOT_STATE_OVERDUE'].includes(s.state));

for (const [name, timing] of [['INTERVAL', interval(12)], ['TIMES', times('00:00', '08:00', '16:00')], ['ONCE', once]]) {
  test(`${name}: a change of the instructions alone keeps the start and every slot`, async () => {
    const p = ordered({ timing, starts_at_us: minutesAgo(name === 'TIMES' ? 24 * 60 : 30) });
    const at = await bedside(site, p);
    [at.slot] = await open(at);
    const given = await give(site, at, { time_reason: 'late-round' });
    assert.strictEqual(given.recorded, true);
    const before = await slotsOf(at);
    const answer = await change(site, at.order, { ...p, starts_at_us: '0', instructions: ['with-food'] });
    assert.strictEqual(answer.changed, true, answer.open.join());
    assert.strictEqual(answer.order.prescription.starts_at_us, at.order.prescription.starts_at_us);
    const after = await slotsOf(at);
    assert.deepStrictEqual(after.map((s) => [s.due_at_us, s.state]), before.map((s) => [s.due_at_us, s.state]));
    assert.deepStrictEqual(await open({ ...at, order: answer.order }), [], 'the given dose is the only one for now');
  });
}

test('a dose that waits still waits once after a change, with the new dose', async () => {
  const at = await bedside(site, ordered({ timing: interval(12), starts_at_us: minutesAgo(20) }));
  const { order } = await change(site, at.order, prescription('testozin', '250 mg', { timing: interval(12) }));
  const due = await open({ ...at, order });
  assert.deepStrictEqual(due.map((s) => s.due_at_us), [at.slot.due_at_us]);
  const answer = await give(site, { ...at, order, slot: due[0] }, { dose: amount(250, 'mg') });
  assert.strictEqual(answer.recorded, true);
  assert.deepStrictEqual(await open({ ...at, order }), []);
});

test('ONCE that was given becomes INTERVAL: the given dose was its first', async () => {
  const at = await bedside(site, ordered({ timing: once }));
  assert.strictEqual((await give(site, at)).recorded, true);
  const { order } = await change(site, at.order, ordered({ timing: interval(12) }));
  assert.strictEqual(order.prescription.starts_at_us, at.order.prescription.starts_at_us);
  assert.deepStrictEqual(await open({ ...at, order }), []);
  const next = (await slotsOf({ ...at, order })).map((s) => Number(s.due_at_us)).find((t) => t > Number(at.slot.due_at_us));
  assert.strictEqual(next - Number(at.slot.due_at_us), 12 * 3600e6);
});

// A second dose there would stand on the list, and on paper, where nothing refuses it.
for (const [name, timing] of [['ONCE', once], ['INTERVAL', interval(6)]]) {
  test(`${name} of which a dose was given is not changed to ONCE at another time`, async () => {
    const at = await bedside(site, ordered({ timing }));
    assert.strictEqual((await give(site, at)).recorded, true);
    const later = ordered({ timing: once, starts_at_us: minutesAgo(-20) });
    const err = await failure(change(site, at.order, later));
    assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'ORDER_HAS_DOSES']);
    const ahead = (await slotsOf(at)).filter((s) => s.due_at_us === later.starts_at_us);
    assert.deepStrictEqual(ahead, [], 'no second dose');
  });
}

test('ONCE that was not given, or not yet, is changed to another time', async () => {
  for (const charted of [null, held()]) {
    const at = await bedside(site, ordered({ timing: once }));
    if (charted) assert.strictEqual((await give(site, at, charted)).recorded, true);
    const later = ordered({ timing: once, starts_at_us: minutesAgo(-20) });
    const { order } = await change(site, at.order, later);
    const ahead = (await slotsOf({ ...at, order })).filter((s) => !s.administration_id);
    assert.deepStrictEqual(ahead.map((s) => s.due_at_us), [later.starts_at_us]);
  }
});

test('a check as a change keeps the start as the change would', async () => {
  const at = await bedside(site, ordered({ timing: interval(12), starts_at_us: minutesAgo(300) }));
  const asked = await site.check(at.patient, ordered({ timing: interval(12) }), { order_id: at.order.order_id });
  assert.strictEqual(asked.snapshot.prescription.starts_at_us, at.order.prescription.starts_at_us);
});

test('a start that is given is taken', async () => {
  const at = await bedside(site, ordered({ timing: interval(12), starts_at_us: minutesAgo(30) }));
  const starts_at_us = minutesAgo(-300);
  const { order } = await change(site, at.order, ordered({ timing: interval(12), starts_at_us }));
  assert.strictEqual(order.prescription.starts_at_us, starts_at_us);
});

test('a draft keeps its start, too', async () => {
  const patient = await site.patient();
  const starts_at_us = minutesAgo(-60);
  const { order } = await site.place(patient, ordered({ timing: interval(12), starts_at_us }), { draft: true });
  const changed = await change(site, order, ordered({ timing: interval(8) }));
  assert.strictEqual(changed.order.prescription.starts_at_us, starts_at_us);
});

test('an infusion with a new rate begins again; with the same rate it does not', async () => {
  const rate = (mg, more = {}) => prescription('dripin', `${mg} mg/h`, { route: 'ROUTE_IVINF', timing: { kind: 'KIND_CONTINUOUS' }, ...more });
  const at = await bedside(site, rate(5, { starts_at_us: minutesAgo(60) }));
  const same = await change(site, at.order, rate(5, { instructions: ['by-pump'] }));
  assert.strictEqual(same.order.prescription.starts_at_us, at.order.prescription.starts_at_us);
  const faster = await change(site, same.order, rate(8));
  assert.strictEqual(faster.order.prescription.starts_at_us, faster.order.written_at_us);
});

test('an order whose doses are over needs a start to go on', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, ordered({ timing: once, starts_at_us: minutesAgo(23 * 60) }));
  const later = await change(site, order, ordered({ timing: once, starts_at_us: minutesAgo(26 * 60) }));
  const err = await failure(change(site, later.order, ordered({ timing: once, instructions: ['with-food'] })));
  assert.deepStrictEqual([err.code, err.field], ['INVALID_ARGUMENT', 'prescription.starts_at_us']);
});
