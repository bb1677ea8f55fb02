#include "common/base/text.h"
#include "services/dosage/track/track.h"

#include <string.h>

/* A supply may be negative (returned); an amount of a drug may not. The sign is therefore
 * removed. */
static enum ward_code without_sign(const Quantity *given, Quantity *out, bool *negative,
                                   struct ward_err *err)
{
    if (given == NULL)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_VALUE", "the amount is missing");
    *out = *given;
    *negative = *given->value == '-';
    if (*negative)
        out->value = given->value + 1;
    return WARD_OK;
}

static bool same_unit(const Quantity *a, const Quantity *b)
{
    return strcmp(a->unit, b->unit) == 0;
}

/* Converts an amount to the unit of the dose, by the content of the first ingredient. Fails if
 * the conversion is not exact. */
static enum ward_code by_strength(const struct ruleset *rules,
                                  const Ward__Dosage__V1__Prescription *p,
                                  const char *product_id, const Quantity *given,
                                  const struct ward_decimal *dose, struct ward_decimal *out,
                                  struct ward_err *err)
{
    const Ward__Dosage__V1__Drug *drug = ruleset_drug(rules, p->drug_id);
    struct ward_decimal all, one;

    if (drug == NULL || drug->n_ingredients == 0)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_UNIT",
                                "the active rule set cannot convert this drug's amounts");
    WARD_TRY(amount_of_ingredient(rules, p->drug_id, product_id, given, drug->ingredients[0],
                                  &all, err));
    WARD_TRY(amount_of_ingredient(rules, p->drug_id, product_id, p->dose, drug->ingredients[0],
                                  &one, err));
    WARD_TRY(ward_decimal_mul(&all, dose, &all, err));
    if (ward_decimal_div(&all, &one, out, err) != WARD_OK)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_UNIT",
                                "the amount does not convert exactly to the dose's unit");
    return WARD_OK;
}

enum ward_code stock_amount(const struct ruleset *rules,
                            const Ward__Dosage__V1__Prescription *p, const char *product_id,
                            const Quantity *given, struct ward_decimal *out,
                            struct ward_err *err)
{
    Quantity plain = WARD__DOSAGE__V1__QUANTITY__INIT;
    struct amount amount, dose;
    struct ward_decimal value;
    bool negative;

    WARD_TRY(without_sign(given, &plain, &negative, err));
    WARD_TRY(amount_of(&plain, &amount, err));
    WARD_TRY(amount_of(p->dose, &dose, err));
    value = amount.value;
    if (!same_unit(&plain, p->dose))
        WARD_TRY(by_strength(rules, p, *product_id == '\0' ? p->product_id : product_id, &plain,
                             &dose.value, &value, err));
    value.negative = negative;
    *out = value;
    return WARD_OK;
}

int32_t stock_doses(const struct ward_decimal *left, const struct ward_decimal *dose)
{
    const struct ward_decimal most = ward_decimal_of(INT32_MAX, 0);
    struct ward_err err = {0};
    struct ward_decimal whole;
    char text[WARD_DECIMAL_SIZE];
    int64_t n;

    if (left->negative || ward_decimal_is_zero(left) || ward_decimal_is_zero(dose))
        return 0;
    if (ward_decimal_div_round(left, dose, 0, WARD_ROUND_DOWN, &whole, NULL, &err) != WARD_OK ||
        ward_decimal_cmp(&whole, &most) > 0)
        return INT32_MAX;
    ward_decimal_print(&whole, text);
    return ward_i64(text, 0, INT32_MAX, &n) ? (int32_t)n : INT32_MAX;
}
