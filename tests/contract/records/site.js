'use strict';
// What the tests of records share: a Ward with audit and records, people with roles, wards and
// purposes, and resources that pass. With { services: ['records'] } audit is not there: its events
// stay in the outbox to be looked at. 'records2' is a second replica on the same database.

const crypto = require('node:crypto');
const path = require('node:path');
const protobuf = require('protobufjs');
const { Ward } = require('../../lib/ward');
const { sharedWard } = require('../../lib/shared');
const { until } = require('../../lib/until');
const { root } = require('../../lib/paths');

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const nobody = '01890000-0000-7000-8000-000000000000';
const CLINICIANS = ['physician', 'nurse', 'pharmacist'];
// Every role with the purpose it usually comes for.
const PURPOSE = {
  physician: 'TREAT', nurse: 'TREAT', pharmacist: 'TREAT', registrar: 'PATADMIN', 'privacy-officer': 'HOPERAT', patient: 'PATRQT',
  'records-admin': 'HOPERAT', auditor: 'HOPERAT', analyst: 'HOPERAT', researcher: 'HRESCH', porter: 'TREAT',
};
const KINDS = {
  patient: 'KIND_PATIENT', encounter: 'KIND_ENCOUNTER', observation: 'KIND_OBSERVATION', condition: 'KIND_CONDITION',
  allergy_intolerance: 'KIND_ALLERGY_INTOLERANCE', document_reference: 'KIND_DOCUMENT_REFERENCE',
  diagnostic_report: 'KIND_DIAGNOSTIC_REPORT', consent: 'KIND_CONSENT', medication_statement: 'KIND_MEDICATION_STATEMENT',
  medication_request: 'KIND_MEDICATION_REQUEST', procedure: 'KIND_PROCEDURE', immunization: 'KIND_IMMUNIZATION',
  service_request: 'KIND_SERVICE_REQUEST', other: 'KIND_OTHER', practitioner: 'KIND_PRACTITIONER', organization: 'KIND_ORGANIZATION',
  location: 'KIND_LOCATION',
};

// ---- resources: whole and small; `more` adds and replaces fields ----

const coded = (system, code, display) => ({ coding: [{ system, code, ...(display && { display }) }] });
const loinc = (code, display) => coded('http://loinc.org', code, display);
const quantity = (value, unit) => ({ value: { value }, unit, system: 'http://unitsofmeasure.org', code: unit });
const to = (patient) => ({ reference: `Patient/${patient}` });
const person = (more = {}) => ({
  patient: { name: [{ family: 'Beispiel', given: ['Anna', 'Maria'] }], gender: 'ADMINISTRATIVE_GENDER_FEMALE', birth_date: '1949-08-02', ...more },
});
const encounter = (patient, ward = 'ward-3', more = {}) => ({
  encounter: {
    status: 'STATUS_IN_PROGRESS', class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP' }, subject: to(patient),
    period: { start: '2026-03-01T08:00:00+08:00' }, location: [{ location: { reference: `Location/${ward}` } }], ...more,
  },
});
const observation = (patient, more = {}) => ({
  observation: {
    status: 'STATUS_FINAL', code: loinc('8867-4', 'Heart rate'), subject: to(patient), effective_date_time: '2026-03-02T09:30:00+08:00',
    value_quantity: quantity('72', '/min'), ...more,
  },
});
const ACTIVE = coded('http://terminology.hl7.org/CodeSystem/condition-clinical', 'active');
const condition = (patient, more = {}) => ({
  condition: {
    clinical_status: ACTIVE, code: coded('http://hl7.org/fhir/sid/icd-10', 'J18.9', 'Pneumonia, unspecified organism'), subject: to(patient),
    onset_date_time: '2026-02-27', ...more,
  },
});
const allergy = (patient, more = {}) => ({
  allergy_intolerance: {
    clinical_status: coded('http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', 'active'),
    code: coded('http://snomed.info/sct', '91936005', 'Allergy to penicillin'), patient: to(patient), ...more,
  },
});
const note = (patient, text, more = {}) => ({
  document_reference: {
    status: 'STATUS_CURRENT', subject: to(patient), type: loinc('34109-9', 'Note'),
    content: [{ attachment: { content_type: 'text/plain', data: Buffer.from(text) } }], ...more,
  },
});
const report = (patient, more = {}) => ({
  diagnostic_report: {
    status: 'STATUS_FINAL', code: loinc('58410-2', 'Complete blood count'), subject: to(patient), effective_date_time: '2026-03-02', ...more,
  },
});
// Denies as `provision` says (Consent.provision), from now on; none: everything to everybody.
const consent = (patient, provision = { type: 'PROVISION_TYPE_DENY' }, more = {}) => ({
  consent: {
    status: 'STATUS_ACTIVE', scope: coded('http://terminology.hl7.org/CodeSystem/consentscope', 'patient-privacy'),
    category: [coded('http://terminology.hl7.org/CodeSystem/consentcategorycodes', 'infa')], patient: to(patient),
    policy_rule: coded('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'OPTOUT'), provision, ...more,
  },
});

// The kind of a resource as in requests ("KIND_PATIENT"), and what it holds.
const kindOf = (resource) => KINDS[bodyName(resource)];
const bodyName = (resource) => Object.keys(KINDS).find((k) => resource[k]);
const body = (resource) => resource[bodyName(resource)];

// The same without what protobufjs filled in: empty strings, lists, objects and the oneofs' names;
// and without the version in meta. For comparing what was sent with what is given out.
function plain(value) {
  if (Buffer.isBuffer(value)) return value.length ? value.toString('base64') : undefined;
  if (Array.isArray(value)) return value.length ? value.map(plain) : undefined;
  if (value === null) return undefined;
  if (typeof value !== 'object') return value === '' || value === 0 || /_UNSPECIFIED$/.test(value) ? undefined : value;
  const out = {};
  for (const [k, v] of Object.entries(value)) {
    const p = k === 'version_id' || k === 'last_updated' || (typeof v === 'string' && k !== v && v in value) ? undefined : plain(v);
    if (p !== undefined) out[k] = p;
  }
  return Object.keys(out).length ? out : undefined;
}

let keys = 0; // of all sites of this process: they may share a Ward, and callers

class Site {
  // options: Ward.start's.
  static async start(options = {}) {
    return Site.on(await Ward.start({ services: ['audit', 'records'], ...options }));
  }

  // On two replicas without audit that other files use before and after: see tests/lib/shared.js.
  static async shared() {
    return Site.on(await sharedWard(['records', 'records2']));
  }

  static on(ward) {
    const site = new Site();
    const proto = new protobuf.Root();
    proto.resolvePath = (_, file) => path.resolve(root, 'proto', file);
    site.eventType = proto.loadSync('ward/audit/v1/event.proto', { keepCase: true }).lookupType('ward.audit.v1.Event');
    site.ward = ward;
    site.records = site.ward.client('records');
    site.tokens = Object.fromEntries(Object.keys(PURPOSE).map((role) => [role, site.as(role)]));
    return site;
  }

  stop() { return this.ward.stop(); }

  // What to call with as a person of this role: as('nurse', { sub: 'nurse-2', ward: 'icu', purpose: 'ETREAT' }).
  // Clinicians work in ward-3 unless told otherwise.
  as(role, claims = {}) {
    const ward = CLINICIANS.includes(role) ? { ward: 'ward-3' } : {};
    return { token: this.ward.token({ roles: [role], sub: `${role}-1`, purpose: PURPOSE[role], lifetime: 3600, ...ward, ...claims }) };
  }

  // A client of another of records' services ('patients', 'exchange', 'recordsadmin'...), made once.
  api(name, { on = 'records', as = 'wardctl' } = {}) {
    this.made ||= {};
    return (this.made[`${name} ${on} ${as}`] ||= this.ward.client(on, { api: name, as }));
  }

  key() { return `key-${keys++}`; }

  // Record of a created resource. by: a role, or what as() gives; on: a client.
  async create(resource, by = 'registrar', { on = this.records, ...more } = {}) {
    const answer = await on.call('Create', { idempotency_key: this.key(), resource, ...more }, typeof by === 'string' ? this.tokens[by] : by);
    return answer.record;
  }

  // What creating it fails with.
  refused(resource, by = 'registrar', more = {}) {
    const what = typeof by === 'string' ? this.tokens[by] : by;
    return this.records.failure('Create', { idempotency_key: this.key(), resource, ...more }, what);
  }

  update(resource, expected_version, by = 'registrar', more = {}) {
    const what = typeof by === 'string' ? this.tokens[by] : by;
    return this.records.call('Update', { idempotency_key: this.key(), resource, expected_version, ...more }, what).then((a) => a.record);
  }

  read(kind, id, by = 'nurse') {
    return this.records.call('Read', { kind, id }, typeof by === 'string' ? this.tokens[by] : by);
  }

  unread(kind, id, by = 'nurse') {
    return this.records.failure('Read', { kind, id }, typeof by === 'string' ? this.tokens[by] : by);
  }

  // A new patient's id, nobody treats them yet.
  async patient(more = {}) { return (await this.create(person(more))).version.resource_id; }

  // A new patient with an open encounter in a ward: {id, encounter}.
  async treated(ward = 'ward-3', more = {}) {
    const id = await this.patient(more);
    const record = await this.create(encounter(id, ward));
    return { id, encounter: record.version.resource_id };
  }

  sql(statement) { return this.ward.db.sql(statement, 'records'); }
  hex(uuid) { return `X'${uuid.replaceAll('-', '')}'`; }
  async rows(table, where = '1') { return Number((await this.sql(`SELECT COUNT(*) FROM ${table} WHERE ${where}`))[0][0]); }

  // Every event waiting for audit, newest last: of a site without audit.
  async outbox() { return this.events('ORDER BY id'); }
  async lastEvent() { return (await this.events('ORDER BY id DESC LIMIT 1'))[0]; }

  async events(order) {
    const rows = await this.sql(`SELECT HEX(event) FROM ward_outbox ${order}`);
    return rows.map(([hex]) => this.eventType.toObject(this.eventType.decode(Buffer.from(hex, 'hex')), { enums: String, defaults: true }));
  }
}

const uuid = () => crypto.randomUUID();

module.exports = {
  Site, until, uuid, UUID, nobody, KINDS, PURPOSE, coded, loinc, quantity, to, person, encounter, observation, condition, allergy, note, report,
  consent, kindOf, body, plain,
};
