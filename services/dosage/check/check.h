/* check.h - the dose check: a pure function of a snapshot and a rule set.
 *
 * No clock, no database, no locale, no double but where a formula's source has one (Mosteller's
 * root, done in integers). The same input gives the same bytes, on every machine, for as long
 * as the rule set is kept. Snapshot.engine names the version of this code that decides, so a
 * newer program replays an old decision to the same bytes (tests/contract/dosage/replay).
 *
 * Threads: any. Memory: the arena. Errors: RESOURCE_EXHAUSTED; INVALID_ARGUMENT DOSE_UNIT,
 * DOSE_VALUE, TIMING_INVALID for a prescription that cannot be; FAILED_PRECONDITION
 * ENGINE_NEWER for a snapshot that a newer program decided. Everything else is a finding.
 */
#ifndef DOSAGE_CHECK_CHECK_H
#define DOSAGE_CHECK_CHECK_H

#include "common/measure/decimal.h"
#include "services/dosage/formulary/ruleset.h"

/* The newest version of the check's own code. Raise it when a change would decide an old
 * snapshot otherwise, and keep the old behaviour for snapshots that name an older version. */
#define CHECK_ENGINE 3

/* Fills out's findings, trace, outcome and sha256; its snapshot is the one given. */
WARD_MUST enum ward_code check_run(const struct ruleset *rules,
                                   const Ward__Dosage__V1__Snapshot *snap,
                                   struct ward_arena *mem, Ward__Dosage__V1__Decision *out,
                                   struct ward_err *err);

/* ---- what overrides do ---- */

struct check_who {
    const char *const *roles;
    int n_roles;
    bool second; /* a second person came, and their token was good */
};
/* Which findings still stand in the way: ids into *open. A finding above INFO needs an
 * override; HARD a second person too; a final one stands always. INVALID_ARGUMENT
 * REASON_UNKNOWN, OVERRIDE_UNUSED PERMISSION_DENIED  OVERRIDE_ROLE */
WARD_MUST enum ward_code check_open(const struct ruleset *rules,
                                    const Ward__Dosage__V1__Decision *d,
                                    Ward__Dosage__V1__Override *const *overrides, size_t n,
                                    const struct check_who *who, struct ward_arena *mem,
                                    char ***open, size_t *n_open, struct ward_err *err);
/* ---- what is acknowledged for the patient ---- */

#define CHECK_MATTER 65
/* A warning of the decision that is about the patient and not about the order. `out`: what the
 * chart says in that matter, 64 hex digits; another value once the chart says something else.
 * False: it is about the order, or no warning. */
bool check_matter(const struct ruleset *rules, const Ward__Dosage__V1__Decision *d,
                  const Ward__Dosage__V1__Finding *f, struct ward_arena *mem,
                  char out[CHECK_MATTER]);
/* It would be a warning, and an acknowledgement in the snapshot made it INFO. */
bool check_lowered(const Ward__Dosage__V1__Decision *d, const Ward__Dosage__V1__Finding *f);

/* Some finding of HARD that may be overridden is among them. */
bool check_needs_second(const Ward__Dosage__V1__Decision *d);

/* ---- amounts ---- */

/* Whether its dose is a rate: of a continuous infusion, and of a patch ("25 ug/h" on the skin).
 */
bool dose_is_rate(const Ward__Dosage__V1__Prescription *p);

/* A Quantity as an exact number and a unit.   INVALID_ARGUMENT DOSE_UNIT, DOSE_VALUE */
struct amount {
    struct ward_decimal value;
    struct ward_ucum unit;
    const char *text; /* the unit as written; the Quantity's */
};
WARD_MUST enum ward_code amount_of(const Ward__Dosage__V1__Quantity *q, struct amount *out,
                                   struct ward_err *err);
/* The same in another unit, exactly. Annotations must be the same: a {tablet} is no {capsule},
 * though to UCUM both are 1.   INVALID_ARGUMENT DOSE_UNIT */
WARD_MUST enum ward_code amount_in(const struct amount *a, const char *unit,
                                   struct ward_decimal *out, struct ward_err *err);
/* How much of an ingredient, in its own unit, a dose of a drug is: the dose is an amount of the
 * ingredient (or of the drug's first, of which the product's strengths say how much of the
 * others comes with it), or of the product ("2 {tablet}", "5 mL"). Exact, or a failure:
 *   INVALID_ARGUMENT  DOSE_UNIT: nothing converts it exactly; DOSE_VALUE */
WARD_MUST enum ward_code amount_of_ingredient(const struct ruleset *rules, const char *drug_id,
                                              const char *product_id,
                                              const Ward__Dosage__V1__Quantity *dose,
                                              const char *ingredient, struct ward_decimal *out,
                                              struct ward_err *err);
/* As nurses read it, in English: "125 mcg", "1 mg" for "1.000 mg". NULL: no memory. */
char *amount_shown(const Ward__Dosage__V1__Quantity *q, struct ward_arena *mem);
/* Fits a decimal back into a Quantity, canonical. */
WARD_MUST enum ward_code amount_print(const struct ward_decimal *value, const char *unit,
                                      struct ward_arena *mem, Ward__Dosage__V1__Quantity **out,
                                      struct ward_err *err);

#endif
