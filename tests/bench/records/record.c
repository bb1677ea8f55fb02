/* The SQL that a handler runs, kept as it goes by (linked with --wrap): what a bare client then
 * runs is the same by construction. */
#include "bench.h"

#include <string.h>

enum ward_code __real_ward_db_run(struct ward_db *db, struct ward_arena *mem, const char *sql,
                                  const struct ward_val *params, size_t n_params,
                                  struct ward_rows *out, struct ward_err *err);
enum ward_code __real_ward_db_bulk(struct ward_db *db, const char *sql,
                                   const struct ward_val *values, size_t n_params, size_t n,
                                   struct ward_err *err);
enum ward_code __wrap_ward_db_run(struct ward_db *db, struct ward_arena *mem, const char *sql,
                                  const struct ward_val *params, size_t n_params,
                                  struct ward_rows *out, struct ward_err *err);
enum ward_code __wrap_ward_db_bulk(struct ward_db *db, const char *sql,
                                   const struct ward_val *values, size_t n_params, size_t n,
                                   struct ward_err *err);

static _Thread_local struct recording *now;

void record_begin(struct recording *r)
{
    ward_arena_reset(&r->mem);
    r->n = 0;
    now = r;
}

void record_end(struct recording *r)
{
    (void)r;
    now = NULL;
}

static void keep(const char *sql, const struct ward_val *v, size_t n, size_t rows, bool bulk)
{
    struct recorded *to;

    if (now == NULL)
        return;
    WARD_ASSERT(now->n < WARD_COUNT(now->at));
    to = &now->at[now->n++];
    *to = (struct recorded){.sql = sql, .n = n, .rows = rows, .bulk = bulk};
    to->v = ward_alloc(&now->mem, n * rows * sizeof(*v));
    for (size_t i = 0; i < n * rows; i++) {
        char *copy = v[i].p == NULL ? NULL : ward_alloc(&now->mem, v[i].n + 1);

        if (copy != NULL)
            memcpy(copy, v[i].p, v[i].n);
        to->v[i] = (struct ward_val){copy, v[i].n};
    }
}

enum ward_code __wrap_ward_db_run(struct ward_db *db, struct ward_arena *mem, const char *sql,
                                  const struct ward_val *params, size_t n_params,
                                  struct ward_rows *out, struct ward_err *err)
{
    keep(sql, params, n_params, 1, false);
    return __real_ward_db_run(db, mem, sql, params, n_params, out, err);
}

enum ward_code __wrap_ward_db_bulk(struct ward_db *db, const char *sql,
                                   const struct ward_val *values, size_t n_params, size_t n,
                                   struct ward_err *err)
{
    keep(sql, values, n_params, n, true);
    return __real_ward_db_bulk(db, sql, values, n_params, n, err);
}
