'use strict';
// A correction is no way around the bedside: more than before is checked, and two people make what one person alone could not have given.

const test = require('node:test');
const assert = require('node:assert');
const { rulesOf } = require('./site');
const {
  shared, ordered, asNeeded, minutesAgo, bedside, give, refused, right, held, emergency, second, versions, correct, taken, failure, amount, once, prescription, interval,
} = require('./bedside');

let site;
test.before(async () => { site = await shared(); });
test.after(() => site?.stop());

const NEEDED = ['FAILED_PRECONDITION', 'SECOND_PERSON_NEEDED'];
const why = async (d, more, by) => { const e = await failure(correct(site, d, more, by)); return [e.code, e.reason]; };
const given = async (more = {}, p = ordered()) => {
  const at = await bedside(site, p);
  const answer = await give(site, at, more);
  assert.strictEqual(answer.recorded, true, JSON.stringify(answer).slice(0, 300));
  return { ...at, d: answer.administration };
};
const alert = () => given({ second_person_token: second(site) }, prescription('alertin', '10 mg', { timing: once }));

test('a correction to more than was ordered takes two people, and says what the check finds', async () => {
  const { d } = await given();
  assert.deepStrictEqual(await why(d, { dose: amount(1100, 'mg') }), NEEDED);
  assert.deepStrictEqual(await why(d, { dose: amount(1100, 'mg'), second_person_token: site.as('nurse', { sub: 'Nurse-1' }).token }), ['PERMISSION_DENIED', 'SECOND_PERSON_REFUSED']);
  assert.deepStrictEqual(await versions(site, d), [d]);
  const { administration: c, decision } = await correct(site, d, { dose: amount(1100, 'mg'), second_person_token: second(site) });
  assert.deepStrictEqual([c.version, c.dose, c.confirmed_by, right(c, 'DOSE')], [2, amount(1100, 'mg'), 'nurse-second', 'FAIL more']);
  assert.deepStrictEqual([rulesOf(decision), c.decision_id, decision.second_person], [['testozin-single-warn'], decision.decision_id, 'nurse-second']);
  assert.deepStrictEqual((await site.orders.call('GetDecision', { decision_id: c.decision_id }, site.who('nurse'))).decision, decision);
});

test('the check of a correction does not count the dose that it corrects, and replays', async () => {
  const { d } = await given({}, prescription('testozin', '1000 mg', { timing: once }));
  const { decision } = await correct(site, d, { dose: amount(2500, 'mg'), second_person_token: second(site) });
  assert.deepStrictEqual(rulesOf(decision), ['testozin-single-warn'], '2500 mg of 3000 mg a day, not 3500 mg');
  assert.deepStrictEqual(decision.snapshot.given, []);
  assert.strictEqual(decision.snapshot.at_us, d.given_at_us);
  const again = await site.orders.call('ReplayDecision', { decision_id: decision.decision_id }, site.who('pharmacist'));
  assert.strictEqual(again.same, true, JSON.stringify(again).slice(0, 300));
});

test('a correction at which the check stops takes two people, though it is no more than was ordered', async () => {
  const at = await bedside(site, prescription('testozin', '1000 mg', { timing: once }));
  const part = await give(site, at, held('PARTIAL', { ppid_token: undefined, dose: amount(100, 'mg') }));
  await emergency(site, at.patient, { dose: amount(2500, 'mg'), given_at_us: minutesAgo(1) });
  const d = part.administration;
  assert.deepStrictEqual(await why(d, { dose: amount(900, 'mg') }), NEEDED);
  const { administration: c, decision } = await correct(site, d, { dose: amount(900, 'mg'), second_person_token: second(site) });
  assert.ok(rulesOf(decision).includes('testozin-daily-stop'), String(rulesOf(decision)));
  assert.strictEqual(c.outcome, 'DOSE_OUTCOME_PARTIAL');
  assert.deepStrictEqual((await correct(site, c, { dose: amount(50, 'mg') })).decision, null, 'less is not checked, and one is enough');
});

test('two people correct a high-alert medicine: its amount, its waste, its time, and that it was given', async () => {
  const { order, d } = await alert();
  for (const more of [{ dose: amount(5, 'mg') }, { dose: amount(400, 'mg') }, { wasted: amount(5, 'mg') }, { given_at_us: minutesAgo(5) }, { entered_in_error: true }]) {
    assert.deepStrictEqual(await why(d, more), NEEDED, JSON.stringify(more));
  }
  assert.strictEqual(await taken(site, order), 1);
  const { administration: less } = await correct(site, d, { dose: amount(5, 'mg'), second_person_token: second(site) });
  assert.deepStrictEqual([less.outcome, less.confirmed_by, less.second_person], ['DOSE_OUTCOME_PARTIAL', 'nurse-second', 'nurse-second']);
  const { administration: gone } = await correct(site, less, { entered_in_error: true, second_person_token: second(site, 'pharmacist') });
  assert.deepStrictEqual([gone.entered_in_error, gone.confirmed_by], [true, 'pharmacist-second']);
  assert.strictEqual(await taken(site, order), 0);
});

test('that a high-alert medicine was not given, one person takes back', async () => {
  const at = await bedside(site, prescription('alertin', '10 mg', { timing: once }));
  const { administration: d } = await give(site, at, held());
  assert.strictEqual((await correct(site, d, { entered_in_error: true })).administration.entered_in_error, true);
});

test('a high-alert medicine of an emergency is corrected by two', async () => {
  const patient = await site.patient();
  const { administration: d } = await emergency(site, patient, { drug_id: 'alertin', dose: amount(10, 'mg') });
  assert.deepStrictEqual(await why(d, { dose: amount(1, 'mg') }), NEEDED);
  assert.deepStrictEqual(await why(d, { entered_in_error: true }), NEEDED);
  assert.strictEqual((await correct(site, d, { dose: amount(1, 'mg'), second_person_token: second(site) })).administration.confirmed_by, 'nurse-second');
});

test('a time that is moved back does not open a limit for one person', async () => {
  const p = ordered(asNeeded(4, 240));
  const { patient, order, d } = await given({}, p);
  assert.strictEqual((await refused(site, { patient, order })).reason, 'PRN_LIMIT');
  assert.deepStrictEqual(await why(d, { given_at_us: minutesAgo(5 * 60) }), NEEDED);
  const { administration: c } = await correct(site, d, { given_at_us: minutesAgo(10) });
  assert.strictEqual(c.version, 2, 'a little is one person\'s to correct');
  assert.deepStrictEqual(await why(c, { given_at_us: minutesAgo(20) }), NEEDED, 'many little steps are no way around');
  assert.strictEqual((await refused(site, { patient, order })).reason, 'PRN_LIMIT');
  await correct(site, c, { given_at_us: minutesAgo(5 * 60), second_person_token: second(site) });
  assert.strictEqual((await give(site, { patient, order })).recorded, true);
});

test('a time that is moved out of its slot\'s window takes two people; within it one', async () => {
  const { d } = await given({}, ordered({ timing: interval(6) }));
  assert.strictEqual((await correct(site, d, { given_at_us: minutesAgo(30) })).administration.version, 2);
  const [now] = await versions(site, d);
  assert.deepStrictEqual(await why(now, { given_at_us: minutesAgo(120) }), NEEDED);
  assert.strictEqual((await correct(site, now, { given_at_us: minutesAgo(120), second_person_token: second(site) })).administration.confirmed_by, 'nurse-second');
});

test('the same correction again is the same version, with what the check found', async () => {
  const { d } = await given();
  const request = {
    idempotency_key: site.key(), administration_id: d.administration_id, expected_version: 1, reason_code: 'wrong-entry', dose: amount(1100, 'mg'), second_person_token: second(site),
  };
  const first = await site.api('doses').call('Correct', request, site.who('nurse'));
  assert.deepStrictEqual(await site.api('doses', { on: 'dosage2' }).call('Correct', request, site.who('nurse')), first);
  assert.strictEqual((await versions(site, d)).length, 2);
  const { d: other } = await given();
  const e = await failure(correct(site, other, { dose: amount(1100, 'mg'), second_person_token: request.second_person_token }));
  assert.strictEqual(e.reason, 'SECOND_PERSON_USED');
});
