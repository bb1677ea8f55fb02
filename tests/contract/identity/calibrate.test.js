'use strict';
// Calibrate against what the test works out itself, from templates that it made: counts, thresholds,
// acceptance; who is left out; and that the table is one the service takes.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Site, skip } = require('./site');
const { people, insert, scores, unhex } = require('./synthetic');

const STEP = 1e-4; // how fine the service counts
const PATIENT = { kind: 'SUBJECT_KIND_PATIENT' };
let site, where;
before(async () => {
  if (skip) return;
  site = await Site.start();
  const { model_sha256: model } = await site.admin.call('GetStatus', {}, site.tokens['identity-admin']);
  const root = unhex(fs.readFileSync(path.join(site.ward.dir, 'keys/identity.kek'), 'utf8'));
  where = { sql: (s) => site.sql(s), root, model };
});
after(() => site?.stop());

const ask = (more = {}) => site.admin.call('Calibrate', { ...PATIENT, ...more }, { ...site.tokens['identity-admin'], deadline: 120000 });
const refused = (more = {}, who = 'identity-admin') => site.admin.failure('Calibrate', { ...PATIENT, ...more }, site.tokens[who]);
const share = (list, threshold) => list.filter((s) => s >= threshold).length / list.length;

// The table is that of these scores: no rate is passed, and a threshold a step lower would pass it.
function fits(answer, { genuine, impostor }) {
  assert.strictEqual(Number(answer.genuine), genuine.length);
  assert.strictEqual(Number(answer.impostor), impostor.length);
  const rates = [1e-2, 1e-3, 1e-4, 1e-5].filter((r) => impostor.length * r >= 10 - 1e-6);
  assert.deepStrictEqual(answer.points.map((p) => p.fmr), rates);
  for (const { fmr, threshold, tar, impostors } of answer.points) {
    const hair = 1e-6; // scores are float here and there
    const within = (n, list) => Math.round(share(list, threshold + hair) * list.length) <= n && n <= Math.round(share(list, threshold - hair) * list.length);
    assert.ok(share(impostor, threshold + hair) <= fmr, `${fmr} is passed at ${threshold}`);
    assert.ok(share(impostor, threshold - STEP - hair) > fmr, `${threshold} is stricter than ${fmr} asks for`);
    assert.ok(within(Number(impostors), impostor), `${impostors} impostors`);
    assert.ok(within(Math.round(tar * genuine.length), genuine), `acceptance ${tar}`);
  }
}

const many = people(160);

test('a_site_with_few_subjects_is_told_so', { skip }, async () => {
  const none = await refused();
  assert.deepStrictEqual([none.code, none.reason], ['FAILED_PRECONDITION', 'CALIBRATION_TOO_FEW']);
  assert.match(none.details, /^0 genuine and 0 impostor pairs: at least 100 and 10000 are needed/);
  await insert(many.slice(0, 100), where);
  const some = await refused();
  assert.deepStrictEqual([some.code, some.reason], ['FAILED_PRECONDITION', 'CALIBRATION_TOO_FEW']);
  assert.match(some.details, /^100 genuine and 4950 impostor pairs/);
  const event = await site.lastEvent();
  assert.deepStrictEqual([event.outcome, event.code], ['OUTCOME_FAILURE', 'FAILED_PRECONDITION/CALIBRATION_TOO_FEW']);
});

test('the_table_is_the_one_worked_out_from_the_same_templates', { skip }, async () => {
  await insert(many.slice(100), where);
  const answer = await ask();
  assert.strictEqual(answer.subjects, '160');
  assert.strictEqual(answer.model_sha256, where.model);
  fits(answer, scores(many));
  assert.deepStrictEqual(await ask().then((again) => again.points), answer.points, 'the same pairs each time');
});

test('who_is_enrolled_twice_and_children_are_left_out', { skip }, async () => {
  const hex = (p) => `X'${p.id.toString('hex')}'`;
  const [a, b, c, d, child, ...rest] = many;
  const pair = (p, q, state) => site.sql(`INSERT INTO duplicate (duplicate_id, subject_id, other_subject_id, score, threshold, found_at_us, state)
    VALUES (X'${crypto.randomBytes(16).toString('hex')}', ${hex(p)}, ${hex(q)}, 0.9, 0.4, 1, ${state})`);
  await pair(a, b, 2);
  await pair(c, d, 3); // looked at, and two people
  await site.sql(`UPDATE subject SET birth_year = ${new Date().getUTCFullYear() - 5} WHERE subject_id = ${hex(child)}`);
  await site.sql(`UPDATE subject SET birth_year = 1980 WHERE subject_id = ${hex(d)}`);
  const answer = await ask();
  assert.strictEqual(answer.subjects, '157');
  fits(answer, scores([c, d, ...rest]));
  await site.sql('DELETE FROM duplicate; UPDATE subject SET birth_year = NULL');
});

test('people_of_one_age_are_counted_by_themselves_and_no_band_passes_a_rate', { skip }, async () => {
  const year = new Date().getUTCFullYear(), hex = (p) => `X'${p.id.toString('hex')}'`;
  const alike = people(60, { seed: 21, shared: 0.8 }); // of one age, and more like each other than the rest
  await insert(alike, where);
  await site.sql(`UPDATE subject SET birth_year = ${year - 80} WHERE subject_id IN (${alike.map(hex).join()})`);
  await site.sql(`UPDATE subject SET birth_year = ${year - 30} WHERE subject_id IN (${many.slice(0, 50).map(hex).join()})`);
  const answer = await ask(), own = scores(alike).impostor;
  assert.deepStrictEqual(answer.bands.map((b) => [b.ages, b.subjects, b.impostor]), [['18-39', '50', '1225'], ['75-', '60', '1770']]);
  const [{ threshold, fmr }] = answer.points, [mixed] = answer.mixed;
  assert.ok(threshold > mixed.threshold, 'the band of 75 and more asks for more than all together');
  assert.ok(share(own, threshold + 1e-6) <= fmr && share(own, threshold - STEP - 1e-6) > fmr);
  assert.strictEqual(Number(answer.bands[1].matched[0]), own.filter((s) => s >= threshold - 1e-7).length);
  const ids = alike.map(hex).join();
  for (const table of ['template', 'face_key', 'consent_entry', 'subject']) await site.sql(`DELETE FROM ${table} WHERE subject_id IN (${ids})`);
  await site.sql('UPDATE subject SET birth_year = NULL');
});

test('it_is_audited_without_anyone_s_id', { skip }, async () => {
  const { event_id } = await ask();
  const event = await site.lastEvent();
  assert.strictEqual(event.event_id, event_id);
  assert.strictEqual(event.patient, '');
  assert.deepStrictEqual({ ...event.detail }, { kind: 'patient', subjects: '160', unreadable: '0', genuine: '160', impostor: '12720' });
});

test('fewer_pairs_may_be_asked_for', { skip }, async () => {
  const answer = await ask({ most_pairs: 10500 });
  assert.strictEqual(answer.impostor, '10500');
  assert.strictEqual(answer.genuine, '160');
  const few = await refused({ most_pairs: 9999 });
  assert.strictEqual(few.reason, 'CALIBRATION_TOO_FEW');
});

test('renewed_templates_give_the_same_table', { skip }, async () => {
  const officer = site.tokens['security-officer'];
  let last;
  for await (const p of site.admin.stream('RenewTemplates', PATIENT, officer)) last = p;
  assert.ok(last.finished);
  await insert(people(1, { seed: 5 }), where); // not turned yet, beside those that are
  const answer = await ask();
  assert.strictEqual(answer.subjects, '161');
  assert.strictEqual(answer.genuine, '161');
  const [common] = answer.points;
  assert.ok(Math.abs(share(scores(many).impostor, common.threshold) - 1e-2) < 1e-3);
});

test('who_did_not_consent_is_of_another_kind_or_model_or_does_not_open_is_left_out', { skip }, async () => {
  const [withdrawn, staff, other, broken] = people(4, { seed: 9 });
  staff.kind = 2;
  staff.purpose = 'staff-access';
  other.model = crypto.createHash('sha256').update('another model').digest('hex');
  broken.broken = true;
  await insert([withdrawn, staff, other, broken], where);
  await site.sql(`UPDATE consent_entry SET withdrawn_at_us = 2 WHERE subject_id = X'${withdrawn.id.toString('hex')}'`);
  const answer = await ask();
  assert.strictEqual(answer.subjects, '161');
  const event = await site.lastEvent();
  assert.strictEqual(event.detail.unreadable, '1');
  const staffOnly = await refused({ kind: 'SUBJECT_KIND_STAFF' });
  assert.match(staffOnly.details, /^1 genuine and 0 impostor pairs/);
});

test('several_templates_of_a_subject_give_all_their_pairs', { skip }, async () => {
  const [rich] = people(1, { each: 6, seed: 11 });
  await insert([rich], where);
  const answer = await ask();
  assert.strictEqual(answer.subjects, '162');
  assert.strictEqual(Number(answer.genuine), 161 + 15);
});

test('only_an_identity_admin_may_and_fields_are_checked', { skip }, async () => {
  for (const role of ['nurse', 'registrar', 'security-officer', 'auditor']) {
    assert.strictEqual((await refused({}, role)).code, 'PERMISSION_DENIED', role);
  }
  for (const [wrong, field] of [[{ kind: 'SUBJECT_KIND_UNSPECIFIED' }, 'kind'], [{ kind: 3 }, 'kind'], [{ most_pairs: -1 }, 'most_pairs'], [{ most_pairs: '1000000001' }, 'most_pairs']]) {
    const err = await refused(wrong);
    assert.deepStrictEqual([err.code, err.field], ['INVALID_ARGUMENT', field]);
  }
});

test('the_service_takes_the_table_as_its_own_and_says_whose_it_is', { skip }, async () => {
  const answer = await ask();
  const file = path.join(site.ward.dir, 'calibration.json');
  fs.writeFileSync(file, JSON.stringify({
    model_sha256: answer.model_sha256, source: 'a test\'s own people', date: '2026-11-21',
    n_genuine: Number(answer.genuine), n_impostor: Number(answer.impostor),
    points: answer.points.map(({ fmr, threshold, tar }) => ({ fmr, threshold, tar })),
  }));
  const service = site.ward.services.identity;
  await service.stop();
  service.env.WARD_CALIBRATION = file;
  await service.start();
  const status = await site.admin.call('GetStatus', {}, site.tokens['identity-admin']);
  assert.strictEqual(status.calibration_source, 'a test\'s own people');
  assert.match(status.calibration_warning, /measured no groups/);
});
