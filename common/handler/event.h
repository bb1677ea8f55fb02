/* event.h - the audit event of a call, written in the transaction of the action.
 *
 * A handler begins an event with the patient, adds details, and writes it last in its
 * transaction. No action therefore lacks an event, and no event describes an action that was
 * rolled back. ward_event_failed writes the event of a failed call, with the same patient.
 *
 * Threads: the worker's thread. Memory: the call's arena; texts must stay valid until the event
 * is written. Errors: as outbox.h.
 */
#ifndef WARD_HANDLER_EVENT_H
#define WARD_HANDLER_EVENT_H

#include "common/db/outbox.h"
#include "common/rpc/rpc.h"

#define WARD_EVENT_DETAILS 12

/* A worker's context for events, a part of the service's own struct. Initialise the first two
 * members, and all others with zeros. */
struct ward_event_ctx {
    const char *service; /* such as "identity" */
    struct ward_db *db;  /* the worker's connection, which ward_event_failed uses */
    char span[56];       /* the call that `patient` belongs to */
    /* patient of the current call, for the event of a failed call; "" for none */
    char patient[37];
};

struct ward_event {
    struct ward_call *call;
    const struct ward_event_ctx *event_ctx;
    uint8_t event_id[16];
    char event_text[37]; /* event_id as a UUID, for answers */
    const char *patient; /* UUID text; "" for no patient */
    const char *place;   /* place of the action; "" unless the caller sets a place */
    int n;
    struct {
        const char *key, *value;
    } detail[WARD_EVENT_DETAILS];
};

/* Begins an event. From now on, the call concerns this patient (UUID text), even if the call
 * fails. NULL means an unknown patient or no patient. */
void ward_event_begin(struct ward_event *a, struct ward_call *call,
                      struct ward_event_ctx *event_ctx, const char *patient);
/* Creates another event of the same call, with its own id and the details of `first`, such as
 * for a search that showed several patients. If the call fails, its event names the patient of
 * `first`. */
void ward_event_another(const struct ward_event *first, const char *patient,
                        struct ward_event *out);
/* Adds a detail. More than WARD_EVENT_DETAILS details are a bug. Details are counts, codes and
 * ids, never text about a patient. */
void ward_event_note(struct ward_event *a, const char *key, const char *value);
void ward_event_note_num(struct ward_event *a, const char *key,
                         double value); /* formats the value with four decimals */
void ward_event_note_int(struct ward_event *a, const char *key, int64_t value);
/* Writes the event of a success. Call inside ward_db_tx. */
WARD_MUST enum ward_code ward_event_write(struct ward_event *a, struct ward_db *db,
                                          struct ward_err *err);
/* Packs the event of a success into the call's arena, for a writer that stores the events of
 * several calls in one transaction. The writer must set call->audited after the commit. */
WARD_MUST enum ward_code ward_event_pack(const struct ward_event *a,
                                         struct ward_outbox_item *out, struct ward_err *err);
/* Writes several events of one call in one round trip (in several above 8,192 events or 4 MiB).
 * Does nothing for n == 0. */
WARD_MUST enum ward_code ward_event_write_many(struct ward_event *events, size_t n,
                                               struct ward_db *db, struct ward_err *err);
/* Begins the event of an action that the service performs without a call. `own` is filled as a
 * substitute for the call and must outlive `a`. The event's actor is "" and its peer is the
 * service. */
void ward_event_by_service(struct ward_event *a, struct ward_call *own,
                           struct ward_event_ctx *event_ctx, struct ward_arena *mem,
                           const struct ward_method_info *what, const char *patient);
/* For ward_rpc_config.refused: writes the event of a call that failed with this code, in its
 * own transaction. */
void ward_event_failed(struct ward_call *call, struct ward_event_ctx *event_ctx,
                       enum ward_code code);

#endif
