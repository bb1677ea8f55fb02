/* identifiers.h - wristbands and second identifiers, as keyed hashes.
 *
 * The wristband's barcode is hashed unchanged and without its subject, so that it is unique
 * among them; a second identifier is normalized first (case, blanks, punctuation) and hashed
 * with its type and its subject, so that equal birth dates do not appear as equal rows.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: the .proto's.
 */
#ifndef IDENTITY_TOKEN_IDENTIFIERS_H
#define IDENTITY_TOKEN_IDENTIFIERS_H

#include "services/identity/api.h"
#include "services/identity/subject/rows.h"

#define WRISTBAND_LEAST   4
#define SECOND_TYPE_MOST  32
#define SECOND_VALUE_MOST 64

/* INVALID_ARGUMENT unless 4 to 64 visible ASCII characters. */
WARD_MUST enum ward_code wristband_check(struct ward_call *c, const char *wristband);
/* INVALID_ARGUMENT for `at` and its part unless type and value are in range; an empty value
 * only if `may_remove`. */
WARD_MUST enum ward_code second_check(struct ward_call *c, const char *at,
                                      const Ward__Identity__V1__SecondIdentifier *second,
                                      bool may_remove);

/* ASCII letters in lower case, ASCII blanks and punctuation removed; other bytes unchanged. out
 * holds SECOND_VALUE_MOST + 1. Pure. */
void second_fold(const char *value, char *out);

WARD_MUST enum ward_code wristband_hash(struct keys *k, const char *wristband,
                                        uint8_t out[WARD_SHA256_SIZE], struct ward_err *err);
WARD_MUST enum ward_code second_hash(struct keys *k, const uint8_t subject[IDENTITY_ID],
                                     const char *type, const char *value,
                                     uint8_t out[WARD_SHA256_SIZE], struct ward_err *err);

#endif
