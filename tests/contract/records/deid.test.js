'use strict';
// Charts without persons: what is planted in any field does not come out, what research needs does.

const test = require('node:test');
const assert = require('node:assert');
const { Site, PURPOSE, encounter, observation, condition, allergy, note, report, consent, coded } = require('./site');

let site;
let exchange;
let cohort;
const researcher = () => site.tokens.researcher;
const I10 = { code: coded('http://hl7.org/fhir/sid/icd-10', 'I10', 'Hypertension') };

// A patient with something of every kind; nurses' ward-3.
async function whole(more = {}) {
  const { id } = await site.treated('ward-3', more);
  for (const [r, by] of [[observation(id), 'nurse'], [condition(id, I10), 'physician'], [allergy(id), 'physician'],
    [note(id, 'Frau Planted hat Fieber'), 'physician'], [report(id, { conclusion: 'Planted' }), 'physician']]) await site.create(r, by);
  return id;
}

test.before(async () => {
  site = await Site.start({ services: ['records'] });
  exchange = site.api('exchange');
  cohort = [];
  for (let i = 0; i < 6; i++) cohort.push(await whole({ birth_date: i === 0 ? '1930-05-05' : `19${50 + i}-05-05` }));
});
test.after(() => site && site.stop());

// {lines: parsed resources, text, left_out}
async function out(request = {}, by = researcher()) {
  const call = exchange.stream('ExportDeidentified', { project: 'study', ...request }, by);
  const chunks = [];
  let last;
  for await (const m of call) {
    chunks.push(m.chunk);
    assert.ok(m.chunk.length <= 1 << 20);
    last = m;
  }
  const text = Buffer.concat(chunks).toString();
  const lines = text.split('\n').filter(Boolean).map((l) => JSON.parse(l));
  assert.strictEqual(Number(last.resources), lines.length);
  return { text, lines, left_out: Number(last.left_out) };
}
async function refused(request, by = researcher()) {
  try {
    await out(request, by);
  } catch (err) {
    return err;
  }
  throw new Error('it was answered');
}
const kinds = (lines) => [...new Set(lines.map((l) => l.resourceType))].sort();
const of = (lines, type) => lines.filter((l) => l.resourceType === type);

test('every kind goes out under pseudonyms, and no id, name or note with it', async () => {
  const { text, lines } = await out();
  assert.deepStrictEqual(kinds(lines), ['AllergyIntolerance', 'Condition', 'DiagnosticReport', 'DocumentReference', 'Encounter', 'Observation', 'Patient']);
  assert.strictEqual(of(lines, 'Patient').length, cohort.length);
  for (const id of cohort) assert.ok(!text.includes(id));
  assert.doesNotMatch(text, /Beispiel|Anna|Planted|Fieber|ward-3|Practitioner|"text"|"display"/);
  const patients = new Set(of(lines, 'Patient').map((p) => `Patient/${p.id}`));
  for (const l of lines.filter((x) => x.resourceType !== 'Patient')) assert.ok(patients.has((l.subject || l.patient).reference), JSON.stringify(l));
  const [o] = of(lines, 'Observation');
  assert.deepStrictEqual(o.code.coding, [{ system: 'http://loinc.org', code: '8867-4' }]);
  assert.deepStrictEqual(o.valueQuantity, { value: 72, system: 'http://unitsofmeasure.org', code: '/min' });
});

test('strings planted in every field of every kind stay inside', async () => {
  const S = 'Plantedword';
  const ref = { display: S, identifier: { system: `http://x/${S}`, value: S } };
  const ext = [{ url: `http://x/${S}`, value_string: S }];
  const cc = { text: S, coding: [{ system: `http://x/${S}`, code: S, display: S }], extension: ext };
  const period = { start: '2026-03-01', extension: ext };
  const identifier = [{ system: `http://x/${S}`, value: S, assigner: ref, type: cc, period }];
  const all = { text: { status: 'STATUS_GENERATED', div: `<div xmlns="http://www.w3.org/1999/xhtml">${S}</div>` }, extension: ext, identifier, language: 'de',
    meta: { source: `http://x/${S}`, tag: [{ system: `http://x/${S}`, code: S }] }, more_json: JSON.stringify({ _status: { extension: [{ url: S, valueString: S }] } }) };
  const noteOf = [{ author_string: S, text: S, time: '2026-03-01' }];
  const range = [{ text: S, type: cc, applies_to: [cc] }];
  const photo = [{ title: S, content_type: 'image/png', data: Buffer.from(S) }];
  const { id } = await site.treated('ward-3', { ...all, text: all.text, photo, marital_status: cc, managing_organization: ref, general_practitioner: [ref],
    name: [{ family: S, given: [S], prefix: [S], suffix: [S], text: S, period, extension: ext }], telecom: [{ system: 'SYSTEM_EMAIL', value: `${S}@x` }],
    address: [{ line: [S], city: S, district: S, state: S, postal_code: S, country: S, text: S }, { state: 'Ohio' }],
    contact: [{ name: { family: S }, relationship: [cc], telecom: [{ system: 'SYSTEM_PHONE', value: S }] }], communication: [{ language: cc }] });
  const plant = { subject: { reference: `Patient/${id}`, ...ref }, ...all };
  const made = [
    [encounter(id, 'ward-3', { ...plant, type: [cc], service_type: cc, reason_code: [cc], participant: [{ individual: ref }], service_provider: ref,
      hospitalization: { origin: ref, admit_source: cc, pre_admission_identifier: identifier[0] } }), 'registrar'],
    [observation(id, { ...plant, note: noteOf, method: cc, body_site: cc, performer: [ref], value_quantity: { value: { value: '72' }, unit: S, code: S, system: `http://x/${S}` },
      reference_range: range, component: [{ code: cc, value_string: S, reference_range: range }], specimen: ref, device: ref, interpretation: [cc] }), 'nurse'],
    [condition(id, { ...plant, note: noteOf, code: cc, onset_date_time: '', onset_string: S, severity: cc, evidence: [{ code: [cc], detail: [ref] }],
      stage: [{ summary: cc, assessment: [ref] }], recorder: ref, asserter: ref }), 'physician'],
    [allergy(id, { ...all, patient: plant.subject, code: cc, note: noteOf, reaction: [{ description: S, substance: cc, manifestation: [cc], note: noteOf }], recorder: ref }), 'physician'],
    [note(id, S, { ...plant, description: S, author: [ref], custodian: ref, type: cc, context: { event: [cc], facility_type: cc, related: [ref] } }), 'physician'],
    [report(id, { ...plant, conclusion: S, conclusion_code: [cc], media: [{ comment: S, link: ref }], performer: [ref], presented_form: photo }), 'physician'],
  ];
  for (const [r, by] of made) await site.create(r, by);
  const { text, lines } = await out();
  assert.ok(!text.includes(S), text.split('\n').find((l) => l.includes(S)));
  assert.ok(!text.includes(Buffer.from(S).toString('base64').slice(0, 12)));
  const states = of(lines, 'Patient').flatMap((p) => p.address || []);
  assert.deepStrictEqual(states, [{ state: 'Ohio' }]);
});

test('dates are shifted by one number of days a patient, intervals stay, times are in UTC', async () => {
  const { lines } = await out();
  const DAY = 86400000;
  const shifts = new Set();
  for (const e of of(lines, 'Encounter')) {
    const o = of(lines, 'Observation').find((x) => x.subject.reference === e.subject.reference);
    if (!o || !e.period) continue;
    assert.match(e.period.start, /T00:00:00Z$/);
    const back = (Date.parse('2026-03-01T08:00:00+08:00') - Date.parse(e.period.start)) / DAY;
    assert.ok(Number.isInteger(back) && back >= 1 && back <= 364, String(back));
    if (o.effectiveDateTime) assert.strictEqual((Date.parse('2026-03-02T09:30:00+08:00') - Date.parse(o.effectiveDateTime)) / DAY, back);
    shifts.add(back);
  }
  assert.ok(shifts.size > 1, 'all patients have the same shift');
});

test('birth dates are years, and who is 90 or more is one of a group', async () => {
  const { lines } = await out({ kinds: ['KIND_PATIENT'] });
  assert.deepStrictEqual(kinds(lines), ['Patient']);
  for (const p of lines) assert.ok(p.birthDate === undefined || /^\d{4}$/.test(p.birthDate));
  const old = lines.filter((p) => p.birthDate === undefined);
  assert.strictEqual(old.length, 1);
  assert.deepStrictEqual(old[0].meta.tag, [{ system: 'http://ward/deidentified', code: 'over-89' }]);
});

test('nothing tells the age or the birth of who is 90 or more', async () => {
  const [old, young] = cohort;
  const years = (n) => ({ value: { value: String(n) }, unit: 'a', system: 'http://unitsofmeasure.org', code: 'a' });
  const said = (id, system, code, more) => site.create(observation(id, { code: coded(system, code), value_quantity: undefined, effective_date_time: '2024-05-06', ...more }), 'nurse');
  const LOINC = 'http://loinc.org', SNOMED = 'http://snomed.info/sct';
  for (const id of [old, young]) {
    await said(id, LOINC, '21112-8', { value_date_time: id === old ? '1930-05-05' : '1951-05-05' });
    await said(id, LOINC, '30525-0', { value_quantity: years(73) });
    await said(id, LOINC, '29553-5', { value_quantity: years(73) });
    await said(id, LOINC, '35659-2', { value_quantity: years(73) });
    await said(id, SNOMED, '424144002', { value_quantity: years(73) });
    await said(id, LOINC, '2160-0', { value_quantity: { value: { value: '1' }, system: 'http://unitsofmeasure.org', code: 'mg/dL', unit: 'mg/dL' },
      reference_range: [{ low: { value: { value: '0.5' } }, age: { low: years(71), high: years(79) } }] });
  }
  await site.create(encounter(old, 'ward-3', { period: { start: '1930-05-05', end: '1930-05-09' } }), 'registrar');
  const { lines } = await out();
  const [tagged] = of(lines, 'Patient').filter((p) => p.meta);
  const codes = (keep) => of(lines, 'Observation').filter(keep).map((o) => o.code.coding[0].code);
  const ofOld = (l) => l.subject.reference === `Patient/${tagged.id}`;
  assert.deepStrictEqual([...new Set(codes(ofOld))].sort(), ['2160-0', '8867-4']);
  assert.deepStrictEqual([...new Set(codes((o) => !ofOld(o)))].sort(), ['2160-0', '29553-5', '30525-0', '35659-2', '424144002', '8867-4']);
  const ranges = (keep) => of(lines, 'Observation').filter((o) => keep(o) && o.code.coding[0].code === '2160-0').map((o) => o.referenceRange[0]);
  assert.deepStrictEqual(ranges(ofOld), [{ low: { value: 0.5 } }]);
  assert.strictEqual(ranges((o) => !ofOld(o))[0].age.low.value, 71);
  assert.doesNotMatch(JSON.stringify(lines.filter((l) => l !== tagged && l.subject && ofOld(l))), /"19[23]\d/);
});

test('the same project has the same pseudonyms, another has others, and the dates are the same in all', async () => {
  const one = await out();
  assert.strictEqual((await out()).text, one.text);
  const other = await out({ project: 'other-study' });
  const ids = new Set(one.lines.map((l) => l.id));
  assert.ok(other.lines.every((l) => !ids.has(l.id)));
  // were there another shift for each project, the latest date of many would be the true one
  const dates = (lines) => of(lines, 'Encounter').map((e) => e.period.start).sort();
  assert.ok(dates(one.lines).length > 0);
  for (let k = 0; k < 5; k++) assert.deepStrictEqual(dates((await out({ project: `p${k}`, kinds: ['KIND_ENCOUNTER'] })).lines), dates(one.lines));
});

test('only patients with a condition, where it is asked for', async () => {
  const I10s = await out({ condition: 'http://hl7.org/fhir/sid/icd-10|I10', kinds: ['KIND_PATIENT'] });
  assert.strictEqual(I10s.lines.length, 6);
  const none = await refused({ condition: 'http://hl7.org/fhir/sid/icd-10|E11' });
  assert.deepStrictEqual([none.code, none.reason], ['FAILED_PRECONDITION', 'COHORT_TOO_SMALL']);
});

test('whoever denies it to everybody or to researchers is left out, with all of theirs', async () => {
  const before = await out({ kinds: ['KIND_PATIENT'] });
  const [a, b] = [await whole({ birth_date: '1941-01-01' }), await whole({ birth_date: '1942-01-01' })];
  await site.create(consent(a), 'registrar');
  await site.create(consent(b, { type: 'PROVISION_TYPE_PERMIT', provision: [{ type: 'PROVISION_TYPE_DENY',
    actor: [{ role: coded('http://ward/roles', 'researcher'), reference: { reference: 'Practitioner/researcher-1' } }] }] }), 'registrar');
  const after = await out({ kinds: ['KIND_PATIENT'] });
  assert.strictEqual(after.lines.length, before.lines.length);
  assert.strictEqual(after.left_out, before.left_out + 2);
  assert.ok(!after.lines.some((p) => p.birthDate === '1941' || p.birthDate === '1942'));
});

test('what was entered in error does not go out', async () => {
  const [id] = cohort;
  const before = (await out({ kinds: ['KIND_OBSERVATION'] })).lines.length;
  const made = await site.create(observation(id), 'nurse');
  assert.strictEqual((await out({ kinds: ['KIND_OBSERVATION'] })).lines.length, before + 1);
  await site.records.call('MarkEnteredInError', { idempotency_key: site.key(), kind: 'KIND_OBSERVATION', id: made.version.resource_id, expected_version: 1,
    reason: 'wrong patient' }, site.tokens.nurse);
  assert.strictEqual((await out({ kinds: ['KIND_OBSERVATION'] })).lines.length, before);
});

test('each patient’s chart tells that it went out', async () => {
  const seen = () => site.rows('seen', `patient_id = ${site.hex(cohort[1])}`);
  const before = await seen();
  await out();
  assert.strictEqual(await seen(), before + 1);
});

test('requests that make no sense are refused, and other purposes and roles', async () => {
  for (const project of ['', 'A', 'a b', 'x'.repeat(65), 'ä']) assert.strictEqual((await refused({ project })).field, 'project');
  assert.strictEqual((await refused({ kinds: ['KIND_UNSPECIFIED'] })).field, 'kinds');
  for (const bad of ['I10', '|I10', 'http://x|', 'x'.repeat(600)]) assert.strictEqual((await refused({ condition: bad })).field, 'condition');
  const err = await refused({}, site.as('researcher', { purpose: 'TREAT' }));
  assert.deepStrictEqual([err.code, err.reason], ['PERMISSION_DENIED', 'PURPOSE_NOT_ALLOWED']);
  for (const role of Object.keys(PURPOSE).filter((r) => r !== 'researcher')) {
    assert.strictEqual((await refused({}, site.tokens[role])).reason, 'ROLE_MISSING', role);
  }
});

test('fewer than five patients are too few', async () => {
  const small = await Site.start({ services: ['records'] });
  try {
    for (let i = 0; i < 4; i++) await small.patient();
    const call = () => new Promise((resolve, reject) => {
      (async () => { for await (const m of small.api('exchange').stream('ExportDeidentified', { project: 'p' }, small.tokens.researcher)) void m; })().then(() => reject(new Error('went out')), resolve);
    });
    assert.strictEqual((await call()).reason, 'COHORT_TOO_SMALL');
    const fifth = await small.patient();
    const denies = await small.create(consent(fifth), 'registrar');
    assert.strictEqual((await call()).reason, 'COHORT_TOO_SMALL');
    assert.ok(denies.version.resource_id);
  } finally {
    await small.stop();
  }
});
