/* intake.h - receives events over the bus, from the services' outboxes.
 *
 * Threads: one thread starts and stops the intake; threads of the bus receive. Memory: `keep`
 * belongs to the process. Errors: a delivery is acknowledged when every item is in the log or
 * in quarantine, and the log has an event about the quarantine. Other failures are returned to
 * the relay, which keeps the events and retries. */
#ifndef AUDIT_INTAKE_H
#define AUDIT_INTAKE_H

#include "services/audit/audit.h"

struct audit_intake;
/* Listens on cfg->bus_listen. Does nothing if bus_listen is "". */
WARD_MUST enum ward_code intake_start(struct audit *a, struct ward_arena *keep,
                                      struct audit_intake **out, struct ward_err *err);
void intake_stop(struct audit_intake *i); /* NULL is allowed */

/* Handles one delivery, for the bus and for tests. */
WARD_MUST enum ward_code intake_take(struct audit *a, struct ward_db *db,
                                     struct ward_arena *mem, const char *peer,
                                     const struct ward_bus_item *items, size_t n,
                                     struct ward_err *err);

/* Handles a service's report about its outbox: rows up to `sent` are delivered, and no
 * row is after `last`.
 *   FAILED_PRECONDITION  reason DATABASE_RESTORED: an earlier report had more rows
 *   PERMISSION_DENIED    `service` is not the peer (over ipc, the peer is "" and any service is
 *                        permitted) */
WARD_MUST enum ward_code intake_mark(struct ward_db *db, struct ward_arena *mem,
                                     const char *peer, const char *service, uint64_t sent,
                                     uint64_t last, struct ward_err *err);

#endif
