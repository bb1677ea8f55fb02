/* track.h - declarations that the files of this folder share: a call about one patient, time
 * spans, and the pure rules of adherence and supply.
 *
 * Threads: a worker's own connection; the rules are pure. Memory: the call's arena. Errors:
 * handler.h's, chart.h's, and as each says.
 */
#ifndef DOSAGE_TRACK_TRACK_H
#define DOSAGE_TRACK_TRACK_H

#include "services/dosage/api.h"
#include "services/dosage/give/give.h"
#include "ward/dosage/v1/tracking.pb-c.h"

typedef Ward__Dosage__V1__Administration Dose;
typedef Ward__Dosage__V1__Order Order;
typedef Ward__Dosage__V1__Slot Slot;
typedef Ward__Dosage__V1__Quantity Quantity;
typedef Ward__Dosage__V1__Adherence Adherence;

#define TRACK_DAY_US   INT64_C(86400000000)
#define TRACK_DAYS     62                          /* maximum length of a span */
#define TRACK_DOSES    5000                        /* of one answer */
#define TRACK_TIME_MAX INT64_C(253402300800000000) /* the year 10000 */
/* States of orders that were active: no drafts, and none that were cancelled or entered in
 * error. */
#define TRACK_RAN                                                                              \
    (1u << ORDER_ACTIVE | 1u << ORDER_ON_HOLD | 1u << ORDER_STOPPED | 1u << ORDER_COMPLETED)

/* ---- begin.c ---- */

/* A call about a patient: begins the event, checks the access; `chart` has the surviving
 * record.
 *   NOT_FOUND  PATIENT_NOT_FOUND and chart_may's */
WARD_MUST enum ward_code track_begin(struct ward_call *c, const char *patient_id,
                                     struct ward_event *event, struct chart *chart);
/* [*from, *to): if the request has 0, this long before and after now. INVALID_ARGUMENT unless 0
 * <= from < to and at most TRACK_DAYS. */
WARD_MUST enum ward_code track_span(struct ward_call *c, int64_t now_us, int64_t before_us,
                                    int64_t after_us, int64_t *from_us, int64_t *to_us);
/* One order of this patient or a merged record.   NOT_FOUND  ORDER_NOT_FOUND */
WARD_MUST enum ward_code track_order(struct ward_call *c, const struct chart *chart,
                                     const char *order_id, Order **out, struct ward_err *err);

/* A ward that the caller may ask about, with settings.
 *   INVALID_ARGUMENT;  PERMISSION_DENIED WARD_NOT_YOURS;  NOT_FOUND WARD_NOT_FOUND */
WARD_MUST enum ward_code track_ward(struct ward_call *c, const char *ward);
/* In a transaction: an event for each displayed patient (ids, possibly repeated), or one
 * without a patient if there is none. Sorts `who`. */
WARD_MUST enum ward_code track_shown(const struct ward_event *first, const char **who, size_t n,
                                     struct ward_db *db, struct ward_err *err);

/* ---- adhere.c: pure ---- */

/* One slot whose window has ended, and its charted dose (NULL: none). */
void adherence_add(Adherence *a, const Slot *slot, const Dose *charted);

/* ---- stock.c: pure ---- */

/* An amount of an order's drug in the unit of its dose: unchanged if the units are equal,
 * otherwise by the drug's first ingredient. `negative` is kept.
 *   INVALID_ARGUMENT  DOSE_UNIT: no exact conversion; DOSE_VALUE */
WARD_MUST enum ward_code stock_amount(const struct ruleset *rules,
                                      const Ward__Dosage__V1__Prescription *p,
                                      const char *product_id, const Quantity *given,
                                      struct ward_decimal *out, struct ward_err *err);
/* Whole doses in the remaining amount; 0 if none remains. At most INT32_MAX. */
int32_t stock_doses(const struct ward_decimal *left, const struct ward_decimal *dose);

#endif
