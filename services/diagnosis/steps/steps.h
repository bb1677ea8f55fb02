/* steps.h - what is done to an input before a model sees it, as the manifest's `preprocess`
 * lists it. docs/diagnosis-models.md defines each step to the constant.
 *
 * Each step works on one channel by itself, in floating point; nothing is rounded between steps
 * but where a step says so. steps_parse accepts a list only if its result has a fixed size, so
 * that a list that was parsed can run on any picture.
 *
 * Threads: pure; parsed steps are read-only. Memory: the arena given. Errors:
 * FAILED_PRECONDITION MODEL_MANIFEST, naming the step and its member; INVALID_ARGUMENT
 * INPUT_TOO_SMALL: a crop lies outside the picture; CANCELLED, DEADLINE_EXCEEDED by `stop`;
 * RESOURCE_EXHAUSTED the arena is full.
 */
#ifndef DIAGNOSIS_STEPS_STEPS_H
#define DIAGNOSIS_STEPS_STEPS_H

#include "common/host/host.h"
#include "common/json/json.h"

#define STEPS_MAX      16
#define STEPS_SIDE_MAX 512 /* pixels of a picture as a model sees it */
#define STEPS_TILES    16  /* of CLAHE, on one axis */
#define STEPS_MEDIAN   9   /* pixels of the largest neighbourhood's side */
#define STEPS_SIGMA    16  /* pixels */

enum step_op {
    STEP_DECODE,
    STEP_MODALITY,
    STEP_WINDOW,
    STEP_GRAY,
    STEP_CROP_SQUARE,
    STEP_CROP_BOX,
    STEP_RESIZE_AREA,
    STEP_RESIZE_BILINEAR,
    STEP_ROTATE,
    STEP_CLAHE,
    STEP_MEDIAN,
    STEP_GAUSSIAN,
    STEP_SCALE,
    STEP_NORMALISE,
    STEP_FEATURES
};

/* VOI LUT functions. Source: DICOM PS3.3 2024b, C.11.2.1.2 and C.11.2.1.3; checked 2026-11. */
enum window_fn { WINDOW_LINEAR, WINDOW_LINEAR_EXACT, WINDOW_SIGMOID };
struct window {
    enum window_fn fn;
    double centre, width;
};

struct step {
    enum step_op op;
    bool stored;          /* decode: values as they are stored; else as they are displayed */
    bool own;             /* window: the file's */
    struct window window; /* window */
    double weight[3];     /* gray: of red, green, blue */
    int x, y, width, height;
    double degrees, fill;     /* rotate: clockwise; of what comes from outside */
    double clip;              /* clahe: of the mean height of a histogram's bar */
    int tiles;                /* clahe: on each axis */
    int size;                 /* median: pixels of the neighbourhood's side, odd */
    double sigma;             /* gaussian: pixels */
    double factor;            /* scale */
    const double *mean, *std; /* normalise: one for all, one a channel, or one a feature */
    int n;                    /* of these */
};

struct steps {
    int n;
    struct step at[STEPS_MAX];
    int channels, width, height; /* of the result; 0: a table's */
};

/* Of a table with n_features, or of images: 0. */
WARD_MUST enum ward_code steps_parse(const struct ward_json *list, int n_features,
                                     struct ward_arena *mem, struct steps *out,
                                     struct ward_err *err);

/* A decoded picture, upright. Either `rgb` or `stored` is set. */
struct film {
    int width, height;
    const uint8_t *rgb;      /* [height, width, 3] */
    const float *stored;     /* [height, width]: values as a DICOM file stores them */
    double slope, intercept; /* of the modality transform; slope 0: none */
    bool has_window;
    struct window window; /* the file's own, of values after the modality transform */
    bool inverted;        /* MONOCHROME1: low values are bright */
};

/* out: [channels, height, width]. shown: [height, width], the first channel before it was
 * scaled, as 0..255, for people to look at. stop may be NULL. */
WARD_MUST enum ward_code steps_image(const struct steps *s, const struct film *in,
                                     struct ward_arena *mem, const struct ward_stop *stop,
                                     float *out, float *shown, struct ward_err *err);
/* The mean of the source pixels under each target pixel, those at its edge by their share: each
 * axis scaled by itself. tmp holds dw * sh values. */
void steps_area(const float *from, int sw, int sh, float *to, int dw, int dh, float *tmp);
/* A table's row, in place. */
void steps_values(const struct steps *s, float *row, int n);
/* The step for people, as a trace has it: "resize 28x28, area". NULL: no memory. */
char *step_words(const struct step *s, struct ward_arena *mem);

#endif
