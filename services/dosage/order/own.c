/* What the files of this folder share. */
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

void order_note(struct ward_act *a, const Order *order)
{
    ward_act_note(a, "order", order->order_id);
    ward_act_note_int(a, "version", order->version);
    ward_act_note_int(a, "state", order->state);
}

void decision_note(struct ward_act *a, const Decision *d)
{
    static const char *const words[] = {"none", "pass", "warn", "stop"};
    size_t i = (size_t)d->outcome < WARD_COUNT(words) ? (size_t)d->outcome : 0;

    ward_act_note(a, "decision", d->decision_id);
    ward_act_note(a, "outcome", words[i]);
    ward_act_note_int(a, "findings", (int64_t)d->n_findings);
}
