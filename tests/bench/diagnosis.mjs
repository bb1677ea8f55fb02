// diagnosis.mjs BUILD SECONDS ROUNDS - models through the service beside the same models bare, in turns on this machine.
//
// heart_mlp (13 values), chest (28 x 28 pixels) and SqueezeNet 1.1 with made-up weights over 3 x 224 x 224 (diagnosis/graphs.mjs). The service
// is as deployed: mutual TLS, ModelInfer of the Open Inference Protocol, an audit event for each call, MariaDB and audit beside it.
//
//   throughput_vs_bare_*   rows for one second of the service's CPU time / rows for one second of the bare model's CPU time at its best batch.
//                          CPU time, because the caller, the database and audit use the same cores. Two copies of the bare model run at
//                          once, as the service's two instances do: they share memory and cache. Rows a call: `rows`, the bare model's
//                          best batch or more
//   latency_vs_bare_*      one row, one call under way: (median - floor) / the bare model's median. The floor is the median of the same
//                          call to a model that does nothing, less what that model takes bare; the two are called in turns
//   stat_p99_over_batch1   99th percentile of one STAT row under a full bulk queue / median without it; the worst of chest and cnn224
//   goodput_at_150         calls answered within their deadline at 150 % of saturation / saturation; the worst of mlp and chest
//   rss_growth             of resident memory over 200 loads and unloads, and over runs of mixed shapes: 10,000 of 1 to 32 rows (cnn224: 500 of
//                          1 to 8); the worst of the models
//   isolation_us           by build/bench/isolation, where it was built
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { cnn224, floor } from './diagnosis/graphs.mjs';
import { quiet, stolen } from './conditions/quiet.mjs';
import { mariadb, mustSync } from './conditions/synced.mjs';

const [build, seconds, rounds] = [process.argv[2], ...process.argv.slice(3).map(Number)];
process.env.BUILD = build;
const require = createRequire(import.meta.url);
const { Ward } = require('../lib/ward.js');
const { root, folder, bin } = require('../lib/paths.js');
const { until } = require('../lib/until.js');
const GOALS = { throughput_vs_bare: 0.9, latency_vs_bare: 1.1, isolation_us: 60, stat_p99_over_batch1: 2, goodput_at_150: 0.95, rss_growth: 0.05 };
const LOADS = 200;
const AT_ONCE = 6;
const INSTANCES = 2;
const TICK_MS = 10;
const patience = { ms: 60000 };
const run = promisify(execFile);
const note = (text) => process.stderr.write(`${text}\n`);
const round = (v, digits = 3) => Number(v.toFixed(digits));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const models = folder();
const SUBJECTS = {
  mlp: { name: 'heart_mlp', input: 'features', output: 'logit', shape: [13], most: 8192, rows: 8192, runs: [10000, 32], goodput_rows: 512 },
  chest: { name: 'chest', input: 'image', output: 'logit', shape: [1, 28, 28], most: 64, rows: 64, runs: [10000, 32], goodput_rows: 1 },
  cnn224: { name: 'cnn224', input: 'image', output: 'logit', shape: [3, 224, 224], most: 8, rows: 8, runs: [500, 8], graph: cnn224 },
};
for (const [key, s] of Object.entries(SUBJECTS)) SUBJECTS[`floor_${key}`] = { ...s, name: `floor_${key}`, most: 1, graph: () => floor(s.input, s.shape) };

const subject = (s) => [path.resolve(build, 'plugins'), models, `${s.name}/1/model.onnx`, s.sha256, s.input, s.output, [1, ...s.shape].join(',')];
const load = async (what, ...args) => JSON.parse((await run(path.join(build, 'bench/diagnosis_load'), [what, ...args.map(String)], { maxBuffer: 1 << 24 })).stdout);
const bare = (s, ms) => load('bare', ...subject(s), s.most, ms);

// Models of the bench are signed by a key of the bench.
async function makeModels() {
  const keys = path.join(models, 'trusted.vkeys');
  const key = path.join(models, 'bench.key');
  for (const s of Object.values(SUBJECTS)) {
    const dir = path.join(models, s.name, '1');
    if (!s.graph) cpSync(path.join(root, 'models', s.name, '1'), dir, { recursive: true });
    else mkdirSync(dir, { recursive: true });
    if (s.graph) writeFileSync(path.join(dir, 'model.onnx'), s.graph());
    s.sha256 = sha256(readFileSync(path.join(dir, 'model.onnx')));
  }
  cpSync(path.join(root, 'models/trusted.vkeys'), keys);
  appendFileSync(keys, (await run(bin('wardctl'), ['models', 'keygen', '--name', 'bench', key])).stdout);
  for (const s of Object.values(SUBJECTS).filter((m) => m.graph)) {
    const { answer } = await bare(s, 1);
    writeFileSync(path.join(models, s.name, '1/manifest.json'), JSON.stringify({
      format: 1, name: s.name, version: '1', intended_use: 'bench-diagnosis alone', file: 'model.onnx', sha256: s.sha256,
      input: { kind: 'tensors', tensor: s.input, shape: [1, ...s.shape] },
      known: { lo: 0, hi: 1, output: s.output, stride: 1, want: [answer], tolerance: 1e-3 },
    }));
    await run(bin('wardctl'), ['models', 'sign', '--key', key, '--name', 'bench', path.join(models, s.name, '1')]);
  }
  return keys;
}

const cpuMs = (pid) => {
  const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(f[11]) + Number(f[12])) * TICK_MS;
};
// Its worker processes too: each is the child of the thread that started it.
const children = (pid) => readdirSync(`/proc/${pid}/task`).flatMap((tid) => readFileSync(`/proc/${pid}/task/${tid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number));
const serviceCpuMs = (pid) => cpuMs(pid) + children(pid).reduce((sum, child) => sum + serviceCpuMs(child), 0);

await quiet(0.3, patience);
const keys = await makeModels();
const ward = await Ward.start({
  services: ['audit', 'records', 'diagnosis'], peers: ['inference'], mariadb,
  env: { diagnosis: {
    WARD_MODELS: models, WARD_MODEL_KEYS: keys, WARD_DIAGNOSIS_MODELS: Object.values(SUBJECTS).map((s) => `${s.name}/1`).join(','),
    WARD_CANARY_MS: '3600000', WARD_QUEUE_ROWS: '65536', WARD_BATCH_ROWS: '1024', WARD_INSTANCES: String(INSTANCES),
  } },
});
const results = { seconds, rounds, cores: os.cpus().length, load_at_start: round(os.loadavg()[0], 2) };
try {
  await mustSync(ward.db);
  await until('ready', async () => (await ward.services.diagnosis.admin('/readyz')).status === 200);
  const { pid } = ward.services.diagnosis.proc;
  const service = (s, beside, rows, atOnce) => load('service', ...subject(s), ward.services.diagnosis.port, path.join(ward.dir, 'pki'), s.name, beside, rows, atOnce, seconds * 1000);
  for (const key of ['mlp', 'chest', 'cnn224']) {
    const s = SUBJECTS[key], f = SUBJECTS[`floor_${key}`];
    const seen = [];
    for (let i = 0; i < rounds; i++) {
      await quiet(0.3, patience);
      const { result, stolen_pct } = await stolen(async () => {
        const copies = await Promise.all(Array.from({ length: INSTANCES }, () => bare(s, Math.max(100, seconds * 150))));
        const sizes = copies[0].sizes.map(({ rows }, k) => ({ rows, cpu_us_row: copies.reduce((sum, c) => sum + c.sizes[k].cpu_us_row, 0) / INSTANCES }));
        const alone = await bare({ ...s, most: 1 }, Math.max(300, seconds * 300));
        const alone_floor = await bare(f, 200);
        const before = serviceCpuMs(pid);
        const through = await service(s, '-', s.rows, AT_ONCE);
        const cpu_us_row = ((serviceCpuMs(pid) - before) * 1000) / through.all_rows;
        const best = Math.min(...sizes.map((z) => z.cpu_us_row));
        const one = await service(s, f.name, 1, 1);
        const floor_us = one.floor_us - alone_floor.sizes[0].us;
        return {
          throughput: best / cpu_us_row, latency: (one.p50_us - floor_us) / alone.sizes[0].us, wall_rows_s: through.rows / through.seconds,
          bare_best_us_row: best, bare_best_rows: sizes.find((z) => z.cpu_us_row === best).rows, bare_1_us: alone.sizes[0].us, service_1_us: one.p50_us, floor_us,
          batch_gain: sizes[0].cpu_us_row / best, service_us_row: cpu_us_row,
        };
      });
      seen.push({ ...result, stolen_pct });
      note(`${key} ${i + 1}: ${JSON.stringify(seen.at(-1), (_, v) => (typeof v === 'number' ? round(v) : v))}`);
    }
    for (const [figure, digits] of [['throughput', 3], ['latency', 3]]) {
      results[`${figure}_vs_bare_${key}`] = round(median(seen.map((r) => r[figure])), digits);
      results[`goal_${figure}_vs_bare_${key}`] = GOALS[`${figure}_vs_bare`];
    }
    for (const more of ['bare_best_us_row', 'bare_best_rows', 'bare_1_us', 'service_1_us', 'floor_us', 'batch_gain', 'wall_rows_s', 'stolen_pct']) results[`${key}_${more}`] = round(median(seen.map((r) => r[more])));
  }
} finally {
  await ward.stop();
}

const worst = async (what, keysOf, pick, better, args) => {
  const all = [];
  for (const key of keysOf) {
    await quiet(0.3, patience);
    const r = await load(what, ...subject(SUBJECTS[key]), ...args(SUBJECTS[key]));
    note(`${what} ${key}: ${JSON.stringify(r)}`);
    all.push(r[pick]);
  }
  return better(...all);
};
results.stat_p99_over_batch1 = await worst('stat', ['chest', 'cnn224'], 'p99_over_batch1', Math.max, () => [seconds * 1000]);
results.goodput_at_150 = await worst('goodput', ['mlp', 'chest'], 'goodput_at_150', Math.min, (s) => [s.goodput_rows, seconds * 1000]);
results.rss_growth = await worst('growth', ['mlp', 'chest', 'cnn224'], 'rss_growth', Math.max, (s) => [LOADS, ...s.runs]);
for (const figure of ['stat_p99_over_batch1', 'goodput_at_150', 'rss_growth']) results[`goal_${figure}`] = GOALS[figure];
const isolation = path.join(build, 'bench/isolation');
if (existsSync(isolation)) {
  Object.assign(results, { isolation_us: JSON.parse((await run(isolation)).stdout).isolation_us, goal_isolation_us: GOALS.isolation_us });
} else {
  note('isolation_us was not measured: build/bench/isolation is not there');
}
rmSync(models, { recursive: true, force: true });
mkdirSync(path.join(build, 'results'), { recursive: true });
writeFileSync(path.join(build, 'results/bench-diagnosis.json'), `${JSON.stringify(results)}\n`);
const HIGHER = /^(throughput|goodput)/;
for (const [key, goal] of Object.entries(results).filter(([k]) => k.startsWith('goal_'))) {
  const name = key.slice(5), is = results[name];
  const met = HIGHER.test(name) ? is >= goal : is <= goal;
  console.log(`${met ? 'met   ' : 'missed'} ${name.padEnd(28)} ${String(is).padStart(8)}  goal ${HIGHER.test(name) ? '>=' : '<='} ${goal}`);
}
