/* ListModels: lists the loaded models with their counts. */
#include "common/handler/handler.h"
#include "services/diagnosis/api.h"
#include "services/diagnosis/registry/registry.h"
#include "services/diagnosis/store.h"
#include "ward/diagnosis/v1/diagnosis.pb-c.h"

typedef Ward__Diagnosis__V1__ListModelsResponse ListResponse;
typedef Ward__Diagnosis__V1__Model Model;
typedef Ward__Diagnosis__V1__Comparison Comparison;

/* Copies all texts, because the model may be unloaded before the answer is packed. */
static void running(struct model *m, struct ward_arena *mem, Model *out)
{
    struct ward_serve_choice on;

    ward_serve_choice(atomic_load(&m->serve), &on);
    out->plugin = ward_strdup(mem, on.backend);
    out->device = ward_strdup(mem, on.device);
    out->degraded = on.degraded;
    out->weights_sha256 = ward_strdup(mem, m->is.sha256);
    out->input = api_text(m->is.raw ? "tensors" : m->is.image ? "image" : "features");
    out->intended_use = ward_strdup(mem, m->is.intended_use);
    out->manifest_sha256 = ward_strdup(mem, m->is.manifest_sha256);
    out->signed_by = ward_strdup(mem, m->is.signed_by);
}

static enum ward_code comparisons(struct ward_call *c, struct model *m, Model *out)
{
    struct worker *w = c->wrk;
    struct compared of[STATE_COMPARED];
    int n = 0;

    WARD_TRY(state_compared(w->event_ctx.db, c->mem, m->name, m->version, of, &n, c->err));
    out->comparisons = ward_alloc(c->mem, (size_t)n * sizeof(Comparison *));
    for (int i = 0; out->comparisons != NULL && i < n; i++) {
        Comparison *to = ward_new(c->mem, Comparison);

        if (to == NULL)
            break;
        ward__diagnosis__v1__comparison__init(to);
        to->active = ward_strdup(c->mem, of[i].active);
        to->compared = of[i].compared;
        to->agreed = of[i].agreed;
        to->abstained_apart = of[i].abstained_apart;
        to->failed = of[i].failed;
        to->mean_difference =
            of[i].both_answered == 0 ? 0 : of[i].difference_sum / (double)of[i].both_answered;
        to->largest_difference = of[i].difference_max;
        out->comparisons[out->n_comparisons++] = to;
    }
    return WARD_OK;
}

/* Describes a loaded version. The data of the model's manifest is available only after the
 * model was opened. */
static enum ward_code tell(struct ward_call *c, const struct registry_row *row, Model *out)
{
    struct worker *w = c->wrk;
    struct model *m = row->model;
    struct ward_err why = {0};
    int64_t n[TALLIES];

    out->name = ward_strdup(c->mem, m->name);
    out->version = ward_strdup(c->mem, m->version);
    out->role = (Ward__Diagnosis__V1__ModelRole)row->role;
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
    return comparisons(c, m, out);
}

static enum ward_code tell_all(struct ward_call *c, const struct registry_row *rows, int n,
                               ListResponse *resp)
{
    resp->models = ward_alloc(c->mem, (size_t)n * sizeof(Model *));
    for (int i = 0; resp->models != NULL && i < n; i++) {
        Model *m = ward_new(c->mem, Model);

        if (m == NULL)
            break;
        ward__diagnosis__v1__model__init(m);
        WARD_TRY(tell(c, &rows[i], m));
        resp->models[resp->n_models++] = m;
    }
    return c->mem->full ? WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer")
                        : WARD_OK;
}

enum ward_code list_models_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    struct worker *w = c->wrk;
    struct registry_row rows[REGISTRY_ROWS];
    int n = registry_list(w->dia, rows);
    enum ward_code code;

    (void)q;
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    code = tell_all(c, rows, n, (ListResponse *)r);
    for (int i = 0; i < n; i++)
        registry_leave(rows[i].model);
    return code;
}
