/* Groups resources by their keys, and computes the numbers of each group. */
#include "common/base/text.h"
#include "services/records/analytics/query_own.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- keys ---- */

struct key {
    const char *group, *label, *name;
};

static struct key key_of(Ward__Records__V1__By by)
{
#define ON_WALL(format) "DATE_FORMAT('1970-01-01' + INTERVAL b.day DAY, '" format "')"
    switch (by) {
    case BY(CODE):
        return (struct key){"b.hash", "b.code", "b.display"};
    case BY(WARD):
        return (struct key){"b.ward", "b.ward", "''"};
    case BY(AGE):
        return (struct key){"b.age", "b.age", "''"};
    case BY(GENDER):
        return (struct key){"IF(b.gender IN (1, 2, 3), b.gender, 4)", "b.gender", "''"};
    case BY(DAY):
        return (struct key){ON_WALL("%Y-%m-%d"), "''", "''"};
    case BY(WEEK):
        return (struct key){ON_WALL("%x-W%v"), "''", "''"};
    case BY(MONTH):
        return (struct key){ON_WALL("%Y-%m"), "''", "''"};
    default:
        return (struct key){ON_WALL("%Y"), "''", "''"};
    }
}

static const char *text_of(Ward__Records__V1__By by, const struct ward_val *row)
{
    static const char *const ages[] = {"0-9",   "10-19", "20-29", "30-39", "40-49",
                                       "50-59", "60-69", "70-79", "80-89", "90+"};
    static const char *const genders[] = {"unknown", "male", "female", "other", "unknown"};
    int64_t n = 0;

    switch (by) {
    case BY(CODE):
        return row[1].p;
    case BY(WARD):
        return row[0].p == NULL ? "" : row[0].p;
    case BY(AGE):
        return row[0].p != NULL && ward_i64(row[0].p, 0, 9, &n) ? ages[n] : "unknown";
    case BY(GENDER):
        return row[0].p != NULL && ward_i64(row[0].p, 0, 4, &n) ? genders[n] : "unknown";
    default:
        return row[0].p == NULL ? "undated" : row[0].p;
    }
}

/* ---- the statement ---- */

#define KEYS      "g1, l1, d1, g2, l2, d2"
#define PARTITION "PARTITION BY k.g1, k.g2"
/* The two values around a quartile. The positions of the values among n are numbered from 1.
 * Source: R. J. Hyndman, Y. Fan, Sample Quantiles in Statistical Packages, The American
 * Statistician 50 (1996), type 7.
 */
#define AT(q) "FLOOR((v.n - 1) * " q ")"
#define BETWEEN(q)                                                                             \
    ", MAX(IF(v.rank = 1 + " AT(q) ", v.val, NULL))"                                           \
                                   ", MAX(IF(v.rank = LEAST(v.n, 2 + " AT(                     \
                                       q) "), v.val, NULL))"

static void put_key(const struct key *k, const char *g, const char *l, const char *d,
                    struct sql *s)
{
    sql_put(s, k->group);
    sql_put(s, g);
    sql_put(s, k->label);
    sql_put(s, l);
    sql_put(s, k->name);
    sql_put(s, d);
}

static enum ward_code put_keyed(const struct query *q, struct ward_arena *mem, const char *unit,
                                struct sql *s, struct ward_err *err)
{
    struct key first = key_of(q->by[0]), second = {"''", "''", "''"};

    if (q->n_by == 2)
        second = key_of(q->by[1]);
    sql_put(s, "SELECT ");
    put_key(&first, " AS g1, ", " AS l1, ", " AS d1, ", s);
    put_key(&second, " AS g2, ", " AS l2, ", " AS d2", s);
    sql_put(s, ", b.who, b.val FROM (");
    WARD_TRY(put_resources(q, mem, unit, s, err));
    sql_put(s, ") b");
    return WARD_OK;
}

static enum ward_code put_counted(const struct query *q, struct ward_arena *mem,
                                  const char *unit, struct sql *s, struct ward_err *err)
{
    if (q->measure != VALUES) {
        sql_put(s, "SELECT g1, MAX(l1), MAX(d1), g2, MAX(l2), MAX(d2), COUNT(*),"
                   " COUNT(DISTINCT v.who) FROM (");
        WARD_TRY(put_keyed(q, mem, unit, s, err));
    } else {
        sql_put(s, "SELECT g1, MAX(l1), MAX(d1), g2, MAX(l2), MAX(d2), COUNT(*),"
                   " COUNT(DISTINCT v.who), AVG(v.val), MIN(v.val), MAX(v.val)" BETWEEN("0.25")
                       BETWEEN("0.5") BETWEEN("0.75") " FROM (SELECT k.*, ROW_NUMBER() OVER"
                                                      " (" PARTITION
                                                      " ORDER BY k.val) AS rank, COUNT(*) OVER"
                                                      " (" PARTITION ") AS n FROM (");
        WARD_TRY(put_keyed(q, mem, unit, s, err));
        sql_put(s, ") k");
    }
    sql_put_int(s, ") v GROUP BY g1, g2 LIMIT ?", SERIES_CELLS + 1);
    return WARD_OK;
}

/* ---- its rows ---- */

static bool count_of(struct ward_val v, int64_t *out)
{
    return v.p != NULL && ward_i64(v.p, 0, INT64_MAX, out);
}

static bool number_of(struct ward_val v, double *out)
{
    return v.p != NULL && ward_f64(v.p, out);
}

static bool numbers(const struct ward_val *row, struct cell *c)
{
    static const double quarter[] = {0.25, 0.5, 0.75};

    if (!number_of(row[8], &c->mean) || !number_of(row[9], &c->min) ||
        !number_of(row[10], &c->max))
        return false;
    for (int i = 0; i < 3; i++) {
        double at = (double)(c->count - 1) * quarter[i], low, high;

        if (!number_of(row[11 + 2 * i], &low) || !number_of(row[12 + 2 * i], &high))
            return false;
        c->quartile[i] = low + (at - floor(at)) * (high - low);
    }
    return true;
}

static bool cell_of(const struct query *q, const struct ward_val *row, struct cell *c)
{
    *c = (struct cell){.key = {text_of(q->by[0], row), ""}, .display = {row[2].p, ""}};
    if (q->n_by == 2) {
        c->key[1] = text_of(q->by[1], row + 3);
        c->display[1] = row[5].p;
    }
    return c->key[0] != NULL && c->key[1] != NULL && c->display[0] != NULL &&
           c->display[1] != NULL && count_of(row[6], &c->count) &&
           count_of(row[7], &c->people) && (q->measure != VALUES || numbers(row, c));
}

/* ---- rows and columns ---- */

struct named {
    const char *key, *display;
    size_t cell;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order != 0 ? order : strcmp(x->display, y->display);
}

/* Numbers the values of a dimension in their order. Two codes with equal text get one number if
 * their names are also equal, and otherwise two numbers. */
static enum ward_code number_lines(struct table *t, int dimension, struct ward_arena *mem,
                                   struct ward_err *err)
{
    struct named *all = ward_alloc(mem, (t->n + 1) * sizeof(*all));
    int n = -1;

    if (all == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the counts");
    for (size_t i = 0; i < t->n; i++)
        all[i] = (struct named){t->cell[i].key[dimension], t->cell[i].display[dimension], i};
    qsort(all, t->n, sizeof(*all), by_name);
    for (size_t i = 0; i < t->n; i++) {
        struct cell *c = &t->cell[all[i].cell];

        if (i == 0 || by_name(&all[i - 1], &all[i]) != 0)
            n++;
        *(dimension == 0 ? &c->row : &c->column) = n;
    }
    *(dimension == 0 ? &t->rows : &t->columns) = n + 1;
    return WARD_OK;
}

enum ward_code query_cells(struct worker *w, struct ward_arena *mem, const struct query *q,
                           struct table *out, struct ward_err *err)
{
    struct ward_rows rows;
    struct table t = {0};
    struct sql s;

    *out = t;
    if (q->measure == VALUES) {
        WARD_TRY(query_unit(w, mem, q, &t.unit, err));
        if (t.unit == NULL)
            return WARD_OK;
    }
    WARD_TRY(sql_begin(&s, mem, err));
    WARD_TRY(put_counted(q, mem, t.unit, &s, err));
    WARD_TRY(sql_run(&s, w->event_ctx.db, &rows, err));
    if (rows.n > SERIES_CELLS)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "SERIES_TOO_LARGE",
                                "the answer would have more than %d points", SERIES_POINTS);
    t.cell = ward_alloc(mem, (rows.n + 1) * sizeof(*t.cell));
    if (t.cell == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the counts");
    for (t.n = 0; t.n < rows.n; t.n++)
        if (!cell_of(q, rows.at[t.n], &t.cell[t.n]))
            return WARD_FAIL(err, INTERNAL, "a count is not a number");
    WARD_TRY(number_lines(&t, 0, mem, err));
    WARD_TRY(number_lines(&t, 1, mem, err));
    *out = t;
    return WARD_OK;
}
