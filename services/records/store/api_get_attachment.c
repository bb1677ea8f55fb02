/* GetAttachment: sends the content part by part. Each part is decrypted with the key that is
 * stored at that moment, so an erasure ends the stream. */
#include "common/base/text.h"
#include "services/records/store/attachment.h"

#include <string.h>

typedef Ward__Records__V1__GetAttachmentRequest GetRequest;
typedef Ward__Records__V1__GetAttachmentResponse GetResponse;

struct getting {
    struct ward_call *call;
    struct view view;
    struct ward_event event;
    uint8_t asked[RECORDS_ID], named[TOKEN_HASH];
    struct attachment of; /* the attachment, with its original patient */
    uint8_t type[WARD_SEAL_EXTRA + TYPE_MAX + 1];
};

static enum ward_code unreadable(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                            "an attachment was changed outside the service");
}

static enum ward_code no_such(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, NOT_FOUND, "ATTACHMENT_NOT_FOUND", "no such attachment");
}

/* OF_CHART finds an attachment of the chart. ONCE_OF_CHART also finds an attachment of a
 * formerly merged patient, because a resource that named the attachment during the merge still
 * names it. */
#define OF_CHART                                                                               \
    "SELECT t.patient_id, t.size, t.type FROM patient a"                                       \
    " JOIN patient p ON p.root_id = a.root_id"                                                 \
    " JOIN attachment t ON t.patient_id = p.patient_id"                                        \
    " WHERE a.patient_id = ? AND t.sha256 = ? ORDER BY t.put_at_us LIMIT 1"
#define ONCE_OF_CHART                                                                          \
    "WITH RECURSIVE near (id) AS (SELECT p.patient_id FROM patient a"                          \
    " JOIN patient p ON p.root_id = a.root_id WHERE a.patient_id = ?"                          \
    " UNION SELECT CASE WHEN m.into_id = near.id THEN m.from_id ELSE m.into_id END"            \
    " FROM near JOIN patient_merge m ON near.id IN (m.into_id, m.from_id))"                    \
    " SELECT t.patient_id, t.size, t.type FROM near"                                           \
    " JOIN attachment t ON t.patient_id = near.id WHERE t.sha256 = ?"                          \
    " ORDER BY t.put_at_us LIMIT 1"

static enum ward_code of_chart(struct getting *g, struct ward_val *type, struct ward_err *err)
{
    static const char NOW[] = OF_CHART, ONCE[] = ONCE_OF_CHART;
    const char *const ask[] = {NOW, ONCE};
    struct worker *w = g->call->wrk;
    struct ward_rows rows = {0};

    for (size_t i = 0; i < WARD_COUNT(ask) && rows.n == 0; i++)
        WARD_TRY(ward_db_run(w->event_ctx.db, g->call->mem, ask[i],
                             WARD_PARAMS(ward_blob(g->asked, RECORDS_ID),
                                         ward_blob(g->of.sha256, sizeof(g->of.sha256))),
                             &rows, err));
    if (rows.n == 0)
        return no_such(err);
    memcpy(g->of.patient, rows.at[0][0].p, RECORDS_ID);
    *type = rows.at[0][2];
    if (!ward_i64(rows.at[0][1].p, 1, (int64_t)ATTACHMENT_MAX, &g->of.size) ||
        type->n > sizeof(g->type) - 1)
        return unreadable(err);
    return WARD_OK;
}

static enum ward_code open_type(struct getting *g, struct ward_val sealed, struct ward_err *err)
{
    struct patient owner = {0};
    enum ward_code code;

    WARD_TRY(patient_find(g->call->wrk, g->call->mem, g->of.patient, false, &owner, err));
    if (owner.erased)
        return no_such(err);
    memset(g->type, 0, sizeof(g->type));
    code = part_open(owner.key, &g->of, -1, sealed, g->type, err);
    patient_wipe(&owner);
    return code;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct getting *g = arg;
    struct ward_event event = g->event;
    struct ward_val type = {0};
    bool seen = false;

    (void)db;
    WARD_TRY(
        attachment_seen(g->call->wrk, g->call->mem, &g->view, g->asked, g->named, &seen, err));
    if (!seen)
        return no_such(err);
    WARD_TRY(of_chart(g, &type, err));
    WARD_TRY(open_type(g, type, err));
    ward_event_note_int(&event, "bytes", g->of.size);
    return tell(g->call->wrk, &event, &g->view, g->of.patient, err);
}

/* Reads and decrypts the n-th part, in an arena that is reset after each part. */
static enum ward_code part(struct getting *g, int n, struct ward_arena *mem, GetResponse *out)
{
    static const char SQL[] = "SELECT sealed FROM attachment_part WHERE patient_id = ?"
                              " AND sha256 = ? AND part = ?";
    struct ward_call *c = g->call;
    struct worker *w = c->wrk;
    struct patient owner = {0};
    struct ward_rows rows;
    enum ward_code code;

    WARD_TRY(patient_find(w, mem, g->of.patient, false, &owner, c->err));
    if (owner.erased)
        return no_such(c->err);
    code = ward_db_run(w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(ward_blob(g->of.patient, RECORDS_ID),
                                   ward_blob(g->of.sha256, sizeof(g->of.sha256)),
                                   ward_int(mem, n)),
                       &rows, c->err);
    if (code == WARD_OK && rows.n == 0)
        code = unreadable(c->err);
    if (code == WARD_OK) {
        out->chunk.data = ward_alloc(mem, rows.at[0][0].n);
        code = out->chunk.data == NULL
                   ? WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for an attachment")
                   : part_open(owner.key, &g->of, n, rows.at[0][0], out->chunk.data, c->err);
        out->chunk.len = rows.at[0][0].n - WARD_SEAL_EXTRA;
    }
    patient_wipe(&owner);
    return code;
}

static enum ward_code send_all(struct getting *g)
{
    struct ward_call *c = g->call;
    int n = (int)((g->of.size + (int64_t)PART_SIZE - 1) / (int64_t)PART_SIZE);
    struct ward_arena mem;
    enum ward_code code = WARD_OK;

    ward_arena_init(&mem, 4 * PART_SIZE);
    for (int i = 0; code == WARD_OK && i < n; i++) {
        GetResponse r = WARD__RECORDS__V1__GET_ATTACHMENT_RESPONSE__INIT;

        if (i == 0) {
            r.content_type = (char *)g->type;
            r.size = (uint32_t)g->of.size;
        }
        code = part(g, i, &mem, &r);
        if (code == WARD_OK)
            code = ward_send(c, &r.base);
        ward_arena_reset(&mem);
    }
    ward_arena_done(&mem);
    return code;
}

/* Reads the hash in an attachment's url, and computes the search token of resources that name
 * the attachment. */
static enum ward_code take_url(struct getting *g, const char *url)
{
    struct ward_call *c = g->call;
    struct worker *w = c->wrk;

    if (strncmp(url, ATTACHMENT_URN, strlen(ATTACHMENT_URN)) != 0 ||
        !ward_unhex(url + strlen(ATTACHMENT_URN), g->of.sha256, sizeof(g->of.sha256)))
        return WARD_FAIL_FIELD(c->err, "url", "must be urn:sha-256: and 64 hex digits");
    return attachment_hash(w, g->of.sha256, g->named, c->err);
}

enum ward_code get_attachment_rpc(struct ward_call *c, const ProtobufCMessage *msg,
                                  ProtobufCMessage *r)
{
    const GetRequest *q = (const GetRequest *)msg;
    struct getting g = {.call = c};
    struct worker *w = c->wrk;

    (void)r;
    ward_event_begin(&g.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_call_id(c, "patient_id", q->patient_id, g.asked, w->event_ctx.patient));
    WARD_TRY(take_url(&g, q->url));
    WARD_TRY(view_of(c, USE_READ, &g.view, c->err));
    WARD_TRY(view_allows(&g.view, c, USE_READ, KIND_DOCUMENT, c->err));
    WARD_TRY(ward_db_tx(w->event_ctx.db, in_tx, &g, c->err));
    return send_all(&g);
}
