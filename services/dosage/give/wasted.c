/* Wasted amounts: a wasted amount is an amount of the drug, at most the opened amount that was
 * not given. */
#include "services/dosage/give/bedside.h"

#include <string.h>

struct amounts {
    const struct waste *w;
    const Drug *drug;
    const char *ingredient; /* the drug's first ingredient; all amounts are in its unit */
    struct ward_decimal wasted, opened;
};

static bool is_too_much(const struct ward_decimal *wasted, const struct ward_decimal *of)
{
    const struct ward_decimal most = ward_decimal_of(WASTED_MOST, 0);
    struct ward_decimal bound;

    return ward_decimal_mul(of, &most, &bound, NULL) == WARD_OK &&
           ward_decimal_cmp(wasted, &bound) > 0;
}

static bool amount_of_it(const struct amounts *a, const char *product, const Quantity *q,
                         struct ward_decimal *out)
{
    return amount_of_ingredient(a->w->rules, a->drug->id, product, q, a->ingredient, out,
                                NULL) == WARD_OK;
}

/* The number of opened units. A half tablet is from a whole opened tablet. */
static bool units_of(const struct waste *w, const Scanned *s, struct ward_decimal *out)
{
    *out = ward_decimal_of(1, 0);
    /* a barcode is one opened unit, unless the number of given units is missing */
    if (*s->units == '\0')
        return w->given == NULL || s->volume != NULL || w->n_scanned > 1;
    return ward_decimal_parse(s->units, strlen(s->units), out, NULL) == WARD_OK &&
           ward_decimal_round(out, 0, WARD_ROUND_UP, out, NULL, NULL) == WARD_OK;
}

/* The content of one unit of a product of the drug; NULL: the product is measured, or belongs
 * to another drug. */
static const Ward__Dosage__V1__Strength *counted(const struct amounts *a,
                                                 const char *product_id)
{
    const Drug *drug = NULL;
    const Product *p = ruleset_product(a->w->rules, product_id, &drug);

    if (p == NULL || strcmp(drug->id, a->drug->id) != 0)
        return NULL;
    for (size_t i = 0; i < p->n_strengths; i++)
        if (strcmp(p->strengths[i]->ingredient, a->ingredient) == 0 &&
            p->strengths[i]->per->unit[0] == '{')
            return p->strengths[i];
    return NULL;
}

/* The content of n units: n * amount / per. */
static bool holds(const struct amounts *a, const Scanned *s,
                  const Ward__Dosage__V1__Strength *of, const struct ward_decimal *n,
                  struct ward_decimal *out)
{
    struct ward_decimal all, per;

    return amount_of_it(a, s->product_id, of->amount, &all) &&
           ward_decimal_parse(of->per->value, strlen(of->per->value), &per, NULL) == WARD_OK &&
           ward_decimal_mul(n, &all, &all, NULL) == WARD_OK &&
           ward_decimal_div(&all, &per, out, NULL) == WARD_OK;
}

/* Sums the opened amounts. False: an opened amount is unknown. */
static bool opened_of(struct amounts *a)
{
    a->opened = ward_decimal_of(0, 0);
    for (size_t i = 0; i < a->w->n_scanned; i++) {
        const Scanned *s = a->w->scanned[i];
        const Ward__Dosage__V1__Strength *of = counted(a, s->product_id);
        struct ward_decimal n, amount;

        if (of == NULL || !units_of(a->w, s, &n) || !holds(a, s, of, &n, &amount) ||
            ward_decimal_add(&a->opened, &amount, &a->opened, NULL) != WARD_OK)
            return false;
    }
    return a->w->n_scanned > 0;
}

static bool is_beyond_what_was_opened(struct amounts *a)
{
    struct ward_decimal all = a->wasted, given;

    if (!opened_of(a))
        return false;
    if (a->w->given != NULL && (!amount_of_it(a, a->w->product_id, a->w->given, &given) ||
                                ward_decimal_add(&all, &given, &all, NULL) != WARD_OK))
        return false;
    return ward_decimal_cmp(&all, &a->opened) > 0;
}

enum ward_code wasted_check(const struct waste *w, struct ward_err *err)
{
    struct amounts a = {.w = w, .drug = ruleset_drug(w->rules, w->drug_id)};
    struct ward_decimal dose;

    if (w->wasted == NULL)
        return WARD_OK;
    if (a.drug == NULL || a.drug->n_ingredients == 0)
        return ward_err_about(
            err,
            WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_UNIT",
                             "the active rule set no longer has the dose's drug"),
            "wasted");
    a.ingredient = a.drug->ingredients[0];
    WARD_TRY(ward_err_about(err,
                            amount_of_ingredient(w->rules, w->drug_id, w->product_id, w->wasted,
                                                 a.ingredient, &a.wasted, err),
                            "wasted"));
    if (w->of != NULL && amount_of_it(&a, w->product_id, w->of, &dose) &&
        is_too_much(&a.wasted, &dose))
        return WARD_FAIL_FIELD(err, "wasted", "is more than %d times the dose", WASTED_MOST);
    if (is_beyond_what_was_opened(&a))
        return WARD_FAIL_FIELD(err, "wasted", "exceeds the scanned amount that was not given");
    return WARD_OK;
}
