/* due_own.h - process-wide declarations that the files of this folder share: zones, and the
 * boards of followed wards.
 *
 * Threads: both have their own locks. Memory: their own; a board lives until its last reader
 * releases it. Errors: below.
 */
#ifndef DOSAGE_SCHEDULE_DUE_OWN_H
#define DOSAGE_SCHEDULE_DUE_OWN_H

#include "services/dosage/schedule/board.h"
#include "services/dosage/schedule/due.h"

#include <pthread.h>

/* Zones in use, cached until the process ends. */
struct zones {
    pthread_mutex_t lock;
    struct ward_arena mem;
    struct zone_kept *first;
};
WARD_MUST enum ward_code zones_open(struct zones *z, const char *usual, struct ward_err *err);
void zones_close(struct zones *z);

/* A board for several readers, with a hash of each slot's content: a changed slot has another
 * hash. Constant once made. */
struct due_board {
    struct ward_arena mem;
    struct board board;
    uint64_t *says;
    int64_t read_ns;
    int readers; /* the watch's lock */
};
struct due_ward {
    char name[65];
    int followers;
    struct due_board *now; /* NULL: not read yet */
};

#define DUE_FOLLOWERS_MAX 128 /* WARD_DUE_FOLLOWERS' greatest */
struct due_watch {
    struct ward_arena keep; /* this struct's */
    struct dosage *dos;
    struct zones zones;
    struct worker *worker; /* the thread's */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake, changed;
    bool stop;
    int followers;
    struct due_ward wards[DUE_FOLLOWERS_MAX]; /* those with followers */
};

/*   RESOURCE_EXHAUSTED  DUE_FULL */
WARD_MUST enum ward_code due_join(struct due_watch *d, const char *ward, struct due_ward **out,
                                  struct ward_err *err);
void due_leave(struct due_watch *d, struct due_ward *w);
/* Returns the ward's board if it differs from `last`, or NULL after wait_ms. The caller owns it
 * until due_let_go. */
struct due_board *due_wait(struct due_watch *d, struct due_ward *w,
                           const struct due_board *last, int wait_ms);
void due_let_go(struct due_watch *d, struct due_board *b); /* NULL is fine */

#endif
