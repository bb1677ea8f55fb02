'use strict';
// Slots: what a timing means, what became of each dose, over changes of the order.

const test = require('node:test');
const assert = require('node:assert');
const { until, nobody, times, interval, once } = require('./site');
const { shared, give, held, placed, setState, failure, prescription } = require('./bedside');
const { change } = require('./ordering');

const MINUTE = 60e6;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WARDS = { 'ward-3': 'Europe/Berlin', shanghai: 'Asia/Shanghai' };

let site;
let schedule;
test.before(async () => {
  site = await shared();
  schedule = site.api('schedule');
  for (const [ward, time_zone] of Object.entries(WARDS)) {
    await site.api('dosageadmin').call('SetWard', { idempotency_key: site.key(), ward: { ward, time_zone } }, site.tokens['dosage-admin']);
  }
});
test.after(() => site?.stop());

const now = () => Date.now() * 1000;
const us = (n) => String(Math.round(n));
const at = (text) => us(Date.parse(text) * 1000);
const plain = (timing, more = {}) => prescription('plainin', '10 mg', { timing, ...more });
const preview = (timing, more = {}) =>
  schedule.call('PreviewTiming', { timing, ward: 'ward-3', starts_at_us: at('2026-03-28T20:00:00+01:00'), ...more }, site.tokens.nurse);
const locals = (answer) => answer.slots.map((s) => s.due_local);
const states = (slots) => slots.map((s) => s.state.replace('SLOT_STATE_', ''));
const listed = (patient, order, more = {}) => site.slots(patient, { order_id: order.order_id, ...more });

// Each window begins where the one before it ends, or that one was cut a day behind its dose.
function backToBack(slots) {
  for (const [i, s] of slots.entries()) {
    const [from, due, late, to] = [s.window_from_us, s.due_at_us, s.on_time_until_us, s.window_to_us].map(Number);
    assert.ok(from <= due && due < late && late <= to, `${from} ${due} ${late} ${to}`);
    if (i === 0) continue;
    const end = Number(slots[i - 1].window_to_us);
    assert.ok(end === from || (end < from && end === Number(slots[i - 1].due_at_us) + DAY), `${end} and ${from}`);
  }
}

// ---- PreviewTiming ----

test('each kind of timing says when its doses are due', async () => {
  assert.deepEqual(locals(await preview(once)), ['2026-03-28T20:00:00+01:00']);
  assert.deepEqual(locals(await preview({ kind: 'KIND_CONTINUOUS' })), ['2026-03-28T20:00:00+01:00']);
  assert.deepEqual(locals(await preview({ kind: 'KIND_AS_NEEDED' })), []);
  const six = await preview(interval(6), { most: 4 });
  assert.deepEqual(locals(six), ['2026-03-28T20:00:00+01:00', '2026-03-29T03:00:00+02:00', '2026-03-29T09:00:00+02:00', '2026-03-29T15:00:00+02:00']);
  assert.equal(six.time_zone, 'Europe/Berlin');
  backToBack(six.slots);
  const clock = await preview(times('02:30', '08:00', '20:00'), { most: 4 });
  assert.deepEqual(locals(clock), ['2026-03-28T20:00:00+01:00', '2026-03-29T03:00:00+02:00', '2026-03-29T08:00:00+02:00', '2026-03-29T20:00:00+02:00']);
  backToBack(clock.slots);
  const autumn = await preview(times('02:30', '03:00'), { starts_at_us: at('2026-10-24T12:00:00+02:00'), most: 3 });
  assert.deepEqual(locals(autumn), ['2026-10-25T02:30:00+02:00', '2026-10-25T03:00:00+01:00', '2026-10-26T02:30:00+01:00']);
  const both = await preview(times('02:00', '03:00'), { most: 3 });
  assert.deepEqual(locals(both), ['2026-03-29T03:00:00+02:00', '2026-03-29T03:05:00+02:00', '2026-03-30T02:00:00+02:00'], 'none lost, no two one');
  const elsewhere = await preview(times('08:00'), { ward: 'shanghai', most: 2 });
  assert.deepEqual(locals(elsewhere), ['2026-03-29T08:00:00+08:00', '2026-03-30T08:00:00+08:00']);
});

test('days, weekdays, counts and ends', async () => {
  const dates = async (timing, more) => locals(await preview(timing, { starts_at_us: at('2028-02-27T00:00:00+01:00'), most: 5, ...more })).map((s) => s.slice(0, 10));
  assert.deepEqual(await dates({ ...times('08:00'), every_days: 2 }), ['2028-02-27', '2028-02-29', '2028-03-02', '2028-03-04', '2028-03-06']);
  assert.deepEqual(await dates({ ...times('08:00'), weekdays: [1, 4] }), ['2028-02-28', '2028-03-02', '2028-03-06', '2028-03-09', '2028-03-13']);
  assert.deepEqual(await dates({ ...times('08:00'), every_days: 3, weekdays: [6] }), ['2028-03-04', '2028-03-25', '2028-04-15', '2028-05-06', '2028-05-27']);
  assert.deepEqual(await dates({ ...times('08:00'), count: 2 }), ['2028-02-27', '2028-02-28']);
  assert.deepEqual(await dates(interval(12, { count: 3 })), ['2028-02-27', '2028-02-27', '2028-02-28']);
  assert.deepEqual(await dates(times('08:00'), { ends_at_us: at('2028-02-28T08:00:00+01:00') }), ['2028-02-27'], 'the end is not part of it');
  assert.deepEqual(await dates(times('08:00'), { ends_at_us: us(Number(at('2028-02-28T08:00:00+01:00')) + 1) }), ['2028-02-27', '2028-02-28']);
});

test('windows are the order\'s or the ward\'s, and share what lies between doses that are close', async () => {
  const [a] = (await preview(interval(8), { most: 1 })).slots;
  assert.equal(Number(a.due_at_us) - Number(a.window_from_us), HOUR);
  assert.equal(Number(a.on_time_until_us) - Number(a.due_at_us), HOUR);
  assert.equal(Number(a.window_to_us) - Number(a.due_at_us), 7 * HOUR);
  const [b] = (await preview({ ...interval(8), before_minutes: 30, after_minutes: 90 }, { most: 1 })).slots;
  assert.equal(Number(b.due_at_us) - Number(b.window_from_us), 30 * MINUTE);
  assert.equal(Number(b.on_time_until_us) - Number(b.due_at_us), 90 * MINUTE);
  const close = (await preview({ kind: 'KIND_INTERVAL', interval_minutes: 20 }, { most: 3 })).slots;
  assert.equal(Number(close[1].window_from_us) - Number(close[0].due_at_us), 10 * MINUTE);
  backToBack(close);
  const [rare] = (await preview(interval(72), { most: 1 })).slots;
  assert.equal(Number(rare.window_to_us) - Number(rare.due_at_us), DAY);
});

test('a preview shows at most 1,000, 20 unless asked', async () => {
  assert.equal((await preview(interval(1))).slots.length, 20);
  assert.equal((await preview(interval(1), { most: 1000 })).slots.length, 1000);
  for (const most of [-1, 1001]) {
    const err = await failure(preview(interval(1), { most }));
    assert.deepEqual([err.code, err.field], ['INVALID_ARGUMENT', 'most']);
  }
  const begin = now();
  const [first] = (await preview(once, { starts_at_us: '0' })).slots;
  assert.ok(Number(first.due_at_us) >= begin - 1e6, '0 is now');
});

test('a timing that cannot be is refused, with its field', async () => {
  const list = (n, step) => Array.from({ length: n }, (_, i) => `${String(Math.floor((i * step) / 60)).padStart(2, '0')}:${String((i * step) % 60).padStart(2, '0')}`);
  const wrong = [
    [null, 'timing.kind'], [{}, 'timing.kind'], [{ kind: 77 }, 'timing.kind'],
    [interval(0), 'timing.interval_minutes'], [{ kind: 'KIND_INTERVAL', interval_minutes: 4 }, 'timing.interval_minutes'],
    [{ kind: 'KIND_INTERVAL', interval_minutes: 525601 }, 'timing.interval_minutes'], [{ kind: 'KIND_INTERVAL', interval_minutes: -5 }, 'timing.interval_minutes'],
    [{ ...once, interval_minutes: 5 }, 'timing.interval_minutes'], [{ ...times('08:00'), interval_minutes: 5 }, 'timing.interval_minutes'],
    [times(), 'timing.times'], [times('8:00'), 'timing.times'], [times('24:00'), 'timing.times'], [times('08:60'), 'timing.times'],
    [times('08:00:00'), 'timing.times'], [times('08-00'), 'timing.times'], [times('0a:00'), 'timing.times'], [times('08:00', '08:00'), 'timing.times'],
    [times('20:00', '08:00'), 'timing.times'], [times('::::0'), 'timing.times'], [times(''), 'timing.times'],
    [times('08:00', '08:04'), 'timing.times'], [times('00:00', '23:56'), 'timing.times'], [{ kind: 'KIND_TIMES', times: list(25, 10) }, 'timing.times'],
    [{ ...interval(6), times: ['08:00'] }, 'timing.times'],
    [{ ...times('08:00'), every_days: 367 }, 'timing.every_days'], [{ ...times('08:00'), every_days: -1 }, 'timing.every_days'],
    [{ ...interval(6), every_days: 1 }, 'timing.every_days'],
    [{ ...times('08:00'), weekdays: [0] }, 'timing.weekdays'], [{ ...times('08:00'), weekdays: [8] }, 'timing.weekdays'],
    [{ ...times('08:00'), weekdays: [2, 1] }, 'timing.weekdays'], [{ ...times('08:00'), weekdays: [1, 1] }, 'timing.weekdays'],
    [{ ...times('08:00'), weekdays: [1], every_days: 14 }, 'timing.weekdays'], [{ ...once, weekdays: [1] }, 'timing.weekdays'],
    [interval(6, { count: -1 }), 'timing.count'], [interval(6, { count: 10001 }), 'timing.count'], [{ ...once, count: 1 }, 'timing.count'],
    [interval(6, { before_minutes: -1 }), 'timing.before_minutes'], [interval(48, { before_minutes: 721 }), 'timing.before_minutes'],
    [interval(48, { after_minutes: 721 }), 'timing.after_minutes'], [interval(1, { before_minutes: 31, after_minutes: 30 }), 'timing.before_minutes'],
    [{ ...times('08:00', '09:00'), before_minutes: 61 }, 'timing.before_minutes'], [{ ...times('00:30', '23:30'), before_minutes: 30, after_minutes: 31 }, 'timing.before_minutes'],
    [{ kind: 'KIND_AS_NEEDED', before_minutes: 5 }, 'timing.before_minutes'],
  ];
  for (const [timing, field] of wrong) {
    const err = await failure(preview(timing));
    assert.deepEqual([err.code, err.reason, err.field], ['INVALID_ARGUMENT', 'TIMING_INVALID', field], JSON.stringify(timing));
  }
  const spans = [[at('2026-01-02T00:00:00Z'), at('2026-01-02T00:00:00Z'), 'ends_at_us'], ['-1', '0', 'starts_at_us'], ['9000000000000000000', '0', 'starts_at_us'],
    ['1', '-5', 'ends_at_us'], ['1', '9000000000000000000', 'ends_at_us']];
  for (const [starts_at_us, ends_at_us, field] of spans) {
    const err = await failure(preview(once, { starts_at_us, ends_at_us }));
    assert.deepEqual([err.code, err.reason, err.field], ['INVALID_ARGUMENT', 'TIMING_INVALID', field]);
  }
  for (const good of [interval(1, { before_minutes: 30, after_minutes: 30 }), { ...times('00:30', '23:30'), before_minutes: 30, after_minutes: 30 },
    { kind: 'KIND_TIMES', times: list(24, 5) }, { ...times('00:00', '23:56'), every_days: 2 }, { ...times('00:00', '23:56'), weekdays: [1, 3] }]) {
    assert.ok((await preview(good)).slots.length > 0);
  }
  const unknown = await failure(preview(once, { ward: 'ward-nobody' }));
  assert.deepEqual([unknown.code, unknown.reason], ['NOT_FOUND', 'WARD_NOT_FOUND']);
  for (const ward of ['', 'a b', 'x'.repeat(65), "'; DROP TABLE ward; --"]) {
    const err = await failure(preview(once, { ward }));
    assert.deepEqual([err.code, err.field], ['INVALID_ARGUMENT', 'ward']);
  }
});

// ---- ListSlots ----

test('a slot says what is due, when, by which version', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, plain(interval(6)));
  const slots = await site.slots(patient);
  assert.deepEqual(states(slots).slice(0, 4), ['DUE', 'FUTURE', 'FUTURE', 'FUTURE']);
  const [s] = slots;
  assert.equal(s.slot_id, `${order.order_id}@${s.due_at_us}`);
  assert.equal(s.due_at_us, order.prescription.starts_at_us);
  assert.equal(s.patient_id, patient.id);
  assert.equal(s.order_version, 1);
  assert.equal(s.administration_id, '');
  assert.equal(s.high_alert, false);
  assert.deepEqual(s.prescription, order.prescription);
  assert.equal(Date.parse(s.due_local) * 1000, Math.floor(Number(s.due_at_us) / 1e6) * 1e6);
  backToBack(slots);
  const alert = await placed(site, patient, prescription('alertin', '10 mg', { timing: once }));
  const [two] = await listed(patient, alert);
  assert.equal(two.high_alert, true);
  const all = await site.slots(patient);
  assert.equal(all.length, slots.length + 1);
  assert.deepEqual(all, [...all].sort((x, y) => Number(x.due_at_us) - Number(y.due_at_us) || (x.order_id < y.order_id ? -1 : 1)));
});

test('states follow the clock: future, due, overdue, missed', async () => {
  const soon = 3e6;
  const begin = now();
  const cases = [[begin + HOUR + soon, 'FUTURE', 'DUE'], [begin - HOUR + soon, 'DUE', 'OVERDUE'], [begin - DAY + soon, 'OVERDUE', 'MISSED']];
  for (const [starts, first, then] of cases) {
    const patient = await site.patient();
    const order = await placed(site, patient, plain(once, { starts_at_us: us(starts + now() - begin) }));
    const look = async () => states(await listed(patient, order, { from_us: us(now() - 2 * DAY), to_us: us(now() + 2 * DAY) }))[0];
    assert.equal(await look(), first);
    await until(then, async () => (await look()) === then);
  }
});

test('what was charted is said, and stays', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, plain(interval(6)));
  const [slot] = await listed(patient, order);
  const { administration } = await give(site, { patient, order, slot });
  const [given] = await listed(patient, order);
  assert.equal(given.state, 'SLOT_STATE_GIVEN');
  assert.equal(given.administration_id, administration.administration_id);
  const another = await site.patient();
  const other = await placed(site, another, plain(interval(12)));
  const [not] = await listed(another, other);
  await give(site, { patient: another, order: other, slot: not }, held('REFUSED'));
  assert.equal((await listed(another, other))[0].state, 'SLOT_STATE_NOT_GIVEN');
  await setState(site, order, 'STOPPED');
  assert.equal((await listed(patient, order))[0].state, 'SLOT_STATE_GIVEN');
});

test('an order on hold or stopped has its doses skipped, and given again when it goes on', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, plain(interval(6)));
  const day = { to_us: us(now() + 20 * HOUR) };
  assert.deepEqual(states(await listed(patient, order, day)), ['DUE', 'FUTURE', 'FUTURE', 'FUTURE']);
  const hold = (await setState(site, order, 'ON_HOLD')).order;
  assert.deepEqual(states(await listed(patient, hold, day)), ['SKIPPED', 'SKIPPED', 'SKIPPED', 'SKIPPED']);
  const on = (await setState(site, hold, 'ACTIVE')).order;
  const again = await listed(patient, on, day);
  assert.deepEqual(states(again), ['SKIPPED', 'FUTURE', 'FUTURE', 'FUTURE'], 'it was off while that one was on time');
  backToBack(again);
  await setState(site, on, 'STOPPED');
  const stopped = await listed(patient, on, { from_us: us(now() - DAY), to_us: us(now() + 5 * DAY) });
  assert.ok(stopped.length >= 4 && stopped.length <= 5, 'a day of them');
  assert.deepEqual([...new Set(states(stopped))], ['SKIPPED']);
});

test('drafts and what was wrong have no slots', async () => {
  const patient = await site.patient();
  const draft = await site.place(patient, plain(interval(6), { starts_at_us: us(now() - 20 * MINUTE) }), { draft: true });
  assert.deepEqual(await site.slots(patient, { by: 'physician' }), []);
  const active = (await setState(site, draft.order, 'ACTIVE', { reason_code: '' })).order;
  assert.equal((await listed(patient, active))[0].due_at_us, draft.order.prescription.starts_at_us, 'its first dose is not lost');
  await setState(site, active, 'ENTERED_IN_ERROR');
  assert.deepEqual(await site.slots(patient), []);
});

test('an order that begins in the past has the dose that can still be given, and none before', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, plain(interval(6), { starts_at_us: us(now() - 20 * HOUR) }));
  const slots = await listed(patient, order, { from_us: us(now() - 2 * DAY), to_us: us(now() + 6 * HOUR) });
  assert.deepEqual(states(slots), ['OVERDUE', 'FUTURE']);
});

test('a change counts from when it is made: doses before are the former version\'s, windows leave nothing out', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, plain(interval(6)));
  const before = await listed(patient, order);
  const { order: next } = await change(site, order, plain(interval(4), { starts_at_us: us(now() + 2 * HOUR), dose: { value: '20', unit: 'mg' } }));
  const slots = await listed(patient, next);
  assert.equal(slots[0].slot_id, before[0].slot_id);
  assert.deepEqual([slots[0].order_version, slots[0].prescription.dose.value], [1, '10']);
  assert.equal(slots[1].due_at_us, next.prescription.starts_at_us);
  assert.deepEqual([slots[1].order_version, slots[1].prescription.dose.value], [2, '20']);
  assert.ok(!slots.some((s) => s.due_at_us === before[1].due_at_us), 'what the former one had later is gone');
  assert.ok(Number(slots[0].window_to_us) < Number(before[0].window_to_us));
  backToBack(slots);
  await give(site, { patient, order: next, slot: slots[1] }, { dose: next.prescription.dose }).then(() => assert.fail('early'), (e) => assert.equal(e.reason, 'SLOT_EARLY'));
});

test('ONCE moves with its order; a dose that was charted stays where it was', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, plain(once, { starts_at_us: us(now() + 30 * MINUTE) }));
  const { order: moved } = await change(site, order, plain(once, { starts_at_us: us(now() + 3 * HOUR) }));
  assert.deepEqual((await listed(patient, moved)).map((s) => s.due_at_us), [moved.prescription.starts_at_us]);

  const another = await site.patient();
  const every = await placed(site, another, plain(interval(6)));
  const [slot] = await listed(another, every);
  await give(site, { patient: another, order: every, slot });
  const { order: later } = await change(site, every, plain(interval(6), { starts_at_us: us(now() + 4 * HOUR) }));
  const slots = await listed(another, later);
  assert.deepEqual(states(slots).slice(0, 2), ['GIVEN', 'FUTURE']);
  assert.equal(slots[0].slot_id, slot.slot_id);
});

test('spans: half-open, at most 62 days, at most 5,000 slots', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, plain(interval(6)));
  const first = Number(order.prescription.starts_at_us);
  const span = (from, to) => listed(patient, order, { from_us: us(from), to_us: us(to) });
  assert.equal((await span(first, first + 6 * HOUR)).length, 1);
  assert.equal((await span(first, first + 6 * HOUR + 1000)).length, 2);
  assert.equal((await span(first + 1000, first + 6 * HOUR)).length, 0);
  const whole = await span(first, first + 62 * DAY);
  assert.equal(whole.length, 248);
  const cut = first + 31 * DAY + 12345;
  assert.deepEqual([...await span(first, cut), ...await span(cut, first + 62 * DAY)], whole);
  for (const [from, to] of [[first, first], [first, first - 1000], [first, first + 62 * DAY + 1000], [-5, first]]) {
    assert.equal((await failure(span(from, to))).code, 'INVALID_ARGUMENT');
  }
  const another = await site.patient();
  const dense = await placed(site, another, plain({ kind: 'KIND_INTERVAL', interval_minutes: 10 }));
  const most = await listed(another, dense, { from_us: dense.prescription.starts_at_us, to_us: us(Number(dense.prescription.starts_at_us) + 5000 * 10 * MINUTE) });
  assert.equal(most.length, 5000);
  const err = await failure(listed(another, dense, { from_us: dense.prescription.starts_at_us, to_us: us(Number(dense.prescription.starts_at_us) + 5000 * 10 * MINUTE + 1000) }));
  assert.deepEqual([err.code, err.reason], ['RESOURCE_EXHAUSTED', 'SLOTS_TOO_MANY']);
});

test('whose slots: the patient\'s, by who may see them', async () => {
  const patient = await site.patient();
  const other = await site.patient();
  const order = await placed(site, patient, plain(interval(6)));
  const ask = (q, by = 'nurse') => schedule.failure('ListSlots', { patient_id: patient.id, ...q }, site.who(by));
  assert.equal((await ask({ patient_id: other.id, order_id: order.order_id })).reason, 'ORDER_NOT_FOUND');
  assert.equal((await ask({ order_id: nobody })).reason, 'ORDER_NOT_FOUND');
  assert.equal((await ask({ order_id: 'x' })).code, 'INVALID_ARGUMENT');
  assert.equal((await ask({ patient_id: 'x' })).code, 'INVALID_ARGUMENT');
  assert.equal((await ask({ patient_id: nobody })).reason, 'PATIENT_NOT_FOUND');
  assert.equal((await ask({}, site.as('nurse', { ward: 'icu' }))).reason, 'PATIENT_NOT_FOUND', 'not treated there');
  assert.equal((await ask({}, site.as('nurse', { purpose: 'HRESCH' }))).reason, 'PURPOSE_NOT_ALLOWED');
  assert.equal((await ask({}, 'porter')).code, 'PERMISSION_DENIED');
  assert.equal((await schedule.failure('ListSlots', { patient_id: patient.id })).code, 'UNAUTHENTICATED');
  assert.equal((await site.api('schedule', { as: 'stranger' }).failure('ListSlots', { patient_id: patient.id }, site.tokens.nurse)).code, 'PERMISSION_DENIED');
  assert.equal((await site.slots(other)).length, 0);
});
