/* allergy_read.h - interprets an entry of a chart's allergies: allergens by code and by text,
 * denied allergens, and uninterpreted text.
 *
 * The entry's own codings and text, and each reaction's substance, are interpreted separately,
 * so that an interpreted part does not hide an uninterpreted part.
 *
 * Threads: pure. Memory: the arena. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_CHECK_ALLERGY_READ_H
#define DOSAGE_CHECK_ALLERGY_READ_H

#include "services/dosage/check/names.h"

struct allergy_reading {
    struct target *is; /* the allergens; an allergen may occur several times */
    size_t n;
    struct target *denied; /* allergens that the entry only denies */
    size_t n_denied;
    const char *said; /* the text of the denial, if `denied` is not empty */
    const char *left; /* the uninterpreted words; "": everything was interpreted */
    bool none;        /* the entry only denies all drug allergies */
    bool nothing;     /* the entry is not about drugs */
};
WARD_MUST enum ward_code allergy_read(const struct prepared *p,
                                      const Ward__Dosage__V1__Allergy *allergy,
                                      struct ward_arena *mem, struct allergy_reading *out,
                                      struct ward_err *err);

#endif
