/* reconcile.h - reconciliation of doses that were given during an outage: each dose is recorded
 * once, or rejected with a reason. An actual dose is never rejected for violating a rule;
 * violations become issues for a person's review.
 *
 * Issues, besides "finding:<rule id>" of the dose check (WARN and HARD):
 *   after-expiry, before-pack      the dose is outside the pack's time
 *   not-of-this-pack               the pack did not have this patient or order
 *   no-order, order-draft, order-on-hold, order-stopped, order-entered-in-error, order-ended,
 *   order-not-started              the state of the order at the dose's time, as far as known
 *   no-slot, slot-unknown, out-of-window, slot-charted
 *   drug-other, drug-unknown, product-unknown, dose-other, route-other, no-route
 *   scan-unreadable, scan-other
 *   no-reason, reason-unknown      for a dose that was not given
 *   no-giver, no-second-person, second-person-same
 *   giver-unknown, second-person-unknown
 *                                  no person of this name ever called this service with a token
 *   not-confirmed                  a high-alert medicine without a second person's token
 *   service-was-up                 the service answered the ward when the dose was given
 *   not-checked                    no rule set, or the check could not read the dose
 *   maybe-twice                    an equal dose was charted within 5 minutes
 *
 * Reasons of STATE_REJECTED: entry-id, no-patient, order-unknown, order-other, outcome,
 * no-time, in-future, no-drug, dose-unreadable, route, slot, text; person-unknown: a high-alert
 * medicine by unknown people, without a second person's token.
 *
 * Threads: each worker uses its own connection. Memory: an entry's own arena, which replaces
 * the call's while the entry is processed. Errors: listed at each function.
 */
#ifndef DOSAGE_DOWNTIME_RECONCILE_H
#define DOSAGE_DOWNTIME_RECONCILE_H

#include "services/dosage/downtime/pack.h"
#include "services/dosage/give/bedside.h"

#define ISSUES_MOST 24
#define ISSUES_TEXT 2000 /* bytes of offline_entry.issues */
struct issues {
    const char *at[ISSUES_MOST];
    size_t n;
};

/* ---- issues.c: pure ---- */

/* Adds an issue once; the text is borrowed. If the list is full, the last issue is "more". */
void issue_add(struct issues *list, const char *what);
/* Joins the issues with spaces into one text; issues_read splits the text again. */
void issues_print(const struct issues *list, char out[ISSUES_TEXT]);
WARD_MUST enum ward_code issues_read(const char *text, struct ward_arena *mem,
                                     struct issues *out, struct ward_err *err);
/* The state of an order at the time of a dose. Later states are ignored. */
void issues_of_order(struct issues *list, const Order *order, int64_t given_us);
void issues_of_pack(struct issues *list, const struct pack *pack, const OfflineDose *d);
/* The reason why an entry's own content prevents recording; NULL: the entry can be recorded. */
const char *entry_rejected(const OfflineDose *d, int64_t now_us);

/* ---- entry.c ---- */

struct entry {
    struct ward_call *call;
    const struct ward_event *event; /* the event of the call */
    const struct pack *pack;
    const struct ruleset *rules; /* NULL: no rule set is active */
    const OfflineDose *in;
    const char *confirmed_by; /* the second person, verified by token; "": no second person */
    int64_t now_us;
    bool *away; /* for pack_facts */
    uint8_t id[DOSAGE_ID];
    struct chart chart;
    Order *order; /* NULL: no order */
    int64_t due_us;
    const char *drug_id;
    struct hand hand;
    bool high_alert, while_up;
    Decision *decision;   /* NULL: not checked */
    const char *rejected; /* the reason of a rejection; NULL: not rejected */
    struct issues issues;
};
/* Checks the entry completely: sets e->rejected, or e->issues. Call outside a transaction.
 *   UNAVAILABLE  RECORDS_AWAY, for a patient or a time outside the pack */
WARD_MUST enum ward_code entry_look(struct entry *e, struct ward_err *err);

/* Whether both amounts contain an equal amount of this drug's first ingredient, in any unit and
 * of any product. */
bool entry_same_amount(const struct entry *e, const char *product_id, const Quantity *a,
                       const char *other_product_id, const Quantity *b);

/* ---- entry_people.c ---- */

/* Checks the giver, the witness, and whether the outage is plausible. */
WARD_MUST enum ward_code entry_people(struct entry *e, struct ward_err *err);

/* ---- entry_check.c ---- */

/* Runs the dose check as of the time of the dose. Sets e->decision, and adds the findings as
 * issues. */
WARD_MUST enum ward_code entry_check(struct entry *e, struct ward_err *err);

/* ---- entry_row.c: rows of entries ---- */

struct entry_done {
    Ward__Dosage__V1__ReconcileResult__State state;
    char administration_id[37]; /* "" */
    char issues[ISSUES_TEXT];
};
/* Finds an entry that was reconciled before. *known: false if the entry is new. If the earlier
 * entry with this id has different content than `in` (NULL: not compared), the state is
 * REJECTED without details. An erased patient's entry has no issues. Works inside and outside a
 * transaction. */
WARD_MUST enum ward_code entry_known(struct ward_call *c, const uint8_t id[DOSAGE_ID],
                                     const OfflineDose *in, struct entry_done *out, bool *known,
                                     struct ward_err *err);
/* The issues of the entry that created a dose; empty if no entry created the dose. */
WARD_MUST enum ward_code entry_issues(struct worker *w, struct ward_arena *mem,
                                      const uint8_t dose[DOSAGE_ID], struct issues *out,
                                      struct ward_err *err);
/* Inserts the row of an entry. Call in a transaction; a second writer waits for the end of the
 * first.
 *   ALREADY_EXISTS */
WARD_MUST enum ward_code entry_put(struct entry *e, const struct owner *owner,
                                   const uint8_t dose[DOSAGE_ID], const struct entry_done *done,
                                   struct ward_err *err);

/* ---- entry_write.c ---- */

/* Records the entry once, in its own transaction, with its event. */
WARD_MUST enum ward_code entry_record(struct entry *e, struct entry_done *out,
                                      struct ward_err *err);

#endif
