'use strict';
// Identity is killed with kill -9 while RotateKeys wraps 2,000 subjects' keys anew, and a few times more
// while templates are renewed. After each round everything still opens and no row names a key that is gone; after a last
// call one key-encryption key is left. What opens is worked out here from the root key file alone, by
// node's own AES-GCM, and by Verify of people who were enrolled.
//
// A kill that came too late to cut a call is not counted: there are ROUNDS that did. ROUNDS=n and SEED=n repeat or
// lengthen a run.

const { test, after } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Up, gone } = require('../lib/up');
const { chance, rounds, newSeed, sleep } = require('../lib/chance');
const { photo } = require('../lib/paths');

const ROUNDS = rounds(20);
const SEED = newSeed();
const RENEWALS = 3; // rounds more
const ROWS = 2000;

const random = chance(SEED);

const photographs = ['christian', 'user7'].map((name) => fs.readFileSync(photo(name)));
const up = new Up();
after(() => up.stop());

let token, identity, admin, root;
const keys = new Map(); // subject id in hex: its key, of those whose rows were made here
const cuts = []; // how calls ended that did not come to their end
const people = []; // subjects who were enrolled

const insist = async (call, tries = 100) => {
  try {
    return await call();
  } catch (err) {
    if (!['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'ABORTED'].includes(err.code) || tries === 0) throw err;
    await sleep(100);
    return insist(call, tries - 1);
  }
};

// ---- AES-256-GCM as crypto.h seals: nonce, ciphertext, tag; bound to a struct of fixed fields ----

const padded = (text, n) => Buffer.concat([Buffer.from(text)], n);
const bindKey = (id) => Buffer.concat([padded('ward identity key 1', 32), id, Buffer.alloc(80)]);
const bindKek = (number) => {
  const aad = Buffer.concat([padded('ward identity kek 1', 32)], 104);
  aad.writeInt32LE(number, 96);
  return aad;
};
function seal(key, aad, plain) {
  const nonce = crypto.randomBytes(12);
  const c = crypto.createCipheriv('aes-256-gcm', key, nonce).setAAD(aad);
  return Buffer.concat([nonce, c.update(plain), c.final(), c.getAuthTag()]);
}
function unseal(key, aad, sealed) {
  const d = crypto.createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(aad).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([d.update(sealed.subarray(12, -16)), d.final()]);
}

// Rows as the first release left them: wrapped by the root key itself.
async function addRows() {
  const rows = Array.from({ length: ROWS }, () => {
    const id = crypto.randomBytes(16);
    const key = crypto.randomBytes(32);
    keys.set(id.toString('hex'), key);
    return { id: id.toString('hex'), wrapped: seal(root, bindKey(id), key).toString('hex') };
  });
  for (let i = 0; i < ROWS; i += 500) {
    const some = rows.slice(i, i + 500);
    await up.sql('identity', `START TRANSACTION;
      INSERT INTO subject (subject_id, kind, enrolled_at_us) VALUES ${some.map((r) => `(X'${r.id}', 1, 1)`).join(',')};
      INSERT INTO face_key (subject_id, kek, wrapped) VALUES ${some.map((r) => `(X'${r.id}', 0, X'${r.wrapped}')`).join(',')}; COMMIT`);
  }
}

// Every row opens with what the tables and the root key file say; the keks there are.
async function everythingOpens() {
  const rows = (await up.sql('identity', "SELECT 'k', kek, HEX(sealed), '' FROM kek UNION ALL SELECT 's', kek, HEX(wrapped), HEX(subject_id) FROM face_key"))
    .map((line) => line.split('\t'));
  const keks = new Map([[0, root]]);
  for (const [kind, number, sealed] of rows) {
    if (kind === 'k') keks.set(Number(number), unseal(root, bindKek(Number(number)), Buffer.from(sealed, 'hex')));
  }
  let n = 0;
  for (const [kind, number, wrapped, id] of rows) {
    if (kind !== 's') continue;
    assert.ok(keks.has(Number(number)), `a row names kek ${number}, which is gone`);
    const key = unseal(keks.get(Number(number)), bindKey(Buffer.from(id, 'hex')), Buffer.from(wrapped, 'hex'));
    const made = keys.get(id.toLowerCase());
    if (made !== undefined) assert.ok(key.equals(made), 'a key is not the one that was there');
    n++;
  }
  assert.strictEqual(n, ROWS + people.length);
  for (const table of ['secret', 'token_key']) {
    assert.deepStrictEqual(await up.sql('identity', `SELECT COUNT(*) FROM ${table} WHERE kek NOT IN (SELECT kek FROM kek)`), ['0']);
  }
  keks.delete(0);
  return [...keks.keys()];
}

async function verifyAll() {
  for (const { subject_id, photograph } of people) {
    const a = await insist(() => identity.call('Verify', { subject_id, photograph, place: 'bed-1', purpose: 'administration', attended: true }, { token, deadline: 5000 }));
    assert.strictEqual(a.outcome, 'OUTCOME_MATCH');
  }
}

// The messages of a stream up to its end; null when the call was cut.
async function all(method, request = {}) {
  const messages = [];
  try {
    for await (const m of admin.stream(method, request, { token })) messages.push(m);
  } catch (err) {
    if (!['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'ABORTED', 'CANCELLED'].includes(err.code)) throw err;
    cuts.push(`${err.code} ${err.details}`);
    return null;
  }
  return messages;
}

async function whole(method, request, tries = 100) {
  const messages = await all(method, request);
  if (messages !== null) return messages;
  assert.ok(tries > 0, `${method} does not come to its end: ${cuts.at(-1)}`);
  await sleep(100);
  return whole(method, request, tries - 1);
}

function connect() {
  identity = up.client('identity');
  admin = up.client('identity', { api: 'admin' });
}

async function round(renew, took) {
  const call = renew ? all('RenewTemplates', { kind: 'SUBJECT_KIND_PATIENT' }) : all('RotateKeys');
  await sleep(random() * took);
  const pid = up.pid('identity');
  process.kill(pid, 'SIGKILL');
  const messages = await call;
  await gone([pid]);
  await up.healthy();
  connect(); // a channel that was refused meanwhile waits longer and longer before it tries again
  await everythingOpens();
  if (renew) await verifyAll();
  return messages === null;
}

test(`${ROUNDS} rounds of kill -9 during a rotation lose no key`, async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  await up.start();
  token = await up.token('registrar', 'nurse', 'security-officer');
  connect();
  root = Buffer.from(fs.readFileSync(path.join(up.dir, 'keys/identity.kek'), 'utf8').trim(), 'hex');
  for (const photograph of photographs) {
    const { subject_id } = await insist(() => identity.call('Enrol', { idempotency_key: crypto.randomUUID(), kind: 'SUBJECT_KIND_PATIENT', birth_year: 1980, photograph,
      consent: { purpose: 'patient-identification', text_version: '2026-11-en', given_by: 'self' } }, { token, deadline: 10000 }));
    people.push({ subject_id, photograph });
  }
  await addRows();
  await everythingOpens();
  await verifyAll();

  // How long a rotation takes uncut here and now: the kills fall into that time.
  const before = Date.now();
  const first = await whole('RotateKeys', {});
  let took = Date.now() - before;
  assert.strictEqual(first.at(-1).finished, true);
  assert.strictEqual(first[0].total, String(ROWS + people.length + 4)); // 3 secrets and the signing key too
  assert.deepStrictEqual(await everythingOpens(), [first.at(-1).kek]);

  t.diagnostic(`a rotation took ${took} ms`);
  let cut = 0, kills = 0;
  for (; cut < ROUNDS && kills < 2 * ROUNDS + 20; kills++) {
    if (await round(false, took)) cut++;
    else took *= 0.7; // it was over before: they take less than the first one did
  }
  for (let n = 0; n < RENEWALS; n++) await round(true, took);
  t.diagnostic(`${cut} rotations were cut by ${kills} kills`);
  assert.strictEqual(cut, ROUNDS, 'too few calls were cut to prove anything');

  const last = await whole('RotateKeys', {});
  assert.strictEqual(last.at(-1).finished, true);
  assert.deepStrictEqual(await everythingOpens(), [last.at(-1).kek]);
  const renewed = await whole('RenewTemplates', { kind: 'SUBJECT_KIND_PATIENT' });
  assert.strictEqual(renewed.at(-1).finished, true);
  assert.deepStrictEqual(await up.sql('identity', "SELECT generation FROM secret WHERE use_name = 'turn' AND kind = 1"), [String(renewed.at(-1).generation)]);
  assert.deepStrictEqual(await up.sql('identity', 'SELECT DISTINCT generation FROM template'), [String(renewed.at(-1).generation)]);
  await verifyAll();
});
