'use strict';
// Metrics that no other test names count what their help says: a day in small is lived through, and each figure moves by what was done.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site, prescription, once } = require('../dosage/site');
const { event } = require('../audit/log');
const { until } = require('../../lib/until');
const identity = require('../identity/site');

let site;
before(async () => { site = await Site.start(); });
after(() => site?.stop());

// All series of a metric whose labels match, added up; histograms by `_count` and `_sum` behind the name.
async function value(service, name, labels = {}) {
  const { text } = await site.ward.services[service].admin('/metrics');
  let sum = 0;
  for (const [, has = '', number] of text.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm')))
    if (Object.entries(labels).every(([k, v]) => has.includes(`${k}="${v}"`))) sum += Number(number);
  return sum;
}
// What `act` adds to a metric, asked until it is `by`: some are counted behind the answer.
async function adds(service, name, labels, by, act) {
  const was = await value(service, name, labels);
  const answer = await act();
  await until(`${name} by ${by}`, async () => (await value(service, name, labels)) - was === by);
  return answer;
}
const drained = () => until('an empty outbox', async () => {
  for (const s of ['identity', 'records', 'dosage']) if (Number((await site.sql('SELECT COUNT(*) FROM ward_outbox', s))[0][0]) > 0) return false;
  return true;
});

test('audit counts its commits, their events and what was sent twice', async () => {
  await drained();
  const append = (...events) => site.ward.client('audit', { as: 'identity' }).call('Append', { events });
  const e = [event(), event(), event()];
  const commits = await value('audit', 'ward_audit_commit_seconds_count');
  await adds('audit', 'ward_audit_commit_events_sum', {}, 3, () => append(...e));
  assert.strictEqual(await value('audit', 'ward_audit_commit_seconds_count'), commits + 1);
  assert.ok(await value('audit', 'ward_audit_commit_seconds_sum') > 0);
  await adds('audit', 'ward_audit_duplicates_total', {}, 2, () => append(e[0], event(), e[2]));
  await until('nothing waits', async () => (await value('audit', 'ward_audit_queue_events')) === 0);
});

test('a relay counts the events that audit acknowledged', async () => {
  await drained();
  await adds('records', 'ward_outbox_sent_total', {}, 3, async () => { for (let i = 0; i < 3; i++) await site.record({ patient: { name: [{ family: 'Counted' }] } }); });
});

test('records counts the changes in its feed, and names the last', async () => {
  const number = async () => Number((await site.sql('SELECT sequence FROM feed_end', 'records'))[0][0]);
  await until('every change numbered', async () => Number((await site.sql('SELECT COUNT(*) FROM change_new', 'records'))[0][0]) === 0);
  await adds('records', 'ward_records_feed_numbered_total', {}, 2, async () => { for (let i = 0; i < 2; i++) await site.record({ patient: { name: [{ family: 'Numbered' }] } }); });
  await until('the feed\'s last number', async () => (await value('records', 'ward_records_feed_sequence')) === await number());
});

test('dosage counts findings by rule and severity', async () => {
  const p = await site.patient({ allergies: null });
  const rule = 'ward.allergy-unknown';
  const d = await adds('dosage', 'ward_dosage_findings_total', { rule, severity: 'warn' }, 1, () => site.check(p, prescription('paracetamol', '500 mg', { timing: once })));
  assert.ok(d.findings.some((f) => f.rule_id === rule && f.severity === 'SEVERITY_WARN'));
});

test('identity counts the tokens that were brought, by what came of them', async () => {
  const p = await site.patient();
  const token = await site.ppid(p);
  const spend = (idempotency_key) => ({ idempotency_key, token, subject_id: p.id, purpose: 'administration', place: 'ward-3/bed-2' });
  const api = site.ward.client('identity', { as: 'dosage' });
  const results = (await site.ward.services.identity.admin('/metrics')).text.match(/^ward_identity_tokens_spent_total\{.*$/gm) ?? [];
  const all = () => value('identity', 'ward_identity_tokens_spent_total');
  const was = await all();
  await api.call('SpendToken', spend(site.key()), site.tokens.nurse);
  const e = await api.failure('SpendToken', spend(site.key()), site.tokens.nurse);
  assert.strictEqual(e.reason, 'PPID_SPENT');
  await until('two more', async () => (await all()) === was + 2);
  const now = (await site.ward.services.identity.admin('/metrics')).text.match(/^ward_identity_tokens_spent_total\{.*$/gm);
  assert.ok(now.length >= Math.max(2, results.length), 'one series a result');
});

test('identity counts searches for a person and the time of a photograph, and says what it holds', { skip: identity.skip }, async () => {
  const faces = identity.Site.on(site.ward);
  const photos = await value('identity', 'ward_identity_photo_seconds_count');
  const steps = await value('identity', 'ward_host_step_seconds_total', { step: 'compute' });
  const bytes = await value('identity', 'ward_identity_gallery_bytes');
  const held = await value('identity', 'ward_identity_gallery_subjects');
  const seq = await value('identity', 'ward_identity_gallery_seq');
  await faces.enrol(faces.anna, { more_consents: [identity.to('patient-search')], galleries: ['ward/counted'] });
  assert.strictEqual(await value('identity', 'ward_identity_photo_seconds_count'), photos + 1);
  assert.ok(await value('identity', 'ward_identity_photo_seconds_sum') > 0);
  assert.ok(await value('identity', 'ward_host_step_seconds_total', { step: 'compute' }) > steps);
  await until('one more subject in memory', async () => (await value('identity', 'ward_identity_gallery_subjects')) > held);
  assert.ok(await value('identity', 'ward_identity_gallery_bytes') >= bytes);
  assert.ok(await value('identity', 'ward_identity_gallery_seq') > seq);
  assert.ok(await value('identity', 'ward_identity_gallery_snapshot_age_seconds') >= -1);
  await faces.admin.call('SetUsePolicy', { policy: { purpose: 'find', liveness: 'LIVENESS_POLICY_NONE', allow_face: true, allow_search: true } }, faces.tokens['security-officer']);
  await adds('identity', 'ward_identity_identifications_total', { outcome: 'MATCH' }, 1, () => faces.gallery.call('Identify',
    { gallery: 'ward/counted', photograph: faces.anna, place: 'ward-3', purpose: 'find' }, faces.tokens.nurse));
});

test('every service counts its connections to the database', async () => {
  for (const s of ['audit', 'identity', 'records', 'dosage']) assert.ok(await value(s, 'ward_db_connects_total') > 0, s);
  const was = await value('records', 'ward_db_connects_total');
  await site.ward.db.sql('KILL USER records@localhost'); // every one: a single one may be that of an hourly task
  await until('a new connection', async () => {
    await site.record({ patient: { name: [{ family: 'Again' }] } }).catch(() => {});
    return (await value('records', 'ward_db_connects_total')) > was;
  });
});

test('identity counts its subjects when it starts, and every minute', async () => {
  await site.patient();
  await site.ward.services.identity.stop();
  await site.ward.services.identity.start();
  const rows = Number((await site.sql('SELECT COUNT(*) FROM subject WHERE kind = 1', 'identity'))[0][0]);
  await until('counted', async () => (await value('identity', 'ward_identity_subjects', { kind: 'patient' })) === rows);
});
