'use strict';
// Every command of wardctl about people, doors and attendance, on a running Ward, as those who type
// them: a clerk, a nurse, a security officer, a data-protection officer, whoever runs the service.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Up } = require('../lib/up');
const { run, must, Proc } = require('../lib/proc');
const { bin, build, photo } = require('../lib/paths');
const { people, insert, scores, unhex } = require('../contract/identity/synthetic');
const { actor } = require('../contract/identity/motion');

const up = new Up();
const anna = photo('christian'), bert = photo('team-3');
const file = (name) => path.join(up.dir, name);
let annaAgain;
before(async () => {
  await up.start();
  annaAgain = file('again.jpg');
  await must([path.join(build, 'tests/recapture'), anna, annaAgain]);
});
after(() => up.stop());

const ctl = (...words) => [bin('wardctl'), '--data', up.dir, ...words];
const human = (...words) => run(ctl(...words), { env: { PATH: process.env.PATH } });
const id = (...words) => up.ask('identity', ...words);
const error = async (...words) => {
  const r = await up.ctl(...words);
  assert.strictEqual(r.status, 1, r.lines.join('\n'));
  return r.json().error;
};
const enrol = (picture, ...more) => id('enrol', '--photo', picture, '--consent', 'self', '--birth-year', '1980', ...more);
const attended = ['--place', 'bed-7', '--attended'];
const until = async (what, ask) => {
  for (let i = 0; i < 200; i++) {
    if (await ask()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never: ${what}`);
};
const inGallery = (name, n) => until(`${n} in ${name}`, async () => (await id('gallery', 'list')).galleries.some((g) => g.gallery === name && g.subjects === n));

test('what_was_agreed_to_is_in_the_ledger_and_every_repeated_option_counts', async () => {
  const e = await enrol(anna, '--also-consent', 'patient-search,research', '--also-consent', 'teaching', '--keep-photo',
    '--gallery', 'ward/3a', '--gallery', 'clinic/eye', '--retain-until', '2099-03-01', '--consent-text', '2026-12-de');
  assert.strictEqual(e.photograph_kept, true);
  const s = await id('subject', e.subject_id);
  assert.deepStrictEqual(s.ledger.map((l) => l.consent.purpose).sort(), ['patient-identification', 'patient-search', 'photo-retention', 'research', 'teaching']);
  assert.ok(s.ledger.every((l) => l.consent.text_version === '2026-12-de' && l.consent.given_by === 'self' && l.withdrawn_at_us === 0));
  assert.deepStrictEqual(s.galleries.sort(), ['clinic/eye', 'ward/3a']);
  assert.strictEqual(s.retain_until_us, Date.UTC(2099, 2, 1) * 1000);
  const text = (await human('identity', 'subject', e.subject_id)).stdout;
  assert.match(text, /^consent {4}teaching, text 2026-12-de, by self; \S+Z, written by local:/m);
  assert.match(text, /^keep until 2099-03-01T00:00:00Z$/m);
  assert.match(text, /^key {8}sha256 [0-9a-f]{64}$/m);
  await id('erase', e.subject_id);
});

test('staff_consent_to_access_and_not_to_a_patient_s_use', async () => {
  const { subject_id } = await enrol(bert, '--kind', 'staff');
  const s = await id('subject', subject_id);
  assert.deepStrictEqual([s.kind, s.ledger.map((l) => l.consent.purpose)], ['staff', ['staff-access']]);
  await id('erase', subject_id);
});

test('templates_come_and_go', async () => {
  const { subject_id } = await enrol(anna);
  const added = await id('add-template', subject_id, '--photo', annaAgain);
  assert.strictEqual(added.score, 0.69); // the highest step of the table
  assert.strictEqual((await error('identity', 'add-template', subject_id, '--photo', bert)).reason, 'FACE_DIFFERS');
  // Of several, as a film gives, those that can be used are added, and the refusal is said.
  const some = await id('add-template', subject_id, '--photo', anna, '--photo', bert, '--photo', annaAgain);
  assert.deepStrictEqual([some.added.length, some.refused.map((r) => [r.photo, r.reason])], [2, [[bert, 'FACE_DIFFERS']]]);
  assert.strictEqual((await error('identity', 'add-template', subject_id, '--photo', bert, '--photo', bert)).reason, 'FACE_DIFFERS');
  for (const template of some.added) await id('remove-template', subject_id, template);
  const verified = await id('verify', subject_id, '--photo', annaAgain, ...attended);
  assert.strictEqual(verified.templates, 2);
  assert.strictEqual((await id('remove-template', subject_id, added.template_id)).removed, true);
  assert.strictEqual((await id('remove-template', subject_id, added.template_id)).removed, false);
  assert.strictEqual((await id('subject', subject_id)).templates.length, 1);
  await id('erase', subject_id);
});

test('a_token_is_spent_once_by_its_text_or_from_a_pipe', async () => {
  const { subject_id } = await enrol(anna);
  const token = async () => (await id('verify', subject_id, '--photo', annaAgain, ...attended)).token;
  const one = await token();
  assert.strictEqual((await id('spend', one, '--subject', subject_id, '--place', 'bed-7')).method, 'face+attended');
  assert.strictEqual((await error('identity', 'spend', one, '--subject', subject_id)).reason, 'PPID_SPENT');
  const two = await token();
  assert.strictEqual((await error('identity', 'spend', two, '--subject', subject_id, '--place', 'bed-8')).reason, 'PPID_FOREIGN');
  fs.writeFileSync(file('ppid'), `${two}\n`);
  const piped = await run(['/bin/sh', '-c', `"$@" <${file('ppid')}`, 'sh', ...ctl('identity', 'spend', '-', '--subject', subject_id)], { env: { PATH: process.env.PATH } });
  assert.strictEqual(piped.status, 0, piped.lines.join('\n'));
  assert.match(piped.stdout, /^method {5}face\+attended, score at least 0\.\d{3}$/m);

  const { keys } = await id('keys');
  const [head, body, sig] = two.split('.');
  const { kid } = JSON.parse(Buffer.from(head, 'base64url'));
  const raw = Buffer.from(keys.find((k) => k.kid === kid).public_key, 'base64');
  const key = crypto.createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
  assert.ok(crypto.verify(null, Buffer.from(`${head}.${body}`), key, Buffer.from(sig, 'base64url')), 'identity keys checks identity\'s tokens');
  await id('erase', subject_id);
});

test('the_equal_way_by_wristband_with_a_witness_where_the_use_asks_for_one', async () => {
  const { subject_id } = await id('register', '--ref', 'no-face');
  const set = await id('identifiers', subject_id, '--wristband', 'WB-0001', '--second', 'birth-date=1950-01-31', '--second', 'phone-last-4=1234');
  assert.deepStrictEqual([set.has_wristband, set.second_types.sort()], [true, ['birth-date', 'phone-last-4']]);
  const way = (second, ...more) => ['identity', 'verify-wristband', subject_id, '--wristband', 'WB-0001', '--second', second, '--place', 'bed-7', ...more];
  assert.strictEqual((await up.ask(...way('birth-date=1950-01-30'))).outcome, 'NO_MATCH');
  const match = await up.ask(...way('phone-last-4=1234'));
  assert.deepStrictEqual([match.outcome, match.method], ['MATCH', 'wristband+second-id']);

  await id('policy', 'set', 'transfusion', '--liveness', 'attended', '--ways', 'wristband', '--witness');
  const use = ['--purpose', 'transfusion'];
  assert.strictEqual((await error(...way('phone-last-4=1234', ...use))).reason, 'WITNESS_NEEDED');
  const { token } = await up.ask('token', 'issue', '--subject', 'nurse-9', '--roles', 'nurse');
  fs.writeFileSync(file('witness'), `${token}\n`, { mode: 0o600 });
  const two = await up.ask(...way('phone-last-4=1234', ...use, '--witness', file('witness')));
  assert.strictEqual(two.method, 'wristband+second-id+witness');
  assert.strictEqual((await id('spend', two.token, '--subject', subject_id, ...use)).witness, 'nurse-9');

  const gone = await id('identifiers', subject_id, '--no-wristband', '--second', 'birth-date=');
  assert.deepStrictEqual([gone.has_wristband, gone.second_types], [false, ['phone-last-4']]);
  await id('erase', subject_id);
});

test('what_a_patient_says_need_not_stand_in_a_process_list', async () => {
  const { subject_id } = await id('register');
  const words = ctl('identity', 'identifiers', subject_id, '--wristband', '-', '--second', 'birth-date=-');
  fs.writeFileSync(file('said'), 'WB-0002\n1960-12-01\n');
  const r = await run(['/bin/sh', '-c', `"$@" <${file('said')}`, 'sh', ...words], { env: { PATH: process.env.PATH } });
  assert.strictEqual(r.status, 0, r.lines.join('\n'));
  const match = await id('verify-wristband', subject_id, '--wristband', 'WB-0002', '--second', 'birth-date=1960-12-01', '--place', 'bed-7');
  assert.strictEqual(match.outcome, 'MATCH');
  await id('erase', subject_id);
});

test('a_challenge_is_printed_and_its_frames_are_sent_as_the_camera_writes_them', async () => {
  const { subject_id } = await enrol(anna);
  await id('policy', 'set', 'kiosk', '--liveness', 'active', '--ways', 'face,wristband');
  const frames = actor();
  const names = Array.from({ length: 30 }, (_, i) => file(`frame-${String(i).padStart(2, '0')}`));
  const put = (n, bytes) => {
    fs.writeFileSync(`${names[n]}.new`, bytes);
    fs.renameSync(`${names[n]}.new`, names[n]);
  };
  const p = new Proc('wardctl', ctl('--json', 'identity', 'verify-video', subject_id, '--place', 'bed-7', '--purpose', 'kiosk', '--challenge', '--every', '150', ...names),
    { env: { PATH: process.env.PATH } });
  const many = Number(/^(\d) steps for the person, .* within 30\.0 s/.exec(await p.line(/ steps for the person/))[1]);
  const steps = [];
  while (steps.length < many) steps.push(await p.line(new RegExp(`^ {2}${steps.length + 1}\\. `)));
  p.hold(true);
  const played = steps.flatMap((s) => {
    const frame = /blink/.test(s) ? frames.blink : /left/.test(s) ? frames.left : frames.right;
    return [frame, frame, frames.straight, frames.straight, frames.straight, frames.straight];
  });
  const film = [frames.straight, frames.straight, frames.straight, frames.straight, ...played];
  names.forEach((_, n) => put(n, film[n] || frames.straight));
  assert.strictEqual(await p.exit, 0, p.lines.join('\n'));
  const a = JSON.parse(p.stdout);
  assert.strictEqual(a.steps_seen.length, steps.length);
  assert.deepStrictEqual([a.outcome, a.frames, a.liveness.challenge_passed], ['MATCH', 30, true]);
  assert.ok(a.token);
  await id('erase', subject_id);
});

test('a_frame_that_is_not_there_is_named', async () => {
  const { subject_id } = await enrol(anna);
  const e = await error('identity', 'verify-video', subject_id, ...attended, anna, '/nowhere.jpg');
  assert.strictEqual(e.message, 'cannot read /nowhere.jpg');
  const a = await id('verify-video', subject_id, ...attended, '--every', '0', anna, annaAgain);
  assert.deepStrictEqual([a.outcome, a.frames, a.usable_frames], ['MATCH', 2, 2]);
  await id('erase', subject_id);
});

test('a_search_is_for_uses_that_allow_one_among_those_who_agreed', async () => {
  const { subject_id } = await enrol(anna, '--also-consent', 'patient-search');
  await inGallery('patients', 1);
  const words = ['identity', 'identify', '--photo', annaAgain, ...attended];
  assert.strictEqual((await error(...words)).reason, 'WAY_NOT_ALLOWED');
  await id('policy', 'set', 'emergency', '--liveness', 'attended', '--ways', 'face,search,wristband', '--max-fmr', '1e-5');
  const { policies, otherwise } = await id('policy', 'list');
  const p = policies.find((one) => one.purpose === 'emergency');
  assert.deepStrictEqual([p.liveness, p.allow_search, p.witness, p.max_fmr], ['attended', true, false, 1e-5]);
  assert.deepStrictEqual([otherwise.liveness, otherwise.allow_search], ['attended', false]);
  const found = await up.ask(...words, '--purpose', 'emergency');
  assert.deepStrictEqual([found.outcome, found.candidates.map((c) => c.subject_id)], ['MATCH', [subject_id]]);

  await id('gallery', 'add', 'ward/9', subject_id);
  await inGallery('ward/9', 1);
  assert.strictEqual((await up.ask(...words, '--purpose', 'emergency', '--gallery', 'ward/9')).gallery_size, 1);
  await id('gallery', 'remove', 'ward/9', subject_id);
  await until('it is gone', async () => (await up.ctl(...words, '--purpose', 'emergency', '--gallery', 'ward/9')).status === 1);
  assert.strictEqual((await error(...words, '--purpose', 'emergency', '--gallery', 'ward/9')).reason, 'GALLERY_NOT_FOUND');
  await id('erase', subject_id);
});

test('someone_enrolled_twice_is_found_and_looked_at', async () => {
  const one = await enrol(anna, '--also-consent', 'patient-search');
  await inGallery('patients', 1);
  const two = await enrol(annaAgain, '--also-consent', 'patient-search');
  assert.strictEqual(two.possible_duplicates, 1);
  const [pair] = await id('duplicates', 'list');
  assert.deepStrictEqual([pair.subject_id, pair.other_subject_id, pair.state], [two.subject_id, one.subject_id, 'open']);
  await id('duplicates', 'resolve', pair.duplicate_id, '--same');
  assert.deepStrictEqual(await id('duplicates', 'list'), []);
  assert.strictEqual((await id('duplicates', 'list', '--state', 'same')).length, 1);
  assert.strictEqual((await error('identity', 'duplicates', 'resolve', pair.duplicate_id, '--different')).reason, 'DUPLICATE_DECIDED');
  for (const s of [one, two]) await id('erase', s.subject_id);
});

test('consent_is_withdrawn_given_again_and_the_face_s_end_is_proved', async () => {
  const { subject_id } = await enrol(anna, '--also-consent', 'patient-search');
  const before_ = (await id('subject', subject_id)).key_sha256;
  assert.strictEqual((await id('withdraw', subject_id, '--purpose', 'patient-search')).key_destroyed, false);
  const gone = await id('withdraw', subject_id);
  assert.deepStrictEqual([gone.key_destroyed, gone.key_sha256], [true, before_]);
  assert.strictEqual((await error('identity', 'verify', subject_id, '--photo', anna, ...attended)).reason, 'NO_CONSENT');
  await id('consent', subject_id, '--purpose', 'patient-identification', '--consent', 'guardian');
  assert.strictEqual((await id('add-template', subject_id, '--photo', anna)).score, 0);
  assert.strictEqual((await id('verify', subject_id, '--photo', anna, ...attended)).outcome, 'MATCH');
  assert.strictEqual((await id('retain', subject_id, '--until', '2099-01-01')).retain_until_us, Date.UTC(2099, 0, 1) * 1000);
  assert.strictEqual((await id('retain', subject_id, '--no-end')).retain_until_us, 0);
  assert.strictEqual((await error('identity', 'retain', subject_id, '--until', '2020-01-01')).code, 'INVALID_ARGUMENT');
  await id('erase', subject_id);
});

test('a_redacted_photograph_is_a_new_file_without_a_face', async () => {
  const out = file('hidden.jpg');
  const r = await id('redact', '--photo', anna, '--out', out, '--pixelate');
  assert.deepStrictEqual([r.file, r.faces], [out, 1]);
  assert.strictEqual(fs.statSync(out).mode & 0o777, 0o600);
  assert.strictEqual((await error('identity', 'enrol', '--photo', out, '--consent', 'self', '--birth-year', '1980')).reason, 'FACE_NOT_FOUND');
  const bytes = fs.readFileSync(out);
  assert.strictEqual((await error('identity', 'redact', '--photo', bert, '--out', out)).code, 'ALREADY_EXISTS');
  assert.ok(fs.readFileSync(out).equals(bytes), 'a file that was there was written over');
  const nowhere = await error('identity', 'redact', '--photo', bert, '--out', '/nowhere/hidden.jpg');
  assert.strictEqual(nowhere.message, 'cannot write /nowhere/hidden.jpg');
});

test('keys_are_rotated_and_templates_renewed_under_who_is_enrolled', async () => {
  const { subject_id } = await enrol(anna, '--keep-photo');
  const first = await id('status');
  assert.deepStrictEqual([first.gallery_ready, first.root_key_kind, first.rows_on_former_keks], [true, 'file', 0]);
  const rotated = await id('rotate-keys');
  assert.deepStrictEqual([rotated.finished, rotated.kek, rotated.keks_destroyed], [true, first.kek + 1, 1]);
  const renewed = await id('renew-templates', '--kind', 'patient');
  assert.deepStrictEqual([renewed.finished, renewed.done], [true, 1]);
  assert.strictEqual((await id('subject', subject_id)).templates[0].generation, renewed.generation);
  const next = await id('rotate-token-key');
  assert.ok((await id('keys')).keys.some((k) => k.kid === next.kid));
  assert.deepStrictEqual([(await id('reembed')).made, (await id('reembed')).need_capture], [0, 0]);
  assert.strictEqual((await id('verify', subject_id, '--photo', annaAgain, ...attended)).outcome, 'MATCH');
  const text = (await human('identity', 'status')).stdout;
  assert.match(text, /^stored {5}\d+ subjects, \d+ faces$/m);
  assert.match(text, new RegExp(`^kek {8}${rotated.kek}$`, 'm'));
  await id('erase', subject_id);
});

test('a_calibration_is_a_new_file_that_names_the_site_and_its_counts', async () => {
  const out = file('calibration.json');
  const words = ['identity', 'calibrate', '--kind', 'patient', '--site', 'St "Test" Hospital', '--out', out];
  assert.strictEqual((await error(...words)).reason, 'CALIBRATION_TOO_FEW');
  assert.deepStrictEqual(fs.readdirSync(up.dir).filter((n) => n.startsWith('calibration')), [], 'something is left of one that failed');
  const list = people(150);
  const { model_sha256: model } = await id('status');
  const root = unhex(fs.readFileSync(file('keys/identity.kek'), 'utf8'));
  await insert(list, { sql: (s) => up.sql('identity', s), root, model });
  const { genuine, impostor } = scores(list);
  fs.writeFileSync(`${out}.unfinished`, 'of a run that was cut');
  const r = await up.ask(...words);
  assert.deepStrictEqual(fs.readdirSync(up.dir).filter((n) => n.startsWith('calibration')), ['calibration.json']);
  assert.deepStrictEqual([r.subjects, r.genuine, r.impostor], [150, genuine.length, impostor.length]);

  const made = JSON.parse(fs.readFileSync(out, 'utf8'));
  assert.deepStrictEqual(Object.keys(made), ['model_sha256', 'source', 'date', 'n_genuine', 'n_impostor', 'points', 'mixed']);
  assert.strictEqual(made.model_sha256, model);
  assert.match(made.source, /^St "Test" Hospital: enrolled patients of this site, 150 subjects, 150 genuine and 11175 impostor pairs/);
  assert.ok(made.source.length < 512 && made.source.includes(made.date));
  assert.deepStrictEqual([made.n_genuine, made.n_impostor], [150, 11175]);
  made.points.forEach((p, i) => {
    assert.ok(Math.abs(p.threshold - r.points[i].threshold) < 1e-9 && p.fmr === r.points[i].fmr);
    assert.ok(impostor.filter((s) => s >= p.threshold + 1e-6).length / impostor.length <= p.fmr);
  });
  const bytes = fs.readFileSync(out);
  assert.strictEqual((await error(...words)).code, 'ALREADY_EXISTS');
  assert.ok(fs.readFileSync(out).equals(bytes));

  const other = await human('identity', 'calibrate', '--kind', 'patient', '--site', 'x', '--out', file('other.json'));
  assert.match(other.stdout, /too few pairs for one false match in 10000/);
});

test('who_a_wristband_is_of_and_who_there_is', async () => {
  const wristband = `WB-${crypto.randomUUID()}`, ref = `ref-${crypto.randomUUID()}`;
  const { subject_id } = await enrol(anna, '--ref', ref);
  await id('identifiers', subject_id, '--wristband', wristband);
  assert.strictEqual((await id('find', '--wristband', wristband)).subject_id, subject_id);
  assert.strictEqual((await id('find', '--ref', ref, '--kind', 'patient')).subject_id, subject_id);
  assert.strictEqual((await error('identity', 'find', '--wristband', 'WB-of-nobody')).reason, 'SUBJECT_NOT_FOUND');
  const listed = (await id('subjects', '--kind', 'patient')).find((s) => s.subject_id === subject_id);
  assert.deepStrictEqual([listed.external_ref, listed.has_face, listed.has_wristband], [ref, true, true]);
  assert.match((await human('identity', 'subjects')).stdout, new RegExp(`^${subject_id} +patient +face +wristband .*${ref}$`, 'm'));
});

test('a_photograph_is_judged_before_it_is_enrolled', async () => {
  assert.strictEqual((await id('assess', '--photo', anna)).usable, true);
  assert.match((await human('identity', 'assess', '--photo', photo('user7'))).stdout, /^can(not)? be enrolled$/m);
});

test('doors_open_by_role_and_leave_a_pack_for_a_controller_that_is_cut_off', async () => {
  const { subject_id } = await enrol(bert, '--kind', 'staff');
  await up.ask('access', 'zone', 'put', 'icu', '--rule', 'icu-nurse', '--rule', 'porter=mon-fri 07:00-19:00;sat 08:00-12:00', '--liveness', 'attended', '--anti-passback');
  await up.ask('access', 'door', 'put', 'icu-main', '--to', 'icu');
  await inGallery('staff', 1);
  const enter = (...more) => up.ask('access', 'enter', 'icu-main', '--photo', bert, '--attended', ...more);
  assert.strictEqual((await enter()).reason, 'NO_ROLE');
  await up.ask('access', 'staff-roles', subject_id, 'icu-nurse');
  const allowed = await enter();
  assert.deepStrictEqual([allowed.decision, allowed.subject_id], ['ALLOW', subject_id]);
  assert.strictEqual((await enter()).decision, 'ALLOW'); // the same again
  assert.strictEqual((await enter('--direction', 'out')).decision, 'ALLOW');
  assert.match((await human('access', 'forget', subject_id, '--zone', 'icu')).stdout, /^cleared {4}1$/m);
  assert.strictEqual((await up.ask('access', 'forget', subject_id)).forgotten, 0);

  await id('identifiers', subject_id, '--wristband', 'BADGE-7', '--second', 'pin=4711');
  const { token } = await id('verify-wristband', subject_id, '--wristband', 'BADGE-7', '--second', 'pin=4711', '--place', 'icu-main', '--purpose', 'door');
  assert.strictEqual((await up.ask('access', 'enter', 'icu-main', '--spend', token)).decision, 'ALLOW');

  const zones = (await human('access', 'zone', 'list')).stdout;
  assert.match(zones, /^icu {2}liveness attended, a second entry only after an exit\n {2}icu-nurse {2}at all times\n {2}porter {2}mon,tue,wed,thu,fri 07:00-19:00; sat 08:00-12:00\ndoor icu-main: \(outside\) -> icu$/m);
  const out = file('pack.jws');
  assert.ok((await up.ask('access', 'offline-pack', 'icu-main', '--out', out)).expires_at_us > Date.now() * 1000);
  const claims = JSON.parse(Buffer.from(fs.readFileSync(out, 'utf8').split('.')[1], 'base64url'));
  assert.ok(JSON.stringify(claims).includes(subject_id));
  assert.strictEqual((await error('access', 'offline-pack', 'icu-main', '--out', out)).code, 'ALREADY_EXISTS');
  await up.ask('access', 'staff-roles', subject_id, '--none');
  assert.strictEqual((await enter('--direction', 'out')).decision, 'ALLOW');
  assert.strictEqual((await enter()).reason, 'NO_ROLE');
  await id('erase', subject_id);
});

test('attendance_is_recorded_corrected_beside_what_was_and_reported', async () => {
  const { subject_id } = await enrol(bert, '--kind', 'staff', '--ref', 'staff-4');
  await inGallery('staff', 1);
  const record = (...more) => up.ask('attendance', 'record', '--photo', bert, '--place', 'gate', '--attended', ...more);
  const came = await record();
  assert.deepStrictEqual([came.outcome, came.direction, came.debounced], ['MATCH', 'in', false]);
  assert.strictEqual((await record('--direction', 'in')).debounced, true);
  const correct = (...more) => up.ask('attendance', 'correct', '--why', 'the terminal was down', ...more);
  await correct('--subject', subject_id, '--direction', 'in', '--at', '2026-03-02T08:00Z');
  const late = await correct('--subject', subject_id, '--direction', 'out', '--at', '2026-03-02T18:00+02:00');
  const csv = async () => (await human('attendance', 'export', '--from', '2026-03-02', '--to', '2026-03-02', '--subject', subject_id)).stdout.split('\r\n');
  const [, line, end] = await csv();
  assert.match(line, new RegExp(`^${subject_id},staff-4,2026-03-02,2026-03-02T08:00:00\\+00:00,2026-03-02T16:00:00\\+00:00,480,2,2,no$`));
  assert.strictEqual(end, '');
  await correct('--strike', late.attendance_id);
  assert.match((await csv())[1], /,yes$/);
  assert.strictEqual((await error('attendance', 'correct', '--strike', late.attendance_id, '--why', 'again')).reason, 'ATTENDANCE_STRUCK');
  const out = file('march.csv');
  const saved = await up.ask('attendance', 'export', '--from', '2026-03-01', '--to', '2026-03-31', '--out', out);
  assert.deepStrictEqual([saved.file, saved.bytes], [out, fs.statSync(out).size]);
  assert.ok(saved.event_id);
  const bad = await error('attendance', 'export', '--from', '2026-03-31', '--to', '2026-03-01', '--out', file('none.csv'));
  assert.strictEqual(bad.code, 'INVALID_ARGUMENT');
  assert.deepStrictEqual(fs.readdirSync(up.dir).filter((n) => n.startsWith('none')), []);
  await id('erase', subject_id);
});

test('a_command_line_that_is_not_whole_is_status_2_and_asks_nothing', async () => {
  const s = crypto.randomUUID();
  const wrong = `identity enrol --photo ${anna} --consent self --retain-until tomorrow
    identity enrol --photo ${anna} --consent self --kind visitor
    identity enrol --photo ${anna} --consent self --also-consent
    identity enrol --photo ${anna} --consent self --gallery ,
    identity register --kind
    identity add-template ${s}
    identity remove-template ${s}
    identity verify ${s} --photo ${anna} --place bed-7 --max-fmr high
    identity verify-video ${s} --place bed-7
    identity verify-video ${s} ${anna}
    identity verify-wristband ${s} --wristband W --place bed-7
    identity verify-wristband ${s} --wristband W --second 1950 --place bed-7
    identity identifiers ${s}
    identity identifiers ${s} --wristband W --no-wristband
    identity consent ${s} --purpose research
    identity withdraw ${s} --purpose=
    identity retain ${s}
    identity retain ${s} --until 2027-02-30
    identity retain ${s} --until 2027-02-01 --no-end
    identity spend TOKEN
    identity identify --photo ${anna}
    identity gallery add ward/3a
    identity duplicates list --state all
    identity duplicates resolve ${s}
    identity duplicates resolve ${s} --same --different
    identity redact --photo ${anna}
    identity policy set bedside --liveness attended
    identity policy set bedside --liveness sometimes --ways face
    identity policy set bedside --liveness attended --ways face,voice
    identity renew-templates
    identity calibrate --kind patient --out f
    identity rotate-keys now
    access zone put
    access zone put icu --rule nurse=noon
    access zone put icu --liveness unspecified
    access door put main
    access staff-roles ${s}
    access staff-roles ${s} nurse --none
    access forget
    access enter main
    access enter main --photo ${anna} --spend TOKEN
    access enter main --photo ${anna} --direction sideways
    access offline-pack --out f
    attendance record --photo ${anna}
    attendance correct --why w
    attendance correct --subject ${s} --direction in --at 2026-03-02 --why w
    attendance correct --strike ${s}
    attendance export --from 2026-03-01
    --json attendance export --from 2026-03-01 --to 2026-03-02`.split('\n');
  for (const line of wrong) {
    const r = await human(...line.trim().split(' '));
    assert.strictEqual(r.status, 2, `${line.trim()}: ${r.lines.join('\n')}`);
    assert.strictEqual(r.stdout, '', line);
  }
});

test('help_lists_every_command_and_what_it_takes', async () => {
  const text = (await human('help')).stdout;
  for (const words of ['identity verify-video', 'identity calibrate', 'access zone put', 'attendance export']) assert.ok(text.includes(`\n  ${words} `), words);
  const one = await human('identity', 'enrol', '--help');
  assert.match(one.stdout, /^usage: wardctl identity enrol --photo FILE --consent WHO/);
  const part = await human('access');
  assert.strictEqual(part.status, 2);
  assert.ok(part.lines.every((l) => !l.startsWith('  identity')));
});

test('nothing_of_a_person_is_in_the_logs', () => {
  for (const name of fs.readdirSync(file('log'))) {
    const text = fs.readFileSync(file(`log/${name}`), 'utf8');
    for (const word of ['WB-0001', '1950-01-31', 'staff-4', 'BADGE-7', 'ward/9']) assert.ok(!text.includes(word), `${name} holds ${word}`);
  }
});
