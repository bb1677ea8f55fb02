'use strict';
// Children: their faces are neither enrolled nor compared, and the wristband is theirs as everyone's.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const { Site, until, skip, nobody, consent, to } = require('./site');

let site;
before(async () => {
  if (skip) return;
  site = await Site.shared();
  await until('loaded', () => site.ward.services.identity.admin('/readyz').then((r) => r.status === 200));
  await site.admin.call('SetUsePolicy',
    { policy: { purpose: 'find', liveness: 'LIVENESS_POLICY_NONE', allow_face: true, allow_search: true } }, site.tokens['security-officer']);
});
after(() => site && site.stop());

const year = new Date().getUTCFullYear();
const CHILD = year - 9, ADULT = year - 40;
const refused = ['FAILED_PRECONDITION', 'FACE_NOT_FOR_CHILDREN'];
const born = (subject_id, birth_year) => site.wardctl.call('SetBirthYear', { subject_id, birth_year }, site.tokens.registrar);
const outcome = (e) => [e.code, e.reason];
const verify = (id) => site.wardctl.failure('Verify', site.verification(id, site.anna), site.tokens.nurse);
const identify = () => ({ gallery: 'ward/kids', photograph: site.anna, place: 'ward-3', purpose: 'find' });

describe('a child', { skip }, () => {
  test('is not enrolled by face, and the refusal says which way there is', async () => {
    const e = await site.wardctl.failure('Enrol', site.enrolment(site.anna, { birth_year: CHILD }), site.tokens.registrar);
    assert.deepEqual(outcome(e), refused);
    assert.match(e.details, /wristband/);
    const event = await site.lastEvent();
    assert.deepEqual([event.outcome, event.code], ['OUTCOME_FAILURE', 'FAILED_PRECONDITION/FACE_NOT_FOR_CHILDREN']);
  });

  test('is one until the end of the year in which they come of age', async () => {
    const e = await site.wardctl.failure('Enrol', site.enrolment(site.anna, { birth_year: year - 18 }), site.tokens.registrar);
    assert.deepEqual(outcome(e), refused);
    const a = await site.enrol(site.anna, { birth_year: year - 19 });
    assert.equal((await site.get(a.subject_id)).birth_year, year - 19);
    assert.equal((await site.verify(a.subject_id, site.anna)).outcome, 'OUTCOME_MATCH');
  });

  test('is not matched by a template of before the year was known', async () => {
    const a = await site.enrol(site.anna, { more_consents: [to('patient-search')], galleries: ['ward/kids'] });
    assert.equal((await site.verify(a.subject_id, site.anna)).outcome, 'OUTCOME_MATCH');
    await until('found', async () => {
      const r = await site.gallery.call('Identify', identify(), site.tokens.nurse).catch(() => ({}));
      return r.outcome === 'IDENTIFY_OUTCOME_MATCH';
    });
    assert.equal((await born(a.subject_id, CHILD)).face_refused, true);
    let e = await site.lastEvent();
    assert.deepEqual([e.action, e.patient, e.detail.face], ['/ward.identity.v1.Identity/SetBirthYear', a.subject_id, 'refused']);
    assert.deepEqual(outcome(await verify(a.subject_id)), refused);
    e = await site.lastEvent();
    assert.deepEqual([e.patient, e.outcome, e.code], [a.subject_id, 'OUTCOME_FAILURE', 'FAILED_PRECONDITION/FACE_NOT_FOR_CHILDREN']);
    assert.deepEqual(outcome(await site.gallery.failure('Identify', identify(), site.tokens.nurse)), refused);
    const start = { subject_id: a.subject_id, place: 'ward-3', purpose: 'administration', attended: true };
    const call = site.wardctl.duplex('VerifyVideo', { ...site.tokens.nurse, deadline: 60000 });
    call.write({ start });
    call.write({ frame: { photograph: site.anna } });
    call.end();
    await assert.rejects(call.answer, { reason: refused[1] });
    const more = { idempotency_key: site.key(), subject_id: a.subject_id, photograph: site.annaAgain };
    assert.deepEqual(outcome(await site.wardctl.failure('AddTemplate', more, site.tokens.registrar)), refused);
    // It was the year that was wrong: nothing was lost.
    assert.equal((await born(a.subject_id, ADULT)).face_refused, false);
    assert.equal((await site.verify(a.subject_id, site.anna)).outcome, 'OUTCOME_MATCH');
    assert.match((await site.wardctl.call('AddTemplate', more, site.tokens.registrar)).template_id, /-/);
  });

  test('has the same wristband way, and can enrol when of age', async () => {
    const req = { idempotency_key: site.key(), kind: 'SUBJECT_KIND_PATIENT', birth_year: CHILD };
    const { subject_id } = await site.wardctl.call('RegisterSubject', req, site.tokens.registrar);
    assert.equal((await site.get(subject_id)).birth_year, CHILD);
    const second = { type: 'birth-date', value: `${CHILD}-02-28` };
    await site.wardctl.call('SetIdentifiers', { subject_id, wristband: 'WB-KID-1', second: [second] }, site.tokens.registrar);
    const shown = { subject_id, wristband: 'WB-KID-1', second, place: 'ward-3', purpose: 'administration' };
    const r = await site.wardctl.call('VerifyWristband', shown, site.tokens.nurse);
    assert.deepEqual([r.outcome, r.token !== ''], ['OUTCOME_MATCH', true]);
    const add = { idempotency_key: site.key(), subject_id, photograph: site.anna };
    await site.wardctl.call('GiveConsent', { subject_id, consent }, site.tokens.registrar);
    assert.deepEqual(outcome(await site.wardctl.failure('AddTemplate', add, site.tokens.registrar)), refused);
    // As if so many years had gone by.
    await site.sql(`UPDATE subject SET birth_year = ${year - 19} WHERE subject_id = ${site.hex(subject_id)}`);
    await site.wardctl.call('AddTemplate', add, site.tokens.registrar);
    assert.equal((await site.verify(subject_id, site.anna)).outcome, 'OUTCOME_MATCH');
  });

  test('of a year that cannot be is an invalid argument', async () => {
    for (const birth_year of [1899, year + 1, -5]) {
      for (const [method, req] of [['Enrol', site.enrolment(site.anna, { birth_year })], ['SetBirthYear', { subject_id: nobody, birth_year }],
        ['RegisterSubject', { idempotency_key: site.key(), kind: 'SUBJECT_KIND_PATIENT', birth_year }]]) {
        const e = await site.wardctl.failure(method, req, site.tokens.registrar);
        assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', 'birth_year'], method);
      }
    }
    assert.equal((await site.wardctl.failure('SetBirthYear', { subject_id: nobody, birth_year: 2000 }, site.tokens.registrar)).reason, 'SUBJECT_NOT_FOUND');
    const e = await site.wardctl.failure('SetBirthYear', { subject_id: nobody, birth_year: 2000 }, site.tokens.nurse);
    assert.equal(e.code, 'PERMISSION_DENIED');
  });

  test('is forgotten with the subject, and a key is of one year', async () => {
    const req = site.enrolment(site.anna, { birth_year: ADULT });
    const a = await site.wardctl.call('Enrol', req, site.tokens.registrar);
    const e = await site.wardctl.failure('Enrol', { ...req, birth_year: ADULT + 1 }, site.tokens.registrar);
    assert.equal(e.reason, 'IDEMPOTENCY_MISMATCH');
    await site.wardctl.call('EraseSubject', { subject_id: a.subject_id }, site.tokens['privacy-officer']);
    const [[kept]] = await site.sql(`SELECT birth_year IS NULL FROM subject WHERE subject_id = ${site.hex(a.subject_id)}`);
    assert.equal(kept, '1');
  });
});

describe('a patient of unknown age', { skip }, () => {
  const needed = ['FAILED_PRECONDITION', 'BIRTH_YEAR_NEEDED'];
  const unknown = { birth_year: 0 };
  const video = (on, subject_id) => {
    const call = on.wardctl.duplex('VerifyVideo', { ...on.tokens.nurse, deadline: 60000 });
    call.write({ start: { subject_id, place: 'ward-3', purpose: 'administration', attended: true } });
    call.write({ frame: { photograph: on.anna } });
    call.end();
    return call.answer;
  };

  test('is refused like a child, until an adult\'s year is set', async () => {
    const e = await site.wardctl.failure('Enrol', site.enrolment(site.anna, unknown), site.tokens.registrar);
    assert.deepEqual(outcome(e), needed);
    assert.match(e.details, /wristband/);
    const a = await site.enrol(site.anna, { more_consents: [to('patient-search')], galleries: ['ward/kids'] });
    assert.equal((await born(a.subject_id, 0)).face_refused, true);
    assert.deepEqual(outcome(await verify(a.subject_id)), needed);
    await assert.rejects(video(site, a.subject_id), { reason: needed[1] });
    const more = { idempotency_key: site.key(), subject_id: a.subject_id, photograph: site.annaAgain };
    assert.deepEqual(outcome(await site.wardctl.failure('AddTemplate', more, site.tokens.registrar)), needed);
    await until('refused', async () => {
      const r = await site.gallery.call('Identify', identify(), site.tokens.nurse).catch((err) => err);
      return r.reason === needed[1];
    });
    assert.equal((await born(a.subject_id, ADULT)).face_refused, false);
    assert.notEqual((await site.verify(a.subject_id, site.anna)).token, '');
  });

  test('among staff is an adult', async () => {
    const s = await site.enrol(site.anna, { kind: 'SUBJECT_KIND_STAFF', consent: to('staff-access'), ...unknown });
    const a = await site.verify(s.subject_id, site.anna);
    assert.deepEqual([a.outcome, a.age_unknown, a.token !== ''], ['OUTCOME_MATCH', false, true]);
  });

  test('earns no token where a site has their face compared, and no rate is claimed', async (t) => {
    const lax = await Site.start({ env: { identity: { WARD_FACE_UNKNOWN_AGE: 'match-without-token' } } });
    t.after(() => lax.stop());
    const { subject_id } = await lax.enrol(lax.anna, { ...unknown, more_consents: [to('patient-search')] });
    const claims = (a) => [a.outcome, a.age_unknown, a.token, a.token_lifetime_s ?? 0, a.fmr, a.fmr_worst_group];
    for (const a of [await lax.verify(subject_id, lax.anna), await video(lax, subject_id)]) {
      assert.deepEqual(claims(a), ['OUTCOME_MATCH', true, '', 0, 0, 0]);
      const event = await lax.lastEvent();
      assert.deepEqual([event.detail.outcome, event.detail.age, event.detail.token], ['MATCH', 'not known', undefined]);
    }
    await lax.admin.call('SetUsePolicy', { policy: { purpose: 'find', liveness: 'LIVENESS_POLICY_NONE', allow_face: true, allow_search: true } },
      lax.tokens['security-officer']);
    const who = { gallery: 'patients', photograph: lax.anna, place: 'ward-3', purpose: 'find' };
    await until('refused', async () => (await lax.gallery.call('Identify', who, lax.tokens.nurse).catch((err) => err)).reason === needed[1]);
    // The second factor earns it.
    const second = { type: 'birth-date', value: '2015-02-28' };
    await lax.wardctl.call('SetIdentifiers', { subject_id, wristband: 'WB-KID-2', second: [second] }, lax.tokens.registrar);
    const shown = { subject_id, wristband: 'WB-KID-2', second, place: 'ward-3', purpose: 'administration' };
    assert.notEqual((await lax.wardctl.call('VerifyWristband', shown, lax.tokens.nurse)).token, '');
    await lax.wardctl.call('SetBirthYear', { subject_id, birth_year: ADULT }, lax.tokens.registrar);
    const [outcomeOf, notKnown, token, , fmr] = claims(await lax.verify(subject_id, lax.anna));
    assert.deepEqual([outcomeOf, notKnown, token !== '', fmr], ['OUTCOME_MATCH', false, true, 1e-4]);
  });

  test('cannot be given a token by a setting', async () => {
    await assert.rejects(Site.start({ env: { identity: { WARD_FACE_UNKNOWN_AGE: 'allow' } } }), /refuse or match-without-token/);
  });
});
