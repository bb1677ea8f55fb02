/* judge.h - whether a dose of an order may be given now: order, slot, product, dose, route,
 * what the check finds. Judged before the token is spent. Behind the lock it is judged
 * again where somebody wrote anything of the patient's in between, where it was judged more
 * than a second before, or by more than what was looked at; what was refused stays refused.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: Administer's.
 */
#ifndef DOSAGE_GIVE_JUDGE_H
#define DOSAGE_GIVE_JUDGE_H

#include "services/dosage/give/bedside.h"
#include "services/dosage/order/look.h"

/* What was charted for the slot before. */
struct slot_rest {
    const char *instead_of; /* the dose that has the slot; NULL: none */
    bool has_before;
    struct ward_decimal before; /* given of it, of the drug's first ingredient */
};

struct giving {
    struct visit v;
    const AdministerRequest *q;
    uint8_t order_id[DOSAGE_ID];
    bool given; /* GIVEN or PARTIAL: the patient gets something */
    bool has_second;
    struct ward_principal second;
    struct token token; /* of a dose that is given; its id is "" until it is spent */

    /* What was found, anew each time. */
    struct look_for where;
    int64_t judged_us;
    bool beside;               /* something was read beside it */
    struct looked looked;      /* look_wipe */
    const struct owner *owner; /* the order's patient's key: looked's */
    bool locked;               /* it is of a row that is locked and has stayed what it was */
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
    Decision *decision; /* NULL: nothing is given */
    char **open;
    size_t n_open;
    char **spoken; /* rules overridden on the prescriber's word */
    size_t n_spoken;
};

/* Whether the slot is free, was charted as not given, or as a part whose rest may be given.
 *   ALREADY_EXISTS  SLOT_TAKEN */
WARD_MUST enum ward_code slot_rest(struct giving *g, struct ward_err *err);
/* Everything but the token.
 *   NOT_FOUND ORDER_NOT_FOUND, SLOT_NOT_FOUND;  ALREADY_EXISTS SLOT_TAKEN
 *   FAILED_PRECONDITION  ORDER_STATE, SLOT_EARLY, SLOT_OVER, PRN_LIMIT, SECOND_PERSON_NEEDED,
 *                        NO_RULE_SET
 *   INVALID_ARGUMENT     REASON_UNKNOWN, SCAN_UNREADABLE, DOSE_UNIT, DOSE_VALUE,
 * OVERRIDE_UNUSED
 *   PERMISSION_DENIED    OVERRIDE_ROLE */
WARD_MUST enum ward_code judge(struct giving *g, struct ward_err *err);
/* The same in the transaction: locks the patient, behind which nobody writes an order or a dose
 * of theirs, and judges again unless it refused, or nobody did since. */
WARD_MUST enum ward_code judge_locked(struct giving *g, struct ward_err *err);
/* A right failed, or a finding stands. */
bool judge_refuses(const struct giving *g);
/* The dose check of it: its decision, and what stands open.   judge's */
WARD_MUST enum ward_code judge_check(struct giving *g, struct ward_err *err);

/* ---- confirmed.c ---- */

/* Whether the prescriber on whose word findings are overridden is named, and may be.
 *   FAILED_PRECONDITION  PRESCRIBER_NEEDED;  PERMISSION_DENIED  PRESCRIBER_REFUSED
 *   INVALID_ARGUMENT     confirmed_by: nothing is overridden on it */
WARD_MUST enum ward_code judge_confirmed(struct giving *g, struct ward_err *err);
/* Says it in the dose that is recorded. */
WARD_MUST enum ward_code cosignature_of(const struct giving *g, Dose *d, struct ward_err *err);
/* Puts the dose, which is written, on the prescriber's list. In a transaction. */
WARD_MUST enum ward_code cosignature_ask(struct worker *w, struct ward_arena *mem,
                                         const Dose *d, struct ward_err *err);

#endif
