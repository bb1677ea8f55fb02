/* Limits of amounts, rule by rule. */
#include "services/dosage/check/held.h"
#include "services/dosage/check/kidney_need.h"

#include <string.h>

#define SHOWN_EXP (-6) /* precision for displaying a non-terminating quotient */

void held_undecided(struct held *h, const char *why)
{
    if (!h->undecided)
        h->why = why;
    h->undecided = true;
}

void held_also(struct held *h, const char *en, const char *zh, const char *const *args)
{
    const char *join[2] = {h->en, say(h->r, en, args)};

    h->en = say(h->r, *h->en == '\0' ? "{1}" : "{0}; {1}", join);
    join[0] = h->zh;
    join[1] = say(h->r, zh, args);
    h->zh = say(h->r, *h->zh == '\0' ? "{1}" : "{0}；{1}", join);
}

void held_looked(struct held *h, Ward__Dosage__V1__Compared *c, bool broken)
{
    h->told.compared[h->told.n_compared++] = c;
    if (broken)
        h->broken.compared[h->broken.n_compared++] = c;
}

/* ---- limits of amounts ---- */

/* {0}: the amount; {1}: the limit; {2}: the limit for this patient; {3}: the weight or body
 * surface; {4} and {5}: the time span. */
static const struct words limit_words[LIMITS] = {
    [MAX_SINGLE] = {"one dose is {0}, at most {1}", "单次剂量 {0}，最多 {1}"},
    [MAX_SINGLE_KG] = {"one dose is {0}, at most {1}, {2} at {3}",
                       "单次剂量 {0}，最多 {1}，按 {3} 为 {2}"},
    [MAX_SINGLE_M2] = {"one dose is {0}, at most {1}, {2} at {3}",
                       "单次剂量 {0}，最多 {1}，按 {3} 为 {2}"},
    [MIN_SINGLE] = {"one dose is {0}, at least {1}", "单次剂量 {0}，至少 {1}"},
    [MIN_SINGLE_KG] = {"one dose is {0}, at least {1}, {2} at {3}",
                       "单次剂量 {0}，至少 {1}，按 {3} 为 {2}"},
    [MAX_DAILY] = {"{0} within 24 hours, at most {1}", "24 小时内共 {0}，最多 {1}"},
    [MAX_DAILY_KG] = {"{0} within 24 hours, at most {1}, {2} at {3}",
                      "24 小时内共 {0}，最多 {1}，按 {3} 为 {2}"},
    [MAX_DAILY_M2] = {"{0} within 24 hours, at most {1}, {2} at {3}",
                      "24 小时内共 {0}，最多 {1}，按 {3} 为 {2}"},
    [MAX_CUMULATIVE] = {"{0} {4}, at most {1}", "{5}共 {0}，最多 {1}"},
    [MAX_CUMULATIVE_M2] = {"{0} {4}, at most {1}, {2} at {3}",
                           "{5}共 {0}，最多 {1}，按 {3} 为 {2}"},
    [MAX_RATE] = {"the rate is {0}, at most {1}", "速率 {0}，最多 {1}"},
    [MAX_RATE_KG] = {"the rate is {0}, at most {1} at {3}", "速率 {0}，按 {3} 最多 {1}"},
    [MAX_CONCENTRATION] = {"the concentration is {0}{4}, at most {1}", "浓度 {0}{5}，最高 {1}"},
    [MAX_INFUSION_RATE] = {"it is infused at {0}, at most {1}", "输注速度 {0}，最高 {1}"},
    [MAX_INFUSION_RATE_KG] = {"it is infused at {0}, at most {1} at {3}",
                              "输注速度 {0}，按 {3} 最高 {1}"},
};

/* The compared amount, and the factor of the limit. */
struct sides {
    struct ward_decimal actual, per;
    struct per_body over; /* the weight or body surface in `per` */
    bool undiluted;
};

static bool sum_of(struct held *h, enum limit_group group, struct ward_decimal *out)
{
    int days = group == GROUP_DAILY ? 1 : h->rule->msg->cumulative_days;

    if (h->sums == NULL)
        h->sums = sums_of(h->r, h->share);
    if (h->sums != NULL && sums_most(h->r, h->sums, days, false, out))
        return true;
    unfit_add(h->r, h->rule->msg->rule->id);
    held_undecided(h, "unit");
    return false;
}

/* Compares a rate without a division: the amount times 1440, with the daily limit times the
 * minutes. */
static bool infused(struct held *h, struct sides *s)
{
    const struct ward_decimal day = ward_decimal_of(1440, 0);
    struct ward_decimal minutes;

    if (!held_minutes(h, &minutes))
        return false;
    if (decimal_mul(&s->actual, &day, &s->actual) && decimal_mul(&s->per, &minutes, &s->per))
        return true;
    unfit_add(h->r, h->rule->msg->rule->id);
    held_undecided(h, "unit");
    return false;
}

/* Determines both sides of a comparison. False: not comparable, and the rule is undecided. */
static bool sides_of(struct held *h, enum limit_kind kind, struct sides *s)
{
    const struct limit_shape *shape = &limit_shapes[kind];

    *s = (struct sides){.actual = h->share->amount};
    if (!body_over(h->r, shape->per, h->rule->msg->weight_basis, &s->over)) {
        held_undecided(h, s->over.why);
        return false;
    }
    s->per = s->over.value;
    switch (shape->group) {
    case GROUP_DAILY:
    case GROUP_CUMULATIVE:
        return sum_of(h, shape->group, &s->actual);
    case GROUP_CONCENTRATION:
        return held_volume(h, &s->actual, &s->per, &s->undiluted);
    case GROUP_INFUSION:
        return infused(h, s);
    default:
        return true;
    }
}

/* The amount divided by the weight, in the limit's unit, for display. The comparison itself
 * does not divide. */
static struct ward_decimal shown(const struct held *h, enum limit_kind kind,
                                 const struct ward_decimal *actual,
                                 const struct ward_decimal *per, const struct unit *to)
{
    const struct limit_shape *shape = &limit_shapes[kind];
    const struct unit *from = limit_unit(h->of, shape);
    enum ward_round away = shape->least ? WARD_ROUND_DOWN : WARD_ROUND_UP;
    struct ward_decimal x = *actual;

    if (ward_decimal_div(actual, per, &x, NULL) != WARD_OK &&
        ward_decimal_div_round(actual, per, SHOWN_EXP, away, &x, NULL, NULL) != WARD_OK)
        return *actual;
    if (ward_ucum_convert(&x, &from->ucum, &to->ucum, &x, NULL) != WARD_OK &&
        ward_ucum_convert_round(&x, &from->ucum, &to->ucum, SHOWN_EXP, away, &x, NULL, NULL) !=
            WARD_OK)
        return *actual;
    return x;
}

/* Sets {4} and {5} of limit_words. */
static void span_words(struct held *h, enum limit_group group, const struct sides *s,
                       const char **args)
{
    const struct ward_decimal days = ward_decimal_of(h->rule->msg->cumulative_days, 0);

    args[4] = args[5] = "";
    if (group == GROUP_CONCENTRATION && s->undiluted) {
        args[4] = " undiluted";
        args[5] = "（未稀释）";
    } else if (group == GROUP_CUMULATIVE && h->rule->msg->cumulative_days == 0) {
        args[4] = "in a lifetime";
        args[5] = "终身";
    } else if (group == GROUP_CUMULATIVE) {
        args[4] = say_decimal(h->r, &days, "");
        args[5] = say(h->r, "{4} 天内", args);
        args[4] = say(h->r, "within {4} days", args);
    }
}

/* The weight with its kind, or the body surface, as text. */
static const char *weighed(struct held *h, const struct limit_shape *shape,
                           const struct sides *s, const char *kind)
{
    const char *args[2] = {
        say_decimal(h->r, &s->over.value, shape->per == PER_KG ? "kg" : "m2"), kind};

    return say(h->r, "{0}{1}", args);
}

static void tell_limit(struct held *h, enum limit_kind kind, const struct sides *s,
                       const struct ward_decimal *total, bool broken)
{
    const struct limit_shape *shape = &limit_shapes[kind];
    const struct limit *l = &h->rule->limit[kind];
    const char *unit = h->of->msg->unit, *to = l->as_written->unit, *args[6], *join[2];
    bool over = shape->per != PER_NOTHING && shape->group != GROUP_RATE &&
                shape->group != GROUP_INFUSION && shape->group != GROUP_CONCENTRATION;
    struct run *r = h->r;
    struct ward_decimal x, limit;
    struct unit parsed;

    x = shown(h, kind, &s->actual, &s->per, unit_of(r->set, to, &parsed));
    if (ward_decimal_parse(l->as_written->value, strlen(l->as_written->value), &limit, NULL) !=
        WARD_OK)
        limit = l->value;
    held_looked(h, compared(r, shape->what, &x, &limit, to, shape->least ? ">=" : "<="),
                broken);
    if (!broken)
        return;
    args[0] = over ? say_decimal(r, &s->actual, unit) : say_decimal(r, &x, to);
    args[1] = say_decimal(r, &limit, to);
    args[2] = say_decimal(r, total, unit);
    span_words(h, shape->group, s, args);
    args[3] = weighed(h, shape, s, s->over.zh);
    join[1] = say(r, limit_words[kind].zh, args);
    args[3] = weighed(h, shape, s, s->over.en);
    join[0] = say(r, limit_words[kind].en, args);
    held_also(h, "{0}", "{1}", join);
}

static void larger(bool *has, struct ward_decimal *most, const struct ward_decimal *x)
{
    if (!*has || ward_decimal_cmp(x, most) > 0)
        *most = *x;
    *has = true;
}

/* Whether a group of limits applies: a rate has other limits than a single dose. */
static bool applies(const struct run *r, enum limit_group group)
{
    switch (group) {
    case GROUP_SINGLE:
    case GROUP_MIN:
    case GROUP_INFUSION:
        return !r->rate;
    case GROUP_RATE:
        return r->rate;
    default:
        return true;
    }
}

static void check_limit(struct held *h, enum limit_kind kind)
{
    const struct limit_shape *shape = &limit_shapes[kind];
    const struct limit *l = &h->rule->limit[kind];
    bool thin = shape->group == GROUP_CONCENTRATION || shape->group == GROUP_INFUSION;
    struct ward_decimal total;
    struct sides s;
    int cmp;

    if (!l->set || (h->skip & shape->group) != 0 || !applies(h->r, shape->group))
        return;
    h->share->covered |= !shape->least && !thin; /* a maximum amount was checked */
    if (!sides_of(h, kind, &s))
        return;
    if (!l->good || !decimal_mul(&l->value, &s.per, &total)) {
        unfit_add(h->r, h->rule->msg->rule->id);
        held_undecided(h, "unit");
        return;
    }
    cmp = ward_decimal_cmp(&s.actual, &total);
    tell_limit(h, kind, &s, &total, shape->least ? cmp < 0 : cmp > 0);
    if (shape->group == GROUP_SINGLE || shape->group == GROUP_RATE)
        larger(&h->share->has_largest, &h->share->largest, &total);
    else if (shape->group == GROUP_DAILY)
        larger(&h->share->has_a_day, &h->share->a_day, &total);
}

/* ---- one rule ---- */

static void contraindicated(struct held *h)
{
    struct told told = {0};
    const char *en[2] = {name_en(h->of->msg->name, h->of->msg->id), ""};
    const char *zh[2] = {name_zh(h->of->msg->name, h->of->msg->id), ""};
    char *why_en = NULL, *why_zh = NULL;

    band_tell(h->r, h->rule, &told, &why_en, &why_zh);
    en[1] = why_en == NULL ? "" : why_en;
    zh[1] = why_zh == NULL ? "" : why_zh;
    find_rule(h->r, h->rule->msg->rule,
              say(h->r,
                  *en[1] == '\0' ? "{0} is not for this patient."
                                 : "{0} is not for this patient: {1}.",
                  en),
              say(h->r, *zh[1] == '\0' ? "该患者禁用 {0}。" : "该患者禁用 {0}：{1}。", zh),
              &told);
    trace_add(h->r, h->rule->msg->rule, WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN,
              "contraindicated", told.compared, told.n_compared);
    h->share->covered = true;
}

static void conclude(struct held *h)
{
    const char *en[2] = {name_en(h->of->msg->name, h->of->msg->id), h->en};
    const char *zh[2] = {name_zh(h->of->msg->name, h->of->msg->id), h->zh};
    Ward__Dosage__V1__TraceStep__Result result =
        WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_HELD;

    if (h->broken.n_compared > 0 || h->failed) {
        if (h->sums != NULL)
            sums_about(h->r, h->sums, &h->broken);
        find_rule(h->r, h->rule->msg->rule, say(h->r, "{0}: {1}.", en),
                  say(h->r, "{0}：{1}。", zh), &h->broken);
        result = WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN;
    } else if (h->undecided) {
        result = WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_UNDECIDED;
    }
    trace_add(h->r, h->rule->msg->rule, result, h->why, h->told.compared, h->told.n_compared);
}

/* Compares the rule's limits with the order. False: no memory. */
static bool look(struct held *h)
{
    size_t room = h->rule->n_kinds + WHOLE_NUMBERS;

    h->of = &h->r->set->ingredients[h->share->ingredient];
    h->why = "";
    h->en = h->zh = say(h->r, "", NULL);
    h->told.compared = ward_alloc(h->r->mem, room * sizeof(Ward__Dosage__V1__Compared *));
    h->broken.compared = ward_alloc(h->r->mem, room * sizeof(Ward__Dosage__V1__Compared *));
    if (h->told.compared == NULL || h->broken.compared == NULL)
        return false;
    if (h->rule->msg->contraindicated)
        return true;
    if (h->share->good) {
        for (size_t i = 0; i < h->rule->n_kinds; i++)
            check_limit(h, h->rule->kinds[i]);
    } else {
        held_undecided(h, "no-weight"); /* a rate per kg with an unknown weight */
        h->share->covered = true;
    }
    held_infusion(h);
    held_numbers(h);
    return true;
}

static void hold(struct run *r, struct share *share, struct sums **sums,
                 const struct dose_rule *rule, unsigned skip)
{
    struct held h = {.r = r, .share = share, .sums = *sums, .rule = rule, .skip = skip};

    if (!look(&h))
        return;
    *sums = h.sums;
    if (rule->msg->contraindicated)
        contraindicated(&h);
    else
        conclude(&h);
}

static bool is_of_indication(const struct dose_rule *rule)
{
    return rule->msg->band != NULL && rule->msg->band->n_indications > 0;
}

bool dose_would_hold(struct run *r, const struct share *share, struct sums **sums,
                     const struct dose_rule *rule, unsigned instead)
{
    struct share copy = *share;
    struct held h = {.r = r,
                     .share = &copy,
                     .sums = *sums,
                     .rule = rule,
                     .skip = is_of_indication(rule) ? 0 : instead};
    const size_t n_unfit = r->n_unfit;
    const bool looked = look(&h);

    r->n_unfit = n_unfit;
    *sums = h.sums;
    return looked && !rule->msg->contraindicated && h.broken.n_compared == 0 && !h.failed &&
           !h.undecided;
}

/* ---- all rules of an ingredient ---- */

struct found_fit {
    enum fit fit;
    const char *why;
};

static void consider(struct run *r, struct share *share, struct sums **sums,
                     const struct dose_rule *rule, const struct found_fit *fit,
                     unsigned instead)
{
    unsigned skip = is_of_indication(rule) ? 0 : instead;
    const Ward__Dosage__V1__Rule *id = rule->msg->rule;

    if (fit->fit == FIT_NO)
        trace_add(r, id, WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_NOT_FOR_THIS, fit->why,
                  NULL, 0);
    else if (fit->fit == FIT_MAYBE)
        trace_add(r, id, WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_UNDECIDED, fit->why, NULL,
                  0);
    else if (skip != 0 && (rule->groups & ~skip) == 0 && !rule->msg->contraindicated)
        trace_add(r, id, WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_NOT_FOR_THIS,
                  "indication", NULL, 0);
    else
        hold(r, share, sums, rule, skip);
    share->covered |= fit->fit == FIT_MAYBE;
}

/* Marks the newest source of kidney function as used: creatinine or eGFR. */
static void need_kidneys(struct run *r)
{
    const struct measure *c = &r->body.creatinine, *e = &r->body.egfr;

    if (!c->there && !e->there)
        r->lacking |= LACK_RENAL;
    else
        r->used |=
            c->there && (!e->there || c->age_us <= e->age_us) ? USED_CREATININE : USED_EGFR;
}

static void check_share(struct run *r, struct share *share)
{
    const struct ingredient *of = &r->set->ingredients[share->ingredient];
    struct found_fit *fits = ward_alloc(r->mem, of->n_rules * sizeof(*fits));
    const struct lacked before = {r->used, r->lacking};
    struct sums *sums = NULL;
    unsigned instead = 0;

    if (fits == NULL)
        return;
    for (size_t i = 0; i < of->n_rules; i++) {
        fits[i].fit = band_fit(r, &of->rules[i], &fits[i].why);
        if (fits[i].fit == FIT_YES && is_of_indication(&of->rules[i]))
            instead |= of->rules[i].groups;
    }
    for (size_t i = 0; i < of->n_rules; i++)
        consider(r, share, &sums, &of->rules[i], &fits[i], instead);
    check_usual(r, share, &sums);
    if (!share->covered) {
        const char *en[] = {name_en(of->msg->name, of->msg->id)};
        const char *zh[] = {name_zh(of->msg->name, of->msg->id)};

        find_own(r, OWN_NO_RULE, en, zh, NULL);
    }
    if (!share->has_largest) { /* one dose must not exceed the daily limit */
        share->has_largest = share->has_a_day;
        share->largest = share->a_day;
    }
    if (engine_at_least(r, 2))
        kidneys_needed(r, share, &sums, instead, &before);
    else if (of->msg->renal)
        need_kidneys(r);
}

void check_doses(struct run *r)
{
    for (size_t k = 0; k < r->n_shares; k++)
        check_share(r, &r->shares[k]);
}
