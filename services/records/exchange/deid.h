/* deid.h - de-identification of a resource.
 *
 * deid_fields.c lists the exported fields by message. Other fields are not exported, and a test
 * fails for a field that deid_fields.c does not list. Free text, names, identifiers, contacts,
 * addresses except the state, extensions, narratives, attachments and unmodelled elements are
 * never exported. Codes are exported if their system is a known terminology and their syntax is
 * valid.
 *
 * Source: 45 CFR 164.514(b)(2). Dates are shifted by a number of days that is specific to the
 * patient. (b)(2)(i)(C) permits only years: docs/records.md explains the consequences.
 *
 * Threads: any thread. Memory: the arena. Errors: RESOURCE_EXHAUSTED; those of keyring.h.
 */
#ifndef RECORDS_EXCHANGE_DEID_H
#define RECORDS_EXCHANGE_DEID_H

#include "services/records/records.h"

#define DEID_TAGS    "http://ward/deidentified" /* meta.tag.system of exported resources */
#define DEID_OVER_89 "over-89"                  /* patients of 90 years or more */

/* The de-identification of one patient for one project. */
struct deid {
    struct ward_keyring *keys;
    struct ward_arena *mem;
    const char *project;
    const uint8_t *root;              /* the surviving record of the chart */
    const uint8_t (*all)[RECORDS_ID]; /* merged records, including the root */
    size_t n;
    /* set by deid_begin */
    int back_days;           /* days to subtract from dates, 1 to 364 */
    bool over_89, hide_ages; /* hide_ages is also true for a patient of unknown age */
    int64_t ancient_us;      /* 89 years ago; earlier dates are not exported */
};
/* Computes the secret number of days for a patient. The number is equal in all projects: with
 * different numbers, several projects together would reveal the true dates. birth_date: the
 * birth date of root, "" if unknown. */
WARD_MUST enum ward_code deid_begin(struct deid *d, const char *birth_date, int64_t now_us,
                                    struct ward_err *err);
/* De-identifies res in place. *out is false for a resource that must not be exported: another
 * Patient of the chart, an Other, a resource without a patient, or a resource for which
 * deid_tells is true. */
WARD_MUST enum ward_code deid_resource(const struct deid *d, Resource *res, bool *out,
                                       struct ward_err *err);

/* ---- deid.c, deid_ages.c: steps of deid_resource ---- */

void deid_clear(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);
/* Whether a date is more than 89 years ago, which reveals an age over 89. */
bool deid_is_ancient(const struct deid *d, const char *date);
/* Whether a resource reveals a birth date or a protected age, or has a date more than 89 years
 * ago. */
bool deid_tells(const struct deid *d, Resource *res);
/* Clears ages at onset or abatement, ages of reference ranges, and durations of more than 89
 * years. */
void deid_no_ages(ProtobufCMessage *m);

/* ---- deid_fields.c ---- */

enum deid_how {
    DEID_UNDECIDED, /* not listed: the field is not exported, and a test fails */
    DEID_DROP,
    DEID_KEEP,  /* a number, a flag, an enum; or a message, whose fields decide */
    DEID_SHIFT, /* a date, which is shifted */
    DEID_TEXT   /* a string with a rule in deid.c */
};
enum deid_how deid_how(const ProtobufCMessageDescriptor *type,
                       const ProtobufCFieldDescriptor *field);

/* ---- deid_codes.c ---- */

/* Whether the system is a terminology that identifies no person, and the code has the system's
 * syntax. */
bool deid_is_code(const char *system, const char *code);
/* Whether the code is a UCUM unit without text in braces, except a few known texts. */
bool deid_is_unit(const char *code);
/* Whether the text is the name or code of a known state or province. */
bool deid_is_state(const char *state);

#endif
