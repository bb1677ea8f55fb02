/* Finds resources that reveal an age over 89 or a birth date. */
#include "services/records/exchange/deid.h"

#include "common/measure/decimal.h"
#include "common/measure/fhirtime.h"
#include "services/records/exchange/clean_walk.h"

#include <string.h>

typedef ProtobufCMessage Message;
typedef ProtobufCFieldDescriptor Field;

#define LOINC  "http://loinc.org"
#define SNOMED "http://snomed.info/sct"
#define UCUM   "http://unitsofmeasure.org"
#define OLDEST 89 /* maximum exported age in years: 45 CFR 164.514(b)(2)(i)(C) */

struct named {
    const char *system, *code;
};
/* Source: LOINC 2.78; SNOMED CT, international edition. */
static const struct named births[] = {
    {LOINC, "21112-8"},    /* Birth date */
    {SNOMED, "184099003"}, /* Date of birth */
};
static const struct named ages[] = {
    {LOINC, "30525-0"},    /* Age */
    {LOINC, "21612-7"},    /* Age - Reported */
    {LOINC, "29553-5"},    /* Age calculated */
    {LOINC, "35659-2"},    /* Age at specimen collection */
    {SNOMED, "424144002"}, /* Current chronological age */
};

/* ---- observations ---- */

static bool is_one(const Ward__Records__V1__CodeableConcept *code, const struct named *of,
                   size_t n)
{
    for (size_t i = 0; code != NULL && i < code->n_coding; i++)
        for (size_t k = 0; k < n; k++)
            if (strcmp(code->coding[i]->system, of[k].system) == 0 &&
                strcmp(code->coding[i]->code, of[k].code) == 0)
                return true;
    return false;
}

static bool observes(const Resource *res, const struct named *of, size_t n)
{
    const Ward__Records__V1__Observation *o = res->observation;

    if (res->resource_case != WARD__RECORDS__V1__RESOURCE__RESOURCE_OBSERVATION)
        return false;
    if (is_one(o->code, of, n))
        return true;
    for (size_t i = 0; i < o->n_component; i++)
        if (is_one(o->component[i]->code, of, n))
            return true;
    return false;
}

/* ---- dates ---- */

bool deid_is_ancient(const struct deid *d, const char *date)
{
    struct ward_fhirtime t;

    return ward_fhirtime_parse(WARD_FHIR_DATETIME, date, strlen(date), 0, &t, NULL) ==
               WARD_OK &&
           t.from_us < d->ancient_us;
}

static bool has_ancient(const struct deid *d, Message *m)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const Field *f = &m->descriptor->fields[i];
        size_t n = walk_count(m, f);
        enum deid_how how = n == 0 ? DEID_DROP : deid_how(m->descriptor, f);

        if (how == DEID_SHIFT && deid_is_ancient(d, *(char **)(void *)((char *)m + f->offset)))
            return true;
        for (size_t k = 0; how == DEID_KEEP && f->type == PROTOBUF_C_TYPE_MESSAGE && k < n; k++)
            if (has_ancient(d, walk_sub(m, f, k)))
                return true;
    }
    return false;
}

bool deid_tells(const struct deid *d, Resource *res)
{
    if (observes(res, births, WARD_COUNT(births)) ||
        (d->hide_ages && observes(res, ages, WARD_COUNT(ages))))
        return true;
    return res->resource_case != WARD__RECORDS__V1__RESOURCE__RESOURCE_PATIENT &&
           has_ancient(d, (Message *)(void *)res->patient);
}

/* ---- ages within a resource ---- */

/* Whether a quantity is a duration of more than 89 years. */
static bool is_so_long(const Ward__Records__V1__Quantity *q)
{
    static const struct {
        const char *unit;
        double of_year;
    } units[] = {{"a", 1},     {"a_t", 1},   {"a_j", 1}, {"a_g", 1}, {"mo", 12}, {"mo_s", 12},
                 {"mo_j", 12}, {"mo_g", 12}, {"wk", 52}, {"d", 365}, {"h", 8760}};
    struct ward_decimal x;

    if (q->value == NULL || strcmp(q->system, UCUM) != 0 ||
        ward_decimal_parse(q->value->value, strlen(q->value->value), &x, NULL) != WARD_OK)
        return false;
    for (size_t i = 0; i < WARD_COUNT(units); i++)
        if (strcmp(q->code, units[i].unit) == 0)
            return ward_decimal_double(&x) > OLDEST * units[i].of_year;
    return false;
}

static bool is_age(const Message *m, const Field *f)
{
    static const char *const fields[] = {"onset_age", "onset_range", "abatement_age",
                                         "abatement_range"};

    if (m->descriptor == &ward__records__v1__observation__reference_range__descriptor)
        return strcmp(f->name, "age") == 0;
    for (size_t i = 0; i < WARD_COUNT(fields); i++)
        if (strcmp(f->name, fields[i]) == 0)
            return true;
    return false;
}

void deid_no_ages(Message *m)
{
    if (m->descriptor == &ward__records__v1__quantity__descriptor && is_so_long((void *)m)) {
        ward__records__v1__quantity__init((void *)m);
        return;
    }
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const Field *f = &m->descriptor->fields[i];
        size_t n = f->type == PROTOBUF_C_TYPE_MESSAGE ? walk_count(m, f) : 0;

        if (n > 0 && is_age(m, f)) {
            deid_clear(m, f);
            continue;
        }
        for (size_t k = 0; k < n && deid_how(m->descriptor, f) == DEID_KEEP; k++)
            deid_no_ages(walk_sub(m, f, k));
    }
}
