'use strict';
// A dose that was given a while ago and is charted now: at its true time, with a reason, and judged by that time.

const test = require('node:test');
const assert = require('node:assert');
const { shared, bedside, give, refused, ordered, interval, asNeeded, minutesAgo, held, right, emergency, prescription, setState, failure } = require('./bedside');

let site;
test.before(async () => { site = await shared(); });
test.after(() => site?.stop());

const ago = (minutes, more = {}) => ({ given_at_us: minutesAgo(minutes), charted_late_reason: 'late-round', ...more });
const since = (minutes, more = {}) => ordered({ timing: interval(6), starts_at_us: minutesAgo(minutes), ...more });

test('it is charted at its true time, with the reason at the patient', async () => {
  const at = await bedside(site, since(100));
  const late = ago(90);
  const answer = await give(site, at, late);
  assert.strictEqual(answer.recorded, true);
  const d = answer.administration;
  assert.deepStrictEqual([d.given_at_us, d.charted_late_reason, right(answer, 'PATIENT'), right(answer, 'TIME')], [late.given_at_us, 'late-round', 'PASS late-round', 'PASS']);
  assert.ok(Number(d.recorded_at_us) - Number(d.given_at_us) > 89 * 60e6);
});

test('given late and charted late: both have a reason', async () => {
  const at = await bedside(site, since(200));
  const answer = await give(site, at, ago(100));
  assert.deepStrictEqual([answer.recorded, right(answer, 'TIME')], [false, 'FAIL late']);
  assert.strictEqual((await give(site, at, ago(100, { time_reason: 'late-round' }))).recorded, true);
});

test('a dose that was not given is charted late, too; one whose window had not begun is not', async () => {
  const at = await bedside(site, since(60));
  assert.strictEqual((await give(site, at, held('HELD', ago(30)))).administration.charted_late_reason, 'late-round');
  const early = await bedside(site, since(30));
  assert.strictEqual((await refused(site, early, ago(120))).reason, 'SLOT_EARLY');
});

test('the reason is one of the rule set, of this use', async () => {
  const at = await bedside(site, since(60));
  for (const charted_late_reason of ['asleep', 'nothing']) {
    assert.strictEqual((await refused(site, at, { ...ago(30), charted_late_reason })).reason, 'REASON_UNKNOWN');
  }
});

test('limits of what is given as needed go by the true time, before and after it', async () => {
  const at = await bedside(site, ordered({ ...asNeeded(4, 60), starts_at_us: minutesAgo(300) }));
  assert.strictEqual((await give(site, at, ago(90))).recorded, true);
  for (const minutes of [40, 140]) assert.strictEqual((await refused(site, at, ago(minutes))).reason, 'PRN_LIMIT', `${minutes} min ago`);
  assert.strictEqual((await give(site, at)).recorded, true);
  assert.strictEqual((await give(site, at, ago(160))).recorded, true);
});

test('too soon goes by the true time, against a dose after it as well', async () => {
  const at = await bedside(site, since(200));
  await emergency(site, at.patient);
  const answer = await give(site, at, ago(100, { time_reason: 'late-round' }));
  assert.deepStrictEqual([answer.recorded, answer.open], [false, ['ward.too-soon']]);
  assert.match(answer.decision.findings.find((f) => f.rule_id === 'ward.too-soon').text.en, /after this dose/);
  assert.strictEqual((await give(site, at, ago(190))).recorded, true, '190 min before it');
});

test('a token that is spent does not chart it; another does, once', async () => {
  const first = await bedside(site, since(40));
  const ppid_token = await site.ppid(first.patient);
  const other = await site.place(first.patient, prescription('plainin', '10 mg', { timing: interval(6), starts_at_us: minutesAgo(40) }));
  const at = { patient: first.patient, order: other.order, slot: (await site.slots(first.patient, { order_id: other.order.order_id }))[0] };
  assert.strictEqual((await give(site, first, { ppid_token })).recorded, true);
  assert.strictEqual((await refused(site, at, { ppid_token, ...ago(40) })).reason, 'PPID_SPENT');
  const key = site.key(), fresh = { ppid_token: await site.ppid(first.patient), ...ago(30), key };
  const answer = await give(site, at, fresh);
  assert.deepStrictEqual([answer.recorded, answer.open, answer.rights.filter((r) => r.result === 'RESULT_FAIL')], [true, [], []]);
  assert.deepStrictEqual(await give(site, at, fresh), answer);
  assert.deepStrictEqual((await refused(site, at, ago(40))).reason, 'SLOT_TAKEN');
});

test('of an order that was stopped since nothing is charted', async () => {
  const at = await bedside(site, since(60));
  await setState(site, at.order, 'STOPPED');
  assert.strictEqual((await failure(give(site, at, ago(40)))).reason, 'ORDER_STATE');
});
