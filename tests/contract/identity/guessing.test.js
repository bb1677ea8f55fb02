'use strict';
// Guessing at a face: scores are told in steps, and comparisons without a match are few.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const pictures = require('../../lib/pictures');
const { Site, until, skip, to } = require('./site');

const LIMIT = 10, STEPS = [0, 0.43, 0.57, 0.63, 0.69]; // the pack's thresholds
let site, nosy;
before(async () => {
  if (skip) return;
  site = await Site.start({ services: ['identity', 'identity2'], env: { identity: { WARD_SEARCH_MISSES_HOUR: '3' } } });
  nosy = { token: site.ward.token({ roles: ['nurse'], sub: 'nurse-nosy' }) };
});
after(() => site && site.stop());

const tooMany = (e) => {
  assert.deepEqual([e.code, e.reason], ['RESOURCE_EXHAUSTED', 'TOO_MANY_FACE_MISSES']);
  assert.ok(e.retryMs > 3500e3 && e.retryMs <= 3600e3, `${e.retryMs}`);
};
const ask = (client, id, photograph, who = nosy, more = {}) => client.call('Verify', site.verification(id, photograph, more), who);

describe('a score', { skip }, () => {
  test('is told in steps alone: in the answer, the token and its spending', async () => {
    const { subject_id } = await site.enrol(site.anna);
    const exact = new Set(), told = new Set();
    for (const turn of [0, 0.05, 0.1, 0.15, 0.2]) {
      const photograph = pictures.png(pictures.recapture(pictures.portrait('user7'), { turn, bright: 1 + turn }));
      const a = await site.verify(subject_id, photograph);
      exact.add(await site.exact());
      told.add(a.score);
      assert.ok(STEPS.includes(a.score), `${a.score}`);
      const claims = JSON.parse(Buffer.from(a.token.split('.')[1], 'base64url'));
      assert.ok(STEPS.includes(claims.score), `${claims.score}`);
    }
    assert.ok(exact.size >= 4 && told.size === 1, 'photographs that differ are told the same');
    const stranger = await site.verify(subject_id, site.bert);
    assert.equal(stranger.score, 0);
    assert.notEqual(await site.exact(), 0);
    const added = await site.wardctl.call('AddTemplate', { idempotency_key: site.key(), subject_id, photograph: site.annaAgain }, site.tokens.registrar);
    assert.ok(STEPS.includes(added.score));
  });
});

describe('comparisons that do not match', { skip }, () => {
  test('end for that person and subject, matches too, and for nobody else', async () => {
    const { subject_id } = await site.enrol(site.anna);
    const other = (await site.enrol(site.anna)).subject_id;
    const there = site.ward.client('identity2');
    // At once and on two replicas: they are counted one by one.
    const answers = await Promise.all(Array.from({ length: LIMIT + 6 }, (_, i) => ask(i % 2 ? there : site.wardctl, subject_id, site.bert).then((a) => a.outcome, (e) => e.reason)));
    assert.equal(answers.filter((a) => a === 'OUTCOME_NO_MATCH').length, LIMIT, answers.join());
    assert.equal(answers.filter((a) => a === 'TOO_MANY_FACE_MISSES').length, 6);
    tooMany(await site.wardctl.failure('Verify', site.verification(subject_id, site.anna), nosy));
    const e = await site.lastEvent();
    assert.deepEqual([e.outcome, e.code, e.patient, e.actor], ['OUTCOME_FAILURE', 'RESOURCE_EXHAUSTED/TOO_MANY_FACE_MISSES', subject_id, 'nurse-nosy']);
    assert.equal((await ask(site.wardctl, other, site.anna)).outcome, 'OUTCOME_MATCH');
    assert.equal((await site.verify(subject_id, site.anna)).outcome, 'OUTCOME_MATCH');
    assert.equal((await ask(site.wardctl, subject_id, pictures.png(pictures.plain(200, 200)))).outcome, 'OUTCOME_UNUSABLE');
    const call = there.duplex('VerifyVideo', { ...nosy, deadline: 60000 });
    call.write({ start: { subject_id, place: 'ward-3', purpose: 'administration', attended: true } });
    call.write({ frame: { photograph: site.anna } });
    call.end();
    await assert.rejects(call.answer, { reason: 'TOO_MANY_FACE_MISSES' });
    assert.match((await site.ward.services.identity.admin('/metrics')).text, /ward_identity_face_limited_total\{way="verify"\} [1-9]/);
    // An hour later.
    await site.sql('UPDATE face_miss SET at_us = at_us - 3600000000');
    assert.equal((await ask(site.wardctl, subject_id, site.anna)).outcome, 'OUTCOME_MATCH');
    await site.wardctl.call('EraseSubject', { subject_id }, site.tokens['privacy-officer']);
    assert.equal(await site.rows('face_miss', subject_id), 0);
  });

  test('end searches as well', async () => {
    await site.admin.call('SetUsePolicy', {
      policy: { purpose: 'find', liveness: 'LIVENESS_POLICY_NONE', allow_face: true, allow_search: true },
    }, site.tokens['security-officer']);
    await site.enrol(site.anna, { more_consents: [to('patient-search')] });
    const search = { gallery: 'patients', photograph: site.bert, place: 'ward-3', purpose: 'find' };
    await until('loaded', async () => (await site.gallery.call('Identify', { ...search, photograph: site.anna }, site.tokens.nurse).catch(() => ({}))).outcome === 'IDENTIFY_OUTCOME_MATCH');
    for (let i = 0; i < 3; i++) assert.equal((await site.gallery.call('Identify', search, nosy)).outcome, 'IDENTIFY_OUTCOME_NO_MATCH');
    tooMany(await site.gallery.failure('Identify', search, nosy));
    assert.equal((await site.gallery.call('Identify', { ...search, photograph: site.anna }, site.tokens.physician)).outcome, 'IDENTIFY_OUTCOME_MATCH');
  });

  test('cannot be weighed by asking for rates to every digit', async () => {
    const at = async (max_fpir) => (await site.gallery.call('Identify', { gallery: 'patients', photograph: site.anna, place: 'ward-3', purpose: 'find', max_fpir }, site.tokens.physician)).threshold;
    assert.equal(await at(5e-3), await at(1e-3));
    assert.equal(await at(9.9e-4), await at(1e-4));
  });
});
