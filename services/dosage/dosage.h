/* dosage.h - orders, checks and doses: declarations that the files of this service share.
 *
 * rules.c decides on roles and state transitions (pure). check/ is the dose check, pure over a
 * snapshot and a rule set; formulary/ stores rule sets; chart/ reads, caches and follows the
 * chart in records; order/ is orders and decisions; schedule/ computes due times; give/ is the
 * bedside; track/ evaluates given doses; downtime/ is packs and reconciliation; admin/ is for
 * operators; store/ has the patients' rows and keys. methods.c is the table of methods; api.c
 * has functions that handlers share; service.c opens and closes all parts.
 *
 * Threads: struct dosage is shared and read-only during service, except members with their own
 * lock; each worker belongs to one thread. Memory: results are in the arena passed in. Errors:
 * as db.h and keyring.h, and DATA_LOSS DOSE_UNREADABLE for rows that were changed outside the
 * service.
 */
#ifndef DOSAGE_H
#define DOSAGE_H

#include "common/base/metrics.h"
#include "common/db/db.h"
#include "common/handler/event.h"
#include "common/keyring/keyring.h"
#include "common/rpc/client.h"
#include "common/rpc/rpc.h"
#include "services/dosage/rules.h"
#include "ward/dosage/v1/check.pb-c.h"

#define DOSAGE_NAME    "dosage"
#define DOSAGE_ID      16
#define DOSAGE_MESSAGE ((size_t)8 << 20) /* bytes of one message */
/* Maximum elements of one message. The largest message is the rule set of a whole hospital. */
#define DOSAGE_ELEMENTS ((size_t)1 << 20)
#define DOSAGE_ARENA    ((size_t)64 << 20) /* bytes of one call's arena */

/* The purpose of use of identity's PPID tokens for doses. */
#define DOSAGE_PPID_PURPOSE "administration"

struct dosage_config {
    const char *kek, *kek_old;
    int key_hold_s;
    const char *records, *identity; /* gRPC addresses of both services */
    const char *time_zone;          /* for wards without their own settings */
    int access_s;                   /* validity of a permission from records */
    int records_ms;                 /* maximum time for a call to records */
    int chart_s; /* after this time without a message from the feed, cached charts are stale */
    int late_charting_min; /* maximum delay between a dose and its charting */
    int emergency_s;       /* time limit for acknowledging an emergency */
    int place_needed;      /* a given dose must name its place */
    int due_followers;
    int watch_s; /* interval of the search for workarounds */
};

struct charts;
struct keep;
struct rulesets;
struct due_watch;
struct keeper;
struct watcher;
struct presence;
struct ward_jwks;
struct dosage {
    struct dosage_config cfg;
    const struct ward_db_config *db;
    const struct ward_tls *tls;
    bool serves;            /* true: this process runs a server (beside_server of client.h) */
    struct ward_jwks *jwks; /* verifies the bearer token of a second person */
    struct ward_keyring *keys;
    struct ward_client *records, *identity;
    struct charts *charts;     /* chart/chart.h */
    struct rulesets *rulesets; /* formulary/ruleset.h */
    struct keep *lately;       /* order/lately.h; NULL: rows are read each time */
    struct keeper *keeper;     /* order/keeper.h; NULL: each call commits its own decision */
    struct due_watch *due;     /* schedule/due.h */
    struct watcher *watcher;   /* track/watch.h */
    struct presence *presence; /* track/presence.h; NULL: presence is not recorded */
};

struct worker {
    struct ward_arena mem;
    struct dosage *dos;
    struct ward_event_ctx event_ctx; /* event_ctx.db is the worker's connection */
};

/* ---- service.c ---- */

WARD_MUST enum ward_code dosage_open(void *dos, struct ward_err *err);
void dosage_close(void *dos);
WARD_MUST enum ward_code dosage_ready(void *dos, struct ward_err *err);
WARD_MUST enum ward_code worker_open(void *dos, void **wrk, struct ward_err *err);
void worker_close(void *wrk);
void worker_refused(struct ward_call *c, enum ward_code code);

/* In metrics.c. No metric names a patient, a person or a drug. */
extern struct ward_family *const dosage_metrics[];
extern struct ward_family dosage_findings;       /* {rule, severity} */
extern struct ward_family dosage_overrides;      /* {rule, reason} */
extern struct ward_family dosage_doses;          /* {outcome} */
extern struct ward_family dosage_refused;        /* {right} */
extern struct ward_family dosage_chart_reads;    /* {from}: cached, records, stale */
extern struct ward_family dosage_home_decisions; /* {decision} */
extern struct ward_family dosage_late; /* gauge: emergencies without a timely acknowledgement */

#endif
