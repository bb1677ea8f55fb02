#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/host/host_own.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct ward_family run_seconds = {
    .name = "ward_host_run_seconds",
    .help = "Duration of one inference, by model.",
    .type = WARD_HISTOGRAM,
    .label = {"model"},
    .bounds = WARD_SECONDS,
};
static struct ward_family run_failures = {
    .name = "ward_host_failures_total",
    .help = "Number of failed inferences, by model.",
    .type = WARD_COUNTER,
    .label = {"model"},
};
static struct ward_family step_seconds = {
    .name = "ward_host_step_seconds_total",
    .help = "Time that inferences spent in each step (copy_in, compute, copy_out), by model, "
            "if the back end reports it.",
    .type = WARD_COUNTER,
    .label = {"model", "step"},
};
WARD_METRIC_LISTED(run_seconds)
WARD_METRIC_LISTED(step_seconds)
WARD_METRIC_LISTED(run_failures)

void ward_model_observe(struct ward_model *m, bool failed, double seconds,
                        const struct ward_run_times *times)
{
    const uint64_t ns[] = {times->copy_in_ns, times->compute_ns, times->copy_out_ns};

    if (failed) {
        ward_metric_add(m->failures, 1);
        return;
    }
    ward_metric_observe(&run_seconds, m->seconds, seconds);
    for (size_t i = 0; i < WARD_COUNT(ns); i++)
        if (ns[i] > 0)
            ward_metric_add(m->step[i], (double)ns[i] / 1e9);
}

/* Returns whether the plugin's description of inputs or outputs contains no impossible
 * shape. */
static bool io_fit(const struct ward_io *io, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (io[i].rank > WARD_MAX_RANK || io[i].batch_axis >= (int32_t)io[i].rank ||
            memchr(io[i].name, '\0', sizeof(io[i].name)) == NULL)
            return false;
        for (uint32_t d = 0; d < io[i].rank; d++)
            if (io[i].shape[d] < -1)
                return false;
    }
    return true;
}

static void ask_io(struct ward_model *m)
{
    m->io.size = sizeof(m->io);
    m->has_io = WARD_PLUGIN_HAS(m->b->p, model_io) &&
                m->b->p->model_io(m->model, &m->io) == 0 && m->io.n_in <= WARD_MAX_IO &&
                m->io.n_out <= WARD_MAX_IO && io_fit(m->io.in, m->io.n_in) &&
                io_fit(m->io.out, m->io.n_out);
}

const struct ward_model_io *ward_model_shapes(const struct ward_model *m)
{
    return m->has_io ? &m->io : NULL;
}

/* Reads the whole file into malloc'd memory. */
static enum ward_code slurp(const char *path, void **data, uint64_t *n, struct ward_err *err)
{
    FILE *f = fopen(path, "rbe");
    struct stat st;
    void *p = NULL;

    if (f == NULL) {
        WARD_FAIL(err, NOT_FOUND, "cannot open the model's weights");
        ward_err_detail(err, "%s: errno %d", path, errno);
        return WARD_NOT_FOUND;
    }
    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
        (uint64_t)st.st_size > WARD_WEIGHTS_MAX)
        goto unusable;
    p = malloc((size_t)st.st_size);
    if (p == NULL || fread(p, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
        goto unusable;
    fclose(f);
    *data = p;
    *n = (uint64_t)st.st_size;
    return WARD_OK;

unusable:
    free(p);
    fclose(f);
    WARD_FAIL(err, FAILED_PRECONDITION, "cannot read the model's weights");
    ward_err_detail(err, "%s", path);
    return WARD_FAILED_PRECONDITION;
}

static enum ward_code read_weights(const struct ward_model_config *cfg,
                                   struct ward_model_spec *spec, void **data,
                                   struct ward_err *err)
{
    uint8_t sum[WARD_SHA256_SIZE];

    WARD_TRY(slurp(cfg->path, data, &spec->nbytes, err));
    spec->data = *data;
    ward_sha256(*data, (size_t)spec->nbytes, sum);
    ward_hex(sum, sizeof(sum), spec->sha256);
    if (cfg->sha256 == NULL || strcmp(spec->sha256, cfg->sha256) != 0) {
        WARD_FAIL_REASON(err, FAILED_PRECONDITION, "MODEL_HASH",
                         "the hash of %s's weights is not the expected one", cfg->name);
        ward_err_detail(err, "%s has sha256 %s", cfg->path, spec->sha256);
        return WARD_FAILED_PRECONDITION;
    }
    return WARD_OK;
}

/* The plugin must report the SHA-256 of the weights that it received. */
static enum ward_code compare(struct ward_model *m, struct ward_err *err)
{
    struct ward_model_info info = {.size = sizeof(info)};

    if (m->b->p->model_info(m->model, &info) != 0 ||
        strncmp(info.sha256, m->sha256, sizeof(info.sha256)) != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "MODEL_HASH",
                                "the %s back end reports another hash of the weights",
                                m->b->p->name);
    return WARD_OK;
}

static enum ward_code load(struct ward_model *m, const struct ward_model_spec *spec,
                           struct ward_err *err)
{
    struct ward_plugin_err perr = {0};
    const struct ward_plugin *p = m->b->p;
    enum ward_code code;
    int rc;

    pthread_mutex_lock(&m->b->lock);
    rc = p->model_load(m->b->plugin, spec, &m->model, &perr);
    code = rc == 0 ? compare(m, err) : ward_plugin_said(rc, m->b, &perr, err);
    if (rc == 0 && code != WARD_OK)
        p->model_free(m->model);
    if (code == WARD_OK)
        ask_io(m);
    pthread_mutex_unlock(&m->b->lock);
    return code;
}

/* Creates a model from the checked weights in `spec`. */
static enum ward_code model_of(struct ward_backend *b, const struct ward_model_config *cfg,
                               const struct ward_model_spec *spec, struct ward_model **out,
                               struct ward_err *err)
{
    struct ward_model *m = calloc(1, sizeof(*m));
    enum ward_code code;

    if (m == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a model");
    *m = (struct ward_model){.b = b, .name = cfg->name};
    memcpy(m->sha256, spec->sha256, sizeof(m->sha256));
    m->seconds = ward_series_of(&run_seconds, cfg->name, NULL, NULL);
    m->failures = ward_series_of(&run_failures, cfg->name, NULL, NULL);
    m->step[0] = ward_series_of(&step_seconds, cfg->name, "copy_in", NULL);
    m->step[1] = ward_series_of(&step_seconds, cfg->name, "compute", NULL);
    m->step[2] = ward_series_of(&step_seconds, cfg->name, "copy_out", NULL);
    code = load(m, spec, err);
    if (code != WARD_OK) {
        free(m);
        return code;
    }
    *out = m;
    return WARD_OK;
}

static struct ward_model_spec spec_of(const struct ward_model_config *cfg)
{
    return (struct ward_model_spec){.size = sizeof(struct ward_model_spec),
                                    .threads = cfg->threads < 1 ? 1 : (uint32_t)cfg->threads,
                                    .name = cfg->name,
                                    .dir = ""};
}

enum ward_code ward_model_load(struct ward_backend *b, const struct ward_model_config *cfg,
                               struct ward_model **out, struct ward_err *err)
{
    struct ward_model_spec spec = spec_of(cfg);
    char dir[PATH_MAX];
    void *data = NULL;
    const char *slash;
    enum ward_code code = WARD_OK;

    if (cfg->path != NULL) {
        slash = strrchr(cfg->path, '/');
        snprintf(dir, sizeof(dir), "%.*s", slash == NULL ? 1 : (int)(slash - cfg->path),
                 slash == NULL ? "." : cfg->path);
        spec.dir = dir;
        code = read_weights(cfg, &spec, &data, err);
    }
    if (code == WARD_OK)
        code = model_of(b, cfg, &spec, out, err);
    free(data);
    return code;
}

enum ward_code ward_model_load_bytes(struct ward_backend *b,
                                     const struct ward_model_config *cfg, const void *data,
                                     uint64_t n, struct ward_model **out, struct ward_err *err)
{
    struct ward_model_spec spec = spec_of(cfg);

    spec.data = data;
    spec.nbytes = n;
    snprintf(spec.sha256, sizeof(spec.sha256), "%s", cfg->sha256 == NULL ? "" : cfg->sha256);
    return model_of(b, cfg, &spec, out, err);
}

void ward_model_unload(struct ward_model *m)
{
    if (m == NULL)
        return;
    pthread_mutex_lock(&m->b->lock);
    m->b->p->model_free(m->model);
    pthread_mutex_unlock(&m->b->lock);
    free(m);
}

const char *ward_model_sha256(const struct ward_model *m)
{
    return m->sha256;
}
