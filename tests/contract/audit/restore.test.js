'use strict';
// A service whose database was put back to an earlier hour says so, is unready and tells audit nothing, until the database is the newer
// one again, or a person accepts it.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Ward } = require('../../lib/ward');
const { until } = require('../../lib/until');
const { bin } = require('../../lib/paths');
const { run } = require('../../lib/proc');

let ward, identity, registrar, keys = 0;
before(async () => {
  ward = await Ward.start({ services: ['audit', 'identity'] });
  identity = ward.client('identity');
  registrar = { token: ward.token({ roles: ['registrar'], sub: 'registrar-1', purpose: 'PATADMIN' }) };
});
after(() => ward?.stop());

const sql = (text, on = 'identity') => ward.db.sql(text, on);
const rows = async (table, on = 'identity') => Number((await sql(`SELECT COUNT(*) FROM ${table}`, on))[0][0]);
const act = () => identity.call('RegisterSubject', { idempotency_key: `k-${keys++}`, kind: 'SUBJECT_KIND_PATIENT' }, registrar);
const drained = () => until('drained', async () => (await rows('ward_outbox')) === 0);
const told = async () => Number((await sql('SELECT COALESCE(MAX(outbox_row), 0) FROM progress WHERE service = "identity"', 'audit'))[0][0]);
const metric = async (name) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec((await ward.services.identity.admin('/metrics')).text)?.[1]);
const readyz = () => ward.services.identity.admin('/readyz');
// What a backup of that hour holds of the outbox; its other tables do not matter here.
const next = async () => Number((await sql('SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = "identity" AND TABLE_NAME = "ward_outbox"'))[0][0]);
const restoreTo = (id) => sql(`ALTER TABLE ward_outbox AUTO_INCREMENT = ${id}`);

async function acts(n) {
  for (let i = 0; i < n; i++) await act();
  await drained();
  const to = (await next()) - 1;
  await until(`audit was told of row ${to}`, async () => (await told()) === to);
  return to;
}

test('audit is told how far a database has come, and a restart of the same database changes nothing', async () => {
  await acts(3);
  await ward.services.identity.stop();
  await ward.services.identity.start();
  await until('ready', async () => (await readyz()).status === 200);
  await acts(1);
  assert.strictEqual(await metric('ward_outbox_restored'), 0);
});

test('a database put back to an earlier hour makes its service unready, and its events wait', async () => {
  const backup = await next();
  const last = await acts(20);
  const entries = await rows('entry', 'audit');
  await ward.services.identity.stop();
  await restoreTo(backup);
  await ward.services.identity.start();
  await until('unready', async () => (await readyz()).status === 503);
  const { text } = await readyz();
  assert.match(text, new RegExp(`database-age.*older than the audit log: it ends at row ${backup - 1}, the log has row ${last}`));
  assert.strictEqual(await metric('ward_outbox_restored'), 1);
  await act(); // whoever calls it in spite of that
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.strictEqual(await rows('ward_outbox'), 1, 'the event waits');
  assert.strictEqual(await rows('ward_outbox_held'), 0);
  assert.strictEqual(await rows('entry', 'audit'), entries);
  assert.strictEqual(await told(), last, 'what audit was told of is not forgotten');
});

test('a person who has looked accepts it by the row that the log has; then events go again', async () => {
  const last = await told();
  const accept = (row) => run([bin('identity'), '--outbox', 'accept', ...row], { env: ward.services.identity.env });
  assert.notStrictEqual((await accept([])).status, 0, 'not without the row');
  const r = await accept([String(last)]);
  assert.strictEqual(r.status, 0, r.lines?.join('\n'));
  await until('ready', async () => (await readyz()).status === 200);
  await drained();
  assert.strictEqual(await metric('ward_outbox_restored'), 0);
  assert.ok(await acts(1) > last);
  assert.notStrictEqual((await accept([String(last)])).status, 0, 'nothing to accept any more');
});

test('where the newer database comes back, nobody needs to say anything', async () => {
  const backup = (await next()) - 2, newest = await next();
  await ward.services.identity.stop();
  await restoreTo(backup);
  await ward.services.identity.start();
  await until('unready', async () => (await readyz()).status === 503);
  await restoreTo(newest);
  await until('ready', async () => (await readyz()).status === 200);
});
