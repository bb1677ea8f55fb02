/* outbox.h - what must be told to others is written in the transaction that did it.
 *
 * `ward_outbox_add` puts one audit event into this service's outbox table inside the running
 * transaction. common/bus/relay.h carries it to audit, at least once, and the row is deleted
 * only after audit's own commit was acknowledged.
 *
 * Threads, memory, errors: as db.h.
 */
#ifndef WARD_DB_OUTBOX_H
#define WARD_DB_OUTBOX_H

#include "common/db/db.h"

/* `event` is a serialized ward.audit.v1.Event, at most 256 KiB; event_id its id. Must run
 * inside ward_db_tx; sets *audited where not NULL (pass &call->audited). Wakes the relay after
 * the commit.   INTERNAL  no transaction, or an event that is empty or too large: bugs */
WARD_MUST enum ward_code ward_outbox_add(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t event_id[16], const void *event,
                                         size_t n, bool *audited, struct ward_err *err);

struct ward_outbox_item {
    uint8_t event_id[16];
    const void *event;
    size_t n;
};
/* The same for several, in one round trip (ward_db_bulk); of none it does nothing. */
WARD_MUST enum ward_code ward_outbox_add_many(struct ward_db *db, struct ward_arena *mem,
                                              const struct ward_outbox_item *items, size_t n,
                                              bool *audited, struct ward_err *err);

/* Takes up to `most` of the oldest events that no other replica is sending and gives them to
 * `deliver` (frames borrowed until it returns); deletes them once deliver says OK. One
 * transaction; a crash anywhere delivers again. *n is how many went.
 *
 * A refusal that no second try will change (INVALID_ARGUMENT, FAILED_PRECONDITION,
 * OUT_OF_RANGE) comes back as it is for a batch; for a single event the row moves to
 * ward_outbox_held, so that it does not stand in the way of all others, and counts as gone. So
 * a caller that meets a refusal tries again with half as many. Held rows are kept, and counted
 * in the backlog, until a person moves them back. After every other failure, DATA_LOSS among
 * them, the rows stay. */
typedef enum ward_code ward_deliver_fn(void *arg, const struct ward_outbox_item *items,
                                       size_t n, struct ward_err *err);
WARD_MUST enum ward_code ward_outbox_drain(struct ward_db *db, size_t most,
                                           ward_deliver_fn *deliver, void *arg, size_t *n,
                                           struct ward_err *err);
/* Rows waiting, held ones included, how many of them are held, and the oldest one's age in
 * seconds. Counted up to 100,000; beyond, the span of their ids. */
WARD_MUST enum ward_code ward_outbox_backlog(struct ward_db *db, int64_t *rows, int64_t *held,
                                             double *age_s, struct ward_err *err);
/* Held rows behind an id, at most 1,000, by id. */
enum ward_held {
    WARD_HELD_ID,
    WARD_HELD_EVENT, /* its id, 32 hex digits */
    WARD_HELD_MADE,  /* "2026-11-22T19:00:00.000000", the database's clock */
    WARD_HELD_SINCE, /* likewise */
    WARD_HELD_CODE,
    WARD_HELD_BYTES,
    WARD_HELD_COLUMNS
};
WARD_MUST enum ward_code ward_outbox_held(struct ward_db *db, struct ward_arena *mem,
                                          int64_t after_id, struct ward_rows *rows,
                                          struct ward_err *err);
/* Puts held rows back behind those that wait, to be delivered again: one by its id, or all for
 * 0. *n is how many. */
WARD_MUST enum ward_code ward_outbox_release(struct ward_db *db, int64_t id, int64_t *n,
                                             struct ward_err *err);
/* How far this database's outbox has come. *sent: the newest row that this connection has
 * drained, 0 for none: it is committed, so no crash takes it back. *next: the id that the next
 * row gets, larger than any row ever had; only a restored or another database has a smaller one
 * than it had. */
WARD_MUST enum ward_code ward_outbox_age(struct ward_db *db, int64_t *sent, int64_t *next,
                                         struct ward_err *err);
/* Moves *next behind `row`: the person who restored the database says that it is as it should
 * be.   FAILED_PRECONDITION  it is behind that row already */
WARD_MUST enum ward_code ward_outbox_accept(struct ward_db *db, int64_t row,
                                            struct ward_err *err);
/* fn is called after each commit that added events, on the thread that committed; it must be
 * quick. NULL for none. When this returns, the former fn is no longer running. */
void ward_outbox_on_commit(void (*fn)(void *), void *arg);

/* Idempotency keys: the answer to a write, kept with the write, for 24 hours at least.
 * `find` inside the transaction, first: *answer.p is the stored answer, or NULL if the key is
 * new (and then a lock keeps twins out until this transaction ends). `keep` the answer before
 * commit; an answer of zero bytes is one too. A key belongs to its caller and method.
 *   FAILED_PRECONDITION  reason IDEMPOTENCY_MISMATCH: the key was used for another request
 *   INVALID_ARGUMENT     a key longer than 128 bytes */
struct ward_idem {
    const char *caller; /* peer or person the key belongs to */
    const char *method; /* the call's path */
    const char *key;    /* "" means none was given: find says new, keep does nothing */
    uint8_t request_sha256[32];
};
WARD_MUST enum ward_code ward_idem_find(struct ward_db *db, struct ward_arena *mem,
                                        const struct ward_idem *i, struct ward_val *answer,
                                        struct ward_err *err);
WARD_MUST enum ward_code ward_idem_keep(struct ward_db *db, const struct ward_idem *i,
                                        const void *answer, size_t n, struct ward_err *err);
WARD_MUST enum ward_code ward_idem_expire(struct ward_db *db, struct ward_err *err);

#endif
