/* ExportBundle: selects the charts, and sends them page by page. */
#include "services/records/exchange/export.h"

#include "services/records/store/directory.h"
#include "ward/records/v1/exchange.pb-c.h"

#include <string.h>

typedef Ward__Records__V1__ExportBundleRequest Request;

#define PAGE      50                  /* resources of a page, each at most 1 MiB encrypted */
#define PAGE_MEM  ((size_t)128 << 20) /* memory of a page */
#define ONE_MEM   ((size_t)64 << 20)  /* memory to decrypt and serialize one resource */
#define PATIENTS  500
#define EVERY_ONE "records-admin"

struct export
{
    struct ward_call *call;
    struct worker *w;
    /* a copy of the call, with memory that is released after each chart */
    struct ward_call sub;
    struct ward_event event;
    struct view view;
    bool everything; /* the caller is records-admin: no view applies */
    uint32_t kinds;
    struct export_out out;
    struct ward_arena chart, page, one;
    uint8_t(*ids)[RECORDS_ID]; /* the n patients of the chart in progress */
    size_t n;
};

    /* ---- resources of one kind ---- */

#define OF_PATIENT                                                                             \
    "SELECT " VERSION_COLUMNS                                                                  \
    " FROM resource r JOIN patient p ON p.patient_id = r.patient_id" VERSION_OF_R VERSION_KEYS \
    " WHERE r.patient_id = ? AND r.kind = ? AND r.resource_id > ?"
#define IN_ORDER " ORDER BY r.resource_id LIMIT 50"

static enum ward_code ask(struct export *x, const uint8_t *patient, enum kind kind,
                          const uint8_t *after, struct ward_rows *rows, struct ward_err *err)
{
    static const char ALL[] = OF_PATIENT IN_ORDER;
    static const char SEEN[] = OF_PATIENT " AND " VIEW_SQL IN_ORDER;
    struct ward_val params[3 + VIEW_PARAMS] = {
        ward_blob(patient, RECORDS_ID), ward_int(&x->page, kind), ward_blob(after, RECORDS_ID)};

    if (x->everything)
        return ward_db_run(x->w->event_ctx.db, &x->page, ALL, params, 3, rows, err);
    view_params(&x->view, kind, &x->page, params + 3);
    return ward_db_run(x->w->event_ctx.db, &x->page, SEEN, params, WARD_COUNT(params), rows,
                       err);
}

static enum ward_code give(struct export *x, const struct version *v, struct ward_err *err)
{
    Ward__Records__V1__Record *r;

    if (v->wrapped.p == NULL) /* the patient was erased during the export */
        return WARD_OK;
    ward_arena_reset(&x->one);
    WARD_TRY(chart_record(x->w, &x->one, v, &r, err));
    return export_record(&x->out, &x->one, r, err);
}

static enum ward_code give_kind(struct export *x, const uint8_t *patient, enum kind kind,
                                struct ward_err *err)
{
    uint8_t after[RECORDS_ID] = {0};
    struct ward_rows rows;

    do {
        if (ward_call_cancelled(x->call))
            return WARD_FAIL(err, CANCELLED, "the caller disconnected, or the deadline passed");
        ward_arena_reset(&x->page);
        WARD_TRY(ask(x, patient, kind, after, &rows, err));
        for (size_t i = 0; i < rows.n; i++) {
            struct version v;

            version_of(rows.at[i], &v);
            memcpy(after, v.id, RECORDS_ID);
            WARD_TRY(give(x, &v, err));
        }
    } while (rows.n == PAGE);
    return WARD_OK;
}

/* ---- one chart ---- */

static enum ward_code tell_chart(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct export *x = arg;

    (void)db;
    return tell_each(x->w, &x->event, x->everything ? NULL : &x->view,
                     (const uint8_t(*)[RECORDS_ID])x->ids, x->n, err);
}

/* Sends a chart. The audit event is written before the first byte is sent. */
static enum ward_code give_chart(struct export *x, const uint8_t root[RECORDS_ID],
                                 struct ward_err *err)
{
    WARD_TRY(patients_of(x->w, &x->chart, root, &x->ids, &x->n, err));
    WARD_TRY(ward_db_tx(x->w->event_ctx.db, tell_chart, x, err));
    x->call->audited = x->call->audited || x->sub.audited;
    WARD_TRY(export_begin(&x->out));
    for (enum kind k = KIND_PATIENT; k < KINDS; k++)
        for (size_t i = 0; (x->kinds & KIND_BIT(k)) != 0 && i < x->n; i++)
            WARD_TRY(give_kind(x, x->ids[i], k, err));
    return export_end(&x->out);
}

static enum ward_code not_found(struct export *x)
{
    return WARD_FAIL_REASON(x->call->err, NOT_FOUND, "PATIENT_NOT_FOUND", "no such patient");
}

static enum ward_code give_one(struct export *x, const char *patient_id)
{
    struct ward_call *c = x->call;
    struct patient p;
    struct version v;
    uint8_t id[RECORDS_ID];
    char text[37];
    enum ward_code code;

    WARD_TRY(ward_call_id(c, "patient_id", patient_id, id, text));
    tell_if_refused(x->w, id);
    code = patient_find(x->w, c->mem, id, false, &p, c->err);
    if (code != WARD_OK)
        return code;
    patient_wipe(&p);
    if (p.erased)
        return not_found(x);
    if (!x->everything) {
        code = chart_find(x->w, c->mem, &x->view, KIND_PATIENT, id, &v, c->err);
        if (code == WARD_NOT_FOUND)
            return not_found(x);
        if (code != WARD_OK)
            return code;
    }
    return give_chart(x, p.root, c->err);
}

static enum ward_code give_everyone(struct export *x)
{
    static const char SQL[] = "SELECT patient_id FROM patient WHERE patient_id > ?"
                              " AND root_id = patient_id AND erased_at_us IS NULL"
                              " ORDER BY patient_id LIMIT 500";
    uint8_t batch[PATIENTS][RECORDS_ID] = {{0}};
    struct ward_call *c = x->call;
    struct ward_rows rows;
    size_t n = 1;

    do {
        ward_arena_reset(&x->chart);
        WARD_TRY(ward_db_run(x->w->event_ctx.db, &x->chart, SQL,
                             WARD_PARAMS(ward_blob(batch[n - 1], RECORDS_ID)), &rows, c->err));
        n = rows.n;
        for (size_t i = 0; i < n; i++)
            memcpy(batch[i], rows.at[i][0].p, RECORDS_ID);
        for (size_t i = 0; i < n; i++) {
            ward_arena_reset(&x->chart);
            WARD_TRY(give_chart(x, batch[i], c->err));
        }
    } while (n == PATIENTS);
    return WARD_OK;
}

/* ---- resources without a patient ---- */

/* Sends one bundle with the resources without a patient, after all charts. Sends no bundle if
 * there are no such resources. */
static enum ward_code give_directory(struct export *x)
{
    static const char SQL[] = DIRECTORY_CURRENT
        " WHERE d.resource_id > ? AND (? >> d.kind) & 1 ORDER BY d.resource_id LIMIT 50";
    struct ward_err *err = x->call->err;
    uint8_t after[RECORDS_ID] = {0};
    struct ward_rows rows;
    bool begun = false;

    do {
        if (ward_call_cancelled(x->call))
            return WARD_FAIL(err, CANCELLED, "the caller disconnected, or the deadline passed");
        ward_arena_reset(&x->page);
        WARD_TRY(
            ward_db_run(x->w->event_ctx.db, &x->page, SQL,
                        WARD_PARAMS(ward_blob(after, RECORDS_ID), ward_int(&x->page, x->kinds)),
                        &rows, err));
        if (rows.n > 0 && !begun)
            WARD_TRY(export_begin(&x->out));
        begun = begun || rows.n > 0;
        for (size_t i = 0; i < rows.n; i++) {
            struct version v;

            directory_version_of(rows.at[i], &v);
            memcpy(after, v.id, RECORDS_ID);
            WARD_TRY(give(x, &v, err));
        }
    } while (rows.n == PAGE);
    return begun ? export_end(&x->out) : WARD_OK;
}

/* ---- the call ---- */

static enum ward_code kinds_of(struct ward_call *c, const Request *q, uint32_t *out)
{
    uint32_t kinds = 0;

    for (size_t i = 0; i < q->n_kinds; i++) {
        if (!kind_is((int)q->kinds[i]))
            return WARD_FAIL_FIELD(c->err, "kinds", "has an unknown kind");
        kinds |= KIND_BIT(q->kinds[i]);
    }
    *out = kinds == 0 ? KINDS_ALL : kinds;
    return WARD_OK;
}

static enum ward_code allow(struct export *x, const Request *q)
{
    struct ward_call *c = x->call;

    x->everything = ward_principal_has(c->who, EVERY_ONE);
    if (x->everything)
        return WARD_OK;
    WARD_TRY(view_of(c, USE_READ, &x->view, c->err));
    view_only(&x->view, c, USE_READ, c->method->roles, c->method->n_roles);
    WARD_TRY(view_allows(&x->view, c, USE_READ, KIND_PATIENT, c->err));
    if (*q->patient_id == '\0')
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "ROLE_MISSING",
                                "only records-admin may export everyone's charts");
    return WARD_OK;
}

static enum ward_code run(struct export *x, const Request *q)
{
    struct ward_call *c = x->call;

    WARD_TRY(kinds_of(c, q, &x->kinds));
    WARD_TRY(allow(x, q));
    WARD_TRY(export_open(&x->out, c, c->err));
    ward_db_deadline(x->w->event_ctx.db, c->deadline_ns);
    if (*q->patient_id != '\0')
        WARD_TRY(give_one(x, q->patient_id));
    else
        WARD_TRY(give_everyone(x));
    if (*q->patient_id == '\0' && (x->kinds & (KIND_BIT(KIND_OTHER) | KINDS_NOBODYS)) != 0)
        WARD_TRY(give_directory(x));
    return export_flush(&x->out);
}

static enum ward_code nobody_told(struct ward_db *db, void *arg, struct ward_err *err)
{
    return ward_event_write(arg, db, err);
}

enum ward_code export_bundle_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    struct export x = {.call = c, .w = c->wrk, .sub = *c};
    enum ward_code code;

    (void)r;
    ward_arena_init(&x.chart, PAGE_MEM);
    ward_arena_init(&x.page, PAGE_MEM);
    ward_arena_init(&x.one, ONE_MEM);
    ward_event_begin(&x.event, c, &x.w->event_ctx, NULL);
    x.sub.mem = &x.chart;
    x.event.call = &x.sub;
    code = run(&x, (const Request *)q);
    ward_arena_done(&x.chart);
    ward_arena_done(&x.page);
    ward_arena_done(&x.one);
    /* no patient was exported, so no event was written yet */
    if (code == WARD_OK && !c->audited) {
        x.event.call = c;
        code = ward_db_tx(x.w->event_ctx.db, nobody_told, &x.event, c->err);
    }
    return code;
}
