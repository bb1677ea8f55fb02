/* stream.h - reads a JSON object that is too large for memory, one element of one of its arrays
 * at a time.
 *
 * The caller feeds bytes as they arrive. Each element of the top-level array under `key` (a
 * bundle's "entry") is parsed and passed on as soon as its last byte has arrived. The rest of
 * the object, with that array empty, is returned at the end. A file of 200 MB therefore needs
 * the memory of one element, and ward_json_parse's rules apply to each element.
 *
 *     WARD_TRY(ward_json_stream_open(&cfg, &s, err));
 *     while (more) WARD_TRY(ward_json_stream_feed(s, bytes, n, err));
 *     WARD_TRY(ward_json_stream_end(s, &rest, err));
 *     ward_json_stream_close(s);
 *
 * Elements before a malformed byte are still passed on. The caller decides whether to process
 * each element or to wait for the end.
 *
 * Threads: one for each stream. Memory: the stream's own, at most twice element_bytes +
 * rest_bytes for text, and element_arena for the current value. Errors: as json.h's, sticky.
 * Byte and line count from the first byte, the path from the element's root; positions in the
 * rest do not count the elements. JSON_TOO_LARGE: an element over element_bytes, or the rest
 * over rest_bytes. A callback's failure is returned unchanged.
 */
#ifndef WARD_JSON_STREAM_H
#define WARD_JSON_STREAM_H

#include "common/json/json.h"

struct ward_json_element {
    const struct ward_json *value; /* valid until the callback returns */
    const char *text;              /* the unchanged bytes */
    size_t n;
    uint64_t index, byte, line; /* position of the first byte: from 0, 0, 1 */
    struct ward_arena *mem;     /* reset after the callback */
};

/* Also called for a rejected element with a known end (value NULL, *why has the cause). Return
 * WARD_OK to continue with the next element, or why->code to stop. */
typedef enum ward_code ward_json_element_fn(void *ctx, const struct ward_json_element *e,
                                            const struct ward_err *why, struct ward_err *err);

struct ward_json_stream_config {
    const char *key;      /* "entry" */
    size_t element_bytes; /* limit of an element's text; 0: 16 MiB */
    size_t element_arena; /* memory for its value; 0: 12 x element_bytes + 64 KiB */
    size_t rest_bytes;    /* limit of the rest; 0: 1 MiB */
    int depth;            /* limit within an element; 0: WARD_JSON_DEPTH */
    ward_json_element_fn *element;
    void *ctx;
};

struct ward_json_stream;

WARD_MUST enum ward_code ward_json_stream_open(const struct ward_json_stream_config *cfg,
                                               struct ward_json_stream **out,
                                               struct ward_err *err);
WARD_MUST enum ward_code ward_json_stream_feed(struct ward_json_stream *s, const void *bytes,
                                               size_t n, struct ward_err *err);

/* Call after the last byte. *rest is valid until close. The member of *rest under `key` is an
 * empty array, or absent if the object did not have the array. */
WARD_MUST enum ward_code ward_json_stream_end(struct ward_json_stream *s,
                                              const struct ward_json **rest,
                                              struct ward_err *err);
void ward_json_stream_close(struct ward_json_stream *s); /* accepts NULL */

#endif
