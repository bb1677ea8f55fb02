/* records.h - the chart: declarations that the files of this service share.
 *
 * rules.c decides on roles (pure). store/ writes and reads resources and their versions. fhir/
 * validates resources and converts resources from and to FHIR JSON. search/ finds resources.
 * access/ has consent, break-glass and the access log. merge/ combines two charts. exchange/
 * has bundles, CSV and quarantine. feed/ is the feed of changes. text/ reads notes. analytics/
 * counts resources for dashboards. admin/ is for operators. methods.c is the table of methods.
 * service.c opens and closes everything.
 *
 * Threads: struct records is shared and read-only during service, except members with their own
 * lock; a struct worker belongs to one thread. Memory: results are in the arena passed in.
 * Errors: those of db.h and keyring.h, and DATA_LOSS RECORD_UNREADABLE for rows that were
 * changed outside the service.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include "common/base/metrics.h"
#include "common/db/db.h"
#include "common/handler/event.h"
#include "common/keyring/keyring.h"
#include "common/rpc/client.h"
#include "common/rpc/rpc.h"
#include "services/records/rules.h"
#include "ward/records/v1/records.pb-c.h"

#define RECORDS_NAME    "records"
#define RECORDS_ID      16
#define RECORDS_MESSAGE ((size_t)8 << 20)   /* maximum bytes of a message */
#define RECORDS_ARENA   ((size_t)128 << 20) /* maximum bytes of a call's arena */
#define RECORDS_MAX     ((size_t)1 << 20)   /* maximum bytes of a serialized resource */
#define RECORDS_SLACK   ((size_t)64 << 10)  /* additional bytes for a mark or a merge's links */

typedef Ward__Records__V1__Resource Resource;

struct records_config {
    const char *kek, *kek_old;
    int key_hold_s;
    const char *trusted_systems; /* comma-separated URIs of systems that identify one person */
    const char *audit;           /* audit's gRPC address, for AccessLog and leaves */
    const char *text_data, *text_model, *plugins;
    int glass_s;
    int followers; /* maximum concurrent readers of the feed */
    int feed_ms;   /* ms between runs of the sequencer without a wake-up */
};

struct text_backend;
struct text_engine;
struct sequencer;
struct records {
    struct records_config cfg;
    const struct ward_db_config *db;
    const struct ward_tls *tls;
    struct ward_keyring *keys;
    struct ward_client *audit;
    struct text_backend *text_model; /* NULL: only the rules read notes */
    struct text_engine *text;
    struct sequencer *feed;
};

struct worker {
    struct ward_arena mem; /* the worker's memory */
    struct records *rec;
    struct ward_event_ctx event_ctx; /* event_ctx.db: the worker's connection */
};

/* ---- service.c ---- */

WARD_MUST enum ward_code records_open(void *rec, struct ward_err *err);
void records_close(void *rec);
WARD_MUST enum ward_code records_ready(void *rec, struct ward_err *err);
WARD_MUST enum ward_code worker_open(void *rec, void **wrk, struct ward_err *err);
void worker_close(void *wrk);
void worker_refused(struct ward_call *c, enum ward_code code);
extern struct ward_family *const records_metrics[];

#endif
