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
/* UCUM: a known synonym gets system and code; `unit` and value are unchanged. An unknown or
 * ambiguous unit is unchanged. */
WARD_MUST enum ward_code clean_resource(struct ward_arena *mem, Resource *res,
                                        struct cleanings *out, struct ward_err *err);
/* Adds to *out: quantities without a code whose unit is a UCUM code that hospitals use for
 * another unit (UNIT_UNKNOWN): "U/ML", "C". Not if *out already has a problem for the
 * quantity. */
WARD_MUST enum ward_code doubtful_units(struct ward_arena *mem, const Resource *res,
                                        struct problems *out, struct ward_err *err);
/* Adds to *out: doubtful_units, implausible values (IMPLAUSIBLE_VALUE; ranges with sources, by
 * LOINC code and unit), units of another dimension than the code's (UNIT_UNKNOWN), dates in the
 * future or before a known birth (IMPLAUSIBLE_DATE; birth_us, or INT64_MIN). */
WARD_MUST enum ward_code implausible(struct ward_arena *mem, const Resource *res,
                                     int64_t birth_us, int64_t now_us, struct problems *out,
                                     struct ward_err *err);
/* A measurement whose plausible values depend on the patient's age: a weight, a height. */
bool plausible_grows(const Resource *res);

#endif
