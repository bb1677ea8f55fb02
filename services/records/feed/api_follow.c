/* Follow: sends the feed from a reader's position, until the reader disconnects. */
#include "common/base/clock.h"
#include "common/base/text.h"
#include "services/records/api.h"
#include "services/records/feed/feed.h"
#include "ward/records/v1/feed.pb-c.h"

#include <string.h>

typedef Ward__Records__V1__FollowRequest FollowRequest;
typedef Ward__Records__V1__FollowResponse FollowResponse;
typedef Ward__Records__V1__Change Change;

#define AT_ONCE      500 /* maximum changes of one message */
#define WAIT_MS      250 /* ms between checks of the connection */
#define HEARTBEAT_NS (5000 * WARD_NS_PER_MS)
#define MESSAGE_MEM  ((size_t)4 << 20)
#define FEED_ID      16
#define TOKEN        (FEED_ID + 8)

struct reader {
    struct ward_call *call;
    struct ward_db *db;
    struct sequencer *feed;
    struct ward_arena mem; /* memory of one message, then reset */
    uint32_t kinds;
    uint8_t feed_id[FEED_ID];
    int64_t at; /* sequence number of the last processed change */
    int64_t sent_ns;
};

static void token_of(const struct reader *r, char text[WARD_BASE64_SIZE(TOKEN)])
{
    uint8_t token[TOKEN];

    memcpy(token, r->feed_id, FEED_ID);
    for (int i = 0; i < 8; i++)
        token[FEED_ID + i] = (uint8_t)((uint64_t)r->at >> (8 * i));
    ward_base64url(token, sizeof(token), text);
}

/* Reads the start position from the request. A token of another database's feed counts as a
 * position after the feed's end. */
static enum ward_code stand(struct reader *r, const FollowRequest *req, int64_t end)
{
    const char *text = req->resume_token;
    uint8_t token[TOKEN];
    uint64_t at = 0;
    size_t n = 0;

    r->at = req->from_now ? end : 0;
    if (*text == '\0' || req->from_now)
        return WARD_OK;
    if (!ward_unbase64url(text, strlen(text), token, sizeof(token), &n) || n != TOKEN)
        return ward_err_about(
            r->call->err,
            WARD_FAIL_REASON(r->call->err, INVALID_ARGUMENT, "RESUME_TOKEN_INVALID",
                             "resume_token was not issued by Follow; start again without it"),
            "resume_token");
    for (int i = 0; i < 8; i++)
        at |= (uint64_t)token[FEED_ID + i] << (8 * i);
    if (memcmp(token, r->feed_id, FEED_ID) != 0 || at > (uint64_t)end)
        return WARD_FAIL(
            r->call->err, OUT_OF_RANGE,
            "resume_token is beyond the end of this feed: follow the feed from the beginning");
    r->at = (int64_t)at;
    return WARD_OK;
}

static enum ward_code tell_start(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ward_event *event = arg;

    return ward_event_write(event, db, err);
}

static enum ward_code start(struct reader *r, const FollowRequest *req)
{
    static const char SQL[] = "SELECT sequence, feed_id FROM feed_end WHERE one = 1";
    struct ward_call *c = r->call;
    struct worker *w = c->wrk;
    struct ward_rows rows;
    struct ward_event event;
    int64_t end;

    ward_event_begin(&event, c, &w->event_ctx, NULL);
    ward_db_deadline(r->db, c->deadline_ns);
    for (size_t i = 0; i < req->n_kinds; i++) {
        int kind = (int)req->kinds[i];

        if (!kind_is(kind))
            return WARD_FAIL_FIELD(c->err, "kinds", "is not a kind of resource");
        r->kinds |= KIND_BIT(kind);
    }
    r->kinds = req->n_kinds == 0 ? KINDS_ALL : r->kinds;
    WARD_TRY(ward_db_run(r->db, c->mem, SQL, WARD_NO_PARAMS, &rows, c->err));
    if (rows.n != 1 || !ward_i64(rows.at[0][0].p, 0, INT64_MAX, &end) ||
        rows.at[0][1].n != FEED_ID)
        return WARD_FAIL(c->err, DATA_LOSS, "the feed has no last sequence number");
    memcpy(r->feed_id, rows.at[0][1].p, FEED_ID);
    WARD_TRY(stand(r, req, end));
    ward_event_note_int(&event, "from", r->at);
    return ward_db_tx(r->db, tell_start, &event, c->err);
}

static char *uuid(struct reader *r, struct ward_val id)
{
    char *text = ward_alloc(&r->mem, 37);

    if (text != NULL && id.n == RECORDS_ID)
        ward_uuid_text((const uint8_t *)id.p, text);
    return text;
}

/* Changes of the directory's resources have no patient. */
static bool is_nobodys(Ward__Records__V1__Kind kind, struct ward_val patient)
{
    static const uint8_t none[RECORDS_ID] = {0};

    return (kind == WARD__RECORDS__V1__KIND__KIND_OTHER || kind_is_nobodys((enum kind)kind)) &&
           patient.n == RECORDS_ID && memcmp(patient.p, none, RECORDS_ID) == 0;
}

static enum ward_code change_of(struct reader *r, const struct ward_val *row, Change *out)
{
    int64_t v[5];

    for (size_t i = 0; i < WARD_COUNT(v); i++)
        if (!ward_i64(row[i].p, 0, INT64_MAX, &v[i]))
            return WARD_FAIL(r->call->err, DATA_LOSS, "a change of the feed cannot be read");
    ward__records__v1__change__init(out);
    out->sequence = (uint64_t)v[0];
    out->kind = (Ward__Records__V1__Kind)v[1];
    out->act = (Ward__Records__V1__Act)v[2];
    out->version = (int32_t)v[3];
    out->written_at_us = v[4];
    out->resource_id = uuid(r, row[5]);
    if (!is_nobodys(out->kind, row[6]))
        out->patient_id = uuid(r, row[6]);
    if (row[7].p != NULL)
        out->other_patient_id = uuid(r, row[7]);
    return WARD_OK;
}

static enum ward_code send_message(struct reader *r, Change **changes, size_t n)
{
    FollowResponse resp = WARD__RECORDS__V1__FOLLOW_RESPONSE__INIT;
    char token[WARD_BASE64_SIZE(TOKEN)];

    token_of(r, token);
    resp.changes = changes;
    resp.n_changes = n;
    resp.resume_token = token;
    r->sent_ns = ward_mono_ns();
    return ward_send(r->call, &resp.base);
}

/* Sends the changes after r->at, at most AT_ONCE. *more: the feed may have further changes. */
static enum ward_code send_some(struct reader *r, bool *more)
{
    static const char SQL[] =
        "SELECT sequence, kind, act, version, written_at_us, resource_id, patient_id,"
        " other_patient_id FROM feed_change WHERE sequence > ? ORDER BY sequence LIMIT ?";
    struct ward_err *err = r->call->err;
    struct ward_rows rows;
    Change **list, *changes;
    size_t n = 0;

    ward_arena_reset(&r->mem);
    ward_db_deadline(r->db, r->call->deadline_ns);
    WARD_TRY(ward_db_run(r->db, &r->mem, SQL,
                         WARD_PARAMS(ward_int(&r->mem, r->at), ward_int(&r->mem, AT_ONCE)),
                         &rows, err));
    list = ward_alloc(&r->mem, rows.n * sizeof(Change *));
    changes = ward_alloc(&r->mem, rows.n * sizeof(*changes));
    if (list == NULL || changes == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a message of the feed");
    for (size_t i = 0; i < rows.n; i++) {
        WARD_TRY(change_of(r, rows.at[i], &changes[n]));
        if (changes[n].sequence != (uint64_t)r->at + 1)
            return WARD_FAIL(err, DATA_LOSS, "the feed has a gap");
        r->at++;
        if (KIND_BIT(changes[n].kind) & r->kinds) {
            list[n] = &changes[n];
            n++;
        }
    }
    *more = rows.n == AT_ONCE;
    return n == 0 ? WARD_OK : send_message(r, list, n);
}

static enum ward_code ended(const struct ward_call *c)
{
    if (!ward_call_cancelled(c))
        return WARD_OK;
    return ward_left_ms(c->deadline_ns) == 0
               ? WARD_FAIL(c->err, DEADLINE_EXCEEDED, "the deadline passed")
               : WARD_FAIL(c->err, CANCELLED, "the caller disconnected");
}

static enum ward_code follow_on(struct reader *r)
{
    bool more = false;

    for (;;) {
        WARD_TRY(ended(r->call));
        if (more || sequencer_wait(r->feed, r->at, WAIT_MS) > r->at)
            WARD_TRY(send_some(r, &more));
        /* Heartbeat: the new token moves the reader past changes of kinds that it does not
         * follow. */
        if (ward_mono_ns() - r->sent_ns >= HEARTBEAT_NS)
            WARD_TRY(send_message(r, NULL, 0));
    }
}

static enum ward_code follow_from(struct reader *r)
{
    enum ward_code code;

    ward_arena_init(&r->mem, MESSAGE_MEM);
    r->sent_ns = ward_mono_ns();
    code = follow_on(r);
    ward_arena_done(&r->mem);
    return code;
}

enum ward_code follow_rpc(struct ward_call *c, const ProtobufCMessage *q,
                          ProtobufCMessage *resp)
{
    struct worker *w = c->wrk;
    struct reader r = {.call = c, .db = w->event_ctx.db, .feed = w->rec->feed};
    enum ward_code code;

    (void)resp;
    WARD_TRY(sequencer_join(r.feed, c->err));
    code = start(&r, (const FollowRequest *)q);
    if (code == WARD_OK)
        code = follow_from(&r);
    sequencer_leave(r.feed);
    return code;
}
