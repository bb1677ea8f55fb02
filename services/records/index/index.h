/* index.h - extracts a resource's search columns and tokens. Pure except for the keyed hash.
 *
 * Threads: any. Memory: the arena. Errors: RESOURCE_EXHAUSTED; keyring.h's. The resource has
 * passed fhir_check.
 */
#ifndef RECORDS_STORE_INDEX_H
#define RECORDS_STORE_INDEX_H

#include "services/records/index/param.h"

#define NO_DATE INT64_MIN
/* The zone, in minutes east of UTC, of dates without one: a birthday, a day of onset. Searches
 * by date use it too. */
#define INDEX_ZONE 0
/* An open end, and an open start. */
#define DATE_OPEN  INT64_MAX
#define DATE_SINCE (INT64_MIN + 1)
/* Limit of one resource: one with more is refused. */
#define TOKENS_MAX 8192

/* Prefix of an attachment's url; 64 hex digits follow. */
#define ATTACHMENT_URN "urn:sha-256:"

struct token {
    enum param param;
    uint8_t hash[TOKEN_HASH];
};
/* By param, then hash: the order of found_by.token. */
int token_cmp(const struct token *a, const struct token *b);
/* A code, for the dictionary of counts. */
struct named_code {
    uint8_t hash[TOKEN_HASH];
    const char *system, *code;
};
/* One denial of a consent. */
struct deny {
    const char *actor, *role; /* NULL: not restricted by it */
    uint32_t kinds, labels;   /* 0: all */
    int64_t from_us, to_us;
};
/* When an encounter is open in a ward. */
struct stay {
    const char *ward;
    int64_t from_us, until_us;
};
struct found_by {
    enum kind kind;
    int status;
    bool wrong; /* entered in error */
    uint32_t labels;
    int64_t from_us, to_us; /* NO_DATE and NO_DATE */
    bool has_second;
    int64_t from2_us, to2_us;
    bool has_encounter;
    uint8_t encounter[RECORDS_ID];
    bool has_value;   /* a quantity in UCUM, without a comparator */
    double value;     /* in `unit` */
    const char *unit; /* canonical UCUM, at most 32 bytes */
    struct token *token;
    size_t n_tokens; /* by token_cmp, without duplicates */
    struct named_code *code;
    size_t n_codes;
    uint8_t (*attachment)[WARD_SHA256_SIZE]; /* attachments that it names by urn:sha-256 */
    size_t n_attachments;
    /* Patient */
    int gender;
    int64_t birth_us; /* NO_DATE */
    /* Encounter: wards of its locations, each once; and where it is open, a ward once for each
     * start */
    const char **ward;
    size_t n_wards;
    struct stay *stay;
    size_t n_stays;
    /* Consent, while active.  */
    struct deny *deny;
    size_t n_denies;
};
/*   FAILED_PRECONDITION  CONSENT_NOT_ENFORCEABLE
 *   INVALID_ARGUMENT     RESOURCE_TOO_LARGE: over TOKENS_MAX */
WARD_MUST enum ward_code index_of(struct ward_keyring *keys, struct ward_arena *mem,
                                  const Resource *res, struct found_by *out,
                                  struct ward_err *err);

#endif
