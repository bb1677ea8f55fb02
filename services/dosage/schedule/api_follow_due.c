/* FollowDue: a ward's due doses while the caller is connected. */
#include "common/base/clock.h"
#include "services/dosage/schedule/due_own.h"
#include "services/dosage/track/track.h"

#include <string.h>

typedef Ward__Dosage__V1__FollowDueRequest FollowRequest;
typedef Ward__Dosage__V1__FollowDueResponse FollowResponse;

#define WAIT_MS      250 /* interval for checking the connection */
#define HEARTBEAT_NS (5000 * WARD_NS_PER_MS)
#define OLD_NS                                                                                 \
    (5000 * WARD_NS_PER_MS) /* a list that was not renewed for this time is discarded */
#define AT_ONCE     500     /* maximum slots of one message */
#define MESSAGE_MEM ((size_t)8 << 20)

struct looking {
    struct ward_call *call;
    struct due_watch *watch;
    struct due_ward *ward;
    struct due_board *last; /* the last sent board; NULL: nothing was sent yet */
    struct ward_event event;
    struct ward_arena mem; /* memory of one message */
    int ahead;
    const char **shown; /* patients whose audit event was written */
    size_t n_shown, cap_shown;
    int64_t sent_ns;
};

/* ---- changes ---- */

struct news {
    Slot **slots;
    char **gone;
    size_t n_slots, n_gone;
};

/* The next slot of a board, from `at` on, that this caller may see. */
static size_t next_seen(const struct looking *l, const struct due_board *b, size_t at)
{
    while (at < b->board.n && !board_shows(&b->board, b->board.slots[at], l->ahead))
        at++;
    return at;
}

/* Both lists have the same order: a slot that is only in the old list was removed. */
static void compare(const struct looking *l, const struct due_board *b, struct news *out)
{
    static const struct due_board nothing;
    const struct due_board *a = l->last == NULL ? &nothing : l->last;
    size_t i = next_seen(l, a, 0), k = next_seen(l, b, 0);

    while (i < a->board.n || k < b->board.n) {
        int order = i == a->board.n   ? 1
                    : k == b->board.n ? -1
                                      : board_order(a->board.slots[i], b->board.slots[k]);

        if (order < 0)
            out->gone[out->n_gone++] = a->board.slots[i]->slot_id;
        else if (order > 0 || a->says[i] != b->says[k])
            out->slots[out->n_slots++] = b->board.slots[k];
        if (order <= 0)
            i = next_seen(l, a, i + 1);
        if (order >= 0)
            k = next_seen(l, b, k + 1);
    }
}

/* ---- displayed patients ---- */

struct telling {
    struct looking *look;
    const char **who;
    size_t n;
};

static enum ward_code tell(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct telling *t = arg;

    return track_shown(&t->look->event, t->who, t->n, db, err);
}

static bool was_shown(const struct looking *l, const char *patient)
{
    for (size_t i = 0; i < l->n_shown; i++)
        if (strcmp(l->shown[i], patient) == 0)
            return true;
    return false;
}

static enum ward_code remember(struct looking *l, const char *patient)
{
    struct ward_arena *mem = l->call->mem;

    if (l->n_shown == l->cap_shown) {
        const char **more = ward_alloc(mem, (2 * l->cap_shown + 64) * sizeof(*more));

        if (more == NULL)
            return WARD_FAIL(l->call->err, RESOURCE_EXHAUSTED,
                             "too many patients for one call");
        if (l->n_shown > 0)
            memcpy(more, l->shown, l->n_shown * sizeof(*more));
        l->shown = more;
        l->cap_shown = 2 * l->cap_shown + 64;
    }
    l->shown[l->n_shown] = ward_strdup(mem, patient);
    if (l->shown[l->n_shown] == NULL)
        return WARD_FAIL(l->call->err, RESOURCE_EXHAUSTED, "too many patients for one call");
    l->n_shown++;
    return WARD_OK;
}

/* A patient's event is written before data of the patient is sent. */
static enum ward_code write_events(struct looking *l, const struct news *news)
{
    struct worker *w = l->call->wrk;
    struct telling t = {.look = l};
    size_t before = l->n_shown;

    for (size_t i = 0; i < news->n_slots; i++)
        if (!was_shown(l, news->slots[i]->patient_id))
            WARD_TRY(remember(l, news->slots[i]->patient_id));
    t.n = l->n_shown - before;
    if (t.n == 0 && l->last != NULL)
        return WARD_OK;
    t.who = ward_alloc(&l->mem, t.n * sizeof(*t.who));
    if (t.who == NULL)
        return WARD_FAIL(l->call->err, RESOURCE_EXHAUSTED, "too many patients for one call");
    if (t.n > 0)
        memcpy(t.who, l->shown + before, t.n * sizeof(*t.who));
    ward_db_deadline(w->event_ctx.db, l->call->deadline_ns);
    return ward_db_tx(w->event_ctx.db, tell, &t, l->call->err);
}

/* ---- sending ---- */

static enum ward_code send_one(struct looking *l, const struct news *part, int64_t as_of_us,
                               bool whole)
{
    FollowResponse m = WARD__DOSAGE__V1__FOLLOW_DUE_RESPONSE__INIT;

    m.slots = part->slots;
    m.n_slots = part->n_slots;
    m.gone = part->gone;
    m.n_gone = part->n_gone;
    m.as_of_us = as_of_us;
    m.whole = whole;
    l->sent_ns = ward_mono_ns();
    return ward_send(l->call, &m.base);
}

static enum ward_code send_news(struct looking *l, const struct due_board *b,
                                const struct news *news)
{
    struct news part = {.gone = news->gone, .n_gone = news->n_gone};
    bool whole = l->last == NULL;
    size_t done = 0;

    do {
        part.slots = news->slots + done;
        part.n_slots = news->n_slots - done < AT_ONCE ? news->n_slots - done : AT_ONCE;
        WARD_TRY(send_one(l, &part, b->board.as_of_us, whole));
        done += part.n_slots;
        part.n_gone = 0;
        whole = false;
    } while (done < news->n_slots);
    return WARD_OK;
}

static enum ward_code tell_news(struct looking *l, struct due_board *b)
{
    size_t n = l->last == NULL ? 0 : l->last->board.n;
    struct news news = {0};

    ward_arena_reset(&l->mem);
    news.slots = ward_alloc(&l->mem, b->board.n * sizeof(Slot *));
    news.gone = ward_alloc(&l->mem, n * sizeof(char *));
    if (news.slots == NULL || news.gone == NULL)
        return WARD_FAIL(l->call->err, RESOURCE_EXHAUSTED, "no memory for a ward's doses");
    compare(l, b, &news);
    WARD_TRY(write_events(l, &news));
    if (l->last != NULL && news.n_slots + news.n_gone == 0)
        return WARD_OK;
    return send_news(l, b, &news);
}

/* Roles and ward of the caller's token remain valid until the token expires. */
static enum ward_code ended(const struct ward_call *c)
{
    if (ward_wall_us() / 1000000 >= c->who->expires_at)
        return WARD_FAIL_REASON(c->err, UNAUTHENTICATED, "TOKEN_EXPIRED",
                                "the bearer token has expired");
    if (!ward_call_cancelled(c))
        return WARD_OK;
    return ward_left_ms(c->deadline_ns) == 0
               ? WARD_FAIL(c->err, DEADLINE_EXCEEDED, "the deadline passed")
               : WARD_FAIL(c->err, CANCELLED, "the caller disconnected");
}

static enum ward_code beat(struct looking *l)
{
    static const struct news none;
    int64_t now = ward_mono_ns();

    if (now - (l->last == NULL ? l->sent_ns : l->last->read_ns) > OLD_NS)
        return WARD_FAIL(l->call->err, UNAVAILABLE, "the ward's doses cannot be read");
    if (l->last == NULL || now - l->sent_ns < HEARTBEAT_NS)
        return WARD_OK;
    return send_one(l, &none, l->last->board.as_of_us, false);
}

static enum ward_code follow_on(struct looking *l)
{
    for (;;) {
        struct due_board *b;
        enum ward_code code;

        WARD_TRY(ended(l->call));
        b = due_wait(l->watch, l->ward, l->last, WAIT_MS);
        if (b != NULL) {
            code = tell_news(l, b);
            due_let_go(l->watch, l->last);
            l->last = b;
            WARD_TRY(code);
        }
        WARD_TRY(beat(l));
    }
}

enum ward_code follow_due_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    const FollowRequest *req = (const FollowRequest *)q;
    struct worker *w = c->wrk;
    struct looking l = {.call = c, .watch = w->dos->due, .ahead = req->ahead_minutes};
    enum ward_code code;

    (void)r;
    WARD_TRY(api_begin(c, &l.event, NULL));
    WARD_TRY(track_ward(c, req->ward));
    if (req->ahead_minutes < 0 || req->ahead_minutes > BOARD_AHEAD_MAX)
        return WARD_FAIL_FIELD(c->err, "ahead_minutes", "must be 0 to %d", BOARD_AHEAD_MAX);
    WARD_TRY(due_join(l.watch, req->ward, &l.ward, c->err));
    ward_event_note(&l.event, "ward", req->ward);
    ward_arena_init(&l.mem, MESSAGE_MEM);
    l.sent_ns = ward_mono_ns();
    code = follow_on(&l);
    ward_arena_done(&l.mem);
    due_let_go(l.watch, l.last);
    due_leave(l.watch, l.ward);
    return code;
}
