/* Indexes Practitioner, Organization and Location by name, identifier and their other search
 * parameters. */
#include "services/records/index/index_own.h"

typedef Ward__Records__V1__Practitioner Practitioner;
typedef Ward__Records__V1__Organization Organization;
typedef Ward__Records__V1__Location Location;

static void active(struct sink *s, bool said, bool is)
{
    sink_word(s, PARAM_ACTIVE, !said || is ? "true" : "false");
}

void index_practitioner(struct sink *s, const Practitioner *p)
{
    sink_identifiers(s, p->identifier, p->n_identifier);
    for (size_t i = 0; i < p->n_name; i++)
        sink_name(s, p->name[i]);
    sink_telecom(s, p->telecom, p->n_telecom);
    for (size_t i = 0; i < p->n_address; i++)
        sink_address(s, p->address[i]);
    sink_gender(s, p->gender);
    active(s, p->active_presence_case != 0, p->active);
    sink_concepts(s, PARAM_LANGUAGE, p->communication, p->n_communication);
}

void index_organization(struct sink *s, const Organization *o)
{
    sink_identifiers(s, o->identifier, o->n_identifier);
    sink_title(s, o->name);
    for (size_t i = 0; i < o->n_alias; i++)
        sink_title(s, o->alias[i]);
    for (size_t i = 0; i < o->n_address; i++)
        sink_address(s, o->address[i]);
    active(s, o->active_presence_case != 0, o->active);
    sink_concepts(s, PARAM_CODE, o->type, o->n_type);
    sink_reference(s, o->part_of);
}

void index_location(struct sink *s, const Location *l)
{
    static const char *const statuses[] = {"", "active", "suspended", "inactive"};

    sink_identifiers(s, l->identifier, l->n_identifier);
    sink_title(s, l->name);
    for (size_t i = 0; i < l->n_alias; i++)
        sink_title(s, l->alias[i]);
    sink_address(s, l->address);
    if ((int)l->status > 0 && (size_t)l->status < WARD_COUNT(statuses))
        sink_word(s, PARAM_STATUS, statuses[l->status]);
    sink_concepts(s, PARAM_CODE, l->type, l->n_type);
    sink_reference(s, l->managing_organization);
    sink_reference(s, l->part_of);
}
