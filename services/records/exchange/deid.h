/* deid.h - de-identification of a resource.
 *
 * deid_fields.c lists the exported fields by message. Other fields are not exported, and a test
 * fails for a field without a decision. Free text, names, identifiers, contacts, addresses
 * except the state, extensions, narratives, attachments and unmodelled elements are never
 * exported. Codes are exported if their system is a known terminology and their syntax is
 * valid.
 *
 * Source: 45 CFR 164.514(b)(2). Dates are shifted by a patient's own number of days, which
 * (b)(2)(i)(C) does not permit (only years): docs/records.md explains the consequences.
 *
 * Threads: any. Memory: the arena. Errors: RESOURCE_EXHAUSTED; keyring.h's.
 */
#ifndef RECORDS_EXCHANGE_DEID_H
#define RECORDS_EXCHANGE_DEID_H

#include "services/records/records.h"

#define DEID_TAGS    "http://ward/deidentified" /* meta.tag.system of exported resources */
#define DEID_OVER_89 "over-89" /* the group of all who are 90 or more: without a birth date */

/* One patient of one project. */
struct deid {
    struct ward_keyring *keys;
    struct ward_arena *mem;
    const char *project;
    const uint8_t *root;              /* the surviving record of the chart */
    const uint8_t (*all)[RECORDS_ID]; /* merged records, root included */
    size_t n;
    /* set by deid_begin */
    int back_days;           /* 1 to 364 */
    bool over_89, hide_ages; /* a patient of unknown age may be over 89 too */
    int64_t ancient_us;      /* 89 years ago */
};
/* The secret number of days, which is equal in all projects: with a number for each, many
 * projects would reveal the true dates. birth_date: of root, "" if unknown. */
WARD_MUST enum ward_code deid_begin(struct deid *d, const char *birth_date, int64_t now_us,
                                    struct ward_err *err);
/* In place. *out false: it must not be exported (another patient of the chart, a birth date,
 * the age of a person over 89, a date more than 89 years ago, an Other). */
WARD_MUST enum ward_code deid_resource(const struct deid *d, Resource *res, bool *out,
                                       struct ward_err *err);

/* ---- deid.c, deid_ages.c: steps of the above ---- */

void deid_clear(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);
/* A date more than 89 years ago: only older people have one. */
bool deid_is_ancient(const struct deid *d, const char *date);
/* A resource that reveals a birth date or a protected age, or has such an old date. */
bool deid_tells(const struct deid *d, Resource *res);
/* Clears ages at onset and of reference ranges, and times of more than 89 years. */
void deid_no_ages(ProtobufCMessage *m);

/* ---- deid_fields.c ---- */

enum deid_how {
    DEID_UNDECIDED, /* not in the list: not exported, and the test fails */
    DEID_DROP,
    DEID_KEEP,  /* a message: by its own fields; otherwise a number, a flag, an enum */
    DEID_SHIFT, /* a date */
    DEID_TEXT   /* a string that the message's own rule handles: deid.c */
};
enum deid_how deid_how(const ProtobufCMessageDescriptor *type,
                       const ProtobufCFieldDescriptor *field);

/* ---- deid_codes.c ---- */

/* A terminology that identifies no person, and a code with its syntax. */
bool deid_is_code(const char *system, const char *code);
/* A unit without words in braces, except a few. */
bool deid_is_unit(const char *code);
/* A state or province as its country lists it, by name or code. */
bool deid_is_state(const char *state);

#endif
