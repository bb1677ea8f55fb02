'use strict';
// Zones, doors, rules and decisions, on two replicas.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const { skip, UUID, nobody, to, ROLES } = require('./site');
const { Doors, DAYS, wall } = require('./door');
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
    assert.equal(e.event_id, a.event_id);
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
    assert.match(r.lines.join('\n'), /WARD_TIME_ZONE: unknown time zone/);
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

describe('what is told of it', { skip }, () => {
  test('decisions are counted by decision and reason', async () => {
    const { text } = await site.ward.services.identity.admin('/metrics');
    for (const line of [/ward_identity_door_decisions_total\{decision="ALLOW",reason="ALLOWED"\} [1-9]/,
      /ward_identity_door_decisions_total\{decision="DENY",reason="NO_ROLE"\} [1-9]/]) assert.match(text, line);
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
