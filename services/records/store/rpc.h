/* rpc.h - declarations that the handlers of Records share.
 *
 * Answers stored under an idempotency key contain the written versions and not their content,
 * because those tables are unencrypted. A repeated key reads the versions again.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: the .proto's.
 */
#ifndef RECORDS_STORE_RPC_H
#define RECORDS_STORE_RPC_H

#include "services/records/api.h"
#include "services/records/exchange/clean.h"

typedef Ward__Records__V1__Record Record;
typedef Ward__Records__V1__Provenance Provenance;

#define REASON_URL                                                                             \
    "http://ward/entered-in-error-reason" /* records.proto, MarkEnteredInError                 \
                                           */
#define REASON_MAX 500

/* One write of a call: Create, Update, MarkEnteredInError, or an entry of a Batch. */
struct job {
    struct ward_call *call;
    struct view view;
    struct ward_event event; /* its own event */
    enum kind kind;
    struct write write;
    struct cleanings cleaned;
    const Ward__Records__V1__IdentifierQuery *if_none_exist; /* NULL: none */
    uint8_t identifier[TOKEN_HASH];                          /* its hash */
    const char *reason; /* for MarkEnteredInError; NULL: another write */
    uint8_t id[RECORDS_ID];
    Record *record; /* the answer */
    bool created;
};

/* Fills a job from its request: kind, resource, provenance; all checks without the database.
 * The event is begun, and the view is the caller's. */
WARD_MUST enum ward_code job_create(struct job *j, const Ward__Records__V1__CreateRequest *q);
WARD_MUST enum ward_code job_update(struct job *j, const Ward__Records__V1__UpdateRequest *q);
WARD_MUST enum ward_code job_mark(struct job *j,
                                  const Ward__Records__V1__MarkEnteredInErrorRequest *q);
/* In the transaction: writes it, with its event, and builds the record. */
WARD_MUST enum ward_code job_run(struct job *j, struct ward_err *err);
/* The kind of a resource in a request, or of its `kind` field.   INVALID_ARGUMENT */
WARD_MUST enum ward_code rpc_kind(struct ward_call *c, int given, enum kind *out);
/* The patient of a resource, for the event of a call that may fail; NULL: unknown. */
const char *rpc_patient(struct ward_call *c, const Resource *res);
/* After a failure for an existing or nonexistent resource: its event is about the resource's
 * own patient, whatever patient the request names; about nobody if the resource does not
 * exist. */
void rpc_blame(struct ward_call *c, const uint8_t id[RECORDS_ID]);
/* The same for an id's text; for an invalid id, nobody. */
void rpc_blame_of(struct ward_call *c, const char *id);

/* The stored part of a record; and the record read again: if the caller may no longer read it
 * (a consent, another ward, an expired grant), the version without the resource.
 *   FAILED_PRECONDITION  PATIENT_ERASED */
WARD_MUST enum ward_code rpc_keep(struct ward_arena *mem, const Record *full, Record **out,
                                  struct ward_err *err);
WARD_MUST enum ward_code rpc_again(struct ward_call *c, const struct view *v,
                                   const struct ward_event *event, const Record *kept,
                                   Record **out, struct ward_err *err);

/* After chart_find of the resource of the version `v`: without access, v loses its key. */
WARD_MUST enum ward_code rpc_unseen(enum ward_code found, struct version *v,
                                    struct ward_err *err);

/* mark.c: sets the status, keeps the reason. Pure except for the arena.
 *   INVALID_ARGUMENT  for a Patient */
WARD_MUST enum ward_code mark_wrong(struct ward_arena *mem, Resource *res, const char *reason,
                                    struct ward_err *err);

/* conditional.c: in the transaction: waits for concurrent calls, then finds the patient with
 * the identifier. *found false: none that the caller may read.   FAILED_PRECONDITION
 * SEVERAL_MATCH */
WARD_MUST enum ward_code conditional_find(struct job *j, struct version *out, bool *found,
                                          struct ward_err *err);
WARD_MUST enum ward_code conditional_end(struct job *j, struct ward_err *err);

/* leaf.c: the leaf of a version in the audit log, from audit itself. A version that audit does
 * not have yet has none.   UNAVAILABLE  AUDIT_AWAY */
WARD_MUST enum ward_code leaf_of(struct ward_call *c, Ward__Records__V1__Version *v);

#endif
