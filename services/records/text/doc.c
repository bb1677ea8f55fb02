#include "services/records/text/doc.h"

#include <string.h>

size_t text_decode(const char *s, size_t n, uint32_t *cp)
{
    const uint8_t *p = (const uint8_t *)s;
    size_t len = n == 0 ? 0 : p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    static const uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};
    static const uint8_t lead[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t c;

    if (len == 0 || len > n || (p[0] >= 0x80 && p[0] < 0xC2) || p[0] > 0xF4)
        return 0;
    c = p[0] & lead[len];
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    *cp = c;
    return len;
}

/* Letters for U+00C0..U+017F, without accents and in lower case. '.': the letter is
 * unchanged. */
static const char bare_latin[] =
    "aaaaaa.ceeeeiiii.nooooo..uuuuy..aaaaaa.ceeeeiiii.nooooo..uuuuy.y"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkkklllllll"
    "lllnnnnnnnnnoooooo..rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

static uint32_t fold_latin(uint32_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c + 32;
    if (c >= 0xC0 && c <= 0x17F && bare_latin[c - 0xC0] != '.')
        return (uint32_t)bare_latin[c - 0xC0];
    if (c >= 0x391 && c <= 0x3A9) /* Greek */
        return c + 32;
    /* micro sign to mu, ordinal sign to degree sign */
    return c == 0xB5 ? 0x3BC : c == 0xBA ? 0xB0 : c;
}

static bool left_out(uint32_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F || c == 0xAD ||
           (c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x2064) || c == 0xFEFF ||
           (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0x20D0 && c <= 0x20F0);
}

static bool is_space(uint32_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F || c == 0x3000;
}

uint32_t text_fold(uint32_t c)
{
    if (left_out(c))
        return 0;
    if (is_space(c))
        return ' ';
    if (c >= 0xFF01 && c <= 0xFF5E) /* full width */
        c -= 0xFEE0;
    switch (c) {
    case 0x85:
    case 0x2028:
    case 0x2029:
        return '\n';
    case 0x2018:
    case 0x2019:
    case 0x2032:
        return '\'';
    case 0x201C:
    case 0x201D:
        return '"';
    case 0x2212:
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2015:
        return '-';
    case 0xFF61: /* half-width full stop */
        return 0x3002;
    default:
        return c < 0x2E80 ? fold_latin(c) : text_simplified(c);
    }
}

/* Whether the next line begins in lower case, so that the line was only wrapped: "shortness of
 * breath". */
static bool wrapped(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n && (s[i] == ' ' || s[i] == '\t'))
        i++;
    return i < n && s[i] >= 'a' && s[i] <= 'z';
}

enum ward_code text_doc_make(struct ward_arena *mem, const char *utf8, size_t n,
                             struct text_doc *out, struct ward_err *err)
{
    struct text_doc d = {.utf8 = utf8, .nbytes = n};
    uint32_t original = 0, cp = 0;
    size_t count = 0;

    if (n > TEXT_MAX)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "TEXT_TOO_LONG",
                                "the note has more than %zu bytes", TEXT_MAX);
    for (size_t i = 0, len; i < n; i += len, count++) {
        len = text_decode(utf8 + i, n - i, &cp);
        if (len == 0 || cp == 0)
            return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "TEXT_NOT_UTF8",
                                    "the note is not UTF-8, or contains a NUL, at byte %zu", i);
    }
    d.cp = ward_alloc(mem, (count + 1) * sizeof(*d.cp));
    d.byte = ward_alloc(mem, (count + 1) * sizeof(*d.byte));
    d.original = ward_alloc(mem, (count + 1) * sizeof(*d.original));
    if (d.cp == NULL || d.byte == NULL || d.original == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                "the note needs more memory than a call may use");
    for (size_t i = 0, len; i < n; i += len, original++) {
        uint32_t c;

        len = text_decode(utf8 + i, n - i, &cp);
        c = text_fold(cp);
        if (c == '\n' && d.n > 0 && d.cp[d.n - 1] != '\n' && wrapped(utf8 + i + 1, n - i - 1))
            c = ' ';
        if (c == 0 || (c == ' ' && d.n > 0 && (d.cp[d.n - 1] == ' ' || d.cp[d.n - 1] == '\n')))
            continue;
        d.cp[d.n] = c;
        d.byte[d.n] = (uint32_t)i;
        d.original[d.n++] = original;
    }
    *out = d;
    return WARD_OK;
}

struct text_span text_doc_span(const struct text_doc *doc, uint32_t start, uint32_t end)
{
    struct text_span s = {doc->byte[start], doc->byte[end - 1], doc->original[start],
                          doc->original[end - 1]};
    uint32_t cp = 0;
    size_t len = text_decode(doc->utf8 + s.end, doc->nbytes - s.end, &cp);

    do { /* the span includes the last letter */
        s.end += (uint32_t)len;
        s.cp_end++;
        len = text_decode(doc->utf8 + s.end, doc->nbytes - s.end, &cp);
    } while (len != 0 && cp >= 0x300 && cp <= 0x36F);
    return s;
}

static size_t encode(uint32_t c, char *to)
{
    uint8_t *p = (uint8_t *)to;

    if (c < 0x80) {
        p[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        p[0] = (uint8_t)(0xC0 | c >> 6);
        p[1] = (uint8_t)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        p[0] = (uint8_t)(0xE0 | c >> 12);
        p[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        p[2] = (uint8_t)(0x80 | (c & 0x3F));
        return 3;
    }
    p[0] = (uint8_t)(0xF0 | c >> 18);
    p[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
    p[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    p[3] = (uint8_t)(0x80 | (c & 0x3F));
    return 4;
}

char *text_doc_folded(const struct text_doc *doc, struct ward_arena *mem, uint32_t start,
                      uint32_t end)
{
    char *out = ward_alloc(mem, (size_t)(end - start) * 4 + 1);
    size_t n = 0;

    if (out == NULL)
        return NULL;
    for (uint32_t i = start; i < end; i++)
        n += encode(doc->cp[i], out + n);
    out[n] = '\0';
    return out;
}

bool text_is_han(uint32_t c)
{
    return (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x20000 && c <= 0x3FFFF);
}

bool text_is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

bool text_is_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0xDF && c <= 0x24F && c != 0xF7) ||
           (c >= 0x3AC && c <= 0x3CE);
}

bool text_is_word(uint32_t c)
{
    return text_is_digit(c) || text_is_letter(c);
}
