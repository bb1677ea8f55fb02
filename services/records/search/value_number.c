/* Reads a requested quantity: "ge5.4|http://unitsofmeasure.org|mg/dL", "5.4||mg/dL". Source:
 * HL7 FHIR R4, 3.1.1.4.6 number, 3.1.1.4.11 quantity. */
#include "common/measure/ucum.h"
#include "services/records/search/search_own.h"

#include <math.h>
#include <string.h>

#define UCUM     "http://unitsofmeasure.org"
#define UNIT_MAX 32 /* maximum bytes of resource.unit */
/* Tolerance, because the index has values rounded to a double, possibly after a conversion of
 * the unit. */
#define ROUNDING 1e-12

struct number {
    const char *system, *code;
    struct ward_decimal x;
};

static enum ward_code split(const struct search_reader *r, const struct filter *f,
                            const char *text, struct number *out)
{
    const char *rest, *unit;
    char *x = search_piece(r->mem, text, &rest);

    if (x == NULL)
        return search_no_memory(r);
    if (ward_decimal_parse(x, strlen(x), &out->x, NULL) != WARD_OK)
        return search_bad(r, f, "is not a number");
    if (rest == NULL)
        return search_bad(r, f, "needs a unit: \"5.4||mg/dL\"");
    out->system = search_piece(r->mem, rest, &unit);
    out->code = unit == NULL ? "" : search_piece(r->mem, unit, &rest);
    if (out->system == NULL || out->code == NULL)
        return search_no_memory(r);
    if (*out->code == '\0' || (*out->system != '\0' && strcmp(out->system, UCUM) != 0))
        return search_bad(r, f, "needs a UCUM unit: \"5.4||mg/dL\"");
    return WARD_OK;
}

/* Reads the unit. Common notations are accepted unless the request names UCUM. */
static enum ward_code unit_of(const struct search_reader *r, const struct filter *f,
                              const struct number *n, struct ward_ucum *u, struct value *out)
{
    char code[WARD_UCUM_SIZE], *canonical = ward_alloc(r->mem, WARD_UCUM_SIZE);
    const char *given = n->code;

    if (canonical == NULL)
        return search_no_memory(r);
    if (*n->system == '\0' && ward_ucum_doubtful(given, strlen(given)))
        return search_bad(r, f, "has an ambiguous unit: add the UCUM system");
    if (*n->system == '\0' &&
        ward_ucum_normalise(given, strlen(given), code, NULL, NULL) == WARD_OK)
        given = code;
    if (ward_ucum_parse(given, strlen(given), u, NULL) != WARD_OK ||
        ward_ucum_canonical(u, canonical) > UNIT_MAX)
        return search_bad(r, f, "has a unit that UCUM does not know");
    out->unit = canonical;
    return WARD_OK;
}

/* Computes the interval [low, high) of a requested value: +/- half of the last digit, or +/- a
 * tenth for PRE_AP. */
static bool span(const struct number *n, enum prefix prefix, const struct ward_ucum *u,
                 struct value *out)
{
    struct ward_decimal low, high;
    enum ward_code code;

    if (prefix == PRE_AP) {
        struct ward_decimal less = ward_decimal_of(9, -1), more = ward_decimal_of(11, -1);

        code = ward_decimal_mul(&n->x, &less, &low, NULL);
        if (code == WARD_OK)
            code = ward_decimal_mul(&n->x, &more, &high, NULL);
    } else {
        code = ward_decimal_span(&n->x, &low, &high, NULL);
    }
    if (code != WARD_OK)
        return false;
    out->low = ward_ucum_to_canonical(&low, u);
    out->high = ward_ucum_to_canonical(&high, u);
    if (out->low > out->high) {
        double other = out->low;

        out->low = out->high;
        out->high = other;
    }
    return true;
}

enum ward_code value_quantity(const struct search_reader *r, const struct filter *f,
                              const char *text, struct value *out)
{
    struct number n = {.system = "", .code = ""};
    struct ward_ucum u;

    WARD_TRY(split(r, f, search_prefix(text, &out->prefix), &n));
    WARD_TRY(unit_of(r, f, &n, &u, out));
    out->number = ward_ucum_to_canonical(&n.x, &u);
    if (!span(&n, out->prefix, &u, out) || !isfinite(out->number) || !isfinite(out->low) ||
        !isfinite(out->high))
        return search_bad(r, f, "is a number with too many digits");
    out->eps = fabs(out->number) * ROUNDING;
    return WARD_OK;
}
