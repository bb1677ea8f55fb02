/* Selects the suppressed cells, and rounds the values of the other cells. A line is a row or a
 * column of the table. The total of a line can be requested separately, with one dimension
 * less. */
#include "services/records/analytics/series.h"

#include <math.h>

struct line {
    int hidden, shown;
    int64_t people;  /* patients of the suppressed cells */
    size_t smallest; /* index of the published cell with the fewest patients */
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

/* Makes one pass over all rows and columns. Returns whether the pass suppressed another
 * cell. */
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

void give(struct table *t, bool people)
{
    for (size_t i = 0; i < t->n; i++) {
        struct cell *c = &t->cell[i];
        int64_t n = people ? c->people : c->count;

        c->given = c->hidden ? 0 : (n + SERIES_STEP / 2) / SERIES_STEP * SERIES_STEP;
    }
}

double series_figures(double x, int figures, enum series_round to)
{
    int power;
    double unit, n;

    if (x == 0 || !isfinite(x))
        return x;
    power = (int)floor(log10(fabs(x))) + 1 - figures;
    unit = pow(10, power < 0 ? -power : power); /* an integer, exact up to 1e22 */
    n = power < 0 ? x * unit : x / unit;
    /* 0.07 * 100 is 7.000000000000001, which must count as 7 when rounding down or up */
    if (fabs(n - nearbyint(n)) < 1e-9)
        n = nearbyint(n);
    n = to == TO_BELOW ? floor(n) : to == TO_ABOVE ? ceil(n) : round(n);
    return power < 0 ? n / unit : n * unit;
}
