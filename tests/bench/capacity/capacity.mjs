// capacity.mjs BUILD N - what each act of a hospital costs Ward as deployed: CPU time of all services and of the database, bytes in
// the databases, audit events. build/results/bench-capacity.json has the figures; deploy/capacity turns them into machines.
//
// Only CPU time and bytes are measured, no duration: programs beside this one change them little. CPU time that the services and
// the database spend without any call is measured first and taken off. N acts of each kind, 8 at a time; every act waits in the outbox
// and is appended to the log before its kind counts as done.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { mariadb, mustSync } from '../conditions/synced.mjs';

const [build, n] = [process.argv[2], Number(process.argv[3])];
process.env.BUILD = build;
const require = createRequire(import.meta.url);
const { Site, prescription, once } = require('../../contract/dosage/site.js');
const pictures = require('../../lib/pictures.js');
const { drawn } = require('../../lib/films.js');
const { until } = require('../../lib/until.js');

const SERVICES = ['audit', 'identity', 'records', 'dosage', 'diagnosis'];
const AT_ONCE = 8;
const IDLE_MS = 10000;
const TICK_S = 1 / 100; // of /proc/PID/stat
const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });
const note = (text) => process.stderr.write(`${text}\n`);

const site = await Site.start({ services: SERVICES, mariadb,
  env: { identity: { WARD_CANARY_MS: '3600000', WARD_FACE_MISSES_HOUR: '1000' }, diagnosis: { WARD_DIAGNOSIS_MODELS: 'chest/1', WARD_CANARY_MS: '3600000' } } });
const { ward } = site;
await mustSync(ward.db);

// ---- what is counted ----

// {pid: {ppid, seconds}} of every process, and what ended children took.
function processes() {
  const all = new Map();
  for (const pid of readdirSync('/proc').filter((e) => /^\d+$/.test(e))) {
    try {
      const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      all.set(Number(pid), { parent: Number(f[1]), seconds: (Number(f[11]) + Number(f[12]) + Number(f[13]) + Number(f[14])) * TICK_S });
    } catch { /* it ended */ }
  }
  return all;
}
// CPU time of each service with its worker processes, and of the database.
function cpu() {
  const all = processes();
  const tree = (pid) => [...all].reduce((sum, [p, { parent }]) => sum + (parent === pid ? tree(p) : 0), all.get(pid)?.seconds ?? 0);
  return Object.fromEntries([...SERVICES.map((s) => [s, tree(ward.services[s].proc.pid)]), ['mariadb', tree(ward.db.proc.pid)]]);
}
const minus = (a, b, f = 1) => Object.fromEntries(Object.entries(a).map(([k, v]) => [k, v - f * b[k]]));

// Used leaf pages, which hold the rows, their indexes and their long values: allocated space grows by a MiB at a time.
async function bytes() {
  const schemas = `'${SERVICES.join("','")}'`;
  const tables = await ward.db.sql(`SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.TABLES WHERE ENGINE = 'InnoDB' AND TABLE_SCHEMA IN (${schemas})`);
  await ward.db.sql(`ANALYZE TABLE ${tables.map(([t]) => t).join(', ')}`);
  const rows = await ward.db.sql(`SELECT database_name, SUM(stat_value) * @@innodb_page_size FROM mysql.innodb_index_stats
    WHERE stat_name = 'n_leaf_pages' AND database_name IN (${schemas}) GROUP BY 1`);
  return Object.fromEntries(rows.map(([schema, size]) => [schema, Number(size)]));
}
const events = async () => Number((await ward.db.sql('SELECT size FROM audit.head'))[0][0]);
const settled = () => until('every event is in the log', async () => {
  for (const s of SERVICES.slice(1)) if (Number((await ward.db.sql(`SELECT COUNT(*) FROM ${s}.ward_outbox`))[0][0]) > 0) return false;
  return true;
}, { seconds: 300 });

let idle;
async function measured(kind, count, act) {
  await settled();
  const [size, log, from, at] = [await bytes(), await events(), cpu(), performance.now()];
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => { while (next < count) await act(next++); }));
  await settled();
  const spent = minus(minus(cpu(), from), idle, (performance.now() - at) / 1000);
  const grown = minus(await bytes(), size);
  const per = (o, digits) => Object.fromEntries(Object.entries(o).map(([k, v]) => [k, Number((Math.max(0, v) / count).toFixed(digits))]));
  const micros = per(Object.fromEntries(Object.entries(spent).map(([k, v]) => [k, v * 1e6])), 0);
  note(`${kind}: ${count}, ${JSON.stringify(micros)} us`);
  return { acts: count, cpu_us: micros, bytes: per(grown, 0), events: Number(((await events() - log) / count).toFixed(2)) };
}

// ---- the acts ----

const costs = {};
try {
  const patients = [];
  for (let i = 0; i < n; i++) patients.push(await site.patient());
  const of = (i) => patients[i % patients.length];
  const began = cpu();
  await wait(IDLE_MS);
  idle = minus(cpu(), began);
  for (const k of Object.keys(idle)) idle[k] /= IDLE_MS / 1000;
  note(`without calls, cores: ${JSON.stringify(idle)}`);

  costs.observation = await measured('observation', 4 * n, (i) => site.measure(of(i).id, '8867-4', '72 /min'));
  const ids = [];
  for (let i = 0; i < 40; i++) ids.push(await site.measure(of(i).id, '8867-4', '71 /min'));
  costs.read = await measured('read', 4 * n, (i) => site.api('records').call('Read', { kind: 'KIND_OBSERVATION', id: ids[i % ids.length] }, site.tokens.nurse));
  const orders = [];
  costs.order = await measured('order', n, async (i) => {
    const answer = await site.place(of(i), prescription('paracetamol', '100 mg', { timing: once }), { acknowledgements: [] });
    if (!answer.placed) throw new Error(`not placed: ${JSON.stringify(answer.open)}`);
    orders.push([of(i), answer.order]);
  });
  const slots = [];
  for (const [patient, order] of orders) slots.push((await site.slots(patient, { order_id: order.order_id }))[0]);
  costs.dose = await measured('dose', n, async (i) => {
    const [patient, order] = orders[i];
    const answer = await site.give(patient, order, slots[i], { acknowledgements: [] });
    if (!answer.recorded) throw new Error(`not recorded: ${JSON.stringify([answer.open, answer.rights])}`);
  });

  const identity = ward.client('identity');
  const photograph = pictures.jpeg('user7');
  const enrolled = [];
  costs.enrolment = await measured('enrolment', n / 2, async (i) => {
    const answer = await identity.call('Enrol', { idempotency_key: `face-${i}`, kind: 'SUBJECT_KIND_PATIENT', birth_year: 1980, photograph,
      consent: { purpose: 'patient-identification', text_version: '2026-03-en', given_by: 'self' } }, { ...site.tokens.registrar, deadline: 60000 });
    enrolled.push(answer.subject_id);
  });
  costs.face = await measured('face', n / 2, (i) => identity.call('Verify', { subject_id: enrolled[i % enrolled.length], photograph, place: 'ward-3/bed-2',
    purpose: 'administration', attended: true }, { ...site.tokens.nurse, deadline: 60000 }));

  const diagnosis = ward.client('diagnosis');
  const film = { image: drawn(1, 36) }; // 1,008 x 1,008 pixels
  costs.film = await measured('film', n / 2, (i) => diagnosis.call('Infer', { idempotency_key: `film-${i}`, patient_id: of(i).id, model: 'chest', ...film },
    { ...site.tokens.physician, deadline: 60000 }));

  const memory = Object.fromEntries(SERVICES.map((s) => [s, Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${ward.services[s].proc.pid}/status`, 'utf8'))[1]) * 1024]));
  const cpus = os.cpus();
  const result = { date: new Date().toISOString().slice(0, 10), machine: `${cpus[0].model.trim()}, ${cpus.length} cores`, load_average: os.loadavg()[0],
    idle_cores: Object.fromEntries(Object.entries(idle).map(([k, v]) => [k, Number(v.toFixed(4))])), rss_bytes: memory, costs };
  mkdirSync(path.join(build, 'results'), { recursive: true });
  writeFileSync(path.join(build, 'results/bench-capacity.json'), `${JSON.stringify(result, null, 2)}\n`);
} finally {
  await site.stop();
}
