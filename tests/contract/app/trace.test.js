'use strict';
// Spans of served calls reach an OpenTelemetry collector: a gRPC server by @grpc/grpc-js that decodes OTLP with OpenTelemetry's own
// code.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const otlp = require('@opentelemetry/otlp-transformer/build/src/generated/root');
const { Proc, must, run } = require('../../lib/proc');
const { Client } = require('../../lib/client');
const { bin, build, folder } = require('../../lib/paths');
const { until } = require('../../lib/until');

const program = path.join(build, 'tests/wait_service');
const { ExportTraceServiceRequest: request, ExportTraceServiceResponse: response } = otlp.opentelemetry.proto.collector.trace.v1;
const dir = folder('trace');
const PARENT = { trace: '4bf92f3577b34da6a3ce929d0e0e4736', span: '00f067aa0ba902b7' };

// A collector. answer: the status of each Export.
class Collector {
  constructor() {
    this.requests = [];
    this.answer = null;
    this.partial = undefined;
    this.server = new grpc.Server();
    this.server.addService({ Export: {
      path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export', requestStream: false, responseStream: false,
      requestDeserialize: (bytes) => request.toObject(request.decode(bytes), { longs: String, enums: String, bytes: Buffer }),
      responseSerialize: (m) => Buffer.from(response.encode(m).finish()),
    } }, { Export: (call, done) => {
      if (this.answer !== null) return done({ code: this.answer });
      this.requests.push(call.request);
      return done(null, this.partial ? { partialSuccess: { rejectedSpans: this.partial } } : {});
    } });
  }

  listen(credentials = grpc.ServerCredentials.createInsecure()) {
    return new Promise((done, fail) => {
      this.server.bindAsync('127.0.0.1:0', credentials, (err, at) => (err ? fail(err) : done(at)));
    });
  }

  spans() { return this.requests.flatMap((r) => r.resourceSpans).flatMap((r) => r.scopeSpans).flatMap((s) => s.spans); }
  stop() { this.server.forceShutdown(); }
}

const base = { WARD_LISTEN: '127.0.0.1:0', WARD_ADMIN_LISTEN: '127.0.0.1:0', WARD_LAME_MS: '0', WARD_TEST_DEPENDENCY: path.join(dir, 'dependency') };
fs.writeFileSync(base.WARD_TEST_DEPENDENCY, '');

class Service {
  async start(env, tls = undefined) {
    this.proc = new Proc('wait', [program], { env: { ...base, ...env } });
    this.serving = JSON.parse(await this.proc.line(/"msg":"serving"/));
    this.wait = new Client({ file: 'ward/test/v1/wait.proto', service: 'ward.test.v1.Wait', target: `${tls ? 'localhost' : '127.0.0.1'}:${this.serving.port}`, tls });
    return this;
  }

  async count(outcome) {
    const text = await (await fetch(`http://127.0.0.1:${this.serving.admin_port}/metrics`)).text();
    return Number(new RegExp(`^ward_trace_spans_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  }

  async stop() {
    this.wait.close();
    assert.strictEqual(await this.proc.stop(), 0);
  }
}

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const attributes = (list) => Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));
const trace = (flags) => ({ metadata: { traceparent: `00-${PARENT.trace}-${PARENT.span}-${flags}` } });

describe('spans', { timeout: 600000 }, () => {
  let collector, service, port;
  before(async () => {
    collector = new Collector();
    port = await collector.listen();
    service = await new Service().start({ WARD_OTLP_ENDPOINT: `127.0.0.1:${port}` });
  });
  after(async () => {
    await service.stop();
    collector.stop();
  });

  test('a_call_is_a_span_below_its_callers_span', async () => {
    const began = BigInt(Date.now()) * 1000000n;
    await service.wait.call('Wait', { sleep_ms: 20 }, trace('01'));
    const span = await until('a span', () => collector.spans().find((s) => hex(s.traceId) === PARENT.trace));
    assert.strictEqual(hex(span.parentSpanId), PARENT.span);
    assert.match(hex(span.spanId), /^(?!0{16})[0-9a-f]{16}$/);
    assert.strictEqual(span.name, 'ward.test.v1.Wait/Wait');
    assert.strictEqual(span.kind, 'SPAN_KIND_SERVER');
    const [start, end] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)];
    assert.ok(start >= began - 1000000000n && end - start >= 20000000n && end <= BigInt(Date.now() + 1000) * 1000000n, `${start} ${end}`);
    assert.deepStrictEqual(attributes(span.attributes), { 'rpc.system': 'grpc', 'rpc.service': 'ward.test.v1.Wait', 'rpc.method': 'Wait', 'rpc.grpc.status_code': '0' });
    assert.deepStrictEqual(attributes(collector.requests[0].resourceSpans[0].resource.attributes)['service.name'], 'wait');
  });

  test('a_call_without_a_trace_begins_one', async () => {
    const before = collector.spans().length;
    await service.wait.call('Wait', {});
    await until('a span', () => collector.spans().length > before);
    const span = collector.spans().at(-1);
    assert.strictEqual(span.parentSpanId?.length ?? 0, 0);
    assert.match(hex(span.traceId), /^(?!0{32})[0-9a-f]{32}$/);
  });

  test('a_callers_decision_not_to_sample_holds', async () => {
    const before = collector.spans().length;
    await service.wait.call('Wait', {}, trace('00'));
    await service.wait.call('Wait', {});
    await until('the later span', () => collector.spans().length > before);
    assert.strictEqual(collector.spans().length, before + 1);
  });

  test('a_failed_call_has_its_code_and_no_text', async () => {
    const before = collector.spans().length;
    await service.wait.failure('Wait', { sleep_ms: 60000 }, { deadline: 100 });
    await until('its span', () => collector.spans().length > before);
    const span = collector.spans().at(-1);
    assert.ok(['1', '4'].includes(attributes(span.attributes)['rpc.grpc.status_code']));
    assert.strictEqual(span.status.message ?? '', '');
  });

  test('spans_wait_while_the_collector_is_away', async () => {
    collector.answer = grpc.status.UNAVAILABLE;
    const before = collector.spans().length;
    for (let i = 0; i < 10; i++) await service.wait.call('Wait', {});
    await service.proc.line(/"msg":"spans cannot be exported"/);
    collector.answer = null;
    await until('all of them', () => collector.spans().length === before + 10);
    await service.proc.line(/"msg":"spans are exported again"/);
    const exported = await service.count('exported');
    assert.strictEqual(exported, collector.spans().length);
  });

  test('refused_spans_are_counted_and_not_sent_again', async () => {
    collector.partial = 1;
    await service.wait.call('Wait', {});
    await until('one refused', async () => await service.count('refused') === 1);
    collector.partial = undefined;
    collector.answer = grpc.status.INVALID_ARGUMENT;
    await service.wait.call('Wait', {});
    await until('another', async () => await service.count('refused') === 2);
    collector.answer = null;
    const before = collector.spans().length;
    await service.wait.call('Wait', {});
    await until('the next', () => collector.spans().length > before);
    assert.strictEqual(collector.spans().length, before + 1);
  });

  test('more_than_2048_waiting_spans_are_dropped_and_no_call_waits', async () => {
    collector.answer = grpc.status.UNAVAILABLE;
    const before = collector.spans().length;
    let n = 0;
    await Promise.all(Array.from({ length: 32 }, async () => { while (n++ < 2148) await service.wait.call('Wait', {}); }));
    await until('dropped', async () => await service.count('dropped') === 100);
    collector.answer = null;
    await until('all that waited', () => collector.spans().length === before + 2048);
  });
});

test('waiting_spans_leave_at_a_stop', { timeout: 60000 }, async () => {
  const collector = new Collector();
  const service = await new Service().start({ WARD_OTLP_ENDPOINT: `127.0.0.1:${await collector.listen()}` });
  await service.wait.call('Wait', {});
  await service.stop();
  assert.strictEqual(collector.spans().length, 1);
  collector.stop();
});

test('a_share_of_the_calls_is_sampled', { timeout: 60000 }, async () => {
  const collector = new Collector();
  const service = await new Service().start({ WARD_OTLP_ENDPOINT: `127.0.0.1:${await collector.listen()}`, WARD_OTLP_SAMPLE_PERMILLE: '0' });
  await service.wait.call('Wait', {});
  await service.wait.call('Wait', {}, trace('01')); // its caller decided
  await service.stop();
  assert.deepStrictEqual(collector.spans().map((s) => hex(s.traceId)), [PARENT.trace]);
  collector.stop();
});

test('a_service_without_a_collector_starts_serves_and_stops', { timeout: 60000 }, async () => {
  const service = await new Service().start({ WARD_OTLP_ENDPOINT: '127.0.0.1:1' });
  await service.wait.call('Wait', {});
  await service.stop();
});

test('spans_cross_no_network_in_plain_text', { timeout: 60000 }, async () => {
  const r = await run([program], { env: { ...base, WARD_OTLP_ENDPOINT: 'collector.example:4317' } });
  assert.strictEqual(r.status, 1);
  assert.match(r.lines.join('\n'), /"code":"FAILED_PRECONDITION"/);
});

// A name of this machine that a service takes for another's, and for which it therefore uses TLS.
const elsewhere = (port) => `[::ffff:127.0.0.1]:${port}`;
const pki = path.join(dir, 'pki');
const read = (file) => fs.readFileSync(path.join(pki, file));
const collectorNamed = async (name) => {
  const collector = new Collector();
  const keys = [{ private_key: read(`${name}.key`), cert_chain: read(`${name}.pem`) }];
  const port = await collector.listen(grpc.ServerCredentials.createSsl(read('ca.pem'), keys, true)); // true: it asks for a certificate
  return { collector, port };
};

describe('spans to another machine', { timeout: 120000 }, () => {
  const of = (port) => ({
    WARD_OTLP_ENDPOINT: elsewhere(port),
    WARD_TLS_CERT: path.join(pki, 'wait.pem'), WARD_TLS_KEY: path.join(pki, 'wait.key'), WARD_TLS_CA: path.join(pki, 'ca.pem'),
  });
  const caller = { dir: pki, name: 'friend' };
  before(async () => { await must([bin('wardctl'), 'dev-certs', pki, 'wait', 'friend', 'otlp', 'stranger']); });

  test('spans_cross_a_network_over_tls', async () => {
    const { collector, port } = await collectorNamed('otlp');
    const service = await new Service().start(of(port), caller);
    await service.wait.call('Wait', {}, trace('01'));
    const span = await until('a span', () => collector.spans()[0]);
    assert.strictEqual(hex(span.traceId), PARENT.trace);
    await service.stop();
    collector.stop();
  });

  test('a_collector_with_another_name_gets_no_span', async () => {
    const { collector, port } = await collectorNamed('stranger');
    const service = await new Service().start(of(port), caller);
    await service.wait.call('Wait', {}, trace('01'));
    await service.proc.line(/"msg":"spans cannot be exported"/);
    await service.stop();
    assert.strictEqual(collector.requests.length, 0);
    collector.stop();
  });
});
