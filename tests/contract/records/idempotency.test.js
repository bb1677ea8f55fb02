'use strict';
// The same key again, in the same and in other words, at the same time, on another replica; and that
// what is kept for it says nothing of the patient.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { Site, uuid, person, observation, note, consent } = require('./site');

let site, second, anna;

before(async () => {
  site = await Site.shared();
  second = site.ward.client('records2');
  anna = await site.treated();
});
after(() => site?.stop());

const count = () => site.rows('version');

test('a repeated key gives the first answer, to the byte, and writes nothing', async () => {
  const calls = [
    ['Create', 'nurse', { resource: observation(anna.id), provenance: { device: 'monitor 3' } }],
    ['Create', 'registrar', { resource: person() }],
    ['Batch', 'nurse', { entries: [{ create: { resource: observation(anna.id) } }, { create: { resource: note(anna.id, 'a note') } }] }],
  ];
  for (const [method, role, request] of calls) {
    const whole = { idempotency_key: site.key(), ...request };
    const first = await site.records.call(method, whole, site.tokens[role]);
    const before2 = await count();
    for (const on of [site.records, second]) assert.deepStrictEqual(await on.call(method, whole, site.tokens[role]), first);
    assert.strictEqual(await count(), before2);
  }
});

test('an update is repeated as it was, though others have written since', async () => {
  const made = await site.create(observation(anna.id), 'nurse');
  const request = { idempotency_key: site.key(), resource: made.resource, expected_version: 1 };
  const first = await site.records.call('Update', request, site.tokens.nurse);
  await site.update(first.record.resource, 2, 'nurse');
  assert.deepStrictEqual(await second.call('Update', request, site.tokens.nurse), first);
  const mark = { idempotency_key: site.key(), kind: 'KIND_OBSERVATION', id: made.version.resource_id, expected_version: 3, reason: 'wrong arm' };
  const marked = await site.records.call('MarkEnteredInError', mark, site.tokens.nurse);
  assert.deepStrictEqual(await site.records.call('MarkEnteredInError', mark, site.tokens.nurse), marked);
});

test('of ten at once with one key on two replicas one writes, and all get its answer', async () => {
  const request = { idempotency_key: site.key(), resource: person() };
  const all = await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 ? second : site.records).call('Create', request, site.tokens.registrar)));
  for (const a of all) assert.deepStrictEqual(a, all[0]);
});

test('a key is one request\'s, and one person\'s', async () => {
  const idempotency_key = site.key();
  const call = (resource, by) => site.records.call('Create', { idempotency_key, resource }, by);
  const first = await call(observation(anna.id), site.tokens.nurse);
  const e = await site.records.failure('Create', { idempotency_key, resource: observation(anna.id, { language: 'en' }) }, site.tokens.nurse);
  assert.deepStrictEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
  const other = await call(observation(anna.id), site.as('nurse', { sub: 'nurse-2' }));
  assert.notStrictEqual(other.record.version.resource_id, first.record.version.resource_id);
});

test('a call that failed did not use its key up', async () => {
  const idempotency_key = site.key();
  const bad = await site.records.failure('Create', { idempotency_key, resource: observation(anna.id, { status: 'STATUS_UNSPECIFIED' }) }, site.tokens.nurse);
  assert.strictEqual(bad.code, 'INVALID_ARGUMENT');
  await site.records.call('Create', { idempotency_key, resource: observation(anna.id) }, site.tokens.nurse);
});

test('what is kept under a key says nothing of the patient', async () => {
  await site.create(person({ name: [{ family: 'Quetzalcoatl' }] }));
  await site.create(note(anna.id, 'an unrepeatable sentence'), 'nurse');
  const kept = (await site.sql('SELECT HEX(answer) FROM ward_idempotency')).map(([h]) => Buffer.from(h, 'hex').toString('latin1')).join('\n');
  assert.ok(kept.length > 0);
  for (const word of ['Quetzalcoatl', 'unrepeatable', '1949-08-02']) assert.ok(!kept.includes(word), word);
});

test('a repeated key gives no content of what the caller may not see any more', async () => {
  const { nurse } = site.tokens;
  const found = { system: 'urn:x', value: uuid() };
  const bert = await site.treated();
  await site.create(observation(bert.id, { identifier: [found], note: [{ text: 'of the physician' }] }), 'physician');
  const made = { idempotency_key: site.key(), resource: observation(bert.id, { note: [{ text: 'secret words' }] }) };
  const first = (await site.records.call('Create', made, nurse)).record;
  const requests = [
    ['Create', made],
    ['Create', { idempotency_key: site.key(), resource: observation(bert.id), if_none_exist: found }],
    ['Update', { idempotency_key: site.key(), resource: first.resource, expected_version: 1 }],
    ['MarkEnteredInError', { idempotency_key: site.key(), kind: 'KIND_OBSERVATION', id: first.version.resource_id, expected_version: 2, reason: 'wrong arm' }],
    ['Batch', { idempotency_key: site.key(), entries: [{ create: { resource: observation(bert.id) } }] }],
  ];
  const answers = [];
  for (const [method, request] of requests) answers.push(await site.records.call(method, request, nurse));
  const hidden = async (by) => {
    for (const [i, [method, request]] of requests.entries()) {
      const again = await site.records.call(method, request, by);
      const records = [again, answers[i]].map((a) => (a.results ? a.results[0].record : a.record));
      assert.deepStrictEqual([records[0].resource, records[0].version], [null, records[1].version], method);
      assert.ok(!JSON.stringify(again).includes('words'));
    }
  };
  await hidden(site.as('nurse', { sub: 'nurse-1', ward: 'elsewhere' }));
  for (const [i, [method, request]] of requests.entries()) assert.deepStrictEqual(await second.call(method, request, nurse), answers[i]);
  await site.create(consent(bert.id));
  await hidden(nurse);
});
