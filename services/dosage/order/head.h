/* head.h - cache of a patient's row and key together with the active rule set and the ward's
 * clock: the first inputs of each check.
 *
 * A cached head may be outdated, because another replica may have written since. Callers that
 * use one have it compared with the tables immediately before the result is stored
 * (heads_stand), and read again if it has changed. Only unmerged patients are cached; merged
 * patients are read each time, so that evicting a patient (lately_forget) also evicts the
 * wrapped key.
 *
 * Threads: the cache has its own lock; heads_stand belongs to the connection's thread. Memory:
 * the arena. Errors: db.h's.
 */
#ifndef DOSAGE_ORDER_HEAD_H
#define DOSAGE_ORDER_HEAD_H

#include "services/dosage/dosage.h"

#define HEADS_MOST 64 /* at once */
#define HEAD_TEXT  65 /* a ward, a time zone, and their NUL */

struct head {
    uint8_t patient[DOSAGE_ID], root[DOSAGE_ID];
    int64_t touched; /* patient.touched */
    int kek;
    uint8_t wrapped[WARD_WRAPPED];
    int64_t rules;        /* the active set's version */
    char ward[HEAD_TEXT]; /* the requested ward: "" none */
    bool has_clock;       /* set by SetWard */
    char time_zone[HEAD_TEXT];
    int before_minutes, after_minutes;
};
/* NULL: not cached, or no memory. */
const struct head *head_find(struct dosage *dos, struct ward_arena *mem,
                             const uint8_t patient[DOSAGE_ID], const char *ward);
/* generation: the patient's keep_generation from before the read. */
void head_keep(struct dosage *dos, uint64_t generation, const struct head *h);
/* In one statement: stand[i] is true if heads[i] equals the tables. */
WARD_MUST enum ward_code heads_stand(struct ward_db *db, struct ward_arena *mem,
                                     const struct head *const *heads, size_t n, bool *stand,
                                     struct ward_err *err);

#endif
