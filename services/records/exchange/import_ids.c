#include "services/records/exchange/import_ids.h"

#include "common/base/crypto.h"
#include "services/records/fhir/fhir.h"
#include "services/records/index/resource.h"

#include <string.h>
#include <strings.h>

#define URN    "urn:uuid:"
#define ID_MAX 64

struct rewriting {
    const struct id_source *s;
    struct ward_arena *mem;
    const char *base; /* prefix of the source's absolute URLs: "http://x/fhir/" */
    size_t n_base;
};

static enum ward_code full(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL", "the resource is too large");
}

/* Derives a UUID of version 8 (RFC 9562) from an id of the source. */
static enum ward_code uuid_of(const struct id_source *s, struct ward_arena *mem,
                              const char *kind, const char *id, char **out,
                              struct ward_err *err)
{
    char *named = ward_printf(mem, "%s\n%s\n%s", s->source, kind, id);
    uint8_t sum[WARD_SHA256_SIZE];

    *out = ward_alloc(mem, 37);
    if (named == NULL || *out == NULL)
        return full(err);
    WARD_TRY(ward_keyring_hash(s->keys, "import id", named, strlen(named), sum, err));
    sum[6] = (uint8_t)((sum[6] & 0x0f) | 0x80);
    sum[8] = (uint8_t)((sum[8] & 0x3f) | 0x80);
    ward_uuid_text(sum, *out);
    return WARD_OK;
}

static bool is_uuid(const char *s)
{
    uint8_t id[RECORDS_ID];

    return ward_uuid_parse(s, id);
}

static bool is_id(const char *s)
{
    static const char ID[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";
    size_t n = strlen(s);

    return n > 0 && n <= ID_MAX && strspn(s, ID) == n;
}

/* Length of the prefix "http://x/fhir/" in "http://x/fhir/Patient/1". */
static size_t base_of(const char *url)
{
    const char *last = strrchr(url, '/');

    if (last == NULL || (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
        return 0;
    while (last > url && last[-1] != '/')
        last--;
    return (size_t)(last - url);
}

/* Rewrites "Observation/x1", also with the source's address as a prefix. */
static enum ward_code rewrite(const struct rewriting *r, char **reference, struct ward_err *err)
{
    const char *s = *reference, *slash;
    bool absolute = r->n_base > 0 && strncmp(s, r->base, r->n_base) == 0;
    char kind[32], *id;

    s += absolute ? r->n_base : 0;
    slash = strchr(s, '/');
    if (slash == NULL || (size_t)(slash - s) >= sizeof(kind) || !is_id(slash + 1))
        return WARD_OK;
    memcpy(kind, s, (size_t)(slash - s));
    kind[slash - s] = '\0';
    if (kind_of_chart(kind) == KIND_NONE || (is_uuid(slash + 1) && !absolute))
        return WARD_OK;
    id = *reference + (slash + 1 - *reference); /* the id within *reference */
    if (!is_uuid(id))
        WARD_TRY(uuid_of(r->s, r->mem, kind, id, &id, err));
    *reference = ward_printf(r->mem, "%s/%s", kind, id);
    return *reference == NULL ? full(err) : WARD_OK;
}

static enum ward_code visit(void *arg, const char *path, const ProtobufCMessage *m,
                            const ProtobufCFieldDescriptor *f, void *value,
                            struct ward_err *err)
{
    (void)path;
    if (m->descriptor != &ward__records__v1__reference__descriptor ||
        strcmp(f->name, "reference") != 0)
        return WARD_OK;
    return rewrite(arg, value, err);
}

/* The source's name for a resource: its id, or the entry's fullUrl. A fullUrl in the form
 * urn:uuid is the id, because references in the bundle use that form. */
static const char *given_id(const struct id_source *s, const char *id)
{
    const char *last = strrchr(s->full_url, '/');

    if (strncmp(s->full_url, URN, strlen(URN)) == 0 && is_uuid(s->full_url + strlen(URN)))
        return s->full_url + strlen(URN);
    if (*id != '\0')
        return id;
    return base_of(s->full_url) > 0 && last[1] != '\0' ? last + 1 : s->full_url;
}

static char *fresh_id(struct ward_arena *mem)
{
    uint8_t id[RECORDS_ID];
    char *text = ward_alloc(mem, 37);

    ward_uuid7(id);
    if (text != NULL)
        ward_uuid_text(id, text);
    return text;
}

enum ward_code import_id_of(const struct id_source *s, struct ward_arena *mem, const char *kind,
                            const char *id, char **out, struct ward_err *err)
{
    const char *given = given_id(s, id);

    if (is_uuid(given))
        *out = ward_strdup(mem, given);
    else if (*given != '\0')
        WARD_TRY(uuid_of(s, mem, kind, given, out, err));
    else if (*s->place != '\0')
        WARD_TRY(uuid_of(s, mem, "", s->place, out, err));
    else
        *out = fresh_id(mem);
    return *out == NULL ? full(err) : WARD_OK;
}

static enum ward_code own_id(const struct id_source *s, struct ward_arena *mem, Resource *res,
                             struct ward_err *err)
{
    char *ours;

    WARD_TRY(import_id_of(s, mem, resource_type(res), resource_id(res), &ours, err));
    if (strcasecmp(resource_id(res), ours) != 0)
        resource_set_id(res, ours);
    return WARD_OK;
}

enum ward_code import_ids(const struct id_source *s, struct ward_arena *mem, Resource *res,
                          struct ward_err *err)
{
    struct rewriting r = {.s = s, .mem = mem, .base = s->full_url};

    r.n_base = base_of(s->full_url);
    WARD_TRY(own_id(s, mem, res, err));
    return fhir_visit(mem, res, visit, &r, err);
}
