'use strict';
// Rows of clinical/pairs.tsv as checks: two that must not meet by some route, above some dose, at some age, or only beside a third.
// `a_by`: the rule holds by each of these routes and not by those of `a_not`; none: by mouth. `a_over`: "daily>25 mg".

const { orderOf, givenOf, runningOf, snapshotOf } = require('./clinical_patient');
const { readTables, times } = require('./clinical_doses');
const { fires, small } = require('./clinical_rules');

const list = (text) => text.split(',').filter(Boolean);

// One side of a row: { drug, dose, by }, as an order, as one that runs or as a dose that was given.
const dose = (over, drug, factor) => {
  const [, value, unit] = /^\w+>([\d.]+) (\S+)$/.exec(over) ?? [];
  return value ? `${times(value, factor)} ${unit}` : small(drug).dose;
};
const side = (drug, over, by, factor = '1.005') => ({ drug, by, dose: dose(over, drug, factor), product_id: small(drug).product_id });
const asOrder = (s) => orderOf(s.drug, s.dose, s.by, { product_id: s.product_id });
const asGiven = (s, minutes) => givenOf(s.drug, s.dose, minutes, { product_id: s.product_id, route: `ROUTE_${s.by}` });

const pairsOf = (row) => list(row.a).flatMap((a) => list(row.b).map((b) => [a, b])).filter(([a, b]) => a !== b);
const first = (text) => list(text)[0] ?? 'PO';

function together(row, name, x, y, should, { days = Number(row.from_days) || 14700, third = list(row.c)[0] } = {}) {
  const beside = (s) => [s, ...(third ? [side(third, '', 'PO')] : [])].map((o, i) => runningOf(asOrder(o), i));
  return [[x, y], [y, x]].map(([ordered, runs]) => ({
    id: `${row.rule} ${ordered.drug} ${ordered.by} with ${runs.drug} ${runs.by}${name}`, rule: row.rule,
    snapshot: snapshotOf({ days }, asOrder(ordered), { running: beside(runs) }), wrong: fires(row.rule, row.severity, should),
  }));
}

function after(row, ordered, given, hours) {
  const at = (minutes, should) => ({
    id: `${row.rule} ${ordered.drug} ${minutes} min after ${given.drug}`, rule: row.rule,
    snapshot: snapshotOf({ days: Number(row.from_days) || 14700 }, asOrder(ordered), { given: [asGiven(given, minutes)] }),
    wrong: fires(row.rule, row.severity, should),
  });
  return [at(hours * 60 - 1, true), at(hours * 60, false)];
}

function exceptions(row, a, b, x, y) {
  return [
    ...list(row.a_by).flatMap((by) => together(row, '', { ...x, by }, y, true)), ...list(row.b_by).flatMap((by) => together(row, '', x, { ...y, by }, true)),
    ...list(row.a_not).flatMap((by) => together(row, '', { ...x, by }, y, false)), ...list(row.b_not).flatMap((by) => together(row, '', x, { ...y, by }, false)),
    ...(row.a_over ? together(row, ' at the bound', side(a, row.a_over, x.by, '1'), y, false) : []),
    ...(row.b_over ? together(row, ' at the bound', x, side(b, row.b_over, y.by, '1'), false) : []),
    ...(row.from_days ? together(row, ' a day younger', x, y, false, { days: Number(row.from_days) - 1 }) : []),
    ...(row.c ? together(row, ' without the third', x, y, false, { third: null }) : []),
    ...(row.c ? list(row.c).flatMap((third) => together(row, ` beside ${third}`, x, y, true, { third })) : []),
  ];
}

const pairChecks = () => readTables('pairs').flatMap((row) => {
  const sides = (a, b) => [side(a, row.a_over, first(row.a_by)), side(b, row.b_over, first(row.b_by))];
  const [a, b] = pairsOf(row)[0];
  const [x, y] = sides(a, b);
  const hours = Number(row.hours) || 24;
  return [
    ...pairsOf(row).flatMap(([p, q]) => together(row, '', ...sides(p, q), true)), ...exceptions(row, a, b, x, y),
    ...(row.c ? [] : [...after(row, y, x, Number(row.ab_hours) || hours), ...after(row, x, y, hours)]),
    { id: `${row.rule} ${a} alone`, rule: row.rule, snapshot: snapshotOf({ days: 14700 }, asOrder(x)), wrong: fires(row.rule, row.severity, false) },
  ];
});

module.exports = { pairChecks };
