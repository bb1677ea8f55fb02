// records.mjs BUILD PATIENTS EACH ROUNDS SECONDS - the chart as deployed (mutual TLS, tokens, sealed versions, durable commits, audit
// events in the outbox) beside a bare client that runs the very statements of its handlers, then among PATIENTS charts with EACH
// observations each. PATIENTS=100000 EACH=50 is the real size: 5,000,000 observations, some 8 GB, a quarter of an hour.
//
// A ratio is the median over rounds of the ratio within a round. Load, service and database share the machine. The callers share one
// connection to the service, as the workers of a service that calls it do, and are streams of one thread that costs little (h2load.h);
// each of the bare client's has its own thread and connection to the database.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { mariadb, mustSync } from './conditions/synced.mjs';

const [build, patients, each, rounds, seconds] = [process.argv[2], ...process.argv.slice(3).map(Number)];
process.env.BUILD = build;
const { Ward } = createRequire(import.meta.url)('../lib/ward.js');
const { data, folder } = createRequire(import.meta.url)('../lib/paths.js');
const CALLERS = 8; // of writes, and as many workers: the bare client has as many connections
const SEARCHERS = 4;
const WARDS = 40;
const IN_WARDS = Math.min(2000, Math.floor(patients / WARDS) * WARDS);
const CHARTS = ['patient', 'owner_key', 'version', 'cleaned', 'resource', 'token', 'open_encounter', 'encounter_ward', 'consent_deny', 'seen'];
const FIRST = 4 * WARDS;
const VERSIONS = 1000;
const POOL = 2 * 1024 ** 3;
const GOALS = { goal_write_vs_bare_sql: 0.8, goal_update_slowdown_v1000_over_v1: 1.1 };

const program = path.join(build, 'bench/records_load');
const load = async (...args) => JSON.parse((await promisify(execFile)(program, args.map(String), { encoding: 'utf8', maxBuffer: 1 << 24 })).stdout);
const median = (values) => {
  const s = [...values].sort((a, b) => a - b);
  return s.length % 2 ? s[s.length >> 1] : (s[s.length / 2 - 1] + s[s.length / 2]) / 2;
};
// What was updated leaves old rows for the database to purge: not in another's time.
async function settle() {
  const left = async () => Number((await ward.db.sql("SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'"))[0][1]);
  for (let i = 0; i < 100 && await left() > 50; i++) await new Promise((done) => setTimeout(done, 100));
}
const note = (text) => process.stderr.write(`${text}\n`);

const ward = await Ward.start({
  services: ['records'], mariadb, env: { records: { WARD_WORKERS: String(CALLERS), WARD_QUEUE: '64' } },
});
const user = os.userInfo().username;
const db = [ward.db.socket, user, path.join(ward.dir, 'keys/records.kek')];
const tokens = path.join(ward.dir, 'tokens');
const nurse = (w) => ward.token({ roles: ['nurse'], sub: `nurse-${w}`, ward: `ward-${w}`, purpose: 'TREAT', lifetime: 36000 });
writeFileSync(tokens, Array.from({ length: WARDS }, (_, w) => nurse(w)).join('\n'));
const port = () => ward.services.records.port;
const seen = { write: [], search: {} };
let versions, filled, imported;

// The pages of the chart are in no memory: MariaDB is new, and so is the system's cache where we may empty it.
let dropped = false;
async function makeCold() {
  await ward.services.records.stop();
  await ward.db.sql('SET GLOBAL innodb_buffer_pool_dump_at_shutdown = OFF');
  await ward.db.stop();
  try {
    execFileSync('/bin/sync');
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    dropped = true;
  } catch { /* not ours to empty: InnoDB reads past it all the same (O_DIRECT) */ }
  await ward.db.restart();
  await ward.db.sql(`SET GLOBAL innodb_buffer_pool_size = ${POOL}`);
  await ward.services.records.start();
}

// The 80 bundles of Synthea, sent as they are; resources a second, durable.
async function importRate() {
  const archive = path.join(data, 'fhir_synthea_r4/fhir_r4.tar.xz');
  if (!existsSync(archive)) return undefined;
  const dir = folder('bundles');
  execFileSync('/usr/bin/tar', ['xJf', archive, '-C', dir]);
  const files = [];
  const walk = (d) => readdirSync(d, { withFileTypes: true }).forEach((e) => (e.isDirectory() ? walk(path.join(d, e.name)) : files.push(path.join(d, e.name))));
  walk(dir);
  const bundles = files.filter((f) => f.endsWith('.json')).map((f) => readFileSync(f));
  const client = ward.client('records', { api: 'exchange' });
  const admin = { token: ward.token({ roles: ['records-admin'], sub: 'admin', purpose: 'HOPERAT' }) };
  const stream = client.duplex('ImportBundle', admin);
  const began = performance.now();
  stream.write({ start: { import_id: 'bench', source: 'synthea' } });
  for (const b of bundles) for (let at = 0; at < b.length; at += 1 << 19) stream.write({ chunk: b.subarray(at, at + (1 << 19)) });
  stream.end();
  let last;
  for await (const m of stream) last = m;
  const s = (performance.now() - began) / 1000;
  return { resources: last.created, per_s: last.created / s, mb_per_s: bundles.reduce((n, b) => n + b.length, 0) / 1e6 / s, quarantined: last.quarantined };
}

try {
  await mustSync(ward.db);
  await ward.db.sql(`SET GLOBAL innodb_buffer_pool_size = ${2 * POOL}`);
  note('a few charts, to write to');
  await load('fill', ...db, 1, FIRST, 1, FIRST);
  for (let i = 0; i < rounds; i++) {
    note(`writes, round ${i + 1} of ${rounds}`);
    const r = {};
    for (const what of ['create', 'update']) {
      await settle();
      r[`bare_${what}`] = await load('bare', ...db, CALLERS, seconds, what);
      await settle();
      r[what] = await load('write', port(), ward.pki, tokens, CALLERS, seconds, what);
    }
    seen.write.push(r);
  }
  note(`one resource, ${VERSIONS} versions`);
  versions = await load('versions', port(), ward.pki, tokens, VERSIONS);
  note('bundles');
  imported = await importRate();
  note(`${patients} charts with ${each} observations each`);
  await ward.services.records.stop(); // its feed would number what is filled
  // What the bare client wrote is sealed under ids that are not its rows': no search may meet it.
  await ward.db.sql(`SET foreign_key_checks = 0; ${CHARTS.map((t) => `TRUNCATE ${t}`).join('; ')}`, 'records');
  await load('fill', ...db, 1, FIRST, each, IN_WARDS); // into tables that are empty InnoDB puts in bulk, unseen till the end
  // Filling is not what is measured: no syncs, a large log, no checks of what this program made itself.
  await ward.db.sql(`SET GLOBAL innodb_flush_log_at_trx_commit = 0, innodb_log_file_size = ${POOL}, foreign_key_checks = 0, unique_checks = 0`);
  filled = await load('fill', ...db, FIRST + 1, patients, each, IN_WARDS);
  await ward.db.sql('TRUNCATE change_new', 'records');
  await ward.db.sql(`SET GLOBAL innodb_flush_log_at_trx_commit = 1, foreign_key_checks = 1, unique_checks = 1;
    ANALYZE TABLE resource, token, version, patient, open_encounter`, 'records');
  await ward.services.records.start();
  await makeCold();
  note('searches');
  seen.search.cold = await load('search', port(), ward.pki, tokens, SEARCHERS, seconds, IN_WARDS);
  await load('search', port(), ward.pki, tokens, SEARCHERS, 2 * seconds, IN_WARDS);
  seen.search.warm = await load('search', port(), ward.pki, tokens, SEARCHERS, seconds, IN_WARDS);
} finally {
  await ward.stop();
}

const of = (pick) => median(seen.write.map(pick));
const round = (v, digits) => Number(v.toFixed(digits));
const { cold, warm } = seen.search;
const figures = {
  write_vs_bare_sql: round(of((r) => (r.create.per_s + r.update.per_s) / (r.bare_create.per_s + r.bare_update.per_s)), 3),
  create_vs_bare_sql: round(of((r) => r.create.per_s / r.bare_create.per_s), 3),
  update_vs_bare_sql: round(of((r) => r.update.per_s / r.bare_update.per_s), 3),
  creates_per_s: Math.round(of((r) => r.create.per_s)),
  updates_per_s: Math.round(of((r) => r.update.per_s)),
  statements_of_create: seen.write[0].bare_create.statements,
  statements_of_update: seen.write[0].bare_update.statements,
  update_slowdown_v1000_over_v1: round(versions.last_p50_ms / versions.first_p50_ms, 3),
  update_first_p50_ms: round(versions.first_p50_ms, 3),
  update_last_p50_ms: round(versions.last_p50_ms, 3),
  ...(imported && { import_resources_per_s: Math.round(imported.per_s), import_mb_per_s: round(imported.mb_per_s, 1), import_quarantined: imported.quarantined }),
  search_p50_ms_cold: cold.p50_ms, search_p99_ms_cold: cold.p99_ms, search_p50_ms_warm: warm.p50_ms, search_p99_ms_warm: warm.p99_ms,
  searches_per_s_warm: Math.round(warm.searches / seconds),
  ...Object.fromEntries(['patient_code', 'patient_category', 'family', 'ward_code'].flatMap((k) => ['p50', 'p99'].flatMap((q) =>
    [['cold', cold], ['warm', warm]].map(([t, v]) => [`search_${k}_${q}_ms_${t}`, v[`${k}_${q}_ms`]])))),
  fill_resources_per_s: Math.round(filled.per_s),
};
const result = {
  target: 'bench-records', date: new Date().toISOString(), machine: `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores`,
  patients, observations: patients * each, rounds, seconds, buffer_pool_mib: POOL / 2 ** 20, os_cache_dropped: dropped, ...figures, ...GOALS,
};
mkdirSync(path.join(build, 'results'), { recursive: true });
writeFileSync(path.join(build, 'results/bench-records.json'), `${JSON.stringify(result, null, 2)}\n`);

const line = (what, value, goal = '') => console.log(`  ${what.padEnd(84)} ${String(value).padStart(12)}  ${goal}`);
console.log(`records, ${result.machine}, ${patients} charts, ${patients * each} observations, median of ${rounds} rounds`);
line(`durable creates/s, ${CALLERS} callers`, figures.creates_per_s);
line(`durable updates/s, ${CALLERS} callers`, figures.updates_per_s);
line(`creates and updates over the same ${figures.statements_of_create} and ${figures.statements_of_update} statements from a bare client`, figures.write_vs_bare_sql, 'goal 0.8');
line('  creates / updates alone', `${figures.create_vs_bare_sql} / ${figures.update_vs_bare_sql}`);
line('update, p50 ms: versions 2 to 101 / 901 to 1,000', `${figures.update_first_p50_ms} / ${figures.update_last_p50_ms}`);
line('  the second over the first', figures.update_slowdown_v1000_over_v1, 'goal 1.1');
if (imported) line('resources/s of 80 bundles imported, durable', figures.import_resources_per_s);
line(`search, ${SEARCHERS} callers, p50 / p99 ms, cold`, `${cold.p50_ms} / ${cold.p99_ms}`);
line('search, p50 / p99 ms, warm', `${warm.p50_ms} / ${warm.p99_ms}`);
for (const k of ['patient_code', 'patient_category', 'family', 'ward_code']) line(`  ${k}, p99 ms, cold / warm`, `${cold[`${k}_p99_ms`]} / ${warm[`${k}_p99_ms`]}`);
