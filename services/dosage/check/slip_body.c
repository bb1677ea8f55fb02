/* Implausible weights and heights for the patient's age. */
#include "services/dosage/check/slip.h"

#include "common/measure/growth.h"

#define UNDECIDED WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_UNDECIDED
#define NOT_THIS  WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_NOT_FOR_THIS
#define KIND(k)   WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_##k

#define MASS_EXP (-1) /* precision for displaying kg/m2 */

enum verdict { NOT_FOR, NO_AGE, UNCLEAR, FITS, ABOVE, BELOW };

struct found {
    struct ward_decimal actual, bound; /* set for ABOVE, BELOW and FITS */
    const char *why;                   /* set for NOT_FOR */
};

static bool is_of_weight(Ward__Dosage__V1__SlipRule__Kind kind)
{
    return kind == KIND(WEIGHT_FOR_AGE) || kind == KIND(WEIGHT_RANGE);
}

static bool is_score(Ward__Dosage__V1__SlipRule__Kind kind)
{
    return kind == KIND(WEIGHT_FOR_AGE) || kind == KIND(HEIGHT_FOR_AGE);
}

static enum ward_growth_sex sex_of(const struct run *r)
{
    switch (r->snap->facts->sex) {
    case WARD__DOSAGE__V1__SEX__SEX_MALE:
        return WARD_GROWTH_MALE;
    case WARD__DOSAGE__V1__SEX__SEX_FEMALE:
        return WARD_GROWTH_FEMALE;
    default:
        return WARD_GROWTH_ANY;
    }
}

static enum verdict held(const struct ward_decimal *low, const struct ward_decimal *high,
                         struct found *f)
{
    if (high != NULL) {
        f->bound = *high;
        if (ward_decimal_cmp(&f->actual, high) > 0)
            return ABOVE;
    }
    if (low == NULL)
        return FITS;
    if (high == NULL || ward_decimal_cmp(&f->actual, low) < 0)
        f->bound = *low;
    return ward_decimal_cmp(&f->actual, low) < 0 ? BELOW : FITS;
}

/* Uses the patient's age on the day of the measurement. */
static enum verdict by_growth(const struct run *r, const struct slip_rule *rule,
                              const struct measure *m, struct found *f)
{
    enum ward_growth what =
        is_of_weight(rule->msg->kind) ? WARD_GROWTH_WEIGHT : WARD_GROWTH_HEIGHT;
    int64_t since = m->age_us / DAY_US;
    int64_t from = r->body.days_least - since, to = r->body.days_most - since;
    struct ward_decimal z = rule->factor, high, low;

    if (!r->body.has_age)
        return NO_AGE;
    f->why = "age";
    if (from >= WARD_GROWTH_DAYS)
        return NOT_FOR;
    high = ward_growth_bound(what, sex_of(r), from, to, &z);
    z = rule->has_low ? rule->low : z;
    z.negative = true;
    low = ward_growth_bound(what, sex_of(r), from, to, &z);
    return held(&low, &high, f);
}

static enum verdict by_range(const struct run *r, const struct slip_rule *rule, struct found *f)
{
    enum fit fit = band_age(r, rule->msg->age_from_days, rule->msg->age_to_days);

    f->why = "age";
    if (fit != FIT_YES)
        return fit == FIT_NO ? NOT_FOR : NO_AGE;
    return held(rule->has_low ? &rule->low : NULL, rule->has_high ? &rule->high : NULL, f);
}

/* Body mass index: kg / m2, to one decimal. */
static bool mass_of(const struct body *b, struct ward_decimal *out)
{
    struct ward_decimal above = ward_decimal_of(10000, 0), below;

    return decimal_mul(&above, &b->weight.value, &above) &&
           decimal_mul(&b->height.value, &b->height.value, &below) &&
           ward_decimal_div_round(&above, &below, MASS_EXP, WARD_ROUND_HALF_UP, out, NULL,
                                  NULL) == WARD_OK;
}

static enum verdict judge(const struct run *r, const struct slip_rule *rule, struct found *f)
{
    const struct body *b = &r->body;
    Ward__Dosage__V1__SlipRule__Kind kind = rule->msg->kind;
    bool weight = is_of_weight(kind), mass = kind == KIND(BODY_MASS);
    const struct measure *m = weight ? &b->weight : &b->height;
    unsigned used = mass     ? (unsigned)USED_WEIGHT | USED_HEIGHT
                    : weight ? USED_WEIGHT
                             : USED_HEIGHT;

    f->why = weight ? "no-weight" : "no-height";
    if ((r->used & used) == 0 || !m->there || (mass && !b->weight.there))
        return NOT_FOR;
    f->actual = m->value;
    if (!rule->good || (mass && !mass_of(b, &f->actual)))
        return UNCLEAR;
    return is_score(kind) ? by_growth(r, rule, m, f) : by_range(r, rule, f);
}

/* Whether another rule of this kind reports the measurement with higher severity. */
static bool told_by_another(const struct run *r, const struct slip_rule *rule)
{
    for (size_t i = 0; i < r->set->set->n_slips; i++) {
        const struct slip_rule *other = &r->set->slips[i];
        struct found f;

        if (other->msg->kind == rule->msg->kind &&
            other->msg->rule->severity > rule->msg->rule->severity &&
            judge(r, other, &f) >= ABOVE)
            return true;
    }
    return false;
}

struct words {
    const char *what, *unit, *en, *zh;
};

static struct words words_of(Ward__Dosage__V1__SlipRule__Kind kind)
{
    if (kind == KIND(BODY_MASS))
        return (struct words){"body-mass", "kg/m2", "body mass index", "体质指数"};
    if (is_of_weight(kind))
        return (struct words){is_score(kind) ? "weight-for-age" : "weight-range", "kg",
                              "weight", "体重"};
    return (struct words){is_score(kind) ? "height-for-age" : "height-range", "cm", "height",
                          "身高"};
}

static void tell(struct slip *s, enum verdict verdict, const struct found *f)
{
    struct words w = words_of(s->rule->msg->kind);
    const struct measure *m =
        is_of_weight(s->rule->msg->kind) ? &s->r->body.weight : &s->r->body.height;
    const char *en[5] = {w.en, verdict == ABOVE ? "at most" : "at least",
                         is_score(s->rule->msg->kind) ? " for this age and sex" : "", "{0}",
                         "{1}"};
    const char *zh[5] = {w.zh, verdict == ABOVE ? "不超过" : "不低于",
                         is_score(s->rule->msg->kind) ? "按年龄和性别" : "", "{0}", "{1}"};

    s->what = w.what;
    if (verdict != FITS) {
        s->en = say(s->r,
                    "The {0} of {3} is not plausible: {1} {4}{2}. Check the unit, the decimal "
                    "point and the patient, and measure again.",
                    en);
        s->zh =
            say(s->r,
                "{0} {3} 不合理：{2}应{1} {4}。请核对单位、小数点和患者身份，并重新测量。", zh);
    }
    slip_conclude(s, verdict != FITS, &f->actual, &f->bound, w.unit,
                  verdict == BELOW ? ">=" : "<=", m->from->record_id);
}

bool slip_is_of_body(const struct slip_rule *rule)
{
    return rule->msg->kind >= KIND(WEIGHT_FOR_AGE) && rule->msg->kind <= KIND(BODY_MASS);
}

void slip_body(struct slip *s)
{
    struct run *r = s->r;
    const Ward__Dosage__V1__Rule *id = s->rule->msg->rule;
    struct found f = {.why = ""};
    enum verdict verdict = judge(r, s->rule, &f);

    switch (verdict) {
    case NOT_FOR:
        trace_add(r, id, NOT_THIS, f.why, NULL, 0);
        return;
    case NO_AGE:
        r->lacking |= LACK_AGE;
        trace_add(r, id, UNDECIDED, "no-age", NULL, 0);
        return;
    case UNCLEAR:
        slip_unclear(s, "unit");
        return;
    default:
        break;
    }
    if (verdict != FITS && told_by_another(r, s->rule))
        trace_add(r, id, NOT_THIS, "told-by-another", NULL, 0);
    else
        tell(s, verdict, &f);
}
