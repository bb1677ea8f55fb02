#include "services/diagnosis/model/prepare.h"

#include "common/image/image.h"

#include <math.h>
#include <string.h>

/* A film is refused by its header before its pixels are allocated. */
static const struct ward_image_limits limits = {
    .max_bytes = (size_t)8 << 20, .max_pixels = 16000000, .max_side = 16384};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an input");
}

static enum ward_code tensor(struct ward_arena *mem, const char *name, uint32_t rank,
                             const int64_t *shape, struct ward_tensor *out,
                             struct ward_err *err)
{
    *out = (struct ward_tensor){
        .name = name, .dtype = WARD_F32, .rank = rank, .nbytes = sizeof(float)};
    for (uint32_t i = 0; i < rank; i++) {
        out->shape[i] = shape[i];
        out->nbytes *= (uint64_t)shape[i];
    }
    out->data = ward_alloc64(mem, out->nbytes);
    return out->data == NULL ? no_memory(err) : WARD_OK;
}

/* ---- images ---- */

enum ward_code prepare_image(const struct manifest *m, const void *file, size_t n,
                             struct ward_arena *mem, const struct ward_stop *stop,
                             struct ward_tensor *out, float **shown, struct ward_err *err)
{
    const struct steps *s = &m->steps;
    const int64_t shape[] = {1, s->channels, s->height, s->width};
    struct ward_image im;
    struct film film;

    WARD_TRY(ward_image_decode(file, n, &limits, mem, &im, err));
    film = (struct film){.width = im.width, .height = im.height, .rgb = im.rgb};
    WARD_TRY(tensor(mem, m->tensor, 4, shape, out, err));
    *shown = ward_alloc(mem, (size_t)s->width * (size_t)s->height * sizeof(float));
    if (*shown == NULL)
        return no_memory(err);
    return steps_image(s, &film, mem, stop, out->data, *shown, err);
}

/* ---- features ---- */

static int feature_named(const struct manifest *m, const char *name)
{
    for (int i = 0; i < m->n_features; i++)
        if (strcmp(m->feature[i].name, name) == 0)
            return i;
    return -1;
}

static enum ward_code place(const struct manifest *m, const Ward__Diagnosis__V1__Feature *given,
                            double value[MANIFEST_FEATURES], bool has[MANIFEST_FEATURES],
                            struct ward_err *err)
{
    int at = feature_named(m, given->name);

    if (at < 0)
        return WARD_FAIL_FIELD(err, "features.name", "the model has no such feature");
    if (has[at])
        return WARD_FAIL_FIELD(err, "features.name", "a feature is given twice");
    if (!isfinite(given->value))
        return WARD_FAIL_FIELD(err, "features.value", "must be a number");
    has[at] = true;
    value[at] = given->value;
    return WARD_OK;
}

static bool may_be(const struct manifest_feature *f, double v)
{
    if (f->n_values == 0)
        return v >= f->min && v <= f->max;
    for (int i = 0; i < f->n_values; i++)
        if (f->value[i] == v)
            return true;
    return false;
}

enum ward_code prepare_features(const struct manifest *m,
                                const Ward__Diagnosis__V1__Features *given,
                                struct ward_arena *mem, struct ward_tensor *out,
                                const struct manifest_feature **unfit, struct ward_err *err)
{
    const int64_t shape[] = {1, m->n_features};
    double value[MANIFEST_FEATURES] = {0};
    bool has[MANIFEST_FEATURES] = {false};

    *unfit = NULL;
    for (size_t i = 0; i < given->n_features; i++)
        WARD_TRY(place(m, given->features[i], value, has, err));
    WARD_TRY(tensor(mem, m->tensor, 2, shape, out, err));
    for (int i = 0; i < m->n_features; i++) {
        const struct manifest_feature *f = &m->feature[i];
        double v = has[i] ? value[i] : f->missing;

        if (has[i] ? !may_be(f, v) : !f->has_missing) {
            *unfit = f;
            return WARD_OK;
        }
        ((float *)out->data)[i] = (float)v;
    }
    steps_values(&m->steps, out->data, m->n_features);
    return WARD_OK;
}
