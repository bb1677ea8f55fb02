#include "common/app/app.h"
#include "common/app/app_core.h"
#include "common/app/doctor/doctor.h"
#include "common/app/metrics_text.h"
#include "common/app/version.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/trace/trace.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* drain time after the watchdog acted, because a faulty server cannot drain */
#define SHORT_DRAIN_MS 500
#define LAST_RESORT_MS 1500 /* after this time, the process ends without a clean stop */

/* A core file would contain keys, faces and charts. The limit is 1 byte: with a limit of 0,
 * Linux still pipes a core to a handler; with a limit of 1, Linux does not (core(5)). */
static void no_core(void)
{
    struct rlimit one = {1, 1};

    if (setrlimit(RLIMIT_CORE, &one) != 0)
        WARD_LOG(WARN, "cannot disable core files");
}

void ward_app_begin(struct ward_app *app, const char *name)
{
    struct ward_core *c = calloc(1, sizeof(*c));
    pthread_condattr_t mono;

    *app = (struct ward_app){.name = name,
                             .core = c,
                             .check_every_ms = 2000,
                             .check_bound_ms = 5000,
                             .admin_ms = 5000};
    setlocale(LC_ALL, "C");
    signal(SIGPIPE, SIG_IGN);
    ward_log_begin(name);
    no_core();
    WARD_ASSERT(c != NULL);
    c->check_now = -1;
    pthread_mutex_init(&c->lock, NULL);
    pthread_mutex_init(&c->scrape, NULL);
    pthread_condattr_init(&mono);
    pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &mono);
    pthread_condattr_destroy(&mono);
    ward_process_metrics();
    ward_ready_metrics();
}

void ward_app_metrics(struct ward_app *app, struct ward_family *const *families)
{
    (void)app;
    for (; *families != NULL; families++)
        ward_metric_list(*families);
}

static bool on(const struct ward_app *app)
{
    return app->code == WARD_OK && !app->exited;
}

/* gRPC, the database and the bus all use descriptors, and a hospital's devices quickly exceed
 * the default of 1,024. A request above the hard limit is not a failure. */
static void raise_nofile(int want)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return;
    if (r.rlim_cur < (rlim_t)want) {
        r.rlim_cur = r.rlim_max < (rlim_t)want ? r.rlim_max : (rlim_t)want;
        if (setrlimit(RLIMIT_NOFILE, &r) != 0 && getrlimit(RLIMIT_NOFILE, &r) != 0)
            return;
    }
    WARD_LOG(INFO, "starting", WARD_KV("version", ward_version),
             WARD_KN("open_files", (double)r.rlim_cur), WARD_KN("pid", getpid()));
}

/* Starts --doctor. The later steps then only add schemas and checks to the report. */
static void examine(struct ward_app *app, const struct ward_opt *opts, const void *cfg)
{
    app->exited = app->code != WARD_OK;
    if (app->exited) {
        ward_doctor_refused(app, &app->err);
        return;
    }
    app->doctor.state = ward_doctor_new(app, opts, cfg);
    ward_doctor_schema(app->doctor.state, &ward_schema_common);
}

void ward_app_doctor(struct ward_app *app, const struct ward_doctor_check *checks, void *arg)
{
    if (app->doctor.state == NULL)
        return;
    app->doctor.state->own = checks;
    app->doctor.state->own_arg = arg;
}

static void report(struct ward_app *app)
{
    if (ward_doctor_run(app->doctor.state) > 0)
        app->code = WARD_FAILED_PRECONDITION; /* the report contains the findings */
    app->exited = true;
    ward_doctor_free(app->doctor.state);
    app->doctor.state = NULL;
}

void ward_app_config(struct ward_app *app, const struct ward_opt *opts, void *cfg, int argc,
                     char **argv)
{
    if (on(app))
        app->code = ward_app_options(app, opts, cfg, argc, argv);
    if (app->doctor.on && !app->exited) {
        examine(app, opts, cfg);
        return;
    }
    if (on(app) && app->outbox.what != WARD_OUTBOX_NOTHING) {
        app->code = ward_outbox_task(app, &app->err);
        app->exited = app->code == WARD_OK;
    }
    if (!on(app))
        return;
    raise_nofile(app->cfg.nofile);
    app->code = ward_rpc_use(app->cfg.transport, &app->err);
    if (on(app) && *app->cfg.jwks != '\0')
        app->code = ward_jwks_open(&(struct ward_jwks_config){.path = app->cfg.jwks,
                                                              .issuer = app->cfg.issuer,
                                                              .audience = app->cfg.audience,
                                                              .skew_s = 30,
                                                              .max_s = app->cfg.token_max_s,
                                                              .claims = app->cfg.claims},
                                   &app->jwks, &app->err);
    if (on(app))
        app->code = ward_loop_start(app, &app->err);
}

void ward_app_use(struct ward_app *app, enum ward_code (*open)(void *, struct ward_err *),
                  void (*close)(void *), void *arg)
{
    if (!on(app))
        return;
    if (app->n_closers == WARD_APP_CLOSERS)
        app->code = WARD_FAIL(&app->err, INTERNAL, "raise WARD_APP_CLOSERS");
    if (on(app))
        app->code = open(arg, &app->err);
    if (on(app) && close != NULL) {
        app->closers[app->n_closers].fn = close;
        app->closers[app->n_closers++].arg = arg;
    }
}

void ward_app_check(struct ward_app *app, const char *name,
                    enum ward_code (*fn)(void *, struct ward_err *), void *arg)
{
    if (!on(app))
        return;
    pthread_mutex_lock(&app->core->lock); /* /readyz may be reading these values */
    if (app->n_checks == WARD_APP_CHECKS)
        app->code = WARD_FAIL(&app->err, INTERNAL, "raise WARD_APP_CHECKS");
    else
        app->checks[app->n_checks++] = (struct ward_check){.name = name, .fn = fn, .arg = arg};
    pthread_mutex_unlock(&app->core->lock);
}

static void database_close(void *arg)
{
    struct ward_app *app = arg;

    ward_db_close(app->core->check_db);
    app->core->check_db = NULL;
}

static enum ward_code nothing(void *arg, struct ward_err *err)
{
    (void)arg, (void)err;
    return WARD_OK;
}

void ward_app_schema(struct ward_app *app, const struct ward_schema *schema)
{
    if (app->doctor.state != NULL)
        ward_doctor_schema(app->doctor.state, schema);
    else if (on(app))
        app->code = ward_database_open(app, schema, &app->err);
}

void ward_app_database(struct ward_app *app, const struct ward_schema *schema)
{
    if (app->doctor.state != NULL) {
        ward_doctor_schema(app->doctor.state, schema);
        report(app);
    }
    if (on(app))
        app->code = ward_database_open(app, schema, &app->err);
    if (on(app) && app->migrate_only) {
        WARD_LOG(INFO, "the schema is up to date", WARD_KV("version", ward_version));
        app->exited = true;
    }
    ward_app_use(app, nothing, database_close, app);
    ward_app_check(app, "database", ward_database_check, app);
    ward_app_check(app, "database-writers", ward_database_writers, app);
}

void ward_app_outbox(struct ward_app *app)
{
    ward_app_use(app, ward_outbox_open, ward_outbox_close, app);
    ward_app_check(app, "database-age", ward_outbox_age_check, app);
    if (app->cfg.unready_held != 0)
        ward_app_check(app, "audit-events", ward_outbox_check, app);
}

/* Ends the process after LAST_RESORT_MS. A server with many calls needs seconds to release the
 * calls, and serves nobody during that time. Acknowledged changes are in the database, so
 * ending the process loses nothing. */
static void *last_resort(void *arg)
{
    (void)arg;
    nanosleep(&(struct timespec){.tv_sec = LAST_RESORT_MS / 1000,
                                 .tv_nsec = LAST_RESORT_MS % 1000 * WARD_NS_PER_MS},
              NULL);
    WARD_LOG(ERROR, "the broken server did not stop in time; ending the process");
    _exit(WARD_EXIT_BROKEN);
}

static void broken(void *arg, const char *why)
{
    struct ward_app *app = arg;
    pthread_t t;

    if (pthread_create(&t, NULL, last_resort, NULL) == 0)
        pthread_detach(t);
    ward_core_stop(app->core, WARD_STOP_BROKEN, why);
}

/* Replaces each 0 or "" in *rpc with the value from the configuration. */
static struct ward_rpc_config complete(struct ward_app *app, const struct ward_rpc_config *rpc)
{
    const struct ward_app_config *c = &app->cfg;
    struct ward_rpc_config r = *rpc;

#define OR(field, value)                                                                       \
    if (!r.field)                                                                              \
    r.field = (value)
    if (r.listen == NULL || *r.listen == '\0')
        r.listen = c->listen;
    if (r.tls.cert == NULL || *r.tls.cert == '\0')
        r.tls = c->tls;
    OR(jwks, app->jwks);
    OR(callers, c->callers);
    OR(workers, c->workers);
    OR(streams, c->streams);
    OR(pollers, c->pollers);
    OR(queue, c->queue);
    OR(arena_cap, (size_t)c->arena_kib << 10);
    OR(max_message, (size_t)c->max_message_kib << 10);
    OR(handshake_ms, c->handshake_ms);
    OR(max_age_ms, c->max_age_ms);
    OR(max_age_grace_ms, c->max_age_grace_ms);
    OR(watchdog_rss, (size_t)c->watchdog_rss_mib << 20);
#undef OR
    if (r.broken == NULL) {
        r.broken = broken;
        r.broken_arg = app;
    }
    if (app->trace != NULL) {
        r.span = ward_trace_add;
        r.span_arg = app->trace;
        r.trace_permille = c->otlp.permille;
    }
    return r;
}

void ward_app_parts(struct ward_app *app, enum ward_code (*fn)(void *, int, struct ward_err *),
                    void *arg)
{
    app->part_fn = fn;
    app->part_arg = arg;
}

static enum ward_code trace_open(void *arg, struct ward_err *err)
{
    struct ward_app *app = arg;

    return ward_trace_open(&(struct ward_trace_config){.endpoint = app->cfg.otlp.endpoint,
                                                       .tls = app->cfg.tls,
                                                       .service = app->name,
                                                       .version = ward_version},
                           &app->trace, err);
}

static void trace_close(void *arg)
{
    struct ward_app *app = arg;

    ward_trace_close(app->trace);
    app->trace = NULL;
}

void ward_app_serve(struct ward_app *app, const struct ward_rpc_config *rpc)
{
    struct ward_rpc_config full;
    struct ward_rpc *started = NULL;

    if (on(app) && *app->cfg.otlp.endpoint != '\0')
        ward_app_use(app, trace_open, trace_close, app);
    if (!on(app))
        return;
    full = complete(app, rpc);
    app->code = ward_rpc_start(&full, &started, &app->err);
    pthread_mutex_lock(&app->core->lock); /* the loop's thread reads both */
    app->parts = full.parts;
    app->rpc = started;
    pthread_mutex_unlock(&app->core->lock);
    app->serving_on = full.listen;
}

static void say_serving(const struct ward_app *app)
{
    WARD_LOG(INFO, "serving", WARD_KV("listen", app->serving_on),
             WARD_KN("port", ward_rpc_port(app->rpc)),
             WARD_KV("admin_listen", app->cfg.admin_listen),
             WARD_KN("admin_port", app->core->admin_port));
}

static enum ward_stop wait_for_reason(struct ward_core *c)
{
    enum ward_stop stop;

    pthread_mutex_lock(&c->lock);
    while (c->stop == WARD_STOP_NONE)
        pthread_cond_wait(&c->changed, &c->lock);
    stop = c->stop;
    pthread_mutex_unlock(&c->lock);
    WARD_LOG(INFO, "stopping", WARD_KV("why", c->stop_why));
    return stop;
}

static void set_stage(struct ward_core *c, enum ward_stage stage)
{
    pthread_mutex_lock(&c->lock);
    c->stage = stage;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

/* Stops the server and the checks, then closes the steps, newest first. Returns false if a
 * check does not end in time; the steps then stay open. */
static bool stop_all(struct ward_app *app, enum ward_stop stop)
{
    struct ward_core *c = app->core;
    struct ward_rpc *rpc;
    bool in_time;

    set_stage(c, WARD_STOPPING);
    ward_ready_update(app);
    if (app->rpc != NULL && stop == WARD_STOP_SIGNAL)
        uv_sleep((unsigned)app->cfg.lame_ms);
    pthread_mutex_lock(&c->lock); /* ward_ready_update must not use a stopped server */
    rpc = app->rpc;
    app->rpc = NULL;
    pthread_mutex_unlock(&c->lock);
    ward_rpc_stop(rpc, stop == WARD_STOP_SIGNAL ? app->cfg.drain_ms : SHORT_DRAIN_MS);
    in_time = ward_checks_stop(app);
    if (!in_time) /* the running check may be using objects that the closers close */
        return false;
    pthread_mutex_lock(&c->scrape); /* a gauge must not read a closed object */
    c->closing = true;
    pthread_mutex_unlock(&c->scrape);
    while (app->n_closers-- > 0)
        app->closers[app->n_closers].fn(app->closers[app->n_closers].arg);
    ward_jwks_close(app->jwks);
    ward_loop_stop(app);
    return true;
}

int ward_app_run(struct ward_app *app)
{
    struct ward_core *c = app->core;
    enum ward_stop stop = WARD_STOP_SIGNAL;
    int status;

    if (on(app) && app->rpc == NULL)
        app->code = WARD_FAIL(&app->err, INTERNAL, "the service has no methods to serve");
    if (on(app)) {
        set_stage(c, WARD_RUNNING);
        say_serving(app); /* log "serving" before the checks can report "ready" */
        app->code = ward_checks_start(app, &app->err);
    }
    if (on(app))
        stop = wait_for_reason(c);
    else if (!app->exited)
        ward_log_err(WARD_LOG_ERROR, "cannot start", &app->err);
    status = app->code != WARD_OK ? 1 : stop == WARD_STOP_BROKEN ? WARD_EXIT_BROKEN : 0;
    if (!stop_all(app, stop)) {
        WARD_LOG(ERROR,
                 "a check does not return; the process ends without waiting for the check");
        _exit(status == 0 ? 1 : status);
    }
    if (!app->exited)
        WARD_LOG(INFO, "stopped", WARD_KN("status", status));
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    pthread_mutex_destroy(&c->scrape);
    free(c);
    app->core = NULL;
    return status;
}
