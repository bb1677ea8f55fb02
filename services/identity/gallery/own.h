/* own.h - declarations that the files of gallery/ share.
 *
 * Threads: the follower reads changes and updates the index; `writer` writes snapshots; `lock`
 * protects their wake-up conditions. Memory: the gallery's arena. Errors: gallery.h's.
 */
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
    pthread_cond_t wake;   /* of the follower */
    pthread_cond_t due;    /* of the writer */
    pthread_mutex_t heavy; /* a complete load, or a snapshot in progress */
    bool woken, committed; /* `committed`: by this process, so the other replicas get a hint */
    atomic_bool stopping, ready;
    atomic_bool reload; /* everything must be read again */
    atomic_int_least64_t seq, snapshot_seq, snapshot_at_us;
};

/* ---- read.c: from the database into the index ---- */

struct reader {
    struct gallery *g;
    struct ward_db *db;
    struct ward_arena mem;
    int unreadable; /* subjects so far */
};
WARD_MUST enum ward_code reader_open(struct gallery *g, struct reader *r, struct ward_err *err);
void reader_close(struct reader *r);
/* Subjects with an id in (after, upto]. */
WARD_MUST enum ward_code read_range(struct reader *r, const uint8_t after[KEYS_ID],
                                    const uint8_t upto[KEYS_ID], struct ward_err *err);
/* The present state of these subjects; those who may not be searched for (any more) are
 * removed. */
#define READ_AT_ONCE 32
WARD_MUST enum ward_code read_these(struct reader *r, const uint8_t (*ids)[KEYS_ID], size_t n,
                                    struct ward_err *err);
/* The end of a range of about `n` subjects after this one; all ones at the end. */
WARD_MUST enum ward_code read_end(struct reader *r, const uint8_t after[KEYS_ID], int64_t n,
                                  uint8_t upto[KEYS_ID], struct ward_err *err);
bool read_over(const uint8_t upto[KEYS_ID]); /* all ones */
/* Named galleries of all subjects, into an index with existing rows. */
WARD_MUST enum ward_code read_all_members(struct reader *r, struct ward_err *err);

/* ---- load.c ---- */

/* From the snapshot if there is one, otherwise everything from the database. */
WARD_MUST enum ward_code load_first(struct reader *r, struct ward_err *err);
WARD_MUST enum ward_code load_all(struct reader *r, struct ward_err *err);
WARD_MUST enum ward_code load_head(struct reader *r, int64_t *seq, struct ward_err *err);

/* ---- follow.c ---- */

struct snapshot_of gallery_snapshot_of(const struct gallery *g, struct ward_db *db);
void *gallery_follow(void *gallery);
void *gallery_write(void *gallery);
void gallery_wake(void *gallery);
bool gallery_stopping(const void *gallery); /* or a load is waiting */

extern struct ward_family gallery_search_seconds, gallery_ranked, gallery_unreadable;

#endif
