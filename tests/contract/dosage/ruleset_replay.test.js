'use strict';
// Replay: past decisions, decided anew by another set. What changed is told, nothing of the past is written, and patients who were
// erased since are counted and passed over.

const test = require('node:test');
const assert = require('node:assert/strict');
const { Site, sampleSet, prescription } = require('./site');

let site, formulary, base;
const decisions = {};
test.before(async () => {
  site = await Site.start();
  formulary = site.api('formulary');
  base = sampleSet();
  const a = await site.patient();
  const b = await site.patient();
  for (const p of [a, b]) await site.measure(p.id, '2160-0', '1 mg/dL');
  const decide = async (name, patient, ...p) => { decisions[name] = (await site.place(patient, prescription(...p))).decision.decision_id; };
  await decide('right', a, 'ibuprofen', '400 mg');
  await decide('much', b, 'ibuprofen', '1600 mg');
  await decide('twice', a, 'naproxen', '250 mg', { timing: { kind: 'KIND_INTERVAL', interval_minutes: 720 } });
  site.gone = await site.patient();
  await site.measure(site.gone.id, '2160-0', '1 mg/dL');
  await decide('gone', site.gone, 'ibuprofen', '400 mg');
});
test.after(() => site?.stop());

const draft = async (rule_set) => (await formulary.call('DraftRuleSet', { idempotency_key: site.key(), rule_set }, site.tokens.pharmacist)).info;
async function replay(rule_set, more = {}) {
  const { version } = await draft(rule_set);
  const messages = [];
  for await (const m of formulary.stream('Replay', { version, ...more }, site.tokens.pharmacist)) messages.push(m);
  const progress = Object.fromEntries(Object.entries(messages.at(-1).progress).map(([k, v]) => [k, Number(v)]));
  return { version, messages, progress, changes: messages.flatMap((m) => m.changes) };
}
const changed = (id, change) => ({ ...base, dose_rules: base.dose_rules.map((r) => (r.rule.id === id ? change(r) : r)) });
const of = (changes, name) => changes.find((c) => c.decision_id === decisions[name]);

test('the same rules change nothing', async () => {
  const { progress, changes, messages } = await replay({ ...base, title: 'the same again' });
  assert.deepEqual(progress, { replayed: 4, unchanged: 4, stricter: 0, laxer: 0, different: 0, unreadable: 0 });
  assert.deepEqual(changes, []);
  assert.deepEqual(messages.map((m) => m.done), [...messages.slice(1).map(() => false), true]);
});

test('a lower limit is stricter, and names the rule that fires now', async () => {
  const { progress, changes } = await replay(changed('ibuprofen-oral-adult', (r) => ({ ...r, max_single: { value: '200', unit: 'mg' } })));
  assert.equal(progress.stricter, 2);
  assert.equal(progress.laxer, 0);
  assert.deepEqual(of(changes, 'right'), {
    decision_id: decisions.right, before: 'SEVERITY_UNSPECIFIED', now: 'SEVERITY_HARD', appeared: ['ibuprofen-oral-adult'], gone: [],
  });
});

test('a higher limit is laxer, and names the rule that no longer fires', async () => {
  const { progress, changes } = await replay(changed('ibuprofen-oral-adult', (r) => ({ ...r, max_single: { value: '2', unit: 'g' }, max_daily: { value: '9', unit: 'g' } })));
  assert.equal(progress.laxer, 1);
  assert.deepEqual(of(changes, 'much'), {
    decision_id: decisions.much, before: 'SEVERITY_HARD', now: 'SEVERITY_UNSPECIFIED', appeared: [], gone: ['ibuprofen-oral-adult'],
  });
});

test('another rule of the same severity is different', async () => {
  const { progress, changes } = await replay({ ...base, duplicates: base.duplicates.map((d) => (d.class === 'nsaid' ? { ...d, rule: { ...d.rule, id: 'renamed' } } : d)) });
  assert.equal(progress.different, 1);
  assert.deepEqual([of(changes, 'twice').appeared, of(changes, 'twice').gone], [['renamed'], ['duplicate-nsaids']]);
});

test('a drug that the set no longer has stops what was ordered of it', async () => {
  const { progress, changes } = await replay({ ...base, drugs: base.drugs.filter((d) => d.id !== 'ibuprofen') });
  assert.equal(progress.stricter, 2);
  assert.equal(of(changes, 'right').now, 'SEVERITY_HARD');
});

test('only decisions of the span are looked at, newest first and no more than asked for', async () => {
  const limited = changed('ibuprofen-oral-adult', (r) => ({ ...r, max_single: { value: '200', unit: 'mg' } }));
  const one = await replay(limited, { most: 1 });
  assert.equal(one.progress.replayed, 1);
  assert.deepEqual(one.changes.map((c) => c.decision_id), [decisions.gone]);
  assert.equal((await replay(limited, { to_us: 1000 })).progress.replayed, 0);
  assert.equal((await replay(limited, { from_us: Date.now() * 1000 + 3600e6, to_us: Date.now() * 1000 + 7200e6 })).progress.replayed, 0);
});

test('a Replay that looked at nothing is none to approve by', async () => {
  const { version } = await replay({ ...base, title: 'looked past' }, { to_us: 1000 });
  const { info } = await formulary.call('GetRuleSet', { version }, site.tokens.pharmacist);
  const approve = { idempotency_key: site.key(), version, sha256: info.sha256, approve: true };
  const second = site.as('pharmacist', { sub: 'pharmacist-2' });
  assert.equal((await formulary.failure('ApproveRuleSet', approve, second)).reason, 'REPLAY_NEEDED');
  for await (const m of formulary.stream('Replay', { version, most: 1 }, site.tokens.pharmacist)) void m;
  assert.equal((await formulary.call('ApproveRuleSet', approve, second)).info.state, 'RULE_SET_STATE_APPROVED');
});

test('nothing of the past is written, and the Replay is noted with its set', async () => {
  const before = await site.sql('SELECT COUNT(*), MAX(decided_at_us) FROM decision');
  const { version } = await replay(changed('ibuprofen-oral-adult', (r) => ({ ...r, max_single: { value: '100', unit: 'mg' } })));
  assert.deepEqual(await site.sql('SELECT COUNT(*), MAX(decided_at_us) FROM decision'), before);
  const { info } = await formulary.call('GetRuleSet', { version }, site.tokens.pharmacist);
  assert.equal(Number(info.replayed), 4);
  assert.ok(Number(info.replayed_at_us) > 0);
});

test('decisions of a patient who was erased are counted and passed over', async () => {
  await site.api('dosageadmin').call('ErasePatient', { idempotency_key: site.key(), patient_id: site.gone.id, reason_code: 'patient-request' }, site.tokens['privacy-officer']);
  const { progress } = await replay({ ...base, title: 'after an erasure' });
  assert.deepEqual([progress.replayed, progress.unreadable], [3, 1]);
});

test('a row that is not what was written is counted and passed over', async () => {
  await site.sql('DROP TRIGGER decision_is_not_changed');
  await site.sql(`UPDATE decision SET outcome = 3 - outcome WHERE decision_id = ${site.hex(decisions.right)}`);
  const { progress } = await replay({ ...base, title: 'after a fault' });
  assert.deepEqual([progress.replayed, progress.unreadable], [2, 2]);
});
