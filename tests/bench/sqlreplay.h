/* sqlreplay.h - the SQL that a handler runs, kept as it goes by, and run again by a client that
 * does nothing else: what a bare client then runs is the same by construction. Link with
 * -Wl,--wrap=ward_db_run,--wrap=ward_db_bulk.
 *
 * Threads: each its own struct sqlreplay. Memory: its arenas. Errors: db.h's.
 */
#ifndef WARD_BENCH_SQLREPLAY_H
#define WARD_BENCH_SQLREPLAY_H

#include "common/db/db.h"

struct recorded {
    const char *sql;
    struct ward_val *v; /* rows * n */
    size_t n, rows;     /* rows 1: a statement; more or 0: array-bound (bulk) */
    bool bulk;
};
struct recording {
    struct ward_arena mem;
    struct recorded at[128];
    size_t n;
};
/* Between the two this thread's SQL is kept. */
void record_begin(struct recording *r);
void record_end(struct recording *r);

#define SQLREPLAY_RENAMED 64
/* Two calls in a row, which say what differs from call to call: numbers go on as they went,
 * everything else that differs is new each time. */
struct sqlreplay {
    struct recording before, last;
    struct ward_arena mem; /* of one run's parameters */
    int64_t round;
    int renamed;
    struct {
        struct ward_val from;
        uint8_t to[64];
    } rename[SQLREPLAY_RENAMED];
};
void sqlreplay_open(struct sqlreplay *r);
/* Records two calls of `handle` that ran the same statements; five tries, then the program
 * ends: a clock that goes on to the next second in between may change them. */
void sqlreplay_learn(struct sqlreplay *r, void (*handle)(void *arg), void *arg);
/* Once more, in a transaction. */
WARD_MUST enum ward_code sqlreplay_run(struct sqlreplay *r, struct ward_db *db,
                                       struct ward_err *err);

#endif
