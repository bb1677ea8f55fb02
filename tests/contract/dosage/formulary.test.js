'use strict';
// Rule sets by the .proto: drafted, replayed, approved by a second person, activated, found again; on two replicas. Without audit:
// events are looked at in the outbox.

const test = require('node:test');
const assert = require('node:assert/strict');
const { Site } = require('./site');
const { smallSet } = require('./ruleset_small');

let site, formulary, second;
test.before(async () => {
  site = await Site.start({ rules: null, services: ['dosage', 'dosage2'] });
  formulary = site.api('formulary');
  second = site.as('pharmacist', { sub: 'pharmacist-2' });
});
test.after(() => site?.stop());

const draft = (rule_set = smallSet(), by = 'pharmacist', idempotency_key = site.key()) =>
  formulary.call('DraftRuleSet', { idempotency_key, rule_set }, site.who(by)).then((a) => a.info);
async function replay(version, more = {}) {
  const messages = [];
  for await (const m of formulary.stream('Replay', { version, ...more }, site.tokens.pharmacist)) messages.push(m);
  return messages;
}
const approveRequest = (info, more = {}) => ({ idempotency_key: site.key(), version: info.version, sha256: info.sha256, approve: true, ...more });
const approve = (info, more) => formulary.call('ApproveRuleSet', approveRequest(info, more), second).then((a) => a.info);
const activate = (info, { on = formulary, key = site.key() } = {}) =>
  on.call('ActivateRuleSet', { idempotency_key: key, version: info.version }, second).then((a) => a.info);
const refused = (method, req, by = second) => formulary.failure(method, { idempotency_key: site.key(), ...req }, site.who(by));
const is = (err, code, reason) => assert.deepEqual([err.code, err.reason], [code, reason]);
async function approved(set) {
  const info = await draft(set);
  await replay(info.version);
  return approve(info);
}
const state = async (info) => (await formulary.call('GetRuleSet', { version: info.version }, second)).info.state;
const ids = (answer) => answer.drugs.map((d) => d.id);

test('before a set is active nothing is found, and the active one is not there', async () => {
  is(await formulary.failure('FindDrugs', { query: '' }, site.tokens.nurse), 'FAILED_PRECONDITION', 'NO_RULE_SET');
  is(await formulary.failure('GetRuleSet', { version: 0 }, site.tokens.nurse), 'NOT_FOUND', 'RULE_SET_NOT_FOUND');
  is(await formulary.failure('GetRuleSet', { version: 999 }, site.tokens.nurse), 'NOT_FOUND', 'RULE_SET_NOT_FOUND');
  is(await formulary.failure('GetRuleSet', { version: -1 }, site.tokens.nurse), 'INVALID_ARGUMENT', 'INVALID_ARGUMENT');
});

test('a draft says what it is, and comes back as it went in', async () => {
  const set = smallSet();
  const info = await draft(set);
  assert.equal(info.state, 'RULE_SET_STATE_DRAFT');
  assert.equal(info.title, set.title);
  assert.equal(info.notice, set.notice);
  assert.match(info.sha256, /^[0-9a-f]{64}$/);
  assert.deepEqual([Number(info.drugs), Number(info.rules)], [3, 10]);
  assert.equal(info.drafted_by, 'pharmacist-1');
  assert.deepEqual([Number(info.replayed_at_us), info.approved_by, info.activated_by], [0, '', '']);
  const back = await formulary.call('GetRuleSet', { version: info.version }, site.tokens.nurse);
  assert.deepEqual(back.info, info);
  assert.equal(back.rule_set.version, info.version);
  assert.deepEqual(back.rule_set.dose_rules[0].max_single, { value: '1', unit: 'g' });
  assert.deepEqual(back.rule_set.drugs.map((d) => d.id), ['alphacin', 'duo', 'gammin']);
  assert.deepEqual(back.rule_set.interactions[0].b.class, 'cin');
});

test('the same content has the same sha256, whatever version it says it is', async () => {
  const set = smallSet();
  const a = await draft({ ...set, version: 7 });
  const b = await draft(set);
  assert.notEqual(a.version, b.version);
  assert.equal(a.sha256, b.sha256);
});

test('a draft by the same key is one draft; another request by it is refused', async () => {
  const key = site.key();
  const set = smallSet();
  const [a, b] = await Promise.all([draft(set, 'pharmacist', key), draft(set, 'pharmacist', key)]);
  assert.deepEqual(a, b);
  assert.deepEqual(await draft(set, 'pharmacist', key), a);
  const err = await formulary.failure('DraftRuleSet', { idempotency_key: key, rule_set: smallSet() }, site.tokens.pharmacist);
  is(err, 'FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH');
  for (const bad of ['', 'x'.repeat(129)]) {
    const e = await formulary.failure('DraftRuleSet', { idempotency_key: bad, rule_set: set }, site.tokens.pharmacist);
    assert.equal(e.code, 'INVALID_ARGUMENT');
  }
});

test('a set that contradicts itself is refused with its place, and nothing is kept', async () => {
  const before = await site.rows('rule_set');
  const set = smallSet();
  set.dose_rules[1].max_single_per_kg.unit = 'mg';
  const err = await refused('DraftRuleSet', { rule_set: set }, 'pharmacist');
  is(err, 'INVALID_ARGUMENT', 'RULE_SET_INVALID');
  assert.equal(err.field, 'rule_set.dose_rules[1].max_single_per_kg.unit');
  assert.equal((await refused('DraftRuleSet', {}, 'pharmacist')).code, 'INVALID_ARGUMENT');
  assert.equal(await site.rows('rule_set'), before);
});

test('a set is looked at without being kept: every problem, up to 20, with its place', async () => {
  const before = await site.rows('rule_set');
  const look = async (rule_set) => (await formulary.call('DraftRuleSet', { rule_set, check_only: true }, site.tokens.pharmacist)).problems.map((p) => p.path);
  assert.deepEqual(await look(smallSet()), []);
  const set = smallSet();
  set.dose_rules[0].rule.source = ' ';
  set.interactions[0].a = { ingredient: 'nobody' };
  set.drugs[0].products[0].gtins = ['00312345678907'];
  assert.deepEqual(await look(set), ['drugs[0].products[0].gtins[0]', 'dose_rules[0].rule.source', 'interactions[0].a.ingredient']);
  const many = smallSet();
  for (let i = 0; i < 30; i++) many.reasons.push({ code: `Reason ${i}` });
  assert.equal((await look(many)).length, 20);
  assert.equal(await site.rows('rule_set'), before);
});

test('a set of nearly 4 MiB is kept and given back; a larger one, or one of too many parts, is refused', async () => {
  const large = (n) => {
    const set = smallSet();
    for (let i = 0; i < n; i++) set.ingredients.push({ ...set.ingredients[1], id: `filler-${i}`, classes: [], source: 'x'.repeat(1000) });
    return set;
  };
  const info = await draft(large(3600));
  const back = await formulary.call('GetRuleSet', { version: info.version }, second);
  assert.equal(back.rule_set.ingredients.length, 3603);
  is(await refused('DraftRuleSet', { rule_set: large(4300) }, 'pharmacist'), 'INVALID_ARGUMENT', 'RULE_SET_INVALID');
  const many = smallSet({ reasons: Array.from({ length: 530000 }, () => ({ code: 'r' })) });
  is(await refused('DraftRuleSet', { rule_set: many }, 'pharmacist'), 'INVALID_ARGUMENT', 'WIRE_TOO_MANY');
});

test('approval needs a Replay, the sha256 that was looked at, and another person', async () => {
  const info = await draft();
  is(await refused('ApproveRuleSet', { version: info.version, sha256: info.sha256, approve: true }), 'FAILED_PRECONDITION', 'REPLAY_NEEDED');
  const last = (await replay(info.version)).at(-1);
  assert.equal(last.done, true);
  assert.equal(Number(last.progress.replayed), 0);
  is(await refused('ApproveRuleSet', { version: info.version, sha256: '0'.repeat(64), approve: true }), 'FAILED_PRECONDITION', 'RULE_SET_CHANGED');
  is(await refused('ApproveRuleSet', { version: info.version, sha256: info.sha256, approve: true }, 'pharmacist'), 'PERMISSION_DENIED', 'SECOND_PHARMACIST_NEEDED');
  assert.equal(await state(info), 'RULE_SET_STATE_DRAFT');
  const key = site.key();
  const yes = await approve(info, { idempotency_key: key });
  assert.equal(yes.state, 'RULE_SET_STATE_APPROVED');
  assert.equal(yes.approved_by, 'pharmacist-2');
  assert.ok(Number(yes.replayed_at_us) > 0);
  assert.deepEqual(await approve(info, { idempotency_key: key }), yes);
  is(await refused('ApproveRuleSet', { version: info.version, sha256: info.sha256, approve: true }), 'FAILED_PRECONDITION', 'RULE_SET_STATE');
  is(await refused('ApproveRuleSet', { version: 999, sha256: info.sha256, approve: true }), 'NOT_FOUND', 'RULE_SET_NOT_FOUND');
});

test('a rejected draft stays rejected: it is not approved and not activated', async () => {
  const info = await draft();
  const no = await approve(info, { approve: false });
  assert.equal(no.state, 'RULE_SET_STATE_REJECTED');
  await replay(info.version);
  is(await refused('ApproveRuleSet', { version: info.version, sha256: info.sha256, approve: true }), 'FAILED_PRECONDITION', 'RULE_SET_STATE');
  is(await refused('ActivateRuleSet', { version: info.version }), 'FAILED_PRECONDITION', 'RULE_SET_STATE');
});

test('a draft is not activated; one is active at a time; a retired one is the way back', async () => {
  const d = await draft();
  is(await refused('ActivateRuleSet', { version: d.version }), 'FAILED_PRECONDITION', 'RULE_SET_STATE');
  is(await refused('ActivateRuleSet', { version: 999 }), 'NOT_FOUND', 'RULE_SET_NOT_FOUND');
  const a = await approved();
  const b = await approved();
  assert.equal((await activate(a)).state, 'RULE_SET_STATE_ACTIVE');
  assert.equal((await activate(b)).activated_by, 'pharmacist-2');
  assert.deepEqual([await state(a), await state(b)], ['RULE_SET_STATE_RETIRED', 'RULE_SET_STATE_ACTIVE']);
  assert.equal((await formulary.call('GetRuleSet', { version: 0 }, second)).info.version, b.version);
  await activate(a);
  assert.deepEqual([await state(a), await state(b)], ['RULE_SET_STATE_ACTIVE', 'RULE_SET_STATE_RETIRED']);
  const again = await activate(a);
  assert.equal(again.state, 'RULE_SET_STATE_ACTIVE');
  assert.equal(await site.rows('rule_set', 'state = 3'), 1);
});

test('two who activate at once leave one active set', async () => {
  const sets = [await approved(), await approved(), await approved()];
  const there = site.api('formulary', { on: 'dosage2' });
  for (let round = 0; round < 5; round++) {
    await Promise.all(sets.map((s, i) => activate(s, { on: i % 2 ? there : formulary })));
    assert.equal(await site.rows('rule_set', 'state = 3'), 1);
    const [[active]] = await site.sql('SELECT a.version = r.version FROM rule_set_active a, rule_set r WHERE r.state = 3');
    assert.equal(active, '1');
  }
});

test('what one replica activates the other finds by at once', async () => {
  const there = site.api('formulary', { on: 'dosage2' });
  const sets = [await approved(), await approved()];
  for (const set of [...sets, sets[0]]) {
    await activate(set);
    const found = await there.call('FindDrugs', { query: 'alphacin' }, site.tokens.nurse);
    assert.equal(found.rule_set_version, set.version);
  }
});

test('drugs are found by parts of names in both languages, folded, by synonyms, codes and barcodes', async () => {
  await activate(await approved());
  const find = async (query) => ids(await formulary.call('FindDrugs', { query }, site.tokens.nurse));
  assert.deepEqual(await find(''), ['alphacin', 'duo', 'gammin']);
  assert.deepEqual(await find('PHACI'), ['alphacin', 'duo']);
  assert.deepEqual(await find('Ｇａｍ'), ['gammin']);
  assert.deepEqual(await find('二合'), ['duo']);
  assert.deepEqual(await find('MULLEROL'), ['alphacin', 'duo']);
  assert.deepEqual(await find('900001'), ['alphacin']);
  assert.deepEqual(await find('X01AA01'), ['alphacin', 'duo']);
  assert.deepEqual(await find('00312345678906'), ['alphacin']);
  assert.deepEqual(await find('0312345678906'), ['alphacin']);
  assert.deepEqual(await find('(01)00312345678906(17)270331(10)A1'), ['alphacin']);
  assert.deepEqual(await find('010031234567890617270331\u001d10A1'), ['alphacin']);
  assert.deepEqual(await find('nothing of this'), []);
  assert.deepEqual(await find('%'), []);
  assert.deepEqual(await find("' OR 1=1 --"), []);
  assert.equal((await formulary.failure('FindDrugs', { query: 'x'.repeat(513) }, site.tokens.nurse)).code, 'INVALID_ARGUMENT');
});

test('drugs come in pages that leave none out; a page token is good for its own question', async () => {
  await activate(await approved());
  const seen = [];
  let page_token = '';
  do {
    const page = await formulary.call('FindDrugs', { query: '', page_size: 1, page_token }, site.tokens.nurse);
    seen.push(...ids(page));
    page_token = page.next_page_token;
  } while (page_token);
  assert.deepEqual(seen, ['alphacin', 'duo', 'gammin']);
  const { next_page_token } = await formulary.call('FindDrugs', { query: '', page_size: 1 }, site.tokens.nurse);
  for (const bad of [{ query: 'duo', page_token: next_page_token }, { query: '', page_token: 'nonsense' }, { query: '', page_token: `${next_page_token}A` }]) {
    is(await formulary.failure('FindDrugs', bad, site.tokens.nurse), 'INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID');
  }
  is(await formulary.failure('FindDrugs', { query: '', page_token: next_page_token }, site.tokens.physician), 'INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID');
  for (const page_size of [-1, 101]) assert.equal((await formulary.failure('FindDrugs', { query: '', page_size }, site.tokens.nurse)).code, 'INVALID_ARGUMENT');
});

test('rule sets are listed newest first, in pages', async () => {
  const all = [];
  let page_token = '';
  do {
    const page = await formulary.call('ListRuleSets', { page_size: 3, page_token }, site.tokens.physician);
    assert.ok(page.infos.length <= 3);
    all.push(...page.infos.map((i) => Number(i.version)));
    page_token = page.next_page_token;
  } while (page_token);
  assert.equal(all.length, await site.rows('rule_set'));
  assert.deepEqual(all, [...all].sort((a, b) => b - a));
  is(await formulary.failure('ListRuleSets', { page_token: 'x' }, site.tokens.physician), 'INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID');
});

test('who may: pharmacists write, others read, strangers nothing', async () => {
  const info = await draft();
  for (const role of ['physician', 'nurse', 'dosage-admin', 'porter']) {
    for (const [method, req] of [
      ['DraftRuleSet', { rule_set: smallSet() }], ['ApproveRuleSet', approveRequest(info)], ['ActivateRuleSet', { version: info.version }],
    ]) assert.equal((await refused(method, req, role)).code, 'PERMISSION_DENIED', `${role} ${method}`);
  }
  assert.equal((await formulary.failure('GetRuleSet', { version: info.version }, site.tokens.porter)).code, 'PERMISSION_DENIED');
  assert.equal((await formulary.failure('FindDrugs', { query: '' }, {})).code, 'UNAUTHENTICATED');
  const stranger = site.api('formulary', { as: 'stranger' });
  assert.equal((await stranger.failure('FindDrugs', { query: '' }, site.tokens.nurse)).code, 'PERMISSION_DENIED');
});

test('each step is an event that names the set, who did it and what it was, refusals too', async () => {
  const from = (await site.outbox()).length;
  const info = await draft();
  await refused('ApproveRuleSet', { version: info.version, sha256: info.sha256, approve: true });
  await replay(info.version);
  await approve(info);
  await activate(info);
  const events = (await site.outbox()).slice(from);
  const short = (e) => [e.action.split('/').at(-1), e.outcome, e.actor];
  assert.deepEqual(events.map(short), [
    ['DraftRuleSet', 'OUTCOME_SUCCESS', 'pharmacist-1'], ['ApproveRuleSet', 'OUTCOME_FAILURE', 'pharmacist-2'],
    ['Replay', 'OUTCOME_SUCCESS', 'pharmacist-1'], ['ApproveRuleSet', 'OUTCOME_SUCCESS', 'pharmacist-2'],
    ['ActivateRuleSet', 'OUTCOME_SUCCESS', 'pharmacist-2'],
  ]);
  for (const e of events.filter((x) => x.outcome === 'OUTCOME_SUCCESS')) assert.equal(e.detail.rule_set, String(info.version));
  assert.deepEqual([...new Set(events.map((e) => e.patient))], ['']);
});

test('what is stored of a set cannot be changed or deleted, and a changed one is not believed', async () => {
  const info = await draft();
  await assert.rejects(site.sql(`UPDATE rule_set SET content = 'x' WHERE version = ${info.version}`));
  await assert.rejects(site.sql(`DELETE FROM rule_set WHERE version = ${info.version}`));
});

test('Replay of a set that is not there, or with bounds that make no sense, is refused', async () => {
  const failed = async (req) => {
    try {
      for await (const m of formulary.stream('Replay', req, site.tokens.pharmacist)) void m;
    } catch (err) { return err; }
    return {};
  };
  is(await failed({ version: 999 }), 'NOT_FOUND', 'RULE_SET_NOT_FOUND');
  const { version } = await draft();
  for (const bad of [{ version: 0 }, { version, from_us: -1 }, { version, most: -1 }, { version, from_us: 5, to_us: 5 }]) {
    assert.equal((await failed(bad)).code, 'INVALID_ARGUMENT', JSON.stringify(bad));
  }
  const { info } = await formulary.call('GetRuleSet', { version }, second);
  assert.equal(Number(info.replayed_at_us), 0);
});
