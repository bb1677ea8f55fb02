#include "common/rpc/server.h"

/* Dispatches a call after it has arrived: with its message, or, for a client stream, after its
 * headers. */

bool call_waits_for_message(const struct method *m)
{
    return !m->info->client_streaming;
}

int64_t call_own_deadline(const struct served *s)
{
    const struct ward_method_info *m = s->method->info;
    bool streams = m->client_streaming || m->server_streaming;
    int ms = m->deadline_ms > 0 ? m->deadline_ms : streams ? 0 : RPC_UNARY_MS;

    return ms == 0 ? WARD_NO_DEADLINE : s->began_ns + ms * WARD_NS_PER_MS;
}

void call_counted(struct served *s, enum ward_code code, size_t bytes_out)
{
    call_let_go(s);
    stats_ended(s, code, bytes_out);
    atomic_fetch_sub_explicit(&s->rpc->in_flight, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->rpc->answered, 1, memory_order_relaxed);
}

static void fail(struct served *s, struct ward_err *err)
{
    call_log(err);
    s->rpc->transport->finish(s, NULL, err->code, err);
}

void call_arrived(struct served *s, size_t bytes_in, struct ward_arena *mem)
{
    struct method *m = s->method;
    struct ward_err err = {0};

    stats_began(s, bytes_in);
    atomic_fetch_add_explicit(&s->rpc->in_flight, 1, memory_order_relaxed);
    if (m == &s->rpc->unknown) {
        (void)WARD_FAIL(&err, UNIMPLEMENTED, "no such method");
        fail(s, &err);
        return;
    }
    s->rpc->transport->peer(s);
    s->allowed = admit_caller(s, &err) == WARD_OK;
    /* A worker writes the audit event, so a rejected call of an audited method goes to a
     * worker. */
    if (!s->allowed && (!m->info->audited || s->rpc->cfg.refused == NULL || m->crew == NULL))
        fail(s, &err);
    else if (m->async != NULL)
        m->async(s, mem);
    else if (m->crew == NULL)
        call_run(s, mem, NULL);
    else
        call_queue(s);
}
