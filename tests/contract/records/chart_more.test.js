'use strict';
// Writing across the borders of a chart: by those who may not, of who was merged, of what was put
// right on the way in, of who may be here already.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { Site, body, kindOf, coded, condition, allergy, person, encounter, observation, note, consent, to } = require('./site');

let site, anna;

before(async () => {
  site = await Site.shared();
  anna = await site.treated();
});
after(() => site?.stop());

test('who may not see a resource cannot change it, and the try is told about its patient', async () => {
  const made = await site.create(observation(anna.id), 'nurse');
  const id = made.version.resource_id;
  const stranger = site.as('nurse', { sub: 'nurse-9', ward: 'icu' });
  const calls = [
    ['Update', { resource: made.resource, expected_version: 1 }],
    ['MarkEnteredInError', { kind: 'KIND_OBSERVATION', id, expected_version: 1, reason: 'not mine' }],
  ];
  for (const [method, request] of calls) {
    const e = await site.records.failure(method, { idempotency_key: site.key(), ...request }, stranger);
    assert.deepStrictEqual([e.code, e.reason], ['NOT_FOUND', 'RESOURCE_NOT_FOUND']);
    const event = await site.lastEvent();
    assert.deepStrictEqual([event.action, event.patient, event.outcome], [`/ward.records.v1.Records/${method}`, anna.id, 'OUTCOME_FAILURE']);
  }
  assert.strictEqual((await site.read('KIND_OBSERVATION', id)).record.version.version, 1);
});

test('a denial that names the nurse hides the resource from their writing too', async () => {
  const made = await site.create(note(anna.id, 'before the denial'), 'nurse');
  const actor = [{ reference: { reference: 'Practitioner/nurse-1' }, role: { coding: [{ code: 'PRCP' }] } }];
  const said = await site.create(consent(anna.id, {
    type: 'PROVISION_TYPE_PERMIT', provision: [{ type: 'PROVISION_TYPE_DENY', actor, class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'DocumentReference' }] }],
  }));
  const e = await site.records.failure('Update', { idempotency_key: site.key(), resource: made.resource, expected_version: 1 }, site.tokens.nurse);
  assert.deepStrictEqual([e.code, e.reason], ['NOT_FOUND', 'RESOURCE_NOT_FOUND']);
  const n = await site.refused(note(anna.id, 'a new one'), 'nurse');
  assert.deepStrictEqual([n.code, n.reason], ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  assert.strictEqual((await site.create(observation(anna.id), 'nurse')).version.version, 1);
  const other = await site.update(made.resource, 1, site.as('nurse', { sub: 'nurse-2' }));
  assert.strictEqual(other.version.version, 2);
  await site.update({ consent: { ...body(said.resource), status: 'STATUS_INACTIVE' } }, 1);
  assert.strictEqual((await site.update(other.resource, 2, 'nurse')).version.version, 3);
});

test('after a merge new things go to the one who stays, old ones stay with whom they were written to', async () => {
  const [a, b] = [await site.treated(), await site.treated()];
  const mine = await site.create(observation(b.id), 'nurse');
  await site.api('patients').call('MergePatients',
    { idempotency_key: site.key(), into_patient_id: a.id, from_patient_id: b.id, into_version: 1, from_version: 1, reason: 'one person' }, site.tokens.registrar);
  const e = await site.refused(observation(b.id), 'nurse');
  assert.deepStrictEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'PATIENT_MERGED']);
  const next = await site.update(mine.resource, 1, 'nurse');
  assert.deepStrictEqual([next.version.version, next.version.patient_id], [2, b.id]);
  const moved = await site.records.failure('Update',
    { idempotency_key: site.key(), resource: { observation: { ...body(next.resource), subject: to(a.id) } }, expected_version: 2 }, site.tokens.nurse);
  assert.deepStrictEqual([moved.code, moved.field], ['INVALID_ARGUMENT', 'subject']);
  const p = await site.read('KIND_PATIENT', b.id, 'registrar');
  assert.deepStrictEqual([p.redirected_from, p.record.resource.patient.id], [b.id, a.id]);
  const gone = await site.records.failure('Update', { idempotency_key: site.key(), resource: person({ id: b.id }), expected_version: 2 }, site.tokens.registrar);
  assert.deepStrictEqual([gone.code, gone.reason], ['FAILED_PRECONDITION', 'PATIENT_MERGED']);
  const at = observation(a.id, { encounter: { reference: `Encounter/${b.encounter}` } });
  assert.strictEqual((await site.create(at, 'nurse')).version.patient_id, a.id);
});

test('a mark from an older version is refused', async () => {
  const made = await site.create(observation(anna.id), 'nurse');
  await site.update(made.resource, 1, 'nurse');
  const e = await site.records.failure('MarkEnteredInError',
    { idempotency_key: site.key(), kind: kindOf(made.resource), id: made.version.resource_id, expected_version: 1, reason: 'late' }, site.tokens.nurse);
  assert.deepStrictEqual([e.code, e.reason], ['ABORTED', 'VERSION_CONFLICT']);
});

test('a new resource cannot be an error, and an update may make it one for good', async () => {
  const e = await site.refused(observation(anna.id, { status: 'STATUS_ENTERED_IN_ERROR' }), 'nurse');
  assert.strictEqual(e.code, 'INVALID_ARGUMENT');
  const made = await site.create(observation(anna.id), 'nurse');
  const wrong = await site.update({ observation: { ...body(made.resource), status: 'STATUS_ENTERED_IN_ERROR' } }, 1, 'nurse');
  assert.deepStrictEqual([wrong.version.act, wrong.entered_in_error], ['ACT_ENTERED_IN_ERROR', true]);
  const back = await site.records.failure('Update', { idempotency_key: site.key(), resource: made.resource, expected_version: 2 }, site.tokens.nurse);
  assert.deepStrictEqual([back.code, back.reason], ['FAILED_PRECONDITION', 'ENTERED_IN_ERROR']);
});

test('a unit that is put right is told with its version, then and later, and lies sealed', async () => {
  const value_quantity = { value: { value: '120' }, unit: 'mmHg' };
  const made = await site.create(observation(anna.id, { value_quantity }), 'nurse');
  const q = made.resource.observation.value_quantity;
  assert.deepStrictEqual([q.value.value, q.unit, q.system, q.code], ['120', 'mmHg', 'http://unitsofmeasure.org', 'mm[Hg]']);
  assert.ok(made.cleaned.length > 0);
  assert.ok(made.cleaned.every((x) => x.path.startsWith('Observation.valueQuantity') && x.rule !== ''));
  const next = await site.update(observation(anna.id, { id: made.version.resource_id, value_quantity: { ...q, value: { value: '121' } } }), 1, 'nurse');
  assert.deepStrictEqual(next.cleaned, []);
  const { records } = await site.records.call('History', { kind: 'KIND_OBSERVATION', id: made.version.resource_id }, site.tokens.nurse);
  assert.deepStrictEqual(records.map((r) => r.cleaned), [[], made.cleaned]);
  const [[hex]] = await site.sql(`SELECT HEX(sealed) FROM cleaned WHERE resource_id = ${site.hex(made.version.resource_id)}`);
  assert.ok(!Buffer.from(hex, 'hex').toString('latin1').includes('mm[Hg]'));
});

test('a patient who may be here already is created all the same, and the caller is told', async () => {
  const who = { name: [{ family: 'Doppelgaenger', given: ['Karla'] }], birth_date: '1951-05-05', telecom: [{ system: 'SYSTEM_PHONE', value: '+49 30 555 7' }] };
  const create = () => site.records.call('Create', { idempotency_key: site.key(), resource: person(who) }, site.tokens.registrar);
  assert.deepStrictEqual([(await create()).possible_duplicates, (await create()).possible_duplicates], [0, 1]);
});

test('what is written is counted, by act and kind', async () => {
  const count = async () => {
    const { text } = await site.ward.services.records.admin('/metrics');
    return Number(/ward_records_writes_total\{act="created",kind="Encounter"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  const before2 = await count();
  await site.create(encounter(anna.id));
  assert.strictEqual(await count(), before2 + 1);
});

const V3 = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const denied = (label) => ({ type: 'PROVISION_TYPE_PERMIT', provision: [{ type: 'PROVISION_TYPE_DENY', security_label: [{ system: V3, code: label }] }] });
const B20 = coded('http://hl7.org/fhir/sid/icd-10', 'B20');

test('a label that any version had stays: who may not see it does not find it in the history', async () => {
  const bert = await site.treated();
  const made = await site.create(condition(bert.id, { code: B20 }), 'physician');
  const id = made.version.resource_id;
  await site.update({ condition: { ...made.resource.condition, code: coded('http://hl7.org/fhir/sid/icd-10', 'J18.9') } }, 1, 'physician');
  await site.create(consent(bert.id, denied('HIV')));
  assert.strictEqual((await site.unread('KIND_CONDITION', id)).reason, 'RESOURCE_NOT_FOUND');
  assert.strictEqual((await site.records.failure('History', { kind: 'KIND_CONDITION', id }, site.tokens.nurse)).reason, 'RESOURCE_NOT_FOUND');
});

test('every coding of a resource labels it, wherever it stands', async () => {
  const bert = await site.treated();
  const resources = [
    condition(bert.id, { evidence: [{ code: [B20] }] }), condition(bert.id, { stage: [{ summary: B20 }] }),
    observation(bert.id, { interpretation: [B20] }), observation(bert.id, { body_site: B20 }),
    allergy(bert.id, { reaction: [{ manifestation: [B20] }] }),
    encounter(bert.id, 'ward-3', { diagnosis: [{ condition: to(bert.id), use: B20 }] }),
    note(bert.id, 'x', { context: { facility_type: B20 } }),
    observation(bert.id, { extension: [{ url: 'urn:x', value_codeable_concept: B20 }] }),
  ];
  const made = [];
  for (const resource of resources) made.push(await site.create(resource, resource.encounter ? 'registrar' : 'physician'));
  await site.create(consent(bert.id, denied('HIV')));
  for (const [i, { version }] of made.entries()) {
    const e = await site.records.failure('Read', { kind: kindOf(resources[i]), id: version.resource_id }, site.tokens.nurse);
    assert.strictEqual(e.reason, 'RESOURCE_NOT_FOUND', JSON.stringify(resources[i]));
  }
});

test('a row that was changed behind the service does not open', async () => {
  const changes = ["actor = 'somebody-else'", "purpose = 'HRESCH'", 'act = 2', 'written_at_us = written_at_us + 1', 'event_id = RANDOM_BYTES(16)', "device = 'd'"];
  const made = [];
  for (const change of changes) made.push([change, (await site.create(observation(anna.id), 'nurse')).version.resource_id]);
  await site.sql('DROP TRIGGER version_is_not_changed');
  for (const [change, id] of made) {
    await site.sql(`UPDATE version SET ${change} WHERE resource_id = ${site.hex(id)}`);
    const e = await site.unread('KIND_OBSERVATION', id);
    assert.deepStrictEqual([e.code, e.reason], ['DATA_LOSS', 'RECORD_UNREADABLE'], change);
  }
});

test('a current row that was put back to an older version is noticed', async () => {
  const made = await site.create(observation(anna.id), 'nurse');
  const id = made.version.resource_id;
  await site.update(made.resource, 1, 'nurse');
  await site.sql(`UPDATE resource SET version = 1 WHERE resource_id = ${site.hex(id)}`);
  const e = await site.unread('KIND_OBSERVATION', id);
  assert.deepStrictEqual([e.code, e.reason], ['DATA_LOSS', 'RECORD_UNREADABLE']);
  const u = await site.records.failure('Update', { idempotency_key: site.key(), resource: made.resource, expected_version: 1 }, site.tokens.nurse);
  assert.deepStrictEqual([u.code, u.reason], ['DATA_LOSS', 'RECORD_UNREADABLE']);
});

test('the largest resource can be marked as an error, with the longest reason', async () => {
  let least = (1 << 20) - 1000, most = 1 << 20, largest;
  while (most - least > 1) {
    const n = Math.floor((least + most) / 2);
    const made = await site.create(note(anna.id, 'x'.repeat(n)), 'physician').catch((e) => assert.strictEqual(e.reason, 'RESOURCE_TOO_LARGE'));
    if (made) largest = made;
    least = made ? n : least;
    most = made ? most : n;
  }
  const { record } = await site.records.call('MarkEnteredInError', {
    idempotency_key: site.key(), kind: 'KIND_DOCUMENT_REFERENCE', id: largest.version.resource_id, expected_version: 1, reason: 'r'.repeat(500),
  }, site.tokens.physician);
  assert.strictEqual(record.entered_in_error, true);
});
