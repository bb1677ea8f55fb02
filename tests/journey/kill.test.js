'use strict';
// Identity is killed with kill -9 while people are being enrolled, each time with an enrolment under way;
// then audit and MariaDB, at random moments. Afterwards: every act that was acknowledged has its event, once; every row that was
// written has its event; nobody is half enrolled, and a key tried again makes nobody twice; and the
// log's tree, worked out again by node alone, is the signed one.
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
const tree = require('../lib/tree');

const ROUNDS = rounds(20);
const SEED = newSeed();
const WORKERS = 3;
const OTHERS = ['audit', 'mariadb', 'audit', 'mariadb'].slice(0, ROUNDS); // after the rounds

const random = chance(SEED);
const uuid = (bytes) => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const faces = ['christian', 'user7'].map((name) => fs.readFileSync(photo(name)));
const more_consents = ['patient-search', 'photo-retention'].map((purpose) => ({ purpose, text_version: '2026-11-en', given_by: 'self' }));
const consent = { purpose: 'patient-identification', text_version: '2026-11-en', given_by: 'self' };
const up = new Up();
after(() => up.stop());

const done = { enrolled: new Map(), verified: new Map(), failed: new Map(), unknown: new Map() };
const fail = (err) => done.failed.set(err.code || err.message, (done.failed.get(err.code || err.message) || 0) + 1);

// Enrols someone and verifies them, over and over; keeps what was acknowledged.
async function work(token, stopped) {
  for (let n = 0; !stopped(); n++) {
    const photograph = faces[n % faces.length];
    const key = crypto.randomUUID();
    const enrol = () => identity.call('Enrol', { idempotency_key: key, kind: 'SUBJECT_KIND_PATIENT', birth_year: 1980, photograph, consent, more_consents, galleries: ['ward/3a'] }, { token, deadline: 5000 });
    done.unknown.set(key, enrol);
    const began = Date.now();
    try {
      const { subject_id: subject } = await first(enrol());
      took = 0.8 * took + 0.2 * (Date.now() - began);
      done.enrolled.set(key, subject);
      done.unknown.delete(key);
      const again = await enrol(); // the stored answer, and no second subject or event
      assert.strictEqual(again.subject_id, subject);
      const seen = await identity.call('Verify', { subject_id: subject, photograph, place: 'bed-1', purpose: 'administration', attended: true }, { token, deadline: 5000 });
      done.verified.set(seen.event_id, subject);
    } catch (err) {
      if (err.code === undefined || err.code === 'ERR_ASSERTION') throw err;
      fail(err);
      await sleep(150);
    }
  }
}

// A channel that was refused waits longer and longer before it tries again: after a kill there is a new one.
let identity;
const connect = () => { identity = up.client('identity'); };

// The enrolments under way, and how long one takes here and now.
const under_way = new Set();
let took = 100;
let begun = () => {}, cutting = null, failed_since = 0;
async function first(call) {
  const me = {};
  under_way.add(me);
  begun();
  try {
    return await call;
  } catch (err) {
    if (cutting !== null && cutting.has(me)) failed_since++;
    throw err;
  } finally {
    under_way.delete(me);
  }
}

async function kill(name) {
  const pid = up.pid(name);
  process.kill(pid, 'SIGKILL');
  await gone([pid]);
  await up.healthy();
  connect();
}

// At a random moment of an enrolment that has just begun; true: one was cut.
async function killEnrolling() {
  await new Promise((resolve) => { begun = resolve; });
  begun = () => {};
  await sleep(random() * took);
  cutting = new Set(under_way);
  failed_since = 0;
  await kill('identity');
  cutting = null;
  return failed_since > 0;
}

// What a client does whose call was cut: the same again. Whether it had been done, it never knew.
async function tryAgain(key, enrol, tries = 50) {
  try {
    done.enrolled.set(key, (await enrol()).subject_id);
  } catch (err) {
    if (!['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'ABORTED'].includes(err.code) || tries === 0) throw err;
    await sleep(100);
    await tryAgain(key, enrol, tries - 1);
  }
}

const drained = () => until('drained', async () =>
  await up.metric('identity', 'ward_outbox_backlog_rows') === 0 && (await up.sql('identity', 'SELECT COUNT(*) FROM ward_outbox'))[0] === '0');

// A worker whose connection died with MariaDB says UNAVAILABLE once; asking again is what a client does.
async function exported(token, tries = 10) {
  try {
    return await exportOnce(token);
  } catch (err) {
    if (err.code !== 'UNAVAILABLE' || tries === 0) throw err;
    await sleep(100);
    return exported(token, tries - 1);
  }
}

async function exportOnce(token) {
  const log = { entries: [] };
  for await (const m of up.client('audit').stream('Export', {}, { token })) {
    if (m.checkpoint) Object.assign(log, { checkpoint: m.checkpoint, keys: m.keys, size: Number(m.size) });
    log.entries.push(...m.entries);
  }
  return log;
}

// Wants the callback of a decoder that is not ours for what the entries hold.
function decoder() {
  const protobuf = require('protobufjs');
  const { root } = require('../lib/paths');
  const space = new protobuf.Root();
  space.resolvePath = (_, file) => (file.startsWith('google/protobuf/') ? path.join('/usr/include', file) : path.resolve(root, 'proto', file));
  space.loadSync('ward/audit/v1/audit.proto', { keepCase: true });
  const type = (name) => space.lookupType(`ward.audit.v1.${name}`);
  return (entry) => ({ leaf: type('Leaf').decode(entry.leaf), event: type('Event').decode(entry.content.event) });
}

test(`${ROUNDS} rounds of kill -9 lose no acknowledged act and repeat none`, async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  await up.start();
  const token = await up.token('registrar', 'nurse', 'auditor');
  let stop = false;
  connect();
  const workers = Array.from({ length: WORKERS }, () => work(token, () => stop));
  let cuts = 0, kills = 0;
  for (; cuts < ROUNDS && kills < 2 * ROUNDS + 20; kills++) if (await killEnrolling()) cuts++;
  for (const name of OTHERS) {
    await sleep(100 + random() * 900);
    await kill(name);
  }
  stop = true;
  await Promise.all(workers);
  await up.healthy();
  const cut = done.unknown.size;
  for (const [key, enrol] of done.unknown) await tryAgain(key, enrol);
  await drained();

  const log = await exported(token);
  const decode = decoder();
  const events = log.entries.map((e) => decode(e).event);
  const ids = events.map((e) => e.event_id);
  t.diagnostic(`identity was killed ${kills} times, ${cuts} of them with an enrolment cut; an enrolment took about ${Math.round(took)} ms`);
  t.diagnostic(`${done.enrolled.size} enrolled (${cut} of them cut and tried again), ${done.verified.size} verified, ${log.size} events; calls that failed: ` +
    [...done.failed].map(([code, n]) => `${n} ${code}`).join(', '));
  assert.strictEqual(cuts, ROUNDS, 'too few enrolments were cut to prove anything');
  assert.ok(done.enrolled.size > ROUNDS && done.verified.size > ROUNDS, 'too little was done to prove anything');

  await t.test('no_event_is_there_twice', () => {
    assert.strictEqual(new Set(ids).size, ids.length);
    assert.deepStrictEqual(log.entries.map((e) => Number(e.index)), ids.map((_, i) => i));
  });

  await t.test('every_acknowledged_verification_has_its_event', () => {
    const byId = new Map(events.map((e, i) => [ids[i], e]));
    for (const [id, subject] of done.verified) {
      assert.ok(byId.has(id), `the event ${id} of an acknowledged verification is missing`);
      assert.strictEqual(byId.get(id).patient, subject);
    }
  });

  // A stored answer given again is a read, and an event of its own that says so.
  const enrolments = events.filter((e) => e.action.endsWith('/Enrol') && Number(e.outcome) === 1 && e.detail.replayed !== 'yes')
    .map((e) => e.patient);
  await t.test('every_acknowledged_enrolment_has_exactly_one_event', () => {
    for (const subject of done.enrolled.values()) {
      assert.strictEqual(enrolments.filter((p) => p === subject).length, 1, `of ${subject}`);
    }
  });

  await t.test('every_subject_in_the_database_has_exactly_one_event', async () => {
    const stored = (await up.sql('identity', 'SELECT LOWER(HEX(subject_id)) FROM subject')).map((h) => uuid(Buffer.from(h, 'hex')));
    assert.deepStrictEqual(enrolments.sort(), stored.sort());
  });

  await t.test('a_key_tried_again_made_nobody_twice', async () => {
    const [stored] = await up.sql('identity', 'SELECT COUNT(*) FROM subject');
    assert.strictEqual(new Set(done.enrolled.values()).size, done.enrolled.size);
    assert.strictEqual(Number(stored), done.enrolled.size);
  });

  await t.test('nobody_is_half_enrolled', async () => {
    const of = (table, more = '') => `(SELECT COUNT(*) FROM ${table} x WHERE x.subject_id = s.subject_id ${more})`;
    const halves = await up.sql('identity', `SELECT HEX(subject_id) FROM subject s WHERE key_sha256 IS NULL OR ${of('face_key')} <> 1
      OR ${of('template')} <> 1 OR ${of('sealed_photo')} <> 1 OR ${of('gallery_member')} <> 1
      OR ${of('consent_entry', 'AND withdrawn_at_us IS NULL')} <> 3 OR ${of('gallery_change')} <> 1`);
    assert.deepStrictEqual(halves, []);
    const [orphans] = await up.sql('identity', 'SELECT COUNT(*) FROM ward_idempotency WHERE answer IS NULL');
    assert.strictEqual(orphans, '0');
  });

  await t.test('the_tree_and_its_signature_are_what_node_works_out', () => {
    const head = tree.checkpoint(log.checkpoint, log.keys.map((k) => k.vkey));
    const hashes = log.entries.map((e) => tree.leafHash(e.leaf));
    assert.ok(head.signers.length >= 1, 'no signature verifies');
    assert.ok(head.size >= log.size);
    assert.strictEqual(log.size, head.size, 'the head moved while the log was exported');
    assert.deepStrictEqual(tree.root(hashes), head.root);
  });

  await t.test('every_leaf_commits_to_its_event', () => {
    for (const e of log.entries) {
      const { leaf } = decode(e);
      const own = crypto.createHmac('sha256', e.content.salt).update(e.content.event).digest();
      assert.ok(own.equals(Buffer.from(leaf.commitment)));
    }
  });
});
