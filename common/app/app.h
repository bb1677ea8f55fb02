/* app.h - the life of a process, so that every main() is a table of contents.
 *
 * Steps are sticky: after the first failure the remaining steps do nothing and ward_app_run
 * reports it and returns 1. That is why main() has no ifs. ward_app_run owns the libuv loop:
 * signals, the admin port (/metrics, /livez, /readyz, PUT /loglevel), the readiness checks.
 * Every service has the options of struct ward_app_config beside its own; a row of its own
 * table with the name of one of those (WARD_ARENA_KIB, say) takes its place, and the service
 * then passes the value on itself.
 *
 * Threads: all from main's. The loop has a thread of its own from ward_app_config on, so that
 * the admin port answers while main migrates or drains, and a second SIGTERM or SIGINT always
 * ends the process at once, with status 1. Memory: the app's own. Errors: sticky, printed once
 * as a log line.
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

/* What every service is configured with; the table is in app_options.c. */
struct ward_app_config {
    const char *listen, *admin_listen, *log_level;
    int workers, streams, pollers, queue, arena_kib, max_message_kib, drain_ms, lame_ms;
    int max_age_ms, max_age_grace_ms, handshake_ms, watchdog_rss_mib;
    struct ward_tls tls;
    const char *transport; /* ward_rpc_use */
    const char *jwks, *issuer, *audience;
    int token_max_s;
    struct ward_claim_names claims;
    const char *callers; /* WARD_CALLERS */
    struct ward_db_config db;
    int db_plain; /* 1: the database may be reached over a network in clear */
    const char *audit_bus;
    int nofile;       /* RLIMIT_NOFILE asked for at start */
    int unready_held; /* 1: held audit events, or a broken audit log, make it unready */
};

struct ward_app {
    const char *name;
    enum ward_code code; /* sticky */
    struct ward_err err;
    struct ward_app_config cfg;
    struct ward_jwks *jwks;
    struct ward_relay *relay;
    struct ward_rpc *rpc;
    int n_closers, n_checks;
    struct {
        void (*fn)(void *);
        void *arg;
    } closers[WARD_APP_CLOSERS];
    struct ward_check {
        const char *name; /* "database" */
        enum ward_code (*fn)(void *arg, struct ward_err *err);
        void *arg;
        char why[160]; /* "" while fine */
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
        int64_t id; /* 0: all */
        bool json;
    } outbox;                                     /* --outbox: this, and no service */
    bool migrate_only;                            /* --migrate: the schema, and no service */
    bool exited;                                  /* --help and such: stop without an error */
    int check_every_ms, check_bound_ms, admin_ms; /* 2000, 5000, 5000; tests shorten them */
    const char *serving_on;                       /* the address given to ward_app_serve */
    struct ward_core *core;                       /* threads, loop, admin port: app_core.h */
};

/* Names the process, sets up logging, the "C" locale, and ignores SIGPIPE. */
void ward_app_begin(struct ward_app *app, const char *name);

/* Lists the service's own metrics (NULL at the end), so that /metrics and `--docs metrics` show
 * them before they have series. Before ward_app_config. */
void ward_app_metrics(struct ward_app *app, struct ward_family *const *families);

/* Fills app->cfg and *cfg (the service's own options; opts may be NULL) from the file and the
 * environment. `--help` prints both tables, `--docs common|config|metrics` the documentation,
 * `--version` the build, `--outbox list|release|accept` serves the audit events that are held
 * and a restored database; after each the other steps do nothing and ward_app_run returns 0.
 * With `--migrate` that is so from the end of ward_app_database on. Then raises RLIMIT_NOFILE,
 * opens WARD_JWKS as app->jwks, and opens the admin port, which says "starting" on /readyz
 * until ward_app_run. */
void ward_app_config(struct ward_app *app, const struct ward_opt *opts, void *cfg, int argc,
                     char **argv);

/* Brings one more set up to date (a library's, such as common/keyring's), before the service's
 * own by ward_app_database. */
void ward_app_schema(struct ward_app *app, const struct ward_schema *schema);
/* Brings the schema up to date (common's too), waiting up to 30 s for a database that is still
 * coming up, then checks every 2 s that it answers. */
void ward_app_database(struct ward_app *app, const struct ward_schema *schema);
/* Starts the relay from this service's outbox to audit (WARD_AUDIT_BUS). Being away is not a
 * reason to be unready: events wait in the outbox. A database older than the log is one: it was
 * restored, and a person says `--outbox accept ROW` once what is missing is known. With
 * WARD_UNREADY_HELD=1 held events are, and an audit log that is broken. */
void ward_app_outbox(struct ward_app *app);

/* Runs one step of the service's own: open(arg) now, close(arg) at the end (may be NULL). */
void ward_app_use(struct ward_app *app, enum ward_code (*open)(void *arg, struct ward_err *err),
                  void (*close)(void *arg), void *arg);
/* A dependency: asked every 2 s on a thread of its own; while it fails, readiness is off and
 * grpc.health.v1 says NOT_SERVING, with `name` and err.msg on /readyz. */
void ward_app_check(struct ward_app *app, const char *name,
                    enum ward_code (*fn)(void *arg, struct ward_err *err), void *arg);

/* Parts of the service that grpc.health.v1 answers for by names of their own, such as models:
 * rpc->parts of ward_app_serve. fn(arg, i) is asked every 2 s and must be quick; a part that
 * fails does not make the process unready. */
void ward_app_parts(struct ward_app *app,
                    enum ward_code (*fn)(void *arg, int i, struct ward_err *err), void *arg);
/* Serves: what is 0 or "" in *rpc comes from app->cfg. */
void ward_app_serve(struct ward_app *app, const struct ward_rpc_config *rpc);

/* Logs "serving" with the ports (listen, port, admin_listen, admin_port), serves until SIGTERM
 * or SIGINT, turns readiness off, waits lame_ms for the endpoint slice to forget us, drains for
 * drain_ms, closes what was opened, newest first. Returns the process exit status: 0; 1 a step
 * failed; 70 the watchdog stopped it. */
int ward_app_run(struct ward_app *app);

#endif
