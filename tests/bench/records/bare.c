/* The statements of a Create or an Update, recorded from the handler, run again by a client
 * that does nothing else: prepared statements, the same parameters but for what must be new. */
#include "bench.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "services/records/feed/feed.h"

#include <ctype.h>
#include <pthread.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RENAMED 64

struct bare {
    struct records *rec;
    bool update;
    int64_t until_ns;
    uint64_t n;
    pthread_t thread;
    int64_t done, handled; /* transactions of the bare client; before it, of the handler */
    struct place place;
    struct recording before, last;
    struct ward_arena mem; /* of one run's parameters */
    int64_t round;
    int renamed;
    struct {
        struct ward_val from;
        uint8_t to[64];
    } rename[RENAMED];
};

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
static struct ward_val fresh(struct bare *b, struct ward_val old)
{
    uint8_t *to;
    int i = 0;

    while (i < b->renamed && !same(b->rename[i].from, old))
        i++;
    if (i == b->renamed) {
        WARD_ASSERT(b->renamed < RENAMED);
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

/* Two recordings say what differs from call to call: numbers go on as they went, everything
 * else that differs is new each time. */
static struct ward_val next(struct bare *b, struct ward_val before, struct ward_val last)
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
    struct bare *b = arg;

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

static Resource *observation(struct bare *b, const char *id)
{
    Resource *res = make_observation(&b->place.mem, b->n, 0, ward_wall_us());

    res->observation->id = ward_strdup(&b->place.mem, id);
    return res;
}

/* One call of the real handler; its version and id come back. */
static void handle(struct bare *b, int *version, char id[37])
{
    Ward__Records__V1__CreateRequest create = WARD__RECORDS__V1__CREATE_REQUEST__INIT;
    Ward__Records__V1__CreateResponse created = WARD__RECORDS__V1__CREATE_RESPONSE__INIT;
    Ward__Records__V1__UpdateRequest update = WARD__RECORDS__V1__UPDATE_REQUEST__INIT;
    Ward__Records__V1__UpdateResponse updated = WARD__RECORDS__V1__UPDATE_RESPONSE__INIT;
    const Ward__Records__V1__Version *v;
    uint8_t key[16];
    char text[37];

    ward_uuid7(key);
    ward_uuid_text(key, text);
    if (b->update && *version > 0) {
        place_call(&b->place, "/ward.records.v1.Records/Update");
        update.idempotency_key = text;
        update.expected_version = *version;
        update.resource = observation(b, id);
        must(update_rpc(&b->place.call, &update.base, &updated.base), &b->place.err, "Update");
        v = updated.record->version;
    } else {
        place_call(&b->place, "/ward.records.v1.Records/Create");
        create.idempotency_key = text;
        create.resource = observation(b, "");
        must(create_rpc(&b->place.call, &create.base, &created.base), &b->place.err, "Create");
        v = created.record->version;
    }
    *version = v->version;
    snprintf(id, 37, "%s", v->resource_id);
}

/* Two calls, to see what differs. A clock that goes on to the next second in between changes
 * what the resource is found by, and so the statements: two more then. */
static void learn(struct bare *b, int *version, char id[37])
{
    for (int i = 0; i < 5; i++) {
        record_begin(&b->before);
        handle(b, version, id);
        record_begin(&b->last);
        handle(b, version, id);
        record_end(&b->last);
        if (same_shape(&b->before, &b->last))
            return;
    }
    fprintf(stderr, "records_load: two calls ran different statements\n");
    exit(1);
}

static void *run(void *arg)
{
    struct bare *b = arg;
    char id[37] = "";
    int version = 0;

    for (int i = 0; i < 3; i++) /* to warm what the worker keeps */
        handle(b, &version, id);
    learn(b, &version, id);
    while (ward_mono_ns() < b->until_ns) {
        b->round++;
        b->renamed = 0;
        ward_arena_reset(&b->mem);
        ward_db_deadline(b->place.w->seat.db, WARD_NO_DEADLINE);
        must(ward_db_tx(b->place.w->seat.db, replay, b, &b->place.err), &b->place.err,
             "bare SQL");
        b->done++;
    }
    return NULL;
}

/* bare SOCKET USER KEK THREADS SECONDS create|update */
int mode_bare(int argc, char **argv)
{
    static struct bare threads[64];
    struct bench_db db = {argv[1], argv[2], "records", argv[3]};
    int n = argc == 7 ? (int)number(argv[4], 64) : 0;
    int64_t seconds = n == 0 ? 0 : number(argv[5], 600), began, done = 0;
    struct records *rec = bench_service(&db);

    began = ward_mono_ns();
    for (int i = 0; i < n; i++) {
        struct bare *b = &threads[i];

        b->rec = rec;
        b->update = strcmp(argv[6], "update") == 0;
        b->n = (uint64_t)i;
        b->until_ns = began + seconds * 1000000000;
        ward_arena_init(&b->mem, (size_t)16 << 20);
        ward_arena_init(&b->before.mem, (size_t)4 << 20);
        ward_arena_init(&b->last.mem, (size_t)4 << 20);
        place_open(&b->place, rec, "nurse", ward_printf(&b->mem, "ward-%d", i % WARDS));
        pthread_create(&b->thread, NULL, run, b);
    }
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i].thread, NULL);
        done += threads[i].done;
    }
    printf("{\"per_s\": %.1f, \"statements\": %zu}\n",
           (double)done / ((double)(ward_mono_ns() - began) / 1e9), threads[0].last.n);
    return 0;
}
