/* names.h - what an entry of a chart's allergies can be known to be, by code and by name.
 *
 * Threads: pure. Memory: the arena. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_CHECK_NAMES_H
#define DOSAGE_CHECK_NAMES_H

#include "services/dosage/check/set.h"

/* All that its codings and texts name, as many times as they name it; *n 0: nothing. Whole
 * words only, folded, or an "s" more; a word ends where another script or digits begin. Of
 * scripts that put no space between words, any part. */
WARD_MUST enum ward_code names_of(const struct prepared *p,
                                  const Ward__Dosage__V1__Allergy *allergy,
                                  struct ward_arena *mem, struct target **out, size_t *n,
                                  struct ward_err *err);

#endif
