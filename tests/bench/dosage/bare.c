/* A Check's statements, recorded from its handler and run again by a client that does nothing
 * else; and its rules alone, without any. */
#include "bench.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "services/dosage/check/check.h"
#include "services/dosage/formulary/ruleset.h"
#include "tests/bench/sqlreplay.h"
#include "ward/dosage/v1/orders.pb-c.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CHECK "/ward.dosage.v1.Orders/Check"

typedef Ward__Dosage__V1__CheckRequest CheckRequest;
typedef Ward__Dosage__V1__CheckResponse CheckResponse;
typedef Ward__Dosage__V1__Decision Decision;

struct bare {
    struct place place;
    struct sqlreplay sql;
    struct ward_db *db; /* of the replay; as the keeper's (order/keeper.c) */
    uint64_t patient;
    const Decision *decision; /* of the last call */
    int64_t until_ns, done;
    pthread_t thread;
};

static void handle(void *arg)
{
    struct bare *b = arg;
    CheckRequest req = WARD__DOSAGE__V1__CHECK_REQUEST__INIT;
    CheckResponse resp = WARD__DOSAGE__V1__CHECK_RESPONSE__INIT;
    uint8_t id[16];
    char text[37];

    uuid_of(b->patient, id);
    ward_uuid_text(id, text);
    place_call(&b->place, CHECK);
    req.patient_id = text;
    req.prescription = make_asked(&b->place.mem);
    must(check_rpc(&b->place.call, &req.base, &resp.base), &b->place.err, "Check");
    b->decision = resp.decision;
}

static void *run(void *arg)
{
    struct bare *b = arg;

    for (int i = 0; i < 3; i++) /* to warm what the worker keeps */
        handle(b);
    sqlreplay_learn(&b->sql, handle, b);
    while (ward_mono_ns() < b->until_ns) {
        must(sqlreplay_run(&b->sql, b->db, &b->place.err), &b->place.err, "bare SQL");
        b->done++;
    }
    return NULL;
}

static void open_bare(struct bare *b, struct dosage *dos, const char *tokens, uint64_t n)
{
    struct ward_db_config cfg = *dos->db;

    cfg.tx_only = true;
    b->patient = n == 0 ? WARDS : n; /* patient n is of ward n % WARDS */
    sqlreplay_open(&b->sql);
    place_open(&b->place, dos, n % WARDS, token_of(tokens, n));
    must(ward_db_open(&cfg, &b->db, &b->place.err), &b->place.err, "the replay's connection");
}

static void close_bare(struct bare *b)
{
    ward_db_close(b->db);
    place_close(&b->place);
}

/* bare SOCKET USER KEK CERTS RECORDS TOKENS THREADS SECONDS */
int mode_bare(int argc, char **argv)
{
    static struct bare threads[WARDS];
    int n = argc == 9 ? (int)number(argv[7], WARDS) : 0;
    int64_t seconds = n == 0 ? 0 : number(argv[8], 600), began, done = 0;
    struct dosage *dos = bench_whole(argv + 1, argv[4], argv[5]);

    began = ward_mono_ns();
    for (int i = 0; i < n; i++) {
        struct bare *b = &threads[i];

        open_bare(b, dos, argv[6], (uint64_t)i);
        b->until_ns = began + seconds * 1000000000;
        pthread_create(&b->thread, NULL, run, b);
    }
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i].thread, NULL);
        done += threads[i].done;
        close_bare(&threads[i]);
    }
    printf("{\"per_s\": %.1f, \"statements\": %zu}\n",
           (double)done / ((double)(ward_mono_ns() - began) / 1e9), threads[0].sql.last.n);
    dosage_close(dos);
    return 0;
}

/* rules SOCKET USER KEK CERTS RECORDS TOKENS SECONDS: one core, the snapshot of a Check. */
int mode_rules(int argc, char **argv)
{
    static struct bare b;
    int64_t seconds = argc == 8 ? number(argv[7], 600) : 0, began, checks = 0, rules = 0;
    struct dosage *dos = bench_whole(argv + 1, argv[4], argv[5]);
    const struct ruleset *set = NULL;
    struct ward_arena mem;

    open_bare(&b, dos, argv[6], 0);
    handle(&b);
    must(ruleset_active(b.place.w, &b.place.mem, &set, &b.place.err), &b.place.err, "rules");
    ward_arena_init(&mem, DOSAGE_ARENA);
    began = ward_mono_ns();
    while (ward_mono_ns() < began + seconds * 1000000000) {
        Decision d = WARD__DOSAGE__V1__DECISION__INIT;

        ward_arena_reset(&mem);
        must(check_run(set, b.decision->snapshot, &mem, &d, &b.place.err), &b.place.err,
             "rules");
        rules += (int64_t)d.n_trace;
        checks++;
    }
    printf("{\"checks_per_s\": %.0f, \"rules_per_s\": %.0f, \"rules\": %zu, \"running\": %zu,"
           " \"given\": %zu}\n",
           (double)checks / ((double)(ward_mono_ns() - began) / 1e9),
           (double)rules / ((double)(ward_mono_ns() - began) / 1e9), b.decision->n_trace,
           b.decision->snapshot->n_running, b.decision->snapshot->n_given);
    ward_arena_done(&mem);
    close_bare(&b);
    dosage_close(dos);
    return 0;
}
