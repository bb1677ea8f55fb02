/* correct.h - what the files of Correct share: the correction, and how many people it takes.
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
    Dose *dose; /* as it was read first: the version that the request expects, or a conflict */
    const struct ruleset *rules;
    bool upward;      /* the new dose is more than the old one, or nothing tells */
    int64_t first_us; /* when it was given as charted first, where a time moves */
    bool has_second;
    struct ward_principal second;
    AdministerResponse answer;
};

/* The new dose against the one before: in one unit, or in the drug's first ingredient. */
bool correct_is_upward(const struct ruleset *rules, const Dose *was, const Quantity *now);
/* A correction of more is checked like a dose given then, without the dose that it corrects. In
 * the transaction; kept, and named by *d.   decide's */
WARD_MUST enum ward_code correct_check(struct correcting *k, Dose *d, struct ward_err *err);
/* FAILED_PRECONDITION SECOND_PERSON_NEEDED where one person alone may not make `d` of `was`. */
WARD_MUST enum ward_code correct_people(struct correcting *k, const Dose *was, const Dose *d,
                                        struct ward_err *err);

#endif
