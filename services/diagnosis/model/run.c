#include "services/diagnosis/model/run.h"

#include "common/base/crypto.h"
#include "services/diagnosis/model/prepare.h"

#include <math.h>
#include <string.h>

#define OUTPUTS 8

typedef Ward__Diagnosis__V1__InferRequest InferRequest;

static bool gone(const void *call)
{
    return ward_call_cancelled(call);
}

/* Returns the only value of an output. Returns NaN if the output is absent. */
static double value(const struct ward_tensor *out, uint32_t n, const char *name)
{
    const struct ward_tensor *t = ward_tensor_named(out, n, name);

    if (t == NULL || t->dtype != WARD_F32 || t->nbytes != sizeof(float))
        return (double)NAN;
    return (double)*(const float *)t->data;
}

static void judge(const struct manifest *m, const struct ward_tensor *out, uint32_t n,
                  struct said *said)
{
    double far = m->far == NULL ? 0 : value(out, n, m->far);
    double near = m->near == NULL ? 0 : value(out, n, m->near);

    said->abstains = rule_guard(far, m->far_limit, near, m->near_limit);
    if (said->abstains == ABSTAIN_FAR)
        said->score = far, said->limit = m->far_limit;
    if (said->abstains == ABSTAIN_NEAR)
        said->score = near, said->limit = m->near_limit;
}

static const struct ward_tensor *heat_of(const struct manifest *m,
                                         const struct ward_tensor *out, uint32_t n)
{
    const struct ward_tensor *t =
        m->heat_map == NULL ? NULL : ward_tensor_named(out, n, m->heat_map);

    return t != NULL && t->dtype == WARD_F32 && t->rank == 4 && t->shape[0] == 1 &&
                   t->shape[1] == 1 && t->shape[2] > 0 && t->shape[3] > 0
               ? t
               : NULL;
}

static enum ward_code lane_of(const struct ward_call *c, const InferRequest *req,
                              enum ward_urgency *out)
{
    const struct worker *w = c->wrk;

    switch (req->lane) {
    case WARD__DIAGNOSIS__V1__LANE__LANE_UNSPECIFIED:
    case WARD__DIAGNOSIS__V1__LANE__LANE_ROUTINE:
        *out = WARD_ROUTINE;
        return WARD_OK;
    case WARD__DIAGNOSIS__V1__LANE__LANE_BULK:
        *out = WARD_BULK;
        return WARD_OK;
    case WARD__DIAGNOSIS__V1__LANE__LANE_STAT:
        *out = WARD_STAT;
        break;
    default:
        return WARD_FAIL_FIELD(c->err, "lane", "must be a lane");
    }
    if (!rule_any_role(w->dia->cfg.stat_roles, c->who->roles, c->who->n_roles))
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "LANE_NOT_ALLOWED",
                                "LANE_STAT needs a role of WARD_STAT_ROLES; use LANE_ROUTINE");
    return WARD_OK;
}

/* Arguments of one run. */
struct running {
    struct ward_arena *mem;
    const struct ward_stop *stop;
    struct ward_err *err;
};

static enum ward_code run(const struct running *r, struct model *m,
                          const struct ward_tensor *in, struct said *said)
{
    struct ward_tensor *out = ward_alloc(r->mem, OUTPUTS * sizeof(*out));
    uint32_t n = OUTPUTS;
    double logit;

    if (out == NULL)
        return WARD_FAIL(r->err, RESOURCE_EXHAUSTED, "no memory for an answer");
    ward_serve_choice(atomic_load(&m->serve), &said->on);
    WARD_TRY(model_ask(m, said->lane, r->mem, r->stop, in, out, &n, r->err));
    logit = value(out, n, m->is.logit);
    if (!isfinite(logit))
        return WARD_FAIL(r->err, INTERNAL, "the output of model %s is not a number", m->label);
    judge(&m->is, out, n, said);
    said->probability = rule_probability(logit, m->is.scale, m->is.shift);
    said->heat = said->abstains == ABSTAIN_NO ? heat_of(&m->is, out, n) : NULL;
    return WARD_OK;
}

static enum ward_code run_image(const struct running *r, struct model *m,
                                const InferRequest *req, struct said *said)
{
    const struct decode_file file = {req->image.data, req->image.len, said->input_sha256};
    struct ward_tensor in;

    ward_sha256(req->image.data, req->image.len, said->input_sha256);
    WARD_TRY(
        diagnosis_decode_read(m->dia->decoding, &file, r->mem, r->stop, &said->from, r->err));
    WARD_TRY(prepare_image(&m->is, &said->from, r->mem, r->stop, &in, &said->shown, r->err));
    said->image = true;
    return run(r, m, &in, said);
}

static enum ward_code run_features(const struct running *r, struct model *m,
                                   const InferRequest *req, struct said *said)
{
    size_t n = protobuf_c_message_get_packed_size(&req->features->base);
    const struct manifest_feature *unfit;
    uint8_t *bytes = ward_alloc(r->mem, n);
    struct ward_tensor in;

    if (bytes == NULL)
        return WARD_FAIL(r->err, RESOURCE_EXHAUSTED, "no memory for an input");
    protobuf_c_message_pack(&req->features->base, bytes);
    ward_sha256(bytes, n, said->input_sha256);
    WARD_TRY(prepare_features(&m->is, req->features, r->mem, &in, &unfit, r->err));
    if (unfit == NULL)
        return run(r, m, &in, said);
    said->abstains = ABSTAIN_VALUE;
    said->feature = unfit->name;
    ward_serve_choice(atomic_load(&m->serve), &said->on);
    return WARD_OK;
}

enum ward_code model_answer(struct model *m, const InferRequest *req, enum ward_urgency lane,
                            struct ward_arena *mem, const struct ward_stop *stop,
                            struct said *out, struct ward_err *err)
{
    const struct running r = {mem, stop, err};
    bool image = req->input_case == WARD__DIAGNOSIS__V1__INFER_REQUEST__INPUT_IMAGE;

    *out = (struct said){.lane = lane};
    WARD_TRY(model_state(m, err));
    if (req->input_case == WARD__DIAGNOSIS__V1__INFER_REQUEST__INPUT__NOT_SET)
        return WARD_FAIL_FIELD(err, "input", "is required");
    if (m->is.raw)
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, "MODEL_RAW",
            "this model reads tensors: call inference.GRPCInferenceService");
    if (image != m->is.image)
        return WARD_FAIL_FIELD(err, image ? "image" : "features", "this model reads %s",
                               m->is.image ? "an image" : "features");
    return image ? run_image(&r, m, req, out) : run_features(&r, m, req, out);
}

enum ward_code model_run(struct ward_call *c, struct model *m, const InferRequest *req,
                         struct said *out)
{
    const struct ward_stop stop = {.deadline_ns = c->deadline_ns, .gone = gone, .arg = c};
    enum ward_urgency lane;

    WARD_TRY(lane_of(c, req, &lane));
    return model_answer(m, req, lane, c->mem, &stop, out, c->err);
}
