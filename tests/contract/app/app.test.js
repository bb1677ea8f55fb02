'use strict';
// What common/app promises of every service, looked at from outside while tests/tools/wait_service
// runs: the admin port, readiness, metrics, stopping.

const { test, before, after, beforeEach, describe } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { Proc, run } = require('../../lib/proc');
const { Client } = require('../../lib/client');
const { build, folder } = require('../../lib/paths');
const { until } = require('../../lib/until');

const program = path.join(build, 'tests/wait_service');
const dir = folder('app');
const file = path.join(dir, 'dependency');

const base = { WARD_LISTEN: '127.0.0.1:0', WARD_ADMIN_LISTEN: '127.0.0.1:0', WARD_LAME_MS: '0',
  WARD_TEST_DEPENDENCY: file };

class Service {
  async start(env = {}) {
    this.proc = new Proc('wait', [program], { env: { ...base, ...env } });
    this.serving = JSON.parse(await this.proc.line(/"msg":"serving"/));
    const target = `127.0.0.1:${this.serving.port}`;
    this.wait = new Client({ file: 'ward/test/v1/wait.proto', service: 'ward.test.v1.Wait', target });
    this.health = new Client({ file: 'grpc/health/v1/health.proto', service: 'grpc.health.v1.Health', target });
    return this;
  }

  async admin(page, options) {
    const r = await fetch(`http://127.0.0.1:${this.serving.admin_port}${page}`, options);
    return { status: r.status, text: await r.text(), type: r.headers.get('content-type') };
  }

  // Asks until the page answers so.
  becomes(page, status) {
    return until(`${status} of ${page}`, async () => {
      const r = await this.admin(page);
      return r.status === status && r;
    });
  }

  serves(want) { return until(want, async () => (await this.health.call('Check', { service: '' })).status === want); }

  // A metric's sample by its whole name, labels included; undefined where there is none.
  async sample(name) {
    const line = (await this.admin('/metrics')).text.split('\n').find((l) => l.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  }

  // Until its one call is in its handler.
  isServed() { return until('served', async () => /^ward_rpc_in_flight.* 1$/m.test((await this.admin('/metrics')).text)); }

  // Its exit status, when it ends by itself.
  ended() {
    this.proc.hold(true);
    return this.proc.exit;
  }

  async stop() {
    this.wait.close();
    this.health.close();
    return this.proc.stop();
  }
}

beforeEach(() => fs.writeFileSync(file, ''));

describe('a running service', { timeout: 600000 }, () => {
  let service;
  before(async () => {
    fs.writeFileSync(file, '');
    service = await new Service().start({ WARD_WORKERS: '2', WARD_QUEUE: '4' });
  });
  after(() => service.stop());

  test('promtool_finds_nothing_wrong_with_the_metrics', async () => {
    await service.becomes('/readyz', 200);
    await service.wait.call('Wait', {});
    await service.wait.failure('Wait', { sleep_ms: 10000 }, { deadline: 50 });
    const { text, type, status } = await service.admin('/metrics');
    assert.strictEqual(status, 200);
    assert.strictEqual(type, 'text/plain; version=0.0.4; charset=utf-8');
    const r = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    assert.strictEqual(r.status, 0, r.error ? r.error.message : r.stdout + r.stderr);
    assert.strictEqual(r.stdout + r.stderr, '');
  });

  test('promtool_would_find_something', () => {
    const r = spawnSync('promtool', ['check', 'metrics'], { input: '# TYPE a counter\na 1\n', encoding: 'utf8' });
    assert.notStrictEqual(r.status, 0);
  });

  test('calls_are_counted_by_code', async () => {
    const name = 'grpc_server_handled_total{grpc_method="Wait",grpc_code="OK"}';
    const line = (await service.admin('/metrics')).text.split('\n')
      .find((l) => l.startsWith('grpc_server_handled_total{') && l.includes('Wait') && l.includes('"OK"'));
    assert.ok(line, `something like ${name}`);
    const key = line.slice(0, line.lastIndexOf(' '));
    const was = await service.sample(key);
    await service.wait.call('Wait', {});
    assert.strictEqual(await service.sample(key), was + 1);
  });

  test('every_metric_that_is_shown_is_documented', async () => {
    const shown = (await service.admin('/metrics')).text.match(/^# TYPE \S+/gm).map((l) => l.slice(7));
    const { stdout } = await run([program, '--docs', 'metrics'], { env: {} });
    const listed = stdout.match(/^\| `\w+`/gm).map((l) => l.slice(3, -1));
    assert.deepStrictEqual(listed, shown);
    assert.ok(shown.includes('process_resident_memory_bytes') && shown.includes('grpc_server_handling_seconds'));
  });

  test('a_dependency_that_goes_takes_readiness_with_it_and_brings_it_back', async () => {
    await service.serves('SERVING');
    fs.rmSync(file);
    const r = await service.becomes('/readyz', 503);
    assert.strictEqual(r.text, 'not ready\nfile: no such file\n');
    await service.serves('NOT_SERVING');
    assert.strictEqual(await service.sample('ward_dependency_up{name="file"}'), 0);
    assert.strictEqual((await service.admin('/livez')).status, 200);
    await service.wait.call('Wait', {}); // who calls all the same is served
    fs.writeFileSync(file, '');
    assert.strictEqual((await service.becomes('/readyz', 200)).text, 'ready\nfile: ok\n');
    await service.serves('SERVING');
  });

  test('it_answers_while_every_worker_is_busy_and_the_queue_is_full', async () => {
    const open = [];
    const shed = [];
    // Six have room; a seventh takes the place of the one that has waited longest.
    const calls = Array.from({ length: 7 }, async () => {
      const err = await service.wait.failure('Wait', { sleep_ms: 60000 }, { deadline: 60000, onCall: (c) => open.push(c) });
      if (err.code === 'RESOURCE_EXHAUSTED') shed.push(err);
      return err.code;
    });
    await until('all six inside, one refused', () => shed.length > 0);
    for (const page of ['/livez', '/readyz', '/metrics', '/loglevel']) {
      assert.strictEqual((await service.admin(page)).status, 200, page);
    }
    assert.strictEqual((await service.health.call('Check', { service: '' })).status, 'SERVING');
    for (const c of open) c.cancel();
    assert.deepStrictEqual((await Promise.all(calls)).sort(), [...Array(6).fill('CANCELLED'), 'RESOURCE_EXHAUSTED']);
    assert.ok(shed[0].retryMs > 0);
  });

  test('the_log_level_changes_while_it_runs', async () => {
    const put = (body) => service.admin('/loglevel', { method: 'PUT', body });
    assert.deepStrictEqual((await service.admin('/loglevel')).text, 'info\n');
    assert.strictEqual((await put('debug')).text, 'debug\n');
    assert.strictEqual((await put('verbose')).status, 400);
    assert.strictEqual((await service.admin('/loglevel')).text, 'debug\n');
    assert.strictEqual((await put('info\n')).text, 'info\n');
  });

  test('what_is_no_request_gets_an_answer_and_the_next_one_too', async () => {
    const answer = await new Promise((resolve, reject) => {
      let text = '';
      const s = net.connect(service.serving.admin_port, '127.0.0.1', () => s.write('\x16\x03\x01\x00\xa5\r\n\r\n'));
      s.setEncoding('latin1').on('data', (d) => { text += d; }).on('close', () => resolve(text)).on('error', reject);
    });
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.strictEqual((await service.admin('/livez')).status, 200);
  });
});

describe('stopping', { timeout: 600000 }, () => {
  test('a_call_in_progress_is_finished_before_the_process_ends', async () => {
    const service = await new Service().start({ WARD_DRAIN_MS: '120000' });
    await service.becomes('/readyz', 200);
    const call = service.wait.call('Wait', { sleep_ms: 3000 });
    await service.isServed();
    service.proc.signal('SIGTERM');
    await service.proc.line(/"msg":"stopping"/);
    assert.strictEqual((await service.admin('/readyz')).text, 'stopping\nfile: ok\n');
    await call;
    assert.strictEqual(await service.ended(), 0);
    service.wait.close();
    service.health.close();
  });

  test('what_does_not_finish_in_time_is_cancelled', async () => {
    const service = await new Service().start({ WARD_DRAIN_MS: '200' });
    const call = service.wait.failure('Wait', { sleep_ms: 60000 });
    await service.isServed();
    assert.strictEqual(await service.stop(), 0);
    assert.ok(['CANCELLED', 'UNAVAILABLE'].includes((await call).code));
  });

  test('a_second_signal_does_not_wait', async () => {
    const service = await new Service().start({ WARD_DRAIN_MS: '600000' });
    const call = service.wait.failure('Wait', { sleep_ms: 60000 });
    await service.isServed();
    service.proc.signal('SIGTERM');
    await service.proc.line(/"msg":"stopping"/);
    service.proc.signal('SIGINT');
    assert.strictEqual(await service.ended(), 1);
    await call;
    service.wait.close();
    service.health.close();
  });
});

describe('starting', { timeout: 600000 }, () => {
  test('a_mistake_in_the_configuration_is_one_line_of_json', async () => {
    const r = await run([program], { env: { ...base, WARD_WORKER: '4' } });
    assert.strictEqual(r.status, 1);
    const said = r.lines.map((l) => JSON.parse(l)).find((l) => l.level === 'error');
    assert.strictEqual(said.msg, 'cannot start');
    assert.strictEqual(said.error, 'the environment sets WARD_WORKER, which is not an option; see --help');
  });

  test('a_file_of_options_serves_as_well', async () => {
    const conf = path.join(dir, 'ward.conf');
    fs.writeFileSync(conf, Object.entries(base).map(([k, v]) => `${k}=${v}\n`).join(''));
    const proc = new Proc('wait', [program, '--config', conf]);
    await proc.line(/"msg":"serving"/);
    assert.strictEqual(await proc.stop(), 0);
  });

  test('the_transport_that_a_peer_can_stop_says_so_in_the_log', async () => {
    for (const [transport, warns] of [['core', 1], ['h2', 0]]) {
      const service = await new Service().start({ WARD_TRANSPORT: transport });
      await service.serves('SERVING');
      assert.strictEqual(await service.stop(), 0);
      const warned = service.proc.lines.map((l) => JSON.parse(l)).filter((l) => l.msg === "served by gRPC's C core, which a peer can stop");
      assert.strictEqual(warned.length, warns, transport);
      if (warns) assert.deepStrictEqual([warned[0].level, /CVE-2023-44487/.test(warned[0].open_to)], ['warn', true]);
    }
  });

  test('plain_text_is_refused_where_others_can_reach_it', async () => {
    const r = await run([program], { env: { ...base, WARD_LISTEN: '0.0.0.0:0' } });
    assert.strictEqual(r.status, 1);
    assert.match(r.lines.join('\n'), /"code":"FAILED_PRECONDITION"/);
  });

  test('two_cannot_have_the_same_port', async () => {
    const first = await new Service().start();
    const taken = { ...base, WARD_ADMIN_LISTEN: `127.0.0.1:${first.serving.admin_port}` };
    const r = await run([program], { env: taken });
    assert.strictEqual(r.status, 1);
    assert.match(r.lines.join('\n'), /address already in use/);
    await first.stop();
  });
});
