/* Loads a running audit service; audit.mjs starts it and calls this. Prints one JSON object.
 *   audit_load bare SOCKET USER SECONDS            array-bound inserts of the same bytes
 *   audit_load append PORT CERTS THREADS BATCH SECONDS
 *   audit_load pipeline SOCKET USER BUS EVENTS     outbox -> relay -> bus -> audit
 *   audit_load proof PORT CERTS TIMES              from a commit's answer to a checked proof
 * Bounded in time and count. */
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/bus/relay.h"
#include "common/db/outbox.h"
#include "common/merkle/keys.h"
#include "common/rpc/client.h"
#include "ward/audit/v1/audit.pb-c.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENTS 5000
#define BARE     1000 /* rows a batch */
#define TREE     200  /* bytes that audit stores beside an event: leaf, salt, tag, hashes */
#define MOST     1000
#define ATTEMPT  60 /* seconds */

typedef Ward__Audit__V1__Event Event;
typedef Ward__Audit__V1__Event__DetailEntry Detail;

static struct ward_err err;

static void must(enum ward_code code, const char *what)
{
    if (code == WARD_OK)
        return;
    fprintf(stderr, "%s: %s [%s]\n", what, err.msg, err.detail);
    exit(1);
}

static int64_t number(const char *s, int64_t most)
{
    int64_t v = 0;

    if (!ward_i64(s, 1, most, &v)) {
        fprintf(stderr, "%s is not a number\n", s);
        exit(2);
    }
    return v;
}

static double since(int64_t began_ns)
{
    return (double)(ward_mono_ns() - began_ns) / 1e9;
}

/* An event as identity's Verify writes one: about 300 bytes. Texts are statics: read only. */
struct made {
    Event e;
    uint8_t id[16];
    char event_id[37], patient[24], trace[33];
    Detail details[3], *list[3];
};

static void make(struct made *m, unsigned seed)
{
    static const char *const keys[3] = {"score", "threshold", "model_sha256"};
    static const char *const values[3] = {
        "0.8317", "0.4210", "5b1c2f0a9d3e4c5b6a798877665544332211009f8e7d6c5b4a39281706f5e4d3"};

    ward__audit__v1__event__init(&m->e);
    ward_uuid7(m->id);
    ward_hex(m->id, 16, m->trace);
    snprintf(m->patient, sizeof(m->patient), "subject-%u", seed % PATIENTS);
    ward_uuid_text(m->id, m->event_id);
    m->e.event_id = m->event_id;
    m->e.occurred_at_us = ward_wall_us();
    m->e.service = "identity";
    m->e.action = "/ward.identity.v1.Identity/Verify";
    m->e.outcome = WARD__AUDIT__V1__OUTCOME__OUTCOME_SUCCESS;
    m->e.actor = "nurse-1234";
    m->e.peer = "devices";
    m->e.patient = m->patient;
    m->e.purpose = "TREAT";
    m->e.place = "ward-3/bed-12";
    m->e.trace_id = m->trace;
    for (int i = 0; i < 3; i++) {
        ward__audit__v1__event__detail_entry__init(&m->details[i]);
        m->details[i].key = (char *)(uintptr_t)keys[i];
        m->details[i].value = (char *)(uintptr_t)values[i];
        m->list[i] = &m->details[i];
    }
    m->e.detail = m->list;
    m->e.n_detail = 3;
}

static size_t event_bytes(void)
{
    struct made m;

    make(&m, 1);
    return protobuf_c_message_get_packed_size(&m.e.base);
}

/* ---- bare inserts ---- */

static struct ward_db_config cfg;

static void reach(const char *socket, const char *user, const char *name)
{
    cfg = (struct ward_db_config){
        .socket = socket, .host = "", .user = user, .password = "", .name = name};
}

static void bare(int64_t seconds)
{
    static const char ADD[] = "INSERT INTO bare (idx, event_id, data) VALUES (?, ?, ?)";
    struct ward_val *v = calloc(3 * BARE, sizeof(*v));
    size_t n = event_bytes() + TREE, total = 0;
    uint8_t(*ids)[16] = malloc(BARE * sizeof(*ids)), *data = malloc(n);
    char(*idx)[24] = malloc(BARE * sizeof(*idx));
    int64_t began, until;
    struct ward_db *db;

    must(ward_db_open(&cfg, &db, &err), "open");
    must(ward_db_run(db, NULL,
                     "CREATE OR REPLACE TABLE bare (idx BIGINT NOT NULL PRIMARY KEY,"
                     " event_id BINARY(16) NOT NULL, data VARBINARY(8320) NOT NULL)"
                     " ENGINE=InnoDB",
                     WARD_NO_PARAMS, NULL, &err),
         "create");
    ward_random(data, n);
    began = ward_mono_ns();
    until = began + seconds * 1000 * WARD_NS_PER_MS;
    for (; ward_mono_ns() < until; total += BARE) {
        for (size_t i = 0; i < BARE; i++) {
            ward_uuid7(ids[i]);
            snprintf(idx[i], sizeof(idx[i]), "%zu", total + i);
            v[3 * i] = ward_text(idx[i]);
            v[3 * i + 1] = ward_blob(ids[i], 16);
            v[3 * i + 2] = ward_blob(data, n);
        }
        must(ward_db_bulk(db, ADD, v, 3, BARE, &err), "insert");
    }
    printf("{\"events_per_s\":%.1f,\"events\":%zu,\"row_bytes\":%zu}\n",
           (double)total / since(began), total, n + 16);
    must(ward_db_run(db, NULL, "DROP TABLE bare", WARD_NO_PARAMS, NULL, &err), "drop");
    ward_db_close(db);
    free(v), free(ids), free(idx), free(data);
}

/* ---- Append ---- */

static struct ward_client *client;
static int64_t until_ns;
static unsigned batch_size;
static atomic_size_t appended, failed;

static void open_client(const char *port, const char *certs)
{
    static char target[64], files[3][200];

    snprintf(target, sizeof(target), "127.0.0.1:%s", port);
    snprintf(files[0], sizeof(files[0]), "%s/identity.pem", certs);
    snprintf(files[1], sizeof(files[1]), "%s/identity.key", certs);
    snprintf(files[2], sizeof(files[2]), "%s/ca.pem", certs);
    must(ward_client_open(&(struct ward_client_config){.target = target,
                                                       .tls = {files[0], files[1], files[2]},
                                                       .server = "audit"},
                          &client, &err),
         "client");
}

static size_t append_some(struct made *m, unsigned n, unsigned seed, struct ward_err *e)
{
    Ward__Audit__V1__AppendRequest req = WARD__AUDIT__V1__APPEND_REQUEST__INIT;
    Event *list[MOST];
    struct ward_out with = {.deadline_ns = ward_mono_ns() + 30000 * WARD_NS_PER_MS};
    ProtobufCMessage *resp;
    struct ward_arena mem;
    enum ward_code code;

    for (unsigned i = 0; i < n; i++) {
        make(&m[i], seed + i);
        list[i] = &m[i].e;
    }
    req.events = list;
    req.n_events = n;
    ward_arena_init(&mem, (size_t)4 << 20);
    code = ward_client_call(client, "/ward.audit.v1.Audit/Append", &with, &req.base,
                            &ward__audit__v1__append_response__descriptor, &resp, &mem, e);
    ward_arena_done(&mem);
    return code == WARD_OK ? n : 0;
}

static void *appending(void *arg)
{
    struct made *m = calloc(batch_size, sizeof(*m));
    unsigned seed = (unsigned)(uintptr_t)arg * 7919;
    struct ward_err e;

    for (; ward_mono_ns() < until_ns; seed += batch_size) {
        size_t n = append_some(m, batch_size, seed, &e);

        atomic_fetch_add(&appended, n);
        atomic_fetch_add(&failed, n == 0);
    }
    free(m);
    return NULL;
}

static void append(int64_t threads, int64_t batch, int64_t seconds)
{
    pthread_t t[64];
    int64_t began = ward_mono_ns();

    batch_size = (unsigned)batch;
    until_ns = began + seconds * 1000 * WARD_NS_PER_MS;
    for (int64_t i = 0; i < threads; i++)
        if (pthread_create(&t[i], NULL, appending, (void *)(uintptr_t)(i + 1)) != 0)
            exit(1);
    for (int64_t i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    printf("{\"events_per_s\":%.1f,\"events\":%zu,\"failed_calls\":%zu,\"event_bytes\":%zu}\n",
           (double)appended / since(began), (size_t)appended, (size_t)failed, event_bytes());
}

/* ---- the pipeline ---- */

static enum ward_code wrk_open(void *svc, void **wrk, struct ward_err *e)
{
    (void)svc;
    return ward_db_open(&cfg, (struct ward_db **)wrk, e);
}

static void wrk_close(void *wrk)
{
    ward_db_close(wrk);
}

struct delivery {
    struct ward_bus_client *to;
    int timeout_ms;
};

static enum ward_code deliver(void *arg, const struct ward_outbox_item *items, size_t n,
                              struct ward_err *e)
{
    static struct ward_bus_item out[WARD_BUS_MAX_ITEMS];
    const struct delivery *d = arg;

    for (size_t i = 0; i < n; i++) {
        memcpy(out[i].id, items[i].event_id, 16);
        out[i].p = items[i].event;
        out[i].n = items[i].n;
    }
    return ward_bus_deliver(d->to, out, n, d->timeout_ms, e);
}

static enum ward_code drain(void *wrk, size_t most, struct ward_bus_client *to, int timeout_ms,
                            size_t *n, struct ward_err *e)
{
    struct delivery d = {to, timeout_ms};

    return ward_outbox_drain(wrk, most, deliver, &d, n, e);
}

static enum ward_code backlog(void *wrk, int64_t *rows, int64_t *held, double *age_s,
                              struct ward_err *e)
{
    return ward_outbox_backlog(wrk, rows, held, age_s, e);
}

static void fill_outbox(struct ward_db *db, int64_t total)
{
    static const char PUT[] = "INSERT INTO ward_outbox (event_id, event) VALUES (?, ?)";
    struct made *m = calloc(MOST, sizeof(*m));
    struct ward_val *v = calloc(2 * MOST, sizeof(*v));
    uint8_t(*bytes)[512] = calloc(MOST, sizeof(*bytes));

    for (int64_t at = 0; at < total; at += MOST) {
        for (int64_t i = 0; i < MOST; i++) {
            make(&m[i], (unsigned)(at + i));
            v[2 * i] = ward_blob(m[i].id, 16);
            v[2 * i + 1] = ward_blob(bytes[i], protobuf_c_message_pack(&m[i].e.base, bytes[i]));
        }
        must(ward_db_bulk(db, PUT, v, 2, MOST, &err), "fill");
    }
    free(m), free(v), free(bytes);
}

static void pipeline(const char *bus, int64_t total)
{
    static const struct ward_schema *const sets[] = {&ward_schema_common};
    int64_t began, rows = 1, held, give_up = ward_mono_ns() + ATTEMPT * 1000 * WARD_NS_PER_MS;
    struct ward_relay *r = NULL;
    struct ward_db *db;
    double fill_s, age_s, drain_s;

    must(ward_db_migrate(&cfg, sets, 1, &err), "migrate");
    must(ward_db_open(&cfg, &db, &err), "open");
    began = ward_mono_ns();
    fill_outbox(db, total);
    fill_s = since(began);
    began = ward_mono_ns();
    must(ward_relay_start(&(struct ward_relay_config){.url = bus,
                                                      .tls = {"", "", ""},
                                                      .open = wrk_open,
                                                      .close = wrk_close,
                                                      .drain = drain,
                                                      .backlog = backlog},
                          &r, &err),
         "relay");
    while (rows > 0 && ward_mono_ns() < give_up) {
        usleep(20000);
        must(ward_outbox_backlog(db, &rows, &held, &age_s, &err), "backlog");
    }
    drain_s = since(began);
    ward_relay_stop(r, 5000);
    ward_db_close(db);
    printf("{\"events\":%lld,\"left\":%lld,\"fill_s\":%.3f,\"drain_s\":%.3f}\n",
           (long long)total, (long long)rows, fill_s, drain_s);
    if (rows > 0)
        exit(1);
}

/* ---- proofs ---- */

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;

    return (a > b) - (a < b);
}

static void check_receipt(const Ward__Audit__V1__Receipt *r)
{
    struct ward_hash proof[WARD_PROOF_MAX], leaf;
    struct ward_checkpoint cp;
    struct ward_note note;

    must(ward_note_parse(r->checkpoint, strlen(r->checkpoint), &note, &err), "note");
    must(ward_checkpoint_parse(&note, &cp, &err), "checkpoint");
    for (size_t i = 0; i < r->n_proof && i < WARD_PROOF_MAX; i++)
        memcpy(proof[i].b, r->proof[i].data, sizeof(proof[i].b));
    ward_leaf_hash(r->leaf.data, r->leaf.len, &leaf);
    if (!ward_check_inclusion(&leaf, r->index, cp.size, proof, r->n_proof, &cp.root)) {
        fprintf(stderr, "a proof does not hold\n");
        exit(1);
    }
}

static void proof(int64_t times)
{
    double *ms = calloc((size_t)times, sizeof(*ms));
    struct made m;

    for (int64_t i = 0; i < times; i++) {
        Ward__Audit__V1__GetReceiptRequest req = WARD__AUDIT__V1__GET_RECEIPT_REQUEST__INIT;
        struct ward_out with = {.deadline_ns = ward_mono_ns() + 30000 * WARD_NS_PER_MS};
        ProtobufCMessage *resp;
        struct ward_arena mem;
        int64_t began;

        if (append_some(&m, 1, (unsigned)i, &err) == 0)
            exit(1);
        began = ward_mono_ns();
        ward_arena_init(&mem, (size_t)4 << 20);
        req.event_id = m.e.event_id;
        must(ward_client_call(client, "/ward.audit.v1.Audit/GetReceipt", &with, &req.base,
                              &ward__audit__v1__get_receipt_response__descriptor, &resp, &mem,
                              &err),
             "receipt");
        check_receipt(((Ward__Audit__V1__GetReceiptResponse *)resp)->receipt);
        ms[i] = since(began) * 1000;
        ward_arena_done(&mem);
    }
    qsort(ms, (size_t)times, sizeof(*ms), by_value);
    printf("{\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"most_ms\":%.2f}\n", ms[times / 2],
           ms[times * 99 / 100], ms[times - 1]);
    free(ms);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    ward_log_level(WARD_LOG_ERROR);
    if (strcmp(what, "bare") == 0 && argc == 5) {
        reach(argv[2], argv[3], "bench");
        bare(number(argv[4], 60));
    } else if (strcmp(what, "append") == 0 && argc == 7) {
        open_client(argv[2], argv[3]);
        append(number(argv[4], 64), number(argv[5], MOST), number(argv[6], 60));
        ward_client_close(client);
    } else if (strcmp(what, "pipeline") == 0 && argc == 6) {
        reach(argv[2], argv[3], "bench");
        pipeline(argv[4], number(argv[5], 1000000));
    } else if (strcmp(what, "proof") == 0 && argc == 5) {
        open_client(argv[2], argv[3]);
        proof(number(argv[4], 10000));
        ward_client_close(client);
    } else {
        fprintf(stderr, "see the head of audit_load.c\n");
        return 2;
    }
    return 0;
}
