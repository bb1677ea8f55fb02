/* The six methods of the Open Inference Protocol. */
#include "services/diagnosis/api.h"

#include "common/handler/handler.h"
#include "services/diagnosis/model/run.h"
#include "services/diagnosis/oip/tensors.h"
#include "services/diagnosis/registry/registry.h"

#include <string.h>

typedef Inference__ModelInferRequest Request;
typedef Inference__ModelInferResponse Response;
typedef Inference__ModelMetadataResponse__TensorMetadata Metadata;
typedef Inference__ModelInferResponse__ParametersEntry Parameter;

/* ---- health: on the poll thread ---- */

enum ward_code server_live_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    (void)c, (void)q;
    ((Inference__ServerLiveResponse *)r)->live = true;
    return WARD_OK;
}

enum ward_code server_ready_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    struct ward_err why = {0};

    (void)q;
    ((Inference__ServerReadyResponse *)r)->ready = registry_ready(c->svc, &why) == WARD_OK;
    return WARD_OK;
}

enum ward_code model_ready_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    const Inference__ModelReadyRequest *req = (const Inference__ModelReadyRequest *)q;
    Inference__ModelReadyResponse *resp = (Inference__ModelReadyResponse *)r;
    struct ward_err why = {0};
    struct model *m;
    enum ward_code code = registry_take(c->svc, req->name, req->version, &m, c->err);

    if (code == WARD_UNAVAILABLE) /* an operator unloaded the model */
        return WARD_OK;
    WARD_TRY(code);
    resp->ready = model_state(m, &why) == WARD_OK;
    registry_leave(m);
    return WARD_OK;
}

/* ---- metadata ---- */

enum ward_code server_metadata_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    Inference__ServerMetadataResponse *resp = (Inference__ServerMetadataResponse *)r;

    (void)q;
    resp->name = api_text("ward-diagnosis");
    resp->version = api_text(((const struct diagnosis *)c->svc)->build);
    return WARD_OK;
}

static Metadata **tell_io(const struct ward_io *io, uint32_t n, struct ward_arena *mem)
{
    Metadata **list = ward_alloc(mem, n * sizeof(*list));

    for (uint32_t i = 0; list != NULL && i < n; i++) {
        Metadata *t = ward_new(mem, Metadata);

        if (t == NULL)
            return NULL;
        inference__model_metadata_response__tensor_metadata__init(t);
        t->name = ward_strdup(mem, io[i].name);
        t->datatype = api_text(oip_type_name(io[i].dtype));
        t->n_shape = io[i].rank;
        t->shape = ward_alloc(mem, io[i].rank * sizeof(*t->shape));
        if (t->name == NULL || t->shape == NULL)
            return NULL;
        memcpy(t->shape, io[i].shape, io[i].rank * sizeof(*t->shape));
        list[i] = t;
    }
    return list;
}

static enum ward_code shapes_of(struct ward_call *c, const struct model *m)
{
    if (m->has_io)
        return WARD_OK;
    return WARD_FAIL_REASON(
        c->err, UNIMPLEMENTED, "MODEL_SHAPES",
        "the back end of %s does not describe the model's inputs and outputs", m->label);
}

static char **versions_of(struct ward_call *c, const char *name, size_t *n)
{
    struct worker *w = c->wrk;
    char found[STATE_VERSIONS][STATE_NAME];
    char **list = ward_alloc(c->mem, STATE_VERSIONS * sizeof(*list));

    *n = (size_t)registry_versions(w->dia, name, found);
    for (size_t i = 0; list != NULL && i < *n; i++)
        if ((list[i] = ward_strdup(c->mem, found[i])) == NULL)
            return NULL;
    return list;
}

enum ward_code model_metadata_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    const Inference__ModelMetadataRequest *req = (const Inference__ModelMetadataRequest *)q;
    Inference__ModelMetadataResponse *resp = (Inference__ModelMetadataResponse *)r;
    struct model *m;

    WARD_TRY(api_model(c, req->name, req->version, &m));
    WARD_TRY(model_state(m, c->err));
    WARD_TRY(shapes_of(c, m));
    resp->name = ward_strdup(c->mem, m->name);
    resp->platform = api_text("onnx_onnxv1");
    resp->versions = versions_of(c, m->name, &resp->n_versions);
    resp->inputs = tell_io(m->io.in, m->io.n_in, c->mem);
    resp->outputs = tell_io(m->io.out, m->io.n_out, c->mem);
    if (c->mem->full)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    resp->n_inputs = m->io.n_in;
    resp->n_outputs = m->io.n_out;
    return WARD_OK;
}

/* ---- ModelInfer ---- */

static bool gone(const void *call)
{
    return ward_call_cancelled(call);
}

static enum ward_code lane_of(const struct ward_call *c, const Request *req,
                              enum ward_urgency *out)
{
    static const char *const NAMES[] = {"stat", "routine", "bulk"};
    const struct worker *w = c->wrk;
    const char *name = NULL;

    *out = WARD_ROUTINE;
    for (size_t i = 0; i < req->n_parameters; i++)
        if (strcmp(req->parameters[i]->key, "lane") == 0) {
            const Inference__InferParameter *v = req->parameters[i]->value;

            name = v != NULL && v->parameter_choice_case ==
                                    INFERENCE__INFER_PARAMETER__PARAMETER_CHOICE_STRING_PARAM
                       ? v->string_param
                       : "";
        }
    for (int i = 0; name != NULL; i++) {
        if (i == WARD_URGENCIES)
            return WARD_FAIL_FIELD(c->err, "parameters", "lane must be stat, routine or bulk");
        if (strcmp(name, NAMES[i]) == 0) {
            *out = (enum ward_urgency)i;
            break;
        }
    }
    if (*out == WARD_STAT && (c->who == NULL || !rule_any_role(w->dia->cfg.stat_roles,
                                                               c->who->roles, c->who->n_roles)))
        return WARD_FAIL_REASON(
            c->err, PERMISSION_DENIED, "LANE_NOT_ALLOWED",
            "the lane stat needs a role of WARD_STAT_ROLES; use the lane routine");
    return WARD_OK;
}

static enum ward_code add_parameter(struct ward_call *c, Response *resp, const char *key,
                                    const char *text, bool truth)
{
    Parameter *entry = ward_new(c->mem, Parameter);
    Inference__InferParameter *value = ward_new(c->mem, Inference__InferParameter);

    if (entry == NULL || value == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    inference__model_infer_response__parameters_entry__init(entry);
    inference__infer_parameter__init(value);
    value->parameter_choice_case =
        text == NULL ? INFERENCE__INFER_PARAMETER__PARAMETER_CHOICE_BOOL_PARAM
                     : INFERENCE__INFER_PARAMETER__PARAMETER_CHOICE_STRING_PARAM;
    if (text == NULL)
        value->bool_param = truth;
    else
        value->string_param = api_text(text);
    entry->key = api_text(key);
    entry->value = value;
    resp->parameters[resp->n_parameters++] = entry;
    return WARD_OK;
}

/* Adds the origin of the answer: weights, device, and whether the device is degraded. */
static enum ward_code put_trace(struct ward_call *c, const struct model *m,
                                const struct ward_serve_choice *on, Response *resp)
{
    const char *device = ward_strdup(c->mem, on->device);

    resp->parameters = ward_alloc(c->mem, 3 * sizeof(*resp->parameters));
    resp->model_name = ward_strdup(c->mem, m->name);
    resp->model_version = ward_strdup(c->mem, m->version);
    if (c->mem->full)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    WARD_TRY(add_parameter(c, resp, "weights_sha256", m->is.sha256, false));
    WARD_TRY(add_parameter(c, resp, "device", device, false));
    return add_parameter(c, resp, "degraded", NULL, on->degraded);
}

static enum ward_code write_event(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ward_event event = *(const struct ward_event *)arg;

    return ward_event_write(&event, db, err);
}

static enum ward_code infer(struct ward_call *c, const Request *req, Response *resp)
{
    const struct ward_stop stop = {.deadline_ns = c->deadline_ns, .gone = gone, .arg = c};
    struct ward_tensor in[WARD_MAX_IO], out[WARD_MAX_IO];
    struct worker *w = c->wrk;
    uint32_t n_out = WARD_MAX_IO;
    struct ward_serve_choice on;
    struct ward_event event;
    enum ward_urgency lane;
    struct model *m;

    ward_event_begin(&event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(lane_of(c, req, &lane));
    WARD_TRY(api_model(c, req->model_name, req->model_version, &m));
    WARD_TRY(model_state(m, c->err));
    WARD_TRY(shapes_of(c, m));
    ward_event_note(&event, "model", m->label);
    ward_event_note(&event, "weights", m->is.sha256);
    WARD_TRY(oip_inputs(req, &m->io, c->mem, in, c->err));
    ward_serve_choice(atomic_load(&m->serve), &on);
    WARD_TRY(
        ward_queue_run(m->queue, lane, c->mem, &stop, in, m->io.n_in, out, &n_out, c->err));
    WARD_TRY(oip_outputs(req, out, n_out, c->mem, resp, c->err));
    WARD_TRY(put_trace(c, m, &on, resp));
    resp->id = req->id;
    ward_event_note_int(&event, "rows", in[0].rank > 0 ? in[0].shape[0] : 1);
    if (on.degraded)
        ward_event_note(&event, "degraded", "yes");
    return ward_db_tx(w->event_ctx.db, write_event, &event, c->err);
}

enum ward_code model_infer_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    return infer(c, (const Request *)q, (Response *)r);
}
