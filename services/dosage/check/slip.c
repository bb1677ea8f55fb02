/* Finds entry errors by their numbers. */
#include "services/dosage/check/slip.h"

#include <stdlib.h>

#define BROKEN    WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN
#define HELD      WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_HELD
#define UNDECIDED WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_UNDECIDED
#define NOT_THIS  WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_NOT_FOR_THIS

void slip_unclear(const struct slip *s, const char *why)
{
    unfit_add(s->r, s->rule->msg->rule->id);
    trace_add(s->r, s->rule->msg->rule, UNDECIDED, why, NULL, 0);
}

void slip_conclude(const struct slip *s, bool broken, const struct ward_decimal *actual,
                   const struct ward_decimal *limit, const char *unit, const char *relation,
                   const char *about)
{
    struct run *r = s->r;
    Ward__Dosage__V1__Compared **list = ward_new(r->mem, Ward__Dosage__V1__Compared *);
    struct told told = {.compared = list, .n_compared = 1, .about = &about};
    const char *args[3];

    if (list == NULL)
        return;
    list[0] = compared(r, s->what, actual, limit, unit, relation);
    told.n_about = about == NULL ? 0 : 1;
    trace_add(r, s->rule->msg->rule, broken ? BROKEN : HELD, "", list, 1);
    if (!broken)
        return;
    args[0] = say_decimal(r, actual, unit);
    args[1] = say_decimal(r, limit, unit);
    args[2] = say_decimal(r, &s->rule->factor, "");
    find_rule(r, s->rule->msg->rule, say(r, s->en, args), say(r, s->zh, args), &told);
}

/* ---- ten times too much ---- */

static void tenfold(struct slip *s)
{
    const struct share *worst = NULL;
    struct ward_decimal top;
    bool usual = false;
    const char *unit;

    s->what = "times-the-limit";
    s->en = "The dose is {0}; {2} times the largest limit is {1}. Look for a decimal point "
            "that moved.";
    s->zh = "剂量为 {0}，已达最大限量的 {2} 倍（{1}）。请核对小数点。";
    for (size_t k = 0; k < s->r->n_shares; k++) {
        const struct share *share = &s->r->shares[k];

        usual |= share->usual; /* a usual dose is more specific than a limit */
        if (!share->good || !share->has_largest || share->usual)
            continue;
        if (!decimal_mul(&share->largest, &s->rule->factor, &top)) {
            slip_unclear(s, "unit");
            return;
        }
        worst = worst == NULL || ward_decimal_cmp(&share->amount, &top) >= 0 ? share : worst;
        if (ward_decimal_cmp(&share->amount, &top) >= 0)
            break;
    }
    if (worst == NULL || !decimal_mul(&worst->largest, &s->rule->factor, &top)) {
        trace_add(s->r, s->rule->msg->rule, NOT_THIS, usual ? "usual-dose" : "no-limit", NULL,
                  0);
        return;
    }
    unit = s->r->rate ? s->r->set->ingredients[worst->ingredient].day.text
                      : s->r->set->ingredients[worst->ingredient].unit.text;
    slip_conclude(s, ward_decimal_cmp(&worst->amount, &top) >= 0, &worst->amount, &top, unit,
                  "<", NULL);
}

/* ---- kg mistaken for lb ---- */

static bool as_unit(struct run *r, const Ward__Dosage__V1__Quantity *q, const char *unit,
                    struct ward_decimal *out)
{
    struct unit parsed;
    struct amount a;

    return amount_from(r->set, q, &a, NULL) == WARD_OK &&
           amount_to(&a, unit_of(r->set, unit, &parsed), out);
}

static bool as_kg(struct run *r, const Ward__Dosage__V1__Quantity *q, struct ward_decimal *out)
{
    return as_unit(r, q, "kg", out);
}

static void weight_jump(struct slip *s)
{
    struct run *r = s->r;
    const Ward__Dosage__V1__Facts *f = r->snap->facts;
    struct ward_decimal now = r->body.weight.value, before, large, small, top;
    int64_t apart;

    s->what = "weight-jump";
    s->en = "The weight is {0}, the one before was {1}: {2} times as much or less. Kilograms "
            "for pounds, or another patient? Weigh again.";
    s->zh = "体重为 {0}，上次为 {1}，相差 {2} 倍以上。是否误用磅、或为他人数据？请重新称量。";
    if ((r->used & USED_WEIGHT) == 0 || !r->body.weight.there || f->n_weights < 2) {
        trace_add(r, s->rule->msg->rule, NOT_THIS, "no-weight", NULL, 0);
        return;
    }
    apart = llabs(time_of(f->weights[0]->at_us) - time_of(f->weights[1]->at_us));
    if (s->rule->msg->within_hours > 0 && apart > s->rule->msg->within_hours * HOUR_US) {
        trace_add(r, s->rule->msg->rule, NOT_THIS, "weight-age", NULL, 0);
        return;
    }
    if (!as_kg(r, f->weights[1]->quantity, &before)) {
        slip_unclear(s, "unit");
        return;
    }
    large = ward_decimal_cmp(&now, &before) > 0 ? now : before;
    small = ward_decimal_cmp(&now, &before) > 0 ? before : now;
    if (!decimal_mul(&small, &s->rule->factor, &top)) {
        slip_unclear(s, "unit");
        return;
    }
    slip_conclude(s, ward_decimal_cmp(&large, &top) >= 0, &now, &before, "kg", "=",
                  f->weights[0]->record_id);
}

/* ---- the basis of the calculation ---- */

/* |a - b| > share * b */
static bool differs(const struct ward_decimal *a, const struct ward_decimal *b,
                    const struct ward_decimal *share, bool *out)
{
    struct ward_decimal diff, most;

    if (ward_decimal_sub(a, b, &diff, NULL) != WARD_OK || !decimal_mul(b, share, &most))
        return false;
    diff.negative = false;
    *out = ward_decimal_cmp(&diff, &most) > 0;
    return true;
}

/* Computes the dose from its basis, such as 15 mg/kg * 68 kg, in the unit of the first
 * ingredient (for a rate: per day). */
static bool calculated(struct run *r, const Ward__Dosage__V1__CalculatedFrom *from,
                       const struct unit *to, struct ward_decimal *out)
{
    const Ward__Dosage__V1__Quantity *body = from->weight != NULL ? from->weight : from->bsa;
    struct amount per, of, all;
    struct unit unit;
    char *text;

    if (amount_from(r->set, from->per, &per, NULL) != WARD_OK ||
        amount_from(r->set, body, &of, NULL) != WARD_OK ||
        !decimal_mul(&per.value, &of.value, &all.value))
        return false;
    text = ward_printf(r->mem, "(%s).(%s)", per.text, of.text);
    if (text == NULL)
        return false;
    unit_parse(text, &unit);
    all.unit = unit.ucum;
    all.text = text;
    return unit.good && amount_to(&all, to, out);
}

static void not_as_calculated(struct slip *s)
{
    struct run *r = s->r;
    const Ward__Dosage__V1__CalculatedFrom *from = r->p->calculated_from;
    const struct ingredient *i = &r->set->ingredients[r->shares[0].ingredient];
    const struct unit *to = r->rate ? &i->day : &i->unit;
    struct ward_decimal want;
    bool broken;

    s->what = "as-calculated";
    s->en = "The dose is {0}, but what it was calculated from makes {1}.";
    s->zh = "剂量为 {0}，但按其计算依据应为 {1}。";
    if (from == NULL || from->per == NULL || !r->shares[0].good) {
        trace_add(r, s->rule->msg->rule, NOT_THIS, "not-calculated", NULL, 0);
        return;
    }
    if (!calculated(r, from, to, &want) ||
        !differs(&r->shares[0].amount, &want, &s->rule->factor, &broken)) {
        slip_unclear(s, "unit");
        return;
    }
    slip_conclude(s, broken, &r->shares[0].amount, &want, to->text, "=", NULL);
}

/* Compares a calculation from body surface. The chart's body surface is computed from weight
 * and height. */
static void surface_differs(struct slip *s, const Ward__Dosage__V1__CalculatedFrom *from)
{
    struct run *r = s->r;
    struct ward_decimal used;
    bool broken;

    s->what = "calculated-surface";
    s->zh = "剂量按体表面积 {0} 计算，而病历中为 {1}。";
    r->used |= (unsigned)USED_WEIGHT | USED_HEIGHT;
    if (!r->body.has_bsa) {
        bool weight = !r->body.weight.there;

        r->lacking |= weight ? LACK_WEIGHT : LACK_HEIGHT;
        trace_add(r, s->rule->msg->rule, UNDECIDED, weight ? "no-weight" : "no-height", NULL,
                  0);
        return;
    }
    if (!as_unit(r, from->bsa, "m2", &used) ||
        !differs(&used, &r->body.bsa, &s->rule->factor, &broken)) {
        slip_unclear(s, "unit");
        return;
    }
    slip_conclude(s, broken, &used, &r->body.bsa, "m2", "=", r->body.weight.from->record_id);
}

static void weight_differs(struct slip *s)
{
    struct run *r = s->r;
    const Ward__Dosage__V1__CalculatedFrom *from = r->p->calculated_from;
    struct ward_decimal used;
    bool broken;

    s->en = "The dose was calculated with {0}, the chart has {1}.";
    s->zh = "剂量按体重 {0} 计算，而病历中为 {1}。";
    s->what = "calculated-weight";
    if (from != NULL && from->weight == NULL && from->bsa != NULL) {
        surface_differs(s, from);
        return;
    }
    if (from == NULL || from->weight == NULL) {
        trace_add(r, s->rule->msg->rule, NOT_THIS, "not-calculated", NULL, 0);
        return;
    }
    r->used |= USED_WEIGHT;
    if (!r->body.weight.there) {
        r->lacking |= LACK_WEIGHT;
        trace_add(r, s->rule->msg->rule, UNDECIDED, "no-weight", NULL, 0);
        return;
    }
    if (!as_kg(r, from->weight, &used) ||
        !differs(&used, &r->body.weight.value, &s->rule->factor, &broken)) {
        slip_unclear(s, "unit");
        return;
    }
    slip_conclude(s, broken, &used, &r->body.weight.value, "kg", "=",
                  r->body.weight.from->record_id);
}

void check_slips(struct run *r)
{
    static void (*const kinds[])(struct slip *) = {
        [WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_TENFOLD] = tenfold,
        [WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_NOT_AS_CALCULATED] = not_as_calculated,
        [WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_WEIGHT_DIFFERS] = weight_differs,
        [WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_WEIGHT_JUMP] = weight_jump,
    };

    /* Measurements are checked last, because the other checks determine the used
     * measurements. */
    for (int last = 0; last <= 1; last++)
        for (size_t i = 0; i < r->set->set->n_slips; i++) {
            struct slip s = {.r = r, .rule = &r->set->slips[i]};
            size_t kind = (size_t)s.rule->msg->kind;

            bool body = slip_is_of_body(s.rule);

            if ((!body && (kind >= WARD_COUNT(kinds) || kinds[kind] == NULL)) ||
                (body || kinds[kind] == weight_jump) != (last == 1))
                continue;
            if (body)
                slip_body(&s);
            else if (s.rule->good)
                kinds[kind](&s);
            else
                slip_unclear(&s, "unit");
        }
}
