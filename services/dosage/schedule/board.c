#include "services/dosage/schedule/board.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE_US INT64_C(60000000)
#define BACK_US                                                                                \
    (2 * PLAN_DAY_US)    /* a window ends up to a day later, and is shown for another day */
#define ORDERS      1000 /* orders in one query */
#define DOSES       1200 /* doses of one order in the whole time, one every 5 minutes */
#define STATE(name) WARD__DOSAGE__V1__SLOT_STATE__SLOT_STATE_##name

struct reading {
    struct slot_reader r;
    const char *ward;
    int64_t now_us, from_us, to_us;
    Order **orders; /* by id */
    size_t n_orders, cap;
    struct ward_rows past, taken, moved; /* sorted by order id */
    size_t at_past, at_taken;
    struct planned *room;
    struct board *board;
    size_t slots_cap;
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a ward's doses");
}

/* ---- rows ---- */

static enum ward_code read_orders(struct reading *g, struct ward_err *err)
{
    uint8_t after[DOSAGE_ID];
    Order **some;
    size_t n = ORDERS;

    while (n == ORDERS) {
        WARD_TRY(orders_of_ward(g->r.w, g->r.mem, g->ward, 1U << ORDER_ACTIVE, g->from_us,
                                INT64_MAX, g->n_orders == 0 ? NULL : after, ORDERS, &some, &n,
                                err));
        if (g->n_orders + n > g->cap) {
            Order **more = ward_alloc(g->r.mem, 2 * (g->n_orders + n) * sizeof(Order *));

            if (more == NULL)
                return no_memory(err);
            if (g->n_orders > 0)
                memcpy(more, g->orders, g->n_orders * sizeof(Order *));
            g->orders = more;
            g->cap = 2 * (g->n_orders + n);
        }
        if (n > 0)
            memcpy(g->orders + g->n_orders, some, n * sizeof(Order *));
        g->n_orders += n;
        if (n > 0 && !ward_uuid_parse(some[n - 1]->order_id, after))
            return WARD_FAIL(err, INTERNAL, "a stored order has no id");
    }
    return WARD_OK;
}

#define OF_WARD " WHERE p.ward = ? AND o.state = 2 AND o.ends_at_us > ?"

static enum ward_code read_past(struct reading *g, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT o.order_id, v.version, v.state, v.written_at_us FROM patient p"
        " JOIN drug_order o ON o.patient_id = p.patient_id"
        " JOIN order_version v ON v.patient_id = o.patient_id AND v.order_id = o.order_id"
        " AND v.version < o.version" OF_WARD " AND o.version > 1 AND o.written_at_us > ?"
        " ORDER BY o.order_id, v.version";
    struct ward_arena *mem = g->r.mem;

    return ward_db_run(g->r.w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(ward_text(g->ward), ward_int(mem, g->from_us),
                                   ward_int(mem, g->from_us - PLAN_DAY_US)),
                       &g->past, err);
}

static enum ward_code read_taken(struct reading *g, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT t.order_id, t.due_at_us, t.administration_id, 1 FROM patient p"
        " JOIN drug_order o ON o.patient_id = p.patient_id"
        " JOIN slot_taken t ON t.order_id = o.order_id" OF_WARD
        " AND t.due_at_us >= ? AND t.due_at_us < ? ORDER BY t.order_id, t.due_at_us";
    struct ward_arena *mem = g->r.mem;

    return ward_db_run(g->r.w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(ward_text(g->ward), ward_int(mem, g->from_us),
                                   ward_int(mem, g->from_us - PLAN_DAY_US),
                                   ward_int(mem, g->to_us + PLAN_DAY_US)),
                       &g->taken, err);
}

/* Reads merged patients and their surviving records. */
static enum ward_code read_moved(struct reading *g, struct ward_err *err)
{
    static const char SQL[] = "SELECT DISTINCT p.patient_id, p.root_id FROM patient p"
                              " JOIN drug_order o ON o.patient_id = p.patient_id" OF_WARD
                              " AND p.root_id <> p.patient_id";
    struct ward_arena *mem = g->r.mem;

    return ward_db_run(g->r.w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(ward_text(g->ward), ward_int(mem, g->from_us)), &g->moved,
                       err);
}

/* Counts the rows of this order, from *at on; both lists are sorted by order id. */
static size_t rows_of(const struct ward_rows *rows, size_t *at, const uint8_t id[DOSAGE_ID])
{
    size_t n = 0;

    while (*at < rows->n && memcmp(rows->at[*at][0].p, id, DOSAGE_ID) < 0)
        ++*at;
    while (*at + n < rows->n && memcmp(rows->at[*at + n][0].p, id, DOSAGE_ID) == 0)
        n++;
    return n;
}

/* ---- one order ---- */

static enum ward_code plan_of(struct reading *g, Order *order, const uint8_t id[DOSAGE_ID],
                              struct plan *out, struct ward_err *err)
{
    size_t n = rows_of(&g->past, &g->at_past, id), kept = 0;
    struct past *past = ward_alloc(g->r.mem, n * sizeof(*past));

    if (past == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const struct ward_val *row = g->past.at[g->at_past + i];

        /* excludes versions written after the orders were read */
        if (row_number(row[1]) < order->version)
            past[kept++] = (struct past){(int)row_number(row[1]), (int)row_number(row[2]),
                                         row_number(row[3])};
    }
    return slot_plan_of(&g->r, order, past, kept, g->from_us - PLAN_DAY_US, out, err);
}

static enum ward_code taken_of(struct reading *g, const uint8_t id[DOSAGE_ID],
                               struct taken **out, size_t *n, struct ward_err *err)
{
    *n = rows_of(&g->taken, &g->at_taken, id);
    *out = ward_alloc(g->r.mem, *n * sizeof(**out));
    if (*out == NULL)
        return no_memory(err);
    for (size_t i = 0; i < *n; i++)
        WARD_TRY(slot_taken_row(g->taken.at[g->at_taken + i] + 1, &(*out)[i], err));
    return WARD_OK;
}

static bool belongs(const struct reading *g, const struct planned *p)
{
    switch (p->state) {
    case STATE(DUE):
    case STATE(OVERDUE):
        return true;
    case STATE(MISSED):
        return p->slot.to_us > g->now_us - PLAN_DAY_US;
    case STATE(FUTURE):
        return p->slot.due_us < g->now_us + BOARD_AHEAD_MAX * MINUTE_US;
    default:
        return false;
    }
}

static enum ward_code make_room(struct reading *g, struct ward_err *err)
{
    struct board *b = g->board;
    Slot **more;

    if (b->n < g->slots_cap)
        return WARD_OK;
    g->slots_cap = 2 * g->slots_cap + 256;
    more = ward_alloc(g->r.mem, g->slots_cap * sizeof(Slot *));
    if (more == NULL)
        return no_memory(err);
    if (b->n > 0)
        memcpy(more, b->slots, b->n * sizeof(Slot *));
    b->slots = more;
    return WARD_OK;
}

static void move_patient(const struct reading *g, Slot *s)
{
    uint8_t id[DOSAGE_ID];

    if (g->moved.n == 0 || !ward_uuid_parse(s->patient_id, id))
        return;
    for (size_t i = 0; i < g->moved.n; i++) {
        char *text;

        if (memcmp(g->moved.at[i][0].p, id, DOSAGE_ID) != 0 ||
            (text = ward_alloc(g->r.mem, 37)) == NULL)
            continue;
        ward_uuid_text((const uint8_t *)g->moved.at[i][1].p, text);
        s->patient_id = text;
    }
}

static enum ward_code put_order(struct reading *g, Order *order, struct ward_err *err)
{
    uint8_t id[DOSAGE_ID];
    struct taken *taken;
    struct plan plan;
    size_t n, n_taken;

    if (!ward_uuid_parse(order->order_id, id))
        return WARD_FAIL(err, INTERNAL, "a stored order has no id");
    WARD_TRY(plan_of(g, order, id, &plan, err));
    WARD_TRY(taken_of(g, id, &taken, &n_taken, err));
    n = plan_slots(&plan, taken, n_taken, g->from_us, g->to_us, g->now_us, g->room, DOSES);
    if (n > DOSES)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "an order has too many doses to be listed");
    for (size_t i = 0; i < n; i++) {
        if (!belongs(g, &g->room[i]))
            continue;
        WARD_TRY(make_room(g, err));
        WARD_TRY(slot_message(&g->r, &g->room[i], &g->board->slots[g->board->n], err));
        move_patient(g, g->board->slots[g->board->n++]);
    }
    return WARD_OK;
}

/* ---- all orders ---- */

int board_order(const Slot *a, const Slot *b)
{
    if (a->due_at_us != b->due_at_us)
        return a->due_at_us < b->due_at_us ? -1 : 1;
    return strcmp(a->order_id, b->order_id);
}

static int by_place(const void *a, const void *b)
{
    return board_order(*(Slot *const *)a, *(Slot *const *)b);
}

bool board_shows(const struct board *b, const Slot *slot, int ahead_minutes)
{
    return slot->state != STATE(FUTURE) ||
           slot->due_at_us < b->as_of_us + ahead_minutes * MINUTE_US;
}

enum ward_code board_read(struct worker *w, struct ward_arena *mem, const char *ward,
                          int64_t now_us, struct board *out, struct ward_err *err)
{
    struct reading g = {.ward = ward,
                        .now_us = now_us,
                        .from_us = now_us - BACK_US,
                        /* windows begin at most 12 h before their doses */
                        .to_us = now_us + BOARD_AHEAD_MAX * MINUTE_US,
                        .board = out};

    *out = (struct board){.as_of_us = now_us};
    WARD_TRY(slot_reader_open(&g.r, w, mem, err));
    g.room = ward_alloc(mem, PLAN_ROOM(DOSES) * sizeof(*g.room));
    if (g.room == NULL)
        return no_memory(err);
    WARD_TRY(read_orders(&g, err));
    WARD_TRY(read_past(&g, err));
    WARD_TRY(read_taken(&g, err));
    WARD_TRY(read_moved(&g, err));
    for (size_t i = 0; i < g.n_orders; i++)
        WARD_TRY(put_order(&g, g.orders[i], err));
    if (out->n > 0)
        qsort(out->slots, out->n, sizeof(Slot *), by_place);
    return WARD_OK;
}
