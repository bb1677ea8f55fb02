// dosage.mjs BUILD PATIENTS EACH SECONDS ROUNDS - checks and doses as deployed: mutual TLS, tokens, charts from records, tokens of
// identity spent, sealed and durable decisions, audit events carried to audit, all services and the database on this machine.
//
// PATIENTS with EACH orders each (100,000 x 10: a million); 2,000 of them lie in wards, with running orders and given doses. One
// thread asks (h2load.h). Open loop: a call's time counts from when it was due. The mix: each tenth call gives a dose, nine check.
// The bare client runs the statements recorded from Check's handler, in threads of its own, in turns with the
// service: each of its transactions commits by itself, where the service commits those of several calls together (order/keeper.h).
//
// What the machine's owner gives to others meanwhile is in no service's hand and in every tail: each measurement waits for a
// quiet moment, says how much was taken, and is made again, up to TRIES times, where that was more than STOLEN_PCT; the one of
// which least was taken counts, however it came out.
//
// Doses are given as on a round: a patient's are a second apart, and the next patient begins as one is done. The first of a patient reads
// their chart from records for the nurse; those whose round had begun before have it read.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { quiet, stolen } from './conditions/quiet.mjs';
import { mariadb, mustSync } from './conditions/synced.mjs';

const [build, patients, each, seconds, rounds] = [process.argv[2], ...process.argv.slice(3).map(Number)];
process.env.BUILD = build;
const { Site, sampleSet, prescription, once } = createRequire(import.meta.url)('../contract/dosage/site.js');
const CALLERS = 8;
const WORKERS = 32; // a call that waits for its commit holds one
const WARDS = 40;
const IN_WARDS = Math.min(2000, Math.floor(patients / WARDS) * WARDS);
const RATE = 1000;
const EVERY = 10;
const POOL = 2 * 1024 ** 3;
const TRIES = 3;
const STOLEN_PCT = 1;
const QUIET_CORES = 0.3; // the services and the database look around while they wait
const patience = { ms: 60000 };
const RATES = [200, 400, 600, 800, 900, 1000, 1100, 1200, 1400, 1600, 2000, 2400, 2800, 3200];
const MOST_MS = 20;
const GOALS = { goal_check_p99_ms: 5 };
const KINDS = [['paracetamol', '500 mg'], ['amlodipine', '5 mg'], ['atorvastatin', '20 mg'], ['omeprazole', '20 mg'], ['furosemide', '20 mg'],
  ['lisinopril', '10 mg'], ['ondansetron', '4 mg'], ['metoprolol', '50 mg']];
const ROUTE_PO = 1;

const program = (name) => path.join(build, 'bench', name);
const run = promisify(execFile);
const load = async (name, ...args) => JSON.parse((await run(program(name), args.map(String), { encoding: 'utf8', maxBuffer: 1 << 24 })).stdout);
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const round = (v, digits) => Number(v.toFixed(digits));
const note = (text) => process.stderr.write(`${text}\n`);
const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });

const site = await Site.start({ rules: null, mariadb, env: {
  // Its models' known answers are asked for once a minute otherwise, which takes a core for seconds: another service's work.
  identity: { WARD_PPID_LIFETIME_S: '120', WARD_CANARY_MS: '3600000' },
  dosage: { WARD_WORKERS: String(WORKERS), WARD_QUEUE: '4096', WARD_ACCESS_S: '3600' },
} });
const { ward } = site;
const user = os.userInfo().username;
const db = [ward.db.socket, user, path.join(ward.dir, 'keys/dosage.kek')];
const tokens = path.join(ward.dir, 'tokens');
const physician = (w) => site.as('physician', { sub: `physician-${w}`, ward: `ward-${w}`, lifetime: 36000 }).token;
writeFileSync(tokens, Array.from({ length: WARDS }, (_, w) => physician(w)).join('\n'));
const port = ward.services.dosage.port;
const records = `127.0.0.1:${ward.services.records.port}`;
const seen = { rounds: [] };

// Several at once; each gets its number.
async function many(n, at_once, what) {
  let next = 0;
  await Promise.all(Array.from({ length: at_once }, async () => { while (next < n) await what(next++); }));
}

// What the filling left to be written is on the disk before anything is measured.
async function settled() {
  const dirty = async () => Number((await ward.db.sql("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'"))[0][1]);
  await ward.db.sql('SET GLOBAL innodb_max_dirty_pages_pct = 0');
  for (let i = 0; i < 120 && await dirty() > 500; i++) await wait(1000);
  await ward.db.sql('SET GLOBAL innodb_max_dirty_pages_pct = 90');
}

// Doses to give: patients known to identity, verified by wristband, each with an order of every kind that is due now.
async function prepare(wanted, a_second) {
  const first = await site.patient();
  await site.measure(first.id, '2160-0', '0.9 mg/dL');
  const good = [];
  for (const [drug, dose] of KINDS) {
    const a = await site.place(first, prescription(drug, dose, { timing: once }));
    if (a.placed) good.push([drug, dose]);
  }
  if (good.length === 0) throw new Error('no order of the sample formulary passes');
  const begun = Math.ceil((good.length - 1) * a_second / good.length); // rounds under way at the beginning
  const gifts = [];
  await many(begun + Math.ceil(wanted / good.length), 16, async (k) => {
    const p = await site.patient();
    await site.measure(p.id, '2160-0', '0.9 mg/dL');
    const orders = [];
    for (const [drug, dose] of good) orders.push((await site.place(p, prescription(drug, dose, { timing: once }))).order);
    const slots = await site.slots(p);
    if (k < begun) await site.check(p, prescription(...good[0], { timing: once }), { by: 'nurse' });
    for (const [j, o] of orders.entries()) {
      const slot = slots.find((s) => s.order_id === o.order_id);
      const [drug] = [o.prescription.drug_id];
      const product = site.products.get(drug);
      gifts.push({ at: (k - begun) * good.length + j * a_second, p, line: (ppid) => [site.tokens.nurse.token, p.id, o.order_id, slot.slot_id, ppid, product, o.prescription.dose.value, o.prescription.dose.unit, ROUTE_PO] });
    }
  });
  return gifts.filter((g) => g.at >= 0).sort((a, b) => a.at - b.at).slice(0, wanted);
}

// A token lives for minutes: the patients are verified just before.
const openLoop = async (rate, s, how, gifts = []) => {
  const file = path.join(ward.dir, 'gifts');
  const lines = [];
  await many(gifts.length, 16, async (i) => { lines.push(gifts[i].line(await site.ppid(gifts[i].p)).join('\t')); });
  writeFileSync(file, lines.join('\n') + (lines.length ? '\n' : ''));
  await wait(3000);
  await quiet(QUIET_CORES, patience);
  const { result, stolen_pct } = await stolen(() => load('dosage_load', 'open', port, ward.pki, tokens, IN_WARDS, rate, s, how, gifts.length ? file : '-', EVERY));
  return { ...result, stolen_pct };
};

async function least(measure) {
  let kept = null;
  for (let i = 0; i < TRIES && (kept === null || kept.stolen_pct > STOLEN_PCT); i++) {
    const r = await measure();
    note(`  p99 ${r.check_p99_ms} ms, ${r.stolen_pct} % of the machine taken by others`);
    if (kept === null || r.stolen_pct < kept.stolen_pct) kept = r;
  }
  return kept;
}

try {
  await ward.db.sql(`SET GLOBAL innodb_buffer_pool_size = ${POOL}`);
  const set = sampleSet();
  site.products = new Map(set.drugs.map((d) => [d.id, d.products.find((p) => p.routes.includes('ROUTE_PO'))?.id ?? '']));
  site.ruleSet = await site.activate(set);
  note(`charts of ${IN_WARDS}, and ${patients} x ${each} orders`);
  await load('records_load', 'fill', ward.db.socket, user, path.join(ward.dir, 'keys/records.kek'), 1, IN_WARDS + 1, 16, IN_WARDS + 1);
  await ward.db.sql(`SET GLOBAL innodb_flush_log_at_trx_commit = 0, innodb_log_file_size = ${POOL}`);
  seen.fill = await load('dosage_load', 'fill', ...db, patients, each, IN_WARDS);
  await ward.db.sql('SET GLOBAL innodb_flush_log_at_trx_commit = 1; ANALYZE TABLE drug_order, order_version, administration', 'dosage');
  await settled();
  await mustSync(ward.db);
  note('doses to give');
  const needed = RATE * seconds / EVERY;
  const gifts = await prepare(2 * TRIES * needed, RATE / EVERY);
  let given = 0; // in their order: a round that is under way goes on in the next measurement
  const next = () => gifts.slice(given, given += needed);
  note('rules alone');
  seen.rules = await load('dosage_load', 'rules', ...db, ward.pki, records, tokens, 2);
  await load('dosage_load', 'once', port, ward.pki, tokens, IN_WARDS, CALLERS); // every chart is read
  for (let i = 0; i < rounds; i++) {
    note(`check and bare SQL, round ${i + 1} of ${rounds}`);
    await wait(2000);
    const bare = await load('dosage_load', 'bare', ...db, ward.pki, records, tokens, CALLERS, 4);
    await wait(2000);
    seen.rounds.push({ bare, closed: await load('dosage_load', 'closed', port, ward.pki, tokens, IN_WARDS, CALLERS, 4) });
  }
  note('open loop');
  seen.even = await least(() => openLoop(RATE, seconds, 'even', next()));
  seen.bursts = await least(() => openLoop(RATE, seconds, 'bursts', next()));
  seen.alone = await least(() => openLoop(RATE, seconds, 'even'));
  seen.best = 0;
  for (const rate of RATES) {
    note(`${rate}/s`);
    const r = await least(() => openLoop(rate, 4, 'even'));
    if (r.failed > 0 || r.check_p99_ms > MOST_MS) break;
    seen.best = rate;
  }
} finally {
  await site.stop();
}

const of = (pick) => median(seen.rounds.map(pick));
const { even, bursts } = seen;
const figures = {
  check_p99_ms: even.check_p99_ms, check_p50_ms: even.check_p50_ms, administer_p99_ms: even.give_p99_ms, administer_p50_ms: even.give_p50_ms,
  check_p99_ms_bursts: bursts.check_p99_ms, check_p50_ms_bursts: bursts.check_p50_ms,
  administer_p99_ms_bursts: bursts.give_p99_ms, administer_p50_ms_bursts: bursts.give_p50_ms,
  check_alone_p99_ms: seen.alone.check_p99_ms, check_alone_p50_ms: seen.alone.check_p50_ms, failed_alone: seen.alone.failed,
  stolen_pct_even: even.stolen_pct, stolen_pct_bursts: bursts.stolen_pct, stolen_pct_alone: seen.alone.stolen_pct,
  calls_even: even.checks + even.gives, gives_even: even.gives, failed_even: even.failed, failed_bursts: bursts.failed,
  checks_per_s_under_20_ms: seen.best,
  check_vs_bare_sql: round(of((r) => r.closed.per_s / r.bare.per_s), 3),
  checks_per_s_closed: Math.round(of((r) => r.closed.per_s)), statements_of_check: seen.rounds[0].bare.statements,
  rules_per_s: Math.round(seen.rules.rules_per_s), check_runs_per_s: Math.round(seen.rules.checks_per_s), rules_a_check: seen.rules.rules,
  orders: seen.fill.orders, orders_running_a_patient: seen.rules.running, doses_of_a_patient: seen.rules.given,
  fill_orders_per_s: Math.round(seen.fill.per_s),
};
const result = {
  target: 'bench-dosage', date: new Date().toISOString(), machine: `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores`,
  patients, rate: RATE, seconds, rounds, ...figures, ...GOALS,
};
mkdirSync(path.join(build, 'results'), { recursive: true });
writeFileSync(path.join(build, 'results/bench-dosage.json'), `${JSON.stringify(result, null, 2)}\n`);

const line = (what, value, goal = '') => console.log(`  ${what.padEnd(84)} ${String(value).padStart(15)}  ${goal}`);
console.log(`dosage, ${result.machine}, ${figures.orders} orders, ${RATE} calls/s (each tenth gives a dose), ${seconds} s`);
line('Check, arriving evenly, p50 / p99 ms', `${even.check_p50_ms} / ${even.check_p99_ms}`, 'goal p99 5');
line('Administer, arriving evenly, p50 / p99 ms', `${even.give_p50_ms} / ${even.give_p99_ms}`);
line('Check, evenly, and no doses beside it, p50 / p99 ms', `${seen.alone.check_p50_ms} / ${seen.alone.check_p99_ms}`);
line('Check, a tenth of a second at once, p50 / p99 ms', `${bursts.check_p50_ms} / ${bursts.check_p99_ms}`);
line('Administer, likewise', `${bursts.give_p50_ms} / ${bursts.give_p99_ms}`);
line('calls that failed, evenly / in bursts', `${even.failed} / ${bursts.failed}`);
line('of the machine taken by others meanwhile, evenly / alone / in bursts, %', `${even.stolen_pct} / ${seen.alone.stolen_pct} / ${bursts.stolen_pct}`);
line(`highest rate of checks with p99 under ${MOST_MS} ms, per second`, figures.checks_per_s_under_20_ms);
line(`checks/s, ${CALLERS} callers, over its ${figures.statements_of_check} statements from a bare client`, figures.check_vs_bare_sql);
line('rules looked at per second, one core', figures.rules_per_s);
