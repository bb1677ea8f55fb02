'use strict';
// What audit.proto promises of Query, by a client not ours.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { shared } = require('./site');
const { event } = require('./log');
const { bent } = require('../../lib/opaque');

let ward, person, auditor, officer, append, query, own;
before(async () => { ({ ward, person, auditor, officer, append, query, own } = await shared()); });
after(() => ward && ward.stop());

describe('Query', () => {
  const patient = `q-${crypto.randomUUID()}`;
  const at = (i) => String(1600000000000000 + i * 1000000);
  before(async () => {
    const events = [];
    for (let i = 0; i < 25; i++) {
      events.push(event({ patient, occurred_at_us: at(Math.floor(i / 2)), actor: i % 2 ? 'dr-odd' : 'dr-even',
        action: i % 5 ? '/x.Y/Read' : '/x.Y/Write', outcome: i === 7 ? 'OUTCOME_REFUSED' : 'OUTCOME_SUCCESS', detail: { i: String(i) } }));
    }
    await append(...events);
  });
  const numbers = (q) => q.records.map((r) => Number(r.event.detail.i));

  test('newest first, by time and then by index', async () => {
    const q = await query({ patient });
    assert.deepEqual(numbers(q), Array.from({ length: 25 }, (_, i) => 24 - i));
    assert.equal(q.next_page_token.length, 0);
  });

  test('each filter narrows, and all together', async () => {
    assert.equal((await query({ patient, actor: 'dr-odd' })).records.length, 12);
    assert.equal((await query({ patient, action: '/x.Y/Write' })).records.length, 5);
    assert.deepEqual(numbers(await query({ patient, outcome: 'OUTCOME_REFUSED' })), [7]);
    assert.equal((await query({ patient, service: 'records' })).records.length, 0);
    assert.deepEqual(numbers(await query({ patient, from_us: at(3), to_us: at(5) })), [9, 8, 7, 6]);
    assert.deepEqual(numbers(await query({ patient, actor: 'dr-odd', action: '/x.Y/Read', outcome: 'OUTCOME_REFUSED',
      service: 'identity', from_us: at(3), to_us: at(4) })), [7]);
    assert.equal((await query({ actor: 'dr-odd', from_us: at(0), to_us: at(20) })).records.length, 12);
    assert.equal((await query({ action: '/x.Y/Write', from_us: at(0), to_us: at(20) })).records.length, 5);
    assert.equal((await query({ outcome: 'OUTCOME_REFUSED', from_us: at(0), to_us: at(20) })).records.length, 1);
    assert.equal((await query({ from_us: at(0), to_us: at(20) })).records.length, 25);
    assert.equal((await query({ patient: 'nobody' })).records.length, 0);
  });

  test('pages join without a gap or a repeat, while the log grows', async () => {
    const seen = [];
    let page_token = '';
    do {
      const q = await query({ patient, service: 'identity', page_size: 4, page_token });
      assert.ok(q.records.length <= 4);
      seen.push(...numbers(q));
      page_token = q.next_page_token;
      await append(event({ patient: 'somebody-else' }));
    } while (page_token.length > 0);
    assert.deepEqual(seen, Array.from({ length: 25 }, (_, i) => 24 - i));
  });

  test('a token is good for its own query and person only', async () => {
    const { next_page_token } = await query({ patient, page_size: 4 });
    for (const [filter, what] of [[{ patient, page_token: bent(next_page_token, 3) }, auditor], [{ patient: 'other', page_token: next_page_token }, auditor],
      [{ patient, actor: 'dr-odd', page_token: next_page_token }, auditor], [{ patient, page_token: next_page_token }, officer],
      [{ patient, page_token: next_page_token.slice(1) }, auditor]]) {
      const f = await person.failure('Query', filter, what);
      assert.equal(f.code, 'INVALID_ARGUMENT');
      assert.equal(f.reason, 'PAGE_TOKEN_INVALID');
    }
    assert.equal((await query({ patient, page_size: 7, page_token: next_page_token })).records.length, 7);
  });

  test('asking is an event about the patient, in the log before the answer', async () => {
    const asked = `asked-${crypto.randomUUID()}`;
    assert.equal((await query({ patient: asked, action: 'x' })).records.length, 0);
    const q = await query({ patient: asked });
    assert.equal(q.records.length, 1);
    const e = q.records[0].event;
    assert.equal(e.action, '/ward.audit.v1.Audit/Query');
    assert.equal(e.actor, 'auditor-1');
    assert.equal(e.service, 'audit');
    assert.equal(e.detail.action, 'x');
    assert.equal(e.detail.rows, '0');
  });

  test('without the role it is refused, and that is an event', async () => {
    const f = await person.failure('Query', { patient }, { token: ward.token({ roles: ['nurse'], sub: 'nurse-9' }) });
    assert.equal(f.code, 'PERMISSION_DENIED');
    assert.equal((await person.failure('Query', { patient })).code, 'UNAUTHENTICATED');
    const e = await own('Query', { actor: 'nurse-9' });
    assert.equal(e.outcome, 'OUTCOME_REFUSED');
    assert.equal(e.code, 'PERMISSION_DENIED/ROLE_MISSING');
  });

  test('values that no event can have are refused by name', async () => {
    for (const [field, change] of Object.entries({ patient: { patient: 'x'.repeat(129) }, actor: { actor: '\n' }, action: { action: '\u0000a'.slice(1).padEnd(130, 'x') },
      to_us: { from_us: '5', to_us: '5' }, page_size: { page_size: 201 } })) {
      const f = await person.failure('Query', change, auditor);
      assert.equal(f.code, 'INVALID_ARGUMENT');
      assert.equal(f.field, field);
    }
    assert.equal((await person.failure('Query', { page_size: -1 }, auditor)).field, 'page_size');
  });
});
