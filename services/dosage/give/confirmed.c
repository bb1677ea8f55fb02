/* The prescriber who confirmed the override of a finding at the bedside. */
#include "services/dosage/give/judge.h"
#include "services/dosage/track/presence.h"

#include <string.h>

#define CONFIRMED     "prescriber-confirmed" /* code of a Reason */
#define PERSON_LENGTH 128

static bool is_hard(const Decision *d, const char *rule)
{
    for (size_t i = 0; i < d->n_findings; i++)
        if (d->findings[i]->severity == WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD &&
            strcmp(d->findings[i]->rule_id, rule) == 0)
            return true;
    return false;
}

/* Collects the rules that the prescriber confirms. *needed: confirmed_by is required. */
static enum ward_code spoken_for(struct giving *g, bool *needed, struct ward_err *err)
{
    const AdministerRequest *q = g->q;
    bool nurse = !ward_principal_has(g->v.c->who, "physician");

    *needed = false;
    g->n_spoken = 0;
    g->spoken = ward_alloc(g->v.c->mem, q->n_overrides * sizeof(char *));
    if (g->spoken == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a dose");
    for (size_t i = 0; i < q->n_overrides; i++) {
        bool hard = is_hard(g->decision, q->overrides[i]->rule_id);
        bool said = strcmp(q->overrides[i]->reason_code, CONFIRMED) == 0;

        *needed = *needed || (hard && (nurse || said));
        if (hard || said)
            g->spoken[g->n_spoken++] = q->overrides[i]->rule_id;
    }
    return WARD_OK;
}

static enum ward_code is_prescriber(struct giving *g, const char *who, struct ward_err *err)
{
    bool fits = !rule_same_person(who, g->v.c->who->subject) &&
                (!g->has_second || !rule_same_person(who, g->second.subject));

    if (fits)
        WARD_TRY(presence_prescribes(g->v.w, g->v.c->mem, who, &fits, err));
    if (!fits)
        return WARD_FAIL_REASON(err, PERMISSION_DENIED, "PRESCRIBER_REFUSED",
                                "confirmed_by names the caller or the second person, or a "
                                "person whom dosage does not know as a physician");
    return WARD_OK;
}

enum ward_code judge_confirmed(struct giving *g, struct ward_err *err)
{
    const char *who = g->q->confirmed_by;
    bool needed;

    WARD_TRY(spoken_for(g, &needed, err));
    if (*who == '\0' && needed)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "PRESCRIBER_NEEDED",
                                "the override of a hard stop needs a prescriber's "
                                "confirmation: name the prescriber in confirmed_by");
    if (*who == '\0')
        return WARD_OK;
    if (g->n_spoken == 0 || strlen(who) > PERSON_LENGTH)
        return WARD_FAIL_FIELD(err, "confirmed_by",
                               "is permitted only for an overridden hard stop, or for the "
                               "reason prescriber-confirmed; at most 128 bytes");
    g->decision->confirmed_by = api_text(who);
    return is_prescriber(g, who, err);
}

/* ---- the pending co-signature ---- */

enum ward_code cosignature_of(const struct giving *g, Dose *d, struct ward_err *err)
{
    Cosignature *s;

    if (*g->q->confirmed_by == '\0')
        return WARD_OK;
    s = ward_new(g->v.c->mem, Cosignature);
    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a dose");
    ward__dosage__v1__cosignature__init(s);
    s->prescriber = g->q->confirmed_by;
    s->n_rule_ids = g->n_spoken;
    s->rule_ids = g->spoken;
    s->state = COSIGNATURE(AWAITED);
    d->cosignature = s;
    return WARD_OK;
}

enum ward_code cosignature_ask(struct worker *w, struct ward_arena *mem, const Dose *d,
                               struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO cosignature (administration_id, prescriber, ward,"
                              " state, at_us) VALUES (?, ?, ?, ?, ?)";
    char person[RULE_PERSON];
    uint8_t id[DOSAGE_ID];

    if (d->cosignature == NULL)
        return WARD_OK;
    if (!ward_uuid_parse(d->administration_id, id))
        return WARD_FAIL(err, INTERNAL, "a stored dose has no valid id");
    rule_person(d->cosignature->prescriber, person);
    return ward_db_run(w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(id_val(id), ward_text(person), ward_text(d->ward),
                                   ward_int(mem, d->cosignature->state),
                                   ward_int(mem, d->recorded_at_us)),
                       NULL, err);
}
