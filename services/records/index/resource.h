/* resource.h - parts that resources of all kinds have.
 *
 * Threads: pure functions. Memory: the resource's. Errors: as resource_patient says.
 */
#ifndef RECORDS_STORE_RESOURCE_H
#define RECORDS_STORE_RESOURCE_H

#include "services/records/records.h"

enum kind resource_kind(const Resource *res);
const char *kind_name(enum kind kind);          /* "Observation" */
const char *resource_type(const Resource *res); /* "Observation"; for an Other "CarePlan" */
/* Returns KIND_NONE for an unknown name, and never KIND_OTHER. */
enum kind kind_of_name(const char *name);
/* kind_of_name for kinds in charts. Returns KIND_NONE for kinds without a patient, to which no
 * denial applies. References name these kinds in their source's form: "Location/ward-3" is a
 * ward, "Practitioner/nurse-1" is the subject of a person's token. */
enum kind kind_of_chart(const char *name);
const char *resource_id(const Resource *res); /* "" for a resource without an id */
bool resource_is_wrong(const Resource *res);  /* entered in error */
void resource_set_id(Resource *res, char *id);
Ward__Records__V1__Meta **resource_meta(const Resource *res);
/* Reads a resource's patient; for a Patient, its own id.
 *   INVALID_ARGUMENT  REFERENCE_INVALID, with the field */
WARD_MUST enum ward_code resource_patient(const Resource *res, uint8_t out[RECORDS_ID],
                                          struct ward_err *err);
/* Returns a resource's reference to the patient, and the field's name. NULL for a Patient, and
 * for a resource without a patient. */
Ward__Records__V1__Reference *resource_subject(const Resource *res, const char **field);
/* Parses "Patient/<uuid>" and "urn:uuid:<uuid>". Returns false for other texts, and for kinds
 * without a patient. *kind is KIND_NONE for urn:uuid.
 */
bool reference_parse(const char *reference, enum kind *kind, uint8_t out[RECORDS_ID]);

#endif
