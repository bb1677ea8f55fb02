'use strict';
// Give, then acknowledge: GiveInEmergency stops for nothing but what cannot be read, and its clock runs; Acknowledge ends it;
// ListUnacknowledged says what is left.

const test = require('node:test');
const assert = require('node:assert');
const { UUID, nobody } = require('./site');
const {
  GTIN, start, ordered, asNeeded, minutesAgo, bedside, give, right, rightsOf, emergency, versions, correct, doses, failure, setState, placed, amount, prescription,
} = require('./bedside');

const CLOCK_S = 60;
let site;
test.before(async () => {
  site = await start({ services: ['audit', 'identity', 'records', 'dosage', 'dosage2'], env: { dosage: { WARD_EMERGENCY_S: `${CLOCK_S}` } } });
});
test.after(() => site?.stop());

const failed = async (promise) => { const e = await failure(promise); return [e.code, e.reason || e.field]; };
const refusedEmergency = async (patient, more, by) => { const e = await failure(emergency(site, patient, more, by)); return [e.code, e.reason === e.code && e.field || e.reason]; };
const acknowledge = async (d, patient, more = {}, { by = 'nurse', on = site.api('doses'), key = site.key() } = {}) => on.call('Acknowledge', {
  idempotency_key: key, administration_id: d.administration_id, ppid_token: await site.ppid(patient), ...more,
}, site.who(by));
const open = async (ward = 'ward-3', by = 'nurse', more = {}) => (await site.api('doses').call('ListUnacknowledged', { ward, ...more }, site.who(by)));
const isOpen = async (d) => (await open('ward-3', 'nurse', { page_size: 200 })).administrations.some((a) => a.administration_id === d.administration_id);

test('it is given without an order or a token, and says what the check found', async () => {
  const patient = await site.patient();
  const { administration: d, decision } = await emergency(site, patient, { dose: amount(6000, 'mg'), scan: GTIN.testozin, device: 'cart-1', place: 'ward-3/bed-1' });
  assert.deepStrictEqual([d.version, d.patient_id, d.order_id, d.slot_id, d.outcome], [1, patient.id, '', '', 'DOSE_OUTCOME_GIVEN']);
  assert.deepStrictEqual([d.emergency, d.reason_code, d.token_id, d.method, d.acknowledged_by], [true, 'life-at-stake', '', '', '']);
  assert.deepStrictEqual([d.drug_id, d.product_id, d.dose, d.ward, d.place, d.device], ['testozin', 'testozin-tablet', amount(6000, 'mg'), 'ward-3', 'ward-3/bed-1', 'cart-1']);
  assert.strictEqual(Number(d.acknowledge_by_us) - Number(d.given_at_us), CLOCK_S * 1e6);
  assert.deepStrictEqual(rightsOf({ rights: d.rights }), { PATIENT: 'NOT_CHECKED', DRUG: 'PASS', DOSE: 'NOT_CHECKED', ROUTE: 'NOT_CHECKED', TIME: 'NOT_CHECKED' });
  assert.strictEqual(decision.outcome, 'OUTCOME_STOP', 'even what nobody may override stops nothing');
  assert.strictEqual(d.decision_id, decision.decision_id);
  assert.deepStrictEqual((await site.orders.call('GetDecision', { decision_id: decision.decision_id }, site.who('nurse'))).decision, decision);
  assert.deepStrictEqual(await versions(site, d), [d]);
});

test('another drug in hand than the one that was said is told, and stops nothing', async () => {
  const patient = await site.patient();
  const { administration: d } = await emergency(site, patient, { scan: GTIN.alertin });
  assert.strictEqual(right({ rights: d.rights }, 'DRUG'), 'FAIL another-product');
  assert.deepStrictEqual([d.drug_id, d.product_id, d.scanned.product_id], ['testozin', '', 'alertin-tablet']);
});

test('it counts for what is given afterwards', async () => {
  const at = await bedside(site);
  await emergency(site, at.patient, { dose: amount(3000, 'mg') });
  const answer = await give(site, at);
  assert.deepStrictEqual([answer.recorded, answer.open], [false, ['testozin-daily-stop']]);
  assert.ok(answer.decision.snapshot.given[0].unacknowledged);
});

test('what cannot be read is refused', async () => {
  const patient = await site.patient();
  const bad = async (more, code, what) => assert.deepStrictEqual(await refusedEmergency(patient, more), [code, what], JSON.stringify(more));
  await bad({ idempotency_key: '' }, 'INVALID_ARGUMENT', 'idempotency_key');
  await bad({ drug_id: '' }, 'INVALID_ARGUMENT', 'drug_id');
  await bad({ drug_id: 'no-drug' }, 'NOT_FOUND', 'DRUG_NOT_FOUND');
  await bad({ product_id: 'no-product' }, 'NOT_FOUND', 'DRUG_NOT_FOUND');
  await bad({ product_id: 'alertin-tablet' }, 'NOT_FOUND', 'DRUG_NOT_FOUND');
  await bad({ dose: null }, 'INVALID_ARGUMENT', 'dose');
  await bad({ dose: amount('a lot', 'mg') }, 'INVALID_ARGUMENT', 'DOSE_VALUE');
  await bad({ dose: amount(5, 'mL') }, 'INVALID_ARGUMENT', 'DOSE_UNIT');
  await bad({ dose: amount(2, '{tablet}') }, 'INVALID_ARGUMENT', 'DOSE_UNIT');
  await bad({ route: 'ROUTE_UNSPECIFIED' }, 'INVALID_ARGUMENT', 'route');
  await bad({ reason_code: '' }, 'INVALID_ARGUMENT', 'REASON_UNKNOWN');
  await bad({ reason_code: 'late-round' }, 'INVALID_ARGUMENT', 'REASON_UNKNOWN');
  await bad({ scan: 'x' }, 'INVALID_ARGUMENT', 'SCAN_UNREADABLE');
  await bad({ given_at_us: minutesAgo(16) }, 'INVALID_ARGUMENT', 'given_at_us');
  await bad({ patient_id: nobody }, 'NOT_FOUND', 'PATIENT_NOT_FOUND');
  await bad({ patient_id: 'x' }, 'INVALID_ARGUMENT', 'patient_id');
  assert.deepStrictEqual((await refusedEmergency(patient, {}, { by: 'pharmacist' }))[0], 'PERMISSION_DENIED');
  assert.strictEqual((await emergency(site, patient, { dose: amount(2, '{tablet}'), product_id: 'testozin-tablet' })).administration.dose.unit, '{tablet}');
  assert.strictEqual(await site.rows('administration', `patient_id = ${site.hex(patient.id)}`), 1);
});

test('the same call again is the same dose, at both replicas at once too', async () => {
  const patient = await site.patient();
  const key = site.key();
  const first = await emergency(site, patient, {}, { key });
  const again = await Promise.all([undefined, site.api('doses', { on: 'dosage2' })].map((on) => emergency(site, patient, {}, { key, ...(on && { on }) })));
  assert.deepStrictEqual(again, [first, first]);
  assert.strictEqual(await site.rows('administration', `patient_id = ${site.hex(patient.id)}`), 1);
  assert.strictEqual((await failure(emergency(site, patient, { dose: amount(1, 'mg') }, { key }))).reason, 'IDEMPOTENCY_MISMATCH');
});

test('it is acknowledged with a token and the order it is of', async () => {
  const patient = await site.patient();
  const { administration: d } = await emergency(site, patient);
  assert.strictEqual(await isOpen(d), true);
  const order = await placed(site, patient, ordered(asNeeded(4, 1)));
  const key = site.key(), ppid_token = await site.ppid(patient);
  const answer = await acknowledge(d, patient, { order_id: order.order_id, reason_code: 'life-at-stake', ppid_token }, { by: 'physician', key });
  const a = answer.administration;
  assert.strictEqual(answer.late, false);
  assert.deepStrictEqual([a.version, a.order_id, a.order_version, a.acknowledged_by, a.written_by, a.recorded_by], [2, order.order_id, 1, 'physician-1', 'physician-1', 'nurse-1']);
  assert.strictEqual(a.acknowledged_at_us, a.written_at_us);
  assert.strictEqual(a.method, 'wristband+second-id');
  assert.match(a.token_id, UUID);
  assert.strictEqual(await isOpen(d), false);
  assert.deepStrictEqual(await versions(site, d), [a, d]);
  assert.deepStrictEqual(await acknowledge(d, patient, { order_id: order.order_id, reason_code: 'life-at-stake', ppid_token }, { by: 'physician', key }), answer, 'the same again');
  assert.deepStrictEqual(await failed(acknowledge(d, patient)), ['FAILED_PRECONDITION', 'ACKNOWLEDGED']);
  assert.strictEqual(await doses(site, order), 1, 'it is a dose of the order now');
  assert.deepStrictEqual(await failed(give(site, { patient, order })), ['FAILED_PRECONDITION', 'PRN_LIMIT'], 'and counts for its limit');
});

test('it is acknowledged where there will be no order', async () => {
  const patient = await site.patient();
  const { administration: d } = await emergency(site, patient);
  const { administration: a } = await acknowledge(d, patient);
  assert.deepStrictEqual([a.order_id, a.acknowledged_by], ['', 'nurse-1']);
});

test('the clock runs from when it was given, and late is said', async () => {
  const patient = await site.patient();
  const { administration: d } = await emergency(site, patient, { given_at_us: minutesAgo(2) });
  assert.strictEqual(await isOpen(d), true);
  const key = site.key(), ppid_token = await site.ppid(patient);
  const answer = await acknowledge(d, patient, { ppid_token }, { key });
  assert.strictEqual(answer.late, true);
  assert.deepStrictEqual(await acknowledge(d, patient, { ppid_token }, { key }), answer);
});

test('two acknowledge at once: one does', async () => {
  const patient = await site.patient();
  const { administration: d } = await emergency(site, patient);
  const got = await Promise.allSettled([0, 1].map((n) => acknowledge(d, patient, {}, { by: site.as('nurse', { sub: `nurse-${n}` }), on: site.api('doses', { on: n ? 'dosage2' : 'dosage' }) })));
  assert.deepStrictEqual(got.map((g) => g.reason?.reason ?? 'done').sort(), ['ACKNOWLEDGED', 'done']);
  assert.strictEqual((await versions(site, d)).length, 2);
});

test('what is no emergency, another\'s order or no dose is not acknowledged', async () => {
  const at = await bedside(site);
  const { administration: ordinary } = await give(site, at);
  assert.deepStrictEqual(await failed(acknowledge(ordinary, at.patient)), ['FAILED_PRECONDITION', 'NOT_EMERGENCY']);
  assert.deepStrictEqual(await failed(acknowledge({ administration_id: nobody }, at.patient)), ['NOT_FOUND', 'ADMINISTRATION_NOT_FOUND']);
  assert.deepStrictEqual((await failed(acknowledge({ administration_id: 'x' }, at.patient)))[0], 'INVALID_ARGUMENT');

  const patient = await site.patient();
  const { administration: d } = await emergency(site, patient);
  assert.deepStrictEqual(await failed(acknowledge(d, patient, { order_id: at.order.order_id })), ['FAILED_PRECONDITION', 'ORDER_OTHER'], 'another patient\'s');
  const other = await placed(site, patient, prescription('plainin', '10 mg', { timing: { kind: 'KIND_ONCE' } }));
  assert.deepStrictEqual(await failed(acknowledge(d, patient, { order_id: other.order_id })), ['FAILED_PRECONDITION', 'ORDER_OTHER'], 'another drug\'s');
  assert.deepStrictEqual(await failed(acknowledge(d, patient, { order_id: nobody })), ['NOT_FOUND', 'ORDER_NOT_FOUND']);
  const cancelled = await placed(site, patient, ordered());
  await setState(site, cancelled, 'CANCELLED');
  assert.deepStrictEqual(await failed(acknowledge(d, patient, { order_id: cancelled.order_id })), ['FAILED_PRECONDITION', 'ORDER_STATE']);
  assert.deepStrictEqual(await failed(acknowledge(d, patient, { reason_code: 'late-round' })), ['INVALID_ARGUMENT', 'REASON_UNKNOWN']);
  assert.deepStrictEqual(await failed(acknowledge(d, patient, {}, { by: site.as('nurse', { ward: 'ward-9', sub: 'nurse-9' }), key: site.key() })), ['NOT_FOUND', 'ADMINISTRATION_NOT_FOUND']);
  await correct(site, d, { entered_in_error: true });
  assert.strictEqual(await isOpen(d), false);
  assert.deepStrictEqual(await failed(acknowledge(d, patient)), ['FAILED_PRECONDITION', 'ENTERED_IN_ERROR']);
});

test('a ward\'s open ones are listed page by page, oldest first, to who works there', async () => {
  const patient = await site.patient({ ward: 'ward-7' });
  const nurse = site.as('nurse', { ward: 'ward-7', sub: 'nurse-7' });
  const made = [];
  for (let i = 0; i < 5; i++) made.push((await emergency(site, patient, {}, { by: nurse })).administration.administration_id);
  const seen = [];
  for (let page_token = ''; ;) {
    const page = await open('ward-7', nurse, { page_size: 2, page_token });
    seen.push(...page.administrations.map((a) => a.administration_id));
    assert.ok(page.administrations.length <= 2);
    page_token = page.next_page_token;
    if (!page_token) break;
  }
  assert.deepStrictEqual(seen, made);
  assert.deepStrictEqual((await open('ward-7', 'pharmacist')).administrations.map((a) => a.administration_id), made, 'a pharmacist may see any ward');
  assert.deepStrictEqual(await failed(open('ward-7', 'nurse')), ['PERMISSION_DENIED', 'WARD_NOT_YOURS']);
  assert.deepStrictEqual(await failed(open('', 'nurse')), ['INVALID_ARGUMENT', 'INVALID_ARGUMENT']);
  assert.strictEqual((await failure(open('ward-7', nurse, { page_size: 2, page_token: 'x' }))).reason, 'PAGE_TOKEN_INVALID');
  assert.strictEqual((await failure(open('ward-7', nurse, { page_size: 999 }))).field, 'page_size');
  assert.deepStrictEqual((await open('ward-empty', site.as('nurse', { ward: 'ward-empty' }))).administrations, []);
});

