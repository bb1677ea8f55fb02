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
    size_t size;                /* of the mapping */
    _Atomic uint64_t call;      /* the number of the last one */
    _Atomic bool calling, told; /* a call is in progress; the child was asked to stop it */
    _Atomic bool blamed;        /* the last call ended the process */
};

struct ward_worker {
    struct ward_worker_config cfg; /* args is own */
    char name[64];
    unsigned char args[WARD_WORKER_ARGS];
    pthread_t watcher;
    bool watched;
    int fd;                  /* this end of the channel */
    int wake;                /* an eventfd: look now */
    pthread_mutex_t asking;  /* held over a request and its reply */
    _Atomic bool dead;       /* calls in slots look at it */
    _Atomic int calls;       /* in progress */
    _Atomic int64_t busy_ns; /* of finished calls, summed */
    struct ward_series *up, *resident;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* monotonic */
    pid_t pid;              /* 0: not started, or reaped */
    int shown_pid;
    bool is_up, closing, settled, grown;
    enum ended ended; /* the first cause */
    int status;       /* waitpid's */
    struct failure up_failure;
    char how[96]; /* "signal 11 (SIGSEGV)", once dead */
    bool replied, expecting;
    uint64_t asks;            /* requests and slots so far: a reply names its own */
    struct channel_msg reply; /* the last SAID_DONE or SAID_SLOT_OK */
    size_t reply_n;
    bool slot_taken[WARD_WORKER_SLOTS];
    struct ward_worker_slot *slot[WARD_WORKER_SLOTS]; /* those with memory */

    /* the watching thread's */
    struct channel_msg heard; /* the last message */
    uint64_t pings, pongs;
    int missed;
    double window_cpu_s, window_busy_s;
    int64_t window_ns;
    int64_t told_ns; /* of GROWN */
    unsigned long oom_kills;
    size_t resident_bytes;
    size_t budget_bytes; /* the configured one, or what it settled at */
};

/* spawn.c: the child and the service's end of the channel.  UNAVAILABLE  no process */
WARD_MUST enum ward_code worker_spawn(struct ward_worker *w, pid_t *pid, int *fd,
                                      struct ward_err *err);
/* watch.c */
void *worker_watch(void *w);
/* Ends it with this cause, if it has none yet. Any thread. */
void worker_end(struct ward_worker *w, enum ended why);
void worker_wake(struct ward_worker *w);

/* worker.c: an empty file in memory that can be sealed; -1: none. */
int worker_memfd(const char *name);

/* usage.c: from /proc; false: it is gone */
struct usage {
    size_t resident_bytes;
    double cpu_s;
};
bool usage_of(pid_t pid, struct usage *out);
/* Processes of this container that the kernel killed for want of memory. */
unsigned long usage_oom_kills(void);

/* worker.c: the words of WORKER_LOST. */
WARD_MUST enum ward_code worker_lost(struct ward_worker *w, struct ward_err *err);
/* Sends, and waits for the reply of this kind in w->reply; the caller holds `asking`. */
WARD_MUST enum ward_code worker_exchange(struct ward_worker *w, const struct channel_head *head,
                                         const void *body, size_t n, int passed,
                                         struct ward_err *err);

#endif
