/* Functions that the handlers share, and the table of methods. */
#include "services/diagnosis/api.h"

#include "services/diagnosis/registry/registry.h"

#include "inference/open_inference.pb-c.h"
#include "ward/diagnosis/v1/diagnosis.pb-c.h"

char *api_text(const char *s)
{
    return (char *)(uintptr_t)s;
}

enum ward_code api_begin(struct ward_call *c, struct ward_event *a, const char *patient)
{
    struct worker *w = c->wrk;

    ward_event_begin(a, c, &w->event_ctx, patient);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    if (!rule_purpose(c->who->purpose))
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "PURPOSE_NOT_ALLOWED",
                                "diagnosis requires the purpose of use TREAT or ETREAT");
    return WARD_OK;
}

static void leave(void *model)
{
    registry_leave(model);
}

enum ward_code api_model(struct ward_call *c, const char *name, const char *version,
                         struct model **out)
{
    struct worker *w = c->wrk;
    struct model *m;

    WARD_TRY(registry_take(w->dia, name, version, &m, c->err));
    if (!ward_defer(c->mem, leave, m)) /* on failure, ward_defer has called `leave` */
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for a call");
    *out = m;
    return WARD_OK;
}

#define ROW(method, name, answer)                                                              \
    {                                                                                          \
        "/ward.diagnosis.v1.Diagnosis/" method, name##_rpc,                                    \
            &ward__diagnosis__v1__##name##_request__descriptor,                                \
            &ward__diagnosis__v1__##answer##_response__descriptor                              \
    }

#define OIP(method, name)                                                                      \
    {                                                                                          \
        "/inference.GRPCInferenceService/" method, name##_rpc,                                 \
            &inference__##name##_request__descriptor,                                          \
            &inference__##name##_response__descriptor                                          \
    }

static const struct ward_method methods[] = {
    ROW("Infer", infer, infer),
    ROW("Confirm", confirm, confirm),
    ROW("Amend", amend, amend),
    ROW("Reject", reject, reject),
    ROW("ListModels", list_models, list_models),
    ROW("LoadModel", load_model, load_model),
    ROW("UnloadModel", unload_model, unload_model),
    ROW("PromoteModel", promote_model, promote_model),
    ROW("RollBackModel", roll_back_model, roll_back_model),
    OIP("ServerLive", server_live),
    OIP("ServerReady", server_ready),
    OIP("ModelReady", model_ready),
    OIP("ServerMetadata", server_metadata),
    OIP("ModelMetadata", model_metadata),
    OIP("ModelInfer", model_infer),
    {.path = NULL},
};

const struct ward_method *diagnosis_methods(void)
{
    return methods;
}
