'use strict';
// What the tests of dosage share: a Ward with audit, identity, records and dosage, people with roles and wards, patients who are
// known to identity and treated in a ward, an active rule set, verified patients' tokens. Clinicians work in ward-3 unless told
// otherwise. 'dosage2' is a second replica on the same database.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const protobuf = require('protobufjs');
const { Ward } = require('../../lib/ward');
const { sharedWard } = require('../../lib/shared');
const { root } = require('../../lib/paths');
const chart = require('../records/site');

const SAMPLE = path.join(root, 'services/dosage/formulary/sample');
const BAND_BIRTH = { type: 'birth-date', value: '1980-02-29' };
const PURPOSE = {
  physician: 'TREAT', nurse: 'TREAT', pharmacist: 'TREAT', registrar: 'PATADMIN', 'privacy-officer': 'HOPERAT', 'dosage-admin': 'HOPERAT',
  'safety-officer': 'HOPERAT', auditor: 'HOPERAT', 'records-admin': 'HOPERAT', porter: 'TREAT',
};
const CLINICIANS = ['physician', 'nurse', 'pharmacist'];
const SECOND_US = 1e6;
const now = () => Date.now() * 1000;
const SERVICES = ['audit', 'identity', 'records', 'dosage'];
let active = {}; // {text, info} of the rule set that was activated last, its text behind its Ward's folder
let keys = 0; // of all sites of this process: they may share a Ward, and callers

// The sample rule set: its files' arrays one after another.
function sampleSet() {
  const set = {};
  for (const file of fs.readdirSync(SAMPLE).filter((f) => f.endsWith('.json')).sort()) {
    for (const [name, value] of Object.entries(JSON.parse(fs.readFileSync(path.join(SAMPLE, file))))) {
      set[name] = Array.isArray(value) ? [...(set[name] ?? []), ...value] : value;
    }
  }
  return set;
}

const amount = (value, unit) => ({ value: String(value), unit });
// "500 mg"
const dose = (text) => amount(...text.split(' '));
const interval = (hours, more = {}) => ({ kind: 'KIND_INTERVAL', interval_minutes: hours * 60, ...more });
const times = (...at) => ({ kind: 'KIND_TIMES', times: at });
const once = { kind: 'KIND_ONCE' };
const prescription = (drug_id, amountText, more = {}) => ({ drug_id, dose: dose(amountText), route: 'ROUTE_PO', timing: interval(6), ...more });

// Where a PPID token's patient was verified; of what is no such token a bed of the ward.
function placeOf(token) {
  const bed = 'ward-3/bed-2';
  try { return JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).place ?? bed; } catch { return bed; }
}

const notScanned = (set) => set.reasons?.find((r) => r.uses.includes('USE_NOT_SCANNED'))?.code;

class Site {
  // options: Ward.start's. rules: a rule set to activate (the sample by default), null for none.
  static async start({ rules, ...options } = {}) {
    return Site.on(await Ward.start({ services: SERVICES, ...options }), { rules });
  }

  // On a Ward, with a second replica of dosage, that other files use before and after: see tests/lib/shared.js. audit: false where
  // events are to stay in the outbox.
  static async shared({ rules = sampleSet(), audit = true } = {}) {
    const ward = await sharedWard([...SERVICES, 'dosage2'].filter((name) => audit || name !== 'audit'));
    const site = await Site.on(ward, { rules: null });
    if (rules === null) return site;
    site.notScanned = notScanned(rules);
    site.ruleSet = active.text === ward.dir + JSON.stringify(rules) ? active.info : await site.activate(rules);
    return site;
  }

  // On what is there: a Ward, or { client, token } of an embedded default (tests/lib/up.js).
  static async on(ward, { rules } = {}) {
    const site = new Site();
    site.ward = ward;
    site.made = {};
    site.tokens = Object.fromEntries(Object.keys(PURPOSE).map((role) => [role, site.as(role)]));
    site.orders = site.api('dosage');
    if (rules !== null) site.ruleSet = await site.activate(rules ?? sampleSet());
    return site;
  }

  stop() { return this.ward.stop(); }

  // Resolves once a replica of dosage, if it was never started again, has dealt with every change that records has committed so far:
  // nothing that it caches from then on is evicted for a change of before.
  async caughtUp(name = 'dosage') {
    await chart.until('every change in the feed', async () => Number((await this.sql('SELECT COUNT(*) FROM change_new', 'records'))[0][0]) === 0);
    const [[last]] = await this.sql('SELECT sequence FROM feed_end', 'records');
    await chart.until('every change dealt with', async () => {
      const { text } = await this.ward.services[name].admin('/metrics');
      return Number(/^ward_dosage_chart_changes_total (\S+)/m.exec(text)?.[1] ?? 0) >= Number(last);
    });
  }
  key() { return `key-${keys++}`; }

  // What to call with as a person of this role: as('nurse', { sub: 'nurse-2', ward: 'icu', purpose: 'ETREAT' }).
  as(role, claims = {}) {
    const ward = CLINICIANS.includes(role) ? { ward: 'ward-3' } : {};
    return { token: this.ward.token({ roles: [role], sub: `${role}-1`, purpose: PURPOSE[role], lifetime: 3600, ...ward, ...claims }) };
  }

  who(by) { return typeof by === 'string' ? this.tokens[by] : by; }

  // A client of one of the services' APIs ('dosage' is Orders; 'formulary', 'schedule', 'doses', 'tracking', 'downtime',
  // 'dosageadmin'; 'records', 'identity'...), made once. on: 'dosage2' for the replica.
  api(name, { on, as = 'wardctl' } = {}) {
    const home = on ?? ({ records: 'records', recordsaccess: 'records', patients: 'records', recordsadmin: 'records', identity: 'identity', admin: 'identity', audit: 'audit' }[name] ?? 'dosage');
    return (this.made[`${name} ${home} ${as}`] ||= this.ward.client(home, { api: name, as }));
  }

  // ---- rules ----

  // Drafts, replays, approves and activates a set; its info.
  async activate(rule_set) {
    this.notScanned = notScanned(rule_set);
    const f = this.api('formulary');
    const { info } = await f.call('DraftRuleSet', { idempotency_key: this.key(), rule_set }, this.tokens.pharmacist);
    for await (const m of f.stream('Replay', { version: info.version }, this.tokens.pharmacist)) void m;
    const second = this.as('pharmacist', { sub: 'pharmacist-2' });
    await f.call('ApproveRuleSet', { idempotency_key: this.key(), version: info.version, sha256: info.sha256, approve: true }, second);
    active = { text: this.ward.dir + JSON.stringify(rule_set), ...await f.call('ActivateRuleSet', { idempotency_key: this.key(), version: info.version }, second) };
    return active.info;
  }

  // ---- patients ----

  async record(resource, by = chart.PURPOSE) {
    const who = by === chart.PURPOSE ? this.tokens.registrar : this.who(by);
    const answer = await this.api('records').call('Create', { idempotency_key: this.key(), resource }, who);
    return answer.record.version.resource_id;
  }

  // A subject of identity with wristband and second identifier, whose chart has this id, with an open encounter:
  // {id, wristband, encounter}. more: of the Patient resource. weight, height: what a nurse charted; null for none.
  async patient({ ward = 'ward-3', weight = '70 kg', height = '175 cm', allergies = 'none', ...more } = {}) {
    const wristband = `W-${crypto.randomUUID()}`;
    const { subject_id: id } = await this.api('identity').call('RegisterSubject',
      { idempotency_key: this.key(), kind: 'SUBJECT_KIND_PATIENT' }, this.tokens.registrar);
    await this.api('identity').call('SetIdentifiers', { subject_id: id, wristband, second: [BAND_BIRTH] }, this.tokens.registrar);
    return { wristband, ...await this.charted(id, { ward, weight, height, allergies, ...more }) };
  }

  // The chart alone, of a patient identity need not know: {id, encounter}.
  async charted(id, { ward = 'ward-3', weight = '70 kg', height = '175 cm', allergies = 'none', ...more } = {}) {
    const patient = chart.person({ gender: 'ADMINISTRATIVE_GENDER_MALE', birth_date: '1980-02-29', ...more });
    patient.patient.id = id;
    await this.record(patient);
    const encounter = await this.record(chart.encounter(id, ward));
    const nurse = this.as('nurse', { ward });
    if (weight) await this.measure(id, '29463-7', weight, { by: nurse });
    if (height) await this.measure(id, '8302-2', height, { by: nurse });
    if (allergies === 'none') await this.allergy(id, chart.coded('http://snomed.info/sct', '716186003', 'No known allergy'), nurse);
    return { id, encounter };
  }

  // An Observation, by its LOINC code: measure(id, '2160-0', '1.1 mg/dL', { at: hours ago }).
  measure(id, code, amountText, { by = 'nurse', hoursAgo = 0, more = {} } = {}) {
    const [value, unit] = amountText.split(' ');
    const at = new Date(Date.now() - hoursAgo * 3600e3).toISOString();
    return this.record(chart.observation(id, { code: chart.loinc(code), effective_date_time: at, value_quantity: chart.quantity(value, unit), ...more }), by);
  }

  allergy(id, code, by = 'nurse', more = {}) { return this.record(chart.allergy(id, { code, ...more }), by); }

  // ---- doses ----

  // A PPID token of a patient of patient(), by wristband and second identifier.
  async ppid({ id, wristband }, { place = 'ward-3/bed-2', purpose = 'administration', by = 'nurse' } = {}) {
    const answer = await this.api('identity').call('VerifyWristband',
      { subject_id: id, wristband, second: BAND_BIRTH, place, purpose }, this.who(by));
    return answer.token;
  }

  place(patient, p, { by = 'physician', on = this.orders, ...more } = {}) {
    return on.call('Place', { idempotency_key: this.key(), patient_id: patient.id ?? patient, prescription: p, ...more }, this.who(by));
  }

  check(patient, p, { by = 'physician', on = this.orders, ...more } = {}) {
    return on.call('Check', { patient_id: patient.id ?? patient, prescription: p, ...more }, this.who(by)).then((a) => a.decision);
  }

  // Slots of a patient, as ListSlots gives them.
  slots(patient, { by = 'nurse', ...more } = {}) {
    return this.api('schedule').call('ListSlots', { patient_id: patient.id ?? patient, ...more }, this.who(by)).then((a) => a.slots);
  }

  // Administer with a token of its own: give(patient, order, slot, { dose, route, product_id... }). order: of Place.
  async give(patient, order, slot, { by = 'nurse', on = this.api('doses'), ppid_token, key = this.key(), ...more } = {}) {
    const p = order.prescription;
    const token = ppid_token ?? await this.ppid(patient, { by });
    return on.call('Administer', {
      idempotency_key: key, patient_id: patient.id, order_id: order.order_id, slot_id: slot?.slot_id ?? '', outcome: 'DOSE_OUTCOME_GIVEN',
      ppid_token: token, place: token && placeOf(token), not_scanned_reason: more.scan ? '' : this.notScanned, product_id: p.product_id,
      dose: p.dose, route: p.route, ...more,
    }, this.who(by));
  }

  // ---- what is stored ----

  sql(statement, database = 'dosage') { return this.ward.db.sql(statement, database); }
  hex(uuid) { return `X'${uuid.replaceAll('-', '')}'`; }
  async rows(table, where = '1') { return Number((await this.sql(`SELECT COUNT(*) FROM ${table} WHERE ${where}`))[0][0]); }

  // Every event of dosage waiting for audit, newest last: of a site without audit.
  async outbox() {
    if (!this.eventType) {
      const proto = new protobuf.Root();
      proto.resolvePath = (_, file) => path.resolve(root, 'proto', file);
      this.eventType = proto.loadSync('ward/audit/v1/event.proto', { keepCase: true }).lookupType('ward.audit.v1.Event');
    }
    const rows = await this.sql('SELECT HEX(event) FROM ward_outbox ORDER BY id');
    return rows.map(([hex]) => this.eventType.toObject(this.eventType.decode(Buffer.from(hex, 'hex')), { enums: String, defaults: true }));
  }
}

const rulesOf = (decision) => decision.findings.map((f) => f.rule_id);

module.exports = {
  Site, sampleSet, amount, dose, interval, times, once, prescription, rulesOf, now, SECOND_US, chart, PURPOSE,
  until: chart.until, uuid: chart.uuid, UUID: chart.UUID, nobody: chart.nobody,
};
