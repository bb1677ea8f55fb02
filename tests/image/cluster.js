'use strict';
// A release in containers, as it would run in a cluster: the commands of docs/deploy.md make its Secrets and its database, helm renders
// the chart, and podman runs each Deployment's pod with what its template says: environment, files and their modes, read-only root,
// capabilities, user, memory, probes. A service's name leads to its container by the network's DNS.
//
// The folder also has what wardctl finds in an embedded default's (pki, keys, ports), so that `wardctl --data DIR` reaches the containers.

const crypto = require('node:crypto');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const yaml = require('js-yaml');
const { podman, tried, inspect } = require('./podman');
const { helm, parse, services, chart } = require('../chart/helm');
const { MariaDb } = require('../lib/mariadb');
const { Proc } = require('../lib/proc');
const { Issuer, writeJwks, ISSUER } = require('../lib/tokens');
const { root, folder } = require('../lib/paths');
const { sleep } = require('../lib/chance');
const { until } = require('../lib/until');

const NAMES = ['identity', 'records', 'dosage', 'diagnosis', 'audit'];
const NAMESPACE = 'ward';
const DB_HOST = 'ward-mariadb.ward.svc.cluster.local'; // a name of the certificate that the documented commands make
const UID = 10001;
const MEGA = 1 << 20;

// The commands of docs/deploy.md, a block each.
const blocks = (() => {
  const text = fs.readFileSync(path.join(root, 'docs/deploy.md'), 'utf8');
  const part = text.slice(text.indexOf('## Installation'), text.indexOf('## wardctl against a release'));
  return [...part.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map((m) => m[1]);
})();
const block = (pattern) => {
  const found = blocks.filter((b) => pattern.test(b));
  if (found.length !== 1) throw new Error(`docs/deploy.md has ${found.length} blocks of commands with ${pattern}`);
  return found[0];
};

class Cluster {
  static async start({ values = {} } = {}) {
    const cluster = new Cluster();
    try {
      await cluster.setUp(values);
    } catch (err) {
      await cluster.stop();
      throw err;
    }
    return cluster;
  }

  async setUp(values) {
    this.dir = folder('cluster');
    this.pods = {};
    this.network = `ward-${path.basename(this.dir).slice(-6).toLowerCase()}`;
    await podman('network', 'create', this.network);
    const [{ subnets: [{ gateway }] }] = JSON.parse(await podman('network', 'inspect', this.network));
    this.gateway = gateway;
    this.secrets();
    await this.database();
    this.render(values);
    await Promise.all(this.deployments.map((d) => this.run(d)));
    this.likeUp();
    await Promise.all(NAMES.map((name) => this.ready(name)));
  }

  file(...names) { return path.join(this.dir, ...names); }

  // Commands as a reader of docs/deploy.md types them; kubectl is tests/image/kubectl.
  typed(pattern, at) {
    const env = { PATH: `${__dirname}:${process.env.PATH}`, CLUSTER: this.dir, LC_ALL: 'C', HOME: this.dir };
    execFileSync('bash', ['-euo', 'pipefail', '-c', block(pattern)], { cwd: at, env, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  secrets() {
    const at = this.file('typed');
    fs.mkdirSync(at);
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', '/CN=the hospital',
      '-keyout', 'ca.key', '-out', 'ca.pem'], { cwd: at, stdio: 'ignore' });
    for (const pattern of [/create namespace/, /ward-\$s-rootkey/, /ward-\$s-tls/, /ward-\$s-db /]) this.typed(pattern, at);
    this.issuer = new Issuer();
    const { crv, kty, x } = this.issuer.jwk();
    this.issuer.kid = crypto.createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url'); // as wardctl names the key
    fs.mkdirSync(this.file('configmap/ward-jwks'), { recursive: true });
    writeJwks(this.file('configmap/ward-jwks/jwks.json'), [this.issuer]);
  }

  secret(name, key) { return fs.readFileSync(this.file('secret', name, key), 'utf8'); }

  // MariaDB outside of the cluster, over TLS alone, with the databases and users that docs/deploy.md tells to make.
  async database() {
    const tls = this.file('secret/ward-mariadb-tls');
    const conf = `skip-networking=0\nbind-address=0.0.0.0\nport=0\nrequire-secure-transport=ON\nssl-ca=${tls}/ca.crt\nssl-cert=${tls}/tls.crt\nssl-key=${tls}/tls.key\nmax-connections=500\n`;
    const port = await freePort();
    this.db = await MariaDb.start(this.dir, [], conf.replace('port=0', `port=${port}`));
    this.dbPort = port;
    const sql = block(/^CREATE DATABASE/m);
    for (const name of NAMES) {
      const password = { [`${name}_owner`]: this.secret(`ward-${name}-db-owner`, 'password'), [name]: this.secret(`ward-${name}-db`, 'password') };
      const mine = sql.replace(/\bidentity/g, name).replace(/(\w+)@'%' IDENTIFIED BY '\.\.\.'/g, (all, user) => all.replace('...', password[user]));
      await this.db.sql(`DROP DATABASE IF EXISTS ${name};\n${mine}`);
    }
  }

  render(values) {
    const release = {
      image: { registry: 'localhost/ward', tag: 'latest', pullPolicy: 'Never' },
      oidc: { issuer: ISSUER, jwksConfigMap: 'ward-jwks' },
      database: { host: DB_HOST, port: this.dbPort, migration: { enabled: true } },
      defaults: { replicas: 1 },
    };
    const files = [release, values].map((v, i) => [this.file(`values-${i}.yaml`), yaml.dump(v)]);
    for (const [name, text] of files) fs.writeFileSync(name, text);
    const r = helm('template', 'ward', chart, '--namespace', NAMESPACE, ...files.flatMap(([name]) => ['--values', name]));
    if (r.status !== 0) throw new Error(`helm template: ${r.err}`);
    this.deployments = services(parse(r.out));
  }

  // A folder as the kubelet mounts it: a Secret's files belong to root and are readable by the pod's group.
  volume(service, v) {
    const at = this.file('volumes', service, v.name);
    if (fs.existsSync(at)) return at;
    fs.mkdirSync(at, { recursive: true });
    const from = v.secret ? this.file('secret', v.secret.secretName) : v.configMap && this.file('configmap', v.configMap.name);
    if (!from) {
      fs.chownSync(at, UID, UID);
      fs.chmodSync(at, 0o2770);
      return at;
    }
    for (const key of fs.readdirSync(from)) {
      fs.copyFileSync(path.join(from, key), path.join(at, key));
      fs.chownSync(path.join(at, key), 0, UID);
      fs.chmodSync(path.join(at, key), v.secret ? v.secret.defaultMode : 0o644);
    }
    return at;
  }

  // The arguments of `podman run` for one container of a pod.
  flags(service, spec, c) {
    const { runAsUser, runAsGroup } = spec.securityContext;
    const s = c.securityContext;
    const mounts = c.volumeMounts.map((m) => {
      const v = spec.volumes.find((x) => x.name === m.name);
      if (v.name === 'tmp') return `type=tmpfs,destination=${m.mountPath},tmpfs-size=${parseInt(v.emptyDir.sizeLimit, 10)}m,tmpfs-mode=1777`;
      return `type=bind,source=${this.volume(service, v)},destination=${m.mountPath}${m.readOnly ? ',ro=true' : ''}`;
    });
    const memory = parseInt(c.resources.limits.memory, 10) * MEGA;
    return [
      '--network', this.network, '--pull=never', '--user', `${runAsUser}:${runAsGroup}`, '--memory', String(memory), '--memory-swap', String(memory), '--pids-limit', '256',
      ...(s.readOnlyRootFilesystem ? ['--read-only', '--read-only-tmpfs=false'] : []), ...s.capabilities.drop.map((cap) => `--cap-drop=${cap.toLowerCase()}`),
      ...(s.allowPrivilegeEscalation ? [] : ['--security-opt', 'no-new-privileges']), '--add-host', `${DB_HOST}:${this.gateway}`,
      ...mounts.flatMap((m) => ['--mount', m]), ...c.env.flatMap((e) => ['--env', `${e.name}=${e.value}`]),
    ];
  }

  async run({ service, spec }) {
    for (const c of spec.initContainers ?? []) {
      const r = await tried('run', '--rm', ...this.flags(service, spec, c), c.image, ...c.args);
      if (r.status !== 0) throw new Error(`${service}'s ${c.name} ended with ${r.status}:\n${r.lines.join('\n')}`);
    }
    const [c] = spec.containers;
    const name = `${this.network}-${service}`;
    this.pods[service] = { name, spec };
    await podman('run', '--detach', '--name', name, '--network-alias', `ward-${service}.${NAMESPACE}.svc.cluster.local`, '--publish', '127.0.0.1::50051', '--publish', '127.0.0.1::9090',
      ...this.flags(service, spec, c), c.image);
    await this.ports(service);
  }

  async ports(service) {
    const { NetworkSettings: { Ports } } = await inspect(this.pods[service].name);
    const of = (port) => Number(Ports[`${port}/tcp`][0].HostPort);
    Object.assign(this.pods[service], { port: of(50051), admin: of(9090) });
  }

  // pki, keys, ports and the lock as a running `wardctl up` has them.
  likeUp() {
    this.lock = new Proc('flock', ['flock', '--no-fork', this.file('lock'), 'sleep', 'infinity'], { env: { PATH: process.env.PATH } });
    for (const sub of ['pki', 'keys']) fs.mkdirSync(this.file(sub), { recursive: true, mode: 0o700 });
    for (const [from, to] of [['tls.crt', 'wardctl.pem'], ['tls.key', 'wardctl.key'], ['ca.crt', 'ca.pem']]) {
      fs.writeFileSync(this.file('pki', to), this.secret('ward-wardctl-tls', from), { mode: 0o600 });
    }
    fs.copyFileSync(this.file('configmap/ward-jwks/jwks.json'), this.file('keys/jwks.json'));
    fs.writeFileSync(this.file('keys/issuer.pem'), this.issuer.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    fs.writeFileSync(this.file('ports'), NAMES.map((n) => `${n} ${this.pods[n].port} ${this.pods[n].admin}\n`).join(''));
  }

  // The kubelet's readiness probe, more often.
  async ready(name) {
    const { admin, spec: { containers: [{ readinessProbe: { httpGet } }] } } = this.pods[name];
    await until(`${name} is ready`, async () => {
      const answer = await fetch(`http://127.0.0.1:${admin}${httpGet.path}`).catch(() => null);
      if (answer?.status === 200) return true;
      const { State } = await inspect(this.pods[name].name);
      if (State.Status === 'running') return sleep(100);
      throw new Error(`${name} ended with ${State.ExitCode}:\n${await this.log(name)}`);
    });
  }

  async log(name) { return (await tried('logs', '--tail', '20', this.pods[name].name)).lines.join('\n'); }

  // Stops a service and starts it again, alone: seconds from the start of its process to its line "ready", and its CPU time until then.
  async startToReady(name) {
    const pod = this.pods[name].name;
    const before = (await tried('logs', pod)).lines.length;
    await podman('stop', '--time', '60', pod);
    await podman('start', pod);
    await this.ports(name);
    await this.ready(name);
    const { State } = await inspect(pod);
    const lines = (await tried('logs', pod)).lines.slice(before).map((l) => { try { return JSON.parse(l); } catch { return {}; } });
    const metrics = await (await fetch(`http://127.0.0.1:${this.pods[name].admin}/metrics`)).text();
    const [, cpu] = /^process_cpu_seconds_total (\S+)$/m.exec(metrics);
    return { wall: (Date.parse(lines.find((l) => l.msg === 'ready').ts) - Date.parse(State.StartedAt)) / 1000, cpu: Number(cpu) };
  }

  async stop() {
    for (const { name } of Object.values(this.pods)) await tried('rm', '--force', '--time', '5', name);
    await tried('network', 'rm', '--force', this.network);
    if (this.db) await this.db.kill();
    await this.lock?.kill();
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

function freePort() {
  const net = require('node:net');
  return new Promise((resolve) => {
    const s = net.createServer().listen(0, '0.0.0.0', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

module.exports = { Cluster, NAMES };
