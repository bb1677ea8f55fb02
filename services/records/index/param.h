/* param.h - search tokens of resources: the numbers of token.param and their hashes.
 *
 * Threads: any thread. Memory: the caller's. Errors: those of keyring.h. The numbers are stored
 * in the database: never reuse a number.
 */
#ifndef RECORDS_STORE_PARAM_H
#define RECORDS_STORE_PARAM_H

#include "services/records/records.h"

#define TOKEN_HASH 16

enum param {
    /* Codes, hashed from "system|code", and from "|code" for searches without a system. */
    /* code; Encounter.type; DocumentReference.type; Consent.scope; medication; vaccineCode */
    PARAM_CODE = 1,
    PARAM_CATEGORY = 2,
    PARAM_CLASS = 3,          /* Encounter.class */
    PARAM_REASON = 4,         /* reasonCode; DocumentReference.context.event */
    PARAM_VALUE_CONCEPT = 5,  /* Observation.valueCodeableConcept, also of components */
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
    PARAM_ATTACHMENT = 21, /* "|<sha256 in hex>"; tokens of earlier versions remain */
    /* Keyed parameters: data that identify a person. */
    PARAM_IDENTIFIER = 30, /* "system|value" and "|value" */
    PARAM_FAMILY = 31,     /* every prefix of each word (param_words) */
    PARAM_GIVEN = 32,      /* every prefix of each word (param_words) */
    PARAM_NAME_TEXT = 33,  /* prefixes of words of HumanName.text, prefix and suffix */
    PARAM_NAME_EXACT = 34, /* a whole part of a name, as written */
    PARAM_TELECOM = 35,    /* in the form of param_telecom */
    PARAM_POSTAL_CODE = 36,
    /* For finding duplicates. PARAM_BIRTH_AND_NAME, "1949-08-02|b": the birth date as written,
     * and the normalized first letter of each word of family or text. PARAM_NAME_PAIR,
     * "Anna|Beispiel": two parts of a name as written, in byte order. */
    PARAM_BIRTH_AND_NAME = 37,
    PARAM_NAME_PAIR = 38
};
bool param_is_keyed(enum param p);

/* Hashes "system|code" as written (n bytes). Keyed parameters are hashed with the service's
 * hash key, bound to p. */
WARD_MUST enum ward_code param_hash(struct ward_keyring *keys, enum param p, const char *text,
                                    size_t n, uint8_t out[TOKEN_HASH], struct ward_err *err);

/* Normalizes a word for PARAM_FAMILY and similar parameters: NFKD, without marks and case, in
 * any script, truncated to PARAM_POINTS code points.   RESOURCE_EXHAUSTED */
#define PARAM_POINTS 64
WARD_MUST enum ward_code param_fold(struct ward_arena *mem, const char *utf8, char **out,
                                    struct ward_err *err);
/* A name's words, each normalized and truncated; queries are truncated in the same way.
 * "O'Brien" is two words; param_joined makes it one word.   RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code param_words(struct ward_arena *mem, const char *name, char ***out,
                                     size_t *n, struct ward_err *err);
/* Replaces letters in a normalized word as people type them: "ł" "l", "ø" "o", "æ" "ae", "ı"
 * "i" ... RESOURCE_EXHAUSTED
 */
WARD_MUST enum ward_code param_plain(struct ward_arena *mem, const char *word, char **out,
                                     struct ward_err *err);
/* Removes a name's apostrophes: "OBrien". *out is NULL if the name has no apostrophe.
 * RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code param_joined(struct ward_arena *mem, const char *name, char **out,
                                      struct ward_err *err);
bool param_is_han(const char *folded); /* only Chinese characters */
/* Reduces a telephone number to its digits and a leading "+". Normalizes any other text, for
 * example an e-mail address to lower case.   RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code param_telecom(struct ward_arena *mem, const char *value, char **out,
                                       struct ward_err *err);

#endif
