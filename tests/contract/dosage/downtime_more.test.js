'use strict';
// What was given while cut off, brought in by mistake, twice, too late or by somebody who may not; and allergies in the pack.

const test = require('node:test');
const assert = require('node:assert');
const { chart, once, prescription, amount, until: wait } = require('./site');
const { shared, anyway, getPack, read, paper, loose, reconcile, US, nowUs } = require('./cutoff');

let site;
test.before(async () => { site = await shared({ audit: false }); });
test.after(() => site?.stop());

const plain = (more = {}) => prescription('plainin', '10 mg', { timing: once, ...more });
const doses = (patient) => site.rows('administration', `patient_id = ${site.hex(patient.id)}`);
const until = (what, ask) => wait(what, ask, { seconds: 20 });

test('an entry\'s id is that entry\'s: with anything else it is rejected, and tells nothing of the other', async () => {
  const [patient, other] = [await site.patient(), await site.patient()];
  const order = await anyway(site, patient, plain());
  const { pack } = await getPack(site);
  const entry = loose(patient, '5 mg', nowUs() - US.hour);
  const [first] = await reconcile(site, pack, [entry]);
  assert.match(first.state, /RECORDED/);
  const changed = {
    patient: { patient_id: other.id }, order: { order_id: order.order_id }, amount: { dose: amount('6', 'mg') }, unit: { dose: amount('5', 'g') }, drug: { drug_id: 'testozin' },
    time: { given_at_us: String(Number(entry.given_at_us) + 1) }, outcome: { outcome: 'DOSE_OUTCOME_PARTIAL' },
  };
  for (const [what, more] of Object.entries(changed)) {
    for (const on of ['dosage', 'dosage2']) {
      const [r] = await reconcile(site, pack, [{ ...entry, ...more }], { on });
      assert.deepStrictEqual([r.state, r.issues, r.administration_id], ['STATE_REJECTED', ['entry-id'], ''], what);
    }
  }
  const [again] = await reconcile(site, pack, [entry]);
  assert.deepStrictEqual([again.state, again.administration_id], ['STATE_KNOWN', first.administration_id]);
  const [mine] = await reconcile(site, pack, [{ ...entry, ...changed.amount, entry_id: paper(patient).entry_id }]);
  assert.match(mine.state, /RECORDED/, 'under an id of its own it is recorded');
  assert.deepStrictEqual([await doses(patient), await doses(other)], [2, 0]);
});

test('of eight that come at once with one id and another dose each, one is recorded', async () => {
  const patient = await site.patient();
  const { pack } = await getPack(site);
  const entry = loose(patient, '1 mg', nowUs() - US.hour);
  const send = (i) => reconcile(site, pack, [{ ...entry, dose: amount(`${i + 1}`, 'mg') }], { on: i % 2 ? 'dosage' : 'dosage2' });
  const states = (await Promise.all(Array.from({ length: 8 }, (_, i) => send(i)))).map(([r]) => r.state);
  assert.deepStrictEqual([states.filter((s) => s === 'STATE_REJECTED').length, await doses(patient)], [7, 1], String(states));
});

test('the same line of a paper from two devices is said to be one maybe', async () => {
  const patient = await site.patient();
  const { pack } = await getPack(site);
  const t = nowUs() - 3 * US.hour;
  const bring = async (text, minutes, more) => (await reconcile(site, pack, [loose(patient, text, t + minutes * US.minute, more)]))[0];
  const twice = (r) => [r.state, r.issues.includes('maybe-twice')];
  assert.strictEqual((await bring('10 mg', 0)).issues.includes('maybe-twice'), false);
  assert.deepStrictEqual(twice(await bring('10 mg', 5)), ['STATE_RECORDED_WITH_ISSUES', true]);
  assert.deepStrictEqual(twice(await bring('0.01 g', -5)), ['STATE_RECORDED_WITH_ISSUES', true], 'written in another unit');
  for (const [what, r] of Object.entries({
    later: await bring('10 mg', 11), 'another amount': await bring('9 mg', 0), 'another drug': await bring('10 mg', 0, { drug_id: 'testozin' }),
    'not given': await bring('10 mg', 0, { outcome: 'DOSE_OUTCOME_REFUSED', reason_code: 'asleep' }),
  })) assert.strictEqual(r.issues.includes('maybe-twice'), false, what);
  assert.strictEqual(await doses(patient), 7);
  const both = await reconcile(site, pack, [loose(patient, '3 mg', t), loose(patient, '3 mg', t)]);
  assert.deepStrictEqual(both.map((r) => r.issues.includes('maybe-twice')).sort(), [false, true], 'of one call too');
});

test('a pack opens its own time alone: of a patient who is elsewhere by now nothing else is brought in by it', async () => {
  const patient = await site.patient();
  await anyway(site, patient, plain());
  const { pack } = await getPack(site);
  const given = nowUs();
  const records = site.api('records');
  const query = { kind: 'KIND_ENCOUNTER', parameters: [{ name: 'patient', values: [patient.id] }] };
  const [{ resource, version }] = (await records.call('Search', query, site.tokens.registrar)).records;
  resource.encounter.location = [{ location: { reference: 'Location/ward-4' } }];
  await records.call('Update', { idempotency_key: site.key(), resource, expected_version: version.version }, site.tokens.registrar);
  await until('they are seen here no more', () => site.orders.call('ListOrders', { patient_id: patient.id }, site.tokens.nurse).then(() => false, (e) => e.code === 'NOT_FOUND' || e));
  const [before, after, during] = await reconcile(site, pack, [loose(patient, '1 mg', read(pack).madeAtUs - 1), loose(patient, '1 mg', nowUs()), loose(patient, '2 mg', given)]);
  assert.deepStrictEqual([before.state, before.issues], ['STATE_REJECTED', ['no-patient']]);
  assert.match(after.state, /RECORDED/);
  assert.match(during.state, /RECORDED/);
  assert.strictEqual(await doses(patient), 2);
});

test('an allergy in the pack has each of its codings', async () => {
  const patient = await site.patient({ allergies: null });
  await site.allergy(patient.id, {
    coding: [{ system: 'http://snomed.info/sct', code: '91936005', display: 'Allergy to penicillin' }, { system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '723', display: 'Amoxicillin' }],
  });
  await anyway(site, patient, plain());
  const { allergies } = read((await getPack(site)).pack).patients.find((p) => p.patientId === patient.id);
  assert.strictEqual(allergies.length, 1);
  for (const part of ['Allergy to penicillin', '91936005', 'Amoxicillin', '723']) assert.ok(allergies[0].includes(part), `${part}: ${allergies[0]}`);
});
