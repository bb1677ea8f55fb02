'use strict';
// Enrol, RegisterSubject and GetSubject: what identity.proto promises, by a client not ours.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const pictures = require('../../lib/pictures');
const { Site, until, skip, UUID, nobody, consent, to } = require('./site');

let site;
before(async () => { if (!skip) site = await Site.start(); });
after(() => site && site.stop());

const count = async (table) => Number((await site.sql(`SELECT COUNT(*) FROM ${table}`))[0][0]);

describe('Enrol', { skip }, () => {
  test('one face and a consent make a subject', async () => {
    const a = await site.enrol(site.anna);
    for (const id of [a.subject_id, a.template_id, a.event_id]) assert.match(id, UUID);
    assert.match(a.model_sha256, /^[0-9a-f]{64}$/);
    assert.equal(a.quality.faces, 1);
    assert.ok(a.quality.detection_score >= 0.65 && a.quality.detection_score <= 1);
    assert.ok(a.quality.eye_distance_px > 30 && a.quality.eye_distance_px < 40);
    assert.deepEqual([a.quality.width_px, a.quality.height_px], [128, 128]);
    assert.deepEqual([a.possible_duplicates, a.photograph_kept, a.device, a.degraded], [0, false, 'cpu', false]);
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.outcome, e.patient, e.actor, e.peer],
      ['/ward.identity.v1.Identity/Enrol', 'OUTCOME_SUCCESS', a.subject_id, 'registrar-1', 'wardctl']);
    assert.deepEqual([e.detail.template, e.detail.model, e.detail.consent], [a.template_id, a.model_sha256, consent.purpose]);
    assert.match(e.detail.key_sha256, /^[0-9a-f]{64}$/);
  });

  test('the same key and request give the first answer and make nothing', async () => {
    const req = site.enrolment(site.anna);
    const first = await site.wardctl.call('Enrol', req, site.tokens.registrar);
    const had = await count('subject');
    assert.deepEqual(await site.wardctl.call('Enrol', req, site.tokens.registrar), first);
    assert.equal(await count('subject'), had);
    assert.equal((await site.lastEvent()).detail.replayed, 'yes');
  });

  test('a repetition does not look at the photograph again', async () => {
    const req = site.enrolment(site.anna);
    const looked = async () => /ward_identity_photographs_total\{gate="USABLE"\} (\d+)/.exec((await site.ward.services.identity.admin('/metrics')).text)[1];
    const first = await site.wardctl.call('Enrol', req, site.tokens.registrar);
    const had = await looked();
    assert.deepEqual(await site.wardctl.call('Enrol', req, site.tokens.registrar), first);
    assert.equal(await looked(), had);
  });

  test('a key that failed is free for another request', async () => {
    const req = site.enrolment(pictures.png(pictures.plain(300, 300)));
    assert.equal((await site.wardctl.failure('Enrol', req, site.tokens.registrar)).reason, 'FACE_NOT_FOUND');
    assert.match((await site.wardctl.call('Enrol', { ...req, photograph: site.anna }, site.tokens.registrar)).subject_id, UUID);
  });

  test('a key is of one person at one service', async () => {
    const req = site.enrolment(site.anna);
    const first = await site.wardctl.call('Enrol', req, site.tokens.registrar);
    const second = await site.devices.call('Enrol', req, site.tokens.registrar);
    assert.notEqual(second.subject_id, first.subject_id);
  });

  test('the event names every purpose that was agreed to', async () => {
    await site.enrol(site.anna, { more_consents: [to('teaching'), to('newsletter')] });
    assert.equal((await site.lastEvent()).detail.consent, 'patient-identification,teaching,newsletter');
  });

  test('twins sent at once make one subject', async () => {
    const req = site.enrolment(site.anna);
    const answers = await Promise.all([1, 2, 3, 4].map(() => site.wardctl.call('Enrol', req, site.tokens.registrar)));
    assert.equal(new Set(answers.map((a) => a.subject_id)).size, 1);
  });

  test('a key used for another request is refused', async () => {
    const req = site.enrolment(site.anna);
    await site.wardctl.call('Enrol', req, site.tokens.registrar);
    for (const other of [{ photograph: site.annaAgain }, { kind: 'SUBJECT_KIND_STAFF', consent: to('staff-access') }, { external_ref: 'x' },
      { consent: { ...consent, given_by: 'guardian' } }, { more_consents: [to('teaching')] }, { largest_only: true },
      { retain_until_us: String((Date.now() + 1e6) * 1000) }]) {
      const e = await site.wardctl.failure('Enrol', { ...req, ...other }, site.tokens.registrar);
      assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH'], JSON.stringify(Object.keys(other)));
    }
  });

  test('an external_ref belongs to one subject of a kind', async () => {
    await site.enrol(site.anna, { external_ref: 'ref-1' });
    const e = await site.wardctl.failure('Enrol', site.enrolment(site.anna, { external_ref: 'ref-1' }), site.tokens.registrar);
    assert.deepEqual([e.code, e.reason], ['ALREADY_EXISTS', 'EXTERNAL_REF_TAKEN']);
    const staff = { external_ref: 'ref-1', kind: 'SUBJECT_KIND_STAFF', consent: to('staff-access') };
    assert.match((await site.enrol(site.anna, staff)).subject_id, UUID);
  });

  const past = String((Date.now() - 60000) * 1000);
  const wrong = [
    ['idempotency_key', { idempotency_key: '' }], ['idempotency_key', { idempotency_key: 'k'.repeat(129) }],
    ['kind', { kind: 'SUBJECT_KIND_UNSPECIFIED' }], ['kind', { kind: 3 }],
    ['external_ref', { external_ref: 'a b' }], ['external_ref', { external_ref: 'r'.repeat(65) }],
    ['consent', { consent: null }],
    ['consent.purpose', { consent: to('') }], ['consent.purpose', { consent: to('Any') }],
    ['consent.text_version', { consent: { ...consent, text_version: '' } }],
    ['consent.given_by', { consent: { ...consent, given_by: '' } }],
    ['consent.given_by', { consent: { ...consent, given_by: 'g'.repeat(65) } }],
    ['more_consents', { more_consents: Array.from({ length: 9 }, (_, i) => to(`use-${i}`)) }],
    ['more_consents.purpose', { more_consents: [to('teaching'), to('Teaching')] }],
    ['galleries', { galleries: ['patients'] }], ['galleries', { galleries: ['ward/'] }],
    ['galleries', { galleries: Array.from({ length: 17 }, (_, i) => `ward/${i}`) }],
    ['retain_until_us', { retain_until_us: past }], ['retain_until_us', { retain_until_us: '-1' }],
  ];
  wrong.forEach(([field, more], i) => {
    test(`a bad ${field} is named (${i})`, async () => {
      const e = await site.wardctl.failure('Enrol', site.enrolment(site.anna, more), site.tokens.registrar);
      assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
    });
  });

  test('a face without a consent to any use of it is not taken', async () => {
    for (const more of [{ consent: to('teaching') }, { consent: to('staff-access') },
      { kind: 'SUBJECT_KIND_STAFF' }, { galleries: ['ward/3a'] }]) {
      const e = await site.wardctl.failure('Enrol', site.enrolment(site.anna, more), site.tokens.registrar);
      assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'NO_CONSENT'], JSON.stringify(more));
    }
  });

  test('a photograph that cannot be used is refused with what to do', async () => {
    const two = pictures.portrait('user7');
    const cases = [
      ['FACE_NOT_FOUND', pictures.png(pictures.plain(300, 300)), /face the camera/],
      ['SEVERAL_FACES', pictures.png(pictures.beside(two, two)), /only one person/],
      ['FACE_TOO_SMALL', pictures.jpeg('user1'), /come closer/],
    ];
    for (const [reason, photograph, words] of cases) {
      const e = await site.wardctl.failure('Enrol', site.enrolment(photograph), site.tokens.registrar);
      assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', reason]);
      assert.match(e.details, words);
      const event = await site.lastEvent();
      assert.deepEqual([event.outcome, event.code, event.patient], ['OUTCOME_FAILURE', `FAILED_PRECONDITION/${reason}`, '']);
    }
  });

  test('of two faces the largest is taken only if it is asked for', async () => {
    const two = pictures.png(pictures.beside(pictures.portrait('user7'), pictures.portrait('user7')));
    const e = await site.wardctl.failure('Enrol', site.enrolment(two), site.tokens.registrar);
    assert.equal(e.reason, 'SEVERAL_FACES');
    assert.equal((await site.enrol(two, { largest_only: true })).quality.faces, 2);
  });

  test('someone far behind does not stop an enrolment', { skip: pictures.photo('team-4') ? false : 'no team-4' }, async () => {
    assert.equal((await site.enrol(pictures.jpeg('team-4'))).quality.faces, 2);
  });

  test('what is no photograph is an invalid argument', async () => {
    const { anna, annaAgain } = site;
    const cases = [
      ['IMAGE_EMPTY', Buffer.alloc(0)], ['IMAGE_FORMAT', crypto.randomBytes(5000)], ['IMAGE_FORMAT', Buffer.from('GIF89a')],
      ['IMAGE_BROKEN', anna.subarray(0, anna.length / 2)], ['IMAGE_BROKEN', annaAgain.subarray(0, 3000)],
      ['IMAGE_TOO_LARGE', pictures.png(pictures.plain(16385, 1))],
      ['IMAGE_TOO_LARGE', pictures.png(pictures.plain(4100, 4100))],
      ['IMAGE_TOO_LARGE', Buffer.concat([anna, Buffer.alloc((16 << 20) + 1 - anna.length)])],
    ];
    for (const [reason, photograph] of cases) {
      const e = await site.wardctl.failure('Enrol', site.enrolment(photograph), site.tokens.registrar);
      assert.deepEqual([e.code, e.reason, e.field], ['INVALID_ARGUMENT', reason, 'photograph']);
    }
  });

  test('retention is as asked for, or WARD_RETENTION_DAYS', async () => {
    const until_us = String((Date.now() + 86400e3) * 1000);
    const a = await site.enrol(site.anna, { retain_until_us: until_us });
    assert.equal((await site.get(a.subject_id)).retain_until_us, until_us);
    const s = await site.get((await site.enrol(site.anna)).subject_id);
    assert.equal(Number(s.retain_until_us) - Number(s.enrolled_at_us), 730 * 86400 * 1e6);
  });

  test('a photograph is kept only with that consent, sealed, and large ones too', async () => {
    const a = await site.enrol(site.anna, { more_consents: [to('photo-retention')] });
    assert.equal(a.photograph_kept, true);
    assert.equal((await site.get(a.subject_id)).photograph_kept, true);
    const [[hex, template]] = await site.sql(
      `SELECT HEX(sealed), LOWER(HEX(template_id)) FROM sealed_photo WHERE subject_id = ${site.hex(a.subject_id)}`);
    assert.equal(hex.length / 2, site.anna.length + 28);
    assert.equal(template, a.template_id.replaceAll('-', ''));
    assert.ok(!hex.toLowerCase().includes(site.anna.subarray(100, 132).toString('hex')));
    assert.equal(await site.rows('sealed_photo', (await site.enrol(site.anna)).subject_id), 0);
    const large = Buffer.concat([site.anna, Buffer.alloc((8 << 20) - site.anna.length)]);
    const b = await site.enrol(large, { more_consents: [to('photo-retention')] });
    const [[bytes]] = await site.sql(`SELECT LENGTH(sealed) FROM sealed_photo WHERE subject_id = ${site.hex(b.subject_id)}`);
    assert.equal(Number(bytes), (8 << 20) + 28);
  });

  test('someone who is there already goes to the review queue, and is enrolled', async () => {
    const search = { more_consents: [to('patient-search')] };
    await until('loaded', () => site.ward.services.identity.admin('/readyz').then((r) => r.status === 200));
    const first = await site.enrol(site.bert, search);
    // A change is searchable within a second, so what is enrolled later finds it.
    const second = await until('found', async () => {
      const a = await site.enrol(site.bert, search);
      return a.possible_duplicates > 0 && a;
    });
    const pairs = await site.sql(`SELECT LOWER(HEX(other_subject_id)), score, threshold, state FROM duplicate
      WHERE subject_id = ${site.hex(second.subject_id)}`);
    assert.equal(pairs.length, second.possible_duplicates);
    assert.ok(pairs.some(([other]) => other === first.subject_id.replaceAll('-', '')));
    for (const [, score, threshold, state] of pairs) {
      assert.ok(Number(score) >= Number(threshold) && Number(score) <= 1.0001);
      assert.equal(state, '1');
    }
    const quiet = await site.enrol(site.bert);
    assert.equal(quiet.possible_duplicates, 0, 'who may not be searched for is not looked for');
    assert.equal((await site.lastEvent()).detail.duplicates, 'no consent to search');
    assert.equal((await site.enrol(site.anna, search)).possible_duplicates, 0);
  });
});

describe('RegisterSubject', { skip }, () => {
  const registration = (more = {}) => ({ idempotency_key: site.key(), kind: 'SUBJECT_KIND_PATIENT', external_ref: '', ...more });
  const register = (more) => site.wardctl.call('RegisterSubject', registration(more), site.tokens.registrar);

  test('makes a subject without a face', async () => {
    const a = await register({ external_ref: 'no-face', birth_year: 1980 });
    assert.match(a.subject_id, UUID);
    const s = await site.get(a.subject_id);
    assert.deepEqual([s.kind, s.external_ref, s.consent, s.templates, s.ledger, s.retain_until_us, s.key_sha256, s.key_destroyed_at_us],
      ['SUBJECT_KIND_PATIENT', 'no-face', null, [], [], '0', '', '0']);
    const e = await site.wardctl.failure('Verify', site.verification(a.subject_id, site.anna), site.tokens.nurse);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'NO_CONSENT']);
  });

  test('the same key gives the first answer, for another request a refusal', async () => {
    const req = registration({ external_ref: 'once' });
    const first = await site.wardctl.call('RegisterSubject', req, site.tokens.registrar);
    assert.deepEqual(await site.wardctl.call('RegisterSubject', req, site.tokens.registrar), first);
    assert.equal((await site.lastEvent()).detail.replayed, 'yes');
    // What is kept to tell requests apart outlives an erasure: no reference can be tried against it.
    const guess = crypto.createHash('sha256').update(Buffer.concat([Buffer.from([1]), Buffer.from(req.external_ref)])).digest('hex');
    const [[n]] = await site.sql(`SELECT COUNT(*) FROM ward_idempotency WHERE request = X'${guess}'`);
    assert.equal(n, '0');
    const e = await site.wardctl.failure('RegisterSubject', { ...req, external_ref: 'twice' }, site.tokens.registrar);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
  });

  test('an external_ref belongs to one subject of a kind', async () => {
    await register({ external_ref: 'ref-2' });
    const e = await site.wardctl.failure('RegisterSubject', registration({ external_ref: 'ref-2' }), site.tokens.registrar);
    assert.deepEqual([e.code, e.reason], ['ALREADY_EXISTS', 'EXTERNAL_REF_TAKEN']);
    assert.match((await register({ external_ref: 'ref-2', kind: 'SUBJECT_KIND_STAFF' })).subject_id, UUID);
  });

  for (const [field, more] of [['idempotency_key', { idempotency_key: '' }], ['kind', { kind: 0 }], ['external_ref', { external_ref: 'a b' }]]) {
    test(`a bad ${field} is named`, async () => {
      const e = await site.wardctl.failure('RegisterSubject', registration(more), site.tokens.registrar);
      assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
    });
  }
});

describe('GetSubject', { skip }, () => {
  test('a subject is told without anything biometric, and the telling is on record', async () => {
    const a = await site.enrol(site.anna, { external_ref: 'told', more_consents: [to('patient-search')], galleries: ['ward/3a', 'clinic/eye'] });
    const s = await site.get(a.subject_id);
    assert.deepEqual([s.subject_id, s.kind, s.external_ref, s.withdrawn_at_us], [a.subject_id, 'SUBJECT_KIND_PATIENT', 'told', '0']);
    assert.deepEqual(s.consent, consent);
    assert.deepEqual(s.templates.map((t) => [t.template_id, t.model_sha256]), [[a.template_id, a.model_sha256]]);
    assert.ok(s.templates[0].generation >= 1, 'it is turned');
    assert.ok(Math.abs(Number(s.enrolled_at_us) / 1000 - Date.now()) < 60000);
    assert.deepEqual(s.ledger.map((l) => [l.consent.purpose, l.recorded_by, l.withdrawn_at_us, l.withdrawn_by, l.given_at_us]),
      ['patient-identification', 'patient-search'].map((p) => [p, 'registrar-1', '0', '', s.enrolled_at_us]));
    assert.deepEqual(s.galleries, ['clinic/eye', 'ward/3a']);
    assert.deepEqual([s.photograph_kept, s.has_wristband, s.second_types, s.key_destroyed_at_us], [false, false, [], '0']);
    assert.match(s.key_sha256, /^[0-9a-f]{64}$/);
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.patient], ['/ward.identity.v1.Identity/GetSubject', a.subject_id]);
  });

  test('nobody is not found, and no UUID is invalid', async () => {
    const e = await site.wardctl.failure('GetSubject', { subject_id: nobody }, site.tokens.nurse);
    assert.deepEqual([e.code, e.reason], ['NOT_FOUND', 'SUBJECT_NOT_FOUND']);
    const f = await site.wardctl.failure('GetSubject', { subject_id: "'; DROP TABLE subject" }, site.tokens.nurse);
    assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', 'subject_id']);
  });
});
