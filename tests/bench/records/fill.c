/* A hospital's charts, written as an import writes them: by chart_write_new, some hundred
 * resources a transaction, without audit events and without a place in the feed. */
#include "bench.h"

#include "common/base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK   500
#define THREADS 2

struct filling {
    struct place place;
    pthread_t thread;
    uint64_t n; /* patients this thread takes next */
    struct write batch[CHUNK];
    size_t n_batch;
    uint8_t event_id[16];
};
static uint64_t patients, each, in_wards;
static atomic_uint_least64_t next;
static int64_t now_us;

static enum ward_code write_batch(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct filling *f = arg;

    (void)db;
    return chart_write_new(f->place.w, &f->place.call, f->batch, f->n_batch, err);
}

static void flush(struct filling *f)
{
    if (f->n_batch > 0)
        must(ward_db_tx(f->place.w->event_ctx.db, write_batch, f, &f->place.err), &f->place.err,
             "fill");
    f->n_batch = 0;
    place_call(&f->place, "/ward.records.v1.Exchange/ImportBundle");
}

static void add(struct filling *f, Resource *res)
{
    f->batch[f->n_batch++] = (struct write){.res = res,
                                            .act = WARD__RECORDS__V1__ACT__ACT_CREATED,
                                            .event_id = f->event_id,
                                            .at_us = now_us,
                                            .by_import = true};
    if (f->n_batch == CHUNK)
        flush(f);
}

static void *run(void *arg)
{
    struct filling *f = arg;
    struct ward_arena *mem = &f->place.mem;
    uint64_t n;

    flush(f);
    while ((n = atomic_fetch_add(&next, 1)) < patients) {
        add(f, make_patient(mem, n));
        add(f, make_encounter(mem, n, n < in_wards));
        for (uint64_t k = 0; k < each; k++)
            add(f, make_observation(mem, n, k, now_us));
        for (uint64_t k = 0; k < 2; k++)
            add(f, make_condition(mem, n, k));
        if (n % 1000 == 0)
            fprintf(stderr, "\r%llu of %llu patients ", (unsigned long long)n,
                    (unsigned long long)patients);
    }
    flush(f);
    return NULL;
}

/* fill SOCKET USER KEK FIRST LAST OBSERVATIONS_EACH IN_WARDS: patients, counted from 1 */
int mode_fill(int argc, char **argv)
{
    static struct filling threads[THREADS];
    struct bench_db db = {argv[1], argv[2], "records", argc == 8 ? argv[3] : ""};
    struct records *rec = bench_service(&db);
    int64_t began = ward_mono_ns();
    uint64_t from = (uint64_t)number(argv[4], 10000000) - 1;
    double s, made;

    atomic_store(&next, from);
    patients = (uint64_t)number(argv[5], 10000000);
    each = (uint64_t)number(argv[6], 100000);
    in_wards = (uint64_t)number(argv[7], 10000000);
    now_us = ward_wall_us();
    for (int i = 0; i < THREADS; i++) {
        ward_uuid7(threads[i].event_id);
        place_open(&threads[i].place, rec, "registrar", "");
        pthread_create(&threads[i].thread, NULL, run, &threads[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i].thread, NULL);
    s = (double)(ward_mono_ns() - began) / 1e9;
    fprintf(stderr, "\n");
    made = (double)(patients - from) * (double)(each + 4);
    printf("{\"resources\": %.0f, \"seconds\": %.1f, \"per_s\": %.0f}\n", made, s, made / s);
    return 0;
}
