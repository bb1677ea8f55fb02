/* JSON: what is read is written and read again as the same; and as a stream, cut where the
 * first byte says, elements and rest are those of the whole. max_len: 8192 */
#include "common/json/stream.h"
#include "common/json/write.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CAP ((size_t)4 << 20)

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void again(const struct ward_json *v, struct ward_arena *mem)
{
    struct ward_json_out w = {.mem = mem}, x = {.mem = mem};
    const struct ward_json *u = NULL;
    const char *once = NULL, *twice = NULL;
    size_t n = 0;

    ward_json_value(&w, v);
    check(ward_json_done(&w, &once, &n, NULL) == WARD_OK, "cannot be written");
    check(ward_json_parse(once, n, NULL, mem, &u, NULL) == WARD_OK, "wrote no JSON");
    check(ward_json_equal(v, u), "wrote another value");
    ward_json_value(&x, u);
    check(ward_json_done(&x, &twice, NULL, NULL) == WARD_OK && strcmp(once, twice) == 0,
          "wrote it otherwise");
}

struct seen {
    const struct ward_json *whole; /* NULL where the whole is not JSON */
    uint64_t n;
};

static enum ward_code see(void *ctx, const struct ward_json_element *e,
                          const struct ward_err *why, struct ward_err *err)
{
    struct seen *s = ctx;

    (void)err;
    check((why == NULL) == (e->value != NULL), "an element without a reason");
    check(e->index == s->n++, "out of order");
    if (s->whole == NULL)
        return WARD_OK;
    check(why == NULL, "refused an element of what was taken whole");
    check(ward_json_equal(e->value,
                          ward_json_at(ward_json_get(s->whole, "entry"), (size_t)e->index)),
          "another element");
    return WARD_OK;
}

/* A whole that is an object is read as a stream too, and to the same; what fails as a whole
 * fails as a stream, unless the fault was within an element, which `see` lets pass. */
static void stream(const char *p, size_t n, size_t chunk, const struct ward_json *whole)
{
    struct seen seen = {.whole = ward_json_is(whole, WARD_JSON_OBJECT) ? whole : NULL};
    struct ward_json_stream_config cfg = {.key = "entry",
                                          .element = see,
                                          .ctx = &seen,
                                          .element_arena = ARENA_CAP,
                                          /* an element is one deeper in the whole, or two */
                                          .depth = WARD_JSON_DEPTH};
    struct ward_json_stream *s = NULL;
    const struct ward_json *rest = NULL, *list = ward_json_get(whole, "entry");
    enum ward_code code = WARD_OK;

    check(ward_json_stream_open(&cfg, &s, NULL) == WARD_OK, "no stream");
    for (size_t i = 0; i < n && code == WARD_OK; i += chunk)
        code = ward_json_stream_feed(s, p + i, n - i < chunk ? n - i : chunk, NULL);
    code = ward_json_stream_end(s, &rest, NULL);
    check((code == WARD_OK) == (rest != NULL), "half a rest");
    if (whole != NULL && whole->kind != WARD_JSON_OBJECT)
        check(code != WARD_OK, "a stream of no object");
    if (code == WARD_OK && seen.whole != NULL) {
        check(rest->count == whole->count, "another rest");
        check(seen.n == (ward_json_is(list, WARD_JSON_ARRAY) ? list->count : 0),
              "other elements");
    }
    ward_json_stream_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ward_json *v = NULL;
    struct ward_err err = {0};
    struct ward_arena mem;
    enum ward_code code;
    const char *p;
    size_t n;

    if (size == 0)
        return 0;
    p = (const char *)data + 1;
    n = size - 1;
    ward_arena_init(&mem, ARENA_CAP);
    code = ward_json_parse(p, n, NULL, &mem, &v, &err);
    check((code == WARD_OK) == (v != NULL), "half a value");
    check(code == WARD_OK || err.reason[0] != '\0', "no reason");
    if (code == WARD_OK)
        again(v, &mem);
    stream(p, n, (size_t)data[0] + 1, v);
    ward_arena_done(&mem);
    return 0;
}
