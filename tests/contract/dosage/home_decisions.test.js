'use strict';
// Home medicines at admission: somebody decides about each version of each statement, with a reason, and checks go by that. What is
// undecided is listed for a patient and for a ward.

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { Site, prescription, interval, rulesOf, chart, until, uuid, now } = require('./site');
const { failure } = require('./bedside');
const { setState, override } = require('./ordering');

const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
const UNDECIDED = 'ward.home-undecided';
let site;
before(async () => { site = await Site.shared({ audit: false }); });
after(() => site?.stop());

const resource = (patient, medication, more = {}) => ({
  medication_statement: { status: 'STATUS_ACTIVE', medication_codeable_concept: medication, subject: chart.to(patient.id), ...more },
});
const write = async (r, { version, by = 'pharmacist' } = {}) => (await site.api('records').call(version ? 'Update' : 'Create',
  { idempotency_key: site.key(), resource: r, ...(version && { expected_version: version }) }, site.who(by))).record;
const warfarin = chart.coded(RXNORM, '11289', 'warfarin');
const taken = (patient, medication = warfarin, more = {}) => write(resource(patient, medication, more));
const id = (record) => record.version.resource_id;
const rewrite = (record, more) => write({ medication_statement: { ...record.resource.medication_statement, ...more } }, { version: record.version.version });
const decide = (patient, record, decision, { by = 'physician', key = site.key(), on = site.orders, ...more } = {}) => on.call('ReconcileHomeMedicine', {
  idempotency_key: key, patient_id: patient.id, statement_id: id(record), statement_version: record.version.version, decision: `HOME_DECISION_${decision}`,
  ...(decision !== 'CONTINUE' && { reason: 'bleeding' }), ...more,
}, site.who(by)).then((a) => a.reconciliation);
const list = (ask, by = 'nurse') => site.orders.call('ListHomeMedicines', ask, site.who(by));
const listed = async (patient, more) => (await list({ patient_id: patient.id, ...more })).medicines;
const refused = async (...args) => { const e = await failure(decide(...args)); return [e.code, e.reason === e.code && e.field || e.reason]; };
const fluconazole = () => prescription('fluconazole', '200 mg');
const checked = (patient, p = fluconazole(), more = {}) => site.check(patient, p, more);
const found = async (patient, ...rest) => rulesOf(await checked(patient, ...rest));
const replayed = async (d) => (await site.orders.call('ReplayDecision', { decision_id: d.decision_id }, site.who('physician'))).same;
const DAY_US = 86400e6;
// Ordered now to begin in so many days.
const inDays = (n, p = fluconazole()) => ({ ...p, starts_at_us: String(now() + n * DAY_US) });
const knows = (patient, n) => until('the statements are known', async () => (await checked(patient)).snapshot.facts.home_medicines.length === n);
const news = async (patient, alone, ...rest) => (await found(patient, ...rest)).filter((rule) => !alone.includes(rule));
const DIRECT = 'warfarin-fluconazole'; // of what is taken at the same time
const LASTING = 'warfarin-then-inhibitors'; // for 120 hours after warfarin

// A patient on warfarin at home, and the rules that an order of fluconazole breaks because of it.
async function admitted() {
  const patient = await site.patient();
  const alone = await found(patient);
  const record = await taken(patient);
  await knows(patient, 1);
  return { patient, alone, record };
}

test('an undecided medicine counts as before, and a finding of INFO says that it waits', async () => {
  const { patient, record, alone } = await admitted();
  const decision = await checked(patient);
  const f = decision.findings.find((x) => x.rule_id === UNDECIDED);
  assert.deepEqual([f.severity, f.about, decision.snapshot.home_reconciliations], ['SEVERITY_INFO', [id(record)], []]);
  assert.match(f.text.en, /^Home medicines that wait for a decision .*: 1\.$/);
  for (const days of [0, 6]) assert.deepEqual(await news(patient, alone, inDays(days)), [DIRECT, LASTING, UNDECIDED], 'they count for as long as they wait');
  const harmless = await site.check(patient, prescription('paracetamol', '500 mg'));
  assert.ok(rulesOf(harmless).includes(UNDECIDED));
  const nobody = await site.patient();
  assert.ok(!(await found(nobody)).includes(UNDECIDED));
});

test('a medicine that is stopped counts as a last dose, on whatever replica, and the check can be replayed', async () => {
  for (const decision of ['STOP', 'HOLD']) {
    const { patient, record, alone } = await admitted();
    const before = await checked(patient);
    const made = await decide(patient, record, decision);
    assert.deepEqual({ ...made, decided_at_us: 0, event_id: '' }, {
      statement_id: id(record), statement_version: 1, version: 1, decision: `HOME_DECISION_${decision}`, reason: 'bleeding', order_id: '',
      decided_by: 'physician-1', decided_at_us: 0, event_id: '',
    });
    for (const on of [site.orders, site.api('dosage', { on: 'dosage2' })]) {
      const after = await checked(patient, fluconazole(), { on });
      assert.deepEqual(rulesOf(after).filter((rule) => !alone.includes(rule)), [DIRECT, LASTING], 'until it was a day ago');
      assert.deepEqual(await news(patient, alone, inDays(2), { on }), [LASTING], 'within its washout');
      assert.deepEqual(await news(patient, alone, inDays(6), { on }), []);
      const [used] = after.snapshot.home_reconciliations;
      assert.deepEqual([used.decision, used.version, used.decided_by, used.reason], [made.decision, 1, 'physician-1', '']);
      assert.equal(await replayed(after), true);
    }
    assert.equal(await replayed(before), true, 'what was decided before goes by what was known then');
  }
});

test('a newer version of the statement is undecided again, and nobody decides about the older one', async () => {
  const { patient, record, alone } = await admitted();
  await decide(patient, record, 'STOP');
  assert.deepEqual(await news(patient, alone, inDays(6)), []);
  const next = await rewrite(record, { dosage: [{ text: '5 mg at night' }] });
  await until('it counts again', async () => (await news(patient, alone, inDays(6))).length > 0);
  assert.deepEqual(await news(patient, alone, inDays(6)), [DIRECT, LASTING, UNDECIDED]);
  assert.deepEqual(await refused(patient, record, 'STOP', { expected_version: 1 }), ['FAILED_PRECONDITION', 'HOME_MEDICINE_CHANGED']);
  const [of] = await listed(patient);
  assert.deepEqual([of.decided, of.medicine.record_version, of.reconciliation.statement_version], [false, 2, 1]);
  const made = await decide(patient, next, 'HOLD');
  assert.deepEqual([made.statement_version, made.version], [2, 1], 'a first decision about this version');
  assert.equal((await listed(patient))[0].decided, true);
  await rewrite(next, { status: 'STATUS_STOPPED' });
  const ended = { version: { resource_id: id(record), version: 3 } };
  assert.deepEqual(await refused(patient, ended, 'HOLD'), ['FAILED_PRECONDITION', 'HOME_MEDICINE_ENDED']);
  assert.deepEqual(await listed(patient), []);
});

test('the same key answers the same, whatever was decided or written since', async () => {
  const { patient, record } = await admitted();
  const key = site.key();
  const first = await decide(patient, record, 'STOP', { key });
  assert.deepEqual(await decide(patient, record, 'STOP', { key }), first);
  await decide(patient, record, 'HOLD', { expected_version: 1 });
  assert.deepEqual(await decide(patient, record, 'STOP', { key }), first);
  await rewrite(record, { dosage: [{ text: '5 mg' }] });
  assert.deepEqual(await decide(patient, record, 'STOP', { key }), first);
  assert.deepEqual(await refused(patient, record, 'HOLD', { key }), ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
  assert.equal(await site.rows('home_reconciliation_version', `statement_id = ${site.hex(id(record))}`), 2);
});

test('another decision names the one that it replaces, and of many at once one is made', async () => {
  const { patient, record } = await admitted();
  const stale = ['ABORTED', 'VERSION_CONFLICT'];
  assert.deepEqual(await refused(patient, record, 'STOP', { expected_version: 1 }), stale, 'there is none yet');
  const answers = await Promise.allSettled(Array.from({ length: 8 }, () => decide(patient, record, 'STOP')));
  assert.equal(answers.filter((a) => a.status === 'fulfilled').length, 1);
  for (const a of answers.filter((x) => x.status === 'rejected')) assert.equal((await failure(Promise.reject(a.reason))).reason, 'VERSION_CONFLICT');
  assert.deepEqual(await refused(patient, record, 'HOLD'), stale);
  const second = await decide(patient, record, 'HOLD', { expected_version: 1, by: 'pharmacist' });
  assert.deepEqual([second.version, second.decided_by], [2, 'pharmacist-1']);
  const [of] = await listed(patient, { history: true });
  assert.deepEqual([of.reconciliation.version, of.earlier.map((h) => [h.version, h.decision, h.reason])], [2, [[1, 'HOME_DECISION_STOP', 'bleeding']]]);
  assert.deepEqual((await listed(patient))[0].earlier, []);
});

test('a decision says what it must, about what is there', async () => {
  const { patient, record } = await admitted();
  const other = await site.patient();
  const field = async (more, decision = 'STOP') => (await refused(patient, record, decision, more)).join(' ');
  for (const decision of ['STOP', 'HOLD', 'CHANGE']) assert.equal(await field({ reason: ' ' }, decision), 'INVALID_ARGUMENT reason');
  assert.equal(await field({ reason: 'x'.repeat(501) }, 'CONTINUE'), 'INVALID_ARGUMENT reason');
  assert.equal(await field({}, 'UNSPECIFIED'), 'INVALID_ARGUMENT decision');
  assert.equal(await field({ statement_version: 0 }), 'INVALID_ARGUMENT statement_version');
  assert.equal(await field({ expected_version: -1 }), 'INVALID_ARGUMENT expected_version');
  assert.equal(await field({ statement_id: 'none' }), 'INVALID_ARGUMENT statement_id');
  assert.equal(await field({ key: '' }), 'INVALID_ARGUMENT idempotency_key');
  assert.equal(await field({ order_id: uuid() }), 'INVALID_ARGUMENT order_id');
  assert.equal(await field({ order_id: 'none' }, 'CONTINUE'), 'INVALID_ARGUMENT order_id');
  assert.equal(await field({ order_id: uuid() }, 'CONTINUE'), 'NOT_FOUND ORDER_NOT_FOUND');
  assert.equal(await field({ statement_id: uuid() }), 'NOT_FOUND HOME_MEDICINE_NOT_FOUND');
  assert.equal(await field({ patient_id: other.id }), 'NOT_FOUND HOME_MEDICINE_NOT_FOUND', 'of another patient');
  assert.equal(await field({ patient_id: uuid() }), 'NOT_FOUND PATIENT_NOT_FOUND');
  assert.equal(await field({ by: site.as('physician', { ward: 'icu', sub: 'physician-9' }) }), 'NOT_FOUND PATIENT_NOT_FOUND');
  for (const by of ['nurse', 'registrar']) assert.equal((await refused(patient, record, 'STOP', { by }))[0], 'PERMISSION_DENIED');
  const order = (await site.place(other, prescription('paracetamol', '500 mg'))).order;
  assert.equal(await field({ order_id: order.order_id }, 'CONTINUE'), 'NOT_FOUND ORDER_NOT_FOUND', 'of another patient');
  assert.equal(await site.rows('home_reconciliation', `statement_id = ${site.hex(id(record))}`), 0);
});

test('the order that continues a medicine is no duplicate of it, for as long as it runs', async () => {
  const patient = await site.patient();
  const record = await taken(patient, { text: 'esomeprazole' });
  await knows(patient, 1);
  const ppi = prescription('omeprazole', '20 mg', { timing: interval(24) });
  const TWICE = 'duplicate-ppis';
  const { order, open } = await site.place(patient, ppi, { overrides: [override(TWICE, 'duplicate-intended')] });
  assert.ok(order, open);
  const again = { order_id: order.order_id };
  assert.ok((await found(patient, ppi, again)).includes(TWICE));
  const made = await decide(patient, record, 'CONTINUE', again);
  assert.deepEqual([made.order_id, made.reason], [order.order_id, '']);
  const decision = await checked(patient, ppi, again);
  assert.deepEqual(decision.snapshot.home_reconciliations.map((h) => h.order_id), [order.order_id]);
  assert.deepEqual(rulesOf(decision).filter((rule) => [TWICE, UNDECIDED].includes(rule)), []);
  assert.equal(await replayed(decision), true);
  await setState(site, order, 'STOPPED');
  assert.ok((await found(patient, ppi)).includes(TWICE), 'nothing continues it');
  assert.deepEqual(await refused(patient, record, 'CHANGE', { ...again, expected_version: 1 }), ['FAILED_PRECONDITION', 'ORDER_STATE']);
});

test('a ward sees what waits, of patients without any order too', async () => {
  const ward = `home-${uuid().slice(0, 8)}`;
  const here = site.as('pharmacist', { ward });
  const there = (by) => site.as(by, { ward, sub: `${by}-${ward}` });
  const patients = [];
  for (let i = 0; i < 3; i++) patients.push(await site.patient({ ward }));
  const records = [];
  for (const patient of patients) records.push(await write(resource(patient, warfarin), { by: here }));
  await site.place(patients[0], prescription('paracetamol', '500 mg'), { by: there('physician') });
  const all = async (more = {}) => {
    const out = [];
    for (let page_token = ''; ;) {
      const page = await list({ ward, page_size: 2, page_token, ...more }, there('nurse'));
      out.push(...page.medicines);
      page_token = page.next_page_token;
      if (!page_token) return out;
    }
  };
  const of = (medicines) => medicines.map((m) => m.patient_id).sort();
  assert.deepEqual(of(await all()), patients.map((p) => p.id).sort());
  await decide(patients[1], records[1], 'STOP', { by: there('physician') });
  assert.deepEqual(of(await all({ undecided: true })), [patients[0].id, patients[2].id].sort());
  const [done] = (await all()).filter((m) => m.decided);
  assert.deepEqual([done.patient_id, done.reconciliation.decided_by], [patients[1].id, `physician-${ward}`]);
  const refusals = [[{ ward: 'icu' }, 'WARD_NOT_YOURS'], [{ ward: '' }, 'patient_id'], [{ ward: 'a b' }, 'ward'], [{ ward, history: true }, 'history'], [{ ward, page_size: 101 }, 'page_size'],
    [{ ward, page_token: '!' }, 'PAGE_TOKEN_INVALID'], [{ ward, page_token: 'AAAA' }, 'PAGE_TOKEN_INVALID'], [{ patient_id: uuid() }, 'PATIENT_NOT_FOUND']];
  for (const [ask, why] of refusals) {
    const e = await failure(list(ask, there('pharmacist')));
    assert.equal(e.reason === e.code && e.field || e.reason, why, JSON.stringify(ask));
  }
  const encounter = { ...chart.encounter(patients[2].id, 'icu') };
  await site.record(encounter);
  await until('the patient lies elsewhere', async () => !of(await all()).includes(patients[2].id));
});

test('each decision and each patient shown is an event, without the words', async () => {
  const { patient, record } = await admitted();
  const made = await decide(patient, record, 'STOP', { reason: 'SECRETWORDS' });
  await listed(patient);
  const events = (await site.outbox()).filter((e) => e.patient === patient.id);
  const [decided] = events.filter((e) => e.action.endsWith('/ReconcileHomeMedicine'));
  assert.deepEqual([decided.actor, decided.detail.statement, decided.detail.decided, decided.detail.version, decided.detail.statement_version],
    ['physician-1', id(record), 'stop', '1', '1']);
  assert.equal(events.filter((e) => e.action.endsWith('/ListHomeMedicines')).length, 1);
  assert.ok(!JSON.stringify(events).includes('SECRETWORDS'));
  const [[hex]] = await site.sql(`SELECT HEX(sealed) FROM home_reconciliation WHERE statement_id = ${site.hex(made.statement_id)}`);
  assert.ok(!Buffer.from(hex, 'hex').includes('SECRETWORDS'), 'sealed');
  const { text } = await site.ward.services.dosage.admin('/metrics');
  assert.match(text, /ward_dosage_home_decisions_total\{decision="stop"\} [1-9]/);
});

test('nothing is left of a patient who is erased', async () => {
  const { patient, record } = await admitted();
  await decide(patient, record, 'STOP');
  await site.api('dosageadmin').call('ErasePatient', { idempotency_key: site.key(), patient_id: patient.id, reason_code: 'patient-request' }, site.tokens['privacy-officer']);
  assert.equal(await site.rows('home_reconciliation', `statement_id = ${site.hex(id(record))}`), 0);
  assert.deepEqual(await refused(patient, record, 'STOP', { expected_version: 1 }), ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
});
