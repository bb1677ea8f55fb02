'use strict';
// What the tests of doses at the bedside share: the rule set that is made up for the tests of orders, with barcodes, a drug that needs
// two people and one that drips, and what a nurse does with it.

const { amount, interval, once, prescription, Site } = require('./site');
const { madeUpSet, failure, setState, placed } = require('./ordering');

// The 14 digits of a GTIN: 13 and their check digit.
function gtin(digits) {
  const sum = [...digits].reverse().reduce((s, d, i) => s + Number(d) * (i % 2 ? 1 : 3), 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}
const GTIN = { testozin: gtin('0299999000001'), testozin250: gtin('0299999000002'), alertin: gtin('0299999000003'), otherin: gtin('0299999000004'), testozinTab2: gtin('0299999000005'), testozinCap: gtin('0299999000006'), testozinSyrup: gtin('0299999000007'), testozinSupp: gtin('0299999000008'), patch25: gtin('0299999000009'), patch50: gtin('0299999000010'), nobodys: gtin('0299999000099') };
const FNC1 = '\x1d';

const both = (en) => ({ en, zh: `${en}（试）` });
const rule = (id, severity) => ({ id, version: 1, severity: `SEVERITY_${severity}`, source: 'made up for tests', reviewed_on: '2026-11-21' });
const strength = (ingredient, mg, per = '{tablet}') => ({ ingredient, amount: amount(mg, 'mg'), per: amount(1, per) });

function bedsideSet() {
  const set = madeUpSet();
  const ingredient = (id, more = {}) => ({ id, name: both(id), unit: 'mg', classes: [id], source: 'made up for tests', ...more });
  const product = (id, strengths, gtins, more = {}) => ({ id, name: both(id), form: 'tablet', routes: ['ROUTE_PO'], source: 'made up for tests', strengths, gtins, ...more });
  const testozin = set.drugs.find((d) => d.id === 'testozin');
  testozin.routes.push('ROUTE_PR');
  testozin.products[0].gtins = [GTIN.testozin];
  Object.assign(testozin.products[0], { trace_codes: ['8306067'], local_codes: ['UD-TESTO/500'] });
  testozin.products.push(
    product('testozin-250', [strength('testozin', 250)], [GTIN.testozin250]),
    product('testozin-100-scored', [strength('testozin', 100)], [GTIN.testozinTab2], { may_be_halved: true, halved_source: 'made up for tests' }),
    product('testozin-capsule', [strength('testozin', 100, '{capsule}')], [GTIN.testozinCap], { form: 'capsule' }),
    product('testozin-syrup', [{ ingredient: 'testozin', amount: amount(160, 'mg'), per: amount(5, 'mL') }], [GTIN.testozinSyrup], { form: 'syrup' }),
    product('testozin-supp', [strength('testozin', 500, '{suppository}')], [GTIN.testozinSupp], { form: 'suppository', routes: ['ROUTE_PR'] }),
  );
  set.ingredients.push(ingredient('alertin', { high_alert: true }), ingredient('dripin'));
  set.drugs.push(
    { id: 'alertin', name: both('alertin'), ingredients: ['alertin'], routes: ['ROUTE_PO'], products: [product('alertin-tablet', [strength('alertin', 10)], [GTIN.alertin])] },
    {
      id: 'dripin', name: both('dripin'), ingredients: ['dripin'], routes: ['ROUTE_IVINF'],
      products: [product('dripin-bag', [strength('dripin', 1, 'mL')], [], { form: 'solution', routes: ['ROUTE_IVINF'] })],
    },
  );
  const patch = (rate) => ({
    id: `patchin-${rate}`, name: both(`patchin ${rate}`), form: 'transdermal patch', routes: ['ROUTE_TD'], source: 'made up for tests', gtins: [GTIN[`patch${rate}`]],
    strengths: [{ ingredient: 'patchin', amount: amount(rate, 'ug/h'), per: amount(1, '{patch}') }],
  });
  set.ingredients.push(ingredient('patchin'));
  set.drugs.push({ id: 'patchin', name: both('patchin'), ingredients: ['patchin'], routes: ['ROUTE_TD'], products: [patch(25), patch(50)] });
  set.drugs.find((d) => d.id === 'plainin').products[0].gtins = [GTIN.otherin];
  set.dose_rules.push(
    { rule: rule('alertin-single', 'WARN'), ingredient: 'alertin', max_single: amount(100000, 'mg') },
    { rule: rule('patchin-rate', 'WARN'), ingredient: 'patchin', max_rate: amount(1000, 'ug/h') },
    { rule: rule('dripin-rate', 'WARN'), ingredient: 'dripin', max_rate: amount(100000, 'mg/h') },
  );
  return set;
}

const start = (options = {}) => Site.start({ rules: bedsideSet(), ...options });
const shared = (options = {}) => Site.shared({ rules: bedsideSet(), ...options });

const ordered = (more = {}) => prescription('testozin', '500 mg', { timing: once, ...more });
const asNeeded = (n, minutes) => ({
  timing: { kind: 'KIND_AS_NEEDED' },
  as_needed: { reason: { system: 'http://snomed.info/sct', code: '22253000', display: 'Pain' }, max_doses_per_24h: n, min_interval_minutes: minutes },
});
const minutesAgo = (n) => String((Date.now() - n * 60e3) * 1000);

// A patient with an order and its first slot: {patient, order, slot}.
async function bedside(site, p = ordered(), more = {}) {
  const patient = await site.patient();
  const order = await placed(site, patient, p, more);
  const [slot] = p.timing.kind === 'KIND_AS_NEEDED' ? [] : await site.slots(patient, { order_id: order.order_id });
  return { patient, order, slot };
}

// Gives it: in hand is what the order says unless `more` says otherwise.
const give = (site, at, more = {}) => site.give(at.patient, at.order, at.slot, more);
// What giving it fails with: {code, reason, field}.
const refused = (site, at, more) => failure(give(site, at, more));
const right = (answer, name) => {
  const r = answer.rights.find((x) => x.right === `RIGHT_${name}`);
  return `${r.result.replace('RESULT_', '')}${r.reason_code && ` ${r.reason_code}`}`;
};
const rightsOf = (answer) => Object.fromEntries(answer.rights.map((r) => [r.right.replace('RIGHT_', ''), r.result.replace('RESULT_', '')]));

const second = (site, role = 'nurse', claims = {}) => site.as(role, { sub: `${role}-second`, ...claims }).token;
const held = (outcome = 'HELD', more = {}) => ({ outcome: `DOSE_OUTCOME_${outcome}`, reason_code: 'asleep', ppid_token: '', ...more });
const emergency = (site, patient, more = {}, { by = 'nurse', on = site.api('doses'), key = site.key() } = {}) => on.call('GiveInEmergency', {
  idempotency_key: key, patient_id: patient.id, drug_id: 'testozin', dose: amount(500, 'mg'), route: 'ROUTE_PO', reason_code: 'life-at-stake', ...more,
}, site.who(by));
const versions = (site, dose, by = 'nurse') => site.api('doses').call('GetAdministration', { administration_id: dose.administration_id ?? dose }, site.who(by)).then((a) => a.versions);
const correct = (site, dose, more = {}, by = 'nurse') => site.api('doses').call('Correct', {
  idempotency_key: site.key(), administration_id: dose.administration_id, expected_version: dose.version, reason_code: 'wrong-entry', ...more,
}, site.who(by));
const taken = (site, order) => site.rows('slot_taken', `order_id = ${site.hex(order.order_id)}`);
const doses = (site, order) => site.rows('administration', `order_id = ${site.hex(order.order_id)}`);

module.exports = {
  GTIN, FNC1, gtin, bedsideSet, start, shared, ordered, asNeeded, minutesAgo, bedside, give, refused, right, rightsOf, second, held, emergency, versions, correct,
  taken, doses, failure, setState, placed, interval, once, amount, prescription,
};
