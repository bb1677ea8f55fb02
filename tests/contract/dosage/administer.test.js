'use strict';
// Administer: the five rights, each PASS, FAIL and NOT_CHECKED; what is refused as an error and what as an answer.

const test = require('node:test');
const assert = require('node:assert');
const { UUID, nobody, until } = require('./site');
const {
  GTIN, shared, ordered, asNeeded, minutesAgo, bedside, give, refused, right, rightsOf, second, held, emergency, versions, taken, doses, failure, setState,
  placed, interval, amount, prescription,
} = require('./bedside');

let site;
test.before(async () => { site = await shared(); });
test.after(() => site?.stop());

test('a dose that is right is recorded, with all it rests on', async () => {
  const at = await bedside(site);
  const answer = await give(site, at, { scan: `]d201${GTIN.testozin}17271130` + '10LOT7', units: '1', device: 'cart-4', place: 'ward-3/bed-2' });
  assert.strictEqual(answer.recorded, true);
  assert.deepStrictEqual(answer.open, []);
  assert.deepStrictEqual(rightsOf(answer), { PATIENT: 'PASS', DRUG: 'PASS', DOSE: 'PASS', ROUTE: 'PASS', TIME: 'PASS' });
  assert.deepStrictEqual(answer.rights.slice(0, 4).map((r) => r.evidence),
    ['ppid wristband+second-id 0.00 ward-3/bed-2', `gtin ${GTIN.testozin} lot LOT7 expires 2027-11-30`, '1 x testozin-tablet is 500 mg; 500 mg of 500 mg', 'PO of PO']);
  assert.match(answer.rights[4].evidence, /^[+-]\d+ min$/);

  const d = answer.administration;
  assert.match(d.administration_id, UUID);
  assert.strictEqual(d.version, 1);
  assert.strictEqual(d.patient_id, at.patient.id);
  assert.strictEqual(d.order_id, at.order.order_id);
  assert.strictEqual(d.order_version, 1);
  assert.strictEqual(d.slot_id, at.slot.slot_id);
  assert.strictEqual(d.outcome, 'DOSE_OUTCOME_GIVEN');
  assert.deepStrictEqual([d.drug_id, d.product_id, d.dose, d.route], ['testozin', 'testozin-tablet', amount(500, 'mg'), 'ROUTE_PO']);
  assert.deepStrictEqual([d.recorded_by, d.written_by, d.second_person], ['nurse-1', 'nurse-1', '']);
  assert.deepStrictEqual([d.method, d.place, d.device, d.ward], ['wristband+second-id', 'ward-3/bed-2', 'cart-4', 'ward-3']);
  assert.match(d.token_id, UUID);
  assert.deepStrictEqual({ ...d.scanned }, {
    kind: 'gs1', gtin: GTIN.testozin, lot: 'LOT7', expires_on: '2027-11-30', serial: '', product_id: 'testozin-tablet', units: '1', volume: null, warning: '',
    code: '', may_expire_on: '',
  });
  assert.deepStrictEqual(d.more_scanned, []);
  assert.strictEqual(d.decision_id, answer.decision.decision_id);
  assert.strictEqual(answer.decision.snapshot.purpose, 'CHECK_PURPOSE_GIVE');
  assert.deepStrictEqual(d.rights, answer.rights);

  assert.deepStrictEqual(await versions(site, d), [d]);
  const { decision } = await site.orders.call('GetDecision', { decision_id: d.decision_id }, site.who('nurse'));
  assert.deepStrictEqual(decision, answer.decision);
  assert.strictEqual(await taken(site, at.order), 1);
  const [slot] = await site.slots(at.patient);
  assert.deepStrictEqual([slot.state, slot.administration_id], ['SLOT_STATE_GIVEN', d.administration_id]);
});

test('a recorded dose is in the audit log', async () => {
  const at = await bedside(site);
  const { administration: d } = await give(site, at);
  const { receipt } = await until('in the log', () => site.api('audit').call('GetReceipt', { event_id: d.event_id }, site.who('auditor')).catch(() => null));
  assert.ok(receipt);
});

test('what a nurse cannot see in the request is refused before anybody is asked', async () => {
  const at = await bedside(site);
  const bad = async (more, code, what) => {
    const err = await refused(site, at, more);
    assert.deepStrictEqual([err.code, err.reason === err.code && err.field || err.reason], [code, what], JSON.stringify(more));
  };

  await bad({ key: '' }, 'INVALID_ARGUMENT', 'idempotency_key');
  await bad({ order_id: 'x' }, 'INVALID_ARGUMENT', 'order_id');
  await bad({ outcome: 'DOSE_OUTCOME_UNSPECIFIED' }, 'INVALID_ARGUMENT', 'outcome');
  await bad({ reason_code: 'asleep' }, 'INVALID_ARGUMENT', 'reason_code');
  await bad(held('HELD', { reason_code: '' }), 'INVALID_ARGUMENT', 'reason_code');
  await bad(held('HELD', { reason_code: 'nobody-knows' }), 'INVALID_ARGUMENT', 'REASON_UNKNOWN');
  await bad(held('HELD', { reason_code: 'late-round' }), 'INVALID_ARGUMENT', 'REASON_UNKNOWN');
  await bad({ place: 'x'.repeat(65) }, 'INVALID_ARGUMENT', 'place');
  await bad({ device: 'x'.repeat(129) }, 'INVALID_ARGUMENT', 'device');
  await bad({ dose: null }, 'INVALID_ARGUMENT', 'dose');
  await bad({ dose: amount('0', 'mg') }, 'INVALID_ARGUMENT', 'DOSE_VALUE');
  await bad({ dose: amount('one', 'mg') }, 'INVALID_ARGUMENT', 'DOSE_VALUE');
  await bad({ dose: amount('-500', 'mg') }, 'INVALID_ARGUMENT', 'DOSE_VALUE');
  await bad({ dose: amount('500', 'MG pls') }, 'INVALID_ARGUMENT', 'DOSE_UNIT');
  await bad({ dose: amount('5', 'mL') }, 'INVALID_ARGUMENT', 'DOSE_UNIT');
  await bad({ wasted: amount('x', 'mg') }, 'INVALID_ARGUMENT', 'DOSE_VALUE');
  await bad({ route: 'ROUTE_UNSPECIFIED' }, 'INVALID_ARGUMENT', 'route');
  await bad({ route: 99 }, 'INVALID_ARGUMENT', 'route');
  await bad({ not_scanned_reason: '' }, 'INVALID_ARGUMENT', 'scan');
  await bad({ not_scanned_reason: 'in-a-hurry' }, 'INVALID_ARGUMENT', 'REASON_UNKNOWN');
  await bad({ scan: 'paracetamol 500' }, 'INVALID_ARGUMENT', 'SCAN_UNREADABLE');
  await bad({ product_id: 'no-product' }, 'INVALID_ARGUMENT', 'product_id');
  await bad({ given_at_us: minutesAgo(16) }, 'INVALID_ARGUMENT', 'given_at_us');
  await bad({ given_at_us: minutesAgo(10), charted_late_reason: 'late-round' }, 'INVALID_ARGUMENT', 'charted_late_reason');
  await bad({ charted_late_reason: 'late-round' }, 'INVALID_ARGUMENT', 'charted_late_reason');
  await bad({ given_at_us: minutesAgo(241), charted_late_reason: 'late-round' }, 'INVALID_ARGUMENT', 'given_at_us');
  await bad({ given_at_us: minutesAgo(-2), charted_late_reason: 'late-round' }, 'INVALID_ARGUMENT', 'given_at_us');
  await bad({ given_at_us: minutesAgo(-2) }, 'INVALID_ARGUMENT', 'given_at_us');
  await bad({ slot_id: '' }, 'INVALID_ARGUMENT', 'slot_id');
  await bad({ slot_id: 'noon' }, 'INVALID_ARGUMENT', 'slot_id');
  await bad({ ppid_token: '' }, 'FAILED_PRECONDITION', 'PPID_NEEDED');
  await bad({ time_reason: 'nobody-knows' }, 'INVALID_ARGUMENT', 'REASON_UNKNOWN');
  await bad({ overrides: [{ rule_id: 'testozin-daily-stop', reason_code: 'nurse-knows' }] }, 'INVALID_ARGUMENT', 'OVERRIDE_UNUSED');
  assert.strictEqual(await doses(site, at.order), 0);
  assert.strictEqual((await give(site, at)).recorded, true, 'nothing of it took the slot');
});

test('an order that is another patient\'s, or none, is not found', async () => {
  const at = await bedside(site);
  const other = await bedside(site);
  const failed = async (more) => { const e = await refused(site, { ...at, ...more.at }, more.more); return [e.code, e.reason]; };
  assert.deepStrictEqual(await failed({ at: { order: other.order, slot: other.slot } }), ['NOT_FOUND', 'ORDER_NOT_FOUND']);
  assert.deepStrictEqual(await failed({ more: { order_id: nobody } }), ['NOT_FOUND', 'ORDER_NOT_FOUND']);
  assert.deepStrictEqual(await failed({ more: { patient_id: nobody } }), ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  assert.deepStrictEqual(await failed({ at: { slot: other.slot } }), ['NOT_FOUND', 'SLOT_NOT_FOUND']);
  const shifted = at.slot.slot_id.replace(/\d$/, (d) => String((Number(d) + 1) % 10));
  assert.deepStrictEqual(await failed({ more: { slot_id: shifted } }), ['NOT_FOUND', 'SLOT_NOT_FOUND']);
});

test('who may not is refused', async () => {
  const at = await bedside(site);
  const failed = async (by) => { const e = await refused(site, at, { by, ppid_token: 'x' }); return [e.code, e.reason]; };
  assert.deepStrictEqual((await failed('pharmacist'))[0], 'PERMISSION_DENIED');
  assert.deepStrictEqual((await failed('porter'))[0], 'PERMISSION_DENIED');
  assert.deepStrictEqual(await failed(site.as('nurse', { purpose: 'HRESCH' })), ['PERMISSION_DENIED', 'PURPOSE_NOT_ALLOWED']);
  assert.deepStrictEqual(await failed(site.as('nurse', { ward: 'ward-9', sub: 'nurse-9' })), ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
});

test('only an active order is given', async () => {
  for (const state of ['ON_HOLD', 'STOPPED', 'CANCELLED']) {
    const at = await bedside(site);
    await setState(site, at.order, state);
    const err = await refused(site, at);
    assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'ORDER_STATE'], state);
  }
});

test('RIGHT_DRUG: by barcode, by name, another drug, another product', async () => {
  const at = await bedside(site);
  const drug = async (more) => right(await give(site, at, more), 'DRUG');
  assert.strictEqual(await drug({ scan: `01${GTIN.alertin}` }), 'FAIL another-product');
  assert.strictEqual(await drug({ scan: GTIN.nobodys }), 'FAIL unknown-product');
  assert.strictEqual(await drug({ scan: `(01)${GTIN.testozin}(17)260131` }), 'FAIL expired');
  assert.strictEqual(await drug({ product_id: 'alertin-tablet' }), 'FAIL another-product');
  assert.strictEqual(await drug({ scan: GTIN.testozin, product_id: 'testozin-250' }), 'FAIL another-product');
  assert.strictEqual(await doses(site, at.order), 0);
  assert.strictEqual(await taken(site, at.order), 0);

  const unknown = await give(site, at, { scan: GTIN.nobodys, not_scanned_reason: 'scanner-broken', product_id: 'testozin-tablet' });
  assert.strictEqual(right(unknown, 'DRUG'), 'NOT_CHECKED scanner-broken');
  assert.strictEqual(unknown.recorded, true);
  const named = await give(site, await bedside(site), { product_id: 'testozin-250' });
  assert.strictEqual(right(named, 'DRUG'), 'NOT_CHECKED scanner-broken');
  assert.strictEqual(named.administration.product_id, 'testozin-250');
  const one = await bedside(site, ordered({ product_id: 'testozin-tablet' }));
  assert.strictEqual(right(await give(site, one, { scan: GTIN.testozin250 }), 'DRUG'), 'FAIL another-product');
  assert.strictEqual((await give(site, one, { scan: GTIN.testozin })).recorded, true);
});

test('RIGHT_DOSE: exactly what was ordered, in whatever unit', async () => {
  const dose = async (more, p) => right(await give(site, await bedside(site, p), more), 'DOSE');
  assert.strictEqual(await dose({ dose: amount('0.5', 'g'), scan: GTIN.testozin, units: '1' }), 'PASS');
  assert.strictEqual(await dose({ dose: amount('500.0', 'mg'), scan: GTIN.testozin250, units: '2' }), 'PASS');
  assert.strictEqual(await dose({ dose: amount('0.5', 'g') }), 'NOT_CHECKED scanner-broken', 'the word of the device alone');
  assert.strictEqual(await dose({ dose: amount(1, '{tablet}'), scan: GTIN.testozin }), 'PASS');
  assert.strictEqual(await dose({ dose: amount(2, '{tablet}'), scan: GTIN.testozin250 }), 'PASS');
  assert.strictEqual(await dose({ dose: amount(1, '{tablet}'), scan: GTIN.testozin250 }), 'FAIL less');
  assert.strictEqual(await dose({ dose: amount(2, '{tablet}'), scan: GTIN.testozin }), 'FAIL more');
  assert.strictEqual(await dose({ dose: amount('500.000001', 'mg') }), 'FAIL more');
  assert.strictEqual(await dose({ dose: amount('5000', 'mg') }), 'FAIL more');
  assert.strictEqual(await dose({ dose: amount('499', 'mg') }), 'FAIL less');
  assert.strictEqual(await dose({ dose: amount(500, 'mg') }, ordered({ dose: amount(1, '{tablet}'), product_id: 'testozin-tablet' })), 'NOT_CHECKED scanner-broken');
});

test('PARTIAL is less than ordered, and says why', async () => {
  const partial = { outcome: 'DOSE_OUTCOME_PARTIAL', reason_code: 'asleep' };
  const at = await bedside(site);
  assert.strictEqual(right(await give(site, at, partial), 'DOSE'), 'FAIL not-partial');
  assert.strictEqual(right(await give(site, at, { ...partial, dose: amount(600, 'mg') }), 'DOSE'), 'FAIL more');
  const answer = await give(site, at, { ...partial, dose: amount(1, '{tablet}'), wasted: amount(250, 'mg'), scan: GTIN.testozin250 });
  assert.strictEqual(answer.recorded, true);
  assert.deepStrictEqual(answer.administration.dose, amount(1, '{tablet}'));
  assert.deepStrictEqual(answer.administration.wasted, amount(250, 'mg'));
  assert.deepStrictEqual(answer.decision.snapshot.giving, amount(250, 'mg'), 'the check was of what is given');
  assert.strictEqual(answer.administration.reason_code, 'asleep');
});

test('RIGHT_ROUTE: another way in is refused', async () => {
  const at = await bedside(site);
  const answer = await give(site, at, { route: 'ROUTE_IV' });
  assert.strictEqual(answer.recorded, false);
  assert.strictEqual(right(answer, 'ROUTE'), 'FAIL another-route');
  assert.strictEqual(answer.rights[3].evidence, 'IV of PO');
  assert.strictEqual(right(answer, 'PATIENT'), 'NOT_CHECKED token-not-spent');
});

test('RIGHT_TIME: early is an error, late fails without a reason', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, ordered({ timing: interval(6) }));
  const slots = await site.slots(patient, { to_us: String((Date.now() + 864e5) * 1000), from_us: minutesAgo(60) });
  const err = await refused(site, { patient, order, slot: slots[1] });
  assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'SLOT_EARLY']);

  const late = await bedside(site, ordered({ starts_at_us: minutesAgo(180) }));
  const without = await give(site, late);
  assert.strictEqual(without.recorded, false);
  assert.strictEqual(right(without, 'TIME'), 'FAIL late');
  assert.match(without.rights[4].evidence, /^\+180 min$/);
  const answer = await give(site, late, { time_reason: 'late-round' });
  assert.strictEqual(answer.recorded, true);
  assert.strictEqual(right(answer, 'TIME'), 'PASS late-round');
});

test('a time that was said is kept', async () => {
  const at = await bedside(site);
  const given_at_us = minutesAgo(10);
  const { administration: d } = await give(site, at, { given_at_us });
  assert.strictEqual(d.given_at_us, given_at_us);
  assert.ok(Number(d.recorded_at_us) > Number(given_at_us) + 500e6);
});

test('held, refused and wasted take the slot, need no token, and count for nothing', async () => {
  for (const outcome of ['HELD', 'REFUSED', 'WASTED']) {
    const at = await bedside(site);
    const { recorded, administration: d, rights, decision } = await give(site, at, held(outcome, { wasted: amount(500, 'mg') }));
    assert.strictEqual(recorded, true);
    assert.deepStrictEqual([d.outcome, d.reason_code, d.dose, d.token_id, decision], [`DOSE_OUTCOME_${outcome}`, 'asleep', null, '', null]);
    assert.ok(rights.every((r) => r.result === 'RESULT_NOT_CHECKED' && r.reason_code === 'not-given'));
    assert.strictEqual(await site.rows('administration', `order_id = ${site.hex(at.order.order_id)} AND counts`), 0);
    const err = await refused(site, at, held(outcome)); // given it can be, still: slot_rest.test.js
    assert.deepStrictEqual([err.code, err.reason], ['ALREADY_EXISTS', 'SLOT_TAKEN']);
    assert.strictEqual(await taken(site, at.order), 1);
  }
});

test('a slot is charted once', async () => {
  const at = await bedside(site);
  assert.strictEqual((await give(site, at)).recorded, true);
  for (const more of [{}, held('HELD')]) {
    const err = await refused(site, at, more);
    assert.deepStrictEqual([err.code, err.reason], ['ALREADY_EXISTS', 'SLOT_TAKEN']);
  }
  assert.strictEqual(await doses(site, at.order), 1);
});

test('as needed: no more than the order allows, and not too soon', async () => {
  const soon = await bedside(site, ordered(asNeeded(4, 60)));
  assert.strictEqual((await refused(site, soon, { slot_id: `${soon.order.order_id}@${Date.now() * 1000}` })).field, 'slot_id');
  assert.strictEqual(right(await give(site, soon), 'TIME'), 'PASS');
  const err = await refused(site, soon);
  assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'PRN_LIMIT']);
  assert.strictEqual((await give(site, soon, held('REFUSED'))).recorded, true, 'what is not given needs no interval');

  const many = await bedside(site, ordered({ ...asNeeded(2, 1), dose: amount(100, 'mg'), starts_at_us: minutesAgo(30) }));
  for (const ago of [14, 8]) assert.strictEqual((await give(site, many, { given_at_us: minutesAgo(ago) })).recorded, true);
  assert.strictEqual((await refused(site, many)).reason, 'PRN_LIMIT');
  assert.strictEqual(await doses(site, many.order), 2);
});

test('what the check finds at the bedside stands in the way, until it is overridden as it must be', async () => {
  const at = await bedside(site);
  for (let i = 0; i < 3; i++) await emergency(site, at.patient, { dose: amount(1000, 'mg') });
  const stop = await give(site, at);
  assert.strictEqual(stop.recorded, false);
  assert.deepStrictEqual(stop.open, ['testozin-daily-stop']);
  assert.strictEqual(right(stop, 'PATIENT'), 'NOT_CHECKED token-not-spent');
  assert.strictEqual(stop.administration, null);
  const { decision } = await site.orders.call('GetDecision', { decision_id: stop.decision.decision_id }, site.who('nurse'));
  assert.strictEqual(decision.outcome, 'OUTCOME_STOP');

  const overrides = [{ rule_id: 'testozin-daily-stop', reason_code: 'specialist' }];
  assert.strictEqual((await refused(site, at, { overrides })).reason, 'OVERRIDE_ROLE', 'a nurse may not');
  const alone = await give(site, at, { overrides, by: 'physician' });
  assert.strictEqual(alone.recorded, false);
  const answer = await give(site, at, { overrides, by: 'physician', second_person_token: second(site, 'pharmacist') });
  assert.strictEqual(answer.recorded, true);
  assert.strictEqual(answer.administration.second_person, 'pharmacist-second');
  assert.deepStrictEqual(answer.decision.overrides, overrides);
});

test('a warning the prescriber overrode is not asked of the nurse again', async () => {
  const p = ordered({ dose: amount(1100, 'mg') });
  const at = await bedside(site, p, { overrides: [{ rule_id: 'testozin-single-warn', reason_code: 'benefit' }] });
  const answer = await give(site, at);
  assert.strictEqual(answer.recorded, true);
  assert.deepStrictEqual(answer.decision.findings.map((f) => f.rule_id), ['testozin-single-warn']);
});

test('a hard stop that two overrode when it was ordered needs two at the bedside, and no reason again', async () => {
  const p = prescription('lifozin', '2500 mg', { timing: { kind: 'KIND_ONCE' } });
  const at = await bedside(site, p, { overrides: [{ rule_id: 'lifozin-life', reason_code: 'specialist' }], second_person_token: second(site, 'pharmacist') });
  const alone = await give(site, at);
  assert.deepStrictEqual([alone.recorded, alone.open], [false, ['lifozin-life']]);
  const answer = await give(site, at, { second_person_token: second(site) });
  assert.deepStrictEqual([answer.recorded, answer.open, answer.administration?.second_person], [true, [], 'nurse-second']);
});

test('high-alert medicines need two people, and the right ones', async () => {
  const at = await bedside(site, prescription('alertin', '10 mg', { timing: { kind: 'KIND_ONCE' } }));
  const failed = async (second_person_token) => { const e = await refused(site, at, { second_person_token }); return [e.code, e.reason]; };
  assert.deepStrictEqual(await failed(''), ['FAILED_PRECONDITION', 'SECOND_PERSON_NEEDED']);
  const wrong = ['PERMISSION_DENIED', 'SECOND_PERSON_REFUSED'];
  assert.deepStrictEqual(await failed(site.tokens.nurse.token), wrong, 'the caller');
  assert.deepStrictEqual(await failed(site.as('physician', { sub: 'nurse-1' }).token), wrong, 'the caller in another role');
  assert.deepStrictEqual(await failed(second(site, 'porter')), wrong, 'no clinician');
  assert.deepStrictEqual(await failed(second(site, 'registrar')), wrong, 'no clinician');
  assert.deepStrictEqual(await failed('garbage'), wrong);
  assert.deepStrictEqual(await failed(second(site, 'nurse', { lifetime: -60 })), wrong, 'expired');
  assert.deepStrictEqual(await failed(`${second(site).slice(0, -4)}AAAA`), wrong, 'forged');
  assert.strictEqual(await doses(site, at.order), 0);
  assert.strictEqual((await give(site, at, held('HELD'))).recorded, true, 'one is enough not to give it');
  for (const role of ['nurse', 'physician', 'pharmacist']) {
    const one = await bedside(site, prescription('alertin', '10 mg', { timing: { kind: 'KIND_ONCE' } }));
    const { administration: d } = await give(site, one, { second_person_token: second(site, role), scan: GTIN.alertin });
    assert.strictEqual(d.second_person, `${role}-second`);
  }
});

test('a drip is given at the rate that was ordered', async () => {
  const drip = () => bedside(site, { drug_id: 'dripin', dose: amount(10, 'mg/h'), route: 'ROUTE_IVINF', timing: { kind: 'KIND_CONTINUOUS' }, ends_at_us: minutesAgo(-600) });
  const at = await drip();
  assert.strictEqual(right(await give(site, at, { dose: amount(11, 'mg/h') }), 'DOSE'), 'FAIL more');
  assert.strictEqual((await refused(site, at, { dose: amount(10, 'mg') })).reason, 'DOSE_UNIT');
  assert.strictEqual(right(await give(site, at, { dose: amount('0.01', 'g/h') }), 'DOSE'), 'NOT_CHECKED rate-of-pump');
});

test('a dose that is not there is not found', async () => {
  const err = await failure(versions(site, nobody));
  assert.deepStrictEqual([err.code, err.reason], ['NOT_FOUND', 'ADMINISTRATION_NOT_FOUND']);
  const at = await bedside(site);
  const { administration: d } = await give(site, at);
  const other = await failure(versions(site, d, site.as('nurse', { ward: 'ward-9', sub: 'nurse-9' })));
  assert.deepStrictEqual([other.code, other.reason], ['NOT_FOUND', 'ADMINISTRATION_NOT_FOUND']);
});
