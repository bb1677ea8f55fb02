'use strict';
// AccessLog: who saw my record. Complete, proved by an RFC 9162 check of our own (tests/lib/tree.js), and not
// fooled by a log from which something was taken.

const test = require('node:test');
const assert = require('node:assert/strict');
const tree = require('../../lib/tree');
const { Site, until, uuid, nobody, person, encounter, observation, condition, consent } = require('./site');
const { bent, idHex } = require('../../lib/opaque');

const METHOD = { Records: 'ward.records.v1.Records', RecordsAccess: 'ward.records.v1.RecordsAccess', Patients: 'ward.records.v1.Patients', Audit: 'ward.audit.v1.Audit' };

test('AccessLog', async (t) => {
  const site = await Site.start({ services: ['audit', 'records'] });
  t.after(() => site.stop());
  const access = site.api('recordsaccess');
  const audit = site.ward.client('audit');
  const auditor = site.tokens.auditor;
  const own = (id) => site.as('patient', { sub: id });
  const log = (patient_id, by = own(patient_id), more = {}) => access.call('AccessLog', { patient_id, page_size: 200, ...more }, by);
  const path = (service, method) => `/${METHOD[service]}/${method}`;
  const emptied = () => until('empty: the outbox', async () => (await site.rows('ward_outbox')) === 0);
  const short = (e) => `${e.action.split('/').pop()} ${e.actor} ${e.outcome}`;

  // A patient with an open encounter in ward-3 and an observation, everything in audit.
  async function chart() {
    const { id, encounter: e } = await site.treated();
    const O = (await site.create(observation(id), site.as('physician'))).version.resource_id;
    await emptied();
    return { id, e, O };
  }

  await t.test('names every act on the patient: by whom, when, what for, by way of which service', async () => {
    const id = await site.patient();
    const begun = Date.now() * 1000;
    const expected = ['Create registrar-1 SUCCESS'];
    const did = async (what, promise) => { expected.unshift(what); return promise; };
    const e = (await did('Create registrar-1 SUCCESS', site.create(encounter(id)))).version.resource_id;
    const made = await did('Create physician-1 SUCCESS', site.create(observation(id), 'physician'));
    const O = made.version.resource_id;
    await did('Read nurse-1 SUCCESS', site.read('KIND_OBSERVATION', O));
    await did('Read pharmacist-1 SUCCESS', site.read('KIND_ENCOUNTER', e, 'pharmacist'));
    await did('Update physician-1 SUCCESS', site.update(made.resource, 1, 'physician'));
    await did('Search nurse-1 SUCCESS', site.records.call('Search', { kind: 'KIND_OBSERVATION', parameters: [{ name: '_id', values: [O] }] }, site.tokens.nurse));
    await did('ListMerges registrar-1 SUCCESS', site.api('patients').call('ListMerges', { patient_id: id }, site.tokens.registrar));
    await did('BreakGlass nurse-7 SUCCESS', access.call('BreakGlass', {
      idempotency_key: site.key(), patient_id: id, reason: 'GLASS_REASON_SAFETY', explanation: 'allergic to something, must know',
    }, site.as('nurse', { sub: 'nurse-7', ward: 'icu' })));
    // Refused tries, and failed ones.
    await did('Read nurse-8 FAILURE', site.unread('KIND_OBSERVATION', O, site.as('nurse', { sub: 'nurse-8', ward: 'icu' })));
    const unseen = await did('Search nurse-8 SUCCESS', site.records.call('Search',
      { kind: 'KIND_OBSERVATION', parameters: [{ name: '_id', values: [O, nobody] }] }, site.as('nurse', { sub: 'nurse-8', ward: 'icu' })));
    assert.deepEqual([unseen.records.length, unseen.total], [0, 0]);
    await did('Create nurse-1 REFUSED', site.refused(condition(id), 'nurse'));
    await did('Create physician-8 FAILURE', site.refused(condition(id), site.as('physician', { sub: 'physician-8', ward: 'icu' })));
    await did('BreakGlass nurse-1 FAILURE', access.failure('BreakGlass', { idempotency_key: site.key(), patient_id: id, reason: 1, explanation: 'short' }, site.tokens.nurse));
    await emptied();
    const { entries, pending, next_page_token } = await log(id);
    assert.deepEqual(entries.map(short), expected);
    assert.equal(pending, 0);
    assert.equal(next_page_token.length, 0);
    const read = entries.find((x) => short(x) === 'Read nurse-1 SUCCESS');
    assert.deepEqual([read.action, read.peer, read.service, read.purpose, read.in_audit, read.glass_id], [path('Records', 'Read'), 'wardctl', 'records', 'TREAT', true, '']);
    for (const x of entries) assert.ok(Number(x.at_us) > begun - 60e6 && Number(x.at_us) < Date.now() * 1000 + 60e6, short(x));
    const [refused] = entries.filter((x) => x.outcome === 'REFUSED');
    assert.equal(refused.action, path('Records', 'Create'));
  });

  await t.test('a refused try in a batch, or under another\'s name, is told to whom the chart is of', async () => {
    const { id, O } = await chart();
    const other = await site.patient();
    const spy = site.as('nurse', { sub: 'spy', ward: 'icu' });
    const resource = { observation: { ...observation(other).observation, id: O } };
    const mark = { kind: 'KIND_OBSERVATION', id: O, expected_version: 1, reason: 'x' };
    const tries = [
      ['Batch', { entries: [{ mark_entered_in_error: mark }] }],
      ['Batch', { entries: [{ update: { resource, expected_version: 1 } }] }],
      ['Batch', { entries: [{ create: { resource: observation(id) } }] }],
      ['Update', { resource, expected_version: 1 }],
      ['MarkEnteredInError', mark],
    ];
    for (const [method, request] of tries) {
      assert.equal((await site.records.failure(method, { idempotency_key: site.key(), ...request }, spy)).code, 'NOT_FOUND', method);
    }
    // Of what is not there nobody hears.
    const nothing = { resource: { observation: { ...resource.observation, id: uuid() } }, expected_version: 1 };
    await site.records.failure('Update', { idempotency_key: site.key(), ...nothing }, spy);
    await site.records.failure('Batch', { idempotency_key: site.key(), entries: [{ update: nothing }] }, spy);
    await emptied();
    const of = async (patient) => (await log(patient)).entries.map(short).filter((e) => e.includes('spy')).reverse();
    assert.deepEqual(await of(id), tries.map(([method]) => `${method} spy FAILURE`));
    assert.deepEqual(await of(other), []);
  });

  await t.test('says which broken glass an act was under', async () => {
    const { id, O } = await chart();
    const nurse = site.as('nurse', { sub: 'nurse-20', ward: 'icu' });
    const { glass_id } = await access.call('BreakGlass', {
      idempotency_key: site.key(), patient_id: id, reason: 'GLASS_REASON_EMERGENCY', explanation: 'unconscious, no relatives here',
    }, nurse);
    await site.read('KIND_OBSERVATION', O, nurse);
    await site.create(observation(id), nurse);
    await site.read('KIND_OBSERVATION', O, 'nurse'); // who treats needs none
    await emptied();
    const { entries } = await log(id);
    assert.deepEqual(entries.slice(0, 4).map((e) => e.glass_id), ['', glass_id, glass_id, glass_id]);
  });

  await t.test('tells of those who asked it, and of audit\'s own answers', async () => {
    const { id } = await chart();
    await log(id);
    await log(id, site.tokens['privacy-officer']);
    await emptied();
    const mine = (await log(id)).entries.map((e) => `${e.service} ${short(e)}`);
    assert.ok(mine.includes(`records AccessLog ${id} SUCCESS`));
    assert.ok(mine.includes('records AccessLog privacy-officer-1 SUCCESS'));
    assert.ok(mine.includes(`audit QueryPatient ${id} SUCCESS`));
    assert.ok(mine.includes('audit QueryPatient privacy-officer-1 SUCCESS'));
  });

  await t.test('tells of what other services did', async () => {
    const { id } = await chart();
    const identity = site.ward.client('audit', { as: 'identity' });
    const event_id = uuid();
    await identity.call('Append', { events: [{
      event_id, occurred_at_us: String(Date.now() * 1000), service: 'identity', action: '/ward.identity.v1.Identity/Verify', outcome: 'OUTCOME_REFUSED',
      actor: 'nurse-1', peer: 'gateway', patient: id, purpose: 'TREAT',
    }] });
    const [e] = (await log(id)).entries;
    assert.deepEqual([e.service, short(e), e.peer], ['identity', 'Verify nurse-1 REFUSED', 'gateway']);
    assert.deepEqual(e.event_id, event_id);
  });

  await t.test('each entry\'s receipt proves it under the checkpoint\'s log', async () => {
    const { id, O } = await chart();
    await site.read('KIND_OBSERVATION', O);
    await emptied();
    const { entries, checkpoint } = await log(id);
    const vkeys = (await audit.call('ListKeys')).keys.map((k) => k.vkey);
    const head = tree.checkpoint(checkpoint, vkeys);
    assert.equal(head.signers.length, 1);
    assert.ok(entries.length >= 4);
    for (const e of entries) {
      const index = Number(e.leaf_index);
      assert.ok(e.in_audit && index < head.size);
      const { receipt } = await audit.call('GetReceipt', { event_id: e.event_id }, auditor);
      assert.equal(Number(receipt.index), index);
      const signed = tree.checkpoint(receipt.checkpoint, vkeys);
      assert.equal(signed.signers.length, 1);
      assert.deepEqual(tree.rootOfProof(index, signed.size, tree.leafHash(receipt.leaf), receipt.proof), signed.root);
      const { leaf_hash, proof } = await audit.call('GetInclusionProof', { index, size: head.size });
      assert.deepEqual(leaf_hash, tree.leafHash(receipt.leaf));
      assert.deepEqual(tree.rootOfProof(index, head.size, leaf_hash, proof), head.root);
      const event = site.eventType.decode(receipt.content.event);
      assert.deepEqual([event.patient, event.action, event.actor, Number(event.occurred_at_us)], [id, e.action, e.actor, Number(e.at_us)]);
    }
  });

  await t.test('comes in pages, newest first, neither twice nor left out', async () => {
    const { id, O } = await chart();
    for (let i = 0; i < 12; i++) await site.read('KIND_OBSERVATION', O, site.as('nurse', { sub: `nurse-${i}` }));
    await emptied();
    const to_us = Date.now() * 1000;
    const all = (await log(id, own(id), { to_us })).entries.map((e) => e.event_id);
    assert.equal(all.length, 15);
    const paged = [];
    let page_token;
    let pages = 0;
    do {
      const page = await log(id, own(id), { to_us, page_size: 4, page_token });
      assert.equal(page.checkpoint !== '', pages === 0);
      paged.push(...page.entries.map((e) => e.event_id));
      page_token = page.next_page_token;
      pages++;
    } while (page_token.length);
    assert.deepEqual(paged, all);
    assert.equal(pages, 4);
  });

  await t.test('keeps to the time asked for', async () => {
    const { id, O } = await chart();
    for (let i = 0; i < 4; i++) await site.read('KIND_OBSERVATION', O);
    await emptied();
    const { entries } = await log(id);
    const [, second, third] = entries;
    const some = (await log(id, own(id), { from_us: third.at_us, to_us: second.at_us })).entries;
    assert.deepEqual(some.map((e) => e.event_id), [third.event_id]);
    for (const more of [{ from_us: -1 }, { to_us: -1 }, { from_us: 5, to_us: 5 }]) {
      const f = await access.failure('AccessLog', { patient_id: id, ...more }, own(id));
      assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', 'to_us'], JSON.stringify(more));
    }
  });

  await t.test('a page token is good for this person and this question', async () => {
    const { id } = await chart();
    const { next_page_token: token } = await log(id, own(id), { page_size: 1 });
    assert.ok(token.length > 0);
    const officer = site.tokens['privacy-officer'];
    for (const [by, more] of [[own(id), { page_token: bent(token) }], [own(id), { page_token: token, from_us: 1 }], [officer, { page_token: token }]]) {
      const f = await access.failure('AccessLog', { patient_id: id, ...more }, by);
      assert.deepEqual([f.code, f.reason], ['INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID']);
    }
    for (const page_size of [-1, 201]) assert.equal((await access.failure('AccessLog', { patient_id: id, page_size }, own(id))).field, 'page_size');
  });

  await t.test('is the patient\'s own, or a privacy officer\'s', async () => {
    const { id } = await chart();
    const other = await chart();
    const missing = await access.failure('AccessLog', { patient_id: nobody }, own(id));
    assert.deepEqual([missing.code, missing.reason], ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
    const theirs = await access.failure('AccessLog', { patient_id: other.id }, own(id));
    assert.deepEqual([theirs.code, theirs.reason, theirs.details, theirs.status], [missing.code, missing.reason, missing.details, missing.status]);
    for (const role of ['nurse', 'physician', 'registrar', 'auditor']) {
      assert.equal((await access.failure('AccessLog', { patient_id: id }, site.as(role))).reason, 'ROLE_MISSING', role);
    }
    for (const by of [site.as('patient', { sub: id, purpose: 'TREAT' }), site.as('privacy-officer', { purpose: 'TREAT' }),
      { token: site.ward.token({ roles: ['patient', 'registrar', 'nurse'], sub: uuid(), ward: 'ward-3', purpose: 'TREAT' }) }]) {
      assert.equal((await access.failure('AccessLog', { patient_id: id }, by)).reason, 'PURPOSE_NOT_ALLOWED');
    }
    assert.equal((await access.failure('AccessLog', { patient_id: 'x' }, own(id))).field, 'patient_id');
    assert.equal((await access.failure('AccessLog', { patient_id: id })).code, 'UNAUTHENTICATED');
    // Who tried is told, to whom it concerns.
    await emptied();
    const tried = (await log(other.id)).entries.map(short);
    assert.ok(tried.includes(`AccessLog ${id} FAILURE`));
  });

  await t.test('a denial hides nothing of it from the patient', async () => {
    const { id } = await chart();
    await site.create(consent(id));
    assert.ok((await log(id)).entries.length >= 4);
  });

  await t.test('of merged patients it is one', async () => {
    const into = await chart();
    const from = await chart();
    const answer = await site.api('patients').call('MergePatients', {
      idempotency_key: site.key(), into_patient_id: into.id, from_patient_id: from.id, into_version: 1, from_version: 1, reason: 'one person',
    }, site.tokens.registrar);
    assert.ok(answer.merge_id);
    await emptied();
    const a = (await log(into.id)).entries;
    const merges = a.filter((e) => e.action === path('Patients', 'MergePatients'));
    assert.equal(merges.length, 2);
    const creates = a.filter((e) => e.action === path('Records', 'Create'));
    assert.equal(creates.length, 6);
    const b = (await log(from.id)).entries.map((e) => e.event_id);
    for (const e of a) assert.ok(b.includes(e.event_id), short(e));
    const times = a.map((e) => Number(e.at_us));
    assert.deepEqual(times, times.slice().sort((x, y) => y - x));
    // Either of their own sees it.
    assert.ok((await log(into.id, own(from.id))).entries.length >= a.length);
  });

  await t.test('what audit does not have yet is there, and said to be pending', async () => {
    const { id } = await chart();
    const event_id = uuid();
    const at = Date.now() * 1000;
    const event = Buffer.from(site.eventType.encode(site.eventType.fromObject({
      event_id, occurred_at_us: at, service: 'records', action: path('Records', 'Read'),
      outcome: 'OUTCOME_SUCCESS', actor: 'nurse-99', peer: 'gateway', patient: id, purpose: 'TREAT',
    })).finish()).toString('hex');
    // As the relay leaves an event that audit refuses for good.
    await site.sql(`INSERT INTO seen (patient_id, at_us, event_id) VALUES (${site.hex(id)}, ${at}, ${site.hex(event_id)})`);
    await site.sql(`INSERT INTO ward_outbox_held (id, event_id, created_at, code, event) VALUES (9000000, ${site.hex(event_id)}, NOW(6), 'X', X'${event}')`);
    const { entries, pending } = await log(id);
    assert.equal(pending, 1);
    assert.deepEqual([short(entries[0]), entries[0].in_audit, Number(entries[0].leaf_index)], ['Read nurse-99 SUCCESS', false, 0]);
    assert.ok(entries.slice(1).every((e) => e.in_audit));
    // And it has its place in the pages.
    const first = await log(id, own(id), { page_size: 1 });
    assert.equal(first.entries.length, 1);
    await site.sql('DELETE FROM ward_outbox_held');
    await site.sql(`DELETE FROM seen WHERE event_id = ${site.hex(event_id)}`);
    await emptied(); // of those who asked just now
    assert.equal((await log(id)).pending, 0);
  });

  await t.test('while audit is away there is no answer, rather than half of one', async () => {
    const { id } = await chart();
    const { pid } = site.ward.services.audit.proc;
    process.kill(pid, 'SIGSTOP');
    const f = await access.failure('AccessLog', { patient_id: id }, { ...own(id), deadline: 4000 });
    process.kill(pid, 'SIGCONT');
    assert.deepEqual([f.code, f.reason], ['UNAVAILABLE', 'AUDIT_AWAY']);
    assert.ok((await log(id)).entries.length >= 3);
  });

  // ---- an audit log from which something was taken ----

  const differs = async (id, more) => {
    const f = await access.failure('AccessLog', { patient_id: id, page_size: 200, ...more }, own(id));
    assert.deepEqual([f.code, f.reason], ['DATA_LOSS', 'AUDIT_DIFFERS']);
  };
  const auditSql = (statement) => site.ward.db.sql(statement, 'audit');
  const entryOf = async (id, of) => {
    const e = (await log(id)).entries.find((x) => short(x) === of);
    return idHex(e.event_id);
  };

  await t.test('an event that can no longer be found by its patient is missed', async () => {
    const { id, O } = await chart();
    await site.read('KIND_OBSERVATION', O);
    await emptied();
    const event = await entryOf(id, 'Read nurse-1 SUCCESS');
    await auditSql(`UPDATE entry SET patient = NULL WHERE event_id = X'${event}'`);
    await differs(id);
  });

  await t.test('an event put under another patient, or under another id, is missed', async () => {
    const { id, O } = await chart();
    await site.read('KIND_OBSERVATION', O);
    await emptied();
    const event = await entryOf(id, 'Read nurse-1 SUCCESS');
    await auditSql(`UPDATE entry SET patient = REPEAT('x', 16) WHERE event_id = X'${event}'`);
    await differs(id);
    await auditSql(`UPDATE entry SET event_id = RANDOM_BYTES(16) WHERE event_id = X'${event}'`);
    await differs(id);
  });

  await t.test('a row deleted from audit\'s database is missed', async () => {
    const { id, O } = await chart();
    await site.read('KIND_OBSERVATION', O);
    await emptied();
    const event = await entryOf(id, 'Read nurse-1 SUCCESS');
    await auditSql(`DELETE FROM entry WHERE event_id = X'${event}'`);
    await differs(id);
    // Page by page: on the page of its time.
    const got = [];
    let page_token;
    let failed;
    while (!failed) {
      const page = await log(id, own(id), { page_size: 2, page_token }).catch((err) => { failed = err; });
      if (!page) break;
      got.push(...page.entries.map(short));
      page_token = page.next_page_token;
      assert.ok(page_token.length, `the log came to its end: ${got}`);
    }
    assert.deepEqual([failed.code, failed.reason], ['DATA_LOSS', 'AUDIT_DIFFERS']);
    assert.ok(!got.some((e) => e.startsWith('Create')), `${got}`);
  });
});
