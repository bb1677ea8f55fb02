#!/usr/bin/env node
'use strict';
// One patient's journey, as a hospital's own program makes it: enrol, chart, order, verify, give, read, prove.
//
//   journey.js ward.properties RECEIPT      (examples/README.md says how both come about)
//
// Needs @grpc/grpc-js, @grpc/proto-loader and the npm package that `make protos-package` builds.

const assert = require('node:assert');
const fs = require('node:fs');
const { randomUUID } = require('node:crypto');
const { load, call, credentials, channelOptions, protos } = require('ward-protos');
const protobuf = require('protobufjs');

const WARD = 'ward-3', BED = 'bed-7';
const BARCODE = '(01)02999990010015'; // paracetamol 500 mg tablets of the sample formulary

const [file, receiptFile] = process.argv.slice(2);
const conf = Object.fromEntries(fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map((l) => [l.slice(0, l.indexOf('=')), l.slice(l.indexOf('=') + 1)]));
const api = load('ward/identity/v1/identity.proto', 'ward/records/v1/records.proto', 'ward/dosage/v1/orders.proto', 'ward/dosage/v1/schedule.proto',
  'ward/dosage/v1/administration.proto', 'ward/audit/v1/audit.proto').ward;
const tls = credentials(conf);
const client = (Service, name) => new Service(conf[name], tls, channelOptions);
const identity = client(api.identity.v1.Identity, 'identity');
const records = client(api.records.v1.Records, 'records');
const orders = client(api.dosage.v1.Orders, 'dosage');
const schedule = client(api.dosage.v1.Schedule, 'dosage');
const doses = client(api.dosage.v1.Administrations, 'dosage');
const audit = client(api.audit.v1.Audit, 'audit');

// In a hospital: an access token of its identity provider, renewed before it expires.
const as = (role) => ({ token: conf[`token.${role}`] });
// One key an act: chosen before the first try, sent again with every repetition.
const key = () => randomUUID();
const coded = (system, code, display = '') => ({ coding: [{ system, code, display }] });

async function enrol() {
  const consent = { purpose: 'patient-identification', text_version: '2026-03-en', given_by: 'self' };
  const answer = await call(identity, 'Enrol', { idempotency_key: key(), kind: 'SUBJECT_KIND_PATIENT', photograph: fs.readFileSync(conf.photo), consent, birth_year: 1980 }, as('registrar'));
  return answer.subject_id;
}

// Patient.id is the subject's id; the open encounter's ward is the one in the clinicians' tokens. Without it they see nobody.
async function chart(patient) {
  const create = (role, resource) => call(records, 'Create', { idempotency_key: key(), resource }, as(role));
  const whose = { reference: `Patient/${patient}` };
  const now = new Date().toISOString();
  await create('registrar', { patient: { id: patient, name: [{ family: 'Beispiel', given: ['Anna'] }], birth_date: '1980-01-31' } });
  await create('registrar', { encounter: { status: 'STATUS_IN_PROGRESS', class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP' },
    subject: whose, period: { start: now }, location: [{ location: { reference: `Location/${WARD}` } }] } });
  await create('nurse', { observation: { status: 'STATUS_FINAL', code: coded('http://loinc.org', '29463-7', 'Body weight'), subject: whose, effective_date_time: now,
    value_quantity: { value: { value: '62.5' }, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' } } });
  await create('physician', { allergy_intolerance: { clinical_status: coded('http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', 'active'),
    code: coded('http://snomed.info/sct', '91936005', 'Allergy to penicillin'), patient: whose } });
}

function place(patient, drug_id, milligrams) {
  const prescription = { drug_id, dose: { value: String(milligrams), unit: 'mg' }, route: 'ROUTE_PO', timing: { kind: 'KIND_INTERVAL', interval_minutes: 480 } };
  return call(orders, 'Place', { idempotency_key: key(), patient_id: patient, prescription }, as('physician'));
}

async function order(patient) {
  const refused = await place(patient, 'amoxicillin', 500); // an answer with status OK: `placed` says whether it was ordered
  assert(!refused.placed && refused.open.length > 0);
  console.log('refused  amoxicillin:', refused.open[0]);
  const placed = await place(patient, 'paracetamol', 1000);
  assert(placed.placed, String(placed.open));
  return placed.order.order_id;
}

// The token is good for this patient, place and purpose, for 120 s at most, once.
async function verify(patient) {
  const request = { subject_id: patient, photograph: fs.readFileSync(conf.again), place: BED, purpose: 'administration', attended: true };
  const answer = await call(identity, 'Verify', request, { ...as('nurse'), idempotent: false }); // without a key: made again it would be another attempt
  assert.strictEqual(answer.outcome, 'OUTCOME_MATCH', JSON.stringify(answer.reasons));
  return answer.token;
}

async function give(patient, order_id) {
  const { slots } = await call(schedule, 'ListSlots', { patient_id: patient, order_id }, as('nurse'));
  const due = slots.find((s) => s.state === 'SLOT_STATE_DUE');
  const request = { idempotency_key: key(), patient_id: patient, order_id, slot_id: due.slot_id, outcome: 'DOSE_OUTCOME_GIVEN', ppid_token: await verify(patient), place: BED,
    scan: BARCODE, units: '2', dose: { value: '1000', unit: 'mg' }, route: 'ROUTE_PO' };
  const given = await call(doses, 'Administer', request, as('nurse'));
  assert(given.recorded, JSON.stringify([given.open, given.rights]));
  const again = await call(doses, 'Administer', request, as('nurse')); // as after a connection that broke
  assert.strictEqual(again.administration.administration_id, given.administration.administration_id);
  console.log('given    once:', given.administration.administration_id);
  return given.administration.event_id;
}

async function read(patient) {
  const found = await call(records, 'Search', { kind: 'KIND_OBSERVATION', parameters: [{ name: 'patient', values: [`Patient/${patient}`] }] }, as('nurse'));
  assert.deepStrictEqual(found.records.map((r) => r.resource.observation.value_quantity.value.value), ['62.5']);
  const refused = await call(orders, 'Place', { idempotency_key: key(), patient_id: patient }, as('nurse')).then(() => assert.fail('a nurse placed an order'), (err) => err.ward);
  console.log('refused ', refused.code, refused.reason);
  assert.deepStrictEqual([refused.code, refused.reason], ['PERMISSION_DENIED', 'ROLE_MISSING']);
}

// The event reaches the log a moment after the act; wardctl audit verify --receipt checks the file offline.
async function prove(event) {
  for (let tries = 0; ; tries++) {
    try {
      const { receipt } = await call(audit, 'GetReceipt', { event_id: event }, as('auditor'));
      const root = new protobuf.Root();
      root.resolvePath = (_, name) => `${protos}/${name}`;
      const type = root.loadSync('ward/audit/v1/audit.proto', { keepCase: true }).lookupType('ward.audit.v1.Receipt');
      fs.writeFileSync(receiptFile, type.encode(type.fromObject(receipt)).finish());
      return console.log('receipt  of entry', receipt.index);
    } catch (err) {
      if (err.ward?.code !== 'NOT_FOUND' || tries === 100) throw err;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function main() {
  const patient = await enrol();
  await chart(patient);
  const event = await give(patient, await order(patient));
  await read(patient);
  await prove(event);
  for (const c of [identity, records, orders, schedule, doses, audit]) c.close();
}

main().catch((err) => {
  console.error(err.ward ? `${err.ward.code} ${err.ward.reason} ${err.ward.field}: ${err.ward.message}` : err);
  process.exitCode = 1;
});
