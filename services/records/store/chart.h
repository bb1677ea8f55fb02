/* chart.h - writing and reading resources, inside a transaction.
 *
 * All writers (Create, a batch, an import, a merge) call chart_write or chart_write_new. These
 * functions write the resource's row, the version, tokens, denials, wards and the feed's
 * change. In the same transaction, the caller calls tell(), which writes the audit event and
 * the row of `seen`.
 *
 * Threads: call from a worker's thread, which has its own connection. Memory: the arena.
 * Errors: as each function says, and those of db.h.
 */
#ifndef RECORDS_STORE_CHART_H
#define RECORDS_STORE_CHART_H

#include "services/records/access/scope.h"
#include "services/records/index/index.h"
#include "services/records/index/resource.h"

/* ---- patients ---- */

struct patient {
    uint8_t id[RECORDS_ID], root[RECORDS_ID];
    bool erased;
    int kek;
    struct ward_val wrapped;
    uint8_t key[WARD_KEY_SIZE]; /* not set for an erased patient; wiped by patient_wipe */
};
/* `lock`: takes a shared lock until the transaction ends, so that no merge or erasure can
 * commit meanwhile.
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
    bool nobodys; /* a resource of store/directory.h: `patient` is the id of its key's owner */
    int version;
    Ward__Records__V1__Act act;
    int64_t written_at_us;
    const char *actor, *purpose, *peer, *device, *model, *model_sha256;
    struct ward_val sealed, cleaned;
    int kek;
    struct ward_val wrapped; /* the patient's encrypted key; NULL: destroyed */
};
/* Columns and joins of a query of versions. The columns include the encrypted key, so that
 * decryption needs no second query: "SELECT " VERSION_COLUMNS " FROM resource r JOIN version v
 * ON ..."
 * VERSION_KEYS " WHERE ..."
 */
#define VERSION_COLUMNS                                                                        \
    "v.resource_id, v.patient_id, v.kind, v.version, v.act, v.written_at_us, v.actor,"         \
    " v.purpose, v.peer, v.device, v.model, v.model_sha256, v.event_id, v.sealed, vc.sealed,"  \
    " vk.kek, vk.wrapped"
#define VERSION_N 17
/* VERSION_COLUMNS without the content: chart_record then returns only the version. */
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
/* Converts the row's first VERSION_N columns. */
void version_of(const struct ward_val *row, struct version *out);
/* Finds a current resource that the view may read.
 *   NOT_FOUND  RESOURCE_NOT_FOUND: no such resource, another kind, or no access */
WARD_MUST enum ward_code chart_find(struct worker *w, struct ward_arena *mem,
                                    const struct view *view, enum kind kind,
                                    const uint8_t id[RECORDS_ID], struct version *out,
                                    struct ward_err *err);
/* Finds any version. The caller has already checked the access.
 *   NOT_FOUND  VERSION_NOT_FOUND */
WARD_MUST enum ward_code chart_version(struct worker *w, struct ward_arena *mem,
                                       const uint8_t patient[RECORDS_ID],
                                       const uint8_t id[RECORDS_ID], int version,
                                       struct version *out, struct ward_err *err);
/* Decrypts the content and decodes it into mem; sets meta.version_id and meta.last_updated.
 *   DATA_LOSS  RECORD_UNREADABLE; also for an erased patient: check `wrapped` before */
WARD_MUST enum ward_code chart_open(struct worker *w, struct ward_arena *mem,
                                    const struct version *v, Resource **out,
                                    struct ward_err *err);
/* The version's wire Record, with the normalization; for an erased patient only the version. */
WARD_MUST enum ward_code chart_record(struct worker *w, struct ward_arena *mem,
                                      const struct version *v, Ward__Records__V1__Record **out,
                                      struct ward_err *err);

/* ---- writing ---- */

/* Prefix of version.device for imports; no other writer may use it. */
#define IMPORT_MARK "import:"

/* ward_db_tx for callers of chart_write: after VERSION_CONFLICT (ABORTED), rolls back and does
 * not retry. */
WARD_MUST enum ward_code chart_tx(struct worker *w, ward_tx_fn *fn, void *arg,
                                  struct ward_err *err);

struct write {
    Resource *res; /* validated by fhir_check; its id is "" for a new resource */
    Ward__Records__V1__Act act;
    int expected_version;                            /* 0: the resource must be new */
    const Ward__Records__V1__Provenance *provenance; /* NULL: no provenance */
    const uint8_t *event_id;                         /* 16 bytes: the version's audit event */
    int64_t at_us;
    const Ward__Records__V1__Cleaned *const *cleaned; /* changes by normalization */
    size_t n_cleaned;
    const Ward__Records__V1__Doubt *const *doubts; /* the resource's implausible values */
    size_t n_doubts;
    const uint8_t *other_patient; /* of a merge, for the feed; NULL: not a merge */
    bool by_import;               /* the importer has already checked scopes and references */
    const struct found_by *index; /* index_of(res); NULL: the write computes it */
};
/* Writes one version, in chart_tx. A new Patient is created with its key; for other resources
 * the patient must exist. An erased patient is rejected. A merged patient is rejected for a new
 * resource; a resource from before the merge stays with its original patient. `view` must
 * permit the write, unless by_import is set. Sets the id of `what->res`.
 *   NOT_FOUND            PATIENT_NOT_FOUND; RESOURCE_NOT_FOUND, also for a named encounter
 *   ALREADY_EXISTS       ID_TAKEN
 *   ABORTED              VERSION_CONFLICT
 *   INVALID_ARGUMENT     REFERENCE_INVALID, RESOURCE_TOO_LARGE; or a field: the patient differs
 *                        from the previous version's
 *   FAILED_PRECONDITION  PATIENT_MERGED, PATIENT_ERASED, ENTERED_IN_ERROR,
 *                        CONSENT_NOT_ENFORCEABLE, ATTACHMENT_UNKNOWN
 *   PERMISSION_DENIED    KIND_NOT_ALLOWED: a new Patient requires a scope for all patients */
WARD_MUST enum ward_code chart_write(struct worker *w, struct ward_call *c,
                                     const struct view *view, const struct write *what,
                                     struct version *out, struct ward_err *err);
/* The wire Record of a version that chart_write just wrote, without decrypting it again. */
WARD_MUST enum ward_code chart_written(struct ward_arena *mem, const struct version *v,
                                       const struct write *what,
                                       Ward__Records__V1__Record **out, struct ward_err *err);
/* Writes many new resources by array binding, for imports. Each patient exists or is among the
 * resources. by_import is set and expected_version is 0 for each resource. The feed's changes
 * have the given order. Errors as for chart_write. */
WARD_MUST enum ward_code chart_write_new(struct worker *w, struct ward_call *c,
                                         const struct write *what, size_t n,
                                         struct ward_err *err);

#endif
