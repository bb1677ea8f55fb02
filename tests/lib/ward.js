'use strict';
// A Ward of a test's own: MariaDB, certificates, keys, an issuer and the services asked for, set up
// as the embedded default's (deploy/local/service.env, services/*/local.env), every service on a port the kernel picked.
//
//   const ward = await Ward.start({ services: ['audit'], env: { audit: { WARD_QUEUE: '1' } } });
//   const audit = ward.client('audit', { as: 'identity' });
//   await audit.call('Append', {...}, { token: ward.token({ roles: ['auditor'] }) });
//   await ward.stop();
//
// A service is given a clean environment, is ready once it prints "serving", and ends by its pid.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Proc, run, must } = require('./proc');
const { MariaDb } = require('./mariadb');
const { Issuer, writeJwks } = require('./tokens');
const { Client } = require('./client');
const { bin, folder, template, environment, services: known, root, build, models, packs } = require('./paths');

const PEERS = ['wardctl', ...Object.keys(known), 'gateway', 'devices', 'stranger'];

// What a client can call: each `service X` of the .proto files under its name in lower case, {recordsaccess: {file, service}}.
function findApis() {
  const apis = { health: { file: 'grpc/health/v1/health.proto', service: 'grpc.health.v1.Health' } };
  for (const service of Object.keys(known)) {
    const dir = `ward/${service}/v1`;
    for (const name of fs.readdirSync(path.join(root, 'proto', dir)).filter((f) => f.endsWith('.proto'))) {
      const text = fs.readFileSync(path.join(root, 'proto', dir, name), 'utf8');
      for (const [, api] of text.matchAll(/^service (\w+) /gm)) {
        if (apis[api.toLowerCase()]) throw new Error(`${dir}/${name}: another service has an API named ${api}`);
        apis[api.toLowerCase()] = { file: `${dir}/${name}`, service: `ward.${service}.v1.${api}` };
      }
    }
  }
  // Shorter names. dosage has no service of its own name.
  return { ...apis, dosage: apis.orders, doses: apis.administrations, admin: apis.identityadmin };
}
const API = findApis();

// The services whose ports another needs at its start: those that its local.env names.
const needs = (name) => Object.keys(known).filter((other) => known[name]?.includes(`\${${other.toUpperCase()}_PORT}`));

// A test is not to fail because the machine is busy; those of a service that hangs set their own.
const PATIENCE = { dosage: { WARD_RECORDS_MS: '20000' }, diagnosis: { WARD_RECORDS_MS: '20000' } };

const PORT_TRIES = 20;

// 'identity2' is a second replica of identity: its own process and ports, the same database.
const base = (name) => name.replace(/\d+$/, '');

// Resolves once all have ended; the first failure is thrown then, so that nothing goes on behind it.
async function settled(promises) {
  const failed = (await Promise.allSettled(promises)).find((r) => r.status === 'rejected');
  if (failed) throw failed.reason;
}

// Where a version of Ward is: this one; tests/tools/base builds another.
const HERE = { root, build, packs };

class Service {
  constructor(name, env = {}, from = HERE) {
    this.name = name;
    this.env = env;
    this.from = from;
    this.clients = [];
  }

  async start() {
    this.serving = await this.serve(this.port ? PORT_TRIES : 0);
    this.port = this.serving.port;
    // From now on the same ports, so that its clients find it again.
    this.env.WARD_LISTEN = `127.0.0.1:${this.port}`;
    if (this.serving.admin_port) this.env.WARD_ADMIN_LISTEN = `127.0.0.1:${this.serving.admin_port}`;
    await Promise.all(this.clients.map((c) => c.again()));
    return this;
  }

  // While it was away its port was the kernel's to give: to another test's connection, for a moment.
  async serve(tries) {
    this.proc = new Proc(this.name, [path.join(this.from.build, 'bin', base(this.name))], { env: this.env, cwd: this.from.root });
    try {
      return JSON.parse(await this.proc.line(/"msg":"serving"/));
    } catch (err) {
      if (tries === 0 || !/cannot listen on/.test(err.message)) throw err;
      await new Promise((resolve) => setTimeout(resolve, 250));
      return this.serve(tries - 1);
    }
  }

  stop(options) { return this.proc.stop(options); }
  kill() { return this.proc.kill(); }

  // What its admin port says: {status, text}.
  async admin(page) {
    const r = await fetch(`http://127.0.0.1:${this.serving.admin_port}${page}`);
    return { status: r.status, text: await r.text() };
  }
}

class Ward {
  // Each service is started once those listed before it that it needs, or is a replica of, have started.
  // env has more variables of each; peers more certificates.
  static async start(what) {
    const ward = new Ward();
    try {
      await ward.setUp(what);
    } catch (err) {
      await ward.stop();
      throw err;
    }
    return ward;
  }

  // database: starts another one than a MariaDB, (folder, services) -> {options(), kill()}.
  // from: the version that runs.
  async setUp({ services, env = {}, peers = [], wait = true, mariadb, database: start, from }) {
    this.dir = folder();
    this.services = {};
    this.clients = [];
    this.names = services;
    for (const sub of ['keys', 'log', 'gallery']) fs.mkdirSync(path.join(this.dir, sub), { mode: 0o700 });
    this.pki = path.join(this.dir, 'pki');
    const certificates = must([bin('wardctl'), 'dev-certs', this.pki, ...PEERS, ...peers]);
    this.makeKeys();
    const conf = mariadb?.(this.dir); // more lines of its my.cnf
    const names = [...new Set(services.map(base))];
    const database = (start ? start(this.dir, names) : MariaDb.start(this.dir, names, conf)).then((db) => { this.db = db; });
    await settled([certificates, database]);
    const started = {};
    for (const [i, name] of services.entries()) {
      this.services[name] = new Service(name, {}, from);
      const before = services.slice(0, i).filter((n) => base(n) === base(name) || needs(base(name)).includes(n));
      started[name] = (async () => {
        await Promise.all(before.map((n) => started[n]));
        this.services[name].env = { ...this.environment(name, from), ...env[name] };
        if (wait) await this.services[name].start();
      })();
    }
    await settled(Object.values(started));
  }

  makeKeys() {
    for (const key of Object.keys(known).filter((name) => known[name].includes(`/keys/${name}.kek`))) {
      fs.writeFileSync(path.join(this.dir, 'keys', `${key}.kek`), `${crypto.randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
    }
    this.issuer = new Issuer();
    writeJwks(path.join(this.dir, 'keys/jwks.json'), [this.issuer]);
  }

  // One more service, or replica, of the version `from`.
  async add(name, { env = {}, from } = {}) {
    this.names = [...this.names, name];
    this.services[name] = new Service(name, {}, from);
    this.services[name].env = { ...this.environment(name, from), ...env };
    await this.services[name].start();
  }

  environment(name, from = HERE) {
    const service = base(name);
    const own = [`services/${service}/local.env`, `deploy/local/${service}.env`].find((f) => fs.existsSync(path.join(from.root, f))); // the latter in older versions
    const values = {
      DIR: this.dir, SERVICE: service, PORT: '0', ADMIN_PORT: '0', BUILD: from.build, ROOT: from.root, MODELS: models, PACKS: from.packs,
      TEXT_MODEL: '', // the dictionaries alone: a test that needs the model names it
      ...Object.fromEntries(Object.keys(known).map((other) => [`${other.toUpperCase()}_PORT`, this.portOf(other)])),
    };
    return {
      ...environment(template('deploy/local/service.env', values, from.root)), ...environment(template(own, values, from.root)), ...PATIENCE[service],
      ...this.replica(name), ...this.db.options?.(),
    };
  }

  // Of a service that was started before; where there is none, one that nobody answers at.
  portOf(name) { return String(this.services[name]?.port ?? 1); }

  // What sets a replica of identity apart where there are several: its snapshot, and the hints.
  replica(name) {
    const all = this.names.filter((n) => base(n) === 'identity');
    if (base(name) !== 'identity' || all.length < 2) return {};
    const hint = (n) => `ipc://${this.dir}/run/${n}.hint`;
    const dir = path.join(this.dir, `gallery-${name}`);
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    return { WARD_GALLERY_DIR: dir, WARD_HINT_LISTEN: hint(name), WARD_HINT_PEERS: all.filter((n) => n !== name).map(hint).join(',') };
  }

  token(claims) { return this.issuer.token(claims); }

  // A client of a running service. as: the peer's certificate, null for none; api: which of API's.
  client(name, { as = 'wardctl', api = base(name), ...more } = {}) {
    const client = new Client({
      ...API[api], target: `localhost:${this.services[name].port}`, tls: { dir: this.pki, name: as }, ...more,
    });
    this.clients.push(client);
    this.services[name].clients.push(client);
    return client;
  }

  // wardctl, to its end: {status, stdout, lines}.
  wardctl(...args) { return run([bin('wardctl'), ...args], { env: { PATH: process.env.PATH, HOME: this.dir } }); }

  closeClients() {
    for (const client of this.clients) client.close();
    this.clients.length = 0;
    for (const service of Object.values(this.services)) service.clients = [];
  }

  async stop() {
    this.closeClients();
    await settled(Object.values(this.services).map((service) => service.proc?.stop()));
    if (this.db) await this.db.kill(); // nothing in it is worth an orderly stop
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

module.exports = { Ward, Service, API };
