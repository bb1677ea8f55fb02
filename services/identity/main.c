/* identity - the service's entry point. README.md in this folder lists its methods;
 * docs/architecture.md shows its place in Ward. */
#include "common/app/app.h"
#include "services/identity/api.h"

#define AT(field) offsetof(struct identity_config, field)

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
    {"WARD_TENANT", WARD_STR, AT(tenant), "ward", 0, 0, "",
     "name of the hospital, which is part of template transforms; never change the name",
     false},
    {"WARD_PPID_LIFETIME_S", WARD_INT, AT(ppid_lifetime_s), "60", 5, WARD_PPID_MAX_S, "s",
     "lifetime of a PPID token", false},
    {"WARD_PLUGINS", WARD_STR, AT(plugins), "/usr/lib/ward/plugins", 0, 0, "",
     "folder with the inference back ends; no other folder is used", false},
    {"WARD_DEVICES", WARD_STR, AT(order), "cpu", 0, 0, "",
     "back ends in order of preference: npu,gpu,cpu", false},
    {"WARD_DEVICE_FALLBACK", WARD_STR, AT(fallback), "degraded", 0, 0, "",
     "policy if the first back end is unusable: degraded (use the next back end and mark "
     "answers as degraded) or deny (return UNAVAILABLE)",
     false},
    {"WARD_NPU_PROVIDERS", WARD_STR, AT(npu_providers), "", 0, 0, "",
     "NPU vendors' execution-provider libraries: name=path, comma-separated", false},
    {"WARD_MODELS", WARD_STR, AT(models), "/usr/share/ward/models", 0, 0, "",
     "folder with the models' weights", false},
    {"WARD_PACKS", WARD_STR, AT(packs), "/usr/share/ward/packs", 0, 0, "",
     "folder with the calibration file of each model pack: PACK/calibration.json", false},
    {"WARD_PACK", WARD_STR, AT(pack), "faceplugin", 0, 0, "", "model pack: faceplugin or clear",
     false},
    {"WARD_FORMER_PACK", WARD_STR, AT(former_pack), "", 0, 0, "",
     "previous model pack, for templates that are not re-embedded yet", false},
    {"WARD_CALIBRATION", WARD_STR, AT(calibration), "", 0, 0, "",
     "calibration file of your hospital, used instead of the model pack's file", false},
    {"WARD_CANARY_MS", WARD_INT, AT(canary_ms), "60000", 100, 3600000, "ms",
     "time between known-answer checks of the models", false},
    {"WARD_GALLERY_DIR", WARD_STR, AT(gallery_dir), "", 0, 0, "",
     "folder for this replica's gallery snapshot; empty: each start reads the database", false},
    {"WARD_SNAPSHOT_S", WARD_INT, AT(snapshot_s), "300", 1, 86400, "s",
     "time between snapshots while faces change", false},
    {"WARD_SCAN_THREADS", WARD_INT, AT(scan_threads), "2", 1, 64, "",
     "number of threads for one search", false},
    {"WARD_HINT_LISTEN", WARD_STR, AT(hint_listen), "", 0, 0, "",
     "address where this replica publishes hints about changes: ipc:// or tls+tcp://", false},
    {"WARD_HINT_PEERS", WARD_STR, AT(hint_peers), "", 0, 0, "",
     "WARD_HINT_LISTEN of the other replicas, comma-separated; a host name means all its "
     "addresses, as with a headless Service",
     false},
    {"WARD_FACE_UNKNOWN_AGE", WARD_STR, AT(unknown_age), "refuse", 0, 0, "",
     "policy for the face of a patient without a year of birth: refuse or match-without-token",
     false},
    {"WARD_FACE_MISSES_HOUR", WARD_INT, AT(face_misses), "10", 1, 1000, "",
     "maximum number of comparisons without a match per hour, person and subject", false},
    {"WARD_SEARCH_MISSES_HOUR", WARD_INT, AT(search_misses), "60", 1, 100000, "",
     "maximum number of face searches without a result per hour and person", false},
    {"WARD_RETENTION_DAYS", WARD_INT, AT(retention_days), "730", 0, 36500, "days",
     "retention of a face, unless the enrolment sets another retention; 0: until the consent "
     "ends",
     false},
    {"WARD_FACES_LIMIT", WARD_INT, AT(faces_limit), "0", 0, 100000000, "",
     "number of stored faces above which metrics and log warn; 0: no limit", false},
    {"WARD_TIME_ZONE", WARD_STR, AT(time_zone), "Etc/UTC", 0, 0, "",
     "time zone of the site, for door hours and attendance days", false},
    {"WARD_ATTENDANCE_DEBOUNCE_S", WARD_INT, AT(attendance_debounce_s), "60", 0, 3600, "s",
     "time within which a repeated attendance event of a person returns the first event",
     false},
    {"WARD_OFFLINE_PACK_H", WARD_INT, AT(offline_pack_h), "24", 1, 720, "h",
     "lifetime of a door's offline pack", false},
    {"WARD_MOVEMENTS_DAYS", WARD_INT, AT(movements_days), "90", 0, 36500, "days",
     "retention of door events and presence, without attendance; 0: unlimited", false},
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
