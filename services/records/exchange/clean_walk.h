/* clean_walk.h - visits every message within a resource, by the compiled .proto.
 *
 * Threads: pure functions. Memory: the caller's; a path is valid until the callback returns.
 * Errors: an error of the callback ends the walk and is returned.
 */
#ifndef RECORDS_EXCHANGE_CLEAN_WALK_H
#define RECORDS_EXCHANGE_CLEAN_WALK_H

#include "services/records/records.h"

#define WALK_PATH 256 /* maximum bytes of a path; a longer one is truncated */

/* path: in the form used by errors, "Observation.component[1].valueQuantity". The callback sets
 * *into to false to skip the message's content. */
typedef enum ward_code walk_fn(void *arg, const char *path, ProtobufCMessage *m, bool *into,
                               struct ward_err *err);
/* Visits the resource itself ("Observation"), and then its parts. */
WARD_MUST enum ward_code walk_messages(Resource *res, walk_fn *fn, void *arg,
                                       struct ward_err *err);
/* Returns the count of a repeated field; for other fields, 1 if the field is set, and 0
 * otherwise. A member of a oneof is set if it is the selected member.
 */
size_t walk_count(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);
/* Returns the i-th submessage of a message field. */
ProtobufCMessage *walk_sub(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                           size_t i);
/* Converts "value_quantity" to "valueQuantity". out has room for the name's length plus 1. */
void walk_camel(const char *name, char *out);

#endif
