#include "common/merkle/leaf.h"

#include <string.h>

/* Tags of ward.audit.v1.Leaf's fields. Our own code writes them, because a leaf's hash must
 * never change and a library could change its output. */
enum { VERSION = 0x08, EVENT_ID = 0x12, SERVICE = 0x1a, APPENDED = 0x20, COMMITMENT = 0x2a };

static size_t varint(uint64_t v, uint8_t *out)
{
    size_t n = 0;

    for (; v >= 0x80; v >>= 7)
        out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    return n;
}

static size_t bytes(uint8_t tag, const void *p, size_t len, uint8_t *out)
{
    out[0] = tag;
    out[1] = (uint8_t)len; /* below 128: one byte */
    memcpy(out + 2, p, len);
    return len + 2;
}

size_t ward_leaf_pack(const struct ward_leaf *leaf, uint8_t out[WARD_LEAF_MAX])
{
    size_t n = 0, service = strnlen(leaf->service, WARD_LEAF_SERVICE);

    WARD_ASSERT(service > 0 && leaf->appended_at_us > 0);
    out[n++] = VERSION;
    out[n++] = WARD_LEAF_VERSION;
    n += bytes(EVENT_ID, leaf->event_id, sizeof(leaf->event_id), out + n);
    n += bytes(SERVICE, leaf->service, service, out + n);
    out[n++] = APPENDED;
    n += varint((uint64_t)leaf->appended_at_us, out + n);
    n += bytes(COMMITMENT, leaf->commitment, sizeof(leaf->commitment), out + n);
    return n;
}

struct cursor {
    const uint8_t *p;
    size_t left;
};

/* Reads a field of `tag` with lo..hi bytes; NULL for anything else. */
static const uint8_t *field(struct cursor *c, uint8_t tag, size_t lo, size_t hi, size_t *len)
{
    const uint8_t *at;
    size_t n;

    if (c->left < 2 || c->p[0] != tag)
        return NULL;
    n = c->p[1];
    if (n < lo || n > hi || c->left < 2 + n)
        return NULL;
    at = c->p + 2;
    c->p += 2 + n;
    c->left -= 2 + n;
    *len = n;
    return at;
}

static bool number(struct cursor *c, uint8_t tag, uint64_t *out)
{
    uint64_t v = 0;
    size_t i = 1;

    if (c->left < 2 || c->p[0] != tag)
        return false;
    for (int shift = 0; shift <= 56; shift += 7, i++) {
        if (i >= c->left)
            return false;
        v |= (uint64_t)(c->p[i] & 0x7f) << shift;
        if (!(c->p[i] & 0x80)) {
            c->p += i + 1;
            c->left -= i + 1;
            *out = v;
            return true;
        }
    }
    return false;
}

bool ward_leaf_parse(const void *in, size_t n, struct ward_leaf *out)
{
    struct cursor c = {in, n};
    struct ward_leaf leaf = {0};
    uint8_t again[WARD_LEAF_MAX];
    const uint8_t *id, *service, *commitment;
    uint64_t version, at;
    size_t len = 0, service_len = 0;

    if (n > WARD_LEAF_MAX || !number(&c, VERSION, &version) || version != WARD_LEAF_VERSION)
        return false;
    if ((id = field(&c, EVENT_ID, 16, 16, &len)) == NULL ||
        (service = field(&c, SERVICE, 1, WARD_LEAF_SERVICE, &service_len)) == NULL ||
        memchr(service, '\0', service_len) != NULL || !number(&c, APPENDED, &at) || at == 0 ||
        (commitment = field(&c, COMMITMENT, WARD_SHA256_SIZE, WARD_SHA256_SIZE, &len)) == NULL)
        return false;
    memcpy(leaf.event_id, id, sizeof(leaf.event_id));
    memcpy(leaf.service, service, service_len);
    leaf.appended_at_us = (int64_t)at;
    memcpy(leaf.commitment, commitment, sizeof(leaf.commitment));
    /* Trailing bytes and numbers in a long form are detected here. */
    if (ward_leaf_pack(&leaf, again) != n || memcmp(again, in, n) != 0)
        return false;
    *out = leaf;
    return true;
}

void ward_leaf_commit(const uint8_t salt[WARD_SALT_SIZE], const void *event, size_t n,
                      uint8_t out[WARD_SHA256_SIZE])
{
    ward_hmac_sha256(salt, WARD_SALT_SIZE, event, n, out);
}

bool ward_leaf_holds(const struct ward_leaf *leaf, const uint8_t salt[WARD_SALT_SIZE],
                     const void *event, size_t n)
{
    uint8_t commitment[WARD_SHA256_SIZE];

    ward_leaf_commit(salt, event, n, commitment);
    return ward_equal(commitment, leaf->commitment, sizeof(commitment));
}
