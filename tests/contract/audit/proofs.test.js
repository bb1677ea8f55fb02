'use strict';
// What audit.proto promises of receipts and proofs: worked out again here, by a client not ours.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { shared } = require('./site');
const L = require('./log');
const { idBytes } = require('../../lib/opaque');

const { event } = L;
let ward, identity, records, person, auditor, officer, admin, append, query, vkeys, head;
before(async () => { ({ ward, identity, records, person, auditor, officer, admin, append, query, vkeys, head } = await shared()); });
after(() => ward && ward.stop());

describe('proofs', () => {
  before(() => append(...Array.from({ length: 300 }, () => event()))); // past a node of 256

  test('a receipt holds for who trusts the first key alone', async () => {
    const e = event();
    await append(e);
    const { receipt } = await identity.call('GetReceipt', { event_id: e.event_id });
    const cp = L.checkpoint(receipt.checkpoint, await vkeys());
    assert.equal(cp.signers.length, 1);
    const hash = L.inclusionRoot(L.leafHash(receipt.leaf), Number(receipt.index), cp.size, receipt.proof);
    assert.deepEqual(hash, cp.root);
    const mac = crypto.createHmac('sha256', receipt.content.salt).update(receipt.content.event).digest();
    assert.ok(receipt.leaf.includes(mac) && receipt.leaf.includes(idBytes(e.event_id)));
    const r = await ward.wardctl('audit', 'verify', '--key', (await vkeys())[0], '--receipt', L.writeReceipt(path.join(ward.dir, 'r.json'), receipt));
    assert.equal(r.status, 0, r.lines.join('\n'));
    const id = e.event_id; // which event: another's receipt holds too
    assert.match(r.stdout, new RegExp(`^receipt    of entry ${receipt.index}, event ${id} of identity$`, 'm'));
    const asAnswered = await ward.wardctl('audit', 'verify', '--key', (await vkeys())[0], '--receipt', L.writeReceiptMessage(path.join(ward.dir, 'r.bin'), receipt));
    assert.deepEqual([asAnswered.status, asAnswered.stdout], [0, r.stdout]);
  });

  test('a file that is no receipt is not one', async () => {
    const e = event();
    await append(e);
    const { receipt } = await identity.call('GetReceipt', { event_id: e.event_id });
    const [key] = await vkeys();
    const file = path.join(ward.dir, 'none.bin');
    for (const bad of [{ proof: [Buffer.alloc(31)] }, { proof: Array(65).fill(Buffer.alloc(32)) }, { leaf: Buffer.alloc(0) }, { checkpoint: '' }, { checkpoint: 'x'.repeat(70000) }]) {
      L.writeReceiptMessage(file, { ...receipt, ...bad });
      const r = await ward.wardctl('audit', 'verify', '--key', key, '--receipt', file);
      assert.equal(r.status, 1);
      assert.match(r.lines.join('\n'), /the receipt's \w+ is unreadable/);
    }
    for (const bytes of [Buffer.alloc(0), Buffer.from([0xff, 0xff]), fs.readFileSync(file).subarray(0, 40)]) {
      fs.writeFileSync(file, bytes);
      const r = await ward.wardctl('audit', 'verify', '--key', key, '--receipt', file);
      assert.equal(r.status, 1);
      assert.match(r.lines.join('\n'), /is unreadable|neither JSON nor a serialized/);
    }
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
      const asAnswered = await ward.wardctl('--json', 'audit', 'verify', '--key', key, '--receipt', L.writeReceiptMessage(path.join(ward.dir, 'bad.bin'), { ...receipt, ...change }));
      assert.deepEqual([asAnswered.status, asAnswered.stdout], [1, r.stdout]);
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
    assert.equal((await identity.failure('GetReceipt', { event_id: 'x' })).field, 'event_id');
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
