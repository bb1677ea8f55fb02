/* Finds implausible data: values outside the range of living people, and impossible dates. */
#include "services/records/exchange/plausible.h"

#include "common/measure/fhirtime.h"
#include "common/measure/growth.h"
#include "common/measure/ucum.h"
#include "services/records/exchange/clean_walk.h"
#include "services/records/exchange/quarantine.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Records__V1__Quantity Quantity;
typedef Ward__Records__V1__CodeableConcept Concept;

#define UCUM  "http://unitsofmeasure.org"
#define LOINC "http://loinc.org"
/* Source: Guinness World Records, oldest person ever: J. Calment, 122 years and 164 days. 130
 * years leave a margin. */
#define OLDEST_YEARS 130
/* Tolerance for different clocks and time zones. */
#define SLACK_US WARD_US_PER_DAY

struct look {
    struct ward_arena *mem;
    int64_t birth_us, now_us, at_us; /* at_us: time of the measurement */
    struct problems *out;
};

/* ---- values ---- */

static const struct plausible_range *range_of(const Concept *code)
{
    for (size_t i = 0; code != NULL && i < code->n_coding; i++) {
        const struct plausible_range *r;

        if (strcmp(code->coding[i]->system, LOINC) != 0)
            continue;
        r = plausible_of(code->coding[i]->code);
        if (r != NULL)
            return r;
    }
    return NULL;
}

/* Whether x, converted from `unit` to the range's unit, is in the range. False if the units are
 * not comparable. */
static bool fits(const struct plausible_range *r, const struct ward_decimal *x,
                 const struct ward_ucum *unit, const struct ward_ucum *of_range)
{
    struct ward_decimal v, low, high;

    if (ward_ucum_convert_round(x, unit, of_range, -9, WARD_ROUND_HALF_EVEN, &v, NULL, NULL) !=
            WARD_OK ||
        ward_decimal_parse(r->low, strlen(r->low), &low, NULL) != WARD_OK ||
        ward_decimal_parse(r->high, strlen(r->high), &high, NULL) != WARD_OK)
        return false;
    return ward_decimal_cmp(&v, &low) >= 0 && ward_decimal_cmp(&v, &high) <= 0;
}

/* Writes the units that may have been intended: "; it would fit in [lb_av] or g". */
static void hint(const struct plausible_range *r, const struct ward_decimal *x,
                 const struct ward_ucum *of_range, char *out, size_t room)
{
    const char *sep = "; it would fit in ";
    size_t n = 0;

    out[0] = '\0';
    for (const char *at = r->slips; *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        struct ward_ucum unit;

        if (ward_ucum_parse(at, len, &unit, NULL) == WARD_OK && fits(r, x, &unit, of_range)) {
            int got = snprintf(out + n, room - n, "%s%.*s", sep, (int)len, at);

            if (got < 0 || (size_t)got >= room - n)
                return;
            n += (size_t)got;
            sep = " or ";
        }
        at += len;
    }
}

static enum ward_code say(struct look *l, const struct plausible_range *r, const char *path,
                          const struct ward_decimal *x, const struct ward_ucum *of_range,
                          struct ward_err *err)
{
    const char *unit = strcmp(r->unit, "1") == 0 ? "" : r->unit;
    char meant[128], text[320];

    hint(r, x, of_range, meant, sizeof(meant));
    snprintf(text, sizeof(text), "%s: %s to %s%s%s is plausible%s", r->name, r->low, r->high,
             *unit == '\0' ? "" : " ", unit, meant);
    return problem_add(l->mem, l->out, "IMPLAUSIBLE_VALUE", path, text, r->source, err);
}

/* Modified z-scores outside which a child's value is biologically implausible. Source: CDC, A
 * SAS program for the 2000 CDC growth charts (ages 0 to < 20 years), extreme values: modified
 * z-scores of weight below -5 or above 8, of stature below -5 or above 4. Checked 2026-11-22.
 * The lower limit applies from 2 years of age, because prematurely born infants are small for
 * their age. */
#define WEIGHT_MOST 8
#define HEIGHT_MOST 4
#define BOTH_LEAST  (-5)
#define LEAST_FROM  730 /* days */
#define YEAR_DAYS   366
#define BY_CDC                                                                                 \
    "CDC growth charts 2000 (Kuczmarski, Vital Health Stat 11(246), 2002), values called "     \
    "biologically implausible"

/* Body weight and body height are the measurements whose ranges depend on age. */
static bool is_weight(const struct plausible_range *r)
{
    return strcmp(r->name, "body weight") == 0;
}

static bool is_height(const struct plausible_range *r)
{
    return strcmp(r->name, "body height") == 0;
}

/* Whether v, in the range's unit, is plausible for the patient's age. A birth date may have
 * only the year, so the child may be up to a year younger.
 */
static bool fits_age(const struct look *l, const struct plausible_range *r,
                     const struct ward_decimal *v)
{
    enum ward_growth what = is_weight(r) ? WARD_GROWTH_WEIGHT : WARD_GROWTH_HEIGHT;
    struct ward_decimal high = ward_decimal_of(is_weight(r) ? WEIGHT_MOST : HEIGHT_MOST, 0);
    struct ward_decimal low = ward_decimal_of(BOTH_LEAST, 0);
    int64_t days;

    if ((!is_weight(r) && !is_height(r)) || l->birth_us == INT64_MIN || l->at_us < l->birth_us)
        return true;
    days = (l->at_us - l->birth_us) / WARD_US_PER_DAY;
    if (days >= WARD_GROWTH_DAYS)
        return true;
    high = ward_growth_bound(what, WARD_GROWTH_ANY, days - YEAR_DAYS, days, &high);
    low = ward_growth_bound(what, WARD_GROWTH_ANY, days - YEAR_DAYS, days, &low);
    return ward_decimal_cmp(v, &high) <= 0 &&
           (days - YEAR_DAYS < LEAST_FROM || ward_decimal_cmp(v, &low) >= 0);
}

static enum ward_code say_age(struct look *l, const struct plausible_range *r, const char *path,
                              struct ward_err *err)
{
    char text[160];

    snprintf(text, sizeof(text), "%s: not plausible for the patient's age; check the unit",
             r->name);
    return problem_add(l->mem, l->out, "IMPLAUSIBLE_VALUE", path, text, BY_CDC, err);
}

static enum ward_code say_unit(struct look *l, const struct plausible_range *r,
                               const char *path, struct ward_err *err)
{
    char text[200];

    snprintf(text, sizeof(text),
             "%s: the unit is unknown or measures something else; use a unit such as %s",
             r->name, r->unit);
    return problem_add(l->mem, l->out, "UNIT_UNKNOWN", path, text, NULL, err);
}

/* Reads the unit of a quantity. Returns false if there is no readable unit. */
static bool unit_of(const Quantity *q, const struct plausible_range *r, struct ward_ucum *out)
{
    if (strcmp(q->system, UCUM) == 0 && *q->code != '\0')
        return ward_ucum_parse(q->code, strlen(q->code), out, NULL) == WARD_OK;
    /* A score, or a pH, has no unit. */
    if (*q->code == '\0' && *q->unit == '\0' &&
        (strcmp(r->unit, "1") == 0 || strcmp(r->unit, "[pH]") == 0))
        return ward_ucum_parse(r->unit, strlen(r->unit), out, NULL) == WARD_OK;
    return false;
}

/* Whether the unit is a number, for example {score} or {pH}. */
static bool is_number(const struct ward_ucum *unit)
{
    struct ward_ucum one;

    return ward_ucum_parse("1", 1, &one, NULL) == WARD_OK &&
           ward_ucum_commensurable(unit, &one, NULL) == WARD_OK;
}

static enum ward_code value(struct look *l, const struct plausible_range *r, const Quantity *q,
                            const char *path, struct ward_err *err)
{
    struct ward_ucum unit, of_range;
    struct ward_decimal x;
    struct ward_err why = {0};

    if (q->value == NULL ||
        ward_decimal_parse(q->value->value, strlen(q->value->value), &x, NULL) != WARD_OK)
        return WARD_OK; /* fhir_check reports an invalid number */
    WARD_TRY(ward_ucum_parse(r->unit, strlen(r->unit), &of_range, err));
    if (!unit_of(q, r, &unit))
        return say_unit(l, r, path, err);
    if (strcmp(r->unit, "[pH]") == 0 && is_number(&unit))
        unit = of_range;
    if (ward_ucum_commensurable(&unit, &of_range, &why) != WARD_OK) {
        /* A conversion between amount of substance and mass depends on the substance, and is
         * not checked. */
        if (strcmp(why.reason, "UCUM_NEEDS_SUBSTANCE") == 0)
            return WARD_OK;
        return say_unit(l, r, path, err);
    }
    if (!fits(r, &x, &unit, &of_range))
        return say(l, r, path, &x, &of_range, err);
    if (ward_ucum_convert_round(&x, &unit, &of_range, -9, WARD_ROUND_HALF_EVEN, &x, NULL,
                                NULL) == WARD_OK &&
        !fits_age(l, r, &x))
        return say_age(l, r, path, err);
    return WARD_OK;
}

static enum ward_code whole(struct look *l, const struct plausible_range *r, int32_t n,
                            const char *path, struct ward_err *err)
{
    struct ward_decimal x = ward_decimal_of(n, 0);
    struct ward_ucum one;

    if (strcmp(r->unit, "1") != 0)
        return WARD_OK;
    WARD_TRY(ward_ucum_parse("1", 1, &one, err));
    return fits(r, &x, &one, &one) ? WARD_OK : say(l, r, path, &x, &one, err);
}

static enum ward_code values(struct look *l, const Ward__Records__V1__Observation *o,
                             struct ward_err *err)
{
    const struct plausible_range *r = range_of(o->code);

    if (r != NULL && o->value_case == WARD__RECORDS__V1__OBSERVATION__VALUE_VALUE_QUANTITY)
        WARD_TRY(value(l, r, o->value_quantity, "Observation.valueQuantity", err));
    if (r != NULL && o->value_case == WARD__RECORDS__V1__OBSERVATION__VALUE_VALUE_INTEGER)
        WARD_TRY(whole(l, r, o->value_integer, "Observation.valueInteger", err));
    for (size_t i = 0; i < o->n_component; i++) {
        const Ward__Records__V1__Observation__Component *c = o->component[i];
        char path[64];

        r = range_of(c->code);
        if (r == NULL)
            continue;
        if (c->value_case == WARD__RECORDS__V1__OBSERVATION__COMPONENT__VALUE_VALUE_QUANTITY) {
            snprintf(path, sizeof(path), "Observation.component[%zu].valueQuantity", i);
            WARD_TRY(value(l, r, c->value_quantity, path, err));
        }
        if (c->value_case == WARD__RECORDS__V1__OBSERVATION__COMPONENT__VALUE_VALUE_INTEGER) {
            snprintf(path, sizeof(path), "Observation.component[%zu].valueInteger", i);
            WARD_TRY(whole(l, r, c->value_integer, path, err));
        }
    }
    return WARD_OK;
}

/* ---- dates ---- */

/* The time elements that are checked for each kind; of a period, the start. before_birth: the
 * time cannot precede the patient's birth. */
static const struct when {
    enum kind kind;
    const char *field;
    enum ward_fhirtime_type type;
    bool before_birth;
} whens[] = {
    {KIND_PATIENT, "birth_date", WARD_FHIR_DATE, false},
    {KIND_PATIENT, "deceased_date_time", WARD_FHIR_DATETIME, true},
    {KIND_ENCOUNTER, "period", WARD_FHIR_DATETIME, true},
    {KIND_OBSERVATION, "effective_date_time", WARD_FHIR_DATETIME, true},
    {KIND_OBSERVATION, "effective_period", WARD_FHIR_DATETIME, true},
    {KIND_OBSERVATION, "effective_instant", WARD_FHIR_INSTANT, true},
    {KIND_OBSERVATION, "issued", WARD_FHIR_INSTANT, true},
    {KIND_CONDITION, "onset_date_time", WARD_FHIR_DATETIME, true},
    {KIND_CONDITION, "onset_period", WARD_FHIR_DATETIME, true},
    {KIND_CONDITION, "recorded_date", WARD_FHIR_DATETIME, true},
    {KIND_ALLERGY, "onset_date_time", WARD_FHIR_DATETIME, true},
    {KIND_ALLERGY, "onset_period", WARD_FHIR_DATETIME, true},
    {KIND_ALLERGY, "recorded_date", WARD_FHIR_DATETIME, true},
    {KIND_ALLERGY, "last_occurrence", WARD_FHIR_DATETIME, true},
    {KIND_DOCUMENT, "date", WARD_FHIR_INSTANT, true},
    {KIND_REPORT, "effective_date_time", WARD_FHIR_DATETIME, true},
    {KIND_REPORT, "effective_period", WARD_FHIR_DATETIME, true},
    {KIND_REPORT, "issued", WARD_FHIR_INSTANT, true},
    {KIND_CONSENT, "date_time", WARD_FHIR_DATETIME, false},
    {KIND_MEDICATION, "effective_date_time", WARD_FHIR_DATETIME, true},
    {KIND_MEDICATION, "effective_period", WARD_FHIR_DATETIME, true},
    {KIND_MEDICATION, "date_asserted", WARD_FHIR_DATETIME, true},
    /* A prescription's date may precede the birth: Synthea writes a date of 1964 for a child
     * born in 2014. */
    {KIND_PRESCRIPTION, "authored_on", WARD_FHIR_DATETIME, false},
    {KIND_PROCEDURE, "performed_date_time", WARD_FHIR_DATETIME, true},
    {KIND_PROCEDURE, "performed_period", WARD_FHIR_DATETIME, true},
    {KIND_IMMUNIZATION, "occurrence_date_time", WARD_FHIR_DATETIME, true},
    {KIND_IMMUNIZATION, "recorded", WARD_FHIR_DATETIME, true},
    {KIND_SERVICE, "authored_on", WARD_FHIR_DATETIME, true},
};

static const char *text_of(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return ((const Ward__Records__V1__Period *)(const void *)walk_sub(m, f, 0))->start;
    return *(char *const *)(const void *)((const char *)m + f->offset);
}

static enum ward_code date(struct look *l, const struct when *w, const ProtobufCMessage *m,
                           struct ward_err *err)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(m->descriptor, w->field);
    struct ward_fhirtime t;
    const char *text;
    char name[64], path[128];

    WARD_ASSERT(f != NULL && strlen(w->field) < sizeof(name));
    if (walk_count(m, f) == 0)
        return WARD_OK;
    text = text_of(m, f);
    if (ward_fhirtime_parse(w->type, text, strlen(text), 0, &t, NULL) != WARD_OK)
        return WARD_OK; /* there is no date, or fhir_check reports an invalid date */
    walk_camel(w->field, name);
    snprintf(path, sizeof(path), "%s.%s", m->descriptor->short_name, name);
    if (t.from_us > l->now_us + SLACK_US)
        return problem_add(l->mem, l->out, "IMPLAUSIBLE_DATE", path,
                           "the date is in the future", NULL, err);
    if (w->before_birth && l->birth_us != INT64_MIN && t.to_us <= l->birth_us - SLACK_US)
        return problem_add(l->mem, l->out, "IMPLAUSIBLE_DATE", path,
                           "the date is before the patient's birth", NULL, err);
    if (w->kind == KIND_PATIENT && w->type == WARD_FHIR_DATE) {
        int year, month, day;

        ward_days_to(l->now_us / WARD_US_PER_DAY, &year, &month, &day);
        if (t.to_us <= ward_days_of(year - OLDEST_YEARS, month, 1) * WARD_US_PER_DAY)
            return problem_add(l->mem, l->out, "IMPLAUSIBLE_DATE", path,
                               "the date is more than 130 years ago", NULL, err);
    }
    return WARD_OK;
}

/* Whether the resource is planned, so that its time may be in the future. */
static bool planned(const Resource *res)
{
    return res->resource_case == WARD__RECORDS__V1__RESOURCE__RESOURCE_ENCOUNTER &&
           res->encounter->status == WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_PLANNED;
}

static int64_t birth_of(const Resource *res, int64_t known)
{
    struct ward_fhirtime t;
    const char *s;

    if (res->resource_case != WARD__RECORDS__V1__RESOURCE__RESOURCE_PATIENT)
        return known;
    s = res->patient->birth_date;
    if (ward_fhirtime_parse(WARD_FHIR_DATE, s, strlen(s), 0, &t, NULL) != WARD_OK)
        return INT64_MIN;
    return t.from_us;
}

bool plausible_grows(const Resource *res)
{
    const struct plausible_range *r;

    if (res->resource_case != WARD__RECORDS__V1__RESOURCE__RESOURCE_OBSERVATION)
        return false;
    r = range_of(res->observation->code);
    return r != NULL && (is_weight(r) || is_height(r));
}

/* Returns the latest moment of the stated time of a measurement; without a stated time, now. */
static int64_t measured_at(const Ward__Records__V1__Observation *o, int64_t now_us)
{
    struct ward_fhirtime t;
    const char *s =
        o->effective_case == WARD__RECORDS__V1__OBSERVATION__EFFECTIVE_EFFECTIVE_DATE_TIME
            ? o->effective_date_time
            : "";

    return ward_fhirtime_parse(WARD_FHIR_DATETIME, s, strlen(s), 0, &t, NULL) == WARD_OK
               ? t.to_us - 1
               : now_us;
}

enum ward_code implausible(struct ward_arena *mem, const Resource *res, int64_t birth_us,
                           int64_t now_us, struct problems *out, struct ward_err *err)
{
    struct look l = {mem, birth_of(res, birth_us), now_us, now_us, out};
    enum kind kind = (enum kind)res->resource_case;
    const ProtobufCMessage *m;

    if (res->resource_case == WARD__RECORDS__V1__RESOURCE__RESOURCE__NOT_SET)
        return WARD_OK;
    m = (const ProtobufCMessage *)(const void *)res->patient; /* valid for any kind */
    for (size_t i = 0; i < WARD_COUNT(whens); i++)
        if (whens[i].kind == kind && !planned(res))
            WARD_TRY(date(&l, &whens[i], m, err));
    if (kind == KIND_OBSERVATION &&
        res->observation->status !=
            WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_ENTERED_IN_ERROR) {
        l.at_us = measured_at(res->observation, now_us);
        WARD_TRY(values(&l, res->observation, err));
    }
    return doubtful_units(mem, res, out, err);
}
