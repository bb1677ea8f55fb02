#include "services/dosage/order/ordering.h"

#include "common/base/clock.h"
#include "services/dosage/schedule/slots.h"

#include <string.h>

typedef Ward__Dosage__V1__PlaceResponse PlaceResponse;

#define OVERRIDES 100

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an order");
}

/* ---- before the transaction ---- */

/* An order uses the clock of its patient's ward. For a patient without a ward, an order uses
 * the clock of the caller's ward. */
static const char *ward_of(const struct ordering *o)
{
    const Ward__Dosage__V1__Facts *facts = o->chart.facts;
    const char *own = o->call->who->ward;

    if (facts != NULL && rule_is_ward(facts->ward))
        return facts->ward;
    return rule_is_ward(own) ? own : "";
}

static enum ward_code about(struct ordering *o, const char *patient_id)
{
    struct ward_call *c = o->call;
    struct worker *w = c->wrk;

    WARD_TRY(chart_of(c, patient_id, &o->chart));
    ward_event_begin(&o->event, c, &w->event_ctx, o->chart.text);
    o->ward = ward_of(o);
    return WARD_OK;
}

enum ward_code ordering_for(struct ordering *o, struct ward_call *c, const char *patient_id)
{
    uint8_t id[DOSAGE_ID];
    char text[37];

    o->call = c;
    WARD_TRY(api_begin(c, &o->event, NULL));
    WARD_TRY(ward_call_id(c, "patient_id", patient_id, id, text));
    WARD_TRY(api_begin(c, &o->event, text));
    return about(o, text);
}

enum ward_code ordering_of(struct ordering *o, struct ward_call *c, const char *order_id,
                           int expected_version)
{
    struct worker *w = c->wrk;
    enum ward_code code;
    Order *order;

    o->call = c;
    o->expected_version = expected_version;
    WARD_TRY(api_begin(c, &o->event, NULL));
    WARD_TRY(ward_call_id(c, "order_id", order_id, o->id, NULL));
    if (expected_version < 1)
        return WARD_FAIL_FIELD(c->err, "expected_version", "must be 1 or more");
    WARD_TRY(order_find(w, c->mem, o->id, false, &order, c->err));
    WARD_TRY(api_begin(c, &o->event, order->patient_id));
    code = about(o, order->patient_id);
    return order_unseen(code, c->err);
}

enum ward_code ordering_beside(struct ordering *o, Override *const *overrides, size_t n,
                               const char *second_token)
{
    static const char *const ROLES[] = {"physician", "pharmacist", NULL};
    struct ward_call *c = o->call;

    if (n > OVERRIDES)
        return WARD_FAIL_FIELD(c->err, "overrides", "are more than %d", OVERRIDES);
    o->overrides = overrides;
    o->n_overrides = n;
    if (*second_token == '\0')
        return WARD_OK;
    WARD_TRY(second_person(c, second_token, ROLES, &o->second));
    o->has_second = true;
    return WARD_OK;
}

/* ---- stored answers ---- */

/* Stores open findings as positions among the decision's findings, because a rule's name may
 * reveal the drug. */
static enum ward_code open_places(const struct ordering *o, char ***out, struct ward_err *err)
{
    struct ward_arena *mem = o->call->mem;
    char **places = ward_alloc(mem, o->n_open * sizeof(char *));

    if (places == NULL)
        return no_memory(err);
    for (size_t i = 0; i < o->n_open; i++) {
        size_t k = 0;

        while (k < o->decision->n_findings &&
               strcmp(o->decision->findings[k]->rule_id, o->open[i]) != 0)
            k++;
        places[i] = ward_printf(mem, "%zu", k);
        if (places[i] == NULL)
            return no_memory(err);
    }
    *out = places;
    return WARD_OK;
}

static enum ward_code keep(const struct ordering *o, struct ward_db *db, struct ward_err *err)
{
    PlaceResponse kept = WARD__DOSAGE__V1__PLACE_RESPONSE__INIT;
    Order order = WARD__DOSAGE__V1__ORDER__INIT;
    Decision decision = WARD__DOSAGE__V1__DECISION__INIT;

    kept.placed = o->done;
    if (o->order != NULL) {
        order.order_id = o->order->order_id;
        order.version = o->order->version;
        kept.order = &order;
    }
    if (o->decision != NULL) {
        decision.decision_id = o->decision->decision_id;
        kept.decision = &decision;
    }
    WARD_TRY(open_places(o, &kept.open, err));
    kept.n_open = o->n_open;
    return ward_call_store_answer(o->call, db, &o->idem, &kept.base, err);
}

static enum ward_code open_again(struct ordering *o, const PlaceResponse *kept,
                                 struct ward_err *err)
{
    o->open = ward_alloc(o->call->mem, kept->n_open * sizeof(char *));
    if (o->open == NULL)
        return no_memory(err);
    for (size_t i = 0; i < kept->n_open; i++) {
        int64_t k = 0;

        if (o->decision == NULL || !ward_i64(kept->open[i], 0, INT32_MAX, &k) ||
            (size_t)k >= o->decision->n_findings)
            return WARD_FAIL(err, INTERNAL, "a stored answer is invalid");
        o->open[o->n_open++] = o->decision->findings[k]->rule_id;
    }
    return WARD_OK;
}

static enum ward_code again(struct ordering *o, const PlaceResponse *kept, struct ward_db *db,
                            struct ward_err *err)
{
    struct ward_arena *mem = o->call->mem;
    struct worker *w = o->call->wrk;
    struct ward_event event = o->event;
    uint8_t id[DOSAGE_ID];

    o->done = kept->placed;
    if (kept->order != NULL) {
        if (!ward_uuid_parse(kept->order->order_id, id))
            return WARD_FAIL(err, INTERNAL, "a stored answer is invalid");
        WARD_TRY(order_version(w, mem, id, kept->order->version, &o->order, err));
    }
    if (kept->decision != NULL) {
        if (!ward_uuid_parse(kept->decision->decision_id, id))
            return WARD_FAIL(err, INTERNAL, "a stored answer is invalid");
        WARD_TRY(decision_find(w, mem, id, &o->decision, err));
    }
    WARD_TRY(open_again(o, kept, err));
    ward_event_note(&event, "again", "yes");
    return ward_event_write(&event, db, err);
}

/* ---- the transaction ---- */

static enum ward_code tell(const struct ordering *o, struct ward_db *db, struct ward_err *err)
{
    struct ward_event event = o->event;

    ward_event_note(&event, "done", o->done ? "yes" : "no");
    if (o->order != NULL)
        order_note(&event, o->order);
    if (o->decision != NULL) {
        decision_note(&event, o->decision);
        ward_event_note_int(&event, "overrides", (int64_t)o->decision->n_overrides);
        ward_event_note_int(&event, "open", (int64_t)o->n_open);
        if (*o->decision->second_person != '\0')
            ward_event_note(&event, "second", o->decision->second_person);
    }
    return ward_event_write(&event, db, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ordering *o = arg;
    struct ward_call *c = o->call;
    ProtobufCMessage *kept = NULL;
    struct owner owner;

    o->done = false;
    o->order = NULL;
    o->decision = NULL;
    o->n_open = 0;
    WARD_TRY(ward_call_stored_answer(
        c, db, &o->idem, &ward__dosage__v1__place_response__descriptor, &kept, err));
    if (kept != NULL)
        return again(o, (const PlaceResponse *)kept, db, err);
    WARD_TRY(order_gone(owner_lock(c->wrk, c->mem, o->chart.id, &owner, err), err));
    owner_wipe(&owner);
    o->at_us = ward_wall_us();
    WARD_TRY(o->fn(db, o->arg, err));
    WARD_TRY(chart_was_read(o->open, o->n_open, err));
    WARD_TRY(tell(o, db, err));
    return keep(o, db, err);
}

static enum ward_code kept_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ordering *o = arg;
    ProtobufCMessage *kept = NULL;

    o->order = NULL;
    o->decision = NULL;
    o->n_open = 0;
    WARD_TRY(ward_call_stored_answer(
        o->call, db, &o->idem, &ward__dosage__v1__place_response__descriptor, &kept, err));
    if (kept == NULL)
        return WARD_FAIL(err, NOT_FOUND, "no answer is stored"); /* nothing to commit */
    return again(o, (const PlaceResponse *)kept, db, err);
}

enum ward_code ordering_late(struct ordering *o, const char *key, const ProtobufCMessage *req,
                             enum ward_code refused)
{
    struct ward_call *c = o->call;
    struct worker *w = c->wrk;
    const struct ward_err why = *c->err;
    enum ward_code code;

    *c->err = (struct ward_err){0};
    code = ward_call_idem(c, key, req, &o->idem);
    if (code == WARD_OK)
        code = ward_db_tx(w->event_ctx.db, kept_in_tx, o, c->err);
    if (code == WARD_OK || strcmp(c->err->reason, "IDEMPOTENCY_MISMATCH") == 0)
        return code;
    *c->err = why;
    return refused;
}

/* A version conflict must not be retried, but ward_db_tx retries ABORTED. guard therefore
 * replaces ABORTED. */
static enum ward_code guard(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ordering *o = arg;
    enum ward_code code = in_tx(db, o, err);

    o->conflict = code == WARD_ABORTED && strcmp(err->reason, "VERSION_CONFLICT") == 0;
    return o->conflict ? WARD_FAILED_PRECONDITION : code;
}

enum ward_code ordering_run(struct ordering *o, const char *key, const ProtobufCMessage *req,
                            ward_tx_fn *fn, void *arg)
{
    struct ward_call *c = o->call;
    struct worker *w = c->wrk;
    enum ward_code code;

    WARD_TRY(ward_call_idem(c, key, req, &o->idem));
    WARD_TRY(ward_clock(w, c->mem, o->ward, false, &o->clock, c->err));
    o->time_zone = o->clock.name;
    o->fn = fn;
    o->arg = arg;
    code = ward_db_tx(w->event_ctx.db, guard, o, c->err);
    if (code == WARD_FAILED_PRECONDITION && o->conflict) {
        c->err->code = WARD_ABORTED;
        return WARD_ABORTED;
    }
    return code;
}
