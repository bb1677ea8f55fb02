// snapshot.mjs - a scenario of tests/eval/orders as the Snapshot that the order check decides.
import fs from 'node:fs';

export const NOW = Date.UTC(2026, 10, 20, 10) * 1000;
const HOUR = 3600e6;
const DAY = 24 * HOUR;
const ICD10 = 'http://hl7.org/fhir/sid/icd-10';
const AT_BIRTH = '76516-4'; // LOINC: gestational age at birth
// A dated text "71 y" is 71 years and 100 days ago; "6 mo" is 3 days more than 6 months, "8 wk" and "5 d" are exact.
const DAYS = { y: 365.25, mo: 30.4375, wk: 7, d: 1 };
const MORE_DAYS = { y: 100, mo: 3, wk: 0, d: 0 };

export const terms = JSON.parse(fs.readFileSync(new URL('terms.json', import.meta.url)));

const quantity = (text) => {
  const [value, unit] = text.split(' ');
  return { value, unit };
};
const measured = (text, hours, record_id) => ({ quantity: quantity(text), at_us: Math.round(NOW - hours * HOUR), record_id, record_version: 1 });
const coding = ({ icd10, name }) => ({ system: ICD10, code: icd10, display: name });
const plain = (name) => name.toLowerCase().replace(/-/g, ' ').trim();

export function birthDate(age) {
  const [n, unit] = age.split(' ');
  return new Date((NOW - (Number(n) * DAYS[unit] + MORE_DAYS[unit]) * DAY) / 1000).toISOString().slice(0, 10);
}

// Finds drugs and ingredients of a rule set by an exact name: an id, a name or a synonym.
export class Names {
  constructor(set) {
    this.ingredients = new Map();
    this.drugs = set.drugs;
    for (const i of set.ingredients) {
      for (const name of [i.id, i.name.en, ...(i.synonyms ?? [])]) this.ingredients.set(plain(name), i);
    }
  }

  ingredient(name) {
    return [name, ...(terms.names[name] ?? [])].map((n) => this.ingredients.get(plain(n))).find(Boolean);
  }

  unit(id) { return this.ingredients.get(plain(id))?.unit; }

  // "amoxicillin + clavulanic acid": the drug of exactly these ingredients that can be given by the route.
  drug(name, route) {
    const exact = this.drugs.filter((d) => [d.id, d.name.en].some((n) => plain(n) === plain(name)));
    const wanted = name.split(' + ').map((n) => this.ingredient(n)?.id);
    const same = this.drugs.filter((d) => d.ingredients.length === wanted.length && wanted.every((w) => d.ingredients.includes(w)));
    const all = [...exact, ...same];
    return all.find((d) => (d.routes?.length ? d.routes : d.products.flatMap((p) => p.routes ?? [])).includes(`ROUTE_${route}`)) ?? all[0];
  }
}

function timingOf(t) {
  if (t.once) return { kind: 'KIND_ONCE' };
  if (t.continuous) return { kind: 'KIND_CONTINUOUS' };
  if (t.as_needed) return { kind: 'KIND_AS_NEEDED' };
  if (t.every_hours) return { kind: 'KIND_INTERVAL', interval_minutes: t.every_hours * 60 };
  return { kind: 'KIND_TIMES', times: t.times, every_days: t.every_days, weekdays: t.weekdays };
}

// A dose of a combination is said of one ingredient; the check counts by the drug's first.
function doseOf(o, drug, names) {
  // Potassium in millimoles is the same number of milliequivalents, by which a set may count it.
  if (o.dose.includes('mmol') && drug && names.unit(drug.ingredients[0]) === 'meq') return quantity(o.dose.replace('mmol', 'meq'));
  const said = o.dose_of && drug ? names.ingredient(o.dose_of)?.id : undefined;
  if (!said || said === drug.ingredients[0]) return quantity(o.dose);
  for (const { strengths } of drug.products) {
    const [from, to] = [said, drug.ingredients[0]].map((id) => strengths.find((s) => s.ingredient === id)?.amount);
    const { value, unit } = quantity(o.dose);
    if (from?.unit === unit && to) return { value: String(+((value / from.value) * to.value).toFixed(6)), unit: to.unit };
  }
  return quantity(o.dose);
}

// What is missing goes by its name with dashes: the check says that the formulary has no such drug.
function prescriptionOf(o, names, missing, starts = NOW) {
  const drug = names.drug(o.drug, o.route);
  if (!drug) missing.add(o.drug);
  const p = { drug_id: drug?.id ?? plain(o.drug).replace(/[^a-z0-9]+/g, '-'), dose: doseOf(o, drug, names), route: `ROUTE_${o.route}`, timing: timingOf(o.timing), starts_at_us: starts };
  if (o.timing.for_days) p.ends_at_us = starts + o.timing.for_days * DAY;
  if (o.indication) p.indication = coding(o.indication);
  if (o.over_minutes) p.infuse_over_minutes = o.over_minutes;
  if (o.in_mL) p.volume = { value: String(o.in_mL), unit: 'mL' };
  if (o.phase) p.phase = `PHASE_${o.phase.toUpperCase()}`;
  if (o.timing.as_needed) {
    p.as_needed = {
      reason: { system: 'urn:eval', code: 'reason', display: o.timing.as_needed }, max_doses_per_24h: o.timing.max_per_24h,
      min_interval_minutes: Math.round(o.timing.min_interval_hours * 60),
    };
  }
  if (o.calculated_from) p.calculated_from = { per: quantity(o.calculated_from.per), weight: quantity(o.calculated_from.weight) };
  return p;
}

// Every value of the chart, newest first: { loinc: [Measured] }.
function labsOf(patient) {
  const series = {};
  for (const [name, said] of Object.entries(patient.labs)) {
    series[terms.labs[name]] = [said].flat().map((v, i) => {
      const { value, hours_ago } = typeof v === 'string' ? { value: v } : v;
      return measured(value, hours_ago ?? patient.labs_hours_ago, `lab-${name.replace(/ /g, '-')}-${i}`);
    });
  }
  return series;
}

const stated = (is, id) => ({ is: is ? 'IS_YES' : 'IS_NO', at_us: NOW - 8 * HOUR, record_id: id, record_version: 1 });

function factsOf(patient, labsToo) {
  const labs = labsToo ? labsOf(patient) : {};
  const f = {
    state: 'CHART_STATE_CURRENT', as_of_us: NOW, birth_date: birthDate(patient.age), sex: `SEX_${patient.sex.toUpperCase()}`, ward: 'ward-3',
    weights: (patient.weights ?? [{ kg: patient.weight_kg, hours_ago: 8 }]).map((w, i) => measured(`${w.kg} kg`, w.hours_ago, `weight-${i}`)),
    heights: [measured(`${patient.height_cm} cm`, 8, 'height')],
    creatinines: labs[terms.labs.creatinine] ?? [], egfrs: labs[terms.labs.eGFR] ?? [],
    labs: Object.entries(labs).map(([loinc, values]) => ({ loinc, values })),
    problems: patient.conditions.map((c, i) => ({ codings: [coding(c)], text: c.name, began_us: NOW - 30 * DAY, record_id: `problem-${i}`, record_version: 1 })),
    allergies: patient.no_known_allergies ? [{ no_known: true, record_id: 'none', record_version: 1 }]
      : patient.allergies.map((a, i) => ({ text: a.to, high_criticality: a.severe, no_medication: a.kind !== 'medication', record_id: `allergy-${i}`, record_version: 1 })),
  };
  if (patient.gestation_weeks) f.labs.push({ loinc: AT_BIRTH, values: [measured(`${patient.gestation_weeks} wk`, 12, 'gestation')] });
  if (patient.pregnancy) {
    f.pregnancy = stated(patient.pregnancy.pregnant, 'pregnancy');
    if (patient.pregnancy.pregnant) f.due_us = NOW + (40 - patient.pregnancy.weeks) * 7 * DAY;
    f.breastfeeding = stated(patient.pregnancy.breastfeeding === true, 'breastfeeding');
  }
  return f;
}

// { snapshot, missing: names of drugs that the set does not have }. labs false: as if no laboratory value were in the chart.
export function snapshotOf(scenario, names, { labs = true } = {}) {
  const missing = new Set();
  const snapshot = {
    patient_id: '01890000-0000-7000-8000-000000000000', at_us: NOW, time_zone: 'UTC', purpose: 'CHECK_PURPOSE_PLACE', engine: ENGINE,
    prescription: prescriptionOf(scenario.order, names, missing),
    facts: factsOf(scenario.patient, labs),
    running: scenario.running.map((o, i) => ({
      order_id: `running-${i}`, version: 1, prescription: prescriptionOf(o, names, missing, NOW - (o.started_hours_ago ?? 24) * HOUR),
    })),
    given: (scenario.given ?? []).map((g, i) => {
      const drug = names.drug(g.drug, g.route);
      if (!drug) missing.add(g.drug);
      return {
        administration_id: `given-${i}`, order_id: 'earlier', drug_id: drug?.id ?? plain(g.drug).replace(/[^a-z0-9]+/g, '-'), dose: quantity(g.dose),
        route: `ROUTE_${g.route}`, given_at_us: Math.round(NOW - g.hours_ago * HOUR),
      };
    }).sort((a, b) => a.given_at_us - b.given_at_us),
    lifetime: (scenario.lifetime ?? []).map((l) => ({ ingredient: names.ingredient(l.drug)?.id ?? l.drug, amount: quantity(l.amount) })),
  };
  return { snapshot, missing };
}

// The newest version of the check, from its header.
const header = fs.readFileSync(new URL('../../services/dosage/check/check.h', import.meta.url), 'utf8');
const ENGINE = Number(/#define CHECK_ENGINE (\d+)/.exec(header)[1]);
