/* handler.h - common parts of handlers: ids, idempotency keys, pages, and answers stored under
 * an idempotency key.
 *
 * Threads: the worker's thread. Memory: the call's arena. Errors: in c->err, or in *err inside
 * a transaction; the error names the field.
 */
#ifndef WARD_HANDLER_HANDLER_H
#define WARD_HANDLER_HANDLER_H

#include "common/db/outbox.h"
#include "common/rpc/rpc.h"

/* Parses a UUID. INVALID_ARGUMENT (with `field`) for other texts. *text (may be NULL) receives
 * the canonical form. */
WARD_MUST enum ward_code ward_call_id(struct ward_call *c, const char *field, const char *given,
                                      uint8_t id[16], char text[37]);
/* Writes the canonical form of an id to the arena. */
WARD_MUST enum ward_code ward_call_uuid(struct ward_call *c, const uint8_t id[16], char **out);
WARD_MUST enum ward_code ward_call_copy(struct ward_call *c, const char *s, char **out);
/* Checks page_size: 0 means `usual`; INVALID_ARGUMENT unless 0..most. */
WARD_MUST enum ward_code ward_call_page(struct ward_call *c, int32_t given, int usual, int most,
                                        int *out);

/* Prepares an idempotency key of 1 to 128 bytes. The key belongs to this person and this
 * service, and to the exact bytes of this request.   INVALID_ARGUMENT
 */
WARD_MUST enum ward_code ward_call_idem(struct ward_call *c, const char *key,
                                        const ProtobufCMessage *req, struct ward_idem *out);
/* Call first in the transaction: *answer is the stored answer, unpacked, or NULL for a new key.
 */
WARD_MUST enum ward_code ward_call_stored_answer(struct ward_call *c, struct ward_db *db,
                                                 const struct ward_idem *i,
                                                 const ProtobufCMessageDescriptor *type,
                                                 ProtobufCMessage **answer,
                                                 struct ward_err *err);
/* Stores the answer. Call last in the transaction. */
WARD_MUST enum ward_code ward_call_store_answer(struct ward_call *c, struct ward_db *db,
                                                const struct ward_idem *i,
                                                const ProtobufCMessage *resp,
                                                struct ward_err *err);

#endif
