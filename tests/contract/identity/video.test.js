'use strict';
// VerifyVideo and StartChallenge: what identity.proto promises of them, by a client not ours. The
// frames are made from one photograph (motion.js): real people move differently.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const pictures = require('../../lib/pictures');
const { actor } = require('./motion');
const { Site, skip, nobody, to } = require('./site');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const LETTER = { CHALLENGE_STEP_BLINK: 'b', CHALLENGE_STEP_TURN_LEFT: 'l', CHALLENGE_STEP_TURN_RIGHT: 'r' };
// What a person does for a step, a frame a letter: s straight, c eyes closed, l and r turned.
const PLAY = { b: 'ccss', l: 'llss', r: 'rrss' };
const EVERY_MS = 120;

let site, second, frames, other, id;
before(async () => {
  if (skip) return;
  site = await Site.shared();
  second = site.ward.client('identity2', { api: 'identity' });
  const a = actor();
  frames = { s: a.straight, c: a.blink, l: a.left, r: a.right, d: pictures.png(pictures.plain(200, 200)) };
  frames.o = site.bert;
  other = (await site.enrol(site.bert)).subject_id;
  id = (await site.enrol(a.straight)).subject_id;
  for (const [purpose, liveness] of [['gate', 'ACTIVE'], ['kiosk', 'PASSIVE'], ['queue', 'NONE'], ['closed', 'NONE']]) {
    await site.admin.call('SetUsePolicy', {
      policy: { purpose, liveness: `LIVENESS_POLICY_${liveness}`, allow_face: purpose !== 'closed', allow_wristband: true },
    }, site.tokens['security-officer']);
  }
});
after(() => site && site.stop());

const start = (more = {}) => ({ start: { subject_id: id, place: 'door-1', purpose: 'queue', ...more } });

// Sends frames by their letters at the camera's pace; `fast` sends them all at once.
async function film(script, more = {}, { fast = false, every = EVERY_MS, at = (i) => i * every, client = site.wardctl, token = site.tokens.nurse } = {}) {
  const call = client.duplex('VerifyVideo', { ...token, deadline: 60000 });
  call.answer.catch(() => {});
  call.write(start(more));
  const began = Date.now();
  for (let i = 0; i < script.length; i++) {
    if (!fast) await sleep(Math.max(0, began + at(i) - Date.now()));
    call.write({ frame: { photograph: frames[script[i]], at_ms: at(i) } });
  }
  call.end();
  return call.answer;
}
const memory = () => Number(/VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${site.ward.services.identity.proc.pid}/status`, 'utf8'))[1]) / 1024;
const failed = (promise) => promise.then((a) => { throw new Error(`answered ${JSON.stringify(a).slice(0, 300)}`); }, (err) => err);

const challenge = (more = {}, token = site.tokens.nurse) => site.wardctl.call('StartChallenge', { subject_id: id, purpose: 'gate', ...more }, token);
const script = (steps) => `ssss${steps.map((s) => PLAY[LETTER[s]]).join('ss')}ss`;
// A challenge, answered rightly. A machine that stalls sends frames in a heap, which looks too fast: then a person tries again.
async function answered(client) {
  for (let tries = 1; ; tries++) {
    const c = await challenge();
    const a = await film(script(c.steps), { purpose: 'gate', challenge_id: c.challenge_id }, { client });
    if (a.outcome === 'OUTCOME_MATCH' || tries === 3) return { c, a };
  }
}
const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

describe('VerifyVideo', { skip }, () => {
  test('several frames are fused to one score, with the best one beside it', async () => {
    const a = await film('sssds', {}, { fast: true });
    assert.equal(a.outcome, 'OUTCOME_MATCH');
    assert.deepEqual([a.frames, a.usable_frames], [5, 4]);
    assert.deepEqual([a.score, a.best_score], [0.69, 0.69]); // the highest step of the table
    assert.ok(await site.exact() > 0.9);
    assert.deepEqual([a.threshold, a.fmr], [0.57, 1e-4]);
    assert.ok(a.fmr_worst_group > 0 && a.fmr_worst_group <= 1e-3);
    assert.equal(claims(a.token).method, 'face');
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.patient, e.detail.outcome, e.detail.frames, e.detail.token],
      ['/ward.identity.v1.Identity/VerifyVideo', id, 'MATCH', '4 of 5', claims(a.token).jti]);
  });

  test('another person is NO_MATCH, without a token', async () => {
    const a = await film('ooo', {}, { fast: true });
    assert.deepEqual([a.outcome, a.token], ['OUTCOME_NO_MATCH', '']);
    assert.equal((await film('ooo', { subject_id: other }, { fast: true })).outcome, 'OUTCOME_MATCH');
  });

  test('no usable frame is UNUSABLE, with what most of them lacked', async () => {
    const a = await film('ddd', {}, { fast: true });
    assert.deepEqual([a.outcome, a.score, a.best_score, a.usable_frames, a.token], ['OUTCOME_UNUSABLE', 0, 0, 0, '']);
    assert.deepEqual(a.reasons.map((r) => r.reason), ['FACE_NOT_FOUND']);
  });

  test('a passive policy takes the mean of some frames', async () => {
    const a = await film('sssss', { purpose: 'kiosk' }, { fast: true });
    assert.equal(a.outcome, 'OUTCOME_MATCH');
    assert.equal(a.liveness.policy, 'LIVENESS_POLICY_PASSIVE');
    assert.ok(a.liveness.passive_score >= a.liveness.passive_threshold && a.liveness.satisfied);
    assert.equal(claims(a.token).method, 'face+passive');
  });

  const wrong = [
    ['a frame before the start', (c) => { c.write({ frame: { photograph: frames.s, at_ms: 0 } }); c.end(); }, 'start'],
    ['two starts', (c) => { c.write(start()); c.write(start()); c.end(); }, 'start'],
    ['no frame', (c) => { c.write(start()); c.end(); }, 'frame'],
    ['an empty message', (c) => { c.write(start()); c.write({}); c.end(); }, 'message'],
    ['a clock that stands', (c) => { c.write(start()); for (const at_ms of [5, 5]) c.write({ frame: { photograph: frames.s, at_ms } }); c.end(); }, 'frame.at_ms'],
    ['a clock below nothing', (c) => { c.write(start()); c.write({ frame: { photograph: frames.s, at_ms: -1 } }); c.end(); }, 'frame.at_ms'],
    ['a frame of more than 2 MiB', (c) => { c.write(start()); c.write({ frame: { photograph: Buffer.alloc((2 << 20) + 1), at_ms: 0 } }); c.end(); }, 'frame.photograph'],
    ['no place', (c) => { c.write(start({ place: '' })); c.end(); }, 'place'],
    ['a subject that is no id', (c) => { c.write(start({ subject_id: 'anna' })); c.end(); }, 'subject_id'],
    ['a challenge that is no id', (c) => { c.write(start({ challenge_id: 'x' })); c.end(); }, 'start.challenge_id'],
  ];
  for (const [what, send, field] of wrong) {
    test(`${what} is refused by name`, async () => {
      const call = site.wardctl.duplex('VerifyVideo', site.tokens.nurse);
      send(call);
      const e = await failed(call.answer);
      assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
    });
  }

  test('a damaged frame ends the call', async () => {
    const call = site.wardctl.duplex('VerifyVideo', site.tokens.nurse);
    call.write(start());
    call.write({ frame: { photograph: frames.s.subarray(0, 5000), at_ms: 0 } });
    call.end();
    const e = await failed(call.answer);
    assert.deepEqual([e.code, e.reason, e.field], ['INVALID_ARGUMENT', 'IMAGE_BROKEN', 'photograph']);
  });

  test('more than 300 frames are refused, and memory does not grow with them', async () => {
    const small = pictures.png(pictures.plain(64, 64));
    const call = site.wardctl.duplex('VerifyVideo', { ...site.tokens.nurse, deadline: 60000 });
    call.write(start());
    for (let i = 0; i <= 300; i++) call.write({ frame: { photograph: small, at_ms: i } });
    call.end();
    const e = await failed(call.answer);
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', 'frame']);
    await film('s'.repeat(5), {}, { fast: true });
    const before = memory();
    const most = await film('s'.repeat(100), {}, { fast: true });
    assert.deepEqual([most.outcome, most.frames], ['OUTCOME_MATCH', 100]);
    // A frame's pixels and tensors are 3 MiB and more: kept, they would be 300.
    assert.ok(memory() - before < 60, `${Math.round(before)} MiB grew to ${Math.round(memory())}`);
  });

  test('nobody, no consent and a closed way are refused as by Verify', async () => {
    const gone = await failed(film('s', { subject_id: nobody }, { fast: true }));
    assert.deepEqual([gone.code, gone.reason], ['NOT_FOUND', 'SUBJECT_NOT_FOUND']);
    const { subject_id } = await site.enrol(site.bert, { consent: to('patient-search') });
    const no = await failed(film('o', { subject_id }, { fast: true }));
    assert.deepEqual([no.code, no.reason], ['FAILED_PRECONDITION', 'NO_CONSENT']);
    const closed = await failed(film('s', { purpose: 'closed' }, { fast: true }));
    assert.deepEqual([closed.code, closed.reason], ['FAILED_PRECONDITION', 'WAY_NOT_ALLOWED']);
    const role = await failed(film('s', {}, { fast: true, token: site.tokens.porter }));
    assert.equal(role.code, 'PERMISSION_DENIED');
    assert.deepEqual([(await site.lastEvent()).outcome], ['OUTCOME_REFUSED']);
  });
});

describe('a challenge', { skip }, () => {
  test('is two to four steps, none twice in a row, with their times', async () => {
    for (let i = 0; i < 10; i++) {
      const c = await challenge();
      assert.ok(c.steps.length >= 2 && c.steps.length <= 4);
      c.steps.forEach((s, k) => { assert.ok(LETTER[s]); assert.notEqual(s, c.steps[k - 1]); });
      assert.deepEqual([c.expires_in_ms, c.step_ms], [30000, 5000]);
    }
  });

  test('answered in order and in time satisfies the policy', async () => {
    const { c, a } = await answered(site.wardctl);
    assert.deepEqual(a.steps_seen, c.steps, (await site.lastEvent()).detail.challenge);
    assert.equal(a.outcome, 'OUTCOME_MATCH');
    assert.ok(a.liveness.challenge_passed && a.liveness.satisfied);
    assert.equal(claims(a.token).method, 'face+active');
    assert.equal((await site.lastEvent()).detail.challenge, 'passed');

    const again = await failed(film(script(c.steps), { purpose: 'gate', challenge_id: c.challenge_id }, { fast: true }));
    assert.deepEqual([again.code, again.reason], ['FAILED_PRECONDITION', 'CHALLENGE_UNKNOWN']);
  });

  // How it is answered wrongly, and what the audit event says of it.
  const LIES = [
    ['a photograph held still', () => 's'.repeat(16), {}, 'the person did not perform every step'],
    ['all the wrong turns', (steps) => `ssss${steps.map((s) => ({ b: 'llss', l: 'rrss', r: 'llss' })[LETTER[s]]).join('ss')}ss`, {}, 'the person performed a step that was not the next one'],
    ['another person who takes over', (steps) => `${script(steps)}oooo`, {}, 'the face changed'],
    ['a film sent in an instant', script, { fast: true, every: 400 }, /sooner|faster/],
  ];
  for (const [what, play, how, why] of LIES) {
    test(`${what} does not`, async () => {
      const c = await challenge();
      const a = await film(play(c.steps), { purpose: 'gate', challenge_id: c.challenge_id }, how);
      assert.deepEqual([a.outcome, a.token, a.score], ['OUTCOME_UNUSABLE', '', 0]);
      assert.deepEqual(a.reasons.map((r) => r.reason), ['LIVENESS_FAILED']);
      assert.equal(a.liveness.challenge_passed, false);
      const said = (await site.lastEvent()).detail.challenge;
      assert.match(said, why instanceof RegExp ? why : new RegExp(`^${why}$`));
    });
  }

  test('that was not asked for is still asked by the policy', async () => {
    const a = await film('sss', { purpose: 'gate', attended: true }, { fast: true });
    assert.deepEqual(a.reasons.map((r) => r.reason), ['LIVENESS_REQUIRED']);
    const still = await site.verify(id, frames.s, { purpose: 'gate' });
    assert.deepEqual([still.outcome, still.reasons[0].reason], ['OUTCOME_UNUSABLE', 'LIVENESS_REQUIRED']);
  });

  test('is for its subject, its purpose and whom it was given to', async () => {
    const unknown = async (c, more, how) => {
      const e = await failed(film('s', { purpose: 'gate', challenge_id: c.challenge_id, ...more }, { fast: true, ...how }));
      assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'CHALLENGE_UNKNOWN']);
    };
    await unknown({ challenge_id: crypto.randomUUID() });
    await unknown(await challenge(), { subject_id: other });
    await unknown(await challenge(), { purpose: 'kiosk' });
    await unknown(await challenge(), {}, { token: site.tokens.physician });
    const old = await challenge();
    await site.sql(`UPDATE challenge SET expires_at_us = 1 WHERE challenge_id = ${site.hex(old.challenge_id)}`);
    await unknown(old);
    const any = await challenge({ subject_id: '' });
    assert.equal((await film('ssssss', { purpose: 'gate', challenge_id: any.challenge_id }, { fast: true })).outcome, 'OUTCOME_UNUSABLE');
  });

  test('issued by one replica is answered at another, and then used everywhere', async () => {
    const { c, a } = await answered(second);
    assert.equal(a.outcome, 'OUTCOME_MATCH', (await site.lastEvent()).detail.challenge);
    const again = await failed(film('s', { purpose: 'gate', challenge_id: c.challenge_id }, { fast: true }));
    assert.equal(again.reason, 'CHALLENGE_UNKNOWN');
  });

  test('is taken once, however many ask at once, of two replicas', async () => {
    const c = await challenge();
    const clients = [site.wardctl, second, site.devices, second];
    const all = await Promise.allSettled(clients.map((client) => film('ssssss', { purpose: 'gate', challenge_id: c.challenge_id }, { fast: true, client })));
    assert.equal(all.filter((r) => r.status === 'fulfilled').length, 1);
    assert.ok(all.filter((r) => r.status === 'rejected').every((r) => r.reason.reason === 'CHALLENGE_UNKNOWN'));
  });

  for (const [field, more] of [['subject_id', { subject_id: 'anna' }], ['purpose', { purpose: '' }], ['purpose', { purpose: 'Gate 1' }]]) {
    test(`with a bad ${field} is refused by name: ${JSON.stringify(more)}`, async () => {
      const e = await failed(challenge(more));
      assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
    });
  }

  test('counts in the metrics', async () => {
    const { text } = await site.ward.services.identity.admin('/metrics');
    for (const result of ['issued', 'passed', 'failed', 'unknown']) {
      assert.match(text, new RegExp(`ward_identity_challenges_total\\{result="${result}"\\} [1-9]`));
    }
    assert.match(text, /ward_identity_liveness_total\{policy="active",result="satisfied"\} 1\b/);
  });
});
