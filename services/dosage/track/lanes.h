/* lanes.h - sliding time windows over rows grouped by a person or a place. Each group is sorted
 * by time; the cost for each row is constant, even if many rows fall into a minute.
 *
 * Threads: pure. Memory: the arena; rows are borrowed. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_TRACK_LANES_H
#define DOSAGE_TRACK_LANES_H

#include "services/dosage/track/patterns.h"

enum lane_by {
    LANE_ACTOR,
    LANE_PLACE /* a place of a ward; rows without a place are omitted */
};

#define LANE_NONE SIZE_MAX

struct lane_row {
    const struct charted *row;
    size_t lane; /* index of its group's first row */
    /* index of the same patient's previous and next row in the group, or LANE_NONE */
    size_t before, after;
};
struct lanes {
    struct lane_row *at;
    uint8_t (*ids)[DOSAGE_ID]; /* ids of the rows, in the same order */
    size_t n;
};

/* Groups rows, which must be sorted by at_us. */
WARD_MUST enum ward_code lanes_of(const struct charted *rows, size_t n, enum lane_by by,
                                  struct ward_arena *mem, struct lanes *out,
                                  struct ward_err *err);

/* The rows of a group from `first` to the row taken last. */
struct window {
    size_t first;
    int patients;       /* number of different patients */
    size_t actor_since; /* all rows from this row on are by one person */
};

/* Adds row i, which follows the last row. Removes rows that are `within` (microseconds) or more
 * before row i, and rows of other groups. */
void window_take(struct window *w, const struct lanes *l, size_t i, int64_t within);

#endif
