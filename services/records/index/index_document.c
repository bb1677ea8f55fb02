/* Indexes notes and reports by type, category, author, encounter and date. */
#include "services/records/access/label.h"
#include "services/records/index/index_own.h"

static void context(struct sink *s, const Document *d)
{
    const Ward__Records__V1__DocumentReference__Context *c = d->context;

    if (c == NULL)
        return;
    for (size_t i = 0; i < c->n_encounter; i++) {
        if (i == 0)
            sink_encounter(s, c->encounter[i]);
        else
            sink_reference(s, c->encounter[i]);
    }
    sink_concepts(s, PARAM_REASON, c->event, c->n_event);
    sink_references(s, c->related, c->n_related);
    sink_period(s, c->period, true);
}

void index_document(struct sink *s, const Document *d)
{
    s->out->status = (int)d->status;
    sink_labels(s, d->meta);
    for (size_t i = 0; i < d->n_security_label; i++) {
        const Concept *label = d->security_label[i];

        for (size_t k = 0; k < label->n_coding; k++)
            s->out->labels |=
                label_of_security(label->coding[k]->system, label->coding[k]->code);
    }
    if (d->master_identifier != NULL)
        sink_identifiers(s, &(Identifier *){d->master_identifier}, 1);
    sink_identifiers(s, d->identifier, d->n_identifier);
    sink_concept(s, PARAM_CODE, d->type);
    sink_concepts(s, PARAM_CATEGORY, d->category, d->n_category);
    sink_references(s, d->author, d->n_author);
    sink_reference(s, d->authenticator);
    sink_reference(s, d->custodian);
    for (size_t i = 0; i < d->n_relates_to; i++)
        sink_reference(s, d->relates_to[i]->target);
    for (size_t i = 0; i < d->n_content; i++)
        sink_attachment(s, d->content[i]->attachment);
    context(s, d);
    sink_date(s, WARD_FHIR_INSTANT, d->date, false);
}

void index_report(struct sink *s, const Report *r)
{
    s->out->status = (int)r->status;
    sink_labels(s, r->meta);
    sink_identifiers(s, r->identifier, r->n_identifier);
    sink_concept(s, PARAM_CODE, r->code);
    sink_concepts(s, PARAM_CATEGORY, r->category, r->n_category);
    sink_concepts(s, PARAM_CONCLUSION, r->conclusion_code, r->n_conclusion_code);
    sink_encounter(s, r->encounter);
    sink_references(s, r->based_on, r->n_based_on);
    sink_references(s, r->performer, r->n_performer);
    sink_references(s, r->results_interpreter, r->n_results_interpreter);
    sink_references(s, r->specimen, r->n_specimen);
    sink_references(s, r->result, r->n_result);
    sink_references(s, r->imaging_study, r->n_imaging_study);
    for (size_t i = 0; i < r->n_presented_form; i++)
        sink_attachment(s, r->presented_form[i]);
    for (size_t i = 0; i < r->n_media; i++)
        sink_reference(s, r->media[i]->link);
    if (r->effective_case ==
        WARD__RECORDS__V1__DIAGNOSTIC_REPORT__EFFECTIVE_EFFECTIVE_DATE_TIME)
        sink_date(s, WARD_FHIR_DATETIME, r->effective_date_time, false);
    if (r->effective_case == WARD__RECORDS__V1__DIAGNOSTIC_REPORT__EFFECTIVE_EFFECTIVE_PERIOD)
        sink_period(s, r->effective_period, false);
    sink_date(s, WARD_FHIR_INSTANT, r->issued, true);
}
