'use strict';
// DosageAdmin: wards, status, burden, keys, line by line of admin.proto. Erasure: erase.test.js.

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { until, uuid } = require('./site');
const { shared, RULES, ordered, harmless, override, placed, setState } = require('./ordering');

let site, admin, anna;
const by = (role) => site.tokens[role];

before(async () => {
  site = await shared();
  admin = site.api('dosageadmin');
  anna = await site.charted(uuid());
});
after(() => site?.stop());

const set = (ward, { key = site.key(), as = 'dosage-admin' } = {}) => admin.call('SetWard', { idempotency_key: key, ward }, by(as));
const notSet = async (ward) => {
  const f = await admin.failure('SetWard', { idempotency_key: site.key(), ward }, by('dosage-admin'));
  return `${f.code} ${f.reason === f.code ? f.field : f.reason}`;
};
const wards = async (as = 'nurse') => (await admin.call('ListWards', {}, by(as))).wards;
const status = (more = {}) => site.api('dosageadmin', more).call('GetStatus', {}, by('dosage-admin'));
const burden = async (days = 0, as = 'safety-officer') => admin.call('GetBurden', { days }, by(as));

// ---- wards ----

test('a ward has a clock, an hour each way unless it says otherwise, and is set anew', async () => {
  const { ward } = await set({ ward: 'W.4_b', time_zone: 'Asia/Shanghai' });
  assert.deepEqual(ward, { ward: 'W.4_b', time_zone: 'Asia/Shanghai', before_minutes: 60, after_minutes: 60 });
  await set({ ward: 'icu', time_zone: 'Europe/Berlin', before_minutes: 1, after_minutes: 720 });
  await set({ ward: 'W.4_b', time_zone: 'UTC', before_minutes: 30, after_minutes: 15 });
  assert.deepEqual(await wards(), [
    { ward: 'W.4_b', time_zone: 'UTC', before_minutes: 30, after_minutes: 15 },
    { ward: 'icu', time_zone: 'Europe/Berlin', before_minutes: 1, after_minutes: 720 },
  ]);
});

test('the same key gives the same answer, and changes nothing any more', async () => {
  const key = site.key();
  const first = await set({ ward: 'again', time_zone: 'UTC', before_minutes: 5 }, { key });
  await set({ ward: 'again', time_zone: 'Asia/Tokyo' });
  assert.deepEqual(await set({ ward: 'again', time_zone: 'UTC', before_minutes: 5 }, { key }), first);
  assert.equal((await wards()).find((w) => w.ward === 'again').time_zone, 'Asia/Tokyo');
  const f = await admin.failure('SetWard', { idempotency_key: key, ward: { ward: 'again', time_zone: 'Asia/Tokyo' } }, by('dosage-admin'));
  assert.equal(f.reason, 'IDEMPOTENCY_MISMATCH');
});

test('names, zones and windows that cannot be are refused, and nothing is written', async () => {
  const was = await wards();
  for (const ward of ['', 'a b', '急', 'w'.repeat(65), 'w%']) {
    assert.equal(await notSet({ ward, time_zone: 'UTC' }), 'INVALID_ARGUMENT ward.ward', JSON.stringify(ward));
  }
  for (const time_zone of ['', 'Mars/Olympus', '../../etc/passwd', '/etc/localtime', 'Europe', 'x'.repeat(3000)]) {
    assert.equal(await notSet({ ward: 'w', time_zone }), 'INVALID_ARGUMENT TIME_ZONE_UNKNOWN', time_zone.slice(0, 20));
  }
  for (const [field, n] of [['before_minutes', -1], ['before_minutes', 721], ['after_minutes', -1], ['after_minutes', 100000]]) {
    assert.equal(await notSet({ ward: 'w', time_zone: 'UTC', [field]: n }), `INVALID_ARGUMENT ward.${field}`);
  }
  assert.equal(await notSet(null), 'INVALID_ARGUMENT ward.ward');
  for (const idempotency_key of ['', 'k'.repeat(129)]) {
    const f = await admin.failure('SetWard', { idempotency_key, ward: { ward: 'w', time_zone: 'UTC' } }, by('dosage-admin'));
    assert.equal(f.code, 'INVALID_ARGUMENT');
  }
  assert.deepEqual(await wards(), was);
});

test('only who runs dosage sets wards; clinicians list them', async () => {
  for (const role of ['physician', 'nurse', 'pharmacist', 'safety-officer', 'privacy-officer']) {
    const f = await admin.failure('SetWard', { idempotency_key: site.key(), ward: { ward: 'w', time_zone: 'UTC' } }, by(role));
    assert.equal(f.reason, 'ROLE_MISSING');
  }
  for (const role of ['physician', 'nurse', 'pharmacist', 'dosage-admin']) assert.ok((await wards(role)).length > 0);
  assert.equal((await admin.failure('ListWards', {}, by('porter'))).reason, 'ROLE_MISSING');
});

// ---- status ----

test('the status counts what is there, and says how fresh the charts are', async () => {
  await until('followed', async () => (await status()).chart_feed_age_s >= 0);
  const was = await status();
  const first = await placed(site, anna, harmless());
  const second = await placed(site, anna, ordered(500));
  await site.place(anna, harmless(), { draft: true });
  await setState(site, second, 'STOPPED');
  const s = await status();
  const rise = (field) => Number(s[field]) - Number(was[field]);
  assert.deepEqual([rise('orders'), rise('active_orders'), rise('decisions'), rise('administrations')], [3, 1, 2, 0]);
  assert.equal(s.rule_set_version, String(site.ruleSet.version));
  assert.ok(s.chart_feed_age_s >= 0 && s.chart_feed_age_s < 15, `${s.chart_feed_age_s}`);
  assert.match(s.root_key, /\w+/);
  assert.deepEqual([s.keys_behind, s.unacknowledged], ['0', was.unacknowledged]);
  assert.ok(s.kek >= 1);
  assert.ok(first.order_id);
});

test('only who runs dosage asks for its status', async () => {
  for (const role of ['physician', 'pharmacist', 'safety-officer', 'privacy-officer', 'auditor']) {
    assert.equal((await admin.failure('GetStatus', {}, by(role))).reason, 'ROLE_MISSING');
  }
});

// ---- burden ----

test('a rule that speaks counts: passed over, followed, or only said', async () => {
  const was = await burden();
  const of = (b, id) => b.rules.find((r) => r.rule_id === id) ?? { fired: 0, overridden: 0, followed: 0 };
  const bob = await site.charted(uuid());
  await site.check(bob, ordered(1200, { timing: { kind: 'KIND_ONCE' } }));
  const refused = await site.place(bob, ordered(1200, { timing: { kind: 'KIND_ONCE' } }));
  assert.deepEqual([refused.placed, refused.open], [false, [RULES.warn]]);
  const passed = await site.place(bob, ordered(1200, { timing: { kind: 'KIND_ONCE' } }), { overrides: [override(RULES.warn)] });
  assert.equal(passed.placed, true);
  const now = await burden();
  const rise = (field) => Number(of(now, RULES.warn)[field]) - Number(of(was, RULES.warn)[field]);
  assert.deepEqual([rise('fired'), rise('overridden'), rise('followed')], [3, 1, 1]);
  assert.equal(Number(now.decisions) - Number(was.decisions), 3);
  const overridden = now.rules.map((r) => Number(r.overridden));
  assert.deepEqual(overridden, [...overridden].sort((a, b) => b - a));
});

test('the burden is of as many days as are asked for', async () => {
  await site.sql(`INSERT INTO finding (finding_id, rule_id, at_us, severity, purpose, overridden, followed, ward)
    SELECT RANDOM_BYTES(16), 'from-long-ago', ${(Date.now() - 40 * 864e5) * 1000}, 2, 2, 1, 0, 'icu'`);
  const has = async (days) => (await burden(days)).rules.some((r) => r.rule_id === 'from-long-ago');
  assert.deepEqual([await has(0), await has(30), await has(41), await has(366)], [false, false, true, true]);
  for (const days of [-1, 367, 2 ** 31 - 1]) {
    const f = await admin.failure('GetBurden', { days }, by('pharmacist'));
    assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', 'days']);
  }
  for (const role of ['pharmacist', 'dosage-admin']) assert.ok(await burden(1, role));
  for (const role of ['physician', 'nurse']) assert.equal((await admin.failure('GetBurden', {}, by(role))).reason, 'ROLE_MISSING');
});

// ---- keys ----

async function rotate(on = admin) {
  const all = [];
  for await (const m of on.stream('RotateKeys', {}, by('dosage-admin'))) all.push(m);
  return all;
}

test('a rotation wraps every patient\'s key anew, while orders are placed on both replicas, and all of them open', async () => {
  const [[old]] = await site.sql('SELECT MAX(kek) FROM kek');
  const replicas = [site.orders, site.api('dosage', { on: 'dosage2' })];
  const made = [];
  let going = true;
  const load = Promise.all([0, 1].map(async (i) => {
    for (let n = 0; going || n < 3; n++) {
      const p = await site.charted(uuid());
      made.push([p, await placed(site, p, harmless(), { on: replicas[(i + n) % 2] })]);
    }
  }));
  await until('under way', () => made.length > 1);
  const progress = [await rotate(), await rotate(site.api('dosageadmin', { on: 'dosage2' }))].flat();
  going = false;
  await load;
  assert.ok(progress.filter((p) => p.finished).length === 2);
  assert.equal(await site.rows('kek', `kek <= ${old}`), 0);
  assert.deepEqual([(await status()).keys_behind, await site.rows('owner_key', `kek <= ${old}`)], ['0', 0]);
  for (const on of replicas) {
    for (const [p, order] of made) {
      const { order: again } = await on.call('GetOrder', { order_id: order.order_id }, by('physician'));
      assert.equal(again.patient_id, p.id);
    }
  }
});

test('only who runs dosage rotates keys', async () => {
  const call = admin.stream('RotateKeys', {}, by('privacy-officer'));
  await assert.rejects(async () => { for await (const m of call) assert.ok(!m); }, (e) => e.reason === 'ROLE_MISSING');
});
