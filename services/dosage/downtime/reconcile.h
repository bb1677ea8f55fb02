/* reconcile.h - doses that were given while a ward was cut off, brought in: each once, each
 * recorded or said why not. What happened is never refused for breaking a rule; what a person
 * has to look at becomes an issue.
 *
 * Issues, beside "finding:<rule id>" of the dose check (WARN and HARD):
 *   after-expiry, before-pack      the dose is outside the pack's time
 *   not-of-this-pack               the pack did not have this patient or order
 *   no-order, order-draft, order-on-hold, order-stopped, order-entered-in-error, order-ended,
 *   order-not-started              what the order was when it was given, as far as is known
 *   no-slot, slot-unknown, out-of-window, slot-charted
 *   drug-other, drug-unknown, product-unknown, dose-other, route-other, no-route
 *   scan-unreadable, scan-other
 *   no-reason, reason-unknown      of what was not given
 *   no-giver, no-second-person, second-person-same
 *   giver-unknown, second-person-unknown
 *                                  nobody of this name came to this service with a token
 *   not-confirmed                  a high-alert medicine, and no second person's token came
 *   service-was-up                 the service answered the ward when it was given
 *   not-checked                    no rule set, or the check could not read it
 *   maybe-twice                    the same was charted within 5 minutes of it
 * Reasons of STATE_REJECTED: entry-id, no-patient, order-unknown, order-other, outcome,
 * no-time, in-future, no-drug, dose-unreadable, route, slot, text; person-unknown: a high-alert
 * medicine by people who are not known, and no second person's token came.
 *
 * Threads: a worker's own connection. Memory: an entry's own arena, which is the call's while
 * it is worked on. Errors: as each says.
 */
#ifndef DOSAGE_DOWNTIME_RECONCILE_H
#define DOSAGE_DOWNTIME_RECONCILE_H

#include "services/dosage/downtime/pack.h"
#include "services/dosage/give/bedside.h"

#define ISSUES_MOST 24
#define ISSUES_TEXT 2000 /* offline_entry.issues */
struct issues {
    const char *at[ISSUES_MOST];
    size_t n;
};

/* ---- issues.c: pure ---- */

/* Once each; past ISSUES_MOST the last is "more". Borrowed. */
void issue_add(struct issues *list, const char *what);
/* As one text, by spaces, and back. */
void issues_print(const struct issues *list, char out[ISSUES_TEXT]);
WARD_MUST enum ward_code issues_read(const char *text, struct ward_arena *mem,
                                     struct issues *out, struct ward_err *err);
/* What an order was at the time of a dose. Of a state that came after it nothing is said. */
void issues_of_order(struct issues *list, const Order *order, int64_t given_us);
void issues_of_pack(struct issues *list, const struct pack *pack, const OfflineDose *d);
/* Why it cannot be recorded at all, by what it says itself; NULL: it can. */
const char *entry_rejected(const OfflineDose *d, int64_t now_us);

/* ---- entry.c ---- */

struct entry {
    struct ward_call *call;
    const struct ward_event *event; /* the call's */
    const struct pack *pack;
    const struct ruleset *rules; /* NULL: none is active */
    const OfflineDose *in;
    const char *confirmed_by; /* the second person, by token; "" */
    int64_t now_us;
    bool *away; /* pack_facts' */
    uint8_t id[DOSAGE_ID];
    struct chart chart;
    Order *order; /* NULL: none */
    int64_t due_us;
    const char *drug_id;
    struct hand hand;
    bool high_alert, while_up;
    Decision *decision;   /* NULL: not checked */
    const char *rejected; /* why; NULL */
    struct issues issues;
};
/* Looks at it from all sides: e->rejected, or e->issues. Outside of a transaction.
 *   UNAVAILABLE  RECORDS_AWAY, about a patient or a time that is not the pack's */
WARD_MUST enum ward_code entry_look(struct entry *e, struct ward_err *err);

/* The same of this drug's first ingredient, whatever it was written in, of whatever product. */
bool entry_same_amount(const struct entry *e, const char *product_id, const Quantity *a,
                       const char *other_product_id, const Quantity *b);

/* ---- entry_people.c ---- */

/* Who gave it, who watched, and whether it had to be on paper at all. */
WARD_MUST enum ward_code entry_people(struct entry *e, struct ward_err *err);

/* ---- entry_check.c ---- */

/* The dose check at the time it was given: e->decision, and its findings as issues. */
WARD_MUST enum ward_code entry_check(struct entry *e, struct ward_err *err);

/* ---- entry_row.c: rows of entries ---- */

struct entry_done {
    Ward__Dosage__V1__ReconcileResult__State state;
    char administration_id[37]; /* "" */
    char issues[ISSUES_TEXT];
};
/* What became of an entry that was brought in before; false: it was not. Where what was brought
 * in under this id said something else than `in` does (NULL: the same), the state is REJECTED
 * and nothing is told of it. Of an erased patient's no issues. Any connection. */
WARD_MUST enum ward_code entry_known(struct ward_call *c, const uint8_t id[DOSAGE_ID],
                                     const OfflineDose *in, struct entry_done *out, bool *known,
                                     struct ward_err *err);
/* What there is to say of the entry that a dose came by; "": nothing. */
WARD_MUST enum ward_code entry_issues(struct worker *w, struct ward_arena *mem,
                                      const uint8_t dose[DOSAGE_ID], struct issues *out,
                                      struct ward_err *err);
/* In a transaction; whoever comes second waits for the first to end.   ALREADY_EXISTS */
WARD_MUST enum ward_code entry_put(struct entry *e, const struct owner *owner,
                                   const uint8_t dose[DOSAGE_ID], const struct entry_done *done,
                                   struct ward_err *err);

/* ---- entry_write.c ---- */

/* Records it in a transaction of its own, with its event: once. */
WARD_MUST enum ward_code entry_record(struct entry *e, struct entry_done *out,
                                      struct ward_err *err);

#endif
