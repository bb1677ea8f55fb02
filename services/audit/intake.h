/* intake.h - events that come over the bus, from the services' outboxes.
 *
 * Threads: start/stop from one; the bus's own threads take. Memory: `keep` is the process's.
 * Errors: a delivery is acknowledged once everything in it is in the log or, where it is no
 * event, in quarantine with an event that says so; anything else comes back to the relay, which
 * keeps it and tries again.
 */
#ifndef AUDIT_INTAKE_H
#define AUDIT_INTAKE_H

#include "services/audit/audit.h"

struct audit_intake;
/* Listens on cfg->bus_listen; does nothing where that is "". */
WARD_MUST enum ward_code intake_start(struct audit *a, struct ward_arena *keep,
                                      struct audit_intake **out, struct ward_err *err);
void intake_stop(struct audit_intake *i); /* NULL is fine */

/* One delivery, for the bus and for tests. */
WARD_MUST enum ward_code intake_take(struct audit *a, struct ward_db *db,
                                     struct ward_arena *mem, const char *peer,
                                     const struct ward_bus_item *items, size_t n,
                                     struct ward_err *err);

/* What a service says of its outbox: committed up to row `sent`, and no row beyond `last`.
 *   FAILED_PRECONDITION  reason DATABASE_RESTORED: it had come further before
 *   PERMISSION_DENIED    `service` is not the peer; over ipc, peer "", any is */
WARD_MUST enum ward_code intake_mark(struct ward_db *db, struct ward_arena *mem,
                                     const char *peer, const char *service, uint64_t sent,
                                     uint64_t last, struct ward_err *err);

#endif
