#include "services/records/store/param.h"

#include "common/unicode/unicode.h"

#include <string.h>

bool param_is_keyed(enum param p)
{
    return p >= PARAM_IDENTIFIER;
}

/* What a keyed hash is bound to, from PARAM_IDENTIFIER on in the order of the numbers. */
static const char *bound_to(enum param p)
{
    static const char *const names[] = {
        "identifier", "family",      "given",          "name text", "name exact",
        "telecom",    "postal code", "birth and name", "name pair",
    };

    return names[p - PARAM_IDENTIFIER];
}

enum ward_code param_hash(struct ward_keyring *keys, enum param p, const char *text, size_t n,
                          uint8_t out[TOKEN_HASH], struct ward_err *err)
{
    uint8_t whole[WARD_SHA256_SIZE];

    if (param_is_keyed(p))
        WARD_TRY(ward_keyring_hash(keys, bound_to(p), text, n, whole, err));
    else
        ward_sha256(text, n, whole);
    memcpy(out, whole, TOKEN_HASH);
    return WARD_OK;
}

static void cut(char *folded)
{
    folded[ward_first_points(folded, PARAM_POINTS)] = '\0';
}

enum ward_code param_fold(struct ward_arena *mem, const char *utf8, char **out,
                          struct ward_err *err)
{
    char *folded;

    WARD_TRY(ward_fold(mem, utf8, &folded, err));
    cut(folded);
    *out = folded;
    return WARD_OK;
}

enum ward_code param_words(struct ward_arena *mem, const char *name, char ***out, size_t *n,
                           struct ward_err *err)
{
    char *folded, **words;
    size_t count;

    WARD_TRY(ward_fold(mem, name, &folded, err));
    WARD_TRY(ward_words(mem, folded, &words, &count, err));
    for (size_t i = 0; i < count; i++)
        cut(words[i]);
    *out = words;
    *n = count;
    return WARD_OK;
}

/* Nothing but digits and what people write between them. */
static bool is_number(const char *folded)
{
    return strpbrk(folded, "0123456789") != NULL &&
           folded[strspn(folded, "0123456789 +-()./")] == '\0';
}

enum ward_code param_telecom(struct ward_arena *mem, const char *value, char **out,
                             struct ward_err *err)
{
    char *folded, *to;

    WARD_TRY(ward_fold(mem, value, &folded, err));
    if (is_number(folded)) {
        to = folded;
        for (const char *p = folded; *p != '\0'; p++)
            if ((*p >= '0' && *p <= '9') || (*p == '+' && to == folded))
                *to++ = *p;
        *to = '\0';
    }
    *out = folded;
    return WARD_OK;
}
