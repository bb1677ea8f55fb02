'use strict';
// A slot that was charted as not given, or as a part, and what can be given for it still: never more than the order's dose.

const test = require('node:test');
const assert = require('node:assert');
const { shared, bedside, give, ordered, amount, interval, once, held, right, correct, versions, minutesAgo, second, prescription, failure } = require('./bedside');

let site, replicas;
test.before(async () => { site = await shared(); replicas = [site.api('doses'), site.api('doses', { on: 'dosage2' })]; });
test.after(() => site?.stop());

const part = (mg, more = {}) => ({ outcome: 'DOSE_OUTCOME_PARTIAL', reason_code: 'asleep', dose: amount(mg, 'mg'), ...more });
const TAKEN = ['ALREADY_EXISTS', 'SLOT_TAKEN'];
const of = (err) => [err.code, err.reason];
const listed = async (at) => (await site.slots(at.patient, { order_id: at.order.order_id })).find((s) => s.slot_id === at.slot.slot_id);
const counted = (at) => site.rows('administration', `order_id = ${site.hex(at.order.order_id)} AND counts`);
const acts = (at) => site.rows('administration', `order_id = ${site.hex(at.order.order_id)}`);

for (const outcome of ['HELD', 'REFUSED', 'WASTED']) {
  test(`${outcome}, then given in the same window: two acts, one dose`, async () => {
    const at = await bedside(site, ordered({ timing: interval(6) }));
    const first = await give(site, at, held(outcome));
    assert.strictEqual((await listed(at)).state, 'SLOT_STATE_NOT_GIVEN');
    const answer = await give(site, at);
    assert.strictEqual(answer.recorded, true);
    const slot = await listed(at);
    assert.deepStrictEqual([slot.state, slot.administration_id], ['SLOT_STATE_GIVEN', answer.administration.administration_id]);
    assert.deepStrictEqual([await acts(at), await counted(at)], [2, 1]);
    assert.strictEqual((await versions(site, first.administration)).length, 1, 'what was charted first stays');
    assert.deepStrictEqual(of(await failure(give(site, at))), TAKEN);
    assert.deepStrictEqual(of(await failure(give(site, at, held()))), TAKEN);
  });
}

test('held twice is charted once, and nothing is given for a window that is over', async () => {
  const at = await bedside(site);
  await give(site, at, held());
  assert.deepStrictEqual(of(await failure(give(site, at, held('REFUSED')))), TAKEN);
  const patient = await site.patient();
  const { order } = await site.place(patient, ordered({ starts_at_us: minutesAgo(26 * 60) }));
  const old = { patient, order, slot: { slot_id: `${order.order_id}@${order.prescription.starts_at_us}` } };
  await give(site, old, held());
  assert.deepStrictEqual((await failure(give(site, old, { time_reason: 'late-round' }))).reason, 'SLOT_OVER');
});

for (const [name, timing] of [['INTERVAL', interval(6)], ['ONCE', once]]) {
  test(`${name}: a part, the rest, and no more`, async () => {
    const at = await bedside(site, ordered({ timing }));
    assert.strictEqual((await give(site, at, part(200))).recorded, true);
    const more = await give(site, at, part(301));
    assert.deepStrictEqual([more.recorded, right(more, 'DOSE')], [false, 'FAIL more']);
    const whole = await give(site, at);
    assert.deepStrictEqual([whole.recorded, right(whole, 'DOSE')], [false, 'FAIL more'], 'the whole dose is more than the rest');
    const next = await give(site, at, part(100));
    assert.deepStrictEqual([next.recorded, next.open], [true, []], 'not too soon: it is of the same dose');
    const rest = await give(site, at, part('0.2', { dose: { value: '0.2', unit: 'g' } }));
    assert.strictEqual(rest.recorded, true);
    assert.strictEqual(rest.rights.find((r) => r.right === 'RIGHT_DOSE').evidence, '0.2 g after 300 mg of 500 mg');
    assert.deepStrictEqual(of(await failure(give(site, at, part(1)))), TAKEN);
    assert.deepStrictEqual(await counted(at), 3);
  });
}

test('a part that was charted in error makes room for it again, and for no more', async () => {
  const at = await bedside(site, ordered({ timing: interval(6) }));
  await give(site, at, part(200));
  const { administration } = await give(site, at, part(300));
  await correct(site, administration, { entered_in_error: true });
  const slot = await listed(at);
  assert.strictEqual(slot.state, 'SLOT_STATE_GIVEN', 'the other part has the slot');
  assert.strictEqual(right(await give(site, at), 'DOSE'), 'FAIL more');
  assert.strictEqual((await give(site, at, part(300))).recorded, true);
  assert.deepStrictEqual(of(await failure(give(site, at, part(1)))), TAKEN);
});

test('a whole dose that was charted in error frees the slot, held or not before', async () => {
  const at = await bedside(site, ordered({ timing: interval(6) }));
  await give(site, at, held());
  const { administration } = await give(site, at);
  await correct(site, administration, { entered_in_error: true });
  assert.strictEqual((await give(site, at)).recorded, true);
  assert.strictEqual(await counted(at), 1);
});

test('devices that give the rest at once: exactly one', async () => {
  for (let i = 0; i < 6; i++) {
    const at = await bedside(site, ordered({ timing: i % 2 ? once : interval(6) }));
    await give(site, at, i < 3 ? part(200) : held());
    const tokens = await Promise.all([0, 1, 2, 3].map(() => site.ppid(at.patient)));
    const what = i < 3 ? part(300) : {};
    const got = await Promise.all(tokens.map((ppid_token, n) => give(site, at, { ...what, ppid_token, on: replicas[n % 2], by: site.as('nurse', { sub: `nurse-${n}` }) })
      .then((a) => (a.recorded ? 'recorded' : right(a, 'DOSE')), (e) => e.reason)));
    assert.deepStrictEqual(got.sort(), ['SLOT_TAKEN', 'SLOT_TAKEN', 'SLOT_TAKEN', 'recorded']);
    assert.strictEqual(await counted(at), i < 3 ? 2 : 1);
  }
});

test('a rate has no rest', async () => {
  const at = await bedside(site, prescription('dripin', '10 mg/h', { route: 'ROUTE_IVINF', timing: { kind: 'KIND_CONTINUOUS' } }));
  assert.strictEqual((await give(site, at, part(4, { dose: amount(4, 'mg/h') }))).recorded, true);
  assert.deepStrictEqual(of(await failure(give(site, at, part(6, { dose: amount(6, 'mg/h') })))), TAKEN);
});
