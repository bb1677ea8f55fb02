/* Computes the similarity of two names. */
#include "services/records/merge/score_own.h"

#include "common/unicode/pinyin.h"
#include "common/unicode/unicode.h"

#include <string.h>

/* Ward's own value: the similarity of 王 and "Wang". The value is below 1, because many
 * characters share one reading. */
#define READ_ALIKE 0.95

/* Maximum code points of a name that are compared. */
#define POINTS 64

/* ---- Jaro-Winkler ---- */

struct points {
    int n;
    uint32_t at[POINTS];
    bool taken[POINTS];
};

static struct points read_points(const char *s)
{
    struct points p = {0};

    while (*s != '\0' && p.n < POINTS) {
        size_t n = ward_first_points(s, 1);
        uint32_t point = 0;

        for (size_t i = 0; i < n; i++)
            point = point << 8 | (uint8_t)s[i];
        p.at[p.n++] = point;
        s += n;
    }
    return p;
}

static int matches(struct points *a, struct points *b)
{
    int most = a->n > b->n ? a->n : b->n, reach = most / 2 - 1, found = 0;

    for (int i = 0; i < a->n; i++) {
        int from = i > reach ? i - reach : 0, to = i + reach;

        for (int k = from; k <= to && k < b->n && !a->taken[i]; k++)
            if (!b->taken[k] && a->at[i] == b->at[k])
                a->taken[i] = b->taken[k] = true;
        found += a->taken[i];
    }
    return found;
}

/* Counts matching code points in a different order. */
static int out_of_order(const struct points *a, const struct points *b)
{
    int n = 0;

    for (int i = 0, k = 0; i < a->n; i++) {
        if (!a->taken[i])
            continue;
        while (!b->taken[k])
            k++;
        n += a->at[i] != b->at[k++];
    }
    return n / 2;
}

/* Source: W. E. Winkler (1990): each of up to four equal first letters adds a tenth of the
 * remainder. */
double score_jaro_winkler(const char *one, const char *other)
{
    struct points a = read_points(one), b = read_points(other);
    int m, begin = 0;
    double jaro;

    if (a.n == 0 || b.n == 0)
        return a.n == b.n ? 1 : 0;
    if (strcmp(one, other) == 0)
        return 1;
    m = matches(&a, &b);
    if (m == 0)
        return 0;
    jaro = ((double)m / a.n + (double)m / b.n + (double)(m - out_of_order(&a, &b)) / m) / 3;
    while (begin < 4 && begin < a.n && begin < b.n && a.at[begin] == b.at[begin])
        begin++;
    return jaro + begin * 0.1 * (1 - jaro);
}

/* ---- names ---- */

/* Normalizes a text, and removes separators between words. */
static enum ward_code tight(struct ward_arena *mem, const char *text, char **out,
                            struct ward_err *err)
{
    char *folded, **words, *to;
    size_t n;

    WARD_TRY(ward_fold(mem, text, &folded, err));
    WARD_TRY(ward_words(mem, folded, &words, &n, err));
    *out = to = ward_alloc(mem, strlen(folded) + 1);
    if (to == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to compare names");
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(words[i]);

        memcpy(to, words[i], len);
        to += len;
    }
    return WARD_OK;
}

/* A normalized name. `whole` is HumanName.text. */
struct folded_name {
    char *family, *given, *whole;
};

static enum ward_code fold_name(struct ward_arena *mem, const Ward__Records__V1__HumanName *h,
                                struct folded_name *out, struct ward_err *err)
{
    const char *given = "";

    for (size_t i = 0; i < h->n_given; i++) {
        given = ward_printf(mem, "%s %s", given, h->given[i]);
        if (given == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to compare names");
    }
    WARD_TRY(tight(mem, h->family, &out->family, err));
    WARD_TRY(tight(mem, given, &out->given, err));
    return tight(mem, h->text, &out->whole, err);
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

/* Compares concatenated family and given names, in both orders, with a whole name. */
static enum ward_code joined(struct ward_arena *mem, const struct folded_name *parts,
                             const char *whole, double *out, struct ward_err *err)
{
    const char *one = ward_printf(mem, "%s%s", parts->family, parts->given);
    const char *other = ward_printf(mem, "%s%s", parts->given, parts->family);

    if (one == NULL || other == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to compare names");
    *out = most(score_jaro_winkler(one, whole), score_jaro_winkler(other, whole));
    return WARD_OK;
}

static bool has_parts(const struct folded_name *n)
{
    return *n->family != '\0' && *n->given != '\0';
}

/* Compares family and given names. Exchanged names are compared instead if they match
 * better. */
static void by_parts(const struct folded_name *a, const struct folded_name *b,
                     struct likeness *out)
{
    double family = score_jaro_winkler(a->family, b->family);
    double given = score_jaro_winkler(a->given, b->given);
    double across = score_jaro_winkler(a->family, b->given);
    double back = score_jaro_winkler(a->given, b->family);

    if (has_parts(a) && has_parts(b) && across + back > family + given) {
        family = across;
        given = back;
    }
    *out = (struct likeness){.family = *a->family != '\0' && *b->family != '\0' ? family : -1,
                             .given = *a->given != '\0' && *b->given != '\0' ? given : -1};
}

static enum ward_code compare(struct ward_arena *mem, const struct folded_name *a,
                              const struct folded_name *b, struct likeness *out,
                              struct ward_err *err)
{
    double whole;

    if ((*a->family != '\0' || *a->given != '\0') &&
        (*b->family != '\0' || *b->given != '\0')) {
        by_parts(a, b, out);
        return WARD_OK;
    }
    *out = (struct likeness){.family = -1, .given = -1};
    if (*a->whole != '\0' && *b->whole != '\0')
        whole = score_jaro_winkler(a->whole, b->whole);
    else if (has_parts(a) && *b->whole != '\0')
        WARD_TRY(joined(mem, a, b->whole, &whole, err));
    else if (has_parts(b) && *a->whole != '\0')
        WARD_TRY(joined(mem, b, a->whole, &whole, err));
    else
        return WARD_OK;
    *out = (struct likeness){.family = whole, .given = whole};
    return WARD_OK;
}

/* Replaces a Chinese part by its reading in Latin letters. */
static enum ward_code read_part(struct ward_arena *mem, char **part, bool surname,
                                struct ward_err *err)
{
    const char *const *syllables;
    size_t n;

    WARD_TRY(ward_pinyin(mem, *part, surname, &syllables, &n, err));
    return n == 0 ? WARD_OK : ward_pinyin_join(mem, syllables, 0, n, part, err);
}

static enum ward_code read_name(struct ward_arena *mem, struct folded_name *name,
                                struct ward_err *err)
{
    WARD_TRY(read_part(mem, &name->family, true, err));
    WARD_TRY(read_part(mem, &name->given, false, err));
    return read_part(mem, &name->whole, true, err);
}

/* Whether a name may begin with a Chinese character, for which ward_pinyin has a reading. */
static bool may_be_han(const struct folded_name *n)
{
    const char *part = *n->family != '\0' ? n->family : *n->given != '\0' ? n->given : n->whole;

    return (unsigned char)*part >= 0xe3;
}

/* Compares two names like `compare`. If one name is Chinese and the other Latin, the Chinese
 * name is compared by its reading. */
static enum ward_code compare_read(struct ward_arena *mem, struct folded_name *a,
                                   struct folded_name *b, struct likeness *out,
                                   struct ward_err *err)
{
    if (may_be_han(a) == may_be_han(b))
        return compare(mem, a, b, out, err);
    WARD_TRY(read_name(mem, may_be_han(a) ? a : b, err));
    WARD_TRY(compare(mem, a, b, out, err));
    if (out->family > 0)
        out->family *= READ_ALIKE;
    if (out->given > 0)
        out->given *= READ_ALIKE;
    return WARD_OK;
}

enum ward_code score_names(struct ward_arena *mem, const Patient *a, const Patient *b,
                           struct likeness *out, struct ward_err *err)
{
    struct likeness best = {.family = -1, .given = -1};

    for (size_t i = 0; i < a->n_name; i++) {
        for (size_t k = 0; k < b->n_name; k++) {
            struct folded_name one, other;
            struct likeness l;

            WARD_TRY(fold_name(mem, a->name[i], &one, err));
            WARD_TRY(fold_name(mem, b->name[k], &other, err));
            WARD_TRY(compare_read(mem, &one, &other, &l, err));
            if (l.family + l.given > best.family + best.given)
                best = l;
        }
    }
    *out = best;
    return WARD_OK;
}
