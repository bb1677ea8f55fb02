#include "common/unicode/unicode.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define WORD (UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N)
#define MARK (UC_CATEGORY_MASK_Mn | UC_CATEGORY_MASK_Me)

static const uint8_t *bytes_of(const char *s)
{
    return (const uint8_t *)s;
}

static void drop_marks(uint8_t *s, size_t *n)
{
    size_t to = 0;
    ucs4_t point;

    for (size_t at = 0; at < *n;) {
        int len = u8_mbtouc(&point, s + at, *n - at);

        if (!uc_is_general_category_withtable(point, MARK)) {
            memmove(s + to, s + at, (size_t)len);
            to += (size_t)len;
        }
        at += (size_t)len;
    }
    *n = to;
}

enum ward_code ward_fold(struct ward_arena *mem, const char *utf8, char **out,
                         struct ward_err *err)
{
    size_t n = strlen(utf8), len = 0;
    uint8_t *folded;
    char *copy;

    if (u8_check(bytes_of(utf8), n) != NULL)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "WIRE_BAD_UTF8", "a text is not UTF-8");
    folded = u8_casefold(bytes_of(utf8), n, NULL, UNINORM_NFKD, NULL, &len);
    if (folded == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to fold a text");
    drop_marks(folded, &len);
    copy = ward_alloc(mem, len + 1);
    if (copy != NULL && len > 0)
        memcpy(copy, folded, len);
    free(folded);
    if (copy == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to fold a text");
    *out = copy;
    return WARD_OK;
}

/* Returns the start of the next word from *at and moves *at behind it; NULL: none. */
static const char *next_word(const char **at, size_t *n)
{
    const char *start = NULL;
    ucs4_t point;

    for (const char *p = *at; *p != '\0';) {
        int len = u8_strmbtouc(&point, bytes_of(p));
        bool in = len > 0 && uc_is_general_category_withtable(point, WORD);

        if (in && start == NULL)
            start = p;
        if (!in && start != NULL) {
            *n = (size_t)(p - start);
            *at = p;
            return start;
        }
        p += len > 0 ? len : 1;
        *at = p;
    }
    *n = start == NULL ? 0 : strlen(start);
    return start;
}

enum ward_code ward_words(struct ward_arena *mem, const char *folded, char ***out, size_t *n,
                          struct ward_err *err)
{
    size_t count = 0, len = 0;
    const char *at = folded, *word;
    char **list;

    while (next_word(&at, &len) != NULL)
        count++;
    list = ward_alloc(mem, count * sizeof(*list));
    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for words");
    at = folded;
    for (size_t i = 0; (word = next_word(&at, &len)) != NULL; i++) {
        list[i] = ward_alloc(mem, len + 1);
        if (list[i] == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for words");
        memcpy(list[i], word, len);
    }
    *out = list;
    *n = count;
    return WARD_OK;
}

size_t ward_first_points(const char *utf8, size_t points)
{
    size_t n = 0;
    ucs4_t point;

    for (size_t i = 0; i < points && utf8[n] != '\0'; i++) {
        int len = u8_strmbtouc(&point, bytes_of(utf8 + n));

        n += len > 0 ? (size_t)len : 1;
    }
    return n;
}
