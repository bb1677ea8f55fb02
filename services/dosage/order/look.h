/* look.h - loads the table data for the check of an order or of a given dose. If the patient's
 * active orders are cached (lately.h), one statement suffices: at 1,000 calls a second each
 * round trip counts.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h and
 * owner.h.
 */
#ifndef DOSAGE_ORDER_LOOK_H
#define DOSAGE_ORDER_LOOK_H

#include "services/dosage/order/head.h"
#include "services/dosage/order/lately.h"
#include "services/dosage/order/order.h"
#include "services/dosage/schedule/plan.h"

struct look_for {
    const uint8_t *patient; /* the id of the chart's patient */
    int64_t at_us; /* time at which orders are active; doses are loaded from LATELY_US before */
    const char *ward;     /* the ward whose clock is used; NULL: the service's own clock */
    const uint8_t *order; /* the order of a charted dose; NULL: no dose is charted */
    int64_t due_us;       /* the due time of the charted slot; -1: no slot */
    bool alone;           /* loads neither active orders nor given doses */
    bool kept;            /* permits a cached head (looked.head) */
};

/* Free with look_wipe. A zeroed struct has no data. */
struct looked {
    /* The cached head in use, which the caller must compare (heads_stand). NULL: the tables
     * were read. */
    const struct head *head;
    const struct ruleset *rules; /* the active rule set */
    const char *time_zone;       /* the ward's clock, from SetWard or the service's default */
    int before_minutes, after_minutes;
    const struct owner *me; /* the patient's own key; NULL: the patient has no row */
    struct owner *owners;   /* the keys of all merged records */
    int64_t *touched;       /* patient.touched of each owner */
    size_t n_owners;
    uint8_t root[DOSAGE_ID];           /* the surviving record's id */
    Ward__Dosage__V1__Order **running; /* ACTIVE or ON_HOLD, not ended; sorted by order id */
    Ward__Dosage__V1__Administration **given;      /* doses of any outcome, sorted by time */
    Ward__Dosage__V1__Acknowledged **acknowledged; /* sorted by time */
    Ward__Dosage__V1__HomeReconciliation **homes;  /* sorted by statement id */
    size_t n_running, n_given, n_acknowledged, n_homes;
    bool given_all;      /* false: more than LATELY_MOST doses exist, and `given` is empty */
    bool stands;         /* all data are from one moment */
    struct taken *taken; /* charted slots of the charted order, due about due_us */
    size_t n_taken;
    bool order_given; /* a dose of the charted order was given and not taken back */
};
/*   FAILED_PRECONDITION  NO_RULE_SET, PATIENT_ERASED */
WARD_MUST enum ward_code look(struct worker *w, struct ward_arena *mem,
                              const struct look_for *what, struct looked *out,
                              struct ward_err *err);
/* True if, since the read, nobody wrote an order, a dose or a decision about a home medicine of
 * the patient, and nobody merged the patient. held: rows of owner_hold. */
bool look_stands(const struct looked *l, const struct ward_rows *held);
/* The key of a merged record; NULL: another patient. */
const struct owner *look_owner(const struct looked *l, const uint8_t id[DOSAGE_ID]);
void look_wipe(struct looked *l);

#endif
