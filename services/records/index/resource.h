/* resource.h - a resource's common parts of all kinds.
 *
 * Threads: pure functions. Memory: the resource's. Errors: as resource_patient says.
 */
#ifndef RECORDS_STORE_RESOURCE_H
#define RECORDS_STORE_RESOURCE_H

#include "services/records/records.h"

enum kind resource_kind(const Resource *res);
const char *kind_name(enum kind kind);          /* "Observation" */
const char *resource_type(const Resource *res); /* the same; for an Other "CarePlan" */
/* KIND_NONE for an unknown name; never KIND_OTHER, whose resources have kinds of their own. */
enum kind kind_of_name(const char *name);
/* The same for kinds in charts: KIND_NONE for those without a patient, which references name in
 * their source's form ("Location/ward-3" is a ward, "Practitioner/nurse-1" a person's token),
 * and to which no denial applies. */
enum kind kind_of_chart(const char *name);
const char *resource_id(const Resource *res); /* "" where none is given */
bool resource_is_wrong(const Resource *res);  /* entered in error */
void resource_set_id(Resource *res, char *id);
Ward__Records__V1__Meta **resource_meta(const Resource *res);
/* Its patient (for a Patient: itself).
 *   INVALID_ARGUMENT  REFERENCE_INVALID, with the field */
WARD_MUST enum ward_code resource_patient(const Resource *res, uint8_t out[RECORDS_ID],
                                          struct ward_err *err);
/* Its reference to the patient, and the field's name; NULL: a Patient, or it has none. */
Ward__Records__V1__Reference *resource_subject(const Resource *res, const char **field);
/* "Patient/<uuid>", "urn:uuid:<uuid>": false for anything else, and for kinds without a
 * patient. *kind: KIND_NONE for urn:uuid
 */
bool reference_parse(const char *reference, enum kind *kind, uint8_t out[RECORDS_ID]);

#endif
