/* face_models.h - the packs: their weights, the known answer of each model, and the arithmetic
 * before and after each model.
 *
 * A pack is a row of face_recipes, with its numbers and its functions. face.c runs every row in
 * the same way. Threads: read-only. Memory: static, and the functions' arguments. Errors: false
 * if memory is exhausted, or as stated. */
#ifndef WARD_IDENTITY_FACE_MODELS_H
#define WARD_IDENTITY_FACE_MODELS_H

#include "common/host/host.h"
#include "services/identity/face/face_geometry.h"

enum face_model {
    FACE_DETECT,
    FACE_LANDMARK,
    FACE_FEATURE,
    FACE_LIVENESS, /* input [1, 3, 128, 128], BGR 0..255; softmax class 0 is "live" */
    /* input [1, 3, 224, 224], RGB, normalized as for ImageNet; outputs `output`, `617`, `618`:
     * yaw, pitch, roll */
    FACE_POSE,
    FACE_EYE, /* input [1, 1, 24, 24], grey / 255; class 0 is "closed" */
    FACE_N_MODELS
};

struct face_weights {
    const char *name, *file, *sha256; /* `file` is relative to the folder of models */
    struct ward_known known;
};

/* The landmark model's crop of the photograph: a rotated square. */
struct face_crop {
    struct rect at;
    double angle; /* angle of the crop's x axis in the photograph, in radians */
};

#define FACE_OUTPUTS 4

struct face_recipe {
    const char *name;
    int dim;  /* number of values of an embedding: a power of two */
    int chip; /* side of the aligned face that is embedded, in pixels */
    const struct face_weights *model[FACE_N_MODELS];

    /* Detector: the region around the photograph, the model's input, and the boxes in its
     * output. `out[i]` has n_output[i] floats of the model's output named output[i]. */
    struct rect (*around)(int w, int h);
    bool (*fill_detect)(const struct pixels *im, struct rect around, float *out,
                        struct ward_arena *mem);
    const char *output[FACE_OUTPUTS];
    int n_output[FACE_OUTPUTS];
    bool (*boxes)(const float *const *out, struct rect around, struct face_box *found, int cap,
                  int *n, struct ward_arena *mem);

    /* Landmarks: the two crops, the model's input, and the 68 landmarks from its output. */
    struct face_crop (*first_crop)(const struct face_box *b);
    struct face_crop (*second_crop)(const double marks[FACE_MARKS][2]);
    bool (*fill_marks)(const struct pixels *im, const struct face_crop *crop, float *out,
                       struct ward_arena *mem);
    const char *marks_output;
    int n_marks_output;
    void (*place_marks)(const float *out, const struct face_crop *crop,
                        double marks[FACE_MARKS][2]);

    /* Embedding: the transform to the chip, and the chip as the model's input. If `flip` is
     * set, the embedding is the mean of two: of the chip and of its mirror image. */
    bool (*align)(const double marks[FACE_MARKS][2], struct similarity *out);
    void (*fill_feature)(const uint8_t *chip, float *out);
    bool flip;
};

/* Returns NULL if the pack does not exist. */
const struct face_recipe *face_recipe(const char *name);

#endif
