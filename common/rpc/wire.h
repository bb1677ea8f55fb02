/* wire.h - converts bytes from the network to messages, and failures to google.rpc.Status.
 * Inside common/rpc, and for the fuzzers.
 *
 * Threads: pure. Memory: the caller's arena or buffer. Errors: see each function.
 */
#ifndef WARD_RPC_WIRE_H
#define WARD_RPC_WIRE_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <protobuf-c/protobuf-c.h>

#define WARD_WIRE_DEPTH 32 /* limit of nested messages */
/* Limits of fields, repeated elements and unknown fields together: for most messages; LARGE for
 * a peer's replies and for services that receive large sets of rules. */
#define WARD_WIRE_ELEMENTS       65536
#define WARD_WIRE_ELEMENTS_LARGE ((size_t)1 << 20)

/* Checks a message by its descriptor, without recursion and before allocating: depth, at most
 * `elements` elements, UTF-8 without NUL in strings, no groups, lengths inside their message.
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
/* Like ward_wire_unpack, but for at most `elements` elements. */
WARD_MUST enum ward_code ward_wire_unpack_most(const ProtobufCMessageDescriptor *type,
                                               const uint8_t *p, size_t n, size_t elements,
                                               struct ward_arena *mem, ProtobufCMessage **out,
                                               struct ward_err *err);

/* Decodes trusted bytes without a check, such as embedded descriptors.
 *   INVALID_ARGUMENT    WIRE_MALFORMED (reason)
 *   RESOURCE_EXHAUSTED  past the arena's cap (reason ARENA_FULL) */
WARD_MUST enum ward_code ward_wire_decode(const ProtobufCMessageDescriptor *type,
                                          const uint8_t *p, size_t n, struct ward_arena *mem,
                                          ProtobufCMessage **out, struct ward_err *err);

/* Returns true for UTF-8 (RFC 3629: no surrogates, no overlong forms) without NUL. */
WARD_MUST bool ward_wire_utf8(const uint8_t *p, size_t n);

/* Writes a failure as google.rpc.Status, the value of grpc-status-details-bin. The status
 * contains ErrorInfo with domain "ward", BadRequest if err->field is set, and RetryInfo if
 * retry_after_ms is set. Returns the length, at most cap. */
#define WARD_DETAILS_MAX 1024
size_t ward_details_pack(const struct ward_err *err, uint8_t *out, size_t cap);
/* For clients: fills field, reason and retry_after_ms of err. Ignores malformed details. */
void ward_details_read(const uint8_t *p, size_t n, struct ward_err *err);

#endif
