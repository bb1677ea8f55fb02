/* worker.h - worker processes: child processes for code that may crash, hang, leak memory or
 * be hijacked by its input. A worker has no network and no files, and shares memory with the
 * service.
 *
 * The service forks and executes its own program again; job.h describes the child's side. A
 * worker accepts two kinds of requests. ward_worker_ask sends rare requests over a socket.
 * ward_worker_call sends frequent or large requests through a slot, which is a sealed memfd
 * with a futex. One thread of the service watches each worker. This thread starts the child,
 * reads its messages, and ends the child after a missing heartbeat, a late answer or too much
 * memory. The kernel kills the child when the service dies.
 *
 * A worker object stands for one process. After the process has ended, every request fails
 * with WORKER_LOST, and the owner starts a new worker (backoff.h has the delay). The service
 * checks sizes and texts from the child before use. The child can still change the bytes of an
 * answer while the service reads them.
 *
 * Threads: any; one thread at a time uses a slot. Memory: start/close pairs; close slots before
 * their worker; an answer stays valid until the slot's next call. Errors: UNAVAILABLE
 * WORKER_LOST if the process has ended, with the cause in `msg`; CANCELLED and
 * DEADLINE_EXCEEDED by `stop`; RESOURCE_EXHAUSTED for an answer above config.slot_bytes;
 * otherwise the job's errors.
 */
#ifndef WARD_WORKER_WORKER_H
#define WARD_WORKER_WORKER_H

#include "common/base/metrics.h"
#include "common/base/status.h"
#include "common/base/stop.h"

#include <stddef.h>

#define WARD_WORKER_SLOTS 64
#define WARD_WORKER_ARGS  8192 /* bytes of a request or reply of ward_worker_ask */

/* News for the owner, passed to config.news. The watching thread calls this function, which
 * must neither wait nor use the worker. */
enum ward_worker_news {
    WARD_WORKER_ENDED, /* the process has ended; `name` is the cause */
    WARD_WORKER_GROWN, /* memory or CPU time exceeds the budget: replace the worker */
    WARD_WORKER_COUNT, /* the job adds `n` to its counter `name` */
};

struct ward_worker_config {
    const char *job;  /* name of a job (job.h); stored by reference */
    const char *name; /* label of metrics and logs, "chest/1 cpu"; copied */
    const void *args; /* for the job's open; copied, at most WARD_WORKER_ARGS bytes */
    size_t n_args;
    const char *program; /* NULL: this program */
    size_t budget_bytes; /* resident memory; WARD_WORKER_GROWN above it; 0: no budget */
    size_t most_bytes;   /* limit of private memory, enforced by the kernel; the service ends a
                            worker with more resident memory; 0: no limit */
    size_t slot_bytes;   /* largest slot; 0 is 256 MiB */
    int start_ms;        /* time limit of a start; 0 is 60,000 */
    int ask_ms;          /* time limit of ward_worker_ask; 0 is 120,000 */
    int run_ms;          /* time limit of a call; 0 is 30,000 */
    int grace_ms;        /* time between a request to stop and SIGKILL; 0 is 1,000 */
    int beat_ms;         /* time between heartbeats; 0 is 1,000 */
    void (*news)(void *arg, enum ward_worker_news what, const char *name, double n);
    void *arg;
};

/* The metrics of worker processes. A service that can start workers passes them to
 * ward_app_metrics. They are not listed otherwise, because every service with models links this
 * library. */
extern struct ward_family *const ward_worker_metrics[];

struct ward_worker;
/* Starts a worker. Returns after the job has opened and the sandbox is closed.
 *   UNAVAILABLE  WORKER_LOST: the process ended first;  others: the errors of the job's open */
WARD_MUST enum ward_code ward_worker_start(const struct ward_worker_config *cfg,
                                           struct ward_worker **out, struct ward_err *err);
/* Ends the process, without delay if a call is in progress. Accepts NULL. */
void ward_worker_close(struct ward_worker *w);

/* Returns WARD_OK while the process runs.
 *   UNAVAILABLE  WORKER_LOST: "... signal 11 (SIGSEGV)" */
WARD_MUST enum ward_code ward_worker_state(struct ward_worker *w, struct ward_err *err);
/* Declares that the worker has allocated its usual memory. A lower budget is raised. */
void ward_worker_settled(struct ward_worker *w);
/* Sends SIGKILL. */
void ward_worker_kill(struct ward_worker *w);
int ward_worker_pid(const struct ward_worker *w);

/* Sends one request over the socket and waits for the reply. fd is passed to the job and
 * remains the caller's; -1 for none. n_out is the capacity on entry and the size on return. */
struct ward_worker_ask {
    uint32_t op;
    const void *in;
    size_t n_in;
    int fd;
    void *out;
    size_t n_out;
};
WARD_MUST enum ward_code ward_worker_ask(struct ward_worker *w, struct ward_worker_ask *ask,
                                         struct ward_err *err);

struct ward_worker_slot;
WARD_MUST enum ward_code ward_worker_slot_open(struct ward_worker *w,
                                               struct ward_worker_slot **out,
                                               struct ward_err *err);
void ward_worker_slot_close(struct ward_worker_slot *s); /* accepts NULL */
int ward_worker_slot_number(const struct ward_worker_slot *s);
/* Returns n bytes for the input of the next call, aligned to 64 bytes. Returns NULL and fills
 * err if n exceeds slot_bytes or the worker has ended. */
void *ward_worker_room(struct ward_worker_slot *s, size_t n, struct ward_err *err);
/* Runs the job on the first n bytes of the room. `stop` may be NULL. */
struct ward_answer {
    const unsigned char *data; /* in the slot, aligned to 64 bytes */
    size_t n;
};
WARD_MUST enum ward_code ward_worker_call(struct ward_worker_slot *s, uint32_t op, size_t n,
                                          const struct ward_stop *stop, struct ward_answer *out,
                                          struct ward_err *err);
/* Returns whether the slot's last call ended the process. True if the call's thread crashed,
 * if the call was too slow, or if no other call is known as the cause. */
bool ward_worker_blamed(const struct ward_worker_slot *s);
/* Asks the current call to stop. Any thread may call this, repeatedly. */
void ward_worker_stop(struct ward_worker_slot *s);
/* Returns the slot's memory above `keep` bytes to the system. Invalidates the answer. */
void ward_worker_trim(struct ward_worker_slot *s, size_t keep);

/* Creates a sealed file in memory for ward_worker_ask. Workers can map the file but not change
 * it. The caller closes *fd. */
WARD_MUST enum ward_code ward_worker_file(const void *bytes, size_t n, int *fd,
                                          struct ward_err *err);

#endif
