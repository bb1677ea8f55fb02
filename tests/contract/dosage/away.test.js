'use strict';
// Services that cannot be reached: what orders.proto and administration.proto say then. Records stopped (it hangs), records gone,
// identity gone, audit gone.

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { rulesOf, until, uuid } = require('./site');
const { start, harmless, placed } = require('./ordering');

let site, p, order;
const HUNG = { WARD_CHART_S: '6', WARD_RECORDS_MS: '2000' };

before(async () => {
  site = await start({
    services: ['audit', 'identity', 'records', 'dosage', 'dosage2'],
    // On the first, who was let in stays in for an hour; on the second, for two seconds.
    env: { dosage: { ...HUNG, WARD_ACCESS_S: '3600' }, dosage2: { ...HUNG, WARD_ACCESS_S: '2' }, records: { WARD_FOLLOWERS: '2' } },
  });
  p = await site.patient();
  order = await placed(site, p, harmless());
});
after(() => site?.stop());

const status = (on = 'dosage') => site.api('dosageadmin', { on }).call('GetStatus', {}, site.tokens['dosage-admin']);
const refused = async (method, request, by = 'physician', on = site.orders) => {
  const f = await on.failure(method, request, site.who(by));
  return `${f.code} ${f.reason}`;
};
const check = (more = {}) => site.check(p, harmless(), more);
const ask = () => ({ patient_id: p.id, prescription: harmless() });
const state = async (more) => (await check(more)).snapshot.facts.state;
const heard = () => until('heard', async () => { const s = await status(); return s.chart_feed_age_s >= 0 && s.chart_feed_age_s < 6; });
const current = (more) => until('current', async () => { try { return await state(more) === 'CHART_STATE_CURRENT'; } catch { return false; } });
const silent = () => until('silent', async () => (await status()).chart_feed_age_s > 6.5);

// Started again, and this test's own clients have noticed.
async function again(name) {
  await site.ward.services[name].start();
  const [api, method, request, by] = {
    records: ['records', 'Read', { kind: 'KIND_PATIENT', id: p.id }, 'registrar'],
    identity: ['identity', 'GetSubject', { subject_id: p.id }, 'registrar'],
  }[name];
  await until(`${name} is reached`, () => site.api(api).call(method, request, site.tokens[by]).then(() => true, (e) => e.code !== 'UNAVAILABLE'));
}

async function whileAway({ away, back }) {
  const onlySeen = site.as('nurse', { sub: 'nurse-list' });
  const inNeed = site.as('physician', { purpose: 'ETREAT' });
  const second = site.api('dosage', { on: 'dosage2' });
  await heard();
  const { snapshot: { facts: { as_of_us: known } } } = await check();
  await check({ on: second });
  await site.orders.call('ListOrders', { patient_id: p.id }, onlySeen.token ? onlySeen : {});
  await check({ by: inNeed });
  await away();
  try {
    await silent();
    // Let in and read: as it was, with a warning that it was.
    const d = await check();
    assert.equal(d.snapshot.facts.state, 'CHART_STATE_STALE');
    assert.ok(rulesOf(d).includes('ward.chart-stale'), `${rulesOf(d)}`);
    assert.equal(d.findings.find((f) => f.rule_id === 'ward.chart-stale').severity, 'SEVERITY_WARN');
    assert.equal(d.snapshot.facts.weights[0].quantity.value, '70');
    assert.ok(Number(d.snapshot.facts.as_of_us) >= Number(known) && Number(d.snapshot.facts.as_of_us) < Date.now() * 1000 - 5e6);
    // Let in, and nothing of the chart was read for them.
    const blind = await check({ by: onlySeen });
    assert.equal(blind.snapshot.facts.state, 'CHART_STATE_UNAVAILABLE');
    assert.equal(blind.findings.find((f) => f.rule_id === 'ward.chart-unavailable').severity, 'SEVERITY_HARD');
    assert.deepEqual([blind.snapshot.facts.weights, blind.snapshot.facts.allergies, blind.snapshot.facts.birth_date], [[], [], '']);
    // What needs no chart goes on for who was let in.
    assert.equal((await site.orders.call('GetOrder', { order_id: order.order_id }, site.tokens.physician)).order.order_id, order.order_id);
    assert.equal((await site.orders.call('ListOrders', { patient_id: p.id }, site.tokens.physician)).orders.length, 1);
    // Whoever was not let in, or whose grant has run out, or who is asked about each time, is not.
    for (const [by, on] of [['nurse', site.orders], [site.as('physician', { sub: 'physician-2' }), site.orders], [inNeed, site.orders], ['physician', second]]) {
      assert.equal(await refused('Check', ask(), by, on), 'UNAVAILABLE RECORDS_AWAY');
      assert.equal(await refused('ListOrders', { patient_id: p.id }, by, on), 'UNAVAILABLE RECORDS_AWAY');
    }
    assert.equal(await refused('Place', { idempotency_key: site.key(), patient_id: p.id, prescription: harmless() }, site.as('physician', { sub: 'physician-2' })),
      'UNAVAILABLE RECORDS_AWAY');
  } finally {
    await back();
  }
  await current();
  await current({ by: inNeed });
  await current({ on: second });
}

test('records that hangs: who was let in goes on with the chart as it was', async () => {
  const { records } = site.ward.services;
  await whileAway({ away: () => records.proc.signal('SIGSTOP'), back: () => records.proc.signal('SIGCONT') });
});

test('records that is gone: the same, and what changed meanwhile is seen when it is back', async () => {
  const { records } = site.ward.services;
  await whileAway({ away: () => records.kill(), back: () => again('records') });
  await site.measure(p.id, '29463-7', '72 kg');
  await until('weighed', async () => (await check()).snapshot.facts.weights[0].quantity.value === '72');
});

// Readings of a replica that were not asked of records.
async function kept(name = 'dosage') {
  const { text } = await site.ward.services[name].admin('/metrics');
  return Number(/^ward_dosage_chart_reads_total\{from="cached"\} (\S+)/m.exec(text)?.[1] ?? 0);
}

// Every change so far has come by on both replicas: each has heard of the feed since they were numbered, and it keeps its order.
async function passedBy() {
  await until('numbered', async () => Number((await site.sql('SELECT COUNT(*) FROM change_new', 'records'))[0][0]) === 0);
  const numbered = Date.now();
  for (const on of ['dosage', 'dosage2']) {
    await until(`${on} heard`, async () => { const { chart_feed_age_s: age } = await status(on); return age >= 0 && age * 1000 < Date.now() - numbered - 500; });
  }
}

test('a chart that changed before records went is not shown as it was', async () => {
  const { records } = site.ward.services;
  const q = await site.charted(uuid());
  const of = async () => (await site.check(q, harmless())).snapshot.facts;
  const isKept = () => until('kept', async () => { const was = await kept(); await of(); return await kept() > was; });
  await passedBy();
  await isKept();
  await site.measure(q.id, '29463-7', '40 kg');
  await passedBy();
  await records.kill();
  try {
    await silent();
    const f = await of();
    assert.deepEqual([f.state, f.weights.length], ['CHART_STATE_UNAVAILABLE', 0]);
  } finally {
    await again('records');
  }
  await until('back', async () => { try { return (await of()).weights.length === 2; } catch { return false; } });
});

test('what ends by the clock, and so is told by no feed, ends here within WARD_ACCESS_S', async () => {
  const q = await site.charted(uuid(), { ward: 'icu' });
  const by = site.as('physician', { sub: 'physician-glass' });
  await passedBy();
  await site.api('recordsaccess').call('BreakGlass',
    { idempotency_key: site.key(), patient_id: q.id, reason: 'GLASS_REASON_CONSULT', explanation: 'asked by the intensive care unit' }, by);
  const on = { hour: site.orders, moment: site.api('dosage', { on: 'dosage2' }) };
  for (const orders of Object.values(on)) await until('let in', () => site.check(q, harmless(), { by, on: orders }).catch((e) => e.code !== 'UNAVAILABLE' && Promise.reject(e)));
  await site.sql("UPDATE glass SET until_us = 1 WHERE actor = 'physician-glass'", 'records');
  await until('over', () => site.check(q, harmless(), { by, on: on.moment }).then(() => false, (e) => e.reason === 'PATIENT_NOT_FOUND'));
  assert.ok(await site.check(q, harmless(), { by, on: on.hour }));
});

test('identity that is gone: nothing is given with a token, everything else goes on', async () => {
  const token = await site.ppid(p);
  await site.ward.services.identity.kill();
  try {
    const second = await site.charted(uuid());
    assert.ok(await placed(site, second, harmless()));
    const [slot] = await site.slots(p, { from_us: 0, to_us: 0 }).catch(() => []);
    const f = await site.api('doses').failure('Administer', {
      idempotency_key: site.key(), patient_id: p.id, order_id: order.order_id, slot_id: slot?.slot_id ?? `${order.order_id}@0`,
      outcome: 'DOSE_OUTCOME_GIVEN', ppid_token: token, not_scanned_reason: 'scanner-broken', product_id: 'plainin-tablet', dose: order.prescription.dose,
      route: order.prescription.route, place: 'ward-3/bed-2',
    }, site.tokens.nurse);
    assert.equal(`${f.code} ${f.reason}`, 'UNAVAILABLE IDENTITY_AWAY');
    assert.equal(await site.rows('administration', `patient_id = ${site.hex(p.id)}`), 0);
  } finally {
    await again('identity');
  }
});

test('audit that is gone: nothing is refused, and every event arrives when it is back', async () => {
  const q = await site.charted(uuid());
  await until('delivered', async () => await site.rows('ward_outbox') === 0);
  await site.ward.services.audit.kill();
  const made = await placed(site, q, harmless());
  await check();
  assert.ok(await site.rows('ward_outbox') >= 2);
  await site.ward.services.audit.start();
  await until('delivered', async () => await site.rows('ward_outbox') === 0);
  assert.ok(made.order_id);
});

test('records with no room for one more follower: charts are read each time, and nothing is wrong', async () => {
  const { dosage, dosage2, records } = site.ward.services;
  await Promise.all([dosage.stop(), dosage2.stop()]);
  // Else a place that is still theirs would be free again later.
  await until('they are gone', async () => /ward_rpc_in_flight\{[^}]*method="Follow"[^}]*\} 0\n/.test((await records.admin('/metrics')).text));
  const feed = site.ward.client('records', { api: 'feed', as: 'identity' });
  const follow = [];
  await until('full', async () => {
    const s = feed.stream('Follow', {});
    try {
      for await (const m of s) if (m) break;
    } catch (e) {
      return e.reason === 'FEED_FULL';
    }
    follow.push(s);
    return false;
  });
  await dosage.start();
  try {
    for (let i = 0; i < 3; i++) assert.equal(await state(), 'CHART_STATE_CURRENT');
    assert.equal((await status()).chart_feed_age_s, -1);
    assert.match((await dosage.admin('/metrics')).text, /ward_dosage_chart_reads_total\{from="records"\} 3/);
  } finally {
    for (const s of follow) s.cancel();
    await dosage2.start();
  }
  await heard();
});
