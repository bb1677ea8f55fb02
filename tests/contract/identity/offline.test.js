'use strict';
// Offline packs, what controllers report of the time they were cut off, and how long movements are kept, on two replicas.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { skip, nobody, until } = require('./site');
const { Doors, ZONE } = require('./door');

let site;
before(async () => {
  if (skip) return;
  site = await Doors.start();
  await site.room('icu', 'icu-nurse');
  await site.room('apb', 'apb', { anti_passback: true });
});
after(() => site && site.stop());

const enter = (door, more, client = site.controller) => client.call('RequestEntry', { door, ...more });
const refusal = (door, more) => site.controller.failure('RequestEntry', { door, ...more });
const byBadge = async (person, door, more = {}, client = site.controller) => enter(door, { token: await site.badge(person, door), ...more }, client);
const events = (door) => site.sql(`SELECT direction, HEX(subject_id), allowed, reason, offline FROM door_event WHERE door = '${door}' ORDER BY at_us, event_id`);

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
    assert.equal(all.event_id, a.event_id);
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
    ['reason', { reason: 'R'.repeat(33) }], ['at_us', { at_us: 0 }], ['at_us', { at_us: -5 }], ['at_us', { at_us: (Date.now() + 86400000) * 1000 }],
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
