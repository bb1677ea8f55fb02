/* scan.h - the bytes of a JSON text, seen once before its grammar is: encoding, strings,
 * nesting.
 *
 * yajl checks the grammar; it lets overlong UTF-8, encoded surrogates and lone escapes of them
 * pass, and has no limits. This looks for just that, in pieces of any size, and tells a stream
 * where values end.
 *
 * Threads: none shared. Memory: the caller's. Errors: `fault`, sticky.
 */
#ifndef WARD_JSON_SCAN_H
#define WARD_JSON_SCAN_H

#include "common/json/json.h"

enum json_fault {
    JSON_FINE,
    JSON_NOT_UTF8,
    JSON_NUL,
    JSON_HALF_PAIR,
    JSON_DEEP,
    JSON_LONG_NUMBER,
    JSON_UNENDED, /* the text ends within a string; set by ward_json_scan_end */
    JSON_GRAMMAR  /* everything else: what yajl says */
};

struct ward_json_scan {
    int max_depth;
    enum json_fault fault;
    uint64_t byte, line; /* of the next byte: from 0 and 1; of the culprit after a fault */
    uint64_t token;      /* where the string began that we are in, or the last one */
    size_t longest;      /* bytes of the longest string with an escape */
    size_t length;       /* of this string, or of this number */
    int depth;
    bool in_string, escaped_any;
    uint8_t escape;      /* 0; 1 after a backslash; 2..5: 5 - digits of \u still to come */
    uint8_t more;        /* continuation bytes to come */
    uint8_t least, most; /* of the next one */
    uint16_t unit;       /* of \u, as far as read */
    bool high;           /* a high surrogate waits for its low one */
};

void ward_json_scan_init(struct ward_json_scan *s, int max_depth);
bool ward_json_scan_byte(struct ward_json_scan *s, unsigned char c); /* false after a fault */
bool ward_json_scan(struct ward_json_scan *s, const char *p, size_t n);
bool ward_json_scan_end(struct ward_json_scan *s);

/* Records a fault in words: line, byte, path ("" at the root). */
enum ward_code ward_json_fail(enum json_fault fault, uint64_t byte, uint64_t line,
                              const char *path, struct ward_err *err);
/* ward_json_parse of a piece of a larger text, whose first byte is at `byte` and `line` there.
 */
enum ward_code ward_json_parse_at(const char *bytes, size_t n, uint64_t byte, uint64_t line,
                                  const struct ward_json_limits *limits, struct ward_arena *mem,
                                  const struct ward_json **out, struct ward_err *err);

enum ward_code ward_json_full(struct ward_err *err);
enum ward_code ward_json_too_large(const char *what, size_t most, struct ward_err *err);

#endif
