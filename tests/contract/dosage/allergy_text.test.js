'use strict';
// Allergies as charts hold them, by the sample formulary: text beside codes, reactions' substances, several drugs in a line, denials, and
// the names that English and Chinese charts write.

const test = require('node:test');
const assert = require('node:assert');
const { Site, amount, once, chart } = require('./site');

const SNOMED = 'http://snomed.info/sct';
const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
let site;
test.before(async () => {
  site = await Site.shared();
  await site.api('dosageadmin').call('SetWard', { idempotency_key: site.key(), ward: { ward: 'ward-3', time_zone: 'UTC', before_minutes: 60, after_minutes: 60 } }, site.who('dosage-admin'));
});
test.after(() => site?.stop());

const DOSE = {
  amoxicillin: [500, 'mg'], cefazolin: [1000, 'mg'], ciprofloxacin: [500, 'mg'], ibuprofen: [400, 'mg'], meropenem: [1000, 'mg'], heparin: [5000, '[IU]'],
  morphine: [10, 'mg'],
};
const order = (drug, more = {}) => ({
  drug_id: drug, dose: amount(...DOSE[drug]), route: { heparin: 'ROUTE_SC', cefazolin: 'ROUTE_IV', meropenem: 'ROUTE_IV' }[drug] ?? 'ROUTE_PO', timing: once, ...more,
});
async function patient(...entries) {
  const p = await site.patient({ allergies: 'asked below' });
  for (const { code, ...more } of entries) await site.allergy(p.id, code, 'nurse', more);
  await site.measure(p.id, '2160-0', '1 mg/dL');
  await site.measure(p.id, '62238-1', '90 mL/min/{1.73_m2}');
  return p;
}
// "HARD allergy-penicillins" of what a check finds about allergies.
async function found(drug, ...entries) {
  const d = await site.check(await patient(...entries), order(drug));
  return d.findings.filter((f) => /allerg/.test(f.rule_id)).map((f) => `${f.severity.slice(9)} ${f.rule_id}`);
}
const text = (words, more = {}) => ({ code: { text: words }, ...more });
const reaction = (substance) => ({ reaction: [{ substance, manifestation: [{ text: 'shock' }] }] });

test('a text is judged though a reaction\'s substance is coded, and the pack shows both', async () => {
  for (const [words, substance] of [['青霉素过敏，曾休克', chart.coded(RXNORM, '2180', 'cefazolin')], ['Penicillin - anaphylaxis', chart.coded(RXNORM, '1191', 'aspirin')]]) {
    const p = await patient(text(words, { criticality: 'CRITICALITY_HIGH', ...reaction(substance) }));
    const placed = await site.place(p, order('amoxicillin'));
    assert.deepStrictEqual([placed.placed, placed.open.includes('allergy-penicillins')], [false, true], words);
    const [allergy] = placed.decision.snapshot.facts.allergies;
    assert.deepStrictEqual([allergy.text, allergy.substances[0].codings[0].code], [words, substance.coding[0].code]);
    await site.place(p, order('morphine')); // a pack is of patients with orders
    const { pack } = await site.api('downtime').call('GetPack', { ward: 'ward-3', hours: 2 }, site.who('nurse'));
    const me = JSON.parse(Buffer.from(pack.split('.')[1], 'base64url')).patients.find((x) => x.patientId === p.id);
    assert.deepStrictEqual(me.allergies, [`${words}; reaction to ${substance.coding[0].display} (${RXNORM} ${substance.coding[0].code}), high criticality`]);
  }
});

test('a code that nobody knows hides no text, and a substance\'s text is read', async () => {
  const local = { coding: [{ system: 'http://hospital.local/allergy', code: 'A12' }] };
  assert.deepStrictEqual(await found('amoxicillin', { code: { ...local, text: 'Penicillin' } }), ['HARD allergy-penicillins']);
  assert.deepStrictEqual(await found('amoxicillin', { code: { ...local, text: '青霉素' } }), ['HARD allergy-penicillins']);
  assert.deepStrictEqual(await found('amoxicillin', { code: { text: 'antibiotic' }, ...reaction({ text: 'penicillin' }) }), ['HARD allergy-penicillins']);
  assert.deepStrictEqual(await found('amoxicillin', { code: { text: 'the white tablets' }, ...reaction({ text: 'ibuprofen' }) }), ['WARN ward.allergy-text']);
});

test('what is left over of a line is a finding with its words', async () => {
  const p = await patient(text('青霉素，硫脒头孢'));
  const d = await site.check(p, order('ciprofloxacin'));
  const f = d.findings.find((x) => x.rule_id === 'ward.allergy-text');
  assert.deepStrictEqual([f.severity, /硫脒/.test(f.text.en), /硫脒/.test(f.text.zh)], ['SEVERITY_WARN', true, true]);
  assert.deepStrictEqual(await found('ciprofloxacin', text('青霉素，环丙')), ['HARD allergy-fluoroquinolones']);
  assert.deepStrictEqual(await found('ibuprofen', text('penicillin and zzyzx')), ['WARN ward.allergy-text']);
  assert.deepStrictEqual(await found('ibuprofen', text('severe rash after penicillin 500 mg in 2019')), []);
  assert.deepStrictEqual(await found('ibuprofen', text('对青霉素、头孢过敏，曾出现皮疹')), []);
});

test('a drug that is coded beside "no known drug allergy" stays', async () => {
  const both = { coding: [{ system: SNOMED, code: '91936005', display: 'Allergy to penicillin' }, { system: SNOMED, code: '409137002', display: 'NKDA' }] };
  assert.deepStrictEqual(await found('amoxicillin', { code: both }), ['HARD allergy-penicillins']);
  assert.deepStrictEqual(await found('amoxicillin', { code: { ...chart.coded(SNOMED, '409137002', 'No known drug allergy'), text: '青霉素过敏' } }), ['HARD allergy-penicillins']);
});

test('denials are no allergy, and none is understood', async () => {
  for (const words of ['penicillin skin test negative', 'no penicillin allergy', '否认青霉素过敏史', '青霉素皮试阴性']) {
    assert.deepStrictEqual(await found('amoxicillin', text(words)), ['INFO ward.allergy-denied'], words);
    assert.deepStrictEqual(await found('ibuprofen', text(words)), [], words);
  }
  for (const words of ['NKDA', '无药物过敏史', 'none', '否认药物过敏史', 'No known drug allergies']) assert.deepStrictEqual(await found('amoxicillin', text(words)), [], words);
  for (const words of ['no penicillin allergy but rash with penicillin', '青霉素皮试阴性，后用药时休克']) {
    assert.ok((await found('amoxicillin', text(words))).includes('HARD allergy-penicillins'), words);
  }
});

test('names that charts write are understood', async () => {
  const names = [
    ['头孢', 'cefazolin', 'HARD allergy-cephalosporins'], ['先锋霉素', 'cefazolin', 'HARD allergy-cephalosporins'], ['盘尼西林', 'amoxicillin', 'HARD allergy-penicillins'],
    ['PCN', 'amoxicillin', 'HARD allergy-penicillins'], ['Augmentin', 'amoxicillin', 'HARD allergy-penicillins'], ['环丙', 'ciprofloxacin', 'HARD allergy-fluoroquinolones'],
    ['β-内酰胺类', 'meropenem', 'HARD allergy-beta-lactams'], ['安乃近', 'ibuprofen', 'WARN allergy-pyrazolones'], ['去痛片', 'ibuprofen', 'WARN allergy-pyrazolones'],
    ['HIT', 'heparin', 'HARD allergy-heparins'],
  ];
  for (const [words, drug, finding] of names) assert.deepStrictEqual(await found(drug, text(words)), [finding], words);
  const p = await patient(text('TMP/SMX'));
  const d = await site.check(p, order('amoxicillin', { drug_id: 'trimethoprim-sulfamethoxazole', product_id: 'trimethoprim-sulfamethoxazole-tab-160-800', dose: amount(1, '{tablet}') }));
  assert.ok(d.findings.some((f) => f.rule_id === 'allergy-sulfonamide-antibiotics'), JSON.stringify(d.findings.map((f) => f.rule_id)));
});
