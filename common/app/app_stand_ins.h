/* app_stand_ins.h - for app_test.c and admin_test.c: a small process that uses ward_app_*, with
 * stand-ins for rpc, the database, the bus and tokens that log their calls. The environment
 * controls their behaviour: STUCK, DB_LATE, DB_NEWER, TWO_WRITERS, STEP_FAILS, CLOSE_HANGS,
 * CHECK_HANGS, BREAK. Threads, memory: a test's. Errors: the test fails. */
#ifndef WARD_APP_APP_STAND_INS_H
#define WARD_APP_APP_STAND_INS_H
#include "common/app/doctor/doctor_stand_ins.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/db/writers.h"
#include "common/trace/trace_stand_ins.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct ward_rpc {
    struct ward_rpc_config cfg;
};
static struct ward_rpc the_rpc;
static atomic_bool database_up = true;

enum ward_code ward_rpc_start(const struct ward_rpc_config *cfg, struct ward_rpc **out,
                              struct ward_err *err)
{
    (void)err;
    the_rpc.cfg = *cfg;
    *out = &the_rpc;
    WARD_LOG(INFO, "rpc start", WARD_KV("listen", cfg->listen),
             WARD_KN("workers", cfg->workers), WARD_KN("arena", (double)cfg->arena_cap));
    return WARD_OK;
}

enum ward_code ward_rpc_use(const char *transport, struct ward_err *err)
{
    (void)transport, (void)err;
    return WARD_OK;
}

int ward_rpc_port(const struct ward_rpc *rpc)
{
    (void)rpc;
    return 4711;
}

void ward_rpc_serving(struct ward_rpc *rpc, const char *service, bool serving)
{
    assert_ptr_equal(rpc, &the_rpc);
    assert_null(service);
    WARD_LOG(INFO, serving ? "rpc serving" : "rpc not serving");
}

void ward_rpc_stop(struct ward_rpc *rpc, int grace_ms)
{
    if (rpc != NULL)
        WARD_LOG(INFO, "rpc stop", WARD_KN("grace_ms", grace_ms));
    while (rpc != NULL && getenv("STUCK") != NULL)
        pause();
}

const struct ward_schema ward_schema_common;

enum ward_code ward_db_migrate(const struct ward_db_config *cfg,
                               const struct ward_schema *const *sets, int n,
                               struct ward_err *err)
{
    static int calls;

    (void)sets;
    WARD_LOG(INFO, "migrate", WARD_KV("name", cfg->name), WARD_KN("sets", n));
    if (getenv("DB_LATE") != NULL && calls++ == 0)
        return WARD_FAIL(err, UNAVAILABLE, "the database is unavailable");
    return getenv("DB_NEWER") != NULL ? WARD_FAIL(err, FAILED_PRECONDITION, "newer schema")
                                      : WARD_OK;
}

enum ward_code ward_db_open(const struct ward_db_config *cfg, struct ward_db **out,
                            struct ward_err *err)
{
    (void)cfg, (void)err;
    *out = (struct ward_db *)&the_rpc;
    return WARD_OK;
}

void ward_db_close(struct ward_db *db)
{
    if (db != NULL)
        WARD_LOG(INFO, "db close");
}

void ward_db_deadline(struct ward_db *db, int64_t deadline_ns)
{
    (void)db;
    assert_true(deadline_ns != WARD_NO_DEADLINE);
}

enum ward_code ward_db_ping(struct ward_db *db, struct ward_err *err)
{
    (void)db;
    return database_up ? WARD_OK : WARD_FAIL(err, UNAVAILABLE, "the database is unavailable");
}

enum ward_code ward_db_writers(struct ward_db *db, struct ward_writers *w, struct ward_err *err)
{
    (void)db, (void)w;
    return getenv("TWO_WRITERS") == NULL
               ? WARD_OK
               : WARD_FAIL(err, FAILED_PRECONDITION, "two nodes take writes");
}

enum ward_code ward_relay_start(const struct ward_relay_config *cfg, struct ward_relay **out,
                                struct ward_err *err)
{
    (void)err;
    WARD_LOG(INFO, "relay start", WARD_KV("url", cfg->url));
    *out = (struct ward_relay *)&the_rpc;
    return WARD_OK;
}

void ward_relay_wake(struct ward_relay *r)
{
    assert_ptr_equal(r, &the_rpc);
}

void ward_relay_stop(struct ward_relay *r, int grace_ms)
{
    if (r != NULL)
        WARD_LOG(INFO, "relay stop", WARD_KN("grace_ms", grace_ms));
}

void ward_outbox_on_commit(void (*fn)(void *), void *arg)
{
    (void)fn, (void)arg;
}

enum ward_code ward_outbox_drain(struct ward_db *db, size_t most, ward_deliver_fn *deliver,
                                 void *arg, size_t *n, struct ward_err *err)
{
    (void)db, (void)most, (void)deliver, (void)arg, (void)n, (void)err;
    return WARD_INTERNAL; /* the stand-in relay never calls this function */
}

enum ward_code ward_outbox_backlog(struct ward_db *db, int64_t *rows, int64_t *held,
                                   double *age_s, struct ward_err *err)
{
    (void)db, (void)rows, (void)held, (void)age_s, (void)err;
    return WARD_INTERNAL;
}

/* One held event with id 7. */
enum ward_code ward_outbox_held(struct ward_db *db, struct ward_arena *mem, int64_t after_id,
                                struct ward_rows *rows, struct ward_err *err)
{
    static const struct ward_val row[WARD_HELD_COLUMNS] = {
        {"7", 1},        {"0102", 4}, {"2026-11-22T19:00:00", 19}, {"2026-11-22T19:00:01", 19},
        {"INTERNAL", 8}, {"42", 2}};
    static const struct ward_val *const all[] = {row};

    (void)db, (void)mem, (void)err;
    *rows = (struct ward_rows){.n = after_id < 7 ? 1 : 0, .at = all};
    return WARD_OK;
}

enum ward_code ward_outbox_release(struct ward_db *db, int64_t id, int64_t *n,
                                   struct ward_err *err)
{
    (void)db, (void)err;
    *n = id == 0 || id == 7;
    return WARD_OK;
}

enum ward_code ward_outbox_age(struct ward_db *db, int64_t *sent, int64_t *next,
                               struct ward_err *err)
{
    (void)db, (void)sent, (void)next, (void)err;
    return WARD_INTERNAL;
}

enum ward_code ward_outbox_accept(struct ward_db *db, int64_t row, struct ward_err *err)
{
    (void)db;
    return row == 7 ? WARD_OK : WARD_FAIL(err, FAILED_PRECONDITION, "not older");
}

enum ward_code ward_bus_mark(struct ward_bus_client *c, const char *service, uint64_t sent,
                             uint64_t last, int timeout_ms, struct ward_err *err)
{
    (void)c, (void)service, (void)sent, (void)last, (void)timeout_ms, (void)err;
    return WARD_INTERNAL;
}

enum ward_code ward_relay_age(struct ward_relay *r, struct ward_err *err)
{
    (void)r, (void)err;
    return WARD_OK;
}

enum ward_code ward_relay_check(struct ward_relay *r, struct ward_err *err)
{
    (void)r, (void)err;
    return WARD_OK;
}

enum ward_code ward_idem_expire(struct ward_db *db, struct ward_err *err)
{
    (void)db, (void)err;
    return WARD_INTERNAL;
}

enum ward_code ward_bus_deliver(struct ward_bus_client *c, const struct ward_bus_item *items,
                                size_t n, int timeout_ms, struct ward_err *err)
{
    (void)c, (void)items, (void)n, (void)timeout_ms, (void)err;
    return WARD_INTERNAL;
}

enum ward_code ward_jwks_open(const struct ward_jwks_config *cfg, struct ward_jwks **out,
                              struct ward_err *err)
{
    (void)out;
    return WARD_FAIL(err, NOT_FOUND, "cannot open %s", cfg->path);
}

void ward_jwks_close(struct ward_jwks *j)
{
    assert_null(j);
}

/* ---- the process under test ---- */

struct own {
    const char *greeting;
    int arena_kib;
};

static const struct ward_opt OWN[] = {
    {"WARD_GREETING", WARD_STR, offsetof(struct own, greeting), "hello", 0, 0, "", "a word",
     false},
    {"WARD_ARENA_KIB", WARD_INT, offsetof(struct own, arena_kib), "512", 16, 4096, "KiB",
     "memory limit of one call", false},
    WARD_OPT_END,
};

static inline enum ward_code step_open(void *arg, struct ward_err *err)
{
    WARD_LOG(INFO, "step open", WARD_KV("name", arg));
    return getenv("STEP_FAILS") != NULL ? WARD_FAIL(err, FAILED_PRECONDITION, "no such model")
                                        : WARD_OK;
}

static inline void step_close(void *arg)
{
    WARD_LOG(INFO, "step close", WARD_KV("name", arg));
    while (getenv("CLOSE_HANGS") != NULL)
        pause();
}

static inline void flip(int signum)
{
    (void)signum;
    database_up = !database_up;
}

static inline enum ward_code slow_check(void *arg, struct ward_err *err)
{
    (void)arg, (void)err;
    return getenv("CHECK_HANGS") != NULL && sleep(3600) > 0 ? WARD_INTERNAL : WARD_OK;
}

static struct ward_family waves = {
    .name = "ward_test_waves_total", .help = "Waves.", .type = WARD_COUNTER};

static inline int live(int argc, char **argv)
{
    struct own own = {0};
    struct ward_app app;

    signal(SIGUSR1, flip);
    ward_app_begin(&app, "probe");
    app.check_every_ms = 20;
    app.check_bound_ms = 200;
    app.admin_ms = 1000;
    ward_app_metrics(&app, (struct ward_family *const[]){&waves, NULL});
    ward_app_config(&app, OWN, &own, argc, argv);
    ward_app_database(&app, &(struct ward_schema){.set = "probe"});
    ward_app_outbox(&app);
    ward_app_use(&app, step_open, step_close, (void *)(uintptr_t) "model");
    ward_app_check(&app, "scale", slow_check, NULL);
    ward_app_serve(&app, &(struct ward_rpc_config){.arena_cap = (size_t)own.arena_kib << 10});
    if (getenv("BREAK") != NULL && app.code == WARD_OK)
        the_rpc.cfg.broken(the_rpc.cfg.broken_arg, "cannot accept");
    return ward_app_run(&app);
}

#endif
