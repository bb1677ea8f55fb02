'use strict';
// PPID tokens at the bedside: of another patient, place or purpose, used before, forged, none; and identity away.

const crypto = require('node:crypto');
const test = require('node:test');
const assert = require('node:assert');
const { until } = require('./site');
const { start, ordered, asNeeded, minutesAgo, bedside, give, refused, right, rightsOf, held, emergency, taken, doses, failure } = require('./bedside');

let site;
test.before(async () => { site = await start({ services: ['audit', 'identity', 'records', 'dosage', 'dosage2'], env: { dosage2: { WARD_PLACE_NEEDED: '0' } } }); });
test.after(() => site?.stop());

const misuses = async (kind) => Number((await site.sql(`SELECT COUNT(*) FROM token_misuse WHERE kind = '${kind}' AND actor = 'nurse-1' AND ward = 'ward-3'`))[0][0]);
const b64 = (o) => Buffer.from(typeof o === 'string' ? o : JSON.stringify(o)).toString('base64url');
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
const nothing = async (at) => assert.deepStrictEqual([await doses(site, at.order), await taken(site, at.order)], [0, 0]);

test('another patient\'s token is an answer: RIGHT_PATIENT fails, nothing is given, the token is not spent', async () => {
  const at = await bedside(site);
  const other = await bedside(site);
  const token = await site.ppid(other.patient);
  const before = await misuses('foreign');
  const answer = await give(site, at, { ppid_token: token });
  assert.strictEqual(answer.recorded, false);
  assert.strictEqual(answer.administration, null);
  assert.strictEqual(right(answer, 'PATIENT'), 'FAIL another-patient');
  assert.deepStrictEqual(rightsOf(answer), { PATIENT: 'FAIL', DRUG: 'NOT_CHECKED', DOSE: 'NOT_CHECKED', ROUTE: 'PASS', TIME: 'PASS' });
  assert.ok(!JSON.stringify(answer.rights).includes(other.patient.id), 'whose it is, is not said');
  assert.strictEqual(await misuses('foreign'), before + 1);
  await nothing(at);
  assert.strictEqual((await give(site, other, { ppid_token: token })).recorded, true, 'it is good for whom it is of');
});

test('another patient\'s token is said though nothing else is right', async () => {
  const at = await bedside(site);
  const other = await site.patient();
  const answer = await give(site, at, { ppid_token: await site.ppid(other), route: 'ROUTE_IV' });
  assert.deepStrictEqual([right(answer, 'PATIENT'), right(answer, 'ROUTE')], ['FAIL another-patient', 'FAIL another-route']);
});

test('a token for another use is the caller\'s fault, not another patient', async () => {
  const at = await bedside(site);
  const no = await failure(give(site, at, { ppid_token: await site.ppid(at.patient, { purpose: 'transport' }) }));
  assert.deepStrictEqual([no.code, no.reason], ['FAILED_PRECONDITION', 'PPID_PURPOSE']);
  await nothing(at);
});

// 'dosage2' is a replica of a hospital whose beds have no names.
const anywhere = (at, more) => give(site, at, { on: site.api('doses', { on: 'dosage2' }), ...more });
test('a dose names its place, and a token of another bed is good at none', async () => {
  const at = await bedside(site), before = await misuses('place');
  const ppid_token = await site.ppid(at.patient, { place: 'ward-3/bed-7' });
  const unsaid = await failure(give(site, at, { ppid_token, place: '' }));
  assert.deepStrictEqual([unsaid.code, unsaid.field], ['INVALID_ARGUMENT', 'place']);
  assert.strictEqual(right(await give(site, at, { ppid_token, place: 'ward-3/bed-2' }), 'PATIENT'), 'FAIL another-place');
  assert.strictEqual(await misuses('place'), before + 1);
  await nothing(at);
  assert.strictEqual((await give(site, at, { ppid_token, place: 'ward-3/bed-7' })).recorded, true);
  assert.strictEqual((await give(site, await bedside(site), held())).recorded, true, 'what is not given needs none');
});

test('a token of another place fails where a place is said', async () => {
  const at = await bedside(site);
  const before = await misuses('place');
  const token = await site.ppid(at.patient, { place: 'ward-3/bed-7' });
  const answer = await give(site, at, { ppid_token: token, place: 'ward-3/bed-2' });
  assert.strictEqual(right(answer, 'PATIENT'), 'FAIL another-place');
  assert.strictEqual(answer.rights[0].evidence, 'ppid ward-3/bed-7 of ward-3/bed-2');
  assert.strictEqual(await misuses('place'), before + 1);
  await nothing(at);
  const good = await anywhere(at, { ppid_token: token, place: '' });
  assert.deepStrictEqual([good.recorded, good.administration.place], [true, 'ward-3/bed-7']);
});

test('a refusal for another reason does not spend the token', async () => {
  const at = await bedside(site);
  const ppid_token = await site.ppid(at.patient);
  assert.strictEqual((await give(site, at, { ppid_token, route: 'ROUTE_IV' })).recorded, false);
  assert.strictEqual((await give(site, at, { ppid_token })).recorded, true);
});

test('a token is good for one dose', async () => {
  const at = await bedside(site, ordered({ ...asNeeded(4, 1), starts_at_us: minutesAgo(60) }));
  const ppid_token = await site.ppid(at.patient);
  assert.strictEqual((await give(site, at, { ppid_token, given_at_us: minutesAgo(10) })).recorded, true);
  const before = await misuses('spent');
  const err = await refused(site, at, { ppid_token });
  assert.deepStrictEqual([err.code, err.reason], ['ALREADY_EXISTS', 'PPID_SPENT']);
  assert.strictEqual(await misuses('spent'), before + 1);
  assert.strictEqual(await doses(site, at.order), 1);
});

test('what is no token of identity is refused by its reason', async () => {
  const at = await bedside(site);
  const token = await site.ppid(at.patient);
  const [head, body, signature] = token.split('.');
  const failed = async (ppid_token) => { const e = await refused(site, at, { ppid_token }); return [e.code, e.reason]; };
  const forger = crypto.generateKeyPairSync('ed25519').privateKey;
  const sign = (h, b) => `${h}.${b}.${crypto.sign(null, Buffer.from(`${h}.${b}`), forger).toString('base64url')}`;

  assert.deepStrictEqual(await failed(sign(head, body)), ['UNAUTHENTICATED', 'PPID_SIGNATURE']);
  assert.deepStrictEqual(await failed(sign(b64({ alg: 'EdDSA', typ: 'ppid+jwt', kid: 'nobodys' }), body)), ['UNAUTHENTICATED', 'PPID_UNKNOWN_KEY']);
  assert.deepStrictEqual(await failed(`${head}.${b64({ ...claimsOf(token), place: 'ward-3/bed-9' })}.${signature}`), ['UNAUTHENTICATED', 'PPID_SIGNATURE']);
  assert.deepStrictEqual(await failed(site.tokens.nurse.token), ['UNAUTHENTICATED', 'PPID_MALFORMED'], 'a bearer token');
  for (const garbage of ['x', 'a.b.c', '...', `${head}.${body}`, 'y'.repeat(9000), '\u{1f600}', `${b64({ alg: 'none' })}.${body}.`]) {
    assert.strictEqual((await failed(garbage))[0], 'UNAUTHENTICATED', garbage.slice(0, 10));
  }
  await nothing(at);
  assert.strictEqual((await give(site, at, { ppid_token: token })).recorded, true);
});

test('an emergency\'s dose is acknowledged with a token of its own patient, once', async () => {
  const at = await bedside(site);
  const other = await site.patient();
  const { administration: d } = await emergency(site, at.patient);
  const acknowledge = (ppid_token) => site.api('doses').call('Acknowledge',
    { idempotency_key: site.key(), administration_id: d.administration_id, ppid_token }, site.who('nurse'));
  const failed = async (token) => { const e = await failure(acknowledge(token)); return [e.code, e.reason]; };
  const before = await misuses('foreign');
  assert.deepStrictEqual(await failed(''), ['FAILED_PRECONDITION', 'PPID_NEEDED']);
  assert.deepStrictEqual(await failed(await site.ppid(other)), ['FAILED_PRECONDITION', 'PPID_FOREIGN']);
  assert.strictEqual(await misuses('foreign'), before + 1);
  assert.deepStrictEqual(await failed('x.y.z'), ['UNAUTHENTICATED', 'PPID_MALFORMED']);
  const token = await site.ppid(at.patient);
  assert.strictEqual((await give(site, at, { ppid_token: token })).recorded, true);
  assert.deepStrictEqual(await failed(token), ['ALREADY_EXISTS', 'PPID_SPENT']);
  assert.strictEqual((await acknowledge(await site.ppid(at.patient))).administration.version, 2);
});

test('a token of whom the patient was before a merge is good', async () => {
  const at = await bedside(site);
  const target = { patient: await site.patient() };
  const token = await site.ppid(at.patient);
  const versionOf = async (id) => (await site.sql(`SELECT version FROM resource WHERE resource_id = ${site.hex(id)}`, 'records'))[0][0];
  await site.api('patients').call('MergePatients', {
    idempotency_key: site.key(), into_patient_id: target.patient.id, from_patient_id: at.patient.id, into_version: await versionOf(target.patient.id),
    from_version: await versionOf(at.patient.id), reason: 'one and the same, told the desk',
  }, site.tokens.registrar);
  await until('merged', () => site.rows('patient', `patient_id = ${site.hex(at.patient.id)} AND root_id <> patient_id`));
  const answer = await give(site, { ...at, patient: target.patient }, { ppid_token: token });
  assert.strictEqual(answer.recorded, true);
  assert.strictEqual(answer.administration.patient_id, at.patient.id, 'it stays with its order');
});
