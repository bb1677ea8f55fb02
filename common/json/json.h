/* json.h - a strict, bounded JSON parser. The document is in an arena, and numbers keep their
 * text.
 *
 * The parser rejects anything outside RFC 8259, text that is not UTF-8, duplicate keys in an
 * object, a NUL or half of a surrogate pair in a string, too many levels, bytes after the
 * value, and numbers over WARD_JSON_NUMBER_MAX bytes. Messages name byte, line and path, and
 * never content. A path contains keys that look like field names ([A-Za-z_][A-Za-z0-9_]*, 32
 * bytes); other keys appear as "?".
 *
 * Threads: pure functions. Memory: only the arena; the input may be freed afterwards. Errors:
 * INVALID_ARGUMENT (JSON_MALFORMED, JSON_NOT_UTF8, JSON_BAD_STRING, JSON_TOO_DEEP,
 * JSON_DUPLICATE_KEY), RESOURCE_EXHAUSTED (JSON_TOO_LARGE, ARENA_FULL); outputs unchanged.
 */
#ifndef WARD_JSON_JSON_H
#define WARD_JSON_JSON_H

#include "common/base/arena.h"
#include "common/base/status.h"

#define WARD_JSON_DEPTH      64 /* default nesting limit, and maximum of a configured limit */
#define WARD_JSON_NUMBER_MAX 256

enum ward_json_kind {
    WARD_JSON_NULL,
    WARD_JSON_FALSE,
    WARD_JSON_TRUE,
    WARD_JSON_NUMBER,
    WARD_JSON_STRING,
    WARD_JSON_ARRAY,
    WARD_JSON_OBJECT
};

/* Members and items form a list, in the document's order:
 *     for (const struct ward_json *v = list->first; v != NULL; v = v->next) */
struct ward_json {
    const char *text; /* STRING, NUMBER: n bytes and a NUL; "" for other kinds */
    const char *key;  /* key of a member, NUL-terminated; NULL for items and the root */
    struct ward_json *first, *next;
    uint32_t n;     /* bytes of text */
    uint32_t key_n; /* bytes of key */
    uint32_t count; /* ARRAY, OBJECT: items or members */
    enum ward_json_kind kind;
};

struct ward_json_limits {
    size_t bytes; /* limit of the text; 0: 4 GiB - 1 */
    int depth;    /* limit of nested [ and {; 0: WARD_JSON_DEPTH */
};

WARD_MUST enum ward_code ward_json_parse(const char *bytes, size_t n,
                                         const struct ward_json_limits *limits, /* or NULL */
                                         struct ward_arena *mem, const struct ward_json **out,
                                         struct ward_err *err);

/* Returns NULL if v is NULL, of another kind, or lacks the member or item, so that look-ups can
 * be chained. */
const struct ward_json *ward_json_get(const struct ward_json *v, const char *key);
const struct ward_json *ward_json_at(const struct ward_json *v, size_t i);
const char *ward_json_string(const struct ward_json *v); /* the text of a STRING, or NULL */
const char *ward_json_number(const struct ward_json *v); /* the text of a NUMBER, or NULL */
bool ward_json_is(const struct ward_json *v, enum ward_json_kind kind); /* false for NULL */
WARD_MUST bool ward_json_i64(const struct ward_json *v,
                             int64_t *out); /* a NUMBER without a fraction */
WARD_MUST bool ward_json_f64(const struct ward_json *v, double *out);

/* Returns whether both values are equal: members in any order, numbers by their text. The time
 * grows with the square of the number of members. */
bool ward_json_equal(const struct ward_json *a, const struct ward_json *b);

#endif
