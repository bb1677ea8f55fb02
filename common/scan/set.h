/* set.h - how a set keeps its rows: blocks that are added and never move, each with a lock of
 * its own. Searches hold a block's lock, shared, for SCAN_STRIP rows at a time; who adds or
 * removes holds it alone, for one row. Locks prefer those who write, so a writer waits for the
 * strips being read and no longer, and readers wait for a copy of one row.
 *
 * Threads: as said. Memory: the set's. Errors: scan.h's.
 */
#ifndef WARD_SCAN_SET_H
#define WARD_SCAN_SET_H

#include "common/scan/kernel.h"

#include <pthread.h>
#include <stdatomic.h>

#define SCAN_STRIP  1024
#define SCAN_STRIPS (SCAN_BLOCK / SCAN_STRIP) /* a block */
#define SCAN_SHELF  1024

/* What scan_quantise makes of a vector of length 1 is never longer nor further from it: half a
 * step, 1 / 127 / 2, in each of 1024 dimensions is 0.126. scan_add refuses the rest, so a
 * search's error bound may rely on them. */
#define SCAN_LONGEST  1.25
#define SCAN_FURTHEST 0.25

struct scan_block {
    pthread_rwlock_t lock;
    int8_t *codes; /* a mapping of its own */
    int n_live;
    uint64_t live[SCAN_BLOCK / 64];
    float scale[SCAN_BLOCK], residual[SCAN_BLOCK];
};
struct scan_shelf {
    _Atomic(struct scan_block *) at[SCAN_SHELF];
};

struct scan_set {
    int dim;
    struct scan_kernel kernel;
    struct scan_pool *pool;
    pthread_mutex_t writers; /* one adds or removes; searches never take it */
    uint32_t room;           /* no block before this one has a free row */
    _Atomic(struct scan_shelf *) shelves[SCAN_SHELF];
    atomic_uint n_blocks;
    atomic_size_t n_live, nbytes;
};

/* block < n_blocks */
struct scan_block *scan_block_at(const struct scan_set *s, uint32_t block);

#endif
