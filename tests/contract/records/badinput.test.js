'use strict';
// What no chart should hold: impossible dates, numbers that are none, huge and broken texts, numbers
// of enums that nobody knows, messages too deep. Clear errors, and nothing is written.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { grpc } = require('../../lib/client');
const { Site, observation, condition, allergy, note, report, encounter, consent, person, quantity, loinc, coded, to } = require('./site');

let site, anna, rowsBefore;

before(async () => {
  site = await Site.shared();
  anna = await site.treated();
  rowsBefore = await site.rows('version');
});
after(async () => {
  if (!site) return;
  const rows = await site.rows('version');
  await site.stop();
  assert.strictEqual(rows, rowsBefore, 'something was written');
});

async function refused(resource, by, code, reason, field) {
  const e = await site.refused(resource, by);
  const shown = `${JSON.stringify(resource).slice(0, 200)}: ${e.message} ${e.reason} ${e.field}`;
  assert.deepStrictEqual([e.code, e.reason], [code, reason], shown);
  if (field) assert.strictEqual(e.field, field, shown);
  return e;
}

test('dates that are none are refused, each with its element', async () => {
  const dates = ['2026-02-30', '2025-02-29', '2026-13-01', '2026-00-10', '0000-01-01'];
  for (const d of dates) {
    await refused(person({ birth_date: d }), 'registrar', 'INVALID_ARGUMENT', 'DATE_IMPOSSIBLE', 'Patient.birthDate');
    await refused(condition(anna.id, { onset_date_time: d }), 'physician', 'INVALID_ARGUMENT', 'DATE_IMPOSSIBLE', 'Condition.onsetDateTime');
  }
  const times = ['2026-03-02T24:00:00Z', '2026-03-02T10:60:00Z', '2026-03-02T10:00:61Z', '2026-03-02T10:00:00+15:00'];
  for (const effective_date_time of times) {
    await refused(observation(anna.id, { effective_date_time }), 'nurse', 'INVALID_ARGUMENT', 'DATE_IMPOSSIBLE', 'Observation.effectiveDateTime');
  }
  for (const effective_date_time of ['yesterday', '02.03.2026', '2026-3-2', '2026-03-02T10:00Z', '2026-03-02T10:00:00', ' 2026', '2026-03-02 10:00:00Z', '99999']) {
    const e = await site.refused(observation(anna.id, { effective_date_time }), 'nurse');
    assert.deepStrictEqual([e.code, e.field], ['INVALID_ARGUMENT', 'Observation.effectiveDateTime'], `${effective_date_time}: ${e.message}`);
  }
});

test('decimals that are none are refused', async () => {
  for (const value of ['', '1,5', '1.', '.5', '01', '+1', '1e', '0x10', 'NaN', 'Infinity', '１２', '1'.repeat(65), '--1']) {
    const e = await site.refused(observation(anna.id, { value_quantity: quantity(value, 'kg') }), 'nurse');
    assert.strictEqual(e.code, 'INVALID_ARGUMENT', `${value}: ${e.message}`);
    assert.match(e.field, /^Observation\.valueQuantity\.value/);
  }
});

test('what FHIR requires is required, by name', async () => {
  const rows = [
    [observation(anna.id, { status: 'STATUS_UNSPECIFIED' }), 'nurse', 'Observation.status'],
    [observation(anna.id, { code: null }), 'nurse', 'Observation.code'],
    [condition(anna.id, { subject: null }), 'physician', 'Condition.subject'],
    [allergy(anna.id, { patient: null }), 'nurse', 'AllergyIntolerance.patient'],
    [note(anna.id, '', { content: [] }), 'nurse', 'DocumentReference.content'],
    [report(anna.id, { code: null }), 'physician', 'DiagnosticReport.code'],
    [encounter(anna.id, 'ward-3', { class: null }), 'registrar', 'Encounter.class'],
    [consent(anna.id, undefined, { category: [] }), 'registrar', 'Consent.category'],
  ];
  for (const [resource, by, field] of rows) {
    const e = await site.refused(resource, by);
    assert.strictEqual(e.code, 'INVALID_ARGUMENT', e.message);
    assert.ok(e.field.startsWith(field), `${e.field} is not ${field}`);
  }
});

test('a reference to whose it is must be one', async () => {
  for (const reference of ['', 'Patient/1', 'Practitioner/01890000-0000-7000-8000-000000000000', 'https://x/Patient/01890000-0000-7000-8000-000000000000',
    'Patient/01890000-0000-7000-8000-000000000000/_history/1', 'urn:uuid:1']) {
    const e = await site.refused(observation(anna.id, { subject: { reference } }), 'nurse');
    assert.strictEqual(e.code, 'INVALID_ARGUMENT', `${reference}: ${e.message}`);
    assert.ok(e.field.startsWith('Observation.subject'), e.field);
  }
});

test('a number of an enum that nobody knows is refused', async () => {
  for (const status of [9, 99, -1, 2147483647]) {
    const e = await site.refused(observation(anna.id, { status }), 'nurse');
    assert.deepStrictEqual([e.code, e.field], ['INVALID_ARGUMENT', 'Observation.status'], String(status));
  }
  const e = await site.refused(person({ gender: 77 }), 'registrar');
  assert.deepStrictEqual([e.code, e.field], ['INVALID_ARGUMENT', 'Patient.gender']);
});

test('a note of 100 MB, one of 2 MiB and one of many small texts are refused, and the service lives', async () => {
  const huge = await site.refused(note(anna.id, 'x'.repeat(100e6)), 'nurse');
  assert.strictEqual(huge.code, 'RESOURCE_EXHAUSTED');
  await refused(note(anna.id, 'x'.repeat(2 << 20)), 'nurse', 'INVALID_ARGUMENT', 'RESOURCE_TOO_LARGE');
  const many = { note: Array.from({ length: 40 }, () => ({ text: 'y'.repeat(60000) })) };
  await refused(observation(anna.id, many), 'nurse', 'INVALID_ARGUMENT', 'RESOURCE_TOO_LARGE');
  const names = Array.from({ length: 3000 }, (_, i) => ({ family: `Name${i} With${i} Words${i}` }));
  await refused(person({ name: names }), 'registrar', 'INVALID_ARGUMENT', 'RESOURCE_TOO_LARGE');
  const tall = await site.refused(person({ name: [{ family: 'z'.repeat(70000) }] }), 'registrar');
  assert.strictEqual(tall.code, 'INVALID_ARGUMENT');
  assert.ok(tall.field.startsWith('Patient.name'), tall.field);
  assert.strictEqual((await site.read('KIND_PATIENT', anna.id, 'registrar')).record.version.version, 1);
});

// A message that no honest client would write, as its bytes.
function raw(bytes, who) {
  const path = '/ward.records.v1.Records/Create';
  const md = new grpc.Metadata();
  md.set('authorization', `Bearer ${who.token}`);
  return new Promise((resolve, reject) => {
    site.records.stub.makeUnaryRequest(path, (b) => b, (b) => b, bytes, md, { deadline: Date.now() + 20000 },
      (err) => (err ? resolve(err) : reject(new Error('it was taken'))));
  });
}
const serialize = (request) => site.records.stub.Create.requestSerialize(request);

test('bytes that are not UTF-8 or not a message are refused', async () => {
  const mark = 'REPLACEME';
  const bytes = serialize({ idempotency_key: 'k', resource: observation(anna.id, { note: [{ text: mark }] }) });
  const at = bytes.indexOf(mark);
  for (const broken of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0x00]]) {
    const bad = Buffer.from(bytes);
    Buffer.from(broken).copy(bad, at);
    const e = await raw(bad, site.tokens.nurse);
    assert.strictEqual(e.code, grpc.status.INVALID_ARGUMENT, e.details);
  }
  for (const cut of [bytes.subarray(0, bytes.length - 1), bytes.subarray(0, 20), Buffer.from('no message'), Buffer.alloc(100, 0xff)]) {
    assert.strictEqual((await raw(cut, site.tokens.nurse)).code, grpc.status.INVALID_ARGUMENT);
  }
});

// docs/errors.md, "Without ErrorInfo".
// The C core gives no reason.
const REASON = process.env.WARD_TRANSPORT === 'core' ? undefined : 'MESSAGE_TOO_LARGE';
test('a message above 8 MiB is refused, on the C core without a reason of ours', async () => {
  const text = site.api('text');
  const e = await text.failure('Extract', { text: 'x'.repeat(9 << 20) }, site.tokens.nurse);
  assert.deepStrictEqual([e.code, e.reason], ['RESOURCE_EXHAUSTED', REASON]);
  if (!REASON) assert.match(e.details, /^Received message larger than max \(\d+ vs\. 8388608\)$/);
  const below = await text.failure('Extract', { text: 'x'.repeat(7 << 20) }, site.tokens.nurse);
  assert.deepStrictEqual([below.code, below.reason], ['INVALID_ARGUMENT', 'TEXT_TOO_LONG']);
});

test('extensions in extensions in extensions end somewhere', async () => {
  let extension = { url: 'http://x/y', value_string: 'deep' };
  for (let i = 0; i < 60; i++) extension = { url: 'http://x/y', extension: [extension] };
  const e = await site.refused(observation(anna.id, { extension: [extension] }), 'nurse');
  assert.strictEqual(e.code, 'INVALID_ARGUMENT');
});

test('a consent that asks for more than is enforced is refused, and kept as a draft', async () => {
  const deny = (more) => ({ type: 'PROVISION_TYPE_PERMIT', provision: [{ type: 'PROVISION_TYPE_DENY', ...more }] });
  const label = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' };
  const role = coded('urn:x', 'y');
  const rows = [
    deny({ action: [coded('urn:x', 'access')] }), deny({ purpose: [{ system: 'urn:x', code: 'TREAT' }] }), deny({ code: [loinc('1-1')] }),
    deny({ data_period: { start: '2026' } }), deny({ data: [{ meaning: 'instance', reference: to(anna.id) }] }),
    deny({ provision: [{ type: 'PROVISION_TYPE_DENY' }] }), deny({ type: 'PROVISION_TYPE_PERMIT' }),
    deny({ security_label: [{ system: 'urn:other', code: 'PSY' }] }), deny({ security_label: [{ ...label, code: 'R' }] }),
    deny({ class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'CarePlan' }] }),
    deny({ class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Practitioner' }] }), deny({ class: [{ system: 'urn:x', code: 'Observation' }] }),
    deny({ actor: [{ reference: { reference: 'Organization/1' }, role }] }), deny({ actor: [{ role, reference: { display: 'anybody' } }] }),
    deny({ actor: [{ reference: { reference: 'Practitioner/' }, role }] }),
    { type: 'PROVISION_TYPE_DENY', security_label: [label] }, { type: 'PROVISION_TYPE_DENY', provision: [{ type: 'PROVISION_TYPE_DENY' }] },
    { type: 'PROVISION_TYPE_PERMIT', purpose: [{ system: 'urn:x', code: 'TREAT' }] },
  ];
  for (const provision of rows) await refused(consent(anna.id, provision), 'registrar', 'FAILED_PRECONDITION', 'CONSENT_NOT_ENFORCEABLE');
  const draft = await site.create(consent(anna.id, rows[0], { status: 'STATUS_DRAFT' }));
  rowsBefore++;
  const active = { consent: { ...draft.resource.consent, status: 'STATUS_ACTIVE' } };
  const e = await site.records.failure('Update', { idempotency_key: site.key(), resource: active, expected_version: 1 }, site.tokens.registrar);
  assert.deepStrictEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'CONSENT_NOT_ENFORCEABLE']);
});
