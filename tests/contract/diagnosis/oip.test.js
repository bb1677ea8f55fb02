'use strict';
// The Open Inference Protocol, by two clients that know nothing of Ward: grpc-js and python3-grpcio, each over stubs made of the published
// names and numbers (upstream/grpc_service.proto).

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { execFileSync, spawn } = require('node:child_process');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const { Site, TABLE, manifest, drawn, until } = require('./site');
const { Models } = require('./versions');
const { root, folder } = require('../../lib/paths');

const UPSTREAM = path.join(__dirname, 'upstream/grpc_service.proto');
const PYTHON = '/usr/bin/python3';
const TYPES = ['BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64', 'FP16', 'BF16', 'FP64', 'BYTES'];

let site, models, doctor;
test.before(async () => {
  models = new Models();
  fs.cpSync(path.join(root, 'tests/models/kinds'), path.join(models.dir, 'kinds'), { recursive: true });
  models.sign('kinds', '1');
  models.make(TABLE, '2');
  site = await Site.start({
    peers: ['inference', 'pacs'],
    env: { diagnosis: models.env({ WARD_DIAGNOSIS_MODELS: `${TABLE}/1,chest/1,kinds/1`, WARD_CALLERS: 'pacs=inference', WARD_STAT_ROLES: 'physician' }) },
  });
  doctor = site.doctor.token;
  await until('ready', async () => (await site.ward.services.diagnosis.admin('/readyz')).status === 200);
});
test.after(async () => {
  for (const stub of stubs.values()) stub.close();
  await site?.stop();
  models?.remove();
});

// ---- the client: proto-loader and grpc-js, as the protocol's users have it ----

const { inference } = grpc.loadPackageDefinition(protoLoader.loadSync(UPSTREAM, { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true }));
const stubs = new Map();
function stub(as) {
  if (!stubs.has(as)) {
    const read = (file) => fs.readFileSync(path.join(site.ward.dir, 'pki', file));
    stubs.set(as, new inference.GRPCInferenceService(`localhost:${site.ward.services.diagnosis.port}`, grpc.credentials.createSsl(read('ca.pem'), read(`${as}.key`), read(`${as}.pem`))));
  }
  return stubs.get(as);
}
function ask(method, request = {}, { as = 'gateway', token } = {}) {
  const md = new grpc.Metadata();
  if (token) md.set('authorization', `Bearer ${token}`);
  return new Promise((resolve, reject) => { stub(as)[method](request, md, { deadline: Date.now() + 60000 }, (err, r) => (err ? reject(err) : resolve(r))); });
}
const infer = (request, who = { as: 'inference' }) => ask('ModelInfer', request, who);
const failure = async (promise) => promise.then(() => { throw new Error('it was answered'); }, (err) => {
  if (err.code === undefined) throw err;
  return { code: Object.keys(grpc.status).find((k) => grpc.status[k] === err.code), words: err.details };
});

// ---- what is sent to `kinds` ----

const floats = (...v) => Buffer.from(new Float32Array(v).buffer);
const block = (...texts) => Buffer.concat(texts.map((t) => {
  const bytes = Buffer.from(t);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(bytes.length);
  return Buffer.concat([head, bytes]);
}));
const RAW = {
  BOOL: Buffer.from([1, 0, 1]), UINT8: Buffer.from([0, 7, 255]), INT8: Buffer.from([0x80, 0, 127]),
  UINT16: Buffer.from(new Uint16Array([0, 300, 65535]).buffer), INT16: Buffer.from(new Int16Array([-32768, 0, 32767]).buffer),
  UINT32: Buffer.from(new Uint32Array([0, 70000, 4294967295]).buffer), INT32: Buffer.from(new Int32Array([-2147483648, 0, 2147483647]).buffer),
  UINT64: Buffer.from(new BigUint64Array([0n, 1n << 40n, (1n << 64n) - 1n]).buffer), INT64: Buffer.from(new BigInt64Array([-(1n << 62n), 0n, 1n << 62n]).buffer),
  FP16: Buffer.from(new Uint16Array([0x3c00, 0xc000, 0x7bff]).buffer), BF16: Buffer.from(new Uint16Array([0x3f80, 0xc000, 0x7f7f]).buffer),
  FP64: Buffer.from(new Float64Array([0.1, -1e300, 5e-324]).buffer), BYTES: block('', 'zwei\0drei', '肺炎'),
};
const FIELD = {
  BOOL: { bool_contents: [true, false, true] }, UINT8: { uint_contents: [0, 7, 255] }, INT8: { int_contents: [-128, 0, 127] },
  UINT16: { uint_contents: [0, 300, 65535] }, INT16: { int_contents: [-32768, 0, 32767] }, UINT32: { uint_contents: [0, 70000, 4294967295] },
  INT32: { int_contents: [-2147483648, 0, 2147483647] }, UINT64: { uint64_contents: ['0', '1099511627776', '18446744073709551615'] },
  INT64: { int64_contents: ['-4611686018427387904', '0', '4611686018427387904'] }, FP64: { fp64_contents: [0.1, -1e300, 5e-324] },
  BYTES: { bytes_contents: [Buffer.alloc(0), Buffer.from('zwei\0drei'), Buffer.from('肺炎')] },
};
const kinds = (raw = RAW, rows = 1) => ({
  model_name: 'kinds',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [rows, 4] }, ...TYPES.map((t) => ({ name: t.toLowerCase(), datatype: t, shape: [rows, 3] }))],
  raw_input_contents: [Buffer.alloc(16 * rows), ...TYPES.map((t) => raw[t])],
});
// Everything that a model that needs all of these is sent, each changed in turn.
const changed = (change) => { const r = kinds(); change(r); return r; };

test('the server is alive and ready, and tells its name', async () => {
  assert.equal((await ask('ServerLive')).live, true);
  assert.equal((await ask('ServerReady')).ready, true);
  const about = await ask('ServerMetadata');
  assert.equal(about.name, 'ward-diagnosis');
  assert.ok(about.version);
});

test('a model is ready by its name, and by a version that is loaded', async () => {
  assert.equal((await ask('ModelReady', { name: 'chest' })).ready, true);
  assert.equal((await ask('ModelReady', { name: 'chest', version: '1' })).ready, true);
  for (const of of [{ name: 'chest', version: '2' }, { name: 'nothing' }, {}]) {
    assert.equal((await failure(ask('ModelReady', of))).code, 'NOT_FOUND');
    assert.equal((await failure(ask('ModelMetadata', of))).code, 'NOT_FOUND');
    assert.equal((await failure(infer({ model_name: of.name, model_version: of.version }))).code, 'NOT_FOUND');
  }
});

test('a model tells its tensors', async () => {
  const is = await ask('ModelMetadata', { name: 'kinds' });
  assert.deepEqual([is.name, is.versions, is.platform], ['kinds', ['1'], 'onnx_onnxv1']);
  assert.deepEqual(is.inputs, [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }, ...TYPES.map((t) => ({ name: t.toLowerCase(), datatype: t, shape: [-1, 3] }))]);
  assert.deepEqual(is.outputs.map((o) => o.datatype), ['FP32', ...TYPES]);
  const chest = await ask('ModelMetadata', { name: 'chest' });
  assert.deepEqual(chest.inputs, [{ name: 'image', datatype: 'FP32', shape: [-1, 1, 28, 28] }]);
});

test('each element type goes in and out raw, to the bit, BYTES with a NUL in it too', async () => {
  const r = await infer({ ...kinds(), id: 'call-7' });
  assert.deepEqual([r.model_name, r.model_version, r.id], ['kinds', '1', 'call-7']);
  assert.deepEqual(r.outputs.map((o) => [o.name, o.datatype, o.shape]), [['twice', 'FP32', [1, 4]], ...TYPES.map((t) => [`${t.toLowerCase()}_back`, t, [1, 3]])]);
  TYPES.forEach((t, i) => assert.ok(r.raw_output_contents[i + 1].equals(RAW[t]), t));
  assert.match(r.parameters.weights_sha256.string_param, /^[0-9a-f]{64}$/);
  assert.equal(r.parameters.degraded.bool_param, false);
});

test('typed contents carry each type but FP16 and BF16, of which they are refused', async () => {
  for (const t of TYPES) {
    const request = kinds();
    delete request.raw_input_contents;
    request.inputs[0].contents = { fp32_contents: [1, 2, 3, 4] };
    TYPES.forEach((u, i) => { request.inputs[i + 1].contents = FIELD[u]; });
    // All but one are sent as they should be: those without a field of their own cannot be.
    if (!FIELD[t]) {
      const err = await failure(infer(request));
      assert.deepEqual([err.code, /raw contents/.test(err.words)], ['INVALID_ARGUMENT', true], t);
    }
  }
  // A model with one input: the typed way in, the raw way out.
  const r = await infer({ model_name: TABLE, inputs: [{ name: 'features', datatype: 'FP32', shape: [2, 13], contents: { fp32_contents: [...row(0), ...row(1)] } }] });
  const raw = await infer({ model_name: TABLE, inputs: [{ name: 'features', datatype: 'FP32', shape: [2, 13] }], raw_input_contents: [floats(...row(0), ...row(1))] });
  r.raw_output_contents.forEach((b, i) => assert.ok(b.equals(raw.raw_output_contents[i])));
});

const row = (k) => [55 + k, 1, 4, 130, 246, 0, 0, 150, 0, 1, 2, 0, 3];

test('what a model sees this way is what it answers to Infer, without guard and calibration', async () => {
  const patient = await site.patient();
  const answer = await site.infer(patient, { features: { features: manifest(TABLE).input.features.map((f, i) => ({ name: f.name, value: row(0)[i] })) } });
  const r = await infer({ model_name: TABLE, inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 13] }], raw_input_contents: [floats(...row(0))], outputs: [{ name: 'logit' }] });
  assert.deepEqual(r.outputs.map((o) => o.name), ['logit']);
  const { scale, shift } = manifest(TABLE).calibration;
  const p = 1 / (1 + Math.exp(-(scale * r.raw_output_contents[0].readFloatLE(0) + shift)));
  assert.ok(Math.abs(p - answer.findings[0].probability) < 1e-6);
});

test('rows of a large call come back in their order', async () => {
  const rows = 300;
  const x = new Float32Array(rows * 13);
  for (let i = 0; i < rows; i++) x.set(row(i % 20), i * 13);
  const r = await infer({ model_name: TABLE, inputs: [{ name: 'features', datatype: 'FP32', shape: [rows, 13] }], raw_input_contents: [Buffer.from(x.buffer)], outputs: [{ name: 'logit' }] });
  assert.deepEqual(r.outputs[0].shape, [rows, 1]);
  for (let i = 20; i < rows; i++) assert.equal(r.raw_output_contents[0].readFloatLE(4 * i), r.raw_output_contents[0].readFloatLE(4 * (i % 20)));
});

for (const [what, change, words] of [
  ['no input', (r) => { r.inputs = []; r.raw_input_contents = []; }, /needs 14 inputs/],
  ['an input too few', (r) => { r.inputs.pop(); r.raw_input_contents.pop(); }, /needs 14 inputs/],
  ['an input that the model does not have', (r) => { r.inputs[3].name = 'nothing'; }, /no input with this name/],
  ['an input twice', (r) => { r.inputs[3].name = 'x'; }, /listed twice/],
  ['another type', (r) => { r.inputs[0].datatype = 'FP64'; }, /datatype of x must be FP32/],
  ['a type that is none', (r) => { r.inputs[0].datatype = 'FP8'; }, /datatype of x must be FP32/],
  ['another rank', (r) => { r.inputs[0].shape = [4]; }, /1 dimensions, want 2/],
  ['another width', (r) => { r.inputs[0].shape = [1, 5]; }, /dimension 1 of x is 5, want 4/],
  ['no row', (r) => { r.inputs[0].shape = [0, 4]; r.raw_input_contents[0] = Buffer.alloc(0); }, /dimension 0 of x is 0/],
  ['a negative row', (r) => { r.inputs[0].shape = [-1, 4]; }, /dimension 0 of x is -1/],
  ['more rows than can be', (r) => { r.inputs[0].shape = [Number.MAX_SAFE_INTEGER, 4]; }, /too large/],
  ['inputs that differ in rows', (r) => { r.inputs[0].shape = [2, 4]; r.raw_input_contents[0] = Buffer.alloc(32); }, /different numbers of rows/],
  ['a byte too few', (r) => { r.raw_input_contents[0] = Buffer.alloc(15); }, /15 bytes do not encode 4 elements of FP32/],
  ['a byte too many', (r) => { r.raw_input_contents[9] = Buffer.alloc(25); }, /25 bytes/],
  ['FP16 of another size', (r) => { r.raw_input_contents[10] = Buffer.alloc(12); }, /12 bytes do not encode 3 elements of FP16/],
  ['a BOOL of 2', (r) => { r.raw_input_contents[1] = Buffer.from([0, 1, 2]); }, /elements of BOOL/],
  ['BYTES that end early', (r) => { r.raw_input_contents[13] = block('a', 'b'); }, /elements of BYTES/],
  ['BYTES with an element too many', (r) => { r.raw_input_contents[13] = block('a', 'b', 'c', 'd'); }, /elements of BYTES/],
  ['BYTES longer than they are', (r) => { r.raw_input_contents[13] = Buffer.from([255, 255, 255, 255, 1]); }, /elements of BYTES/],
  ['raw contents for some inputs alone', (r) => { r.raw_input_contents.pop(); }, /one entry for each input/],
  ['raw and typed contents together', (r) => { r.inputs[0].contents = { fp32_contents: [1, 2, 3, 4] }; }, /must not be set/],
  ['contents of neither kind', (r) => { r.raw_input_contents = []; }, /raw or typed/],
  ['an output that the model does not have', (r) => { r.outputs = [{ name: 'nothing' }]; }, /no output with this name/],
  ['an output twice', (r) => { r.outputs = [{ name: 'twice' }, { name: 'twice' }]; }, /twice/],
  ['a lane that is none', (r) => { r.parameters = { lane: { string_param: 'now' } }; }, /stat, routine or bulk/],
  ['a lane that is no text', (r) => { r.parameters = { lane: { int64_param: 1 } }; }, /stat, routine or bulk/],
]) {
  test(`refused: ${what}`, async () => {
    const err = await failure(infer(changed(change)));
    assert.equal(err.code, 'INVALID_ARGUMENT', err.words);
    assert.match(err.words, words);
  });
}

for (const [what, contents, words] of [
  ['too few elements', { fp32_contents: row(0).slice(1) }, /13 elements, and only of type FP32/],
  ['elements of another type', { fp64_contents: row(0) }, /13 elements, and only of type FP32/],
  ['elements of two types', { fp32_contents: row(0), int_contents: [1] }, /13 elements, and only of type FP32/],
]) {
  test(`refused: typed contents with ${what}`, async () => {
    const err = await failure(infer({ model_name: TABLE, inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 13], contents }] }));
    assert.deepEqual([err.code, words.test(err.words)], ['INVALID_ARGUMENT', true], err.words);
  });
}

test('a system of its own needs no person; a person needs a role, and STAT one of WARD_STAT_ROLES', async () => {
  const request = { model_name: TABLE, inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 13] }], raw_input_contents: [floats(...row(0))] };
  assert.equal((await infer(request, { as: 'inference' })).outputs.length > 0, true);
  assert.equal((await infer(request, { as: 'pacs' })).outputs.length > 0, true, 'by WARD_CALLERS');
  assert.equal((await infer(request, { as: 'gateway', token: doctor })).outputs.length > 0, true);
  assert.equal((await failure(infer(request, { as: 'gateway' }))).code, 'UNAUTHENTICATED');
  assert.equal((await failure(infer(request, { as: 'gateway', token: site.as('nurse').token }))).code, 'PERMISSION_DENIED');
  assert.equal((await failure(infer(request, { as: 'devices' }))).code, 'PERMISSION_DENIED');
  assert.equal((await failure(ask('ServerLive', {}, { as: 'devices' }))).code, 'PERMISSION_DENIED');
  const stat = { ...request, parameters: { lane: { string_param: 'stat' }, priority: { int64_param: 1 } } };
  assert.equal((await infer(stat, { as: 'gateway', token: doctor })).outputs.length > 0, true);
  assert.equal((await failure(infer(stat, { as: 'inference' }))).code, 'PERMISSION_DENIED');
  assert.equal((await infer({ ...request, parameters: { lane: { string_param: 'bulk' } } })).outputs.length > 0, true);
});

test('a version that is loaded beside the active one answers where it is named', async () => {
  const admin = site.as('model-admin', { purpose: 'HOPERAT' });
  await site.api.call('LoadModel', { idempotency_key: site.key(), model: TABLE, version: '2' }, admin);
  await until('it is ready', async () => (await ask('ModelReady', { name: TABLE, version: '2' }).catch(() => ({}))).ready);
  assert.deepEqual((await ask('ModelMetadata', { name: TABLE })).versions.sort(), ['1', '2']);
  const request = { model_name: TABLE, inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 13] }], raw_input_contents: [floats(...row(0))] };
  assert.equal((await infer({ ...request, model_version: '2' })).model_version, '2');
  assert.equal((await infer(request)).model_version, '1');
  for (const version of ['1', '2']) await site.api.call('UnloadModel', { idempotency_key: site.key(), model: TABLE, version }, admin);
  await until('it is gone', async () => (await failure(infer({ ...request, model_version: '2' })).catch(() => ({}))).code === 'NOT_FOUND');
  assert.equal((await failure(infer(request))).code, 'UNAVAILABLE');
  assert.equal((await ask('ModelReady', { name: TABLE })).ready, false);
});

test('a model for tensors is none for a patient\'s values', async () => {
  const patient = await site.patient();
  const err = await site.infer(patient, { model: 'kinds', image: drawn(0) }).then(() => null, (e) => e);
  assert.deepEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'MODEL_RAW']);
});

test('each ModelInfer is an event that names the system and the model, and nothing of what was sent', async () => {
  await infer({ ...kinds(), id: 'secret-id-4711' }, { as: 'pacs' });
  const auditor = { token: site.ward.token({ roles: ['auditor'], sub: 'auditor-1', purpose: 'HOPERAT' }) };
  const audit = site.ward.client('audit', { as: 'wardctl' });
  const events = await until('events of it', async () => {
    const { records } = await audit.call('Query', { service: 'diagnosis', page_size: 200 }, auditor);
    const of = records.map((r) => JSON.stringify(r)).filter((t) => t.includes('ModelInfer'));
    return of.some((t) => t.includes('kinds/1') && t.includes('pacs')) && of.some((t) => t.includes('OUTCOME_FAILURE')) && of;
  });
  assert.ok(events.every((t) => !t.includes('secret-id-4711')));
});

// ---- python3-grpcio ----

const stubsMade = () => {
  const dir = folder();
  execFileSync('protoc', ['-I', path.dirname(UPSTREAM), `--python_out=${dir}`, `--grpc_out=${dir}`, '--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin', UPSTREAM]);
  return dir;
};

test('python3-grpcio, over stubs of the same file: health, metadata, raw and typed contents, an error', async () => {
  const dir = stubsMade();
  const pki = (file) => path.join(site.ward.dir, 'pki', file);
  const child = spawn(PYTHON, [path.join(__dirname, 'oip_client.py'), `localhost:${site.ward.services.diagnosis.port}`, pki('ca.pem'), pki('inference.key'), pki('inference.pem')],
    { env: { ...process.env, PYTHONPATH: dir }, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const py = async (method, request) => {
    child.stdin.write(`${JSON.stringify({ method, request })}\n`);
    return JSON.parse((await lines.next()).value);
  };
  try {
    assert.equal((await py('ServerLive', {})).response.live, true);
    assert.equal((await py('ModelReady', { name: 'chest' })).response.ready, true);
    assert.deepEqual((await py('ModelMetadata', { name: 'chest' })).response.inputs, [{ name: 'image', datatype: 'FP32', shape: ['-1', '1', '28', '28'] }]);
    const request = kinds();
    const { response } = await py('ModelInfer', { ...request, raw_input_contents: request.raw_input_contents.map((b) => b.toString('base64')) });
    TYPES.forEach((t, i) => assert.equal(response.raw_output_contents[i + 1], RAW[t].toString('base64'), t));
    const film = Array.from({ length: 784 }, (_, i) => Math.sin(i));
    const typed = await py('ModelInfer', { model_name: 'chest', inputs: [{ name: 'image', datatype: 'FP32', shape: [1, 1, 28, 28], contents: { fp32_contents: film } }], outputs: [{ name: 'logit' }] });
    const raw = await py('ModelInfer', { model_name: 'chest', inputs: [{ name: 'image', datatype: 'FP32', shape: [1, 1, 28, 28] }], raw_input_contents: [floats(...film).toString('base64')], outputs: [{ name: 'logit' }] });
    assert.deepEqual(typed.response.raw_output_contents, raw.response.raw_output_contents);
    const err = await py('ModelInfer', { model_name: 'nothing' });
    assert.equal(err.code, 'NOT_FOUND');
  } finally {
    child.stdin.end();
    fs.rmSync(dir, { recursive: true, force: true });
  }
});
