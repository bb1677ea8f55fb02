/* service.h - the audit service as main.c uses it.
 *
 * Threads: main opens and closes. Memory: its own arena. Errors: those of audit.h. */
#ifndef AUDIT_SERVICE_H
#define AUDIT_SERVICE_H

#include "common/rpc/rpc.h"
#include "services/audit/audit.h"

struct audit_service {
    struct audit_config cfg;
    struct ward_arena keep; /* lives as long as the process */
    struct audit *audit;
    struct audit_intake *intake;
};

enum ward_code service_open(void *service, struct ward_err *err);
void service_close(void *service);
enum ward_code service_intake_open(void *service, struct ward_err *err);
void service_intake_close(void *service);
/* Returns OK until stored data contradicts the signed head. */
enum ward_code service_check(void *service, struct ward_err *err);
/* For --doctor: compares the size of the stored log with the anchor file's head, before the
 * service has opened. DATA_LOSS if the log is shorter. */
enum ward_code audit_anchor_look(void *service, struct ward_db *db, struct ward_err *err);

enum ward_code service_worker_open(void *service, void **wrk, struct ward_err *err);
void service_worker_close(void *wrk);
void audit_refused(struct ward_call *c, enum ward_code code);
const struct ward_method *audit_methods(void);
extern const struct ward_schema ward_schema_audit;

#endif
