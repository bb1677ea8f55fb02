/* identity - see README.md here for what it answers and docs/architecture.md for where it sits.
 */
#include "common/app/app.h"
#include "services/identity/api.h"

#define AT(field) offsetof(struct identity_config, field)

static const struct ward_opt options[] = {
    {"WARD_KEK", WARD_STR, AT(kek), NULL, 0, 0, "",
     "file: the key-encryption key that wraps each subject's key, 64 hex digits", false},
    {"WARD_PPID_KEY", WARD_STR, AT(ppid_key), NULL, 0, 0, "",
     "PEM file: the Ed25519 key that signs PPID tokens", false},
    {"WARD_PPID_LIFETIME_S", WARD_INT, AT(ppid_lifetime_s), "60", 5, WARD_PPID_MAX_S, "s",
     "how long a PPID token is good", false},
    {"WARD_PLUGINS", WARD_STR, AT(plugins), "/usr/lib/ward/plugins", 0, 0, "",
     "the one folder inference back ends are loaded from", false},
    {"WARD_BACKEND", WARD_STR, AT(backend), "cpu", 0, 0, "", "which of them runs the models",
     false},
    {"WARD_MODELS", WARD_STR, AT(models), "/usr/share/ward/models", 0, 0, "",
     "folder of the models' weights", false},
    {"WARD_CANARY_MS", WARD_INT, AT(canary_ms), "60000", 100, 3600000, "ms",
     "time between known-answer checks of the models", false},
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
    ward_app_database(&app, &ward_schema_identity);
    ward_app_outbox(&app);
    ward_app_use(&app, identity_open, identity_close, &id);
    ward_app_check(&app, "models", identity_ready, &id);
    ward_app_serve(&app, &(struct ward_rpc_config){
                             .arena_cap = IDENTITY_ARENA,
                             .max_message = IDENTITY_PHOTO_MAX + 65536,
                             .methods = identity_methods(),
                             .svc = &id,
                             .wrk_open = worker_open,
                             .wrk_close = worker_close,
                             .refused = act_refused,
                         });
    return ward_app_run(&app);
}
