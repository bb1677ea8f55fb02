/* clean.h - normalization and plausibility checks of imported data.
 *
 * Threads: pure functions. Memory: the arena. Errors: RESOURCE_EXHAUSTED; problems are results.
 */
#ifndef RECORDS_EXCHANGE_CLEAN_H
#define RECORDS_EXCHANGE_CLEAN_H

#include "services/records/records.h"
#include "ward/records/v1/exchange.pb-c.h"

struct problems {
    Ward__Records__V1__Problem **at;
    size_t n;
};
struct cleanings {
    Ward__Records__V1__Cleaned **at;
    size_t n;
};
/* Normalizes units: a quantity with a known unit or synonym gets the system UCUM and a code.
 * `unit` and value are unchanged. A quantity with an unknown or ambiguous unit is unchanged. */
WARD_MUST enum ward_code clean_resource(struct ward_arena *mem, Resource *res,
                                        struct cleanings *out, struct ward_err *err);
/* Adds a problem UNIT_UNKNOWN to *out for each quantity without a code whose unit is a UCUM
 * code that hospitals use for another unit: "U/ML", "C". Skips a quantity that already has a
 * problem in *out. */
WARD_MUST enum ward_code doubtful_units(struct ward_arena *mem, const Resource *res,
                                        struct problems *out, struct ward_err *err);
/* Adds to *out the problems of doubtful_units, and:
 *   IMPLAUSIBLE_VALUE  values outside the range of their LOINC code
 *   UNIT_UNKNOWN       units of another dimension than the code's
 *   IMPLAUSIBLE_DATE   dates in the future or before birth_us (INT64_MIN: unknown) */
WARD_MUST enum ward_code implausible(struct ward_arena *mem, const Resource *res,
                                     int64_t birth_us, int64_t now_us, struct problems *out,
                                     struct ward_err *err);
/* Whether the resource is a measurement whose plausible values depend on the patient's age: a
 * weight or a height. */
bool plausible_grows(const Resource *res);

#endif
