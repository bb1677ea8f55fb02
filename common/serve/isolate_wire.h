/* isolate_wire.h - requests and answers between a forwarding back end and its worker process.
 *
 * Both ends are the same program, so structs have the same layout. The service checks offsets
 * and sizes, because it does not trust the child. Threads: pure. Memory: the caller's. Errors:
 * none.
 */
#ifndef WARD_SERVE_ISOLATE_WIRE_H
#define WARD_SERVE_ISOLATE_WIRE_H

#include "common/worker/worker.h"

#include <ward/plugin.h>

#define WIRE_DEVICES 16
#define WIRE_NAME    96

/* ---- ward_worker_ask ---- */

enum wire_op { WIRE_DEVICES_OF = 1, WIRE_LOAD, WIRE_UNLOAD, WIRE_NEW, WIRE_FREE, WIRE_RUN };

struct wire_devices {
    uint32_t n;
    struct ward_device device[WIRE_DEVICES];
    char why[192]; /* the cause, if n is 0 */
};

struct wire_load { /* if nbytes > 0, the passed file contains the weights */
    uint64_t nbytes;
    uint32_t threads;
    char name[WIRE_NAME], sha256[65];
};
struct wire_loaded {
    uint32_t model; /* number for the requests below */
    uint32_t has_io;
    char sha256[65];
    struct ward_model_io io;
};
_Static_assert(sizeof(struct wire_loaded) <= WARD_WORKER_ARGS, "a reply has its limit");

struct wire_new {
    uint32_t model, slot;
    int32_t device;
};
struct wire_made {
    double share;
};

/* ---- ward_worker_call: a head, then the tensors' data at 64-byte offsets ---- */

struct wire_tensor {
    char name[WIRE_NAME];
    uint32_t has_name, dtype, rank, zero;
    int64_t shape[WARD_MAX_RANK];
    uint64_t at, nbytes; /* at: offset of the data from the head */
};

struct wire_run {
    uint32_t n, cap_out;
    uint64_t copy_in_ns, compute_ns, copy_out_ns; /* set in an answer */
    struct wire_tensor t[WARD_MAX_IO];
};

static inline uint64_t wire_up64(uint64_t n)
{
    return (n + 63) & ~UINT64_C(63);
}

#endif
