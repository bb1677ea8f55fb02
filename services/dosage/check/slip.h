/* slip.h - internals of slip rules: one slip rule compared with one order.
 *
 * Threads: each run belongs to one thread. Memory: the arena. Errors: none; values that cannot
 * be compared are undecided.
 */
#ifndef DOSAGE_CHECK_SLIP_H
#define DOSAGE_CHECK_SLIP_H

#include "services/dosage/check/run.h"

struct slip {
    struct run *r;
    const struct slip_rule *rule;
    const char *what;
    const char *en, *zh; /* {0}: the number; {1}: the reference value; {2}: the factor */
};
/* Marks the rule as undecided, because a value is invalid. */
void slip_unclear(const struct slip *s, const char *why);
void slip_conclude(const struct slip *s, bool broken, const struct ward_decimal *actual,
                   const struct ward_decimal *limit, const char *unit, const char *relation,
                   const char *about);

/* ---- slip_body.c: implausible measurements ---- */
bool slip_is_of_body(const struct slip_rule *rule);
void slip_body(struct slip *s);

#endif
