/* bedside.h - declarations that the handlers of this folder share: the patient, the scanned
 * product, the five rights, the token, the stored answer.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: the .proto's; *err is c->err
 * outside of a transaction.
 */
#ifndef DOSAGE_GIVE_BEDSIDE_H
#define DOSAGE_GIVE_BEDSIDE_H

#include "common/handler/event.h"
#include "services/dosage/api.h"
#include "services/dosage/give/give.h"

typedef Ward__Dosage__V1__Administration Dose;
typedef Ward__Dosage__V1__AdministerRequest AdministerRequest;
typedef Ward__Dosage__V1__AdministerResponse AdministerResponse;
typedef Ward__Dosage__V1__Cosignature Cosignature;
typedef Ward__Dosage__V1__Decision Decision;
typedef Ward__Dosage__V1__Drug Drug;
typedef Ward__Dosage__V1__Finding Finding;
typedef Ward__Dosage__V1__Order Order;
typedef Ward__Dosage__V1__Override Override;
typedef Ward__Dosage__V1__Prescription Prescription;
typedef Ward__Dosage__V1__Product Product;
typedef Ward__Dosage__V1__Quantity Quantity;
typedef Ward__Dosage__V1__RightCheck RightCheck;
typedef Ward__Dosage__V1__Scanned Scanned;
typedef Ward__Dosage__V1__DoseOutcome DoseOutcome;

#define OUTCOME(name)     WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_##name
#define RIGHT(name)       WARD__DOSAGE__V1__RIGHT__RIGHT_##name
#define RESULT(name)      WARD__DOSAGE__V1__RIGHT_CHECK__RESULT__RESULT_##name
#define COSIGNATURE(name) WARD__DOSAGE__V1__COSIGNATURE__STATE__STATE_##name
#define USE(name)         WARD__DOSAGE__V1__REASON__USE__USE_##name

#define SECOND_IN_US INT64_C(1000000)
#define MINUTE_US    (60 * SECOND_IN_US)
#define DAY_US       (24 * 60 * MINUTE_US)

/* Members of every call of this folder. */
struct visit {
    struct ward_call *c;
    struct worker *w;
    struct ward_event event;
    struct ward_idem idem;
    struct chart chart;
    char *event_id; /* the event's, in the arena: answers refer to it */
    int64_t now_us;
};

/* ---- rights.c: pure except for the arena ---- */

#define RIGHTS 5
struct rights {
    RightCheck **at; /* RIGHTS of them, in the order of Right; in the arena */
    struct ward_arena *mem;
};
/* Sets all to NOT_CHECKED with this reason.   RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code rights_make(struct ward_arena *mem, const char *reason,
                                     struct rights *out, struct ward_err *err);
/* `right`: ward.dosage.v1.Right. If the arena is full, the evidence is "". */
void rights_say(struct rights *r, int right, int result, const char *reason,
                const char *evidence);
bool rights_failed(const struct rights *r);
const char *right_name(int right); /* "drug" */
/* "PO" of ROUTE_PO */
const char *route_name(int route);

/* It contains a high-alert ingredient. */
bool is_high_alert(const struct ruleset *rules, const char *drug_id);
/* ...or the scanned products of this dose do. */
bool is_high_alert_dose(const struct ruleset *rules, const Dose *d);

/* ---- hand.c: the same ---- */

/* The product in hand, by its barcode or by its id. */
struct hand {
    Scanned *scanned;        /* NULL: no scan */
    const Drug *drug;        /* of the product; NULL: unknown */
    const Product *product;  /* NULL: not known */
    bool by_scan;            /* true: from the barcode */
    const char *not_scanned; /* the reason; "" */
    const char *named;       /* product_id of the request; "" */
    struct scan_found *more; /* the other scanned barcodes */
    size_t n_more;
};
/* Reads the barcode and looks up product and drug.
 *   INVALID_ARGUMENT  SCAN_UNREADABLE; product_id: not in the rule set */
WARD_MUST enum ward_code hand_read(struct ward_arena *mem, const struct ruleset *rules,
                                   const char *scan, const char *product_id,
                                   const char *not_scanned, struct hand *out,
                                   struct ward_err *err);
/* Reads the given amount and the other barcodes.
 *   INVALID_ARGUMENT  units, volume, more; SCAN_UNREADABLE; DOSE_UNIT, DOSE_VALUE */
WARD_MUST enum ward_code hand_count(struct ward_arena *mem, const struct ruleset *rules,
                                    const AdministerRequest *q, struct hand *h,
                                    struct ward_err *err);
/* RIGHT_DRUG: compares the product in hand with a drug (and a product, ""), on a day,
 * "2026-11-21". */
void hand_right(struct rights *r, const struct hand *h, const char *drug_id,
                const char *product_id, const char *today);
/* RIGHT_ROUTE: compares the route with the order's and the product's. */
void hand_route(struct rights *r, const struct hand *h, const Prescription *p, int given);

/* Whether the product in hand, if known, is for this route. */
bool hand_for_route(const struct hand *h, int route);

/* ---- dose_right.c ---- */

/* RIGHT_DOSE: compares the stated dose with the order, and the scanned amount with the stated
 * dose.   INVALID_ARGUMENT DOSE_UNIT, DOSE_VALUE; units, volume */
struct measured_dose {
    const struct ruleset *rules;
    const Prescription *ordered;
    const Quantity *given;
    const char *product_id;  /* in hand; "" */
    const struct hand *hand; /* NULL: nothing was scanned, and nothing can be scanned */
    const char *unproved;    /* without a hand: the reason why nothing proves it */
    bool partial;
    const struct ward_decimal *before; /* given before for the same slot; NULL: nothing */
};
WARD_MUST enum ward_code dose_right(struct rights *r, const struct measured_dose *d,
                                    struct ward_err *err);
/* ---- wasted.c ---- */

struct waste {
    const struct ruleset *rules;
    const char *drug_id, *product_id;
    const Quantity *wasted; /* NULL: nothing */
    const Quantity *of;     /* the ordered or given amount; NULL: unknown */
    const Quantity *given;  /* NULL: nothing */
    Scanned *const *scanned;
    size_t n_scanned;
};
/* A wasted amount is an amount of the drug, at most WASTED_MOST times `of`, and at most the
 * scanned amount that was not given, if the units state how much was opened.
 *   INVALID_ARGUMENT DOSE_UNIT, DOSE_VALUE; wasted: more than that */
#define WASTED_MOST 1000 /* local policy: above a large ampoule for a newborn's dose */
WARD_MUST enum ward_code wasted_check(const struct waste *w, struct ward_err *err);
/* A day in the usual notation, in a zone. */
void day_of(const struct ward_zone *zone, int64_t at_us, char out[11]);

/* ---- token.c ---- */

enum token_is { TOKEN_GOOD, TOKEN_FOREIGN, TOKEN_ELSEWHERE };
struct token {
    enum token_is is;
    const char *id, *method, *place; /* of the token; id and method are "" unless GOOD */
    double score;
    int64_t spent_us;
    const char *subject; /* the patient in the token's own claims, if any */
};
struct token_ask {
    const char *token;
    const char *place; /* "" any */
    uint8_t (*owners)[DOSAGE_ID];
    size_t n_owners;
};
/* The patient in a token's claims, unverified. */
bool token_is_of(struct visit *v, const struct token_ask *ask);
/* The issue time in its claims, unverified; 0: none. */
int64_t token_issued_us(struct visit *v, const char *token);
/* Whether its claims contain this id, unverified. */
bool token_names(struct visit *v, const char *token, const char *id);
/* Redeems the token at identity, with a key derived from this call: the same call gets the same
 * answer. Outside of a transaction. A token of another patient, purpose or place is not an
 * error here, and is not redeemed.
 *   UNAUTHENTICATED PPID_*;  ALREADY_EXISTS PPID_SPENT;  UNAVAILABLE IDENTITY_AWAY */
WARD_MUST enum ward_code token_spend(struct visit *v, const struct token_ask *ask,
                                     struct token *out);
const char *token_misuse_of(enum token_is is); /* "foreign", "place" */
/* Records a rejected token in token_misuse, with the call's event. In a transaction. */
WARD_MUST enum ward_code token_misuse(struct visit *v, const struct ward_event *event,
                                      const char *ward, const char *place, const char *kind,
                                      struct ward_err *err);

/* ---- witness.c: the second person at the bedside ---- */

/* A nurse, physician or pharmacist other than the caller, of this ward or the caller's (a
 * pharmacist: any ward), for TREAT, with a token that was issued less than 5 minutes ago and
 * not used for another action. Outside of a transaction. *who is in c->mem.
 *   PERMISSION_DENIED  SECOND_PERSON_REFUSED, SECOND_PERSON_OLD, SECOND_PERSON_USED */
WARD_MUST enum ward_code witness(struct ward_call *c, const struct ward_idem *idem,
                                 const char *token, const char *ward,
                                 struct ward_principal *who);
/* Marks it as used by this call, in its transaction.   PERMISSION_DENIED  SECOND_PERSON_USED */
WARD_MUST enum ward_code witness_use(struct ward_call *c, const struct ward_idem *idem,
                                     const struct ward_principal *who, struct ward_err *err);

/* ---- answer.c: encrypted answers stored under an idempotency key ---- */

/* Stores the answer: r's `recorded`, rights and open, the dose and the decision. In a
 * transaction, last. */
WARD_MUST enum ward_code answer_keep(struct visit *v, const char *patient_id,
                                     const AdministerResponse *r, struct ward_err *err);
/* With the patient's key available, and the row locked. */
WARD_MUST enum ward_code answer_keep_for(struct visit *v, const struct owner *o,
                                         const AdministerResponse *r, struct ward_err *err);
/* In a transaction, first: *out is the stored answer, completed; NULL: the key is new. */
WARD_MUST enum ward_code answer_again(struct visit *v, AdministerResponse **out,
                                      struct ward_err *err);
/* A call that failed with `code` may have succeeded before: then *out is its answer and the
 * call is OK. misuse: the rejection of the token, which is recorded; NULL: none. "spent" is
 * recorded only if a dose was recorded with `token`: a call that lost a race for a slot
 * redeemed it in vain. */
struct answer_late {
    struct visit *v;
    AdministerResponse *out;
    const char *misuse, *ward, *place, *token;
};
WARD_MUST enum ward_code answer_or(struct answer_late *l, enum ward_code code);

/* ---- visit.c ---- */

/* Checks the patient, the caller's access and the idempotency key. */
WARD_MUST enum ward_code visit_begin(struct visit *v, struct ward_call *c, const char *patient,
                                     const char *key, const ProtobufCMessage *q);
/* Reads the chart. If the caller left, the call to records was cancelled too: a chart that is
 * missing for that reason is not a basis for a decision or a stored answer.   chart_of's,
 * CANCELLED
 */
WARD_MUST enum ward_code visit_chart(struct visit *v, const char *patient);
/* The same for an existing dose, whose patient becomes the call's patient.
 *   NOT_FOUND  ADMINISTRATION_NOT_FOUND: no such dose, or no access to its patient */
WARD_MUST enum ward_code visit_dose_of(struct visit *v, struct ward_call *c, const char *id,
                                       Dose **out);
/* The token is present and well-formed.
 *   FAILED_PRECONDITION PPID_NEEDED;  UNAUTHENTICATED PPID_MALFORMED */
WARD_MUST enum ward_code visit_token(struct visit *v, const char *token);
/* 0: now; otherwise rule_given_at.   INVALID_ARGUMENT (given_at_us) */
WARD_MUST enum ward_code visit_given(struct visit *v, int64_t given_at_us, int64_t since_us);
/* At most `most` visible characters. */
WARD_MUST enum ward_code visit_label(struct visit *v, const char *field, const char *text,
                                     size_t most);
/* A reason of the active rule set for this use that the caller's roles permit; `field` names
 * it. INVALID_ARGUMENT REASON_UNKNOWN;  PERMISSION_DENIED OVERRIDE_ROLE */
WARD_MUST enum ward_code reason_check(const struct visit *v, const struct ruleset *rules,
                                      const char *field, const char *code, int use,
                                      struct ward_err *err);
/* a valid amount and unit, and a valid route.   INVALID_ARGUMENT */
WARD_MUST enum ward_code visit_amount(struct visit *v, const char *field, const Quantity *q);
WARD_MUST enum ward_code visit_route(struct visit *v, int route);
/* Locks the dose's patient, then the dose, and reads it again. In a transaction. */
WARD_MUST enum ward_code visit_lock(struct visit *v, const Dose *d, Dose **out,
                                    struct ward_err *err);
/* A dose's next version, written by this call; fields that are not set are copied. */
WARD_MUST enum ward_code visit_next(struct visit *v, const Dose *was, Dose **out,
                                    struct ward_err *err);
/* The due time of its slot; -1: none. */
WARD_MUST enum ward_code dose_due(const Dose *d, int64_t *due_us, struct ward_err *err);
/* A dose with new ids, from this call. */
WARD_MUST enum ward_code visit_dose(struct visit *v, const char *patient_id, Dose **out,
                                    struct ward_err *err);
/* For an erased patient, PATIENT_ERASED becomes NOT_FOUND PATIENT_NOT_FOUND, and for a dose
 * ADMINISTRATION_NOT_FOUND. */
enum ward_code visit_gone(struct visit *v, enum ward_code code, bool of_dose);
/* read.c: an audit event for each displayed dose; one without a patient for an empty list. */
WARD_MUST enum ward_code doses_told(struct ward_call *c, struct ward_event *event, Dose **all,
                                    size_t n);
void count_dose(struct visit *v, const Dose *d);      /* after the commit */
void count_failed(struct visit *v, struct rights *r); /* likewise */

#endif
