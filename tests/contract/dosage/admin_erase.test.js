'use strict';
// ErasePatient, here and in records: nothing of the patient opens any more on either replica, nothing in the clear tells of them, and
// that it was there is still told.

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { nobody, until, uuid } = require('./site');
const { start, RULES, ordered, harmless, override, placed } = require('./ordering');

let site, admin, second;

before(async () => {
  site = await start({ services: ['audit', 'identity', 'records', 'dosage', 'dosage2'] });
  admin = site.api('dosageadmin');
  second = site.api('dosage', { on: 'dosage2' });
  await admin.call('SetWard', { idempotency_key: site.key(), ward: { ward: 'ward-3', time_zone: 'UTC' } }, site.tokens['dosage-admin']);
});
after(() => site?.stop());

const officer = () => site.tokens['privacy-officer'];
const erase = (patient, more = {}, on = admin) =>
  on.call('ErasePatient', { idempotency_key: site.key(), patient_id: patient.id, reason_code: 'patient-request', ...more }, officer());
const refused = async (request, by = 'privacy-officer') => {
  const f = await admin.failure('ErasePatient', { idempotency_key: site.key(), reason_code: 'patient-request', ...request }, site.tokens[by]);
  return `${f.code} ${f.reason === f.code ? f.field : f.reason}`;
};
const reason = async (promise) => promise.then(() => 'answered', (e) => e.reason);
const physician = () => site.tokens.physician;
const now = Date.now() * 1000;

// A patient with two orders, a dose on time and one given in an emergency, and the decisions of all of them.
async function busy() {
  const p = await site.patient();
  const order = await placed(site, p, harmless({ starts_at_us: now }));
  const warned = await site.place(p, ordered(1200, { timing: { kind: 'KIND_ONCE' } }), { overrides: [override(RULES.warn)] });
  const [slot] = await site.slots(p, { from_us: now - 36e8, to_us: now + 36e8 });
  const given = await site.give(p, order, slot, { place: 'ward-3/bed-2', product_id: 'plainin-tablet' });
  assert.equal(given.recorded, true, JSON.stringify(given.rights));
  const { administration: emergency } = await site.api('doses').call('GiveInEmergency', {
    idempotency_key: site.key(), patient_id: p.id, drug_id: 'testozin', dose: { value: '500', unit: 'mg' }, route: 'ROUTE_PO', reason_code: 'life-at-stake', place: 'ward-3/bed-2',
  }, site.tokens.nurse);
  return { p, order, warned: warned.order, decision: warned.decision, given: given.administration, emergency };
}

// Every row of every table: its bytes, as latin1.
async function everything() {
  const all = [];
  for (const [table] of await site.sql('SHOW TABLES')) {
    if (/^ward_(outbox|idempotency)/.test(table)) continue; // audit's, and answers: ids that nothing leads from
    const columns = (await site.sql(`SHOW COLUMNS FROM ${table}`)).map(([c]) => `IFNULL(HEX(\`${c}\`), '')`).join(", '7C', ");
    for (const [hex] of await site.sql(`SELECT CONCAT(${columns}) FROM ${table}`)) all.push(`${table}|${Buffer.from(hex, 'hex').toString('latin1')}`);
  }
  return all;
}
const bytes = (id) => Buffer.from(id.replaceAll('-', ''), 'hex').toString('latin1');

async function isGone({ p, order, warned, decision, given, emergency }) {
  for (const on of ['dosage', 'dosage2']) {
    const api = (name) => site.api(name, { on });
    for (const o of [order, warned]) {
      assert.equal(await reason(api('dosage').call('GetOrder', { order_id: o.order_id }, physician())), 'ORDER_NOT_FOUND');
      assert.equal(await reason(api('dosage').call('OrderHistory', { order_id: o.order_id }, physician())), 'ORDER_NOT_FOUND');
    }
    assert.equal(await reason(api('dosage').call('GetDecision', { decision_id: decision.decision_id }, physician())), 'DECISION_NOT_FOUND');
    for (const a of [given, emergency]) {
      assert.equal(await reason(api('doses').call('GetAdministration', { administration_id: a.administration_id }, physician())), 'ADMINISTRATION_NOT_FOUND');
    }
    const { administrations } = await api('doses').call('ListUnacknowledged', { ward: 'ward-3' }, site.tokens.nurse);
    assert.ok(!administrations.some((a) => a.patient_id === p.id));
    const { slots } = await api('schedule').call('ListDue', { ward: 'ward-3' }, site.tokens.nurse);
    assert.ok(!slots.some((s) => s.patient_id === p.id || s.order_id === order.order_id));
  }
  assert.deepEqual([
    await site.rows('owner_key', `owner_id = ${site.hex(p.id)}`), await site.rows('drug_order', `patient_id = ${site.hex(p.id)}`),
    await site.rows('administration', `patient_id = ${site.hex(p.id)} AND acknowledge_by_us IS NOT NULL`),
    await site.rows('administration', `patient_id = ${site.hex(p.id)} AND (place <> '' OR second_person <> '')`),
  ], [0, 0, 0, 0]);
  assert.equal(await site.rows('order_version', `patient_id = ${site.hex(p.id)}`), 2);
}

test('what a privacy officer erases cannot be read any more, on either replica, at once', async () => {
  const b = await busy();
  const answer = await erase(b.p);
  assert.deepEqual([answer.orders, answer.administrations], ['2', '2']);
  assert.ok(Number(answer.decisions) >= 4, answer.decisions);
  await isGone(b);
  assert.deepEqual(await erase(b.p), answer); // again is the same
});

test('nothing in the clear tells what the patient is given, and after an erasure not where either', async () => {
  const b = await busy();
  const ids = [b.p.id, b.order.order_id, b.warned.order_id, b.decision.decision_id, b.given.administration_id, b.emergency.administration_id].map(bytes);
  const theirs = async () => (await everything()).filter((row) => ids.some((id) => row.includes(id)));
  const found = (rows, words) => words.filter((w) => rows.some((row) => row.includes(w)));
  const drugs = ['plainin', 'testozin', '1200', 'benefit', 'life-at-stake', RULES.warn];
  const before2 = await theirs();
  assert.deepEqual(found(before2, [...drugs, 'ward-3/bed-2']), ['ward-3/bed-2']);
  await erase(b.p);
  const after2 = await theirs();
  assert.ok(after2.length > 6 && after2.length < before2.length, `${after2.length} of ${before2.length}`); // that something was there is told
  assert.deepEqual(found(after2, [...drugs, 'ward-3/bed-2']), []);
});

test('who was erased gets no orders any more', async () => {
  const { p } = await busy();
  await erase(p);
  for (const on of [site.orders, second]) {
    const f = await on.failure('Place', { idempotency_key: site.key(), patient_id: p.id, prescription: harmless() }, physician());
    assert.equal(`${f.code} ${f.reason}`, 'NOT_FOUND PATIENT_NOT_FOUND');
  }
  assert.equal(await site.rows('owner_key', `owner_id = ${site.hex(p.id)}`), 0);
  assert.deepEqual((await site.orders.call('ListOrders', { patient_id: p.id }, physician())).orders, []);
});

test('a key gives its first answer again, and only who guards privacy may ask', async () => {
  const { p } = await busy();
  const key = { idempotency_key: 'erase-once' };
  const first = await erase(p, key);
  assert.deepEqual(await erase(p, key, site.api('dosageadmin', { on: 'dosage2' })), first);
  assert.equal(await refused({ patient_id: p.id, reason_code: 'another', ...key }), 'FAILED_PRECONDITION IDEMPOTENCY_MISMATCH');
  for (const role of ['physician', 'dosage-admin', 'pharmacist']) assert.equal(await refused({ patient_id: p.id }, role), 'PERMISSION_DENIED ROLE_MISSING');
  assert.equal(await refused({ patient_id: nobody }), 'NOT_FOUND PATIENT_NOT_FOUND');
  assert.equal(await refused({ patient_id: 'x' }), 'INVALID_ARGUMENT patient_id');
  for (const reason_code of ['', 'Patient asked', 'a_b', 'w'.repeat(65)]) assert.equal(await refused({ patient_id: p.id, reason_code }), 'INVALID_ARGUMENT reason_code');
});

test('everybody of a chart is erased with the one who stayed; one merged away is not erased alone', async () => {
  const [a, b] = [await site.charted(uuid()), await site.charted(uuid())];
  await placed(site, a, harmless());
  await placed(site, b, harmless());
  await site.api('patients').call('MergePatients', {
    idempotency_key: site.key(), into_patient_id: a.id, from_patient_id: b.id, into_version: 1, from_version: 1, reason: 'one and the same',
  }, site.tokens.registrar);
  await until('merged', async () => await site.rows('patient', `patient_id = ${site.hex(b.id)} AND root_id = ${site.hex(a.id)}`) === 1);
  assert.equal(await refused({ patient_id: b.id }), 'FAILED_PRECONDITION PATIENT_MERGED');
  assert.equal((await erase(a)).orders, '2');
  assert.equal(await site.rows('owner_key', `owner_id IN (${site.hex(a.id)}, ${site.hex(b.id)})`), 0);
  assert.equal(await site.rows('patient', `patient_id IN (${site.hex(a.id)}, ${site.hex(b.id)}) AND erased_at_us IS NOT NULL`), 2);
});

test('an erasure in records erases here, once, and tells it as the service\'s own act', async () => {
  const b = await busy();
  const unknown = await site.charted(uuid()); // of whom nothing is kept here
  const erasing = ({ id }) => site.api('recordsadmin').call('ErasePatient', { idempotency_key: site.key(), patient_id: id, case_reference: 'case/7' }, officer());
  await erasing(b.p);
  await erasing(unknown);
  await until('erased', async () => await site.rows('patient', `patient_id IN (${site.hex(b.p.id)}, ${site.hex(unknown.id)}) AND erased_at_us IS NOT NULL`) === 2);
  assert.equal(await site.rows('owner_key', `owner_id = ${site.hex(b.p.id)}`), 0);
  assert.equal(await site.rows('drug_order', `patient_id = ${site.hex(b.p.id)}`), 0);
  assert.equal(await reason(site.orders.call('GetOrder', { order_id: b.order.order_id }, physician())), 'ORDER_NOT_FOUND');
  assert.equal(await reason(site.check(b.p, harmless())), 'PATIENT_NOT_FOUND');
  const events = async () => {
    const { records } = await site.api('audit', { as: 'records' }).call('QueryPatient', { patient: b.p.id, most: 200 }, officer());
    return records.map((r) => r.event).filter((e) => e?.action === '/ward.dosage.v1.DosageAdmin/ErasePatient');
  };
  const [told, ...more] = await until('told', async () => { const e = await events(); return e.length > 0 && e; });
  assert.deepEqual([told.actor, told.service, told.outcome, more], ['', 'dosage', 'OUTCOME_SUCCESS', []]);
});

test('a replica that did not erase forgets what it keeps of the chart once it meets who was erased', async () => {
  const p = await site.charted(uuid());
  const kept = async () =>
    Number(/^ward_dosage_chart_reads_total\{from="cached"\} (\S+)/m.exec((await site.ward.services.dosage2.admin('/metrics')).text)?.[1] ?? 0);
  const none = await kept();
  await until('charts are kept', async () => { await site.check(p, harmless(), { on: second }); return (await kept()) > none; });
  await erase(p);
  const ask = () => reason(site.check(p, harmless(), { on: second }));
  assert.equal(await ask(), 'PATIENT_NOT_FOUND');
  const before = await kept();
  assert.equal(await ask(), 'PATIENT_NOT_FOUND');
  assert.equal(await kept(), before, 'records were asked');
});
