/* Selects the starting point. The resources of a patient or of a ward's few patients are read
 * by patient and sorted. If the view covers all patients, or a ward with too many patients, an
 * index is read in the page's order until the page is full. */
#include "services/records/search/plan.h"

#include "common/base/text.h"

#include <string.h>

/* Maximum patients of a ward that is scanned. Scanning a ward with n of N patients costs n
 * times a patient's resources. Scanning an index for a page costs the page's size times N / n.
 * The costs are equal near these values for N of about 100,000. */
#define FEW_BY_TOKEN    1000
#define FEW_BY_RESOURCE 300
#define MERGED_MOST     64 /* maximum tokens of one list */

/* ---- rare tokens ---- */

static int rank_of(enum param p)
{
    switch (p) {
    case PARAM_IDENTIFIER:
        return 0;
    case PARAM_TELECOM:
    case PARAM_NAME_EXACT:
        return 1;
    case PARAM_REFERENCE:
        return 2;
    case PARAM_FAMILY:
    case PARAM_GIVEN:
    case PARAM_NAME_TEXT:
        return 3;
    case PARAM_WARD:
    case PARAM_POSTAL_CODE:
        return 4;
    case PARAM_CODE:
    case PARAM_COMPONENT_CODE:
        return 5;
    case PARAM_VALUE_CONCEPT:
    case PARAM_CONCLUSION:
    case PARAM_REASON:
        return 6;
    case PARAM_ACTIVE:
    case PARAM_DECEASED:
        return 9;
    default:
        return 8;
    }
}
#define RANK_FEW 4 /* sorting is cheap for tokens up to this rank */

/* Merges values that have one group each into one list of alternatives. */
static enum ward_code merge(struct ward_arena *mem, struct filter *f, struct ward_err *err)
{
    struct value *one;
    struct tokens *all;
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++) {
        if (f->value[i].n_groups != 1)
            return WARD_OK;
        n += f->value[i].group[0].n;
    }
    if (f->n < 2 || n > MERGED_MOST)
        return WARD_OK;
    one = ward_new(mem, struct value);
    all = ward_new(mem, struct tokens);
    if (all != NULL)
        all->at = ward_alloc(mem, n * sizeof(*all->at));
    if (one == NULL || all == NULL || all->at == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the query");
    for (size_t i = 0; i < f->n; i++) {
        memcpy(all->at + all->n, f->value[i].group[0].at,
               f->value[i].group[0].n * sizeof(*all->at));
        all->n += f->value[i].group[0].n;
    }
    *one = (struct value){.group = all, .n_groups = 1};
    f->value = one;
    f->n = 1;
    return WARD_OK;
}

/* Chooses the tokens to scan: those of the parameter that probably has the fewest matches. */
static int choose(struct plan *p)
{
    int best = 100;

    for (size_t i = 0; i < p->s->n; i++) {
        const struct filter *f = &p->s->filter[i];
        bool plain = f->modifier == MOD_NONE || f->modifier == MOD_EXACT;
        int rank;

        if (!plain || f->n != 1 || f->value[0].n_groups == 0 || f->value[0].group[0].n == 0)
            continue;
        rank = rank_of(f->value[0].group[0].at[0].param);
        if (rank >= best)
            continue;
        best = rank;
        p->via = &f->value[0].group[0];
        p->done = f->value[0].n_groups == 1 ? f : NULL;
    }
    return best;
}

static const struct filter *by_ask(const struct search *s, enum ask ask)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->filter[i].param->ask == ask)
            return &s->filter[i];
    return NULL;
}

/* ---- the starting point ---- */

/* Whether the ward of the view has at most this many open encounters. */
static enum ward_code is_small(struct worker *w, struct ward_arena *mem, const struct view *v,
                               int64_t most, bool *out, struct ward_err *err)
{
    static const char sql[] = "SELECT COUNT(*) FROM (SELECT 1 FROM open_encounter"
                              " WHERE ward = ? LIMIT 1001) few";
    struct ward_rows rows;
    int64_t n = 0;

    WARD_TRY(
        ward_db_run(w->event_ctx.db, mem, sql, WARD_PARAMS(ward_text(v->ward)), &rows, err));
    *out = ward_i64(rows.at[0][0].p, 0, INT64_MAX, &n) && n <= most;
    return WARD_OK;
}

enum ward_code plan_make(struct worker *w, struct ward_arena *mem, struct search *s,
                         const struct view *view, struct plan *out, struct ward_err *err)
{
    struct plan p = {.s = s, .view = view, .start = START_ALL};
    bool few = view_is_few(view, s->kind);
    int rank;

    for (size_t i = 0; i < s->n; i++)
        if (s->filter[i].value != NULL && s->filter[i].param->ask != ASK_PATIENT)
            WARD_TRY(merge(mem, &s->filter[i], err));
    rank = choose(&p);
    if ((p.by = by_ask(s, ASK_ID)) != NULL) {
        p.start = START_IDS;
        p.via = NULL;
    } else if ((p.by = by_ask(s, ASK_PATIENT)) != NULL) {
        p.start = START_PATIENTS;
    } else if (few) {
        WARD_TRY(
            is_small(w, mem, view, p.via != NULL ? FEW_BY_TOKEN : FEW_BY_RESOURCE, &few, err));
        p.start = few ? START_FEW : START_ALL;
    }
    if (p.start == START_ALL && rank > RANK_FEW &&
        s->order == WARD__RECORDS__V1__ORDER__ORDER_UPDATED_DESC)
        p.via = NULL; /* the index by time of writing already has the page's order */
    if (p.via == NULL)
        p.done = NULL;
    *out = p;
    return WARD_OK;
}
