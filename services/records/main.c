/* records - see README.md here for what it answers and docs/architecture.md for where it sits.
 */
#include "common/app/app.h"
#include "services/records/api.h"

#define AT(field) offsetof(struct records_config, field)

static const struct ward_opt options[] = {
    {"WARD_KEK", WARD_STR, AT(kek), NULL, 0, 0, "",
     "the root key that wraps every other: a file of 64 hex digits, or a PKCS#11 URI", false},
    {"WARD_KEK_OLD", WARD_STR, AT(kek_old), "", 0, 0, "",
     "the former root key, until RotateKeys has run", false},
    {"WARD_KEY_HOLD_S", WARD_INT, AT(key_hold_s), "60", 1, 3600, "s",
     "how long a destroyed key stays in memory, for calls that read a row just before", false},
    {"WARD_AUDIT", WARD_STR, AT(audit), "dns:///audit:50051", 0, 0, "",
     "audit's gRPC address, asked by AccessLog and for leaves", false},
    {"WARD_TEXT_DATA", WARD_STR, AT(text_data), "/usr/share/ward/text", 0, 0, "",
     "folder of the dictionaries and cues of the text extraction", false},
    {"WARD_TEXT_MODEL", WARD_STR, AT(text_model), "", 0, 0, "",
     "folder of a model that finds symptoms, diseases and drugs; none: the dictionaries do",
     false},
    {"WARD_PLUGINS", WARD_STR, AT(plugins), "/usr/lib/ward/plugins", 0, 0, "",
     "the one folder the plugin that runs the model is loaded from", false},
    {"WARD_GLASS_S", WARD_INT, AT(glass_s), "900", 60, 3600, "s",
     "how long a broken glass opens a chart unless the call says otherwise", false},
    {"WARD_TRUSTED_IDENTIFIER_SYSTEMS", WARD_STR, AT(trusted_systems), "", 0, 0, "",
     "systems (URIs, with commas between) whose identifiers name one person: a Patient of an "
     "import that has one is the known patient",
     false},
    {"WARD_FOLLOWERS", WARD_INT, AT(followers), "2", 1, 128, "",
     "who may follow the feed at once; each holds one of WARD_STREAMS: keep that well above",
     false},
    {"WARD_FEED_MS", WARD_INT, AT(feed_ms), "200", 10, 5000, "ms",
     "how often changes of other replicas are looked for", false},
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
