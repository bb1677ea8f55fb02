/* GetStatus: counts rows and pending reviews. */
#include "services/records/api.h"

#include "common/base/text.h"
#include "services/records/text/backend.h"
#include "ward/records/v1/admin.pb-c.h"

typedef Ward__Records__V1__GetStatusResponse Status;
typedef Ward__Records__V1__KindCount KindCount;

static int64_t number(struct ward_val v)
{
    int64_t n = 0;

    return v.p != NULL && ward_i64(v.p, 0, INT64_MAX, &n) ? n : 0;
}

static enum ward_code count_kinds(struct ward_call *c, Status *s, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT kind, COUNT(*) FROM (SELECT kind FROM resource"
        " UNION ALL SELECT kind FROM directory) r GROUP BY kind ORDER BY kind";
    struct worker *w = c->wrk;
    struct ward_rows rows;
    KindCount *all;

    WARD_TRY(ward_db_run(w->event_ctx.db, c->mem, SQL, WARD_NO_PARAMS, &rows, err));
    all = ward_alloc(c->mem, rows.n * sizeof(*all));
    s->resources = ward_alloc(c->mem, rows.n * sizeof(KindCount *));
    if (all == NULL || s->resources == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the counts");
    for (size_t i = 0; i < rows.n; i++) {
        ward__records__v1__kind_count__init(&all[i]);
        all[i].kind = api_text(kind_name((enum kind)number(rows.at[i][0])));
        all[i].count = number(rows.at[i][1]);
        s->resources[i] = &all[i];
    }
    s->n_resources = rows.n;
    return WARD_OK;
}

static enum ward_code count_rest(struct ward_call *c, Status *s, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT (SELECT COUNT(*) FROM patient),"
        " (SELECT COUNT(*) FROM patient WHERE root_id <> patient_id),"
        " (SELECT COUNT(*) FROM patient WHERE erased_at_us IS NOT NULL),"
        " (SELECT sequence FROM feed_end), (SELECT COUNT(*) FROM change_new),"
        " (SELECT COUNT(*) FROM quarantine WHERE state = 1),"
        " (SELECT COUNT(*) FROM glass WHERE reviewed_at_us IS NULL)";
    struct worker *w = c->wrk;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, c->mem, SQL, WARD_NO_PARAMS, &rows, err));
    s->patients = number(rows.at[0][0]);
    s->merged = number(rows.at[0][1]);
    s->erased = number(rows.at[0][2]);
    s->feed_sequence = (uint64_t)number(rows.at[0][3]);
    s->feed_waiting = number(rows.at[0][4]);
    s->quarantine_waiting = number(rows.at[0][5]);
    s->glass_to_review = number(rows.at[0][6]);
    return WARD_OK;
}

struct asking {
    struct ward_call *call;
    struct ward_event event;
    Status *status;
};

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct asking *a = arg;
    struct ward_event event = a->event;

    WARD_TRY(count_kinds(a->call, a->status, err));
    WARD_TRY(count_rest(a->call, a->status, err));
    return ward_event_write(&event, db, err);
}

enum ward_code get_status_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    struct asking a = {.call = c, .status = (Status *)r};
    struct worker *w = c->wrk;
    const struct text_maker *maker = text_found_by(w->rec->text);

    (void)q;
    ward_event_begin(&a.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_db_tx(w->event_ctx.db, in_tx, &a, c->err));
    a.status->root_key_id = api_text(ward_keyring_root_id(w->rec->keys));
    a.status->root_key_kind = api_text(ward_keyring_root_kind(w->rec->keys));
    a.status->text_backend = ward_printf(c->mem, "%s %s", maker->name, maker->version);
    a.status->text_backend_sha256 = api_text(maker->sha256);
    if (a.status->text_backend == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    return WARD_OK;
}
