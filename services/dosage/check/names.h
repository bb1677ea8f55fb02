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

/* A name in a folded text: its bytes [from, to). */
struct name_at {
    struct target is;
    size_t from, to;
};
/* All names in a folded text, as often as they stand there. */
WARD_MUST enum ward_code names_in(const struct prepared *p, const char *folded,
                                  struct ward_arena *mem, struct name_at **out, size_t *n,
                                  struct ward_err *err);
/* What a coding is by its system and code. */
WARD_MUST enum ward_code names_by_code(const struct prepared *p,
                                       const Ward__Dosage__V1__Coding *c,
                                       struct ward_arena *mem, struct name_at **out, size_t *n,
                                       struct ward_err *err);

/* A word of a folded text, and where it stands. Letters and digits are words of their own. */
struct word_at {
    const char *text;
    size_t from, to;
    bool unspaced; /* of a script that puts no space between words */
};
WARD_MUST enum ward_code names_words(const char *folded, struct ward_arena *mem,
                                     struct word_at **out, size_t *n, struct ward_err *err);

#endif
