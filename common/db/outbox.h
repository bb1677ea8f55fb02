/* outbox.h - events for audit, written in the transaction of the action.
 *
 * `ward_outbox_add` inserts one audit event into this service's outbox table, inside the
 * current transaction. common/bus/relay.h sends the event to audit at least once. The row is
 * deleted only after audit has acknowledged its own commit.
 *
 * Threads, memory, errors: as db.h.
 */
#ifndef WARD_DB_OUTBOX_H
#define WARD_DB_OUTBOX_H

#include "common/db/db.h"

/* `event` is a serialized ward.audit.v1.Event of at most 256 KiB, and event_id is its id. Must
 * run inside ward_db_tx. Sets *audited if not NULL (pass &call->audited). Wakes the relay after
 * the commit.   INTERNAL no transaction, or an empty or too large event: bugs
 */
WARD_MUST enum ward_code ward_outbox_add(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t event_id[16], const void *event,
                                         size_t n, bool *audited, struct ward_err *err);

struct ward_outbox_item {
    uint8_t event_id[16];
    const void *event;
    size_t n;
};
/* Inserts several events in one round trip (ward_db_bulk). Does nothing for n == 0. */
WARD_MUST enum ward_code ward_outbox_add_many(struct ward_db *db, struct ward_arena *mem,
                                              const struct ward_outbox_item *items, size_t n,
                                              bool *audited, struct ward_err *err);

/* Passes up to `most` of the oldest events, which no other replica is sending, to `deliver`
 * (frames are valid only during the call). Deletes the events if `deliver` returns OK. Uses one
 * transaction; after a crash at any point, the events are delivered again. *n is the number of
 * events.
 *
 * INVALID_ARGUMENT, FAILED_PRECONDITION and OUT_OF_RANGE mean that a retry cannot succeed. For
 * a batch, the function returns these codes, and the caller tries again with half as many
 * events. A single event moves to ward_outbox_held, so that the event does not block later
 * events, and counts as sent. Held rows remain, and count in the backlog, until an operator
 * releases them. After every other failure, including DATA_LOSS, the rows stay.
 */
typedef enum ward_code ward_deliver_fn(void *arg, const struct ward_outbox_item *items,
                                       size_t n, struct ward_err *err);
WARD_MUST enum ward_code ward_outbox_drain(struct ward_db *db, size_t most,
                                           ward_deliver_fn *deliver, void *arg, size_t *n,
                                           struct ward_err *err);
/* Returns the number of waiting rows, including held rows, the number of held rows, and the age
 * of the oldest row in seconds. Up to 100,000 waiting rows, the number is exact. Above 100,000,
 * the number is the span of the ids. */
WARD_MUST enum ward_code ward_outbox_backlog(struct ward_db *db, int64_t *rows, int64_t *held,
                                             double *age_s, struct ward_err *err);
/* Returns at most 1,000 held rows after an id, sorted by id. The columns of a row: */
enum ward_held {
    WARD_HELD_ID,
    WARD_HELD_EVENT, /* the event's id, 32 hex digits */
    WARD_HELD_MADE,  /* creation time by the database's clock: "2026-11-22T19:00:00.000000" */
    WARD_HELD_SINCE, /* time of the refusal, in the same format */
    WARD_HELD_CODE,
    WARD_HELD_BYTES,
    WARD_HELD_COLUMNS
};
WARD_MUST enum ward_code ward_outbox_held(struct ward_db *db, struct ward_arena *mem,
                                          int64_t after_id, struct ward_rows *rows,
                                          struct ward_err *err);
/* Moves held rows to the end of the outbox, so that they are delivered again: one row by its
 * id, or all for id 0. *n is the number of rows. */
WARD_MUST enum ward_code ward_outbox_release(struct ward_db *db, int64_t id, int64_t *n,
                                             struct ward_err *err);
/* Returns the progress of this database's outbox. *sent: the newest row that this connection
 * has drained, 0 for none. The drained row is committed, so no crash undoes it. *next: the id
 * of the next row, larger than any earlier id. Only a restored or replaced database has a
 * smaller next id than before. */
WARD_MUST enum ward_code ward_outbox_age(struct ward_db *db, int64_t *sent, int64_t *next,
                                         struct ward_err *err);
/* Raises the id of the next row above `row`, after an operator has accepted the restored
 * database. FAILED_PRECONDITION the next id is already above `row` */
WARD_MUST enum ward_code ward_outbox_accept(struct ward_db *db, int64_t row,
                                            struct ward_err *err);
/* Sets fn, which is called after each commit that added events, on the committing thread. fn
 * must be quick. fn may be NULL. After the return, the previous fn no longer runs. */
void ward_outbox_on_commit(void (*fn)(void *), void *arg);

/* Idempotency keys. The answer to a write is stored in the transaction of the write, for at
 * least 24 hours. Call `find` first in the transaction: *answer.p is the stored answer, or NULL
 * for a new key. `find` locks the key: concurrent calls with the same key wait until this
 * transaction ends. Call `keep` with the answer before the commit; an answer may have zero
 * bytes. A key belongs to its caller and method.
 *   FAILED_PRECONDITION  reason IDEMPOTENCY_MISMATCH: the key was used for a different request
 *   INVALID_ARGUMENT     a key longer than 128 bytes */
struct ward_idem {
    const char *caller; /* the peer or person who owns the key */
    const char *method; /* the gRPC path of the call */
    const char *key;    /* "" means no key: find reports a new key, and keep does nothing */
    uint8_t request_sha256[32];
};
WARD_MUST enum ward_code ward_idem_find(struct ward_db *db, struct ward_arena *mem,
                                        const struct ward_idem *i, struct ward_val *answer,
                                        struct ward_err *err);
WARD_MUST enum ward_code ward_idem_keep(struct ward_db *db, const struct ward_idem *i,
                                        const void *answer, size_t n, struct ward_err *err);
WARD_MUST enum ward_code ward_idem_expire(struct ward_db *db, struct ward_err *err);

#endif
