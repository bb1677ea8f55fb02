'use strict';
// Findings about the patient: a prescriber acknowledges one with one order, and for a day the checks of other orders, and of doses, tell
// it as known; unless the chart says something else by then.

const test = require('node:test');
const assert = require('node:assert');
const { Site, prescription, once, until, amount } = require('./site');
const { bedsideSet, give, emergency, placed } = require('./bedside');
const { override, setState } = require('./ordering');

const UNKNOWN = 'ward.allergy-unknown', OLD = 'weight-old';
let site;
test.before(async () => {
  const rules = bedsideSet();
  const rule = (id, severity) => ({ id, version: 1, severity: `SEVERITY_${severity}`, source: 'made up for tests', reviewed_on: '2026-11-22' });
  rules.fresh = [{ rule: rule(OLD, 'WARN'), what: 'WHAT_WEIGHT', max_age_hours: 48 }];
  rules.dose_rules.push({ rule: rule('plainin-kg', 'WARN'), ingredient: 'plainin', max_single_per_kg: amount(100, 'mg/kg') });
  site = await Site.shared({ rules, audit: false });
});
test.after(() => site?.stop());

const plainin = (mg = 10, more = {}) => prescription('plainin', `${mg} mg`, { timing: once, ...more });
const testozin = () => prescription('testozin', '500 mg', { timing: once });
const told = (decision, rule) => decision.findings.filter((f) => f.rule_id === rule).map((f) => f.severity.replace('SEVERITY_', ''));
const checked = async (patient, rule, p = testozin(), more = {}) => told(await site.check(patient, p, more), rule);
const silent = () => site.patient({ allergies: null });
const overriding = (...rules) => ({ overrides: rules.map((r) => override(r)) });
const replayed = async (d) => (await site.orders.call('ReplayDecision', { decision_id: d.decision_id }, site.who('physician'))).same;

test('one acknowledgement is enough for a day, on whatever replica, and says who and when', async () => {
  const patient = await silent();
  assert.deepStrictEqual(await checked(patient, UNKNOWN), ['WARN']);
  await placed(site, patient, testozin(), overriding(UNKNOWN));
  const on = site.api('dosage', { on: 'dosage2' });
  assert.deepStrictEqual(await checked(patient, UNKNOWN, plainin(), { on }), ['INFO']);
  const answer = await site.place(patient, plainin());
  assert.strictEqual(answer.placed, true, 'nothing is asked again');
  const finding = answer.decision.findings.find((f) => f.rule_id === UNKNOWN);
  assert.match(finding.text.en, /Ask the patient\. Acknowledged by physician-1 0 min ago\.$/);
  const [by] = answer.decision.snapshot.acknowledged;
  assert.deepStrictEqual([by.rule_id, by.by, by.reason_code], [UNKNOWN, 'physician-1', 'benefit']);
  assert.strictEqual(await replayed(answer.decision), true, 'the same bytes');
  const other = await silent();
  assert.deepStrictEqual(await checked(other, UNKNOWN), ['WARN'], 'another patient');
});

test('it outlives the order that it came with', async () => {
  const patient = await silent();
  const order = await placed(site, patient, testozin(), overriding(UNKNOWN));
  await setState(site, order, 'STOPPED');
  assert.deepStrictEqual(await checked(patient, UNKNOWN, plainin()), ['INFO']);
});

test('an override that is sent although another order acknowledged it meanwhile is no error', async () => {
  const patient = await silent();
  const answers = await Promise.all([testozin(), plainin()].map((p) => site.place(patient, p, overriding(UNKNOWN))));
  assert.deepStrictEqual(answers.map((a) => a.placed), [true, true]);
  assert.strictEqual(await site.rows('acknowledged', `patient_id = ${site.hex(patient.id)}`), 1, 'the first one counts');
});

test('another weight, or an allergy that is charted, is asked about', async () => {
  const patient = await site.patient({ weight: null });
  await site.measure(patient.id, '29463-7', '70 kg', { hoursAgo: 72 });
  await until('the weight is known', async () => (await checked(patient, OLD, plainin()))[0] === 'WARN');
  await placed(site, patient, plainin(), overriding(OLD));
  assert.deepStrictEqual(await checked(patient, OLD, plainin(20)), ['INFO']);
  await site.measure(patient.id, '29463-7', '71 kg', { hoursAgo: 71 });
  await until('the other weight counts', async () => (await checked(patient, OLD, plainin(20)))[0] === 'WARN');

  const line = await site.patient({ allergies: null });
  await site.allergy(line.id, { text: 'something red' });
  await until('the line is known', async () => (await checked(line, 'ward.allergy-text'))[0] === 'WARN');
  await placed(site, line, testozin(), overriding('ward.allergy-text'));
  assert.deepStrictEqual(await checked(line, 'ward.allergy-text', plainin()), ['INFO']);
  await site.allergy(line.id, { text: 'something blue' });
  await until('the new line counts', async () => (await checked(line, 'ward.allergy-text', plainin()))[0] === 'WARN');
});

test('what is about the order, and a hard stop, is asked of every order', async () => {
  const patient = await silent();
  await placed(site, patient, prescription('testozin', '1100 mg', { timing: once }), overriding(UNKNOWN, 'testozin-single-warn'));
  const answer = await site.place(patient, prescription('testozin', '1100 mg', { timing: once }));
  assert.strictEqual(answer.placed, false);
  assert.ok(answer.open.includes('testozin-single-warn') && !answer.open.includes(UNKNOWN), String(answer.open));

  const red = await site.patient({ allergies: null });
  await site.allergy(red.id, { text: 'something red' }, 'nurse', { criticality: 'CRITICALITY_HIGH' });
  await until('the entry is known', async () => (await checked(red, 'ward.allergy-text'))[0] === 'HARD');
  await placed(site, red, testozin(), { overrides: [override('ward.allergy-text', 'specialist')], second_person_token: site.as('pharmacist', { sub: 'pharmacist-two' }).token });
  assert.deepStrictEqual(await checked(red, 'ward.allergy-text', plainin()), ['HARD']);
  assert.strictEqual(await site.rows('acknowledged', `patient_id = ${site.hex(red.id)}`), 0);
});

test('a nurse is not asked at the bedside for what the prescriber acknowledged, also a day later', async () => {
  const patient = await silent();
  await placed(site, patient, testozin(), overriding(UNKNOWN));
  const order = await placed(site, patient, plainin());
  const [slot] = await site.slots(patient, { order_id: order.order_id });
  await site.sql(`DELETE FROM acknowledged WHERE patient_id = ${site.hex(patient.id)}`);
  await emergency(site, patient, { drug_id: 'dripin', route: 'ROUTE_IVINF', dose: amount(1, 'mg') }); // nothing is cached any more
  const answer = await give(site, { patient, order, slot });
  assert.deepStrictEqual([answer.recorded, told(answer.decision, UNKNOWN)], [true, ['WARN']]);
});

test('of two who are one, what was acknowledged of either counts', async () => {
  const [into, from] = [await silent(), await silent()];
  await placed(site, from, testozin(), overriding(UNKNOWN));
  await placed(site, into, plainin(), overriding(UNKNOWN));
  await site.sql(`DELETE FROM acknowledged WHERE patient_id = ${site.hex(into.id)}`); // the other one's alone
  const version = async (id) => (await site.sql(`SELECT version FROM resource WHERE resource_id = ${site.hex(id)}`, 'records'))[0][0];
  await site.api('patients').call('MergePatients', {
    idempotency_key: site.key(), into_patient_id: into.id, from_patient_id: from.id, into_version: await version(into.id), from_version: await version(from.id),
    reason: 'one and the same',
  }, site.tokens.registrar);
  await until('one', async () => Number((await site.sql(`SELECT root_id = ${site.hex(into.id)} FROM patient WHERE patient_id = ${site.hex(from.id)}`))[0][0]) === 1);
  assert.deepStrictEqual((await site.check(into, plainin(20))).snapshot.acknowledged.map((a) => a.rule_id), [UNKNOWN]);
  assert.deepStrictEqual(await checked(into, UNKNOWN, plainin(20)), ['INFO']);
});

test('nothing of it is left of an erased patient', async () => {
  const patient = await silent();
  await placed(site, patient, testozin(), overriding(UNKNOWN));
  assert.strictEqual(await site.rows('acknowledged', `patient_id = ${site.hex(patient.id)}`), 1);
  await site.api('dosageadmin').call('ErasePatient', { idempotency_key: site.key(), patient_id: patient.id, reason_code: 'patient-request' }, site.who('privacy-officer'));
  assert.strictEqual(await site.rows('acknowledged', `patient_id = ${site.hex(patient.id)}`), 0);
});
