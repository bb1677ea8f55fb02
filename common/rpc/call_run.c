#include "common/rpc/server.h"

#include "common/base/log.h"

#include <string.h>

#define LONG_WAIT_NS (1 * WARD_NS_PER_MS)

bool ward_call_cancelled(const struct ward_call *c)
{
    if (c->served != NULL && c->served->rpc->transport->gone(c->served))
        return true;
    return c->deadline_ns != WARD_NO_DEADLINE && ward_mono_ns() >= c->deadline_ns;
}

/* Rejects a call that waited past its deadline, or whose caller has gone. */
static enum ward_code still_wanted(struct served *s, struct ward_err *err)
{
    int64_t now = ward_mono_ns();

    if (s->deadline_ns != WARD_NO_DEADLINE && now >= s->deadline_ns)
        return WARD_FAIL(err, DEADLINE_EXCEEDED,
                         "the deadline passed before the call was served");
    if (now - s->began_ns > LONG_WAIT_NS && s->rpc->transport->gone(s))
        return WARD_FAIL(err, CANCELLED, "the caller disconnected");
    return WARD_OK;
}

static enum ward_code handle(struct served *s, struct ward_call *c, ProtobufCMessage **resp)
{
    const struct method *m = s->method;
    ProtobufCMessage *req = NULL;

    WARD_TRY(admit_caller(s, c->err));
    WARD_TRY(admit_person(s, c->mem, &c->who, c->err));
    WARD_TRY(still_wanted(s, c->err));
    if (!m->info->client_streaming)
        WARD_TRY(s->rpc->transport->request(s, c->mem, &req, c->err));
    if (!m->info->server_streaming) {
        *resp = ward_alloc(c->mem, m->resp->sizeof_message);
        if (*resp == NULL)
            return WARD_FAIL(c->err, RESOURCE_EXHAUSTED,
                             "the call needs more memory than a call may use");
        protobuf_c_message_init(m->resp, *resp);
    }
    return m->fn(c, req, *resp);
}

/* An invalid result of a handler is a bug in the service, so the caller receives INTERNAL. */
static enum ward_code settle(struct ward_call *c, enum ward_code code)
{
    if (code == WARD_OK && c->method->audited && !c->audited) {
        (void)WARD_FAIL(c->err, INTERNAL, "internal error");
        return ward_err_detail(c->err, "the handler wrote no audit event");
    }
    if (code == WARD_OK)
        return code;
    if ((int)code < 0 || code >= WARD_N_CODES || code == WARD_UNKNOWN) {
        (void)WARD_FAIL(c->err, INTERNAL, "internal error");
        return ward_err_detail(c->err, "the handler's code was %d", (int)code);
    }
    /* The deadline was the cause of the cancellation. */
    if (code == WARD_CANCELLED && ward_mono_ns() >= c->deadline_ns)
        return WARD_FAIL(c->err, DEADLINE_EXCEEDED, "the deadline passed");
    if (c->err->code != code) /* the handler set no message */
        return ward_err_set(c->err, code, __FILE__, __LINE__, "%s", ward_code_name(code));
    return code;
}

/* Lets the service write its audit event for a rejected or failed call. The event has memory
 * and time of its own, in case the call used up its limits. */
static void audit_refusal(struct served *s, struct ward_call *c, enum ward_code code)
{
    int64_t least = ward_mono_ns() + RPC_REFUSED_MS * WARD_NS_PER_MS;

    if (!c->method->audited || s->rpc->cfg.refused == NULL)
        return;
    c->mem->cap += RPC_REFUSED_ROOM;
    c->mem->full = false;
    if (c->deadline_ns < least)
        c->deadline_ns = least;
    c->served = NULL; /* a disconnected caller does not stop the audit */
    s->rpc->cfg.refused(c, code);
    c->mem->cap -= RPC_REFUSED_ROOM;
}

void call_run(struct served *s, struct ward_arena *mem, struct worker *w)
{
    struct ward_err err = {0};
    ProtobufCMessage *resp = NULL;
    size_t len = 0;
    const char *parent = call_meta(s, "traceparent", &len);
    struct ward_call c = {
        .mem = mem,
        .err = &err,
        .svc = s->method->svc,
        .wrk = w == NULL ? NULL : w->wrk,
        .method = s->method->info,
        .deadline_ns = s->deadline_ns,
        .peer = s->peer,
        .served = s,
    };
    int64_t began_ns = w == NULL ? 0 : ward_mono_ns();
    enum ward_code code;

    if (w != NULL)
        call_taken(s, began_ns);
    trace_take(parent, len, s->rpc->cfg.trace_permille, c.traceparent, c.trace_id);
    ward_log_trace(c.trace_id);
    if (w != NULL && (c.method->client_streaming || c.method->server_streaming)) {
        c.stream = w->stream; /* not NULL: only lane STREAM has streaming methods */
        stream_begin(c.stream, s);
    }
    code = settle(&c, handle(s, &c, &resp));
    if (code != WARD_OK) {
        call_log(&err);
        audit_refusal(s, &c, code);
    }
    if (c.stream != NULL)
        stream_end(c.stream);
    if (w != NULL)
        call_measured(s, began_ns, code);
    ward_metric_max(s->method->stats.arena, (double)mem->used);
    trace_end(s, &c, parent, len, code);
    s->rpc->transport->reply(s, code == WARD_OK ? resp : NULL, code, &err);
    ward_arena_reset(mem);
    ward_log_trace("");
}
