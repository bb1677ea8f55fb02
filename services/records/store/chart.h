/* chart.h - writing and reading resources, inside a transaction.
 *
 * A writer of any kind (Create, a batch, an import, a merge) calls chart_write for each version
 * and is done: row, version, tokens, denials, wards, the feed's change and `seen` are written
 * here; the audit event is the caller's (its id is given), in the same transaction.
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: as each says, and db.h's.
 */
#ifndef RECORDS_STORE_CHART_H
#define RECORDS_STORE_CHART_H

#include "services/records/access/scope.h"
#include "services/records/store/index.h"

/* ---- whose ---- */

struct patient {
    uint8_t id[RECORDS_ID], root[RECORDS_ID];
    bool erased;
    uint8_t key[WARD_KEY_SIZE]; /* not of an erased one; the arena's: wiped by patient_wipe */
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
    int version;
    Ward__Records__V1__Act act;
    int64_t written_at_us;
    const char *actor, *purpose, *peer, *device, *model, *model_sha256;
    struct ward_val sealed;
    bool wrong; /* only of current ones */
};
/* A current resource that the scope lets the caller see.
 *   NOT_FOUND  RESOURCE_NOT_FOUND: none, another kind, or not theirs to see */
WARD_MUST enum ward_code chart_find(struct worker *w, struct ward_arena *mem,
                                    const struct view *view, enum kind kind,
                                    const uint8_t id[RECORDS_ID], struct version *out,
                                    struct ward_err *err);
/* Opens what is sealed: unpacked into mem, meta.version_id and last_updated set.
 *   DATA_LOSS  RECORD_UNREADABLE */
WARD_MUST enum ward_code chart_open(struct worker *w, struct ward_arena *mem,
                                    const struct version *v, Resource **out,
                                    struct ward_err *err);
/* The wire's Record of it, with what was cleaned. */
WARD_MUST enum ward_code chart_record(struct worker *w, struct ward_arena *mem,
                                      const struct version *v, Ward__Records__V1__Record **out,
                                      struct ward_err *err);

/* ---- writing ---- */

struct write {
    Resource *res; /* checked by fhir_check; its id set or "" for a new one */
    Ward__Records__V1__Act act;
    int expected_version;                            /* 0: it must be new */
    const Ward__Records__V1__Provenance *provenance; /* NULL: none */
    const uint8_t *event_id;                         /* 16 bytes: the version's audit event */
    int64_t at_us;
    const Ward__Records__V1__Cleaned *const *cleaned; /* what was put right */
    size_t n_cleaned;
    const uint8_t *other_patient; /* merges: the feed's; NULL */
    bool by_import;               /* the caller has looked at scopes and references itself */
};
/* One version. In a transaction. The patient must be there (of a Patient: is made with its
 * key), not erased and not merged away (unless act is MERGED or UNMERGED); the scope `view`
 * must let the caller write it (not looked at for by_import). NOT_FOUND PATIENT_NOT_FOUND,
 * RESOURCE_NOT_FOUND ALREADY_EXISTS       ID_TAKEN ABORTED              VERSION_CONFLICT
 * (WARD_FAIL_REASON; ward_db_tx must not redo it: see chart_conflict) INVALID_ARGUMENT
 * FIELD_INVALID: about another patient than before FAILED_PRECONDITION  PATIENT_MERGED,
 * PATIENT_ERASED, ENTERED_IN_ERROR, CONSENT_NOT_ENFORCEABLE, ATTACHMENT_UNKNOWN
 *   PERMISSION_DENIED    KIND_NOT_ALLOWED, PURPOSE_NOT_ALLOWED */
WARD_MUST enum ward_code chart_write(struct worker *w, struct ward_call *c,
                                     const struct view *view, const struct write *what,
                                     struct version *out, struct ward_err *err);
/* Many new resources of patients that are there or among them, by array binding: for imports.
 * All by_import and new (expected_version 0); versions in the order given. */
WARD_MUST enum ward_code chart_write_new(struct worker *w, struct ward_call *c,
                                         const struct write *what, size_t n,
                                         struct ward_err *err);

/* ---- a resource's parts that every kind has ---- */

enum kind resource_kind(const Resource *res);
const char *kind_name(enum kind kind);        /* "Observation" */
enum kind kind_of_name(const char *name);     /* KIND_NONE where none */
const char *resource_id(const Resource *res); /* "" where none is given */
void resource_set_id(Resource *res, char *id);
Ward__Records__V1__Meta **resource_meta(const Resource *res);
/* The patient it is about (of a Patient: itself).
 *   INVALID_ARGUMENT  REFERENCE_INVALID, with the field */
WARD_MUST enum ward_code resource_patient(const Resource *res, uint8_t out[RECORDS_ID],
                                          struct ward_err *err);
/* "Patient/<uuid>", "urn:uuid:<uuid>": false for anything else. *kind: KIND_NONE for urn:uuid
 */
bool reference_parse(const char *reference, enum kind *kind, uint8_t out[RECORDS_ID]);

#endif
