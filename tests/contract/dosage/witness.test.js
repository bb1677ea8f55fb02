'use strict';
// The second person at the bedside: another person than the caller, of the ward, with a token that is new and used for one dose.

const test = require('node:test');
const assert = require('node:assert');
const { prescription, once } = require('./site');
const { shared, bedside, give, refused, second, held, correct, failure, doses, amount } = require('./bedside');

let site;
test.before(async () => { site = await shared(); });
test.after(() => site?.stop());

const alert = () => bedside(site, prescription('alertin', '10 mg', { timing: once }));
const why = async (at, second_person_token, more = {}) => { const e = await refused(site, at, { second_person_token, ...more }); return [e.code, e.reason]; };
const ago = (seconds) => Math.floor(Date.now() / 1000) - seconds;

test('a second person is of the ward, a pharmacist of any, and there to treat', async () => {
  const at = await alert();
  const wrong = ['PERMISSION_DENIED', 'SECOND_PERSON_REFUSED'];
  assert.deepStrictEqual(await why(at, second(site, 'nurse', { ward: 'ward-9' })), wrong, 'another ward');
  assert.deepStrictEqual(await why(at, second(site, 'nurse', { ward: '' })), wrong, 'no ward');
  assert.deepStrictEqual(await why(at, second(site, 'physician', { ward: 'ward-9' })), wrong, 'another ward');
  assert.deepStrictEqual(await why(at, second(site, 'nurse', { purpose: 'HOPERAT' })), wrong, 'another purpose');
  assert.deepStrictEqual(await why(at, second(site, 'nurse', { purpose: '' })), wrong, 'no purpose');
  assert.strictEqual(await doses(site, at.order), 0);
  assert.strictEqual((await give(site, at, { second_person_token: second(site, 'pharmacist', { ward: 'pharmacy' }) })).recorded, true);
});

test('the same person by another spelling is no second person', async () => {
  const at = await alert();
  for (const sub of ['nurse-1', 'Nurse-1', 'NURSE-1', 'nurse-1 ', ' nurse-1']) {
    assert.deepStrictEqual(await why(at, second(site, 'nurse', { sub })), ['PERMISSION_DENIED', 'SECOND_PERSON_REFUSED'], JSON.stringify(sub));
  }
  assert.strictEqual((await give(site, at, { second_person_token: second(site, 'nurse', { sub: 'nurse-11' }) })).recorded, true);
});

test('a token that was issued more than 5 minutes ago, or does not say when, is too old', async () => {
  const at = await alert();
  const old = ['PERMISSION_DENIED', 'SECOND_PERSON_OLD'];
  assert.deepStrictEqual(await why(at, second(site, 'nurse', { iat: ago(301) })), old);
  assert.deepStrictEqual(await why(at, second(site, 'nurse', { iat: undefined })), old);
  assert.deepStrictEqual(await why(at, second(site, 'nurse', { iat: ago(-120) })), old, 'of a clock that is far ahead');
  assert.strictEqual((await give(site, at, { second_person_token: second(site, 'nurse', { iat: ago(280) }) })).recorded, true);
});

test('a token witnesses one dose, on whatever replica, and the same call made again is that dose', async () => {
  const [one, other] = [await alert(), await alert()];
  const token = second(site), key = site.key(), ppid_token = await site.ppid(one.patient);
  const first = await give(site, one, { second_person_token: token, key, ppid_token });
  assert.strictEqual(first.recorded, true);
  for (const on of ['dosage', 'dosage2']) {
    assert.deepStrictEqual(await why(other, token, { on: site.api('doses', { on }) }), ['PERMISSION_DENIED', 'SECOND_PERSON_USED']);
  }
  assert.deepStrictEqual(await give(site, one, { second_person_token: token, key, ppid_token, on: site.api('doses', { on: 'dosage2' }) }), first);
  assert.strictEqual(await doses(site, other.order), 0);
});

test('one token for ten doses at once is one dose', async () => {
  const at = await Promise.all(Array.from({ length: 10 }, alert));
  const token = second(site);
  const got = await Promise.allSettled(at.map((a, i) => give(site, a, { second_person_token: token, on: site.api('doses', { on: i % 2 ? 'dosage2' : 'dosage' }) })));
  assert.deepStrictEqual(got.map((g) => g.reason?.reason ?? String(g.value.recorded)).sort(), [...Array(9).fill('SECOND_PERSON_USED'), 'true']);
});

test('a dose that is refused does not use the token up', async () => {
  const at = await alert();
  const token = second(site);
  assert.strictEqual((await give(site, at, { second_person_token: token, dose: amount(20, 'mg') })).recorded, false);
  assert.strictEqual((await give(site, at, { second_person_token: token })).recorded, true);
});

test('who throws a high-alert medicine away needs a second person, too', async () => {
  const at = await alert();
  const wasted = held('WASTED', { wasted: amount(10, 'mg') });
  const failed = async (more) => { const e = await refused(site, at, more); return [e.code, e.reason || e.field]; };
  assert.deepStrictEqual(await failed(wasted), ['FAILED_PRECONDITION', 'SECOND_PERSON_NEEDED']);
  assert.deepStrictEqual(await failed(held('WASTED')), ['FAILED_PRECONDITION', 'SECOND_PERSON_NEEDED'], 'how much it was is not said');
  assert.deepStrictEqual(await failed(held('REFUSED', { wasted: amount(10, 'mg') })), ['FAILED_PRECONDITION', 'SECOND_PERSON_NEEDED']);
  const { administration: d } = await give(site, at, { ...wasted, second_person_token: second(site) });
  assert.deepStrictEqual([d.outcome, d.second_person], ['DOSE_OUTCOME_WASTED', 'nurse-second']);
  const plain = await bedside(site);
  assert.strictEqual((await give(site, plain, held('WASTED', { wasted: amount(500, 'mg') }))).recorded, true, 'of other medicines one is enough');
});

test('nobody throws away a thousand doses', async () => {
  const at = await alert();
  const failed = async (more) => { const e = await refused(site, at, { second_person_token: second(site), ...more }); return [e.code, e.field]; };
  assert.deepStrictEqual(await failed({ wasted: amount(10001, 'mg') }), ['INVALID_ARGUMENT', 'wasted']);
  assert.deepStrictEqual(await failed(held('WASTED', { wasted: amount('10.001', 'g') })), ['INVALID_ARGUMENT', 'wasted']);
  const { administration: d } = await give(site, at, { wasted: amount(10000, 'mg'), second_person_token: second(site) });
  const e = await failure(correct(site, d, { wasted: amount(10001, 'mg'), second_person_token: second(site) }));
  assert.deepStrictEqual([e.code, e.field], ['INVALID_ARGUMENT', 'wasted']);
});
