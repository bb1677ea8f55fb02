'use strict';
// Patients who are merged in records, and taken apart again: orders of all who are one are checked together, on both replicas; and
// what a replica was not there for is done once, when it comes back.

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { rulesOf, until, uuid } = require('./site');
const { chance, newSeed } = require('../../lib/chance');
const { start, RULES, ordered, harmless, placed } = require('./ordering');

let site, second;

before(async () => {
  site = await start({
    services: ['audit', 'identity', 'records', 'dosage', 'dosage2'],
    env: { dosage: { WARD_ACCESS_S: '3600' }, dosage2: { WARD_ACCESS_S: '3600' }, records: { WARD_FOLLOWERS: '4', WARD_STREAMS: '8' } },
  });
  second = site.api('dosage', { on: 'dosage2' });
});
after(() => site?.stop());

const versionOf = async (id) => (await site.sql(`SELECT version FROM resource WHERE resource_id = ${site.hex(id)}`, 'records'))[0][0];
async function merge(into, from) {
  const { merge_id } = await site.api('patients').call('MergePatients', {
    idempotency_key: site.key(), into_patient_id: into.id, from_patient_id: from.id, into_version: await versionOf(into.id),
    from_version: await versionOf(from.id), reason: 'one and the same, told the desk',
  }, site.tokens.registrar);
  return merge_id;
}
const unmerge = (merge_id) => site.api('patients').call('UnmergePatients', { idempotency_key: site.key(), merge_id, reason: 'they are two' }, site.tokens.registrar);
const people = (n) => Promise.all(Array.from({ length: n }, () => site.charted(uuid())));
const ordersOf = async (p, on = site.orders) => (await on.call('ListOrders', { patient_id: p.id }, site.tokens.physician)).orders.map((o) => o.order_id).sort();
const ids = (...orders) => orders.map((o) => o.order_id).sort();
const text = (hex) => hex.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
const rootOf = async (p) => text((await site.sql(`SELECT HEX(root_id) FROM patient WHERE patient_id = ${site.hex(p.id)}`))[0]?.[0] ?? '');
const rooted = (p, root) => until(`rooted`, async () => (await rootOf(p)) === root.id);
const same = (what, ask) => until(what, async () => { try { return await ask(); } catch (e) { if (e.code === 'NOT_FOUND') return false; throw e; } });

test('orders of two who became one are listed and checked together, by either id, on both replicas; apart again, apart', async () => {
  const [a, b] = await people(2);
  const [of, also] = [await placed(site, a, ordered(500)), await placed(site, b, harmless())];
  await placed(site, b, ordered(500));
  const third = ids(...(await site.orders.call('ListOrders', { patient_id: b.id }, site.tokens.physician)).orders);
  for (const on of [site.orders, second]) assert.equal((await site.check(a, harmless(), { on })).snapshot.running.length, 1);
  const alone = rulesOf(await site.check(a, harmless()));
  const merge_id = await merge(a, b);
  for (const on of [site.orders, second]) {
    for (const p of [a, b]) {
      await same('one', async () => (await ordersOf(p, on)).length === 3);
      assert.deepEqual(await ordersOf(p, on), [...ids(of), ...third].sort());
      const d = await site.check(p, harmless(), { on });
      assert.equal(d.snapshot.patient_id, a.id);
      assert.equal(d.snapshot.running.length, 3);
      assert.ok(d.snapshot.running.some((r) => r.order_id === also.order_id));
    }
  }
  await unmerge(merge_id);
  for (const on of [site.orders, second]) {
    await same('two', async () => (await ordersOf(a, on)).length === 1 && (await ordersOf(b, on)).length === 2);
    const d = await site.check(b, ordered(500), { on });
    assert.deepEqual([d.snapshot.patient_id, d.snapshot.running.length], [b.id, 2]);
    assert.equal((await site.check(a, harmless(), { on })).snapshot.running.length, 1);
  }
  assert.deepEqual(rulesOf(await site.check(a, harmless())), alone);
});

test('the sum of both is what a limit is held against', async () => {
  const [a, b] = await people(2);
  await placed(site, b, ordered(500));
  const p = ordered(500, { drug_id: 'testozin-syrup' });
  assert.ok(!rulesOf(await site.check(a, p)).includes(RULES.hard));
  await merge(a, b);
  await same('summed', async () => rulesOf(await site.check(a, p)).includes(RULES.hard));
});

test('what is ordered for them while they are one stays with the one who stayed', async () => {
  const [a, b] = await people(2);
  const merge_id = await merge(a, b);
  await rooted(b, a);
  const order = await placed(site, b, harmless());
  assert.equal(order.patient_id, a.id);
  await unmerge(merge_id);
  await same('two', async () => (await ordersOf(a)).length === 1 && (await ordersOf(b)).length === 0);
});

test('chains come apart as they were made', async () => {
  const [a, b, c] = await people(3);
  const orders = [await placed(site, a, harmless()), await placed(site, b, harmless()), await placed(site, c, harmless())];
  await merge(b, c);
  const later = await merge(a, b);
  await rooted(c, a);
  await same('three', async () => (await ordersOf(c, second)).length === 3);
  assert.deepEqual(await ordersOf(a, second), ids(...orders));
  await unmerge(later);
  await rooted(c, b);
  await rooted(b, b);
  await same('two and one', async () => (await ordersOf(c)).length === 2 && (await ordersOf(a)).length === 1);
});

test('a merge the other way round after an unmerge is one the other way round', async () => {
  const [a, b] = await people(2);
  await unmerge(await merge(a, b));
  await merge(b, a);
  await rooted(a, b);
  await rooted(b, b);
  const d = await (async () => { await same('seen', async () => (await site.check(a, harmless())).snapshot.patient_id === b.id); return site.check(a, harmless()); })();
  assert.equal(d.snapshot.patient_id, b.id);
  assert.equal(await site.rows('patient_merge', `from_id = ${site.hex(a.id)} AND into_id = ${site.hex(b.id)}`), 1);
});

test('a change of the one merged away reaches the chart of the one who stayed', async () => {
  const [a, b] = await people(2);
  const wrong = await site.measure(b.id, '29463-7', '200 kg');
  await merge(a, b);
  await rooted(b, a);
  const weight = async (on) => (await site.check(a, harmless(), { on })).snapshot.facts.weights[0].quantity.value;
  for (const on of [site.orders, second]) await same('of both', async () => await weight(on) === '200');
  await site.api('records').call('MarkEnteredInError',
    { idempotency_key: site.key(), kind: 'KIND_OBSERVATION', id: wrong, expected_version: 1, reason: 'of another patient' }, site.tokens.nurse);
  for (const on of [site.orders, second]) await same('put right', async () => await weight(on) === '70');
});

test('merges and erasures that came while nobody was there are made up for, once, and the position only rises', async () => {
  const [a, b, gone] = await people(3);
  const [kept] = [await placed(site, b, harmless()), await placed(site, gone, harmless())];
  await until('followed so far', async () => Number((await site.sql('SELECT sequence FROM feed_position'))[0]?.[0] ?? 0) > 0);
  await site.ward.services.dosage.kill();
  await site.ward.services.dosage2.stop();
  const [[position]] = await site.sql('SELECT sequence FROM feed_position');
  await merge(a, b);
  await site.api('recordsadmin').call('ErasePatient', { idempotency_key: site.key(), patient_id: gone.id, case_reference: 'case/1' }, site.tokens['privacy-officer']);
  await Promise.all([site.ward.services.dosage.start(), site.ward.services.dosage2.start()]);
  await rooted(b, a);
  await until('erased', async () => await site.rows('owner_key', `owner_id = ${site.hex(gone.id)}`) === 0);
  await same('one', async () => (await ordersOf(a)).includes(kept.order_id));
  const [[later]] = await site.sql('SELECT sequence FROM feed_position');
  assert.ok(Number(later) > Number(position), `${position} to ${later}`);
  const told = await site.sql(`SELECT COUNT(*) FROM patient WHERE patient_id = ${site.hex(gone.id)} AND erased_at_us IS NOT NULL`);
  assert.equal(told[0][0], '1');
});

const POSITIONS = { 'a position of another feed': "'0123456789abcdef'", 'a damaged position': "CONCAT('0123456', CHAR(0), '89abcdef')" };
for (const [name, bytes] of Object.entries(POSITIONS)) test(`${name} is given up, and the feed read from its beginning`, async () => {
  const [a, b, c, d] = await people(4);
  await merge(a, b);
  await rooted(b, a);
  for (const who of [c, d]) await placed(site, who, harmless());
  for (const name of ['dosage', 'dosage2']) await site.ward.services[name].stop();
  // b's merge is not known here yet; that of d is one that this feed never tells of.
  await site.sql(`UPDATE patient SET root_id = patient_id; UPDATE feed_position SET token = CONCAT(${bytes}, SUBSTR(token, 17));
    DELETE FROM patient_merge; INSERT INTO patient_merge (from_id, into_id) VALUES (${site.hex(d.id)}, ${site.hex(c.id)});
    UPDATE patient SET root_id = ${site.hex(c.id)} WHERE patient_id = ${site.hex(d.id)}`);
  assert.equal(await rootOf(d), c.id);
  for (const name of ['dosage', 'dosage2']) await site.ward.services[name].start();
  await rooted(b, a);
  await rooted(d, d);
  assert.equal(await site.rows('patient_merge', `from_id = ${site.hex(d.id)}`), 0);
  for (const on of [site.orders, second]) assert.equal((await site.check(d, harmless(), { on })).snapshot.patient_id, d.id);
  await until('at its end', async () => (await site.sql('SELECT sequence FROM feed_position'))[0]?.[0] !== undefined);
});

test('whoever is killed meanwhile, patients here are one where they are one in records, and nowhere else', async (t) => {
  const all = await people(10);
  for (const q of all) await placed(site, q, harmless());
  const list = all.map((q) => site.hex(q.id)).join(', ');
  const roots = (database) => site.sql(`SELECT HEX(patient_id), HEX(root_id) FROM patient WHERE patient_id IN (${list}) ORDER BY patient_id`, database);
  const seed = newSeed();
  t.diagnostic(`SEED=${seed}`);
  const random = chance(seed);
  const dice = (n) => Math.floor(random() * n);
  const standing = []; // [merge_id, into], the last of a chart's undone first
  const root = new Map(all.map((q) => [q.id, q]));
  for (let i = 0; i < 40; i++) {
    if (standing.length > 0 && dice(3) === 0) {
      await unmerge(standing.pop());
      root.clear();
      const now = new Map((await roots('records')).map(([id, r]) => [text(id), text(r)]));
      for (const q of all) root.set(q.id, all.find((x) => x.id === now.get(q.id)));
    } else {
      const tops = all.filter((q) => root.get(q.id) === q);
      const [a, b] = [tops[dice(tops.length)], tops[dice(tops.length)]];
      if (a === b) continue;
      standing.push(await merge(a, b));
      for (const q of all) if (root.get(q.id) === b) root.set(q.id, a);
    }
    if (i % 8 === 3) await site.ward.services.dosage.kill().then(() => site.ward.services.dosage.start());
    if (i % 8 === 7) await site.ward.services.dosage2.kill().then(() => site.ward.services.dosage2.start());
  }
  if (standing.length === 0) standing.push(await merge(all[0], all[1]).then((id) => { root.set(all[1].id, all[0]); return id; }));
  const wanted = JSON.stringify(await roots('records'));
  await until('the same', async () => JSON.stringify(await roots('dosage')) === wanted);
  for (const on of [site.orders, second]) {
    for (const q of all) {
      const size = all.filter((x) => root.get(x.id) === root.get(q.id)).length;
      await same('of one chart', async () => (await ordersOf(q, on)).length === size);
    }
  }
});
