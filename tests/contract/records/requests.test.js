'use strict';
// What was asked for and done: Procedure, Immunization, ServiceRequest, MedicationRequest.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { Site, KINDS, coded, consent, quantity, to, uuid } = require('./site');
const { Num, read, write, differences, imported, exported, bundle, entry } = require('./bundles');

const SCT = 'http://snomed.info/sct';
const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';

let site, anna;
before(async () => {
  site = await Site.start({ services: ['records'] });
  anna = await site.treated();
});
after(() => site?.stop());

const procedure = (patient, more = {}) => ({
  procedure: {
    status: 'STATUS_COMPLETED', code: coded(SCT, '80146002', 'Appendectomy'), subject: to(patient),
    performed_period: { start: '2026-03-01T10:00:00Z', end: '2026-03-01T11:00:00Z' }, ...more,
  },
});
const immunization = (patient, more = {}) => ({
  immunization: {
    status: 'STATUS_COMPLETED', vaccine_code: coded('http://hl7.org/fhir/sid/cvx', '140', 'Influenza'), patient: to(patient),
    occurrence_date_time: '2025-10-02', protocol_applied: [{ dose_number_positive_int: 1 }], ...more,
  },
});
const service = (patient, more = {}) => ({
  service_request: {
    status: 'STATUS_ACTIVE', intent: 'INTENT_ORDER', priority: 'REQUEST_PRIORITY_STAT', code: coded('http://loinc.org', '24627-2', 'CT Chest'),
    subject: to(patient), authored_on: '2026-03-01T09:00:00Z', occurrence_date_time: '2026-03-02', ...more,
  },
});
const prescription = (patient, more = {}) => ({
  medication_request: {
    status: 'STATUS_ACTIVE', intent: 'INTENT_ORDER', medication_codeable_concept: coded(RXNORM, '314076', 'lisinopril'), subject: to(patient),
    authored_on: '2026-02-27', dosage_instruction: [{ timing: { repeat: { frequency: 1, period: { value: '1.0' }, period_unit: 'UNITS_OF_TIME_D' } },
      dose_and_rate: [{ dose_quantity: quantity('10.0', 'mg') }] }], ...more,
  },
});
// Each kind, what makes one, who writes it, and how FHIR's search calls its code and date.
const each = [
  ['procedure', procedure, ['physician', 'nurse'], [['code', `${SCT}|80146002`], ['date', '2026-03-01'], ['status', 'completed']]],
  ['immunization', immunization, ['physician', 'nurse', 'pharmacist'], [['vaccine-code', '140'], ['date', '2025-10'], ['status', 'completed']]],
  ['service_request', service, ['physician'],
    [['code', '24627-2'], ['authored', '2026-03-01'], ['occurrence', '2026-03-02'], ['status', 'active'], ['intent', 'order'], ['priority', 'stat']]],
  ['medication_request', prescription, ['physician'], [['code', `${RXNORM}|314076`], ['authoredon', '2026-02'], ['status', 'active'], ['intent', 'order']]],
];
const search = async (name, parameters, by = 'nurse') => (await site.records.call('Search', {
  kind: KINDS[name], parameters: [{ name: 'patient', values: [anna.id] }, ...parameters],
}, site.tokens[by])).records.map((r) => r.version.resource_id);

test('each_kind_is_written_by_its_roles_and_found_by_code_date_status_and_encounter', async () => {
  for (const [name, make, writers, asks] of each) {
    const ids = [];
    for (const by of ['physician', 'nurse', 'pharmacist', 'registrar']) {
      const resource = make(anna.id, { encounter: { reference: `Encounter/${anna.encounter}` } });
      if (writers.includes(by)) ids.push((await site.create(resource, by)).version.resource_id);
      else assert.strictEqual((await site.refused(resource, by)).reason, 'KIND_NOT_ALLOWED', `${name} by a ${by}`);
    }
    for (const [parameter, value] of [...asks, ['encounter', `Encounter/${anna.encounter}`]]) {
      assert.deepStrictEqual((await search(name, [{ name: parameter, values: [value] }])).sort(), [...ids].sort(), `${name} by ${parameter}`);
    }
    assert.deepStrictEqual(await search(name, [{ name: 'status', values: ['entered-in-error'] }]), [], name);
    const marked = await site.records.call('MarkEnteredInError', {
      idempotency_key: site.key(), kind: KINDS[name], id: ids[0], expected_version: 1, reason: 'of another patient',
    }, site.tokens.physician);
    assert.strictEqual(marked.record.resource[name].status, 'STATUS_ENTERED_IN_ERROR');
  }
});

test('what_FHIR_requires_of_each_kind_is_required', async () => {
  const repeat = (r) => ({ dosage_instruction: [{ timing: { repeat: r } }] });
  const at = 'MedicationRequest.dosageInstruction[0].timing.repeat';
  const wrong = [
    [procedure(anna.id, { status: 0 }), 'FIELD_REQUIRED', 'Procedure.status'],
    [procedure(anna.id, { performer: [{ function: { text: 'surgeon' } }] }), 'FIELD_REQUIRED', 'Procedure.performer[0].actor'],
    [immunization(anna.id, { vaccine_code: undefined }), 'FIELD_REQUIRED', 'Immunization.vaccineCode'],
    [immunization(anna.id, { occurrence_date_time: undefined }), 'FIELD_REQUIRED', 'Immunization.occurrence'],
    [immunization(anna.id, { protocol_applied: [{ series: 'x' }] }), 'FIELD_REQUIRED', 'Immunization.protocolApplied[0].doseNumber'],
    [immunization(anna.id, { protocol_applied: [{ dose_number_positive_int: 0 }] }), 'FIELD_INVALID', 'Immunization.protocolApplied[0].doseNumberPositiveInt'],
    [immunization(anna.id, { education: [{ publication_date: '2020' }] }), 'FIELD_INVALID', 'Immunization.education[0]'],
    [service(anna.id, { intent: 0 }), 'FIELD_REQUIRED', 'ServiceRequest.intent'],
    [service(anna.id, { code: undefined, order_detail: [{ text: 'x' }] }), 'FIELD_REQUIRED', 'ServiceRequest.code'],
    [prescription(anna.id, { medication_codeable_concept: undefined }), 'FIELD_REQUIRED', 'MedicationRequest.medication'],
    [prescription(anna.id, { substitution: { reason: { text: 'x' } } }), 'FIELD_REQUIRED', 'MedicationRequest.substitution.allowed'],
    [prescription(anna.id, repeat({ period: { value: '1' } })), 'FIELD_REQUIRED', `${at}.periodUnit`],
    [prescription(anna.id, repeat({ period: { value: '-1' }, period_unit: 'UNITS_OF_TIME_D' })), 'FIELD_INVALID', `${at}.period`],
    [prescription(anna.id, repeat({ duration_max: { value: '1' } })), 'FIELD_REQUIRED', `${at}.duration`],
    [prescription(anna.id, repeat({ count_max: 3 })), 'FIELD_REQUIRED', `${at}.count`],
    [prescription(anna.id, repeat({ when: ['DINNER'] })), 'CODE_UNKNOWN', `${at}.when`],
    [prescription(anna.id, repeat({ when: ['C'], offset: 30 })), 'FIELD_INVALID', `${at}.offset`],
    [prescription(anna.id, repeat({ when: ['HS'], time_of_day: ['22:00:00'] })), 'FIELD_INVALID', `${at}.timeOfDay`],
  ];
  for (const [resource, reason, field] of wrong) {
    const e = await site.refused(resource, 'physician');
    assert.deepStrictEqual([e.code, e.reason, e.violations?.[0]?.field ?? e.field], ['INVALID_ARGUMENT', reason, field]);
  }
});

test('a_denial_by_label_hides_what_a_coding_anywhere_says', async () => {
  const patient = await site.treated();
  const made = await site.create(service(patient.id, { reason_code: [coded('http://hl7.org/fhir/sid/icd-10', 'B20')] }), 'physician');
  const open = await site.create(service(patient.id), 'physician');
  const label = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' };
  await site.create(consent(patient.id, {
    type: 'PROVISION_TYPE_PERMIT', provision: [{ type: 'PROVISION_TYPE_DENY', security_label: [label] }],
  }), 'registrar');
  const seen = (await site.records.call('Search', {
    kind: 'KIND_SERVICE_REQUEST', parameters: [{ name: 'patient', values: [patient.id] }],
  }, site.tokens.nurse)).records.map((r) => r.version.resource_id);
  assert.deepStrictEqual(seen, [open.version.resource_id]);
  assert.notStrictEqual(made.version.resource_id, open.version.resource_id);
});

test('a_bundle_brings_each_in_and_out_digit_for_digit', async () => {
  const subject = { reference: `urn:uuid:${uuid()}` };
  const mg = (value) => ({ value: new Num(value), unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' });
  const resources = [
    { resourceType: 'Patient', id: subject.reference.slice(9), gender: 'female', birthDate: '1949-08-02', name: [{ family: 'Beispiel' }] },
    { resourceType: 'Procedure', id: uuid(), status: 'completed', code: { text: 'x' }, subject, performedString: 'as a child', contained: [{ resourceType: 'Device', id: 'd' }],
      focalDevice: [{ manipulated: { reference: '#d' } }] },
    { resourceType: 'Immunization', id: uuid(), status: 'not-done', vaccineCode: { text: 'x' }, patient: subject, occurrenceString: 'never', doseQuantity: mg('0.50'),
      reaction: [{ date: '2020-01', reported: false }], education: [{ reference: 'http://x/y' }], expirationDate: '2027-01' },
    { resourceType: 'ServiceRequest', id: uuid(), status: 'on-hold', intent: 'reflex-order', subject, code: { text: 'x' }, orderDetail: [{ text: 'y' }],
      occurrenceTiming: { event: ['2026-03-01'], code: { text: 'BID' } }, quantityQuantity: mg('1.10'), _authoredOn: { id: 'a' } },
    { resourceType: 'MedicationRequest', id: uuid(), status: 'stopped', intent: 'filler-order', doNotPerform: false, subject, medicationReference: { reference: 'Medication/1' },
      dosageInstruction: [{ sequence: new Num('0'), asNeededBoolean: false, timing: { repeat: { boundsPeriod: { start: '2026' }, frequency: new Num('1'), period: new Num('1.0'),
        periodUnit: 'wk', dayOfWeek: ['mon', 'sun'], timeOfDay: ['08:00:00'] } }, doseAndRate: [{ doseQuantity: mg('2.50'), rateRange: { low: mg('1.0') } }],
      maxDosePerPeriod: { numerator: mg('10.00'), denominator: { value: new Num('1'), unit: 'd', system: 'http://unitsofmeasure.org', code: 'd' } } }],
      dispenseRequest: { numberOfRepeatsAllowed: new Num('0') }, substitution: { allowedBoolean: false } },
  ];
  const last = await imported(site, { import_id: uuid() }, write(read(bundle([]).replace('[]', write(resources.map((r) => entry(r)))))));
  assert.deepStrictEqual([last.created, last.quarantined, last.unsupported], [resources.length, 0, []]);
  assert.deepStrictEqual(last.unmodelled.map((u) => u.name).sort(), ['Procedure.contained', 'ServiceRequest._authoredOn']);
  const { bundles } = await exported(site, { patient_id: resources[0].id });
  const out = bundles[0].entry.map((e) => e.resource);
  for (const r of resources) {
    const { meta, ...back } = out.find((x) => x.id === r.id);
    assert.ok(meta.versionId);
    assert.deepStrictEqual(differences(read(write(r)), back), [], r.resourceType);
  }
});
