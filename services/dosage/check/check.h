/* check.h - the dose check: a pure function of a snapshot and a rule set.
 *
 * The check uses no clock, database, locale or floating point, except where a formula's source
 * requires a root (Mosteller's, computed in integers). The same input gives the same bytes on
 * every machine, for as long as the rule set is stored. Snapshot.engine names the version of
 * this code, so a newer program replays an old decision to the same bytes
 * (tests/contract/dosage/replay).
 *
 * Threads: any. Memory: the arena. Errors: RESOURCE_EXHAUSTED; INVALID_ARGUMENT DOSE_UNIT,
 * DOSE_VALUE, TIMING_INVALID for an invalid prescription; FAILED_PRECONDITION ENGINE_NEWER for
 * a snapshot of a newer program. Everything else is a finding.
 */
#ifndef DOSAGE_CHECK_CHECK_H
#define DOSAGE_CHECK_CHECK_H

#include "common/measure/decimal.h"
#include "services/dosage/formulary/ruleset.h"

/* The newest version of the check's own code. Raise the version if a change would decide an old
 * snapshot differently, and keep the old behaviour for snapshots of older versions. */
#define CHECK_ENGINE 3

/* Fills findings, trace, outcome and sha256 of `out`; out->snapshot is the given snapshot. */
WARD_MUST enum ward_code check_run(const struct ruleset *rules,
                                   const Ward__Dosage__V1__Snapshot *snap,
                                   struct ward_arena *mem, Ward__Dosage__V1__Decision *out,
                                   struct ward_err *err);

/* ---- effects of overrides ---- */

struct check_who {
    const char *const *roles;
    int n_roles;
    bool second; /* a second person confirmed with a valid token */
};
/* Determines the findings that still block the order, and adds their ids to *open. A finding
 * above INFO needs an override; a HARD finding also needs a second person; a final finding
 * always blocks. INVALID_ARGUMENT REASON_UNKNOWN, OVERRIDE_UNUSED; PERMISSION_DENIED
 * OVERRIDE_ROLE */
WARD_MUST enum ward_code check_open(const struct ruleset *rules,
                                    const Ward__Dosage__V1__Decision *d,
                                    Ward__Dosage__V1__Override *const *overrides, size_t n,
                                    const struct check_who *who, struct ward_arena *mem,
                                    char ***open, size_t *n_open, struct ward_err *err);
/* ---- acknowledgements for the patient ---- */

#define CHECK_MATTER 65
/* Whether a warning concerns the patient and not the order. `out`: a hash of the chart's
 * relevant entries, 64 hex digits, which changes if the entries change. False: the finding
 * concerns the order, or is not a warning. */
bool check_matter(const struct ruleset *rules, const Ward__Dosage__V1__Decision *d,
                  const Ward__Dosage__V1__Finding *f, struct ward_arena *mem,
                  char out[CHECK_MATTER]);
/* Whether an acknowledgement in the snapshot lowered the finding from WARN to INFO. */
bool check_lowered(const Ward__Dosage__V1__Decision *d, const Ward__Dosage__V1__Finding *f);

/* Whether at least one finding is HARD and can be overridden. */
bool check_needs_second(const Ward__Dosage__V1__Decision *d);

/* ---- amounts ---- */

/* Whether the dose is a rate: a continuous infusion, or a patch ("25 ug/h" on the skin). */
bool dose_is_rate(const Ward__Dosage__V1__Prescription *p);

/* Converts a Quantity to an exact number and a unit.   INVALID_ARGUMENT DOSE_UNIT,
 * DOSE_VALUE */
struct amount {
    struct ward_decimal value;
    struct ward_ucum unit;
    const char *text; /* the unit as written in the Quantity */
};
WARD_MUST enum ward_code amount_of(const Ward__Dosage__V1__Quantity *q, struct amount *out,
                                   struct ward_err *err);
/* Converts to another unit, exactly. Annotations must be equal: a {tablet} is not a {capsule},
 * although both are 1 in UCUM.   INVALID_ARGUMENT DOSE_UNIT */
WARD_MUST enum ward_code amount_in(const struct amount *a, const char *unit,
                                   struct ward_decimal *out, struct ward_err *err);
/* The amount of an ingredient in a dose of a drug, in the ingredient's unit. The dose is an
 * amount of the ingredient, of the drug's first ingredient (the product's strengths give the
 * other ingredients), or of the product ("2 {tablet}", "5 mL"). Exact, or a failure:
 *   INVALID_ARGUMENT  DOSE_UNIT: no exact conversion; DOSE_VALUE */
WARD_MUST enum ward_code amount_of_ingredient(const struct ruleset *rules, const char *drug_id,
                                              const char *product_id,
                                              const Ward__Dosage__V1__Quantity *dose,
                                              const char *ingredient, struct ward_decimal *out,
                                              struct ward_err *err);
/* Prints an amount in the notation for nurses, in English: "125 mcg", "1 mg" for "1.000 mg".
 * NULL: no memory. */
char *amount_shown(const Ward__Dosage__V1__Quantity *q, struct ward_arena *mem);
/* Converts a decimal to a canonical Quantity. */
WARD_MUST enum ward_code amount_print(const struct ward_decimal *value, const char *unit,
                                      struct ward_arena *mem, Ward__Dosage__V1__Quantity **out,
                                      struct ward_err *err);

#endif
