/* Slots of orders: combines their versions and the charted doses. */
#include "services/dosage/schedule/slot_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 64

struct gathered {
    struct slot_reader r;
    struct planned *room; /* room for the doses of one order */
    size_t most;          /* capacity of `room` */
    Slot **slots;
    size_t n;
    int64_t from_us, to_us, now_us;
};

static enum ward_code read_taken(struct slot_reader *r, const uint8_t order[DOSAGE_ID],
                                 int64_t from_us, int64_t to_us, struct taken **out, size_t *n,
                                 struct ward_err *err)
{
    static const char SQL[] =
        "SELECT t.due_at_us, t.administration_id, a.outcome FROM slot_taken t"
        " JOIN administration a ON a.administration_id = t.administration_id"
        " WHERE t.order_id = ? AND t.due_at_us >= ? AND t.due_at_us < ? ORDER BY t.due_at_us"
        " LIMIT ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(r->w->event_ctx.db, r->mem, SQL,
                         WARD_PARAMS(id_val(order), ward_int(r->mem, from_us - PLAN_DAY_US),
                                     ward_int(r->mem, to_us + PLAN_DAY_US),
                                     ward_int(r->mem, SLOTS_MOST + 1)),
                         &rows, err));
    *n = rows.n;
    *out = ward_alloc(r->mem, rows.n * sizeof(**out));
    if (*out == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for slots");
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(slot_taken_row(rows.at[i], &(*out)[i], err));
    return WARD_OK;
}

static enum ward_code too_many(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "SLOTS_TOO_MANY",
                            "the answer would have more than 5,000 slots");
}

/* Few orders have many doses, so the room grows as needed. */
static enum ward_code make_room(struct gathered *g, size_t most, struct ward_err *err)
{
    if (g->most > SLOTS_MOST)
        return too_many(err);
    g->most = most;
    g->room = ward_alloc(g->r.mem, PLAN_ROOM(most) * sizeof(*g->room));
    return g->room == NULL ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for slots")
                           : WARD_OK;
}

/* Whether an order ended so long ago that no skipped dose is shown any more. */
static bool ended_before(const Order *order, int64_t from_us)
{
    return (order->state == WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_STOPPED ||
            order->state == WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_COMPLETED) &&
           order->written_at_us + 2 * PLAN_DAY_US <= from_us;
}

static enum ward_code gather(struct gathered *g, Order *order, struct ward_err *err)
{
    uint8_t id[DOSAGE_ID];
    struct taken *taken;
    struct plan plan;
    size_t n, n_taken;

    if (ended_before(order, g->from_us))
        return WARD_OK;
    if (!ward_uuid_parse(order->order_id, id))
        return WARD_FAIL(err, INTERNAL, "a stored order has no id");
    WARD_TRY(slot_plan(&g->r, order, g->from_us - PLAN_DAY_US, &plan, err));
    WARD_TRY(read_taken(&g->r, id, g->from_us, g->to_us, &taken, &n_taken, err));
    while ((n = plan_slots(&plan, taken, n_taken, g->from_us, g->to_us, g->now_us, g->room,
                           g->most)) > g->most)
        WARD_TRY(make_room(g, 4 * g->most, err));
    if (n > SLOTS_MOST - g->n)
        return too_many(err);
    for (size_t i = 0; i < n; i++)
        WARD_TRY(slot_message(&g->r, &g->room[i], &g->slots[g->n++], err));
    return WARD_OK;
}

static int by_due(const void *a, const void *b)
{
    const Slot *x = *(Slot *const *)a, *y = *(Slot *const *)b;

    if (x->due_at_us != y->due_at_us)
        return x->due_at_us < y->due_at_us ? -1 : 1;
    return strcmp(x->order_id, y->order_id);
}

enum ward_code slots_of(struct worker *w, struct ward_arena *mem, Order *const *orders,
                        size_t n, int64_t from_us, int64_t to_us, int64_t now_us, Slot ***out,
                        size_t *n_out, struct ward_err *err)
{
    struct gathered g = {.from_us = from_us, .to_us = to_us, .now_us = now_us};

    WARD_TRY(slot_reader_open(&g.r, w, mem, err));
    WARD_TRY(make_room(&g, ROOM_FIRST, err));
    g.slots = ward_alloc(mem, SLOTS_MOST * sizeof(Slot *));
    if (g.slots == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for slots");
    for (size_t i = 0; i < n; i++)
        WARD_TRY(gather(&g, orders[i], err));
    if (g.n > 0)
        qsort(g.slots, g.n, sizeof(Slot *), by_due);
    *out = g.slots;
    *n_out = g.n;
    return WARD_OK;
}

enum ward_code slot_of(struct slot_reader *r, Order *order, int64_t due_us, int64_t now_us,
                       const struct taken *taken, size_t n, Slot **out, struct ward_err *err)
{
    struct planned room[PLAN_ROOM(1)];
    struct plan plan;

    WARD_TRY(slot_plan(r, order, due_us - PLAN_DAY_US, &plan, err));
    if (plan_slots(&plan, taken, n, due_us, due_us + 1, now_us, room, 1) == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "SLOT_NOT_FOUND",
                                "the order has no dose due at this time");
    return slot_message(r, &room[0], out, err);
}

enum ward_code slot_find(struct worker *w, struct ward_arena *mem, Order *order, int64_t due_us,
                         int64_t now_us, Slot **out, struct ward_err *err)
{
    uint8_t id[DOSAGE_ID];
    struct slot_reader r;
    struct taken *taken;
    size_t n;

    if (!ward_uuid_parse(order->order_id, id))
        return WARD_FAIL(err, INTERNAL, "a stored order has no id");
    WARD_TRY(slot_reader_open(&r, w, mem, err));
    WARD_TRY(read_taken(&r, id, due_us, due_us + 1, &taken, &n, err));
    return slot_of(&r, order, due_us, now_us, taken, n, out, err);
}
