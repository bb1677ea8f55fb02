/* faulty.h - an inference back end with a fault, for tests of worker processes. Each file of
 * this folder that includes this header is one plugin.
 *
 * The plugin runs a model whose output "logit" [n, 1] is the mean of each row of its input,
 * [n, 1, h, w] F32. The fault exists only in models whose name begins with "faulty"; it begins
 * with an input whose first value is at least FAULTY_TRIGGER. So a second model on the same
 * plugin shows that the fault of one does not reach the other.
 *
 * A file that defines FAULTY_COUNTS is a plugin that counts its failed runs.
 *
 * A file that defines FAULTY_SHAPELESS is a plugin of version 1.1, which does not describe the
 * inputs and outputs of its models.
 *
 * Threads, memory, errors: ward/plugin.h's.
 */
#ifndef TESTS_FAULTS_FAULTY_H
#define TESTS_FAULTS_FAULTY_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ward/plugin.h>

#define FAULTY_TRIGGER 0.9f

/* Each plugin defines these. */
static const char *const faulty_name;
static const uint32_t faulty_kind; /* enum ward_device_kind */
/* Before the answer to the triggering input; *bias is added to all later answers. */
static void faulty_act(float *bias);

struct faulty_model {
    int faulty;
    float bias;
    char sha256[65];
};

static int faulty_fail(struct ward_plugin_err *err, int code, const char *msg)
{
    snprintf(err->msg, sizeof(err->msg), "%s", msg);
    return code;
}

#ifdef FAULTY_COUNTS
static const struct ward_host *faulty_host;

static void faulty_count(double add)
{
    faulty_host->metric(faulty_host->ctx, "faulty_runs_failed", add);
}

static int open_faulty(const struct ward_host *host, void **plugin, struct ward_plugin_err *err)
{
    (void)err;
    faulty_host = host;
    faulty_count(0);
    *plugin = &faulty_host;
    return 0;
}

static void close_faulty(void *plugin)
{
    (void)plugin;
}
#endif

static int devices(void *plugin, struct ward_device *out, uint32_t cap, uint32_t *n,
                   struct ward_plugin_err *err)
{
    (void)plugin, (void)cap, (void)err;
    out[0] = (struct ward_device){
        .kind = faulty_kind, .ordinal = faulty_kind == WARD_CPU ? -1 : 0, .ready = 1};
    snprintf(out[0].name, sizeof(out[0].name), "%s", faulty_name);
    *n = 1;
    return 0;
}

static int model_load(void *plugin, const struct ward_model_spec *spec, void **model,
                      struct ward_plugin_err *err)
{
    struct faulty_model *m = calloc(1, sizeof(*m));

    (void)plugin;
    if (m == NULL)
        return faulty_fail(err, 8, "no memory");
    m->faulty = strncmp(spec->name, "faulty", 6) == 0;
    memcpy(m->sha256, spec->sha256, sizeof(m->sha256));
    *model = m;
    return 0;
}

static int model_info(void *model, struct ward_model_info *info)
{
    memcpy(info->sha256, ((struct faulty_model *)model)->sha256, sizeof(info->sha256));
    return 0;
}

static void model_free(void *model)
{
    free(model);
}

static int instance_new(void *model, int32_t device, void **instance,
                        struct ward_plugin_err *err)
{
    (void)device, (void)err;
    *instance = model;
    return 0;
}

static void instance_free(void *instance)
{
    (void)instance;
}

static int run(void *instance, struct ward_run *r, struct ward_plugin_err *err)
{
    const struct ward_tensor *in = r->in;
    struct faulty_model *m = instance;
    int64_t rows, each;
    float *out;

    if (r->n_in != 1 || in->dtype != WARD_F32 || in->rank != 4 || in->shape[0] < 1)
        return faulty_fail(err, 3, "want one input, F32 [n, 1, h, w]");
    rows = in->shape[0];
    each = in->shape[1] * in->shape[2] * in->shape[3];
    out = r->alloc(r->ctx, (uint64_t)rows * sizeof(float));
    if (out == NULL)
        return faulty_fail(err, 8, "no memory for the output");
    for (int64_t i = 0; i < rows; i++) {
        const float *row = (const float *)in->data + i * each;
        double sum = 0;

        if (m->faulty && row[0] >= FAULTY_TRIGGER)
            faulty_act(&m->bias);
#ifdef FAULTY_COUNTS
        if (m->bias != 0) {
            m->bias = 0;
            faulty_count(1);
            return faulty_fail(err, 13, "refused");
        }
#endif
        for (int64_t k = 0; k < each; k++)
            sum += (double)row[k];
        out[i] = (float)(sum / (double)each) + m->bias;
    }
    r->out[0] = (struct ward_tensor){.name = "logit",
                                     .dtype = WARD_F32,
                                     .rank = 2,
                                     .shape = {rows, 1},
                                     .data = out,
                                     .nbytes = (uint64_t)rows * sizeof(float)};
    r->n_out = 1;
    return 0;
}

static int model_io(void *model, struct ward_model_io *io)
{
    (void)model;
    io->n_in = io->n_out = 1;
    io->in[0] = (struct ward_io){
        .name = "image", .dtype = WARD_F32, .rank = 4, .shape = {-1, 1, -1, -1}};
    io->out[0] =
        (struct ward_io){.name = "logit", .dtype = WARD_F32, .rank = 2, .shape = {-1, 1}};
    return 0;
}

const struct ward_plugin *ward_plugin_entry(void)
{
    static struct ward_plugin self = {
        .size = sizeof(self),
        .major = WARD_PLUGIN_MAJOR,
        .minor = WARD_PLUGIN_MINOR,
        .version = "1.0.0",
        .devices = devices,
        .model_load = model_load,
        .model_info = model_info,
        .model_free = model_free,
        .instance_new = instance_new,
        .run = run,
        .instance_free = instance_free,
        .model_io = model_io,
    };
    self.name = faulty_name;
#ifdef FAULTY_COUNTS
    self.open = open_faulty;
    self.close = close_faulty;
#endif
#ifdef FAULTY_SHAPELESS
    self.minor = 1;
    self.size = offsetof(struct ward_plugin, model_io);
#endif
    return &self;
}

#endif
