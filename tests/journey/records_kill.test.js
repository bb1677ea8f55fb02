'use strict';
// Records, and every third time MariaDB, is killed with kill -9 while bundles are imported and while patients are merged and
// unmerged. Afterwards: what was acknowledged is there, nothing is half done, an import that is sent again makes nothing twice, the
// feed has every version once and no gap, and each version's event is in the audit log, once.
//
// A kill that came too late to cut a call is not counted: there are ROUNDS that did, of each. ROUNDS=n and SEED=n repeat or lengthen
// a run.

const { test, after } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { Up, gone } = require('../lib/up');
const { until } = require('../lib/until');
const { chance, rounds, newSeed, sleep } = require('../lib/chance');

const ROUNDS = rounds(20);
const SEED = newSeed();
const PATIENTS = 40, EACH = 40; // of one bundle
const CUT = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'ABORTED', 'CANCELLED'];

const random = chance(SEED);
const up = new Up();
after(() => up.stop());

let admin, clerk, auditor, exchange, patients, records;
const imports = new Map(); // import id: {bundle, ids, acknowledged}
const merges = new Map(); // idempotency key: {request, answer}: what was asked, and what was said
const tally = { import: { cuts: 0, kills: 0 }, merge: { cuts: 0, kills: 0 } };

const issue = async (purpose, ...roles) =>
  ({ token: (await up.ask('token', 'issue', '--subject', 'journey', '--roles', roles.join(','), '--purpose', purpose, '--lifetime', '7200')).token });
const hex = (id) => id.replaceAll('-', '').toUpperCase();

// A channel that was refused waits longer and longer before it tries again: after a kill there is a new one.
function connect() {
  exchange = up.client('records', { api: 'exchange' });
  patients = up.client('records', { api: 'patients' });
  records = up.client('records');
}

async function kill(name) {
  const pid = up.pid(name);
  process.kill(pid, 'SIGKILL');
  await gone([pid]);
  await up.healthy();
  connect();
}
const victim = (n) => (n % 3 === 2 ? 'mariadb' : 'records');

async function insist(call, tries = 100) {
  try {
    return await call();
  } catch (err) {
    if (!CUT.includes(err.code) || tries === 0) throw err;
    await sleep(100);
    return insist(call, tries - 1);
  }
}

// ---- importing ----

function bundle() {
  const entry = [];
  for (let p = 0; p < PATIENTS; p++) {
    const id = crypto.randomUUID();
    entry.push({ fullUrl: `urn:uuid:${id}`, resource: { resourceType: 'Patient', id, gender: 'female', birthDate: '1970-01-01', name: [{ family: `Kill${p}`, given: ['Anna'] }] } });
    for (let o = 0; o < EACH; o++) {
      const oid = crypto.randomUUID();
      entry.push({ fullUrl: `urn:uuid:${oid}`, resource: {
        resourceType: 'Observation', id: oid, status: 'final', subject: { reference: `urn:uuid:${id}` }, effectiveDateTime: '2026-03-01T08:00:00+01:00',
        code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] }, valueQuantity: { value: 60 + o, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' } } });
    }
  }
  return { resourceType: 'Bundle', type: 'collection', entry };
}

// The last message that came, and whether the call came to its end.
async function send(id) {
  const what = imports.get(id);
  const bytes = Buffer.from(JSON.stringify(what.bundle));
  const stream = exchange.duplex('ImportBundle', { ...admin, deadline: 60000 });
  let last = null;
  try {
    stream.write({ start: { import_id: id, source: 'kill test' } });
    for (let at = 0; at < bytes.length; at += 65536) stream.write({ chunk: bytes.subarray(at, at + 65536) });
    stream.end();
    for await (const m of stream) last = m;
  } catch (err) {
    if (!CUT.includes(err.code)) throw err;
    return { last, whole: false };
  }
  return { last, whole: last !== null && last.done };
}

async function there(id) {
  const ids = imports.get(id).ids.map((i) => `X'${hex(i)}'`).join(',');
  const [n] = await up.sql('records', `SELECT COUNT(*) FROM resource WHERE resource_id IN (${ids})`);
  return Number(n);
}

async function killImporting(n, took) {
  const id = `import-${n}`;
  const b = bundle();
  imports.set(id, { bundle: b, ids: b.entry.map((e) => e.resource.id) });
  const began = Date.now();
  let ms = 0;
  const sent = send(id).finally(() => { ms = Date.now() - began; });
  await sleep(random() * took);
  tally.import.kills++;
  await kill(victim(n));
  const { last, whole } = await sent;
  const stored = await there(id);
  const acknowledged = last === null ? 0 : last.created + last.updated + last.unchanged;
  assert.ok(stored >= acknowledged, `${acknowledged} were acknowledged, ${stored} are there`);
  assert.strictEqual(last === null ? 0 : last.quarantined, 0);
  // The same bytes again: what is there is recognised, the rest goes in.
  for (let tries = 0; ; tries++) {
    const again = await send(id);
    if (!again.whole) { assert.ok(tries < 50, 'the import does not come to its end'); await sleep(100); continue; }
    assert.strictEqual(again.last.created + again.last.unchanged, b.entry.length);
    assert.strictEqual(again.last.updated, 0, 'the same bytes are no other version');
    break;
  }
  assert.strictEqual(await there(id), b.entry.length);
  return { cut: !whole, ms };
}

// ---- merging ----

const charts = []; // {id, version}: pairs, [even] stays

async function versionOf(id) {
  const rows = await up.sql('records', `SELECT version FROM resource WHERE resource_id = X'${hex(id)}'`)
    .catch((err) => { throw Object.assign(err, { code: 'UNAVAILABLE' }); }); // MariaDB is being killed
  return Number(rows[0]);
}

// Merges and unmerges pairs over and over, each call until it was answered; gives how many tries were cut.
async function mergeOn(stopped) {
  let cuts = 0;
  for (let n = 0; !stopped(); n = (n + 2) % charts.length) {
    const [into, from] = [charts[n], charts[n + 1]];
    const request = into.merge
      ? { idempotency_key: crypto.randomUUID(), merge_id: into.merge, reason: 'two people after all' }
      : { idempotency_key: crypto.randomUUID(), into_patient_id: into.id, from_patient_id: from.id, into_version: await insist(() => versionOf(into.id)),
        from_version: await insist(() => versionOf(from.id)), reason: 'the same person' };
    const method = into.merge ? 'UnmergePatients' : 'MergePatients';
    const answer = await insist(async () => {
      try {
        return await patients.call(method, request, { ...clerk, deadline: 5000 });
      } catch (err) {
        if (CUT.includes(err.code)) cuts++;
        throw err;
      }
    });
    merges.set(request.idempotency_key, { method, request, answer });
    into.merge = into.merge ? undefined : answer.merge_id;
  }
  return cuts;
}

async function killMerging(n) {
  let stop = false;
  const merging = mergeOn(() => stop);
  await sleep(30 + random() * 120);
  tally.merge.kills++;
  await kill(victim(n));
  stop = true;
  return (await merging) > 0;
}

// ---- looking ----

async function follow() {
  const changes = [];
  const [[end]] = [await up.sql('records', 'SELECT sequence FROM feed_end')];
  const stream = up.client('records', { api: 'feed' }).stream('Follow', {}, admin);
  for await (const m of stream) {
    changes.push(...m.changes);
    if (changes.length >= Number(end)) break;
  }
  stream.cancel();
  return changes;
}

const drained = () => until('drained', async () =>
  (await up.sql('records', 'SELECT (SELECT COUNT(*) FROM ward_outbox) + (SELECT COUNT(*) FROM change_new)'))[0] === '0');

test(`${ROUNDS} rounds of kill -9 during imports and ${ROUNDS} during merges lose nothing and leave nothing half done`, async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  await up.start();
  admin = await issue('HOPERAT', 'records-admin');
  clerk = await issue('PATADMIN', 'registrar');
  auditor = await issue('HOPERAT', 'auditor');
  connect();

  // How long an import takes uncut, here and now (the first one warms up): the kills fall into that time.
  let took = 0;
  for (const id of ['warm', 'whole']) {
    const b = bundle();
    imports.set(id, { bundle: b, ids: b.entry.map((e) => e.resource.id) });
    const began = Date.now();
    assert.ok((await send(id)).whole);
    took = Date.now() - began;
    t.diagnostic(`an import of ${b.entry.length} resources took ${took} ms`);
  }
  for (let n = 0; tally.import.cuts < ROUNDS && n < 3 * ROUNDS + 20; n++) {
    const { cut, ms } = await killImporting(n, took);
    if (cut) tally.import.cuts++;
    else took = Math.min(took, 0.9 * ms);
  }

  for (let n = 0; n < 8; n++) {
    const resource = { patient: { name: [{ family: `Pair${n >> 1}` }], birth_date: '1980-01-01', active: true } };
    const { record } = await insist(() => records.call('Create', { idempotency_key: `pair-${n}`, resource }, clerk));
    charts.push({ id: record.version.resource_id });
  }
  for (let n = 0; tally.merge.cuts < ROUNDS && n < 3 * ROUNDS + 20; n++) if (await killMerging(n)) tally.merge.cuts++;
  t.diagnostic(`imports: ${tally.import.cuts} cut by ${tally.import.kills} kills; merges: ${tally.merge.cuts} by ${tally.merge.kills}, ${merges.size} merges and unmerges`);
  assert.strictEqual(tally.import.cuts, ROUNDS, 'too few imports were cut to prove anything');
  assert.strictEqual(tally.merge.cuts, ROUNDS, 'too few merges were cut to prove anything');
  await drained();

  await t.test('an_import_sent_again_made_nothing_twice', async () => {
    for (const { ids } of imports.values()) {
      const rows = await up.sql('records', `SELECT COUNT(*), MAX(version) FROM version WHERE resource_id IN (${ids.map((i) => `X'${hex(i)}'`).join(',')})`);
      assert.deepStrictEqual(rows, [`${ids.length}\t1`]);
    }
  });

  await t.test('nothing_is_half_done', async () => {
    assert.deepStrictEqual(await up.sql('records', `SELECT HEX(r.resource_id) FROM resource r LEFT JOIN version v ON v.patient_id = r.patient_id
      AND v.resource_id = r.resource_id AND v.version = r.version WHERE v.version IS NULL`), [], 'a current row without its version');
    assert.deepStrictEqual(await up.sql('records', `SELECT HEX(v.resource_id) FROM version v LEFT JOIN resource r ON r.resource_id = v.resource_id
      GROUP BY v.resource_id HAVING MAX(v.version) <> COUNT(*) OR MAX(r.version) IS NULL OR MAX(r.version) <> MAX(v.version)`), [], 'versions with a gap');
    assert.deepStrictEqual(await up.sql('records', `SELECT HEX(r.resource_id) FROM resource r WHERE r.kind IN (1, 3) AND NOT EXISTS
      (SELECT 1 FROM token t WHERE t.patient_id = r.patient_id AND t.resource_id = r.resource_id)`), [], 'a resource that nothing finds');
    assert.deepStrictEqual(await up.sql('records', 'SELECT HEX(patient_id) FROM patient WHERE patient_id NOT IN (SELECT owner_id FROM owner_key)'), []);
    assert.deepStrictEqual(await up.sql('records', 'SELECT COUNT(*) FROM ward_idempotency WHERE answer IS NULL'), ['0']);
  });

  await t.test('a_merge_is_whole_or_not_there', async () => {
    const rows = await up.sql('records', 'SELECT HEX(from_id), HEX(into_id) FROM patient_merge WHERE unmerged_at_us IS NULL');
    const stand = new Map(rows.map((r) => r.split('\t')));
    for (let n = 0; n < charts.length; n += 2) {
      const [into, from] = [hex(charts[n].id), hex(charts[n + 1].id)];
      assert.strictEqual(stand.get(from), charts[n].merge ? into : undefined, 'what was said last is not what is');
      const [root] = await up.sql('records', `SELECT HEX(root_id) FROM patient WHERE patient_id = X'${from}'`);
      assert.strictEqual(root, charts[n].merge ? into : from);
      const read = await insist(() => records.call('Read', { kind: 'KIND_PATIENT', id: charts[n + 1].id }, clerk));
      assert.strictEqual(read.redirected_from, charts[n].merge ? charts[n + 1].id : '');
      const linked = (read.record.resource.patient.link || []).map((l) => l.type);
      assert.deepStrictEqual(linked, charts[n].merge ? ['LINK_TYPE_REPLACES'] : []);
    }
  });

  await t.test('a_key_tried_again_gets_the_answer_it_had', async () => {
    for (const { method, request, answer } of [...merges.values()].slice(-10)) {
      const again = await insist(() => patients.call(method, request, clerk));
      assert.deepStrictEqual(again, answer);
    }
  });

  await t.test('the_feed_has_every_version_once_and_no_gap', async () => {
    const changes = await follow();
    assert.deepStrictEqual(changes.map((c) => Number(c.sequence)), changes.map((_, i) => i + 1));
    const told = changes.map((c) => `${hex(c.resource_id)}\t${c.version}`).sort();
    const stored = (await up.sql('records', 'SELECT HEX(resource_id), version FROM version')).sort();
    assert.deepStrictEqual(told, stored);
  });

  await t.test('each_version_s_event_is_in_the_audit_log_once', async () => {
    const audit = up.client('audit');
    const events = new Map();
    for await (const m of audit.stream('Export', {}, auditor)) {
      for (const e of m.entries) {
        const [id] = [leafEventId(e.leaf)];
        events.set(id, (events.get(id) || 0) + 1);
      }
    }
    assert.ok([...events.values()].every((n) => n === 1), 'an event is there twice');
    for (const id of await up.sql('records', 'SELECT DISTINCT HEX(event_id) FROM version')) assert.ok(events.has(id), `no event ${id} of a version`);
  });
});

// Leaf.event_id, field 2, read from the bytes: version (varint) stands before it.
function leafEventId(leaf) {
  assert.strictEqual(leaf[0], 0x08);
  assert.strictEqual(leaf[2], 0x12);
  assert.strictEqual(leaf[3], 16);
  return leaf.subarray(4, 20).toString('hex').toUpperCase();
}
