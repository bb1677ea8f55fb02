// audit.mjs BUILD ROUNDS SECONDS [WAIT_MS] - the audit service as deployed (mutual TLS, a bus on a unix socket, durable
// commits) beside bare array-bound inserts of as many bytes into the same server, interleaved, in one run.
//
// A ratio is the median over rounds of the ratio within a round. Load, service and database share the machine.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { quiet } from './conditions/quiet.mjs';
import { mariadb, mustSync } from './conditions/synced.mjs';

const [build, rounds, seconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
process.env.BUILD = build;
const { Ward } = createRequire(import.meta.url)('../lib/ward.js');
const BURST = 100000;
const QUIET_CORES = 0.15;
const GOALS = { goal_durable_events_per_s: 20000, goal_pipeline_burst_drain_s: 10, goal_proof_after_commit_p99_ms: 1000 };

const load = (...args) => JSON.parse(execFileSync(path.join(build, 'bench/audit_load'), args.map(String), { encoding: 'utf8' }));
const median = (values) => {
  const s = [...values].sort((a, b) => a - b);
  return s.length % 2 ? s[s.length >> 1] : (s[s.length / 2 - 1] + s[s.length / 2]) / 2;
};
const cpuOf = (pid) => {
  const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(f[11]) + Number(f[12])) / 100;
};

const patience = { ms: Number(process.argv[5] ?? 90000) };
async function measure(...args) {
  await quiet(QUIET_CORES, patience);
  return load(...args);
}

const ward = await Ward.start({ services: ['audit'], mariadb });
const seen = [];
try {
  const user = os.userInfo().username;
  await mustSync(ward.db);
  await ward.db.sql('CREATE DATABASE bench');
  const port = ward.services.audit.port;
  const db = [ward.db.socket, user];
  for (let i = 0; i < rounds; i++) {
    process.stderr.write(`round ${i + 1} of ${rounds}\n`);
    const r = { bare: await measure('bare', ...db, seconds) };
    await quiet(QUIET_CORES, patience);
    const cpu = [cpuOf(ward.services.audit.proc.pid), cpuOf(ward.db.proc.pid)];
    r.batches = load('append', port, ward.pki, 4, 500, seconds);
    r.audit_cpu_us = ((cpuOf(ward.services.audit.proc.pid) - cpu[0]) * 1e6) / r.batches.events;
    r.mariadb_cpu_us = ((cpuOf(ward.db.proc.pid) - cpu[1]) * 1e6) / r.batches.events;
    r.singles = await measure('append', port, ward.pki, 32, 1, seconds);
    await quiet(QUIET_CORES, patience);
    const began = cpuOf(ward.services.audit.proc.pid) + cpuOf(ward.db.proc.pid);
    r.pipeline = load('pipeline', ...db, `ipc://${ward.dir}/run/audit.bus`, BURST);
    r.pipeline_cpu_us = ((cpuOf(ward.services.audit.proc.pid) + cpuOf(ward.db.proc.pid) - began) * 1e6) / BURST;
    r.proof = await measure('proof', port, ward.pki, 200);
    seen.push(r);
  }
} finally {
  await ward.stop();
}

const of = (pick) => median(seen.map(pick));
const figures = {
  durable_events_per_s: Math.round(of((r) => r.batches.events_per_s)),
  pipeline_burst_drain_s: Number(of((r) => r.pipeline.drain_s).toFixed(2)),
  append_vs_bare_sql: Number(of((r) => r.batches.events_per_s / r.bare.events_per_s).toFixed(3)),
  single_calls_events_per_s: Math.round(of((r) => r.singles.events_per_s)),
  pipeline_events_per_s: Math.round(of((r) => BURST / r.pipeline.drain_s)),
  pipeline_vs_bare_sql: Number(of((r) => BURST / r.pipeline.drain_s / r.bare.events_per_s).toFixed(3)),
  bare_sql_rows_per_s: Math.round(of((r) => r.bare.events_per_s)),
  proof_after_commit_p50_ms: Number(of((r) => r.proof.p50_ms).toFixed(2)),
  proof_after_commit_p99_ms: Number(of((r) => r.proof.p99_ms).toFixed(2)),
  pipeline_cpu_us_per_event: Number(of((r) => r.pipeline_cpu_us).toFixed(1)),
  audit_cpu_us_per_event: Number(of((r) => r.audit_cpu_us).toFixed(1)),
  mariadb_cpu_us_per_event: Number(of((r) => r.mariadb_cpu_us).toFixed(1)),
  failed_calls: seen.reduce((n, r) => n + r.batches.failed_calls + r.singles.failed_calls, 0),
};
const result = {
  target: 'bench-audit', date: new Date().toISOString(), machine: `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores`,
  rounds, seconds, burst_events: BURST, event_bytes: seen[0].batches.event_bytes, ...figures, ...GOALS,
};
mkdirSync(path.join(build, 'results'), { recursive: true });
writeFileSync(path.join(build, 'results/bench-audit.json'), `${JSON.stringify(result, null, 2)}\n`);

const line = (what, value, goal = '') => console.log(`  ${what.padEnd(84)} ${String(value).padStart(12)}  ${goal}`);
console.log(`audit, ${result.machine}, ${result.event_bytes} bytes an event, median of ${rounds} rounds`);
line('durable events/s by Append, 4 callers, 500 a call', figures.durable_events_per_s, 'goal 20000');
line('durable events/s by Append, 32 callers, 1 a call', figures.single_calls_events_per_s);
line('bare array-bound inserts of the same bytes, rows/s', figures.bare_sql_rows_per_s);
line('Append / bare inserts', figures.append_vs_bare_sql);
line(`outbox, relay, bus, audit: burst of ${BURST} drained, s`, figures.pipeline_burst_drain_s, 'goal 10');
line('from a commit to a checked proof, p50 ms', figures.proof_after_commit_p50_ms);
line('from a commit to a checked proof, p99 ms', figures.proof_after_commit_p99_ms, 'goal 1000');
line('CPU of audit and MariaDB for an event of the burst, filling the outbox included, us', figures.pipeline_cpu_us_per_event);
line('CPU of audit for an event, us', figures.audit_cpu_us_per_event);
line('CPU of MariaDB for an event, us', figures.mariadb_cpu_us_per_event);
