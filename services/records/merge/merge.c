/* MergePatients: combines two charts. */
#include "services/records/merge/merge.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Records__V1__MergePatientsRequest MergeRequest;
typedef Ward__Records__V1__MergePatientsResponse MergeResponse;

struct merging {
    struct both both;
    const MergeRequest *req;
    MergeResponse *resp;
    struct ward_idem idem;
    uint8_t id[RECORDS_ID];
};

static enum ward_code check(struct merging *m)
{
    struct ward_call *c = m->both.c;
    const MergeRequest *q = m->req;
    size_t words = strlen(q->reason);

    WARD_TRY(ward_call_id(c, "into_patient_id", q->into_patient_id, m->both.into.id, NULL));
    WARD_TRY(ward_call_id(c, "from_patient_id", q->from_patient_id, m->both.from.id, NULL));
    if (memcmp(m->both.into.id, m->both.from.id, RECORDS_ID) == 0)
        return WARD_FAIL_FIELD(c->err, "from_patient_id", "is the same patient");
    if (q->into_version < 1)
        return WARD_FAIL_FIELD(c->err, "into_version", "must be 1 or more");
    if (q->from_version < 1)
        return WARD_FAIL_FIELD(c->err, "from_version", "must be 1 or more");
    if (words < 1 || words > 500)
        return WARD_FAIL_FIELD(c->err, "reason", "must be 1 to 500 bytes");
    m->both.into.expected = q->into_version;
    m->both.from.expected = q->from_version;
    return WARD_OK;
}

static enum ward_code can_be_one(const struct both *b, struct ward_err *err)
{
    if (memcmp(b->into.root, b->from.root, RECORDS_ID) == 0)
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, "MERGE_CYCLE",
            "the two patients are already merged, directly or through others");
    if (memcmp(b->into.root, b->into.id, RECORDS_ID) != 0 ||
        memcmp(b->from.root, b->from.id, RECORDS_ID) != 0)
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, "PATIENT_MERGED",
            "one of the patients was merged into another; use the surviving patient");
    return WARD_OK;
}

static enum ward_code point(struct both *b, struct ward_err *err)
{
    static const char sql[] = "UPDATE patient SET root_id = ? WHERE root_id = ?";
    struct worker *w = b->c->wrk;

    return ward_db_run(
        w->event_ctx.db, b->c->mem, sql,
        WARD_PARAMS(ward_blob(b->into.id, RECORDS_ID), ward_blob(b->from.id, RECORDS_ID)), NULL,
        err);
}

static enum ward_code insert(struct merging *m, enum was_active was, int64_t at_us,
                             struct ward_err *err)
{
    static const char sql[] =
        "INSERT INTO patient_merge (merge_id, into_id, from_id, merged_by,"
        " merged_at_us, was_active, reason) VALUES (?, ?, ?, ?, ?, ?, ?)";
    struct both *b = &m->both;
    struct worker *w = b->c->wrk;
    struct ward_arena *mem = b->c->mem;
    struct ward_val reason;

    WARD_TRY(merge_seal(b, m->id, m->req->reason, &reason, err));
    return ward_db_run(w->event_ctx.db, mem, sql,
                       WARD_PARAMS(ward_blob(m->id, RECORDS_ID),
                                   ward_blob(b->into.id, RECORDS_ID),
                                   ward_blob(b->from.id, RECORDS_ID), ward_text(b->view.actor),
                                   ward_int(mem, at_us), ward_int(mem, (int64_t)was), reason),
                       NULL, err);
}

static enum ward_code keep(struct merging *m, struct ward_db *db, struct ward_err *err)
{
    MergeResponse kept = WARD__RECORDS__V1__MERGE_PATIENTS_RESPONSE__INIT;

    kept.merge_id = m->resp->merge_id;
    WARD_TRY(side_keep(m->both.c, m->resp->into, &kept.into, err));
    WARD_TRY(side_keep(m->both.c, m->resp->from, &kept.from, err));
    return ward_call_store_answer(m->both.c, db, &m->idem, &kept.base, err);
}

static enum ward_code merge_new(struct merging *m, struct ward_db *db, struct ward_err *err)
{
    struct both *b = &m->both;
    int64_t now = ward_wall_us();
    enum was_active was;

    WARD_TRY(both_lock(b, err));
    WARD_TRY(can_be_one(b, err));
    WARD_TRY(both_open(b, err));
    was = active_of(b->from.res->patient);
    WARD_TRY(link_add(b->c->mem, b->into.res->patient,
                      WARD__RECORDS__V1__PATIENT__LINK_TYPE__LINK_TYPE_REPLACES, b->from.text,
                      err));
    WARD_TRY(link_add(b->c->mem, b->from.res->patient,
                      WARD__RECORDS__V1__PATIENT__LINK_TYPE__LINK_TYPE_REPLACED_BY,
                      b->into.text, err));
    active_back(b->from.res->patient, WAS_INACTIVE);
    WARD_TRY(both_write(b, WARD__RECORDS__V1__ACT__ACT_MERGED, now, err));
    WARD_TRY(point(b, err));
    WARD_TRY(insert(m, was, now, err));
    WARD_TRY(both_tell(b, err));
    WARD_TRY(ward_call_uuid(b->c, m->id, &m->resp->merge_id));
    WARD_TRY(both_records(b, &m->resp->into, &m->resp->from, err));
    return keep(m, db, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct merging *m = arg;
    struct ward_call *c = m->both.c;
    ProtobufCMessage *kept;
    const MergeResponse *was;

    WARD_TRY(ward_call_stored_answer(
        c, db, &m->idem, &ward__records__v1__merge_patients_response__descriptor, &kept, err));
    if (kept == NULL)
        return merge_new(m, db, err);
    was = (const MergeResponse *)kept;
    m->resp->merge_id = was->merge_id;
    WARD_TRY(side_again(&m->both, was->into, &m->resp->into, err));
    WARD_TRY(side_again(&m->both, was->from, &m->resp->from, err));
    return both_tell(&m->both, err);
}

enum ward_code merge_patients_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    struct merging m = {
        .both.c = c, .req = (const MergeRequest *)q, .resp = (MergeResponse *)r};

    WARD_TRY(check(&m));
    both_acts(&m.both);
    WARD_TRY(both_begin(&m.both, c->err));
    WARD_TRY(ward_call_idem(c, m.req->idempotency_key, q, &m.idem));
    ward_uuid7(m.id);
    return chart_tx(c->wrk, in_tx, &m, c->err);
}
