#include "services/dosage/order/next_due.h"

#include "services/dosage/schedule/plan.h"

#include <string.h>

typedef Ward__Dosage__V1__Timing Timing;

int64_t next_due(const struct clock *clock, const Prescription *p, bool changes, int64_t at_us)
{
    Order order = WARD__DOSAGE__V1__ORDER__INIT;
    struct timing_walk walk;
    struct timing timing;
    struct slot slot;

    if (timing_check(p, NULL) != WARD_OK)
        return 0;
    order.prescription = (Prescription *)(uintptr_t)p;
    timing = plan_timing(&order, clock->zone, clock->before_minutes, clock->after_minutes);
    timing_start(&walk, &timing, changes ? at_us : at_us - PLAN_DAY_US);
    while (timing_next(&walk))
        if (walk.due_us >= at_us ||
            (timing_slot_at(&timing, walk.due_us, &slot) && slot.to_us > at_us))
            return walk.due_us;
    return 0;
}

static bool same_texts(char *const *a, size_t n_a, char *const *b, size_t n_b)
{
    for (size_t i = 0; n_a == n_b && i < n_a; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return n_a == n_b;
}

static bool same_days(const Timing *a, const Timing *b)
{
    for (size_t i = 0; a->n_weekdays == b->n_weekdays && i < a->n_weekdays; i++)
        if (a->weekdays[i] != b->weekdays[i])
            return false;
    return a->n_weekdays == b->n_weekdays && a->every_days == b->every_days;
}

bool same_times(const Prescription *a, const Prescription *b)
{
    const Timing *x = a->timing, *y = b->timing;

    return x != NULL && y != NULL && a->starts_at_us == b->starts_at_us && x->kind == y->kind &&
           x->interval_minutes == y->interval_minutes && x->count == y->count &&
           same_texts(x->times, x->n_times, y->times, y->n_times) && same_days(x, y);
}
