/* diagnosis - see README.md here for what it answers and docs/architecture.md for where it
 * sits. */
#include "common/app/app.h"
#include "services/diagnosis/api.h"

#define AT(field) offsetof(struct diagnosis_config, field)

static const struct ward_opt options[] = {
    {"WARD_MODELS", WARD_STR, AT(models), "/usr/share/ward/models", 0, 0, "",
     "folder with <name>/<version>/manifest.json and the weights beside it", false},
    {"WARD_DIAGNOSIS_MODELS", WARD_STR, AT(serve), "", 0, 0, "",
     "the models that are served, name/version: \"chest/1,heart_tree/1\"; ready means that "
     "each "
     "of them gives its known answer",
     false},
    {"WARD_PLUGINS", WARD_STR, AT(plugins), "/usr/lib/ward/plugins", 0, 0, "",
     "folder with the inference back ends", false},
    {"WARD_DEVICES", WARD_STR, AT(order), "cpu", 0, 0, "",
     "back ends in order of preference: \"npu,gpu,cpu\"", false},
    {"WARD_DEVICE_FALLBACK", WARD_STR, AT(fallback), "degraded", 0, 0, "",
     "when the first cannot be used: \"degraded\" (the next, and answers say so) or \"deny\"",
     false},
    {"WARD_NPU_PROVIDERS", WARD_STR, AT(npu_providers), "", 0, 0, "",
     "the npu back end's providers (docs/plugin.md)", false},
    {"WARD_CANARY_MS", WARD_INT, AT(canary_ms), "60000", 100, 3600000, "ms",
     "how often each model is asked its known answer; one that does not serve is tried again "
     "as often",
     false},
    {"WARD_INSTANCES", WARD_INT, AT(instances), "2", 1, 16, "", "runs of one model at once",
     false},
    {"WARD_STAT_INSTANCES", WARD_INT, AT(stat_instances), "1", 0, 16, "",
     "runs beside them that are kept for LANE_STAT", false},
    {"WARD_STAT_ROLES", WARD_STR, AT(stat_roles), "physician", 0, 0, "",
     "roles that may ask for LANE_STAT: \"physician,nurse\"", false},
    {"WARD_BATCH_ROWS", WARD_INT, AT(batch_rows), "32", 1, 1024, "",
     "rows of one run at most; the useful sizes are measured at start", false},
    {"WARD_BATCH_DELAY_US", WARD_INT, AT(batch_delay_us), "0", 0, 1000000, "us",
     "longest wait of a row for others, where a batch gains; never of LANE_STAT", false},
    {"WARD_QUEUE_ROWS", WARD_INT, AT(queue_rows), "1024", 1, 65536, "",
     "rows that may wait for one model; more are refused, QUEUE_FULL", false},
    {"WARD_RECORDS", WARD_STR, AT(records), "dns:///records:50051", 0, 0, "",
     "records' gRPC address: who may see whom, and where reports are filed", false},
    {"WARD_RECORDS_MS", WARD_INT, AT(records_ms), "3000", 100, 30000, "ms",
     "longest wait for an answer of records", false},
    WARD_OPT_END,
};

extern const struct ward_schema ward_schema_diagnosis;

int main(int argc, char **argv)
{
    static struct diagnosis dia;
    struct ward_app app;

    ward_app_begin(&app, DIAGNOSIS_NAME);
    ward_app_metrics(&app, diagnosis_metrics);
    ward_app_config(&app, options, &dia.cfg, argc, argv);
    dia.db = &app.cfg.db;
    dia.tls = &app.cfg.tls;
    ward_app_database(&app, &ward_schema_diagnosis);
    ward_app_outbox(&app);
    ward_app_use(&app, diagnosis_open, diagnosis_close, &dia);
    ward_app_check(&app, "models", diagnosis_ready, &dia);
    ward_app_parts(&app, diagnosis_part, &dia);
    ward_app_serve(&app, &(struct ward_rpc_config){
                             .arena_cap = DIAGNOSIS_ARENA,
                             .max_message = DIAGNOSIS_MESSAGE,
                             .methods = diagnosis_methods(),
                             .parts = dia.part,
                             .svc = &dia,
                             .wrk_open = worker_open,
                             .wrk_close = worker_close,
                             .refused = worker_refused,
                         });
    return ward_app_run(&app);
}
