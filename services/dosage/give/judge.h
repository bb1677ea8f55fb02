/* judge.h - whether a dose of an order may be given now: order, slot, product, dose, route, and
 * the findings of the check. It is judged before the token is redeemed. With the lock held, it
 * is judged again if the patient's data changed in between, if more than a second has passed,
 * or if other inputs than the cached ones were used. A refusal remains a refusal.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: Administer's.
 */
#ifndef DOSAGE_GIVE_JUDGE_H
#define DOSAGE_GIVE_JUDGE_H

#include "services/dosage/give/bedside.h"
#include "services/dosage/order/look.h"

/* Earlier entries for the slot. */
struct slot_rest {
    const char *instead_of; /* the dose that occupies the slot; NULL: none */
    bool has_before;
    struct ward_decimal before; /* amount given for it, of the drug's first ingredient */
};

struct giving {
    struct visit v;
    const AdministerRequest *q;
    uint8_t order_id[DOSAGE_ID];
    bool given; /* GIVEN or PARTIAL: the patient gets something */
    bool has_second;
    struct ward_principal second;
    struct token token; /* the token of a given dose; its id is "" until it is redeemed */

    /* The result, computed anew each time. */
    struct look_for where;
    int64_t judged_us;
    bool beside;               /* other inputs than the cached ones were used */
    struct looked looked;      /* look_wipe */
    const struct owner *owner; /* the key of the order's patient: looked's */
    bool locked;               /* it belongs to a row that is locked and unchanged */
    Order *order;
    const struct ruleset *rules;
    struct clock clock;
    struct timing timing;
    int64_t due_us; /* -1: no slot */
    struct slot slot;
    struct slot_rest rest;
    int64_t given_us;
    struct hand hand;
    struct rights rights;
    Decision *decision; /* NULL: no dose is given */
    char **open;
    size_t n_open;
    char **spoken; /* rules overridden on the prescriber's word */
    size_t n_spoken;
};

/* Whether the slot is free, was charted as not given, or has a partial dose whose rest may be
 * given.
 *   ALREADY_EXISTS  SLOT_TAKEN */
WARD_MUST enum ward_code slot_rest(struct giving *g, struct ward_err *err);
/* Judges everything except the token.
 *   NOT_FOUND ORDER_NOT_FOUND, SLOT_NOT_FOUND;  ALREADY_EXISTS SLOT_TAKEN
 *   FAILED_PRECONDITION  ORDER_STATE, SLOT_EARLY, SLOT_OVER, PRN_LIMIT, SECOND_PERSON_NEEDED,
 *                        NO_RULE_SET
 *   INVALID_ARGUMENT     REASON_UNKNOWN, SCAN_UNREADABLE, DOSE_UNIT, DOSE_VALUE,
 *     OVERRIDE_UNUSED
 *   PERMISSION_DENIED    OVERRIDE_ROLE */
WARD_MUST enum ward_code judge(struct giving *g, struct ward_err *err);
/* The same in the transaction: locks the patient, so that nobody writes an order or a dose of
 * theirs, and judges again unless the first result was a refusal or nothing changed. */
WARD_MUST enum ward_code judge_locked(struct giving *g, struct ward_err *err);
/* A right failed, or a finding is open. */
bool judge_refuses(const struct giving *g);
/* The dose check: its decision, and the open findings.   judge's */
WARD_MUST enum ward_code judge_check(struct giving *g, struct ward_err *err);

/* ---- confirmed.c ---- */

/* Whether the prescriber on whose word findings are overridden is named, and is permitted.
 *   FAILED_PRECONDITION  PRESCRIBER_NEEDED;  PERMISSION_DENIED  PRESCRIBER_REFUSED
 *   INVALID_ARGUMENT     confirmed_by: no override needs it */
WARD_MUST enum ward_code judge_confirmed(struct giving *g, struct ward_err *err);
/* Notes it in the recorded dose. */
WARD_MUST enum ward_code cosignature_of(const struct giving *g, Dose *d, struct ward_err *err);
/* Adds the written dose to the prescriber's list. In a transaction. */
WARD_MUST enum ward_code cosignature_ask(struct worker *w, struct ward_arena *mem,
                                         const Dose *d, struct ward_err *err);

#endif
