'use strict';
// What a model refuses: a picture without the part that it reads, a call when its queue is full, and everything while it does not serve.

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const { Site, TABLE, png, failure, until } = require('./site');
const { Models } = require('./versions');

const ROWS = 1; // of the queue, of each call that fills it, and of Infer: a call of fewer rows than others would find room where they do not

let site, models, stub;
test.before(async () => {
  models = new Models();
  models.make('chest', '2', (m) => { m.preprocess[2] = { op: 'crop', method: 'box', x: 10, y: 0, width: 40, height: 40 }; });
  models.make(TABLE, '2');
  fs.appendFileSync(path.join(models.folder(TABLE, '2'), 'model.onnx'), 'x');
  site = await Site.start({
    peers: ['inference'],
    env: { diagnosis: models.env({ WARD_DIAGNOSIS_MODELS: `chest/2,${TABLE}/2`, WARD_QUEUE_ROWS: String(ROWS), WARD_INSTANCES: '1', WARD_STAT_INSTANCES: '0' }) },
  });
  const read = (file) => fs.readFileSync(path.join(site.ward.dir, 'pki', file));
  const { inference } = grpc.loadPackageDefinition(protoLoader.loadSync(path.join(__dirname, 'upstream/grpc_service.proto'), { keepCase: true, defaults: true }));
  stub = new inference.GRPCInferenceService(`localhost:${site.ward.services.diagnosis.port}`, grpc.credentials.createSsl(read('ca.pem'), read('inference.key'), read('inference.pem')));
  await until('the chest model serves', async () => (await ready('chest')).ready);
});
test.after(async () => {
  stub?.close();
  await site?.stop();
  models?.remove();
});

const ask = (method, request) => new Promise((resolve) => {
  stub[method](request, { deadline: Date.now() + 60000 }, (err, r) => resolve(err ? { code: Object.keys(grpc.status).find((k) => grpc.status[k] === err.code), words: err.details } : r));
});
const ready = (name) => ask('ModelReady', { name });
const fill = () => ask('ModelInfer', {
  model_name: 'chest', inputs: [{ name: 'image', datatype: 'FP32', shape: [ROWS, 1, 28, 28] }], raw_input_contents: [Buffer.alloc(4 * ROWS * 784)], outputs: [{ name: 'logit' }],
});
const film = (w, h) => png(w, h, (x, y) => (x * y) & 255);

test('a picture without the part that the model reads is refused, one pixel more is read', async () => {
  const patient = await site.patient();
  for (const [w, h] of [[49, 40], [50, 39]]) {
    const err = await failure(site.infer(patient, { model: 'chest', image: film(w, h) }));
    assert.deepEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'INPUT_TOO_SMALL']);
  }
  assert.equal((await site.infer(patient, { model: 'chest', image: film(50, 40) })).trace.version, '2');
});

test('a queue that is full refuses calls of both APIs, counts them, and answers those that it took', async () => {
  const patient = await site.patient();
  let stop = false;
  const codes = { answered: 0, refused: 0 };
  const callers = Array.from({ length: 16 }, async () => {
    while (!stop) {
      const r = await fill();
      if (r.code) assert.equal(r.code, 'RESOURCE_EXHAUSTED', r.words);
      codes[r.code ? 'refused' : 'answered']++;
    }
  });
  try {
    await until('Infer is refused', async () => {
      const err = await site.infer(patient, { model: 'chest', image: film(60, 60) }).then(() => null, (e) => e);
      if (err) assert.equal(err.code, 'RESOURCE_EXHAUSTED');
      return err?.reason === 'QUEUE_FULL' && codes.refused > 0 && codes.answered > 0;
    });
  } finally {
    stop = true;
    await Promise.all(callers);
  }
  const { text } = await site.ward.services.diagnosis.admin('/metrics');
  assert.match(text, /ward_serve_refused_total\{model="chest\/2",reason="full"\} [1-9]/);
  assert.equal((await fill()).code, undefined, 'it answers again');
});

test('a model whose weights are others is refused by each call of both APIs, and the other model serves', async () => {
  const patient = await site.patient();
  const err = await failure(site.infer(patient));
  assert.deepEqual([err.code, err.reason], ['UNAVAILABLE', 'MODEL_NOT_READY']);
  assert.equal((await ready(TABLE)).ready, false);
  assert.equal((await ask('ServerReady', {})).ready, false);
  assert.equal((await ask('ModelMetadata', { name: TABLE })).code, 'UNAVAILABLE');
  const infer = await ask('ModelInfer', { model_name: TABLE, inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 13] }], raw_input_contents: [Buffer.alloc(52)] });
  assert.equal(infer.code, 'UNAVAILABLE');
  assert.equal((await fill()).code, undefined);
});
