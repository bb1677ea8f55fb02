'use strict';
// The echo server of tests/tools, over mutual TLS, started again when its watchdog ends it (exit
// 70), as Kubernetes or `wardctl up` would.

const fs = require('node:fs');
const path = require('node:path');
const { Proc, must } = require('../../lib/proc');
const { Client } = require('../../lib/client');
const { bin, build, folder } = require('../../lib/paths');

const BROKEN = 70;

async function certificates() {
  const dir = folder('rpc');
  await must([bin('wardctl'), 'dev-certs', dir, 'echo', 'friend', 'stranger']);
  return dir;
}

class Echo {
  // args: options of echo_server, {nofile: 128}; pki: a folder of certificates, none for plain text; env: of its process.
  static async start(args = {}, pki = null, env = {}) {
    const e = new Echo();
    Object.assign(e, { args: { ...args }, pki, env, clients: [], restarts: 0, stopping: false });
    await e.launch();
    return e;
  }

  argv() {
    const tls = this.pki
      ? { cert: path.join(this.pki, 'echo.pem'), key: path.join(this.pki, 'echo.key'), ca: path.join(this.pki, 'ca.pem') }
      : {};
    const all = { ...tls, ...this.args };
    return Object.entries(all).flatMap(([k, v]) => [`--${k}`, String(v)]);
  }

  async launch() {
    this.proc = new Proc('echo_server', [path.join(build, 'tests/echo_server'), ...this.argv()], { env: this.env });
    this.port = Number(await this.proc.line(/^\d+$/));
    this.args.listen = `127.0.0.1:${this.port}`; // from now on the same port
    this.proc.exit.then((status) => this.ended(status));
  }

  ended(status) {
    if (this.stopping || status !== BROKEN) return;
    this.restarts += 1;
    this.launch().catch((err) => { this.failure = err; });
  }

  get pid() { return this.proc.pid; }

  client({ as = 'friend', ...more } = {}) {
    const c = new Client({
      file: 'ward/test/v1/echo.proto', service: 'ward.test.v1.Echo', target: `localhost:${this.port}`,
      tls: this.pki && { dir: this.pki, name: as }, ...more,
    });
    this.clients.push(c);
    return c;
  }

  health(more = {}) {
    return this.client({ file: 'grpc/health/v1/health.proto', service: 'grpc.health.v1.Health', ...more });
  }

  // Resident memory in bytes.
  rss() {
    const kib = /VmRSS:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${this.pid}/status`, 'utf8'))[1];
    return Number(kib) * 1024;
  }

  // Milliseconds until a new connection is served; rejects after `within`.
  async servedAgain(within) {
    const began = Date.now();
    for (;;) {
      const c = this.client();
      try {
        await c.call('Unary', {}, { deadline: 500 });
        return Date.now() - began;
      } catch (err) {
        if (Date.now() - began > within) throw new Error(`not served within ${within} ms: ${err.message}`);
      } finally {
        c.close();
      }
      await new Promise((r) => { setTimeout(r, 50); });
    }
  }

  async stop() {
    this.stopping = true;
    for (const c of this.clients) c.close();
    return this.proc.stop();
  }
}

module.exports = { Echo, certificates };
