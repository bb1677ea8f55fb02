/* dosage - see README.md here for its methods, and docs/architecture.md for its place in
 * Ward.
 */
#include "common/app/app.h"
#include "services/dosage/api.h"

#define AT(field) offsetof(struct dosage_config, field)

static const struct ward_opt options[] = {
    {"WARD_KEK", WARD_STR, AT(kek), NULL, 0, 0, "",
     "root key that encrypts all other keys: a file with 64 hex digits, or a PKCS#11 URI",
     false},
    {"WARD_KEK_OLD", WARD_STR, AT(kek_old), "", 0, 0, "",
     "previous root key, until RotateKeys has run", false},
    {"WARD_KEY_HOLD_S", WARD_INT, AT(key_hold_s), "60", 1, 3600, "s",
     "time that a destroyed key stays in memory, for calls that have already read an encrypted "
     "row",
     false},
    {"WARD_RECORDS", WARD_STR, AT(records), "dns:///records:50051", 0, 0, "",
     "gRPC address of records, which provides charts and decides on access", false},
    {"WARD_IDENTITY", WARD_STR, AT(identity), "dns:///identity:50051", 0, 0, "",
     "gRPC address of identity, which redeems PPID tokens", false},
    {"WARD_TIME_ZONE", WARD_STR, AT(time_zone), "UTC", 0, 0, "",
     "IANA time zone of wards without their own setting", false},
    {"WARD_ACCESS_S", WARD_INT, AT(access_s), "300", 0, 3600, "s",
     "time for which a permission from records for a person and a patient stays cached", false},
    {"WARD_RECORDS_MS", WARD_INT, AT(records_ms), "2000", 100, 30000, "ms",
     "time limit for an answer from records; at most half of the call's remaining time is used",
     false},
    {"WARD_CHART_S", WARD_INT, AT(chart_s), "15", 6, 3600, "s",
     "time without a message from records' feed after which cached charts count as outdated",
     false},
    {"WARD_LATE_CHARTING_MAX_MIN", WARD_INT, AT(late_charting_min), "240", 0, 1440, "min",
     "maximum age of a dose that staff may chart late, with a reason", false},
    {"WARD_EMERGENCY_S", WARD_INT, AT(emergency_s), "3600", 60, 86400, "s",
     "time limit for acknowledging an emergency dose", false},
    {"WARD_PLACE_NEEDED", WARD_INT, AT(place_needed), "1", 0, 1, "",
     "1: a dose must name its place, and the token must be from that place; 0: a dose without "
     "a place accepts a token from any place",
     false},
    {"WARD_DUE_FOLLOWERS", WARD_INT, AT(due_followers), "2", 1, 128, "",
     "maximum number of concurrent streams of due doses; each stream uses one of WARD_STREAMS, "
     "so WARD_STREAMS must be larger",
     false},
    {"WARD_WATCH_S", WARD_INT, AT(watch_s), "60", 1, 3600, "s",
     "time between searches for workarounds", false},
    WARD_OPT_END,
};

extern const struct ward_schema ward_schema_dosage;

int main(int argc, char **argv)
{
    static struct dosage dos;
    struct ward_app app;

    ward_app_begin(&app, DOSAGE_NAME);
    ward_app_metrics(&app, dosage_metrics);
    ward_app_config(&app, options, &dos.cfg, argc, argv);
    dos.db = &app.cfg.db;
    dos.tls = &app.cfg.tls;
    dos.serves = true;
    ward_app_schema(&app, &ward_schema_keyring);
    ward_app_database(&app, &ward_schema_dosage);
    ward_app_outbox(&app);
    dos.jwks = app.jwks;
    ward_app_use(&app, dosage_open, dosage_close, &dos);
    ward_app_check(&app, "keys", dosage_ready, &dos);
    ward_app_serve(&app, &(struct ward_rpc_config){
                             .arena_cap = DOSAGE_ARENA,
                             .max_message = DOSAGE_MESSAGE,
                             .max_elements = DOSAGE_ELEMENTS,
                             .methods = dosage_methods(),
                             .svc = &dos,
                             .wrk_open = worker_open,
                             .wrk_close = worker_close,
                             .refused = worker_refused,
                         });
    return ward_app_run(&app);
}
