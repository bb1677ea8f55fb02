/* UnmergePatients: separates two merged patients; each patient gets back their own records. */
#include "services/records/merge/merge.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <string.h>

typedef Ward__Records__V1__UnmergePatientsRequest UnmergeRequest;
typedef Ward__Records__V1__UnmergePatientsResponse UnmergeResponse;

struct unmerging {
    struct both both;
    const UnmergeRequest *req;
    UnmergeResponse *resp;
    struct ward_idem idem;
    uint8_t id[RECORDS_ID];
    enum was_active was;
};

static enum ward_code select_merge(struct unmerging *u, bool lock, struct ward_rows *out,
                                   struct ward_err *err)
{
    static const char plain[] = "SELECT into_id, from_id, was_active, unmerged_at_us"
                                " FROM patient_merge WHERE merge_id = ?";
    static const char locked[] = "SELECT into_id, from_id, was_active, unmerged_at_us"
                                 " FROM patient_merge WHERE merge_id = ? FOR UPDATE";
    struct worker *w = u->both.c->wrk;

    WARD_TRY(ward_db_run(w->event_ctx.db, u->both.c->mem, lock ? locked : plain,
                         WARD_PARAMS(ward_blob(u->id, RECORDS_ID)), out, err));
    if (out->n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "MERGE_NOT_FOUND", "no such merge");
    return WARD_OK;
}

/* Reads the two patients of a merge, which never change, and sets them in the events. */
static enum ward_code find(struct unmerging *u)
{
    struct both *b = &u->both;
    struct ward_rows rows;

    WARD_TRY(select_merge(u, false, &rows, b->c->err));
    memcpy(b->into.id, rows.at[0][0].p, RECORDS_ID);
    memcpy(b->from.id, rows.at[0][1].p, RECORDS_ID);
    both_acts(b);
    return WARD_OK;
}

/* Locks the merge. The patients are locked before, in the order that a merge uses. */
static enum ward_code lock_merge(struct unmerging *u, struct ward_err *err)
{
    struct ward_rows rows;
    int64_t was;

    WARD_TRY(select_merge(u, true, &rows, err));
    if (rows.at[0][3].p != NULL)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "NOT_MERGED",
                                "the merge was already undone");
    if (memcmp(u->both.into.root, u->both.into.id, RECORDS_ID) != 0)
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, "MERGED_ON",
            "the surviving patient was later merged into another; undo that merge first");
    if (!ward_i64(rows.at[0][2].p, WAS_NOT_SET, WAS_ACTIVE, &was))
        return WARD_FAIL(err, DATA_LOSS, "the row of a merge was changed outside the service");
    u->was = (enum was_active)was;
    return WARD_OK;
}

/* Restores the root of the merged patient, and of all patients who are still merged into the
 * merged patient. */
static enum ward_code point_back(struct both *b, struct ward_err *err)
{
    static const char below[] =
        "WITH RECURSIVE gone (id) AS (SELECT CAST(? AS BINARY(16)) UNION SELECT m.from_id"
        " FROM gone JOIN patient_merge m ON m.into_id = gone.id WHERE m.unmerged_at_us IS NULL)"
        " SELECT id FROM gone ORDER BY id";
    static const char move[] = "UPDATE patient SET root_id = ? WHERE patient_id = ?";
    struct worker *w = b->c->wrk;
    struct ward_arena *mem = b->c->mem;
    struct ward_rows rows;
    struct ward_val *values;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, below,
                         WARD_PARAMS(ward_blob(b->from.id, RECORDS_ID)), &rows, err));
    values = ward_alloc(mem, rows.n * 2 * sizeof(*values));
    if (values == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the patients");
    for (size_t i = 0; i < rows.n; i++) {
        values[2 * i] = ward_blob(b->from.id, RECORDS_ID);
        values[2 * i + 1] = rows.at[i][0];
    }
    return ward_db_bulk(w->event_ctx.db, move, values, 2, rows.n, err);
}

static enum ward_code mark(struct unmerging *u, int64_t at_us, struct ward_err *err)
{
    static const char sql[] = "UPDATE patient_merge SET unmerged_by = ?, unmerged_at_us = ?,"
                              " unmerge_reason = ? WHERE merge_id = ?";
    struct both *b = &u->both;
    struct worker *w = b->c->wrk;
    struct ward_val reason;

    WARD_TRY(merge_seal(b, u->id, u->req->reason, &reason, err));
    return ward_db_run(w->event_ctx.db, b->c->mem, sql,
                       WARD_PARAMS(ward_text(b->view.actor), ward_int(b->c->mem, at_us), reason,
                                   ward_blob(u->id, RECORDS_ID)),
                       NULL, err);
}

static enum ward_code keep(struct unmerging *u, struct ward_db *db, struct ward_err *err)
{
    UnmergeResponse kept = WARD__RECORDS__V1__UNMERGE_PATIENTS_RESPONSE__INIT;

    WARD_TRY(side_keep(u->both.c, u->resp->into, &kept.into, err));
    WARD_TRY(side_keep(u->both.c, u->resp->from, &kept.from, err));
    return ward_call_store_answer(u->both.c, db, &u->idem, &kept.base, err);
}

static enum ward_code unmerge_new(struct unmerging *u, struct ward_db *db, struct ward_err *err)
{
    struct both *b = &u->both;
    int64_t now = ward_wall_us();

    WARD_TRY(both_lock(b, err));
    WARD_TRY(lock_merge(u, err));
    WARD_TRY(both_open(b, err));
    link_remove(b->into.res->patient, WARD__RECORDS__V1__PATIENT__LINK_TYPE__LINK_TYPE_REPLACES,
                b->from.text);
    link_remove(b->from.res->patient,
                WARD__RECORDS__V1__PATIENT__LINK_TYPE__LINK_TYPE_REPLACED_BY, b->into.text);
    active_back(b->from.res->patient, u->was);
    WARD_TRY(both_write(b, WARD__RECORDS__V1__ACT__ACT_UNMERGED, now, err));
    WARD_TRY(mark(u, now, err));
    WARD_TRY(point_back(b, err));
    WARD_TRY(both_tell(b, err));
    WARD_TRY(both_records(b, &u->resp->into, &u->resp->from, err));
    return keep(u, db, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct unmerging *u = arg;
    struct ward_call *c = u->both.c;
    ProtobufCMessage *kept;
    const UnmergeResponse *was;

    WARD_TRY(ward_call_stored_answer(c, db, &u->idem,
                                     &ward__records__v1__unmerge_patients_response__descriptor,
                                     &kept, err));
    if (kept == NULL)
        return unmerge_new(u, db, err);
    was = (const UnmergeResponse *)kept;
    WARD_TRY(side_again(&u->both, was->into, &u->resp->into, err));
    WARD_TRY(side_again(&u->both, was->from, &u->resp->from, err));
    return both_tell(&u->both, err);
}

enum ward_code unmerge_patients_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    struct unmerging u = {
        .both.c = c, .req = (const UnmergeRequest *)q, .resp = (UnmergeResponse *)r};
    struct worker *w = c->wrk;
    struct ward_event unknown;
    size_t words = strlen(u.req->reason);

    ward_event_begin(&unknown, c, &w->event_ctx, NULL);
    WARD_TRY(both_begin(&u.both, c->err));
    WARD_TRY(ward_call_id(c, "merge_id", u.req->merge_id, u.id, NULL));
    if (words < 1 || words > 500)
        return WARD_FAIL_FIELD(c->err, "reason", "must be 1 to 500 bytes");
    WARD_TRY(ward_call_idem(c, u.req->idempotency_key, q, &u.idem));
    WARD_TRY(find(&u));
    return chart_tx(w, in_tx, &u, c->err);
}
