'use strict';
// Dosage is killed with kill -9 anywhere in Administer, and now and then MariaDB or identity, while several devices chart doses.
// Every call is repeated with its idempotency key until it is answered. Afterwards each dose is recorded exactly once, its slot is
// taken once, its token was spent once, and its event is in the audit log, once.
//
// A kill that came too late to cut a call is not counted: there are ROUNDS that did. ROUNDS=n and SEED=n repeat or lengthen a run.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Up, gone } = require('../lib/up');
const { Issuer } = require('../lib/tokens');
const { chance, rounds, newSeed, sleep } = require('../lib/chance');
const { Site, prescription, once } = require('../contract/dosage/site');

const ROUNDS = rounds(50);
const SEED = newSeed();
const CUT = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'ABORTED', 'CANCELLED'];
const DRUGS = [['paracetamol', '500 mg'], ['amlodipine', '5 mg'], ['omeprazole', '20 mg'], ['atorvastatin', '20 mg']];

const random = chance(SEED);
const up = new Up();
let site;
const given = []; // {key, order, answer} of every round

before(async () => {
  await up.start();
  const issuer = Issuer.from(up.dir);
  site = await Site.on({
    client: (name, { api }) => up.client(name, { api }), token: (claims) => issuer.token(claims),
  });
});
after(() => up.stop());

const victim = (n) => ({ 4: 'mariadb', 6: 'identity' }[n % 10] ?? 'dosage');
// A channel that was refused waits longer and longer before it tries again: after a kill there are new ones.
function connect() {
  site.made = {};
  site.orders = site.api('dosage');
}
async function kill(name) {
  const pid = up.pid(name);
  process.kill(pid, 'SIGKILL');
  await gone([pid]);
  await up.healthy();
  connect();
}

// While records is away dosage says so of the chart, and records and spends nothing.
const chartIsOld = (answer) => !answer.recorded && answer.open.join() === 'ward.chart-stale';

// One dose of each order, asked under one key until it is given; how often a call was cut.
async function insist(dose) {
  for (let cuts = 0, old = 0; ;) {
    try {
      const key = old === 0 ? dose.key : `${dose.key}-old-${old}`;
      const answer = await site.give(dose.patient, dose.order, dose.slot, { key, ppid_token: dose.ppid });
      if (!chartIsOld(answer) || old++ > 300) return { cuts, answer };
    } catch (err) {
      if (!CUT.includes(err.code) || cuts++ > 300) throw err;
    }
    await sleep(50);
  }
}

async function doses(n) {
  const patient = await site.patient();
  const orders = [];
  for (const [drug, amount] of DRUGS) {
    const a = await site.place(patient, prescription(drug, amount, { timing: once }));
    assert.ok(a.placed, `${drug}: ${a.open}`);
    orders.push(a.order);
  }
  const slots = await site.slots(patient);
  return Promise.all(orders.map(async (order, i) => ({
    patient, order, key: `kill-${n}-${i}`, slot: slots.find((s) => s.order_id === order.order_id), ppid: await site.ppid(patient),
  })));
}

test(`every_dose_is_recorded_once_whatever_is_killed_seed_${SEED}`, async () => {
  let cuts = 0, kills = 0, took = 60;
  while (cuts < ROUNDS) {
    assert.ok(kills < 4 * ROUNDS + 20, `${kills} kills cut only ${cuts} times`);
    const round = await doses(kills);
    const began = Date.now();
    let ended = began;
    const asked = round.map((d) => insist(d).finally(() => { ended = Date.now(); }));
    await sleep(random() * took);
    await kill(victim(kills++));
    const answers = await Promise.all(asked);
    if (answers.some((a) => a.cuts > 0)) cuts++;
    else took = Math.max(10, 0.7 * took + 0.3 * (ended - began));
    answers.forEach(({ answer }, i) => {
      assert.ok(answer.recorded, `${answer.open}`);
      given.push({ ...round[i], administration: answer.administration });
    });
  }
  console.log(`# ${kills} kills, ${cuts} of them cut calls; ${given.length} doses`);
});

const hex = (id) => id.replaceAll('-', '').toUpperCase();

test('each_is_there_once_with_its_slot_its_token_and_its_event', async () => {
  const rows = new Map();
  for (const line of await up.sql('dosage', 'SELECT HEX(order_id), HEX(administration_id), counts FROM administration')) {
    const [order, id, counts] = line.split('\t');
    assert.ok(!rows.has(order), 'an order was given twice');
    rows.set(order, { id, counts });
  }
  assert.strictEqual(rows.size, given.length);
  const taken = new Map((await up.sql('dosage', 'SELECT HEX(order_id), HEX(administration_id) FROM slot_taken')).map((l) => l.split('\t')));
  assert.strictEqual(taken.size, given.length);
  for (const { order, administration } of given) {
    assert.deepStrictEqual(rows.get(hex(order.order_id)), { id: hex(administration.administration_id), counts: '1' });
    assert.strictEqual(taken.get(hex(order.order_id)), hex(administration.administration_id));
  }
  const [spent] = await up.sql('identity', 'SELECT COUNT(*) FROM spent_token');
  assert.strictEqual(Number(spent), given.length);
});

test('each_has_its_event_in_the_audit_log_once', async () => {
  const events = new Set(given.map((g) => g.administration.event_id));
  assert.strictEqual(events.size, given.length);
  for (let i = 0; ; i++) {
    const [waiting] = await up.sql('dosage', 'SELECT COUNT(*) FROM ward_outbox');
    if (waiting === '0') break;
    assert.ok(i < 600, `${waiting} events wait`);
    await sleep(100);
  }
  const seen = new Map();
  const list = await up.ask('audit', 'query', '--most', '100000', '--action', '/ward.dosage.v1.Administrations/Administer');
  for (const e of list) if (events.has(e.event_id)) seen.set(e.event_id, (seen.get(e.event_id) ?? 0) + 1);
  assert.strictEqual(seen.size, given.length);
  assert.ok([...seen.values()].every((n) => n === 1), 'an event is in the log twice');
});

test('the_answer_of_each_is_the_same_again', async () => {
  for (const { patient, order, slot, ppid, key, administration } of given.slice(-8)) {
    const again = await site.give(patient, order, slot, { key, ppid_token: ppid });
    assert.strictEqual(again.administration.administration_id, administration.administration_id);
  }
});
