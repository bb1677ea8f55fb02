/* Usual doses, and sums of several ingredients in one unit. */
#include "services/dosage/formulary/valid.h"

#include <string.h>

#define TIMES_MOST       100
#define MEMBERS_MOST     64
#define WINDOW_MOST_DAYS 400

typedef Ward__Dosage__V1__UsualDoseRule Usual;
typedef Ward__Dosage__V1__ClassSumRule Sum;

/* ---- usual doses ---- */

struct pair {
    const char *low_name, *high_name;
    const Quantity *low, *high;
    enum over over;
};

/* Checks the pairs of low and high doses. Returns the number of high doses. */
static int pairs(struct valid *v, const Usual *u, const Ingredient *in, const struct place *at)
{
    const struct pair all[] = {
        {"low", "high", u->low, u->high, OVER_NOTHING},
        {"low_per_kg", "high_per_kg", u->low_per_kg, u->high_per_kg, OVER_KG},
        {"low_per_m2", "high_per_m2", u->low_per_m2, u->high_per_m2, OVER_M2},
        {"", "high_daily", NULL, u->high_daily, OVER_NOTHING},
        {"", "high_daily_per_kg", NULL, u->high_daily_per_kg, OVER_KG},
        {"low_rate", "high_rate", u->low_rate, u->high_rate, OVER_TIME},
        {"low_rate_per_kg", "high_rate_per_kg", u->low_rate_per_kg, u->high_rate_per_kg,
         OVER_KG_TIME},
    };
    int n = 0;

    for (size_t i = 0; i < WARD_COUNT(all); i++) {
        const struct pair *p = &all[i];
        struct ward_decimal low, high;
        bool both = p->low != NULL && p->high != NULL;

        n += p->high != NULL;
        if (p->low != NULL && p->high == NULL)
            wrong(v, PLACE(at, p->low_name), "needs %s", p->high_name);
        both = valid_amount(v, PLACE(at, p->low_name), p->low, in, p->over, &low) && both;
        both = valid_amount(v, PLACE(at, p->high_name), p->high, in, p->over, &high) && both;
        if (both && ward_decimal_cmp(&low, &high) > 0)
            wrong(v, PLACE(at, p->low_name), "is above %s", p->high_name);
    }
    return n;
}

/* Checks a factor: above 1 and at most 100. */
static bool times(struct valid *v, const struct place *at, const char *s,
                  struct ward_decimal *out)
{
    const struct ward_decimal one = ward_decimal_of(1, 0),
                              most = ward_decimal_of(TIMES_MOST, 0);

    if (!valid_decimal(v, at, s, out))
        return false;
    if (ward_decimal_cmp(out, &one) <= 0 || ward_decimal_cmp(out, &most) > 0)
        return wrong(v, at, "must be above 1 and at most %d", TIMES_MOST);
    return true;
}

static void factors(struct valid *v, const Usual *u, const struct place *at)
{
    bool low = u->low != NULL || u->low_per_kg != NULL || u->low_per_m2 != NULL ||
               u->low_rate != NULL || u->low_rate_per_kg != NULL;
    struct ward_decimal most, warn, least;
    bool good = times(v, PLACE(at, "factor"), u->factor, &most);

    if (*u->warn_factor != '\0' && times(v, PLACE(at, "warn_factor"), u->warn_factor, &warn) &&
        good && ward_decimal_cmp(&warn, &most) >= 0)
        wrong(v, PLACE(at, "warn_factor"), "must be below factor");
    if (*u->low_factor != '\0') {
        times(v, PLACE(at, "low_factor"), u->low_factor, &least);
        if (!low)
            wrong(v, PLACE(at, "low_factor"), "needs a low amount");
    }
    valid_range(v, PLACE(at, "low_severity"), u->low_severity, 0,
                WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN);
}

static void usual(struct valid *v, const Usual *u, const struct place *at)
{
    const Ingredient *in = ruleset_ingredient(v->r, u->ingredient);

    valid_rule_head(v, at, u->rule);
    valid_band(v, u->band, PLACE(at, "band"));
    valid_basis(v, PLACE(at, "weight_basis"), u->weight_basis);
    factors(v, u, at);
    if (in == NULL)
        wrong(v, PLACE(at, "ingredient"), "is not an ingredient of this set");
    else if (pairs(v, u, in, at) == 0)
        wrong(v, at, "has no usual amount");
}

void valid_usual(struct valid *v)
{
    const RuleSet *m = v->r->msg;

    for (size_t i = 0; i < m->n_usual_doses; i++)
        usual(v, m->usual_doses[i], PLACE_OF(NULL, "usual_doses", i));
}

/* ---- class sums ---- */

static bool shares_route(const Ward__Dosage__V1__ClassSumRule__Member *a,
                         const Ward__Dosage__V1__ClassSumRule__Member *b)
{
    if (a->n_routes == 0 || b->n_routes == 0)
        return true;
    for (size_t i = 0; i < a->n_routes; i++)
        for (size_t k = 0; k < b->n_routes; k++)
            if (a->routes[i] == b->routes[k])
                return true;
    return false;
}

static void member(struct valid *v, const Sum *s, size_t i, const struct place *at)
{
    const Ward__Dosage__V1__ClassSumRule__Member *m = s->members[i];
    struct ward_decimal factor;

    if (ruleset_ingredient(v->r, m->ingredient) == NULL)
        wrong(v, PLACE(at, "ingredient"), "is not an ingredient of this set");
    valid_routes(v, at, "routes", m->routes, m->n_routes);
    valid_decimal(v, PLACE(at, "factor"), m->factor, &factor);
    for (size_t k = 0; k < i; k++)
        if (strcmp(s->members[k]->ingredient, m->ingredient) == 0 &&
            shares_route(s->members[k], m))
            wrong(v, at, "has the same ingredient and route as an earlier member");
}

static void amounts(struct valid *v, const Sum *s, const struct place *at)
{
    Ingredient of = WARD__DOSAGE__V1__INGREDIENT__INIT;
    bool cumulative = s->max_cumulative != NULL || s->max_cumulative_per_m2 != NULL;

    if (!cumulative && s->max_daily == NULL)
        wrong(v, at, "has no limit");
    if (s->cumulative_days != 0 && !cumulative)
        wrong(v, PLACE(at, "cumulative_days"), "needs a cumulative limit");
    valid_range(v, PLACE(at, "cumulative_days"), s->cumulative_days, 0, WINDOW_MOST_DAYS);
    if (!valid_unit(v, PLACE(at, "unit"), s->unit))
        return;
    of.unit = s->unit;
    valid_amount(v, PLACE(at, "max_daily"), s->max_daily, &of, OVER_NOTHING, NULL);
    valid_amount(v, PLACE(at, "max_cumulative"), s->max_cumulative, &of, OVER_NOTHING, NULL);
    valid_amount(v, PLACE(at, "max_cumulative_per_m2"), s->max_cumulative_per_m2, &of, OVER_M2,
                 NULL);
}

static void sum(struct valid *v, const Sum *s, const struct place *at)
{
    valid_rule_head(v, at, s->rule);
    valid_sentence(v, PLACE(at, "name"), s->name);
    valid_band(v, s->band, PLACE(at, "band"));
    amounts(v, s, at);
    if (s->n_members == 0 || s->n_members > MEMBERS_MOST)
        wrong(v, PLACE(at, "members"), "must be 1 to %d", MEMBERS_MOST);
    for (size_t i = 0; i < s->n_members; i++)
        member(v, s, i, PLACE_OF(at, "members", i));
}

void valid_class_sums(struct valid *v)
{
    const RuleSet *m = v->r->msg;

    for (size_t i = 0; i < m->n_class_sums; i++)
        sum(v, m->class_sums[i], PLACE_OF(NULL, "class_sums", i));
}
