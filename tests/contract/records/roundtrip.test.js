'use strict';
// What goes in comes out again: 80 bundles of Synthea (fhir_synthea_r4), field by field, numbers
// by their digits.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site, uuid } = require('./site');
const { Num, read, write, differences, synthea, bundle, entry, importing, imported, exported } = require('./bundles');

let site;
before(async () => { site = await Site.start(); });
after(() => site && site.stop());

const NOBODYS = ['Organization', 'Practitioner'];
const OTHERS = ['CarePlan', 'Claim', 'ExplanationOfBenefit', 'Goal', 'ImagingStudy'];
const isPatient = (r) => r.resourceType === 'Patient';
const skip = synthea() ? false : 'no data: fhir_synthea_r4 is not in WARD_DATA';

// What the service adds is its own: meta.versionId and meta.lastUpdated, nothing else.
function asItCame(resource) {
  const { versionId, lastUpdated, ...meta } = resource.meta;
  assert.match(versionId, /^[1-9][0-9]*$/);
  assert.match(lastUpdated, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  const { meta: all, ...rest } = resource;
  return Object.keys(meta).length ? { ...rest, meta } : rest;
}

async function comesBack(entries, options = {}) {
  const patient = entries.map((e) => e.resource).find(isPatient);
  await imported(site, { import_id: uuid() }, bundle(entries), options);
  const { bundles } = await exported(site, { patient_id: patient.id });
  return bundles[0].entry.map((e) => asItCame(e.resource));
}

test('the_comparison_tells_apart_what_is_not_the_same', () => {
  const same = (a, b) => differences(read(a), read(b)).length === 0;
  assert.ok(same('{"a":[1.10,{"b":null}],"c":"x"}', '{"c":"x","a":[1.10,{"b":null}]}'));
  for (const [a, b] of [['1.10', '1.1'], ['1e2', '100'], ['-0', '0'], ['"1"', '1'], ['[1]', '1'], ['{"a":1}', '{}'], ['{}', '{"a":null}'],
    ['[1,2]', '[2,1]'], ['"é"', '"e\\u0301"'], ['null', 'false'], ['[]', '{}'], ['9007199254740993', '9007199254740992']]) {
    assert.ok(!same(a, b), `${a} and ${b}`);
  }
  assert.throws(() => read('{"a":1,}'));
  assert.throws(() => read('[01]'));
});

test('every_field_of_80_bundles_comes_out_as_it_went_in', { skip }, async (t) => {
  const texts = synthea();
  assert.strictEqual(texts.length, 80);
  const source = texts.map(read).flatMap((b) => b.entry.map((e) => e.resource));
  // An organization stands in the bundle of each of its patients: once is created, and later ones are the same.
  const once = new Map(source.map((r) => [r.id, r]));
  const last = await imported(site, { import_id: 'synthea' }, texts);
  const kept = last.created + last.updated + last.unchanged;
  t.diagnostic(`kept_share ${(kept / source.length).toFixed(4)}: ${kept} of ${source.length}`);
  assert.deepStrictEqual([kept, last.created], [source.length, once.size]);
  assert.deepStrictEqual([last.updated, last.quarantined, last.bundles, Number(last.bytes)],
    [0, 0, 80, texts.reduce((n, s) => n + Buffer.byteLength(s), 0)]);

  // What is not interpreted is listed, each with its count.
  const others = {};
  for (const r of source) if (OTHERS.includes(r.resourceType)) others[r.resourceType] = (others[r.resourceType] || 0) + 1;
  assert.deepStrictEqual(Object.fromEntries(last.uninterpreted.map((u) => [u.name, u.count])), others);
  assert.deepStrictEqual([last.unsupported, last.unmodelled], [[], []]);

  const { bundles, resources } = await exported(site);
  assert.strictEqual(bundles.length, 81);
  assert.strictEqual(resources, once.size);
  const out = new Map(bundles.flatMap((b) => b.entry).map((e) => {
    assert.strictEqual(e.fullUrl, `urn:uuid:${e.resource.id}`);
    return [e.resource.id, e.resource];
  }));
  assert.strictEqual(out.size, once.size);
  const changed = source.flatMap((r) => differences(r, asItCame(out.get(r.id)), `${r.resourceType}/${r.id}`));
  assert.deepStrictEqual(changed.slice(0, 10), []);
  const numbers = source.reduce((n, r) => n + (write(r).match(/:-?\d/g) || []).length, 0);
  t.diagnostic(`${source.length} resources of 80 bundles, ${numbers} numbers: no field changed`);

  // A patient's bundle holds what is theirs, and all of it; the last is nobody's.
  assert.deepStrictEqual([...new Set(bundles.pop().entry.map((e) => e.resource.resourceType))].sort(), ['Organization', 'Practitioner']);
  for (const b of bundles) {
    const patients = b.entry.filter((e) => isPatient(e.resource));
    assert.strictEqual(patients.length, 1);
    for (const { resource: r } of b.entry) {
      if (!isPatient(r)) assert.strictEqual((r.subject || r.patient).reference, `urn:uuid:${patients[0].resource.id}`);
    }
  }

  // Once more, the same: nothing is new. What was put right on the way in counts as the same, too.
  const again = await imported(site, { import_id: 'synthea' }, texts);
  assert.deepStrictEqual([again.created, again.updated, again.unchanged], [0, 0, source.length]);
  // And what was exported is what is there.
  const back = await imported(site, { import_id: 'from the export' }, bundles.map(write));
  assert.deepStrictEqual([back.created, back.updated, back.unchanged, back.quarantined], [0, 0, bundles.reduce((n, b) => n + b.entry.length, 0), 0]);
});

test('a_cut_import_is_taken_up_where_it_was', { skip }, async () => {
  const fresh = await Site.start({ services: ['records'] });
  try {
    const texts = synthea().slice(0, 12);
    const all = texts.map(read).flatMap((b) => b.entry.map((e) => e.resource));
    const once = new Map(all.map((r) => [r.id, r]));
    const nobodys = [...once.values()].filter((r) => NOBODYS.includes(r.resourceType)).length;
    const bytes = texts.reduce((n, s) => n + Buffer.byteLength(s), 0);
    const start = { import_id: 'cut', source: 'test', total_bytes: bytes };
    await assert.rejects(importing(fresh, start, texts, { cut: bytes / 2 }), (err) => err.code === 'CANCELLED');
    assert.deepStrictEqual(await fresh.rows('import_run', 'done_at_us IS NOT NULL'), 0);
    const last = (await importing(fresh, start, texts)).at(-1);
    assert.strictEqual(last.done, true);
    assert.strictEqual(last.created + last.unchanged, all.length);
    assert.strictEqual(last.updated, 0);
    assert.ok(last.created > 0);
    assert.deepStrictEqual([await fresh.rows('version'), await fresh.rows('directory_version')], [once.size - nobodys, nobodys]);
    assert.strictEqual(await fresh.rows('import_run', 'done_at_us IS NOT NULL'), 1);
  } finally {
    await fresh.stop();
  }
});

test('an_element_that_nobody_knows_survives', async () => {
  const id = uuid();
  const patient = {
    resourceType: 'Patient', id, birthDate: '1949-08-02', _birthDate: { extension: [{ url: 'http://x/birthTime', valueTime: '10:00:00' }] },
    contained: [{ resourceType: 'Organization', id: 'o', name: 'O' }], managingOrganization: { reference: '#o' },
    name: [{ family: 'A', _family: { id: 'f' }, given: [null, 'Marie'], _given: [{ extension: [{ url: 'http://x/masked', valueBoolean: true }] }, null] }],
    extension: [{ url: 'http://x/dosage', valueDosage: { doseAndRate: [{ doseQuantity: { value: new Num('0.50') } }] } }],
  };
  const last = await imported(site, { import_id: uuid() }, write(read(write({ resourceType: 'Bundle', type: 'collection', entry: [{ resource: patient }] }))));
  assert.deepStrictEqual(last.unmodelled.map((u) => u.name).sort(),
    ['Patient._birthDate', 'Patient.contained', 'Patient.extension.valueDosage', 'Patient.name._family', 'Patient.name._given', 'Patient.name.given']);
  const { bundles } = await exported(site, { patient_id: id });
  assert.deepStrictEqual(differences(read(write(patient)), asItCame(bundles[0].entry[0].resource)), []);
});

// A random value, as deep as asked.
let seed = 7;
const roll = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return Math.floor(seed / 65536) % n; };
function anything(depth) {
  const of = [() => null, () => roll(2) === 0, () => new Num(['0', '-0', '1.10', '1E+3', '12345678901234567890.5'][roll(5)]),
    () => ['', 'x', '京\u0000'.slice(0, 1), 'a"\\\n', '😀'][roll(5)],
    () => Array.from({ length: roll(3) }, () => anything(depth - 1)),
    () => Object.fromEntries(Array.from({ length: roll(3) }, (_, i) => [`k${i}`, anything(depth - 1)]))];
  return of[roll(depth > 0 ? 6 : 4)]();
}
// Adds members that no message has to every object of a value.
function sprinkled(v) {
  if (Array.isArray(v)) return v.map(sprinkled);
  if (v === null || typeof v !== 'object' || v instanceof Num) return v;
  const out = Object.fromEntries(Object.entries(v).map(([k, x]) => [k, sprinkled(x)]));
  for (let i = roll(3); i > 0; i--) out[['_x', 'x-y', 'fhir_comments', 'Ünïcode'][roll(4)]] = anything(3);
  return out;
}

test('random_members_anywhere_come_out_again', async () => {
  const entries = Array.from({ length: 40 }, () => {
    const patient = {
      resourceType: 'Patient', name: [{ family: 'A', period: { start: '2019' } }, { text: 'B' }], maritalStatus: { coding: [{ code: 'M' }] },
      extension: [{ url: 'http://x', valueDecimal: new Num('1.100') }], contact: [{ name: { text: 'C' } }],
    };
    return { resource: { ...sprinkled(patient), id: uuid() } };
  });
  for (const e of entries) e.resource = read(write(e.resource));
  await imported(site, { import_id: uuid() }, write({ resourceType: 'Bundle', type: 'batch', entry: entries }));
  for (const { resource } of entries) {
    const { bundles } = await exported(site, { patient_id: resource.id });
    assert.deepStrictEqual(differences(resource, asItCame(bundles[0].entry[0].resource)), []);
  }
});

test('what_cleaning_puts_right_comes_out_as_it_was', async () => {
  const id = uuid();
  const o = uuid();
  const wrong = { value: new Num('120.0'), unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mmHg' };
  const observation = {
    resourceType: 'Observation', id: o, status: 'final', code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] },
    subject: { reference: `Patient/${id}` }, valueQuantity: wrong,
  };
  const entries = [{ resource: { resourceType: 'Patient', id, active: true } }, { resource: observation }];
  const last = await imported(site, { import_id: uuid() }, write({ resourceType: 'Bundle', type: 'batch', entry: entries }));
  assert.deepStrictEqual([last.created, last.cleaned], [2, 1]);
  const out = (await exported(site, { patient_id: id })).bundles[0].entry.map((e) => e.resource).find((r) => r.id === o);
  assert.deepStrictEqual(differences(read(write(observation)), asItCame(out)), []);
});

test('what_comes_later_in_the_bundle_is_waited_for', async () => {
  const [id, e] = [uuid(), uuid()];
  const subject = { reference: `Patient/${id}` };
  const entries = [
    entry({ resourceType: 'Condition', id: uuid(), subject, encounter: { reference: `urn:uuid:${e}` }, clinicalStatus: { text: 'x' } }),
    entry({ resourceType: 'Encounter', id: e, status: 'finished', class: { code: 'AMB' }, subject }),
    entry({ resourceType: 'Patient', id, active: true }),
  ];
  assert.strictEqual((await comesBack(entries)).length, 3);
  // In any order of three thousand, too.
  const many = Array.from({ length: 3000 }, () => entry({ resourceType: 'Condition', id: uuid(), subject: { reference: 'Patient/late' } }));
  const late = entry({ resourceType: 'Patient', id: 'late', active: true }, 'http://x/Patient/late');
  const last = await imported(site, { import_id: uuid() }, bundle([...many, late]));
  assert.deepStrictEqual([last.created, last.quarantined], [3001, 0]);
});
