/* scan.h - checks the bytes of a JSON text before the grammar: encoding, strings, nesting.
 *
 * yajl checks the grammar. yajl accepts overlong UTF-8, encoded surrogates and unpaired escapes
 * of surrogates, and has no limits. The scanner rejects such text, applies the limits, and
 * finds the ends of values for streams. The text may arrive in pieces of any size.
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
    JSON_GRAMMAR  /* a fault in the grammar, found by yajl */
};

struct ward_json_scan {
    int max_depth;
    enum json_fault fault;
    uint64_t byte,
        line; /* position of the next byte, from 0 and 1; after a fault, of the wrong byte */
    uint64_t token; /* start of the current or the last string */
    size_t longest; /* length of the longest string with an escape */
    size_t length;  /* length of the current string or number */
    int depth;
    bool in_string, escaped_any;
    uint8_t
        escape;   /* 0; 1 after a backslash; 2..5: 5 minus the number of missing digits of \u */
    uint8_t more; /* number of missing continuation bytes */
    uint8_t least, most; /* permitted range of the next continuation byte */
    uint16_t unit;       /* value of \u so far */
    bool high;           /* a high surrogate must be followed by a low surrogate */
};

void ward_json_scan_init(struct ward_json_scan *s, int max_depth);
bool ward_json_scan_byte(struct ward_json_scan *s, unsigned char c); /* false after a fault */
bool ward_json_scan(struct ward_json_scan *s, const char *p, size_t n);
bool ward_json_scan_end(struct ward_json_scan *s);

/* Records a fault with line, byte and path ("" at the root). */
enum ward_code ward_json_fail(enum json_fault fault, uint64_t byte, uint64_t line,
                              const char *path, struct ward_err *err);
/* ward_json_parse for a part of a larger text, whose first byte is at `byte` and `line`. */
enum ward_code ward_json_parse_at(const char *bytes, size_t n, uint64_t byte, uint64_t line,
                                  const struct ward_json_limits *limits, struct ward_arena *mem,
                                  const struct ward_json **out, struct ward_err *err);

enum ward_code ward_json_full(struct ward_err *err);
enum ward_code ward_json_too_large(const char *what, size_t most, struct ward_err *err);

#endif
