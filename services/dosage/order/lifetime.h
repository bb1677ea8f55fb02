/* lifetime.h - what a patient got in all their life of an ingredient that has a limit for life.
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: give.h's.
 */
#ifndef DOSAGE_ORDER_LIFETIME_H
#define DOSAGE_ORDER_LIFETIME_H

#include "services/dosage/formulary/ruleset.h"

struct lifetimes {
    Ward__Dosage__V1__Lifetime **at;
    size_t n;
    bool cut; /* some dose is not in the sum: nothing says how much of the ingredient it was */
};
/* Of this drug's ingredients, over doses given before before_us. Without such a limit nothing
 * is read; an ingredient that was never given is not there. */
WARD_MUST enum ward_code lifetimes_of(struct worker *w, struct ward_arena *mem,
                                      const struct ruleset *rules, const char *drug_id,
                                      const uint8_t patient[DOSAGE_ID], int64_t before_us,
                                      struct lifetimes *out, struct ward_err *err);

#endif
