/* prepare.h - prepares an input for a model with the manifest's steps. Pure.
 *
 * Threads: any. Memory: the arena passed in. Errors: INVALID_ARGUMENT INPUT_SERIES_UNFIT
 * (series.h), DICOM_TABLE, INPUT_TOO_SMALL; INVALID_ARGUMENT for a feature that is unknown,
 * repeated, or not a number; RESOURCE_EXHAUSTED if the arena is full. */
#ifndef DIAGNOSIS_MODEL_PREPARE_H
#define DIAGNOSIS_MODEL_PREPARE_H

#include "services/diagnosis/model/manifest.h"
#include "ward/diagnosis/v1/diagnosis.pb-c.h"

/* Converts a film to the model's input, [1, channels, height, width]. *shown is the picture for
 * people, 0..255, [height, width]. `stop` may be NULL. */
WARD_MUST enum ward_code prepare_image(const struct manifest *m, const struct decoded *from,
                                       struct ward_arena *mem, const struct ward_stop *stop,
                                       struct ward_tensor *out, float **shown,
                                       struct ward_err *err);
/* Converts values to the model's input, [1, n]. *unfit is the first feature whose value the
 * model does not accept: missing, or outside the range of the training data. *unfit is NULL if
 * all values are accepted; otherwise *out is not filled. */
WARD_MUST enum ward_code prepare_features(const struct manifest *m,
                                          const Ward__Diagnosis__V1__Features *given,
                                          struct ward_arena *mem, struct ward_tensor *out,
                                          const struct manifest_feature **unfit,
                                          struct ward_err *err);

#endif
