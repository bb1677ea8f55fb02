'use strict';
// Merging two patients and taking it back, line by line of patients.proto.

const test = require('node:test');
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { Site, UUID, nobody, observation, allergy, consent, note, plain } = require('./site');
const { idHex } = require('../../lib/opaque');

test('merging', async (t) => {
  const site = await Site.start({ services: ['audit', 'records', 'records2'] });
  t.after(() => site.stop());
  const patients = site.api('patients');
  const second = site.api('patients', { on: 'records2' });
  const { registrar } = site.tokens;
  const asking = (into, from, more = {}) => ({
    idempotency_key: site.key(), into_patient_id: into, from_patient_id: from, into_version: 1, from_version: 1, reason: 'the same person, told the desk', ...more,
  });
  const versionOf = async (id) => (await site.sql(`SELECT version FROM resource WHERE resource_id = ${site.hex(id)}`))[0][0];
  // With the versions as they are.
  const merge = async (into, from, on = patients) => on.call('MergePatients', asking(into, from, { into_version: await versionOf(into), from_version: await versionOf(from) }), registrar);
  const unmerge = (merge_id, more = {}) => patients.call('UnmergePatients', { idempotency_key: site.key(), merge_id, reason: 'they are two', ...more }, registrar);
  const not = async (into, from) => {
    const f = await patients.failure('MergePatients', asking(into, from, { into_version: await versionOf(into), from_version: await versionOf(from) }), registrar);
    return `${f.code}/${f.reason}`;
  };
  const roots = async (...ids) => (await Promise.all(ids.map((id) => site.sql(`SELECT LOWER(HEX(root_id)) FROM patient WHERE patient_id = ${site.hex(id)}`))))
    .map(([[root]]) => ids[ids.map((x) => x.replaceAll('-', '')).indexOf(root)]);
  const three = () => Promise.all([site.patient(), site.patient(), site.patient()]);
  const links = (patient) => patient.link.map((l) => `${l.type} ${l.other.reference}`);
  const bare = (value) => JSON.parse(JSON.stringify(plain(value), (_, v) => (v === null ? undefined : v)));
  const link = (id, type) => ({ other: { reference: `Patient/${id}` }, type });
  const found = async (patient, by = 'physician', kind = 'KIND_OBSERVATION') => (await site.records.call('Search', {
    kind, parameters: [{ name: 'patient', values: [patient] }], total: 'TOTAL_BOUNDED',
  }, typeof by === 'string' ? site.tokens[by] : by)).records.map((r) => r.version.resource_id).sort();

  await t.test('makes one chart: both Patients say so, and the one merged away is read as the other', async () => {
    const [into, from] = await three();
    const { merge_id, ...answer } = await merge(into, from);
    assert.match(merge_id, UUID);
    assert.deepEqual([answer.into.version.version, answer.into.version.act, answer.from.version.version, answer.from.version.act], [2, 'ACT_MERGED', 2, 'ACT_MERGED']);
    assert.deepEqual(links(answer.into.resource.patient), [`LINK_TYPE_REPLACES Patient/${from}`]);
    assert.deepEqual(links(answer.from.resource.patient), [`LINK_TYPE_REPLACED_BY Patient/${into}`]);
    assert.equal(answer.from.resource.patient.active, false);
    assert.equal(answer.from.resource.patient.active_presence, 'active');
    assert.equal(answer.into.resource.patient.active_presence, undefined);
    assert.equal(answer.into.resource.patient.name[0].family, 'Beispiel');
    const read = await site.read('KIND_PATIENT', from, 'registrar');
    assert.deepEqual([read.record.version.resource_id, read.redirected_from], [into, from]);
    const direct = await site.read('KIND_PATIENT', into, 'registrar');
    assert.deepEqual([direct.record, direct.redirected_from], [read.record, '']);
  });

  await t.test('a search beside merges and their reversals always finds what the patient has', async () => {
    const [into, from] = [(await site.treated()).id, (await site.treated()).id];
    const { version } = await site.create(allergy(from), 'physician');
    let merging = true, searches = 0;
    const searcher = async () => {
      for (; merging; searches++) assert.deepEqual(await found(from, 'physician', 'KIND_ALLERGY_INTOLERANCE'), [version.resource_id]);
    };
    const searching = Promise.all([searcher(), searcher(), searcher()]).finally(() => { merging = false; });
    for (let i = 0; i < 40 && merging; i++) await unmerge((await merge(into, from)).merge_id);
    merging = false;
    await searching;
    t.diagnostic(`${searches} searches`);
  });

  await t.test('what was written while they were one is changed, marked and read when they are two again', async () => {
    const [a, b] = [await site.treated(), await site.treated()];
    const bytes = Buffer.from('a scan of the other');
    const put = site.records.duplex('PutAttachment', site.tokens.physician);
    put.write({ start: { patient_id: b.id, content_type: 'text/plain', sha256: crypto.createHash('sha256').update(bytes).digest('hex') } });
    put.write({ chunk: bytes });
    put.end();
    const { url } = await put.answer;
    const { merge_id } = await merge(a.id, b.id);
    const O = await site.create(observation(a.id, { encounter: { reference: `Encounter/${b.encounter}` } }), 'physician');
    const D = await site.create(note(a.id, '', { content: [{ attachment: { url } }] }), 'physician');
    await unmerge(merge_id);
    await site.update(O.resource, 1, 'physician');
    await site.update(D.resource, 1, 'physician');
    const got = [];
    for await (const m of site.records.stream('GetAttachment', { patient_id: a.id, url }, site.tokens.physician)) got.push(m.chunk);
    assert.ok(Buffer.concat(got).equals(bytes));
    for (const [kind, record] of [['KIND_OBSERVATION', O], ['KIND_DOCUMENT_REFERENCE', D]]) {
      await site.records.call('MarkEnteredInError', { idempotency_key: site.key(), kind, id: record.version.resource_id, expected_version: 2, reason: 'wrong' }, site.tokens.physician);
    }
    const other = await site.refused(observation(a.id, { encounter: { reference: `Encounter/${b.encounter}` } }), 'physician');
    assert.deepEqual([other.code, other.reason], ['NOT_FOUND', 'RESOURCE_NOT_FOUND']);
  });

  await t.test('either patient finds the resources of both, until it is taken back', async () => {
    const a = await site.treated();
    const b = await site.treated();
    const Oa = (await site.create(observation(a.id), 'physician')).version.resource_id;
    const Ob = (await site.create(observation(b.id), 'physician')).version.resource_id;
    const { merge_id } = await merge(a.id, b.id);
    for (const id of [a.id, b.id]) assert.deepEqual(await found(id), [Oa, Ob].sort());
    await unmerge(merge_id);
    assert.deepEqual([await found(a.id), await found(b.id)], [[Oa], [Ob]]);
    for (const id of [a.id, b.id]) assert.equal((await site.read('KIND_PATIENT', id, 'registrar')).record.version.resource_id, id);
  });

  await t.test('who treats one treats both; a denial of one is of both; until it is taken back', async () => {
    const a = await site.treated('ward-3');
    const b = await site.treated('icu');
    const icu = site.as('physician', { sub: 'physician-icu', ward: 'icu' });
    const Oa = (await site.create(observation(a.id), 'physician')).version.resource_id;
    const Ob = (await site.create(observation(b.id), icu)).version.resource_id;
    assert.equal((await site.unread('KIND_OBSERVATION', Oa, icu)).code, 'NOT_FOUND');
    const { merge_id } = await merge(a.id, b.id);
    for (const by of ['physician', icu]) for (const O of [Oa, Ob]) assert.ok(await site.read('KIND_OBSERVATION', O, by));
    const kept = await site.create(consent(a.id));
    for (const by of ['physician', icu]) for (const O of [Oa, Ob]) assert.equal((await site.unread('KIND_OBSERVATION', O, by)).code, 'NOT_FOUND');
    assert.ok(await site.read('KIND_OBSERVATION', Ob, site.as('patient', { sub: a.id })));
    await unmerge(merge_id);
    assert.equal((await site.unread('KIND_OBSERVATION', Oa)).code, 'NOT_FOUND');
    assert.ok(await site.read('KIND_OBSERVATION', Ob, icu));
    assert.equal((await site.unread('KIND_OBSERVATION', Ob, 'physician')).code, 'NOT_FOUND');
    assert.equal((await site.unread('KIND_OBSERVATION', Ob, site.as('patient', { sub: a.id }))).code, 'NOT_FOUND');
    assert.equal(kept.version.patient_id, a.id);
  });

  await t.test('a broken glass over one opens both', async () => {
    const a = await site.treated('icu');
    const b = await site.treated('icu');
    const icu = site.as('physician', { sub: 'physician-icu', ward: 'icu' });
    const Ob = (await site.create(observation(b.id), icu)).version.resource_id;
    const nurse = site.as('nurse', { sub: 'nurse-40' });
    await site.api('recordsaccess').call('BreakGlass', { idempotency_key: site.key(), patient_id: a.id, reason: 1, explanation: 'no time to register' }, nurse);
    assert.equal((await site.unread('KIND_OBSERVATION', Ob, nurse)).code, 'NOT_FOUND');
    const { merge_id } = await merge(a.id, b.id);
    assert.ok(await site.read('KIND_OBSERVATION', Ob, nurse));
    await unmerge(merge_id);
    assert.equal((await site.unread('KIND_OBSERVATION', Ob, nurse)).code, 'NOT_FOUND');
  });

  await t.test('what is new is written to the one that stays; what was there can be put right', async () => {
    const a = await site.treated();
    const b = await site.treated();
    const made = await site.create(observation(b.id), 'physician');
    const { merge_id } = await merge(a.id, b.id);
    const f = await site.refused(observation(b.id), 'physician');
    assert.deepEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'PATIENT_MERGED']);
    const added = (await site.create(observation(a.id), 'physician')).version.resource_id;
    const changed = await site.update({ observation: { ...made.resource.observation, status: 'STATUS_AMENDED' } }, 1, 'physician');
    assert.equal(changed.version.patient_id, b.id);
    await unmerge(merge_id);
    assert.deepEqual([await found(a.id), await found(b.id)], [[added], [made.version.resource_id]]);
    assert.equal((await site.read('KIND_OBSERVATION', made.version.resource_id)).record.resource.observation.status, 'STATUS_AMENDED');
  });

  await t.test('taking it back gives both what they were: links gone, active as it was', async () => {
    for (const active of [undefined, true, false]) {
      const [into] = await three();
      const from = await site.patient(active === undefined ? {} : { active });
      const other = link(nobody, 'LINK_TYPE_SEEALSO');
      const before = (await site.read('KIND_PATIENT', from, 'registrar')).record.resource.patient;
      const linked = { patient: { ...before, link: [other] } };
      await site.update(linked, 1);
      const { merge_id } = await merge(into, from);
      const answer = await unmerge(merge_id);
      assert.deepEqual([answer.into.version.act, answer.from.version.act], ['ACT_UNMERGED', 'ACT_UNMERGED']);
      assert.deepEqual([answer.into.version.version, answer.from.version.version], [3, 4]);
      assert.deepEqual(bare(answer.from.resource.patient), bare({ ...before, link: [other] }));
      assert.equal(answer.from.resource.patient.active_presence, active === undefined ? undefined : 'active');
      if (active !== undefined) assert.equal(answer.from.resource.patient.active, active);
      assert.equal(answer.into.resource.patient.link.length, 0);
    }
  });

  await t.test('both sides have an event and a change in the feed', async () => {
    const [into, from] = await three();
    const { merge_id } = await merge(into, from);
    await unmerge(merge_id);
    const rows = await site.sql(`SELECT act, LOWER(HEX(patient_id)), LOWER(HEX(other_patient_id)) FROM
      (SELECT * FROM change_new UNION ALL SELECT sequence, kind, act, version, written_at_us, resource_id, patient_id, other_patient_id FROM feed_change) c
      WHERE other_patient_id IS NOT NULL AND patient_id IN (${site.hex(into)}, ${site.hex(from)}) ORDER BY written_at_us, act`);
    const [a, b] = [into, from].map((x) => x.replaceAll('-', ''));
    assert.deepEqual(rows.map((r) => r.join(' ')).sort(), [`4 ${a} ${b}`, `4 ${b} ${a}`, `5 ${a} ${b}`, `5 ${b} ${a}`].sort());
    for (const id of [into, from]) {
      const { entries } = await site.api('recordsaccess').call('AccessLog', { patient_id: id }, site.tokens['privacy-officer']);
      const names = entries.filter((e) => e.action.includes('Patients/')).map((e) => e.action.split('/').pop());
      assert.deepEqual(names, ['UnmergePatients', 'MergePatients']);
      const versions = await site.sql(`SELECT LOWER(HEX(event_id)) FROM version WHERE resource_id = ${site.hex(id)} AND version > 1 ORDER BY version DESC`);
      assert.deepEqual(entries.filter((e) => e.action.includes('Patients/')).map((e) => idHex(e.event_id)), versions.map(([x]) => x));
    }
  });

  await t.test('the same key is the same merge; another request under it is refused', async () => {
    const [into, from, third] = await three();
    const ask = asking(into, from);
    const first = await patients.call('MergePatients', ask, registrar);
    assert.deepEqual(await second.call('MergePatients', ask, registrar), first);
    let f = await patients.failure('MergePatients', { ...ask, into_patient_id: third }, registrar);
    assert.deepEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
    const back = { idempotency_key: site.key(), merge_id: first.merge_id, reason: 'they are two' };
    const undone = await patients.call('UnmergePatients', back, registrar);
    assert.deepEqual(await second.call('UnmergePatients', back, registrar), undone);
    assert.deepEqual(await patients.call('MergePatients', ask, registrar), first, 'after it was undone too: the first answer again');
    f = await patients.failure('UnmergePatients', { ...back, reason: 'other words' }, registrar);
    assert.deepEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
    assert.equal(await site.rows('patient_merge', `into_id = ${site.hex(into)}`), 1);
    assert.equal(await site.rows('ward_idempotency', 'answer LIKE \'%Beispiel%\''), 0, 'no name in the clear');
    assert.equal(await site.rows('patient_merge', 'reason LIKE \'%person%\''), 0, 'no word in the clear');
  });

  await t.test('a merge decided on other versions is not made', async () => {
    const [into, from] = await three();
    for (const more of [{ into_version: 2 }, { from_version: 2 }, { from_version: 7 }]) {
      const f = await patients.failure('MergePatients', asking(into, from, more), registrar);
      assert.deepEqual([f.code, f.reason], ['ABORTED', 'VERSION_CONFLICT'], JSON.stringify(more));
    }
    assert.deepEqual(await roots(into, from), [into, from]);
    assert.equal(await versionOf(into), '1');
  });

  await t.test('cyclic merges, and merges of one that is gone, are refused', async () => {
    const [a, b, c] = await three();
    await merge(b, a); // a -> b
    assert.equal(await not(b, a), 'FAILED_PRECONDITION/MERGE_CYCLE');
    assert.equal(await not(a, b), 'FAILED_PRECONDITION/MERGE_CYCLE');
    assert.equal(await not(c, a), 'FAILED_PRECONDITION/PATIENT_MERGED');
    assert.equal(await not(a, c), 'FAILED_PRECONDITION/PATIENT_MERGED');
    await merge(c, b); // b -> c
    assert.equal(await not(a, c), 'FAILED_PRECONDITION/MERGE_CYCLE');
    assert.equal(await not(c, a), 'FAILED_PRECONDITION/MERGE_CYCLE');
    assert.deepEqual(await roots(a, b, c), [c, c, c]);
  });

  await t.test('a chain comes apart from its end, and each part is whole', async () => {
    const [a, b, c] = await three();
    const first = (await merge(b, a)).merge_id;
    const later = (await merge(c, b)).merge_id;
    assert.equal((await site.read('KIND_PATIENT', a, 'registrar')).record.version.resource_id, c);
    const f = await patients.failure('UnmergePatients', { idempotency_key: site.key(), merge_id: first, reason: 'x' }, registrar);
    assert.deepEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'MERGED_ON']);
    await unmerge(later);
    assert.deepEqual(await roots(a, b, c), [b, b, c]);
    assert.equal((await site.read('KIND_PATIENT', a, 'registrar')).record.version.resource_id, b);
    await unmerge(first);
    assert.deepEqual(await roots(a, b, c), [a, b, c]);
  });

  await t.test('merges into one patient come apart in any order', async () => {
    const [a, b, c] = await three();
    const first = (await merge(c, a)).merge_id;
    const later = (await merge(c, b)).merge_id;
    await unmerge(first);
    assert.deepEqual(await roots(a, b, c), [a, c, c]);
    const patient = (await site.read('KIND_PATIENT', c, 'registrar')).record.resource.patient;
    assert.deepEqual(links(patient), [`LINK_TYPE_REPLACES Patient/${b}`]);
    await unmerge(later);
    assert.deepEqual(await roots(a, b, c), [a, b, c]);
    await merge(a, b); // and may be merged anew, the other way
    assert.deepEqual(await roots(a, b, c), [a, a, c]);
  });

  await t.test('a merge undone is not undone again', async () => {
    const [into, from] = await three();
    const { merge_id } = await merge(into, from);
    await unmerge(merge_id);
    const f = await patients.failure('UnmergePatients', { idempotency_key: site.key(), merge_id, reason: 'x' }, registrar);
    assert.deepEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'NOT_MERGED']);
    const g = await patients.failure('UnmergePatients', { idempotency_key: site.key(), merge_id: nobody, reason: 'x' }, registrar);
    assert.deepEqual([g.code, g.reason], ['NOT_FOUND', 'MERGE_NOT_FOUND']);
  });

  await t.test('fields outside their range are refused, each by its name', async () => {
    const [into, from] = await three();
    const bad = [
      ['into_patient_id', { into_patient_id: 'x' }], ['from_patient_id', { from_patient_id: '' }], ['from_patient_id', { from_patient_id: into }],
      ['into_version', { into_version: 0 }], ['from_version', { from_version: -1 }], ['reason', { reason: '' }], ['reason', { reason: 'x'.repeat(501) }],
      ['idempotency_key', { idempotency_key: '' }],
    ];
    for (const [field, more] of bad) {
      const f = await patients.failure('MergePatients', asking(into, from, more), registrar);
      assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', field], JSON.stringify(more));
    }
    const ask = { idempotency_key: site.key(), merge_id: nobody, reason: 'x' };
    for (const [field, more] of [['merge_id', { merge_id: 'x' }], ['reason', { reason: '' }], ['reason', { reason: 'x'.repeat(501) }], ['idempotency_key', { idempotency_key: '' }]]) {
      const f = await patients.failure('UnmergePatients', { ...ask, ...more }, registrar);
      assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', field], JSON.stringify(more));
    }
    assert.equal((await patients.failure('ListMerges', { patient_id: 'x' }, registrar)).field, 'patient_id');
  });

  await t.test('who is not there, or not to be seen, is not found', async () => {
    const [into, from] = await three();
    const missing = await patients.failure('MergePatients', asking(into, nobody), registrar);
    assert.deepEqual([missing.code, missing.reason], ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
    assert.equal((await patients.failure('MergePatients', asking(nobody, from), registrar)).reason, 'PATIENT_NOT_FOUND');
    await site.create(consent(from, { provision: [{ type: 'PROVISION_TYPE_DENY', actor: [{
      role: { coding: [{ system: 'http://ward/roles', code: 'registrar' }] }, reference: { display: 'every registrar' },
    }] }] }));
    const hidden = await patients.failure('MergePatients', asking(into, from), registrar);
    assert.deepEqual([hidden.code, hidden.reason, hidden.details, hidden.status], [missing.code, missing.reason, missing.details, missing.status]);
    for (const patient_id of [from, nobody]) {
      const f = await patients.failure('ListMerges', { patient_id }, registrar);
      assert.deepEqual([f.code, f.reason], ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
    }
  });

  await t.test('the list has every merge of a patient, on either side, undone ones too', async () => {
    const [a, b, c] = await three();
    const first = await merge(b, a);
    const later = await merge(c, b);
    await unmerge(later.merge_id);
    const { merges } = await patients.call('ListMerges', { patient_id: b }, site.tokens['privacy-officer']);
    assert.deepEqual(merges.map((m) => [m.merge_id, m.into_patient_id, m.from_patient_id, m.merged_by, m.unmerged_by]),
      [[later.merge_id, c, b, 'registrar-1', 'registrar-1'], [first.merge_id, b, a, 'registrar-1', '']]);
    assert.ok(Number(merges[0].unmerged_at_us) > Number(merges[0].merged_at_us));
    assert.equal(Number(merges[1].unmerged_at_us), 0);
    assert.deepEqual((await patients.call('ListMerges', { patient_id: a }, registrar)).merges.map((m) => m.merge_id), [first.merge_id]);
    assert.deepEqual((await patients.call('ListMerges', { patient_id: await site.patient() }, registrar)).merges, []);
  });

  await t.test('is the registrar\'s, for the purposes of one, by way of who may ask', async () => {
    const [into, from] = await three();
    const calls = [['MergePatients', asking(into, from)], ['UnmergePatients', { idempotency_key: 'k', merge_id: nobody, reason: 'x' }]];
    for (const [method, ask] of calls) {
      for (const role of ['physician', 'nurse', 'privacy-officer', 'patient']) assert.equal((await patients.failure(method, ask, site.as(role))).reason, 'ROLE_MISSING', role);
      assert.equal((await patients.failure(method, ask, site.as('registrar', { purpose: 'PATRQT' }))).reason, 'PURPOSE_NOT_ALLOWED');
      assert.equal((await site.api('patients', { as: 'dosage' }).failure(method, ask, registrar)).reason, 'CALLER_NOT_ALLOWED');
    }
    assert.equal((await patients.failure('ListMerges', { patient_id: into }, site.tokens.nurse)).reason, 'ROLE_MISSING');
  });

  await t.test('an erased patient is merged with nobody', async () => {
    const [into, from] = await three();
    await site.sql(`UPDATE patient SET erased_at_us = 1 WHERE patient_id = ${site.hex(from)}`);
    assert.equal(await not(into, from), 'FAILED_PRECONDITION/PATIENT_ERASED');
    assert.equal(await not(from, into), 'FAILED_PRECONDITION/PATIENT_ERASED');
  });

  // ---- several at once ----

  const end = async (promise) => promise.then(() => 'OK', (f) => `${f.code}/${f.reason}`);
  const REFUSED = ['FAILED_PRECONDITION/MERGE_CYCLE', 'FAILED_PRECONDITION/PATIENT_MERGED', 'ABORTED/VERSION_CONFLICT'];

  await t.test('two merges that cross, on two replicas at once: one is made', async () => {
    for (let round = 0; round < 20; round++) {
      const [a, b] = await three();
      const ends = await Promise.all([end(patients.call('MergePatients', asking(a, b), registrar)), end(second.call('MergePatients', asking(b, a), registrar))]);
      assert.equal(ends.filter((e) => e === 'OK').length, 1, `${ends}`);
      assert.ok(ends.every((e) => e === 'OK' || REFUSED.includes(e)), `${ends}`);
      const [ra, rb] = await roots(a, b);
      assert.equal(ra, rb);
      assert.equal(await site.rows('patient_merge', `into_id IN (${site.hex(a)}, ${site.hex(b)})`), 1);
    }
  });

  await t.test('merges in a ring, on two replicas at once, make no ring', async () => {
    for (let round = 0; round < 10; round++) {
      const ids = [...await three(), ...await three()];
      const ends = await Promise.all(ids.map((id, i) => end((i % 2 ? patients : second).call('MergePatients', asking(ids[(i + 1) % ids.length], id), registrar))));
      assert.ok(ends.includes('OK') && ends.every((e) => e === 'OK' || REFUSED.includes(e)), `${ends}`);
      const list = ids.map(site.hex).join(',');
      // Every root is its own root; as many standing merges as patients that are not their own.
      assert.equal(await site.rows('patient p JOIN patient r ON r.patient_id = p.root_id', `p.patient_id IN (${list}) AND r.root_id <> r.patient_id`), 0);
      const gone = await site.rows('patient', `patient_id IN (${list}) AND root_id <> patient_id`);
      assert.equal(gone, ends.filter((e) => e === 'OK').length);
      assert.equal(await site.rows('patient_merge', `from_id IN (${list}) AND unmerged_at_us IS NULL`), gone);
    }
  });

  await t.test('writers of a chart that is merged at that moment are before it or after it', async () => {
    const a = await site.treated();
    const b = await site.treated();
    const writers = Array.from({ length: 30 }, (_, i) => end(site.create(allergy(b.id, {
      clinical_status: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] },
    }), 'physician', { on: i % 2 ? site.records : site.ward.client('records2') })));
    const [, ...ends] = await Promise.all([merge(a.id, b.id, second), ...writers]);
    assert.ok(ends.every((e) => e === 'OK' || e === 'FAILED_PRECONDITION/PATIENT_MERGED'), `${ends}`);
    const kept = await site.rows('resource', `patient_id = ${site.hex(b.id)} AND kind = 5`);
    assert.equal(kept, ends.filter((e) => e === 'OK').length);
    assert.equal((await found(a.id, 'physician', 'KIND_ALLERGY_INTOLERANCE')).length, kept);
  });

  await t.test('a merge and the taking back of another, of the same patient, at once', async () => {
    for (let round = 0; round < 10; round++) {
      const [a, b, c] = await three();
      const { merge_id } = await merge(b, a);
      const ask = asking(c, b, { from_version: 2 });
      const ends = await Promise.all([end(unmerge(merge_id)), end(second.call('MergePatients', ask, registrar))]);
      const state = (await roots(a, b, c)).map((r) => [a, b, c].indexOf(r)).join('');
      // Both: only where the merge saw version 2 before the other made it 3, and then the taking back came first or not at all.
      const fine = { '012': ['OK', 'ABORTED/VERSION_CONFLICT'], 222: ['FAILED_PRECONDITION/MERGED_ON', 'OK'] }[state];
      assert.deepEqual(ends, fine, `${state}: ${ends}`);
    }
  });
});
