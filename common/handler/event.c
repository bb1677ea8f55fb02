#include "common/handler/event.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/db/outbox.h"
#include "ward/audit/v1/event.pb-c.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Audit__V1__Event Event;
typedef Ward__Audit__V1__Event__DetailEntry Detail;

static char *given(const char *s)
{
    return (char *)(uintptr_t)s; /* protobuf-c has no const; the events are only read */
}

static void name(struct ward_event *a)
{
    ward_uuid7(a->event_id);
    ward_uuid_text(a->event_id, a->event_text);
}

void ward_event_begin(struct ward_event *a, struct ward_call *call,
                      struct ward_event_ctx *event_ctx, const char *patient)
{
    *a = (struct ward_event){.call = call,
                             .event_ctx = event_ctx,
                             .patient = patient == NULL ? "" : patient,
                             .place = ""};
    name(a);
    snprintf(event_ctx->span, sizeof(event_ctx->span), "%s", call->traceparent);
    snprintf(event_ctx->patient, sizeof(event_ctx->patient), "%s", a->patient);
}

void ward_event_another(const struct ward_event *first, const char *patient,
                        struct ward_event *out)
{
    *out = *first;
    out->patient = patient == NULL ? "" : patient;
    name(out);
}

void ward_event_by_service(struct ward_event *a, struct ward_call *own,
                           struct ward_event_ctx *event_ctx, struct ward_arena *mem,
                           const struct ward_method_info *what, const char *patient)
{
    *own = (struct ward_call){.mem = mem,
                              .method = what,
                              .peer = event_ctx->service,
                              .deadline_ns = WARD_NO_DEADLINE};
    ward_event_begin(a, own, event_ctx, patient);
}

void ward_event_note(struct ward_event *a, const char *key, const char *value)
{
    WARD_ASSERT(a->n < WARD_EVENT_DETAILS);
    a->detail[a->n].key = key;
    a->detail[a->n++].value = value;
}

void ward_event_note_num(struct ward_event *a, const char *key, double value)
{
    const char *s = ward_printf(a->call->mem, "%.4f", value);

    ward_event_note(a, key, s == NULL ? "" : s);
}

void ward_event_note_int(struct ward_event *a, const char *key, int64_t value)
{
    const char *s = ward_printf(a->call->mem, "%lld", (long long)value);

    ward_event_note(a, key, s == NULL ? "" : s);
}

static enum ward_code fill_details(const struct ward_event *a, Event *e, struct ward_err *err)
{
    struct ward_arena *mem = a->call->mem;
    Detail *d = ward_alloc(mem, (size_t)a->n * sizeof(*d));

    e->detail = ward_alloc(mem, (size_t)a->n * sizeof(Detail *));
    if (d == NULL || e->detail == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit event");
    for (int i = 0; i < a->n; i++) {
        ward__audit__v1__event__detail_entry__init(&d[i]);
        d[i].key = given(a->detail[i].key);
        d[i].value = given(a->detail[i].value);
        e->detail[i] = &d[i];
    }
    e->n_detail = (size_t)a->n;
    return WARD_OK;
}

static enum ward_code pack(const struct ward_event *a, Ward__Audit__V1__Outcome how,
                           const char *code, struct ward_outbox_item *out, struct ward_err *err)
{
    struct ward_call *c = a->call;
    Event e = WARD__AUDIT__V1__EVENT__INIT;
    uint8_t *bytes;

    e.event_id = given(a->event_text);
    e.occurred_at_us = ward_wall_us();
    e.service = given(a->event_ctx->service);
    e.action = given(c->method->path);
    e.outcome = how;
    e.code = given(code);
    e.actor = given(c->who == NULL ? "" : c->who->subject);
    e.peer = given(c->peer);
    e.patient = given(a->patient);
    e.purpose = given(c->who == NULL ? "" : c->who->purpose);
    e.place = given(a->place);
    e.trace_id = given(c->trace_id);
    WARD_TRY(fill_details(a, &e, err));
    out->n = ward__audit__v1__event__get_packed_size(&e);
    bytes = ward_alloc(c->mem, out->n);
    if (bytes == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit event");
    ward__audit__v1__event__pack(&e, bytes);
    out->event = bytes;
    memcpy(out->event_id, a->event_id, sizeof(out->event_id));
    return WARD_OK;
}

static enum ward_code put(const struct ward_event *a, struct ward_db *db,
                          Ward__Audit__V1__Outcome how, const char *code, struct ward_err *err)
{
    struct ward_outbox_item item;

    WARD_TRY(pack(a, how, code, &item, err));
    return ward_outbox_add(db, a->call->mem, item.event_id, item.event, item.n,
                           &a->call->audited, err);
}

enum ward_code ward_event_write(struct ward_event *a, struct ward_db *db, struct ward_err *err)
{
    return put(a, db, WARD__AUDIT__V1__OUTCOME__OUTCOME_SUCCESS, "", err);
}

enum ward_code ward_event_pack(const struct ward_event *a, struct ward_outbox_item *out,
                               struct ward_err *err)
{
    return pack(a, WARD__AUDIT__V1__OUTCOME__OUTCOME_SUCCESS, "", out, err);
}

enum ward_code ward_event_write_many(struct ward_event *events, size_t n, struct ward_db *db,
                                     struct ward_err *err)
{
    struct ward_outbox_item *items;
    struct ward_call *c;

    if (n == 0)
        return WARD_OK;
    c = events[0].call;
    items = ward_alloc(c->mem, n * sizeof(*items));
    if (items == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit events");
    for (size_t i = 0; i < n; i++)
        WARD_TRY(
            pack(&events[i], WARD__AUDIT__V1__OUTCOME__OUTCOME_SUCCESS, "", &items[i], err));
    return ward_outbox_add_many(db, c->mem, items, n, &c->audited, err);
}

struct refusal {
    struct ward_event event;
    Ward__Audit__V1__Outcome how;
    char code[96];
};

static enum ward_code refuse_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct refusal *r = arg;

    return put(&r->event, db, r->how, r->code, err);
}

void ward_event_failed(struct ward_call *call, struct ward_event_ctx *event_ctx,
                       enum ward_code code)
{
    struct refusal r = {.how = WARD__AUDIT__V1__OUTCOME__OUTCOME_FAILURE};
    bool known = strcmp(event_ctx->span, call->traceparent) == 0;
    struct ward_err err = {0};

    if (code == WARD_PERMISSION_DENIED || code == WARD_UNAUTHENTICATED)
        r.how = WARD__AUDIT__V1__OUTCOME__OUTCOME_REFUSED;
    snprintf(r.code, sizeof(r.code), "%s%s%s", ward_code_name(code),
             *call->err->reason == '\0' ? "" : "/", call->err->reason);
    ward_event_begin(&r.event, call, event_ctx,
                     known ? ward_strdup(call->mem, event_ctx->patient) : NULL);
    ward_db_deadline(event_ctx->db, call->deadline_ns);
    if (ward_db_tx(event_ctx->db, refuse_in_tx, &r, &err) != WARD_OK)
        ward_log_err(WARD_LOG_ERROR, "audit event of a failed call lost", &err);
}
