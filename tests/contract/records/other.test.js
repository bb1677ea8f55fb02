'use strict';
// Resources of kinds that Ward does not interpret: kept whole, versioned, sealed, searched, hidden by what a consent denies, erased with
// their patient, exported as they came.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { Site, consent, coded, person, to, uuid, until } = require('./site');
const { Num, read, write, differences, imported, notImported, exported } = require('./bundles');

const SCT = 'http://snomed.info/sct', ICD = 'http://hl7.org/fhir/sid/icd-10', ACT = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
let site, admin, anna;
before(async () => {
  site = await Site.start({ services: ['records'] });
  admin = site.api('recordsadmin');
  anna = await site.treated();
});
after(() => site?.stop());

const plan = (subject, more = {}) => ({
  resourceType: 'CarePlan', id: uuid(), status: 'active', intent: 'plan', subject: { reference: subject }, period: { start: '2026-03-01', end: '2026-03-09' },
  category: [{ coding: [{ system: SCT, code: '734163000' }] }], ...more,
});
// Imports resources as they are; numbers are Num.
const put = (resources, start = {}, options = {}) => imported(site, { import_id: uuid(), ...start },
  write({ resourceType: 'Bundle', type: 'batch', entry: resources.map((r) => ({ ...(r.id && { fullUrl: `http://x/fhir/${r.resourceType}/${r.id}` }), resource: r })) }), options);
const counts = (m) => [m.created, m.updated, m.unchanged, m.quarantined];
const problems = (last) => last.first_problems.map((i) => i.problems.map((p) => `${p.reason} ${p.path}`).join());
const out = async (patient, options) => (await exported(site, { patient_id: patient }, options)).bundles[0].entry;
const others = async (patient, options) => (await out(patient, options)).map((e) => e.resource).filter((r) => !['Patient', 'Encounter', 'Consent'].includes(r.resourceType));
const search = async (patient, parameters = [], by = 'nurse') => (await site.records.call('Search', {
  kind: 'KIND_OTHER', parameters: [{ name: 'patient', values: [patient] }, ...parameters.map(([name, ...values]) => ({ name, values }))],
}, typeof by === 'string' ? site.tokens[by] : by)).records;
const ids = async (...asked) => (await search(...asked)).map((r) => r.version.resource_id).sort();
const strip = ({ meta: { versionId, lastUpdated, ...meta }, ...rest }) => {
  assert.ok(versionId && lastUpdated);
  return Object.keys(meta).length ? { ...rest, meta } : rest;
};

test('what_is_not_interpreted_comes_out_as_it_went_in', async () => {
  const { id } = await site.treated();
  const resources = [
    plan(`urn:uuid:${id}`, { text: { status: 'generated', div: '<div>x</div>' }, activity: [{ detail: { code: { text: 'a "quoted" \\ \n 京' }, quantity: { value: new Num('1.50') } } }],
      meta: { profile: ['http://x/p'], tag: [{ system: 'urn:x', code: 'y' }] }, contained: [{ resourceType: 'Device', id: 'd', weight: new Num('1E+3') }],
      extension: [{ url: 'http://x', valueDecimal: new Num('0.10') }] }),
    { resourceType: 'Claim', id: uuid(), status: 'active', patient: { reference: `Patient/${id}`, display: 'Anna', _display: { id: 'q' } }, total: { value: new Num('129.160'), currency: 'EUR' },
      item: [{ sequence: new Num('1'), net: { value: new Num('-0') } }], empty: [], nothing: {}, none: null, deep: [[[{ a: [true, false, null] }]]] },
    { resourceType: 'Coverage', id: uuid(), status: 'active', beneficiary: { reference: `Patient/${id}` }, payor: [{ reference: 'Organization/17' }] },
    { resourceType: 'Madeupkind', id: 'mine-1', subject: { reference: `Patient/${id}` }, large: new Num('12345678901234567890.123456789') },
    { resourceType: 'Other', id: uuid(), subject: { reference: `Patient/${id}` }, type: 'x', json: 'y', entered_in_error: true },
  ];
  const last = await put(resources);
  assert.deepStrictEqual([counts(last), last.unsupported, last.unmodelled.map((u) => u.name)], [[5, 0, 0, 0], [], ['Claim.patient._display']]);
  assert.deepStrictEqual(Object.fromEntries(last.uninterpreted.map((u) => [u.name, u.count])), { CarePlan: 1, Claim: 1, Coverage: 1, Madeupkind: 1, Other: 1 });
  const back = await others(id);
  for (const r of resources) {
    const found = back.find((x) => x.id === r.id);
    assert.ok(found, r.resourceType);
    assert.deepStrictEqual(differences(read(write(r)), strip(found)), [], r.resourceType);
  }
  assert.deepStrictEqual(counts(await put(resources)), [0, 0, 5, 0]);
  // What was exported is what is there, whoever brings it.
  const again = await imported(site, { import_id: uuid(), source: 'the export' }, write({ resourceType: 'Bundle', type: 'batch', entry: await out(id) }));
  assert.deepStrictEqual(counts(again), [0, 0, 7, 0]);
});

test('each_change_of_the_source_is_a_version_and_read_by_who_treats', async () => {
  const { id } = await site.treated();
  const r = plan(`Patient/${id}`);
  await put([r]);
  const last = await put([{ ...r, status: 'completed' }]);
  assert.deepStrictEqual(counts(last), [0, 1, 0, 0]);
  const { record } = await site.read('KIND_OTHER', r.id);
  assert.deepStrictEqual([record.version.version, record.version.kind, record.resource.other.type, record.resource.other.subject_member], [2, 'KIND_OTHER', 'CarePlan', 'subject']);
  assert.strictEqual(JSON.parse(record.resource.other.json).status, 'completed');
  assert.deepStrictEqual([record.resource.other.id, record.resource.other.subject.reference], [r.id, `Patient/${id}`]);
  const { records } = await site.records.call('History', { kind: 'KIND_OTHER', id: r.id }, site.tokens.nurse);
  assert.deepStrictEqual(records.map((x) => JSON.parse(x.resource.other.json).status), ['completed', 'active']);
  for (const by of ['registrar', 'privacy-officer']) assert.strictEqual((await site.unread('KIND_OTHER', r.id, by)).reason, 'KIND_NOT_ALLOWED', by);
  assert.strictEqual((await site.unread('KIND_OTHER', r.id, site.as('nurse', { ward: 'icu' }))).reason, 'RESOURCE_NOT_FOUND');
  await site.read('KIND_OTHER', r.id, site.as('patient', { sub: id }));
  // Another source does not change it.
  const other = await put([{ ...r, status: 'revoked' }], { source: 'another' });
  assert.deepStrictEqual([counts(other), problems(other)], [[0, 0, 0, 1], ['CONFLICT CarePlan.id']]);
});

test('no_person_writes_one', async () => {
  const r = plan(`Patient/${anna.id}`);
  await put([r]);
  const { resource } = (await site.read('KIND_OTHER', r.id)).record;
  for (const by of ['physician', 'nurse', 'pharmacist', 'registrar']) {
    const refused = await site.refused({ other: { ...resource.other, id: uuid() } }, by);
    assert.strictEqual(refused.reason, 'KIND_NOT_ALLOWED', by);
    const update = await site.records.failure('Update', { idempotency_key: site.key(), resource, expected_version: 1 }, site.tokens[by]);
    assert.strictEqual(update.reason, 'KIND_NOT_ALLOWED', by);
    const mark = await site.records.failure('MarkEnteredInError', { idempotency_key: site.key(), kind: 'KIND_OTHER', id: r.id, expected_version: 1, reason: 'x' }, site.tokens[by]);
    assert.strictEqual(mark.reason, 'KIND_NOT_ALLOWED', by);
  }
});

test('it_is_found_by_kind_date_code_and_identifier', async () => {
  const { id } = await site.treated();
  const a = plan(`Patient/${id}`);
  const b = { resourceType: 'Claim', id: uuid(), patient: { reference: `Patient/${id}` }, billablePeriod: { start: '2025-01-01', end: '2025-01-02' }, created: '2026-03-05',
    identifier: [{ system: 'urn:claims', value: 'c-17' }], item: [{ productOrService: { coding: [{ system: SCT, code: '185349003' }] }, quantity: { value: new Num('1'), system: 'http://unitsofmeasure.org', code: 'mg' } }] };
  const c = { resourceType: 'Goal', id: uuid(), lifecycleStatus: 'entered-in-error', subject: { reference: `Patient/${id}` }, startDate: 'as soon as possible' };
  assert.deepStrictEqual(counts(await put([a, b, c])), [3, 0, 0, 0]);
  assert.deepStrictEqual(await ids(id), [a.id, b.id].sort());
  for (const [asked, want] of [[['_type', 'CarePlan'], a], [['_type', 'Claim'], b], [['date', 'ge2026-03-01'], a], [['date', 'lt2025-06-01'], b], [['code', `${SCT}|185349003`], b],
    [['code', '734163000'], a], [['identifier', 'urn:claims|c-17'], b], [['_id', b.id], b]]) assert.deepStrictEqual(await ids(id, [asked]), [want.id], asked.join());
  assert.deepStrictEqual(await ids(id, [['code', 'mg']]), []);
  assert.deepStrictEqual(await ids(id, [['_type', 'Goal']]), []);
  const wrong = await site.records.call('Search', { kind: 'KIND_OTHER', parameters: [{ name: 'patient', values: [id] }], include_entered_in_error: true }, site.tokens.nurse);
  assert.deepStrictEqual(wrong.records.filter((x) => x.entered_in_error).map((x) => x.version.resource_id), [c.id]);
  const e = await site.records.failure('Search', { kind: 'KIND_OTHER', parameters: [{ name: 'status', values: ['active'] }] }, site.tokens.nurse);
  assert.strictEqual(e.reason, 'PARAMETER_UNKNOWN');
});

const denial = (more) => ({ type: 'PROVISION_TYPE_PERMIT', provision: [{ type: 'PROVISION_TYPE_DENY', ...more }] });
const HIV = { security_label: [{ system: ACT, code: 'HIV' }] };

test('a_denial_by_label_hides_what_any_coding_says_and_what_cannot_be_read', async () => {
  const { id } = await site.treated();
  const subject = { reference: `Patient/${id}` };
  const hidden = [
    plan(subject.reference, { activity: [{ detail: { reasonCode: [{ coding: [{ system: ICD, code: 'B20' }] }] } }] }),
    plan(subject.reference, { contained: [{ resourceType: 'Condition', code: { coding: [{ system: 'http://x/local', code: 'Q' }, { system: ICD, code: 'B20.1' }] } }] }),
    plan(subject.reference, { extension: [{ url: 'http://x', valueCoding: { system: SCT, code: '86406008' } }] }),
    plan(subject.reference, { meta: { security: [{ system: ACT, code: 'HIV' }] } }),
    plan(subject.reference, { contained: [{ resourceType: 'Basic', meta: { security: [{ system: ACT, code: 'HIV' }] } }] }),
    plan(subject.reference, { category: [{ coding: [{ system: 'http://x/local', code: 'infectious' }] }] }),
    plan(subject.reference, { category: [{ coding: [{ code: 'B20' }] }] }),
    plan(subject.reference, { category: [{ coding: { system: ICD, code: 'B20' } }] }),
    plan(subject.reference, { odd: { system: 'http://hl7.org/fhir/sid/icd-9-cm', code: new Num('042') } }),
    { resourceType: 'Madeupkind', id: uuid(), subject, type: { code: 'B20' } },
  ].map((r) => (r.odd ? { ...r, odd: { ...r.odd, code: '042' } } : r));
  const seen = [
    plan(subject.reference), plan(subject.reference, { category: [{ coding: [{ system: SCT, code: '734163000' }, { system: 'http://x/local', code: 'Q' }] }], note: [{ text: 'HIV' }] }),
    plan(subject.reference, { category: [{ text: 'x' }], dose: { value: new Num('1'), system: 'http://unitsofmeasure.org', code: 'mg' }, meta: { tag: [{ system: 'urn:x', code: 'y' }] } }),
  ];
  assert.deepStrictEqual(counts(await put([...hidden, ...seen])), [hidden.length + seen.length, 0, 0, 0]);
  assert.strictEqual((await ids(id)).length, hidden.length + seen.length);
  await site.create(consent(id, denial(HIV)));
  assert.deepStrictEqual(await ids(id), seen.map((r) => r.id).sort());
  for (const r of hidden) assert.strictEqual((await site.unread('KIND_OTHER', r.id)).reason, 'RESOURCE_NOT_FOUND', write(r));
  assert.deepStrictEqual((await others(id, { by: 'physician' })).map((r) => r.id).sort(), seen.map((r) => r.id).sort());
  assert.strictEqual((await others(id)).length, hidden.length + seen.length); // records-admin's
  // Labels are those of all versions.
  await put([{ ...hidden[0], activity: undefined }].map((r) => read(JSON.stringify(r))));
  assert.deepStrictEqual(await ids(id), seen.map((r) => r.id).sort());
});

test('a_denial_by_kind_hides_all_that_may_say_the_same', async () => {
  const { id } = await site.treated();
  const r = plan(`Patient/${id}`, { contained: [{ resourceType: 'MedicationRequest', medicationCodeableConcept: { text: 'x' } }] });
  await put([r]);
  assert.deepStrictEqual(await ids(id), [r.id]);
  await site.create(consent(id, denial({ class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'MedicationRequest' }] })));
  assert.deepStrictEqual(await ids(id), []);
  for (const code of ['Other', 'CarePlan']) {
    const e = await site.refused(consent(id, denial({ class: [{ system: 'http://hl7.org/fhir/resource-types', code }] })));
    assert.strictEqual(e.reason, 'CONSENT_NOT_ENFORCEABLE', code);
  }
});

test('nothing_of_it_lies_in_the_clear_and_an_erasure_takes_it', async () => {
  const { id } = await site.treated();
  const r = plan(`Patient/${id}`, { description: 'a singular plan', identifier: [{ system: 'urn:p', value: 'plan-4711' }] });
  await put([r]);
  const everything = async () => {
    let text = '';
    for (const [table] of await site.sql('SHOW TABLES')) {
      const columns = (await site.sql(`SHOW COLUMNS FROM ${table}`)).map(([c]) => `IFNULL(HEX(\`${c}\`), '')`).join(", '0A', ");
      text += (await site.sql(`SELECT CONCAT(${columns}) FROM ${table}`)).map(([h]) => Buffer.from(h, 'hex').toString('latin1')).join('\n');
    }
    return text;
  };
  const all = await everything();
  for (const word of ['singular', 'plan-4711', '734163000-']) assert.ok(!all.includes(word), word);
  assert.ok(await site.rows('token', `resource_id = ${site.hex(r.id)}`) >= 4);
  await admin.call('ErasePatient', { idempotency_key: site.key(), patient_id: id, case_reference: 'case/1' }, site.tokens['privacy-officer']);
  assert.strictEqual(await site.rows('token', `resource_id = ${site.hex(r.id)}`), 0);
  assert.strictEqual(await site.rows('owner_key', `owner_id = ${site.hex(id)}`), 0);
  assert.strictEqual((await site.unread('KIND_OTHER', r.id)).reason, 'RESOURCE_NOT_FOUND');
  const last = await put([{ ...r, status: 'completed' }]);
  assert.deepStrictEqual(problems(last), ['PATIENT_ERASED CarePlan.subject.reference']);
});

test('it_stays_with_its_patient_through_a_merge', async () => {
  const patients = site.api('patients');
  const into = await site.treated(), from = await site.patient();
  const r = plan(`Patient/${from}`);
  await put([r]);
  assert.deepStrictEqual(await ids(into.id), []);
  const { merge_id } = await patients.call('MergePatients', { idempotency_key: site.key(), into_patient_id: into.id, from_patient_id: from, into_version: 1, from_version: 1, reason: 'x' }, site.tokens.registrar);
  assert.deepStrictEqual(await ids(into.id), [r.id]);
  assert.deepStrictEqual((await others(into.id)).map((x) => x.id), [r.id]);
  assert.deepStrictEqual(counts(await put([{ ...r, status: 'completed' }])), [0, 1, 0, 0]); // its source goes on
  await patients.call('UnmergePatients', { idempotency_key: site.key(), merge_id, reason: 'y' }, site.tokens.registrar);
  assert.deepStrictEqual(await ids(into.id), []);
});

test('ids_and_the_patient_of_a_source_become_ours_and_the_rest_stays', async () => {
  const resources = [
    { resourceType: 'CarePlan', id: 'one', subject: { reference: 'Patient/p' }, basedOn: [{ reference: 'CarePlan/two' }], contributor: [{ reference: 'Patient/p' }] },
    { resourceType: 'Goal', id: 'one', subject: { reference: 'http://x/fhir/Patient/p' } },
    { resourceType: 'Flag', id: 'by-number', subject: { identifier: { system: 'urn:mrn', value: 'mrn-of-p' } } },
    { resourceType: 'Patient', id: 'p', name: [{ family: 'Beispiel' }], identifier: [{ system: 'urn:mrn', value: 'mrn-of-p' }] },
    { resourceType: 'CarePlan', subject: { reference: 'Patient/p' } },
  ];
  const start = { import_id: uuid(), source: 'ids' };
  assert.deepStrictEqual(counts(await put(resources, start)), [5, 0, 0, 0]);
  assert.deepStrictEqual(counts(await put(resources, start)), [0, 0, 5, 0]);
  const [[id]] = await site.sql("SELECT LOWER(HEX(patient_id)) FROM patient ORDER BY created_at_us DESC LIMIT 1");
  const text = id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const back = await others(text);
  const one = back.find((r) => r.resourceType === 'CarePlan' && r.id === 'one');
  assert.deepStrictEqual([one.subject.reference, one.basedOn[0].reference, one.contributor[0].reference], [`Patient/${text}`, 'CarePlan/two', 'Patient/p']);
  assert.strictEqual(back.find((r) => r.resourceType === 'Goal').subject.reference, `Patient/${text}`);
  assert.strictEqual(back.find((r) => r.resourceType === 'Flag').subject.reference, `Patient/${text}`);
  assert.strictEqual(back.filter((r) => r.resourceType === 'CarePlan').length, 2);
});

// ---- what concerns no patient ----

const klinik = (more = {}) => ({ resourceType: 'Organization', id: uuid(), active: true, name: 'Klinik', identifier: [{ system: 'urn:site', value: '17' }], beds: new Num('120.0'), ...more });
const listed = async (type, more = {}, by = 'nurse') => site.records.call('ListDirectory', { type, ...more }, typeof by === 'string' ? site.tokens[by] : by);
const NOBODYS = ['KIND_OTHER', 'KIND_PRACTITIONER', 'KIND_ORGANIZATION', 'KIND_LOCATION'];
const nobodys = async () => (await exported(site, { kinds: NOBODYS })).bundles.flatMap((b) => b.entry || []).map((e) => e.resource);

test('what_concerns_no_patient_is_kept_listed_read_and_exported_as_it_came', async () => {
  const resources = [
    klinik({ meta: { tag: [{ system: 'urn:x', code: 'y' }] } }), { resourceType: 'Practitioner', id: 'dr-1', name: [{ family: 'Wang' }], qualification: [{ code: { text: 'a singular surgeon' } }] },
    { resourceType: 'Location', id: uuid(), name: 'ward-3', position: { longitude: new Num('-83.6945691'), latitude: new Num('42.25475478') } },
    { resourceType: 'PractitionerRole', id: uuid(), practitioner: { reference: 'Practitioner/dr-1' } }, { resourceType: 'Medication', code: { text: 'x' } },
  ];
  const start = { import_id: uuid(), source: 'directory' };
  const last = await put(resources, start);
  assert.deepStrictEqual([counts(last), last.unsupported, last.uninterpreted.map((u) => u.name).sort()],
    [[5, 0, 0, 0], [], ['Medication', 'PractitionerRole']]);
  assert.deepStrictEqual(counts(await put(resources, start)), [0, 0, 5, 0]);
  const back = await nobodys();
  for (const r of resources.filter((x) => x.id)) assert.deepStrictEqual(differences(read(write(r)), strip(back.find((x) => x.id === r.id))), [], r.resourceType);
  const again = await imported(site, { import_id: uuid(), source: 'the export' },
    write({ resourceType: 'Bundle', type: 'batch', entry: (await exported(site, { kinds: NOBODYS })).bundles.at(-1).entry }));
  assert.deepStrictEqual([again.created, again.updated, again.quarantined], [0, 0, 0]);

  const { records } = await listed('Organization');
  const mine = records.find((r) => r.version.resource_id === resources[0].id);
  assert.deepStrictEqual([mine.version.patient_id, mine.version.version, mine.version.kind, mine.version.actor, mine.resource.organization.name],
    ['', 1, 'KIND_ORGANIZATION', 'records-admin-1', 'Klinik']);
  for (const by of ['physician', 'nurse', 'pharmacist']) assert.strictEqual((await site.read('KIND_ORGANIZATION', resources[0].id, by)).record.version.version, 1, by);
  assert.strictEqual((await site.unread('KIND_ORGANIZATION', resources[0].id, 'patient')).reason, 'KIND_NOT_ALLOWED');
  assert.strictEqual((await site.unread('KIND_ORGANIZATION', resources[0].id, 'registrar')).reason, 'KIND_NOT_ALLOWED');
  for (const kind of ['KIND_ENCOUNTER', 'KIND_OTHER', 'KIND_LOCATION']) assert.strictEqual((await site.unread(kind, resources[0].id)).reason, 'RESOURCE_NOT_FOUND', kind);
  for (const by of ['patient', 'registrar']) assert.strictEqual((await site.records.failure('ListDirectory', { type: 'Organization' }, site.tokens[by])).code, 'PERMISSION_DENIED', by);
});

test('each_change_of_what_is_nobodys_is_a_version_and_nothing_of_it_lies_in_the_clear', async () => {
  const r = klinik({ name: 'a singular clinic' });
  await put([r]);
  assert.deepStrictEqual(counts(await put([{ ...r, name: 'another clinic' }])), [0, 1, 0, 0]);
  const names = (records) => records.map((x) => x.resource.organization.name);
  const { records } = await site.records.call('History', { kind: 'KIND_ORGANIZATION', id: r.id }, site.tokens.nurse);
  assert.deepStrictEqual([names(records), records.map((x) => x.version.version)], [['another clinic', 'a singular clinic'], [2, 1]]);
  const bare = await site.records.call('History', { kind: 'KIND_ORGANIZATION', id: r.id, versions_only: true }, site.tokens.nurse);
  assert.deepStrictEqual(bare.records.map((x) => x.resource), [null, null]);
  const one = await site.records.call('ReadVersion', { kind: 'KIND_ORGANIZATION', id: r.id, version: 1 }, site.tokens.nurse);
  assert.deepStrictEqual(names([one.record]), ['a singular clinic']);
  const none = await site.records.failure('ReadVersion', { kind: 'KIND_ORGANIZATION', id: r.id, version: 3 }, site.tokens.nurse);
  assert.strictEqual(none.reason, 'VERSION_NOT_FOUND');
  const rows = await site.sql('SELECT HEX(sealed) FROM directory_version');
  for (const [hex] of rows) assert.ok(!Buffer.from(hex, 'hex').toString('latin1').includes('singular'));
  await assert.rejects(site.sql(`UPDATE directory_version SET actor = 'x' WHERE resource_id = ${site.hex(r.id)}`));
  await assert.rejects(site.sql(`DELETE FROM directory_version WHERE resource_id = ${site.hex(r.id)}`));
  // Another source does not change it; a person who replays what it sent does.
  const other = await put([{ ...r, name: 'taken over' }], { source: 'another', import_id: 'take-over' });
  assert.deepStrictEqual([counts(other), problems(other)], [[0, 0, 0, 1], ['CONFLICT Organization.id']]);
  const exchange = site.api('exchange');
  const [item] = (await exchange.call('ListQuarantine', { import_id: 'take-over' }, site.tokens['records-admin'])).items;
  const replayed = await exchange.call('ReplayQuarantined', { idempotency_key: site.key(), item_id: item.item_id }, site.tokens['records-admin']);
  assert.deepStrictEqual([replayed.resource_id, replayed.version], [r.id, 3]);
  // Its key rotates with the patients'.
  const kek = async () => Number((await site.sql(`SELECT k.kek FROM owner_key k JOIN directory d ON d.owner_id = k.owner_id WHERE d.resource_id = ${site.hex(r.id)}`))[0][0]);
  const was = await kek();
  for await (const m of admin.stream('RotateKeys', {}, site.tokens['records-admin'])) assert.ok(m);
  assert.notStrictEqual(await kek(), was);
  assert.deepStrictEqual(names([(await site.read('KIND_ORGANIZATION', r.id)).record]), ['taken over']);
});

test('the_directory_is_listed_in_pages', async () => {
  const type = 'HealthcareService';
  const all = Array.from({ length: 40 }, () => ({ resourceType: type, id: uuid(), comment: 'x' }));
  await put([...all, { resourceType: type, id: uuid(), status: 'entered-in-error' }]);
  const got = [];
  let page_token;
  do {
    const page = await listed(type, { page_size: 17, page_token });
    assert.ok(page.records.length <= 17);
    got.push(...page.records.map((r) => r.version.resource_id));
    page_token = page.next_page_token;
  } while (page_token.length);
  assert.deepStrictEqual(got, all.map((r) => r.id).sort());
  assert.strictEqual((await listed(type, { include_entered_in_error: true, page_size: 200 })).records.length, 41);
  const first = await listed(type, { page_size: 5 });
  for (const [more, reason] of [[{ type: 'Location', page_size: 5, page_token: first.next_page_token }, 'PAGE_TOKEN_INVALID'], [{ type: 'a b' }, 'INVALID_ARGUMENT'], [{ type: '' }, 'INVALID_ARGUMENT'],
    [{ type, page_size: 201 }, 'INVALID_ARGUMENT']]) assert.strictEqual((await site.records.failure('ListDirectory', more, site.tokens.nurse)).reason, reason, write(more.type));
});

test('imports_at_once_of_the_same_clinics_make_each_once', async () => {
  const shared = Array.from({ length: 60 }, () => klinik());
  const order = (list) => list.map((r) => [Math.random(), r]).sort(([x], [y]) => x - y).map(([, r]) => r);
  const all = await Promise.all(Array.from({ length: 4 }, () => put([...order(shared), { resourceType: 'Patient', id: uuid(), active: true }])));
  assert.deepStrictEqual(all.map((m) => m.quarantined), [0, 0, 0, 0]);
  assert.strictEqual(all.reduce((n, m) => n + m.created, 0), shared.length + 4);
  assert.strictEqual(all.reduce((n, m) => n + m.unchanged, 0), 3 * shared.length);
  const where = `resource_id IN (${shared.map((r) => site.hex(r.id)).join()})`;
  assert.deepStrictEqual([await site.rows('directory', where), await site.rows('directory_version', where)], [60, 60]);
});

// Runs `statements` in a transaction that ends when the returned function is called.
async function transaction(statements) {
  const gate = site.sql("DO GET_LOCK('gate', 0); SELECT SLEEP(60) AS gate").catch(() => {}); // its connection is ended
  const [[connection]] = await until('the gate', async () => { const rows = await site.sql("SELECT id FROM information_schema.processlist WHERE info = 'SELECT SLEEP(60) AS gate'"); return rows.length > 0 && rows; });
  const held = site.sql(`START TRANSACTION; ${statements}; DO GET_LOCK('gate', 60); COMMIT; DO RELEASE_LOCK('gate')`);
  return async () => { await site.sql(`KILL ${connection}`); await Promise.all([gate, held]); };
}

test('what_another_import_makes_meanwhile_is_not_put_aside_for_one_that_is_refused', async () => {
  const clinic = klinik();
  // More search values than a resource may have, which only writing refuses: the entries are then written one by one.
  const large = { resourceType: 'Practitioner', id: uuid(), identifier: Array.from({ length: 4200 }, (_, i) => ({ system: 'urn:x', value: `${i}` })) };
  await put([clinic]);
  // The other import: the clinic's row appears when its transaction ends.
  const is = `resource_id = ${site.hex(clinic.id)}`, [[row]] = await site.sql(`SELECT CONCAT_WS(',', QUOTE(kind), QUOTE(type), QUOTE(version), QUOTE(written_at_us), QUOTE(wrong), CONCAT('X', QUOTE(HEX(owner_id)))) FROM directory WHERE ${is}`);
  await site.sql(`DELETE FROM directory WHERE ${is}; DELETE FROM directory_token WHERE ${is}`);
  const end = await transaction(`INSERT INTO directory (kind, type, version, written_at_us, wrong, owner_id, resource_id) VALUES (${row}, ${site.hex(clinic.id)})`);
  const importing = put([clinic, large]);
  try {
    await until('the import waits', async () => {
      await new Promise((resolve) => setTimeout(resolve, 150)); // asked more often, MariaDB says what it said before
      return Number((await site.sql("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"))[0][0]) > 0;
    });
  } finally {
    await end();
  }
  const last = await importing;
  assert.deepStrictEqual([counts(last), problems(last)], [[0, 0, 1, 1], ['RESOURCE_TOO_LARGE ']]);
});

test('a_patient_who_is_named_elsewhere_is_the_one_it_concerns', async () => {
  const { id } = await site.treated();
  const p = { reference: `Patient/${id}` }, urn = { reference: `urn:uuid:${id}` };
  const fresh = uuid();
  const resources = [
    { resourceType: 'Account', id: uuid(), subject: [p] }, { resourceType: 'Provenance', id: uuid(), target: [p, { reference: `Observation/${uuid()}` }], agent: [{ who: p }] },
    { resourceType: 'Organization', id: uuid(), extension: [{ url: 'http://x', valueReference: p }] }, { resourceType: 'Location', id: uuid(), managed: { reference: `http://x/fhir/Patient/${id}` } },
    { resourceType: 'Provenance', id: uuid(), target: [{ reference: `urn:uuid:${uuid()}` }, urn], agent: [{ who: { reference: `urn:uuid:${uuid()}` } }] },
  ];
  assert.deepStrictEqual(counts(await put(resources)), [5, 0, 0, 0]);
  assert.deepStrictEqual(await ids(id), resources.map((r) => r.id).sort());
  const back = await others(id);
  for (const r of resources) assert.deepStrictEqual(differences(read(write(r)), strip(back.find((x) => x.id === r.id))), [], r.resourceType);
  assert.deepStrictEqual(counts(await put(resources)), [0, 0, 5, 0]);
  // Of a patient who comes with it, too.
  const both = await put([{ resourceType: 'Patient', id: fresh, active: true }, { resourceType: 'Provenance', id: uuid(), target: [{ reference: `urn:uuid:${fresh}` }] }]);
  assert.deepStrictEqual(counts(both), [2, 0, 0, 0]);
  assert.strictEqual((await others(fresh)).length, 1);
  // And of one whom the source knows by an id of its own.
  const lab = uuid(), mrn = uuid();
  await put([{ resourceType: 'Patient', id: fresh, active: true, identifier: [{ system: 'urn:mrn', value: mrn }] }]);
  const known = { resource: { resourceType: 'Patient', id: lab, gender: 'female' }, request: { method: 'PUT', url: `Patient?identifier=urn:mrn|${mrn}` } };
  const linked = await imported(site, { import_id: uuid(), source: 'lab' }, write({ resourceType: 'Bundle', type: 'batch', entry: [known] }));
  assert.strictEqual(linked.quarantined, 0);
  const last = await put([{ resourceType: 'Provenance', id: uuid(), target: [{ reference: `urn:uuid:${lab}` }] }], { source: 'lab' });
  assert.deepStrictEqual([counts(last), (await others(fresh)).length], [[1, 0, 0, 0], 2]);
});

test('what_may_concern_a_patient_is_not_taken_for_nobodys_and_refuses_no_bundle', async () => {
  const p = { reference: `Patient/${anna.id}` }, q = { reference: `Patient/${await site.patient()}` };
  const rows = [
    { resourceType: 'CarePlan', id: uuid() }, { resourceType: 'Madeupkind', id: uuid() }, { resourceType: 'Account', id: uuid(), subject: [p, q] },
    { resourceType: 'Provenance', id: uuid(), target: [{ reference: `urn:uuid:${anna.id}` }, { reference: `urn:uuid:${q.reference.slice(8)}` }] },
    { resourceType: 'Organization', id: uuid(), contained: [{ resourceType: 'Patient', name: [{ family: 'x' }] }] },
    { resourceType: 'Organization', id: uuid(), managed: { type: 'Patient', identifier: { value: '1' } } },
  ];
  const before = await site.rows('directory');
  const last = await put(rows);
  assert.deepStrictEqual(problems(last), rows.map((r) => `REFERENCE_INVALID ${r.resourceType}.subject`));
  assert.strictEqual(await site.rows('directory'), before);
  // One id is not on both sides.
  const taken = klinik();
  await put([taken]);
  const both = await put([klinik({ id: anna.encounter }), plan(p.reference, { id: taken.id })]);
  assert.deepStrictEqual(problems(both).sort(), ['ID_TAKEN CarePlan.id', 'ID_TAKEN Organization.id']);
  // A bundle that goes in whole goes in without it; what else is wrong refuses it.
  const whole = (...resources) => write({ resourceType: 'Bundle', type: 'transaction', entry: resources.map((resource) => ({ resource })) });
  const patient = { resourceType: 'Patient', id: uuid(), active: true };
  assert.deepStrictEqual(counts(await imported(site, { import_id: uuid() }, whole(patient, klinik(), { resourceType: 'CarePlan', id: uuid() }))), [2, 0, 0, 1]);
  const e = await notImported(site, { import_id: uuid() }, whole({ ...patient, id: uuid(), birthDate: 'x' }, klinik()));
  assert.strictEqual(e.reason, 'IMPORT_REFUSED');
  const dry = klinik();
  assert.strictEqual((await put([dry], { dry_run: true })).created, 1);
  assert.strictEqual(await site.rows('directory', `resource_id = ${site.hex(dry.id)}`), 0);
});

test('an_erasure_takes_along_what_waits_and_names_its_patient_among_others', async () => {
  const [p, q] = [await site.patient(), await site.patient()];
  const exchange = site.api('exchange');
  const group = (...to) => ({ resourceType: 'Group', id: uuid(), member: to.map((reference) => ({ entity: { reference } })), characteristic: [{ valueString: 'both are tall' }] });
  const start = { import_id: uuid(), source: 'groups' };
  assert.strictEqual((await put([group(`Patient/${p}`, `Patient/${q}`), group(`urn:uuid:${p}`, `urn:uuid:${q}`), group(`Patient/${q}`, 'Patient/another')], start)).quarantined, 3);
  const { items } = await exchange.call('ListQuarantine', { import_id: start.import_id }, site.tokens['records-admin']);
  const json = async (i) => (await exchange.call('GetQuarantined', { item_id: items[i].item_id }, site.tokens['records-admin'])).item.json;
  for (const i of [0, 1, 2]) assert.match(await json(i), /tall/);
  await admin.call('ErasePatient', { idempotency_key: site.key(), patient_id: p, case_reference: 'case/2' }, site.tokens['privacy-officer']);
  const left = (await exchange.call('ListQuarantine', { import_id: start.import_id }, site.tokens['records-admin'])).items;
  assert.strictEqual(left.length, 1);
  const texts = await Promise.all([0, 1, 2].map(json));
  assert.deepStrictEqual(texts.filter((t) => /tall/.test(t)).length, 1);
  // What comes about them later leaves nothing to read.
  const later = { import_id: uuid(), source: 'groups' };
  assert.strictEqual((await put([group(`Patient/${p}`, `Patient/${q}`)], later)).quarantined, 1);
  const [item] = (await exchange.call('ListQuarantine', { import_id: later.import_id }, site.tokens['records-admin'])).items;
  assert.strictEqual((await exchange.call('GetQuarantined', { item_id: item.item_id }, site.tokens['records-admin'])).item.json, '');
});

test('hostile_ones_are_put_aside_and_harm_nothing', async () => {
  const subject = { reference: `Patient/${anna.id}` };
  let deep = 'x';
  for (let i = 0; i < 58; i++) deep = [deep];
  const rows = [
    [{ resourceType: 'CarePlan', id: uuid(), subject, x: deep }, 'FIELD_INVALID CarePlan'],
    [{ resourceType: 'CarePlan', id: uuid(), subject, x: 'a'.repeat(1 << 20) }, 'RESOURCE_TOO_LARGE CarePlan'],
    [{ resourceType: 'CarePlan', id: uuid(), subject, meta: 5 }, 'FIELD_INVALID CarePlan.meta'],
    [{ resourceType: 'CarePlan', id: uuid(), subject, meta: { security: 'HIV' } }, 'FIELD_INVALID CarePlan.meta.security'],
    [{ resourceType: 'CarePlan', id: 5, subject }, 'FIELD_INVALID CarePlan.id'],
    [{ resourceType: 'CarePlan', id: uuid(), subject: { reference: 5 } }, 'FIELD_INVALID CarePlan.subject.reference'],
    [{ resourceType: 'CarePlan', id: uuid(), subject: { reference: 'Group/1' } }, 'REFERENCE_INVALID CarePlan.subject.reference'],
    [{ resourceType: 'CarePlan', id: uuid(), subject: {} }, 'FIELD_INVALID CarePlan.subject'],
    [{ resourceType: 'CarePlan', id: uuid(), subject: { reference: `Patient/${uuid()}` } }, 'PATIENT_NOT_FOUND CarePlan.subject.reference'],
    [{ id: uuid(), subject }, 'FIELD_REQUIRED resourceType'],
    [{ resourceType: 7, id: uuid(), subject }, 'FIELD_REQUIRED resourceType'],
  ];
  const before = await site.rows('resource');
  const last = await put(rows.map(([r]) => read(JSON.stringify(r))));
  assert.deepStrictEqual(problems(last).sort(), rows.map(([, p]) => p).sort()); // what waits for its patient comes last
  assert.strictEqual(await site.rows('resource'), before);
  for (const resource of ['"x"', '[]', '7', 'null']) {
    const text = `{"resourceType":"Bundle","type":"batch","entry":[{"resource":${resource}}]}`;
    const m = await imported(site, { import_id: uuid() }, text);
    assert.deepStrictEqual([m.created, m.quarantined], [0, 1], resource);
  }
  // The id of a resource of a kind that is interpreted, or of another chart's, is taken.
  const taken = await put([plan(`Patient/${anna.id}`, { id: anna.encounter })]);
  assert.deepStrictEqual(problems(taken), ['ID_TAKEN CarePlan.id']);
  const many = plan(`Patient/${anna.id}`, { category: [{ coding: Array.from({ length: 9000 }, (_, i) => ({ system: SCT, code: `${i}` })) }] });
  assert.deepStrictEqual(counts(await put([many])), [1, 0, 0, 0]);
  assert.deepStrictEqual(await ids(anna.id, [['_type', 'CarePlan'], ['code', `${SCT}|17`]]), [many.id]);
});

test('the_feed_tells_of_it_and_no_person_s_data_goes_out_without_the_person', async () => {
  const feed = site.api('feed').stream('Follow', { kinds: ['KIND_OTHER', 'KIND_ORGANIZATION'], from_now: true }, site.tokens['records-admin']);
  const changes = [];
  (async () => { for await (const m of feed) changes.push(...m.changes); })().catch(() => {});
  for (let i = 0; i < 6; i++) {
    const id = await site.patient(person({ birth_date: `196${i}-01-01` }).patient);
    await put([plan(`Patient/${id}`)]);
  }
  await until('told of', () => changes.length >= 6);
  await put([klinik()]);
  await until('told of what is nobody\'s', () => changes.length >= 7);
  assert.deepStrictEqual([...new Set(changes.map((c) => `${c.kind} ${c.act}`))], ['KIND_OTHER ACT_CREATED', 'KIND_ORGANIZATION ACT_CREATED']);
  assert.deepStrictEqual(changes.map((c) => c.patient_id === ''), [false, false, false, false, false, false, true]);
  feed.cancel();
  let last, text = '';
  for await (const m of site.api('exchange').stream('ExportDeidentified', { project: 'study' }, site.tokens.researcher)) {
    text += m.chunk.toString();
    last = m;
  }
  assert.doesNotMatch(text, /CarePlan|734163000/);
  assert.strictEqual(Number(last.uninterpreted_left_out), await site.rows('resource', 'kind = 10 AND wrong = 0 AND patient_id IN (SELECT patient_id FROM patient WHERE erased_at_us IS NULL AND patient_id NOT IN (SELECT patient_id FROM consent_deny))'));
  for (const kind of ['KIND_OTHER', 'KIND_PRACTITIONER']) {
    const refused = site.api('exchange').stream('ExportDeidentified', { project: 'study', kinds: [kind] }, site.tokens.researcher);
    await assert.rejects(async () => { for await (const m of refused) assert.ok(m); }, (err) => err.code === 'INVALID_ARGUMENT');
  }
});
