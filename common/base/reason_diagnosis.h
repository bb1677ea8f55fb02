/* reason_diagnosis.h - diagnosis's rows of the table in reason.c, which alone includes it.
 *
 * Threads: constant. Memory: static. Errors: none.
 */
#ifndef WARD_BASE_REASON_DIAGNOSIS_H
#define WARD_BASE_REASON_DIAGNOSIS_H

#define DIAGNOSIS "diagnosis"

#define REASONS_DIAGNOSIS                                                                      \
    {"MODEL_NOT_FOUND", WARD_NOT_FOUND, DIAGNOSIS, "no model of this name is configured",      \
     "ListModels has those that are"},                                                         \
        {"MODEL_MANIFEST", WARD_FAILED_PRECONDITION, DIAGNOSIS,                                \
         "a model's manifest cannot be used: the log and ListModels say which member",         \
         "correct the manifest, or put back the version that served"},                         \
        {"LANE_NOT_ALLOWED", WARD_PERMISSION_DENIED, DIAGNOSIS,                                \
         "LANE_STAT needs a role of WARD_STAT_ROLES", "ask in LANE_ROUTINE"},                  \
        {"REPORT_NOT_FOUND", WARD_NOT_FOUND, DIAGNOSIS,                                        \
         "there is no such report, or the caller may not see it", "correct the id"},           \
        {"REPORT_NOT_PRELIMINARY", WARD_FAILED_PRECONDITION, DIAGNOSIS,                        \
         "the report was reviewed before, or is no model's",                                   \
         "read the report: what is wrong in one that is final is amended in records"},

#endif
