/* import.h - declarations that the files of the bundle import share.
 *
 * import.c receives bytes; import_feed.c splits the bytes into bundles (bundle_split.h) and
 * bundles into entries (common/json/stream.h). import_entry.c converts an entry to a resource;
 * only import_whom.c may query the database for it. import_stage.c collects entries and writes
 * 500 entries, or an atomic bundle, in one transaction. import_known.c and import_named.c find
 * patients who are known by another id. import_merge.c merges versions of a source with
 * versions of another author. import_look.c reads existing resources. import_batch.c writes a
 * batch in a thread while the next is read, and reports progress.
 *
 * Threads: call from a worker's thread. Memory: four arenas that belong to the import, each
 * with a limit. The memory of a transaction is released after the transaction. Errors: those of
 * ImportBundle in exchange.proto.
 */
#ifndef RECORDS_EXCHANGE_IMPORT_H
#define RECORDS_EXCHANGE_IMPORT_H

#include "common/json/stream.h"
#include "services/records/api.h"
#include "services/records/exchange/bundle_split.h"
#include "services/records/exchange/quarantine.h"
#include "services/records/fhir/fhir.h"

#define IMPORT_BATCH   500
#define IMPORT_ATOMIC  10000  /* maximum resources of an atomic bundle */
#define IMPORT_WOULD   200000 /* ids that a dry run stores; later ids count as existing */
#define IMPORT_HELD    10000  /* maximum entries that wait for a later patient or encounter */
#define IMPORT_ENTRY   ((size_t)8 << 20)   /* maximum bytes of an entry's JSON */
#define IMPORT_STAGED  ((size_t)196 << 20) /* memory for the rows of one transaction */
#define IMPORT_INDEXED ((size_t)32 << 20)  /* of it, for indexes computed early */
#define IMPORT_SMALL   ((size_t)256 << 10) /* maximum bytes of an entry that is indexed early */
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
/* NULL: the map does not have the id */
void *id_map_get(const struct id_map *m, const uint8_t id[RECORDS_ID]);

/* ---- counts: import_batch.c ---- */

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
/* Called for a stored resource: counts the resource if its kind is not interpreted. */
WARD_MUST enum ward_code import_kept(struct import_count *n, const struct staged *s,
                                     struct ward_err *err);
/* Sends the counts. Unless `now` is set, sends at most five times a second. */
WARD_MUST enum ward_code import_send(struct ward_call *c, struct import_count *n, bool now);
/* Adds an entry with problems to the progress message, which shows only the first entries. */
WARD_MUST enum ward_code import_show(struct import_count *n, const char *import_id,
                                     const struct staged *s, struct ward_err *err);

/* ---- entries ---- */

enum fate { FATE_NEW, FATE_CHANGED, FATE_SAME, FATE_WAITS, FATE_WRONG };

/* The condition in an entry's `request`. */
enum condition { CONDITION_NONE, CONDITION_CREATE, CONDITION_UPDATE };

struct staged {
    struct entered in;
    enum kind kind;
    uint8_t id[RECORDS_ID], encounter[RECORDS_ID];
    bool has_id, has_encounter;
    /* Set by entry_read, before import_known replaces known patients: */
    bool is_read;
    uint8_t came_id[RECORDS_ID]; /* the id converted from the source's id */
    uint8_t whom[RECORDS_ID];    /* the patient's converted id, or an identifier's hash */
    bool by_identifier;          /* whom is an identifier's hash */
    /* the reference to the patient; NULL for a Patient */
    Ward__Records__V1__Reference *subject;
    char *subject_text;
    enum condition condition;
    uint8_t wanted[RECORDS_ID]; /* the hash of the condition's identifier */
    /* Set by import_known: */
    bool linked;              /* id is a known patient's id; came_id becomes an alias */
    const struct staged *via; /* the staged Patient that determined the entry's patient */
    Resource *merged;         /* the merge with another author's version; NULL: no merge */
    char *name;       /* the id as text; a writer replaces the pointer in the resource */
    const char *text; /* the entry's JSON, n bytes */
    size_t n;
    const char *full_url;
    char position[QUARANTINE_POSITION];
    int number;     /* position in the bundle, from 1 */
    bool looked;    /* the values were checked for plausibility */
    bool plausible; /* a person confirmed the values */
    enum fate fate;
    int version; /* version of the existing resource */
    /* a line of a table, to be merged into the existing resource; NULL: in.res is complete */
    Resource *came;
    bool over; /* a person decided that the entry replaces another author's version */
    struct ward_event *event;
    /* The index of the resource `indexed`, computed before the transaction. NULL: not computed.
     * An index does not depend on the resource's id and patient, which import_known changes. */
    struct found_by index;
    const Resource *indexed;
};

/* Converts an entry to a resource in mem. Only import_whom queries the database, after
 * e->settle. Problems are in s->in.problems. */
WARD_MUST enum ward_code entry_read(struct worker *w, struct ward_arena *mem,
                                    const struct entry *e, fhir_unmodelled_fn *unmodelled,
                                    void *arg, struct staged *s, struct ward_err *err);
/* Whether two resources have the same content. Clears their version and time, which are not
 * compared. */
WARD_MUST enum ward_code entry_same(struct ward_arena *mem, Resource *a, Resource *b,
                                    bool *same, struct ward_err *err);

/* Finds the patient of an Other without a typed reference: the only staged or existing patient
 * among the Other's urn:uuid references. import_whom.c */
WARD_MUST enum ward_code import_whom(struct worker *w, struct ward_arena *mem,
                                     const struct entry *e, Ward__Records__V1__Other *o,
                                     struct ward_err *err);

/* Lists the possible patients of an Other without a patient: the converted ids of its
 * Patient/... references, and every urn:uuid. import_whom.c */
WARD_MUST enum ward_code import_named(struct worker *w, struct ward_arena *mem,
                                      const struct entry *e, struct entered *out,
                                      struct ward_err *err);

/* ---- existing resources: import_look.c; in a transaction ---- */

struct there {
    uint8_t id[RECORDS_ID], root[RECORDS_ID];
    bool erased;
    int64_t birth_us; /* INT64_MIN: unknown */
};
struct looked {
    struct id_map patients; /* values: struct there */
    /* values: struct there, with the encounter's id and its chart's root */
    struct id_map encounters;
    struct id_map resources; /* values: struct version */
    struct id_map directory; /* values: struct version, for resources without a patient */
};
/* batch: the entries of `at`, by came_id */
WARD_MUST enum ward_code import_look(struct worker *w, struct ward_arena *mem,
                                     struct staged *const *at, size_t n,
                                     const struct id_map *batch, struct looked *out,
                                     struct ward_err *err);

/* ---- writes: import_stage.c, import_fate.c ---- */

struct stage {
    struct worker *w;
    struct ward_call call;    /* the import's call, with memory of the stage */
    struct ward_event *event; /* the import's event, copied for each patient */
    const char *import_id;
    /* identifies the source in the versions that it imports */
    Ward__Records__V1__Provenance from;
    bool alone; /* a replay of one entry, which a person decided */
    bool atomic, dry_run;
    bool ends_bundle; /* the batch is the last of its bundle */
    bool last;        /* no later entry can resolve waiting entries */
    int64_t now_us;
    struct ward_arena *mem;  /* memory of the staged entries */
    struct ward_arena *work; /* memory of the transaction */
    struct ward_arena own_mem, own_work;
    struct staged **at;
    size_t n, cap;
    struct id_map ids; /* the entries of `at`, by id */
    struct looked there;
    struct ward_val *gate; /* locked rows of identifier_gate */
    size_t n_gate;
    size_t indexed;      /* bytes of indexes that were computed early */
    struct id_map would; /* patients and encounters that a dry run would have created */
    size_t n_would;
    bool one_by_one;      /* entries are written one by one, to find the failing entry */
    struct staged *blame; /* the failing entry */
};
WARD_MUST enum ward_code stage_init(struct stage *s, struct ward_err *err);
void stage_done(struct stage *s);
/* Adds a zeroed entry. */
WARD_MUST enum ward_code stage_add(struct stage *s, struct staged **out, struct ward_err *err);
/* Adds an entry to `ids` after its id was set. Returns false if another entry has the id. */
bool stage_index(struct stage *s, struct staged *e);
/* Writes all staged entries in one transaction, and sets the fate of each entry. Waiting
 * entries are not written.
 *   FAILED_PRECONDITION  IMPORT_REFUSED: the bundle is atomic, and an entry has a problem */
WARD_MUST enum ward_code stage_write(struct stage *s, struct ward_err *err);
WARD_MUST enum ward_code stage_clear(struct stage *s, struct ward_err *err);
/* Called after a dry run of a batch: adds the new patients and encounters to `would`. */
WARD_MUST enum ward_code stage_remember(struct stage *s, struct ward_arena *mem,
                                        struct ward_err *err);
/* ---- author of the existing version: import_others.c; in a transaction ---- */

/* Sets the mark of a source's versions: version.device is "import:<source>", or has a hash of a
 * source that is too long. */
WARD_MUST enum ward_code import_mark(struct ward_arena *mem, const char *source,
                                     Ward__Records__V1__Provenance *out, struct ward_err *err);
bool import_is_ours(const struct stage *s, const struct version *v);
/* Whether any version of v's resource from this source has the content of res. */
WARD_MUST enum ward_code import_said_before(struct stage *s, const struct version *v,
                                            Resource *res, bool *out, struct ward_err *err);
/* Copies the links that merges wrote into a Patient to its next version, by reference. */
WARD_MUST enum ward_code import_keep_links(struct ward_arena *mem, const Resource *old,
                                           Resource *res, struct ward_err *err);
/* Decrypts the last version from this source into s->work. *out NULL: there is no such
 * version. */
WARD_MUST enum ward_code import_said_last(struct stage *s, const struct version *v,
                                          Resource **out, struct ward_err *err);

/* ---- known patients: import_known.c, import_named.c; in a transaction ---- */

/* Reads a percent-encoded query for a Patient, "identifier=system|value". *out is the decoded
 * "system|value", or NULL for any other query. */
WARD_MUST enum ward_code known_query(struct ward_arena *mem, const char *query, char **out,
                                     struct ward_err *err);
/* Hashes "system|value" like a token of PARAM_IDENTIFIER. */
WARD_MUST enum ward_code known_hash(struct worker *w, const char *text, uint8_t out[RECORDS_ID],
                                    struct ward_err *err);
/* Called by entry_read: reads the identifier by which an entry names its patient. */
WARD_MUST enum ward_code known_read(struct worker *w, struct ward_arena *mem, struct staged *s,
                                    struct ward_err *err);
/* Replaces aliases, identifiers and linked patients by the known patients: e->id,
 * e->in.patient, and the references in e->in.res. Locks rows of identifier_gate if a
 * conditional request may create a patient. */
WARD_MUST enum ward_code import_known(struct stage *s, struct ward_err *err);
/* Stores the aliases of linked patients, and releases the gate. */
WARD_MUST enum ward_code import_known_end(struct stage *s, struct ward_err *err);
bool known_trusts(const struct stage *s, const char *system);
/* Whether two Patients cannot be one person; adds a problem if so. Compares birth dates, given
 * names, family names with genders, and identifiers of trusted systems. */
WARD_MUST enum ward_code known_differs(struct stage *s, struct staged *e, const Resource *old,
                                       bool *out, struct ward_err *err);
/* Merges the source's message (e->in.res) by element into the existing Patient (old). base is
 * the source's last message; if base is NULL, only empty elements are filled. Sets e->merged,
 * or adds a CONFLICT for each element that the source and another author changed. */
WARD_MUST enum ward_code known_merge(struct stage *s, struct staged *e, const Resource *base,
                                     const Resource *old, struct ward_err *err);

/* Adds a problem to a Patient with an identifier of a patient in another chart, so that a
 * person decides; not in a replay. Called after the fates of Patients are known.
 * import_twin.c */
WARD_MUST enum ward_code import_twins(struct stage *s, struct ward_err *err);
/* Determines each entry's fate from the existing data, in the transaction. import_fate.c */
WARD_MUST enum ward_code stage_fates(struct stage *s, struct ward_err *err);

#endif
