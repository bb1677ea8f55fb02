'use strict';
// What a replica keeps of what runs for a patient and was given: whatever another replica, a merge, an erasure or a restored database
// changes is seen by the next check. And a dose that was judged before its token was spent is judged again where it changed meanwhile.

const fs = require('node:fs');
const test = require('node:test');
const assert = require('node:assert');
const { RULES, ordered, harmless, change } = require('./ordering');
const { start, ordered: onceOrdered, asNeeded, minutesAgo, bedside, give, refused, right, held, emergency, correct, taken, doses, placed, setState } = require('./bedside');
const { rulesOf, until, uuid, now } = require('./site');

let site, two, dosesOfTwo;
test.before(async () => {
  site = await start({
    services: ['audit', 'identity', 'records', 'dosage', 'dosage2'],
    env: { dosage: { WARD_ACCESS_S: '3600' }, dosage2: { WARD_ACCESS_S: '3600' }, records: { WARD_FOLLOWERS: '4', WARD_STREAMS: '8' } },
  });
  two = site.api('dosage', { on: 'dosage2' });
  dosesOfTwo = site.api('doses', { on: 'dosage2' });
});
test.after(() => site?.stop());

const people = (n) => Promise.all(Array.from({ length: n }, () => site.charted(uuid())));
// What the second replica says: twice, of which the second is from memory.
async function seen(p, prescription = harmless()) {
  const first = await site.check(p, prescription, { on: two });
  const d = await site.check(p, prescription, { on: two });
  for (const what of ['running', 'given']) assert.deepStrictEqual(d.snapshot[what], first.snapshot[what], 'kept as it was read');
  return d;
}
const running = async (p) => (await seen(p)).snapshot.running.map((r) => `${r.order_id} ${r.version}${r.on_hold ? ' held' : ''}`).sort();
const given = async (p) => (await seen(p)).snapshot.given.map((g) => `${g.administration_id} ${g.dose.value}${g.unacknowledged ? ' open' : ''}`).sort();
const line = (o, more = '') => `${o.order_id} ${o.version}${more}`;

test('an order that is placed, changed, held, let go on and stopped by one replica is so to the other, at once, for each of many', async () => {
  const all = await people(6);
  const more = ordered(500, { drug_id: 'testozin-syrup' });
  for (const p of all) assert.deepStrictEqual(await running(p), []);
  for (const [i, p] of all.entries()) {
    const findings = async () => rulesOf(await seen(p, more)).filter((id) => [RULES.hard, 'ward.same-ingredient'].includes(id)).sort();
    assert.deepStrictEqual(await findings(), []);
    let order = await placed(site, p, ordered(500));
    assert.deepStrictEqual(await running(p), [line(order)]);
    assert.deepStrictEqual(await findings(), [RULES.hard, 'ward.same-ingredient'].sort());
    ({ order } = await change(site, order, ordered(10 + i)));
    assert.deepStrictEqual(await running(p), [line(order)]);
    assert.deepStrictEqual(await findings(), ['ward.same-ingredient']);
    ({ order } = await setState(site, order, 'ON_HOLD'));
    assert.deepStrictEqual(await running(p), [line(order, ' held')]);
    ({ order } = await setState(site, order, 'ACTIVE'));
    assert.deepStrictEqual(await running(p), [line(order)]);
    if (i % 2) continue; // half of them go on
    ({ order } = await setState(site, order, 'STOPPED'));
    assert.deepStrictEqual(await running(p), []);
    assert.deepStrictEqual(await findings(), []);
  }
  for (const [i, p] of all.entries()) assert.strictEqual((await running(p)).length, i % 2);
});

test('a dose that is given, corrected, called an error or given in an emergency by one replica is so to the other, at once', async () => {
  const at = await bedside(site);
  assert.deepStrictEqual(await given(at.patient), []);
  const { administration: d } = await give(site, at);
  assert.deepStrictEqual(await given(at.patient), [`${d.administration_id} 500`]);
  const { administration: less } = await correct(site, d, { dose: { value: '250', unit: 'mg' } });
  assert.deepStrictEqual(await given(at.patient), [`${d.administration_id} 250`]);
  await correct(site, less, { entered_in_error: true });
  assert.deepStrictEqual(await given(at.patient), []);
  const { administration: e } = await emergency(site, at.patient);
  assert.deepStrictEqual(await given(at.patient), [`${e.administration_id} 500 open`]);
  await site.api('doses').call('Acknowledge', {
    idempotency_key: site.key(), administration_id: e.administration_id, order_id: at.order.order_id, ppid_token: await site.ppid(at.patient),
  }, site.who('nurse'));
  assert.deepStrictEqual(await given(at.patient), [`${e.administration_id} 500`]);
});

for (const outcome of ['HELD', 'REFUSED', 'WASTED']) {
  test(`a dose that is charted as ${outcome} by one replica is none that was given, and its slot is taken, to the other`, async () => {
    const at = await bedside(site);
    assert.deepStrictEqual(await given(at.patient), []);
    await give(site, at, held(outcome, outcome === 'WASTED' ? { wasted: { value: '500', unit: 'mg' } } : {}));
    assert.deepStrictEqual(await given(at.patient), []);
    const again = held(outcome, { on: dosesOfTwo, ...(outcome === 'WASTED' && { wasted: { value: '500', unit: 'mg' } }) });
    assert.strictEqual((await refused(site, at, again)).reason, 'SLOT_TAKEN');
    assert.deepStrictEqual([await doses(site, at.order), await taken(site, at.order)], [1, 1]);
    assert.strictEqual((await give(site, at, { on: dosesOfTwo })).recorded, true, 'given after all, within its window');
    assert.strictEqual((await given(at.patient)).length, 1);
  });
}

test('of two who become one both run, of one who comes apart their own; what is written meanwhile too', async () => {
  const [a, b] = await people(2);
  const [mine, theirs] = [await placed(site, a, harmless()), await placed(site, b, ordered(10))];
  assert.deepStrictEqual([await running(a), await running(b)], [[line(mine)], [line(theirs)]]);
  const versionOf = async (p) => (await site.sql(`SELECT version FROM resource WHERE resource_id = ${site.hex(p.id)}`, 'records'))[0][0];
  const { merge_id } = await site.api('patients').call('MergePatients', {
    idempotency_key: site.key(), into_patient_id: a.id, from_patient_id: b.id, into_version: await versionOf(a), from_version: await versionOf(b), reason: 'one and the same',
  }, site.tokens.registrar);
  const isNow = (p, who) => until('followed', async () => (await site.check(p, harmless(), { on: two })).snapshot.patient_id === who.id
    && (await site.check(p, harmless())).snapshot.patient_id === who.id);
  for (const p of [a, b]) await isNow(p, a);
  for (const p of [a, b]) assert.deepStrictEqual(await running(p), [line(mine), line(theirs)].sort());
  const { order: later } = await change(site, theirs, ordered(20));
  for (const p of [a, b]) assert.deepStrictEqual(await running(p), [line(mine), line(later)].sort());
  await site.api('patients').call('UnmergePatients', { idempotency_key: site.key(), merge_id, reason: 'they are two' }, site.tokens.registrar);
  await isNow(b, b);
  assert.deepStrictEqual([await running(a), await running(b)], [[line(mine)], [line(later)]]);
});

test('of whoever is erased at one replica the other knows nothing', async () => {
  const [p, other] = await people(2);
  for (const who of [p, other]) {
    await placed(site, who, harmless());
    assert.strictEqual((await running(who)).length, 1);
  }
  await site.api('dosageadmin').call('ErasePatient', { idempotency_key: site.key(), patient_id: p.id, reason_code: 'patient-request' }, site.tokens['privacy-officer']);
  const f = await two.failure('Check', { patient_id: p.id, prescription: harmless() }, site.who('physician'));
  assert.strictEqual(`${f.code} ${f.reason}`, 'NOT_FOUND PATIENT_NOT_FOUND');
  assert.strictEqual((await running(other)).length, 1);
});

test('an order runs until it ends, though nobody writes anything then', async () => {
  const saw = new Set();
  for (let seconds = 2; !saw.has(false); seconds *= 2) { // longer where all of it is slow
    const [p] = await people(1);
    const long = await placed(site, p, harmless());
    const ends = now() + seconds * 1e6;
    const short = await placed(site, p, ordered(10, { ends_at_us: String(ends) }));
    for (let over = false; !over;) {
      const d = await site.check(p, harmless(), { on: two });
      over = Number(d.snapshot.at_us) >= ends;
      assert.deepStrictEqual(d.snapshot.running.map((r) => r.order_id).sort(), (over ? [long] : [short, long]).map((o) => o.order_id).sort());
      saw.add(over);
    }
  }
});

test('a dose that is charted later is checked against what ran when it was given', async () => {
  const patient = await site.patient();
  const ends = now() + 4000e3;
  const short = await placed(site, patient, harmless({ starts_at_us: minutesAgo(14), ends_at_us: String(ends) }));
  const bedsides = [];
  for (const drug_id of ['testozin', 'lifozin']) {
    const order = await placed(site, patient, onceOrdered({ drug_id, dose: { value: '100', unit: 'mg' }, starts_at_us: minutesAgo(10) }));
    const [slot] = await site.slots(patient, { order_id: order.order_id, from_us: minutesAgo(60), to_us: minutesAgo(-60) });
    bedsides.push({ patient, order, slot });
  }
  await until('it ended', async () => Number((await site.check(patient, harmless(), { on: two })).snapshot.at_us) >= ends);
  const other = await placed(site, patient, harmless());
  assert.ok((await running(patient)).includes(line(other)), 'read again, now that it ended');
  const ran = (answer) => {
    assert.strictEqual(answer.recorded, true, JSON.stringify([answer.rights, answer.open]));
    return answer.decision.snapshot.running.some((r) => r.order_id === short.order_id);
  };
  assert.strictEqual(ran(await give(site, bedsides[0], { on: dosesOfTwo, given_at_us: minutesAgo(5) })), true);
  assert.strictEqual(ran(await give(site, bedsides[1], { on: dosesOfTwo })), false);
});

test('a database that was put back to an earlier state is what counts, also for what is written after', async () => {
  const all = await people(4);
  for (const [i, p] of all.entries()) {
    const first = await placed(site, p, harmless());
    const where = `patient_id = ${site.hex(p.id)}`;
    const [[touched]] = await site.sql(`SELECT touched FROM patient WHERE ${where}`);
    const second = await placed(site, p, ordered(10));
    assert.deepStrictEqual(await running(p), [line(first), line(second)].sort());
    await site.sql(`START TRANSACTION; DELETE FROM drug_order WHERE order_id = ${site.hex(second.order_id)};
      UPDATE patient SET touched = ${touched} WHERE ${where}; COMMIT`);
    if (i % 2) {
      assert.deepStrictEqual(await running(p), [line(first)]);
      continue;
    }
    const third = await placed(site, p, ordered(20)); // as many writes as before, and another
    assert.deepStrictEqual(await running(p), [line(first), line(third)].sort());
  }
});

// ---- a dose between its judgement and the lock ----

// Bytes that wait for a process that listens at this port, and is stopped.
function waiting(port) {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = ['tcp', 'tcp6'].flatMap((file) => fs.readFileSync(`/proc/net/${file}`, 'utf8').split('\n')).map((row) => row.trim().split(/\s+/));
  return rows.filter(([, at, , state]) => at?.endsWith(local) && state === '01').reduce((sum, row) => sum + parseInt(row[4].split(':')[1], 16), 0);
}
// Gives a dose; once it was judged, and its token is about to be spent, `meanwhile` is done.
async function judgedThen(at, meanwhile, more = {}) {
  const { identity } = site.ward.services;
  const ppid_token = await site.ppid(at.patient);
  await seen(at.patient); // the second replica keeps what runs
  assert.strictEqual((await give(site, await bedside(site), { on: dosesOfTwo })).recorded, true); // and is connected with identity
  identity.proc.signal('SIGSTOP');
  try {
    const answer = give(site, at, { ppid_token, on: dosesOfTwo, ...more }).then((a) => a, (e) => e);
    await until('judged', async () => waiting(identity.port) > ppid_token.length, { seconds: 10 });
    await meanwhile();
    identity.proc.signal('SIGCONT');
    return await answer;
  } finally {
    identity.proc.signal('SIGCONT');
  }
}
const counts = async (at) => [await doses(site, at.order), await taken(site, at.order)];

test('a dose whose order is as it was is given', async () => {
  const at = await bedside(site);
  assert.strictEqual((await judgedThen(at, () => seen(at.patient))).recorded, true);
  assert.deepStrictEqual(await counts(at), [1, 1]);
});

for (const state of ['STOPPED', 'ON_HOLD']) {
  test(`an order that is ${state} between the judgement and the lock is not given`, async () => {
    const at = await bedside(site);
    const err = await judgedThen(at, () => setState(site, at.order, state));
    assert.strictEqual(err.reason, 'ORDER_STATE', JSON.stringify(err.rights));
    assert.deepStrictEqual(await counts(at), [0, 0]);
  });
}

test('an order that is changed between the judgement and the lock is given as it is now, or not', async () => {
  const at = await bedside(site, onceOrdered(asNeeded(4, 60)));
  const p = { ...at.order.prescription, dose: { value: '250', unit: 'mg' } };
  const answer = await judgedThen(at, () => change(site, at.order, p));
  assert.deepStrictEqual([answer.recorded, right(answer, 'DOSE').split(' ')[0]], [false, 'FAIL'], String(answer));
  assert.deepStrictEqual(await counts(at), [0, 0]);
});

test('a slot that is charted between the judgement and the lock is charted once', async () => {
  const at = await bedside(site);
  const err = await judgedThen(at, () => give(site, at, held()));
  assert.strictEqual(err.reason, 'SLOT_TAKEN');
  assert.deepStrictEqual(await counts(at), [1, 1]);
});

test('a dose that is given between the judgement and the lock counts for what is given as needed', async () => {
  const at = await bedside(site, onceOrdered(asNeeded(1, 60)));
  const err = await judgedThen(at, () => emergency(site, at.patient));
  assert.strictEqual(err.reason, 'PRN_LIMIT');
  assert.deepStrictEqual(await counts(at), [0, 0]);
});

test('what is found between the judgement and the lock stands open: nothing is given', async () => {
  const at = await bedside(site);
  const answer = await judgedThen(at, () => emergency(site, at.patient, { dose: { value: '2800', unit: 'mg' } }));
  assert.strictEqual(answer.recorded, false, String(answer));
  assert.ok(answer.open.includes(RULES.hard), String(answer.open));
  assert.deepStrictEqual(await counts(at), [0, 0]);
  assert.strictEqual(answer.decision.snapshot.given.length, 1);
});
