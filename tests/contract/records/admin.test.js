'use strict';
// GetStatus and RotateKeys.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { Site, observation, note, person, until } = require('./site');

let site, admin, anna;

before(async () => {
  site = await Site.start({ services: ['records', 'records2'] });
  admin = site.api('recordsadmin');
  anna = await site.treated();
});
after(() => site?.stop());

const status = (by = site.tokens['records-admin']) => admin.call('GetStatus', {}, by);

async function rotate(on = admin) {
  const all = [];
  for await (const m of on.stream('RotateKeys', {}, site.tokens['records-admin'])) all.push(m);
  return all;
}

test('the status counts what is there', async () => {
  const before2 = await status();
  const countOf = (s, kind) => Number(s.resources.find((r) => r.kind === kind)?.count ?? 0);
  await site.create(observation(anna.id), 'nurse');
  await site.create(observation(anna.id), 'nurse');
  const a = await site.patient(), b = await site.patient(), gone = await site.patient();
  await site.api('patients').call('MergePatients',
    { idempotency_key: site.key(), into_patient_id: a, from_patient_id: b, into_version: 1, from_version: 1, reason: 'one' }, site.tokens.registrar);
  await admin.call('ErasePatient', { idempotency_key: site.key(), patient_id: gone, case_reference: 'c' }, site.tokens['privacy-officer']);
  await until('numbered', async () => (await status()).feed_waiting === '0');
  const s = await status();
  assert.strictEqual(countOf(s, 'Observation'), countOf(before2, 'Observation') + 2);
  assert.deepStrictEqual([Number(s.patients), s.merged, s.erased], [Number(before2.patients) + 3, '1', '1']);
  const [[end]] = await site.sql('SELECT MAX(sequence) FROM feed_change');
  assert.strictEqual(s.feed_sequence, end);
  assert.deepStrictEqual([s.quarantine_waiting, s.glass_to_review], ['0', '0']);
  assert.strictEqual(s.root_key_kind, 'file');
  assert.match(s.root_key_id, /\w+/);
  assert.match(s.text_backend, /^rules \d/);
  assert.match(s.text_backend_sha256, /^[0-9a-f]{64}$/);
  assert.strictEqual((await site.lastEvent()).action, '/ward.records.v1.RecordsAdmin/GetStatus');
});

test('only who runs records or guards it may ask', async () => {
  for (const role of ['privacy-officer', 'auditor']) assert.ok(await status(site.tokens[role]));
  for (const role of ['nurse', 'registrar', 'patient']) {
    assert.strictEqual((await admin.failure('GetStatus', {}, site.tokens[role])).reason, 'ROLE_MISSING');
  }
  const call = admin.stream('RotateKeys', {}, site.tokens['privacy-officer']);
  await assert.rejects(async () => { for await (const m of call) assert.ok(!m); }, (e) => e.reason === 'ROLE_MISSING');
});

test('a rotation wraps every patient\'s key anew, and everything still opens on both replicas', async () => {
  const made = await site.create(note(anna.id, 'before the rotation'), 'nurse');
  const [[old]] = await site.sql('SELECT MAX(kek) FROM kek');
  const progress = await rotate();
  const last = progress.at(-1);
  assert.deepStrictEqual([last.finished, last.done, last.destroyed], [true, last.total, 1]);
  assert.ok(Number(last.done) >= await site.rows('owner_key'));
  const keks = await site.sql('SELECT DISTINCT kek FROM owner_key');
  assert.strictEqual(keks.length, 1);
  assert.ok(Number(keks[0][0]) > Number(old));
  assert.strictEqual(await site.rows('kek', `kek = ${old}`), 0);
  for (const on of [site.records, site.ward.client('records2')]) {
    const { record } = await on.call('Read', { kind: 'KIND_DOCUMENT_REFERENCE', id: made.version.resource_id }, site.tokens.nurse);
    assert.strictEqual(record.resource.document_reference.content[0].attachment.data.toString(), 'before the rotation');
  }
  const event = (await site.outbox()).findLast((e) => e.action === '/ward.records.v1.RecordsAdmin/RotateKeys');
  assert.deepStrictEqual([event.outcome, event.detail.keks_destroyed], ['OUTCOME_SUCCESS', '1']);
});

test('patients are registered while keys are rotated, and none is lost', async () => {
  let done = false;
  const made = [];
  const second = site.ward.client('records2');
  const writers = Promise.all([site.records, second].map(async (on) => {
    while (!done) made.push((await on.call('Create', { idempotency_key: site.key(), resource: person() }, site.tokens.registrar)).record);
  }));
  try {
    for (let i = 0; i < 4; i++) await rotate();
  } finally {
    done = true; // else they would outlive a failure, and this file with them
  }
  await writers;
  assert.ok(made.length > 0);
  for (const m of made) assert.deepStrictEqual((await second.call('Read', { kind: 'KIND_PATIENT', id: m.version.resource_id }, site.tokens.registrar)).record, m);
  assert.strictEqual(await site.rows('owner_key', 'kek NOT IN (SELECT kek FROM kek)'), 0);
});

test('identifiers are found by the same hash after a rotation', async () => {
  const identifier = { system: 'urn:mrn', value: 'R-1' };
  const first = await site.create(person({ identifier: [identifier] }));
  await rotate();
  const answer = await site.records.call('Create', { idempotency_key: site.key(), resource: person({ identifier: [identifier] }), if_none_exist: identifier },
    site.tokens.registrar);
  assert.deepStrictEqual([answer.created, answer.record.version.resource_id], [false, first.version.resource_id]);
});
