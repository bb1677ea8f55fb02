#include "common/trace/otlp.h"

#include <string.h>

typedef Opentelemetry__Proto__Common__V1__KeyValue key_value;
typedef Opentelemetry__Proto__Common__V1__AnyValue any_value;
typedef Opentelemetry__Proto__Trace__V1__Span span;
typedef Opentelemetry__Proto__Trace__V1__Status status;

static uint8_t digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void bytes_of(const char *hex, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
}

void otlp_ids(const char *traceparent, const char *parent, struct otlp_span *out)
{
    bytes_of(traceparent + 3, out->trace_id, sizeof(out->trace_id));
    bytes_of(traceparent + 36, out->id, sizeof(out->id));
    out->has_parent = *parent != '\0';
    if (out->has_parent)
        bytes_of(parent, out->parent, sizeof(out->parent));
}

static key_value *text_value(struct ward_arena *mem, const char *key, const char *text)
{
    key_value *kv = ward_new(mem, key_value);
    any_value *v = ward_new(mem, any_value);

    opentelemetry__proto__common__v1__key_value__init(kv);
    opentelemetry__proto__common__v1__any_value__init(v);
    v->value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE;
    v->string_value = ward_strdup(mem, text);
    kv->key = ward_strdup(mem, key);
    kv->value = v;
    return kv;
}

static key_value *number_value(struct ward_arena *mem, const char *key, int64_t n)
{
    key_value *kv = text_value(mem, key, "");

    kv->value->value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE;
    kv->value->int_value = n;
    return kv;
}

/* The codes for which a server's span is an error. Source: OpenTelemetry semantic conventions
 * for RPC, "gRPC Status". */
static bool is_server_error(enum ward_code code)
{
    return code == WARD_UNKNOWN || code == WARD_DEADLINE_EXCEEDED ||
           code == WARD_UNIMPLEMENTED || code == WARD_INTERNAL || code == WARD_UNAVAILABLE ||
           code == WARD_DATA_LOSS;
}

static status *status_of(struct ward_arena *mem, enum ward_code code)
{
    status *s = ward_new(mem, status);

    opentelemetry__proto__trace__v1__status__init(s);
    if (is_server_error(code))
        s->code = OPENTELEMETRY__PROTO__TRACE__V1__STATUS__STATUS_CODE__STATUS_CODE_ERROR;
    return s;
}

/* Names of attributes. Source: OpenTelemetry semantic conventions for RPC. */
static void add_attributes(struct ward_arena *mem, const struct otlp_span *from, span *to)
{
    const char *method = strrchr(from->path, '/');
    size_t len = method == NULL ? 0 : (size_t)(method - from->path);

    to->attributes = ward_alloc(mem, 5 * sizeof(key_value *));
    to->attributes[to->n_attributes++] = text_value(mem, "rpc.system", "grpc");
    if (len > 0) {
        to->attributes[to->n_attributes++] = text_value(
            mem, "rpc.service", ward_printf(mem, "%.*s", (int)len - 1, from->path + 1));
        to->attributes[to->n_attributes++] = text_value(mem, "rpc.method", method + 1);
    }
    to->attributes[to->n_attributes++] =
        number_value(mem, "rpc.grpc.status_code", (int64_t)from->code);
    if (*from->peer != '\0')
        to->attributes[to->n_attributes++] = text_value(mem, "peer.service", from->peer);
}

static ProtobufCBinaryData copy_of(struct ward_arena *mem, const uint8_t *p, size_t n)
{
    uint8_t *copy = ward_alloc(mem, n);

    memcpy(copy, p, n);
    return (ProtobufCBinaryData){.len = n, .data = copy};
}

static span *span_of(struct ward_arena *mem, const struct otlp_span *from)
{
    span *s = ward_new(mem, span);

    opentelemetry__proto__trace__v1__span__init(s);
    s->trace_id = copy_of(mem, from->trace_id, sizeof(from->trace_id));
    s->span_id = copy_of(mem, from->id, sizeof(from->id));
    if (from->has_parent)
        s->parent_span_id = copy_of(mem, from->parent, sizeof(from->parent));
    s->name = ward_strdup(mem, *from->path == '/' ? from->path + 1 : from->path);
    s->kind = OPENTELEMETRY__PROTO__TRACE__V1__SPAN__SPAN_KIND__SPAN_KIND_SERVER;
    s->start_time_unix_nano = (uint64_t)from->began_us * 1000;
    s->end_time_unix_nano = (uint64_t)from->ended_us * 1000;
    add_attributes(mem, from, s);
    s->status = status_of(mem, from->code);
    return s;
}

static Opentelemetry__Proto__Resource__V1__Resource *
resource_of(struct ward_arena *mem, const char *service, const char *version)
{
    Opentelemetry__Proto__Resource__V1__Resource *r =
        ward_new(mem, Opentelemetry__Proto__Resource__V1__Resource);

    opentelemetry__proto__resource__v1__resource__init(r);
    r->attributes = ward_alloc(mem, 3 * sizeof(key_value *));
    r->attributes[r->n_attributes++] = text_value(mem, "service.name", service);
    r->attributes[r->n_attributes++] = text_value(mem, "service.namespace", "ward");
    r->attributes[r->n_attributes++] = text_value(mem, "service.version", version);
    return r;
}

Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *
otlp_request(struct ward_arena *mem, const char *service, const char *version,
             const struct otlp_span *spans, size_t n)
{
    Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *q =
        ward_new(mem, Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest);
    Opentelemetry__Proto__Trace__V1__ResourceSpans *of =
        ward_new(mem, Opentelemetry__Proto__Trace__V1__ResourceSpans);
    Opentelemetry__Proto__Trace__V1__ScopeSpans *scope =
        ward_new(mem, Opentelemetry__Proto__Trace__V1__ScopeSpans);

    opentelemetry__proto__collector__trace__v1__export_trace_service_request__init(q);
    opentelemetry__proto__trace__v1__resource_spans__init(of);
    opentelemetry__proto__trace__v1__scope_spans__init(scope);
    scope->spans = ward_alloc(mem, n * sizeof(span *));
    for (size_t i = 0; i < n; i++)
        scope->spans[scope->n_spans++] = span_of(mem, &spans[i]);
    of->resource = resource_of(mem, service, version);
    of->n_scope_spans = 1;
    of->scope_spans = ward_new(mem, Opentelemetry__Proto__Trace__V1__ScopeSpans *);
    of->scope_spans[0] = scope;
    q->n_resource_spans = 1;
    q->resource_spans = ward_new(mem, Opentelemetry__Proto__Trace__V1__ResourceSpans *);
    q->resource_spans[0] = of;
    return q;
}
