'use strict';
// Attendance: recorded by the server's clock on two replicas, corrected beside what was recorded, and
// reported a person and day.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const { skip, UUID, nobody, to } = require('./site');
const { Doors, meeting } = require('./door');
const pictures = require('../../lib/pictures');

const PEOPLE = ['attendance-officer', 'security-officer', 'registrar', 'nurse', 'auditor', 'porter'];
const HEADING = 'subject,external_ref,date,first_in,last_out,minutes_present,events,corrections,open';
let site, officer;
before(async () => {
  if (skip) return;
  // Memory is measured below: what AddressSanitizer keeps aside, where it is in, is not ours.
  site = await Doors.start({ env: { ASAN_OPTIONS: 'quarantine_size_mb=1' } });
  officer = site.tokens['attendance-officer'];
});
after(() => site && site.stop());

const record = (req, client = site.controller) => client.call('RecordAttendance', { place: 'gate', ...req });
const failure = (req) => site.controller.failure('RecordAttendance', { place: 'gate', ...req });
const tap = async (person, direction, client) => record({ token: await site.badge(person, 'gate', 'attendance'), direction }, client);
const correct = (req, client = site.access) => client.call('CorrectAttendance', { idempotency_key: site.key(), why: 'badge forgotten', ...req }, officer);
const refused = (req) => site.access.failure('CorrectAttendance', { idempotency_key: site.key(), why: 'badge forgotten', ...req }, officer);
const kept = (id) => site.rows('attendance', id);
// As if everything of this person had been recorded so many seconds earlier: past what debounces.
async function earlier(id, seconds) {
  await site.sql(`DROP TRIGGER attendance_stays; UPDATE attendance SET at_us = at_us - ${seconds} * 1000000 WHERE subject_id = ${site.hex(id)};
    CREATE TRIGGER attendance_stays BEFORE UPDATE ON attendance FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'attendance is append-only';`);
}
// Microseconds of a wall clock's time in the site's zone, +05:30.
const at = (stamp) => Date.parse(`${stamp}+05:30`) * 1000;

async function csv(from_date, to_date, subject_id = '', client = site.access) {
  let text = '', last;
  const pieces = [];
  for await (const m of client.stream('ExportAttendance', { from_date, to_date, subject_id }, officer)) {
    pieces.push(m.csv.length);
    text += m.csv.toString('utf8');
    last = m;
  }
  assert.match(last.event_id, UUID);
  assert.ok(text.endsWith('\r\n'));
  const [heading, ...lines] = text.split('\r\n').slice(0, -1);
  assert.equal(heading, HEADING);
  return { lines, text, pieces, event_id: last.event_id };
}
const linesOf = async (id, from, until) => (await csv(from, until, id)).lines.map((l) => l.split(',').slice(2).join(','));

describe('RecordAttendance', { skip }, () => {
  test('comes, goes, and comes again, by the server\'s clock', async () => {
    const p = await site.person();
    const seen = [];
    for (const client of [site.access, site.other, site.access]) {
      const a = await tap(p, undefined, client);
      assert.deepEqual([a.outcome, a.subject_id, a.debounced, a.reasons], ['OUTCOME_MATCH', p.id, false, []]);
      assert.match(a.attendance_id, UUID);
      assert.ok(Math.abs(Number(a.at_us) / 1000 - Date.now()) < 60000);
      seen.push(a.direction);
      await earlier(p.id, 61);
    }
    assert.deepEqual(seen, ['DIRECTION_IN', 'DIRECTION_OUT', 'DIRECTION_IN']);
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.patient, e.place, e.peer], ['/ward.identity.v1.Access/RecordAttendance', p.id, 'gate', 'wardctl']);
    assert.deepEqual([e.detail.outcome, e.detail.direction, e.detail.by], ['MATCH', 'IN', 'wristband+second-id']);
  });

  test('a coming of yesterday is not gone from today', async () => {
    const p = await site.person();
    await tap(p);
    await earlier(p.id, 24 * 3600);
    assert.equal((await tap(p)).direction, 'DIRECTION_IN');
  });

  test('the same again within the time is answered with the first', async () => {
    const p = await site.person();
    const first = await tap(p);
    for (const [direction, client] of [[undefined, site.access], ['DIRECTION_IN', site.other], [undefined, site.other]]) {
      const a = await tap(p, direction, client);
      assert.deepEqual({ ...a, event_id: '' }, { ...first, debounced: true, event_id: '' });
      assert.notEqual(a.event_id, first.event_id);
    }
    assert.equal((await site.lastEvent()).detail.outcome, 'DEBOUNCED');
    assert.equal(await kept(p.id), 1);
    // The other direction is no echo, and then coming again is none either.
    assert.deepEqual([(await tap(p, 'DIRECTION_OUT')).debounced, (await tap(p, 'DIRECTION_IN')).debounced], [false, false]);
    assert.equal(await kept(p.id), 3);
    await earlier(p.id, 61);
    assert.equal((await tap(p, 'DIRECTION_IN')).debounced, false);
  });

  test('seen by both replicas at once, a person came once', async () => {
    for (const direction of [undefined, 'DIRECTION_OUT']) {
      const p = await site.person();
      const tokens = [];
      for (let i = 0; i < 8; i++) tokens.push(await site.badge(p, 'gate', 'attendance'));
      const answers = await meeting(site, p.id, 4, () => Promise.all(tokens.map((token, i) => record({ token, direction }, i % 2 ? site.other : site.access))));
      assert.equal(answers.filter((a) => !a.debounced).length, 1);
      assert.equal(new Set(answers.map((a) => a.attendance_id)).size, 1);
      assert.equal(await kept(p.id), 1);
    }
  });

  test('a patient\'s token is no one of staff', async () => {
    const p = await site.person([], 'SUBJECT_KIND_PATIENT');
    const a = await tap(p);
    assert.deepEqual([a.outcome, a.subject_id, a.attendance_id, a.direction], ['OUTCOME_NO_MATCH', '', '', 'DIRECTION_UNSPECIFIED']);
    assert.equal(await kept(p.id), 0);
  });

  test('a token is for this, here, and once', async () => {
    const p = await site.person();
    for (const token of [await site.badge(p, 'gate', 'door'), await site.badge(p, 'other-gate', 'attendance')]) {
      const e = await failure({ token });
      assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'PPID_FOREIGN']);
    }
    const token = await site.badge(p, 'gate', 'attendance');
    await record({ token });
    const e = await failure({ token });
    assert.deepEqual([e.code, e.reason], ['ALREADY_EXISTS', 'PPID_SPENT']);
    assert.equal((await failure({ token: 'a.b.c' })).code, 'UNAUTHENTICATED');
  });

  const wrong = [['place', { place: '' }], ['place', { place: 'a b' }], ['device', { device: 'd'.repeat(65) }], ['direction', { direction: 4 }],
    ['photograph', {}], ['token', { photograph: Buffer.from('x') }]];
  wrong.forEach(([field, more], i) => test(`a bad ${field} is named (${i})`, async () => {
    const e = await failure({ ...(field === 'photograph' ? {} : { token: 't' }), ...more });
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
  }));

  test('by face: someone of staff, a stranger, no face, and what the policy asks for', async () => {
    const id = await site.staffFace(site.anna, []);
    await site.enrol(site.bert, { more_consents: [to('patient-search')] });
    await site.followed();
    const a = await record({ photograph: site.annaAgain, attended: true });
    assert.deepEqual([a.outcome, a.subject_id, a.direction], ['OUTCOME_MATCH', id, 'DIRECTION_IN']);
    const b = await record({ photograph: site.anna, attended: true }, site.other);
    assert.deepEqual([b.attendance_id, b.debounced], [a.attendance_id, true]);
    const none = await record({ photograph: site.bert, attended: true });
    assert.deepEqual([none.outcome, none.subject_id, none.attendance_id], ['OUTCOME_NO_MATCH', '', '']);
    for (const [more, reason] of [[{ photograph: site.anna }, 'LIVENESS_REQUIRED'], [{ photograph: pictures.png(pictures.plain(300, 300)), attended: true }, 'FACE_NOT_FOUND']]) {
      const u = await record(more);
      assert.deepEqual([u.outcome, u.reasons.map((r) => r.reason), u.attendance_id], ['OUTCOME_UNUSABLE', [reason], '']);
      assert.equal((await site.lastEvent()).detail.reason, reason);
    }
    const e = await failure({ photograph: Buffer.from('junk') });
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', 'photograph']);
    assert.equal(await kept(id), 1);
    const { text } = await site.ward.services.identity.admin('/metrics');
    for (const outcome of ['MATCH', 'NO_MATCH', 'UNUSABLE', 'DEBOUNCED']) assert.match(text, new RegExp(`ward_identity_attendance_total\\{outcome="${outcome}"\\} [1-9]`));
  });
});

describe('CorrectAttendance', { skip }, () => {
  const day = '2026-03-02';
  const add = (id, stamp, direction, more) => correct({ subject_id: id, direction, at_us: at(stamp), ...more });

  test('adds what was missed, strikes what was wrong, and changes nothing that is there', async () => {
    const p = await site.person();
    const first = await add(p.id, `${day}T08:00:00`, 'DIRECTION_IN');
    assert.match(first.attendance_id, UUID);
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.actor, e.patient, e.detail.did, e.detail.why], ['/ward.identity.v1.Access/CorrectAttendance', 'attendance-officer-1', p.id, 'added', 'badge forgotten']);
    const second = await add(p.id, `${day}T12:00:00`, 'DIRECTION_OUT');
    const rows = () => site.sql(`SELECT HEX(attendance_id), direction, at_us, corrected_by, why, HEX(strikes) FROM attendance WHERE subject_id = ${site.hex(p.id)} ORDER BY attendance_id`);
    const before = await rows();
    const strike = await correct({ strike_attendance_id: second.attendance_id, why: 'went at one' });
    await add(p.id, `${day}T13:00:00`, 'DIRECTION_OUT');
    const now = await rows();
    assert.deepEqual(now.slice(0, 2), before);
    assert.deepEqual(now[2].slice(1), ['2', String(at(`${day}T12:00:00`)), 'attendance-officer-1', 'went at one', second.attendance_id.replaceAll('-', '').toUpperCase()]);
    assert.deepEqual(await linesOf(p.id, day, day), [`${day},${day}T08:00:00+05:30,${day}T13:00:00+05:30,300,2,4,no`]);
    const struck = (await site.outbox()).find((x) => x.detail.struck === second.attendance_id);
    assert.deepEqual([struck.patient, struck.detail.did, struck.detail.attendance], [p.id, 'struck out', strike.attendance_id]);
  });

  test('an event is struck out once, a striking is none, and of two at once one is first', async () => {
    const p = await site.person();
    const { attendance_id } = await add(p.id, `${day}T08:00:00`, 'DIRECTION_IN');
    const answers = await Promise.all([site.access, site.other, site.access, site.other].map((c) => correct({ strike_attendance_id: attendance_id }, c).then((a) => a, (e) => e)));
    const done = answers.filter((a) => a.attendance_id);
    assert.equal(done.length, 1);
    for (const e of answers.filter((a) => !a.attendance_id)) assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'ATTENDANCE_STRUCK']);
    for (const id of [done[0].attendance_id, nobody]) {
      const e = await refused({ strike_attendance_id: id });
      assert.deepEqual([e.code, e.reason], ['NOT_FOUND', 'ATTENDANCE_NOT_FOUND']);
    }
    assert.deepEqual(await linesOf(p.id, day, day), [`${day},,,0,0,2,no`]);
  });

  test('what was struck out is not the last one any more', async () => {
    const p = await site.person();
    const first = await tap(p);
    await correct({ strike_attendance_id: first.attendance_id });
    const again = await tap(p);
    assert.deepEqual([again.direction, again.debounced], ['DIRECTION_IN', false]);
  });

  test('the same key and request is the same correction, another request is refused', async () => {
    const p = await site.person();
    const idempotency_key = site.key();
    const first = await add(p.id, `${day}T08:00:00`, 'DIRECTION_IN', { idempotency_key });
    assert.deepEqual(await add(p.id, `${day}T08:00:00`, 'DIRECTION_IN', { idempotency_key }), first);
    assert.equal((await site.lastEvent()).detail.replayed, 'yes');
    const twins = await Promise.all([site.access, site.other].map((c) => correct({ subject_id: p.id, direction: 'DIRECTION_OUT', at_us: at(`${day}T09:00:00`), idempotency_key: 'twins' }, c)));
    assert.deepEqual(twins[0], twins[1]);
    assert.equal(await kept(p.id), 2);
    for (const more of [{ why: 'other' }, { direction: 'DIRECTION_OUT' }, { at_us: at(`${day}T08:00:01`) }]) {
      const e = await refused({ subject_id: p.id, direction: 'DIRECTION_IN', at_us: at(`${day}T08:00:00`), idempotency_key, ...more });
      assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
    }
  });

  test('nobody with every right on the rows changes or deletes one', async () => {
    const p = await site.person();
    await add(p.id, `${day}T08:00:00`, 'DIRECTION_IN');
    for (const statement of ['UPDATE attendance SET direction = 2', 'DELETE FROM attendance', `REPLACE INTO attendance SELECT * FROM attendance WHERE subject_id = ${site.hex(p.id)}`]) {
      await assert.rejects(site.sql(statement), /append-only/);
    }
    assert.equal(await kept(p.id), 1);
  });

  const wrong = [
    ['idempotency_key', { idempotency_key: '' }], ['idempotency_key', { idempotency_key: 'k'.repeat(129) }], ['why', { why: '' }], ['why', { why: 'w'.repeat(201) }],
    ['subject_id', { subject_id: '' }], ['subject_id', { subject_id: 'x' }], ['direction', { direction: 0 }], ['direction', { direction: 3 }],
    ['at_us', { at_us: 0 }], ['at_us', { at_us: -1 }], ['at_us', { at_us: (Date.now() + 86400e3) * 1000 }],
    ['strike_attendance_id', { strike_attendance_id: nobody }], ['strike_attendance_id', { subject_id: '', direction: 0, at_us: 0, strike_attendance_id: 'x' }],
  ];
  wrong.forEach(([field, more], i) => test(`a bad ${field} is named (${i})`, async () => {
    const e = await refused({ subject_id: nobody, direction: 'DIRECTION_IN', at_us: 1, ...more });
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
  }));

  test('is of staff who are there', async () => {
    const patient = await site.person([], 'SUBJECT_KIND_PATIENT');
    let e = await refused({ subject_id: patient.id, direction: 'DIRECTION_IN', at_us: 1 });
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', 'subject_id']);
    e = await refused({ subject_id: nobody, direction: 'DIRECTION_IN', at_us: 1 });
    assert.deepEqual([e.code, e.reason], ['NOT_FOUND', 'SUBJECT_NOT_FOUND']);
  });
});

describe('ExportAttendance', { skip }, () => {
  async function person(list, more) {
    const p = await site.person([], 'SUBJECT_KIND_STAFF', more);
    for (const [stamp, direction] of list) await correct({ subject_id: p.id, direction: `DIRECTION_${direction}`, at_us: at(stamp) });
    return p.id;
  }

  test('a line a day, split at midnight, open where someone did not go', async () => {
    const id = await person([['2026-03-10T08:00:00', 'IN'], ['2026-03-10T12:30:59', 'OUT'], ['2026-03-10T13:00:00', 'IN'], ['2026-03-10T17:00:00', 'OUT'],
      ['2026-03-11T22:00:00', 'IN'], ['2026-03-12T06:15:00', 'OUT'], ['2026-03-14T09:00:00', 'IN']]);
    assert.deepEqual(await linesOf(id, '2026-03-10', '2026-03-14'), [
      '2026-03-10,2026-03-10T08:00:00+05:30,2026-03-10T17:00:00+05:30,510,4,4,no',
      '2026-03-11,2026-03-11T22:00:00+05:30,,120,1,1,no',
      '2026-03-12,,2026-03-12T06:15:00+05:30,375,1,1,no',
      '2026-03-14,2026-03-14T09:00:00+05:30,,0,1,1,yes',
    ]);
    // The ends of the span see what lies beyond them.
    assert.deepEqual(await linesOf(id, '2026-03-11', '2026-03-11'), ['2026-03-11,2026-03-11T22:00:00+05:30,,120,1,1,no']);
    assert.deepEqual(await linesOf(id, '2026-03-12', '2026-03-12'), ['2026-03-12,,2026-03-12T06:15:00+05:30,375,1,1,no']);
    assert.deepEqual(await linesOf(id, '2026-03-13', '2026-03-13'), []);
  });

  test('is quoted, and what a spreadsheet would run is made text', async () => {
    const id = await person([['2026-03-10T08:00:00', 'IN']], { external_ref: '=cmd|"x",y' });
    const { text } = await csv('2026-03-10', '2026-03-10', id);
    assert.ok(text.split('\r\n')[1].startsWith(`${id},"'=cmd|""x"",y",2026-03-10,`));
  });

  test('everyone is in it, in the order of their ids, and the telling is on record', async () => {
    const ids = [await person([['2026-04-01T08:00:00', 'IN']]), await person([['2026-04-02T08:00:00', 'IN']])];
    const a = await csv('2026-04-01', '2026-04-30');
    assert.deepEqual(a.lines.map((l) => l.split(',')[0]), ids.sort());
    const e = await site.lastEvent();
    assert.equal(e.event_id, a.event_id);
    assert.deepEqual([e.action, e.actor, e.patient, e.detail.from, e.detail.to, e.detail.of],
      ['/ward.identity.v1.Access/ExportAttendance', 'attendance-officer-1', '', '2026-04-01', '2026-04-30', 'everyone']);
    await csv('2026-04-01', '2026-04-01', ids[0]);
    assert.equal((await site.lastEvent()).patient, ids[0]);
  });

  test('the erased keep their lines, without a name', async () => {
    const id = await person([['2026-05-01T08:00:00', 'IN'], ['2026-05-01T09:00:00', 'OUT']], { external_ref: 'gone' });
    await site.wardctl.call('EraseSubject', { subject_id: id }, site.tokens['privacy-officer']);
    assert.deepEqual((await csv('2026-05-01', '2026-05-01')).lines, [`${id},,2026-05-01,2026-05-01T08:00:00+05:30,2026-05-01T09:00:00+05:30,60,2,2,no`]);
  });

  test('someone who comes and goes more often than a page of rows holds has every event once', async () => {
    const id = await person([]), from = at('2023-01-01T08:00:00');
    await site.sql(`INSERT INTO attendance (attendance_id, subject_id, direction, at_us, place, recorded_us)
      SELECT UNHEX(LPAD(HEX(1048576 + d.seq * 10 + i.seq), 32, '0')), ${site.hex(id)}, IF(i.seq % 2 = 1, 1, 2),
        ${from} + d.seq * 86400000000 + (i.seq - 1) * 4800000000, 'gate', 1 FROM seq_0_to_364 d JOIN seq_1_to_6 i`);
    const { lines } = await csv('2023-01-01', '2023-12-31', id);
    assert.equal(lines.length, 365);
    assert.deepEqual([...new Set(lines.map((l) => l.split(',').slice(5).join(',')))], ['240,6,0,no']);
  });

  test('a hospital\'s year comes in pieces, whole, from a process that does not grow with it', async () => {
    // 300 of staff, 366 days, in at 8 and out at 16: 219,600 rows and 109,800 lines.
    const staff = 300, days = 366, from = at('2024-01-01T08:00:00');
    await site.sql(`INSERT INTO subject (subject_id, kind, enrolled_at_us) SELECT UNHEX(CONCAT('ffffffffffff7000', LPAD(HEX(seq), 16, '8000'))), 2, 1 FROM seq_1_to_${staff};
      INSERT INTO attendance (attendance_id, subject_id, direction, at_us, place, recorded_us)
        SELECT UNHEX(LPAD(HEX(s.seq * 1000000 + d.seq * 10 + i.seq), 32, 'f')), UNHEX(CONCAT('ffffffffffff7000', LPAD(HEX(s.seq), 16, '8000'))), i.seq,
          ${from} + d.seq * 86400000000 + (i.seq - 1) * 28800000000, 'gate', 1 FROM seq_1_to_${staff} s JOIN seq_0_to_${days - 1} d JOIN seq_1_to_2 i`);
    const rss = async () => Number(/^process_resident_memory_bytes (\S+)/m.exec((await site.ward.services.identity.admin('/metrics')).text)[1]);
    await csv('2024-01-01', '2024-01-02');
    const before = await rss();
    const a = await csv('2024-01-01', '2024-12-31');
    assert.equal(a.lines.length, staff * days);
    assert.ok(a.lines.every((l) => l.endsWith(',480,2,0,no')));
    assert.equal(new Set(a.lines.map((l) => l.slice(0, 48))).size, staff * days);
    assert.ok(a.pieces.length > 100 && Math.max(...a.pieces) <= 65536, `${a.pieces.length} pieces, the largest ${Math.max(...a.pieces)}`);
    assert.ok((await rss()) - before < 16 << 20, `${before} to ${await rss()}`);
    // Half of it is read, then the caller goes away: the stream ends, and the service goes on.
    const half = site.access.stream('ExportAttendance', { from_date: '2024-01-01', to_date: '2024-12-31' }, officer);
    await assert.rejects(async () => { for await (const m of half) if (m) half.cancel(); }, (e) => e.code === 'CANCELLED');
    assert.equal((await csv('2024-01-01', '2024-01-01')).lines.length, staff);
  });

  const wrong = [
    ['from_date', { from_date: '' }], ['from_date', { from_date: '2026-02-30' }], ['from_date', { from_date: '1.3.2026' }], ['to_date', { to_date: '2026-13-01' }],
    ['to_date', { to_date: '2026-02-28' }], ['to_date', { to_date: '2027-03-02' }], ['subject_id', { subject_id: 'x' }],
  ];
  wrong.forEach(([field, more], i) => test(`a bad ${field} is named (${i})`, async () => {
    const stream = site.access.stream('ExportAttendance', { from_date: '2026-03-01', to_date: '2026-03-01', ...more }, officer);
    await assert.rejects(async () => { for await (const m of stream) assert.fail(m); }, (e) => e.code === 'INVALID_ARGUMENT' && e.field === field);
  }));

  test('366 days are not too many', async () => { await csv('2026-03-01', '2027-03-01'); });
});

describe('who may', { skip }, () => {
  test('CorrectAttendance and ExportAttendance are for the attendance officer, by wardctl and gateway', async () => {
    const ask = async (method, token, as = 'wardctl') => {
      const client = site.ward.client('identity', { api: 'access', as });
      if (method === 'CorrectAttendance') return client.call(method, {}, token).then(() => 'OK', (e) => e.code);
      try {
        for await (const m of client.stream(method, {}, token)) assert.ok(m);
        return 'OK';
      } catch (e) { return e.code; }
    };
    for (const method of ['CorrectAttendance', 'ExportAttendance']) {
      for (const role of PEOPLE) assert.equal(await ask(method, site.tokens[role]), role === 'attendance-officer' ? 'INVALID_ARGUMENT' : 'PERMISSION_DENIED', role);
      assert.equal(await ask(method, {}), 'UNAUTHENTICATED');
      for (const [as, code] of [['gateway', 'INVALID_ARGUMENT'], ['devices', 'PERMISSION_DENIED'], ['stranger', 'PERMISSION_DENIED']]) assert.equal(await ask(method, officer, as), code, as);
    }
  });
});
