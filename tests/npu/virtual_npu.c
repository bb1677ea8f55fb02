/* virtual_npu - a provider library for ONNX Runtime with an NPU that does not exist, so that
 * the npu back end can be tested on any machine. It says so: the device's metadata has
 * is_virtual, and ONNX Runtime offers it only when it is registered under a name that ends in
 * ".virtual".
 *
 * It takes elementwise nodes of float tensors (virtual_ops.c), compiles each to a node of its
 * own and computes it with the loops there; what else a model has stays on the CPU.
 *
 * VIRTUAL_NPU_FAULT=FILE: while FILE's first word is
 *   wrong   every result is 1 % off
 *   fail    every run fails
 *   gone    no session can be made on the device
 *   idle    it takes no node of any model
 *
 * Threads: runs are concurrent; nothing they write is shared. Memory: what ONNX Runtime has
 * created is released when it asks. Errors: OrtStatus.
 */
#include "tests/npu/virtual_ops.h"

#include <onnxruntime_c_api.h>
#include <onnxruntime_ep_device_ep_metadata_keys.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "WardVirtualNpu"

struct factory {
    OrtEpFactory base; /* first: ONNX Runtime hands back its address */
    const OrtApi *api;
    const OrtEpApi *ep_api;
    OrtHardwareDevice *device;
};

struct provider {
    OrtEp base; /* first */
    struct factory *f;
};

/* A node that was compiled. */
struct node {
    OrtNodeComputeInfo base; /* first */
    struct factory *f;
    const struct op *op;
    size_t from[2]; /* which input of the fused node each of the operator's is */
};

static int fault_is(const char *word)
{
    const char *path = getenv("VIRTUAL_NPU_FAULT");
    FILE *f = path == NULL ? NULL : fopen(path, "r");
    char is[16] = "";

    if (f == NULL)
        return 0;
    if (fscanf(f, "%15s", is) != 1)
        is[0] = '\0';
    fclose(f);
    return strcmp(is, word) == 0;
}

static OrtStatus *see(struct factory *f, OrtKernelContext *c, size_t i, struct view *out)
{
    OrtTensorTypeAndShapeInfo *info = NULL;
    const OrtValue *value = NULL;
    OrtStatus *s = f->api->KernelContext_GetInput(c, i, &value);

    if (s == NULL)
        s = f->api->GetTensorTypeAndShape(value, &info);
    if (s != NULL)
        return s;
    s = f->api->GetDimensionsCount(info, &out->rank);
    if (s == NULL && out->rank > MAX_RANK)
        s = f->api->CreateStatus(ORT_NOT_IMPLEMENTED, "too many dimensions");
    if (s == NULL)
        s = f->api->GetDimensions(info, out->shape, out->rank);
    f->api->ReleaseTensorTypeAndShapeInfo(info);
    return s != NULL ? s : f->api->GetTensorData(value, (const void **)&out->data);
}

static OrtStatus *compute(OrtNodeComputeInfo *self, void *state, OrtKernelContext *c)
{
    struct node *n = (struct node *)self;
    struct view in[2] = {{0}}, out = {0};
    OrtValue *value = NULL;
    float *data = NULL;
    OrtStatus *s = NULL;

    (void)state;
    if (fault_is("fail"))
        return n->f->api->CreateStatus(ORT_EP_FAIL, NAME ": told to fail");
    for (size_t i = 0; s == NULL && i < n->op->n_in; i++)
        s = see(n->f, c, n->from[i], &in[i]);
    if (n->op->n_in == 1)
        in[1] = in[0];
    if (s == NULL && !op_stretch(&in[0], &in[1], &out))
        s = n->f->api->CreateStatus(ORT_INVALID_ARGUMENT, NAME ": shapes do not fit");
    if (s == NULL)
        s = n->f->api->KernelContext_GetOutput(c, 0, out.shape, out.rank, &value);
    if (s == NULL)
        s = n->f->api->GetTensorMutableData(value, (void **)&data);
    if (s == NULL)
        op_loop(n->op, &in[0], &in[1], &out, data, fault_is("wrong") ? 1.01f : 1.0f);
    return s;
}

static OrtStatus *no_state(OrtNodeComputeInfo *self, OrtNodeComputeContext *c, void **state)
{
    (void)c;
    *state = self;
    return NULL;
}

static void no_state_to_release(OrtNodeComputeInfo *self, void *state)
{
    (void)self, (void)state;
}

/* ---- which nodes it takes ---- */

static OrtStatus *all_float(struct factory *f, const OrtNode *node, int *yes)
{
    const OrtValueInfo *in[2] = {NULL};
    size_t n = 0;
    OrtStatus *s = f->api->Node_GetNumInputs(node, &n);

    *yes = n >= 1 && n <= 2;
    if (s == NULL && *yes)
        s = f->api->Node_GetInputs(node, in, n);
    for (size_t i = 0; s == NULL && *yes && i < n; i++) {
        ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
        const OrtTensorTypeAndShapeInfo *tensor = NULL;
        const OrtTypeInfo *info = NULL;

        s = f->api->GetValueInfoTypeInfo(in[i], &info);
        if (s == NULL)
            s = f->api->CastTypeInfoToTensorInfo(info, &tensor);
        if (s == NULL && tensor != NULL)
            s = f->api->GetTensorElementType(tensor, &type);
        *yes = type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    }
    return s;
}

static OrtStatus *consider(struct factory *f, const OrtNode *node, OrtEpGraphSupportInfo *info)
{
    OrtNodeFusionOptions alone = {.ort_version_supported = ORT_API_VERSION};
    const char *name = "", *domain = "";
    const struct op *op;
    size_t n = 0;
    int yes = 0;
    OrtStatus *s = f->api->Node_GetOperatorType(node, &name);

    if (s == NULL)
        s = f->api->Node_GetDomain(node, &domain);
    op = op_named(name);
    if (s != NULL || op == NULL || *domain != '\0')
        return s;
    s = f->api->Node_GetNumInputs(node, &n);
    if (s == NULL && n == op->n_in)
        s = all_float(f, node, &yes);
    if (s == NULL && yes)
        s = f->ep_api->EpGraphSupportInfo_AddNodesToFuse(info, &node, 1, &alone);
    return s;
}

static OrtStatus *capability(OrtEp *self, const OrtGraph *graph, OrtEpGraphSupportInfo *info)
{
    struct factory *f = ((struct provider *)self)->f;
    const OrtNode **nodes;
    size_t n = 0;
    OrtStatus *s = f->api->Graph_GetNumNodes(graph, &n);

    if (s != NULL || n == 0 || fault_is("idle"))
        return s;
    nodes = calloc(n, sizeof(*nodes));
    if (nodes == NULL)
        return f->api->CreateStatus(ORT_FAIL, "no memory");
    s = f->api->Graph_GetNodes(graph, nodes, n);
    for (size_t i = 0; s == NULL && i < n; i++)
        s = consider(f, nodes[i], info);
    free(nodes);
    return s;
}

/* Inputs of the fused node are the operator's without repetitions: found again by name. */
static OrtStatus *map_inputs(struct node *n, const OrtNode *original, const OrtNode *fused)
{
    const OrtApi *api = n->f->api;
    const OrtValueInfo *want[2] = {NULL}, *have[2] = {NULL};
    const char *a = NULL, *b = NULL;
    size_t n_have = 0;
    OrtStatus *s = api->Node_GetNumInputs(fused, &n_have);

    if (s == NULL && (n_have < 1 || n_have > 2))
        s = api->CreateStatus(ORT_FAIL, NAME ": a fused node with other inputs");
    if (s == NULL)
        s = api->Node_GetInputs(original, want, n->op->n_in);
    if (s == NULL)
        s = api->Node_GetInputs(fused, have, n_have);
    for (size_t i = 0; s == NULL && i < n->op->n_in; i++)
        for (size_t k = 0; s == NULL && k < n_have; k++) {
            s = api->GetValueInfoName(want[i], &a);
            if (s == NULL)
                s = api->GetValueInfoName(have[k], &b);
            if (s == NULL && strcmp(a, b) == 0)
                n->from[i] = k;
        }
    return s;
}

static OrtStatus *compile_one(struct factory *f, const OrtGraph *graph, const OrtNode *fused,
                              struct node **out)
{
    const OrtNode *original = NULL;
    const char *name = "";
    struct node *n;
    OrtStatus *s = f->api->Graph_GetNodes(graph, &original, 1);

    if (s == NULL)
        s = f->api->Node_GetOperatorType(original, &name);
    if (s != NULL)
        return s;
    n = calloc(1, sizeof(*n));
    if (n == NULL || op_named(name) == NULL) {
        free(n);
        return f->api->CreateStatus(ORT_FAIL, NAME ": not a node it took");
    }
    *n = (struct node){.base = {.ort_version_supported = ORT_API_VERSION,
                                .CreateState = no_state,
                                .Compute = compute,
                                .ReleaseState = no_state_to_release},
                       .f = f,
                       .op = op_named(name)};
    s = map_inputs(n, original, fused);
    if (s != NULL)
        free(n);
    else
        *out = n;
    return s;
}

static OrtStatus *compile(OrtEp *self, const OrtGraph **graphs, const OrtNode **fused,
                          size_t count, OrtNodeComputeInfo **out, OrtNode **context)
{
    OrtStatus *s = NULL;

    (void)context;
    for (size_t i = 0; s == NULL && i < count; i++) {
        struct node *n = NULL;

        s = compile_one(((struct provider *)self)->f, graphs[i], fused[i], &n);
        if (s == NULL)
            out[i] = &n->base;
    }
    return s;
}

static void release_nodes(OrtEp *self, OrtNodeComputeInfo **infos, size_t n)
{
    (void)self;
    for (size_t i = 0; i < n; i++)
        free(infos[i]);
}

/* ---- the library ---- */

static const char *provider_name(const OrtEp *self)
{
    (void)self;
    return NAME;
}

static const char *factory_name(const OrtEpFactory *self)
{
    (void)self;
    return NAME;
}

static const char *vendor(const OrtEpFactory *self)
{
    (void)self;
    return "Ward's tests";
}

static uint32_t vendor_id(const OrtEpFactory *self)
{
    (void)self;
    return 0;
}

static const char *version(const OrtEpFactory *self)
{
    (void)self;
    return "1.0.0";
}

static bool not_aware(const OrtEpFactory *self)
{
    (void)self;
    return false;
}

/* It works in the CPU's own memory: nothing to allocate elsewhere, nothing to carry over. */
static OrtStatus *no_allocator(OrtEpFactory *self, const OrtMemoryInfo *info,
                               const OrtKeyValuePairs *options, OrtAllocator **out)
{
    (void)self, (void)info, (void)options;
    *out = NULL;
    return NULL;
}

static void no_allocator_to_release(OrtEpFactory *self, OrtAllocator *a)
{
    (void)self, (void)a;
}

static OrtStatus *no_transfer(OrtEpFactory *self, OrtDataTransferImpl **out)
{
    (void)self;
    *out = NULL;
    return NULL;
}

static OrtStatus *offer(OrtEpFactory *self, const OrtHardwareDevice *const *there, size_t n,
                        OrtEpDevice **out, size_t cap, size_t *n_out)
{
    struct factory *f = (struct factory *)self;
    OrtKeyValuePairs *about = NULL;
    OrtStatus *s = NULL;

    (void)there, (void)n;
    *n_out = 0;
    if (cap == 0)
        return NULL;
    f->api->CreateKeyValuePairs(&about);
    f->api->AddKeyValuePair(about, kOrtHardwareDevice_MetadataKey_IsVirtual, "1");
    if (f->device == NULL)
        s = f->ep_api->CreateHardwareDevice(OrtHardwareDeviceType_NPU, 0, 0, "Ward's tests",
                                            about, &f->device);
    f->api->ReleaseKeyValuePairs(about);
    if (s == NULL)
        s = f->ep_api->CreateEpDevice(self, f->device, NULL, NULL, &out[0]);
    if (s == NULL)
        *n_out = 1;
    return s;
}

static OrtStatus *create(OrtEpFactory *self, const OrtHardwareDevice *const *devices,
                         const OrtKeyValuePairs *const *about, size_t n,
                         const OrtSessionOptions *options, const OrtLogger *logger, OrtEp **out)
{
    struct factory *f = (struct factory *)self;
    struct provider *p;

    (void)devices, (void)about, (void)n, (void)options, (void)logger;
    if (fault_is("gone"))
        return f->api->CreateStatus(ORT_EP_FAIL, NAME ": told to be gone");
    p = calloc(1, sizeof(*p));
    if (p == NULL)
        return f->api->CreateStatus(ORT_FAIL, "no memory");
    p->f = f;
    p->base = (OrtEp){.ort_version_supported = ORT_API_VERSION,
                      .GetName = provider_name,
                      .GetCapability = capability,
                      .Compile = compile,
                      .ReleaseNodeComputeInfos = release_nodes};
    *out = &p->base;
    return NULL;
}

static void release_provider(OrtEpFactory *self, OrtEp *p)
{
    (void)self;
    free(p);
}

__attribute__((visibility("default"))) OrtStatus *
CreateEpFactories(const char *registered_name, const OrtApiBase *base, const OrtLogger *logger,
                  OrtEpFactory **out, size_t cap, size_t *n);
__attribute__((visibility("default"))) OrtStatus *ReleaseEpFactory(OrtEpFactory *factory);

OrtStatus *CreateEpFactories(const char *registered_name, const OrtApiBase *base,
                             const OrtLogger *logger, OrtEpFactory **out, size_t cap, size_t *n)
{
    const OrtApi *api = base->GetApi(ORT_API_VERSION);
    struct factory *f;

    (void)registered_name, (void)logger;
    if (api == NULL)
        return base->GetApi(1)->CreateStatus(ORT_FAIL, NAME ": ONNX Runtime is too old");
    f = cap == 0 ? NULL : calloc(1, sizeof(*f));
    if (f == NULL)
        return api->CreateStatus(ORT_FAIL, "no memory");
    f->api = api;
    f->ep_api = api->GetEpApi();
    f->base = (OrtEpFactory){.ort_version_supported = ORT_API_VERSION,
                             .GetName = factory_name,
                             .GetVendor = vendor,
                             .GetVendorId = vendor_id,
                             .GetVersion = version,
                             .GetSupportedDevices = offer,
                             .CreateEp = create,
                             .ReleaseEp = release_provider,
                             .CreateAllocator = no_allocator,
                             .ReleaseAllocator = no_allocator_to_release,
                             .CreateDataTransfer = no_transfer,
                             .IsStreamAware = not_aware};
    out[0] = &f->base;
    *n = 1;
    return NULL;
}

OrtStatus *ReleaseEpFactory(OrtEpFactory *factory)
{
    struct factory *f = (struct factory *)factory;

    if (f->device != NULL)
        f->ep_api->ReleaseHardwareDevice(f->device);
    free(f);
    return NULL;
}
