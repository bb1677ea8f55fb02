/* diagnosis.h - what models see, and what clinicians make of it: what the files of this service
 * share.
 *
 * rules.c turns numbers into findings and abstentions (pure). decode/ turns files into pixels.
 * model/ is a model: its manifest, what is done to an input (steps/), which device runs it.
 * registry/ says which versions there are, and compares shadows. infer/ is Infer and the report
 * that it files; review/ Confirm, Amend, Reject. store.c counts. api.c is the table of methods;
 * service.c opens and closes it all. Nothing of a patient's is kept here: reports are records'.
 *
 * Threads: struct diagnosis is shared and read-only once serving, but for what locks itself; a
 * worker is one thread's. Memory: results live in the arena passed in. Errors: as db.h.
 */
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
#define DIAGNOSIS_MESSAGE ((size_t)33 << 20)  /* of one message: a film and the rest */
#define DIAGNOSIS_ARENA   ((size_t)256 << 20) /* of one call: the message, a film's pixels */
#define DIAGNOSIS_NUMBERS ((size_t)9 << 20)   /* of one message: its typed tensors */
#define DIAGNOSIS_MODELS  16                  /* known at once */

struct diagnosis_config {
    const char *models;         /* the folder with <name>/<version>/manifest.json */
    const char *serve;          /* "chest/1,heart_tree/1"; "none" */
    const char *model_keys;     /* the file of trusted verifier keys */
    const char *model_unsigned; /* "refuse", "allow" */
    int registry_ms;            /* how often the database is asked what to serve */
    int shadow_answers, shadow_disagree_pct; /* what a promotion asks of a shadow */
    const char *plugins;                     /* the folder of back ends */
    const char *order, *fallback;            /* select.h */
    const char *npu_providers;
    const char *isolation; /* "process", "none" */
    int isolation_mib, isolation_run_ms, isolation_grace_ms;
    int decode_ms; /* a file is decoded within this time */
    int canary_ms;
    int instances, stat_instances, batch_rows, batch_delay_us, queue_rows; /* queue.h */
    const char *stat_roles; /* "physician": who may ask for LANE_STAT */
    const char *records;    /* its gRPC address */
    int records_ms;         /* how long records is asked at most */
};

struct registry;
struct shadows;
struct decoding;
struct diagnosis {
    struct diagnosis_config cfg;
    const struct ward_db_config *db;
    const struct ward_tls *tls;
    struct ward_client *records;
    const char *build; /* "1.2-34-gabcdef" */
    struct manifest_trust trust;
    struct decoding *decoding;              /* decode/decode.h */
    struct registry *registry;              /* registry/registry.h */
    struct shadows *shadows;                /* registry/shadow.h */
    const char *part[DIAGNOSIS_MODELS + 1]; /* "ward.diagnosis.v1/chest": health's names, to
                                             * which the registry adds */
};

struct worker {
    struct ward_arena mem; /* the worker's own */
    struct diagnosis *dia;
    struct ward_event_ctx event_ctx; /* seat.db: its connection */
};

/* ---- service.c ---- */

WARD_MUST enum ward_code diagnosis_open(void *dia, struct ward_err *err);
void diagnosis_close(void *dia);
/* UNAVAILABLE, naming it, while a configured model does not serve. */
WARD_MUST enum ward_code diagnosis_ready(void *dia, struct ward_err *err);
/* For --doctor, before the service has opened: reads the manifest of each configured model and
 * its signature. NOT_FOUND, FAILED_PRECONDITION: as manifest_read, naming the model. */
WARD_MUST enum ward_code diagnosis_models_look(void *dia, struct ward_db *db,
                                               struct ward_err *err);
/* Of model i alone. */
WARD_MUST enum ward_code diagnosis_part(void *dia, int i, struct ward_err *err);
WARD_MUST enum ward_code worker_open(void *dia, void **wrk, struct ward_err *err);
void worker_close(void *wrk);
void worker_refused(struct ward_call *c, enum ward_code code);

/* No metric names a patient or a person. */
extern struct ward_family *const diagnosis_metrics[];
extern struct ward_family diagnosis_inferences; /* {model, outcome}: present, absent, ... */
extern struct ward_family diagnosis_reviews;    /* {model, review} */
extern struct ward_family diagnosis_serving;    /* {model}: gauge */
extern struct ward_family diagnosis_shadows;    /* {model, outcome}: agreed, differed, ... */

#endif
