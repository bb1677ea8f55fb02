/* identifiers.h - wristbands and second identifiers, as keyed hashes.
 *
 * The wristband's barcode is hashed unchanged and without its subject, so that each hash is
 * unique among subjects. A second identifier is normalized first (case, blanks, punctuation).
 * It is hashed with its type and its subject, so that equal birth dates do not appear as equal
 * rows.
 *
 * Threads: each worker uses its own call. Memory: the call's arena. Errors: those in the
 * .proto. */
#ifndef IDENTITY_TOKEN_IDENTIFIERS_H
#define IDENTITY_TOKEN_IDENTIFIERS_H

#include "services/identity/api.h"
#include "services/identity/subject/rows.h"

#define WRISTBAND_LEAST   4
#define SECOND_TYPE_MOST  32
#define SECOND_VALUE_MOST 64

/* INVALID_ARGUMENT unless the wristband has 4 to 64 visible ASCII characters. */
WARD_MUST enum ward_code wristband_check(struct ward_call *c, const char *wristband);
/* INVALID_ARGUMENT (for the field `at` and a member of it) unless type and value are in range.
 * An empty value is permitted only if `may_remove`. */
WARD_MUST enum ward_code second_check(struct ward_call *c, const char *at,
                                      const Ward__Identity__V1__SecondIdentifier *second,
                                      bool may_remove);

/* Converts ASCII letters to lower case, and removes ASCII blanks and punctuation. Other bytes
 * are unchanged. `out` has room for SECOND_VALUE_MOST + 1 bytes. Pure. */
void second_fold(const char *value, char *out);

WARD_MUST enum ward_code wristband_hash(struct keys *k, const char *wristband,
                                        uint8_t out[WARD_SHA256_SIZE], struct ward_err *err);
WARD_MUST enum ward_code second_hash(struct keys *k, const uint8_t subject[IDENTITY_ID],
                                     const char *type, const char *value,
                                     uint8_t out[WARD_SHA256_SIZE], struct ward_err *err);

#endif
