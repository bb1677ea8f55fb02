'use strict';
// Identity and MariaDB are killed with kill -9 while people are erased. Afterwards each is whole, as
// if nobody had asked, or erased, with nothing left that could be read; an erasure that was
// acknowledged is never undone; and asking again finishes what was cut, once.
//
// ROUNDS=n and SEED=n repeat or lengthen a run.

const { test, after } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const { Up, gone } = require('../lib/up');
const { photo } = require('../lib/paths');

const ROUNDS = Number(process.env.ROUNDS || 20);
const SEED = Number(process.env.SEED || crypto.randomInt(1e9));
const PEOPLE = 12; // a round
const AT_ONCE = 3;

// xorshift32: the same moments again for the same seed, as far as a loaded machine allows.
let state = (SEED >>> 0) || 1;
const random = () => {
  state ^= state << 13; state >>>= 0; state ^= state >>> 17; state ^= state << 5; state >>>= 0;
  return state / 2 ** 32;
};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const photograph = fs.readFileSync(photo('user7'));
const to = (purpose) => ({ purpose, text_version: '2026-11-en', given_by: 'self' });
const up = new Up();
after(() => up.stop());

let token, identity;
const count = { acknowledged: 0, cut: 0, whole: 0, unacknowledged: 0 };

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

const enrol = (key) => insist(() => identity.call('Enrol', { idempotency_key: key, kind: 'SUBJECT_KIND_PATIENT', photograph,
  external_ref: key, consent: to('patient-identification'), more_consents: [to('patient-search'), to('photo-retention')],
  galleries: ['ward/3a'] }, { token, deadline: 5000 })).then((a) => a.subject_id);
const erase = (subject_id) => identity.call('EraseSubject', { subject_id }, { token, deadline: 3000 });

// Erases these one after another until a call is cut; what was acknowledged goes into `answers`.
async function eraseAll(subjects, answers) {
  for (const subject of subjects) {
    try {
      answers.set(subject, await erase(subject));
    } catch (err) {
      if (err.code === undefined) throw err;
      return;
    }
  }
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

async function round(n) {
  const people = [];
  for (let i = 0; i < PEOPLE; i++) people.push(await enrol(`erase-${n}-${i}`));
  const answers = new Map();
  const work = Array.from({ length: AT_ONCE }, (_, k) => eraseAll(people.filter((_p, i) => i % AT_ONCE === k), answers));
  // In the middle of it, however fast this machine is: after some answers, and a moment into the next.
  for (const enough = Math.floor(random() * PEOPLE); answers.size < enough;) await sleep(1);
  await sleep(random() * 8);
  const name = ['identity', 'mariadb'][n % 2];
  const pid = up.pid(name);
  process.kill(pid, 'SIGKILL');
  await Promise.all(work);
  await gone([pid]);
  await up.healthy();
  for (const subject of people) {
    const now = await stateOf(subject);
    if (answers.has(subject)) assert.strictEqual(now, 'erased', `${subject} was said to be erased`);
    else if (now === 'whole') {
      count.whole++;
      assert.strictEqual(await verified(subject), 'OUTCOME_MATCH');
    } else count.unacknowledged++; // done, and the answer was lost
  }
  count.acknowledged += answers.size;
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
  for (let n = 0; n < ROUNDS; n++) everyone.push(...await round(n));
  t.diagnostic(`${everyone.length} people: ${count.acknowledged} erasures acknowledged before the kill, ${count.unacknowledged} done with their ` +
    `answer lost, ${count.whole} not begun or undone as a whole and erased afterwards`);
  assert.ok(count.acknowledged > 0 && count.whole > 0, 'the kills came too early or too late to prove anything');

  await t.test('nothing_of_anyone_is_left', async () => {
    for (const table of ['face_key', 'template', 'sealed_photo', 'gallery_member', 'duplicate']) {
      assert.deepStrictEqual(await up.sql('identity', `SELECT COUNT(*) FROM ${table}`), ['0'], table);
    }
  });

  await t.test('each_was_erased_once_in_the_log', async () => {
    for (;;) {
      if ((await up.sql('identity', 'SELECT COUNT(*) FROM ward_outbox'))[0] === '0') break;
      await sleep(100);
    }
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
