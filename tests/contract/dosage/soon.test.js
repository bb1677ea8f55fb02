'use strict';
// Two doses of one ingredient within half the interval of the order: found at the order, at its change and at the bedside, whatever
// way they come together; what practice gives close together is not.

const test = require('node:test');
const assert = require('node:assert');
const {
  shared, bedside, give, ordered, prescription, placed, amount, interval, once, asNeeded, minutesAgo, second, emergency, setState, held, refused, right,
} = require('./bedside');
const { change } = require('./ordering');
const { times } = require('./site');

let site;
test.before(async () => { site = await shared(); });
test.after(() => site?.stop());

const SOON = 'ward.too-soon';
const by = (rule_id, reason_code) => ({ overrides: [{ rule_id, reason_code }] });
const nurseKnows = by(SOON, 'nurse-knows');
const soonOf = (answer) => answer.decision?.findings.find((f) => f.rule_id === SOON);
const alert = (more = {}) => prescription('alertin', '10 mg', more);
const two = (s) => ({ second_person_token: second(s) });
const slotsOf = (at) => site.slots(at.patient, { order_id: at.order.order_id, from_us: minutesAgo(40 * 60), to_us: minutesAgo(-40 * 60) });
const isOpen = (s) => ['SLOT_STATE_DUE', 'SLOT_STATE_OVERDUE'].includes(s.state);

// An order whose slot before this one is late: its window ends in a moment, when the next one's begins.
async function lateThenNext(p, hours) {
  const patient = await site.patient();
  const starts = Date.now() - (hours * 60 - 60) * 60e3 + 4000;
  const order = await placed(site, patient, { ...p, timing: interval(hours), starts_at_us: String(starts * 1000) });
  const at = { patient, order };
  const [first, next] = await slotsOf(at);
  const late = await give(site, { ...at, slot: first }, { time_reason: 'late-round', ...two(site) });
  assert.strictEqual(late.recorded, true);
  await new Promise((r) => setTimeout(r, Math.max(0, Number(next.window_from_us) / 1000 - Date.now() + 50)));
  return { ...at, slot: next };
}

test('a late dose, then the next slot at once: found', async () => {
  const at = await lateThenNext(ordered(), 24);
  const answer = await give(site, at);
  assert.deepStrictEqual([answer.recorded, answer.open, right(answer, 'TIME')], [false, [SOON], 'PASS']);
  const f = soonOf(answer);
  assert.strictEqual(f.severity, 'SEVERITY_WARN');
  assert.deepStrictEqual([f.compared[0].what, f.compared[0].relation, f.compared[0].limit.value], ['since-last-minutes', '>=', '720']);
  assert.match(f.text.en, /less than 1 min before this dose/);
  assert.match(f.text.zh, /至少应间隔 12 小时/);
  assert.strictEqual((await give(site, at, nurseKnows)).recorded, true, 'a person may decide otherwise, and says so');
});

test('of a high-alert ingredient that is a hard stop', async () => {
  const at = await lateThenNext(alert(), 12);
  const answer = await give(site, at, two(site));
  assert.deepStrictEqual([answer.recorded, soonOf(answer).severity], [false, 'SEVERITY_HARD']);
});

for (const [name, drug, severity] of [['another', ordered, 'WARN'], ['a high-alert', alert, 'HARD']]) {
  test(`${name} order is stopped and written again: found at the order`, async () => {
    const p = drug({ timing: interval(12) });
    const at = await bedside(site, p);
    assert.strictEqual((await give(site, at, two(site))).recorded, true);
    await setState(site, at.order, 'STOPPED');
    const again = await site.place(at.patient, p);
    assert.deepStrictEqual([again.placed, soonOf(again)?.severity], [false, `SEVERITY_${severity}`]);
    const onceMore = await site.place(at.patient, drug({ timing: once }));
    assert.strictEqual(soonOf(onceMore)?.severity, `SEVERITY_${severity}`, 'ordered once: by the interval of the order that was stopped');
    const later = await site.place(at.patient, { ...p, starts_at_us: minutesAgo(-11 * 60) });
    assert.strictEqual(later.placed, true, later.open.join());
  });
}

test('what was decided at the order is not asked again at the bedside', async () => {
  const p = ordered({ timing: interval(12) });
  const at = await bedside(site, p);
  await give(site, at);
  await setState(site, at.order, 'STOPPED');
  const order = await placed(site, at.patient, p, by(SOON, 'benefit'));
  const [slot] = await slotsOf({ ...at, order });
  const answer = await give(site, { ...at, order, slot });
  assert.deepStrictEqual([answer.recorded, answer.open], [true, []]);
});

test('an emergency, then the scheduled dose: found', async () => {
  const at = await bedside(site, ordered({ timing: interval(6) }));
  await emergency(site, at.patient);
  const answer = await give(site, at);
  assert.deepStrictEqual([answer.recorded, answer.open], [false, [SOON]]);
  const told = await emergency(site, at.patient, { drug_id: 'duozin', dose: amount(1, '{tablet}'), product_id: 'duozin-tablet' });
  assert.strictEqual(told.administration.emergency, true, 'an emergency is stopped by nothing');
});

test('a change that starts soon is found; one that keeps the start is not', async () => {
  for (const timing of [interval(12), once]) {
    const at = await bedside(site, ordered({ timing }));
    await give(site, at);
    for (const minutes of [5, 30]) {
      const answer = await change(site, at.order, ordered({ timing: interval(12), starts_at_us: minutesAgo(-minutes) }));
      assert.deepStrictEqual([answer.changed, answer.open], [false, [SOON]], `${minutes} min`);
    }
    const kept = await change(site, at.order, ordered({ timing: interval(12), instructions: ['with-food'] }));
    assert.strictEqual(kept.changed, true, kept.open.join());
  }
});

test('a dose that waits, and a change that makes another: the second is found', async () => {
  const at = await bedside(site, ordered({ timing: interval(12) }));
  const { order } = await change(site, at.order, ordered({ timing: interval(12), starts_at_us: minutesAgo(-30) }));
  const [first, other] = (await slotsOf({ ...at, order })).filter((s) => isOpen(s) || s.state === 'SLOT_STATE_FUTURE');
  assert.strictEqual((await give(site, { ...at, order, slot: first })).recorded, true);
  if (!isOpen(other)) return;
  assert.deepStrictEqual((await give(site, { ...at, order, slot: other })).open, [SOON]);
});

test("a ward's clock is corrected: no second dose of the same day without a word", async () => {
  const ward = `ward-${site.key()}`;
  const set = (time_zone) => site.api('dosageadmin').call('SetWard', { idempotency_key: site.key(), ward: { ward, time_zone, before_minutes: 60, after_minutes: 60 } }, site.who('dosage-admin'));
  const staff = (role) => site.as(role, { ward });
  const local = (zone) => new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hour12: false }).format(new Date());
  await set('Asia/Shanghai');
  const patient = await site.patient({ ward });
  const p = ordered({ timing: times(local('Asia/Shanghai').replace('24:', '00:')), starts_at_us: minutesAgo(2 * 60) });
  const order = await placed(site, patient, p, { by: staff('physician') });
  const open = async () => (await site.slots(patient, { by: staff('nurse'), order_id: order.order_id })).filter(isOpen);
  const [slot] = await open();
  assert.strictEqual((await give(site, { patient, order, slot }, { by: staff('nurse') })).recorded, true);
  await set('Asia/Ho_Chi_Minh'); // an hour behind: the same wall time comes again in an hour, its window opens now
  const again = (await site.slots(patient, { by: staff('nurse'), order_id: order.order_id })).filter((s) => s.administration_id === '' && Number(s.due_at_us) > Number(slot.due_at_us));
  assert.ok(again.length > 0);
  const due = again.find(isOpen);
  if (due) {
    const answer = await give(site, { patient, order, slot: due }, { by: staff('nurse') });
    assert.deepStrictEqual([answer.recorded, answer.open], [false, [SOON]]);
  } else {
    assert.deepStrictEqual((await refused(site, { patient, order, slot: again[0] }, { by: staff('nurse') })).reason, 'SLOT_EARLY');
  }
});

test('as needed beside scheduled, given in its limits, and a dose that was held: not found', async () => {
  const at = await bedside(site, ordered({ timing: interval(12) }));
  assert.strictEqual((await give(site, at)).recorded, true);
  const prn = await placed(site, at.patient, ordered({ ...asNeeded(4, 60), dose: amount(250, 'mg') }), by('ward.same-ingredient', 'benefit'));
  assert.strictEqual((await give(site, { patient: at.patient, order: prn })).recorded, true);
  const other = await bedside(site, ordered({ timing: interval(12) }));
  await give(site, other, held());
  const again = await site.place(other.patient, ordered({ timing: interval(12) }), by('ward.same-ingredient', 'benefit'));
  assert.strictEqual(again.placed, true, 'nothing was given');
});

test('a decision with it is replayed to the same bytes', async () => {
  const at = await bedside(site, ordered({ timing: interval(12) }));
  await emergency(site, at.patient);
  const { decision } = await give(site, at);
  const again = await site.orders.call('ReplayDecision', { decision_id: decision.decision_id }, site.who('pharmacist'));
  assert.strictEqual(again.same, true);
});
