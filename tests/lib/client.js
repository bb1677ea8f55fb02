'use strict';
// Calls by a client not ours: @grpc/grpc-js over mutual TLS, messages from proto/ by protobufjs, as proto-loader makes them.

const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protobuf = require('protobufjs');
const { root } = require('./paths');

const includeDirs = [path.join(root, 'proto'), path.join(root, 'tests/proto'), '/usr/share/grpc-proto', '/usr/include'];
const options = { longs: String, enums: String, bytes: Buffer, defaults: true, oneofs: true };
// Every .proto file, parsed once: proto-loader would parse what files share again for each, and print it.
const protos = new protobuf.Root();
protos.resolvePath = (_, file) => includeDirs.map((dir) => path.join(dir, file)).find((f) => fs.existsSync(f));
protos.loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto'], { keepCase: true });

// A channel that was refused fails what is asked of it until it tries again, a second later at first, two minutes at last.
const AGAIN = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 1000 };
const AGAIN_MS = 30000;
const STREAM_MS = 300000; // of a test's stream: else what never comes is waited for until the whole file is stopped

const codes = Object.fromEntries(Object.entries(grpc.status).filter(([, v]) => typeof v === 'number').map(([k, v]) => [v, k]));

// What google.rpc.Status in grpc-status-details-bin says: {reason, domain, field, violation, retryMs}.
function details(metadata) {
  const found = {};
  const [bytes] = metadata.get('grpc-status-details-bin');
  if (!bytes) return found;
  const st = protos.lookupType('google.rpc.Status').decode(bytes);
  found.status = { code: st.code, message: st.message };
  for (const any of st.details) {
    const type = any.type_url.split('/').pop();
    const d = protos.lookupType(type).decode(any.value);
    if (type === 'google.rpc.ErrorInfo') Object.assign(found, { reason: d.reason, domain: d.domain });
    if (type === 'google.rpc.BadRequest') [{ field: found.field, description: found.violation }] = d.field_violations;
    if (type === 'google.rpc.RetryInfo') found.retryMs = Number(d.retry_delay.seconds) * 1000 + d.retry_delay.nanos / 1e6;
  }
  return found;
}

// A failed call: {code: 'NOT_FOUND', details, reason, field, ...}.
class CallError extends Error {
  constructor(err) {
    super(`${codes[err.code]}: ${err.details}`);
    Object.assign(this, details(err.metadata || new grpc.Metadata()));
    this.code = codes[err.code];
    this.details = err.details;
    this.metadata = err.metadata;
  }
}

// tls: {dir, name} of tests/lib/pki.js; none for plain text.
function credentials(tls) {
  if (!tls) return grpc.credentials.createInsecure();
  const read = (file) => fs.readFileSync(path.join(tls.dir, file));
  const pair = tls.name ? [read(`${tls.name}.key`), read(`${tls.name}.pem`)] : [null, null];
  return grpc.credentials.createSsl(read('ca.pem'), ...pair);
}

function metadataOf({ token, metadata = {} }) {
  const md = new grpc.Metadata();
  if (token) md.set('authorization', `Bearer ${token}`);
  for (const [k, v] of Object.entries(metadata)) md.set(k, v);
  return md;
}

const writes = (type) => (value) => Buffer.from(type.encode(type.fromObject(value)).finish());
const reads = (type) => (bytes) => type.toObject(type.decode(bytes), options);
// A service of a .proto file as grpc-js has it.
function serviceOf(file, name) {
  protos.loadSync(file, { keepCase: true });
  const service = protos.lookupService(name);
  return Object.fromEntries(service.methodsArray.map((method) => {
    const { resolvedRequestType: request, resolvedResponseType: response } = method.resolve();
    return [method.name, {
      path: `/${name}/${method.name}`, requestStream: !!method.requestStream, responseStream: !!method.responseStream,
      requestSerialize: writes(request), requestDeserialize: reads(request), responseSerialize: writes(response), responseDeserialize: reads(response),
    }];
  }));
}

const stubs = new Map();
function stubOf(file, name) {
  if (!stubs.has(name)) stubs.set(name, grpc.makeGenericClientConstructor(serviceOf(file, name), name));
  return stubs.get(name);
}

class Client {
  // service: 'ward.audit.v1.Audit'; file: 'ward/audit/v1/audit.proto'; target: 'localhost:1234'.
  constructor({ file, service, target, tls, channel = {} }) {
    const Stub = stubOf(file, service);
    this.definition = Stub.service;
    this.connect = () => new Stub(target, credentials(tls), { 'grpc.use_local_subchannel_pool': 1, ...AGAIN, ...channel });
    this.stub = this.connect();
    this.reached = false; // somebody answered it
    this.streams = new Set(); // that run
  }

  callOptions({ deadline = 90000 }) { return deadline === null ? {} : { deadline: Date.now() + deadline }; }

  // A unary call: resolves with the answer, rejects with a CallError. with: {token, deadline (ms), metadata,
  // onMetadata(md), onTrailers(md)}.
  call(method, request = {}, what = {}) {
    return new Promise((resolve, reject) => {
      const c = this.stub[method](request, metadataOf(what), this.callOptions(what), (err, answer) => {
        if (!err) this.reached = true;
        if (err) reject(new CallError(err));
        else resolve(answer);
      });
      if (what.onMetadata) c.on('metadata', what.onMetadata);
      if (what.onTrailers) c.on('status', (s) => what.onTrailers(s.metadata));
      if (what.onCall) what.onCall(c);
    });
  }

  // What a call fails with; a failure of the test when it passes.
  async failure(method, request, what) {
    let answer;
    try {
      answer = await this.call(method, request, what);
    } catch (err) {
      if (err instanceof CallError) return err;
      throw err;
    }
    throw new Error(`${method} was answered: ${JSON.stringify(answer).slice(0, 200)}`);
  }

  // A stream from the server: an async iterator of messages with cancel(); throws CallError.
  stream(method, request = {}, what = {}) {
    const c = this.stub[method](request, metadataOf(what), this.callOptions({ deadline: STREAM_MS, ...what }));
    return this.iterate(c);
  }

  // A stream both ways, or from the client: {write, end, cancel} and, where the server streams, an
  // async iterator; where it does not, `answer` is a promise.
  duplex(method, what = {}) {
    const args = [metadataOf(what), this.callOptions({ deadline: STREAM_MS, ...what })];
    if (this.definition[method].responseStream) {
      const c = this.stub[method](...args);
      return Object.assign(this.iterate(c), { write: (m) => c.write(m), end: () => c.end() });
    }
    let c;
    const answer = new Promise((resolve, reject) => {
      c = this.stub[method](...args, (err, a) => (err ? reject(new CallError(err)) : resolve(a)));
    });
    return { answer, write: (m) => c.write(m), end: () => c.end(), cancel: () => c.cancel() };
  }

  iterate(c) {
    this.streams.add(c);
    c.once('status', () => this.streams.delete(c)); // not at 'close': whoever reads no further has not ended the call
    const iterator = async function* () {
      try {
        for await (const m of c) yield m;
      } catch (err) {
        if (typeof err.code === 'number') throw new CallError(err);
        throw err;
      }
    };
    c.on('error', () => {}); // the iterator throws it
    const over = new Promise((resolve) => c.once('status', resolve));
    return { [Symbol.asyncIterator]: iterator, cancel: () => c.cancel(), call: c, over };
  }

  // The service was started again: resolves once this client has found it, through a channel of its own. The one it had may have missed
  // the end of its connection: it then says READY for good, and each call on it ends at its deadline.
  again() {
    if (!this.reached || this.closed) return undefined;
    this.stub.close(); // calls that run on it end as they would
    this.stub = this.connect();
    return new Promise((resolve, reject) => {
      this.stub.waitForReady(Date.now() + AGAIN_MS, (err) => (err ? reject(err) : resolve()));
    });
  }

  close() {
    this.closed = true;
    for (const c of this.streams) c.cancel();
    this.stub.close();
  }
}

module.exports = { Client, CallError, grpc };
