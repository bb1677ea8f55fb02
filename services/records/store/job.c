/* One requested write. */
#include "common/base/clock.h"
#include "common/base/text.h"
#include "services/records/fhir/fhir.h"
#include "services/records/store/rpc.h"

#include <string.h>

#define TEXT_MAX 128 /* maximum bytes of a device's or a model's name */

static enum ward_code check_provenance(struct ward_call *c, const Provenance *p)
{
    uint8_t sha256[WARD_SHA256_SIZE];
    bool hashed;

    if (p == NULL)
        return WARD_OK;
    if (strlen(p->device) > TEXT_MAX)
        return WARD_FAIL_FIELD(c->err, "provenance.device", "is longer than 128 bytes");
    /* Prefix of versions that a source imported: the source's next import may change them. */
    if (strncmp(p->device, IMPORT_MARK, strlen(IMPORT_MARK)) == 0)
        return WARD_FAIL_FIELD(c->err, "provenance.device",
                               "has the reserved prefix of imports");
    if (strlen(p->model) > TEXT_MAX)
        return WARD_FAIL_FIELD(c->err, "provenance.model", "is longer than 128 bytes");
    hashed = *p->model_sha256 != '\0';
    if (hashed && !ward_unhex(p->model_sha256, sha256, sizeof(sha256)))
        return WARD_FAIL_FIELD(c->err, "provenance.model_sha256", "must be 64 hex digits");
    if (hashed != (*p->model != '\0'))
        return WARD_FAIL_FIELD(c->err, "provenance.model_sha256",
                               "and model must be set together");
    return WARD_OK;
}

/* Validates the content from a person or system, and normalizes it where this is safe. */
static enum ward_code take(struct job *j, const Resource *res, const Provenance *p)
{
    struct ward_call *c = j->call;

    if (res == NULL || resource_kind(res) == KIND_NONE)
        return WARD_FAIL_FIELD(c->err, "resource", "is required");
    j->kind = resource_kind(res);
    WARD_TRY(view_allows(&j->view, c, USE_WRITE, j->kind, c->err));
    WARD_TRY(check_provenance(c, p));
    j->write.res = (Resource *)(uintptr_t)res; /* the request's own, in the call's arena */
    j->write.provenance = p;
    j->write.at_us = ward_wall_us();
    WARD_TRY(fhir_check(c->mem, res, c->err));
    WARD_TRY(clean_resource(c->mem, j->write.res, &j->cleaned, c->err));
    j->write.cleaned = (const Ward__Records__V1__Cleaned *const *)j->cleaned.at;
    j->write.n_cleaned = j->cleaned.n;
    return WARD_OK;
}

static enum ward_code take_condition(struct job *j, const Ward__Records__V1__IdentifierQuery *q)
{
    struct ward_call *c = j->call;
    struct worker *w = c->wrk;
    const char *text;

    if (q == NULL)
        return WARD_OK;
    if (*q->system == '\0')
        return WARD_FAIL_FIELD(c->err, "if_none_exist.system", "is required");
    if (*q->value == '\0')
        return WARD_FAIL_FIELD(c->err, "if_none_exist.value", "is required");
    text = ward_printf(c->mem, "%s|%s", q->system, q->value);
    if (text == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the identifier");
    j->if_none_exist = q;
    return param_hash(w->rec->keys, PARAM_IDENTIFIER, text, strlen(text), j->identifier,
                      c->err);
}

enum ward_code job_create(struct job *j, const Ward__Records__V1__CreateRequest *q)
{
    WARD_TRY(take(j, q->resource, q->provenance));
    j->write.act = WARD__RECORDS__V1__ACT__ACT_CREATED;
    if (resource_is_wrong(q->resource))
        return WARD_FAIL_FIELD(j->call->err, "status",
                               "a new resource must not be marked as entered in error");
    return take_condition(j, q->if_none_exist);
}

static enum ward_code take_version(struct job *j, const char *id, int expected)
{
    struct ward_call *c = j->call;

    WARD_TRY(ward_call_id(c, "id", id, j->id, NULL));
    if (expected < 1)
        return WARD_FAIL_FIELD(c->err, "expected_version", "must be 1 or more");
    j->write.expected_version = expected;
    return WARD_OK;
}

enum ward_code job_update(struct job *j, const Ward__Records__V1__UpdateRequest *q)
{
    WARD_TRY(take(j, q->resource, q->provenance));
    j->write.act = resource_is_wrong(q->resource) ? WARD__RECORDS__V1__ACT__ACT_ENTERED_IN_ERROR
                                                  : WARD__RECORDS__V1__ACT__ACT_UPDATED;
    return take_version(j, resource_id(q->resource), q->expected_version);
}

enum ward_code job_mark(struct job *j, const Ward__Records__V1__MarkEnteredInErrorRequest *q)
{
    struct ward_call *c = j->call;
    size_t words = strlen(q->reason);

    WARD_TRY(rpc_kind(c, (int)q->kind, &j->kind));
    WARD_TRY(view_allows(&j->view, c, USE_WRITE, j->kind, c->err));
    if (j->kind == KIND_PATIENT)
        return WARD_FAIL_FIELD(c->err, "kind",
                               "a Patient cannot be marked as entered in error; merge it");
    WARD_TRY(take_version(j, q->id, q->expected_version));
    if (words < 1 || words > REASON_MAX)
        return WARD_FAIL_FIELD(c->err, "reason", "must be 1 to %d bytes", REASON_MAX);
    j->reason = q->reason;
    j->write.act = WARD__RECORDS__V1__ACT__ACT_ENTERED_IN_ERROR;
    j->write.at_us = ward_wall_us();
    return WARD_OK;
}

/* ---- in the transaction ---- */

/* Reads the patient's birth date, if the measurement's range depends on age. */
static enum ward_code birth_of(struct job *j, int64_t *birth_us, struct ward_err *err)
{
    static const char SQL[] = "SELECT birth_us FROM patient WHERE patient_id = ?";
    struct ward_call *c = j->call;
    struct worker *w = c->wrk;
    uint8_t id[RECORDS_ID];
    struct ward_rows rows;

    *birth_us = INT64_MIN;
    if (!plausible_grows(j->write.res) || resource_patient(j->write.res, id, NULL) != WARD_OK)
        return WARD_OK;
    WARD_TRY(ward_db_run(w->event_ctx.db, c->mem, SQL, WARD_PARAMS(ward_blob(id, RECORDS_ID)),
                         &rows, err));
    if (rows.n == 1 && rows.at[0][0].p != NULL &&
        !ward_i64(rows.at[0][0].p, INT64_MIN, INT64_MAX, birth_us))
        return WARD_FAIL(err, DATA_LOSS, "a birth date that was stored cannot be read");
    return WARD_OK;
}

/* Marks implausible values of a measurement. The measurement is stored, so that nothing is
 * lost; the marks inform readers. */
static enum ward_code doubt(struct job *j, struct ward_err *err)
{
    struct problems found = {0};
    Ward__Records__V1__Doubt **list;
    int64_t birth_us;

    if (j->kind != KIND_OBSERVATION || j->reason != NULL)
        return WARD_OK;
    WARD_TRY(birth_of(j, &birth_us, err));
    WARD_TRY(implausible(j->call->mem, j->write.res, birth_us, j->write.at_us, &found, err));
    list = ward_alloc(j->call->mem, found.n * sizeof(*list));
    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the implausible values");
    j->write.n_doubts = 0;
    for (size_t i = 0; i < found.n; i++) {
        Ward__Records__V1__Doubt *d = ward_new(j->call->mem, Ward__Records__V1__Doubt);

        if (strcmp(found.at[i]->reason, "IMPLAUSIBLE_VALUE") != 0)
            continue;
        if (d == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the implausible values");
        ward__records__v1__doubt__init(d);
        d->reason = found.at[i]->reason;
        d->path = found.at[i]->path;
        d->text = found.at[i]->text;
        d->source = found.at[i]->source;
        list[j->write.n_doubts++] = d;
    }
    j->write.doubts = (const Ward__Records__V1__Doubt *const *)list;
    return WARD_OK;
}

static enum ward_code tell_of(struct job *j, const struct version *v, struct ward_err *err)
{
    struct ward_call *c = j->call;
    struct ward_event event = j->event;
    char *id = ward_alloc(c->mem, 37);

    if (id == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit event");
    ward_uuid_text(v->id, id);
    ward_event_note(&event, "kind", kind_name(v->kind));
    ward_event_note(&event, "resource", id);
    ward_event_note_int(&event, "version", v->version);
    return tell(c->wrk, &event, &j->view, v->patient, err);
}

/* `found`: the identifier's existing resource instead of a new one. */
static enum ward_code done(struct job *j, const struct version *v, bool found,
                           struct ward_err *err)
{
    struct ward_call *c = j->call;

    if (found)
        WARD_TRY(chart_record(c->wrk, c->mem, v, &j->record, err));
    else
        WARD_TRY(chart_written(c->mem, v, &j->write, &j->record, err));
    j->created = !found && j->write.expected_version == 0;
    return tell_of(j, v, err);
}

/* Loads the resource's current content and adds the mark. chart_write detects a concurrent
 * write, because it reads the version again under its lock. */
static enum ward_code load(struct job *j, struct ward_err *err)
{
    struct ward_call *c = j->call;
    struct version v;

    WARD_TRY(chart_find(c->wrk, c->mem, &j->view, j->kind, j->id, &v, err));
    if (v.wrapped.p == NULL)
        return WARD_FAIL_REASON(err, NOT_FOUND, "RESOURCE_NOT_FOUND", "no such resource");
    WARD_TRY(chart_open(c->wrk, c->mem, &v, &j->write.res, err));
    if (resource_is_wrong(j->write.res))
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ENTERED_IN_ERROR",
                                "the resource is already marked as entered in error");
    return mark_wrong(c->mem, j->write.res, j->reason, err);
}

enum ward_code job_run(struct job *j, struct ward_err *err)
{
    struct ward_call *c = j->call;
    struct version v;
    bool found = false;

    j->write.event_id = j->event.event_id;
    if (j->reason != NULL)
        WARD_TRY(load(j, err));
    if (j->if_none_exist != NULL)
        WARD_TRY(conditional_find(j, &v, &found, err));
    if (!found)
        WARD_TRY(doubt(j, err));
    if (!found)
        WARD_TRY(chart_write(c->wrk, c, &j->view, &j->write, &v, err));
    if (j->if_none_exist != NULL)
        WARD_TRY(conditional_end(j, err));
    return done(j, &v, found, err);
}
