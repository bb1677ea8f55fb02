/* BreakGlass: access to a chart in spite of consents, with an alert. */
#include "services/records/access/glass.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <string.h>

typedef Ward__Records__V1__BreakGlassRequest BreakRequest;
typedef Ward__Records__V1__BreakGlassResponse BreakResponse;

struct breaking {
    struct ward_call *c;
    const BreakRequest *req;
    BreakResponse *resp;
    struct ward_event event;
    struct view view;
    struct ward_idem idem;
    uint8_t patient[RECORDS_ID], id[RECORDS_ID];
    char glass[37]; /* the grant's id, as text for the event */
    int64_t until_us;
    bool again;
};

static const char *const REASONS[] = {"",        "emergency", "not_registered",
                                      "consult", "safety",    "other"};
WARD_METRIC_FROM_ZERO(records_glass_broken, WARD_COUNT(REASONS) - 1, REASONS[i + 1], NULL)

static const char *reason_name(Ward__Records__V1__GlassReason reason)
{
    return REASONS[reason];
}

static enum ward_code check(struct breaking *b)
{
    const BreakRequest *q = b->req;
    size_t words = strlen(q->explanation);
    struct worker *w = b->c->wrk;
    int64_t life_s = q->lifetime_s == 0 ? w->rec->cfg.glass_s : q->lifetime_s;

    if ((int)q->reason < 1 || (int)q->reason > 5)
        return WARD_FAIL_FIELD(b->c->err, "reason", "is not a known value");
    if (words < 10 || words > 500)
        return WARD_FAIL_FIELD(b->c->err, "explanation", "must be 10 to 500 bytes");
    if (q->lifetime_s != 0 && (q->lifetime_s < 60 || q->lifetime_s > 3600))
        return WARD_FAIL_FIELD(b->c->err, "lifetime_s", "must be 60 to 3600, or 0");
    b->until_us = b->view.now_us + life_s * 1000000;
    return WARD_OK;
}

static enum ward_code insert(struct breaking *b, struct worker *w, const struct patient *p,
                             struct ward_err *err)
{
    static const char sql[] =
        "INSERT INTO glass (glass_id, patient_id, actor, ward, reason, explanation, from_us,"
        " until_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    struct ward_arena *mem = b->c->mem;
    size_t n = strlen(b->req->explanation) + WARD_SEAL_EXTRA;
    uint8_t *sealed = ward_alloc(mem, n);

    if (sealed == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the explanation");
    WARD_TRY(glass_seal(p, b->id, GLASS_EXPLANATION, b->req->explanation, sealed, err));
    return ward_db_run(w->event_ctx.db, mem, sql,
                       WARD_PARAMS(ward_blob(b->id, RECORDS_ID), ward_blob(p->id, RECORDS_ID),
                                   ward_text(b->view.actor), ward_text(b->view.ward),
                                   ward_int(mem, b->req->reason), ward_blob(sealed, n),
                                   ward_int(mem, b->view.now_us), ward_int(mem, b->until_us)),
                       NULL, err);
}

static enum ward_code break_new(struct breaking *b, struct ward_db *db, struct ward_err *err)
{
    struct worker *w = b->c->wrk;
    enum ward_code code;
    struct patient p;

    WARD_TRY(patient_find(w, b->c->mem, b->patient, true, &p, err));
    if (p.erased)
        return WARD_FAIL_REASON(err, NOT_FOUND, "PATIENT_NOT_FOUND", "no such patient");
    code = insert(b, w, &p, err);
    patient_wipe(&p);
    WARD_TRY(code);
    /* The audit event is written without a view, because BreakGlass itself is not an access
     * under the grant. */
    WARD_TRY(tell(w, &b->event, NULL, b->patient, err));
    WARD_TRY(ward_call_uuid(b->c, b->id, &b->resp->glass_id));
    b->resp->until_us = b->until_us;
    return ward_call_store_answer(b->c, db, &b->idem, &b->resp->base, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct breaking *b = arg;
    ProtobufCMessage *kept;

    WARD_TRY(ward_call_stored_answer(
        b->c, db, &b->idem, &ward__records__v1__break_glass_response__descriptor, &kept, err));
    b->again = kept != NULL;
    if (kept == NULL)
        return break_new(b, db, err);
    *b->resp = *(BreakResponse *)kept;
    memcpy(b->glass, b->resp->glass_id, sizeof(b->glass));
    return tell(b->c->wrk, &b->event, NULL, b->patient, err);
}

static void alarm_of(const char *reason, const char *glass)
{
    ward_metric_add(ward_series_of(&records_glass_broken, reason, NULL, NULL), 1);
    WARD_LOG(WARN, "the glass was broken", WARD_KV("glass", glass), WARD_KV("reason", reason));
}

enum ward_code break_glass_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    struct breaking b = {.c = c, .req = (const BreakRequest *)q, .resp = (BreakResponse *)r};
    struct worker *w = c->wrk;
    char text[37];

    WARD_TRY(ward_call_id(c, "patient_id", b.req->patient_id, b.patient, text));
    ward_event_begin(&b.event, c, &w->event_ctx, text);
    WARD_TRY(view_of(c, USE_READ, &b.view, c->err));
    if (b.view.scope.treated == 0)
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "PURPOSE_NOT_ALLOWED",
                                "break-glass requires the purpose TREAT or ETREAT");
    WARD_TRY(check(&b));
    WARD_TRY(ward_call_idem(c, b.req->idempotency_key, q, &b.idem));
    ward_uuid7(b.id);
    ward_uuid_text(b.id, b.glass);
    ward_event_note(&b.event, "glass", b.glass);
    ward_event_note(&b.event, "reason", reason_name(b.req->reason));
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_db_tx(w->event_ctx.db, in_tx, &b, c->err));
    if (!b.again)
        alarm_of(reason_name(b.req->reason), b.resp->glass_id);
    return WARD_OK;
}
