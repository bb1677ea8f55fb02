/* handler.h - what handlers of every service do the same way: ids, keys, pages, and answers
 * that are kept under an idempotency key.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: into c->err, or *err inside a
 * transaction; fields at fault are named.
 */
#ifndef WARD_HANDLER_HANDLER_H
#define WARD_HANDLER_HANDLER_H

#include "common/db/outbox.h"
#include "common/rpc/rpc.h"

/* INVALID_ARGUMENT (field `field`) unless a UUID; *text (NULL: not wanted) is its usual form.
 */
WARD_MUST enum ward_code ward_call_id(struct ward_call *c, const char *field, const char *given,
                                      uint8_t id[16], char text[37]);
/* The usual form of an id, in the arena. */
WARD_MUST enum ward_code ward_call_uuid(struct ward_call *c, const uint8_t id[16], char **out);
WARD_MUST enum ward_code ward_call_copy(struct ward_call *c, const char *s, char **out);
/* page_size: 0 means `usual`; INVALID_ARGUMENT unless 0..most. */
WARD_MUST enum ward_code ward_call_page(struct ward_call *c, int32_t given, int usual, int most,
                                        int *out);

/* Readies an idempotency key of 1 to 128 bytes: this person's, by way of this service, for this
 * very request, byte for byte.   INVALID_ARGUMENT */
WARD_MUST enum ward_code ward_call_idem(struct ward_call *c, const char *key,
                                        const ProtobufCMessage *req, struct ward_idem *out);
/* In the transaction, first: *answer is the kept one, unpacked, or NULL: it is new. */
WARD_MUST enum ward_code ward_call_stored_answer(struct ward_call *c, struct ward_db *db,
                                                 const struct ward_idem *i,
                                                 const ProtobufCMessageDescriptor *type,
                                                 ProtobufCMessage **answer,
                                                 struct ward_err *err);
/* In the transaction, last. */
WARD_MUST enum ward_code ward_call_store_answer(struct ward_call *c, struct ward_db *db,
                                                const struct ward_idem *i,
                                                const ProtobufCMessage *resp,
                                                struct ward_err *err);

#endif
