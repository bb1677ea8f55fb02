'use strict';
// What the tests of orders and decisions share: a rule set of drugs that do not exist, with limits that are easy to count with, and
// what is asked of an order. Made up for tests: nothing here is a dose of anything.
//   testozin   500 mg {tablet}, 100 mg/mL syrup: a dose above 1000 mg warns, above 3000 mg a day stops, above 5000 mg stops for good
//   lifozin    2000 mg in all a life
//   duozin     two ingredients: testozin and otherin
//   plainin    no limit but one nobody reaches

const { Site, amount, interval, prescription } = require('./site');

const both = (en) => ({ en, zh: `${en}（试）` });
const rule = (id, severity, more = {}) => ({ id, version: 1, severity: `SEVERITY_${severity}`, source: 'made up for tests', reviewed_on: '2026-11-21', ...more });
const ingredient = (id, classes = []) => ({ id, name: both(id), unit: 'mg', classes, source: 'made up for tests' });
const PO = ['ROUTE_PO'];
const tablet = (drug, strengths, id = `${drug}-tablet`) => ({
  id, name: both(`${drug} tablet`), form: 'tablet', routes: [...PO], source: 'made up for tests',
  strengths: Object.entries(strengths).map(([i, mg]) => ({ ingredient: i, amount: amount(mg, 'mg'), per: amount(1, '{tablet}') })),
});
const drug = (id, strengths, products) => ({
  id, name: both(`${id} (no drug)`), ingredients: Object.keys(strengths), products: products ?? [tablet(id, strengths)], routes: [...PO],
});
const reason = (code, uses, roles = []) => ({ code, name: both(code), uses: uses.map((u) => `USE_${u}`), roles });

const RULES = {
  warn: 'testozin-single-warn', hard: 'testozin-daily-stop', final: 'testozin-single-final', life: 'lifozin-life',
};

function madeUpSet() {
  return {
    title: 'made up for tests of orders', notice: 'made up for tests: nothing here is a drug',
    ingredients: [ingredient('testozin', ['zins']), ingredient('otherin', ['others']), ingredient('lifozin'), ingredient('plainin')],
    drugs: [
      drug('testozin', { testozin: 500 }),
      drug('testozin-syrup', { testozin: 100 }, [{
        id: 'testozin-syrup-100', name: both('testozin syrup'), form: 'syrup', routes: [...PO], source: 'made up for tests',
        strengths: [{ ingredient: 'testozin', amount: amount(100, 'mg'), per: amount(1, 'mL') }],
      }]),
      drug('duozin', { testozin: 500, otherin: 50 }),
      drug('lifozin', { lifozin: 100 }), drug('plainin', { plainin: 10 }),
    ],
    dose_rules: [
      { rule: rule(RULES.warn, 'WARN'), ingredient: 'testozin', max_single: amount(1000, 'mg') },
      { rule: rule(RULES.hard, 'HARD'), ingredient: 'testozin', max_daily: amount(3000, 'mg') },
      { rule: rule(RULES.final, 'HARD', { final: true }), ingredient: 'testozin', max_single: amount(5000, 'mg') },
      { rule: rule('otherin-single', 'WARN'), ingredient: 'otherin', max_single: amount(5000, 'mg') },
      { rule: rule(RULES.life, 'HARD'), ingredient: 'lifozin', max_cumulative: amount(2000, 'mg'), cumulative_days: 0 },
      { rule: rule('plainin-single', 'WARN'), ingredient: 'plainin', max_single: amount(100000, 'mg') },
    ],
    reasons: [
      reason('benefit', ['OVERRIDE_WARN'], ['physician', 'pharmacist']), reason('specialist', ['OVERRIDE_HARD'], ['physician', 'pharmacist']),
      reason('nurse-knows', ['OVERRIDE_WARN'], ['nurse']), reason('no-longer-needed', ['ORDER_STATE']),
      reason('pharmacy-asks', ['ORDER_STATE'], ['pharmacist']), reason('scanner-broken', ['NOT_SCANNED']), reason('asleep', ['NOT_GIVEN']),
      reason('late-round', ['TIME']), reason('wrong-entry', ['CORRECTION']), reason('life-at-stake', ['EMERGENCY']),
    ],
  };
}

// Every six hours of it, by mouth: 4 doses a day.
const ordered = (mg, more = {}) => prescription('testozin', `${mg} mg`, { timing: interval(6), ...more });
// One dose a day of a drug that no rule minds.
const harmless = (more = {}) => prescription('plainin', '10 mg', { timing: interval(24), ...more });
const override = (rule_id, reason_code = 'benefit') => ({ rule_id, reason_code });

const start = (options = {}) => Site.start({ rules: madeUpSet(), ...options });
const shared = (options = {}) => Site.shared({ rules: madeUpSet(), ...options });

// Places what must pass; the order.
async function placed(site, patient, p, more = {}) {
  const answer = await site.place(patient, p, more);
  if (!answer.placed) throw new Error(`not placed: ${answer.open}`);
  return answer.order;
}

// SetState, with the reason that is good for every step.
const setState = (site, order, state, { by = 'physician', on = site.orders, version = order.version, ...more } = {}) =>
  on.call('SetState', {
    idempotency_key: site.key(), order_id: order.order_id, expected_version: version, state: `ORDER_STATE_${state}`,
    reason_code: 'no-longer-needed', ...more,
  }, site.who(by));
const change = (site, order, p, { by = 'physician', on = site.orders, version = order.version, ...more } = {}) =>
  on.call('Change', { idempotency_key: site.key(), order_id: order.order_id, expected_version: version, prescription: p, ...more }, site.who(by));

// What a call of site.place, setState... fails with.
async function failure(promise) {
  let answer;
  try {
    answer = await promise;
  } catch (err) {
    if (err.code) return err;
    throw err;
  }
  throw new Error(`it was answered: ${JSON.stringify(answer).slice(0, 300)}`);
}

module.exports = { RULES, madeUpSet, ordered, harmless, override, start, shared, placed, setState, change, failure };
