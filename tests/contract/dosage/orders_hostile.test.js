'use strict';
// What no prescription can be, and what nobody should send.

const test = require('node:test');
const assert = require('node:assert');
const { amount, interval, times, once, prescription } = require('./site');
const { ordered, harmless, override, shared, placed } = require('./ordering');

let site;
let patient;
let order;
test.before(async () => {
  site = await shared({ audit: false });
  patient = await site.patient();
  order = await placed(site, patient, harmless());
});
test.after(() => site?.stop());

const ago = (ms) => String((Date.now() - ms) * 1000);
const needed = { reason: { code: 'pain' }, max_doses_per_24h: 4 };
const asNeeded = { timing: { kind: 'KIND_AS_NEEDED' }, as_needed: needed };

// What is spoilt of a good prescription, and the reason or field that answers.
const BAD = [
  ['nothing', null, 'prescription'],
  ['no drug', { drug_id: '' }, 'prescription.drug_id'],
  ['a drug of many words', { drug_id: 'take 5 mg of it' }, 'prescription.drug_id'],
  ['a long drug', { drug_id: 'a'.repeat(65) }, 'prescription.drug_id'],
  ['a product of many words', { product_id: '../x' }, 'prescription.product_id'],
  ['no dose', { dose: null }, 'DOSE_UNIT'],
  ['no unit', { dose: amount('5', '') }, 'DOSE_UNIT'],
  ['a unit that is none', { dose: amount('5', 'spoons') }, 'DOSE_UNIT'],
  ['a huge unit', { dose: amount('5', 'mg.'.repeat(30000)) }, 'DOSE_UNIT'],
  ['a dose of nothing', { dose: amount('0', 'mg') }, 'DOSE_VALUE'],
  ['less than nothing', { dose: amount('-5', 'mg') }, 'DOSE_VALUE'],
  ['words', { dose: amount('a few', 'mg') }, 'DOSE_VALUE'],
  ['a comma', { dose: amount('0,5', 'mg') }, 'DOSE_VALUE'],
  ['an exponent', { dose: amount('5e2', 'mg') }, 'DOSE_VALUE'],
  ['no number', { dose: amount('NaN', 'mg') }, 'DOSE_VALUE'],
  ['a space', { dose: amount(' 5', 'mg') }, 'DOSE_VALUE'],
  ['21 digits', { dose: amount('1'.repeat(21), 'mg') }, 'DOSE_VALUE'],
  ['100,000 digits', { dose: amount('1'.repeat(100000), 'mg') }, 'DOSE_VALUE'],
  ['no route', { route: 'ROUTE_UNSPECIFIED' }, 'prescription.route'],
  ['a route that is none', { route: 99 }, 'prescription.route'],
  ['no timing', { timing: null }, 'TIMING_INVALID'],
  ['a timing of no kind', { timing: {} }, 'TIMING_INVALID'],
  ['an interval of nothing', { timing: interval(0) }, 'TIMING_INVALID'],
  ['times that fall', { timing: times('20:00', '08:00') }, 'TIMING_INVALID'],
  ['100,000 times', { timing: times(...Array(60000).fill('08:00')) }, 'TIMING_INVALID'],
  ['an end before the start', { starts_at_us: ago(0), ends_at_us: ago(1000) }, 'TIMING_INVALID'],
  ['an end that is past', { starts_at_us: ago(864e5), ends_at_us: ago(1000) }, 'prescription.ends_at_us'],
  ['a start before time began', { starts_at_us: '-1' }, 'TIMING_INVALID'],
  ['the last of all times', { starts_at_us: '9223372036854775807' }, 'TIMING_INVALID'],
  ['as needed for what', { timing: { kind: 'KIND_AS_NEEDED' } }, 'TIMING_INVALID'],
  ['as needed and by the clock', { as_needed: needed }, 'TIMING_INVALID'],
  ['as needed without end', { ...asNeeded, as_needed: { ...needed, max_doses_per_24h: 97 } }, 'TIMING_INVALID'],
  ['as needed for a novel', { ...asNeeded, as_needed: { ...needed, reason: { code: 'x'.repeat(65) } } }, 'prescription.as_needed.reason'],
  ['an indication of no code', { indication: { display: 'give 500 mg' } }, 'prescription.indication'],
  ['an indication that is a novel', { indication: { code: 'x', display: 'x'.repeat(257) } }, 'prescription.indication'],
  ['calculated from nothing', { calculated_from: {} }, 'prescription.calculated_from.per'],
  ['calculated from both', { calculated_from: { per: amount('1', 'mg/kg'), weight: amount('50', 'kg'), bsa: amount('1', 'm2') } }, 'prescription.calculated_from'],
  ['calculated by weightless', { calculated_from: { per: amount('1', 'mg/kg'), weight: amount('0', 'kg') } }, 'DOSE_VALUE'],
  ['free text', { instructions: ['give 5 mg more'] }, 'prescription.instructions'],
  ['a long instruction', { instructions: ['a'.repeat(65)] }, 'prescription.instructions'],
  ['60,000 instructions', { instructions: Array(60000).fill('with-food') }, 'prescription.instructions'],
];

test('a prescription that cannot be is refused, and says why, by every method', async () => {
  const before = [await site.rows('decision'), await site.rows('order_version')];
  for (const [what, spoilt, want] of BAD) {
    const p = spoilt === null ? null : { ...harmless(), ...spoilt };
    const calls = [
      ['Check', { patient_id: patient.id, prescription: p }], ['Place', { idempotency_key: site.key(), patient_id: patient.id, prescription: p }],
      ['Place', { idempotency_key: site.key(), patient_id: patient.id, prescription: p, draft: true }],
      ['Change', { idempotency_key: site.key(), order_id: order.order_id, expected_version: 1, prescription: p }],
    ];
    for (const [method, request] of calls) {
      const err = await site.orders.failure(method, request, site.who('physician'));
      assert.strictEqual(err.code, 'INVALID_ARGUMENT', `${method}: ${what}: ${err.details}`);
      assert.ok([err.reason, err.field].includes(want), `${method}: ${what}: ${err.reason} ${err.field} ${err.details}`);
    }
  }
  assert.deepStrictEqual([await site.rows('decision'), await site.rows('order_version')], before);
});

test('every good way to say it is taken', async () => {
  const good = [
    { timing: once }, { timing: times('08:00', '20:00') }, asNeeded, { timing: interval(24), starts_at_us: ago(864e5) },
    { dose: amount('0.5', 'mg') }, { dose: amount('10000', 'ug') }, { dose: amount('1', '{tablet}'), product_id: 'plainin-tablet' },
    { indication: { system: 'http://hl7.org/fhir/sid/icd-10', code: 'R52', display: 'Pain' }, instructions: Array(20).fill('with-Food-2') },
    { calculated_from: { per: amount('10', 'mg/m2'), bsa: amount('1', 'm2') } },
  ];
  const who = await site.patient();
  for (const more of good) {
    const decision = await site.check(who, { ...harmless(), ...more });
    assert.deepStrictEqual(decision.snapshot.prescription.dose, (more.dose ?? harmless().dose), JSON.stringify(more));
  }
});

test('lists past their limits are refused', async () => {
  const many = await site.orders.failure('Place', {
    idempotency_key: site.key(), patient_id: patient.id, prescription: ordered(100), overrides: Array(101).fill(override('x')),
  }, site.who('physician'));
  assert.deepStrictEqual([many.code, many.field], ['INVALID_ARGUMENT', 'overrides']);
  const huge = await site.orders.failure('Place', {
    idempotency_key: site.key(), patient_id: patient.id, prescription: ordered(100), overrides: Array(70000).fill(override('x')),
  }, site.who('physician'));
  assert.strictEqual(huge.code, 'INVALID_ARGUMENT');
  const token = await site.orders.failure('Place', {
    idempotency_key: site.key(), patient_id: patient.id, prescription: ordered(100), second_person_token: 'x'.repeat(1000000),
  }, site.who('physician'));
  assert.deepStrictEqual([token.code, token.reason], ['PERMISSION_DENIED', 'SECOND_PERSON_REFUSED']);
  for (const page_size of [-1, 201, 2147483647]) {
    for (const [method, request] of [['ListOrders', { patient_id: patient.id }], ['ListDecisions', { patient_id: patient.id }], ['OrderHistory', { order_id: order.order_id }]]) {
      const err = await site.orders.failure(method, { ...request, page_size }, site.who('nurse'));
      assert.deepStrictEqual([err.code, err.field], ['INVALID_ARGUMENT', 'page_size'], method);
    }
  }
  const states = await site.orders.failure('ListOrders', { patient_id: patient.id, states: [0] }, site.who('nurse'));
  assert.deepStrictEqual([states.code, states.field], ['INVALID_ARGUMENT', 'states']);
  const version = await site.orders.failure('GetOrder', { order_id: order.order_id, version: -1 }, site.who('nurse'));
  assert.deepStrictEqual([version.code, version.field], ['INVALID_ARGUMENT', 'version']);
});

test('the same override 100 times, and one of a rule with a name like code, do no harm', async () => {
  for (const rule of ["'; DROP TABLE drug_order; --", '%s%n', 'ward.', '\u0001', 'x'.repeat(60000)]) {
    const err = await site.orders.failure('Place', {
      idempotency_key: site.key(), patient_id: patient.id, prescription: prescription('testozin', '10 mg', { timing: interval(24) }),
      overrides: Array(100).fill(override(rule)),
    }, site.who('physician'));
    assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'OVERRIDE_UNUSED'], rule.slice(0, 20));
  }
  assert.strictEqual((await site.orders.call('ListOrders', { patient_id: patient.id }, site.who('nurse'))).orders.length, 1);
});
