'use strict';
// What audit.proto promises of RotateKey, by a client not ours.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const path = require('node:path');
const { shared } = require('./site');
const L = require('./log');

const { event } = L;
let ward, identity, person, auditor, admin, append, vkeys, head, own;
before(async () => { ({ ward, identity, person, auditor, admin, append, vkeys, head, own } = await shared()); });
after(() => ward && ward.stop());

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
