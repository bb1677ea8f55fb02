'use strict';
// Three replicas of identity behind one DNS name, as behind the chart's headless Service, and callers with round_robin. Under load one is
// killed and another is added. No call with an idempotency key fails for a caller who repeats it, nothing acknowledged is lost, and a
// minute later each replica that is left takes an equal share of the calls.
//
// spread_after_60s: how far the busiest or the idlest replica is from the mean, as a share of the mean, in the calls of SPREAD_MS after that
// minute.

process.env.GRPC_NODE_USE_ALTERNATIVE_RESOLVER = 'true'; // grpc-js then asks the DNS server that the target names

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const { Ward, API } = require('../lib/ward');
const { Client } = require('../lib/client');
const { Dns, DNSMASQ } = require('../lib/dns');
const { Load } = require('../lib/load');
const { ports } = require('../lib/ports');
const { results } = require('../lib/results');
const { sleep } = require('../lib/chance');
const { until } = require('../lib/until');

const skip = !fs.existsSync(DNSMASQ) && `${DNSMASQ} is not here: make deps-drill`;
const NAME = 'ward-identity.ward.svc.cluster.local';
const CALLERS = 6, SPREAD_MS = 20000;
const CHART = { WARD_MAX_AGE_MS: '30000' }; // as the chart sets it
const AT = { identity: '127.0.0.2', identity2: '127.0.0.3', identity3: '127.0.0.4', identity4: '127.0.0.5' };
const FIRST = ['identity', 'identity2', 'identity3'], THEN = ['identity', 'identity2', 'identity4'];
let ward, dns, port, clients, load;

const ready = (name) => until(`${name} is ready`, async () => (await ward.services[name].admin('/readyz')).status === 200);

// Calls that a replica has answered.
async function answered(name) {
  const { text } = await ward.services[name].admin('/metrics');
  return text.split('\n').filter((l) => /^grpc_server_handled_total\{.*RegisterSubject/.test(l)).reduce((sum, l) => sum + Number(l.split(' ').pop()), 0);
}
const all = (names) => Promise.all(names.map(answered));

before(async () => {
  if (skip) return;
  [port] = await ports(1);
  const env = Object.fromEntries(Object.entries(AT).map(([name, at]) => [name, { ...CHART, WARD_LISTEN: `${at}:${port}` }]));
  ward = await Ward.start({ services: ['audit', ...Object.keys(AT)], env });
  await ward.services.identity4.stop(); // it is added later
  for (const name of FIRST) await ready(name);
  dns = await Dns.start(ward.dir, NAME, FIRST.map((n) => AT[n]));
  clients = Array.from({ length: CALLERS }, () => new Client({ ...API.identity, target: `dns://127.0.0.1:${dns.port}/${NAME}:${port}`, tls: { dir: ward.pki, name: 'gateway' },
    channel: { 'grpc.service_config': '{"loadBalancingConfig":[{"round_robin":{}}]}', 'grpc.ssl_target_name_override': 'localhost' } }));
  load = new Load(ward, clients, { workers: CALLERS });
});
after(async () => {
  load?.quit();
  for (const client of clients ?? []) client.close();
  await dns?.stop();
  await ward?.stop();
});

const spread = (counts) => {
  const mean = counts.reduce((a, b) => a + b) / counts.length;
  return Math.max(...counts.map((n) => Math.abs(n - mean))) / mean;
};

async function spreadOf(names, ms) {
  const from = await all(names);
  await sleep(ms);
  const to = await all(names);
  return { spread: spread(to.map((n, i) => n - from[i])), counts: to.map((n, i) => n - from[i]) };
}

test('one_replica_is_killed_and_one_added_under_load', { skip }, async (t) => {
  load.start();
  await until('100 acts', async () => load.acts.length >= 100);
  const first = await spreadOf(FIRST, 5000);

  await ward.services.identity3.kill();
  const killed = Date.now();
  await dns.set(['identity', 'identity2'].map((n) => AT[n]));
  const added = ward.services.identity4;
  added.env.WARD_LISTEN = `${AT.identity4}:${port}`;
  await added.start();
  await ready('identity4');
  await dns.set(THEN.map((n) => AT[n]));
  const began = Date.now();
  const reached = until('the new replica has calls', () => answered('identity4')).then(() => (Date.now() - began) / 1000);
  await sleep(60000);
  const then = await spreadOf(THEN, SPREAD_MS);
  const first_call_s = await reached;
  await load.stop();

  const there = new Set((await ward.db.sql('SELECT LOWER(HEX(subject_id)) FROM subject', 'identity')).map((r) => r[0]));
  const lost = load.acts.filter((a) => !there.has(a.id.replace(/-/g, '')));
  const figures = { acts: load.acts.length, repeated: load.repeated, failed_idempotent_calls: load.failed.length, goal_failed_idempotent_calls: 0, lost: lost.length, goal_lost: 0,
    done_twice: there.size - load.acts.length, spread_before: first.spread, spread_after_60s: then.spread, goal_spread_after_60s: 0.1, new_replica_first_call_s: first_call_s,
    longest_call_s: Math.max(...load.acts.filter((a) => a.to > killed).map((a) => a.to - a.from)) / 1000 };
  results('scale-test', figures);
  t.diagnostic(JSON.stringify({ ...figures, before: first.counts, after: then.counts }));
  assert.deepStrictEqual(load.failed, [], 'calls that failed in spite of repetitions');
  assert.deepStrictEqual(lost, [], 'acknowledged and not there');
  assert.strictEqual(there.size, load.acts.length, 'an act that was repeated was done twice');
  assert.ok(then.counts.every((n) => n > 0) && then.spread <= 0.1, `the calls of ${SPREAD_MS / 1000} s, a minute later: ${then.counts}`);
});
