/* RIGHT_DOSE: the stated dose must equal the order's dose, and the scanned and counted or
 * measured amount must equal the stated dose. Without a scanned amount, the dose is not proved,
 * because a device fills in the order's dose automatically. */
#include "services/dosage/give/bedside.h"

#include <string.h>

/* A measured volume may differ by the rounding of its last decimal, and at most by this share
 * of the dose. Source: no publication; a policy of this service. */
#define VOLUME_SHARE 5 /* % */
/* exponent of a measured amount, in the ingredient's unit */
#define MEASURED_EXP (-12)
#define SHOWN_EXP    (-6)

/* ---- the stated dose and the order ---- */

/* Rates are not converted by an ingredient. Only a unit that is an exact multiple of the other
 * unit is accepted. */
static enum ward_code compare_rates(const struct measured_dose *d, int *cmp,
                                    struct ward_err *err)
{
    struct amount given, ordered;
    struct ward_decimal in;

    WARD_TRY(amount_of(d->given, &given, err));
    WARD_TRY(amount_of(d->ordered->dose, &ordered, err));
    if (ward_ucum_convert(&given.value, &given.unit, &ordered.unit, &in, NULL) != WARD_OK)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_UNIT",
                                "the unit of the rate does not convert to the ordered unit");
    *cmp = ward_decimal_cmp(&in, &ordered.value);
    return WARD_OK;
}

static enum ward_code compare(const struct measured_dose *d, int *cmp, struct ward_err *err)
{
    const Prescription *p = d->ordered;
    const Drug *drug = ruleset_drug(d->rules, p->drug_id);
    struct ward_decimal given, ordered;

    if (dose_is_rate(p))
        return compare_rates(d, cmp, err);
    if (drug == NULL || drug->n_ingredients == 0)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_UNIT",
                                "the active rule set no longer has the order's drug");
    WARD_TRY(amount_of_ingredient(d->rules, drug->id,
                                  *d->product_id == '\0' ? p->product_id : d->product_id,
                                  d->given, drug->ingredients[0], &given, err));
    WARD_TRY(amount_of_ingredient(d->rules, drug->id, p->product_id, p->dose,
                                  drug->ingredients[0], &ordered, err));
    if (d->before != NULL)
        WARD_TRY(ward_decimal_add(&given, d->before, &given, err));
    *cmp = ward_decimal_cmp(&given, &ordered);
    return WARD_OK;
}

/* A partial dose must be less than the order's dose. The completion of a partial dose is the
 * rest. */
static const char *differs(const struct measured_dose *d, int cmp)
{
    if (d->partial ? cmp < 0 || (cmp == 0 && d->before != NULL) : cmp == 0)
        return NULL;
    return cmp > 0 ? "more" : cmp < 0 ? "less" : "not-partial";
}

/* ---- the scanned amount ---- */

/* The sum of the scanned units. */
struct sum {
    const struct measured_dose *d;
    struct rights *r;
    const Drug *drug;
    const Ward__Dosage__V1__Ingredient *first; /* first ingredient of the drug */
    /* unit of `stated` and `all`: the first ingredient's; for patches the dose's */
    const char *unit;
    struct ward_decimal stated, all;
    struct ward_decimal slack; /* tolerance of measuring */
    bool several;
    const char *lacks; /* why the dose is not proved; NULL: proved */
    const char *fails; /* why the dose is wrong; NULL: correct */
    const char *says;  /* such as "2 x warfarin-tab-1 is 2 mg; " */
};

static const char *text_of(struct rights *r, const Quantity *q)
{
    const char *text = amount_shown(q, r->mem);

    return text == NULL ? "" : text;
}

static enum ward_code too_long(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_VALUE",
                            "the sum of the scanned units has too many digits");
}

/* The content of one unit of a product; NULL: the product is measured, not counted. */
static const Ward__Dosage__V1__Strength *counted(const struct sum *s, const Product *p)
{
    for (size_t i = 0; i < p->n_strengths; i++)
        if (strcmp(p->strengths[i]->ingredient, s->first->id) == 0 &&
            p->strengths[i]->per->unit[0] == '{')
            return p->strengths[i];
    return NULL;
}

static enum ward_code of_product(const struct sum *s, const Product *p, const Quantity *q,
                                 struct ward_decimal *out, struct ward_err *err)
{
    return amount_of_ingredient(s->d->rules, s->drug->id, p->id, q, s->first->id, out, err);
}

static enum ward_code add(struct sum *s, const Product *p, const char *count,
                          const char *between, const struct ward_decimal *amount,
                          struct ward_err *err)
{
    s->says = ward_printf(s->r->mem, "%s%s%s%s%s", s->says, *s->says == '\0' ? "" : " + ",
                          count, between, p->id);
    if (s->says == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a right");
    return ward_decimal_add(&s->all, amount, &s->all, NULL) == WARD_OK ? WARD_OK
                                                                       : too_long(err);
}

/* Whether x is a whole number of steps. */
static bool is_multiple(const struct ward_decimal *x, const struct ward_decimal *step)
{
    struct ward_decimal n;

    return ward_decimal_div_round(x, step, 0, WARD_ROUND_DOWN, &n, NULL, NULL) == WARD_OK &&
           ward_decimal_mul(&n, step, &n, NULL) == WARD_OK && ward_decimal_cmp(&n, x) == 0;
}

static Quantity step_of(const Product *p, const Ward__Dosage__V1__Strength *per)
{
    static char whole[] = "1", half[] = "0.5";
    Quantity q = WARD__DOSAGE__V1__QUANTITY__INIT;

    q.value = p->may_be_halved ? half : whole;
    q.unit = per->per->unit;
    return q;
}

/* Adds a number of units: whole units, and halves if the product may be halved. */
static enum ward_code add_units(struct sum *s, const Product *p, const char *units,
                                struct ward_err *err)
{
    const Ward__Dosage__V1__Strength *per = counted(s, p);
    struct ward_decimal amount, one, all;
    Quantity q, step;

    if (per == NULL)
        return WARD_FAIL_FIELD(err, "units",
                               "is not permitted for a measured product; send volume instead");
    step = step_of(p, per);
    q = step;
    q.value = api_text(units);
    WARD_TRY(of_product(s, p, &q, &amount, err));
    if (ward_decimal_parse(units, strlen(units), &all, NULL) != WARD_OK ||
        ward_decimal_parse(step.value, strlen(step.value), &one, NULL) != WARD_OK ||
        !is_multiple(&all, &one))
        s->fails = "whole-only";
    return add(s, p, units, " x ", &amount, err);
}

/* The content of a volume in the unit of the first ingredient: v * amount / per. */
static bool by_strength(const struct sum *s, const Ward__Dosage__V1__Strength *of,
                        const struct ward_decimal *v, struct ward_decimal *out)
{
    struct amount a;
    struct ward_decimal in, per;

    return amount_of(of->amount, &a, NULL) == WARD_OK &&
           amount_in(&a, s->first->unit, &in, NULL) == WARD_OK &&
           ward_decimal_parse(of->per->value, strlen(of->per->value), &per, NULL) == WARD_OK &&
           ward_decimal_mul(v, &in, &in, NULL) == WARD_OK &&
           ward_decimal_div_round(&in, &per, MEASURED_EXP, WARD_ROUND_HALF_EVEN, out, NULL,
                                  NULL) == WARD_OK;
}

static enum ward_code add_volume(struct sum *s, const Product *p, const Quantity *volume,
                                 struct ward_err *err)
{
    struct ward_decimal v, half, amount, slack;
    struct amount a;

    WARD_TRY(amount_of(volume, &a, err));
    for (size_t i = 0; i < p->n_strengths; i++) {
        const Ward__Dosage__V1__Strength *of = p->strengths[i];
        struct amount last = a;

        last.value = (struct ward_decimal){.coef = 5, .exp = a.value.exp - 1};
        if (strcmp(of->ingredient, s->first->id) != 0 || of->per->unit[0] == '{' ||
            amount_in(&a, of->per->unit, &v, NULL) != WARD_OK ||
            amount_in(&last, of->per->unit, &half, NULL) != WARD_OK)
            continue;
        if (!by_strength(s, of, &v, &amount) || !by_strength(s, of, &half, &slack) ||
            ward_decimal_add(&s->slack, &slack, &s->slack, NULL) != WARD_OK)
            return too_long(err);
        return add(s, p, text_of(s->r, volume), " of ", &amount, err);
    }
    return WARD_FAIL_FIELD(err, "volume",
                           "is not permitted for a product without a strength by volume");
}

/* Whether the dose is stated in units of the product or as a volume, so that the stated dose is
 * the count. */
static bool states_product(const struct sum *s, const Product *p)
{
    struct ward_decimal x;
    struct amount a;

    if (s->several || amount_of(s->d->given, &a, NULL) != WARD_OK ||
        amount_in(&a, s->first->unit, &x, NULL) == WARD_OK)
        return false;
    for (size_t i = 0; i < p->n_strengths; i++)
        if (strcmp(p->strengths[i]->ingredient, s->first->id) == 0 &&
            amount_in(&a, p->strengths[i]->per->unit, &x, NULL) == WARD_OK)
            return true;
    return false;
}

/* No count was given. The dose is still wrong if no number of units adds up to the dose. */
static enum ward_code unsaid(struct sum *s, const Product *p, struct ward_err *err)
{
    const Ward__Dosage__V1__Strength *per = counted(s, p);
    struct ward_decimal step;
    Quantity q;

    s->lacks = per == NULL ? "volume-not-given" : "units-not-given";
    if (per == NULL)
        return WARD_OK;
    q = step_of(p, per);
    WARD_TRY(of_product(s, p, &q, &step, err));
    if (is_multiple(&s->stated, &step))
        return WARD_OK;
    s->fails = "strength";
    q = step_of(p, per);
    return add(s, p, q.value, " x ", &step, err);
}

static enum ward_code add_one(struct sum *s, const Scanned *said, const Product *p,
                              struct ward_err *err)
{
    if (said->volume != NULL)
        return add_volume(s, p, said->volume, err);
    if (*said->units != '\0')
        return add_units(s, p, said->units, err);
    if (s->several && counted(s, p) != NULL)
        return add_units(s, p, "1", err);
    if (!states_product(s, p))
        return unsaid(s, p, err);
    return s->d->given->unit[0] == '{'
               ? add_units(s, p, s->d->given->value, err)
               : add(s, p, text_of(s->r, s->d->given), " of ", &s->stated, err);
}

static bool is_infusion(const Prescription *p)
{
    return dose_is_rate(p) && p->route != WARD__DOSAGE__V1__ROUTE__ROUTE_TD;
}

/* The reason why the product in hand does not prove the dose; NULL: the product may prove the
 * dose. */
static const char *unproved(const struct measured_dose *d)
{
    const struct hand *h = d->hand;

    if (h == NULL)
        return d->unproved;
    if (is_infusion(d->ordered))
        return "rate-of-pump";
    if (!h->by_scan)
        return *h->not_scanned != '\0' ? h->not_scanned : "unknown-product";
    if (strcmp(h->drug->id, d->ordered->drug_id) != 0)
        return "another-product";
    for (size_t i = 0; i < h->n_more; i++)
        if (h->more[i].product == NULL)
            return "unknown-product";
        else if (h->more[i].drug != h->drug)
            return "another-product";
    return NULL;
}

/* Whether the amounts are equal, or differ within the tolerance of measuring. */
static bool is_measured(const struct sum *s)
{
    const struct ward_decimal share = ward_decimal_of(VOLUME_SHARE, -2);
    struct ward_decimal off, most;
    int cmp = ward_decimal_cmp(&s->all, &s->stated);

    if (cmp == 0)
        return true;
    return ward_decimal_sub(cmp > 0 ? &s->all : &s->stated, cmp > 0 ? &s->stated : &s->all,
                            &off, NULL) == WARD_OK &&
           ward_decimal_mul(&s->stated, &share, &most, NULL) == WARD_OK &&
           ward_decimal_cmp(&off, &s->slack) <= 0 && ward_decimal_cmp(&off, &most) <= 0;
}

static enum ward_code comes_to(struct sum *s, struct ward_err *err)
{
    struct ward_decimal shown = s->all;
    Quantity *q = NULL;

    if (*s->says == '\0')
        return WARD_OK;
    if (ward_decimal_round(&shown, SHOWN_EXP, WARD_ROUND_HALF_UP, &shown, NULL, NULL) !=
        WARD_OK)
        return too_long(err);
    WARD_TRY(amount_print(&shown, s->unit, s->r->mem, &q, err));
    s->says = ward_printf(s->r->mem, "%s is %s; ", s->says, text_of(s->r, q));
    return s->says == NULL ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a right")
                           : WARD_OK;
}

/* ---- patches, which are rates ---- */

static bool times(const char *units, const struct ward_decimal *one, struct ward_decimal *out)
{
    struct ward_decimal n;

    return ward_decimal_parse(units, strlen(units), &n, NULL) == WARD_OK &&
           ward_decimal_mul(&n, one, out, NULL) == WARD_OK;
}

static enum ward_code add_patch(struct sum *s, const Scanned *said, const Product *p,
                                struct ward_err *err)
{
    const Ward__Dosage__V1__Strength *per = counted(s, p);
    const struct ward_decimal whole = ward_decimal_of(1, 0);
    const char *units = *said->units != '\0' ? said->units : s->several ? "1" : "";
    struct ward_decimal one, all, n;
    struct amount a;

    if (per == NULL) {
        s->lacks = "rate-of-pump";
        return WARD_OK;
    }
    WARD_TRY(amount_of(per->amount, &a, err));
    WARD_TRY(amount_in(&a, s->unit, &one, err));
    if (*units == '\0')
        s->lacks = "units-not-given";
    if (*units == '\0' && !is_multiple(&s->stated, &one))
        s->fails = "strength";
    if (*units == '\0' && s->fails == NULL)
        return WARD_OK;
    if (*units == '\0')
        units = "1";
    if (!times(units, &one, &all) || !times(units, &whole, &n))
        return too_long(err);
    if (!is_multiple(&n, &whole))
        s->fails = "whole-only";
    return add(s, p, units, " x ", &all, err);
}

static enum ward_code prove_patches(struct sum *s, struct ward_err *err)
{
    const struct hand *h = s->d->hand;
    struct amount stated;

    WARD_TRY(amount_of(s->d->given, &stated, err));
    s->stated = stated.value;
    s->unit = s->d->given->unit;
    WARD_TRY(add_patch(s, h->scanned, h->product, err));
    for (size_t i = 0; i < h->n_more; i++)
        WARD_TRY(add_patch(s, h->more[i].scanned, h->more[i].product, err));
    return WARD_OK;
}

/* ---- other forms ---- */

static enum ward_code prove_amounts(struct sum *s, struct ward_err *err)
{
    const struct measured_dose *d = s->d;

    WARD_TRY(amount_of_ingredient(d->rules, s->drug->id, d->product_id, d->given, s->first->id,
                                  &s->stated, err));
    s->unit = s->first->unit;
    WARD_TRY(add_one(s, d->hand->scanned, d->hand->product, err));
    for (size_t i = 0; i < d->hand->n_more; i++)
        WARD_TRY(add_one(s, d->hand->more[i].scanned, d->hand->more[i].product, err));
    return WARD_OK;
}

static enum ward_code prove(struct sum *s, struct ward_err *err)
{
    const struct measured_dose *d = s->d;

    s->says = "";
    s->lacks = unproved(d);
    if (s->lacks != NULL)
        return WARD_OK;
    s->drug = d->hand->drug;
    s->first = ruleset_ingredient(d->rules, s->drug->ingredients[0]);
    s->several = d->hand->n_more > 0;
    WARD_TRY(dose_is_rate(d->ordered) ? prove_patches(s, err) : prove_amounts(s, err));
    if (s->fails == NULL && s->lacks == NULL && !is_measured(s))
        s->fails = ward_decimal_cmp(&s->all, &s->stated) > 0 ? "scanned-more" : "scanned-less";
    return comes_to(s, err);
}

/* Prints the comparison, such as "4 mg of 10 mg" or "4 mg after 6 mg of 10 mg". */
static const char *compared_as(struct rights *r, const struct measured_dose *d)
{
    const char *given = text_of(r, d->given), *ordered = text_of(r, d->ordered->dose);
    const Drug *drug = ruleset_drug(d->rules, d->ordered->drug_id);
    const Ward__Dosage__V1__Ingredient *in =
        d->before == NULL ? NULL : ruleset_ingredient(d->rules, drug->ingredients[0]);
    char before[WARD_DECIMAL_SIZE];
    Quantity q = WARD__DOSAGE__V1__QUANTITY__INIT;

    if (in == NULL)
        return ward_printf(r->mem, "%s of %s", given, ordered);
    ward_decimal_print(d->before, before);
    q.value = before;
    q.unit = in->unit;
    return ward_printf(r->mem, "%s after %s of %s", given, text_of(r, &q), ordered);
}

enum ward_code dose_right(struct rights *r, const struct measured_dose *d, struct ward_err *err)
{
    struct sum s = {.d = d, .r = r, .says = ""};
    const char *wrong, *says = compared_as(r, d);
    int cmp = 0;

    if (says == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a right");
    WARD_TRY(compare(d, &cmp, err));
    wrong = differs(d, cmp);
    if (wrong == NULL)
        WARD_TRY(prove(&s, err));
    wrong = wrong != NULL ? wrong : s.fails;
    rights_say(r, RIGHT(DOSE),
               wrong != NULL     ? RESULT(FAIL)
               : s.lacks != NULL ? RESULT(NOT_CHECKED)
                                 : RESULT(PASS),
               wrong != NULL     ? wrong
               : s.lacks != NULL ? s.lacks
                                 : "",
               ward_printf(r->mem, "%s%s", s.says, says));
    return WARD_OK;
}
