/* Combines all of a subject's templates of one model. */
#include "services/identity/subject/fuse.h"

#include "services/identity/subject/rows.h"

#include <math.h>
#include <string.h>

bool fuse_add(double sum[TEMPLATE_DIM_MAX], const float *v, int dim)
{
    for (int i = 0; i < dim; i++) {
        if (!isfinite(v[i]))
            return false;
        sum[i] += (double)v[i];
    }
    return true;
}

bool fuse_end(const double sum[TEMPLATE_DIM_MAX], int dim, float *out)
{
    double norm = 0;

    for (int i = 0; i < dim; i++)
        norm += sum[i] * sum[i];
    norm = sqrt(norm);
    if (!(norm > 1e-6)) /* the embeddings cancel each other: no mean direction exists */
        return false;
    for (int i = 0; i < dim; i++)
        out[i] = (float)(sum[i] / norm);
    return true;
}

struct fusing {
    struct worker *w;
    const struct kept_template *t;
    size_t n;
    int generation;
    uint8_t key[WARD_KEY_SIZE];
};

/* Decrypts a template and transforms it to the newest generation among the subject's
 * templates. */
static enum ward_code open_one(struct fusing *f, const struct sealed_template *t, float *v,
                               struct ward_err *err)
{
    struct keys *keys = f->w->id->keys;

    WARD_TRY(template_open(f->key, t, v, err));
    if (t->generation == f->generation)
        return WARD_OK;
    WARD_TRY(keys_turn_back(keys, f->w->db, t->kind, t->generation, t->dim, v, err));
    return keys_turn(keys, f->w->db, t->kind, f->generation, t->dim, v, err);
}

static enum ward_code fuse_all(struct fusing *f, struct fused *out, struct ward_err *err)
{
    double sum[TEMPLATE_DIM_MAX] = {0};
    float v[TEMPLATE_DIM_MAX];
    enum ward_code code = WARD_OK;
    bool whole = true;
    int dim = f->t[0].sealed.dim;

    for (size_t i = 0; i < f->n && code == WARD_OK && whole; i++) {
        code = open_one(f, &f->t[i].sealed, v, err);
        whole = code != WARD_OK || (f->t[i].sealed.dim == dim && fuse_add(sum, v, dim));
    }
    if (code == WARD_OK && (!whole || !fuse_end(sum, dim, out->v)))
        code = WARD_FAIL(err, DATA_LOSS, "templates of one model differ in size");
    ward_wipe(v, sizeof(v));
    ward_wipe(sum, sizeof(sum));
    out->n = (int)f->n;
    out->generation = f->generation;
    out->dim = dim;
    return code;
}

static enum ward_code none_of_it(struct worker *w, struct ward_arena *mem,
                                 const struct subject *s, struct fused *out,
                                 struct ward_err *err)
{
    struct kept_template *t = NULL;
    size_t n = 0;

    WARD_TRY(templates_list(w->db, mem, s->id, &t, &n, err));
    if (n > 0)
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, "MODEL_CHANGED",
            "another model created the face template: enrol this person again");
    *out = (struct fused){0};
    return WARD_OK;
}

enum ward_code subject_fused(struct worker *w, struct ward_arena *mem, const struct subject *s,
                             const char *model_sha256, struct fused *out, struct ward_err *err)
{
    struct fusing f = {.w = w};
    struct kept_template *t = NULL;
    struct ward_wrapped_key wrapped;
    struct fused all = {0};
    enum ward_code code;
    bool found = false;

    WARD_TRY(face_key_of(w->db, mem, s->id, false, &wrapped, &found, err));
    if (found)
        WARD_TRY(templates_of(w->db, mem, s->id, s->kind, model_sha256, &t, &f.n, err));
    if (f.n == 0)
        return none_of_it(w, mem, s, out, err);
    f.t = t;
    for (size_t i = 0; i < f.n; i++)
        if (t[i].sealed.generation > f.generation)
            f.generation = t[i].sealed.generation;
    WARD_TRY(ward_keyring_unwrap(keys_ring(w->id->keys), w->db, &wrapped, f.key, err));
    code = fuse_all(&f, &all, err);
    ward_wipe(f.key, sizeof(f.key));
    if (code == WARD_OK)
        *out = all;
    ward_wipe(&all, sizeof(all));
    return code;
}
