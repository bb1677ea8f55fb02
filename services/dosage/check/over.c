/* Whether a dose exceeds the dose from which a rule applies. */
#include "services/dosage/check/run.h"

#include "services/dosage/schedule/timing.h"

static bool above(const struct run *r, const struct amount *limit, int ingredient,
                  const struct ward_decimal *amount)
{
    struct ward_decimal most;

    return !amount_to(limit, &r->set->ingredients[ingredient].unit, &most) ||
           ward_decimal_cmp(amount, &most) > 0;
}

bool is_over(const struct run *r, const struct over *o, int ingredient,
             const struct ward_decimal *amount, bool rate, int per_day)
{
    struct ward_decimal daily, times = ward_decimal_of(rate ? 1 : per_day, 0);

    if (!o->set || amount == NULL || (rate && !o->has_daily))
        return true;
    if (o->has_single && !rate && above(r, &o->single, ingredient, amount))
        return true;
    return o->has_daily &&
           (!decimal_mul(amount, &times, &daily) || above(r, &o->daily, ingredient, &daily));
}

bool order_is_over(const struct run *r, const struct over *o, size_t k)
{
    const struct share *s = &r->shares[k];
    int per_day = 1, minutes;

    if (!o->set)
        return true;
    if (r->p->timing != NULL)
        timing_density(r->p, &per_day, &minutes);
    return is_over(r, o, s->ingredient, s->good ? &s->amount : NULL, r->rate, per_day);
}
