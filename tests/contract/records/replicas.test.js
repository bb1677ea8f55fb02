'use strict';
// Two replicas on one database: many writers of one patient, of one resource, and a replica killed
// among them. Nothing acknowledged is lost, no version is missing or twice.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { Site, observation, encounter, person, quantity, until } = require('./site');

let site, on, anna;

before(async () => {
  site = await Site.start({ services: ['records', 'records2'] });
  on = [site.records, site.ward.client('records2')];
  anna = await site.treated();
});
after(() => site?.stop());

const beats = (n) => ({ value_quantity: quantity(String(n), '/min') });

// Reads, adds one to the value, writes; again where somebody was faster.
async function addOne(client, id, who) {
  for (;;) {
    const { record } = await client.call('Read', { kind: 'KIND_OBSERVATION', id }, who);
    const o = record.resource.observation;
    const next = { observation: { ...o, ...beats(Number(o.value_quantity.value.value) + 1) } };
    try {
      return await client.call('Update', { idempotency_key: site.key(), resource: next, expected_version: record.version.version }, who);
    } catch (err) {
      if (err.code !== 'ABORTED') throw err;
      assert.strictEqual(err.reason, 'VERSION_CONFLICT');
    }
  }
}

test('of many writers of one resource on two replicas none loses what another wrote', async () => {
  const made = await site.create(observation(anna.id, beats(0)), 'nurse');
  const id = made.version.resource_id;
  const WRITERS = 8, EACH = 6;
  await Promise.all(Array.from({ length: WRITERS }, async (_, i) => {
    for (let k = 0; k < EACH; k++) await addOne(on[i % 2], id, site.as('nurse', { sub: `nurse-${i}` }));
  }));
  const { record } = await on[1].call('Read', { kind: 'KIND_OBSERVATION', id }, site.tokens.nurse);
  assert.deepStrictEqual([record.version.version, record.resource.observation.value_quantity.value.value], [1 + WRITERS * EACH, String(WRITERS * EACH)]);
  const rows = await site.sql(`SELECT version, written_at_us FROM version WHERE resource_id = ${site.hex(id)} ORDER BY version`);
  assert.deepStrictEqual(rows.map(([v]) => Number(v)), Array.from({ length: 1 + WRITERS * EACH }, (_, i) => i + 1));
  for (let i = 1; i < rows.length; i++) assert.ok(Number(rows[i][1]) >= Number(rows[i - 1][1]));
});

test('the patient\'s own record, their encounters and observations are written at once, and all of it is there', async () => {
  const bert = await site.treated();
  const done = [];
  const worker = async (client, i) => {
    for (let k = 0; k < 8; k++) {
      done.push((await client.call('Create', { idempotency_key: site.key(), resource: observation(bert.id, beats(k)) }, site.tokens.nurse)).record);
      done.push((await client.call('Create', { idempotency_key: site.key(), resource: encounter(bert.id, `ward-${i}`) }, site.tokens.registrar)).record);
      const { record } = await client.call('Read', { kind: 'KIND_PATIENT', id: bert.id }, site.tokens.registrar);
      const born = { patient: { ...record.resource.patient, birth_date: `19${40 + i}-0${1 + k}-01` } };
      await client.call('Update', { idempotency_key: site.key(), resource: born, expected_version: record.version.version }, site.tokens.registrar)
        .catch((err) => assert.strictEqual(err.reason, 'VERSION_CONFLICT'));
    }
  };
  await Promise.all([0, 1, 2, 3].map((i) => worker(on[i % 2], i)));
  for (const { version } of done) {
    const [[n]] = await site.sql(`SELECT COUNT(*) FROM resource r JOIN version v USING (patient_id, resource_id, version)
      WHERE r.resource_id = ${site.hex(version.resource_id)}`);
    assert.strictEqual(n, '1');
  }
  const [[birth, version]] = await site.sql(`SELECT p.birth_us, r.version FROM patient p JOIN resource r ON r.resource_id = p.patient_id
    WHERE p.patient_id = ${site.hex(bert.id)}`);
  const { record } = await on[0].call('Read', { kind: 'KIND_PATIENT', id: bert.id }, site.tokens.registrar);
  assert.deepStrictEqual([record.version.version, Date.parse(record.resource.patient.birth_date) * 1000], [Number(version), Number(birth)]);
  const [[gaps]] = await site.sql(`SELECT COUNT(*) FROM (SELECT resource_id, COUNT(*) n, MAX(version) m FROM version
    WHERE patient_id = ${site.hex(bert.id)} GROUP BY resource_id HAVING n <> m) g`);
  assert.strictEqual(gaps, '0');
});

test('what a replica acknowledged before it was killed is there, once, and what it did not is all or nothing', async () => {
  const acknowledged = [], asked = [];
  const victim = site.ward.services.records2;
  const writing = Promise.all(Array.from({ length: 6 }, async (_, i) => {
    for (let k = 0; k < 200; k++) {
      const request = { idempotency_key: `kill-${i}-${k}`, resource: person({ name: [{ family: `K${i}x${k}` }] }) };
      asked.push(request);
      try {
        acknowledged.push([request, await on[1].call('Create', request, { ...site.tokens.registrar, deadline: 5000 })]);
      } catch {
        return;
      }
    }
  }));
  await until('under way', () => acknowledged.length > 20);
  await victim.kill();
  await writing;
  for (const [, answer] of acknowledged) {
    const { record } = await on[0].call('Read', { kind: 'KIND_PATIENT', id: answer.record.version.resource_id }, site.tokens.registrar);
    assert.deepStrictEqual(record, answer.record);
  }
  for (const request of asked) {
    const answer = await on[0].call('Create', request, site.tokens.registrar);
    const known = acknowledged.find(([r]) => r === request);
    if (known) assert.deepStrictEqual(answer, known[1]);
  }
  const [[patients, resources, keys]] = await site.sql(`SELECT (SELECT COUNT(*) FROM patient),
    (SELECT COUNT(*) FROM resource WHERE kind = 1), (SELECT COUNT(*) FROM owner_key)`);
  assert.deepStrictEqual([resources, keys], [patients, patients]);
  await victim.start();
});
