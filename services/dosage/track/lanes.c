#include "services/dosage/track/lanes.h"

#include <stdlib.h>
#include <string.h>

static int by_actor(const struct charted *a, const struct charted *b)
{
    return strcmp(a->actor, b->actor);
}

static int by_place(const struct charted *a, const struct charted *b)
{
    int c = strcmp(a->place, b->place);

    return c != 0 ? c : strcmp(a->ward, b->ward);
}

/* Orders two rows of one array by their position, and so by time. */
static int in_order(const struct charted *a, const struct charted *b)
{
    return (a > b) - (a < b);
}

static int actor_then_time(const void *a, const void *b)
{
    const struct charted *x = ((const struct lane_row *)a)->row;
    const struct charted *y = ((const struct lane_row *)b)->row;
    int c = by_actor(x, y);

    return c != 0 ? c : in_order(x, y);
}

static int place_then_time(const void *a, const void *b)
{
    const struct charted *x = ((const struct lane_row *)a)->row;
    const struct charted *y = ((const struct lane_row *)b)->row;
    int c = by_place(x, y);

    return c != 0 ? c : in_order(x, y);
}

static int lane_then_patient(const void *a, const void *b)
{
    const struct lane_row *x = *(struct lane_row *const *)a;
    const struct lane_row *y = *(struct lane_row *const *)b;
    int c = (x->lane > y->lane) - (x->lane < y->lane);

    if (c == 0)
        c = memcmp(x->row->patient, y->row->patient, DOSAGE_ID);
    return c != 0 ? c : in_order(x->row, y->row);
}

static void number_lanes(struct lanes *l, enum lane_by by)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct charted *row = l->at[i].row, *last = i == 0 ? NULL : l->at[i - 1].row;
        bool same =
            last != NULL && (by == LANE_ACTOR ? by_actor(last, row) : by_place(last, row)) == 0;

        l->at[i].lane = same ? l->at[i - 1].lane : i;
        memcpy(l->ids[i], row->id, DOSAGE_ID);
    }
}

/* Links each row to the next row of the same patient in its group. sorted: room for n
 * pointers. */
static void link_patients(struct lanes *l, struct lane_row **sorted)
{
    for (size_t i = 0; i < l->n; i++)
        sorted[i] = &l->at[i];
    qsort(sorted, l->n, sizeof(struct lane_row *), lane_then_patient);
    for (size_t i = 1; i < l->n; i++) {
        struct lane_row *a = sorted[i - 1], *b = sorted[i];

        if (a->lane != b->lane || memcmp(a->row->patient, b->row->patient, DOSAGE_ID) != 0)
            continue;
        a->after = (size_t)(b - l->at);
        b->before = (size_t)(a - l->at);
    }
}

enum ward_code lanes_of(const struct charted *rows, size_t n, enum lane_by by,
                        struct ward_arena *mem, struct lanes *out, struct ward_err *err)
{
    struct lane_row **sorted = ward_alloc(mem, (n + 1) * sizeof(struct lane_row *));

    *out = (struct lanes){.at = ward_alloc(mem, (n + 1) * sizeof(struct lane_row)),
                          .ids = ward_alloc(mem, (n + 1) * DOSAGE_ID)};
    if (sorted == NULL || out->at == NULL || out->ids == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for sorting the doses");
    for (size_t i = 0; i < n; i++)
        if (by == LANE_ACTOR || *rows[i].place != '\0')
            out->at[out->n++] =
                (struct lane_row){.row = &rows[i], .before = LANE_NONE, .after = LANE_NONE};
    if (out->n == 0)
        return WARD_OK;
    qsort(out->at, out->n, sizeof(*out->at),
          by == LANE_ACTOR ? actor_then_time : place_then_time);
    number_lanes(out, by);
    link_patients(out, sorted);
    return WARD_OK;
}

void window_take(struct window *w, const struct lanes *l, size_t i, int64_t within)
{
    const struct lane_row *at = l->at;

    if (at[i].lane == i)
        *w = (struct window){.first = i, .actor_since = i};
    else if (by_actor(at[i - 1].row, at[i].row) != 0)
        w->actor_since = i;
    if (at[i].before == LANE_NONE || at[i].before < w->first)
        w->patients++;
    for (; at[w->first].row->at_us <= at[i].row->at_us - within; w->first++)
        if (at[w->first].after == LANE_NONE || at[w->first].after > i)
            w->patients--;
}
