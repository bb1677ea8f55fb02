'use strict';
// Decisions: kept as they were made, found, listed, run again; and what lies in the tables opens with the patient's key alone.

const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { rulesOf } = require('./site');
const { RULES, ordered, harmless, override, start, placed, change, setState } = require('./ordering');

let site;
test.before(async () => { site = await start({ services: ['audit', 'records', 'identity', 'dosage'] }); });
test.after(() => site?.stop());

const get = (decision_id) => site.orders.call('GetDecision', { decision_id }, site.who('nurse')).then((a) => a.decision);
const replay = (decision_id) => site.orders.call('ReplayDecision', { decision_id }, site.who('nurse'));
const list = (patient, more) => site.orders.call('ListDecisions', { patient_id: patient.id, ...more }, site.who('nurse'));

test('a patient\'s decisions are listed newest first, without what they rest on', async () => {
  const patient = await site.patient();
  const made = [];
  for (const mg of [100, 1100, 6000, 200, 300]) made.unshift(await site.check(patient, ordered(mg)));
  const answer = await site.place(patient, ordered(900));
  made.unshift(answer.decision);
  const { decisions } = await list(patient);
  assert.deepStrictEqual(decisions, made.map((d) => ({ ...d, snapshot: null, trace: [] })));
  const paged = [];
  let token = '';
  do {
    const page = await list(patient, { page_size: 4, page_token: token });
    paged.push(...page.decisions);
    token = page.next_page_token;
  } while (token);
  assert.deepStrictEqual(paged, decisions);
  const first = await list(patient, { page_size: 4 });
  const other = await site.patient();
  const err = await site.orders.failure('ListDecisions', { patient_id: other.id, page_size: 4, page_token: first.next_page_token }, site.who('nurse'));
  assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID']);
});

test('a decision run again finds the same, though orders and chart have changed since', async () => {
  const patient = await site.patient({ weight: '70 kg' });
  const made = [await site.check(patient, ordered(100)), (await site.place(patient, ordered(800))).decision];
  const order = await placed(site, patient, ordered(500));
  made.push((await change(site, order, ordered(900))).decision);
  await site.measure(patient.id, '29463-7', '40 kg');
  for (const d of made) {
    const again = await replay(d.decision_id);
    assert.strictEqual(again.same, true);
    assert.deepStrictEqual(again.decision, d);
    assert.deepStrictEqual(await get(d.decision_id), d);
  }
  // By the set it was made with, whatever decides now.
  const { madeUpSet } = require('./ordering');
  const strict = madeUpSet();
  for (const r of strict.dose_rules) if (r.rule.id === RULES.warn) r.max_single.value = '50';
  await site.activate(strict);
  assert.ok(rulesOf(await site.check(patient, harmless({ drug_id: 'testozin', dose: { value: '60', unit: 'mg' } }))).includes(RULES.warn));
  for (const d of made) {
    const again = await replay(d.decision_id);
    assert.deepStrictEqual([again.same, again.decision], [true, d]);
  }
  await site.activate(madeUpSet());
});

test('doses that were given are part of what is decided by', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, ordered(1000, { timing: { kind: 'KIND_AS_NEEDED' }, as_needed: { reason: { code: 'pain' }, max_doses_per_24h: 2 } }));
  const { administration } = await site.give(patient, order, null);
  const { snapshot } = await site.check(patient, ordered(100));
  assert.deepStrictEqual(snapshot.given.map((g) => [g.administration_id, g.order_id, g.drug_id, g.dose.value, g.unacknowledged]),
    [[administration.administration_id, order.order_id, 'testozin', '1000', false]]);
  const err = await site.orders.failure('SetState', {
    idempotency_key: site.key(), order_id: order.order_id, expected_version: 1, state: 'ORDER_STATE_CANCELLED', reason_code: 'no-longer-needed',
  }, site.who('physician'));
  assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'ORDER_HAS_DOSES']);
});

test('no table tells a drug, a dose or a patient in the clear; logs and metrics neither', async () => {
  const patient = await site.patient({ birth_date: '1933-07-19', name: [{ family: 'Zzyzzyx', given: ['Ottilie'] }] });
  const p = ordered(1100, {
    dose: { value: '1100.125', unit: 'mg' }, indication: { system: 'urn:x', code: 'Q77', display: 'Wundschmerz' }, instructions: ['mit-Zwieback'],
  });
  const overrides = [override(RULES.warn), override(RULES.hard, 'specialist')];
  const second_person_token = site.as('pharmacist', { sub: 'pharmacist-two' }).token;
  await site.place(patient, p);
  const { order } = await site.place(patient, p, { overrides, second_person_token });
  await change(site, order, p, { overrides, second_person_token });
  await setState(site, { ...order, version: 2 }, 'ON_HOLD');
  await site.check(patient, p);

  const tables = await site.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'");
  const words = ['testozin', '1100.125', 'Wundschmerz', 'Q77', 'mit-Zwieback', '1933-07-19', 'Zzyzzyx', 'Ottilie', 'tablet'];
  let looked = 0;
  // The formulary is no patient's; of a rule that spoke its name is counted, and nothing beside it leads to anybody.
  const formulary = ['rule_set', 'finding'];
  for (const [table] of tables.filter(([t]) => !formulary.includes(t))) {
    const columns = (await site.sql(`SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '${table}'`)).map(([c]) => c);
    for (const word of words) {
      const hit = columns.map((c) => `INSTR(CAST(\`${c}\` AS BINARY), '${word}') > 0`).join(' OR ');
      assert.strictEqual(await site.rows(table, hit), 0, `${table}: ${word}`);
      looked++;
    }
  }
  assert.ok(looked > 15 * words.length, String(looked));
  assert.deepStrictEqual((await site.sql("SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'finding' ORDER BY 1")).flat(),
    ['at_us', 'finding_id', 'followed', 'overridden', 'purpose', 'rule_id', 'severity', 'ward']);
  assert.ok(await site.rows('finding', `rule_id = '${RULES.warn}' AND overridden`) > 0);
  assert.strictEqual(await site.rows('finding', 'at_us % 3600000000 <> 0'), 0);
  assert.strictEqual(await site.rows('decision d JOIN finding f ON f.finding_id = d.decision_id'), 0);

  const { text } = await site.ward.services.dosage.admin('/metrics');
  const logged = site.ward.services.dosage.proc.lines.join('\n');
  assert.ok(text.includes(`ward_dosage_overrides_total{rule="${RULES.warn}",reason="benefit"}`), 'the rule is counted');
  for (const word of [...words.filter((w) => w !== 'testozin'), patient.id, order.order_id]) {
    assert.ok(!text.includes(word), `metrics: ${word}`);
    assert.ok(!logged.includes(word), `log: ${word}`);
  }
  assert.ok(!logged.includes('testozin'));
});

test('rows that were moved or changed do not open', async () => {
  const [a, b] = [await site.patient(), await site.patient()];
  const [one, two, other] = [await placed(site, a, harmless()), await placed(site, a, harmless(), { draft: true }), await placed(site, b, harmless())];
  const read = async (order) => {
    const answer = await site.orders.call('GetOrder', { order_id: order.order_id }, site.who('nurse')).catch((err) => err);
    return answer.reason ?? answer.order;
  };
  const spoil = async (change_, restore) => {
    await site.sql(change_);
    assert.strictEqual(await read(one), 'DOSE_UNREADABLE', change_);
    await site.sql(restore);
    assert.deepStrictEqual(await read(one), one, restore);
  };
  const of = (order) => `WHERE order_id = ${site.hex(order.order_id)}`;
  const [[sealed]] = await site.sql(`SELECT HEX(sealed) FROM drug_order ${of(one)}`);
  const back = `UPDATE drug_order SET sealed = X'${sealed}' ${of(one)}`;
  await spoil(`UPDATE drug_order SET sealed = (SELECT sealed FROM (SELECT * FROM drug_order) t ${of(two)}) ${of(one)}`, back);
  await spoil(`UPDATE drug_order SET sealed = (SELECT sealed FROM (SELECT * FROM drug_order) t ${of(other)}) ${of(one)}`, back);
  await spoil(`UPDATE drug_order SET sealed = CONCAT(LEFT(sealed, LENGTH(sealed) - 1), 'x') ${of(one)}`, back);
  await spoil(`UPDATE drug_order SET sealed = '' ${of(one)}`, back);
  await spoil(`UPDATE drug_order SET state = 3 ${of(one)}`, `UPDATE drug_order SET state = 2 ${of(one)}`);
  await spoil(`UPDATE drug_order SET ward = 'icu' ${of(one)}`, `UPDATE drug_order SET ward = 'ward-3' ${of(one)}`);
  await spoil(`UPDATE drug_order SET ends_at_us = 5 ${of(one)}`, `UPDATE drug_order SET ends_at_us = 9223372036854775807 ${of(one)}`);
  await spoil(`UPDATE drug_order SET starts_at_us = starts_at_us - 1 ${of(one)}`, `UPDATE drug_order SET starts_at_us = starts_at_us + 1 ${of(one)}`);
  await spoil(`UPDATE drug_order SET written_at_us = written_at_us - 1 ${of(one)}`, `UPDATE drug_order SET written_at_us = written_at_us + 1 ${of(one)}`);
  await spoil(`UPDATE drug_order SET version = 2 ${of(one)}`, `UPDATE drug_order SET version = 1 ${of(one)}`);
});

test('versions and decisions are neither changed nor deleted', async () => {
  const patient = await site.patient();
  await placed(site, patient, harmless());
  for (const table of ['order_version', 'decision']) {
    await assert.rejects(site.sql(`UPDATE ${table} SET sealed = 'x' LIMIT 1`), /is not changed/);
    await assert.rejects(site.sql(`DELETE FROM ${table} LIMIT 1`), /is not deleted/);
  }
});

test('of a patient who was erased nothing opens and nothing is ordered', async () => {
  const { id } = await site.charted(crypto.randomUUID());
  const order = await placed(site, id, harmless());
  await site.api('dosageadmin').call('ErasePatient', { idempotency_key: site.key(), patient_id: id, reason_code: 'patient-request' }, site.who('privacy-officer'));
  for (const [method, request, reason] of [
    ['GetOrder', { order_id: order.order_id }, 'ORDER_NOT_FOUND'], ['OrderHistory', { order_id: order.order_id }, 'ORDER_NOT_FOUND'],
    ['GetDecision', { decision_id: order.decision_id }, 'DECISION_NOT_FOUND'],
    ['Place', { idempotency_key: site.key(), patient_id: id, prescription: harmless() }, 'PATIENT_NOT_FOUND'],
    ['Check', { patient_id: id, prescription: harmless() }, 'PATIENT_NOT_FOUND'],
  ]) {
    const err = await site.orders.failure(method, request, site.who('physician'));
    assert.deepStrictEqual([err.code, err.reason], ['NOT_FOUND', reason], method);
  }
  const { orders } = await site.orders.call('ListOrders', { patient_id: id }, site.who('nurse')).catch(() => ({ orders: [] }));
  assert.deepStrictEqual(orders, []);
});
