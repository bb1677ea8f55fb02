#include "services/records/exchange/clean_walk.h"

#include <stdio.h>
#include <string.h>

struct walk {
    walk_fn *fn;
    void *arg;
    char path[WALK_PATH];
};

void walk_camel(const char *name, char *out)
{
    for (; *name != '\0'; name++) {
        bool up = *name == '_' && name[1] >= 'a' && name[1] <= 'z';

        if (up)
            name++;
        *out++ = up ? (char)(*name - 'a' + 'A') : *name;
    }
    *out = '\0';
}

size_t walk_count(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    const char *at = (const char *)m + f->offset;
    const char *quantifier = (const char *)m + f->quantifier_offset;

    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)(const void *)quantifier;
    if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        return *(const uint32_t *)(const void *)quantifier == f->id;
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(ProtobufCMessage *const *)(const void *)at != NULL;
    case PROTOBUF_C_TYPE_STRING:
        return **(char *const *)(const void *)at != '\0';
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)(const void *)at)->len > 0;
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)(const void *)at != 0;
    default: /* resources have no other types than enums and 32-bit numbers */
        return *(const uint32_t *)(const void *)at != 0;
    }
}

ProtobufCMessage *walk_sub(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                           size_t i)
{
    const void *at = (const char *)m + f->offset;

    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return (*(ProtobufCMessage *const *const *)at)[i];
    return *(ProtobufCMessage *const *)at;
}

/* Appends the i-th value's field to the path of its message, which ends at n. */
static size_t step(struct walk *w, size_t n, const ProtobufCFieldDescriptor *f, size_t i)
{
    char name[64];
    int got;

    if (n >= sizeof(w->path) - 1 || strlen(f->name) >= sizeof(name))
        return n;
    walk_camel(f->name, name);
    got = f->label == PROTOBUF_C_LABEL_REPEATED
              ? snprintf(w->path + n, sizeof(w->path) - n, ".%s[%zu]", name, i)
              : snprintf(w->path + n, sizeof(w->path) - n, ".%s", name);
    return n + (size_t)got < sizeof(w->path) ? n + (size_t)got : sizeof(w->path) - 1;
}

static enum ward_code visit(struct walk *w, size_t n, ProtobufCMessage *m, struct ward_err *err)
{
    const ProtobufCMessageDescriptor *d = m->descriptor;
    bool into = true;

    WARD_TRY(w->fn(w->arg, w->path, m, &into, err));
    for (unsigned k = 0; into && k < d->n_fields; k++) {
        const ProtobufCFieldDescriptor *f = &d->fields[k];
        size_t count = f->type == PROTOBUF_C_TYPE_MESSAGE ? walk_count(m, f) : 0;

        for (size_t i = 0; i < count; i++) {
            WARD_TRY(visit(w, step(w, n, f, i), walk_sub(m, f, i), err));
            w->path[n] = '\0';
        }
    }
    return WARD_OK;
}

enum ward_code walk_messages(Resource *res, walk_fn *fn, void *arg, struct ward_err *err)
{
    struct walk w = {.fn = fn, .arg = arg};
    const ProtobufCMessageDescriptor *d = res->base.descriptor;

    for (unsigned k = 0; k < d->n_fields; k++) {
        const ProtobufCFieldDescriptor *f = &d->fields[k];
        ProtobufCMessage *m;

        if (walk_count(&res->base, f) == 0)
            continue;
        m = walk_sub(&res->base, f, 0);
        snprintf(w.path, sizeof(w.path), "%s", m->descriptor->short_name);
        return visit(&w, strlen(w.path), m, err);
    }
    return WARD_OK;
}
