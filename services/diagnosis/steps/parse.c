/* Parses the manifest's list of steps. */
#include "common/base/text.h"
#include "services/diagnosis/steps/steps_own.h"

#include <math.h>
#include <string.h>

/* State of parsing. After the first fault, further steps change nothing. */
struct reading {
    const struct ward_json *v; /* the step being read */
    struct ward_arena *mem;
    struct steps *out;
    const char *wrong; /* the first faulty member; NULL: none so far */
    int n_features;
    bool valued; /* a step has scaled or normalised the values: they may be outside 0..255 */
    bool opened; /* the values are displayed values, after the window */
    bool gray;
    bool worked; /* a step was seen that "gray" must not follow */
};

static void must(struct reading *r, bool fine, const char *key)
{
    if (!fine && r->wrong == NULL)
        r->wrong = key;
}

static double number(struct reading *r, const char *key, double lo, double hi)
{
    double out = lo;

    must(r, ward_json_f64(ward_json_get(r->v, key), &out) && out >= lo && out <= hi, key);
    return r->wrong == NULL ? out : lo;
}

static int whole(struct reading *r, const char *key, int lo, int hi)
{
    int64_t out = lo;

    must(r, ward_json_i64(ward_json_get(r->v, key), &out) && out >= lo && out <= hi, key);
    return r->wrong == NULL ? (int)out : lo;
}

/* Returns the index of the member's text in `words`, which has n entries. */
static int word(struct reading *r, const char *key, const char *const *words, int n)
{
    const char *s = ward_json_string(ward_json_get(r->v, key));

    for (int i = 0; s != NULL && i < n; i++)
        if (strcmp(s, words[i]) == 0)
            return i;
    must(r, false, key);
    return 0;
}

static bool has(const struct reading *r, const char *key)
{
    const struct ward_json *v = ward_json_get(r->v, key);

    return v != NULL && !ward_json_is(v, WARD_JSON_NULL);
}

/* Reads one number, or a list of n numbers. */
static const double *numbers(struct reading *r, const char *key, int n, double lo, int *got)
{
    const struct ward_json *v = ward_json_get(r->v, key), *at;
    double *out = ward_alloc(r->mem, (size_t)n * sizeof(*out));
    bool list = ward_json_is(v, WARD_JSON_ARRAY);
    int i = 0;

    must(r, out != NULL && (!list || (int)v->count == n), key);
    *got = list ? n : 1;
    at = list ? v->first : v;
    for (; r->wrong == NULL && i < *got; i++, at = list ? at->next : at)
        must(r, ward_json_f64(at, &out[i]) && out[i] >= lo && out[i] <= 1e6, key);
    return out;
}

/* ---- one step ---- */

static void read_decode(struct reading *r, struct step *s)
{
    static const char *const VALUES[] = {"displayed", "stored"};

    s->stored = has(r, "values") && word(r, "values", VALUES, 2) == 1;
    r->opened = !s->stored;
}

/* After this step the values are displayed values. */
static void read_window(struct reading *r, struct step *s)
{
    static const char *const FN[] = {"linear", "linear_exact", "sigmoid"};

    must(r, !r->opened, "op");
    r->opened = true;
    s->own = !has(r, "centre") && !has(r, "width");
    if (s->own)
        return;
    s->window.centre = number(r, "centre", -1e9, 1e9);
    s->window.fn =
        has(r, "function") ? (enum window_fn)word(r, "function", FN, 3) : WINDOW_LINEAR;
    /* In DICOM PS3.3, LINEAR divides by the width minus 1. */
    s->window.width = number(r, "width", s->window.fn == WINDOW_LINEAR ? 1 : 1e-9, 1e9);
}

static void read_gray(struct reading *r, struct step *s)
{
    int n = 0;
    const double *w = numbers(r, "weights", 3, -16, &n);

    must(r, !r->gray && n == 3, "weights");
    r->gray = true;
    r->out->channels = 1;
    for (int i = 0; r->wrong == NULL && i < 3; i++)
        s->weight[i] = w[i];
}

static void read_crop(struct reading *r, struct step *s)
{
    static const char *const METHOD[] = {"centre_square", "box"};
    struct steps *o = r->out;

    s->op = word(r, "method", METHOD, 2) == 0 ? STEP_CROP_SQUARE : STEP_CROP_BOX;
    if (s->op == STEP_CROP_SQUARE) {
        o->width = o->height = o->width < o->height ? o->width : o->height;
        return;
    }
    s->x = whole(r, "x", 0, 1 << 20);
    s->y = whole(r, "y", 0, 1 << 20);
    s->width = whole(r, "width", 1, 1 << 20);
    s->height = whole(r, "height", 1, 1 << 20);
    must(r, o->width == 0 || s->x + s->width <= o->width, "width");
    must(r, o->height == 0 || s->y + s->height <= o->height, "height");
    o->width = s->width;
    o->height = s->height;
}

static void read_resize(struct reading *r, struct step *s)
{
    static const char *const METHOD[] = {"area", "bilinear"};

    s->op = word(r, "method", METHOD, 2) == 0 ? STEP_RESIZE_AREA : STEP_RESIZE_BILINEAR;
    s->width = r->out->width = whole(r, "width", 1, STEPS_SIDE_MAX);
    s->height = r->out->height = whole(r, "height", 1, STEPS_SIDE_MAX);
}

static void read_rotate(struct reading *r, struct step *s)
{
    int w = r->out->width;

    s->degrees = number(r, "degrees", -360, 360);
    s->fill = has(r, "fill") ? number(r, "fill", -1e6, 1e6) : 0;
    if (fmod(s->degrees, 180) == 90 || fmod(s->degrees, 180) == -90) {
        r->out->width = r->out->height;
        r->out->height = w;
    }
}

static void read_normalise(struct reading *r, struct step *s)
{
    int most = r->n_features > 0 ? r->n_features : r->out->channels, n = 0;

    s->mean = numbers(r, "mean", most, -1e6, &s->n);
    s->std = numbers(r, "std", most, 1e-6, &n);
    must(r, n == s->n, "std");
}

static void read_rest(struct reading *r, struct step *s)
{
    switch (s->op) {
    case STEP_CLAHE:
        s->clip = number(r, "clip", 0, 1000);
        s->tiles = whole(r, "tiles", 1, STEPS_TILES);
        break;
    case STEP_MEDIAN:
        s->size = whole(r, "size", 1, STEPS_MEDIAN);
        must(r, s->size % 2 == 1, "size");
        break;
    case STEP_GAUSSIAN:
        s->sigma = number(r, "sigma", 0.01, STEPS_SIGMA);
        break;
    case STEP_SCALE:
        s->factor = number(r, "factor", -1e6, 1e6);
        break;
    default:
        break;
    }
}

/* ---- the list ---- */

static void read_step(struct reading *r, const char *op, struct step *s)
{
    static const struct {
        const char *op;
        enum step_op is;
        void (*read)(struct reading *r, struct step *s);
    } OPS[] = {
        {"decode", STEP_DECODE, read_decode},   {"modality", STEP_MODALITY, read_rest},
        {"window", STEP_WINDOW, read_window},   {"gray", STEP_GRAY, read_gray},
        {"crop", STEP_CROP_BOX, read_crop},     {"resize", STEP_RESIZE_AREA, read_resize},
        {"rotate", STEP_ROTATE, read_rotate},   {"clahe", STEP_CLAHE, read_rest},
        {"median", STEP_MEDIAN, read_rest},     {"gaussian", STEP_GAUSSIAN, read_rest},
        {"scale", STEP_SCALE, read_rest},       {"normalise", STEP_NORMALISE, read_normalise},
        {"features", STEP_FEATURES, read_rest},
    };

    for (size_t i = 0; i < WARD_COUNT(OPS); i++)
        if (op != NULL && strcmp(op, OPS[i].op) == 0) {
            s->op = OPS[i].is;
            OPS[i].read(r, s);
            return;
        }
    must(r, false, "op");
}

/* Checks whether the step is permitted at this position of the list. */
static void in_place(struct reading *r, const struct step *s)
{
    bool first = r->out->n == 0, table = r->n_features > 0;

    must(r, first == (s->op == (table ? STEP_FEATURES : STEP_DECODE)), "op");
    must(r, !table || first || s->op == STEP_SCALE || s->op == STEP_NORMALISE, "op");
    must(r, s->op != STEP_MODALITY || (!r->opened && r->out->n == 1), "op");
    /* these steps need displayed values */
    must(r, s->op <= STEP_WINDOW || table || r->opened, "op");
    must(r, s->op != STEP_GRAY || !r->worked, "op");
    must(r, s->op != STEP_CLAHE || !r->valued, "op");
    r->valued |= s->op == STEP_SCALE || s->op == STEP_NORMALISE;
    r->worked |= s->op > STEP_GRAY;
}

static enum ward_code no(struct ward_err *err, int at, const char *what)
{
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "MODEL_MANIFEST",
                            "the manifest's preprocess[%d].%s is missing or invalid", at, what);
}

enum ward_code steps_parse(const struct ward_json *list, int n_features, struct ward_arena *mem,
                           struct steps *out, struct ward_err *err)
{
    struct steps all = {.channels = n_features > 0 ? 0 : 3};
    struct reading r = {.mem = mem, .out = &all, .n_features = n_features};

    if (!ward_json_is(list, WARD_JSON_ARRAY) || list->count < 1 || list->count > STEPS_MAX)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "MODEL_MANIFEST",
                                "the manifest's preprocess must be a list of 1 to %d steps",
                                STEPS_MAX);
    for (r.v = list->first; r.v != NULL; r.v = r.v->next) {
        struct step *s = &all.at[all.n];

        read_step(&r, ward_json_string(ward_json_get(r.v, "op")), s);
        in_place(&r, s);
        if (r.wrong != NULL)
            return no(err, all.n, r.wrong);
        all.n++;
    }
    if (n_features == 0 && (all.width < 1 || all.height < 1 || all.width > STEPS_SIDE_MAX ||
                            all.height > STEPS_SIDE_MAX || !r.opened))
        return no(err, all.n - 1, "width");
    *out = all;
    return WARD_OK;
}

/* ---- a step as text ---- */

char *step_words(const struct step *s, struct ward_arena *mem)
{
    static const char *const FN[] = {"linear", "linear_exact", "sigmoid"};

    switch (s->op) {
    case STEP_DECODE:
        return ward_strdup(mem,
                           s->stored ? "decode, upright, stored values" : "decode, upright");
    case STEP_MODALITY:
        return ward_strdup(mem, "modality, the file's");
    case STEP_WINDOW:
        return s->own ? ward_strdup(mem, "window, the file's")
                      : ward_printf(mem, "window %g, width %g, %s", s->window.centre,
                                    s->window.width, FN[s->window.fn]);
    case STEP_GRAY:
        return ward_printf(mem, "gray %g R + %g G + %g B", s->weight[0], s->weight[1],
                           s->weight[2]);
    case STEP_CROP_SQUARE:
        return ward_strdup(mem, "crop, square in the middle");
    case STEP_CROP_BOX:
        return ward_printf(mem, "crop %dx%d at %d,%d", s->width, s->height, s->x, s->y);
    case STEP_RESIZE_AREA:
    case STEP_RESIZE_BILINEAR:
        return ward_printf(mem, "resize %dx%d, %s", s->width, s->height,
                           s->op == STEP_RESIZE_AREA ? "area" : "bilinear");
    case STEP_ROTATE:
        return ward_printf(mem, "rotate %g degrees", s->degrees);
    case STEP_CLAHE:
        return ward_printf(mem, "CLAHE, clip %g, %dx%d tiles", s->clip, s->tiles, s->tiles);
    case STEP_MEDIAN:
        return ward_printf(mem, "median %dx%d", s->size, s->size);
    case STEP_GAUSSIAN:
        return ward_printf(mem, "Gaussian, sigma %g", s->sigma);
    case STEP_SCALE:
        return ward_printf(mem, "scale by %g", s->factor);
    case STEP_NORMALISE:
        return s->n == 1
                   ? ward_printf(mem, "normalise, mean %g, deviation %g", s->mean[0], s->std[0])
                   : ward_printf(mem, "normalise, %d means and deviations", s->n);
    case STEP_FEATURES:
        return ward_strdup(mem, "order features, fill in what may be missing");
    }
    return NULL;
}
