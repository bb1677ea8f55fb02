'use strict';
// Rows of clinical/{interactions,onc_pairs,duplicates,allergies,fresh}.tsv as checks: { id, rule, snapshot, wrong(decision) }.

const { orderOf, givenOf, runningOf, snapshotOf } = require('./clinical_patient');
const { readTables, daysOf, found } = require('./clinical_doses');

const UNITS = { heparin: '[IU]', oxytocin: '[IU]', urokinase: '[IU]', asparaginase: '[IU]', pegaspargase: '[IU]', bleomycin: '[IU]', benzylpenicillin: '[IU]', 'benzathine-benzylpenicillin': '[IU]', 'potassium-chloride': 'meq', 'potassium-phosphate': 'mmol', dalteparin: '[IU]', nadroparin: '[IU]', epoetin: '[IU]', colecalciferol: '[IU]', 'polymyxin-b': '[IU]', nystatin: '[IU]' };
// Of several ingredients, whose products differ in their shares.
const PRODUCTS = {
  'amoxicillin-clavulanate': 'amoxicillin-clavulanate-tab-875-125', 'levodopa-carbidopa': 'levodopa-carbidopa-tab-100-25',
  'imipenem-cilastatin': 'imipenem-cilastatin-vial-500-500',
};
const SNOMED = 'http://snomed.info/sct';
const piece = (product) => (product.includes('-vial-') ? '{vial}' : '{tablet}');
const unitOf = (drug) => UNITS[drug] ?? (drug.startsWith('insulin-') ? '[IU]' : 'mg');
// A little of a drug, as it can be ordered.
const small = (drug) => ({ dose: `1 ${PRODUCTS[drug] ? piece(PRODUCTS[drug]) : unitOf(drug)}`, product_id: PRODUCTS[drug] ?? '' });
const order = (drug) => orderOf(drug, small(drug).dose, 'PO', { product_id: small(drug).product_id });
const list = (text) => text.split(/[,;]/).filter(Boolean);
const patient = { days: 14700 };

const fires = (rule, severity, should) => (d) => {
  if (d.error) return `no decision: ${d.error}`;
  const f = found(d, rule);
  if (f.length > 0 !== should) return `it should ${should ? '' : 'not '}fire`;
  return should && f[0].severity !== `SEVERITY_${severity}` ? `it is ${f[0].severity}` : null;
};

// ---- two that must not meet: whichever is ordered second ----

const meet = (rule, severity, a, b) => [[a, b], [b, a]].map(([ordered, runs]) => ({
  id: `${rule} ${ordered} with ${runs}`, rule, snapshot: snapshotOf(patient, order(ordered), { running: [runningOf(order(runs))] }),
  wrong: fires(rule, severity, true),
}));

// After a dose of the other: within the hours it fires, at their end it does not; without hours a dose of no running order (an emergency,
// an order that was stopped) is met for a day.
function after(row, ordered, given) {
  const hours = Number(row.hours) || 24;
  const at = (minutes, should) => ({
    id: `${row.rule} ${ordered} ${minutes} min after ${given}`, rule: row.rule,
    snapshot: snapshotOf(patient, order(ordered), { given: [givenOf(given, small(given).dose, minutes, { product_id: small(given).product_id })] }),
    wrong: fires(row.rule, row.severity, should),
  });
  return [at(hours * 60 - 1, true), at(hours * 60, false)];
}

const interactionChecks = () => readTables('interactions').flatMap((row) => {
  const pairs = list(row.a).flatMap((a) => list(row.b).map((b) => [a, b])).filter(([a, b]) => a !== b);
  const [first] = pairs;
  return [
    ...pairs.flatMap(([a, b]) => meet(row.rule, row.severity, a, b)), ...after(row, first[0], first[1]), ...after(row, first[1], first[0]),
    { id: `${row.rule} ${first[0]} alone`, rule: row.rule, snapshot: snapshotOf(patient, order(first[0])), wrong: fires(row.rule, row.severity, false) },
  ];
});

// Pairs of the published list: some rule of it, HARD.
const oncChecks = () => readTables('onc_pairs').flatMap(({ a, b }) => [[a, b], [b, a]].map(([ordered, runs]) => ({
  id: `onc ${ordered} with ${runs}`, rule: 'onc', snapshot: snapshotOf(patient, order(ordered), { running: [runningOf(order(runs))] }),
  wrong: (d) => {
    if (d.error) return `no decision: ${d.error}`;
    return d.findings.some((f) => f.rule_id.startsWith('onc-') && f.severity === 'SEVERITY_HARD') ? null : 'no rule of the list fires';
  },
})));

// ---- too many of a class: two are, one is not ----

const duplicateChecks = () => readTables('duplicates').flatMap((row) => {
  const members = list(row.members);
  const pairs = members.flatMap((a) => members.filter((b) => b !== a).map((b) => [a, b]));
  return [
    ...pairs.map(([a, b]) => ({
      id: `${row.rule} ${a} beside ${b}`, rule: row.rule, snapshot: snapshotOf(patient, order(a), { running: [runningOf(order(b))] }),
      wrong: fires(row.rule, row.severity, true),
    })),
    { id: `${row.rule} ${members[0]} alone`, rule: row.rule, snapshot: snapshotOf(patient, order(members[0])), wrong: fires(row.rule, row.severity, false) },
  ];
});

// ---- allergies: each way to record one, each drug it forbids ----

function allergyChecks() {
  return readTables('allergies').flatMap((row) => {
    const ways = [
      ...list(row.codes).map((code) => ({ codings: [{ system: SNOMED, code }], record_id: 'a' })),
      ...row.texts.split(';').map((text) => ({ text, record_id: 'a' })),
    ];
    const check = (drug, allergy, should) => ({
      spelling: allergy.text,
      id: `${row.rule} ${drug} for ${JSON.stringify(allergy)}`, rule: row.rule,
      snapshot: snapshotOf({ ...patient, allergies: [allergy] }, order(drug)), wrong: fires(row.rule, row.severity, should),
    });
    const drugs = list(row.drugs);
    return [
      ...ways.flatMap((way) => drugs.map((drug) => check(drug, way, true))),
      ...drugs.map((drug) => check(drug, { no_known: true }, false)), ...drugs.map((drug) => check(drug, { text: 'peanut', record_id: 'a' }, false)),
    ];
  });
}

// ---- how old a measurement may be ----

function freshChecks() {
  return readTables('fresh').flatMap((row) => {
    const [from, to] = row.age.split('..').map((s) => s && daysOf(s));
    const [drug, dose, route] = row.order.split(' ');
    const hours = Number(row.hours);
    const check = (name, days, ago, should) => ({
      id: `${row.rule} ${name}`, rule: row.rule,
      snapshot: snapshotOf({ days, ages: { [row.what]: ago } }, orderOf(drug, dose.replace('mg', ' mg'), route)), wrong: fires(row.rule, 'WARN', should),
    });
    const inside = row.what === 'creatinine' && !from ? 6000 : Number(from || 1);
    const stale = 60000;
    const minute = 1 / 60;
    return [
      check(`${hours} h old`, inside, hours, false), check(`${hours} h and a minute old`, inside, hours + minute, true),
      ...(from ? [check(`from ${from} days`, from, stale, true), check(`before ${from} days`, from - 1, stale, false)] : []),
      ...(to ? [check(`at ${to} days`, to, stale, false), check(`until ${to} days`, to - 1, stale, true)] : []),
    ];
  });
}

module.exports = { interactionChecks, oncChecks, duplicateChecks, allergyChecks, freshChecks, fires, small };
