'use strict';
// SearchMany: the same answers as Search gives one by one, of one moment, under one audit event, and no way around what Search refuses.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site, observation, condition, allergy, note, coded, loinc } = require('./site');

let site, a, b;
before(async () => {
  site = await Site.start({ services: ['records'] });
  a = await site.treated('ward-3');
  b = await site.treated('icu');
  for (const code of ['8867-4', '8867-4', '29463-7']) await site.create(observation(a.id, { code: loinc(code) }), 'nurse');
  await site.create(condition(a.id), 'physician');
  await site.create(allergy(a.id), 'physician');
  await site.create(observation(b.id), site.as('nurse', { ward: 'icu' }));
});
after(() => site.stop());

const of = (id, kind, ...more) => ({ kind, parameters: [{ name: 'patient', values: [id] }, ...more] });
const KINDS = ['KIND_ENCOUNTER', 'KIND_OBSERVATION', 'KIND_CONDITION', 'KIND_ALLERGY_INTOLERANCE'];
const questions = () => [
  ...KINDS.map((k) => of(a.id, k)), of(a.id, 'KIND_OBSERVATION', { name: 'code', values: ['http://loinc.org|8867-4'] }),
  { ...of(a.id, 'KIND_OBSERVATION'), page_size: 1, total: 'TOTAL_BOUNDED' }, of(a.id, 'KIND_MEDICATION_STATEMENT'),
];
const many = (searches, by = 'nurse') => site.records.call('SearchMany', { searches }, typeof by === 'string' ? site.tokens[by] : by);
const refused = (searches, by = site.tokens.nurse) => site.records.failure('SearchMany', { searches }, by);

test('each answer is what Search gives', async () => {
  const { results } = await many(questions());
  for (const [i, q] of questions().entries()) {
    const alone = await site.records.call('Search', q, site.tokens.nurse);
    assert.deepStrictEqual(results[i].records, alone.records);
    assert.strictEqual(results[i].total, alone.total);
    assert.strictEqual(results[i].next_page_token.length > 0, alone.next_page_token.length > 0);
  }
  assert.deepStrictEqual(results.map((r) => r.records.length), [1, 3, 1, 1, 2, 1, 0]);
});

test('its page tokens are good for Search', async () => {
  const q = { ...of(a.id, 'KIND_OBSERVATION'), page_size: 2 };
  const { results: [first] } = await many([q]);
  const second = await site.records.call('Search', { ...q, page_token: first.next_page_token }, site.tokens.nurse);
  const all = await site.records.call('Search', of(a.id, 'KIND_OBSERVATION'), site.tokens.nurse);
  assert.deepStrictEqual([...first.records, ...second.records], all.records);
});

test('one event a call names the patient and the kinds', async () => {
  const before2 = (await site.outbox()).length;
  await many(questions());
  const events = (await site.outbox()).slice(before2);
  assert.strictEqual(events.length, 1);
  assert.strictEqual(events[0].patient, a.id);
  assert.strictEqual(events[0].detail.kinds, 'Encounter,Observation,Condition,AllergyIntolerance,MedicationStatement');
});

test('who may not see the patient finds nothing, as with Search', async () => {
  const { results } = await many(questions(), site.as('nurse', { ward: 'ward-9' }));
  assert.ok(results.every((r) => r.records.length === 0 && r.next_page_token.length === 0));
});

test('a kind that a role may not read refuses the whole call', async () => {
  const q = KINDS.map((k) => of(a.id, k));
  const alone = await Promise.all(q.map((x) => site.records.failure('Search', x, site.tokens.auditor)));
  const e = await refused(q, site.tokens.auditor);
  assert.deepStrictEqual([e.code, e.reason], [alone[0].code, alone[0].reason]);
});

test('what is malformed is refused by its place', async () => {
  const good = of(a.id, 'KIND_OBSERVATION');
  const field = async (searches) => {
    const e = await refused(searches);
    assert.strictEqual(e.code, 'INVALID_ARGUMENT');
    return e.fields?.[0] ?? e.field;
  };
  assert.match(String(await field([])), /searches/);
  assert.match(String(await field(Array.from({ length: 33 }, () => good))), /searches/);
  assert.match(String(await field([good, of(b.id, 'KIND_OBSERVATION')])), /searches\[1\]/);
  assert.match(String(await field([{ kind: 'KIND_OBSERVATION', parameters: [] }])), /searches\[0\]/);
  assert.match(String(await field([good, { kind: 'KIND_ORGANIZATION', parameters: good.parameters }])), /searches\[1\]/);
  const { next_page_token } = await site.records.call('Search', { ...good, page_size: 1 }, site.tokens.nurse);
  assert.match(String(await field([{ ...good, page_size: 1, page_token: next_page_token }])), /searches\[0\]/);
  const unknown = await refused([good, of(a.id, 'KIND_OBSERVATION', { name: 'colour', values: ['red'] })]);
  assert.deepStrictEqual([unknown.code, unknown.reason], ['INVALID_ARGUMENT', 'PARAMETER_UNKNOWN']);
});

test('answers too large for one message are refused whole, and Search still gives them', async () => {
  const { id } = await site.treated('ward-3');
  for (let i = 0; i < 4; i++) await site.create(note(id, 'y'.repeat(1000000)), 'physician');
  const q = { ...of(id, 'KIND_DOCUMENT_REFERENCE'), page_size: 2 };
  const e = await refused([q, q], site.tokens.physician);
  assert.deepStrictEqual([e.code, e.reason], ['RESOURCE_EXHAUSTED', 'RESPONSE_TOO_LARGE']);
  assert.strictEqual((await site.records.call('Search', q, site.tokens.physician)).records.length, 2);
});
