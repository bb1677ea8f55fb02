'use strict';
// What docs/integrate.md promises a vendor's engineer, by the packages of the .proto files: how each mistake looks, what an idempotency key
// covers, that a stream ends with its connection, and that the code of the page runs.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protobuf = require('protobufjs');
const { Site, encounter, observation, uuid } = require('../records/site');
const { Proc, must } = require('../../lib/proc');
const { bin, folder, root } = require('../../lib/paths');

const PYTHON = '/usr/bin/python3';
const page = fs.readFileSync(path.join(root, 'docs/integrate.md'), 'utf8');
const code = (language) => [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((m) => m[1]);
const env = { PATH: process.env.PATH, HOME: process.env.HOME };

// The C core gives no reason of Ward's (docs/errors.md, "Errors without ErrorInfo").
const H2 = process.env.WARD_TRANSPORT !== 'core';

let site, dir, api, ward, target, file, patient;

before(async () => {
  dir = folder('integrate');
  execFileSync(path.join(root, 'tools/pack-protos'), [path.join(dir, 'packages')], { env: { ...env, PACK_JAVA: '0' }, stdio: 'pipe' });
  const [npm, wheel] = [/\.tgz$/, /\.whl$/].map((kind) => path.join(dir, 'packages', fs.readdirSync(path.join(dir, 'packages')).find((f) => kind.test(f))));
  const at = path.join(dir, 'node_modules/ward-protos');
  fs.mkdirSync(at, { recursive: true });
  await must(['tar', '-xzf', npm, '-C', at, '--strip-components=1'], { env });
  await must([PYTHON, '-m', 'zipfile', '-e', wheel, path.join(dir, 'site')], { env });
  fs.symlinkSync(path.join(root, 'node_modules/@grpc'), path.join(dir, 'node_modules/@grpc'));
  fs.symlinkSync(path.join(root, 'node_modules/protobufjs'), path.join(dir, 'node_modules/protobufjs'));
  ward = require(at);
  site = await Site.start({ env: { records: { WARD_CALLERS: 'lab-acme=gateway', WARD_MAX_AGE_MS: '3000', WARD_MAX_AGE_GRACE_MS: '1000' } }, peers: ['lab-acme', 'lab-other'] });
  await must([bin('wardctl'), 'dev-certs', path.join(dir, 'other'), 'gateway'], { env });
  file = (name) => path.join(site.ward.pki, name);
  target = `localhost:${site.ward.services.records.port}`;
  api = ward.load('ward/records/v1/records.proto', 'ward/records/v1/feed.proto').ward.records.v1;
  patient = (await site.treated()).id;
});
after(() => site?.stop());

const token = (claims) => site.ward.token({ sub: 'nurse-1', roles: ['nurse'], purpose: 'TREAT', ward: 'ward-3', lifetime: 600, ...claims });
const credentials = (name) => ward.credentials({ ca: file('ca.pem'), cert: file(`${name}.pem`), key: file(`${name}.key`) });
const client = (tls = credentials('gateway'), options = {}) => new api.Records(target, tls, { ...ward.channelOptions, ...options });
const search = (c, who, more = {}) => ward.call(c, 'Search', { kind: 'KIND_PATIENT', ...more }, { token: who, tries: 1, timeoutMs: 10000 });
const fails = (call) => call.then(() => assert.fail('no error'), (err) => [err.ward.code, err.ward.reason]);

describe('the table of symptoms', () => {
  const CASES = [
    ['no token', undefined, 'UNAUTHENTICATED', 'TOKEN_MISSING'],
    ['an opaque token', { raw: 'abc' }, 'UNAUTHENTICATED', 'TOKEN_MALFORMED'],
    ['too long a token', { raw: 'a'.repeat(8193) }, 'UNAUTHENTICATED', 'TOKEN_MALFORMED'],
    ['17 roles', { roles: Array.from({ length: 17 }, (_, i) => `role-${i}`) }, 'UNAUTHENTICATED', 'TOKEN_MALFORMED'],
    ['an expired token', { lifetime: -60 }, 'UNAUTHENTICATED', 'TOKEN_EXPIRED'],
    ['another audience', { aud: 'other' }, 'UNAUTHENTICATED', 'TOKEN_AUDIENCE'],
    ['a role in other letters', { roles: ['Nurse'] }, 'PERMISSION_DENIED', 'ROLE_MISSING'],
    ['no purpose', { purpose: '' }, 'PERMISSION_DENIED', 'PURPOSE_NOT_ALLOWED'],
    ['a purpose in small letters', { purpose: 'treat' }, 'PERMISSION_DENIED', 'PURPOSE_NOT_ALLOWED'],
  ];
  for (const [what, claims, ...want] of CASES) {
    test(what, async () => assert.deepStrictEqual(await fails(search(client(), claims && (claims.raw ?? token(claims)))), want));
  }

  test('clocks that differ by less than 30 seconds', async () => {
    assert.strictEqual((await search(client(), token({ lifetime: -10 }))).records.length, 1);
  });

  test('no ward, or another: an empty search, and no patient', async () => {
    for (const where of ['', 'ward-9']) {
      const who = token({ ward: where });
      assert.deepStrictEqual((await search(client(), who)).records, []);
      assert.deepStrictEqual(await fails(ward.call(client(), 'Read', { kind: 'KIND_PATIENT', id: patient }, { token: who })), ['NOT_FOUND', 'RESOURCE_NOT_FOUND']);
    }
  });
});

describe('the table of certificates', () => {
  const pem = (name) => fs.readFileSync(name);
  const CASES = {
    'no client certificate': () => grpc.credentials.createSsl(pem(file('ca.pem'))),
    plaintext: () => grpc.credentials.createInsecure(),
    'a certificate of another authority': () => grpc.credentials.createSsl(pem(file('ca.pem')), pem(path.join(dir, 'other/gateway.key')), pem(path.join(dir, 'other/gateway.pem'))),
    'a server of another authority': () => grpc.credentials.createSsl(pem(path.join(dir, 'other/ca.pem')), pem(file('gateway.key')), pem(file('gateway.pem'))),
  };
  for (const [what, tls] of Object.entries(CASES)) {
    test(`${what} looks like an unavailable service`, async () => assert.deepStrictEqual(await fails(search(client(tls()), token())), ['UNAVAILABLE', '']));
  }

  test('a name needs rights', async () => {
    assert.strictEqual((await search(client(credentials('lab-acme')), token())).records.length, 1);
    assert.deepStrictEqual(await fails(search(client(credentials('lab-other')), token())), ['PERMISSION_DENIED', 'CALLER_NOT_ALLOWED']);
  });
});

test('an idempotency key belongs to the method, the certificate and the person', async () => {
  const key = uuid(), resource = observation(patient);
  const create = async (c, who) => (await ward.call(c, 'Create', { idempotency_key: key, resource }, { token: who })).record.version.resource_id;
  const first = await create(client(), token());
  assert.strictEqual(await create(client(), token({ lifetime: 900 })), first);
  const others = [await create(client(credentials('lab-acme')), token()), await create(client(), token({ sub: 'nurse-2' }))];
  assert.strictEqual(new Set([first, ...others]).size, 3);
  const other = ward.call(client(), 'Create', { idempotency_key: key, resource: observation(patient, { status: 'STATUS_PRELIMINARY' }) }, { token: token() });
  assert.deepStrictEqual(await fails(other), ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
});

test('compressed and too large messages are refused', async () => {
  const long = { parameters: [{ name: 'family', values: ['x'.repeat(9 << 20)] }] };
  assert.deepStrictEqual(await fails(search(client(), token(), long)), ['RESOURCE_EXHAUSTED', H2 ? 'MESSAGE_TOO_LARGE' : '']);
  const gzip = client(credentials('gateway'), { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip });
  assert.deepStrictEqual(await fails(search(gzip, token())), ['UNIMPLEMENTED', H2 ? 'COMPRESSION_REFUSED' : '']);
});

// TOO_MANY_FACE_MISSES may ask for an hour.
test('call waits no longer than its time limit, whatever RetryInfo says', async () => {
  const protos = new protobuf.Root();
  protos.resolvePath = (_, name) => path.join(ward.protos, name);
  protos.loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto']);
  const encode = (type, value) => Buffer.from(protos.lookupType(type).encode(protos.lookupType(type).fromObject(value)).finish());
  const retry = { type_url: 'type.googleapis.com/google.rpc.RetryInfo', value: encode('google.rpc.RetryInfo', { retryDelay: { seconds: 3600 } }) };
  const metadata = new grpc.Metadata();
  metadata.set('grpc-status-details-bin', encode('google.rpc.Status', { code: 8, details: [retry] }));
  let tries = 0;
  const busy = { Verify: (request, meta, options, done) => { tries++; done(Object.assign(new Error('busy'), { code: 8, details: 'busy', metadata })); } };
  const err = await ward.call(busy, 'Verify', {}, { timeoutMs: 1000 }).then(() => assert.fail('no error'), (e) => e);
  assert.deepStrictEqual([tries, err.ward.code, err.ward.retryMs], [1, 'RESOURCE_EXHAUSTED', 3600000]);
});

describe('the code of the page', () => {
  test('Node.js: a call with a new token', async () => {
    const { act } = new Function('call', `${code('js').join('\n')}\nreturn { act };`)(ward.call);
    const asked = [];
    const answer = await act(client(), 'Search', { kind: 'KIND_PATIENT' }, async (fresh) => (asked.push(fresh), token({ lifetime: fresh ? 600 : -60 })));
    assert.deepStrictEqual([answer.records.length, asked], [1, [false, true]]);
  });

  test('Keycloak: the client scope is JSON, with a mapper for audience, ward and purpose', () => {
    const scope = JSON.parse(code('json')[0]);
    assert.deepStrictEqual(scope.protocolMappers.map((m) => m.name), ['audience', 'ward', 'purpose']);
  });

  // The feed's stream ends with each connection, 4 seconds long here; a change after that still arrives, and none is missing.
  const missing = spawnSync(PYTHON, ['-c', 'import grpc, google.protobuf'], { env }).status !== 0;
  test('Python: a call with a new token, and a feed that goes on', { skip: missing ? 'python3-grpcio is not here' : false }, async () => {
    const program = `import sys, time, random
${code('python').join('\n')}
from ward_protos import channel
from ward.records.v1 import records_pb2, records_pb2_grpc, resources_pb2, feed_pb2, feed_pb2_grpc
target, ca, cert, key, good, expired, admin = sys.argv[1:]
ch = channel(target, ca, cert, key)
asked = []
def sign_in(fresh):
    asked.append(fresh)
    return good if fresh else expired
found = act(records_pb2_grpc.RecordsStub(ch).Search, records_pb2.SearchRequest(kind=resources_pb2.KIND_PATIENT), sign_in)
print("found", len(found.records), asked, flush=True)
opened = []
def opens(fresh):
    opened.append(fresh)
    return admin
def handle(changes, token):
    for change in changes:
        print("change", change.sequence, len(opened), change.resource_id, flush=True)
follow(feed_pb2_grpc.FeedStub(ch), opens, "", handle)
`;
    const argv = [PYTHON, '-c', program, target, file('ca.pem'), file('gateway.pem'), file('gateway.key'), token(), token({ lifetime: -60 }), site.tokens['records-admin'].token];
    const proc = new Proc('python', argv, { env: { ...env, PYTHONPATH: path.join(dir, 'site') } });
    try {
      await proc.line(/^found 1 \[False, True\]/);
      await proc.line(/^change 1 /);
      await new Promise((resolve) => setTimeout(resolve, 6000));
      const record = await site.create(encounter(patient));
      const [, sequence, opened] = /^change (\d+) (\d+)/.exec(await proc.line(new RegExp(`^change .* ${record.version.resource_id}`)));
      assert.ok(Number(opened) > 1, 'the stream was opened again');
      assert.ok(Number(sequence) > 1);
    } finally {
      await proc.kill();
    }
  });
});
