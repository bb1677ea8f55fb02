/* LoadModel, UnloadModel, PromoteModel and RollBackModel: an operator changes the registry.
 * Each call is one transaction, which writes the state, the audit event and the answer under
 * the idempotency key. */
#include "common/handler/handler.h"
#include "services/diagnosis/api.h"
#include "services/diagnosis/registry/registry.h"
#include "ward/diagnosis/v1/diagnosis.pb-c.h"

#include <string.h>

#define OVERRIDE_MAX 256

typedef Ward__Diagnosis__V1__LoadModelRequest LoadRequest;
typedef Ward__Diagnosis__V1__LoadModelResponse LoadResponse;
typedef Ward__Diagnosis__V1__UnloadModelRequest UnloadRequest;
typedef Ward__Diagnosis__V1__UnloadModelResponse UnloadResponse;
typedef Ward__Diagnosis__V1__PromoteModelRequest PromoteRequest;
typedef Ward__Diagnosis__V1__PromoteModelResponse PromoteResponse;
typedef Ward__Diagnosis__V1__RollBackModelRequest RollBackRequest;
typedef Ward__Diagnosis__V1__RollBackModelResponse RollBackResponse;

struct change {
    struct ward_call *c;
    struct worker *w;
    struct ward_event event;
    struct ward_idem idem;
    const char *name, *version;      /* version: not for RollBackModel */
    const char *expected, *override; /* for PromoteModel; `expected` also for RollBackModel */
    bool shadow;                     /* for LoadModel */
    ProtobufCMessage *resp;
    bool kept; /* resp is the stored answer of this idempotency key */
    /* Checks and changes the model's row, which is locked. Called again if the transaction is
     * retried. */
    enum ward_code (*act)(struct change *k, struct ward_db *db, struct state_model *row,
                          struct ward_event *event, struct ward_err *err);
};

static enum ward_code not_loaded(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, NOT_FOUND, "MODEL_NOT_FOUND",
                            "no model with this name and version is loaded");
}

static int loaded(const struct state_model *row, const char *version)
{
    for (int i = 0; i < row->n; i++)
        if (strcmp(row->version[i].version, version) == 0)
            return i;
    return -1;
}

/* ---- the transaction ---- */

static enum ward_code repeat(struct change *k, struct ward_db *db, ProtobufCMessage *kept,
                             struct ward_err *err)
{
    struct ward_event event = k->event;

    memcpy(k->resp, kept, k->resp->descriptor->sizeof_message);
    k->kept = true;
    ward_event_note(&event, "repeated", "yes");
    ward_event_note(&event, "model", k->name);
    return ward_event_write(&event, db, err);
}

static enum ward_code change(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct change *k = arg;
    struct ward_event event = k->event;
    struct state_model row;
    ProtobufCMessage *kept;

    k->kept = false;
    WARD_TRY(ward_call_stored_answer(k->c, db, &k->idem, k->resp->descriptor, &kept, err));
    if (kept != NULL)
        return repeat(k, db, kept, err);
    WARD_TRY(state_lock(db, k->c->mem, k->name, false, &row, err));
    ward_event_note(&event, "model", k->name);
    WARD_TRY(k->act(k, db, &row, &event, err));
    WARD_TRY(state_bump(db, err));
    WARD_TRY(ward_event_write(&event, db, err));
    return ward_call_store_answer(k->c, db, &k->idem, k->resp, err);
}

/* Runs the transaction. *event_id is the answer's field for the event's id. */
static enum ward_code run(struct change *k, const char *key, const ProtobufCMessage *req,
                          char **event_id)
{
    struct ward_call *c = k->c;

    k->w = c->wrk;
    ward_event_begin(&k->event, c, &k->w->event_ctx, NULL);
    ward_db_deadline(k->w->event_ctx.db, c->deadline_ns);
    if (!rule_name(k->name))
        return WARD_FAIL_FIELD(c->err, "model", "must be 1 to 64 characters of a-z 0-9 _");
    if (k->version != NULL && !rule_name(k->version))
        return WARD_FAIL_FIELD(c->err, "version", "must be 1 to 64 characters of a-z 0-9 _");
    WARD_TRY(ward_call_idem(c, key, req, &k->idem));
    WARD_TRY(ward_db_tx(k->w->event_ctx.db, change, k, c->err));
    registry_changed(k->w->dia, c->deadline_ns);
    return ward_call_copy(c, k->event.event_text, event_id);
}

/* Checks that a version serves, at least on this replica, before it becomes active. */
static enum ward_code serves(struct change *k, const char *version, struct ward_err *err)
{
    struct model *m;
    enum ward_code code = registry_take(k->w->dia, k->name, version, &m, err);

    /* the database has the version, but this replica has not loaded it yet */
    if (code == WARD_NOT_FOUND)
        return WARD_FAIL_REASON(err, UNAVAILABLE, "MODEL_NOT_READY",
                                "this replica has not loaded the version yet");
    WARD_TRY(code);
    code = model_state(m, err);
    registry_leave(m);
    return code;
}

static enum ward_code expects(const struct state_model *row, const char *active,
                              struct ward_err *err)
{
    if (*row->name == '\0')
        return not_loaded(err);
    if (strcmp(row->active, active) != 0)
        return WARD_FAIL_REASON(
            err, ABORTED, "VERSION_CONFLICT",
            "another version is active now; call ListModels and decide again");
    return WARD_OK;
}

/* ---- LoadModel ---- */

/* Reads the files before anything is written. A faulty model is then rejected here, and not
 * later by each replica. */
static enum ward_code look(struct ward_call *c, const LoadRequest *req, LoadResponse *resp)
{
    struct worker *w = c->wrk;
    struct ward_err err = {0};
    struct manifest *m = ward_new(c->mem, struct manifest);
    enum ward_code code;

    if (m == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for a manifest");
    if (!rule_name(req->model) || !rule_name(req->version))
        return WARD_OK; /* `run` rejects the name and reports the field */
    code = manifest_read(w->dia->cfg.models, req->model, req->version, &w->dia->trust, c->mem,
                         m, &err);
    if (code == WARD_NOT_FOUND)
        return WARD_FAIL_REASON(
            c->err, NOT_FOUND, "MODEL_NOT_FOUND",
            "the folder WARD_MODELS has no model with this name and version");
    if (code == WARD_INVALID_ARGUMENT) /* the manifest is not valid JSON */
        return WARD_FAIL_REASON(c->err, FAILED_PRECONDITION, "MODEL_MANIFEST", "%.120s",
                                err.msg);
    *c->err = err;
    resp->manifest_sha256 = m->manifest_sha256;
    resp->signed_by = m->signed_by;
    return code;
}

static enum ward_code room(struct change *k, struct ward_db *db, struct state_model *row,
                           struct ward_err *err)
{
    int64_t n = 0;

    if (*row->name == '\0') {
        WARD_TRY(state_count(db, k->c->mem, &n, err));
        if (n < STATE_MODELS)
            return state_lock(db, k->c->mem, k->name, true, row, err);
    } else if (row->n < STATE_VERSIONS) {
        return WARD_OK;
    }
    return WARD_FAIL_REASON(
        err, RESOURCE_EXHAUSTED, "MODEL_LIMIT",
        "the limit is %d models and %d versions of each model; unload one of them",
        STATE_MODELS, STATE_VERSIONS);
}

static enum ward_code load(struct change *k, struct ward_db *db, struct state_model *row,
                           struct ward_event *event, struct ward_err *err)
{
    LoadResponse *resp = (LoadResponse *)k->resp;
    bool active = strcmp(row->active, k->version) == 0 && *row->name != '\0';

    ward_event_note(event, "version", k->version);
    ward_event_note(event, "manifest", resp->manifest_sha256);
    ward_event_note(event, "signed_by", resp->signed_by);
    if (active && k->shadow)
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, "MODEL_ACTIVE",
            "this version is active: the active version cannot be a shadow");
    if (loaded(row, k->version) < 0)
        WARD_TRY(room(k, db, row, err));
    WARD_TRY(state_put(db, k->c->mem, k->name, k->version, k->shadow, err));
    resp->role = active      ? WARD__DIAGNOSIS__V1__MODEL_ROLE__MODEL_ROLE_ACTIVE
                 : k->shadow ? WARD__DIAGNOSIS__V1__MODEL_ROLE__MODEL_ROLE_SHADOW
                             : WARD__DIAGNOSIS__V1__MODEL_ROLE__MODEL_ROLE_STANDBY;
    ward_event_note(event, "role", active ? "active" : k->shadow ? "shadow" : "standby");
    return WARD_OK;
}

enum ward_code load_model_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    const LoadRequest *req = (const LoadRequest *)q;
    LoadResponse *resp = (LoadResponse *)r;
    struct change k = {.c = c,
                       .name = req->model,
                       .version = req->version,
                       .shadow = req->shadow,
                       .resp = r,
                       .act = load};

    WARD_TRY(look(c, req, resp));
    return run(&k, req->idempotency_key, q, &resp->event_id);
}

/* ---- UnloadModel ---- */

static enum ward_code unload(struct change *k, struct ward_db *db, struct state_model *row,
                             struct ward_event *event, struct ward_err *err)
{
    UnloadResponse *resp = (UnloadResponse *)k->resp;
    bool previous = strcmp(row->previous, k->version) == 0;

    ward_event_note(event, "version", k->version);
    if (loaded(row, k->version) < 0)
        return not_loaded(err);
    resp->was_active = strcmp(row->active, k->version) == 0;
    ward_event_note(event, "was_active", resp->was_active ? "yes" : "no");
    WARD_TRY(state_drop(db, k->c->mem, k->name, k->version, err));
    return state_set(db, k->c->mem, k->name, resp->was_active ? "" : row->active,
                     previous ? "" : row->previous, err);
}

enum ward_code unload_model_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    const UnloadRequest *req = (const UnloadRequest *)q;
    struct change k = {
        .c = c, .name = req->model, .version = req->version, .resp = r, .act = unload};

    return run(&k, req->idempotency_key, q, &((UnloadResponse *)r)->event_id);
}

/* ---- PromoteModel ---- */

/* Checks that the comparisons allow this version to replace the active version. */
static enum ward_code proven(struct change *k, struct ward_db *db,
                             const struct state_model *row, struct ward_err *err)
{
    const struct diagnosis_config *cfg = &k->w->dia->cfg;
    struct compared of[STATE_COMPARED], c = {.compared = 0};
    int n = 0;

    WARD_TRY(state_compared(db, k->c->mem, k->name, k->version, of, &n, err));
    for (int i = 0; i < n; i++)
        if (strcmp(of[i].active, row->active) == 0)
            c = of[i];
    switch (
        rule_evidence(c.compared, c.agreed, cfg->shadow_answers, cfg->shadow_disagree_pct)) {
    case EVIDENCE_FEW:
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "SHADOW_TOO_FEW",
                                "compared on %lld inputs, but %d are required",
                                (long long)c.compared, cfg->shadow_answers);
    case EVIDENCE_DISAGREES:
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "SHADOW_DISAGREES",
                                "disagrees on %lld of %lld inputs, but only %d %% are allowed",
                                (long long)(c.compared - c.agreed), (long long)c.compared,
                                cfg->shadow_disagree_pct);
    case EVIDENCE_ENOUGH:
        break;
    }
    return WARD_OK;
}

static enum ward_code promote(struct change *k, struct ward_db *db, struct state_model *row,
                              struct ward_event *event, struct ward_err *err)
{
    PromoteResponse *resp = (PromoteResponse *)k->resp;
    int at = loaded(row, k->version);

    ward_event_note(event, "version", k->version);
    WARD_TRY(expects(row, k->expected, err));
    if (strcmp(row->active, k->version) == 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "MODEL_ACTIVE",
                                "this version is active already");
    if (at < 0)
        return not_loaded(err);
    if (*row->active != '\0' && *k->override == '\0')
        WARD_TRY(proven(k, db, row, err));
    WARD_TRY(serves(k, k->version, err));
    ward_event_note(event, "previous", row->active);
    if (*k->override != '\0')
        ward_event_note(event, "override_reason", k->override);
    WARD_TRY(state_set(db, k->c->mem, k->name, k->version, row->active, err));
    WARD_TRY(state_put(db, k->c->mem, k->name, k->version, false, err));
    WARD_TRY(ward_call_copy(k->c, k->version, &resp->active));
    return ward_call_copy(k->c, row->active, &resp->previous);
}

enum ward_code promote_model_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    const PromoteRequest *req = (const PromoteRequest *)q;
    struct change k = {.c = c,
                       .name = req->model,
                       .version = req->version,
                       .expected = req->expected_active,
                       .override = req->override_reason,
                       .resp = r,
                       .act = promote};

    if (strlen(req->override_reason) > OVERRIDE_MAX)
        return WARD_FAIL_FIELD(c->err, "override_reason", "has more than %d bytes",
                               OVERRIDE_MAX);
    return run(&k, req->idempotency_key, q, &((PromoteResponse *)r)->event_id);
}

/* ---- RollBackModel ---- */

static enum ward_code roll_back(struct change *k, struct ward_db *db, struct state_model *row,
                                struct ward_event *event, struct ward_err *err)
{
    RollBackResponse *resp = (RollBackResponse *)k->resp;

    WARD_TRY(expects(row, k->expected, err));
    if (*row->previous == '\0' || loaded(row, row->previous) < 0)
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, "MODEL_NO_PREVIOUS",
            "there is no previously active version, or that version was unloaded");
    WARD_TRY(serves(k, row->previous, err));
    WARD_TRY(ward_call_copy(k->c, row->previous, &resp->active));
    WARD_TRY(ward_call_copy(k->c, row->active, &resp->previous));
    ward_event_note(event, "version", resp->active);
    ward_event_note(event, "previous", resp->previous);
    WARD_TRY(state_put(db, k->c->mem, k->name, resp->active, false, err));
    return state_set(db, k->c->mem, k->name, resp->active, "", err);
}

enum ward_code roll_back_model_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    const RollBackRequest *req = (const RollBackRequest *)q;
    struct change k = {.c = c,
                       .name = req->model,
                       .expected = req->expected_active,
                       .resp = r,
                       .act = roll_back};

    return run(&k, req->idempotency_key, q, &((RollBackResponse *)r)->event_id);
}
