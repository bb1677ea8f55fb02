#include "services/records/fhir/fhir_own.h"

struct visit {
    struct fhir_path path;
    fhir_visit_fn *fn;
    void *arg;
};

static enum ward_code into(struct visit *v, const Message *m, struct ward_err *err);

static enum ward_code one(struct visit *v, const Message *m, const Field *f, size_t i,
                          struct ward_err *err)
{
    void *value = field_at(m, f, i);
    size_t was = path_push_field(&v->path, f, i);
    enum ward_code code = v->fn(v->arg, v->path.text, m, f, value, err);

    if (code == WARD_OK && f->type == PROTOBUF_C_TYPE_MESSAGE && !is_decimal(f) &&
        *(Message **)value != NULL)
        code = into(v, *(Message **)value, err);
    path_cut(&v->path, was);
    return code;
}

static enum ward_code into(struct visit *v, const Message *m, struct ward_err *err)
{
    for (unsigned k = 0; k < m->descriptor->n_fields; k++) {
        const Field *f = &m->descriptor->fields[k];
        size_t n = field_count(m, f);

        for (size_t i = 0; i < n; i++)
            WARD_TRY(one(v, m, f, i, err));
    }
    return WARD_OK;
}

enum ward_code fhir_visit(struct ward_arena *mem, const Resource *res, fhir_visit_fn *fn,
                          void *arg, struct ward_err *err)
{
    struct visit v = {.fn = fn, .arg = arg};
    const Message *body = fhir_body(res);

    (void)mem;
    if (body == NULL)
        return WARD_OK;
    path_start(&v.path, body->descriptor->short_name);
    return into(&v, body, err);
}
