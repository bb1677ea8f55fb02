// rpc.mjs BUILD ROUNDS RUN_MS [WAIT_MS] - runs every echo server of the bench side by side and compares them.
//
// Other work on the machine spoils both throughput and CPU per call, so each measurement waits for a
// quiet moment and is made again, up to TRIES times, when others were busy during it; for all servers
// alike, until WAIT_MS of patience are spent. What the others took meanwhile is printed.
//
// All servers run during the whole bench, idle but the one that is measured. A round measures each
// server once at each concurrency, in an order that changes from round to round, so that a slow
// minute of the machine falls on all. A ratio is the median over rounds of the ratio within a round.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { quiet } from './conditions/quiet.mjs';

const [build, rounds, runMs] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const WARM_MS = 200;
const WAIT_MS = Number(process.argv[5] ?? 120000);
const TRIES = 4;
const QUIET_CORES = 0.1;
const BUSY_CORES = 0.35;
const READY_MS = 20000;
// calls at a time -> connections, calls on each
const SHAPES = { 1: [1, 1], 16: [4, 4], 128: [8, 16] };
const FAST = '/ward.test.v1.Echo/Fast';
const UNARY = '/ward.test.v1.Echo/Unary';
// what is measured: which server, which method. `ward` is common/rpc on libnghttp2, `core` is common/rpc on gRPC's C core.
const SUBJECTS = {
  inline: ['ward', FAST],
  core_inline: ['core', FAST],
  callback: ['callback', UNARY],
  worker: ['ward', UNARY],
  core_worker: ['core', UNARY],
  sync: ['sync', UNARY],
  floor: ['floor', UNARY],
};
// ours, theirs, and the goals: throughput and CPU a call with many calls at a time, throughput with one
const PAIRS = [['inline', 'callback', 3.0, 0.25, 2.0], ['worker', 'sync', 3.0, 0.3, 2.0], ['core_inline', 'callback'], ['core_worker', 'sync']];
// "mtls_" and "core_inline" make "core_mtls_inline": a figure of the core bears the other's name with core_ before it.
const key = (prefix, name) => (name.startsWith('core_') ? `core_${prefix}${name.slice(5)}` : `${prefix}${name}`);

const bin = (name) => path.join(build, 'bench', name);
const certs = mkdtempSync(path.join(os.tmpdir(), 'ward-bench-'));
const children = [];

function commandOf(server, tls) {
  if (server !== 'ward' && server !== 'core') return [bin(`echo_${server}`), tls ? [certs] : []];
  const files = ['--cert', `${certs}/echo.pem`, '--key', `${certs}/echo.key`, '--ca', `${certs}/ca.pem`];
  return [path.join(build, 'tests', 'echo_server'), tls ? files : []];
}

// Resolves with the port that the server prints.
function start(server, tls) {
  const [command, args] = commandOf(server, tls);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, WARD_TRANSPORT: server === 'core' ? 'core' : 'h2' } });
  children.push(child);
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${server} does not serve`)), READY_MS);
    let text = '';
    child.on('exit', (code) => reject(new Error(`${server} ended with ${code}`)));
    child.on('error', reject);
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const port = /^(\d+)\n/.exec(text);
      if (port === null) return;
      clearTimeout(late);
      resolve({ pid: child.pid, port: Number(port[1]) });
    });
  });
}

function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return null;
  return new Promise((resolve) => {
    const late = setTimeout(() => child.kill('SIGKILL'), 5000);
    child.removeAllListeners('exit');
    child.on('exit', () => resolve(clearTimeout(late)));
    child.kill('SIGTERM');
  });
}

const patience = { ms: WAIT_MS };

async function measure(at, method, concurrency, tls) {
  const [connections, streams] = SHAPES[concurrency];
  const args = [at.port, method, connections, streams, WARM_MS, runMs, at.pid];
  let best = null;

  if (tls) args.push(certs);
  for (let i = 0; i < TRIES && (best === null || (best.other_cores > QUIET_CORES && patience.ms > 0)); i++) {
    await quiet(QUIET_CORES, patience);
    if (best !== null) patience.ms -= WARM_MS + runMs;
    const m = JSON.parse(execFileSync(bin('echo_load'), args.map(String), { encoding: 'utf8' }));
    if (best === null || m.other_cores < best.other_cores) best = m;
  }
  return best;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

async function run() {
  const at = { plain: {}, mtls: {} };
  const seen = {}; // "mtls_inline_c16" -> one measurement a round
  execFileSync(bin('echo_load'), ['--certs', certs], { stdio: 'inherit' });
  for (const mode of ['plain', 'mtls']) {
    for (const server of ['ward', 'core', 'callback', 'sync', 'floor'])
      at[mode][server] = await start(server, mode === 'mtls');
  }
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
    for (const mode of ['plain', 'mtls']) {
      for (const concurrency of Object.keys(SHAPES)) {
        const names = Object.keys(SUBJECTS);
        for (let i = 0; i < names.length; i++) {
          const name = names[(i + round) % names.length];
          const [server, method] = SUBJECTS[name];
          (seen[`${mode === 'mtls' ? 'mtls_' : ''}${name}_c${concurrency}`] ??= []).push(await measure(at[mode][server], method, concurrency, mode === 'mtls'));
        }
      }
    }
  }
  return seen;
}

function figuresOf(seen) {
  const out = {};
  for (const prefix of ['', 'mtls_']) {
    for (const c of Object.keys(SHAPES)) {
      const of = (name) => seen[`${prefix}${name}_c${c}`];
      const mid = (name, what) => median(of(name).map((m) => m[what]));
      for (const name of Object.keys(SUBJECTS)) {
        out[`${key(prefix, name)}_per_s_c${c}`] = Math.round(mid(name, 'per_s'));
        out[`${key(prefix, name)}_cpu_us_c${c}`] = Number(mid(name, 'server_us').toFixed(2));
        out[`${key(prefix, name)}_p50_us_c${c}`] = Number(mid(name, 'p50_us').toFixed(1));
        out[`${key(prefix, name)}_p99_us_c${c}`] = Number(mid(name, 'p99_us').toFixed(1));
      }
      for (const [ours, theirs, throughput, cpu, alone] of PAIRS) {
        const ratio = (what) => median(of(ours).map((m, i) => m[what] / of(theirs)[i][what]));
        const names = { throughput: `${key(prefix, ours)}_throughput_ratio_c${c}`, cpu: `${key(prefix, ours)}_cpu_ratio_c${c}` };
        out[names.throughput] = Number(ratio('per_s').toFixed(3));
        out[names.cpu] = Number(ratio('server_us').toFixed(3));
        if (throughput === undefined) continue;
        out[`goal_${names.throughput}`] = c === '1' ? alone : throughput;
        if (c !== '1') out[`goal_${names.cpu}`] = cpu; // with one call at a time it measures the kernel's wake-ups
      }
    }
  }
  out.other_cores = Number(median(Object.values(seen).flat().map((m) => m.other_cores)).toFixed(2));
  out.rounds = rounds;
  out.run_ms = runMs;
  return out;
}

function print(f) {
  const cell = (v) => String(v).padStart(9);
  for (const prefix of ['', 'mtls_']) {
    for (const c of Object.keys(SHAPES)) {
      console.log(`\n${prefix === '' ? 'plain text' : 'mTLS'}, ${c} at a time`);
      console.log('                 calls/s    CPU us   p50 us    p99 us');
      for (const name of Object.keys(SUBJECTS)) {
        const g = (what) => f[`${key(prefix, name)}_${what}_c${c}`];
        console.log(`  ${name.padEnd(12)}${cell(g('per_s'))} ${cell(g('cpu_us'))} ${cell(g('p50_us'))} ${cell(g('p99_us'))}`);
      }
      for (const [ours, theirs] of PAIRS) {
        for (const what of ['throughput', 'cpu']) {
          const name = `${key(prefix, ours)}_${what}_ratio_c${c}`;
          const goal = f[`goal_${name}`];
          const met = goal === undefined ? '' : what === 'cpu'
            ? `  aim <= ${goal}: ${f[name] <= goal ? 'met' : 'NOT met'}` : `  aim >= ${goal}: ${f[name] >= goal ? 'met' : 'NOT met'}`;
          console.log(`  ${ours} / ${theirs}, ${what.padEnd(10)} ${f[name].toFixed(2)}${met}`);
        }
      }
    }
  }
  console.log(`\n${f.rounds} rounds of ${f.run_ms} ms; other work on the machine took ${f.other_cores} of ${os.cpus().length} cores`);
  if (f.other_cores > BUSY_CORES) console.log('That is too much for these figures to be trusted: run again when the machine is quiet.');
}

try {
  const figures = figuresOf(await run());
  print(figures);
  mkdirSync(path.join(build, 'results'), { recursive: true });
  const name = process.env.QUIET_PEERS ? 'bench-rpc-quiet-peers.json' : 'bench-rpc.json';
  writeFileSync(path.join(build, 'results', name), `${JSON.stringify(figures, null, 2)}\n`);
} finally {
  await Promise.all(children.map(stop));
  rmSync(certs, { recursive: true });
}
