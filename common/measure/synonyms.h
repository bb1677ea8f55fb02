/* synonyms.h - the tables of what hospitals write for a unit; ucum.h's ward_ucum_normalise uses
 * them.
 *
 * Threads: constant. Memory: static. Errors: NULL for what is not in a table.
 */
#ifndef WARD_MEASURE_SYNONYMS_H
#define WARD_MEASURE_SYNONYMS_H

#include <stdbool.h>
#include <stddef.h>

const char *ward_ucum_whole(const char *s, size_t n); /* of a unit as a whole: "bpm" */
const char *ward_ucum_word(const char *s, size_t n);  /* of a part between '/' and '.': "mcg" */
/* Of the character that s begins with: "µ"; *used says how many bytes it has. */
const char *ward_ucum_mark(const char *s, size_t n, size_t *used);
/* Whether a UCUM code is taken to be meant by who did not say that it is one: "mg", not "Mg".
 */
bool ward_ucum_plain(const char *s, size_t n);
/* Every row, for tests: what it is written like, or NULL past the last. */
const char *ward_ucum_synonym(size_t i, const char **to);

#endif
