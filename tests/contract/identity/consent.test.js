'use strict';
// GiveConsent, WithdrawConsent, SetRetention, EraseSubject, and what the service ends by itself.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const { Site, until, skip, UUID, nobody, consent, to } = require('./site');

let site;
before(async () => { if (!skip) site = await Site.start({ env: { identity: { WARD_FACES_LIMIT: '1' } } }); });
after(() => site && site.stop());

const give = (subject_id, c) => site.wardctl.call('GiveConsent', { subject_id, consent: c }, site.tokens.registrar);
const withdraw = (subject_id, purpose = '') => site.wardctl.call('WithdrawConsent', { subject_id, purpose }, site.tokens.registrar);
const erase = (subject_id) => site.wardctl.call('EraseSubject', { subject_id }, site.tokens['privacy-officer']);
const pair = (a, b) => site.sql(`INSERT INTO duplicate (duplicate_id, subject_id, other_subject_id, score, threshold, found_at_us)
  VALUES (UNHEX(REPLACE(UUID(), '-', '')), ${site.hex(a.subject_id)}, ${site.hex(b.subject_id)}, 1, 1, 1)`);
const FACE = ['face_key', 'template', 'sealed_photo'];
const left = async (id, tables = FACE) => Promise.all(tables.map((t) => site.rows(t, id)));

describe('GiveConsent', { skip }, () => {
  test('adds a line that says who wrote it down, once for the same text', async () => {
    const { subject_id } = await site.enrol(site.anna);
    const first = await give(subject_id, to('patient-search'));
    assert.match(first.event_id, UUID);
    assert.equal((await give(subject_id, to('patient-search'))).given_at_us, first.given_at_us);
    assert.equal((await site.lastEvent()).detail.already, 'yes');
    await give(subject_id, { ...to('patient-search'), text_version: '2027-01-en' });
    const { ledger } = await site.get(subject_id);
    assert.deepEqual(ledger.map((l) => [l.consent.purpose, l.consent.text_version, l.recorded_by]),
      [['patient-identification', '2026-03-en', 'registrar-1'], ['patient-search', '2026-03-en', 'registrar-1'],
        ['patient-search', '2027-01-en', 'registrar-1']]);
    assert.equal(ledger[1].given_at_us, first.given_at_us);
  });

  const wrong = [['subject_id', { subject_id: 'x' }], ['consent', { consent: null }], ['consent.purpose', { consent: to('A') }],
    ['consent.text_version', { consent: { ...consent, text_version: '' } }], ['consent.given_by', { consent: { ...consent, given_by: '' } }]];
  for (const [field, more] of wrong) {
    test(`a bad ${field} is named`, async () => {
      const e = await site.wardctl.failure('GiveConsent', { subject_id: nobody, consent, ...more }, site.tokens.registrar);
      assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
    });
  }
});

describe('WithdrawConsent', { skip }, () => {
  test('of everything destroys key, template and photograph, proves it and leaves the subject', async () => {
    const { subject_id } = await site.enrol(site.anna, { more_consents: [to('photo-retention')] });
    const { key_sha256 } = await site.get(subject_id);
    const first = await withdraw(subject_id);
    assert.deepEqual([first.key_destroyed, first.key_sha256], [true, key_sha256]);
    assert.deepEqual(await left(subject_id), [0, 0, 0]);
    const event = await site.lastEvent();
    assert.deepEqual([event.detail.key, event.detail.key_sha256, event.detail.consent], ['destroyed', key_sha256, 'all']);
    const e = await site.wardctl.failure('Verify', site.verification(subject_id, site.anna), site.tokens.nurse);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'NO_CONSENT']);
    const s = await site.get(subject_id);
    assert.deepEqual([s.templates, s.withdrawn_at_us, s.key_sha256, s.photograph_kept, s.retain_until_us],
      [[], first.withdrawn_at_us, key_sha256, false, '0']);
    assert.equal(s.key_destroyed_at_us, first.withdrawn_at_us);
    assert.ok(s.ledger.every((l) => l.withdrawn_by === 'registrar-1'));
    const again = await site.wardctl.call('WithdrawConsent', { subject_id }, site.tokens['privacy-officer']);
    assert.deepEqual([again.withdrawn_at_us, again.key_destroyed, again.key_sha256], [first.withdrawn_at_us, true, key_sha256]);
    assert.equal((await site.lastEvent()).detail.already, 'yes');
  });

  test('of search alone takes the face out of the galleries and keeps it for Verify', async () => {
    const { subject_id } = await site.enrol(site.anna, { more_consents: [to('patient-search')], galleries: ['ward/3a'] });
    const a = await withdraw(subject_id, 'patient-search');
    assert.deepEqual([a.key_destroyed, a.key_sha256], [false, '']);
    const s = await site.get(subject_id);
    assert.deepEqual([s.galleries, s.templates.length, s.withdrawn_at_us], [[], 1, '0']);
    assert.equal((await site.verify(subject_id, site.annaAgain)).outcome, 'OUTCOME_MATCH');
  });

  test('of search takes every pair out of the queue, and the search that was to come', async () => {
    const search = { more_consents: [to('patient-search')] };
    const [a, b, c] = [await site.enrol(site.anna, search), await site.enrol(site.anna, search), await site.enrol(site.anna, search)];
    await site.sql('DELETE FROM duplicate');
    await pair(a, b);
    await pair(b, c);
    await pair(a, c);
    await site.sql(`INSERT INTO duplicate_search (subject_id, asked_us) VALUES (${site.hex(b.subject_id)}, 1)`);
    await withdraw(b.subject_id, 'patient-search');
    assert.deepEqual(await left(b.subject_id, ['duplicate', 'duplicate_search', 'template']), [0, 0, 1]);
    const { duplicates } = await site.gallery.call('ListDuplicates', {}, site.tokens.registrar);
    assert.deepEqual(duplicates.map((d) => [d.subject_id, d.other_subject_id]), [[a.subject_id, c.subject_id]]);
  });

  test('of keeping the photograph takes the photograph alone', async () => {
    const { subject_id } = await site.enrol(site.anna, { more_consents: [to('photo-retention')] });
    assert.equal((await withdraw(subject_id, 'photo-retention')).key_destroyed, false);
    assert.deepEqual(await left(subject_id), [1, 1, 0]);
  });

  test('of the last use of the face destroys it, whatever else stands', async () => {
    const { subject_id } = await site.enrol(site.anna, { more_consents: [to('patient-search'), to('photo-retention'), to('teaching')] });
    assert.equal((await withdraw(subject_id, 'patient-identification')).key_destroyed, false);
    assert.deepEqual(await left(subject_id), [1, 1, 1]);
    assert.equal((await withdraw(subject_id, 'patient-search')).key_destroyed, true);
    assert.deepEqual(await left(subject_id), [0, 0, 0]);
    const open = (await site.get(subject_id)).ledger.filter((l) => l.withdrawn_at_us === '0').map((l) => l.consent.purpose);
    assert.deepEqual(open, ['photo-retention', 'teaching']);
  });

  test('of what was never given changes nothing', async () => {
    const { subject_id } = await site.enrol(site.anna);
    const a = await withdraw(subject_id, 'teaching');
    assert.deepEqual([a.withdrawn_at_us, a.key_destroyed], ['0', false]);
    assert.deepEqual(await left(subject_id), [1, 1, 0]);
    const e = await site.wardctl.failure('WithdrawConsent', { subject_id, purpose: 'A' }, site.tokens.registrar);
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', 'purpose']);
  });

  test('given again, a new key is made and any face may come', async () => {
    const { subject_id } = await site.enrol(site.anna);
    const gone = await withdraw(subject_id);
    await give(subject_id, consent);
    const e = await site.wardctl.failure('Verify', site.verification(subject_id, site.anna), site.tokens.nurse);
    assert.equal(e.code, 'FAILED_PRECONDITION');
    const add = { idempotency_key: site.key(), subject_id, photograph: site.bert };
    assert.equal((await site.wardctl.call('AddTemplate', add, site.tokens.registrar)).score, 0);
    const s = await site.get(subject_id);
    assert.equal(s.key_destroyed_at_us, '0');
    assert.notEqual(s.key_sha256, gone.key_sha256);
    assert.ok(Number(s.retain_until_us) > Date.now() * 1000);
    assert.equal((await site.verify(subject_id, site.bert)).outcome, 'OUTCOME_MATCH');
  });
});

describe('EraseSubject', { skip }, () => {
  test('takes everything but the id, and the subject is not found any more', async () => {
    const { subject_id } = await site.enrol(site.anna, {
      external_ref: 'to-erase', more_consents: [to('patient-search'), to('photo-retention')], galleries: ['ward/3a'] });
    const other = (await site.enrol(site.bert)).subject_id;
    await site.sql(`INSERT INTO identifier_hash (subject_id, type, hash) VALUES (${site.hex(subject_id)}, 'birth-date', REPEAT('h', 32));
      INSERT INTO identifier_miss (subject_id, at_us) VALUES (${site.hex(subject_id)}, 1);
      INSERT INTO staff_role (subject_id, role) VALUES (${site.hex(subject_id)}, 'porter');
      INSERT INTO presence (subject_id, zone, inside, since_us) VALUES (${site.hex(subject_id)}, 'icu', 1, 1);
      INSERT INTO duplicate (duplicate_id, subject_id, other_subject_id, score, threshold, found_at_us)
        VALUES (REPEAT('d', 16), ${site.hex(other)}, ${site.hex(subject_id)}, 1, 1, 1)`);
    const { key_sha256 } = await site.get(subject_id);
    const first = await erase(subject_id);
    assert.equal(first.key_sha256, key_sha256);
    const tables = [...FACE, 'identifier_hash', 'identifier_miss', 'gallery_member', 'staff_role', 'presence', 'duplicate'];
    assert.deepEqual(await left(subject_id, tables), tables.map(() => 0));
    assert.equal(await site.rows('duplicate', other), 0);
    const [[ref, when, given, standing]] = await site.sql(`SELECT s.external_ref, s.erased_at_us, MAX(c.given_by), SUM(c.withdrawn_at_us IS NULL)
      FROM subject s JOIN consent_entry c ON c.subject_id = s.subject_id WHERE s.subject_id = ${site.hex(subject_id)}`);
    assert.deepEqual([ref, when, given, standing], ['NULL', first.erased_at_us, '', '0']);
    const event = await site.lastEvent();
    assert.deepEqual([event.detail.key, event.detail.key_sha256], ['destroyed', key_sha256]);
    const requests = [['GetSubject', {}, 'nurse'], ['Verify', site.verification(subject_id, site.anna), 'nurse'],
      ['WithdrawConsent', {}, 'registrar'], ['GiveConsent', { consent }, 'registrar'], ['SetRetention', {}, 'registrar'],
      ['AddTemplate', { idempotency_key: 'k', photograph: site.anna }, 'registrar'], ['RemoveTemplate', { template_id: nobody }, 'registrar']];
    for (const [method, req, who] of requests) {
      const e = await site.wardctl.failure(method, { ...req, subject_id }, site.tokens[who]);
      assert.deepEqual([e.code, e.reason], ['NOT_FOUND', 'SUBJECT_NOT_FOUND'], method);
    }
  });

  test('again says when it was first done, and the reference is free', async () => {
    const { subject_id } = await site.enrol(site.anna, { external_ref: 'free-again' });
    const first = await erase(subject_id);
    const again = await erase(subject_id);
    assert.deepEqual([again.erased_at_us, again.key_sha256], [first.erased_at_us, first.key_sha256]);
    assert.equal((await site.lastEvent()).detail.already, 'yes');
    assert.match((await site.enrol(site.anna, { external_ref: 'free-again' })).subject_id, UUID);
  });

  test('of someone without a face has no key to prove', async () => {
    const { subject_id } = await site.wardctl.call('RegisterSubject', { idempotency_key: site.key(), kind: 'SUBJECT_KIND_STAFF' }, site.tokens.registrar);
    assert.equal((await erase(subject_id)).key_sha256, '');
  });
});

describe('SetRetention', { skip }, () => {
  test('sets and takes away the end', async () => {
    const { subject_id } = await site.enrol(site.anna);
    const retain_until_us = String((Date.now() + 1e8) * 1000);
    const set = (value) => site.wardctl.call('SetRetention', { subject_id, retain_until_us: value }, site.tokens['privacy-officer']);
    assert.equal((await set(retain_until_us)).retain_until_us, retain_until_us);
    assert.match((await site.lastEvent()).detail.retain_until, /^\d{4}-\d\d-\d\dT/);
    assert.equal((await site.get(subject_id)).retain_until_us, retain_until_us);
    await set('0');
    assert.equal((await site.get(subject_id)).retain_until_us, '0');
    const e = await site.wardctl.failure('SetRetention', { subject_id, retain_until_us: '1' }, site.tokens.registrar);
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', 'retain_until_us']);
  });
});

for (const method of ['GiveConsent', 'SetRetention', 'WithdrawConsent', 'EraseSubject']) {
  test(`${method} of nobody is not found, of no UUID invalid`, { skip }, async () => {
    const who = site.tokens[method === 'GiveConsent' ? 'registrar' : 'privacy-officer'];
    const e = await site.wardctl.failure(method, { subject_id: nobody, consent }, who);
    assert.deepEqual([e.code, e.reason], ['NOT_FOUND', 'SUBJECT_NOT_FOUND']);
    const f = await site.wardctl.failure(method, { subject_id: "'; DROP TABLE subject", consent }, who);
    assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', 'subject_id']);
  });
}

describe('what the service ends by itself', { skip }, () => {
  test('a face whose time is over, and rows of no more use', async () => {
    const kept = await site.enrol(site.anna);
    const ended = await site.enrol(site.anna, { more_consents: [to('photo-retention'), to('patient-search')] });
    const { key_sha256 } = await site.get(ended.subject_id);
    await pair(kept, ended);
    await site.sql(`UPDATE subject SET retain_until_us = 1 WHERE subject_id = ${site.hex(ended.subject_id)};
      INSERT INTO spent_token (token_id, spent_by, idempotency_key, spent_at_us) VALUES (REPEAT('t', 16), 'x', 'k', 1);
      INSERT INTO challenge (challenge_id, purpose, steps, issued_to, expires_at_us) VALUES (REPEAT('c', 16), 'p', '12', 'x', 1);
      INSERT INTO gallery_change (seq, subject_id, at_us) VALUES (-1, ${site.hex(kept.subject_id)}, 1)`);
    await site.ward.services.identity.stop();
    await site.ward.services.identity.start(); // its first pass is at once, the next ones every minute
    await until('ended', async () => (await site.rows('face_key', ended.subject_id)) === 0);
    assert.deepEqual(await left(ended.subject_id), [0, 0, 0]);
    assert.equal(await site.rows('duplicate', kept.subject_id), 0);
    assert.deepEqual(await left(kept.subject_id), [1, 1, 0]);
    const s = await site.get(ended.subject_id);
    assert.deepEqual([s.key_sha256, s.retain_until_us, s.templates], [key_sha256, '0', []]);
    assert.notEqual(s.key_destroyed_at_us, '0');
    assert.ok(s.ledger.every((l) => l.withdrawn_by === 'retention'));
    const event = (await site.outbox()).find((e) => e.action.endsWith('/Retention') && e.patient === ended.subject_id);
    assert.deepEqual([event.actor, event.peer, event.outcome, event.detail.key, event.detail.key_sha256],
      ['', 'identity', 'OUTCOME_SUCCESS', 'destroyed', key_sha256]);
    await until('swept', async () => {
      const [[a], [b], [c]] = await site.sql(`SELECT COUNT(*) FROM spent_token UNION ALL SELECT COUNT(*) FROM challenge
        UNION ALL SELECT COUNT(*) FROM gallery_change WHERE seq < 0`);
      return `${a}${b}${c}` === '000';
    });
  });

  test('a search for duplicates that could not be made at once is made later', async () => {
    const search = { more_consents: [to('patient-search')] };
    const first = await site.enrol(site.bert, search);
    const second = await site.enrol(site.bert, search);
    await site.sql(`DELETE FROM duplicate; INSERT INTO duplicate_search (subject_id, asked_us) VALUES (${site.hex(second.subject_id)}, 1)`);
    await site.ward.services.identity.stop();
    await site.ward.services.identity.start();
    await until('searched', async () => (await site.rows('duplicate_search', second.subject_id)) === 0);
    const others = (await site.sql(`SELECT LOWER(HEX(other_subject_id)) FROM duplicate WHERE subject_id = ${site.hex(second.subject_id)}`)).flat();
    assert.ok(others.includes(first.subject_id.replaceAll('-', '')));
  });

  test('a search that was put off is not made once nobody may be searched for', async () => {
    const search = { more_consents: [to('patient-search')] };
    const [first, second] = [await site.enrol(site.bert, search), await site.enrol(site.bert, search)];
    // As if the withdrawal came while the search was on its way.
    await site.sql(`DELETE FROM duplicate; INSERT INTO duplicate_search (subject_id, asked_us) VALUES (${site.hex(second.subject_id)}, 1);
      UPDATE consent_entry SET withdrawn_at_us = 1, withdrawn_by = 'x' WHERE purpose = 'patient-search' AND subject_id = ${site.hex(second.subject_id)}`);
    await site.ward.services.identity.stop();
    await site.ward.services.identity.start();
    await until('looked at', async () => (await site.rows('duplicate_search', second.subject_id)) === 0);
    assert.deepEqual(await left(second.subject_id, ['duplicate']), [0]);
    assert.deepEqual(await left(first.subject_id, ['duplicate']), [0]);
  });

  test('faces are counted, and more than were meant are said', async () => {
    const [[faces]] = await site.sql('SELECT COUNT(*) FROM template');
    assert.ok(Number(faces) > 1);
    const text = await until('counted', async () => {
      const page = (await site.ward.services.identity.admin('/metrics')).text;
      return /ward_identity_faces\{kind="patient"\}/.test(page) && page;
    });
    for (const line of [`ward_identity_faces{kind="patient"} ${faces}`, 'ward_identity_faces_limit 1', 'ward_identity_over_limit 1']) {
      assert.ok(text.includes(line), line);
    }
    await site.ward.services.identity.proc.line(/more faces are stored than WARD_FACES_LIMIT/);
  });
});
