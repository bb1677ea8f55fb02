/* held.h - internals of the dose rules: one rule compared with one ingredient of an order.
 *
 * Threads: each run belongs to one thread. Memory: the arena. Errors: none; amounts that cannot
 * be compared are undecided.
 */
#ifndef DOSAGE_CHECK_HELD_H
#define DOSAGE_CHECK_HELD_H

#include "services/dosage/check/run.h"

#define WHOLE_NUMBERS 6 /* maximum number that one rule can compare besides its limits */

struct words {
    const char *en, *zh;
};

/* A rule compared with one ingredient of the order. */
struct held {
    struct run *r;
    struct share *share;
    const struct ingredient *of;
    struct sums *sums;
    const struct dose_rule *rule;
    unsigned skip;      /* enum limit_group: limits replaced by a rule of the indication */
    struct told told;   /* limits that were checked */
    struct told broken; /* limits that were exceeded */
    char *en, *zh;      /* sentence of the exceeded limits */
    bool undecided;
    bool failed;      /* exceeded, without a number to display */
    unsigned missing; /* enum lack: information that the rule requires from the order */
    const char *why;
};

/* Marks a rule as undecided, unless a limit is exceeded. The first `why` is preserved. */
void held_undecided(struct held *h, const char *why);
/* Adds one clause to the finding's sentence. */
void held_also(struct held *h, const char *en, const char *zh, const char *const *args);
void held_looked(struct held *h, Ward__Dosage__V1__Compared *c, bool broken);
/* Compares a whole number with its limit. */
void held_number(struct held *h, const char *what, int64_t actual, int64_t limit,
                 const char *unit, bool least, const struct words *words);

/* ---- dose.c ---- */

/* Whether the rule would find nothing if the rule applied to this patient. Findings, trace and
 * limits are not recorded. */
bool dose_would_hold(struct run *r, const struct share *share, struct sums **sums,
                     const struct dose_rule *rule, unsigned instead);
/* ---- infuse.c: volume and duration of an infusion ---- */

/* The amount and the volume that contains the amount. False: the order states no volume, and
 * the missing volume is recorded. */
bool held_volume(struct held *h, struct ward_decimal *amount, struct ward_decimal *ml,
                 bool *undiluted);
bool held_minutes(struct held *h, struct ward_decimal *out);
void held_infusion(struct held *h);
/* ---- number.c: minutes between doses, doses per day, days ---- */
void held_numbers(struct held *h);

#endif
