'use strict';
// Create, Read, Update and MarkEnteredInError of every kind of resource, by their .proto.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const {
  Site, UUID, nobody, uuid, KINDS, kindOf, body, plain, person, encounter, observation, condition, allergy, note, report, consent, to, quantity,
} = require('./site');

let site, anna;

before(async () => {
  site = await Site.shared();
  anna = await site.treated();
});
after(() => site?.stop());

const one = {
  encounter: (p) => encounter(p), observation: (p) => observation(p), condition: (p) => condition(p), allergy_intolerance: (p) => allergy(p),
  document_reference: (p) => note(p, 'Patient reports chest pain since Monday. 患者诉胸痛。'), diagnostic_report: (p) => report(p),
  consent: (p) => consent(p, { type: 'PROVISION_TYPE_PERMIT' }),
};
const WRITER = { consent: 'registrar', encounter: 'registrar', condition: 'physician', diagnostic_report: 'physician' };

for (const name of Object.keys(one)) {
  test(`a ${name} is created, read, changed and marked as an error, and nothing of it is lost`, async () => {
    const sent = one[name](anna.id);
    const by = WRITER[name] || 'nurse';
    const made = await site.create(sent, by);
    assert.match(made.version.resource_id, UUID);
    assert.deepStrictEqual([made.version.kind, made.version.version, made.version.act], [KINDS[name], 1, 'ACT_CREATED']);
    assert.deepStrictEqual([made.version.actor, made.version.peer, made.version.patient_id], [`${by}-1`, 'wardctl', anna.id]);
    assert.match(made.version.event_id, UUID);
    const id = made.version.resource_id;
    assert.deepStrictEqual(plain(made.resource), plain({ [name]: { ...sent[name], id } }));
    assert.strictEqual(body(made.resource).meta.version_id, '1');
    assert.match(body(made.resource).meta.last_updated, /^2\d{3}-\d\d-\d\dT.*Z$/);

    const { record, redirected_from } = await site.read(KINDS[name], id, by);
    assert.strictEqual(redirected_from, '');
    assert.deepStrictEqual(record, made);

    const language = { [name]: { ...body(made.resource), language: 'zh-CN' } };
    const next = await site.update(language, 1, by);
    assert.deepStrictEqual([next.version.version, next.version.act], [2, 'ACT_UPDATED']);
    assert.strictEqual(body(next.resource).language, 'zh-CN');
    assert.deepStrictEqual(plain(next.resource), plain(language));

    const marked = (await site.records.call('MarkEnteredInError',
      { idempotency_key: site.key(), kind: KINDS[name], id, expected_version: 2, reason: 'the wrong patient' }, site.tokens[by])).record;
    assert.deepStrictEqual([marked.version.version, marked.version.act, marked.entered_in_error], [3, 'ACT_ENTERED_IN_ERROR', true]);
    const said = body(marked.resource).extension.find((e) => e.url === 'http://ward/entered-in-error-reason');
    assert.strictEqual(said.value_string, 'the wrong patient');
    assert.strictEqual((await site.read(KINDS[name], id, by)).record.entered_in_error, true);

    const again = await site.records.failure('MarkEnteredInError',
      { idempotency_key: site.key(), kind: KINDS[name], id, expected_version: 3, reason: 'x' }, site.tokens[by]);
    assert.deepStrictEqual([again.code, again.reason], ['FAILED_PRECONDITION', 'ENTERED_IN_ERROR']);
    const late = await site.records.failure('Update',
      { idempotency_key: site.key(), resource: { [name]: { ...body(next.resource) } }, expected_version: 3 }, site.tokens[by]);
    assert.deepStrictEqual([late.code, late.reason], ['FAILED_PRECONDITION', 'ENTERED_IN_ERROR']);
  });
}

test('a patient is registered with the id that identity gave, kept as it is written but for its case', async () => {
  const id = uuid();
  const made = await site.create(person({ id: id.toUpperCase() }));
  assert.strictEqual(made.resource.patient.id, id);
  assert.strictEqual(made.version.patient_id, id);
  const twice = await site.refused(person({ id }));
  assert.deepStrictEqual([twice.code, twice.reason], ['ALREADY_EXISTS', 'ID_TAKEN']);
  const other = await site.refused({ observation: { ...observation(anna.id).observation, id } }, 'nurse');
  assert.deepStrictEqual([other.code, other.reason], ['ALREADY_EXISTS', 'ID_TAKEN']);
});

test('a patient is changed by a registrar, and not entered in error', async () => {
  const made = await site.create(person());
  const { id } = made.resource.patient;
  const next = await site.update({ patient: { ...made.resource.patient, birth_date: '1949-08-03' } }, 1);
  assert.strictEqual(next.resource.patient.birth_date, '1949-08-03');
  const [[birth]] = await site.sql(`SELECT birth_us FROM patient WHERE patient_id = ${site.hex(id)}`);
  assert.strictEqual(Number(birth), Date.UTC(1949, 7, 3) * 1000);
  const e = await site.records.failure('MarkEnteredInError',
    { idempotency_key: site.key(), kind: 'KIND_PATIENT', id, expected_version: 2, reason: 'x' }, site.tokens.registrar);
  assert.deepStrictEqual([e.code, e.field], ['INVALID_ARGUMENT', 'kind']);
});

test('an update from an older version is refused, and changes nothing', async () => {
  const made = await site.create(observation(anna.id), 'nurse');
  const changed = (value) => ({ observation: { ...made.resource.observation, value_quantity: quantity(value, '/min') } });
  await site.update(changed('80'), 1, 'nurse');
  for (const expected_version of [1, 3, 1000000]) {
    const e = await site.records.failure('Update', { idempotency_key: site.key(), resource: changed('90'), expected_version }, site.tokens.nurse);
    assert.deepStrictEqual([e.code, e.reason], ['ABORTED', 'VERSION_CONFLICT']);
  }
  const { record } = await site.read('KIND_OBSERVATION', made.version.resource_id);
  assert.strictEqual(record.version.version, 2);
  assert.strictEqual(record.resource.observation.value_quantity.value.value, '80');
});

test('whose a resource is cannot change', async () => {
  const bert = await site.treated();
  const made = await site.create(observation(anna.id), 'nurse');
  const e = await site.records.failure('Update', {
    idempotency_key: site.key(), resource: { observation: { ...made.resource.observation, subject: to(bert.id) } }, expected_version: 1,
  }, site.tokens.nurse);
  assert.deepStrictEqual([e.code, e.field], ['INVALID_ARGUMENT', 'subject']);
});

test('a resource of another kind is not found under this id', async () => {
  const made = await site.create(observation(anna.id), 'nurse');
  const e = await site.unread('KIND_CONDITION', made.version.resource_id, 'physician');
  assert.deepStrictEqual([e.code, e.reason], ['NOT_FOUND', 'RESOURCE_NOT_FOUND']);
  const condition2 = { condition: { ...condition(anna.id).condition, id: made.version.resource_id } };
  const u = await site.records.failure('Update', { idempotency_key: site.key(), resource: condition2, expected_version: 1 }, site.tokens.physician);
  assert.deepStrictEqual([u.code, u.reason], ['NOT_FOUND', 'RESOURCE_NOT_FOUND']);
});

test('what is about nobody we know is refused', async () => {
  const e = await site.refused(observation(nobody), 'nurse');
  assert.deepStrictEqual([e.code, e.reason], ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  const r = await site.unread('KIND_PATIENT', nobody, 'registrar');
  assert.deepStrictEqual([r.code, r.reason], ['NOT_FOUND', 'RESOURCE_NOT_FOUND']);
});

test('an encounter that is named must be there, and the same patient\'s', async () => {
  const bert = await site.treated();
  const at = (id) => observation(anna.id, { encounter: { reference: `Encounter/${id}` } });
  for (const id of [nobody, bert.encounter, anna.id]) {
    const e = await site.refused(at(id), 'nurse');
    assert.deepStrictEqual([e.code, e.reason, e.field], ['NOT_FOUND', 'RESOURCE_NOT_FOUND', 'Observation.encounter.reference']);
  }
  const made = await site.create(at(anna.encounter), 'nurse');
  assert.strictEqual(made.resource.observation.encounter.reference, `Encounter/${anna.encounter}`);
  const urn = await site.create(observation(anna.id, { encounter: { reference: `urn:uuid:${anna.encounter}` } }), 'nurse');
  assert.strictEqual(urn.resource.observation.encounter.reference, `urn:uuid:${anna.encounter}`);
});

test('provenance is kept with the version it made', async () => {
  const provenance = { device: 'monitor 7', model: 'sepsis 2.1', model_sha256: 'a'.repeat(64) };
  const made = await site.create(observation(anna.id), 'nurse', { provenance });
  assert.deepStrictEqual(made.version.provenance, provenance);
  const next = await site.update(made.resource, 1, 'nurse');
  assert.deepStrictEqual(next.version.provenance, { device: '', model: '', model_sha256: '' });
  // Only imports write as imports do: a source may change what is its own.
  const forged = await site.refused(observation(anna.id), 'nurse', { provenance: { device: 'import:clinic' } });
  assert.deepStrictEqual([forged.code, forged.field], ['INVALID_ARGUMENT', 'provenance.device']);
  const wrong = [
    [{ device: 'd'.repeat(129) }, 'provenance.device'], [{ model: 'm'.repeat(129), model_sha256: 'a'.repeat(64) }, 'provenance.model'],
    [{ model: 'm' }, 'provenance.model_sha256'], [{ model_sha256: 'a'.repeat(64) }, 'provenance.model_sha256'],
    [{ model: 'm', model_sha256: 'g'.repeat(64) }, 'provenance.model_sha256'],
  ];
  for (const [p, field] of wrong) {
    const e = await site.refused(observation(anna.id), 'nurse', { provenance: p });
    assert.deepStrictEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
  }
});

test('each write leaves one event, about the patient, with what was written and nothing that it says', async () => {
  const made = await site.create(note(anna.id, 'a secret that stays in the chart'), 'nurse');
  const event = await site.lastEvent();
  assert.deepStrictEqual([event.action, event.outcome, event.patient], ['/ward.records.v1.Records/Create', 'OUTCOME_SUCCESS', anna.id]);
  assert.strictEqual(event.event_id, made.version.event_id);
  assert.deepStrictEqual(event.detail, { kind: 'DocumentReference', resource: made.version.resource_id, version: '1' });
  assert.strictEqual(await site.rows('seen', `event_id = ${site.hex(made.version.event_id)}`), 1);
  const all = (await site.sql('SELECT HEX(event) FROM ward_outbox')).map(([h]) => Buffer.from(h, 'hex').toString('latin1')).join('\n');
  assert.ok(!all.includes('secret'));
});

test('a refused write is told about the patient it was meant for', async () => {
  const bert = await site.patient();
  const e = await site.refused(observation(bert), 'nurse');
  assert.deepStrictEqual([e.code, e.reason], ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  const event = await site.lastEvent();
  assert.deepStrictEqual([event.outcome, event.patient], ['OUTCOME_FAILURE', bert]);
  const made = await site.create(encounter(bert, 'icu'));
  const r = await site.unread('KIND_ENCOUNTER', made.version.resource_id);
  assert.strictEqual(r.code, 'NOT_FOUND');
  assert.strictEqual((await site.lastEvent()).patient, bert);
});

test('requests out of range are refused by field', async () => {
  const made = await site.create(observation(anna.id), 'nurse');
  const { id } = made.resource.observation;
  const rows = [
    ['Create', { idempotency_key: '', resource: observation(anna.id) }, 'idempotency_key'],
    ['Create', { idempotency_key: 'k'.repeat(129), resource: observation(anna.id) }, 'idempotency_key'],
    ['Create', {}, 'resource'], ['Create', { resource: {} }, 'resource'],
    ['Create', { resource: { observation: { ...observation(anna.id).observation, id: 'no-uuid' } } }, 'Observation.id'],
    ['Update', { resource: observation(anna.id), expected_version: 1 }, 'id'],
    ['Update', { resource: made.resource, expected_version: 0 }, 'expected_version'],
    ['Update', { resource: made.resource, expected_version: -1 }, 'expected_version'],
    ['Read', { kind: 'KIND_UNSPECIFIED', id }, 'kind'], ['Read', { kind: 99, id }, 'kind'], ['Read', { kind: 'KIND_OBSERVATION', id: '' }, 'id'],
    ['Read', { kind: 'KIND_OBSERVATION', id: 'x'.repeat(5000) }, 'id'],
    ['MarkEnteredInError', { kind: 'KIND_OBSERVATION', id, expected_version: 1, reason: '' }, 'reason'],
    ['MarkEnteredInError', { kind: 'KIND_OBSERVATION', id, expected_version: 1, reason: 'r'.repeat(501) }, 'reason'],
    ['MarkEnteredInError', { kind: 'KIND_OBSERVATION', id, expected_version: 0, reason: 'r' }, 'expected_version'],
  ];
  for (const [method, request, field] of rows) {
    const e = await site.records.failure(method, { ...(method !== 'Read' && { idempotency_key: site.key() }), ...request }, site.tokens.nurse);
    assert.deepStrictEqual([method, e.code, e.field], [method, 'INVALID_ARGUMENT', field], e.message);
  }
});

test('nobody without a token, a role or the right purpose gets in', async () => {
  const rows = [
    [site.as('nurse', { lifetime: 10 * 365 * 86400 }), 'UNAUTHENTICATED', 'TOKEN_LIFETIME'],
    [{}, 'UNAUTHENTICATED', 'TOKEN_MISSING'], [site.as('porter'), 'PERMISSION_DENIED', 'ROLE_MISSING'],
    [site.as('nurse', { purpose: 'HRESCH' }), 'PERMISSION_DENIED', 'PURPOSE_NOT_ALLOWED'],
    [site.as('patient', { sub: anna.id }), 'PERMISSION_DENIED', 'ROLE_MISSING'],
    [site.as('registrar'), 'PERMISSION_DENIED', 'KIND_NOT_ALLOWED'],
  ];
  for (const [who, code, reason] of rows) {
    const e = await site.refused(observation(anna.id), who);
    assert.deepStrictEqual([e.code, e.reason], [code, reason]);
  }
  const nurse = await site.refused(person(), 'nurse');
  assert.deepStrictEqual([nurse.code, nurse.reason], ['PERMISSION_DENIED', 'KIND_NOT_ALLOWED']);
  const stranger = site.ward.client('records', { as: 'stranger' });
  const e = await stranger.failure('Read', { kind: 'KIND_PATIENT', id: anna.id }, site.tokens.nurse);
  assert.deepStrictEqual([e.code, e.reason], ['PERMISSION_DENIED', 'CALLER_NOT_ALLOWED']);
});

test('a patient reads what is theirs and nothing else', async () => {
  const bert = await site.treated();
  const me = site.as('patient', { sub: anna.id });
  const made = await site.create(observation(anna.id), 'nurse');
  assert.strictEqual((await site.read('KIND_OBSERVATION', made.version.resource_id, me)).record.version.version, 1);
  assert.strictEqual((await site.read('KIND_PATIENT', anna.id, me)).record.resource.patient.id, anna.id);
  assert.strictEqual((await site.unread('KIND_PATIENT', bert.id, me)).code, 'NOT_FOUND');
});

test('what is sealed does not lie in the database in the clear', async () => {
  const bert = await site.treated('ward-3', { name: [{ family: 'Xylophonist' }], telecom: [{ system: 'SYSTEM_PHONE', value: '+49 555 0199' }] });
  await site.create(note(bert.id, 'the unmistakable marzipan'), 'nurse');
  for (const [table] of await site.sql('SHOW TABLES')) {
    const columns = (await site.sql(`SHOW COLUMNS FROM ${table}`)).map(([c]) => `HEX(\`${c}\`)`).join(", ' ', ");
    const rows = await site.sql(`SELECT CONCAT_WS(' ', ${columns}) FROM ${table}`);
    const text = rows.map(([h]) => Buffer.from(h.replaceAll(' ', ''), 'hex').toString('latin1')).join('\n');
    for (const word of ['Xylophonist', 'xylophonist', '5550199', '555 0199', 'marzipan']) assert.ok(!text.includes(word), `${word} in ${table}`);
  }
});

test('a version is not changed and not deleted, whoever asks', async () => {
  const made = await site.create(observation(anna.id), 'nurse');
  const where = `WHERE resource_id = ${site.hex(made.version.resource_id)}`;
  await assert.rejects(site.sql(`UPDATE version SET actor = 'somebody else' ${where}`), /a version is not changed/);
  await assert.rejects(site.sql(`DELETE FROM version ${where}`), /a version is not deleted/);
  assert.strictEqual(kindOf(made.resource), 'KIND_OBSERVATION');
});
