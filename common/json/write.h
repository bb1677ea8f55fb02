/* write.h - writes compact JSON text into an arena, with the escapes that RFC 8259 requires.
 *
 *     struct ward_json_out w = {.mem = mem};
 *     ward_json_object_begin(&w);
 *     ward_json_key(&w, "resourceType"), ward_json_text(&w, "Patient");
 *     ward_json_object_end(&w);
 *     WARD_TRY(ward_json_done(&w, &text, &n, err));
 *
 * Errors are sticky: after a failure, further steps do nothing, and ward_json_done returns the
 * failure. Strings must be UTF-8 without NUL.
 *
 * Threads: one for each writer. Memory: the arena's; a text of n bytes takes about 2 n, or n if
 * it is short. Errors: only from ward_json_done: RESOURCE_EXHAUSTED (ARENA_FULL),
 * INVALID_ARGUMENT (JSON_NOT_UTF8, JSON_BAD_STRING: a string argument; JSON_MALFORMED: an
 * invalid number, a misplaced key, an open container, or more than WARD_JSON_DEPTH levels).
 */
#ifndef WARD_JSON_WRITE_H
#define WARD_JSON_WRITE_H

#include "common/json/json.h"

struct ward_json_out {
    struct ward_arena *mem;
    /* private */
    struct ward_json_piece *first, *last; /* the text so far */
    size_t n;
    int depth;
    bool keyed;             /* a key needs its value */
    bool full, misused;     /* sticky */
    const char *bad_string; /* sticky: the reason */
    bool in_object[WARD_JSON_DEPTH + 1], has_any[WARD_JSON_DEPTH + 1];
};

void ward_json_object_begin(struct ward_json_out *w);
void ward_json_object_end(struct ward_json_out *w);
void ward_json_array_begin(struct ward_json_out *w);
void ward_json_array_end(struct ward_json_out *w);
void ward_json_key(struct ward_json_out *w, const char *key);
void ward_json_key_n(struct ward_json_out *w, const char *key, size_t n);
void ward_json_text(struct ward_json_out *w, const char *s); /* NULL writes null */
void ward_json_text_n(struct ward_json_out *w, const char *s, size_t n);
void ward_json_decimal(struct ward_json_out *w, const char *s,
                       size_t n); /* the text of a number */
void ward_json_int(struct ward_json_out *w, int64_t n);
void ward_json_bool(struct ward_json_out *w, bool b);
void ward_json_null(struct ward_json_out *w);
void ward_json_raw(struct ward_json_out *w, const char *s,
                   size_t n); /* one value; not checked */
void ward_json_value(struct ward_json_out *w, const struct ward_json *v); /* all of v */

/* Writes a key and its value. */
void ward_json_put_text(struct ward_json_out *w, const char *key, const char *s);
void ward_json_put_int(struct ward_json_out *w, const char *key, int64_t n);
void ward_json_put_bool(struct ward_json_out *w, const char *key, bool b);

/* Returns the text, NUL-terminated in the arena; n may be NULL. */
WARD_MUST enum ward_code ward_json_done(struct ward_json_out *w, const char **text, size_t *n,
                                        struct ward_err *err);

#endif
