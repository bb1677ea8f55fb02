'use strict';
// `wardctl up`: ready, alone in its folder, private, stopped by Ctrl-C, and back after every kind of
// death with what it had acknowledged.

const { test, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { Up, gone } = require('../lib/up');
const { run } = require('../lib/proc');
const { rounds } = require('../lib/chance');
const { bin, folder, photo } = require('../lib/paths');

const face = photo('christian');
const up = new Up(folder(), { installs: true, model: true });
after(() => up.stop());

const pids = () => ['mariadb', 'audit', 'identity', 'records', 'dosage', 'diagnosis'].map((name) => up.pid(name));
const enrol = async (u) => (await u.ask('identity', 'enrol', '--photo', face, '--consent', 'self', '--birth-year', '1980')).subject_id;

test('everything_is_ready_when_it_says_so', async (t) => {
  await up.start();
  t.diagnostic(`ready after ${up.ready.took_ms} ms, from an empty folder`);
  const health = await up.ask('health');
  assert.deepStrictEqual(health.map((s) => [s.service, s.serving]), [['audit', true], ['diagnosis', true], ['dosage', true], ['identity', true], ['records', true]]);
  assert.ok(pids().every((pid) => pid > 0));
});

test('chinese_notes_are_read_by_the_model_that_is_shipped', async () => {
  const note = '患者因直肠癌入院，无发热。';
  const { findings } = await up.client('records', { api: 'text' }).call('Extract', { text: note }, { token: await up.token('nurse') });
  assert.ok(findings.some((f) => f.maker.name === 'text_zh'), findings.map((f) => f.maker.name).join());
});

test('a_second_up_on_the_same_folder_says_so', async () => {
  const second = await up.ctl('up');
  assert.strictEqual(second.status, 1);
  const { error } = second.json();
  assert.strictEqual(error.reason, 'ALREADY_UP');
  assert.match(error.message, new RegExp(`the services are already running in .* \\(process ${up.proc.pid}\\)`));
  assert.strictEqual((await up.ctl('health')).status, 0);
});

test('nothing_listens_to_other_machines', () => {
  const listening = new Set();
  for (const pid of pids()) {
    const own = new Set(fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try { return fs.readlinkSync(`/proc/${pid}/fd/${fd}`); } catch { return ''; }
    }));
    for (const table of ['tcp', 'tcp6']) {
      for (const line of fs.readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1)) {
        const f = line.trim().split(/\s+/);
        if (f[3] === '0A' && own.has(`socket:[${f[9]}]`)) listening.add(f[1].split(':')[0]);
      }
    }
  }
  assert.ok(listening.size > 0);
  const loopback = ['0100007F', '0000000000000000FFFF00000100007F'];
  assert.deepStrictEqual([...listening].filter((a) => !loopback.includes(a)), []);
});

test('what_it_keeps_is_closed_to_others', () => {
  const open = [];
  const walk = (dir) => {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
      const file = path.join(dir, entry.name);
      if (entry.isDirectory()) walk(file);
      else if (/\.(key|kek|db)$|issuer\.pem$|init\.sql$|\.log$/.test(entry.name) && (fs.statSync(file).mode & 0o077)) open.push(file);
    }
  };
  assert.strictEqual(fs.statSync(up.dir).mode & 0o777, 0o700);
  for (const sub of ['pki', 'keys', 'secrets', 'log', 'run', 'db']) {
    assert.strictEqual(fs.statSync(path.join(up.dir, sub)).mode & 0o077, 0, sub);
    walk(path.join(up.dir, sub));
  }
  assert.deepStrictEqual(open.filter((f) => !f.startsWith(path.join(up.dir, 'db/'))), []);
});

test('a_killed_service_comes_back_at_the_same_address', async () => {
  for (const name of ['diagnosis', 'dosage', 'records', 'identity', 'audit', 'mariadb']) {
    const pid = up.pid(name);
    const subject = await enrol(up);
    process.kill(pid, 'SIGKILL');
    await gone([pid]);
    await up.healthy();
    assert.notStrictEqual(up.pid(name), pid);
    assert.strictEqual((await up.ask('identity', 'subject', subject)).subject_id, subject);
  }
});

test('kill_9_takes_everything_down_and_the_next_up_has_what_was_acknowledged', async () => {
  const subject = await enrol(up);
  const children = pids();
  await up.proc.kill();
  await gone(children);
  const away = await up.ctl('health');
  assert.strictEqual(away.status, 1);
  await up.start();
  assert.strictEqual((await up.ask('identity', 'subject', subject)).subject_id, subject);
});

test('ctrl_c_stops_everything_and_what_was_there_is_there_afterwards', async () => {
  const subject = await enrol(up);
  const children = pids();
  assert.strictEqual(await up.stop('SIGINT'), 0);
  await gone(children);
  const away = await up.ctl('identity', 'subject', subject);
  assert.strictEqual(away.json().error.code, 'UNAVAILABLE');
  await up.start();
  assert.strictEqual((await up.ask('identity', 'subject', subject)).subject_id, subject);
});

test('killed_while_it_starts_it_starts_the_next_time', async (t) => {
  const victim = new Up(folder(), { installs: true });
  const moments = Array.from({ length: rounds(6) }, () => Math.floor(Math.random() * 900));
  t.diagnostic(`killed after ${moments.join(', ')} ms`);
  try {
    for (const ms of moments) {
      const ready = victim.start().then(() => 'ready', () => 'killed');
      await Promise.race([ready, new Promise((resolve) => setTimeout(resolve, ms))]);
      await victim.proc.kill();
      await ready;
    }
    await victim.start();
    assert.strictEqual((await victim.ctl('health')).status, 0);
  } finally {
    await victim.stop();
  }
});

test('wards_that_start_at_once_have_ports_of_their_own_and_do_not_know_each_other', async () => {
  const others = [new Up(), new Up()];
  try {
    await Promise.all(others.map((w) => w.start()));
    const all = [up, ...others].flatMap((w) => Object.values(w.ready.services).flatMap((s) => [s.address, s.admin.replace('http://', '')]));
    assert.strictEqual(new Set(all).size, all.length);
    const subject = await enrol(others[0]);
    for (const stranger of [up, others[1]]) {
      const there = await stranger.ctl('identity', 'subject', subject);
      assert.strictEqual(there.json().error.reason, 'SUBJECT_NOT_FOUND');
    }
  } finally {
    await Promise.all(others.map((w) => w.stop()));
  }
});

test('what_cannot_start_is_said_at_once_and_why', async () => {
  const broken = new Up();
  fs.mkdirSync(path.join(broken.dir, 'keys'), { mode: 0o700 });
  fs.writeFileSync(path.join(broken.dir, 'keys/identity.kek'), 'not a key\n', { mode: 0o600 });
  const { status, json } = await broken.ctl('up');
  assert.strictEqual(status, 1);
  assert.strictEqual(json().error.code, 'FAILED_PRECONDITION');
  assert.match(json().error.message, /^identity ended while starting: .*identity\.kek/);
});

test('a_port_that_was_taken_meanwhile_is_replaced', async () => {
  assert.strictEqual(await up.stop('SIGTERM'), 0);
  const port = Number(up.ready.services.audit.address.split(':')[1]);
  const thief = net.createServer().listen(port, '127.0.0.1');
  await new Promise((resolve) => thief.once('listening', resolve));
  try {
    await up.start();
    assert.notStrictEqual(up.ready.services.audit.address, `localhost:${port}`);
    assert.strictEqual((await up.ctl('health')).status, 0);
  } finally {
    thief.close();
  }
});

test('a_folder_whose_path_is_too_long_for_a_socket_is_refused_in_words', async () => {
  const deep = new Up(path.join(folder(), 'x'.repeat(100)));
  const { status, json } = await deep.ctl('up');
  assert.strictEqual(status, 1);
  assert.strictEqual(json().error.code, 'INVALID_ARGUMENT');
  assert.match(json().error.message, /too long for a unix socket/);
});

test('no_root_is_needed', async (t) => {
  if (process.getuid() !== 0) return t.skip('this whole run is without root');
  const dir = folder();
  const nobody = { uid: 65534, gid: 65534 };
  fs.chownSync(dir, nobody.uid, nobody.gid);
  if ((await run(['/usr/bin/test', '-x', bin('wardctl')], nobody)).status !== 0) return t.skip('this checkout is closed to other users');
  const plain = new Up(dir, { installs: true });
  try {
    await plain.start(nobody);
    assert.strictEqual((await plain.ctl('health')).status, 0);
    for (const name of ['mariadb', 'audit', 'identity', 'records', 'dosage', 'diagnosis']) {
      assert.match(fs.readFileSync(`/proc/${plain.pid(name)}/status`, 'utf8'), /^Uid:\s+65534/m);
    }
  } finally {
    await plain.stop();
  }
});
