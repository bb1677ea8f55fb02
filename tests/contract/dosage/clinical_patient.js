'use strict';
// Patients and orders for the clinical table, and the two formulas, worked out here once more and apart from the service.

const { amount } = require('./site');

// A Monday noon. Everything is reckoned from it; no test looks at a clock.
const NOON = Date.UTC(2026, 10, 2, 12) * 1000;
const MINUTE = 60e6;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const birthOf = (days) => new Date((NOON - days * DAY) / 1000).toISOString().slice(0, 10);
// Completed years at noon.
function yearsOf(days) {
  const birth = new Date(`${birthOf(days)}T00:00:00Z`);
  const now = new Date(NOON / 1000);
  const had = now.getUTCMonth() > birth.getUTCMonth() || (now.getUTCMonth() === birth.getUTCMonth() && now.getUTCDate() >= birth.getUTCDate());
  return now.getUTCFullYear() - birth.getUTCFullYear() - (had ? 0 : 1);
}

// The creatinine (mg/dL) with which a patient has this clearance.
// Source: Cockcroft DW, Gault MH. Nephron 1976;16:31-41, doi 10.1159/000180580: (140 - age) * kg / (72 * mg/dL), women * 0.85.
function creatinineFor(crcl, days, kg, sex = 'male') {
  return ((140 - yearsOf(days)) * kg * (sex === 'female' ? 0.85 : 1) / (72 * crcl)).toFixed(8);
}
const clearance = (days, kg, mgdl, sex = 'male') => (140 - yearsOf(days)) * kg * (sex === 'female' ? 0.85 : 1) / (72 * mgdl);
// m2. Source: Mosteller RD. N Engl J Med 1987;317:1098, doi 10.1056/NEJM198710223171717: square root of cm * kg / 3600.
const surface = (cm, kg) => Math.sqrt(cm * kg / 3600);

const measured = (text, record_id, hoursAgo = 1) => {
  const [value, unit] = text.split(' ');
  return { quantity: { value, unit }, at_us: NOON - hoursAgo * HOUR, record_id, record_version: 1 };
};
const quantityOf = (text) => amount(...text.split(' '));

// A laboratory's usual panel, an hour old: what a complete chart has.
const NORMAL = {
  '2823-3': '4.2 mmol/L', '2951-2': '140 mmol/L', '6301-6': '1.1 1', '777-3': '250 10*9/L', '751-8': '4 10*9/L', '1742-6': '20 U/L', '1975-2': '0.6 mg/dL', '17861-6': '9.4 mg/dL', '19123-9': '2 mg/dL',
  '3173-2': '30 s', '3016-3': '2 m[IU]/L', '8636-3': '410 ms',
};
const normalLabs = () => Object.entries(NORMAL).map(([loinc, text]) => ({ loinc, values: [measured(text, `lab-${loinc}`)] }));

// what: { days, kg, cm, sex, creatinine (mg/dL, or "90 umol/L"), egfr, allergies, weights: [[text, hours ago]] }. null: not in the chart.
function factsOf({ days = 14700, birth, kg = '80', cm = '180', sex = 'male', creatinine = '1', egfr = null, allergies = [{ no_known: true }], ages = {}, weights }) {
  const unitOf = (v, unit) => (String(v).includes(' ') ? String(v) : `${v} ${unit}`);
  const one = (v, unit, id, what) => (v === null ? [] : [measured(unitOf(v, unit), id, ages[what] ?? 1)]);
  return {
    state: 'CHART_STATE_CURRENT', as_of_us: NOON, birth_date: birth ?? birthOf(days), sex: `SEX_${sex.toUpperCase()}`, ward: 'ward-3',
    weights: weights ? weights.map(([text, ago], i) => measured(text, `weight-${i}`, ago)) : one(kg, 'kg', 'weight', 'weight'),
    heights: one(cm, 'cm', 'height', 'height'), creatinines: one(creatinine, 'mg/dL', 'creatinine', 'creatinine'),
    egfrs: one(egfr, 'mL/min/{1.73_m2}', 'egfr', 'creatinine'), allergies, labs: normalLabs(),
  };
}

// Of the check that decides today.
const ENGINE = 3;
const ONCE = { kind: 'KIND_ONCE' };
const orderOf = (drug_id, dose, route, more = {}) => ({ drug_id, dose: typeof dose === 'string' ? quantityOf(dose) : dose, route: `ROUTE_${route}`, timing: ONCE, starts_at_us: NOON, ...more });
const givenOf = (drug_id, dose, minutesAgo, more = {}) => ({
  administration_id: `given-${minutesAgo}`, drug_id, dose: typeof dose === 'string' ? quantityOf(dose) : dose, route: 'ROUTE_PO', given_at_us: NOON - minutesAgo * MINUTE, ...more,
});
const runningOf = (prescription, i = 0) => ({ order_id: `running-${i}`, version: 1, prescription: { ...prescription, starts_at_us: NOON - DAY } });
const snapshotOf = (patient, prescription, more = {}) => ({
  patient_id: '01890000-0000-7000-8000-000000000000', at_us: NOON, time_zone: 'UTC', purpose: 'CHECK_PURPOSE_PLACE', engine: ENGINE, prescription, facts: factsOf(patient), ...more,
});

module.exports = {
  NOON, MINUTE, HOUR, DAY, ONCE, birthOf, yearsOf, creatinineFor, clearance, surface, NORMAL, factsOf, orderOf, givenOf, runningOf, snapshotOf, quantityOf,
};
