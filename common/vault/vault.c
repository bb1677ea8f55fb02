#include "common/vault/vault.h"

#include "common/base/keytag.h"
#include "common/base/text.h"
#include "common/vault/pkcs11.h"

#include <stdlib.h>
#include <string.h>

struct ward_root {
    char id[WARD_ROOT_ID + 1];
    struct ward_p11 *hsm; /* NULL: the key is in a file */
    uint8_t key[WARD_KEY_SIZE];
};

static enum ward_code load(const char *where, struct ward_root *r, struct ward_err *err)
{
    uint8_t tag[WARD_KEYTAG_SIZE];

    if (ward_p11_is_uri(where)) {
        WARD_TRY(ward_p11_open(where, NULL, &r->hsm, err));
        ward_hex(ward_p11_keytag(r->hsm), WARD_ROOT_ID / 2, r->id);
        return WARD_OK;
    }
    WARD_TRY(ward_key_load(where, r->key, err));
    ward_keytag(r->key, tag);
    ward_hex(tag, WARD_ROOT_ID / 2, r->id);
    return WARD_OK;
}

enum ward_code ward_root_open(const char *where, struct ward_root **out, struct ward_err *err)
{
    struct ward_root *r = calloc(1, sizeof(*r));
    enum ward_code code;

    WARD_ASSERT(r != NULL);
    code = load(where, r, err);
    if (code != WARD_OK) {
        ward_root_close(r);
        return code;
    }
    *out = r;
    return WARD_OK;
}

void ward_root_close(struct ward_root *r)
{
    if (r == NULL)
        return;
    ward_p11_close(r->hsm);
    ward_wipe(r, sizeof(*r));
    free(r);
}

const char *ward_root_id(const struct ward_root *r)
{
    return r->id;
}

const char *ward_root_kind(const struct ward_root *r)
{
    return r->hsm != NULL ? "pkcs11" : "file";
}

enum ward_code ward_root_seal(struct ward_root *r, const void *aad, size_t aad_len,
                              const void *data, size_t n, uint8_t *out, struct ward_err *err)
{
    if (r->hsm != NULL)
        return ward_p11_seal(r->hsm, aad, aad_len, data, n, out, err);
    return ward_seal(r->key, aad, aad_len, data, n, out, err);
}

enum ward_code ward_root_unseal(struct ward_root *r, const void *aad, size_t aad_len,
                                const void *sealed, size_t n, uint8_t *out,
                                struct ward_err *err)
{
    if (n < WARD_SEAL_EXTRA)
        return WARD_FAIL(err, DATA_LOSS, "the encrypted data is too short");
    /* Half of a tag under this nonce is public, as the root's id, so nothing is encrypted with
     * it. */
    if (memcmp(sealed, ward_keytag_nonce, sizeof(ward_keytag_nonce)) == 0)
        return WARD_FAIL(err, DATA_LOSS, "the encrypted data cannot be decrypted");
    if (r->hsm != NULL)
        return ward_p11_unseal(r->hsm, aad, aad_len, sealed, n, out, err);
    return ward_unseal(r->key, aad, aad_len, sealed, n, out, err);
}

enum ward_code ward_root_check(struct ward_root *r, struct ward_err *err)
{
    static const char aad[] = "root check";
    uint8_t sealed[WARD_KEYTAG_SIZE + WARD_SEAL_EXTRA], opened[WARD_KEYTAG_SIZE];

    WARD_TRY(
        ward_root_seal(r, aad, sizeof(aad), ward_keytag_text, sizeof(opened), sealed, err));
    WARD_TRY(ward_root_unseal(r, aad, sizeof(aad), sealed, sizeof(sealed), opened, err));
    if (!ward_equal(opened, ward_keytag_text, sizeof(opened)))
        return WARD_FAIL(err, DATA_LOSS, "the root key does not decrypt its own test text");
    return WARD_OK;
}
