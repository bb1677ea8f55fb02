/* set.h - the storage of a set's rows: blocks that never move, with four strips each. Readers
 * take no lock. Readers touch only rows whose live bit they have seen since they entered the
 * strip. An add writes a row that nobody touches and then sets its bit. A removal clears the
 * bit, waits until all readers that may have seen it have left the strip, wipes the row, and
 * then makes it available again. Searches therefore never wait, an add waits only for other
 * changes, and a removal waits for one strip. A thread that is preempted in a strip delays
 * nothing else.
 *
 * Threads: as described. Memory: the set's. Errors: scan.h's.
 */
#ifndef WARD_SCAN_SET_H
#define WARD_SCAN_SET_H

#include "common/scan/kernel.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

#define SCAN_STRIP  1024
#define SCAN_STRIPS (SCAN_BLOCK / SCAN_STRIP) /* rows in a block */
#define SCAN_SHELF  1024

/* A row from ward_scan_quantise never exceeds these limits: half a step, 1 / 127 / 2, in each
 * of 1024 dimensions is 0.126. ward_scan_add rejects other rows, so a search may rely on the
 * limits for its error bound. */
#define SCAN_LONGEST  1.25
#define SCAN_FURTHEST 0.25

/* State of a strip: the counter in `readers` for new readers. */
struct scan_gate {
    alignas(64) atomic_uint turn;
    atomic_uint readers[2];
};
struct scan_block {
    struct scan_gate gates[SCAN_STRIPS];
    int8_t *codes; /* its own memory mapping */
    _Atomic uint64_t live[SCAN_BLOCK / 64];
    float scale[SCAN_BLOCK], residual[SCAN_BLOCK];
    /* For writers: rows that are live, or removed and not yet wiped. */
    int n_taken;
    uint64_t taken[SCAN_BLOCK / 64];
};
struct scan_shelf {
    _Atomic(struct scan_block *) at[SCAN_SHELF];
};

struct scan_set {
    int dim;
    struct scan_kernel kernel;
    struct scan_pool *pool;
    pthread_mutex_t writers;  /* used rows; locked while a row is copied */
    pthread_mutex_t removers; /* only one thread waits for readers at a time */
    uint32_t room;            /* no block before this one has a free row */
    _Atomic(struct scan_shelf *) shelves[SCAN_SHELF];
    atomic_uint n_blocks;
    atomic_size_t n_live, nbytes;
};

/* block < n_blocks */
struct scan_block *ward_scan_block_at(const struct scan_set *s, uint32_t block);

/* Enters the gate of row r of a block; the result is the argument of ward_scan_gate_leave. Read
 * live bits after entering, and rows before leaving. */
struct scan_gate *ward_scan_gate_at(struct scan_block *b, uint32_t r);
unsigned ward_scan_gate_enter(struct scan_gate *g);
void ward_scan_gate_leave(struct scan_gate *g, unsigned turn);

#endif
