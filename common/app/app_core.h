/* app_core.h - declarations shared only by the files of common/app.
 *
 * Threads: main (steps, then ward_app_run), the loop's (signals, admin port) and the checks'
 * thread. `lock` guards all members after `lock`, and `why` of every check. Memory: one per
 * process, created by ward_app_begin. Errors: see each function.
 */
#ifndef WARD_APP_APP_CORE_H
#define WARD_APP_APP_CORE_H

#include "common/app/app.h"
#include "common/db/writers.h"

#include <pthread.h>
#include <uv.h>

#define WARD_EXIT_BROKEN                                                                       \
    70 /* exit status after the watchdog acted; EX_SOFTWARE of sysexits.h */

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
    bool looping, checking; /* whether loop_thread and check_thread are running; used by main */
    struct ward_db *check_db;
    struct ward_writers writers;

    pthread_mutex_t scrape; /* held while /metrics is printed; guards `closing` */
    bool closing;           /* true: /metrics must not read the sources of metrics any more */

    pthread_mutex_t lock;
    pthread_cond_t changed; /* signals a change of `stage` or `stop`; monotonic clock */
    enum ward_stage stage;
    enum ward_stop stop;
    const char *stop_why;
    bool ready;          /* the last state sent to gRPC's health service */
    bool checks_done;    /* check_thread has finished its work */
    int rounds;          /* number of completed rounds of checks */
    int check_now;       /* index of the running check; -1 for none */
    int64_t check_since; /* start of the running check, monotonic ns */
};

/* app_options.c: fills app->cfg and *cfg; sets app->exited after --help and similar options. */
enum ward_code ward_app_options(struct ward_app *app, const struct ward_opt *opts, void *cfg,
                                int argc, char **argv);

/* loop.c. start: starts the thread that handles signals and the admin port.
 *   UNAVAILABLE  the admin address is in use; INVALID_ARGUMENT the address is invalid */
enum ward_code ward_loop_start(struct ward_app *app, struct ward_err *err);
void ward_loop_stop(struct ward_app *app);
/* Asks main to stop. Any thread may call this function. Later calls do not change the reason.
 */
void ward_core_stop(struct ward_core *core, enum ward_stop stop, const char *why);

/* checks.c */
enum ward_code ward_checks_start(struct ward_app *app, struct ward_err *err);
/* Returns false if a check does not return within app->check_bound_ms. */
bool ward_checks_stop(struct ward_app *app);
/* Reports changes to gRPC's health service, the log and the gauges. Any thread may call
 * this function. */
void ward_ready_update(struct ward_app *app);
void ward_ready_metrics(void); /* lists the gauges */
/* Writes one line for the service and one line for each check. Returns true if the service is
 * ready.
 */
bool ward_ready_print(struct ward_app *app, FILE *to);

/* dependencies.c */
/* INVALID_ARGUMENT if the connection to the database would cross a network without TLS and the
 * options do not permit it. */
enum ward_code ward_database_sealed(const struct ward_app *app, struct ward_err *err);
enum ward_code ward_database_open(struct ward_app *app, const struct ward_schema *schema,
                                  struct ward_err *err);
enum ward_code ward_database_check(void *app, struct ward_err *err);
enum ward_code ward_database_writers(void *app, struct ward_err *err);
enum ward_code ward_outbox_open(void *app, struct ward_err *err);
void ward_outbox_close(void *app);
enum ward_code ward_outbox_check(void *app, struct ward_err *err);
enum ward_code ward_outbox_age_check(void *app, struct ward_err *err);

/* outbox_task.c: runs --outbox with app->cfg.db and prints to stdout. */
enum ward_code ward_outbox_task(struct ward_app *app, struct ward_err *err);

#endif
