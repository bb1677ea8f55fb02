/* app.h - the life of a process. Every main() only lists the steps of its service.
 *
 * Errors are sticky: after the first failure, the remaining steps do nothing, and ward_app_run
 * reports the failure and returns 1. main() therefore needs no ifs. One thread runs the libuv
 * loop for signals and the admin port (/metrics, /livez, /readyz, PUT /loglevel). Another
 * thread runs the readiness checks. Every service has the options of struct ward_app_config and
 * its own options. A service's own option replaces the common option with the same name, such
 * as WARD_ARENA_KIB. The service then passes the value on itself.
 *
 * Threads: main calls all functions. ward_app_config starts the loop's thread, so that the
 * admin port answers while main migrates or drains. A second SIGTERM or SIGINT always ends the
 * process at once, with status 1. Memory: the app's own. Errors: sticky, printed once as a log
 * line.
 */
#ifndef WARD_APP_APP_H
#define WARD_APP_APP_H

#include "common/app/config.h"
#include "common/base/metrics.h"
#include "common/base/status.h"
#include "common/bus/relay.h"
#include "common/db/db.h"
#include "common/db/outbox.h"
#include "common/rpc/client.h"
#include "common/rpc/rpc.h"

#define WARD_APP_CLOSERS 24
#define WARD_APP_CHECKS  16

/* A check of `--doctor`. A failure is a finding, and err.msg describes the fault. */
struct ward_doctor_check {
    const char *name; /* such as "anchor" */
    enum ward_code (*fn)(void *arg, struct ward_db *db, struct ward_err *err);
    bool needs_db;            /* do not call fn without a database */
    const char *means, *todo; /* the consequence and the remedy of a finding, as sentences */
};

/* The options of every service; app_options.c has the table. */
struct ward_app_config {
    const char *listen, *admin_listen, *log_level;
    int workers, streams, pollers, queue, arena_kib, max_message_kib, drain_ms, lame_ms;
    int max_age_ms, max_age_grace_ms, handshake_ms, watchdog_rss_mib;
    struct ward_tls tls;
    const char *transport; /* argument of ward_rpc_use */
    const char *jwks, *issuer, *audience;
    int token_max_s;
    struct ward_claim_names claims;
    const char *callers; /* value of WARD_CALLERS */
    struct ward_db_config db;
    int db_plain; /* 1: permit a network connection to the database without TLS */
    const char *audit_bus;
    struct {
        const char *endpoint; /* value of WARD_OTLP_ENDPOINT; "": no spans */
        int permille;         /* sampled share of the calls without a traceparent */
    } otlp;
    int nofile;       /* RLIMIT_NOFILE to request at start */
    int unready_held; /* 1: held audit events or a broken audit log make the service unready */
};

struct ward_app {
    const char *name;
    enum ward_code code; /* the first failure; later steps do nothing */
    struct ward_err err;
    struct ward_app_config cfg;
    struct ward_jwks *jwks;
    struct ward_relay *relay;
    struct ward_trace *trace;
    struct ward_rpc *rpc;
    int n_closers, n_checks;
    struct {
        void (*fn)(void *);
        void *arg;
    } closers[WARD_APP_CLOSERS];
    struct ward_check {
        const char *name; /* such as "database" */
        enum ward_code (*fn)(void *arg, struct ward_err *err);
        void *arg;
        char why[160]; /* "" while there is no error */
    } checks[WARD_APP_CHECKS];
    const char *const *parts; /* rpc's */
    enum ward_code (*part_fn)(void *arg, int i, struct ward_err *err);
    void *part_arg;
    struct {
        enum {
            WARD_OUTBOX_NOTHING,
            WARD_OUTBOX_LIST,
            WARD_OUTBOX_RELEASE,
            WARD_OUTBOX_ACCEPT
        } what;
        int64_t id; /* id of a held event; 0: all held events */
        bool json;
    } outbox;          /* --outbox: run this task and no service */
    bool migrate_only; /* --migrate: migrate the schema and run no service */
    struct {
        bool on, json;
        struct ward_doctor *state; /* doctor/doctor.h */
    } doctor;                      /* --doctor: look for misconfigurations and run no service */
    bool exited;                   /* --help and similar options: stop without an error */
    int check_every_ms, check_bound_ms,
        admin_ms;           /* 2000 ms, 5000 ms and 5000 ms; tests use shorter times */
    const char *serving_on; /* the address passed to ward_app_serve */
    struct ward_core *core; /* threads, loop, admin port: app_core.h */
};

/* Names the process, sets up logging and the "C" locale, and ignores SIGPIPE. */
void ward_app_begin(struct ward_app *app, const char *name);

/* Lists the service's own metrics (NULL ends the list), so that /metrics and `--docs metrics`
 * show them before they have series. Call before ward_app_config. */
void ward_app_metrics(struct ward_app *app, struct ward_family *const *families);

/* Fills app->cfg and *cfg (the service's own options; opts may be NULL) from the file and the
 * environment. These options make the other steps do nothing and ward_app_run return 0:
 * `--help` prints both tables, `--docs common|config|metrics` prints documentation, `--version`
 * prints the build, and `--outbox list|release|accept` handles held events and a restored
 * database. With `--migrate`, the steps do nothing after ward_app_database. With `--doctor`,
 * ward_app_database prints the findings, and ward_app_run returns 1 if there are any.
 * Otherwise, the function raises RLIMIT_NOFILE, opens WARD_JWKS as app->jwks, and opens the
 * admin port. /readyz returns "starting" until ward_app_run. */
void ward_app_config(struct ward_app *app, const struct ward_opt *opts, void *cfg, int argc,
                     char **argv);

/* Adds the service's own checks to `--doctor`; a row without a name ends the list. Call before
 * ward_app_database. */
void ward_app_doctor(struct ward_app *app, const struct ward_doctor_check *checks, void *arg);

/* Migrates one more schema, of a library such as common/keyring. Call before ward_app_database.
 */
void ward_app_schema(struct ward_app *app, const struct ward_schema *schema);
/* Migrates the service's schema and the common schema. Waits up to 30 s for a database that is
 * starting. Adds two checks that run every 2 s: the database is available, and only one node of
 * a Galera cluster takes writes.
 */
void ward_app_database(struct ward_app *app, const struct ward_schema *schema);
/* Starts the relay from this service's outbox to audit (WARD_AUDIT_BUS). An outage of audit
 * does not make the service unready, because events wait in the outbox. A database that is
 * older than audit's log makes the service unready, because the database was restored. An
 * operator finds the missing data and then runs `--outbox accept ROW`. With
 * WARD_UNREADY_HELD=1, held events and a broken audit log also make the service unready. */
void ward_app_outbox(struct ward_app *app);

/* Runs one step of the service: calls open(arg) now, and close(arg) at the end. close may be
 * NULL. */
void ward_app_use(struct ward_app *app, enum ward_code (*open)(void *arg, struct ward_err *err),
                  void (*close)(void *arg), void *arg);
/* Adds the check of a dependency. The checks' thread calls fn every 2 s. While the check fails,
 * the service is unready, grpc.health.v1 reports NOT_SERVING, and /readyz shows `name` and
 * err.msg. */
void ward_app_check(struct ward_app *app, const char *name,
                    enum ward_code (*fn)(void *arg, struct ward_err *err), void *arg);

/* Adds parts of the service, such as models, that grpc.health.v1 reports under their own names.
 * rpc->parts of ward_app_serve contains the names. fn(arg, i) is called every 2 s and must be
 * quick. A part that fails does not make the process unready. */
void ward_app_parts(struct ward_app *app,
                    enum ward_code (*fn)(void *arg, int i, struct ward_err *err), void *arg);
/* Starts the server. Each 0 or "" in *rpc is replaced with the value from app->cfg. */
void ward_app_serve(struct ward_app *app, const struct ward_rpc_config *rpc);

/* Logs "serving" with the ports (listen, port, admin_listen, admin_port) and serves until
 * SIGTERM or SIGINT. Then makes the service unready, waits lame_ms until the endpoint slice
 * drops the service, drains for drain_ms, and closes the steps, newest first. Returns the exit
 * status: 0; 1 if a step failed; 70 if the watchdog stopped the process. */
int ward_app_run(struct ward_app *app);

#endif
