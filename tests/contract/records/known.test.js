'use strict';
// A second source adds to a patient who is known: by identifier, by a condition, by a trusted system; and messages after a clerk's
// edit are merged by element.

const { test, before, beforeEach, after } = require('node:test');
const assert = require('node:assert');
const { Site, uuid, observation } = require('./site');
const { bundle, imported, notImported, importsOf } = require('./bundles');

const TRUSTED = 'http://hospital.example/mrn', NATIONAL = 'urn:oid:2.16.840.1.113883.4.1';
let site, run;
beforeEach(() => { run = uuid(); }); // no two tests share a source
before(async () => {
  site = await Site.start({ services: ['records'], env: { records: { WARD_TRUSTED_IDENTIFIER_SYSTEMS: `${TRUSTED}, ${NATIONAL}` } } });
});
after(() => site && site.stop());
const { counts, out } = importsOf(() => site);

const mrn = (system = 'urn:mrn', value = uuid()) => ({ system, value });
const person = (id, identifier, more = {}) => ({
  resourceType: 'Patient', ...(id && { id }), identifier: [identifier].flat(), name: [{ family: 'Wang', given: ['Xiaoming'] }], birthDate: '1980-01-01', ...more,
});
const result = (subject) => ({ resourceType: 'Observation', id: uuid(), status: 'final', code: { text: 'x' }, subject });
const send = (source, entries, { type = 'batch', ...more } = {}) => imported(site, { import_id: uuid(), source: `${source} ${run}`, ...more },
  bundle(entries.map((e) => (e.resourceType ? { ...(e.id && { fullUrl: `http://${encodeURIComponent(source)}/fhir/${e.resourceType}/${e.id}` }), resource: e } : e)), type));
const problems = (last) => last.first_problems.map((i) => i.problems.map((p) => `${p.reason} ${p.path}`).join());
const found = async (id) => (await site.records.call('Search',
  { kind: 'KIND_PATIENT', parameters: [{ name: 'identifier', values: [`${id.system}|${id.value}`] }] }, site.tokens.registrar)).records;
const known = async (id) => {
  const all = await found(id);
  assert.strictEqual(all.length, 1);
  return all[0].version.resource_id;
};
const subjects = async (id) => (await out(id)).filter((r) => r.resourceType === 'Observation').map((r) => r.subject.reference);
const made = (created, updated = 0, unchanged = 0, quarantined = 0) => ({ created, updated, unchanged, quarantined });
const current = async (id) => (await site.read('KIND_PATIENT', id, 'registrar')).record;
async function clerk(id, change) {
  const { resource, version } = await current(id);
  await site.update({ patient: { ...resource.patient, ...change } }, version.version);
}
const phone = (value) => [{ system: 'SYSTEM_PHONE', value }];

test('a_reference_by_identifier_is_the_one_patient_with_it', async () => {
  const id = mrn();
  await send('ehr', [person('17', id)]);
  const ward = await known(id);
  const query = `Patient?identifier=${id.system}|${id.value}`;
  const first = [result({ identifier: id }), result({ reference: query }), result({ reference: query.replace('|', '%7C') })];
  assert.deepStrictEqual(counts(await send('lis', first)), made(3));
  assert.deepStrictEqual(await subjects(ward), Array(3).fill(`Patient/${ward}`));
  assert.deepStrictEqual(counts(await send('lis', first)), made(0, 0, 3), 'the same again is the same');
  // Nobody has it; or two have.
  const nobody = await send('lis', [result({ identifier: mrn() }), result({ reference: 'Patient?identifier=a|b&name=c' })]);
  assert.deepStrictEqual(problems(nobody).sort(), ['PATIENT_NOT_FOUND Observation.subject.reference', 'REFERENCE_INVALID Observation.subject.reference']);
  for (let i = 0; i < 2; i++) await site.patient({ identifier: [{ system: 'urn:twice', value: id.value }] });
  assert.deepStrictEqual(problems(await send('lis', [result({ identifier: mrn('urn:twice', id.value) })])), ['SEVERAL_MATCH Observation.subject']);
});

test('a_reference_by_identifier_finds_a_patient_of_the_same_bundle_before_or_after_it', async () => {
  for (const type of ['batch', 'transaction']) {
    for (const turn of [(a) => a, (a) => a.reverse()]) {
      const id = mrn();
      assert.deepStrictEqual(counts(await send(uuid(), turn([person('1', id), result({ identifier: id })]), { type })), made(2), type);
      assert.strictEqual((await subjects(await known(id))).length, 1);
    }
  }
});

test('a_conditional_create_makes_a_patient_once', async () => {
  const id = mrn();
  const entry = (urn, more = {}) => ({
    fullUrl: `urn:uuid:${urn}`, resource: person(undefined, id, more), request: { method: 'POST', url: 'Patient', ifNoneExist: `identifier=${id.system}|${id.value}` },
  });
  assert.deepStrictEqual(counts(await send('a', [entry(uuid())], { type: 'transaction' })), made(1));
  const ward = await known(id);
  // What comes with it goes to the patient who is there, in the same bundle and later.
  for (const type of ['transaction', 'batch']) {
    const urn = uuid();
    const last = await send('b', [entry(urn, { gender: 'male' }), result({ reference: `urn:uuid:${urn}` })], { type });
    assert.deepStrictEqual(counts(last), made(1, 0, 1), type);
    assert.deepStrictEqual(counts(await send('b', [result({ reference: `urn:uuid:${urn}` })])), made(1));
  }
  assert.strictEqual((await subjects(ward)).length, 4);
  assert.strictEqual((await current(ward)).version.version, 1);
  // Somebody else was born another day.
  assert.deepStrictEqual(problems(await send('c', [entry(uuid(), { birthDate: '1990-05-05' })])), ['DUPLICATE_PATIENT Patient.birthDate']);
  // Several at once make one.
  const other = mrn();
  const same = () => send(uuid(), [{ resource: person(undefined, other), request: { method: 'POST', url: 'Patient', ifNoneExist: `identifier=${other.system}|${other.value}` } }]);
  const all = await Promise.all([same(), same(), same(), same()]);
  assert.deepStrictEqual(all.map((l) => l.created).sort(), [0, 0, 0, 1]);
  await known(other);
});

test('a_conditional_update_goes_to_the_one_who_has_the_identifier_and_makes_one_where_nobody_has', async () => {
  const id = mrn();
  const put = (source, more, identifier = id) => send(source, [{
    resource: person(undefined, identifier, more), fullUrl: `http://${source}/fhir/Patient/p9`, request: { method: 'PUT', url: `Patient?identifier=${id.system}|${id.value}` },
  }]);
  assert.deepStrictEqual(counts(await put('ehr', {})), made(1));
  assert.deepStrictEqual(counts(await put('ehr', { gender: 'male' })), made(0, 1));
  assert.deepStrictEqual(counts(await put('lis', { address: [{ city: 'Beijing' }] })), made(0, 1));
  assert.deepStrictEqual(counts(await put('lis', { address: [{ city: 'Beijing' }] })), made(0, 0, 1));
  assert.deepStrictEqual(counts(await put('lis', { address: [{ city: 'Tianjin' }] })), made(0, 1));
  const { patient } = (await current(await known(id))).resource;
  assert.deepStrictEqual([patient.gender, patient.address[0].city], ['ADMINISTRATIVE_GENDER_MALE', 'Tianjin']);
  const twice = mrn('urn:twice');
  for (let i = 0; i < 2; i++) await site.patient({ identifier: [twice] });
  const last = await send('lis', [
    { resource: person('x1', twice), request: { method: 'PUT', url: `Patient?identifier=${twice.system}|${twice.value}` } },
    { resource: person('x2', twice), request: { method: 'POST', url: 'Patient', ifNoneExist: `identifier=${twice.system}|${twice.value}` } },
  ]);
  assert.deepStrictEqual(problems(last), ['SEVERAL_MATCH request.url', 'SEVERAL_MATCH request.ifNoneExist']);
});

test('a_patient_with_a_trusted_identifier_is_the_known_one_and_the_source_s_id_an_alias', async () => {
  const id = mrn(TRUSTED);
  await send('ehr', [person('17', [id, mrn('urn:visit')])]);
  const ward = await known(id);
  const own = mrn('urn:lab');
  assert.deepStrictEqual(counts(await send('lis', [person('lab-9', [id, own], { gender: 'male' }), result({ reference: 'Patient/lab-9' })])), made(1, 1));
  assert.deepStrictEqual(counts(await send('lis', [result({ reference: 'Patient/lab-9' })])), made(1));
  assert.deepStrictEqual(counts(await send('lis', [person('lab-9', [id, own], { gender: 'male' })])), made(0, 0, 1));
  assert.deepStrictEqual(await subjects(ward), Array(2).fill(`Patient/${ward}`));
  const { patient } = (await current(ward)).resource;
  assert.deepStrictEqual([patient.gender, patient.identifier.map((i) => i.system)], ['ADMINISTRATIVE_GENDER_MALE', [TRUSTED, 'urn:visit', 'urn:lab']]);
  assert.strictEqual(await known(own), ward);
  // The first source goes on as before, and takes nothing of the second's away.
  assert.strictEqual((await send('ehr', [person('17', [id], { active: true })])).updated, 1);
  assert.deepStrictEqual((await current(ward)).resource.patient.identifier.map((i) => i.system), [TRUSTED, 'urn:lab']);
  // A dry run says the same and keeps nothing.
  const dry = await send('pacs', [person('img-1', id), result({ reference: 'Patient/img-1' })], { dry_run: true });
  assert.deepStrictEqual(counts(dry), made(1, 1));
  assert.deepStrictEqual(problems(await send('pacs', [result({ reference: 'Patient/img-1' })])), ['PATIENT_NOT_FOUND Observation.subject.reference']);
});

test('who_cannot_be_the_same_person_waits_for_a_person_with_all_that_is_theirs', async () => {
  const id = mrn(TRUSTED);
  const national = mrn(NATIONAL);
  await send('ehr', [person('17', [id, national], { gender: 'female' })]);
  const ward = await known(id);
  for (const [more, problem, ids = id] of [
    [{ birthDate: '1980-01-02' }, 'DUPLICATE_PATIENT Patient.birthDate'],
    [{ name: [{ family: 'Li' }], gender: 'male' }, 'DUPLICATE_PATIENT Patient.name'],
    [{ name: [{ family: 'Wang', given: ['Daming'] }] }, 'DUPLICATE_PATIENT Patient.name'], // a twin
    [{}, 'DUPLICATE_PATIENT Patient.identifier', [id, mrn(NATIONAL)]],
  ]) {
    const source = uuid();
    const entries = [person('p', ids, more), result({ reference: 'Patient/p' }), result({ identifier: id })];
    const last = await send(source, entries);
    assert.deepStrictEqual(problems(last).sort(), [problem, ...Array(2).fill('PATIENT_NOT_FOUND Observation.subject.reference')]);
    assert.strictEqual((await notImported(site, { import_id: uuid(), source }, bundle(entries.map((resource) => ({ resource })), 'transaction'))).reason, 'IMPORT_REFUSED');
    assert.deepStrictEqual(problems(await send(source, [result({ reference: 'Patient/p' })])), ['PATIENT_NOT_FOUND Observation.subject.reference']);
  }
  assert.deepStrictEqual([await subjects(ward), (await current(ward)).version.version], [[], 1]);
  // A year alone, or another family name of a woman who married, does not speak against it.
  assert.strictEqual((await send(uuid(), [person('p', id, { birthDate: '1980', gender: 'female', name: [{ family: 'Li' }] })])).updated, 1);
  // A system that nobody named is not trusted.
  const weak = mrn('urn:weak');
  await send('ehr', [person('18', weak)]);
  assert.deepStrictEqual(problems(await send('lis', [person('lab-8', weak)])), ['DUPLICATE_PATIENT Patient.identifier']);
});

test('after_a_clerk_s_edit_messages_are_merged_by_element_and_no_version_is_lost', async () => {
  const id = mrn();
  const say = (more = {}) => send('adt', [person('17', id, more)]);
  await say({ telecom: [{ system: 'phone', value: '1' }] });
  const ward = await known(id);
  await clerk(ward, { telecom: phone('2') });
  const now = async () => {
    const { resource: { patient }, version } = await current(ward);
    return [patient.telecom.map((t) => t.value).join(), patient.address.map((a) => a.city).join(), version.version];
  };
  assert.deepStrictEqual(counts(await say({ telecom: [{ system: 'phone', value: '1' }] })), made(0, 0, 1));
  // What only the source changed is the source's, what only the clerk changed the clerk's.
  assert.deepStrictEqual(counts(await say({ telecom: [{ system: 'phone', value: '1' }], address: [{ city: 'Beijing' }] })), made(0, 1));
  assert.deepStrictEqual(await now(), ['2', 'Beijing', 4]);
  assert.deepStrictEqual(counts(await say({ telecom: [{ system: 'phone', value: '1' }], address: [{ city: 'Tianjin' }] })), made(0, 1));
  assert.deepStrictEqual(await now(), ['2', 'Tianjin', 6]);
  // Both: a person decides, and sees which.
  const both = await say({ telecom: [{ system: 'phone', value: '3' }], address: [{ city: 'Tianjin' }], deceasedBoolean: true });
  assert.deepStrictEqual(problems(both), ['CONFLICT Patient.telecom']);
  assert.deepStrictEqual(await now(), ['2', 'Tianjin', 6]);
  // The source comes to say what the clerk wrote.
  assert.strictEqual((await say({ telecom: [{ system: 'phone', value: '2' }], address: [{ city: 'Tianjin' }] })).updated, 1);
  assert.deepStrictEqual(await now(), ['2', 'Tianjin', 7]);
  const { records } = await site.records.call('History', { kind: 'KIND_PATIENT', id: ward }, site.tokens.registrar);
  const told = records.map((r) => [r.version.version, r.version.provenance?.device || '', r.resource.patient.telecom[0].value]).sort((a, b) => a[0] - b[0]);
  assert.deepStrictEqual(told, [
    [1, `import:adt ${run}`, '1'], [2, '', '2'], [3, `import:adt ${run}`, '1'], [4, 'merged by an import', '2'], [5, `import:adt ${run}`, '1'], [6, 'merged by an import', '2'], [7, `import:adt ${run}`, '2'],
  ]);
});

test('a_conflict_that_a_person_decided_for_the_source_does_not_come_again', async () => {
  const id = mrn();
  const say = (value, more = {}) => send('adt', [person('17', id, { telecom: [{ system: 'phone', value }], ...more })], { import_id: `${run} ${value} ${more.gender}` });
  await say('1');
  const ward = await known(id);
  await clerk(ward, { telecom: phone('2') });
  assert.strictEqual((await say('3')).quarantined, 1);
  const exchange = site.api('exchange');
  const { items } = await exchange.call('ListQuarantine', { import_id: `${run} 3 undefined` }, site.tokens['records-admin']);
  await exchange.call('ReplayQuarantined', { idempotency_key: site.key(), item_id: items[0].item_id }, site.tokens['records-admin']);
  assert.strictEqual((await say('3', { gender: 'male' })).updated, 1);
  const { patient } = (await current(ward)).resource;
  assert.deepStrictEqual([patient.telecom[0].value, patient.gender], ['3', 'ADMINISTRATIVE_GENDER_MALE']);
});

test('what_a_clerk_and_a_nurse_wrote_stays_theirs_where_the_source_says_something_else', async () => {
  const { id } = await site.treated();
  const record = await site.create(observation(id), 'nurse');
  const other = { ...result({ reference: `Patient/${id}` }), id: record.version.resource_id };
  assert.deepStrictEqual(problems(await send('lis', [other])), ['CONFLICT Observation.id']);
});
