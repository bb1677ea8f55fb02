'use strict';
// `make demo` runs this program. It performs the main workflow on real photographs, from an empty folder. Each step
// shows the wardctl commands that a person could type, as `$ ...`, and their results.
//
// PHOTOS=DIR uses your own photographs: DIR/<person>/*.jpg. The first is enrolled, the second is shown to the camera.
// KEEP=1 keeps the folder, and SCRATCH=DIR chooses it. UNTIL=FILE keeps the services running after the end until FILE exists.
// JOIN=DIR starts no services and uses running ones: DIR contains their ports, certificates and keys as `wardctl up` writes them.
// NO_COLOR disables colours.

const fs = require('node:fs');
const path = require('node:path');
const { Up } = require('../../tests/lib/up');
const { run, must } = require('../../tests/lib/proc');
const { root, build, data, bin, folder } = require('../../tests/lib/paths');
const { note } = require('./demo_note');
const { film } = require('./demo_film');
const { receipts, tamper } = require('./demo_audit');

/* ---- printing ---- */

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const ink = (code) => (text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : String(text));
const bold = ink(1), dim = ink(2), red = ink(31), green = ink(32), yellow = ink(33);
const say = (text = '') => console.log(text === '' ? '' : `   ${text}`);
const tell = (text) => text.replace(/(.{1,92})(\s+|$)/g, '$1\n').trimEnd().split('\n').forEach((line) => say(line));
const title = (n, text) => console.log(`\n${bold(`${n}  ${text}`)}`);
const typed = (...words) => say(dim(`$ ${['wardctl', ...words].join(' ')}`));
const near = (file) => path.relative(root, file).replace(/^(\.\.\/)+.*\//, '');

// Prints rows under a heading, with columns as wide as their content. paint(row index, column, text) colours a cell.
function table(head, rows, paint = (r, c, text) => text) {
  const width = head.map((h, c) => Math.max(h.length, ...rows.map((r) => String(r[c]).length)));
  const line = (cells, dress) => say(cells.map((cell, c) => dress(c, String(cell).padEnd(width[c]))).join('  ').trimEnd());
  line(head, (c, text) => dim(text));
  rows.forEach((row, r) => line(row, (c, text) => paint(r, c, text)));
}

const decision = (outcome) => ({ MATCH: green, NO_MATCH: red, UNUSABLE: yellow }[outcome] || ((x) => x))(outcome);
const short = (id) => `${id.slice(0, 8)}..${id.slice(-4)}`;

/* ---- photographs ---- */

const scratch = process.env.SCRATCH || folder('ward-demo');
const MADE = 'a second capture (*)';

// Derives a second capture from the only photograph. Every line that shows the capture says so.
async function recapture(photo, name) {
  const made = path.join(scratch, `${name}-again.jpg`);
  await must([path.join(build, 'tests/recapture'), photo, made]);
  return made;
}

async function portraits() {
  const people = [];
  for (const [label, name] of [['A', 'christian'], ['B', 'team-3']]) {
    const photo = path.join(root, 'build/photos', `${name}.jpg`);
    people.push({ label, photo, other: await recapture(photo, name), from: MADE });
  }
  return people;
}

async function own(dir) {
  const people = [];
  for (const person of fs.readdirSync(dir).sort()) {
    const sub = path.join(dir, person);
    const photos = fs.statSync(sub).isDirectory() ? fs.readdirSync(sub).filter((f) => /\.(jpe?g|png)$/i.test(f)).sort() : [];
    if (photos.length === 0) continue;
    const photo = path.join(sub, photos[0]);
    const other = photos[1] ? path.join(sub, photos[1]) : await recapture(photo, person);
    people.push({ label: person, photo, other, from: photos[1] ? 'another photograph' : MADE });
  }
  if (people.length < 2) throw new Error(`${dir} needs two folders, one for each person, with a JPEG or PNG in each`);
  return people.slice(0, 6);
}

// Returns two people with two photographs each, taken on different days (Labeled Faces in the Wild).
function pairs() {
  const list = path.join(data, 'face_lfw/pairs.tsv');
  if (!fs.existsSync(list)) return [];
  const rows = fs.readFileSync(list, 'utf8').split('\n').map((l) => l.split('\t')).filter((r) => r[1] === '1');
  const image = (name) => [name, `images/${name}`, `images/${name}.jpg`].map((n) => path.join(data, 'face_lfw', n)).find((f) => fs.existsSync(f));
  const people = [];
  for (const [, , a, b] of rows) {
    if (people.length === 2) break;
    if (!image(a) || !image(b) || people.some((p) => p.source === a.replace(/_\d+\D*$/, ''))) continue;
    const shown = `face_lfw, pair ${people.length + 1}`; // press photographs: the demo prints no names
    people.push({ label: people.length ? 'D' : 'C', photo: image(a), other: image(b), shown, from: 'another day, another photographer', source: a.replace(/_\d+\D*$/, '') });
  }
  return people;
}

/* ---- the journey ---- */

const up = process.env.JOIN ? new Up(process.env.JOIN, { joins: true }) : new Up(path.join(scratch, 'ward'), { installs: true, model: true });
let acts = 0; // number of audited calls, including refused ones; the log must have at least as many events

const shown = (word) => (fs.existsSync(word) ? near(word) : word);
// Runs a command and returns its answer. `said` is the command line to print, if any.
async function act(words, said) {
  if (said) typed(...said.map(shown));
  acts++;
  return words[1] === 'verify' ? up.askAgain(...words) : up.ask(...words);
}

// Runs a command that must be refused, and returns its error.
async function refused(words, said) {
  if (said) typed(...said.map(shown));
  acts++;
  const r = await up.ctl(...words);
  if (r.status === 0) throw new Error(`wardctl ${words.join(' ')} was not refused`);
  return r.json().error;
}

async function start() {
  title(1, up.joins ? 'All services run already' : 'All services start on this machine, under this user');
  if (up.joins) return up.start();
  typed('up', '--data', up.dir);
  await up.start();
  say(`MariaDB, audit, identity, records, dosage and diagnosis are ready after ${(up.ready.took_ms / 1000).toFixed(1)} s, from an empty folder.`);
  return say('Every call uses mutual TLS and a token that names the caller and the role.');
}

async function enrol(people) {
  title(2, 'People are enrolled: one photograph each, with consent for each use');
  typed('identity', 'enrol', '--photo', near(people[0].photo), '--consent', 'self', '--birth-year', '1980', '--also-consent', 'patient-search');
  const rows = [];
  for (const p of people) {
    const r = await act(['identity', 'enrol', '--photo', p.photo, '--consent', 'self', '--birth-year', '1980', '--also-consent', 'patient-search']);
    p.subject = r.subject_id;
    rows.push([p.label, p.shown || near(p.photo), `${r.quality.width_px} x ${r.quality.height_px}`, `${r.quality.eye_distance_px.toFixed(0)} px`, p.subject]);
  }
  table(['who', 'photograph', 'size', 'eyes apart', 'subject id'], rows);
  tell('identity stores an encrypted template, with its own key for each person, and no photograph. The people consented to verification and to searches.');
  tell('A patient needs a year of birth (here 1980 for all), because the model cannot distinguish children reliably.');
}

const bedside = (claimed, photo, ...more) => ['identity', 'verify', claimed, '--photo', photo, '--place', 'bed-7', ...more];

async function verify(people) {
  title(3, 'At the bedside: does the person in the bed match the chart?');
  typed(...bedside('SUBJECT', 'FILE', '--attended'));
  const rows = [], answers = [];
  const ask = async (claimed, face, photo, what) => {
    const a = await act(bedside(claimed.subject, photo, '--attended'));
    answers.push({ ...a, claimed, shown: face });
    rows.push([claimed.label, `${face.label}, ${what}`, a.score.toFixed(3), a.threshold.toFixed(3), a.outcome]);
  };
  for (const [i, p] of people.entries()) {
    const stranger = people[(i + 1) % people.length];
    await ask(p, p, p.other, p.from);
    await ask(p, stranger, stranger.photo, 'someone else');
  }
  table(['chart of', 'who is in the bed', 'score, at least', 'threshold', 'decision'], rows, (r, c, text) => (c === 4 ? decision(rows[r][4]) : text));
  const [first] = answers;
  if (people.some((p) => p.from === MADE)) tell('(*) derived from the only photograph: turned by 5 degrees, moved, 7 % smaller, 15 % brighter, encoded again. A real second photograph is harder to match.');
  tell(`The threshold allows one false match in ${Math.round(1 / first.fmr).toLocaleString('en')} comparisons of different people. Measured on: ${first.threshold_source}`);
  const wrong = answers.filter((a) => (a.outcome === 'MATCH') !== (a.claimed === a.shown));
  if (wrong.length) say(yellow(`${wrong.length} of ${answers.length} decisions differ from the names of the folders.`));
  return answers;
}

async function token(people) {
  title(4, 'A match returns a signed token: this patient, this place, this minute, one use');
  let match;
  for (const p of people) { // a new token, because the tokens above may have expired
    match ??= await act(bedside(p.subject, p.other, '--attended')).then((a) => (a.token ? { ...a, subject: p.subject } : undefined));
  }
  if (!match) return say(yellow('nobody matched, so there is no token to show'));
  const claims = JSON.parse(Buffer.from(match.token.split('.')[1], 'base64url'));
  table(['patient', 'place', 'purpose', 'method', 'score, at least', 'lifetime'],
    [[short(claims.sub), claims.place, claims.purpose, claims.method, claims.score.toFixed(3), `${claims.exp - claims.iat} s`]]);
  const spend = (subject) => ['identity', 'spend', match.token, '--subject', subject, '--place', 'bed-7'];
  const other = people.find((p) => p.subject !== match.subject);
  const foreign = await refused(spend(other.subject), ['identity', 'spend', 'TOKEN', '--subject', 'SOMEONE-ELSE', '--place', 'bed-7']);
  say(`${yellow(foreign.code)}  ${foreign.reason}: ${foreign.message}`);
  const spent = await act(spend(match.subject), ['identity', 'spend', 'TOKEN', '--subject', 'SUBJECT', '--place', 'bed-7']);
  say(`${green('spent')}  redeemed for this patient and place; verified by ${spent.actor}, ${spent.method}`);
  const again = await refused(spend(match.subject), ['identity', 'spend', 'TOKEN', '--subject', 'SUBJECT', '--place', 'bed-7']);
  return say(`${yellow(again.code)}  ${again.reason}: ${again.message}`);
}

async function refuse(people) {
  title(5, 'Insufficient photographs are refused, with a reason');
  const [{ subject, other }] = people;
  const unattended = await act(bedside(subject, other), bedside('SUBJECT', other));
  tell(`${decision(unattended.outcome)}  ${unattended.reasons[0].reason}: ${unattended.reasons[0].text}`);
  for (const name of ['user1', 'team-1']) { // a small one; dark glasses
    const photo = path.join(root, `build/photos/${name}.jpg`);
    const v = await act(bedside(subject, photo, '--attended'), bedside('SUBJECT', photo, '--attended'));
    const [why] = v.reasons;
    tell(`${decision(v.outcome)}  ${why.reason}: ${why.text}${why.reason === 'FACE_TOO_SMALL' ? ` In this photograph: ${v.quality.eye_distance_px.toFixed(0)}.` : ''}`);
  }
  const scenery = path.join(scratch, 'not-a-photograph.jpg');
  fs.writeFileSync(scenery, 'this is not a JPEG');
  const e = await refused(['identity', 'enrol', '--photo', scenery, '--consent', 'self', '--birth-year', '1980']);
  say(`${yellow(e.code)}  ${e.reason}: ${e.message}`);
}

// Waits until the replica has loaded the gallery from the database.
async function gallery(size) {
  for (let i = 0; i < 200; i++) {
    const { galleries } = await up.ask('identity', 'gallery', 'list');
    if (galleries.some((g) => g.gallery === 'patients' && g.subjects >= size)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the gallery lacks the enrolled people');
}

async function identify(people) {
  title(6, 'An unknown person: a search, if the policy permits it');
  const search = (purpose) => ['identity', 'identify', '--photo', people[0].other, '--gallery', 'patients', '--place', 'er-2', '--attended', '--purpose', purpose];
  const not = await refused(search('administration'), search('administration'));
  say(`${yellow(not.code)}  ${not.reason}: ${not.message}`);
  const policy = ['identity', 'policy', 'set', 'emergency', '--liveness', 'attended', '--ways', 'face,wristband,search'];
  await act(policy, policy);
  await gallery(people.length);
  const found = await act(search('emergency'), search('emergency'));
  const label = (id) => people.find((p) => p.subject === id)?.label || short(id);
  const who = found.candidates.map((c) => `${label(c.subject_id)}, score ${c.score.toFixed(3)}`).join('; ');
  tell(`${found.outcome === 'MATCH' ? green(found.outcome) : yellow(found.outcome)}  ${who ? `${who}: ` : ''}among ${found.gallery_size}, threshold ${found.threshold.toFixed(3)}. A search returns no token; it names the person to verify.`);
}

async function wristband(people) {
  title(7, 'The equal alternative for everyone: a wristband and a second identifier');
  const [{ subject }] = people;
  const set = (id) => ['identity', 'identifiers', id, '--wristband', 'WB-20417', '--second', 'birth-date=1950-01-31'];
  await act(set(subject), set('SUBJECT'));
  const ask = (id, date) => ['identity', 'verify-wristband', id, '--wristband', 'WB-20417', '--second', `birth-date=${date}`, '--place', 'bed-7'];
  const wrong = await act(ask(subject, '1951-01-31'), ask('SUBJECT', '1951-01-31'));
  say(`${decision(wrong.outcome)}  the answer does not reveal which of the two was wrong`);
  const right = await act(ask(subject, '1950-01-31'), ask('SUBJECT', '1950-01-31'));
  say(`${decision(right.outcome)}  the same kind of token, with the method ${right.method}`);
}

// Writes a resource to a file, in the form that wardctl reads.
function written(name, resource) {
  const file = path.join(scratch, name);
  fs.writeFileSync(file, JSON.stringify(resource));
  return file;
}

async function chart(people) {
  title(8, 'The chart: its content, and who may see it');
  const [{ subject }] = people;
  const whose = { reference: `Patient/${subject}` };
  const create = (name, resource, ...more) => act(['records', 'create', ...more, written(name, resource)], ['records', 'create', ...more, name]);
  await create('patient.json', { patient: { id: subject, name: [{ family: 'Beispiel', given: ['Anna'] }, { text: '艾安娜' }], gender: 'FEMALE', birth_date: '1950-01-31' } });
  await create('stay.json', { encounter: {
    status: 'IN_PROGRESS', class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP' }, subject: whose,
    period: { start: new Date().toISOString() }, location: [{ location: { reference: 'Location/ward-3' } }] } });
  const made = await create('temperature.json', { observation: {
    status: 'FINAL', code: { coding: [{ system: 'http://loinc.org', code: '8310-5', display: 'Body temperature' }] }, subject: whose,
    effective_date_time: new Date().toISOString(), value_quantity: { value: { value: '38.50' }, unit: 'Cel', system: 'http://unitsofmeasure.org', code: 'Cel' } } }, '--ward', 'ward-3');
  const id = made.record.version.resource_id;
  const read = (ward) => [['records', 'read', '--ward', ward, 'Observation', id], ['records', 'read', '--ward', ward, 'Observation', 'ID']];
  const seen = await act(...read('ward-3'));
  const value = seen.record.resource.observation.value_quantity;
  say(`${green('seen')}  in ward-3, the patient\'s ward: ${value.value.value} ${value.unit}, version ${seen.record.version.version}, with the digits as they were entered`);
  const hidden = await refused(...read('ward-9'));
  say(`${yellow(hidden.code)}  ${hidden.reason}: hidden in other wards`);
  const glass = ['records', 'break-glass', '--ward', 'ward-9', '--reason', 'emergency', '--explanation', 'collapsed in the corridor'];
  await act([...glass, subject], [...glass, 'SUBJECT']);
  await act(...read('ward-9'));
  say(`${green('seen')}  for 15 minutes (break-glass access); the access is counted and logged, and the privacy officer reviews it`);
  const log = await whoSaw(subject, 7);
  table(['person', 'method', 'outcome', 'break-glass', 'entry of the audit log'],
    log.entries.map((e) => [e.actor, e.action.split('/').pop(), e.outcome, e.glass_id ? 'yes' : '', e.leaf_index]));
}

// An access appears in the list once audit has committed it. Until then, the answer says that entries are pending.
async function whoSaw(subject, least) {
  typed('records', 'access-log', 'SUBJECT');
  for (let i = 0; i < 200; i++) {
    acts++;
    const log = await up.ask('records', 'access-log', subject);
    const chartActs = log.entries.filter((e) => e.service === 'records' && !e.action.endsWith('/AccessLog'));
    if (!log.pending && chartActs.length >= least) return { ...log, entries: chartActs };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the access log lacks accesses');
}

const SAMPLE = path.join(root, 'services/dosage/formulary/sample');
const amount = (value, unit) => ({ value: String(value), unit });

// Activates the sample rule set. Two pharmacists must approve a rule set before dosage can check orders.
async function rules() {
  const files = fs.readdirSync(SAMPLE).filter((f) => f.endsWith('.json')).sort().map((f) => path.join(SAMPLE, f));
  typed('formulary', 'draft', `${near(SAMPLE)}/*.json`);
  const { info } = await act(['formulary', 'draft', ...files]);
  const version = String(info.version);
  typed('formulary', 'replay', version);
  acts++;
  await must([bin('wardctl'), '--data', up.dir, 'formulary', 'replay', version], { env: { PATH: process.env.PATH } });
  const approve = (...who) => [...who, 'formulary', 'approve', '--approve', 'true', version, info.sha256];
  const own = await refused(approve(), ['formulary', 'approve', '--approve', 'true', version, 'SHA256']);
  say(`${yellow(own.code)}  ${own.reason}: ${own.message}`);
  await act(approve('--token', await person('pharmacist-2', 'pharmacist')), ['--token', 'SECOND', ...approve().slice(0, -1), 'SHA256']);
  await act(['formulary', 'activate', version], ['formulary', 'activate', version]);
  say(`${green('active')}  ${info.drugs} drugs, ${info.rules} rules, each with its source; ${info.notice}`);
}

// Writes a file with the bearer token of another member of staff.
async function person(subject, role) {
  const file = path.join(scratch, `${subject}.token`);
  const r = await run([bin('wardctl'), '--data', up.dir, 'token', 'issue', '--subject', subject, '--roles', role, '--ward', 'ward-3', '--purpose', 'TREAT'],
    { env: { PATH: process.env.PATH } });
  fs.writeFileSync(file, r.stdout, { mode: 0o600 });
  return file;
}

async function charted(subject) {
  const whose = { reference: `Patient/${subject}` };
  const at = new Date().toISOString();
  const weight = { status: 'FINAL', code: { coding: [{ system: 'http://loinc.org', code: '29463-7', display: 'Body weight' }] }, subject: whose,
    effective_date_time: at, value_quantity: { value: { value: '62.5' }, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' } };
  const allergy = { clinical_status: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] },
    code: { coding: [{ system: 'http://snomed.info/sct', code: '91936005', display: 'Allergy to penicillin' }] }, patient: whose };
  for (const [name, resource] of [['weight.json', { observation: weight }], ['allergy.json', { allergy_intolerance: allergy }]]) {
    await act(['records', 'create', '--ward', 'ward-3', written(name, resource)], ['records', 'create', '--ward', 'ward-3', name]);
  }
}

const findings = (list) => list.filter((f) => f.severity === 'HARD' || f.severity === 'WARN').forEach((f) => {
  tell(`${f.severity === 'HARD' ? red(f.severity) : yellow(f.severity)}  ${f.text.en}`);
  say(dim(`      ${f.text.zh}  [${f.rule_id}: ${f.source}]`.slice(0, 160)));
});

async function order(subject, name, drug_id, dose, hours, ...more) {
  const file = written(name, { drug_id, dose, route: 'PO', timing: { kind: 'INTERVAL', interval_minutes: 60 * hours } });
  return act(['dosage', 'order', '--ward', 'ward-3', ...more, subject, file], ['dosage', 'order', '--ward', 'ward-3', ...more.map((w) => (w.startsWith('[') ? `'${w}'` : w)), 'SUBJECT', name]);
}

// Places an order with a warning, and then with the physician's reason for each warning.
async function override(subject) {
  const ask = (...more) => order(subject, 'cefuroxime.json', 'cefuroxime', amount(500, 'mg'), 12, ...more);
  const warned = await ask();
  if (warned.placed) throw new Error('an order with a warning was placed without a reason');
  say(`${yellow('WARNED')}  cefuroxime 500 mg every 12 hours`);
  findings(warned.decision.findings);
  const placed = await ask('--overrides', JSON.stringify(warned.open.map((rule_id) => ({ rule_id, reason_code: 'tolerated-before' }))));
  if (!placed.placed) throw new Error(`the order was refused in spite of its reasons: ${placed.open}`);
  say(`${green('ORDERED')}  cefuroxime 500 mg every 12 hours, with the reason; dosage counts the overrides of each rule`);
}

async function ppid(p) {
  const a = await act(bedside(p.subject, p.other, '--attended'));
  const file = path.join(scratch, `ppid-${p.label}`);
  if (a.token) fs.writeFileSync(file, a.token, { mode: 0o600 });
  return a.token ? file : undefined;
}

async function dose(people) {
  title(10, 'The dose: checked against the chart, recorded once for a verified patient');
  const [p, stranger] = people;
  await rules();
  await charted(p.subject);
  say();
  const wrong = await order(p.subject, 'amoxicillin.json', 'amoxicillin', amount(500, 'mg'), 8);
  if (wrong.placed) throw new Error('an order against an allergy was placed');
  say(`${red('REFUSED')}  amoxicillin 500 mg every 8 hours`);
  findings(wrong.decision.findings);
  const slip = await order(p.subject, 'paracetamol-tenfold.json', 'paracetamol', amount(10000, 'mg'), 6);
  if (slip.placed) throw new Error('ten times the dose was placed');
  say(`${red('REFUSED')}  paracetamol 10000 mg every 6 hours`);
  findings(slip.decision.findings);
  const right = await order(p.subject, 'paracetamol.json', 'paracetamol', amount(1000, 'mg'), 8);
  if (!right.placed) throw new Error(`the right order was refused: ${right.open}`);
  say(`${green('ORDERED')}  paracetamol 1000 mg every 8 hours`);
  await override(p.subject);
  const { slots } = await act(['dosage', 'slots', '--ward', 'ward-3', p.subject], ['dosage', 'slots', '--ward', 'ward-3', 'SUBJECT']);
  const due = slots.find((s) => s.state === 'DUE' && s.order_id === right.order.order_id);
  say();
  return { event: await bedsides(p, stranger, right.order, due), order: right.order };
}

const SCANNED = '(01)02999990010015'; // paracetamol 500 mg tablets of the sample formulary: two of them are the dose

async function bedsides(p, stranger, placed, due) {
  const give = (file) => ['dosage', 'give', '--ward', 'ward-3', '--slot-id', due.slot_id, '--outcome', 'GIVEN', '--ppid-token', file, '--place', 'bed-7', '--dose', JSON.stringify(placed.prescription.dose),
    '--route', 'PO', '--scan', SCANNED, '--units', '2', p.subject, placed.order_id];
  const said = (token) => ['dosage', 'give', '--ward', 'ward-3', '--slot-id', 'SLOT', '--outcome', 'GIVEN', '--ppid-token', token, '--place', 'bed-7', '--scan', 'BARCODE', '--units', '2', '...', 'SUBJECT', 'ORDER'];
  const foreign = await ppid(stranger);
  const no = foreign && await act(give(foreign), said("SOMEONE-ELSE'S"));
  if (no?.recorded) throw new Error('a dose was recorded with the token of another patient');
  if (no) rights(no.rights);
  if (no) say(`${red('REFUSED')}  the wrong patient is in the bed; nothing was recorded as given, and the log contains the attempt`);
  const token = await ppid(p);
  if (!token) return say(yellow('nobody matched, so there is no token for a dose'));
  const yes = await act(give(token), said('TOKEN'));
  if (!yes.recorded) throw new Error(`the dose was refused: ${yes.open} ${JSON.stringify(yes.rights)}`);
  rights(yes.rights);
  say(`${green('GIVEN')}  once, by ${yes.administration.recorded_by}, ${yes.administration.method}`);
  const again = await refused(give(await ppid(p)), said('ANOTHER'));
  say(`${yellow(again.code)}  ${again.reason}: ${again.message}`);
  return yes.administration.event_id;
}

const rights = (list) => table(['right', 'outcome', 'evidence'], list.map((r) => [r.right, r.result, r.evidence]),
  (r, c, text) => (c === 1 ? { PASS: green, FAIL: red }[list[r].result]?.(text) ?? yellow(text) : text));

async function withdraw(people) {
  title(12, 'Consent is withdrawn: the face is destroyed, with proof');
  const [{ subject, other }] = people;
  const done = await act(['identity', 'withdraw', subject], ['identity', 'withdraw', 'SUBJECT']);
  const no = await refused(bedside(subject, other, '--attended'), bedside('SUBJECT', other, '--attended'));
  say(`${yellow(no.code)}  ${no.reason}: ${no.message}`);
  const known = await act(['identity', 'subject', subject], ['identity', 'subject', 'SUBJECT']);
  const hex = subject.replaceAll('-', '');
  const [left] = await up.sql('identity', `SELECT (SELECT COUNT(*) FROM face_key WHERE subject_id = X'${hex}') + (SELECT COUNT(*) FROM template WHERE subject_id = X'${hex}')`);
  table(['key (SHA-256)', 'destroyed', 'templates', 'remaining rows of key and template'],
    [[`${known.key_sha256.slice(0, 16)}..`, new Date(known.key_destroyed_at_us / 1000).toISOString().slice(0, 19), known.templates.length, left]]);
  if (!done.key_destroyed || left !== '0') throw new Error('the key is still there');
  return done.event_id;
}

// The relay delivers events in the background, so the log has them after a moment.
async function events(least) {
  for (let i = 0; i < 200; i++) {
    const list = (await up.ask('audit', 'query', '--most', '200')).filter((e) => e.service !== 'audit');
    if (list.length >= least) return list;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the audit log lacks events');
}

async function audit(people) {
  title(13, 'Who did what, and to whom: the audit log');
  typed('audit', 'query');
  const list = await events(acts);
  const label = new Map(people.map((p) => [p.subject, p.label]));
  const rows = list.slice().reverse().map((e) => [e.index, e.occurred_at.slice(11, 19), e.actor, e.action.split('/').pop(),
    e.patient ? label.get(e.patient) || short(e.patient) : '', e.place, e.detail?.outcome || e.code || e.outcome, e.detail?.score ?? '']);
  table(['entry', 'time', 'person', 'method', 'patient', 'place', 'outcome', 'score'], rows, (r, c, text) => (c === 6 ? decision(rows[r][6].trim()) + ' '.repeat(text.length - rows[r][6].length) : text));
  const no = await refused(['--token', await person('nurse-1', 'nurse'), 'audit', 'query'], ['--token', 'NURSE', 'audit', 'query']);
  say(`${yellow(no.code)}  ${no.reason}: ${no.message}`);
  return list;
}

async function main() {
  console.log(bold('Ward: one patient\'s journey'));
  const people = process.env.PHOTOS ? await own(process.env.PHOTOS) : [...await portraits(), ...pairs()];
  await start();
  await enrol(people);
  await verify(people);
  await token(people);
  await refuse(people);
  await identify(people);
  await wristband(people);
  await chart(people);
  const tools = { up, title, typed, act, refused, person, near, table, tell, say, dim, red, green, yellow, scratch };
  await note(tools);
  const given = await dose(people);
  const confirmed = await film(people[0], tools);
  const withdrawn = await withdraw(people);
  const list = await audit(people);
  const isVerify = (e) => e.action.endsWith('/Verify');
  const match = list.find((e) => isVerify(e) && e.detail?.outcome === 'MATCH');
  const wrong = list.find((e) => isVerify(e) && e.detail?.outcome === 'NO_MATCH');
  const key = await receipts([given.event ?? withdrawn, confirmed], tools);
  if (wrong && match) await tamper(key, { index: wrong.index, match: match.index }, tools);
  console.log(`\n${bold('Done.')} Start the services yourself: ${near(bin('wardctl'))} up`);
  while (process.env.UNTIL && !fs.existsSync(process.env.UNTIL)) await new Promise((resolve) => setTimeout(resolve, 100));
}

main().then(() => up.stop(), async (err) => {
  await up.stop();
  console.error(`\ndemo: ${err.message}`);
  const logs = ['identity', 'records', 'dosage', 'diagnosis', 'audit'].map((s) => `${up.dir}/log/${s}.log`).filter((f) => fs.existsSync(f));
  if (logs.length) console.error((await run(['/usr/bin/tail', '-n', '5', ...logs])).lines.join('\n'));
  process.exitCode = 1;
});
