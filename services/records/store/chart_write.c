/* Checks the conditions of a write, and then writes versions. */
#include "services/records/store/chart_own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- transactions ---- */

struct guarded {
    ward_tx_fn *fn;
    void *arg;
    bool conflict;
};

/* Prevents the retry of a version conflict: ward_db_tx retries after ABORTED, but a version
 * conflict would persist. */
static enum ward_code guard(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct guarded *g = arg;
    enum ward_code code = g->fn(db, g->arg, err);

    g->conflict =
        code == WARD_ABORTED && err != NULL && strcmp(err->reason, "VERSION_CONFLICT") == 0;
    return g->conflict ? WARD_FAILED_PRECONDITION : code;
}

enum ward_code chart_tx(struct worker *w, ward_tx_fn *fn, void *arg, struct ward_err *err)
{
    struct guarded g = {fn, arg, false};
    struct ward_err own = {0};
    enum ward_code code;

    if (err == NULL)
        err = &own;
    code = ward_db_tx(w->event_ctx.db, guard, &g, err);
    if (code == WARD_FAILED_PRECONDITION && g.conflict) {
        err->code = WARD_ABORTED;
        return WARD_ABORTED;
    }
    return code;
}

/* ---- ids ---- */

static enum ward_code take_id(struct ward_arena *mem, struct item *it, struct ward_err *err)
{
    const char *given = resource_id(it->what->res);
    char *text = ward_alloc(mem, 37);

    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an id");
    if (*given == '\0' && it->what->expected_version == 0)
        ward_uuid7(it->id);
    else if (!ward_uuid_parse(given, it->id))
        return WARD_FAIL_FIELD(err, "id", "is not a UUID");
    ward_uuid_text(it->id, text);
    resource_set_id(it->what->res, text);
    return WARD_OK;
}

static enum ward_code begin(struct worker *w, struct ward_arena *mem, const struct write *what,
                            struct item *it, struct ward_err *err)
{
    it->what = what;
    it->version = what->expected_version + 1;
    it->at_us = what->at_us;
    WARD_TRY(take_id(mem, it, err));
    if (what->index == NULL)
        return index_of(w->rec->keys, mem, what->res, &it->f, err);
    it->f = *what->index;
    return WARD_OK;
}

/* ---- existing resources ----
 *
 * A NULL view limits nothing: imports have already checked the access. */

static enum ward_code alive(const struct patient *p, struct ward_err *err)
{
    if (p->erased)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "PATIENT_ERASED",
                                "the patient was erased");
    return WARD_OK;
}

static enum ward_code current(const struct patient *p, struct ward_err *err)
{
    WARD_TRY(alive(p, err));
    if (memcmp(p->id, p->root, RECORDS_ID) != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "PATIENT_MERGED",
                                "the patient was merged into another");
    return WARD_OK;
}

/* ---- a new resource ---- */

static enum ward_code new_patient(struct worker *w, struct ward_arena *mem,
                                  const struct view *view, struct item *it,
                                  struct ward_err *err)
{
    if (view != NULL && (view->scope.everyone & KIND_BIT(KIND_PATIENT)) == 0)
        return WARD_FAIL_REASON(err, PERMISSION_DENIED, "KIND_NOT_ALLOWED",
                                "no role of this person may register patients");
    it->fresh = it->owned = true;
    memcpy(it->p.id, it->id, RECORDS_ID);
    return patient_prepare(w, mem, it, err);
}

static enum ward_code of_patient(struct worker *w, struct ward_arena *mem,
                                 const struct view *view, struct item *it, struct ward_err *err)
{
    uint8_t id[RECORDS_ID];

    WARD_TRY(resource_patient(it->what->res, id, err));
    WARD_TRY(patient_find(w, mem, id, true, &it->p, err));
    it->owned = true;
    if (view != NULL)
        WARD_TRY(view_covers(w, mem, view, it->f.kind, it->f.labels, id, err));
    return current(&it->p, err);
}

static enum ward_code create(struct worker *w, struct ward_call *c, const struct view *view,
                             struct item *it, struct ward_err *err)
{
    if (it->f.kind == KIND_PATIENT)
        WARD_TRY(new_patient(w, c->mem, view, it, err));
    else
        WARD_TRY(of_patient(w, c->mem, view, it, err));
    WARD_TRY(names_what_is_there(w, c->mem, view, it, ward_text(NULL), err));
    WARD_TRY(seal_item(c, it, err));
    return put_new(w, c, it, 1, err);
}

/* ---- the next version ---- */

struct held {
    uint8_t patient[RECORDS_ID];
    int version;
    int64_t written_at_us;
    bool wrong;
    struct ward_val encounter; /* NULL: the current version names no encounter */
};

#define HELD                                                                                   \
    "SELECT r.patient_id, r.version, r.written_at_us, r.wrong, r.encounter_id"                 \
    " FROM resource r WHERE r.resource_id = ? AND r.kind = ?"

/* Locks the resource; other writers wait. The view's condition is in a subquery, because a
 * locking read does not lock the rows of subqueries. */
static enum ward_code hold(struct worker *w, struct ward_arena *mem, const struct view *view,
                           const struct item *it, struct held *out, struct ward_err *err)
{
    static const char ANY[] = HELD " FOR UPDATE";
    static const char SEEN[] =
        HELD " AND EXISTS (SELECT 1 FROM patient p WHERE p.patient_id = r.patient_id"
             " AND " VIEW_SQL ") FOR UPDATE";
    struct ward_val params[2 + VIEW_PARAMS] = {id_val(it->id), ward_int(mem, it->f.kind)};
    bool any = view == NULL;
    struct ward_rows rows;

    if (view != NULL)
        view_params(view, it->f.kind, mem, params + 2);
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, any ? ANY : SEEN, params,
                         any ? 2 : WARD_COUNT(params), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "RESOURCE_NOT_FOUND", "no such resource");
    memcpy(out->patient, rows.at[0][0].p, RECORDS_ID);
    out->version = (int)row_number(rows.at[0][1]);
    out->written_at_us = row_number(rows.at[0][2]);
    out->wrong = row_number(rows.at[0][3]) != 0;
    out->encounter = rows.at[0][4];
    return WARD_OK;
}

static enum ward_code may_follow(const struct item *it, const struct held *h,
                                 struct ward_err *err)
{
    uint8_t patient[RECORDS_ID];

    WARD_TRY(resource_patient(it->what->res, patient, err));
    if (memcmp(patient, h->patient, RECORDS_ID) != 0)
        return WARD_FAIL_FIELD(err, "subject", "must not change the patient");
    if (h->wrong)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ENTERED_IN_ERROR",
                                "the resource was entered in error");
    if (h->version != it->what->expected_version)
        return WARD_FAIL_REASON(err, ABORTED, "VERSION_CONFLICT",
                                "the current version is %d, not %d", h->version,
                                it->what->expected_version);
    return WARD_OK;
}

/* Only a merge and an unmerge write the Patient of a merged patient. */
static enum ward_code owner_may(const struct item *it, struct ward_err *err)
{
    Ward__Records__V1__Act act = it->what->act;

    if (it->f.kind != KIND_PATIENT || act == WARD__RECORDS__V1__ACT__ACT_MERGED ||
        act == WARD__RECORDS__V1__ACT__ACT_UNMERGED)
        return alive(&it->p, err);
    return current(&it->p, err);
}

static enum ward_code update(struct worker *w, struct ward_call *c, const struct view *view,
                             struct item *it, struct ward_err *err)
{
    struct held h = {0};

    WARD_TRY(hold(w, c->mem, view, it, &h, err));
    WARD_TRY(may_follow(it, &h, err));
    WARD_TRY(patient_find(w, c->mem, h.patient, true, &it->p, err));
    WARD_TRY(owner_may(it, err));
    WARD_TRY(names_what_is_there(w, c->mem, view, it, h.encounter, err));
    if (it->at_us < h.written_at_us)
        it->at_us = h.written_at_us;
    WARD_TRY(seal_item(c, it, err));
    return put_next(w, c, it, err);
}

/* ---- one resource ---- */

/* The part that outlives the item: the key of a new patient. */
static enum ward_code keep_key(struct ward_arena *mem, const struct item *it,
                               struct version *out, struct ward_err *err)
{
    uint8_t *copy = ward_alloc(mem, WARD_WRAPPED);

    if (copy == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a key");
    memcpy(copy, it->p.wrapped.p, WARD_WRAPPED);
    out->kek = it->p.kek;
    out->wrapped = ward_blob(copy, WARD_WRAPPED);
    return WARD_OK;
}

enum ward_code chart_write(struct worker *w, struct ward_call *c, const struct view *view,
                           const struct write *what, struct version *out, struct ward_err *err)
{
    const struct view *within = what->by_import ? NULL : view;
    struct item it = {0};
    enum ward_code code = begin(w, c->mem, what, &it, err);

    if (code == WARD_OK)
        code = what->expected_version == 0 ? create(w, c, within, &it, err)
                                           : update(w, c, within, &it, err);
    if (code == WARD_OK && out != NULL) {
        item_row(&it, c, out);
        code = keep_key(c->mem, &it, out, err);
    }
    patient_wipe(&it.p);
    return code;
}

/* ---- many resources ---- */

static const struct item *same_patient(const struct item *items, size_t n,
                                       const uint8_t id[RECORDS_ID])
{
    for (size_t i = n; i > 0; i--)
        if (items[i - 1].owned && memcmp(items[i - 1].p.id, id, RECORDS_ID) == 0)
            return &items[i - 1];
    return NULL;
}

/* Prepares patients first, because a resource may precede its patient in the list. */
static enum ward_code prepare_patients(struct worker *w, struct ward_arena *mem,
                                       struct item *items, size_t n, struct ward_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].f.kind == KIND_PATIENT)
            WARD_TRY(new_patient(w, mem, NULL, &items[i], err));
    return WARD_OK;
}

static enum ward_code prepare(struct worker *w, const struct ward_call *c, struct item *items,
                              size_t n, struct ward_err *err)
{
    struct ward_arena *mem = c->mem;

    WARD_TRY(prepare_patients(w, mem, items, n, err));
    for (size_t i = 0; i < n; i++) {
        struct item *it = &items[i];
        const struct item *known;
        uint8_t id[RECORDS_ID];

        WARD_TRY(resource_patient(it->what->res, id, err));
        known = same_patient(items, n, id);
        if (known == NULL) {
            WARD_TRY(of_patient(w, mem, NULL, it, err));
        } else if (known != it) {
            it->p = known->p;
            it->owned = true;
        }
        WARD_TRY(names_what_is_there(w, mem, NULL, it, ward_text(NULL), err));
        WARD_TRY(seal_item(c, it, err));
    }
    return WARD_OK;
}

enum ward_code chart_write_new(struct worker *w, struct ward_call *c, const struct write *what,
                               size_t n, struct ward_err *err)
{
    struct item *items = ward_alloc(c->mem, n * sizeof(*items));
    enum ward_code code = WARD_OK;

    if (items == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to write resources");
    for (size_t i = 0; code == WARD_OK && i < n; i++) {
        WARD_ASSERT(what[i].by_import && what[i].expected_version == 0);
        code = begin(w, c->mem, &what[i], &items[i], err);
    }
    if (code == WARD_OK)
        code = prepare(w, c, items, n, err);
    if (code == WARD_OK)
        code = put_new(w, c, items, n, err);
    for (size_t i = 0; i < n; i++)
        patient_wipe(&items[i].p);
    return code;
}
