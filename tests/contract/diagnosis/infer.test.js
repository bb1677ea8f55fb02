'use strict';
// Infer: a model's answer is filed once, as a preliminary report that says what it rests on; what it was not made for gets none.

const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Site, TABLE, values, manifest, png, noise, failure } = require('./site');
const { root } = require('../../lib/paths');

const corpus = (name) => fs.readFileSync(path.join(root, 'tests/fuzz/corpus/image', name));

let site;
test.before(async () => { site = await Site.start(); });
test.after(() => site?.stop());

const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const extension = (report) => Object.fromEntries(report.extension.find((e) => e.url === 'urn:ward:diagnosis:answer').extension
  .map((e) => [e.url, e.value === 'value_decimal' ? Number(e.value_decimal.value) : e[e.value]]));

test('an answer is a finding with its threshold and what it rests on, and a preliminary report in the chart', async () => {
  const patient = await site.patient();
  const answer = await site.infer(patient);
  const is = manifest(TABLE);
  const [finding] = answer.findings;
  assert.equal(answer.findings.length, 1);
  assert.equal(answer.abstention, null);
  assert.deepEqual([finding.code.code, finding.threshold, finding.sensitivity, finding.specificity],
    [is.finding.code, is.finding.threshold, is.finding.sensitivity, is.finding.specificity]);
  assert.ok(finding.probability > 0 && finding.probability < 1);
  assert.equal(finding.present, finding.probability >= finding.threshold);
  const { trace } = answer;
  assert.deepEqual([trace.model, trace.version, trace.weights_sha256, trace.plugin, trace.degraded], [TABLE, '1', is.sha256, 'cpu', false]);
  assert.match(trace.input_sha256, /^[0-9a-f]{64}$/);

  const report = await site.report(answer.report_id);
  assert.equal(report.status, 'STATUS_PRELIMINARY');
  assert.equal(report.of.version, answer.report_version);
  assert.deepEqual([report.of.provenance.model, report.of.provenance.model_sha256], [`${TABLE} 1`, is.sha256]);
  assert.equal(report.subject.reference, `Patient/${patient.id}`);
  assert.match(report.conclusion, /Not confirmed by a clinician/);
  assert.equal(report.identifier[0].value, answer.inference_id);
  assert.ok(Math.abs(extension(report).probability - finding.probability) < 1e-6);
  assert.equal(report.conclusion_code.length, finding.present ? 1 : 0);
});

test('the same call made again is the same inference, and the chart has one report', async () => {
  const patient = await site.patient();
  const same = { idempotency_key: site.key() };
  const first = await site.infer(patient, same);
  const again = await site.infer(patient, same);
  assert.deepEqual([again.inference_id, again.report_id, again.report_version], [first.inference_id, first.report_id, first.report_version]);
  assert.ok(Math.abs(again.findings[0].probability - first.findings[0].probability) < 1e-6);
  assert.deepEqual(again.trace, first.trace);
  assert.equal((await site.reports(patient)).length, 1);
  const other = await failure(site.infer(patient, { ...same, features: values({ age: 61 }) }));
  assert.deepEqual([other.code, other.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
});

test('made at once by two devices, it is one report', async () => {
  const patient = await site.patient();
  const same = { idempotency_key: site.key() };
  const answers = await Promise.all(Array.from({ length: 6 }, () => site.infer(patient, same)));
  assert.equal(new Set(answers.map((a) => a.report_id)).size, 1);
  assert.equal((await site.reports(patient)).length, 1);
});

test('a value that is missing or out of range is an abstention that names it, and nothing is filed', async () => {
  const patient = await site.patient();
  const needed = manifest(TABLE).input.features.find((f) => f.missing === null) ?? null;
  const high = manifest(TABLE).input.features.find((f) => f.name === 'age');
  for (const [name, value] of [...(needed ? [[needed.name, undefined]] : []), [high.name, high.max + 40]]) {
    const answer = await site.infer(patient, { features: values({ [name]: value }) });
    assert.deepEqual([answer.abstention.reason, answer.abstention.feature], ['REASON_VALUE', name]);
    assert.deepEqual([answer.findings.length, answer.report_id], [0, '']);
  }
  assert.equal((await site.reports(patient)).length, 0);
});

test('noise, a gradient and a chessboard are no films: the chest model abstains', async () => {
  const patient = await site.patient();
  const pictures = [noise(), png(64, 64, (x, y) => x + y), png(200, 120, (x, y) => ((x >> 4) + (y >> 4)) % 2 * 255)];
  for (const image of pictures) {
    const answer = await site.infer(patient, { model: 'chest', image });
    assert.match(answer.abstention?.reason ?? JSON.stringify(answer.findings), /^REASON_(FAR|NEAR)$/);
    assert.ok(!(answer.abstention.score <= answer.abstention.limit));
    assert.equal(answer.trace.input_sha256, sha256(image));
    assert.equal(answer.report_id, '');
  }
  const same = { idempotency_key: site.key(), model: 'chest', image: pictures[0] };
  const [first, again] = [await site.infer(patient, same), await site.infer(patient, same)];
  assert.deepEqual({ ...again, event_id: '' }, { ...first, event_id: '' }, 'an abstention is answered again as it was');
  assert.notEqual(again.event_id, first.event_id, 'each call has its own event');
});

test('what is no input is refused with the field or the reason', async () => {
  const patient = await site.patient();
  const refused = async (more, code, what) => {
    const err = await failure(site.infer(patient, more));
    assert.deepEqual([err.code, err.reason === 'BAD_REQUEST' ? err.field : err.reason ?? err.field].slice(0, 1), [code]);
    assert.ok([err.field, err.reason].includes(what), `${err.field} ${err.reason} is not ${what}`);
  };
  await refused({ model: 'nothing', features: values() }, 'NOT_FOUND', 'MODEL_NOT_FOUND');
  await refused({ model: 'chest', features: { features: [] } }, 'INVALID_ARGUMENT', 'features');
  await refused({ image: noise() }, 'INVALID_ARGUMENT', 'image');
  await refused({ model: 'chest', image: Buffer.from('GIF89a nothing') }, 'INVALID_ARGUMENT', 'IMAGE_FORMAT');
  await refused({ model: 'chest', image: noise().subarray(0, 60) }, 'INVALID_ARGUMENT', 'IMAGE_BROKEN');
  await refused({ model: 'chest', image: Buffer.alloc(0) }, 'INVALID_ARGUMENT', 'IMAGE_EMPTY');
  await refused({ model: 'chest', image: corpus('animated.png') }, 'INVALID_ARGUMENT', 'IMAGE_ANIMATED');
  await refused({ model: 'chest', image: corpus('cmyk.jpg') }, 'INVALID_ARGUMENT', 'IMAGE_COLOUR');
  await refused({ features: { features: [{ name: 'shoe_size', value: 43 }] } }, 'INVALID_ARGUMENT', 'features.name');
  await refused({ features: { features: [...values().features, values().features[0]] } }, 'INVALID_ARGUMENT', 'features.name');
  await refused({ features: values({ age: NaN }) }, 'INVALID_ARGUMENT', 'features.value');
  await refused({ idempotency_key: '' }, 'INVALID_ARGUMENT', 'idempotency_key');
  await refused({ idempotency_key: 'k'.repeat(129) }, 'INVALID_ARGUMENT', 'idempotency_key');
  await refused({ patient_id: 'nobody' }, 'INVALID_ARGUMENT', 'patient_id');
  await refused({ encounter_id: 'none' }, 'INVALID_ARGUMENT', 'encounter_id');
  const none = await failure(site.api.call('Infer', { idempotency_key: site.key(), patient_id: patient.id, model: TABLE }, site.doctor));
  assert.deepEqual([none.code, none.field], ['INVALID_ARGUMENT', 'input']);
  assert.equal((await site.reports(patient)).length, 0);
});

test('a patient who is not there, or whom the person may not see, is not found', async () => {
  const patient = await site.patient('icu');
  for (const [of, who] of [[{ id: crypto.randomUUID() }, site.doctor], [patient, site.as('physician', { ward: 'ward-9', sub: 'physician-9' })]]) {
    const err = await failure(site.infer(of, {}, who));
    assert.deepEqual([err.code, err.reason], ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  }
});

test('nurses do not ask models, nobody asks them for research, and only wardctl and the gateway call', async () => {
  const patient = await site.patient();
  const nurse = await failure(site.infer(patient, {}, site.as('nurse')));
  assert.deepEqual([nurse.code, nurse.reason], ['PERMISSION_DENIED', 'ROLE_MISSING']);
  const research = await failure(site.infer(patient, {}, site.as('physician', { purpose: 'HRESCH' })));
  assert.deepEqual([research.code, research.reason], ['PERMISSION_DENIED', 'PURPOSE_NOT_ALLOWED']);
  const devices = await failure(site.infer(patient, {}, site.doctor, site.ward.client('diagnosis', { as: 'devices' })));
  assert.deepEqual([devices.code, devices.reason], ['PERMISSION_DENIED', 'CALLER_NOT_ALLOWED']);
});

test('each inference, refusal and abstention is in the audit log, about the patient, without the finding', async () => {
  const patient = await site.patient();
  const answer = await site.infer(patient);
  await site.infer(patient, { features: values({ age: 140 }) });
  await failure(site.infer(patient, { model: 'nothing', features: values() }));
  const auditor = { token: site.ward.token({ roles: ['auditor'], sub: 'auditor-1', purpose: 'HOPERAT' }) };
  const { until } = require('./site');
  const audit = site.ward.client('audit', { as: 'wardctl' });
  const events = await until('three events', async () => {
    const { records } = await audit.call('Query', { patient: patient.id, service: 'diagnosis', page_size: 50 }, auditor);
    return records.length === 3 && records;
  });
  const text = JSON.stringify(events);
  assert.ok(text.includes(answer.inference_id));
  assert.ok(!text.includes('probability'));
  assert.deepEqual(events.map((e) => e.event.outcome).sort(), ['OUTCOME_FAILURE', 'OUTCOME_SUCCESS', 'OUTCOME_SUCCESS']);
});
