/* steps.h - prepares an input for a model with the steps in the manifest's `preprocess`.
 * docs/diagnosis-models.md defines each step and its constants.
 *
 * Each step works on one channel, in floating point. Values are rounded only where a step's
 * definition requires rounding. steps_parse accepts a list only if its result has a fixed size,
 * so that a parsed list can run on any picture.
 *
 * Threads: pure functions; parsed steps are read-only. Memory: the arena passed in. Errors:
 * FAILED_PRECONDITION MODEL_MANIFEST, with the step and its member; INVALID_ARGUMENT
 * INPUT_TOO_SMALL if a crop is outside the picture; CANCELLED, DEADLINE_EXCEEDED by `stop`;
 * RESOURCE_EXHAUSTED if the arena is full. */
#ifndef DIAGNOSIS_STEPS_STEPS_H
#define DIAGNOSIS_STEPS_STEPS_H

#include "common/host/host.h"
#include "common/json/json.h"

#define STEPS_MAX      16
#define STEPS_SIDE_MAX 512 /* maximum width and height of a prepared picture, in pixels */
#define STEPS_TILES    16  /* maximum number of CLAHE tiles on an axis */
#define STEPS_MEDIAN   9   /* maximum side of the median's neighbourhood, in pixels */
#define STEPS_SIGMA    16  /* maximum sigma, in pixels */

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
    bool stored;          /* decode: stored values; false: displayed values */
    bool own;             /* window: use the file's window */
    struct window window; /* window: the window to use */
    double weight[3];     /* gray: weights of red, green, blue */
    int x, y, width, height;
    double degrees, fill; /* rotate: angle, clockwise; value for pixels from outside */
    double clip;          /* clahe: limit, as a multiple of a histogram bar's mean height */
    int tiles;            /* clahe: number of tiles on each axis */
    int size;             /* median: side of the neighbourhood in pixels, odd */
    double sigma;         /* gaussian: standard deviation in pixels */
    double factor;        /* scale */
    /* normalise: one value for all, or one for each channel or feature */
    const double *mean, *std;
    int n; /* number of values in `mean` and `std` */
};

struct steps {
    int n;
    struct step at[STEPS_MAX];
    int channels, width, height; /* size of the result; 0 for a table of features */
};

/* Parses a list of steps: for a table with n_features, or for images if n_features is 0. */
WARD_MUST enum ward_code steps_parse(const struct ward_json *list, int n_features,
                                     struct ward_arena *mem, struct steps *out,
                                     struct ward_err *err);

/* A decoded picture, upright. Either `rgb` or `stored` is set. */
struct film {
    int width, height;
    const uint8_t *rgb;      /* [height, width, 3]; NULL if `stored` is set */
    const float *stored;     /* [height, width]: values as a DICOM file stores them */
    double slope, intercept; /* modality transform; slope 0: none */
    bool has_window;
    struct window window; /* window of the file, for values after the modality transform */
    bool inverted;        /* MONOCHROME1: low values are bright */
};

/* Runs the steps on a picture. out: [channels, height, width]. shown: [height, width], the
 * first channel before scaling, 0..255, for people; may be NULL. `stop` may be NULL. */
WARD_MUST enum ward_code steps_image(const struct steps *s, const struct film *in,
                                     struct ward_arena *mem, const struct ward_stop *stop,
                                     float *out, float *shown, struct ward_err *err);
/* Resizes a picture. Each target pixel is the mean of the source pixels that it covers. Source
 * pixels at its edge count in proportion. The axes are scaled independently. tmp has room for
 * dw * sh values. */
void steps_area(const float *from, int sw, int sh, float *to, int dw, int dh, float *tmp);
/* Runs the steps on one row of a table, in place. */
void steps_values(const struct steps *s, float *row, int n);
/* A step as text for a trace, such as "resize 28x28, area". NULL if memory is exhausted. */
char *step_words(const struct step *s, struct ward_arena *mem);

#endif
