'use strict';
// ImportBundle: what goes in, what is put aside, what is refused, and that nothing is half done.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const { Site, uuid, UUID, consent: denial } = require('./site');
const { read, write, bundle, entry, importing, imported, notImported, exported } = require('./bundles');

const sanitized = Object.keys(process.env).some((k) => /SAN_OPTIONS$/.test(k));

let site;
before(async () => { site = await Site.start({ services: ['records'] }); });
after(() => site && site.stop());

const patient = (id = uuid(), more = {}) => ({ resourceType: 'Patient', id, name: [{ family: 'Beispiel' }], ...more });
const condition = (subject, more = {}) => ({ resourceType: 'Condition', id: uuid(), subject: { reference: subject }, code: { text: 'x' }, ...more });
const counts = (m) => ({ created: m.created, updated: m.updated, unchanged: m.unchanged, quarantined: m.quarantined });
const put = (entries, start = {}, options = {}) => imported(site, { import_id: uuid(), ...start }, bundle(entries.map((r) => entry(r))), options);
const kept = (id) => site.rows('resource', `resource_id = ${site.hex(id)}`);
const version = async (id) => Number((await site.sql(`SELECT version FROM resource WHERE resource_id = ${site.hex(id)}`))[0][0]);
const out = async (id) => (await exported(site, { patient_id: id })).bundles[0].entry.map((e) => e.resource);

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
  assert.deepStrictEqual(counts(last), { created: 2, updated: 0, unchanged: 0, quarantined: 7 });
  assert.deepStrictEqual(last.unsupported.map((u) => ({ ...u })), [{ name: 'Medication', count: 1 }]);
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
  assert.deepStrictEqual(counts(await imported(site, start, text)), { created: 0, updated: 0, unchanged: 2, quarantined: 7 });
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
  // It says something else than what a person wrote; so does another source.
  for (const start of [{}, { source: uuid() }]) {
    const last = await again(bundle([entry({ ...p, active: true })]), start);
    assert.deepStrictEqual(counts(last), { created: 0, updated: 0, unchanged: 0, quarantined: 1 });
    assert.deepStrictEqual(last.first_problems[0].problems.map((x) => `${x.reason} ${x.path}`), ['CONFLICT Patient.id']);
  }
  assert.strictEqual((await again(bundle([entry({ ...p, active: true })], 'transaction')).catch((err) => err)).reason, 'IMPORT_REFUSED');
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
  // A person decides that the source is right: the links stay all the same.
  const start = { import_id: uuid() };
  assert.strictEqual((await imported(site, start, bundle([entry({ ...q, gender: 'female' })]))).quarantined, 1);
  const exchange = site.api('exchange');
  const { items } = await exchange.call('ListQuarantine', start, site.as('records-admin'));
  await exchange.call('ReplayQuarantined', { idempotency_key: site.key(), item_id: items[0].item_id }, site.as('records-admin'));
  assert.deepStrictEqual(await links(), [['LINK_TYPE_REPLACES', `Patient/${p.id}`]]);
  assert.strictEqual((await site.read('KIND_PATIENT', q.id, 'registrar')).record.resource.patient.gender, 'ADMINISTRATIVE_GENDER_FEMALE');
  assert.strictEqual((await imported(site, { import_id: uuid() }, bundle([entry({ ...q, gender: 'female' })]))).unchanged, 1);
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
    [{ method: 'PUT', url: 'Patient?identifier=a|b' }, 'BUNDLE_INVALID request.url'],
    [{ method: 'POST', url: 'Patient', ifNoneExist: 'identifier=a|b' }, 'BUNDLE_INVALID request.ifNoneExist'],
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

test('a_transaction_with_one_bad_entry_leaves_nothing', async () => {
  const p = patient();
  const good = Array.from({ length: 700 }, () => condition(`Patient/${p.id}`));
  const bad = condition(`Patient/${p.id}`, { onsetDateTime: '2019-13' });
  const text = bundle([p, ...good, bad].map((r) => entry(r)), 'transaction');
  const err = await notImported(site, { import_id: uuid() }, text);
  assert.deepStrictEqual([err.code, err.reason, err.field], ['FAILED_PRECONDITION', 'IMPORT_REFUSED', 'entry[701].Condition.onsetDateTime']);
  assert.strictEqual(err.messages.at(-1).first_problems[0].problems[0].reason, 'DATE_IMPOSSIBLE');
  assert.strictEqual(err.messages.at(-1).created, 0);
  assert.strictEqual(await kept(p.id), 0);
  // The same where it says so only at its end, or where on_problem does.
  const { type, entry: entries } = JSON.parse(text);
  const late = JSON.stringify({ entry: entries, resourceType: 'Bundle', type });
  assert.strictEqual((await notImported(site, { import_id: uuid() }, late, { chunk: 1000 })).reason, 'IMPORT_REFUSED');
  const asked = { import_id: uuid(), on_problem: 'ON_PROBLEM_REFUSE' };
  assert.strictEqual((await notImported(site, asked, bundle(entries, 'batch'))).reason, 'IMPORT_REFUSED');
  // A problem that only writing finds.
  const consent = {
    resourceType: 'Consent', id: uuid(), status: 'active', scope: { text: 'x' }, category: [{ text: 'x' }], patient: { reference: `Patient/${p.id}` },
    policyRule: { text: 'x' }, provision: { type: 'deny', purpose: [{ code: 'TREAT' }] },
  };
  const found = await notImported(site, { import_id: uuid() }, bundle([p, consent].map((r) => entry(r)), 'transaction'));
  assert.deepStrictEqual([found.code, found.reason, found.field.split('.')[0]], ['FAILED_PRECONDITION', 'IMPORT_REFUSED', 'entry[1]']);
  // An id twice, or a patient who is nowhere.
  for (const twice of [[p, p], [condition(`Patient/${uuid()}`)]]) {
    assert.strictEqual((await notImported(site, { import_id: uuid() }, bundle(twice.map((r) => entry(r)), 'transaction'))).reason, 'IMPORT_REFUSED');
  }
  assert.strictEqual(await kept(p.id), 0);
  assert.strictEqual((await imported(site, { import_id: uuid() }, bundle([p, ...good].map((r) => entry(r)), 'transaction'))).created, 701);
});

test('more_than_10000_that_must_go_in_at_once_are_refused', async () => {
  const p = patient();
  const many = function* () {
    yield `{"resourceType":"Bundle","type":"transaction","entry":[${write(entry(p))}`;
    for (let i = 0; i < 10; i++) {
      yield Array.from({ length: 1000 }, () => `,{"resource":${write(condition(`Patient/${p.id}`))}}`).join('');
    }
    yield ']}';
  };
  const err = await notImported(site, { import_id: uuid() }, [...many()]);
  assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'BUNDLE_INVALID']);
  assert.strictEqual(await kept(p.id), 0);
});

test('a_dry_run_tells_and_keeps_nothing', async () => {
  const p = patient();
  const before = [await site.rows('version'), await site.rows('quarantine'), await site.rows('import_run')];
  const entries = [p, ...Array.from({ length: 600 }, () => condition(`Patient/${p.id}`)), condition(`Patient/${uuid()}`)];
  const text = bundle(entries.map((r) => entry(r))) + bundle([entry(condition(`Patient/${p.id}`))]);
  const last = await imported(site, { import_id: uuid(), dry_run: true }, text);
  assert.deepStrictEqual(counts(last), { created: 602, updated: 0, unchanged: 0, quarantined: 1 });
  assert.deepStrictEqual([await site.rows('version'), await site.rows('quarantine'), await site.rows('import_run')], before);
});

test('json_that_is_none_ends_the_import_and_says_where', async () => {
  const start = { import_id: uuid() };
  const head = '{"resourceType":"Bundle","type":"batch","entry":[{"resource":';
  const resource = write(patient());
  const cases = [
    ['JSON_MALFORMED', 'nonsense'],
    ['JSON_MALFORMED', '[1]'],
    ['JSON_MALFORMED', `${head}${resource}}`],
    ['JSON_MALFORMED', `${head}${resource}}]`],
    ['JSON_MALFORMED', `${head}{"resourceType":"Patient",}}]}`],
    ['JSON_MALFORMED', `${head}{"a":01}}]}`],
    ['JSON_DUPLICATE_KEY', `${head}{"resourceType":"Patient","active":true,"active":false}}]}`],
    ['JSON_DUPLICATE_KEY', `{"type":"batch","type":"transaction","resourceType":"Bundle","entry":[{"resource":${resource}}]}`],
    ['JSON_TOO_DEEP', `${head}{"resourceType":"Patient","x":${'['.repeat(100)}${']'.repeat(100)}}}]}`],
    ['JSON_TOO_DEEP', `{"resourceType":"Bundle","type":"batch","x":${'['.repeat(100000)}`],
    ['JSON_NOT_UTF8', Buffer.concat([Buffer.from(`${head}{"resourceType":"Patient","name":[{"family":"`), Buffer.from([0xe9]), Buffer.from('"}]}}]}')])],
    ['JSON_NOT_UTF8', Buffer.concat([Buffer.from('{"resourceType":"Bundle","type":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')])],
    ['JSON_BAD_STRING', `${head}{"resourceType":"Patient","name":[{"family":"\\ud800"}]}}]}`],
    ['JSON_BAD_STRING', `${head}{"resourceType":"Patient","name":[{"family":"\\u0000"}]}}]}`],
  ];
  for (const [reason, bytes] of cases) {
    const err = await notImported(site, start, bytes);
    assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', reason], String(bytes).slice(0, 120));
  }
});

test('what_is_no_bundle_is_refused', async () => {
  const start = { import_id: uuid() };
  const cases = ['', '  ', '{}', '{"resourceType":"Bundle"}', '{"resourceType":"Bundle","type":"history"}', '{"resourceType":"Patient","type":"batch"}',
    '{"resourceType":"Bundle","type":7}', '{"resourceType":"Bundle","type":"batch","entry":{}}', write(patient())];
  for (const text of cases) {
    const err = await notImported(site, start, text);
    assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'BUNDLE_INVALID'], text);
  }
  // Nothing of it went in before that was known.
  const p = patient();
  await notImported(site, start, `{"type":"batch","entry":[{"resource":${write(p)}}],"resourceType":"Patient"}`, { chunk: 100 });
  assert.strictEqual(await kept(p.id), 0);
});

test('a_note_of_100_MB_is_put_aside_and_what_follows_goes_in', async () => {
  const fresh = await Site.start({ services: ['records'] });
  try {
    const p = patient();
    const note = condition(`Patient/${p.id}`, { note: [{ text: 'NOTE' }] });
    const [head, tail] = write({ resource: note }).split('NOTE');
    const after = write(entry(condition(`Patient/${p.id}`)));
    const bytes = [
      `{"resourceType":"Bundle","type":"batch","entry":[${write(entry(p))},${head}`, ...Array(100).fill(Buffer.alloc(1 << 20, 'a')), `${tail},${after}]}`,
    ];
    const most = () => Number(/VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${fresh.ward.services.records.proc.pid}/status`, 'utf8'))[1]) / 1024;
    const before = most();
    const last = await imported(fresh, { import_id: uuid() }, bytes, { chunk: 1 << 20 });
    assert.deepStrictEqual(counts(last), { created: 2, updated: 0, unchanged: 0, quarantined: 1 });
    assert.strictEqual(last.first_problems[0].problems[0].reason, 'JSON_TOO_LARGE');
    // A sanitizer keeps what was freed.
    if (!sanitized) assert.ok(most() - before < 64, `${before} MiB, then ${most()} MiB`);
  } finally {
    await fresh.stop();
  }
});

test('a_resource_over_1_MiB_is_put_aside_as_it_came', async () => {
  const p = patient();
  const large = await put([p, condition(`Patient/${p.id}`, { note: [{ text: 'a'.repeat((1 << 20) + 1) }] })]);
  assert.deepStrictEqual(counts(large), { created: 1, updated: 0, unchanged: 0, quarantined: 1 });
  assert.deepStrictEqual(large.first_problems[0].problems.map((x) => x.reason), ['RESOURCE_TOO_LARGE']);
  const { items } = await site.api('exchange').call('ListQuarantine', { import_id: large.first_problems[0].import_id }, site.as('records-admin'));
  const { item } = await site.api('exchange').call('GetQuarantined', { item_id: items[0].item_id }, site.as('records-admin'));
  assert.strictEqual(read(item.json).note[0].text.length, (1 << 20) + 1);
});

test('the_stream_begins_with_one_start', async () => {
  const cases = [
    [[], 'start'],
    [[{ chunk: Buffer.from('{}') }], 'start'],
    [[{ start: { import_id: 'a', source: 's' } }, { start: { import_id: 'a', source: 's' } }], 'start'],
    [[{ start: { source: 's' } }], 'start.import_id'],
    [[{ start: { import_id: 'a'.repeat(129), source: 's' } }], 'start.import_id'],
    [[{ start: { import_id: 'a' } }], 'start.source'],
    [[{ start: { import_id: 'a', source: 's'.repeat(129) } }], 'start.source'],
    [[{ start: { import_id: 'a', source: 's', on_problem: 9 } }], 'start.on_problem'],
    [[{ start: { import_id: 'a', source: 's' } }, {}], 'part'],
    [[{ start: { import_id: 'a', source: 's' } }, { chunk: Buffer.alloc((1 << 20) + 1, ' ') }], 'chunk'],
  ];
  for (const [messages, field] of cases) {
    const stream = site.api('exchange').duplex('ImportBundle', site.as('records-admin'));
    for (const m of messages) stream.write(m);
    stream.end();
    await assert.rejects((async () => { for await (const _ of stream); })(), (err) => {
      assert.deepStrictEqual([err.code, err.field], ['INVALID_ARGUMENT', field]);
      return true;
    });
  }
});

test('two_replicas_that_import_the_same_at_once_make_it_once', async () => {
  const fresh = await Site.start({ services: ['records', 'records2'] });
  try {
    const ps = Array.from({ length: 40 }, () => patient());
    const all = ps.flatMap((p) => [p, ...Array.from({ length: 30 }, () => condition(`Patient/${p.id}`))]);
    const text = bundle(all.map((r) => entry(r)));
    const at = (on) => imported(fresh, { import_id: uuid() }, text, { on: fresh.api('exchange', { on }) });
    const both = await Promise.all([at('records'), at('records2')]);
    assert.strictEqual(both[0].created + both[1].created, all.length, JSON.stringify(both.map(counts)));
    for (const one of both) assert.strictEqual(one.created + one.unchanged, all.length, JSON.stringify(both.map(counts)));
    assert.strictEqual(await fresh.rows('version'), all.length);
    assert.strictEqual(await fresh.rows('quarantine'), 0);
  } finally {
    await fresh.stop();
  }
});

test('a_deadline_ends_an_import_and_what_is_in_stays', async () => {
  const p = patient();
  const ids = [];
  const parts = function* () {
    yield `{"resourceType":"Bundle","type":"batch","entry":[${write(entry(p))}`;
    for (let i = 0; i < 100; i++) {
      yield Array.from({ length: 300 }, () => {
        const c = condition(`Patient/${p.id}`);
        ids.push(c.id);
        return `,{"resource":${write(c)}}`;
      }).join('');
    }
    yield ']}';
  };
  const bytes = [...parts()];
  const start = { import_id: uuid() };
  const err = await notImported(site, start, bytes, { by: { ...site.as('records-admin'), deadline: 700 }, chunk: 20000 });
  assert.strictEqual(err.code, 'DEADLINE_EXCEEDED');
  const last = await imported(site, start, bytes);
  assert.deepStrictEqual([last.created + last.unchanged, last.updated, last.quarantined], [ids.length + 1, 0, 0]);
});

test('an_import_id_is_one_source_s', async () => {
  const start = { import_id: uuid(), source: 'one' };
  await imported(site, start, bundle([entry(patient())]));
  const err = await notImported(site, { ...start, source: 'two' }, bundle([entry(patient())]));
  assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'IMPORT_DIFFERS']);
  assert.strictEqual((await notImported(site, { ...start, source: 'two', dry_run: true }, bundle([]))).reason, 'IMPORT_DIFFERS');
});

test('only_records_admin_may_import', async () => {
  const text = bundle([entry(patient())]);
  for (const role of ['physician', 'nurse', 'registrar', 'patient', 'researcher']) {
    assert.strictEqual((await notImported(site, { import_id: uuid() }, text, { by: role })).code, 'PERMISSION_DENIED', role);
  }
  assert.strictEqual((await notImported(site, { import_id: uuid() }, text, { by: {} })).code, 'UNAUTHENTICATED');
  const stranger = site.api('exchange', { as: 'dosage' });
  assert.strictEqual((await notImported(site, { import_id: uuid() }, text, { on: stranger })).code, 'PERMISSION_DENIED');
});

test('each_patient_s_log_tells_of_it_and_so_does_the_import_s_end', async () => {
  const fresh = await Site.start({ services: ['records'] });
  try {
    const ps = [patient(), patient()];
    const start = { import_id: 'told', source: 'test' };
    await importing(fresh, start, bundle([...ps, condition(`Patient/${ps[0].id}`)].map((r) => entry(r))));
    const events = (await fresh.outbox()).filter((e) => e.action.endsWith('/ImportBundle'));
    const detail = (e) => ({ ...e.detail });
    assert.deepStrictEqual(events.map((e) => e.patient).sort(), ['', ...ps.map((p) => p.id)].sort());
    const first = events.find((e) => e.patient === ps[0].id);
    assert.deepStrictEqual(detail(first), { import: 'told', created: '2', updated: '0' });
    assert.deepStrictEqual(detail(events.at(-1)),
      { import: 'told', bundles: '1', created: '3', updated: '0', unchanged: '0', quarantined: '0', dry_run: 'false' });
    // Each version names the event of its patient's.
    assert.strictEqual(await fresh.rows('version v', `NOT EXISTS (SELECT 1 FROM seen s WHERE s.patient_id = v.patient_id AND s.event_id = v.event_id)`), 0);
    // What was there already is nobody's to be told of.
    await importing(fresh, start, bundle(ps.map((r) => entry(r))));
    assert.strictEqual((await fresh.outbox()).filter((e) => e.action.endsWith('/ImportBundle')).length, 4);
  } finally {
    await fresh.stop();
  }
});

test('nothing_of_a_resource_is_in_the_log_or_an_error', async () => {
  const secret = `Geheim${uuid()}`;
  const p = patient(uuid(), { name: [{ family: secret }], gender: secret, [secret]: 1 });
  const last = await put([p, { ...patient(), birthDate: secret }, { ...patient(), name: [{ [secret]: 'x' }] }]);
  assert.ok(last.quarantined > 0 && last.unmodelled.length > 0);
  assert.ok(!JSON.stringify(last).includes(secret));
  const err = await notImported(site, { import_id: uuid() }, `{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","x":"${secret}`);
  assert.ok(!JSON.stringify([err.details, err.field, err.violation]).includes(secret));
  assert.ok(!site.ward.services.records.proc.lines.join('').includes(secret));
});
