/* set.h - how a set keeps its rows: blocks that are added and never move, four strips each. Who
 * reads takes no lock and touches only rows whose live bit it has seen since it entered their
 * strip. Who adds writes a row that nobody touches and then sets its bit. Who removes clears
 * the bit, waits until all who may have seen it have left the strip, wipes the row, and only
 * then lets it be taken again. So searches wait for nobody, adding waits for other changes
 * alone, and removing waits for a strip: a thread that loses its processor in a strip holds up
 * nothing else.
 *
 * Threads: as said. Memory: the set's. Errors: scan.h's.
 */
#ifndef WARD_SCAN_SET_H
#define WARD_SCAN_SET_H

#include "common/scan/kernel.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

#define SCAN_STRIP  1024
#define SCAN_STRIPS (SCAN_BLOCK / SCAN_STRIP) /* a block */
#define SCAN_SHELF  1024

/* What ward_scan_quantise makes of a vector of length 1 is never longer nor further from it:
 * half a step, 1 / 127 / 2, in each of 1024 dimensions is 0.126. ward_scan_add refuses the
 * rest, so a search's error bound may rely on them. */
#define SCAN_LONGEST  1.25
#define SCAN_FURTHEST 0.25

/* A strip's: which of `readers` those who enter are counted in. */
struct scan_gate {
    alignas(64) atomic_uint turn;
    atomic_uint readers[2];
};
struct scan_block {
    struct scan_gate gates[SCAN_STRIPS];
    int8_t *codes; /* a mapping of its own */
    _Atomic uint64_t live[SCAN_BLOCK / 64];
    float scale[SCAN_BLOCK], residual[SCAN_BLOCK];
    /* The writers': rows that are live, or removed and not wiped yet. */
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
    pthread_mutex_t writers;  /* what is taken; held for the copy of a row */
    pthread_mutex_t removers; /* one waits for readers at a time */
    uint32_t room;            /* no block before this one has a free row */
    _Atomic(struct scan_shelf *) shelves[SCAN_SHELF];
    atomic_uint n_blocks;
    atomic_size_t n_live, nbytes;
};

/* block < n_blocks */
struct scan_block *ward_scan_block_at(const struct scan_set *s, uint32_t block);

/* The gate of row r of a block, and what ward_scan_gate_leave wants. Live bits are read after
 * entering, rows before leaving. */
struct scan_gate *ward_scan_gate_at(struct scan_block *b, uint32_t r);
unsigned ward_scan_gate_enter(struct scan_gate *g);
void ward_scan_gate_leave(struct scan_gate *g, unsigned turn);

#endif
