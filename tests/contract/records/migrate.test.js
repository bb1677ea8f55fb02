'use strict';
// A database of before migration 007: what was in it is read by today's service as it was read then. before_007.json was written by the
// records service of commit 19a768a, whose newest migration is 006: its tables and rows, the key they are sealed under, and every
// version as that service gave it out.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Site, coded, condition, plain, uuid } = require('./site');
const { imported, exported, write } = require('./bundles');
const { bin, root } = require('../../lib/paths');
const { must } = require('../../lib/proc');

const saved = (name) => JSON.parse(fs.readFileSync(path.join(__dirname, name), 'utf8'));
const old = saved('before_007.json');
const newest = Math.max(...fs.readdirSync(path.join(root, 'services/records/schema')).map((f) => parseInt(f, 10)));
let site, everyone;

const at = async (on) => Number((await on.sql("SELECT MAX(number) FROM ward_schema WHERE set_name = 'records' AND applied_at IS NOT NULL"))[0][0]);

// Today's service on what another left.
async function on(left, number) {
  const made = await Site.start({ services: ['records'] });
  try {
    const service = made.ward.services.records;
    await service.stop();
    await made.ward.db.sql('DROP DATABASE records; CREATE DATABASE records');
    fs.writeFileSync(path.join(made.ward.dir, 'keys/records.kek'), `${left.kek}\n`, { mode: 0o600 });
    await made.sql(['SET FOREIGN_KEY_CHECKS = 0', ...left.sql].join(';\n'));
    assert.strictEqual(await at(made), number);
    // As the chart does it: the user who owns the tables migrates, and the service's own changes none.
    const { WARD_DB_PASSWORD_FILE, ...env } = service.env;
    await must([bin('records'), '--migrate'], { env: { ...env, WARD_DB_USER: 'records_owner' } });
    await service.start();
    assert.strictEqual(await at(made), newest);
    return made;
  } catch (err) {
    await made.stop();
    throw err;
  }
}

before(async () => {
  site = await on(old, 6);
  everyone = site.as('nurse', { roles: ['nurse', 'physician', 'registrar', 'privacy-officer'], sub: 'all-1' });
});
after(() => site?.stop());

test('each_version_reads_as_it_read_before', async () => {
  assert.deepStrictEqual([old.expected.length, old.expected.reduce((n, e) => n + e.versions.length, 0)], [9, 10]);
  for (const { kind, id, versions } of old.expected) {
    const { records } = await site.records.call('History', { kind, id }, everyone);
    assert.deepStrictEqual(records.map((r) => ({ version: r.version.version, resource: plain(r.resource) })), versions, kind);
  }
  const { bundles } = await exported(site);
  const ids = new Set(bundles.flatMap((b) => b.entry || []).map((e) => e.resource.id));
  for (const { id, kind } of old.expected) assert.ok(ids.has(id), kind);
});

test('what_was_written_before_is_found_and_written_on', async () => {
  const family = old.expected.find((e) => e.kind === 'KIND_PATIENT').versions[0].resource.patient.name[0].family;
  const { records } = await site.records.call('Search', { kind: 'KIND_PATIENT', parameters: [{ name: 'family', values: [family] }] }, everyone);
  assert.ok(records.some((r) => r.version.resource_id === old.expected[0].id));
  const seen = old.expected.find((e) => e.kind === 'KIND_OBSERVATION');
  const { observation } = (await site.read('KIND_OBSERVATION', seen.id)).record.resource;
  const next = await site.update({ observation: { ...observation, value_quantity: { ...observation.value_quantity, value: { value: '74.0' } } } }, seen.versions[0].version, 'nurse');
  assert.strictEqual(next.version.version, seen.versions[0].version + 1);
});

test('a_denial_of_before_hides_what_came_to_be_kept_since', async () => {
  assert.strictEqual(await site.rows('consent_deny', 'kinds & 1024'), 1);
  const mine = condition(old.denied);
  await site.create(mine, 'physician').then(() => assert.fail('a denied kind was written'), (e) => assert.ok(e.reason));
  const plan = { resourceType: 'CarePlan', id: uuid(), status: 'active', intent: 'plan', subject: { reference: `Patient/${old.denied}` }, category: [coded('http://loinc.org', '8867-4')] };
  const clinic = { resourceType: 'Organization', id: uuid(), name: 'Klinik' };
  const last = await imported(site, { import_id: uuid() }, write({ resourceType: 'Bundle', type: 'batch', entry: [{ resource: plan }, { resource: clinic }] }));
  assert.deepStrictEqual([last.created, last.quarantined], [2, 0]);
  assert.strictEqual((await site.unread('KIND_OTHER', plan.id)).reason, 'RESOURCE_NOT_FOUND');
  assert.strictEqual((await site.read('KIND_ORGANIZATION', clinic.id)).record.resource.organization.name, 'Klinik');
});

test('what_waited_in_the_quarantine_still_waits_and_can_be_replayed', async () => {
  const exchange = site.api('exchange');
  const admin = site.tokens['records-admin'];
  const { items } = await exchange.call('ListQuarantine', { import_id: 'old' }, admin);
  assert.deepStrictEqual(items.map((i) => i.item_id), old.quarantine);
  const { item } = await exchange.call('GetQuarantined', { item_id: old.quarantine[0] }, admin);
  assert.match(item.json, /385/);
  const replayed = await exchange.call('ReplayQuarantined', { idempotency_key: site.key(), item_id: old.quarantine[0], json: item.json.replace('385', '38.5') }, admin);
  assert.strictEqual(replayed.version, 1);
});

// before_011.json: an Organization, a Practitioner and a Device, each kept as an Other, by the service of commit 6493001.
test('what_was_kept_without_being_interpreted_is_interpreted_when_its_source_sends_it_again', async () => {
  const left = saved('before_011.json');
  const later = await on(left, 10);
  try {
    const kinds = async (type) => (await later.records.call('ListDirectory', { type }, later.tokens.nurse)).records.map((r) => [r.version.kind, r.version.version]);
    assert.deepStrictEqual([await kinds('Organization'), await kinds('Practitioner')], [[['KIND_OTHER', 1]], [['KIND_OTHER', 1]]]);
    assert.strictEqual((await later.read('KIND_OTHER', left.organization)).record.resource.other.type, 'Organization');
    const entry = (r) => ({ fullUrl: `http://x/${r.resourceType}/${r.id}`, resource: r });
    const again = () => imported(later, { import_id: uuid(), source: 'his' }, write({ resourceType: 'Bundle', type: 'batch', entry: [
      entry({ resourceType: 'Organization', id: left.organization, name: 'Klinik' }), entry({ resourceType: 'Practitioner', id: 'dr-1', name: [{ family: 'Wang' }] })] }));
    const counts = ({ created, updated, unchanged, quarantined }) => [created, updated, unchanged, quarantined];
    assert.deepStrictEqual([counts(await again()), counts(await again())], [[0, 2, 0, 0], [0, 0, 2, 0]]);
    assert.deepStrictEqual([await kinds('Organization'), await kinds('Practitioner')], [[['KIND_ORGANIZATION', 2]], [['KIND_PRACTITIONER', 2]]]);
    const { records } = await later.records.call('History', { kind: 'KIND_ORGANIZATION', id: left.organization }, later.tokens.nurse);
    assert.deepStrictEqual(records.map((r) => r.resource.organization?.name ?? JSON.parse(r.resource.other.json).name), ['Klinik', 'Klinik']);
    const found = await later.records.call('Search', { kind: 'KIND_PRACTITIONER', parameters: [{ name: 'name', values: ['wang'] }] }, later.tokens.nurse);
    assert.strictEqual(found.records.length, 1);
  } finally {
    await later.stop();
  }
});
