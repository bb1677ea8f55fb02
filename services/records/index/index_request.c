/* Indexes prescriptions, requests, procedures and vaccinations. */
#include "services/records/index/index_own.h"

#define OF(name) WARD__RECORDS__V1__##name

static void priority(struct sink *s, Ward__Records__V1__RequestPriority p)
{
    static const char *const words[] = {"", "routine", "urgent", "asap", "stat"};

    if ((size_t)p < WARD_COUNT(words))
        sink_word(s, PARAM_SEVERITY, words[p]);
}

void index_prescription(struct sink *s, const Ward__Records__V1__MedicationRequest *m)
{
    static const char *const intents[] = {"",
                                          "proposal",
                                          "plan",
                                          "order",
                                          "original-order",
                                          "reflex-order",
                                          "filler-order",
                                          "instance-order",
                                          "option"};

    s->out->status = (int)m->status;
    sink_labels(s, m->meta);
    sink_identifiers(s, m->identifier, m->n_identifier);
    if (m->medication_case == OF(MEDICATION_REQUEST__MEDICATION_MEDICATION_CODEABLE_CONCEPT))
        sink_concept(s, PARAM_CODE, m->medication_codeable_concept);
    else if (m->medication_case == OF(MEDICATION_REQUEST__MEDICATION_MEDICATION_REFERENCE))
        sink_reference(s, m->medication_reference);
    sink_concepts(s, PARAM_CATEGORY, m->category, m->n_category);
    sink_concepts(s, PARAM_REASON, m->reason_code, m->n_reason_code);
    if ((size_t)m->intent < WARD_COUNT(intents))
        sink_word(s, PARAM_TYPE, intents[m->intent]);
    priority(s, m->priority);
    sink_encounter(s, m->encounter);
    sink_reference(s, m->requester);
    sink_reference(s, m->performer);
    sink_reference(s, m->recorder);
    sink_reference(s, m->prior_prescription);
    sink_references(s, m->based_on, m->n_based_on);
    sink_references(s, m->reason_reference, m->n_reason_reference);
    sink_date(s, WARD_FHIR_DATETIME, m->authored_on, false);
}

void index_procedure(struct sink *s, const Ward__Records__V1__Procedure *p)
{
    s->out->status = (int)p->status;
    sink_labels(s, p->meta);
    sink_identifiers(s, p->identifier, p->n_identifier);
    sink_concept(s, PARAM_CODE, p->code);
    sink_concept(s, PARAM_CATEGORY, p->category);
    sink_concepts(s, PARAM_REASON, p->reason_code, p->n_reason_code);
    sink_encounter(s, p->encounter);
    for (size_t i = 0; i < p->n_performer; i++)
        sink_reference(s, p->performer[i]->actor);
    sink_reference(s, p->recorder);
    sink_reference(s, p->asserter);
    sink_reference(s, p->location);
    sink_references(s, p->based_on, p->n_based_on);
    sink_references(s, p->part_of, p->n_part_of);
    sink_references(s, p->reason_reference, p->n_reason_reference);
    sink_references(s, p->report, p->n_report);
    if (p->performed_case == OF(PROCEDURE__PERFORMED_PERFORMED_DATE_TIME))
        sink_date(s, WARD_FHIR_DATETIME, p->performed_date_time, false);
    if (p->performed_case == OF(PROCEDURE__PERFORMED_PERFORMED_PERIOD))
        sink_period(s, p->performed_period, false);
}

void index_immunization(struct sink *s, const Ward__Records__V1__Immunization *m)
{
    s->out->status = (int)m->status;
    sink_labels(s, m->meta);
    sink_identifiers(s, m->identifier, m->n_identifier);
    sink_concept(s, PARAM_CODE, m->vaccine_code);
    sink_concepts(s, PARAM_REASON, m->reason_code, m->n_reason_code);
    sink_encounter(s, m->encounter);
    for (size_t i = 0; i < m->n_performer; i++)
        sink_reference(s, m->performer[i]->actor);
    sink_reference(s, m->location);
    sink_reference(s, m->manufacturer);
    sink_references(s, m->reason_reference, m->n_reason_reference);
    for (size_t i = 0; i < m->n_reaction; i++)
        sink_reference(s, m->reaction[i]->detail);
    if (m->occurrence_case == OF(IMMUNIZATION__OCCURRENCE_OCCURRENCE_DATE_TIME))
        sink_date(s, WARD_FHIR_DATETIME, m->occurrence_date_time, false);
    sink_date(s, WARD_FHIR_DATETIME, m->recorded, true);
}

void index_service(struct sink *s, const Ward__Records__V1__ServiceRequest *r)
{
    static const char *const intents[] = {"",
                                          "proposal",
                                          "plan",
                                          "directive",
                                          "order",
                                          "original-order",
                                          "reflex-order",
                                          "filler-order",
                                          "instance-order",
                                          "option"};

    s->out->status = (int)r->status;
    sink_labels(s, r->meta);
    sink_identifiers(s, r->identifier, r->n_identifier);
    sink_concept(s, PARAM_CODE, r->code);
    sink_concepts(s, PARAM_CATEGORY, r->category, r->n_category);
    sink_concepts(s, PARAM_REASON, r->reason_code, r->n_reason_code);
    if ((size_t)r->intent < WARD_COUNT(intents))
        sink_word(s, PARAM_TYPE, intents[r->intent]);
    priority(s, r->priority);
    sink_encounter(s, r->encounter);
    sink_reference(s, r->requester);
    sink_references(s, r->performer, r->n_performer);
    sink_references(s, r->based_on, r->n_based_on);
    sink_references(s, r->replaces, r->n_replaces);
    sink_references(s, r->specimen, r->n_specimen);
    sink_references(s, r->reason_reference, r->n_reason_reference);
    sink_date(s, WARD_FHIR_DATETIME, r->authored_on, false);
    if (r->occurrence_case == OF(SERVICE_REQUEST__OCCURRENCE_OCCURRENCE_DATE_TIME))
        sink_date(s, WARD_FHIR_DATETIME, r->occurrence_date_time, true);
    if (r->occurrence_case == OF(SERVICE_REQUEST__OCCURRENCE_OCCURRENCE_PERIOD))
        sink_period(s, r->occurrence_period, true);
}
