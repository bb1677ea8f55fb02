/* Solution and duration of one dose: limits of concentration, minutes and rate. Missing
 * information of an order is never assumed. */
#include "services/dosage/check/held.h"

static void missing(struct held *h, enum lack which, const char *why)
{
    if (h->rule->msg->infusion_required) {
        h->missing |= which;
        return;
    }
    h->r->lacking |= which;
    held_undecided(h, why);
}

/* ---- volume ---- */

static bool litres(const struct run *r, const Ward__Dosage__V1__Quantity *q,
                   struct ward_decimal *ml)
{
    struct amount a;
    struct unit parsed;

    return amount_from(r->set, q, &a, NULL) == WARD_OK &&
           amount_to(&a, unit_of(r->set, "mL", &parsed), ml);
}

/* Converts a concentration of the first ingredient, such as "0.4 meq/mL", to the amount of this
 * ingredient in 1 mL. */
static bool said(const struct held *h, struct ward_decimal *amount, struct ward_decimal *ml)
{
    const struct run *r = h->r;
    struct amount a;

    *ml = ward_decimal_of(1, 0);
    for (size_t k = 0; k < r->n_shares; k++)
        if (&r->shares[k] == h->share)
            return amount_from(r->set, r->p->concentration, &a, NULL) == WARD_OK &&
                   amount_to(&a, &r->set->ingredients[r->drug->ingredients[0]].ml, amount) &&
                   amount_share(r->set, r->drug, r->product, amount, k, amount);
    return false;
}

/* The concentration of the product as supplied, an undiluted solution. */
static bool undiluted_of(const struct held *h, struct ward_decimal *amount,
                         struct ward_decimal *ml)
{
    const struct product *p = h->r->product;

    for (size_t i = 0; p != NULL && i < p->msg->n_strengths; i++) {
        const struct strength *s = &p->strengths[i];
        struct amount per;
        struct unit parsed;

        if (!s->good || s->rate || s->ingredient != h->share->ingredient)
            continue;
        per = (struct amount){s->per, s->unit.ucum, s->unit.text};
        *amount = s->amount;
        if (amount_to(&per, unit_of(h->r->set, "mL", &parsed), ml))
            return true;
    }
    return false;
}

bool held_volume(struct held *h, struct ward_decimal *amount, struct ward_decimal *ml,
                 bool *undiluted)
{
    const Ward__Dosage__V1__Prescription *p = h->r->p;
    const Ward__Dosage__V1__Quantity *given = h->r->rate ? p->concentration : p->volume;
    bool good;

    *undiluted = false;
    if (given == NULL) {
        *undiluted = undiluted_of(h, amount, ml);
        if (!*undiluted)
            missing(h, LACK_VOLUME, "no-volume");
        return *undiluted;
    }
    *amount = h->share->amount;
    good = h->r->rate ? said(h, amount, ml) : litres(h->r, given, ml);
    if (!good) {
        unfit_add(h->r, h->rule->msg->rule->id);
        held_undecided(h, "unit");
    }
    return good;
}

/* ---- minutes ---- */

bool held_minutes(struct held *h, struct ward_decimal *out)
{
    *out = ward_decimal_of(h->r->p->infuse_over_minutes, 0);
    if (h->r->p->infuse_over_minutes > 0)
        return true;
    missing(h, LACK_MINUTES, "no-minutes");
    return false;
}

void held_infusion(struct held *h)
{
    static const struct words words = {"it is infused over {0} minutes, at least {1}",
                                       "输注时间 {0} 分钟，至少 {1} 分钟"};
    int32_t least = h->rule->msg->min_infusion_minutes;
    struct ward_decimal minutes;

    if (least > 0 && (h->skip & GROUP_MINUTES) == 0 && !h->r->rate && held_minutes(h, &minutes))
        held_number(h, "infusion-minutes", h->r->p->infuse_over_minutes, least, "min", true,
                    &words);
    if ((h->missing & LACK_VOLUME) != 0)
        held_also(h, "the order does not say the volume", "医嘱未注明总液量", NULL);
    if ((h->missing & LACK_MINUTES) != 0)
        held_also(h, "the order does not say over how many minutes it is infused",
                  "医嘱未注明输注时间", NULL);
    h->failed |= h->missing != 0;
}
