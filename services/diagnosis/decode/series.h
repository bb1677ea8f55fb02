/* series.h - which series a model accepts, by the member `series` of its manifest
 * (docs/diagnosis-models.md). Pure.
 *
 * Threads: any. Memory: the manifest's arena. Errors: FAILED_PRECONDITION MODEL_MANIFEST;
 * INVALID_ARGUMENT INPUT_SERIES_UNFIT, with the attribute, the accepted values, and the file's
 * value. The message contains a file's value only if it is one of DICOM's published terms, so
 * that no text of a file leaves the service. */
#ifndef DIAGNOSIS_DECODE_SERIES_H
#define DIAGNOSIS_DECODE_SERIES_H

#include "common/json/json.h"
#include "services/diagnosis/decode/decode.h"

#define SERIES_VALUES 8

struct series_values {
    int n; /* number of accepted values; 0: any value is accepted */
    const char *value[SERIES_VALUES];
};
struct series {
    struct series_values modality, body_part, view;
    int min_width, min_height; /* in pixels; 0: no minimum */
};

/* Reads the manifest's `series`. If v is NULL, any series is accepted. */
WARD_MUST enum ward_code diagnosis_series_parse(const struct ward_json *v, struct series *out,
                                                struct ward_err *err);
/* Checks whether the model accepts a file. For a JPEG or PNG, only the size is checked. A DICOM
 * attribute that is absent is accepted only if any value is accepted. */
WARD_MUST enum ward_code diagnosis_series_check(const struct series *s, const struct decoded *d,
                                                struct ward_err *err);

#endif
