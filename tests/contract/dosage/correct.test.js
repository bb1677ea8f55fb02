'use strict';
// Correct: versions are added and none is lost; a dose that did not happen opens its slot again.

const test = require('node:test');
const assert = require('node:assert');
const { nobody } = require('./site');
const {
  GTIN, shared, ordered, asNeeded, minutesAgo, bedside, give, refused, right, held, emergency, second, versions, correct, taken, doses, failure, amount,
} = require('./bedside');

let site;
test.before(async () => { site = await shared(); });
test.after(() => site?.stop());

const failed = async (promise) => { const e = await failure(promise); return [e.code, e.reason === e.code && e.field || e.reason]; };
const given = async (more = {}, p = ordered()) => {
  const at = await bedside(site, p);
  const { administration: d } = await give(site, at, more);
  return { ...at, d };
};

test('what did not happen is taken back: it counts no longer, its slot is open, every version stays', async () => {
  const { patient, order, slot, d } = await given();
  const { administration: c } = await correct(site, d, { entered_in_error: true }, 'pharmacist');
  assert.deepStrictEqual([c.version, c.entered_in_error, c.correction_code, c.written_by, c.recorded_by], [2, true, 'wrong-entry', 'pharmacist-1', 'nurse-1']);
  assert.deepStrictEqual(await versions(site, d), [c, d]);
  assert.strictEqual(await taken(site, order), 0);
  assert.strictEqual(await site.rows('administration', `order_id = ${site.hex(order.order_id)} AND counts`), 0);
  const again = await give(site, { patient, order, slot });
  assert.strictEqual(again.recorded, true);
  assert.notStrictEqual(again.administration.administration_id, d.administration_id);
  assert.deepStrictEqual([await taken(site, order), await doses(site, order)], [1, 2]);
  assert.deepStrictEqual(await failed(correct(site, c, { entered_in_error: true })), ['FAILED_PRECONDITION', 'ENTERED_IN_ERROR']);
  assert.deepStrictEqual(await failed(correct(site, c, { dose: amount(250, 'mg') })), ['FAILED_PRECONDITION', 'ENTERED_IN_ERROR']);
  assert.strictEqual(await taken(site, order), 1, 'the new one keeps its slot');
});

test('it counts no longer for what is given next', async () => {
  const { patient, order, d } = await given({}, ordered(asNeeded(1, 60)));
  assert.strictEqual((await refused(site, { patient, order })).reason, 'PRN_LIMIT');
  await correct(site, d, { entered_in_error: true });
  assert.strictEqual((await give(site, { patient, order })).recorded, true);
});

test('an amount is corrected: less than ordered is PARTIAL, all of it GIVEN, more is said', async () => {
  const { d } = await given({ scan: GTIN.testozin250 });
  const { administration: less } = await correct(site, d, { dose: amount(1, '{tablet}'), wasted: amount(250, 'mg') });
  assert.deepStrictEqual([less.version, less.outcome, less.dose, less.wasted], [2, 'DOSE_OUTCOME_PARTIAL', amount(1, '{tablet}'), amount(250, 'mg')]);
  assert.strictEqual(right(less, 'DOSE'), 'NOT_CHECKED corrected');
  assert.strictEqual(right(less, 'DRUG'), 'PASS', 'the others stand');
  const { administration: all } = await correct(site, less, { dose: amount('0.5', 'g') });
  assert.deepStrictEqual([all.version, all.outcome, right(all, 'DOSE')], [3, 'DOSE_OUTCOME_GIVEN', 'NOT_CHECKED corrected']);
  const { administration: more } = await correct(site, all, { dose: amount(750, 'mg'), second_person_token: second(site) });
  assert.deepStrictEqual([more.version, more.outcome, right(more, 'DOSE')], [4, 'DOSE_OUTCOME_GIVEN', 'FAIL more']);
  assert.deepStrictEqual(await versions(site, d), [more, all, less, d]);
});

test('a time is corrected', async () => {
  const { d } = await given();
  const given_at_us = minutesAgo(30);
  const { administration: c } = await correct(site, d, { given_at_us });
  assert.deepStrictEqual([c.given_at_us, c.recorded_at_us], [given_at_us, d.recorded_at_us]);
  const of = { given_at_us: minutesAgo(-5) };
  assert.deepStrictEqual(await failed(correct(site, c, of)), ['INVALID_ARGUMENT', 'given_at_us']);
  assert.deepStrictEqual(await failed(correct(site, c, { given_at_us: minutesAgo(25 * 60) })), ['INVALID_ARGUMENT', 'given_at_us']);
});

test('an emergency\'s dose is corrected too', async () => {
  const patient = await site.patient();
  const { administration: d } = await emergency(site, patient);
  const { administration: c } = await correct(site, d, { dose: amount(250, 'mg') });
  assert.deepStrictEqual([c.version, c.dose, c.outcome, c.emergency], [2, amount(250, 'mg'), 'DOSE_OUTCOME_GIVEN', true]);
});

test('a version that is not the current one is a conflict', async () => {
  const { d } = await given();
  const { administration: c } = await correct(site, d, { wasted: amount(5, 'mg') });
  assert.deepStrictEqual(await failed(correct(site, d, { entered_in_error: true })), ['ABORTED', 'VERSION_CONFLICT']);
  assert.deepStrictEqual(await failed(correct(site, { ...d, version: 9 }, { entered_in_error: true })), ['ABORTED', 'VERSION_CONFLICT']);
  assert.deepStrictEqual((await versions(site, d)).map((v) => v.version), [c.version, 1]);
});

test('two correct at once: one does', async () => {
  for (let i = 0; i < 4; i++) {
    const { d } = await given();
    const on = [site.api('doses'), site.api('doses', { on: 'dosage2' })];
    const got = await Promise.allSettled(on.map((api) => api.call('Correct', {
      idempotency_key: site.key(), administration_id: d.administration_id, expected_version: 1, reason_code: 'wrong-entry', entered_in_error: true,
    }, site.who('nurse'))));
    assert.deepStrictEqual(got.map((g) => g.reason?.reason ?? 'done').sort(), ['VERSION_CONFLICT', 'done']);
    assert.strictEqual((await versions(site, d)).length, 2);
  }
});

test('the same call again is the same version', async () => {
  const { d } = await given();
  const request = { idempotency_key: site.key(), administration_id: d.administration_id, expected_version: 1, reason_code: 'wrong-entry', entered_in_error: true };
  const first = await site.api('doses').call('Correct', request, site.who('nurse'));
  assert.deepStrictEqual(await site.api('doses', { on: 'dosage2' }).call('Correct', request, site.who('nurse')), first);
  assert.strictEqual((await versions(site, d)).length, 2);
  assert.strictEqual((await failure(site.api('doses').call('Correct', { ...request, expected_version: 2 }, site.who('nurse')))).reason, 'IDEMPOTENCY_MISMATCH');
});

test('what cannot be is refused', async () => {
  const { d } = await given();
  const bad = async (more, code, what) => assert.deepStrictEqual(await failed(correct(site, d, more)), [code, what], JSON.stringify(more));
  await bad({}, 'INVALID_ARGUMENT', 'entered_in_error');
  await bad({ entered_in_error: true, dose: amount(1, 'mg') }, 'INVALID_ARGUMENT', 'entered_in_error');
  await bad({ entered_in_error: true, expected_version: 0 }, 'INVALID_ARGUMENT', 'expected_version');
  await bad({ entered_in_error: true, reason_code: '' }, 'INVALID_ARGUMENT', 'REASON_UNKNOWN');
  await bad({ entered_in_error: true, reason_code: 'asleep' }, 'INVALID_ARGUMENT', 'REASON_UNKNOWN');
  await bad({ entered_in_error: true, idempotency_key: '' }, 'INVALID_ARGUMENT', 'idempotency_key');
  await bad({ entered_in_error: true, administration_id: nobody }, 'NOT_FOUND', 'ADMINISTRATION_NOT_FOUND');
  await bad({ entered_in_error: true, administration_id: '' }, 'INVALID_ARGUMENT', 'administration_id');
  await bad({ dose: amount('0', 'mg') }, 'INVALID_ARGUMENT', 'DOSE_VALUE');
  await bad({ dose: amount('5', 'mL') }, 'INVALID_ARGUMENT', 'DOSE_UNIT');
  await bad({ dose: amount('5', 'spoons') }, 'INVALID_ARGUMENT', 'DOSE_UNIT');
  await bad({ wasted: amount('-1', 'mg') }, 'INVALID_ARGUMENT', 'DOSE_VALUE');
  assert.deepStrictEqual(await failed(correct(site, d, { entered_in_error: true }, site.as('nurse', { ward: 'ward-9', sub: 'nurse-9' }))), ['NOT_FOUND', 'ADMINISTRATION_NOT_FOUND']);
  assert.deepStrictEqual((await failed(correct(site, d, { entered_in_error: true }, 'porter')))[0], 'PERMISSION_DENIED');
  assert.deepStrictEqual(await versions(site, d), [d]);
  const nothing = await given(held('HELD'));
  assert.deepStrictEqual(await failed(correct(site, nothing.d, { dose: amount(500, 'mg') })), ['INVALID_ARGUMENT', 'dose']);
});

test('a version is not changed and not deleted, not even by the service\'s own user', async () => {
  const { d } = await given();
  const id = site.hex(d.administration_id);
  await assert.rejects(() => site.sql(`UPDATE administration_version SET actor = 'x' WHERE administration_id = ${id}`));
  await assert.rejects(() => site.sql(`DELETE FROM administration_version WHERE administration_id = ${id}`));
});

test('a dose whose row was changed by hand is not believed', async () => {
  const { d } = await given();
  await site.sql(`UPDATE administration SET given_at_us = given_at_us + 1 WHERE administration_id = ${site.hex(d.administration_id)}`);
  const err = await failure(correct(site, d, { entered_in_error: true }));
  assert.deepStrictEqual([err.code, err.reason], ['DATA_LOSS', 'DOSE_UNREADABLE']);
});
