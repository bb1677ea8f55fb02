/* ListDue. */
#include "common/base/clock.h"
#include "services/dosage/schedule/board.h"
#include "services/dosage/store/page.h"
#include "services/dosage/track/track.h"

#include <string.h>

typedef Ward__Dosage__V1__ListDueRequest ListRequest;
typedef Ward__Dosage__V1__ListDueResponse ListResponse;

#define PAGE_USUAL 100
#define PAGE_MOST  500

/* The last slot of a page, and the time of the first request: all pages of a list show one
 * moment. */
struct place {
    int64_t as_of_us, due_us;
    char order_id[37], pad[3];
};
_Static_assert(sizeof(struct place) <= PAGE_PLACE, "a place fits into a token");

struct listing {
    struct ward_call *call;
    struct ward_event event;
    const ListRequest *req;
    const char *question;
    struct place after;
    bool goes_on; /* `after` is set */
    int page;
    ListResponse *r;
};

static bool is_behind(const struct listing *l, const Slot *s)
{
    Slot last = WARD__DOSAGE__V1__SLOT__INIT;

    last.due_at_us = l->after.due_us;
    last.order_id = api_text(l->after.order_id);
    return !l->goes_on || board_order(&last, s) < 0;
}

static enum ward_code give_token(struct listing *l)
{
    const Slot *last = l->r->slots[l->r->n_slots - 1];
    struct place p = {.as_of_us = l->r->as_of_us, .due_us = last->due_at_us};

    memcpy(p.order_id, last->order_id, sizeof(p.order_id));
    return page_token(l->call, l->question, &p, sizeof(p), &l->r->next_page_token);
}

static enum ward_code take_page(struct listing *l, const struct board *b, struct ward_err *err)
{
    ListResponse *r = l->r;

    r->as_of_us = b->as_of_us;
    r->n_slots = 0;
    r->next_page_token = api_text("");
    r->slots = ward_alloc(l->call->mem, (size_t)l->page * sizeof(Slot *));
    if (r->slots == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < b->n; i++) {
        if (!board_shows(b, b->slots[i], l->req->ahead_minutes) || !is_behind(l, b->slots[i]))
            continue;
        if (r->n_slots == (size_t)l->page)
            return give_token(l);
        r->slots[r->n_slots++] = b->slots[i];
    }
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct listing *l = arg;
    struct ward_arena *mem = l->call->mem;
    int64_t now_us = l->goes_on ? l->after.as_of_us : ward_wall_us();
    struct ward_event event = l->event;
    struct board board;
    const char **who;

    WARD_TRY(board_read(l->call->wrk, mem, l->req->ward, now_us, &board, err));
    WARD_TRY(take_page(l, &board, err));
    who = ward_alloc(mem, l->r->n_slots * sizeof(*who));
    if (who == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < l->r->n_slots; i++)
        who[i] = l->r->slots[i]->patient_id;
    ward_event_note(&event, "ward", l->req->ward);
    return track_shown(&event, who, l->r->n_slots, db, err);
}

enum ward_code list_due_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    const ListRequest *req = (const ListRequest *)q;
    struct listing l = {.call = c, .req = req, .r = (ListResponse *)r};
    struct worker *w = c->wrk;

    WARD_TRY(api_begin(c, &l.event, NULL));
    WARD_TRY(track_ward(c, req->ward));
    if (req->ahead_minutes < 0 || req->ahead_minutes > BOARD_AHEAD_MAX)
        return WARD_FAIL_FIELD(c->err, "ahead_minutes", "must be 0 to %d", BOARD_AHEAD_MAX);
    WARD_TRY(ward_call_page(c, req->page_size, PAGE_USUAL, PAGE_MOST, &l.page));
    l.question = ward_printf(c->mem, "%s %d", req->ward, req->ahead_minutes);
    if (l.question == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the request");
    WARD_TRY(page_place(c, l.question, req->page_token, &l.after, sizeof(l.after), &l.goes_on));
    return ward_db_tx(w->event_ctx.db, in_tx, &l, c->err);
}
