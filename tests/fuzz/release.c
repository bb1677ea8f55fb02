/* A model's manifest.sig and a file of trusted keys: any bytes give a refusal, or what the one
 * key signed that this program holds. The first byte says which is read.
 *
 * max_len: 8192 */
#include "common/serve/release.h"

#include <stdlib.h>
#include <string.h>

static void check(bool ok)
{
    if (!ok)
        abort();
}

static struct ward_release_keys keys;
static struct ward_sign_key *key;
static char signed_note[WARD_NOTE_MAX];
static size_t signed_n;

static void make(void)
{
    static const uint8_t seed[WARD_ED25519_SEED] = {9};
    const struct ward_release r = {.model = "m/1", .n = 1, .file = {{"manifest.json", ""}}};
    struct ward_release full = r;
    struct ward_signer s;

    memset(full.file[0].sha256, 'a', 64);
    check(ward_sign_key_new(seed, &key, NULL) == WARD_OK);
    check(ward_vkey_make("k", ward_sign_key_public(key), &s.vkey, NULL) == WARD_OK);
    s.key = key;
    keys = (struct ward_release_keys){1, {s.vkey}};
    check(ward_release_sign(&full, &s, signed_note, &signed_n, NULL) == WARD_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ward_release_keys read;
    struct ward_release r;
    char note[WARD_NOTE_MAX];
    size_t n;

    if (key == NULL)
        make();
    n = signed_n;
    if (size < 2)
        return 0;
    switch (data[0] % 3) {
    case 0:
        if (ward_release_keys_parse((const char *)data + 1, size - 1, &read, NULL) == WARD_OK)
            check(read.n >= 0 && read.n <= WARD_RELEASE_KEYS);
        break;
    case 1: /* nobody but the key can have signed it */
        check(ward_release_open((const char *)data + 1, size - 1, &keys, &r, NULL) != WARD_OK ||
              strcmp(r.model, "m/1") == 0);
        break;
    default: /* the signed note with some of its bytes changed */
        memcpy(note, signed_note, n);
        for (size_t i = 1; i + 1 < size; i += 2)
            note[data[i] % n] = (char)data[i + 1];
        if (ward_release_open(note, n, &keys, &r, NULL) == WARD_OK)
            check(strcmp(r.model, "m/1") == 0 && r.n == 1 && r.file[0].sha256[0] == 'a' &&
                  strcmp(r.file[0].name, "manifest.json") == 0);
    }
    return 0;
}
