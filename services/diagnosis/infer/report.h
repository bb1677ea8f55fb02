/* report.h - what a model said as a DiagnosticReport, and back.
 *
 * The answer stands in the report's words for people and in one extension, REPORT_EXTENSION,
 * for programs: a member for each of its numbers. Threads: pure. Memory: the arena given.
 * Errors: RESOURCE_EXHAUSTED; FAILED_PRECONDITION REPORT_NOT_PRELIMINARY: the report holds no
 * model's answer.
 */
#ifndef DIAGNOSIS_INFER_REPORT_H
#define DIAGNOSIS_INFER_REPORT_H

#include "services/diagnosis/infer/chart.h"
#include "services/diagnosis/model/manifest.h"
#include "ward/diagnosis/v1/diagnosis.pb-c.h"

#define REPORT_SYSTEM    "urn:ward:diagnosis:inference"
#define REPORT_EXTENSION "urn:ward:diagnosis:answer"

typedef Ward__Diagnosis__V1__InferResponse Answer;

/* A preliminary report; at: now, an RFC 3339 instant. */
WARD_MUST enum ward_code report_make(const struct manifest *m, const Answer *answer,
                                     const char *patient, const char *encounter, const char *at,
                                     struct ward_arena *mem, Report **out,
                                     struct ward_err *err);
/* findings, trace and inference_id of a report that report_make made. */
WARD_MUST enum ward_code report_read(const Report *r, struct ward_arena *mem, Answer *out,
                                     struct ward_err *err);
/* "chest 1" and the weights' hash. */
WARD_MUST enum ward_code report_model(const Answer *a, struct ward_arena *mem, Provenance *out,
                                      struct ward_err *err);

#endif
