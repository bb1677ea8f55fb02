'use strict';
// What was given while cut off, brought in: each entry once, whoever sends it how often; what needs a person is said.

const test = require('node:test');
const assert = require('node:assert');
const { interval, once, prescription, amount, uuid, nobody } = require('./site');
const { GTIN, shared, placed, anyway, bedside, give, versions, setState, getPack, paper, loose, outage, reconcile, failure, US, nowUs } = require('./cutoff');

let site, downtime;
test.before(async () => {
  site = await shared({ audit: false });
  downtime = site.api('downtime');
});
test.after(() => site?.stop());

const plain = (timing, more = {}) => prescription('plainin', '10 mg', { timing, ...more });
const doses = (patient) => site.rows('administration', `patient_id = ${site.hex(patient.id)}`);
const read = (id) => versions(site, id).then((v) => v[0]);
// A patient with a dose that is due since three hours and a pack that says so: {patient, order, slot, pack}.
async function cutOff(p = plain(once, { starts_at_us: String(nowUs() - 3 * US.hour) })) {
  const at = await bedside(site, p);
  return { ...at, pack: (await getPack(site)).pack };
}
const line = (at, more = {}) => paper(at.patient, at.order, { slot_id: at.slot?.slot_id ?? '', given_at_us: String(nowUs() - 2.5 * US.hour), ...more });
const one = async (at, more = {}, options = {}) => (await reconcile(site, at.pack, [line(at, more)], options))[0];
const fresh = (issues) => issues.filter((i) => i !== 'before-pack'); // the pack is younger than the doses here

test('a dose by the book is recorded: whole, in its slot, with who gave it and who brought it in', async () => {
  const at = await cutOff();
  const entry = line(at, { product_id: 'plainin-tablet', scan: GTIN.otherin, second_person: 'nurse-8', given_at_us: String(Number(at.slot.due_at_us) + 1) });
  const [r] = await reconcile(site, at.pack, [entry]);
  assert.deepStrictEqual(fresh(r.issues), []);
  assert.match(r.state, /^STATE_RECORDED/);
  assert.strictEqual(r.entry_id, entry.entry_id);
  const d = await read(r.administration_id);
  const want = {
    version: 1, patient_id: at.patient.id, order_id: at.order.order_id, slot_id: at.slot.slot_id, outcome: 'DOSE_OUTCOME_GIVEN', drug_id: 'plainin',
    product_id: 'plainin-tablet', dose: amount('10', 'mg'), route: 'ROUTE_PO', given_at_us: entry.given_at_us, recorded_by: 'nurse-1', given_by: 'nurse-9',
    second_person: 'nurse-8', reconciled: true, emergency: false, entered_in_error: false, ward: 'ward-3', token_id: '', place: '',
  };
  for (const [k, v] of Object.entries(want)) assert.deepStrictEqual(d[k], v, k);
  assert.strictEqual(d.scanned.gtin, GTIN.otherin);
  assert.deepStrictEqual(d.rights.map((x) => x.result), ['NOT_CHECKED', 'PASS', 'NOT_CHECKED', 'NOT_CHECKED', 'NOT_CHECKED'].map((x) => `RESULT_${x}`));
  assert.match(d.decision_id, /./, 'it was checked');
  const slots = await site.slots(at.patient, { from_us: String(nowUs() - US.day), to_us: String(nowUs()) });
  assert.deepStrictEqual(slots.map((s) => [s.state, s.administration_id]), [['SLOT_STATE_GIVEN', r.administration_id]]);
  const events = (await site.outbox()).filter((e) => JSON.stringify(e).includes(entry.entry_id));
  assert.deepStrictEqual(events.map((e) => e.patient_id ?? e.patient), [at.patient.id]);
});

test('doses of the pack\'s own time are recorded without an issue', async () => {
  const at = await bedside(site, plain(interval(6)));
  const { pack } = await getPack(site);
  const entry = paper(at.patient, at.order, { slot_id: at.slot.slot_id, given_at_us: String(nowUs()) });
  await outage(site, at.patient);
  const [r] = await reconcile(site, pack, [entry]);
  assert.deepStrictEqual([r.state, r.issues], ['STATE_RECORDED', []]);
});

test('what was not given is recorded as that', async () => {
  const at = await cutOff();
  const r = await one(at, { outcome: 'DOSE_OUTCOME_REFUSED', reason_code: 'asleep', dose: null });
  assert.deepStrictEqual(fresh(r.issues), []);
  const d = await read(r.administration_id);
  assert.deepStrictEqual([d.outcome, d.reason_code, d.dose, d.decision_id], ['DOSE_OUTCOME_REFUSED', 'asleep', null, '']);
});

// ---- once ----

test('an entry is kept once: in one call, in another, by another pack, key, person and replica', async () => {
  const at = await cutOff();
  const entry = line(at);
  const both = await reconcile(site, at.pack, [entry, entry]);
  assert.deepStrictEqual(both.map((r) => r.state.replace('_WITH_ISSUES', '')), ['STATE_RECORDED', 'STATE_KNOWN']);
  const other = (await getPack(site)).pack;
  for (const [pack, options] of [[at.pack, {}], [other, {}], [at.pack, { on: 'dosage2' }], [other, { by: 'pharmacist' }]]) {
    const [r] = await reconcile(site, pack, [entry], options);
    assert.deepStrictEqual([r.state, r.administration_id, r.issues], ['STATE_KNOWN', both[0].administration_id, both[0].issues]);
  }
  assert.strictEqual(await doses(at.patient), 1);
});

test('the same call has the same answer; the key is no other call\'s', async () => {
  const at = await cutOff();
  const key = site.key();
  const entry = line(at);
  const first = await reconcile(site, at.pack, [entry], { key });
  const rows = await doses(at.patient);
  for (const on of ['dosage', 'dosage2']) assert.deepStrictEqual(await reconcile(site, at.pack, [entry], { key, on }), first);
  assert.strictEqual(await doses(at.patient), rows);
  assert.ok(first[0].issues.length > 0);
  const kept = await site.sql("SELECT HEX(answer) FROM ward_idempotency");
  assert.ok(!kept.some(([hex]) => Buffer.from(hex, 'hex').includes('before-pack')), 'what there is to say lies in no answer that is kept');
  const f = await failure(reconcile(site, at.pack, [line(at)], { key }));
  assert.deepStrictEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
});

test('two replicas at once, eight senders: each entry once', async () => {
  const patient = await site.patient();
  const { pack } = await getPack(site);
  const t = nowUs() - US.hour;
  const entries = Array.from({ length: 12 }, (_, i) => loose(patient, `${i + 1} mg`, t + i));
  const calls = Array.from({ length: 8 }, (_, i) => reconcile(site, pack, i % 2 ? [...entries].reverse() : entries, { on: i % 3 ? 'dosage' : 'dosage2' }));
  const answers = await Promise.all(calls);
  assert.strictEqual(await doses(patient), entries.length);
  for (const entry of entries) {
    const of = answers.map((a) => a.find((r) => r.entry_id === entry.entry_id));
    assert.strictEqual(new Set(of.map((r) => r.administration_id)).size, 1);
    assert.strictEqual(of.filter((r) => r.state !== 'STATE_KNOWN').length, 1);
  }
});

test('two papers for one slot at once: one has the slot, the other is a conflict', async () => {
  const at = await cutOff();
  const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => one(at, {}, { on: i % 2 ? 'dosage' : 'dosage2' })));
  const states = answers.map((r) => r.state);
  assert.strictEqual(states.filter((s) => s === 'STATE_CONFLICT').length, 5, String(states));
  assert.strictEqual(await doses(at.patient), 6);
  assert.strictEqual(await site.rows('slot_taken', `order_id = ${site.hex(at.order.order_id)}`), 1);
});

test('answers come in the order of the request, whatever the order of the doses', async () => {
  const patient = await site.patient();
  const { pack } = await getPack(site);
  const t = nowUs() - US.hour;
  const lines = [5, 1, 4, 2, 3].map((n) => loose(patient, `${n} mg`, t + n));
  const results = await reconcile(site, pack, lines);
  assert.deepStrictEqual(results.map((r) => r.entry_id), lines.map((l) => l.entry_id));
  assert.deepStrictEqual((await Promise.all(results.map((r) => read(r.administration_id)))).map((d) => d.dose.value), ['5', '1', '4', '2', '3']);
});

// ---- issues ----

const ISSUES = {
  'dose-other': { dose: amount('20', 'mg') },
  'route-other': { route: 'ROUTE_IV' },
  'drug-other': { drug_id: 'testozin', dose: amount('500', 'mg') },
  'drug-unknown': { drug_id: 'no-such-drug' },
  'product-unknown': { product_id: 'testozin-tablet' },
  'scan-unreadable': { scan: '1234567890123' },
  'scan-other': { scan: GTIN.testozin },
  'no-slot': { slot_id: '' },
  'no-giver': { given_by: '' },
  'second-person-same': { second_person: 'nurse-9' },
  'no-reason': { outcome: 'DOSE_OUTCOME_HELD' },
  'reason-unknown': { outcome: 'DOSE_OUTCOME_HELD', reason_code: 'because' },
};
for (const [issue, more] of Object.entries(ISSUES)) {
  test(`recorded, and said: ${issue}`, async () => {
    const at = await cutOff();
    const good = await one(at, { slot_id: '', outcome: 'DOSE_OUTCOME_HELD', reason_code: 'asleep' });
    assert.ok(!good.issues.includes(issue) || issue === 'no-slot');
    const r = await one(at, more);
    assert.strictEqual(r.state, 'STATE_RECORDED_WITH_ISSUES');
    assert.ok(r.issues.includes(issue), String(r.issues));
    assert.strictEqual(await doses(at.patient), 2);
  });
}

test('times are said: outside the window, no such slot', async () => {
  const at = await cutOff();
  const early = await one(at, { given_at_us: String(Number(at.slot.window_from_us) - 1) });
  assert.ok(early.issues.includes('out-of-window'), String(early.issues));
  const nowhere = await one(at, { slot_id: `${at.order.order_id}@${Number(at.slot.due_at_us) + 1}` });
  assert.ok(nowhere.issues.includes('slot-unknown'), String(nowhere.issues));
  assert.strictEqual((await read(nowhere.administration_id)).slot_id, '');
});

test('an order that was stopped before the dose is said; one that was stopped after it is not', async () => {
  const at = await bedside(site, plain(interval(6)));
  const { pack } = await getPack(site);
  const before = nowUs();
  await setState(site, at.order, 'STOPPED');
  const [was, is] = await reconcile(site, pack, [
    paper(at.patient, at.order, { slot_id: at.slot.slot_id, given_at_us: String(before) }), paper(at.patient, at.order, { given_at_us: String(nowUs()) }),
  ]);
  assert.ok(!was.issues.includes('order-stopped'), String(was.issues));
  assert.ok(is.issues.includes('order-stopped'), String(is.issues));
  assert.strictEqual(await doses(at.patient), 2);
});

test('orders that were none, are none any more, or had not begun are said', async () => {
  const patient = await site.patient();
  const t = nowUs();
  const wrong = await anyway(site, patient, plain(interval(6)));
  await setState(site, wrong, 'ENTERED_IN_ERROR');
  const { order: draft } = await site.place(patient, plain(interval(6)), { draft: true });
  const later = await anyway(site, patient, plain(interval(6), { starts_at_us: String(t + US.hour) }));
  const { pack } = await getPack(site);
  const results = await reconcile(site, pack, [wrong, draft, later].map((o) => paper(patient, o, { given_at_us: String(t) })));
  ['order-entered-in-error', 'order-draft', 'order-not-started'].forEach((issue, i) => assert.ok(results[i].issues.includes(issue), `${issue}: ${results[i].issues}`));
});

test('who and what the pack did not have is recorded and said', async () => {
  const { pack } = await getPack(site);
  const at = await bedside(site, plain(interval(6)));
  const entry = paper(at.patient, at.order, { slot_id: at.slot.slot_id, given_at_us: String(nowUs()) });
  await outage(site, at.patient);
  const [r] = await reconcile(site, pack, [entry]);
  assert.deepStrictEqual([r.state, r.issues], ['STATE_RECORDED_WITH_ISSUES', ['not-of-this-pack']]);
  const [without] = await reconcile(site, pack, [loose(at.patient, '3 mg', nowUs())]);
  for (const issue of ['no-order', 'not-of-this-pack', 'finding:ward.same-ingredient']) assert.ok(without.issues.includes(issue), String(without.issues));
  assert.strictEqual((await read(without.administration_id)).order_id, '');
});

test('what the check finds is said, and nothing is refused for it', async () => {
  const patient = await site.patient();
  const { pack } = await getPack(site);
  const t = nowUs() - US.hour;
  const big = (mg) => loose(patient, `${mg} mg`, t, { drug_id: 'testozin' });
  const [warn, final] = await reconcile(site, pack, [big(1100), big(6000)]);
  assert.ok(warn.issues.includes('finding:testozin-single-warn'), String(warn.issues));
  assert.ok(final.issues.includes('finding:testozin-single-final'), String(final.issues));
  const { decision } = await site.orders.call('GetDecision', { decision_id: (await read(final.administration_id)).decision_id }, site.tokens.nurse);
  assert.deepStrictEqual([decision.snapshot.purpose, decision.outcome, decision.snapshot.at_us], ['CHECK_PURPOSE_GIVE', 'OUTCOME_STOP', String(t)]);
  // Those before it in time are known to it, though they came in the same call, behind it.
  const [third, ...first] = await reconcile(site, pack, [loose(patient, '900 mg', t + 3, { drug_id: 'testozin' }), loose(patient, '900 mg', t + 1, { drug_id: 'testozin' })]);
  assert.ok(third.issues.includes('finding:testozin-daily-stop'), String(third.issues));
  assert.strictEqual(first.length, 1);
});

test('two people are missed where a drug needs them', async () => {
  const patient = await site.patient();
  const { pack } = await getPack(site);
  const alert = (more) => loose(patient, '10 mg', nowUs() - US.hour, { drug_id: 'alertin', ...more });
  const [alone, two] = await reconcile(site, pack, [alert({}), alert({ second_person: 'nurse-8' })]);
  assert.ok(alone.issues.includes('no-second-person'));
  assert.ok(!two.issues.includes('no-second-person'));
});

// ---- what cannot be recorded ----

test('what cannot be read, or is of nobody, is rejected with its reason, and not kept', async () => {
  const at = await cutOff();
  const theirs = await bedside(site, plain(interval(6)));
  const elsewhere = await site.patient({ ward: 'ward-4' });
  const bad = {
    'entry-id': { entry_id: 'x' }, 'no-patient': { patient_id: nobody }, 'order-unknown': { order_id: nobody }, 'order-other': { order_id: theirs.order.order_id, slot_id: '' },
    outcome: { outcome: 0 }, 'no-time': { given_at_us: '0' }, 'in-future': { given_at_us: String(nowUs() + US.day) }, 'dose-unreadable': { dose: amount('a few', 'mg') },
    route: { route: 99 }, slot: { slot_id: theirs.slot.slot_id }, text: { given_by: 'a\nb' },
  };
  const lines = Object.entries(bad).map(([, more]) => line(at, more));
  lines.push(line(at, { dose: null }), line(at, { patient_id: elsewhere.id, order_id: '', slot_id: '' }), line(at, { order_id: '', slot_id: '', drug_id: '' }), line(at, { slot_id: 'x' }));
  const want = [...Object.keys(bad), 'dose-unreadable', 'no-patient', 'no-drug', 'slot'];
  const results = await reconcile(site, at.pack, lines);
  results.forEach((r, i) => assert.deepStrictEqual([r.state, r.issues, r.administration_id], ['STATE_REJECTED', [want[i]], ''], want[i]));
  assert.strictEqual(await doses(at.patient), 0);
  const [again] = await reconcile(site, at.pack, [{ ...line(at), entry_id: lines[5].entry_id }]);
  assert.match(again.state, /^STATE_RECORDED/, 'put right, under the same entry');
});

test('what Reconcile refuses as a whole', async () => {
  const at = await cutOff();
  const fail = (q, by = 'nurse') => downtime.failure('Reconcile', { idempotency_key: site.key(), pack: at.pack, doses: [line(at)], ...q }, site.who(by));
  assert.deepStrictEqual(await fail({ doses: [] }).then((f) => [f.code, f.field]), ['INVALID_ARGUMENT', 'doses']);
  assert.strictEqual((await fail({ doses: Array.from({ length: 501 }, () => line(at)) })).field, 'doses');
  assert.strictEqual((await fail({ idempotency_key: '' })).field, 'idempotency_key');
  assert.strictEqual((await fail({}, 'porter')).code, 'PERMISSION_DENIED');
  assert.strictEqual(await doses(at.patient), 0);
});

test('a whole ward\'s paper at once: 500 doses', async () => {
  const people = await Promise.all(Array.from({ length: 5 }, () => site.patient()));
  const { pack } = await getPack(site);
  const t = nowUs() - 2 * US.hour;
  const lines = Array.from({ length: 500 }, (_, i) => loose(people[i % 5], '1 mg', t + i, { entry_id: uuid() }));
  const results = await reconcile(site, pack, lines);
  assert.strictEqual(results.filter((r) => /RECORDED/.test(r.state)).length, 500);
  for (const p of people) assert.strictEqual(await doses(p), 100);
});
