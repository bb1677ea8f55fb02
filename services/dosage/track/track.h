/* track.h - declarations that the files of this folder share: a call about one patient, time
 * spans, and the pure rules of adherence and supply.
 *
 * Threads: each worker uses its own connection; the rules are pure. Memory: the call's arena.
 * Errors: those of handler.h and chart.h, and those listed at each function.
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
#define TRACK_DAYS     62                          /* maximum days of a time span */
#define TRACK_DOSES    5000                        /* maximum doses of one answer */
#define TRACK_TIME_MAX INT64_C(253402300800000000) /* microseconds at the year 10000 */
/* States of orders that were active at some time: not drafts, cancelled orders or orders
 * entered in error. */
#define TRACK_RAN                                                                              \
    (1u << ORDER_ACTIVE | 1u << ORDER_ON_HOLD | 1u << ORDER_STOPPED | 1u << ORDER_COMPLETED)

/* ---- begin.c ---- */

/* Begins a call about a patient: begins the event and checks the access. `chart` has the
 * surviving record.   NOT_FOUND  PATIENT_NOT_FOUND, and the errors of chart_may */
WARD_MUST enum ward_code track_begin(struct ward_call *c, const char *patient_id,
                                     struct ward_event *event, struct chart *chart);
/* The time span [*from, *to). A missing time (0) becomes before_us before now, or after_us
 * after now. INVALID_ARGUMENT unless 0 <= from < to and at most TRACK_DAYS. */
WARD_MUST enum ward_code track_span(struct ward_call *c, int64_t now_us, int64_t before_us,
                                    int64_t after_us, int64_t *from_us, int64_t *to_us);
/* One order of this patient or a merged record.   NOT_FOUND  ORDER_NOT_FOUND */
WARD_MUST enum ward_code track_order(struct ward_call *c, const struct chart *chart,
                                     const char *order_id, Order **out, struct ward_err *err);

/* Checks that the caller may ask about the ward, and that the ward has settings.
 *   INVALID_ARGUMENT;  PERMISSION_DENIED WARD_NOT_YOURS;  NOT_FOUND WARD_NOT_FOUND */
WARD_MUST enum ward_code track_ward(struct ward_call *c, const char *ward);
/* Writes an event for each displayed patient, or one event without a patient if `who` is empty.
 * who: patient ids, possibly repeated; they are sorted. Call in a transaction. */
WARD_MUST enum ward_code track_shown(const struct ward_event *first, const char **who, size_t n,
                                     struct ward_db *db, struct ward_err *err);

/* ---- adhere.c: pure ---- */

/* Counts a slot whose window has ended, and its charted dose (NULL: not charted). */
void adherence_add(Adherence *a, const Slot *slot, const Dose *charted);

/* ---- stock.c: pure ---- */

/* Converts an amount of an order's drug to the unit of the order's dose. Equal units need no
 * conversion; other units are converted by the drug's first ingredient. The sign is preserved.
 *   INVALID_ARGUMENT  DOSE_UNIT: no exact conversion; DOSE_VALUE */
WARD_MUST enum ward_code stock_amount(const struct ruleset *rules,
                                      const Ward__Dosage__V1__Prescription *p,
                                      const char *product_id, const Quantity *given,
                                      struct ward_decimal *out, struct ward_err *err);
/* Whole doses in the remaining amount; 0 if nothing remains. At most INT32_MAX. */
int32_t stock_doses(const struct ward_decimal *left, const struct ward_decimal *dose);

#endif
