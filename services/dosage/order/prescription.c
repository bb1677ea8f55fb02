#include "services/dosage/order/prescription.h"

#include "services/dosage/schedule/timing.h"

#include <string.h>

typedef Ward__Dosage__V1__Prescription Prescription;
typedef Ward__Dosage__V1__Quantity Quantity;
typedef Ward__Dosage__V1__Coding Coding;

#define INSTRUCTIONS     20
#define WORD             64
#define SYSTEM           256
#define DISPLAY          256
#define DOSES_A_DAY      96
#define INTERVAL_MINUTES (7 * 24 * 60)
#define LAST_US          INT64_C(253402300800000000) /* 10000-01-01 */

/* ---- parts ---- */

static enum ward_code word(const char *s, const char *field, bool needed, struct ward_err *err)
{
    if (*s == '\0' && !needed)
        return WARD_OK;
    return rule_is_word(s)
               ? WARD_OK
               : WARD_FAIL_FIELD(err, field, "must be 1 to %d of a-z, 0-9 and \"-\"", WORD);
}

static enum ward_code coding(const Coding *c, const char *field, struct ward_err *err)
{
    if (*c->code == '\0' || strlen(c->code) > WORD)
        return WARD_FAIL_FIELD(err, field, "needs a code of 1 to %d bytes", WORD);
    if (strlen(c->system) > SYSTEM || strlen(c->display) > DISPLAY)
        return WARD_FAIL_FIELD(err, field, "has a system or display of more than %d bytes",
                               SYSTEM);
    return WARD_OK;
}

static enum ward_code above_zero(const Quantity *q, struct ward_err *err)
{
    struct amount a;

    if (q == NULL)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_UNIT", "an amount is missing");
    WARD_TRY(amount_of(q, &a, err));
    if (a.value.negative || ward_decimal_is_zero(&a.value))
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_VALUE",
                                "an amount is not above 0");
    return WARD_OK;
}

static enum ward_code route(const Prescription *p, struct ward_err *err)
{
    if (p->route == WARD__DOSAGE__V1__ROUTE__ROUTE_UNSPECIFIED ||
        protobuf_c_enum_descriptor_get_value(&ward__dosage__v1__route__descriptor,
                                             (int)p->route) == NULL)
        return WARD_FAIL_FIELD(err, "prescription.route", "is no route");
    return WARD_OK;
}

/* ---- when ---- */

bool prescription_over(const Prescription *p, int64_t at_us)
{
    return p->ends_at_us != 0 && p->ends_at_us <= at_us;
}

static enum ward_code span(const Prescription *p, int64_t at_us, struct ward_err *err)
{
    if (p->starts_at_us < 0 || p->starts_at_us >= LAST_US)
        return WARD_FAIL_FIELD(err, "prescription.starts_at_us", "is no time");
    if (p->ends_at_us < 0 || p->ends_at_us >= LAST_US)
        return WARD_FAIL_FIELD(err, "prescription.ends_at_us", "is no time");
    if (p->ends_at_us != 0 && p->ends_at_us <= p->starts_at_us)
        return WARD_FAIL_FIELD(err, "prescription.ends_at_us", "must be after it starts");
    if (prescription_over(p, at_us))
        return WARD_FAIL_FIELD(err, "prescription.ends_at_us", "is past");
    return WARD_OK;
}

static enum ward_code as_needed(const Prescription *p, struct ward_err *err)
{
    const Ward__Dosage__V1__AsNeeded *a = p->as_needed;
    bool wanted = p->timing->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_AS_NEEDED;

    if (wanted != (a != NULL))
        return WARD_FAIL_FIELD(err, "prescription.as_needed",
                               wanted ? "is needed with AS_NEEDED"
                                      : "goes with AS_NEEDED only");
    if (a == NULL)
        return WARD_OK;
    if (a->reason == NULL)
        return WARD_FAIL_FIELD(err, "prescription.as_needed.reason", "is missing");
    WARD_TRY(coding(a->reason, "prescription.as_needed.reason", err));
    if (a->max_doses_per_24h < 1 || a->max_doses_per_24h > DOSES_A_DAY)
        return WARD_FAIL_FIELD(err, "prescription.as_needed.max_doses_per_24h",
                               "must be 1 to %d", DOSES_A_DAY);
    if (a->min_interval_minutes < 0 || a->min_interval_minutes > INTERVAL_MINUTES)
        return WARD_FAIL_FIELD(err, "prescription.as_needed.min_interval_minutes",
                               "must be 0 to %d", INTERVAL_MINUTES);
    return WARD_OK;
}

/* ---- the rest ---- */

static enum ward_code calculated(const Ward__Dosage__V1__CalculatedFrom *f,
                                 struct ward_err *err)
{
    if (f == NULL)
        return WARD_OK;
    if (f->per == NULL)
        return WARD_FAIL_FIELD(err, "prescription.calculated_from.per", "is missing");
    if ((f->weight == NULL) == (f->bsa == NULL))
        return WARD_FAIL_FIELD(err, "prescription.calculated_from",
                               "needs a weight or a body surface, and not both");
    WARD_TRY(above_zero(f->per, err));
    return above_zero(f->weight == NULL ? f->bsa : f->weight, err);
}

static enum ward_code instructions(const Prescription *p, struct ward_err *err)
{
    static const char ALLOWED[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";

    if (p->n_instructions > INSTRUCTIONS)
        return WARD_FAIL_FIELD(err, "prescription.instructions", "are more than %d",
                               INSTRUCTIONS);
    for (size_t i = 0; i < p->n_instructions; i++) {
        const char *s = p->instructions[i];
        size_t n = strlen(s);

        if (n == 0 || n > WORD || strspn(s, ALLOWED) != n)
            return WARD_FAIL_FIELD(err, "prescription.instructions",
                                   "must each be 1 to %d of a-z, A-Z, 0-9 and \"-\"", WORD);
    }
    return WARD_OK;
}

enum ward_code prescription_valid(const Prescription *p, int64_t at_us, struct ward_err *err)
{
    if (p == NULL)
        return WARD_FAIL_FIELD(err, "prescription", "is missing");
    WARD_TRY(word(p->drug_id, "prescription.drug_id", true, err));
    WARD_TRY(word(p->product_id, "prescription.product_id", false, err));
    WARD_TRY(above_zero(p->dose, err));
    WARD_TRY(route(p, err));
    if (p->timing == NULL)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "TIMING_INVALID",
                                "the prescription has no timing");
    WARD_TRY(span(p, at_us, err));
    WARD_TRY(timing_check(p, err));
    WARD_TRY(as_needed(p, err));
    if (p->indication != NULL)
        WARD_TRY(coding(p->indication, "prescription.indication", err));
    WARD_TRY(calculated(p->calculated_from, err));
    return instructions(p, err);
}
