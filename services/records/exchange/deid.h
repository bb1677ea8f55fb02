/* deid.h - a resource without its person.
 *
 * What goes out stands in a list by message and field (deid_fields.c); what is not on it does
 * not go out, and a test fails for a field that nobody has decided about. Free text, names,
 * identifiers, contacts, addresses but the state, extensions, narratives, attachments and what
 * has no field of its own never do. Codes go out where their system is a known terminology and
 * they are written as it writes them.
 *
 * Source: 45 CFR 164.514(b)(2). Dates are shifted by a patient's own number of days, which is
 * not what (b)(2)(i)(C) asks (years alone): docs/records.md says what that means.
 *
 * Threads: any. Memory: the arena. Errors: RESOURCE_EXHAUSTED; keyring.h's.
 */
#ifndef RECORDS_EXCHANGE_DEID_H
#define RECORDS_EXCHANGE_DEID_H

#include "services/records/records.h"

#define DEID_TAGS "http://ward/deidentified" /* meta.tag.system of what goes out */
#define DEID_OVER_89                                                                           \
    "over-89" /* the group of all who are 90 or more: they have no birth date */

/* One patient of one project. */
struct deid {
    struct ward_keyring *keys;
    struct ward_arena *mem;
    const char *project;
    const uint8_t *root;              /* the patient of the chart */
    const uint8_t (*all)[RECORDS_ID]; /* those merged into them, root too */
    size_t n;
    /* set by deid_begin */
    int back_days;           /* 1 to 364 */
    bool over_89, hide_ages; /* whose age nobody knows may be over 89 too */
    int64_t ancient_us;      /* 89 years ago */
};
/* The secret number of days, which is the patient's in every project: were there one for each,
 * many projects would give the true dates. birth_date: of root, "" where none is known. */
WARD_MUST enum ward_code deid_begin(struct deid *d, const char *birth_date, int64_t now_us,
                                    struct ward_err *err);
/* In place. *out false: nothing of it may go out (another patient of the chart, a birth date,
 * the age of a person over 89, a date more than 89 years ago, an Other). */
WARD_MUST enum ward_code deid_resource(const struct deid *d, Resource *res, bool *out,
                                       struct ward_err *err);

/* ---- deid.c, deid_ages.c: steps of the above ---- */

void deid_clear(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);
/* A date that lies more than 89 years back: only who is older has such. */
bool deid_is_ancient(const struct deid *d, const char *date);
/* A resource that tells a birth date, an age that is not to be told, or has an ancient date. */
bool deid_tells(const struct deid *d, Resource *res);
/* Clears ages at onset and of reference ranges, and times of more than 89 years. */
void deid_no_ages(ProtobufCMessage *m);

/* ---- deid_fields.c ---- */

enum deid_how {
    DEID_UNDECIDED, /* not in the list: it does not go out, and the test fails */
    DEID_DROP,
    DEID_KEEP,  /* a message: by its own fields; else a number, a flag, an enum */
    DEID_SHIFT, /* a date */
    DEID_TEXT   /* a string that the message's own rule looks at: deid.c */
};
enum deid_how deid_how(const ProtobufCMessageDescriptor *type,
                       const ProtobufCFieldDescriptor *field);

/* ---- deid_codes.c ---- */

/* A terminology that names no person, and a code written as it writes them. */
bool deid_is_code(const char *system, const char *code);
/* A unit without words between braces but for a few. */
bool deid_is_unit(const char *code);
/* A state or province as its country lists it, by name or code. */
bool deid_is_state(const char *state);

#endif
