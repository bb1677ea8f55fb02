/* ExportDeidentified: patients in batches; one transaction reads and audits each batch, and the
 * batch is sent after the commit. */
#include "services/records/api.h"
#include "services/records/exchange/deid.h"
#include "services/records/fhir/fhir.h"

#include "ward/records/v1/exchange.pb-c.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/measure/fhirtime.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Records__V1__ExportDeidentifiedRequest Request;
typedef Ward__Records__V1__ExportDeidentifiedResponse Response;

#define SMALLEST  5 /* minimum patients: fewer patients would be identifiable */
#define BATCH     20
#define CHUNK     ((size_t)1 << 20)
#define MEMORY    ((size_t)512 << 20) /* maximum bytes of a batch */
#define PURPOSE   "HRESCH"            /* HL7 v3 PurposeOfUse: healthcare research */
#define PROJECT   64
#define CONDITION 512

struct export
{
    struct ward_call *c;
    struct worker *w;
    const Request *req;
    struct ward_event event;
    uint32_t kinds;
    uint8_t condition[TOKEN_HASH];
    int64_t now_us;
    int64_t cohort, left_out, uninterpreted, resources;
    /* memory of the batch */
    struct ward_arena mem;
    uint8_t after[RECORDS_ID];
    bool last;
    int64_t n;      /* resources of the batch */
    int64_t others; /* resources of uninterpreted kinds in the batch */
    const char **line;
    size_t n_lines, cap_lines;
};

/* ---- the cohort ---- */

/* Consents that deny anything to everybody, to researchers, or to this caller. */
#define DENIED                                                                                 \
    "EXISTS (SELECT 1 FROM patient q JOIN consent_deny d ON d.patient_id = q.patient_id"       \
    " WHERE q.root_id = p.root_id AND d.from_us <= ? AND d.to_us > ?"                          \
    " AND ((d.actor IS NULL AND d.role IS NULL) OR d.role = 'researcher' OR d.actor = ?))"
#define OF_COHORT                                                                              \
    " FROM patient p FORCE INDEX (PRIMARY) WHERE p.root_id = p.patient_id"                     \
    " AND p.erased_at_us IS NULL AND p.patient_id > ?"
/* Patients with a Condition (kind 4) of a given code (PARAM_CODE, 1) that was not entered in
 * error. */
#define WITH_CONDITION                                                                         \
    " AND EXISTS (SELECT 1 FROM patient x JOIN token t ON t.patient_id = x.patient_id"         \
    " AND t.param = 1 AND t.hash = ? JOIN resource r ON r.patient_id = t.patient_id"           \
    " AND r.resource_id = t.resource_id WHERE x.root_id = p.root_id AND r.kind = 4"            \
    " AND r.wrong = 0)"

static size_t cohort_params(struct export *e, struct ward_val out[5])
{
    struct ward_val now = ward_int(&e->mem, e->now_us);

    out[0] = out[1] = now;
    out[2] = ward_text(e->c->who->subject);
    out[3] = ward_blob(e->after, RECORDS_ID);
    out[4] = ward_blob(e->condition, TOKEN_HASH);
    return *e->req->condition == '\0' ? 4 : 5;
}

static enum ward_code count_cohort(struct export *e, struct ward_err *err)
{
    static const char ALL[] =
        "SELECT COUNT(*), CAST(COALESCE(SUM(" DENIED "), 0) AS SIGNED)" OF_COHORT;
    static const char SOME[] = "SELECT COUNT(*), CAST(COALESCE(SUM(" DENIED
                               "), 0) AS SIGNED)" OF_COHORT WITH_CONDITION;
    struct ward_val params[5];
    size_t n = cohort_params(e, params);
    struct ward_rows rows;
    int64_t all;

    WARD_TRY(
        ward_db_run(e->w->event_ctx.db, &e->mem, n == 4 ? ALL : SOME, params, n, &rows, err));
    if (rows.n != 1 || !ward_i64(rows.at[0][0].p, 0, INT64_MAX, &all) ||
        !ward_i64(rows.at[0][1].p, 0, INT64_MAX, &e->left_out))
        return WARD_FAIL(err, DATA_LOSS, "a count of patients is invalid");
    e->cohort = all - e->left_out;
    if (e->cohort < SMALLEST)
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, "COHORT_TOO_SMALL",
            "the export would have fewer than %d patients, who could be identified", SMALLEST);
    return WARD_OK;
}

/* Reads root and birth_us of the next patients without a denial (DENIED). */
static enum ward_code read_roots(struct export *e, struct ward_rows *rows, struct ward_err *err)
{
    static const char ALL[] = "SELECT p.patient_id, p.birth_us, " DENIED " AS denied" OF_COHORT
                              " HAVING denied = 0 ORDER BY p.patient_id LIMIT 20";
    static const char SOME[] =
        "SELECT p.patient_id, p.birth_us, " DENIED " AS denied" OF_COHORT WITH_CONDITION
        " HAVING denied = 0 ORDER BY p.patient_id LIMIT 20";
    struct ward_val params[5];
    size_t n = cohort_params(e, params);

    return ward_db_run(e->w->event_ctx.db, &e->mem, n == 4 ? ALL : SOME, params, n, rows, err);
}

/* ---- the resources ---- */

static enum ward_code add_line(struct export *e, const char *text, struct ward_err *err)
{
    if (e->n_lines == e->cap_lines) {
        size_t cap = e->cap_lines == 0 ? 1024 : 2 * e->cap_lines;
        const char **more = ward_alloc(&e->mem, cap * sizeof(*more));

        if (more == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "a patient's chart is too large");
        if (e->n_lines > 0)
            memcpy(more, e->line, e->n_lines * sizeof(*more));
        e->line = more;
        e->cap_lines = cap;
    }
    e->line[e->n_lines++] = text;
    return WARD_OK;
}

static enum ward_code one(struct export *e, const struct deid *d, const struct ward_val *row,
                          struct ward_err *err)
{
    struct ward_json_out w = {.mem = &e->mem};
    struct version v;
    Resource *res;
    const char *text;
    bool goes;

    version_of(row, &v);
    WARD_TRY(chart_open(e->w, &e->mem, &v, &res, err));
    WARD_TRY(deid_resource(d, res, &goes, err));
    if (!goes)
        return WARD_OK;
    WARD_TRY(fhir_to_json(&w, res, err));
    WARD_TRY(ward_json_done(&w, &text, NULL, err));
    return add_line(e, text, err);
}

/* Converts birth_us, which may be NULL, to a date. */
static void birth_of(struct ward_val v, char out[32])
{
    int64_t us;
    int year, month, day;

    out[0] = '\0';
    if (v.p == NULL || !ward_i64(v.p, INT64_MIN, INT64_MAX, &us) || us == NO_DATE)
        return;
    ward_days_to((us - (us < 0 ? WARD_US_PER_DAY - 1 : 0)) / WARD_US_PER_DAY, &year, &month,
                 &day);
    snprintf(out, 32, "%04d-%02d-%02d", year, month, day);
}

static enum ward_code chart(struct export *e, const struct ward_val *row, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT " VERSION_COLUMNS " FROM patient p JOIN resource r"
        " ON r.patient_id = p.patient_id" VERSION_OF_R VERSION_KEYS
        " WHERE p.root_id = ? AND r.wrong = 0 AND (? >> r.kind) & 1 ORDER BY r.kind,"
        " r.resource_id";
    struct deid d = {.keys = e->w->rec->keys,
                     .mem = &e->mem,
                     .project = e->req->project,
                     .root = (const uint8_t *)row[0].p};
    uint8_t(*all)[RECORDS_ID];
    struct ward_rows rows;
    char birth[32];

    birth_of(row[1], birth);
    WARD_TRY(patients_of(e->w, &e->mem, d.root, &all, &d.n, err));
    d.all = (const uint8_t(*)[RECORDS_ID])all;
    WARD_TRY(deid_begin(&d, birth, e->now_us, err));
    WARD_TRY(ward_db_run(
        e->w->event_ctx.db, &e->mem, SQL,
        WARD_PARAMS(ward_blob(d.root, RECORDS_ID), ward_int(&e->mem, e->kinds)), &rows, err));
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(one(e, &d, rows.at[i], err));
    return WARD_OK;
}

/* Counts resources of KIND_OTHER (10). These resources are not exported, because Ward does not
 * know which of their elements name a person. */
static enum ward_code count_others(struct export *e, const struct ward_val *root,
                                   struct ward_err *err)
{
    static const char SQL[] =
        "SELECT COUNT(*) FROM patient p JOIN resource r ON r.patient_id = p.patient_id"
        " WHERE p.root_id = ? AND r.kind = 10 AND r.wrong = 0";
    struct ward_rows rows;
    int64_t n;

    if (e->req->n_kinds > 0)
        return WARD_OK;
    WARD_TRY(ward_db_run(e->w->event_ctx.db, &e->mem, SQL,
                         WARD_PARAMS(ward_blob(root->p, RECORDS_ID)), &rows, err));
    if (rows.n != 1 || !ward_i64(rows.at[0][0].p, 0, INT64_MAX, &n))
        return WARD_FAIL(err, DATA_LOSS, "a count of resources is invalid");
    e->others += n;
    return WARD_OK;
}

static enum ward_code tell_batch(struct export *e, const struct ward_rows *roots,
                                 struct ward_err *err)
{
    uint8_t(*ids)[RECORDS_ID] = ward_alloc(&e->mem, (roots->n + 1) * sizeof(*ids));
    struct ward_event event;

    if (ids == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit events");
    for (size_t i = 0; i < roots->n; i++)
        memcpy(ids[i], roots->at[i][0].p, RECORDS_ID);
    ward_event_another(&e->event, NULL, &event);
    return tell_each(e->w, &event, NULL, (const uint8_t(*)[RECORDS_ID])ids, roots->n, err);
}

static enum ward_code batch_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct export *e = arg;
    struct ward_rows roots;

    (void)db;
    ward_arena_reset(&e->mem);
    e->line = NULL;
    e->n_lines = e->cap_lines = 0;
    e->others = 0;
    WARD_TRY(read_roots(e, &roots, err));
    for (size_t i = 0; i < roots.n; i++) {
        WARD_TRY(chart(e, roots.at[i], err));
        WARD_TRY(count_others(e, roots.at[i], err));
    }
    e->last = roots.n < BATCH;
    if (roots.n == 0)
        return WARD_OK;
    WARD_TRY(tell_batch(e, &roots, err));
    memcpy(e->after, roots.at[roots.n - 1][0].p, RECORDS_ID);
    return WARD_OK;
}

/* ---- sending ---- */

static enum ward_code send(struct export *e, uint8_t *bytes, size_t n)
{
    Response resp = WARD__RECORDS__V1__EXPORT_DEIDENTIFIED_RESPONSE__INIT;

    resp.chunk = (ProtobufCBinaryData){.data = bytes, .len = n};
    resp.resources = e->resources;
    resp.left_out = e->left_out;
    resp.uninterpreted_left_out = e->uninterpreted;
    return ward_send(e->c, &resp.base);
}

static enum ward_code send_batch(struct export *e)
{
    uint8_t *buffer = ward_alloc(&e->mem, CHUNK);
    size_t n = 0;

    e->uninterpreted += e->others;
    if (buffer == NULL)
        return WARD_FAIL(e->c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < e->n_lines; i++) {
        const char *line = e->line[i];
        size_t len = strlen(line);

        if (n > 0 && n + len + 1 > CHUNK) {
            WARD_TRY(send(e, buffer, n));
            n = 0;
        }
        /* cannot occur: a resource has at most 1 MiB, and its texts were removed */
        if (len + 1 > CHUNK)
            return WARD_FAIL(e->c->err, INTERNAL, "a line is longer than a message");
        memcpy(buffer + n, line, len);
        buffer[n + len] = '\n';
        n += len + 1;
        e->resources++;
    }
    return n > 0 ? send(e, buffer, n) : WARD_OK;
}

static enum ward_code first_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct export *e = arg;
    struct ward_event event = e->event;

    WARD_TRY(count_cohort(e, err));
    return ward_event_write(&event, db, err);
}

static enum ward_code run(struct export *e)
{
    struct ward_call *c = e->c;

    WARD_TRY(ward_db_tx(e->w->event_ctx.db, first_in_tx, e, c->err));
    while (!e->last) {
        if (ward_call_cancelled(c))
            return WARD_FAIL(c->err, CANCELLED, "the caller disconnected");
        WARD_TRY(ward_db_tx(e->w->event_ctx.db, batch_in_tx, e, c->err));
        WARD_TRY(send_batch(e));
    }
    return send(e, NULL, 0);
}

/* ---- the request ---- */

static enum ward_code check(struct export *e)
{
    const Request *req = e->req;
    struct ward_err *err = e->c->err;
    size_t n = strlen(req->project), n_condition = strlen(req->condition);
    const char *bar = strchr(req->condition, '|');

    if (strcmp(e->c->who->purpose, PURPOSE) != 0)
        return WARD_FAIL_REASON(err, PERMISSION_DENIED, "PURPOSE_NOT_ALLOWED",
                                "the call requires a research purpose");
    if (n == 0 || n > PROJECT ||
        strspn(req->project, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
        return WARD_FAIL_FIELD(err, "project", "must be 1 to %d characters of a-z 0-9 -",
                               PROJECT);
    for (size_t i = 0; i < req->n_kinds; i++) {
        if (!kind_is((int)req->kinds[i]))
            return WARD_FAIL_FIELD(err, "kinds", "has an unknown kind");
        if ((int)req->kinds[i] == KIND_OTHER || kind_is_nobodys((enum kind)req->kinds[i]))
            return WARD_FAIL_FIELD(err, "kinds",
                                   "names a kind that has no de-identified export");
        e->kinds |= KIND_BIT(req->kinds[i]);
    }
    if (req->n_kinds == 0)
        e->kinds = KINDS_ALL & ~(KIND_BIT(KIND_OTHER) | KINDS_NOBODYS);
    if (n_condition == 0)
        return WARD_OK;
    if (n_condition > CONDITION || bar == NULL || bar == req->condition || bar[1] == '\0')
        return WARD_FAIL_FIELD(err, "condition", "must be a system, | and a code");
    return param_hash(e->w->rec->keys, PARAM_CODE, req->condition, n_condition, e->condition,
                      err);
}

static enum ward_code export_deidentified(struct ward_call *c, const Request *req)
{
    struct worker *w = c->wrk;
    struct export e = {.c = c, .w = w, .req = req, .now_us = ward_wall_us()};
    enum ward_code code;

    ward_event_begin(&e.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(check(&e));
    ward_event_note(&e.event, "project", req->project);
    ward_arena_init(&e.mem, MEMORY);
    code = run(&e);
    ward_arena_done(&e.mem);
    return code;
}

enum ward_code export_deidentified_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                       ProtobufCMessage *r)
{
    (void)r;
    return export_deidentified(c, (const Request *)q);
}
