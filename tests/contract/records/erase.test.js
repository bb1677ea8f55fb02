'use strict';
// ErasePatient: nothing readable is left, in any table, on either replica, and the history still says
// that it was there.

const assert = require('node:assert');
const crypto = require('node:crypto');
const { test, before, after } = require('node:test');
const { Site, nobody, person, encounter, observation, condition, note, allergy, consent, quantity, until, coded } = require('./site');

let site, admin, second;

before(async () => {
  site = await Site.start({ services: ['audit', 'records', 'records2'] });
  admin = site.api('recordsadmin');
  second = site.ward.client('records2');
});
after(() => site?.stop());

const erase = (patient_id, more = {}, by = site.tokens['privacy-officer']) =>
  admin.call('ErasePatient', { idempotency_key: site.key(), patient_id, case_reference: 'case/2026-17', ...more }, by);
const refused = (patient_id, more = {}, by = site.tokens['privacy-officer']) =>
  admin.failure('ErasePatient', { idempotency_key: site.key(), patient_id, case_reference: 'case/2026-17', ...more }, by);

// Every byte of every row of every table, as latin1; and of those alone that name a patient.
async function everything() {
  const tables = {};
  for (const [table] of await site.sql('SHOW TABLES')) {
    const columns = (await site.sql(`SHOW COLUMNS FROM ${table}`)).map(([c]) => `IFNULL(HEX(\`${c}\`), '')`).join(", '0A', ");
    tables[table] = (await site.sql(`SELECT CONCAT(${columns}) FROM ${table}`)).map(([h]) => Buffer.from(h, 'hex').toString('latin1')).join('\n');
  }
  return tables;
}

const words = ['Erasmus', 'erasmus', 'Rotterdam', '4711-0815', '+31 10 5550', 'a singular finding', 'frombotzel', '1969-10-27'];

async function chart() {
  const patient = person({
    name: [{ family: 'Erasmus', given: ['Rotterdam'] }], identifier: [{ system: 'urn:mrn', value: '4711-0815' }],
    telecom: [{ system: 'SYSTEM_PHONE', value: '+31 10 5550' }], birth_date: '1969-10-27', address: [{ postal_code: '3011' }],
  });
  const { version: { patient_id: id } } = await site.create(patient);
  await site.create(encounter(id));
  const obs = await site.create(observation(id, { value_quantity: quantity('123.4', 'mm[Hg]'), note: [{ text: 'a singular finding' }] }), 'nurse');
  const doc = await site.create(note(id, 'a singular finding, twice'), 'nurse');
  await site.create(allergy(id), 'nurse');
  const bytes = Buffer.from('frombotzel in a scan');
  const put = site.records.duplex('PutAttachment', site.tokens.nurse);
  put.write({ start: { patient_id: id, content_type: 'text/plain', sha256: crypto.createHash('sha256').update(bytes).digest('hex') } });
  put.write({ chunk: bytes });
  put.end();
  const { url } = await put.answer;
  await site.create(note(id, '', { content: [{ attachment: { url } }] }), 'nurse');
  await site.create(consent(id, {
    type: 'PROVISION_TYPE_PERMIT',
    provision: [{ type: 'PROVISION_TYPE_DENY', actor: [{ reference: { reference: 'Practitioner/nurse-77' }, role: coded('urn:x', 'y') }] }],
  }));
  return { id, obs: obs.version.resource_id, doc: doc.version.resource_id, url };
}

test('after an erasure nothing of the patient can be read, found or counted, on either replica, at once', async () => {
  const { id, obs, doc, url } = await chart();
  const other = await chart();
  const before2 = await everything();
  for (const word of words) for (const table of Object.keys(before2)) assert.ok(!before2[table].includes(word), `${word} lies in ${table}`);
  const hex = site.hex(id);
  const [[digest]] = await site.sql(`SELECT HEX(key_sha256) FROM patient WHERE patient_id = ${hex}`);

  const { erased_at_us, key_sha256 } = await erase(id);
  assert.ok(Number(erased_at_us) > 1.7e15);
  assert.strictEqual(key_sha256.toString('hex').toUpperCase(), digest);

  for (const on of [site.records, second]) {
    for (const [kind, rid, by] of [['KIND_PATIENT', id, 'registrar'], ['KIND_OBSERVATION', obs, 'nurse'], ['KIND_DOCUMENT_REFERENCE', doc, 'nurse']]) {
      const e = await on.failure('Read', { kind, id: rid }, site.tokens[by]);
      assert.deepStrictEqual([e.code, e.reason], ['NOT_FOUND', 'RESOURCE_NOT_FOUND']);
    }
    const got = on.stream('GetAttachment', { patient_id: id, url }, site.tokens.nurse);
    await assert.rejects(async () => { for await (const m of got) assert.ok(!m); }, (e) => e.code === 'NOT_FOUND');
  }
  for (const table of ['owner_key', 'token', 'cleaned', 'attachment', 'attachment_part', 'consent_deny', 'open_encounter', 'encounter_ward']) {
    const column = table === 'owner_key' ? 'owner_id' : 'patient_id';
    assert.strictEqual(await site.rows(table, `${column} = ${hex}`), 0, table);
    if (table !== 'cleaned') assert.ok(await site.rows(table, `${column} = ${site.hex(other.id)}`) > 0, `${table} of another patient`);
  }
  const [[gender, birth]] = await site.sql(`SELECT gender, birth_us FROM patient WHERE patient_id = ${hex}`);
  assert.deepStrictEqual([gender, birth], ['0', 'NULL']);
  const left = await site.sql(`SELECT DISTINCT status, labels, from_us, to_us, from2_us, encounter_id, value, unit FROM resource WHERE patient_id = ${hex}`);
  assert.deepStrictEqual(left, [['0', '0', '-9223372036854775808', '-9223372036854775808', 'NULL', 'NULL', 'NULL', 'NULL']]);
  assert.ok((await site.read('KIND_OBSERVATION', other.obs)).record.resource.observation.note[0].text === 'a singular finding');
});

test('dates that a resource once had are gone too', async () => {
  const { id, obs } = await chart();
  const { record } = await site.read('KIND_OBSERVATION', obs);
  const o = record.resource.observation;
  const moved = await site.update({ observation: { ...o, effective_date_time: '2026-04-01' } }, 1, 'nurse');
  const undated = { ...moved.resource.observation };
  delete undated.effective_date_time;
  delete undated.effective;
  await site.update({ observation: undated }, 2, 'nurse');
  const rows = () => site.rows('moved', `resource_id = ${site.hex(obs)}`);
  assert.ok(await rows() > 0);
  await erase(id);
  assert.strictEqual(await rows(), 0);
});

test('no row of a version opens with any key that is left', async () => {
  const { id } = await chart();
  const sealed = await site.sql(`SELECT HEX(sealed) FROM version WHERE patient_id = ${site.hex(id)}`);
  await erase(id);
  assert.deepStrictEqual(await site.sql(`SELECT HEX(sealed) FROM version WHERE patient_id = ${site.hex(id)}`), sealed);
  // Another patient's key in its place opens nothing: what is sealed is bound to whose it is.
  const other = await chart();
  await site.sql(`INSERT INTO owner_key SELECT ${site.hex(id)}, kek, wrapped FROM owner_key WHERE owner_id = ${site.hex(other.id)}`);
  const e = await site.records.failure('Read', { kind: 'KIND_PATIENT', id }, site.tokens.registrar);
  assert.deepStrictEqual([e.code, e.reason], ['DATA_LOSS', 'RECORD_UNREADABLE']);
});

test('the history stays as proof: numbers, times, who wrote, and no content', async () => {
  const { id } = await chart();
  await erase(id);
  const { records } = await site.records.call('History', { kind: 'KIND_PATIENT', id }, site.tokens.registrar);
  assert.deepStrictEqual(records.map((r) => [r.version.version, r.version.actor, r.resource, r.cleaned.length]), [[1, 'registrar-1', null, 0]]);
  const { record } = await site.records.call('ReadVersion', { kind: 'KIND_PATIENT', id, version: 1 }, site.tokens.registrar);
  assert.deepStrictEqual([record.version.version, record.resource], [1, null]);
});

test('nothing more is written to who was erased, and a repeated key does not bring it back', async () => {
  const request = { idempotency_key: site.key(), resource: person({ name: [{ family: 'Once' }] }) };
  const { record: { version: { patient_id: id } } } = await site.records.call('Create', request, site.tokens.registrar);
  await erase(id);
  const again = await site.records.failure('Create', request, site.tokens.registrar);
  assert.deepStrictEqual([again.code, again.reason], ['FAILED_PRECONDITION', 'PATIENT_ERASED']);
  const e = await site.refused(encounter(id));
  assert.deepStrictEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'PATIENT_ERASED']);
  const p = await site.records.failure('Update', { idempotency_key: site.key(), resource: person({ id }), expected_version: 1 }, site.tokens.registrar);
  assert.deepStrictEqual([p.code, p.reason], ['FAILED_PRECONDITION', 'PATIENT_ERASED']);
  const taken = await site.refused(person({ id }));
  assert.deepStrictEqual([taken.code, taken.reason], ['ALREADY_EXISTS', 'ID_TAKEN']);
});

test('again is OK, with the same key and with another', async () => {
  const { id } = await chart();
  const request = { idempotency_key: site.key(), patient_id: id, case_reference: 'c-1' };
  const first = await admin.call('ErasePatient', request, site.tokens['privacy-officer']);
  assert.deepStrictEqual(await admin.call('ErasePatient', request, site.tokens['privacy-officer']), first);
  assert.deepStrictEqual(await erase(id), first);
});

test('who was merged into the patient is erased too; who was merged away is not erased alone', async () => {
  const [a, b] = [await chart(), await chart()];
  await site.api('patients').call('MergePatients', {
    idempotency_key: site.key(), into_patient_id: a.id, from_patient_id: b.id, into_version: 1, from_version: 1, reason: 'the same person',
  }, site.tokens.registrar);
  const e = await refused(b.id);
  assert.deepStrictEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'PATIENT_MERGED']);
  await erase(a.id);
  for (const id of [a.id, b.id]) {
    assert.strictEqual(await site.rows('owner_key', `owner_id = ${site.hex(id)}`), 0);
    assert.strictEqual((await site.unread('KIND_PATIENT', id, 'registrar')).code, 'NOT_FOUND');
  }
});

test('it is told in the feed, and in audit with its case', async () => {
  const { id } = await chart();
  await erase(id);
  const change = await until('in the feed', async () => {
    const rows = await site.sql(`SELECT act, HEX(resource_id) FROM feed_change WHERE patient_id = ${site.hex(id)} AND act = 6`);
    return rows.length > 0 && rows;
  });
  assert.strictEqual(change.length, 1);
  const audit = site.ward.client('audit');
  const record = await until('in audit', async () => {
    const { records } = await audit.call('Query', { patient: id, action: '/ward.records.v1.RecordsAdmin/ErasePatient' }, site.tokens.auditor);
    return records[0];
  });
  assert.deepStrictEqual([record.event.outcome, record.event.detail.case, record.event.actor], ['OUTCOME_SUCCESS', 'case/2026-17', 'privacy-officer-1']);
});

test('who is not there is not found; requests out of range are refused by field; others may not', async () => {
  const none = await refused(nobody);
  assert.deepStrictEqual([none.code, none.reason], ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  const rows = [[{ patient_id: 'x' }, 'patient_id'], [{ case_reference: '' }, 'case_reference'], [{ case_reference: 'c'.repeat(65) }, 'case_reference'],
    [{ case_reference: 'a case' }, 'case_reference'], [{ idempotency_key: '' }, 'idempotency_key']];
  for (const [more, field] of rows) {
    const e = await refused(nobody, more);
    assert.deepStrictEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
  }
  const nurse = await refused(nobody, {}, site.tokens.nurse);
  assert.deepStrictEqual([nurse.code, nurse.reason], ['PERMISSION_DENIED', 'ROLE_MISSING']);
  const purpose = await refused(nobody, {}, site.as('privacy-officer', { purpose: 'TREAT' }));
  assert.deepStrictEqual([purpose.code, purpose.reason], ['PERMISSION_DENIED', 'PURPOSE_NOT_ALLOWED']);
});

test('writers and an erasure at once: what was acknowledged before is gone, nothing is written after', async () => {
  const { id } = await chart();
  let done = false;
  const codes = [];
  const writers = Promise.all([0, 1, 2, 3].map(async (i) => {
    while (!done) {
      await (i % 2 ? second : site.records).call('Create', { idempotency_key: site.key(), resource: condition(id) }, site.tokens.physician)
        .catch((err) => codes.push(err.reason));
    }
  }));
  let last;
  try {
    await until('under way', async () => await site.rows('version', `patient_id = ${site.hex(id)} AND kind = 4`) > 5);
    await erase(id);
    [[last]] = await site.sql(`SELECT COUNT(*) FROM version WHERE patient_id = ${site.hex(id)}`);
    await until('refused', () => codes.length > 8);
  } finally {
    done = true; // else they would outlive a failure, and this file with them
  }
  await writers;
  assert.deepStrictEqual([...new Set(codes)].filter((c) => c !== 'PATIENT_ERASED' && c !== 'PATIENT_NOT_FOUND'), []);
  assert.strictEqual(await site.rows('version', `patient_id = ${site.hex(id)}`), Number(last));
  assert.strictEqual(await site.rows('token', `patient_id = ${site.hex(id)}`), 0);
});

test('who is merged into the patient while they are erased is erased too', async () => {
  for (const lower of [true, false]) {
    const [a, b] = [await site.patient(), await site.patient()].sort();
    const [into, from] = lower ? [a, b] : [b, a];
    // As a merge does: both locked in the order of their ids, then pointed; here seconds later.
    const merging = site.sql(`SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION;
SELECT patient_id FROM patient WHERE patient_id IN (${site.hex(a)}, ${site.hex(b)}) ORDER BY patient_id FOR UPDATE;
SELECT SLEEP(4);
UPDATE patient SET root_id = ${site.hex(into)} WHERE root_id = ${site.hex(from)}; COMMIT;`);
    await until('locked', async () => (await Promise.all([a, b].map((id) => site.sql(`SELECT 1 FROM patient WHERE patient_id = ${site.hex(id)} FOR UPDATE SKIP LOCKED`)))).flat().length === 0);
    await Promise.all([merging, erase(into)]);
    for (const id of [into, from]) {
      assert.strictEqual(await site.rows('owner_key', `owner_id = ${site.hex(id)}`), 0);
      assert.strictEqual(await site.rows('patient', `patient_id = ${site.hex(id)} AND erased_at_us IS NOT NULL`), 1);
    }
  }
});

test('erased again, whoever of the chart was left is erased', async () => {
  const [into, from] = [await site.patient(), await site.patient()];
  await erase(into);
  await site.sql(`UPDATE patient SET root_id = ${site.hex(into)} WHERE patient_id = ${site.hex(from)}`);
  await erase(into);
  assert.strictEqual(await site.rows('owner_key', `owner_id = ${site.hex(from)}`), 0);
});
