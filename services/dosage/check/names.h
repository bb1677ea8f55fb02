/* names.h - the possible meanings of an entry of a chart's allergies, by code and by name.
 *
 * Threads: pure. Memory: the arena. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_CHECK_NAMES_H
#define DOSAGE_CHECK_NAMES_H

#include "services/dosage/check/set.h"

/* All names in its codings and texts, as often as they occur; *n 0: none. Only whole normalized
 * words, or their plural with "s"; a word ends where another script or a digit begins. In
 * scripts without spaces, any substring matches. */
WARD_MUST enum ward_code names_of(const struct prepared *p,
                                  const Ward__Dosage__V1__Allergy *allergy,
                                  struct ward_arena *mem, struct target **out, size_t *n,
                                  struct ward_err *err);

/* A name in a normalized text: its bytes [from, to). */
struct name_at {
    struct target is;
    size_t from, to;
};
/* All names in a normalized text, as often as they occur. */
WARD_MUST enum ward_code names_in(const struct prepared *p, const char *folded,
                                  struct ward_arena *mem, struct name_at **out, size_t *n,
                                  struct ward_err *err);
/* The meaning of a coding by its system and code. */
WARD_MUST enum ward_code names_by_code(const struct prepared *p,
                                       const Ward__Dosage__V1__Coding *c,
                                       struct ward_arena *mem, struct name_at **out, size_t *n,
                                       struct ward_err *err);

/* A word of a normalized text, and its position. Letters and digits form separate words. */
struct word_at {
    const char *text;
    size_t from, to;
    bool unspaced; /* in a script without spaces between words */
};
WARD_MUST enum ward_code names_words(const char *folded, struct ward_arena *mem,
                                     struct word_at **out, size_t *n, struct ward_err *err);

#endif
