'use strict';
// wardctl's own commands against a running Ward: what they print, and how they fail.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Up } = require('../lib/up');
const { until } = require('../lib/until');
const { run } = require('../lib/proc');
const { bin, photo } = require('../lib/paths');

const up = new Up();
before(() => up.start());
after(() => up.stop());

const face = photo('christian');
const enrol = (...more) => up.ask('identity', 'enrol', '--photo', face, '--consent', 'self', '--birth-year', '1980', ...more);
const human = (...words) => run([bin('wardctl'), '--data', up.dir, ...words], { env: { PATH: process.env.PATH } });

test('a_token_is_what_was_asked_for_and_its_key_is_in_the_jwks', async () => {
  const { token } = await up.ask('token', 'issue', '--subject', 'nurse-7', '--roles', 'nurse,registrar', '--ward', 'W3', '--lifetime', '60');
  const [head, body, sig] = token.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url'));
  const { kid } = JSON.parse(Buffer.from(head, 'base64url'));
  const jwk = JSON.parse(fs.readFileSync(path.join(up.dir, 'keys/jwks.json'))).keys.find((k) => k.kid === kid);
  const key = crypto.createPublicKey({ key: jwk, format: 'jwk' });
  assert.ok(crypto.verify(null, Buffer.from(`${head}.${body}`), key, Buffer.from(sig, 'base64url')));
  assert.strictEqual(jwk.d, undefined, 'the private half is in the JWKS');
  assert.strictEqual(claims.sub, 'nurse-7');
  assert.deepStrictEqual(claims.roles, ['nurse', 'registrar']);
  assert.strictEqual(claims.ward, 'W3');
  assert.strictEqual(claims.exp - claims.iat, 60);
});

test('a_given_token_is_used_as_it_is', async () => {
  const { token } = await up.ask('token', 'issue', '--subject', 'porter-1', '--roles', 'porter');
  const file = path.join(up.dir, 'token');
  fs.writeFileSync(file, `${token}\n`, { mode: 0o600 });
  const r = await up.ctl('--token', file, 'identity', 'enrol', '--photo', face, '--consent', 'self');
  assert.strictEqual(r.status, 1);
  assert.strictEqual(r.json().error.code, 'PERMISSION_DENIED');
  const q = await up.ctl('--token', file, 'audit', 'query');
  assert.deepStrictEqual([q.status, q.stdout, q.json().error.code], [1, '', 'PERMISSION_DENIED']);
});

test('health_asks_services_anywhere_by_their_names', async () => {
  const pki = (name) => path.join(up.dir, 'pki', name);
  const tls = ['--cert', pki('wardctl.pem'), '--key', pki('wardctl.key'), '--ca', pki('ca.pem')];
  const at = (service) => up.ready.services[service].address;
  const good = await up.ctl('health', ...tls, `audit=${at('audit')}`, `dosage=dns:///${at('dosage')}`);
  assert.strictEqual(good.status, 0, good.stdout);
  assert.deepStrictEqual(good.json(), [
    { service: 'audit', serving: true, address: at('audit'), why: '' },
    { service: 'dosage', serving: true, address: `dns:///${at('dosage')}`, why: '' }]);
  // Who answers must be who was asked for, by the name in its certificate.
  const other = await up.ctl('health', ...tls, `records=${at('audit')}`);
  assert.deepStrictEqual([other.status, other.json()[0].serving], [1, false]);
  for (const words of [[...tls], [`audit=${at('audit')}`], [...tls, at('audit')], [...tls, `=${at('audit')}`]])
    assert.strictEqual((await up.ctl('health', ...words)).status, 2, words.join(' '));
});

// As an administrator of a cluster does it: another machine's folder is not there, the addresses and a certificate are.
test('every_command_reaches_services_anywhere', async () => {
  const tls = path.join(up.dir, 'elsewhere');
  fs.mkdirSync(tls);
  for (const [from, to] of [['wardctl.pem', 'tls.crt'], ['wardctl.key', 'tls.key'], ['ca.pem', 'ca.crt']]) fs.copyFileSync(path.join(up.dir, 'pki', from), path.join(tls, to));
  const { token } = await up.ask('token', 'issue', '--subject', 'auditor-3', '--roles', 'auditor');
  const file = path.join(tls, 'token');
  fs.writeFileSync(file, token, { mode: 0o600 });
  const at = ['audit', 'records'].map((s) => `${s}=dns:///${up.ready.services[s].address}`).join(',');
  const elsewhere = (...words) => run([bin('wardctl'), '--json', '--data', path.join(tls, 'none'), ...words], { env: { PATH: process.env.PATH } });
  const r = await elsewhere('--at', at, '--tls', tls, '--token', file, 'audit', 'query', '--most', '1');
  assert.strictEqual(r.status, 0, r.lines.join('\n'));
  assert.match(r.stdout, /auditor-3|event_id/);
  const said = async (...words) => { const x = await elsewhere(...words); return [x.status, JSON.parse(x.lines.at(-1)).error.message]; };
  assert.deepStrictEqual(await said('--at', at, '--tls', tls, '--token', file, 'identity', 'status'), [1, '--at needs identity=ADDRESS']);
  assert.deepStrictEqual(await said('--at', at, '--tls', tls, 'audit', 'query'), [1, '--at needs --token FILE, with a token from the issuer of those services']);
  assert.deepStrictEqual(await said('--at', at, '--token', file, 'audit', 'query'), [1, '--at needs --tls DIR']);
});

test('a_subject_s_life', async () => {
  const { subject_id: id, quality } = await enrol('--ref', 'bracelet-1');
  assert.strictEqual(quality.faces, 1);
  const known = await up.ask('identity', 'subject', id);
  assert.strictEqual(known.kind, 'patient');
  assert.strictEqual(known.external_ref, 'bracelet-1');
  assert.strictEqual(known.templates.length, 1);

  const match = await up.ask('identity', 'verify', id, '--photo', face, '--place', 'bed-7', '--attended');
  assert.strictEqual(match.outcome, 'MATCH');
  assert.strictEqual(match.token_lifetime_s, 60);

  await up.ask('identity', 'withdraw', id);
  const refused = await up.ctl('identity', 'verify', id, '--photo', face, '--place', 'bed-7', '--attended');
  assert.strictEqual(refused.json().error.reason, 'NO_CONSENT');
  assert.deepStrictEqual((await up.ask('identity', 'subject', id)).templates, []);

  await up.ask('identity', 'erase', id);
  assert.strictEqual((await up.ctl('identity', 'subject', id)).json().error.reason, 'SUBJECT_NOT_FOUND');
});

test('the_same_key_enrols_once', async () => {
  const first = await enrol('--key', 'form-17');
  assert.strictEqual((await enrol('--key', 'form-17')).subject_id, first.subject_id);
});

test('a_strict_false_match_rate_raises_the_threshold', async () => {
  const { subject_id: id } = await enrol();
  const ask = (rate) => up.ask('identity', 'verify', id, '--photo', face, '--place', 'bed-7', '--attended', '--max-fmr', rate);
  const strict = await ask('1e-5'), easy = await ask('1e-3');
  assert.ok(strict.threshold > easy.threshold);
  assert.ok(strict.fmr <= 1e-5 && easy.fmr <= 1e-3);
});

test('a_person_reads_words_a_program_reads_json', async () => {
  const { subject_id: id } = await enrol();
  const r = await human('identity', 'verify', id, '--photo', face, '--place', 'bed-7', '--attended');
  assert.match(r.stdout, /^MATCH {2}score at least 0\.\d{3}, threshold 0\.570 \(one false match in 10000\)$/m);
  assert.match(r.stdout, /^token {2}\S+\.\S+\.\S+$/m);
  assert.ok(!r.stdout.includes('\x1b'), 'colours are for terminals');
  const failed = await human('identity', 'subject', '01a1fcbf-b726-7666-9711-af1e3b19248f');
  assert.strictEqual(failed.status, 1);
  assert.deepStrictEqual(failed.lines, ['wardctl: no such subject (NOT_FOUND, SUBJECT_NOT_FOUND)']);
});

test('a_wrong_command_line_is_status_2', async () => {
  const wrong = [
    ['identity', 'enrol', '--consent', 'self'], ['identity', 'enrol', '--photo', face], ['identity', 'verify', '--photo', face],
    ['identity', 'subject'], ['identity', 'enrol', '--foto', face], ['token', 'issue'], ['token', 'issue', '--subject', 'a', '--lifetime', '0'],
    ['health', 'now'], ['up', 'here'], ['dev-certs'], ['nothing'], ['identity'], ['--data'],
  ];
  for (const words of wrong) assert.strictEqual((await human(...words)).status, 2, words.join(' '));
});

test('a_photograph_that_is_not_there_is_named', async () => {
  const r = await up.ctl('identity', 'enrol', '--photo', '/nowhere.jpg', '--consent', 'self');
  assert.strictEqual(r.status, 1);
  assert.strictEqual(r.json().error.message, 'cannot read /nowhere.jpg');
});

test('what_is_written_to_a_file_is_said_and_verifies', async () => {
  const file = (name) => path.join(up.dir, name);
  const { event_id: event } = await enrol();
  let r;
  await until('carried to audit', async () => { // the relay takes a moment
    r = await up.ctl('audit', 'receipt', event, '--out', file('receipt.json'));
    return r.status === 0 || r.json().error.code !== 'NOT_FOUND';
  });
  assert.strictEqual(r.status, 0, r.lines.join('\n'));
  assert.strictEqual(r.json().file, file('receipt.json'));
  const [{ vkey: key }] = await up.ask('audit', 'keys');
  const checked = await up.ask('audit', 'verify', '--key', key, '--receipt', file('receipt.json'));
  assert.deepStrictEqual(checked.receipt, { index: r.json().index, event_id: event, service: 'identity', content: true });

  const entries = (await up.ask('audit', 'export', file('log.jsonl'))).entries;
  assert.strictEqual((await up.ask('audit', 'verify', '--key', key, '--log', file('log.jsonl'))).entries, entries);
});

test('an_older_head_may_be_replaced_by_the_newer_one_that_goes_on_from_it', async () => {
  const file = (name) => path.join(up.dir, name);
  const [{ vkey: key }] = await up.ask('audit', 'keys');
  const first = await up.ask('audit', 'head', '--out', file('head'));
  assert.strictEqual(first.file, file('head'));
  fs.copyFileSync(file('head'), file('older'));
  await up.ask('audit', 'query');
  const second = await up.ask('audit', 'head', '--since', file('head'), '--out', file('head'));
  assert.ok(second.size > first.size);
  const v = await up.ask('audit', 'verify', '--key', key, '--head', file('head'), '--checkpoint', file('older'));
  assert.strictEqual(v.verified, true);
  assert.strictEqual(v.size, second.size);

  const shown = await up.ask('audit', 'head');
  assert.deepStrictEqual([shown.ward_head, shown.old_size], [1, 0]);
  fs.writeFileSync(file('shown'), JSON.stringify(shown));
  assert.ok((await up.ask('audit', 'head', '--since', file('shown'))).old_size >= second.size);
  const bare = await human('audit', 'head');
  fs.writeFileSync(file('bare'), bare.stdout);
  const failed = await up.ctl('audit', 'head', '--since', file('nowhere'), '--out', file('bare'));
  assert.strictEqual(failed.status, 1);
  assert.strictEqual(fs.readFileSync(file('bare'), 'utf8'), bare.stdout, 'a failed call emptied the file');
});

test('health_says_which_service_does_not_answer', async () => {
  const pid = up.pid('audit');
  process.kill(pid, 'SIGSTOP');
  try {
    const r = await up.ctl('health');
    assert.strictEqual(r.status, 1);
    assert.deepStrictEqual(r.json().map((s) => s.serving), [false, true, true, true, true]);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await up.healthy();
});

test('nothing_of_a_patient_is_in_the_logs', async () => {
  const { subject_id: id } = await enrol('--ref', 'very-secret-reference');
  await up.ask('identity', 'verify', id, '--photo', face, '--place', 'bed-7', '--attended');
  for (const name of fs.readdirSync(path.join(up.dir, 'log'))) {
    const text = fs.readFileSync(path.join(up.dir, 'log', name), 'utf8');
    for (const word of [id, 'very-secret-reference', 'bed-7']) assert.ok(!text.includes(word), `${name} holds ${word}`);
  }
});
