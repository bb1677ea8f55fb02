#include "services/diagnosis/model/prepare.h"

#include <math.h>
#include <string.h>

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

/* Whether the steps display the values with the file's own window. */
static bool own_window(const struct steps *s)
{
    bool own = s->n > 0 && !s->at[0].stored;

    for (int i = 0; i < s->n; i++)
        own |= s->at[i].op == STEP_WINDOW && s->at[i].own;
    return own;
}

enum ward_code prepare_image(const struct manifest *m, const struct decoded *from,
                             struct ward_arena *mem, const struct ward_stop *stop,
                             struct ward_tensor *out, float **shown, struct ward_err *err)
{
    const struct steps *s = &m->steps;
    const int64_t shape[] = {1, s->channels, s->height, s->width};

    WARD_TRY(diagnosis_series_check(&m->series, from, err));
    if (from->facts.has_display_table != 0 && !from->film.has_window && own_window(s))
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DICOM_TABLE",
                                "the file has a VOI LUT and no window");
    WARD_TRY(tensor(mem, m->tensor, 4, shape, out, err));
    *shown = ward_alloc(mem, (size_t)s->width * (size_t)s->height * sizeof(float));
    if (*shown == NULL)
        return no_memory(err);
    return steps_image(s, &from->film, mem, stop, out->data, *shown, err);
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
        return WARD_FAIL_FIELD(err, "features.name", "the model has no feature with this name");
    if (has[at])
        return WARD_FAIL_FIELD(err, "features.name", "a feature is listed twice");
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
