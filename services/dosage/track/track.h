/* track.h - what the files of this folder share: a call about one patient, spans of time, and
 * the pure rules of adherence and supply.
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
#define TRACK_DAYS     62                          /* the longest span that is asked for */
#define TRACK_DOSES    5000                        /* of one answer */
#define TRACK_TIME_MAX INT64_C(253402300800000000) /* the year 10000 */
/* States an order had to be in to have run: not drafts, nor what was cancelled or wrong. */
#define TRACK_RAN                                                                              \
    (1u << ORDER_ACTIVE | 1u << ORDER_ON_HOLD | 1u << ORDER_STOPPED | 1u << ORDER_COMPLETED)

/* ---- begin.c ---- */

/* A call about a patient: the act is begun, the person may, `chart` says who it is now.
 *   NOT_FOUND  PATIENT_NOT_FOUND and chart_may's */
WARD_MUST enum ward_code track_begin(struct ward_call *c, const char *patient_id,
                                     struct ward_event *event, struct chart *chart);
/* [*from, *to): where the request says 0, so long before and after now. INVALID_ARGUMENT unless
 * 0 <= from < to and at most TRACK_DAYS. */
WARD_MUST enum ward_code track_span(struct ward_call *c, int64_t now_us, int64_t before_us,
                                    int64_t after_us, int64_t *from_us, int64_t *to_us);
/* One order of this patient, or of who is them.   NOT_FOUND  ORDER_NOT_FOUND */
WARD_MUST enum ward_code track_order(struct ward_call *c, const struct chart *chart,
                                     const char *order_id, Order **out, struct ward_err *err);

/* A ward that the caller may ask about, and that has a clock.
 *   INVALID_ARGUMENT;  PERMISSION_DENIED WARD_NOT_YOURS;  NOT_FOUND WARD_NOT_FOUND */
WARD_MUST enum ward_code track_ward(struct ward_call *c, const char *ward);
/* In a transaction: an event of each patient that was shown (ids, some of them more than once),
 * or one about nobody where nobody was. Sorts `who`. */
WARD_MUST enum ward_code track_shown(const struct ward_event *first, const char **who, size_t n,
                                     struct ward_db *db, struct ward_err *err);

/* ---- adhere.c: pure ---- */

/* One slot whose window has ended, and what was charted for it (NULL: nothing). */
void adherence_add(Adherence *a, const Slot *slot, const Dose *charted);

/* ---- stock.c: pure ---- */

/* An amount of an order's drug in the unit of its dose: as it is where the unit is the dose's,
 * else by the drug's first ingredient. `negative` is kept.
 *   INVALID_ARGUMENT  DOSE_UNIT: nothing converts it exactly; DOSE_VALUE */
WARD_MUST enum ward_code stock_amount(const struct ruleset *rules,
                                      const Ward__Dosage__V1__Prescription *p,
                                      const char *product_id, const Quantity *given,
                                      struct ward_decimal *out, struct ward_err *err);
/* Whole doses in what is left; 0 where nothing is. At most INT32_MAX. */
int32_t stock_doses(const struct ward_decimal *left, const struct ward_decimal *dose);

#endif
