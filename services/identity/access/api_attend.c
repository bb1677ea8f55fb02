/* RecordAttendance: records arrivals and departures at the time of this service's clock. The
 * subject's row is locked: if two replicas see one person at once, the second returns the entry
 * of the first. */
#include "common/zone/zone.h"
#include "services/identity/access/access.h"
#include "services/identity/access/attendance.h"

#include "common/base/clock.h"
#include "common/base/metrics.h"

#include <string.h>

typedef Ward__Identity__V1__RecordAttendanceRequest RecordAttendanceRequest;
typedef Ward__Identity__V1__RecordAttendanceResponse RecordAttendanceResponse;

#define OUTCOME(x) WARD__IDENTITY__V1__OUTCOME__OUTCOME_##x

static struct ward_family recordings = {
    .name = "ward_identity_attendance_total",
    .help = "Number of answers of RecordAttendance, by outcome. DEBOUNCED is a match for which "
            "the service returned a recent event.",
    .type = WARD_COUNTER,
    .label = {"outcome"},
};
WARD_METRIC_LISTED(recordings)

enum outcome { UNUSED_PHOTO, NOBODY, REPEATED, RECORDED };
static const char *const OUTCOMES[] = {
    [UNUSED_PHOTO] = "UNUSABLE",
    [NOBODY] = "NO_MATCH",
    [REPEATED] = "DEBOUNCED",
    [RECORDED] = "MATCH",
};
WARD_METRIC_FROM_ZERO(recordings, WARD_COUNT(OUTCOMES), OUTCOMES[i], NULL)

struct recording {
    struct ward_call *call;
    struct ward_event event;
    struct stander who;
    int direction; /* 0: chosen from the person's last event */
    struct attended entry;
    RecordAttendanceResponse *resp;
};

static const char *outcome_name(const RecordAttendanceResponse *resp)
{
    return OUTCOMES[resp->outcome == OUTCOME(UNUSABLE)   ? UNUSED_PHOTO
                    : resp->outcome == OUTCOME(NO_MATCH) ? NOBODY
                    : resp->debounced                    ? REPEATED
                                                         : RECORDED];
}

static bool is_today(const struct recording *x, int64_t at_us, int64_t now_us)
{
    const struct ward_zone *zone = ((struct worker *)x->call->wrk)->id->zone;
    struct ward_wall then, now;

    ward_zone_wall(zone, at_us, &then);
    ward_zone_wall(zone, now_us, &now);
    return then.day == now.day;
}

/* Two equal events in quick succession count as one. An event of the other direction between
 * the two makes them different events. */
static bool is_echo(const struct recording *x, const struct attended *last, int64_t now_us)
{
    const struct identity *id = ((struct worker *)x->call->wrk)->id;

    return id->cfg.attendance_debounce_s > 0 &&
           now_us - last->at_us < id->cfg.attendance_debounce_s * INT64_C(1000000) &&
           (x->direction == 0 || x->direction == last->direction);
}

static int direction_after(const struct recording *x, const struct attended *last,
                           int64_t now_us)
{
    return is_today(x, last->at_us, now_us) && last->direction == DIRECTION_IN ? DIRECTION_OUT
                                                                               : DIRECTION_IN;
}

static enum ward_code record(struct recording *x, struct ward_db *db, struct ward_err *err)
{
    struct ward_arena *mem = x->call->mem;
    int64_t now_us = ward_wall_us();
    struct attended last = {.direction = DIRECTION_OUT};
    bool found = false;

    WARD_TRY(attendance_last(db, mem, x->who.id, &last, &found, err));
    x->resp->debounced = found && is_echo(x, &last, now_us);
    if (x->resp->debounced) {
        x->entry = last;
        return WARD_OK;
    }
    /* another replica, whose clock is ahead, recorded the last event */
    if (found && now_us <= last.at_us)
        now_us = last.at_us + 1;
    x->entry = (struct attended){.direction = x->direction != 0 ? x->direction
                                              : found ? direction_after(x, &last, now_us)
                                                      : DIRECTION_IN,
                                 .at_us = now_us,
                                 .recorded_us = now_us,
                                 .place = x->event.place};
    memcpy(x->entry.id, x->event.event_id, IDENTITY_ID);
    memcpy(x->entry.subject_id, x->who.id, IDENTITY_ID);
    return attendance_add(db, mem, &x->entry, err);
}

static enum ward_code answer(struct recording *x, struct ward_err *err)
{
    RecordAttendanceResponse *resp = x->resp;
    char *id = ward_alloc(x->call->mem, 37);

    if (id == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward_uuid_text(x->entry.id, id);
    resp->attendance_id = id;
    resp->subject_id = ward_strdup(x->call->mem, x->who.text);
    resp->direction = (Ward__Identity__V1__Direction)x->entry.direction;
    resp->at_us = x->entry.at_us;
    return resp->subject_id == NULL
               ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer")
               : WARD_OK;
}

static enum ward_code record_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct recording *x = arg;
    struct ward_event event = x->event;
    RecordAttendanceResponse *resp = x->resp;

    WARD_TRY(stander_hold(&x->who, db, err));
    resp->debounced = false;
    resp->outcome = stander_gate(&x->who) != USABLE ? OUTCOME(UNUSABLE)
                    : x->who.kind != SUBJECT_STAFF  ? OUTCOME(NO_MATCH)
                                                    : OUTCOME(MATCH);
    if (x->who.known)
        event.patient = x->who.text;
    if (resp->outcome == OUTCOME(MATCH)) {
        WARD_TRY(record(x, db, err));
        WARD_TRY(answer(x, err));
        ward_event_note(&event, "attendance", resp->attendance_id);
        ward_event_note(&event, "direction", access_direction_name(x->entry.direction));
    }
    ward_event_note(&event, "outcome", outcome_name(resp));
    ward_event_note(&event, "by", *x->who.token == '\0' ? "face" : x->who.method);
    if (stander_gate(&x->who) != USABLE)
        ward_event_note(&event, "reason", gate_reason(stander_gate(&x->who)));
    if (x->who.face.outcome == IDENTIFY_MATCH)
        ward_event_note_num(&event, "score", x->who.face.found[0].hit.score);
    return ward_event_write(&event, db, err);
}

static enum ward_code begin(struct recording *x, const RecordAttendanceRequest *req)
{
    struct ward_call *c = x->call;
    struct worker *w = c->wrk;

    ward_event_begin(&x->event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(api_where(c, req->place, req->device, PURPOSE_ATTENDANCE));
    x->event.place = req->place;
    ward_event_note(&x->event, "device", *req->device == '\0' ? c->peer : req->device);
    WARD_TRY(access_direction(c, "direction", (int)req->direction, 0, &x->direction));
    return stander_begin(&x->who, PURPOSE_ATTENDANCE);
}

enum ward_code record_attendance_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                     ProtobufCMessage *r)
{
    const RecordAttendanceRequest *req = (const RecordAttendanceRequest *)q;
    struct worker *w = c->wrk;
    struct recording x = {.call = c,
                          .who = {.call = c,
                                  .photograph = req->photograph,
                                  .token = req->token,
                                  .place = req->place,
                                  .attended = req->attended},
                          .resp = (RecordAttendanceResponse *)r};

    WARD_TRY(begin(&x, req));
    WARD_TRY(ward_call_copy(c, x.event.event_text, &x.resp->event_id));
    WARD_TRY(stander_look(&x.who));
    WARD_TRY(stander_reasons(&x.who, &x.resp->reasons, &x.resp->n_reasons));
    WARD_TRY(ward_db_tx(w->db, record_in_tx, &x, c->err));
    ward_metric_add(ward_series_of(&recordings, outcome_name(x.resp), NULL, NULL), 1);
    return WARD_OK;
}
