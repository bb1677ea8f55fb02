/* Answers stored under an idempotency key: the dose, the decision, and the five rights,
 * encrypted under the patient's key. The dose and the decision are stored as ids, and are read
 * again. */
#include "services/dosage/give/bedside.h"

#include <string.h>

#define SEALED_AS "answer"
/* bytes of the patient and the event, before the encrypted part */
#define HEAD ((size_t)2 * DOSAGE_ID)

/* A redeemed token is valid for minutes; its dose may have an earlier time. */
#define USED_DAYS 7
#define USED_MOST 5000

typedef Ward__Dosage__V1__Administration Administration;

enum ward_code answer_keep_for(struct visit *v, const struct owner *o,
                               const AdministerResponse *r, struct ward_err *err)
{
    AdministerResponse kept = *r;
    Administration dose = WARD__DOSAGE__V1__ADMINISTRATION__INIT;
    Decision decision = WARD__DOSAGE__V1__DECISION__INIT;
    struct ward_arena *mem = v->c->mem;
    struct ward_val sealed;
    uint8_t *bytes;

    if (r->administration != NULL) {
        dose.administration_id = r->administration->administration_id;
        dose.version = r->administration->version;
        kept.administration = &dose;
    }
    if (r->decision != NULL) {
        decision.decision_id = r->decision->decision_id;
        kept.decision = &decision;
    }
    WARD_TRY(owner_seal(o, mem, SEALED_AS, v->event.event_id, v->c->method->path, &kept.base,
                        &sealed, err));
    bytes = ward_alloc(mem, HEAD + sealed.n);
    if (bytes == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    memcpy(bytes, o->id, DOSAGE_ID);
    memcpy(bytes + DOSAGE_ID, v->event.event_id, DOSAGE_ID);
    memcpy(bytes + HEAD, sealed.p, sealed.n);
    return ward_idem_keep(v->w->event_ctx.db, &v->idem, bytes, HEAD + sealed.n, err);
}

enum ward_code answer_keep(struct visit *v, const char *patient_id, const AdministerResponse *r,
                           struct ward_err *err)
{
    uint8_t patient[DOSAGE_ID];
    enum ward_code code;
    struct owner o;

    if (!ward_uuid_parse(patient_id, patient))
        return WARD_FAIL(err, INTERNAL, "a patient's id is invalid");
    WARD_TRY(owner_ensure(v->w, v->c->mem, patient, &o, err));
    code = answer_keep_for(v, &o, r, err);
    owner_wipe(&o);
    return code;
}

static enum ward_code complete_dose(struct visit *v, Administration **dose,
                                    struct ward_err *err)
{
    const int32_t version = (*dose)->version;
    uint8_t id[DOSAGE_ID];
    Administration **all;
    size_t n;

    if (!ward_uuid_parse((*dose)->administration_id, id))
        return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                                "a stored answer is invalid");
    WARD_TRY(dose_versions(v->w, v->c->mem, id, &all, &n, err));
    for (size_t i = 0; i < n; i++)
        if (all[i]->version == version)
            *dose = all[i];
    return WARD_OK;
}

static enum ward_code complete(struct visit *v, AdministerResponse *r, struct ward_err *err)
{
    uint8_t id[DOSAGE_ID];

    if (r->administration != NULL)
        WARD_TRY(complete_dose(v, &r->administration, err));
    if (r->decision == NULL)
        return WARD_OK;
    if (!ward_uuid_parse(r->decision->decision_id, id))
        return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                                "a stored answer is invalid");
    return decision_find(v->w, v->c->mem, id, &r->decision, err);
}

static enum ward_code note(struct visit *v, struct ward_err *err)
{
    struct ward_event event = v->event;

    ward_event_note(&event, "replayed", "yes");
    return ward_event_write(&event, v->w->event_ctx.db, err);
}

enum ward_code answer_again(struct visit *v, AdministerResponse **out, struct ward_err *err)
{
    struct ward_arena *mem = v->c->mem;
    const uint8_t *at;
    ProtobufCMessage *msg = NULL;
    struct ward_val kept;
    enum ward_code code;
    struct owner o;

    *out = NULL;
    WARD_TRY(ward_idem_find(v->w->event_ctx.db, mem, &v->idem, &kept, err));
    if (kept.p == NULL)
        return WARD_OK;
    if (kept.n < HEAD)
        return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                                "a stored answer is invalid");
    at = (const uint8_t *)kept.p;
    WARD_TRY(owner_find(v->w, mem, at, &o, err));
    code = owner_unseal(&o, mem, SEALED_AS, at + DOSAGE_ID, v->c->method->path,
                        ward_blob(at + HEAD, kept.n - HEAD),
                        &ward__dosage__v1__administer_response__descriptor, &msg, err);
    owner_wipe(&o);
    WARD_TRY(code);
    WARD_TRY(complete(v, (AdministerResponse *)msg, err));
    *out = (AdministerResponse *)msg;
    return note(v, err);
}

/* ---- failed calls ---- */

static enum ward_code note_misuse(struct answer_late *l, struct ward_db *db,
                                  struct ward_err *err)
{
    struct ward_event event = l->v->event;

    ward_event_note(&event, "token", l->misuse);
    ward_event_note(&event, "refused", "yes"); /* the call's own event has the reason */
    WARD_TRY(token_misuse(l->v, &event, l->ward, l->place, l->misuse, err));
    return ward_event_write(&event, db, err);
}

/* Whether a dose of the last days was recorded with the token. */
static enum ward_code was_used(struct answer_late *l, bool *out, struct ward_err *err)
{
    struct visit *v = l->v;
    Dose **all;
    size_t n;

    *out = false;
    WARD_TRY(doses_of(v->w, v->c->mem, v->chart.id, v->now_us - USED_DAYS * DAY_US, INT64_MAX,
                      USED_MOST, &all, &n, err));
    for (size_t i = 0; i < n; i++)
        *out = *out || token_names(v, l->token, all[i]->token_id);
    return WARD_OK;
}

static enum ward_code look(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct answer_late *l = arg;
    bool misused = l->misuse != NULL;

    WARD_TRY(answer_again(l->v, &l->out, err));
    if (l->out != NULL)
        return WARD_OK;
    if (misused && strcmp(l->misuse, "spent") == 0)
        WARD_TRY(was_used(l, &misused, err));
    if (misused)
        return note_misuse(l, db, err);
    return WARD_FAIL(err, NOT_FOUND, "no answer is stored"); /* nothing to commit */
}

/* Whether the caller may see an earlier answer: access was confirmed in this call, or records
 * is unavailable. */
static bool may_see(struct visit *v)
{
    const struct ward_err failed = *v->c->err;
    struct chart chart = {.facts = NULL};
    enum ward_code code;

    if (strcmp(failed.reason, "PATIENT_NOT_FOUND") == 0)
        return false;
    if (*v->chart.text != '\0' || strcmp(failed.reason, "RECORDS_AWAY") == 0)
        return true;
    code = chart_may(v->c, v->event.patient, &chart);
    *v->c->err = failed;
    return code == WARD_OK || code == WARD_UNAVAILABLE;
}

enum ward_code answer_or(struct answer_late *l, enum ward_code code)
{
    struct ward_call *c = l->v->c;
    struct ward_err err = {0};
    enum ward_code found;

    if (code == WARD_CANCELLED || code == WARD_DEADLINE_EXCEEDED || !may_see(l->v))
        return code;
    found = ward_db_tx(l->v->w->event_ctx.db, look, l, &err);
    if (found == WARD_OK && l->out != NULL)
        return WARD_OK;
    l->out = NULL;
    if (strcmp(err.reason, "IDEMPOTENCY_MISMATCH") == 0) {
        *c->err = err;
        return found;
    }
    return code;
}
