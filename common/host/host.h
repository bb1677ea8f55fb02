/* host.h - loads and checks inference back ends, and runs models. Only this folder uses dlopen.
 *
 * A back end is one plugin (plugins/include/ward/plugin.h). A model is one set of weights,
 * loaded by a back end. An engine is one instance of a model on one device. The host checks a
 * plugin's table before it calls the plugin, checks inputs before the plugin sees them, and
 * checks outputs before the caller sees them. A loaded library is never unloaded, because stack
 * traces, leak reports and thread-local destructors need its code at exit.
 *
 * Threads: threads share a back end and a model (a lock ensures that model and instance calls
 * are never concurrent); an engine belongs to one thread. Memory: pairs open/close,
 * load/unload, new/free; outputs are in the caller's arena. Errors: NOT_FOUND for a missing
 * library or weights; FAILED_PRECONDITION for an unfit plugin, with the fault in the message; a
 * plugin's own codes 1..16 unchanged; otherwise INTERNAL. Metrics:
 * ward_host_run_seconds{model}, ward_host_step_seconds_total{model,step},
 * ward_host_failures_total{model}, ward_host_canary_ok{canary},
 * ward_host_canary_failures_total{canary}, ward_plugin_events_total{event}.
 */
#ifndef WARD_HOST_HOST_H
#define WARD_HOST_HOST_H

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/base/stop.h"

#include <stdatomic.h>
#include <ward/plugin.h>

struct ward_backend;
struct ward_model;
struct ward_engine;

/* Returns the fault of an unfit table, or NULL. Pure, for tests. */
const char *ward_plugin_unfit(const struct ward_plugin *p);

/* Returns the fault of an invalid tensor, or NULL. `min_align` is 64 for inputs. Pure. */
const char *ward_tensor_unfit(const struct ward_tensor *t, uint64_t min_align);
/* Returns the size of one element; 0 for WARD_BYTES, whose elements differ in size, and for
 * unknown types. */
uint64_t ward_dtype_size(uint32_t dtype);

/* Loads dir/name.so. `dir` is the only folder for plugins, and name is [a-z0-9_]+, so the path
 * cannot leave the folder. Rejects symbolic links that lead outside, and a library or folder
 * that every user can write.
 *   INVALID_ARGUMENT     the name is invalid
 *   NOT_FOUND            the library, or a library that it needs, is missing
 *   FAILED_PRECONDITION  the library is outside the folder or writable by every user, or its
 *                        table is unfit */
WARD_MUST enum ward_code ward_backend_open(const char *dir, const char *name,
                                           struct ward_backend **out, struct ward_err *err);
/* Opens a back end with options for plugins (plugin.h 1.1). A plugin reads the options whose
 * keys begin with its name. The options are stored by reference and must outlive the back
 * end. */
struct ward_option {
    const char *key, *value; /* such as "npu_providers" */
};
WARD_MUST enum ward_code ward_backend_open_with(const char *dir, const char *name,
                                                const struct ward_option *options, int n,
                                                struct ward_backend **out,
                                                struct ward_err *err);
/* Creates a back end from the caller's table, such as a table that forwards calls to a worker
 * process. `plugin` is passed to the table's functions; close must be set, open is not called.
 * `said` describes a failure of the current thread's last call and returns its code. */
typedef enum ward_code ward_backend_said(void *plugin, int code, struct ward_err *err);
WARD_MUST enum ward_code ward_backend_of(const struct ward_plugin *table, void *plugin,
                                         ward_backend_said *said, struct ward_backend **out,
                                         struct ward_err *err);
/* Returns the caller's `plugin` of a back end with this `said`; NULL for other back ends. */
void *ward_backend_plugin(const struct ward_backend *b, ward_backend_said *said);
void ward_backend_close(struct ward_backend *b); /* accepts NULL */
const char *ward_backend_name(const struct ward_backend *b);

/* *n is the capacity on entry and the count on return. If there are no devices, err->detail may
 * have the cause. */
WARD_MUST enum ward_code ward_backend_devices(struct ward_backend *b, struct ward_device *out,
                                              uint32_t *n, struct ward_err *err);

struct ward_model_config {
    const char *name;   /* such as "face_detect", for messages and the metrics' label; stored by
                           reference */
    const char *path;   /* the weights file; NULL for a model without weights */
    const char *sha256; /* SHA-256 of the file, 64 hex digits; never NULL if there is a path */
    int threads;        /* CPU threads of one run; 0 means 1 */
};
#define WARD_WEIGHTS_MAX ((uint64_t)1 << 31) /* upper limit of one weights file in bytes */

/* Reads the weights once, checks their SHA-256 and passes the checked bytes to the plugin.
 *   NOT_FOUND            the file does not exist
 *   FAILED_PRECONDITION  reason MODEL_HASH: the hash differs from the expected hash, or the
 *                        plugin reports another hash */
WARD_MUST enum ward_code ward_model_load(struct ward_backend *b,
                                         const struct ward_model_config *cfg,
                                         struct ward_model **out, struct ward_err *err);
/* Loads weights that the caller has checked: cfg->sha256 is their hash, cfg->path is not used.
 * The plugin receives no folder. */
WARD_MUST enum ward_code ward_model_load_bytes(struct ward_backend *b,
                                               const struct ward_model_config *cfg,
                                               const void *data, uint64_t n,
                                               struct ward_model **out, struct ward_err *err);
void ward_model_unload(struct ward_model *m); /* accepts NULL; free engines first */
const char *ward_model_sha256(const struct ward_model *m); /* "" for a model without weights */
/* Returns the plugin's description of inputs and outputs; NULL if the plugin has none (plugin.h
 * 1.2). */
const struct ward_model_io *ward_model_shapes(const struct ward_model *m);

/* device: an index of ward_backend_devices; -1 for the CPU.
 *   UNIMPLEMENTED, UNAVAILABLE, ... as returned by the plugin */
WARD_MUST enum ward_code ward_engine_new(struct ward_model *m, int device,
                                         struct ward_engine **out, struct ward_err *err);
void ward_engine_free(struct ward_engine *e); /* accepts NULL */

/* Asks the current run, if any, to stop soon. Any thread may call this function, repeatedly.
 * Returns false if the plugin cannot be interrupted. */
bool ward_engine_interrupt(struct ward_engine *e);
/* Returns the share of the model's nodes that run on its device, 0 to 1; 1 if the plugin does
 * not report the share. */
double ward_engine_share(const struct ward_engine *e);

/* Returns the times of the last run that succeeded. */
struct ward_run_times ward_engine_times(const struct ward_engine *e);

/* Adds `add` to ward_plugin_events_total{event=name}. */
void ward_plugin_event(const char *name, double add);

/* Runs a model on n_in tensors. Outputs are in mem, and each is checked like an input. *n_out
 * is the capacity on entry and the count on return. `stop` may be NULL.
 *   INVALID_ARGUMENT    a tensor is malformed or does not fit the model
 *   DEADLINE_EXCEEDED, CANCELLED before or during the run
 *   RESOURCE_EXHAUSTED  the arena is full
 *   INTERNAL            the plugin broke the contract */
WARD_MUST enum ward_code ward_engine_run(struct ward_engine *e, struct ward_arena *mem,
                                         const struct ward_stop *stop,
                                         const struct ward_tensor *in, uint32_t n_in,
                                         struct ward_tensor *out, uint32_t *n_out,
                                         struct ward_err *err);
/* Returns the output with this name, or NULL. */
const struct ward_tensor *ward_tensor_named(const struct ward_tensor *t, uint32_t n,
                                            const char *name);

/* Allocates zeroed memory from the arena, aligned to 64 bytes; NULL beyond its limit. */
void *ward_alloc64(struct ward_arena *mem, uint64_t nbytes);

/* A known-answer check. ward_known_input fills the first input, and every `stride`-th value of
 * one output must be within `tolerance` of `want`. Engines differ in the last digits, so the
 * tolerance is the smallest difference that would matter. */
struct ward_known {
    uint32_t rank;
    int64_t shape[WARD_MAX_RANK]; /* F32 */
    const char *input, *output;   /* names of tensors; an output of "" means the first output */
    float lo, hi;                 /* range of the input values */
    uint32_t stride, n;
    float want[8]; /* n values */
    float tolerance;
};
/* Fills pseudo-random values in lo..hi, the same on every machine. */
void ward_known_input(float *out, uint64_t n, float lo, float hi);
/* Fills one input of a known-answer check with `rows` rows. If io is NULL or names the check's
 * input, the values are those of ward_known_input; otherwise, the values are zeros. Returns
 * false if the arena is full. */
bool ward_known_tensor(const struct ward_known *k, const struct ward_io *io, int rows,
                       struct ward_arena *mem, struct ward_tensor *t);
/* Runs a known-answer check.
 *   FAILED_PRECONDITION  reason KNOWN_ANSWER: the answer differs; other codes as for a run */
WARD_MUST enum ward_code ward_engine_known(struct ward_engine *e, struct ward_arena *mem,
                                           const struct ward_known *known,
                                           struct ward_err *err);

/* Calls `fn` at start and every period_ms on its own thread. The guarded service is READY only
 * while the last answer was OK and not older than three periods plus 10 s. */
struct ward_canary;
WARD_MUST enum ward_code
ward_canary_start(const char *name, int period_ms,
                  enum ward_code (*fn)(void *arg, struct ward_err *err), void *arg,
                  struct ward_canary **out, struct ward_err *err);
/* Moves the next check forward to `ms` from now. Any thread may call this function, fn's
 * included. */
void ward_canary_soon(struct ward_canary *c, int ms);
/*   UNAVAILABLE  reason MODEL_NOT_READY, or fn's DEVICE_NOT_READY, with the cause in the
 *                message */
WARD_MUST enum ward_code ward_canary_state(struct ward_canary *c, struct ward_err *err);
void ward_canary_stop(struct ward_canary *c); /* accepts NULL */

#endif
