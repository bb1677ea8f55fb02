/* head.h - cache of a patient's row and key together with the active rule set and the ward's
 * clock: the first inputs of each check.
 *
 * A cached head may be outdated, because another replica may have written since. Callers with a
 * cached head compare the head with the tables (heads_stand) immediately before the result is
 * stored. If the head is outdated, the result is computed again from the tables. Only unmerged
 * patients are cached; merged patients are read each time. Evicting a patient (lately_forget)
 * therefore also evicts the wrapped key.
 *
 * Threads: the cache has its own lock; heads_stand runs on the thread of its connection.
 * Memory: the arena. Errors: those of db.h.
 */
#ifndef DOSAGE_ORDER_HEAD_H
#define DOSAGE_ORDER_HEAD_H

#include "services/dosage/dosage.h"

#define HEADS_MOST 64 /* heads in one comparison */
#define HEAD_TEXT  65 /* bytes of a ward or a time zone, with its NUL */

struct head {
    uint8_t patient[DOSAGE_ID], root[DOSAGE_ID];
    int64_t touched; /* patient.touched */
    int kek;
    uint8_t wrapped[WARD_WRAPPED];
    int64_t rules;        /* the active set's version */
    char ward[HEAD_TEXT]; /* the requested ward; "": no ward */
    bool has_clock;       /* the ward's clock was set by SetWard */
    char time_zone[HEAD_TEXT];
    int before_minutes, after_minutes;
};
/* NULL: not cached, or no memory. */
const struct head *head_find(struct dosage *dos, struct ward_arena *mem,
                             const uint8_t patient[DOSAGE_ID], const char *ward);
/* generation: result of keep_generation for the patient, before the row was read */
void head_keep(struct dosage *dos, uint64_t generation, const struct head *h);
/* Compares all heads in one statement. stand[i] is true if heads[i] equals the tables. */
WARD_MUST enum ward_code heads_stand(struct ward_db *db, struct ward_arena *mem,
                                     const struct head *const *heads, size_t n, bool *stand,
                                     struct ward_err *err);

#endif
