'use strict';
// A Consent that cannot be enforced waits for a person, and meanwhile closes what it may deny.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site, uuid, observation, condition, coded } = require('./site');
const { bundle, entry, imported } = require('./bundles');

let site, exchange;
before(async () => {
  site = await Site.shared();
  exchange = site.api('exchange');
});
after(() => site && site.stop());

const coding = (system, code) => ({ coding: [{ system, code }] });
const denial = (patient, provision, more = {}) => ({
  resourceType: 'Consent', id: uuid(), status: 'active', patient: { reference: `Patient/${patient}` },
  scope: coding('http://terminology.hl7.org/CodeSystem/consentscope', 'patient-privacy'),
  category: [coding('http://terminology.hl7.org/CodeSystem/consentcategorycodes', 'infa')],
  policyRule: coding('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'OPTOUT'), provision, ...more,
});
const ACTION = { action: [coding('http://terminology.hl7.org/CodeSystem/consentaction', 'access')] };
const kind = (code) => ({ class: [{ system: 'http://hl7.org/fhir/resource-types', code }] });
const label = (code) => ({ securityLabel: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code }] });
const permit = (...provision) => ({ type: 'permit', provision });

// A treated patient with an observation and an HIV diagnosis, and a function that tells what a person sees of them.
async function chart() {
  const { id } = await site.treated();
  const o = (await site.create(observation(id), 'nurse')).version.resource_id;
  const hiv = condition(id, { code: coded('http://hl7.org/fhir/sid/icd-10', 'B20', 'HIV') });
  const c = (await site.create(hiv, 'physician')).version.resource_id;
  const sees = async (by) => {
    const out = [];
    for (const [k, what, name] of [['KIND_PATIENT', id, 'P'], ['KIND_OBSERVATION', o, 'O'], ['KIND_CONDITION', c, 'C']]) {
      if (await site.read(k, what, by).then(() => true, (err) => { assert.strictEqual(err.code, 'NOT_FOUND'); return false; })) out.push(name);
    }
    return out.join('');
  };
  return { id, sees };
}
async function waits(consent, import_id = uuid()) {
  const last = await imported(site, { import_id }, bundle([entry(consent)]));
  assert.strictEqual(last.quarantined, 1, JSON.stringify(last));
  return { import_id, item: (await exchange.call('ListQuarantine', { import_id, decided_too: true }, site.tokens['privacy-officer'])).items[0] };
}
const isTold = (item) => item.problems.some((p) => p.reason === 'CONSENT_NOT_ENFORCEABLE' && /until a person decides/.test(p.text));
const discard = (item) => exchange.call('DiscardQuarantined', { item_id: item.item_id, reason: 'asked the patient' }, site.tokens['records-admin']);

test('what_a_waiting_consent_denies_is_closed_at_its_coarsest_reading', async () => {
  for (const [provision, left, more] of [
    [permit({ type: 'deny', ...kind('Observation'), ...ACTION }), 'PC'],
    [permit({ type: 'deny', ...label('HIV'), ...ACTION }), 'PO'],
    [permit({ type: 'deny', ...kind('Observation'), ...ACTION }, { type: 'deny', ...label('HIV'), purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }] }), 'P'],
    [permit({ type: 'deny', ...kind('Medication') }), ''],
    [permit({ type: 'deny', securityLabel: [{ system: 'urn:own', code: 'secret' }] }), ''],
    [{ type: 'deny', ...ACTION }, ''],
    [{ type: 'deny', ...kind('Observation') }, 'PC'],
    [{ type: 'deny', provision: [{ type: 'permit', ...kind('Observation') }] }, ''],
    [{ type: 'forbid' }, ''],
    [7, ''],
    [undefined, ''],
    [{ type: 'permit', ...ACTION }, 'POC'],
    [{ type: 'permit' }, '', { implicitRules: 'urn:rules' }],
    [{ type: 'permit' }, '', { modifierExtension: [{ url: 'urn:x', valueBoolean: true }] }],
  ]) {
    const { id, sees } = await chart();
    const { item } = await waits(denial(id, provision, more));
    assert.strictEqual(await sees('nurse'), left, JSON.stringify(provision));
    assert.strictEqual(isTold(item), left !== 'POC', JSON.stringify(item.problems));
    await discard(item);
    assert.strictEqual(await sees('nurse'), 'POC');
  }
});

test('a_glass_a_registrar_and_the_patient_see_past_it_and_a_decision_holds', async () => {
  const { id, sees } = await chart();
  const consent = denial(id, { type: 'deny', ...ACTION });
  const { item, import_id } = await waits(consent);
  assert.deepStrictEqual([await sees('nurse'), await sees('physician')], ['', '']);
  assert.strictEqual((await site.read('KIND_PATIENT', id, 'registrar')).record.version.version, 1);
  assert.strictEqual(await sees(site.as('patient', { sub: id })), 'POC');
  const doctor = site.as('physician', { sub: `doctor-${uuid()}` });
  await site.api('recordsaccess').call('BreakGlass',
    { idempotency_key: site.key(), patient_id: id, reason: 'GLASS_REASON_EMERGENCY', explanation: 'resuscitation, the chart is needed now' }, doctor);
  assert.strictEqual(await sees(doctor), 'POC');
  // What a person puts right is enforced as it says, and the rest is open.
  const right = denial(id, permit({ type: 'deny', actor: [{ role: coding('http://ward/roles', 'nurse'), reference: { display: 'every nurse' } }] }), { id: consent.id });
  await exchange.call('ReplayQuarantined', { idempotency_key: site.key(), item_id: item.item_id, json: JSON.stringify(right) }, site.tokens['records-admin']);
  assert.deepStrictEqual([await sees('nurse'), await sees('physician')], ['', 'POC']);
  // The same import again does not close what was decided.
  await waits(consent, import_id);
  assert.deepStrictEqual([await sees('nurse'), await sees('physician')], ['', 'POC']);
});

test('a_consent_that_is_not_active_closes_nothing', async () => {
  const { id, sees } = await chart();
  for (const status of ['draft', 'proposed', 'rejected', 'inactive', 'entered-in-error']) {
    await waits(denial(id, { type: 'deny', ...ACTION }, { status, dateTime: '2019-02-30' }));
    assert.strictEqual(await sees('nurse'), 'POC', status);
  }
  await waits(denial(id, { type: 'deny', ...ACTION }, { status: 'perhaps' }));
  assert.strictEqual(await sees('nurse'), '');
});
