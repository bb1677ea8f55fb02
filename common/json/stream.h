/* stream.h - a JSON object too large for memory, one element of one of its arrays at a time.
 *
 * Bytes are fed as they come; each element of the array under `key` at the top (a bundle's
 * "entry") is handed over as a value of its own as soon as its last byte is there. The rest of
 * the object is kept, with that array empty, and given at the end. So 200 MB need one element's
 * memory, and each element is as strictly read as by ward_json_parse.
 *
 *     WARD_TRY(ward_json_stream_open(&cfg, &s, err));
 *     while (more) WARD_TRY(ward_json_stream_feed(s, bytes, n, err));
 *     WARD_TRY(ward_json_stream_end(s, &rest, err));
 *     ward_json_stream_close(s);
 *
 * An element handed over before a later byte proves malformed was still handed over: act on it,
 * or stage it, as the whole's meaning asks.
 *
 * Threads: one a stream. Memory: the stream's own, at most twice element_bytes + rest_bytes for
 * text and element_arena for the value handed over. Errors: as json.h's, sticky. Byte and line
 * count from the first byte fed, the path from the element's root; what is wrong in the rest is
 * counted without the elements. JSON_TOO_LARGE: an element over element_bytes, or the rest over
 * rest_bytes. A callback's own failure is passed up untouched.
 */
#ifndef WARD_JSON_STREAM_H
#define WARD_JSON_STREAM_H

#include "common/json/json.h"

struct ward_json_element {
    const struct ward_json *value; /* until the callback returns */
    const char *text;              /* its bytes as they came */
    size_t n;
    uint64_t index, byte, line; /* of the first byte: from 0, 0, 1 */
    struct ward_arena *mem;     /* reset after the callback */
};

/* Also told of an element that is well delimited but refused (value NULL, *why says why):
 * return WARD_OK to go on with the next one, or why->code to stop. */
typedef enum ward_code ward_json_element_fn(void *ctx, const struct ward_json_element *e,
                                            const struct ward_err *why, struct ward_err *err);

struct ward_json_stream_config {
    const char *key;      /* "entry" */
    size_t element_bytes; /* the longest element's text; 0: 16 MiB */
    size_t element_arena; /* memory its value may take; 0: 12 x that, + 64 KiB */
    size_t rest_bytes;    /* the longest rest; 0: 1 MiB */
    int depth;            /* within an element; 0: WARD_JSON_DEPTH */
    ward_json_element_fn *element;
    void *ctx;
};

struct ward_json_stream;

WARD_MUST enum ward_code ward_json_stream_open(const struct ward_json_stream_config *cfg,
                                               struct ward_json_stream **out,
                                               struct ward_err *err);
WARD_MUST enum ward_code ward_json_stream_feed(struct ward_json_stream *s, const void *bytes,
                                               size_t n, struct ward_err *err);

/* After the last byte. *rest lives until close; its member under `key` is an empty array, or
 * absent where the object had none. */
WARD_MUST enum ward_code ward_json_stream_end(struct ward_json_stream *s,
                                              const struct ward_json **rest,
                                              struct ward_err *err);
void ward_json_stream_close(struct ward_json_stream *s); /* NULL is fine */

#endif
