/* series.h - which series a model reads, as its manifest's `series` says
 * (docs/diagnosis-models.md). Pure.
 *
 * Threads: any. Memory: the manifest's arena. Errors: FAILED_PRECONDITION MODEL_MANIFEST;
 * INVALID_ARGUMENT INPUT_SERIES_UNFIT, with the attribute, the values that fit, and the file's
 * value. The message contains a file's value only if it is one of DICOM's published terms, so
 * that no text of a file leaves the service.
 */
#ifndef DIAGNOSIS_DECODE_SERIES_H
#define DIAGNOSIS_DECODE_SERIES_H

#include "common/json/json.h"
#include "services/diagnosis/decode/decode.h"

#define SERIES_VALUES 8

struct series_values {
    int n; /* 0: any */
    const char *value[SERIES_VALUES];
};
struct series {
    struct series_values modality, body_part, view;
    int min_width, min_height; /* pixels; 0: any */
};

/* v NULL: any series. */
WARD_MUST enum ward_code diagnosis_series_parse(const struct ward_json *v, struct series *out,
                                                struct ward_err *err);
/* A JPEG or PNG has a size alone: its other attributes fit. A DICOM attribute that is absent
 * fits only where any value does. */
WARD_MUST enum ward_code diagnosis_series_check(const struct series *s, const struct decoded *d,
                                                struct ward_err *err);

#endif
