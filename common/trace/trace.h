/* trace.h - exports a span for each served call to an OpenTelemetry collector (OTLP over gRPC).
 *
 * A span has the method, the calling service, the start, the end and the status code. A span
 * contains no patient data, no person and no error text. Spans wait in a ring of fixed size for
 * one thread, which sends a batch every second. If the collector is slow or unavailable, the
 * ring fills and new spans are dropped: tracing never delays a call. Metric:
 * ward_trace_spans_total{outcome}.
 *
 * Threads: ward_trace_add from any thread; open and close from one. Memory: about 500 KB.
 * Errors: open's; export failures are counted, and logged once for each change of state.
 */
#ifndef WARD_TRACE_TRACE_H
#define WARD_TRACE_TRACE_H

#include "common/rpc/rpc.h"

struct ward_trace;

struct ward_trace_config {
    const char *endpoint; /* "host:port" or "unix:/path" of the collector */
    /* For a collector on another machine, whose certificate must name spiffe://ward/otlp. */
    struct ward_tls tls;
    const char *service; /* attribute service.name */
    const char *version; /* attribute service.version */
    int every_ms;        /* time between two batches; 0: 1000 */
};

/* Returns before anything is connected.
 *   FAILED_PRECONDITION  the endpoint is on another machine and `tls` is empty or unusable */
WARD_MUST enum ward_code ward_trace_open(const struct ward_trace_config *cfg,
                                         struct ward_trace **out, struct ward_err *err);
/* A ward_rpc_config.span. Copies the span, never waits for the collector. */
void ward_trace_add(void *trace, const struct ward_rpc_span *span);
/* Sends the waiting spans, for at most 2 s, then stops. Accepts NULL. */
void ward_trace_close(struct ward_trace *t);

#endif
