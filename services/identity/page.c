#include "services/identity/page.h"

#include "common/base/text.h"

#include <string.h>

#define TAG   8
#define TOKEN (IDENTITY_ID + TAG)

static enum ward_code tag(struct ward_call *c, const struct page_of *of,
                          const uint8_t id[IDENTITY_ID], uint8_t out[TAG])
{
    struct keys *keys = ((struct worker *)c->wrk)->id->keys;
    uint8_t bound[IDENTITY_ID + 1], sum[WARD_SHA256_SIZE];

    memcpy(bound, id, IDENTITY_ID);
    bound[IDENTITY_ID] = (uint8_t)of->narrowed;
    WARD_TRY(ward_keyring_hash(keys_ring(keys), of->list, bound, sizeof(bound), sum, c->err));
    memcpy(out, sum, TAG);
    return WARD_OK;
}

enum ward_code page_size(struct ward_call *c, int64_t asked, int64_t *size)
{
    if (asked < 0 || asked > PAGE_MOST)
        return WARD_FAIL_FIELD(c->err, "page_size", "must be 0 to %d", PAGE_MOST);
    *size = asked == 0 ? PAGE_DEFAULT : asked;
    return WARD_OK;
}

enum ward_code page_after(struct ward_call *c, const struct page_of *of, const char *token,
                          uint8_t after[IDENTITY_ID])
{
    uint8_t raw[TOKEN], want[TAG];
    size_t n = 0;

    memset(after, 0, IDENTITY_ID);
    if (*token == '\0')
        return WARD_OK;
    if (ward_unbase64url(token, strlen(token), raw, sizeof(raw), &n) && n == TOKEN) {
        WARD_TRY(tag(c, of, raw, want));
        memcpy(after, raw, IDENTITY_ID);
        if (ward_equal(want, raw + IDENTITY_ID, TAG))
            return WARD_OK;
    }
    return ward_err_about(c->err,
                          WARD_FAIL_REASON(c->err, INVALID_ARGUMENT, "PAGE_TOKEN_INVALID",
                                           "page_token does not belong to this query"),
                          "page_token");
}

enum ward_code page_next(struct ward_call *c, const struct page_of *of,
                         const uint8_t last[IDENTITY_ID], char **token)
{
    uint8_t raw[TOKEN];

    memcpy(raw, last, IDENTITY_ID);
    WARD_TRY(tag(c, of, raw, raw + IDENTITY_ID));
    *token = ward_alloc(c->mem, WARD_BASE64_SIZE(TOKEN));
    if (*token == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward_base64url(raw, sizeof(raw), *token);
    return WARD_OK;
}
