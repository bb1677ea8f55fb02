/* Append over gRPC, and the event of a refused call. */
#include "common/base/log.h"
#include "services/audit/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef Ward__Audit__V1__AppendRequest AppendRequest;
typedef Ward__Audit__V1__AppendResponse AppendResponse;
typedef Ward__Audit__V1__Appended Appended;

#define TOGETHER ((size_t)1 << 20) /* limit of one call's events in bytes */

/* Adds the event's position to the error. For the fourth event, the field "actor" becomes
 * "events[3].actor". */
static enum ward_code about(struct ward_err *err, size_t i)
{
    const struct ward_err e = *err;
    const char *dot = *e.field == '\0' ? "" : ".";

    snprintf(err->field, sizeof(err->field), "events[%u]%s%.32s", (unsigned)i, dot, e.field);
    snprintf(err->msg, sizeof(err->msg), "events[%u]%s%.120s", (unsigned)i,
             *e.field == '\0' ? ": " : ".", e.msg);
    return err->code;
}

static int by_id(const void *x, const void *y)
{
    const Event *const *a = x, *const *b = y;

    return strcmp((*a)->event_id, (*b)->event_id);
}

static enum ward_code ids_differ(struct ward_call *c, const AppendRequest *req)
{
    const Event **sorted = ward_alloc(c->mem, req->n_events * sizeof(const Event *));

    if (sorted == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED,
                         "the call needs more memory than permitted");
    memcpy(sorted, req->events, req->n_events * sizeof(const Event *));
    qsort(sorted, req->n_events, sizeof(const Event *), by_id);
    for (size_t i = 1; i < req->n_events; i++)
        if (by_id(&sorted[i - 1], &sorted[i]) == 0)
            return WARD_FAIL_FIELD(c->err, "events", "contain the same event_id twice");
    return WARD_OK;
}

static enum ward_code admit(struct ward_call *c, const AppendRequest *req,
                            struct audit_raw *raws)
{
    size_t together = 0;

    for (size_t i = 0; i < req->n_events; i++) {
        const Event *e = req->events[i];
        size_t n = protobuf_c_message_get_packed_size(&e->base);
        uint8_t *bytes = ward_alloc(c->mem, n);
        enum ward_code code;

        if (bytes == NULL)
            return WARD_FAIL(c->err, RESOURCE_EXHAUSTED,
                             "the call needs more memory than permitted");
        protobuf_c_message_pack(&e->base, bytes);
        code = event_admit(e, bytes, n, c->peer, c->mem, &raws[i], c->err);
        if (code == WARD_INVALID_ARGUMENT)
            return about(c->err, i);
        WARD_TRY(code);
        together += n;
        if (together > TOGETHER)
            return WARD_FAIL_FIELD(c->err, "events", "must have at most 1 MiB in total");
    }
    return ids_differ(c, req);
}

static enum ward_code append(struct ward_call *c, const AppendRequest *req,
                             AppendResponse *resp)
{
    static const Appended INIT = WARD__AUDIT__V1__APPENDED__INIT;
    struct audit_worker *w = audit_serve(c);
    struct audit_raw *raws;
    struct audit_item *items;

    if (req->n_events < 1 || req->n_events > AUDIT_BATCH)
        return WARD_FAIL_FIELD(c->err, "events", "must be 1 to %d", AUDIT_BATCH);
    raws = ward_alloc(c->mem, req->n_events * sizeof(*raws));
    resp->appended = audit_list(c->mem, sizeof(Appended), req->n_events, &INIT);
    if (raws == NULL || resp->appended == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED,
                         "the call needs more memory than permitted");
    WARD_TRY(admit(c, req, raws));
    WARD_TRY(log_append(w->a, w->db, c->mem, raws, req->n_events, c->deadline_ns, NULL, &items,
                        &resp->size, c->err));
    for (size_t i = 0; i < req->n_events; i++) {
        resp->appended[i]->event_id = req->events[i]->event_id;
        resp->appended[i]->index = items[i].index;
        resp->appended[i]->duplicate = items[i].duplicate;
    }
    resp->n_appended = req->n_events;
    c->audited = true; /* the appended events are its audit events */
    return WARD_OK;
}

enum ward_code audit_append_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    return append(c, (const AppendRequest *)q, (AppendResponse *)r);
}

struct audit_worker *audit_serve(struct ward_call *c)
{
    struct audit_worker *w = c->wrk;

    ward_db_deadline(w->db, c->deadline_ns);
    return w;
}

static bool refusal(enum ward_code code)
{
    return code == WARD_PERMISSION_DENIED || code == WARD_UNAUTHENTICATED;
}

void audit_refused(struct ward_call *c, enum ward_code code)
{
    struct ward_err err = {0};
    struct own o = own_of(c);
    struct audit_worker *w;
    char why[128];

    snprintf(why, sizeof(why), "%s%s%s", ward_code_name(code),
             *c->err->reason == '\0' ? "" : "/", c->err->reason);
    o.outcome = refusal(code) ? WARD__AUDIT__V1__OUTCOME__OUTCOME_REFUSED
                              : WARD__AUDIT__V1__OUTCOME__OUTCOME_FAILURE;
    o.code = why;
    if (*c->err->field != '\0')
        own_detail(&o, "field", c->err->field);
    if (c->wrk == NULL)
        return;
    w = audit_serve(c);
    if (own_append(w->a, w->db, c->mem, &o, c->deadline_ns, NULL, NULL, &err) != WARD_OK)
        ward_log_err(WARD_LOG_ERROR, "the event of a refused call was lost", &err);
}
