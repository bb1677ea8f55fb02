/* quarantine.h - what could not go in, until a person decides; and the way in that a bundle's
 * entry, a line of CSV and a replay share.
 *
 * An item is known by its import, its place there and its bytes: a repeated import makes no
 * second one, and brings none back that was decided; other bytes at the same place are another.
 * Its JSON and problems lie sealed under a key of its own (owner_key). Replayed, the JSON stays
 * readable to records-admin as what there was before the version that was made; discarded, the
 * key is replaced, so that nobody reads it again and only problems and the reason for
 * discarding are left. Both go when the patient is erased.
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
    const uint8_t *patient; /* whom it says it is about, 16 bytes; NULL: not known */
    const uint8_t (*named)[RECORDS_ID]; /* n_named: whom else it names */
    size_t n_named;
    const char *full_url; /* Bundle.entry.fullUrl, for a replay; NULL or "": none */
    const char *json;     /* the resource as it came, n bytes; valid JSON or not */
    size_t n;
    struct problems problems; /* at least one */
    int64_t at_us;
};
/* In the transaction of the import. About a patient who was erased neither JSON nor fullUrl are
 * kept: problems and place alone. *fresh false: it was there already, decided or not. May be
 * NULL. */
WARD_MUST enum ward_code quarantine_put(struct worker *w, struct ward_arena *mem,
                                        const struct quarantined *what, bool *fresh,
                                        struct ward_err *err);
/* A problem of a failure that fhir_of_json, fhir_check or chart_write recorded: its reason,
 * field and words. RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code problem_of(struct ward_arena *mem, const struct ward_err *why,
                                    struct problems *out, struct ward_err *err);
/* One more, in words that hold no value. source may be NULL. */
WARD_MUST enum ward_code problem_add(struct ward_arena *mem, struct problems *out,
                                     const char *reason, const char *path, const char *text,
                                     const char *source, struct ward_err *err);
/* Takes out those of one reason: IMPLAUSIBLE_VALUE, where a person said that it is so. */
void problems_drop(struct problems *p, const char *reason);
/* In the transaction that erases a patient: destroys the keys of items about them, and of those
 * that became a resource of theirs. */
WARD_MUST enum ward_code quarantine_forget(struct worker *w, struct ward_arena *mem,
                                           const uint8_t patient[RECORDS_ID],
                                           struct ward_err *err);

/* ---- the way in, one entry (import.c) ---- */

struct id_map;
struct entry {
    const char *source;           /* the import's: what its ids are known by */
    const char *full_url;         /* "" for none */
    const struct ward_json *json; /* the resource */
    bool plausible;               /* a person looked: implausible values are as they are */
    bool edited;                  /* a person wrote it: it is theirs, not the source's */
    const struct id_map *near; /* struct staged, by id: what goes in with it; NULL: nothing */
    const char *place; /* names the entry where it has no id of its own; NULL: a new id */
};
struct entered {
    Resource *res; /* with our id and references; NULL: not readable so far */
    uint8_t patient[RECORDS_ID];
    bool has_patient;
    uint8_t (*named)[RECORDS_ID]; /* of an Other without a patient: whom it may name */
    size_t n_named;
    bool nobodys; /* it goes to store/directory.h */
    struct cleanings cleaned;
    struct problems problems;            /* none: it can be written */
    int version;                         /* of what is there; 0: nothing */
    Ward__Records__V1__Provenance *from; /* the source's; NULL: a person's */
};
/* fhir_of_json, ids and references of the source put to ours, clean_resource, implausible,
 * fhir_check, and that patient and encounter are there. What is wrong with the entry is in
 * problems. In a transaction. */
WARD_MUST enum ward_code import_entry(struct worker *w, struct ward_call *c,
                                      const struct entry *e, struct entered *out,
                                      struct ward_err *err);
/* Writes it (chart_write, by_import): new, the next version, or *version of what is there where
 * it says the same. */
enum import_did { IMPORT_CREATED, IMPORT_UPDATED, IMPORT_UNCHANGED };
WARD_MUST enum ward_code import_write(struct worker *w, struct ward_call *c,
                                      const struct entered *e, const uint8_t event_id[16],
                                      int64_t at_us, int *version, enum import_did *did,
                                      struct ward_err *err);

#endif
