/* judge.h - whether a dose of an order may be given now: order, slot, product, dose, route, and
 * the findings of the check. The dose is judged before the token is redeemed. With the lock
 * held, the dose is judged again in three cases: the patient's data have changed, more than a
 * second has passed, or not all inputs were cached. A refusal remains a refusal.
 *
 * Threads: any worker. Memory: the call's arena. Errors: those of Administer.
 */
#ifndef DOSAGE_GIVE_JUDGE_H
#define DOSAGE_GIVE_JUDGE_H

#include "services/dosage/give/bedside.h"
#include "services/dosage/order/look.h"

/* Earlier entries for the slot. */
struct slot_rest {
    const char *instead_of; /* the dose that occupies the slot; NULL: the slot is free */
    bool has_before;
    /* amount already given for the slot, of the drug's first ingredient */
    struct ward_decimal before;
};

struct giving {
    struct visit v;
    const AdministerRequest *q;
    uint8_t order_id[DOSAGE_ID];
    bool given; /* GIVEN or PARTIAL: the patient gets a dose */
    bool has_second;
    struct ward_principal second;
    /* the token of a given dose; its id is "" until the token is redeemed */
    struct token token;

    /* The result, which each call of judge computes again. */
    struct look_for where;
    int64_t judged_us;
    bool beside;               /* not all inputs were cached */
    struct looked looked;      /* free with look_wipe */
    const struct owner *owner; /* the key of the order's patient, from `looked` */
    bool locked;               /* the patient's row is locked and unchanged */
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
    char **spoken; /* rules that were overridden on the prescriber's word */
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
/* As judge, in the transaction: locks the patient, so that nobody writes an order or a dose of
 * the patient. Judges again, unless the first result was a refusal or nothing has changed. */
WARD_MUST enum ward_code judge_locked(struct giving *g, struct ward_err *err);
/* Whether a right failed or a finding is open. */
bool judge_refuses(const struct giving *g);
/* Runs the dose check: sets the decision and the open findings. Errors of judge. */
WARD_MUST enum ward_code judge_check(struct giving *g, struct ward_err *err);

/* ---- confirmed.c ---- */

/* Whether the prescriber on whose word findings are overridden is named, and is permitted.
 *   FAILED_PRECONDITION  PRESCRIBER_NEEDED;  PERMISSION_DENIED  PRESCRIBER_REFUSED
 *   INVALID_ARGUMENT     confirmed_by: no override needs a confirmation */
WARD_MUST enum ward_code judge_confirmed(struct giving *g, struct ward_err *err);
/* Adds the pending cosignature to the recorded dose. */
WARD_MUST enum ward_code cosignature_of(const struct giving *g, Dose *d, struct ward_err *err);
/* Adds the written dose to the prescriber's list. Call in a transaction. */
WARD_MUST enum ward_code cosignature_ask(struct worker *w, struct ward_arena *mem,
                                         const Dose *d, struct ward_err *err);

#endif
