'use strict';
// What audit.proto promises of QueryPatient, by a client not ours: one patient's events, for the service records.

const { describe, test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const L = require('./log');
const site = require('./site');

describe('QueryPatient', () => {
  let s;
  const BASE = 1700000000000000;
  const at = (n) => String(BASE + n);
  const patient = '01890000-0000-7000-8000-00000000000a';
  const other = '01890000-0000-7000-8000-00000000000b';
  before(async () => {
    s = await site.shared();
    const events = Array.from({ length: 10 }, (_, i) => L.event({ patient: i % 2 ? patient : other, occurred_at_us: at(i), actor: `nurse-${i}` }));
    await s.append(...events);
  });
  after(() => s?.ward.stop());

  const ask = (more = {}, what = {}) => s.records.call('QueryPatient', { patient, ...more }, what);
  const actors = (answer) => answer.records.map((r) => r.event.actor).filter((a) => a.startsWith('nurse-'));

  test('gives the events about this patient, newest first, and no others', async () => {
    const { records } = await ask();
    const theirs = records.filter((r) => r.event.actor.startsWith('nurse-'));
    assert.deepEqual(theirs.map((r) => r.event.actor), ['nurse-9', 'nurse-7', 'nurse-5', 'nurse-3', 'nurse-1']);
    for (const r of theirs) {
      assert.equal(r.event.patient, patient);
      assert.deepEqual(r.event_id, r.event.event_id);
      assert.equal(r.erased, false);
    }
  });

  test('keeps to the time and to the place asked for', async () => {
    assert.deepEqual(actors(await ask({ from_us: at(3), to_us: at(7) })), ['nurse-5', 'nurse-3']);
    const first = await ask({ to_us: at(2000), most: 2 });
    assert.deepEqual(actors(first), ['nurse-9', 'nurse-7']);
    const last = first.records.at(-1);
    const rest = await ask({ to_us: at(2000), before_us: last.event.occurred_at_us, before_index: last.index });
    assert.deepEqual(actors(rest), ['nurse-5', 'nurse-3', 'nurse-1']);
    // Of one time, by index.
    const then = { patient, occurred_at_us: at(5000) };
    await s.append(...['a', 'b', 'c'].map((x) => L.event({ ...then, actor: `nurse-${x}` })));
    const [c, b] = (await ask({ from_us: at(5000), to_us: at(5001) })).records;
    assert.deepEqual([c.event.actor, b.event.actor], ['nurse-c', 'nurse-b']);
    assert.deepEqual(actors(await ask({ from_us: at(5000), to_us: at(5001), before_us: at(5000), before_index: c.index })), ['nurse-b', 'nurse-a']);
  });

  test('is itself an event about the patient, in the name of the person whose token came along', async () => {
    await ask({}, { token: s.ward.token({ roles: ['patient'], sub: patient, purpose: 'PATRQT' }) });
    const e = await s.own('QueryPatient', { patient });
    assert.deepEqual([e.actor, e.purpose, e.peer, e.patient, e.outcome, e.service], [patient, 'PATRQT', 'records', patient, 'OUTCOME_SUCCESS', 'audit']);
    await ask();
    assert.equal((await s.own('QueryPatient', { patient })).actor, '');
  });

  test('needs no role, for who asks is records; nobody else may', async () => {
    assert.ok((await ask({}, { token: s.ward.token({ roles: [], sub: 'x' }) })).records.length);
    for (const peer of ['identity', 'wardctl', 'gateway', 'stranger']) {
      const f = await s.ward.client('audit', { as: peer }).failure('QueryPatient', { patient }, s.auditor);
      assert.deepEqual([f.code, f.reason], ['PERMISSION_DENIED', 'CALLER_NOT_ALLOWED'], peer);
    }
    const e = await s.own('QueryPatient', { outcome: 'OUTCOME_REFUSED' });
    assert.equal(e.peer, 'stranger');
  });

  test('fields outside their range are refused, each by its name', async () => {
    const bad = [
      ['patient', { patient: '' }], ['patient', { patient: 'x'.repeat(129) }], ['most', { most: -1 }], ['most', { most: 202 }], ['to_us', { from_us: -1 }],
      ['to_us', { from_us: 5, to_us: 5 }], ['before_us', { before_us: -1 }], ['before_us', { before_index: '9223372036854775808' }],
    ];
    for (const [field, more] of bad) {
      const f = await s.records.failure('QueryPatient', { patient, ...more });
      assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', field], JSON.stringify(more));
    }
    assert.ok((await ask({ most: 201 })).records.length);
  });

  test('a patient nobody knows has no events but this', async () => {
    const stranger = '01890000-0000-7000-8000-00000000000c';
    assert.deepEqual((await ask({ patient: stranger })).records, []);
    const { records } = await ask({ patient: stranger });
    assert.deepEqual(records.map((r) => r.event.action), ['/ward.audit.v1.Audit/QueryPatient']);
  });

  test('what was erased is not found any more', async () => {
    await s.person.call('EraseContent', { patient, ground: 'ERASURE_GROUND_ORDER', case_reference: 'case-1' }, s.officer);
    assert.deepEqual(actors(await ask()), []);
  });
});
