'use strict';
// What a patient got: MAR, cumulative doses, adherence, missed doses.

const test = require('node:test');
const assert = require('node:assert');
const { nobody, uuid, until, interval, once, prescription, amount } = require('./site');
const { start, placed, anyway, give, bedside, paper, loose, history, getPack, reconcile, sum, times, exact, US, nowUs } = require('./cutoff');

let site, tracking;
test.before(async () => {
  site = await start({ env: { records: { WARD_FOLLOWERS: '4', WARD_STREAMS: '8' } } });
  tracking = site.api('tracking');
});
test.after(() => site?.stop());

const mar = (patient, more = {}, by = 'nurse') => tracking.call('GetMar', { patient_id: patient.id, ...more }, site.who(by));
const cumulative = (patient, more = {}, by = 'nurse') => tracking.call('GetCumulative', { patient_id: patient.id, ingredient: 'plainin', hours: 24, ...more }, site.who(by));
const adherence = (patient, more = {}, by = 'nurse') => tracking.call('GetAdherence', { patient_id: patient.id, ...more }, site.who(by)).then((a) => a.orders);
const plain = (timing, more = {}) => prescription('plainin', '10 mg', { timing, ...more });
const at = (iso) => String(Date.parse(iso) * 1000);

// ---- MAR ----

test('a MAR has the orders that ran, their slots and what was charted, as of one moment', async () => {
  const one = await bedside(site);
  const two = await placed(site, one.patient, plain(interval(6)));
  const draft = await site.place(one.patient, plain(interval(6)), { draft: true });
  const { administration } = await give(site, one);
  const before = nowUs();
  const m = await mar(one.patient);
  assert.deepStrictEqual(m.orders.map((o) => o.order_id).sort(), [one.order.order_id, two.order_id].sort());
  assert.ok(!m.orders.some((o) => o.order_id === draft.order.order_id), 'a draft never ran');
  const done = m.slots.find((s) => s.slot_id === one.slot.slot_id);
  assert.deepStrictEqual([done.state, done.administration_id], ['SLOT_STATE_GIVEN', administration.administration_id]);
  assert.deepStrictEqual(m.administrations, [administration]);
  assert.ok(Number(m.as_of_us) >= before - 5e6 && Number(m.as_of_us) <= nowUs());
  const slots = await site.slots(one.patient, {});
  assert.deepStrictEqual(m.slots.map((s) => s.slot_id), slots.map((s) => s.slot_id), 'by default the same span as ListSlots');
});

test('slots go on across midnight by the wall of the ward', async () => {
  const patient = await site.patient();
  await placed(site, patient, plain({ kind: 'KIND_TIMES', times: ['00:00', '00:15', '23:45'] }));
  const { slots } = await mar(patient, { from_us: at('2027-02-28T12:00:00+08:00'), to_us: at('2027-03-02T12:00:00+08:00') });
  assert.deepStrictEqual(slots.map((s) => s.due_local), [
    '2027-02-28T23:45:00+08:00', '2027-03-01T00:00:00+08:00', '2027-03-01T00:15:00+08:00', '2027-03-01T23:45:00+08:00',
    '2027-03-02T00:00:00+08:00', '2027-03-02T00:15:00+08:00',
  ]);
  for (const [i, s] of slots.entries()) if (i > 0) assert.strictEqual(s.window_from_us, slots[i - 1].window_to_us, 'no moment between, none twice');
});

// Berlin: 2027-03-28 has no 02:30, 2027-10-31 has it twice.
for (const [what, from, to, want] of [
  ['forward', '2027-03-27T12:00:00+01:00', '2027-03-29T12:00:00+02:00',
    ['2027-03-27T20:00:00+01:00', '2027-03-28T03:00:00+02:00', '2027-03-28T20:00:00+02:00', '2027-03-29T02:30:00+02:00']],
  ['back', '2027-10-30T12:00:00+02:00', '2027-11-01T12:00:00+01:00',
    ['2027-10-30T20:00:00+02:00', '2027-10-31T02:30:00+02:00', '2027-10-31T20:00:00+01:00', '2027-11-01T02:30:00+01:00']],
]) {
  test(`no slot is lost or doubled when clocks go ${what}`, async () => {
    const patient = await site.patient({ ward: 'berlin' });
    const by = site.as('physician', { ward: 'berlin' });
    const nurse = site.as('nurse', { ward: 'berlin' });
    await placed(site, patient, plain({ kind: 'KIND_TIMES', times: ['02:30', '20:00'] }), { by });
    const { slots } = await mar(patient, { from_us: at(from), to_us: at(to) }, nurse);
    assert.deepStrictEqual(slots.map((s) => s.due_local), want);
  });
}

test('what was taken back is shown, and says so; what was given outside the span is not', async () => {
  const one = await bedside(site);
  const { administration: a } = await give(site, one);
  await site.api('doses').call('Correct',
    { idempotency_key: site.key(), administration_id: a.administration_id, expected_version: 1, reason_code: 'wrong-entry', entered_in_error: true }, site.tokens.nurse);
  const m = await mar(one.patient);
  assert.deepStrictEqual(m.administrations.map((x) => [x.administration_id, x.entered_in_error]), [[a.administration_id, true]]);
  const given = Number(a.given_at_us);
  const upTo = await mar(one.patient, { from_us: String(given - US.hour), to_us: String(given) });
  assert.deepStrictEqual(upTo.administrations, [], 'the end is not in it');
  const from = await mar(one.patient, { from_us: String(given), to_us: String(given + 1) });
  assert.strictEqual(from.administrations.length, 1, 'the beginning is');
});

test('what a MAR refuses', async () => {
  const patient = await site.patient();
  const fail = (q, by = 'nurse') => tracking.failure('GetMar', { patient_id: patient.id, ...q }, site.who(by));
  const t = nowUs();
  assert.deepStrictEqual(await fail({ patient_id: 'x' }).then((f) => [f.code, f.field]), ['INVALID_ARGUMENT', 'patient_id']);
  assert.deepStrictEqual(await fail({ patient_id: nobody }).then((f) => [f.code, f.reason]), ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  assert.deepStrictEqual(await fail({}, site.as('nurse', { ward: 'ward-4', sub: 'nurse-4' })).then((f) => [f.code, f.reason]), ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  assert.strictEqual((await fail({ from_us: String(t), to_us: String(t) })).code, 'INVALID_ARGUMENT');
  assert.strictEqual((await fail({ from_us: '-1', to_us: String(t) })).code, 'INVALID_ARGUMENT');
  assert.strictEqual((await fail({ from_us: String(t), to_us: String(t + 62 * US.day + 1) })).code, 'INVALID_ARGUMENT');
  assert.strictEqual((await fail({}, 'porter')).code, 'PERMISSION_DENIED');
  assert.deepStrictEqual(await fail({}, site.as('nurse', { purpose: 'HRESCH' })).then((f) => [f.code, f.reason]), ['PERMISSION_DENIED', 'PURPOSE_NOT_ALLOWED']);
  await placed(site, patient, plain({ kind: 'KIND_INTERVAL', interval_minutes: 5, before_minutes: 2, after_minutes: 2 }));
  assert.deepStrictEqual(await fail({ from_us: String(t), to_us: String(t + 20 * US.day) }).then((f) => [f.code, f.reason]), ['RESOURCE_EXHAUSTED', 'SLOTS_TOO_MANY']);
});

// ---- cumulative ----

test('a cumulative dose is exact, whatever units it was given in', async () => {
  const patient = await site.patient();
  const t = nowUs() - 2 * US.hour;
  const mg = ['0.1', '0.2', '333.333', '10', '0.7', '12345.678901', '0.000001'];
  const doses = mg.map((x, i) => loose(patient, `${x} mg`, t + i));
  doses.push(loose(patient, '3 {tablet}', t, { product_id: 'plainin-tablet' }), loose(patient, '0.25 g', t), loose(patient, '1500 ug', t));
  await history(site, doses);
  const c = await cumulative(patient);
  assert.deepStrictEqual(c.amount, amount(sum([...mg, times('10', 3), '250', '1.5']), 'mg'));
  assert.deepStrictEqual([c.doses, c.not_counted], [10, 0]);
  assert.strictEqual(Number(c.until_us) - Number(c.from_us), 24 * US.hour);
});

test('the window is half-open: its beginning counts, its end does not', async () => {
  const patient = await site.patient();
  const until_us = nowUs() - US.hour;
  const from = until_us - 5 * US.hour;
  await history(site, [loose(patient, '1 mg', from - 1), loose(patient, '10 mg', from), loose(patient, '100 mg', until_us - 1), loose(patient, '1000 mg', until_us)]);
  const c = await cumulative(patient, { hours: 5, until_us: String(until_us) });
  assert.deepStrictEqual([c.amount.value, c.doses, c.from_us, c.until_us], ['110', 2, String(from), String(until_us)]);
  assert.strictEqual((await cumulative(patient, { hours: 6, until_us: String(until_us) })).amount.value, '111');
  assert.strictEqual((await cumulative(patient, { hours: 876000 })).amount.value, '1111');
});

test('what the patient did not get is not counted; what nothing converts is said', async () => {
  const patient = await site.patient();
  const t = nowUs() - US.hour;
  const [wrong] = await history(site, [
    loose(patient, '7 mg', t), loose(patient, '2 mg', t + 1), loose(patient, '40 mg', t, { outcome: 'DOSE_OUTCOME_REFUSED', reason_code: 'asleep' }),
    loose(patient, '80 mg', t, { outcome: 'DOSE_OUTCOME_HELD', reason_code: 'asleep' }), loose(patient, '3 mL', t), loose(patient, '5 [IU]', t),
    loose(patient, '0.5 mg', t, { outcome: 'DOSE_OUTCOME_PARTIAL', reason_code: 'asleep' }), loose(patient, '500 mg', t, { drug_id: 'testozin' }),
  ]);
  await site.api('doses').call('Correct',
    { idempotency_key: site.key(), administration_id: wrong.administration_id, expected_version: 1, reason_code: 'wrong-entry', entered_in_error: true }, site.tokens.nurse);
  const c = await cumulative(patient);
  assert.deepStrictEqual([c.amount.value, c.doses, c.not_counted], ['2.5', 2, 2]);
  const both = await cumulative(patient, { ingredient: 'testozin' });
  assert.deepStrictEqual([both.amount, both.doses], [amount('500', 'mg'), 1]);
});

test('random doses sum to what whole numbers sum to', async () => {
  const patient = await site.patient();
  const t = nowUs() - 3 * US.hour;
  let seed = 20261121;
  const random = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % n; };
  const amounts = Array.from({ length: 120 }, () => `${random(5000)}.${String(random(1e6)).padStart(6, '0').slice(0, 1 + random(6))}`).filter((x) => exact(x).n > 0n);
  await history(site, amounts.map((x, i) => loose(patient, `${x} mg`, t + (i >> 3))));
  const c = await cumulative(patient);
  assert.deepStrictEqual([c.amount.value, c.doses], [sum(amounts), amounts.length]);
});

test('a sum is of all who are one: merged patients', async () => {
  const [a, b] = [await site.patient(), await site.patient()];
  const t = nowUs() - US.hour;
  await history(site, [loose(a, '1 mg', t), loose(b, '20 mg', t)]);
  assert.strictEqual((await cumulative(a)).amount.value, '1');
  const version = async (p) => (await site.sql(`SELECT version FROM resource WHERE resource_id = ${site.hex(p.id)}`, 'records'))[0][0];
  await site.api('patients').call('MergePatients', {
    idempotency_key: site.key(), into_patient_id: a.id, from_patient_id: b.id, into_version: await version(a), from_version: await version(b), reason: 'one and the same',
  }, site.tokens.registrar);
  for (const p of [a, b]) await until('summed', async () => { try { return (await cumulative(p)).amount.value === '21'; } catch (e) { if (e.code === 'NOT_FOUND') return false; throw e; } });
});

test('what a cumulative dose refuses', async () => {
  const patient = await site.patient();
  const fail = (q, by = 'nurse') => tracking.failure('GetCumulative', { patient_id: patient.id, ingredient: 'plainin', hours: 1, ...q }, site.who(by));
  assert.deepStrictEqual(await fail({ ingredient: 'nothing' }).then((f) => [f.code, f.reason]), ['NOT_FOUND', 'INGREDIENT_NOT_FOUND']);
  for (const hours of [0, -1, 876001]) assert.deepStrictEqual(await fail({ hours }).then((f) => [f.code, f.field]), ['INVALID_ARGUMENT', 'hours']);
  for (const until_us of ['-1', '9223372036854775807']) assert.deepStrictEqual(await fail({ until_us }).then((f) => [f.code, f.field]), ['INVALID_ARGUMENT', 'until_us']);
  assert.strictEqual((await fail({ patient_id: uuid() })).reason, 'PATIENT_NOT_FOUND');
});

// ---- adherence ----

// One dose each, due at different times of the last week; what became of each was brought in.
test('adherence counts what became of a week\'s slots', async () => {
  const patient = await site.patient();
  const start_us = nowUs() - 6 * US.day;
  const orders = [];
  for (let i = 0; i < 9; i++) orders.push(await anyway(site, patient, plain(once, { starts_at_us: String(start_us + i * 8 * US.hour) })));
  const week = { from_us: String(start_us - US.hour), to_us: String(nowUs()) };
  const slots = (await mar(patient, week)).slots;
  const slotOf = (i) => slots.find((s) => s.order_id === orders[i].order_id);
  const line = (i, lateBy, more = {}) => paper(patient, orders[i], { slot_id: slotOf(i).slot_id, given_at_us: String(Number(slotOf(i).due_at_us) + lateBy), ...more });
  const not = (what) => ({ outcome: `DOSE_OUTCOME_${what}`, reason_code: 'asleep' });
  await history(site, [
    line(0, 0), line(1, 2 * US.hour), line(2, -59 * US.minute), line(3, 0, { ...not('PARTIAL'), dose: amount('4', 'mg') }), line(4, 0, not('HELD')),
    line(5, 0, not('REFUSED')), line(6, 0, not('WASTED')),
  ]);
  const count = Object.fromEntries((await adherence(patient, week)).map(({ order_id, ...n }) => [order_id, n]));
  const zero = { due: 1, on_time: 0, late: 0, partial: 0, held: 0, refused: 0, wasted: 0, missed: 0, skipped: 0 };
  ['on_time', 'late', 'on_time', 'partial', 'held', 'refused', 'wasted', 'missed', 'missed'].forEach((what, i) =>
    assert.deepStrictEqual(count[orders[i].order_id], { ...zero, [what]: 1 }, `dose ${i}`));
  const [alone] = await adherence(patient, { ...week, order_id: orders[1].order_id });
  assert.deepStrictEqual(alone, { order_id: orders[1].order_id, ...zero, late: 1 });
  // Only windows that ended in the span count.
  const end = Number(slotOf(0).window_to_us);
  const none = await adherence(patient, { order_id: orders[0].order_id, from_us: week.from_us, to_us: String(end) });
  assert.deepStrictEqual(none, [{ order_id: orders[0].order_id, ...zero, due: 0 }]);
  const just = await adherence(patient, { order_id: orders[0].order_id, from_us: String(end), to_us: String(end + 1) });
  assert.strictEqual(just[0].due, 1);
});

test('what adherence refuses, and whose orders it tells of', async () => {
  const [a, b] = [await bedside(site), await bedside(site)];
  const fail = (q) => tracking.failure('GetAdherence', { patient_id: a.patient.id, ...q }, site.tokens.nurse);
  for (const order_id of [b.order.order_id, nobody]) assert.deepStrictEqual(await fail({ order_id }).then((f) => [f.code, f.reason]), ['NOT_FOUND', 'ORDER_NOT_FOUND']);
  assert.deepStrictEqual(await fail({ order_id: 'x' }).then((f) => [f.code, f.field]), ['INVALID_ARGUMENT', 'order_id']);
  assert.strictEqual((await fail({ patient_id: nobody })).reason, 'PATIENT_NOT_FOUND');
  assert.deepStrictEqual(await adherence(a.patient), [], 'no window has ended');
});

// ---- missed ----

test('missed doses of a ward, page by page', async () => {
  const ward = 'ward-4';
  const physician = site.as('physician', { ward });
  const nurse = site.as('nurse', { ward });
  const missed = [];
  for (let i = 0; i < 3; i++) {
    const patient = await site.patient({ ward });
    for (const days of [2, 3]) missed.push(await anyway(site, patient, plain(once, { starts_at_us: String(nowUs() - days * US.day) }), { by: physician }));
    await anyway(site, patient, plain(once), { by: physician });
  }
  const span = { from_us: String(nowUs() - 4 * US.day), to_us: String(nowUs()) };
  const ask = (q, by = nurse) => tracking.call('ListMissed', { ward, ...span, ...q }, site.who(by));
  const all = await ask({});
  assert.deepStrictEqual(all.slots.map((s) => s.order_id), missed.map((o) => o.order_id).sort());
  assert.ok(all.slots.every((s) => s.state === 'SLOT_STATE_MISSED'));
  assert.strictEqual(all.next_page_token, '');
  const paged = [];
  for (let token = '', n = 0; n < 10; n++) {
    const p = await ask({ page_size: 2, page_token: token });
    paged.push(...p.slots);
    token = p.next_page_token;
    if (!token) break;
  }
  assert.deepStrictEqual(paged, all.slots);
  const day = await ask({ from_us: String(nowUs() - 2.5 * US.day), to_us: span.to_us }, 'pharmacist');
  assert.strictEqual(day.slots.length, 3, 'a pharmacist asks about any ward');
  const fail = (q, by = nurse) => tracking.failure('ListMissed', { ward, ...span, ...q }, site.who(by));
  assert.deepStrictEqual(await fail({}, 'nurse').then((f) => [f.code, f.reason]), ['PERMISSION_DENIED', 'WARD_NOT_YOURS']);
  assert.deepStrictEqual(await fail({ ward: 'nowhere' }, 'pharmacist').then((f) => [f.code, f.reason]), ['NOT_FOUND', 'WARD_NOT_FOUND']);
  assert.deepStrictEqual(await fail({ ward: 'a b' }).then((f) => [f.code, f.field]), ['INVALID_ARGUMENT', 'ward']);
  assert.strictEqual((await fail({ page_token: 'x' })).reason, 'PAGE_TOKEN_INVALID');
  assert.strictEqual((await fail({ page_size: 501 })).field, 'page_size');
});

test('a dose that was charted is not missed, nor one of an order that was stopped', async () => {
  const ward = 'berlin';
  const [physician, nurse] = [site.as('physician', { ward }), site.as('nurse', { ward })];
  const patient = await site.patient({ ward });
  const charted = await placed(site, patient, plain(once, { starts_at_us: String(nowUs() - 2 * US.day) }), { by: physician });
  const { slots: [slot] } = await mar(patient, { from_us: String(nowUs() - 3 * US.day), to_us: String(nowUs()) }, nurse);
  const { pack } = await getPack(site, { ward, by: nurse });
  const missed = async () => (await tracking.call('ListMissed', { ward, from_us: String(nowUs() - 3 * US.day) }, nurse)).slots.map((s) => s.order_id);
  assert.deepStrictEqual(await missed(), [charted.order_id]);
  const [r] = await reconcile(site, pack, [paper(patient, charted, { slot_id: slot.slot_id, given_at_us: String(Number(slot.due_at_us) + 1) })], { by: nurse });
  assert.match(r.state, /RECORDED/);
  assert.deepStrictEqual(await missed(), []);
});
