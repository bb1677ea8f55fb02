'use strict';
// Slots that were charted twice, at the bedside and on paper: both stand until a person says which happened.

const test = require('node:test');
const assert = require('node:assert');
const { prescription, once, nobody } = require('./site');
const { shared, placed, bedside, give, versions, getPack, paper, reconcile, failure, setState, US, nowUs } = require('./cutoff');
const { second } = require('./bedside');

let site, downtime;
test.before(async () => {
  site = await shared({ audit: false });
  downtime = site.api('downtime');
});
test.after(() => site?.stop());

const plain = (more = {}) => prescription('plainin', '10 mg', { timing: once, ...more });
// A slot charted at the bedside and by paper: {patient, order, slot, charted, offline, conflict}.
async function twice(ward = 'ward-3', p = plain(), more = {}) {
  const nurse = site.as('nurse', { ward });
  const patient = await site.patient({ ward });
  const order = await placed(site, patient, p, { by: site.as('physician', { ward }) });
  const [slot] = await site.slots(patient, { order_id: order.order_id, by: nurse });
  const { pack } = await getPack(site, { ward, by: nurse });
  const { administration } = await give(site, { patient, order, slot }, { by: nurse, ...more });
  const entry = paper(patient, order, { slot_id: slot.slot_id, given_at_us: String(nowUs()), ...(more.second_person_token && { second_person: 'nurse-second' }) });
  const [r] = await reconcile(site, pack, [entry], { by: nurse });
  assert.strictEqual(r.state, 'STATE_CONFLICT');
  assert.ok(r.issues.includes('slot-charted'));
  const { conflicts } = await downtime.call('ListConflicts', { ward }, nurse);
  const conflict = conflicts.find((c) => c.offline.administration_id === r.administration_id);
  return { patient, order, slot, charted: administration.administration_id, offline: r.administration_id, conflict, entry, pack, nurse };
}
const resolve = (t, which, { by = 'nurse', key = site.key(), on, ...more } = {}) => site.api('downtime', { on }).call('ResolveConflict',
  { idempotency_key: key, conflict_id: t.conflict.conflict_id, which: `WHICH_${which}`, reason_code: 'wrong-entry', ...more }, site.who(by)).then((a) => a.conflict);
const current = async (id) => (await versions(site, id))[0];
const slotNow = async (t) => (await site.slots(t.patient, { order_id: t.order.order_id }))[0];

test('both stand, and are listed with what there is to say', async () => {
  const t = await twice();
  assert.strictEqual(t.conflict.charted.administration_id, t.charted);
  assert.ok(t.conflict.issues.includes('slot-charted'));
  assert.deepStrictEqual([t.conflict.charted.entered_in_error, t.conflict.offline.entered_in_error], [false, false]);
  assert.strictEqual(t.conflict.offline.slot_id, t.slot.slot_id);
  assert.strictEqual((await slotNow(t)).administration_id, t.charted);
});

test('it was the one at the bedside: the paper\'s is entered in error', async () => {
  const t = await twice();
  const c = await resolve(t, 'CHARTED');
  assert.deepStrictEqual([c.charted.entered_in_error, c.charted.version], [false, 1]);
  assert.deepStrictEqual([c.offline.entered_in_error, c.offline.version, c.offline.correction_code, c.offline.written_by], [true, 2, 'wrong-entry', 'nurse-1']);
  const s = await slotNow(t);
  assert.deepStrictEqual([s.state, s.administration_id], ['SLOT_STATE_GIVEN', t.charted]);
  const cumulative = await site.api('tracking').call('GetCumulative', { patient_id: t.patient.id, ingredient: 'plainin', hours: 1 }, site.tokens.nurse);
  assert.strictEqual(cumulative.amount.value, '10');
});

test('it was the paper\'s: the slot is its own now', async () => {
  const t = await twice();
  const c = await resolve(t, 'OFFLINE');
  assert.deepStrictEqual([c.charted.entered_in_error, c.charted.version], [true, 2]);
  assert.strictEqual(c.offline.entered_in_error, false);
  const s = await slotNow(t);
  assert.deepStrictEqual([s.state, s.administration_id], ['SLOT_STATE_GIVEN', t.offline]);
});

test('it was both: both stay, and both are in the sum', async () => {
  const t = await twice();
  const c = await resolve(t, 'BOTH');
  assert.deepStrictEqual([c.charted.entered_in_error, c.offline.entered_in_error], [false, false]);
  const cumulative = await site.api('tracking').call('GetCumulative', { patient_id: t.patient.id, ingredient: 'plainin', hours: 1 }, site.tokens.nurse);
  assert.strictEqual(cumulative.amount.value, '20');
});

test('decided once: the same call has the same answer, another is refused, the list is without it', async () => {
  const t = await twice();
  const key = site.key();
  const first = await resolve(t, 'CHARTED', { key });
  for (const on of ['dosage', 'dosage2']) assert.deepStrictEqual(await resolve(t, 'CHARTED', { key, on }), first);
  const f = await failure(resolve(t, 'BOTH'));
  assert.deepStrictEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'CONFLICT_RESOLVED']);
  const { conflicts } = await downtime.call('ListConflicts', { ward: 'ward-3' }, site.tokens.nurse);
  assert.ok(!conflicts.some((c) => c.conflict_id === t.conflict.conflict_id));
  assert.strictEqual((await versions(site, t.offline)).length, 2);
});

test('two people take a high-alert medicine back', async () => {
  const alert = () => twice('ward-3', prescription('alertin', '10 mg', { timing: once }), { second_person_token: second(site) });
  for (const which of ['CHARTED', 'OFFLINE']) {
    const t = await alert();
    const alone = await failure(resolve(t, which));
    assert.deepStrictEqual([alone.code, alone.reason], ['FAILED_PRECONDITION', 'SECOND_PERSON_NEEDED']);
    const self = await failure(resolve(t, which, { second_person_token: site.as('nurse').token }));
    assert.deepStrictEqual([self.code, self.reason], ['PERMISSION_DENIED', 'SECOND_PERSON_REFUSED']);
    assert.deepStrictEqual([(await current(t.charted)).entered_in_error, (await current(t.offline)).entered_in_error], [false, false]);
    const key = site.key(), second_person_token = second(site), before = (await site.outbox()).length;
    const c = await resolve(t, which, { second_person_token, key });
    const gone = which === 'CHARTED' ? c.offline : c.charted;
    assert.deepStrictEqual([gone.entered_in_error, gone.confirmed_by], [true, 'nurse-second']);
    assert.deepStrictEqual(await resolve(t, which, { second_person_token, key }), c, 'the same call again');
    const event = (await site.outbox()).slice(before).find((e) => e.action.endsWith('/ResolveConflict'));
    assert.strictEqual(event.detail.second_person, 'nurse-second');
  }
  const t = await alert();
  assert.strictEqual((await resolve(t, 'BOTH')).charted.entered_in_error, false, 'nothing is taken back');
});

test('two decide at once on two replicas: one does', async () => {
  const t = await twice();
  const answers = await Promise.allSettled(['CHARTED', 'OFFLINE', 'BOTH', 'CHARTED'].map((which, i) => resolve(t, which, { on: i % 2 ? 'dosage' : 'dosage2' })));
  assert.strictEqual(answers.filter((a) => a.status === 'fulfilled').length, 1);
  for (const a of answers.filter((x) => x.status === 'rejected')) assert.strictEqual(a.reason.reason, 'CONFLICT_RESOLVED');
});

test('one that was taken back meanwhile stays taken back', async () => {
  const t = await twice();
  await site.api('doses').call('Correct',
    { idempotency_key: site.key(), administration_id: t.charted, expected_version: 1, reason_code: 'wrong-entry', entered_in_error: true }, site.tokens.nurse);
  const c = await resolve(t, 'OFFLINE');
  assert.deepStrictEqual([c.charted.entered_in_error, c.charted.version, c.offline.entered_in_error], [true, 2, false]);
  assert.strictEqual((await slotNow(t)).administration_id, t.offline);
});

test('an order that was stopped meanwhile does not stand in the way', async () => {
  const t = await twice();
  await setState(site, t.order, 'STOPPED');
  assert.strictEqual((await resolve(t, 'CHARTED')).offline.entered_in_error, true);
});

test('conflicts are of a ward, page by page, oldest first', async () => {
  const ward = 'ward-4';
  const all = [];
  for (let i = 0; i < 3; i++) all.push(await twice(ward));
  const ask = (q) => downtime.call('ListConflicts', { ward, ...q }, site.as('nurse', { ward }));
  const whole = await ask({});
  assert.deepStrictEqual(whole.conflicts.map((c) => c.conflict_id), all.map((t) => t.conflict.conflict_id));
  const first = await ask({ page_size: 2 });
  const rest = await ask({ page_size: 2, page_token: first.next_page_token });
  assert.deepStrictEqual([...first.conflicts, ...rest.conflicts], whole.conflicts);
  assert.strictEqual(rest.next_page_token, '');
  const before = (await site.outbox()).length;
  await ask({});
  const events = (await site.outbox()).slice(before);
  assert.deepStrictEqual(events.map((e) => e.patient_id ?? e.patient).sort(), all.map((t) => t.patient.id).sort(), 'each patient who was shown');
});

test('what is refused', async () => {
  const t = await twice();
  const list = (q, by = 'nurse') => downtime.failure('ListConflicts', { ward: 'ward-3', ...q }, site.who(by));
  assert.deepStrictEqual(await list({ ward: 'icu' }).then((f) => [f.code, f.reason]), ['PERMISSION_DENIED', 'WARD_NOT_YOURS']);
  assert.strictEqual((await list({ page_token: 'x' })).reason, 'PAGE_TOKEN_INVALID');
  assert.strictEqual((await list({ page_size: -1 })).field, 'page_size');
  const fail = (q, by = 'nurse') => downtime.failure('ResolveConflict',
    { idempotency_key: site.key(), conflict_id: t.conflict.conflict_id, which: 'WHICH_BOTH', reason_code: 'wrong-entry', ...q }, site.who(by));
  assert.deepStrictEqual(await fail({ conflict_id: nobody }).then((f) => [f.code, f.reason]), ['NOT_FOUND', 'CONFLICT_NOT_FOUND']);
  assert.strictEqual((await fail({ conflict_id: 'x' })).field, 'conflict_id');
  assert.strictEqual((await fail({ which: 0 })).field, 'which');
  assert.strictEqual((await fail({ reason_code: 'asleep' })).reason, 'REASON_UNKNOWN');
  assert.strictEqual((await fail({}, site.as('nurse', { ward: 'ward-4' }))).reason, 'WARD_NOT_YOURS');
  assert.strictEqual((await current(t.offline)).version, 1, 'nothing was done');
});
