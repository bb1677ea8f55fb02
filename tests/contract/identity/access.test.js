'use strict';
// Zones, doors, rules, decisions, offline packs and what controllers report, on two replicas.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { skip, UUID, nobody, to, until, ROLES } = require('./site');
const { Doors, ZONE, DAYS, meeting, wall } = require('./door');
const { run } = require('../../lib/proc');
const { bin } = require('../../lib/paths');
const pictures = require('../../lib/pictures');

let site, officer;
before(async () => {
  if (skip) return;
  site = await Doors.start();
  officer = site.tokens['security-officer'];
});
after(() => site && site.stop());

const enter = (door, more, client = site.controller) => client.call('RequestEntry', { door, ...more });
const refusal = (door, more) => site.controller.failure('RequestEntry', { door, ...more });
const byBadge = async (person, door, more = {}, client = site.controller) => enter(door, { token: await site.badge(person, door), ...more }, client);
const events = (door) => site.sql(`SELECT direction, HEX(subject_id), allowed, reason, offline FROM door_event WHERE door = '${door}' ORDER BY at_us, event_id`);
const raw = (uuid) => uuid.replaceAll('-', '').toUpperCase();

describe('PutZone, PutDoor, ListZones', { skip }, () => {
  const list = () => site.access.call('ListZones', {}, officer);
  const whole = {
    zone: 'pharmacy', anti_passback: true, passback_minutes: 30, liveness: 'LIVENESS_POLICY_PASSIVE',
    rules: [
      { role: 'pharmacist', hours: [] },
      { role: 'nurse', hours: [{ weekdays: [1, 3, 5], start_minute: 480, end_minute: 960 }, { weekdays: [6, 7], start_minute: 1320, end_minute: 360 }] },
    ],
  };

  test('what was put is listed as it was put, and is on record', async () => {
    const a = await site.access.call('PutZone', { zone: whole }, officer);
    assert.match(a.event_id, UUID);
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.actor, e.detail.zone], ['/ward.identity.v1.Access/PutZone', 'security-officer-1', 'pharmacy']);
    await site.zone('corridor');
    await site.door('pharmacy-1', 'pharmacy', 'corridor');
    await site.door('pharmacy-2', 'pharmacy');
    const l = await list();
    assert.deepEqual(l.zones.find((z) => z.zone === 'pharmacy'), whole);
    assert.deepEqual(l.doors.filter((d) => d.to_zone === 'pharmacy'), [
      { door: 'pharmacy-1', from_zone: 'corridor', to_zone: 'pharmacy' }, { door: 'pharmacy-2', from_zone: '', to_zone: 'pharmacy' }]);
  });

  test('put again, the new rules take the place of the old', async () => {
    await site.zone('pharmacy', { rules: [{ role: 'porter', hours: [] }] });
    await site.door('pharmacy-1', 'corridor');
    const l = await list();
    assert.deepEqual(l.zones.find((z) => z.zone === 'pharmacy'), {
      zone: 'pharmacy', anti_passback: false, passback_minutes: 720, liveness: 'LIVENESS_POLICY_NONE', rules: [{ role: 'porter', hours: [] }],
    });
    assert.deepEqual(l.doors.find((d) => d.door === 'pharmacy-1'), { door: 'pharmacy-1', from_zone: '', to_zone: 'corridor' });
  });

  const zone = { zone: 'z', liveness: 'LIVENESS_POLICY_NONE' };
  const hours = (h) => ({ rules: [{ role: 'r', hours: [{ weekdays: [1], start_minute: 0, end_minute: 1, ...h }] }] });
  const wrong = [
    ['zone', null], ['zone.zone', { zone: '' }], ['zone.zone', { zone: 'ICU' }], ['zone.zone', { zone: 'z'.repeat(65) }],
    ['zone.liveness', { liveness: 'LIVENESS_POLICY_UNSPECIFIED' }], ['zone.liveness', { liveness: 'LIVENESS_POLICY_ACTIVE' }],
    ['zone.liveness', { liveness: 9 }], ['zone.passback_minutes', { passback_minutes: -1 }], ['zone.passback_minutes', { passback_minutes: 10081 }],
    ['zone.rules', { rules: Array.from({ length: 65 }, () => ({ role: 'r' })) }],
    ['zone.rules[1].role', { rules: [{ role: 'r' }, { role: '' }] }],
    ['zone.rules[0].hours', { rules: [{ role: 'r', hours: Array.from({ length: 33 }, () => ({ weekdays: [1] })) }] }],
    ['zone.rules[0].hours[0].weekdays', hours({ weekdays: [] })], ['zone.rules[0].hours[0].weekdays', hours({ weekdays: [0] })],
    ['zone.rules[0].hours[0].weekdays', hours({ weekdays: [1, 8] })], ['zone.rules[0].hours[0].start_minute', hours({ start_minute: -1 })],
    ['zone.rules[0].hours[0].start_minute', hours({ start_minute: 1440 })], ['zone.rules[0].hours[0].end_minute', hours({ end_minute: 1440 })],
  ];
  wrong.forEach(([field, more], i) => test(`a bad ${field} is named (${i})`, async () => {
    const e = await site.access.failure('PutZone', { zone: more && { ...zone, ...more } }, officer);
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
  }));

  const wrongDoor = [
    ['door', null], ['door.door', { door: '' }], ['door.door', { door: 'Main door' }], ['door.from_zone', { from_zone: 'a b' }],
    ['door.to_zone', { to_zone: '' }], ['door.to_zone', { from_zone: 'corridor', to_zone: 'corridor' }],
  ];
  wrongDoor.forEach(([field, more], i) => test(`a bad ${field} is named (${i})`, async () => {
    const e = await site.access.failure('PutDoor', { door: more && { door: 'd', to_zone: 'corridor', ...more } }, officer);
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
  }));

  test('a door leads between zones that there are', async () => {
    for (const more of [{ to_zone: 'nowhere' }, { to_zone: 'corridor', from_zone: 'nowhere' }]) {
      const e = await site.access.failure('PutDoor', { door: { door: 'd', ...more } }, officer);
      assert.deepEqual([e.code, e.reason], ['NOT_FOUND', 'ZONE_NOT_FOUND']);
    }
  });
});

describe('SetStaffRoles', { skip }, () => {
  const failure = (subject_id, roles = []) => site.access.failure('SetStaffRoles', { subject_id, roles }, officer);

  test('gives all of them at once, and is on record', async () => {
    const p = await site.person(['a-role', 'b-role', 'a-role']);
    const of = async () => (await site.sql(`SELECT role FROM staff_role WHERE subject_id = ${site.hex(p.id)} ORDER BY role`)).flat();
    assert.deepEqual(await of(), ['a-role', 'b-role']);
    const e = await site.lastEvent();
    assert.deepEqual([e.patient, e.detail.role_1, e.detail.role_2], [p.id, 'a-role', 'b-role']);
    await site.roles(p.id, ['c-role']);
    assert.deepEqual(await of(), ['c-role']);
    await site.roles(p.id, []);
    assert.deepEqual(await of(), []);
  });

  test('is for staff, in words, and for who is there', async () => {
    const patient = await site.person([], 'SUBJECT_KIND_PATIENT');
    const erased = await site.person();
    await site.wardctl.call('EraseSubject', { subject_id: erased.id }, site.tokens['privacy-officer']);
    let e = await failure(patient.id);
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', 'subject_id']);
    e = await failure('x');
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', 'subject_id']);
    e = await failure(nobody, ['a', 'B']);
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', 'roles[1]']);
    e = await failure(nobody, Array.from({ length: 33 }, (_, i) => `r${i}`));
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', 'roles']);
    for (const id of [nobody, erased.id]) assert.equal((await failure(id)).reason, 'SUBJECT_NOT_FOUND');
  });
});

describe('RequestEntry by token', { skip }, () => {
  before(async () => { if (!skip) await site.room('icu', 'icu-nurse'); });

  test('a role opens, and the decision is kept and on record', async () => {
    const p = await site.person(['icu-nurse']);
    const a = await byBadge(p, 'icu', { device: 'reader-1' });
    assert.deepEqual([a.decision, a.reason, a.subject_id, a.reasons], ['DECISION_ALLOW', 'ALLOWED', p.id, []]);
    assert.ok(Math.abs(Number(a.decided_at_us) / 1000 - Date.now()) < 60000);
    assert.deepEqual((await events('icu')).at(-1), ['1', raw(p.id), '1', 'ALLOWED', '0']);
    const e = await site.lastEvent();
    assert.equal(Buffer.from(e.event_id).toString('hex'), a.event_id.replaceAll('-', ''));
    assert.deepEqual([e.action, e.outcome, e.patient, e.place, e.peer, e.actor], ['/ward.identity.v1.Access/RequestEntry', 'OUTCOME_SUCCESS', p.id, 'icu', 'devices', '']);
    assert.deepEqual(e.detail, { decision: 'ALLOW', reason: 'ALLOWED', direction: 'IN', by: 'wristband+second-id', device: 'reader-1' });
  });

  test('without the role, or as a patient, it stays shut, and the answer says who was there', async () => {
    for (const p of [await site.person(['ward-nurse']), await site.person([]), await site.person([], 'SUBJECT_KIND_PATIENT')]) {
      const a = await byBadge(p, 'icu');
      assert.deepEqual([a.decision, a.reason, a.subject_id], ['DECISION_DENY', 'NO_ROLE', p.id]);
      assert.deepEqual((await events('icu')).at(-1), ['1', raw(p.id), '0', 'NO_ROLE', '0']);
      assert.equal((await site.lastEvent()).detail.decision, 'DENY');
    }
  });

  test('who was erased after the token was made is not recognised', async () => {
    const p = await site.person(['icu-nurse']);
    const token = await site.badge(p, 'icu');
    await site.wardctl.call('EraseSubject', { subject_id: p.id }, site.tokens['privacy-officer']);
    const a = await enter('icu', { token });
    assert.deepEqual([a.decision, a.reason, a.subject_id], ['DECISION_DENY', 'NOT_RECOGNISED', '']);
  });

  test('a token opens once, a deny spends it too: asked for again it is the same answer for 15 s, to this caller and this way', async () => {
    const p = await site.person(['icu-nurse']), q = await site.person([]);
    for (const [who, reason] of [[p, 'ALLOWED'], [q, 'NO_ROLE']]) {
      const token = await site.badge(who, 'icu');
      const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => enter('icu', { token }, i % 2 ? site.other : site.access)));
      assert.deepEqual(answers.map((a) => a.reason), Array(8).fill(reason));
      const spent = (more, client) => client.failure('RequestEntry', { door: 'icu', token, ...more });
      const tries = [await spent({}, site.controller), await spent({ direction: 'DIRECTION_OUT' }, site.access)];
      await site.sql('UPDATE spent_token SET spent_at_us = spent_at_us - 15000000');
      for (const e of [...tries, await spent({}, site.other)]) assert.deepEqual([e.code, e.reason], ['ALREADY_EXISTS', 'PPID_SPENT']);
    }
  });

  test('of two callers with one token one is let in', async () => {
    const p = await site.person(['icu-nurse']);
    const token = await site.badge(p, 'icu');
    const callers = [site.controller, site.other, site.ward.client('identity', { api: 'access', as: 'gateway' })];
    const answers = await Promise.all(callers.map((c) => enter('icu', { token }, c).then((a) => a.reason, (e) => e.reason)));
    assert.deepEqual(answers.sort(), ['ALLOWED', 'PPID_SPENT', 'PPID_SPENT']);
  });

  test('a token for another door, another use, forged or junk opens nothing', async () => {
    await site.room('lab', 'icu-nurse');
    const p = await site.person(['icu-nurse']);
    let e = await refusal('icu', { token: await site.badge(p, 'lab') });
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'PPID_FOREIGN']);
    e = await refusal('icu', { token: await site.badge(p, 'icu', 'administration') });
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'PPID_FOREIGN']);
    const good = await site.badge(p, 'icu');
    const [head, body, sig] = good.split('.');
    const forged = [head, Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body, 'base64url')), sub: nobody })).toString('base64url'), sig].join('.');
    for (const [token, reason] of [[forged, 'PPID_SIGNATURE'], ['a.b.c', 'PPID_MALFORMED'], [officer.token, 'PPID_MALFORMED']]) {
      e = await refusal('icu', { token });
      assert.deepEqual([e.code, e.reason], ['UNAUTHENTICATED', reason]);
    }
    const event = await site.lastEvent();
    assert.deepEqual([event.outcome, event.code], ['OUTCOME_REFUSED', 'UNAUTHENTICATED/PPID_MALFORMED']);
    assert.equal((await enter('icu', { token: good })).reason, 'ALLOWED'); // and the good one is not spent by it
  });

  test('a door that there is not spends no token', async () => {
    const p = await site.person(['icu-nurse']);
    const token = await site.badge(p, 'icu');
    const e = await refusal('no-door', { token });
    assert.deepEqual([e.code, e.reason], ['NOT_FOUND', 'DOOR_NOT_FOUND']);
    assert.equal((await enter('icu', { token })).reason, 'ALLOWED');
  });

  const wrong = [['door', { door: '' }], ['door', { door: 'A door' }], ['photograph', {}], ['token', { token: 't', photograph: Buffer.from('x') }],
    ['direction', { token: 't', direction: 3 }], ['device', { token: 't', device: 'a b' }]];
  wrong.forEach(([field, more], i) => test(`a bad ${field} is named (${i})`, async () => {
    const e = await refusal('icu', more);
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
  }));

  test('what a token shows for liveness is held against the zone', async () => {
    await site.room('vault', 'icu-nurse', { liveness: 'LIVENESS_POLICY_ATTENDED' });
    const p = await site.person(['icu-nurse']);
    assert.equal((await byBadge(p, 'vault')).reason, 'ALLOWED'); // staff scanned the wristband
    const id = await site.staffFace(site.anna, ['icu-nurse']);
    await site.admin.call('SetUsePolicy', { policy: { purpose: 'door', liveness: 'LIVENESS_POLICY_NONE', allow_face: true, allow_wristband: true } }, officer);
    const { token } = await site.verify(id, site.anna, { place: 'vault', purpose: 'door' });
    const a = await enter('vault', { token });
    assert.deepEqual([a.decision, a.reason, a.subject_id], ['DECISION_DENY', 'LIVENESS', id]);
    await site.admin.call('SetUsePolicy', { policy: { purpose: 'door', liveness: 'LIVENESS_POLICY_ATTENDED', allow_face: true, allow_wristband: true } }, officer);
    const seen = await site.verify(id, site.anna, { place: 'vault', purpose: 'door' });
    assert.equal((await enter('vault', { token: seen.token })).reason, 'ALLOWED');
    await site.wardctl.call('EraseSubject', { subject_id: id }, site.tokens['privacy-officer']);
  });
});

describe('RequestEntry by face', { skip }, () => {
  let anna;
  before(async () => {
    if (skip) return;
    await site.room('face', 'face-staff');
    anna = await site.staffFace(site.anna, ['face-staff']);
    await site.enrol(site.bert, { more_consents: [to('patient-search')] }); // a patient: not among staff
    await site.followed();
  });
  after(async () => { if (!skip) await site.wardctl.call('EraseSubject', { subject_id: anna }, site.tokens['privacy-officer']); });
  const byFace = (photograph, more = {}, door = 'face', client = site.controller) => enter(door, { photograph, ...more }, client);

  test('someone of staff is recognised and let in, on either replica', async () => {
    for (const client of [site.controller, site.other]) {
      const a = await byFace(site.annaAgain, {}, 'face', client);
      assert.deepEqual([a.decision, a.reason, a.subject_id], ['DECISION_ALLOW', 'ALLOWED', anna]);
    }
    const e = await site.lastEvent();
    assert.deepEqual([e.patient, e.detail.by], [anna, 'face']);
    assert.ok(Number(e.detail.score) > 0.4);
  });

  test('a patient and a stranger are not recognised', async () => {
    const a = await byFace(site.bert);
    assert.deepEqual([a.decision, a.reason, a.subject_id, a.reasons], ['DECISION_DENY', 'NOT_RECOGNISED', '', []]);
    assert.deepEqual((await events('face')).at(-1), ['1', 'NULL', '0', 'NOT_RECOGNISED', '0']);
    assert.equal((await site.lastEvent()).patient, '');
  });

  test('without the role it is a deny that says who', async () => {
    await site.roles(anna, ['other']);
    const a = await byFace(site.anna);
    assert.deepEqual([a.decision, a.reason, a.subject_id], ['DECISION_DENY', 'NO_ROLE', anna]);
    await site.roles(anna, ['face-staff']);
  });

  test('a photograph that cannot be used says what to do', async () => {
    const a = await byFace(pictures.png(pictures.plain(300, 300)));
    assert.deepEqual([a.decision, a.reason, a.subject_id, a.reasons.map((r) => r.reason)], ['DECISION_DENY', 'UNUSABLE', '', ['FACE_NOT_FOUND']]);
    assert.ok(a.reasons[0].text.length > 20);
    for (const [photograph, reason] of [[Buffer.from('GIF89a'), 'IMAGE_FORMAT'], [site.anna.subarray(0, 900), 'IMAGE_BROKEN']]) {
      const e = await refusal('face', { photograph });
      assert.deepEqual([e.code, e.reason, e.field], ['INVALID_ARGUMENT', reason, 'photograph']);
    }
  });

  test('a zone that wants it attended takes the device\'s word, and passive liveness is looked at', async () => {
    await site.room('attended', 'face-staff', { liveness: 'LIVENESS_POLICY_ATTENDED' });
    const a = await byFace(site.anna, {}, 'attended');
    assert.deepEqual([a.decision, a.reason, a.subject_id, a.reasons.map((r) => r.reason)], ['DECISION_DENY', 'LIVENESS', '', ['LIVENESS_REQUIRED']]);
    assert.equal((await byFace(site.anna, { attended: true }, 'attended')).reason, 'ALLOWED');
    await site.room('passive', 'face-staff', { liveness: 'LIVENESS_POLICY_PASSIVE' });
    const p = await byFace(site.anna, { attended: true }, 'passive');
    assert.ok(p.reason === 'ALLOWED' || (p.reason === 'LIVENESS' && p.reasons[0].reason === 'LIVENESS_FAILED'), p.reason);
  });

  test('who withdrew is not recognised from the commit on', async () => {
    const id = await site.staffFace(pictures.png(pictures.recapture(pictures.portrait('user3'), { scale: 2 })), ['face-staff']);
    await site.followed();
    const face = pictures.png(pictures.recapture(pictures.portrait('user3'), { scale: 2, bright: 1.1 }));
    assert.equal((await byFace(face)).subject_id, id);
    // In the ledger only, so that the galleries know nothing of it: it is the ledger that counts.
    const ledger = (at) => site.sql(`UPDATE consent_entry SET withdrawn_at_us = ${at} WHERE subject_id = ${site.hex(id)}`);
    await ledger(1);
    for (const client of [site.access, site.other]) {
      const a = await byFace(face, {}, 'face', client);
      assert.deepEqual([a.decision, a.reason, a.subject_id], ['DECISION_DENY', 'NOT_RECOGNISED', '']);
    }
    await ledger('NULL');
    assert.equal((await byFace(face)).subject_id, id);
    await site.wardctl.call('WithdrawConsent', { subject_id: id, purpose: 'staff-access' }, site.tokens.registrar);
    assert.equal((await byFace(face, {}, 'face', site.other)).reason, 'NOT_RECOGNISED');
  });

  test('where the use allows no face, a token is the way', async () => {
    await site.admin.call('SetUsePolicy', { policy: { purpose: 'door', liveness: 'LIVENESS_POLICY_NONE', allow_wristband: true } }, officer);
    const e = await refusal('face', { photograph: site.anna });
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'WAY_NOT_ALLOWED']);
    await site.admin.call('SetUsePolicy', { policy: { purpose: 'door', liveness: 'LIVENESS_POLICY_NONE', allow_face: true, allow_wristband: true } }, officer);
  });
});

describe('hours', { skip }, () => {
  test('are those of the site\'s own clock', async () => {
    const { weekday, minute } = wall();
    const at = (delta) => (minute + delta + 1440) % 1440;
    const p = await site.person(['shift']);
    const cases = [
      ['open', { weekdays: DAYS, start_minute: at(-30), end_minute: at(30) }, 'ALLOWED'],
      ['later', { weekdays: DAYS, start_minute: at(60), end_minute: at(90) }, 'OUT_OF_HOURS'],
      ['over', { weekdays: DAYS, start_minute: at(-90), end_minute: at(-60) }, 'OUT_OF_HOURS'],
      ['all-week', { weekdays: DAYS, start_minute: 0, end_minute: 0 }, 'ALLOWED'],
      ['other-days', { weekdays: DAYS.filter((d) => d !== weekday && d !== (weekday % 7) + 1), start_minute: 0, end_minute: 0 }, 'OUT_OF_HOURS'],
    ];
    for (const [name, hours, reason] of cases) {
      await site.room(`hours-${name}`, 'shift');
      await site.zone(`hours-${name}`, { rules: [{ role: 'shift', hours: [hours] }] });
      const a = await byBadge(p, `hours-${name}`);
      assert.deepEqual([a.reason, a.subject_id], [reason, p.id], name);
      const out = await byBadge(p, `hours-${name}`, { direction: 'DIRECTION_OUT' });
      assert.equal(out.reason, 'ALLOWED', `${name}: nobody is kept in`);
    }
  });

  test('any of several roles and spans is enough', async () => {
    const { minute } = wall();
    const at = (delta) => (minute + delta + 1440) % 1440;
    await site.room('several', 'x');
    await site.zone('several', { rules: [
      { role: 'day', hours: [{ weekdays: DAYS, start_minute: at(60), end_minute: at(90) }, { weekdays: DAYS, start_minute: at(-10), end_minute: at(10) }] },
      { role: 'night', hours: [{ weekdays: DAYS, start_minute: at(60), end_minute: at(90) }] }] });
    assert.equal((await byBadge(await site.person(['night']), 'several')).reason, 'OUT_OF_HOURS');
    assert.equal((await byBadge(await site.person(['night', 'day']), 'several')).reason, 'ALLOWED');
  });

  test('a time zone that there is not stops the start', async () => {
    const env = { ...site.ward.services.identity.env, WARD_LISTEN: '127.0.0.1:0', WARD_ADMIN_LISTEN: '127.0.0.1:0', WARD_TIME_ZONE: 'Europe/Berlim' };
    const r = await run([bin('identity')], { env });
    assert.equal(r.status, 1);
    assert.match(r.lines.join('\n'), /WARD_TIME_ZONE: no time zone/);
  });
});

describe('anti-passback', { skip }, () => {
  test('who is in does not come in again, who is out does not leave, whichever replica is asked', async () => {
    await site.room('apb', 'apb', { anti_passback: true });
    const p = await site.person(['apb']);
    const go = async (direction, client) => (await byBadge(p, 'apb', { direction }, client)).reason;
    assert.equal(await go('DIRECTION_IN', site.access), 'ALLOWED');
    assert.equal(await go('DIRECTION_IN', site.other), 'PASSBACK');
    assert.equal(await go('DIRECTION_OUT', site.other), 'ALLOWED');
    assert.equal(await go('DIRECTION_OUT', site.access), 'PASSBACK');
    assert.equal(await go('DIRECTION_UNSPECIFIED', site.access), 'ALLOWED'); // is IN
    assert.equal(await go('DIRECTION_IN', site.other), 'PASSBACK');
    // Forgotten after passback_minutes.
    await site.sql(`UPDATE presence SET since_us = since_us - 720 * 60000000 WHERE subject_id = ${site.hex(p.id)} AND zone = 'apb'`);
    assert.equal(await go('DIRECTION_IN', site.other), 'ALLOWED');
  });

  test('a badge passed back while both stand there lets one in', async () => {
    const p = await site.person(['apb']);
    const tokens = [];
    for (let i = 0; i < 8; i++) tokens.push(await site.badge(p, 'apb'));
    const answers = await meeting(site, p.id, 4, () => Promise.all(tokens.map((token, i) => enter('apb', { token }, i % 2 ? site.other : site.access))));
    assert.deepEqual(answers.map((a) => a.reason).sort(), ['ALLOWED', ...Array(7).fill('PASSBACK')]);
  });

  describe('when the answer was lost', () => {
    let anna;
    const byFace = async (direction, client) => (await enter('again', { photograph: site.anna, direction }, client)).reason;
    const age = (id, us) => site.sql(`UPDATE presence SET since_us = since_us - ${us} WHERE subject_id = ${site.hex(id)}`);
    before(async () => {
      if (skip) return;
      await site.room('again', 'again', { anti_passback: true });
      await site.door('again-side', 'again');
      anna = await site.staffFace(site.anna, ['again']);
      await site.followed();
    });
    after(async () => { if (!skip) await site.wardctl.call('EraseSubject', { subject_id: anna }, site.tokens['privacy-officer']); });

    test('the same face is allowed again for 15 s, by either replica, counted from the first time', async () => {
      for (const direction of ['DIRECTION_IN', 'DIRECTION_OUT']) {
        assert.equal(await byFace(direction, site.access), 'ALLOWED');
        assert.equal(await byFace(direction, site.other), 'ALLOWED');
        assert.equal((await site.lastEvent()).detail.again, 'yes');
        await age(anna, 15e6);
        assert.equal(await byFace(direction, site.other), 'PASSBACK');
      }
      await age(anna, 720 * 60e6);
    });

    test('not at another door, and not when they went through another since', async () => {
      assert.equal(await byFace('DIRECTION_IN', site.access), 'ALLOWED');
      assert.equal((await enter('again-side', { photograph: site.anna }, site.other)).reason, 'PASSBACK');
      assert.equal((await enter('again-side', { photograph: site.anna, direction: 'DIRECTION_OUT' }, site.other)).reason, 'ALLOWED');
      assert.equal(await byFace('DIRECTION_OUT', site.access), 'PASSBACK');
    });

    test('the same token is, to the other replica too; another of the same badge is not', async () => {
      const p = await site.person(['again']);
      const token = await site.badge(p, 'again');
      assert.equal((await enter('again', { token }, site.access)).reason, 'ALLOWED');
      assert.equal((await enter('again', { token }, site.other)).reason, 'ALLOWED');
      assert.equal((await byBadge(p, 'again', {}, site.other)).reason, 'PASSBACK');
    });
  });

  test('who is locked out is let in when a security officer forgets where they were seen', async () => {
    await site.room('apb-2', 'apb', { anti_passback: true });
    const p = await site.person(['apb']);
    const forget = (zone, more) => site.access.call('ForgetPresence', { subject_id: p.id, zone, ...more }, officer);
    const both = async () => [(await byBadge(p, 'apb')).reason, (await byBadge(p, 'apb-2', {}, site.other)).reason];
    assert.deepEqual(await both(), ['ALLOWED', 'ALLOWED']);
    assert.deepEqual(await both(), ['PASSBACK', 'PASSBACK']);
    assert.equal((await forget('apb')).forgotten, 1);
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.actor, e.patient, e.detail], ['/ward.identity.v1.Access/ForgetPresence', 'security-officer-1', p.id, { zone: 'apb', forgotten: '1.0000' }]);
    assert.deepEqual(await both(), ['ALLOWED', 'PASSBACK']);
    assert.equal((await forget('')).forgotten, 2);
    assert.equal((await forget('')).forgotten, 0);
    assert.deepEqual(await both(), ['ALLOWED', 'ALLOWED']);
    const failure = (req) => site.access.failure('ForgetPresence', { subject_id: p.id, ...req }, officer);
    assert.equal((await failure({ subject_id: 'x' })).field, 'subject_id');
    assert.equal((await failure({ zone: 'A B' })).field, 'zone');
    assert.equal((await failure({ zone: 'nowhere' })).reason, 'ZONE_NOT_FOUND');
    assert.equal((await failure({ subject_id: nobody })).reason, 'SUBJECT_NOT_FOUND');
  });

  test('a door between two zones leaves one as it enters the other', async () => {
    await site.zone('outer', { rules: [{ role: 'apb' }], anti_passback: true });
    await site.zone('inner', { rules: [{ role: 'apb' }], anti_passback: true });
    await site.door('gate', 'outer');
    await site.door('inner', 'inner', 'outer');
    const p = await site.person(['apb']);
    const go = async (door, direction) => (await byBadge(p, door, { direction })).reason;
    assert.equal(await go('gate', 'DIRECTION_IN'), 'ALLOWED');
    assert.equal(await go('inner', 'DIRECTION_IN'), 'ALLOWED'); // out of outer, into inner
    assert.equal(await go('gate', 'DIRECTION_OUT'), 'PASSBACK'); // not in outer any more
    assert.equal(await go('inner', 'DIRECTION_OUT'), 'ALLOWED');
    assert.equal(await go('gate', 'DIRECTION_OUT'), 'ALLOWED');
  });

  test('a deny is no passage', async () => {
    const p = await site.person([]);
    assert.equal((await byBadge(p, 'apb')).reason, 'NO_ROLE');
    assert.equal(await site.rows('presence', p.id), 0);
  });
});

describe('GetOfflinePack', { skip }, () => {
  const pack = (doors, client = site.controller) => client.call('GetOfflinePack', { doors });
  async function read(jws) {
    const [head, body, sig] = jws.split('.');
    const { keys } = await site.devices.call('GetTokenKeys', {});
    const header = JSON.parse(Buffer.from(head, 'base64url'));
    const key = keys.find((k) => k.kid === header.kid);
    const publicKey = crypto.createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: key.public_key.toString('base64url') } });
    assert.ok(crypto.verify(null, Buffer.from(`${head}.${body}`), publicKey, Buffer.from(sig, 'base64url')));
    return { header, claims: JSON.parse(Buffer.from(body, 'base64url')) };
  }

  test('is signed with a published key, expires, and holds the rules and nothing of a face', async () => {
    await site.zone('pack-hall', { rules: [{ role: 'pack-b', hours: [] }] });
    await site.zone('pack', { anti_passback: true, passback_minutes: 15, liveness: 'LIVENESS_POLICY_PASSIVE',
      rules: [{ role: 'pack-a', hours: [{ weekdays: [2, 7], start_minute: 1320, end_minute: 360 }] }] });
    await site.door('pack-1', 'pack', 'pack-hall');
    await site.door('pack-2', 'pack');
    const [a, b] = [await site.person(['pack-a', 'pack-b', 'elsewhere']), await site.person(['pack-b'], undefined, { external_ref: 'never-in-a-pack' })];
    await site.person(['elsewhere']);
    const erased = await site.person(['pack-a']);
    await site.wardctl.call('EraseSubject', { subject_id: erased.id }, site.tokens['privacy-officer']);
    const answer = await pack(['pack-1', 'pack-2', 'pack-1']);
    const { header, claims } = await read(answer.pack);
    assert.deepEqual({ ...header, kid: '' }, { alg: 'EdDSA', typ: 'ward-door-pack+jwt', kid: '' });
    assert.deepEqual({ ...claims, iat: 0, exp: 0, staff: 0 }, {
      iss: 'spiffe://ward/identity', iat: 0, exp: 0, time_zone: ZONE,
      doors: [{ door: 'pack-1', from_zone: 'pack-hall', to_zone: 'pack' }, { door: 'pack-2', from_zone: '', to_zone: 'pack' }],
      zones: [
        { zone: 'pack', anti_passback: true, passback_minutes: 15, liveness: 'PASSIVE',
          rules: [{ role: 'pack-a', hours: [{ weekdays: [2, 7], start_minute: 1320, end_minute: 360 }] }] },
        { zone: 'pack-hall', anti_passback: false, passback_minutes: 720, liveness: 'NONE', rules: [{ role: 'pack-b', hours: [] }] }],
      staff: 0,
    });
    assert.deepEqual(Object.fromEntries(claims.staff.map((s) => [s.subject_id, s.roles])), { [a.id]: ['pack-a', 'pack-b'], [b.id]: ['pack-b'] });
    assert.equal(claims.exp - claims.iat, 24 * 3600);
    assert.equal(Number(answer.expires_at_us), claims.exp * 1e6);
    assert.ok(Math.abs(claims.iat - Date.now() / 1000) < 60);
    assert.ok(!Buffer.from(answer.pack.split('.')[1], 'base64url').includes('never-in-a-pack'));
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.peer, e.detail.first_door], ['/ward.identity.v1.Access/GetOfflinePack', 'devices', 'pack-1']);
  });

  test('is no PPID token, and a PPID token is no pack', async () => {
    const jws = (await pack(['icu'])).pack;
    const e = await refusal('icu', { token: jws });
    assert.deepEqual([e.code, e.reason], ['UNAUTHENTICATED', 'PPID_MALFORMED']);
    const f = await site.wardctl.failure('SpendToken', { idempotency_key: site.key(), token: jws, subject_id: nobody, purpose: 'door' }, site.tokens.nurse);
    assert.deepEqual([f.code, f.reason], ['UNAUTHENTICATED', 'PPID_MALFORMED']);
    const token = await site.badge(await site.person([]), 'icu');
    assert.notEqual((await read(token)).header.typ, 'ward-door-pack+jwt');
  });

  test('of no door, too many, bad ones or ones that are not there is refused', async () => {
    for (const doors of [[], Array.from({ length: 65 }, (_, i) => `d${i}`), ['A']]) {
      const e = await site.controller.failure('GetOfflinePack', { doors });
      assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', 'doors']);
    }
    const e = await site.controller.failure('GetOfflinePack', { doors: ['icu', 'no-door'] });
    assert.deepEqual([e.code, e.reason], ['NOT_FOUND', 'DOOR_NOT_FOUND']);
  });
});

describe('ReportOfflineEvents', { skip }, () => {
  const now = () => Date.now() * 1000;
  const event = (more = {}) => ({
    event_id: crypto.randomUUID(), door: 'icu', direction: 'DIRECTION_IN', subject_id: '', decision: 'DECISION_DENY', reason: 'NO_ROLE', at_us: now() - 1e6, ...more,
  });
  const report = (list, client = site.controller) => client.call('ReportOfflineEvents', { events: list });
  // As if the controller had held a pack of icu all this time.
  const held = (from_us) => site.sql(`INSERT INTO door_pack VALUES ('icu', 'devices', ${from_us}, ${now()})`);
  before(async () => {
    if (skip) return;
    for (const client of [site.controller, site.access]) await client.call('GetOfflinePack', { doors: ['icu', 'apb'] });
  });

  test('of a door are for who held its pack then, and nothing of another\'s report is kept', async () => {
    const p = await site.person(['mine']);
    for (const name of ['mine-1', 'mine-2']) await site.room(name, 'mine', { anti_passback: true });
    const passage = (door, at_us = now()) => event({ door, subject_id: p.id, decision: 'DECISION_ALLOW', reason: 'ALLOWED', at_us });
    const refused = async (list, client = site.controller) => {
      const e = await client.failure('ReportOfflineEvents', { events: list });
      assert.deepEqual([e.code, e.reason], ['PERMISSION_DENIED', 'DOOR_NOT_YOURS']);
      assert.equal(await site.rows('presence', p.id), 0);
      assert.equal(await site.rows('door_event', p.id), 0);
    };
    await refused([passage('mine-1')]); // nobody has one
    await site.controller.call('GetOfflinePack', { doors: ['mine-1'] });
    await refused([passage('mine-1')], site.access); // another's
    await refused([passage('mine-1')], site.other);
    await refused([passage('mine-1'), passage('mine-2')]); // another door's
    await refused([passage('mine-1', now() - 310e6)]); // before it was fetched
    assert.equal((await report([passage('mine-1', now() - 290e6)])).kept, 1); // a clock that is behind
    await site.sql(`DELETE FROM door_event WHERE door = 'mine-1'`);
    await site.sql(`DELETE FROM presence WHERE subject_id = ${site.hex(p.id)}`);
    await site.sql(`UPDATE door_pack SET fetched_at_us = fetched_at_us - 900000000, expires_at_us = ${now()} - 310000000 WHERE door = 'mine-1'`);
    await refused([passage('mine-1')]); // expired
    assert.equal((await report([passage('mine-1', now() - 60e6)])).kept, 1);
  });

  test('a pack fetched while another is good goes on with its time', async () => {
    await site.room('mine-3', 'mine');
    const spans = () => site.sql(`SELECT fetched_at_us, expires_at_us FROM door_pack WHERE door = 'mine-3' ORDER BY fetched_at_us`);
    await site.controller.call('GetOfflinePack', { doors: ['mine-3'] });
    await site.sql(`UPDATE door_pack SET fetched_at_us = fetched_at_us - 7200000000, expires_at_us = expires_at_us - 7200000000 WHERE door = 'mine-3'`);
    const [[from]] = await spans();
    const { expires_at_us } = await site.controller.call('GetOfflinePack', { doors: ['mine-3'] });
    assert.deepEqual(await spans(), [[from, String(expires_at_us)]]);
    await site.sql(`UPDATE door_pack SET expires_at_us = fetched_at_us WHERE door = 'mine-3'`);
    await site.controller.call('GetOfflinePack', { doors: ['mine-3'] });
    assert.equal((await spans()).length, 2); // there was a gap
  });

  test('each event is kept once, however often and by whomever it is sent', async () => {
    const p = await site.person(['icu-nurse']);
    const list = [event(), event({ subject_id: p.id, decision: 'DECISION_ALLOW', reason: 'ALLOWED' }), event({ direction: 'DIRECTION_OUT' })];
    const before = (await events('icu')).length;
    let a = await report(list);
    assert.deepEqual([a.kept, a.known], [3, 0]);
    a = await report([...list, event(), list[0]], site.other);
    assert.deepEqual([a.kept, a.known], [1, 4]);
    const answers = await Promise.all([site.controller, site.other, site.controller, site.other].map((c) => report([list[0], event({ event_id: list[2].event_id })], c)));
    assert.deepEqual(answers.map((x) => x.kept), [0, 0, 0, 0]);
    assert.equal((await events('icu')).length, before + 4);
    assert.deepEqual((await report([])).kept, 0);
  });

  test('twins at once are kept once', async () => {
    const list = Array.from({ length: 50 }, () => event());
    const answers = await Promise.all([site.controller, site.other, site.access].map((c, i) => report(i === 1 ? [...list].reverse() : list, c)));
    assert.equal(answers.reduce((n, a) => n + a.kept, 0), 50);
    assert.equal(answers.reduce((n, a) => n + a.known, 0), 100);
  });

  test('each new one is on record with the controller\'s own time and id', async () => {
    const p = await site.person(['icu-nurse']);
    await held(Date.UTC(2026, 2, 1) * 1000);
    const one = event({ subject_id: p.id, decision: 'DECISION_ALLOW', reason: 'ALLOWED', at_us: Date.UTC(2026, 2, 1, 12) * 1000 });
    const a = await report([one]);
    const [e, all] = (await site.outbox()).slice(-2);
    assert.deepEqual([e.patient, e.place, e.action], [p.id, 'icu', '/ward.identity.v1.Access/ReportOfflineEvents']);
    assert.deepEqual(e.detail, { decision: 'ALLOW', reason: 'ALLOWED', direction: 'IN', offline: 'yes', controller_clock: '2026-03-01T12:00:00.000000Z', controller_event: one.event_id });
    assert.equal(Buffer.from(all.event_id).toString('hex'), a.event_id.replaceAll('-', ''));
    assert.deepEqual([all.patient, Number(all.detail.kept), Number(all.detail.known)], ['', 1, 0]);
  });

  test('where someone is follows from them, unless something newer is known', async () => {
    const p = await site.person(['apb']);
    const passage = (direction, at_us) => event({ door: 'apb', subject_id: p.id, direction, decision: 'DECISION_ALLOW', reason: 'ALLOWED', at_us });
    await report([passage('DIRECTION_IN', now() - 5e6)]);
    assert.equal((await byBadge(p, 'apb')).reason, 'PASSBACK');
    await report([passage('DIRECTION_OUT', now() - 60e6)]); // older: late news
    assert.equal((await byBadge(p, 'apb')).reason, 'PASSBACK');
    await report([event({ door: 'apb', subject_id: p.id, direction: 'DIRECTION_OUT' })]); // a deny is no passage
    assert.equal((await byBadge(p, 'apb')).reason, 'PASSBACK');
    await report([passage('DIRECTION_OUT', now())]);
    assert.equal((await byBadge(p, 'apb')).reason, 'ALLOWED');
    const patient = await site.person([], 'SUBJECT_KIND_PATIENT');
    for (const id of [nobody, patient.id]) {
      await report([event({ door: 'apb', subject_id: id, decision: 'DECISION_ALLOW', reason: 'ALLOWED' })]);
      assert.equal(await site.rows('presence', id), 0);
    }
  });

  const wrong = [
    ['event_id', { event_id: 'x' }], ['door', { door: '' }], ['direction', { direction: 5 }], ['subject_id', { subject_id: 'anna' }],
    ['decision', { decision: 'DECISION_UNSPECIFIED' }], ['decision', { decision: 7 }], ['reason', { reason: '' }], ['reason', { reason: 'no role' }],
    ['reason', { reason: 'R'.repeat(33) }], ['at_us', { at_us: 0 }], ['at_us', { at_us: -5 }], ['at_us', { at_us: (Date.now() + 400000) * 1000 }],
  ];
  wrong.forEach(([field, more], i) => test(`a bad ${field} is named, and nothing of the report is kept (${i})`, async () => {
    const good = event({ at_us: (Date.now() + 200000) * 1000 }); // a clock may be a little ahead
    const e = await site.controller.failure('ReportOfflineEvents', { events: [good, event(more)] });
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', `events[1].${field}`]);
    assert.deepEqual(await site.sql(`SELECT 1 FROM door_event WHERE event_id = ${site.hex(good.event_id)}`), []);
  }));

  test('a door that there is not, or too many events, are refused whole', async () => {
    const good = event();
    let e = await site.controller.failure('ReportOfflineEvents', { events: [good, event({ door: 'no-door' })] });
    assert.deepEqual([e.code, e.reason], ['NOT_FOUND', 'DOOR_NOT_FOUND']);
    assert.deepEqual(await site.sql(`SELECT 1 FROM door_event WHERE event_id = ${site.hex(good.event_id)}`), []);
    e = await site.controller.failure('ReportOfflineEvents', { events: Array.from({ length: 1001 }, () => event()) });
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', 'events']);
  });

  test('a thousand at once are kept', async () => {
    const p = await site.person(['icu-nurse']);
    const list = Array.from({ length: 1000 }, (_, i) => event({ subject_id: p.id, decision: 'DECISION_ALLOW', reason: 'ALLOWED', at_us: now() - 1e9 + i }));
    assert.equal((await report(list)).kept, 1000);
    assert.equal((await report(list)).known, 1000);
  });
});

describe('who may', { skip }, () => {
  const people = { PutZone: ['security-officer'], PutDoor: ['security-officer'], SetStaffRoles: ['security-officer'], ForgetPresence: ['security-officer'], ListZones: ['security-officer', 'auditor'] };
  const machines = ['RequestEntry', 'GetOfflinePack', 'ReportOfflineEvents', 'RecordAttendance'];

  for (const [method, roles] of Object.entries(people)) {
    test(`${method} is for ${roles.join(', ')}`, async () => {
      for (const role of ROLES) {
        const code = await site.access.call(method, {}, site.tokens[role]).then(() => 'OK', (e) => e.code);
        assert.equal(code === 'PERMISSION_DENIED', !roles.includes(role), `${role}: ${code}`);
      }
      assert.equal((await site.access.failure(method, {})).code, 'UNAUTHENTICATED');
      for (const as of ['gateway', 'devices', 'records', 'stranger']) {
        const code = await site.ward.client('identity', { api: 'access', as }).call(method, {}, officer).then(() => 'OK', (e) => e.code);
        const may = as === 'gateway' || (as === 'devices' && method === 'ListZones');
        assert.equal(code !== 'PERMISSION_DENIED', may, `${as}: ${code}`);
      }
    });
  }

  for (const method of machines) {
    test(`${method} is for controllers, without a person`, async () => {
      for (const [as, may] of [['wardctl', true], ['gateway', true], ['devices', true], ['records', false], ['stranger', false]]) {
        const code = await site.ward.client('identity', { api: 'access', as }).call(method, {}).then(() => 'OK', (e) => e.code);
        assert.equal(code !== 'PERMISSION_DENIED', may, `${as}: ${code}`);
      }
    });
  }
});

describe('how long movements are kept', { skip }, () => {
  const DAY = 86400e6;
  const service = () => site.ward.services.identity2;
  const again = async (days) => {
    await service().stop();
    service().env.WARD_MOVEMENTS_DAYS = days;
    await service().start();
  };
  const left = async (id) => [await site.rows('door_event', id), await site.rows('presence', id), await site.rows('attendance', id)];

  test('WARD_MOVEMENTS_DAYS, and attendance longer', async () => {
    const p = await site.person(['apb']), q = await site.person(['apb']);
    for (const who of [p, q]) {
      assert.equal((await byBadge(who, 'apb')).reason, 'ALLOWED');
      await site.controller.call('RecordAttendance', { token: await site.badge(who, 'gate', 'attendance'), place: 'gate' });
    }
    const age = async (who, days) => {
      await site.sql(`UPDATE door_event SET received_us = received_us - ${days * DAY} WHERE subject_id = ${site.hex(who.id)}`);
      await site.sql(`UPDATE presence SET since_us = since_us - ${days * DAY} WHERE subject_id = ${site.hex(who.id)}`);
    };
    await site.sql(`INSERT INTO door_pack VALUES ('old', 'devices', 1, 2)`);
    await again('31'); // the first pass is at the start
    await age(p, 30);
    await age(q, 32);
    await again('0');
    assert.deepEqual([await left(p.id), await left(q.id)], [[1, 1, 1], [1, 1, 1]]);
    await again('31');
    await until('swept', async () => (await left(q.id)).join() === '0,0,1');
    assert.deepEqual(await left(p.id), [1, 1, 1]);
    assert.deepEqual(await site.sql(`SELECT 1 FROM door_pack WHERE door = 'old'`), []);
  });
});

describe('what is told of it', { skip }, () => {
  test('decisions are counted by decision and reason', async () => {
    const { text } = await site.ward.services.identity.admin('/metrics');
    for (const line of [/ward_identity_door_decisions_total\{decision="ALLOW",reason="ALLOWED"\} [1-9]/,
      /ward_identity_door_decisions_total\{decision="DENY",reason="NO_ROLE"\} [1-9]/, /ward_identity_door_decisions_total\{decision="DENY",reason="PASSBACK"\} [1-9]/]) assert.match(text, line);
  });

  test('no subject, token or role is in the log', async () => {
    const p = await site.person(['icu-nurse']);
    const token = await site.badge(p, 'icu');
    await enter('icu', { token });
    await refusal('icu', { token, direction: 'DIRECTION_OUT' });
    const log = ['identity', 'identity2'].flatMap((s) => site.ward.services[s].proc.lines).join('\n');
    for (const secret of [p.id, p.wristband, token]) assert.ok(!log.includes(secret));
  });
});
