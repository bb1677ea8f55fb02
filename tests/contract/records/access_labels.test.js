'use strict';
// A denial by label: codes are read in any system that names the same classification, and what is coded only in a system that
// Ward cannot read is hidden.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site, allergy, coded, condition, consent, observation } = require('./site');

let site;
before(async () => { site = await Site.shared(); });
after(() => site && site.stop());

const HIV = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' };
const NURSES = { role: coded('http://ward/roles', 'nurse'), reference: { display: 'every nurse' } };
const denied = async () => {
  const { id } = await site.treated();
  await site.create(consent(id, { provision: [{ type: 'PROVISION_TYPE_DENY', security_label: [HIV], actor: [NURSES] }] }));
  return id;
};
const seen = async (kind, resource) => {
  const id = (await site.create(resource, 'physician')).version.resource_id;
  await site.read(kind, id, 'physician');
  return site.read(kind, id, 'nurse').then(() => true, (err) => { if (err.code !== 'NOT_FOUND') throw err; return false; });
};

test('a_denial_hides_the_diagnosis_in_every_system_that_has_it', async () => {
  const id = await denied();
  for (const [system, code, shown] of [
    ['urn:oid:2.16.156.10011.2.3.3.11', 'B20.x01', false], ['urn:oid:2.16.156.10011.2.3.3.11.3', 'B20', false],
    ['urn:oid:2.16.156.10011.2.3.3.11', 'J18.900', true], ['http://id.who.int/icd/release/10', 'B20', false],
    ['https://hl7.org/fhir/sid/icd-10', 'B20', false], ['http://id.who.int/icd/release/11/mms', '1C62.Z', false],
    ['http://id.who.int/icd/release/11/mms', 'CA40.Z', true],
  ]) assert.strictEqual(await seen('KIND_CONDITION', condition(id, { code: coded(system, code) })), shown, `${system} ${code}`);
  for (const code of ['75622-1', '7917-8', '75666-5', '80203-3', '43010-8', '49580-4'])
    assert.strictEqual(await seen('KIND_OBSERVATION', observation(id, { code: coded('http://loinc.org', code) })), false, code);
});

test('a_denial_by_label_hides_what_is_coded_only_in_an_unknown_system', async () => {
  const id = await denied();
  const local = { system: 'http://lab.example/codes', code: 'X1' };
  assert.strictEqual(await seen('KIND_OBSERVATION', observation(id, { code: { coding: [local] } })), false);
  assert.strictEqual(await seen('KIND_CONDITION', condition(id, { code: { coding: [{ code: 'B20' }] } })), false);
  assert.strictEqual(await seen('KIND_OBSERVATION', observation(id, { code: { coding: [local, { system: 'http://loinc.org', code: '8867-4' }] } })), true);
  assert.strictEqual(await seen('KIND_CONDITION', condition(id, { code: { text: 'pneumonia' } })), true);
  assert.strictEqual(await seen('KIND_ALLERGY_INTOLERANCE', allergy(id, { code: { coding: [local] } })), true);
  const { id: open } = await site.treated();
  assert.strictEqual(await seen('KIND_OBSERVATION', observation(open, { code: { coding: [local] } })), true);
});
