'use strict';
// A private MariaDB in a folder of the test's own, configured as the embedded default's: unix
// socket only. `sql` runs with every right on it, as whoever holds the machine would.

const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Proc, must } = require('./proc');
const { template } = require('./paths');

const user = os.userInfo().username;
const asUser = process.getuid() === 0 ? ['--user=root'] : [];
const env = { PATH: process.env.PATH, LC_ALL: 'C' };

class MariaDb {
  constructor(dir) {
    this.dir = dir;
    this.socket = path.join(dir, 'run/mariadb.sock');
    this.schemas = new Map();
  }

  // Starts it; schemas is a list of service names, each with its own user and password file.
  static async start(dir, schemas) {
    const db = new MariaDb(dir);
    for (const sub of ['run', 'tmp', 'secrets']) fs.mkdirSync(path.join(dir, sub), { recursive: true, mode: 0o700 });
    fs.writeFileSync(path.join(dir, 'my.cnf'), template('my.cnf', { DIR: dir }));
    fs.writeFileSync(path.join(dir, 'secrets/init.sql'), schemas.map((s) => db.schema(s)).join(''), { mode: 0o600 });
    await must(['/usr/bin/mariadb-install-db', '--no-defaults', `--datadir=${dir}/db`, `--tmpdir=${dir}/tmp`, '--skip-test-db', ...asUser,
      '--auth-root-authentication-method=socket', `--auth-root-socket-user=${user}`,
      '--innodb-log-file-size=64M'], { env });
    await db.restart();
    return db;
  }

  schema(name) {
    const password = crypto.randomBytes(24).toString('hex');
    this.schemas.set(name, password);
    fs.writeFileSync(path.join(this.dir, 'secrets', `${name}.db`), password, { mode: 0o600 });
    return `CREATE DATABASE IF NOT EXISTS ${name};\n` +
      `CREATE OR REPLACE USER ${name}@localhost IDENTIFIED BY '${password}';\n` +
      `GRANT ALL ON ${name}.* TO ${name}@localhost;\n`;
  }

  async restart() {
    this.proc = new Proc('mariadbd', ['/usr/sbin/mariadbd', `--defaults-file=${this.dir}/my.cnf`, ...asUser], { env });
    await this.proc.line(/ready for connections/);
  }

  // Rows as arrays of text; NULL is the word NULL. One statement or several.
  async sql(statement, schema = 'mysql') {
    const out = await must(['/usr/bin/mariadb', '--no-defaults', '-S', this.socket, '-u', user, '-N', '-B', schema,
      '-e', statement], { env });
    return out.split('\n').slice(0, -1).map((l) => l.split('\t'));
  }

  stop() { return this.proc.stop(); }
  kill() { return this.proc.kill(); }
}

module.exports = { MariaDb };
