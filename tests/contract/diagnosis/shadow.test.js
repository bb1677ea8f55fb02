'use strict';
// A shadow sees what the active version sees; its answers are compared, counted, and given to nobody; a person promotes it.

const test = require('node:test');
const assert = require('node:assert');
const { Site, TABLE, values, noise, failure, until } = require('./site');
const { Models } = require('./versions');

let site, models, admin, patient;
test.before(async () => {
  models = new Models();
  models.make(TABLE, 'same');
  models.make(TABLE, 'eager', (m) => { m.finding.threshold = m.threshold.probability = 0; });
  models.make(TABLE, 'shifted', (m) => { m.calibration.shift += 0.25; });
  models.make('chest', 'shy', (m) => { m.guard.far_limit = -1e9; });
  site = await Site.start({ env: { diagnosis: models.env({ WARD_SHADOW_ANSWERS: '4', WARD_SHADOW_DISAGREE_PCT: '25' }) } });
  admin = site.as('model-admin', { purpose: 'HOPERAT' });
  patient = await site.patient();
});
test.after(async () => {
  await site?.stop();
  models?.remove();
});

const call = (method, request) => site.api.call(method, { idempotency_key: site.key(), model: TABLE, ...request }, admin);
const of = async (version, model = TABLE) => (await site.api.call('ListModels', {}, site.doctor)).models.find((m) => m.name === model && m.version === version);
const shadow = async (version, model = TABLE) => {
  assert.equal((await call('LoadModel', { model, version, shadow: true })).role, 'MODEL_ROLE_SHADOW');
  await until('the shadow serves', async () => (await of(version, model))?.state === 'MODEL_STATE_SERVING');
};
const compared = (version, n, model = TABLE) => until(`${n} are compared`, async () => {
  const { comparisons } = await of(version, model);
  return Number(comparisons[0]?.compared) === n && comparisons[0];
});
// Low and high values: absent and present.
const LOW = values({ age: 35, cp: 3, ca: 0, thal: 3, oldpeak: 0, thalach: 185 });
const HIGH = values({ age: 65, cp: 4, ca: 3, thal: 7, oldpeak: 3, thalach: 110, exang: 1 });

test('a shadow that is the same model agrees on every input, counts no answer, and may then be promoted', async () => {
  await shadow('same');
  assert.equal((await of('same')).role, 'MODEL_ROLE_SHADOW');
  const err = await failure(call('PromoteModel', { version: 'same', expected_active: '1' }));
  assert.deepEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'SHADOW_TOO_FEW']);
  const inputs = [LOW, HIGH, values(), values({ age: 140 })];
  for (const features of inputs) assert.equal((await site.infer(patient, { features })).trace.version, '1');
  const is = await compared('same', inputs.length);
  assert.deepEqual([is.active, Number(is.agreed), Number(is.abstained_apart), Number(is.failed), is.largest_difference], ['1', 4, 0, 0, 0]);
  assert.equal(Number((await of('same')).answered), 0);
  await call('PromoteModel', { version: 'same', expected_active: '1' });
  await until('it answers', async () => (await site.infer(patient)).trace.version === 'same');
  await call('RollBackModel', { expected_active: 'same' });
  await call('UnloadModel', { version: 'same' });
});

test('a shadow that sees the finding everywhere disagrees, and a promotion needs a reason', async () => {
  await until('1 answers', async () => (await site.infer(patient)).trace.version === '1');
  await shadow('eager');
  for (let i = 0; i < 5; i++) await site.infer(patient, { features: i < 3 ? LOW : HIGH });
  const is = await compared('eager', 5);
  assert.deepEqual([Number(is.agreed), is.largest_difference], [2, 0]);
  const err = await failure(call('PromoteModel', { version: 'eager', expected_active: '1' }));
  assert.deepEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'SHADOW_DISAGREES']);
  await call('PromoteModel', { version: 'eager', expected_active: '1', override_reason: 'a test' });
  await call('RollBackModel', { expected_active: 'eager' });
  await call('UnloadModel', { version: 'eager' });
});

test('how far probabilities are apart is told, and what was counted is there after a restart', async () => {
  await until('1 answers', async () => (await site.infer(patient)).trace.version === '1');
  await shadow('shifted');
  const answer = await site.infer(patient, { features: HIGH });
  const p = answer.findings[0].probability;
  const want = Math.abs(1 / (1 + Math.exp(-(Math.log(p / (1 - p)) + 0.25))) - p);
  const is = await compared('shifted', 1);
  assert.ok(Math.abs(is.largest_difference - want) < 1e-6 && Math.abs(is.mean_difference - want) < 1e-6, `${is.largest_difference} ${want}`);
  await site.ward.services.diagnosis.stop();
  await site.ward.services.diagnosis.start();
  assert.equal((await of('shifted')).role, 'MODEL_ROLE_SHADOW');
  await compared('shifted', 1);
  await call('UnloadModel', { version: 'shifted' });
});

test('a shadow of a film\'s model that abstains where the other answers is counted apart', async () => {
  await shadow('shy', 'chest');
  const { drawn } = require('./site');
  const active = await Promise.all([0, 1, 2].map((k) => site.infer(patient, { model: 'chest', image: drawn(k) })));
  const answered = active.filter((a) => a.findings.length > 0).length;
  const is = await compared('shy', 3, 'chest');
  assert.deepEqual([Number(is.abstained_apart), Number(is.agreed)], [answered, 3 - answered]);
  await call('UnloadModel', { model: 'chest', version: 'shy' });
});

test('a repeat of a call is not compared twice, and metrics count each input', async () => {
  await shadow('same');
  const same = { idempotency_key: site.key() };
  const before = Number((await of('same')).comparisons.find((c) => c.active === '1').compared);
  await site.infer(patient, same);
  await site.infer(patient, same);
  await compared('same', before + 1);
  await site.infer(patient, { model: 'chest', image: noise() });
  const { text } = await site.ward.services.diagnosis.admin('/metrics');
  assert.match(text, /ward_diagnosis_shadow_total\{model="heart_tree\/same",outcome="agreed"\} [1-9]/);
});
