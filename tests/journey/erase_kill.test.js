'use strict';
// Identity is killed with kill -9 while people are erased; then MariaDB. Afterwards each is whole, as
// if nobody had asked, or erased, with nothing left that could be read; an erasure that was
// acknowledged is never undone; and asking again finishes what was cut, once. The galleries' snapshot, as it
// lay there at the kill, holds nobody erased under any key that there still is: node opens it to look.
//
// A kill that came too late to cut a call is not counted: there are ROUNDS that did. ROUNDS=n and SEED=n repeat or
// lengthen a run.

const { test, after } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Up, gone } = require('../lib/up');
const { until } = require('../lib/until');
const { chance, rounds, newSeed, sleep } = require('../lib/chance');
const { photo } = require('../lib/paths');

const ROUNDS = rounds(20);
const SEED = newSeed();
const OTHERS = 3;  // of MariaDB, after the rounds
const PEOPLE = 12; // a round
const AT_ONCE = 3;

const random = chance(SEED);

const photograph = fs.readFileSync(photo('user7'));
const to = (purpose) => ({ purpose, text_version: '2026-11-en', given_by: 'self' });
const up = new Up();
after(() => up.stop());

let token, identity;
const count = { acknowledged: 0, cut: 0, whole: 0, unacknowledged: 0, files: 0, ended: 0, open: 0 };

// The same call until it is answered, as a client would.
async function insist(call, tries = 100) {
  try {
    return await call();
  } catch (err) {
    if (!['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'ABORTED'].includes(err.code) || tries === 0) throw err;
    await sleep(100);
    return insist(call, tries - 1);
  }
}

const enrol = (key) => insist(() => identity.call('Enrol', { idempotency_key: key, kind: 'SUBJECT_KIND_PATIENT', birth_year: 1980, photograph,
  external_ref: key, consent: to('patient-identification'), more_consents: [to('patient-search'), to('photo-retention')],
  galleries: ['ward/3a'] }, { token, deadline: 5000 })).then((a) => a.subject_id);
const erase = (subject_id) => identity.call('EraseSubject', { subject_id }, { token, deadline: 15000 });

// Erases these one after another until a call is cut, which it says; what was acknowledged goes into `answers`.
async function eraseAll(subjects, answers) {
  for (const subject of subjects) {
    try {
      answers.set(subject, await erase(subject));
    } catch (err) {
      if (err.code === undefined) throw err;
      return true;
    }
  }
  return false;
}

// "erased" or "whole"; anything between fails the test.
async function stateOf(subject) {
  const id = `X'${subject.replaceAll('-', '')}'`;
  const tables = ['face_key', 'template', 'sealed_photo', 'gallery_member'];
  const [line] = await up.sql('identity', `SELECT erased_at_us IS NOT NULL, external_ref IS NULL, key_destroyed_at_us IS NOT NULL,
    ${tables.map((t) => `(SELECT COUNT(*) FROM ${t} WHERE subject_id = s.subject_id)`).join(', ')},
    (SELECT COUNT(*) FROM consent_entry c WHERE c.subject_id = s.subject_id AND (withdrawn_at_us IS NULL OR given_by <> ''))
    FROM subject s WHERE subject_id = ${id}`);
  const found = line.replaceAll('\t', '');
  if (found === '11100000') return 'erased';
  assert.strictEqual(found, '00011113', `${subject} is half erased`);
  return 'whole';
}

async function verified(subject) {
  const a = await insist(() => identity.call('Verify', { subject_id: subject, photograph, place: 'bed-1', purpose: 'administration', attended: true },
    { token, deadline: 5000 }));
  return a.outcome;
}

// ---- the snapshot, as node reads it ----

const snapshotFile = () => {
  try {
    return fs.readFileSync(path.join(up.dir, 'gallery/gallery.snapshot'));
  } catch (err) {
    if (err.code !== 'ENOENT') throw err;
    return null;
  }
};

const padded = (text, n) => Buffer.concat([Buffer.from(text)], n);
function bound(label, name, a, b) {
  const aad = Buffer.concat([padded(label, 32), padded(name, 64)], 104);
  aad.writeInt32LE(a, 96);
  aad.writeInt32LE(b, 100);
  return aad;
}
function unseal(key, aad, sealed) {
  const d = crypto.createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(aad).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([d.update(sealed.subarray(12, -16)), d.final()]);
}

// The keys of buckets that there are now.
async function bucketKeys() {
  const root = Buffer.from(fs.readFileSync(path.join(up.dir, 'keys/identity.kek'), 'utf8').trim(), 'hex');
  const keks = new Map();
  for (const line of await up.sql('identity', 'SELECT kek, HEX(sealed) FROM kek')) {
    const [number, sealed] = line.split('\t');
    keks.set(Number(number), unseal(root, bound('ward identity kek 1', '', Number(number), 0), Buffer.from(sealed, 'hex')));
  }
  const keys = new Map();
  for (const line of await up.sql('identity', "SELECT kind, generation, kek, HEX(sealed) FROM secret WHERE use_name = 'bucket'")) {
    const [kind, generation, kek, sealed] = line.split('\t');
    const key = unseal(keks.get(Number(kek)), bound('ward identity secret 1', 'bucket', Number(kind), Number(generation)), Buffer.from(sealed, 'hex'));
    keys.set(Number(kind), { generation: Number(generation), key });
  }
  return keys;
}

// What of a bucket the key that there is now opens; null: nothing.
function openBucket(file, bucket, has) {
  const at = 1240 + 32 * bucket;
  const [from, n] = [file.readBigUInt64LE(at), file.readBigUInt64LE(at + 8)].map(Number);
  const [rows, generation] = [file.readUInt32LE(at + 24), file.readInt32LE(at + 28)];
  if (rows === 0) return null;
  const aad = Buffer.concat([padded('index', 16), file.subarray(16, 32), Buffer.alloc(16 + 8)]);
  aad.writeUInt32LE(bucket, 48);
  aad.writeUInt32LE(rows, 52);
  try {
    return unseal(has.key, aad, file.subarray(from, from + n));
  } catch {
    assert.notStrictEqual(generation, has.generation, `bucket ${bucket} does not open with its own key`);
    count.ended++;
    return null;
  }
}

async function holdsNoneOf(file, subjects) {
  if (file === null) return;
  const keys = await bucketKeys();
  count.files++;
  for (const subject of subjects) {
    const id = Buffer.from(subject.replaceAll('-', ''), 'hex');
    const plain = openBucket(file, id.at(-1), keys.get(id.at(-1)));
    if (plain !== null) count.open++;
    assert.ok(plain === null || !plain.includes(id), `${subject} was erased and is in the snapshot`);
  }
}

// Until the galleries' snapshot holds everyone enrolled so far: one is written soon after a start.
async function snapshot() {
  const pid = up.pid('identity'), since = Date.now();
  process.kill(pid, 'SIGKILL');
  await gone([pid]);
  await up.healthy();
  const written = () => fs.statSync(path.join(up.dir, 'gallery/gallery.snapshot'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  for (let tries = 0; written() <= since; tries++) {
    assert.ok(tries < 3000, 'no snapshot is written');
    await sleep(10);
  }
}

async function round(n, name) {
  const people = [];
  for (let i = 0; i < PEOPLE; i++) people.push(await enrol(`erase-${n}-${i}`));
  if (n % 4 === 0) await snapshot();
  const answers = new Map(), erased = [];
  const work = Array.from({ length: AT_ONCE }, (_, k) => eraseAll(people.filter((_p, i) => i % AT_ONCE === k), answers));
  // In the middle of it, however fast this machine is: after some answers, and a moment into the next.
  let over = false;
  const cut = Promise.all(work).then((cuts) => {
    over = true;
    return cuts.includes(true);
  });
  for (const enough = Math.floor(random() * (PEOPLE - AT_ONCE)); answers.size < enough && !over;) await sleep(1);
  await sleep(random() * 8);
  const pid = up.pid(name);
  const late = over;
  process.kill(pid, 'SIGKILL');
  if (await cut && !late && name === 'identity') count.cut++;
  await gone([pid]);
  const file = snapshotFile();
  await up.healthy();
  for (const subject of people) {
    const now = await stateOf(subject);
    if (now === 'erased') erased.push(subject);
    if (answers.has(subject)) assert.strictEqual(now, 'erased', `${subject} was said to be erased`);
    else if (now === 'whole') {
      count.whole++;
      assert.strictEqual(await verified(subject), 'OUTCOME_MATCH');
    } else count.unacknowledged++; // done, and the answer was lost
  }
  count.acknowledged += answers.size;
  await holdsNoneOf(file, erased);
  for (const subject of people) {
    const last = await insist(() => erase(subject));
    if (answers.has(subject)) assert.deepStrictEqual([last.erased_at_us, last.key_sha256], [answers.get(subject).erased_at_us, answers.get(subject).key_sha256]);
    assert.match(last.key_sha256, /^[0-9a-f]{64}$/);
    assert.strictEqual(await stateOf(subject), 'erased');
  }
  return people;
}

test(`${ROUNDS} rounds of kill -9 leave nobody half erased and undo no erasure`, async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  await up.start();
  token = await up.token('registrar', 'nurse', 'privacy-officer', 'auditor');
  identity = up.client('identity');
  const everyone = [];
  let n = 0;
  for (; count.cut < ROUNDS && n < 2 * ROUNDS + 20; n++) everyone.push(...await round(n, 'identity'));
  const kills = n;
  for (; n < kills + OTHERS; n++) everyone.push(...await round(n, 'mariadb'));
  t.diagnostic(`${everyone.length} people: ${count.acknowledged} erasures acknowledged before the kill, ${count.unacknowledged} done with their ` +
    `answer lost, ${count.whole} not begun or undone as a whole and erased afterwards`);
  t.diagnostic(`${count.cut} of ${kills} kills of identity cut an erasure; ${count.files} snapshots looked at: of erased people's buckets ` +
    `${count.ended} were sealed under an ended key, ${count.open} opened and held others`);
  assert.strictEqual(count.cut, ROUNDS, 'too few erasures were cut to prove anything');
  assert.ok(ROUNDS < 20 || (count.files > 0 && count.ended > 0), 'no snapshot held anyone who was erased');
  assert.ok(count.acknowledged > 0 && count.whole > 0, 'the kills came too early or too late to prove anything');

  await t.test('nothing_of_anyone_is_left', async () => {
    for (const table of ['face_key', 'template', 'sealed_photo', 'gallery_member', 'duplicate']) {
      assert.deepStrictEqual(await up.sql('identity', `SELECT COUNT(*) FROM ${table}`), ['0'], table);
    }
  });

  await t.test('each_was_erased_once_in_the_log', async () => {
    await until('drained', async () => (await up.sql('identity', 'SELECT COUNT(*) FROM ward_outbox'))[0] === '0');
    const first = new Map();
    const protobuf = require('protobufjs');
    const path = require('node:path');
    const { root } = require('../lib/paths');
    const space = new protobuf.Root();
    space.resolvePath = (_, file) => (file.startsWith('google/protobuf/') ? path.join('/usr/include', file) : path.resolve(root, 'proto', file));
    const Event = space.loadSync('ward/audit/v1/audit.proto', { keepCase: true }).lookupType('ward.audit.v1.Event');
    for await (const m of up.client('audit').stream('Export', {}, { token })) {
      for (const entry of m.entries) {
        const e = Event.decode(entry.content.event);
        if (!e.action.endsWith('/EraseSubject') || Number(e.outcome) !== 1 || e.detail.already === 'yes') continue;
        first.set(e.patient, (first.get(e.patient) || 0) + 1);
      }
    }
    assert.deepStrictEqual([...first.keys()].sort(), [...everyone].sort());
    assert.ok([...first.values()].every((n) => n === 1));
  });
});
