'use strict';
// What is due in a ward: listed in pages, by who may see it.

const test = require('node:test');
const assert = require('node:assert');
const { once, interval, until } = require('./site');
const { shared, give, held, placed, setState, failure, prescription } = require('./bedside');

const MINUTE = 60e6;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let site;
let schedule;
let wards = 0;
// Without audit: events stay where they can be counted.
test.before(async () => {
  site = await shared({ audit: false });
  schedule = site.api('schedule');
});
test.after(() => site?.stop());

const now = () => Date.now() * 1000;
const us = (n) => String(Math.round(n));
const plain = (timing, more = {}) => prescription('plainin', '10 mg', { timing, ...more });
const setWard = (ward, more = {}) =>
  site.api('dosageadmin').call('SetWard', { idempotency_key: site.key(), ward: { ward, time_zone: 'Asia/Shanghai', ...more } }, site.tokens['dosage-admin']);
// A ward of its own: {name, nurse, physician}.
async function newWard() {
  const name = `due-${wards++}`;
  await setWard(name);
  return { name, nurse: site.as('nurse', { ward: name }), physician: site.as('physician', { ward: name }) };
}
// One patient of a ward with one order that is due then.
async function bed(ward, timing = once, starts = now()) {
  const patient = await site.patient({ ward: ward.name });
  const order = await placed(site, patient, plain(timing, { starts_at_us: us(starts) }), { by: ward.physician });
  return { patient, order };
}
const list = (ward, more = {}, by = ward.nurse, on = schedule) => on.call('ListDue', { ward: ward.name, ...more }, site.who(by));
const states = (slots) => slots.map((s) => s.state.replace('SLOT_STATE_', ''));
const slotOf = async (ward, at, more = {}) => (await site.slots(at.patient, { by: ward.nurse, order_id: at.order.order_id, ...more }))[0];

test('due, overdue, lately missed, and what comes', async () => {
  const ward = await newWard();
  const at = {
    missed: await bed(ward, once, now() - DAY - HOUR), long: await bed(ward, once, now() - 2 * DAY - HOUR), overdue: await bed(ward, once, now() - 3 * HOUR),
    due: await bed(ward, once, now() - 10 * MINUTE), begun: await bed(ward, once, now() + 30 * MINUTE), soon: await bed(ward, once, now() + 3 * HOUR),
    later: await bed(ward, once, now() + 23 * HOUR), far: await bed(ward, once, now() + 25 * HOUR),
  };
  const names = Object.fromEntries(Object.entries(at).map(([name, b]) => [b.order.order_id, name]));
  const shown = async (ahead_minutes) => (await list(ward, { ahead_minutes })).slots.map((s) => names[s.order_id]);
  assert.deepEqual(await shown(0), ['missed', 'overdue', 'due', 'begun']);
  assert.deepEqual(await shown(240), ['missed', 'overdue', 'due', 'begun', 'soon']);
  assert.deepEqual(await shown(1440), ['missed', 'overdue', 'due', 'begun', 'soon', 'later']);
  const answer = await list(ward, { ahead_minutes: 240 });
  assert.deepEqual(states(answer.slots), ['MISSED', 'OVERDUE', 'DUE', 'DUE', 'FUTURE']);
  assert.ok(Math.abs(Number(answer.as_of_us) - now()) < 60e6);
  assert.equal(answer.next_page_token, '');
  const [, , , , soon] = answer.slots;
  const [same] = await site.slots(at.soon.patient, { by: ward.nurse, order_id: at.soon.order.order_id });
  assert.deepEqual(soon, same, 'a slot is the same wherever it is shown');
});

test('what was charted, is on hold or has ended is not on the list', async () => {
  const ward = await newWard();
  const beds = [];
  for (let i = 0; i < 6; i++) beds.push(await bed(ward, interval(6)));
  const shown = async () => (await list(ward)).slots.map((s) => s.order_id).sort();
  const ids = (...n) => n.map((i) => beds[i].order.order_id).sort();
  assert.deepEqual(await shown(), ids(0, 1, 2, 3, 4, 5));
  await give(site, { ...beds[0], slot: await slotOf(ward, beds[0]) }, { by: ward.nurse });
  await give(site, { ...beds[1], slot: await slotOf(ward, beds[1]) }, { by: ward.nurse, ...held('REFUSED') });
  assert.deepEqual(await shown(), ids(2, 3, 4, 5));
  const hold = (await setState(site, beds[2].order, 'ON_HOLD', { by: ward.physician })).order;
  await setState(site, beds[3].order, 'STOPPED', { by: ward.physician });
  assert.deepEqual(await shown(), ids(4, 5));
  await setState(site, hold, 'ACTIVE', { by: ward.physician });
  assert.deepEqual(await shown(), ids(4, 5), 'its dose was skipped');
  assert.deepEqual((await list(ward, { ahead_minutes: 400 })).slots.filter((s) => s.order_id === hold.order_id).map((s) => s.state), ['SLOT_STATE_FUTURE']);
  assert.deepEqual((await list(ward, {}, ward.nurse, site.api('schedule', { on: 'dosage2' }))).slots.map((s) => s.order_id).sort(), ids(4, 5), 'the other replica says the same');
});

test('pages go on where the last one ended, whatever is charted or ordered meanwhile', async () => {
  const ward = await newWard();
  const beds = [];
  const same = now() - 5 * MINUTE;
  for (let i = 0; i < 7; i++) beds.push(await bed(ward, once, i < 4 ? same : same + i * MINUTE));
  const whole = (await list(ward)).slots.map((s) => s.slot_id);
  assert.equal(whole.length, 7);
  const pages = async (size, between = async () => {}, on = schedule) => {
    const got = [];
    let page_token = '';
    do {
      const answer = await list(ward, { page_size: size, page_token }, ward.nurse, on);
      assert.ok(answer.slots.length > 0 && answer.slots.length <= size);
      got.push(...answer.slots.map((s) => s.slot_id));
      page_token = answer.next_page_token;
      if (page_token) await between(got);
    } while (page_token);
    return got;
  };
  for (const size of [1, 2, 3, 7, 8]) assert.deepEqual(await pages(size), whole);
  const other = site.api('schedule', { on: 'dosage2' });
  let turn = 0;
  const got = await pages(2, async (soFar) => {
    if (turn++ > 0) return;
    const shown = beds.find((b) => soFar[1].startsWith(b.order.order_id));
    await give(site, { ...shown, slot: await slotOf(ward, shown) }, { by: ward.nurse });
    await bed(ward, once, same - HOUR);
  }, other);
  assert.deepEqual(got, whole);
});

test('a token is of one person, ward and question', async () => {
  const ward = await newWard();
  for (let i = 0; i < 3; i++) await bed(ward);
  const { next_page_token } = await list(ward, { page_size: 1 });
  const refused = async (more, by = ward.nurse) => {
    const err = await failure(list(ward, { page_size: 1, page_token: next_page_token, ...more }, by));
    assert.deepEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID']);
  };
  await refused({ ahead_minutes: 5 });
  await refused({}, site.as('nurse', { ward: ward.name, sub: 'nurse-2' }));
  await refused({ page_token: 'x' });
  await refused({ page_token: (next_page_token[0] === 'A' ? 'B' : 'A') + next_page_token.slice(1) });
  await refused({ page_token: 'A'.repeat(5000) });
  const other = await newWard();
  await bed(other);
  const err = await failure(schedule.call('ListDue', { ward: other.name, page_token: next_page_token }, site.as('pharmacist', { sub: 'nurse-1' })));
  assert.equal(err.reason, 'PAGE_TOKEN_INVALID');
});

test('who may look: the ward\'s own, and pharmacists', async () => {
  const ward = await newWard();
  await bed(ward);
  for (const method of ['ListDue', 'FollowDue']) {
    const ask = async (q, who, on = schedule) => {
      try {
        if (method === 'ListDue') return await on.call(method, { ward: ward.name, ...q }, who);
        for await (const m of on.stream(method, { ward: ward.name, ...q }, who)) return m;
      } catch (err) { return `${err.code} ${err.reason === err.code && err.field || err.reason || ''}`; }
      return 'ended';
    };
    assert.equal(await ask({}, site.as('nurse', { ward: 'elsewhere' })), 'PERMISSION_DENIED WARD_NOT_YOURS');
    assert.equal(await ask({}, site.as('physician', { ward: '' })), 'PERMISSION_DENIED WARD_NOT_YOURS');
    assert.equal((await ask({}, site.as('pharmacist', { ward: 'elsewhere' }))).slots.length, 1);
    assert.equal(await ask({ ward: 'no-clock' }, site.as('nurse', { ward: 'no-clock' })), 'NOT_FOUND WARD_NOT_FOUND');
    assert.equal(await ask({ ward: '' }, ward.nurse), 'INVALID_ARGUMENT ward');
    assert.equal(await ask({ ward: 'a b' }, ward.nurse), 'INVALID_ARGUMENT ward');
    for (const ahead_minutes of [-1, 1441]) assert.equal(await ask({ ahead_minutes }, ward.nurse), 'INVALID_ARGUMENT ahead_minutes');
    assert.equal(await ask({}, site.as('nurse', { ward: ward.name, purpose: 'HRESCH' })), 'PERMISSION_DENIED PURPOSE_NOT_ALLOWED');
    assert.match(await ask({}, site.as('porter', { ward: ward.name })), /^PERMISSION_DENIED/);
    assert.match(await ask({}, {}), /^UNAUTHENTICATED/);
    assert.match(await ask({}, ward.nurse, site.api('schedule', { as: 'stranger' })), /^PERMISSION_DENIED/);
  }
  for (const page_size of [-1, 501]) {
    const err = await failure(list(ward, { page_size }));
    assert.deepEqual([err.code, err.field], ['INVALID_ARGUMENT', 'page_size']);
  }
});

test('each patient that was shown has an event, and nobody else', async () => {
  const ward = await newWard();
  const events = async () => (await site.outbox()).filter((e) => e.action?.includes('ListDue') || JSON.stringify(e).includes('Schedule/ListDue'));
  const before = (await events()).length;
  await list(ward);
  const empty = (await events()).slice(before);
  assert.equal(empty.length, 1);
  const beds = [];
  for (let i = 0; i < 3; i++) beds.push(await bed(ward));
  await placed(site, beds[0].patient, prescription('testozin', '500 mg', { timing: once }), { by: ward.physician });
  await bed(ward, once, now() + 10 * HOUR);
  const then = (await events()).length;
  const { slots } = await list(ward);
  assert.equal(slots.length, 4);
  const shown = (await events()).slice(then);
  const patients = shown.map((e) => JSON.stringify(e).match(new RegExp(beds.map((b) => b.patient.id).join('|')))?.[0]);
  assert.deepEqual(patients.sort(), beds.map((b) => b.patient.id).sort());
  assert.ok(!JSON.stringify(shown).includes('plainin'), 'events say ids and counts');
});

const versionOf = async ({ patient }) => (await site.sql(`SELECT version FROM resource WHERE resource_id = ${site.hex(patient.id)}`, 'records'))[0][0];
test('after a merge slots are of the patient they are now', async () => {
  const ward = await newWard();
  const [kept, gone] = [await bed(ward, interval(6)), await bed(ward, interval(6))];
  await site.api('patients').call('MergePatients', {
    idempotency_key: site.key(), into_patient_id: kept.patient.id, from_patient_id: gone.patient.id, reason: 'one person',
    into_version: await versionOf(kept), from_version: await versionOf(gone),
  }, site.tokens.registrar);
  await until('all of one', async () => (await list(ward)).slots.every((s) => s.patient_id === kept.patient.id));
  assert.deepEqual((await list(ward)).slots.map((s) => s.order_id).sort(), [kept.order.order_id, gone.order.order_id].sort());
  const slots = await site.slots(gone.patient, { by: ward.nurse, order_id: gone.order.order_id });
  assert.deepEqual([...new Set(slots.map((s) => s.patient_id))], [kept.patient.id]);
});
