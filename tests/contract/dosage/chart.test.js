'use strict';
// The chart that checks are made of: what of it counts, who may see it, and that what changes in records is soon known here. Times
// out of the way: WARD_ACCESS_S is an hour, so that nothing here is right because a grant ran out.

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { chart, nobody, until, uuid } = require('./site');
const { start, harmless, placed } = require('./ordering');

let site, second;

before(async () => {
  site = await start({
    services: ['audit', 'identity', 'records', 'dosage', 'dosage2'],
    env: { dosage: { WARD_ACCESS_S: '3600' }, dosage2: { WARD_ACCESS_S: '3600' } },
  });
  second = site.api('dosage', { on: 'dosage2' });
});
after(() => site?.stop());

const SNOMED = 'http://snomed.info/sct';
const facts = async (patient, more = {}) => (await site.check(patient, harmless(), more)).snapshot.facts;
const weightsOf = (f) => f.weights.map((m) => `${m.quantity.value} ${m.quantity.unit}`);
const values = (list) => list.map((m) => `${m.quantity.value} ${m.quantity.unit}`);
const refused = async (method, request, by = 'physician', on = site.orders) => {
  const f = await on.failure(method, request, site.who(by));
  return `${f.code} ${f.reason}`;
};
// Charts asked for on a replica, by where they came from.
async function reads(name = 'dosage') {
  const { text } = await site.ward.services[name].admin('/metrics');
  const of = (from) => Number(new RegExp(`^ward_dosage_chart_reads_total{from="${from}"} (\\S+)`, 'm').exec(text)?.[1] ?? 0);
  return { kept: of('cached'), records: of('records'), stale: of('stale') };
}
const bare = (more = {}) => site.charted(uuid(), { weight: null, height: null, allergies: null, ...more });

// ---- what counts ----

test('the person, their ward and their measurements come with their records, newest first, three of each', async () => {
  const p = await bare({ birth_date: '1949-08', gender: 'ADMINISTRATIVE_GENDER_FEMALE' });
  const ids = [];
  for (const [kg, hoursAgo] of [['71', 30], ['70.50', 20], ['69', 40], ['68', 50]]) ids.push(await site.measure(p.id, '29463-7', `${kg} kg`, { hoursAgo }));
  await site.measure(p.id, '8302-2', '5.5 [ft_i]', { hoursAgo: 1 });
  await site.measure(p.id, '2160-0', '1.10 mg/dL', { hoursAgo: 3 });
  await site.measure(p.id, '14682-9', '97 umol/L', { hoursAgo: 2 });
  await site.measure(p.id, '62238-1', '55 mL/min/{1.73_m2}', { hoursAgo: 2 });
  const f = await facts(p);
  assert.deepEqual([f.state, f.birth_date, f.sex, f.ward], ['CHART_STATE_CURRENT', '1949-08', 'SEX_FEMALE', 'ward-3']);
  assert.deepEqual(weightsOf(f), ['70.50 kg', '71 kg', '69 kg']);
  assert.deepEqual(f.weights.map((m) => [m.record_id, m.record_version]), [ids[1], ids[0], ids[2]].map((id) => [id, 1]));
  assert.deepEqual([values(f.heights), values(f.creatinines), values(f.egfrs)],
    [['5.5 [ft_i]'], ['97 umol/L', '1.10 mg/dL'], ['55 mL/min/{1.73_m2}']]);
  assert.ok(Math.abs(Number(f.weights[0].at_us) - (Date.now() - 20 * 3600e3) * 1000) < 300e6);
});

test('a group is not hidden by the many of another', async () => {
  const p = await bare();
  await site.measure(p.id, '8302-2', '180 cm', { hoursAgo: 400 });
  for (let i = 0; i < 55; i++) await site.measure(p.id, '3141-9', `${60 + i} kg`, { hoursAgo: i });
  const f = await facts(p);
  assert.deepEqual([weightsOf(f), values(f.heights)], [['60 kg', '61 kg', '62 kg'], ['180 cm']]);
});

test('what is not verified, not a number, not of these codes or of tomorrow does not count', async () => {
  const p = await bare();
  const weigh = (more, kg = '99 kg') => site.measure(p.id, '29463-7', kg, { more });
  for (const status of ['REGISTERED', 'PRELIMINARY', 'CANCELLED', 'UNKNOWN']) await weigh({ status: `STATUS_${status}` });
  await weigh({ value_quantity: undefined, value_string: '99 kg' });
  await weigh({ value_quantity: { value: { value: '99' }, comparator: '>', unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' } });
  await weigh({ effective_date_time: undefined });
  await weigh({ effective_date_time: new Date(Date.now() + 48 * 3600e3).toISOString() });
  await weigh({ value_quantity: { value: { value: '99' } } });
  for (const code of ['8335-2', '8339-4', '39156-5']) await site.measure(p.id, code, '99 kg');
  await weigh({ code: chart.coded('urn:other', '29463-7') });
  const wrong = await weigh({});
  await site.api('records').call('MarkEnteredInError',
    { idempotency_key: site.key(), kind: 'KIND_OBSERVATION', id: wrong, expected_version: 1, reason: 'of another patient' }, site.tokens.nurse);
  assert.deepEqual(weightsOf(await facts(p)), []);
  await weigh({ status: 'STATUS_AMENDED' }, '66 kg');
  await until('seen', async () => weightsOf(await facts(p)).length === 1);
});

test('what the patient said counts where nobody measured; bounds count where they err towards caution', async () => {
  const p = await bare();
  await site.measure(p.id, '3142-7', '80 kg');
  const bound = (comparator, value, unit) => ({ value_quantity: { ...chart.quantity(value, unit), comparator } });
  await site.measure(p.id, '98979-8', '60 mL/min', { more: bound('>', '60', 'mL/min/{1.73_m2}') });
  await site.measure(p.id, '98979-8', '15 mL/min', { more: bound('<', '15', 'mL/min/{1.73_m2}') });
  await site.measure(p.id, '48643-1', '77 mL/min/{1.73_m2}');
  await site.measure(p.id, '2160-0', '0.2 mg/dL', { more: bound('<', '0.2', 'mg/dL') });
  await site.measure(p.id, '2160-0', '9 mg/dL', { more: bound('>', '9', 'mg/dL') });
  const f = await facts(p);
  assert.deepEqual([weightsOf(f), values(f.egfrs), values(f.creatinines)], [['80 kg'], ['60 mL/min/{1.73_m2}'], ['0.2 mg/dL']]);
  await site.measure(p.id, '29463-7', '70 kg', { hoursAgo: 100 });
  await until('measured', async () => weightsOf(await facts(p))[0] === '70 kg');
});

test('allergies count that stand or are not known not to; "none known" is said as that', async () => {
  const p = await bare();
  const clinical = (code) => ({ clinical_status: chart.coded('http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code) });
  const verified = (code) => ({ verification_status: chart.coded('http://terminology.hl7.org/CodeSystem/allergyintolerance-verification', code) });
  const penicillin = chart.coded(SNOMED, '91936005', 'Allergy to penicillin');
  const kept = [
    await site.allergy(p.id, penicillin, 'nurse', { ...verified('unconfirmed'), criticality: 'CRITICALITY_HIGH' }),
    await site.allergy(p.id, { text: 'the white tablets' }, 'nurse', verified('confirmed')),
    await site.allergy(p.id, chart.coded(SNOMED, '409137002', 'No known drug allergy')),
    await site.allergy(p.id, chart.coded(SNOMED, '300916003'), 'nurse',
      { reaction: [{ substance: chart.coded('http://www.nlm.nih.gov/research/umls/rxnorm', '723', 'amoxicillin'), manifestation: [chart.coded(SNOMED, '271807003')] }] }),
  ];
  for (const more of [clinical('inactive'), clinical('resolved'), verified('refuted')]) await site.allergy(p.id, penicillin, 'nurse', more);
  await site.allergy(p.id, chart.coded(SNOMED, '429625007', 'No known food allergy'));
  const f = await facts(p);
  assert.deepEqual(f.allergies.map((a) => a.record_id), [...kept].sort());
  const of = (id) => f.allergies.find((a) => a.record_id === id);
  assert.deepEqual([of(kept[0]).high_criticality, of(kept[0]).codings[0].code, of(kept[0]).text], [true, '91936005', '']);
  assert.deepEqual([of(kept[1]).text, of(kept[1]).codings, of(kept[1]).high_criticality], ['the white tablets', [], false]);
  assert.deepEqual([of(kept[2]).no_known, of(kept[0]).no_known], [true, false]);
  assert.deepEqual(of(kept[3]).codings.map((c) => c.code), ['300916003']);
  assert.deepEqual(of(kept[3]).substances.map((x) => x.codings.map((c) => c.code)), [['723']]);
  assert.equal(f.allergies_cut, false);
});

test('more allergies than are held are said to be more', async () => {
  const p = await bare();
  const entries = (from) => Array.from({ length: 100 }, (_, i) => ({ create: { resource: chart.allergy(p.id, { code: { text: `thing ${from + i}` } }) } }));
  for (const from of [0, 100]) await site.api('records').call('Batch', { idempotency_key: site.key(), entries: entries(from) }, site.tokens.nurse);
  const two = await facts(p);
  assert.deepEqual([two.allergies.length, two.allergies_cut], [200, false]);
  await site.allergy(p.id, { text: 'one more' });
  await until('cut', async () => (await facts(p)).allergies_cut);
  assert.equal((await facts(p)).allergies.length, 200);
});

// ---- kept, and known to be so ----

test('a chart is read once for a person, and again by nobody until something changes', async () => {
  const p = await site.charted(uuid());
  await site.caughtUp();
  await facts(p);
  const was = await reads();
  for (let i = 0; i < 6; i++) await facts(p, { by: 'nurse' });
  await site.orders.call('ListOrders', { patient_id: p.id }, site.tokens.nurse);
  const now = await reads();
  assert.deepEqual([now.records - was.records, now.kept - was.kept], [1, 6]);
  await facts(p, { by: 'pharmacist' });
  assert.equal((await reads()).records - now.records, 1);
});

test('what changes in records is what the next check is made of, on both replicas', async () => {
  const p = await site.charted(uuid(), { weight: '70 kg' });
  for (const on of [site.orders, second]) assert.deepEqual(weightsOf(await facts(p, { on })), ['70 kg']);
  await site.measure(p.id, '29463-7', '71.5 kg');
  for (const on of [site.orders, second]) await until('weighed', async () => weightsOf(await facts(p, { on }))[0] === '71.5 kg');
  await site.allergy(p.id, chart.coded(SNOMED, '91936005', 'Allergy to penicillin'));
  for (const on of [site.orders, second]) await until('told', async () => (await facts(p, { on })).allergies.length === 2);
  const [encounter] = (await site.api('records').call('Search', { kind: 'KIND_ENCOUNTER', parameters: [{ name: 'patient', values: [p.id] }] }, site.tokens.registrar)).records;
  encounter.resource.encounter.location = [{ location: { reference: 'Location/icu' } }];
  await site.api('records').call('Update', { idempotency_key: site.key(), resource: encounter.resource, expected_version: 1 }, site.tokens.registrar);
  await until('gone from the ward', async () => (await refused('ListOrders', { patient_id: p.id }).catch(() => '')) === 'NOT_FOUND PATIENT_NOT_FOUND');
  assert.equal((await facts(p, { by: site.as('physician', { ward: 'icu' }) })).ward, 'icu');
});

test('a reading that a change overtakes is not what is kept', async () => {
  const p = await site.charted(uuid(), { weight: '50 kg' });
  let going = true;
  const asking = [site.orders, second].flatMap((on) => ['physician', 'nurse'].map(async (by) => { while (going) await facts(p, { on, by }); }));
  let last = 50;
  try {
    for (let i = 0; i < 25; i++) await site.measure(p.id, '29463-7', `${last += 1} kg`);
  } finally {
    going = false; // else they would outlive a failure, and this file with them
  }
  await Promise.all(asking);
  for (const on of [site.orders, second]) {
    for (const by of ['physician', 'nurse']) await until('the last weight', async () => weightsOf(await facts(p, { on, by }))[0] === `${last} kg`);
  }
});

// ---- who may see it ----

test('who may not see a patient is told that there is none, by every method', async () => {
  const p = await site.charted(uuid());
  const order = await placed(site, p, harmless());
  const { decision_id } = await site.check(p, harmless());
  const stranger = site.as('physician', { ward: 'icu', sub: 'physician-9' });
  for (const id of [p.id, nobody]) {
    for (const by of [stranger, site.as('physician', { ward: '' })]) {
      assert.equal(await refused('Check', { patient_id: id, prescription: harmless() }, by), 'NOT_FOUND PATIENT_NOT_FOUND');
      assert.equal(await refused('ListOrders', { patient_id: id }, by), 'NOT_FOUND PATIENT_NOT_FOUND');
      assert.equal(await refused('ListDecisions', { patient_id: id }, by), 'NOT_FOUND PATIENT_NOT_FOUND');
      assert.equal(await refused('Place', { idempotency_key: site.key(), patient_id: id, prescription: harmless() }, by), 'NOT_FOUND PATIENT_NOT_FOUND');
    }
  }
  assert.equal(await refused('GetOrder', { order_id: order.order_id }, stranger), 'NOT_FOUND ORDER_NOT_FOUND');
  assert.equal(await refused('GetDecision', { decision_id }, stranger), 'NOT_FOUND DECISION_NOT_FOUND');
  for (const patient_id of ['', 'x', `${p.id}x`]) {
    const f = await site.orders.failure('Check', { patient_id, prescription: harmless() }, site.tokens.physician);
    assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', 'patient_id']);
  }
});

test('a denial written to records takes effect here through its feed, and its end too', async () => {
  const p = await site.charted(uuid());
  const order = await placed(site, p, harmless());
  for (const on of [site.orders, second]) await on.call('GetOrder', { order_id: order.order_id }, site.tokens.physician);
  const denial = chart.consent(p.id);
  const id = await site.record(denial);
  for (const on of [site.orders, second]) {
    await until('denied', () => on.call('GetOrder', { order_id: order.order_id }, site.tokens.physician).then(() => false, (e) => e.reason === 'ORDER_NOT_FOUND'));
    assert.equal(await refused('Check', { patient_id: p.id, prescription: harmless() }, 'physician', on), 'NOT_FOUND PATIENT_NOT_FOUND');
  }
  denial.consent.id = id;
  denial.consent.status = 'STATUS_INACTIVE';
  await site.api('records').call('Update', { idempotency_key: site.key(), resource: denial, expected_version: 1 }, site.tokens.registrar);
  await until('let in', () => facts(p).then(() => true, () => false));
});

test('what a denial hides from one person is not shown from what another may see', async () => {
  const p = await site.charted(uuid());
  await site.record(chart.consent(p.id, {
    type: 'PROVISION_TYPE_PERMIT',
    provision: [{
      type: 'PROVISION_TYPE_DENY', class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }],
      actor: [{ reference: { reference: 'Practitioner/nurse-1' }, role: chart.coded('urn:x', 'y') }],
    }],
  }));
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(weightsOf(await facts(p)), ['70 kg']);
    assert.deepEqual(weightsOf(await facts(p, { by: 'nurse' })), []);
    assert.deepEqual(weightsOf(await facts(p, { by: site.as('nurse', { sub: 'nurse-2' }) })), ['70 kg']);
  }
});

test('in an emergency records is asked each time: a glass that ended lets nobody in', async () => {
  const p = await site.charted(uuid(), { ward: 'icu' });
  const inNeed = site.as('physician', { purpose: 'ETREAT', sub: 'physician-7' });
  const ask = { patient_id: p.id, prescription: harmless() };
  assert.equal(await refused('Check', ask, inNeed), 'NOT_FOUND PATIENT_NOT_FOUND');
  await site.api('recordsaccess').call('BreakGlass',
    { idempotency_key: site.key(), patient_id: p.id, reason: 'GLASS_REASON_EMERGENCY', explanation: 'found on the floor of ward 3' }, inNeed);
  const was = await reads();
  for (let i = 0; i < 3; i++) assert.deepEqual(weightsOf(await facts(p, { by: inNeed })), ['70 kg']);
  const now = await reads();
  assert.deepEqual([now.records - was.records, now.kept - was.kept], [3, 0]);
  await site.sql('UPDATE glass SET until_us = 1', 'records');
  assert.equal(await refused('Check', ask, inNeed), 'NOT_FOUND PATIENT_NOT_FOUND');
});

test('a person whose roles show nothing of a chart is refused as records refuses them', async () => {
  const p = await site.charted(uuid());
  for (const purpose of ['HOPERAT', 'PATADMIN', '']) {
    assert.equal(await refused('Check', { patient_id: p.id, prescription: harmless() }, site.as('physician', { purpose })), 'PERMISSION_DENIED PURPOSE_NOT_ALLOWED');
  }
});


