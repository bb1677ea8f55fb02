#include "services/identity/act.h"

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
    return (char *)(uintptr_t)s; /* protobuf-c has no const; events are only read */
}

void act_begin(struct act *a, struct ward_call *call, const char *subject)
{
    struct worker *w = call->wrk;

    *a = (struct act){.call = call, .subject = subject == NULL ? "" : subject, .place = ""};
    ward_uuid7(a->event_id);
    ward_uuid_text(a->event_id, a->event_text);
    snprintf(w->span, sizeof(w->span), "%s", call->traceparent);
    snprintf(w->subject, sizeof(w->subject), "%s", a->subject);
}

void act_own(struct act *a, struct ward_call *own, struct worker *w, struct ward_arena *mem,
             const struct ward_method_info *what, const char *subject)
{
    *own = (struct ward_call){.mem = mem,
                              .wrk = w,
                              .svc = w->id,
                              .method = what,
                              .peer = IDENTITY_NAME,
                              .deadline_ns = WARD_NO_DEADLINE};
    act_begin(a, own, subject);
}

void act_note(struct act *a, const char *key, const char *value)
{
    WARD_ASSERT(a->n < ACT_DETAILS);
    a->detail[a->n].key = key;
    a->detail[a->n++].value = value;
}

void act_note_num(struct act *a, const char *key, double value)
{
    const char *s = ward_printf(a->call->mem, "%.4f", value);

    act_note(a, key, s == NULL ? "" : s);
}

void act_note_int(struct act *a, const char *key, int64_t value)
{
    const char *s = ward_printf(a->call->mem, "%lld", (long long)value);

    act_note(a, key, s == NULL ? "" : s);
}

static enum ward_code fill_details(const struct act *a, Event *e, struct ward_err *err)
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

static enum ward_code put(const struct act *a, struct ward_db *db, Ward__Audit__V1__Outcome how,
                          const char *code, struct ward_err *err)
{
    struct ward_call *c = a->call;
    Event e = WARD__AUDIT__V1__EVENT__INIT;
    uint8_t *bytes;
    size_t n;

    e.event_id.data = (uint8_t *)(uintptr_t)a->event_id;
    e.event_id.len = sizeof(a->event_id);
    e.occurred_at_us = ward_wall_us();
    e.service = given(IDENTITY_NAME);
    e.action = given(c->method->path);
    e.outcome = how;
    e.code = given(code);
    e.actor = given(c->who == NULL ? "" : c->who->subject);
    e.peer = given(c->peer);
    e.patient = given(a->subject);
    e.purpose = given(c->who == NULL ? "" : c->who->purpose);
    e.place = given(a->place);
    e.trace_id = given(c->trace_id);
    WARD_TRY(fill_details(a, &e, err));
    n = ward__audit__v1__event__get_packed_size(&e);
    bytes = ward_alloc(c->mem, n);
    if (bytes == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit event");
    ward__audit__v1__event__pack(&e, bytes);
    return ward_outbox_add(db, c->mem, a->event_id, bytes, n, &c->audited, err);
}

enum ward_code act_write(struct act *a, struct ward_db *db, struct ward_err *err)
{
    return put(a, db, WARD__AUDIT__V1__OUTCOME__OUTCOME_SUCCESS, "", err);
}

struct refusal {
    struct act act;
    Ward__Audit__V1__Outcome how;
    char code[96];
};

static enum ward_code refuse_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct refusal *r = arg;

    return put(&r->act, db, r->how, r->code, err);
}

void act_refused(struct ward_call *call, enum ward_code code)
{
    struct worker *w = call->wrk;
    struct refusal r = {.how = WARD__AUDIT__V1__OUTCOME__OUTCOME_FAILURE};
    bool known = strcmp(w->span, call->traceparent) == 0;
    struct ward_err err = {0};

    if (code == WARD_PERMISSION_DENIED || code == WARD_UNAUTHENTICATED)
        r.how = WARD__AUDIT__V1__OUTCOME__OUTCOME_REFUSED;
    snprintf(r.code, sizeof(r.code), "%s%s%s", ward_code_name(code),
             *call->err->reason == '\0' ? "" : "/", call->err->reason);
    act_begin(&r.act, call, known ? ward_strdup(call->mem, w->subject) : NULL);
    ward_db_deadline(w->db, call->deadline_ns);
    if (ward_db_tx(w->db, refuse_in_tx, &r, &err) != WARD_OK)
        ward_log_err(WARD_LOG_ERROR, "audit event of a failed call lost", &err);
}
