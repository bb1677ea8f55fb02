/* synonyms.h - tables of hospitals' spellings of units, for ward_ucum_normalise in ucum.h.
 *
 * Threads: constant. Memory: static. Errors: NULL for a spelling without a row.
 */
#ifndef WARD_MEASURE_SYNONYMS_H
#define WARD_MEASURE_SYNONYMS_H

#include <stdbool.h>
#include <stddef.h>

const char *ward_ucum_whole(const char *s, size_t n); /* of a whole unit: "bpm" */
const char *ward_ucum_word(const char *s, size_t n);  /* of a part between '/' and '.': "mcg" */
/* Returns the ASCII for the character at the start of s: "µ"; *used is its number of bytes. */
const char *ward_ucum_mark(const char *s, size_t n, size_t *used);
/* Returns whether a text that does not claim to be UCUM can be read as this UCUM code: "mg",
 * not "Mg". */
bool ward_ucum_plain(const char *s, size_t n);
/* Returns the spelling of each row, for tests; NULL after the last. */
const char *ward_ucum_synonym(size_t i, const char **to);

#endif
