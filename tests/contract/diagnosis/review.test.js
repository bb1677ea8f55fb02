'use strict';
// Confirm, Amend, Reject: a clinician makes the report final or not, once, from the version they have read.

const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { Site, TABLE, failure } = require('./site');
const chart = require('../records/site');

let site;
test.before(async () => { site = await Site.start(); });
test.after(() => site?.stop());

const filed = async () => site.infer(await site.patient());
const codes = (err) => [err.code, err.reason];

test('confirmed: final, with the person on it', async () => {
  const answer = await filed();
  const r = await site.review('Confirm', answer);
  assert.deepEqual([r.report_id, r.report_version], [answer.report_id, 2]);
  const report = await site.report(r.report_id);
  assert.equal(report.status, 'STATUS_FINAL');
  assert.match(report.conclusion, /confirmed by a clinician/);
  assert.equal(report.results_interpreter[0].reference, 'Practitioner/physician-1');
});

test('amended: in the words of the person, and without the code of what is not there', async () => {
  const answer = await filed();
  const r = await site.review('Amend', answer, { conclusion: 'No sign of disease.', present: false });
  const report = await site.report(r.report_id);
  assert.deepEqual([report.status, report.conclusion, report.conclusion_code.length], ['STATUS_AMENDED', 'No sign of disease.', 0]);
});

test('rejected: cancelled, with the reason', async () => {
  const answer = await filed();
  const r = await site.review('Reject', answer, { reason: "another patient's values" });
  const report = await site.report(r.report_id);
  assert.equal(report.status, 'STATUS_CANCELLED');
  assert.match(report.conclusion, /another patient's values/);
});

test('a repeat is answered as the first was; another decision finds it reviewed', async () => {
  const answer = await filed();
  const same = { idempotency_key: site.key() };
  const first = await site.review('Confirm', answer, same);
  assert.deepEqual({ ...await site.review('Confirm', answer, same), event_id: '' }, { ...first, event_id: '' });
  const late = await failure(site.review('Reject', answer, { reason: 'too late' }));
  assert.deepEqual(codes(late), ['ABORTED', 'VERSION_CONFLICT']);
  const again = await failure(site.review('Reject', { ...answer, report_version: 2 }, { reason: 'too late' }));
  assert.deepEqual(codes(again), ['FAILED_PRECONDITION', 'REPORT_NOT_PRELIMINARY']);
  assert.equal((await site.report(answer.report_id)).of.version, 2);
});

test('of many who decide at once one does', async () => {
  const answer = await filed();
  const all = await Promise.allSettled(['Confirm', 'Amend', 'Reject', 'Confirm', 'Reject'].map((how, i) =>
    site.review(how, answer, { ...(how === 'Amend' && { conclusion: 'x' }), ...(how === 'Reject' && { reason: 'x' }) }, site.as('physician', { sub: `physician-${i + 1}` }))));
  assert.equal(all.filter((x) => x.status === 'fulfilled').length, 1);
  assert.equal((await site.report(answer.report_id)).of.version, 2);
});

test('what is no report of a model, or not to be seen, is refused', async () => {
  const patient = await site.patient();
  const { record } = await site.chart.records.call('Create', { idempotency_key: site.key(), resource: chart.report(patient.id) }, site.doctor);
  const own = await failure(site.review('Confirm', { report_id: record.version.resource_id, report_version: 1 }));
  assert.deepEqual(codes(own), ['FAILED_PRECONDITION', 'REPORT_NOT_PRELIMINARY']);
  const none = await failure(site.review('Confirm', { report_id: crypto.randomUUID(), report_version: 1 }));
  assert.deepEqual(codes(none), ['NOT_FOUND', 'REPORT_NOT_FOUND']);
  const answer = await filed();
  const stranger = await failure(site.review('Confirm', answer, {}, site.as('physician', { ward: 'ward-9', sub: 'physician-9' })));
  assert.deepEqual(codes(stranger), ['NOT_FOUND', 'REPORT_NOT_FOUND']);
});

test('fields out of range are named', async () => {
  const answer = await filed();
  const field = async (how, more) => { const e = await failure(site.review(how, answer, more)); return [e.code, e.field]; };
  assert.deepEqual(await field('Confirm', { expected_version: 0 }), ['INVALID_ARGUMENT', 'expected_version']);
  assert.deepEqual(await field('Confirm', { report_id: 'x' }), ['INVALID_ARGUMENT', 'report_id']);
  assert.deepEqual(await field('Confirm', { idempotency_key: '' }), ['INVALID_ARGUMENT', 'idempotency_key']);
  assert.deepEqual(await field('Amend', { conclusion: '' }), ['INVALID_ARGUMENT', 'conclusion']);
  assert.deepEqual(await field('Amend', { conclusion: 'x'.repeat(4097) }), ['INVALID_ARGUMENT', 'conclusion']);
  assert.deepEqual(await field('Reject', { reason: '' }), ['INVALID_ARGUMENT', 'reason']);
  assert.deepEqual(await field('Reject', { reason: 'x'.repeat(257) }), ['INVALID_ARGUMENT', 'reason']);
  const nurse = await failure(site.review('Confirm', answer, {}, site.as('nurse')));
  assert.deepEqual(codes(nurse), ['PERMISSION_DENIED', 'ROLE_MISSING']);
});

test('what clinicians made of a model is counted', async () => {
  const before = await site.model(TABLE);
  const [a, b, c] = [await filed(), await filed(), await filed()];
  await site.review('Confirm', a);
  await site.review('Amend', b, { conclusion: 'x', present: true });
  await site.review('Reject', c, { reason: 'x' });
  const after = await site.model(TABLE);
  assert.equal(after.state, 'MODEL_STATE_SERVING');
  assert.deepEqual(['answered', 'confirmed', 'amended', 'rejected'].map((k) => Number(after[k]) - Number(before[k])), [3, 1, 1, 1]);
});
