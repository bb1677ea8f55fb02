/* page.h - page tokens of lists that are sorted by UUID. A token is the last id of a page,
 * bound to the query by a keyed hash. Threads: each worker uses its own call. Memory: the
 * call's arena. Errors: INVALID_ARGUMENT PAGE_TOKEN_INVALID; otherwise those of keyring.h. */
#ifndef IDENTITY_PAGE_H
#define IDENTITY_PAGE_H

#include "services/identity/api.h"

#define PAGE_DEFAULT 100
#define PAGE_MOST    500

/* The query of a list: its name, and a filter value of 0..255. */
struct page_of {
    const char *list;
    int64_t narrowed;
};
/* 0 becomes PAGE_DEFAULT.  INVALID_ARGUMENT  page_size is not 0 to PAGE_MOST */
WARD_MUST enum ward_code page_size(struct ward_call *c, int64_t asked, int64_t *size);
/* The id after which the page begins; zeros for the token "". */
WARD_MUST enum ward_code page_after(struct ward_call *c, const struct page_of *of,
                                    const char *token, uint8_t after[IDENTITY_ID]);
WARD_MUST enum ward_code page_next(struct ward_call *c, const struct page_of *of,
                                   const uint8_t last[IDENTITY_ID], char **token);

#endif
