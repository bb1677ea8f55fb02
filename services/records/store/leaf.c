/* Reads the position of a version's event in the audit log. */
#include "common/base/clock.h"
#include "services/records/store/rpc.h"
#include "ward/audit/v1/audit.pb-c.h"

enum ward_code leaf_of(struct ward_call *c, Ward__Records__V1__Version *v)
{
    Ward__Audit__V1__GetReceiptRequest q = WARD__AUDIT__V1__GET_RECEIPT_REQUEST__INIT;
    struct worker *w = c->wrk;
    struct ward_out with = ward_out_of(c);
    const Ward__Audit__V1__GetReceiptResponse *answer;
    ProtobufCMessage *msg = NULL;
    struct ward_err err = {0};
    enum ward_code code;

    /* the remaining 500 ms are reserved to report that audit is unavailable */
    with.deadline_ns = c->deadline_ns - 500 * WARD_NS_PER_MS;
    q.event_id = v->event_id;
    code = ward_client_call(w->rec->audit, "/ward.audit.v1.Audit/GetReceipt", &with, &q.base,
                            &ward__audit__v1__get_receipt_response__descriptor, &msg, c->mem,
                            &err);
    if (code == WARD_NOT_FOUND)
        return WARD_OK; /* the event is still in the outbox */
    if (code == WARD_OK) {
        answer = (const Ward__Audit__V1__GetReceiptResponse *)msg;
        v->has_leaf = answer->receipt != NULL;
        v->leaf_index = v->has_leaf ? answer->receipt->index : 0;
        return WARD_OK;
    }
    if (ward_call_cancelled(c))
        return WARD_FAIL(c->err, CANCELLED, "the caller disconnected");
    WARD_FAIL_REASON(c->err, UNAVAILABLE, "AUDIT_AWAY",
                     "audit is unavailable and cannot return the leaves");
    ward_err_detail(c->err, "%s", err.msg);
    return WARD_UNAVAILABLE;
}
