#include "services/records/access/log.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/rpc/wire.h"

#include <string.h>

#define AUDIT(method) "/ward.audit.v1.Audit/" method

typedef Ward__Audit__V1__QueryPatientRequest Query;
typedef Ward__Audit__V1__QueryPatientResponse Answer;
typedef Ward__Audit__V1__Receipt Receipt;

static enum ward_code differs(struct ward_err *err, const char *how)
{
    return WARD_FAIL_REASON(err, DATA_LOSS, "AUDIT_DIFFERS", "%s", how);
}

/* Maps audit's refusals to errors for this service's caller. */
static enum ward_code meaning(struct ward_call *c, enum ward_code code, struct ward_err *err)
{
    if (code == WARD_OK || ward_call_cancelled(c))
        return code;
    if (code == WARD_DATA_LOSS)
        return differs(err, "audit reports that its log differs from its signed head");
    return WARD_FAIL_REASON(err, UNAVAILABLE, "AUDIT_AWAY",
                            "audit is unavailable; partial results are not returned");
}

/* Calls audit with the caller's token. The last 500 ms before the deadline are reserved to
 * report an error. */
static enum ward_code ask(struct log_page *p, const char *path, const ProtobufCMessage *req,
                          const ProtobufCMessageDescriptor *type, ProtobufCMessage **resp,
                          struct ward_err *err)
{
    struct worker *w = p->c->wrk;
    struct ward_out with = ward_out_of(p->c);

    with.deadline_ns = p->c->deadline_ns - 500 * WARD_NS_PER_MS;
    return ward_client_call(w->rec->audit, path, &with, req, type, resp, p->c->mem, err);
}

static enum ward_code take(struct log_page *p, const Answer *a, struct ward_err *err)
{
    for (size_t i = 0; i < a->n_records; i++) {
        const Ward__Audit__V1__Record *r = a->records[i];

        if (r->event == NULL || r->index >= (uint64_t)LOG_NO_INDEX)
            return differs(err, "audit returned an event without content");
        WARD_TRY(log_add(p, r->event, (int64_t)r->index, err));
    }
    return WARD_OK;
}

enum ward_code log_ask_audit(struct log_page *p, struct ward_err *err)
{
    char patient[37];
    Query q = WARD__AUDIT__V1__QUERY_PATIENT_REQUEST__INIT;
    ProtobufCMessage *answer;

    q.patient = patient;
    q.from_us = p->from_us;
    q.to_us = p->to_us;
    q.most = (int32_t)p->most + 1;
    if (p->has_after) {
        q.before_us = p->after.at_us;
        q.before_index = (uint64_t)p->after.index;
    }
    for (size_t k = 0; k < p->n_chart; k++) {
        ward_uuid_text(p->chart[k], patient);
        WARD_TRY(
            meaning(p->c,
                    ask(p, AUDIT("QueryPatient"), &q.base,
                        &ward__audit__v1__query_patient_response__descriptor, &answer, err),
                    err));
        WARD_TRY(take(p, (const Answer *)answer, err));
    }
    return WARD_OK;
}

/* ---- missing events ---- */

/* The time span of this page ends where the next page begins. */
static int64_t low_of(const struct log_page *p)
{
    return p->more && p->n_entries > 0 ? p->entry[p->n_entries - 1].place.at_us : p->from_us;
}

static int64_t high_of(const struct log_page *p)
{
    int64_t to = p->to_us == 0 ? INT64_MAX : p->to_us;

    return p->has_after && p->after.at_us < to ? p->after.at_us : to;
}

/* Checks an event that audit has but did not return for the patient. An event on another page
 * and an erased event are correct; any other event's search key was altered. */
static enum ward_code elsewhere(const struct log_page *p, const Receipt *r,
                                struct ward_err *err)
{
    ProtobufCMessage *m;
    const Event *e;

    if (r == NULL)
        return differs(err, "audit has no receipt for an event that it acknowledged");
    if (r->erased)
        return WARD_OK;
    if (r->content == NULL)
        return differs(err,
                       "audit does not return the content of an event that it acknowledged");
    WARD_TRY(ward_wire_unpack(&ward__audit__v1__event__descriptor, r->content->event.data,
                              r->content->event.len, p->c->mem, &m, err));
    e = (const Event *)m;
    if (e->occurred_at_us > low_of(p) && e->occurred_at_us < high_of(p))
        return differs(
            err,
            "audit has an event about the patient, but its search does not find the event");
    return WARD_OK;
}

static enum ward_code look_up(struct log_page *p, const struct log_line *l,
                              struct ward_err *err)
{
    Ward__Audit__V1__GetReceiptRequest q = WARD__AUDIT__V1__GET_RECEIPT_REQUEST__INIT;
    ProtobufCMessage *answer;
    enum ward_code code;
    char id[37];

    ward_uuid_text(l->event_id, id);
    q.event_id = id;
    code = ask(p, AUDIT("GetReceipt"), &q.base,
               &ward__audit__v1__get_receipt_response__descriptor, &answer, err);
    if (code == WARD_NOT_FOUND)
        return differs(err, "audit lacks an event that it acknowledged");
    WARD_TRY(meaning(p->c, code, err));
    return elsewhere(p, ((const Ward__Audit__V1__GetReceiptResponse *)answer)->receipt, err);
}

enum ward_code log_check(struct log_page *p, struct ward_err *err)
{
    for (size_t i = 0; i < p->n_lines; i++) {
        const struct log_line *l = &p->line[i];

        if (l->at_us < low_of(p) || l->at_us >= high_of(p) || log_with(p, l->event_id) != NULL)
            continue;
        WARD_TRY(look_up(p, l, err));
    }
    return WARD_OK;
}

/* Reads the log's size from the second line of a checkpoint. */
static bool size_of(const char *note, int64_t *out)
{
    const char *line = strchr(note, '\n'), *end = line == NULL ? NULL : strchr(line + 1, '\n');
    char digits[24] = {0};

    if (end == NULL || (size_t)(end - line - 1) >= sizeof(digits))
        return false;
    memcpy(digits, line + 1, (size_t)(end - line - 1));
    return ward_i64(digits, 0, INT64_MAX, out);
}

enum ward_code log_checkpoint(struct log_page *p, char **out, struct ward_err *err)
{
    Ward__Audit__V1__GetCheckpointRequest q = WARD__AUDIT__V1__GET_CHECKPOINT_REQUEST__INIT;
    ProtobufCMessage *answer;
    int64_t size;

    WARD_TRY(meaning(p->c,
                     ask(p, AUDIT("GetCheckpoint"), &q.base,
                         &ward__audit__v1__get_checkpoint_response__descriptor, &answer, err),
                     err));
    *out = ((const Ward__Audit__V1__GetCheckpointResponse *)answer)->checkpoint;
    if (!size_of(*out, &size))
        return differs(err, "audit's signed head has no size");
    for (size_t i = 0; i < p->n_entries; i++)
        if (p->entry[i].place.index != LOG_NO_INDEX && p->entry[i].place.index >= size)
            return differs(err,
                           "audit's signed head does not cover all events that audit returned");
    return WARD_OK;
}
