/* host.h - load inference back ends, check them, run models on them. The only user of dlopen.
 *
 * A backend is one plugin (plugins/include/ward/plugin.h); a model is one set of weights loaded
 * by it; an engine is one instance of a model on one device. What a plugin says of itself is
 * checked before anything of it is called; what it is given is checked before it sees it, and
 * what it gives back before anyone uses it. A loaded library is never unloaded: stack traces,
 * leak reports and thread-local destructors must still find their code at exit.
 *
 * Threads: a backend and a model are shared (a lock keeps the plugin's promises: model and
 * instance calls are never concurrent); an engine belongs to one thread. Memory: open/close,
 * load/unload, new/free pairs; outputs live in the caller's arena. Errors: NOT_FOUND no such
 * library or weights; FAILED_PRECONDITION unfit, with what is unfit in the message; a plugin's
 * own codes 1..16 as they are, anything else INTERNAL. Metrics: ward_host_run_seconds{model},
 * ward_host_step_seconds_total{model,step}, ward_host_failures_total{model},
 * ward_host_canary_ok{canary}, ward_host_canary_failures_total{canary},
 * ward_plugin_events_total{event}.
 */
#ifndef WARD_HOST_HOST_H
#define WARD_HOST_HOST_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <stdatomic.h>
#include <ward/plugin.h>

struct ward_backend;
struct ward_model;
struct ward_engine;

/* Why a table is unfit to load, or NULL if it is fit. Pure, so that it can be tested. */
const char *ward_plugin_unfit(const struct ward_plugin *p);

/* Why a tensor must not be handed over, or NULL. `min_align` is 64 for inputs. Pure. */
const char *ward_tensor_unfit(const struct ward_tensor *t, uint64_t min_align);
/* Bytes of one element; 0 for WARD_BYTES, whose elements differ, and for a foreign number. */
uint64_t ward_dtype_size(uint32_t dtype);

/* Loads dir/name.so. `dir` is the one folder plugins may come from; name is [a-z0-9_]+, so it
 * cannot lead out of it. Symbolic links that do are refused, and so is a library or folder that
 * anyone on the machine may write to.
 *   INVALID_ARGUMENT     not such a name
 *   NOT_FOUND            no such library, or one that it needs
 *   FAILED_PRECONDITION  outside the folder, writable by anyone, or an unfit table */
WARD_MUST enum ward_code ward_backend_open(const char *dir, const char *name,
                                           struct ward_backend **out, struct ward_err *err);
/* The same with options for plugins to ask for (plugin.h 1.1): the one whose key it names, or
 * none. Kept by reference until the back end is closed. */
struct ward_option {
    const char *key, *value; /* "npu_providers" */
};
WARD_MUST enum ward_code ward_backend_open_with(const char *dir, const char *name,
                                                const struct ward_option *options, int n,
                                                struct ward_backend **out,
                                                struct ward_err *err);
void ward_backend_close(struct ward_backend *b); /* NULL is fine */
const char *ward_backend_name(const struct ward_backend *b);

/* *n is capacity going in, count coming out. Where there are none, err->detail may say why. */
WARD_MUST enum ward_code ward_backend_devices(struct ward_backend *b, struct ward_device *out,
                                              uint32_t *n, struct ward_err *err);

struct ward_model_config {
    const char *name;   /* "face_detect": messages and the metrics' label; kept by reference */
    const char *path;   /* the weights file; NULL for a model without weights */
    const char *sha256; /* 64 hex digits the file must have; never NULL with a path */
    int threads;        /* CPU threads of one run; 0 is 1 */
};
#define WARD_WEIGHTS_MAX ((uint64_t)1 << 31) /* bytes of one weights file */

/* Reads the weights once, checks their sha256 and gives the plugin the checked bytes.
 *   NOT_FOUND            no such file
 *   FAILED_PRECONDITION  reason MODEL_HASH: the weights are not the ones meant, or the plugin
 *                        says that it runs others */
WARD_MUST enum ward_code ward_model_load(struct ward_backend *b,
                                         const struct ward_model_config *cfg,
                                         struct ward_model **out, struct ward_err *err);
void ward_model_unload(struct ward_model *m);              /* NULL is fine; engines first */
const char *ward_model_sha256(const struct ward_model *m); /* "" without weights */
/* Its inputs and outputs as the plugin says; NULL where it cannot (plugin.h 1.2). */
const struct ward_model_io *ward_model_shapes(const struct ward_model *m);

/* device: an ordinal of ward_backend_devices, -1 the CPU.
 *   UNIMPLEMENTED, UNAVAILABLE, ...  as the plugin says */
WARD_MUST enum ward_code ward_engine_new(struct ward_model *m, int device,
                                         struct ward_engine **out, struct ward_err *err);
void ward_engine_free(struct ward_engine *e); /* NULL is fine */

/* Asks the run in progress, if there is one, to stop soon: from any thread, and again while it
 * has not. False: the plugin cannot be interrupted. */
bool ward_engine_interrupt(struct ward_engine *e);
/* The share of the model's nodes that its device runs, 0 to 1; 1 where the plugin does not
 * count. */
double ward_engine_share(const struct ward_engine *e);

/* When to stop. `gone` may be NULL. */
struct ward_stop {
    int64_t deadline_ns;           /* monotonic; WARD_NO_DEADLINE for none */
    bool (*gone)(const void *arg); /* the caller went away; asked from the running thread */
    const void *arg;
};

/* Runs n_in tensors; outputs live in mem, each checked as inputs are. *n_out is capacity going
 * in, count coming out. `stop` may be NULL.
 *   INVALID_ARGUMENT    a tensor is malformed or is not the model's
 *   DEADLINE_EXCEEDED, CANCELLED  before or while running
 *   RESOURCE_EXHAUSTED  the arena is full
 *   INTERNAL            the plugin broke the contract */
WARD_MUST enum ward_code ward_engine_run(struct ward_engine *e, struct ward_arena *mem,
                                         const struct ward_stop *stop,
                                         const struct ward_tensor *in, uint32_t n_in,
                                         struct ward_tensor *out, uint32_t *n_out,
                                         struct ward_err *err);
/* The output of this name, or NULL. */
const struct ward_tensor *ward_tensor_named(const struct ward_tensor *t, uint32_t n,
                                            const char *name);

/* 64-byte aligned, zeroed, from the arena; NULL past its cap. */
void *ward_alloc64(struct ward_arena *mem, uint64_t nbytes);

/* A question with a known answer: the first input is filled with ward_known_input, and every
 * `stride`-th value of one output must be within `tolerance` of `want`. Engines differ in the
 * last digits, so the tolerance is the difference that would matter, not zero. */
struct ward_known {
    uint32_t rank;
    int64_t shape[WARD_MAX_RANK]; /* F32 */
    const char *input, *output;   /* tensor names; output "" is the first */
    float lo, hi;                 /* range of the input */
    uint32_t stride, n;
    float want[8]; /* n of them */
    float tolerance;
};
/* Pseudo-random but the same everywhere: values of lo..hi. */
void ward_known_input(float *out, uint64_t n, float lo, float hi);
/*   FAILED_PRECONDITION  reason KNOWN_ANSWER: the answer is another; others as run's */
WARD_MUST enum ward_code ward_engine_known(struct ward_engine *e, struct ward_arena *mem,
                                           const struct ward_known *known,
                                           struct ward_err *err);

/* Asks `fn` at start and every period_ms on a thread of its own; what it guards is READY only
 * while the last answer was OK and is not older than three periods and 10 s. */
struct ward_canary;
WARD_MUST enum ward_code
ward_canary_start(const char *name, int period_ms,
                  enum ward_code (*fn)(void *arg, struct ward_err *err), void *arg,
                  struct ward_canary **out, struct ward_err *err);
/*   UNAVAILABLE  reason MODEL_NOT_READY, or fn's DEVICE_NOT_READY: why in the message */
WARD_MUST enum ward_code ward_canary_state(struct ward_canary *c, struct ward_err *err);
void ward_canary_stop(struct ward_canary *c); /* NULL is fine */

#endif
