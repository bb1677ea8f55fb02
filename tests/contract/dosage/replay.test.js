'use strict';
// Run again, a decision has the same bytes: what they are, by somebody else's protobuf; and that today's check makes of yesterday's
// snapshots what yesterday's made. replay_kept.json holds snapshots with the sha256 that was found when they were written: a change
// of the check that changes one of them changes what was decided about patients, and is told here. WARD_KEEP=1 writes it anew.

const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { encode, encodeSnapshot, runAll, RuleSet } = require('./clinical_run');
const { madeUpSet, ordered, override, placed, shared, RULES } = require('./ordering');

const KEPT = path.join(__dirname, 'replay_kept.json');
const Decision = RuleSet.root.lookupType('ward.dosage.v1.Decision');
const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
// protobufjs writes what is set to its default too; protobuf's own form leaves it out.
const bare = (v) => {
  if (Array.isArray(v)) return v.map(bare);
  if (v === null || typeof v !== 'object') return v;
  return Object.fromEntries(Object.entries(v).filter(([, x]) => !['', 0, '0', false, null].includes(x)).map(([k, x]) => [k, bare(x)]));
};
// The canonical bytes: findings, trace and outcome as protobuf, fields in their order.
const canonical = ({ findings, trace, outcome }) => sha256(encode(Decision, bare({ findings, trace, outcome })));

let site;
test.before(async () => { site = await shared(); });
test.after(() => site?.stop());

test('a decision\'s sha256 is that of its findings, trace and outcome, whoever encodes them', async () => {
  const patient = await site.patient();
  for (const mg of [100, 1100, 6000]) {
    const d = await site.check(patient, ordered(mg));
    assert.strictEqual(d.sha256, canonical(d), `${mg} mg`);
    assert.notStrictEqual(canonical({ ...d, outcome: 'OUTCOME_UNSPECIFIED' }), d.sha256);
  }
});

test('what an override says and who decided is no part of it', async () => {
  const patient = await site.patient();
  const daily = ordered(1100, { timing: { kind: 'KIND_INTERVAL', interval_minutes: 1440 } });
  const asked = await site.check(patient, daily);
  const answer = await site.place(patient, daily, { overrides: [override(RULES.warn)] });
  assert.strictEqual(answer.placed, true);
  assert.strictEqual(answer.decision.overrides.length, 1);
  assert.strictEqual(answer.decision.sha256, asked.sha256);
  const again = await site.orders.call('ReplayDecision', { decision_id: answer.decision.decision_id }, site.who('nurse'));
  assert.deepStrictEqual([again.same, again.decision.sha256], [true, asked.sha256]);
});

test('the snapshot that is given out decides the same without the service', async () => {
  const patient = await site.patient();
  await placed(site, patient, ordered(500));
  const { snapshot, ...d } = await site.check(patient, ordered(2600));
  const [{ decisions }] = runAll([{ set: encode(RuleSet, madeUpSet()), snapshots: [encodeSnapshot(snapshot)] }]);
  assert.strictEqual(decisions[0].sha256, d.sha256);
  assert.deepStrictEqual(decisions[0].findings.map((f) => f.rule_id), d.findings.map((f) => f.rule_id));
});

// ---- what is kept ----

const AT = 1800000000000000;
const HOUR = 3600e6;
const facts = (more = {}) => ({
  state: 'CHART_STATE_CURRENT', birth_date: '1970-01-01', sex: 'SEX_MALE', allergies: [{ no_known: true }],
  weights: [{ quantity: { value: '70.50', unit: 'kg' }, at_us: AT - HOUR, record_id: 'w' }], ...more,
});
const snapshot = (prescription, more = {}) => ({
  patient_id: 'p', at_us: AT, time_zone: 'UTC', rule_set_version: 1, purpose: 'CHECK_PURPOSE_PLACE', facts: facts(), prescription, ...more,
});
const running = (id, mg) => ({ order_id: id, version: 1, prescription: ordered(mg) });
const given = (id, mg, hours) => ({ administration_id: id, drug_id: 'testozin', dose: { value: String(mg), unit: 'mg' }, given_at_us: AT - hours * HOUR });
const duo = { ...ordered(1), drug_id: 'duozin', product_id: 'duozin-tablet', dose: { value: '3', unit: '{tablet}' } };

const SNAPSHOTS = {
  'a dose that passes': snapshot(ordered(500)),
  'a dose above each limit': snapshot(ordered(6000)),
  'a sum with what runs and was given': snapshot(ordered(500), { running: [running('o1', 250)], given: [given('a', 700, 3), given('b', 10, 23)] }),
  'a dose at the bedside': snapshot(ordered(1000), { purpose: 'CHECK_PURPOSE_GIVE', order_id: 'o7', giving: { value: '2.5', unit: 'g' }, given: [given('a', 700, 3)] }),
  'a combination': snapshot(duo, { running: [running('o1', 250)] }),
  'a chart that is away': snapshot(ordered(100), { facts: { state: 'CHART_STATE_UNAVAILABLE' } }),
  'allergies': snapshot(ordered(100), { facts: facts({ allergies: [{ text: 'zins', record_id: 'a' }, { text: '青霉素', record_id: 'b' }] }) }),
  'a life': snapshot({ ...ordered(1500), drug_id: 'lifozin', timing: { kind: 'KIND_ONCE' } }, { lifetime: [{ ingredient: 'lifozin', amount: { value: '501', unit: 'mg' } }] }),
  'a drug that is unknown': snapshot({ ...ordered(1), drug_id: 'nothing' }),
  'cut': snapshot(ordered(100), { cut: true }),
};

test('yesterday\'s snapshots are decided as they were yesterday', () => {
  const names = Object.keys(SNAPSHOTS);
  const [{ decisions }] = runAll([{ set: encode(RuleSet, madeUpSet()), snapshots: names.map((n) => encodeSnapshot(SNAPSHOTS[n])) }]);
  const now = Object.fromEntries(names.map((n, i) => [n, `${decisions[i].sha256} ${decisions[i].findings.map((f) => f.rule_id).join(' ')}`.trim()]));
  if (process.env.WARD_KEEP) fs.writeFileSync(KEPT, `${JSON.stringify(now, null, 2)}\n`);
  assert.deepStrictEqual(now, JSON.parse(fs.readFileSync(KEPT)));
});

test('...in whatever order runs and doses are told', () => {
  const first = SNAPSHOTS['a sum with what runs and was given'];
  const other = { ...first, running: [...first.running, running('o0', 1)], given: [...first.given].reverse() };
  const turned = { ...other, running: [...other.running].reverse(), given: first.given };
  const [{ decisions }] = runAll([{ set: encode(RuleSet, madeUpSet()), snapshots: [encodeSnapshot(other), encodeSnapshot(turned)] }]);
  assert.strictEqual(decisions[0].sha256, decisions[1].sha256);
});
