/* pool.h - the threads that help searches. A search lends the pool its step; helpers that are
 * free take one step of one search, then one of the next, so that searches share them evenly.
 *
 * Threads: any number may lend at once. Memory: the pool's own. Errors: scan.h's.
 */
#ifndef WARD_SCAN_POOL_H
#define WARD_SCAN_POOL_H

#include "common/scan/scan.h"

#define SCAN_THREADS_MAX 64

/* Does a bit of the work with what belongs to this slot. False: nothing left that it can do. */
typedef bool scan_step_fn(void *arg, int slot);

int ward_scan_pool_slots(const struct scan_pool *p); /* 1 for NULL */
/* Steps until no slot has anything left; the caller is slot 0. `help`: more than the caller is
 * wanted. */
void ward_scan_pool_run(struct scan_pool *p, bool help, scan_step_fn *step, void *arg);

#endif
