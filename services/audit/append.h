/* append.h - adds events to the log. The calling thread seals them, one thread collects them,
 * and each transaction commits a batch.
 *
 * Threads: any thread may call log_append with its own ward_db. Memory: the caller's arena,
 * which the appender reads until log_append returns. Errors: listed at each function. */
#ifndef AUDIT_APPEND_H
#define AUDIT_APPEND_H

#include "services/audit/audit.h"

/* ---- seal.c, appender.c, append.c ---- */

/* An event to append: its checked fields and its bytes. */
struct audit_raw {
    const struct audit_event *e;
    const void *bytes;
    size_t n;
};

/* An event that is ready to append, and its result. */
struct audit_item {
    uint8_t event_id[16];
    char service[WARD_LEAF_SERVICE + 1];
    int64_t occurred_at_us;
    int outcome;
    bool has_patient, has_actor;
    uint8_t patient[AUDIT_SEARCH], actor[AUDIT_SEARCH], action[AUDIT_SEARCH];
    uint64_t key_id, epoch;
    uint8_t commitment[WARD_SHA256_SIZE];
    const uint8_t *content; /* encrypted salt and event */
    size_t content_len;
    const void *event; /* the bytes as received */
    size_t event_len;
    /* results */
    uint64_t index;
    bool duplicate; /* the log already contained the event */
    bool conflict;  /* the log contains a different event with this id */
};

/* Operations of an append transaction besides adding leaves; such a batch commits alone. */
struct audit_turn {
    struct audit_head *head;
    struct audit_new_key *next_key; /* new signing key for a rotation; NULL: no rotation */
};
struct audit_op {
    enum ward_code (*run)(struct ward_db *db, struct ward_arena *mem, struct audit_turn *turn,
                          void *arg, struct ward_err *err);
    void *arg;
};

struct audit_batch {
    struct audit_item *items;
    size_t n;
    const struct audit_op *op; /* operation of this batch; NULL: none */
    int64_t deadline_ns;
    /* results */
    enum ward_code code;
    struct ward_err err;
    bool stale;    /* a content key was erased in the meantime: encrypt the events again */
    uint64_t size; /* size of the log after the commit */
    /* used by the appender */
    bool taken, done;
    struct audit_batch *next;
};

struct audit;
WARD_MUST enum ward_code seal_items(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                                    const struct audit_raw *raws, size_t n,
                                    struct audit_item *out, struct ward_err *err);

/* Appends all n events or none, and returns after the commit. The results are in items.
 *   ALREADY_EXISTS      EVENT_ID_CONFLICT: items[].conflict marks the event
 *   RESOURCE_EXHAUSTED  the queue is full; DEADLINE_EXCEEDED the commit did not start in time
 *   DATA_LOSS           the log is damaged and accepts no events */
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
/* append.c: commits a list of batches and fills their results. */
void append_group(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                  struct audit_batch *group);

#endif
