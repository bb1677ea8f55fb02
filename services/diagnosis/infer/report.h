/* report.h - converts a model's answer to a DiagnosticReport, and back.
 *
 * The report contains the answer twice: as text for people, and in the extension
 * REPORT_EXTENSION for programs, with a member for each number. Threads: pure functions.
 * Memory: the arena passed in. Errors: RESOURCE_EXHAUSTED; FAILED_PRECONDITION
 * REPORT_NOT_PRELIMINARY if the report contains no model's answer. */
#ifndef DIAGNOSIS_INFER_REPORT_H
#define DIAGNOSIS_INFER_REPORT_H

#include "services/diagnosis/infer/chart.h"
#include "services/diagnosis/model/manifest.h"
#include "ward/diagnosis/v1/diagnosis.pb-c.h"

#define REPORT_SYSTEM    "urn:ward:diagnosis:inference"
#define REPORT_EXTENSION "urn:ward:diagnosis:answer"

typedef Ward__Diagnosis__V1__InferResponse Answer;

/* Builds a preliminary report. `at` is the current time in RFC 3339. */
WARD_MUST enum ward_code report_make(const struct manifest *m, const Answer *answer,
                                     const char *patient, const char *encounter, const char *at,
                                     struct ward_arena *mem, Report **out,
                                     struct ward_err *err);
/* Reads findings, trace and inference_id from a report that report_make built. */
WARD_MUST enum ward_code report_read(const Report *r, struct ward_arena *mem, Answer *out,
                                     struct ward_err *err);
/* Describes the model as the report's source: "chest 1" and the hash of the weights. */
WARD_MUST enum ward_code report_model(const Answer *a, struct ward_arena *mem, Provenance *out,
                                      struct ward_err *err);

#endif
