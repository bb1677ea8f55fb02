/* quarantine.h - imported entries that wait for a person's decision; and the functions that
 * import an entry of a bundle, a line of CSV or a replayed item.
 *
 * An item is identified by its import, its position and its bytes. A repeated import creates no
 * second item, and does not reopen a decided item. Other bytes at the same position are another
 * item. Each item has its own key (owner_key), which encrypts its JSON and problems. After a
 * replay, records-admin can still read the item's JSON. A discard replaces the key, so that
 * nobody can read the JSON; the problems and the reason remain. An erasure of the patient
 * destroys the key.
 *
 * Threads: call from a worker's thread. Memory: the arena. Errors: those of db.h and keyring.h,
 * DATA_LOSS RECORD_UNREADABLE, and as each function says.
 */
#ifndef RECORDS_EXCHANGE_QUARANTINE_H
#define RECORDS_EXCHANGE_QUARANTINE_H

#include "common/json/json.h"
#include "services/records/exchange/clean.h"
#include "services/records/store/chart.h"

#define QUARANTINE_POSITION 64 /* maximum bytes of a position: "bundle 3, entry 17" */

struct quarantined {
    const char *import_id;  /* 1 to 128 bytes */
    const char *position;   /* 1 to QUARANTINE_POSITION bytes */
    enum kind kind;         /* KIND_NONE: unknown */
    const uint8_t *patient; /* the patient according to the content, 16 bytes; NULL: unknown */
    const uint8_t (*named)[RECORDS_ID]; /* n_named other patients that the content names */
    size_t n_named;
    const char *full_url; /* Bundle.entry.fullUrl, for a replay; NULL or "": no fullUrl */
    const char *json;     /* the original resource, n bytes; may be invalid JSON */
    size_t n;
    struct problems problems; /* at least one problem */
    int64_t at_us;
};
/* Stores an item, in the transaction of the import. For an erased patient, stores the problems
 * and the position, but neither JSON nor fullUrl. *fresh is false if the item already existed,
 * decided or not. fresh may be NULL. */
WARD_MUST enum ward_code quarantine_put(struct worker *w, struct ward_arena *mem,
                                        const struct quarantined *what, bool *fresh,
                                        struct ward_err *err);
/* Converts a failure of fhir_of_json, fhir_check or chart_write to a problem with the error's
 * reason, field and text. RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code problem_of(struct ward_arena *mem, const struct ward_err *why,
                                    struct problems *out, struct ward_err *err);
/* Adds a problem. The text must not contain a value of the patient's data. source may be
 * NULL. */
WARD_MUST enum ward_code problem_add(struct ward_arena *mem, struct problems *out,
                                     const char *reason, const char *path, const char *text,
                                     const char *source, struct ward_err *err);
/* Removes the problems with a reason, for example IMPLAUSIBLE_VALUE after a person confirmed
 * the value. */
void problems_drop(struct problems *p, const char *reason);
/* In the transaction that erases a patient: destroys the keys of items about the patient, and
 * of items that became a resource of the patient. */
WARD_MUST enum ward_code quarantine_forget(struct worker *w, struct ward_arena *mem,
                                           const uint8_t patient[RECORDS_ID],
                                           struct ward_err *err);

/* ---- the import of one entry (import_entry.c) ---- */

struct id_map;
struct entry {
    const char *source;           /* identifies the import's source, for converting ids */
    const char *full_url;         /* "" for no fullUrl */
    const struct ward_json *json; /* the resource */
    bool plausible;               /* a person confirmed implausible values */
    bool edited;                  /* a person edited the entry: the version has no source */
    const struct id_map *near; /* entries of the same batch by id: struct staged; NULL: none */
    const char *place;         /* identifies an entry without an id; NULL: the id is random */
    /* Waits until no other thread uses the worker's connection; called before the reading of
     * the entry queries the database. NULL: no other thread uses it. */
    enum ward_code (*settle)(void *arg, struct ward_err *err);
    void *settle_arg;
};
struct entered {
    Resource *res; /* with converted id and references; NULL: unreadable */
    uint8_t patient[RECORDS_ID];
    bool has_patient;
    uint8_t (*named)[RECORDS_ID]; /* for an Other without a patient: its possible patients */
    size_t n_named;
    bool nobodys; /* a resource of store/directory.h */
    struct cleanings cleaned;
    struct problems problems; /* an entry without problems can be written */
    /* version of the existing resource; 0: a new resource */
    int version;
    Ward__Records__V1__Provenance *from; /* the source's mark; NULL: a person's version */
};
/* Converts and checks an entry, in a transaction: fhir_of_json, conversion of ids and
 * references, clean_resource, implausible, fhir_check, and existence of patient and encounter.
 * Errors of the entry are in out->problems. */
WARD_MUST enum ward_code import_entry(struct worker *w, struct ward_call *c,
                                      const struct entry *e, struct entered *out,
                                      struct ward_err *err);
/* Writes an entry (chart_write, by_import) as a new resource or the next version. If the
 * content is unchanged, writes nothing, and *version is the existing version. */
enum import_did { IMPORT_CREATED, IMPORT_UPDATED, IMPORT_UNCHANGED };
WARD_MUST enum ward_code import_write(struct worker *w, struct ward_call *c,
                                      const struct entered *e, const uint8_t event_id[16],
                                      int64_t at_us, int *version, enum import_did *did,
                                      struct ward_err *err);

#endif
