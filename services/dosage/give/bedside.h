/* bedside.h - declarations that the handlers of this folder share: the patient, the scanned
 * product, the five rights, the token, the stored answer.
 *
 * Threads: any worker. Memory: the call's arena. Errors: those of the .proto file. Outside a
 * transaction, err is c->err.
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
    char *event_id; /* the event's id, in the arena, because answers refer to the id */
    int64_t now_us;
};

/* ---- rights.c: pure except for the arena ---- */

#define RIGHTS 5
struct rights {
    RightCheck **at; /* RIGHTS elements, in the order of enum Right; in the arena */
    struct ward_arena *mem;
};
/* Sets all rights to NOT_CHECKED with this reason.   RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code rights_make(struct ward_arena *mem, const char *reason,
                                     struct rights *out, struct ward_err *err);
/* Sets one right. `right`: ward.dosage.v1.Right. If the arena is full, the evidence is "". */
void rights_say(struct rights *r, int right, int result, const char *reason,
                const char *evidence);
bool rights_failed(const struct rights *r);
const char *right_name(int right); /* such as "drug" */
/* "PO" for ROUTE_PO */
const char *route_name(int route);

/* Whether the drug contains a high-alert ingredient. */
bool is_high_alert(const struct ruleset *rules, const char *drug_id);
/* Whether the drug or a scanned product of this dose contains a high-alert ingredient. */
bool is_high_alert_dose(const struct ruleset *rules, const Dose *d);

/* ---- hand.c: pure except for the arena ---- */

/* The product in hand, identified by its barcode or its id. */
struct hand {
    Scanned *scanned;        /* NULL: not scanned */
    const Drug *drug;        /* drug of the product; NULL: unknown */
    const Product *product;  /* NULL: unknown */
    bool by_scan;            /* true: identified by the barcode */
    const char *not_scanned; /* reason why the product was not scanned; "" */
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
/* RIGHT_DRUG: compares the product in hand with a drug and a product ("": any), on a day such
 * as "2026-11-21". */
void hand_right(struct rights *r, const struct hand *h, const char *drug_id,
                const char *product_id, const char *today);
/* RIGHT_ROUTE: compares the given route with the routes of the order and the product. */
void hand_route(struct rights *r, const struct hand *h, const Prescription *p, int given);

/* Whether the product in hand is for this route; true for an unknown product. */
bool hand_for_route(const struct hand *h, int route);

/* ---- dose_right.c ---- */

/* Input of RIGHT_DOSE, which compares the stated dose with the order, and the scanned amount
 * with the stated dose.   INVALID_ARGUMENT DOSE_UNIT, DOSE_VALUE; units, volume */
struct measured_dose {
    const struct ruleset *rules;
    const Prescription *ordered;
    const Quantity *given;
    const char *product_id;  /* the product in hand; "" */
    const struct hand *hand; /* NULL: no product is in hand, and none can be scanned */
    const char *unproved;    /* without a hand: the reason why the dose is not proved */
    bool partial;
    const struct ward_decimal *before; /* amount given before for the slot; NULL: no amount */
};
WARD_MUST enum ward_code dose_right(struct rights *r, const struct measured_dose *d,
                                    struct ward_err *err);
/* ---- wasted.c ---- */

struct waste {
    const struct ruleset *rules;
    const char *drug_id, *product_id;
    const Quantity *wasted; /* NULL: no amount was wasted */
    const Quantity *of;     /* the ordered or given amount; NULL: unknown */
    const Quantity *given;  /* NULL: no dose was given */
    Scanned *const *scanned;
    size_t n_scanned;
};
/* Checks a wasted amount: an amount of the drug, at most WASTED_MOST times `of`. If the opened
 * units are stated, at most the opened amount that was not given.
 *   INVALID_ARGUMENT DOSE_UNIT, DOSE_VALUE; wasted: too much */
#define WASTED_MOST 1000 /* local policy: more than a large ampoule for a newborn's dose */
WARD_MUST enum ward_code wasted_check(const struct waste *w, struct ward_err *err);
/* Prints a day in a time zone, such as "2026-11-21". */
void day_of(const struct ward_zone *zone, int64_t at_us, char out[11]);

/* ---- token.c ---- */

enum token_is { TOKEN_GOOD, TOKEN_FOREIGN, TOKEN_ELSEWHERE };
struct token {
    enum token_is is;
    /* claims of the token; id and method are "" unless `is` is TOKEN_GOOD */
    const char *id, *method, *place;
    double score;
    int64_t spent_us;
    const char *subject; /* the patient named by the token's own claims; "" */
};
struct token_ask {
    const char *token;
    const char *place; /* "": any place */
    uint8_t (*owners)[DOSAGE_ID];
    size_t n_owners;
};
/* Whether a token's unverified claims name the patient. */
bool token_is_of(struct visit *v, const struct token_ask *ask);
/* The issue time in a token's unverified claims; 0: no issue time. */
int64_t token_issued_us(struct visit *v, const char *token);
/* Whether a token's unverified claims contain this id. */
bool token_names(struct visit *v, const char *token, const char *id);
/* Redeems the token at identity, with a key derived from this call: a repeated call gets an
 * equal answer. Call outside a transaction. A token of another patient, purpose or place is not
 * redeemed, and is reported in out->is.
 *   UNAUTHENTICATED PPID_*;  ALREADY_EXISTS PPID_SPENT;  UNAVAILABLE IDENTITY_AWAY */
WARD_MUST enum ward_code token_spend(struct visit *v, const struct token_ask *ask,
                                     struct token *out);
const char *token_misuse_of(enum token_is is); /* such as "foreign" or "place" */
/* Records a rejected token in token_misuse, with the call's event. Call in a transaction. */
WARD_MUST enum ward_code token_misuse(struct visit *v, const struct ward_event *event,
                                      const char *ward, const char *place, const char *kind,
                                      struct ward_err *err);

/* ---- witness.c: the second person at the bedside ---- */

/* Verifies a second person: a nurse, physician or pharmacist other than the caller, of this
 * ward or the caller's ward (a pharmacist: of any ward), with the purpose TREAT. The token was
 * issued less than 5 minutes ago and not used for another action. Call outside a transaction.
 * *who is in c->mem.
 *   PERMISSION_DENIED  SECOND_PERSON_REFUSED, SECOND_PERSON_OLD, SECOND_PERSON_USED */
WARD_MUST enum ward_code witness(struct ward_call *c, const struct ward_idem *idem,
                                 const char *token, const char *ward,
                                 struct ward_principal *who);
/* Marks the second person's token as used by this call. Call in the call's transaction.
 *   PERMISSION_DENIED  SECOND_PERSON_USED */
WARD_MUST enum ward_code witness_use(struct ward_call *c, const struct ward_idem *idem,
                                     const struct ward_principal *who, struct ward_err *err);

/* ---- answer.c: encrypted answers stored under an idempotency key ---- */

/* Stores an answer: the fields recorded, rights and open of `r`, the dose and the decision.
 * Call at the end of a transaction. */
WARD_MUST enum ward_code answer_keep(struct visit *v, const char *patient_id,
                                     const AdministerResponse *r, struct ward_err *err);
/* As answer_keep, with the patient's key available and the row locked. */
WARD_MUST enum ward_code answer_keep_for(struct visit *v, const struct owner *o,
                                         const AdministerResponse *r, struct ward_err *err);
/* *out: the stored answer, completed; NULL: the key is new. Call at the beginning of a
 * transaction. */
WARD_MUST enum ward_code answer_again(struct visit *v, AdministerResponse **out,
                                      struct ward_err *err);
/* For a call that failed with `code`. If an earlier call has succeeded, *out is its answer and
 * the call succeeds. misuse: the kind of a rejected token, which is recorded; NULL: no token
 * was rejected. The misuse "spent" is recorded only if a dose was recorded with `token`,
 * because a call that lost a race for a slot redeemed its token in vain. */
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
/* Reads the chart. If the caller disconnected, the call to records was cancelled: a chart that
 * is missing for this reason must not be the basis for a decision or a stored answer. Errors of
 * chart_of, and CANCELLED. */
WARD_MUST enum ward_code visit_chart(struct visit *v, const char *patient);
/* As visit_begin, for an existing dose, whose patient becomes the call's patient.
 *   NOT_FOUND  ADMINISTRATION_NOT_FOUND: no such dose, or the caller has no access to its
 *   patient */
WARD_MUST enum ward_code visit_dose_of(struct visit *v, struct ward_call *c, const char *id,
                                       Dose **out);
/* Checks that the token is present and well-formed.
 *   FAILED_PRECONDITION PPID_NEEDED;  UNAUTHENTICATED PPID_MALFORMED */
WARD_MUST enum ward_code visit_token(struct visit *v, const char *token);
/* Checks the time of a dose by rule_given_at; 0 is accepted and means now.
 *   INVALID_ARGUMENT (given_at_us) */
WARD_MUST enum ward_code visit_given(struct visit *v, int64_t given_at_us, int64_t since_us);
/* Checks that a text has at most `most` visible characters. */
WARD_MUST enum ward_code visit_label(struct visit *v, const char *field, const char *text,
                                     size_t most);
/* Checks that the active rule set has a reason for this use, and that the caller's roles permit
 * the reason. `field` is the field's name. INVALID_ARGUMENT REASON_UNKNOWN;  PERMISSION_DENIED
 * OVERRIDE_ROLE */
WARD_MUST enum ward_code reason_check(const struct visit *v, const struct ruleset *rules,
                                      const char *field, const char *code, int use,
                                      struct ward_err *err);
/* Check for a valid amount with unit, and for a valid route.   INVALID_ARGUMENT */
WARD_MUST enum ward_code visit_amount(struct visit *v, const char *field, const Quantity *q);
WARD_MUST enum ward_code visit_route(struct visit *v, int route);
/* Locks the dose's patient, then the dose, and reads the dose again. Call in a transaction. */
WARD_MUST enum ward_code visit_lock(struct visit *v, const Dose *d, Dose **out,
                                    struct ward_err *err);
/* Makes a dose's next version, written by this call. Other fields are copied from `was`. */
WARD_MUST enum ward_code visit_next(struct visit *v, const Dose *was, Dose **out,
                                    struct ward_err *err);
/* *due_us: the due time of the dose's slot; -1: no slot. */
WARD_MUST enum ward_code dose_due(const Dose *d, int64_t *due_us, struct ward_err *err);
/* Makes a dose with new ids, recorded by this call. */
WARD_MUST enum ward_code visit_dose(struct visit *v, const char *patient_id, Dose **out,
                                    struct ward_err *err);
/* For an erased patient, PATIENT_ERASED becomes NOT_FOUND PATIENT_NOT_FOUND, and for a dose
 * ADMINISTRATION_NOT_FOUND. */
enum ward_code visit_gone(struct visit *v, enum ward_code code, bool of_dose);
/* In read.c: writes an audit event for each displayed dose, or one event without a patient for
 * an empty list. */
WARD_MUST enum ward_code doses_told(struct ward_call *c, struct ward_event *event, Dose **all,
                                    size_t n);
void count_dose(struct visit *v, const Dose *d);      /* call after the commit */
void count_failed(struct visit *v, struct rights *r); /* call after the commit */

#endif
