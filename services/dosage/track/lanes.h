/* lanes.h - rows sorted by what makes them alike, a person or a place, each such lane in order
 * of time, and a window of time that slides along it: however many fall into a minute, each row
 * is looked at a few times.
 *
 * Threads: pure. Memory: the arena; rows are borrowed. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_TRACK_LANES_H
#define DOSAGE_TRACK_LANES_H

#include "services/dosage/track/patterns.h"

enum lane_by {
    LANE_ACTOR,
    LANE_PLACE /* of a ward; rows without a place are left out */
};

#define LANE_NONE SIZE_MAX

struct lane_row {
    const struct charted *row;
    size_t lane;          /* index of its lane's first row */
    size_t before, after; /* index of the same patient's in the lane; LANE_NONE */
};
struct lanes {
    struct lane_row *at;
    uint8_t (*ids)[DOSAGE_ID]; /* of the rows, in the same order */
    size_t n;
};

/* rows rise by at_us. */
WARD_MUST enum ward_code lanes_of(const struct charted *rows, size_t n, enum lane_by by,
                                  struct ward_arena *mem, struct lanes *out,
                                  struct ward_err *err);

/* The rows from `first` to the last that was taken in. */
struct window {
    size_t first;
    int patients;       /* different ones */
    size_t actor_since; /* from here on all are by the same person */
};

/* Takes in row i, the next one, and leaves out what is `within` (microseconds) or more before
 * it, and other lanes. */
void window_take(struct window *w, const struct lanes *l, size_t i, int64_t within);

#endif
