'use strict';
// Models run in worker processes. Each fault of a back end ends in the worker process of its model: the call is answered, the model
// says why it does not serve, it comes back, and the other model of the same back end goes on. The back ends are tests/faults.

const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const { Site, manifest, png, failure, until } = require('./site');
const { build, folder } = require('../../lib/paths');

const WEIGHTS = 'a model of tests/faults has no weights';
const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const gray = (value) => png(8, 8, () => value);
const logit = (value) => Math.fround(value / 255);

let site, patient, models;

// The mean of a picture of 4 x 4 is the logit. Only the model `faulty` has the fault, for a picture that is nearly white.
function model(name) {
  const dir = path.join(models, name, '1');
  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(path.join(dir, 'weights'), WEIGHTS);
  fs.writeFileSync(path.join(dir, 'manifest.json'), JSON.stringify({
    ...manifest('chest'), name, file: 'weights', sha256: sha256(WEIGHTS),
    devices: undefined, fallback: undefined, outputs: { logit: 'logit' }, guard: undefined, calibration: { scale: 1, shift: 0 },
    preprocess: [{ op: 'decode', formats: ['png'] }, { op: 'gray', weights: [1, 0, 0] }, { op: 'resize', method: 'area', width: 4, height: 4 },
      { op: 'scale', factor: 1 / 255 }],
    known: { lo: 0.25, hi: 0.25, output: 'logit', stride: 1, want: [0.25], tolerance: 1e-5 },
  }));
}

test.before(async () => {
  models = folder();
  for (const name of ['faulty', 'steady']) model(name);
  site = await Site.start({ peers: ['inference'], env: { diagnosis: settings('crash') } });
  patient = await site.patient();
});
test.after(async () => {
  await site?.stop();
  fs.rmSync(models, { recursive: true, force: true });
});

function settings(order, more = {}) {
  return {
    WARD_MODELS: models, WARD_DIAGNOSIS_MODELS: 'faulty/1,steady/1', WARD_PLUGINS: path.join(build, 'tests/faults'), WARD_DEVICES: order,
    WARD_DEVICE_FALLBACK: 'degraded', WARD_MODEL_UNSIGNED: 'allow', WARD_CANARY_MS: '200', WARD_ISOLATION_MIB: '1024', WARD_ISOLATION_RUN_MS: '30000', ...more,
  };
}

async function restarted(order, more) {
  const { diagnosis } = site.ward.services;
  await diagnosis.stop();
  Object.assign(diagnosis.env, settings(order, more));
  await diagnosis.start();
  await serving('faulty');
  await serving('steady');
}

const state = async (name) => (await site.model(name)).state;
const serving = (name) => until(`${name} serves`, async () => await state(name) === 'MODEL_STATE_SERVING');
const infer = (name, value) => site.infer(patient, { model: name, image: gray(value) });

async function answers(name, value) {
  const { findings: [finding] } = await infer(name, value);
  assert.ok(Math.abs(finding.probability - 1 / (1 + Math.exp(-logit(value)))) < 1e-5, `${name} answers ${finding.probability} to ${value}`);
}

// The series of a counter whose labels have all of `parts`, summed.
async function counted(name, ...parts) {
  const { text } = await site.ward.services.diagnosis.admin('/metrics');
  return text.split('\n').filter((l) => (l.startsWith(`${name}{`) || l.startsWith(`${name} `)) && parts.every((p) => l.includes(p)))
    .reduce((sum, l) => sum + Number(l.split(' ').pop()), 0);
}
const ends = (cause) => counted('ward_worker_ends_total', 'faulty/1', `cause="${cause}"`);

test('a crash: its call is UNAVAILABLE, exactly its model is out of service with the signal as the reason, and it comes back', async () => {
  await answers('faulty', 100);
  let crashes = 0;
  const crash = async () => {
    await serving('faulty');
    const err = await failure(infer('faulty', 240 + crashes++));
    assert.deepEqual([err.code, err.reason], ['UNAVAILABLE', 'WORKER_LOST']);
    assert.match(err.message, /SIGSEGV/);
  };
  for (let k = 0; k < 6; k++) await crash();
  // The sixth end in a row: the next start is more than a second away.
  const [out, refused] = await Promise.all([site.model('faulty'), failure(infer('faulty', 100))]);
  assert.equal(out.state, 'MODEL_STATE_NOT_SERVING');
  assert.match(out.why, /signal 11 \(SIGSEGV\)/);
  assert.deepEqual([refused.code], ['UNAVAILABLE']);
  // Each end makes the next start later, up to 10 s: long enough for readiness to look meanwhile.
  const unready = async () => (await site.ward.services.diagnosis.admin('/readyz')).status === 503;
  const seen = async () => {
    while (!await unready()) if (await state('faulty') === 'MODEL_STATE_SERVING') return false;
    return true;
  };
  while (!await seen()) await crash();
  assert.equal(await state('steady'), 'MODEL_STATE_SERVING');
  await answers('steady', 250);
  await serving('faulty');
  await answers('faulty', 100);
  assert.equal(await ends('SIGSEGV'), crashes);
  assert.equal(await counted('ward_worker_ends_total', 'steady/1'), 0);
});

test('a hang: the worker process is killed after the longest run and a grace, and the model comes back', async () => {
  await restarted('hang', { WARD_ISOLATION_RUN_MS: '300', WARD_ISOLATION_GRACE_MS: '100' });
  const err = await failure(infer('faulty', 255));
  assert.ok(['UNAVAILABLE', 'DEADLINE_EXCEEDED'].includes(err.code), err.code);
  await answers('steady', 255);
  await serving('faulty');
  await answers('faulty', 100);
  assert.equal(await ends('hang'), 1);
});

test('a leak: the worker process is replaced past its budget, and no call fails', async () => {
  await restarted('leak', { WARD_ISOLATION_MIB: '96' });
  const starts = () => counted('ward_worker_starts_total', 'faulty/1');
  const first = await starts();
  for (let k = 0; k < 16 || await starts() === first; k++) await answers('faulty', 235 + k % 20); // 16 MiB each
  await answers('faulty', 100);
  assert.equal(await ends('memory'), 0);
  assert.equal(await counted('ward_worker_starts_total', 'steady/1'), 1);
});

test('a device that lies: the canary sees the wrong answer, and the model is served by a device that answers rightly', async () => {
  await restarted('lie,poison');
  assert.equal((await site.model('faulty')).plugin, 'lie');
  await infer('faulty', 255); // it begins
  await until('the canary has seen it', async () => {
    const { findings } = await infer('faulty', 100).catch(() => ({ findings: [] }));
    return findings.length === 1 && Math.abs(findings[0].probability - 1 / (1 + Math.exp(-logit(100)))) < 1e-5;
  });
  await answers('steady', 255);
  await serving('faulty');
  await answers('faulty', 100);
});

test('a poisoned input: what ended two worker processes is refused, and other inputs are answered', async () => {
  await restarted('poison');
  for (let k = 0; k < 2; k++) {
    const err = await failure(infer('faulty', 255));
    assert.deepEqual([err.code, err.reason], ['UNAVAILABLE', 'WORKER_LOST']);
    assert.match(err.message, /SIGABRT/);
    await serving('faulty');
  }
  const err = await failure(infer('faulty', 255));
  assert.deepEqual([err.code, err.reason], ['RESOURCE_EXHAUSTED', 'POISONED_INPUT']);
  assert.equal(await ends('SIGABRT'), 2);
  assert.equal(await counted('ward_worker_poisoned_total'), 1);
  await answers('faulty', 100);
  await answers('steady', 255);
  assert.equal(await state('faulty'), 'MODEL_STATE_SERVING');
});

test('a back end that does not describe its models: photographs are answered, the Open Inference Protocol is refused by name', async () => {
  await restarted('shapeless');
  await answers('steady', 100);
  const read = (file) => fs.readFileSync(path.join(site.ward.dir, 'pki', file));
  const { inference } = grpc.loadPackageDefinition(protoLoader.loadSync(path.join(__dirname, 'upstream/grpc_service.proto'), { keepCase: true }));
  const stub = new inference.GRPCInferenceService(`localhost:${site.ward.services.diagnosis.port}`,
    grpc.credentials.createSsl(read('ca.pem'), read('inference.key'), read('inference.pem')));
  const pixels = Buffer.from(new Float32Array(16).buffer);
  for (const [method, request] of [
    ['ModelMetadata', { name: 'steady' }],
    ['ModelInfer', { model_name: 'steady', inputs: [{ name: 'image', datatype: 'FP32', shape: [1, 1, 4, 4] }], raw_input_contents: [pixels] }],
  ]) {
    const err = await new Promise((resolve) => { stub[method](request, { deadline: Date.now() + 60000 }, resolve); });
    assert.equal(err?.code, grpc.status.UNIMPLEMENTED, `${method}: ${err?.details}`);
    assert.match(err.metadata.get('grpc-status-details-bin')[0].toString('latin1'), /MODEL_SHAPES/);
  }
  stub.close();
});

test('without isolation, models run in the service itself', async () => {
  await restarted('crash', { WARD_ISOLATION: 'none' });
  await answers('faulty', 100);
  assert.equal(await counted('ward_worker_starts_total'), 0);
});
