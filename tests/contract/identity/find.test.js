'use strict';
// FindSubject, ListSubjects and AssessPhotograph: what identity.proto promises, by a client not ours.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const pictures = require('../../lib/pictures');
const { Site, skip } = require('./site');

let site;
before(async () => { if (!skip) site = await Site.shared(); });
after(() => site && site.stop());

const find = (what, by = 'nurse') => site.wardctl.call('FindSubject', what, site.tokens[by]);
const why = async (what, by = 'nurse') => { const e = await site.wardctl.failure('FindSubject', what, site.tokens[by]); return [e.code, e.reason === e.code && e.field || e.reason]; };
const code = () => crypto.randomUUID();
const banded = async (more = {}) => {
  const { subject_id } = await site.enrol(site.anna, more);
  const wristband = code();
  await site.wardctl.call('SetIdentifiers', { subject_id, wristband }, site.tokens.registrar);
  return { subject_id, wristband };
};

describe('FindSubject', { skip }, () => {
  test('a scanned wristband names its subject, and the log says who asked', async () => {
    const { subject_id, wristband } = await banded();
    const a = await find({ wristband });
    assert.deepEqual([a.subject_id, a.kind], [subject_id, 'SUBJECT_KIND_PATIENT']);
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.patient, e.actor, e.detail.by], ['/ward.identity.v1.Identity/FindSubject', subject_id, 'nurse-1', 'wristband']);
    assert.ok(!JSON.stringify(e).includes(wristband), 'the code itself is not in the log');
  });

  test('an external_ref names its subject, within its kind', async () => {
    const external_ref = code();
    const { subject_id } = await site.enrol(site.anna, { external_ref });
    const a = await find({ external_ref, kind: 'SUBJECT_KIND_PATIENT' });
    assert.deepEqual([a.subject_id, a.external_ref], [subject_id, external_ref]);
    assert.deepEqual(await why({ external_ref, kind: 'SUBJECT_KIND_STAFF' }), ['NOT_FOUND', 'SUBJECT_NOT_FOUND']);
  });

  test('a wristband that was taken off, one of nobody and an erased subject are not found', async () => {
    const { subject_id, wristband } = await banded();
    await site.wardctl.call('SetIdentifiers', { subject_id, remove_wristband: true }, site.tokens.registrar);
    assert.deepEqual(await why({ wristband }), ['NOT_FOUND', 'SUBJECT_NOT_FOUND']);
    assert.deepEqual(await why({ wristband: code() }), ['NOT_FOUND', 'SUBJECT_NOT_FOUND']);
    const gone = await banded();
    await site.wardctl.call('EraseSubject', { subject_id: gone.subject_id, reason: 'asked for' }, site.tokens['privacy-officer']);
    assert.deepEqual(await why({ wristband: gone.wristband }), ['NOT_FOUND', 'SUBJECT_NOT_FOUND']);
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.outcome, e.patient], ['/ward.identity.v1.Identity/FindSubject', 'OUTCOME_FAILURE', '']);
  });

  test('what is asked is one thing, whole', async () => {
    for (const [what, field] of [[{}, 'wristband'], [{ wristband: 'abcd', external_ref: 'x', kind: 1 }, 'wristband'], [{ wristband: 'abc' }, 'wristband'],
      [{ external_ref: 'x' }, 'kind'], [{ external_ref: 'x'.repeat(65), kind: 1 }, 'external_ref'], [{ external_ref: 'x', kind: 7 }, 'kind']]) {
      assert.deepEqual(await why(what), ['INVALID_ARGUMENT', field], JSON.stringify(what));
    }
    for (const by of ['security-officer', 'identity-admin']) {
      assert.equal((await site.wardctl.failure('FindSubject', { wristband: 'abcd' }, site.tokens[by])).code, 'PERMISSION_DENIED', by);
    }
  });
});

describe('ListSubjects', { skip }, () => {
  const list = (more = {}) => site.wardctl.call('ListSubjects', more, site.tokens.registrar);

  test('pages hold everybody once, oldest first, and not who was erased', async () => {
    const faces = [await banded({ birth_year: 1950 }), { subject_id: (await site.enrol(site.anna)).subject_id }];
    const { subject_id: bare } = await site.wardctl.call('RegisterSubject', { idempotency_key: code(), kind: 'SUBJECT_KIND_PATIENT' }, site.tokens.registrar);
    const { subject_id: gone } = await site.enrol(site.anna);
    await site.wardctl.call('EraseSubject', { subject_id: gone, reason: 'asked for' }, site.tokens['privacy-officer']);
    const all = [];
    let page_token = '';
    do {
      const page = await list({ page_size: 2, page_token });
      assert.ok(page.subjects.length <= 2);
      all.push(...page.subjects);
      page_token = page.next_page_token;
    } while (page_token !== '');
    const ids = all.map((s) => s.subject_id);
    assert.deepEqual(ids, [...new Set(ids)].sort());
    assert.ok(!ids.includes(gone));
    const of = (id) => { const s = all.find((x) => x.subject_id === id); return [s.has_face, s.has_wristband, s.birth_year]; };
    assert.deepEqual(of(faces[0].subject_id), [true, true, 1950]);
    assert.deepEqual(of(faces[1].subject_id), [true, false, 1980]);
    assert.deepEqual(of(bare), [false, false, 0]);
  });

  test('a kind narrows, and a page token is good for its own question', async () => {
    await site.enrol(site.anna);
    await site.enrol(site.anna);
    const { subjects, next_page_token } = await list({ kind: 'SUBJECT_KIND_PATIENT', page_size: 1 });
    assert.deepEqual(subjects.map((s) => s.kind), ['SUBJECT_KIND_PATIENT']);
    for (const more of [{ page_token: next_page_token }, { kind: 'SUBJECT_KIND_PATIENT', page_token: `${next_page_token}A` }, { page_token: 'x' }]) {
      assert.equal((await site.wardctl.failure('ListSubjects', more, site.tokens.registrar)).reason, 'PAGE_TOKEN_INVALID');
    }
    for (const more of [{ page_size: 501 }, { page_size: -1 }, { kind: 3 }]) {
      assert.equal((await site.wardctl.failure('ListSubjects', more, site.tokens.registrar)).code, 'INVALID_ARGUMENT');
    }
    assert.equal((await site.wardctl.failure('ListSubjects', {}, site.tokens.nurse)).code, 'PERMISSION_DENIED');
  });
});

describe('AssessPhotograph', { skip }, () => {
  const assess = (photograph, more = {}) => site.wardctl.call('AssessPhotograph', { photograph, ...more }, site.tokens.nurse);
  const count = async () => Number((await site.sql('SELECT COUNT(*) FROM template'))[0][0]);

  test('a good one is usable, a bad one says what to do, and nothing is kept', async () => {
    const had = await count();
    const good = await assess(site.anna);
    assert.deepEqual([good.usable, good.reasons.length, good.quality.faces], [true, 0, 1]);
    const none = await assess(pictures.png(pictures.plain(300, 300)));
    assert.deepEqual([none.usable, none.reasons.map((r) => r.reason)], [false, ['FACE_NOT_FOUND']]);
    assert.ok(none.reasons[0].text.length > 10);
    const two = pictures.png(pictures.beside(pictures.portrait('christian'), pictures.portrait('michael')));
    assert.deepEqual((await assess(two)).reasons.map((r) => r.reason), ['SEVERAL_FACES']);
    assert.equal((await assess(two, { largest_only: true })).usable, true);
    assert.equal(await count(), had);
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.patient, e.detail.gate], ['/ward.identity.v1.Identity/AssessPhotograph', '', 'USABLE']);
  });

  test('what is no picture is refused', async () => {
    const e = await site.wardctl.failure('AssessPhotograph', { photograph: Buffer.from('x') }, site.tokens.nurse);
    assert.deepEqual([e.code, e.reason], ['INVALID_ARGUMENT', 'IMAGE_FORMAT']);
  });
});
