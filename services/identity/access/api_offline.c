/* ReportOfflineEvents: decisions of a controller that was offline. A report is stored
 * completely or not at all, and each event once, regardless of sender and repetitions. Every
 * new event is audited separately, as if it had been decided here. */
#include "services/identity/access/movements.h"

#include "common/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef Ward__Identity__V1__OfflineEvent OfflineEvent;
typedef Ward__Identity__V1__ReportOfflineEventsRequest ReportOfflineEventsRequest;
typedef Ward__Identity__V1__ReportOfflineEventsResponse ReportOfflineEventsResponse;

#define EVENTS_MOST 1000
#define REASON_MOST 32
#define AHEAD_US    (INT64_C(300) * 1000000) /* tolerance for a controller's clock */

/* An event of the request, with its parsed ids. */
struct offline {
    const OfflineEvent *wire;
    struct door_event row;
    uint8_t subject[IDENTITY_ID];
    char subject_text[37];
    struct door door;
    struct pack_span *packs; /* packs of the door that the caller held */
    size_t n_packs;
    bool kept; /* this call stored the event */
};
struct reporting {
    struct ward_call *call;
    struct ward_event event;
    struct offline *events, **by_id;
    size_t n;
    ReportOfflineEventsResponse *resp;
};

static enum ward_code wrong(struct ward_call *c, size_t i, const char *part, const char *why)
{
    char field[40];

    snprintf(field, sizeof(field), "events[%zu].%s", i, part);
    return WARD_FAIL_FIELD(c->err, field, "%s", why);
}

static bool is_reason(const char *s)
{
    size_t n = strlen(s);

    return n >= 1 && n <= REASON_MOST &&
           strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == n;
}

static enum ward_code check_event(struct reporting *x, size_t i, const OfflineEvent *e,
                                  int64_t now_us, struct offline *out)
{
    struct ward_call *c = x->call;
    bool allow = e->decision == WARD__IDENTITY__V1__DECISION__DECISION_ALLOW;
    struct door_event *row = &out->row;

    out->wire = e;
    if (!ward_uuid_parse(e->event_id, row->event_id))
        return wrong(c, i, "event_id", "is not a UUID");
    if (!rule_is_word(e->door))
        return wrong(c, i, "door", "must be 1 to 64 characters of a-z, 0-9 and -");
    if (e->direction != 0 && e->direction != DIRECTION_IN && e->direction != DIRECTION_OUT)
        return wrong(c, i, "direction", "must be IN or OUT");
    if (*e->subject_id != '\0' && !ward_uuid_parse(e->subject_id, out->subject))
        return wrong(c, i, "subject_id", "is not a UUID");
    if (!allow && e->decision != WARD__IDENTITY__V1__DECISION__DECISION_DENY)
        return wrong(c, i, "decision", "must be ALLOW or DENY");
    if (!is_reason(e->reason))
        return wrong(c, i, "reason", "must be 1 to 32 characters of A-Z, 0-9 and _");
    if (e->at_us <= 0)
        return wrong(c, i, "at_us", "is missing");
    if (e->at_us > now_us + AHEAD_US)
        return wrong(c, i, "at_us", "is in the future; set the controller's clock");
    row->door = e->door;
    row->direction = e->direction == 0 ? DIRECTION_IN : (int)e->direction;
    row->subject_id = *e->subject_id == '\0' ? NULL : out->subject;
    row->allowed = allow;
    row->reason = e->reason;
    row->at_us = e->at_us;
    row->received_us = now_us;
    row->offline = true;
    if (row->subject_id != NULL)
        ward_uuid_text(out->subject, out->subject_text);
    return WARD_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct offline *const *x = a, *const *y = b;

    return memcmp((*x)->row.event_id, (*y)->row.event_id, IDENTITY_ID);
}

/* A controller has few doors, so consecutive events are mostly of the same door. */
static enum ward_code find_door(struct reporting *x, size_t i)
{
    struct ward_call *c = x->call;
    struct worker *w = c->wrk;
    struct offline *o = &x->events[i];

    if (i > 0 && strcmp(o->row.door, x->events[i - 1].row.door) == 0) {
        o->door = x->events[i - 1].door;
        o->packs = x->events[i - 1].packs;
        o->n_packs = x->events[i - 1].n_packs;
        return WARD_OK;
    }
    WARD_TRY(door_find(w->db, c->mem, o->row.door, &o->door, c->err));
    return door_packs_of(w->db, c->mem, o->row.door, c->peer, &o->packs, &o->n_packs, c->err);
}

static enum ward_code check(struct reporting *x, const ReportOfflineEventsRequest *req)
{
    struct ward_call *c = x->call;
    int64_t now_us = ward_wall_us();

    if (req->n_events > EVENTS_MOST)
        return WARD_FAIL_FIELD(c->err, "events", "are more than %d", EVENTS_MOST);
    x->events = ward_alloc(c->mem, req->n_events * sizeof(*x->events));
    x->by_id = ward_alloc(c->mem, req->n_events * sizeof(struct offline *));
    if (x->events == NULL || x->by_id == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the events");
    for (size_t i = 0; i < req->n_events; i++) {
        WARD_TRY(check_event(x, i, req->events[i], now_us, &x->events[i]));
        x->by_id[i] = &x->events[i];
    }
    x->n = req->n_events;
    qsort(x->by_id, x->n, sizeof(struct offline *), by_id);
    for (size_t i = 0; i < x->n; i++) {
        const struct offline *o = &x->events[i];

        WARD_TRY(find_door(x, i));
        if (!pack_spans(o->packs, o->n_packs, o->row.at_us))
            return WARD_FAIL_REASON(
                c->err, PERMISSION_DENIED, "DOOR_NOT_YOURS",
                "event %zu: the caller had no valid pack for the door at the time of the event",
                i);
    }
    return WARD_OK;
}

/* Stores where the person was seen, unless newer data is stored. A controller's clock may be
 * ahead: its events must not override later events from here. */
static enum ward_code note_seen(struct reporting *x, struct ward_db *db,
                                const struct offline *o, struct ward_err *err)
{
    const struct door_event *row = &o->row;
    struct ward_arena *mem = x->call->mem;
    bool in = row->direction == DIRECTION_IN;
    int64_t at_us = row->at_us < row->received_us ? row->at_us : row->received_us;

    if (!row->allowed || row->subject_id == NULL)
        return WARD_OK;
    WARD_TRY(seen_put(db, mem, row->subject_id, in ? o->door.to_zone : o->door.from_zone, true,
                      at_us, err));
    return seen_put(db, mem, row->subject_id, in ? o->door.from_zone : o->door.to_zone, false,
                    at_us, err);
}

static enum ward_code tell(struct reporting *x, struct ward_db *db, const struct offline *o,
                           struct ward_err *err)
{
    char *at = ward_alloc(x->call->mem, 28);
    struct ward_event event;

    if (at == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit event");
    ward_rfc3339(o->row.at_us, at);
    /* x->event names no subject: a failed call is not about one subject */
    ward_event_another(&x->event, o->subject_text, &event);
    event.place = o->row.door;
    ward_event_note(&event, "decision", o->row.allowed ? "ALLOW" : "DENY");
    ward_event_note(&event, "reason", o->row.reason);
    ward_event_note(&event, "direction", access_direction_name(o->row.direction));
    ward_event_note(&event, "offline", "yes");
    ward_event_note(&event, "controller_clock", at);
    ward_event_note(&event, "controller_event", o->wire->event_id);
    return ward_event_write(&event, db, err);
}

/* Stores the events sorted by id, regardless of the order in the report. Otherwise two reports
 * of the same events could deadlock. */
static enum ward_code put_all(struct reporting *x, struct ward_db *db, struct ward_err *err)
{
    x->resp->kept = x->resp->known = 0;
    for (size_t i = 0; i < x->n; i++) {
        struct offline *o = x->by_id[i];

        o->kept = false;
        WARD_TRY(door_event_put(db, x->call->mem, &o->row, &o->kept, err));
        *(o->kept ? &x->resp->kept : &x->resp->known) += 1;
    }
    return WARD_OK;
}

static enum ward_code report_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct reporting *x = arg;
    struct ward_event event = x->event;

    WARD_TRY(put_all(x, db, err));
    for (size_t i = 0; i < x->n; i++) {
        const struct offline *o = &x->events[i];

        if (!o->kept)
            continue;
        WARD_TRY(note_seen(x, db, o, err));
        WARD_TRY(tell(x, db, o, err));
    }
    ward_event_note_int(&event, "kept", x->resp->kept);
    ward_event_note_int(&event, "known", x->resp->known);
    return ward_event_write(&event, db, err);
}

enum ward_code report_offline_events_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                         ProtobufCMessage *r)
{
    struct reporting x = {.call = c, .resp = (ReportOfflineEventsResponse *)r};
    struct worker *w = c->wrk;

    ward_event_begin(&x.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(check(&x, (const ReportOfflineEventsRequest *)q));
    WARD_TRY(ward_call_copy(c, x.event.event_text, &x.resp->event_id));
    return ward_db_tx(w->db, report_in_tx, &x, c->err);
}
