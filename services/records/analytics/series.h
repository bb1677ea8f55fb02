/* series.h - counts for a dashboard, without identities.
 *
 * query.c and cells.c read the cells of a table of one or two dimensions over all patients'
 * current resources. suppress.c suppresses cells that could identify people. api_series.c
 * returns the other cells. Merged patients count as one patient. Erased patients do not count.
 *
 * Threads: call from a worker's thread; suppress is pure. Memory: the call's arena. Errors:
 * RESOURCE_EXHAUSTED SERIES_TOO_LARGE; those of db.h.
 */
#ifndef RECORDS_ANALYTICS_SERIES_H
#define RECORDS_ANALYTICS_SERIES_H

#include "common/zone/zone.h"
#include "services/records/records.h"
#include "ward/records/v1/analytics.pb-c.h"

#define SERIES_FEW     5      /* a cell with fewer patients is suppressed */
#define SERIES_STEP    5      /* every published count is a multiple of this */
#define SERIES_FIGURES 3      /* significant digits of a mean and of quartiles */
#define SERIES_ENDS    2      /* significant digits of minimum and maximum */
#define SERIES_POINTS  5000   /* maximum points of an answer */
#define SERIES_CELLS   200000 /* maximum cells that are read for an answer */
#define SERIES_USUAL   20
#define SERIES_MOST    100
#define ZONE_CHANGES   512

struct cell {
    const char *key[2], *display[2];
    int64_t count, people;
    int64_t given; /* the published value: 0 for a suppressed cell */
    double mean, min, max, quartile[3];
    int row, column;
    bool hidden;
};
struct table {
    struct cell *cell;
    size_t n;
    int rows, columns; /* numbers of rows and columns; cell.row and cell.column start at 0 */
    const char *unit;
};

/* Suppresses cells of fewer than SERIES_FEW patients. The suppressed cells of a row or column
 * may be one cell, or have fewer than SERIES_FEW patients in total. The smallest remaining cell
 * of the row or column is then suppressed as well, because a separate request for its total
 * would otherwise reveal the suppressed cells. Another call with a filter still reveals the
 * additional cell; counts are therefore rounded. Returns the number of suppressed cells. */
int suppress(struct table *t, struct ward_arena *mem);

/* Sets the published value of each cell: the number of patients or resources, rounded to a
 * multiple of SERIES_STEP. The difference between the counts of two calls therefore does not
 * reveal an exact number. */
void give(struct table *t, bool people);

enum series_round { TO_NEAREST, TO_BELOW, TO_ABOVE };
/* Rounds a value to `figures` significant digits. */
double series_figures(double x, int figures, enum series_round to);

struct query {
    Ward__Records__V1__Measure measure;
    Ward__Records__V1__Of of;
    Ward__Records__V1__By by[2];
    int n_by;
    const char *code, *ward;
    int64_t from_us, to_us, now_us;
    struct ward_zone_change zone[ZONE_CHANGES]; /* clock changes of the request's time zone */
    size_t n_zone;
};
WARD_MUST enum ward_code query_cells(struct worker *w, struct ward_arena *mem,
                                     const struct query *q, struct table *out,
                                     struct ward_err *err);

#endif
