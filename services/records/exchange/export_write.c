#include "services/records/exchange/export.h"

#include "services/records/fhir/fhir.h"
#include "ward/records/v1/exchange.pb-c.h"

#include <string.h>

typedef Ward__Records__V1__Cleaned Cleaned;
typedef Ward__Records__V1__Record Record;

enum ward_code export_open(struct export_out *o, struct ward_call *c, struct ward_err *err)
{
    *o = (struct export_out){.call = c, .chunk = ward_alloc(c->mem, EXPORT_CHUNK)};
    return o->chunk == NULL
               ? WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL", "no memory")
               : WARD_OK;
}

enum ward_code export_flush(struct export_out *o)
{
    Ward__Records__V1__ExportBundleResponse m = WARD__RECORDS__V1__EXPORT_BUNDLE_RESPONSE__INIT;

    if (o->n == 0)
        return WARD_OK;
    m.chunk.data = o->chunk;
    m.chunk.len = o->n;
    m.resources = o->resources;
    o->n = 0;
    return ward_send(o->call, &m.base);
}

static enum ward_code put(struct export_out *o, const char *s, size_t n)
{
    while (n > 0) {
        size_t room = EXPORT_CHUNK - o->n, some = n < room ? n : room;

        memcpy(o->chunk + o->n, s, some);
        o->n += some;
        s += some;
        n -= some;
        if (o->n == EXPORT_CHUNK)
            WARD_TRY(export_flush(o));
    }
    return WARD_OK;
}

static enum ward_code put_text(struct export_out *o, const char *s)
{
    return put(o, s, strlen(s));
}

enum ward_code export_begin(struct export_out *o)
{
    o->any = false;
    return put_text(o, "{\"resourceType\":\"Bundle\",\"type\":\"collection\"");
}

/* FHIR has no empty list: an empty chart has no "entry". */
enum ward_code export_end(struct export_out *o)
{
    return put_text(o, o->any ? "]}\n" : "}\n");
}

/* ---- one resource ---- */

struct putting_back {
    struct ward_arena *mem;
    const Cleaned *const *at;
    size_t n;
};

/* Reads the text before the normalization: a JSON string, or "" for no text. */
static enum ward_code before(const struct putting_back *b, const Cleaned *c, char **out,
                             struct ward_err *err)
{
    const struct ward_json *v = NULL;
    const char *s = "";

    if (c->before != NULL && *c->before != '\0') {
        WARD_TRY(ward_json_parse(c->before, strlen(c->before), NULL, b->mem, &v, err));
        s = ward_json_string(v);
    }
    *out = ward_strdup(b->mem, s == NULL ? "" : s);
    return *out == NULL ? WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL", "no memory")
                        : WARD_OK;
}

static enum ward_code visit(void *arg, const char *path, const ProtobufCMessage *m,
                            const ProtobufCFieldDescriptor *f, void *value,
                            struct ward_err *err)
{
    const struct putting_back *b = arg;

    (void)m;
    if (f->type != PROTOBUF_C_TYPE_STRING)
        return WARD_OK;
    for (size_t i = 0; i < b->n; i++)
        if (strcmp(b->at[i]->path, path) == 0)
            return before(b, b->at[i], value, err);
    return WARD_OK;
}

static enum ward_code entry(struct ward_arena *mem, const Record *r, const char **text,
                            size_t *n, struct ward_err *err)
{
    struct ward_json_out w = {.mem = mem};
    const char *url = ward_printf(mem, "urn:uuid:%s", resource_id(r->resource));

    if (url == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL", "no memory");
    ward_json_object_begin(&w);
    ward_json_put_text(&w, "fullUrl", url);
    ward_json_key(&w, "resource");
    WARD_TRY(fhir_to_json(&w, r->resource, err));
    ward_json_object_end(&w);
    return ward_json_done(&w, text, n, err);
}

enum ward_code export_record(struct export_out *o, struct ward_arena *mem, Record *r,
                             struct ward_err *err)
{
    struct putting_back b = {
        .mem = mem, .at = (const Cleaned *const *)r->cleaned, .n = r->n_cleaned};
    const char *text;
    size_t n;

    if (b.n > 0)
        WARD_TRY(fhir_visit(mem, r->resource, visit, &b, err));
    WARD_TRY(entry(mem, r, &text, &n, err));
    WARD_TRY(put_text(o, o->any ? "," : ",\"entry\":["));
    o->any = true;
    o->resources++;
    return put(o, text, n);
}
