/* RequestEntry: one person at one door. The person is identified before the transaction. The
 * permission, the redemption of the token, the presence and the decision are one transaction
 * under the subject's row lock. */
#include "common/zone/zone.h"
#include "services/identity/access/access.h"
#include "services/identity/access/movements.h"

#include "common/base/clock.h"
#include "common/base/metrics.h"

#include <string.h>

typedef Ward__Identity__V1__RequestEntryRequest RequestEntryRequest;
typedef Ward__Identity__V1__RequestEntryResponse RequestEntryResponse;

static struct ward_family decisions = {
    .name = "ward_identity_door_decisions_total",
    .help = "Number of decisions at doors, by decision and reason, without offline decisions.",
    .type = WARD_COUNTER,
    .label = {"decision", "reason"},
};
WARD_METRIC_LISTED(decisions)

static const char *decision_name(enum door_reason why)
{
    return why == DOOR_ALLOWED ? "ALLOW" : "DENY";
}
WARD_METRIC_FROM_ZERO(decisions, DOOR_REASON_COUNT, decision_name((enum door_reason)i),
                      door_reason_name((enum door_reason)i))

struct entry {
    struct ward_call *call;
    struct ward_event event;
    struct stander who;
    struct door door;
    int direction;
    enum door_reason why;
    bool again; /* a repeated request for a passage that was just allowed */
    int64_t now_us;
    RequestEntryResponse *resp;
};

static const char *zone_into(const struct entry *e)
{
    return e->direction == DIRECTION_IN ? e->door.to_zone : e->door.from_zone;
}

static const char *zone_left(const struct entry *e)
{
    return e->direction == DIRECTION_IN ? e->door.from_zone : e->door.to_zone;
}

/* Checks whether this may be a repeated request for one passage. A face proves the person, and
 * so does a token that was redeemed for this passage. Another token proves nothing, because a
 * badge can be handed back to the next person. */
static enum ward_code ask_again(struct entry *e, struct passage *p, struct ward_db *db,
                                struct ward_err *err)
{
    bool same = false;

    if (*e->who.token != '\0' && !e->who.again)
        return WARD_OK;
    WARD_TRY(passage_was(db, e->call->mem, e->who.id, e->door.door, e->direction, &same, err));
    p->again_us = same ? AGAIN_US : 0;
    e->why = door_decide(p);
    e->again = e->why == DOOR_ALLOWED;
    return WARD_OK;
}

/* Decides about an identified person by the present rules. */
static enum ward_code decide_known(struct entry *e, struct ward_db *db, struct ward_err *err)
{
    struct ward_arena *mem = e->call->mem;
    struct passage p = {.out = e->direction == DIRECTION_OUT, .now_us = e->now_us};
    struct zone *into = NULL, *left = NULL;
    struct ward_wall at;

    WARD_TRY(zone_find(db, mem, zone_into(e), &into, err));
    WARD_TRY(zone_find(db, mem, zone_left(e), &left, err));
    WARD_TRY(seen_of(db, mem, e->who.id, zone_into(e), &p.into_seen, err));
    WARD_TRY(seen_of(db, mem, e->who.id, zone_left(e), &p.from_seen, err));
    WARD_TRY(staff_roles_of(db, mem, e->who.id, &p.roles, &p.n_roles, err));
    ward_zone_wall(((struct worker *)e->call->wrk)->id->zone, e->now_us, &at);
    p.into = into;
    p.from = left;
    p.weekday = at.weekday;
    p.minute = at.second / 60;
    e->why = door_decide(&p);
    return e->why == DOOR_PASSBACK ? ask_again(e, &p, db, err) : WARD_OK;
}

static enum ward_code decide(struct entry *e, struct ward_db *db, struct ward_err *err)
{
    enum gate gate = stander_gate(&e->who);
    const char *method = e->who.method;

    e->why = gate == LIVENESS_FAILED || gate == LIVENESS_REQUIRED ? DOOR_LIVENESS
             : gate != USABLE                                     ? DOOR_UNUSABLE
             : !e->who.known                                      ? DOOR_NOT_RECOGNISED
             : *method != '\0' && !method_is_live((int)e->who.policy.liveness, method)
                 ? DOOR_LIVENESS
             : e->who.kind != SUBJECT_STAFF ? DOOR_NO_ROLE
                                            : DOOR_ALLOWED;
    return e->why == DOOR_ALLOWED ? decide_known(e, db, err) : WARD_OK;
}

static enum ward_code note_seen(struct entry *e, struct ward_db *db, struct ward_err *err)
{
    struct ward_arena *mem = e->call->mem;

    /* `again`: the time of the first ALLOW remains stored */
    if (e->why != DOOR_ALLOWED || e->again)
        return WARD_OK;
    WARD_TRY(seen_put(db, mem, e->who.id, zone_into(e), true, e->now_us, err));
    return seen_put(db, mem, e->who.id, zone_left(e), false, e->now_us, err);
}

static enum ward_code keep(struct entry *e, struct ward_db *db, struct ward_err *err)
{
    struct door_event event = {.door = e->door.door,
                               .direction = e->direction,
                               .subject_id = e->who.known ? e->who.id : NULL,
                               .allowed = e->why == DOOR_ALLOWED,
                               .reason = door_reason_name(e->why),
                               .at_us = e->now_us,
                               .received_us = e->now_us};
    bool kept = false;

    memcpy(event.event_id, e->event.event_id, sizeof(event.event_id));
    return door_event_put(db, e->call->mem, &event, &kept, err);
}

/* Builds the answer before the commit, because it must not fail after the decision is
 * stored. */
static enum ward_code answer(struct entry *e, struct ward_err *err)
{
    RequestEntryResponse *resp = e->resp;
    char *id = ward_strdup(e->call->mem, e->who.known ? e->who.text : "");

    if (id == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    resp->subject_id = id;
    resp->decision = e->why == DOOR_ALLOWED ? WARD__IDENTITY__V1__DECISION__DECISION_ALLOW
                                            : WARD__IDENTITY__V1__DECISION__DECISION_DENY;
    resp->reason = api_text(door_reason_name(e->why));
    resp->decided_at_us = e->now_us;
    return stander_reasons(&e->who, &resp->reasons, &resp->n_reasons);
}

static enum ward_code enter_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct entry *e = arg;
    struct ward_event event = e->event;

    WARD_TRY(stander_hold(&e->who, db, err));
    e->now_us = ward_wall_us();
    e->again = false;
    if (e->who.again && e->now_us - e->who.spent_us >= AGAIN_US)
        return WARD_FAIL_REASON(err, ALREADY_EXISTS, "PPID_SPENT",
                                "the token was already used");
    WARD_TRY(decide(e, db, err));
    WARD_TRY(note_seen(e, db, err));
    WARD_TRY(keep(e, db, err));
    WARD_TRY(answer(e, err));
    event.patient = e->who.known ? e->who.text : "";
    ward_event_note(&event, "decision", decision_name(e->why));
    ward_event_note(&event, "reason", door_reason_name(e->why));
    ward_event_note(&event, "direction", access_direction_name(e->direction));
    ward_event_note(&event, "by", *e->who.token == '\0' ? "face" : e->who.method);
    if (e->again || e->who.again)
        ward_event_note(&event, "again", "yes");
    if (e->who.face.outcome == IDENTIFY_MATCH)
        ward_event_note_num(&event, "score", e->who.face.found[0].hit.score);
    return ward_event_write(&event, db, err);
}

static enum ward_code begin(struct entry *e, const RequestEntryRequest *req)
{
    struct ward_call *c = e->call;
    struct worker *w = c->wrk;
    struct zone *guarded = NULL;

    ward_event_begin(&e->event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(access_word(c, "door", req->door));
    e->event.place = req->door;
    if (!rule_is_label(req->device, false))
        return WARD_FAIL_FIELD(c->err, "device", "must be at most 64 visible ASCII characters");
    ward_event_note(&e->event, "device", *req->device == '\0' ? c->peer : req->device);
    WARD_TRY(
        access_direction(c, "direction", (int)req->direction, DIRECTION_IN, &e->direction));
    e->who.key = access_direction_name(e->direction);
    WARD_TRY(stander_begin(&e->who, PURPOSE_DOOR));
    WARD_TRY(door_find(w->db, c->mem, req->door, &e->door, c->err));
    WARD_TRY(zone_find(w->db, c->mem, e->door.to_zone, &guarded, c->err));
    /* The liveness requirement of the guarded zone applies to both directions. Otherwise
     * somebody could leave under another person's name, and that person's next entry would be
     * rejected. */
    e->who.policy.liveness = (enum liveness_policy)guarded->liveness;
    return WARD_OK;
}

enum ward_code request_entry_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    const RequestEntryRequest *req = (const RequestEntryRequest *)q;
    struct worker *w = c->wrk;
    struct entry e = {.call = c,
                      .who = {.call = c,
                              .photograph = req->photograph,
                              .token = req->token,
                              .place = req->door,
                              .attended = req->attended},
                      .resp = (RequestEntryResponse *)r};

    WARD_TRY(begin(&e, req));
    WARD_TRY(ward_call_copy(c, e.event.event_text, &e.resp->event_id));
    WARD_TRY(stander_look(&e.who));
    WARD_TRY(ward_db_tx(w->db, enter_in_tx, &e, c->err));
    ward_metric_add(
        ward_series_of(&decisions, decision_name(e.why), door_reason_name(e.why), NULL), 1);
    return WARD_OK;
}
