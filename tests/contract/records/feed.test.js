'use strict';
// Follow: every change once or more, in order, without a gap, whoever wrote it.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site, person, encounter, observation, until, uuid } = require('./site');
const { bent, changed } = require('../../lib/opaque');

let site, feed, other;
before(async () => {
  site = await Site.start({ services: ['records', 'records2'], env: { records2: { WARD_FOLLOWERS: '1' } } });
  feed = site.api('feed');
  other = site.ward.client('records2', { api: 'records' });
});
after(() => site && site.stop());

// Reads until `enough` says so; gives the changes and the last token.
const follow = (request, enough, how = {}) => until('room for a follower', () => followOnce(request, enough, how).catch((err) => {
  if (err.reason !== 'FEED_FULL') throw err; // one that was cancelled a moment ago is still leaving
}));

async function followOnce(request, enough, { on = feed, as } = {}) {
  const stream = (as || on).stream('Follow', request, site.tokens['records-admin']);
  const changes = [];
  let token = request.resume_token || '';
  for await (const m of stream) {
    changes.push(...m.changes);
    token = m.resume_token;
    if (enough(changes)) break;
  }
  stream.cancel();
  return { changes, token };
}
const has = (id) => (changes) => changes.some((c) => c.resource_id === id);
const gapless = (changes) => changes.every((c, i) => i === 0 || Number(c.sequence) === Number(changes[i - 1].sequence) + 1);

test('a_change_is_told_once_it_is_committed_and_says_nothing_of_what_is_in_it', async () => {
  const id = await site.patient();
  const { changes } = await follow({}, has(id));
  const mine = changes.find((c) => c.resource_id === id);
  assert.strictEqual(Number(changes[0].sequence), 1);
  assert.deepStrictEqual([mine.kind, mine.act, mine.version, mine.patient_id], ['KIND_PATIENT', 'ACT_CREATED', 1, id]);
  assert.ok(Number(mine.written_at_us) > 0);
  assert.deepStrictEqual(Object.keys(mine).sort(),
    ['act', 'kind', 'other_patient_id', 'patient_id', 'resource_id', 'sequence', 'version', 'written_at_us'].sort());
});

test('a_refused_write_leaves_no_change', async () => {
  const { id } = await site.treated();
  const before = await follow({}, has(id));
  const bad = await site.refused(observation(id, { effective_date_time: '2026-02-30T00:00:00Z' }), 'nurse');
  assert.strictEqual(bad.code, 'INVALID_ARGUMENT');
  const good = await site.create(observation(id), 'nurse');
  const after = await follow({ resume_token: before.token }, has(good.version.resource_id));
  assert.ok(gapless([...before.changes, ...after.changes]));
  assert.strictEqual(after.changes.filter((c) => c.kind === 'KIND_OBSERVATION').length, 1);
});

test('two_replicas_writing_at_once_leave_no_gap_and_what_came_first_stands_first', async () => {
  const start = (await follow({}, () => true)).token;
  const chains = await Promise.all([site.records, other, site.records, other].map(async (on, n) => {
    const ids = [];
    for (let i = 0; i < 25; i++) {
      const record = await site.create(person({ name: [{ family: `Feed${n}` }] }), 'registrar', { on });
      ids.push(record.version.resource_id);
    }
    return ids;
  }));
  const all = new Set(chains.flat());
  const seen = (changes) => changes.filter((c) => all.has(c.resource_id)).length >= all.size;
  for (const where of [feed, site.ward.client('records2', { api: 'feed' })]) {
    const { changes } = await follow({ resume_token: start }, seen, { as: where });
    assert.ok(gapless(changes));
    const place = new Map(changes.map((c) => [c.resource_id, Number(c.sequence)]));
    assert.strictEqual(place.size, changes.length, 'no resource of these is told twice');
    // Each chain waited for its answer before its next write: that order must be the feed's.
    for (const ids of chains) assert.ok(ids.every((id, i) => i === 0 || place.get(id) > place.get(ids[i - 1])));
  }
});

test('a_reader_goes_on_from_its_token_on_another_replica', async () => {
  const first = await site.patient();
  const { token } = await follow({}, has(first));
  const second = await site.patient();
  const { changes } = await follow({ resume_token: token }, has(second), { as: site.ward.client('records2', { api: 'feed' }) });
  assert.ok(!changes.some((c) => c.resource_id === first));
});

test('kinds_are_chosen_and_the_token_passes_over_the_others', async () => {
  const id = await site.patient();
  const start = (await follow({}, has(id))).token;
  await site.create(encounter(id));
  const record = await site.create(observation(id), 'nurse');
  const { changes } = await follow({ resume_token: start, kinds: ['KIND_OBSERVATION'] }, has(record.version.resource_id));
  assert.deepStrictEqual(changes.map((c) => c.kind), ['KIND_OBSERVATION']);
});

test('from_now_skips_what_was', async () => {
  const old = await site.patient();
  await follow({}, has(old));
  const stream = feed.stream('Follow', { from_now: true }, site.tokens['records-admin']);
  const next = stream[Symbol.asyncIterator]();
  const message = next.next();
  let fresh;
  // The stream may start after a write: write until one is told.
  let told;
  const writing = (async () => { while (!told) { fresh = await site.patient(); await new Promise((r) => setTimeout(r, 100)); } })();
  try {
    told = await message;
  } finally {
    told ??= {};
    await writing;
    stream.cancel();
  }
  assert.ok(fresh && !told.value.changes.some((c) => c.resource_id === old));
});

test('an_update_is_a_change_with_its_version', async () => {
  const { id } = await site.treated();
  const record = await site.create(observation(id), 'nurse');
  const rid = record.version.resource_id;
  await site.update({ observation: { ...observation(id).observation, id: rid, status: 'STATUS_AMENDED' } }, 1, 'nurse');
  const { changes } = await follow({}, (all) => all.filter((c) => c.resource_id === rid).length === 2);
  assert.deepStrictEqual(changes.filter((c) => c.resource_id === rid).map((c) => [c.version, c.act]), [[1, 'ACT_CREATED'], [2, 'ACT_UPDATED']]);
});

const failed = async (request, as = feed, who = site.tokens['records-admin']) => {
  try {
    for await (const m of as.stream('Follow', request, who)) if (m) break;
  } catch (err) {
    return err;
  }
  throw new Error('it was followed');
};

test('a_token_that_is_none_is_refused', async () => {
  const err = await failed({ resume_token: 'hello' });
  assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'RESUME_TOKEN_INVALID']);
});

test('a_token_of_another_feed_or_past_the_end_is_refused', async () => {
  const { token } = await follow({}, () => true);
  assert.strictEqual((await failed({ resume_token: bent(token) })).code, 'OUT_OF_RANGE');
  const beyond = changed(token, (bytes) => { bytes.writeBigUInt64LE(1n << 40n, 16); });
  assert.strictEqual((await failed({ resume_token: beyond })).code, 'OUT_OF_RANGE');
});

test('a_kind_that_is_none_is_refused', async () => {
  const err = await failed({ kinds: [0] });
  assert.deepStrictEqual([err.code, err.field], ['INVALID_ARGUMENT', 'kinds']);
});

test('a_reader_of_one_kind_hears_that_the_feed_goes_on_without_it', async () => {
  const id = await site.patient();
  const start = (await follow({}, has(id))).token;
  const at = (token) => Buffer.from(token, 'base64url').readBigUInt64LE(16);
  const stream = feed.stream('Follow', { resume_token: start, kinds: ['KIND_CONSENT'] }, site.tokens['records-admin']);
  let stop = false;
  const writing = (async () => { while (!stop) { await site.patient(); await new Promise((r) => setTimeout(r, 100)); } })();
  try {
    for await (const m of stream) {
      assert.deepStrictEqual(m.changes, []);
      assert.ok(at(m.resume_token) > at(start), 'the token did not go on');
      break;
    }
  } finally {
    stop = true;
    await writing;
    stream.cancel();
  }
});

test('one_follower_more_than_there_is_room_for_is_told_so', async () => {
  const second = site.ward.client('records2', { api: 'feed' });
  await site.patient();
  const first = second.stream('Follow', {}, site.tokens['records-admin']);
  for await (const m of first) if (m) break; // it follows, and stays
  const held = second.stream('Follow', {}, site.tokens['records-admin']);
  const hold = (async () => { try { for await (const m of held) if (m.changes.length === 0) break; } catch { /* cancelled below */ } })();
  let err;
  for (let tries = 0; !err && tries < 100; tries++) {
    err = await failed({}, second).catch(() => undefined); // until the first has gone and the second stands
    if (err && err.reason !== 'FEED_FULL') throw err;
  }
  assert.deepStrictEqual([err.code, err.reason], ['RESOURCE_EXHAUSTED', 'FEED_FULL']);
  held.cancel();
  first.cancel();
  await hold;
});

test('a_stranger_does_not_follow', async () => {
  const err = await failed({}, site.ward.client('records', { api: 'feed', as: 'stranger' }));
  assert.strictEqual(err.code, 'PERMISSION_DENIED');
});

test('through_the_gateway_or_wardctl_only_a_records_admin_follows_and_a_service_follows_alone', async () => {
  await site.patient();
  for (const as of ['gateway', 'wardctl']) {
    const client = site.api('feed', { as });
    const none = await failed({}, client, {});
    assert.deepStrictEqual([none.code, none.reason], ['UNAUTHENTICATED', 'TOKEN_MISSING'], as);
    for (const role of ['patient', 'physician', 'registrar', 'auditor']) {
      const err = await failed({}, client, site.tokens[role]);
      assert.deepStrictEqual([err.code, err.reason], ['PERMISSION_DENIED', 'ROLE_MISSING'], `${as} ${role}`);
    }
    assert.ok((await follow({}, () => true, { as: client })).changes.length > 0);
  }
  const alone = await until('room', async () => {
    const stream = site.api('feed', { as: 'dosage' }).stream('Follow', {});
    try {
      for await (const m of stream) { stream.cancel(); return m.changes.length; }
    } catch (err) {
      if (err.reason !== 'FEED_FULL') throw err;
    }
  });
  assert.ok(alone > 0);
});

test('following_is_audited', async () => {
  await follow({}, () => true);
  const events = (await site.outbox()).filter((e) => e.action === '/ward.records.v1.Feed/Follow' && e.outcome === 'OUTCOME_SUCCESS');
  assert.ok(events.length > 0);
  assert.ok(events.every((e) => e.patient === ''));
});

test('a_numbered_change_is_never_numbered_again_after_a_restart', async () => {
  const id = uuid();
  await site.create({ patient: { ...person().patient, id } });
  const { changes } = await follow({}, has(id));
  await site.ward.services.records.kill();
  await site.ward.services.records.start();
  const again = await follow({}, has(id), { as: site.ward.client('records', { api: 'feed' }) });
  assert.deepStrictEqual(again.changes.slice(0, changes.length), changes);
});
