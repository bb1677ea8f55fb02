/* CorrectAttendance: the recorded event remains, and the correction is stored beside it. */
#include "services/identity/access/access.h"
#include "services/identity/access/attendance.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Identity__V1__CorrectAttendanceRequest CorrectAttendanceRequest;
typedef Ward__Identity__V1__CorrectAttendanceResponse CorrectAttendanceResponse;

#define WHY_MOST 200

struct correction {
    struct ward_call *call;
    struct ward_event event;
    struct ward_idem idem;
    const CorrectAttendanceRequest *req;
    CorrectAttendanceResponse *resp;
    bool strike;
    uint8_t struck[IDENTITY_ID];
    struct attended row;
    char subject_text[37], id_text[37];
};

static enum ward_code check_strike(struct correction *x)
{
    struct ward_call *c = x->call;
    const CorrectAttendanceRequest *req = x->req;
    char text[37];

    if (*req->subject_id != '\0' || req->direction != 0 || req->at_us != 0)
        return WARD_FAIL_FIELD(c->err, "strike_attendance_id",
                               "and a new event must not be set together: send one of them");
    WARD_TRY(
        ward_call_id(c, "strike_attendance_id", req->strike_attendance_id, x->struck, text));
    x->row.strikes = x->struck;
    return WARD_OK;
}

static enum ward_code check_added(struct correction *x)
{
    struct ward_call *c = x->call;
    const CorrectAttendanceRequest *req = x->req;

    WARD_TRY(api_subject_id(c, req->subject_id, x->row.subject_id, x->subject_text));
    ward_event_begin(&x->event, c, api_event_ctx(c), x->subject_text);
    if (req->direction != DIRECTION_IN && req->direction != DIRECTION_OUT)
        return WARD_FAIL_FIELD(c->err, "direction", "must be IN or OUT");
    if (req->at_us <= 0)
        return WARD_FAIL_FIELD(c->err, "at_us", "is missing");
    if (req->at_us > x->row.recorded_us)
        return WARD_FAIL_FIELD(c->err, "at_us", "is in the future");
    x->row.direction = (int)req->direction;
    x->row.at_us = req->at_us;
    return WARD_OK;
}

static enum ward_code check(struct correction *x)
{
    struct ward_call *c = x->call;
    const CorrectAttendanceRequest *req = x->req;

    WARD_TRY(api_key(c, req->idempotency_key));
    if (*req->why == '\0' || strlen(req->why) > WHY_MOST)
        return WARD_FAIL_FIELD(c->err, "why", "must be 1 to %d bytes", WHY_MOST);
    x->strike = *req->strike_attendance_id != '\0';
    return x->strike ? check_strike(x) : check_added(x);
}

/* A digest that identifies equal requests. Texts include their NULs, so that "a"+"bc" differs
 * from "ab"+"c". */
static void fingerprint(const CorrectAttendanceRequest *req, uint8_t out[WARD_SHA256_SIZE])
{
    int64_t numbers[] = {(int64_t)req->direction, req->at_us};
    const struct ward_bytes parts[] = {
        {numbers, sizeof(numbers)},
        {req->subject_id, strlen(req->subject_id) + 1},
        {req->strike_attendance_id, strlen(req->strike_attendance_id) + 1},
        {req->why, strlen(req->why) + 1},
    };

    ward_sha256_parts(parts, (int)WARD_COUNT(parts), out);
}

/* Finds the subject of the correction. If an event is struck out, this is the event's
 * subject. */
static enum ward_code find_subject(struct correction *x, struct ward_db *db,
                                   struct ward_err *err)
{
    struct ward_arena *mem = x->call->mem;
    struct attended struck;
    struct subject s;

    if (x->strike) {
        WARD_TRY(attendance_find(db, mem, x->struck, &struck, err));
        memcpy(x->row.subject_id, struck.subject_id, IDENTITY_ID);
        ward_uuid_text(struck.subject_id, x->subject_text);
        x->row.direction = struck.direction;
        x->row.at_us = struck.at_us;
        x->row.place = struck.place;
    }
    WARD_TRY(subject_hold(db, mem, x->row.subject_id, &s, err));
    if (s.kind != SUBJECT_STAFF)
        return WARD_FAIL_FIELD(err, "subject_id", "is not the id of a member of staff");
    return WARD_OK;
}

static enum ward_code replay(struct correction *x, struct ward_db *db, struct ward_val answer,
                             struct ward_err *err)
{
    ProtobufCMessage *msg = NULL;
    struct ward_event again = x->event;

    WARD_TRY(api_again(x->call, answer,
                       &ward__identity__v1__correct_attendance_response__descriptor, &msg,
                       err));
    *x->resp = *(CorrectAttendanceResponse *)msg;
    ward_event_note(&again, "replayed", "yes");
    return ward_event_write(&again, db, err);
}

static enum ward_code correct_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct correction *x = arg;
    struct ward_event event = x->event;
    struct ward_val answer;
    enum ward_code code;

    WARD_TRY(ward_idem_find(db, x->call->mem, &x->idem, &answer, err));
    if (answer.p != NULL)
        return replay(x, db, answer, err);
    WARD_TRY(find_subject(x, db, err));
    code = attendance_add(db, x->call->mem, &x->row, err);
    if (code == WARD_ALREADY_EXISTS)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ATTENDANCE_STRUCK",
                                "this attendance event is already cancelled");
    WARD_TRY(code);
    event.patient = x->subject_text;
    ward_event_note(&event, "attendance", x->resp->attendance_id);
    ward_event_note(&event, "did", x->strike ? "struck out" : "added");
    if (x->strike)
        ward_event_note(&event, "struck", x->req->strike_attendance_id);
    ward_event_note(&event, "direction", access_direction_name(x->row.direction));
    ward_event_note(&event, "why", x->req->why);
    WARD_TRY(ward_event_write(&event, db, err));
    return ward_call_store_answer(x->call, db, &x->idem, &x->resp->base, err);
}

enum ward_code correct_attendance_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                      ProtobufCMessage *r)
{
    struct correction x = {.call = c,
                           .req = (const CorrectAttendanceRequest *)q,
                           .resp = (CorrectAttendanceResponse *)r,
                           .row = {.place = "", .recorded_us = ward_wall_us()}};
    struct worker *w = c->wrk;

    ward_event_begin(&x.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(check(&x));
    ward_uuid7(x.row.id);
    ward_uuid_text(x.row.id, x.id_text);
    x.row.corrected_by = c->who->subject;
    x.row.why = x.req->why;
    x.idem = (struct ward_idem){
        .caller = api_caller(c), .method = c->method->path, .key = x.req->idempotency_key};
    fingerprint(x.req, x.idem.request_sha256);
    WARD_TRY(ward_call_copy(c, x.id_text, &x.resp->attendance_id));
    WARD_TRY(ward_call_copy(c, x.event.event_text, &x.resp->event_id));
    return ward_db_tx(w->db, correct_in_tx, &x, c->err);
}
