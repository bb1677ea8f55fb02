#include "services/dosage/dosage.h"

struct ward_family dosage_findings = {
    .name = "ward_dosage_findings_total",
    .help = "Number of findings of checks, by rule and severity.",
    .type = WARD_COUNTER,
    .label = {"rule", "severity"},
};
struct ward_family dosage_overrides = {
    .name = "ward_dosage_overrides_total",
    .help = "Number of overridden findings, by rule and coded reason. Use this metric to "
            "measure the acceptance of a rule.",
    .type = WARD_COUNTER,
    .label = {"rule", "reason"},
};
struct ward_family dosage_doses = {
    .name = "ward_dosage_administrations_total",
    .help = "Number of charted doses, by outcome.",
    .type = WARD_COUNTER,
    .label = {"outcome"},
};
struct ward_family dosage_refused = {
    .name = "ward_dosage_rights_failed_total",
    .help = "Number of refused administrations, by the failed right.",
    .type = WARD_COUNTER,
    .label = {"right"},
};
struct ward_family dosage_chart_reads = {
    .name = "ward_dosage_chart_reads_total",
    .help = "Number of charts that calls needed, by origin: cached, records, stale "
            "(the cached chart is outdated).",
    .type = WARD_COUNTER,
    .label = {"from"},
};
struct ward_family dosage_home_decisions = {
    .name = "ward_dosage_home_decisions_total",
    .help = "Number of decisions about home medicines: continue, change, stop, hold.",
    .type = WARD_COUNTER,
    .label = {"decision"},
};
struct ward_family dosage_late = {
    .name = "ward_dosage_unacknowledged_late",
    .help = "Number of emergency doses that nobody acknowledged in time.",
    .type = WARD_GAUGE,
};
struct ward_family *const dosage_metrics[] = {
    &dosage_findings,    &dosage_overrides,      &dosage_doses, &dosage_refused,
    &dosage_chart_reads, &dosage_home_decisions, &dosage_late,  NULL,
};
