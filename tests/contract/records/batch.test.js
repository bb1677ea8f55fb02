'use strict';
// Batch: all or nothing, entries that refer to each other, errors with their entry.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { Site, uuid, person, encounter, observation, condition, note, consent } = require('./site');

let site, anna, staff;

before(async () => {
  site = await Site.shared();
  anna = await site.treated();
  // Someone who registers and treats.
  staff = { token: site.ward.token({ roles: ['registrar', 'physician'], sub: 'staff-1', ward: 'ward-3', purpose: 'TREAT' }) };
});
after(() => site?.stop());

const batch = (entries, by = staff, more = {}) => site.records.call('Batch', { idempotency_key: site.key(), entries, ...more }, by);
const failed = (entries, by = staff, more = {}) => site.records.failure('Batch', { idempotency_key: site.key(), entries, ...more }, by);
const create = (resource, more = {}) => ({ create: { resource, ...more } });

test('a patient, their encounter and what is about them go in together, in any order', async () => {
  const [p, e] = [uuid(), uuid()];
  const resources = [
    observation(p, { encounter: { reference: `Encounter/${e}` } }), condition(p), { encounter: { ...encounter(p).encounter, id: e } },
    note(p, 'admitted'), person({ id: p }),
  ];
  const { results } = await batch(resources.map((r) => create(r)));
  assert.deepStrictEqual(results.map((r) => [r.record.version.kind, r.created, r.record.version.version]), [
    ['KIND_OBSERVATION', true, 1], ['KIND_CONDITION', true, 1], ['KIND_ENCOUNTER', true, 1], ['KIND_DOCUMENT_REFERENCE', true, 1],
    ['KIND_PATIENT', true, 1],
  ]);
  assert.deepStrictEqual([...new Set(results.map((r) => r.record.version.patient_id))], [p]);
  assert.strictEqual(new Set(results.map((r) => r.record.version.event_id)).size, 5);
  const events = (await site.outbox()).slice(-5);
  assert.deepStrictEqual([...new Set(events.map((x) => x.action))], ['/ward.records.v1.Records/Batch']);
  for (const r of results) assert.ok(events.some((x) => x.event_id === r.record.version.event_id && x.patient === p));
});

test('creates, updates and marks of one resource follow each other', async () => {
  const id = uuid();
  const first = { observation: { ...observation(anna.id).observation, id } };
  const { results } = await batch([
    create(first), { update: { resource: first, expected_version: 1 } },
    { mark_entered_in_error: { kind: 'KIND_OBSERVATION', id, expected_version: 2, reason: 'a test' } },
  ]);
  assert.deepStrictEqual(results.map((r) => [r.record.version.version, r.created, r.record.entered_in_error]), [[1, true, false], [2, false, false], [3, false, true]]);
});

// Numbered or not yet: the feed's thread moves them when it likes.
const changes = async () => (await site.sql('SELECT (SELECT COUNT(*) FROM change_new) + (SELECT COUNT(*) FROM feed_change)'))[0][0];

test('one entry that fails undoes all, and the error says which', async () => {
  const made = await site.create(observation(anna.id), 'nurse');
  const before2 = [await site.rows('version'), await site.rows('patient'), await changes()];
  const good = [create(person()), create(observation(anna.id))];
  const rows = [
    [create(observation(anna.id, { status: 'STATUS_UNSPECIFIED' })), 'INVALID_ARGUMENT', undefined, 'entries[2].Observation.status'],
    [create(observation(anna.id, { id: made.version.resource_id })), 'ALREADY_EXISTS', 'ID_TAKEN', 'entries[2]'],
    [{ update: { resource: made.resource, expected_version: 7 } }, 'ABORTED', 'VERSION_CONFLICT', 'entries[2]'],
    [{ update: { resource: made.resource, expected_version: 0 } }, 'INVALID_ARGUMENT', undefined, 'entries[2].expected_version'],
    [create(observation(anna.id, { encounter: { reference: `Encounter/${uuid()}` } })), 'NOT_FOUND', 'RESOURCE_NOT_FOUND',
      'entries[2].Observation.encounter.reference'],
    [create(observation(uuid())), 'NOT_FOUND', 'PATIENT_NOT_FOUND', 'entries[2]'],
    [create(consent(anna.id, { type: 'PROVISION_TYPE_PERMIT', provision: [{ type: 'PROVISION_TYPE_PERMIT' }] })), 'FAILED_PRECONDITION',
      'CONSENT_NOT_ENFORCEABLE', 'entries[2]'],
    [{ mark_entered_in_error: { kind: 'KIND_PATIENT', id: anna.id, expected_version: 1, reason: 'x' } }, 'INVALID_ARGUMENT', undefined, 'entries[2].kind'],
    [{}, 'INVALID_ARGUMENT', undefined, 'entries[2].act'],
    [{ create: { resource: person(), idempotency_key: 'own' } }, 'INVALID_ARGUMENT', undefined, 'entries[2].idempotency_key'],
  ];
  for (const [entry, code, reason, field] of rows) {
    const e = await failed([...good, entry]);
    assert.deepStrictEqual([e.code, e.field], [code, field], e.message);
    if (reason) assert.strictEqual(e.reason, reason);
  }
  assert.deepStrictEqual([await site.rows('version'), await site.rows('patient'), await changes()], before2);
});

test('a batch may be conditional, entry by entry', async () => {
  const identifier = { system: 'urn:x', value: 'batch-1' };
  const entry = () => create(person({ identifier: [identifier] }), { if_none_exist: identifier });
  const { results } = await batch([entry(), entry()]);
  assert.deepStrictEqual(results.map((r) => r.created), [true, false]);
  assert.strictEqual(results[0].record.version.resource_id, results[1].record.version.resource_id);
});

test('none, too many, and no key are refused', async () => {
  const many = Array.from({ length: 101 }, () => create(person()));
  assert.strictEqual((await failed([])).field, 'entries');
  assert.strictEqual((await failed(many)).field, 'entries');
  assert.strictEqual((await failed([create(person())], staff, { idempotency_key: '' })).field, 'idempotency_key');
  const { results } = await batch(many.slice(0, 100));
  assert.strictEqual(new Set(results.map((r) => r.record.version.resource_id)).size, 100);
});

test('a batch that holds what the caller may not do does nothing', async () => {
  const before2 = await site.rows('version');
  const e = await failed([create(observation(anna.id)), create(person())], site.tokens.nurse);
  assert.deepStrictEqual([e.code, e.reason], ['PERMISSION_DENIED', 'KIND_NOT_ALLOWED']);
  assert.strictEqual(await site.rows('version'), before2);
});

test('a batch whose answer is too large to be sent writes nothing', async () => {
  const { id } = await site.treated();
  const made = [];
  for (let i = 0; i < 10; i++) made.push((await site.create(note(id, 'y'.repeat(1000000)), 'physician')).version.resource_id);
  const mark = (ids) => ({
    idempotency_key: site.key(), entries: ids.map((x) => ({ mark_entered_in_error: { kind: 'KIND_DOCUMENT_REFERENCE', id: x, expected_version: 1, reason: 'wrong' } })),
  });
  const e = await site.records.failure('Batch', mark(made), site.tokens.physician);
  assert.deepStrictEqual([e.code, e.reason], ['RESOURCE_EXHAUSTED', 'RESPONSE_TOO_LARGE']);
  assert.strictEqual(await site.rows('version', `patient_id = ${site.hex(id)} AND kind = 6 AND version > 1`), 0);
  assert.strictEqual((await site.records.call('Batch', mark(made.slice(7)), site.tokens.physician)).results.length, 3);
});
