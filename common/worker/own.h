/* own.h - definitions shared by the service's side of a worker process.
 *
 * Threads: `lock` guards the members below it. Only the watching thread reads the channel,
 * starts the child and reaps it. Memory: one allocation for each worker and slot. Errors:
 * worker.h's.
 */
#ifndef WARD_WORKER_OWN_H
#define WARD_WORKER_OWN_H

#include "common/base/metrics.h"
#include "common/worker/channel.h"

#include <pthread.h>
#include <sys/types.h>

/* Causes of a process's end. */
enum ended {
    ENDED_NOT,
    ENDED_ITSELF, /* a signal or an exit */
    ENDED_HANG,   /* a request exceeded its time limit */
    ENDED_MUTE,   /* heartbeats were missing */
    ENDED_GROWN,  /* memory exceeded the limit */
    ENDED_ODD,    /* a message was malformed */
    ENDED_KILLED, /* ward_worker_kill */
    ENDED_CLOSED, /* ward_worker_close */
};

struct ward_worker_slot {
    struct ward_worker *w;
    int at;
    struct slot_head *head;     /* the mapping's first page */
    size_t size;                /* size of the mapping */
    _Atomic uint64_t call;      /* number of the last call */
    _Atomic bool calling, told; /* calling: a call is in progress; told: it was asked to stop */
    _Atomic bool blamed;        /* the last call ended the process */
};

struct ward_worker {
    struct ward_worker_config cfg; /* args points to the copy below */
    char name[64];
    unsigned char args[WARD_WORKER_ARGS];
    pthread_t watcher;
    bool watched;
    int fd;                  /* the service's end of the channel */
    int wake;                /* an eventfd that wakes the watching thread */
    pthread_mutex_t asking;  /* held from a request to its reply */
    _Atomic bool dead;       /* also read by calls in slots */
    _Atomic int calls;       /* number of calls in progress */
    _Atomic int64_t busy_ns; /* total time of finished calls */
    struct ward_series *up, *resident;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* uses the monotonic clock */
    pid_t pid;              /* 0: not started, or already reaped */
    int shown_pid;
    bool is_up, closing, grown;
    size_t settled_bytes; /* resident memory at ward_worker_settled, for the next weighing */
    enum ended ended;     /* the first cause of the end */
    int status;           /* from waitpid */
    struct failure up_failure;
    char how[96]; /* text of the cause, "signal 11 (SIGSEGV)", after the end */
    bool replied, expecting;
    /* Number of requests and new slots; a reply has the number of its request. */
    uint64_t asks;
    struct channel_msg reply; /* last SAID_DONE or SAID_SLOT_OK message */
    size_t reply_n;
    bool slot_taken[WARD_WORKER_SLOTS];
    struct ward_worker_slot *slot[WARD_WORKER_SLOTS]; /* slots that have memory */

    /* Used only by the watching thread. */
    struct channel_msg heard; /* the last message */
    uint64_t pings, pongs;
    int missed;
    double window_cpu_s, window_busy_s;
    int64_t window_ns;
    int64_t told_ns; /* time of the last WARD_WORKER_GROWN */
    unsigned long oom_kills;
    size_t resident_bytes;
    size_t budget_bytes; /* the configured budget, or a higher one after ward_worker_settled */
};

/* spawn.c: starts the child and opens the channel.
 *   UNAVAILABLE  the process cannot be started */
WARD_MUST enum ward_code worker_spawn(struct ward_worker *w, pid_t *pid, int *fd,
                                      struct ward_err *err);
/* watch.c */
void *worker_watch(void *w);
/* Kills the process. `why` is its cause unless another cause was set before. Any thread. */
void worker_end(struct ward_worker *w, enum ended why);
void worker_wake(struct ward_worker *w);

/* worker.c: creates an empty file in memory that can be sealed; -1: failed. */
int worker_memfd(const char *name);

/* poison.c */
extern struct ward_family worker_poisoned;

/* usage.c: reads /proc; false: the process has ended */
struct usage {
    size_t resident_bytes;
    double cpu_s;
};
bool usage_of(pid_t pid, struct usage *out);
/* Returns the number of the container's processes that the kernel killed because memory ran
 * out. */
unsigned long usage_oom_kills(void);

/* worker.c: sets the error WORKER_LOST with the cause. */
WARD_MUST enum ward_code worker_lost(struct ward_worker *w, struct ward_err *err);
/* Sends a request and waits for its reply in w->reply. The caller holds `asking`. */
WARD_MUST enum ward_code worker_exchange(struct ward_worker *w, const struct channel_head *head,
                                         const void *body, size_t n, int passed,
                                         struct ward_err *err);

#endif
