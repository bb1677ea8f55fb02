/* board.h - due doses of a ward at one moment: due, overdue, missed in the last 24 h, and due
 * in the next 24 h, by due time, then order id.
 *
 * Read only from active orders, with one statement each for orders, charted doses, and recent
 * changes: the cost depends only on the ward's active orders.
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
/* The part of the board for a caller who looks this many minutes ahead. */
bool board_shows(const struct board *b, const Slot *slot, int ahead_minutes);
/* Compares by due time, then order id: below, at or above 0. */
int board_order(const Slot *a, const Slot *b);

#endif
