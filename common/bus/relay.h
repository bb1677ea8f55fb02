/* relay.h - sends the events of the outbox to audit.
 *
 * One thread reads and delivers a batch through `drain`. common/app passes common/db's
 * ward_outbox_drain, so that bus does not depend on db. The thread then waits for a wake-up or
 * for poll_ms. While audit is unavailable, the retry interval grows to at most 2 s, and the
 * events are safe in the database. If audit refuses a batch because of its content, the batch
 * is halved until one event remains, and the outbox sets that event aside. DATA_LOSS
 * (LOG_TAMPERED: audit's log was changed) concerns no single event, so all events wait, as
 * during an outage.
 *
 * The relay reports the database's progress to audit before the first delivery over a database
 * connection, and about once a second while there are events. If audit received higher numbers
 * earlier, the database is older than the log, because the database was restored or replaced.
 * The relay then delivers nothing, and ward_relay_age reports the problem until an operator
 * accepts the database. Metrics: ward_outbox_backlog_rows, ward_outbox_held_rows,
 * ward_outbox_oldest_seconds, ward_outbox_audit_broken, ward_outbox_restored,
 * ward_outbox_sent_total, ward_outbox_failures_total.
 *
 * Threads: start and stop from one thread; wake from any. Memory: the relay's own. Errors:
 * counted, and logged once for each change of state; never fatal.
 */
#ifndef WARD_BUS_RELAY_H
#define WARD_BUS_RELAY_H

#include "common/bus/bus.h"

struct ward_relay;
struct ward_relay_config {
    const char *url;
    struct ward_bus_tls tls;
    int poll_ms;    /* longest wait for new events in ms; 0: 200 */
    int batch;      /* maximum events of one delivery; 0: 1000 */
    int timeout_ms; /* timeout of one delivery in ms; 0: 10000 */
    void *svc;
    enum ward_code (*open)(void *svc, void **wrk,
                           struct ward_err *err); /* opens a database connection */
    void (*close)(void *wrk);
    enum ward_code (*drain)(void *wrk, size_t most, struct ward_bus_client *to, int timeout_ms,
                            size_t *n, struct ward_err *err);
    /* reports the database's progress; may be NULL. FAILED_PRECONDITION with reason
     * DATABASE_RESTORED stops deliveries. */
    enum ward_code (*mark)(void *wrk, struct ward_bus_client *to, int timeout_ms,
                           struct ward_err *err);
    enum ward_code (*backlog)(void *wrk, int64_t *rows, int64_t *held, double *age_s,
                              struct ward_err *err);
};
WARD_MUST enum ward_code ward_relay_start(const struct ward_relay_config *cfg,
                                          struct ward_relay **out, struct ward_err *err);
void ward_relay_wake(struct ward_relay *r);
/* Returns the last state of the relay. Any thread may call this function.
 *   FAILED_PRECONDITION  audit's log is broken, or events are held */
WARD_MUST enum ward_code ward_relay_check(struct ward_relay *r, struct ward_err *err);
/*   FAILED_PRECONDITION  reason DATABASE_RESTORED: the database is older than audit's log */
WARD_MUST enum ward_code ward_relay_age(struct ward_relay *r, struct ward_err *err);
/* Waits up to grace_ms for the outbox to empty, then stops. Accepts NULL. */
void ward_relay_stop(struct ward_relay *r, int grace_ms);

#endif
