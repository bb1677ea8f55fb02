'use strict';
// What becomes of events that audit does not take: while audit's log is broken all wait, and arrive once the log is restored. Events that are
// held are seen in metrics and, by policy, in readiness, listed, and released by a person.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { Ward } = require('../../lib/ward');
const { until } = require('../../lib/until');
const { bin } = require('../../lib/paths');
const { run } = require('../../lib/proc');

const TABLES = ['entry', 'node', 'head'];
let ward, identity, registrar, keys = 0;
before(async () => {
  ward = await Ward.start({ services: ['audit', 'identity', 'identity2'], env: { identity2: { WARD_UNREADY_HELD: '1' } } });
  identity = ward.client('identity');
  registrar = { token: ward.token({ roles: ['registrar'], sub: 'registrar-1', purpose: 'PATADMIN' }) };
  // The embedded default's list of ports, so that wardctl takes the folder for its own.
  fs.writeFileSync(path.join(ward.dir, 'ports'), ['audit', 'identity', 'records', 'dosage'].map((s, i) => `${s} ${7401 + 2 * i} ${7402 + 2 * i}\n`).join(''));
});
after(() => ward?.stop());

const sql = (text, on = 'identity') => ward.db.sql(text, on);
const rows = async (table, on = 'identity') => Number((await sql(`SELECT COUNT(*) FROM ${table}`, on))[0][0]);
const act = () => identity.call('RegisterSubject', { idempotency_key: `k-${keys++}`, kind: 'SUBJECT_KIND_PATIENT' }, registrar);
const metric = async (name, service = 'identity') => Number(new RegExp(`^${name} (\\S+)`, 'm').exec((await ward.services[service].admin('/metrics')).text)?.[1]);
const becomes = (name, value, service) => until(`${name} ${value}`, async () => (await metric(name, service)) === value);
const drained = () => until('drained', async () => (await rows('ward_outbox')) === 0);
const copy = async (from, to) => { for (const t of TABLES) await sql(`CREATE OR REPLACE TABLE ${to}_${t} AS SELECT * FROM ${from}${t}`, 'audit'); };
const put = async (from) => { for (const t of TABLES) await sql(`DELETE FROM ${t}; INSERT INTO ${t} SELECT * FROM ${from}_${t}`, 'audit'); };
const outbox = async (...args) => {
  const r = await run([bin('identity'), '--outbox', ...args], { env: ward.services.identity.env });
  return { status: r.status, stdout: r.stdout };
};

test('while audit\'s log is broken, events wait and none is held; all arrive once it is restored', async () => {
  await act();
  await drained();
  await copy('', 'old');
  for (let i = 0; i < 5; i++) await act();
  await drained();
  await copy('', 'new');
  await put('old');
  for (let i = 0; i < 20; i++) await act();
  await becomes('ward_outbox_audit_broken', 1);
  await until('tried again', async () => (await metric('ward_outbox_failures_total{code="DATA_LOSS"}'.replace(/[{}"]/g, '\\$&'))) >= 3);
  assert.strictEqual(await rows('ward_outbox_held'), 0);
  assert.strictEqual(await rows('ward_outbox'), 20);
  assert.strictEqual(await metric('ward_outbox_held_rows'), 0);
  assert.strictEqual((await ward.services.identity.admin('/readyz')).status, 200, 'a metric alone, unless the policy says more');
  await ward.services.audit.stop();
  await put('new');
  await ward.services.audit.start();
  await drained();
  await becomes('ward_outbox_audit_broken', 0);
  assert.strictEqual(await rows('ward_outbox_held'), 0);
});

test('held events are counted; the replica whose policy says so is not ready', async () => {
  // As an earlier version left them, that took a broken log for broken events.
  await ward.services.audit.stop();
  for (let i = 0; i < 3; i++) await act();
  await sql("INSERT INTO ward_outbox_held (id, event_id, created_at, code, event) SELECT id, event_id, created_at, 'DATA_LOSS', event FROM ward_outbox");
  await sql('DELETE FROM ward_outbox');
  await ward.services.audit.start();
  await becomes('ward_outbox_held_rows', 3);
  await becomes('ward_outbox_held_rows', 3, 'identity2');
  await act();
  await drained();
  await becomes('ward_outbox_backlog_rows', 3);
  await until('not ready', async () => { const r = await ward.services.identity2.admin('/readyz'); return r.status === 503 && /audit refused 3 events/.test(r.text); });
  assert.strictEqual((await ward.services.identity.admin('/readyz')).status, 200);
});

test('held events are listed, by the service\'s program and by wardctl', async () => {
  const { status, stdout } = await outbox('list', '--json');
  const { held } = JSON.parse(stdout);
  const want = (await sql('SELECT id, LOWER(HEX(event_id)), LENGTH(event) FROM ward_outbox_held ORDER BY id')).map(([id, event, bytes]) => [Number(id), event, Number(bytes), 'DATA_LOSS']);
  assert.deepStrictEqual([status, held.map((h) => [h.id, h.event_id, h.bytes, h.code])], [0, want]);
  for (const h of held) for (const at of [h.made_at, h.held_at]) assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const lines = (await outbox('list')).stdout;
  assert.match(lines, /^(\d+  event [0-9a-f]{32}  made \S+  held \S+  DATA_LOSS  \d+ bytes\n){3}$/);
  const ctl = await ward.wardctl('--data', ward.dir, '--json', 'outbox', 'list', 'identity');
  assert.deepStrictEqual([ctl.status, JSON.parse(ctl.stdout)], [0, { held }], ctl.lines?.join('\n'));
  assert.strictEqual((await ward.wardctl('--data', ward.dir, 'outbox', 'list', 'nobody')).status, 1);
  assert.strictEqual((await ward.wardctl('--data', ward.dir, 'outbox', 'list')).status, 2);
});

test('released events arrive in audit: one, then all', async () => {
  const { held } = JSON.parse((await outbox('list', '--json')).stdout);
  const entries = await rows('entry', 'audit');
  assert.notStrictEqual((await outbox('release', '999999999')).status, 0, 'no such event');
  assert.deepStrictEqual(JSON.parse((await outbox('release', '--json', String(held[1].id))).stdout), { released: 1 });
  await drained();
  await becomes('ward_outbox_held_rows', 2);
  const all = await ward.wardctl('--data', ward.dir, '--json', 'outbox', 'release', 'identity');
  assert.deepStrictEqual(JSON.parse(all.stdout), { released: 2 });
  await drained();
  await becomes('ward_outbox_held_rows', 0);
  assert.strictEqual(await rows('entry', 'audit'), entries + 3);
  assert.match((await outbox('list')).stdout, /^no audit events are held\n$/);
  await until('ready again', async () => (await ward.services.identity2.admin('/readyz')).status === 200);
});
