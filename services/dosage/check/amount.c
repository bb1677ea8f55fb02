#include "services/dosage/check/set.h"
#include "services/dosage/check/shown.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS 20 /* maximum length of a Quantity's value */

bool decimal_mul(const struct ward_decimal *a, const struct ward_decimal *b,
                 struct ward_decimal *out)
{
    return ward_decimal_mul(a, b, out, NULL) == WARD_OK;
}

void unit_parse(const char *text, struct unit *out)
{
    *out = (struct unit){.text = text};
    out->good = *text != '\0' &&
                ward_ucum_parse(text, strlen(text), &out->ucum, NULL) == WARD_OK &&
                out->ucum.scale == 0 && out->ucum.offset.coef == 0;
}

static int by_text(const void *key, const void *unit)
{
    return strcmp(key, ((const struct unit *)unit)->text);
}

const struct unit *unit_of(const struct prepared *p, const char *text, struct unit *parsed)
{
    const struct unit *known = NULL;

    if (p != NULL && p->n_units > 0)
        known = bsearch(text, p->units, p->n_units, sizeof(*p->units), by_text);
    if (known != NULL)
        return known;
    unit_parse(text, parsed);
    return parsed;
}

/* Accepts digits with at most one point, without sign and exponent, so that a number is
 * unambiguous. */
static bool plain(const char *s)
{
    size_t digits = 0, points = 0;

    for (; *s != '\0'; s++) {
        digits += *s >= '0' && *s <= '9';
        points += *s == '.';
        if (*s != '.' && (*s < '0' || *s > '9'))
            return false;
    }
    return digits > 0 && digits <= DIGITS && points <= 1;
}

static enum ward_code value_of(const Ward__Dosage__V1__Quantity *q, struct ward_decimal *out,
                               struct ward_err *err)
{
    if (q == NULL || q->value == NULL || !plain(q->value) ||
        ward_decimal_parse(q->value, strlen(q->value), out, NULL) != WARD_OK || out->coef == 0)
        return WARD_FAIL_REASON(
            err, INVALID_ARGUMENT, "DOSE_VALUE",
            "an amount must be a decimal above 0 with at most %d digits, as text", DIGITS);
    return WARD_OK;
}

static enum ward_code bad_unit(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_UNIT",
                            "the unit is not a UCUM code, or does not measure this drug");
}

enum ward_code amount_from(const struct prepared *p, const Ward__Dosage__V1__Quantity *q,
                           struct amount *out, struct ward_err *err)
{
    struct amount a = {0};
    const struct unit *known;
    struct unit u;

    WARD_TRY(value_of(q, &a.value, err));
    known = unit_of(p, q->unit, &u);
    if (!known->good)
        return bad_unit(err);
    a.unit = known->ucum;
    a.text = q->unit;
    *out = a;
    return WARD_OK;
}

enum ward_code amount_of(const Ward__Dosage__V1__Quantity *q, struct amount *out,
                         struct ward_err *err)
{
    return amount_from(NULL, q, out, err);
}

/* The next annotation of a unit, such as "{tablet}"; NULL: there is no further annotation. */
static const char *annotation(const char *s, size_t *n)
{
    const char *from = strchr(s, '{'), *to = from == NULL ? NULL : strchr(from, '}');

    if (to == NULL)
        return NULL;
    *n = (size_t)(to - from) + 1;
    return from;
}

static bool same_annotations(const char *a, const char *b)
{
    size_t n = 0, m = 0;

    for (;;) {
        a = annotation(a, &n);
        b = annotation(b, &m);
        if (a == NULL || b == NULL)
            return a == b;
        if (n != m || memcmp(a, b, n) != 0)
            return false;
        a += n;
        b += m;
    }
}

bool amount_to(const struct amount *a, const struct unit *to, struct ward_decimal *out)
{
    if (!to->good)
        return false;
    if (strcmp(a->text, to->text) == 0) {
        *out = a->value;
        return true;
    }
    return same_annotations(a->text, to->text) &&
           ward_ucum_convert(&a->value, &a->unit, &to->ucum, out, NULL) == WARD_OK;
}

enum ward_code amount_in(const struct amount *a, const char *unit, struct ward_decimal *out,
                         struct ward_err *err)
{
    struct unit to;

    unit_parse(unit, &to);
    return amount_to(a, &to, out) ? WARD_OK : bad_unit(err);
}

static const struct strength *strength_of(const struct product *product, int ingredient)
{
    for (size_t i = 0; i < product->msg->n_strengths; i++)
        if (product->strengths[i].ingredient == ingredient && product->strengths[i].good)
            return &product->strengths[i];
    return NULL;
}

/* Computes x * amount / per, if the result is exact. */
static bool by_strength(const struct ward_decimal *x, const struct strength *s,
                        struct ward_decimal *out)
{
    struct ward_decimal all;

    return decimal_mul(x, &s->amount, &all) &&
           ward_decimal_div(&all, &s->per, out, NULL) == WARD_OK;
}

/* Converts x of the first ingredient to the k-th ingredient of this product. A dose contains
 * both ingredients in the ratio of their strengths. */
static bool by_ratio(const struct drug *d, const struct product *product,
                     const struct ward_decimal *x, size_t k, struct ward_decimal *out)
{
    const struct strength *from = strength_of(product, d->ingredients[0]);
    const struct strength *to = strength_of(product, d->ingredients[k]);
    struct ward_decimal above, below, per;
    struct amount a;

    if (from == NULL || to == NULL || from->rate != to->rate)
        return false;
    a = (struct amount){from->per, from->unit.ucum, from->unit.text};
    return amount_to(&a, &to->unit, &per) && decimal_mul(x, &to->amount, &above) &&
           decimal_mul(&above, &per, &above) && decimal_mul(&from->amount, &to->per, &below) &&
           ward_decimal_div(&above, &below, out, NULL) == WARD_OK;
}

bool amount_share(const struct prepared *p, const struct drug *d, const struct product *product,
                  const struct ward_decimal *x, size_t k, struct ward_decimal *out)
{
    struct ward_decimal first, next;

    (void)p;
    if (k == 0) {
        *out = *x;
        return true;
    }
    if (product != NULL)
        return by_ratio(d, product, x, k, out);
    /* Any product may be given, so all products must have the same ratio. */
    if (d->msg->n_products == 0 || !by_ratio(d, &d->products[0], x, k, &first))
        return false;
    for (size_t i = 1; i < d->msg->n_products; i++)
        if (!by_ratio(d, &d->products[i], x, k, &next) || ward_decimal_cmp(&first, &next) != 0)
            return false;
    *out = first;
    return true;
}

/* Converts a dose to the unit of an ingredient. The ingredient's equivalents convert units that
 * UCUM does not convert. */
static bool to_ingredient(const struct ingredient *i, const struct amount *dose,
                          struct ward_decimal *out)
{
    struct ward_decimal x;

    if (amount_to(dose, &i->unit, out))
        return true;
    for (size_t k = 0; k < i->n_equivalents; k++) {
        const struct equivalent *e = &i->equivalents[k];

        if (e->good && amount_to(dose, &e->unit, &x))
            return decimal_mul(&x, &e->is, &x) &&
                   ward_decimal_div(&x, &e->amount, out, NULL) == WARD_OK;
    }
    return false;
}

/* Converts a rate to the unit of an ingredient per day. *per: the denominator. */
static bool to_ingredient_day(const struct ingredient *i, const struct amount *rate,
                              enum limit_per *per, struct ward_decimal *out)
{
    struct ward_decimal x;

    for (size_t k = 0; k < i->n_equivalents; k++) {
        const struct equivalent *e = &i->equivalents[k];
        bool kg = strstr(rate->text, "kg") != NULL;

        if (!e->good || !amount_to(rate, kg ? &e->kg_day : &e->day, &x))
            continue;
        *per = kg ? PER_KG : PER_NOTHING;
        return decimal_mul(&x, &e->is, &x) &&
               ward_decimal_div(&x, &e->amount, out, NULL) == WARD_OK;
    }
    return false;
}

bool amount_dose(const struct prepared *p, const struct drug *d, const struct product *product,
                 const struct amount *dose, size_t k, struct ward_decimal *out)
{
    const struct strength *s = product == NULL ? NULL : strength_of(product, d->ingredients[k]);
    struct ward_decimal x;

    if (to_ingredient(&p->ingredients[d->ingredients[0]], dose, &x))
        return amount_share(p, d, product, &x, k, out);
    return s != NULL && !s->rate && amount_to(dose, &s->unit, &x) && by_strength(&x, s, out);
}

bool amount_rate(const struct prepared *p, const struct drug *d, const struct product *product,
                 const struct amount *dose, size_t k, const struct ward_decimal *kg,
                 const struct ward_decimal *m2, enum limit_per *per, struct ward_decimal *out)
{
    const struct ingredient *first = &p->ingredients[d->ingredients[0]];
    const struct strength *s = product == NULL ? NULL : strength_of(product, d->ingredients[k]);
    struct ward_decimal x;

    *per = PER_NOTHING;
    if (amount_to(dose, &first->day, &x))
        return amount_share(p, d, product, &x, k, out);
    if (s != NULL && amount_to(dose, s->rate ? &s->unit : &s->unit_day, &x))
        return by_strength(&x, s, out);
    if (to_ingredient_day(first, dose, per, &x))
        return (*per != PER_KG || (kg != NULL && decimal_mul(&x, kg, &x))) &&
               amount_share(p, d, product, &x, k, out);
    /* In UCUM mg/kg is dimensionless. A unit without "kg" is therefore not a rate per kg. */
    if (strstr(dose->text, "kg") != NULL && amount_to(dose, &first->kg_day, &x)) {
        *per = PER_KG;
        return kg != NULL && decimal_mul(&x, kg, &x) && amount_share(p, d, product, &x, k, out);
    }
    if (amount_to(dose, &first->m2_day, &x)) {
        *per = PER_M2;
        return m2 != NULL && decimal_mul(&x, m2, &x) && amount_share(p, d, product, &x, k, out);
    }
    return false;
}

enum ward_code amount_of_ingredient(const struct ruleset *rules, const char *drug_id,
                                    const char *product_id,
                                    const Ward__Dosage__V1__Quantity *dose,
                                    const char *ingredient, struct ward_decimal *out,
                                    struct ward_err *err)
{
    const struct prepared *p = ruleset_prepared(rules);
    const struct drug *d = set_drug(p, drug_id);
    const struct product *product = d == NULL ? NULL : set_product(d, product_id);
    int of = set_ingredient(p, ingredient);
    struct amount a;

    WARD_TRY(amount_from(p, dose, &a, err));
    if (d == NULL || of < 0 || (*product_id != '\0' && product == NULL))
        return bad_unit(err);
    for (size_t k = 0; k < d->n_ingredients; k++)
        if (d->ingredients[k] == of)
            return amount_dose(p, d, product, &a, k, out) ? WARD_OK : bad_unit(err);
    return bad_unit(err);
}

bool dose_is_rate(const Ward__Dosage__V1__Prescription *p)
{
    const char *unit = p->dose == NULL ? "" : p->dose->unit;
    size_t n = strlen(unit);

    if (p->timing != NULL && p->timing->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_CONTINUOUS)
        return true;
    return p->route == WARD__DOSAGE__V1__ROUTE__ROUTE_TD && n > 2 &&
           strcmp(unit + n - 2, "/h") == 0;
}

char *amount_shown(const Ward__Dosage__V1__Quantity *q, struct ward_arena *mem)
{
    struct ward_decimal v;
    Ward__Dosage__V1__Quantity *plain = NULL;
    char *marked;

    if (ward_decimal_parse(q->value, strlen(q->value), &v, NULL) != WARD_OK ||
        amount_print(&v, q->unit, mem, &plain, NULL) != WARD_OK)
        return ward_printf(mem, "%s %s", q->value, q->unit);
    marked = ward_printf(mem, "%c%s %s%c", SHOWN_FROM, plain->value, plain->unit, SHOWN_TO);
    return marked == NULL ? NULL : shown(mem, marked, false);
}

enum ward_code amount_print(const struct ward_decimal *value, const char *unit,
                            struct ward_arena *mem, Ward__Dosage__V1__Quantity **out,
                            struct ward_err *err)
{
    struct ward_decimal v = ward_decimal_canonical(value);
    Ward__Dosage__V1__Quantity *q = ward_new(mem, Ward__Dosage__V1__Quantity);
    char text[WARD_DECIMAL_SIZE];

    for (; v.exp > 0 && v.coef <= UINT64_MAX; v.exp--) /* "4000", not "4e+3" */
        v.coef *= 10;
    ward_decimal_print(&v, text);
    if (q == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an amount");
    ward__dosage__v1__quantity__init(q);
    q->value = ward_strdup(mem, text);
    q->unit = ward_strdup(mem, unit);
    if (q->value == NULL || q->unit == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an amount");
    *out = q;
    return WARD_OK;
}
