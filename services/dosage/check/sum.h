/* sum.h - inside of sums: an order's doses ahead, and doses given.
 *
 * Threads: one run's. Memory: the arena. Errors: none; what is not good says so.
 */
#ifndef DOSAGE_CHECK_SUM_H
#define DOSAGE_CHECK_SUM_H

#include "services/dosage/check/run.h"

#define FOREVER      INT64_MAX
#define INFUSION_EXP (-6) /* amounts of infusions over a time are rounded up to this */

struct stream { /* an order's doses ahead; times from the decision's moment */
    const char *order_id;
    bool infusion;
    struct ward_decimal amount; /* of one; of an infusion a day */
    int per_day, per_week;      /* per_week 0: of days of the week it says nothing */
    int64_t apart_us, first_us, ends_us, slack_us;
    int64_t left;                   /* doses that are left of its count; -1: no count */
    int64_t ran_us;                 /* of an infusion: since it was charted; 0: not yet */
    bool meets;                     /* runs at some time while this order does */
    const struct dose_given *older; /* while its doses are gone through, oldest first */
};
struct dose_given {
    const Ward__Dosage__V1__GivenDose *msg;
    int64_t ago_us, slack_us; /* how much earlier than its time it may leave a span */
    bool good;
    bool infusion; /* ...that ran from ago_us to ended_us before now; the amount is a day's */
    int64_t ended_us;
    struct ward_decimal amount;
    int stream; /* -1: of no order that is here */
};
struct sums {
    struct stream *streams; /* the first is this order's */
    size_t n_streams;
    struct dose_given *given; /* newest first */
    size_t n_given;
    struct ward_decimal lifetime;
};

/* amount * minutes of a day, rounded up. */
bool sum_minutes(const struct ward_decimal *a_day, int64_t us, struct ward_decimal *out);

#endif
