/* names.h - the possible meanings of an entry of a chart's allergies, by code and by name.
 *
 * Threads: pure. Memory: the arena. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_CHECK_NAMES_H
#define DOSAGE_CHECK_NAMES_H

#include "services/dosage/check/set.h"

/* All names in an entry's codings and texts, repeated as they occur; *n 0: no name. A name
 * matches whole normalized words, or their plural with "s". A word ends where another script or
 * a digit begins. In scripts without spaces, a name matches any substring. */
WARD_MUST enum ward_code names_of(const struct prepared *p,
                                  const Ward__Dosage__V1__Allergy *allergy,
                                  struct ward_arena *mem, struct target **out, size_t *n,
                                  struct ward_err *err);

/* A name in a normalized text, at the bytes [from, to). */
struct name_at {
    struct target is;
    size_t from, to;
};
/* All names in a normalized text, repeated as they occur. */
WARD_MUST enum ward_code names_in(const struct prepared *p, const char *folded,
                                  struct ward_arena *mem, struct name_at **out, size_t *n,
                                  struct ward_err *err);
/* The meanings of a coding, found by its system and code. */
WARD_MUST enum ward_code names_by_code(const struct prepared *p,
                                       const Ward__Dosage__V1__Coding *c,
                                       struct ward_arena *mem, struct name_at **out, size_t *n,
                                       struct ward_err *err);

/* A word of a normalized text, and its position. Letters and digits form separate words. */
struct word_at {
    const char *text;
    size_t from, to;
    bool unspaced; /* the script has no spaces between words */
};
WARD_MUST enum ward_code names_words(const char *folded, struct ward_arena *mem,
                                     struct word_at **out, size_t *n, struct ward_err *err);

#endif
