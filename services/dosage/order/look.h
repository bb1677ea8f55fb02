/* look.h - loads the table data for a check, and for a given dose. At 1,000 calls a second each
 * round trip counts: one statement, if the patient's active orders are cached (lately.h).
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
    int64_t at_us;          /* time for active orders, and for doses since LATELY_US before */
    const char *ward;       /* the ward of the clock; NULL: the service's own */
    const uint8_t *order;   /* the charted order; NULL: none */
    int64_t due_us;         /* the due time of its slot; -1: none */
    bool alone;             /* without active orders and given doses */
    bool kept;              /* cached data is permitted: looked.head */
};

/* Free with look_wipe. Zeroed: nothing was loaded. */
struct looked {
    /* The cached head in use, to be compared (heads_stand); NULL: the tables were read. */
    const struct head *head;
    const struct ruleset *rules; /* the active one */
    const char *time_zone;       /* the ward's clock, from SetWard or the service's default */
    int before_minutes, after_minutes;
    const struct owner *me; /* the patient's own key; NULL: no row */
    struct owner *owners;   /* all merged records */
    int64_t *touched;       /* of each: patient.touched */
    size_t n_owners;
    uint8_t root[DOSAGE_ID];                  /* the surviving record */
    Ward__Dosage__V1__Order **running;        /* ACTIVE or ON_HOLD, not ended; by order id */
    Ward__Dosage__V1__Administration **given; /* whatever their outcome, by time */
    Ward__Dosage__V1__Acknowledged **acknowledged; /* by time */
    Ward__Dosage__V1__HomeReconciliation **homes;  /* by statement id */
    size_t n_running, n_given, n_acknowledged, n_homes;
    bool given_all;      /* false: more than LATELY_MOST exist, and none is here */
    bool stands;         /* all data are from one moment */
    struct taken *taken; /* for a charted order: its charted slots about due_us */
    size_t n_taken;
    bool order_given; /* a dose of it was given and not taken back */
};
/*   FAILED_PRECONDITION  NO_RULE_SET, PATIENT_ERASED */
WARD_MUST enum ward_code look(struct worker *w, struct ward_arena *mem,
                              const struct look_for *what, struct looked *out,
                              struct ward_err *err);
/* Since the read, nobody wrote an order, a dose or a decision about a home medicine of the
 * patient, and nobody merged them. held: owner_hold's rows. */
bool look_stands(const struct looked *l, const struct ward_rows *held);
/* The key of a merged record; NULL: another patient. */
const struct owner *look_owner(const struct looked *l, const uint8_t id[DOSAGE_ID]);
void look_wipe(struct looked *l);

#endif
