'use strict';
// common/rpc's server as a client not ours meets it: @grpc/grpc-js over mutual TLS.

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const http2 = require('node:http2');
const net = require('node:net');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { must } = require('../../lib/proc');
const { until } = require('../../lib/until');
const { Echo, certificates } = require('./echo');
const { Issuer, writeJwks, ISSUER, AUDIENCE } = require('../../lib/tokens');

let pki;
let echo;
let issuer;

test.before(async () => {
  pki = await certificates();
  issuer = new Issuer('ES256');
  writeJwks(path.join(pki, 'jwks.json'), [issuer]);
  echo = await Echo.start({ jwks: path.join(pki, 'jwks.json'), issuer: ISSUER, audience: AUDIENCE, workers: 2, streams: 2, queue: 2 }, pki);
});
test.after(() => echo.stop());

test('a call is answered, with the caller by the name in its certificate', async () => {
  const payload = Buffer.from([0, 1, 2, 255]);
  for (const method of ['Fast', 'Unary']) {
    const r = await echo.client({ as: 'stranger' }).call(method, { payload });
    assert.deepStrictEqual(r.payload, payload);
    assert.strictEqual(r.peer, 'stranger');
    assert.match(r.trace_id, /^[0-9a-f]{32}$/);
  }
});

// Forwards connections to a port. Of what the client sends, each piece arrives without its end, and the end 5 ms later.
function slowNetwork(port) {
  const server = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    let last = Promise.resolve();
    const pass = async (piece) => {
      far.write(piece.subarray(0, piece.length - 5));
      await sleep(5);
      far.write(piece.subarray(piece.length - 5));
    };
    near.on('data', (piece) => { last = last.then(() => pass(piece)); });
    far.pipe(near);
    for (const [one, other] of [[near, far], [far, near]]) one.on('error', () => other.destroy()).on('close', () => other.destroy());
  });
  return new Promise((done) => { server.listen(0, '127.0.0.1', () => done(server)); });
}

test('TLS records that arrive in parts cost nothing: a slow network keeps its connection', async () => {
  const server = await slowNetwork(echo.port);
  const client = echo.client({ target: `localhost:${server.address().port}` });
  const payload = Buffer.alloc(500000, 'a');
  try {
    for (let i = 0; i < 3; i++) assert.deepStrictEqual((await client.call('Unary', { payload })).payload, payload);
  } finally {
    client.close();
    server.close();
  }
});

test('a failure carries google.rpc.Status', async () => {
  const e = await echo.client().failure('Unary', { fail_code: 9 });
  assert.strictEqual(e.code, 'FAILED_PRECONDITION');
  assert.strictEqual(e.details, 'failed as asked');
  assert.strictEqual(e.reason, 'ASKED_FOR');
  assert.strictEqual(e.domain, 'ward');
  assert.deepStrictEqual(e.status, { code: 9, message: 'failed as asked' });
});

// A certificate of the same CA with these names instead of a service's.
async function strange(name, names) {
  const at = (suffix) => path.join(pki, `${name}.${suffix}`);
  fs.writeFileSync(at('ext'), `subjectAltName=${names}\n`);
  await must(['/usr/bin/openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', at('key'), '-out', at('csr')]);
  await must(['/usr/bin/openssl', 'x509', '-req', '-in', at('csr'), '-CA', path.join(pki, 'ca.pem'), '-CAkey', path.join(pki, 'ca.key'), '-CAcreateserial', '-days', '1', '-extfile', at('ext'), '-out', at('pem')]);
}

test('a certificate that names no service of Ward, or two, may ask for health and nothing else', async () => {
  const cases = {
    nameless: 'DNS:friend',
    elsewhere: 'URI:spiffe://other/friend',
    web: 'URI:https://ward/friend',
    twofold: 'URI:spiffe://ward/friend,URI:spiffe://ward/stranger',
    dressed: 'DNS:friend,URI:spiffe://ward.example/ward/friend',
  };
  for (const [name, names] of Object.entries(cases)) {
    await strange(name, names);
    const e = await echo.client({ as: name }).failure('Unary');
    assert.strictEqual(e.code, 'PERMISSION_DENIED', name);
    assert.strictEqual(e.reason, 'CALLER_NOT_ALLOWED', name);
    assert.strictEqual((await echo.health({ as: name }).call('Check', {})).status, 'SERVING');
  }
  await strange('second', 'DNS:elsewhere,URI:spiffe://ward/second'); // the helper makes good ones, too
  assert.strictEqual((await echo.client({ as: 'second' }).call('Unary')).peer, 'second');
});

test('only the listed caller with the role gets in', async () => {
  const friend = echo.client();
  const token = issuer.token({ roles: ['nurse'], sub: 'nurse-7' });
  assert.strictEqual((await friend.call('Guarded', {}, { token })).subject, 'nurse-7');
  const cases = [
    [friend, undefined, 'UNAUTHENTICATED', 'TOKEN_MISSING'],
    [friend, issuer.token({ roles: ['clerk'] }), 'PERMISSION_DENIED', 'ROLE_MISSING'],
    [friend, issuer.token({ roles: ['nurse'], lifetime: -3600 }), 'UNAUTHENTICATED', 'TOKEN_EXPIRED'],
    [friend, new Issuer('ES256').token({ roles: ['nurse'] }), 'UNAUTHENTICATED', 'TOKEN_UNKNOWN_KEY'],
    [echo.client({ as: 'stranger' }), token, 'PERMISSION_DENIED', 'CALLER_NOT_ALLOWED'],
  ];
  for (const [client, t, code, reason] of cases) {
    const e = await client.failure('Guarded', {}, { token: t });
    assert.strictEqual(e.code, code);
    assert.strictEqual(e.reason, reason);
  }
  assert.strictEqual((await friend.failure('Closed', {}, { token })).code, 'PERMISSION_DENIED');
});

test('two authorizations, or one of another kind, are none', async () => {
  const token = issuer.token({ roles: ['nurse'] });
  const two = await echo.client().failure('Guarded', {}, { token, metadata: { Authorization: 'Basic eDp5' } });
  assert.strictEqual(two.code, 'UNAUTHENTICATED');
  const basic = await echo.client().failure('Unary', {}, { metadata: { authorization: 'Basic eDp5' } });
  assert.strictEqual(basic.code, 'UNAUTHENTICATED');
  assert.strictEqual(basic.reason, 'TOKEN_MALFORMED');
});

test('a token is not accepted any more once its key is gone', async () => {
  const token = issuer.token({ roles: ['nurse'] });
  const friend = echo.client();
  await friend.call('Guarded', {}, { token });
  const next = new Issuer('RS256');
  writeJwks(path.join(pki, 'jwks.json'), [next]);
  await until('the new key known', async () => (await friend.call('Guarded', {}, { token: next.token({ roles: ['nurse'] }) }).catch(() => null)) !== null);
  const e = await friend.failure('Guarded', {}, { token });
  assert.strictEqual(e.code, 'UNAUTHENTICATED');
  issuer = next;
});

test('messages compressed or too large are refused, not fatal', async () => {
  const client = echo.client();
  const zipped = echo.client({ channel: { 'grpc.default_compression_algorithm': 2 } });
  assert.strictEqual((await zipped.failure('Unary', { payload: Buffer.alloc(1000) })).code, 'UNIMPLEMENTED');
  const big = await client.failure('Unary', { payload: Buffer.alloc(2 << 20) });
  assert.strictEqual(big.code, 'RESOURCE_EXHAUSTED');
  await client.call('Unary', { payload: Buffer.alloc(500 << 10) });
});

test('metadata without end is refused, not fatal', async () => {
  const client = echo.client();
  const e = await client.failure('Unary', {}, { metadata: { 'x-long': 'y'.repeat(64 << 10) } });
  assert.ok(['RESOURCE_EXHAUSTED', 'INTERNAL', 'UNAVAILABLE', 'CANCELLED', 'UNKNOWN'].includes(e.code), e.code);
  await echo.client().call('Unary'); // the connection may be gone with it, the server is not
});

test('the caller gets what it asked for when it gave up', async () => {
  const e = await echo.client().failure('Unary', { sleep_ms: 20000 }, { deadline: 100 });
  assert.strictEqual(e.code, 'DEADLINE_EXCEEDED');
  await until('a cancel that reaches a handler', async () => { // one may come before its call has a worker
    const cancelled = await echo.client().failure('Unary', { sleep_ms: 20000 }, { onCall: (c) => setTimeout(() => c.cancel(), 100) });
    assert.strictEqual(cancelled.code, 'CANCELLED');
    return echo.proc.lines.some((l) => /the handler saw the cancel/.test(l));
  });
  await echo.client().call('Unary'); // neither holds its worker
});

test('a deadline beyond all measure is a deadline', async () => {
  const r = await echo.client().call('Unary', {}, { deadline: 3.5e14 });
  assert.ok(Number(r.left_ms) > 1e12);
});

test('streams of all kinds', async () => {
  const client = echo.client();
  const got = [];
  for await (const m of client.stream('ServerStream', { repeat: 50 })) got.push(m.received);
  assert.deepStrictEqual(got, Array.from({ length: 50 }, (_, i) => i + 1));

  const up = client.duplex('ClientStream');
  for (let i = 0; i < 50; i += 1) up.write({ payload: Buffer.alloc(1000) });
  up.end();
  assert.strictEqual((await up.answer).received, 50);

  const both = client.duplex('Bidi');
  both.write({ text: 'one' });
  let n = 0;
  for await (const m of both) {
    n += 1;
    assert.strictEqual(m.received, n);
    if (n < 10) both.write({});
    else both.end();
  }
  assert.strictEqual(n, 10);
});

test('with all workers and the queue full: shed with a time to retry, and health answers', async () => {
  const client = echo.client();
  const shed = [];
  const busy = Array.from({ length: 8 }, () => client.call('Unary', { sleep_ms: 3000 }).catch((e) => shed.push(e)));
  await until('shed', () => shed.length > 0);
  for (const e of shed) {
    assert.strictEqual(e.code, 'RESOURCE_EXHAUSTED');
    assert.strictEqual(e.reason, 'OVERLOADED');
    assert.ok(e.retryMs > 0);
  }
  assert.strictEqual((await echo.health().call('Check', {})).status, 'SERVING');
  assert.strictEqual((await client.call('Fast')).peer, 'friend');
  assert.strictEqual((await client.call('Bedside')).peer, 'friend'); // its worker serves nothing else
  await Promise.all(busy);
  assert.ok(shed.length < 8);
});

test('health knows services by name', async () => {
  const health = echo.health({ as: 'stranger' });
  assert.strictEqual((await health.call('Check', { service: 'ward.test.v1.Echo' })).status, 'SERVING');
  assert.strictEqual((await health.failure('Check', { service: 'nobody' })).code, 'NOT_FOUND');
  for await (const m of health.stream('Watch', { service: 'nobody' })) {
    assert.strictEqual(m.status, 'SERVICE_UNKNOWN');
    break;
  }
});

test('SIGTERM: watchers are told, calls in progress end well, new ones are not taken', async () => {
  const own = await Echo.start({ 'grace-ms': 20000 }, pki);
  const client = own.client();
  const watch = own.health().stream('Watch')[Symbol.asyncIterator]();
  assert.strictEqual((await watch.next()).value.status, 'SERVING');
  const slow = client.call('Unary', { sleep_ms: 1500 });
  const stream = client.stream('ServerStream', { repeat: 3, sleep_ms: 300 })[Symbol.asyncIterator]();
  await stream.next();
  own.stopping = true;
  own.proc.signal('SIGTERM');
  assert.strictEqual((await watch.next()).value.status, 'NOT_SERVING');
  await assert.rejects(watch.next(), (e) => e.code === 'UNAVAILABLE');
  await until('answered', async () => (await own.client().call('Fast', {}, { deadline: 300 }).catch((e) => e.code)) !== undefined);
  assert.strictEqual((await own.client().failure('Fast', {}, { deadline: 1000 })).code, 'UNAVAILABLE');
  await slow;
  assert.strictEqual((await stream.next()).value.received, 2);
  assert.strictEqual((await stream.next()).value.received, 3);
  assert.strictEqual((await stream.next()).done, true);
  assert.strictEqual(await own.stop(), 0);
});

test('a call longer than the grace is cancelled and the process ends', async () => {
  const own = await Echo.start({ 'grace-ms': 100 }, pki);
  const client = own.client();
  const failed = client.failure('Unary', { sleep_ms: 60000 }, { deadline: 60000 });
  const stuck = client.duplex('Bidi');
  stuck.write({});
  await stuck[Symbol.asyncIterator]().next();
  assert.strictEqual(await own.stop(), 0);
  assert.ok(['UNAVAILABLE', 'CANCELLED'].includes((await failed).code));
});

test('a connection is told to go at its age, and no call is lost', async () => {
  const own = await Echo.start({ 'max-age-ms': 300 }, pki);
  const read = (f) => fs.readFileSync(path.join(pki, f));
  const bare = http2.connect(`https://localhost:${own.port}`, { ca: read('ca.pem'), key: read('friend.key'), cert: read('friend.pem') });
  bare.on('error', () => {});
  const told = new Promise((resolve) => { bare.once('goaway', resolve); });
  const client = own.client();
  for (let i = 0; i < 30; i += 1) await client.call('Unary', { sleep_ms: 50 });
  assert.strictEqual(await told, http2.constants.NGHTTP2_NO_ERROR);
  bare.destroy();
  await own.stop();
});

test('a certificate that is replaced is served without a restart', async () => {
  const dir = fs.mkdtempSync(path.join(pki, 'live-'));
  const files = (from) => {
    for (const f of ['key', 'pem']) {
      fs.copyFileSync(path.join(pki, `${from}.${f}`), path.join(dir, `new.${f}`));
      fs.renameSync(path.join(dir, `new.${f}`), path.join(dir, `echo.${f}`));
    }
  };
  for (const f of ['ca.pem', 'friend.pem', 'friend.key']) fs.copyFileSync(path.join(pki, f), path.join(dir, f));
  files('echo');
  const own = await Echo.start({}, dir);
  const { pid } = own;
  const serial = () => new Promise((resolve, reject) => {
    const read = (f) => fs.readFileSync(path.join(dir, f));
    const s = require('node:tls').connect({
      port: own.port, host: '127.0.0.1', servername: 'localhost', ca: read('ca.pem'), key: read('friend.key'), cert: read('friend.pem'), ALPNProtocols: ['h2'],
    }, () => { const { serialNumber } = s.getPeerCertificate(); s.destroy(); resolve(serialNumber); });
    s.on('error', reject);
  });
  const first = await serial();
  files('stranger');
  await until('another certificate', async () => (await serial()) !== first);
  assert.strictEqual(own.pid, pid);
  await own.stop();
});
