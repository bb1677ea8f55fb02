/* Indexes observations, conditions and allergies by codes, dates and numbers. */
#include "common/measure/ucum.h"
#include "services/records/index/index_own.h"

#include <string.h>

#define UCUM     "http://unitsofmeasure.org"
#define UNIT_MAX 32 /* maximum bytes of resource.unit */

/* Indexes a quantity. A number without a UCUM unit, or with a unit that the index cannot
 * express, is not indexed: searches by value do not find the resource. */
static void value(struct sink *s, const Quantity *q)
{
    struct found_by *f = s->out;
    struct ward_decimal x;
    struct ward_ucum u;
    char *unit;

    if (q == NULL || q->value == NULL || *q->comparator != '\0' ||
        strcmp(q->system, UCUM) != 0 ||
        ward_decimal_parse(q->value->value, strlen(q->value->value), &x, NULL) != WARD_OK ||
        ward_ucum_parse(q->code, strlen(q->code), &u, NULL) != WARD_OK)
        return;
    unit = ward_alloc(s->mem, WARD_UCUM_SIZE);
    if (unit == NULL) {
        sink_is(s, WARD_FAIL(s->err, RESOURCE_EXHAUSTED, "no memory for a unit"));
        return;
    }
    if (ward_ucum_canonical(&u, unit) > UNIT_MAX)
        return;
    f->value = ward_ucum_to_canonical(&x, &u);
    f->unit = unit;
    f->has_value = f->value - f->value == 0; /* true for a finite value */
}

static void components(struct sink *s, const Observation *o)
{
    for (size_t i = 0; i < o->n_component; i++) {
        const Ward__Records__V1__Observation__Component *c = o->component[i];

        sink_concept(s, PARAM_COMPONENT_CODE, c->code);
        if (c->value_case ==
            WARD__RECORDS__V1__OBSERVATION__COMPONENT__VALUE_VALUE_CODEABLE_CONCEPT)
            sink_concept(s, PARAM_VALUE_CONCEPT, c->value_codeable_concept);
    }
}

static void observed_when(struct sink *s, const Observation *o)
{
    switch (o->effective_case) {
    case WARD__RECORDS__V1__OBSERVATION__EFFECTIVE_EFFECTIVE_DATE_TIME:
        sink_date(s, WARD_FHIR_DATETIME, o->effective_date_time, false);
        break;
    case WARD__RECORDS__V1__OBSERVATION__EFFECTIVE_EFFECTIVE_INSTANT:
        sink_date(s, WARD_FHIR_INSTANT, o->effective_instant, false);
        break;
    case WARD__RECORDS__V1__OBSERVATION__EFFECTIVE_EFFECTIVE_PERIOD:
        sink_period(s, o->effective_period, false);
        break;
    default:
        break;
    }
    sink_date(s, WARD_FHIR_INSTANT, o->issued, true);
}

void index_observation(struct sink *s, const Observation *o)
{
    s->out->status = (int)o->status;
    sink_labels(s, o->meta);
    sink_identifiers(s, o->identifier, o->n_identifier);
    sink_concept(s, PARAM_CODE, o->code);
    sink_concepts(s, PARAM_CATEGORY, o->category, o->n_category);
    if (o->value_case == WARD__RECORDS__V1__OBSERVATION__VALUE_VALUE_CODEABLE_CONCEPT)
        sink_concept(s, PARAM_VALUE_CONCEPT, o->value_codeable_concept);
    if (o->value_case == WARD__RECORDS__V1__OBSERVATION__VALUE_VALUE_QUANTITY)
        value(s, o->value_quantity);
    components(s, o);
    sink_encounter(s, o->encounter);
    sink_references(s, o->based_on, o->n_based_on);
    sink_references(s, o->part_of, o->n_part_of);
    sink_references(s, o->focus, o->n_focus);
    sink_references(s, o->performer, o->n_performer);
    sink_reference(s, o->specimen);
    sink_reference(s, o->device);
    sink_references(s, o->has_member, o->n_has_member);
    sink_references(s, o->derived_from, o->n_derived_from);
    observed_when(s, o);
}

void index_condition(struct sink *s, const Condition *c)
{
    sink_labels(s, c->meta);
    sink_identifiers(s, c->identifier, c->n_identifier);
    sink_concept(s, PARAM_CODE, c->code);
    sink_concepts(s, PARAM_CATEGORY, c->category, c->n_category);
    sink_concept(s, PARAM_CLINICAL_STATUS, c->clinical_status);
    sink_concept(s, PARAM_VERIFICATION_STATUS, c->verification_status);
    sink_concept(s, PARAM_SEVERITY, c->severity);
    sink_encounter(s, c->encounter);
    sink_reference(s, c->recorder);
    sink_reference(s, c->asserter);
    for (size_t i = 0; i < c->n_evidence; i++)
        sink_references(s, c->evidence[i]->detail, c->evidence[i]->n_detail);
    if (c->onset_case == WARD__RECORDS__V1__CONDITION__ONSET_ONSET_DATE_TIME)
        sink_date(s, WARD_FHIR_DATETIME, c->onset_date_time, false);
    if (c->onset_case == WARD__RECORDS__V1__CONDITION__ONSET_ONSET_PERIOD)
        sink_period(s, c->onset_period, false);
    sink_date(s, WARD_FHIR_DATETIME, c->recorded_date, true);
}

void index_medication(struct sink *s, const Ward__Records__V1__MedicationStatement *m)
{
    s->out->status = (int)m->status;
    sink_labels(s, m->meta);
    sink_identifiers(s, m->identifier, m->n_identifier);
    if (m->medication_case ==
        WARD__RECORDS__V1__MEDICATION_STATEMENT__MEDICATION_MEDICATION_CODEABLE_CONCEPT)
        sink_concept(s, PARAM_CODE, m->medication_codeable_concept);
    else
        sink_reference(s, m->medication_reference);
    sink_concept(s, PARAM_CATEGORY, m->category);
    sink_encounter(s, m->context);
    sink_reference(s, m->information_source);
    sink_references(s, m->based_on, m->n_based_on);
    sink_references(s, m->part_of, m->n_part_of);
    sink_references(s, m->derived_from, m->n_derived_from);
    sink_references(s, m->reason_reference, m->n_reason_reference);
    if (m->effective_case ==
        WARD__RECORDS__V1__MEDICATION_STATEMENT__EFFECTIVE_EFFECTIVE_PERIOD)
        sink_period(s, m->effective_period, false);
    else if (m->effective_case ==
             WARD__RECORDS__V1__MEDICATION_STATEMENT__EFFECTIVE_EFFECTIVE_DATE_TIME)
        sink_date(s, WARD_FHIR_DATETIME, m->effective_date_time, false);
    sink_date(s, WARD_FHIR_DATETIME, m->date_asserted, true);
}

static void allergy_words(struct sink *s, const Allergy *a)
{
    static const char *const types[] = {"", "allergy", "intolerance"};
    static const char *const categories[] = {"", "food", "medication", "environment",
                                             "biologic"};
    static const char *const how_bad[] = {"", "low", "high", "unable-to-assess"};

    if ((size_t)a->type < WARD_COUNT(types))
        sink_word(s, PARAM_TYPE, types[a->type]);
    if ((size_t)a->criticality < WARD_COUNT(how_bad))
        sink_word(s, PARAM_SEVERITY, how_bad[a->criticality]);
    for (size_t i = 0; i < a->n_category; i++)
        if ((size_t)a->category[i] < WARD_COUNT(categories))
            sink_word(s, PARAM_CATEGORY, categories[a->category[i]]);
}

void index_allergy(struct sink *s, const Allergy *a)
{
    sink_labels(s, a->meta);
    sink_identifiers(s, a->identifier, a->n_identifier);
    sink_concept(s, PARAM_CODE, a->code);
    for (size_t i = 0; i < a->n_reaction; i++)
        sink_concept(s, PARAM_CODE, a->reaction[i]->substance);
    allergy_words(s, a);
    sink_concept(s, PARAM_CLINICAL_STATUS, a->clinical_status);
    sink_concept(s, PARAM_VERIFICATION_STATUS, a->verification_status);
    sink_encounter(s, a->encounter);
    sink_reference(s, a->recorder);
    sink_reference(s, a->asserter);
    if (a->onset_case == WARD__RECORDS__V1__ALLERGY_INTOLERANCE__ONSET_ONSET_DATE_TIME)
        sink_date(s, WARD_FHIR_DATETIME, a->onset_date_time, false);
    if (a->onset_case == WARD__RECORDS__V1__ALLERGY_INTOLERANCE__ONSET_ONSET_PERIOD)
        sink_period(s, a->onset_period, false);
    sink_date(s, WARD_FHIR_DATETIME, a->recorded_date, true);
}
