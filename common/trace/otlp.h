/* otlp.h - the OTLP message of a batch of spans.
 *
 * Threads: any. Memory: the arena's. Errors: none.
 */
#ifndef WARD_TRACE_OTLP_H
#define WARD_TRACE_OTLP_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"

struct otlp_span {
    uint8_t trace_id[16], id[8], parent[8];
    bool has_parent;
    char path[96], peer[64]; /* "/package.Service/Method"; the caller's name or "" */
    int64_t began_us, ended_us;
    enum ward_code code;
};

/* Reads the hexadecimal ids of a valid traceparent, and of a parent's span or "". */
void otlp_ids(const char *traceparent, const char *parent, struct otlp_span *out);

/* Returns a request with `n` spans of one service. */
Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *
otlp_request(struct ward_arena *mem, const char *service, const char *version,
             const struct otlp_span *spans, size_t n);

#endif
