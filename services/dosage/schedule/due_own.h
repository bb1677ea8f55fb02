/* due_own.h - process-wide declarations that the files of this folder share: time zones, and
 * the boards of followed wards.
 *
 * Threads: zones and boards have their own locks. Memory: their own; a board is freed when its
 * last reader releases it. Errors: listed at each function.
 */
#ifndef DOSAGE_SCHEDULE_DUE_OWN_H
#define DOSAGE_SCHEDULE_DUE_OWN_H

#include "services/dosage/schedule/board.h"
#include "services/dosage/schedule/due.h"

#include <pthread.h>

/* Time zones in use, cached until the process ends. */
struct zones {
    pthread_mutex_t lock;
    struct ward_arena mem;
    struct zone_kept *first;
};
WARD_MUST enum ward_code zones_open(struct zones *z, const char *usual, struct ward_err *err);
void zones_close(struct zones *z);

/* A board for several readers, with a hash of each slot's content. A changed slot has another
 * hash. The board is constant after its creation. */
struct due_board {
    struct ward_arena mem;
    struct board board;
    uint64_t *says;
    int64_t read_ns;
    int readers; /* protected by due_watch.lock */
};
struct due_ward {
    char name[65];
    int followers;
    struct due_board *now; /* NULL: the ward was not read yet */
};

#define DUE_FOLLOWERS_MAX 128 /* maximum of WARD_DUE_FOLLOWERS */
struct due_watch {
    struct ward_arena keep; /* memory of this struct */
    struct dosage *dos;
    struct zones zones;
    struct worker *worker; /* used only by the thread */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* protects the members below */
    pthread_cond_t wake, changed;
    bool stop;
    int followers;
    struct due_ward wards[DUE_FOLLOWERS_MAX]; /* wards with followers */
};

/*   RESOURCE_EXHAUSTED  DUE_FULL */
WARD_MUST enum ward_code due_join(struct due_watch *d, const char *ward, struct due_ward **out,
                                  struct ward_err *err);
void due_leave(struct due_watch *d, struct due_ward *w);
/* Waits for a board of the ward that differs from `last`; NULL after wait_ms. The caller must
 * release the board with due_let_go. */
struct due_board *due_wait(struct due_watch *d, struct due_ward *w,
                           const struct due_board *last, int wait_ms);
void due_let_go(struct due_watch *d, struct due_board *b); /* NULL is fine */

#endif
