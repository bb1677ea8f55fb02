#include "services/records/search/sql.h"

#include <string.h>

enum ward_code sql_begin(struct sql *q, struct ward_arena *mem, struct ward_err *err)
{
    *q = (struct sql){.mem = mem,
                      .text = ward_alloc(mem, SQL_TEXT),
                      .value = ward_alloc(mem, SQL_VALUES * sizeof(*q->value))};
    if (q->text == NULL || q->value == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the query");
    return WARD_OK;
}

void sql_put(struct sql *q, const char *fragment)
{
    size_t n = strlen(fragment);

    if (q->full || q->n + n >= SQL_TEXT) {
        q->full = true;
        return;
    }
    memcpy(q->text + q->n, fragment, n + 1);
    q->n += n;
}

void sql_bind(struct sql *q, struct ward_val v)
{
    if (q->n_values == SQL_VALUES)
        q->full = true;
    else
        q->value[q->n_values++] = v;
}

void sql_put_int(struct sql *q, const char *fragment, int64_t v)
{
    sql_put(q, fragment);
    sql_bind(q, ward_int(q->mem, v));
}

void sql_put_num(struct sql *q, const char *fragment, double v)
{
    sql_put(q, fragment);
    sql_bind(q, ward_num(q->mem, v));
}

void sql_put_blob(struct sql *q, const char *fragment, const void *p, size_t n)
{
    sql_put(q, fragment);
    sql_bind(q, ward_blob(p, n));
}

static void values(struct sql *q, const char *first, sql_value_fn *value, const void *arg,
                   size_t n)
{
    size_t room = 1;

    while (room < n)
        room *= 2;
    sql_put(q, first);
    for (size_t i = 1; i < room; i++)
        sql_put(q, ",?");
    for (size_t i = 0; i < room; i++)
        sql_bind(q, value(arg, i < n ? i : n - 1));
}

void sql_list(struct sql *q, sql_value_fn *value, const void *arg, size_t n)
{
    values(q, "(?", value, arg, n);
    sql_put(q, ")");
}

void sql_more(struct sql *q, sql_value_fn *value, const void *arg, size_t n)
{
    values(q, ",?", value, arg, n);
}

enum ward_code sql_run(struct sql *q, struct ward_db *db, struct ward_rows *out,
                       struct ward_err *err)
{
    if (q->full)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the query has too many values");
    return ward_db_run(db, q->mem, sql_shape(q->text), q->value, q->n_values, out, err);
}
