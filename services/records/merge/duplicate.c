/* Finds candidates for duplicates of a patient, and compares them with the patient. */
#include "services/records/merge/duplicate.h"

#include <stdlib.h>
#include <string.h>

/* Rows of tokens that are read for each requested candidate. Thousands of patients may share a
 * family name or the telephone of a home. Only the first rows are then read, because a Create
 * must be fast.
 */
#define READ_FOR_ONE 10

struct search {
    struct worker *w;
    struct ward_arena *mem;
    const struct view *view;
    const uint8_t *root;
    size_t most;
    bool by_names;
    const Patient *patient;
    struct ward_rows different; /* roots of different patients, in the first column */
    uint8_t (*found)[RECORDS_ID];
    size_t n_found;
    Candidate **out;
    size_t n_out;
};

static bool has(const struct search *s, const uint8_t id[RECORDS_ID])
{
    for (size_t i = 0; i < s->n_found; i++)
        if (memcmp(s->found[i], id, RECORDS_ID) == 0)
            return true;
    for (size_t i = 0; i < s->different.n; i++)
        if (memcmp(s->different.at[i][0].p, id, RECORDS_ID) == 0)
            return true;
    return false;
}

static enum ward_code read_different(struct search *s, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT y.root_id FROM patient x JOIN patient_different d ON d.a_id = x.patient_id"
        " JOIN patient y ON y.patient_id = d.b_id WHERE x.root_id = ?"
        " UNION SELECT y.root_id FROM patient x JOIN patient_different d"
        " ON d.b_id = x.patient_id JOIN patient y ON y.patient_id = d.a_id WHERE x.root_id = ?";
    struct ward_val root = ward_blob(s->root, RECORDS_ID);

    return ward_db_run(s->w->event_ctx.db, s->mem, SQL, WARD_PARAMS(root, root), &s->different,
                       err);
}

/* A Patient's tokens belong to the resource whose id is the patient's. */
#define SHARED                                                                                 \
    "SELECT r.patient_id FROM (SELECT o.patient_id FROM token t STRAIGHT_JOIN token o"         \
    " FORCE INDEX (token_everywhere) ON o.param = t.param AND o.hash = t.hash"                 \
    " AND o.resource_id = o.patient_id WHERE t.patient_id = ?"                                 \
    " AND t.resource_id = t.patient_id AND o.patient_id <> t.patient_id AND t.param = "
#define SEEN                                                                                   \
    " LIMIT ?) near STRAIGHT_JOIN patient p ON p.patient_id = near.patient_id"                 \
    " STRAIGHT_JOIN resource r ON r.patient_id = p.patient_id"                                 \
    " AND r.resource_id = p.patient_id WHERE p.root_id = p.patient_id"                         \
    " AND p.erased_at_us IS NULL AND " VIEW_SQL " GROUP BY r.patient_id LIMIT ?"

/* Adds candidates. Queries with strong evidence come first, because the list is limited. */
static enum ward_code find(struct search *s, const char *sql, struct ward_err *err)
{
    int64_t most = (int64_t)s->most + (int64_t)s->different.n;
    struct ward_val params[3 + VIEW_PARAMS] = {ward_blob(s->root, RECORDS_ID),
                                               ward_int(s->mem, most * READ_FOR_ONE)};
    struct ward_rows rows;

    view_params(s->view, KIND_PATIENT, s->mem, params + 2);
    params[2 + VIEW_PARAMS] = ward_int(s->mem, most);
    WARD_TRY(
        ward_db_run(s->w->event_ctx.db, s->mem, sql, params, WARD_COUNT(params), &rows, err));
    for (size_t i = 0; i < rows.n && s->n_found < s->most; i++) {
        const uint8_t *id = (const uint8_t *)rows.at[i][0].p;

        if (!has(s, id))
            memcpy(s->found[s->n_found++], id, RECORDS_ID);
    }
    return WARD_OK;
}

static enum ward_code find_all(struct search *s, struct ward_err *err)
{
    /* PARAM_IDENTIFIER */
    static const char BY_IDENTIFIER[] = SHARED "30" SEEN;
    /* PARAM_BIRTH_AND_NAME */
    static const char BY_BIRTH[] = SHARED "37" SEEN;
    /* PARAM_TELECOM */
    static const char BY_TELECOM[] = SHARED "35" SEEN;
    /* PARAM_NAME_PAIR: two parts of a name */
    static const char BY_NAMES[] = SHARED "38" SEEN;
    static const char *const all[] = {BY_IDENTIFIER, BY_BIRTH, BY_TELECOM, BY_NAMES};
    size_t n = s->by_names ? WARD_COUNT(all) : WARD_COUNT(all) - 1;

    s->found = ward_alloc(s->mem, s->most * sizeof(*s->found));
    if (s->found == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to look for duplicates");
    for (size_t i = 0; i < n && s->n_found < s->most; i++)
        WARD_TRY(find(s, all[i], err));
    return WARD_OK;
}

static enum ward_code open_patient(const struct search *s, const uint8_t id[RECORDS_ID],
                                   const Patient **out, struct ward_err *err)
{
    struct version v;
    Resource *res;

    WARD_TRY(chart_find(s->w, s->mem, s->view, KIND_PATIENT, id, &v, err));
    WARD_TRY(chart_open(s->w, s->mem, &v, &res, err));
    *out = res->patient;
    return WARD_OK;
}

static enum ward_code score_one(struct search *s, const uint8_t id[RECORDS_ID],
                                struct ward_err *err)
{
    Candidate *c = ward_new(s->mem, Candidate);
    const Patient *other;

    if (c == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to look for duplicates");
    WARD_TRY(open_patient(s, id, &other, err));
    ward__records__v1__candidate__init(c);
    c->patient_id = ward_alloc(s->mem, 37);
    if (c->patient_id == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to look for duplicates");
    ward_uuid_text(id, c->patient_id);
    WARD_TRY(score_pair(s->mem, s->patient, other, c, err));
    if (c->match != WARD__RECORDS__V1__MATCH__MATCH_UNSPECIFIED)
        s->out[s->n_out++] = c;
    return WARD_OK;
}

/* Orders by match (CERTAIN, PROBABLE, POSSIBLE), and then by score. */
static int best_first(const void *a, const void *b)
{
    const Candidate *x = *(const Candidate *const *)a, *y = *(const Candidate *const *)b;

    if (x->match != y->match)
        return x->match < y->match ? -1 : 1;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return strcmp(x->patient_id, y->patient_id);
}

enum ward_code duplicates_of(struct worker *w, struct ward_arena *mem, const struct view *view,
                             const uint8_t root[RECORDS_ID], size_t most, Candidate ***out,
                             size_t *n, struct ward_err *err)
{
    struct search s = {.w = w,
                       .mem = mem,
                       .view = view,
                       .root = root,
                       .most = most,
                       .by_names = most > DUPLICATE_COUNTED};

    WARD_TRY(read_different(&s, err));
    WARD_TRY(open_patient(&s, root, &s.patient, err));
    WARD_TRY(find_all(&s, err));
    s.out = ward_alloc(mem, s.n_found * sizeof(Candidate *));
    if (s.out == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to look for duplicates");
    for (size_t i = 0; i < s.n_found; i++)
        WARD_TRY(score_one(&s, s.found[i], err));
    if (s.n_out > 1)
        qsort(s.out, s.n_out, sizeof(Candidate *), best_first);
    *out = s.out;
    *n = s.n_out;
    return WARD_OK;
}

enum ward_code duplicates_count(struct worker *w, struct ward_arena *mem,
                                const struct view *view, const uint8_t patient[RECORDS_ID],
                                int32_t *n, struct ward_err *err)
{
    Candidate **found;
    size_t count;

    WARD_TRY(duplicates_of(w, mem, view, patient, DUPLICATE_COUNTED, &found, &count, err));
    *n = (int32_t)count;
    return WARD_OK;
}
