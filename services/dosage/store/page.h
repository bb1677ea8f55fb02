/* page.h - page tokens: a token names a place in a list, and is valid for one person, method
 * and query for 24 hours.
 *
 * Threads: any worker. Memory: the call's arena. Errors: those of keyring.h;
 * RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_STORE_PAGE_H
#define DOSAGE_STORE_PAGE_H

#include "services/dosage/dosage.h"

#define PAGE_PLACE 64 /* maximum bytes of a place */

/* question: every field of the request that selects the list, as text. place: n bytes that
 * identify the start of the next page; the token's holder can read these bytes. */
WARD_MUST enum ward_code page_token(struct ward_call *c, const char *question,
                                    const void *place, size_t n, char **out);
/* If the request has no token, *given is false, and no other output is set.
 *   INVALID_ARGUMENT  PAGE_TOKEN_INVALID */
WARD_MUST enum ward_code page_place(struct ward_call *c, const char *question,
                                    const char *token, void *place, size_t n, bool *given);

#endif
