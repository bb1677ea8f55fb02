'use strict';
// Every command of wardctl about charts, on a running Ward, as those who type them: a clerk, a nurse, a privacy officer, whoever
// runs the service.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Up } = require('../lib/up');
const { run, Proc } = require('../lib/proc');
const { bin } = require('../lib/paths');

const up = new Up();
before(() => up.start());
after(() => up.stop());

const records = (...words) => up.ask('records', ...words);
const human = (...words) => run([bin('wardctl'), '--data', up.dir, 'records', ...words], { env: { PATH: process.env.PATH } });
const file = (name, value) => {
  const to = path.join(up.dir, name);
  if (value !== undefined) fs.writeFileSync(to, typeof value === 'string' ? value : JSON.stringify(value));
  return to;
};
const failed = async (...words) => {
  const r = await up.ctl('records', ...words);
  assert.notStrictEqual(r.status, 0, r.lines.join('\n'));
  return { status: r.status, ...r.json().error };
};

const patient = (family, more = {}) => ({ patient: { name: [{ family, given: ['Anna'] }], gender: 'FEMALE', birth_date: '1950-01-31', ...more } });
const stay = (id, ward = 'ward-3') => ({ encounter: {
  status: 'IN_PROGRESS', class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP' }, subject: { reference: `Patient/${id}` },
  location: [{ location: { reference: `Location/${ward}` } }] } });
const pulse = (id, value, more = {}) => ({ observation: {
  status: 'FINAL', code: { coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Heart rate' }] }, subject: { reference: `Patient/${id}` },
  effective_date_time: '2026-03-02T09:30:00+08:00', value_quantity: { value: { value }, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' }, ...more } });

// A patient in ward-3 with one pulse: their ids.
async function chart(family) {
  const id = (await records('create', file('patient.json', patient(family)))).record.version.resource_id;
  const encounter = (await records('create', file('stay.json', stay(id)))).record.version.resource_id;
  const observation = (await records('create', '--ward', 'ward-3', file('pulse.json', pulse(id, '72.50')))).record.version.resource_id;
  return { id, encounter, observation };
}

test('a_resource_goes_through_its_versions', async () => {
  const { id, observation } = await chart('Versions');
  const read = await records('read', '--ward', 'ward-3', 'Observation', observation);
  assert.strictEqual(read.record.resource.observation.value_quantity.value.value, '72.50');
  const next = { ...pulse(id, '80').observation, id: observation, status: 'AMENDED' };
  const updated = await records('update', '--ward', 'ward-3', '1', file('next.json', { observation: next }));
  assert.strictEqual(updated.record.version.version, 2);
  const again = await failed('update', '--ward', 'ward-3', '1', file('next.json', { observation: next }));
  assert.deepStrictEqual([again.status, again.code, again.reason], [1, 'ABORTED', 'VERSION_CONFLICT']);
  const history = await records('history', '--ward', 'ward-3', '--with-leaves', 'true', 'observation', observation);
  assert.deepStrictEqual(history.records.map((r) => r.version.version), [2, 1]);
  const first = await records('read-version', '--ward', 'ward-3', 'Observation', observation, '1');
  assert.strictEqual(first.record.resource.observation.status, 'FINAL');
  const wrong = await records('entered-in-error', '--ward', 'ward-3', '--reason', 'the wrong patient', 'Observation', observation, '2');
  assert.strictEqual(wrong.record.entered_in_error, true);
  const shown = (await human('read', '--ward', 'ward-3', 'Observation', observation)).stdout;
  assert.match(shown, /^ {6}status: ENTERED_IN_ERROR$/m);
});

test('what_is_read_can_be_written_again', async () => {
  const { id } = await chart('Again');
  const { record } = await records('read', 'Patient', id);
  record.resource.patient.telecom = [{ system: 'PHONE', value: '555-0101', use: 'HOME' }];
  const updated = await records('update', String(record.version.version), file('patient2.json', record.resource));
  assert.strictEqual(updated.record.resource.patient.telecom[0].value, '555-0101');
});

test('a_search_takes_fhir_s_parameters', async () => {
  const { id, observation } = await chart('Suchbar');
  const found = await records('search', '--ward', 'ward-3', '--total', 'bounded', 'Observation', `patient=${id}`, 'code=http://loinc.org|8867-4', 'date=ge2026-01-01', 'status:not=cancelled');
  assert.deepStrictEqual(found.records.map((r) => r.version.resource_id), [observation]);
  assert.strictEqual(found.total, 1);
  const named = await records('search', 'Patient', 'family=suchb');
  assert.ok(named.records.some((r) => r.version.resource_id === id));
  const unknown = await failed('search', 'Patient', 'shoe-size=43');
  assert.deepStrictEqual([unknown.status, unknown.reason], [1, 'PARAMETER_UNKNOWN']);
  assert.strictEqual((await failed('search', 'Patient', 'family')).status, 2);
  assert.strictEqual((await failed('search', 'Shoe', 'family=x')).status, 2);
});

test('a_batch_is_all_or_nothing', async () => {
  const { id } = await chart('Batch');
  const entries = ['61', '62'].map((v) => ({ create: { resource: pulse(id, v) } }));
  const done = await records('batch', '--ward', 'ward-3', file('batch.json', entries));
  assert.strictEqual(done.results.length, 2);
  const broken = [...entries, { create: { resource: pulse(id, '1', { effective_date_time: '2026-02-30T00:00:00Z' }) } }];
  const no = await failed('batch', '--ward', 'ward-3', file('batch.json', broken));
  assert.match(no.field, /^entries\[2\]\./);
});

test('the_glass_is_broken_listed_and_reviewed_by_another', async () => {
  const { id, observation } = await chart('Glas');
  assert.strictEqual((await failed('read', '--ward', 'ward-9', 'Observation', observation)).code, 'NOT_FOUND');
  await records('break-glass', '--ward', 'ward-9', '--reason', 'emergency', '--explanation', 'found on the floor', id);
  await records('read', '--ward', 'ward-9', 'Observation', observation);
  const glass = (await records('glass', 'list')).glass.find((g) => g.patient_id === id);
  assert.strictEqual(glass.acts, 1);
  const own = await failed('glass', 'review', glass.glass_id, 'justified');
  assert.strictEqual(own.reason, 'OWN_GLASS');
  const officer = file('officer', (await up.ask('token', 'issue', '--subject', 'officer', '--roles', 'privacy-officer', '--purpose', 'HOPERAT')).token);
  const reviewed = await up.ask('--token', officer, 'records', 'glass', 'review', '--note', 'as it was', glass.glass_id, 'justified');
  assert.strictEqual(reviewed.glass.verdict, 'JUSTIFIED');
});

test('two_charts_become_one_and_two_again', async () => {
  const [a, b] = [await chart('Zwei'), await chart('Zwei')];
  const versions = async (p) => String((await records('read', 'Patient', p.id)).record.version.version);
  const merged = await records('merge', '--from-version', await versions(b), '--into-version', await versions(a), '--reason', 'the same person', b.id, a.id);
  assert.strictEqual((await records('read', 'Patient', b.id)).redirected_from, b.id);
  assert.strictEqual((await records('merges', a.id)).merges[0].merge_id, merged.merge_id);
  await records('unmerge', '--reason', 'two people', merged.merge_id);
  assert.strictEqual((await records('read', 'Patient', b.id)).redirected_from, undefined);
  const candidates = (await records('duplicates', a.id)).candidates || [];
  assert.ok(candidates.some((c) => c.patient_id === b.id));
  await records('different', a.id, b.id);
  assert.ok(!((await records('duplicates', a.id)).candidates || []).some((c) => c.patient_id === b.id));
});

// A bundle of one patient with one right and one impossible temperature.
function bundle() {
  const id = crypto.randomUUID();
  const degrees = (value) => ({ resource: { resourceType: 'Observation', id: crypto.randomUUID(), status: 'final', subject: { reference: `urn:uuid:${id}` },
    effectiveDateTime: '2026-03-01T08:00:00Z', code: { coding: [{ system: 'http://loinc.org', code: '8310-5' }] },
    valueQuantity: { value, unit: 'Cel', system: 'http://unitsofmeasure.org', code: 'Cel' } } });
  return { id, json: { resourceType: 'Bundle', type: 'collection', entry: [
    { fullUrl: `urn:uuid:${id}`, resource: { resourceType: 'Patient', id, birthDate: '1960-05-05', name: [{ family: 'Bündel' }] } }, degrees(37.5), degrees(385),
    { resource: { resourceType: 'Claim', id: crypto.randomUUID(), patient: { reference: `urn:uuid:${id}` } } },
    { resource: { resourceType: 'Organization', id: crypto.randomUUID(), name: 'Klinik' } }] } };
}

test('bundles_go_in_the_impossible_waits_and_the_chart_comes_out', async () => {
  const { id, json } = bundle();
  const done = await records('import', '--import-id', 'journey-1', '--source', 'elsewhere', '--file', file('bundle.json', json));
  assert.deepStrictEqual([done.created, done.quarantined, done.done], [4, 1, true]);
  assert.deepStrictEqual(done.uninterpreted.map((u) => [u.name, u.count]), [['Claim', 1]]);
  const [item] = (await records('quarantine', 'list', '--import-id', 'journey-1')).items;
  assert.strictEqual(item.problems[0].reason, 'IMPLAUSIBLE_VALUE');
  const { json: entry } = (await records('quarantine', 'show', item.item_id)).item;
  const fixed = entry.replace('385', '38.5');
  assert.strictEqual((await failed('quarantine', 'replay', item.item_id)).status, 1);
  const replayed = await records('quarantine', 'replay', '--file', file('fixed.json', fixed), item.item_id);
  assert.strictEqual(replayed.version, 1);
  const out = file('chart.json');
  await records('export', '--patient-id', id, '--out', out);
  const kinds = JSON.parse(fs.readFileSync(out, 'utf8')).entry.map((e) => e.resource.resourceType).sort();
  assert.deepStrictEqual(kinds, ['Claim', 'Observation', 'Observation', 'Patient']);
  const [klinik] = (await records('directory', 'Organization')).records;
  assert.strictEqual(klinik.resource.organization.name, 'Klinik');
  const found = (await records('search', 'Organization', 'name=klin')).records;
  assert.ok(found.some((r) => r.version.resource_id === klinik.version.resource_id));
  const again = await records('import', '--import-id', 'journey-1', '--source', 'elsewhere', '--file', file('bundle.json'));
  assert.strictEqual(again.created, undefined, 'the same bytes made something');
});

test('what_will_not_go_in_is_discarded', async () => {
  const { json } = bundle();
  await records('import', '--import-id', 'journey-2', '--source', 'elsewhere', '--file', file('bundle.json', json));
  const [item] = (await records('quarantine', 'list', '--import-id', 'journey-2')).items;
  await records('quarantine', 'discard', '--reason', 'a broken thermometer', item.item_id);
  assert.deepStrictEqual((await records('quarantine', 'list', '--import-id', 'journey-2')).items || [], []);
});

test('a_csv_goes_in_by_its_map', async () => {
  const map = { import_id: 'csv-1', source: 'clinic', kind: 'PATIENTS', columns: [
    { column: 'mrn', field: 'identifier:urn:clinic:mrn' }, { column: 'last', field: 'family' }, { column: 'born', field: 'birth_date', date_format: 'DD.MM.YYYY' }] };
  const done = await records('import-csv', '--map', file('map.json', map), '--file', file('patients.csv', 'mrn,last,born\r\n17,"Komma, Anna",31.01.1950\r\n'));
  assert.strictEqual(done.created, 1);
  const found = await records('search', 'Patient', 'identifier=urn:clinic:mrn|17');
  assert.strictEqual(found.records[0].resource.patient.birth_date, '1950-01-31');
});

test('attachments_go_in_and_come_out', async () => {
  const { id } = await chart('Anhang');
  const bytes = crypto.randomBytes(1500000);
  const put = await records('attachment', 'put', '--ward', 'ward-3', '--content-type', 'application/pdf', '--file', file('film.pdf', ''), id).catch((e) => e);
  assert.ok(put instanceof Error, 'an empty file is no attachment');
  fs.writeFileSync(file('film.pdf'), bytes);
  const { url } = await records('attachment', 'put', '--ward', 'ward-3', '--content-type', 'application/pdf', '--file', file('film.pdf'), id);
  const out = file('film-2.pdf');
  // It is seen by who sees a document that names it.
  const unnamed = await failed('attachment', 'get', '--ward', 'ward-3', '--out', out, id, url);
  assert.strictEqual(unnamed.reason, 'ATTACHMENT_NOT_FOUND');
  await records('create', '--ward', 'ward-3', file('film.json', { document_reference: {
    status: 'CURRENT', subject: { reference: `Patient/${id}` }, content: [{ attachment: { content_type: 'application/pdf', url } }] } }));
  await records('attachment', 'get', '--ward', 'ward-3', '--out', out, id, url);
  assert.ok(bytes.equals(fs.readFileSync(out)));
});

test('a_note_is_read', async () => {
  const found = await records('extract', '--ward', 'ward-3', '--text', '患者无发热，咳嗽3天。', '--language', 'chinese');
  const fever = found.findings.find((f) => f.assertion === 'NEGATED');
  assert.strictEqual(fever.kind, 'SYMPTOM');
  assert.strictEqual(fever.cues[0].kind, 'negation');
});

// What it prints with words on its standard input.
const fed = (input, ...words) => spawnSync(bin('wardctl'), ['--json', '--data', up.dir, 'records', ...words], { input, encoding: 'utf8', env: { PATH: process.env.PATH } });

test('a_note_and_a_name_need_not_stand_on_the_command_line', async () => {
  const note = '患者无发热，咳嗽3天。';
  const negated = (r) => r.findings.some((f) => f.assertion === 'NEGATED');
  assert.ok(negated(await records('extract', '--ward', 'ward-3', '--language', 'chinese', '--file', file('note.txt', note))));
  assert.ok(negated(JSON.parse(fed(note, 'extract', '--ward', 'ward-3', '--language', 'chinese', '--file', '-').stdout)));
  assert.strictEqual((await failed('extract', '--text', 'x', '--file', file('note.txt'))).status, 2);
  const { id } = await chart('Verschwiegen');
  const found = JSON.parse(fed('verschwieg\n', 'search', 'Patient', 'family=-').stdout);
  assert.deepStrictEqual(found.records.map((r) => r.version.resource_id), [id]);
  assert.strictEqual(fed('', 'search', 'Patient', 'family=-').status, 2);
});

test('an_import_that_put_something_aside_says_so_and_is_finished', async () => {
  const r = await up.ctl('records', 'import', '--import-id', 'journey-3', '--source', 'elsewhere', '--file', file('bundle.json', bundle().json));
  assert.strictEqual(r.status, 0);
  assert.strictEqual(JSON.parse(r.stdout).quarantined, 1);
  assert.ok(r.lines.some((line) => /^1 went to the quarantine/.test(line)));
});

test('counts_are_counts', async () => {
  const series = await records('series', '--by', 'gender', 'patients', 'patients');
  assert.ok(series.series.every((s) => s.points.every((p) => p.suppressed || p.count >= 5)));
});

test('charts_without_persons_go_out_to_a_researcher', async () => {
  const out = file('study.ndjson');
  for (let i = 0; i < 5; i++) await chart(`Geheim${i}`);
  await records('export-deidentified', '--out', out, 'study-1');
  const text = fs.readFileSync(out, 'utf8');
  assert.ok(text.split('\n').filter(Boolean).every((line) => JSON.parse(line).resourceType));
  assert.doesNotMatch(text, /Geheim|Anna/);
});

test('who_runs_it_sees_its_state_and_replaces_its_keys', async () => {
  const { id } = await chart('Schlüssel');
  const status = await records('status');
  assert.ok(status.resources.find((r) => r.kind === 'Patient').count > 0);
  assert.strictEqual(status.root_key_kind, 'file');
  const r = await up.ctl('records', 'rotate-keys');
  assert.strictEqual(r.status, 0, r.lines.join('\n'));
  assert.match(r.stdout, /"finished": ?true/);
  assert.strictEqual((await records('read', 'Patient', id)).record.version.resource_id, id);
});

test('a_patient_is_erased_and_the_log_says_so', async () => {
  const { id, observation } = await chart('Vergessen');
  const erased = await records('erase', id, 'CASE-2026/17');
  assert.ok(Number(erased.erased_at_us) > 0);
  assert.strictEqual((await failed('read', 'Patient', id)).code, 'NOT_FOUND');
  assert.strictEqual((await failed('read', '--ward', 'ward-3', 'Observation', observation)).code, 'NOT_FOUND');
});

test('changes_are_followed_until_ctrl_c', async () => {
  const follow = new Proc('wardctl records follow', [bin('wardctl'), '--json', '--data', up.dir, 'records', 'follow', '--kinds', 'Patient'], { env: { PATH: process.env.PATH } });
  try {
    const { id } = await chart('Folgen');
    await follow.line(new RegExp(id));
  } finally {
    await follow.stop();
  }
});

test('a_command_line_that_is_wrong_says_what_is_wrong', async () => {
  assert.strictEqual((await failed('read', 'Patient')).status, 2);
  assert.strictEqual((await failed('read', '--shoe', 'x', 'Patient', 'y')).status, 2);
  const r = await failed('create', file('bad.json', { patient: { nme: [] } }));
  assert.strictEqual(r.status, 2);
  assert.match(r.message, /no field "nme"/);
});
