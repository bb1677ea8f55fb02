#include "common/rpc/h2/wheel.h"

#include <stddef.h>

void wheel_init(struct wheel *w, int64_t now)
{
    for (int i = 0; i < WHEEL_SLOTS; i++)
        w->slots[i].prev = w->slots[i].next = &w->slots[i];
    w->tick = now / WHEEL_TICK_NS;
    w->soonest = WARD_NO_DEADLINE;
}

static void link_before(struct timer *head, struct timer *t)
{
    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
}

void wheel_unset(struct timer *t)
{
    if (t->next == NULL)
        return;
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->prev = t->next = NULL;
}

void wheel_set(struct wheel *w, struct timer *t, int64_t at)
{
    wheel_unset(t);
    if (at / WHEEL_TICK_NS <= w->tick)
        at = (w->tick + 1) * WHEEL_TICK_NS;
    t->at = at;
    link_before(&w->slots[at / WHEEL_TICK_NS % WHEEL_SLOTS], t);
    if (at < w->soonest)
        w->soonest = at;
}

/* Returns the time of the next slot with timers, which may belong to a later round. */
static int64_t next_look(const struct wheel *w)
{
    for (int64_t k = w->tick + 1; k <= w->tick + WHEEL_SLOTS; k++)
        if (w->slots[k % WHEEL_SLOTS].next != &w->slots[k % WHEEL_SLOTS])
            return k * WHEEL_TICK_NS;
    return WARD_NO_DEADLINE;
}

void wheel_run(struct wheel *w, int64_t now)
{
    struct timer due = {.prev = &due, .next = &due};
    int64_t tick = now / WHEEL_TICK_NS, from = w->tick;

    if (now < w->soonest)
        return;
    if (tick - from > WHEEL_SLOTS)
        from = tick - WHEEL_SLOTS;
    for (int64_t k = from; k <= tick; k++) {
        struct timer *head = &w->slots[k % WHEEL_SLOTS], *next;

        for (struct timer *t = head->next; t != head; t = next) {
            next = t->next;
            if (t->at <= now) {
                wheel_unset(t);
                link_before(&due, t);
            }
        }
    }
    w->tick = tick;
    w->soonest = WARD_NO_DEADLINE;
    while (due.next != &due) {
        struct timer *t = due.next;

        wheel_unset(t);
        t->fn(t);
    }
    /* Timers left in this tick's slot are due later in this tick, or in a later round. */
    if (w->slots[tick % WHEEL_SLOTS].next != &w->slots[tick % WHEEL_SLOTS])
        w->soonest = (tick + 1) * WHEEL_TICK_NS;
    else if (next_look(w) < w->soonest)
        w->soonest = next_look(w);
}
