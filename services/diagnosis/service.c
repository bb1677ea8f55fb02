#include "services/diagnosis/decode/decode.h"
#include "services/diagnosis/diagnosis.h"
#include "services/diagnosis/registry/registry.h"
#include "services/diagnosis/registry/shadow.h"

#include <string.h>

/* The decoder has the limits of models, because both run code that may misbehave. */
static enum ward_code open_decoding(struct diagnosis *dia, struct ward_err *err)
{
    const struct diagnosis_config *cfg = &dia->cfg;
    const size_t budget = (size_t)cfg->isolation_mib << 20;

    return diagnosis_decode_open(
        &(struct decode_config){.plugins = cfg->plugins,
                                .isolated = strcmp(cfg->isolation, "none") != 0,
                                .budget_bytes = budget,
                                .most_bytes = 2 * budget,
                                .run_ms = cfg->decode_ms,
                                .grace_ms = cfg->isolation_grace_ms},
        &dia->decoding, err);
}

enum ward_code diagnosis_open(void *arg, struct ward_err *err)
{
    struct diagnosis *dia = arg;

    dia->trust.keys = dia->cfg.model_keys;
    dia->trust.allow_unsigned = strcmp(dia->cfg.model_unsigned, "allow") == 0;
    if (!dia->trust.allow_unsigned && strcmp(dia->cfg.model_unsigned, "refuse") != 0)
        return WARD_FAIL(err, INVALID_ARGUMENT, "WARD_MODEL_UNSIGNED must be refuse or allow");
    if (strcmp(dia->cfg.isolation, "process") != 0 && strcmp(dia->cfg.isolation, "none") != 0)
        return WARD_FAIL(err, INVALID_ARGUMENT, "WARD_ISOLATION must be process or none");
    WARD_TRY(ward_client_open(&(struct ward_client_config){.target = dia->cfg.records,
                                                           .tls = *dia->tls,
                                                           .server = "records",
                                                           .beside_server = true},
                              &dia->records, err));
    WARD_TRY(open_decoding(dia, err));
    WARD_TRY(registry_open(dia, err));
    return shadows_open(dia, err);
}

static enum ward_code look(const struct diagnosis *dia, char *list, struct ward_arena *mem,
                           struct ward_err *err)
{
    const struct manifest_trust trust = {.keys = dia->cfg.model_keys,
                                         .allow_unsigned =
                                             strcmp(dia->cfg.model_unsigned, "allow") == 0};

    for (char *one = list, *next; one != NULL && *one != '\0'; one = next) {
        char *slash = strchr(one, '/');
        struct manifest m;
        enum ward_code code;

        next = strchr(one, ',');
        if (next != NULL)
            *next++ = '\0';
        if (slash == NULL || (next != NULL && slash > next))
            return WARD_FAIL(err, INVALID_ARGUMENT,
                             "WARD_DIAGNOSIS_MODELS must be a list of name/version, or none");
        *slash++ = '\0';
        code = manifest_read(dia->cfg.models, one, slash, &trust, mem, &m, err);
        if (code != WARD_OK) {
            struct ward_err why = *err;

            return WARD_FAIL(err, FAILED_PRECONDITION, "%.40s/%.20s: %.90s", one, slash,
                             why.msg);
        }
    }
    return WARD_OK;
}

enum ward_code diagnosis_models_look(void *arg, struct ward_db *db, struct ward_err *err)
{
    const struct diagnosis *dia = arg;
    struct ward_arena mem;
    enum ward_code code;
    char *list;

    (void)db;
    if (strcmp(dia->cfg.serve, "none") == 0)
        return WARD_OK;
    if (*dia->cfg.serve == '\0')
        return WARD_FAIL(err, FAILED_PRECONDITION, "WARD_DIAGNOSIS_MODELS names no model");
    ward_arena_init(&mem, (size_t)8 << 20);
    list = ward_strdup(&mem, dia->cfg.serve);
    code = list == NULL ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a list")
                        : look(dia, list, &mem, err);
    ward_arena_done(&mem);
    return code;
}

void diagnosis_close(void *arg)
{
    struct diagnosis *dia = arg;

    shadows_close(dia);
    registry_close(dia);
    diagnosis_decode_close(dia->decoding);
    ward_client_close(dia->records);
}

enum ward_code diagnosis_ready(void *arg, struct ward_err *err)
{
    return registry_ready(arg, err);
}

enum ward_code diagnosis_part(void *arg, int i, struct ward_err *err)
{
    return registry_part(arg, i, err);
}

enum ward_code worker_open(void *arg, void **wrk, struct ward_err *err)
{
    struct ward_arena mem;
    struct worker *w;
    enum ward_code code;

    ward_arena_init(&mem, sizeof(*w) + 4096);
    w = ward_new(&mem, struct worker);
    if (w == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a worker");
    w->mem = mem;
    w->dia = arg;
    w->event_ctx.service = DIAGNOSIS_NAME;
    code = ward_db_open(w->dia->db, &w->event_ctx.db, err);
    if (code != WARD_OK) {
        worker_close(w);
        return code;
    }
    *wrk = w;
    return WARD_OK;
}

void worker_close(void *wrk)
{
    struct worker *w = wrk;
    struct ward_arena mem;

    if (w == NULL)
        return;
    ward_db_close(w->event_ctx.db);
    mem = w->mem;
    ward_arena_done(&mem);
}

void worker_refused(struct ward_call *c, enum ward_code code)
{
    struct worker *w = c->wrk;

    ward_event_failed(c, &w->event_ctx, code);
}
