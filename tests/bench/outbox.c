/* How fast events leave a service: array-bound inserts by common/db beside the same statement
 * by the outbox pipeline, whole, into a table of a receiver that commits each delivery. Durable
 * commits throughout (innodb_flush_log_at_trx_commit=1), all on one server.
 *   tests/tools/with-db build/bench/outbox [EVENTS] */
#include "common/db/outbox.h"
#include "cli/pki/pki.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/bus/relay.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENT_BYTES 300

static struct ward_db_config cfg;
static struct ward_err err;
static uint8_t event[EVENT_BYTES];

static void must(enum ward_code code, const char *what)
{
    if (code == WARD_OK)
        return;
    fprintf(stderr, "%s: %s [%s]\n", what, err.msg, err.detail);
    exit(1);
}

static struct ward_db *open_db(void)
{
    struct ward_db *db = NULL;

    must(ward_db_open(&cfg, &db, &err), "open");
    return db;
}

static void sql(struct ward_db *db, const char *text)
{
    must(ward_db_run(db, NULL, text, WARD_NO_PARAMS, NULL, &err), text);
}

static double since(int64_t began_ns)
{
    return (double)(ward_mono_ns() - began_ns) / 1e9;
}

static struct ward_val *rows_of(size_t n)
{
    struct ward_val *v = calloc(2 * n, sizeof(*v));
    uint8_t *ids = malloc(16 * n);

    for (size_t i = 0; i < n; i++) {
        ward_uuid7(ids + 16 * i);
        v[2 * i] = ward_blob(ids + 16 * i, 16);
        v[2 * i + 1] = ward_blob(event, sizeof(event));
    }
    return v;
}

static const char PUT[] = "INSERT INTO ward_outbox (event_id, event) VALUES (?, ?)";

static double bulk(struct ward_db *db, size_t batch, size_t total)
{
    struct ward_val *v = rows_of(batch);
    int64_t began = ward_mono_ns();
    double s;

    for (size_t n = 0; n < total; n += batch)
        must(ward_db_bulk(db, PUT, v, 2, batch, &err), "bulk");
    s = since(began);
    free((void *)(uintptr_t)v[0].p);
    free(v);
    return (double)total / s;
}

/* ---- pipeline ---- */

static atomic_size_t arrived;

static enum ward_code wrk_open(void *svc, void **wrk, struct ward_err *e)
{
    (void)svc;
    return ward_db_open(&cfg, (struct ward_db **)wrk, e);
}

static void wrk_close(void *wrk)
{
    ward_db_close(wrk);
}

static enum ward_code take(void *svc, void *wrk, const char *peer,
                           const struct ward_bus_item *items, size_t n, struct ward_err *e)
{
    static const char SQL[] = "INSERT INTO arrived (event_id, event) VALUES (?, ?)";
    struct ward_val *v = calloc(2 * n, sizeof(*v));
    enum ward_code code;

    (void)svc, (void)peer;
    for (size_t i = 0; i < n; i++) {
        v[2 * i] = ward_blob(items[i].id, 16);
        v[2 * i + 1] = ward_blob(items[i].p, items[i].n);
    }
    code = ward_db_bulk(wrk, SQL, v, 2, n, e);
    free(v);
    if (code == WARD_OK)
        atomic_fetch_add(&arrived, n);
    return code;
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

static double pipeline(const char *dir, bool tls, int batch, size_t total)
{
    struct ward_bus_server *s = NULL;
    struct ward_relay *r = NULL;
    char url[128], files[5][128];
    int64_t began;
    double took;

    snprintf(files[0], 128, "%s/audit.pem", dir), snprintf(files[1], 128, "%s/audit.key", dir);
    snprintf(files[2], 128, "%s/identity.pem", dir);
    snprintf(files[3], 128, "%s/identity.key", dir), snprintf(files[4], 128, "%s/ca.pem", dir);
    snprintf(url, sizeof(url), tls ? "tls+tcp://127.0.0.1:0" : "ipc://%s/bus", dir);
    must(ward_bus_listen(&(struct ward_bus_server_config){.url = url,
                                                          .tls = {files[0], files[1], files[4]},
                                                          .threads = 1,
                                                          .wrk_open = wrk_open,
                                                          .wrk_close = wrk_close,
                                                          .take = take},
                         &s, &err),
         "listen");
    if (tls)
        snprintf(url, sizeof(url), "tls+tcp://127.0.0.1:%d", ward_bus_port(s));
    atomic_store(&arrived, 0);
    began = ward_mono_ns();
    must(ward_relay_start(&(struct ward_relay_config){.url = url,
                                                      .tls = {files[2], files[3], files[4]},
                                                      .batch = batch,
                                                      .open = wrk_open,
                                                      .close = wrk_close,
                                                      .drain = drain,
                                                      .backlog = backlog},
                          &r, &err),
         "relay");
    while (atomic_load(&arrived) < total)
        usleep(500);
    took = since(began);
    ward_relay_stop(r, 10000);
    ward_bus_stop(s);
    return took;
}

int main(int argc, char **argv)
{
    static const struct ward_schema *const sets[] = {&ward_schema_common};
    char dir[] = "/tmp/ward-bench-XXXXXX";
    int64_t total = 100000;
    struct ward_db *db;
    double per_100, per_1000;

    if (argc > 1 && !ward_i64(argv[1], 1000, 10000000, &total))
        return 2;
    ward_log_level(WARD_LOG_ERROR);
    cfg = (struct ward_db_config){.socket = getenv("WARD_TEST_DB_SOCKET"),
                                  .host = "",
                                  .user = getenv("WARD_TEST_DB_USER"),
                                  .password = "",
                                  .name = ""};
    if (cfg.socket == NULL || mkdtemp(dir) == NULL)
        return 2;
    must(ward_pki_ca(dir, &err), "CA");
    must(ward_pki_issue(dir, "audit", 24, &err), "certificate");
    must(ward_pki_issue(dir, "identity", 24, &err), "certificate");
    db = open_db();
    sql(db, "CREATE OR REPLACE DATABASE bench_outbox");
    ward_db_close(db);
    cfg.name = "bench_outbox";
    must(ward_db_migrate(&cfg, sets, 1, &err), "migrate");
    db = open_db();
    sql(db, "CREATE TABLE arrived (n BIGINT AUTO_INCREMENT PRIMARY KEY, event_id BINARY(16),"
            " event BLOB) ENGINE=InnoDB");
    ward_random(event, sizeof(event));

    per_100 = bulk(db, 100, (size_t)total);
    sql(db, "TRUNCATE ward_outbox");
    per_1000 = bulk(db, 1000, (size_t)total);
    printf("ward_db_bulk, durable, %d-byte events: %.0f rows/s at 100 a batch, %.0f at 1000\n",
           EVENT_BYTES, per_100, per_1000);
    for (int i = 0; i < 6; i++) {
        static const int batch[] = {250, 1000, 2000, 4000, 1000, 4000};
        bool tls = i >= 4;
        double s;

        sql(db, "TRUNCATE ward_outbox");
        sql(db, "TRUNCATE arrived");
        (void)bulk(db, 1000, (size_t)total);
        s = pipeline(dir, tls, batch[i], (size_t)total);
        printf("outbox -> bus (%s) -> commit -> ack -> delete: %lld events in %.2f s, %.0f/s,"
               " batch %d\n",
               tls ? "mutual TLS" : "ipc", (long long)total, s, (double)total / s, batch[i]);
    }
    ward_db_close(db);
    return 0;
}
