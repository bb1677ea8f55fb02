/* Verifier keys; see note.h. */
#include "common/merkle/note.h"

#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

#define ED25519 0x01 /* C2SP signed-note, signature type */

/* A name is printable text without white space or plus, and only ASCII. Names are compared byte
 * for byte, and two names that look alike must not both be valid. */
static bool name_fits(const char *name, size_t n)
{
    if (n < 1 || n > WARD_NAME_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (name[i] <= ' ' || name[i] > '~' || name[i] == '+')
            return false;
    return true;
}

enum ward_code ward_vkey_make(const char *name, const uint8_t pub[WARD_ED25519_PUB],
                              struct ward_vkey *out, struct ward_err *err)
{
    static const uint8_t TYPE[] = {'\n', ED25519};
    uint8_t digest[WARD_SHA256_SIZE];
    size_t n = strnlen(name, WARD_NAME_MAX + 1);
    const struct ward_bytes parts[] = {{name, n}, {TYPE, 2}, {pub, WARD_ED25519_PUB}};

    if (!name_fits(name, n))
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "a key's name must have 1 to %d characters from ! to ~, without +",
                         WARD_NAME_MAX);
    ward_sha256_parts(parts, 3, digest);
    *out = (struct ward_vkey){0};
    memcpy(out->name, name, n);
    memcpy(out->id, digest, sizeof(out->id));
    memcpy(out->pub, pub, WARD_ED25519_PUB);
    return WARD_OK;
}

void ward_vkey_print(const struct ward_vkey *key, char out[WARD_VKEY_MAX])
{
    uint8_t typed[1 + WARD_ED25519_PUB] = {ED25519};
    char id[9], text[WARD_BASE64_SIZE(sizeof(typed))];

    memcpy(typed + 1, key->pub, WARD_ED25519_PUB);
    ward_hex(key->id, sizeof(key->id), id);
    ward_base64(typed, sizeof(typed), text);
    snprintf(out, WARD_VKEY_MAX, "%s+%s+%s", key->name, id, text);
}

enum ward_code ward_vkey_parse(const char *text, size_t len, struct ward_vkey *out,
                               struct ward_err *err)
{
    const char *plus = memchr(text, '+', len);
    size_t name_len = plus == NULL ? 0 : (size_t)(plus - text), n;
    uint8_t typed[1 + WARD_ED25519_PUB];
    char name[WARD_NAME_MAX + 1] = {0}, back[WARD_VKEY_MAX];
    struct ward_vkey key;

    if (!name_fits(text, name_len) || len < name_len + 10 || text[name_len + 9] != '+' ||
        !ward_unbase64(text + name_len + 10, len - name_len - 10, typed, sizeof(typed), &n) ||
        n != sizeof(typed) || typed[0] != ED25519)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "not a verifier key of the form name+hash+base64, Ed25519");
    memcpy(name, text, name_len);
    WARD_TRY(ward_vkey_make(name, typed + 1, &key, err));
    /* Printing the key again checks the id, the case and stray characters at once. */
    ward_vkey_print(&key, back);
    if (strlen(back) != len || memcmp(back, text, len) != 0)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "the verifier key's hash does not match the key");
    *out = key;
    return WARD_OK;
}

bool ward_vkey_equal(const struct ward_vkey *a, const struct ward_vkey *b)
{
    return strcmp(a->name, b->name) == 0 && memcmp(a->pub, b->pub, WARD_ED25519_PUB) == 0;
}
