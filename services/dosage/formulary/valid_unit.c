/* Units of limits. A limit per kg is an amount per kg ("mg/kg"). A limit of an infusion is an
 * amount per time ("mg/h", "ug/kg/min"). A limit of a concentration is an amount per volume
 * ("mg/mL"). To UCUM, mg/kg is dimensionless, and {tablet} equals {puff}. Texts are therefore
 * compared, too. */
#include "services/dosage/formulary/valid.h"

#include <string.h>

bool valid_unit(struct valid *v, const struct place *at, const char *unit)
{
    struct ward_ucum u;

    if (*unit == '\0' || ward_ucum_parse(unit, strlen(unit), &u, NULL) != WARD_OK)
        return wrong(v, at, "is not a UCUM unit");
    if (u.scale != 0 || !ward_decimal_is_zero(&u.offset))
        return wrong(v, at, "is not a unit of an amount");
    return true;
}

/* Removes a suffix from a text of n bytes. */
static bool cut(const char *s, size_t *n, const char *ending)
{
    size_t e = strlen(ending);

    if (*n <= e || memcmp(s + *n - e, ending, e) != 0)
        return false;
    *n -= e;
    return true;
}

static bool cut_time(const char *s, size_t *n)
{
    return cut(s, n, "/min") || cut(s, n, "/h") || cut(s, n, "/d") || cut(s, n, "/s");
}

bool valid_is_rate(const char *unit)
{
    size_t n = strlen(unit);

    return cut_time(unit, &n);
}

/* Bytes of the unit before the denominator; 0: the denominator is missing. */
static size_t amount_part(const char *unit, enum over over)
{
    size_t n = strlen(unit);
    bool good = true;

    if (over == OVER_TIME || over == OVER_KG_TIME)
        good = cut_time(unit, &n);
    if (over == OVER_KG || over == OVER_KG_TIME)
        good = good && cut(unit, &n, "/kg");
    if (over == OVER_M2)
        good = cut(unit, &n, "/m2");
    if (over == OVER_VOLUME)
        good = cut(unit, &n, "/mL") || cut(unit, &n, "/L");
    return good && memchr(unit, '/', n) == NULL ? n : 0;
}

static const char *example(enum over over)
{
    static const char *const EXAMPLES[] = {
        [OVER_NOTHING] = "mg", [OVER_KG] = "mg/kg",        [OVER_M2] = "mg/m2",
        [OVER_TIME] = "mg/h",  [OVER_KG_TIME] = "mg/kg/h", [OVER_VOLUME] = "mg/mL",
    };

    return EXAMPLES[over];
}

static bool same_unit(const char *unit, size_t n, const char *other)
{
    return strlen(other) == n && memcmp(unit, other, n) == 0;
}

bool valid_amount(struct valid *v, const struct place *at, const Quantity *q,
                  const Ingredient *in, enum over over, struct ward_decimal *in_unit)
{
    struct ward_ucum from, to;
    struct ward_decimal d, converted;
    size_t n;

    if (q == NULL)
        return true;
    if (!valid_decimal(v, PLACE(at, "value"), q->value, &d))
        return false;
    n = amount_part(q->unit, over);
    if (n == 0)
        return wrong(v, PLACE(at, "unit"), "must be a unit such as \"%s\"", example(over));
    if (ward_ucum_parse(q->unit, n, &from, NULL) != WARD_OK)
        return wrong(v, PLACE(at, "unit"), "is not a UCUM unit");
    if (ward_ucum_parse(in->unit, strlen(in->unit), &to, NULL) != WARD_OK)
        return false; /* the ingredient's check reports the invalid unit */
    /* UCUM ignores annotations, but people count {tablet} and {puff} separately. */
    if ((strchr(in->unit, '{') != NULL || memchr(q->unit, '{', n) != NULL) &&
        !same_unit(q->unit, n, in->unit))
        return wrong(v, PLACE(at, "unit"), "does not convert to the ingredient's unit, %.32s",
                     in->unit);
    if (ward_ucum_commensurable(&from, &to, NULL) != WARD_OK ||
        ward_ucum_convert(&d, &from, &to, &converted, NULL) != WARD_OK)
        return wrong(v, PLACE(at, "unit"), "does not convert to the ingredient's unit, %.32s",
                     in->unit);
    if (in_unit != NULL)
        *in_unit = converted;
    return true;
}
