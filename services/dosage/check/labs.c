/* Laboratory values compared with a rule's limits, and their trends. */
#include "services/dosage/check/circumstance.h"

#include <stdio.h>
#include <string.h>

#define RELATION(name)  WARD__DOSAGE__V1__VALUE_IS__RELATION__RELATION_##name
#define DIRECTION(name) WARD__DOSAGE__V1__TREND_IS__DIRECTION__DIRECTION_##name

typedef Ward__Dosage__V1__Measured Measured;

struct lab {
    const Measured *msg;
    struct ward_decimal value;
    struct unit unit;
};

static bool among(const char *loinc, char *const *loincs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(loinc, loincs[i]) == 0)
            return true;
    return false;
}

const Measured *lab_newest(const Ward__Dosage__V1__Facts *f, char *const *loincs, size_t n)
{
    const Measured *newest = NULL;

    for (size_t i = 0; f != NULL && i < f->n_labs; i++)
        if (f->labs[i]->n_values > 0 && among(f->labs[i]->loinc, loincs, n) &&
            (newest == NULL || f->labs[i]->values[0]->at_us > newest->at_us))
            newest = f->labs[i]->values[0];
    return newest;
}

/* Reads a laboratory value, which may be 0 (no neutrophils). */
static bool read(const Measured *m, struct lab *out)
{
    out->msg = m;
    if (m->quantity == NULL ||
        ward_decimal_parse(m->quantity->value, strlen(m->quantity->value), &out->value, NULL) !=
            WARD_OK)
        return false;
    unit_parse(m->quantity->unit, &out->unit);
    return out->unit.good;
}

/* Annotations in laboratory units do not affect the conversion: "{INR}", "10*3/uL{cells}". */
static bool in_unit(const struct lab *l, const struct unit *unit, struct ward_decimal *out)
{
    return ward_ucum_convert(&l->value, &l->unit.ucum, &unit->ucum, out, NULL) == WARD_OK;
}

static bool fresh(const struct run *r, const Measured *m, int32_t hours)
{
    return m != NULL && time_since(m->at_us, r->at_us) <= hours * HOUR_US;
}

static struct answer unknown(struct run *r, const Ward__Dosage__V1__Sentence *name,
                             int32_t hours)
{
    struct answer a = {.is = TRUTH_UNKNOWN};
    char number[16];
    const char *args[2] = {name_en(name, ""), number};

    snprintf(number, sizeof(number), "%d", hours);
    a.en = say(r, "{0} (of the last {1} hours)", args);
    args[0] = name_zh(name, "");
    a.zh = say(r, "{0}（近 {1} 小时内）", args);
    return a;
}

/* ---- a value ---- */

/* Compares a value that is only a bound ("<", ">=") with a limit. sign: -1, 0 or 1 if the bound
 * is below, at or above the limit. */
static enum truth bounded(int sign, const char *comparator, int relation)
{
    bool low = relation == (int)RELATION(BELOW) || relation == (int)RELATION(AT_MOST);
    /* For BELOW and AT_LEAST, the limit itself belongs to the values above. */
    bool upper = relation == (int)RELATION(BELOW) || relation == (int)RELATION(AT_LEAST);
    bool strict = comparator[1] == '\0';

    if (comparator[0] == '<' && (sign < 0 || (sign == 0 && (strict || !upper))))
        return low ? TRUTH_YES : TRUTH_NO;
    if (comparator[0] == '>' && (sign > 0 || (sign == 0 && (strict || upper))))
        return low ? TRUTH_NO : TRUTH_YES;
    return TRUTH_UNKNOWN;
}

static enum truth holds(const struct ward_decimal *value, const char *comparator,
                        const struct ward_decimal *limit, int relation)
{
    int sign = ward_decimal_cmp(value, limit);

    if (*comparator != '\0')
        return bounded(sign, comparator, relation);
    switch (relation) {
    case RELATION(BELOW):
        return sign < 0 ? TRUTH_YES : TRUTH_NO;
    case RELATION(AT_MOST):
        return sign <= 0 ? TRUTH_YES : TRUTH_NO;
    case RELATION(AT_LEAST):
        return sign >= 0 ? TRUTH_YES : TRUTH_NO;
    default:
        return sign > 0 ? TRUTH_YES : TRUTH_NO;
    }
}

/* The relation that a normal value would have to the limit. */
static const char *should(int relation)
{
    return relation == (int)RELATION(BELOW)      ? ">="
           : relation == (int)RELATION(AT_MOST)  ? ">"
           : relation == (int)RELATION(AT_LEAST) ? "<"
                                                 : "<=";
}

static const char *what_of(struct run *r, const char *loinc)
{
    const char *args[] = {loinc};

    return say(r, "loinc-{0}", args);
}

/* Sets the text of an answer: "potassium 6.2 mmol/L". */
static void tell(struct run *r, const struct circumstance *c, const struct lab *l,
                 struct answer *out)
{
    const char *args[4] = {name_en(c->msg->name, ""), l->msg->comparator,
                           l->msg->quantity->value, l->msg->quantity->unit};

    out->en = say(r, "{0} {1}{2} {3}", args);
    args[0] = name_zh(c->msg->name, "");
    out->zh = say(r, "{0} {1}{2} {3}", args);
}

struct answer lab_value(struct run *r, const struct circumstance *c)
{
    const Ward__Dosage__V1__ValueIs *q = c->msg->value;
    const Measured *m = lab_newest(r->snap->facts, q->loincs, q->n_loincs);
    struct answer a = unknown(r, c->msg->name, q->max_age_hours);
    struct ward_decimal value;
    struct lab l;

    if (!fresh(r, m, q->max_age_hours) || !read(m, &l))
        return a;
    for (size_t i = 0; i < q->n_limits; i++) {
        const struct lab_limit *limit = &c->limits[i];

        if (!limit->good || !in_unit(&l, &limit->unit, &value))
            continue;
        a.is = holds(&value, m->comparator, &limit->value, (int)q->relation);
        if (a.is == TRUTH_YES) {
            tell(r, c, &l, &a);
            a.compared = compared(r, what_of(r, q->loincs[0]), &value, &limit->value,
                                  limit->unit.text, should((int)q->relation));
        }
        return a;
    }
    return a;
}

/* ---- a trend ---- */

/* The earlier value that differs most from the newest value, in the newest value's unit. */
static bool furthest(const struct run *r, const Ward__Dosage__V1__TrendIs *q,
                     const struct lab *newest, struct ward_decimal *out)
{
    const Ward__Dosage__V1__Facts *f = r->snap->facts;
    bool any = false;

    for (size_t i = 0; i < f->n_labs; i++) {
        if (!among(f->labs[i]->loinc, q->loincs, q->n_loincs))
            continue;
        for (size_t k = 0; k < f->labs[i]->n_values; k++) {
            const Measured *m = f->labs[i]->values[k];
            struct ward_decimal v;
            struct lab l;
            int sign;

            if (m->at_us >= newest->msg->at_us || *m->comparator != '\0' ||
                time_since(m->at_us, newest->msg->at_us) > q->within_hours * HOUR_US ||
                !read(m, &l) || !in_unit(&l, &newest->unit, &v))
                continue;
            sign = any ? ward_decimal_cmp(&v, out) : 0;
            if (!any || (q->direction == DIRECTION(FALL) ? sign > 0 : sign < 0))
                *out = v;
            any = true;
        }
    }
    return any;
}

/* Computes earlier * (1 + share), or for a fall earlier * (1 - share). */
static bool bound_of(const struct circumstance *c, const struct ward_decimal *earlier,
                     struct ward_decimal *out)
{
    const struct ward_decimal one = ward_decimal_of(1, 0);
    bool fall = c->msg->trend->direction == DIRECTION(FALL);
    struct ward_decimal factor;

    return (fall ? ward_decimal_sub(&one, &c->share, &factor, NULL)
                 : ward_decimal_add(&one, &c->share, &factor, NULL)) == WARD_OK &&
           decimal_mul(earlier, &factor, out);
}

static void tell_trend(struct run *r, const struct circumstance *c, const struct lab *newest,
                       const struct ward_decimal *earlier, struct answer *out)
{
    const char *args[4] = {name_en(c->msg->name, ""), say_decimal(r, earlier, ""),
                           newest->msg->quantity->value, newest->msg->quantity->unit};

    out->en = say(r, "{0} from {1} to {2} {3}", args);
    args[0] = name_zh(c->msg->name, "");
    out->zh = say(r, "{0} 由 {1} 变为 {2} {3}", args);
}

struct answer lab_trend(struct run *r, const struct circumstance *c)
{
    const Ward__Dosage__V1__TrendIs *q = c->msg->trend;
    const Measured *m = lab_newest(r->snap->facts, q->loincs, q->n_loincs);
    struct answer a = unknown(r, c->msg->name, q->max_age_hours);
    bool fall = q->direction == DIRECTION(FALL);
    struct ward_decimal earlier, bound;
    struct lab l;
    int sign;

    if (!c->good || !fresh(r, m, q->max_age_hours) || *m->comparator != '\0' || !read(m, &l) ||
        !furthest(r, q, &l, &earlier) || !bound_of(c, &earlier, &bound))
        return a;
    sign = ward_decimal_cmp(&l.value, &bound);
    a.is = earlier.coef > 0 && (fall ? sign <= 0 : sign >= 0) ? TRUTH_YES : TRUTH_NO;
    if (a.is != TRUTH_YES)
        return a;
    tell_trend(r, c, &l, &earlier, &a);
    a.compared =
        compared(r, what_of(r, q->loincs[0]), &l.value, &bound, l.unit.text, fall ? ">" : "<");
    return a;
}
