/* idmap.h - maps a 16-byte id to a number, to find a subject's row among a million.
 *
 * Open addressing with linear probing. A removal moves later entries back, so no markers for
 * removed entries are needed. A place takes 24 bytes, and at most four fifths of the places are
 * used.
 *
 * Threads: the caller locks. Memory: its own. Errors: RESOURCE_EXHAUSTED, and nothing changed.
 */
#ifndef WARD_SCAN_IDMAP_H
#define WARD_SCAN_IDMAP_H

#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define SCAN_ID 16

struct scan_idmap;
WARD_MUST enum ward_code ward_scan_idmap_open(struct scan_idmap **out, struct ward_err *err);
void ward_scan_idmap_close(struct scan_idmap *m); /* wipes; accepts NULL */

/* Adds or replaces an entry. Any value but UINT64_MAX. */
WARD_MUST enum ward_code ward_scan_idmap_put(struct scan_idmap *m, const uint8_t id[SCAN_ID],
                                             uint64_t value, struct ward_err *err);
bool ward_scan_idmap_get(const struct scan_idmap *m, const uint8_t id[SCAN_ID],
                         uint64_t *value);
bool ward_scan_idmap_remove(struct scan_idmap *m,
                            const uint8_t id[SCAN_ID]); /* returns whether the entry existed */

/* Iterates over all entries, in no order: *at is 0 at first. The map must not change during the
 * iteration. */
bool ward_scan_idmap_next(const struct scan_idmap *m, size_t *at, uint8_t id[SCAN_ID],
                          uint64_t *value);
size_t ward_scan_idmap_count(const struct scan_idmap *m);
size_t ward_scan_idmap_bytes(const struct scan_idmap *m);

#endif
