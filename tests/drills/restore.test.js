'use strict';
// The restore drill of docs/deploy.md, as an operations team does it on a Sunday: a backup by mariadb-backup while people work, more work,
// then a disaster. Everything is brought back to the second before it, by the backup and the binary logs. Afterwards every act that was
// acknowledged before that second is there, none of after it is, the audit log verifies, and acts and audit events match in number.
//
// rpo_s: how long before the chosen second the first act was acknowledged that is missing; 0 for none. rto_s: from the first command of the
// restoration to all services ready.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const L = require('../contract/audit/log');
const { Ward } = require('../lib/ward');
const { run, must } = require('../lib/proc');
const { results } = require('../lib/results');
const { bin } = require('../lib/paths');
const { sleep } = require('../lib/chance');
const { until } = require('../lib/until');

const env = { PATH: process.env.PATH, LC_ALL: 'C' };
const lacks = ['mariadb-backup', 'mariadb-binlog'].filter((p) => !env.PATH.split(':').some((d) => fs.existsSync(path.join(d, p))));
const skip = lacks.length > 0 && `${lacks.join(', ')} not here: make deps-drill`;

// What a hospital's MariaDB has on, beside what deploy/local/my.cnf sets.
const BINLOG = (dir) => `server-id=1\nlog-bin=${dir}/binlog/ward\nbinlog-format=ROW\nsync-binlog=1\n`;

const acts = []; // {id, from, to}: what was acknowledged, and when it was asked and answered
const SERVICES = ['audit', 'identity'];
let ward, identity, registrar, keys = 0, working = true, workers;

async function work() {
  while (working) {
    const from = Date.now();
    const { subject_id: id } = await identity.call('RegisterSubject', { idempotency_key: `k-${keys++}`, kind: 'SUBJECT_KIND_PATIENT' }, registrar);
    acts.push({ id, from, to: Date.now() });
  }
}

const file = (...names) => path.join(ward.dir, ...names);
const rows = async (sql, schema = 'identity') => (await ward.db.sql(sql, schema)).map((r) => r[0]);

before(async () => {
  if (skip) return;
  ward = await Ward.start({ services: SERVICES, mariadb: (dir) => {
    fs.mkdirSync(path.join(dir, 'binlog'), { recursive: true, mode: 0o700 });
    return BINLOG(dir);
  } });
  identity = ward.client('identity');
  registrar = { token: ward.token({ roles: ['registrar'], sub: 'registrar-1', purpose: 'PATADMIN' }) };
});
after(() => ward?.stop());

async function backup() {
  const to = [`--defaults-file=${file('my.cnf')}`, '--backup', `--target-dir=${file('backup')}`, `--socket=${file('run/mariadb.sock')}`, '--user=root'];
  await must(['mariadb-backup', ...to], { env });
  await must(['mariadb-backup', '--prepare', `--target-dir=${file('backup')}`], { env });
}

// The commands of docs/deploy.md: the backup in place, then the binary logs up to the second.
async function restore(second) {
  const [log, position] = fs.readFileSync(file('backup/xtrabackup_binlog_info'), 'utf8').trim().split('\t');
  const logs = fs.readdirSync(file('binlog')).filter((f) => /^ward\.\d+$/.test(f) && f >= path.basename(log)).sort();
  fs.renameSync(file('binlog'), file('binlog.old'));
  fs.mkdirSync(file('binlog'), { mode: 0o700 });
  fs.renameSync(file('db'), file('db.lost'));
  await must(['mariadb-backup', `--defaults-file=${file('my.cnf')}`, '--copy-back', `--target-dir=${file('backup')}`], { env });
  await ward.db.restart();
  const at = new Date(second).toISOString().slice(0, 19).replace('T', ' ');
  execFileSync('sh', ['-c', 'mariadb-binlog --disable-log-bin --start-position="$1" --stop-datetime="$2" $3 | mariadb --socket="$4" --binary-mode',
    'sh', position, at, logs.map((f) => file('binlog.old', f)).join(' '), file('run/mariadb.sock')], { env: { ...env, TZ: 'UTC' }, stdio: 'inherit' });
}

test('everything is brought back to a chosen second', { skip }, async (t) => {
  const others = Number((await rows('SELECT COUNT(*) FROM entry WHERE service = "identity"', 'audit'))[0]); // events of the start
  workers = [work(), work()];
  await until('20 acts', async () => acts.length >= 20);
  await backup();
  const backedUp = acts.length;
  await sleep(3000);
  const second = Math.floor(Date.now() / 1000) * 1000 + 1000;
  await sleep(second - Date.now() + 2500); // people work on until somebody notices
  await ward.db.sql('DELETE FROM subject', 'identity'); // the disaster
  working = false;
  await Promise.allSettled(workers);
  for (const name of SERVICES) await ward.services[name].stop();
  await ward.db.kill();

  const began = Date.now();
  await restore(second);
  const refused = await run([bin('audit')], { env: ward.services.audit.env });
  assert.notStrictEqual(refused.status, 0, 'audit starts on a log that is shorter than the head in its anchor file');
  assert.match(refused.lines.join('\n'), /shorter than the anchor file's head/);
  fs.renameSync(file('log/audit.anchor'), file('log/audit.anchor.before')); // on purpose: a person has seen it
  for (const name of SERVICES) await ward.services[name].start();
  for (const name of SERVICES) await until(`${name} is ready`, async () => (await ward.services[name].admin('/readyz')).status === 200);
  const rto = (Date.now() - began) / 1000;

  const there = new Set(await rows('SELECT LOWER(HEX(subject_id)) FROM subject'));
  const hex = (id) => id.replace(/-/g, '');
  const missing = acts.filter((a) => a.to < second && !there.has(hex(a.id)));
  const rpo = missing.length === 0 ? 0 : (second - Math.min(...missing.map((a) => a.to))) / 1000;
  assert.deepStrictEqual(missing, [], 'what was acknowledged before the second');
  assert.deepStrictEqual(acts.filter((a) => a.from >= second + 1000 && there.has(hex(a.id))), [], 'nothing of a second later');
  assert.ok(acts.filter((a) => a.to < second).length > backedUp, 'the binary logs had work to bring back');

  await until('the outbox is empty', async () => (await rows('SELECT COUNT(*) FROM ward_outbox'))[0] === '0');
  const auditor = { token: ward.token({ roles: ['auditor'], sub: 'auditor-1' }) };
  const audit = ward.client('audit');
  const log = await L.exported(audit, auditor);
  const key = (await audit.call('ListKeys', {})).keys[0].vkey;
  const v = await ward.wardctl('audit', 'verify', '--key', key, '--log', L.writeExport(file('log.jsonl'), log));
  assert.strictEqual(v.status, 0, v.lines.join('\n'));
  const events = Number((await rows('SELECT COUNT(*) FROM entry WHERE service = "identity"', 'audit'))[0]);
  assert.strictEqual(events - others, there.size, 'one event an act');

  await identity.call('RegisterSubject', { idempotency_key: 'after', kind: 'SUBJECT_KIND_PATIENT' }, registrar);
  results('restore-drill', { acts: acts.length, restored: there.size, backed_up: backedUp, missing: missing.length, rpo_s: rpo, goal_rpo_s: 1, rto_s: rto, verified: 1 });
  t.diagnostic(`rpo_s ${rpo}, rto_s ${rto}: ${there.size} of ${acts.length} acts are of before the second`);
});
