'use strict';
// A private MariaDB in a folder of the test's own, configured as the embedded default's: unix
// socket only. `sql` runs with every right on it, as whoever holds the machine would.
// Nothing is synced to the disk: tests kill processes, not the machine, and what a killed process
// wrote is kept by the kernel. The journey tests run the embedded default itself, which syncs.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Proc, must } = require('./proc');
const { Sql } = require('./sql');
const { bin, root, template } = require('./paths');

const asUser = process.getuid() === 0 ? ['--user=root'] : [];
const env = { PATH: process.env.PATH, LC_ALL: 'C' };

// Without the second line the log alone is synced at each commit: 1,500 times while four services make their tables.
const UNSYNCED = 'innodb-flush-method=nosync\ninnodb-flush-log-at-trx-commit=2\nsync-frm=0\n';

// A test's data is small, and several databases start each second.
const SMALL = 'innodb-buffer-pool-size=64M\naria-pagecache-buffer-size=8M\ninnodb-log-buffer-size=2M\n';

// The data folder of a MariaDB that root@localhost may enter without a password. The services' schemas are there, for to make them
// takes a start longer than all the rest. tools/run-node asks once for all its processes where it is.
async function copyTemplate(to) {
  const from = process.env.WARD_TEST_TEMPLATE ||
    (await must([path.join(root, 'tests/tools/db-template'), path.dirname(bin('audit'))], { env: process.env })).trim();
  await must(['cp', '-r', '--reflink=auto', from, to], { env });
}

class MariaDb {
  constructor(dir) {
    this.dir = dir;
    this.socket = path.join(dir, 'run/mariadb.sock');
    this.client = new Sql(this.socket);
    this.schemas = new Map();
  }

  // Starts it; schemas is a list of service names, each with its own user and password file; conf: more lines of its my.cnf.
  static async start(dir, schemas, conf = '') {
    const db = new MariaDb(dir);
    for (const sub of ['run', 'tmp', 'secrets']) fs.mkdirSync(path.join(dir, sub), { recursive: true, mode: 0o700 });
    fs.writeFileSync(path.join(dir, 'my.cnf'), `${template('deploy/local/my.cnf', { DIR: dir })}\n${UNSYNCED}${SMALL}${conf}`);
    fs.writeFileSync(path.join(dir, 'secrets/init.sql'), schemas.map((s) => db.schema(s)).join(''), { mode: 0o600 });
    await copyTemplate(path.join(dir, 'db'));
    await db.restart();
    return db;
  }

  // The service reads and writes rows and changes no table, as docs/deploy.md tells a hospital to grant it: the schema is the
  // template's, made by another user.
  schema(name) {
    const password = crypto.randomBytes(24).toString('hex');
    this.schemas.set(name, password);
    fs.writeFileSync(path.join(this.dir, 'secrets', `${name}.db`), password, { mode: 0o600 });
    return `CREATE DATABASE IF NOT EXISTS ${name};\n` +
      `CREATE OR REPLACE USER ${name}@localhost IDENTIFIED BY '${password}';\n` +
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}.* TO ${name}@localhost;\n`;
  }

  async restart() {
    this.proc = new Proc('mariadbd', ['/usr/sbin/mariadbd', `--defaults-file=${this.dir}/my.cnf`, ...asUser], { env });
    await this.proc.line(/ready for connections/);
  }

  // Rows as arrays of text; NULL is the word NULL. One statement or several.
  sql(statement, schema = 'mysql') { return this.client.rows(statement, schema); }

  stop() { return this.proc.stop(); }
  kill() { return this.proc.kill(); }
}

module.exports = { MariaDb, copyTemplate };
