/* Which cells are not given. A line is a row or a column of the table: its total can be asked
 * for by itself, with one dimension less. */
#include "services/records/analytics/series.h"

struct line {
    int hidden, shown;
    int64_t people;  /* of the hidden ones together */
    size_t smallest; /* the shown one of fewest patients */
};

static bool tells(const struct line *l)
{
    return l->hidden > 0 && l->shown > 0 && (l->hidden == 1 || l->people < SERIES_FEW);
}

static void put(struct line *l, const struct table *t, size_t i)
{
    const struct cell *c = &t->cell[i];

    if (c->hidden) {
        l->hidden++;
        l->people += c->people;
        return;
    }
    if (l->shown++ == 0 || c->people < t->cell[l->smallest].people)
        l->smallest = i;
}

/* One look at all rows and columns: whether anything more had to be hidden. */
static bool again(struct table *t, struct line *row, struct line *column)
{
    bool more = false;

    for (int i = 0; i < t->rows; i++)
        row[i] = (struct line){0};
    for (int i = 0; i < t->columns; i++)
        column[i] = (struct line){0};
    for (size_t i = 0; i < t->n; i++) {
        put(&row[t->cell[i].row], t, i);
        put(&column[t->cell[i].column], t, i);
    }
    for (int i = 0; i < t->rows; i++)
        if (tells(&row[i]))
            more = t->cell[row[i].smallest].hidden = true;
    for (int i = 0; i < t->columns; i++)
        if (tells(&column[i]))
            more = t->cell[column[i].smallest].hidden = true;
    return more;
}

int suppress(struct table *t, struct ward_arena *mem)
{
    struct line *row = ward_alloc(mem, (size_t)t->rows * sizeof(*row));
    struct line *column = ward_alloc(mem, (size_t)t->columns * sizeof(*column));
    bool safe = row != NULL && column != NULL;
    int n = 0;

    for (size_t i = 0; i < t->n; i++)
        t->cell[i].hidden = !safe || t->cell[i].people < SERIES_FEW;
    while (safe && again(t, row, column))
        ;
    for (size_t i = 0; i < t->n; i++)
        n += t->cell[i].hidden;
    return n;
}
