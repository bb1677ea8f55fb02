'use strict';
// What buf, a tool that knows only gRPC's and protobuf's rules, makes of Ward: its .proto files by
// themselves, against the last release, and running services through reflection over mutual TLS.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { run } = require('../../lib/proc');
const { root, folder } = require('../../lib/paths');
const { Ward } = require('../../lib/ward');

const env = { PATH: process.env.PATH, HOME: process.env.HOME };
const baseline = path.join(root, 'tests/proto/baseline.binpb.gz'); // what the last release promised: make proto-baseline
const buf = (...args) => run([path.join(root, 'node_modules/.bin/buf'), ...args], { env, cwd: root });

test('the_proto_files_pass_buf_lint', async () => {
  const r = await buf('lint');
  assert.strictEqual(r.status, 0, r.lines.join('\n'));
});

test('lint_finds_what_it_should', async () => {
  const dir = folder('buf');
  fs.writeFileSync(path.join(dir, 'buf.yaml'), fs.readFileSync(path.join(root, 'buf.yaml')));
  fs.mkdirSync(path.join(dir, 'proto/ward/x/v1'), { recursive: true });
  fs.writeFileSync(path.join(dir, 'proto/ward/x/v1/x.proto'),
    'syntax = "proto3";\npackage ward.x.v1;\nenum Colour { RED = 0; }\n');
  const r = await buf('lint', dir);
  assert.strictEqual(r.status, 100);
});

// A break on purpose, before 1.0: make proto-baseline, and a line in CHANGELOG.md.
test('nothing_breaks_those_who_use_the_last_release', async () => {
  const r = await buf('breaking', '--against', baseline);
  assert.strictEqual(r.status, 0, r.lines.join('\n'));
});

test('the_baseline_holds_every_package', async () => {
  const r = await buf('build', baseline, '--as-file-descriptor-set', '-o', '-#format=json');
  const packages = new Set(JSON.parse(r.stdout).file.map((f) => f.package));
  for (const name of ['audit', 'identity', 'records', 'dosage', 'diagnosis', 'options']) assert.ok(packages.has(`ward.${name}.v1`), name);
});

test('breaking_finds_what_it_should', async () => {
  const breaks = [
    ['a renamed field', 'ward/audit/v1/event.proto', 'string actor = 7;', 'string person = 7;'],
    ['another type', 'ward/audit/v1/event.proto', 'string event_id = 1;', 'bytes event_id = 1;'],
    ['a method that is gone', 'ward/records/v1/feed.proto', '  rpc GetWards(', '  rpc GetPlaces('],
    ['another number', 'ward/dosage/v1/orders.proto', 'string event_id = 13;', 'string event_id = 93;'],
  ];
  for (const [what, file, was, is] of breaks) {
    const dir = folder('buf');
    fs.cpSync(path.join(root, 'proto'), path.join(dir, 'proto'), { recursive: true });
    fs.copyFileSync(path.join(root, 'buf.yaml'), path.join(dir, 'buf.yaml'));
    const text = fs.readFileSync(path.join(dir, 'proto', file), 'utf8');
    assert.ok(text.includes(was), `${file} has no "${was}"`);
    fs.writeFileSync(path.join(dir, 'proto', file), text.replace(was, is));
    const r = await buf('breaking', dir, '--against', baseline);
    assert.strictEqual(r.status, 100, what);
    assert.ok(r.lines.join('\n').includes(file), what);
  }
});

describe('a running service, known by reflection alone', () => {
  let ward;
  before(async () => { ward = await Ward.start({ services: ['audit'] }); });
  after(() => ward?.stop());

  const curl = (what, { as = 'wardctl', token, data, flags = [] } = {}) => buf('curl', '--protocol', 'grpc',
    '--cacert', `${ward.pki}/ca.pem`, ...(as ? ['--cert', `${ward.pki}/${as}.pem`, '--key', `${ward.pki}/${as}.key`] : []),
    ...(token ? ['-H', `authorization: Bearer ${token}`] : []), ...(data ? ['-d', JSON.stringify(data)] : []),
    ...flags, `https://localhost:${ward.services.audit.port}${what}`);

  test('its_services_are_listed', async () => {
    const r = await curl('', { flags: ['--list-services'] });
    assert.strictEqual(r.status, 0, r.lines.join('\n'));
    for (const name of ['ward.audit.v1.Audit', 'grpc.health.v1.Health']) assert.ok(r.stdout.includes(name), r.stdout);
  });

  test('its_methods_are_listed', async () => {
    const r = await curl('', { flags: ['--list-methods'] });
    assert.strictEqual(r.status, 0, r.lines.join('\n'));
    assert.match(r.stdout, /ward\.audit\.v1\.Audit\/GetCheckpoint/);
  });

  for (const version of ['grpc-v1', 'grpc-v1alpha']) {
    test(`a_method_is_called_by_what_reflection_${version}_says`, async () => {
      const r = await curl('/ward.audit.v1.Audit/ListKeys', { flags: ['--reflect-protocol', version] });
      assert.strictEqual(r.status, 0, r.lines.join('\n'));
      assert.match(JSON.parse(r.stdout).keys[0].vkey, /^[^+]+\+[0-9a-f]{8}\+/);
    });
  }

  test('health_is_asked_the_same_way', async () => {
    const r = await curl('/grpc.health.v1.Health/Check', { data: { service: 'ward.audit.v1.Audit' } });
    assert.deepStrictEqual(JSON.parse(r.stdout), { status: 'SERVING' });
  });

  test('a_person_s_token_goes_with_the_call', async () => {
    const refused = await curl('/ward.audit.v1.Audit/Query', { data: { pageSize: 1 } });
    assert.match(refused.lines.join('\n'), /unauthenticated/i);
    const r = await curl('/ward.audit.v1.Audit/Query', { data: { pageSize: 1 }, token: ward.token({ roles: ['auditor'] }) });
    assert.strictEqual(r.status, 0, r.lines.join('\n'));
  });

  test('without_a_certificate_there_is_no_conversation', async () => {
    const r = await curl('/ward.audit.v1.Audit/ListKeys', { as: null });
    assert.notStrictEqual(r.status, 0);
    assert.ok(!r.stdout.includes('vkey'));
  });
});
