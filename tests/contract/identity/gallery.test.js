'use strict';
// Gallery: what gallery.proto promises, by a client not ours, on two replicas of one database.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { models } = require('../../lib/paths');
const pictures = require('../../lib/pictures');
const { Site, until, skip, UUID, nobody, to } = require('./site');

let site, second, here, there, tokens;

before(async () => {
  if (skip) return;
  site = await Site.start({ services: ['identity', 'identity2'], env: { identity: { WARD_SEARCH_MISSES_HOUR: '100000' }, identity2: { WARD_SEARCH_MISSES_HOUR: '100000' } } });
  tokens = site.tokens;
  here = site.gallery;
  there = site.ward.client('identity2', { api: 'gallery' });
  second = site.ward.client('identity2', { api: 'identity' });
  await policy('rounds', { liveness: 'LIVENESS_POLICY_NONE', allow_search: true });
  await ready(here);
  await ready(there);
});
after(() => site && site.stop());

const policy = (purpose, more) => site.admin.call('SetUsePolicy', {
  policy: { purpose, liveness: 'LIVENESS_POLICY_ATTENDED', max_fmr: 1e-4, allow_face: true, allow_wristband: true, ...more },
}, tokens['security-officer']);
const ready = (client) => until('loaded', () => client.call('ListGalleries', {}, tokens.nurse).catch((e) => {
  if (e.reason !== 'GALLERY_LOADING') throw e;
}));
const question = (photograph, more = {}) => ({
  gallery: 'patients', photograph, place: 'ward-3/bed-2', purpose: 'rounds', ...more,
});
const identify = (photograph, more, client = here) => client.call('Identify', question(photograph, more), tokens.nurse);
const refused = (more, client = here) => client.failure('Identify', { ...question(site.anna), ...more }, tokens.nurse);
const enrol = (photograph, more = {}) => site.enrol(photograph, { more_consents: [to('patient-search')], ...more });
const staff = (photograph) => site.enrol(photograph, { kind: 'SUBJECT_KIND_STAFF', consent: to('staff-access') });
const erase = (subject_id) => site.wardctl.call('EraseSubject', { subject_id }, tokens['privacy-officer']);
const member = (method, subject_id, gallery) => here.call(method, { gallery, subject_id }, tokens.registrar);
// Asked until it is so: every replica sees a change within a second, on a machine that has a moment.
const sees = (client, photograph, outcome, more) => until(outcome, async () => {
  const a = await identify(photograph, more, client);
  return a.outcome === `IDENTIFY_OUTCOME_${outcome}` && a;
});
const gone = async (...ids) => { for (const id of ids) await erase(id); };

describe('Identify', { skip }, () => {
  test('nobody enrolled is nobody found', async () => {
    const a = await identify(site.anna);
    assert.deepEqual([a.outcome, a.candidates, a.gallery_size], ['IDENTIFY_OUTCOME_NO_MATCH', [], '0']);
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.outcome, e.patient, e.place], ['/ward.identity.v1.Gallery/Identify', 'OUTCOME_SUCCESS', '', 'ward-3/bed-2']);
    assert.deepEqual([e.detail.outcome, e.detail.gallery, e.detail.for], ['NO_MATCH', 'patients', 'rounds']);
    assert.equal(e.event_id, a.event_id);
  });

  test('one of several is found, with all that the answer rests on, and the event is about them', async () => {
    const { subject_id } = await enrol(site.anna);
    const bert = await enrol(site.bert);
    const a = await until('both', async () => {
      const found = await identify(site.annaAgain, { max_fpir: 1e-3 });
      return found.gallery_size === '2' && found;
    });
    assert.equal(a.outcome, 'IDENTIFY_OUTCOME_MATCH');
    assert.deepEqual(a.candidates.map((c) => [c.subject_id, c.kind]), [[subject_id, 'SUBJECT_KIND_PATIENT']]);
    assert.ok(a.candidates[0].score >= a.threshold && a.candidates[0].score <= 1);
    // One in a thousand among two is 5.0e-4 a comparison, but the use bears 1e-4.
    assert.ok(Math.abs(a.fmr - 1e-4) < 1e-9, `${a.fmr}`);
    assert.equal(a.threshold, 0.57, 'never laxer than Verify for the same use');
    assert.ok(a.margin > 0 && a.margin < a.threshold);
    assert.equal(a.extrapolated, false);
    assert.match(a.model_sha256, /^[0-9a-f]{64}$/);
    assert.ok(a.threshold_source.length > 10 && Number(a.seq) >= 2);
    assert.deepEqual([a.liveness.policy, a.liveness.passive_score, a.liveness.satisfied], ['LIVENESS_POLICY_NONE', -1, true]);
    assert.deepEqual([a.device, a.degraded, a.quality.faces, a.reasons], ['cpu', false, 1, []]);
    const e = await site.lastEvent();
    assert.deepEqual([e.patient, e.detail.outcome, e.detail.size, e.actor], [subject_id, 'MATCH', '2', 'nurse-1']);
    assert.equal(a.candidates[0].score, 0.69); // the highest step of the table
    assert.ok(Number(e.detail.score) > 0.69);
    await gone(subject_id, bert.subject_id);
  });

  test('a larger gallery or a rarer error asks for a higher score', async () => {
    await policy('loose', { liveness: 'LIVENESS_POLICY_NONE', allow_search: true, max_fmr: 1e-3 });
    const people = [await enrol(site.anna), await enrol(site.bert)];
    await until('both', async () => (await identify(site.bert)).gallery_size === '2');
    const at = async (max_fpir, purpose) => identify(site.bert, { max_fpir, purpose });
    const [usual, strict] = [await at(0, 'loose'), await at(1e-4, 'loose')];
    assert.ok(Math.abs(usual.fmr - 1e-3) < 1e-9, 'never looser than the use allows');
    assert.ok(Math.abs(strict.fmr - (1 - (1 - 1e-4) ** 0.5)) < 1e-10);
    assert.ok(strict.threshold > usual.threshold);
    await gone(...people.map((p) => p.subject_id));
  });

  test('two subjects with one face are AMBIGUOUS, and both are named', async () => {
    const people = [await enrol(site.anna), await enrol(site.annaAgain)].map((p) => p.subject_id);
    const a = await sees(here, site.anna, 'AMBIGUOUS');
    assert.deepEqual(a.candidates.map((c) => c.subject_id).sort(), [...people].sort());
    assert.ok(a.candidates[0].score >= a.candidates[1].score);
    const e = await site.lastEvent();
    assert.equal(e.patient, '');
    assert.deepEqual(e.detail.candidates.split(' ').sort(), [...people].sort());
    await gone(people[1]);
    assert.equal((await sees(here, site.anna, 'MATCH')).candidates[0].subject_id, people[0]);
    await gone(people[0]);
  });

  test('a photograph that cannot be used is UNUSABLE and says why', async () => {
    const a = await identify(pictures.png(pictures.plain(300, 300)));
    assert.deepEqual([a.outcome, a.candidates], ['IDENTIFY_OUTCOME_UNUSABLE', []]);
    assert.deepEqual(a.reasons.map((r) => r.reason), ['FACE_NOT_FOUND']);
    assert.match(a.reasons[0].text, /face the camera/);
    assert.deepEqual((await site.lastEvent()).detail.reason, 'FACE_NOT_FOUND');
    const two = pictures.portrait('user7');
    assert.deepEqual((await identify(pictures.png(pictures.beside(two, two)))).reasons.map((r) => r.reason), ['SEVERAL_FACES']);
    const largest = await identify(pictures.png(pictures.beside(two, two)), { largest_only: true });
    assert.notEqual(largest.reasons[0] && largest.reasons[0].reason, 'SEVERAL_FACES');
  });

  test('liveness is asked for as the use says', async () => {
    await policy('seen', { allow_search: true });
    await policy('challenged', { liveness: 'LIVENESS_POLICY_ACTIVE', allow_search: true });
    const alone = await identify(site.anna, { purpose: 'seen' });
    assert.deepEqual([alone.outcome, alone.reasons[0].reason], ['IDENTIFY_OUTCOME_UNUSABLE', 'LIVENESS_REQUIRED']);
    assert.equal(alone.liveness.satisfied, false);
    const attended = await identify(site.anna, { purpose: 'seen', attended: true });
    assert.deepEqual([attended.outcome, attended.liveness.attended, attended.liveness.satisfied], ['IDENTIFY_OUTCOME_NO_MATCH', true, true]);
    const active = await identify(site.anna, { purpose: 'challenged', attended: true });
    assert.equal(active.reasons[0].reason, 'LIVENESS_REQUIRED');
  });

  test('a use whose policy allows no search is refused, and that is the default', async () => {
    const e = await refused({ purpose: 'administration' });
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'WAY_NOT_ALLOWED']);
    const event = await site.lastEvent();
    assert.deepEqual([event.outcome, event.code], ['OUTCOME_FAILURE', 'FAILED_PRECONDITION/WAY_NOT_ALLOWED']);
  });

  test('a gallery that nobody is in is NOT_FOUND', async () => {
    const e = await refused({ gallery: 'ward/none' });
    assert.deepEqual([e.code, e.reason], ['NOT_FOUND', 'GALLERY_NOT_FOUND']);
  });

  const wrong = [['gallery', { gallery: '' }], ['gallery', { gallery: 'everyone' }], ['gallery', { gallery: 'ward/' }],
    ['gallery', { gallery: `ward/${'w'.repeat(49)}` }], ['gallery', { gallery: 'ward/3A' }], ['place', { place: '' }],
    ['device', { device: 'a b' }], ['purpose', { purpose: 'A' }], ['max_fpir', { max_fpir: 0.2 }], ['max_fpir', { max_fpir: 9e-5 }],
    ['max_fpir', { max_fpir: NaN }], ['max_fpir', { max_fpir: -1 }], ['photograph', { photograph: Buffer.alloc(0) }],
    ['photograph', { photograph: crypto.randomBytes(3000) }]];
  wrong.forEach(([field, more], i) => {
    test(`a bad ${field} is named (${i})`, async () => {
      const e = await refused(more);
      assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
    });
  });

  test('who may not ask is refused', async () => {
    for (const role of ['porter', 'privacy-officer', 'identity-admin']) {
      const e = await here.failure('Identify', question(site.anna), tokens[role]);
      assert.deepEqual([e.code, e.reason], ['PERMISSION_DENIED', 'ROLE_MISSING']);
    }
    assert.equal((await here.failure('Identify', question(site.anna))).code, 'UNAUTHENTICATED');
    const stranger = site.ward.client('identity', { api: 'gallery', as: 'stranger' });
    assert.equal((await stranger.failure('Identify', question(site.anna), tokens.nurse)).reason, 'CALLER_NOT_ALLOWED');
  });
});

describe('consent', { skip }, () => {
  test('only those who consented to being found are', async () => {
    const { subject_id } = await site.enrol(site.anna); // to being verified only
    const other = await enrol(site.bert);
    await sees(here, site.bert, 'MATCH'); // so the first one has been followed too
    assert.equal((await identify(site.anna)).outcome, 'IDENTIFY_OUTCOME_NO_MATCH');
    await site.wardctl.call('GiveConsent', { subject_id, consent: to('patient-search') }, tokens.registrar);
    assert.equal((await sees(here, site.anna, 'MATCH')).candidates[0].subject_id, subject_id);
    await site.wardctl.call('WithdrawConsent', { subject_id, purpose: 'patient-search' }, tokens.registrar);
    await sees(here, site.anna, 'NO_MATCH');
    assert.equal((await site.verify(subject_id, site.anna)).outcome, 'OUTCOME_MATCH', 'still to be verified');
    await gone(subject_id, other.subject_id);
  });

  test('who is erased is not answered by any replica from that moment on', async () => {
    for (let round = 0; round < 5; round++) {
      const { subject_id } = await enrol(site.anna);
      for (const client of [here, there]) await sees(client, site.anna, 'MATCH');
      await erase(subject_id);
      // No waiting here: the answer is checked against the database, whatever the index still holds.
      for (const client of [here, there]) assert.equal((await identify(site.anna, {}, client)).outcome, 'IDENTIFY_OUTCOME_NO_MATCH');
    }
  });
});

describe('replicas', { skip }, () => {
  test('who is enrolled at one is found at the other', async () => {
    const { subject_id } = await enrol(site.anna);
    assert.equal((await sees(there, site.annaAgain, 'MATCH')).candidates[0].subject_id, subject_id);
    const a = await second.call('Enrol', site.enrolment(site.bert, { more_consents: [to('patient-search')] }), tokens.registrar);
    assert.equal((await sees(here, site.bert, 'MATCH')).candidates[0].subject_id, a.subject_id);
    await gone(subject_id, a.subject_id);
    for (const client of [here, there]) await sees(client, site.anna, 'NO_MATCH');
  });

  test('a ward filled at one is searched at the other', async () => {
    const [anna, bert] = [await enrol(site.anna), await enrol(site.bert)];
    await member('AddMember', anna.subject_id, 'ward/3a');
    const at3a = { gallery: 'ward/3a' };
    const a = await until('there', () => identify(site.anna, at3a, there).catch((e) => { if (e.reason !== 'GALLERY_NOT_FOUND') throw e; }));
    assert.deepEqual([a.outcome, a.gallery_size], ['IDENTIFY_OUTCOME_MATCH', '1']);
    assert.equal((await identify(site.bert, at3a, there)).outcome, 'IDENTIFY_OUTCOME_NO_MATCH');
    await gone(anna.subject_id, bert.subject_id);
  });

  test('one that starts again has everyone, by its snapshot', async () => {
    const { subject_id } = await enrol(site.anna);
    await sees(there, site.anna, 'MATCH');
    const service = site.ward.services['identity2'];
    await service.proc.line(/snapshot of the galleries written/);
    await service.stop();
    await service.start();
    await ready(there);
    assert.match(await service.proc.line(/galleries loaded from/), /from the snapshot/);
    assert.equal((await sees(there, site.anna, 'MATCH')).candidates[0].subject_id, subject_id);
    await gone(subject_id);
    await sees(there, site.anna, 'NO_MATCH');
  });
});

const clear = skip || (fs.existsSync(path.join(models, 'clear/feature.onnx')) ? false : 'no models of the pack "clear"');
test('who is not embedded by the model in use yet is found by the former one', { skip: clear }, async () => {
  const [old, fresh] = [(await enrol(site.anna)).subject_id, await enrol(site.bert)];
  const before = await sees(there, site.anna, 'MATCH');
  const service = site.ward.services.identity2;
  const restart = async (more) => {
    await service.stop();
    Object.assign(service.env, more);
    await service.start();
    await ready(there);
  };
  await restart({ WARD_PACK: 'clear', WARD_FORMER_PACK: 'faceplugin' });
  try {
    const a = await sees(there, site.annaAgain, 'MATCH');
    assert.deepEqual([a.candidates[0].subject_id, a.model_sha256, a.gallery_size], [old, before.model_sha256, '2']);
    const added = await second.call('AddTemplate', { idempotency_key: site.key(), subject_id: old, photograph: site.anna }, tokens.registrar)
      .catch((e) => e);
    assert.equal(added.code, undefined, added.message);
    const b = await until('found by the new one', async () => {
      const found = await identify(site.annaAgain, {}, there);
      return found.model_sha256 === added.model_sha256 && found;
    });
    assert.deepEqual([b.outcome, b.candidates[0].subject_id, b.gallery_size], ['IDENTIFY_OUTCOME_MATCH', old, '2']);
    assert.notEqual(b.model_sha256, before.model_sha256);
    assert.equal((await identify(site.bert, {}, there)).candidates[0].subject_id, fresh.subject_id);
  } finally {
    await restart({ WARD_PACK: 'faceplugin', WARD_FORMER_PACK: '' });
    await gone(old, fresh.subject_id);
  }
});

describe('kinds', { skip }, () => {
  test('patients and staff are searched apart, and "all" together', async () => {
    const [patient, nurse] = [(await enrol(site.anna)).subject_id, (await staff(site.bert)).subject_id];
    assert.equal((await sees(here, site.bert, 'MATCH', { gallery: 'staff' })).candidates[0].kind, 'SUBJECT_KIND_STAFF');
    assert.equal((await identify(site.bert)).outcome, 'IDENTIFY_OUTCOME_NO_MATCH');
    assert.equal((await identify(site.anna, { gallery: 'staff' })).outcome, 'IDENTIFY_OUTCOME_NO_MATCH');
    const all = await sees(here, site.anna, 'MATCH', { gallery: 'all' });
    assert.deepEqual([all.candidates[0].subject_id, all.gallery_size], [patient, '2']);
    const list = await here.call('ListGalleries', {}, tokens['security-officer']);
    assert.deepEqual(list.galleries, [{ gallery: 'all', subjects: '2' }, { gallery: 'patients', subjects: '1' }, { gallery: 'staff', subjects: '1' }]);
    assert.ok(Number(list.index_bytes) > 0 && Number(list.seq) > 0);
    assert.ok(['avx512vnni', 'avx512bw', 'avx2', 'neondot', 'neon', 'portable'].includes(list.kernel), list.kernel);
    await gone(patient, nurse);
  });
});

describe('members', { skip }, () => {
  test('come and go, and doing it again is OK', async () => {
    const { subject_id } = await enrol(site.anna, { galleries: ['clinic/eye'] });
    await until('a member', async () => (await here.call('ListGalleries', {}, tokens.nurse)).galleries.some((g) => g.gallery === 'clinic/eye'));
    for (let i = 0; i < 2; i++) assert.match((await member('AddMember', subject_id, 'ward/4')).event_id, UUID);
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.patient, e.detail.gallery], ['/ward.identity.v1.Gallery/AddMember', subject_id, 'ward/4']);
    assert.deepEqual((await site.get(subject_id)).galleries, ['clinic/eye', 'ward/4']);
    const names = async () => (await here.call('ListGalleries', {}, tokens.nurse)).galleries.map((g) => `${g.gallery} ${g.subjects}`);
    await until('both', async () => (await names()).join() === 'all 1,patients 1,staff 0,clinic/eye 1,ward/4 1');
    for (let i = 0; i < 2; i++) assert.match((await member('RemoveMember', subject_id, 'ward/4')).event_id, UUID);
    await until('gone', async () => !(await names()).includes('ward/4 1'));
    await gone(subject_id);
    await until('nobody', async () => (await names()).join() === 'all 0,patients 0,staff 0');
  });

  for (const method of ['AddMember', 'RemoveMember']) {
    test(`${method}: what is wrong is named`, async () => {
      for (const [field, more] of [['gallery', { gallery: 'patients' }], ['gallery', { gallery: 'ward/A' }], ['subject_id', { subject_id: '7' }]]) {
        const e = await here.failure(method, { gallery: 'ward/4', subject_id: nobody, ...more }, tokens.registrar);
        assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
      }
      const e = await here.failure(method, { gallery: 'ward/4', subject_id: nobody }, tokens.registrar);
      assert.deepEqual([e.code, e.reason], ['NOT_FOUND', 'SUBJECT_NOT_FOUND']);
      assert.equal((await here.failure(method, { gallery: 'ward/4', subject_id: nobody }, tokens.physician)).code, 'PERMISSION_DENIED');
    });
  }

  test('who may not be searched for joins no gallery', async () => {
    const { subject_id } = await site.enrol(site.anna);
    const e = await here.failure('AddMember', { gallery: 'ward/4', subject_id }, tokens.registrar);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'NO_CONSENT']);
    await gone(subject_id);
  });
});

describe('duplicates', { skip }, () => {
  const list = (more = {}) => here.call('ListDuplicates', more, tokens.registrar);
  const resolve = (duplicate_id, state, as = tokens.registrar) => here.call('ResolveDuplicate', { duplicate_id, state }, as);
  let people, pairs;

  before(async () => {
    people = [];
    for (const photograph of [site.anna, site.annaAgain, site.anna]) {
      people.push((await enrol(photograph)).subject_id);
      await until('followed', async () => (await identify(site.anna)).gallery_size === `${people.length}`);
    }
    ({ duplicates: pairs } = await list());
  });
  after(() => gone(...people));

  test('each pair that enrolment found is there, oldest first', async () => {
    const mine = pairs.filter((d) => people.includes(d.subject_id));
    assert.deepEqual(mine.map((d) => [d.subject_id, d.other_subject_id].map((id) => people.indexOf(id)).join()).sort(), ['1,0', '2,0', '2,1']);
    for (const d of mine) {
      assert.match(d.duplicate_id, UUID);
      assert.ok(d.score >= d.threshold && Number(d.found_at_us) > 0);
      assert.deepEqual([d.state, d.decided_by, d.decided_at_us], ['DUPLICATE_STATE_OPEN', '', '0']);
    }
    assert.ok(pairs.every((d, i) => i === 0 || d.duplicate_id > pairs[i - 1].duplicate_id));
    assert.equal((await site.lastEvent()).detail.state, 'open');
  });

  test('pages go on where the last one ended', async () => {
    const seen = [];
    let page_token = '';
    do {
      const a = await list({ page_size: 1, page_token });
      seen.push(...a.duplicates.map((d) => d.duplicate_id));
      page_token = a.next_page_token;
      assert.ok(seen.length <= pairs.length);
    } while (page_token !== '');
    assert.deepEqual(seen, pairs.map((d) => d.duplicate_id));
  });

  test('a page that is not of this query, or too large, is refused', async () => {
    const { next_page_token: token } = await list({ page_size: 1 });
    for (const more of [{ page_token: 'x' }, { page_token: token.slice(1) }, { page_token: token, state: 'DUPLICATE_STATE_SAME' },
      { page_token: (token[0] === 'A' ? 'B' : 'A') + token.slice(1) }]) {
      const e = await here.failure('ListDuplicates', more, tokens.registrar);
      assert.deepEqual([e.code, e.reason], ['INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID']);
    }
    for (const [field, more] of [['page_size', { page_size: 501 }], ['page_size', { page_size: -1 }], ['state', { state: 9 }]]) {
      const e = await here.failure('ListDuplicates', more, tokens.registrar);
      assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
    }
  });

  test('a decision is made once, by a person, and changes no subject', async () => {
    const [pair] = pairs;
    assert.match((await resolve(pair.duplicate_id, 'DUPLICATE_STATE_SAME')).event_id, UUID);
    const e = await site.lastEvent();
    assert.deepEqual([e.patient, e.detail.decision, e.detail.pair], [pair.subject_id, 'same', pair.duplicate_id]);
    await resolve(pair.duplicate_id, 'DUPLICATE_STATE_SAME', tokens['privacy-officer']);
    const no = await here.failure('ResolveDuplicate', { duplicate_id: pair.duplicate_id, state: 'DUPLICATE_STATE_DIFFERENT' }, tokens.registrar);
    assert.deepEqual([no.code, no.reason], ['FAILED_PRECONDITION', 'DUPLICATE_DECIDED']);
    const { duplicates: [same] } = await list({ state: 'DUPLICATE_STATE_SAME' });
    assert.deepEqual([same.duplicate_id, same.decided_by, same.state], [pair.duplicate_id, 'registrar-1', 'DUPLICATE_STATE_SAME']);
    assert.ok(Number(same.decided_at_us) >= Number(same.found_at_us));
    assert.ok((await list()).duplicates.every((d) => d.duplicate_id !== pair.duplicate_id));
    assert.equal((await site.get(pair.subject_id)).templates.length, 1);
  });

  test('what is wrong about a decision is named', async () => {
    const e = await here.failure('ResolveDuplicate', { duplicate_id: nobody, state: 'DUPLICATE_STATE_SAME' }, tokens.registrar);
    assert.deepEqual([e.code, e.reason], ['NOT_FOUND', 'DUPLICATE_NOT_FOUND']);
    for (const [field, more] of [['duplicate_id', { duplicate_id: 'x' }], ['state', { state: 'DUPLICATE_STATE_OPEN' }], ['state', { state: 0 }]]) {
      const f = await here.failure('ResolveDuplicate', { duplicate_id: nobody, state: 'DUPLICATE_STATE_SAME', ...more }, tokens.registrar);
      assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', field]);
    }
    assert.equal((await here.failure('ListDuplicates', {}, tokens.nurse)).code, 'PERMISSION_DENIED');
  });
});
