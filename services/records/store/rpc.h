/* rpc.h - declarations that the handlers of Records share.
 *
 * Answers stored under an idempotency key contain the written versions without content, because
 * the tables of answers are unencrypted. A call with a repeated key reads the versions again.
 *
 * Threads: call from a worker's thread. Memory: the call's arena. Errors: those of the .proto.
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
    struct ward_event event; /* the audit event of this write */
    enum kind kind;
    struct write write;
    struct cleanings cleaned;
    const Ward__Records__V1__IdentifierQuery *if_none_exist; /* NULL: unconditional */
    uint8_t identifier[TOKEN_HASH];                          /* the hash of if_none_exist */
    const char *reason; /* set by MarkEnteredInError; otherwise NULL */
    uint8_t id[RECORDS_ID];
    Record *record; /* the answer */
    bool created;
};

/* Fills a job from its request: kind, resource, provenance. Makes all checks that need no
 * database. j->event was begun, and j->view is set. */
WARD_MUST enum ward_code job_create(struct job *j, const Ward__Records__V1__CreateRequest *q);
WARD_MUST enum ward_code job_update(struct job *j, const Ward__Records__V1__UpdateRequest *q);
WARD_MUST enum ward_code job_mark(struct job *j,
                                  const Ward__Records__V1__MarkEnteredInErrorRequest *q);
/* Inside the transaction: writes the resource and its event, and builds the record. */
WARD_MUST enum ward_code job_run(struct job *j, struct ward_err *err);
/* Converts the `kind` field of a request.   INVALID_ARGUMENT */
WARD_MUST enum ward_code rpc_kind(struct ward_call *c, int given, enum kind *out);
/* The patient of a resource, for the event of a call that may fail; NULL: unknown. */
const char *rpc_patient(struct ward_call *c, const Resource *res);
/* After a failure: makes the event about the resource's own patient, even if the request names
 * another patient. If the resource does not exist, the event has no patient. */
void rpc_blame(struct ward_call *c, const uint8_t id[RECORDS_ID]);
/* rpc_blame for an id as text. For an invalid id, the event has no patient. */
void rpc_blame_of(struct ward_call *c, const char *id);

/* rpc_keep selects the part of a record that is stored under an idempotency key. rpc_again
 * reads the record again. If the caller has lost access (a consent, another ward, an expired
 * grant), the record is the version without the resource.
 *   FAILED_PRECONDITION  PATIENT_ERASED */
WARD_MUST enum ward_code rpc_keep(struct ward_arena *mem, const Record *full, Record **out,
                                  struct ward_err *err);
WARD_MUST enum ward_code rpc_again(struct ward_call *c, const struct view *v,
                                   const struct ward_event *event, const Record *kept,
                                   Record **out, struct ward_err *err);

/* After chart_find for the resource of `v`: without access, clears the key of v. */
WARD_MUST enum ward_code rpc_unseen(enum ward_code found, struct version *v,
                                    struct ward_err *err);

/* mark.c: sets the status, and adds the reason as an extension. Pure except for the arena.
 *   INVALID_ARGUMENT  for a Patient */
WARD_MUST enum ward_code mark_wrong(struct ward_arena *mem, Resource *res, const char *reason,
                                    struct ward_err *err);

/* conditional.c: in the transaction: waits for concurrent calls, then finds the resource with
 * the identifier. *found is false if the caller may read no such resource.
 *   FAILED_PRECONDITION  SEVERAL_MATCH */
WARD_MUST enum ward_code conditional_find(struct job *j, struct version *out, bool *found,
                                          struct ward_err *err);
WARD_MUST enum ward_code conditional_end(struct job *j, struct ward_err *err);

/* leaf.c: asks audit for the leaf of a version's event. The leaf is not set if audit does not
 * have the event yet.
 *   UNAVAILABLE  AUDIT_AWAY */
WARD_MUST enum ward_code leaf_of(struct ward_call *c, Ward__Records__V1__Version *v);

#endif
