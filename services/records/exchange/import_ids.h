/* import_ids.h - ids and references of a source, put to ours.
 *
 * A UUID is kept. Any other id becomes a UUID that is a keyed hash of source, kind and id: the
 * same one whenever the source names it, in any order, on any replica, with nothing to
 * remember. References are written anew only where the id they name was.
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
    const char *place;    /* which entry: for one without any id; "" makes it a random one */
};
/* What the id of a resource becomes. kind: "Patient"; id: "" for none. */
WARD_MUST enum ward_code import_id_of(const struct id_source *s, struct ward_arena *mem,
                                      const char *kind, const char *id, char **out,
                                      struct ward_err *err);
WARD_MUST enum ward_code import_ids(const struct id_source *s, struct ward_arena *mem,
                                    Resource *res, struct ward_err *err);

#endif
