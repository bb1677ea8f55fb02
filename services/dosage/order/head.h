/* head.h - who a patient is to this service, under which key, with the active rule set and
 * their ward's clock: what each check begins with, kept in memory for the next one.
 *
 * What is kept proves nothing: others may have written since. Who goes by it has it compared
 * with the tables right before what came of it is kept (heads_stand), and looks again
 * where it does not stand. Only of patients who are nobody else: one who was merged is looked
 * up each time, so that forgetting a patient (lately_forget) forgets their wrapped key.
 *
 * Threads: what is kept locks itself; heads_stand is of the connection's thread. Memory: the
 * arena. Errors: db.h's.
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
    char ward[HEAD_TEXT]; /* who asked for: "" none */
    bool has_clock;       /* SetWard gave it one */
    char time_zone[HEAD_TEXT];
    int before_minutes, after_minutes;
};
/* NULL: none is kept, or no memory. */
const struct head *head_find(struct dosage *dos, struct ward_arena *mem,
                             const uint8_t patient[DOSAGE_ID], const char *ward);
/* generation: keep_generation of the patient's, from before it was read. */
void head_keep(struct dosage *dos, uint64_t generation, const struct head *h);
/* In one statement: stand[i] says whether heads[i] is as the tables are. */
WARD_MUST enum ward_code heads_stand(struct ward_db *db, struct ward_arena *mem,
                                     const struct head *const *heads, size_t n, bool *stand,
                                     struct ward_err *err);

#endif
