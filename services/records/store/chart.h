/* chart.h - writing and reading resources, inside a transaction.
 *
 * A writer of any kind (Create, a batch, an import, a merge) calls chart_write for each version
 * and is done: row, version, tokens, denials, wards and the feed's change are written here; the
 * audit event, with `seen`, is the caller's (its id is given), in the same transaction: tell().
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: as each says, and db.h's.
 */
#ifndef RECORDS_STORE_CHART_H
#define RECORDS_STORE_CHART_H

#include "services/records/access/scope.h"
#include "services/records/index/index.h"
#include "services/records/index/resource.h"

/* ---- whose ---- */

struct patient {
    uint8_t id[RECORDS_ID], root[RECORDS_ID];
    bool erased;
    int kek;
    struct ward_val wrapped;
    uint8_t key[WARD_KEY_SIZE]; /* not of an erased one; wiped by patient_wipe */
};
/* `lock`: shared until the transaction ends, so that no merge or erasure comes between.
 *   NOT_FOUND  PATIENT_NOT_FOUND */
WARD_MUST enum ward_code patient_find(struct worker *w, struct ward_arena *mem,
                                      const uint8_t id[RECORDS_ID], bool lock,
                                      struct patient *out, struct ward_err *err);
void patient_wipe(struct patient *p);
/* All patients of one chart: root and whoever was merged into it; root first. */
WARD_MUST enum ward_code patients_of(struct worker *w, struct ward_arena *mem,
                                     const uint8_t root[RECORDS_ID],
                                     uint8_t (**out)[RECORDS_ID], size_t *n,
                                     struct ward_err *err);

/* ---- reading ---- */

struct version {
    uint8_t id[RECORDS_ID], patient[RECORDS_ID], event_id[16];
    enum kind kind;
    bool nobodys; /* of store/directory.h: patient is the owner of its key */
    int version;
    Ward__Records__V1__Act act;
    int64_t written_at_us;
    const char *actor, *purpose, *peer, *device, *model, *model_sha256;
    struct ward_val sealed, cleaned;
    int kek;
    struct ward_val wrapped; /* the patient's key; NULL: it was destroyed */
};
/* What a query of versions selects, and from where, so that each opens without another one:
 * "SELECT " VERSION_COLUMNS " FROM resource r JOIN version v ON ..." VERSION_KEYS " WHERE ..."
 */
#define VERSION_COLUMNS                                                                        \
    "v.resource_id, v.patient_id, v.kind, v.version, v.act, v.written_at_us, v.actor,"         \
    " v.purpose, v.peer, v.device, v.model, v.model_sha256, v.event_id, v.sealed, vc.sealed,"  \
    " vk.kek, vk.wrapped"
#define VERSION_N 17
/* The same without content: what chart_record makes of it is the version alone. */
#define VERSION_BARE                                                                           \
    "v.resource_id, v.patient_id, v.kind, v.version, v.act, v.written_at_us, v.actor,"         \
    " v.purpose, v.peer, v.device, v.model, v.model_sha256, v.event_id, NULL, NULL, NULL,"     \
    " NULL"
#define VERSION_KEYS                                                                           \
    " LEFT JOIN owner_key vk ON vk.owner_id = v.patient_id"                                    \
    " LEFT JOIN cleaned vc ON vc.patient_id = v.patient_id"                                    \
    " AND vc.resource_id = v.resource_id AND vc.version = v.version"
#define VERSION_OF_R                                                                           \
    " JOIN version v ON v.patient_id = r.patient_id AND v.resource_id = r.resource_id"         \
    " AND v.version = r.version"
/* Of the row's first VERSION_N columns. */
void version_of(const struct ward_val *row, struct version *out);
/* A current resource that the scope lets the caller see.
 *   NOT_FOUND  RESOURCE_NOT_FOUND: none, another kind, or not theirs to see */
WARD_MUST enum ward_code chart_find(struct worker *w, struct ward_arena *mem,
                                    const struct view *view, enum kind kind,
                                    const uint8_t id[RECORDS_ID], struct version *out,
                                    struct ward_err *err);
/* Any version. Whether the caller may see it was looked at before.
 *   NOT_FOUND  VERSION_NOT_FOUND */
WARD_MUST enum ward_code chart_version(struct worker *w, struct ward_arena *mem,
                                       const uint8_t patient[RECORDS_ID],
                                       const uint8_t id[RECORDS_ID], int version,
                                       struct version *out, struct ward_err *err);
/* Opens what is sealed: unpacked into mem, meta.version_id and last_updated set.
 *   DATA_LOSS  RECORD_UNREADABLE; also where the patient was erased: look at `wrapped` */
WARD_MUST enum ward_code chart_open(struct worker *w, struct ward_arena *mem,
                                    const struct version *v, Resource **out,
                                    struct ward_err *err);
/* The wire's Record of it, with what was cleaned; of an erased patient's the version alone. */
WARD_MUST enum ward_code chart_record(struct worker *w, struct ward_arena *mem,
                                      const struct version *v, Ward__Records__V1__Record **out,
                                      struct ward_err *err);

/* ---- writing ---- */

/* How version.device begins where an import wrote it; nobody else may begin it so. */
#define IMPORT_MARK "import:"

/* ward_db_tx for what calls chart_write: a VERSION_CONFLICT (ABORTED) rolls back and is not
 * redone. */
WARD_MUST enum ward_code chart_tx(struct worker *w, ward_tx_fn *fn, void *arg,
                                  struct ward_err *err);

struct write {
    Resource *res; /* checked by fhir_check; its id set or "" for a new one */
    Ward__Records__V1__Act act;
    int expected_version;                            /* 0: it must be new */
    const Ward__Records__V1__Provenance *provenance; /* NULL: none */
    const uint8_t *event_id;                         /* 16 bytes: the version's audit event */
    int64_t at_us;
    const Ward__Records__V1__Cleaned *const *cleaned; /* what was put right */
    size_t n_cleaned;
    const Ward__Records__V1__Doubt *const *doubts; /* what is not plausible in it */
    size_t n_doubts;
    const uint8_t *other_patient; /* merges: the feed's; NULL */
    bool by_import;               /* the caller has looked at scopes and references itself */
};
/* One version, in chart_tx. The patient must be there (of a new Patient: is made with its key),
 * not erased, and for a new resource not merged away; a resource written before a merge stays
 * with the patient it was written to. The scope `view` must let the caller write it (not looked
 * at for by_import). `what->res` gets its id.
 *   NOT_FOUND            PATIENT_NOT_FOUND; RESOURCE_NOT_FOUND, of an encounter it names too
 *   ALREADY_EXISTS       ID_TAKEN
 *   ABORTED              VERSION_CONFLICT
 *   INVALID_ARGUMENT     REFERENCE_INVALID, RESOURCE_TOO_LARGE; a field: another patient than
 *                        before
 *   FAILED_PRECONDITION  PATIENT_MERGED, PATIENT_ERASED, ENTERED_IN_ERROR,
 *                        CONSENT_NOT_ENFORCEABLE, ATTACHMENT_UNKNOWN
 *   PERMISSION_DENIED    KIND_NOT_ALLOWED: a new Patient, by who may not write everybody's */
WARD_MUST enum ward_code chart_write(struct worker *w, struct ward_call *c,
                                     const struct view *view, const struct write *what,
                                     struct version *out, struct ward_err *err);
/* The wire's Record of what chart_write just wrote, made of it: nothing is opened again. */
WARD_MUST enum ward_code chart_written(struct ward_arena *mem, const struct version *v,
                                       const struct write *what,
                                       Ward__Records__V1__Record **out, struct ward_err *err);
/* Many new resources of patients that are there or among them, by array binding: for imports.
 * All by_import and new (expected_version 0); changes in the order given. Errors as above. */
WARD_MUST enum ward_code chart_write_new(struct worker *w, struct ward_call *c,
                                         const struct write *what, size_t n,
                                         struct ward_err *err);

#endif
