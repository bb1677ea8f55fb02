/* ListModels. */
#include "common/handler/handler.h"
#include "services/diagnosis/api.h"
#include "services/diagnosis/model/models.h"
#include "services/diagnosis/store.h"
#include "ward/diagnosis/v1/diagnosis.pb-c.h"

typedef Ward__Diagnosis__V1__ListModelsResponse ListResponse;
typedef Ward__Diagnosis__V1__Model Model;

static void running(struct model *m, struct ward_arena *mem, Model *out)
{
    struct ward_serve_choice on;

    ward_serve_choice(atomic_load(&m->serve), &on);
    out->plugin = ward_strdup(mem, on.backend);
    out->device = ward_strdup(mem, on.device);
    out->degraded = on.degraded;
    out->weights_sha256 = api_text(m->is.sha256);
    out->input = api_text(m->is.image ? "image" : "features");
    out->intended_use = api_text(m->is.intended_use);
}

/* What a model says of itself is read once it was opened: until then nothing but its name. */
static enum ward_code tell(struct ward_call *c, struct model *m, Model *out)
{
    struct worker *w = c->wrk;
    struct ward_err why = {0};
    int64_t n[TALLIES];

    out->name = api_text(m->name);
    out->version = api_text(m->version);
    out->state = model_state(m, &why) == WARD_OK
                     ? WARD__DIAGNOSIS__V1__MODEL_STATE__MODEL_STATE_SERVING
                     : WARD__DIAGNOSIS__V1__MODEL_STATE__MODEL_STATE_NOT_SERVING;
    out->why = ward_strdup(c->mem, why.msg);
    if (atomic_load(&m->serve) != NULL)
        running(m, c->mem, out);
    WARD_TRY(store_counts(w->event_ctx.db, c->mem, m->name, m->version, n, c->err));
    out->answered = n[TALLY_ANSWERED];
    out->abstained = n[TALLY_ABSTAINED];
    out->confirmed = n[TALLY_CONFIRMED];
    out->amended = n[TALLY_AMENDED];
    out->rejected = n[TALLY_REJECTED];
    return WARD_OK;
}

enum ward_code list_models_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    struct worker *w = c->wrk;
    ListResponse *resp = (ListResponse *)r;

    (void)q;
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    resp->models = ward_alloc(c->mem, DIAGNOSIS_MODELS * sizeof(Model *));
    for (int i = 0; resp->models != NULL && i < w->dia->n_models; i++) {
        Model *m = ward_new(c->mem, Model);

        if (m == NULL)
            break;
        ward__diagnosis__v1__model__init(m);
        WARD_TRY(tell(c, w->dia->model[i], m));
        resp->models[resp->n_models++] = m;
    }
    return c->mem->full ? WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer")
                        : WARD_OK;
}
