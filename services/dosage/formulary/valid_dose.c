/* Dose rules: the patients to whom a rule applies, and limits that fit the ingredient and each
 * other. */
#include "services/dosage/formulary/valid.h"

#define AGE_MOST_DAYS    55000 /* days of 150 years */
#define WINDOW_MOST_DAYS 400   /* days; a snapshot has no older doses */
#define DURATION_MOST    3660
#define INTERVAL_MOST    525600
#define DOSES_MOST       288
#define NAIVE_MOST_DAYS  30
#define INFUSION_MOST    1440 /* minutes */

bool valid_ages(struct valid *v, const struct place *in, int32_t from, int32_t to)
{
    if (!valid_range(v, PLACE(in, "age_from_days"), from, 0, AGE_MOST_DAYS) ||
        !valid_range(v, PLACE(in, "age_to_days"), to, 0, AGE_MOST_DAYS))
        return false;
    if (to != 0 && to <= from)
        return wrong(v, PLACE(in, "age_to_days"), "must be above age_from_days");
    return true;
}

/* Checks a range [from, to) of decimals; "" is unbounded. */
static void bounds(struct valid *v, const struct place *from_at, const char *from,
                   const struct place *to_at, const char *to)
{
    struct ward_decimal a, b;
    bool low = *from != '\0' && valid_decimal(v, from_at, from, &a);
    bool high = *to != '\0' && valid_decimal(v, to_at, to, &b);

    if (low && high && ward_decimal_cmp(&a, &b) >= 0)
        wrong(v, to_at, "must be above %s", from_at->name);
}

/* Checks the condition for patients without earlier doses of a class. */
static void naive(struct valid *v, const Ward__Dosage__V1__Band *b, const struct place *at)
{
    if (*b->naive_class == '\0') {
        valid_range(v, PLACE(at, "naive_days"), b->naive_days, 0, 0);
        return;
    }
    valid_class(v, PLACE(at, "naive_class"), b->naive_class);
    valid_range(v, PLACE(at, "naive_days"), b->naive_days, 1, NAIVE_MOST_DAYS);
}

static void renal(struct valid *v, const Ward__Dosage__V1__Band *b, const struct place *at)
{
    bool bounded = *b->renal_from != '\0' || *b->renal_to != '\0';
    bool weighed = b->renal_by == WARD__DOSAGE__V1__BAND__RENAL_BY__RENAL_BY_CRCL;

    bounds(v, PLACE(at, "renal_from"), b->renal_from, PLACE(at, "renal_to"), b->renal_to);
    valid_range(v, PLACE(at, "renal_by"), b->renal_by, 0,
                WARD__DOSAGE__V1__BAND__RENAL_BY__RENAL_BY_EGFR);
    if (bounded != (b->renal_by != WARD__DOSAGE__V1__BAND__RENAL_BY__RENAL_BY_UNSPECIFIED))
        wrong(v, PLACE(at, "renal_by"),
              "must be set if and only if renal_from or renal_to is set");
    valid_basis(v, PLACE(at, "renal_weight"), b->renal_weight);
    if (b->renal_weight != WARD__DOSAGE__V1__WEIGHT_BASIS__WEIGHT_BASIS_UNSPECIFIED && !weighed)
        wrong(v, PLACE(at, "renal_weight"), "is only for RENAL_BY_CRCL");
}

void valid_basis(struct valid *v, const struct place *at, Ward__Dosage__V1__WeightBasis basis)
{
    valid_range(v, at, basis, 0, WARD__DOSAGE__V1__WEIGHT_BASIS__WEIGHT_BASIS_LEAN);
}

void valid_band(struct valid *v, const Ward__Dosage__V1__Band *b, const struct place *at)
{
    if (b == NULL)
        return;
    valid_routes(v, at, "routes", b->routes, b->n_routes);
    valid_codes(v, PLACE(at, "indications"), b->indications, b->n_indications);
    valid_ages(v, at, b->age_from_days, b->age_to_days);
    bounds(v, PLACE(at, "weight_from_kg"), b->weight_from_kg, PLACE(at, "weight_to_kg"),
           b->weight_to_kg);
    renal(v, b, at);
    valid_range(v, PLACE(at, "phase"), b->phase, 0, WARD__DOSAGE__V1__PHASE__PHASE_TAPER);
    naive(v, b, at);
}

/* One limit: its field, and its value in the ingredient's unit. */
struct limit {
    const char *name;
    const Quantity *q;
    enum over over;
    struct ward_decimal amount;
    bool set;
};
enum {
    SINGLE,
    SINGLE_KG,
    SINGLE_M2,
    DAILY,
    DAILY_KG,
    DAILY_M2,
    CUMULATIVE,
    CUMULATIVE_M2,
    LEAST,
    LEAST_KG,
    RATE,
    RATE_KG,
    CONCENTRATION,
    INFUSION_RATE,
    INFUSION_RATE_KG,
    LIMITS
};

static void not_above(struct valid *v, const struct place *at, const struct limit *a,
                      const struct limit *b)
{
    if (a->set && b->set && ward_decimal_cmp(&a->amount, &b->amount) > 0)
        wrong(v, PLACE(at, a->name), "is above %s", b->name);
}

static void fit_each_other(struct valid *v, const struct place *at, const struct limit *l)
{
    not_above(v, at, &l[SINGLE], &l[DAILY]);
    not_above(v, at, &l[SINGLE_KG], &l[DAILY_KG]);
    not_above(v, at, &l[SINGLE_M2], &l[DAILY_M2]);
    not_above(v, at, &l[SINGLE], &l[CUMULATIVE]);
    not_above(v, at, &l[SINGLE_M2], &l[CUMULATIVE_M2]);
    not_above(v, at, &l[LEAST], &l[SINGLE]);
    not_above(v, at, &l[LEAST_KG], &l[SINGLE_KG]);
}

static int limits(struct valid *v, const DoseRule *d, const Ingredient *in,
                  const struct place *at)
{
    struct limit l[LIMITS] = {
        [SINGLE] = {"max_single", d->max_single, OVER_NOTHING, {0}, false},
        [SINGLE_KG] = {"max_single_per_kg", d->max_single_per_kg, OVER_KG, {0}, false},
        [SINGLE_M2] = {"max_single_per_m2", d->max_single_per_m2, OVER_M2, {0}, false},
        [DAILY] = {"max_daily", d->max_daily, OVER_NOTHING, {0}, false},
        [DAILY_KG] = {"max_daily_per_kg", d->max_daily_per_kg, OVER_KG, {0}, false},
        [DAILY_M2] = {"max_daily_per_m2", d->max_daily_per_m2, OVER_M2, {0}, false},
        [CUMULATIVE] = {"max_cumulative", d->max_cumulative, OVER_NOTHING, {0}, false},
        [CUMULATIVE_M2] =
            {"max_cumulative_per_m2", d->max_cumulative_per_m2, OVER_M2, {0}, false},
        [LEAST] = {"min_single", d->min_single, OVER_NOTHING, {0}, false},
        [LEAST_KG] = {"min_single_per_kg", d->min_single_per_kg, OVER_KG, {0}, false},
        [RATE] = {"max_rate", d->max_rate, OVER_TIME, {0}, false},
        [RATE_KG] = {"max_rate_per_kg", d->max_rate_per_kg, OVER_KG_TIME, {0}, false},
        [CONCENTRATION] = {"max_concentration", d->max_concentration, OVER_VOLUME, {0}, false},
        [INFUSION_RATE] = {"max_infusion_rate", d->max_infusion_rate, OVER_TIME, {0}, false},
        [INFUSION_RATE_KG] =
            {"max_infusion_rate_per_kg", d->max_infusion_rate_per_kg, OVER_KG_TIME, {0}, false},
    };
    int n = 0;

    for (int i = 0; i < LIMITS; i++) {
        if (l[i].q == NULL)
            continue;
        n++;
        l[i].set = valid_amount(v, PLACE(at, l[i].name), l[i].q, in, l[i].over, &l[i].amount);
    }
    fit_each_other(v, at, l);
    return n;
}

/* Checks the limits for the infusion of one dose, which are optional. */
static void infusion(struct valid *v, const DoseRule *d, const struct place *at)
{
    bool some = d->max_concentration != NULL || d->max_infusion_rate != NULL ||
                d->max_infusion_rate_per_kg != NULL || d->min_infusion_minutes != 0;

    valid_range(v, PLACE(at, "min_infusion_minutes"), d->min_infusion_minutes, 0,
                INFUSION_MOST);
    if (d->infusion_required && !some)
        wrong(v, PLACE(at, "infusion_required"),
              "needs a limit of concentration, minutes or infusion rate");
    valid_basis(v, PLACE(at, "weight_basis"), d->weight_basis);
}

static bool numbers(struct valid *v, const DoseRule *d, const struct place *at)
{
    bool cumulative = d->max_cumulative != NULL || d->max_cumulative_per_m2 != NULL;

    if (d->cumulative_days != 0 && !cumulative)
        wrong(v, PLACE(at, "cumulative_days"), "needs a cumulative limit");
    valid_range(v, PLACE(at, "cumulative_days"), d->cumulative_days, 0, WINDOW_MOST_DAYS);
    valid_range(v, PLACE(at, "min_interval_minutes"), d->min_interval_minutes, 0,
                INTERVAL_MOST);
    valid_range(v, PLACE(at, "max_doses_per_day"), d->max_doses_per_day, 0, DOSES_MOST);
    valid_range(v, PLACE(at, "max_duration_days"), d->max_duration_days, 0, DURATION_MOST);
    return d->min_interval_minutes != 0 || d->max_doses_per_day != 0 ||
           d->max_duration_days != 0 || d->min_infusion_minutes != 0;
}

static void dose_rule(struct valid *v, const DoseRule *d, const struct place *at)
{
    const Ingredient *in = ruleset_ingredient(v->r, d->ingredient);
    bool limited;

    valid_rule_head(v, at, d->rule);
    valid_band(v, d->band, PLACE(at, "band"));
    infusion(v, d, at);
    if (in == NULL) {
        wrong(v, PLACE(at, "ingredient"), "is not an ingredient of this set");
        return;
    }
    limited = limits(v, d, in, at) > 0;
    limited = numbers(v, d, at) || limited;
    if (limited && d->contraindicated)
        wrong(v, PLACE(at, "contraindicated"), "must be false if the rule has limits");
    if (!limited && !d->contraindicated)
        wrong(v, at, "has no limit");
}

void valid_doses(struct valid *v)
{
    const RuleSet *m = v->r->msg;

    for (size_t i = 0; i < m->n_dose_rules; i++)
        dose_rule(v, m->dose_rules[i], PLACE_OF(NULL, "dose_rules", i));
    valid_usual(v);
    valid_class_sums(v);
}
