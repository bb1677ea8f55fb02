/* lanes.h - sliding time windows over rows grouped by a person or a place. Each group is sorted
 * by time; the cost for each row is constant, however many rows fall into a minute.
 *
 * Threads: pure. Memory: the arena; rows are borrowed. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_TRACK_LANES_H
#define DOSAGE_TRACK_LANES_H

#include "services/dosage/track/patterns.h"

enum lane_by {
    LANE_ACTOR,
    LANE_PLACE /* of a ward; rows without a place are omitted */
};

#define LANE_NONE SIZE_MAX

struct lane_row {
    const struct charted *row;
    size_t lane;          /* index of its group's first row */
    size_t before, after; /* index of the same patient's next row in the group; LANE_NONE */
};
struct lanes {
    struct lane_row *at;
    uint8_t (*ids)[DOSAGE_ID]; /* of the rows, in the same order */
    size_t n;
};

/* rows are sorted by at_us. */
WARD_MUST enum ward_code lanes_of(const struct charted *rows, size_t n, enum lane_by by,
                                  struct ward_arena *mem, struct lanes *out,
                                  struct ward_err *err);

/* The rows from `first` to the last one in the window. */
struct window {
    size_t first;
    int patients;       /* different ones */
    size_t actor_since; /* from here on all are by the same person */
};

/* Adds row i, the next one, and removes rows that are `within` (microseconds) or more before
 * it, and rows of other groups. */
void window_take(struct window *w, const struct lanes *l, size_t i, int64_t within);

#endif
