'use strict';
// What `make images` made, run as in a cluster: docs/deploy.md's commands, the chart's own pods, the journey of `make demo` over them.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Cluster, NAMES } = require('./cluster');
const { dir, env, podman, tried, inspect, missing, digests } = require('./podman');
const { run } = require('../lib/proc');
const { results } = require('../lib/results');
const { root, build } = require('../lib/paths');
const helm = require('../chart/helm');

const skip = missing() || helm.missing;
const ALL = [...NAMES, 'wardctl'];
const WITH_RUNTIME = ['identity', 'records', 'diagnosis']; // ONNX Runtime is in them
const LIMIT_MB = (name) => (WITH_RUNTIME.includes(name) ? 130 : 60);
const START_S = 2;
const figures = {};
let cluster;

before(async () => { if (!skip) cluster = await Cluster.start(); });
after(async () => {
  await cluster?.stop();
  if (!skip) results('image-test', figures);
});

test('an_image_is_small', { skip }, async () => {
  for (const name of ALL) {
    const { Size } = await inspect(`localhost/ward/${name}`);
    figures[`image_mb_${name}`] = Math.round(Size / 1e5) / 10;
    figures[`goal_image_mb_${name}`] = LIMIT_MB(name);
    assert.ok(Size < LIMIT_MB(name) * 1e6, `${name} has ${Size} bytes`);
  }
});

test('an_image_holds_no_shell_and_no_program_but_its_service', { skip }, async () => {
  for (const name of ALL) {
    const mount = await podman('image', 'mount', `localhost/ward/${name}`);
    try {
      const programs = ['bin', 'sbin', 'usr/bin', 'usr/sbin', 'usr/local/bin'].flatMap((d) => (fs.existsSync(path.join(mount, d)) ? fs.readdirSync(path.join(mount, d)) : []));
      assert.deepStrictEqual(programs.sort(), [name, 'ward'].sort());
      const found = execFileSync('find', [mount, '-xdev', '(', '-perm', '/6000', '-o', '-not', '-user', '0', '-o', '-type', 'f', '-perm', '/022', ')'], { encoding: 'utf8' });
      assert.strictEqual(found, '', 'setuid files, files that are not of root, files that others may write');
      const { Config } = await inspect(`localhost/ward/${name}`);
      assert.deepStrictEqual([Config.User, Config.Entrypoint], ['10001:10001', ['/usr/bin/ward']]);
    } finally {
      await podman('image', 'unmount', `localhost/ward/${name}`);
    }
  }
});

test('a_second_build_is_the_same_image', { skip }, async () => {
  const again = path.join(dir, 'again');
  fs.rmSync(again, { recursive: true, force: true });
  try {
    for (const script of ['stage', 'build']) {
      const r = await run([path.join(root, 'deploy/image', script)], { env: { ...env, HOME: process.env.HOME, BUILD: build, IMG: again }, cwd: root });
      assert.strictEqual(r.status, 0, r.lines.join('\n'));
    }
    assert.deepStrictEqual(digests(again), digests());
  } finally {
    await run(['podman', '--root', path.join(again, 'store'), '--runroot', path.join(again, 'run'), 'rmi', '--all', '--force'], { env });
    fs.rmSync(again, { recursive: true, force: true });
  }
});

test('every_service_runs_confined', { skip }, async () => {
  for (const name of NAMES) {
    const pod = cluster.pods[name].name;
    const { HostConfig, State } = await inspect(pod);
    assert.ok(HostConfig.ReadonlyRootfs && HostConfig.Memory > 0 && HostConfig.PidsLimit > 0, name);
    const status = Object.fromEntries(fs.readFileSync(`/proc/${State.Pid}/status`, 'utf8').split('\n').map((l) => l.split(':\t')));
    assert.match(status.Uid, /^10001\t10001\t10001\t10001$/);
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) assert.strictEqual(Number.parseInt(status[set], 16), 0, `${name} has ${set}`);
    assert.deepStrictEqual([status.NoNewPrivs, status.Seccomp], ['1', '2']);
  }
});

test('the_journey_of_the_demo_passes_over_the_containers', { skip }, async () => {
  const r = await run([process.execPath, path.join(root, 'deploy/local/demo.js')],
    { env: { PATH: process.env.PATH, HOME: cluster.dir, BUILD: build, WARD_DATA: '/nowhere', JOIN: cluster.dir } });
  assert.strictEqual(r.status, 0, [...r.lines, ...await Promise.all(NAMES.map((n) => cluster.log(n)))].join('\n'));
  assert.match(r.stdout, /GIVEN {2}once/);
  assert.match(r.stdout, /Done\./);
  for (const name of NAMES) assert.strictEqual((await inspect(cluster.pods[name].name)).RestartCount, 0);
});

test('helm_test_s_own_command_finds_every_service', { skip }, async () => {
  const tls = cluster.volume('wardctl', { name: 'tls', secret: { secretName: 'ward-wardctl-tls', defaultMode: 0o440 } });
  const at = NAMES.map((n) => `${n}=dns:///ward-${n}.ward.svc.cluster.local:50051`);
  const r = await tried('run', '--rm', '--network', cluster.network, '--read-only', '--cap-drop=all', '--user', '10001:10001', '--mount', `type=bind,source=${tls},destination=/etc/ward/tls,ro=true`,
    'localhost/ward/wardctl', 'health', '--cert=/etc/ward/tls/tls.crt', '--key=/etc/ward/tls/tls.key', '--ca=/etc/ward/tls/ca.crt', ...at);
  assert.strictEqual(r.status, 0, r.lines.join('\n'));
});

test('a_service_is_ready_soon_after_its_start', { skip }, async (t) => {
  for (const name of NAMES) {
    const { wall, cpu } = await cluster.startToReady(name);
    Object.assign(figures, { [`start_to_ready_s_${name}`]: wall, [`start_cpu_s_${name}`]: cpu });
  }
  figures.start_to_ready_s_max = Math.max(...NAMES.map((n) => figures[`start_to_ready_s_${n}`]));
  figures.goal_start_to_ready_s_max = START_S;
  t.diagnostic(JSON.stringify(figures));
});
