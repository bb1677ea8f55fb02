#include "services/dosage/check/run.h"

#include "services/dosage/schedule/timing.h"

#include <string.h>

#define NUMBERS   (LIMITS + 4) /* that one rule can compare */
#define SHOWN_EXP (-6) /* a quotient without end is shown to this, never towards its limit */

/* One rule held against one ingredient. */
struct held {
    struct run *r;
    struct share *share;
    const struct ingredient *of;
    struct sums *sums;
    const struct dose_rule *rule;
    unsigned skip;      /* of enum limit_group: what a rule of the indication says instead */
    struct told told;   /* what was looked at */
    struct told broken; /* what did not hold */
    char *en, *zh;      /* ...in words */
    bool undecided;
    const char *why;
};

static void undecided(struct held *h, const char *why)
{
    if (!h->undecided)
        h->why = why;
    h->undecided = true;
}

static void also(struct held *h, const char *en, const char *zh, const char *const *args)
{
    const char *join[2] = {h->en, say(h->r, en, args)};

    h->en = say(h->r, *h->en == '\0' ? "{1}" : "{0}; {1}", join);
    join[0] = h->zh;
    join[1] = say(h->r, zh, args);
    h->zh = say(h->r, *h->zh == '\0' ? "{1}" : "{0}；{1}", join);
}

static void looked(struct held *h, Ward__Dosage__V1__Compared *c, bool broken)
{
    h->told.compared[h->told.n_compared++] = c;
    if (broken)
        h->broken.compared[h->broken.n_compared++] = c;
}

/* ---- limits of amounts ---- */

struct words {
    const char *en, *zh;
};
/* {0} the amount, {1} the limit, {2} the limit for this patient, {3} their weight or surface,
 * {4} and {5} the span. */
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
};

/* What is compared: false and undecided where it cannot be. */
static bool actual_of(struct held *h, enum limit_kind kind, struct ward_decimal *out)
{
    enum limit_group group = limit_shapes[kind].group;
    int days = group == GROUP_DAILY ? 1 : h->rule->msg->cumulative_days;

    *out = h->share->amount;
    if (group != GROUP_DAILY && group != GROUP_CUMULATIVE)
        return true;
    if (h->sums == NULL)
        h->sums = sums_of(h->r, h->share);
    if (h->sums != NULL && sums_most(h->r, h->sums, days, false, out))
        return true;
    unfit_add(h->r, h->rule->msg->rule->id);
    undecided(h, "unit");
    return false;
}

/* The weight or the surface that a limit is over; NULL: none, and undecided. */
static const struct ward_decimal *over(struct held *h, enum limit_per per)
{
    static const struct ward_decimal one = {.coef = 1};
    const struct body *b = &h->r->body;

    if (per == PER_NOTHING)
        return &one;
    h->r->used |= per == PER_KG ? USED_WEIGHT : (unsigned)USED_WEIGHT | USED_HEIGHT;
    if (!b->weight.there) {
        h->r->lacking |= LACK_WEIGHT;
        undecided(h, "no-weight");
        return NULL;
    }
    if (per == PER_KG)
        return &b->weight.value;
    if (!b->has_bsa) {
        h->r->lacking |= LACK_HEIGHT;
        undecided(h, "no-height");
        return NULL;
    }
    return &b->bsa;
}

static const struct unit *unit_of(const struct ingredient *i, const struct limit_shape *shape)
{
    if (shape->group == GROUP_RATE)
        return shape->per == PER_KG ? &i->kg_day : &i->day;
    return shape->per == PER_KG ? &i->kg : shape->per == PER_M2 ? &i->m2 : &i->unit;
}

/* The amount over the weight in the limit's own unit, for eyes: the comparison was made without
 * dividing. */
static struct ward_decimal shown(const struct held *h, enum limit_kind kind,
                                 const struct ward_decimal *actual,
                                 const struct ward_decimal *per, const struct unit *to)
{
    const struct limit_shape *shape = &limit_shapes[kind];
    const struct unit *from = unit_of(h->of, shape);
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

static void tell_limit(struct held *h, enum limit_kind kind, const struct ward_decimal *actual,
                       const struct ward_decimal *total, const struct ward_decimal *per,
                       bool broken)
{
    const struct limit_shape *shape = &limit_shapes[kind];
    const struct limit *l = &h->rule->limit[kind];
    const char *unit = h->of->msg->unit, *to = l->as_written->unit, *args[6];
    struct run *r = h->r;
    struct ward_decimal x, limit;
    struct unit written;

    unit_parse(to, &written);
    x = shown(h, kind, actual, per, &written);
    if (ward_decimal_parse(l->as_written->value, strlen(l->as_written->value), &limit, NULL) !=
        WARD_OK)
        limit = l->value;
    looked(h, compared(r, shape->what, &x, &limit, to, shape->least ? ">=" : "<="), broken);
    if (!broken)
        return;
    args[0] = shape->group == GROUP_RATE || shape->per == PER_NOTHING
                  ? say_decimal(r, &x, to)
                  : say_decimal(r, actual, unit);
    args[1] = say_decimal(r, &limit, to);
    args[2] = say_decimal(r, total, unit);
    args[3] = say_decimal(r, per, shape->per == PER_KG ? "kg" : "m2");
    args[4] = args[5] = "";
    if (shape->group == GROUP_CUMULATIVE && h->rule->msg->cumulative_days == 0) {
        args[4] = "in a lifetime";
        args[5] = "终身";
    } else if (shape->group == GROUP_CUMULATIVE) {
        const struct ward_decimal days = ward_decimal_of(h->rule->msg->cumulative_days, 0);

        args[4] = say_decimal(r, &days, "");
        args[5] = say(r, "{4} 天内", args);
        args[4] = say(r, "within {4} days", args);
    }
    also(h, limit_words[kind].en, limit_words[kind].zh, args);
}

static void larger(bool *has, struct ward_decimal *most, const struct ward_decimal *x)
{
    if (!*has || ward_decimal_cmp(x, most) > 0)
        *most = *x;
    *has = true;
}

static void check_limit(struct held *h, enum limit_kind kind)
{
    const struct limit_shape *shape = &limit_shapes[kind];
    const struct limit *l = &h->rule->limit[kind];
    const struct ward_decimal *per;
    struct ward_decimal actual, total;
    bool single = shape->group == GROUP_SINGLE || shape->group == GROUP_MIN, rate;
    int cmp;

    rate = shape->group == GROUP_RATE;
    if (!l->set || (h->skip & shape->group) != 0 || (h->r->rate ? single : rate))
        return;
    h->share->covered |= !shape->least; /* how much is too much was looked at */
    per = over(h, shape->per);
    if (per == NULL || !actual_of(h, kind, &actual))
        return;
    if (!l->good || !decimal_mul(&l->value, per, &total)) {
        unfit_add(h->r, h->rule->msg->rule->id);
        undecided(h, "unit");
        return;
    }
    cmp = ward_decimal_cmp(&actual, &total);
    tell_limit(h, kind, &actual, &total, per, shape->least ? cmp < 0 : cmp > 0);
    if (shape->group == GROUP_SINGLE || rate)
        larger(&h->share->has_largest, &h->share->largest, &total);
    else if (shape->group == GROUP_DAILY)
        larger(&h->share->has_a_day, &h->share->a_day, &total);
}

/* ---- limits of numbers ---- */

static void number(struct held *h, const char *what, int64_t actual, int64_t limit,
                   const char *unit, bool least, const struct words *words)
{
    const struct ward_decimal x = ward_decimal_of(actual, 0), l = ward_decimal_of(limit, 0);
    bool broken = least ? actual < limit : actual > limit;
    const char *args[2];

    looked(h, compared(h->r, what, &x, &l, unit, least ? ">=" : "<="), broken);
    if (!broken)
        return;
    args[0] = say_decimal(h->r, &x, "");
    args[1] = say_decimal(h->r, &l, "");
    also(h, words->en, words->zh, args);
}

static void check_interval(struct held *h)
{
    static const struct words own = {"doses are {0} minutes apart, at least {1}",
                                     "给药间隔 {0} 分钟，至少 {1} 分钟"};
    static const struct words last = {"the last dose was {0} minutes before, at least {1}",
                                      "距上次给药 {0} 分钟，至少 {1} 分钟"};
    int32_t least = h->rule->msg->min_interval_minutes;
    int64_t gap, limit;
    int per_day, apart;

    if (least <= 0 || (h->skip & GROUP_INTERVAL) != 0 || h->r->rate)
        return;
    timing_density(h->r->p, &per_day, &apart);
    if (!h->r->giving && apart != INT32_MAX)
        number(h, "interval-minutes", apart, least, "min", true, &own);
    if (h->sums == NULL)
        h->sums = sums_of(h->r, h->share);
    if (h->sums != NULL && sums_gap(h->r, h->sums, least, &gap, &limit))
        number(h, "since-last-minutes", gap, limit, "min", true, &last);
}

static void check_count(struct held *h)
{
    static const struct words words = {"{0} doses within 24 hours, at most {1}",
                                       "24 小时内 {0} 次，最多 {1} 次"};
    int32_t most = h->rule->msg->max_doses_per_day;
    struct ward_decimal n;

    if (most <= 0 || (h->skip & GROUP_COUNT) != 0 || h->r->rate)
        return;
    if (h->sums == NULL)
        h->sums = sums_of(h->r, h->share);
    if (h->sums != NULL && sums_most(h->r, h->sums, 1, true, &n) &&
        ward_decimal_round(&n, 0, WARD_ROUND_UP, &n, NULL, NULL) == WARD_OK)
        number(h, "doses-per-day", (int64_t)n.coef, most, "1", false, &words);
}

static void check_duration(struct held *h)
{
    static const struct words words = {"it goes on for {0} days, at most {1}",
                                       "疗程 {0} 天，最多 {1} 天"};
    int32_t most = h->rule->msg->max_duration_days;
    struct ward_decimal limit = ward_decimal_of(most, 0);
    const char *args[1];
    int64_t days;

    if (most <= 0 || (h->skip & GROUP_DURATION) != 0 || h->r->giving)
        return;
    days = order_days(h->r);
    if (days >= 0) {
        number(h, "duration-days", days, most, "d", false, &words);
        return;
    }
    looked(h, compared(h->r, "duration-days-without-end", &limit, &limit, "d", "<="), true);
    args[0] = say_decimal(h->r, &limit, "");
    also(h, "it has no end, at most {0} days", "未设停止时间，最多 {0} 天", args);
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

    if (h->broken.n_compared > 0) {
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

static void hold(struct run *r, struct share *share, struct sums **sums,
                 const struct dose_rule *rule, unsigned skip)
{
    struct held h = {.r = r, .share = share, .sums = *sums, .rule = rule, .skip = skip};

    h.of = &r->set->ingredients[share->ingredient];
    h.why = "";
    h.en = h.zh = say(r, "", NULL);
    h.told.compared = ward_alloc(r->mem, NUMBERS * sizeof(Ward__Dosage__V1__Compared *));
    h.broken.compared = ward_alloc(r->mem, NUMBERS * sizeof(Ward__Dosage__V1__Compared *));
    if (h.told.compared == NULL || h.broken.compared == NULL)
        return;
    if (rule->msg->contraindicated) {
        contraindicated(&h);
        return;
    }
    if (share->good) {
        for (enum limit_kind k = 0; k < LIMITS; k++)
            check_limit(&h, k);
    } else {
        undecided(&h, "no-weight"); /* a rate over a weight that nobody knows */
        share->covered = true;
    }
    check_interval(&h);
    check_count(&h);
    check_duration(&h);
    *sums = h.sums;
    conclude(&h);
}

/* ---- all rules of an ingredient ---- */

static bool is_of_indication(const struct dose_rule *rule)
{
    return rule->msg->band != NULL && rule->msg->band->n_indications > 0;
}

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

/* The kidneys as they were last looked at, by whichever of the two. */
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
    if (!share->covered) {
        const char *en[] = {name_en(of->msg->name, of->msg->id)};
        const char *zh[] = {name_zh(of->msg->name, of->msg->id)};

        find_own(r, OWN_NO_RULE, en, zh, NULL);
    }
    if (!share->has_largest) { /* one dose is no more than a day's */
        share->has_largest = share->has_a_day;
        share->largest = share->a_day;
    }
    if (of->msg->renal)
        need_kidneys(r);
}

void check_doses(struct run *r)
{
    for (size_t k = 0; k < r->n_shares; k++)
        check_share(r, &r->shares[k]);
}
