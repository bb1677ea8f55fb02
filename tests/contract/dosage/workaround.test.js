'use strict';
// Ways around the checks: each made to happen, each not there when it should not be; listed, reviewed, and found once.

const test = require('node:test');
const assert = require('node:assert');
const { prescription, once, nobody, uuid, until } = require('./site');
const { RULES } = require('./ordering');
const { GTIN, start, bedside, give, emergency, getPack, loose, reconcile, failure } = require('./cutoff');

let site, tracking;
test.before(async () => {
  site = await start({
    services: ['audit', 'identity', 'records', 'dosage', 'dosage2'],
    env: { dosage: { WARD_WATCH_S: '1', WARD_EMERGENCY_S: '60' }, dosage2: { WARD_WATCH_S: '1', WARD_EMERGENCY_S: '60' } },
  });
  tracking = site.api('tracking');
});
test.after(() => site?.stop());

const list = (q = {}, by = 'safety-officer') => tracking.call('ListWorkarounds', { page_size: 200, ...q }, site.who(by)).then((a) => a.workarounds);
const of = async (actor, kind) => (await list()).filter((w) => w.actor === actor && w.kind === `WORKAROUND_KIND_${kind}`);
const found = (actor, kind) => until(`found: ${kind}`, async () => (await of(actor, kind))[0]);
// Two looks have ended since: what they did not find is not there.
async function looked() {
  const at = async () => Number((await site.sql('SELECT looked_to_us FROM watch_position'))[0]?.[0] ?? 0);
  for (let i = 0; i < 2; i++) {
    const before = await at();
    await until('looked', async () => (await at()) > before);
  }
}
let people = 0;
const nurse = (more = {}) => { people += 1; const sub = `nurse-w${people}`; return { sub, ...site.as('nurse', { sub, ...more }) }; };
const plain = (more = {}) => prescription('plainin', '10 mg', { timing: once, ...more });
const ready = (n) => Promise.all(Array.from({ length: n }, () => bedside(site, plain())));
async function gives(by, at, { place = `bed-${at.patient.id.slice(-8)}`, ...more } = {}) {
  const answer = await give(site, at, { by, ppid_token: await site.ppid(at.patient, { by, place }), product_id: 'plainin-tablet', ...more });
  assert.strictEqual(answer.recorded, true, JSON.stringify(answer).slice(0, 400));
  return answer.administration.administration_id;
}
const scanned = { scan: GTIN.otherin, not_scanned_reason: '' };

test('doses of four patients charted within a minute are a batch; of three they are not', async () => {
  const [many, few] = [nurse(), nurse()];
  const at = await ready(7);
  const ids = [];
  for (const a of at.slice(0, 4)) ids.push(await gives(many, a, scanned));
  for (const a of at.slice(4)) await gives(few, a, scanned);
  const w = await found(many.sub, 'BATCH');
  assert.deepStrictEqual([w.count, w.threshold, w.ward, w.place, w.verdict], [4, 4, 'ward-3', '', 'VERDICT_UNSPECIFIED']);
  assert.deepStrictEqual([...w.evidence].sort(), ids.sort());
  assert.ok(Number(w.first_at_us) < Number(w.last_at_us));
  assert.match(w.text.en, /\b4\b/);
  assert.match(w.text.zh, /4/);
  await looked();
  assert.deepStrictEqual(await of(few.sub, 'BATCH'), []);
  const all = JSON.stringify(await list());
  for (const a of at) assert.ok(!all.includes(a.patient.id), 'no patient is named');
});

test('three patients at one place within a minute; at a place each they are not', async () => {
  const [here, there] = [nurse(), nurse()];
  const at = await ready(6);
  for (const a of at.slice(0, 3)) await gives(here, a, { ...scanned, place: 'corridor-1' });
  for (const a of at.slice(3)) await gives(there, a, scanned);
  const w = await found(here.sub, 'ONE_PLACE_MANY_PATIENTS');
  assert.deepStrictEqual([w.place, w.count, w.threshold, w.evidence.length], ['corridor-1', 3, 3, 3]);
  await looked();
  assert.deepStrictEqual(await of(there.sub, 'ONE_PLACE_MANY_PATIENTS'), []);
});

test('tokens of others offered twice; once is a slip', async () => {
  const [often, slip] = [nurse(), nurse()];
  const [a, b] = await ready(2);
  const wrong = async (by) => give(site, a, { by, ppid_token: await site.ppid(b.patient, { by }) });
  assert.strictEqual((await wrong(slip)).recorded, false);
  await wrong(often);
  await wrong(often);
  const w = await found(often.sub, 'TOKEN_REUSED');
  assert.deepStrictEqual([w.count, w.threshold, w.evidence.length], [2, 2, 2]);
  await looked();
  assert.deepStrictEqual(await of(slip.sub, 'TOKEN_REUSED'), []);
});

test('most doses without a scan, of ten; half of them is not most', async () => {
  const [most, half] = [nurse(), nurse()];
  const round = async (by, unscanned) => {
    for (let i = 0; i < 10; i++) {
      const at = await bedside(site, plain());
      await gives(by, at, i < unscanned ? {} : scanned);
    }
  };
  await round(half, 5);
  await round(most, 6);
  const w = await found(most.sub, 'NOT_SCANNED');
  assert.deepStrictEqual([w.count, w.threshold, w.evidence.length], [6, 6, 6]);
  assert.match(w.text.en, /6 of 10/);
  await looked();
  assert.deepStrictEqual(await of(half.sub, 'NOT_SCANNED'), []);
});

test('the same second person five times in a row, too fast; another between, and it is not', async () => {
  const [fast, fair] = [nurse(), nurse()];
  const by = async (who, seconds) => {
    for (const second of seconds) {
      const at = await bedside(site, prescription('alertin', '10 mg', { timing: once }));
      await gives(who, at, { product_id: 'alertin-tablet', second_person_token: site.as('nurse', { sub: second }).token });
    }
  };
  await by(fast, Array(5).fill('second-a'));
  await by(fair, ['second-a', 'second-a', 'second-b', 'second-a', 'second-a']);
  const w = await found(fast.sub, 'SECOND_PERSON_HABIT');
  assert.deepStrictEqual([w.count, w.threshold, w.evidence.length], [5, 5, 5]);
  await looked();
  assert.deepStrictEqual(await of(fair.sub, 'SECOND_PERSON_HABIT'), []);
});

test('a rule that is overridden nine times of ten; a little less often, and it is not', async () => {
  const habit = async () => (await list()).find((w) => w.kind === 'WORKAROUND_KIND_OVERRIDE_HABIT' && w.evidence.includes(RULES.warn));
  const p = prescription('testozin', '1100 mg', { timing: once });
  const overrides = [{ rule_id: RULES.warn, reason_code: 'benefit' }];
  const place = async (n) => {
    for (let i = 0; i < n; i++) assert.strictEqual((await site.place(await site.charted(uuid()), p, { overrides })).placed, true);
  };
  const cautious = await site.charted(uuid());
  for (let i = 0; i < 3; i++) assert.strictEqual((await site.place(cautious, p)).placed, false, 'the rule was followed');
  await place(17);
  await looked();
  assert.strictEqual(await habit(), undefined, '17 of 20');
  await place(10);
  const w = await until('found', habit);
  assert.deepStrictEqual([w.actor, w.count, w.threshold, w.evidence], ['', 27, 18, [RULES.warn]]);
  assert.match(w.text.en, /testozin-single-warn.*27 of 30/);
});

test('an emergency that nobody acknowledged in time, and the gauge of them', async () => {
  const late = nurse();
  const { administration } = await emergency(site, await site.patient(), {}, { by: late });
  const { administration: young } = await emergency(site, await site.patient(), {}, { by: late });
  await looked();
  assert.deepStrictEqual(await of(late.sub, 'EMERGENCY_LATE'), []);
  const gauge = async () => Number(/^ward_dosage_unacknowledged_late (\S+)/m.exec((await site.ward.services.dosage.admin('/metrics')).text)?.[1]);
  assert.strictEqual(await gauge(), 0);
  // An hour of waiting is made by the row alone: what watches reads no more of it.
  await site.sql(`UPDATE administration SET acknowledge_by_us = recorded_at_us WHERE administration_id = ${site.hex(administration.administration_id)}`);
  const w = await found(late.sub, 'EMERGENCY_LATE');
  assert.deepStrictEqual(w.evidence, [administration.administration_id]);
  await until('in the gauge', async () => (await gauge()) === 1);
  await looked();
  assert.strictEqual((await of(late.sub, 'EMERGENCY_LATE')).length, 1);
  assert.ok(!JSON.stringify(await list()).includes(young.administration_id));
});

test('what is brought in from a pack is no batch', async () => {
  const clerk = nurse();
  const patients = await Promise.all(Array.from({ length: 5 }, () => site.patient()));
  const { pack } = await getPack(site);
  await reconcile(site, pack, patients.flatMap((p) => Array.from({ length: 4 }, (_, i) => loose(p, '1 mg', Date.now() * 1000 - 60e6 * (i + 1)))), { by: clerk });
  await looked();
  for (const kind of ['BATCH', 'NOT_SCANNED']) assert.deepStrictEqual(await of(clerk.sub, kind), []);
});

test('found once by two replicas, over looks and restarts; it grows until it is reviewed, and then there is another', async () => {
  const who = nurse();
  const at = await ready(13);
  for (const a of at.slice(0, 4)) await gives(who, a, scanned);
  const first = await found(who.sub, 'BATCH');
  await gives(who, at[4], scanned);
  await until('grown', async () => (await of(who.sub, 'BATCH'))[0].count === 5);
  await site.ward.services.dosage2.kill();
  await site.ward.services.dosage2.start();
  await looked();
  const [grown, ...more] = await of(who.sub, 'BATCH');
  assert.deepStrictEqual(more, []);
  assert.deepStrictEqual([grown.workaround_id, grown.evidence.length], [first.workaround_id, 5]);

  const key = site.key();
  const review = (q = {}, by = 'safety-officer', on) => site.api('tracking', { on }).call('ReviewWorkaround',
    { idempotency_key: key, workaround_id: grown.workaround_id, verdict: 'VERDICT_WORKAROUND', ...q }, site.who(by)).then((a) => a.workaround);
  const done = await review();
  assert.deepStrictEqual([done.verdict, done.reviewed_by], ['VERDICT_WORKAROUND', 'safety-officer-1']);
  assert.deepStrictEqual(await review({}, 'safety-officer', 'dosage2'), done, 'the same call again');
  const f = await failure(review({ idempotency_key: site.key() }));
  assert.deepStrictEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'WORKAROUND_REVIEWED']);
  await looked();
  assert.deepStrictEqual(await of(who.sub, 'BATCH'), [], 'reviewed ones are not listed');
  assert.ok((await list({ with_reviewed: true })).some((w) => w.workaround_id === done.workaround_id && w.verdict === 'VERDICT_WORKAROUND'));
  for (const a of at.slice(5, 9)) await gives(who, a, scanned);
  const next = await found(who.sub, 'BATCH');
  assert.notStrictEqual(next.workaround_id, done.workaround_id);
});

test('lists by ward and page; what is refused', async () => {
  const all = await list({ with_reviewed: true });
  assert.ok(all.length >= 3);
  for (const [i, w] of all.entries()) if (i > 0) assert.ok(Number(w.last_at_us) <= Number(all[i - 1].last_at_us), 'newest first');
  const paged = [];
  for (let token = ''; ;) {
    const p = await tracking.call('ListWorkarounds', { with_reviewed: true, page_size: 2, page_token: token }, site.tokens.auditor);
    paged.push(...p.workarounds);
    token = p.next_page_token;
    if (!token) break;
  }
  assert.deepStrictEqual(paged.map((w) => w.workaround_id), all.map((w) => w.workaround_id));
  assert.deepStrictEqual(await list({ ward: 'ward-4' }, 'pharmacist'), []);
  const some = (await list({ ward: 'ward-3' }))[0];
  assert.strictEqual((await tracking.failure('ListWorkarounds', {}, site.tokens.nurse)).code, 'PERMISSION_DENIED');
  assert.strictEqual((await tracking.failure('ListWorkarounds', { page_token: '1.x' }, site.tokens.auditor)).reason, 'PAGE_TOKEN_INVALID');
  assert.strictEqual((await tracking.failure('ListWorkarounds', { ward: 'a b' }, site.tokens.auditor)).field, 'ward');
  const review = (q, by = 'safety-officer') => tracking.failure('ReviewWorkaround',
    { idempotency_key: site.key(), workaround_id: some.workaround_id, verdict: 'VERDICT_JUSTIFIED', ...q }, site.who(by));
  assert.deepStrictEqual(await review({ workaround_id: nobody }).then((f) => [f.code, f.reason]), ['NOT_FOUND', 'WORKAROUND_NOT_FOUND']);
  assert.strictEqual((await review({ workaround_id: 'x' })).field, 'workaround_id');
  for (const verdict of [0, 9]) assert.strictEqual((await review({ verdict })).field, 'verdict');
  assert.strictEqual((await review({}, 'auditor')).code, 'PERMISSION_DENIED');
  const own = (await list()).find((w) => w.actor);
  assert.deepStrictEqual(await review({ workaround_id: own.workaround_id }, site.as('safety-officer', { sub: own.actor })).then((f) => [f.code, f.reason]),
    ['PERMISSION_DENIED', 'REVIEW_OWN']);
});
