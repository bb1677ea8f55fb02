'use strict';
// Two replicas of audit on one database, and audit killed at random points: one log, nothing
// acknowledged is missing, nothing is in it twice.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const path = require('node:path');
const { Ward, Service } = require('../../lib/ward');
const L = require('./log');
const { idHex } = require('../../lib/opaque');

const { event } = L;
const KILLS = 10; // audit and MariaDB in turn
let ward, a, b, person, auditor, officer, admin;

before(async () => {
  ward = await Ward.start({ services: ['audit'] });
  const env = ward.environment('audit');
  ward.services.second = new Service('audit', { ...env, WARD_AUDIT_BUS_LISTEN: `ipc://${ward.dir}/run/second.bus`, WARD_AUDIT_ANCHOR: '' });
  await ward.services.second.start();
  a = ward.client('audit', { as: 'identity' });
  b = ward.client('second', { as: 'identity', api: 'audit' });
  person = ward.client('second', { as: 'wardctl', api: 'audit' });
  auditor = { token: ward.token({ roles: ['auditor'], sub: 'auditor-1' }) };
  officer = { token: ward.token({ roles: ['privacy-officer'], sub: 'officer-1' }) };
  admin = { token: ward.token({ roles: ['audit-admin'], sub: 'admin-1' }) };
});
after(() => ward && ward.stop());

async function verify() {
  const [{ vkey }] = (await person.call('ListKeys')).keys;
  const file = L.writeExport(path.join(ward.dir, 'log.jsonl'), await L.exported(person, auditor));
  const r = await ward.wardctl('--json', 'audit', 'verify', '--key', vkey, '--log', file);
  assert.equal(r.status, 0, r.lines.join('\n'));
  return JSON.parse(r.stdout);
}

test('two replicas append at once into one log, and the tree verifies', async () => {
  const indexes = [];
  const load = async (client) => {
    for (let i = 0; i < 40; i++) {
      const { appended } = await client.call('Append', { events: Array.from({ length: 1 + (i % 5) }, () => event()) });
      indexes.push(...appended.map((x) => Number(x.index)));
    }
  };
  await Promise.all([load(a), load(b), load(a), load(b)]);
  assert.equal(new Set(indexes).size, indexes.length);
  assert.equal(indexes.length, 480);
  assert.equal(Math.max(...indexes) - Math.min(...indexes) + 1, 480);
  const v = await verify();
  assert.ok(v.entries > 480);
});

test('the same event through both at once is in the log once', async () => {
  for (let i = 0; i < 20; i++) {
    const events = [event(), event()];
    const [x, y] = await Promise.all([a.call('Append', { events }), b.call('Append', { events })]);
    assert.deepEqual(x.appended.map((e) => e.index), y.appended.map((e) => e.index));
    assert.equal(x.appended.filter((e) => e.duplicate).length + y.appended.filter((e) => e.duplicate).length, 2);
  }
});

test('a tail on one sees what the other appends', async () => {
  const stream = person.stream('Tail', { from_end: true }, auditor);
  const appended = new Set();
  let over = false;
  // It may begin after an event: more come until one is told.
  const append = (async () => {
    while (!over) {
      const e = event();
      appended.add(e.event_id);
      await a.call('Append', { events: [e] });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  try {
    for await (const m of stream) if (m.records.some((r) => appended.has(r.event_id))) break;
  } finally {
    over = true;
  }
  stream.cancel();
  await append;
});

test('what one erases, the other seals no more under the old key', async () => {
  const patient = 'erased-elsewhere';
  const request = { patient, ground: 'ERASURE_GROUND_ORDER', case_reference: 'C-1' };
  for (let i = 0; i < 3; i++) {
    await a.call('Append', { events: [event({ patient })] }); // a has the key in memory now
    await person.call('EraseContent', request, officer); // b destroys it
    const e = event({ patient });
    await a.call('Append', { events: [e] });
    const { receipt } = await b.call('GetReceipt', { event_id: e.event_id });
    assert.equal(receipt.erased, false);
    assert.ok(receipt.content.event.includes(e.event_id));
  }
  await verify();
});

test('a key rotated by one signs for the other', async () => {
  const { keys } = await person.call('ListKeys');
  const { key } = await person.call('RotateKey', { current_vkey: keys.at(-1).vkey }, admin);
  await a.call('Append', { events: [event()] });
  const { checkpoint } = await a.call('GetCheckpoint');
  assert.deepEqual(L.checkpoint(checkpoint, [keys.at(-1).vkey, key.vkey]).signers, [key.vkey]);
  assert.equal((await a.call('ListKeys')).keys.at(-1).vkey, key.vkey);
  await verify();
});

test('rotated through both at once, the key is rotated once, and each is told of its own', async () => {
  const other = ward.client('audit', { as: 'wardctl' });
  const before = (await person.call('ListKeys')).keys;
  const answers = await Promise.allSettled([person, other, person, other].map((c) =>
    c.call('RotateKey', { current_vkey: before.at(-1).vkey }, admin)));
  const made = answers.filter((x) => x.status === 'fulfilled');
  assert.equal(made.length, 1);
  for (const x of answers.filter((y) => y.status === 'rejected')) assert.equal(x.reason.reason, 'KEY_NOT_CURRENT');
  await person.call('GetCheckpoint');
  const after = (await person.call('ListKeys')).keys;
  assert.equal(after.length, before.length + 1);
  assert.equal(made[0].value.key.vkey, after.at(-1).vkey);
  await verify();
});

test('killed at random points while events come, nothing acknowledged is lost or doubled', async () => {
  const acknowledged = [];
  let stop = false;
  const send = async (e) => {
    for (;;) {
      try {
        await a.call('Append', { events: [e] }, { deadline: 5000 });
        return acknowledged.push(e.event_id);
      } catch (err) {
        if (!['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED', 'INTERNAL'].includes(err.code)) throw err;
        if (stop) return null;
      }
    }
  };
  const loads = Promise.all(Array.from({ length: 8 }, async () => {
    while (!stop) await send(event());
  }));
  try {
    for (let i = 0; i < KILLS; i++) {
      const want = acknowledged.length + 20 + Math.floor(Math.random() * 40);
      while (acknowledged.length < want) await Promise.race([loads, new Promise((resolve) => setTimeout(resolve, 5))]);
      const victim = i % 2 === 0 ? ward.services.audit : ward.db;
      await victim.kill();
      await (victim === ward.db ? victim.restart() : victim.start());
    }
  } finally {
    stop = true; // else the loads would outlive a failure, and this file with them
  }
  await loads;
  const v = await verify(); // which finds an event that is there twice
  const log = await L.exported(person, auditor, { leaves_only: true });
  const ids = new Set(log.entries.map((e) => e.leaf.subarray(4, 20).toString('hex')));
  assert.ok(acknowledged.every((id) => ids.has(idHex(id))));
  assert.equal(ids.size, log.entries.length);
  assert.ok(v.entries >= acknowledged.length);
});
