/* clean_walk.h - every message within a resource, by the compiled .proto.
 *
 * Threads: pure functions. Memory: the caller's; a path lives until the callback returns.
 * Errors: the callback's, which end the walk.
 */
#ifndef RECORDS_EXCHANGE_CLEAN_WALK_H
#define RECORDS_EXCHANGE_CLEAN_WALK_H

#include "services/records/records.h"

#define WALK_PATH 256 /* bytes of a path; what is longer is cut */

/* path: as in errors, "Observation.component[1].valueQuantity". `into` false: what is inside is
 * not walked. */
typedef enum ward_code walk_fn(void *arg, const char *path, ProtobufCMessage *m, bool *into,
                               struct ward_err *err);
/* Outermost first: the resource itself ("Observation") before its parts. */
WARD_MUST enum ward_code walk_messages(Resource *res, walk_fn *fn, void *arg,
                                       struct ward_err *err);
/* Whether a field is set, and of a repeated one how often; of a oneof: whether it is the one.
 */
size_t walk_count(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);
/* The i-th submessage of a message field that is set so often. */
ProtobufCMessage *walk_sub(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                           size_t i);
/* "value_quantity" to "valueQuantity"; out takes the name's length and 1. */
void walk_camel(const char *name, char *out);

#endif
