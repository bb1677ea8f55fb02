'use strict';
// What is put right on the way in is put right by rule, told, and kept as it was beside it.

const test = require('node:test');
const assert = require('node:assert');
const { Site, uuid } = require('./site');

let site;
let exchange;
let patient;
const UCUM = 'http://unitsofmeasure.org';
const admin = () => site.tokens['records-admin'];

test.before(async () => {
  site = await Site.shared();
  exchange = site.api('exchange');
  ({ id: patient } = await site.treated('ward-3', { birth_date: '1950-06-01' }));
});
test.after(() => site && site.stop());

const heart = (more = {}) => ({
  resourceType: 'Observation', id: uuid(), status: 'final', subject: { reference: `Patient/${patient}` }, effectiveDateTime: '2020-05-06T07:08:09Z',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] }, valueQuantity: { value: 72, unit: '/min', system: UCUM, code: '/min' }, ...more,
});
async function load(resources, start = {}) {
  const call = exchange.duplex('ImportBundle', admin());
  call.write({ start: { import_id: uuid(), source: 'test', ...start } });
  call.write({ chunk: Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry: resources.map((resource) => ({ resource })) })) });
  call.end();
  let last;
  for await (const m of call) last = m;
  return last;
}
const read = (id) => site.read('KIND_OBSERVATION', id).then((a) => a.record);
const coded = (loinc) => ({ code: { coding: [{ system: 'http://loinc.org', code: loinc }] } });

test('a unit in words goes in with its code, and says what was changed', async () => {
  const o = heart({ ...coded('8480-6'), valueQuantity: { value: '@1.10@', unit: 'mmHg' } });
  const call = exchange.duplex('ImportBundle', admin());
  call.write({ start: { import_id: uuid(), source: 'test' } });
  const text = JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry: [{ resource: o }] }).replace('"@1.10@"', '1.10');
  call.write({ chunk: Buffer.from(text) });
  call.end();
  let last;
  for await (const m of call) last = m;
  assert.deepStrictEqual([last.created, last.cleaned, last.quarantined], [1, 2, 0]);
  const record = await read(o.id);
  const q = record.resource.observation.value_quantity;
  assert.deepStrictEqual([q.value.value, q.unit, q.system, q.code], ['1.10', 'mmHg', UCUM, 'mm[Hg]']);
  assert.deepStrictEqual(record.cleaned.map((c) => [c.path, c.before, c.after, c.rule]), [
    ['Observation.valueQuantity.system', '', `"${UCUM}"`, 'ucum-code-from-unit'],
    ['Observation.valueQuantity.code', '', '"mm[Hg]"', 'ucum-code-from-unit'],
  ]);
});

test('a synonym that claims to be a code becomes one', async () => {
  const o = heart({ ...coded('8480-6'), valueQuantity: { value: 120, unit: 'mmHg', system: UCUM, code: 'mmHg' } });
  assert.strictEqual((await load([o])).cleaned, 1);
  const record = await read(o.id);
  assert.deepStrictEqual(record.cleaned.map((c) => [c.before, c.after, c.rule]), [['"mmHg"', '"mm[Hg]"', 'ucum-synonym']]);
});

test('what is right has nothing beside it, and what is not known stays as it is', async () => {
  const fine = heart();
  const own = heart({ code: { text: 'happiness' }, valueQuantity: { value: 3, unit: 'smiles' } });
  const progress = await load([fine, own]);
  assert.deepStrictEqual([progress.created, progress.cleaned, progress.quarantined], [2, 0, 0]);
  assert.deepStrictEqual((await read(fine.id)).cleaned, []);
  const q = (await read(own.id)).resource.observation.value_quantity;
  assert.deepStrictEqual([q.unit, q.system, q.code], ['smiles', '', '']);
});

test('a unit that hospitals write for something else than UCUM is not guessed: it waits for a person', async () => {
  const unit = (text, loinc) => heart({ code: { coding: [{ system: 'http://loinc.org', code: loinc }] }, valueQuantity: { value: 35, unit: text } });
  const doubtful = ['U/ML', 'ML', 'u/l', 'uIU/ML', 'M/L', 'K/mL', 'C', 'G/L'];
  const import_id = uuid();
  const all = doubtful.map((u) => unit(u, '10334-1'));
  const [cells, red, ph] = [unit('K/mm³', '777-3'), unit('M/cumm', '10334-1'), { ...unit('pH', '2744-1'), valueQuantity: { value: 7.4, unit: 'pH' } }];
  const progress = await load([...all, cells, red, ph], { import_id });
  const { items } = await exchange.call('ListQuarantine', { import_id, page_size: 100 }, admin());
  assert.deepStrictEqual([progress.created, progress.quarantined], [3 + 1, doubtful.length - 1], JSON.stringify(items.map((i) => i.problems)));
  for (const item of items) assert.deepStrictEqual(item.problems.map((p) => [p.reason, p.path]), [['UNIT_UNKNOWN', 'Observation.valueQuantity.unit']]);
  const code = async (o) => (await read(o.id)).resource.observation.value_quantity.code;
  assert.deepStrictEqual([await code(cells), await code(red), await code(ph)], ['10*3/uL', '10*6/uL', '[pH]']);
  // Molar or a million: no code of UCUM, so it is left as it is written, as any text is.
  assert.strictEqual(await code(all[doubtful.indexOf('M/L')]), '');
});

test('what was cleaned lies sealed', async () => {
  const o = heart({ ...coded('8480-6'), valueQuantity: { value: 120, unit: 'mmHg' } });
  await load([o]);
  assert.strictEqual(await site.rows('cleaned', `resource_id = ${site.hex(o.id)} AND (sealed LIKE '%mmHg%' OR sealed LIKE '%mm[Hg]%' OR sealed LIKE '%ucum%')`), 0);
  assert.strictEqual(await site.rows('cleaned', `resource_id = ${site.hex(o.id)}`), 1);
});

test('an import that is repeated finds what it cleaned to be the same', async () => {
  const o = heart({ valueQuantity: { value: 60, unit: 'mmHg' }, ...coded('8480-6') });
  await load([o]);
  const again = await load([o]);
  assert.deepStrictEqual([again.created, again.updated, again.unchanged], [0, 0, 1]);
});

test('what cannot be right is told by reason, path and source, and does not go in', async () => {
  const wrong = [
    [heart({ valueQuantity: { value: 400, unit: '/min', system: UCUM, code: '/min' } }), 'IMPLAUSIBLE_VALUE', /^heart rate: 0 to 390 \/min is plausible$/],
    [heart({ ...coded('8310-5'), valueQuantity: { value: 98.6, unit: 'C', system: UCUM, code: 'Cel' } }), 'IMPLAUSIBLE_VALUE', /would fit in \[degF\]/],
    [heart({ ...coded('29463-7'), valueQuantity: { value: 3200, unit: 'kg', system: UCUM, code: 'kg' } }), 'IMPLAUSIBLE_VALUE', /would fit in g$/],
    [heart({ ...coded('2345-7'), valueQuantity: { value: 100, unit: 'mg', system: UCUM, code: 'mg' } }), 'UNIT_UNKNOWN', /glucose/],
    [heart({ ...coded('29463-7'), valueQuantity: { value: 70 } }), 'UNIT_UNKNOWN', /body weight/],
    [heart({ effectiveDateTime: '2999-01-01' }), 'IMPLAUSIBLE_DATE', /future/],
    [heart({ effectiveDateTime: '1949-12-31' }), 'IMPLAUSIBLE_DATE', /before the patient's birth/],
    [{ resourceType: 'Patient', id: uuid(), birthDate: '1850-01-01' }, 'IMPLAUSIBLE_DATE', /130 years/],
  ];
  const import_id = uuid();
  const progress = await load(wrong.map(([r]) => r), { import_id });
  assert.deepStrictEqual([progress.created, progress.quarantined], [0, wrong.length]);
  const { items } = await exchange.call('ListQuarantine', { import_id, page_size: 100 }, admin());
  wrong.forEach(([, reason, words], i) => {
    const item = items.find((x) => x.position === `bundle 1, entry ${i + 1}`);
    assert.deepStrictEqual(item.problems.map((p) => p.reason), [reason], `entry ${i + 1}`);
    assert.match(item.problems[0].text, words);
    if (reason === 'IMPLAUSIBLE_VALUE') assert.ok(item.problems[0].source.length > 20);
  });
});

test('a person at a bedside is not held up: Create takes what an import would ask about', async () => {
  const made = await site.create({ observation: {
    status: 'STATUS_FINAL', code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] }, subject: { reference: `Patient/${patient}` },
    value_quantity: { value: { value: '400' }, unit: '/min', system: UCUM, code: '/min' },
  } }, 'nurse');
  assert.strictEqual(made.version.version, 1);
});
