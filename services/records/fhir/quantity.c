/* FHIR's invariants of quantities: comparators, units, ages, durations, ranges. */
#include "services/records/fhir/fhir_own.h"

#include "common/measure/ucum.h"

#include <string.h>

#define UCUM "http://unitsofmeasure.org"

typedef Ward__Records__V1__Quantity Quantity;

static enum ward_code unit(struct fhir_checking *k, const char *code, struct ward_ucum *out,
                           struct ward_err *err)
{
    size_t n = strlen(code);
    struct ward_err why = {0};

    if (ward_ucum_parse(code, n, out, &why) == WARD_OK)
        return WARD_OK;
    /* A valid unit may be too complex for exact conversion. */
    if (strcmp(why.reason, "UCUM_TOO_COMPLEX") == 0) {
        *out = (struct ward_ucum){.num = 1, .den = 1};
        return WARD_OK;
    }
    return FHIR_PART_FAIL(k, err, "code", "UNIT_INVALID", "is not a UCUM unit");
}

static bool is_comparator(const char *s)
{
    return strcmp(s, "<") == 0 || strcmp(s, "<=") == 0 || strcmp(s, ">=") == 0 ||
           strcmp(s, ">") == 0;
}

enum ward_code fhir_quantity(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    const Quantity *q = (const Quantity *)m;
    const char *code = text_of(q->code), *comparator = text_of(q->comparator);
    struct ward_ucum u;

    if (*comparator != '\0' && !is_comparator(comparator))
        return FHIR_PART_FAIL(k, err, "comparator", "CODE_UNKNOWN", "must be <, <=, >= or >");
    /* qty-3: if a code for the unit is present, the system is present. */
    if (*code != '\0' && *text_of(q->system) == '\0')
        return FHIR_PART_FAIL(k, err, "system", "FIELD_REQUIRED", "is required if code is set");
    if (*code != '\0' && strcmp(q->system, UCUM) == 0)
        WARD_TRY(unit(k, code, &u, err));
    return WARD_OK;
}

/* Checks the common part of age-1 and drt-1: a value requires a code, which is a UCUM unit of
 * time. */
static enum ward_code of_time(struct fhir_checking *k, const Quantity *q, struct ward_err *err)
{
    const char *code = text_of(q->code), *system = text_of(q->system);
    struct ward_ucum u, s;

    if (q->value != NULL && *code == '\0')
        return FHIR_PART_FAIL(k, err, "code", "FIELD_REQUIRED", "is required if value is set");
    if (*system != '\0' && strcmp(system, UCUM) != 0)
        return FHIR_PART_FAIL(k, err, "system", "FIELD_INVALID", "must be UCUM for a time");
    if (*code == '\0')
        return WARD_OK;
    WARD_TRY(unit(k, code, &u, err));
    WARD_TRY(ward_ucum_parse("s", 1, &s, err));
    if (ward_ucum_commensurable(&u, &s, NULL) != WARD_OK)
        return FHIR_PART_FAIL(k, err, "code", "UNIT_INVALID", "is not a unit of time");
    return WARD_OK;
}

/* drt-1 */
enum ward_code fhir_duration(struct fhir_checking *k, const char *part, const Quantity *q,
                             struct ward_err *err)
{
    size_t was;

    if (q == NULL)
        return WARD_OK;
    was = path_push(&k->path, part, -1);
    WARD_TRY(of_time(k, q, err));
    path_cut(&k->path, was);
    return WARD_OK;
}

/* age-1: a value is positive. */
enum ward_code fhir_age(struct fhir_checking *k, const char *part, const Quantity *q,
                        struct ward_err *err)
{
    struct ward_decimal d;
    size_t was;

    if (q == NULL)
        return WARD_OK;
    was = path_push(&k->path, part, -1);
    WARD_TRY(of_time(k, q, err));
    if (q->value != NULL) {
        WARD_TRY(ward_decimal_parse(q->value->value, strlen(q->value->value), &d, err));
        if (d.negative || ward_decimal_is_zero(&d))
            return FHIR_PART_FAIL(k, err, "value", "FIELD_INVALID", "must be above 0");
    }
    path_cut(&k->path, was);
    return WARD_OK;
}

static bool same_unit(const Quantity *a, const Quantity *b)
{
    return strcmp(text_of(a->code), text_of(b->code)) == 0 &&
           strcmp(text_of(a->system), text_of(b->system)) == 0 &&
           (*text_of(a->code) != '\0' || strcmp(text_of(a->unit), text_of(b->unit)) == 0);
}

/* rng-2: low <= high. Low and high are SimpleQuantity (sqt-1: no comparator). */
enum ward_code fhir_range(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    const Ward__Records__V1__Range *r = (const Ward__Records__V1__Range *)m;
    struct ward_decimal low, high;

    if (r->low != NULL && *text_of(r->low->comparator) != '\0')
        return FHIR_PART_FAIL(k, err, "low", "FIELD_INVALID", "has a comparator");
    if (r->high != NULL && *text_of(r->high->comparator) != '\0')
        return FHIR_PART_FAIL(k, err, "high", "FIELD_INVALID", "has a comparator");
    if (r->low == NULL || r->high == NULL || r->low->value == NULL || r->high->value == NULL ||
        !same_unit(r->low, r->high))
        return WARD_OK;
    WARD_TRY(ward_decimal_parse(r->low->value->value, strlen(r->low->value->value), &low, err));
    WARD_TRY(
        ward_decimal_parse(r->high->value->value, strlen(r->high->value->value), &high, err));
    if (ward_decimal_cmp(&low, &high) > 0)
        return FHIR_PART_FAIL(k, err, "low", "FIELD_INVALID", "is more than high");
    return WARD_OK;
}
