/* ReconcileHomeMedicine: the decision at admission about a home medicine. */
#include "common/base/clock.h"
#include "services/dosage/chart/statements.h"
#include "services/dosage/order/home.h"
#include "services/dosage/order/reading.h"

#include <string.h>

typedef Ward__Dosage__V1__ReconcileHomeMedicineRequest Request;
typedef Ward__Dosage__V1__ReconcileHomeMedicineResponse Response;

#define REASON_MOST 500

struct reconciling {
    struct reading r;
    struct ward_idem idem;
    const Request *q;
    uint8_t statement[DOSAGE_ID];
    bool conflict;
    HomeReconciliation *out;
};

static enum ward_code conflict(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, ABORTED, "VERSION_CONFLICT",
                            "expected_version is not the version of the current decision");
}

static enum ward_code changed(struct ward_err *err)
{
    return WARD_FAIL_REASON(
        err, FAILED_PRECONDITION, "HOME_MEDICINE_CHANGED",
        "statement_version is not the newest version; read the statement again");
}

/* ---- before the transaction ---- */

static enum ward_code check_fields(struct reconciling *s)
{
    const enum home_decision d = (enum home_decision)s->q->decision;
    struct ward_call *c = s->r.call;
    const Request *q = s->q;
    uint8_t order[DOSAGE_ID];

    WARD_TRY(ward_call_id(c, "statement_id", q->statement_id, s->statement, NULL));
    if (q->statement_version < 1)
        return WARD_FAIL_FIELD(c->err, "statement_version", "must be 1 or more");
    if (q->expected_version < 0)
        return WARD_FAIL_FIELD(c->err, "expected_version", "must be 0 or more");
    if (d <= HOME_NONE || d >= HOME_DECISIONS)
        return WARD_FAIL_FIELD(c->err, "decision", "must be CONTINUE, CHANGE, STOP or HOLD");
    if (strlen(q->reason) > REASON_MOST)
        return WARD_FAIL_FIELD(c->err, "reason", "has more than %d bytes", REASON_MOST);
    if (rule_home_needs_reason(d) && q->reason[strspn(q->reason, " \t\r\n")] == '\0')
        return WARD_FAIL_FIELD(c->err, "reason", "is required for CHANGE, STOP and HOLD");
    if (*q->order_id == '\0')
        return WARD_OK;
    if (!rule_home_has_order(d))
        return WARD_FAIL_FIELD(c->err, "order_id", "is only for CONTINUE and CHANGE");
    return ward_call_id(c, "order_id", q->order_id, order, NULL);
}

/* Reads the statement from records, because the cached chart may be one second old. */
static enum ward_code check_statement(struct reconciling *s)
{
    struct ward_call *c = s->r.call;
    struct statement now;

    WARD_TRY(statement_find(c, &s->r.chart, s->statement, &now));
    if (now.medicine->record_version != s->q->statement_version)
        return changed(c->err);
    if (!now.taken)
        return WARD_FAIL_REASON(
            c->err, FAILED_PRECONDITION, "HOME_MEDICINE_ENDED",
            "according to the statement, the patient does not take the medicine");
    return WARD_OK;
}

/* ---- in the transaction ---- */

/* Compares the expected version with this patient's current decision. *number: the version to
 * write. After an unmerge, a row may belong to another patient: its decision does not count,
 * but its version is not reused. */
static enum ward_code next_version(struct reconciling *s, int *number, struct ward_err *err)
{
    struct worker *w = s->r.call->wrk;
    const Request *q = s->q;
    struct home_row *rows;
    int current = 0;
    size_t n;

    *number = 1;
    WARD_TRY(home_newest(w, s->r.call->mem, (const uint8_t(*)[DOSAGE_ID])s->statement, 1, &rows,
                         &n, err));
    if (n > 0 && rows[0].msg->statement_version > q->statement_version)
        return changed(err);
    if (n > 0 && rows[0].msg->statement_version == q->statement_version) {
        *number = rows[0].msg->version + 1;
        if (memcmp(rows[0].root, s->r.chart.id, DOSAGE_ID) == 0)
            current = rows[0].msg->version;
    }
    return current == q->expected_version ? WARD_OK : conflict(err);
}

static enum ward_code check_order(struct reconciling *s, struct ward_err *err)
{
    struct ward_call *c = s->r.call;
    uint8_t id[DOSAGE_ID], patient[DOSAGE_ID], (*owners)[DOSAGE_ID];
    bool theirs = false;
    Order *order;
    size_t n;

    if (!ward_uuid_parse(s->q->order_id, id))
        return WARD_OK; /* no order id was given */
    WARD_TRY(order_find(c->wrk, c->mem, id, false, &order, err));
    WARD_TRY(owners_of(c->wrk, c->mem, s->r.chart.id, &owners, &n, err));
    for (size_t i = 0; i < n && ward_uuid_parse(order->patient_id, patient); i++)
        theirs = theirs || memcmp(owners[i], patient, DOSAGE_ID) == 0;
    if (!theirs)
        return WARD_FAIL_REASON(err, NOT_FOUND, "ORDER_NOT_FOUND", "no such order");
    if ((enum order_state)order->state != ORDER_ACTIVE &&
        (enum order_state)order->state != ORDER_ON_HOLD)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ORDER_STATE",
                                "the order is not ACTIVE or ON_HOLD");
    return WARD_OK;
}

static enum ward_code make(struct reconciling *s, int number, struct ward_err *err)
{
    HomeReconciliation *h = ward_new(s->r.call->mem, HomeReconciliation);
    struct ward_call *c = s->r.call;
    const Request *q = s->q;
    uint8_t order[DOSAGE_ID];
    char *order_id = NULL;

    if (h == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a decision");
    ward__dosage__v1__home_reconciliation__init(h);
    WARD_TRY(ward_call_uuid(c, s->statement, &h->statement_id));
    WARD_TRY(ward_call_copy(c, s->r.event.event_text, &h->event_id));
    if (ward_uuid_parse(q->order_id, order)) {
        WARD_TRY(ward_call_uuid(c, order, &order_id));
        h->order_id = order_id;
    }
    h->statement_version = q->statement_version;
    h->version = number;
    h->decision = q->decision;
    h->reason = q->reason;
    h->decided_by = api_text(c->who->subject);
    h->decided_at_us = ward_wall_us();
    s->out = h;
    return WARD_OK;
}

static const char *const WORDS[] = {"none", "continue", "change", "stop", "hold"};
WARD_METRIC_FROM_ZERO(dosage_home_decisions, WARD_COUNT(WORDS) - 1, WORDS[i + 1], NULL)

static const char *word(const HomeReconciliation *h)
{
    return WORDS[(size_t)h->decision < WARD_COUNT(WORDS) ? (size_t)h->decision : 0];
}

static enum ward_code tell(struct reconciling *s, bool again, struct ward_db *db,
                           struct ward_err *err)
{
    struct ward_event event = s->r.event;

    if (again)
        ward_event_note(&event, "again", "yes");
    ward_event_note(&event, "statement", s->out->statement_id);
    ward_event_note_int(&event, "statement_version", s->out->statement_version);
    ward_event_note_int(&event, "version", s->out->version);
    ward_event_note(&event, "decided", word(s->out));
    if (*s->out->order_id != '\0')
        ward_event_note(&event, "order", s->out->order_id);
    return ward_event_write(&event, db, err);
}

static void count(void *decision)
{
    ward_metric_add(ward_series_of(&dosage_home_decisions, decision, NULL, NULL), 1);
}

/* A stored answer names the decision and contains no patient data. */
static enum ward_code keep(struct reconciling *s, struct ward_db *db, struct ward_err *err)
{
    HomeReconciliation h = WARD__DOSAGE__V1__HOME_RECONCILIATION__INIT;
    Response kept = WARD__DOSAGE__V1__RECONCILE_HOME_MEDICINE_RESPONSE__INIT;

    h.statement_id = s->out->statement_id;
    h.statement_version = s->out->statement_version;
    h.version = s->out->version;
    kept.reconciliation = &h;
    return ward_call_store_answer(s->r.call, db, &s->idem, &kept.base, err);
}

static enum ward_code again(struct reconciling *s, const Response *kept, struct ward_db *db,
                            struct ward_err *err)
{
    const HomeReconciliation *h = kept->reconciliation;
    struct ward_call *c = s->r.call;
    HomeReconciliation **one;
    uint8_t id[DOSAGE_ID];
    size_t n = 0;

    if (h == NULL || !ward_uuid_parse(h->statement_id, id))
        return WARD_FAIL(err, INTERNAL, "a stored answer is invalid");
    WARD_TRY(home_versions(c->wrk, c->mem,
                           &(struct home_key){.id = id,
                                              .statement_version = h->statement_version,
                                              .version = h->version},
                           1, &one, &n, err));
    if (n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "PATIENT_NOT_FOUND", "no such patient");
    s->out = one[0];
    return tell(s, true, db, err);
}

static enum ward_code decide_in_tx(struct reconciling *s, struct ward_db *db,
                                   const struct owner *owner, struct ward_err *err)
{
    struct ward_call *c = s->r.call;
    int number;

    WARD_TRY(next_version(s, &number, err));
    WARD_TRY(check_order(s, err));
    WARD_TRY(make(s, number, err));
    WARD_TRY(home_write(c->wrk, c->mem, owner, s->out, err));
    WARD_TRY(tell(s, false, db, err));
    ward_db_after_commit(db, count, api_text(word(s->out)));
    return keep(s, db, err);
}

/* The patient's lock serializes concurrent decisions about one statement. */
static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct reconciling *s = arg;
    struct ward_call *c = s->r.call;
    ProtobufCMessage *kept = NULL;
    struct owner owner;
    enum ward_code code;

    WARD_TRY(ward_call_stored_answer(
        c, db, &s->idem, &ward__dosage__v1__reconcile_home_medicine_response__descriptor, &kept,
        err));
    if (kept != NULL)
        return again(s, (const Response *)kept, db, err);
    WARD_TRY(order_gone(owner_lock(c->wrk, c->mem, s->r.chart.id, &owner, err), err));
    code = decide_in_tx(s, db, &owner, err);
    owner_wipe(&owner);
    return code;
}

/* A version conflict must not be retried, but ward_db_tx retries ABORTED. guard therefore
 * replaces ABORTED. */
static enum ward_code guard(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct reconciling *s = arg;
    enum ward_code code = in_tx(db, s, err);

    s->conflict = code == WARD_ABORTED && strcmp(err->reason, "VERSION_CONFLICT") == 0;
    return s->conflict ? WARD_FAILED_PRECONDITION : code;
}

static enum ward_code kept_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct reconciling *s = arg;
    ProtobufCMessage *kept = NULL;

    WARD_TRY(ward_call_stored_answer(
        s->r.call, db, &s->idem,
        &ward__dosage__v1__reconcile_home_medicine_response__descriptor, &kept, err));
    if (kept == NULL)
        return WARD_FAIL(err, NOT_FOUND, "no answer is stored"); /* nothing to commit */
    return again(s, (const Response *)kept, db, err);
}

/* ---- the call ---- */

/* The request was refused, or records is unavailable. If an earlier call with this key has
 * succeeded, its answer is returned. */
static enum ward_code late(struct reconciling *s, enum ward_code refused)
{
    struct ward_call *c = s->r.call;
    struct worker *w = c->wrk;
    const struct ward_err why = *c->err;
    enum ward_code code;

    *c->err = (struct ward_err){0};
    code = ward_db_tx(w->event_ctx.db, kept_in_tx, s, c->err);
    if (code == WARD_OK || strcmp(c->err->reason, "IDEMPOTENCY_MISMATCH") == 0)
        return code;
    *c->err = why;
    return refused;
}

static enum ward_code reconcile_home(struct ward_call *c, const Request *q, Response *resp)
{
    struct reconciling s = {.q = q};
    struct worker *w = c->wrk;
    enum ward_code code;

    WARD_TRY(reading_of(&s.r, c, q->patient_id));
    WARD_TRY(check_fields(&s));
    WARD_TRY(ward_call_idem(c, q->idempotency_key, &q->base, &s.idem));
    code = check_statement(&s);
    code = code == WARD_OK ? ward_db_tx(w->event_ctx.db, guard, &s, c->err) : late(&s, code);
    if (code == WARD_FAILED_PRECONDITION && s.conflict) {
        c->err->code = WARD_ABORTED;
        return WARD_ABORTED;
    }
    WARD_TRY(code);
    resp->reconciliation = s.out;
    return WARD_OK;
}

enum ward_code reconcile_home_medicine_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                           ProtobufCMessage *r)
{
    return reconcile_home(c, (const Request *)q, (Response *)r);
}
