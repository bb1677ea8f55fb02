/* look.h - what a check, and a dose that is given, go by of the tables. At 1,000 calls a second
 * each round trip counts: one statement, where what runs for the patient is kept (lately.h).
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: db.h's, owner.h's.
 */
#ifndef DOSAGE_ORDER_LOOK_H
#define DOSAGE_ORDER_LOOK_H

#include "services/dosage/order/head.h"
#include "services/dosage/order/lately.h"
#include "services/dosage/order/order.h"
#include "services/dosage/schedule/plan.h"

struct look_for {
    const uint8_t *patient; /* the chart's */
    int64_t at_us;          /* what runs then, and was given since LATELY_US before */
    const char *ward;       /* whose clock; NULL: the service's own */
    const uint8_t *order;   /* that is charted; NULL: none */
    int64_t due_us;         /* of its slot; -1: none */
    bool alone;             /* nothing of what runs and was given */
    bool kept;              /* what is kept of an earlier look will do: looked.head */
};

/* look_wipe. Zeroed: nothing was looked at. */
struct looked {
    /* It went by this, which is to be compared (heads_stand); NULL: the tables were read. */
    const struct head *head;
    const struct ruleset *rules; /* the active one */
    const char *time_zone;       /* the ward's clock, as SetWard or the service's own has it */
    int before_minutes, after_minutes;
    const struct owner *me; /* the patient's own; NULL: they have no row */
    struct owner *owners;   /* all that are them */
    int64_t *touched;       /* of each: patient.touched */
    size_t n_owners;
    uint8_t root[DOSAGE_ID];                  /* who they are now */
    Ward__Dosage__V1__Order **running;        /* ACTIVE or ON_HOLD, not over; by order id */
    Ward__Dosage__V1__Administration **given; /* whatever their outcome, by time */
    Ward__Dosage__V1__Acknowledged **acknowledged; /* by time */
    Ward__Dosage__V1__HomeReconciliation **homes;  /* by statement id */
    size_t n_running, n_given, n_acknowledged, n_homes;
    bool given_all;      /* false: there are more than LATELY_MOST, and none is here */
    bool stands;         /* all of it is of one moment */
    struct taken *taken; /* of an order that is charted: its charted slots about due_us */
    size_t n_taken;
    bool order_given; /* a dose of it was given and stands */
};
/*   FAILED_PRECONDITION  NO_RULE_SET, PATIENT_ERASED */
WARD_MUST enum ward_code look(struct worker *w, struct ward_arena *mem,
                              const struct look_for *what, struct looked *out,
                              struct ward_err *err);
/* Nobody wrote an order, a dose or a decision about a home medicine of theirs since, nor merged
 * them. held: owner_hold's rows. */
bool look_stands(const struct looked *l, const struct ward_rows *held);
/* The key of one who is them; NULL: another. */
const struct owner *look_owner(const struct looked *l, const uint8_t id[DOSAGE_ID]);
void look_wipe(struct looked *l);

#endif
