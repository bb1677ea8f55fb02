/* index.h - extracts a resource's search columns and tokens. Pure except for the keyed hash.
 *
 * Threads: any thread. Memory: the arena. Errors: RESOURCE_EXHAUSTED; those of keyring.h. The
 * resource has passed fhir_check.
 */
#ifndef RECORDS_STORE_INDEX_H
#define RECORDS_STORE_INDEX_H

#include "services/records/index/param.h"

#define NO_DATE INT64_MIN
/* The zone, in minutes east of UTC, of dates without a zone, for example a birthday or a day of
 * onset. Searches by date use this zone too. */
#define INDEX_ZONE 0
/* The values of a missing end and a missing start. */
#define DATE_OPEN  INT64_MAX
#define DATE_SINCE (INT64_MIN + 1)
/* Maximum tokens of a resource: a resource with more tokens is rejected. */
#define TOKENS_MAX 8192

/* Prefix of an attachment's url; 64 hex digits follow. */
#define ATTACHMENT_URN "urn:sha-256:"

struct token {
    enum param param;
    uint8_t hash[TOKEN_HASH];
};
/* Compares by param, then by hash: the order of found_by.token. */
int token_cmp(const struct token *a, const struct token *b);
/* A code for the dictionary of codes (store/codes.c). */
struct named_code {
    uint8_t hash[TOKEN_HASH];
    const char *system, *code;
};
/* One denial of a consent. */
struct deny {
    const char *actor, *role; /* NULL: any actor or role */
    uint32_t kinds, labels;   /* 0: all kinds, or all labels */
    int64_t from_us, to_us;
};
/* The time in which an encounter is open in a ward. */
struct stay {
    const char *ward;
    int64_t from_us, until_us;
};
struct found_by {
    enum kind kind;
    int status;
    bool wrong; /* entered in error */
    uint32_t labels;
    int64_t from_us, to_us; /* NO_DATE and NO_DATE: the resource has no date */
    bool has_second;
    int64_t from2_us, to2_us;
    bool has_encounter;
    uint8_t encounter[RECORDS_ID];
    bool has_value;   /* the value is a quantity in UCUM, without a comparator */
    double value;     /* in the unit `unit` */
    const char *unit; /* canonical UCUM, at most 32 bytes */
    struct token *token;
    size_t n_tokens; /* by token_cmp, without duplicates */
    struct named_code *code;
    size_t n_codes;
    /* attachments that the resource names by urn:sha-256 */
    uint8_t (*attachment)[WARD_SHA256_SIZE];
    size_t n_attachments;
    /* set for a Patient */
    int gender;
    int64_t birth_us; /* NO_DATE: unknown */
    /* set for an Encounter: the distinct wards of its locations, and the stays in which it is
     * open, with distinct ward and start */
    const char **ward;
    size_t n_wards;
    struct stay *stay;
    size_t n_stays;
    /* set for an active Consent */
    struct deny *deny;
    size_t n_denies;
};
/* Computes the search columns and tokens of a resource.
 *   FAILED_PRECONDITION  CONSENT_NOT_ENFORCEABLE
 *   INVALID_ARGUMENT     RESOURCE_TOO_LARGE: more than TOKENS_MAX tokens */
WARD_MUST enum ward_code index_of(struct ward_keyring *keys, struct ward_arena *mem,
                                  const Resource *res, struct found_by *out,
                                  struct ward_err *err);

#endif
