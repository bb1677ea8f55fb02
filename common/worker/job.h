/* job.h - the child's side of a worker process.
 *
 * main() calls ward_worker_enter with a table of jobs first. In a worker process this function
 * does not return: it opens the job, closes the sandbox, and serves requests until the service
 * closes the channel. The sandbox closes in two steps. Before `open`, the process gives up
 * network, new processes, new privileges and writing to files. After `open`, it gives up all
 * files, or all files except those of devices.
 *
 * Threads: the main thread runs open and ask; each slot has a thread for call; the main thread
 * runs stop while a call is in progress. Memory: the job's; inputs are valid until the function
 * returns. Errors: reach the service, `detail` too.
 */
#ifndef WARD_WORKER_JOB_H
#define WARD_WORKER_JOB_H

#include "common/base/status.h"
#include "common/base/stop.h"
#include "common/worker/worker.h"

/* Files that a job can read after `open`. */
enum ward_reach {
    WARD_REACH_NOTHING,
    WARD_REACH_DEVICES, /* /dev, /sys, and the folders of loaded libraries */
};

struct ward_job_call {
    uint32_t op;
    const unsigned char *in; /* 64-byte aligned */
    size_t n_in;
    const struct ward_stop *stop; /* its `gone`: the service asked the call to stop */
    void *own;                    /* for ward_job_answer */
};
/* Returns n bytes for the answer, aligned to 64 bytes, or NULL. Call once in each call. */
void *ward_job_answer(struct ward_job_call *c, size_t n);

struct ward_job_ask {
    uint32_t op;
    const void *in;
    size_t n_in;
    int fd; /* closed after the function returns; -1: none */
    void *out;
    size_t n_out; /* capacity on entry, size on return */
};

struct ward_job {
    const char *name;
    enum ward_code (*open)(const void *args, size_t n, void **state, enum ward_reach *reach,
                           struct ward_err *err);
    enum ward_code (*ask)(void *state, struct ward_job_ask *a, struct ward_err *err);
    enum ward_code (*call)(void *state, int slot, struct ward_job_call *c,
                           struct ward_err *err);
    void (*stop)(void *state, int slot); /* may be NULL */
};

/* The table ends with NULL. */
void ward_worker_enter(int argc, char **argv, const struct ward_job *const *jobs);

/* Adds n to a counter of the service (WARD_WORKER_COUNT). */
void ward_job_count(const char *name, double n);

#endif
