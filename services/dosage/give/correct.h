/* correct.h - declarations that the files of Correct share: the correction, and the required
 * people.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: Correct's.
 */
#ifndef DOSAGE_GIVE_CORRECT_H
#define DOSAGE_GIVE_CORRECT_H

#include "services/dosage/give/bedside.h"

typedef Ward__Dosage__V1__CorrectRequest CorrectRequest;

struct correcting {
    struct visit v;
    const CorrectRequest *q;
    Dose *dose; /* as first read: the version that the request expects, otherwise a conflict */
    const struct ruleset *rules;
    bool upward;      /* true: the new dose is larger than the old one, or not comparable */
    int64_t first_us; /* the first charted time, if a time changes */
    bool has_second;
    struct ward_principal second;
    AdministerResponse answer;
};

/* Compares the new dose with the one before: in one unit, or by the drug's first ingredient. */
bool correct_is_upward(const struct ruleset *rules, const Dose *was, const Quantity *now);
/* A correction to a larger dose is checked like a dose at that time, without the corrected
 * dose. In the transaction; the decision is stored and *d names it.   decide's */
WARD_MUST enum ward_code correct_check(struct correcting *k, Dose *d, struct ward_err *err);
/* FAILED_PRECONDITION SECOND_PERSON_NEEDED if one person alone may not change `was` to `d`. */
WARD_MUST enum ward_code correct_people(struct correcting *k, const Dose *was, const Dose *d,
                                        struct ward_err *err);

#endif
