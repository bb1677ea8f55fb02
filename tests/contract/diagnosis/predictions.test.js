'use strict';
// The service agrees with what the models were trained in: models/<name>/1/predictions.tsv has what PyTorch and scikit-learn compute
// for inputs that a formula makes (it stands in the file), and which no patient gave.

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { Site, manifest, drawn, failure } = require('./site');
const { root } = require('../../lib/paths');

const NEAR = 1e-4;
let site, patient;
test.before(async () => { site = await Site.start(); patient = await site.patient(); });
test.after(() => site?.stop());

function predictions(name) {
  const lines = fs.readFileSync(path.join(root, 'models', name, '1/predictions.tsv'), 'utf8').split('\n').filter((l) => l && !l.startsWith('#'));
  const [head, ...rows] = lines.map((l) => l.split('\t'));
  return rows.map((r) => Object.fromEntries(r.map((v, i) => [head[i], Number(v)])));
}

function features(name, k) {
  const all = manifest(name).input.features.map((f, i) => {
    const step = (5 * k + 3 * i + k * i) % 13;
    return { name: f.name, value: f.type === 'category' ? f.values[step % f.values.length] : f.min + (f.max - f.min) * (step + 5) / 25 };
  });
  return { features: k % 4 === 3 ? all.filter((_, i) => i !== 11 && i !== 12) : all };
}

// A score above its limit is told as an abstention with the score; a finding with its probability.
function agrees(answer, want, guard) {
  const far = want.far > guard.far_limit, near = want.near !== undefined && want.near > guard.near_limit;
  if (!far && !near) return assert.ok(Math.abs(answer.findings[0].probability - want.probability) < NEAR, `${answer.findings[0].probability} is not ${want.probability}`);
  assert.equal(answer.abstention.reason, far ? 'REASON_FAR' : 'REASON_NEAR');
  return assert.ok(Math.abs(answer.abstention.score - (far ? want.far : want.near)) < NEAR * Math.max(1, Math.abs(answer.abstention.score)));
}

test('the chest model, on pictures', async () => {
  const { guard } = manifest('chest');
  const all = predictions('chest');
  for (const want of all) agrees(await site.infer(patient, { model: 'chest', image: drawn(want.input) }), want, guard);
  assert.ok(all.some((p) => p.far <= guard.far_limit && p.near <= guard.near_limit), 'none of the pictures is answered');
});

for (const name of ['heart_tree', 'heart_svm', 'heart_mlp']) {
  test(`${name}, on values`, async () => {
    const all = predictions(name);
    assert.equal(all.length, 12);
    for (const want of all) agrees(await site.infer(patient, { model: name, features: features(name, want.input) }), want, manifest(name).guard);
  });
}

test('where it looked is a PNG of eight times the size that the model saw', async () => {
  const image = drawn(11);
  const answer = await site.infer(patient, { model: 'chest', image, heat_map: true });
  assert.equal(answer.findings.length, 1);
  const map = answer.heat_map;
  assert.deepEqual([map.subarray(1, 4).toString(), map.readUInt32BE(16), map.readUInt32BE(20)], ['PNG', 224, 224]);
  const none = await site.infer(patient, { model: 'chest', image });
  assert.equal(none.heat_map.length, 0);
});

test('a film of 15 million pixels has a heat map too, and a larger one is refused', async () => {
  const [small] = (await site.infer(patient, { model: 'chest', image: drawn(11) })).findings;
  const large = await site.infer(patient, { model: 'chest', image: drawn(11, 138), heat_map: true });
  assert.ok(Math.abs(large.findings[0].probability - small.probability) < NEAR);
  assert.equal(large.heat_map.subarray(1, 4).toString(), 'PNG');
  const err = await failure(site.infer(patient, { model: 'chest', image: drawn(11, 144), heat_map: true }));
  assert.equal(err.reason, 'IMAGE_TOO_LARGE');
});

test('a model that abstains draws no heat map', async () => {
  const answer = await site.infer(patient, { model: 'chest', image: drawn(2), heat_map: true });
  assert.equal(answer.abstention.reason, 'REASON_FAR');
  assert.equal(answer.heat_map.length, 0);
});

test('a film of twice the size, each pixel repeated, is the same film', async () => {
  const [a] = (await site.infer(patient, { model: 'chest', image: drawn(11) })).findings;
  const [b] = (await site.infer(patient, { model: 'chest', image: drawn(11, 2) })).findings;
  assert.ok(Math.abs(a.probability - b.probability) < NEAR);
});
