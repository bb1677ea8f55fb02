/* import_ids.h - converts ids and references of a source.
 *
 * A UUID is unchanged. Any other id becomes a UUID that is a keyed hash of source, kind and id.
 * The UUID of an id is always the same, on any replica, without stored state. A reference is
 * rewritten only if the named id was converted.
 *
 * Threads: any thread. Memory: the arena. Errors: RESOURCE_EXHAUSTED; those of keyring.h.
 */
#ifndef RECORDS_EXCHANGE_IMPORT_IDS_H
#define RECORDS_EXCHANGE_IMPORT_IDS_H

#include "services/records/records.h"

struct id_source {
    struct ward_keyring *keys;
    const char *source;
    const char *full_url; /* the entry's fullUrl; "" for none */
    const char *place;    /* identifies an entry without an id; "": the id is random */
};
/* Converts the id of a resource. kind: for example "Patient"; id: "" for none. */
WARD_MUST enum ward_code import_id_of(const struct id_source *s, struct ward_arena *mem,
                                      const char *kind, const char *id, char **out,
                                      struct ward_err *err);
WARD_MUST enum ward_code import_ids(const struct id_source *s, struct ward_arena *mem,
                                    Resource *res, struct ward_err *err);

#endif
