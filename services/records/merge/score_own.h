/* score_own.h - declarations that the files of the score share. As score.h. */
#ifndef RECORDS_MERGE_SCORE_OWN_H
#define RECORDS_MERGE_SCORE_OWN_H

#include "services/records/merge/score.h"

/* The two most similar names, each 0 to 1; -1: one of them has none. */
struct likeness {
    double family, given;
};
WARD_MUST enum ward_code score_names(struct ward_arena *mem, const Patient *a, const Patient *b,
                                     struct likeness *out, struct ward_err *err);

#endif
