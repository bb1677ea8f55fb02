/* idmap.h - from a 16-byte id to a number: what finds a subject's row among a million.
 *
 * Open addressing with linear probing; a removal moves back what follows, so there are no
 * graves. 24 bytes a place, at most four fifths of the places taken.
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
void ward_scan_idmap_close(struct scan_idmap *m); /* wipes; NULL is fine */

/* Adds or replaces. Any value but UINT64_MAX. */
WARD_MUST enum ward_code ward_scan_idmap_put(struct scan_idmap *m, const uint8_t id[SCAN_ID],
                                             uint64_t value, struct ward_err *err);
bool ward_scan_idmap_get(const struct scan_idmap *m, const uint8_t id[SCAN_ID],
                         uint64_t *value);
bool ward_scan_idmap_remove(struct scan_idmap *m,
                            const uint8_t id[SCAN_ID]); /* was it there? */

/* Every one, in no order: *at is 0 at first. Nothing may be put or removed in between. */
bool ward_scan_idmap_next(const struct scan_idmap *m, size_t *at, uint8_t id[SCAN_ID],
                          uint64_t *value);
size_t ward_scan_idmap_count(const struct scan_idmap *m);
size_t ward_scan_idmap_bytes(const struct scan_idmap *m);

#endif
