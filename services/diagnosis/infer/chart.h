/* chart.h - the chart, asked of records with the person's own token.
 *
 * Threads: any worker's. Memory: the call's arena. Errors: NOT_FOUND PATIENT_NOT_FOUND or
 * REPORT_NOT_FOUND: there is none, or the person may not see it; UNAVAILABLE RECORDS_AWAY: no
 * answer in the time that was given; others are records' own.
 */
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

/* Whether the person may see them; *id is who they are now, where they were merged. */
WARD_MUST enum ward_code chart_patient(struct ward_call *c, const char *patient,
                                       const char **id);
/* Makes the report, or finds the one that has this identifier already. */
WARD_MUST enum ward_code chart_create(struct ward_call *c, Report *report,
                                      const Provenance *model, const char *system,
                                      const char *value, struct charted *out);
WARD_MUST enum ward_code chart_read(struct ward_call *c, const char *report, int32_t version,
                                    struct charted *out);
/* The next version. ABORTED VERSION_CONFLICT, FAILED_PRECONDITION IDEMPOTENCY_MISMATCH: as
 * records says. */
WARD_MUST enum ward_code chart_update(struct ward_call *c, Report *report, int32_t expected,
                                      const Provenance *model, const char *key,
                                      struct charted *out);

#endif
