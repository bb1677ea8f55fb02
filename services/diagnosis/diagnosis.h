/* diagnosis.h - models read patients' inputs, and clinicians review the findings: declarations
 * that the files of this service share.
 *
 * rules.c turns numbers into findings and abstentions (pure). decode/ turns files into pixels.
 * steps/ prepares an input. model/ has a model's manifest and runs the model on a device.
 * registry/ loads the versions of models, and compares shadows. infer/ is Infer and the report
 * that it files. review/ is Confirm, Amend and Reject. store.c counts. api.c is the table of
 * methods; service.c opens and closes everything. The service stores no patient data: reports
 * are stored in records.
 *
 * Threads: struct diagnosis is shared and read-only while the service runs, except members with
 * their own lock; a struct worker belongs to one thread. Memory: results are in the arena
 * passed in. Errors: those of db.h. */
#ifndef DIAGNOSIS_H
#define DIAGNOSIS_H

#include "common/base/metrics.h"
#include "common/db/db.h"
#include "common/handler/event.h"
#include "common/rpc/client.h"
#include "common/rpc/rpc.h"
#include "common/serve/serve.h"
#include "services/diagnosis/model/manifest.h"
#include "services/diagnosis/rules.h"

#define DIAGNOSIS_NAME    "diagnosis"
#define DIAGNOSIS_MESSAGE ((size_t)33 << 20) /* maximum size of a message, with one film */
/* memory for a call: the message, and a film's pixels */
#define DIAGNOSIS_ARENA ((size_t)256 << 20)
/* maximum size of the typed tensors in a message */
#define DIAGNOSIS_NUMBERS ((size_t)9 << 20)
#define DIAGNOSIS_MODELS  16 /* maximum number of models */

struct diagnosis_config {
    const char *models;         /* the folder with <name>/<version>/manifest.json */
    const char *serve;          /* versions to serve: "chest/1,heart_tree/1", or "none" */
    const char *model_keys;     /* the file of trusted verifier keys */
    const char *model_unsigned; /* "refuse" or "allow": whether unsigned models are served */
    int registry_ms;            /* interval of reading the registry from the database */
    /* required of a shadow before its promotion: answers, and maximum disagreement */
    int shadow_answers, shadow_disagree_pct;
    const char *plugins;          /* the folder of back ends */
    const char *order, *fallback; /* as in select.h */
    const char *npu_providers;
    const char *isolation; /* "process" or "none" */
    int isolation_mib, isolation_run_ms, isolation_grace_ms;
    int decode_ms; /* maximum time for decoding a file */
    int canary_ms;
    int instances, stat_instances, batch_rows, batch_delay_us, queue_rows; /* as in queue.h */
    const char *stat_roles; /* roles that may use LANE_STAT, such as "physician" */
    const char *records;    /* gRPC address of records */
    int records_ms;         /* maximum time for a call to records */
};

struct registry;
struct shadows;
struct decoding;
struct diagnosis {
    struct diagnosis_config cfg;
    const struct ward_db_config *db;
    const struct ward_tls *tls;
    struct ward_client *records;
    const char *build; /* version of this build, such as "1.2-34-gabcdef" */
    struct manifest_trust trust;
    struct decoding *decoding; /* see decode/decode.h */
    struct registry *registry; /* see registry/registry.h */
    struct shadows *shadows;   /* see registry/shadow.h */
    /* names of the models' health checks, such as "ward.diagnosis.v1/chest"; the registry adds
     * to them */
    const char *part[DIAGNOSIS_MODELS + 1];
};

struct worker {
    struct ward_arena mem; /* memory of this worker */
    struct diagnosis *dia;
    struct ward_event_ctx event_ctx; /* event_ctx.db is the worker's database connection */
};

/* ---- service.c ---- */

WARD_MUST enum ward_code diagnosis_open(void *dia, struct ward_err *err);
void diagnosis_close(void *dia);
/* Checks whether all configured models serve. UNAVAILABLE otherwise, with the name of such a
 * model. */
WARD_MUST enum ward_code diagnosis_ready(void *dia, struct ward_err *err);
/* For --doctor, before the service has opened: reads the manifest of each configured model and
 * its signature. NOT_FOUND, FAILED_PRECONDITION: as manifest_read, with the model's name. */
WARD_MUST enum ward_code diagnosis_models_look(void *dia, struct ward_db *db,
                                               struct ward_err *err);
/* Checks one model: part i. */
WARD_MUST enum ward_code diagnosis_part(void *dia, int i, struct ward_err *err);
WARD_MUST enum ward_code worker_open(void *dia, void **wrk, struct ward_err *err);
void worker_close(void *wrk);
void worker_refused(struct ward_call *c, enum ward_code code);

extern struct ward_family *const diagnosis_metrics[];

#endif
