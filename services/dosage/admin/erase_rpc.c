/* ErasePatient: a privacy officer erases a patient and all merged records. */
#include "services/dosage/admin/erase.h"
#include "services/dosage/api.h"
#include "services/dosage/chart/chart.h"
#include "services/dosage/order/lately.h"
#include "services/dosage/store/owner.h"
#include "ward/dosage/v1/admin.pb-c.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Dosage__V1__ErasePatientRequest EraseRequest;
typedef Ward__Dosage__V1__ErasePatientResponse EraseResponse;

struct erasing {
    struct ward_call *call;
    struct ward_event event;
    struct ward_idem idem;
    const EraseRequest *req;
    EraseResponse *resp;
    uint8_t id[DOSAGE_ID];
    struct ward_rows chart; /* all merged records; the ids are in the first column */
};

/* The requested patient is locked first and alone, so that concurrent merges of this patient
 * wait.
 */
static enum ward_code hold(struct erasing *e, struct ward_rows *chart, struct ward_err *err)
{
    static const char ONE[] =
        "SELECT root_id, erased_at_us FROM patient WHERE patient_id = ? FOR UPDATE";
    static const char ALL[] =
        "SELECT patient_id FROM patient WHERE root_id = ? ORDER BY patient_id FOR UPDATE";
    struct worker *w = e->call->wrk;
    struct ward_rows one;

    WARD_TRY(
        ward_db_run(w->event_ctx.db, e->call->mem, ONE, WARD_PARAMS(id_val(e->id)), &one, err));
    if (one.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "PATIENT_NOT_FOUND",
                                "dosage stores no data of this patient");
    if (one.at[0][1].p == NULL && memcmp(one.at[0][0].p, e->id, DOSAGE_ID) != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "PATIENT_MERGED",
                                "the patient was merged into another");
    return ward_db_run(w->event_ctx.db, e->call->mem, ALL, WARD_PARAMS(id_val(e->id)), chart,
                       err);
}

/* One event about the requested patient with the totals, and one event about each merged
 * record. */
static enum ward_code told(struct erasing *e, const struct erased *sum, struct ward_err *err)
{
    struct worker *w = e->call->wrk;
    struct ward_event event = e->event;

    ward_event_note(&event, "reason", e->req->reason_code);
    ward_event_note_int(&event, "orders", sum->orders);
    ward_event_note_int(&event, "administrations", sum->administrations);
    ward_event_note_int(&event, "decisions", sum->decisions);
    return ward_event_write(&event, w->event_ctx.db, err);
}

static enum ward_code erase_other(struct erasing *e, const uint8_t id[DOSAGE_ID],
                                  int64_t now_us, struct erased *sum, struct ward_err *err)
{
    struct worker *w = e->call->wrk;
    struct ward_event event;
    char *text = NULL;

    WARD_TRY(erase_patient(w, e->call->mem, id, now_us, sum, err));
    WARD_TRY(ward_call_uuid(e->call, id, &text));
    ward_event_another(&e->event, text, &event);
    ward_event_note(&event, "reason", e->req->reason_code);
    return ward_event_write(&event, w->event_ctx.db, err);
}

static enum ward_code erase(struct erasing *e, struct ward_err *err)
{
    struct worker *w = e->call->wrk;
    int64_t now_us = ward_wall_us();
    struct erased sum = {0};

    WARD_TRY(hold(e, &e->chart, err));
    WARD_TRY(erase_patient(w, e->call->mem, e->id, now_us, &sum, err));
    for (size_t i = 0; i < e->chart.n; i++)
        if (memcmp(e->chart.at[i][0].p, e->id, DOSAGE_ID) != 0)
            WARD_TRY(erase_other(e, (const uint8_t *)e->chart.at[i][0].p, now_us, &sum, err));
    e->resp->orders = sum.orders;
    e->resp->administrations = sum.administrations;
    e->resp->decisions = sum.decisions;
    return told(e, &sum, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct erasing *e = arg;
    ProtobufCMessage *kept = NULL;

    WARD_TRY(ward_call_stored_answer(e->call, db, &e->idem,
                                     &ward__dosage__v1__erase_patient_response__descriptor,
                                     &kept, err));
    if (kept != NULL) {
        const EraseResponse *was = (const EraseResponse *)kept;
        struct erased sum = {.orders = was->orders,
                             .administrations = was->administrations,
                             .decisions = was->decisions};

        e->resp->orders = sum.orders;
        e->resp->administrations = sum.administrations;
        e->resp->decisions = sum.decisions;
        return told(e, &sum, err);
    }
    WARD_TRY(erase(e, err));
    return ward_call_store_answer(e->call, db, &e->idem, &e->resp->base, err);
}

enum ward_code erase_patient_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    struct erasing e = {.call = c, .req = (const EraseRequest *)q, .resp = (EraseResponse *)r};
    struct worker *w = c->wrk;

    ward_event_begin(&e.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_call_id(c, "patient_id", e.req->patient_id, e.id, w->event_ctx.patient));
    e.event.patient = w->event_ctx.patient;
    WARD_TRY(ward_call_idem(c, e.req->idempotency_key, q, &e.idem));
    if (!rule_is_word(e.req->reason_code))
        return WARD_FAIL_FIELD(c->err, "reason_code",
                               "must be 1 to 64 characters of a-z, 0-9 and \"-\"");
    WARD_TRY(ward_db_tx(w->event_ctx.db, in_tx, &e, c->err));
    charts_forget(w->dos->charts, e.id);
    lately_forget(w->dos, e.id);
    for (size_t i = 0; i < e.chart.n; i++)
        lately_forget(w->dos, (const uint8_t *)e.chart.at[i][0].p);
    return WARD_OK;
}
