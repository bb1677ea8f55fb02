/* prepared.h - a rule set prepared once for the check: parsed decimals and units, limits in the
 * ingredients' units, normalized names, and the interactions and allergies of each ingredient.
 *
 * ruleset_make calls check_prepare as its last step, stores the result in the set's own arena
 * and returns it from ruleset_prepared (formulary/ruleset.h).
 *
 * Threads: constant after its creation, and shared. Memory: the arena. Errors:
 * RESOURCE_EXHAUSTED; an unreadable number or unit is not a failure: the rule with it is never
 * satisfied.
 */
#ifndef DOSAGE_CHECK_PREPARED_H
#define DOSAGE_CHECK_PREPARED_H

#include "services/dosage/formulary/ruleset.h"

struct prepared;

WARD_MUST enum ward_code check_prepare(const struct ruleset *rules, struct ward_arena *mem,
                                       struct prepared **out, struct ward_err *err);

#endif
