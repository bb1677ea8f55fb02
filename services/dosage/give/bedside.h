/* bedside.h - what the handlers of this folder share: whom they are about, what is in hand, the
 * five rights, the token, the answer that is kept.
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

/* What every call of this folder has. */
struct visit {
    struct ward_call *c;
    struct worker *w;
    struct ward_event event;
    struct ward_idem idem;
    struct chart chart;
    char *event_id; /* the act's, in the arena: what answers hold */
    int64_t now_us;
};

/* ---- rights.c: pure but for the arena ---- */

#define RIGHTS 5
struct rights {
    RightCheck **at; /* RIGHTS of them, in the order of Right; the arena's */
    struct ward_arena *mem;
};
/* All NOT_CHECKED, for this reason.   RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code rights_make(struct ward_arena *mem, const char *reason,
                                     struct rights *out, struct ward_err *err);
/* `right`: ward.dosage.v1.Right. Evidence past the arena is "". */
void rights_say(struct rights *r, int right, int result, const char *reason,
                const char *evidence);
bool rights_failed(const struct rights *r);
const char *right_name(int right); /* "drug" */
/* "PO" of ROUTE_PO */
const char *route_name(int route);

/* A high-alert ingredient is in it. */
bool is_high_alert(const struct ruleset *rules, const char *drug_id);
/* ...or in what was scanned for this dose. */
bool is_high_alert_dose(const struct ruleset *rules, const Dose *d);

/* ---- hand.c: likewise ---- */

/* What is in hand, by its barcode or by its name. */
struct hand {
    Scanned *scanned;        /* NULL: no scan */
    const Drug *drug;        /* of the product; NULL: not known */
    const Product *product;  /* NULL: not known */
    bool by_scan;            /* it is the barcode that says so */
    const char *not_scanned; /* the reason; "" */
    const char *named;       /* product_id of the request; "" */
    struct scan_found *more; /* what was scanned beside it */
    size_t n_more;
};
/* Reads the scan and looks both up.
 *   INVALID_ARGUMENT  SCAN_UNREADABLE; product_id: the rule set has none such */
WARD_MUST enum ward_code hand_read(struct ward_arena *mem, const struct ruleset *rules,
                                   const char *scan, const char *product_id,
                                   const char *not_scanned, struct hand *out,
                                   struct ward_err *err);
/* Reads how much of it is given, and what else was scanned.
 *   INVALID_ARGUMENT  units, volume, more; SCAN_UNREADABLE; DOSE_UNIT, DOSE_VALUE */
WARD_MUST enum ward_code hand_count(struct ward_arena *mem, const struct ruleset *rules,
                                    const AdministerRequest *q, struct hand *h,
                                    struct ward_err *err);
/* RIGHT_DRUG: what is in hand against a drug (and a product, ""), on a day, "2026-11-21". */
void hand_right(struct rights *r, const struct hand *h, const char *drug_id,
                const char *product_id, const char *today);
/* RIGHT_ROUTE: the route it is given by, against the order's and the product's. */
void hand_route(struct rights *r, const struct hand *h, const Prescription *p, int given);

/* The product in hand, if known, is for this route. */
bool hand_for_route(const struct hand *h, int route);

/* ---- dose_right.c ---- */

/* RIGHT_DOSE: what is stated to be given against the order, and what was scanned against what
 * is stated.   INVALID_ARGUMENT DOSE_UNIT, DOSE_VALUE; units, volume */
struct measured_dose {
    const struct ruleset *rules;
    const Prescription *ordered;
    const Quantity *given;
    const char *product_id;  /* in hand; "" */
    const struct hand *hand; /* NULL: nothing was scanned, and nothing can be */
    const char *unproved;    /* without a hand: why nothing proves it */
    bool partial;
    const struct ward_decimal *before; /* of the same slot, given already; NULL: nothing */
};
WARD_MUST enum ward_code dose_right(struct rights *r, const struct measured_dose *d,
                                    struct ward_err *err);
/* ---- wasted.c ---- */

struct waste {
    const struct ruleset *rules;
    const char *drug_id, *product_id;
    const Quantity *wasted; /* NULL: nothing */
    const Quantity *of;     /* what was ordered or given; NULL: not known */
    const Quantity *given;  /* NULL: nothing */
    Scanned *const *scanned;
    size_t n_scanned;
};
/* What is thrown away is an amount of the drug, at most WASTED_MOST times `of`, and no more
 * than what was scanned and not given, where the units say how much was opened.
 *   INVALID_ARGUMENT DOSE_UNIT, DOSE_VALUE; wasted: it is more */
#define WASTED_MOST 1000 /* local policy: a large ampoule for a newborn's dose is less */
WARD_MUST enum ward_code wasted_check(const struct waste *w, struct ward_err *err);
/* A day as people write it, by a clock. */
void day_of(const struct ward_zone *zone, int64_t at_us, char out[11]);

/* ---- token.c ---- */

enum token_is { TOKEN_GOOD, TOKEN_FOREIGN, TOKEN_ELSEWHERE };
struct token {
    enum token_is is;
    const char *id, *method, *place; /* of the token; id and method are "" unless GOOD */
    double score;
    int64_t spent_us;
    const char *subject; /* as it says itself: whose it is, if anybody's */
};
struct token_ask {
    const char *token;
    const char *place; /* "" any */
    uint8_t (*owners)[DOSAGE_ID];
    size_t n_owners;
};
/* Whom a token says it is of, unproved. */
bool token_is_of(struct visit *v, const struct token_ask *ask);
/* When it says that it was issued, unproved; 0: it does not say. */
int64_t token_issued_us(struct visit *v, const char *token);
/* Whether it says that this is its id, unproved. */
bool token_names(struct visit *v, const char *token, const char *id);
/* Spends it at identity, under a key that is this call's: the same call gets the same answer.
 * Outside of a transaction. A token of another patient, purpose or place is no failure here,
 * and not spent.
 *   UNAUTHENTICATED PPID_*;  ALREADY_EXISTS PPID_SPENT;  UNAVAILABLE IDENTITY_AWAY */
WARD_MUST enum ward_code token_spend(struct visit *v, const struct token_ask *ask,
                                     struct token *out);
const char *token_misuse_of(enum token_is is); /* "foreign", "place" */
/* Says in token_misuse that a token was not good, by the act's event. In a transaction. */
WARD_MUST enum ward_code token_misuse(struct visit *v, const struct ward_event *event,
                                      const char *ward, const char *place, const char *kind,
                                      struct ward_err *err);

/* ---- witness.c: the second person at the bedside ---- */

/* A nurse, physician or pharmacist, another than the caller, of this ward or the caller's (a
 * pharmacist: of any), for TREAT, by a token that was issued less than 5 minutes ago and was
 * not used for another act. Outside of a transaction. *who lives in c->mem.
 *   PERMISSION_DENIED  SECOND_PERSON_REFUSED, SECOND_PERSON_OLD, SECOND_PERSON_USED */
WARD_MUST enum ward_code witness(struct ward_call *c, const struct ward_idem *idem,
                                 const char *token, const char *ward,
                                 struct ward_principal *who);
/* Uses it up for this call, in its transaction.   PERMISSION_DENIED  SECOND_PERSON_USED */
WARD_MUST enum ward_code witness_use(struct ward_call *c, const struct ward_idem *idem,
                                     const struct ward_principal *who, struct ward_err *err);

/* ---- answer.c: answers kept under an idempotency key, sealed ---- */

/* What was answered: r's `recorded`, rights and open, and which dose and decision. In a
 * transaction, last. */
WARD_MUST enum ward_code answer_keep(struct visit *v, const char *patient_id,
                                     const AdministerResponse *r, struct ward_err *err);
/* With the patient's key at hand, and their row locked. */
WARD_MUST enum ward_code answer_keep_for(struct visit *v, const struct owner *o,
                                         const AdministerResponse *r, struct ward_err *err);
/* In a transaction, first: *out is the kept answer, whole again; NULL: it is new. */
WARD_MUST enum ward_code answer_again(struct visit *v, AdministerResponse **out,
                                      struct ward_err *err);
/* A call that failed with `code` may be one that was done before: then its answer is *out and
 * the call is OK. misuse: a token was not good, which is noted; NULL: none. "spent" is noted
 * where a dose was recorded with `token`: who lost a race to a slot spent it for nothing. */
struct answer_late {
    struct visit *v;
    AdministerResponse *out;
    const char *misuse, *ward, *place, *token;
};
WARD_MUST enum ward_code answer_or(struct answer_late *l, enum ward_code code);

/* ---- visit.c ---- */

/* The patient, whether the person may, the idempotency key. */
WARD_MUST enum ward_code visit_begin(struct visit *v, struct ward_call *c, const char *patient,
                                     const char *key, const ProtobufCMessage *q);
/* The chart. A caller who went away meanwhile took the question to records along: what is not
 * known for that reason is nothing to decide by, and no answer to keep.   chart_of's, CANCELLED
 */
WARD_MUST enum ward_code visit_chart(struct visit *v, const char *patient);
/* The same of a dose that is there: the call is about its patient from then on.
 *   NOT_FOUND  ADMINISTRATION_NOT_FOUND: none, or the person may not see its patient */
WARD_MUST enum ward_code visit_dose_of(struct visit *v, struct ward_call *c, const char *id,
                                       Dose **out);
/* There is one, and it is none that is refused unread.
 *   FAILED_PRECONDITION PPID_NEEDED;  UNAUTHENTICATED PPID_MALFORMED */
WARD_MUST enum ward_code visit_token(struct visit *v, const char *token);
/* 0: now; else rule_given_at.   INVALID_ARGUMENT (given_at_us) */
WARD_MUST enum ward_code visit_given(struct visit *v, int64_t given_at_us, int64_t since_us);
/* At most `most` visible characters. */
WARD_MUST enum ward_code visit_label(struct visit *v, const char *field, const char *text,
                                     size_t most);
/* A reason of the active rule set, for this use, that the caller's roles may give; `field`
 * holds it. INVALID_ARGUMENT REASON_UNKNOWN;  PERMISSION_DENIED OVERRIDE_ROLE */
WARD_MUST enum ward_code reason_check(const struct visit *v, const struct ruleset *rules,
                                      const char *field, const char *code, int use,
                                      struct ward_err *err);
/* amount, in a unit that is one, and a route that is one.   INVALID_ARGUMENT */
WARD_MUST enum ward_code visit_amount(struct visit *v, const char *field, const Quantity *q);
WARD_MUST enum ward_code visit_route(struct visit *v, int route);
/* Locks the dose's patient, then the dose, and reads it again. In a transaction. */
WARD_MUST enum ward_code visit_lock(struct visit *v, const Dose *d, Dose **out,
                                    struct ward_err *err);
/* A dose's next version, written by this call, like the one before in all that is not set. */
WARD_MUST enum ward_code visit_next(struct visit *v, const Dose *was, Dose **out,
                                    struct ward_err *err);
/* Its slot's due time; -1: it has none. */
WARD_MUST enum ward_code dose_due(const Dose *d, int64_t *due_us, struct ward_err *err);
/* A dose with new ids, of this call. */
WARD_MUST enum ward_code visit_dose(struct visit *v, const char *patient_id, Dose **out,
                                    struct ward_err *err);
/* Who was erased is none any more: PATIENT_ERASED becomes NOT_FOUND PATIENT_NOT_FOUND, of a
 * dose ADMINISTRATION_NOT_FOUND. */
enum ward_code visit_gone(struct visit *v, enum ward_code code, bool of_dose);
/* read.c: an audit event for each dose that a list showed; one of nobody where it showed none.
 */
WARD_MUST enum ward_code doses_told(struct ward_call *c, struct ward_event *event, Dose **all,
                                    size_t n);
void count_dose(struct visit *v, const Dose *d);      /* after the commit */
void count_failed(struct visit *v, struct rights *r); /* likewise */

#endif
