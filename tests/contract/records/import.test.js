'use strict';
// ImportBundle: what goes in, what is put aside, what is refused, and that nothing is half done.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site, uuid, UUID, consent: denial } = require('./site');
const { write, bundle, entry, imported, notImported, importsOf } = require('./bundles');

let site;
before(async () => { site = await Site.start({ services: ['records'] }); });
after(() => site && site.stop());
const { patient, condition, counts, put, kept, version, out } = importsOf(() => site);

test('new_ones_are_created_changed_ones_updated_the_same_left_alone', async () => {
  const p = patient();
  const c = condition(`Patient/${p.id}`);
  assert.deepStrictEqual(counts(await put([p, c])), { created: 2, updated: 0, unchanged: 0, quarantined: 0 });
  assert.deepStrictEqual(counts(await put([p, c])), { created: 0, updated: 0, unchanged: 2, quarantined: 0 });
  // What is the service's own in meta is nothing that changes a resource.
  const again = { ...c, meta: { versionId: '17', lastUpdated: '2020-01-01T00:00:00Z' } };
  assert.deepStrictEqual(counts(await put([p, again])), { created: 0, updated: 0, unchanged: 2, quarantined: 0 });
  assert.deepStrictEqual(counts(await put([p, { ...c, code: { text: 'y' } }])), { created: 0, updated: 1, unchanged: 1, quarantined: 0 });
  assert.deepStrictEqual([await version(p.id), await version(c.id)], [1, 2]);
});

test('the_same_id_twice_in_a_bundle_is_two_versions_in_their_order', async () => {
  const p = patient();
  const last = await put([p, { ...p, active: true }, { ...p, active: false }]);
  assert.deepStrictEqual(counts(last), { created: 1, updated: 2, unchanged: 0, quarantined: 0 });
  assert.strictEqual((await out(p.id))[0].active, false);
});

test('bundles_one_after_the_other_in_pieces_of_any_size_are_taken', async () => {
  const ps = Array.from({ length: 3 }, () => patient());
  const bytes = `\n ${ps.map((p) => bundle([entry(p)])).join(' \r\n\t')}\n`;
  const last = await imported(site, { import_id: uuid() }, bytes, { chunk: 7 });
  assert.deepStrictEqual([last.bundles, last.created, Number(last.bytes)], [3, 3, bytes.length]);
  for (const type of ['batch', 'collection', 'searchset', 'document', 'message', 'transaction']) {
    assert.strictEqual((await imported(site, { import_id: uuid() }, bundle([entry(patient())], type))).created, 1, type);
  }
  // The order of a Bundle's members is free: type after entry.
  const late = `{"entry":[{"resource":${write(patient())}}],"type":"batch","resourceType":"Bundle"}`;
  assert.strictEqual((await imported(site, { import_id: uuid() }, late)).created, 1);
  assert.strictEqual((await imported(site, { import_id: uuid() }, '{"resourceType":"Bundle","type":"batch"}')).created, 0);
});

test('an_id_that_is_no_uuid_becomes_the_same_one_each_time_and_references_follow', async () => {
  const p = patient('p-1');
  const e = { resourceType: 'Encounter', id: 'e.1', status: 'finished', class: { code: 'AMB' }, subject: { reference: 'http://old.example/fhir/Patient/p-1' } };
  const c = condition('Patient/p-1', { id: 'c1', encounter: { reference: 'Encounter/e.1' }, recorder: { reference: 'Practitioner/p-1' }, asserter: { reference: 'http://other/Patient/p-1' } });
  const entries = [p, e, c].map((r) => entry(r, `http://old.example/fhir/${r.resourceType}/${r.id}`));
  const source = uuid();
  assert.strictEqual((await imported(site, { import_id: uuid(), source }, bundle(entries))).created, 3);
  assert.strictEqual((await imported(site, { import_id: uuid(), source }, bundle(entries))).unchanged, 3);
  // To another source the same id is another's.
  assert.strictEqual((await imported(site, { import_id: uuid(), source: uuid() }, bundle(entries))).created, 3);
  const [[id]] = await site.sql('SELECT LOWER(HEX(patient_id)) FROM resource WHERE kind = 2 ORDER BY written_at_us LIMIT 1');
  const chart = await out(id.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
  const of = (type) => chart.find((r) => r.resourceType === type);
  assert.match(of('Patient').id, UUID);
  assert.strictEqual(of('Encounter').subject.reference, `Patient/${of('Patient').id}`);
  assert.strictEqual(of('Condition').subject.reference, `Patient/${of('Patient').id}`);
  assert.strictEqual(of('Condition').encounter.reference, `Encounter/${of('Encounter').id}`);
  assert.strictEqual(of('Condition').recorder.reference, 'Practitioner/p-1');
  assert.strictEqual(of('Condition').asserter.reference, 'http://other/Patient/p-1');
});

test('an_entry_without_an_id_has_one_by_its_place', async () => {
  const { id: _, ...p } = patient();
  const start = { import_id: uuid() };
  assert.strictEqual((await put([p], start)).created, 1);
  assert.strictEqual((await put([p], start)).unchanged, 1);
  assert.strictEqual((await put([p])).created, 1);
  const urn = uuid();
  assert.strictEqual((await imported(site, start, bundle([entry(p, `urn:uuid:${urn}`)]))).created, 1);
  assert.strictEqual(await kept(urn), 1);
});

test('what_cannot_go_in_is_put_aside_with_its_reasons_and_the_rest_goes_in', async () => {
  const p = patient();
  const subject = `Patient/${p.id}`;
  const entries = [
    p,
    condition(subject, { onsetDateTime: '2019-02-30' }),
    condition(`Patient/${uuid()}`),
    condition(subject, { encounter: { reference: `Encounter/${uuid()}` } }),
    condition(subject),
    { ...condition(subject), clinicalStatus: 1 },
    { resourceType: 'Observation', id: uuid(), status: 'secret-status', code: { text: 'x' }, subject: { reference: subject } },
    { id: uuid() },
    { resourceType: 'Medication', id: uuid() },
  ];
  const start = { import_id: uuid() };
  const text = bundle([...entries.map((r) => entry(r)), { request: { method: 'DELETE', url: 'Patient/1' } }]);
  const last = await imported(site, start, text);
  assert.deepStrictEqual(counts(last), { created: 3, updated: 0, unchanged: 0, quarantined: 7 });
  assert.deepStrictEqual(last.uninterpreted.map((u) => ({ ...u })), [{ name: 'Medication', count: 1 }]);
  const problems = Object.fromEntries(last.first_problems.map((i) => [i.position, i.problems.map((x) => `${x.reason} ${x.path}`).join()]));
  assert.deepStrictEqual(problems, {
    'bundle 1, entry 2': 'DATE_IMPOSSIBLE Condition.onsetDateTime',
    'bundle 1, entry 3': 'PATIENT_NOT_FOUND Condition.subject.reference',
    'bundle 1, entry 4': 'RESOURCE_NOT_FOUND Condition.encounter.reference',
    'bundle 1, entry 6': 'FIELD_INVALID Condition.clinicalStatus',
    'bundle 1, entry 7': 'CODE_UNKNOWN Observation.status',
    'bundle 1, entry 8': 'FIELD_REQUIRED resourceType',
    'bundle 1, entry 10': 'BUNDLE_INVALID resource',
  });
  assert.ok(!JSON.stringify(last.first_problems).includes('secret'));
  assert.strictEqual(await site.rows('quarantine', `import_id = '${start.import_id}'`), 7);
  // Once more: nothing twice.
  assert.deepStrictEqual(counts(await imported(site, start, text)), { created: 0, updated: 0, unchanged: 3, quarantined: 7 });
  assert.strictEqual(await site.rows('quarantine', `import_id = '${start.import_id}'`), 7);
});

test('one_that_only_writing_refuses_does_not_keep_the_others_out', async () => {
  const p = patient();
  const consent = {
    resourceType: 'Consent', id: uuid(), status: 'active', scope: { text: 'x' }, category: [{ text: 'x' }], patient: { reference: `Patient/${p.id}` },
    policyRule: { text: 'x' }, provision: { type: 'deny', purpose: [{ code: 'TREAT' }] },
  };
  const last = await put([p, ...Array.from({ length: 20 }, () => condition(`Patient/${p.id}`)), consent]);
  assert.deepStrictEqual(counts(last), { created: 21, updated: 0, unchanged: 0, quarantined: 1 });
  assert.strictEqual(last.first_problems[0].problems[0].reason, 'CONSENT_NOT_ENFORCEABLE');
});

test('an_id_of_another_kind_or_of_another_patient_is_not_overwritten', async () => {
  const [p, q] = [patient(), patient()];
  const c = condition(`Patient/${p.id}`);
  await put([p, q, c]);
  const last = await put([{ ...condition(`Patient/${p.id}`), id: p.id }, { ...c, subject: { reference: `Patient/${q.id}` } }]);
  assert.deepStrictEqual(counts(last), { created: 0, updated: 0, unchanged: 0, quarantined: 2 });
  assert.deepStrictEqual([await version(p.id), await version(c.id)], [1, 1]);
  assert.strictEqual(last.first_problems.find((i) => i.position.endsWith('entry 1')).problems[0].reason, 'ID_TAKEN');
});

test('an_import_does_not_change_what_somebody_else_wrote', async () => {
  const p = patient();
  const bytes = bundle([entry(p)]);
  const source = uuid();
  const again = (text = bytes, start = {}) => imported(site, { import_id: uuid(), source, ...start }, text);
  const family = async () => (await site.read('KIND_PATIENT', p.id, 'registrar')).record.resource.patient.name[0].family;
  assert.strictEqual((await again()).created, 1);
  const { record } = await site.read('KIND_PATIENT', p.id, 'registrar');
  await site.update({ patient: { ...record.resource.patient, name: [{ family: 'Berichtigt' }] } }, 1);
  // The source says nothing new.
  assert.deepStrictEqual(counts(await again()), { created: 0, updated: 0, unchanged: 1, quarantined: 0 });
  // It says something else than what a person wrote of the same element; another source says anything.
  for (const [start, more, path] of [[{}, { name: [{ family: 'Anders' }] }, 'name'], [{ source: uuid() }, { active: true }, 'id']]) {
    const last = await again(bundle([entry({ ...p, ...more })]), start);
    assert.deepStrictEqual(counts(last), { created: 0, updated: 0, unchanged: 0, quarantined: 1 });
    assert.deepStrictEqual(last.first_problems[0].problems.map((x) => `${x.reason} ${x.path}`), [`CONFLICT Patient.${path}`]);
  }
  assert.strictEqual((await again(bundle([entry({ ...p, name: [{ family: 'Anders' }] })], 'transaction')).catch((err) => err)).reason, 'IMPORT_REFUSED');
  assert.deepStrictEqual([await family(), await version(p.id)], ['Berichtigt', 2]);
  // What it brought itself it may change, as often as it likes, under a long name too.
  for (const own of [uuid(), 's'.repeat(128)]) {
    const q = patient();
    for (const [active, became] of [[true, 'created'], [false, 'updated'], [true, 'updated'], [true, 'unchanged']]) {
      assert.strictEqual((await again(bundle([entry({ ...q, active })]), { source: own }))[became], 1, became);
    }
  }
});

test('an_import_keeps_a_merge_s_links', async () => {
  const [p, q] = [patient(), patient()];
  const text = bundle([entry(p), entry(q)]);
  await imported(site, { import_id: uuid() }, text);
  await site.api('patients').call('MergePatients', { idempotency_key: site.key(), from_patient_id: p.id, into_patient_id: q.id, from_version: 1, into_version: 1, reason: 'the same' }, site.as('registrar'));
  assert.deepStrictEqual(counts(await imported(site, { import_id: uuid() }, text)), { created: 0, updated: 0, unchanged: 2, quarantined: 0 });
  const links = async () => (await site.read('KIND_PATIENT', q.id, 'registrar')).record.resource.patient.link.map((l) => [l.type, l.other.reference]);
  assert.deepStrictEqual(await links(), [['LINK_TYPE_REPLACES', `Patient/${p.id}`]]);
  // The source says more, or a person decides that the source is right: the links stay all the same.
  assert.strictEqual((await imported(site, { import_id: uuid() }, bundle([entry({ ...q, active: true })]))).updated, 1);
  assert.deepStrictEqual(await links(), [['LINK_TYPE_REPLACES', `Patient/${p.id}`]]);
  const start = { import_id: uuid(), source: 'another' };
  assert.strictEqual((await imported(site, start, bundle([entry({ ...q, gender: 'female' })]))).quarantined, 1);
  const exchange = site.api('exchange');
  const { items } = await exchange.call('ListQuarantine', start, site.as('records-admin'));
  await exchange.call('ReplayQuarantined', { idempotency_key: site.key(), item_id: items[0].item_id }, site.as('records-admin'));
  assert.deepStrictEqual(await links(), [['LINK_TYPE_REPLACES', `Patient/${p.id}`]]);
  assert.strictEqual((await site.read('KIND_PATIENT', q.id, 'registrar')).record.resource.patient.gender, 'ADMINISTRATIVE_GENDER_FEMALE');
  assert.strictEqual((await imported(site, { import_id: uuid(), source: 'another' }, bundle([entry({ ...q, gender: 'female' })]))).unchanged, 1);
});

test('an_import_does_not_switch_a_consent_off_nor_does_a_replay', async () => {
  const { id } = await site.treated('ward-3');
  const made = await site.create(denial(id), 'privacy-officer');
  const unseen = () => site.unread('KIND_PATIENT', id, 'nurse');
  assert.strictEqual((await unseen()).code, 'NOT_FOUND');
  const coding = (system, code) => ({ coding: [{ system, code }] });
  const off = {
    resourceType: 'Consent', id: made.version.resource_id, status: 'inactive', patient: { reference: `Patient/${id}` },
    scope: coding('http://terminology.hl7.org/CodeSystem/consentscope', 'patient-privacy'),
    category: [coding('http://terminology.hl7.org/CodeSystem/consentcategorycodes', 'infa')],
    policyRule: coding('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'OPTOUT'),
  };
  const start = { import_id: uuid() };
  const last = await imported(site, start, bundle([entry(off)]));
  assert.deepStrictEqual(last.first_problems.map((i) => i.problems.map((x) => `${x.reason} ${x.path}`)), [['CONFLICT Consent.id']]);
  const exchange = site.api('exchange');
  const { items } = await exchange.call('ListQuarantine', start, site.as('records-admin'));
  for (const json of ['', write(off)]) {
    const err = await exchange.failure('ReplayQuarantined', { idempotency_key: site.key(), item_id: items[0].item_id, json }, site.as('records-admin'));
    assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'CONFLICT']);
  }
  assert.strictEqual((await unseen()).code, 'NOT_FOUND');
  assert.strictEqual(await version(off.id), 1);
  // One that came by the same source may be changed by it.
  const own = { ...off, id: uuid(), status: 'active', provision: { type: 'deny' } };
  assert.strictEqual((await put([own])).created, 1);
  assert.strictEqual((await put([{ ...own, status: 'inactive' }])).updated, 1);
});

test('an_id_that_is_no_uuid_may_come_twice_in_a_bundle_too', async () => {
  const p = patient('twice');
  const source = uuid();
  const last = await imported(site, { import_id: uuid(), source }, bundle([{ resource: p }, { resource: { ...p, active: true } }]));
  assert.deepStrictEqual(counts(last), { created: 1, updated: 1, unchanged: 0, quarantined: 0 });
  const at = (r) => entry(r, 'http://old.example/fhir/Patient/again');
  const { id: _, ...q } = p;
  assert.deepStrictEqual(counts(await imported(site, { import_id: uuid(), source }, bundle([at(q), at({ ...q, active: true })]))),
    { created: 1, updated: 1, unchanged: 0, quarantined: 0 });
});

test('a_patient_whose_identifier_somebody_else_has_is_put_aside', async () => {
  const identifier = [{ system: 'http://hospital/mrn', value: uuid() }];
  const reasons = (m) => m.first_problems.map((i) => i.problems.map((x) => `${x.reason} ${x.path}`).join());
  const twin = ['DUPLICATE_PATIENT Patient.identifier'];
  const [p, q, r] = [patient(uuid(), { identifier }), patient(uuid(), { identifier }), patient()];
  // In one bundle the first goes in; then there is one.
  const both = await put([p, q, condition(`Patient/${q.id}`)]);
  assert.deepStrictEqual(counts(both), { created: 1, updated: 0, unchanged: 0, quarantined: 2 });
  assert.deepStrictEqual(reasons(both).sort(), [...twin, 'PATIENT_NOT_FOUND Condition.subject.reference']);
  const start = { import_id: uuid() };
  assert.deepStrictEqual(reasons(await put([q], start)), twin);
  assert.strictEqual((await notImported(site, { import_id: uuid() }, bundle([entry(q)], 'transaction'))).reason, 'IMPORT_REFUSED');
  assert.deepStrictEqual(counts(await put([p])), { created: 0, updated: 0, unchanged: 1, quarantined: 0 });
  // One who is there already and gets it now.
  assert.strictEqual((await put([r])).created, 1);
  assert.deepStrictEqual(reasons(await put([{ ...r, identifier }])), twin);
  // Without a system, or with another one, it is no twin's.
  const other = [{ value: identifier[0].value }, { system: 'http://elsewhere/mrn', value: identifier[0].value }];
  assert.strictEqual((await put([{ ...r, identifier: other }])).updated, 1);
  // Whom a person lets in is in, and goes on.
  const { items } = await site.api('exchange').call('ListQuarantine', start, site.as('records-admin'));
  await site.api('exchange').call('ReplayQuarantined', { idempotency_key: site.key(), item_id: items[0].item_id }, site.as('records-admin'));
  assert.strictEqual((await put([q])).unchanged, 1);
  assert.strictEqual((await put([{ ...q, active: true }])).updated, 1);
});

test('what_a_request_asks_for_beyond_storing_is_put_aside', async () => {
  const requests = [
    [{ method: 'DELETE', url: 'Patient/1' }, 'BUNDLE_INVALID request.method'],
    [{ method: 'PATCH', url: 'Patient/1' }, 'BUNDLE_INVALID request.method'],
    [{ method: 7 }, 'BUNDLE_INVALID request.method'],
    [{ method: 'PUT', url: 'Patient?name=a' }, 'BUNDLE_INVALID request.url'],
    [{ method: 'PUT', url: 'Patient?identifier=b' }, 'BUNDLE_INVALID request.url'],
    [{ method: 'POST', url: 'Patient?identifier=a|b' }, 'BUNDLE_INVALID request.url'],
    [{ method: 'POST', url: 'Patient', ifNoneExist: 'identifier=a|b&name=c' }, 'BUNDLE_INVALID request.ifNoneExist'],
    [{ method: 'PUT', url: 'Patient/1', ifNoneExist: 'identifier=a|b' }, 'BUNDLE_INVALID request.ifNoneExist'],
    [{ method: 'POST', url: 'Patient', ifNoneExist: 7 }, 'BUNDLE_INVALID request.ifNoneExist'],
  ];
  for (const [request, problem] of requests) {
    const p = patient();
    const last = await imported(site, { import_id: uuid() }, bundle([{ ...entry(p), request }]));
    assert.deepStrictEqual(last.first_problems.map((i) => i.problems.map((x) => `${x.reason} ${x.path}`)), [[problem]]);
    assert.strictEqual(await kept(p.id), 0);
  }
  for (const request of [{ method: 'POST', url: 'Patient' }, { method: 'PUT', url: 'Patient/1' }, undefined]) {
    assert.strictEqual((await imported(site, { import_id: uuid() }, bundle([{ ...entry(patient()), request }]))).created, 1);
  }
});

test('an_encounter_of_somebody_else_s_is_refused', async () => {
  const [p, q] = [patient(), patient()];
  const e = { resourceType: 'Encounter', id: uuid(), status: 'finished', class: { code: 'AMB' }, subject: { reference: `Patient/${q.id}` } };
  const c = condition(`Patient/${p.id}`, { encounter: { reference: `Encounter/${e.id}` } });
  for (const entries of [[p, q, e, c], [c]]) {
    const last = await put(entries);
    assert.strictEqual(last.quarantined, 1);
    assert.deepStrictEqual(last.first_problems[0].problems.map((x) => x.reason), ['REFERENCE_INVALID']);
  }
});
