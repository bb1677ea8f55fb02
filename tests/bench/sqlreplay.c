#include "sqlreplay.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
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

/* ---- what is new in every run ---- */

static bool same(struct ward_val a, struct ward_val b)
{
    return a.n == b.n && (a.p == NULL) == (b.p == NULL) &&
           (a.p == NULL || memcmp(a.p, b.p, a.n) == 0);
}

static bool is_number(struct ward_val v)
{
    for (size_t i = 0; i < v.n; i++)
        if (!isdigit((unsigned char)v.p[i]))
            return false;
    return v.n > 0 && v.n < 19;
}

static bool is_text(struct ward_val v)
{
    for (size_t i = 0; i < v.n; i++)
        if (!isprint((unsigned char)v.p[i]))
            return false;
    return true;
}

/* The same old id becomes the same new one, wherever it stands in the transaction. */
static struct ward_val fresh(struct sqlreplay *b, struct ward_val old)
{
    uint8_t *to;
    int i = 0;

    while (i < b->renamed && !same(b->rename[i].from, old))
        i++;
    if (i == b->renamed) {
        WARD_ASSERT(b->renamed < SQLREPLAY_RENAMED);
        b->rename[b->renamed++].from = old;
        ward_random(b->rename[i].to, sizeof(b->rename[i].to));
        for (size_t k = 0; is_text(old) && k < sizeof(b->rename[i].to); k++)
            b->rename[i].to[k] = (uint8_t)("0123456789abcdef"[b->rename[i].to[k] & 15]);
    }
    to = ward_alloc(&b->mem, old.n + 1);
    WARD_ASSERT(to != NULL);
    memcpy(to, old.p, old.n);
    memcpy(to, b->rename[i].to, old.n < 64 ? old.n : 64);
    return ward_blob(to, old.n);
}

static struct ward_val next(struct sqlreplay *b, struct ward_val before, struct ward_val last)
{
    int64_t x, y;

    if (same(before, last) || last.p == NULL)
        return last;
    if (is_number(before) && is_number(last) && ward_i64(before.p, 0, INT64_MAX, &x) &&
        ward_i64(last.p, 0, INT64_MAX, &y))
        return ward_int(&b->mem, y + (y - x) * b->round);
    return fresh(b, last);
}

/* ---- running ---- */

static enum ward_code replay(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct sqlreplay *b = arg;

    for (size_t i = 0; i < b->last.n; i++) {
        const struct recorded *a = &b->before.at[i], *r = &b->last.at[i];
        struct ward_val *v = ward_alloc(&b->mem, r->n * r->rows * sizeof(*v));
        struct ward_rows rows;

        for (size_t k = 0; k < r->n * r->rows; k++)
            v[k] = next(b, a->v[k], r->v[k]);
        if (r->bulk)
            WARD_TRY(ward_db_bulk(db, r->sql, v, r->n, r->rows, err));
        else
            WARD_TRY(ward_db_run(db, &b->mem, r->sql, v, r->n, &rows, err));
    }
    return WARD_OK;
}

static bool same_shape(const struct recording *a, const struct recording *b)
{
    for (size_t i = 0; i < a->n && a->n == b->n; i++)
        if (a->at[i].sql != b->at[i].sql || a->at[i].n != b->at[i].n ||
            a->at[i].rows != b->at[i].rows)
            return false;
    return a->n == b->n;
}

void sqlreplay_open(struct sqlreplay *r)
{
    ward_arena_init(&r->mem, (size_t)16 << 20);
    ward_arena_init(&r->before.mem, (size_t)4 << 20);
    ward_arena_init(&r->last.mem, (size_t)4 << 20);
}

void sqlreplay_learn(struct sqlreplay *r, void (*handle)(void *arg), void *arg)
{
    for (int i = 0; i < 5; i++) {
        record_begin(&r->before);
        handle(arg);
        record_begin(&r->last);
        handle(arg);
        record_end(&r->last);
        if (same_shape(&r->before, &r->last))
            return;
    }
    fprintf(stderr, "two calls ran different statements\n");
    exit(1);
}

enum ward_code sqlreplay_run(struct sqlreplay *r, struct ward_db *db, struct ward_err *err)
{
    r->round++;
    r->renamed = 0;
    ward_arena_reset(&r->mem);
    ward_db_deadline(db, WARD_NO_DEADLINE);
    return ward_db_tx(db, replay, r, err);
}
