/* cpu - runs ONNX models on the machine's processor, with ONNX Runtime's CPU provider.
 *
 * It has one device, ordinal -1. A run uses as many threads as the model's spec requests, by
 * default one thread. A service already runs one call in each worker, so more threads would
 * only compete. If the host interrupts a run, the run ends between two nodes of the graph. */
#include "plugins/ort/ort.h"

#include <stdio.h>

static int devices(struct ort_plugin *p, struct ward_device *out, uint32_t cap, uint32_t *n,
                   struct ward_plugin_err *err)
{
    (void)p;
    if (cap < 1)
        return ort_fail(err, 3, "no room for a device");
    out[0] = (struct ward_device){.kind = WARD_CPU, .ordinal = -1, .ready = 1, .name = "cpu"};
    *n = 1;
    return 0;
}

static int choose(struct ort_plugin *p, OrtSessionOptions *options, int32_t device,
                  struct ward_plugin_err *err)
{
    (void)p, (void)options; /* the CPU provider is always present */
    if (device != -1)
        return ort_fail(err, 12, "cpu has one device, -1");
    return 0;
}

static int open_cpu(const struct ward_host *host, void **plugin, struct ward_plugin_err *err)
{
    static const struct ort_provider provider = {
        .devices = devices, .choose = choose, .cancelled = "cpu_runs_cancelled"};

    return ort_open(&provider, host, plugin, err);
}

const struct ward_plugin *ward_plugin_entry(void)
{
    static const struct ward_plugin self = {
        .size = sizeof(self),
        .major = WARD_PLUGIN_MAJOR,
        .minor = WARD_PLUGIN_MINOR,
        .name = "cpu",
        .version = "1.0.0",
        .open = open_cpu,
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
