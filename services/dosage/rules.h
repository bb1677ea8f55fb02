/* rules.h - roles and state transitions, decided before any patient is read. Pure.
 *
 * Threads: any. Memory: none. Errors: none.
 */
#ifndef DOSAGE_RULES_H
#define DOSAGE_RULES_H

#include "common/base/status.h"

#include <stdint.h>

/* Permitted purposes of use: TREAT, ETREAT, CAREMGT. */
bool rule_purpose(const char *purpose);
/* True for an emergency purpose. Permissions from records are not cached for an emergency
 * purpose. */
bool rule_purpose_passes(const char *purpose);

/* The numbers of ward.dosage.v1.OrderState. */
enum order_state {
    ORDER_NONE,
    ORDER_DRAFT,
    ORDER_ACTIVE,
    ORDER_ON_HOLD,
    ORDER_STOPPED,
    ORDER_COMPLETED,
    ORDER_CANCELLED,
    ORDER_WRONG, /* entered in error */
    ORDER_STATES
};
enum rule_step { STEP_NO, STEP_YES, STEP_WITHOUT_DOSES };
/* Whether state `to` may follow state `from`: always, never, or only while the order has no
 * valid dose. */
enum rule_step rule_order_step(enum order_state from, enum order_state to);
/* Whether the prescription of an order in this state may be changed. */
bool rule_order_changes(enum order_state state);

/* The numbers of ward.dosage.v1.HomeDecision. */
enum home_decision {
    HOME_NONE,
    HOME_CONTINUE,
    HOME_CHANGE,
    HOME_STOP,
    HOME_HOLD,
    HOME_DECISIONS
};
/* Whether a decision about a home medicine requires a reason: true for decisions that end or
 * change the medicine. */
bool rule_home_needs_reason(enum home_decision d);
/* Whether a decision may name the order that continues or replaces the home medicine. */
bool rule_home_has_order(enum home_decision d);

/* Whether a dose may have this time: not in the future, and at most 15 minutes before since_us.
 * since_us is now, or the issue time of the token, so that an interrupted call can be repeated
 * later. */
bool rule_given_at(int64_t given_at_us, int64_t now_us, int64_t since_us);

/* As rule_given_at, but at most most_minutes before since_us, for late charting with a
 * reason. */
bool rule_given_late(int64_t given_at_us, int64_t now_us, int64_t since_us, int most_minutes);

/* Whether a ward's name is valid: 1 to 64 characters of A-Z a-z 0-9 . _ - */
bool rule_is_ward(const char *name);
/* Whether a word has 1 to 64 characters of a-z, 0-9 and "-". */
bool rule_is_word(const char *s);
/* Whether a person of ward `own` with these roles may ask about ward `asked`. A pharmacist may
 * ask about any ward, others about their own. */
bool rule_ward(const char *const *roles, int n_roles, const char *own, const char *asked);

/* Normalizes a person's name: without surrounding spaces, A-Z as a-z. Truncated at
 * RULE_PERSON. */
#define RULE_PERSON 129
void rule_person(const char *subject, char out[RULE_PERSON]);
/* Both subjects name one person, such as "Nurse-1 " and "nurse-1". */
bool rule_same_person(const char *a, const char *b);

/* Whether a second person's token was issued within the last 5 minutes. issued_s: in seconds;
 * 0: the token has no issue time. A clock that is 30 s ahead is tolerated. */
bool rule_fresh_token(int64_t issued_s, int64_t now_us);

#endif
