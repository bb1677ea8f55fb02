/* identity - see README.md here for what it answers and docs/architecture.md for where it sits.
 */
#include "common/app/app.h"
#include "services/identity/access/local.h"
#include "services/identity/api.h"

#define AT(field) offsetof(struct identity_config, field)

static const struct ward_opt options[] = {
    {"WARD_KEK", WARD_STR, AT(kek), NULL, 0, 0, "",
     "the root key that wraps every other: a file of 64 hex digits, or a PKCS#11 URI", false},
    {"WARD_KEK_OLD", WARD_STR, AT(kek_old), "", 0, 0, "",
     "the former root key, until RotateKeys has run", false},
    {"WARD_KEY_HOLD_S", WARD_INT, AT(key_hold_s), "60", 1, 3600, "s",
     "how long a destroyed key stays in memory, for calls that read a row just before", false},
    {"WARD_TENANT", WARD_STR, AT(tenant), "ward", 0, 0, "",
     "the hospital's name in template transforms; never change it", false},
    {"WARD_PPID_LIFETIME_S", WARD_INT, AT(ppid_lifetime_s), "60", 5, WARD_PPID_MAX_S, "s",
     "how long a PPID token is good", false},
    {"WARD_PLUGINS", WARD_STR, AT(plugins), "/usr/lib/ward/plugins", 0, 0, "",
     "the one folder inference back ends are loaded from", false},
    {"WARD_DEVICES", WARD_STR, AT(order), "cpu", 0, 0, "",
     "back ends in the order they are wished for: npu,gpu,cpu", false},
    {"WARD_DEVICE_FALLBACK", WARD_STR, AT(fallback), "degraded", 0, 0, "",
     "when the first of them is away: degraded (use the next, say so) or deny", false},
    {"WARD_NPU_PROVIDERS", WARD_STR, AT(npu_providers), "", 0, 0, "",
     "NPU vendors' execution-provider libraries: name=path, comma-separated", false},
    {"WARD_MODELS", WARD_STR, AT(models), "/usr/share/ward/models", 0, 0, "",
     "folder of the models' weights", false},
    {"WARD_PACKS", WARD_STR, AT(packs), "/usr/share/ward/packs", 0, 0, "",
     "folder of the packs' calibrations: PACK/calibration.json", false},
    {"WARD_PACK", WARD_STR, AT(pack), "faceplugin", 0, 0, "",
     "which model pack: faceplugin, clear", false},
    {"WARD_FORMER_PACK", WARD_STR, AT(former_pack), "", 0, 0, "",
     "a second pack, for templates that are not re-embedded yet", false},
    {"WARD_CALIBRATION", WARD_STR, AT(calibration), "", 0, 0, "",
     "a site's own calibration file, instead of the pack's", false},
    {"WARD_CANARY_MS", WARD_INT, AT(canary_ms), "60000", 100, 3600000, "ms",
     "time between known-answer checks of the models", false},
    {"WARD_GALLERY_DIR", WARD_STR, AT(gallery_dir), "", 0, 0, "",
     "folder of the gallery's snapshot, this replica's own; none: each start reads the "
     "database",
     false},
    {"WARD_SNAPSHOT_S", WARD_INT, AT(snapshot_s), "300", 1, 86400, "s",
     "time between snapshots while faces change", false},
    {"WARD_SCAN_THREADS", WARD_INT, AT(scan_threads), "2", 1, 64, "",
     "threads that one search may use", false},
    {"WARD_HINT_LISTEN", WARD_STR, AT(hint_listen), "", 0, 0, "",
     "where this replica tells others of its changes: ipc:// or tls+tcp://", false},
    {"WARD_HINT_PEERS", WARD_STR, AT(hint_peers), "", 0, 0, "",
     "the other replicas' WARD_HINT_LISTEN, comma-separated; a host's name stands for every "
     "address "
     "behind it, such as a headless Service's replicas",
     false},
    {"WARD_FACE_UNKNOWN_AGE", WARD_STR, AT(unknown_age), "refuse", 0, 0, "",
     "the face of a patient without a year of birth: refuse, or match-without-token", false},
    {"WARD_FACE_MISSES_HOUR", WARD_INT, AT(face_misses), "10", 1, 1000, "",
     "how often within an hour one person may compare one subject's face without a match",
     false},
    {"WARD_SEARCH_MISSES_HOUR", WARD_INT, AT(search_misses), "60", 1, 100000, "",
     "how often within an hour one person may search by face and find nobody", false},
    {"WARD_RETENTION_DAYS", WARD_INT, AT(retention_days), "730", 0, 36500, "days",
     "how long a face is kept unless the enrolment says otherwise; 0: until consent ends",
     false},
    {"WARD_FACES_LIMIT", WARD_INT, AT(faces_limit), "0", 0, 100000000, "",
     "stored faces past which metrics and log warn; 0: none", false},
    {"WARD_TIME_ZONE", WARD_STR, AT(time_zone), "Etc/UTC", 0, 0, "",
     "the site's time zone, for door hours and attendance days", false},
    {"WARD_ATTENDANCE_DEBOUNCE_S", WARD_INT, AT(attendance_debounce_s), "60", 0, 3600, "s",
     "the same person coming twice within this time came once", false},
    {"WARD_OFFLINE_PACK_H", WARD_INT, AT(offline_pack_h), "24", 1, 720, "h",
     "how long a door's offline pack is good", false},
    {"WARD_MOVEMENTS_DAYS", WARD_INT, AT(movements_days), "90", 0, 36500, "days",
     "how long door events and presence are kept (not attendance); 0: for ever", false},
    WARD_OPT_END,
};

extern const struct ward_schema ward_schema_identity;

int main(int argc, char **argv)
{
    static struct identity id;
    struct ward_app app;

    ward_app_begin(&app, IDENTITY_NAME);
    ward_app_metrics(&app, identity_metrics);
    ward_app_config(&app, options, &id.cfg, argc, argv);
    ward_app_use(&app, local_open, NULL, &id.cfg.time_zone); /* the whole process's */
    id.db = &app.cfg.db;
    id.tls = &app.cfg.tls;
    id.jwks = app.jwks;
    ward_app_database(&app, &ward_schema_identity);
    ward_app_outbox(&app);
    ward_app_use(&app, identity_open, identity_close, &id);
    ward_app_check(&app, "models", identity_ready, &id);
    ward_app_serve(&app, &(struct ward_rpc_config){
                             .arena_cap = IDENTITY_ARENA,
                             .max_message = IDENTITY_MESSAGE_MAX,
                             .methods = identity_methods(),
                             .svc = &id,
                             .wrk_open = worker_open,
                             .wrk_close = worker_close,
                             .refused = api_refused,
                         });
    return ward_app_run(&app);
}
