/* One prepared statement: look-up, binding, execution, and copying of its rows. */
#include "common/db/db_internal.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL 64 /* columns up to this length are fetched with the row */

static void evict(struct db_stmt *s)
{
    if (s->stmt != NULL)
        mysql_stmt_close(s->stmt);
    free(s->copy);
    *s = (struct db_stmt){0};
}

enum ward_code ward_db_stmt_fail(struct ward_db *db, struct db_stmt *s, struct ward_err *err)
{
    unsigned number = mysql_stmt_errno(s->stmt);
    const char *sql = s->sql;
    char words[256];

    snprintf(words, sizeof(words), "%s",
             number != 0 ? mysql_stmt_error(s->stmt) : mysql_error(db->my));
    if (number == 0) /* a failure while rows are read is reported only by the connection */
        number = mysql_errno(db->my) != 0 ? mysql_errno(db->my) : CR_SERVER_LOST;
    /* The table's columns changed under a statement, so the statement is prepared again. */
    if (number == CR_NEW_STMT_METADATA || number == ER_UNKNOWN_STMT_HANDLER ||
        number == ER_NEED_REPREPARE) {
        evict(s);
        number = ER_CHECKREAD;
    }
    return ward_db_fail(db, number, words, sql, err);
}

static struct db_stmt *slot(struct ward_db *db, const char *sql)
{
    uint64_t h = (uint64_t)(uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15);
    struct db_stmt *set = db->cache[h >> 59], *oldest = set;

    _Static_assert(DB_SETS == 32, "five bits of the hash");
    for (int i = 0; i < DB_WAYS; i++) {
        if (set[i].sql == sql)
            return &set[i];
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    return oldest;
}

enum ward_code ward_db_prepared(struct ward_db *db, const char *sql, struct db_stmt **out,
                                struct ward_err *err)
{
    struct db_stmt *s = slot(db, sql);

    if (s->sql != sql || strcmp(s->copy, sql) != 0) {
        enum ward_code code;

        evict(s);
        s->stmt = mysql_stmt_init(db->my);
        s->copy = strdup(sql);
        if (s->stmt == NULL || s->copy == NULL) {
            evict(s);
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
        }
        s->sql = sql;
        if (mysql_stmt_prepare(s->stmt, sql, strlen(sql)) != 0) {
            code = ward_db_stmt_fail(db, s, err);
            evict(s);
            return code;
        }
    }
    s->used = ++db->tick;
    *out = s;
    return WARD_OK;
}

struct cells {
    MYSQL_BIND bind[DB_MAX_COLS];
    unsigned long len[DB_MAX_COLS];
    my_bool null[DB_MAX_COLS];
    char mem[DB_MAX_COLS][CELL];
};

/* Copies the current row in one piece: its values, then their bytes, each followed by a NUL. */
static const struct ward_val *copy_row(MYSQL_STMT *s, struct ward_arena *mem, size_t cols,
                                       struct cells *c)
{
    size_t size = cols * sizeof(struct ward_val);
    struct ward_val *row;
    char *to;

    for (size_t i = 0; i < cols; i++)
        size += c->null[i] ? 0 : c->len[i] + 1;
    row = ward_alloc(mem, size);
    if (row == NULL)
        return NULL;
    to = (char *)(row + cols);
    for (size_t i = 0; i < cols; i++) {
        MYSQL_BIND whole = {
            .buffer_type = MYSQL_TYPE_STRING, .buffer = to, .buffer_length = c->len[i]};

        if (c->null[i])
            continue;
        if (c->len[i] <= CELL)
            memcpy(to, c->mem[i], c->len[i]);
        else if (mysql_stmt_fetch_column(s, &whole, (unsigned)i, 0) != 0)
            return NULL;
        row[i] = (struct ward_val){to, c->len[i]};
        to += c->len[i] + 1;
    }
    return row;
}

/* Makes room for one more row. The table of rows doubles in size, so that at most half of the
 * tables' memory is wasted. */
static bool grow(struct ward_arena *mem, const struct ward_val *const **at, size_t n)
{
    const struct ward_val **more;

    if (n != 0 && (n < 8 || (n & (n - 1)) != 0))
        return true;
    more = ward_alloc(mem, (n == 0 ? 8 : 2 * n) * sizeof(*more));
    if (more == NULL)
        return false;
    if (n != 0)
        memcpy(more, *at, n * sizeof(*more));
    *at = more;
    return true;
}

/* Rows are copied as they arrive and never buffered whole outside the arena, so that the
 * arena's limit applies. */
static enum ward_code copy_rows(struct ward_db *db, struct db_stmt *s, struct ward_arena *mem,
                                struct ward_rows *out, struct ward_err *err)
{
    struct cells c;
    int rc;

    memset(c.bind, 0, out->cols * sizeof(*c.bind));
    for (size_t i = 0; i < out->cols; i++)
        c.bind[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                                 .buffer = c.mem[i],
                                 .buffer_length = CELL,
                                 .length = &c.len[i],
                                 .is_null = &c.null[i]};
    if (mysql_stmt_bind_result(s->stmt, c.bind) != 0)
        return ward_db_stmt_fail(db, s, err);
    while ((rc = mysql_stmt_fetch(s->stmt)) == 0 || rc == MYSQL_DATA_TRUNCATED) {
        const struct ward_val *row = NULL;
        const struct ward_val *const *at = out->at;

        if (grow(mem, &at, out->n) && (row = copy_row(s->stmt, mem, out->cols, &c)) != NULL) {
            ((const struct ward_val **)(uintptr_t)at)[out->n++] = row;
            out->at = at;
            continue;
        }
        mysql_stmt_free_result(s->stmt);
        if (!mem->full)
            return ward_db_stmt_fail(db, s, err);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the answer exceeds the call's memory");
    }
    if (rc != MYSQL_NO_DATA) {
        enum ward_code code = ward_db_stmt_fail(db, s, err);

        if (s->stmt != NULL)
            mysql_stmt_free_result(s->stmt);
        return code;
    }
    mysql_stmt_free_result(s->stmt);
    return WARD_OK;
}

static enum ward_code execute(struct ward_db *db, struct db_stmt *s,
                              const struct ward_val *params, size_t n, struct ward_err *err)
{
    MYSQL_BIND in[DB_MAX_PARAMS];
    unsigned one = 0;

    memset(in, 0, n * sizeof(*in));
    for (size_t i = 0; i < n; i++)
        in[i] = (MYSQL_BIND){
            .buffer_type = params[i].p == NULL      ? MYSQL_TYPE_NULL
                           : params[i].n < DB_BYTES ? MYSQL_TYPE_STRING
                                                    : MYSQL_TYPE_BLOB,
            .buffer = (void *)(uintptr_t)params[i].p,
            .buffer_length = params[i].n,
        };
    if (s->array)
        mysql_stmt_attr_set(s->stmt, STMT_ATTR_ARRAY_SIZE, &one);
    s->array = false;
    if ((n > 0 && mysql_stmt_bind_param(s->stmt, in) != 0) || mysql_stmt_execute(s->stmt) != 0)
        return ward_db_stmt_fail(db, s, err);
    return WARD_OK;
}

static enum ward_code run(struct ward_db *db, struct ward_arena *mem, const char *sql,
                          const struct ward_val *params, size_t n, struct ward_rows *out,
                          struct ward_err *err)
{
    struct db_stmt *s = NULL;

    WARD_TRY(ward_db_prepared(db, sql, &s, err));
    WARD_ASSERT(s != NULL);
    out->cols = mysql_stmt_field_count(s->stmt);
    if (n > DB_MAX_PARAMS || n != mysql_stmt_param_count(s->stmt) || out->cols > DB_MAX_COLS ||
        (out->cols > 0 && mem == NULL))
        return WARD_FAIL(err, INTERNAL, "statement and parameters do not match");
    WARD_TRY(execute(db, s, params, n, err));
    if (out->cols > 0)
        return copy_rows(db, s, mem, out, err);
    out->affected = mysql_stmt_affected_rows(s->stmt);
    out->last_id = mysql_stmt_insert_id(s->stmt);
    if (out->affected > 0)
        ward_db_wrote(db);
    return WARD_OK;
}

enum ward_code ward_db_run(struct ward_db *db, struct ward_arena *mem, const char *sql,
                           const struct ward_val *params, size_t n_params,
                           struct ward_rows *out, struct ward_err *err)
{
    struct ward_rows rows = {0};
    int64_t began = ward_mono_ns();

    /* a parameter that did not fit into the arena must not become NULL */
    if (mem != NULL && mem->full)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the call has used up its memory");
    if (db->cfg.tx_only && !db->in_tx)
        return WARD_FAIL(err, INTERNAL, "a statement ran outside a transaction");
    WARD_TRY(ward_db_connected(db, err));
    WARD_TRY(ward_db_limit(db, err));
    WARD_TRY(ward_db_counted(run(db, mem, sql, params, n_params, &rows, err), began));
    if (out != NULL)
        *out = rows;
    return WARD_OK;
}
