'use strict';
// What the bedside must not let through: doses that nobody is due, findings that are worse than what was overridden, an emergency's
// dose given once more by its order.

const test = require('node:test');
const assert = require('node:assert');
const { until, once, Site } = require('./site');
const {
  GTIN, bedsideSet, ordered, asNeeded, minutesAgo, bedside, give, held, second, emergency, correct, taken, doses, failure, setState, placed, interval, amount, prescription,
} = require('./bedside');
const { change } = require('./ordering');

const HOUR_US = 3600e6;
let site;
test.before(async () => {
  const rules = bedsideSet();
  const rule = { id: 'plainin-daily', version: 1, severity: 'SEVERITY_WARN', source: 'made up for tests', reviewed_on: '2026-11-21' };
  rules.dose_rules.push({ rule, ingredient: 'plainin', max_daily: amount(100, 'mg') });
  site = await Site.shared({ rules });
});
test.after(() => site?.stop());

const failed = async (promise) => { const e = await failure(promise); return [e.code, e.reason === e.code && e.field || e.reason]; };
const late = { time_reason: 'late-round' };
const slotAt = (order, due) => ({ slot_id: `${order.order_id}@${due}` });
const listed = (patient, order, more = {}) => site.slots(patient, { order_id: order.order_id, ...more });

test('only a dose that ListSlots shows is given', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, ordered({ timing: interval(6), starts_at_us: minutesAgo(18 * 60 + 30) }));
  const from = Number(order.prescription.starts_at_us);
  const shown = (await listed(patient, order, { to_us: minutesAgo(0) })).map((s) => s.slot_id);
  assert.deepStrictEqual(shown, [slotAt(order, from + 18 * HOUR_US).slot_id]);
  for (const n of [0, 1, 2]) assert.deepStrictEqual(await failed(give(site, { patient, order, slot: slotAt(order, from + n * 6 * HOUR_US) }, late)), ['NOT_FOUND', 'SLOT_NOT_FOUND']);
  assert.strictEqual((await give(site, { patient, order, slot: { slot_id: shown[0] } }, late)).recorded, true);
  assert.strictEqual(await doses(site, order), 1);
});

test('a dose of a time when the order was on hold is not given, but may be charted as not given', async () => {
  const at = await bedside(site, ordered({ timing: interval(6) }));
  const onHold = (await setState(site, at.order, 'ON_HOLD')).order;
  const order = (await setState(site, onHold, 'ACTIVE')).order;
  const [slot] = await listed(at.patient, order);
  assert.deepStrictEqual([slot.slot_id, slot.state], [at.slot.slot_id, 'SLOT_STATE_SKIPPED']);
  assert.deepStrictEqual(await failed(give(site, { ...at, order })), ['FAILED_PRECONDITION', 'SLOT_OVER']);
  assert.strictEqual(await taken(site, order), 0);
  assert.strictEqual((await give(site, { ...at, order }, held('HELD'))).recorded, true);
});

test('a change makes no second dose of the one that was given', async () => {
  const at = await bedside(site, ordered({ timing: interval(6) }));
  assert.strictEqual((await give(site, at)).recorded, true);
  const starts = Number(at.order.prescription.starts_at_us) + 1000; // before the change is made
  const { order } = await change(site, at.order, ordered({ timing: interval(6), starts_at_us: String(starts) }));
  const due = slotAt(order, starts);
  assert.ok(!(await listed(at.patient, order)).some((s) => s.slot_id === due.slot_id));
  assert.deepStrictEqual(await failed(give(site, { ...at, order, slot: due })), ['NOT_FOUND', 'SLOT_NOT_FOUND']);
  assert.strictEqual(await doses(site, order), 1);
});

test('a dose that was due before a change is given by what the order says now', async () => {
  const at = await bedside(site, ordered({ timing: interval(6) }));
  const { order } = await change(site, at.order, prescription('testozin', '250 mg', { timing: interval(6), starts_at_us: minutesAgo(-300) }));
  const [slot] = await listed(at.patient, order);
  assert.deepStrictEqual([slot.slot_id, slot.state], [at.slot.slot_id, 'SLOT_STATE_DUE']);
  assert.strictEqual((await give(site, { ...at, order, slot }, { dose: amount(500, 'mg') })).recorded, false);
  assert.strictEqual((await give(site, { ...at, order, slot })).recorded, true);
});

test('a dose of a window that has ended is not given', async () => {
  const patient = await site.patient();
  // Of the one that was due 26 hours ago nothing is left: a window ends 24 hours behind.
  const order = await placed(site, patient, ordered({ starts_at_us: minutesAgo(26 * 60) }));
  const slot = slotAt(order, order.prescription.starts_at_us);
  assert.deepStrictEqual(await failed(give(site, { patient, order, slot }, late)), ['FAILED_PRECONDITION', 'SLOT_OVER']);
  assert.strictEqual(await doses(site, order), 0);
});

// ---- what was overridden when it was ordered ----

// 40 mg every six hours, where 100 mg a day are the most.
const overLimit = async () => bedside(site, prescription('plainin', '40 mg', { timing: interval(6) }), { overrides: [{ rule_id: 'plainin-daily', reason_code: 'benefit' }] });

test('a limit that was overridden is asked about again when it is passed further', async () => {
  assert.strictEqual((await give(site, await overLimit())).recorded, true, 'no further: nothing is asked');

  const soon = { rule_id: 'ward.too-soon', reason_code: 'nurse-knows' }; // an emergency's dose is never what was decided about
  const within = await overLimit();
  await emergency(site, within.patient, { drug_id: 'plainin', dose: amount(120, 'mg') });
  assert.strictEqual((await give(site, within, { overrides: [soon] })).recorded, true, '160 mg, as was decided about');

  const at = await overLimit();
  await emergency(site, at.patient, { drug_id: 'plainin', dose: amount(121, 'mg') });
  const worse = await give(site, at, { overrides: [soon] });
  assert.deepStrictEqual([worse.recorded, worse.open], [false, ['plainin-daily']]);
  assert.strictEqual((await give(site, at, { overrides: [soon, { rule_id: 'plainin-daily', reason_code: 'nurse-knows' }] })).recorded, true);
});

// Of two ingredients, ordered over an allergy to one of them.
async function overAllergy() {
  const patient = await site.patient({ allergies: null });
  await site.allergy(patient.id, { text: 'testozin' });
  const order = await placed(site, patient, prescription('duozin', '500 mg', { timing: once }),
    { overrides: [{ rule_id: 'ward.allergy', reason_code: 'specialist' }], second_person_token: second(site, 'pharmacist') });
  const [slot] = await site.slots(patient, { order_id: order.order_id });
  return { patient, order, slot };
}

test('an allergy that was overridden is not one to something else', async () => {
  assert.strictEqual((await give(site, await overAllergy(), { second_person_token: second(site) })).recorded, true, 'the same: the second person is enough');

  const at = await overAllergy();
  await site.allergy(at.patient.id, { text: 'otherin' });
  const p = at.order.prescription;
  await until('the chart has it', async () => (await site.check(at.patient, p)).findings.filter((f) => f.rule_id === 'ward.allergy').length === 2);
  const answer = await give(site, at, { second_person_token: second(site) });
  assert.deepStrictEqual([answer.recorded, answer.open], [false, ['ward.allergy']]);
  assert.strictEqual(await doses(site, at.order), 0);
});

test('one more allergy to the same is another one', async () => {
  const at = await overAllergy();
  await site.allergy(at.patient.id, { text: 'testozin' });
  await until('the chart has it', async () => (await site.check(at.patient, at.order.prescription)).findings.some((f) => f.rule_id === 'ward.allergy' && f.about.length === 2));
  const answer = await give(site, at, { second_person_token: second(site) });
  assert.deepStrictEqual([answer.recorded, answer.open], [false, ['ward.allergy']]);
});

// ---- an emergency and its order ----

const acknowledge = async (d, patient, more = {}, by = 'nurse') => site.api('doses').call('Acknowledge', {
  idempotency_key: site.key(), administration_id: d.administration_id, ppid_token: await site.ppid(patient), ...more,
}, site.who(by));

test('an emergency acknowledged for an order is the dose that was due', async () => {
  for (const timing of [once, interval(6)]) {
    const patient = await site.patient();
    const { administration: d } = await emergency(site, patient);
    const starts = timing === once ? minutesAgo(-1) : minutesAgo(0);
    const order = await placed(site, patient, ordered({ timing, starts_at_us: starts }));
    const shown = await listed(patient, order, { from_us: minutesAgo(24 * 60), to_us: minutesAgo(-24 * 60) });
    const { administration: a } = await acknowledge(d, patient, { order_id: order.order_id });
    const slot = shown.find((s) => s.slot_id === a.slot_id);
    assert.ok(slot, 'it has one of the slots');
    const [now] = (await listed(patient, order, { from_us: minutesAgo(24 * 60), to_us: minutesAgo(-24 * 60) })).filter((s) => s.slot_id === slot.slot_id);
    assert.deepStrictEqual([now.state, now.administration_id], ['SLOT_STATE_GIVEN', d.administration_id]);
    assert.deepStrictEqual(await failed(give(site, { patient, order, slot })), ['ALREADY_EXISTS', 'SLOT_TAKEN']);
    assert.strictEqual(await doses(site, order), 1);
  }
});

test('a slot that was charted stays what it is', async () => {
  const at = await bedside(site);
  assert.strictEqual((await give(site, at, held('HELD'))).recorded, true);
  const { administration: d } = await emergency(site, at.patient);
  const { administration: a } = await acknowledge(d, at.patient, { order_id: at.order.order_id });
  assert.deepStrictEqual([a.order_id, a.slot_id], [at.order.order_id, '']);
  assert.deepStrictEqual(await failed(give(site, at)), ['ALREADY_EXISTS', 'SLOT_TAKEN'], 'what was ordered once was given');
});

test('an emergency taken back leaves its order\'s dose due', async () => {
  const at = await bedside(site);
  const { administration: d } = await emergency(site, at.patient);
  const { administration: a } = await acknowledge(d, at.patient, { order_id: at.order.order_id });
  assert.strictEqual(a.slot_id, at.slot.slot_id);
  await correct(site, a, { entered_in_error: true });
  assert.strictEqual((await give(site, at)).recorded, true);
});

test('an emergency that no order has yet counts for what is given as needed', async () => {
  for (const as of [asNeeded(1, 1), asNeeded(9, 240)]) {
    const at = await bedside(site, ordered({ ...as, starts_at_us: minutesAgo(20) }));
    await emergency(site, at.patient, { drug_id: 'plainin', dose: amount(10, 'mg') });
    const { administration: d } = await emergency(site, at.patient, { drug_id: 'duozin', given_at_us: minutesAgo(10) });
    assert.deepStrictEqual(await failed(give(site, at)), ['FAILED_PRECONDITION', 'PRN_LIMIT']);
    await correct(site, d, { entered_in_error: true });
    assert.strictEqual((await give(site, at)).recorded, true, 'one of another drug, and one taken back, do not');
  }
});

test('who gave a high-alert medicine alone does not acknowledge it alone', async () => {
  const said = { drug_id: 'alertin', dose: amount(10, 'mg') };
  for (const more of [said, { scan: GTIN.alertin }]) {
    const patient = await site.patient();
    const { administration: d } = await emergency(site, patient, more);
    assert.deepStrictEqual(await failed(acknowledge(d, patient)), ['FAILED_PRECONDITION', 'SECOND_PERSON_NEEDED']);
    const { administration: a } = await acknowledge(d, patient, {}, site.as('nurse', { sub: 'nurse-2' }));
    assert.deepStrictEqual([a.recorded_by, a.acknowledged_by], ['nurse-1', 'nurse-2']);
  }
});

// ---- the same key again ----

test('who may not see the patient any more gets no answer of before', async () => {
  const at = await bedside(site);
  const gone = site.as('nurse', { ward: 'ward-9' });
  const key = site.key(), ppid_token = await site.ppid(at.patient);
  const first = await give(site, at, { key, ppid_token });
  assert.deepStrictEqual(await failed(give(site, at, { key, ppid_token, by: gone })), ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  const kept = await give(site, at, { key, ppid_token });
  assert.deepStrictEqual(kept, first, 'who may still does');

  const emergencyKey = site.key();
  const done = await emergency(site, at.patient, {}, { key: emergencyKey });
  assert.deepStrictEqual(await failed(emergency(site, at.patient, {}, { key: emergencyKey, by: gone })), ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  assert.deepStrictEqual(await emergency(site, at.patient, {}, { key: emergencyKey }), done);
});

test('a token that was spent for nothing, as by who lost a race to a slot, is no misuse when it comes again', async () => {
  const at = await bedside(site);
  const spent = () => site.rows('token_misuse', `kind = 'spent'`);
  const before = await spent();
  const token = await site.ppid(at.patient);
  await site.api('identity').call('SpendToken', { idempotency_key: site.key(), token, subject_id: at.patient.id, purpose: 'administration' }, site.who('nurse'));
  assert.deepStrictEqual(await failed(give(site, at, { ppid_token: token })), ['ALREADY_EXISTS', 'PPID_SPENT']);
  assert.strictEqual(await spent(), before);

  const ppid_token = await site.ppid(at.patient);
  assert.strictEqual((await give(site, at, { ppid_token })).recorded, true);
  const { administration: d } = await emergency(site, at.patient);
  assert.deepStrictEqual(await failed(acknowledge(d, at.patient, { ppid_token })), ['ALREADY_EXISTS', 'PPID_SPENT']);
  assert.strictEqual(await spent(), before + 1, 'one that a dose was recorded with is');
});

// ---- corrections ----

test('a dose is corrected by the order it was given by, though that was changed since', async () => {
  const at = await bedside(site, ordered({ timing: interval(6) }));
  const { administration: d } = await give(site, at);
  await change(site, at.order, prescription('testozin', '400 mg', { timing: interval(6), starts_at_us: minutesAgo(-300) }));
  const { administration: c } = await correct(site, d, { dose: amount(100, 'mg') });
  assert.deepStrictEqual([c.outcome, c.rights[2].evidence], ['DOSE_OUTCOME_PARTIAL', '100 mg of 500 mg']);
});

test('corrections one after another move a dose no further than one', async () => {
  const at = await bedside(site, ordered({ timing: interval(6) }));
  const { administration: d } = await give(site, at);
  const back = (n) => ({ given_at_us: String(Number(d.given_at_us) - n * HOUR_US), second_person_token: second(site) });
  const { administration: c } = await correct(site, d, back(20));
  assert.deepStrictEqual(await failed(correct(site, c, back(30))), ['INVALID_ARGUMENT', 'given_at_us']);
  assert.strictEqual((await correct(site, c, back(23))).administration.version, 3);
});

test('what was thrown away is an amount of the drug', async () => {
  const at = await bedside(site);
  const wasted = amount(5, 'mL');
  assert.deepStrictEqual(await failed(give(site, at, { wasted })), ['INVALID_ARGUMENT', 'DOSE_UNIT']);
  assert.deepStrictEqual(await failed(give(site, at, held('WASTED', { wasted }))), ['INVALID_ARGUMENT', 'DOSE_UNIT']);
  const { administration: d } = await give(site, at, { scan: GTIN.testozin, wasted: amount(1, '{tablet}') });
  assert.deepStrictEqual(await failed(correct(site, d, { wasted })), ['INVALID_ARGUMENT', 'DOSE_UNIT']);
  assert.deepStrictEqual((await correct(site, d, { wasted: amount(2, '{tablet}') })).administration.wasted, amount(2, '{tablet}'));
});

test('nothing is given to who was erased', async () => {
  const at = await bedside(site);
  const { administration: d } = await emergency(site, at.patient);
  await site.api('dosageadmin').call('ErasePatient', { idempotency_key: site.key(), patient_id: at.patient.id, reason_code: 'patient-request' }, site.who('privacy-officer'));
  assert.deepStrictEqual(await failed(emergency(site, at.patient)), ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  assert.strictEqual((await failed(give(site, at)))[0], 'NOT_FOUND');
  assert.deepStrictEqual(await failed(correct(site, d, { entered_in_error: true })), ['NOT_FOUND', 'ADMINISTRATION_NOT_FOUND']);
  assert.deepStrictEqual(await failed(acknowledge(d, at.patient)), ['NOT_FOUND', 'ADMINISTRATION_NOT_FOUND']);
});
