/* The statements of a Create or an Update, recorded from the handler, run again by a client
 * that does nothing else: prepared statements, the same parameters but for what must be new. */
#include "bench.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "tests/bench/sqlreplay.h"

#include <pthread.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bare {
    struct records *rec;
    bool update;
    int64_t until_ns;
    uint64_t n;
    pthread_t thread;
    int64_t done, handled; /* transactions of the bare client; before it, of the handler */
    struct place place;
    struct sqlreplay sql;
    int version;
    char id[37];
};

static Resource *observation(struct bare *b, const char *id)
{
    Resource *res = make_observation(&b->place.mem, b->n, 0, ward_wall_us());

    res->observation->id = ward_strdup(&b->place.mem, id);
    return res;
}

/* One call of the real handler; its version and id are kept. */
static void handle(void *arg)
{
    struct bare *b = arg;

    Ward__Records__V1__CreateRequest create = WARD__RECORDS__V1__CREATE_REQUEST__INIT;
    Ward__Records__V1__CreateResponse created = WARD__RECORDS__V1__CREATE_RESPONSE__INIT;
    Ward__Records__V1__UpdateRequest update = WARD__RECORDS__V1__UPDATE_REQUEST__INIT;
    Ward__Records__V1__UpdateResponse updated = WARD__RECORDS__V1__UPDATE_RESPONSE__INIT;
    const Ward__Records__V1__Version *v;
    uint8_t key[16];
    char text[37];

    ward_uuid7(key);
    ward_uuid_text(key, text);
    if (b->update && b->version > 0) {
        place_call(&b->place, "/ward.records.v1.Records/Update");
        update.idempotency_key = text;
        update.expected_version = b->version;
        update.resource = observation(b, b->id);
        must(update_rpc(&b->place.call, &update.base, &updated.base), &b->place.err, "Update");
        v = updated.record->version;
    } else {
        place_call(&b->place, "/ward.records.v1.Records/Create");
        create.idempotency_key = text;
        create.resource = observation(b, "");
        must(create_rpc(&b->place.call, &create.base, &created.base), &b->place.err, "Create");
        v = created.record->version;
    }
    b->version = v->version;
    snprintf(b->id, sizeof(b->id), "%s", v->resource_id);
}

static void *run(void *arg)
{
    struct bare *b = arg;

    for (int i = 0; i < 3; i++) /* to warm what the worker keeps */
        handle(b);
    sqlreplay_learn(&b->sql, handle, b);
    while (ward_mono_ns() < b->until_ns) {
        must(sqlreplay_run(&b->sql, b->place.w->event_ctx.db, &b->place.err), &b->place.err,
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
        sqlreplay_open(&b->sql);
        place_open(&b->place, rec, "nurse", ward_printf(&b->sql.mem, "ward-%d", i % WARDS));
        pthread_create(&b->thread, NULL, run, b);
    }
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i].thread, NULL);
        done += threads[i].done;
    }
    printf("{\"per_s\": %.1f, \"statements\": %zu}\n",
           (double)done / ((double)(ward_mono_ns() - began) / 1e9), threads[0].sql.last.n);
    return 0;
}
