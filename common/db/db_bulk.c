/* Array binding: many rows of one statement in one round trip. */
#include "common/db/db_internal.h"

#include <stdlib.h>
#include <string.h>

/* Rows are sent in parts. Each part stays well below the server's max_allowed_packet (16 MiB by
 * default). */
#define PIECE_BYTES ((size_t)4 << 20)
#define PIECE_ROWS  ((size_t)8192)

struct rows {
    const char *sql;
    const struct ward_val *values;
    size_t n_params, n;
};

/* Returns the number of rows from `at` in the next part, at least one. */
static size_t piece(const struct rows *r, size_t at)
{
    size_t bytes = 0, n = 0;

    while (at + n < r->n && n < PIECE_ROWS) {
        for (size_t c = 0; c < r->n_params; c++)
            bytes += r->values[(at + n) * r->n_params + c].n + 8;
        if (n > 0 && bytes > PIECE_BYTES)
            break;
        n++;
    }
    return n;
}

static enum ward_code reserve(struct ward_db *db, size_t cells, struct ward_err *err)
{
    if (cells <= db->bulk.cap)
        return WARD_OK;
    free(db->bulk.p);
    free(db->bulk.len);
    free(db->bulk.null);
    db->bulk.p = malloc(cells * sizeof(*db->bulk.p));
    db->bulk.len = malloc(cells * sizeof(*db->bulk.len));
    db->bulk.null = malloc(cells);
    db->bulk.cap = cells;
    if (db->bulk.p != NULL && db->bulk.len != NULL && db->bulk.null != NULL)
        return WARD_OK;
    db->bulk.cap = 0;
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
}

/* Rearranges the caller's rows as columns, which the connector needs. */
static void turn(struct ward_db *db, const struct ward_val *values, size_t n_params, size_t n,
                 MYSQL_BIND *bind)
{
    for (size_t c = 0; c < n_params; c++) {
        char **p = db->bulk.p + c * n;
        unsigned long *len = db->bulk.len + c * n;
        char *null = db->bulk.null + c * n;
        bool bytes = false;

        for (size_t r = 0; r < n; r++) {
            const struct ward_val *v = &values[r * n_params + c];

            p[r] = (char *)(uintptr_t)v->p;
            len[r] = v->n;
            bytes = bytes || v->n >= DB_BYTES;
            null[r] = v->p == NULL ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
        }
        bind[c] = (MYSQL_BIND){.buffer_type = bytes ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING,
                               .buffer = p,
                               .length = len,
                               .u.indicator = null};
    }
}

static enum ward_code send(struct ward_db *db, const struct rows *r, size_t at, size_t n,
                           struct ward_err *err)
{
    MYSQL_BIND bind[DB_MAX_PARAMS];
    struct db_stmt *s = NULL;
    unsigned size = (unsigned)n;

    WARD_TRY(ward_db_connected(db, err));
    WARD_TRY(ward_db_limit(db, err));
    WARD_TRY(ward_db_prepared(db, r->sql, &s, err));
    WARD_ASSERT(s != NULL);
    if (r->n_params == 0 || r->n_params > DB_MAX_PARAMS ||
        r->n_params != mysql_stmt_param_count(s->stmt) || mysql_stmt_field_count(s->stmt) != 0)
        return WARD_FAIL(err, INTERNAL, "statement and parameters do not match");
    WARD_TRY(reserve(db, n * r->n_params, err));
    turn(db, r->values + at * r->n_params, r->n_params, n, bind);
    s->array = true;
    if (mysql_stmt_attr_set(s->stmt, STMT_ATTR_ARRAY_SIZE, &size) != 0 ||
        mysql_stmt_bind_param(s->stmt, bind) != 0 || mysql_stmt_execute(s->stmt) != 0)
        return ward_db_stmt_fail(db, s, err);
    ward_db_wrote(db);
    return WARD_OK;
}

static enum ward_code send_all(struct ward_db *db, void *arg, struct ward_err *err)
{
    const struct rows *r = arg;

    for (size_t at = 0, n; at < r->n; at += n) {
        int64_t began = ward_mono_ns();

        n = piece(r, at);
        WARD_TRY(ward_db_counted(send(db, r, at, n, err), began));
    }
    return WARD_OK;
}

enum ward_code ward_db_bulk(struct ward_db *db, const char *sql, const struct ward_val *values,
                            size_t n_params, size_t n, struct ward_err *err)
{
    struct rows r = {sql, values, n_params, n};

    if (n == 0)
        return WARD_OK;
    return db->in_tx ? send_all(db, &r, err) : ward_db_tx(db, send_all, &r, err);
}
