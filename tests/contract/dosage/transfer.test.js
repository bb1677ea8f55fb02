'use strict';
// A transferred patient's doses move along: due and missed doses, emergencies that wait for somebody and the downtime pack belong to
// the new ward at once, before anybody opens the chart. The orders stay as they were written.

const test = require('node:test');
const assert = require('node:assert/strict');
const { until: wait, once, prescription } = require('./site');
const { start, anyway, emergency, getPack, read, US, nowUs } = require('./cutoff');

let site;
test.before(async () => { site = await start({ services: ['identity', 'records', 'dosage', 'dosage2'] }); });
test.after(() => site?.stop());

const until = (what, ask) => wait(what, ask, { seconds: 15 });
const there = (ward) => site.as('nurse', { ward, sub: `nurse-of-${ward}` });
const due = async (ward, on) => (await site.api('schedule', { on }).call('ListDue', { ward }, there(ward))).slots.map((s) => s.patient_id);
const missed = async (ward) => (await site.api('tracking').call('ListMissed', { ward, from_us: String(nowUs() - 3 * US.day) }, there(ward))).slots.map((s) => s.patient_id);
const packed = async (ward) => (read((await getPack(site, { ward, by: there(ward) })).pack).patients ?? []).map((p) => p.patientId);
const open = async (ward) => (await site.api('doses').call('ListUnacknowledged', { ward }, there(ward))).administrations.map((d) => d.patient_id);
const plain = (more = {}) => prescription('plainin', '10 mg', { timing: once, ...more });

// Of a patient in this ward one dose is due, one was missed, and one was given in an emergency.
async function lying(ward) {
  const patient = await site.patient({ ward });
  const by = site.as('physician', { ward });
  await anyway(site, patient, plain({ starts_at_us: String(nowUs() - 10 * US.minute) }), { by });
  await anyway(site, patient, plain({ starts_at_us: String(nowUs() - 2 * US.day) }), { by });
  await emergency(site, patient, {}, { by: there(ward) });
  return patient;
}
async function move(patient, ward) {
  const records = site.api('records');
  const query = { kind: 'KIND_ENCOUNTER', parameters: [{ name: 'patient', values: [patient.id] }] };
  const [{ resource, version }] = (await records.call('Search', query, site.tokens.registrar)).records;
  resource.encounter.location = [{ location: { reference: `Location/${ward}` } }];
  await records.call('Update', { idempotency_key: site.key(), resource, expected_version: version.version }, site.tokens.registrar);
}
const lists = { due, missed, packed, open };
const hasIn = async (ward, { id }) => {
  const has = {};
  for (const [name, list] of Object.entries(lists)) has[name] = (await list(ward)).includes(id);
  return has;
};
const IN = { due: true, missed: true, packed: true, open: true };
const OUT = { due: false, missed: false, packed: false, open: false };
const opened = (patient, ward, on) => site.api('dosage', { on }).call('ListOrders', { patient_id: patient.id }, there(ward)).catch((e) => e);

test('a transferred patient is on the new ward\'s lists and pack, and off the old ward\'s, though nobody opened the chart', async () => {
  const patient = await lying('ward-3');
  assert.deepEqual([await hasIn('ward-3', patient), await hasIn('ward-4', patient)], [IN, OUT]);
  await move(patient, 'ward-4');
  assert.ok(await until('the new ward has them', async () => (await due('ward-4')).includes(patient.id)));
  assert.deepEqual([await hasIn('ward-3', patient), await hasIn('ward-4', patient)], [OUT, IN]);
  assert.ok((await due('ward-4', 'dosage2')).includes(patient.id), 'at the other replica too');
});

test('a transfer while this service was away is noted when it is back', async () => {
  const patient = await lying('ward-3');
  await Promise.all(['dosage', 'dosage2'].map((name) => site.ward.services[name].kill()));
  await move(patient, 'ward-4');
  await Promise.all(['dosage', 'dosage2'].map((name) => site.ward.services[name].start()));
  assert.ok(await until('the new ward has them', async () => (await due('ward-4').catch(() => [])).includes(patient.id)));
  assert.deepEqual([await hasIn('ward-3', patient), await hasIn('ward-4', patient)], [OUT, IN]);
});

test('where a patient lies is answered to dosage alone', async () => {
  const patient = await lying('ward-3');
  const nobody = '00000000-0000-4000-8000-000000000000';
  const ask = (as, ids) => site.api('feed', { on: 'records', as }).call('GetWards', { patient_ids: ids });
  assert.deepEqual((await ask('dosage', [patient.id, nobody])).wards, [{ patient_id: patient.id, ward: 'ward-3' }, { patient_id: nobody, ward: '' }]);
  assert.equal((await ask('gateway', [patient.id]).catch((e) => e)).reason, 'CALLER_NOT_ALLOWED');
  assert.equal((await ask('dosage', []).catch((e) => e)).code, 'INVALID_ARGUMENT');
  assert.equal((await ask('dosage', ['x']).catch((e) => e)).code, 'INVALID_ARGUMENT');
});

test('the orders keep the ward they were written in until somebody changes them, and read', async () => {
  const patient = await lying('ward-3');
  await move(patient, 'ward-4');
  await until('the new ward has them', async () => {
    await opened(patient, 'ward-4');
    return (await due('ward-4')).includes(patient.id);
  });
  const { orders } = await opened(patient, 'ward-4');
  assert.deepEqual(orders.map((o) => o.ward), ['ward-3', 'ward-3']);
});

test('a check there is enough, and they can be moved back', async () => {
  const patient = await lying('ward-3');
  for (const [ward, other] of [['ward-4', 'ward-3'], ['ward-3', 'ward-4']]) {
    await move(patient, ward);
    await until(`${ward} has them`, async () => {
      await site.check(patient, plain(), { by: site.as('physician', { ward }) }).catch(() => {});
      return (await due(ward)).includes(patient.id);
    });
    assert.deepEqual([await hasIn(ward, patient), await hasIn(other, patient)], [IN, OUT]);
  }
});

test('who is somewhere else is told so to those who look on: the doses go here and come there', async () => {
  const patient = await lying('ward-3');
  const seen = { 'ward-3': new Map(), 'ward-4': new Map() };
  const streams = Object.entries(seen).map(([ward, list]) => {
    const stream = site.api('schedule').stream('FollowDue', { ward }, there(ward));
    const end = (async () => {
      try {
        for await (const m of stream) {
          if (m.whole) list.clear();
          m.slots.forEach((s) => list.set(s.slot_id, s.patient_id));
          m.gone.forEach((id) => list.delete(id));
        }
      } catch { /* cancelled below */ }
    })();
    return { stream, end };
  });
  const shown = (ward) => [...seen[ward].values()].includes(patient.id);
  await until('the old ward shows them', async () => shown('ward-3'));
  await move(patient, 'ward-4');
  await until('the new ward shows them', async () => {
    await opened(patient, 'ward-4');
    return shown('ward-4') && !shown('ward-3');
  });
  streams.forEach(({ stream }) => stream.cancel());
  await Promise.all(streams.map(({ end }) => end));
});

test('where they lie is noted with the first order, and forgotten with them', async () => {
  const patient = await site.patient();
  await anyway(site, patient, plain({ starts_at_us: String(nowUs()) }));
  assert.equal(await site.rows('patient', `patient_id = ${site.hex(patient.id)} AND ward = 'ward-3'`), 1);
  await site.api('dosageadmin').call('ErasePatient', { idempotency_key: site.key(), patient_id: patient.id, reason_code: 'patient-request' }, site.tokens['privacy-officer']);
  assert.equal(await site.rows('patient', `patient_id = ${site.hex(patient.id)} AND ward = ''`), 1);
});
