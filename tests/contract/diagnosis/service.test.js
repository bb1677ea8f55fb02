'use strict';
// Ready means that every configured model serves; one that is broken is named and leaves the others serving; records away; killed
// while it files.

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { Site, TABLE, failure, until } = require('./site');
const { root, folder } = require('../../lib/paths');

let site, models;
test.before(async () => {
  models = folder();
  fs.cpSync(path.join(root, 'models'), models, { recursive: true });
  site = await Site.start({ env: { diagnosis: { WARD_MODELS: models, WARD_CANARY_MS: '200' } } });
});
test.after(async () => {
  await site?.stop();
  fs.rmSync(models, { recursive: true, force: true });
});

const restarted = async (change) => {
  const { diagnosis } = site.ward.services;
  await diagnosis.stop();
  await change();
  await diagnosis.start();
};
const health = async (service = '') => (await site.ward.client('diagnosis', { api: 'health' }).call('Check', { service })).status;

test('ready once each model gave its known answer', async () => {
  await until('ready', async () => (await site.ward.services.diagnosis.admin('/readyz')).status === 200);
  assert.equal(await health(), 'SERVING');
  for (const name of ['chest', 'heart_tree', 'heart_svm', 'heart_mlp']) await until(`${name} is served`, async () => (await health(`ward.diagnosis.v1/${name}`)) === 'SERVING');
  assert.equal((await failure(health('ward.diagnosis.v1/nothing'))).code, 'NOT_FOUND');
  const { models: all } = await site.api.call('ListModels', {}, site.doctor);
  assert.deepEqual(all.map((m) => [m.name, m.version, m.state, m.why]),
    ['chest', 'heart_tree', 'heart_svm', 'heart_mlp'].map((n) => [n, '1', 'MODEL_STATE_SERVING', '']));
});

for (const [what, spoil, says] of [
  ['weights that are others', (dir) => fs.appendFileSync(path.join(dir, 'model.onnx'), 'x'), /./],
  ['no weights', (dir) => fs.rmSync(path.join(dir, 'model.onnx')), /./],
  ['a manifest that is none', (dir) => fs.writeFileSync(path.join(dir, 'manifest.json'), '{}'), /manifest's format/],
  ['a known answer that it does not give', (dir) => {
    const file = path.join(dir, 'manifest.json');
    const m = JSON.parse(fs.readFileSync(file));
    m.known.want[0] += 5;
    fs.writeFileSync(file, JSON.stringify(m));
  }, /./],
]) {
  test(`one model has ${what}: it is named, the others serve, and it comes back when mended`, async () => {
    const dir = path.join(models, 'heart_svm/1');
    await restarted(() => spoil(dir));
    await until('one is out', async () => (await site.model('heart_svm')).state === 'MODEL_STATE_NOT_SERVING');
    assert.match((await site.model('heart_svm')).why, says);
    const ready = await site.ward.services.diagnosis.admin('/readyz');
    assert.equal(ready.status, 503);
    assert.match(ready.text, /heart_svm/);
    await until('it says so', async () => (await health('ward.diagnosis.v1/heart_svm')) === 'NOT_SERVING' && (await health()) === 'NOT_SERVING');
    await until('the others are served', async () => (await health('ward.diagnosis.v1/heart_tree')) === 'SERVING');
    const patient = await site.patient();
    const err = await failure(site.infer(patient, { model: 'heart_svm' }));
    assert.deepEqual([err.code, err.reason], ['UNAVAILABLE', 'MODEL_NOT_READY']);
    await until('the other serves', async () => (await site.model(TABLE)).state === 'MODEL_STATE_SERVING');
    assert.equal((await site.infer(patient)).findings.length, 1);
    fs.cpSync(path.join(root, 'models/heart_svm/1'), dir, { recursive: true });
    await until('it is back', async () => (await site.model('heart_svm')).state === 'MODEL_STATE_SERVING');
    assert.equal((await site.infer(patient, { model: 'heart_svm' })).findings.length, 1);
  });
}

test('records away: nothing is filed, and the same call made again later files one report', async () => {
  const patient = await site.patient();
  const same = { idempotency_key: site.key() };
  await site.ward.services.records.stop();
  let err;
  try {
    err = await failure(site.infer(patient, same));
  } finally {
    await site.ward.services.records.start();
  }
  assert.deepEqual([err.code, err.reason], ['UNAVAILABLE', 'RECORDS_AWAY']);
  const answer = await until('records is reached', () => site.infer(patient, same).catch((e) => { if (e.code === 'UNAVAILABLE') return false; throw e; }));
  assert.equal(answer.report_version, 1);
  assert.equal((await site.reports(patient)).length, 1);
});

test('killed while it files and reviews: each inference has one report, each report one review, and no answer is lost', async () => {
  const patient = await site.patient();
  const again = async (call) => until('it is answered', () => call().catch((e) => {
    if (['UNAVAILABLE', 'CANCELLED', 'INTERNAL', 'DEADLINE_EXCEEDED'].includes(e.code)) return false;
    throw e;
  }));
  const done = [];
  let stop = false;
  const loads = Promise.all(Array.from({ length: 4 }, async () => {
    while (!stop) {
      const [one, two] = [{ idempotency_key: site.key() }, { idempotency_key: site.key() }];
      const answer = await again(() => site.infer(patient, one));
      const r = await again(() => site.review('Confirm', answer, two));
      done.push([answer.report_id, r.report_version]);
    }
  }));
  try {
    for (let i = 0; i < 3; i++) {
      const want = done.length + 5;
      await until('more are done', () => done.length >= want);
      await site.ward.services.diagnosis.kill();
      await site.ward.services.diagnosis.start();
    }
  } finally {
    stop = true;
  }
  await loads;
  assert.ok(done.every(([, version]) => version === 2));
  assert.equal(new Set(done.map(([id]) => id)).size, done.length);
  const parameters = [{ name: 'patient', values: [patient.id] }];
  let n = 0, page_token;
  do {
    const page = await site.chart.records.call('Search', { kind: 'KIND_DIAGNOSTIC_REPORT', parameters, page_size: 100, page_token }, site.doctor);
    n += page.records.length;
    assert.ok(page.records.every((r) => r.resource.diagnostic_report.status === 'STATUS_FINAL'));
    page_token = page.next_page_token;
  } while (page_token.length > 0);
  assert.equal(n, done.length);
});
