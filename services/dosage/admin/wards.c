/* SetWard, ListWards: settings of wards. */
#include "services/dosage/api.h"

#include "common/zone/zone.h"
#include "services/dosage/store/owner.h"
#include "ward/dosage/v1/admin.pb-c.h"

#include <string.h>

typedef Ward__Dosage__V1__Ward Ward;
typedef Ward__Dosage__V1__SetWardRequest SetRequest;
typedef Ward__Dosage__V1__SetWardResponse SetResponse;
typedef Ward__Dosage__V1__ListWardsResponse ListResponse;

#define MINUTES_USUAL 60
#define MINUTES_MOST  720
#define ZONE_MAX      64

struct setting {
    struct ward_call *call;
    struct ward_event event;
    struct ward_idem idem;
    const Ward *ward;
    SetResponse *resp;
    int before, after;
};

static enum ward_code window(struct ward_call *c, const char *field, int given, int *out)
{
    if (given < 0 || given > MINUTES_MOST)
        return WARD_FAIL_FIELD(c->err, field, "must be 1 to %d, or 0 for %d", MINUTES_MOST,
                               MINUTES_USUAL);
    *out = given == 0 ? MINUTES_USUAL : given;
    return WARD_OK;
}

static enum ward_code check(struct setting *s)
{
    struct ward_call *c = s->call;
    struct ward_zone *zone = NULL;
    enum ward_code code;

    if (s->ward == NULL || !rule_is_ward(s->ward->ward))
        return WARD_FAIL_FIELD(c->err, "ward.ward",
                               "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
    WARD_TRY(window(c, "ward.before_minutes", s->ward->before_minutes, &s->before));
    WARD_TRY(window(c, "ward.after_minutes", s->ward->after_minutes, &s->after));
    code = strlen(s->ward->time_zone) > ZONE_MAX
               ? WARD_FAIL_REASON(c->err, INVALID_ARGUMENT, "TIME_ZONE_UNKNOWN",
                                  "is not a known time zone")
               : ward_zone_open(s->ward->time_zone, &zone, c->err);
    WARD_TRY(ward_err_about(c->err, code, "ward.time_zone"));
    ward_zone_close(zone);
    return WARD_OK;
}

static enum ward_code put(struct setting *s, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO ward (ward, time_zone, before_minutes, after_minutes) VALUES (?, ?, ?, ?)"
        " ON DUPLICATE KEY UPDATE time_zone = VALUES(time_zone),"
        " before_minutes = VALUES(before_minutes), after_minutes = VALUES(after_minutes)";
    struct ward_arena *mem = s->call->mem;

    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(ward_text(s->ward->ward), ward_text(s->ward->time_zone),
                                   ward_int(mem, s->before), ward_int(mem, s->after)),
                       NULL, err);
}

static enum ward_code set_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct setting *s = arg;
    struct ward_event event = s->event;
    ProtobufCMessage *kept = NULL;

    WARD_TRY(ward_call_stored_answer(
        s->call, db, &s->idem, &ward__dosage__v1__set_ward_response__descriptor, &kept, err));
    if (kept != NULL) {
        s->resp->ward = ((SetResponse *)kept)->ward;
        return ward_event_write(&event, db, err);
    }
    WARD_TRY(put(s, db, err));
    ward_event_note(&event, "ward", s->ward->ward);
    ward_event_note(&event, "time_zone", s->ward->time_zone);
    ward_event_note_int(&event, "before_minutes", s->before);
    ward_event_note_int(&event, "after_minutes", s->after);
    WARD_TRY(ward_event_write(&event, db, err));
    return ward_call_store_answer(s->call, db, &s->idem, &s->resp->base, err);
}

enum ward_code set_ward_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    const SetRequest *req = (const SetRequest *)q;
    struct setting s = {.call = c, .ward = req->ward, .resp = (SetResponse *)r};
    struct worker *w = c->wrk;

    ward_event_begin(&s.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_call_idem(c, req->idempotency_key, q, &s.idem));
    WARD_TRY(check(&s));
    s.resp->ward = ward_new(c->mem, Ward);
    if (s.resp->ward == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the ward");
    *s.resp->ward = *s.ward;
    s.resp->ward->before_minutes = s.before;
    s.resp->ward->after_minutes = s.after;
    return ward_db_tx(w->event_ctx.db, set_in_tx, &s, c->err);
}

enum ward_code list_wards_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    static const char SQL[] =
        "SELECT ward, time_zone, before_minutes, after_minutes FROM ward ORDER BY ward";
    ListResponse *resp = (ListResponse *)r;
    struct worker *w = c->wrk;
    struct ward_rows rows;
    Ward *all;

    (void)q;
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_db_run(w->event_ctx.db, c->mem, SQL, WARD_NO_PARAMS, &rows, c->err));
    all = ward_alloc(c->mem, rows.n * sizeof(*all));
    resp->wards = ward_alloc(c->mem, rows.n * sizeof(Ward *));
    if (all == NULL || resp->wards == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the wards");
    for (size_t i = 0; i < rows.n; i++) {
        ward__dosage__v1__ward__init(&all[i]);
        all[i].ward = api_text(rows.at[i][0].p);
        all[i].time_zone = api_text(rows.at[i][1].p);
        all[i].before_minutes = (int32_t)row_number(rows.at[i][2]);
        all[i].after_minutes = (int32_t)row_number(rows.at[i][3]);
        resp->wards[i] = &all[i];
    }
    resp->n_wards = rows.n;
    return WARD_OK;
}
