/* wire.h - conversion between the messages of audit.proto and the log, shared by the api_*.c
 * files.
 *
 * Threads: each call uses its own objects. Memory: the call's arena. Errors: those of
 * append.h. */
#ifndef AUDIT_WIRE_H
#define AUDIT_WIRE_H

#include "services/audit/append.h"
#include "services/audit/service.h"

#include "common/rpc/rpc.h"
#include "ward/audit/v1/audit.pb-c.h"

typedef Ward__Audit__V1__Event Event;

/* The state of a worker, which c->wrk points to. */
struct audit_worker {
    struct audit *a;
    struct ward_db *db;
    struct ward_arena mem; /* the arena that contains this struct */
};

/* Views a message as an event; strings still belong to the message. RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code event_of(const Event *msg, struct ward_arena *mem,
                                  struct audit_event *out, struct ward_err *err);
/* Decodes a serialized event.
 *   INVALID_ARGUMENT  the bytes are not an event */
WARD_MUST enum ward_code event_read(const void *p, size_t n, struct ward_arena *mem,
                                    Event **out, struct ward_err *err);

/* Reads and checks received events for log_append. Errors: those of audit_event_check, and
 *   INVALID_ARGUMENT  an event is larger than AUDIT_EVENT_MAX */
WARD_MUST enum ward_code event_admit(const Event *msg, const void *bytes, size_t n,
                                     const char *sender, struct ward_arena *mem,
                                     struct audit_raw *out, struct ward_err *err);

/* ---- own.c: the log's own events ---- */

#define OWN_DETAILS 12
struct own {
    const char *action;
    /* a value of enum Outcome */
    int outcome;
    const char *code, *actor, *peer, *patient, *purpose, *place, *trace_id; /* NULL means "" */
    const uint8_t *event_id; /* NULL: create a new id */
    struct audit_pair detail[OWN_DETAILS];
    size_t n_detail;
};
/* Fills in the caller and the action, which is the method's path. */
struct own own_of(const struct ward_call *c);
/* key and value are not copied */
void own_detail(struct own *o, const char *key, const char *value);

/* Builds an event about audit itself. If a caller's text breaks a rule of event.proto, its hash
 * replaces the text, so that no event is lost. */
WARD_MUST enum ward_code own_build(const struct own *o, struct ward_arena *mem,
                                   struct audit_raw *out, struct ward_err *err);
/* Appends an event about audit itself, and returns after its commit. Sets *index, unless index
 * is NULL. */
WARD_MUST enum ward_code own_append(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                                    const struct own *o, int64_t deadline_ns,
                                    const struct audit_op *op, uint64_t *index,
                                    struct ward_err *err);
/* Appends the event of a served call, and marks the call as audited. */
WARD_MUST enum ward_code own_call(struct ward_call *c, const struct own *o,
                                  const struct audit_op *op);

/* ---- api_*.c ---- */

/* Returns this call's worker, with its database connection limited by the call's deadline. */
struct audit_worker *audit_serve(struct ward_call *c);

WARD_MUST enum ward_code record_of(const struct audit_entry *e, struct ward_arena *mem,
                                   Ward__Audit__V1__Record *out, struct ward_err *err);
WARD_MUST enum ward_code entry_of(const struct audit_entry *e, bool content,
                                  struct ward_arena *mem, Ward__Audit__V1__Entry *out,
                                  struct ward_err *err);
WARD_MUST enum ward_code key_of(struct audit *a, unsigned number, struct ward_arena *mem,
                                Ward__Audit__V1__SigningKey *out, struct ward_err *err);
/* Lists all signing keys, oldest first. */
WARD_MUST enum ward_code keys_of(struct audit *a, struct ward_arena *mem,
                                 Ward__Audit__V1__SigningKey ***out, size_t *n,
                                 struct ward_err *err);
/* Allocates n messages, each initialised as `init`, and an array of their addresses for
 * protobuf-c's repeated fields. Returns NULL if the arena is full. */
void *audit_list(struct ward_arena *mem, size_t size, size_t n, const void *init);

enum ward_code audit_append_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r);
enum ward_code audit_query_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r);
enum ward_code audit_query_patient_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                       ProtobufCMessage *r);
enum ward_code audit_receipt_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r);
enum ward_code audit_checkpoint_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r);
enum ward_code audit_inclusion_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r);
enum ward_code audit_consistency_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                     ProtobufCMessage *r);
enum ward_code audit_keys_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r);
enum ward_code audit_rotate_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r);
enum ward_code audit_erase_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r);
enum ward_code audit_tail_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r);
enum ward_code audit_export_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r);

#endif
