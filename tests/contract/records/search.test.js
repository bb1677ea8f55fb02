'use strict';
// Search, parameter by parameter: each finds what it should and not its neighbour, and says what is
// wrong with what it does not know.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site, person, encounter, observation, condition, allergy, note, report, consent, coded, loinc, quantity, uuid, nobody } = require('./site');
const { p, ask, refused, ids, idOf } = require('./searching');

const SCT = 'http://snomed.info/sct';
const CAT = 'http://terminology.hl7.org/CodeSystem/observation-category';
let site, a, b, made;

before(async () => {
  site = await Site.start({ services: ['records'] });
  a = await site.treated('ward-3', {
    name: [{ family: 'Größe', given: ['Anna', 'Maria'], prefix: ['Dr.'] }, { text: '王小明' }],
    identifier: [{ system: 'urn:mrn', value: 'A-17' }, { system: 'urn:card', value: 'x|y' }], birth_date: '1949-08-02',
    telecom: [{ system: 'SYSTEM_PHONE', value: '+49 (30) 123-45' }, { system: 'SYSTEM_EMAIL', value: 'Anna@Example.org' }],
    address: [{ postal_code: '10115' }], active: true, general_practitioner: [{ reference: 'Practitioner/gp-1' }],
    communication: [{ language: coded('urn:ietf:bcp:47', 'de') }],
  });
  b = await site.treated('ward-3', {
    name: [{ family: "O'Brien-Smith", given: ['Annabel'] }], identifier: [{ system: 'urn:mrn', value: 'A-18' }], birth_date: '1949',
    gender: 'ADMINISTRATIVE_GENDER_MALE', deceased_date_time: '2026-03-05', active: false,
  });
  made = {};
  made.enc = (await site.create(encounter(a.id, 'icu', {
    status: 'STATUS_FINISHED', period: { start: '2026-01-10T08:00:00Z', end: '2026-01-20T08:00:00Z' },
    type: [coded(SCT, '32485007')], reason_code: [coded(SCT, '386661006')], identifier: [{ system: 'urn:visit', value: 'v1' }],
    participant: [{ individual: { reference: 'Practitioner/dr-1' } }], service_provider: { reference: 'Organization/hospital' },
  }))).version.resource_id;
  made.hr = (await site.create(observation(a.id, {
    category: [coded(CAT, 'vital-signs')], encounter: { reference: `Encounter/${made.enc}` }, performer: [{ reference: 'Practitioner/n-1' }],
    issued: '2026-03-02T10:00:00Z', identifier: [{ value: 'obs-1' }],
  }), 'nurse')).version.resource_id;
  made.bp = (await site.create(observation(a.id, {
    code: loinc('85354-9'), value_quantity: undefined, effective_date_time: '2026-03', status: 'STATUS_PRELIMINARY',
    component: [{ code: loinc('8480-6'), value_quantity: quantity('120', 'mm[Hg]') }], has_member: [{ reference: `Observation/${made.hr}` }],
  }), 'nurse')).version.resource_id;
  made.group = (await site.create(observation(b.id, {
    code: loinc('882-1'), value_quantity: undefined, value_codeable_concept: coded(SCT, '112144000'), effective_date_time: undefined,
  }), 'nurse')).version.resource_id;
  made.cond = (await site.create(condition(a.id, {
    category: [coded('http://terminology.hl7.org/CodeSystem/condition-category', 'encounter-diagnosis')], severity: coded(SCT, '24484000'),
    verification_status: coded('http://terminology.hl7.org/CodeSystem/condition-ver-status', 'confirmed'), recorded_date: '2026-03-01',
    encounter: { reference: `Encounter/${made.enc}` },
  }), 'physician')).version.resource_id;
  made.allergy = (await site.create(allergy(a.id, {
    type: 'TYPE_ALLERGY', category: ['CATEGORY_MEDICATION'], criticality: 'CRITICALITY_HIGH', onset_date_time: '2001', recorded_date: '2020-05-05',
    clinical_status: coded('http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', 'active'),
  }), 'physician')).version.resource_id;
  made.doc = (await site.create(note(a.id, 'a note', {
    category: [loinc('LP173421-1')], date: '2026-03-03T12:00:00Z', author: [{ reference: 'Practitioner/dr-1' }],
    context: { encounter: [{ reference: `Encounter/${made.enc}` }] },
  }), 'physician')).version.resource_id;
  made.rep = (await site.create(report(a.id, {
    category: [coded('http://terminology.hl7.org/CodeSystem/v2-0074', 'HM')], result: [{ reference: `Observation/${made.hr}` }],
    conclusion_code: [coded(SCT, '165397008')], issued: '2026-03-02T11:00:00Z', performer: [{ reference: 'Organization/lab' }],
  }), 'physician')).version.resource_id;
  made.con = (await site.create(consent(a.id, { type: 'PROVISION_TYPE_PERMIT' }, { date_time: '2026-02-01' }))).version.resource_id;
});
after(() => site?.stop());

// [kind, parameter, values that find it, values that do not, which of `made` (or a patient)]
const P = 'KIND_PATIENT', E = 'KIND_ENCOUNTER', O = 'KIND_OBSERVATION', C = 'KIND_CONDITION', A = 'KIND_ALLERGY_INTOLERANCE';
const D = 'KIND_DOCUMENT_REFERENCE', R = 'KIND_DIAGNOSTIC_REPORT', N = 'KIND_CONSENT';
const cases = () => [
  [P, '_id', [a.id], [b.id, nobody], a.id],
  [P, 'identifier', ['urn:mrn|A-17', 'A-17', 'urn:card|x\\|y'], ['urn:mrn|A-18', 'urn:other|A-17', 'a-17', 'A-1'], a.id],
  [P, 'name', ['groß', 'GROSSE', 'Grösse', 'ann', 'mar', 'anna gr', 'dr', '王', '王小', '小明', '王 小明'], ['anni', 'rosse', '明', '王明', 'anna smith'], a.id],
  [P, 'name', ['brien', 'smi', "o'bri", 'obrien', 'OBRIEN-SMITH', 'O’Brien', 'annab'], ['rien', 'bri obs'], b.id],
  [P, 'family', ['grosse', 'gr'], ['anna', '王'], a.id],
  [P, 'given', ['anna', 'maria', 'Anna M'], ['grosse'], a.id],
  [P, 'name:exact', ['Größe', 'Anna', '王小明'], ['größe', 'Ann', 'Annabel'], a.id],
  [P, 'family:exact', ['Größe'], ['Anna', 'Grösse'], a.id],
  [P, 'birthdate', ['1949-08-02', 'eq1949-08', '1949', 'ge1949-08-02', 'le1949-08-02', 'gt1949-08-01', 'lt1949-08-03', 'sa1949-08-01', 'eb1949-08-03'],
    ['1949-08-03', 'gt1949-08-02', 'lt1949-08-02', '1950', 'sa1949', 'eb1949', 'ne1949-08-02'], a.id],
  [P, 'birthdate', ['1949', 'ne1949-08-02', 'ge1949', 'gt1949-06', 'lt1949-06'], ['1949-08', 'gt1949', 'eb1949-06'], b.id],
  [P, 'gender', ['female'], ['male', 'other'], a.id],
  [P, 'gender:not', ['male'], ['female'], a.id],
  [P, 'active', ['true'], ['false'], a.id],
  [P, 'deceased', ['true'], ['false'], b.id],
  [P, 'death-date', ['2026-03-05', 'ge2026'], ['2026-03-04'], b.id],
  [P, 'telecom', ['+493012345', 'anna@example.ORG'], ['493012345', 'example.org'], a.id],
  [P, 'phone', ['+49 30 12345'], ['+49 30 12346'], a.id],
  [P, 'email', ['ANNA@example.org'], ['bert@example.org'], a.id],
  [P, 'address-postalcode', ['10115'], ['10116', '101'], a.id],
  [P, 'language', ['de', 'urn:ietf:bcp:47|de'], ['en'], a.id],
  [P, 'general-practitioner', ['Practitioner/gp-1', 'gp-1'], ['Practitioner/gp-2'], a.id],
  [P, 'telecom:missing', ['false'], ['true'], a.id],
  [P, 'death-date:missing', ['true'], ['false'], a.id],
  [E, 'status', ['finished'], ['planned', 'in-progress'], 'enc'],
  [E, 'status:not', ['in-progress'], ['finished'], 'enc'],
  [E, 'class', ['IMP', 'http://terminology.hl7.org/CodeSystem/v3-ActCode|IMP'], ['AMB', 'urn:x|IMP'], 'enc'],
  [E, 'type', [`${SCT}|32485007`], [`${SCT}|386661006`], 'enc'],
  [E, 'reason-code', ['386661006'], ['32485007'], 'enc'],
  [E, 'location', ['icu', 'Location/icu'], ['ic', 'Location/ward-4'], 'enc'],
  [E, 'location:Location', ['icu'], ['ward-4'], 'enc'],
  [E, 'participant', ['Practitioner/dr-1', 'dr-1'], ['Practitioner/dr-2', 'Organization/dr-1'], 'enc'],
  [E, 'participant:Practitioner', ['dr-1'], ['dr-2'], 'enc'],
  [E, 'service-provider', ['Organization/hospital', 'hospital'], ['Organization/other'], 'enc'],
  [E, 'date', ['2026-01', 'ge2026-01-10', 'gt2026-01-15', 'lt2026-01-15', 'sa2026-01-09', 'eb2026-01-21'],
    ['2026-01-15', 'sa2026-01-10', 'eb2026-01-20', 'gt2026-01-20', '2025'], 'enc'],
  [E, 'identifier', ['urn:visit|v1'], ['urn:visit|v2'], 'enc'],
  [O, 'patient', [() => a.id, () => `Patient/${a.id}`, () => `urn:uuid:${a.id}`], [() => b.id, nobody], 'hr'],
  [O, 'subject', [() => `Patient/${a.id}`], [() => b.id], 'hr'],
  [O, 'code', ['http://loinc.org|8867-4', '8867-4'], ['http://loinc.org|8867-5', 'urn:x|8867-4', '8480-6'], 'hr'],
  [O, 'code:not', ['85354-9'], ['8867-4'], 'hr'],
  [O, 'category', ['vital-signs', `${CAT}|vital-signs`], ['laboratory'], 'hr'],
  [O, 'category:missing', ['true'], ['false'], 'bp'],
  [O, 'status', ['final'], ['amended'], 'hr'],
  [O, 'date', ['2026-03-02', '2026-03-02T01:30:00Z', '2026-03-02T09:30:00+08:00', '2026-03-02T01:30Z', '2026-03-02T09:30+08:00', 'ap2026-03'],
    ['2026-03-02T09:30:00Z', '2026-03-02T01:31Z', '2026-03-01'], 'hr'],
  [O, 'date:missing', ['true'], ['false'], 'group'],
  [O, 'issued', ['2026-03-02T10:00:00Z', 'lt2026-04'], ['2026-03-03'], 'hr'],
  [O, 'encounter', [() => `Encounter/${made.enc}`, () => made.enc], [nobody], 'hr'],
  [O, 'encounter:missing', ['false'], ['true'], 'hr'],
  [O, 'value-quantity', ['72||/min', '72|http://unitsofmeasure.org|/min', 'gt71||/min', '1.2||/s', 'ap75||/min', 'le4320||/h', 'ne80||/min'],
    ['72.4||/min', '73||/min', 'gt72||/min', '72||mm[Hg]', '72||1', 'lt72||/min'], 'hr'],
  [O, 'value-quantity:missing', ['true'], ['false'], 'bp'],
  [O, 'value-concept', [`${SCT}|112144000`], [`${SCT}|1`], 'group'],
  [O, 'component-code', ['8480-6'], ['8462-4'], 'bp'],
  [O, 'combo-code', ['8480-6', '85354-9'], ['8462-4'], 'bp'],
  [O, 'performer', ['Practitioner/n-1', 'n-1'], ['Practitioner/n-2'], 'hr'],
  [O, 'has-member', [() => `Observation/${made.hr}`, () => made.hr], [nobody], 'bp'],
  [C, 'code', ['http://hl7.org/fhir/sid/icd-10|J18.9'], ['J18'], 'cond'],
  [C, 'category', ['encounter-diagnosis'], ['problem-list-item'], 'cond'],
  [C, 'clinical-status', ['active'], ['resolved'], 'cond'],
  [C, 'verification-status', ['confirmed'], ['refuted'], 'cond'],
  [C, 'severity', ['24484000'], ['6736007'], 'cond'],
  [C, 'onset-date', ['2026-02-27', 'ge2026'], ['2026-02-26'], 'cond'],
  [C, 'recorded-date', ['2026-03-01'], ['2026-02-27'], 'cond'],
  [C, 'encounter', [() => made.enc], [nobody], 'cond'],
  [A, 'code', ['91936005'], ['1'], 'allergy'],
  [A, 'category', ['medication'], ['food'], 'allergy'],
  [A, 'type', ['allergy'], ['intolerance'], 'allergy'],
  [A, 'criticality', ['high'], ['low'], 'allergy'],
  [A, 'clinical-status', ['active'], ['inactive'], 'allergy'],
  [A, 'verification-status:missing', ['true'], ['false'], 'allergy'],
  [A, 'onset', ['2001', 'lt2002'], ['2002'], 'allergy'],
  [A, 'date', ['2020-05-05'], ['2001'], 'allergy'],
  [D, 'type', ['http://loinc.org|34109-9'], ['11506-3'], 'doc'],
  [D, 'category', ['LP173421-1'], ['34109-9'], 'doc'],
  [D, 'status', ['current'], ['superseded'], 'doc'],
  [D, 'date', ['2026-03-03', 'ge2026-03-03T12:00:00Z'], ['gt2026-03-03T12:00:00Z'], 'doc'],
  [D, 'encounter', [() => made.enc], [nobody], 'doc'],
  [D, 'author', ['Practitioner/dr-1'], ['Practitioner/dr-2'], 'doc'],
  [R, 'code', ['58410-2'], ['1'], 'rep'],
  [R, 'category', ['HM'], ['CH'], 'rep'],
  [R, 'status', ['final'], ['partial'], 'rep'],
  [R, 'date', ['2026-03-02'], ['2026-03-03'], 'rep'],
  [R, 'issued', ['2026-03-02T11:00:00Z'], ['2026-03-02T12:00:00Z'], 'rep'],
  [R, 'encounter:missing', ['true'], ['false'], 'rep'],
  [R, 'result', [() => `Observation/${made.hr}`], [nobody], 'rep'],
  [R, 'conclusion', ['165397008'], ['1'], 'rep'],
  [R, 'performer', ['Organization/lab'], ['Organization/other'], 'rep'],
  [N, 'status', ['active'], ['rejected'], 'con'],
  [N, 'scope', ['patient-privacy'], ['research'], 'con'],
  [N, 'category', ['infa'], ['x'], 'con'],
  [N, 'date', ['2026-02-01'], ['2026-02-02'], 'con'],
];

test('a_name_is_found_as_people_type_it', async () => {
  const found = (name) => ids(site, P, [p('name', name)], { by: 'registrar' });
  const { id: ming } = await site.treated('ward-3', { name: [{ family: '欧', given: ['晓鸣'] }] });
  const { id: whole } = await site.treated('ward-3', { name: [{ text: '欧阳文慧' }] });
  for (const name of ['欧晓鸣', '欧晓', '晓鸣', '欧 晓鸣']) assert.deepStrictEqual(await found(name), [ming], name);
  for (const name of ['欧阳文慧', '欧阳', '文慧']) assert.deepStrictEqual(await found(name), [whole], name);
  for (const [family, typed] of [['Łukasiewicz', 'lukasiewicz'], ['Øystein', 'oystein'], ['Æsir', 'aesir'], ['Işıl', 'isil'], ["D'Ångelo", 'dangelo']]) {
    const { id } = await site.treated('ward-3', { name: [{ family }] });
    for (const name of [typed, family]) assert.deepStrictEqual(await found(name), [id], name);
  }
});

test('a_chinese_name_is_found_by_its_pinyin', async () => {
  const found = (name, value, by = 'registrar') => ids(site, P, [p(name, value)], { by });
  const { id: lu } = await site.treated('ward-3', { name: [{ family: '吕', given: ['筱婉'] }] });
  const { id: zeng } = await site.treated('ward-3', { name: [{ text: '曾祖蓉' }] });
  for (const name of ['lu xiaowan', 'Lü Xiaowan', 'lv xiaowan', 'LYU XIAO-WAN', 'luxiaowan', 'xiao lyu', 'xiaowan lv']) assert.deepStrictEqual(await found('name', name), [lu], name);
  for (const name of ['zeng zurong', 'zengzurong', 'ceng zurong', 'zurong']) assert.deepStrictEqual(await found('name', name), [zeng], name);
  assert.deepStrictEqual(await found('family', 'lyu'), [lu]);
  assert.deepStrictEqual(await found('given', 'xiaowan'), [lu]);
  assert.deepStrictEqual(await found('given', 'lyu'), []);
  assert.deepStrictEqual(await found('name', 'wanxiao'), []);
});

test('parameters must all holdevery parameter finds what it should, and not its neighbour', async () => {
  for (const [kind, name, hits, misses, which] of cases()) {
    const want = made[which] || which;
    for (const [values, is] of [[hits, true], [misses, false]]) {
      for (const v of values) {
        const value = typeof v === 'function' ? v() : v;
        const found = await ids(site, kind, [p(name, value)]);
        assert.strictEqual(found.includes(want), is, `${kind} ${name}=${value}`);
      }
    }
    // alternatives: what does not find it beside what does
    const value = typeof hits[0] === 'function' ? hits[0]() : hits[0];
    const miss = typeof misses[0] === 'function' ? misses[0]() : misses[0];
    if (!/:not|:missing/.test(name)) assert.ok((await ids(site, kind, [p(name, miss, value)])).includes(want), `${kind} ${name}=${miss},${value}`);
  }
});

test('parameters must all hold, and the same one twice too', async () => {
  assert.deepStrictEqual(await ids(site, O, [p('patient', a.id), p('code', '8867-4'), p('date', 'ge2026-03-02'), p('date', 'lt2026-03-03')]), [made.hr]);
  assert.deepStrictEqual(await ids(site, O, [p('patient', b.id), p('code', '8867-4')]), []);
  assert.deepStrictEqual(await ids(site, P, [p('given', 'anna'), p('given', 'maria')]), [a.id]);
});

test('when it was written is asked as a date', async () => {
  const { records: [record] } = await ask(site, O, [p('_id', made.hr)]);
  const last = record.resource.observation.meta.last_updated;
  const year = new Date().getUTCFullYear();
  assert.deepStrictEqual(await ids(site, O, [p('_id', made.hr), p('_lastUpdated', `ge${year}`)]), [made.hr]);
  assert.deepStrictEqual(await ids(site, O, [p('_id', made.hr), p('_lastUpdated', last)]), [made.hr]);
  assert.deepStrictEqual(await ids(site, O, [p('_id', made.hr), p('_lastUpdated', `lt${year - 1}`)]), []);
});

test('a record is whole: resource, version, no more than was asked for', async () => {
  const { records: [record] } = await ask(site, O, [p('_id', made.hr)]);
  assert.strictEqual(record.resource.observation.id, made.hr);
  assert.strictEqual(record.resource.observation.value_quantity.value.value, '72');
  assert.strictEqual(record.version.version, 1);
  assert.strictEqual(record.version.patient_id, a.id);
  assert.strictEqual(record.version.actor, 'nurse-1');
  assert.strictEqual(record.entered_in_error, false);
});

test('what was entered in error is found only when it is asked for', async () => {
  const wrong = (await site.create(observation(a.id, { code: loinc('9279-1') }), 'nurse')).version.resource_id;
  await site.records.call('MarkEnteredInError', { idempotency_key: site.key(), kind: O, id: wrong, expected_version: 1, reason: 'another patient' }, site.tokens.nurse);
  assert.deepStrictEqual(await ids(site, O, [p('code', '9279-1')]), []);
  const { records } = await ask(site, O, [p('code', '9279-1')], { include_entered_in_error: true });
  assert.deepStrictEqual(records.map(idOf), [wrong]);
  assert.strictEqual(records[0].entered_in_error, true);
  assert.deepStrictEqual(await ids(site, O, [p('status', 'entered-in-error')], { include_entered_in_error: true }), [wrong]);
});

test('an update moves what it is found by', async () => {
  const made = await site.create(observation(b.id, { code: loinc('8310-5'), effective_date_time: '2026-03-01' }), 'nurse');
  const resource = made.resource;
  resource.observation.code = loinc('8331-1');
  resource.observation.effective_date_time = '2026-03-09';
  await site.update(resource, 1, 'nurse');
  assert.deepStrictEqual(await ids(site, O, [p('code', '8310-5')]), []);
  assert.deepStrictEqual(await ids(site, O, [p('code', '8331-1'), p('date', '2026-03-09')]), [made.version.resource_id]);
});

test('the orders are by date both ways, undated at their end, and by writing', async () => {
  const only = [p('code', 'ordered')];
  const made = [];
  for (const effective_date_time of ['2020-01-02', undefined, '2020-01-01', '2020-01-03']) {
    made.push((await site.create(observation(b.id, { code: coded('urn:t', 'ordered'), effective_date_time }), 'nurse')).version.resource_id);
  }
  const [second, undated, first, third] = made;
  assert.deepStrictEqual(await ids(site, O, only), [third, second, first, undated]);
  assert.deepStrictEqual(await ids(site, O, only, { order: 'ORDER_DATE_DESC' }), [third, second, first, undated]);
  assert.deepStrictEqual(await ids(site, O, only, { order: 'ORDER_DATE_ASC' }), [undated, first, second, third]);
  assert.deepStrictEqual(await ids(site, O, only, { order: 'ORDER_UPDATED_DESC' }), [third, first, undated, second]);
});

test('what is wrong is said by name and never by value', async () => {
  const secret = 'Beispiel-1949';
  const bad = [
    [O, 'name', 'anna', 'PARAMETER_UNKNOWN'], [P, 'code', 'x', 'PARAMETER_UNKNOWN'], [P, 'patient', uuid(), 'PARAMETER_UNKNOWN'],
    [C, 'status', 'active', 'PARAMETER_UNKNOWN'], [O, secret, 'x', 'PARAMETER_UNKNOWN'], [O, '', 'x', 'PARAMETER_UNKNOWN'],
    [O, '_id', secret, 'PARAMETER_INVALID'], [O, 'patient', secret, 'PARAMETER_INVALID'], [O, 'patient', `Encounter/${uuid()}`, 'PARAMETER_INVALID'],
    [O, 'date', secret, 'PARAMETER_INVALID'], [O, 'date', '2026-02-30', 'PARAMETER_INVALID'], [O, 'date', 'xx2026', 'PARAMETER_INVALID'],
    [O, 'date', '2026-03-02T25:00:00Z', 'PARAMETER_INVALID'], [O, 'date', 'ge', 'PARAMETER_INVALID'], [O, 'date', '2026-03-02T10', 'PARAMETER_INVALID'],
    [O, 'status', 'finished', 'PARAMETER_INVALID'], [O, 'code', 'http://loinc.org|', 'PARAMETER_INVALID'], [O, 'code', '|', 'PARAMETER_INVALID'],
    [O, 'code', '|8867-4', 'PARAMETER_INVALID'], [P, 'identifier', '|A-17', 'PARAMETER_INVALID'],
    [O, 'value-quantity', '72', 'PARAMETER_INVALID'], [O, 'value-quantity', 'x||/min', 'PARAMETER_INVALID'],
    [O, 'value-quantity', '72||parsec-ish', 'PARAMETER_INVALID'], [O, 'value-quantity', '5||U/ML', 'PARAMETER_INVALID'], [O, 'value-quantity', '72|urn:units|/min', 'PARAMETER_INVALID'],
    [O, 'value-quantity', `${'9'.repeat(60)}||/min`, 'PARAMETER_INVALID'], [P, 'identifier', 'urn:mrn|', 'PARAMETER_INVALID'],
    [P, 'name', '--', 'PARAMETER_INVALID'], [P, 'name', 'a b c d e f g h i', 'PARAMETER_INVALID'], [P, 'name:contains', 'nn', 'PARAMETER_INVALID'],
    [P, 'name:not', 'anna', 'PARAMETER_INVALID'], [O, 'code:text', 'heart', 'PARAMETER_INVALID'], [O, 'date:missing', 'maybe', 'PARAMETER_INVALID'],
    [O, 'status:missing', 'true', 'PARAMETER_INVALID'], [O, 'performer:missing', 'true', 'PARAMETER_INVALID'],
    [E, 'participant:Device', 'x', 'PARAMETER_INVALID'], [E, 'participant:Practitioner', 'Practitioner/x', 'PARAMETER_INVALID'],
    [O, 'code', '', 'PARAMETER_INVALID'], [O, 'code', 'x'.repeat(257), 'PARAMETER_INVALID'],
  ];
  for (const [kind, name, value, reason] of bad) {
    const err = await refused(site, kind, [p(name, value)]).catch((e) => e);
    assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', reason], `${kind} ${name}=${value}: ${err.message}`);
    assert.ok(!value || value.length < 3 || !err.message.includes(value), err.message);
    assert.ok(!err.message.includes(secret) && !String(err.field).includes(secret), err.message);
    if (reason === 'PARAMETER_INVALID') assert.strictEqual(err.field, name.split(':')[0]);
  }
});

test('fields out of range are refused', async () => {
  const wrong = [
    [{ page_size: 201 }, 'page_size'], [{ page_size: -1 }, 'page_size'], [{ order: 9 }, 'order'], [{ total: 7 }, 'total'],
    [{ parameters: Array(13).fill(p('code', 'x')) }, 'parameters'],
  ];
  for (const [more, field] of wrong) {
    const err = await refused(site, O, more.parameters || [], more);
    assert.deepStrictEqual([err.code, err.field], ['INVALID_ARGUMENT', field]);
  }
  for (const kind of ['KIND_UNSPECIFIED', 77]) assert.strictEqual((await refused(site, kind, [])).field, 'kind');
  for (const values of [[], Array(21).fill('x')]) {
    const err = await refused(site, O, [{ name: 'code', values }]);
    assert.deepStrictEqual([err.reason, err.field], ['PARAMETER_INVALID', 'code']);
  }
});

test('twelve parameters of twenty values are asked and answered', async () => {
  const codes = Array.from({ length: 19 }, (_, i) => `no-${i}`);
  const many = [p('code', '8867-4', ...codes), p('combo-code', '8867-4', ...codes), p('status', ...Array(20).fill('final')), p('date', ...Array(20).fill('2026')),
    p('issued', ...Array(20).fill('lt2027')), p('value-quantity', ...Array(20).fill('72||/min')), p('_id', made.hr), p('patient', a.id),
    p('category', 'vital-signs', ...codes), p('performer', 'n-1', ...codes), p('encounter', ...Array(20).fill(made.enc)), p('identifier', 'obs-1', ...codes)];
  assert.deepStrictEqual(await ids(site, O, many), [made.hr]);
});

test('hostile values are values', async () => {
  for (const value of ["' OR 1=1 -- ", '"; DROP TABLE resource; --', '%', '_', '\\', '\\\\', '?', 'code\u0000'.slice(0, 4), '\u202e']) {
    assert.deepStrictEqual(await ids(site, O, [p('code', value)]), [], value);
    assert.deepStrictEqual(await ids(site, P, [p('identifier', value)]), [], value);
  }
});
