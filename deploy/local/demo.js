'use strict';
// The main job on real photographs, from nothing to a printed journey: what `make demo` runs. Each
// step is wardctl commands that a person could type, shown as `$ ...`, and what came of them.
//
// PHOTOS=DIR uses your own: DIR/<person>/*.jpg, the first is enrolled and the second shown later.
// KEEP=1 leaves the folder. NO_COLOR is honoured.

const fs = require('node:fs');
const path = require('node:path');
const { Up } = require('../../tests/lib/up');
const { run, must } = require('../../tests/lib/proc');
const { root, build, data, bin, folder } = require('../../tests/lib/paths');

/* ---- printing ---- */

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const ink = (code) => (text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : String(text));
const bold = ink(1), dim = ink(2), red = ink(31), green = ink(32), yellow = ink(33);
const say = (text = '') => console.log(text === '' ? '' : `   ${text}`);
const tell = (text) => text.replace(/(.{1,92})(\s+|$)/g, '$1\n').trimEnd().split('\n').forEach((line) => say(line));
const title = (n, text) => console.log(`\n${bold(`${n}  ${text}`)}`);
const typed = (...words) => say(dim(`$ ${['wardctl', ...words].join(' ')}`));
const near = (file) => path.relative(root, file).replace(/^(\.\.\/)+.*\//, '');

// Rows under a heading, columns as wide as they need. paint(row index, column, text).
function table(head, rows, paint = (r, c, text) => text) {
  const width = head.map((h, c) => Math.max(h.length, ...rows.map((r) => String(r[c]).length)));
  const line = (cells, dress) => say(cells.map((cell, c) => dress(c, String(cell).padEnd(width[c]))).join('  ').trimEnd());
  line(head, (c, text) => dim(text));
  rows.forEach((row, r) => line(row, (c, text) => paint(r, c, text)));
}

const decision = (outcome) => ({ MATCH: green, NO_MATCH: red, UNUSABLE: yellow }[outcome] || ((x) => x))(outcome);
const short = (id) => `${id.slice(0, 8)}..${id.slice(-4)}`;

/* ---- photographs ---- */

const scratch = folder('ward-demo');
const MADE = 'a second capture (*)';

// Another capture, made of the only photograph there is; every line that shows it says so.
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
  if (people.length < 2) throw new Error(`${dir}: two folders, one a person, with a JPEG or PNG in each are needed`);
  return people.slice(0, 6);
}

// Two people with two photographs each, taken on different days (Labeled Faces in the Wild).
function pairs() {
  const list = path.join(data, 'face_lfw/pairs.tsv');
  if (!fs.existsSync(list)) return [];
  const rows = fs.readFileSync(list, 'utf8').split('\n').map((l) => l.split('\t')).filter((r) => r[1] === '1');
  const image = (name) => [name, `images/${name}`, `images/${name}.jpg`].map((n) => path.join(data, 'face_lfw', n)).find((f) => fs.existsSync(f));
  const people = [];
  for (const [, , a, b] of rows) {
    if (people.length === 2) break;
    if (!image(a) || !image(b) || people.some((p) => p.source === a.replace(/_\d+\D*$/, ''))) continue;
    const shown = `face_lfw, pair ${people.length + 1}`; // press photographs: no names here
    people.push({ label: people.length ? 'D' : 'C', photo: image(a), other: image(b), shown, from: 'another day, another photographer', source: a.replace(/_\d+\D*$/, '') });
  }
  return people;
}

/* ---- the journey ---- */

const up = new Up(path.join(scratch, 'ward'));

async function start() {
  title(1, 'Everything, on this machine, as this user');
  typed('up', '--data', up.dir);
  await up.start();
  say(`MariaDB, audit and identity are ready after ${(up.ready.took_ms / 1000).toFixed(1)} s, from an empty folder.`);
  say('Every call goes over mutual TLS, with a token that says who asks, in which role.');
}

async function enrol(people) {
  title(2, 'People are enrolled: one photograph, with consent');
  typed('identity', 'enrol', '--photo', near(people[0].photo), '--consent', 'self');
  const rows = [];
  for (const p of people) {
    const r = await up.ask('identity', 'enrol', '--photo', p.photo, '--consent', 'self');
    p.subject = r.subject_id;
    rows.push([p.label, p.shown || near(p.photo), `${r.quality.width_px} x ${r.quality.height_px}`, `${r.quality.eye_distance_px.toFixed(0)} px`, p.subject]);
  }
  table(['who', 'photograph', 'size', 'eyes apart', 'known from now on only as'], rows);
  say('The face is kept as a sealed template; the photograph is not kept.');
}

async function verify(people) {
  title(3, 'At the bedside: is this the patient that the chart is about?');
  typed('identity', 'verify', 'SUBJECT', '--photo', 'FILE', '--place', 'bed-7', '--attended');
  const rows = [], answers = [];
  const ask = async (claimed, shown, photo, what) => {
    const a = await up.ask('identity', 'verify', claimed.subject, '--photo', photo, '--place', 'bed-7', '--attended');
    answers.push({ ...a, claimed, shown });
    rows.push([claimed.label, `${shown.label}, ${what}`, a.score.toFixed(3), a.threshold.toFixed(3), a.outcome]);
  };
  for (const [i, p] of people.entries()) {
    const stranger = people[(i + 1) % people.length];
    await ask(p, p, p.other, p.from);
    await ask(p, stranger, stranger.photo, 'someone else');
  }
  table(['chart of', 'who is in the bed', 'score', 'threshold', 'decision'], rows, (r, c, text) => (c === 4 ? decision(rows[r][4]) : text));
  const [first] = answers;
  if (people.some((p) => p.from === MADE)) tell('(*) made of the one photograph there is: turned by 5 degrees, moved, 7 % smaller, 15 % brighter, encoded again. A real second photograph is harder.');
  tell(`The threshold is that of one false match in ${Math.round(1 / first.fmr).toLocaleString('en')} strangers. Measured on: ${first.threshold_source}`);
  const wrong = answers.filter((a) => (a.outcome === 'MATCH') !== (a.claimed === a.shown));
  if (wrong.length) say(yellow(`${wrong.length} of ${answers.length} decisions are not what the photographs' folders say.`));
  return answers;
}

async function token(answers) {
  const match = answers.find((a) => a.token);
  if (!match) return 0;
  const claims = JSON.parse(Buffer.from(match.token.split('.')[1], 'base64url'));
  say();
  say('A match signs a token, to be spent once, by the step that comes next (a dose, a transfusion):');
  table(['patient', 'place', 'purpose', 'method', 'score', 'good for'],
    [[short(claims.sub), claims.place, claims.purpose, claims.method, claims.score.toFixed(3), `${claims.exp - claims.iat} s`]]);
  say();
  typed('identity', 'spend', 'TOKEN', '--subject', 'SUBJECT', '--place', 'bed-7');
  await up.ask('identity', 'spend', match.token, '--subject', match.claimed.subject, '--place', 'bed-7');
  const again = (await up.ctl('identity', 'spend', match.token, '--subject', match.claimed.subject, '--place', 'bed-7')).json().error;
  say(`${green('spent')}, and a second time: ${yellow(again.code)}  ${again.reason}`);
  return 2;
}

// The privacy officer's part: what is gone, and how to see that it is.
async function forget(people) {
  const gone = people.at(-1);
  title(5, `${gone.label} no longer wants their face used`);
  typed('identity', 'withdraw', 'SUBJECT');
  const a = await up.ask('identity', 'withdraw', gone.subject);
  say(`${green('destroyed')}  the key of everything that was kept of this face, known by its SHA-256 ${a.key_sha256.slice(0, 16)}..`);
  const [rows] = await up.sql('identity', 'SELECT COUNT(*) FROM face_key');
  say(`${rows} of ${people.length} keys are left in the database; the event of this act says so in the log, with the same SHA-256.`);
  const e = (await up.ctl('identity', 'verify', gone.subject, '--photo', gone.photo, '--place', 'bed-7', '--attended')).json().error;
  say(`${yellow(e.code)}  ${e.reason}: ${e.message}`);
}

async function refuse(people) {
  title(4, 'A photograph that is not good enough is refused, with its reason');
  const small = path.join(root, 'build/photos/user1.jpg');
  const glasses = path.join(root, 'build/photos/team-1.jpg');
  for (const photo of [small, glasses]) {
    typed('identity', 'verify', 'SUBJECT', '--photo', near(photo), '--place', 'bed-7', '--attended');
    const v = await up.ask('identity', 'verify', people[0].subject, '--photo', photo, '--place', 'bed-7', '--attended');
    const [why] = v.reasons;
    say(`${decision(v.outcome)}  ${why.reason}: ${why.text}${why.reason === 'FACE_TOO_SMALL' ? ` These are ${v.quality.eye_distance_px.toFixed(0)}.` : ''}`);
  }
  const scenery = path.join(scratch, 'not-a-photograph.jpg');
  fs.writeFileSync(scenery, 'this is not a JPEG');
  const e = (await up.ctl('identity', 'enrol', '--photo', scenery, '--consent', 'self')).json().error;
  say(`${yellow(e.code)}  ${e.reason}: ${e.message}`);
}

// What happened is in the log a moment later: the outbox is emptied in the background.
async function events(least) {
  for (let i = 0; i < 200; i++) {
    const list = (await up.ask('audit', 'query', '--most', '200')).filter((e) => e.service === 'identity');
    if (list.length >= least) return list;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the audit log does not hold what was done');
}

async function audit(least, people) {
  title(6, 'Who did what, and to whom: the audit log');
  typed('audit', 'query');
  const list = await events(least);
  const label = new Map(people.map((p) => [p.subject, p.label]));
  const rows = list.slice().reverse().map((e) => [e.index, e.occurred_at.slice(11, 19), e.actor, e.action.split('/').pop(),
    e.patient ? label.get(e.patient) || short(e.patient) : '', e.place, e.detail?.outcome || e.code || e.outcome, e.detail?.score ?? '']);
  table(['entry', 'time', 'who', 'did', 'about', 'at', 'outcome', 'score'], rows, (r, c, text) => (c === 6 ? decision(rows[r][6].trim()) + ' '.repeat(text.length - rows[r][6].length) : text));
  return list;
}

async function receipt(event) {
  title(7, 'A receipt of one act, checked with no server: a file and one public key');
  const [{ vkey: key }] = await keys();
  const file = path.join(scratch, 'receipt.json');
  typed('audit', 'receipt', event, '--out', 'receipt.json');
  await up.ask('audit', 'receipt', event, '--out', file);
  typed('audit', 'verify', '--key', 'KEY', '--receipt', 'receipt.json');
  const v = await up.ctl('audit', 'verify', '--key', key, '--receipt', file);
  say(v.status === 0 ? `${green('verified')}  the act is in the log, under a head that ${key.split('+')[0]} signed` : red('NOT VERIFIED'));
  if (v.status !== 0) throw new Error('the receipt of an untouched log does not verify');
  return key;
}

async function keys() {
  const list = await up.ask('audit', 'keys');
  return Array.isArray(list) ? list : list.keys;
}

async function check(key, name) {
  const file = path.join(scratch, name);
  await must([bin('wardctl'), '--data', up.dir, 'audit', 'export', file], { env: { PATH: process.env.PATH } });
  const v = await up.ctl('audit', 'verify', '--key', key, '--log', file);
  return { ...v.json(), status: v.status };
}

async function tamper(key, refused) {
  title(8, 'Someone with every right on the database edits the log');
  typed('audit', 'export', 'log');
  typed('audit', 'verify', '--key', 'KEY', '--log', 'log');
  const before = await check(key, 'before.log');
  say(`${before.verified ? green('verified') : red('NOT VERIFIED')}  ${before.entries} entries: signature, root and every entry's content hold`);
  if (!before.verified) throw new Error('an untouched log does not verify');
  say();
  say(`Entry ${refused.index} says that the wrong person was in the bed. It is made to say what entry ${refused.match} says:`);
  const statement = `UPDATE entry a JOIN entry b ON b.idx = ${refused.match} SET a.leaf = b.leaf, a.content = b.content, a.key_id = b.key_id WHERE a.idx = ${refused.index}`;
  say(dim(`mariadb> ${statement}`));
  await up.sql('audit', statement);
  const after = await check(key, 'after.log');
  say();
  typed('audit', 'verify', '--key', 'KEY', '--log', 'log');
  for (const f of after.findings || []) say(`${red(f.what)}  ${f.text}`);
  say(after.verified ? red('the edit went unnoticed') : `${green('found')}  what is changed in the database no longer fits the head that was signed`);
  if (after.verified) throw new Error('an edited log was verified');
}

async function main() {
  console.log(bold('Ward: one patient\'s journey'));
  const people = process.env.PHOTOS ? await own(process.env.PHOTOS) : [...await portraits(), ...pairs()];
  await start();
  await enrol(people);
  const answers = await verify(people);
  const spent = await token(answers);
  await refuse(people);
  await forget(people);
  const list = await audit(people.length + answers.length + spent + 5, people);
  const match = list.find((e) => e.detail?.outcome === 'MATCH');
  const wrong = list.find((e) => e.detail?.outcome === 'NO_MATCH');
  const key = await receipt((match || list[0]).event_id);
  if (wrong && match) await tamper(key, { index: wrong.index, match: match.index });
  console.log(`\n${bold('Done.')} Start it for yourself: ${near(bin('wardctl'))} up`);
}

main().then(() => up.stop(), async (err) => {
  await up.stop();
  console.error(`\ndemo: ${err.message}`);
  const log = await run(['/usr/bin/tail', '-n', '5', `${up.dir}/log/identity.log`, `${up.dir}/log/audit.log`]);
  console.error(log.lines.join('\n'));
  process.exitCode = 1;
});
