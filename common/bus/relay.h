/* relay.h - carries the outbox to audit.
 *
 * One thread: drains a batch through `drain` (common/db's ward_outbox_drain, wired by
 * common/app, so that bus knows no database), delivers it, waits for more when woken or after
 * poll_ms. While audit is away it backs off to at most 2 s and the backlog grows in the
 * database, where it is safe. A batch refused for what is in it is halved until the event at
 * fault stands alone and the outbox sets it aside. While audit answers DATA_LOSS (LOG_TAMPERED:
 * its log is not as it left the log) no event is at fault: all wait, as while audit is away.
 *
 * Before the first delivery over a database connection, and about once a second while events
 * go, audit is told how far this database has come. Where audit was told of more before, the
 * database is older than the log: it was restored, or begun anew. Then nothing is delivered,
 * and ward_relay_age says so, until a person has looked.
 * Metrics: ward_outbox_backlog_rows, ward_outbox_held_rows, ward_outbox_oldest_seconds,
 * ward_outbox_audit_broken, ward_outbox_restored, ward_outbox_sent_total,
 * ward_outbox_failures_total.
 *
 * Threads: start/stop from one; wake from any. Memory: its own. Errors: counted and logged once
 * a state change, never fatal.
 */
#ifndef WARD_BUS_RELAY_H
#define WARD_BUS_RELAY_H

#include "common/bus/bus.h"

struct ward_relay;
struct ward_relay_config {
    const char *url;
    struct ward_bus_tls tls;
    int poll_ms;    /* 0: 200 */
    int batch;      /* 0: 1000 */
    int timeout_ms; /* one delivery; 0: 10000 */
    void *svc;
    enum ward_code (*open)(void *svc, void **wrk, struct ward_err *err); /* a db connection */
    void (*close)(void *wrk);
    enum ward_code (*drain)(void *wrk, size_t most, struct ward_bus_client *to, int timeout_ms,
                            size_t *n, struct ward_err *err);
    /* NULL for none; FAILED_PRECONDITION with reason DATABASE_RESTORED is what it is for */
    enum ward_code (*mark)(void *wrk, struct ward_bus_client *to, int timeout_ms,
                           struct ward_err *err);
    enum ward_code (*backlog)(void *wrk, int64_t *rows, int64_t *held, double *age_s,
                              struct ward_err *err);
};
WARD_MUST enum ward_code ward_relay_start(const struct ward_relay_config *cfg,
                                          struct ward_relay **out, struct ward_err *err);
void ward_relay_wake(struct ward_relay *r);
/* By what the relay met last, from any thread.
 *   FAILED_PRECONDITION  audit's log is broken, or events are held */
WARD_MUST enum ward_code ward_relay_check(struct ward_relay *r, struct ward_err *err);
/*   FAILED_PRECONDITION  reason DATABASE_RESTORED */
WARD_MUST enum ward_code ward_relay_age(struct ward_relay *r, struct ward_err *err);
/* Waits up to grace_ms for the outbox to empty, then stops. NULL is fine. */
void ward_relay_stop(struct ward_relay *r, int grace_ms);

#endif
