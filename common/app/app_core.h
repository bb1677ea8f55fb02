/* app_core.h - what the files of common/app share, and nobody else sees.
 *
 * Threads: main (steps, then ward_app_run), the loop's (signals, admin port), the checks' one.
 * `lock` guards what is below it and `why` of every check. Memory: one per process, made by
 * ward_app_begin. Errors: as each says.
 */
#ifndef WARD_APP_APP_CORE_H
#define WARD_APP_APP_CORE_H

#include "common/app/app.h"

#include <pthread.h>
#include <uv.h>

#define WARD_EXIT_BROKEN 70 /* the watchdog's; EX_SOFTWARE of sysexits.h */

enum ward_stage { WARD_STARTING, WARD_RUNNING, WARD_STOPPING };
enum ward_stop { WARD_STOP_NONE, WARD_STOP_SIGNAL, WARD_STOP_BROKEN };

struct ward_core {
    uv_loop_t loop;
    uv_signal_t term, intr;
    uv_async_t end;
    uv_timer_t tick;
    struct ward_admin *admin;
    int admin_port;
    pthread_t loop_thread, check_thread;
    bool looping, checking; /* main's: those threads run */
    struct ward_db *check_db;

    pthread_mutex_t scrape; /* held while /metrics is rendered; guards `closing` */
    bool closing;           /* what metrics are read from may be gone */

    pthread_mutex_t lock;
    pthread_cond_t changed; /* stage or stop; monotonic clock */
    enum ward_stage stage;
    enum ward_stop stop;
    const char *stop_why;
    bool ready;          /* as last told to gRPC's health service */
    bool checks_done;    /* their thread has nothing more to do */
    int rounds;          /* of checks, completed */
    int check_now;       /* index of the running check; -1 for none */
    int64_t check_since; /* monotonic ns */
};

/* app_options.c: fills app->cfg and *cfg; true in app->exited after --help and such. */
enum ward_code ward_app_options(struct ward_app *app, const struct ward_opt *opts, void *cfg,
                                int argc, char **argv);

/* loop.c. start: signals and admin port on a thread of their own.
 *   UNAVAILABLE  the admin address cannot be had;  INVALID_ARGUMENT  it is none */
enum ward_code ward_loop_start(struct ward_app *app, struct ward_err *err);
void ward_loop_stop(struct ward_app *app);
/* Any thread: main should stop now. The first reason counts. */
void ward_core_stop(struct ward_core *core, enum ward_stop stop, const char *why);

/* checks.c */
enum ward_code ward_checks_start(struct ward_app *app, struct ward_err *err);
/* False if a check would not return within app->check_bound_ms. */
bool ward_checks_stop(struct ward_app *app);
/* Any thread: tells gRPC's health service, the log and the gauges what has changed. */
void ward_ready_update(struct ward_app *app);
void ward_ready_metrics(void); /* lists the gauges */
/* Writes one line for the whole and one for each check; true when ready. */
bool ward_ready_print(struct ward_app *app, FILE *to);

/* dependencies.c */
/* INVALID_ARGUMENT where the database would be reached over a network in clear, unasked. */
enum ward_code ward_database_sealed(const struct ward_app *app, struct ward_err *err);
enum ward_code ward_database_open(struct ward_app *app, const struct ward_schema *schema,
                                  struct ward_err *err);
enum ward_code ward_database_check(void *app, struct ward_err *err);
enum ward_code ward_outbox_open(void *app, struct ward_err *err);
void ward_outbox_close(void *app);
enum ward_code ward_outbox_check(void *app, struct ward_err *err);
enum ward_code ward_outbox_age_check(void *app, struct ward_err *err);

/* outbox_task.c: --outbox, with app->cfg.db; prints on stdout. */
enum ward_code ward_outbox_task(struct ward_app *app, struct ward_err *err);

#endif
