/* json.h - a JSON document in an arena: strict, bounded, numbers as the text they came as.
 *
 * Refused: what RFC 8259 does not allow, text that is not UTF-8, a key twice in one object, a
 * NUL or half a surrogate pair in a string, nesting past the limit, bytes after the value, a
 * number over WARD_JSON_NUMBER_MAX bytes. Messages name byte, line and path, and never hold
 * content: a path says keys that read like names of fields ([A-Za-z_][A-Za-z0-9_]*, 32 bytes)
 * and "?" else.
 *
 * Threads: pure functions of their arguments. Memory: the arena's alone; the bytes read may go
 * afterwards. Errors: INVALID_ARGUMENT (JSON_MALFORMED, JSON_NOT_UTF8, JSON_BAD_STRING,
 * JSON_TOO_DEEP, JSON_DUPLICATE_KEY), RESOURCE_EXHAUSTED (JSON_TOO_LARGE, ARENA_FULL); outputs
 * untouched.
 */
#ifndef WARD_JSON_JSON_H
#define WARD_JSON_JSON_H

#include "common/base/arena.h"
#include "common/base/status.h"

#define WARD_JSON_DEPTH      64 /* the default limit, and the most that can be asked for */
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

/* Members and items are a list, in the document's order:
 *     for (const struct ward_json *v = list->first; v != NULL; v = v->next) */
struct ward_json {
    const char *text; /* STRING, NUMBER: n bytes and a NUL; "" for the others */
    const char *key;  /* of a member, NUL-terminated; NULL for items and the root */
    struct ward_json *first, *next;
    uint32_t n;     /* bytes of text */
    uint32_t key_n; /* bytes of key */
    uint32_t count; /* ARRAY, OBJECT: items or members */
    enum ward_json_kind kind;
};

struct ward_json_limits {
    size_t bytes; /* of the text; 0: 4 GiB - 1 */
    int depth;    /* [ and { within each other; 0: WARD_JSON_DEPTH */
};

WARD_MUST enum ward_code ward_json_parse(const char *bytes, size_t n,
                                         const struct ward_json_limits *limits, /* or NULL */
                                         struct ward_arena *mem, const struct ward_json **out,
                                         struct ward_err *err);

/* NULL where v is NULL, of another kind, or has no such member or item: lookups chain. */
const struct ward_json *ward_json_get(const struct ward_json *v, const char *key);
const struct ward_json *ward_json_at(const struct ward_json *v, size_t i);
const char *ward_json_string(const struct ward_json *v); /* the text of a STRING, or NULL */
const char *ward_json_number(const struct ward_json *v); /* the text of a NUMBER, or NULL */
bool ward_json_is(const struct ward_json *v, enum ward_json_kind kind); /* false for NULL */
WARD_MUST bool ward_json_i64(const struct ward_json *v, int64_t *out);  /* a whole NUMBER */
WARD_MUST bool ward_json_f64(const struct ward_json *v, double *out);

/* The same value: members in any order, numbers by their text. Takes members squared of time.
 */
bool ward_json_equal(const struct ward_json *a, const struct ward_json *b);

#endif
