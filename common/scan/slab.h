/* slab.h - numbered items of one size, for a row's further data and for full-precision vectors
 * in memory.
 *
 * A page has SCAN_PAGE items. A page is allocated with its first item and freed with its last.
 * An item never moves. A dropped item is wiped.
 *
 * Threads: the caller locks. Memory: its own. Errors: RESOURCE_EXHAUSTED, and nothing changed.
 */
#ifndef WARD_SCAN_SLAB_H
#define WARD_SCAN_SLAB_H

#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define SCAN_PAGE 128

struct scan_slab;
WARD_MUST enum ward_code ward_scan_slab_open(size_t size, struct scan_slab **out,
                                             struct ward_err *err);
void ward_scan_slab_close(struct scan_slab *s); /* wipes; accepts NULL */

/* Returns the item with this number, zeroed if it was not in use. */
WARD_MUST enum ward_code ward_scan_slab_use(struct scan_slab *s, uint32_t i, void **out,
                                            struct ward_err *err);
/* Returns an unused item and its number, a low one. */
WARD_MUST enum ward_code ward_scan_slab_take(struct scan_slab *s, uint32_t *i, void **out,
                                             struct ward_err *err);
void *ward_scan_slab_at(const struct scan_slab *s, uint32_t i); /* NULL: not in use */
void ward_scan_slab_drop(struct scan_slab *s, uint32_t i); /* an unused number is permitted */

uint32_t ward_scan_slab_end(const struct scan_slab *s); /* all numbers in use are below this */
size_t ward_scan_slab_count(const struct scan_slab *s);
size_t ward_scan_slab_bytes(const struct scan_slab *s);

#endif
