#include "services/dosage/order/prescription.h"

#include "services/dosage/schedule/timing.h"

#include <string.h>

typedef Ward__Dosage__V1__Prescription Prescription;
typedef Ward__Dosage__V1__Quantity Quantity;
typedef Ward__Dosage__V1__Coding Coding;

#define INSTRUCTIONS 20
#define WORD         64
#define MINUTE_US    INT64_C(60000000)
#define DAY_MINUTES  1440
#define DAY_US       (DAY_MINUTES * MINUTE_US)
#define NAME         256 /* bytes of a code's system, and bytes of its display */

/* ---- parts ---- */

static enum ward_code word(const char *s, const char *field, bool needed, struct ward_err *err)
{
    if (*s == '\0' && !needed)
        return WARD_OK;
    return rule_is_word(s)
               ? WARD_OK
               : WARD_FAIL_FIELD(err, field, "must be 1 to %d characters of a-z, 0-9 and \"-\"",
                                 WORD);
}

static enum ward_code coding(const Coding *c, const char *field, struct ward_err *err)
{
    if (*c->code == '\0' || strlen(c->code) > WORD)
        return WARD_FAIL_FIELD(err, field, "needs a code of 1 to %d bytes", WORD);
    if (strlen(c->system) > NAME || strlen(c->display) > NAME)
        return WARD_FAIL_FIELD(err, field, "has a system or display of more than %d bytes",
                               NAME);
    return WARD_OK;
}

static enum ward_code amount(const Quantity *q, const char *field, struct ward_err *err)
{
    enum ward_code code;
    struct amount a;

    code = q == NULL
               ? WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_UNIT", "%s is missing", field)
               : amount_of(q, &a, err);
    return ward_err_about(err, code, field);
}

/* ---- units in use on wards ---- */

/* UCUM can express unintended units: "Mg" is a megagram, "10*3.ug" a milligram. Source:
 * Institute for Safe Medication Practices, List of Error-Prone Abbreviations, Symbols, and Dose
 * Designations (2021). Small units are accepted only in rates, such as ng/kg/min of
 * epoprostenol and m[IU]/min of oxytocin. */
static const char *const AMOUNTS[] = {"g",     "mg",   "ug",   "mL",   "L",     "mmol",
                                      "meq",   "umol", "[IU]", "[iU]", "k[IU]", "M[IU]",
                                      "[drp]", "MBq",  "GBq",  "mCi"};
static const char *const RATES[] = {"ng", "m[IU]"};

static bool is_one_of(const char *const *list, size_t count, const char *s, size_t n)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i]) == n && memcmp(list[i], s, n) == 0)
            return true;
    return false;
}

/* Accepts a counted unit, such as "{tablet}". */
static bool is_count(const char *s, size_t n)
{
    return n > 2 && s[0] == '{' && memchr(s, '}', n) == s + n - 1;
}

static bool is_over(const char *s)
{
    static const char *const OVER[] = {"/h",    "/min",  "/d",      "/kg/h", "/kg/min",
                                       "/kg/d", "/m2/h", "/m2/min", "/m2/d"};

    return is_one_of(OVER, WARD_COUNT(OVER), s, strlen(s));
}

static enum ward_code dose_unit(const Prescription *p, struct ward_err *err)
{
    const char *unit = p->dose->unit;
    size_t n = strcspn(unit, "/");
    bool rate = dose_is_rate(p);

    if ((is_one_of(AMOUNTS, WARD_COUNT(AMOUNTS), unit, n) || is_count(unit, n) ||
         (rate && is_one_of(RATES, WARD_COUNT(RATES), unit, n))) &&
        (rate ? is_over(unit + n) : unit[n] == '\0'))
        return WARD_OK;
    return ward_err_about(err,
                          WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_UNIT",
                                           "this unit is not allowed for %s: use mg, ug, g, "
                                           "mL, mmol, meq, [IU] or a count such as {tablet}%s",
                                           rate ? "a rate" : "a dose",
                                           rate ? ", over h, min or kg/min" : ""),
                          "prescription.dose.unit");
}

static enum ward_code route(const Prescription *p, struct ward_err *err)
{
    if (p->route == WARD__DOSAGE__V1__ROUTE__ROUTE_UNSPECIFIED ||
        protobuf_c_enum_descriptor_get_value(&ward__dosage__v1__route__descriptor,
                                             (int)p->route) == NULL)
        return WARD_FAIL_FIELD(err, "prescription.route", "is not a route");
    return WARD_OK;
}

/* ---- times ---- */

bool prescription_over(const Prescription *p, int64_t at_us)
{
    return p->ends_at_us != 0 && p->ends_at_us <= at_us;
}

/* The days from the start that include the last of `count` doses. With weekdays, one in seven
 * of the days given by every_days falls on a permitted weekday. */
static int64_t days_until_last(const Ward__Dosage__V1__Timing *t)
{
    int64_t dosing = (t->count + (int64_t)t->n_times - 1) / (int64_t)t->n_times;
    int64_t every = t->every_days == 0 ? 1 : t->every_days;

    return (dosing + 1) * every * (t->n_weekdays == 0 ? 1 : 7);
}

/* The latest due time of the last dose; INT64_MAX if there is no last dose. */
static int64_t last_due(const Prescription *p)
{
    const Ward__Dosage__V1__Timing *t = p->timing;
    int64_t first = p->starts_at_us;

    if (t->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_ONCE)
        return first;
    if (t->count <= 0)
        return INT64_MAX;
    switch (t->kind) {
    case WARD__DOSAGE__V1__TIMING__KIND__KIND_INTERVAL:
        return first + (t->count - 1) * (int64_t)t->interval_minutes * MINUTE_US;
    case WARD__DOSAGE__V1__TIMING__KIND__KIND_TIMES:
        return t->n_times == 0 ? INT64_MAX : first + days_until_last(t) * DAY_US;
    default: /* AS_NEEDED and CONTINUOUS have no last dose */
        return INT64_MAX;
    }
}

bool prescription_spent(const Prescription *p, int64_t at_us)
{
    int64_t last = last_due(p);

    return last != INT64_MAX && last + DAY_US <= at_us;
}

int64_t prescription_until(const Prescription *p, int64_t written_at_us)
{
    int64_t last = last_due(p), ends = p->ends_at_us == 0 ? INT64_MAX : p->ends_at_us;

    if (last == INT64_MAX)
        return ends;
    if (last < written_at_us)
        last = written_at_us;
    return last + 2 * DAY_US < ends ? last + 2 * DAY_US : ends;
}

/* ---- calculation and infusion ---- */

static enum ward_code calculated(const Ward__Dosage__V1__CalculatedFrom *f,
                                 struct ward_err *err)
{
    if (f == NULL)
        return WARD_OK;
    if (f->per == NULL)
        return WARD_FAIL_FIELD(err, "prescription.calculated_from.per", "is missing");
    if ((f->weight == NULL) == (f->bsa == NULL))
        return WARD_FAIL_FIELD(err, "prescription.calculated_from",
                               "needs either weight or bsa, but not both");
    WARD_TRY(amount(f->per, "prescription.calculated_from.per", err));
    return f->weight == NULL ? amount(f->bsa, "prescription.calculated_from.bsa", err)
                             : amount(f->weight, "prescription.calculated_from.weight", err);
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
                                   "must each be 1 to %d characters of a-z, A-Z, 0-9 and \"-\"",
                                   WORD);
    }
    return WARD_OK;
}

/* Checks the volume and duration of an infused dose, or the concentration of a continuous
 * infusion. */
static enum ward_code infusion(const Prescription *p, struct ward_err *err)
{
    bool on = p->timing->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_CONTINUOUS;

    if (on && (p->volume != NULL || p->infuse_over_minutes != 0))
        return WARD_FAIL_FIELD(
            err, p->volume != NULL ? "prescription.volume" : "prescription.infuse_over_minutes",
            "does not apply to a continuous infusion; set its concentration");
    if (!on && p->concentration != NULL)
        return WARD_FAIL_FIELD(err, "prescription.concentration",
                               "applies only to a continuous infusion; set the volume");
    if (p->infuse_over_minutes < 0 || p->infuse_over_minutes > DAY_MINUTES)
        return WARD_FAIL_FIELD(err, "prescription.infuse_over_minutes", "must be 0 to %d",
                               DAY_MINUTES);
    if (p->phase < 0 || p->phase > WARD__DOSAGE__V1__PHASE__PHASE_TAPER)
        return WARD_FAIL_FIELD(err, "prescription.phase", "is not a phase");
    if (p->volume != NULL)
        WARD_TRY(amount(p->volume, "prescription.volume", err));
    return p->concentration == NULL
               ? WARD_OK
               : amount(p->concentration, "prescription.concentration", err);
}

enum ward_code prescription_valid(const Prescription *p, int64_t at_us, struct ward_err *err)
{
    if (p == NULL)
        return WARD_FAIL_FIELD(err, "prescription", "is missing");
    WARD_TRY(word(p->drug_id, "prescription.drug_id", true, err));
    WARD_TRY(word(p->product_id, "prescription.product_id", false, err));
    WARD_TRY(amount(p->dose, "prescription.dose", err));
    WARD_TRY(route(p, err));
    WARD_TRY(timing_check(p, err));
    WARD_TRY(dose_unit(p, err));
    if (prescription_over(p, at_us))
        return WARD_FAIL_FIELD(err, "prescription.ends_at_us", "is in the past");
    if (p->as_needed != NULL)
        WARD_TRY(coding(p->as_needed->reason, "prescription.as_needed.reason", err));
    if (p->indication != NULL)
        WARD_TRY(coding(p->indication, "prescription.indication", err));
    WARD_TRY(calculated(p->calculated_from, err));
    WARD_TRY(infusion(p, err));
    return instructions(p, err);
}
