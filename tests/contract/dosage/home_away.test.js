'use strict';
// Decisions about home medicines of patients who are merged and taken apart again, and while records is unavailable.

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { rulesOf, chart, until, uuid } = require('./site');
const { start, harmless, failure } = require('./ordering');

const UNDECIDED = 'ward.home-undecided';
let site;
before(async () => {
  site = await start({ services: ['identity', 'records', 'dosage'], env: { dosage: { WARD_ACCESS_S: '3600' } } });
});
after(() => site?.stop());

const taken = (patient) => site.record({
  medication_statement: { status: 'STATUS_ACTIVE', medication_codeable_concept: { text: 'something' }, subject: chart.to(patient.id) },
}, 'pharmacist');
const decide = (patient, statement_id, decision, { key = site.key(), ...more } = {}) => site.orders.call('ReconcileHomeMedicine', {
  idempotency_key: key, patient_id: patient.id, statement_id, statement_version: 1, decision: `HOME_DECISION_${decision}`, reason: 'why', ...more,
}, site.who('physician')).then((a) => a.reconciliation);
const listed = async (patient) => (await site.orders.call('ListHomeMedicines', { patient_id: patient.id }, site.who('nurse'))).medicines;
const decided = async (patient) => (await listed(patient)).map((m) => [m.patient_id, m.medicine.record_id, m.decided, m.reconciliation?.version ?? 0]);
const checked = (patient) => site.check(patient, harmless());
const waits = async (patient) => rulesOf(await checked(patient)).includes(UNDECIDED);
const eventually = (what, ask) => until(what, async () => { try { return await ask(); } catch (e) { if (e.code === 'NOT_FOUND') return false; throw e; } });
const versionOf = async (id) => (await site.sql(`SELECT version FROM resource WHERE resource_id = ${site.hex(id)}`, 'records'))[0][0];

test('a decision stands for all who are one, and not for one of them when they are two again', async () => {
  const [a, b] = [await site.charted(uuid()), await site.charted(uuid())];
  const first = await taken(b);
  await eventually('it is known', () => waits(b));
  await decide(b, first, 'HOLD');
  const { merge_id } = await site.api('patients').call('MergePatients', {
    idempotency_key: site.key(), into_patient_id: a.id, from_patient_id: b.id, into_version: await versionOf(a.id), from_version: await versionOf(b.id), reason: 'one and the same',
  }, site.tokens.registrar);
  for (const p of [a, b]) {
    await eventually('one', async () => (await checked(p)).snapshot.home_reconciliations.length === 1);
    assert.equal(await waits(p), false);
    assert.deepEqual(await decided(p), [[a.id, first, true, 1]]);
  }
  const second = await decide(a, first, 'STOP', { expected_version: 1 });
  assert.equal(second.version, 2);
  await site.api('patients').call('UnmergePatients', { idempotency_key: site.key(), merge_id, reason: 'they are two' }, site.tokens.registrar);
  await eventually('two', () => waits(b));
  assert.deepEqual(await decided(b), [[b.id, first, false, 0]], 'what was decided about the other is decided again');
  const third = await decide(b, first, 'STOP');
  assert.deepEqual([third.version, await waits(b), await decided(b)], [3, false, [[b.id, first, true, 3]]]);
  assert.deepEqual(await decided(a), []);
});

test('records away: nothing is decided, and what was decided before is answered again', async () => {
  const patient = await site.charted(uuid());
  const statement = await taken(patient);
  await eventually('it is known', () => waits(patient));
  await site.caughtUp(); // a change that arrives later withdraws the permission given with the decision
  const [key, other] = [site.key(), site.key()];
  const made = await decide(patient, statement, 'STOP', { key });
  await site.ward.services.records.stop();
  try {
    assert.deepEqual(await decide(patient, statement, 'STOP', { key }), made);
    const not = await failure(decide(patient, statement, 'HOLD', { key: other, expected_version: 1 }));
    assert.deepEqual([not.code, not.reason], ['UNAVAILABLE', 'RECORDS_AWAY']);
    assert.equal((await failure(listed(patient))).reason, 'RECORDS_AWAY');
  } finally {
    await site.ward.services.records.start();
  }
  // As a caller does: what UNAVAILABLE refused is asked again under its key.
  const then = await until('records is reached', () => decide(patient, statement, 'HOLD', { key: other, expected_version: 1 })
    .catch((e) => { if (e.code === 'UNAVAILABLE') return false; throw e; }));
  assert.equal(then.version, 2);
});
