#include "services/records/access/page.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <string.h>

#define LIFE_US INT64_C(86400000000) /* 24 h */
#define TIME    8
#define TAG     16
#define MOST    (PAGE_PLACE + TIME + TAG)

/* A token consists of the place, the issue time, and a tag. The tag covers the place, the issue
 * time, the person and the query. */

static enum ward_code tag(struct ward_call *c, const char *question, const uint8_t *what,
                          size_t n, uint8_t out[TAG])
{
    struct worker *w = c->wrk;
    const char *who = c->who == NULL ? "" : c->who->subject;
    uint8_t hash[WARD_SHA256_SIZE];
    char hex[2 * (PAGE_PLACE + TIME) + 1];
    char *text;

    ward_hex(what, n, hex);
    text = ward_printf(c->mem, "%s %zu:%s %s %s", c->method->path, strlen(who), who, hex,
                       question);
    if (text == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the page token");
    WARD_TRY(ward_keyring_hash(w->rec->keys, "page", text, strlen(text), hash, c->err));
    memcpy(out, hash, TAG);
    return WARD_OK;
}

enum ward_code page_token(struct ward_call *c, const char *question, const void *place,
                          size_t n, char **out)
{
    uint64_t now = (uint64_t)ward_wall_us();
    char *text = ward_alloc(c->mem, WARD_BASE64_SIZE(MOST));
    uint8_t t[MOST];

    WARD_ASSERT(n <= PAGE_PLACE);
    if (text == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the page token");
    memcpy(t, place, n);
    memcpy(t + n, &now, TIME);
    WARD_TRY(tag(c, question, t, n + TIME, t + n + TIME));
    ward_base64url(t, n + TIME + TAG, text);
    *out = text;
    return WARD_OK;
}

enum ward_code page_place(struct ward_call *c, const char *question, const char *token,
                          void *place, size_t n, bool *given)
{
    uint8_t t[MOST], want[TAG];
    size_t len = 0;
    uint64_t then;

    WARD_ASSERT(n <= PAGE_PLACE);
    *given = *token != '\0';
    if (!*given)
        return WARD_OK;
    if (ward_unbase64url(token, strlen(token), t, sizeof(t), &len) && len == n + TIME + TAG) {
        WARD_TRY(tag(c, question, t, n + TIME, want));
        memcpy(&then, t + n, TIME);
        if (ward_equal(want, t + n + TIME, TAG) && ward_wall_us() - (int64_t)then <= LIFE_US) {
            memcpy(place, t, n);
            return WARD_OK;
        }
    }
    return ward_err_about(
        c->err,
        WARD_FAIL_REASON(c->err, INVALID_ARGUMENT, "PAGE_TOKEN_INVALID",
                         "page_token does not belong to this query, or is older than a day"),
        "page_token");
}
