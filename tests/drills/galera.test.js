'use strict';
// Three Galera nodes, one writer behind HAProxy as docs/deploy.md configures it, and two replicas of identity under load. The writer is
// killed, joins again, and becomes the writer again: every act that was acknowledged is there, once, with its audit event, and no caller
// who repeats a call fails. Then one replica is led to another node: both notice, are unready and name the nodes, until one writer is left.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const L = require('../contract/audit/log');
const { Ward } = require('../lib/ward');
const { Galera, lacks } = require('../lib/galera');
const { Load } = require('../lib/load');
const { results } = require('../lib/results');
const { sleep } = require('../lib/chance');
const { until } = require('../lib/until');

const skip = lacks.length > 0 && `${lacks.join(', ')} not here: make deps-drill`;
const REPLICAS = ['identity', 'identity2'];
const figures = {};
let ward, db, load;

const count = async (sql, schema, node) => Number((await db.sql(sql, schema, node))[0][0]);
const readyz = (name) => ward.services[name].admin('/readyz');
const isReady = (name) => until(`${name} is ready`, async () => (await readyz(name)).status === 200);

before(async () => {
  if (skip) return;
  ward = await Ward.start({ services: ['audit', ...REPLICAS],
    database: async (dir, names) => { db = await Galera.start(dir, names); return db; } });
  load = new Load(ward, REPLICAS.map((name) => ward.client(name)), { workers: 4 });
});
after(async () => {
  load?.quit();
  await ward?.stop();
});

test('a_killed_writer_loses_nothing', { skip }, async (t) => {
  for (const name of ['audit', ...REPLICAS]) await isReady(name);
  load.start();
  await until('100 acts', async () => load.acts.length >= 100);
  const [writer] = db.nodes;
  await writer.kill();
  const killed = Date.now(), before_ = load.acts.length;
  await until('100 acts on the second node', async () => load.acts.length >= before_ + 100);
  figures.failover_s = Math.min(...load.acts.filter((a) => a.from > killed).map((a) => a.to - killed)) / 1000;
  await writer.rejoin(); // HAProxy makes it the writer again
  const rejoined = load.acts.length;
  await sleep(5000);
  await until('100 more acts', async () => load.acts.length >= rejoined + 100);
  await load.stop();
  assert.deepStrictEqual(load.failed, [], 'calls that failed in spite of repetitions');
  for (const name of REPLICAS) {
    const { text } = await readyz(name);
    assert.match(text, /database-writers: ok/, 'a switch of the writer is no second writer');
  }

  await until('the outbox is empty', async () => await count('SELECT COUNT(*) FROM ward_outbox', 'identity') === 0);
  for (const node of db.nodes) {
    const there = new Set((await db.sql('SELECT LOWER(HEX(subject_id)) FROM subject', 'identity', node)).map((r) => r[0]));
    const lost = load.acts.filter((a) => !there.has(a.id.replace(/-/g, '')));
    assert.deepStrictEqual(lost, [], `acknowledged and not on ${node.name}`);
    assert.strictEqual(there.size, load.acts.length, 'an act that was repeated was done twice');
  }
  const events = await db.sql('SELECT COUNT(*), COUNT(DISTINCT patient) FROM entry WHERE service = "identity" AND patient IS NOT NULL', 'audit');
  const [all, patients] = events[0].map(Number);
  assert.strictEqual(patients, load.acts.length, 'each act has its event');
  assert.ok(all - patients <= load.repeated, `${all} events of ${patients} acts: beyond one an act, only what a repeated call was answered with again`);
  const auditor = { token: ward.token({ roles: ['auditor'], sub: 'auditor-1' }) };
  const audit = ward.client('audit');
  const key = (await audit.call('ListKeys', {})).keys[0].vkey;
  const v = await ward.wardctl('audit', 'verify', '--key', key, '--log', L.writeExport(`${ward.dir}/log.jsonl`, await L.exported(audit, auditor)));
  assert.strictEqual(v.status, 0, v.lines.join('\n'));
  Object.assign(figures, { acts: load.acts.length, repeated: load.repeated, lost: 0, goal_lost: 0, failed_idempotent_calls: load.failed.length, goal_failed_idempotent_calls: 0 });
  t.diagnostic(JSON.stringify(figures));
});

test('two_writers_are_noticed', { skip }, async (t) => {
  const astray = ward.services.identity2;
  await astray.stop();
  Object.assign(astray.env, db.options(db.nodes[2].port));
  await astray.start();
  await isReady('identity2');
  load.again();
  const began = Date.now();
  for (const name of REPLICAS) {
    const text = await until(`${name} notices two writers`, async () => {
      const r = await readyz(name);
      return r.status === 503 && r.text;
    });
    assert.match(text, /database-writers: two Galera nodes accept writes, galera-[12] and galera-3: route all services to one node/);
  }
  figures.noticed_s = (Date.now() - began) / 1000;
  const metrics = (await ward.services.identity.admin('/metrics')).text;
  assert.match(metrics, /^ward_db_writer_nodes 2$/m);
  assert.match(metrics, /^ward_dependency_up\{name="database-writers"\} 0$/m);
  await load.stop();

  await astray.stop();
  Object.assign(astray.env, db.options());
  await astray.start();
  for (const name of REPLICAS) await isReady(name);
  results('galera-test', { ...figures, two_writers_noticed: 1, goal_two_writers_noticed: 1 });
  t.diagnostic(JSON.stringify(figures));
});
