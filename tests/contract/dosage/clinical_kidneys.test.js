'use strict';
// Kidney function from creatinine, worked out here once more in floating point and apart from the service: CKD-EPI 2021 of adults,
// bedside Schwartz of children, for thousands of patients.

const test = require('node:test');
const assert = require('node:assert/strict');
const { RuleSet, encode, encodeSnapshot, runAll } = require('./clinical_run');
const { orderOf, snapshotOf, yearsOf } = require('./clinical_patient');

// One rule that holds for whoever has an eGFR: its finding says which.
const SET = {
  title: 'kidneys', notice: 'made up for tests', ingredients: [{ id: 'x', unit: 'mg', name: { en: 'x', zh: 'x' }, source: 'made up' }],
  drugs: [{ id: 'x', name: { en: 'x', zh: 'x' }, ingredients: ['x'], routes: ['ROUTE_PO'] }],
  dose_rules: [{
    rule: { id: 'egfr', version: 1, severity: 'SEVERITY_HARD', source: 'made up', reviewed_on: '2026-11-22' }, ingredient: 'x', contraindicated: true,
    band: { renal_to: '10000', renal_by: 'RENAL_BY_EGFR' },
  }],
};

// Source: Inker LA et al. N Engl J Med 2021;385:1737-1749, doi 10.1056/NEJMoa2102953.
const epi = (mg, years, woman) => 142 * Math.min(mg / (woman ? 0.7 : 0.9), 1) ** (woman ? -0.241 : -0.302)
  * Math.max(mg / (woman ? 0.7 : 0.9), 1) ** -1.2 * 0.9938 ** years * (woman ? 1.012 : 1);
// Source: Schwartz GJ et al. J Am Soc Nephrol 2009;20:629-637, doi 10.1681/ASN.2008030287.
const schwartz = (mg, cm) => 0.413 * cm / mg;

let seed = 20261122;
const random = (from, to) => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return from + (to - from) * seed / 2147483648;
};

function patient(i) {
  const child = i % 3 === 0;
  const days = Math.floor(child ? random(400, 6500) : random(6600, 36000));
  const molar = i % 2 === 0;
  const mg = random(0.2, 8);
  const creatinine = molar ? `${Math.round(mg * 88.4)} umol/L` : mg.toFixed(2);
  const exact = molar ? Math.round(mg * 88.4) / 88.4 : Number(mg.toFixed(2));
  const cm = Math.round(random(70, 180));
  const woman = i % 5 < 2;
  return { facts: { days, creatinine, cm: String(cm), sex: woman ? 'female' : 'male', egfr: null }, want: child ? schwartz(exact, cm) : epi(exact, yearsOf(days), woman) };
}

test('an eGFR from creatinine is that of the published equations, to a tenth', () => {
  const patients = Array.from({ length: 6000 }, (_, i) => patient(i));
  const [{ decisions, error }] = runAll([{ set: encode(RuleSet, SET), snapshots: patients.map((p) => encodeSnapshot(snapshotOf(p.facts, orderOf('x', '1 mg', 'PO')))) }]);
  assert.equal(error, undefined);
  let worst = 0;
  decisions.forEach((d, i) => {
    const f = d.findings.find((x) => x.rule_id === 'egfr');
    assert.ok(f, JSON.stringify(patients[i]));
    const got = Number(f.compared.find((c) => c.what === 'egfr').actual.value);
    worst = Math.max(worst, Math.abs(got - patients[i].want));
    assert.ok(Math.abs(got - patients[i].want) <= 0.05 + 1e-6, `${got}: ${JSON.stringify(patients[i])}`);
  });
  console.log(`${decisions.length} patients, at most ${worst.toFixed(4)} mL/min apart, of which rounding is 0.05`);
});

test('without a creatinine, a birth date, or of a child a height, nothing is made up', () => {
  const without = [{ creatinine: null }, { birth: '' }, { days: 3000, cm: null }, { days: 200 }];
  const [{ decisions }] = runAll([{ set: encode(RuleSet, SET), snapshots: without.map((p) => encodeSnapshot(snapshotOf(p, orderOf('x', '1 mg', 'PO')))) }]);
  for (const d of decisions) assert.deepEqual(d.findings.map((f) => f.rule_id).filter((id) => id === 'egfr' || id === 'ward.no-renal'), ['ward.no-renal']);
});
