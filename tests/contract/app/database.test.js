'use strict';
// A real service and its database: readiness follows MariaDB, secrets and addresses are checked,
// a database that comes up late is waited for.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const { Ward } = require('../../lib/ward');
const { Proc, run } = require('../../lib/proc');
const { until } = require('../../lib/until');
const { bin } = require('../../lib/paths');

describe('audit and its database', { timeout: 600000 }, () => {
  let ward;
  let audit;
  let health;
  before(async () => {
    ward = await Ward.start({ services: ['audit'] });
    audit = ward.services.audit;
    health = ward.client('audit', { api: 'health' });
  });
  after(() => ward && ward.stop());

  const becomes = (status, pattern) => until(`${status} ${pattern}`, async () => {
    const r = await audit.admin('/readyz');
    return r.status === status && pattern.test(r.text);
  });
  const serving = async () => (await health.call('Check', { service: '' })).status;

  test('it_is_ready_once_its_database_answers', async () => {
    await becomes(200, /^database: ok$/m);
    assert.strictEqual(await serving(), 'SERVING');
  });

  test('its_metrics_pass_promtool', async () => {
    const { text } = await audit.admin('/metrics');
    assert.match(text, /^ward_db_statements_total\{code="OK"\} [1-9]/m);
    const r = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    assert.strictEqual(r.status, 0, r.error ? r.error.message : r.stdout + r.stderr);
  });

  test('it_is_not_ready_without_it_and_recovers_by_itself', async () => {
    await ward.db.kill();
    await becomes(503, /^database: (?!ok)./m);
    assert.strictEqual(await serving(), 'NOT_SERVING');
    assert.strictEqual((await audit.admin('/livez')).status, 200);
    await ward.db.restart();
    await becomes(200, /^database: ok$/m);
    assert.strictEqual(await serving(), 'SERVING');
  });

  test('no_secret_is_in_what_it_says', async () => {
    const password = ward.db.schemas.get('audit');
    const pages = await Promise.all(['/metrics', '/readyz'].map((p) => audit.admin(p)));
    assert.ok(![...pages.map((p) => p.text), ...audit.proc.lines].join('\n').includes(password));
    for (const line of audit.proc.lines) JSON.parse(line);
  });

  test('a_wrong_password_is_told_without_it', async () => {
    const env = { ...audit.env, WARD_LISTEN: '127.0.0.1:0', WARD_ADMIN_LISTEN: '127.0.0.1:0',
      WARD_DB_PASSWORD_FILE: `${ward.dir}/keys/audit.kek` };
    const r = await run([bin('audit')], { env });
    assert.strictEqual(r.status, 1);
    assert.match(r.lines.join('\n'), /"msg":"cannot start"/);
  });

  test('a_database_over_the_network_needs_tls_or_a_word_of_consent', async () => {
    const env = { ...audit.env, WARD_LISTEN: '127.0.0.1:0', WARD_ADMIN_LISTEN: '127.0.0.1:0', WARD_DB_HOST: 'db.invalid' };
    delete env.WARD_DB_SOCKET;
    for (const args of [[], ['--migrate'], ['--outbox', 'list']]) {
      const r = await run([bin('audit'), ...args], { env });
      assert.strictEqual(r.status, 1, args.join(' '));
      assert.match(r.lines.join('\n'), /a database over TCP needs TLS: set WARD_DB_TLS_CA, or set WARD_DB_PLAIN=1/, args.join(' '));
    }
    const plain = new Proc('audit', [bin('audit')], { env: { ...env, WARD_DB_PLAIN: '1' } });
    await plain.line(/"msg":"waiting for the database"/);
    assert.strictEqual(await plain.stop({ seconds: 60 }), 1);
  });

  test('a_database_that_comes_up_late_is_waited_for', async () => {
    await audit.stop();
    await ward.db.stop();
    const late = new Proc('audit', [bin('audit')], { env: audit.env });
    await late.line(/"msg":"waiting for the database"/);
    await ward.db.restart();
    await late.line(/"msg":"serving"/);
    assert.strictEqual(await late.stop(), 0);
    await audit.start();
  });

  test('sigterm_while_it_waits_ends_it', async () => {
    await audit.stop();
    await ward.db.stop();
    const late = new Proc('audit', [bin('audit')], { env: audit.env });
    await late.line(/"msg":"waiting for the database"/);
    assert.strictEqual(await late.stop({ seconds: 60 }), 1);
    await ward.db.restart();
    await audit.start();
  });
});
