/* FHIR R4's invariants of timings, dosages, prescriptions, procedures, vaccines and requests,
 * each with its id. Source: HL7 FHIR R4, datatypes.html#Timing, dosage.html,
 * medicationrequest.html, procedure.html, immunization.html, servicerequest.html under
 * https://hl7.org/fhir/R4/. */
#include "services/records/fhir/fhir_own.h"

#include "common/measure/decimal.h"

#include <string.h>

#define OF(Type, m) ((const Ward__Records__V1__##Type *)(m))

typedef Ward__Records__V1__Quantity Quantity;
typedef Ward__Records__V1__Decimal Decimal;
typedef Ward__Records__V1__Timing__Repeat Repeat;

static enum ward_code missing(struct fhir_checking *k, const char *part, struct ward_err *err)
{
    return FHIR_PART_FAIL(k, err, part, "FIELD_REQUIRED", "is missing");
}

/* ---- timings and dosages ---- */

/* tim-1, tim-2: a number requires its unit. tim-4, tim-5: the number is not negative. tim-6,
 * tim-7: the maximum requires the minimum. */
static enum ward_code length(struct fhir_checking *k, const char *const part[2],
                             const Decimal *least, const Decimal *most, int unit,
                             struct ward_err *err)
{
    struct ward_decimal d;

    if (least == NULL)
        return most == NULL ? WARD_OK : missing(k, part[0], err);
    if (unit == 0)
        return missing(k, part[1], err);
    WARD_TRY(ward_decimal_parse(least->value, strlen(least->value), &d, err));
    if (d.negative && !ward_decimal_is_zero(&d))
        return FHIR_PART_FAIL(k, err, part[0], "FIELD_INVALID", "is negative");
    return WARD_OK;
}

/* Whether a code is in the value set to which `when` is bound. Source:
 * https://hl7.org/fhir/R4/valueset-event-timing.html */
static bool is_event(const char *code)
{
    static const char *const events[] = {
        "MORN", "MORN.early", "MORN.late", "NOON",  "AFT", "AFT.early", "AFT.late",
        "EVE",  "EVE.early",  "EVE.late",  "NIGHT", "PHS", "HS",        "WAKE",
        "C",    "CM",         "CD",        "CV",    "AC",  "ACM",       "ACD",
        "ACV",  "PC",         "PCM",       "PCD",   "PCV"};

    for (size_t i = 0; i < WARD_COUNT(events); i++)
        if (strcmp(events[i], code) == 0)
            return true;
    return false;
}

static enum ward_code events(struct fhir_checking *k, const Repeat *r, struct ward_err *err)
{
    bool meal = false;

    for (size_t i = 0; i < r->n_when; i++) {
        const char *s = r->when[i];

        if (!is_event(s))
            return FHIR_PART_FAIL(k, err, "when", "CODE_UNKNOWN",
                                  "is not a code that FHIR allows for this element");
        meal = meal || *s == 'C';
    }
    /* tim-9: an offset requires a `when`, which is not C, CM, CD or CV. */
    if (r->offset_presence_case != 0 && r->n_when == 0)
        return missing(k, "when", err);
    if (r->offset_presence_case != 0 && meal)
        return FHIR_PART_FAIL(k, err, "offset", "FIELD_INVALID",
                              "must not be set together with a meal");
    /* tim-10: has timeOfDay or `when`, not both. */
    if (r->n_time_of_day > 0 && r->n_when > 0)
        return FHIR_PART_FAIL(k, err, "timeOfDay", "FIELD_INVALID",
                              "must not be set together with when");
    return WARD_OK;
}

enum ward_code fhir_timing(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    static const char *const duration[] = {"duration", "durationUnit"};
    static const char *const period[] = {"period", "periodUnit"};
    const Repeat *r = OF(Timing__Repeat, m);

    if (r->bounds_case == WARD__RECORDS__V1__TIMING__REPEAT__BOUNDS_BOUNDS_DURATION)
        WARD_TRY(fhir_duration(k, "boundsDuration", r->bounds_duration, err));
    WARD_TRY(length(k, duration, r->duration, r->duration_max, (int)r->duration_unit, err));
    WARD_TRY(length(k, period, r->period, r->period_max, (int)r->period_unit, err));
    /* tim-8: countMax requires a count. */
    if (r->count_max_presence_case != 0 && r->count_presence_case == 0)
        return missing(k, "count", err);
    return events(k, r, err);
}

/* sqt-1: a SimpleQuantity has no comparator. */
static enum ward_code simple(struct fhir_checking *k, const char *part, const Quantity *q,
                             struct ward_err *err)
{
    if (q != NULL && *text_of(q->comparator) != '\0')
        return FHIR_PART_FAIL(k, err, part, "FIELD_INVALID", "has a comparator");
    return WARD_OK;
}

enum ward_code fhir_dosage(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    WARD_TRY(
        simple(k, "maxDosePerAdministration", OF(Dosage, m)->max_dose_per_administration, err));
    return simple(k, "maxDosePerLifetime", OF(Dosage, m)->max_dose_per_lifetime, err);
}

enum ward_code fhir_dose_and_rate(struct fhir_checking *k, const Message *m,
                                  struct ward_err *err)
{
    const Ward__Records__V1__Dosage__DoseAndRate *d = OF(Dosage__DoseAndRate, m);

    if (d->dose_case == WARD__RECORDS__V1__DOSAGE__DOSE_AND_RATE__DOSE_DOSE_QUANTITY)
        WARD_TRY(simple(k, "doseQuantity", d->dose_quantity, err));
    if (d->rate_case == WARD__RECORDS__V1__DOSAGE__DOSE_AND_RATE__RATE_RATE_QUANTITY)
        WARD_TRY(simple(k, "rateQuantity", d->rate_quantity, err));
    return WARD_OK;
}

/* ---- MedicationRequest ---- */

enum ward_code fhir_prescription(struct fhir_checking *k, const Message *m,
                                 struct ward_err *err)
{
    /* medication[x] has cardinality 1..1. */
    return OF(MedicationRequest, m)->medication_case == 0 ? missing(k, "medication", err)
                                                          : WARD_OK;
}

enum ward_code fhir_initial_fill(struct fhir_checking *k, const Message *m,
                                 struct ward_err *err)
{
    WARD_TRY(simple(k, "quantity", OF(MedicationRequest__InitialFill, m)->quantity, err));
    return fhir_duration(k, "duration", OF(MedicationRequest__InitialFill, m)->duration, err);
}

enum ward_code fhir_dispense(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    const Ward__Records__V1__MedicationRequest__DispenseRequest *d =
        OF(MedicationRequest__DispenseRequest, m);

    WARD_TRY(simple(k, "quantity", d->quantity, err));
    WARD_TRY(fhir_duration(k, "dispenseInterval", d->dispense_interval, err));
    return fhir_duration(k, "expectedSupplyDuration", d->expected_supply_duration, err);
}

enum ward_code fhir_substitution(struct fhir_checking *k, const Message *m,
                                 struct ward_err *err)
{
    /* allowed[x] has cardinality 1..1. */
    return OF(MedicationRequest__Substitution, m)->allowed_case == 0
               ? missing(k, "allowed", err)
               : WARD_OK;
}

/* ---- Procedure, Immunization, ServiceRequest ---- */

enum ward_code fhir_procedure(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    const Ward__Records__V1__Procedure *p = OF(Procedure, m);

    if (p->performed_case == WARD__RECORDS__V1__PROCEDURE__PERFORMED_PERFORMED_AGE)
        WARD_TRY(fhir_age(k, "performedAge", p->performed_age, err));
    return WARD_OK;
}

enum ward_code fhir_immunization(struct fhir_checking *k, const Message *m,
                                 struct ward_err *err)
{
    /* occurrence[x] has cardinality 1..1. */
    if (OF(Immunization, m)->occurrence_case == 0)
        return missing(k, "occurrence", err);
    return simple(k, "doseQuantity", OF(Immunization, m)->dose_quantity, err);
}

enum ward_code fhir_education(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    const Ward__Records__V1__Immunization__Education *e = OF(Immunization__Education, m);

    /* imm-1: has documentType or reference. */
    if (*text_of(e->document_type) == '\0' && *text_of(e->reference) == '\0')
        return FHIR_FAIL(err, &k->path, "FIELD_INVALID", "must have documentType or reference");
    return WARD_OK;
}

enum ward_code fhir_protocol(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    /* doseNumber[x] has cardinality 1..1. */
    return OF(Immunization__ProtocolApplied, m)->dose_number_case == 0
               ? missing(k, "doseNumber", err)
               : WARD_OK;
}

enum ward_code fhir_service(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    /* prr-1: orderDetail is present only if code is. */
    if (OF(ServiceRequest, m)->n_order_detail > 0 && OF(ServiceRequest, m)->code == NULL)
        return missing(k, "code", err);
    return WARD_OK;
}
