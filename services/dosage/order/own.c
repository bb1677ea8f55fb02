/* Functions that the files of this folder share. */
#include "services/dosage/order/order_own.h"

#include <string.h>

enum ward_code order_unseen(enum ward_code code, struct ward_err *err)
{
    if (code == WARD_NOT_FOUND && strcmp(err->reason, "PATIENT_NOT_FOUND") == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "ORDER_NOT_FOUND", "no such order");
    return code;
}

enum ward_code order_gone(enum ward_code code, struct ward_err *err)
{
    if (code == WARD_FAILED_PRECONDITION && strcmp(err->reason, "PATIENT_ERASED") == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "PATIENT_NOT_FOUND", "no such patient");
    return code;
}

/* Retry delay for the client: an unresponsive records is not called during this time. */
#define RETRY_MS 1000

enum ward_code chart_was_read(char *const *open, size_t n_open, struct ward_err *err)
{
    for (size_t i = 0; i < n_open; i++) {
        if (strcmp(open[i], "ward.chart-unavailable") != 0)
            continue;
        (void)WARD_FAIL_REASON(err, UNAVAILABLE, "CHART_UNAVAILABLE",
                               "the chart is unavailable and nothing was recorded; repeat the "
                               "call with the same key");
        if (err != NULL)
            err->retry_after_ms = RETRY_MS;
        return WARD_UNAVAILABLE;
    }
    return WARD_OK;
}

void order_note(struct ward_event *a, const Order *order)
{
    ward_event_note(a, "order", order->order_id);
    ward_event_note_int(a, "version", order->version);
    ward_event_note_int(a, "state", order->state);
}

void decision_note(struct ward_event *a, const Decision *d)
{
    static const char *const words[] = {"none", "pass", "warn", "stop"};
    size_t i = (size_t)d->outcome < WARD_COUNT(words) ? (size_t)d->outcome : 0;

    ward_event_note(a, "decision", d->decision_id);
    ward_event_note(a, "outcome", words[i]);
    ward_event_note_int(a, "findings", (int64_t)d->n_findings);
}
