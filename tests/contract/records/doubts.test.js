'use strict';
// A measurement that no patient of this age has is written and marked, so that whoever reads it is told. An import puts it aside.

const test = require('node:test');
const assert = require('node:assert');
const { Site, uuid } = require('./site');

let site;
let newborn;
let adult;
const UCUM = 'http://unitsofmeasure.org';
const daysAgo = (n) => new Date(Date.now() - n * 86400000).toISOString().slice(0, 10);

test.before(async () => {
  site = await Site.shared();
  ({ id: newborn } = await site.treated('ward-3', { birth_date: daysAgo(5) }));
  ({ id: adult } = await site.treated('ward-3', { birth_date: '1970-06-01' }));
});
test.after(() => site && site.stop());

const measured = (patient, loinc, value, unit) => ({
  observation: {
    status: 'STATUS_FINAL', subject: { reference: `Patient/${patient}` }, effective_date_time: new Date().toISOString(),
    code: { coding: [{ system: 'http://loinc.org', code: loinc }] }, value_quantity: { value: { value }, unit, system: UCUM, code: unit },
  },
});
const weight = (patient, kg) => measured(patient, '29463-7', kg, 'kg');

test('a weight of 35 kg five days after birth is written and marked', async () => {
  const record = await site.create(weight(newborn, '35'), 'nurse');
  assert.deepStrictEqual(record.doubts.map((d) => [d.reason, d.path]), [['IMPLAUSIBLE_VALUE', 'Observation.valueQuantity']]);
  assert.match(record.doubts[0].text, /age/);
  assert.match(record.doubts[0].source, /CDC/);
  assert.ok(!JSON.stringify(record.doubts).includes('35'), 'the mark holds no value');
  const { record: read } = await site.read('KIND_OBSERVATION', record.version.resource_id);
  assert.deepStrictEqual(read.doubts, record.doubts);
  assert.strictEqual(read.resource.observation.value_quantity.value.value, '35', 'nothing is lost');
});

test('put right, the mark is gone with the next version', async () => {
  const record = await site.create(weight(newborn, '35'), 'nurse');
  const id = record.version.resource_id;
  const right = weight(newborn, '3.5');
  right.observation.id = id;
  const { record: after } = await site.records.call('Update', { idempotency_key: site.key(), resource: right, expected_version: 1 }, site.tokens.nurse);
  assert.deepStrictEqual(after.doubts, []);
  assert.deepStrictEqual((await site.read('KIND_OBSERVATION', id)).record.doubts, []);
});

test('a plausible weight is not marked, of a newborn or an adult', async () => {
  for (const [who, kg] of [[newborn, '3.5'], [newborn, '0.7'], [adult, '180'], [adult, '35']]) {
    assert.deepStrictEqual((await site.create(weight(who, kg), 'nurse')).doubts, [], `${kg} kg`);
  }
});

test('an adult of 700 kg and a newborn of 170 cm are marked', async () => {
  assert.strictEqual((await site.create(weight(adult, '700'), 'nurse')).doubts.length, 1);
  assert.strictEqual((await site.create(measured(newborn, '8302-2', '170', 'cm'), 'nurse')).doubts.length, 1);
});

test('an import puts it aside for a person', async () => {
  const call = site.api('exchange').duplex('ImportBundle', site.tokens['records-admin']);
  const resource = {
    resourceType: 'Observation', id: uuid(), status: 'final', subject: { reference: `Patient/${newborn}` }, effectiveDateTime: new Date().toISOString(),
    code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }] }, valueQuantity: { value: 35, unit: 'kg', system: UCUM, code: 'kg' },
  };
  call.write({ start: { import_id: uuid(), source: 'test' } });
  call.write({ chunk: Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry: [{ resource }] })) });
  call.end();
  let last;
  for await (const m of call) last = m;
  assert.deepStrictEqual([last.created, last.quarantined], [0, 1]);
});
