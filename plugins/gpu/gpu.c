/* gpu - runs ONNX models on NVIDIA GPUs, with ONNX Runtime's CUDA provider.
 *
 * A GPU needs three things: an ONNX Runtime built with CUDA, NVIDIA's driver with a GPU, and
 * the provider's library (libonnxruntime_providers_cuda.so, beside ONNX Runtime's own, with the
 * CUDA libraries that it needs). If one is missing, there are no devices, and the log names the
 * missing part. A runtime without CUDA never receives the provider's library, because their
 * interfaces differ.
 *
 * Convolutions and products use full float precision, because a face template from a GPU is
 * compared with templates from CPUs. If the host interrupts a run, the run ends between two
 * nodes of the graph.
 */
#include "plugins/gpu/driver.h"
#include "plugins/ort/ort.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `said` is the last logged message: the host asks every minute, and each message is logged
 * once. */
struct gpu {
    char said[192];
};

static int open_gpu(struct ort_plugin *p, struct ward_plugin_err *err)
{
    p->own = calloc(1, sizeof(struct gpu));
    return p->own == NULL ? ort_fail(err, 8, "no memory") : 0;
}

static void close_gpu(struct ort_plugin *p)
{
    free(p->own);
}

static int built_with_cuda(struct ort_plugin *p)
{
    char **name = NULL;
    int n = 0, yes = 0;
    struct ward_plugin_err err;

    if (ort_check(p, p->api->GetAvailableProviders(&name, &n), &err) != 0)
        return 0;
    for (int i = 0; i < n; i++)
        yes |= strcmp(name[i], "CUDAExecutionProvider") == 0;
    (void)ort_check(p, p->api->ReleaseAvailableProviders(name, n), &err);
    return yes;
}

static int append(struct ort_plugin *p, OrtSessionOptions *o, int32_t device,
                  struct ward_plugin_err *err)
{
    char ordinal[16];
    const char *const key[] = {"device_id", "use_tf32", "cudnn_conv_algo_search",
                               "arena_extend_strategy"};
    const char *const value[] = {ordinal, "0", "HEURISTIC", "kSameAsRequested"};
    OrtCUDAProviderOptionsV2 *cuda = NULL;
    int rc = ort_check(p, p->api->CreateCUDAProviderOptions(&cuda), err);

    if (rc != 0)
        return rc;
    snprintf(ordinal, sizeof(ordinal), "%d", (int)device);
    rc = ort_check(
        p, p->api->UpdateCUDAProviderOptions(cuda, key, value, sizeof(key) / sizeof(*key)),
        err);
    if (rc == 0)
        rc = ort_check(p, p->api->SessionOptionsAppendExecutionProvider_CUDA_V2(o, cuda), err);
    p->api->ReleaseCUDAProviderOptions(cuda);
    return rc;
}

/* Tests whether the provider's library can be loaded, with options that are then discarded. */
static int provider_loads(struct ort_plugin *p, struct ward_plugin_err *err)
{
    OrtSessionOptions *o = NULL;
    int rc = ort_check(p, p->api->CreateSessionOptions(&o), err);

    if (rc != 0)
        return 0;
    rc = append(p, o, 0, err);
    p->api->ReleaseSessionOptions(o);
    return rc == 0;
}

static uint32_t count(struct ort_plugin *p, char *why, size_t cap)
{
    struct ward_plugin_err err;
    uint32_t n;

    if (!built_with_cuda(p)) {
        snprintf(why, cap, "this ONNX Runtime was built without CUDA");
        return 0;
    }
    n = driver_count(why, cap);
    if (n > 0 && !provider_loads(p, &err)) {
        snprintf(why, cap, "the CUDA provider does not load: %.140s", err.msg);
        return 0;
    }
    return n;
}

static int devices(struct ort_plugin *p, struct ward_device *out, uint32_t cap, uint32_t *n,
                   struct ward_plugin_err *err)
{
    struct gpu *g = p->own;
    char why[sizeof(g->said)] = "";
    uint32_t found = count(p, why, sizeof(why));

    if (strcmp(why, g->said) != 0) {
        memcpy(g->said, why, sizeof(why));
        ort_log(p, 2, "gpu: %s", found > 0 ? "there is a device" : why);
    }
    if (found == 0)
        ort_fail(err, 0, "%.180s", why);
    if (found > cap)
        found = cap;
    for (uint32_t i = 0; i < found; i++) {
        out[i] = (struct ward_device){.kind = WARD_GPU, .ordinal = (int32_t)i, .ready = 1};
        driver_name(i, out[i].name, sizeof(out[i].name));
        if (out[i].name[0] == '\0')
            snprintf(out[i].name, sizeof(out[i].name), "gpu %u", i);
    }
    *n = found;
    return 0;
}

static int choose(struct ort_plugin *p, OrtSessionOptions *options, int32_t device,
                  struct ward_plugin_err *err)
{
    char why[192] = "";
    uint32_t n = count(p, why, sizeof(why));

    if (device < 0 || (uint32_t)device >= n)
        return ort_fail(err, 12, "there is no GPU %d%s%.120s", (int)device, n == 0 ? ": " : "",
                        why);
    return append(p, options, device, err);
}

static int open_plugin(const struct ward_host *host, void **plugin, struct ward_plugin_err *err)
{
    static const struct ort_provider provider = {.open = open_gpu,
                                                 .close = close_gpu,
                                                 .devices = devices,
                                                 .choose = choose,
                                                 .placed = "gpu_nodes_placed",
                                                 .cancelled = "gpu_runs_cancelled"};

    return ort_open(&provider, host, plugin, err);
}

const struct ward_plugin *ward_plugin_entry(void)
{
    static const struct ward_plugin self = {
        .size = sizeof(self),
        .major = WARD_PLUGIN_MAJOR,
        .minor = WARD_PLUGIN_MINOR,
        .name = "gpu",
        .version = "1.0.0",
        .open = open_plugin,
        .close = ort_close,
        .devices = ort_devices,
        .model_load = ort_model_load,
        .model_info = ort_model_info,
        .model_free = ort_model_free,
        .instance_new = ort_instance_new,
        .run = ort_run,
        .instance_free = ort_instance_free,
        .model_io = ort_model_io,
        .interrupt = ort_interrupt,
        .placement = ort_placement,
    };
    return &self;
}
