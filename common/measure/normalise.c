#include "common/measure/synonyms.h"
#include "common/measure/ucum.h"

#include <string.h>

struct text {
    char p[WARD_UCUM_SIZE];
    size_t n;
};

static bool put(struct text *t, const char *s, size_t n)
{
    if (n > WARD_UCUM_MAX - t->n)
        return false;
    memcpy(t->p + t->n, s, n);
    t->n += n;
    t->p[t->n] = '\0';
    return true;
}

static bool put_text(struct text *t, const char *s)
{
    return put(t, s, strlen(s));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Returns the ASCII character of a full-width form (U+FF01 to U+FF5E); 0 for another character.
 */
static char full_width(const char *s, size_t n)
{
    unsigned char b, c;

    if (n < 3 || (unsigned char)s[0] != 0xef)
        return 0;
    b = (unsigned char)s[1];
    c = (unsigned char)s[2];
    if (b == 0xbc && c >= 0x81 && c <= 0xbf)
        return (char)(c - 0x81 + '!');
    return b == 0xbd && c >= 0x80 && c <= 0x9e ? (char)(c - 0x80 + '`') : 0;
}

/* One step of `fold`: a mark, a full-width form, or an unchanged byte. *raised: within a power;
 * only its first digit or sign adds a caret. */
static bool fold_one(const char *s, size_t n, struct text *out, size_t *used, bool *raised)
{
    const char *to = ward_ucum_mark(s, n, used);
    char ascii = full_width(s, n);
    bool within = *raised || (out->n > 0 && out->p[out->n - 1] == '^');

    *raised = to != NULL && to[0] == '^';
    if (to != NULL)
        return put_text(out, *raised && within ? to + 1 : to);
    *used = ascii != 0 ? 3 : 1;
    return ascii != 0 ? put(out, &ascii, 1) : put(out, s, 1);
}

/* Replaces characters that look like ASCII by ASCII, and removes spaces at the ends and beside
 * '/' and '.'. */
static bool fold(const char *s, size_t n, struct text *out)
{
    struct text all = {.n = 0};
    bool raised = false;
    size_t used = 0;

    for (size_t i = 0; i < n; i += used)
        if (!fold_one(s + i, n - i, &all, &used, &raised))
            return false;
    for (size_t i = 0; i < all.n; i++) {
        char before = out->n == 0 ? '/' : out->p[out->n - 1];
        size_t k = i;

        while (k < all.n && all.p[k] == ' ')
            k++;
        if (k > i && (k == all.n || all.p[k] == '/' || before == '/' || before == '.'))
            i = k; /* this space has no meaning */
        if (i < all.n && !put(out, all.p + i, 1))
            return false;
    }
    return true;
}

/* Recognizes a power of ten in any notation: x10^9, *10E9, 10**9, 10(9), 10e-3. */
static bool power_of_ten(const char *s, size_t n, struct text *out)
{
    size_t i = n > 0 && (s[0] == 'x' || s[0] == 'X' || s[0] == '*'), from;

    if (n - i < 4 || s[i] != '1' || s[i + 1] != '0')
        return false;
    i += 2;
    if (strchr("^*eE(", s[i]) == NULL)
        return false;
    i += s[i] == '*' && s[i + 1] == '*' ? 2 : 1;
    from = i;
    if (i < n && s[i] == '-')
        i++;
    while (i < n && is_digit(s[i]))
        i++;
    if (!is_digit(s[i - 1]))
        return false;
    if (s[from - 1] == '(' ? i + 1 != n || s[i] != ')' : i != n)
        return false;
    return put_text(out, "10*") && put(out, s + from, i - from);
}

/* Returns the place of the caret in a word with a power, "m^2"; n if there is none. 10^2 is not
 * a word. */
static size_t caret_of(const char *s, size_t n)
{
    const char *caret = memchr(s, '^', n);
    size_t at = caret == NULL ? n : (size_t)(caret - s);

    return memchr(s, '[', n) != NULL || at == 0 || is_digit(s[at - 1]) ? n : at;
}

/* A word with its power; drops the caret. */
static bool word_power(const char *s, size_t n, struct text *out)
{
    size_t head = caret_of(s, n);
    const char *to = ward_ucum_word(s, head);

    if (!(to != NULL ? put_text(out, to) : put(out, s, head)))
        return false;
    return head == n || put(out, s + head + 1, n - head - 1);
}

/* A word and its unchanged annotation. */
static bool rewrite_word(const char *s, size_t n, struct text *out)
{
    const char *note = memchr(s, '{', n);
    size_t head = note == NULL ? n : (size_t)(note - s);
    struct text ten = {.n = 0};

    if (!(power_of_ten(s, head, &ten) ? put(out, ten.p, ten.n) : word_power(s, head, out)))
        return false;
    return put(out, s + head, n - head);
}

/* Handles each part between '/' and '.'. As in UCUM, these do not separate within brackets and
 * braces. */
static bool rewrite(const struct text *in, struct text *out)
{
    size_t from = 0;
    char close = '\0';

    for (size_t i = 0; i <= in->n; i++) {
        char c = i < in->n ? in->p[i] : '/';

        if (i < in->n && close != '\0') {
            close = c == close ? '\0' : close;
            continue;
        }
        if (c == '[' || c == '{') {
            close = c == '[' ? ']' : '}';
            continue;
        }
        if (c != '/' && c != '.')
            continue;
        if (i > from && !rewrite_word(in->p + from, i - from, out))
            return false;
        if (i < in->n && !put(out, &c, 1))
            return false;
        from = i + 1;
    }
    return true;
}

static bool parses(const char *s, size_t n)
{
    struct ward_ucum u;

    return ward_ucum_parse(s, n, &u, NULL) == WARD_OK;
}

static enum ward_code give(const char *s, size_t n, const struct text *t,
                           char out[WARD_UCUM_SIZE], bool *changed)
{
    if (changed != NULL)
        *changed = n != t->n || memcmp(s, t->p, n) != 0;
    memcpy(out, t->p, t->n + 1);
    return WARD_OK;
}

/* The result for a unit: a whole unit of the tables in *whole, a UCUM code in *t, or neither.
 */
static bool read_as(const char *s, size_t n, struct text *t, const char **whole)
{
    struct text rewritten = {.n = 0};

    *whole = NULL;
    t->n = 0;
    if (n == 0 || n > WARD_UCUM_MAX || memchr(s, '\0', n) != NULL || !fold(s, n, t))
        return false;
    *whole = ward_ucum_whole(t->p, t->n);
    if (*whole == NULL && (!parses(t->p, t->n) || strstr(t->p, "10^") != NULL) &&
        rewrite(t, &rewritten)) {
        *whole = ward_ucum_whole(rewritten.p, rewritten.n);
        if (*whole == NULL && parses(rewritten.p, rewritten.n))
            *t = rewritten;
    }
    return *whole != NULL || parses(t->p, t->n);
}

enum ward_code ward_ucum_normalise(const char *s, size_t n, char out[WARD_UCUM_SIZE],
                                   bool *changed, struct ward_err *err)
{
    struct text is, to = {.n = 0};
    const char *whole;
    bool read = read_as(s, n, &is, &whole);

    if (n == 0 || n > WARD_UCUM_MAX)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "UCUM_MALFORMED",
                                "not a unit of 1 to %d bytes", WARD_UCUM_MAX);
    if (whole != NULL && put_text(&to, whole))
        return give(s, n, &to, out, changed);
    if (read && ward_ucum_plain(is.p, is.n))
        return give(s, n, &is, out, changed);
    return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "UCUM_UNKNOWN_UNIT",
                            "neither an unambiguous UCUM code nor a known spelling of a unit");
}

bool ward_ucum_doubtful(const char *s, size_t n)
{
    struct text is;
    const char *whole;

    return read_as(s, n, &is, &whole) && whole == NULL && !ward_ucum_plain(is.p, is.n);
}
