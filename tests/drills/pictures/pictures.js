#!/usr/bin/env node
'use strict';
// pictures FOLDER [SECONDS] - draws every dashboard from its own queries, while a hospital works: five services, four workers who register,
// chart, order and give, faces and films. One SVG each. Prometheus (make deps) reads the services every second.

const fs = require('node:fs');
const path = require('node:path');
const { Site, prescription } = require('../../contract/dosage/site');
const { Prometheus } = require('../../lib/prometheus');
const { draw } = require('./svg');
const { dashboards } = require('../../../deploy/k8s/monitoring/dashboards');
const pictures = require('../../lib/pictures');
const { drawn } = require('../../lib/films');
const { folder } = require('../../lib/paths');
const { sleep } = require('../../lib/chance');

const [out, seconds] = [process.argv[2], Number(process.argv[3] ?? 540)];
const SERVICES = ['audit', 'identity', 'records', 'dosage', 'diagnosis'];
const STEP_S = 4, RATE = '30s';
const WORKERS = 3;
const SHOWN_S = 210; // the last of them: rates over five minutes grow before

let going = true;
const failed = new Map();
const counts = (err) => failed.set(err.message, (failed.get(err.message) ?? 0) + 1);

async function bedside(site) {
  const patient = await site.patient();
  for (let i = 0; i < 5 && going; i++) await site.measure(patient.id, '8867-4', `${60 + i} /min`);
  const { placed, order } = await site.place(patient, prescription('paracetamol', '1000 mg'));
  if (!placed) return;
  const [slot] = await site.slots(patient, { order_id: order.order_id });
  await site.give(patient, order, slot, { acknowledgements: [] });
  await site.place(patient, prescription('paracetamol', '10000 mg')); // refused by the rules
  await sleep(300 + Math.random() * 900);
}

async function faces(site, enrolled) {
  const identity = site.api('identity');
  const photograph = pictures.jpeg('user7');
  if (enrolled.length < 3) {
    const a = await identity.call('Enrol', { idempotency_key: site.key(), kind: 'SUBJECT_KIND_PATIENT', birth_year: 1980, photograph,
      consent: { purpose: 'patient-identification', text_version: '2026-03-en', given_by: 'self' } }, site.tokens.registrar);
    enrolled.push(a.subject_id);
  }
  await identity.call('Verify', { subject_id: enrolled[0], photograph, place: 'ward-3/bed-2', purpose: 'administration', attended: true }, site.tokens.nurse);
  await sleep(400);
}

async function films(site, diagnosis, patient) {
  await diagnosis.call('Infer', { idempotency_key: site.key(), patient_id: patient.id, model: 'chest', image: drawn(1, 8) }, site.tokens.physician);
  await sleep(700);
}

const again = async (work) => {
  while (going) await work().catch(async (err) => { counts(err); await sleep(500); });
};

async function main() {
  const site = await Site.start({ services: SERVICES, env: { diagnosis: { WARD_DIAGNOSIS_MODELS: 'chest/1' } } });
  const dir = folder('pictures');
  const { ward } = site;
  fs.writeFileSync(path.join(dir, 'ports'), SERVICES.map((s) => `${s} ${ward.services[s].port} ${ward.services[s].serving.admin_port}\n`).join(''));
  const prometheus = await Prometheus.start(dir);
  try {
    const [enrolled, patient, diagnosis] = [[], await site.patient(), ward.client('diagnosis')];
    const work = [...Array.from({ length: WORKERS }, () => again(() => bedside(site))), again(() => faces(site, enrolled)), again(() => films(site, diagnosis, patient))];
    const from = Date.now() / 1000;
    await sleep(seconds * 1000);
    const range = { from: from + Math.max(30, seconds - SHOWN_S), to: Date.now() / 1000 };
    going = false;
    await Promise.all(work);
    fs.mkdirSync(out, { recursive: true });
    const ask = (expr) => prometheus.range(expr.replaceAll('$__rate_interval', RATE).replaceAll('$namespace', 'h'), range, STEP_S);
    for (const d of dashboards) {
      const { svg, empty } = await draw(d, ask, range, `${WORKERS + 2} workers for ${Math.round(range.to - range.from)} seconds on one machine, with synthetic patients. Drawn from the dashboard's own queries by make pictures, not by Grafana.`);
      fs.writeFileSync(path.join(out, `${d.uid}.svg`), svg);
      process.stdout.write(`${d.uid}.svg ${svg.length} bytes, ${empty} panels without series\n`);
    }
    for (const [message, n] of failed) process.stdout.write(`failed ${n} times: ${message}\n`);
  } finally {
    await prometheus.stop();
    await site.stop();
  }
}
main().catch((err) => { console.error(err); process.exitCode = 1; });
