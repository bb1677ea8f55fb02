/* search.h - FHIR search: finds one page of readable resources by parameters.
 *
 * params.c is the table of parameters. value.c parses values. plan.c selects the starting
 * point. cond.c and sql.c build the statement from constant fragments with every value bound.
 * page.c builds and runs the queries. cursor.c creates page tokens. VIEW_SQL in each statement
 * limits results and counts to readable rows.
 *
 * Threads: call from a worker's thread; the table of texts (shapes.c) has its own lock. Memory:
 * the call's arena. Errors: INVALID_ARGUMENT PARAMETER_UNKNOWN, PARAMETER_INVALID,
 * PAGE_TOKEN_INVALID; those of db.h and chart.h. No error contains a value.
 */
#ifndef RECORDS_SEARCH_H
#define RECORDS_SEARCH_H

#include "services/records/store/chart.h"

#define SEARCH_PARAMETERS 12
#define SEARCH_VALUES     20
#define SEARCH_VALUE_MAX  256 /* bytes */
#define SEARCH_PAGE_MOST  200
#define SEARCH_TOTAL_MOST 10000
/* a longer resource is in the table `lasting` */
#define SEARCH_LONG_US (INT64_C(400) * 86400 * 1000000)
/* maximum words of a requested name */
#define SEARCH_WORDS_MOST 8

/* ---- params.c: search parameters ---- */

enum ask {
    ASK_ID,         /* the resource's id */
    ASK_UPDATED,    /* time of writing of the current version */
    ASK_PATIENT,    /* the patient: all merged records of the chart */
    ASK_STATUS,     /* the kind's enum Status */
    ASK_CODE,       /* "system|code" */
    ASK_REFERENCE,  /* a reference to another resource */
    ASK_WARD,       /* Encounter.location */
    ASK_IDENTIFIER, /* "system|value" */
    ASK_NAME,       /* words with this prefix */
    ASK_TELECOM,
    ASK_POSTAL,
    ASK_DATE,   /* the kind's date */
    ASK_SECOND, /* the kind's second date */
    ASK_QUANTITY
};
struct search_param {
    const char *name; /* NULL: end of the table */
    uint32_t kinds;
    enum ask ask;
    enum param token[3];  /* matches any of these tokens; 0 ends the list */
    const char *elements; /* FHIR elements, for the documentation */
    /* types for a reference without a type: "Practitioner Organization" */
    const char *targets;
};
extern const struct search_param search_params[];
/* Finds a parameter; NULL: the kind has no parameter of this name. */
const struct search_param *search_param_of(enum kind kind, const char *name);
/* The enum number of a FHIR status ("entered-in-error"); 0: the kind has no such status. */
int search_status_of(enum kind kind, const char *code);
/* Prints the table for docs/records.md in Markdown. */
char *search_params_print(struct ward_arena *mem);

/* ---- value.c: requested values ---- */

enum prefix { PRE_EQ, PRE_NE, PRE_GT, PRE_LT, PRE_GE, PRE_LE, PRE_SA, PRE_EB, PRE_AP };

struct tokens { /* alternatives: a resource matches any of these tokens */
    struct token *at;
    size_t n;
};
struct value {
    struct tokens *group; /* the resource has a token of every group */
    size_t n_groups;
    enum prefix prefix;
    int64_t from_us, to_us;        /* a date's interval, half-open */
    double low, high, number, eps; /* a quantity in `unit`: interval, number and tolerance */
    const char *unit;
    uint8_t id[RECORDS_ID]; /* for ASK_ID and ASK_PATIENT */
    int status;
};
enum modifier { MOD_NONE, MOD_NOT, MOD_EXACT, MOD_MISSING, MOD_PRESENT };
struct filter {
    const struct search_param *param;
    enum modifier modifier; /* missing=false is MOD_PRESENT */
    struct value *value;
    size_t n;
};
struct search {
    enum kind kind;
    struct filter filter[SEARCH_PARAMETERS];
    size_t n;
    Ward__Records__V1__Order order;
    int page;
    bool wrong_too;
    int64_t asked_us; /* time of the first page: the meaning of "approximately now" */
};
/* For search_read, which parses q's parameters into s. s->kind and s->asked_us are already
 * set. */
struct search_reader {
    struct ward_arena *mem;
    struct ward_keyring *keys;
    struct ward_err *err;
};
WARD_MUST enum ward_code search_read(const struct search_reader *r,
                                     const Ward__Records__V1__SearchRequest *q,
                                     struct search *s);

/* ---- cursor.c: page tokens ---- */

struct cursor {
    int64_t asked_us;       /* the first page's time */
    int64_t at_us;          /* the last listed resource's date or time of writing */
    uint8_t id[RECORDS_ID]; /* the last listed resource's id */
};
#define CURSOR_SIZE    49
#define CURSOR_LIFE_US (INT64_C(24) * 3600 * 1000000)
/* Creates a page token, which is bound to the person and the request. Any replica can read the
 * token. */
WARD_MUST enum ward_code cursor_seal(struct ward_keyring *keys, struct ward_arena *mem,
                                     const Ward__Records__V1__SearchRequest *q,
                                     const char *person, const struct cursor *c, char **out,
                                     struct ward_err *err);
/* Reads a page token.
 *   PAGE_TOKEN_INVALID  forged, of another request or person, or older than a day */
WARD_MUST enum ward_code cursor_open(struct ward_keyring *keys, struct ward_arena *mem,
                                     const Ward__Records__V1__SearchRequest *q,
                                     const char *person, int64_t now_us, struct cursor *out,
                                     struct ward_err *err);

#endif
