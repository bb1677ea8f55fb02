'use strict';
// Pages of a search: tokens that hold for a day, for one person and one request, on every replica; and
// what is written between two pages neither shows anything twice nor leaves anything out.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site, observation, encounter, consent, coded, quantity } = require('./site');
const { p, ask, refused, all, ids, idOf, dice } = require('./searching');
const { bent } = require('../../lib/opaque');

const O = 'KIND_OBSERVATION';
let site, a, code = 0;

before(async () => {
  site = await Site.shared();
  a = await site.treated('ward-3');
});
after(() => site?.stop());

// n observations of a fresh code, a day apart: {only, made: [record]}, newest first.
async function some(n, patient = a.id) {
  const c = `c${code++}`, made = [];
  for (let i = 0; i < n; i++) {
    const date = new Date(Date.UTC(2026, 0, 1 + i)).toISOString().slice(0, 10);
    made.unshift(await site.create(observation(patient, { code: coded('urn:cursor', c), effective_date_time: date }), 'nurse'));
  }
  return { only: [p('code', `urn:cursor|${c}`)], c, made, ids: made.map(idOf) };
}

const change = (record, more) => {
  const resource = { observation: { ...record.resource.observation, ...more } };
  return site.update(resource, record.version.version, 'nurse');
};

test('a token is good on another replica', async () => {
  const { only, ids: want } = await some(5);
  const other = site.ward.client('records2');
  const first = await ask(site, O, only, { page_size: 2 });
  const second = await ask(site, O, only, { page_size: 2, page_token: first.next_page_token, on: other });
  const third = await ask(site, O, only, { page_size: 2, page_token: second.next_page_token });
  assert.deepStrictEqual([first, second, third].map((x) => x.records.map(idOf)), [want.slice(0, 2), want.slice(2, 4), want.slice(4)]);
  assert.strictEqual(third.next_page_token.length, 0);
  // and as often as it is asked for
  assert.deepStrictEqual((await ask(site, O, only, { page_size: 2, page_token: first.next_page_token })).records.map(idOf), want.slice(2, 4));
});

test('a page that is full to the end has no next', async () => {
  const { only } = await some(4);
  assert.strictEqual((await ask(site, O, only, { page_size: 4 })).next_page_token.length, 0);
  assert.strictEqual((await ask(site, O, only, { page_size: 3 })).next_page_token.length > 0, true);
});

test('a token of another person, another request, or nobody is refused', async () => {
  const { only } = await some(3);
  const { next_page_token: page_token } = await ask(site, O, only, { page_size: 1 });
  const fails = async (more, parameters = only, kind = O) => {
    const err = await refused(site, kind, parameters, { page_size: 1, page_token, ...more });
    assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID'], JSON.stringify(more));
  };
  await fails({ by: site.as('nurse', { sub: 'nurse-2' }) });
  await fails({ page_size: 2 });
  await fails({ order: 'ORDER_DATE_ASC' });
  await fails({ total: 'TOTAL_BOUNDED' });
  await fails({ include_entered_in_error: true });
  await fails({}, [...only, p('status', 'final')]);
  await fails({}, [p('code', 'another')]);
  await fails({}, only, 'KIND_CONDITION');
  for (let i = 0; i < Buffer.from(page_token, 'base64url').length; i++) {
    await fails({ page_token: bent(page_token, i) });
  }
  for (const forged of ['A', 'A'.repeat(66), page_token.slice(1), `${page_token}A`, `${page_token}=`, `${page_token}?`, 'A'.repeat(4096)]) {
    await fails({ page_token: forged });
  }
  await ask(site, O, only, { page_size: 1, page_token });
});

test('a token opens no more than its bearer may see now', async () => {
  const b = await site.treated('ward-9');
  const nurse = site.as('nurse', { ward: 'ward-9', sub: 'nurse-9' });
  const c = `c${code++}`;
  for (let i = 0; i < 3; i++) await site.create(observation(b.id, { code: coded('urn:cursor', c) }), nurse);
  const only = [p('code', c)];
  const first = await ask(site, O, only, { page_size: 1, by: nurse });
  await site.create(consent(b.id));
  const second = await ask(site, O, only, { page_size: 1, by: nurse, page_token: first.next_page_token });
  assert.deepStrictEqual([second.records.length, second.next_page_token.length], [0, 0]);
});

for (const order of ['ORDER_DATE_DESC', 'ORDER_DATE_ASC', 'ORDER_UPDATED_DESC']) {
  test(`writes between pages neither repeat nor hide: ${order}`, async () => {
    const { only, c, made, ids: want } = await some(12);
    const expected = order === 'ORDER_DATE_ASC' ? [...want].reverse() : want;
    const byId = Object.fromEntries(made.map((m) => [idOf(m), m]));
    const seen = [];
    let page_token, round = 0;
    const more = { order, page_size: 3 };
    do {
      const answer = await ask(site, O, only, { ...more, ...(page_token && { page_token }) });
      seen.push(...answer.records.map(idOf));
      page_token = answer.next_page_token.length ? answer.next_page_token : undefined;
      if (round++ === 0) {
        // shown ones move behind the place, others before it; one only says something else; new ones come
        byId[expected[0]] = await change(byId[expected[0]], { effective_date_time: order === 'ORDER_DATE_ASC' ? '2027-01-01' : '2020-01-01' });
        byId[expected[7]] = await change(byId[expected[7]], { effective_date_time: order === 'ORDER_DATE_ASC' ? '2020-01-01' : '2027-01-01' });
        byId[expected[7]] = await change(byId[expected[7]], { effective_date_time: '2026-01-02' });
        byId[expected[8]] = await change(byId[expected[8]], { value_quantity: quantity('99', '/min') });
        byId[expected[4]] = await change(byId[expected[4]], { effective_date_time: undefined });
        await site.create(observation(a.id, { code: coded('urn:cursor', c), effective_date_time: order === 'ORDER_DATE_ASC' ? '2019-01-01' : '2028-01-01' }), 'nurse');
      } else if (round === 2) {
        byId[expected[11]] = await change(byId[expected[11]], { effective_date_time: '2026-06-01' });
      }
    } while (page_token);
    assert.deepStrictEqual(seen, expected);
  });
}

test('pages under a storm of writes show everything that was there, once', async () => {
  const r = dice(11);
  const { only, c, made, ids: want } = await some(40);
  const there = new Set(want), current = new Map(made.map((m) => [idOf(m), m]));
  for (const order of ['ORDER_DATE_DESC', 'ORDER_UPDATED_DESC']) {
    let stop = false;
    const first = await ask(site, O, only, { order, page_size: 4 });
    const storm = (async () => {
      while (!stop) {
        const id = r.pick(want);
        current.set(id, await change(current.get(id), { effective_date_time: `202${r.int(9)}-0${1 + r.int(9)}-1${r.int(9)}` }));
        if (r.chance(0.2)) await site.create(observation(a.id, { code: coded('urn:cursor', c), effective_date_time: '2025-05-05' }), 'nurse');
      }
    })();
    const seen = first.records.map(idOf);
    try {
      for (let page_token = first.next_page_token; page_token.length;) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        const answer = await ask(site, O, only, { order, page_size: 4, page_token });
        seen.push(...answer.records.map(idOf));
        page_token = answer.next_page_token;
      }
    } finally {
      stop = true; // else it would outlive a failure, and this file with it
    }
    await storm;
    const old = seen.filter((id) => there.has(id));
    assert.strictEqual(new Set(seen).size, seen.length, `${order}: something twice`);
    assert.strictEqual(old.length, there.size, `${order}: something was left out`);
    for (const id of await ids(site, O, only, { page_size: 200 })) {
      if (!there.has(id)) {
        there.add(id);
        current.set(id, (await ask(site, O, [p('_id', id)])).records[0]);
        want.push(id);
      }
    }
  }
});

test('totals are of what the caller may see, and bounded', async () => {
  const mine = await some(7);
  const b = await site.treated('ward-8');
  await site.create(observation(b.id, { code: coded('urn:cursor', mine.c) }), site.as('nurse', { ward: 'ward-8' }));
  const total = async (by, more) => (await ask(site, O, mine.only, { by, total: 'TOTAL_BOUNDED', page_size: 2, ...more })).total;
  assert.strictEqual(await total('nurse'), 7);
  assert.strictEqual(await total(site.as('nurse', { ward: 'ward-8' })), 1);
  assert.strictEqual(await total(site.as('nurse', { ward: 'ward-7' })), 0);
  assert.strictEqual(await total(site.as('patient', { sub: a.id })), 7);
  assert.strictEqual((await ask(site, O, mine.only)).total, 0); // not asked for
  const hidden = await site.create(consent(a.id, { type: 'PROVISION_TYPE_PERMIT', provision: [{ type: 'PROVISION_TYPE_DENY', class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }] }] }));
  assert.strictEqual(await total('nurse'), 0);
  assert.deepStrictEqual(await ids(site, O, mine.only), []);
  const resource = { consent: { ...hidden.resource.consent, status: 'STATUS_INACTIVE' } };
  await site.update(resource, 1);
  assert.strictEqual(await total('nurse'), 7);
});

test('more than 10,000 are said to be more', async () => {
  const c = `c${code++}`;
  const [[hash]] = await site.sql(`SELECT HEX(LEFT(UNHEX(SHA2('urn:cursor|${c}', 256)), 16))`);
  const load = (from, to) => site.sql(`
    INSERT INTO resource (resource_id, patient_id, kind, version, written_at_us, status, wrong, labels, from_us, to_us)
      SELECT UNHEX(MD5(CONCAT('${c}', seq))), ${site.hex(a.id)}, 3, 1, seq, 3, 0, 0, seq, seq + 1 FROM seq_${from}_to_${to};
    INSERT INTO token (patient_id, param, hash, at_us, resource_id)
      SELECT ${site.hex(a.id)}, 1, X'${hash}', seq, UNHEX(MD5(CONCAT('${c}', seq))) FROM seq_${from}_to_${to}`);
  await load(1, 10000); // without versions: they are counted, and none is shown
  const ask1 = () => ask(site, O, [p('code', `urn:cursor|${c}`)], { total: 'TOTAL_BOUNDED', page_size: 1 });
  const at = await ask1();
  assert.deepStrictEqual([at.total, at.total_is_more], [10000, false]);
  await load(10001, 10001);
  const over = await ask1();
  assert.deepStrictEqual([over.total, over.total_is_more], [10000, true]);
  await site.sql(`DELETE FROM token WHERE param = 1 AND hash = X'${hash}'`);
});

test('every page is told of each patient it shows, and once where it shows none', async () => {
  const b = await site.treated('ward-3');
  const c = `c${code++}`;
  for (const who of [a.id, b.id, a.id]) await site.create(observation(who, { code: coded('urn:cursor', c) }), 'nurse');
  const events = async (request) => {
    const before = (await site.outbox()).length;
    await ask(site, O, request.parameters, request);
    return (await site.outbox()).slice(before).filter((e) => e.action.endsWith('/Search'));
  };
  const seen = () => site.rows('seen');
  const lines = await seen();
  const shown = await events({ parameters: [p('code', c)] });
  assert.deepStrictEqual(shown.map((e) => e.patient).sort(), [a.id, b.id].sort());
  assert.ok(shown.every((e) => e.outcome === 'OUTCOME_SUCCESS' && e.actor === 'nurse-1' && e.detail.kind === 'Observation'));
  assert.strictEqual((await seen()) - lines, 2);
  const none = await events({ parameters: [p('code', 'nothing-has-this')] });
  assert.deepStrictEqual(none.map((e) => e.patient), ['']);
  const about = await events({ parameters: [p('code', 'nothing-has-this'), p('patient', `Patient/${b.id}`)] });
  assert.deepStrictEqual(about.map((e) => e.patient), [b.id]);
  const before = (await site.outbox()).length;
  await refused(site, O, [p('nonsense', 'x')]);
  const [event] = (await site.outbox()).slice(before);
  assert.deepStrictEqual([event.outcome, event.code, event.action.endsWith('/Search')], ['OUTCOME_FAILURE', 'INVALID_ARGUMENT/PARAMETER_UNKNOWN', true]);
});

test('merged patients are one chart to a search', async () => {
  const [x, y] = [await site.treated('ward-3'), await site.treated('ward-3')];
  const c = `c${code++}`, made = [];
  for (const who of [x.id, y.id]) made.push(idOf(await site.create(observation(who, { code: coded('urn:cursor', c) }), 'nurse')));
  const of = async (id) => (await ids(site, O, [p('patient', id), p('code', c)])).sort();
  assert.deepStrictEqual(await of(x.id), [made[0]]);
  const { merge_id } = await site.api('patients').call('MergePatients', {
    idempotency_key: site.key(), into_patient_id: x.id, from_patient_id: y.id, into_version: 1, from_version: 1, reason: 'the same person',
  }, site.tokens.registrar);
  for (const id of [x.id, y.id]) assert.deepStrictEqual(await of(id), [...made].sort());
  await site.api('patients').call('UnmergePatients', { idempotency_key: site.key(), merge_id, reason: 'it was wrong' }, site.tokens.registrar);
  assert.deepStrictEqual(await of(x.id), [made[0]]);
  assert.deepStrictEqual(await of(y.id), [made[1]]);
});

test('roles and purposes: who may not ask for a kind is told so, whoever the patient is', async () => {
  for (const [by, reason] of [
    ['registrar', 'KIND_NOT_ALLOWED'], ['privacy-officer', 'KIND_NOT_ALLOWED'], [site.as('nurse', { purpose: 'HRESCH' }), 'PURPOSE_NOT_ALLOWED'],
  ]) {
    const err = await refused(site, O, [p('patient', a.id)], { by });
    assert.deepStrictEqual([err.code, err.reason], ['PERMISSION_DENIED', reason]);
  }
  assert.strictEqual((await refused(site, O, [], { by: 'porter' })).code, 'PERMISSION_DENIED');
  const stranger = site.ward.client('records', { as: 'devices' });
  assert.strictEqual((await stranger.failure('Search', { kind: O }, site.tokens.nurse)).code, 'PERMISSION_DENIED');
});

test('a large page is cut where the answer is full, and goes on', async () => {
  const c = `c${code++}`, made = [];
  for (let i = 0; i < 7; i++) {
    const text = { status: 'STATUS_GENERATED', div: `<div xmlns="http://www.w3.org/1999/xhtml">${'x'.repeat(900000)}</div>` };
    made.push(idOf(await site.create(observation(a.id, { code: coded('urn:cursor', c), text }), 'nurse')));
  }
  const found = await all(site, O, [p('code', c)], { page_size: 200 });
  assert.deepStrictEqual([...found.ids].sort(), [...made].sort());
  assert.ok(found.pages > 1);
});

test('a deadline that passes is said, and nothing hangs', async () => {
  const err = await site.records.failure('Search', { kind: O }, { ...site.tokens.nurse, deadline: 1 });
  assert.strictEqual(err.code, 'DEADLINE_EXCEEDED');
  assert.ok((await ask(site, O, [p('_id', a.id)])).records.length === 0);
});

test('open encounters are found by where they are now', async () => {
  const b = await site.treated('ward-3');
  const E = 'KIND_ENCOUNTER';
  assert.deepStrictEqual(await ids(site, E, [p('patient', b.id), p('location', 'ward-3'), p('status', 'in-progress')]), [b.encounter]);
  const { records: [record] } = await ask(site, E, [p('_id', b.encounter)]);
  await site.update({ encounter: { ...record.resource.encounter, ...encounter(b.id, 'icu').encounter, id: b.encounter } }, 1);
  assert.deepStrictEqual(await ids(site, E, [p('patient', b.id), p('location', 'icu')], { by: site.as('nurse', { ward: 'icu' }) }), [b.encounter]);
  assert.deepStrictEqual(await ids(site, E, [p('patient', b.id)]), []); // ward-3 treats them no more
});
