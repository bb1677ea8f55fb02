'use strict';
// Verify: what identity.proto promises of it, by a client not ours.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const pictures = require('../../lib/pictures');
const { Site, skip, nobody, to } = require('./site');

let site;
before(async () => { if (!skip) site = await Site.shared(); });
after(() => site && site.stop());

describe('Verify', { skip }, () => {
  let id;
  before(async () => { id = (await site.enrol(site.anna)).subject_id; });

  test('another capture of the same face is a MATCH, with a token that the keys check', async () => {
    const a = await site.verify(id, site.annaAgain, { device: 'tablet-9' });
    assert.equal(a.outcome, 'OUTCOME_MATCH');
    assert.ok(a.score >= a.threshold && a.score <= 1);
    assert.deepEqual([a.threshold, a.fmr], [0.57, 1e-4]);
    assert.ok(a.fmr_worst_group > 0 && a.fmr_worst_group <= 1e-3, 'no group of adults above ten times the rate');
    assert.match(a.threshold_source, /LFW.*calibrate on site/);
    assert.equal(a.reasons.length, 0);
    const { keys: [key] } = await site.devices.call('GetTokenKeys', {});
    const [head, body, sig] = a.token.split('.');
    const json = (part) => JSON.parse(Buffer.from(part, 'base64url'));
    const publicKey = crypto.createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: key.public_key.toString('base64url') } });
    assert.ok(crypto.verify(null, Buffer.from(`${head}.${body}`), publicKey, Buffer.from(sig, 'base64url')));
    assert.deepEqual(json(head), { alg: 'EdDSA', typ: 'ppid+jwt', kid: key.kid });
    const claims = json(body);
    assert.deepEqual([claims.sub, claims.place, claims.device, claims.purpose, claims.method, claims.actor, claims.model],
      [id, 'ward-3/bed-2', 'tablet-9', 'administration', 'face+attended', 'nurse-1', a.model_sha256]);
    assert.equal(claims.score, a.score);
    assert.equal(claims.exp - claims.iat, a.token_lifetime_s);
    const e = await site.lastEvent();
    assert.equal(e.event_id, a.event_id);
    assert.deepEqual([e.patient, e.place, e.detail.outcome, e.detail.token], [id, 'ward-3/bed-2', 'MATCH', claims.jti]);
  });

  test('each MATCH has a token of its own', async () => {
    const [a, b] = [await site.verify(id, site.anna), await site.verify(id, site.anna)];
    assert.notEqual(a.token, b.token);
    assert.notEqual(a.event_id, b.event_id);
  });

  test('another face is NO_MATCH, without a token', async () => {
    const a = await site.verify(id, site.bert);
    assert.equal(a.outcome, 'OUTCOME_NO_MATCH');
    assert.ok(a.score < a.threshold);
    assert.deepEqual([a.token, a.token_lifetime_s], ['', 0]);
    const e = await site.lastEvent();
    assert.deepEqual([e.outcome, e.patient, e.detail.outcome, e.detail.token], ['OUTCOME_SUCCESS', id, 'NO_MATCH', undefined]);
  });

  test('an unusable photograph is an answer with reasons', async () => {
    const two = pictures.portrait('user7');
    for (const [reason, photograph] of [['FACE_NOT_FOUND', pictures.png(pictures.plain(200, 200))],
      ['SEVERAL_FACES', pictures.png(pictures.beside(two, two))], ['FACE_TOO_SMALL', pictures.jpeg('user4')]]) {
      const a = await site.verify(id, photograph);
      assert.deepEqual([a.outcome, a.score, a.token], ['OUTCOME_UNUSABLE', 0, '']);
      assert.deepEqual(a.reasons.map((r) => r.reason), [reason]);
      assert.ok(a.reasons[0].text.length > 20);
      assert.equal((await site.lastEvent()).detail.reason, reason);
    }
  });

  test('the threshold is that of the false-match rate asked for', async () => {
    const policy = { purpose: 'queue-number', liveness: 'LIVENESS_POLICY_NONE', max_fmr: 1e-3, allow_face: true };
    await site.admin.call('SetUsePolicy', { policy }, site.tokens['security-officer']);
    const loose = await site.verify(id, site.anna, { max_fmr: 1e-3, purpose: 'queue-number' });
    assert.deepEqual([loose.threshold, loose.fmr], [0.43, 1e-3]);
    for (const [max_fmr, threshold, fmr] of [[1e-4, 0.57, 1e-4], [5e-5, 0.63, 1e-5],
      [1e-5, 0.63, 1e-5], [1e-6, 0.69, 1e-6], [0, 0.57, 1e-4]]) {
      const a = await site.verify(id, site.anna, { max_fmr });
      assert.deepEqual([a.threshold, a.fmr], [threshold, fmr]);
    }
  });

  const wrong = [['subject_id', { subject_id: 'anna' }], ['subject_id', { subject_id: '' }], ['place', { place: '' }],
    ['place', { place: 'bed 2' }], ['device', { device: 'd'.repeat(65) }], ['purpose', { purpose: '' }],
    ['purpose', { purpose: 'Give' }], ['max_fmr', { max_fmr: 0.5 }], ['max_fmr', { max_fmr: -1 }],
    ['max_fmr', { max_fmr: NaN }], ['photograph', { photograph: Buffer.alloc(0) }]];
  wrong.forEach(([field, more], i) => {
    test(`a bad ${field} is named (${i})`, async () => {
      const e = await site.wardctl.failure('Verify', { ...site.verification(id, site.anna), ...more }, site.tokens.nurse);
      assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
    });
  });

  test('nobody is not found, and the attempt is on record', async () => {
    const e = await site.wardctl.failure('Verify', site.verification(nobody, site.anna), site.tokens.nurse);
    assert.deepEqual([e.code, e.reason], ['NOT_FOUND', 'SUBJECT_NOT_FOUND']);
    const event = await site.lastEvent();
    assert.deepEqual([event.outcome, event.patient, event.code], ['OUTCOME_FAILURE', nobody, 'NOT_FOUND/SUBJECT_NOT_FOUND']);
  });

  test('a face agreed to for something else is not used', async () => {
    const other = await site.enrol(site.anna, { consent: to('patient-search') });
    const e = await site.wardctl.failure('Verify', site.verification(other.subject_id, site.anna), site.tokens.nurse);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'NO_CONSENT']);
  });

  test('a call whose time is up changes nothing', async () => {
    const e = await site.wardctl.failure('Verify', site.verification(id, site.anna), { ...site.tokens.nurse, deadline: 1 });
    assert.equal(e.code, 'DEADLINE_EXCEEDED');
  });

  test('a template moved to another subject, or changed, does not open', async () => {
    const [a, b] = [await site.enrol(site.anna), await site.enrol(site.bert)];
    await site.sql(`UPDATE template x JOIN template y ON y.subject_id = ${site.hex(b.subject_id)} SET x.sealed = y.sealed
      WHERE x.subject_id = ${site.hex(a.subject_id)}`);
    const e = await site.wardctl.failure('Verify', site.verification(a.subject_id, site.bert), site.tokens.nurse);
    assert.deepEqual([e.code, e.reason], ['DATA_LOSS', 'TEMPLATE_UNREADABLE']);
    await site.sql(`UPDATE template SET model_sha256 = REPEAT('0', 64) WHERE subject_id = ${site.hex(b.subject_id)}`);
    const f = await site.wardctl.failure('Verify', site.verification(b.subject_id, site.bert), site.tokens.nurse);
    assert.deepEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'MODEL_CHANGED']);
  });

  test('real captures of one person match and another does not', { skip: pictures.lfw() ? false : 'no face_lfw' }, async () => {
    const { one, again, other } = pictures.lfw();
    const { subject_id } = await site.enrol(one);
    assert.equal((await site.verify(subject_id, again)).outcome, 'OUTCOME_MATCH');
    assert.equal((await site.verify(subject_id, other)).outcome, 'OUTCOME_NO_MATCH');
  });
});
