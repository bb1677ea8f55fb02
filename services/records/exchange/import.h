/* import.h - declarations that the files of the bundle import share.
 *
 * import.c receives bytes and splits them into bundles (bundle_split.h) and those into entries
 * (common/json/stream.h); import_entry.c converts an entry to a resource, without a database;
 * import_stage.c collects entries and writes them, 500 in a transaction or a whole bundle at
 * once; import_known.c and import_named.c find patients who are known by another id;
 * import_merge.c merges versions of a source and of another author; import_look.c reads
 * existing resources; import_count.c reports progress.
 *
 * Threads: a worker's own. Memory: three arenas of the import's own, each with a limit; memory
 * for one transaction is released after it. Errors: as exchange.proto's ImportBundle.
 */
#ifndef RECORDS_EXCHANGE_IMPORT_H
#define RECORDS_EXCHANGE_IMPORT_H

#include "common/json/stream.h"
#include "services/records/api.h"
#include "services/records/exchange/bundle_split.h"
#include "services/records/exchange/quarantine.h"
#include "services/records/fhir/fhir.h"

#define IMPORT_BATCH  500
#define IMPORT_ATOMIC 10000 /* resources of an atomic bundle */
#define IMPORT_WOULD                                                                           \
    200000                   /* ids that a dry run remembers; beyond them it assumes           \
                              * existence                                                      \
                              */
#define IMPORT_HELD    10000 /* entries that wait for a later patient or encounter */
#define IMPORT_ENTRY   ((size_t)8 << 20)   /* bytes of an entry's JSON */
#define IMPORT_STAGED  ((size_t)160 << 20) /* memory for the rows of one transaction */
#define IMPORT_WORK    ((size_t)160 << 20) /* memory of the transaction itself */
#define IMPORT_WAITING ((size_t)64 << 20)  /* memory for waiting entries */

typedef Ward__Records__V1__ImportProgress ImportProgress;
typedef Ward__Records__V1__Unsupported Unsupported;

/* ---- map from ids to objects: import_look.c ---- */

struct id_map {
    const uint8_t **id;
    void **thing;
    size_t cap; /* a power of two, at least twice the number of entries */
};
WARD_MUST enum ward_code id_map_init(struct id_map *m, struct ward_arena *mem, size_t most,
                                     struct ward_err *err);
/* id is stored by reference. */
void id_map_put(struct id_map *m, const uint8_t id[RECORDS_ID], void *thing);
void *id_map_get(const struct id_map *m, const uint8_t id[RECORDS_ID]); /* NULL: not there */

/* ---- counts: import_count.c ---- */

#define TALLY_NAMES 200

struct tally {
    Unsupported **at; /* the last is "..." if there are more names */
    size_t n;
};
struct import_count {
    struct ward_arena *mem;
    ImportProgress p;
    struct tally unmodelled, uninterpreted;
    int64_t sent_ns;
};
WARD_MUST enum ward_code tally_add(struct tally *t, struct ward_arena *mem, const char *name,
                                   struct ward_err *err);
struct staged;
/* For a stored resource: counts its kind if that is not interpreted. */
WARD_MUST enum ward_code import_kept(struct import_count *n, const struct staged *s,
                                     struct ward_err *err);
/* Sends the counts; unless `now`, at most five times a second. */
WARD_MUST enum ward_code import_send(struct ward_call *c, struct import_count *n, bool now);
/* Copies a problem's item for the first displayed ones. */
WARD_MUST enum ward_code import_show(struct import_count *n, const char *import_id,
                                     const struct staged *s, struct ward_err *err);

/* ---- entries ---- */

enum fate { FATE_NEW, FATE_CHANGED, FATE_SAME, FATE_WAITS, FATE_WRONG };

/* The request part of an entry. */
enum condition { CONDITION_NONE, CONDITION_CREATE, CONDITION_UPDATE };

struct staged {
    struct entered in;
    enum kind kind;
    uint8_t id[RECORDS_ID], encounter[RECORDS_ID];
    bool has_id, has_encounter;
    /* From entry_read, before import_known replaces known patients: */
    bool is_read;
    uint8_t came_id[RECORDS_ID]; /* the id derived from the source's own */
    uint8_t whom[RECORDS_ID];    /* its patient by the source's id, or an identifier's hash */
    bool by_identifier;          /* is that hash */
    Ward__Records__V1__Reference *subject; /* NULL: for a Patient */
    char *subject_text;
    enum condition condition;
    uint8_t wanted[RECORDS_ID]; /* the hash of the condition's identifier */
    /* Of import_known: */
    bool linked;              /* id is a known patient's, who gets came_id as an alias */
    const struct staged *via; /* the staged Patient that its own patient was matched with */
    Resource *merged; /* the replaced version if another author wrote its fields; NULL: none */
    char *name;       /* the id's text: a writer replaces the pointer with its own memory */
    const char *text; /* of the entry, n bytes */
    size_t n;
    const char *full_url;
    char position[QUARANTINE_POSITION];
    int number;     /* position in its bundle, from 1 */
    bool looked;    /* end of the plausibility problems */
    bool plausible; /* a person confirmed its values */
    enum fate fate;
    int version;    /* of the existing resource */
    Resource *came; /* for a table: merged into the existing one; NULL: in.res is complete */
    bool over;      /* a person decided that it replaces another author's version */
    struct ward_event *event;
};

/* Without the database, into mem. Problems are in s->in.problems. */
WARD_MUST enum ward_code entry_read(struct worker *w, struct ward_arena *mem,
                                    const struct entry *e, fhir_unmodelled_fn *unmodelled,
                                    void *arg, struct staged *s, struct ward_err *err);
/* Whether both have the same content, except version and time, which it clears. */
WARD_MUST enum ward_code entry_same(struct ward_arena *mem, Resource *a, Resource *b,
                                    bool *same, struct ward_err *err);

/* The patient of an Other without a typed reference: the only staged or existing patient among
 * its urn:uuid references. import_whom.c */
WARD_MUST enum ward_code import_whom(struct worker *w, struct ward_arena *mem,
                                     const struct entry *e, Ward__Records__V1__Other *o,
                                     struct ward_err *err);

/* The possible patients of an Other without a patient: Patient/... with the source's ids
 * converted, and every urn:uuid. import_whom.c */
WARD_MUST enum ward_code import_named(struct worker *w, struct ward_arena *mem,
                                      const struct entry *e, struct entered *out,
                                      struct ward_err *err);

/* ---- existing resources: import_look.c; in a transaction ---- */

struct there {
    uint8_t id[RECORDS_ID], root[RECORDS_ID];
    bool erased;
    int64_t birth_us; /* INT64_MIN: not known */
};
struct looked {
    struct id_map patients;   /* struct there */
    struct id_map encounters; /* struct there: id is the encounter's, root its chart's */
    struct id_map resources;  /* struct version */
    struct id_map directory;  /* struct version, of resources without a patient */
};
WARD_MUST enum ward_code import_look(struct worker *w, struct ward_arena *mem,
                                     struct staged *const *at, size_t n, struct looked *out,
                                     struct ward_err *err);

/* ---- writes: import_stage.c, import_fate.c ---- */

struct stage {
    struct worker *w;
    struct ward_call call;    /* the import's, with its own memory */
    struct ward_event *event; /* the import's: a template for others */
    const char *import_id;
    Ward__Records__V1__Provenance from; /* identifies their source in its versions */
    bool alone;                         /* a replay: a person decided about this one entry */
    bool atomic, dry_run;
    bool last; /* waiting entries can no longer be resolved */
    int64_t now_us;
    struct ward_arena *mem;  /* of the staged ones */
    struct ward_arena *work; /* of the transaction */
    struct ward_arena own_mem, own_work;
    struct staged **at;
    size_t n, cap;
    struct id_map ids; /* of at, by id */
    struct looked there;
    struct ward_val *gate; /* locked rows of identifier_gate */
    size_t n_gate;
    struct id_map would; /* of a dry run: patients and encounters that would exist */
    size_t n_would;
    bool one_by_one;      /* to find out which one fails */
    struct staged *blame; /* the failing one */
};
WARD_MUST enum ward_code stage_init(struct stage *s, struct ward_err *err);
void stage_done(struct stage *s);
/* Room for one more, zeroed. */
WARD_MUST enum ward_code stage_add(struct stage *s, struct staged **out, struct ward_err *err);
/* Once its id is known: false if another one has it. */
bool stage_index(struct stage *s, struct staged *e);
/* Writes all staged entries in one transaction; afterwards each has its fate. Waiting ones are
 * not written.
 *   FAILED_PRECONDITION  IMPORT_REFUSED: it is atomic, and has a problem */
WARD_MUST enum ward_code stage_write(struct stage *s, struct ward_err *err);
WARD_MUST enum ward_code stage_clear(struct stage *s, struct ward_err *err);
/* After a dry run of a batch. */
WARD_MUST enum ward_code stage_remember(struct stage *s, struct ward_arena *mem,
                                        struct ward_err *err);
/* ---- author of the existing version: import_others.c; in a transaction ---- */

/* The mark of a source's versions: version.device is "import:<source>", or a hash if that is
 * too long. */
WARD_MUST enum ward_code import_mark(struct ward_arena *mem, const char *source,
                                     Ward__Records__V1__Provenance *out, struct ward_err *err);
bool import_is_ours(const struct stage *s, const struct version *v);
/* Whether any version of v's resource from this source has the content of res. */
WARD_MUST enum ward_code import_said_before(struct stage *s, const struct version *v,
                                            Resource *res, bool *out, struct ward_err *err);
/* The links that merges wrote into a Patient are copied into the next version. Stored by
 * reference. */
WARD_MUST enum ward_code import_keep_links(struct ward_arena *mem, const Resource *old,
                                           Resource *res, struct ward_err *err);
/* The last version from this source, decrypted into s->work; *out NULL: none. */
WARD_MUST enum ward_code import_said_last(struct stage *s, const struct version *v,
                                          Resource **out, struct ward_err *err);

/* ---- known patients: import_known.c, import_named.c; in a transaction ---- */

/* An identifier query of a Patient, "identifier=system|value" with %XX: *out "system|value", or
 * NULL for anything else. */
WARD_MUST enum ward_code known_query(struct ward_arena *mem, const char *query, char **out,
                                     struct ward_err *err);
/* A token's hash, in the form of PARAM_IDENTIFIER. */
WARD_MUST enum ward_code known_hash(struct worker *w, const char *text, uint8_t out[RECORDS_ID],
                                    struct ward_err *err);
/* In entry_read: the patient that an entry names by identifier. */
WARD_MUST enum ward_code known_read(struct worker *w, struct ward_arena *mem, struct staged *s,
                                    struct ward_err *err);
/* Replaces aliases, identifiers and linked patients by the known patients: e->id,
 * e->in.patient, and the references in e->in.res. Locks identifier_gate's rows if a patient may
 * be created by a condition. */
WARD_MUST enum ward_code import_known(struct stage *s, struct ward_err *err);
/* Stores the aliases of linked patients, and releases the gate. */
WARD_MUST enum ward_code import_known_end(struct stage *s, struct ward_err *err);
bool known_trusts(const struct stage *s, const char *system);
/* Whether two Patients cannot be one person; adds a problem.
 *   by birth date; by given name; by family name and gender; by an identifier of a trusted
 *   system */
WARD_MUST enum ward_code known_differs(struct stage *s, struct staged *e, const Resource *old,
                                       bool *out, struct ward_err *err);
/* Merges the source's message (e->in.res) by element into the existing Patient (old), with the
 * source's last message as the base (NULL: none; then only empty elements are filled). Sets
 * e->merged, or adds a CONFLICT for each element that both changed. */
WARD_MUST enum ward_code known_merge(struct stage *s, struct staged *e, const Resource *base,
                                     const Resource *old, struct ward_err *err);

/* A Patient with an identifier of a patient in another chart gets a problem, except in a
 * replay: a person decides. import_twin.c; once the fates of patients are known. */
WARD_MUST enum ward_code import_twins(struct stage *s, struct ward_err *err);
/* Determines each entry's fate from the existing data: import_fate.c; in the transaction. */
WARD_MUST enum ward_code stage_fates(struct stage *s, struct ward_err *err);

#endif
