'use strict';
// Attachments: put and got in parts, once a patient, named by resources, hidden with them.

const assert = require('node:assert');
const crypto = require('node:crypto');
const { test, before, after } = require('node:test');
const { Site, nobody, note, consent, person, coded } = require('./site');

let site, anna;

before(async () => {
  site = await Site.shared();
  anna = await site.treated();
});
after(() => site?.stop());

const MIB = 1 << 20;
const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const urlOf = (bytes) => `urn:sha-256:${sha256(bytes)}`;

// start: AttachmentStart, or null for none; chunks as they are.
function put(start, chunks, by = site.tokens.nurse) {
  const call = site.records.duplex('PutAttachment', { ...by, deadline: 60000 });
  call.answer.catch(() => {}); // awaited below
  if (start) call.write({ start: { patient_id: anna.id, content_type: 'application/pdf', sha256: sha256(Buffer.concat(chunks)), ...start } });
  for (const chunk of chunks) call.write({ chunk });
  call.end();
  return call.answer;
}

async function refused(start, chunks, by) {
  try {
    await put(start, chunks, by);
  } catch (err) {
    return err;
  }
  throw new Error('it was taken');
}

async function get(url, by = site.tokens.nurse, patient_id = anna.id) {
  const got = { chunks: [] };
  for await (const m of site.records.stream('GetAttachment', { patient_id, url }, by)) {
    if (got.chunks.length === 0) Object.assign(got, { content_type: m.content_type, size: m.size });
    got.chunks.push(m.chunk);
  }
  return { ...got, bytes: Buffer.concat(got.chunks) };
}

const unseen = (url, by, patient_id) => get(url, by, patient_id).then(() => { throw new Error('it was given'); }, (err) => err);
const naming = (bytes, patient = anna.id, more = {}) => note(patient, '', {
  content: [{ attachment: { content_type: 'application/pdf', url: urlOf(bytes), title: 'a scan' } }], ...more,
});

test('what was put is got, whatever the parts, from one byte to 32 MiB', async () => {
  const sizes = [[1], [MIB], [MIB, 1], [7, MIB, 99], [300000, 900000, 900000], Array(32).fill(MIB)];
  for (const parts of sizes) {
    const chunks = parts.map((n) => crypto.randomBytes(n));
    const bytes = Buffer.concat(chunks);
    assert.deepStrictEqual(await put({}, chunks), { url: urlOf(bytes), size: bytes.length });
    const made = await site.create(naming(bytes), 'nurse');
    assert.strictEqual(made.resource.document_reference.content[0].attachment.url, urlOf(bytes));
    const got = await get(urlOf(bytes));
    assert.deepStrictEqual([got.content_type, got.size], ['application/pdf', bytes.length]);
    assert.ok(got.bytes.equals(bytes));
    assert.ok(got.chunks.every((c) => c.length <= MIB));
  }
});

test('twice is once, and the first content type stays', async () => {
  const bytes = Buffer.from('the same');
  await put({ content_type: 'text/plain' }, [bytes]);
  await put({ content_type: 'text/html' }, [bytes]);
  assert.strictEqual(await site.rows('attachment', `sha256 = X'${sha256(bytes)}'`), 1);
  await site.create(naming(bytes), 'nurse');
  assert.strictEqual((await get(urlOf(bytes))).content_type, 'text/plain');
});

test('a resource may name only what was put for its patient', async () => {
  const bert = await site.treated();
  const bytes = Buffer.from('put for bert');
  await put({ patient_id: bert.id }, [bytes]);
  const e = await site.refused(naming(bytes), 'nurse');
  assert.deepStrictEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'ATTACHMENT_UNKNOWN']);
  await site.create(naming(bytes, bert.id), 'nurse');
  assert.strictEqual((await unseen(urlOf(bytes))).reason, 'ATTACHMENT_NOT_FOUND');
  const elsewhere = note(anna.id, '', { content: [{ attachment: { url: 'https://pacs.example.org/1' } }] });
  assert.strictEqual((await site.create(elsewhere, 'nurse')).version.version, 1);
});

test('nobody sees one that no resource names, or only resources they may not see', async () => {
  const bytes = Buffer.from('of a hidden note');
  await put({}, [bytes]);
  assert.strictEqual((await unseen(urlOf(bytes))).reason, 'ATTACHMENT_NOT_FOUND');
  const psy = { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }] };
  await site.create(naming(bytes, anna.id, { meta: psy }), 'nurse');
  assert.ok((await get(urlOf(bytes))).bytes.equals(bytes));
  const deny = consent(anna.id, {
    type: 'PROVISION_TYPE_PERMIT',
    provision: [{
      type: 'PROVISION_TYPE_DENY', security_label: psy.security,
      actor: [{ reference: { reference: 'Practitioner/nurse-1' }, role: coded('http://terminology.hl7.org/CodeSystem/v3-ParticipationType', 'PRCP') }],
    }],
  });
  await site.create(deny);
  assert.strictEqual((await unseen(urlOf(bytes))).reason, 'ATTACHMENT_NOT_FOUND');
  assert.ok((await get(urlOf(bytes), site.as('nurse', { sub: 'nurse-2' }))).bytes.equals(bytes));
  assert.strictEqual((await unseen(urlOf(bytes), site.as('nurse', { sub: 'nurse-3', ward: 'icu' }))).code, 'NOT_FOUND');
  assert.ok((await get(urlOf(bytes), site.as('patient', { sub: anna.id }))).bytes.equals(bytes));
});

test('what an earlier version named stays to be had by who may see the history', async () => {
  const bytes = Buffer.from('replaced later');
  await put({}, [bytes]);
  const made = await site.create(naming(bytes), 'nurse');
  await site.update(note(anna.id, 'no scan any more', { id: made.version.resource_id }), 1, 'nurse');
  assert.ok((await get(urlOf(bytes))).bytes.equals(bytes));
});

test('bytes, types and times do not lie in the clear', async () => {
  const bytes = Buffer.from('an inimitable x-ray');
  await put({ content_type: 'application/x-inimitable' }, [bytes]);
  for (const table of ['attachment', 'attachment_part']) {
    const columns = (await site.sql(`SHOW COLUMNS FROM ${table}`)).map(([c]) => `HEX(\`${c}\`)`).join(", ' ', ");
    const text = (await site.sql(`SELECT CONCAT_WS('', ${columns}) FROM ${table}`))
      .map(([h]) => Buffer.from(h.replaceAll(' ', ''), 'hex').toString('latin1')).join('\n');
    assert.ok(!text.includes('inimitable'), table);
  }
});

test('a stream that is not one attachment is refused, and leaves nothing', async () => {
  const before2 = await site.rows('attachment');
  const one = Buffer.from('x');
  const rows = [
    [null, [one], 'start'], [{}, [], 'chunk'], [{ patient_id: 'x' }, [one], 'start.patient_id'], [{ sha256: 'abc' }, [one], 'start.sha256'],
    [{ content_type: '' }, [one], 'start.content_type'], [{ content_type: 'pdf' }, [one], 'start.content_type'],
    [{ content_type: `text/${'x'.repeat(130)}` }, [one], 'start.content_type'], [{ content_type: 'text/\n' }, [one], 'start.content_type'],
    [{}, [Buffer.alloc(MIB + 1)], 'chunk'], [{}, [Buffer.alloc(0)], 'chunk'],
    [{ sha256: 'a'.repeat(64) }, [...Array(32).fill(Buffer.alloc(MIB)), one], 'chunk'],
  ];
  for (const [start, chunks, field] of rows) {
    const e = await refused(start, chunks);
    assert.deepStrictEqual([e.code, e.field], ['INVALID_ARGUMENT', field], e.message);
  }
  const twice = site.records.duplex('PutAttachment', site.tokens.nurse);
  const start = { patient_id: anna.id, content_type: 'text/plain', sha256: sha256(one) };
  for (let i = 0; i < 2; i++) twice.write({ start });
  twice.end();
  await assert.rejects(twice.answer, (e) => e.code === 'INVALID_ARGUMENT' && e.field === 'start');
  const differs = await refused({ sha256: 'a'.repeat(64) }, [one]);
  assert.deepStrictEqual([differs.code, differs.reason], ['INVALID_ARGUMENT', 'HASH_DIFFERS']);
  assert.strictEqual(await site.rows('attachment'), before2);
});

test('one is put only for a patient the caller may write to, and a registrar may put a consent form', async () => {
  const one = [Buffer.from('form')];
  const bert = (await site.create(person())).version.patient_id;
  for (const patient_id of [bert, nobody]) {
    const e = await refused({ patient_id }, one);
    assert.deepStrictEqual([e.code, e.reason], ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  }
  await put({ patient_id: bert }, one, site.tokens.registrar);
  const form = consent(bert, { type: 'PROVISION_TYPE_PERMIT' }, { source_attachment: { content_type: 'application/pdf', url: urlOf(one[0]) } });
  assert.strictEqual((await site.create(form)).resource.consent.source_attachment.url, urlOf(one[0]));
  const e = await refused({}, one, site.as('patient', { sub: anna.id }));
  assert.strictEqual(e.code, 'PERMISSION_DENIED');
});

test('requests for attachments out of range are refused by field', async () => {
  const rows = [[{ patient_id: 'x', url: `urn:sha-256:${'a'.repeat(64)}` }, 'patient_id'], [{ patient_id: anna.id, url: 'https://x' }, 'url'],
    [{ patient_id: anna.id, url: `urn:sha-256:${'g'.repeat(64)}` }, 'url'], [{ patient_id: anna.id, url: `urn:sha-256:${'a'.repeat(63)}` }, 'url']];
  for (const [q, field] of rows) {
    const e = await unseen(q.url, site.tokens.nurse, q.patient_id);
    assert.deepStrictEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
  }
});

test('each put and get is an event about the patient', async () => {
  const bytes = Buffer.from('told');
  await put({}, [bytes]);
  let event = await site.lastEvent();
  assert.deepStrictEqual([event.action, event.patient, event.detail.bytes], ['/ward.records.v1.Records/PutAttachment', anna.id, '4']);
  await unseen(urlOf(bytes));
  event = await site.lastEvent();
  assert.deepStrictEqual([event.action, event.patient, event.outcome], ['/ward.records.v1.Records/GetAttachment', anna.id, 'OUTCOME_FAILURE']);
  await site.create(naming(bytes), 'nurse');
  await get(urlOf(bytes));
  event = await site.lastEvent();
  assert.deepStrictEqual([event.action, event.patient, event.outcome], ['/ward.records.v1.Records/GetAttachment', anna.id, 'OUTCOME_SUCCESS']);
});

test('nobody comes to see one by naming it: only who put it, or sees what names it, may', async () => {
  const bert = await site.treated();
  const bytes = Buffer.from('a psychiatric report');
  await put({ patient_id: bert.id }, [bytes], site.tokens.physician);
  const unknown = async (by) => {
    const e = await site.refused(naming(bytes, bert.id), by);
    assert.deepStrictEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'ATTACHMENT_UNKNOWN']);
    return e.message;
  };
  const before2 = await unknown('nurse');
  const psy = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }];
  await site.create(naming(bytes, bert.id, { meta: { security: psy } }), 'physician');
  await site.create(naming(bytes, bert.id, { meta: { security: psy } }), site.as('nurse', { sub: 'nurse-2' }));
  const role = coded('http://terminology.hl7.org/CodeSystem/v3-ParticipationType', 'PRCP');
  await site.create(consent(bert.id, {
    type: 'PROVISION_TYPE_PERMIT',
    provision: [{ type: 'PROVISION_TYPE_DENY', security_label: psy, actor: [{ reference: { reference: 'Practitioner/nurse-1' }, role }] }],
  }));
  assert.strictEqual(await unknown('nurse'), before2);
  const plain = await site.create(note(bert.id, 'nothing yet'), 'nurse');
  const e = await site.records.failure('Update', {
    idempotency_key: site.key(), resource: naming(bytes, bert.id, { id: plain.version.resource_id }), expected_version: 1,
  }, site.tokens.nurse);
  assert.strictEqual(e.reason, 'ATTACHMENT_UNKNOWN');
  assert.strictEqual((await unseen(urlOf(bytes), site.tokens.nurse, bert.id)).reason, 'ATTACHMENT_NOT_FOUND');
  await put({ patient_id: bert.id }, [bytes], site.tokens.nurse);
  await site.create(naming(bytes, bert.id), 'nurse');
  assert.ok((await get(urlOf(bytes), site.tokens.nurse, bert.id)).bytes.equals(bytes));
});

test('one whose row was changed, or that lost a part, is not given as if it were whole', async () => {
  for (const change of ['UPDATE attachment SET size = 1', 'UPDATE attachment SET size = 1048576', 'DELETE FROM attachment_part']) {
    const bytes = crypto.randomBytes(2.5 * MIB);
    await put({}, [bytes.subarray(0, MIB), bytes.subarray(MIB, 2 * MIB), bytes.subarray(2 * MIB)]);
    await site.create(naming(bytes), 'nurse');
    await site.sql(`${change} WHERE sha256 = X'${sha256(bytes)}'${change.startsWith('DELETE') ? ' AND part = 2' : ''}`);
    const e = await unseen(urlOf(bytes));
    assert.deepStrictEqual([e.code, e.reason], ['DATA_LOSS', 'RECORD_UNREADABLE'], change);
  }
});
