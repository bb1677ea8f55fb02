'use strict';
// Rows of clinical/usual.tsv: what is usually ordered. An order of `warn` times the high amount passes, one a ten-thousandth above
// warns; from `factor` times on it is HARD; the low amount over `low_factor` is found, and a ten-thousandth more is not. A row with
// `daily` is of the highest amount of a day.

const { readTables, patientOf, basePatient, chartOf, perDose, drugOf, times, plain, found } = require('./clinical_doses');
const { orderOf, snapshotOf } = require('./clinical_patient');

const CONTINUOUS = { timing: { kind: 'KIND_CONTINUOUS' } };
const TENTH = '0.1'; // low_factor is 10 in every row

function amountOf(text) {
  const [, value, unit] = /^([\d.]+)(.+)$/.exec(text);
  return { value, unit, over: /\/(kg|m2)(?=\/|$)/.exec(unit)?.[1], rate: /\/(h|min)$/.test(unit) };
}

function order(row, amount, factors, p, route) {
  const { drug, product_id, dose } = drugOf(row.drug);
  const value = factors.reduce(times, amount.rate ? amount.value : perDose(amount, p));
  const text = amount.rate ? `${value} ${amount.unit}` : dose(value, plain(amount.unit));
  return snapshotOf(chartOf(p), orderOf(drug, text, route, { product_id, ...(amount.rate ? CONTINUOUS : {}) }));
}

const is = (rule, severity) => (d) => {
  if (d.error) return `no decision: ${d.error}`;
  const [f] = found(d, rule);
  return (f?.severity ?? 'none') === (severity ? `SEVERITY_${severity}` : 'none') ? null : `it should be ${severity ?? 'none'}, is ${f?.severity ?? 'none'}`;
};

// A row of a day's amount alone: the whole of it in one dose.
function dailyChecks(row) {
  const bounds = patientOf(row.patient);
  const base = basePatient(bounds);
  const day = amountOf(row.daily);
  const check = (name, factors, severity, p = base, route = row.routes.split(',')[0]) => ({
    id: `${row.rule} ${name}`, rule: row.rule, snapshot: order(row, day, factors, p, route), wrong: is(row.rule, severity),
  });
  return [
    check('at the warning', [row.warn], undefined), check('above the warning', [row.warn, '1.0001'], 'WARN'),
    check('below the factor', [row.factor, '0.9999'], 'WARN'), check('at the factor', [row.factor], 'HARD'),
    ...row.routes.split(',').map((route) => check(`by ${route}`, [row.factor], 'HARD', base, route)),
    check('of age', [row.factor], 'HARD', { ...base, days: bounds.age.from }), check('below age', [row.factor], undefined, { ...base, days: bounds.age.from - 1 }),
  ];
}

function checksOf(row) {
  if (row.daily) return dailyChecks(row);
  const bounds = patientOf(row.patient);
  const base = basePatient(bounds);
  const [high, low] = [amountOf(row.high), amountOf(row.low)];
  const routes = row.routes.split(',');
  const check = (name, amount, factors, severity, { p = base, route = routes[0] } = {}) => ({
    id: `${row.rule} ${name}`, rule: row.rule, snapshot: order(row, amount, factors, p, route), wrong: is(row.rule, severity),
  });
  const checks = [
    check('at the warning', high, [row.warn], undefined), check('above the warning', high, [row.warn, '1.0001'], 'WARN'),
    check('below the factor', high, [row.factor, '0.9999'], 'WARN'), check('at the factor', high, [row.factor], 'HARD'),
    check('a tenth', low, [TENTH], 'WARN'), check('above a tenth', low, [TENTH, '1.0001'], undefined),
    ...routes.map((route) => check(`by ${route}`, high, [row.factor], 'HARD', { route })),
  ];
  const { from, to } = bounds.age ?? {};
  const side = (days, severity) => checks.push(check(`at ${days} days`, high, [row.factor, '1.5'], severity, { p: { ...base, days } }));
  if (from) [[from, 'HARD'], [from - 1]].forEach((s) => side(...s));
  if (to) [[to], [to - 1, 'HARD']].forEach((s) => side(...s));
  return checks;
}

const usualChecks = () => readTables('usual').flatMap(checksOf);

module.exports = { usualChecks };
