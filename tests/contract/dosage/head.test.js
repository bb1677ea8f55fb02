'use strict';
// What a check begins with (which rule set, whose clock, under which key) is kept in memory for the next: whatever another replica changes
// of it is gone by at the next check, and no decision is kept that went by what was so before.

const test = require('node:test');
const assert = require('node:assert');
const { RULES, harmless, ordered, madeUpSet, change } = require('./ordering');
const { start, placed } = require('./bedside');
const { rulesOf, uuid } = require('./site');

const HOLD_S = 3;
let site, two;
test.before(async () => {
  site = await start({
    services: ['audit', 'identity', 'records', 'dosage', 'dosage2'],
    env: { dosage: { WARD_ACCESS_S: '3600' }, dosage2: { WARD_ACCESS_S: '3600', WARD_KEY_HOLD_S: String(HOLD_S) }, records: { WARD_FOLLOWERS: '4', WARD_STREAMS: '8' } },
  });
  two = site.api('dosage', { on: 'dosage2' });
});
test.after(() => site?.stop());

const sixty = () => harmless({ drug_id: 'testozin', dose: { value: '60', unit: 'mg' } });
const decisions = (p) => site.rows('decision', `patient_id = UNHEX('${p.id.replaceAll('-', '')}')`);
// Twice: the second goes by what is kept.
async function checked(p, what = harmless()) {
  await site.check(p, what, { on: two });
  return site.check(p, what, { on: two });
}

test('a rule set that one replica activates is gone by at the other, at once, and each check keeps one decision', async () => {
  const all = await Promise.all(Array.from({ length: 5 }, () => site.charted(uuid())));
  const was = await Promise.all(all.map((p) => checked(p, sixty())));
  for (const d of was) assert.ok(!rulesOf(d).includes(RULES.warn));
  const strict = madeUpSet();
  for (const r of strict.dose_rules) if (r.rule.id === RULES.warn) r.max_single.value = '50';
  await site.activate(strict);
  const is = await Promise.all(all.map((p) => site.check(p, sixty(), { on: two })));
  for (const [i, d] of is.entries()) {
    assert.ok(rulesOf(d).includes(RULES.warn));
    assert.ok(BigInt(d.snapshot.rule_set_version) > BigInt(was[i].snapshot.rule_set_version));
    assert.equal(await decisions(all[i]), 3);
  }
  await site.activate(madeUpSet());
  assert.ok(!rulesOf(await site.check(all[0], sixty(), { on: two })).includes(RULES.warn));
});

test('a ward\'s clock that is set at one replica is gone by at the other, at once', async () => {
  const p = await site.charted(uuid());
  const before = await checked(p);
  const { ward } = before.snapshot.facts;
  assert.notEqual(before.snapshot.time_zone, 'Asia/Kathmandu');
  for (const time_zone of ['Asia/Kathmandu', 'America/St_Johns']) {
    await site.api('dosageadmin').call('SetWard', { idempotency_key: site.key(), ward: { ward, time_zone, before_minutes: 60, after_minutes: 60 } }, site.who('dosage-admin'));
    assert.equal((await site.check(p, harmless(), { on: two })).snapshot.time_zone, time_zone);
    assert.equal((await checked(p)).snapshot.time_zone, time_zone);
  }
});

test('of many checks at once beside changes of an order none misses one that was answered before it began', async () => {
  const p = await site.charted(uuid());
  let order = await placed(site, p, ordered(10)), going = true;
  await checked(p);
  const changes = (async () => {
    for (let i = 1; i < 9; i++) ({ order } = await change(site, order, ordered(10 + i)));
    going = false;
  })();
  const asked = Array.from({ length: 6 }, async () => {
    let n = 0;
    for (; going; n++) {
      const least = order.version;
      const [now] = (await site.check(p, harmless(), { on: two })).snapshot.running;
      assert.ok(now.version >= least, `${now.version} of ${least}`);
    }
    return n;
  });
  const [, ...n] = await Promise.all([changes, ...asked]);
  assert.ok(n.every((k) => k > 1), String(n));
  assert.equal((await checked(p)).snapshot.running[0].version, 9);
});

test('a key that was wrapped anew by another replica, and the one before destroyed, is no trouble, now and when it is gone from memory', async () => {
  const p = await site.charted(uuid());
  const asked = async () => {
    const d = await site.check(p, harmless(), { on: two });
    assert.equal((await two.call('GetDecision', { decision_id: d.decision_id }, site.who('physician'))).decision.decision_id, d.decision_id);
  };
  await checked(p);
  const [[old]] = await site.sql('SELECT MAX(kek) FROM kek');
  for await (const m of site.api('dosageadmin').stream('RotateKeys', {}, site.who('dosage-admin'))) assert.ok(m);
  assert.equal(await site.rows('kek', `kek <= ${old}`), 0);
  await asked();
  // The replica holds the destroyed key for HOLD_S, and reads its keys again, once a second at most, when a change comes in records' feed.
  for (const end = Date.now() + (HOLD_S + 3) * 1000; Date.now() < end;) {
    await new Promise((done) => { setTimeout(done, 500); });
    await site.charted(uuid());
    await site.caughtUp('dosage2');
  }
  await asked();
  await asked();
});
