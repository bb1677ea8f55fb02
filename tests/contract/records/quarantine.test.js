'use strict';
// The quarantine: what could not go in waits for a person, who puts it right and replays it, or
// discards it for good.

const test = require('node:test');
const assert = require('node:assert');
const { Site, uuid, nobody, PURPOSE } = require('./site');
const { bent } = require('../../lib/opaque');

let site;
let exchange;
const admin = () => site.tokens['records-admin'];

test.before(async () => {
  site = await Site.shared();
  exchange = site.api('exchange');
});
test.after(() => site && site.stop());

const entry = (resource) => ({ fullUrl: `urn:uuid:${resource.id}`, resource });
const bundle = (...resources) => ({ resourceType: 'Bundle', type: 'collection', entry: resources.map(entry) });
const person = (id, more = {}) => ({ resourceType: 'Patient', id, name: [{ family: 'Quark' }], birthDate: '1950-01-02', ...more });
const heart = (id, patient, value, more = {}) => ({
  resourceType: 'Observation', id, status: 'final', subject: { reference: `Patient/${patient}` }, effectiveDateTime: '2020-05-06T07:08:09Z',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  valueQuantity: { value, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' }, ...more,
});

async function importBundle(start, what) {
  const call = exchange.duplex('ImportBundle', admin());
  call.write({ start: { source: 'test', ...start } });
  call.write({ chunk: Buffer.from(typeof what === 'string' ? what : JSON.stringify(what)) });
  call.end();
  let last;
  for await (const m of call) last = m;
  return last;
}

// A patient who is in, and an observation of theirs that is not: {patient, id, item}.
async function quarantined({ value = 4321, more = {}, import_id = uuid(), known = true } = {}) {
  const patient = uuid();
  const id = uuid();
  const progress = await importBundle({ import_id }, bundle(...(known ? [person(patient)] : []), heart(id, patient, value, more)));
  assert.strictEqual(progress.quarantined, 1, JSON.stringify(progress.first_problems));
  const { items } = await exchange.call('ListQuarantine', { import_id }, admin());
  assert.strictEqual(items.length, 1);
  return { patient, id, import_id, item: items[0] };
}

const replay = (item, more = {}) => exchange.call('ReplayQuarantined', { idempotency_key: site.key(), item_id: item.item_id, ...more }, admin());
const unreplayed = (item, more = {}, by = admin()) =>
  exchange.failure('ReplayQuarantined', { idempotency_key: site.key(), item_id: item.item_id, ...more }, by);
const got = async (item) => (await exchange.call('GetQuarantined', { item_id: item.item_id }, admin())).item;
const discard = (item, reason = 'not ours') => exchange.call('DiscardQuarantined', { item_id: item.item_id, reason }, admin());

test('an item says where it was, what is wrong and who says so, and its JSON is as it came', async () => {
  const { id, import_id, item } = await quarantined();
  assert.strictEqual(item.position, 'bundle 1, entry 2');
  assert.strictEqual(item.kind, 'KIND_OBSERVATION');
  assert.strictEqual(item.state, 'QUARANTINE_STATE_WAITING');
  assert.strictEqual(item.import_id, import_id);
  assert.strictEqual(item.json, '');
  assert.strictEqual(item.problems.length, 1);
  assert.strictEqual(item.problems[0].reason, 'IMPLAUSIBLE_VALUE');
  assert.strictEqual(item.problems[0].path, 'Observation.valueQuantity');
  assert.match(item.problems[0].source, /10\.1038\/s41597-019-0103-9/);
  assert.doesNotMatch(JSON.stringify(item.problems), /4321/);
  const whole = await got(item);
  assert.strictEqual(JSON.parse(whole.json).id, id);
  assert.strictEqual(JSON.parse(whole.json).valueQuantity.value, 4321);
});

test('what is wrong is not stored, and nothing of it lies in the clear', async () => {
  const { id } = await quarantined({ more: { note: [{ text: 'Zwetschgenknoedel' }] } });
  assert.strictEqual((await site.unread('KIND_OBSERVATION', id, 'physician')).reason, 'RESOURCE_NOT_FOUND');
  const [[found]] = await site.sql("SELECT COUNT(*) FROM quarantine WHERE sealed LIKE '%Zwetschgen%' OR problems LIKE '%plausible%'");
  assert.strictEqual(Number(found), 0);
});

test('an import that is repeated makes no second item', async () => {
  const { patient, id, import_id, item } = await quarantined();
  await importBundle({ import_id }, bundle(person(patient), heart(id, patient, 4321)));
  const { items } = await exchange.call('ListQuarantine', { import_id }, admin());
  assert.deepStrictEqual(items.map((i) => i.item_id), [item.item_id]);
});

test('an import_id that is used again for other bytes loses none of them', async () => {
  const { patient, id, import_id, item } = await quarantined();
  const other = uuid();
  const again = () => importBundle({ import_id }, bundle(person(patient), heart(other, patient, 5555)));
  assert.strictEqual((await again()).quarantined, 1);
  const list = async () => (await exchange.call('ListQuarantine', { import_id, decided_too: true }, admin())).items;
  const items = await list();
  assert.deepStrictEqual(items.map((i) => i.position), ['bundle 1, entry 2', 'bundle 1, entry 2']);
  const read = await Promise.all(items.map(async (i) => JSON.parse((await got(i)).json).id));
  assert.deepStrictEqual(read.sort(), [id, other].sort());
  // The first once decided, neither comes again.
  await discard(item);
  await again();
  await importBundle({ import_id }, bundle(person(patient), heart(id, patient, 4321)));
  assert.deepStrictEqual((await list()).map((i) => i.item_id), items.map((i) => i.item_id));
});

test('what a person put right goes in, and the item keeps what it was', async () => {
  const { id, patient, import_id, item } = await quarantined();
  const fixed = heart(id, patient, 71);
  const answer = await replay(item, { json: JSON.stringify(fixed) });
  assert.deepStrictEqual(answer, { resource_id: id, version: 1 });
  assert.strictEqual(await site.rows('resource', `resource_id = ${site.hex(id)} AND value IS NOT NULL`), 1);
  const whole = await got(item);
  assert.strictEqual(whole.state, 'QUARANTINE_STATE_REPLAYED');
  assert.strictEqual(whole.decided_by, 'records-admin-1');
  assert.strictEqual(JSON.parse(whole.json).valueQuantity.value, 4321);
  const waiting = await exchange.call('ListQuarantine', { import_id }, admin());
  assert.strictEqual(waiting.items.length, 0);
  const decided = await exchange.call('ListQuarantine', { import_id, decided_too: true }, admin());
  assert.strictEqual(decided.items.length, 1);
  await importBundle({ import_id }, bundle(person(patient), fixed));
  assert.strictEqual((await exchange.call('ListQuarantine', { import_id }, admin())).items.length, 0);
});

test('a value that is implausible and so goes in once a person says it', async () => {
  const { id, item } = await quarantined();
  assert.strictEqual((await unreplayed(item)).reason, 'IMPLAUSIBLE_VALUE');
  assert.deepStrictEqual(await replay(item, { plausible: true }), { resource_id: id, version: 1 });
});

test('plausible answers for values alone, not for dates or units', async () => {
  const future = await quarantined({ value: 70, more: { effectiveDateTime: '2999-01-01' } });
  assert.strictEqual((await unreplayed(future.item, { plausible: true })).reason, 'IMPLAUSIBLE_DATE');
  const unit = { value: 70, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' };
  const weighed = await quarantined({ more: { valueQuantity: unit } });
  const err = await unreplayed(weighed.item, { plausible: true });
  assert.deepStrictEqual([err.code, err.reason, err.field], ['FAILED_PRECONDITION', 'UNIT_UNKNOWN', 'Observation.valueQuantity']);
});

test('what lacked its patient goes in as it is once they are there', async () => {
  const { id, patient, item } = await quarantined({ value: 70, known: false });
  assert.strictEqual(item.problems[0].reason, 'PATIENT_NOT_FOUND');
  assert.strictEqual((await unreplayed(item)).reason, 'PATIENT_NOT_FOUND');
  await importBundle({ import_id: uuid() }, bundle(person(patient)));
  assert.deepStrictEqual(await replay(item), { resource_id: id, version: 1 });
});

test('what still breaks a rule is refused as Create would, and stays', async () => {
  const { id, patient, item } = await quarantined();
  const wrong = await unreplayed(item, { json: JSON.stringify({ ...heart(id, patient, 70), status: 'perhaps' }) });
  assert.deepStrictEqual([wrong.code, wrong.reason, wrong.field], ['INVALID_ARGUMENT', 'CODE_UNKNOWN', 'Observation.status']);
  assert.match((await unreplayed(item, { json: '{"resourceType": "Observation", ' })).reason, /^JSON_/);
  assert.match((await unreplayed(item, { json: '{"a": 1, "a": 2}' })).reason, /^JSON_DUPLICATE_KEY/);
  assert.strictEqual((await got(item)).state, 'QUARANTINE_STATE_WAITING');
});

test('two replays at once make one version', async () => {
  const { item } = await quarantined();
  const answers = await Promise.allSettled([1, 2, 3, 4].map(() => replay(item, { plausible: true })));
  const won = answers.filter((a) => a.status === 'fulfilled');
  assert.strictEqual(won.length, 1);
  for (const a of answers.filter((x) => x.status === 'rejected')) assert.strictEqual(a.reason.reason, 'QUARANTINE_DECIDED');
});

test('a replay that is repeated by its key is answered as before', async () => {
  const { item } = await quarantined();
  const idempotency_key = site.key();
  const first = await replay(item, { plausible: true, idempotency_key });
  assert.deepStrictEqual(await replay(item, { plausible: true, idempotency_key }), first);
  assert.strictEqual((await unreplayed(item, { idempotency_key })).reason, 'IDEMPOTENCY_MISMATCH');
  assert.strictEqual((await unreplayed(item)).reason, 'QUARANTINE_DECIDED');
});

test('what is discarded is gone for good, who said so and why stay', async () => {
  const { import_id, item } = await quarantined();
  const before = await site.sql(`SELECT HEX(wrapped) FROM owner_key WHERE owner_id = ${site.hex(item.item_id)}`);
  await discard(item, 'sent by mistake');
  const whole = await got(item);
  assert.strictEqual(whole.state, 'QUARANTINE_STATE_DISCARDED');
  assert.strictEqual(whole.json, '');
  assert.strictEqual(whole.decided_by, 'records-admin-1');
  assert.deepStrictEqual(whole.problems.map((p) => p.reason), ['IMPLAUSIBLE_VALUE', 'DISCARDED']);
  assert.strictEqual(whole.problems[1].text, 'sent by mistake');
  const after = await site.sql(`SELECT HEX(wrapped) FROM owner_key WHERE owner_id = ${site.hex(item.item_id)}`);
  assert.notDeepStrictEqual(after, before);
  assert.strictEqual(await site.rows('quarantine', `item_id = ${site.hex(item.item_id)} AND sealed IS NOT NULL`), 0);
  assert.strictEqual((await unreplayed(item)).reason, 'QUARANTINE_DECIDED');
  await discard(item); // the same person says it twice
  const other = { ...site.as('records-admin', { sub: 'admin-2' }) };
  const err = await exchange.failure('DiscardQuarantined', { item_id: item.item_id, reason: 'x' }, other);
  assert.strictEqual(err.reason, 'QUARANTINE_DECIDED');
  assert.strictEqual((await exchange.call('ListQuarantine', { import_id }, admin())).items.length, 0);
});

test('an entry with more problems than help anybody is cut, and its discarding is told all the same', async () => {
  const bad = { code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] }, valueQuantity: { value: 4321, system: 'http://unitsofmeasure.org', code: 'mm[Hg]' } };
  const { item } = await quarantined({ more: { component: Array.from({ length: 100 }, () => bad) } });
  assert.strictEqual(item.problems.length, 64, JSON.stringify(item.problems));
  await discard(item, 'enough');
  const { problems } = await got(item);
  assert.strictEqual(problems.length, 64);
  assert.deepStrictEqual([problems[63].reason, problems[63].text], ['DISCARDED', 'enough']);
});

test('an erased patient takes what waited about them along', async () => {
  const { patient, item } = await quarantined();
  await site.api('recordsadmin').call('ErasePatient', { idempotency_key: site.key(), patient_id: patient, case_reference: 'case/1' }, site.tokens['privacy-officer']);
  const whole = await got(item);
  assert.strictEqual(whole.json, '');
  assert.deepStrictEqual(whole.problems, []);
  assert.strictEqual((await unreplayed(item, { plausible: true })).reason, 'QUARANTINE_DECIDED');
});

test('pages come oldest first, none twice, and their tokens are of their query and person', async () => {
  const import_id = uuid();
  const patient = uuid();
  const many = Array.from({ length: 7 }, () => heart(uuid(), patient, 5000));
  await importBundle({ import_id }, bundle(person(patient), ...many));
  const seen = [];
  let page_token = '';
  do {
    const page = await exchange.call('ListQuarantine', { import_id, page_size: 3, page_token }, admin());
    seen.push(...page.items.map((i) => i.item_id));
    page_token = page.next_page_token;
  } while (page_token.length > 0);
  assert.strictEqual(seen.length, 7);
  assert.strictEqual(new Set(seen).size, 7);
  const { next_page_token } = await exchange.call('ListQuarantine', { import_id, page_size: 3 }, admin());
  const reason = async (request, by = admin()) => (await exchange.failure('ListQuarantine', { page_size: 3, ...request }, by)).reason;
  assert.strictEqual(await reason({ page_token: next_page_token }), 'PAGE_TOKEN_INVALID');
  assert.strictEqual(await reason({ import_id, decided_too: true, page_token: next_page_token }), 'PAGE_TOKEN_INVALID');
  assert.strictEqual(await reason({ import_id, page_token: next_page_token }, site.as('records-admin', { sub: 'admin-2' })), 'PAGE_TOKEN_INVALID');
  assert.strictEqual(await reason({ import_id, page_token: bent(next_page_token, 3) }), 'PAGE_TOKEN_INVALID');
  assert.strictEqual(await reason({ import_id, page_token: 'x' }), 'PAGE_TOKEN_INVALID');
});

test('requests that make no sense are refused by field', async () => {
  const field = async (method, request) => {
    const err = await exchange.failure(method, request, admin());
    assert.strictEqual(err.code, 'INVALID_ARGUMENT');
    return err.field;
  };
  assert.strictEqual(await field('ListQuarantine', { page_size: 101 }), 'page_size');
  assert.strictEqual(await field('ListQuarantine', { page_size: -1 }), 'page_size');
  assert.strictEqual(await field('ListQuarantine', { import_id: 'x'.repeat(129) }), 'import_id');
  assert.strictEqual(await field('GetQuarantined', { item_id: 'x' }), 'item_id');
  assert.strictEqual(await field('ReplayQuarantined', { item_id: nobody }), 'idempotency_key');
  assert.strictEqual(await field('ReplayQuarantined', { idempotency_key: 'k', item_id: '' }), 'item_id');
  assert.strictEqual(await field('DiscardQuarantined', { item_id: nobody }), 'reason');
  assert.strictEqual(await field('DiscardQuarantined', { item_id: nobody, reason: 'x'.repeat(501) }), 'reason');
  for (const method of ['GetQuarantined', 'ReplayQuarantined', 'DiscardQuarantined']) {
    const err = await exchange.failure(method, { idempotency_key: site.key(), item_id: nobody, reason: 'x' }, admin());
    assert.deepStrictEqual([err.code, err.reason], ['NOT_FOUND', 'QUARANTINE_NOT_FOUND']);
  }
});

test('nobody but who runs the records may look, and every look is told', async () => {
  for (const role of Object.keys(PURPOSE).filter((r) => r !== 'records-admin')) {
    const lists = ['registrar', 'privacy-officer'].includes(role); // reasons, never content
    for (const method of [...(lists ? [] : ['ListQuarantine']), 'GetQuarantined', 'ReplayQuarantined', 'DiscardQuarantined']) {
      const err = await exchange.failure(method, { item_id: nobody }, site.tokens[role]);
      assert.deepStrictEqual([err.code, err.reason], ['PERMISSION_DENIED', 'ROLE_MISSING'], `${role} ${method}`);
    }
  }
  const { patient, item } = await quarantined();
  await got(item);
  const event = await site.lastEvent();
  assert.strictEqual(event.patient, patient);
  assert.match(event.action, /GetQuarantined/);
  assert.strictEqual(event.detail.item, item.item_id);
  assert.strictEqual(await site.rows('seen', `patient_id = ${site.hex(patient)}`), 2); // the import, the look
});

test('of an entry about who was erased no content is kept, and another erasure forgets its problems', async () => {
  const { patient } = await quarantined();
  const erase = () => site.api('recordsadmin').call('ErasePatient', {
    idempotency_key: site.key(), patient_id: patient, case_reference: 'c-1',
  }, site.tokens['privacy-officer']);
  await erase();
  const import_id = uuid();
  const known = heart(uuid(), patient, 72, { code: { text: 'SECRETWORD', coding: [{ system: 'http://loinc.org', code: '8867-4' }] } });
  const wrong = { ...known, id: uuid(), status: 'SECRETWORD' };
  assert.strictEqual((await importBundle({ import_id }, bundle(known, wrong))).quarantined, 2);
  const list = async () => (await exchange.call('ListQuarantine', { import_id }, admin())).items;
  const read = async (item) => (await exchange.call('GetQuarantined', { item_id: item.item_id }, admin())).item;
  assert.deepStrictEqual((await list()).flatMap((i) => i.problems.map((p) => p.reason)).includes('PATIENT_ERASED'), true);
  for (const item of await list()) assert.strictEqual((await read(item)).json, '');
  await erase();
  for (const item of await list()) assert.deepStrictEqual([(await read(item)).json, (await read(item)).problems], ['', []]);
});
