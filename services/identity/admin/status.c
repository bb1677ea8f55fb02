/* GetStatus: returns the devices, models and galleries of this replica. */
#include "common/base/text.h"
#include "services/identity/api.h"
#include "services/identity/subject/counts.h"
#include "ward/identity/v1/admin.pb-c.h"

typedef Ward__Identity__V1__GetStatusResponse StatusResponse;
typedef Ward__Identity__V1__DeviceStatus DeviceStatus;

static enum ward_code fill_packs(struct ward_call *c, StatusResponse *resp)
{
    const struct identity *id = ((struct worker *)c->wrk)->id;

    WARD_TRY(ward_call_copy(c, face_pack_name(id->now.pack), &resp->pack));
    WARD_TRY(ward_call_copy(c, face_pack_sha256(id->now.pack), &resp->model_sha256));
    WARD_TRY(ward_call_copy(c, id->now.calibration.source, &resp->calibration_source));
    resp->calibration_warning = api_text(calibration_warning(&id->now.calibration));
    WARD_TRY(api_device(c, &resp->device, &resp->degraded));
    if (id->former.pack == NULL)
        return WARD_OK;
    WARD_TRY(ward_call_copy(c, face_pack_name(id->former.pack), &resp->former_pack));
    return ward_call_copy(c, face_pack_sha256(id->former.pack), &resp->former_model_sha256);
}

static const char *kind_name(uint32_t kind)
{
    return kind == WARD_CPU ? "cpu" : kind == WARD_GPU ? "gpu" : kind == WARD_NPU ? "npu" : "";
}

/* Lists each configured back end with the result of its last trial. */
static enum ward_code fill_devices(struct ward_call *c, StatusResponse *resp)
{
    const struct identity *id = ((struct worker *)c->wrk)->id;
    struct ward_candidate found[WARD_ORDER_MAX];
    int n = face_pack_report(id->now.pack, found);
    DeviceStatus *d = ward_alloc(c->mem, (size_t)n * sizeof(*d));

    resp->devices = ward_alloc(c->mem, (size_t)n * sizeof(d));
    if (d == NULL || resp->devices == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (int i = 0; i < n; i++) {
        ward__identity__v1__device_status__init(&d[i]);
        WARD_TRY(ward_call_copy(c, found[i].backend, &d[i].backend));
        d[i].kind = api_text(kind_name(found[i].device.kind));
        WARD_TRY(ward_call_copy(c, found[i].device.name, &d[i].name));
        d[i].ready = found[i].ready;
        WARD_TRY(ward_call_copy(c, found[i].why, &d[i].why));
        resp->devices[i] = &d[i];
    }
    resp->n_devices = (size_t)n;
    return WARD_OK;
}

static enum ward_code number(struct ward_call *c, const char *sql,
                             const struct ward_val *params, size_t n, int64_t *out)
{
    struct ward_db *db = ((struct worker *)c->wrk)->db;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, c->mem, sql, params, n, &rows, c->err));
    if (rows.n != 1 || !ward_i64(rows.at[0][0].p, 0, INT64_MAX, out))
        return WARD_FAIL(c->err, DATA_LOSS, "a stored count is invalid");
    return WARD_OK;
}

static enum ward_code fill_counts(struct ward_call *c, StatusResponse *resp)
{
    struct worker *w = c->wrk;
    struct counts n;

    WARD_TRY(counts_read(w->db, c->mem, &n, c->err));
    resp->subjects = n.subjects[1] + n.subjects[2];
    resp->faces = n.faces[1] + n.faces[2];
    resp->faces_limit = w->id->cfg.faces_limit;
    return counts_need_capture(w->db, c->mem, face_pack_sha256(w->id->now.pack),
                               &resp->faces_need_capture, c->err);
}

static enum ward_code fill_keys(struct ward_call *c, StatusResponse *resp)
{
    static const char NEWEST[] = "SELECT COALESCE(MAX(kek), 0) FROM kek";
    static const char FORMER[] = "SELECT (SELECT COUNT(*) FROM face_key WHERE kek <> ?)"
                                 "     + (SELECT COUNT(*) FROM secret WHERE kek <> ?)"
                                 "     + (SELECT COUNT(*) FROM token_key WHERE kek <> ?)";
    const struct identity *id = ((struct worker *)c->wrk)->id;
    struct ward_val kek;
    int64_t newest = 0;

    WARD_TRY(number(c, NEWEST, NULL, 0, &newest));
    kek = ward_int(c->mem, newest);
    WARD_TRY(number(c, FORMER, WARD_PARAMS(kek, kek, kek), &resp->rows_on_former_keks));
    resp->kek = (int32_t)newest;
    WARD_TRY(ward_call_copy(c, ward_keyring_root_id(keys_ring(id->keys)), &resp->root_key_id));
    return ward_call_copy(c, ward_keyring_root_kind(keys_ring(id->keys)), &resp->root_key_kind);
}

static enum ward_code get_status(struct ward_call *c, StatusResponse *resp)
{
    struct worker *w = c->wrk;
    struct gallery_state state;

    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(fill_packs(c, resp));
    WARD_TRY(fill_devices(c, resp));
    WARD_TRY(fill_counts(c, resp));
    WARD_TRY(fill_keys(c, resp));
    gallery_state(w->id->gallery, &state);
    resp->gallery_ready = state.ready;
    resp->gallery_seq = state.seq;
    resp->snapshot_seq = state.snapshot_seq;
    return WARD_OK;
}

enum ward_code get_status_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    (void)q;
    return get_status(c, (StatusResponse *)r);
}
