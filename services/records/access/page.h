/* page.h - page tokens. A token holds a place in a list, and is valid for one person, method
 * and query, for 24 hours.
 *
 * Threads: call from a worker's thread. Memory: the call's arena. Errors: those of keyring.h;
 * RESOURCE_EXHAUSTED.
 */
#ifndef RECORDS_ACCESS_PAGE_H
#define RECORDS_ACCESS_PAGE_H

#include "services/records/records.h"

#include "common/rpc/rpc.h"

#define PAGE_PLACE 64 /* maximum bytes of a place */

/* question: every field of the request that selects the list, as text. place: n bytes that
 * identify the start of the next page. The token's holder can read the place. */
WARD_MUST enum ward_code page_token(struct ward_call *c, const char *question,
                                    const void *place, size_t n, char **out);
/* Reads the place from a token. If the request has no token, only sets *given to false.
 *   INVALID_ARGUMENT  PAGE_TOKEN_INVALID */
WARD_MUST enum ward_code page_place(struct ward_call *c, const char *question,
                                    const char *token, void *place, size_t n, bool *given);

#endif
