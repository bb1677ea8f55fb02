/* correct.h - declarations that the files of Correct share: the correction, and the required
 * people.
 *
 * Threads: any worker. Memory: the call's arena. Errors: those of Correct.
 */
#ifndef DOSAGE_GIVE_CORRECT_H
#define DOSAGE_GIVE_CORRECT_H

#include "services/dosage/give/bedside.h"

typedef Ward__Dosage__V1__CorrectRequest CorrectRequest;

struct correcting {
    struct visit v;
    const CorrectRequest *q;
    /* the dose as first read; another current version than expected is a conflict */
    Dose *dose;
    const struct ruleset *rules;
    bool upward; /* true: the new dose is larger than the earlier dose, or not comparable */
    int64_t first_us; /* the first charted time, if the correction changes the time */
    bool has_second;
    struct ward_principal second;
    AdministerResponse answer;
};

/* Whether the new dose is larger than the earlier dose, in one unit or by the drug's first
 * ingredient. */
bool correct_is_upward(const struct ruleset *rules, const Dose *was, const Quantity *now);
/* Checks a correction to a larger dose, as of the time of the dose and without the corrected
 * dose. Stores the decision, and sets its id in *d. Call in the transaction.   Errors of
 * decide. */
WARD_MUST enum ward_code correct_check(struct correcting *k, Dose *d, struct ward_err *err);
/* Checks whether one person alone may change `was` to `d`.
 *   FAILED_PRECONDITION SECOND_PERSON_NEEDED */
WARD_MUST enum ward_code correct_people(struct correcting *k, const Dose *was, const Dose *d,
                                        struct ward_err *err);

#endif
