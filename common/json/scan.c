#include "common/json/scan.h"

#include <string.h>

void ward_json_scan_init(struct ward_json_scan *s, int max_depth)
{
    *s = (struct ward_json_scan){.max_depth = max_depth, .line = 1};
}

static bool fail(struct ward_json_scan *s, enum json_fault fault)
{
    s->fault = fault;
    return false;
}

/* Well-formed UTF-8: Unicode 15, table 3-7. */
static bool utf8(struct ward_json_scan *s, unsigned char c)
{
    if (s->more > 0) {
        if (c < s->least || c > s->most)
            return fail(s, JSON_NOT_UTF8);
        s->more--;
        s->least = 0x80, s->most = 0xbf;
        return true;
    }
    if (c < 0x80)
        return true;
    if (c < 0xc2 || c > 0xf4)
        return fail(s, JSON_NOT_UTF8);
    s->more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    s->least = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    s->most = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    return true;
}

static int hex(unsigned char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Called after a whole \uXXXX. */
static bool unit_done(struct ward_json_scan *s)
{
    bool is_high = s->unit >= 0xd800 && s->unit <= 0xdbff;
    bool is_low = s->unit >= 0xdc00 && s->unit <= 0xdfff;

    if (s->unit == 0)
        return fail(s, JSON_NUL);
    if (is_low != s->high)
        return fail(s, JSON_HALF_PAIR);
    s->high = is_high;
    return true;
}

static bool in_escape(struct ward_json_scan *s, unsigned char c)
{
    int digit = hex(c);

    if (s->escape == 1) {
        if (s->high && c != 'u')
            return fail(s, JSON_HALF_PAIR);
        s->escape = c == 'u' ? 2 : 0; /* yajl checks the letters that may follow */
        s->unit = 0;
        return true;
    }
    if (digit < 0)
        return fail(s, JSON_GRAMMAR);
    s->unit = (uint16_t)(s->unit << 4 | digit);
    s->escape++;
    if (s->escape < 6)
        return true;
    s->escape = 0;
    return unit_done(s);
}

static bool in_string(struct ward_json_scan *s, unsigned char c)
{
    s->length++;
    if (s->escape != 0)
        return in_escape(s, c);
    if (c == '\\') {
        s->escape = 1;
        s->escaped_any = true;
        return true;
    }
    if (s->high)
        return fail(s, JSON_HALF_PAIR);
    if (c == '"') {
        s->in_string = false;
        if (s->escaped_any && s->length > s->longest)
            s->longest = s->length;
        s->length = 0;
    }
    return true;
}

static bool is_numeric(unsigned char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

static bool between(struct ward_json_scan *s, unsigned char c)
{
    s->length = is_numeric(c) ? s->length + 1 : 0;
    if (s->length > WARD_JSON_NUMBER_MAX)
        return fail(s, JSON_LONG_NUMBER);
    if (c == '"') {
        s->in_string = true;
        s->escaped_any = false;
        s->token = s->byte;
    } else if (c == '{' || c == '[') {
        if (s->depth == s->max_depth)
            return fail(s, JSON_DEEP);
        s->depth++;
    } else if (c == '}' || c == ']') {
        s->depth--; /* the grammar rejects depths below 0 */
    }
    return true;
}

bool ward_json_scan_byte(struct ward_json_scan *s, unsigned char c)
{
    if (s->fault != JSON_FINE)
        return false;
    if (!utf8(s, c) || !(s->in_string ? in_string(s, c) : between(s, c)))
        return false;
    s->byte++;
    s->line += c == '\n';
    return true;
}

static bool is_text(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Counts the bytes that change no state except the position: text of a string, and spaces
 * between values. Most bytes are such bytes. */
static size_t plain(struct ward_json_scan *s, const char *p, size_t n)
{
    size_t i = 0;

    if (s->fault != JSON_FINE || s->more > 0 || s->escape != 0 || s->high)
        return 0;
    if (s->in_string)
        for (; i < n && is_text((unsigned char)p[i]); i++)
            s->length++;
    else
        for (; i < n && p[i] == ' '; i++)
            s->length = 0;
    s->byte += i;
    return i;
}

bool ward_json_scan(struct ward_json_scan *s, const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        i += plain(s, p + i, n - i);
        if (i < n && !ward_json_scan_byte(s, (unsigned char)p[i++]))
            return false;
    }
    return true;
}

bool ward_json_scan_end(struct ward_json_scan *s)
{
    if (s->fault == JSON_FINE && s->more > 0)
        s->fault = JSON_NOT_UTF8;
    if (s->fault == JSON_FINE && s->in_string)
        s->fault = JSON_UNENDED;
    return s->fault == JSON_FINE;
}

enum ward_code ward_json_full(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                            "the JSON needs more memory than permitted");
}

enum ward_code ward_json_too_large(const char *what, size_t most, struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "JSON_TOO_LARGE", "%s is over %zu bytes",
                            what, most);
}

#define WHERE "line %llu, byte %llu%s%s: "
#define HERE                                                                                   \
    (unsigned long long)line, (unsigned long long)byte, *path == '\0' ? "" : ", at ", path

enum ward_code ward_json_fail(enum json_fault fault, uint64_t byte, uint64_t line,
                              const char *path, struct ward_err *err)
{
    switch (fault) {
    case JSON_NOT_UTF8:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "JSON_NOT_UTF8", WHERE "not UTF-8",
                                HERE);
    case JSON_NUL:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "JSON_BAD_STRING",
                                WHERE "a string contains a NUL", HERE);
    case JSON_HALF_PAIR:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "JSON_BAD_STRING",
                                WHERE "a string contains half of a surrogate pair", HERE);
    case JSON_DEEP:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "JSON_TOO_DEEP", WHERE "too many levels",
                                HERE);
    case JSON_LONG_NUMBER:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "JSON_MALFORMED",
                                WHERE "a number is longer than %d bytes", HERE,
                                WARD_JSON_NUMBER_MAX);
    case JSON_UNENDED:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "JSON_MALFORMED",
                                WHERE "the text ends within a string", HERE);
    case JSON_FINE:
    case JSON_GRAMMAR:
    default:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "JSON_MALFORMED", WHERE "not JSON",
                                HERE);
    }
}
