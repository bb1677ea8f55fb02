/* page.h - a place in a list as a token: good for this person, this method, this question, and
 * for 24 hours.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: keyring.h's; RESOURCE_EXHAUSTED.
 */
#ifndef RECORDS_ACCESS_PAGE_H
#define RECORDS_ACCESS_PAGE_H

#include "services/records/records.h"

#include "common/rpc/rpc.h"

#define PAGE_PLACE 64 /* the most bytes of a place */

/* question: every field of the request that chooses what is listed, as text. place: n bytes
 * that say where the next page begins; they are not hidden from who holds the token. */
WARD_MUST enum ward_code page_token(struct ward_call *c, const char *question,
                                    const void *place, size_t n, char **out);
/* *given false, and nothing else, where the request has no token.
 *   INVALID_ARGUMENT  PAGE_TOKEN_INVALID */
WARD_MUST enum ward_code page_place(struct ward_call *c, const char *question,
                                    const char *token, void *place, size_t n, bool *given);

#endif
