/* lifetime.h - the lifetime amount of an ingredient that has a lifetime limit.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of give.h.
 */
#ifndef DOSAGE_ORDER_LIFETIME_H
#define DOSAGE_ORDER_LIFETIME_H

#include "services/dosage/formulary/ruleset.h"

struct lifetimes {
    Ward__Dosage__V1__Lifetime **at;
    size_t n;
    bool cut; /* true: at least one dose has an unknown amount and is not in the sum */
};
/* Sums the ingredients of this drug over doses given before before_us. Nothing is read for an
 * ingredient without a lifetime limit; an ingredient that was never given is omitted. */
WARD_MUST enum ward_code lifetimes_of(struct worker *w, struct ward_arena *mem,
                                      const struct ruleset *rules, const char *drug_id,
                                      const uint8_t patient[DOSAGE_ID], int64_t before_us,
                                      struct lifetimes *out, struct ward_err *err);

#endif
