/* series.h - counts for a dashboard: how many, never who.
 *
 * query.c asks for the cells of a table of one or two dimensions over everybody's current
 * resources; suppress.c hides those that would point at a few; api_series.c gives out what is
 * left. Merged patients are one patient, erased ones none.
 *
 * Threads: a worker's own; suppress is pure. Memory: the call's arena. Errors:
 * RESOURCE_EXHAUSTED SERIES_TOO_LARGE; db.h's.
 */
#ifndef RECORDS_ANALYTICS_SERIES_H
#define RECORDS_ANALYTICS_SERIES_H

#include "common/zone/zone.h"
#include "services/records/records.h"
#include "ward/records/v1/analytics.pb-c.h"

#define SERIES_FEW     5      /* patients: a cell of fewer is hidden */
#define SERIES_STEP    5      /* every count that is given is a multiple of this */
#define SERIES_FIGURES 3      /* digits of a mean and of quartiles */
#define SERIES_ENDS    2      /* digits of least and greatest, which are single persons' */
#define SERIES_POINTS  5000   /* of an answer */
#define SERIES_CELLS   200000 /* of the whole table, looked at for an answer */
#define SERIES_USUAL   20
#define SERIES_MOST    100
#define ZONE_CHANGES   512

struct cell {
    const char *key[2], *display[2];
    int64_t count, people;
    int64_t given; /* what the caller sees: 0 of a hidden one */
    double mean, min, max, quartile[3];
    int row, column;
    bool hidden;
};
struct table {
    struct cell *cell;
    size_t n;
    int rows, columns; /* cells name theirs by number, from 0 */
    const char *unit;
};

/* Hides cells of fewer than SERIES_FEW patients; and then, wherever what is hidden in a row or
 * a column is one cell, or fewer than SERIES_FEW patients together, the next smallest there, so
 * that the total of the row or column, asked for by itself, tells less. It tells: what was
 * taken along another call with a filter gives, and so counts are rounded. How many in all. */
int suppress(struct table *t, struct ward_arena *mem);

/* Sets what is given of each cell: patients or resources, to the nearest SERIES_STEP, so that
 * the difference of two calls' counts does not tell how many there are between them. */
void give(struct table *t, bool people);

enum series_round { TO_NEAREST, TO_BELOW, TO_ABOVE };
/* A value to so many significant digits. */
double series_figures(double x, int figures, enum series_round to);

struct query {
    Ward__Records__V1__Measure measure;
    Ward__Records__V1__Of of;
    Ward__Records__V1__By by[2];
    int n_by;
    const char *code, *ward;
    int64_t from_us, to_us, now_us;
    struct ward_zone_change zone[ZONE_CHANGES]; /* of the clocks */
    size_t n_zone;
};
WARD_MUST enum ward_code query_cells(struct worker *w, struct ward_arena *mem,
                                     const struct query *q, struct table *out,
                                     struct ward_err *err);

#endif
