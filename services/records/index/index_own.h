/* index_own.h - declarations that the files of the index share. A sink collects the tokens of
 * one resource.
 *
 * Threads, memory and errors: as in index.h. After a failure a sink ignores further tokens, so
 * a caller checks sink.code once, at the end.
 */
#ifndef RECORDS_STORE_INDEX_OWN_H
#define RECORDS_STORE_INDEX_OWN_H

#include "common/measure/fhirtime.h"
#include "services/records/index/index.h"

/* Short names of the wire's types. */
typedef Ward__Records__V1__Coding Coding;
typedef Ward__Records__V1__CodeableConcept Concept;
typedef Ward__Records__V1__Reference Reference;
typedef Ward__Records__V1__Identifier Identifier;
typedef Ward__Records__V1__Quantity Quantity;
typedef Ward__Records__V1__Period Period;
typedef Ward__Records__V1__Meta Meta;
typedef Ward__Records__V1__Patient Patient;
typedef Ward__Records__V1__Encounter Encounter;
typedef Ward__Records__V1__Observation Observation;
typedef Ward__Records__V1__Condition Condition;
typedef Ward__Records__V1__AllergyIntolerance Allergy;
typedef Ward__Records__V1__DocumentReference Document;
typedef Ward__Records__V1__DiagnosticReport Report;
typedef Ward__Records__V1__Consent Consent;

/* The entered-in-error status of a Condition or an AllergyIntolerance. */
#define CLINICAL_SYSTEMS       "http://terminology.hl7.org/CodeSystem/"
#define CONDITION_VERIFICATION CLINICAL_SYSTEMS "condition-ver-status"
#define ALLERGY_VERIFICATION   CLINICAL_SYSTEMS "allergyintolerance-verification"
#define WRONG_CODE             "entered-in-error"

struct sink {
    struct ward_keyring *keys;
    struct ward_arena *mem;
    struct found_by *out;
    struct ward_err *err;
    enum ward_code code; /* the first failure's code */
    size_t token_cap, code_cap, attachment_cap;
};

/* Records the first failure. Returns whether no failure has occurred. */
bool sink_is(struct sink *s, enum ward_code code);
/* Makes room for one more element in a list in the arena, which has n elements and the capacity
 * *cap. NULL: no memory; the sink has recorded the failure. */
void *sink_room(struct sink *s, void *list, size_t n, size_t *cap, size_t size);
/* Adds a token of exactly this text. "" is ignored. */
void sink_text(struct sink *s, enum param p, const char *text, size_t n);
void sink_word(struct sink *s, enum param p, const char *code); /* adds a token of "|code" */
void sink_coding(struct sink *s, enum param p, const Coding *c);
void sink_concept(struct sink *s, enum param p, const Concept *c);
void sink_concepts(struct sink *s, enum param p, Concept *const *list, size_t n);
void sink_reference(struct sink *s, const Reference *r);
void sink_references(struct sink *s, Reference *const *list, size_t n);
void sink_identifiers(struct sink *s, Identifier *const *list, size_t n);
void sink_encounter(struct sink *s, const Reference *r);
/* sink_name indexes the parts of a person's name; sink_title indexes the name of an
 * organization or place. */
void sink_name(struct sink *s, const Ward__Records__V1__HumanName *h);
void sink_title(struct sink *s, const char *name);
void sink_telecom(struct sink *s, Ward__Records__V1__ContactPoint *const *list, size_t n);
void sink_address(struct sink *s, const Ward__Records__V1__Address *a);
void sink_gender(struct sink *s, Ward__Records__V1__AdministrativeGender gender);
void sink_labels(struct sink *s, const Meta *meta);
/* Sets the resource's date, or its second date. "" and NULL are ignored. */
void sink_date(struct sink *s, enum ward_fhirtime_type type, const char *text, bool second);
void sink_period(struct sink *s, const Period *p, bool second);
/* Converts a period to an interval. A missing start or end is unbounded. */
void sink_span(struct sink *s, const Period *p, int64_t *from_us, int64_t *to_us);
/* sink_span with the widest interval: a date without a zone begins at UTC+14 and ends at
 * UTC-12. For decisions on access: consents and stays. Source: IANA time zone database,
 * Pacific/Kiritimati, Etc/GMT+12.
 */
void sink_span_widest(struct sink *s, const Period *p, int64_t *from_us, int64_t *to_us);
/* Adds the attachment that a url names by its hash. */
void sink_attachment(struct sink *s, const Ward__Records__V1__Attachment *a);
bool concept_has(const Concept *c, const char *system, const char *code);

void index_patient(struct sink *s, const Patient *p);
void index_encounter(struct sink *s, const Encounter *e);
void index_observation(struct sink *s, const Observation *o);
void index_condition(struct sink *s, const Condition *c);
void index_allergy(struct sink *s, const Allergy *a);
void index_document(struct sink *s, const Document *d);
void index_report(struct sink *s, const Report *r);
void index_consent(struct sink *s, const Consent *c);
void index_medication(struct sink *s, const Ward__Records__V1__MedicationStatement *m);
void index_prescription(struct sink *s, const Ward__Records__V1__MedicationRequest *m);
void index_procedure(struct sink *s, const Ward__Records__V1__Procedure *p);
void index_immunization(struct sink *s, const Ward__Records__V1__Immunization *i);
void index_other(struct sink *s, const Resource *res);
void index_service(struct sink *s, const Ward__Records__V1__ServiceRequest *r);
void index_practitioner(struct sink *s, const Ward__Records__V1__Practitioner *p);
void index_organization(struct sink *s, const Ward__Records__V1__Organization *o);
void index_location(struct sink *s, const Ward__Records__V1__Location *l);

#endif
