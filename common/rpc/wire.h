/* wire.h - bytes from the network to messages, and failures to google.rpc.Status. Inside
 * common/rpc, and for the fuzzers.
 *
 * Threads: pure. Memory: the caller's arena or buffer. Errors: below.
 */
#ifndef WARD_RPC_WIRE_H
#define WARD_RPC_WIRE_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <protobuf-c/protobuf-c.h>

#define WARD_WIRE_DEPTH 32 /* nested messages */
/* Fields, repeated elements and unknown fields in all: of most messages, and of a peer's
 * answers and of services that take large sets of rules. */
#define WARD_WIRE_ELEMENTS       65536
#define WARD_WIRE_ELEMENTS_LARGE ((size_t)1 << 20)

/* Iterative, guided by the descriptor, before anything is allocated: depth, at most `elements`
 * elements, UTF-8 without NUL in strings, no groups, lengths inside their message.
 *   INVALID_ARGUMENT  WIRE_MALFORMED, WIRE_TOO_DEEP, WIRE_TOO_MANY, WIRE_BAD_UTF8 (reason);
 *                     the last also names the field */
WARD_MUST enum ward_code ward_wire_check(const ProtobufCMessageDescriptor *type,
                                         const uint8_t *p, size_t n, size_t elements,
                                         struct ward_err *err);

/* Checks for WARD_WIRE_ELEMENTS, then decodes into mem.
 *   INVALID_ARGUMENT    as above
 *   RESOURCE_EXHAUSTED  past the arena's cap (reason ARENA_FULL) */
WARD_MUST enum ward_code ward_wire_unpack(const ProtobufCMessageDescriptor *type,
                                          const uint8_t *p, size_t n, struct ward_arena *mem,
                                          ProtobufCMessage **out, struct ward_err *err);
/* ...for so many elements. */
WARD_MUST enum ward_code ward_wire_unpack_most(const ProtobufCMessageDescriptor *type,
                                               const uint8_t *p, size_t n, size_t elements,
                                               struct ward_arena *mem, ProtobufCMessage **out,
                                               struct ward_err *err);

/* Decodes what is known to be sound, such as descriptors we were built with, unchecked.
 *   INVALID_ARGUMENT  WIRE_MALFORMED (reason);  RESOURCE_EXHAUSTED  as above */
WARD_MUST enum ward_code ward_wire_decode(const ProtobufCMessageDescriptor *type,
                                          const uint8_t *p, size_t n, struct ward_arena *mem,
                                          ProtobufCMessage **out, struct ward_err *err);

/* True for UTF-8 (RFC 3629: no surrogates, no overlong forms) that holds no NUL. */
WARD_MUST bool ward_wire_utf8(const uint8_t *p, size_t n);

/* google.rpc.Status of a failure (ErrorInfo always, with domain "ward"; BadRequest where
 * err->field is set; RetryInfo where retry_after_ms is): the value of grpc-status-details-bin.
 * Returns its length, at most cap. */
#define WARD_DETAILS_MAX 1024
size_t ward_details_pack(const struct ward_err *err, uint8_t *out, size_t cap);
/* The client's side: fills field, reason and retry_after_ms of err. Ignores what it cannot
 * read. */
void ward_details_read(const uint8_t *p, size_t n, struct ward_err *err);

#endif
