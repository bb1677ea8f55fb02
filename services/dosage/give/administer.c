/* Administer: checks the dose, redeems the token, then writes in one transaction. If the call
 * is interrupted between the last two steps, the token is redeemed and nothing is recorded. A
 * repeated call redeems the token again with an equal key, and identity returns its first
 * answer. */
#include "services/dosage/give/judge.h"

#include <string.h>

/* ---- checks of the request alone ---- */

static enum ward_code shape_of_given(struct giving *g)
{
    const AdministerRequest *q = g->q;
    struct ward_err *err = g->v.c->err;

    WARD_TRY(visit_token(&g->v, q->ppid_token));
    if (g->v.w->dos->cfg.place_needed && *q->place == '\0')
        return WARD_FAIL_FIELD(err, "place",
                               "is missing: set the place where the patient was verified");
    if (*q->scan == '\0' && *q->not_scanned_reason == '\0')
        return WARD_FAIL_FIELD(err, "scan", "is missing; send it, or not_scanned_reason");
    WARD_TRY(visit_route(&g->v, (int)q->route));
    return visit_amount(&g->v, "dose", q->dose);
}

/* Late charting needs a reason; charting in time accepts no reason. */
static enum ward_code shape_of_time(struct giving *g)
{
    const AdministerRequest *q = g->q;
    const struct dosage *dos = g->v.w->dos;
    struct ward_err *err = g->v.c->err;
    int64_t now = g->v.now_us;
    int64_t since = g->given ? token_issued_us(&g->v, q->ppid_token) : now;

    if (*q->charted_late_reason == '\0')
        return visit_given(&g->v, q->given_at_us, since);
    if (q->given_at_us == 0 || rule_given_at(q->given_at_us, now, since))
        return WARD_FAIL_FIELD(err, "charted_late_reason",
                               "is only for a dose that was given more than 15 minutes ago");
    if (!rule_given_late(q->given_at_us, now, since, dos->cfg.late_charting_min))
        return WARD_FAIL_FIELD(err, "given_at_us",
                               "must be within the last %d minutes and not in the future",
                               dos->cfg.late_charting_min);
    return WARD_OK;
}

static enum ward_code shape(struct giving *g)
{
    const AdministerRequest *q = g->q;
    struct ward_err *err = g->v.c->err;

    WARD_TRY(ward_call_id(g->v.c, "order_id", q->order_id, g->order_id, NULL));
    if (q->outcome < OUTCOME(GIVEN) || q->outcome > OUTCOME(WASTED))
        return WARD_FAIL_FIELD(err, "outcome", "is missing or unknown");
    g->given = q->outcome == OUTCOME(GIVEN) || q->outcome == OUTCOME(PARTIAL);
    if ((q->outcome == OUTCOME(GIVEN)) != (*q->reason_code == '\0'))
        return WARD_FAIL_FIELD(
            err, "reason_code",
            "is required for every outcome except GIVEN, and must be empty for GIVEN");
    WARD_TRY(visit_label(&g->v, "place", q->place, 64));
    WARD_TRY(visit_label(&g->v, "device", q->device, 128));
    WARD_TRY(shape_of_time(g));
    if (q->wasted != NULL)
        WARD_TRY(visit_amount(&g->v, "wasted", q->wasted));
    if (*q->confirmed_by != '\0' && (!g->given || q->n_overrides == 0))
        return WARD_FAIL_FIELD(err, "confirmed_by",
                               "is only for a dose that is given despite a finding");
    return g->given ? shape_of_given(g) : WARD_OK;
}

/* ---- the written dose ---- */

static int interval_of(const Prescription *p)
{
    int per_day, apart;

    timing_density(p, &per_day, &apart);
    return apart == INT32_MAX ? 0 : apart;
}

static enum ward_code fill(struct giving *g, Dose *d, struct ward_err *err)
{
    const AdministerRequest *q = g->q;
    const Prescription *p = g->order->prescription;
    bool known = g->hand.product != NULL;
    char slot[SLOT_ID_SIZE] = "";

    if (g->due_us >= 0)
        slot_id_print(g->order->order_id, g->due_us, slot);
    d->slot_id = ward_strdup(g->v.c->mem, slot);
    if (d->slot_id == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a dose");
    d->order_id = g->order->order_id;
    d->order_version = g->order->version;
    d->outcome = q->outcome;
    d->drug_id = known ? g->hand.drug->id : p->drug_id;
    d->product_id = known ? g->hand.product->id : p->product_id;
    d->dose = g->given ? q->dose : NULL;
    d->wasted = q->wasted;
    d->route = g->given ? q->route : WARD__DOSAGE__V1__ROUTE__ROUTE_UNSPECIFIED;
    d->given_at_us = g->given_us;
    d->recorded_at_us = g->v.now_us;
    d->second_person = api_text(g->has_second ? g->second.subject : "");
    d->n_rights = RIGHTS;
    d->rights = g->rights.at;
    d->scanned = g->hand.scanned;
    d->n_more_scanned = g->hand.n_more;
    d->more_scanned = ward_alloc(g->v.c->mem, g->hand.n_more * sizeof(Scanned *));
    if (d->more_scanned == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a dose");
    for (size_t i = 0; i < g->hand.n_more; i++)
        d->more_scanned[i] = g->hand.more[i].scanned;
    d->reason_code = q->reason_code;
    d->charted_late_reason = q->charted_late_reason;
    d->token_id = api_text(g->given ? g->token.id : "");
    d->method = api_text(g->given ? g->token.method : "");
    d->place = api_text(g->given ? g->token.place : q->place);
    d->device = q->device;
    d->interval_minutes = interval_of(p);
    d->decision_id = g->decision == NULL ? api_text("") : g->decision->decision_id;
    return cosignature_of(g, d, err);
}

static void note(struct giving *g, struct ward_event *event, const AdministerResponse *r)
{
    const char *failed = "";

    ward_event_note(event, "order", g->q->order_id);
    if (r->administration != NULL)
        ward_event_note(event, "administration", r->administration->administration_id);
    if (r->decision != NULL)
        ward_event_note(event, "decision", r->decision->decision_id);
    ward_event_note(event, "recorded", r->recorded ? "yes" : "no");
    ward_event_note_int(event, "outcome", g->q->outcome);
    ward_event_note_int(event, "open", (int64_t)g->n_open);
    for (int i = RIGHTS - 1; i >= 0; i--)
        if (g->rights.at[i]->result == RESULT(FAIL))
            failed = right_name(i + 1);
    ward_event_note(event, "right", failed);
    if (g->has_second)
        ward_event_note(event, "second_person", g->second.subject);
    if (*g->q->confirmed_by != '\0')
        ward_event_note(event, "confirmed_by", g->q->confirmed_by);
    if (*g->token.id != '\0')
        ward_event_note(event, "token", g->token.id);
}

static enum ward_code finish(struct giving *g, AdministerResponse *r, struct ward_err *err)
{
    struct ward_event event = g->v.event;

    r->n_rights = RIGHTS;
    r->rights = g->rights.at;
    r->n_open = g->n_open;
    r->open = g->open;
    event.place = g->given ? g->token.place : g->q->place;
    note(g, &event, r);
    WARD_TRY(ward_event_write(&event, g->v.w->event_ctx.db, err));
    return g->locked ? answer_keep_for(&g->v, g->owner, r, err)
                     : answer_keep(&g->v, g->order->patient_id, r, err);
}

static enum ward_code keep_decision(struct giving *g, struct ward_err *err)
{
    struct ward_arena *mem = g->v.c->mem;

    return g->locked ? decision_keep_for(g->v.w, mem, g->looked.me, g->decision, g->n_open, err)
                     : decision_keep(g->v.w, mem, g->decision, g->n_open, err);
}

/* No dose is recorded. If findings are the cause, the decision is stored. A refusal is not
 * stored if the chart was not read, for example because the caller disconnected. */
static enum ward_code refuse(struct giving *g, AdministerResponse *r, struct ward_err *err)
{
    if (ward_call_cancelled(g->v.c))
        return WARD_FAIL(err, CANCELLED, "the caller disconnected");
    if (!rights_failed(&g->rights))
        WARD_TRY(chart_was_read(g->open, g->n_open, err));
    if (g->n_open > 0) {
        WARD_TRY(keep_decision(g, err));
        r->decision = g->decision;
    }
    if (g->given && g->token.is != TOKEN_GOOD)
        WARD_TRY(token_misuse(&g->v, &g->v.event, g->order->ward, g->token.place,
                              token_misuse_of(g->token.is), err));
    count_failed(&g->v, &g->rights);
    return finish(g, r, err);
}

static enum ward_code record(struct giving *g, AdministerResponse *r, struct ward_err *err)
{
    struct dose_write what = {.owner = g->owner,
                              .ward = g->order->ward,
                              .due_us = g->due_us,
                              .instead_of = g->rest.instead_of,
                              .take_slot = g->due_us >= 0};

    if (g->has_second)
        WARD_TRY(witness_use(g->v.c, &g->v.idem, &g->second, err));
    WARD_TRY(visit_dose(&g->v, g->order->patient_id, &what.dose, err));
    WARD_TRY(fill(g, what.dose, err));
    WARD_TRY(dose_write(g->v.w, g->v.c->mem, &what, err));
    WARD_TRY(cosignature_ask(g->v.w, g->v.c->mem, what.dose, err));
    if (g->decision != NULL)
        WARD_TRY(keep_decision(g, err));
    r->recorded = true;
    r->administration = what.dose;
    r->decision = g->decision;
    count_dose(&g->v, what.dose);
    return finish(g, r, err);
}

/* ---- the transaction ---- */

struct settling {
    struct giving *g;
    AdministerResponse *r;
};

static void patient_right(struct giving *g)
{
    const struct token *t = &g->token;
    struct ward_arena *mem = g->v.c->mem;

    if (t->is == TOKEN_FOREIGN)
        rights_say(&g->rights, RIGHT(PATIENT), RESULT(FAIL), "another-patient",
                   "ppid of another patient");
    else if (t->is == TOKEN_ELSEWHERE)
        rights_say(&g->rights, RIGHT(PATIENT), RESULT(FAIL), "another-place",
                   ward_printf(mem, "ppid %s of %s", t->place, g->q->place));
    else if (*t->id != '\0')
        rights_say(&g->rights, RIGHT(PATIENT), RESULT(PASS), g->q->charted_late_reason,
                   ward_printf(mem, "ppid %s %.2f %s", t->method, t->score, t->place));
}

static enum ward_code settle(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct settling *s = arg;
    struct giving *g = s->g;
    AdministerResponse *kept = NULL;

    (void)db;
    ward__dosage__v1__administer_response__init(s->r);
    WARD_TRY(answer_again(&g->v, &kept, err));
    if (kept != NULL) {
        *s->r = *kept;
        return WARD_OK;
    }
    WARD_TRY(judge_locked(g, err));
    patient_right(g);
    return judge_refuses(g) ? refuse(g, s->r, err) : record(g, s->r, err);
}

/* ---- the call ---- */

/* Compares the patient named by the token, even if other checks failed. The token is then not
 * redeemed, but a token of another patient is the most important error. */
static enum ward_code verify(struct giving *g)
{
    struct token_ask ask = {.token = g->q->ppid_token, .place = g->q->place};

    ask.owners = ward_alloc(g->v.c->mem, g->looked.n_owners * DOSAGE_ID);
    if (ask.owners == NULL)
        return WARD_FAIL(g->v.c->err, RESOURCE_EXHAUSTED, "no memory for the token");
    for (; ask.n_owners < g->looked.n_owners; ask.n_owners++)
        memcpy(ask.owners[ask.n_owners], g->looked.owners[ask.n_owners].id, DOSAGE_ID);
    if (judge_refuses(g) && token_is_of(&g->v, &ask))
        return WARD_OK;
    WARD_TRY(token_spend(&g->v, &ask, &g->token));
    patient_right(g);
    return WARD_OK;
}

static const char *ward_of(const struct giving *g)
{
    return g->v.chart.facts == NULL ? "" : g->v.chart.facts->ward;
}

static enum ward_code prepare(struct giving *g)
{
    struct ward_call *c = g->v.c;

    WARD_TRY(shape(g));
    WARD_TRY(visit_chart(&g->v, g->q->patient_id));
    g->has_second = *g->q->second_person_token != '\0';
    if (g->has_second)
        WARD_TRY(witness(c, &g->v.idem, g->q->second_person_token, ward_of(g), &g->second));
    WARD_TRY(judge(g, c->err));
    return g->given ? verify(g) : WARD_OK;
}

/* The call failed. If an earlier call with this key has succeeded, its answer is returned. */
static enum ward_code failed(struct giving *g, AdministerResponse *r, enum ward_code code)
{
    struct answer_late l = {.v = &g->v, .place = g->token.place, .token = g->q->ppid_token};

    if (code == WARD_ALREADY_EXISTS && strcmp(g->v.c->err->reason, "PPID_SPENT") == 0) {
        l.misuse = "spent";
        l.ward = g->order->ward;
    }
    code = answer_or(&l, code);
    if (code == WARD_OK)
        *r = *l.out;
    return code;
}

static enum ward_code administer(struct ward_call *c, const AdministerRequest *q,
                                 AdministerResponse *r)
{
    /* in the arena, because the answer contains pointers into g */
    struct giving *g = ward_new(c->mem, struct giving);
    struct settling s = {.g = g, .r = r};
    enum ward_code code;

    if (g == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for a dose");
    *g = (struct giving){.q = q, .token = {.id = "", .method = "", .place = ""}};
    WARD_TRY(visit_begin(&g->v, c, q->patient_id, q->idempotency_key, &q->base));
    code = visit_gone(&g->v, prepare(g), false);
    code = code != WARD_OK
               ? failed(g, r, code)
               : visit_gone(&g->v, ward_db_tx(g->v.w->event_ctx.db, settle, &s, c->err), false);
    look_wipe(&g->looked);
    return code;
}

enum ward_code administer_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    return administer(c, (const AdministerRequest *)q, (AdministerResponse *)r);
}
