'use strict';
// Three MariaDB nodes of one Galera cluster, and HAProxy in front of them as docs/deploy.md configures it: the first node takes
// everything, the others are backups. Each node has a folder, ports and a unix socket of its own. Services connect to `port`.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Proc, must } = require('./proc');
const { Sql } = require('./sql');
const { copyTemplate } = require('./mariadb');
const { build } = require('./paths');
const { ports } = require('./ports');
const { until } = require('./until');

const PROVIDER = '/usr/lib/galera/libgalera_smm.so';
const HAPROXY = '/usr/sbin/haproxy';
const asUser = process.getuid() === 0 ? ['--user=root'] : [];
// The script with which a node sends its state to another: of the system, or where `make deps-drill` puts it.
const scripts = ['/usr/bin', path.join(build, 'galera/usr/bin')].map((dir) => path.join(dir, 'wsrep_sst_mariabackup'));
const script = scripts.find((f) => fs.existsSync(f)) ?? scripts[0];
const env = { PATH: `${process.env.PATH}:${path.dirname(script)}`, LC_ALL: 'C' };
const lacks = [PROVIDER, HAPROXY, script].filter((f) => !fs.existsSync(f));

class Node {
  constructor(name, dir, [port, group, ist, sst]) {
    Object.assign(this, { name, dir, port, group, ist, sst });
    this.socket = path.join(dir, 's');
    this.client = new Sql(this.socket);
  }

  conf(members) {
    const options = { base_host: '127.0.0.1', base_port: this.group, 'gmcast.listen_addr': `tcp://127.0.0.1:${this.group}`,
      'ist.recv_addr': `127.0.0.1:${this.ist}`, 'gcache.size': '64M', 'evs.suspect_timeout': 'PT3S', 'evs.inactive_timeout': 'PT8S' };
    return `[mariadbd]
datadir=${this.dir}/db
socket=${this.socket}
pid-file=${this.dir}/pid
tmpdir=${this.dir}/tmp
bind-address=127.0.0.1
port=${this.port}
skip-name-resolve
character-set-server=utf8mb4
collation-server=utf8mb4_bin
transaction-isolation=READ-COMMITTED
max-allowed-packet=32M
innodb-flush-method=nosync
innodb-flush-log-at-trx-commit=2
innodb-buffer-pool-size=64M
innodb-log-file-size=64M
aria-pagecache-buffer-size=8M
binlog-format=ROW
default-storage-engine=InnoDB
innodb-autoinc-lock-mode=2
wsrep-on=ON
wsrep-provider=${PROVIDER}
wsrep-cluster-name=ward
wsrep-cluster-address=gcomm://${members.map((m) => `127.0.0.1:${m.group}`).join(',')}
wsrep-node-name=${this.name}
wsrep-node-address=127.0.0.1
wsrep-node-incoming-address=127.0.0.1:${this.port}
wsrep-sst-receive-address=127.0.0.1:${this.sst}
wsrep-sst-method=mariabackup
wsrep-provider-options="${Object.entries(options).map(([k, v]) => `${k}=${v}`).join(';')}"
`;
  }

  start(...more) {
    this.proc = new Proc(this.name, ['/usr/sbin/mariadbd', `--defaults-file=${this.dir}/my.cnf`, ...asUser, ...more], { env });
  }

  async status(name) { return (await this.client.rows(`SHOW STATUS LIKE 'wsrep_${name}'`, 'mysql'))[0]?.[1]; }

  // Resolves once it has joined a cluster of this many nodes and takes statements.
  synced(members) {
    return until(`${this.name} is synced`, async () => {
      if (this.proc.ended) throw new Error(`${this.name} ended:\n${this.proc.lines.slice(-30).join('\n')}`);
      try {
        return await this.status('local_state_comment') === 'Synced' && Number(await this.status('cluster_size')) === members;
      } catch { return false; }
    });
  }

  // After kill -9 the position is only in InnoDB's log. With it, the node asks for what it missed and not for everything.
  async rejoin() {
    const said = await must(['sh', '-c', 'exec "$@" 2>&1', 'sh', '/usr/sbin/mariadbd', `--defaults-file=${this.dir}/my.cnf`, ...asUser, '--wsrep-recover', '--disable-log-error'], { env });
    const at = /Recovered position: (\S+)/.exec(said);
    if (!at) throw new Error(`no position of ${this.name}:\n${said}`);
    this.start(`--wsrep-start-position=${at[1]}`);
    await this.synced(3);
  }

  kill() { return this.proc?.kill(); }
}

class Galera {
  constructor(dir) { this.dir = dir; }

  // As MariaDb.start. The services' schemas are the template's; a user may connect from anywhere, for HAProxy hides who does.
  static async start(dir, schemas) {
    const g = new Galera(dir);
    for (const sub of ['run', 'tmp', 'secrets']) fs.mkdirSync(path.join(dir, sub), { recursive: true, mode: 0o700 });
    const [own, ...free] = await ports(13);
    g.port = own;
    g.nodes = [1, 2, 3].map((i) => new Node(`galera-${i}`, path.join(dir, `n${i}`), free.slice(4 * i - 4, 4 * i)));
    for (const node of g.nodes) {
      fs.mkdirSync(path.join(node.dir, 'tmp'), { recursive: true, mode: 0o700 });
      fs.writeFileSync(path.join(node.dir, 'my.cnf'), node.conf(g.nodes));
    }
    try {
      await g.form(schemas);
    } catch (err) {
      await g.kill();
      throw err;
    }
    g.balance();
    return g;
  }

  // The first node makes the cluster; the others begin as copies of it, so that none needs a transfer of everything.
  async form(schemas) {
    const [first, ...others] = this.nodes;
    await copyTemplate(path.join(first.dir, 'db'));
    first.start('--wsrep-new-cluster');
    await first.synced(1);
    for (const s of schemas) await first.client.rows(this.user(s), 'mysql');
    await first.proc.stop();
    for (const node of others) await must(['cp', '-r', '--reflink=auto', path.join(first.dir, 'db'), path.join(node.dir, 'db')], { env });
    first.start('--wsrep-new-cluster');
    await first.synced(1);
    for (const [i, node] of others.entries()) {
      node.start();
      await node.synced(i + 2);
    }
  }

  user(name) {
    const password = crypto.randomBytes(24).toString('hex');
    fs.writeFileSync(path.join(this.dir, 'secrets', `${name}.db`), password, { mode: 0o600 });
    return `CREATE USER ${name}@'%' IDENTIFIED BY '${password}'; GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}.* TO ${name}@'%'`;
  }

  balance() {
    const conf = path.join(this.dir, 'haproxy.cfg');
    fs.writeFileSync(conf, `defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
listen mariadb
  bind 127.0.0.1:${this.port}
  default-server on-marked-down shutdown-sessions on-marked-up shutdown-backup-sessions inter 500 fall 2 rise 4
${this.nodes.map((n, i) => `  server ${n.name} 127.0.0.1:${n.port} check${i > 0 ? ' backup' : ''}`).join('\n')}
`);
    this.proxy = new Proc('haproxy', [HAPROXY, '-db', '-f', conf], { env });
  }

  // Options of a service whose database this is.
  options(port = this.port) { return { WARD_DB_SOCKET: '', WARD_DB_HOST: '127.0.0.1', WARD_DB_PORT: String(port) }; }

  sql(statement, schema, node = this.nodes[1]) { return node.client.rows(statement, schema); }

  async kill() {
    await this.proxy?.kill();
    await Promise.all(this.nodes.map((n) => n.kill()));
  }
}

module.exports = { Galera, lacks };
