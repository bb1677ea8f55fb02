/* prepared.h - what a rule set is to the check, read once: decimals and units parsed, limits in
 * their ingredients' units, names folded, and which interactions and allergies an ingredient
 * concerns.
 *
 * ruleset_make calls check_prepare as its last step, keeps the result beside the set (it lives
 * in the set's own arena) and gives it out by ruleset_prepared (formulary/ruleset.h).
 *
 * Threads: constant once made, and shared. Memory: the arena. Errors: RESOURCE_EXHAUSTED; a
 * number or a unit that cannot be read is no failure here: what has it is never held.
 */
#ifndef DOSAGE_CHECK_PREPARED_H
#define DOSAGE_CHECK_PREPARED_H

#include "services/dosage/formulary/ruleset.h"

struct prepared;

WARD_MUST enum ward_code check_prepare(const struct ruleset *rules, struct ward_arena *mem,
                                       struct prepared **out, struct ward_err *err);

#endif
