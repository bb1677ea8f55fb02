/* chart.h - reads and writes a patient's reports in records, with the token of the calling
 * person.
 *
 * Threads: each worker uses its own call. Memory: the call's arena. Errors: NOT_FOUND
 * PATIENT_NOT_FOUND or REPORT_NOT_FOUND if the object does not exist, or the person has no
 * access; UNAVAILABLE RECORDS_AWAY if records did not answer in time; other errors come from
 * records. */
#ifndef DIAGNOSIS_INFER_CHART_H
#define DIAGNOSIS_INFER_CHART_H

#include "services/diagnosis/diagnosis.h"
#include "ward/records/v1/records.pb-c.h"

typedef Ward__Records__V1__DiagnosticReport Report;
typedef Ward__Records__V1__Provenance Provenance;

struct charted {
    const Report *report;
    const char *id;
    int32_t version;
};

/* Checks whether the person may see this patient. *id is the patient's id, or the id into which
 * the patient was merged. */
WARD_MUST enum ward_code chart_patient(struct ward_call *c, const char *patient,
                                       const char **id);
/* Creates the report, or finds the report that already has this identifier. */
WARD_MUST enum ward_code chart_create(struct ward_call *c, Report *report,
                                      const Provenance *model, const char *system,
                                      const char *value, struct charted *out);
WARD_MUST enum ward_code chart_read(struct ward_call *c, const char *report, int32_t version,
                                    struct charted *out);
/* Writes the next version of a report. Errors from records: ABORTED VERSION_CONFLICT,
 * FAILED_PRECONDITION IDEMPOTENCY_MISMATCH. */
WARD_MUST enum ward_code chart_update(struct ward_call *c, Report *report, int32_t expected,
                                      const Provenance *model, const char *key,
                                      struct charted *out);

#endif
