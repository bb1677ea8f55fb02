/* ListMerges: lists the merges of a patient, both into and from other patients. */
#include "services/records/merge/merge.h"

#include "common/base/text.h"

#include <string.h>

typedef Ward__Records__V1__ListMergesRequest ListRequest;
typedef Ward__Records__V1__ListMergesResponse ListResponse;
typedef Ward__Records__V1__Merge Merge;

struct listing {
    struct ward_call *c;
    ListResponse *resp;
    struct ward_event event;
    struct view view;
    uint8_t patient[RECORDS_ID];
};

static enum ward_code select_all(struct listing *l, struct ward_rows *out, struct ward_err *err)
{
    static const char sql[] =
        "SELECT merge_id, into_id, from_id, merged_by, merged_at_us, unmerged_by,"
        " unmerged_at_us FROM patient_merge WHERE into_id = ?"
        " UNION SELECT merge_id, into_id, from_id, merged_by, merged_at_us, unmerged_by,"
        " unmerged_at_us FROM patient_merge WHERE from_id = ?"
        " ORDER BY merged_at_us DESC, merge_id DESC LIMIT 100";
    struct worker *w = l->c->wrk;
    struct ward_val patient = ward_blob(l->patient, RECORDS_ID);

    return ward_db_run(w->event_ctx.db, l->c->mem, sql, WARD_PARAMS(patient, patient), out,
                       err);
}

static enum ward_code merge_of(struct ward_call *c, const struct ward_val *row, Merge *out,
                               struct ward_err *err)
{
    ward__records__v1__merge__init(out);
    WARD_TRY(ward_call_uuid(c, (const uint8_t *)row[0].p, &out->merge_id));
    WARD_TRY(ward_call_uuid(c, (const uint8_t *)row[1].p, &out->into_patient_id));
    WARD_TRY(ward_call_uuid(c, (const uint8_t *)row[2].p, &out->from_patient_id));
    if (!ward_i64(row[4].p, 0, INT64_MAX, &out->merged_at_us) ||
        (row[6].p != NULL && !ward_i64(row[6].p, 0, INT64_MAX, &out->unmerged_at_us)))
        return WARD_FAIL(err, DATA_LOSS, "the row of a merge was changed outside the service");
    out->merged_by = api_text(row[3].p);
    if (row[5].p != NULL)
        out->unmerged_by = api_text(row[5].p);
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct listing *l = arg;
    struct ward_arena *mem = l->c->mem;
    struct ward_rows rows;
    Merge *all;

    (void)db;
    WARD_TRY(view_covers(l->c->wrk, mem, &l->view, KIND_PATIENT, 0, l->patient, err));
    WARD_TRY(select_all(l, &rows, err));
    all = ward_alloc(mem, rows.n * sizeof(*all));
    l->resp->merges = ward_alloc(mem, rows.n * sizeof(Merge *));
    if (all == NULL || l->resp->merges == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < rows.n; i++) {
        WARD_TRY(merge_of(l->c, rows.at[i], &all[i], err));
        l->resp->merges[i] = &all[i];
    }
    l->resp->n_merges = rows.n;
    return tell(l->c->wrk, &l->event, &l->view, l->patient, err);
}

enum ward_code list_merges_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    static const char *const roles[] = {"registrar", "privacy-officer"};
    const ListRequest *req = (const ListRequest *)q;
    struct listing l = {.c = c, .resp = (ListResponse *)r};
    struct worker *w = c->wrk;
    char patient[37];

    WARD_TRY(ward_call_id(c, "patient_id", req->patient_id, l.patient, patient));
    ward_event_begin(&l.event, c, &w->event_ctx, patient);
    WARD_TRY(view_of(c, USE_READ, &l.view, c->err));
    view_only(&l.view, c, USE_READ, roles, WARD_COUNT(roles));
    WARD_TRY(view_allows(&l.view, c, USE_READ, KIND_PATIENT, c->err));
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    return ward_db_tx(w->event_ctx.db, in_tx, &l, c->err);
}
