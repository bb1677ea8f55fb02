/* write.h - JSON text into an arena, compact, escaped as RFC 8259 asks and no more.
 *
 *     struct ward_json_out w = {.mem = mem};
 *     ward_json_object_begin(&w);
 *     ward_json_key(&w, "resourceType"), ward_json_text(&w, "Patient");
 *     ward_json_object_end(&w);
 *     WARD_TRY(ward_json_done(&w, &text, &n, err));
 *
 * Steps are sticky: after a failure the rest do nothing and ward_json_done says which. Strings
 * must be UTF-8 without NUL.
 *
 * Threads: one a writer. Memory: the arena's; a text of n bytes takes about 2 n, or n where it
 * is short. Errors: of ward_json_done only: RESOURCE_EXHAUSTED (ARENA_FULL), INVALID_ARGUMENT
 * (JSON_NOT_UTF8, JSON_BAD_STRING: a string handed in; JSON_MALFORMED: a number that is none, a
 * key where none belongs, something left open, nesting past WARD_JSON_DEPTH).
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
    bool keyed;             /* a key waits for its value */
    bool full, misused;     /* sticky */
    const char *bad_string; /* sticky: its reason */
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
void ward_json_decimal(struct ward_json_out *w, const char *s, size_t n); /* a number's text */
void ward_json_int(struct ward_json_out *w, int64_t n);
void ward_json_bool(struct ward_json_out *w, bool b);
void ward_json_null(struct ward_json_out *w);
void ward_json_raw(struct ward_json_out *w, const char *s, size_t n); /* one value, trusted */
void ward_json_value(struct ward_json_out *w, const struct ward_json *v); /* all of v */

/* A key and its value in one step. */
void ward_json_put_text(struct ward_json_out *w, const char *key, const char *s);
void ward_json_put_int(struct ward_json_out *w, const char *key, int64_t n);
void ward_json_put_bool(struct ward_json_out *w, const char *key, bool b);

/* The text, NUL-terminated in the arena; n may be NULL. */
WARD_MUST enum ward_code ward_json_done(struct ward_json_out *w, const char **text, size_t *n,
                                        struct ward_err *err);

#endif
