/* pool.h - threads that help searches. A search offers its step to the pool. A free helper runs
 * one step of one search and then one of the next, so that searches share the helpers evenly.
 *
 * Threads: any number of searches at once. Memory: the pool's own. Errors: scan.h's.
 */
#ifndef WARD_SCAN_POOL_H
#define WARD_SCAN_POOL_H

#include "common/scan/scan.h"

#define SCAN_THREADS_MAX 64

/* Does a part of the work with this slot's data. Returns false if no work is left for the slot.
 */
typedef bool scan_step_fn(void *arg, int slot);

int ward_scan_pool_slots(const struct scan_pool *p); /* 1 for NULL */
/* Runs steps until no slot has work. The caller is slot 0. `help`: use helpers too. */
void ward_scan_pool_run(struct scan_pool *p, bool help, scan_step_fn *step, void *arg);

#endif
