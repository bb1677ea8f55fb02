/* ort.h - what every back end over ONNX Runtime's C API shares: sessions, tensors, errors.
 *
 * A back end of this family is a file that says which devices it has and how a session is told
 * to use one (struct ort_provider), and an entry point that returns ort_plugin's table. A
 * session may be run by several threads at once, so a model has one session a device and an
 * instance is that session with the run's own options.
 *
 * Threads: as ward/plugin.h promises; needs no locks. Memory: pairs. Errors: ONNX Runtime's
 * words in err->msg, codes translated in ort_fail.
 */
#ifndef WARD_PLUGINS_ORT_H
#define WARD_PLUGINS_ORT_H

#include <onnxruntime_c_api.h>
#include <ward/plugin.h>

#define ORT_MAX_DEVICES 16
#define ORT_MAX_IO      WARD_MAX_IO
#define ORT_MAX_NAME    96

struct ort_plugin {
    struct ort_plugin *next; /* of the open ones of this library */
    const OrtApi *api;
    OrtEnv *env;
    OrtMemoryInfo *cpu;
    const struct ward_host *host;
    const struct ort_provider *provider;
    void *own; /* the provider's */
};

/* How one kind of hardware is used. */
struct ort_provider {
    /* Both or neither: what the provider keeps in p->own. */
    int (*open)(struct ort_plugin *p, struct ward_plugin_err *err);
    void (*close)(struct ort_plugin *p);
    /* Fills devices; 0 of them is an answer. */
    int (*devices)(struct ort_plugin *p, struct ward_device *out, uint32_t cap, uint32_t *n,
                   struct ward_plugin_err *err);
    /* Makes a session use this device; 12 (UNIMPLEMENTED) for one that is not there. */
    int (*choose)(struct ort_plugin *p, OrtSessionOptions *options, int32_t device,
                  struct ward_plugin_err *err);
    /* For hardware beside the CPU: the counter of a model's nodes that were placed on it. What
     * it cannot run stays on the CPU; a session with nothing on it is refused. */
    const char *placed;
};

/* One model: the weights, kept for devices asked for later, and a session for each used. */
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
        uint32_t placed, nodes; /* on the device, and all; 0 and 0: not counted, all of them */
    } sessions[ORT_MAX_DEVICES];
};

int ort_fail(struct ward_plugin_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Takes the status: 0 for NULL, else its words, its code translated, and released. */
int ort_check(struct ort_plugin *p, OrtStatus *status, struct ward_plugin_err *err);

/* To the host's log: 0 error, 1 warn, 2 info. */
void ort_log(const struct ort_plugin *p, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What the operator set, or NULL. */
const char *ort_option(const struct ort_plugin *p, const char *key);
/* "key=value,key=value": calls `each` for every pair, cut into two strings; stops at a failure.
 * 3 (INVALID_ARGUMENT) for a pair without `=` or longer than 1023 bytes. */
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

/* ort_run.c: an instance over session number `at` of its model. */
int ort_instance_open(struct ort_model *m, uint32_t at, void **instance,
                      struct ward_plugin_err *err);

/* ort_io.c: what the session says of its inputs and outputs. */
int ort_read_io(struct ort_plugin *p, const OrtSession *session, struct ort_model *m,
                struct ward_plugin_err *err);
uint32_t ort_dtype_ours(ONNXTensorElementDataType type);
ONNXTensorElementDataType ort_dtype_theirs(uint32_t dtype);
uint64_t ort_dtype_size(uint32_t dtype); /* bytes of one element */

#endif
