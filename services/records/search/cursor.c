/* Page tokens: version, time of the first page, place, tag. The owner may read the content, and
 * has just read the resource at that place. The tag prevents forgery. */
#include "services/records/search/search.h"

#include "common/base/crypto.h"
#include "common/base/text.h"

#include <string.h>

typedef Ward__Records__V1__SearchRequest SearchRequest;

static char NO_TOKEN[] = "";

#define VERSION 1
#define BODY    (CURSOR_SIZE - TAG)
#define TAG     16

static void put64(int64_t v, uint8_t *out)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
}

static int64_t get64(const uint8_t *in)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | in[i];
    return (int64_t)v;
}

/* Binds the body to the person and to every other field of the request. */
static enum ward_code tag_of(struct ward_keyring *keys, struct ward_arena *mem,
                             const SearchRequest *q, const char *person,
                             const uint8_t body[BODY], uint8_t out[TAG], struct ward_err *err)
{
    SearchRequest plain = *q;
    size_t name = strlen(person) + 1, n;
    uint8_t whole[WARD_SHA256_SIZE], *text;

    plain.page_token = NO_TOKEN;
    n = protobuf_c_message_get_packed_size(&plain.base);
    text = ward_alloc(mem, BODY + name + n);
    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the page token");
    memcpy(text, body, BODY);
    memcpy(text + BODY, person, name);
    protobuf_c_message_pack(&plain.base, text + BODY + name);
    WARD_TRY(ward_keyring_hash(keys, "search page", text, BODY + name + n, whole, err));
    memcpy(out, whole, TAG);
    return WARD_OK;
}

enum ward_code cursor_seal(struct ward_keyring *keys, struct ward_arena *mem,
                           const SearchRequest *q, const char *person, const struct cursor *c,
                           char **out, struct ward_err *err)
{
    char *text = ward_alloc(mem, WARD_BASE64_SIZE(CURSOR_SIZE));
    uint8_t t[CURSOR_SIZE];

    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the page token");
    t[0] = VERSION;
    put64(c->asked_us, t + 1);
    put64(c->at_us, t + 9);
    memcpy(t + 17, c->id, RECORDS_ID);
    WARD_TRY(tag_of(keys, mem, q, person, t, t + BODY, err));
    ward_base64url(t, sizeof(t), text);
    *out = text;
    return WARD_OK;
}

static enum ward_code invalid(struct ward_err *err)
{
    return ward_err_about(err,
                          WARD_FAIL_REASON(err, INVALID_ARGUMENT, "PAGE_TOKEN_INVALID",
                                           "page_token does not belong to this query"),
                          "page_token");
}

enum ward_code cursor_open(struct ward_keyring *keys, struct ward_arena *mem,
                           const SearchRequest *q, const char *person, int64_t now_us,
                           struct cursor *out, struct ward_err *err)
{
    uint8_t t[CURSOR_SIZE], want[TAG];
    size_t n = 0;

    if (!ward_unbase64url(q->page_token, strlen(q->page_token), t, sizeof(t), &n) ||
        n != CURSOR_SIZE || t[0] != VERSION)
        return invalid(err);
    WARD_TRY(tag_of(keys, mem, q, person, t, want, err));
    if (!ward_equal(want, t + BODY, TAG) || now_us - get64(t + 1) > CURSOR_LIFE_US)
        return invalid(err);
    out->asked_us = get64(t + 1);
    out->at_us = get64(t + 9);
    memcpy(out->id, t + 17, RECORDS_ID);
    return WARD_OK;
}
