/* slip.h - inside of the slips: one slip rule held against one order.
 *
 * Threads: one run's. Memory: the arena. Errors: none; what cannot be compared is undecided.
 */
#ifndef DOSAGE_CHECK_SLIP_H
#define DOSAGE_CHECK_SLIP_H

#include "services/dosage/check/run.h"

struct slip {
    struct run *r;
    const struct slip_rule *rule;
    const char *what;
    const char *en, *zh; /* {0} the number, {1} what it is held against, {2} the factor */
};
/* Not good is not held: it says so. */
void slip_unclear(const struct slip *s, const char *why);
void slip_conclude(const struct slip *s, bool broken, const struct ward_decimal *actual,
                   const struct ward_decimal *limit, const char *unit, const char *relation,
                   const char *about);

/* ---- slip_body.c: measurements that no such patient has ---- */
bool slip_is_of_body(const struct slip_rule *rule);
void slip_body(struct slip *s);

#endif
