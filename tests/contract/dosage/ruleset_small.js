'use strict';
// A small rule set that holds one of everything, synthetic: its numbers are made up to be told apart and are no advice.

const name = (en, zh = `${en}（中）`) => ({ en, zh });
const amount = (value, unit) => ({ value, unit });
let n = 0;
const rule = (id, more = {}) => ({ id, version: 1, severity: 'SEVERITY_WARN', source: 'made up for a test', reviewed_on: '2026-11-01', ...more });

// Fresh at each call: tests change it. more: fields of the set.
function smallSet(more = {}) {
  n += 1;
  return {
    title: `small ${n}`,
    notice: 'for tests only',
    ingredients: [
      {
        id: 'alphacin', name: name('Alphacin', '阿尔法素'), codes: [{ system: 'http://www.whocc.no/atc', code: 'X01AA01' }], unit: 'mg',
        classes: ['cin'], synonyms: ['alfacin', 'müllerol'], source: 'made up',
      },
      { id: 'betacin', name: name('Betacin', '贝他素'), unit: 'mg', classes: ['cin'], source: 'made up', renal: true },
      { id: 'gammin', name: name('Gammin', '伽马素'), unit: '[IU]', high_alert: true, source: 'made up' },
    ],
    drugs: [
      {
        id: 'alphacin', name: name('Alphacin', '阿尔法素'), codes: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '900001' }],
        ingredients: ['alphacin'], routes: ['ROUTE_PO', 'ROUTE_IV'],
        products: [{
          id: 'alphacin-500', name: name('Alphacin 500 mg tablets', '阿尔法素片 500 mg'), form: 'tablet',
          strengths: [{ ingredient: 'alphacin', amount: amount('500', 'mg'), per: amount('1', '{tablet}') }],
          routes: ['ROUTE_PO'], gtins: ['00312345678906'], source: 'made up',
        }],
      },
      {
        id: 'duo', name: name('Duo', '二合一'), ingredients: ['alphacin', 'betacin'], routes: ['ROUTE_PO'],
        products: [{
          id: 'duo-syrup', name: name('Duo syrup', '二合一糖浆'), form: 'syrup',
          strengths: [
            { ingredient: 'alphacin', amount: amount('50', 'mg'), per: amount('1', 'mL') },
            { ingredient: 'betacin', amount: amount('5', 'mg'), per: amount('1', 'mL') },
          ],
          routes: ['ROUTE_PO'], source: 'made up',
        }],
      },
      { id: 'gammin', name: name('Gammin', '伽马素'), ingredients: ['gammin'], routes: ['ROUTE_SC'] },
    ],
    dose_rules: [
      {
        rule: rule('alphacin-adult'), ingredient: 'alphacin', band: { age_from_days: 6574 }, max_single: amount('1', 'g'),
        max_daily: amount('4000', 'mg'), min_interval_minutes: 240,
      },
      {
        rule: rule('alphacin-child'), ingredient: 'alphacin', band: { age_to_days: 6574, weight_from_kg: '3', weight_to_kg: '60' },
        max_single_per_kg: amount('15', 'mg/kg'), max_daily_per_kg: amount('60', 'mg/kg'),
      },
      {
        rule: rule('betacin-renal', { severity: 'SEVERITY_HARD', final: true }), ingredient: 'betacin',
        band: { renal_to: '30', renal_by: 'RENAL_BY_CRCL' }, contraindicated: true,
      },
      { rule: rule('gammin-rate'), ingredient: 'gammin', max_rate_per_kg: amount('2', '[IU]/kg/h') },
    ],
    interactions: [{ rule: rule('alpha-gamma'), a: { ingredient: 'gammin' }, b: { class: 'cin' }, within_hours: 24, effect: name('They fight.', '相互作用。') }],
    duplicates: [{ rule: rule('one-cin'), class: 'cin', name: name('cins'), most: 1 }],
    allergies: [{
      rule: rule('cin-allergy', { severity: 'SEVERITY_HARD' }), codes: [{ system: 'http://snomed.info/sct', code: '1' }], names: ['cin'],
      allergy: { class: 'cin' }, forbids: [{ class: 'cin' }], effect: name('A reaction.', '过敏。'),
    }],
    fresh: [{ rule: rule('weight-fresh'), what: 'WHAT_WEIGHT', max_age_hours: 720 }],
    slips: [
      { rule: rule('tenfold'), kind: 'KIND_TENFOLD', factor: '10' },
      { rule: rule('jump'), kind: 'KIND_WEIGHT_JUMP', factor: '2.2', within_hours: 720 },
    ],
    reasons: [{ code: 'benefit-outweighs-risk', name: name('Benefit outweighs risk', '获益大于风险'), uses: ['USE_OVERRIDE_WARN'], roles: ['physician'] }],
    ...more,
  };
}

module.exports = { smallSet, rule, amount, name };
