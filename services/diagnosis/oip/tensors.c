#include "services/diagnosis/oip/tensors.h"

#include <string.h>

typedef Inference__ModelInferRequest Request;
typedef Inference__ModelInferRequest__InferInputTensor Input;
typedef Inference__InferTensorContents Contents;
typedef Inference__ModelInferResponse Response;
typedef Inference__ModelInferResponse__InferOutputTensor Output;

/* The field of InferTensorContents for a type. NONE: the type is only sent as raw contents. */
enum carrier { NONE, BOOLS, INTS, INT64S, UINTS, UINT64S, FP32S, FP64S, BYTESS, CARRIERS };

static const struct {
    const char *name;
    uint32_t dtype;
    enum carrier in;
} types[] = {
    {"BOOL", WARD_BOOL, BOOLS},  {"UINT8", WARD_U8, UINTS},     {"UINT16", WARD_U16, UINTS},
    {"UINT32", WARD_U32, UINTS}, {"UINT64", WARD_U64, UINT64S}, {"INT8", WARD_I8, INTS},
    {"INT16", WARD_I16, INTS},   {"INT32", WARD_I32, INTS},     {"INT64", WARD_I64, INT64S},
    {"FP16", WARD_F16, NONE},    {"BF16", WARD_BF16, NONE},     {"FP32", WARD_F32, FP32S},
    {"FP64", WARD_F64, FP64S},   {"BYTES", WARD_BYTES, BYTESS},
};

const char *oip_type_name(uint32_t dtype)
{
    for (size_t i = 0; i < WARD_COUNT(types); i++)
        if (types[i].dtype == dtype)
            return types[i].name;
    return "";
}

uint32_t oip_type(const char *name)
{
    for (size_t i = 0; i < WARD_COUNT(types); i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].dtype;
    return 0;
}

static enum carrier carrier_of(uint32_t dtype)
{
    for (size_t i = 0; i < WARD_COUNT(types); i++)
        if (types[i].dtype == dtype)
            return types[i].in;
    return NONE;
}

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the tensors");
}

/* ---- shapes ---- */

/* Reads and checks the shape of an input. *n is the number of elements. */
static enum ward_code read_shape(const Input *in, const struct ward_io *io,
                                 struct ward_tensor *t, uint64_t *n, struct ward_err *err)
{
    uint64_t count = 1;

    if (in->n_shape != io->rank)
        return WARD_FAIL_FIELD(err, "inputs.shape", "%s has %zu dimensions, want %u", io->name,
                               in->n_shape, io->rank);
    for (uint32_t d = 0; d < io->rank; d++) {
        int64_t is = in->shape[d];

        if (is < 1 || (io->shape[d] >= 0 && is != io->shape[d]))
            return WARD_FAIL_FIELD(err, "inputs.shape", "dimension %u of %s is %lld, want %lld",
                                   d, io->name, (long long)is, (long long)io->shape[d]);
        if (__builtin_mul_overflow(count, (uint64_t)is, &count) || count > (uint64_t)1 << 40)
            return WARD_FAIL_FIELD(err, "inputs.shape", "%s is too large", io->name);
        t->shape[d] = is;
    }
    t->rank = io->rank;
    *n = count;
    return WARD_OK;
}

/* ---- raw contents ---- */

/* Whether the block consists of n elements, each a length and its bytes. */
static bool is_block(const uint8_t *p, size_t len, uint64_t n)
{
    for (; n > 0; n--) {
        uint32_t each;

        if (len < sizeof(each))
            return false;
        each =
            (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        if (each > len - sizeof(each))
            return false;
        p += sizeof(each) + each;
        len -= sizeof(each) + each;
    }
    return len == 0;
}

static bool are_bools(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] > 1)
            return false;
    return true;
}

static enum ward_code from_raw(const ProtobufCBinaryData *raw, const struct ward_io *io,
                               uint64_t n, struct ward_arena *mem, struct ward_tensor *t,
                               struct ward_err *err)
{
    bool fits = io->dtype == WARD_BYTES
                    ? is_block(raw->data, raw->len, n)
                    : raw->len == n * ward_dtype_size(io->dtype) &&
                          (io->dtype != WARD_BOOL || are_bools(raw->data, raw->len));

    if (!fits)
        return WARD_FAIL_FIELD(err, "raw_input_contents",
                               "%zu bytes do not encode %llu elements of %s for %s", raw->len,
                               (unsigned long long)n, oip_type_name(io->dtype), io->name);
    t->nbytes = raw->len;
    t->data = ward_alloc64(mem, raw->len);
    if (t->data == NULL)
        return no_memory(err);
    memcpy(t->data, raw->data, raw->len);
    return WARD_OK;
}

/* ---- typed contents ---- */

static void counts(const Contents *c, size_t n[CARRIERS])
{
    n[NONE] = 0;
    n[BOOLS] = c->n_bool_contents;
    n[INTS] = c->n_int_contents;
    n[INT64S] = c->n_int64_contents;
    n[UINTS] = c->n_uint_contents;
    n[UINT64S] = c->n_uint64_contents;
    n[FP32S] = c->n_fp32_contents;
    n[FP64S] = c->n_fp64_contents;
    n[BYTESS] = c->n_bytes_contents;
}

/* Stores an integer. Returns false if the type cannot represent the value. */
static bool put_int(uint32_t dtype, int64_t v, size_t i, void *to)
{
    switch (dtype) {
    case WARD_I8:
        ((int8_t *)to)[i] = (int8_t)v;
        return v >= INT8_MIN && v <= INT8_MAX;
    case WARD_I16:
        ((int16_t *)to)[i] = (int16_t)v;
        return v >= INT16_MIN && v <= INT16_MAX;
    case WARD_U8:
        ((uint8_t *)to)[i] = (uint8_t)v;
        return v >= 0 && v <= UINT8_MAX;
    case WARD_U16:
        ((uint16_t *)to)[i] = (uint16_t)v;
        return v >= 0 && v <= UINT16_MAX;
    case WARD_BOOL:
        ((uint8_t *)to)[i] = v != 0;
        return true;
    case WARD_U32:
        ((uint32_t *)to)[i] = (uint32_t)v;
        return true;
    default:
        ((int32_t *)to)[i] = (int32_t)v;
        return true;
    }
}

static bool put_numbers(const Contents *c, uint32_t dtype, size_t n, void *to)
{
    const size_t size = ward_dtype_size(dtype);

    switch (carrier_of(dtype)) {
    case INT64S:
        memcpy(to, c->int64_contents, n * size);
        return true;
    case UINT64S:
        memcpy(to, c->uint64_contents, n * size);
        return true;
    case FP32S:
        memcpy(to, c->fp32_contents, n * size);
        return true;
    case FP64S:
        memcpy(to, c->fp64_contents, n * size);
        return true;
    default:
        break;
    }
    for (size_t i = 0; i < n; i++) {
        int64_t v = carrier_of(dtype) == BOOLS  ? c->bool_contents[i]
                    : carrier_of(dtype) == INTS ? c->int_contents[i]
                                                : (int64_t)c->uint_contents[i];

        if (!put_int(dtype, v, i, to))
            return false;
    }
    return true;
}

static enum ward_code put_bytes(const Contents *c, struct ward_arena *mem,
                                struct ward_tensor *t, struct ward_err *err)
{
    uint8_t *to;

    for (size_t i = 0; i < c->n_bytes_contents; i++)
        t->nbytes += sizeof(uint32_t) + c->bytes_contents[i].len;
    t->data = to = ward_alloc64(mem, t->nbytes);
    if (to == NULL)
        return no_memory(err);
    for (size_t i = 0; i < c->n_bytes_contents; i++) {
        uint32_t len = (uint32_t)c->bytes_contents[i].len;

        for (int k = 0; k < 4; k++)
            *to++ = (uint8_t)(len >> 8 * k);
        memcpy(to, c->bytes_contents[i].data, len);
        to += len;
    }
    return WARD_OK;
}

static enum ward_code from_contents(const Contents *c, const struct ward_io *io, uint64_t n,
                                    struct ward_arena *mem, struct ward_tensor *t,
                                    struct ward_err *err)
{
    enum carrier in = carrier_of(io->dtype);
    size_t has[CARRIERS];

    if (c == NULL || in == NONE)
        return WARD_FAIL_FIELD(err, "inputs.contents", "%s needs %s contents", io->name,
                               in == NONE ? "raw" : "raw or typed");
    counts(c, has);
    for (int i = 0; i < CARRIERS; i++)
        if (has[i] != (i == (int)in ? n : 0))
            return WARD_FAIL_FIELD(err, "inputs.contents",
                                   "%s needs exactly %llu elements, and only of type %s",
                                   io->name, (unsigned long long)n, oip_type_name(io->dtype));
    if (in == BYTESS)
        return put_bytes(c, mem, t, err);
    t->nbytes = n * ward_dtype_size(io->dtype);
    t->data = ward_alloc64(mem, t->nbytes);
    if (t->data == NULL)
        return no_memory(err);
    if (!put_numbers(c, io->dtype, n, t->data))
        return WARD_FAIL_FIELD(err, "inputs.contents", "a value of %s is out of %s's range",
                               io->name, oip_type_name(io->dtype));
    return WARD_OK;
}

/* ---- inputs ---- */

static enum ward_code read_input(const Request *req, size_t at, const struct ward_io *io,
                                 struct ward_arena *mem, struct ward_tensor *t,
                                 struct ward_err *err)
{
    const Input *in = req->inputs[at];
    uint64_t n = 0;

    *t = (struct ward_tensor){.name = io->name, .dtype = io->dtype};
    if (oip_type(in->datatype) != io->dtype || io->dtype == 0)
        return WARD_FAIL_FIELD(err, "inputs.datatype", "the datatype of %s must be %s",
                               io->name,
                               io->dtype == 0 ? "a type that this protocol cannot send"
                                              : oip_type_name(io->dtype));
    WARD_TRY(read_shape(in, io, t, &n, err));
    if (req->n_raw_input_contents == 0)
        return from_contents(in->contents, io, n, mem, t, err);
    if (in->contents != NULL)
        return WARD_FAIL_FIELD(err, "inputs.contents",
                               "must not be set together with raw_input_contents");
    return from_raw(&req->raw_input_contents[at], io, n, mem, t, err);
}

static enum ward_code place(const Request *req, size_t at, const struct ward_model_io *io,
                            uint32_t *to, struct ward_err *err)
{
    const char *name = req->inputs[at]->name;

    for (*to = 0; *to < io->n_in; (*to)++)
        if (strcmp(io->in[*to].name, name) == 0)
            break;
    if (*to == io->n_in)
        return WARD_FAIL_FIELD(err, "inputs.name", "the model has no input with this name");
    for (size_t k = 0; k < at; k++)
        if (strcmp(req->inputs[k]->name, name) == 0)
            return WARD_FAIL_FIELD(err, "inputs.name", "an input is listed twice");
    return WARD_OK;
}

/* Checks that all inputs with a batch axis have an equal number of rows. */
static enum ward_code same_rows(const struct ward_model_io *io, const struct ward_tensor *in,
                                struct ward_err *err)
{
    int64_t rows = 0;

    for (uint32_t i = 0; i < io->n_in; i++) {
        if (io->in[i].batch_axis != 0)
            continue;
        if (rows != 0 && in[i].shape[0] != rows)
            return WARD_FAIL_FIELD(err, "inputs.shape",
                                   "the inputs have different numbers of rows");
        rows = in[i].shape[0];
    }
    return WARD_OK;
}

enum ward_code oip_inputs(const Request *req, const struct ward_model_io *io,
                          struct ward_arena *mem, struct ward_tensor out[WARD_MAX_IO],
                          struct ward_err *err)
{
    if (req->n_inputs != io->n_in)
        return WARD_FAIL_FIELD(err, "inputs", "the model needs %u inputs", io->n_in);
    if (req->n_raw_input_contents != 0 && req->n_raw_input_contents != req->n_inputs)
        return WARD_FAIL_FIELD(err, "raw_input_contents",
                               "must have one entry for each input, or be empty");
    for (size_t i = 0; i < req->n_inputs; i++) {
        uint32_t to = 0;

        WARD_TRY(place(req, i, io, &to, err));
        WARD_TRY(read_input(req, i, &io->in[to], mem, &out[to], err));
    }
    return same_rows(io, out, err);
}

/* ---- outputs ---- */

static enum ward_code add_output(const struct ward_tensor *t, struct ward_arena *mem,
                                 Response *resp)
{
    Output *out = ward_new(mem, Output);

    if (out == NULL)
        return WARD_RESOURCE_EXHAUSTED;
    inference__model_infer_response__infer_output_tensor__init(out);
    out->name = ward_strdup(mem, t->name == NULL ? "" : t->name);
    out->datatype = (char *)(uintptr_t)oip_type_name(t->dtype);
    out->shape = ward_alloc(mem, t->rank * sizeof(*out->shape));
    if (out->name == NULL || out->shape == NULL)
        return WARD_RESOURCE_EXHAUSTED;
    out->n_shape = t->rank;
    memcpy(out->shape, t->shape, t->rank * sizeof(*out->shape));
    resp->raw_output_contents[resp->n_raw_output_contents++] =
        (ProtobufCBinaryData){t->nbytes, t->data};
    resp->outputs[resp->n_outputs++] = out;
    return WARD_OK;
}

enum ward_code oip_outputs(const Request *req, const struct ward_tensor *out, uint32_t n,
                           struct ward_arena *mem, Response *resp, struct ward_err *err)
{
    const size_t many = req->n_outputs == 0 ? n : req->n_outputs;

    if (many > n)
        return WARD_FAIL_FIELD(err, "outputs", "the model has %u outputs", n);
    resp->outputs = ward_alloc(mem, many * sizeof(*resp->outputs));
    resp->raw_output_contents = ward_alloc(mem, many * sizeof(*resp->raw_output_contents));
    if (resp->outputs == NULL || resp->raw_output_contents == NULL)
        return no_memory(err);
    for (size_t i = 0; i < many; i++) {
        const char *name = req->n_outputs == 0 ? NULL : req->outputs[i]->name;
        const struct ward_tensor *t = name == NULL ? &out[i] : ward_tensor_named(out, n, name);

        for (size_t k = 0; name != NULL && k < i; k++)
            if (strcmp(req->outputs[k]->name, name) == 0)
                t = NULL;
        if (t == NULL)
            return WARD_FAIL_FIELD(
                err, "outputs.name",
                "the model has no output with this name, or the output is listed twice");
        if (add_output(t, mem, resp) != WARD_OK)
            return no_memory(err);
    }
    return WARD_OK;
}
