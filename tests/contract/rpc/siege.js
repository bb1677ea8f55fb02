'use strict';
// Attacks on one echo server with a well-behaved client beside them: what each cost that client and the server.
// tests/abuse makes the attacks. Each has two sizes: for a test, and for `make abuse-test`.

const fs = require('node:fs');
const path = require('node:path');
const { run } = require('../../lib/proc');
const { build } = require('../../lib/paths');
const { Echo } = require('./echo');

const nap = (ms) => new Promise((r) => { setTimeout(r, ms); });
const FULL = { seconds: 5 };
const ATTACKER = '127.0.0.2'; // the well-behaved client has another address

// name -> [arguments of a test, arguments of `make abuse-test`]
const ATTACKS = {
  'rapid-reset': [{ n: 20000 }, { n: 50000, connections: 4 }],
  'reset-whole-calls': [{ n: 10000 }, { n: 50000, connections: 4 }],
  'made-you-reset': [{ n: 10000 }, { n: 20000, connections: 2 }],
  'zero-window-update': [{ n: 5000 }, { n: 20000 }],
  continuations: [{ n: 400 }, { n: 10000 }],
  'empty-continuations': [{ n: 10000 }, { n: 200000 }],
  'hpack-bomb': [{ n: 100, each: 4000 }, { n: 2000, each: 4000 }],
  'huge-value': [{ n: 600 }, { n: 2000 }],
  trailers: [{ n: 500 }, { n: 2000 }],
  ping: [{ n: 20000 }, { n: 200000 }],
  'ping-unread': [{ n: 20000 }, { n: 100000 }],
  pong: [{ n: 20000 }, { n: 200000 }],
  settings: [{ n: 20000 }, { n: 200000 }],
  'settings-unread': [{ n: 20000 }, { n: 100000 }],
  priority: [{ n: 20000 }, { n: 200000 }],
  'window-update': [{ n: 20000 }, { n: 200000 }],
  'unknown-frames': [{ n: 20000 }, { n: 200000 }],
  'empty-data': [{ n: 20000 }, { n: 200000 }],
  'window-zero': [{ connections: 9, each: 1000, seconds: 1 }, { connections: 9, each: 1000, ...FULL }],
  'answers-unread': [{ connections: 4, n: 2000 }, { connections: 9, n: 20000 }],
  'slow-bodies': [{ connections: 20, each: 500, seconds: 1 }, { connections: 20, each: 1000, ...FULL }],
  'large-bodies': [{ connections: 8, each: 20, bytes: 500000, seconds: 1 }, { connections: 20, each: 100, bytes: 1000000, ...FULL }],
  'never-ended': [{ n: 1000, seconds: 1 }, { connections: 10, n: 1000, ...FULL }],
  metadata: [{ n: 200, bytes: 20000 }, { n: 2000, bytes: 20000 }],
  'metadata-huge': [{ attack: 'metadata', n: 10, bytes: 1000000 }, { attack: 'metadata', n: 50, bytes: 1000000 }],
  'bad-bin': [{ n: 200 }, { n: 2000 }],
  'many-calls': [{ connections: 4, n: 5000, path: '/ward.test.v1.Echo/Unary' }, { connections: 8, n: 50000, path: '/ward.test.v1.Echo/Unary' }],
  'unknown-methods': [{ attack: 'many-calls', n: 3000, path: '/nobody/Home' }, { attack: 'many-calls', connections: 4, n: 20000, path: '/nobody/Home' }],
  'key-updates': [{ n: 20000 }, { n: 200000 }],
  renegotiations: [{ n: 20000 }, { n: 200000 }],
  idle: [{ connections: 300, seconds: 1 }, { connections: 1000, ...FULL }],
  connects: [{ n: 2000, seconds: 2 }, { n: 20000, seconds: 6 }],
  handshakes: [{ connections: 4, seconds: 2 }, { connections: 16, ...FULL }],
  'slow-handshakes': [{ connections: 200, seconds: 2 }, { connections: 500, seconds: 10 }],
  garbage: [{ connections: 20, seconds: 1 }, { connections: 50, ...FULL }],
};

// Attacks that never come to a certificate, and those that differ without one. Of the others the server sees nothing without one.
const NAMELESS = ['connects', 'slow-handshakes', 'garbage'];
const STRANGERS = ['rapid-reset', 'huge-value', 'settings-unread', 'slow-bodies', 'key-updates', 'idle', 'handshakes'];

function memory(pid, key) {
  return 1024 * Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

// Twenty calls a second on one connection, and a new connection each half second. Each call has 3 s.
class GoodClient {
  constructor(echo) {
    Object.assign(this, { echo, calls: [], stopped: false });
    this.loops = [this.steady(), this.fresh()];
  }

  async one(client, method, kind) {
    const began = performance.now();
    const error = await client.call(method, { payload: Buffer.from('good') }, { deadline: 3000 }).then(() => null, (e) => `${e.code}: ${e.message}`);
    this.calls.push({ kind, ended: performance.now(), ms: performance.now() - began, error });
  }

  async steady() {
    const client = this.echo.client();
    for (let i = 0; !this.stopped; i += 1) {
      const due = nap(50);
      await this.one(client, ['Fast', 'Unary'][i % 2], 'steady');
      await due;
    }
    client.close();
  }

  async fresh() {
    while (!this.stopped) {
      const due = nap(500);
      const client = this.echo.client();
      await this.one(client, 'Fast', 'fresh');
      client.close();
      await due;
    }
  }

  since(at) {
    return this.calls.filter((c) => c.ended > at);
  }

  async stop() {
    this.stopped = true;
    await Promise.all(this.loops);
  }
}

const p99 = (calls) => quantile(calls.filter((c) => c.kind === 'steady' && c.error === null).map((c) => c.ms), 0.99);

function argv(name, options, port, pki, as) {
  const { attack = name, ...rest } = options;
  return [path.join(build, 'tests/abuse'), attack, String(port), '--certs', pki, '--from', ATTACKER, ...(as ? ['--as', as] : []),
    ...Object.entries(rest).flatMap(([k, v]) => [`--${k}`, String(v)])];
}

// Ordinary load, for every part of the server to have been used before its memory is measured.
async function warm(echo) {
  const client = echo.client();
  for (let i = 0; i < 40; i += 1) {
    await Promise.all(Array.from({ length: 50 }, (_, k) => client.call(['Fast', 'Unary'][k % 2], { payload: Buffer.alloc(1000) }, { deadline: 30000 })));
  }
  client.close();
}

class Siege {
  // quiet: milliseconds of the good client alone, before the first attack.
  static async start(pki, { transport = 'h2', quiet = 1000 } = {}) {
    const s = Object.assign(new Siege(), { pki, echo: await Echo.start({}, pki, { WARD_TRANSPORT: transport }) });
    s.good = new GoodClient(s.echo);
    await warm(s.echo);
    const began = performance.now();
    await nap(quiet);
    s.idle = p99(s.good.since(began));
    return s;
  }

  // One attack by the peer with this certificate; by a stranger without one where `as` is absent.
  async attack(name, { as, full = false, settle = 4000 } = {}) {
    const { echo } = this;
    const before = this.memory();
    fs.writeFileSync(`/proc/${echo.pid}/clear_refs`, '5'); // VmHWM begins here
    const began = performance.now();
    const restarts = echo.restarts;
    const { stdout, lines } = await run(argv(name, ATTACKS[name][full ? 1 : 0], echo.port, this.pki, as), { timeout: 60000 });
    await nap(200);
    const alive = echo.restarts === restarts;
    const peak = alive ? memory(echo.pid, 'VmHWM') : 0;
    for (const until = Date.now() + settle; alive && this.memory() > 1.1 * before && Date.now() < until;) await nap(50);
    const calls = this.good.since(began);
    return {
      attack: name, as: as ?? 'no certificate', said: stdout.trim() || lines.join(' '), restarts: echo.restarts - restarts,
      calls, failed: calls.filter((c) => c.error !== null).map((c) => c.error), p99_ms: p99(calls),
      before, peak, left: alive ? this.memory() : 0,
    };
  }

  memory() { return memory(this.echo.pid, 'VmRSS'); }

  p99(calls) { return p99(calls); }

  async stop() {
    await this.good.stop();
    return this.echo.stop();
  }
}

module.exports = { ATTACKS, NAMELESS, STRANGERS, Siege };
