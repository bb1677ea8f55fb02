/* FHIR R4's rules for Practitioner, Organization and Location, and the ids that their sources
 * gave.
 * Source: HL7 FHIR R4, https://hl7.org/fhir/R4/organization.html */
#include "services/records/fhir/fhir_own.h"

#include <string.h>

bool fhir_is_nobodys(const MessageType *type)
{
    return type == &ward__records__v1__practitioner__descriptor ||
           type == &ward__records__v1__organization__descriptor ||
           type == &ward__records__v1__location__descriptor;
}

bool fhir_keeps_id(const MessageType *type, const struct ward_json *member)
{
    const char *s = ward_json_string(member);
    uint8_t id[RECORDS_ID];

    return fhir_is_nobodys(type) && s != NULL && strcmp(member->key, "id") == 0 &&
           !ward_uuid_parse(s, id);
}

/* org-1: has a name or an identifier. org-2, org-3: no address or telecom has the use
 * "home". */
enum ward_code fhir_organization(struct fhir_checking *k, const Message *m,
                                 struct ward_err *err)
{
    const Ward__Records__V1__Organization *o =
        (const Ward__Records__V1__Organization *)(const void *)m;

    if (*o->name == '\0' && o->n_identifier == 0)
        return FHIR_FAIL(err, &k->path, "FIELD_INVALID", "must have a name or an identifier");
    for (size_t i = 0; i < o->n_address; i++)
        if (o->address[i]->use == WARD__RECORDS__V1__ADDRESS__USE__USE_HOME)
            return FHIR_PART_FAIL(k, err, "address", "FIELD_INVALID",
                                  "of an organization must not be for use at home");
    for (size_t i = 0; i < o->n_telecom; i++)
        if (o->telecom[i]->use == WARD__RECORDS__V1__CONTACT_POINT__USE__USE_HOME)
            return FHIR_PART_FAIL(k, err, "telecom", "FIELD_INVALID",
                                  "of an organization must not be for use at home");
    return WARD_OK;
}
