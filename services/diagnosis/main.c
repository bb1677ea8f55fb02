/* diagnosis - the service's entry point. README.md in this folder lists its methods;
 * docs/architecture.md shows its place in Ward. */
#include "common/app/app.h"
#include "common/app/version.h"
#include "common/serve/isolate.h"
#include "services/diagnosis/api.h"
#include "services/diagnosis/decode/decode.h"

#define AT(field) offsetof(struct diagnosis_config, field)

static const struct ward_opt options[] = {
    {"WARD_MODELS", WARD_STR, AT(models), "/usr/share/ward/models", 0, 0, "",
     "folder with <name>/<version>/manifest.json and the weights", false},
    {"WARD_DIAGNOSIS_MODELS", WARD_STR, AT(serve), "", 0, 0, "",
     "models to serve, as name/version: \"chest/1,heart_tree/1\"; \"none\" for a service "
     "without models. The service is ready when all these models pass their known-answer "
     "checks. The version is used until the database names an active version (PromoteModel)",
     false},
    {"WARD_MODEL_KEYS", WARD_STR, AT(model_keys), "/usr/share/ward/models/trusted.vkeys", 0, 0,
     "",
     "file of trusted verifier keys, one key on each line; a model must have a signature by a "
     "trusted key",
     false},
    {"WARD_MODEL_UNSIGNED", WARD_STR, AT(model_unsigned), "refuse", 0, 0, "",
     "policy for a model without a trusted signature: \"refuse\" or, for development, "
     "\"allow\"",
     false},
    {"WARD_REGISTRY_MS", WARD_INT, AT(registry_ms), "1000", 50, 60000, "ms",
     "time between polls of the database for models that another replica loaded or promoted",
     false},
    {"WARD_SHADOW_ANSWERS", WARD_INT, AT(shadow_answers), "100", 0, 1000000, "",
     "minimum number of inputs on which a shadow is compared before PromoteModel accepts the "
     "shadow without override_reason",
     false},
    {"WARD_SHADOW_DISAGREE_PCT", WARD_INT, AT(shadow_disagree_pct), "5", 0, 100, "%",
     "largest share of the compared inputs on which the shadow may disagree with the active "
     "version",
     false},
    {"WARD_PLUGINS", WARD_STR, AT(plugins), "/usr/lib/ward/plugins", 0, 0, "",
     "folder with the inference back ends", false},
    {"WARD_DEVICES", WARD_STR, AT(order), "cpu", 0, 0, "",
     "back ends in order of preference: \"npu,gpu,cpu\"", false},
    {"WARD_DEVICE_FALLBACK", WARD_STR, AT(fallback), "degraded", 0, 0, "",
     "policy if the first back end is unusable: \"degraded\" (use the next back end and mark "
     "answers as degraded) or \"deny\" (return UNAVAILABLE)",
     false},
    {"WARD_NPU_PROVIDERS", WARD_STR, AT(npu_providers), "", 0, 0, "",
     "NPU vendors' execution-provider libraries: name=path, comma-separated", false},
    {"WARD_ISOLATION", WARD_STR, AT(isolation), "process", 0, 0, "",
     "where models run: \"process\" (each model in its own worker process) or \"none\" (in the "
     "service's process)",
     false},
    {"WARD_ISOLATION_MIB", WARD_INT, AT(isolation_mib), "1024", 0, 1048576, "MiB",
     "resident memory at which the service replaces a worker process; the kernel's limit is "
     "twice this value; 0: no limit",
     false},
    {"WARD_ISOLATION_RUN_MS", WARD_INT, AT(isolation_run_ms), "30000", 100, 3600000, "ms",
     "time limit for one run of a model in a worker process", false},
    {"WARD_DECODE_MS", WARD_INT, AT(decode_ms), "5000", 100, 600000, "ms",
     "time limit for decoding a file in the decoder's worker process", false},
    {"WARD_ISOLATION_GRACE_MS", WARD_INT, AT(isolation_grace_ms), "1000", 10, 60000, "ms",
     "time from a run's deadline until the service kills the worker process", false},
    {"WARD_CANARY_MS", WARD_INT, AT(canary_ms), "60000", 100, 3600000, "ms",
     "time between known-answer checks of each model, and between attempts to load a failed "
     "model",
     false},
    {"WARD_INSTANCES", WARD_INT, AT(instances), "2", 1, 16, "",
     "number of concurrent runs of one model", false},
    {"WARD_STAT_INSTANCES", WARD_INT, AT(stat_instances), "1", 0, 16, "",
     "number of additional concurrent runs that are reserved for LANE_STAT", false},
    {"WARD_STAT_ROLES", WARD_STR, AT(stat_roles), "physician", 0, 0, "",
     "roles that may use LANE_STAT: \"physician,nurse\"", false},
    {"WARD_BATCH_ROWS", WARD_INT, AT(batch_rows), "32", 1, 1024, "",
     "maximum number of rows in one run; the service measures the useful sizes at start",
     false},
    {"WARD_BATCH_DELAY_US", WARD_INT, AT(batch_delay_us), "0", 0, 1000000, "us",
     "longest time that a row waits for more rows in its batch, if larger batches are faster; "
     "rows in LANE_STAT do not wait",
     false},
    {"WARD_QUEUE_ROWS", WARD_INT, AT(queue_rows), "1024", 1, 65536, "",
     "maximum number of queued rows for one model; further rows are rejected with QUEUE_FULL",
     false},
    {"WARD_RECORDS", WARD_STR, AT(records), "dns:///records:50051", 0, 0, "",
     "gRPC address of records, which decides on access and stores reports", false},
    {"WARD_RECORDS_MS", WARD_INT, AT(records_ms), "3000", 100, 30000, "ms",
     "time limit for an answer from records", false},
    WARD_OPT_END,
};

extern const struct ward_schema ward_schema_diagnosis;

static const struct ward_doctor_check doctor[] = {
    {"models", diagnosis_models_look, false,
     "The service is unready, because it cannot serve a model of its configuration.",
     "Correct WARD_DIAGNOSIS_MODELS, or install the model and its signature in WARD_MODELS."},
    {0},
};

static const struct ward_job *const jobs[] = {&ward_plugin_job, &diagnosis_decode_job, NULL};

int main(int argc, char **argv)
{
    static struct diagnosis dia;
    struct ward_app app;

    ward_worker_enter(argc, argv, jobs);
    ward_app_begin(&app, DIAGNOSIS_NAME);
    ward_app_metrics(&app, diagnosis_metrics);
    ward_app_metrics(&app, ward_worker_metrics);
    ward_app_config(&app, options, &dia.cfg, argc, argv);
    dia.build = ward_version;
    dia.db = &app.cfg.db;
    dia.tls = &app.cfg.tls;
    ward_app_doctor(&app, doctor, &dia);
    ward_app_database(&app, &ward_schema_diagnosis);
    ward_app_outbox(&app);
    ward_app_use(&app, diagnosis_open, diagnosis_close, &dia);
    ward_app_check(&app, "models", diagnosis_ready, &dia);
    ward_app_parts(&app, diagnosis_part, &dia);
    ward_app_serve(&app, &(struct ward_rpc_config){
                             .arena_cap = DIAGNOSIS_ARENA,
                             .max_message = DIAGNOSIS_MESSAGE,
                             .max_elements = DIAGNOSIS_NUMBERS,
                             .methods = diagnosis_methods(),
                             .parts = dia.part,
                             .svc = &dia,
                             .wrk_open = worker_open,
                             .wrk_close = worker_close,
                             .refused = worker_refused,
                         });
    return ward_app_run(&app);
}
