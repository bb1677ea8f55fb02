'use strict';
// Cases of the clinical table through the service: patients charted in records, orders placed beside, and Check by gRPC.

const test = require('node:test');
const assert = require('node:assert/strict');
const { Site } = require('./site');
const { caseChecks } = require('./clinical_cases');
const { NORMAL } = require('./clinical_patient');

const SCR = '2160-0';
const EGFR = '62238-1';
const WEIGHT = '29463-7';
// Cases that need nothing but a chart and running orders.
const WHOLE = [
  'paracetamol-iv-6-hourly', 'paracetamol-iv-4-hourly', 'paracetamol-iv-too-much-at-once', 'paracetamol-iv-light-adult', 'paracetamol-iv-child-right',
  'paracetamol-iv-child-often', 'paracetamol-iv-infant-often', 'paracetamol-iv-no-weight', 'two-nsaids', 'nsaid-with-warfarin',
  'ketorolac-without-end', 'ketorolac-light', 'morphine-iv-tenfold', 'opioid-with-benzodiazepine', 'fentanyl-mg-for-ug', 'tramadol-failing-kidneys',
  'tramadol-with-phenelzine', 'amoxicillin-allergic', 'cefalexin-after-amoxicillin', 'ceftriaxone-penicillin-allergy-zh', 'meropenem-woman-70',
  'meropenem-man-70', 'gentamicin-long', 'vancomycin-load-much', 'cotrimoxazole-with-warfarin', 'azithromycin-with-amiodarone', 'metformin-egfr-40',
  'metformin-egfr-25', 'metformin-no-egfr', 'metformin-no-kidneys', 'enoxaparin-failing-kidneys', 'methotrexate-daily', 'potassium-40-an-hour', 'calculated-above',
  'other-weight-above', 'pounds-for-kilograms', 'nothing-about-allergies', 'allergy-to-itself', 'not-in-the-formulary', 'doxorubicin-much',
];

let site;
test.after(() => site?.stop());

const birthOf = (days) => new Date(Date.now() - days * 86400e3).toISOString().slice(0, 10);

async function chartOf({ days, kg, cm, sex = 'male', creatinine = '1', egfr, allergies = [{ no_known: true }], ages, weights }) {
  const patient = await site.patient({
    birth_date: birthOf(days), gender: `ADMINISTRATIVE_GENDER_${sex.toUpperCase()}`, weight: null, height: cm && `${cm} cm`,
    allergies: allergies[0]?.no_known ? 'none' : 'asked below',
  });
  for (const [text, hoursAgo] of (weights ?? (kg ? [[`${kg} kg`, ages.weight ?? 0]] : [])).toReversed()) await site.measure(patient.id, WEIGHT, text, { hoursAgo });
  if (creatinine) await site.measure(patient.id, SCR, /[a-z]/.test(creatinine) ? creatinine : `${Number(creatinine).toFixed(4)} mg/dL`, { hoursAgo: ages.creatinine ?? 0 });
  for (const code of ['2823-3', '6301-6', '777-3', '751-8']) await site.measure(patient.id, code, NORMAL[code]);
  if (egfr) await site.measure(patient.id, EGFR, `${egfr} mL/min/{1.73_m2}`);
  if (allergies[0]?.text) await site.allergy(patient.id, { text: allergies[0].text });
  return patient;
}

test('cases come out the same through the service: chart, running orders and all', async (t) => {
  site = await Site.shared();
  for (const c of caseChecks().filter((x) => WHOLE.includes(x.id))) {
    await t.test(c.id, async () => {
      const patient = await chartOf(c.patient);
      const start = Date.now() * 1000;
      const now = (p) => ({ ...p, starts_at_us: 0, ends_at_us: p.ends_at_us ? start + p.ends_at_us - c.snapshot.at_us : 0 });
      for (const r of c.others.running) await site.place(patient, now(r.prescription), { overrides: [] });
      assert.equal(c.wrong(await site.check(patient, now(c.prescription))), null);
    });
  }
});
