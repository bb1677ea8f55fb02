'use strict';
// Tokens that live for moments, and identity away: what can be repeated, and what comes of it.

const test = require('node:test');
const assert = require('node:assert');
const { start, bedside, give, refused, right, held, emergency, taken, doses } = require('./bedside');

let site;
test.before(async () => { site = await start({ env: { identity: { WARD_PPID_LIFETIME_S: '8' }, dosage: { WARD_RECORDS_MS: '2000' } } }); });
test.after(() => site?.stop());

const expires = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).exp * 1000;
const past = async (token) => { while (Date.now() < expires(token)) await new Promise((r) => setTimeout(r, 100)); };

test('an old token is refused, and the same call again too', async () => {
  const at = await bedside(site);
  const ppid_token = await site.ppid(at.patient);
  await past(ppid_token);
  const key = site.key();
  for (let i = 0; i < 2; i++) {
    const err = await refused(site, at, { ppid_token, key });
    assert.deepStrictEqual([err.code, err.reason], ['UNAUTHENTICATED', 'PPID_EXPIRED']);
  }
  assert.deepStrictEqual([await doses(site, at.order), await taken(site, at.order)], [0, 0]);
});

test('an answer is the same again though the token is too old by now', async () => {
  const at = await bedside(site);
  const ppid_token = await site.ppid(at.patient);
  const key = site.key();
  const first = await give(site, at, { ppid_token, key });
  await past(ppid_token);
  assert.deepStrictEqual(await give(site, at, { ppid_token, key }), first);
});

test('identity away: nothing is given, what needs no token goes on, the same call is good once it is back', async () => {
  const at = await bedside(site);
  const other = await bedside(site);
  const charted = await bedside(site);
  const key = site.key(), chartedKey = site.key();
  const ppid_token = await site.ppid(at.patient);
  const chartedToken = await site.ppid(charted.patient);
  const first = await give(site, charted, { ppid_token: chartedToken, key: chartedKey });
  await site.ward.services.identity.kill();
  const err = await refused(site, at, { ppid_token, key });
  assert.deepStrictEqual([err.code, err.reason], ['UNAVAILABLE', 'IDENTITY_AWAY']);
  assert.deepStrictEqual([await doses(site, at.order), await taken(site, at.order)], [0, 0]);
  assert.deepStrictEqual(await give(site, charted, { ppid_token: chartedToken, key: chartedKey }), first, 'what was answered is, still');
  assert.strictEqual((await give(site, other, held('REFUSED'))).recorded, true);
  assert.strictEqual((await emergency(site, at.patient)).administration.emergency, true);
  await site.ward.services.identity.start();
  site.made = {};
  const fresh = await site.ppid(at.patient);
  let answer;
  for (let i = 0; !answer; i++) {
    answer = await give(site, at, { ppid_token: fresh }).catch((e) => { if (i > 50 || e.reason !== 'IDENTITY_AWAY') throw e; });
  }
  assert.deepStrictEqual([answer.recorded, right(answer, 'PATIENT')], [true, 'PASS']);
});

test('records that hangs: the dose is refused for the chart, nothing is spent, and the same call is good once there is a chart', async () => {
  const at = await bedside(site);
  const { proc } = site.ward.services.records;
  await site.caughtUp(); // a change that arrives later withdraws the permission
  await site.slots(at.patient); // who is let in
  const [key, ppid_token] = [site.key(), await site.ppid(at.patient)];
  proc.signal('SIGSTOP');
  try {
    const err = await refused(site, at, { ppid_token, key });
    assert.deepStrictEqual([err.code, err.reason], ['UNAVAILABLE', 'CHART_UNAVAILABLE']);
    assert.ok(err.retryMs > 0);
    assert.deepStrictEqual([await doses(site, at.order), await taken(site, at.order)], [0, 0]);
  } finally {
    proc.signal('SIGCONT');
  }
  const answer = await give(site, at, { ppid_token, key });
  assert.deepStrictEqual([answer.recorded, right(answer, 'PATIENT')], [true, 'PASS']);
  assert.deepStrictEqual(await give(site, at, { ppid_token, key }), answer);
});

test('records away: who was let in gives on, who was not is told so', async () => {
  const at = await bedside(site);
  const next = await bedside(site);
  const [mine, theirs] = [await site.ppid(at.patient), await site.ppid(next.patient)];
  await site.caughtUp();
  await give(site, at, { ppid_token: mine, route: 'ROUTE_IV' }); // the chart is read, and kept
  await site.ward.services.records.kill();
  const stranger = await refused(site, next, { ppid_token: theirs, by: site.as('nurse', { sub: 'nurse-8' }) });
  assert.deepStrictEqual([stranger.code, stranger.reason], ['UNAVAILABLE', 'RECORDS_AWAY']);
  assert.deepStrictEqual([await doses(site, next.order), await taken(site, next.order)], [0, 0]);
  let answer = await give(site, at, { ppid_token: mine });
  if (!answer.recorded) { // the feed was silent for too long already: that is a warning
    assert.deepStrictEqual(answer.open, ['ward.chart-stale']);
    answer = await give(site, at, { ppid_token: mine, overrides: [{ rule_id: 'ward.chart-stale', reason_code: 'nurse-knows' }] });
  }
  assert.strictEqual(answer.recorded, true);
});
