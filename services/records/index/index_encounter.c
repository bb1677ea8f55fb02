/* Indexes an encounter by location and reason, and computes the wards in which it is open. */
#include "services/records/index/index_own.h"

#include <string.h>

/* A stay counts from 900 s before its start, because clocks differ. */
#define EARLY_US (900 * WARD_US_PER_SECOND)

typedef Ward__Records__V1__Encounter__Location Location;

static bool is_open(const Encounter *e)
{
    switch (e->status) {
    case WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_ARRIVED:
    case WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_TRIAGED:
    case WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_IN_PROGRESS:
    case WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_ONLEAVE:
        return true;
    default:
        return false;
    }
}

static bool is_there(const Location *l)
{
    switch (l->status) {
    case WARD__RECORDS__V1__ENCOUNTER__LOCATION_STATUS__LOCATION_STATUS_PLANNED:
    case WARD__RECORDS__V1__ENCOUNTER__LOCATION_STATUS__LOCATION_STATUS_RESERVED:
    case WARD__RECORDS__V1__ENCOUNTER__LOCATION_STATUS__LOCATION_STATUS_COMPLETED:
        return false;
    default:
        return true;
    }
}

/* The ward of a location; NULL: the location is not a ward. */
static const char *ward_of(const Location *l)
{
    static const char PREFIX[] = "Location/";
    const char *name;

    if (l->location == NULL || strncmp(l->location->reference, PREFIX, strlen(PREFIX)) != 0)
        return NULL;
    name = l->location->reference + strlen(PREFIX);
    return ward_name_is(name) ? name : NULL;
}

static void add_ward(struct found_by *f, const char *ward)
{
    for (size_t i = 0; i < f->n_wards; i++)
        if (strcmp(f->ward[i], ward) == 0)
            return;
    f->ward[f->n_wards++] = ward;
}

static void add_stay(struct found_by *f, const struct stay *stay)
{
    for (size_t i = 0; i < f->n_stays; i++) {
        struct stay *known = &f->stay[i];

        if (strcmp(known->ward, stay->ward) != 0 || known->from_us != stay->from_us)
            continue;
        if (known->until_us < stay->until_us)
            known->until_us = stay->until_us;
        return;
    }
    f->stay[f->n_stays++] = *stay;
}

/* Adds a stay for the time that the encounter's and the location's periods share. */
static void opens(struct sink *s, const Encounter *e, const Location *l, const char *ward)
{
    struct stay whole = {.ward = ward}, part = {.ward = ward};

    sink_span_widest(s, e->period, &whole.from_us, &whole.until_us);
    sink_span_widest(s, l->period, &part.from_us, &part.until_us);
    if (part.from_us < whole.from_us)
        part.from_us = whole.from_us;
    if (part.until_us > whole.until_us)
        part.until_us = whole.until_us;
    if (part.from_us > DATE_SINCE + EARLY_US)
        part.from_us -= EARLY_US;
    if (part.from_us < part.until_us)
        add_stay(s->out, &part);
}

static void wards(struct sink *s, const Encounter *e)
{
    struct found_by *f = s->out;

    f->ward = ward_alloc(s->mem, e->n_location * sizeof(*f->ward));
    f->stay = ward_alloc(s->mem, e->n_location * sizeof(*f->stay));
    if (f->ward == NULL || f->stay == NULL) {
        sink_is(s, WARD_FAIL(s->err, RESOURCE_EXHAUSTED, "no memory for the wards"));
        return;
    }
    for (size_t i = 0; i < e->n_location; i++) {
        const char *ward = ward_of(e->location[i]);

        if (ward == NULL)
            continue;
        add_ward(f, ward);
        if (is_open(e) && is_there(e->location[i]))
            opens(s, e, e->location[i], ward);
    }
}

static void named(struct sink *s, const Encounter *e)
{
    for (size_t i = 0; i < e->n_participant; i++)
        sink_reference(s, e->participant[i]->individual);
    for (size_t i = 0; i < e->n_diagnosis; i++)
        sink_reference(s, e->diagnosis[i]->condition);
    for (size_t i = 0; i < e->n_location; i++)
        sink_reference(s, e->location[i]->location);
    sink_references(s, e->episode_of_care, e->n_episode_of_care);
    sink_references(s, e->based_on, e->n_based_on);
    sink_references(s, e->appointment, e->n_appointment);
    sink_references(s, e->reason_reference, e->n_reason_reference);
    sink_references(s, e->account, e->n_account);
    sink_reference(s, e->service_provider);
    sink_reference(s, e->part_of);
}

void index_encounter(struct sink *s, const Encounter *e)
{
    s->out->status = (int)e->status;
    sink_labels(s, e->meta);
    sink_identifiers(s, e->identifier, e->n_identifier);
    sink_coding(s, PARAM_CLASS, e->class_);
    sink_concepts(s, PARAM_CODE, e->type, e->n_type);
    sink_concepts(s, PARAM_REASON, e->reason_code, e->n_reason_code);
    wards(s, e);
    for (size_t i = 0; i < s->out->n_wards; i++)
        sink_word(s, PARAM_WARD, s->out->ward[i]);
    named(s, e);
    sink_period(s, e->period, false);
}
