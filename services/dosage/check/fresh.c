/* The age of the inputs of the check, and missing inputs. */
#include "services/dosage/check/kidney_need.h"

#include <stdio.h>

#define BROKEN    WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN
#define HELD      WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_HELD
#define UNDECIDED WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_UNDECIDED
#define NOT_THIS  WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_NOT_FOR_THIS

struct kind {
    unsigned used; /* values of enum use */
    const char *what, *missing, *en, *zh;
};
static const struct kind kinds[] = {
    [WARD__DOSAGE__V1__FRESH_RULE__WHAT__WHAT_WEIGHT] = {USED_WEIGHT, "weight-age-hours",
                                                         "no-weight", "weight", "体重"},
    [WARD__DOSAGE__V1__FRESH_RULE__WHAT__WHAT_HEIGHT] = {USED_HEIGHT, "height-age-hours",
                                                         "no-height", "height", "身高"},
    [WARD__DOSAGE__V1__FRESH_RULE__WHAT__WHAT_CREATININE] = {USED_CREATININE | USED_EGFR,
                                                             "creatinine-age-hours", "no-renal",
                                                             "kidney function", "肾功能"},
};

/* The value that was used; if both were used, the older value. */
static const struct measure *older(const struct measure *a, bool a_used,
                                   const struct measure *b, bool b_used)
{
    if (!a_used || !b_used)
        return a_used ? a : b;
    return !b->there || (a->there && a->age_us >= b->age_us) ? a : b;
}

static const struct measure *measured(const struct run *r,
                                      Ward__Dosage__V1__FreshRule__What what)
{
    const struct body *b = &r->body;

    if (what == WARD__DOSAGE__V1__FRESH_RULE__WHAT__WHAT_WEIGHT)
        return &b->weight;
    if (what == WARD__DOSAGE__V1__FRESH_RULE__WHAT__WHAT_HEIGHT)
        return &b->height;
    return older(&b->creatinine, (r->used & USED_CREATININE) != 0, &b->egfr,
                 (r->used & USED_EGFR) != 0);
}

static void check_age_of(struct run *r, const Ward__Dosage__V1__FreshRule *rule,
                         const struct kind *kind, const struct measure *m)
{
    struct ward_decimal hours, limit = ward_decimal_of(rule->max_age_hours, 0);
    struct ward_decimal us = ward_decimal_of(m->age_us, 0), hour = ward_decimal_of(HOUR_US, 0);
    bool old = m->age_us > rule->max_age_hours * HOUR_US;
    struct told told = {.n_compared = 1};
    const char *args[3], *about[1] = {m->from->record_id};
    char *en;

    /* Rounded up, so that an outdated value never appears to be current. */
    if (ward_decimal_div_round(&us, &hour, -1, WARD_ROUND_UP, &hours, NULL, NULL) != WARD_OK)
        hours = us;
    told.compared = ward_new(r->mem, Ward__Dosage__V1__Compared *);
    if (told.compared == NULL)
        return;
    told.compared[0] = compared(r, kind->what, &hours, &limit, "h", "<=");
    trace_add(r, rule->rule, old ? BROKEN : HELD, old ? "stale" : "", told.compared, 1);
    if (!old)
        return;
    told.about = about;
    told.n_about = 1;
    args[1] = say_decimal(r, &hours, "");
    args[2] = say_decimal(r, &limit, "");
    args[0] = kind->en;
    en = say(r, "The {0} is {1} hours old, at most {2}. Measure again.", args);
    args[0] = kind->zh;
    find_rule(r, rule->rule, en,
              say(r, "{0}数据为 {1} 小时前所测，最长 {2} 小时。请重新测量。", args), &told);
}

void check_fresh(struct run *r)
{
    for (size_t i = 0; i < r->set->set->n_fresh; i++) {
        const Ward__Dosage__V1__FreshRule *rule = r->set->set->fresh[i];
        const struct kind *kind;
        const struct measure *m;

        if ((size_t)rule->what >= WARD_COUNT(kinds) || kinds[rule->what].what == NULL)
            continue;
        kind = &kinds[rule->what];
        if ((r->used & kind->used) == 0)
            continue;
        m = measured(r, rule->what);
        if (band_age(r, rule->age_from_days, rule->age_to_days) == FIT_NO)
            trace_add(r, rule->rule, NOT_THIS, "age", NULL, 0);
        else if (!m->there)
            trace_add(r, rule->rule, UNDECIDED, kind->missing, NULL, 0);
        else
            check_age_of(r, rule, kind, m);
    }
}

/* ---- missing inputs ---- */

/* The severity of missing information in the order or the formulary. Missing information is
 * reported, because a check was not possible. The finding is a warning only for high-alert
 * drugs. */
static Ward__Dosage__V1__Severity gap_severity(const struct run *r)
{
    bool warn = !engine_at_least(r, 2);

    for (size_t k = 0; k < r->n_shares; k++)
        warn |= r->set->ingredients[r->shares[k].ingredient].msg->high_alert;
    return warn ? WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN
                : WARD__DOSAGE__V1__SEVERITY__SEVERITY_INFO;
}

static void lack(struct run *r, unsigned which, enum own_id id)
{
    const char *en[] = {name_en(r->drug->msg->name, r->drug->msg->id)};
    const char *zh[] = {name_zh(r->drug->msg->name, r->drug->msg->id)};

    if ((r->lacking & which) != 0)
        find_own(r, id, en, zh, NULL);
}

static void lack_kidneys(struct run *r)
{
    const char *en[] = {name_en(r->drug->msg->name, r->drug->msg->id)};
    const char *zh[] = {name_zh(r->drug->msg->name, r->drug->msg->id)};
    const unsigned waits = (unsigned)LACK_RENAL | LACK_CLEARANCE;
    const Ward__Dosage__V1__Severity severity = (r->lacking & waits) != 0 && kidneys_at_risk(r)
                                                    ? WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN
                                                    : WARD__DOSAGE__V1__SEVERITY__SEVERITY_INFO;

    if ((r->lacking & ((unsigned)LACK_RENAL | LACK_RENAL_SINGLE)) != 0)
        find_own_as(r, OWN_NO_RENAL, severity, en, zh, NULL);
    if ((r->lacking & LACK_CLEARANCE) != 0)
        find_own_as(r, OWN_RENAL_ESTIMATED, severity, en, zh, NULL);
}

static void lack_infusion(struct run *r)
{
    static const char *const what[][2] = {
        {"", ""},
        {"the volume", "总液量"},
        {"over how many minutes it is infused", "输注时间"},
        {"the volume and over how many minutes it is infused", "总液量和输注时间"},
    };
    const char *const *is = what[((r->lacking & LACK_VOLUME) != 0 ? 1 : 0) +
                                 ((r->lacking & LACK_MINUTES) != 0 ? 2 : 0)];
    const char *en[] = {name_en(r->drug->msg->name, r->drug->msg->id), is[0]};
    const char *zh[] = {name_zh(r->drug->msg->name, r->drug->msg->id), is[1]};

    if (*is[0] != '\0')
        find_own_as(r, OWN_NO_INFUSION, gap_severity(r), en, zh, NULL);
}

static void unfit_measure(struct run *r, unsigned used, const struct measure *m)
{
    if ((r->used & used) != 0 && m->from != NULL && !m->there)
        unfit_add(r, m->from->record_id);
}

static void unknown_others(struct run *r)
{
    struct told told = {0};
    char number[24];
    const char *args[] = {number};
    size_t room = 0;

    for (size_t i = 0; i < r->n_others; i++)
        if (r->others[i].drug == NULL)
            about_add(r, &told.about, &told.n_about, &room, r->others[i].msg->order_id);
    for (size_t i = 0; i < r->n_pasts; i++)
        if (r->pasts[i].drug == NULL &&
            time_since(r->pasts[i].msg->given_at_us, r->at_us) < DAY_US)
            about_add(r, &told.about, &told.n_about, &room, r->pasts[i].msg->administration_id);
    snprintf(number, sizeof(number), "%zu", told.n_about);
    if (told.n_about > 0)
        find_own_as(r, OWN_OTHER_UNKNOWN, gap_severity(r), args, args, &told);
}

void check_lacking(struct run *r)
{
    const char *en[] = {name_en(r->drug->msg->name, r->drug->msg->id)};
    const char *zh[] = {name_zh(r->drug->msg->name, r->drug->msg->id)};
    struct told told;

    lack(r, LACK_AGE, OWN_NO_AGE);
    lack(r, LACK_WEIGHT, OWN_NO_WEIGHT);
    lack(r, LACK_HEIGHT, OWN_NO_HEIGHT);
    lack_kidneys(r);
    lack_infusion(r);
    unfit_measure(r, USED_WEIGHT, &r->body.weight);
    unfit_measure(r, USED_HEIGHT, &r->body.height);
    unfit_measure(r, USED_CREATININE, &r->body.creatinine);
    unfit_measure(r, USED_EGFR, &r->body.egfr);
    unknown_others(r);
    told = (struct told){.about = r->unfit, .n_about = r->n_unfit};
    if (r->n_unfit > 0)
        find_own(r, OWN_UNIT, en, zh, &told);
}
