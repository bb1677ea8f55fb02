'use strict';
// Lanes: who may ask for STAT, and what /metrics says of the queue.

const test = require('node:test');
const assert = require('node:assert');
const { Site, TABLE, noise, failure } = require('./site');

let site;
test.before(async () => { site = await Site.start({ env: { diagnosis: { WARD_STAT_ROLES: 'nurse,physician' }, diagnosis2: { WARD_STAT_ROLES: 'nurse' } }, services: ['audit', 'records', 'diagnosis', 'diagnosis2'] }); });
test.after(() => site?.stop());

test('each lane answers, and the same input has the same answer in each', async () => {
  const patient = await site.patient();
  const answers = [];
  for (const lane of ['LANE_UNSPECIFIED', 'LANE_STAT', 'LANE_ROUTINE', 'LANE_BULK']) answers.push(await site.infer(patient, { lane }));
  for (const a of answers) assert.equal(a.findings[0].probability, answers[0].findings[0].probability);
});

test('STAT without a role of WARD_STAT_ROLES is refused and files nothing; the other lanes answer', async () => {
  const patient = await site.patient();
  const other = site.ward.client('diagnosis2');
  const err = await failure(site.infer(patient, { lane: 'LANE_STAT' }, site.doctor, other));
  assert.deepEqual([err.code, err.reason], ['PERMISSION_DENIED', 'LANE_NOT_ALLOWED']);
  assert.equal((await site.reports(patient)).length, 0);
  assert.ok((await site.infer(patient, { lane: 'LANE_BULK' }, site.doctor, other)).report_id);
});

test('a lane that is none is refused, and its field named', async () => {
  const patient = await site.patient();
  const err = await failure(site.infer(patient, { lane: 9 }));
  assert.deepEqual([err.code, err.field], ['INVALID_ARGUMENT', 'lane']);
});

test('two dozen at once on one model each get the answer that they get alone', async () => {
  const patient = await site.patient();
  const film = noise();
  const alone = await site.infer(patient, { model: 'chest', image: film });
  const lanes = ['LANE_STAT', 'LANE_ROUTINE', 'LANE_BULK'];
  const many = await Promise.all(Array.from({ length: 24 }, (_, i) => site.infer(patient, { model: 'chest', image: film, lane: lanes[i % 3] })));
  for (const a of many) {
    assert.equal(a.abstention.reason, alone.abstention.reason);
    assert.ok(Math.abs(a.abstention.score - alone.abstention.score) < 1e-3);
  }
});

test('metrics say how large the runs were and why they took no more rows', async () => {
  const body = (await site.ward.services.diagnosis.admin('/metrics')).text;
  const sum = (name) => body.split('\n').filter((l) => l.startsWith(name) && l.includes(`model="${TABLE}/1"`)).reduce((n, l) => n + Number(l.split(' ').pop()), 0);
  const runs = sum('ward_serve_batch_rows_count');
  assert.ok(runs >= 4);
  assert.equal(sum('ward_serve_batches_total'), runs);
  assert.equal(sum('ward_serve_batch_rows_sum'), sum('ward_serve_wait_seconds_count'));
  assert.equal(sum('ward_serve_waiting_rows'), 0);
  for (const reason of ['full', 'delay', 'deadline', 'lane', 'idle']) assert.ok(body.includes(`ward_serve_batches_total{model="${TABLE}/1",reason="${reason}"}`));
});
