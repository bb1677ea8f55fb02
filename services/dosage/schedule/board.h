/* board.h - due doses of a ward at one moment: due, overdue, missed in the last 24 h, and due
 * in the next 24 h. Sorted by due time, then order id.
 *
 * Only active orders are read, with one statement each for orders, charted doses, and recent
 * changes. The cost depends only on the ward's active orders.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h and
 * owner.h.
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
/* Whether the board shows a slot to a caller who requests this many minutes ahead. */
bool board_shows(const struct board *b, const Slot *slot, int ahead_minutes);
/* Compares by due time, then order id; the result is below, at or above 0. */
int board_order(const Slot *a, const Slot *b);

#endif
