'use strict';
// What was handed out for an order, what was used of it, how long it lasts.

const test = require('node:test');
const assert = require('node:assert');
const { prescription, interval, once, amount, nobody } = require('./site');
const { shared, placed, anyway, bedside, give, failure, paper, history, getPack, reconcile, sum, US, nowUs } = require('./cutoff');

let site, tracking;
test.before(async () => {
  site = await shared({ audit: false });
  tracking = site.api('tracking');
});
test.after(() => site?.stop());

const plain = (timing, more = {}) => prescription('plainin', '10 mg', { timing, ...more });
const record = (at, text, { by = 'pharmacist', on, key = site.key(), ...more } = {}) => site.api('tracking', { on }).call('RecordSupply',
  { idempotency_key: key, patient_id: at.patient.id, order_id: at.order.order_id, quantity: amount(...text.split(' ')), ...more }, site.who(by)).then((a) => a.supply);
const supplies = (at, more = {}, by = 'nurse') => tracking.call('GetSupply', { patient_id: at.patient.id, order_id: at.order?.order_id ?? '', ...more }, site.who(by)).then((a) => a.supplies);
const ordered = async (p) => { const patient = await site.patient(); return { patient, order: await placed(site, patient, p) }; };

test('what is left is exact, in the unit of the dose, whatever it was handed out in', async () => {
  const at = await ordered(plain(interval(6)));
  await record(at, '100 mg');
  await record(at, '3 {tablet}', { product_id: 'plainin-tablet' });
  await record(at, '0.0305 g');
  const s = await record(at, '-0.5 mg');
  assert.deepStrictEqual([s.order_id, s.supplied, s.used, s.left, s.not_counted], [at.order.order_id, amount('160', 'mg'), amount('0', 'mg'), amount('160', 'mg'), 0]);
  assert.strictEqual(s.doses_left, 16);
  assert.deepStrictEqual(await supplies(at), [s]);
});

test('doses use it up, whole, in part and thrown away; what was taken back is there again', async () => {
  const at = await bedside(site, plain({ kind: 'KIND_AS_NEEDED' }, { as_needed: { reason: { system: 's', code: 'pain' }, max_doses_per_24h: 90, min_interval_minutes: 1 } }));
  await record(at, '40 mg');
  const t = nowUs() - US.hour;
  const line = (i, more = {}) => paper(at.patient, at.order, { given_at_us: String(t + i * US.minute), ...more });
  const [first] = await history(site, [
    line(0), line(1, { outcome: 'DOSE_OUTCOME_PARTIAL', reason_code: 'asleep', dose: amount('2.5', 'mg') }), line(2, { outcome: 'DOSE_OUTCOME_HELD', reason_code: 'asleep' }),
  ]);
  const answer = await give(site, at, { outcome: 'DOSE_OUTCOME_PARTIAL', reason_code: 'asleep', dose: amount('4', 'mg'), wasted: amount('6', 'mg') });
  assert.strictEqual(answer.recorded, true, JSON.stringify(answer.open ?? answer.rights));
  const [s] = await supplies(at);
  assert.deepStrictEqual([s.used.value, s.left.value, s.doses_left], [sum(['10', '2.5', '4', '6']), '17.5', 1]);
  await site.api('doses').call('Correct',
    { idempotency_key: site.key(), administration_id: first.administration_id, expected_version: 1, reason_code: 'wrong-entry', entered_in_error: true }, site.tokens.nurse);
  assert.strictEqual((await supplies(at))[0].left.value, '27.5');
});

test('more was given than supplied: what is left is below nothing', async () => {
  const at = await ordered(plain(once, { starts_at_us: String(nowUs() - 2 * US.hour) }));
  await record(at, '4 mg');
  const { pack } = await getPack(site);
  await reconcile(site, pack, [paper(at.patient, at.order)]);
  const [s] = await supplies(at);
  assert.deepStrictEqual([s.left.value, s.doses_left, s.lasts_until_us], ['-6', 0, '0']);
});

test('it lasts until the first dose that it does not reach', async () => {
  const at = await ordered(plain({ kind: 'KIND_TIMES', times: ['08:00', '20:00'] }, { starts_at_us: String(nowUs() + US.day) }));
  const s = await record(at, '50 mg');
  const slots = await site.slots(at.patient, { from_us: String(nowUs()), to_us: String(nowUs() + 10 * US.day) });
  assert.deepStrictEqual([s.doses_left, s.lasts_until_us], [5, slots[5].due_at_us]);
  const more = await record(at, '7400 mg');
  assert.deepStrictEqual([more.doses_left, more.lasts_until_us], [745, '0'], 'not before a year');
  const none = await ordered(plain({ kind: 'KIND_AS_NEEDED' }, { as_needed: { reason: { system: 's', code: 'pain' }, max_doses_per_24h: 4, min_interval_minutes: 60 } }));
  assert.strictEqual((await record(none, '50 mg')).lasts_until_us, '0', 'nobody knows when');
});

test('one call is one supply, on either replica; another of its key is refused', async () => {
  const at = await ordered(plain(interval(6)));
  const key = site.key();
  const answers = await Promise.all([0, 1, 2, 3].map((i) => record(at, '10 mg', { key, on: i % 2 ? 'dosage' : 'dosage2' })));
  for (const s of answers) assert.strictEqual(s.supplied.value, '10');
  assert.strictEqual(await site.rows('supply', `order_id = ${site.hex(at.order.order_id)}`), 1);
  const f = await failure(record(at, '11 mg', { key }));
  assert.deepStrictEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
});

test('all of a patient\'s, and nobody else\'s; nothing of it lies in the clear', async () => {
  const at = await ordered(plain(interval(6)));
  const two = { patient: at.patient, order: await anyway(site, at.patient, prescription('testozin', '500 mg', { timing: interval(12) })) };
  await anyway(site, at.patient, plain(once));
  await record(at, '70 mg');
  await record(two, '12 {tablet}', { product_id: 'testozin-tablet' });
  const all = await supplies({ patient: at.patient });
  assert.deepStrictEqual(all.map((s) => [s.order_id, s.supplied.value]), [[at.order.order_id, '70'], [two.order.order_id, '6000']].sort());
  const other = await ordered(plain(interval(6)));
  assert.deepStrictEqual(await supplies({ patient: other.patient }), []);
  assert.deepStrictEqual((await supplies(other)).map((s) => s.supplied.value), ['0']);
  const [[sealed]] = await site.sql(`SELECT sealed FROM supply WHERE order_id = ${site.hex(at.order.order_id)}`);
  assert.ok(!String(sealed).includes('70'));
  const events = await site.outbox();
  assert.ok(events.some((e) => (e.patient_id ?? e.patient) === at.patient.id && JSON.stringify(e).includes('RecordSupply')));
});

test('what is refused', async () => {
  const at = await ordered(plain(interval(6)));
  const fail = (q, by = 'pharmacist') => tracking.failure('RecordSupply',
    { idempotency_key: site.key(), patient_id: at.patient.id, order_id: at.order.order_id, quantity: amount('10', 'mg'), ...q }, site.who(by));
  const other = await ordered(plain(interval(6)));
  for (const order_id of [other.order.order_id, nobody]) assert.deepStrictEqual(await fail({ order_id }).then((f) => [f.code, f.reason]), ['NOT_FOUND', 'ORDER_NOT_FOUND']);
  assert.strictEqual((await fail({ patient_id: nobody })).reason, 'PATIENT_NOT_FOUND');
  for (const q of [null, amount('', 'mg'), amount('ten', 'mg'), amount('0', 'mg'), amount('-0', 'mg'), amount('--1', 'mg'), amount('1e400', 'mg'), amount('NaN', 'mg')]) {
    const f = await fail({ quantity: q });
    assert.deepStrictEqual([f.code, f.reason], ['INVALID_ARGUMENT', 'DOSE_VALUE'], JSON.stringify(q));
  }
  for (const unit of ['mL', 'h', 'milligram', '', '{tablet}']) {
    const f = await fail({ quantity: amount('1', unit) });
    assert.deepStrictEqual([f.code, f.reason], ['INVALID_ARGUMENT', 'DOSE_UNIT'], unit);
  }
  for (const product_id of ['testozin-tablet', 'nothing']) assert.strictEqual((await fail({ product_id })).field, 'product_id');
  assert.strictEqual((await fail({}, 'physician')).code, 'PERMISSION_DENIED');
  assert.strictEqual((await fail({ idempotency_key: '' })).field, 'idempotency_key');
  assert.strictEqual(await site.rows('supply', `order_id = ${site.hex(at.order.order_id)}`), 0);
  const get = (q) => tracking.failure('GetSupply', { patient_id: at.patient.id, ...q }, site.tokens.nurse);
  assert.strictEqual((await get({ order_id: other.order.order_id })).reason, 'ORDER_NOT_FOUND');
  assert.strictEqual((await get({ patient_id: nobody })).reason, 'PATIENT_NOT_FOUND');
});

test('each look at a patient is one event about them, a refused one too; a list of a ward tells of each who is shown', async () => {
  const at = await bedside(site, plain(once, { starts_at_us: String(nowUs() - 3 * US.day) }));
  const patient_id = at.patient.id;
  const since = async (f) => { const n = (await site.outbox()).length; await f(); return (await site.outbox()).slice(n).map((e) => [e.patient_id ?? e.patient, e.outcome]); };
  const ok = (await since(() => tracking.call('GetMar', { patient_id }, site.tokens.nurse)))[0];
  assert.strictEqual(ok[0], patient_id);
  for (const [method, q] of [['GetCumulative', { ingredient: 'plainin', hours: 1 }], ['GetAdherence', {}], ['GetSupply', {}]]) {
    assert.deepStrictEqual(await since(() => tracking.call(method, { patient_id, ...q }, site.tokens.nurse)), [ok], method);
  }
  const [refused, ...more] = await since(() => tracking.failure('GetCumulative', { patient_id, ingredient: 'nothing', hours: 1 }, site.tokens.nurse));
  assert.deepStrictEqual([refused[0], more.length], [patient_id, 0]);
  assert.notStrictEqual(refused[1], ok[1]);
  const span = { from_us: String(nowUs() - 4 * US.day), to_us: String(nowUs()) };
  const shown = await since(() => tracking.call('ListMissed', { ward: 'ward-3', ...span }, site.tokens.nurse));
  assert.ok(shown.some(([id]) => id === patient_id));
  assert.strictEqual(new Set(shown.map(([id]) => id)).size, shown.length, 'each once');
  const none = await since(() => tracking.call('ListMissed', { ward: 'berlin', ...span }, site.tokens.pharmacist));
  assert.deepStrictEqual(none, [['', ok[1]]], 'about nobody');
});
