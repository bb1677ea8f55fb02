/* ort.h - common code of all back ends based on ONNX Runtime's C API: sessions, tensors,
 * errors.
 *
 * Such a back end consists of a file with its list of devices and its session options (struct
 * ort_provider), and an entry point that returns ort_plugin's table. Several threads may run a
 * session at once, so a model has one session for each device. An instance is that session with
 * the options of one run.
 *
 * Threads: as in ward/plugin.h; needs no locks. Memory: pairs. Errors: ONNX Runtime's text in
 * err->msg; ort_fail translates codes.
 */
#ifndef WARD_PLUGINS_ORT_H
#define WARD_PLUGINS_ORT_H

#include <onnxruntime_c_api.h>
#include <ward/plugin.h>

#define ORT_MAX_DEVICES 16
#define ORT_MAX_IO      WARD_MAX_IO
#define ORT_MAX_NAME    96

struct ort_plugin {
    struct ort_plugin *next; /* list of the open back ends of this library */
    const OrtApi *api;
    OrtEnv *env;
    OrtMemoryInfo *cpu;
    const struct ward_host *host;
    const struct ort_provider *provider;
    void *own; /* state of the provider */
};

/* The functions for one kind of hardware. */
struct ort_provider {
    /* Either both functions are set or none. They create and free the provider's state,
     * p->own. */
    int (*open)(struct ort_plugin *p, struct ward_plugin_err *err);
    void (*close)(struct ort_plugin *p);
    /* Lists devices; 0 devices are not a failure. */
    int (*devices)(struct ort_plugin *p, struct ward_device *out, uint32_t cap, uint32_t *n,
                   struct ward_plugin_err *err);
    /* Configures a session for this device; 12 (UNIMPLEMENTED) if the device is missing. */
    int (*choose)(struct ort_plugin *p, OrtSessionOptions *options, int32_t device,
                  struct ward_plugin_err *err);
    /* Only for hardware other than the CPU: name of the metric that counts a model's nodes on
     * the device. Unsupported nodes run on the CPU. A session without any node on the device is
     * rejected. */
    const char *placed;
    const char *cancelled; /* name of the metric that counts cancelled runs */
};

/* One model: its weights, which remain in memory for devices that are requested later, and a
 * session for each device in use. */
struct ort_model {
    struct ort_plugin *p;
    void *weights;
    uint64_t nbytes;
    uint32_t threads;
    char name[64], sha256[65];
    uint32_t n_in, n_out;
    struct ward_io in[ORT_MAX_IO], out[ORT_MAX_IO];
    uint32_t n_sessions;
    struct {
        int32_t device;
        OrtSession *session;
        /* nodes on the device, and all nodes; both 0: the device runs all, not counted */
        uint32_t placed, nodes;
    } sessions[ORT_MAX_DEVICES];
};

int ort_fail(struct ward_plugin_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Consumes the status: returns 0 for NULL, otherwise stores its text, translates its code and
 * releases it. */
int ort_check(struct ort_plugin *p, OrtStatus *status, struct ward_plugin_err *err);

/* Writes to the host's log: 0 error, 1 warn, 2 info. */
void ort_log(const struct ort_plugin *p, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Returns the operator's setting, or NULL. */
const char *ort_option(const struct ort_plugin *p, const char *key);
/* Parses "key=value,key=value": calls `each` for every pair, split into two strings, and stops
 * at a failure. 3 (INVALID_ARGUMENT) for a pair without `=` or longer than 1023 bytes. */
int ort_each_pair(const char *list,
                  int (*each)(void *arg, const char *key, const char *value,
                              struct ward_plugin_err *err),
                  void *arg, struct ward_plugin_err *err);

int ort_open(const struct ort_provider *provider, const struct ward_host *host, void **plugin,
             struct ward_plugin_err *err);
void ort_close(void *plugin);
int ort_devices(void *plugin, struct ward_device *out, uint32_t cap, uint32_t *n,
                struct ward_plugin_err *err);
int ort_model_load(void *plugin, const struct ward_model_spec *spec, void **model,
                   struct ward_plugin_err *err);
int ort_model_info(void *model, struct ward_model_info *info);
void ort_model_free(void *model);
int ort_instance_new(void *model, int32_t device, void **instance, struct ward_plugin_err *err);
int ort_run(void *instance, struct ward_run *run, struct ward_plugin_err *err);
void ort_instance_free(void *instance);
int ort_model_io(void *model, struct ward_model_io *io);
void ort_interrupt(void *instance);
int ort_placement(void *instance, struct ward_placement *out);

/* In ort_run.c: opens an instance that uses session number `at` of its model. */
int ort_instance_open(struct ort_model *m, uint32_t at, void **instance,
                      struct ward_plugin_err *err);

/* In ort_io.c: reads the session's inputs and outputs. */
int ort_read_io(struct ort_plugin *p, const OrtSession *session, struct ort_model *m,
                struct ward_plugin_err *err);
uint32_t ort_dtype_ours(ONNXTensorElementDataType type);
ONNXTensorElementDataType ort_dtype_theirs(uint32_t dtype);
uint64_t ort_dtype_size(uint32_t dtype); /* size of an element in bytes; 0 for WARD_BYTES */

/* In ort_bytes.c: tensors with elements of any length. */
int ort_bytes_in(struct ort_plugin *p, const struct ward_tensor *t, OrtValue **value,
                 struct ward_plugin_err *err);
/* Converts n strings; sets t->data and t->nbytes. */
int ort_bytes_out(struct ort_plugin *p, const OrtValue *value, size_t n,
                  const struct ward_run *r, struct ward_tensor *t, struct ward_plugin_err *err);

#endif
