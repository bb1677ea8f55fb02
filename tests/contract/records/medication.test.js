'use strict';
// MedicationStatement: the medicines that a patient takes at home, as somebody reports them.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { Site, coded, quantity, to, uuid } = require('./site');
const { imported, exported, bundle, entry, write } = require('./bundles');

const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
const PATH = 'MedicationStatement';

let site, anna;
before(async () => {
  site = await Site.shared();
  anna = await site.treated();
});
after(() => site?.stop());

const statement = (patient, more = {}) => ({
  medication_statement: {
    status: 'STATUS_ACTIVE', medication_codeable_concept: coded(RXNORM, '11289', 'warfarin'), subject: to(patient), date_asserted: '2026-03-02',
    effective_period: { start: '2025-01-10' }, dosage: [{ text: '5 mg at night', dose_and_rate: [{ dose_quantity: quantity('5', 'mg') }] }], ...more,
  },
});
const search = async (parameters, by = 'nurse') => (await site.records.call('Search', {
  kind: 'KIND_MEDICATION_STATEMENT', parameters: [{ name: 'patient', values: [anna.id] }, ...parameters],
}, site.tokens[by])).records.map((r) => r.version.resource_id);

test('physicians, nurses and pharmacists write what a patient takes; a registrar does not', async () => {
  for (const by of ['physician', 'nurse', 'pharmacist']) {
    const made = await site.create(statement(anna.id), by);
    const { record } = await site.read('KIND_MEDICATION_STATEMENT', made.version.resource_id, 'pharmacist');
    assert.equal(record.resource.medication_statement.dosage[0].dose_and_rate[0].dose_quantity.value.value, '5');
  }
  assert.equal((await site.refused(statement(anna.id), 'registrar')).reason, 'KIND_NOT_ALLOWED');
  const stranger = site.as('nurse', { ward: 'icu', sub: 'nurse-9' });
  assert.equal((await site.refused(statement(anna.id), stranger)).reason, 'PATIENT_NOT_FOUND');
});

test('a statement names its medicine, its status and its patient', async () => {
  const wrong = [
    [{ medication_codeable_concept: undefined }, 'FIELD_REQUIRED', `${PATH}.medication`],
    [{ status: 'STATUS_UNSPECIFIED' }, 'FIELD_REQUIRED', `${PATH}.status`],
    [{ date_asserted: 'yesterday' }, 'FIELD_INVALID', `${PATH}.dateAsserted`],
  ];
  for (const [more, reason, field] of wrong) {
    const e = await site.refused(statement(anna.id, more), 'nurse');
    assert.deepEqual([e.code, e.reason, e.violations?.[0]?.field ?? e.field], ['INVALID_ARGUMENT', reason, field]);
  }
});

test('it is found by code, status, date and encounter, and entered in error', async () => {
  const made = await site.create(statement(anna.id, {
    status: 'STATUS_NOT_TAKEN', medication_codeable_concept: coded(RXNORM, '3407', 'digoxin'), effective_period: undefined,
    effective_date_time: '2024-05-06', context: { reference: `Encounter/${anna.encounter}` },
  }), 'nurse');
  const id = made.version.resource_id;
  const asks = [
    { name: 'code', values: [`${RXNORM}|3407`] }, { name: 'status', values: ['not-taken'] }, { name: 'effective', values: ['2024-05'] },
    { name: 'context', values: [`Encounter/${anna.encounter}`] },
  ];
  for (const ask of asks) assert.deepEqual(await search([ask]), [id], ask.name);
  const marked = await site.records.call('MarkEnteredInError', {
    idempotency_key: site.key(), kind: 'KIND_MEDICATION_STATEMENT', id, expected_version: 1, reason: 'of another patient',
  }, site.tokens.nurse);
  assert.equal(marked.record.resource.medication_statement.status, 'STATUS_ENTERED_IN_ERROR');
  assert.deepEqual(await search([{ name: 'status', values: ['not-taken'] }]), []);
});

test('a bundle brings it in and out with what Ward does not model', async () => {
  const subject = uuid();
  const resource = {
    resourceType: PATH, id: uuid(), status: 'active', medicationCodeableConcept: { coding: [{ system: RXNORM, code: '6851', display: 'methotrexate' }] },
    subject: { reference: `Patient/${subject}` }, dosage: [{ text: 'once a week', timing: { repeat: { frequency: 1, period: 1, periodUnit: 'wk' } } }],
  };
  const patient = { resourceType: 'Patient', id: subject, gender: 'female', birthDate: '1949-08-02', name: [{ family: 'Beispiel' }] };
  await imported(site, { import_id: uuid() }, bundle([entry(patient), entry(resource)]));
  const { bundles } = await exported(site, { patient_id: subject });
  const out = bundles[0].entry.map((e) => e.resource).find((r) => r.resourceType === PATH);
  assert.deepEqual(JSON.parse(write([out.dosage, out.medicationCodeableConcept, out.status])), [resource.dosage, resource.medicationCodeableConcept, 'active']);
});

test('a_medicine_that_a_reference_names_is_kept_and_its_codes_are_not_looked_for', async () => {
  const made = await site.create(statement(anna.id, { medication_codeable_concept: undefined, medication_reference: { reference: 'Medication/1' } }), 'nurse');
  assert.deepEqual(await search([{ name: 'medication', values: ['Medication/1'] }]), [made.version.resource_id]);
});
