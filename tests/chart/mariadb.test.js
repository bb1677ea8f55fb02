'use strict';
// The bundled MariaDB's files, given to a real MariaDB: its options are known, and its users are made with the rights they need.

const { test, after } = require('node:test');
const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { folder } = require('../lib/paths');
const { MariaDb } = require('../lib/mariadb');
const { render, missing } = require('./helm');

const config = (set) => render(set).find((d) => d.kind === 'ConfigMap' && d.data['users.sh']).data;
let db;
after(() => db?.kill());

test('mariadb_knows_every_option_of_the_configuration', { skip: missing }, () => {
  const file = path.join(folder('cnf'), 'ward.cnf');
  fs.writeFileSync(file, config('trial')['ward.cnf']);
  const ask = (text) => {
    fs.writeFileSync(file, text);
    return spawnSync('/usr/sbin/mariadbd', [`--defaults-file=${file}`, ...(process.getuid() === 0 ? ['--user=root'] : []), '--verbose', '--help'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  };
  const r = ask(config('trial')['ward.cnf']);
  assert.strictEqual(r.status, 0, r.stderr);
  const value = (name) => new RegExp(`^${name} +(\\S+)$`, 'm').exec(r.stdout)?.[1];
  assert.deepStrictEqual([value('innodb-buffer-pool-size'), value('require-secure-transport'), value('innodb-flush-log-at-trx-commit'), value('collation-server')],
    ['536870912', 'TRUE', '1', 'utf8mb4_bin']);
  assert.notStrictEqual(ask(`${config('trial')['ward.cnf']}\nno-such-option=1\n`).status, 0);
});

// The script as MariaDB's image runs it: sourced by bash, with the image's own function to run SQL.
function users(set, dir, sock) {
  const { 'users.sh': script, 'users.txt': list } = config(set);
  fs.mkdirSync(path.join(dir, 'users'), { recursive: true });
  fs.writeFileSync(path.join(dir, 'users/users.txt'), list);
  const run = `set -eu\ndocker_process_sql() { mariadb --no-defaults -S '${sock}' -u root "$@"; }\n${script.replaceAll('/etc/ward', dir)}`;
  return spawnSync('bash', ['-c', run], { encoding: 'utf8' });
}

test('databases_and_users_are_made_once_with_their_rights', { skip: missing }, async () => {
  db = await MariaDb.start(folder('db'), []);
  const dir = folder('users');
  fs.mkdirSync(path.join(dir, 'passwords'));
  for (const s of ['identity', 'records', 'dosage', 'audit', 'diagnosis', 'gateway'])
    for (const f of [s, `${s}-owner`]) fs.writeFileSync(path.join(dir, 'passwords', f), `secret-${f}`);
  for (let again = 0; again < 2; again++) {
    const r = users('everything', dir, db.socket);
    assert.strictEqual(r.status, 0, r.stderr);
  }
  const grants = async (user) => (await db.sql(`SHOW GRANTS FOR '${user}'@'%'`)).flat().join('\n');
  assert.match(await grants('records'), /REQUIRE SSL/);
  assert.match(await grants('records'), /GRANT SELECT, INSERT, UPDATE, DELETE ON `records`\.\* TO/);
  assert.match(await grants('records_owner'), /GRANT ALL PRIVILEGES ON `records`\.\* TO/);
  assert.doesNotMatch(await grants('records_owner'), /audit/);
  assert.strictEqual(users('trial', dir, db.socket).status, 0);

  fs.writeFileSync(path.join(dir, 'passwords/audit'), "x'; DROP DATABASE audit; --");
  const bad = users('trial', dir, db.socket);
  assert.strictEqual(bad.status, 1);
  assert.match(bad.stderr, /the password in audit must be letters/);
});
