'use strict';
// An upgrade at noon and its rollback, as docs/deploy.md describes them. The former version (FORMER, a folder that tests/tools/base built) runs
// under a hospital's work. The new version's `--migrate` changes the schemas as their owner. Then replicas of both versions run side by
// side on the same databases for MINUTES. Then the former version's programs are started again, on the new schemas, and the new ones stop.
// No call with an idempotency key, and no reading call, fails for a caller who repeats it; nothing acknowledged is lost or done twice; the
// audit log verifies.
//
// Not here: diagnosis, and identity's faces: patients are verified by wristband.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const path = require('node:path');
const L = require('../contract/audit/log');
const { Ward } = require('../lib/ward');
const { Hospital } = require('./hospital');
const { must } = require('../lib/proc');
const { ports } = require('../lib/ports');
const { results } = require('../lib/results');
const { bin } = require('../lib/paths');
const { sleep } = require('../lib/chance');
const { until } = require('../lib/until');

const MINUTES = Number(process.env.MINUTES || 10);
const WORKERS = Number(process.env.WORKERS || 3);
const SERVICES = ['audit', 'identity', 'records', 'dosage'];
const former = { root: process.env.FORMER, build: path.join(process.env.FORMER ?? '', 'build'), packs: path.join(process.env.FORMER ?? '', 'models') };
const skip = !process.env.FORMER && 'FORMER names no version: make upgrade-test';
let ward, hospital, listen, both;

const isReady = (name) => until(`${name} is ready`, async () => (await ward.services[name].admin('/readyz')).status === 200);
const second = (name) => `${name}2`;

// dosage asks every replica of the others.
const others = () => Object.fromEntries([['WARD_RECORDS', 'records'], ['WARD_IDENTITY', 'identity']].map(([option, name]) => [option, `ipv4:${both[name].map((p) => `127.0.0.1:${p}`).join(',')}`]));
const options = (name, port) => ({ WARD_LISTEN: `127.0.0.1:${port}`, ...(name === 'dosage' ? others() : {}) });

before(async () => {
  if (skip) return;
  process.env.WARD_TEST_TEMPLATE = (await must([path.join(former.root, 'tests/tools/db-template'), path.join(former.build, 'bin')], { env: process.env })).trim();
  const free = await ports(2 * SERVICES.length);
  listen = (name, n) => free[2 * SERVICES.indexOf(name) + n];
  both = Object.fromEntries(SERVICES.map((name) => [name, [listen(name, 0), listen(name, 1)]]));
  ward = await Ward.start({ services: SERVICES, from: former, env: Object.fromEntries(SERVICES.map((name) => [name, options(name, listen(name, 0))])) });
  hospital = new Hospital(ward, both);
  await hospital.open();
});
after(async () => {
  hospital?.quit();
  await ward?.stop();
});

// As the chart's init container does, as the owner of the schema, while the former version works on it.
async function migrate(name) {
  const env = { ...ward.services[name].env, WARD_DB_USER: `${name}_owner`, WARD_LISTEN: '127.0.0.1:0', WARD_ADMIN_LISTEN: '127.0.0.1:0' };
  delete env.WARD_DB_PASSWORD_FILE;
  await must([bin(name), '--migrate'], { env });
}

async function addNew(name) {
  const env = options(name, listen(name, 1));
  if (name === 'audit') env.WARD_AUDIT_BUS_LISTEN = `ipc://${ward.dir}/run/audit2.bus`;
  else env.WARD_AUDIT_BUS = `ipc://${ward.dir}/run/audit2.bus`;
  await ward.add(second(name), { env });
  await isReady(second(name));
}

async function worked(n) {
  const from = hospital.journeys;
  await until(`${n} more journeys (failed: ${hospital.failed.slice(0, 3)})`, async () => hospital.journeys >= from + n);
}

async function count(name, schema) {
  return Number((await ward.db.sql(`SELECT COUNT(*) FROM ${name}`, schema))[0][0]);
}

async function verifyLog() {
  for (const name of SERVICES.slice(1)) await until(`the outbox of ${name} is empty`, async () => await count('ward_outbox', name) === 0);
  const audit = ward.client('audit');
  const key = (await audit.call('ListKeys', {})).keys[0].vkey;
  const log = await L.exported(audit, { token: ward.token({ roles: ['auditor'], sub: 'auditor-1' }) });
  const v = await ward.wardctl('audit', 'verify', '--key', key, '--log', L.writeExport(path.join(ward.dir, 'log.jsonl'), log));
  assert.strictEqual(v.status, 0, v.lines.join('\n'));
  const given = hospital.acts.filter((a) => a.table === 'dosage.administration').length;
  assert.ok(await count('entry WHERE service = "dosage"', 'audit') >= given, 'an event a dose');
}

test('the_former_version_and_this_one_side_by_side_then_rolled_back', { skip }, async (t) => {
  hospital.start(WORKERS);
  await worked(5);
  const schemas = await Promise.all(SERVICES.map((name) => count('ward_schema', name)));
  for (const name of SERVICES) await migrate(name);
  const migrated = await Promise.all(SERVICES.map((name) => count('ward_schema', name)));
  await worked(5); // the former version, on the new schemas
  for (const name of SERVICES) await addNew(name);
  const from = hospital.journeys;
  await sleep(MINUTES * 60000);
  await worked(5);
  const side_by_side = hospital.journeys - from;
  for (const name of SERVICES) { // the former programs start on the new schemas, while the new ones serve
    assert.strictEqual(await ward.services[name].stop(), 0);
    await ward.services[name].start();
    await isReady(name);
  }
  await worked(5);
  for (const name of [...SERVICES].reverse()) assert.strictEqual(await ward.services[second(name)].stop(), 0);
  await worked(5);
  await hospital.stop();

  const { lost, twice } = await hospital.missing();
  const figures = { minutes: MINUTES, migrations: migrated.reduce((a, b) => a + b) - schemas.reduce((a, b) => a + b), journeys: hospital.journeys, journeys_side_by_side: side_by_side,
    acts: hospital.acts.length, repeated: hospital.repeated, failed_idempotent_calls: hospital.failed.length, goal_failed_idempotent_calls: 0, lost: lost.length, goal_lost: 0 };
  results('upgrade-test', figures);
  t.diagnostic(JSON.stringify(figures));
  assert.deepStrictEqual(hospital.failed, [], 'calls that failed in spite of repetitions');
  assert.deepStrictEqual(lost, [], 'acknowledged and not there');
  assert.deepStrictEqual(twice, [], 'done twice');
  await verifyLog();
});
