'use strict';
// What audit.proto promises of Append, by a client not ours.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const { shared } = require('./site');
const { event } = require('./log');
const crypto = require('node:crypto');

let ward, identity, records, append, query, head, own;
before(async () => { ({ ward, identity, records, append, query, head, own } = await shared()); });
after(() => ward && ward.stop());

describe('Append', () => {
  test('answers once the events are in the tree under a signed head', async () => {
    const e = [event(), event(), event()];
    const a = await append(...e);
    assert.deepEqual(a.appended.map((x) => x.event_id), e.map((x) => x.event_id));
    const first = Number(a.appended[0].index);
    assert.deepEqual(a.appended.map((x) => Number(x.index)), [first, first + 1, first + 2]);
    assert.deepEqual(a.appended.map((x) => x.duplicate), [false, false, false]);
    const h = await head();
    assert.ok(h.size >= Number(a.size) && Number(a.size) === first + 3);
  });

  test('an event sent again is in the log once', async () => {
    const e = event(), other = event();
    const a = await append(e);
    const b = await append(other, e);
    assert.equal(b.appended[0].duplicate, false);
    assert.equal(b.appended[1].duplicate, true);
    assert.equal(b.appended[1].index, a.appended[0].index);
    const c = await append(e);
    assert.equal(c.appended[0].duplicate, true);
    assert.equal(c.size, b.size);
  });

  test('another event under a known id is refused, and nothing of its call goes in', async () => {
    const e = event({ patient: 'conflict' }), innocent = event({ patient: 'conflict' });
    await append(e);
    const f = await identity.failure('Append', { events: [innocent, { ...e, actor: 'someone-else' }] });
    assert.equal(f.code, 'ALREADY_EXISTS');
    assert.equal(f.reason, 'EVENT_ID_CONFLICT');
    assert.equal((await query({ patient: 'conflict' })).records.length, 1);
  });

  test('the same id from another service is not the same event', async () => {
    const e = event({ patient: 'squatted' });
    await append(e);
    const f = await records.failure('Append', { events: [{ ...e, service: 'records' }] });
    assert.equal(f.reason, 'EVENT_ID_CONFLICT');
  });

  test('a service speaks for itself alone, and the attempt is an event', async () => {
    const f = await records.failure('Append', { events: [event()] });
    assert.equal(f.code, 'PERMISSION_DENIED');
    assert.equal(f.reason, 'SERVICE_NOT_SENDER');
    const e = await own('Append');
    assert.equal(e.outcome, 'OUTCOME_REFUSED');
    assert.equal(e.code, 'PERMISSION_DENIED/SERVICE_NOT_SENDER');
    assert.equal(e.peer, 'records');
  });

  const bad = {
    'event_id': { event_id: crypto.randomUUID().toUpperCase() },
    'occurred_at_us': { occurred_at_us: String((Date.now() + 2 * 86400e3) * 1000) },
    'occurred_at_us ': { occurred_at_us: '1' },
    'service': { service: 'Identity' },
    'action': { action: 'two words' },
    'action ': { action: '' },
    'outcome': { outcome: 'OUTCOME_UNSPECIFIED' },
    'code': { code: 'x'.repeat(129) },
    'actor': { actor: 'a\u0007b' },
    'actor ': { actor: 'a\u0085b' },
    'peer': { peer: 'x'.repeat(129) },
    'patient': { patient: 'a\nb' },
    'purpose': { purpose: 'x'.repeat(65) },
    'place': { place: '\u007f' },
    'trace_id': { trace_id: 'ABCDEF' },
    'detail': { detail: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, ''])) },
    'detail ': { detail: { 'a key': 'v' } },
    'detail  ': { detail: { key: 'x'.repeat(513) } },
  };
  for (const [field, change] of Object.entries(bad)) {
    test(`a bad ${field.trim()} is refused by name (${Object.values(change)[0].toString().slice(0, 12)})`, async () => {
      const f = await identity.failure('Append', { events: [event(), event(change)] });
      assert.equal(f.code, 'INVALID_ARGUMENT');
      assert.equal(f.field, `events[1].${field.trim()}`);
    });
  }

  test('none, more than 1000, and one id twice are refused; 1000 go in', async () => {
    const twice = event();
    for (const events of [[], Array.from({ length: 1001 }, () => event()), [twice, twice]]) {
      const f = await identity.failure('Append', { events });
      assert.equal(f.code, 'INVALID_ARGUMENT');
      assert.equal(f.field, 'events');
    }
    const many = Array.from({ length: 1000 }, () => event({ patient: '' }));
    assert.equal((await append(...many)).appended.length, 1000);
  });

  test('an event that is too large is refused', async () => {
    const detail = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, 'x'.repeat(500)]));
    const f = await identity.failure('Append', { events: [event({ detail })] });
    assert.equal(f.code, 'INVALID_ARGUMENT');
  });

  test('1 MiB of events goes in, more does not, and far more is refused unread', async () => {
    const detail = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`k${i}`, 'x'.repeat(510)]));
    const large = (n) => Array.from({ length: n }, () => event({ detail })); // about 8,000 bytes each
    assert.equal((await append(...large(125))).appended.length, 125);
    const f = await identity.failure('Append', { events: large(140) });
    assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', 'events']);
    assert.equal((await identity.failure('Append', { events: large(1000) })).code, 'RESOURCE_EXHAUSTED');
    assert.equal((await append(event())).appended.length, 1);
  });

  test('calls at once from many clients all get in, each once', async () => {
    const before = (await head()).size;
    const events = Array.from({ length: 60 }, () => event());
    const answers = await Promise.all(events.flatMap((e) => [append(e), append(e)]));
    const indexes = new Set(answers.map((a) => a.appended[0].index));
    assert.equal(indexes.size, 60);
    assert.equal((await head()).size, before + 60);
  });
});
