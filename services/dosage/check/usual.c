/* Usual doses: compares the order with the usual range. */
#include "services/dosage/check/run.h"

#include <string.h>

#define BROKEN    WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN
#define HELD      WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_HELD
#define UNDECIDED WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_UNDECIDED
#define NOT_THIS  WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_NOT_FOR_THIS

#define TIMES_EXP (-1) /* precision for displaying the factor, rounded down */

enum tier { AS_USUAL, TOO_LITTLE, MUCH, FAR_TOO_MUCH };

struct usual {
    struct run *r;
    struct share *share;
    struct sums **sums;
    const struct usual_rule *rule;
    const struct ingredient *of;
    enum tier worst;
    /* for the worst amount: ingredient, dose, usual amount, factor, per kg */
    const char *args[5];
    Ward__Dosage__V1__Compared **list;
    size_t n;
    const char *undecided;
};

/* Kind of an amount: a dose, a rate, or the amount of a day. */
struct part {
    enum limit_kind kind;
    const char *what;
};
static const struct part parts[] = {
    {MAX_SINGLE, "usual-dose"},           {MAX_SINGLE_KG, "usual-dose-per-kg"},
    {MAX_SINGLE_M2, "usual-dose-per-m2"}, {MAX_DAILY, "usual-daily"},
    {MAX_DAILY_KG, "usual-daily-per-kg"}, {MAX_RATE, "usual-rate"},
    {MAX_RATE_KG, "usual-rate-per-kg"},
};

static bool applies(const struct run *r, enum limit_group group)
{
    return group == GROUP_DAILY || (group == GROUP_RATE) == r->rate;
}

static void not_decided(struct usual *u, const char *why)
{
    if (u->undecided == NULL)
        u->undecided = why;
}

static void not_a_number(struct usual *u)
{
    unfit_add(u->r, u->rule->msg->rule->id);
    not_decided(u, "unit");
}

static bool actual_of(struct usual *u, enum limit_group group, struct ward_decimal *out)
{
    *out = u->share->amount;
    if (group != GROUP_DAILY)
        return true;
    if (*u->sums == NULL)
        *u->sums = sums_of(u->r, u->share);
    if (*u->sums != NULL && sums_most(u->r, *u->sums, 1, false, out))
        return true;
    not_a_number(u);
    return false;
}

/* The factor with one decimal, such as "3". */
static const char *how_many(struct usual *u, const struct ward_decimal *actual,
                            const struct ward_decimal *usual)
{
    struct ward_decimal times;

    return ward_decimal_div_round(actual, usual, TIMES_EXP, WARD_ROUND_DOWN, &times, NULL,
                                  NULL) == WARD_OK
               ? say_decimal(u->r, &times, "")
               : "?";
}

static void note(struct usual *u, enum tier tier, const struct part *part,
                 const struct ward_decimal *actual, const struct ward_decimal *usual)
{
    const struct limit_shape *shape = &limit_shapes[part->kind];
    const struct unit *unit = shape->group == GROUP_RATE ? &u->of->day : &u->of->unit;

    u->list[u->n++] =
        compared(u->r, part->what, actual, usual, unit->text, tier == TOO_LITTLE ? ">=" : "<=");
    if (tier <= u->worst)
        return;
    u->worst = tier;
    u->args[1] = say_decimal(u->r, actual, unit->text);
    u->args[2] = say_decimal(u->r, usual, unit->text);
    u->args[3] = how_many(u, actual, usual);
    u->args[4] = shape->group == GROUP_DAILY ? "day" : shape->group == GROUP_RATE ? "rate" : "";
}

static bool reaches(const struct ward_decimal *actual, const struct ward_decimal *usual,
                    const struct ward_decimal *times, int least, bool *out)
{
    struct ward_decimal top;

    if (!decimal_mul(usual, times, &top))
        return false;
    *out = ward_decimal_cmp(actual, &top) >= least;
    return true;
}

static void judge_high(struct usual *u, const struct part *part,
                       const struct ward_decimal *actual, const struct ward_decimal *usual)
{
    const struct usual_rule *rule = u->rule;
    bool far_too = false, much = false;

    if (!rule->good || !reaches(actual, usual, &rule->factor, 0, &far_too) ||
        (rule->has_warn && !reaches(actual, usual, &rule->warn, 1, &much))) {
        not_a_number(u);
        return;
    }
    note(u, far_too ? FAR_TOO_MUCH : much ? MUCH : AS_USUAL, part, actual, usual);
    u->share->usual |= limit_shapes[part->kind].group != GROUP_DAILY;
}

/* A partial dose at the bedside is intentionally lower than ordered, and is not checked. */
static void judge_low(struct usual *u, const struct part *part,
                      const struct ward_decimal *actual, const struct ward_decimal *usual)
{
    bool enough;

    if (!u->rule->has_least || u->r->snap->giving != NULL)
        return;
    if (!reaches(usual, actual, &u->rule->least, 0, &enough))
        not_a_number(u);
    else if (enough)
        note(u, TOO_LITTLE, part, actual, usual);
}

static void judge(struct usual *u, const struct part *part)
{
    const struct limit_shape *shape = &limit_shapes[part->kind];
    const struct limit *high = &u->rule->high.limit[part->kind];
    const struct limit *low = &u->rule->low.limit[part->kind];
    struct ward_decimal actual, usual;
    struct per_body over;

    if (!high->set || !applies(u->r, shape->group))
        return;
    if (!u->share->good || !body_over(u->r, shape->per, u->rule->msg->weight_basis, &over)) {
        not_decided(u, u->share->good ? over.why : "no-weight");
        return;
    }
    if (!actual_of(u, shape->group, &actual))
        return;
    if (!high->good || !decimal_mul(&high->value, &over.value, &usual)) {
        not_a_number(u);
        return;
    }
    judge_high(u, part, &actual, &usual);
    if (!low->set)
        return;
    if (!low->good || !decimal_mul(&low->value, &over.value, &usual))
        not_a_number(u);
    else
        judge_low(u, part, &actual, &usual);
}

/* ---- the finding's text ---- */

struct words {
    const char *en, *zh;
};
static const struct words tier_words[] = {
    [TOO_LITTLE] = {"{0}: {4} {1}; usually at least {2}. Check the decimal point and the unit.",
                    "{0}：{4} {1}，常用量至少 {2}。请核对小数点和单位。"},
    [MUCH] = {"{0}: {4} {1}, {3} times the usual highest amount of {2}.",
              "{0}：{4} {1}，为常用最大量（{2}）的 {3} 倍。"},
    [FAR_TOO_MUCH] = {"{0}: {4} {1}, {3} times the usual highest amount of {2}. Check the "
                      "decimal point and the unit.",
                      "{0}：{4} {1}，为常用最大量（{2}）的 {3} 倍。请核对小数点和单位。"},
};

static Ward__Dosage__V1__Severity severity_of(const struct usual *u)
{
    const Ward__Dosage__V1__Severity warn = WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN;
    const Ward__Dosage__V1__UsualDoseRule *m = u->rule->msg;

    if (u->worst == TOO_LITTLE)
        return m->low_severity == WARD__DOSAGE__V1__SEVERITY__SEVERITY_UNSPECIFIED
                   ? warn
                   : m->low_severity;
    return u->worst == MUCH && m->rule->severity > warn ? warn : m->rule->severity;
}

static void tell(struct usual *u)
{
    const struct words *words = &tier_words[u->worst];
    struct told told = {.compared = u->list, .n_compared = u->n};
    const char *what = u->args[4];
    char *en;

    if (*u->sums != NULL)
        sums_about(u->r, *u->sums, &told);
    u->args[0] = name_en(u->of->msg->name, u->of->msg->id);
    u->args[4] = *what == '\0' ? "one dose is" : *what == 'd' ? "24 hours make" : "the rate is";
    en = say(u->r, words->en, u->args);
    u->args[0] = name_zh(u->of->msg->name, u->of->msg->id);
    u->args[4] = *what == '\0' ? "单次剂量" : *what == 'd' ? "24 小时内共" : "速率";
    find_rule_as(u->r, u->rule->msg->rule, severity_of(u), en, say(u->r, words->zh, u->args),
                 &told);
}

static void hold(struct usual *u)
{
    const Ward__Dosage__V1__Rule *id = u->rule->msg->rule;

    u->list =
        ward_alloc(u->r->mem, 2 * WARD_COUNT(parts) * sizeof(Ward__Dosage__V1__Compared *));
    for (size_t i = 0; u->list != NULL && i < WARD_COUNT(parts); i++)
        judge(u, &parts[i]);
    if (u->worst != AS_USUAL)
        tell(u);
    trace_add(u->r, id,
              u->worst != AS_USUAL   ? BROKEN
              : u->undecided != NULL ? UNDECIDED
              : u->n == 0            ? NOT_THIS
                                     : HELD,
              u->undecided != NULL ? u->undecided
              : u->n == 0          ? "timing"
                                   : "",
              u->list, u->n);
}

/* ---- selection of the rule ---- */

static bool is_of_indication(const struct usual_rule *rule)
{
    return rule->msg->band != NULL && rule->msg->band->n_indications > 0;
}

void check_usual(struct run *r, struct share *share, struct sums **sums)
{
    const struct ingredient *of = &r->set->ingredients[share->ingredient];
    bool indicated = false;
    const char *why;

    for (size_t i = 0; i < of->n_usual; i++)
        indicated |=
            is_of_indication(&of->usual[i]) && band_fit(r, &of->usual[i].high, &why) == FIT_YES;
    for (size_t i = 0; i < of->n_usual; i++) {
        const struct usual_rule *rule = &of->usual[i];
        enum fit fit = band_fit(r, &rule->high, &why);
        struct usual u = {.r = r, .share = share, .sums = sums, .rule = rule, .of = of};

        if (fit == FIT_YES && indicated && !is_of_indication(rule))
            trace_add(r, rule->msg->rule, NOT_THIS, "indication", NULL, 0);
        else if (fit == FIT_YES)
            hold(&u);
        else
            trace_add(r, rule->msg->rule, fit == FIT_NO ? NOT_THIS : UNDECIDED, why, NULL, 0);
    }
}
