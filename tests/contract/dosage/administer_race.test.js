'use strict';
// Several at once, and again: two devices at one slot, by one replica and by two; the same call again, whole, cut and at both replicas;
// an order that is stopped meanwhile. ROUNDS=n repeats each race so often.

const test = require('node:test');
const assert = require('node:assert');
const { rounds } = require('../../lib/chance');
const { start, ordered, asNeeded, bedside, give, refused, held, emergency, taken, doses, failure, setState, correct } = require('./bedside');

let site, replicas;
test.before(async () => {
  site = await start({ services: ['audit', 'identity', 'records', 'dosage', 'dosage2'] });
  replicas = [site.api('doses'), site.api('doses', { on: 'dosage2' })];
});
test.after(() => site?.stop());

const settled = async (calls) => (await Promise.allSettled(calls)).map((r) => (r.status === 'fulfilled' ? (r.value.recorded ? 'recorded' : 'refused') : r.reason.reason));
const one = async (at) => assert.deepStrictEqual([await doses(site, at.order), await taken(site, at.order)], [1, 1]);
const nurse = (n) => site.as('nurse', { sub: `nurse-${n}` });
const events = (d) => site.rows('administration_version', `administration_id = ${site.hex(d.administration_id)}`);

const overriding = (rules) => rules.map((rule_id) => ({ rule_id, reason_code: ['ward.same-ingredient', 'ward.too-soon'].includes(rule_id) ? 'benefit' : 'specialist' }));

// An order that is placed in spite of what is found, by two people.
async function insist(patient, p) {
  const { open } = await site.place(patient, p);
  const answer = await site.place(patient, p, { overrides: overriding(open), second_person_token: site.as('pharmacist', { sub: 'pharmacist-2' }).token });
  assert.ok(answer.placed, `open: ${answer.open}`);
  return answer.order;
}

for (const [name, on] of [['one replica', [0, 0]], ['two replicas', [0, 1]]]) {
  test(`two devices at one slot by ${name}: one charts it, the other hears so`, async () => {
    for (let i = 0; i < rounds(5); i++) {
      const at = await bedside(site);
      const tokens = [await site.ppid(at.patient), await site.ppid(at.patient)];
      const got = await settled(on.map((r, n) => give(site, at, { on: replicas[r], by: nurse(n), ppid_token: tokens[n] })));
      assert.deepStrictEqual(got.sort(), ['SLOT_TAKEN', 'recorded']);
      await one(at);
    }
  });
}

// Either the given one was first, and the held one hears so; or the held one was first: then the other either looked before that, and
// hears so, or gives the dose in spite of it. What was recorded is in the chart, once each, and nothing else.
test('given and held at once: what is answered as recorded is recorded once, and a given dose has the slot', async () => {
  for (let i = 0; i < rounds(8); i++) {
    const at = await bedside(site);
    const token = await site.ppid(at.patient);
    const [given, kept] = await Promise.allSettled([give(site, at, { ppid_token: token }), give(site, at, held('HELD', { on: replicas[1], by: nurse(2) }))]);
    for (const r of [given, kept]) assert.ok(r.status === 'fulfilled' ? r.value.recorded : r.reason.reason === 'SLOT_TAKEN', JSON.stringify(r));
    const done = [kept, given].filter((r) => r.status === 'fulfilled').map((r) => r.value.administration);
    assert.ok(done.length >= 1, 'one of them is recorded');
    const { administrations } = await site.api('tracking').call('GetMar', { patient_id: at.patient.id }, site.who('nurse'));
    const short = (d) => `${d.administration_id} ${d.outcome} ${d.version}`;
    assert.deepStrictEqual(administrations.map(short).sort(), done.map(short).sort());
    assert.strictEqual(await doses(site, at.order), done.length);
    const last = done.at(-1); // the given one, if it was recorded
    assert.deepStrictEqual(done.map((d) => d.outcome.replace('DOSE_OUTCOME_', '')), [...(kept.status === 'fulfilled' ? ['HELD'] : []), ...(given.status === 'fulfilled' ? ['GIVEN'] : [])]);
    assert.ok(done.length === 1 || Number(done[0].recorded_at_us) <= Number(last.recorded_at_us), 'nothing is held behind a given dose');
    const [slot] = await site.slots(at.patient, { order_id: at.order.order_id });
    assert.deepStrictEqual([slot.administration_id, slot.state], [last.administration_id, given.status === 'fulfilled' ? 'SLOT_STATE_GIVEN' : 'SLOT_STATE_NOT_GIVEN']);
    assert.strictEqual(await taken(site, at.order), 1);
    const again = await settled([give(site, at)]);
    assert.deepStrictEqual(again, [given.status === 'fulfilled' ? 'SLOT_TAKEN' : 'recorded'], 'given once, and no more');
  }
});

test('two devices with an order as needed do not both pass its limit', async () => {
  for (let i = 0; i < rounds(5); i++) {
    const at = await bedside(site, ordered(asNeeded(1, 60)));
    const tokens = [await site.ppid(at.patient), await site.ppid(at.patient)];
    const got = await settled([0, 1].map((n) => give(site, at, { on: replicas[n], by: nurse(n), ppid_token: tokens[n] })));
    assert.deepStrictEqual(got.sort(), ['PRN_LIMIT', 'recorded']);
    assert.strictEqual(await doses(site, at.order), 1);
  }
});

test('two orders of one drug do not both pass its limit for a day', async () => {
  const p = ordered(asNeeded(1, 60));
  for (let i = 0; i < rounds(4); i++) {
    const first = await bedside(site, p);
    const { patient } = first;
    const orders = [first, { patient, order: await insist(patient, p) }];
    const { order_id } = await insist(patient, p); // what emergencies are of, so that they are of neither of the two
    for (let n = 0; n < 3; n++) { // 2400 of 3000
      const { administration: d } = await emergency(site, patient, { dose: { value: '800', unit: 'mg' } });
      await site.api('doses').call('Acknowledge', {
        idempotency_key: site.key(), administration_id: d.administration_id, order_id, ppid_token: await site.ppid(patient),
      }, site.who('nurse'));
    }
    const tokens = [await site.ppid(patient), await site.ppid(patient)];
    const { open } = await give(site, orders[0], { route: 'ROUTE_IV', by: 'physician', ppid_token: tokens[0] });
    assert.ok(!open.includes('testozin-daily-stop'), 'one alone is within it');
    const got = await settled(orders.map((at, n) => give(site, at, {
      on: replicas[n], by: site.as('physician', { sub: `physician-${n}` }), ppid_token: tokens[n], overrides: overriding(open),
      second_person_token: site.as('nurse', { sub: 'nurse-2' }).token,
    })));
    assert.deepStrictEqual(got.sort(), ['recorded', 'refused']);
    assert.strictEqual(await site.rows('administration', `patient_id = ${site.hex(patient.id)} AND counts AND NOT emergency`), 1);
  }
});

test('the same call again has the same answer, and one dose', async () => {
  const at = await bedside(site);
  const more = { key: site.key(), ppid_token: await site.ppid(at.patient) };
  const first = await give(site, at, more);
  assert.deepStrictEqual(await give(site, at, more), first);
  assert.deepStrictEqual(await give(site, at, { ...more, on: replicas[1] }), first);
  await one(at);
  assert.strictEqual(await events(first.administration), 1);
  const err = await refused(site, at, { ...more, device: 'another' });
  assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
  const other = await refused(site, at, { ...more, by: nurse(7) });
  assert.strictEqual(other.reason, 'SLOT_TAKEN', 'a key is its person\'s');
});

test('the same call at both replicas at once is one dose', async () => {
  for (let i = 0; i < rounds(5); i++) {
    const at = await bedside(site);
    const more = { key: site.key(), ppid_token: await site.ppid(at.patient) };
    const [a, b, c] = await Promise.all([replicas[0], replicas[1], replicas[0]].map((on) => give(site, at, { ...more, on })));
    assert.deepStrictEqual([b, c], [a, a]);
    await one(at);
  }
});

test('a refusal is the same again, though it would be none by now', async () => {
  const at = await bedside(site);
  const more = { key: site.key(), ppid_token: await site.ppid(at.patient), route: 'ROUTE_IV' };
  const first = await give(site, at, more);
  assert.strictEqual(first.recorded, false);
  assert.deepStrictEqual(await give(site, at, { ...more, on: replicas[1] }), first);
  await setState(site, at.order, 'STOPPED');
  assert.deepStrictEqual(await give(site, at, more), first);
});

test('an answer stays what it was when the dose was corrected', async () => {
  const at = await bedside(site);
  const more = { key: site.key(), ppid_token: await site.ppid(at.patient) };
  const first = await give(site, at, more);
  await correct(site, first.administration, { entered_in_error: true });
  assert.deepStrictEqual(await give(site, at, more), first);
  assert.strictEqual(await taken(site, at.order), 0);
});

test('a call that is cut anywhere is one dose once it is answered', async () => {
  for (let ms = 0; ms < 30; ms += 2) {
    const at = await bedside(site);
    const request = {
      idempotency_key: site.key(), patient_id: at.patient.id, order_id: at.order.order_id, slot_id: at.slot.slot_id, outcome: 'DOSE_OUTCOME_GIVEN',
      ppid_token: await site.ppid(at.patient), place: 'ward-3/bed-2', not_scanned_reason: 'scanner-broken', dose: at.order.prescription.dose,
      route: 'ROUTE_PO',
    };
    const cut = { ...site.who('nurse'), onCall: (c) => setTimeout(() => c.cancel(), ms) };
    await replicas[0].call('Administer', request, cut).catch((e) => assert.ok(['CANCELLED', 'DEADLINE_EXCEEDED'].includes(e.code), e.message));
    const answer = await replicas[1].call('Administer', request, site.who('nurse'));
    assert.strictEqual(answer.recorded, true, `cut after ${ms} ms: ${JSON.stringify([answer.rights, answer.open])}`);
    await one(at);
    assert.strictEqual(await events(answer.administration), 1);
  }
});

test('an order that is stopped meanwhile is given before, or not at all', async () => {
  for (let i = 0; i < rounds(8); i++) {
    const at = await bedside(site);
    const ppid_token = await site.ppid(at.patient);
    const [dose, stop] = await Promise.allSettled([
      give(site, at, { ppid_token, on: replicas[i % 2] }),
      setState(site, at.order, 'STOPPED', { by: 'physician', on: site.api('dosage', { on: 'dosage2' }) }),
    ]);
    assert.strictEqual(stop.status, 'fulfilled');
    if (dose.status === 'fulfilled') await one(at);
    else assert.deepStrictEqual([dose.reason.reason, await doses(site, at.order), await taken(site, at.order)], ['ORDER_STATE', 0, 0]);
    assert.strictEqual((await refused(site, at)).reason, 'ORDER_STATE');
  }
});

test('a dose that was charted keeps its order from being called an error', async () => {
  const at = await bedside(site);
  await give(site, at);
  const err = await failure(setState(site, at.order, 'ENTERED_IN_ERROR'));
  assert.ok(['ORDER_STATE', 'ORDER_HAS_DOSES'].includes(err.reason), err.reason);
});
