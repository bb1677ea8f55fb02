/* The binding of encrypted data, and the keyed hash. The sizes are those of identity's first
 * release, so that its rows can be decrypted. */
#include "common/keyring/seal.h"
#include "common/keyring/keyring_own.h"

#include <stdio.h>
#include <string.h>

static void put_number(uint8_t out[4], int v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)((uint32_t)v >> (8 * i));
}

/* "ward identity photo 1". A truncated text could equal another one. */
static void label(char out[32], const char *service, const char *what)
{
    int n = snprintf(out, 32, "ward %s %s 1", service, what);

    WARD_ASSERT(n > 0 && n < 32);
}

struct ward_bound_row ward_bind_row(const struct ward_keyring *k, const char *what,
                                    const char *name, int a, int b)
{
    struct ward_bound_row r = {0};

    label(r.label, k->cfg.service, what);
    snprintf(r.name, sizeof(r.name), "%s", name);
    put_number(r.number, a);
    put_number(r.number + 4, b);
    return r;
}

struct bound_thing {
    char label[32];
    uint8_t owner[WARD_OWNER_ID], id[WARD_OWNER_ID];
    uint8_t none[76];
};

static struct bound_thing bind_thing(const struct ward_sealed_as *as)
{
    struct bound_thing b = {0};

    label(b.label, as->service, as->what);
    memcpy(b.owner, as->owner, sizeof(b.owner));
    memcpy(b.id, as->id, sizeof(b.id));
    return b;
}

enum ward_code ward_seal_for(const uint8_t key[WARD_KEY_SIZE], const struct ward_sealed_as *as,
                             const void *data, size_t n, uint8_t *out, struct ward_err *err)
{
    struct bound_thing b = bind_thing(as);

    return ward_seal(key, &b, sizeof(b), data, n, out, err);
}

enum ward_code ward_open_for(const uint8_t key[WARD_KEY_SIZE], const struct ward_sealed_as *as,
                             const void *sealed, size_t n, uint8_t *out, struct ward_err *err)
{
    struct bound_thing b = bind_thing(as);

    return ward_unseal(key, &b, sizeof(b), sealed, n, out, err);
}

enum ward_code ward_keyring_hash(struct ward_keyring *k, const char *what, const void *data,
                                 size_t n, uint8_t out[WARD_SHA256_SIZE], struct ward_err *err)
{
    uint8_t secret[WARD_KEY_SIZE], key[WARD_SHA256_SIZE];

    if (!ward_keyring_secret(k, "hash", 0, 0, NULL, secret))
        return WARD_FAIL(err, INTERNAL, "the hash key is missing");
    /* Each use has its own key, so that equal texts of two uses have different hashes. */
    ward_hmac_sha256(secret, sizeof(secret), what, strlen(what), key);
    ward_hmac_sha256(key, sizeof(key), data, n, out);
    ward_wipe(secret, sizeof(secret));
    ward_wipe(key, sizeof(key));
    return WARD_OK;
}
