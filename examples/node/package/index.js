'use strict';
// Ward's services for @grpc/grpc-js: a client of each, why a call failed, and when to make it again.

const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const protobuf = require('protobufjs');

const protos = path.join(__dirname, 'proto');
const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true, includeDirs: [protos] };
const CODES = Object.fromEntries(Object.entries(grpc.status).filter(([, v]) => typeof v === 'number').map(([k, v]) => [v, k]));

// load('ward/identity/v1/identity.proto').ward.identity.v1.Identity is a client's constructor.
const load = (...files) => grpc.loadPackageDefinition(loader.loadSync(files, options));

const rpc = new protobuf.Root();
rpc.resolvePath = (_, file) => path.join(protos, file);
rpc.loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto'], { keepCase: true });

// Of docs/errors.md: {code: 'NOT_FOUND', reason, field, retryMs, message}. Programs decide by code and reason, never by the sentence.
function details(err) {
  const found = { code: CODES[err.code], reason: '', field: '', retryMs: 0, message: err.details };
  const [bytes] = err.metadata?.get('grpc-status-details-bin') ?? [];
  for (const any of bytes ? rpc.lookupType('google.rpc.Status').decode(bytes).details : []) {
    const name = any.type_url.split('/').pop();
    const d = rpc.lookupType(name).decode(any.value);
    if (name === 'google.rpc.ErrorInfo') found.reason = d.reason;
    if (name === 'google.rpc.BadRequest') found.field = d.field_violations[0]?.field ?? '';
    if (name === 'google.rpc.RetryInfo') found.retryMs = Number(d.retry_delay.seconds) * 1000 + d.retry_delay.nanos / 1e6;
  }
  return found;
}

// Whether the same call may be made again. idempotent: it reads only, or has an idempotency key (send the same one). CANCELLED of a call
// that you did not cancel: the server or a proxy ended it.
function mayRepeat(d, idempotent = true) {
  if (d.code === 'RESOURCE_EXHAUSTED') return d.retryMs > 0;
  return idempotent && ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED'].includes(d.code);
}

// A unary call, made again where that helps: after RetryInfo (no longer than timeoutMs), else after 0.1, 0.4, 1.6 s with jitter.
async function call(client, method, request, { token, timeoutMs = 10000, tries = 4, idempotent = true } = {}) {
  for (let n = 0; ; n++) {
    const metadata = new grpc.Metadata();
    if (token) metadata.set('authorization', `Bearer ${token}`);
    try {
      return await new Promise((resolve, reject) => {
        client[method](request, metadata, { deadline: Date.now() + timeoutMs }, (err, answer) => (err ? reject(err) : resolve(answer)));
      });
    } catch (err) {
      err.ward = details(err);
      if (n + 1 === tries || !mayRepeat(err.ward, idempotent) || err.ward.retryMs > timeoutMs) throw err;
      await new Promise((resolve) => setTimeout(resolve, Math.max(err.ward.retryMs, 100 * 4 ** n * (0.5 + Math.random()))));
    }
  }
}

// Without pings a grpc-js channel stays READY on a connection whose other end is gone, and each call waits for its own deadline.
const channelOptions = {
  'grpc.keepalive_time_ms': 30000,
  'grpc.keepalive_timeout_ms': 10000,
  'grpc.max_receive_message_length': 16 << 20,
  'grpc.service_config': '{"loadBalancingConfig":[{"round_robin":{}}]}',
};

// Of PEM files: {ca, cert, key}.
const credentials = ({ ca, cert, key }) => grpc.credentials.createSsl(fs.readFileSync(ca), fs.readFileSync(key), fs.readFileSync(cert));

module.exports = { load, details, mayRepeat, call, channelOptions, credentials, protos };
