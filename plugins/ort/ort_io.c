#include "plugins/ort/ort.h"

#include <stdio.h>
#include <string.h>

static const struct {
    ONNXTensorElementDataType theirs;
    uint32_t ours, size;
} types[] = {
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, WARD_U8, 1},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8, WARD_I8, 1},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16, WARD_U16, 2},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16, WARD_I16, 2},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, WARD_I32, 4},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32, WARD_U32, 4},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, WARD_I64, 8},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64, WARD_U64, 8},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, WARD_F16, 2},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16, WARD_BF16, 2},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, WARD_F32, 4},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE, WARD_F64, 8},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL, WARD_BOOL, 1},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, WARD_BYTES, 0},
};
#define TYPES (sizeof(types) / sizeof(*types))

uint32_t ort_dtype_ours(ONNXTensorElementDataType type)
{
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].theirs == type)
            return types[i].ours;
    return 0;
}

ONNXTensorElementDataType ort_dtype_theirs(uint32_t dtype)
{
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].ours == dtype)
            return types[i].theirs;
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

uint64_t ort_dtype_size(uint32_t dtype)
{
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].ours == dtype)
            return types[i].size;
    return 0;
}

static int read_shape(struct ort_plugin *p, const OrtTypeInfo *type, struct ward_io *io,
                      struct ward_plugin_err *err)
{
    const OrtTensorTypeAndShapeInfo *tensor = NULL;
    ONNXTensorElementDataType dtype;
    size_t rank = 0;
    int rc;

    rc = ort_check(p, p->api->CastTypeInfoToTensorInfo(type, &tensor), err);
    if (rc != 0)
        return rc;
    if (tensor == NULL)
        return ort_fail(err, 12, "the model's %s is not a tensor", io->name);
    rc = ort_check(p, p->api->GetTensorElementType(tensor, &dtype), err);
    if (rc == 0)
        rc = ort_check(p, p->api->GetDimensionsCount(tensor, &rank), err);
    if (rc != 0)
        return rc;
    if (rank > WARD_MAX_RANK)
        return ort_fail(err, 12, "the model's %s has rank %zu", io->name, rank);
    io->dtype = ort_dtype_ours(dtype);
    io->rank = (uint32_t)rank;
    rc = ort_check(p, p->api->GetDimensions(tensor, io->shape, rank), err);
    /* A graph names no batch axis. By convention, a first axis of any size is the batch axis.
     * Before the host relies on this, it compares the answers of a batch with those of single
     * rows. */
    io->batch_axis = rc == 0 && rank > 0 && io->shape[0] < 0 ? 0 : -1;
    return rc;
}

/* Describes one input or output: its name and its type. */
static int read_one(struct ort_plugin *p, const OrtSession *s, int output, size_t i,
                    struct ward_io *io, struct ward_plugin_err *err)
{
    OrtAllocator *al = NULL;
    OrtTypeInfo *type = NULL;
    char *name = NULL;
    int rc;

    rc = ort_check(p, p->api->GetAllocatorWithDefaultOptions(&al), err);
    if (rc == 0)
        rc = ort_check(p,
                       output ? p->api->SessionGetOutputName(s, i, al, &name)
                              : p->api->SessionGetInputName(s, i, al, &name),
                       err);
    if (rc != 0)
        return rc;
    if (snprintf(io->name, sizeof(io->name), "%s", name) >= (int)sizeof(io->name))
        rc = ort_fail(err, 12, "a name of the model is longer than %d bytes", ORT_MAX_NAME - 1);
    al->Free(al, name);
    if (rc == 0)
        rc = ort_check(p,
                       output ? p->api->SessionGetOutputTypeInfo(s, i, &type)
                              : p->api->SessionGetInputTypeInfo(s, i, &type),
                       err);
    if (rc != 0)
        return rc;
    rc = read_shape(p, type, io, err);
    p->api->ReleaseTypeInfo(type);
    return rc;
}

int ort_read_io(struct ort_plugin *p, const OrtSession *session, struct ort_model *m,
                struct ward_plugin_err *err)
{
    size_t n_in = 0, n_out = 0;
    int rc;

    rc = ort_check(p, p->api->SessionGetInputCount(session, &n_in), err);
    if (rc == 0)
        rc = ort_check(p, p->api->SessionGetOutputCount(session, &n_out), err);
    if (rc == 0 && (n_in < 1 || n_in > ORT_MAX_IO || n_out < 1 || n_out > ORT_MAX_IO))
        rc = ort_fail(err, 12, "a model has 1 to %d inputs and outputs", ORT_MAX_IO);
    for (size_t i = 0; rc == 0 && i < n_in; i++)
        rc = read_one(p, session, 0, i, &m->in[i], err);
    for (size_t i = 0; rc == 0 && i < n_out; i++)
        rc = read_one(p, session, 1, i, &m->out[i], err);
    m->n_in = (uint32_t)n_in;
    m->n_out = (uint32_t)n_out;
    return rc;
}

int ort_model_io(void *model, struct ward_model_io *io)
{
    const struct ort_model *m = model;

    if (io->size < sizeof(*io))
        return 12;
    io->n_in = m->n_in;
    io->n_out = m->n_out;
    memcpy(io->in, m->in, sizeof(io->in));
    memcpy(io->out, m->out, sizeof(io->out));
    return 0;
}
