'use strict';
// LoadModel, UnloadModel, PromoteModel, RollBackModel: a person says which version answers, all replicas follow, and a restart keeps it.

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { Site, TABLE, failure, until } = require('./site');
const { Models } = require('./versions');

let site, models, admin, patient, second;
test.before(async () => {
  models = new Models();
  for (const v of ['2', '3', '4', '5', '6']) models.make(TABLE, v);
  models.make(TABLE, 'unsigned', () => {}, false);
  models.make(TABLE, 'broken', (m) => { delete m.finding; });
  site = await Site.start({ services: ['audit', 'records', 'diagnosis', 'diagnosis2'], env: { diagnosis: models.env(), diagnosis2: models.env() } });
  second = site.ward.client('diagnosis2');
  admin = site.as('model-admin', { purpose: 'HOPERAT' });
  patient = await site.patient();
});
test.after(async () => {
  await site?.stop();
  models?.remove();
});

const call = (method, request, who = admin, api = site.api) => api.call(method, { idempotency_key: site.key(), model: TABLE, ...request }, who);
const list = async (api = site.api) => (await api.call('ListModels', {}, site.doctor)).models.filter((m) => m.name === TABLE);
const of = async (version, api) => (await list(api)).find((m) => m.version === version);
const serves = (version, api = site.api) => until(`${version} serves`, async () => (await of(version, api))?.state === 'MODEL_STATE_SERVING');
const both = async (version) => { await serves(version); await serves(version, second); };
const answers = async (version, api = site.api) => until(`${version} answers`, async () => (await site.infer(patient, {}, site.doctor, api)).trace.version === version);
const load = async (version, more = {}) => { const r = await call('LoadModel', { version, ...more }); await both(version); return r; };
const promote = (version, expected_active, more = {}) => call('PromoteModel', { version, expected_active, override_reason: 'a test', ...more });
const reasons = (err) => [err.code, err.reason];

test('a version that is loaded is checked and answers nobody, until it is promoted; then it answers on every replica', async () => {
  const loaded = await load('2');
  assert.equal(loaded.role, 'MODEL_ROLE_STANDBY');
  assert.match(loaded.manifest_sha256, /^[0-9a-f]{64}$/);
  assert.equal(loaded.signed_by, 'of-the-test');
  assert.deepEqual((await list()).map((m) => [m.version, m.role]), [['1', 'MODEL_ROLE_ACTIVE'], ['2', 'MODEL_ROLE_STANDBY']]);
  assert.equal((await site.infer(patient)).trace.version, '1');

  const promoted = await promote('2', '1');
  assert.deepEqual([promoted.active, promoted.previous], ['2', '1']);
  assert.equal((await site.infer(patient)).trace.version, '2');
  await answers('2', second);
  const answer = await site.infer(patient);
  assert.deepEqual([answer.trace.manifest_sha256, answer.trace.signed_by], [loaded.manifest_sha256, 'of-the-test']);

  const back = await call('RollBackModel', { expected_active: '2' });
  assert.deepEqual([back.active, back.previous], ['1', '2']);
  await answers('1');
  await answers('1', second);
  assert.deepEqual(reasons(await failure(call('RollBackModel', { expected_active: '1' }))), ['FAILED_PRECONDITION', 'MODEL_NO_PREVIOUS']);
  await call('UnloadModel', { version: '2' });
});

test('what was promoted answers after a restart and after a kill, whatever the configuration says', async () => {
  await load('3');
  await promote('3', '1');
  await site.ward.services.diagnosis.kill();
  await site.ward.services.diagnosis.start();
  await serves('3');
  assert.equal((await site.infer(patient)).trace.version, '3');
  await site.ward.services.diagnosis2.stop();
  await site.ward.services.diagnosis2.start();
  await serves('3', site.ward.client('diagnosis2'));
  second = site.ward.client('diagnosis2');
  assert.equal((await site.infer(patient, {}, site.doctor, second)).trace.version, '3');
  await call('RollBackModel', { expected_active: '3' });
  await answers('1');
  await call('UnloadModel', { version: '3' });
  await until('it is gone', async () => (await list()).length === 1 && (await list(second)).length === 1);
});

test('a model that a person unloads answers nothing and does not make the service unready; promoted again it answers', async () => {
  const health = async (name) => (await site.ward.client('diagnosis', { api: 'health' }).call('Check', { service: name })).status;
  await load('2');
  const gone = await call('UnloadModel', { version: '1' });
  assert.equal(gone.was_active, true);
  await until('it is unloaded', async () => (await list()).length === 1);
  assert.deepEqual(reasons(await failure(site.infer(patient))), ['UNAVAILABLE', 'MODEL_UNLOADED']);
  await until('its health name says so', async () => (await health(`ward.diagnosis.v1/${TABLE}`)) === 'NOT_SERVING');
  await until('the service is ready', async () => (await site.ward.services.diagnosis.admin('/readyz')).status === 200);
  assert.equal((await site.infer(patient, { model: 'heart_svm' })).findings.length, 1);
  await promote('2', '', { override_reason: '' });
  assert.equal((await site.infer(patient)).trace.version, '2', 'the replica that took the change has followed when it answers');
  await load('1');
  await promote('1', '2');
  await answers('1');
  await call('UnloadModel', { version: '2' });
});

test('calls that run when their version is unloaded end with their answer', async () => {
  await load('2');
  await promote('2', '1');
  await answers('2');
  const running = Promise.all(Array.from({ length: 32 }, () => site.infer(patient).catch((err) => err)));
  await promote('1', '2');
  await call('UnloadModel', { version: '2' });
  for (const r of await running) assert.ok(r.findings?.length === 1, `${r.code} ${r.reason}`);
  await answers('1');
});

test('a signature that is missing, another key\'s, another model\'s, or older than the manifest is refused', async () => {
  const refused = async (version) => assert.deepEqual(reasons(await failure(call('LoadModel', { version }))), ['FAILED_PRECONDITION', 'MODEL_SIGNATURE']);
  await refused('unsigned');
  const stranger = path.join(models.dir, 'stranger.key');
  models.wardctl('keygen', '--name', 'of-the-test', stranger);
  models.sign(TABLE, 'unsigned', stranger);
  await refused('unsigned');
  fs.copyFileSync(path.join(models.folder(TABLE, '2'), 'manifest.sig'), path.join(models.folder(TABLE, 'unsigned'), 'manifest.sig'));
  await refused('unsigned');
  models.sign(TABLE, 'unsigned');
  fs.appendFileSync(path.join(models.folder(TABLE, 'unsigned'), 'manifest.json'), '\n');
  await refused('unsigned');
  models.sign(TABLE, 'unsigned');
  assert.equal((await call('LoadModel', { version: 'unsigned' })).role, 'MODEL_ROLE_STANDBY');
  await call('UnloadModel', { version: 'unsigned' });
});

test('wardctl models verify says which file was changed after it was signed', () => {
  const dir = models.folder(TABLE, '5');
  assert.match(models.wardctl('verify', '--keys', models.keys, dir), /heart_tree\/5 {2}signed by of-the-test/);
  fs.appendFileSync(path.join(dir, 'card.md'), 'x');
  assert.throws(() => models.wardctl('verify', '--keys', models.keys, dir), /a different hash/);
  models.sign(TABLE, '5');
  fs.rmSync(path.join(dir, 'card.md'));
  assert.throws(() => models.wardctl('verify', '--keys', models.keys, dir), /a signed file is missing/);
  models.sign(TABLE, '5');
});

test('what cannot be loaded, promoted, unloaded or rolled back is refused with its reason', async () => {
  const refused = async (method, request, code, what) => {
    const err = await failure(call(method, request));
    assert.deepEqual([err.code, [err.field, err.reason].includes(what)], [code, true], `${method} ${JSON.stringify(request)}: ${err.code} ${err.reason} ${err.field}`);
  };
  for (const method of ['LoadModel', 'UnloadModel', 'PromoteModel']) {
    await refused(method, { model: '../etc', version: '1' }, 'INVALID_ARGUMENT', 'model');
    await refused(method, { version: '1/2' }, 'INVALID_ARGUMENT', 'version');
    await refused(method, { version: '2', idempotency_key: '' }, 'INVALID_ARGUMENT', 'idempotency_key');
  }
  await refused('RollBackModel', { model: '' }, 'INVALID_ARGUMENT', 'model');
  await refused('LoadModel', { version: '77' }, 'NOT_FOUND', 'MODEL_NOT_FOUND');
  await refused('LoadModel', { model: 'nothing', version: '1' }, 'NOT_FOUND', 'MODEL_NOT_FOUND');
  await refused('LoadModel', { version: 'broken' }, 'FAILED_PRECONDITION', 'MODEL_MANIFEST');
  await refused('LoadModel', { version: '1', shadow: true }, 'FAILED_PRECONDITION', 'MODEL_ACTIVE');
  await refused('UnloadModel', { version: '5' }, 'NOT_FOUND', 'MODEL_NOT_FOUND');
  await refused('PromoteModel', { version: '5', expected_active: '1' }, 'NOT_FOUND', 'MODEL_NOT_FOUND');
  await refused('PromoteModel', { model: 'nothing', version: '1' }, 'NOT_FOUND', 'MODEL_NOT_FOUND');
  await refused('PromoteModel', { version: '1', expected_active: '1' }, 'FAILED_PRECONDITION', 'MODEL_ACTIVE');
  await refused('PromoteModel', { version: '1', expected_active: '2' }, 'ABORTED', 'VERSION_CONFLICT');
  await refused('PromoteModel', { version: '2', override_reason: 'x'.repeat(257) }, 'INVALID_ARGUMENT', 'override_reason');
  await refused('RollBackModel', { model: 'nothing' }, 'NOT_FOUND', 'MODEL_NOT_FOUND');
  await refused('RollBackModel', { expected_active: '2' }, 'ABORTED', 'VERSION_CONFLICT');
  await load('2');
  await refused('PromoteModel', { version: '2', expected_active: '1' }, 'FAILED_PRECONDITION', 'SHADOW_TOO_FEW');
  for (const v of ['3', '4']) await call('LoadModel', { version: v });
  await refused('LoadModel', { version: '5' }, 'RESOURCE_EXHAUSTED', 'MODEL_LIMIT');
  for (const v of ['2', '3', '4']) await call('UnloadModel', { version: v });
});

test('a version whose weights are others is loaded, serves nobody, and cannot be promoted', async () => {
  fs.appendFileSync(path.join(models.folder(TABLE, '6'), 'model.onnx'), 'x');
  await call('LoadModel', { version: '6' });
  await until('it was tried', async () => /weights/.test((await of('6'))?.why ?? ''));
  assert.deepEqual(reasons(await failure(promote('6', '1'))), ['UNAVAILABLE', 'MODEL_NOT_READY']);
  assert.equal((await site.ward.services.diagnosis.admin('/readyz')).status, 200, 'it is not the active version');
  await call('UnloadModel', { version: '6' });
});

test('the same call made again is answered as it was, whatever happened since; another request under its key is refused', async () => {
  const same = { idempotency_key: site.key(), version: '2' };
  const first = await call('LoadModel', same);
  await call('UnloadModel', { version: '2' });
  const again = await call('LoadModel', same);
  assert.deepEqual({ ...again, event_id: '' }, { ...first, event_id: '' });
  assert.notEqual(again.event_id, first.event_id);
  assert.equal(await of('2'), undefined);
  assert.deepEqual(reasons(await failure(call('LoadModel', { ...same, shadow: true }))), ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
});

test('two people who promote at once: one of them is told of the other', async () => {
  await load('2');
  await load('3');
  const both = await Promise.all([promote('2', '1').catch((e) => e), promote('3', '1').catch((e) => e)]);
  const won = both.filter((r) => r.active);
  assert.equal(won.length, 1);
  assert.deepEqual(reasons(both.find((r) => !r.active)), ['ABORTED', 'VERSION_CONFLICT']);
  await call('RollBackModel', { expected_active: won[0].active });
  for (const v of ['2', '3']) await call('UnloadModel', { version: v });
});

test('only a model-admin changes what answers, by way of wardctl or the gateway; each change and refusal is in the audit log', async () => {
  for (const [method, request] of [['LoadModel', { version: '2' }], ['UnloadModel', { version: '1' }], ['PromoteModel', { version: '2' }], ['RollBackModel', {}]]) {
    assert.deepEqual(reasons(await failure(call(method, request, site.doctor))), ['PERMISSION_DENIED', 'ROLE_MISSING']);
    assert.deepEqual(reasons(await failure(call(method, request, admin, site.ward.client('diagnosis', { as: 'devices' })))), ['PERMISSION_DENIED', 'CALLER_NOT_ALLOWED']);
  }
  await load('2');
  const { event_id } = await promote('2', '1', { override_reason: 'compared on paper' });
  await call('RollBackModel', { expected_active: '2' });
  await call('UnloadModel', { version: '2' });
  const auditor = { token: site.ward.token({ roles: ['auditor'], sub: 'auditor-1', purpose: 'HOPERAT' }) };
  const audit = site.ward.client('audit', { as: 'wardctl' });
  const event = await until('the promotion is in the log', async () => {
    const { records } = await audit.call('Query', { service: 'diagnosis', page_size: 100 }, auditor);
    return records.find((r) => JSON.stringify(r).includes(event_id));
  });
  const text = JSON.stringify(event);
  for (const words of ['PromoteModel', TABLE, 'compared on paper', 'model-admin']) assert.ok(text.includes(words), words);
});
