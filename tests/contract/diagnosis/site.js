'use strict';
// What the tests of diagnosis share: a Ward with audit, records and diagnosis, patients with a chart, inputs that the models in the
// repository take. 'diagnosis2' is a second replica on the same database.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Ward } = require('../../lib/ward');
const { root } = require('../../lib/paths');
const { png, drawn } = require('../../lib/films');
const chart = require('../records/site');

const SERVICES = ['audit', 'records', 'diagnosis'];
const TABLES = ['heart_tree', 'heart_svm', 'heart_mlp'];
const [TABLE] = TABLES;
const manifest = (name, version = '1') => JSON.parse(fs.readFileSync(path.join(root, 'models', name, version, 'manifest.json')));

// Of nobody: usual values of each feature of the heart models. more: {name: value}, undefined leaves one out.
const USUAL = { age: 55, sex: 1, cp: 4, trestbps: 130, chol: 246, fbs: 0, restecg: 0, thalach: 150, exang: 0, oldpeak: 1, slope: 2, ca: 0, thal: 3 };
const values = (more = {}) => ({ features: Object.entries({ ...USUAL, ...more }).filter(([, v]) => v !== undefined).map(([name, value]) => ({ name, value })) });

const noise = (w = 28, h = 28) => png(w, h, (x, y) => crypto.createHash('sha256').update(`${x} ${y}`).digest()[0]);

class Site {
  static async start(options = {}) {
    const site = new Site();
    site.ward = await Ward.start({ services: SERVICES, ...options });
    site.chart = chart.Site.on(site.ward);
    site.api = site.ward.client('diagnosis');
    site.doctor = site.as('physician');
    return site;
  }

  stop() { return this.ward.stop(); }
  key() { return `key-${crypto.randomUUID()}`; }
  as(role, claims) { return this.chart.as(role, claims); }

  // A patient who is treated in a ward: {id}.
  async patient(ward = 'ward-3') {
    const id = crypto.randomUUID();
    const patient = chart.person();
    patient.patient.id = id;
    for (const resource of [patient, chart.encounter(id, ward)]) {
      await this.chart.records.call('Create', { idempotency_key: this.key(), resource }, this.chart.tokens.registrar);
    }
    return { id };
  }

  // With the values of a table's model where no input is given.
  infer(patient, more = {}, who = this.doctor, api = this.api) {
    const { model = TABLE, ...rest } = more;
    const input = rest.image || rest.features || !TABLES.includes(model) ? {} : { features: values() };
    return api.call('Infer', { idempotency_key: this.key(), patient_id: patient.id, model, ...input, ...rest }, who);
  }

  review(how, report, more = {}, who = this.doctor) {
    return this.api.call(how, { idempotency_key: this.key(), report_id: report.report_id, expected_version: report.report_version, ...more }, who);
  }

  // The report as records has it now.
  async report(id) {
    const { record } = await this.chart.records.call('Read', { kind: 'KIND_DIAGNOSTIC_REPORT', id }, this.doctor);
    return { ...record.resource.diagnostic_report, of: record.version };
  }

  async reports(patient) {
    const { records } = await this.chart.records.call('Search', {
      kind: 'KIND_DIAGNOSTIC_REPORT', parameters: [{ name: 'patient', values: [patient.id] }],
    }, this.doctor);
    return records;
  }

  async model(name) { return (await this.api.call('ListModels', {}, this.doctor)).models.find((m) => m.name === name); }
}

const failure = async (promise) => {
  try {
    await promise;
  } catch (err) {
    if (err.code === undefined) throw err;
    return err;
  }
  throw new Error('it was answered');
};

module.exports = { Site, TABLE, values, manifest, png, drawn, noise, failure, until: chart.until };
