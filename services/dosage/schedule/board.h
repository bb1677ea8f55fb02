/* board.h - what is due in a ward, at one moment: doses due, overdue, missed in the last 24 h,
 * and those of the next 24 h, by due time, then order id.
 *
 * Read from running orders alone, by one statement each for orders, what was charted, and what
 * changed lately: its cost is that of the ward's running orders, whatever else is stored.
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: db.h's, owner.h's.
 */
#ifndef DOSAGE_SCHEDULE_BOARD_H
#define DOSAGE_SCHEDULE_BOARD_H

#include "services/dosage/schedule/slot_reader.h"

#define BOARD_AHEAD_MAX 1440 /* minutes */

struct board {
    int64_t as_of_us;
    Slot **slots;
    size_t n;
};
WARD_MUST enum ward_code board_read(struct worker *w, struct ward_arena *mem, const char *ward,
                                    int64_t now_us, struct board *out, struct ward_err *err);
/* What somebody sees who looks so many minutes ahead. */
bool board_shows(const struct board *b, const Slot *slot, int ahead_minutes);
/* By due time, then order id: below, at or above 0. */
int board_order(const Slot *a, const Slot *b);

#endif
