/* allergy_read.h - an entry of a chart's allergies, read: what it names by code and by text,
 * what it denies, and what of it was not understood.
 *
 * The entry's own codings and text, and each reaction's substance, are read for themselves: one
 * that is understood does not hide another that is not.
 *
 * Threads: pure. Memory: the arena. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_CHECK_ALLERGY_READ_H
#define DOSAGE_CHECK_ALLERGY_READ_H

#include "services/dosage/check/names.h"

struct allergy_reading {
    struct target *is; /* what the patient is allergic to, as many times as it is named */
    size_t n;
    struct target *denied; /* what the entry says, and nothing else, that they are not */
    size_t n_denied;
    const char *said; /* with denied: the text */
    const char *left; /* "": all was understood; else the words that were not */
    bool none;        /* it says that no allergy to drugs is known, and nothing else */
    bool nothing;     /* it says nothing about drugs */
};
WARD_MUST enum ward_code allergy_read(const struct prepared *p,
                                      const Ward__Dosage__V1__Allergy *allergy,
                                      struct ward_arena *mem, struct allergy_reading *out,
                                      struct ward_err *err);

#endif
