/* sandbox.h - restricts a worker process in two steps: seccomp filters (libseccomp), Landlock
 * if the kernel has it, and resource limits. The restrictions need neither capabilities nor
 * another user, so they work under Kubernetes' Pod Security "restricted".
 *
 * Threads: call sandbox_begin before other threads start. sandbox_close restricts all threads
 * by seccomp; Landlock restricts only the calling thread and threads that it starts later.
 * Memory: none. Errors: FAILED_PRECONDITION if the kernel rejects a filter.
 */
#ifndef WARD_WORKER_SANDBOX_H
#define WARD_WORKER_SANDBOX_H

#include "common/worker/job.h"

/* Removes new privileges, sockets, new programs and processes, signals to other processes, and
 * writing to files except devices. Limits private memory to the memory in use plus
 * `most_bytes`; 0: no limit. */
WARD_MUST enum ward_code sandbox_begin(size_t most_bytes, struct ward_err *err);
/* Leaves memory, threads and the channel; for WARD_REACH_DEVICES also the files of devices. */
WARD_MUST enum ward_code sandbox_close(enum ward_reach reach, struct ward_err *err);

/* filter.c, landlock.c */
bool filter_begin(void);
bool filter_close(void);
/* Return false if the kernel has no Landlock. */
bool landlock_begin(void);
bool landlock_close(enum ward_reach reach);

#endif
