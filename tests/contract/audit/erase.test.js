'use strict';
// What audit.proto promises of EraseContent, by a client not ours.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const path = require('node:path');
const { shared } = require('./site');
const L = require('./log');

const { event } = L;
let ward, identity, person, auditor, officer, append, query, vkeys, own;
before(async () => { ({ ward, identity, person, auditor, officer, append, query, vkeys, own } = await shared()); });
after(() => ward && ward.stop());

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
