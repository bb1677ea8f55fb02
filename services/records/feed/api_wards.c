/* GetWards: returns the current wards of patients, for a service with its own ward lists. */
#include "common/base/clock.h"
#include "common/base/text.h"
#include "services/records/api.h"
#include "ward/records/v1/feed.pb-c.h"

typedef Ward__Records__V1__GetWardsRequest Request;
typedef Ward__Records__V1__GetWardsResponse Response;
typedef Ward__Records__V1__PatientWard PatientWard;

#define PATIENTS_MOST 500

struct asking {
    struct ward_call *call;
    const Request *req;
    Response *resp;
    struct ward_event event;
};

/* Finds the ward of the latest open stay of the patient or of merged records. */
static enum ward_code ward_of(struct asking *a, const char *patient, const uint8_t *id,
                              PatientWard *out, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT o.ward FROM patient me JOIN patient p ON p.root_id = me.root_id"
        " JOIN open_encounter o ON o.patient_id = p.patient_id"
        " JOIN resource r ON r.resource_id = o.encounter_id"
        " WHERE me.patient_id = ? AND o.from_us <= ? AND o.until_us > ?"
        " ORDER BY o.from_us DESC, r.written_at_us DESC, o.encounter_id LIMIT 1";
    struct ward_call *c = a->call;
    struct worker *w = c->wrk;
    struct ward_val now = ward_int(c->mem, ward_wall_us());
    struct ward_rows rows;

    ward__records__v1__patient_ward__init(out);
    out->patient_id = api_text(patient);
    WARD_TRY(ward_db_run(w->event_ctx.db, c->mem, SQL,
                         WARD_PARAMS(ward_blob(id, RECORDS_ID), now, now), &rows, err));
    if (rows.n == 1)
        out->ward = api_text(rows.at[0][0].p);
    return WARD_OK;
}

static enum ward_code wards_of(struct asking *a, struct ward_err *err)
{
    size_t n = a->req->n_patient_ids;
    PatientWard *all = ward_alloc(a->call->mem, n * sizeof(*all));

    a->resp->wards = ward_alloc(a->call->mem, n * sizeof(PatientWard *));
    if (all == NULL || a->resp->wards == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < n; i++) {
        uint8_t id[RECORDS_ID];

        if (!ward_uuid_parse(a->req->patient_ids[i], id))
            return WARD_FAIL_FIELD(err, "patient_ids", "must be UUIDs");
        WARD_TRY(ward_of(a, a->req->patient_ids[i], id, &all[i], err));
        a->resp->wards[i] = &all[i];
    }
    a->resp->n_wards = n;
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct asking *a = arg;
    struct ward_event event = a->event;

    WARD_TRY(wards_of(a, err));
    return ward_event_write(&event, db, err);
}

enum ward_code get_wards_rpc(struct ward_call *c, const ProtobufCMessage *q,
                             ProtobufCMessage *r)
{
    struct asking a = {.call = c, .req = (const Request *)q, .resp = (Response *)r};
    struct worker *w = c->wrk;

    if (a.req->n_patient_ids == 0 || a.req->n_patient_ids > PATIENTS_MOST)
        return WARD_FAIL_FIELD(c->err, "patient_ids", "must be 1 to 500");
    ward_event_begin(&a.event, c, &w->event_ctx,
                     a.req->n_patient_ids == 1 ? a.req->patient_ids[0] : NULL);
    ward_event_note_int(&a.event, "patients", (int64_t)a.req->n_patient_ids);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    return ward_db_tx(w->event_ctx.db, in_tx, &a, c->err);
}
