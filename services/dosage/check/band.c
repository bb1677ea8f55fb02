#include "services/dosage/check/run.h"

#include <string.h>

static const Ward__Dosage__V1__Band none = WARD__DOSAGE__V1__BAND__INIT;

static const Ward__Dosage__V1__Band *band_of(const struct dose_rule *rule)
{
    return rule->msg->band == NULL ? &none : rule->msg->band;
}

static bool route_fits(const struct run *r, const Ward__Dosage__V1__Band *b)
{
    for (size_t i = 0; i < b->n_routes; i++)
        if (b->routes[i] == r->p->route)
            return true;
    return b->n_routes == 0;
}

static bool indication_fits(const struct run *r, const Ward__Dosage__V1__Band *b)
{
    const Ward__Dosage__V1__Coding *is = r->p->indication;

    for (size_t i = 0; is != NULL && i < b->n_indications; i++)
        if (strcmp(b->indications[i]->system, is->system) == 0 &&
            strcmp(b->indications[i]->code, is->code) == 0)
            return true;
    return b->n_indications == 0;
}

/* Compares the range [least, most] of whole numbers with the band [from, to). */
static enum fit within(int64_t least, int64_t most, int64_t from, int64_t to)
{
    bool low = least<from, high = to> 0 && most >= to;

    if (most < from || (to > 0 && least >= to))
        return FIT_NO;
    return low || high ? FIT_MAYBE : FIT_YES;
}

enum fit band_age(const struct run *r, int32_t from_days, int32_t to_days)
{
    if (from_days <= 0 && to_days <= 0)
        return FIT_YES;
    if (!r->body.has_age)
        return FIT_MAYBE;
    return within(r->body.days_least, r->body.days_most, from_days, to_days);
}

/* As within, for decimals. */
static enum fit bound_fits(const struct bound *b, const struct ward_decimal *least,
                           const struct ward_decimal *most)
{
    bool low, high;

    if (!b->good)
        return FIT_MAYBE;
    if ((b->has_from && ward_decimal_cmp(most, &b->from) < 0) ||
        (b->has_to && ward_decimal_cmp(least, &b->to) >= 0))
        return FIT_NO;
    low = b->has_from && ward_decimal_cmp(least, &b->from) < 0;
    high = b->has_to && ward_decimal_cmp(most, &b->to) >= 0;
    return low || high ? FIT_MAYBE : FIT_YES;
}

static bool is_bounded(const struct bound *b)
{
    return b->has_from || b->has_to || !b->good;
}

static enum fit weight_fits(struct run *r, const struct bound *b)
{
    if (!is_bounded(b))
        return FIT_YES;
    r->used |= USED_WEIGHT;
    if (!r->body.weight.there)
        return FIT_MAYBE;
    return bound_fits(b, &r->body.weight.value, &r->body.weight.value);
}

/* Uses the weight that the band names. If no clearance can be computed, an eGFR is used, and a
 * finding reports the replacement. */
static enum fit clearance_fits(struct run *r, const struct dose_rule *rule)
{
    const struct body *b = &r->body;
    struct ward_decimal least = b->crcl_least, most = b->crcl_most;
    bool has = b->has_crcl;
    struct per_body kg;

    r->used |= (unsigned)USED_CREATININE | USED_WEIGHT;
    if (has &&
        band_of(rule)->renal_weight > WARD__DOSAGE__V1__WEIGHT_BASIS__WEIGHT_BASIS_ACTUAL)
        has = body_over(r, PER_KG, band_of(rule)->renal_weight, &kg) &&
              kidney_clearance(r, &kg.value, &least, &most);
    if (has)
        return bound_fits(&rule->renal, &least, &most);
    if (!engine_at_least(r, 2) || !kidney_filtration(r))
        return FIT_MAYBE;
    r->used |= b->egfr_reckoned ? 0 : USED_EGFR;
    r->lacking |= LACK_CLEARANCE;
    return bound_fits(&rule->renal, &b->egfr_least, &b->egfr_most);
}

static enum fit renal_fits(struct run *r, const struct dose_rule *rule)
{
    const struct body *b = &r->body;
    bool by_egfr = band_of(rule)->renal_by == WARD__DOSAGE__V1__BAND__RENAL_BY__RENAL_BY_EGFR;

    if (!is_bounded(&rule->renal))
        return FIT_YES;
    if (!by_egfr)
        return clearance_fits(r, rule);
    r->used |= USED_EGFR;
    if (!kidney_filtration(r))
        return FIT_MAYBE;
    r->used = b->egfr_reckoned ? (r->used & ~(unsigned)USED_EGFR) | USED_CREATININE : r->used;
    return bound_fits(&rule->renal, &b->egfr_least, &b->egfr_most);
}

/* The phase of an order without a phase is maintenance. */
static bool phase_fits(const struct run *r, const Ward__Dosage__V1__Band *b)
{
    bool loading = r->p->phase == WARD__DOSAGE__V1__PHASE__PHASE_LOADING;

    switch (b->phase) {
    case WARD__DOSAGE__V1__PHASE__PHASE_LOADING:
        return loading;
    case WARD__DOSAGE__V1__PHASE__PHASE_MAINTENANCE:
        return !loading;
    case WARD__DOSAGE__V1__PHASE__PHASE_TAPER:
        return r->p->phase == WARD__DOSAGE__V1__PHASE__PHASE_TAPER;
    default:
        return true;
    }
}

/* Days for which a given patch counts: until the patch is changed. Other doses count for one
 * day. */
#define PATCH_DAYS 3

static bool given_on(const struct run *r, int class_id, int64_t day)
{
    for (size_t i = 0; i < r->n_pasts; i++) {
        const struct past *g = &r->pasts[i];
        int64_t ago = time_since(g->msg->given_at_us, r->at_us) / DAY_US;
        int64_t lasts = g->msg->route == WARD__DOSAGE__V1__ROUTE__ROUTE_TD ? PATCH_DAYS : 1;

        if (g->drug == NULL || ago < day || ago >= day + lasts)
            continue;
        for (size_t k = 0; k < g->drug->n_ingredients; k++)
            if (set_in_class(r->set, g->drug->ingredients[k], class_id))
                return true;
    }
    return false;
}

/* Whether the class is new to the patient: on at least one of the days, no dose of the class
 * was given. */
static bool naive_fits(const struct run *r, const struct dose_rule *rule)
{
    for (int64_t day = 0; rule->naive_class >= 0 && day < band_of(rule)->naive_days; day++)
        if (!given_on(r, rule->naive_class, day))
            return true;
    return rule->naive_class < 0;
}

bool band_fits(const struct run *r, const Ward__Dosage__V1__Band *b, const char **why)
{
    const Ward__Dosage__V1__Band *is = b == NULL ? &none : b;

    *why = !route_fits(r, is)                                          ? "route"
           : !indication_fits(r, is)                                   ? "indication"
           : band_age(r, is->age_from_days, is->age_to_days) == FIT_NO ? "age"
                                                                       : "";
    return **why == '\0';
}

struct verdict {
    enum fit fit;
    const char *why;
    unsigned lacking;
};

/* Adds one criterion to the verdict. True: continue. */
static bool ask(struct verdict *v, enum fit fit, const char *no, const char *maybe,
                unsigned lack)
{
    if (fit == FIT_NO) {
        v->fit = FIT_NO;
        v->why = no;
        return false;
    }
    if (fit == FIT_MAYBE) {
        v->why = v->fit == FIT_MAYBE ? v->why : maybe;
        v->fit = FIT_MAYBE;
        v->lacking |= lack;
    }
    return true;
}

enum fit band_fit(struct run *r, const struct dose_rule *rule, const char **why)
{
    const Ward__Dosage__V1__Band *b = band_of(rule);
    struct verdict v = {.fit = FIT_YES, .why = ""};

    if (ask(&v, route_fits(r, b) ? FIT_YES : FIT_NO, "route", "", 0) &&
        ask(&v, indication_fits(r, b) ? FIT_YES : FIT_NO, "indication", "", 0) &&
        (rule->plain ||
         (ask(&v, phase_fits(r, b) ? FIT_YES : FIT_NO, "phase", "", 0) &&
          ask(&v, naive_fits(r, rule) ? FIT_YES : FIT_NO, "not-naive", "", 0))) &&
        ask(&v, band_age(r, b->age_from_days, b->age_to_days), "age", "no-age", LACK_AGE) &&
        ask(&v, weight_fits(r, &rule->weight), "weight", "no-weight", LACK_WEIGHT) &&
        ask(&v, renal_fits(r, rule), "renal", "no-renal", LACK_RENAL))
        r->lacking |= v.lacking;
    *why = v.why;
    return v.fit;
}

/* ---- description of a contraindication ---- */

struct bounds {
    struct run *r;
    struct told *told;
    char *en, *zh;
};

static void bound(struct bounds *b, const char *what, const char *en, const char *zh,
                  const struct ward_decimal *actual, const struct bound *within_,
                  const char *unit)
{
    const char *comma = *b->en == '\0' ? "" : ", ", *pause = *b->zh == '\0' ? "" : "，";
    const struct ward_decimal *limit = within_->has_to ? &within_->to : &within_->from;
    const char *args[6];

    if (!within_->has_to && !within_->has_from)
        return;
    args[1] = comma;
    args[2] = say_decimal(b->r, actual, unit);
    args[3] = say_decimal(b->r, limit, unit);
    args[4] = en;
    args[0] = b->en;
    b->en =
        say(b->r, within_->has_to ? "{0}{1}{4} {2}, below {3}" : "{0}{1}{4} {2}, from {3} on",
            args);
    args[0] = b->zh;
    args[1] = pause;
    args[4] = zh;
    b->zh = say(b->r, within_->has_to ? "{0}{1}{4} {2}，低于 {3}" : "{0}{1}{4} {2}，达到 {3}",
                args);
    b->told->compared[b->told->n_compared++] =
        compared(b->r, what, actual, limit, unit, within_->has_to ? ">=" : "<");
}

void band_tell(struct run *r, const struct dose_rule *rule, struct told *told, char **en,
               char **zh)
{
    const Ward__Dosage__V1__Band *b = band_of(rule);
    const struct body *body = &r->body;
    bool by_egfr = b->renal_by == WARD__DOSAGE__V1__BAND__RENAL_BY__RENAL_BY_EGFR;
    struct ward_decimal days = ward_decimal_of(body->days_least, 0);
    struct bound age = {b->age_from_days > 0, b->age_to_days > 0, true,
                        ward_decimal_of(b->age_from_days, 0),
                        ward_decimal_of(b->age_to_days, 0)};
    struct bounds list = {r, told, say(r, "", NULL), say(r, "", NULL)};

    told->compared = ward_alloc(r->mem, 3 * sizeof(*told->compared));
    told->n_compared = 0;
    if (told->compared == NULL)
        return;
    bound(&list, "age-days", "age", "年龄", &days, &age, "d");
    bound(&list, "weight", "weight", "体重", &body->weight.value, &rule->weight, "kg");
    if (by_egfr)
        bound(&list, "egfr", "eGFR", "eGFR", &body->egfr_least, &rule->renal, "mL/min");
    else if (body->has_crcl)
        bound(&list, "crcl", "creatinine clearance", "肌酐清除率", &body->crcl_least,
              &rule->renal, "mL/min");
    else
        bound(&list, "egfr", "eGFR (for the creatinine clearance)", "eGFR（代替肌酐清除率）",
              &body->egfr_least, &rule->renal, "mL/min");
    *en = list.en;
    *zh = list.zh;
}
