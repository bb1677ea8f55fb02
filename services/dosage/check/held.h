/* held.h - inside of the dose rules: one rule held against one ingredient of an order.
 *
 * Threads: one run's. Memory: the arena. Errors: none; what cannot be compared is undecided.
 */
#ifndef DOSAGE_CHECK_HELD_H
#define DOSAGE_CHECK_HELD_H

#include "services/dosage/check/run.h"

#define WHOLE_NUMBERS 6 /* that one rule can compare beside its limits */

struct words {
    const char *en, *zh;
};

/* One rule held against one ingredient. */
struct held {
    struct run *r;
    struct share *share;
    const struct ingredient *of;
    struct sums *sums;
    const struct dose_rule *rule;
    unsigned skip;      /* of enum limit_group: what a rule of the indication says instead */
    struct told told;   /* what was looked at */
    struct told broken; /* what did not hold */
    char *en, *zh;      /* ...in words */
    bool undecided;
    bool failed;      /* broken, though there is no number to show */
    unsigned missing; /* of enum lack: what the rule requires the order to say */
    const char *why;
};

/* A rule that is not broken is undecided from now on; the first `why` stays. */
void held_undecided(struct held *h, const char *why);
/* One more clause of the finding's sentence. */
void held_also(struct held *h, const char *en, const char *zh, const char *const *args);
void held_looked(struct held *h, Ward__Dosage__V1__Compared *c, bool broken);
/* A whole number against its limit. */
void held_number(struct held *h, const char *what, int64_t actual, int64_t limit,
                 const char *unit, bool least, const struct words *words);

/* ---- dose.c ---- */

/* Whether the rule would find nothing, were it for this patient; nothing is noted. */
bool dose_would_hold(struct run *r, const struct share *share, struct sums **sums,
                     const struct dose_rule *rule, unsigned instead);
/* ---- infuse.c: what one dose is infused in, and over how long ---- */

/* The amount and what it is in. False: the order does not say, which is noted. */
bool held_volume(struct held *h, struct ward_decimal *amount, struct ward_decimal *ml,
                 bool *undiluted);
bool held_minutes(struct held *h, struct ward_decimal *out);
void held_infusion(struct held *h);
/* ---- number.c: minutes between doses, doses a day, days ---- */
void held_numbers(struct held *h);

#endif
