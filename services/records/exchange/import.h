/* import.h - what the files of the import of bundles share.
 *
 * import.c receives bytes and cuts them into bundles (bundle_split.h) and those into entries
 * (common/json/stream.h); import_entry.c makes a resource of an entry, without a database;
 * import_stage.c gathers entries and writes them, 500 a transaction or a bundle at once;
 * import_known.c and import_named.c find patients who are known by another id; import_merge.c
 * merges what a source and somebody else wrote of one; import_look.c asks what is there
 * already; import_count.c says how far it is.
 *
 * Threads: a worker's own. Memory: three arenas of the import's own, each with a cap; what one
 * transaction needs is let go after it. Errors: as exchange.proto's ImportBundle.
 */
#ifndef RECORDS_EXCHANGE_IMPORT_H
#define RECORDS_EXCHANGE_IMPORT_H

#include "common/json/stream.h"
#include "services/records/api.h"
#include "services/records/exchange/bundle_split.h"
#include "services/records/exchange/quarantine.h"
#include "services/records/fhir/fhir.h"

#define IMPORT_BATCH  500
#define IMPORT_ATOMIC 10000 /* resources of a bundle that goes in whole or not at all */
#define IMPORT_WOULD                                                                           \
    200000                   /* ids that a dry run remembers; past them it takes any for there \
                              */
#define IMPORT_HELD    10000 /* entries that wait for a patient or an encounter further on */
#define IMPORT_ENTRY   ((size_t)8 << 20)   /* bytes of an entry's JSON */
#define IMPORT_STAGED  ((size_t)160 << 20) /* memory of what one transaction writes */
#define IMPORT_WORK    ((size_t)160 << 20) /* memory of the transaction itself */
#define IMPORT_WAITING ((size_t)64 << 20)  /* memory of what is held */

typedef Ward__Records__V1__ImportProgress ImportProgress;
typedef Ward__Records__V1__Unsupported Unsupported;

/* ---- ids to things: import_look.c ---- */

struct id_map {
    const uint8_t **id;
    void **thing;
    size_t cap; /* a power of two, at least twice what is put */
};
WARD_MUST enum ward_code id_map_init(struct id_map *m, struct ward_arena *mem, size_t most,
                                     struct ward_err *err);
/* id is kept by reference. */
void id_map_put(struct id_map *m, const uint8_t id[RECORDS_ID], void *thing);
void *id_map_get(const struct id_map *m, const uint8_t id[RECORDS_ID]); /* NULL: not there */

/* ---- counts: import_count.c ---- */

#define TALLY_NAMES 200

struct tally {
    Unsupported **at; /* the last is "..." once there are more names */
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
/* Of a resource that is kept now: by its kind, where that is not interpreted. */
WARD_MUST enum ward_code import_kept(struct import_count *n, const struct staged *s,
                                     struct ward_err *err);
/* Sends what is counted; unless `now`, at most five times a second. */
WARD_MUST enum ward_code import_send(struct ward_call *c, struct import_count *n, bool now);
/* Copies a problem's item for the first ones that are shown. */
WARD_MUST enum ward_code import_show(struct import_count *n, const char *import_id,
                                     const struct staged *s, struct ward_err *err);

/* ---- entries ---- */

enum fate { FATE_NEW, FATE_CHANGED, FATE_SAME, FATE_WAITS, FATE_WRONG };

/* What an entry's request asks for. */
enum condition { CONDITION_NONE, CONDITION_CREATE, CONDITION_UPDATE };

struct staged {
    struct entered in;
    enum kind kind;
    uint8_t id[RECORDS_ID], encounter[RECORDS_ID];
    bool has_id, has_encounter;
    /* Of entry_read, before import_known puts known patients in their place: */
    bool is_read;
    uint8_t came_id[RECORDS_ID]; /* the id by the source's own */
    uint8_t whom[RECORDS_ID];    /* its patient by the source's id, or an identifier's hash */
    bool by_identifier;          /* whom is that hash */
    Ward__Records__V1__Reference *subject; /* NULL: of a Patient */
    char *subject_text;
    enum condition condition;
    uint8_t wanted[RECORDS_ID]; /* the hash of the condition's identifier */
    /* Of import_known: */
    bool linked;              /* id is a known patient's, who gets came_id as an alias */
    const struct staged *via; /* the staged Patient that its own patient was found by */
    Resource *merged; /* what is written over in.res: somebody else's fields kept; NULL: none */
    char *name; /* the id's text: a writer puts its own in its place, in memory of its own */
    const char *text; /* of the entry, n bytes */
    size_t n;
    const char *full_url;
    char position[QUARANTINE_POSITION];
    int number;     /* in its bundle, from 1 */
    bool looked;    /* at what is plausible */
    bool plausible; /* a person looked at its values, and they are so */
    enum fate fate;
    int version; /* of what is there */
    Resource
        *came; /* of a table: in.res is this, put into what is there; NULL: in.res is all */
    bool over; /* a person decided that it goes over what somebody else wrote */
    struct ward_event *event;
};

/* Without the database, into mem. What is wrong is in s->in.problems. */
WARD_MUST enum ward_code entry_read(struct worker *w, struct ward_arena *mem,
                                    const struct entry *e, fhir_unmodelled_fn *unmodelled,
                                    void *arg, struct staged *s, struct ward_err *err);
/* Both say the same, version and time apart, which it takes away. */
WARD_MUST enum ward_code entry_same(struct ward_arena *mem, Resource *a, Resource *b,
                                    bool *same, struct ward_err *err);

/* The patient of an Other that names none by a type: the one among its references of urn:uuid
 * who is staged or there. import_whom.c */
WARD_MUST enum ward_code import_whom(struct worker *w, struct ward_arena *mem,
                                     const struct entry *e, Ward__Records__V1__Other *o,
                                     struct ward_err *err);

/* Whom an Other that has no patient may name: by Patient/... as the source's ids become ours,
 * and every urn:uuid. import_whom.c */
WARD_MUST enum ward_code import_named(struct worker *w, struct ward_arena *mem,
                                      const struct entry *e, struct entered *out,
                                      struct ward_err *err);

/* ---- what is there: import_look.c; in a transaction ---- */

struct there {
    uint8_t id[RECORDS_ID], root[RECORDS_ID];
    bool erased;
    int64_t birth_us; /* INT64_MIN: not known */
};
struct looked {
    struct id_map patients; /* struct there */
    struct id_map
        encounters; /* struct there: id is the encounter's, root whose chart it is in */
    struct id_map resources; /* struct version */
    struct id_map directory; /* struct version, of resources that concern no patient */
};
WARD_MUST enum ward_code import_look(struct worker *w, struct ward_arena *mem,
                                     struct staged *const *at, size_t n, struct looked *out,
                                     struct ward_err *err);

/* ---- what is written: import_stage.c, import_fate.c ---- */

struct stage {
    struct worker *w;
    struct ward_call call;    /* the import's, with memory of its own */
    struct ward_event *event; /* the import's: others are made like it */
    const char *import_id;
    Ward__Records__V1__Provenance from; /* what its versions say of their source */
    bool alone;                         /* a replay: a person decided about this one entry */
    bool atomic, dry_run;
    bool last; /* what waits now waits in vain */
    int64_t now_us;
    struct ward_arena *mem;  /* of what is staged */
    struct ward_arena *work; /* of the transaction */
    struct ward_arena own_mem, own_work;
    struct staged **at;
    size_t n, cap;
    struct id_map ids; /* of at, by id */
    struct looked there;
    struct ward_val *gate; /* rows of identifier_gate that are held */
    size_t n_gate;
    struct id_map would; /* of a dry run: patients and encounters that would have gone in */
    size_t n_would;
    bool one_by_one;      /* to find out which one fails */
    struct staged *blame; /* the one that did */
};
WARD_MUST enum ward_code stage_init(struct stage *s, struct ward_err *err);
void stage_done(struct stage *s);
/* Room for one more, zeroed. */
WARD_MUST enum ward_code stage_add(struct stage *s, struct staged **out, struct ward_err *err);
/* Once its id is known: false where another one has it. */
bool stage_index(struct stage *s, struct staged *e);
/* Everything staged, in one transaction; afterwards each has its fate. What waits is not in.
 *   FAILED_PRECONDITION  IMPORT_REFUSED: it is atomic, and something is wrong */
WARD_MUST enum ward_code stage_write(struct stage *s, struct ward_err *err);
WARD_MUST enum ward_code stage_clear(struct stage *s, struct ward_err *err);
/* After a dry run of a batch. */
WARD_MUST enum ward_code stage_remember(struct stage *s, struct ward_arena *mem,
                                        struct ward_err *err);
/* ---- whose what is there is: import_others.c; in a transaction ---- */

/* How a source's versions are known: version.device is "import:<source>", or a hash where that
 * is too long. */
WARD_MUST enum ward_code import_mark(struct ward_arena *mem, const char *source,
                                     Ward__Records__V1__Provenance *out, struct ward_err *err);
bool import_is_ours(const struct stage *s, const struct version *v);
/* Whether any version of v's resource that this source brought says what res does. */
WARD_MUST enum ward_code import_said_before(struct stage *s, const struct version *v,
                                            Resource *res, bool *out, struct ward_err *err);
/* The links that merges wrote into a Patient go on into the next version. Kept by reference. */
WARD_MUST enum ward_code import_keep_links(struct ward_arena *mem, const Resource *old,
                                           Resource *res, struct ward_err *err);
/* The version that this source wrote last, opened into s->work; *out NULL: none. */
WARD_MUST enum ward_code import_said_last(struct stage *s, const struct version *v,
                                          Resource **out, struct ward_err *err);

/* ---- patients who are known: import_known.c, import_named.c; in a transaction ---- */

/* An identifier query of a Patient, "identifier=system|value" with %XX: *out "system|value", or
 * NULL where it is anything else. */
WARD_MUST enum ward_code known_query(struct ward_arena *mem, const char *query, char **out,
                                     struct ward_err *err);
/* A token's hash, as tokens of PARAM_IDENTIFIER have it. */
WARD_MUST enum ward_code known_hash(struct worker *w, const char *text, uint8_t out[RECORDS_ID],
                                    struct ward_err *err);
/* In entry_read: whom an entry names by identifier. */
WARD_MUST enum ward_code known_read(struct worker *w, struct ward_arena *mem, struct staged *s,
                                    struct ward_err *err);
/* Puts known patients in the place of aliases, identifiers and linked patients: e->id,
 * e->in.patient, and the references in e->in.res. Takes identifier_gate's rows where a patient
 * may be made by a condition. */
WARD_MUST enum ward_code import_known(struct stage *s, struct ward_err *err);
/* Keeps the aliases of patients that were linked, and lets the gate go. */
WARD_MUST enum ward_code import_known_end(struct stage *s, struct ward_err *err);
bool known_trusts(const struct stage *s, const char *system);
/* Whether two Patients cannot be one person: then a problem is added.
 *   by birth date; by given name; by family name and gender; by an identifier of a trusted
 *   system */
WARD_MUST enum ward_code known_differs(struct stage *s, struct staged *e, const Resource *old,
                                       bool *out, struct ward_err *err);
/* Merges by element what the source said (e->in.res) into what is there (old), by what it said
 * last (base; NULL: it never spoke, and only fills what is empty). Sets e->merged, or adds a
 * CONFLICT for each element that both changed. */
WARD_MUST enum ward_code known_merge(struct stage *s, struct staged *e, const Resource *base,
                                     const Resource *old, struct ward_err *err);

/* Patients who bring an identifier that one of another chart has are wrong, but in a replay: a
 * person decides. import_twin.c; once the fates of patients are known. */
WARD_MUST enum ward_code import_twins(struct stage *s, struct ward_err *err);
/* Each one's fate, by what is there: import_fate.c; in the transaction. */
WARD_MUST enum ward_code stage_fates(struct stage *s, struct ward_err *err);

#endif
