'use strict';
// Packs: signed, whole, of one ward; and what is refused. Audit is not there: its events wait in the outbox, to be looked at.

const crypto = require('node:crypto');
const test = require('node:test');
const assert = require('node:assert');
const { interval, once, prescription, chart, until } = require('./site');
const { start, setWards, placed, anyway, bedside, give, getPack, read, header, paper, reconcile, failure, US, nowUs } = require('./cutoff');

let site, downtime;
test.before(async () => {
  site = await start({ services: ['identity', 'records', 'dosage', 'dosage2'] });
  downtime = site.api('downtime');
});
test.after(() => site?.stop());

const plain = (timing, more = {}) => prescription('plainin', '10 mg', { timing, ...more });
const keys = (as = 'wardctl') => site.api('downtime', { as }).call('GetPackKeys', {}, {}).then((a) => a.keys);
const publicKey = (raw) => crypto.createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
const thumbprint = (raw) => crypto.createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${raw.toString('base64url')}"}`).digest('base64url');
async function verified(pack) {
  const [h, p, s] = pack.split('.');
  const key = (await keys()).find((k) => k.key_id === header(pack).kid);
  return Boolean(key) && crypto.verify(null, Buffer.from(`${h}.${p}`), publicKey(key.public_key), Buffer.from(s, 'base64url'));
}
const of = (pack, patient) => read(pack).patients.find((p) => p.patientId === patient.id);

// A message as proto3 writes it in JSON: camel case, without what has its default.
const camel = (name) => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());
function json(m) {
  if (Array.isArray(m)) return m.map(json);
  if (m === null || typeof m !== 'object') return m;
  const out = {};
  for (const [k, v] of Object.entries(m)) {
    if (v === null || v === '' || v === 0 || v === '0' || v === false || /_UNSPECIFIED$/.test(v) || (Array.isArray(v) && !v.length)) continue;
    out[camel(k)] = json(v);
  }
  return out;
}

test('a pack is signed by a key that anybody may fetch, and says all that a ward needs', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, plain(interval(6)));
  const [slot] = await site.slots(patient, { order_id: order.order_id });
  const { administration } = await give(site, { patient, order, slot });
  await site.allergy(patient.id, chart.coded('http://snomed.info/sct', '91936005', 'Allergy to penicillin'), 'nurse', { criticality: 'CRITICALITY_HIGH' });
  await until('the chart known', async () => (of((await getPack(site)).pack, patient).allergies ?? []).some((x) => x.includes('91936005')));
  const made = nowUs();
  const answer = await getPack(site, { hours: 8 });
  assert.deepStrictEqual(header(answer.pack), { alg: 'EdDSA', kid: thumbprint((await keys())[0].public_key), typ: 'ward-dosage-pack' });
  assert.strictEqual(await verified(answer.pack), true);
  const pack = read(answer.pack);
  assert.deepStrictEqual([pack.packId, pack.ward, pack.timeZone, pack.expiresAtUs], [answer.pack_id, 'ward-3', 'Asia/Shanghai', answer.expires_at_us]);
  assert.strictEqual(Number(pack.expiresAtUs) - Number(pack.madeAtUs), 8 * US.hour);
  assert.ok(Math.abs(Number(pack.madeAtUs) - made) < 30e6);
  assert.strictEqual(pack.ruleSetVersion, String(site.ruleSet.version));
  assert.strictEqual(answer.patients, pack.patients.length);

  const mine = of(answer.pack, patient);
  const current = await site.orders.call('GetOrder', { order_id: order.order_id }, site.tokens.nurse);
  assert.deepStrictEqual(mine.orders, [json(current.order)]);
  assert.deepStrictEqual(mine.lastDoses, [json(administration)]);
  const now = await site.slots(patient, { from_us: pack.madeAtUs - US.day, to_us: pack.expiresAtUs });
  assert.deepStrictEqual(mine.slots, now.map(json), 'slots as Schedule says them');
  assert.ok(mine.slots.some((s) => s.state === 'SLOT_STATE_GIVEN') && mine.slots.some((s) => s.state !== 'SLOT_STATE_GIVEN'));
  assert.deepStrictEqual(mine.weight, { value: '70', unit: 'kg' });
  assert.ok(mine.allergies.some((a) => /penicillin.*91936005.*high/i.test(a)), JSON.stringify(mine.allergies));
  assert.strictEqual(mine.chart, 'CHART_STATE_CURRENT');
});

test('a pack has everyone with an open order in the ward, and nobody else', async () => {
  const people = {};
  for (const who of ['open', 'held', 'stopped', 'none', 'ended']) people[who] = await site.patient();
  const setState = (order, state) => site.orders.call('SetState',
    { idempotency_key: site.key(), order_id: order.order_id, expected_version: order.version, state, reason_code: 'no-longer-needed' }, site.tokens.physician);
  await placed(site, people.open, plain(interval(6)));
  await setState(await placed(site, people.held, plain(interval(6))), 'ORDER_STATE_ON_HOLD');
  await setState(await placed(site, people.stopped, plain(interval(6))), 'ORDER_STATE_STOPPED');
  const other = await site.patient({ ward: 'ward-4' });
  await placed(site, other, plain(interval(6)), { by: site.as('physician', { ward: 'ward-4' }) });
  const { pack } = await getPack(site);
  assert.deepStrictEqual(Object.keys(people).filter((who) => of(pack, people[who])), ['open', 'held']);
  assert.strictEqual(of(pack, other), undefined);
  const { pack: theirs } = await getPack(site, { ward: 'ward-4', by: 'pharmacist' });
  assert.deepStrictEqual(read(theirs).patients.map((p) => p.patientId), [other.id]);
});

test('the last dose of a running order is in the pack, however old', async () => {
  const patient = await site.patient();
  const order = await placed(site, patient, plain({ kind: 'KIND_AS_NEEDED' }, { as_needed: { reason: { system: 's', code: 'pain' }, max_doses_per_24h: 4, min_interval_minutes: 60 } }));
  const { pack } = await getPack(site);
  const at = (days) => String(nowUs() - days * US.day);
  const lines = [paper(patient, order, { given_at_us: at(9) }), paper(patient, order, { given_at_us: at(7) }), paper(patient, order, { given_at_us: at(8) })];
  const results = await reconcile(site, pack, lines);
  assert.deepStrictEqual(of((await getPack(site)).pack, patient).lastDoses.map((d) => d.administrationId), [results[1].administration_id]);
});

test('an empty ward gives an empty pack; the keys stay over a restart, and are both replicas\'', async () => {
  const { pack, patients } = await getPack(site, { ward: 'berlin', by: 'pharmacist' });
  assert.strictEqual(patients, 0);
  assert.strictEqual(read(pack).patients, undefined);
  const before = await keys();
  await site.ward.services.dosage2.stop();
  await site.ward.services.dosage2.start();
  const there = await site.api('downtime', { on: 'dosage2' }).call('GetPackKeys', {}, {});
  assert.deepStrictEqual(there.keys, before);
  assert.ok(before.length >= 1 && before.every((k) => k.public_key.length === 32 && k.key_id === thumbprint(k.public_key)));
});

test('each patient in a pack hears of it in audit', async () => {
  const people = [await site.patient({ ward: 'berlin' }), await site.patient({ ward: 'berlin' })];
  const by = site.as('physician', { ward: 'berlin' });
  for (const p of people) await placed(site, p, plain(interval(6)), { by });
  const { pack_id } = await getPack(site, { ward: 'berlin', by: site.as('nurse', { ward: 'berlin', sub: 'nurse-b' }) });
  const events = (await site.outbox()).filter((e) => JSON.stringify(e).includes(pack_id));
  assert.deepStrictEqual(events.map((e) => e.patient_id ?? e.patient).sort(), people.map((p) => p.id).sort());
  assert.ok(events.every((e) => e.actor === 'nurse-b' || JSON.stringify(e).includes('nurse-b')));
  assert.strictEqual(await site.rows('pack', `pack_id = ${site.hex(pack_id)} AND made_by = 'nurse-b'`), 1);
});

test('what GetPack refuses', async () => {
  const fail = (q, by = 'nurse') => downtime.failure('GetPack', { ward: 'ward-3', ...q }, site.who(by));
  assert.deepStrictEqual(await fail({ ward: 'ward-4' }).then((f) => [f.code, f.reason]), ['PERMISSION_DENIED', 'WARD_NOT_YOURS']);
  assert.deepStrictEqual(await fail({ ward: 'nowhere' }, 'pharmacist').then((f) => [f.code, f.reason]), ['NOT_FOUND', 'WARD_NOT_FOUND']);
  for (const ward of ['', 'a b', 'x'.repeat(65)]) assert.deepStrictEqual(await fail({ ward }, 'pharmacist').then((f) => [f.code, f.field]), ['INVALID_ARGUMENT', 'ward']);
  for (const hours of [-1, 25]) assert.deepStrictEqual(await fail({ hours }).then((f) => [f.code, f.field]), ['INVALID_ARGUMENT', 'hours']);
  assert.strictEqual((await fail({}, 'porter')).code, 'PERMISSION_DENIED');
  assert.strictEqual((await fail({}, site.as('nurse', { purpose: 'HMARKT' }))).reason, 'PURPOSE_NOT_ALLOWED');
});

test('a pack that does not fit is refused, and fewer hours fit', async () => {
  const often = { kind: 'KIND_INTERVAL', interval_minutes: 5, before_minutes: 2, after_minutes: 2 };
  const by = site.as('physician', { ward: 'large' });
  await setWards(site, { large: 'UTC' });
  for (let n = 0; n < 4; n++) {
    const patient = await site.patient({ ward: 'large' });
    for (let i = 0; i < 12; i++) await anyway(site, patient, plain(often), { by });
  }
  const f = await downtime.failure('GetPack', { ward: 'large', hours: 24 }, site.tokens.pharmacist);
  assert.deepStrictEqual([f.code, f.reason], ['RESOURCE_EXHAUSTED', 'PACK_TOO_LARGE']);
  const { pack } = await getPack(site, { ward: 'large', hours: 1, by: 'pharmacist' });
  assert.strictEqual(await verified(pack), true);
  assert.ok(pack.length > 1e5);
});

// ---- what is no pack ----

test('a pack that was changed, forged, or is another thing is refused', async () => {
  const at = await bedside(site);
  const { pack } = await getPack(site);
  const [h, p, s] = pack.split('.');
  const b64 = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
  const mine = crypto.generateKeyPairSync('ed25519');
  const signed = (head, payload, key = mine.privateKey) => `${head}.${payload}.${crypto.sign(null, Buffer.from(`${head}.${payload}`), key).toString('base64url')}`;
  const flip = (text, i) => text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1);
  const stretched = b64({ ...read(pack), expiresAtUs: '9000000000000000' });
  const bad = {
    empty: '', none: 'x', dots: '..', four: `${pack}.x`, 'no signature': `${h}.${p}.`, header: `${flip(h, 8)}.${p}.${s}`, payload: `${h}.${flip(p, 200)}.${s}`,
    signature: `${h}.${p}.${flip(s, 5)}`, stretched: `${h}.${stretched}.${s}`, 'cut signature': `${h}.${p}.${s.slice(0, -4)}`,
    'alg none': `${b64({ ...header(pack), alg: 'none' })}.${p}.`, 'another key under our name': signed(h, p),
    'another key under its own': signed(b64({ alg: 'EdDSA', kid: thumbprint(Buffer.from(mine.publicKey.export({ format: 'jwk' }).x, 'base64url')), typ: 'ward-dosage-pack' }), p),
    'its own key brought along': signed(b64({ ...header(pack), jwk: mine.publicKey.export({ format: 'jwk' }) }), p),
    'a token': await site.ppid(at.patient), 'a bearer token': site.tokens.nurse.token, huge: 'A'.repeat(6 * 1024 * 1024 + 1),
  };
  for (const [what, text] of Object.entries(bad)) {
    const f = await downtime.failure('Reconcile', { idempotency_key: site.key(), pack: text, doses: [paper(at.patient, at.order)] }, site.tokens.nurse);
    assert.deepStrictEqual([f.code, f.reason], ['UNAUTHENTICATED', 'PACK_INVALID'], what);
  }
  assert.strictEqual(await site.rows('administration', `order_id = ${site.hex(at.order.order_id)}`), 0);
});

test('a pack of another ward is that ward\'s alone; a pharmacist\'s is any', async () => {
  const patient = await site.patient({ ward: 'ward-4' });
  const order = await anyway(site, patient, plain(once), { by: site.as('physician', { ward: 'ward-4' }) });
  const { pack } = await getPack(site, { ward: 'ward-4', by: site.as('nurse', { ward: 'ward-4' }) });
  const line = paper(patient, order, { given_at_us: String(nowUs()) });
  const f = await failure(reconcile(site, pack, [line]));
  assert.deepStrictEqual([f.code, f.reason], ['PERMISSION_DENIED', 'WARD_NOT_YOURS']);
  const [r] = await reconcile(site, pack, [line], { by: 'pharmacist' });
  assert.match(r.state, /RECORDED/);
});

test('a pack is given out while records is away, and says what it does not know', async () => {
  const known = await bedside(site, plain(interval(6)));
  const chartIn = async () => of((await getPack(site)).pack, known.patient);
  await site.caughtUp();
  await site.check(known.patient, plain(interval(6)));
  await site.ward.services.records.stop();
  try {
    const mine = await chartIn();
    assert.strictEqual(mine.orders.length, 1);
    assert.ok(['CHART_STATE_CURRENT', 'CHART_STATE_STALE'].includes(mine.chart), mine.chart);
    assert.deepStrictEqual(mine.weight, { value: '70', unit: 'kg' });
    // The other replica keeps nobody's chart: it cannot know, and says so.
    const { pack: blind } = await getPack(site, { on: 'dosage2' });
    const theirs = of(blind, known.patient);
    assert.deepStrictEqual([theirs.chart, theirs.allergies, theirs.weight], ['CHART_STATE_UNAVAILABLE', undefined, undefined]);
    assert.strictEqual(theirs.orders.length, 1);
  } finally {
    await site.ward.services.records.start();
  }
});
