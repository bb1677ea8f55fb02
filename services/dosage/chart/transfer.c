/* Transfers: records' feed names patients whose encounters changed. dosage reads the current
 * wards of these patients from records, so that lists and packs follow at once. */
#include "services/dosage/chart/chart_own.h"
#include "services/dosage/rules.h"
#include "services/dosage/store/owner.h"

#include "common/base/clock.h"

#include <string.h>

#define WAIT_NS (5000 * WARD_NS_PER_MS)

typedef Ward__Records__V1__Change Change;
typedef Ward__Records__V1__FollowResponse Message;
typedef Ward__Records__V1__GetWardsRequest Request;
typedef Ward__Records__V1__GetWardsResponse Response;

/* Whether a patient has a row in dosage. Patients without orders are on no list. */
static enum ward_code is_known(struct charts *ch, const uint8_t id[DOSAGE_ID], bool *known,
                               struct ward_err *err)
{
    static const char SQL[] =
        "SELECT 1 FROM patient WHERE patient_id = ? AND erased_at_us IS NULL";
    struct ward_rows rows;

    WARD_TRY(
        ward_db_run(ch->w.event_ctx.db, &ch->mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    *known = rows.n == 1;
    return WARD_OK;
}

static bool is_listed(char *const *ids, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(ids[i], id) == 0)
            return true;
    return false;
}

/* Collects each patient of the message with a changed encounter and a row in dosage, once. */
static enum ward_code moved_patients(struct charts *ch, const Message *msg, Request *req,
                                     struct ward_err *err)
{
    req->patient_ids = ward_alloc(&ch->mem, msg->n_changes * sizeof(char *));
    if (req->patient_ids == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the patients");
    for (size_t i = 0; i < msg->n_changes; i++) {
        const Change *c = msg->changes[i];
        uint8_t id[DOSAGE_ID];
        bool known;

        if (c->kind != WARD__RECORDS__V1__KIND__KIND_ENCOUNTER ||
            !ward_uuid_parse(c->patient_id, id) ||
            is_listed(req->patient_ids, req->n_patient_ids, c->patient_id))
            continue;
        WARD_TRY(is_known(ch, id, &known, err));
        if (known)
            req->patient_ids[req->n_patient_ids++] = c->patient_id;
    }
    return WARD_OK;
}

static enum ward_code note(struct charts *ch, const Response *resp, int64_t asked_us,
                           struct ward_err *err)
{
    for (size_t i = 0; i < resp->n_wards; i++) {
        const Ward__Records__V1__PatientWard *at = resp->wards[i];
        uint8_t id[DOSAGE_ID];

        if (rule_is_ward(at->ward) && ward_uuid_parse(at->patient_id, id))
            WARD_TRY(owner_lies(&ch->w, &ch->mem, id, at->ward, asked_us, err));
    }
    return WARD_OK;
}

enum ward_code feed_transfers(struct charts *ch, const Message *msg, struct ward_err *err)
{
    static const char PATH[] = "/ward.records.v1.Feed/GetWards";
    struct ward_out with = {.deadline_ns = ward_mono_ns() + WAIT_NS};
    Request req = WARD__RECORDS__V1__GET_WARDS_REQUEST__INIT;
    int64_t asked_us = ward_wall_us();
    ProtobufCMessage *resp;
    enum ward_code code;

    ward_db_deadline(ch->w.event_ctx.db, WARD_NO_DEADLINE);
    WARD_TRY(moved_patients(ch, msg, &req, err));
    if (req.n_patient_ids == 0)
        return WARD_OK;
    code = ward_client_call(ch->dos->records, PATH, &with, &req.base,
                            &ward__records__v1__get_wards_response__descriptor, &resp, &ch->mem,
                            err);
    /* An older records lacks this method: the next reader of the chart updates the ward. */
    if (code == WARD_UNIMPLEMENTED) {
        *err = (struct ward_err){0};
        return WARD_OK;
    }
    WARD_TRY(code);
    return note(ch, (const Response *)resp, asked_us, err);
}
