/* First steps of the bedside handlers, and their counters. */
#include "services/dosage/give/bedside.h"

#include "common/base/clock.h"
#include "common/base/reason.h"

#include <string.h>

/* An answer outlives its handler, so its content is in the arena. */
static enum ward_code begin(struct visit *v, struct ward_call *c, const char *patient)
{
    v->c = c;
    v->w = c->wrk;
    v->now_us = ward_wall_us();
    WARD_TRY(api_begin(c, &v->event, patient));
    return ward_call_copy(c, v->event.event_text, &v->event_id);
}

enum ward_code visit_begin(struct visit *v, struct ward_call *c, const char *patient,
                           const char *key, const ProtobufCMessage *q)
{
    uint8_t id[DOSAGE_ID];
    char text[37], *whom = NULL;

    /* Do not copy malformed ids into the audit log. */
    if (ward_uuid_parse(patient, id)) {
        ward_uuid_text(id, text);
        WARD_TRY(ward_call_copy(c, text, &whom));
    }
    WARD_TRY(begin(v, c, whom));
    return ward_call_idem(c, key, q, &v->idem);
}

enum ward_code visit_dose_of(struct visit *v, struct ward_call *c, const char *id, Dose **out)
{
    uint8_t dose[DOSAGE_ID];
    enum ward_code code;

    WARD_TRY(begin(v, c, NULL));
    WARD_TRY(ward_call_id(c, "administration_id", id, dose, NULL));
    WARD_TRY(dose_find(v->w, c->mem, dose, false, out, c->err));
    WARD_TRY(begin(v, c, (*out)->patient_id)); /* attempts without access are audited, too */
    code = chart_may(c, (*out)->patient_id, &v->chart);
    if (code == WARD_NOT_FOUND)
        return WARD_FAIL_REASON(c->err, NOT_FOUND, "ADMINISTRATION_NOT_FOUND", "no such dose");
    WARD_TRY(code);
    return begin(v, c, v->chart.text);
}

enum ward_code visit_chart(struct visit *v, const char *patient)
{
    struct ward_call *c = v->c;

    WARD_TRY(chart_of(c, patient, &v->chart));
    if (ward_call_cancelled(c))
        return WARD_FAIL(c->err, CANCELLED, "the caller disconnected");
    return WARD_OK;
}

enum ward_code visit_lock(struct visit *v, const Dose *d, Dose **out, struct ward_err *err)
{
    uint8_t patient[DOSAGE_ID], id[DOSAGE_ID];
    struct owner owner;

    if (!ward_uuid_parse(d->patient_id, patient) || !ward_uuid_parse(d->administration_id, id))
        return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                                "a stored dose has no valid id");
    WARD_TRY(owner_lock(v->w, v->c->mem, patient, &owner, err));
    owner_wipe(&owner);
    v->now_us = ward_wall_us();
    return dose_find(v->w, v->c->mem, id, true, out, err);
}

enum ward_code visit_next(struct visit *v, const Dose *was, Dose **out, struct ward_err *err)
{
    Dose *d = ward_new(v->c->mem, Dose);

    if (d == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a dose");
    *d = *was;
    d->version = was->version + 1;
    d->written_by = api_text(v->c->who->subject);
    d->written_at_us = v->now_us;
    d->event_id = v->event_id;
    *out = d;
    return WARD_OK;
}

enum ward_code dose_due(const Dose *d, int64_t *due_us, struct ward_err *err)
{
    uint8_t order[DOSAGE_ID];

    *due_us = -1;
    return *d->slot_id == '\0' ? WARD_OK : slot_id_parse(d->slot_id, order, due_us, err);
}

enum ward_code visit_amount(struct visit *v, const char *field, const Quantity *q)
{
    struct amount amount;

    if (q == NULL)
        return WARD_FAIL_FIELD(v->c->err, field, "is missing");
    return ward_err_about(v->c->err, amount_of(q, &amount, v->c->err), field);
}

enum ward_code visit_route(struct visit *v, int route)
{
    if (route == WARD__DOSAGE__V1__ROUTE__ROUTE_UNSPECIFIED ||
        protobuf_c_enum_descriptor_get_value(&ward__dosage__v1__route__descriptor, route) ==
            NULL)
        return WARD_FAIL_FIELD(v->c->err, "route", "is missing or unknown");
    return WARD_OK;
}

enum ward_code visit_token(struct visit *v, const char *token)
{
    if (*token == '\0')
        return WARD_FAIL_REASON(v->c->err, FAILED_PRECONDITION, "PPID_NEEDED",
                                "the call requires a verified patient");
    if (strnlen(token, WARD_TOKEN_BYTES + 1) > WARD_TOKEN_BYTES)
        return WARD_FAIL_ROW(v->c->err, ward_reason_of("PPID_MALFORMED"));
    return WARD_OK;
}

enum ward_code visit_given(struct visit *v, int64_t given_at_us, int64_t since_us)
{
    if (given_at_us != 0 && !rule_given_at(given_at_us, v->now_us, since_us))
        return WARD_FAIL_FIELD(v->c->err, "given_at_us",
                               "must be within the last 15 minutes and not in the future");
    return WARD_OK;
}

enum ward_code visit_label(struct visit *v, const char *field, const char *text, size_t most)
{
    size_t n = 0;

    while (text[n] > ' ' && text[n] <= '~')
        n++;
    if (text[n] != '\0' || n > most)
        return WARD_FAIL_FIELD(v->c->err, field, "must be at most %zu visible ASCII characters",
                               most);
    return WARD_OK;
}

static bool may_give(const struct ward_principal *who, const Ward__Dosage__V1__Reason *r)
{
    for (size_t i = 0; i < r->n_roles; i++)
        if (ward_principal_has(who, r->roles[i]))
            return true;
    return r->n_roles == 0;
}

enum ward_code reason_check(const struct visit *v, const struct ruleset *rules,
                            const char *field, const char *code, int use, struct ward_err *err)
{
    const Ward__Dosage__V1__Reason *r =
        ruleset_reason(rules, code, (Ward__Dosage__V1__Reason__Use)use);

    if (r == NULL)
        return ward_err_about(
            err,
            WARD_FAIL_REASON(err, INVALID_ARGUMENT, "REASON_UNKNOWN",
                             "the active rule set has no reason with this code for this use"),
            field);
    if (!may_give(v->c->who, r))
        return WARD_FAIL_REASON(err, PERMISSION_DENIED, "OVERRIDE_ROLE",
                                "the caller's roles do not permit this reason");
    return WARD_OK;
}

static char *new_id(struct ward_arena *mem)
{
    uint8_t id[DOSAGE_ID];
    char text[37];

    ward_uuid7(id);
    ward_uuid_text(id, text);
    return ward_strdup(mem, text);
}

enum ward_code visit_dose(struct visit *v, const char *patient_id, Dose **out,
                          struct ward_err *err)
{
    Dose *d = ward_new(v->c->mem, Dose);

    if (d == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a dose");
    ward__dosage__v1__administration__init(d);
    d->administration_id = new_id(v->c->mem);
    d->patient_id = ward_strdup(v->c->mem, patient_id);
    if (d->administration_id == NULL || d->patient_id == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a dose");
    d->version = 1;
    d->recorded_at_us = v->now_us;
    d->recorded_by = api_text(v->c->who->subject);
    d->event_id = v->event_id;
    *out = d;
    return WARD_OK;
}

enum ward_code visit_gone(struct visit *v, enum ward_code code, bool of_dose)
{
    struct ward_err *err = v->c->err;

    if (code != WARD_FAILED_PRECONDITION || strcmp(err->reason, "PATIENT_ERASED") != 0)
        return code;
    if (of_dose)
        return WARD_FAIL_REASON(err, NOT_FOUND, "ADMINISTRATION_NOT_FOUND", "no such dose");
    return WARD_FAIL_REASON(err, NOT_FOUND, "PATIENT_NOT_FOUND", "no such patient");
}

/* ---- counting ---- */

static const char *const OUTCOMES[] = {"emergency", "given",   "partial",
                                       "held",      "refused", "wasted"};
WARD_METRIC_FROM_ZERO(dosage_doses, WARD_COUNT(OUTCOMES), OUTCOMES[i], NULL)
WARD_METRIC_FROM_ZERO(dosage_refused, RIGHTS, right_name(i + 1), NULL)

static void add_dose(void *outcome)
{
    ward_metric_add(ward_series_of(&dosage_doses, outcome, NULL, NULL), 1);
}

void count_dose(struct visit *v, const Dose *d)
{
    size_t i = d->emergency ? 0 : (size_t)d->outcome;

    ward_db_after_commit(v->w->event_ctx.db, add_dose, api_text(OUTCOMES[i]));
}

static void add_failed(void *arg)
{
    const struct rights *r = arg;

    for (int i = 0; i < RIGHTS; i++)
        if (r->at[i]->result == RESULT(FAIL))
            ward_metric_add(ward_series_of(&dosage_refused, right_name(i + 1), NULL, NULL), 1);
}

void count_failed(struct visit *v, struct rights *r)
{
    ward_db_after_commit(v->w->event_ctx.db, add_failed, r);
}
