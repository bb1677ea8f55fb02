/* records - see README.md here for its methods, and docs/architecture.md for its place in
 * Ward.
 */
#include "common/app/app.h"
#include "services/records/api.h"

#define AT(field) offsetof(struct records_config, field)

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
    {"WARD_AUDIT", WARD_STR, AT(audit), "dns:///audit:50051", 0, 0, "",
     "gRPC address of audit, for AccessLog and leaves", false},
    {"WARD_TEXT_DATA", WARD_STR, AT(text_data), "/usr/share/ward/text", 0, 0, "",
     "folder with the dictionaries and cues for text extraction", false},
    {"WARD_TEXT_MODEL", WARD_STR, AT(text_model), "", 0, 0, "",
     "folder with a model that extracts symptoms, diseases and drugs from text; empty: use "
     "only the dictionaries",
     false},
    {"WARD_PLUGINS", WARD_STR, AT(plugins), "/usr/lib/ward/plugins", 0, 0, "",
     "folder with the model's inference back end; no other folder is used", false},
    {"WARD_GLASS_S", WARD_INT, AT(glass_s), "900", 60, 3600, "s",
     "duration of break-glass access, unless the call sets another duration", false},
    {"WARD_TRUSTED_IDENTIFIER_SYSTEMS", WARD_STR, AT(trusted_systems), "", 0, 0, "",
     "trusted identifier systems (URIs, comma-separated); an imported Patient with a known "
     "identifier of a trusted system is merged with the existing patient",
     false},
    {"WARD_FOLLOWERS", WARD_INT, AT(followers), "2", 1, 128, "",
     "maximum number of concurrent streams of the feed; each stream uses one of WARD_STREAMS, "
     "so WARD_STREAMS must be larger",
     false},
    {"WARD_FEED_MS", WARD_INT, AT(feed_ms), "200", 10, 5000, "ms",
     "time between polls of the database for changes of other replicas", false},
    WARD_OPT_END,
};

extern const struct ward_schema ward_schema_records;

int main(int argc, char **argv)
{
    static struct records rec;
    struct ward_app app;

    ward_app_begin(&app, RECORDS_NAME);
    ward_app_metrics(&app, records_metrics);
    ward_app_config(&app, options, &rec.cfg, argc, argv);
    rec.db = &app.cfg.db;
    rec.tls = &app.cfg.tls;
    ward_app_schema(&app, &ward_schema_keyring);
    ward_app_database(&app, &ward_schema_records);
    ward_app_outbox(&app);
    ward_app_use(&app, records_open, records_close, &rec);
    ward_app_check(&app, "keys", records_ready, &rec);
    ward_app_serve(&app, &(struct ward_rpc_config){
                             .arena_cap = RECORDS_ARENA,
                             .max_message = RECORDS_MESSAGE,
                             .methods = records_methods(),
                             .svc = &rec,
                             .wrk_open = worker_open,
                             .wrk_close = worker_close,
                             .refused = worker_refused,
                         });
    return ward_app_run(&app);
}
