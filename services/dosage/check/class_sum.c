/* Sums of several ingredients in one unit: morphine equivalents, lifetime anthracyclines. */
#include "services/dosage/check/run.h"

#define BROKEN    WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN
#define HELD      WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_HELD
#define UNDECIDED WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_UNDECIDED
#define NOT_THIS  WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_NOT_FOR_THIS

#define NUMBERS 3 /* maximum number that one rule can compare */

struct summed {
    struct run *r;
    const struct class_sum *rule;
    struct sums *sums;
    Ward__Dosage__V1__Compared *list[NUMBERS], *broken[NUMBERS];
    size_t n, n_broken;
    char *en, *zh;
    const char *undecided;
};

static void not_decided(struct summed *s, const char *why)
{
    if (s->undecided == NULL)
        s->undecided = why;
}

static void not_a_number(struct summed *s)
{
    unfit_add(s->r, s->rule->msg->rule->id);
    not_decided(s, "unit");
}

/* This order's dose in the unit of the sum. False: the amount is unknown. */
static bool own_of(struct summed *s, bool *counts, struct ward_decimal *out)
{
    struct ward_decimal part;

    *out = ward_decimal_of(0, 0);
    *counts = false;
    for (size_t k = 0; k < s->r->n_shares; k++)
        for (size_t i = 0; i < s->rule->n_members; i++) {
            const struct member *m = &s->rule->members[i];
            const struct share *share = &s->r->shares[k];

            if (m->ingredient != share->ingredient || !member_by(m, s->r->p->route))
                continue;
            *counts = true;
            if (!share->good) {
                not_decided(s, "no-weight");
                return false;
            }
            if (!m->good || !decimal_mul(&share->amount, &m->factor, &part) ||
                ward_decimal_add(out, &part, out, NULL) != WARD_OK) {
                not_a_number(s);
                return false;
            }
        }
    return *counts;
}

static void tell(struct summed *s, const struct ward_decimal *sum,
                 const struct ward_decimal *limit, int days)
{
    const struct ward_decimal n = ward_decimal_of(days, 0);
    const char *args[3] = {say_decimal(s->r, sum, s->rule->unit.text),
                           say_decimal(s->r, limit, s->rule->unit.text),
                           say_decimal(s->r, &n, "")};
    const char *en = days == 1   ? "{0} within 24 hours, at most {1}"
                     : days == 0 ? "{0} in a lifetime, at most {1}"
                                 : "{0} within {2} days, at most {1}";
    const char *zh = days == 1   ? "24 小时内共 {0}，最多 {1}"
                     : days == 0 ? "终身共 {0}，最多 {1}"
                                 : "{2} 天内共 {0}，最多 {1}";
    const char *join[2] = {s->en, say(s->r, en, args)};

    s->en = say(s->r, *s->en == '\0' ? "{1}" : "{0}; {1}", join);
    join[0] = s->zh;
    join[1] = say(s->r, zh, args);
    s->zh = say(s->r, *s->zh == '\0' ? "{1}" : "{0}；{1}", join);
}

static void check_limit(struct summed *s, const char *what, const struct limit *l, int days,
                        enum limit_per per)
{
    struct ward_decimal sum, limit;
    struct per_body over;
    bool broken;

    if (!l->set)
        return;
    if (!body_over(s->r, per, WARD__DOSAGE__V1__WEIGHT_BASIS__WEIGHT_BASIS_ACTUAL, &over)) {
        not_decided(s, over.why);
        return;
    }
    if (!l->good || !decimal_mul(&l->value, &over.value, &limit) || s->sums == NULL ||
        !sums_most(s->r, s->sums, days, false, &sum)) {
        not_a_number(s);
        return;
    }
    broken = ward_decimal_cmp(&sum, &limit) > 0;
    s->list[s->n] = compared(s->r, what, &sum, &limit, s->rule->unit.text, "<=");
    if (broken) {
        s->broken[s->n_broken++] = s->list[s->n];
        tell(s, &sum, &limit, days);
    }
    s->n++;
}

static Ward__Dosage__V1__Compared **copied(struct run *r, Ward__Dosage__V1__Compared **list,
                                           size_t n)
{
    Ward__Dosage__V1__Compared **out = ward_alloc(r->mem, NUMBERS * sizeof(*out));

    for (size_t i = 0; out != NULL && i < n; i++)
        out[i] = list[i];
    return out;
}

static void conclude(struct summed *s)
{
    const Ward__Dosage__V1__ClassSumRule *m = s->rule->msg;
    struct told told = {.compared = copied(s->r, s->broken, s->n_broken),
                        .n_compared = s->n_broken};
    const char *en[2] = {name_en(m->name, m->rule->id), s->en};
    const char *zh[2] = {name_zh(m->name, m->rule->id), s->zh};

    if (s->n_broken > 0) {
        sums_about(s->r, s->sums, &told);
        find_rule(s->r, m->rule, say(s->r, "{0}: {1}.", en), say(s->r, "{0}：{1}。", zh),
                  &told);
    }
    trace_add(s->r, m->rule,
              s->n_broken > 0        ? BROKEN
              : s->undecided != NULL ? UNDECIDED
                                     : HELD,
              s->undecided == NULL ? "" : s->undecided, copied(s->r, s->list, s->n), s->n);
}

static void check_class_sum(struct run *r, const struct class_sum *rule)
{
    const Ward__Dosage__V1__ClassSumRule *m = rule->msg;
    struct summed s = {.r = r, .rule = rule, .en = say(r, "", NULL), .zh = say(r, "", NULL)};
    struct ward_decimal own;
    const char *why;
    enum fit fit = band_fit(r, &rule->band, &why);
    bool counts;

    if (fit != FIT_YES) {
        trace_add(r, m->rule, fit == FIT_NO ? NOT_THIS : UNDECIDED, why, NULL, 0);
        return;
    }
    if (own_of(&s, &counts, &own)) {
        s.sums = sums_of_class(r, rule, &own);
        check_limit(&s, "class-daily", &rule->daily, 1, PER_NOTHING);
        check_limit(&s, "class-cumulative", &rule->cumulative, m->cumulative_days, PER_NOTHING);
        check_limit(&s, "class-cumulative-per-m2", &rule->cumulative_m2, m->cumulative_days,
                    PER_M2);
    } else if (!counts) {
        trace_add(r, m->rule, NOT_THIS, "route", NULL, 0);
        return;
    }
    conclude(&s);
}

/* A rule is evaluated once, even if two ingredients of the order have it. */
static bool seen(const struct run *r, size_t k, int rule)
{
    for (size_t before = 0; before < k; before++) {
        const struct ingredient *i = &r->set->ingredients[r->shares[before].ingredient];

        for (size_t n = 0; n < i->n_class_sums; n++)
            if (i->class_sums[n] == rule)
                return true;
    }
    return false;
}

void check_class_sums(struct run *r)
{
    for (size_t k = 0; k < r->n_shares; k++) {
        const struct ingredient *i = &r->set->ingredients[r->shares[k].ingredient];

        for (size_t n = 0; n < i->n_class_sums; n++)
            if (!seen(r, k, i->class_sums[n]))
                check_class_sum(r, &r->set->class_sums[i->class_sums[n]]);
    }
}
