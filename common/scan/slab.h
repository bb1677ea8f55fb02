/* slab.h - things of one size with a number each: what is known of a row beside its codes, and
 * full-precision vectors that lie in memory.
 *
 * Pages of SCAN_PAGE things, made when the first of them is used and given back when the last
 * is dropped. A thing never moves. A dropped one is wiped.
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
void ward_scan_slab_close(struct scan_slab *s); /* wipes; NULL is fine */

/* The thing of this number, zeroed when it was not in use. */
WARD_MUST enum ward_code ward_scan_slab_use(struct scan_slab *s, uint32_t i, void **out,
                                            struct ward_err *err);
/* One not in use, and its number: a low one. */
WARD_MUST enum ward_code ward_scan_slab_take(struct scan_slab *s, uint32_t *i, void **out,
                                             struct ward_err *err);
void *ward_scan_slab_at(const struct scan_slab *s, uint32_t i); /* NULL: not in use */
void ward_scan_slab_drop(struct scan_slab *s, uint32_t i);      /* one not in use is fine */

uint32_t ward_scan_slab_end(const struct scan_slab *s); /* no number in use reaches this */
size_t ward_scan_slab_count(const struct scan_slab *s);
size_t ward_scan_slab_bytes(const struct scan_slab *s);

#endif
