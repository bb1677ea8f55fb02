/* param.h - search tokens of resources: the numbers of token.param and their hashes.
 *
 * Threads: any. Memory: the caller's. Errors: keyring.h's. Numbers are stored: never reuse one.
 */
#ifndef RECORDS_STORE_PARAM_H
#define RECORDS_STORE_PARAM_H

#include "services/records/records.h"

#define TOKEN_HASH 16

enum param {
    /* Codes: hashed from "system|code" and, for searches without a system, "|code". */
    /* code; Encounter.type; DocumentReference.type; Consent.scope; medication; vaccineCode */
    PARAM_CODE = 1,
    PARAM_CATEGORY = 2,
    PARAM_CLASS = 3,          /* Encounter.class */
    PARAM_REASON = 4,         /* reasonCode; DocumentReference.context.event */
    PARAM_VALUE_CONCEPT = 5,  /* Observation.valueCodeableConcept, components' too */
    PARAM_COMPONENT_CODE = 6, /* Observation.component.code */
    PARAM_CLINICAL_STATUS = 7,
    PARAM_VERIFICATION_STATUS = 8,
    /* Condition.severity; AllergyIntolerance.criticality as "|low"; a request's priority,
       "|stat" */
    PARAM_SEVERITY = 9,
    /* AllergyIntolerance.type, "|allergy"; a request's intent, "|order"; an Other's kind,
       "|CarePlan" */
    PARAM_TYPE = 10,
    PARAM_CONCLUSION = 11, /* DiagnosticReport.conclusionCode */
    PARAM_GENDER = 12,     /* "|female" */
    PARAM_ACTIVE = 13,     /* "|true", "|false" */
    PARAM_DECEASED = 14,   /* "|true", "|false" */
    PARAM_LANGUAGE = 15,   /* Patient.communication.language */
    PARAM_WARD = 16,       /* Encounter.location: "|ward-3" */
    PARAM_STATUS = 17,     /* Location.status: "|active" */
    /* References: "|<uuid>" or "|<text as written>". */
    PARAM_REFERENCE = 20,  /* encounter, result, hasMember, participant, performer... */
    PARAM_ATTACHMENT = 21, /* "|<sha256 in hex>"; those of earlier versions remain */
    /* Keyed: a person's. */
    PARAM_IDENTIFIER = 30, /* "system|value" and "|value" */
    PARAM_FAMILY = 31,     /* every prefix of each word (param_words) */
    PARAM_GIVEN = 32,      /* the same */
    PARAM_NAME_TEXT = 33,  /* the same of HumanName.text, prefix and suffix, for `name` */
    PARAM_NAME_EXACT = 34, /* a whole part, as written */
    PARAM_TELECOM = 35,    /* in the form of param_telecom */
    PARAM_POSTAL_CODE = 36,
    /* For duplicates: "1949-08-02|b", the birth date as written and each word's first letter of
     * family or text, normalized; "Anna|Beispiel", two of a name's parts as written, the lesser
     * first. */
    PARAM_BIRTH_AND_NAME = 37,
    PARAM_NAME_PAIR = 38
};
bool param_is_keyed(enum param p);

/* For "system|code" as written (n bytes); keyed ones by the service's hash key, bound to p. */
WARD_MUST enum ward_code param_hash(struct ward_keyring *keys, enum param p, const char *text,
                                    size_t n, uint8_t out[TOKEN_HASH], struct ward_err *err);

/* Normalizes a word for PARAM_FAMILY and similar ones: NFKD, without marks and case, in any
 * script; at most PARAM_POINTS code points count. RESOURCE_EXHAUSTED */
#define PARAM_POINTS 64
WARD_MUST enum ward_code param_fold(struct ward_arena *mem, const char *utf8, char **out,
                                    struct ward_err *err);
/* A name's words, each normalized and truncated; queries are truncated in the same way.
 * "O'Brien" is two words (and param_joined's one). RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code param_words(struct ward_arena *mem, const char *name, char ***out,
                                     size_t *n, struct ward_err *err);
/* A normalized word in its typed form: "ł" "l", "ø" "o", "æ" "ae", "ı" "i" ...
 * RESOURCE_EXHAUSTED
 */
WARD_MUST enum ward_code param_plain(struct ward_arena *mem, const char *word, char **out,
                                     struct ward_err *err);
/* A name without its apostrophes: "OBrien"; *out NULL: it has none. RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code param_joined(struct ward_arena *mem, const char *name, char **out,
                                      struct ward_err *err);
bool param_is_han(const char *folded); /* Chinese characters alone */
/* A telephone number's digits and leading "+", anything else normalized: an e-mail in lower
 * case. RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code param_telecom(struct ward_arena *mem, const char *value, char **out,
                                       struct ward_err *err);

#endif
