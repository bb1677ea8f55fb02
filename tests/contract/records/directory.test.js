// Practitioner, Organization and Location: checked by FHIR R4's rules, typed, found by what they are called, exported as they came.
'use strict';

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { Site, uuid } = require('./site');
const { Num, read, write, differences, imported, exported } = require('./bundles');

let site;
before(async () => { site = await Site.start({ services: ['records'] }); });
after(() => site?.stop());

const NPI = 'http://hl7.org/fhir/sid/us-npi';
const entry = (r) => ({ ...(r.id && { fullUrl: `http://x/fhir/${r.resourceType}/${r.id}` }), resource: r });
const put = (resources, start = {}) => imported(site, { import_id: uuid(), ...start }, write({ resourceType: 'Bundle', type: 'batch', entry: resources.map(entry) }));
const counts = (m) => [m.created, m.updated, m.unchanged, m.quarantined];
const ask = (kind, parameters, more = {}) => ({ kind, parameters: parameters.map(([name, ...values]) => {
  const [plain, modifier = ''] = name.split(':');
  return { name: plain, modifier, values };
}), ...more });
const search = (kind, parameters, more, by = 'nurse') => site.records.call('Search', ask(kind, parameters, more), site.tokens[by]);
const ids = async (...asked) => (await search(...asked)).records.map((r) => r.version.resource_id).sort();
const doctor = (more = {}) => ({ resourceType: 'Practitioner', id: uuid(), active: true, name: [{ family: 'Wang', given: ['Xiaoming'] }], ...more });
const klinik = (more = {}) => ({ resourceType: 'Organization', id: uuid(), name: 'Klinik', ...more });

// Every element of the three kinds.
const telecom = [{ system: 'phone', value: '+49 30 1', use: 'work', rank: new Num('1'), period: { start: '2020' } }];
const address = { use: 'work', type: 'both', text: 'x', line: ['a', 'b'], city: 'Berlin', district: 'd', state: 's', postalCode: '10115', country: 'DE' };
const concept = { coding: [{ system: 'urn:x', code: 'c', display: 'd' }], text: 't' };
const whole = () => [
  doctor({ meta: { tag: [{ system: 'urn:x', code: 'y' }] }, language: 'de', text: { status: 'generated', div: '<div>x</div>' }, identifier: [{ system: NPI, value: '1' }], telecom, address: [address],
    gender: 'female', birthDate: '1970-02-28', photo: [{ contentType: 'image/png', data: 'QUJD' }], communication: [concept],
    qualification: [{ identifier: [{ value: 'q' }], code: concept, period: { end: '2030-01' }, issuer: { reference: 'Organization/17' } }], extension: [{ url: 'http://x', valueDecimal: new Num('0.10') }] }),
  klinik({ identifier: [{ system: 'urn:site', value: '17' }], active: false, type: [concept], alias: ['K', '医院'], telecom, address: [address], partOf: { reference: 'Organization/1' },
    contact: [{ purpose: concept, name: { text: 'x' }, telecom, address }], endpoint: [{ reference: 'Endpoint/1' }], beds: new Num('120.0') }),
  { resourceType: 'Location', id: uuid(), identifier: [{ value: 'w3' }], status: 'suspended', operationalStatus: concept.coding[0], name: 'Ward 3', alias: ['W3'], description: 'd', mode: 'instance', type: [concept],
    telecom, address, physicalType: concept, position: { longitude: new Num('-83.6945691'), latitude: new Num('42.250'), altitude: new Num('1E+2') }, managingOrganization: { reference: 'Organization/17' },
    partOf: { reference: 'Location/1' }, hoursOfOperation: [{ daysOfWeek: ['mon', 'sun'], allDay: false, openingTime: '08:00:00', closingTime: '17:30:00' }], availabilityExceptions: 'e',
    endpoint: [{ reference: 'Endpoint/1' }] },
];

test('every_element_is_typed_and_comes_out_as_it_went_in', async () => {
  const resources = [...whole(), doctor({ id: 'dr-1' })];
  const start = { source: 'his' };
  const last = await put(resources, start);
  assert.deepStrictEqual([counts(last), last.uninterpreted, last.unmodelled.map((u) => u.name)], [[4, 0, 0, 0], [], ['Organization.beds']]);
  assert.deepStrictEqual(counts(await put(resources, start)), [0, 0, 4, 0]);
  const { bundles } = await exported(site, { kinds: ['KIND_PRACTITIONER', 'KIND_ORGANIZATION', 'KIND_LOCATION'] });
  const back = bundles.flatMap((b) => b.entry || []).map((e) => e.resource);
  for (const r of resources) {
    const { meta: { versionId, lastUpdated, ...meta }, ...rest } = back.find((x) => x.id === r.id);
    assert.deepStrictEqual(differences(read(write(r)), Object.keys(meta).length ? { ...rest, meta } : rest), [], r.resourceType);
  }
  assert.deepStrictEqual(back.filter((r) => r.resourceType === 'Practitioner').length, 2);
  const only = (await exported(site, { kinds: ['KIND_LOCATION'] })).bundles.flatMap((b) => b.entry || []);
  assert.deepStrictEqual([...new Set(only.map((e) => e.resource.resourceType))], ['Location']);

  const { practitioner: p } = (await site.read('KIND_PRACTITIONER', resources[0].id)).record.resource;
  assert.deepStrictEqual([p.name[0].family, p.gender, p.birth_date, p.qualification[0].issuer.reference, p.more_json],
    ['Wang', 'ADMINISTRATIVE_GENDER_FEMALE', '1970-02-28', 'Organization/17', '']);
  const { location: l } = (await site.read('KIND_LOCATION', resources[2].id)).record.resource;
  assert.deepStrictEqual([l.status, l.position.latitude.value, l.hours_of_operation[0].days_of_week, l.managing_organization.reference],
    ['STATUS_SUSPENDED', '42.250', ['DAYS_OF_WEEK_MON', 'DAYS_OF_WEEK_SUN'], 'Organization/17']);
  // The source's own id stands beside the one here.
  const [dr] = (await search('KIND_PRACTITIONER', [['identifier:missing', 'true'], ['name', 'wang']])).records;
  assert.match(dr.resource.practitioner.id, /^[0-9a-f-]{36}$/);
  assert.strictEqual(dr.resource.practitioner.more_json, '{"id":"dr-1"}');
});

test('what_breaks_fhir_s_rules_waits_in_the_quarantine', async () => {
  const rows = [
    [doctor({ qualification: [{ issuer: { display: 'x' } }] }), 'FIELD_REQUIRED Practitioner.qualification[0].code'],
    [doctor({ gender: 'lady' }), 'CODE_UNKNOWN Practitioner.gender'],
    [{ resourceType: 'Organization', id: uuid(), active: true }, 'FIELD_INVALID Organization'],
    [klinik({ telecom: [{ system: 'phone', value: '1', use: 'home' }] }), 'FIELD_INVALID Organization.telecom'],
    [{ resourceType: 'Location', id: uuid(), position: { longitude: new Num('1') } }, 'FIELD_REQUIRED Location.position.latitude'],
  ];
  const last = await put(rows.map(([r]) => r));
  assert.deepStrictEqual(last.first_problems.map((i) => i.problems.map((p) => `${p.reason} ${p.path}`).join()), rows.map(([, problem]) => problem));
  assert.deepStrictEqual(counts(last), [0, 0, 0, rows.length]);
});

test('one_that_only_writing_refuses_does_not_keep_the_others_out', async () => {
  const [dr, clinic] = [doctor(), klinik()];
  const large = doctor({ identifier: Array.from({ length: 4200 }, (_, i) => ({ system: NPI, value: `${i}` })) }); // too many search values
  const last = await put([dr, large, clinic]);
  assert.deepStrictEqual([counts(last), last.first_problems.flatMap((i) => i.problems.map((x) => x.reason))], [[2, 0, 0, 1], ['RESOURCE_TOO_LARGE']]);
  for (const r of [dr, clinic]) assert.strictEqual((await site.read(`KIND_${r.resourceType.toUpperCase()}`, r.id)).record.version.version, 1);
});

test('they_are_found_by_name_and_identifier', async () => {
  const [dr, org, place] = whole().map((r) => ({ ...r, identifier: [{ system: 'urn:mine', value: r.id }] }));
  const plain = doctor({ name: [{ text: 'Ørsted', given: ['Œuvre'] }], identifier: [{ system: 'urn:mine', value: 'plain' }], active: false });
  await put([dr, org, place, plain]);
  const T = 'KIND_PRACTITIONER', G = 'KIND_ORGANIZATION', L = 'KIND_LOCATION', mine = (r) => ['identifier', `urn:mine|${r.id}`];
  for (const [kind, asked, r] of [
    [T, [mine(dr)], dr], [T, [['identifier', dr.id]], dr], [T, [mine(dr), ['name', 'wan xiao']], dr], [T, [mine(dr), ['family', 'wang'], ['given', 'xiaoming']], dr],
    [T, [mine(dr), ['family:exact', 'Wang']], dr], [T, [mine(dr), ['gender', 'female']], dr], [T, [mine(dr), ['active', 'true']], dr], [T, [mine(dr), ['phone', '+49301']], dr],
    [T, [mine(dr), ['address-postalcode', '10115']], dr], [T, [mine(dr), ['communication', 'urn:x|c']], dr], [T, [mine(dr), ['gender:missing', 'false']], dr],
    [T, [mine(dr), ['_id', dr.id, uuid()]], dr], [T, [mine(dr), ['_lastUpdated', 'ge2020']], dr], [T, [['identifier', 'urn:mine|plain'], ['name', 'orsted']], plain],
    [T, [['identifier', 'urn:mine|plain', `urn:mine|${uuid()}`], ['gender:not', 'female'], ['gender:missing', 'true']], plain],
    [G, [mine(org), ['name', 'klin']], org], [G, [mine(org), ['name', '医院']], org], [G, [mine(org), ['type', 'c']], org], [G, [mine(org), ['active', 'false']], org], [G, [mine(org), ['partof', 'Organization/1']], org],
    [L, [mine(place), ['name', 'ward']], place], [L, [mine(place), ['status', 'suspended']], place], [L, [mine(place), ['organization', '17']], place], [L, [mine(place), ['partof', 'Location/1']], place],
  ]) assert.deepStrictEqual(await ids(kind, asked), [r.id], write(asked));
  for (const [kind, asked] of [
    [T, [mine(dr), ['name', 'ming']]], [T, [mine(dr), ['family', 'xiaoming']]], [T, [mine(dr), ['family:exact', 'wang']]], [T, [mine(dr), ['active:not', 'true']]], [T, [mine(dr), ['gender:missing', 'true']]],
    [G, [mine(dr)]], [L, [mine(place), ['status:not', 'suspended']]], [T, [['_lastUpdated', 'lt2020']]],
  ]) assert.deepStrictEqual(await ids(kind, asked), [], write(asked));
  for (const [kind, asked, reason] of [[G, [['family', 'x']], 'PARAMETER_UNKNOWN'], [T, [['patient', uuid()]], 'PARAMETER_UNKNOWN'], [T, [['name:contains', 'x']], 'PARAMETER_INVALID'], [L, [['near', '1']], 'PARAMETER_UNKNOWN']]) {
    assert.strictEqual((await site.records.failure('Search', ask(kind, asked), site.tokens.nurse)).reason, reason, write(asked));
  }
  // A next version is found by what it says, and no more by what the one before said.
  await put([{ ...dr, name: [{ family: 'Li' }] }]);
  assert.deepStrictEqual([await ids(T, [mine(dr), ['family', 'wang']]), await ids(T, [mine(dr), ['family', 'li']])], [[], [dr.id]]);
  const { records } = await site.records.call('History', { kind: T, id: dr.id }, site.tokens.nurse);
  assert.deepStrictEqual(records.map((r) => r.resource.practitioner.name[0].family), ['Li', 'Wang']);
});

test('pages_and_totals_hold_each_once', async () => {
  const all = Array.from({ length: 45 }, () => klinik({ name: 'Seitenklinik' }));
  await put(all);
  const asked = [['name', 'seitenklinik']], got = [];
  let page_token;
  do {
    const page = await search('KIND_ORGANIZATION', asked, { page_size: 17, page_token, total: 'TOTAL_BOUNDED' });
    assert.deepStrictEqual([page.total, page.total_is_more], [45, false]);
    got.push(...page.records.map((r) => r.version.resource_id));
    page_token = page.next_page_token;
  } while (page_token.length);
  assert.deepStrictEqual(got, all.map((r) => r.id).sort());
  const { next_page_token: token } = await search('KIND_ORGANIZATION', asked, { page_size: 5 });
  for (const [parameters, by] of [[[['name', 'klinik']], 'nurse'], [asked, 'physician']]) {
    assert.strictEqual((await site.records.failure('Search', ask('KIND_ORGANIZATION', parameters, { page_size: 5, page_token: token }), site.tokens[by])).reason, 'PAGE_TOKEN_INVALID');
  }
});

test('clinicians_read_them_and_an_import_alone_writes_them', async () => {
  const r = klinik();
  await put([r]);
  for (const by of ['physician', 'nurse', 'pharmacist']) assert.deepStrictEqual(await ids('KIND_ORGANIZATION', [['_id', r.id]], {}, by), [r.id], by);
  for (const by of ['patient', 'registrar', 'privacy-officer']) {
    assert.strictEqual((await site.records.failure('Search', ask('KIND_ORGANIZATION', []), site.tokens[by])).reason, 'KIND_NOT_ALLOWED', by);
    assert.strictEqual((await site.unread('KIND_ORGANIZATION', r.id, by)).reason, 'KIND_NOT_ALLOWED', by);
  }
  for (const by of ['physician', 'nurse', 'registrar']) {
    const e = await site.records.failure('Create', { idempotency_key: site.key(), resource: { organization: { name: 'x' } } }, site.tokens[by]);
    assert.strictEqual(e.reason, 'KIND_NOT_ALLOWED', by);
  }
  // References to them stay as they were written: a ward's name is one.
  const { id } = await site.treated();
  const visit = { resourceType: 'Encounter', id: uuid(), status: 'in-progress', class: { code: 'IMP' }, subject: { reference: `Patient/${id}` }, location: [{ location: { reference: 'Location/ward-3' } }],
    participant: [{ individual: { reference: 'Practitioner/dr-1' } }] };
  assert.strictEqual((await put([visit])).quarantined, 0);
  const { encounter } = (await site.read('KIND_ENCOUNTER', visit.id)).record.resource;
  assert.deepStrictEqual([encounter.location[0].location.reference, encounter.participant[0].individual.reference], ['Location/ward-3', 'Practitioner/dr-1']);
});
