/* virtual_ops.h - what the virtual NPU can compute: elementwise operators of float tensors,
 * with ONNX's stretching of shapes. Threads: pure. Memory: the caller's. Errors: 0 for shapes
 * that do not fit.
 */
#ifndef WARD_TESTS_NPU_VIRTUAL_OPS_H
#define WARD_TESTS_NPU_VIRTUAL_OPS_H

#include <stddef.h>
#include <stdint.h>

#define MAX_RANK 8

struct op {
    const char *name; /* ONNX's */
    size_t n_in;
    float (*fn)(float, float);
};
const struct op *op_named(const char *name); /* NULL: not one of them */

struct view {
    const float *data;
    size_t rank;
    int64_t shape[MAX_RANK];
};

/* The shape both are stretched to: dimensions from the last, equal or one of them 1. */
int op_stretch(const struct view *a, const struct view *b, struct view *out);
/* out[i] = scale * op(a[i], b[i]), over the stretched shape. */
void op_loop(const struct op *op, const struct view *a, const struct view *b,
             const struct view *shape, float *out, float scale);

#endif
