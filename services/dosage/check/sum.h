/* sum.h - inside of sums: an order's doses ahead, and doses given.
 *
 * Threads: one run's. Memory: the arena. Errors: none; a sum that cannot be computed is marked.
 */
#ifndef DOSAGE_CHECK_SUM_H
#define DOSAGE_CHECK_SUM_H

#include "services/dosage/check/run.h"

#define FOREVER      INT64_MAX
#define INFUSION_EXP (-6) /* precision of amounts of infusions over a time, rounded up */

struct stream { /* an order's future doses; times relative to the decision */
    const char *order_id;
    bool infusion;
    struct ward_decimal amount; /* of one dose; for an infusion per day */
    int per_day, per_week;      /* per_week 0: no restriction of weekdays */
    int64_t apart_us, first_us, ends_us, slack_us;
    int64_t left;                   /* remaining doses of its count; -1: no count */
    int64_t ran_us;                 /* for an infusion: since it was charted; 0: not yet */
    bool meets;                     /* active at some time during this order */
    const struct dose_given *older; /* used during the pass over its doses, oldest first */
};
struct dose_given {
    const Ward__Dosage__V1__GivenDose *msg;
    int64_t ago_us, slack_us; /* how much earlier it may leave a span */
    bool good;
    bool infusion; /* ...that ran from ago_us to ended_us before now; the amount is per day */
    int64_t ended_us;
    struct ward_decimal amount;
    int stream; /* -1: of no known order */
};
struct sums {
    struct stream *streams; /* the first one is this order's */
    size_t n_streams;
    struct dose_given *given; /* newest first */
    size_t n_given;
    struct ward_decimal lifetime;
};

/* amount * minutes per day, rounded up. */
bool sum_minutes(const struct ward_decimal *a_day, int64_t us, struct ward_decimal *out);

#endif
