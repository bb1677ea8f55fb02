/* page.h - a place in a list as a token: valid for this person, method and query, for 24 hours.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: keyring.h's; RESOURCE_EXHAUSTED.
 */
#ifndef RECORDS_ACCESS_PAGE_H
#define RECORDS_ACCESS_PAGE_H

#include "services/records/records.h"

#include "common/rpc/rpc.h"

#define PAGE_PLACE 64 /* maximum bytes of a place */

/* question: every field of the request that selects the list, as text. place: n bytes that
 * identify the start of the next page; they are readable by the token's holder. */
WARD_MUST enum ward_code page_token(struct ward_call *c, const char *question,
                                    const void *place, size_t n, char **out);
/* *given is false, and nothing else is set, if the request has no token.
 *   INVALID_ARGUMENT  PAGE_TOKEN_INVALID */
WARD_MUST enum ward_code page_place(struct ward_call *c, const char *question,
                                    const char *token, void *place, size_t n, bool *given);

#endif
