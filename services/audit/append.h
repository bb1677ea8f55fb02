/* append.h - how events get into the log: sealed on the thread that brings them, gathered by
 * one thread, committed a batch at a time.
 *
 * Threads: log_append from any, each with its own ward_db. Memory: the caller's arena, which
 * the appender reads until log_append returns. Errors: below.
 */
#ifndef AUDIT_APPEND_H
#define AUDIT_APPEND_H

#include "services/audit/audit.h"

/* ---- seal.c, appender.c, append.c ---- */

/* An event to append: checked, and its bytes. */
struct audit_raw {
    const struct audit_event *e;
    const void *bytes;
    size_t n;
};

/* Ready to append, and what became of it. */
struct audit_item {
    uint8_t event_id[16];
    char service[WARD_LEAF_SERVICE + 1];
    int64_t occurred_at_us;
    int outcome;
    bool has_patient, has_actor;
    uint8_t patient[AUDIT_SEARCH], actor[AUDIT_SEARCH], action[AUDIT_SEARCH];
    uint64_t key_id, epoch;
    uint8_t commitment[WARD_SHA256_SIZE];
    const uint8_t *content; /* sealed salt and event */
    size_t content_len;
    const void *event; /* as it came */
    size_t event_len;
    /* results */
    uint64_t index;
    bool duplicate; /* it was there */
    bool conflict;  /* its id is taken by another event */
};

/* What one append transaction does beside adding leaves; such a batch commits alone. */
struct audit_turn {
    struct audit_head *head;
    struct audit_new_key *next_key; /* hand signing over to this one */
};
struct audit_op {
    enum ward_code (*run)(struct ward_db *db, struct ward_arena *mem, struct audit_turn *turn,
                          void *arg, struct ward_err *err);
    void *arg;
};

struct audit_batch {
    struct audit_item *items;
    size_t n;
    const struct audit_op *op; /* NULL for none */
    int64_t deadline_ns;
    /* results */
    enum ward_code code;
    struct ward_err err;
    bool stale;    /* a content key was erased meanwhile: seal again */
    uint64_t size; /* of the log after it */
    /* the appender's */
    bool taken, done;
    struct audit_batch *next;
};

struct audit;
WARD_MUST enum ward_code seal_items(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                                    const struct audit_raw *raws, size_t n,
                                    struct audit_item *out, struct ward_err *err);

/* Appends all n events or none, and returns after the commit. items are its results.
 *   ALREADY_EXISTS      EVENT_ID_CONFLICT: items[].conflict says which
 *   RESOURCE_EXHAUSTED  the queue is full;  DEADLINE_EXCEEDED  it was not begun in time
 *   DATA_LOSS           the log is not as it was left; nothing is appended any more */
WARD_MUST enum ward_code log_append(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                                    const struct audit_raw *raws, size_t n, int64_t deadline_ns,
                                    const struct audit_op *op, struct audit_item **items,
                                    uint64_t *size, struct ward_err *err);

struct audit_appender;
WARD_MUST enum ward_code appender_start(struct audit *a, struct audit_appender **out,
                                        struct ward_arena *keep, struct ward_err *err);
void appender_stop(struct audit_appender *p);
/* Queues a batch and waits for its results. */
WARD_MUST enum ward_code appender_put(struct audit_appender *p, struct audit_batch *b,
                                      struct ward_err *err);
/* Commits a list of batches; fills their results. append.c */
void append_group(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                  struct audit_batch *group);

#endif
