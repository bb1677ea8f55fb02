/* Builds and runs the statements of a plan. */
#include "services/records/search/plan.h"

#include "common/base/text.h"

#include <string.h>

#define UPDATED WARD__RECORDS__V1__ORDER__ORDER_UPDATED_DESC
#define ASC     WARD__RECORDS__V1__ORDER__ORDER_DATE_ASC

#define OF_PATIENT " STRAIGHT_JOIN patient p ON p.patient_id = r.patient_id"
#define OF_TOKEN                                                                               \
    " STRAIGHT_JOIN resource r FORCE INDEX (PRIMARY) ON r.patient_id = d.patient_id"           \
    " AND r.resource_id = d.resource_id"

#define ONE_STATEMENT SIZE_MAX

struct bounds {
    int64_t low, high; /* bounds of from_us, both inclusive */
    int64_t soft;      /* a later lower bound for short resources; NO_DATE: no such bound */
};

/* ---- the range of dates to read ---- */

/* Earliest start of a resource that ends after `us` and is not longer than SEARCH_LONG_US. */
static int64_t began(int64_t us)
{
    return us - SEARCH_LONG_US;
}

static struct bounds of_value(const struct value *v)
{
    struct bounds b = {DATE_SINCE, INT64_MAX, NO_DATE};

    switch (v->prefix) {
    case PRE_EQ:
        return (struct bounds){v->from_us, v->to_us - 1, NO_DATE};
    case PRE_LT:
    case PRE_EB:
        b.high = v->from_us - 1;
        return b;
    case PRE_LE:
        b.high = v->to_us - 1;
        return b;
    case PRE_AP:
        b.high = v->to_us - 1;
        b.soft = began(v->from_us);
        return b;
    case PRE_SA:
        b.low = v->to_us;
        return b;
    case PRE_GE:
    case PRE_GT:
        b.soft = began(v->from_us);
        return b;
    default:
        return b;
    }
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct bounds bounds_of(const struct plan *p)
{
    struct bounds all = {NO_DATE, INT64_MAX, NO_DATE};

    for (size_t i = 0; i < p->s->n; i++) {
        const struct filter *f = &p->s->filter[i];
        struct bounds any = {INT64_MAX, NO_DATE, INT64_MAX};

        if (f->param->ask != ASK_DATE || f->value == NULL)
            continue;
        for (size_t k = 0; k < f->n; k++) {
            struct bounds b = of_value(&f->value[k]);
            int64_t soft = larger(b.low, b.soft);

            any.low = b.low < any.low ? b.low : any.low;
            any.high = larger(any.high, b.high);
            any.soft = soft < any.soft ? soft : any.soft;
        }
        all.low = larger(all.low, any.low);
        all.high = any.high < all.high ? any.high : all.high;
        all.soft = larger(all.soft, any.soft);
    }
    if (p->start != START_ALL || p->s->order == UPDATED || all.soft <= all.low)
        all.soft = NO_DATE; /* few resources are read, or not in the order of dates */
    return all;
}

static void no_sooner(struct bounds *b)
{
    b->low = larger(b->low, b->soft);
}

/* ---- the starting point ---- */

static void from_all(const struct plan *p, size_t branch, struct sql *q)
{
    struct tokens one;

    if (p->via == NULL) {
        sql_put(q, p->s->order == UPDATED
                       ? " FROM resource r FORCE INDEX (resource_written)" OF_PATIENT
                       : " FROM resource r FORCE INDEX (resource_of_kind)" OF_PATIENT);
        sql_put(q, " WHERE r.kind = ?");
        return;
    }
    sql_put(q, " FROM token d FORCE INDEX (token_everywhere)" OF_TOKEN OF_PATIENT);
    if (branch == ONE_STATEMENT) {
        cond_tokens(q, " WHERE d.param IN ", " AND d.hash IN ", p->via);
    } else {
        one = (struct tokens){.at = p->via->at + branch, .n = 1};
        cond_tokens(q, " WHERE d.param = ", " AND d.hash = ", &one);
    }
    sql_put(q, " AND r.kind = ?");
}

static void by_patient(const struct plan *p, struct sql *q)
{
    if (p->via == NULL) {
        sql_put(q, " STRAIGHT_JOIN resource r FORCE INDEX (resource_by_date)"
                   " ON r.patient_id = p.patient_id");
        return;
    }
    cond_tokens(q,
                " STRAIGHT_JOIN token d FORCE INDEX (PRIMARY) ON d.patient_id = p.patient_id"
                " AND d.param IN ",
                " AND d.hash IN ", p->via);
    sql_put(q, OF_TOKEN);
}

/* All records of the requested patients' charts. A merge changes roots, so the statement that
 * reads the resources also reads the roots. Two patients may have one chart. */
static void from_charts(const struct plan *p, struct sql *q)
{
    bool one = p->by->n == 1;

    if (one)
        sql_put(q, " FROM patient asked");
    else
        cond_ids(q, " FROM (SELECT DISTINCT root_id FROM patient WHERE patient_id IN ", p->by);
    sql_put(q, one ? "" : ") asked");
    sql_put(q, " STRAIGHT_JOIN patient p FORCE INDEX (patient_root)"
               " ON p.root_id = asked.root_id");
    by_patient(p, q);
    if (one)
        cond_ids(q, " WHERE asked.patient_id IN ", p->by);
    sql_put(q, one ? " AND r.kind = ?" : " WHERE r.kind = ?");
}

static void from_where(const struct plan *p, size_t branch, struct sql *q)
{
    struct ward_val few[VIEW_FEW_PARAMS];

    switch (p->start) {
    case START_IDS:
        sql_put(q, " FROM resource r FORCE INDEX (resource_by_id)" OF_PATIENT);
        cond_ids(q, " WHERE r.resource_id IN ", p->by);
        sql_put(q, " AND r.kind = ?");
        break;
    case START_PATIENTS:
        from_charts(p, q);
        break;
    case START_FEW:
        sql_put(q, " FROM " VIEW_FEW_SQL
                   " mine STRAIGHT_JOIN patient p ON p.patient_id = mine.patient_id");
        view_few_params(p->view, q->mem, few);
        for (size_t i = 0; i < VIEW_FEW_PARAMS; i++)
            sql_bind(q, few[i]);
        by_patient(p, q);
        sql_put(q, " WHERE r.kind = ?");
        break;
    case START_ALL:
        from_all(p, branch, q);
        break;
    }
    sql_bind(q, ward_int(q->mem, p->s->kind));
}

/* ---- conditions ---- */

/* Without a part that applies, no resource is readable. */
static void put_view(const struct plan *p, struct sql *q)
{
    struct view_part part[VIEW_PARTS];

    records_view_parts(p->view, p->s->kind, q->mem, part);
    sql_put(q, " AND (FALSE");
    for (size_t i = 0; i < VIEW_PARTS; i++) {
        if (!part[i].applies)
            continue;
        sql_put(q, " OR ");
        sql_put(q, part[i].sql);
        for (size_t k = 0; k < part[i].n_params; k++)
            sql_bind(q, part[i].param[k]);
    }
    sql_put(q, ")");
}

void plan_which(const struct plan *p, struct sql *q)
{
    if (!p->s->wrong_too)
        sql_put(q, " AND r.wrong = 0");
    for (size_t i = 0; i < p->s->n; i++)
        if (&p->s->filter[i] != p->done && &p->s->filter[i] != p->by)
            cond_filter(q, &p->s->filter[i]);
    sql_put(q, " AND p.erased_at_us IS NULL");
    put_view(p, q);
}

static void dated(const struct plan *p, struct bounds b, struct sql *q)
{
    sql_put_int(q, " AND r.from_us BETWEEN ?", b.low);
    sql_put_int(q, " AND ?", b.high);
    if (p->via == NULL)
        return;
    sql_put_int(q, " AND d.at_us BETWEEN ?", b.low);
    sql_put_int(q, " AND ?", b.high);
}

/* ---- the order ---- */

struct order {
    const char *column, *id; /* columns of the index that is read in order */
    bool up;
};

static struct order order_of(const struct plan *p)
{
    bool by_token = p->start == START_ALL && p->via != NULL;
    struct order o = {.column = "r.from_us", .id = "r.resource_id", .up = p->s->order == ASC};

    if (p->s->order == UPDATED)
        o.column = "r.written_at_us";
    else if (by_token)
        o.column = "d.at_us";
    if (by_token)
        o.id = "d.resource_id";
    return o;
}

static void behind(const struct plan *p, const struct order *o, const struct cursor *c,
                   struct sql *q)
{
    if (p->s->order == UPDATED)
        sql_put_int(q, " AND r.written_at_us <= ?", c->at_us);
    else
        sql_put_int(q,
                    " AND (r.written_at_us <= ? OR (SELECT 1 FROM moved m"
                    " WHERE m.resource_id = r.resource_id AND m.until_us > ? LIMIT 1) IS NULL)",
                    c->asked_us);
    if (p->s->order != UPDATED)
        sql_bind(q, ward_int(q->mem, c->asked_us));
    sql_put(q, " AND (");
    sql_put(q, o->column);
    sql_put_int(q, o->up ? " > ? OR " : " < ? OR ", c->at_us);
    sql_put(q, o->id);
    sql_put_blob(q, o->up ? " > ?)" : " < ?)", c->id, RECORDS_ID);
}

static void ordered(const struct order *o, int most, struct sql *q)
{
    const char *way = o->up ? "" : " DESC";

    sql_put(q, " ORDER BY ");
    sql_put(q, o->column);
    sql_put(q, way);
    sql_put(q, ", ");
    sql_put(q, o->id);
    sql_put(q, way);
    sql_put_int(q, " LIMIT ?", most);
}

size_t plan_branches(const struct plan *p)
{
    return p->start == START_ALL && p->via != NULL && p->s->order != UPDATED ? p->via->n : 1;
}

/* Whether one statement searches several tokens, and so finds a resource with two of the tokens
 * twice. */
static bool repeats(const struct plan *p, size_t branch)
{
    return p->via != NULL && p->via->n > 1 && branch == ONE_STATEMENT;
}

/* Excludes entries before the page's start. */
static void from_there(const struct plan *p, const struct order *o, const struct place *from,
                       struct bounds *b)
{
    if (from->first || p->s->order == UPDATED)
        return;
    if (o->up)
        b->low = larger(b->low, from->from.at_us);
    else if (from->from.at_us < b->high)
        b->high = from->from.at_us;
}

enum ward_code plan_page(const struct plan *p, struct worker *w, struct ward_arena *mem,
                         size_t branch, const struct place *from, int most,
                         struct ward_rows *out, struct ward_err *err)
{
    struct order o = order_of(p);
    struct bounds b = bounds_of(p);
    struct sql q;

    if (plan_branches(p) == 1)
        branch = ONE_STATEMENT;
    no_sooner(&b);
    from_there(p, &o, from, &b);
    WARD_TRY(sql_begin(&q, mem, err));
    sql_put(&q, repeats(p, branch) ? "SELECT DISTINCT" : "SELECT");
    sql_put(&q, " r.patient_id, r.resource_id, r.version, ");
    sql_put(&q, o.column);
    from_where(p, branch, &q);
    plan_which(p, &q);
    dated(p, b, &q);
    if (!from->first)
        behind(p, &o, &from->from, &q);
    ordered(&o, most, &q);
    return sql_run(&q, w->event_ctx.db, out, err);
}

/* ---- long resources ---- */

/* Finds resources that began before the soft bound and last into the requested dates. */
static struct plan put_lasting(const struct plan *p, struct bounds b, struct sql *q)
{
    struct plan all = *p;

    all.by = all.done = NULL;
    all.via = NULL;
    sql_put_int(q,
                " FROM lasting l FORCE INDEX (PRIMARY) STRAIGHT_JOIN resource r"
                " FORCE INDEX (resource_by_id) ON r.resource_id = l.resource_id" OF_PATIENT
                " WHERE l.kind = ?",
                p->s->kind);
    sql_put_int(q, " AND r.kind = ?", p->s->kind);
    sql_put_int(q, " AND l.to_us > ?", b.soft + SEARCH_LONG_US);
    plan_which(&all, q);
    return all;
}

enum ward_code plan_lasting(const struct plan *p, struct worker *w, struct ward_arena *mem,
                            const struct place *from, int most, struct ward_rows *out,
                            struct ward_err *err)
{
    struct bounds b = bounds_of(p);
    struct plan all;
    struct order o;
    struct sql q;

    *out = (struct ward_rows){0};
    if (b.soft == NO_DATE)
        return WARD_OK;
    WARD_TRY(sql_begin(&q, mem, err));
    sql_put(&q, "SELECT r.patient_id, r.resource_id, r.version, r.from_us");
    all = put_lasting(p, b, &q);
    o = order_of(&all);
    b.high = b.soft - 1 < b.high ? b.soft - 1 : b.high;
    from_there(p, &o, from, &b);
    dated(&all, b, &q);
    if (!from->first)
        behind(&all, &o, &from->from, &q);
    ordered(&o, most, &q);
    return sql_run(&q, w->event_ctx.db, out, err);
}

/* ---- totals ---- */

static enum ward_code counted(struct sql *q, struct worker *w, int64_t *out,
                              struct ward_err *err)
{
    struct ward_rows rows;

    sql_put_int(q, " LIMIT ?) found", SEARCH_TOTAL_MOST + 1);
    WARD_TRY(sql_run(q, w->event_ctx.db, &rows, err));
    if (rows.n != 1 || !ward_i64(rows.at[0][0].p, 0, INT64_MAX, out))
        return WARD_FAIL(err, INTERNAL, "a total is not a number");
    return WARD_OK;
}

enum ward_code plan_total(const struct plan *p, struct worker *w, struct ward_arena *mem,
                          int64_t *out, struct ward_err *err)
{
    struct bounds b = bounds_of(p), before = b;
    int64_t n = 0, lasting = 0;
    struct plan all;
    struct sql q;

    WARD_TRY(sql_begin(&q, mem, err));
    sql_put(&q, "SELECT COUNT(*) FROM (SELECT ");
    sql_put(&q, repeats(p, ONE_STATEMENT) ? "DISTINCT r.resource_id" : "1");
    from_where(p, ONE_STATEMENT, &q);
    plan_which(p, &q);
    no_sooner(&b);
    dated(p, b, &q);
    WARD_TRY(counted(&q, w, &n, err));
    if (b.soft != NO_DATE) {
        WARD_TRY(sql_begin(&q, mem, err));
        sql_put(&q, "SELECT COUNT(*) FROM (SELECT 1");
        all = put_lasting(p, before, &q);
        before.high = b.soft - 1 < before.high ? b.soft - 1 : before.high;
        dated(&all, before, &q);
        WARD_TRY(counted(&q, w, &lasting, err));
    }
    *out = n + lasting;
    return WARD_OK;
}
