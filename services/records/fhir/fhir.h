/* fhir.h - FHIR R4 resources: validation, and conversion from and to JSON.
 *
 * The mapping follows the compiled .proto. birthDate is birth_date. An enum's code is its name
 * in lower case without the prefix. Decimal is a JSON number with its original digits. A member
 * without a field is stored in more_json of the nearest message, and restored from there.
 *
 * Threads: pure functions. Memory: the arena. Errors: INVALID_ARGUMENT with the FHIR path as
 * the field and a reason that Records.Create documents; RESOURCE_EXHAUSTED.
 */
#ifndef RECORDS_FHIR_FHIR_H
#define RECORDS_FHIR_FHIR_H

#include "common/json/json.h"
#include "common/json/write.h"
#include "services/records/records.h"

/* Checks everything except the targets of references: required elements, codes, dates,
 * decimals, units, UTF-8, sizes and FHIR's invariants. Maximum sizes: 64 KiB for a string, 1
 * MiB for all div and notes.
 */
WARD_MUST enum ward_code fhir_check(struct ward_arena *mem, const Resource *res,
                                    struct ward_err *err);

/* Whether a resourceType has the form of a kind: 1 to 63 of A-Z a-z, beginning with a capital,
 * and not a misspelled interpreted kind ("OBSERVATION"). */
bool fhir_is_type(const char *name);
/* The member of a resource of any kind that names its patient (Claim.patient, Goal.subject,
 * Coverage.beneficiary...); NULL: no such member. */
const struct ward_json *fhir_other_whom(const struct ward_json *resource);
/* The only patient that references anywhere in the resource name ("Patient/1"). NULL: no
 * patient, or several patients. */
const char *fhir_other_named(const struct ward_json *resource);

/* Called for each element that is stored in more_json, with its path ("Patient._birthDate"). */
typedef void fhir_unmodelled_fn(void *arg, const char *path);
/* Converts JSON to a resource. A kind without a message becomes an Other with unchanged
 * members. */
WARD_MUST enum ward_code fhir_of_json(struct ward_arena *mem, const struct ward_json *v,
                                      fhir_unmodelled_fn *unmodelled, void *arg, Resource **out,
                                      struct ward_err *err);
/* Writes a resource as one JSON object, with resourceType as the first member. */
WARD_MUST enum ward_code fhir_to_json(struct ward_json_out *w, const Resource *res,
                                      struct ward_err *err);
/* Called for every field that is set, depth first. path has the form used by errors. */
typedef enum ward_code fhir_visit_fn(void *arg, const char *path,
                                     const ProtobufCMessage *message,
                                     const ProtobufCFieldDescriptor *field, void *value,
                                     struct ward_err *err);
WARD_MUST enum ward_code fhir_visit(struct ward_arena *mem, const Resource *res,
                                    fhir_visit_fn *fn, void *arg, struct ward_err *err);

#endif
