/* prepare.h - an input as a model sees it. Pure.
 *
 * Threads: any. Memory: the arena given. Errors: image.h's for a file that is no photograph or
 * film; INVALID_ARGUMENT for a feature that the model does not have, has already, or that is no
 * number; RESOURCE_EXHAUSTED the arena is full.
 */
#ifndef DIAGNOSIS_MODEL_PREPARE_H
#define DIAGNOSIS_MODEL_PREPARE_H

#include "services/diagnosis/model/manifest.h"
#include "ward/diagnosis/v1/diagnosis.pb-c.h"

/* Grey values 0..255 of an RGB image, [w * h]: ITU-R BT.601 luma, not rounded. */
void prepare_grey(const uint8_t *rgb, size_t n, float *out);
/* The mean of the source pixels under each target pixel, those at its edge by their share: each
 * axis scaled by itself, nothing cut off. tmp holds dw * sh values. */
void prepare_area(const float *from, int sw, int sh, float *to, int dw, int dh, float *tmp);

/* A JPEG or PNG to the model's input, [1, 1, height, width]; of m->square the largest square in
 * the middle. */
WARD_MUST enum ward_code prepare_image(const struct manifest *m, const void *file, size_t n,
                                       struct ward_arena *mem, struct ward_tensor *out,
                                       struct ward_err *err);
/* Values to the model's input, [1, n]. *unfit: the first feature whose value the model cannot
 * take (missing, or outside what it was trained in), or NULL; *out is then not filled. */
WARD_MUST enum ward_code prepare_features(const struct manifest *m,
                                          const Ward__Diagnosis__V1__Features *given,
                                          struct ward_arena *mem, struct ward_tensor *out,
                                          const struct manifest_feature **unfit,
                                          struct ward_err *err);

#endif
