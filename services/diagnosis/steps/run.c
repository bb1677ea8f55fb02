/* Runs a list of steps, one channel after another, so that a colour film needs no more memory
 * than a grey one. */
#include "common/base/clock.h"
#include "services/diagnosis/steps/steps_own.h"

#include <string.h>

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an input");
}

enum ward_code plane_go_on(const struct plane *p)
{
    const struct ward_stop *s = p->stop;

    if (s == NULL)
        return WARD_OK;
    if (s->deadline_ns != WARD_NO_DEADLINE && ward_mono_ns() >= s->deadline_ns)
        return WARD_FAIL(p->err, DEADLINE_EXCEEDED, "the deadline passed before inference");
    if (s->gone != NULL && s->gone(s->arg))
        return WARD_FAIL(p->err, CANCELLED, "the call was cancelled");
    return WARD_OK;
}

enum ward_code plane_spare(struct plane *p)
{
    if (p->spare == NULL)
        p->spare = ward_alloc(p->mem, p->cap * sizeof(float));
    return p->spare == NULL ? no_memory(p->err) : WARD_OK;
}

void plane_swap(struct plane *p)
{
    float *was = p->px;

    p->px = p->spare;
    p->spare = was;
}

/* ---- from the file ---- */

static const struct step *gray_of(const struct steps *s)
{
    for (int i = 0; i < s->n; i++)
        if (s->at[i].op == STEP_GRAY)
            return &s->at[i];
    return NULL;
}

/* Reads one channel, or computes grey first. Grey may only follow "modality" and "window". */
static void from_rgb(const struct step *gray, const struct film *in, int channel, float *to)
{
    const size_t n = (size_t)in->width * (size_t)in->height;
    const float red = gray == NULL ? 0 : (float)gray->weight[0],
                green = gray == NULL ? 0 : (float)gray->weight[1],
                blue = gray == NULL ? 0 : (float)gray->weight[2];

    for (size_t i = 0; gray != NULL && i < n; i++)
        to[i] = red * (float)in->rgb[3 * i] + green * (float)in->rgb[3 * i + 1] +
                blue * (float)in->rgb[3 * i + 2];
    for (size_t i = 0; gray == NULL && i < n; i++)
        to[i] = (float)in->rgb[3 * i + (size_t)channel];
}

static void modality(struct plane *p, const struct film *in)
{
    for (size_t i = 0; in->slope != 0 && i < (size_t)p->w * (size_t)p->h; i++)
        p->px[i] = (float)((double)p->px[i] * in->slope + in->intercept);
}

/* Displays values with window w; if w is NULL, with the file's window. */
static void window(struct plane *p, const struct film *in, const struct window *w)
{
    if (w != NULL)
        plane_window(p, w);
    else if (in->has_window)
        plane_window(p, &in->window);
    else if (in->stored != NULL)
        plane_stretch(p);
    for (size_t i = 0; in->inverted && i < (size_t)p->w * (size_t)p->h; i++)
        p->px[i] = 255 - p->px[i];
}

static void open_plane(const struct steps *s, const struct film *in, int channel,
                       struct plane *p)
{
    p->w = in->width;
    p->h = in->height;
    if (in->rgb != NULL)
        from_rgb(gray_of(s), in, channel, p->px);
    else
        memcpy(p->px, in->stored, p->cap * sizeof(float));
    if (s->at[0].stored)
        return;
    modality(p, in);
    window(p, in, NULL);
}

/* ---- one step ---- */

static void scale(struct plane *p, double mean, double factor)
{
    for (size_t i = 0; i < (size_t)p->w * (size_t)p->h; i++)
        p->px[i] = (float)(((double)p->px[i] - mean) * factor);
}

static enum ward_code apply(const struct step *s, const struct film *in, int channel,
                            struct plane *p)
{
    int at = s->n > 1 ? channel : 0;

    switch (s->op) {
    case STEP_MODALITY:
        modality(p, in);
        return WARD_OK;
    case STEP_WINDOW:
        window(p, in, s->own ? NULL : &s->window);
        return WARD_OK;
    case STEP_CROP_SQUARE:
    case STEP_CROP_BOX:
        return plane_crop(p, s);
    case STEP_RESIZE_AREA:
    case STEP_RESIZE_BILINEAR:
        return plane_resize(p, s);
    case STEP_ROTATE:
        return plane_rotate(p, s);
    case STEP_CLAHE:
        return plane_clahe(p, s);
    case STEP_MEDIAN:
        return plane_median(p, s);
    case STEP_GAUSSIAN:
        return plane_gaussian(p, s);
    case STEP_SCALE:
        scale(p, 0, s->factor);
        return WARD_OK;
    case STEP_NORMALISE:
        scale(p, s->mean[at], 1 / s->std[at]);
        return WARD_OK;
    case STEP_DECODE:
    case STEP_GRAY: /* done in open_plane */
    case STEP_FEATURES:
        break;
    }
    return WARD_OK;
}

/* The number of steps before the first step that leaves the range 0..255. */
static int shown_after(const struct steps *s)
{
    for (int i = 0; i < s->n; i++)
        if (s->at[i].op == STEP_SCALE || s->at[i].op == STEP_NORMALISE)
            return i;
    return s->n;
}

static enum ward_code run_channel(const struct steps *s, const struct film *in, int channel,
                                  struct plane p, float *out, float *shown)
{
    const size_t n = (size_t)s->width * (size_t)s->height;

    open_plane(s, in, channel, &p);
    for (int i = 0; i < s->n; i++) {
        WARD_TRY(plane_go_on(&p));
        WARD_TRY(apply(&s->at[i], in, channel, &p));
    }
    memcpy(out + (size_t)channel * n, p.px, n * sizeof(float));
    if (channel > 0 || shown == NULL)
        return WARD_OK;
    /* reverses scaling, for a picture that people can look at */
    for (int i = s->n; i-- > shown_after(s);) {
        const struct step *t = &s->at[i];

        if (t->op == STEP_SCALE && t->factor != 0)
            scale(&p, 0, 1 / t->factor);
        if (t->op == STEP_NORMALISE)
            scale(&p, -t->mean[0] / t->std[0], t->std[0]);
    }
    memcpy(shown, p.px, n * sizeof(float));
    return WARD_OK;
}

enum ward_code steps_image(const struct steps *s, const struct film *in, struct ward_arena *mem,
                           const struct ward_stop *stop, float *out, float *shown,
                           struct ward_err *err)
{
    struct plane p = {.mem = mem, .stop = stop, .err = err};
    bool swaps = false;

    if (in->width < 1 || in->height < 1)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "INPUT_TOO_SMALL",
                                "the picture has no pixels");
    p.cap = (size_t)in->width * (size_t)in->height;
    p.px = ward_alloc(mem, p.cap * sizeof(float));
    if (p.px == NULL)
        return no_memory(err);
    for (int i = 0;
         i < s->n && s->at[i].op != STEP_RESIZE_AREA && s->at[i].op != STEP_RESIZE_BILINEAR;
         i++)
        swaps |= s->at[i].op == STEP_MEDIAN || s->at[i].op == STEP_GAUSSIAN ||
                 s->at[i].op == STEP_ROTATE;
    if (swaps) /* allocated once for all channels */
        WARD_TRY(plane_spare(&p));
    for (int c = 0; c < s->channels; c++)
        WARD_TRY(run_channel(s, in, c, p, out, shown));
    return WARD_OK;
}

void steps_values(const struct steps *s, float *row, int n)
{
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < n; k++) {
            const struct step *t = &s->at[i];
            int at = t->n > 1 ? k : 0;

            if (t->op == STEP_SCALE)
                row[k] = (float)((double)row[k] * t->factor);
            else if (t->op == STEP_NORMALISE)
                row[k] = (float)(((double)row[k] - t->mean[at]) / t->std[at]);
        }
}
