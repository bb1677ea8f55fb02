/* sum.h - internals of sums: an order's future doses, and given doses.
 *
 * Threads: each run belongs to one thread. Memory: the arena. Errors: none; a sum that cannot
 * be computed is marked.
 */
#ifndef DOSAGE_CHECK_SUM_H
#define DOSAGE_CHECK_SUM_H

#include "services/dosage/check/run.h"

#define FOREVER      INT64_MAX
#define INFUSION_EXP (-6) /* precision of an infused amount, rounded up */

struct stream { /* an order's future doses; times are relative to the decision */
    const char *order_id;
    bool infusion;
    struct ward_decimal amount; /* amount of one dose; for an infusion: per day */
    int per_day, per_week;      /* per_week 0: all weekdays are permitted */
    int64_t apart_us, first_us, ends_us, slack_us;
    int64_t left;   /* remaining doses of a limited number; -1: unlimited */
    int64_t ran_us; /* for an infusion: time since its charting; 0: not charted */
    bool meets;     /* the order is active at some time during this order */
    const struct dose_given *older; /* used by slack_of_given */
};
struct dose_given {
    const Ward__Dosage__V1__GivenDose *msg;
    int64_t ago_us, slack_us; /* slack_us: how much earlier the dose may leave a time span */
    bool good;
    /* the rate was given from ago_us to ended_us before now; `amount` is per day */
    bool infusion;
    int64_t ended_us;
    struct ward_decimal amount;
    int stream; /* index of the order's stream; -1: no known order */
};
struct sums {
    struct stream *streams; /* the first stream is this order's */
    size_t n_streams;
    struct dose_given *given; /* sorted, newest first */
    size_t n_given;
    struct ward_decimal lifetime;
};

/* Computes an amount per day times a duration, rounded up. */
bool sum_minutes(const struct ward_decimal *a_day, int64_t us, struct ward_decimal *out);

#endif
