/* import_ids.h - converts ids and references of a source.
 *
 * A UUID is unchanged. Any other id becomes a UUID that is a keyed hash of source, kind and id:
 * equal whenever the source uses it, in any order, on any replica, without stored state.
 * References are rewritten only if the id that they name was converted.
 *
 * Threads: any. Memory: the arena. Errors: RESOURCE_EXHAUSTED; keyring.h's.
 */
#ifndef RECORDS_EXCHANGE_IMPORT_IDS_H
#define RECORDS_EXCHANGE_IMPORT_IDS_H

#include "services/records/records.h"

struct id_source {
    struct ward_keyring *keys;
    const char *source;
    const char *full_url; /* of the entry; "" for none */
    const char *place;    /* identifies an entry without any id; "" gives a random id */
};
/* The converted id of a resource. kind: "Patient"; id: "" for none. */
WARD_MUST enum ward_code import_id_of(const struct id_source *s, struct ward_arena *mem,
                                      const char *kind, const char *id, char **out,
                                      struct ward_err *err);
WARD_MUST enum ward_code import_ids(const struct id_source *s, struct ward_arena *mem,
                                    Resource *res, struct ward_err *err);

#endif
