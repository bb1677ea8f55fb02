/* chart.h - writing and reading resources, inside a transaction.
 *
 * All writers (Create, a batch, an import, a merge) call chart_write for each version: it
 * writes row, version, tokens, denials, wards and the feed's change. The caller writes the
 * audit event, with `seen`, in the same transaction (its id is given): tell().
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
    uint8_t key[WARD_KEY_SIZE]; /* not set for an erased one; wiped by patient_wipe */
};
/* `lock`: shared until the transaction ends, so that no merge or erasure can happen in between.
 *   NOT_FOUND  PATIENT_NOT_FOUND */
WARD_MUST enum ward_code patient_find(struct worker *w, struct ward_arena *mem,
                                      const uint8_t id[RECORDS_ID], bool lock,
                                      struct patient *out, struct ward_err *err);
void patient_wipe(struct patient *p);
/* All patients of one chart: root and all merged records; root first. */
WARD_MUST enum ward_code patients_of(struct worker *w, struct ward_arena *mem,
                                     const uint8_t root[RECORDS_ID],
                                     uint8_t (**out)[RECORDS_ID], size_t *n,
                                     struct ward_err *err);

/* ---- reading ---- */

struct version {
    uint8_t id[RECORDS_ID], patient[RECORDS_ID], event_id[16];
    enum kind kind;
    bool nobodys; /* for store/directory.h: patient is the owner of its key */
    int version;
    Ward__Records__V1__Act act;
    int64_t written_at_us;
    const char *actor, *purpose, *peer, *device, *model, *model_sha256;
    struct ward_val sealed, cleaned;
    int kek;
    struct ward_val wrapped; /* the patient's key; NULL: destroyed */
};
/* Columns and joins of a query of versions, so that each can be decrypted without a second
 * query: "SELECT " VERSION_COLUMNS " FROM resource r JOIN version v ON ..." VERSION_KEYS "
 * WHERE ..."
 */
#define VERSION_COLUMNS                                                                        \
    "v.resource_id, v.patient_id, v.kind, v.version, v.act, v.written_at_us, v.actor,"         \
    " v.purpose, v.peer, v.device, v.model, v.model_sha256, v.event_id, v.sealed, vc.sealed,"  \
    " vk.kek, vk.wrapped"
#define VERSION_N 17
/* The same without content: chart_record then returns only the version. */
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
/* A current resource that the scope permits to read.
 *   NOT_FOUND  RESOURCE_NOT_FOUND: none, another kind, or no access */
WARD_MUST enum ward_code chart_find(struct worker *w, struct ward_arena *mem,
                                    const struct view *view, enum kind kind,
                                    const uint8_t id[RECORDS_ID], struct version *out,
                                    struct ward_err *err);
/* Any version. The caller has checked the access before.
 *   NOT_FOUND  VERSION_NOT_FOUND */
WARD_MUST enum ward_code chart_version(struct worker *w, struct ward_arena *mem,
                                       const uint8_t patient[RECORDS_ID],
                                       const uint8_t id[RECORDS_ID], int version,
                                       struct version *out, struct ward_err *err);
/* Decrypts the content: decoded into mem, with meta.version_id and last_updated set.
 *   DATA_LOSS  RECORD_UNREADABLE; also if the patient was erased: check `wrapped` */
WARD_MUST enum ward_code chart_open(struct worker *w, struct ward_arena *mem,
                                    const struct version *v, Resource **out,
                                    struct ward_err *err);
/* Its wire Record, with the normalization; for an erased patient only the version. */
WARD_MUST enum ward_code chart_record(struct worker *w, struct ward_arena *mem,
                                      const struct version *v, Ward__Records__V1__Record **out,
                                      struct ward_err *err);

/* ---- writing ---- */

/* Prefix of version.device for imports; no other writer may use it. */
#define IMPORT_MARK "import:"

/* ward_db_tx for callers of chart_write: a VERSION_CONFLICT (ABORTED) rolls back and is not
 * retried. */
WARD_MUST enum ward_code chart_tx(struct worker *w, ward_tx_fn *fn, void *arg,
                                  struct ward_err *err);

struct write {
    Resource *res; /* validated by fhir_check; its id is set, or "" for a new one */
    Ward__Records__V1__Act act;
    int expected_version;                            /* 0: it must be new */
    const Ward__Records__V1__Provenance *provenance; /* NULL: none */
    const uint8_t *event_id;                         /* 16 bytes: the version's audit event */
    int64_t at_us;
    const Ward__Records__V1__Cleaned *const *cleaned; /* the normalization */
    size_t n_cleaned;
    const Ward__Records__V1__Doubt *const *doubts; /* its implausible values */
    size_t n_doubts;
    const uint8_t *other_patient; /* merges: for the feed; NULL */
    bool by_import;               /* the caller has checked scopes and references itself */
};
/* Writes one version, in chart_tx. The patient must exist (a new Patient is created with its
 * key), not be erased, and for a new resource not be merged; a resource from before a merge
 * stays with its original patient. The scope `view` must permit the write (not checked for
 * by_import). `what->res` gets its id.
 *   NOT_FOUND            PATIENT_NOT_FOUND; RESOURCE_NOT_FOUND, also for a named encounter
 *   ALREADY_EXISTS       ID_TAKEN
 *   ABORTED              VERSION_CONFLICT
 *   INVALID_ARGUMENT     REFERENCE_INVALID, RESOURCE_TOO_LARGE; a field: another patient than
 *                        before
 *   FAILED_PRECONDITION  PATIENT_MERGED, PATIENT_ERASED, ENTERED_IN_ERROR,
 *                        CONSENT_NOT_ENFORCEABLE, ATTACHMENT_UNKNOWN
 *   PERMISSION_DENIED    KIND_NOT_ALLOWED: a new Patient, without the right for all patients */
WARD_MUST enum ward_code chart_write(struct worker *w, struct ward_call *c,
                                     const struct view *view, const struct write *what,
                                     struct version *out, struct ward_err *err);
/* The wire Record of a version that chart_write just wrote, without decrypting it again. */
WARD_MUST enum ward_code chart_written(struct ward_arena *mem, const struct version *v,
                                       const struct write *what,
                                       Ward__Records__V1__Record **out, struct ward_err *err);
/* Many new resources of existing patients or patients among them, by array binding: for
 * imports. All by_import and new (expected_version 0); changes in the given order. Errors as
 * above. */
WARD_MUST enum ward_code chart_write_new(struct worker *w, struct ward_call *c,
                                         const struct write *what, size_t n,
                                         struct ward_err *err);

#endif
