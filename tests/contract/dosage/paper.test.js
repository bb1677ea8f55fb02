'use strict';
// Paper is for when nothing else can be reached: what is brought in from it is compared with when the service answered the ward and with
// whom it knows, and high-alert medicines take a second person's token.

const test = require('node:test');
const assert = require('node:assert');
const { prescription, once } = require('./site');
const { start, bedside, second, versions, outage, getPack, paper, loose, failure, US, nowUs } = require('./cutoff');

let site;
test.before(async () => { site = await start({ services: ['identity', 'records', 'dosage', 'dosage2'] }); });
test.after(() => site?.stop());

const plain = (more = {}) => prescription('plainin', '10 mg', { timing: once, ...more });
const alert = () => prescription('alertin', '10 mg', { timing: once });
const line = (at, more = {}) => paper(at.patient, at.order, { slot_id: at.slot.slot_id, given_at_us: String(nowUs()), second_person: 'nurse-8', ...more });
const bring = async (pack, entry, second_person_token = '') => (await site.api('downtime').call('Reconcile',
  { idempotency_key: site.key(), pack, doses: [entry], second_person_token }, site.who('nurse'))).results[0];

test('a dose of a time at which the service answered the ward is an issue; of an outage it is none', async () => {
  const [up, away] = [await bedside(site, plain()), await bedside(site, plain())];
  const { pack } = await getPack(site);
  const first = await bring(pack, line(up));
  assert.deepStrictEqual([first.state, first.issues], ['STATE_RECORDED_WITH_ISSUES', ['service-was-up']]);
  const entry = line(away);
  await outage(site, away.patient);
  const later = await bring(pack, entry);
  assert.deepStrictEqual([later.state, later.issues], ['STATE_RECORDED', []]);
});

test('the ward counts as connected where it was answered before and after, within 5 minutes', async () => {
  const patient = await site.patient();
  const { pack } = await getPack(site);
  const minute = Math.floor(nowUs() / US.minute) - 60;
  const said = async (...minutes) => {
    await site.sql(`DELETE FROM ward_answered WHERE minute BETWEEN ${minute - 9} AND ${minute + 9}`);
    for (const m of minutes) await site.sql(`INSERT INTO ward_answered (minute, ward) VALUES (${minute + m}, 'ward-3')`);
    const { issues } = await bring(pack, loose(patient, '1 mg', minute * US.minute + 30e6));
    return issues.includes('service-was-up');
  };
  assert.strictEqual(await said(0), true);
  assert.strictEqual(await said(-5, 5), true);
  assert.strictEqual(await said(-6, 5), false);
  assert.strictEqual(await said(-5, 6), false);
  assert.strictEqual(await said(-1), false, 'the outage began then');
  assert.strictEqual(await said(1), false, 'the outage ended then');
  await site.sql(`INSERT INTO ward_answered (minute, ward) VALUES (${minute}, 'ward-4')`);
  assert.strictEqual(await said(1), false, 'another ward');
});

test('who is on the paper and never came with a token is an issue', async () => {
  const at = await bedside(site, plain());
  const { pack } = await getPack(site);
  const { issues } = await bring(pack, line(at, { given_by: 'nurse-99-invented', second_person: 'nurse-98-invented' }));
  assert.ok(issues.includes('giver-unknown') && issues.includes('second-person-unknown'), String(issues));
  const patient = await site.patient();
  const known = await bring(pack, loose(patient, '1 mg', nowUs() - US.hour, { given_by: 'Nurse-9', second_person: 'nurse-8' }));
  assert.ok(!known.issues.some((i) => /unknown/.test(i)), String(known.issues));
  await site.orders.call('ListOrders', { patient_id: patient.id }, site.as('pharmacist', { sub: 'pharmacist-7' }));
  const pharmacist = await bring(pack, loose(patient, '2 mg', nowUs() - US.hour, { given_by: 'pharmacist-7', second_person: 'pharmacist-7' }));
  assert.ok(pharmacist.issues.includes('giver-unknown'), 'a pharmacist gives nothing');
  assert.ok(!pharmacist.issues.includes('second-person-unknown') && pharmacist.issues.includes('second-person-same'), String(pharmacist.issues));
});

test('a high-alert medicine by people nobody knows is not recorded until a known person confirms it', async () => {
  const at = await bedside(site, alert());
  const { pack } = await getPack(site);
  const entry = line(at, { given_by: 'nurse-99-invented', second_person: 'nurse-98-invented' });
  const refused = await bring(pack, entry);
  assert.deepStrictEqual([refused.state, refused.issues, refused.administration_id], ['STATE_REJECTED', ['person-unknown'], '']);
  for (const more of [{ given_by: '' }, { given_by: 'nurse-9', second_person: 'nurse-98-invented' }]) {
    assert.deepStrictEqual((await bring(pack, { ...entry, ...more })).issues, ['person-unknown']);
  }
  assert.strictEqual(await site.rows('administration', `patient_id = ${site.hex(at.patient.id)}`), 0);
  const confirmed = await bring(pack, entry, second(site));
  assert.strictEqual(confirmed.state, 'STATE_RECORDED_WITH_ISSUES');
  assert.ok(confirmed.issues.includes('giver-unknown') && !confirmed.issues.includes('not-confirmed'), String(confirmed.issues));
  const [d] = await versions(site, confirmed.administration_id);
  assert.deepStrictEqual([d.recorded_by, d.given_by, d.confirmed_by], ['nurse-1', 'nurse-99-invented', 'nurse-second']);
});

test('a high-alert medicine stays an issue without a second person\'s token, and is none with it', async () => {
  const patient = await site.patient();
  const { pack } = await getPack(site);
  const entry = () => loose(patient, '10 mg', nowUs() - US.hour, { drug_id: 'alertin', second_person: 'nurse-8' });
  assert.ok((await bring(pack, entry())).issues.includes('not-confirmed'));
  assert.ok(!(await bring(pack, entry(), second(site))).issues.includes('not-confirmed'));
  assert.ok(!(await bring(pack, loose(patient, '1 mg', nowUs() - US.hour))).issues.includes('not-confirmed'), 'of other medicines it is not asked');
});

test('the token that confirms is a second person\'s, new, and confirms one call', async () => {
  const patient = await site.patient();
  const { pack } = await getPack(site);
  const lines = [1, 2].map((mg) => loose(patient, `${mg} mg`, nowUs() - US.hour, { drug_id: 'alertin', second_person: 'nurse-8' }));
  const call = (doses, second_person_token, key = site.key()) => site.api('downtime').call('Reconcile', { idempotency_key: key, pack, doses, second_person_token }, site.who('nurse'));
  const why = async (token) => { const e = await failure(call(lines, token)); return [e.code, e.reason]; };
  assert.deepStrictEqual(await why(site.as('nurse').token), ['PERMISSION_DENIED', 'SECOND_PERSON_REFUSED']);
  assert.deepStrictEqual(await why(second(site, 'nurse', { ward: 'ward-9' })), ['PERMISSION_DENIED', 'SECOND_PERSON_REFUSED']);
  assert.deepStrictEqual(await why(second(site, 'nurse', { iat: Math.floor(Date.now() / 1000) - 301 })), ['PERMISSION_DENIED', 'SECOND_PERSON_OLD']);
  assert.strictEqual(await site.rows('administration', `patient_id = ${site.hex(patient.id)}`), 0);
  const token = second(site), key = site.key();
  const { results } = await call(lines, token, key);
  assert.ok(results.every((r) => /RECORDED/.test(r.state) && !r.issues.includes('not-confirmed')), JSON.stringify(results));
  assert.deepStrictEqual((await call(lines, token, key)).results, results, 'the same call again');
  assert.deepStrictEqual((await failure(call([loose(patient, '3 mg', nowUs() - US.hour, { drug_id: 'alertin' })], token))).reason, 'SECOND_PERSON_USED');
});
