/* clean_walk.h - visits every message within a resource, by the compiled .proto.
 *
 * Threads: pure functions. Memory: the caller's; a path lives until the callback returns.
 * Errors: the callback's, which end the walk.
 */
#ifndef RECORDS_EXCHANGE_CLEAN_WALK_H
#define RECORDS_EXCHANGE_CLEAN_WALK_H

#include "services/records/records.h"

#define WALK_PATH 256 /* maximum bytes of a path; a longer one is truncated */

/* path: as in errors, "Observation.component[1].valueQuantity". `into` false: its content is
 * not visited. */
typedef enum ward_code walk_fn(void *arg, const char *path, ProtobufCMessage *m, bool *into,
                               struct ward_err *err);
/* Outermost first: the resource itself ("Observation") before its parts. */
WARD_MUST enum ward_code walk_messages(Resource *res, walk_fn *fn, void *arg,
                                       struct ward_err *err);
/* Whether a field is set, and the count of a repeated one; for a oneof: whether it is the
 * selected one.
 */
size_t walk_count(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);
/* The i-th submessage of a message field with this count. */
ProtobufCMessage *walk_sub(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                           size_t i);
/* "value_quantity" to "valueQuantity"; out needs the name's length plus 1. */
void walk_camel(const char *name, char *out);

#endif
