/* prepare.h - an input as a model sees it: after the manifest's steps. Pure.
 *
 * Threads: any. Memory: the arena given. Errors: INVALID_ARGUMENT INPUT_SERIES_UNFIT
 * (series.h), DICOM_TABLE, INPUT_TOO_SMALL; INVALID_ARGUMENT for a feature that the model does
 * not have, has already, or that is no number; RESOURCE_EXHAUSTED the arena is full.
 */
#ifndef DIAGNOSIS_MODEL_PREPARE_H
#define DIAGNOSIS_MODEL_PREPARE_H

#include "services/diagnosis/model/manifest.h"
#include "ward/diagnosis/v1/diagnosis.pb-c.h"

/* A film to the model's input, [1, channels, height, width]. *shown: the same for people,
 * 0..255, [height, width]. stop may be NULL. */
WARD_MUST enum ward_code prepare_image(const struct manifest *m, const struct decoded *from,
                                       struct ward_arena *mem, const struct ward_stop *stop,
                                       struct ward_tensor *out, float **shown,
                                       struct ward_err *err);
/* Values to the model's input, [1, n]. *unfit: the first feature whose value the model cannot
 * take (missing, or outside what it was trained in), or NULL; *out is then not filled. */
WARD_MUST enum ward_code prepare_features(const struct manifest *m,
                                          const Ward__Diagnosis__V1__Features *given,
                                          struct ward_arena *mem, struct ward_tensor *out,
                                          const struct manifest_feature **unfit,
                                          struct ward_err *err);

#endif
