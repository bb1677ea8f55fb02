'use strict';
// A ward's due doses as a stream: everything first, then what changed.

const test = require('node:test');
const assert = require('node:assert');
const { once, interval, until } = require('./site');
const { start, give, correct, placed, setState, prescription } = require('./bedside');
const { change } = require('./ordering');

const MINUTE = 60e6;
const HOUR = 60 * MINUTE;

let site;
let schedule;
let wards = 0;
test.before(async () => {
  const env = { WARD_DUE_FOLLOWERS: '2' };
  site = await start({ services: ['identity', 'records', 'dosage', 'dosage2'], env: { dosage: env, dosage2: env } });
  schedule = site.api('schedule');
});
test.after(() => site?.stop());

const now = () => Date.now() * 1000;
const us = (n) => String(Math.round(n));
const plain = (timing, more = {}) => prescription('plainin', '10 mg', { timing, ...more });
const setWard = (ward, more = {}) =>
  site.api('dosageadmin').call('SetWard', { idempotency_key: site.key(), ward: { ward, time_zone: 'Asia/Shanghai', ...more } }, site.tokens['dosage-admin']);
async function newWard() {
  const name = `follow-${wards++}`;
  await setWard(name);
  return { name, nurse: site.as('nurse', { ward: name }), physician: site.as('physician', { ward: name }) };
}
async function bed(ward, timing = once, starts = now()) {
  const patient = await site.patient({ ward: ward.name });
  const order = await placed(site, patient, plain(timing, { starts_at_us: us(starts) }), { by: ward.physician });
  return { patient, order };
}
const slotOf = async (ward, at) => (await site.slots(at.patient, { by: ward.nurse, order_id: at.order.order_id }))[0];

// Somebody who looks: `list` is what they have on the screen.
class Look {
  constructor(ward, { ahead = 0, by = ward.nurse, on = schedule } = {}) {
    this.list = new Map();
    this.messages = [];
    this.stream = on.stream('FollowDue', { ward: ward.name, ahead_minutes: ahead }, site.who(by));
    this.end = this.read();
  }

  async read() {
    try {
      for await (const m of this.stream) {
        if (m.whole) this.list.clear();
        for (const id of m.gone) assert.ok(this.list.delete(id), 'what is gone was there');
        for (const s of m.slots) this.list.set(s.slot_id, s);
        this.messages.push({ ...m, at: Date.now() });
      }
    } catch (err) { return err; }
    return null;
  }

  states() { return [...this.list.values()].map((s) => s.state.replace('SLOT_STATE_', '')).sort(); }
  orders() { return [...this.list.values()].map((s) => s.order_id).sort(); }
  until(what, is) { return until(what, async () => is(this)); }
  async stop() {
    this.stream.cancel();
    const err = await this.end;
    assert.equal(err.code, 'CANCELLED');
  }
}
// A seat is free again a moment after its reader went.
async function look(ward, more) {
  let l;
  await until('let in', async () => {
    l = new Look(ward, more);
    const err = await Promise.race([l.end, until('told', async () => l.messages.length > 0)]);
    if (err?.reason === 'DUE_FULL') return false;
    if (err instanceof Error) throw err;
    return true;
  });
  return l;
}

test('first everything, then a new order, a dose charted and taken back, an order stopped', async () => {
  const ward = await newWard();
  const first = await bed(ward, interval(6));
  const l = await look(ward);
  assert.equal(l.messages[0].whole, true);
  assert.deepEqual(l.orders(), [first.order.order_id]);
  assert.deepEqual([...l.list.values()][0], await slotOf(ward, first), 'the slot as ListSlots has it');

  const second = await bed(ward, interval(8));
  await l.until('the new order shown', () => l.list.size === 2);
  const slot = await slotOf(ward, second);
  const { administration } = await give(site, { ...second, slot }, { by: ward.nurse });
  await l.until('the dose gone', () => !l.list.has(slot.slot_id));
  assert.deepEqual(l.messages.at(-1).gone, [slot.slot_id]);
  await correct(site, administration, { entered_in_error: true }, ward.nurse);
  await l.until('the dose back', () => l.list.has(slot.slot_id));

  const hold = (await setState(site, second.order, 'ON_HOLD', { by: ward.physician })).order;
  await l.until('what is on hold gone', () => l.list.size === 1);
  await setState(site, hold, 'STOPPED', { by: ward.physician });
  await setState(site, first.order, 'STOPPED', { by: ward.physician });
  await l.until('all gone', () => l.list.size === 0);
  assert.equal(l.messages.filter((m) => m.whole).length, 1);
  await l.stop();
});

test('who looks is let go when their token ends', async () => {
  const ward = await newWard();
  await bed(ward);
  const l = await look(ward, { by: site.as('nurse', { ward: ward.name, lifetime: 10 }) });
  assert.equal(l.list.size, 1);
  const err = await l.end;
  assert.deepEqual([err.code, err.reason], ['UNAUTHENTICATED', 'TOKEN_EXPIRED']);
});

test('time passes: future, due, overdue, gone', async () => {
  const ward = await newWard();
  const l = await look(ward, { ahead: 0 });
  assert.deepEqual(l.messages[0].slots, []);
  const soon = await bed(ward, once, now() + HOUR + 4e6);
  const due = await bed(ward, once, now() - HOUR + 4e6);
  const old = await bed(ward, once, now() - 48 * HOUR + 6e6);
  const state = ({ order }) => [...l.list.values()].find((s) => s.order_id === order.order_id)?.state.replace('SLOT_STATE_', '');
  await l.until('told', () => state(old) === 'MISSED' && state(due));
  await l.until('due', () => state(soon) === 'DUE');
  await l.until('overdue', () => state(due) === 'OVERDUE');
  await l.until('forgotten', () => state(old) === undefined);
  assert.equal(l.list.size, 2);
  await l.stop();
});

test('a change of an order, and of the ward\'s minutes, shows', async () => {
  const ward = await newWard();
  const { patient, order } = await bed(ward, interval(6), now() + 2 * HOUR);
  const l = await look(ward, { ahead: 180 });
  assert.deepEqual(l.states(), ['FUTURE']);
  await setWard(ward.name, { before_minutes: 180, after_minutes: 60 });
  await l.until('due earlier', () => l.states().join() === 'DUE');
  await setWard(ward.name, { before_minutes: 60, after_minutes: 60 });
  await l.until('future again', () => l.states().join() === 'FUTURE');
  const { order: next } = await change(site, order, plain(interval(6), { starts_at_us: us(now() + HOUR + 30 * MINUTE) }), { by: ward.physician });
  await l.until('moved', () => l.list.has(`${order.order_id}@${next.prescription.starts_at_us}`) && l.list.size === 1);
  assert.equal([...l.list.values()][0].order_version, 2);
  assert.equal(next.patient_id, patient.id);
  await l.stop();
});

test('each looks as far ahead as they asked, on either replica', async () => {
  const ward = await newWard();
  await bed(ward, once, now() + 3 * HOUR);
  const near = await look(ward, { ahead: 60 });
  const far = await look(ward, { ahead: 1440 });
  const other = await look(ward, { ahead: 1440, on: site.api('schedule', { on: 'dosage2' }) });
  assert.deepEqual([near.list.size, far.list.size, other.list.size], [0, 1, 1]);
  const at = await bed(ward);
  for (const l of [near, far, other]) await l.until('shown', () => l.orders().includes(at.order.order_id));
  const slot = await slotOf(ward, at);
  await give(site, { ...at, slot }, { by: ward.nurse, on: site.api('doses', { on: 'dosage2' }) });
  for (const l of [near, far, other]) await l.until('gone', () => !l.list.has(slot.slot_id));
  assert.deepEqual([near.list.size, far.list.size, other.list.size], [0, 1, 1]);
  for (const l of [near, far, other]) await l.stop();
});

test('a reader\'s ward is told nothing of another\'s', async () => {
  const [mine, theirs] = [await newWard(), await newWard()];
  const a = await look(mine);
  const b = await look(theirs);
  const here = await bed(mine);
  await a.until('shown', () => a.list.size === 1);
  assert.equal(b.list.size, 0);
  const there = await bed(theirs);
  await b.until('shown', () => b.list.size === 1);
  assert.deepEqual([a.orders(), b.orders()], [[here.order.order_id], [there.order.order_id]]);
  await a.stop();
  await b.stop();
});

test('no more than WARD_DUE_FOLLOWERS follow a replica; a seat is free when one went', async () => {
  const ward = await newWard();
  const [a, b] = [await look(ward), await look(ward)];
  const third = new Look(ward);
  const err = await Promise.race([third.end, until('told', async () => third.messages.length > 0)]);
  assert.deepEqual([err.code, err.reason], ['RESOURCE_EXHAUSTED', 'DUE_FULL']);
  await a.stop();
  const again = await look(ward);
  await again.stop();
  await b.stop();
});

test('an empty message says that it lives', async () => {
  const ward = await newWard();
  const l = await look(ward);
  await until('a heartbeat', async () => l.messages.length >= 3);
  const [, beat] = l.messages;
  assert.deepEqual([beat.slots, beat.gone, beat.whole], [[], [], false]);
  assert.ok(Number(beat.as_of_us) > Number(l.messages[0].as_of_us), 'as of a later moment');
  await l.stop();
});

test('a patient has an event when they first appear on it', async () => {
  const ward = await newWard();
  const events = async () => (await site.outbox()).map((e) => JSON.stringify(e)).filter((e) => e.includes('Schedule/FollowDue') && e.includes(ward.name));
  const one = await bed(ward, interval(6));
  const l = await look(ward);
  assert.equal((await events()).length, 1);
  assert.ok((await events())[0].includes(one.patient.id));
  const two = await bed(ward, interval(6));
  await l.until('shown', () => l.list.size === 2);
  await setState(site, one.order, 'STOPPED', { by: ward.physician });
  await l.until('gone', () => l.list.size === 1);
  await placed(site, one.patient, plain(interval(6)), { by: ward.physician });
  await l.until('shown again', () => l.list.size === 2);
  const all = await events();
  assert.equal(all.length, 2, 'once each, however often they come and go');
  assert.ok(all[1].includes(two.patient.id));
  await l.stop();
});

test('a service that stops ends its streams with UNAVAILABLE', async () => {
  const ward = await newWard();
  const l = await look(ward, { on: site.api('schedule', { on: 'dosage2' }) });
  await site.ward.services.dosage2.stop();
  const err = await l.end;
  assert.equal(err.code, 'UNAVAILABLE');
});

test('the database away: the stream ends rather than show an old list, and can be followed again after', async () => {
  const ward = await newWard();
  const at = await bed(ward);
  const l = await look(ward);
  await site.ward.db.stop();
  const err = await l.end;
  assert.equal(err.code, 'UNAVAILABLE');
  await site.ward.db.restart();
  let again;
  await until('back', async () => {
    again = new Look(ward);
    const ended = await Promise.race([again.end, until('told', async () => again.messages.length > 0)]);
    return !(ended instanceof Error);
  });
  assert.deepEqual(again.orders(), [at.order.order_id]);
  await again.stop();
});
