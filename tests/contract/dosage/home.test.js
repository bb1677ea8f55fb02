'use strict';
// Home medicines: what the chart says the patient takes counts in the check until somebody reconciles it.

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { Site, prescription, rulesOf, chart, until } = require('./site');

let site;
before(async () => { site = await Site.shared(); });
after(() => site?.stop());

const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
const statement = (patient, medication, more = {}) => ({
  medication_statement: { status: 'STATUS_ACTIVE', medication_codeable_concept: medication, subject: chart.to(patient.id), ...more },
});
const write = async (resource, version) => (await site.api('records').call(version ? 'Update' : 'Create',
  { idempotency_key: site.key(), resource, ...(version && { expected_version: version }) }, site.tokens.pharmacist)).record;
const fluconazole = () => prescription('fluconazole', '200 mg');
const found = async (patient) => rulesOf(await site.check(patient, fluconazole()));

test('an interaction with a medicine taken at home is found, by code and by words, until it is reconciled', async () => {
  const patient = await site.patient();
  const alone = await found(patient);
  for (const medication of [chart.coded(RXNORM, '11289'), { text: '华法林钠片 2.5 mg' }, { text: 'Warfarin 5 mg at night' }]) {
    const made = await write(statement(patient, medication));
    const news = async () => (await found(patient)).filter((id) => !alone.includes(id));
    await until('the finding', async () => (await news()).length > 0);
    const more = await news();
    const decision = await site.check(patient, fluconazole());
    const about = decision.findings.find((f) => f.rule_id === more[0]).about;
    assert.deepEqual(about, [made.version.resource_id]);
    await write({ medication_statement: { ...made.resource.medication_statement, status: 'STATUS_STOPPED' } }, made.version.version);
    await until('no finding', async () => (await found(patient)).every((id) => alone.includes(id)));
  }
});

test('a medicine that nothing names is said to be unchecked', async () => {
  const patient = await site.patient();
  const made = await write(statement(patient, { text: '祖传秘方' }));
  await until('the finding', async () => (await found(patient)).includes('ward.home-medicine-text'));
  const decision = await site.check(patient, fluconazole());
  const f = decision.findings.find((x) => x.rule_id === 'ward.home-medicine-text');
  assert.deepEqual([f.severity, f.about], ['SEVERITY_INFO', [made.version.resource_id]]);
  assert.deepEqual(decision.snapshot.facts.home_medicines.map((m) => m.text), ['祖传秘方']);
});

test('a diagnosis that is charted counts in the next check', async () => {
  const patient = await site.patient();
  assert.deepEqual((await site.check(patient, fluconazole())).snapshot.facts.problems, []);
  await site.record(chart.condition(patient.id), 'physician');
  const problems = await until('the problem', async () => (await site.check(patient, fluconazole())).snapshot.facts.problems.length > 0);
  assert.ok(problems);
});
