/* ListCosignatures and Cosign: prescribers confirm or dispute overrides that were made on their
 * word at the bedside. */
#include "services/dosage/give/bedside.h"
#include "services/dosage/store/page.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Dosage__V1__ListCosignaturesRequest ListRequest;
typedef Ward__Dosage__V1__ListCosignaturesResponse ListResponse;
typedef Ward__Dosage__V1__CosignRequest CosignRequest;
typedef Ward__Dosage__V1__CosignResponse CosignResponse;

#define PAGE_USUAL  50
#define PAGE_MOST   200
#define DISPUTED_US (30 * DAY_US) /* disputed cosignatures stay in a ward's list */

/* ---- the list ---- */

struct place {
    int64_t at_us;
    uint8_t id[DOSAGE_ID];
};

static enum ward_code next_page(struct ward_call *c, const char *question, ListResponse *r,
                                size_t page)
{
    struct place last;
    const Dose *d;

    if (r->n_administrations <= page)
        return WARD_OK;
    r->n_administrations = page;
    d = r->administrations[page - 1];
    last.at_us = d->recorded_at_us;
    if (!ward_uuid_parse(d->administration_id, last.id))
        return WARD_FAIL_REASON(c->err, DATA_LOSS, "DOSE_UNREADABLE",
                                "a stored dose has no valid id");
    return page_token(c, question, &last, sizeof(last), &r->next_page_token);
}

/* The caller's own list requires the role of a prescriber. A ward's list requires access to the
 * ward. */
static enum ward_code may_list(struct ward_call *c, const ListRequest *q)
{
    if (*q->ward == '\0' && ward_principal_has(c->who, "physician"))
        return WARD_OK;
    if (!rule_is_ward(q->ward))
        return WARD_FAIL_FIELD(c->err, "ward",
                               "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
    if (!rule_ward(c->who->roles, c->who->n_roles, c->who->ward, q->ward))
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "WARD_NOT_YOURS",
                                "the ward is not the ward of the person's token");
    return WARD_OK;
}

static enum ward_code list(struct ward_call *c, const ListRequest *q, ListResponse *r)
{
    struct worker *w = c->wrk;
    struct cosignatures what = {.ward = q->ward, .after_us = INT64_MIN};
    char person[RULE_PERSON];
    struct place after;
    struct ward_event event;
    const char *question;
    bool given = false;
    int page;

    WARD_TRY(api_begin(c, &event, NULL));
    WARD_TRY(may_list(c, q));
    WARD_TRY(ward_call_page(c, q->page_size, PAGE_USUAL, PAGE_MOST, &page));
    question = ward_printf(c->mem, "%s %d", q->ward, page);
    if (question == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for a list");
    WARD_TRY(page_place(c, question, q->page_token, &after, sizeof(after), &given));
    if (given) {
        what.after_us = after.at_us;
        memcpy(what.after, after.id, DOSAGE_ID);
    }
    rule_person(c->who->subject, person);
    what.prescriber = person;
    what.disputed_us = ward_wall_us() - DISPUTED_US;
    what.most = (size_t)page + 1;
    WARD_TRY(
        doses_to_cosign(w, c->mem, &what, &r->administrations, &r->n_administrations, c->err));
    WARD_TRY(next_page(c, question, r, (size_t)page));
    return doses_told(c, &event, r->administrations, r->n_administrations);
}

/* ---- the answer ---- */

struct cosigning {
    struct visit v;
    const CosignRequest *q;
    Dose *dose;
    AdministerResponse answer;
};

static enum ward_code none(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, NOT_FOUND, "ADMINISTRATION_NOT_FOUND",
                            "no dose with this id names the caller as its prescriber");
}

static enum ward_code is_open(const Dose *d, struct ward_err *err)
{
    if (d->cosignature->state != COSIGNATURE(AWAITED))
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "COSIGNED",
                                "the dose is already signed or disputed");
    return WARD_OK;
}

static enum ward_code answered(struct cosigning *s, const Dose *d, struct ward_err *err)
{
    static const char SQL[] = "UPDATE cosignature SET state = ?, answered_at_us = ?"
                              " WHERE administration_id = ?";
    struct ward_arena *mem = s->v.c->mem;
    uint8_t id[DOSAGE_ID];

    if (!ward_uuid_parse(d->administration_id, id))
        return WARD_FAIL(err, INTERNAL, "a stored dose has no valid id");
    return ward_db_run(s->v.w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(ward_int(mem, d->cosignature->state),
                                   ward_int(mem, d->cosignature->at_us), id_val(id)),
                       NULL, err);
}

static enum ward_code write(struct cosigning *s, struct ward_err *err)
{
    Cosignature *with = ward_new(s->v.c->mem, Cosignature);
    struct dose_write what = {.due_us = -1};
    struct ward_event event = s->v.event;
    Dose *was;

    if (with == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a dose");
    WARD_TRY(visit_lock(&s->v, s->dose, &was, err));
    WARD_TRY(is_open(was, err));
    WARD_TRY(visit_next(&s->v, was, &what.dose, err));
    WARD_TRY(dose_due(was, &what.due_us, err));
    *with = *was->cosignature;
    with->state = s->q->state;
    with->at_us = s->v.now_us;
    what.dose->cosignature = with;
    what.dose->correction_code = what.dose->confirmed_by = api_text("");
    WARD_TRY(dose_write(s->v.w, s->v.c->mem, &what, err));
    WARD_TRY(answered(s, what.dose, err));
    s->answer.recorded = true;
    s->answer.administration = what.dose;
    ward_event_note(&event, "administration", what.dose->administration_id);
    ward_event_note(&event, "cosigned",
                    s->q->state == COSIGNATURE(SIGNED) ? "signed" : "disputed");
    WARD_TRY(ward_event_write(&event, s->v.w->event_ctx.db, err));
    return answer_keep(&s->v, was->patient_id, &s->answer, err);
}

static enum ward_code settle(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct cosigning *s = arg;
    AdministerResponse *kept = NULL;

    (void)db;
    ward__dosage__v1__administer_response__init(&s->answer);
    WARD_TRY(answer_again(&s->v, &kept, err));
    if (kept == NULL)
        return write(s, err);
    s->answer = *kept;
    return WARD_OK;
}

/* A prescriber confirms their own word, so access to the patient's chart is not required. */
static enum ward_code find(struct cosigning *s)
{
    struct ward_call *c = s->v.c;
    uint8_t id[DOSAGE_ID];

    WARD_TRY(ward_call_id(c, "administration_id", s->q->administration_id, id, NULL));
    WARD_TRY(dose_find(s->v.w, c->mem, id, false, &s->dose, c->err));
    if (s->dose->cosignature == NULL ||
        !rule_same_person(s->dose->cosignature->prescriber, c->who->subject))
        return none(c->err);
    return visit_begin(&s->v, c, s->dose->patient_id, s->q->idempotency_key, &s->q->base);
}

static enum ward_code cosign(struct ward_call *c, const CosignRequest *q, CosignResponse *r)
{
    struct cosigning s = {.q = q};

    WARD_TRY(visit_begin(&s.v, c, "", q->idempotency_key, &q->base));
    if (q->state != COSIGNATURE(SIGNED) && q->state != COSIGNATURE(DISPUTED))
        return WARD_FAIL_FIELD(c->err, "state", "must be STATE_SIGNED or STATE_DISPUTED");
    WARD_TRY(find(&s));
    WARD_TRY(visit_gone(&s.v, ward_db_tx(s.v.w->event_ctx.db, settle, &s, c->err), true));
    r->administration = s.answer.administration;
    return WARD_OK;
}

enum ward_code list_cosignatures_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                     ProtobufCMessage *r)
{
    return list(c, (const ListRequest *)q, (ListResponse *)r);
}

enum ward_code cosign_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return cosign(c, (const CosignRequest *)q, (CosignResponse *)r);
}
