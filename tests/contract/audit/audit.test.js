'use strict';
// What audit.proto promises, by a client not ours.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const path = require('node:path');
const { Ward } = require('../../lib/ward');
const L = require('./log');

const { event } = L;
let ward, identity, records, person, auditor, officer, admin;

before(async () => {
  ward = await Ward.start({ services: ['audit'] });
  identity = ward.client('audit', { as: 'identity' });
  records = ward.client('audit', { as: 'records' });
  person = ward.client('audit', { as: 'wardctl' });
  auditor = { token: ward.token({ roles: ['auditor'], sub: 'auditor-1' }) };
  officer = { token: ward.token({ roles: ['privacy-officer'], sub: 'officer-1' }) };
  admin = { token: ward.token({ roles: ['audit-admin'], sub: 'admin-1' }) };
});
after(() => ward && ward.stop());

const append = (...events) => identity.call('Append', { events });
const query = (filter, what = auditor) => person.call('Query', filter, what);
const vkeys = async () => (await person.call('ListKeys')).keys.map((k) => k.vkey);
const head = async () => L.checkpoint((await person.call('GetCheckpoint')).checkpoint, await vkeys());
// What audit itself said last of this action.
async function own(action, filter = {}) {
  const q = await query({ service: 'audit', action: `/ward.audit.v1.Audit/${action}`, page_size: 1, ...filter });
  return q.records[0].event;
}

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
    'event_id': { event_id: Buffer.alloc(15) },
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

describe('Query', () => {
  const patient = `q-${crypto.randomUUID()}`;
  const at = (i) => String(1700000000000000 + i * 1000000);
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
    let page_token = Buffer.alloc(0);
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
    const changed = Buffer.from(next_page_token);
    changed[3] ^= 1;
    for (const [filter, what] of [[{ patient, page_token: changed }, auditor], [{ patient: 'other', page_token: next_page_token }, auditor],
      [{ patient, actor: 'dr-odd', page_token: next_page_token }, auditor], [{ patient, page_token: next_page_token }, officer],
      [{ patient, page_token: next_page_token.subarray(1) }, auditor]]) {
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

describe('proofs', () => {
  test('a receipt holds for who trusts the first key alone', async () => {
    const e = event();
    await append(e);
    const { receipt } = await identity.call('GetReceipt', { event_id: e.event_id });
    const cp = L.checkpoint(receipt.checkpoint, await vkeys());
    assert.equal(cp.signers.length, 1);
    const hash = L.inclusionRoot(L.leafHash(receipt.leaf), Number(receipt.index), cp.size, receipt.proof);
    assert.deepEqual(hash, cp.root);
    const mac = crypto.createHmac('sha256', receipt.content.salt).update(receipt.content.event).digest();
    assert.ok(receipt.leaf.includes(mac) && receipt.leaf.includes(e.event_id));
    const r = await ward.wardctl('audit', 'verify', '--key', (await vkeys())[0], '--receipt', L.writeReceipt(path.join(ward.dir, 'r.json'), receipt));
    assert.equal(r.status, 0, r.lines.join('\n'));
    const id = e.event_id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'); // which event: another's receipt holds too
    assert.match(r.stdout, new RegExp(`^receipt    of entry ${receipt.index}, event ${id} of identity$`, 'm'));
  });

  test('a receipt with one thing changed does not hold', async () => {
    const e = event();
    await append(e);
    const { receipt } = await identity.call('GetReceipt', { event_id: e.event_id });
    const [key] = await vkeys();
    const flip = (b) => { const c = Buffer.from(b); c[c.length - 1] ^= 1; return c; };
    const spoilt = {
      LEAF: { leaf: Buffer.concat([receipt.leaf, Buffer.from([0])]) }, INCLUSION: { proof: receipt.proof.slice(1) }, CONTENT: { content: { ...receipt.content, event: flip(receipt.content.event) } },
      SIGNATURE: { checkpoint: receipt.checkpoint.replace(/\n(\d+)\n/, (_, n) => `\n${Number(n) + 1}\n`) },
    };
    for (const [what, change] of Object.entries(spoilt)) {
      const file = L.writeReceipt(path.join(ward.dir, 'bad.json'), { ...receipt, ...change });
      const r = await ward.wardctl('--json', 'audit', 'verify', '--key', key, '--receipt', file);
      assert.equal(r.status, 1, what);
      assert.ok(JSON.parse(r.stdout).findings.some((f) => f.what === what), `${what}: ${r.stdout}`);
    }
    for (const proof of [[flip(receipt.proof[0]), ...receipt.proof.slice(1)]]) {
      const r = await ward.wardctl('audit', 'verify', '--key', key, '--receipt', L.writeReceipt(path.join(ward.dir, 'bad.json'), { ...receipt, proof }));
      assert.equal(r.status, 1);
    }
  });

  test('a receipt is for its service, auditors and privacy officers; for others there is none', async () => {
    const e = event({ patient: 'seen' });
    await append(e);
    assert.ok((await person.call('GetReceipt', { event_id: e.event_id }, auditor)).receipt.content);
    assert.ok((await person.call('GetReceipt', { event_id: e.event_id }, officer)).receipt.content);
    for (const [client, what] of [[records, {}], [person, {}], [person, admin]]) {
      const f = await client.failure('GetReceipt', { event_id: e.event_id }, what);
      const g = await client.failure('GetReceipt', { event_id: L.newId() }, what);
      assert.equal(f.code, 'NOT_FOUND');
      assert.deepEqual([f.code, f.details], [g.code, g.details]);
    }
    assert.equal((await identity.failure('GetReceipt', { event_id: Buffer.alloc(3) })).field, 'event_id');
    const seen = await query({ patient: 'seen', action: '/ward.audit.v1.Audit/GetReceipt' });
    assert.deepEqual(seen.records.map((r) => r.event.actor), ['officer-1', 'auditor-1']);
  });

  test('inclusion and consistency proofs hold at every size asked for', async () => {
    await append(...Array.from({ length: 40 }, () => event()));
    const log = await L.exported(person, auditor, { leaves_only: true });
    const hashes = log.entries.map((x) => L.leafHash(x.leaf));
    const n = hashes.length;
    for (const size of [1, 2, 15, 16, 17, 255, 256, 257, n - 1, n].filter((s) => s <= n)) {
      const index = crypto.randomInt(size);
      const p = await person.call('GetInclusionProof', { index, size });
      assert.deepEqual(p.leaf_hash, hashes[index]);
      assert.deepEqual(L.inclusionRoot(hashes[index], index, size, p.proof), L.root(hashes.slice(0, size)));
      const c = await person.call('GetConsistencyProof', { from: size, to: n });
      const [old, now] = L.consistencyRoots(size, L.root(hashes.slice(0, size)), n, c.proof);
      assert.deepEqual(old, L.root(hashes.slice(0, size)));
      assert.deepEqual(now, L.root(hashes));
    }
  });

  test('what is outside the log is out of range', async () => {
    const { size } = await head();
    assert.equal((await person.failure('GetInclusionProof', { index: size })).code, 'OUT_OF_RANGE');
    assert.equal((await person.failure('GetInclusionProof', { index: 5, size: 5 })).code, 'OUT_OF_RANGE');
    assert.equal((await person.failure('GetInclusionProof', { index: 0, size: size + 1000 })).code, 'OUT_OF_RANGE');
    assert.equal((await person.failure('GetConsistencyProof', { from: 0 })).code, 'OUT_OF_RANGE');
    assert.equal((await person.failure('GetConsistencyProof', { from: 3, to: 2 })).code, 'OUT_OF_RANGE');
    assert.equal((await person.failure('GetConsistencyProof', { from: 1, to: size + 1000 })).code, 'OUT_OF_RANGE');
  });
});

describe('streams', () => {
  test('a tail gives what is there, then what comes, in order and without a gap', async () => {
    const s = person.stream('Tail', { from_index: 0 }, auditor);
    const want = (await head()).size + 20;
    const seen = [];
    const grow = (async () => {
      for (let i = 0; i < 20; i++) await append(event({ detail: { tail: String(i) } }));
    })();
    for await (const m of s) {
      seen.push(...m.records);
      if (seen.length >= want) break;
    }
    s.cancel();
    await grow;
    assert.deepEqual(seen.map((r) => Number(r.index)), seen.map((_, i) => i));
    assert.ok(seen.some((r) => r.event && r.event.detail.tail === '19') || seen.length < want + 1);
    assert.equal((await own('Tail')).actor, 'auditor-1');
  });

  test('a tail from the end starts there, and ends with its deadline', async () => {
    const from = (await head()).size;
    let first;
    await assert.rejects(async () => {
      for await (const m of person.stream('Tail', { from_end: true }, { ...auditor, deadline: 2500 })) {
        if (first === undefined) {
          first = Number(m.records[0].index);
          append(event());
        }
      }
    }, (err) => err.code === 'DEADLINE_EXCEEDED');
    assert.ok(first >= from);
  });

  test('an export is the log of its signed head', async () => {
    const log = await L.exported(person, auditor);
    const cp = L.checkpoint(log.header.checkpoint, await vkeys());
    assert.equal(log.entries.length, cp.size);
    assert.deepEqual(L.root(log.entries.map((e) => L.leafHash(e.leaf))), cp.root);
    for (const e of log.entries) {
      const mac = crypto.createHmac('sha256', e.content.salt).update(e.content.event).digest();
      assert.ok(e.leaf.includes(mac));
    }
    const rest = await L.exported(person, auditor, { leaves_only: true, from_index: 7, size: 11 });
    assert.deepEqual(rest.entries.map((e) => Number(e.index)), [7, 8, 9, 10]);
    assert.ok(rest.entries.every((e) => e.content === null && !e.erased));
    const f = (async () => { for await (const m of person.stream('Export', { size: cp.size + 1000 }, auditor)) assert.ok(m); })();
    await assert.rejects(f, (err) => err.code === 'OUT_OF_RANGE');
  });

  test('streams are for auditors and privacy officers', async () => {
    assert.ok((await L.exported(person, officer, { leaves_only: true, size: 3 })).entries.length === 3);
    for await (const m of person.stream('Tail', { from_index: 0 }, officer)) {
      assert.ok(m.records.length > 0);
      break;
    }
    for (const method of ['Tail', 'Export']) {
      const f = (async () => { for await (const m of person.stream(method, {}, admin)) assert.fail(m); })();
      await assert.rejects(f, (err) => err.code === 'PERMISSION_DENIED');
      assert.equal((await own(method, { actor: 'admin-1' })).outcome, 'OUTCOME_REFUSED');
    }
  });
});

describe('EraseContent', () => {
  const patient = `erase-${crypto.randomUUID()}`;
  const request = { patient, ground: 'ERASURE_GROUND_PATIENT_REQUEST', case_reference: 'DSR-2026/17' };

  test('is for privacy officers with a case', async () => {
    assert.equal((await person.failure('EraseContent', request, auditor)).code, 'PERMISSION_DENIED');
    for (const [field, change] of Object.entries({ patient: { patient: '' }, ground: { ground: 0 }, case_reference: { case_reference: 'two words' } })) {
      const f = await person.failure('EraseContent', { ...request, ...change }, officer);
      assert.equal(f.code, 'INVALID_ARGUMENT');
      assert.equal(f.field, field);
    }
  });

  test('takes the content and leaves every proof as it was', async () => {
    const events = Array.from({ length: 5 }, () => event({ patient }));
    await append(...events);
    const before = await L.exported(person, auditor);
    const held = (await identity.call('GetReceipt', { event_id: events[2].event_id })).receipt;
    const a = await person.call('EraseContent', request, officer);
    assert.ok(Number(a.erased) >= 5);
    assert.equal((await query({ patient }, officer)).records.length, 0);
    const { receipt } = await person.call('GetReceipt', { event_id: events[2].event_id }, auditor);
    assert.equal(receipt.erased, true);
    assert.equal(receipt.content, null);
    assert.deepEqual(receipt.leaf, held.leaf);
    const [key] = await vkeys();
    for (const [name, r] of [['old', held], ['new', receipt]]) {
      const v = await ward.wardctl('audit', 'verify', '--key', key, '--receipt', L.writeReceipt(path.join(ward.dir, `${name}.json`), r));
      assert.equal(v.status, 0, v.lines.join('\n'));
    }
    const now = await L.exported(person, auditor);
    assert.deepEqual(now.entries.slice(0, before.entries.length).map((e) => e.leaf), before.entries.map((e) => e.leaf));
    assert.ok(now.entries.filter((e) => e.erased).length >= 5);
    const v = await ward.wardctl('audit', 'verify', '--key', key, '--log', L.writeExport(path.join(ward.dir, 'erased.jsonl'), now));
    assert.equal(v.status, 0, v.lines.join('\n'));
    const left = await ward.db.sql(`SELECT COUNT(*) FROM entry WHERE content IS NULL AND patient IS NULL`, 'audit');
    assert.ok(Number(left[0][0]) >= 5);
    assert.deepEqual(await ward.db.sql('SELECT COUNT(*) FROM erasing', 'audit'), [['0']]);
  });

  test('is an event that does not name the patient, and repeating it finds nothing', async () => {
    const e = await own('EraseContent', { actor: 'officer-1', outcome: 'OUTCOME_SUCCESS' });
    assert.equal(e.patient, '');
    assert.equal(e.detail.case_reference, 'DSR-2026/17');
    assert.ok(!JSON.stringify(e).includes(patient));
    await person.call('EraseContent', request, officer);
    assert.equal((await person.call('EraseContent', request, officer)).erased, '0');
  });

  test('what comes after is kept, until it is erased in turn', async () => {
    const e = event({ patient });
    await append(e);
    assert.equal((await query({ patient, service: 'identity' }, officer)).records.length, 1);
    await person.call('EraseContent', request, officer);
    assert.equal((await query({ patient, service: 'identity' }, officer)).records.length, 0);
  });

  test('an erased event sent again is still known', async () => {
    const e = event({ patient: `${patient}-2` });
    const a = await append(e);
    await person.call('EraseContent', { ...request, patient: `${patient}-2` }, officer);
    const b = await append(e);
    assert.equal(b.appended[0].duplicate, true);
    assert.equal(b.appended[0].index, a.appended[0].index);
  });
});

describe('RotateKey', () => {
  test('needs the role and the key in use', async () => {
    const [key] = (await vkeys()).slice(-1);
    assert.equal((await person.failure('RotateKey', { current_vkey: key }, auditor)).code, 'PERMISSION_DENIED');
    const f = await person.failure('RotateKey', { current_vkey: key.replace('+', '+0') }, admin);
    assert.equal(f.code, 'FAILED_PRECONDITION');
    assert.equal(f.reason, 'KEY_NOT_CURRENT');
  });

  test('hands over under both signatures; then the new key signs alone', async () => {
    const older = await head();
    const [first] = await vkeys();
    const e = event();
    await append(e);
    const { key } = await person.call('RotateKey', { current_vkey: first }, admin);
    const both = L.checkpoint(key.handover, [first, key.vkey]);
    assert.deepEqual(both.signers, [first, key.vkey]);
    assert.deepEqual(both.extensions, [`next-key ${key.vkey}`]);
    assert.equal(Number(key.first_size), both.size + 1);
    assert.equal((await person.failure('RotateKey', { current_vkey: first }, admin)).reason, 'KEY_NOT_CURRENT');
    await append(event());
    const now = await head();
    assert.deepEqual(now.signers, [key.vkey]);
    const { keys } = await person.call('ListKeys');
    assert.equal(Number(keys[0].last_size), both.size);
    const change = await own('RotateKey', { outcome: 'OUTCOME_SUCCESS' });
    assert.deepEqual([change.detail.from_vkey, change.detail.to_vkey], [first, key.vkey]);
    assert.ok(older.size < now.size);
  });

  test('who pinned the first key can follow, who pinned a later one too', async () => {
    const [, second] = await vkeys();
    await person.call('RotateKey', { current_vkey: second }, admin);
    const e = event();
    await append(e);
    const file = L.writeExport(path.join(ward.dir, 'rotated.jsonl'), await L.exported(person, auditor));
    const receipt = L.writeReceipt(path.join(ward.dir, 'rotated.json'), (await identity.call('GetReceipt', { event_id: e.event_id })).receipt);
    for (const key of await vkeys()) {
      const r = await ward.wardctl('audit', 'verify', '--key', key, '--log', file, '--receipt', receipt);
      assert.equal(r.status, 0, r.lines.join('\n'));
    }
  });
});

describe('a log that lives on', () => {
  test('a restarted service goes on where it was, and knows what it had', async () => {
    const e = event();
    const a = await append(e);
    await ward.services.audit.kill();
    await ward.services.audit.start();
    const b = await append(e);
    assert.equal(b.appended[0].duplicate, true);
    assert.equal(b.appended[0].index, a.appended[0].index);
  });

  test('while the database is away, appending is unavailable; then it goes on', async () => {
    await ward.db.kill();
    const e = event();
    const f = await identity.failure('Append', { events: [e] }, { deadline: 8000 });
    assert.ok(['UNAVAILABLE', 'DEADLINE_EXCEEDED'].includes(f.code), f.code);
    await ward.db.restart();
    assert.equal((await append(e)).appended.length, 1);
  });

  test('its metrics tell of it', async () => {
    const { text } = await ward.services.audit.admin('/metrics');
    assert.match(text, /^ward_audit_appended_total \d+/m);
    assert.match(text, /^ward_audit_log_size_events \d+/m);
    assert.doesNotMatch(text, /patient-1|nurse-7/);
    assert.ok(!ward.services.audit.proc.lines.some((l) => /patient-1|nurse-7|auditor-1/.test(l)));
  });
});
