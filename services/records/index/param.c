#include "services/records/index/param.h"

#include "common/unicode/unicode.h"

#include <string.h>

bool param_is_keyed(enum param p)
{
    return p >= PARAM_IDENTIFIER;
}

/* The name to which a keyed hash is bound. The names are in the order of the numbers, starting
 * with PARAM_IDENTIFIER. */
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

/* Replaces letters that do not decompose into a letter and a mark, but that people type without
 * the mark. The letters are normalized and have two bytes each.
 */
static void plain_letters(char *folded)
{
    static const struct {
        char from[3], to[3];
    } letters[] = {{"\xc5\x82", "l"}, {"\xc3\xb8", "o"}, {"\xc3\xa6", "ae"},
                   {"\xc4\xb1", "i"}, {"\xc4\x91", "d"}, {"\xc5\x93", "oe"},
                   {"\xc3\xb0", "d"}, {"\xc3\xbe", "th"}};
    char *to = folded;

    for (const char *p = folded; *p != '\0';) {
        size_t i = 0;

        while (i < WARD_COUNT(letters) && strncmp(p, letters[i].from, 2) != 0)
            i++;
        if (i < WARD_COUNT(letters)) {
            for (const char *q = letters[i].to; *q != '\0'; q++)
                *to++ = *q;
            p += 2;
        } else {
            *to++ = *p++;
        }
    }
    *to = '\0';
}

enum ward_code param_plain(struct ward_arena *mem, const char *word, char **out,
                           struct ward_err *err)
{
    char *copy = ward_strdup(mem, word);

    if (copy == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for words");
    plain_letters(copy);
    *out = copy;
    return WARD_OK;
}

enum ward_code param_joined(struct ward_arena *mem, const char *name, char **out,
                            struct ward_err *err)
{
    static const char *const marks[] = {"'", "\xe2\x80\x99", "\xca\xbc", "\xe2\x80\x98", "`"};
    char *copy = ward_strdup(mem, name), *to = copy;
    bool some = false;

    if (copy == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for words");
    for (const char *p = copy; *p != '\0';) {
        size_t i = 0;

        while (i < WARD_COUNT(marks) && strncmp(p, marks[i], strlen(marks[i])) != 0)
            i++;
        some = some || i < WARD_COUNT(marks);
        if (i < WARD_COUNT(marks))
            p += strlen(marks[i]);
        else
            *to++ = *p++;
    }
    *to = '\0';
    *out = some ? copy : NULL;
    return WARD_OK;
}

bool param_is_han(const char *folded)
{
    const unsigned char *p = (const unsigned char *)folded;

    for (; *p != '\0'; p += ward_first_points((const char *)p, 1))
        if (!((p[0] >= 0xe4 && p[0] <= 0xe9) || (p[0] == 0xe3 && p[1] >= 0x90) ||
              (p[0] == 0xf0 && p[1] >= 0xa0)))
            return false;
    return *folded != '\0';
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

/* Only digits and common separators. */
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
