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

void prepare_grey(const uint8_t *rgb, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = 0.299f * (float)rgb[3 * i] + 0.587f * (float)rgb[3 * i + 1] +
                 0.114f * (float)rgb[3 * i + 2];
}

/* One line of n values, `step` apart, to m values. */
static void line(const float *from, size_t from_step, int n, float *to, size_t to_step, int m)
{
    const double scale = (double)n / m;

    for (int i = 0; i < m; i++) {
        double a = i * scale, b = (i + 1) * scale, sum = 0;

        for (int k = (int)a; k < n && k < b; k++) {
            double share = fmin(b, k + 1) - fmax(a, k);

            sum += share * (double)from[(size_t)k * from_step];
        }
        to[(size_t)i * to_step] = (float)(sum / scale);
    }
}

void prepare_area(const float *from, int sw, int sh, float *to, int dw, int dh, float *tmp)
{
    for (int y = 0; y < sh; y++)
        line(from + (size_t)y * (size_t)sw, 1, sw, tmp + (size_t)y * (size_t)dw, 1, dw);
    for (int x = 0; x < dw; x++)
        line(tmp + x, (size_t)dw, sh, to + x, (size_t)dw, dh);
}

/* The largest square in the middle, in place: what is kept moves to the front. */
static void cut_square(float *grey, int *w, int *h)
{
    int side = *w < *h ? *w : *h, x0 = (*w - side) / 2, y0 = (*h - side) / 2;

    for (int y = 0; y < side; y++)
        memmove(grey + (size_t)y * (size_t)side,
                grey + (size_t)(y + y0) * (size_t)*w + (size_t)x0,
                (size_t)side * sizeof(float));
    *w = *h = side;
}

enum ward_code prepare_image(const struct manifest *m, const void *file, size_t n,
                             struct ward_arena *mem, struct ward_tensor *out,
                             struct ward_err *err)
{
    const int64_t shape[] = {1, 1, m->height, m->width};
    struct ward_image im;
    size_t pixels;
    float *grey, *tmp, *values;

    WARD_TRY(ward_image_decode(file, n, &limits, mem, &im, err));
    WARD_TRY(tensor(mem, m->tensor, 4, shape, out, err));
    pixels = (size_t)im.width * (size_t)im.height;
    grey = ward_alloc(mem, pixels * sizeof(float));
    tmp = ward_alloc(mem, (size_t)m->width * (size_t)im.height * sizeof(float));
    if (grey == NULL || tmp == NULL)
        return no_memory(err);
    values = out->data;
    prepare_grey(im.rgb, pixels, grey);
    if (m->square)
        cut_square(grey, &im.width, &im.height);
    prepare_area(grey, im.width, im.height, values, m->width, m->height, tmp);
    for (size_t i = 0; i < (size_t)m->width * (size_t)m->height; i++)
        values[i] = (float)(((double)values[i] / 255 - m->mean) / m->std);
    return WARD_OK;
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
    return WARD_OK;
}
