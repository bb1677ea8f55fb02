'use strict';
// History and ReadVersion, with their leaves in the audit log.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { Site, nobody, observation, encounter, note, person, quantity, body, until } = require('./site');
const { bent } = require('../../lib/opaque');

let site, anna;

before(async () => {
  site = await Site.start();
  anna = await site.treated();
});
after(() => site?.stop());

const history = (kind, id, more = {}, by = site.tokens.nurse) => site.records.call('History', { kind, id, ...more }, by);
const beats = (value) => ({ value_quantity: quantity(String(value), '/min') });

// An observation with so many versions; version n says 60 + n.
async function versions(n) {
  let record = await site.create(observation(anna.id, beats(61)), 'nurse');
  for (let i = 2; i <= n; i++) record = await site.update({ observation: { ...record.resource.observation, ...beats(60 + i) } }, i - 1, 'nurse');
  return record.version.resource_id;
}

test('every version is there, newest first, with who made it, and each opens as it was', async () => {
  const id = await versions(5);
  const { records, next_page_token } = await history('KIND_OBSERVATION', id);
  assert.strictEqual(next_page_token.length, 0);
  assert.deepStrictEqual(records.map((r) => r.version.version), [5, 4, 3, 2, 1]);
  assert.deepStrictEqual(records.map((r) => r.version.act), ['ACT_UPDATED', 'ACT_UPDATED', 'ACT_UPDATED', 'ACT_UPDATED', 'ACT_CREATED']);
  assert.deepStrictEqual(records.map((r) => r.resource.observation.value_quantity.value.value), ['65', '64', '63', '62', '61']);
  assert.deepStrictEqual(records.map((r) => r.resource.observation.meta.version_id), ['5', '4', '3', '2', '1']);
  const times = records.map((r) => Number(r.version.written_at_us));
  assert.deepStrictEqual(times, [...times].sort((a, b) => b - a));
  assert.strictEqual(new Set(records.map((r) => r.version.event_id)).size, 5);
  for (const r of records) {
    const one = await site.records.call('ReadVersion', { kind: 'KIND_OBSERVATION', id, version: r.version.version }, site.tokens.nurse);
    assert.deepStrictEqual(one.record, r);
  }
});

test('pages have no gap and no repetition, and versions alone have no resource', async () => {
  const id = await versions(7);
  const seen = [];
  let page_token = '';
  do {
    const page = await history('KIND_OBSERVATION', id, { page_size: 3, page_token, versions_only: true });
    seen.push(...page.records);
    page_token = page.next_page_token;
  } while (page_token.length > 0);
  assert.deepStrictEqual(seen.map((r) => r.version.version), [7, 6, 5, 4, 3, 2, 1]);
  assert.ok(seen.every((r) => r.resource === null && r.version.actor === 'nurse-1'));
});

test('a page token is for its own question and person, and no other', async () => {
  const id = await versions(3);
  const { next_page_token: page_token } = await history('KIND_OBSERVATION', id, { page_size: 1 });
  const other = await versions(2);
  const rows = [
    [{ kind: 'KIND_OBSERVATION', id: other, page_size: 1, page_token }, site.tokens.nurse],
    [{ kind: 'KIND_OBSERVATION', id, page_size: 2, page_token }, site.tokens.nurse],
    [{ kind: 'KIND_OBSERVATION', id, page_size: 1, page_token }, site.as('nurse', { sub: 'nurse-2' })],
    [{ kind: 'KIND_OBSERVATION', id, page_size: 1, page_token: bent(page_token, Buffer.from(page_token, 'base64url').length - 1) }, site.tokens.nurse],
    [{ kind: 'KIND_OBSERVATION', id, page_size: 1, page_token: 'no token' }, site.tokens.nurse],
  ];
  for (const [request, who] of rows) {
    const e = await site.records.failure('History', request, who);
    assert.deepStrictEqual([e.code, e.reason], ['INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID']);
  }
  assert.deepStrictEqual((await history('KIND_OBSERVATION', id, { page_size: 1, page_token })).records.map((r) => r.version.version), [2]);
});

test('a page of large notes is shorter than asked for, and the rest follows', async () => {
  const text = 'x'.repeat(600 * 1024);
  let record = await site.create(note(anna.id, `${text}1`), 'nurse');
  for (let i = 2; i <= 10; i++) record = await site.update(note(anna.id, `${text}${i}`, { id: record.version.resource_id }), i - 1, 'nurse');
  const seen = [];
  let page_token = '';
  let pages = 0;
  do {
    const page = await history('KIND_DOCUMENT_REFERENCE', record.version.resource_id, { page_size: 10, page_token });
    seen.push(...page.records.map((r) => r.resource.document_reference.content[0].attachment.data.subarray(text.length).toString()));
    page_token = page.next_page_token;
    pages++;
  } while (page_token.length > 0);
  assert.deepStrictEqual(seen, ['10', '9', '8', '7', '6', '5', '4', '3', '2', '1']);
  assert.ok(pages >= 2, `${pages} page`);
});

test('a version has its leaf in the audit log once audit has it, and the leaf is its event\'s', async () => {
  const id = await versions(2);
  const auditor = site.as('auditor');
  const audit = site.ward.client('audit');
  const records = await until('in audit', async () => {
    const page = await history('KIND_OBSERVATION', id, { with_leaves: true });
    return page.records.every((r) => r.version.has_leaf) && page.records;
  });
  for (const { version } of records) {
    const { receipt } = await audit.call('GetReceipt', { event_id: version.event_id }, auditor);
    assert.strictEqual(receipt.index, version.leaf_index);
    const event = site.eventType.decode(receipt.content.event);
    assert.deepStrictEqual([event.patient, event.detail.resource, event.detail.version], [anna.id, id, String(version.version)]);
    const one = await site.records.call('ReadVersion', { kind: 'KIND_OBSERVATION', id, version: version.version, with_leaf: true }, site.tokens.nurse);
    assert.deepStrictEqual([one.record.version.has_leaf, one.record.version.leaf_index], [true, version.leaf_index]);
  }
  const without = await history('KIND_OBSERVATION', id);
  assert.ok(without.records.every((r) => !r.version.has_leaf));
});

test('requests out of range are refused by field, and what is not there is not found', async () => {
  const id = await versions(1);
  const rows = [
    ['History', { kind: 'KIND_OBSERVATION', id, page_size: -1 }, 'INVALID_ARGUMENT', '', 'page_size'],
    ['History', { kind: 'KIND_OBSERVATION', id, page_size: 101 }, 'INVALID_ARGUMENT', '', 'page_size'],
    ['History', { kind: 'KIND_OBSERVATION', id: 'x' }, 'INVALID_ARGUMENT', '', 'id'],
    ['History', { id }, 'INVALID_ARGUMENT', '', 'kind'],
    ['History', { kind: 'KIND_OBSERVATION', id: nobody }, 'NOT_FOUND', 'RESOURCE_NOT_FOUND', undefined],
    ['History', { kind: 'KIND_ENCOUNTER', id }, 'NOT_FOUND', 'RESOURCE_NOT_FOUND', undefined],
    ['ReadVersion', { kind: 'KIND_OBSERVATION', id, version: 0 }, 'INVALID_ARGUMENT', '', 'version'],
    ['ReadVersion', { kind: 'KIND_OBSERVATION', id, version: 2 }, 'NOT_FOUND', 'VERSION_NOT_FOUND', undefined],
    ['ReadVersion', { kind: 'KIND_OBSERVATION', id: nobody, version: 1 }, 'NOT_FOUND', 'RESOURCE_NOT_FOUND', undefined],
  ];
  for (const [method, request, code, reason, field] of rows) {
    const e = await site.records.failure(method, request, site.tokens.nurse);
    assert.deepStrictEqual([method, e.code, e.field], [method, code, field], e.message);
    if (reason) assert.strictEqual(e.reason, reason);
  }
});

test('who may not see the current version sees none of the earlier ones', async () => {
  const stranger = site.as('nurse', { sub: 'nurse-9', ward: 'icu' });
  const id = await versions(2);
  for (const [method, more] of [['History', {}], ['ReadVersion', { version: 1 }]]) {
    const e = await site.records.failure(method, { kind: 'KIND_OBSERVATION', id, ...more }, stranger);
    assert.deepStrictEqual([e.code, e.reason], ['NOT_FOUND', 'RESOURCE_NOT_FOUND']);
  }
});

test('a clock that goes back does not make a version older than the one before', async () => {
  const made = await site.create(person());
  const { id } = made.resource.patient;
  await site.sql(`UPDATE resource SET written_at_us = written_at_us + 3600000000 WHERE resource_id = ${site.hex(id)}`);
  const ahead = Number((await site.sql(`SELECT written_at_us FROM resource WHERE resource_id = ${site.hex(id)}`))[0][0]);
  const next = await site.update(made.resource, 1);
  assert.strictEqual(Number(next.version.written_at_us), ahead);
});

test('a closed encounter opens the chart no more', async () => {
  const bert = await site.treated('icu');
  const there = site.as('nurse', { ward: 'icu' });
  const made = await site.create(observation(bert.id), there);
  const now = (await site.read('KIND_ENCOUNTER', bert.encounter, 'registrar')).record;
  await site.update({ encounter: { ...body(now.resource), status: 'STATUS_FINISHED' } }, 1);
  assert.strictEqual((await site.unread('KIND_OBSERVATION', made.version.resource_id, there)).code, 'NOT_FOUND');
  const again = await site.create(encounter(bert.id, 'icu'));
  assert.strictEqual((await site.read('KIND_OBSERVATION', made.version.resource_id, there)).record.version.version, 1);
  await site.update({ encounter: { ...body(again.resource), location: [{ location: { reference: 'Location/ward-8' } }] } }, 1);
  assert.strictEqual((await site.unread('KIND_OBSERVATION', made.version.resource_id, there)).code, 'NOT_FOUND');
});

test('leaves cannot be given while audit is away, and the rest can', async () => {
  const id = await versions(1);
  await site.ward.services.audit.stop();
  for (const [method, more] of [['History', { with_leaves: true }], ['ReadVersion', { version: 1, with_leaf: true }]]) {
    const e = await site.records.failure(method, { kind: 'KIND_OBSERVATION', id, ...more }, { ...site.tokens.nurse, deadline: 3000 });
    assert.deepStrictEqual([e.code, e.reason], ['UNAVAILABLE', 'AUDIT_AWAY']);
  }
  assert.strictEqual((await history('KIND_OBSERVATION', id)).records.length, 1);
});
