'use strict';
// SERVICE --doctor and `wardctl doctor`: each planted misconfiguration is found by its own check, with its consequence and remedy,
// and a sound installation has no finding.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { Ward } = require('../../lib/ward');
const { Up } = require('../../lib/up');
const { run, must } = require('../../lib/proc');
const { until } = require('../../lib/until');
const { bin } = require('../../lib/paths');
const { event } = require('../audit/log');

let ward;
const relays = [];
before(async () => {
  const conf = 'innodb-flush-log-at-trx-commit=1\nproxy-protocol-networks=localhost\n';
  ward = await Ward.start({ services: ['audit', 'identity', 'records', 'diagnosis'], env: { diagnosis: { WARD_DIAGNOSIS_MODELS: 'heart_tree/1' } }, mariadb: () => conf });
});
after(async () => {
  for (const relay of relays) relay.close();
  await ward?.stop();
});

const sql = (text, on = 'identity') => ward.db.sql(text, on);

// The report of a service with these options instead of its own; null takes one away.
async function examine(service, change = {}, ...words) {
  const env = { ...ward.services[service].env, ...change };
  for (const name of Object.keys(env)) if (env[name] === null) delete env[name];
  const r = await run([bin(service), '--doctor', ...words], { env });
  return { ...r, text: r.lines.join('\n') };
}

// Asked again where a busy machine made no TCP connection in 5 seconds (EINPROGRESS).
async function findings(service, change, tries = 5) {
  const r = await examine(service, change, '--json');
  assert.match(r.stdout, /^\{.*\}\n$/, `${service} ended with ${r.status}:\n${r.text}`);
  const report = JSON.parse(r.stdout);
  if (tries > 1 && report.findings.some((f) => /MariaDB 2002: .*\(115\)/.test(f.what))) return findings(service, change, tries - 1);
  assert.strictEqual(report.service, service);
  assert.strictEqual(r.status, report.findings.length > 0 ? 1 : 0, r.text);
  for (const f of report.findings) for (const part of ['what', 'means', 'do']) assert.ok(f[part].length > 10, `${f.check} ${part}`);
  return report.findings;
}

// The options lead to exactly this finding.
async function finds(check, what, service, change) {
  const found = await findings(service, change);
  assert.deepStrictEqual(found.map((f) => f.check), [check], JSON.stringify(found));
  assert.match(found[0].what, what);
}

test('a_sound_installation_has_no_finding', async () => {
  for (const service of ['audit', 'identity', 'records', 'diagnosis']) assert.deepStrictEqual(await findings(service), []);
  const { status, stdout } = await examine('identity');
  assert.strictEqual(status, 0);
  assert.match(stdout, /^identity: 1\d checks, 0 findings$/m);
});

test('a_report_for_a_person_says_what_it_means_and_what_to_do', async () => {
  const { status, stdout } = await examine('identity', { WARD_JWKS: null, WARD_ISSUER: null });
  assert.strictEqual(status, 1);
  assert.match(stdout, /^identity: issuer-keys: WARD_JWKS is not set\n {2}means: No person can call .*\n {2}do: {4}Fetch the keys .*\nidentity: 1\d checks, 1 findings\n$/);
});

test('an_invalid_option_is_a_finding', async () => {
  await finds('configuration', /WARD_WORKERS/, 'identity', { WARD_WORKERS: 'many' });
});

// ---- files ----

const inPki = (name) => path.join(ward.pki, name);

test('a_certificate_of_another_service_is_found', async () => {
  await finds('certificate-name', /spiffe:\/\/ward\/records", not spiffe:\/\/ward\/identity/, 'identity',
    { WARD_TLS_CERT: inPki('records.pem'), WARD_TLS_KEY: inPki('records.key'), WARD_AUDIT_BUS: ward.services.identity.env.WARD_AUDIT_BUS });
});

test('a_key_of_another_certificate_is_found', async () => {
  await finds('certificate', /does not belong to the certificate/, 'identity', { WARD_TLS_KEY: inPki('records.key') });
});

test('a_certificate_of_another_authority_is_found', async () => {
  const other = path.join(ward.dir, 'other-pki');
  await must([bin('wardctl'), 'dev-certs', other, 'identity']);
  await finds('certificate', /did not issue the certificate/, 'identity', { WARD_TLS_CA: path.join(other, 'ca.pem') });
});

// A certificate of identity with these days of begin and end, counted from now.
async function dated(name, from, to) {
  const dir = path.join(ward.dir, name);
  const file = (f) => path.join(dir, f);
  const day = (d) => `${new Date(Date.now() + d * 86400000).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
  fs.mkdirSync(dir);
  fs.writeFileSync(file('index'), '');
  fs.writeFileSync(file('conf'), `[ca]\ndefault_ca=d\n[d]\ndatabase=${file('index')}\nnew_certs_dir=${dir}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n` +
    '[x]\nsubjectAltName=URI:spiffe://ward/identity\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n');
  await must(['openssl', 'req', '-new', '-key', inPki('identity.key'), '-subj', '/CN=identity', '-out', file('csr')], { env: { PATH: process.env.PATH } });
  await must(['openssl', 'ca', '-batch', '-notext', '-config', file('conf'), '-extensions', 'x', '-cert', inPki('ca.pem'), '-keyfile', inPki('ca.key'),
    '-startdate', day(from), '-enddate', day(to), '-in', file('csr'), '-out', file('pem')], { env: { PATH: process.env.PATH } });
  return { WARD_TLS_CERT: file('pem') };
}

test('a_certificate_that_is_about_to_end_has_ended_or_is_not_valid_yet_is_found', async () => {
  assert.deepStrictEqual(await findings('identity', await dated('fresh', -40, 20)), []);
  await finds('certificate-life', /expires in 4\d hours, and less than a tenth/, 'identity', await dated('ending', -40, 2));
  await finds('certificate-life', /expired 2[45] hours ago/, 'identity', await dated('ended', -40, -1));
  await finds('certificate-life', /becomes valid in 2[45] hours/, 'identity', await dated('early', 1, 40));
});

test('a_root_key_that_is_absent_malformed_or_readable_by_others_is_found', async () => {
  const key = path.join(ward.dir, 'other.kek');
  await finds('root-key', /other\.kek/, 'identity', { WARD_KEK: key });
  fs.writeFileSync(key, 'ab'.repeat(31), { mode: 0o600 });
  await finds('root-key', /other\.kek/, 'identity', { WARD_KEK: key });
  fs.writeFileSync(key, 'ab'.repeat(32));
  assert.deepStrictEqual(await findings('identity', { WARD_KEK: key }), []);
  fs.chmodSync(key, 0o644);
  await finds('root-key', /must not be readable by others/, 'identity', { WARD_KEK: key });
  await finds('root-key', /must not be readable by others/, 'audit', { WARD_AUDIT_KEK: key });
});

test('a_private_key_that_others_can_read_is_found', async () => {
  const key = path.join(ward.dir, 'open.key');
  fs.copyFileSync(inPki('identity.key'), key);
  fs.chmodSync(key, 0o640);
  await finds('private-key', /open\.key \(mode 640\)/, 'identity', { WARD_TLS_KEY: key });
});

test('issuer_keys_that_are_absent_or_unusable_are_found', async () => {
  const jwks = path.join(ward.dir, 'other-jwks.json');
  await finds('issuer-keys', /./, 'records', { WARD_JWKS: jwks });
  fs.writeFileSync(jwks, '{"keys":[]}');
  await finds('issuer-keys', /./, 'records', { WARD_JWKS: jwks });
});

// ---- names and peers ----

test('names_that_do_not_resolve_are_found', async () => {
  await finds('names', /the name audit\.invalid in WARD_AUDIT does not resolve/, 'records', { WARD_AUDIT: 'dns:///audit.invalid:50051' });
  await finds('hint-peers', /the name peers\.invalid in WARD_HINT_PEERS does not resolve/, 'identity', { WARD_HINT_PEERS: 'tls+tcp://localhost:7,tls+tcp://peers.invalid:50053' });
});

test('an_audit_that_nobody_reaches_is_found', async () => {
  await finds('audit', /no connection to audit at ipc:/, 'identity', { WARD_AUDIT_BUS: `ipc://${ward.dir}/run/nobody.bus` });
});

test('a_database_that_is_older_than_the_log_is_found', async () => {
  const said = await sql('SELECT outbox_row FROM progress WHERE service = "records"', 'audit');
  await sql('REPLACE INTO progress VALUES ("records", 1000000, 1)', 'audit');
  await finds('database-age', /older than the audit log/, 'records');
  await sql(said.length > 0 ? `UPDATE progress SET outbox_row = ${said[0][0]} WHERE service = "records"` : 'DELETE FROM progress WHERE service = "records"', 'audit');
});

// ---- the database ----

// A TCP port of the database, for which every connection comes from this machine (MariaDB's proxy protocol). The kernel picks the port.
async function relayFrom(machine) {
  const relay = net.createServer((from) => {
    const to = net.connect(ward.db.socket);
    for (const s of [from, to]) s.on('error', () => {});
    to.write(`PROXY TCP4 ${machine} 10.0.0.100 40000 3306\r\n`);
    from.pipe(to).pipe(from);
  });
  relays.push(relay);
  await new Promise((resolve) => { relay.listen(0, '127.0.0.1', resolve); });
  return relay.address().port;
}

// identity over TCP, as a user with these rights.
async function overTcp(rights) {
  const password = ward.db.schemas.get('identity');
  await sql(`CREATE OR REPLACE USER 'tcp'@'%' IDENTIFIED BY '${password}'; GRANT ${rights} ON identity.* TO 'tcp'@'%'`);
  return { WARD_DB_SOCKET: null, WARD_DB_HOST: '127.0.0.1', WARD_DB_PORT: String(await relayFrom('10.0.0.1')), WARD_DB_USER: 'tcp', WARD_DB_NAME: 'identity' };
}
const ROWS = 'SELECT, INSERT, UPDATE, DELETE';

test('a_database_that_nobody_reaches_is_found_and_nothing_is_said_of_its_contents', async () => {
  await finds('database', /./, 'identity', { WARD_DB_SOCKET: path.join(ward.dir, 'run/nobody.sock') });
});

test('a_database_without_tls_is_found', async () => {
  const found = await findings('identity', { WARD_DB_SOCKET: null, WARD_DB_HOST: 'db.invalid', WARD_DB_PLAIN: '1' });
  assert.deepStrictEqual(found.map((f) => f.check), ['database-tls', 'database']);
  assert.match(found[0].what, /db\.invalid crosses the network without TLS/);
});

test('a_user_with_the_right_to_drop_triggers_is_found', async () => {
  assert.deepStrictEqual(await findings('identity', await overTcp(ROWS)), []);
  await finds('database-rights', /the database user tcp has the rights ALTER, DROP, TRIGGER/, 'identity', await overTcp('ALL'));
  await finds('database-rights', /TRIGGER/, 'identity', await overTcp(`${ROWS}, TRIGGER`));
});

test('clocks_that_are_apart_are_found', async () => {
  await sql('SET GLOBAL init_connect = "SET timestamp = UNIX_TIMESTAMP() + 90"');
  await finds('clock', /this machine is (89|90|91) s behind the database's/, 'identity');
  await sql('SET GLOBAL init_connect = "SET timestamp = UNIX_TIMESTAMP() - 90"');
  await finds('clock', /this machine is (89|90|91) s ahead of the database's/, 'identity');
  await sql('SET GLOBAL init_connect = ""');
});

test('a_database_that_does_not_sync_its_log_is_found', async () => {
  await sql('SET GLOBAL innodb_flush_log_at_trx_commit = 2');
  await finds('durability', /innodb_flush_log_at_trx_commit is 2/, 'identity');
  await sql('SET GLOBAL innodb_flush_log_at_trx_commit = 1');
});

test('a_schema_that_is_newer_or_older_than_the_program_is_found', async () => {
  const future = (min) => sql(`REPLACE INTO ward_schema (set_name, number, name, sha256, applied_at, min_program) VALUES ("identity", 900, "900_future", REPEAT("x", 32), NOW(6), ${min})`);
  await future(1);
  assert.deepStrictEqual(await findings('identity'), []); // the migration permits this program
  await future(900);
  await finds('schema', /schema identity is at migration 900, newer than this program/, 'identity');
  await sql('DELETE FROM ward_schema WHERE set_name = "identity" AND number = 900');
  const newest = 'set_name = "identity" ORDER BY number DESC LIMIT 1';
  await sql(`UPDATE ward_schema SET applied_at = NULL WHERE ${newest}`);
  await finds('schema', /schema identity is at migration \d+, older than this program, which needs \d+/, 'identity');
  await sql(`UPDATE ward_schema SET applied_at = NOW(6) WHERE ${newest}`);
});

// A connection of a replica on another machine.
async function replica() {
  return require('mariadb').createConnection({ host: '127.0.0.1', port: await relayFrom('10.0.0.2'), user: 'tcp', password: ward.db.schemas.get('identity'),
    database: 'identity', connectTimeout: 60000 });
}

test('connections_that_live_for_minutes_are_found_where_there_are_several_replicas', async () => {
  const change = await overTcp(ROWS);
  const other = await replica();
  await finds('max-age', /WARD_MAX_AGE_MS is 300000, and 2 machines use this database as tcp/, 'identity', change);
  await finds('max-age', /WARD_MAX_AGE_MS is 0,/, 'identity', { ...change, WARD_MAX_AGE_MS: '0' });
  assert.deepStrictEqual(await findings('identity', { ...change, WARD_MAX_AGE_MS: '30000' }), []);
  await other.end();
});

test('two_galera_nodes_that_take_writes_are_found', async () => {
  let going = true;
  const beat = async () => {
    while (going) {
      await sql('INSERT INTO ward_writer (node, beats) VALUES ("galera-1", 1), ("galera-2", 1) ON DUPLICATE KEY UPDATE beats = beats + 1');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const beating = beat();
  await finds('writers', /two Galera nodes accept writes, galera-[12] and galera-[12]/, 'identity');
  going = false;
  await beating;
  assert.deepStrictEqual(await findings('identity'), []); // rows of an earlier writer stay
  await sql('DELETE FROM ward_writer');
});

// ---- the services' own ----

test('a_model_that_cannot_be_served_is_found', async () => {
  await finds('models', /chest\/9: /, 'diagnosis', { WARD_DIAGNOSIS_MODELS: 'heart_tree/1,chest/9' });
  await finds('models', /names no model/, 'diagnosis', { WARD_DIAGNOSIS_MODELS: null });
  const keys = path.join(ward.dir, 'none.vkeys');
  fs.writeFileSync(keys, '');
  await finds('models', /heart_tree\/1: /, 'diagnosis', { WARD_MODEL_KEYS: keys });
  assert.deepStrictEqual(await findings('diagnosis', { WARD_DIAGNOSIS_MODELS: 'none' }), []);
});

test('a_log_that_is_shorter_than_the_anchor_is_found', async () => {
  const anchor = ward.services.audit.env.WARD_AUDIT_ANCHOR;
  await ward.client('audit', { as: 'identity' }).call('Append', { events: [event()] });
  await until('the anchor is written', () => fs.existsSync(anchor));
  await ward.services.audit.stop();
  const [[size]] = await sql('SELECT size FROM head', 'audit');
  assert.ok(Number(size) > 0);
  await sql('UPDATE head SET size = 0', 'audit');
  await finds('anchor', new RegExp(`the stored log has 0 events, and the anchor file's head ${size}`), 'audit');
  await sql(`UPDATE head SET size = ${size}`, 'audit');
  fs.writeFileSync(anchor, 'nonsense\n');
  await finds('anchor', /the anchor file contains no signed head/, 'audit');
});

// ---- wardctl ----

test('wardctl_doctor_finds_nothing_in_a_healthy_wardctl_up_and_a_stopped_one', async (t) => {
  const up = await new Up().start();
  t.after(() => up.stop());
  const healthy = await up.ctl('doctor');
  assert.strictEqual(healthy.status, 0, healthy.lines.join('\n'));
  assert.deepStrictEqual(healthy.json().services.map((s) => [s.service, s.findings.length]), ['audit', 'diagnosis', 'dosage', 'identity', 'records'].map((s) => [s, 0]));
  assert.deepStrictEqual(healthy.json().not_serving, []);

  fs.chmodSync(path.join(up.dir, 'keys/records.kek'), 0o644);
  const open = await up.ctl('doctor');
  assert.strictEqual(open.status, 1);
  assert.deepStrictEqual(open.json().services.flatMap((s) => s.findings.map((f) => [s.service, f.check])), [['records', 'root-key']]);
  fs.chmodSync(path.join(up.dir, 'keys/records.kek'), 0o600);

  await up.stop();
  const stopped = await up.ctl('doctor');
  assert.strictEqual(stopped.status, 1);
  assert.deepStrictEqual(stopped.json().not_serving.length, 5);
  assert.ok(stopped.json().services.every((s) => s.findings.some((f) => f.check === 'database')));
});

test('wardctl_doctor_takes_the_configuration_file_of_a_service', async () => {
  const file = path.join(ward.dir, 'identity.env');
  const lines = (env) => Object.entries(env).filter(([k]) => k.startsWith('WARD_')).map(([k, v]) => `${k}=${v}\n`).join('');
  fs.writeFileSync(file, lines({ ...ward.services.identity.env, WARD_AUDIT_BUS: `ipc://${ward.dir}/run/nobody.bus` }));
  const r = await ward.wardctl('--json', 'doctor', `identity=${file}`);
  assert.strictEqual(r.status, 1);
  assert.deepStrictEqual(JSON.parse(r.stdout).services.map((s) => [s.service, s.findings.map((f) => f.check)]), [['identity', ['audit']]]);
  assert.strictEqual((await ward.wardctl('doctor', 'nobody=/dev/null')).status, 1);
});
