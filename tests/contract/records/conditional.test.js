'use strict';
// Create, if none has this identifier: none, one, several, two at once, and on two replicas.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { Site, person, observation, to } = require('./site');

let site, second;
let n = 0;

before(async () => {
  site = await Site.shared();
  second = site.ward.client('records2');
});
after(() => site?.stop());

const system = 'urn:oid:1.2.156.1';
const fresh = () => ({ system, value: `MRN-${n++}` });
const named = (identifier, more = {}) => person({ identifier: [identifier], ...more });
const create = (resource, if_none_exist, on = site.records, by = site.tokens.registrar) =>
  on.call('Create', { idempotency_key: site.key(), resource, if_none_exist }, by);

test('nobody has it: it is created; one has it: that one is the answer; several: neither', async () => {
  const id = fresh();
  const first = await create(named(id), id);
  assert.strictEqual(first.created, true);
  const again = await create(named(id, { birth_date: '2001-01-01' }), id);
  assert.strictEqual(again.created, false);
  assert.deepStrictEqual(again.record, first.record);
  await site.create(named(id));
  const e = await site.records.failure('Create', { idempotency_key: site.key(), resource: named(id), if_none_exist: id }, site.tokens.registrar);
  assert.deepStrictEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'SEVERAL_MATCH']);
});

test('the identifier is compared exactly, with its system', async () => {
  const id = fresh();
  await create(named(id), id);
  for (const other of [{ ...id, system: 'urn:oid:9' }, { ...id, value: id.value.toLowerCase() }, { ...id, value: `${id.value} ` }]) {
    assert.strictEqual((await create(named(fresh()), other)).created, true, JSON.stringify(other));
  }
});

test('of twenty at once on two replicas one makes it, and all get the same', async () => {
  for (let round = 0; round < 3; round++) {
    const id = fresh();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => create(named(id), id, i % 2 ? second : site.records)));
    assert.strictEqual(answers.filter((a) => a.created).length, 1);
    assert.strictEqual(new Set(answers.map((a) => a.record.version.resource_id)).size, 1);
  }
  assert.strictEqual(await site.rows('identifier_gate'), 0);
});

test('what was entered in error or is out of sight is not the one', async () => {
  const anna = await site.treated(), bert = await site.treated('icu');
  const id = fresh();
  const made = await create(observation(anna.id, { identifier: [id] }), id, site.records, site.tokens.nurse);
  assert.strictEqual(made.created, true);
  await site.records.call('MarkEnteredInError', {
    idempotency_key: site.key(), kind: 'KIND_OBSERVATION', id: made.record.version.resource_id, expected_version: 1, reason: 'wrong arm',
  }, site.tokens.nurse);
  assert.strictEqual((await create(observation(anna.id, { identifier: [id] }), id, site.records, site.tokens.nurse)).created, true);
  const there = site.as('nurse', { ward: 'icu' });
  assert.strictEqual((await create(observation(bert.id, { identifier: [id] }), id, site.records, there)).created, true);
});

test('a patient who was merged counts once, as the one who stays', async () => {
  const id = fresh();
  const [a, b] = [await site.create(named(id)), await site.create(named(id))];
  const e = await site.records.failure('Create', { idempotency_key: site.key(), resource: named(id), if_none_exist: id }, site.tokens.registrar);
  assert.strictEqual(e.reason, 'SEVERAL_MATCH');
  await site.api('patients').call('MergePatients', {
    idempotency_key: site.key(), into_patient_id: a.version.patient_id, from_patient_id: b.version.patient_id, into_version: 1, from_version: 1, reason: 'one',
  }, site.tokens.registrar);
  const found = await create(named(id), id);
  assert.deepStrictEqual([found.created, found.record.version.resource_id], [false, a.version.resource_id]);
  const about = await site.refused({ observation: { ...observation(b.version.patient_id).observation, subject: to(b.version.patient_id) } }, 'nurse');
  assert.strictEqual(about.code, 'NOT_FOUND'); // nobody treats them: whether they were merged is not told
});

test('half a question is refused', async () => {
  for (const [q, field] of [[{ system: '', value: 'x' }, 'if_none_exist.system'], [{ system, value: '' }, 'if_none_exist.value']]) {
    const e = await site.refused(person(), 'registrar', { if_none_exist: q });
    assert.deepStrictEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
  }
});
