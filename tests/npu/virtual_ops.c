#include "tests/npu/virtual_ops.h"

#include <math.h>
#include <string.h>

static float add(float a, float b)
{
    return a + b;
}
static float sub(float a, float b)
{
    return a - b;
}
static float mul(float a, float b)
{
    return a * b;
}
static float prelu(float a, float slope)
{
    return a < 0 ? a * slope : a;
}
static float relu(float a, float unused)
{
    (void)unused;
    return a < 0 ? 0 : a;
}
static float sigmoid(float a, float unused)
{
    (void)unused;
    return 1 / (1 + expf(-a));
}

static const struct op ops[] = {{"Add", 2, add},   {"Sub", 2, sub},
                                {"Mul", 2, mul},   {"PRelu", 2, prelu},
                                {"Relu", 1, relu}, {"Sigmoid", 1, sigmoid}};

const struct op *op_named(const char *name)
{
    for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
        if (strcmp(ops[i].name, name) == 0)
            return &ops[i];
    return NULL;
}

/* How far apart neighbours of dimension d of the result lie in v: 0 where v is stretched. */
static void strides(const struct view *v, size_t rank, int64_t step[MAX_RANK])
{
    int64_t n = 1;

    memset(step, 0, MAX_RANK * sizeof(*step));
    for (size_t i = v->rank; i-- > 0;) {
        step[i + rank - v->rank] = v->shape[i] == 1 ? 0 : n;
        n *= v->shape[i];
    }
}

static int64_t elements(const int64_t *shape, size_t rank)
{
    int64_t n = 1;

    for (size_t i = 0; i < rank; i++)
        n *= shape[i];
    return n;
}

int op_stretch(const struct view *a, const struct view *b, struct view *out)
{
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (size_t i = 0; i < out->rank; i++) {
        int64_t da = i < a->rank ? a->shape[a->rank - 1 - i] : 1;
        int64_t db = i < b->rank ? b->shape[b->rank - 1 - i] : 1;

        if (da != db && da != 1 && db != 1)
            return 0;
        out->shape[out->rank - 1 - i] = da == 1 ? db : da;
    }
    return 1;
}

void op_loop(const struct op *op, const struct view *a, const struct view *b,
             const struct view *shape, float *out, float scale)
{
    int64_t n = elements(shape->shape, shape->rank), step[2][MAX_RANK], at[MAX_RANK] = {0};
    int64_t ia = 0, ib = 0;

    strides(a, shape->rank, step[0]);
    strides(b, shape->rank, step[1]);
    for (int64_t i = 0; i < n; i++) {
        out[i] = op->fn(a->data[ia], b->data[ib]) * scale;
        for (size_t d = shape->rank; d-- > 0;) {
            ia += step[0][d];
            ib += step[1][d];
            if (++at[d] < shape->shape[d])
                break;
            ia -= step[0][d] * at[d];
            ib -= step[1][d] * at[d];
            at[d] = 0;
        }
    }
}
