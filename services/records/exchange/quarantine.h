/* quarantine.h - imported entries that wait for a person's decision; and the common import path
 * of a bundle's entry, a line of CSV and a replay.
 *
 * An item is identified by its import, its position and its bytes: a repeated import creates no
 * second one and does not reopen a decided one; other bytes at the same position are another
 * item. Its JSON and problems are encrypted under a key of its own (owner_key). After a replay,
 * records-admin can still read the JSON that preceded the version. After a discard, the key is
 * replaced, so that nobody can read the JSON; only problems and the reason remain. An erasure
 * of the patient destroys both.
 *
 * Threads: a worker's own. Memory: the arena. Errors: db.h's and keyring.h's, DATA_LOSS
 * RECORD_UNREADABLE, and as each says.
 */
#ifndef RECORDS_EXCHANGE_QUARANTINE_H
#define RECORDS_EXCHANGE_QUARANTINE_H

#include "common/json/json.h"
#include "services/records/exchange/clean.h"
#include "services/records/store/chart.h"

#define QUARANTINE_POSITION 64 /* bytes of "bundle 3, entry 17" */

struct quarantined {
    const char *import_id;  /* 1 to 128 bytes */
    const char *position;   /* 1 to QUARANTINE_POSITION bytes */
    enum kind kind;         /* KIND_NONE: not known */
    const uint8_t *patient; /* its patient according to its content, 16 bytes; NULL: unknown */
    const uint8_t (*named)[RECORDS_ID]; /* n_named: other patients that it names */
    size_t n_named;
    const char *full_url; /* Bundle.entry.fullUrl, for a replay; NULL or "": none */
    const char *json;     /* the original resource, n bytes; valid JSON or not */
    size_t n;
    struct problems problems; /* at least one */
    int64_t at_us;
};
/* In the transaction of the import. For an erased patient neither JSON nor fullUrl are stored:
 * only problems and position. *fresh false: the item existed already, decided or not. May be
 * NULL. */
WARD_MUST enum ward_code quarantine_put(struct worker *w, struct ward_arena *mem,
                                        const struct quarantined *what, bool *fresh,
                                        struct ward_err *err);
/* Converts a failure of fhir_of_json, fhir_check or chart_write to a problem: its reason, field
 * and text. RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code problem_of(struct ward_arena *mem, const struct ward_err *why,
                                    struct problems *out, struct ward_err *err);
/* Adds a problem, with a text that has no value. source may be NULL. */
WARD_MUST enum ward_code problem_add(struct ward_arena *mem, struct problems *out,
                                     const char *reason, const char *path, const char *text,
                                     const char *source, struct ward_err *err);
/* Removes problems of one reason: IMPLAUSIBLE_VALUE, if a person confirmed the value. */
void problems_drop(struct problems *p, const char *reason);
/* In the transaction that erases a patient: destroys the keys of items about them, and of items
 * that became a resource of theirs. */
WARD_MUST enum ward_code quarantine_forget(struct worker *w, struct ward_arena *mem,
                                           const uint8_t patient[RECORDS_ID],
                                           struct ward_err *err);

/* ---- the import of one entry (import.c) ---- */

struct id_map;
struct entry {
    const char *source;           /* the import's: identifies the source of ids */
    const char *full_url;         /* "" for none */
    const struct ward_json *json; /* the resource */
    bool plausible;               /* a person confirmed implausible values */
    bool edited;                  /* a person wrote it: it is theirs, not the source's */
    const struct id_map *near; /* struct staged, by id: entries of the same batch; NULL: none */
    const char *place;         /* identifies an entry without an id; NULL: a new id */
};
struct entered {
    Resource *res; /* with converted id and references; NULL: not readable so far */
    uint8_t patient[RECORDS_ID];
    bool has_patient;
    uint8_t (*named)[RECORDS_ID]; /* for an Other without a patient: the patients it may name */
    size_t n_named;
    bool nobodys; /* it belongs to store/directory.h */
    struct cleanings cleaned;
    struct problems problems;            /* none: it can be written */
    int version;                         /* of the existing resource; 0: none */
    Ward__Records__V1__Provenance *from; /* the source's; NULL: a person's */
};
/* fhir_of_json, conversion of ids and references, clean_resource, implausible, fhir_check, and
 * existence of patient and encounter. Faults of the entry are in problems. In a transaction. */
WARD_MUST enum ward_code import_entry(struct worker *w, struct ward_call *c,
                                      const struct entry *e, struct entered *out,
                                      struct ward_err *err);
/* Writes it (chart_write, by_import): a new resource, the next version, or *version of the
 * existing one if the content is equal. */
enum import_did { IMPORT_CREATED, IMPORT_UPDATED, IMPORT_UNCHANGED };
WARD_MUST enum ward_code import_write(struct worker *w, struct ward_call *c,
                                      const struct entered *e, const uint8_t event_id[16],
                                      int64_t at_us, int *version, enum import_did *did,
                                      struct ward_err *err);

#endif
