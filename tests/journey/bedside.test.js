'use strict';
// One ward's day as one story, on the sample formulary: two devices at one bedside, an emergency, a late dose, an order that is stopped and
// ordered again, a transfer and a downtime round. At its end the MAR, the audit log and the stock say the same.

const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { Site, prescription, interval, once, amount, until } = require('../contract/dosage/site');
const { setWards, getPack, read, reconcile, paper, US, nowUs } = require('../contract/dosage/cutoff');

const REPLICAS = ['dosage', 'dosage2'];
const GIVEN = 'DOSE_OUTCOME_GIVEN';

let site, patient, paracetamol, tablet;
const orders = {};
const told = []; // every administration that Ward said it recorded: {administration_id, drug_id}

before(async () => {
  site = await Site.start({ services: ['audit', 'identity', 'records', ...REPLICAS] });
  await setWards(site);
  site.notScanned = 'scanner-failed';
  paracetamol = (await site.api('formulary').call('FindDrugs', { query: 'paracetamol' }, site.tokens.nurse)).drugs.find((d) => d.id === 'paracetamol');
  tablet = paracetamol.products.find((p) => p.form === 'tablet' && p.strengths[0].amount.value === '500');
  patient = await site.patient();
});
after(() => site?.stop());

const nurse = (n, ward = 'ward-3') => site.as('nurse', { sub: `nurse-${n}`, ward });
const device = (on) => site.api('doses', { on });
const slotsOf = (order, by = nurse(1)) => site.slots(patient, { order_id: order.order_id, by });
const kept = (administration) => { told.push(administration); return administration; };
const twoTablets = () => ({ scan: tablet.gtins[0], units: '2', product_id: '' });

// A device repeats with the same key and token what Ward could not answer: a loaded machine's records may be slow.
async function giveAgain(...args) {
  const more = { ...args.pop(), key: site.key(), ppid_token: await site.ppid(patient) };
  for (;;) {
    try {
      return await site.give(...args, more);
    } catch (e) {
      if (e.code !== 'UNAVAILABLE') return e;
    }
  }
}

async function order(name, p, more = {}) {
  const overrides = (await site.check(patient, p)).findings.filter((f) => f.severity === 'SEVERITY_WARN').map((f) => ({ rule_id: f.rule_id, reason_code: 'will-monitor' }));
  const a = await site.place(patient, p, { overrides, ...more });
  assert.ok(a.placed, `${name}: ${a.open}`);
  orders[name] = a.order;
  return a.order;
}

test('two nurses on two devices give the same dose: one is recorded', async () => {
  const o = await order('first', prescription('paracetamol', '1000 mg', { timing: interval(8) }));
  await site.api('tracking').call('RecordSupply',
    { idempotency_key: site.key(), patient_id: patient.id, order_id: o.order_id, product_id: tablet.id, quantity: amount('20', '{tablet}') }, site.tokens.pharmacist);
  const [slot] = await slotsOf(o);
  const answers = await Promise.all(REPLICAS.map((on, i) => giveAgain(patient, o, slot, { on: device(on), by: nurse(i + 1), ...twoTablets() })));
  const recorded = answers.filter((a) => a.recorded);
  assert.equal(recorded.length, 1, JSON.stringify(answers.map((a) => a.reason ?? a.open ?? a.rights)));
  assert.equal(answers.find((a) => !a.recorded).reason, 'SLOT_TAKEN');
  const dose = kept(recorded[0].administration);
  assert.deepEqual(dose.rights.filter((r) => r.result !== 'RESULT_PASS').map((r) => r.right), []);
});

test('one tablet for two is stopped: the scan proves the strength', async () => {
  const o = await order('once', prescription('paracetamol', '1000 mg', { timing: once, starts_at_us: String(nowUs()) }));
  const [slot] = await slotsOf(o);
  const answer = await site.give(patient, o, slot, { by: nurse(1), scan: tablet.gtins[0], units: '1', product_id: '' });
  assert.equal(answer.recorded, false);
  assert.equal(answer.rights.find((r) => r.right === 'RIGHT_DOSE').result, 'RESULT_FAIL');
  await site.orders.call('SetState', { idempotency_key: site.key(), order_id: o.order_id, expected_version: o.version, state: 'ORDER_STATE_STOPPED', reason_code: 'ordered-twice' }, site.tokens.physician);
});

test('an emergency is given without an order, ordered and acknowledged afterwards', async () => {
  const { administration: d } = await device('dosage2').call('GiveInEmergency', {
    idempotency_key: site.key(), patient_id: patient.id, drug_id: 'furosemide', dose: amount('20', 'mg'), route: 'ROUTE_IV', reason_code: 'other-life-threat',
  }, nurse(2));
  kept(d);
  const o = await order('emergency', prescription('furosemide', '20 mg', { timing: once, route: 'ROUTE_IV', starts_at_us: d.given_at_us }));
  const { administration } = await device('dosage').call('Acknowledge',
    { idempotency_key: site.key(), administration_id: d.administration_id, order_id: o.order_id, ppid_token: await site.ppid(patient) }, site.tokens.nurse);
  assert.equal(administration.order_id, o.order_id);
  assert.equal((await slotsOf(o))[0].state, 'SLOT_STATE_GIVEN');
});

test('a late dose is given with its reason, and the next one is not given right behind it', async () => {
  const o = await order('late', prescription('amlodipine', '5 mg', { timing: interval(24), starts_at_us: String(nowUs() - 23 * US.hour + 10e6) }));
  const [late, next] = await site.slots(patient, { order_id: o.order_id, by: nurse(1), from_us: String(nowUs() - US.day), to_us: String(nowUs() + US.day) });
  const first = await site.give(patient, o, late, { by: nurse(1), time_reason: 'arrived-late' });
  assert.equal(first.recorded, true, JSON.stringify(first.open));
  kept(first.administration);
  let second;
  await until('the next slot is open', async () => {
    second = await site.give(patient, o, next, { on: device('dosage2'), by: nurse(2) }).catch(() => null);
    return second !== null;
  }, { seconds: 30 });
  assert.deepEqual([second.recorded, second.open.includes('ward.too-soon')], [false, true]);
});

test('stopped and ordered again, the dose that was given still counts', async () => {
  const old = orders.first;
  await site.orders.call('SetState', { idempotency_key: site.key(), order_id: old.order_id, expected_version: old.version, state: 'ORDER_STATE_STOPPED', reason_code: 'replaced' }, site.tokens.physician);
  const again = (more) => prescription('paracetamol', '1000 mg', { timing: interval(8), ...more });
  const refused = await site.place(patient, again());
  assert.deepEqual([refused.placed, refused.open.includes('ward.too-soon')], [false, true]);
  await order('again', again({ starts_at_us: String(nowUs() + 8 * US.hour) }));
});

test('transferred, the patient is on the new ward\'s lists and pack at once', async () => {
  const records = site.api('records');
  const query = { kind: 'KIND_ENCOUNTER', parameters: [{ name: 'patient', values: [patient.id] }] };
  const [{ resource, version }] = (await records.call('Search', query, site.tokens.registrar)).records;
  resource.encounter.location = [{ location: { reference: 'Location/ward-4' } }];
  await records.call('Update', { idempotency_key: site.key(), resource, expected_version: version.version }, site.tokens.registrar);
  const due = async (ward) => (await site.api('schedule').call('ListDue', { ward, ahead_minutes: 120 }, nurse(4, ward))).slots.some((s) => s.patient_id === patient.id);
  assert.ok(await until('the new ward has the patient', () => due('ward-4'), { seconds: 30 }));
  assert.equal(await due('ward-3'), false);
});

test('a downtime round is brought in, once, though both nurses bring it', async () => {
  const { pack } = await getPack(site, { ward: 'ward-4', by: nurse(4, 'ward-4') });
  assert.deepEqual(read(pack).patients.map((p) => p.patientId), [patient.id]);
  await Promise.all(REPLICAS.map((name) => site.ward.services[name].kill()));
  const line = paper(patient, orders.late, { given_at_us: String(nowUs()), given_by: 'nurse-4' });
  await Promise.all(REPLICAS.map((name) => site.ward.services[name].start()));
  const results = [];
  for (const on of REPLICAS) results.push(...await reconcile(site, pack, [line], { on, by: nurse(4, 'ward-4') }));
  assert.match(results[0].state, /^STATE_RECORDED/);
  assert.deepEqual([results[1].state, results[1].administration_id], ['STATE_KNOWN', results[0].administration_id]);
  kept({ administration_id: results[0].administration_id, drug_id: 'amlodipine' });
});

test('the MAR, the audit log and the stock agree', async () => {
  const by = nurse(4, 'ward-4');
  const { administrations } = await site.api('tracking').call('GetMar', { patient_id: patient.id }, by);
  const ids = (list) => list.map((d) => d.administration_id).sort();
  assert.deepEqual(ids(administrations.filter((d) => d.outcome === GIVEN)), ids(told));
  assert.equal(new Set(ids(administrations)).size, administrations.length);

  const query = { patient: patient.id, service: 'dosage', page_size: 200 };
  const acts = async () => (await site.api('audit').call('Query', query, site.tokens.auditor)).records.map((r) => r.event);
  const written = administrations.map((d) => d.event_id);
  const logged = await until('every dose is in the audit log', async () => {
    const events = await acts();
    const all = events.map((e) => e.event_id);
    return written.every((id) => all.includes(id)) && events;
  }, { seconds: 30 });
  for (const id of written) assert.equal(logged.filter((e) => e.event_id === id).length, 1, 'each once');

  const [stock] = (await site.api('tracking').call('GetSupply', { patient_id: patient.id, order_id: orders.first.order_id }, by)).supplies;
  const used = administrations.filter((d) => d.order_id === orders.first.order_id && d.outcome === GIVEN).reduce((s, d) => s + Number(d.dose.value), 0);
  assert.deepEqual([stock.supplied.value, stock.used.value, Number(stock.left.value)], ['10000', String(used), 10000 - used]);
});
