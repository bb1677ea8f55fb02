/* unicode.h - normalizes texts, so that a search finds names in any spelling.
 *
 * Only this folder includes libunistring. A folded text has no case, no compatibility forms
 * (full-width letters, ligatures), and no marks on its letters: "Müller", "MULLER" and
 * "Ｍuller" are equal. Letters of different scripts stay different. Folding a folded text
 * changes nothing.
 *
 * Threads: pure functions. Memory: the arena. Errors: RESOURCE_EXHAUSTED; INVALID_ARGUMENT
 * (WIRE_BAD_UTF8) for text that is not UTF-8.
 */
#ifndef WARD_UNICODE_UNICODE_H
#define WARD_UNICODE_UNICODE_H

#include "common/base/arena.h"
#include "common/base/status.h"

/* Case folded, NFKD, without marks (Mn, Me). */
WARD_MUST enum ward_code ward_fold(struct ward_arena *mem, const char *utf8, char **out,
                                   struct ward_err *err);
/* Returns the words of a folded text. A word consists of letters, digits and marks:
 * "o'brien-smith" has three words, "王小明" one. */
WARD_MUST enum ward_code ward_words(struct ward_arena *mem, const char *folded, char ***out,
                                    size_t *n, struct ward_err *err);
/* Returns the length in bytes of the first `points` code points, or of the whole text if it is
 * shorter. */
size_t ward_first_points(const char *utf8, size_t points);

#endif
