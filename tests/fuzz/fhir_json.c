/* FHIR's JSON: any bytes are refused, or become a resource that comes out as it went in.
 * links: records
 * max_len: 8192 */
#include "services/records/exchange/bundle_split.h"
#include "services/records/fhir/fhir.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct ward_arena mem;

static void check(bool ok)
{
    if (!ok)
        abort();
}

static const struct ward_json *parse(const char *s, size_t n)
{
    const struct ward_json *v;

    return ward_json_parse(s, n, NULL, &mem, &v, NULL) == WARD_OK ? v : NULL;
}

static const struct ward_json *print(const Resource *res)
{
    struct ward_json_out w = {.mem = &mem};
    const char *text;
    size_t n;

    /* What nests as deep as JSON may is one level too deep for nobody: it came from JSON. */
    check(fhir_to_json(&w, res, NULL) == WARD_OK);
    check(ward_json_done(&w, &text, &n, NULL) == WARD_OK);
    return parse(text, n);
}

/* What is stored is packed and unpacked between. */
static Resource *stored(const Resource *res)
{
    size_t n = ward__records__v1__resource__get_packed_size(res);
    uint8_t *p = ward_alloc(&mem, n);
    Resource *back;

    check(p != NULL && ward__records__v1__resource__pack(res, p) == n);
    back = ward__records__v1__resource__unpack(NULL, n, p);
    check(back != NULL);
    return back;
}

static void a_resource(const struct ward_json *v)
{
    struct ward_err err = {0};
    Resource *res = NULL, *back;
    const struct ward_json *out;
    enum ward_code code = fhir_of_json(&mem, v, NULL, NULL, &res, &err);

    check(code == WARD_OK || code == WARD_INVALID_ARGUMENT || code == WARD_RESOURCE_EXHAUSTED);
    if (code != WARD_OK)
        return;
    back = stored(res);
    out = print(back);
    check(out != NULL && ward_json_equal(v, out));
    code = fhir_check(&mem, back, &err);
    check(code == WARD_OK || code == WARD_INVALID_ARGUMENT);
    check(code == WARD_OK || *err.field != '\0');
    ward__records__v1__resource__free_unpacked(back, NULL);
}

/* However they are cut, the same bytes are the same objects. */
static void bundles(const char *p, size_t size)
{
    struct bundle_split s = {0};
    size_t whole = 0, cut = 0, skip, took;
    bool ends;

    for (size_t at = 0; at < size; at += took) {
        took = bundle_split(&s, p + at, size - at, &skip, &ends);
        check(took > 0 && took <= size - at && skip <= took);
        whole += ends;
    }
    s = (struct bundle_split){0};
    for (size_t at = 0; at < size; at++) {
        took = bundle_split(&s, p + at, 1, &skip, &ends);
        check(took == 1);
        cut += ends;
    }
    check(whole == cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ward_json *v;

    if (mem.cap == 0)
        ward_arena_init(&mem, (size_t)16 << 20);
    bundles((const char *)data, size);
    v = parse((const char *)data, size);
    if (v != NULL)
        a_resource(v);
    ward_arena_reset(&mem);
    return 0;
}
