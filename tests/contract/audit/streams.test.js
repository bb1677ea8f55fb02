'use strict';
// What audit.proto promises of Tail and Export, by a client not ours.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { start } = require('./site');
const L = require('./log');

const { event } = L;
let ward, person, auditor, officer, admin, append, vkeys, head, own;
before(async () => { ({ ward, person, auditor, officer, admin, append, vkeys, head, own } = await start()); });
after(() => ward && ward.stop());

describe('streams', () => {
  before(() => append(...Array.from({ length: 30 }, () => event())));

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
      for await (const m of person.stream('Tail', { from_end: true }, { ...auditor, deadline: 5000 })) {
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
