'use strict';
// Broken glass: BreakGlass, ListGlass and ReviewGlass, line by line of access.proto.

const test = require('node:test');
const assert = require('node:assert/strict');
const { Site, UUID, nobody, encounter, observation, consent } = require('./site');
const { bent } = require('../../lib/opaque');

const EXPLANATION = 'unconscious, no relatives here';

test('broken glass', async (t) => {
  const site = await Site.start({ services: ['audit', 'records'] });
  t.after(() => site.stop());
  const access = site.api('recordsaccess');
  const breaking = (patient_id, more = {}) => ({
    idempotency_key: site.key(), patient_id, reason: 'GLASS_REASON_EMERGENCY', explanation: EXPLANATION, ...more,
  });
  const nurse = (n, more = {}) => site.as('nurse', { sub: `nurse-${n}`, ward: 'icu', ...more });
  const officer = site.tokens['privacy-officer'];

  // A chart with an observation, in ward-3, that everybody is denied.
  async function hidden() {
    const { id } = await site.treated();
    const O = (await site.create(observation(id), site.as('physician'))).version.resource_id;
    await site.create(consent(id));
    return { id, O };
  }

  await t.test('opens one chart to one person, past what its consent denies, for 15 minutes', async () => {
    const { id, O } = await hidden();
    const other = await hidden();
    assert.equal((await site.unread('KIND_OBSERVATION', O, nurse(1))).code, 'NOT_FOUND');
    const before = Date.now() * 1000;
    const glass = await access.call('BreakGlass', breaking(id), nurse(1));
    assert.match(glass.glass_id, UUID);
    const life = Number(glass.until_us) - before;
    assert.ok(life >= 900e6 && life < 960e6, `${life} us`);
    assert.equal((await site.read('KIND_OBSERVATION', O, nurse(1))).record.version.resource_id, O);
    assert.equal((await site.unread('KIND_OBSERVATION', O, nurse(2))).code, 'NOT_FOUND');
    assert.equal((await site.unread('KIND_OBSERVATION', other.O, nurse(1))).code, 'NOT_FOUND');
    assert.equal((await site.unread('KIND_OBSERVATION', O, nurse(1, { purpose: 'HOPERAT' }))).reason, 'PURPOSE_NOT_ALLOWED');
  });

  await t.test('lasts as long as it was asked for', async () => {
    const { id } = await hidden();
    for (const lifetime_s of [60, 3600]) {
      const before = Date.now() * 1000;
      const { until_us } = await access.call('BreakGlass', breaking(id, { lifetime_s }), nurse(3));
      const life = Number(until_us) - before;
      assert.ok(life >= lifetime_s * 1e6 && life < (lifetime_s + 60) * 1e6, `${life} us`);
    }
  });

  await t.test('is over when it is over', async () => {
    const { id, O } = await hidden();
    const { glass_id } = await access.call('BreakGlass', breaking(id), nurse(4));
    assert.ok(await site.read('KIND_OBSERVATION', O, nurse(4)));
    await site.sql(`UPDATE glass SET until_us = ${Date.now() * 1000} WHERE glass_id = ${site.hex(glass_id)}`);
    assert.equal((await site.unread('KIND_OBSERVATION', O, nurse(4))).code, 'NOT_FOUND');
  });

  await t.test('the same key is the same glass; another request under it is refused', async () => {
    const { id } = await hidden();
    const ask = breaking(id);
    const first = await access.call('BreakGlass', ask, nurse(5));
    assert.deepEqual(await access.call('BreakGlass', ask, nurse(5)), first);
    assert.equal(await site.rows('glass', `patient_id = ${site.hex(id)}`), 1);
    const f = await access.failure('BreakGlass', { ...ask, reason: 'GLASS_REASON_OTHER' }, nurse(5));
    assert.deepEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
    const other = await access.call('BreakGlass', ask, nurse(6)); // a key is its person's
    assert.notEqual(other.glass_id, first.glass_id);
  });

  await t.test('is counted, warned of without the patient, and told to audit with its reason', async () => {
    const { id } = await hidden();
    const count = async () => Number(/ward_records_glass_broken_total\{reason="consult"\} (\d+)/.exec((await site.ward.services.records.admin('/metrics')).text)?.[1] || 0);
    const before = await count();
    const ask = breaking(id, { reason: 'GLASS_REASON_CONSULT' });
    const { glass_id } = await access.call('BreakGlass', ask, nurse(7));
    await access.call('BreakGlass', ask, nurse(7));
    assert.equal(await count(), before + 1);
    const line = JSON.parse(await site.ward.services.records.proc.line(new RegExp(glass_id)));
    assert.equal(line.level, 'warn');
    assert.equal(line.reason, 'consult');
    const text = JSON.stringify(line);
    for (const secret of [id, EXPLANATION, 'nurse-7']) assert.ok(!text.includes(secret), text);
  });

  await t.test('fields outside their range are refused, each by its name', async () => {
    const { id } = await hidden();
    const bad = [
      ['patient_id', { patient_id: 'x' }], ['patient_id', { patient_id: '' }], ['reason', { reason: 0 }], ['reason', { reason: 6 }],
      ['explanation', { explanation: '' }], ['explanation', { explanation: 'too short' }], ['explanation', { explanation: 'x'.repeat(501) }],
      ['lifetime_s', { lifetime_s: 59 }], ['lifetime_s', { lifetime_s: 3601 }], ['lifetime_s', { lifetime_s: -1 }],
      ['idempotency_key', { idempotency_key: '' }], ['idempotency_key', { idempotency_key: 'k'.repeat(129) }],
    ];
    for (const [field, more] of bad) {
      const f = await access.failure('BreakGlass', breaking(id, more), nurse(8));
      assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', field], JSON.stringify(more));
    }
    for (const explanation of ['x'.repeat(10), 'x'.repeat(500)]) assert.ok(await access.call('BreakGlass', breaking(id, { explanation }), nurse(8)));
  });

  await t.test('a ward\'s name that is none is no reason to fail', async () => {
    const { id, O } = await hidden();
    for (const [i, ward] of ['急诊', 'w'.repeat(65), 'a b'].entries()) {
      const by = nurse(30 + i, { ward });
      assert.match((await access.call('BreakGlass', breaking(id), by)).glass_id, UUID);
      assert.equal((await site.read('KIND_OBSERVATION', O, by)).record.version.resource_id, O);
    }
  });

  await t.test('opens nothing that outlives it: no encounter is written under it', async () => {
    const { id, encounter: there } = await site.treated();
    const closed = await site.create(encounter(id, 'icu', { status: 'STATUS_FINISHED' }));
    await access.call('BreakGlass', breaking(id, { lifetime_s: 60 }), nurse(40));
    const made = await site.refused(encounter(id, 'icu'), nurse(40));
    assert.deepEqual([made.code, made.reason], ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
    const { record } = await site.read('KIND_ENCOUNTER', closed.version.resource_id, nurse(40));
    const reopened = { encounter: { ...record.resource.encounter, status: 'STATUS_IN_PROGRESS' } };
    const ward = { encounter: { ...(await site.read('KIND_ENCOUNTER', there, nurse(40))).record.resource.encounter, location: [{ location: { reference: 'Location/icu' } }] } };
    for (const resource of [reopened, ward]) {
      const f = await site.records.failure('Update', { idempotency_key: site.key(), resource, expected_version: 1 }, nurse(40));
      assert.deepEqual([f.code, f.reason], ['NOT_FOUND', 'RESOURCE_NOT_FOUND']);
    }
    const entries = [{ create: { resource: encounter(id, 'icu') } }];
    assert.equal((await site.records.failure('Batch', { idempotency_key: site.key(), entries }, nurse(40))).code, 'NOT_FOUND');
    assert.ok(await site.create(observation(id), nurse(40))); // other kinds are written
    await site.sql(`UPDATE glass SET until_us = from_us + 1 WHERE patient_id = ${site.hex(id)}`);
    for (const n of [40, 41]) assert.equal((await site.unread('KIND_PATIENT', id, nurse(n))).code, 'NOT_FOUND');
  });

  await t.test('a patient nobody knows has no glass', async () => {
    const f = await access.failure('BreakGlass', breaking(nobody), nurse(8));
    assert.deepEqual([f.code, f.reason], ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  });

  await t.test('only who treats breaks it, to treat, by way of a service that may ask', async () => {
    const { id } = await hidden();
    for (const role of ['registrar', 'privacy-officer', 'patient', 'auditor']) {
      const f = await access.failure('BreakGlass', breaking(id), site.as(role));
      assert.deepEqual([f.code, f.reason], ['PERMISSION_DENIED', 'ROLE_MISSING'], role);
    }
    for (const purpose of ['HOPERAT', 'PATRQT', 'HRESCH', '']) {
      const f = await access.failure('BreakGlass', breaking(id), nurse(9, { purpose }));
      assert.deepEqual([f.code, f.reason], ['PERMISSION_DENIED', 'PURPOSE_NOT_ALLOWED'], purpose);
    }
    assert.equal((await access.failure('BreakGlass', breaking(id))).code, 'UNAUTHENTICATED');
    const f = await site.api('recordsaccess', { as: 'stranger' }).failure('BreakGlass', breaking(id), nurse(9));
    assert.deepEqual([f.code, f.reason], ['PERMISSION_DENIED', 'CALLER_NOT_ALLOWED']);
  });

  await t.test('what is written is sealed: the database does not hold the words', async () => {
    const { id } = await hidden();
    const words = 'the relatives are on their way from Guangzhou';
    await access.call('BreakGlass', breaking(id, { explanation: words }), nurse(10));
    assert.equal(await site.rows('glass', `explanation LIKE '%${words}%'`), 0);
    assert.equal(await site.rows('glass', `patient_id = ${site.hex(id)}`), 1);
  });

  await t.test('the list gives what waits, oldest first, with the explanation and what was done under it', async () => {
    await site.sql('UPDATE glass SET reviewed_at_us = 1, reviewed_by = \'x\', verdict = 1 WHERE reviewed_at_us IS NULL');
    const charts = [await hidden(), await hidden(), await hidden()];
    const ids = [];
    for (const [n, c] of charts.entries()) ids.push((await access.call('BreakGlass', breaking(c.id, { explanation: `${EXPLANATION} ${n}` }), nurse(20 + n))).glass_id);
    await site.read('KIND_OBSERVATION', charts[1].O, nurse(21));
    await site.create(observation(charts[1].id), nurse(21));
    await site.read('KIND_OBSERVATION', charts[1].O, nurse(21));
    const { glass, next_page_token } = await access.call('ListGlass', {}, officer);
    assert.deepEqual(glass.map((g) => g.glass_id), ids);
    assert.equal(next_page_token.length, 0);
    assert.deepEqual(glass.map((g) => g.acts), [0, 3, 0]);
    const [g] = glass;
    assert.deepEqual([g.patient_id, g.actor, g.ward, g.reason, g.explanation], [charts[0].id, 'nurse-20', 'icu', 'GLASS_REASON_EMERGENCY', `${EXPLANATION} 0`]);
    assert.deepEqual([g.reviewed_by, Number(g.reviewed_at_us), g.verdict], ['', 0, 'VERDICT_UNSPECIFIED']);
    assert.equal(Number(g.until_us) - Number(g.from_us), 900e6);
  });

  await t.test('the list comes in pages, neither twice nor left out, for this person and this question', async () => {
    const all = (await access.call('ListGlass', { reviewed_too: true, page_size: 100 }, officer)).glass.map((g) => g.glass_id);
    assert.ok(all.length > 9);
    const paged = [];
    let page_token;
    do {
      const page = await access.call('ListGlass', { reviewed_too: true, page_size: 4, page_token }, officer);
      assert.ok(page.glass.length <= 4);
      paged.push(...page.glass.map((g) => g.glass_id));
      page_token = page.next_page_token;
    } while (page_token.length);
    assert.deepEqual(paged, all);
    const { next_page_token: token } = await access.call('ListGlass', { reviewed_too: true, page_size: 4 }, officer);
    const bad = [
      [{ reviewed_too: true, page_token: bent(token, 3) }, officer], [{ reviewed_too: true, page_token: 'x' }, officer],
      [{ page_token: token }, officer], [{ reviewed_too: true, page_token: token }, site.as('privacy-officer', { sub: 'privacy-officer-2' })],
    ];
    for (const [ask, by] of bad) {
      const f = await access.failure('ListGlass', ask, by);
      assert.deepEqual([f.code, f.reason], ['INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID']);
    }
    for (const page_size of [-1, 101]) {
      const f = await access.failure('ListGlass', { page_size }, officer);
      assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', 'page_size']);
    }
  });

  await t.test('a review closes it; the same verdict again is fine, another is not', async () => {
    const { id } = await hidden();
    const { glass_id } = await access.call('BreakGlass', breaking(id), nurse(30));
    const before = Date.now() * 1000;
    const { glass } = await access.call('ReviewGlass', { glass_id, verdict: 'VERDICT_JUSTIFIED', note: 'called the ward' }, officer);
    assert.deepEqual([glass.glass_id, glass.reviewed_by, glass.verdict, glass.explanation], [glass_id, 'privacy-officer-1', 'VERDICT_JUSTIFIED', EXPLANATION]);
    assert.ok(Number(glass.reviewed_at_us) >= before);
    const waiting = (await access.call('ListGlass', { page_size: 100 }, officer)).glass.map((g) => g.glass_id);
    assert.ok(!waiting.includes(glass_id));
    const again = await access.call('ReviewGlass', { glass_id, verdict: 'VERDICT_JUSTIFIED' }, site.as('privacy-officer', { sub: 'privacy-officer-2' }));
    assert.deepEqual(again.glass, glass);
    const f = await access.failure('ReviewGlass', { glass_id, verdict: 'VERDICT_NOT_JUSTIFIED' }, officer);
    assert.deepEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'REVIEWED_OTHERWISE']);
    assert.equal(await site.rows('glass', 'note LIKE \'%called the ward%\''), 0);
  });

  await t.test('nobody reviews their own', async () => {
    const { id } = await hidden();
    const both = { roles: ['nurse', 'privacy-officer'], sub: 'nurse-31', ward: 'icu' };
    const { glass_id } = await access.call('BreakGlass', breaking(id), { token: site.ward.token({ ...both, purpose: 'TREAT' }) });
    const f = await access.failure('ReviewGlass', { glass_id, verdict: 'VERDICT_JUSTIFIED' }, { token: site.ward.token({ ...both, purpose: 'HOPERAT' }) });
    assert.deepEqual([f.code, f.reason], ['PERMISSION_DENIED', 'OWN_GLASS']);
    assert.equal((await access.call('ReviewGlass', { glass_id, verdict: 'VERDICT_NOT_JUSTIFIED' }, officer)).glass.verdict, 'VERDICT_NOT_JUSTIFIED');
  });

  await t.test('a review asks for a glass, a verdict and few words', async () => {
    const { id } = await hidden();
    const { glass_id } = await access.call('BreakGlass', breaking(id), nurse(32));
    const ask = { glass_id, verdict: 'VERDICT_JUSTIFIED' };
    for (const [field, more] of [['glass_id', { glass_id: 'x' }], ['verdict', { verdict: 0 }], ['verdict', { verdict: 3 }], ['note', { note: 'x'.repeat(501) }]]) {
      const f = await access.failure('ReviewGlass', { ...ask, ...more }, officer);
      assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', field]);
    }
    const f = await access.failure('ReviewGlass', { ...ask, glass_id: nobody }, officer);
    assert.deepEqual([f.code, f.reason], ['NOT_FOUND', 'GLASS_NOT_FOUND']);
  });

  await t.test('list and review are the privacy officer\'s, for the purposes of one', async () => {
    for (const [method, ask] of [['ListGlass', {}], ['ReviewGlass', { glass_id: nobody, verdict: 1 }]]) {
      for (const role of ['nurse', 'registrar', 'patient']) assert.equal((await access.failure(method, ask, site.as(role))).reason, 'ROLE_MISSING', role);
      const f = await access.failure(method, ask, site.as('privacy-officer', { purpose: 'TREAT' }));
      assert.deepEqual([f.code, f.reason], ['PERMISSION_DENIED', 'PURPOSE_NOT_ALLOWED']);
      const mixed = { token: site.ward.token({ roles: ['privacy-officer', 'registrar'], sub: 'x', purpose: 'TREAT' }) };
      assert.equal((await access.failure(method, ask, mixed)).reason, 'PURPOSE_NOT_ALLOWED', 'a registrar\'s purpose does not lend itself');
    }
  });
});
