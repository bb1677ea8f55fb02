/* audit - the service's entry point. README.md in this folder describes its methods;
 * docs/architecture.md describes its place in Ward. */
#include "common/app/app.h"
#include "services/audit/service.h"

#include <stddef.h>

#define AT(field) offsetof(struct options, field)

struct options {
    struct audit_config audit;
    int workers, arena_kib, max_message_kib;
};

static const struct ward_opt TABLE[] = {
    {"WARD_AUDIT_ORIGIN", WARD_STR, AT(audit.origin), "ward.local/audit", 0, 0, "",
     "name of the audit log in each head and each key; never change the name", false},
    {"WARD_AUDIT_KEK", WARD_STR, AT(audit.kek_file), NULL, 0, 0, "",
     "file with the key-encryption key: 64 hex digits, mode 0600, or 0640 if root owns it",
     false},
    {"WARD_AUDIT_ANCHOR", WARD_STR, AT(audit.anchor), "", 0, 0, "",
     "file for the newest signed head; at start, audit detects a truncated log with this file",
     false},
    {"WARD_AUDIT_BUS_LISTEN", WARD_STR, AT(audit.bus_listen), "", 0, 0, "",
     "address of the intake: ipc:///path or tls+tcp://host:port; empty: only gRPC", false},
    {"WARD_AUDIT_BUS_THREADS", WARD_INT, AT(audit.bus_threads), "4", 1, 64, "",
     "number of deliveries that audit handles concurrently", false},
    {"WARD_WORKERS", WARD_INT, AT(workers), "16", 1, 256, "",
     "number of calls that the service handles concurrently; appending calls share one commit",
     false},
    {"WARD_ARENA_KIB", WARD_INT, AT(arena_kib), "32768", 4096, 1048576, "KiB",
     "memory limit of one call", false},
    {"WARD_MAX_MESSAGE_KIB", WARD_INT, AT(max_message_kib), "1280", 64, 65536, "KiB",
     "largest message", false},
    WARD_OPT_END,
};

static const struct ward_doctor_check DOCTOR[] = {
    {"anchor", audit_anchor_look, true,
     "The log lost events since the anchor was written: the database was restored from a "
     "backup, or somebody removed events. audit does not start.",
     "Compare the loss with the times of the backups. After an intended restore, move the "
     "anchor file away, but do not delete the file (docs/deploy.md)."},
    {0},
};

int main(int argc, char **argv)
{
    struct options opt = {0};
    struct audit_service service = {0};
    struct ward_app app;

    ward_app_begin(&app, AUDIT_NAME);
    ward_app_config(&app, TABLE, &opt, argc, argv);
    service.cfg = opt.audit;
    service.cfg.db = &app.cfg.db;
    service.cfg.bus_tls =
        &(struct ward_bus_tls){app.cfg.tls.cert, app.cfg.tls.key, app.cfg.tls.ca};
    ward_app_doctor(&app, DOCTOR, &service);
    ward_app_database(&app, &ward_schema_audit);
    ward_app_use(&app, service_open, service_close, &service);
    ward_app_use(&app, service_intake_open, service_intake_close, &service);
    ward_app_check(&app, "log", service_check, &service);
    ward_app_serve(&app, &(struct ward_rpc_config){
                             .workers = opt.workers,
                             .arena_cap = (size_t)opt.arena_kib << 10,
                             .max_message = (size_t)opt.max_message_kib << 10,
                             .methods = audit_methods(),
                             .svc = &service,
                             .wrk_open = service_worker_open,
                             .wrk_close = service_worker_close,
                             .refused = audit_refused,
                         });
    return ward_app_run(&app);
}
