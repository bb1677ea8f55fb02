/* intake.h - receives events over the bus, from the services' outboxes.
 *
 * Threads: start/stop from one; the bus's own threads receive. Memory: `keep` belongs to the
 * process. Errors: a delivery is acknowledged when every item is in the log, or in quarantine
 * with an event about it. Other failures return to the relay, which keeps the events and tries
 * again.
 */
#ifndef AUDIT_INTAKE_H
#define AUDIT_INTAKE_H

#include "services/audit/audit.h"

struct audit_intake;
/* Listens on cfg->bus_listen; does nothing if that is "". */
WARD_MUST enum ward_code intake_start(struct audit *a, struct ward_arena *keep,
                                      struct audit_intake **out, struct ward_err *err);
void intake_stop(struct audit_intake *i); /* accepts NULL */

/* Handles one delivery, for the bus and for tests. */
WARD_MUST enum ward_code intake_take(struct audit *a, struct ward_db *db,
                                     struct ward_arena *mem, const char *peer,
                                     const struct ward_bus_item *items, size_t n,
                                     struct ward_err *err);

/* Handles a service's report about its outbox: committed up to row `sent`, and no row beyond
 * `last`.
 *   FAILED_PRECONDITION  reason DATABASE_RESTORED: it reported more before
 *   PERMISSION_DENIED    `service` is not the peer (over ipc, the peer is "" and any service is
 *                        permitted) */
WARD_MUST enum ward_code intake_mark(struct ward_db *db, struct ward_arena *mem,
                                     const char *peer, const char *service, uint64_t sent,
                                     uint64_t last, struct ward_err *err);

#endif
