/* score_own.h - declarations that the files of the score share. Threads, memory and errors: as
 * in score.h. */
#ifndef RECORDS_MERGE_SCORE_OWN_H
#define RECORDS_MERGE_SCORE_OWN_H

#include "services/records/merge/score.h"

/* The similarity of the two most similar names, from 0 to 1. -1: a patient has no such name
 * part. */
struct likeness {
    double family, given;
};
WARD_MUST enum ward_code score_names(struct ward_arena *mem, const Patient *a, const Patient *b,
                                     struct likeness *out, struct ward_err *err);

#endif
