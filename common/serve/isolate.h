/* isolate.h - back ends in worker processes (common/worker).
 *
 * ward_isolated_open starts a worker process that loads one plugin, and returns a back end that
 * forwards to it. common/host uses this back end like one in its own process. A set of models
 * (serve.h) with config.isolation has one worker process for the device in use.
 *
 * Threads: as host.h. Memory: ward_backend_close ends the process; texts of the config are
 * stored by reference. Errors: UNAVAILABLE WORKER_LOST if the process ended; otherwise the
 * plugin's, as in its own process.
 */
#ifndef WARD_SERVE_ISOLATE_H
#define WARD_SERVE_ISOLATE_H

#include "common/host/host.h"
#include "common/worker/backoff.h"
#include "common/worker/job.h"
#include "common/worker/worker.h"

struct ward_isolation {
    size_t budget_bytes, most_bytes; /* worker.h; 0: no limit */
    int run_ms, grace_ms, load_ms;   /* time limits, worker.h's run_ms, grace_ms, ask_ms */
    /* The set needs ward_serve_known in delay_ms: a process ended, or must be replaced. Any
     * thread calls this; the function must not wait. */
    void (*look)(void *arg, int delay_ms);
    void *arg;
    /* Backoff of the set's worker processes; initialise with zeros. */
    struct ward_backoff backoff;
};

struct ward_isolated_plugin {
    const char *label;      /* "chest/1"; the worker's name is "chest/1 cpu" */
    const char *dir, *name; /* as ward_backend_open */
    const struct ward_option *options;
    int n_options;
};
WARD_MUST enum ward_code ward_isolated_open(const struct ward_isolation *cfg,
                                            const struct ward_isolated_plugin *plugin,
                                            struct ward_backend **out, struct ward_err *err);

/* Returns the worker of a back end; NULL if the back end runs in this process. */
struct ward_worker *ward_isolated_worker(const struct ward_backend *b);
/* Returns whether the process uses more memory or CPU time than its budget. */
bool ward_isolated_grown(const struct ward_backend *b);
/* Returns, once, whether the last run on this thread ended its process (ward_worker_blamed). */
bool ward_isolated_blamed(void);

/* The child's side, for ward_worker_enter's table. */
extern const struct ward_job ward_plugin_job;

#endif
