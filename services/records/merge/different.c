/* MarkDifferent: records that a person decided that two patients are different people. */
#include "services/records/api.h"

#include "ward/records/v1/patients.pb-c.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Records__V1__MarkDifferentRequest Request;

struct marking {
    struct ward_call *c;
    struct ward_event event;
    struct view view;
    uint8_t id[2][RECORDS_ID];
};

static enum ward_code keep(struct marking *m, struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO patient_different (a_id, b_id, said_by, at_us)"
                              " VALUES (?, ?, ?, ?) ON DUPLICATE KEY UPDATE a_id = a_id";
    struct worker *w = m->c->wrk;
    bool in_order = memcmp(m->id[0], m->id[1], RECORDS_ID) < 0;

    return ward_db_run(w->event_ctx.db, m->c->mem, SQL,
                       WARD_PARAMS(ward_blob(m->id[in_order ? 0 : 1], RECORDS_ID),
                                   ward_blob(m->id[in_order ? 1 : 0], RECORDS_ID),
                                   ward_text(m->c->who->subject),
                                   ward_int(m->c->mem, ward_wall_us())),
                       NULL, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct marking *m = arg;
    struct worker *w = m->c->wrk;
    struct ward_event event = m->event;
    struct patient p[2];

    (void)db;
    for (int i = 0; i < 2; i++) {
        WARD_TRY(view_covers(w, m->c->mem, &m->view, KIND_PATIENT, 0, m->id[i], err));
        WARD_TRY(patient_find(w, m->c->mem, m->id[i], true, &p[i], err));
        patient_wipe(&p[i]);
    }
    if (memcmp(p[0].root, p[1].root, RECORDS_ID) == 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "MERGE_CYCLE",
                                "the patients are merged; undo the merge first");
    WARD_TRY(keep(m, err));
    return tell_each(w, &event, &m->view, (const uint8_t(*)[RECORDS_ID])m->id, 2, err);
}

static enum ward_code mark_different(struct ward_call *c, const Request *req)
{
    struct worker *w = c->wrk;
    struct marking m = {.c = c};
    char text[37];

    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_call_id(c, "patient_id", req->patient_id, m.id[0], text));
    WARD_TRY(ward_call_id(c, "other_patient_id", req->other_patient_id, m.id[1], NULL));
    WARD_TRY(api_begin(c, &m.event, USE_WRITE, KIND_PATIENT, text, &m.view));
    if (memcmp(m.id[0], m.id[1], RECORDS_ID) == 0)
        return WARD_FAIL_FIELD(c->err, "other_patient_id", "is the same patient");
    return ward_db_tx(w->event_ctx.db, in_tx, &m, c->err);
}

enum ward_code mark_different_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    (void)r;
    return mark_different(c, (const Request *)q);
}
