/* own.h - declarations that the files of gallery/ share.
 *
 * Threads: `follower` reads changes and updates the index, `writer` writes snapshots; `lock`
 * protects the conditions that wake them. Memory: the gallery's arena. Errors: those of
 * gallery.h. */
#ifndef IDENTITY_GALLERY_OWN_H
#define IDENTITY_GALLERY_OWN_H

#include "common/base/metrics.h"
#include "common/bus/bus.h"
#include "services/identity/gallery/snapshot.h"

#include <pthread.h>
#include <stdatomic.h>

#define GALLERY_TOPIC "gallery"
#define GALLERY_PEERS 32

struct gallery {
    struct gallery_config cfg;
    struct ward_arena mem;
    struct keys *keys;
    const struct ward_db_config *db;
    struct index x;
    bool has_index;
    struct ward_hint_pub *pub;
    struct ward_hint_sub *sub[GALLERY_PEERS];
    int n_subs;
    pthread_t follower, writer;
    bool following, writing;
    pthread_mutex_t lock;
    pthread_cond_t wake;   /* wakes the follower */
    pthread_cond_t due;    /* wakes the writer */
    pthread_mutex_t heavy; /* held during a complete load, or while a snapshot is written */
    /* `committed`: this process committed a change, so the other replicas get a hint */
    bool woken, committed;
    atomic_bool stopping, ready;
    atomic_bool reload; /* everything must be read again from the database */
    atomic_int_least64_t seq, snapshot_seq, snapshot_at_us;
};

/* ---- read.c: from the database into the index ---- */

struct reader {
    struct gallery *g;
    struct ward_db *db;
    struct ward_arena mem;
    int unreadable; /* number of unreadable subjects so far */
};
WARD_MUST enum ward_code reader_open(struct gallery *g, struct reader *r, struct ward_err *err);
void reader_close(struct reader *r);
/* Reads the subjects with an id in (after, upto]. */
WARD_MUST enum ward_code read_range(struct reader *r, const uint8_t after[KEYS_ID],
                                    const uint8_t upto[KEYS_ID], struct ward_err *err);
/* Reads these subjects, and updates or removes their rows. A subject who may not be searched
 * for is removed. */
#define READ_AT_ONCE 32
WARD_MUST enum ward_code read_these(struct reader *r, const uint8_t (*ids)[KEYS_ID], size_t n,
                                    struct ward_err *err);
/* Finds the last id of a range of about `n` subjects after `after`. At the end of the table the
 * id is all ones. */
WARD_MUST enum ward_code read_end(struct reader *r, const uint8_t after[KEYS_ID], int64_t n,
                                  uint8_t upto[KEYS_ID], struct ward_err *err);
/* Whether the id is all ones: the end of the table. */
bool read_over(const uint8_t upto[KEYS_ID]);
/* Reads the named galleries of all subjects into an index that has their rows. */
WARD_MUST enum ward_code read_all_members(struct reader *r, struct ward_err *err);

/* ---- load.c ---- */

/* Loads the snapshot if there is one; otherwise reads everything from the database. */
WARD_MUST enum ward_code load_first(struct reader *r, struct ward_err *err);
WARD_MUST enum ward_code load_all(struct reader *r, struct ward_err *err);
WARD_MUST enum ward_code load_head(struct reader *r, int64_t *seq, struct ward_err *err);

/* ---- follow.c ---- */

struct snapshot_of gallery_snapshot_of(const struct gallery *g, struct ward_db *db);
void *gallery_follow(void *gallery);
void *gallery_write(void *gallery);
void gallery_wake(void *gallery);
bool gallery_stopping(const void *gallery); /* also true if a complete load is waiting */

extern struct ward_family gallery_search_seconds, gallery_ranked, gallery_unreadable;

#endif
