/* Reads the methods' properties from the descriptors, and binds a service's table to them. */
#include "common/rpc/methods_set.h"
#include "common/rpc/wire.h"

#include <stdlib.h>
#include <string.h>
#include <ward/options/v1/options.pb-c.h>

#define RULES_FIELD       50601 /* extension (ward.options.v1.rules) of MethodOptions */
#define UNARY_DEADLINE_MS 10000 /* default of methods without a deadline */
#define SCRATCH_CAP       ((size_t)256 << 20)

typedef Google__Protobuf__FileDescriptorSet SetProto;
typedef Google__Protobuf__FileDescriptorProto FileProto;
typedef Google__Protobuf__ServiceDescriptorProto ServiceProto;
typedef Google__Protobuf__MethodDescriptorProto MethodProto;
typedef Google__Protobuf__MethodOptions OptionsProto;
typedef Ward__Options__V1__MethodRules Rules;

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the descriptors");
}

/* Reads the rules of a method. The extension is an unknown field with its length before its
 * bytes. *out is unchanged if the method has no rules. */
static enum ward_code read_rules(const OptionsProto *o, const char *path,
                                 struct ward_arena *mem, const Rules **out,
                                 struct ward_err *err)
{
    const ProtobufCMessageUnknownField *f = NULL;
    enum ward_code code;
    ProtobufCMessage *msg;
    size_t skip = 0;

    for (unsigned i = 0; o != NULL && i < o->base.n_unknown_fields; i++)
        if (o->base.unknown_fields[i].tag == RULES_FIELD)
            f = &o->base.unknown_fields[i];
    if (f == NULL)
        return WARD_OK;
    if (f->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the rules of %s cannot be read", path);
    while (skip < f->len && f->data[skip++] >= 0x80)
        ;
    code = ward_wire_unpack(&ward__options__v1__method_rules__descriptor, f->data + skip,
                            f->len - skip, mem, &msg, err);
    if (code == WARD_RESOURCE_EXHAUSTED)
        return no_memory(err);
    if (code != WARD_OK)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the rules of %s cannot be read", path);
    *out = (const Rules *)msg;
    return WARD_OK;
}

static enum ward_code apply_rules(const Rules *r, struct ward_method_info *info,
                                  struct ward_err *err)
{
    bool streams = info->client_streaming || info->server_streaming;

    info->lane = streams ? WARD_LANE_STREAM : WARD_LANE_WORKER;
    info->deadline_ms = streams ? 0 : UNARY_DEADLINE_MS;
    if (r == NULL)
        return WARD_OK;
    if (r->deadline_ms < 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s has a negative deadline", info->path);
    if (r->deadline_ms > 0)
        info->deadline_ms = r->deadline_ms;
    switch (r->lane) {
    case WARD__OPTIONS__V1__LANE__LANE_UNSPECIFIED:
        break;
    case WARD__OPTIONS__V1__LANE__LANE_WORKER:
        info->lane = WARD_LANE_WORKER;
        break;
    case WARD__OPTIONS__V1__LANE__LANE_INLINE:
        info->lane = WARD_LANE_INLINE;
        break;
    case WARD__OPTIONS__V1__LANE__LANE_STREAM:
        info->lane = WARD_LANE_STREAM;
        break;
    case WARD__OPTIONS__V1__LANE__LANE_BEDSIDE:
        info->lane = WARD_LANE_BEDSIDE;
        break;
    default:
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s has an unknown lane", info->path);
    }
    if (streams && info->lane == WARD_LANE_INLINE)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s streams, so it cannot be LANE_INLINE",
                         info->path);
    info->audited = r->audited;
    info->n_callers = (int)r->n_callers;
    info->callers = (const char *const *)r->callers;
    info->n_roles = (int)r->n_roles;
    info->roles = (const char *const *)r->roles;
    info->n_services = (int)r->n_services;
    info->services = (const char *const *)r->services;
    return WARD_OK;
}

static const char *full_name(struct ward_arena *mem, const char *package, const char *name)
{
    if (package == NULL || *package == '\0')
        return ward_strdup(mem, name);
    return ward_printf(mem, "%s.%s", package, name);
}

static const char *type_name(struct ward_arena *mem, const char *absolute)
{
    return ward_strdup(mem, absolute == NULL || *absolute != '.' ? "" : absolute + 1);
}

static enum ward_code read_method(const char *service, const MethodProto *m,
                                  struct ward_arena *mem, struct ward_set_method *out,
                                  struct ward_err *err)
{
    const OptionsProto *o = m->options;
    const Rules *rules = NULL;

    out->info.service = service;
    out->info.path = ward_printf(mem, "/%s/%s", service, m->name == NULL ? "" : m->name);
    out->input = type_name(mem, m->input_type);
    out->output = type_name(mem, m->output_type);
    if (out->info.path == NULL || out->input == NULL || out->output == NULL)
        return no_memory(err);
    out->info.client_streaming = m->client_streaming;
    out->info.server_streaming = m->server_streaming;
    out->info.idempotent =
        o != NULL &&
        o->idempotency_level !=
            GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__IDEMPOTENCY_UNKNOWN;
    WARD_TRY(read_rules(o, out->info.path, mem, &rules, err));
    return apply_rules(rules, &out->info, err);
}

static int by_path(const void *a, const void *b)
{
    const struct ward_set_method *x = a, *y = b;

    return strcmp(x->info.path, y->info.path);
}

static enum ward_code read_services(const FileProto *f, struct ward_set *set,
                                    struct ward_arena *mem, struct ward_err *err)
{
    for (size_t i = 0; i < f->n_service; i++) {
        const ServiceProto *s = f->service[i];
        const char *name = full_name(mem, f->package, s->name == NULL ? "" : s->name);

        if (name == NULL)
            return no_memory(err);
        for (size_t k = 0; k < s->n_method; k++)
            WARD_TRY(
                read_method(name, s->method[k], mem, &set->methods[set->n_methods++], err));
    }
    return WARD_OK;
}

static enum ward_code read_methods(const SetProto *proto, struct ward_set *set,
                                   struct ward_arena *mem, struct ward_err *err)
{
    size_t n = 0;

    for (size_t i = 0; i < proto->n_file; i++)
        for (size_t k = 0; k < proto->file[i]->n_service; k++)
            n += proto->file[i]->service[k]->n_method;
    set->methods = ward_alloc(mem, n * sizeof(*set->methods));
    if (set->methods == NULL)
        return no_memory(err);
    for (size_t i = 0; i < proto->n_file; i++)
        WARD_TRY(read_services(proto->file[i], set, mem, err));
    qsort(set->methods, set->n_methods, sizeof(*set->methods), by_path);
    return WARD_OK;
}

static enum ward_code read_set(const SetProto *proto, struct ward_arena *mem,
                               struct ward_set **out, struct ward_err *err)
{
    struct ward_set *set = ward_new(mem, struct ward_set);

    if (set == NULL)
        return no_memory(err);
    WARD_TRY(read_methods(proto, set, mem, err));
    WARD_TRY(ward_set_index(proto, set, mem, err));
    *out = set;
    return WARD_OK;
}

enum ward_code ward_set_parse(const struct ward_descriptors *d, struct ward_arena *mem,
                              struct ward_set **out, struct ward_err *err)
{
    /* The decoded messages are several times larger than their bytes, so they are freed. */
    struct ward_arena scratch;
    ProtobufCMessage *proto;
    enum ward_code code;

    ward_arena_init(&scratch, SCRATCH_CAP);
    code = ward_wire_decode(&google__protobuf__file_descriptor_set__descriptor, d->data, d->len,
                            &scratch, &proto, err);
    if (code == WARD_INVALID_ARGUMENT)
        code = WARD_FAIL(err, FAILED_PRECONDITION, "the descriptors cannot be read");
    else if (code == WARD_OK)
        code = read_set((const SetProto *)proto, mem, out, err);
    ward_arena_done(&scratch);
    return code;
}

static const struct ward_set_method *find(const struct ward_set *set, const char *path)
{
    struct ward_set_method key = {.info.path = path};

    return bsearch(&key, set->methods, set->n_methods, sizeof(key), by_path);
}

const struct ward_method_info *ward_set_method(const struct ward_set *set, const char *path)
{
    const struct ward_set_method *m = find(set, path);

    return m == NULL ? NULL : &m->info;
}

static enum ward_code bind_row(const struct ward_set *set, const struct ward_method *row,
                               const struct ward_method_info **info, struct ward_err *err)
{
    const struct ward_set_method *m = find(set, row->path);

    if (m == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "no .proto has the method %s", row->path);
    if (row->fn == NULL || row->req == NULL || row->resp == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the row of %s lacks a handler or a type",
                         row->path);
    if (strcmp(row->req->name, m->input) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s takes a %s, but its table row says %s",
                         row->path, m->input, row->req->name);
    if (strcmp(row->resp->name, m->output) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s returns a %s, but its table row says %s",
                         row->path, m->output, row->resp->name);
    *info = &m->info;
    return WARD_OK;
}

/* Returns the number of rows for this method. *served: at least one row belongs to its
 * service. */
static int rows_of(const struct ward_method_info *const *infos, int n,
                   const struct ward_method_info *m, bool *served)
{
    int rows = 0;

    *served = false;
    for (int i = 0; i < n; i++) {
        rows += infos[i] == m;
        *served = *served || strcmp(infos[i]->service, m->service) == 0;
    }
    return rows;
}

enum ward_code ward_set_bind(const struct ward_set *set, const struct ward_method *methods,
                             const struct ward_method_info ***infos, int *n,
                             struct ward_arena *mem, struct ward_err *err)
{
    const struct ward_method_info **list;
    int count = 0;
    bool served;

    while (methods[count].path != NULL)
        count++;
    list = ward_alloc(mem, (size_t)count * sizeof(const struct ward_method_info *));
    if (list == NULL)
        return no_memory(err);
    for (int i = 0; i < count; i++)
        WARD_TRY(bind_row(set, &methods[i], &list[i], err));
    for (size_t i = 0; i < set->n_methods; i++) {
        const struct ward_method_info *m = &set->methods[i].info;
        int rows = rows_of(list, count, m, &served);

        if (served && rows != 1)
            return WARD_FAIL(err, FAILED_PRECONDITION,
                             "%s has %d rows in the table instead of one row", m->path, rows);
    }
    *infos = list;
    *n = count;
    return WARD_OK;
}
