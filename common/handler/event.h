/* act.h - one call's audit event, written in the transaction of what it did.
 *
 * A handler begins its act with whom it is about, notes what matters, and writes it last in its
 * transaction: nothing is done without its event, and no event tells of what was not done. A
 * call that fails gets its event from ward_event_failed, about the same patient.
 *
 * Threads: a worker's own. Memory: the call's arena; texts given are borrowed until the event
 * is written. Errors: outbox.h's.
 */
#ifndef WARD_HANDLER_EVENT_H
#define WARD_HANDLER_EVENT_H

#include "common/db/outbox.h"
#include "common/rpc/rpc.h"

#define WARD_EVENT_DETAILS 12

/* What a worker holds of it: part of a service's own struct, zeroed but for the first two. */
struct ward_event_ctx {
    const char *service; /* "identity" */
    struct ward_db *db;  /* the worker's: ward_event_failed writes by it */
    char span[56];       /* the call that `patient` is of */
    char patient[37];    /* whom the call in progress is about, should it fail; "" nobody */
};

struct ward_event {
    struct ward_call *call;
    const struct ward_event_ctx *event_ctx;
    uint8_t event_id[16];
    char event_text[37]; /* event_id as a UUID: what an answer may carry */
    const char *patient; /* "" if about nobody */
    const char *place;   /* "" unless the caller sets it */
    int n;
    struct {
        const char *key, *value;
    } detail[WARD_EVENT_DETAILS];
};

/* From now on the call is about this patient (a UUID's text), also when it fails. NULL: not
 * known, or nobody. */
void ward_event_begin(struct ward_event *a, struct ward_call *call,
                      struct ward_event_ctx *event_ctx, const char *patient);
/* One more event of the same call, with an id of its own and what `first` has noted so far: a
 * search that showed many patients tells of each. A failure stays about first's patient. */
void ward_event_another(const struct ward_event *first, const char *patient,
                        struct ward_event *out);
/* At most WARD_EVENT_DETAILS; more is a bug. No text of a patient's: counts, codes and ids. */
void ward_event_note(struct ward_event *a, const char *key, const char *value);
void ward_event_note_num(struct ward_event *a, const char *key, double value); /* four digits */
void ward_event_note_int(struct ward_event *a, const char *key, int64_t value);
/* Success: inside ward_db_tx. */
WARD_MUST enum ward_code ward_event_write(struct ward_event *a, struct ward_db *db,
                                          struct ward_err *err);
/* The event of a success, packed into the call's arena and not written: for who writes those of
 * several calls in one transaction. That they are written, its writer says: call->audited. */
WARD_MUST enum ward_code ward_event_pack(const struct ward_event *a,
                                         struct ward_outbox_item *out, struct ward_err *err);
/* The same for several acts of one call, in one round trip (past 8,192 or 4 MiB: several); of
 * none it does nothing. */
WARD_MUST enum ward_code ward_event_write_many(struct ward_event *events, size_t n,
                                               struct ward_db *db, struct ward_err *err);
/* An act of the service's own, by nobody's call: `own` is filled as the call it stands for, and
 * must outlive `a`. The event's actor is "" and its peer the service. */
void ward_event_by_service(struct ward_event *a, struct ward_call *own,
                           struct ward_event_ctx *event_ctx, struct ward_arena *mem,
                           const struct ward_method_info *what, const char *patient);
/* For ward_rpc_config.refused: the event of a call that failed with this code, in a transaction
 * of its own. */
void ward_event_failed(struct ward_call *call, struct ward_event_ctx *event_ctx,
                       enum ward_code code);

#endif
