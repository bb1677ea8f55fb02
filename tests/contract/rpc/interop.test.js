'use strict';
// gRPC's interoperability list, as far as it applies, by clients not ours: python3-grpcio and C++ (gRPC's C core), grpc-js and
// buf curl. On the transport that WARD_TRANSPORT names, h2 without one.

const test = require('node:test');
const assert = require('node:assert');
const path = require('node:path');
const { run, must } = require('../../lib/proc');
const { build, root, folder } = require('../../lib/paths');
const { Echo, certificates } = require('./echo');

const env = { WARD_TRANSPORT: process.env.WARD_TRANSPORT || 'h2' };
let pki;
let echo;

test.before(async () => {
  pki = await certificates();
  echo = await Echo.start({ 'arena-kib': 16384, 'max-message-kib': 4096 }, pki, env);
});
test.after(async () => {
  assert.strictEqual(echo.restarts, 0);
  assert.strictEqual(await echo.stop(), 0);
});

async function passes(argv) {
  const r = await run(argv, { env: { PATH: process.env.PATH } });
  assert.strictEqual(r.status, 0, r.lines.filter((l) => !l.startsWith('ok')).join('\n'));
  assert.ok(r.lines.filter((l) => l.startsWith('ok')).length > 10, r.lines.join('\n'));
}

test('python3-grpcio', async () => {
  const stubs = folder('stubs');
  await must(['/usr/bin/protoc', '-I', path.join(root, 'proto'), '-I', path.join(root, 'tests/proto'), `--python_out=${stubs}`,
    'ward/options/v1/options.proto', 'ward/test/v1/echo.proto']);
  await passes(['/usr/bin/python3', path.join(__dirname, 'interop.py'), String(echo.port), pki, stubs]);
});

test('C++', async () => {
  await passes([path.join(build, 'tests/interop'), String(echo.port), pki]);
});

test('buf curl finds the schema by reflection, and calls', async () => {
  const curl = (method, data, ...more) => run([path.join(root, 'node_modules/.bin/buf'), 'curl', '--cacert', path.join(pki, 'ca.pem'), '--cert', path.join(pki, 'friend.pem'),
    '--key', path.join(pki, 'friend.key'), '--protocol', 'grpc', '-d', JSON.stringify(data), ...more, `https://localhost:${echo.port}/ward.test.v1.Echo/${method}`], { env: { PATH: process.env.PATH, HOME: pki } });
  const one = await curl('Unary', { payload: 'YWJj' });
  assert.strictEqual(one.status, 0, one.lines.join('\n'));
  assert.strictEqual(JSON.parse(one.stdout).payload, 'YWJj');
  const three = await curl('ServerStream', { repeat: 3 });
  assert.match(three.stdout, /"received": *1[^]*"received": *2[^]*"received": *3/);
  const failed = await curl('Unary', { failCode: 5, text: 'nobody' });
  assert.notStrictEqual(failed.status, 0);
  assert.match(failed.lines.join('\n'), /not_found[^]*nobody/);
});

test('grpc-js: large messages both ways, in one call and in many', async () => {
  const client = echo.client({ channel: { 'grpc.max_receive_message_length': -1 } });
  for (const n of [0, 1, 65535, 1000000, 3900000]) {
    const { payload } = await client.call('Unary', { payload: Buffer.alloc(n, 7) }, { deadline: 30000 });
    assert.strictEqual(payload.length, n);
  }
  let bytes = 0;
  for await (const m of client.stream('ServerStream', { repeat: 64, payload: Buffer.alloc(262144) }, { deadline: 30000 })) bytes += m.payload.length;
  assert.strictEqual(bytes, 64 * 262144);
  const up = client.duplex('ClientStream', { deadline: 30000 });
  for (let i = 0; i < 64; i += 1) up.write({ payload: Buffer.alloc(262144) });
  up.end();
  assert.strictEqual((await up.answer).received, 64);
});

test('grpc-js: special status message', async () => {
  const words = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈 100 %';
  const e = await echo.client().failure('Unary', { fail_code: 5, text: words });
  assert.strictEqual(e.code, 'NOT_FOUND');
  assert.strictEqual(e.details, words);
});

test('no call is lost while connections come to their age under load', async () => {
  const own = await Echo.start({ 'max-age-ms': 300 }, pki, env);
  const client = own.client();
  const errors = [];
  let calls = 0;
  const until = Date.now() + 3000;
  await Promise.all(Array.from({ length: 32 }, async () => {
    while (Date.now() < until) {
      await client.call('Unary', {}, { deadline: 10000 }).catch((e) => errors.push(`${e.code} ${e.message}`));
      calls += 1;
    }
  }));
  assert.deepStrictEqual(errors, []);
  assert.ok(calls > 32);
  await own.stop();
});

test('no call is lost when a server is told to stop while it is called', async () => {
  const own = await Echo.start({ 'grace-ms': 10000 }, pki, env);
  const client = own.client();
  const begun = Array.from({ length: 64 }, () => client.call('Unary', { sleep_ms: 100 }, { deadline: 20000 }));
  await begun[0]; // 63 are at their workers, or wait for one
  own.stopping = true;
  own.proc.signal('SIGTERM');
  const answers = await Promise.allSettled(begun);
  assert.deepStrictEqual(answers.filter((a) => a.status === 'rejected').map((a) => a.reason.message), []);
  assert.strictEqual(await own.stop(), 0);
});
