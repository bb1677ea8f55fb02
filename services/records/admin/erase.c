/* ErasePatient: destroys the patient's key, and deletes all search values. Rows of `version`
 * remain but cannot be decrypted. The rows prove that a version was written, when and by
 * whom. */
#include "common/base/clock.h"
#include "common/base/text.h"
#include "services/records/api.h"
#include "services/records/exchange/quarantine.h"
#include "services/records/feed/feed.h"
#include "ward/records/v1/admin.pb-c.h"

#include <string.h>

typedef Ward__Records__V1__ErasePatientRequest EraseRequest;
typedef Ward__Records__V1__ErasePatientResponse EraseResponse;

#define CASE_MAX 64

struct erasing {
    struct ward_call *call;
    struct view view;
    struct ward_event event;
    struct ward_idem idem;
    const EraseRequest *req;
    EraseResponse *resp;
    uint8_t id[RECORDS_ID];
    int64_t now_us;
};

static struct ward_val id_val(const uint8_t id[RECORDS_ID])
{
    return ward_blob(id, RECORDS_ID);
}

/* ---- one patient ---- */

static enum ward_code drop_rows(struct erasing *e, const uint8_t id[RECORDS_ID],
                                struct ward_err *err)
{
    static const char *const ROWS[] = {
        "DELETE FROM owner_key WHERE owner_id = ?",
        "DELETE FROM token WHERE patient_id = ?",
        "DELETE FROM cleaned WHERE patient_id = ?",
        "DELETE FROM attachment_part WHERE patient_id = ?",
        "DELETE FROM attachment_put WHERE patient_id = ?",
        "DELETE FROM attachment WHERE patient_id = ?",
        "DELETE FROM consent_deny WHERE patient_id = ?",
        "DELETE FROM encounter_ward WHERE encounter_id IN"
        " (SELECT resource_id FROM resource WHERE patient_id = ? AND kind = 2)",
        "DELETE FROM open_encounter WHERE patient_id = ?",
        "DELETE FROM moved WHERE resource_id IN"
        " (SELECT resource_id FROM resource WHERE patient_id = ?)",
        "UPDATE resource SET status = 0, labels = 0, from_us = -9223372036854775808,"
        " to_us = -9223372036854775808, from2_us = NULL, to2_us = NULL, encounter_id = NULL,"
        " value = NULL, unit = NULL WHERE patient_id = ?",
    };
    struct worker *w = e->call->wrk;

    for (size_t i = 0; i < WARD_COUNT(ROWS); i++)
        WARD_TRY(ward_db_run(w->event_ctx.db, e->call->mem, ROWS[i], WARD_PARAMS(id_val(id)),
                             NULL, err));
    return quarantine_forget(w, e->call->mem, id, err);
}

static enum ward_code mark_row(struct erasing *e, const uint8_t id[RECORDS_ID],
                               struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE patient SET gender = 0, birth_us = NULL, erased_at_us = ? WHERE patient_id = ?";
    struct worker *w = e->call->wrk;

    return ward_db_run(w->event_ctx.db, e->call->mem, SQL,
                       WARD_PARAMS(ward_int(e->call->mem, e->now_us), id_val(id)), NULL, err);
}

static enum ward_code tell_feed(struct erasing *e, const uint8_t id[RECORDS_ID],
                                struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO change_new (kind, act, version, written_at_us, resource_id, patient_id)"
        " SELECT kind, ?, version, ?, resource_id, patient_id FROM resource"
        " WHERE resource_id = ?";
    struct ward_arena *mem = e->call->mem;
    struct worker *w = e->call->wrk;

    ward_db_after_commit(w->event_ctx.db, sequencer_wake, w->rec->feed);
    return ward_db_run(w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(ward_int(mem, WARD__RECORDS__V1__ACT__ACT_ERASED),
                                   ward_int(mem, e->now_us), id_val(id)),
                       NULL, err);
}

static enum ward_code forget(struct erasing *e, const uint8_t id[RECORDS_ID],
                             struct ward_err *err)
{
    WARD_TRY(drop_rows(e, id, err));
    WARD_TRY(mark_row(e, id, err));
    return tell_feed(e, id, err);
}

static enum ward_code told(struct erasing *e, const uint8_t id[RECORDS_ID],
                           struct ward_err *err)
{
    struct ward_event event;

    if (memcmp(id, e->id, RECORDS_ID) == 0)
        event = e->event;
    else
        ward_event_another(&e->event, NULL, &event);
    ward_event_note(&event, "case", e->req->case_reference);
    return tell(e->call->wrk, &event, &e->view, id, err);
}

/* ---- the chart ---- */

#define MEMBER "SELECT patient_id, root_id, erased_at_us, key_sha256 FROM patient"

/* The requested patient's row is locked first and alone. Every merge into a chart and every
 * unmerge locks the chart's root, so the members of the chart cannot change afterwards. A
 * second statement reads the members: a single statement with both conditions could wait for a
 * merge and then return the members from before the merge. */
static enum ward_code hold(struct erasing *e, struct ward_rows *asked, struct ward_rows *chart,
                           struct ward_err *err)
{
    static const char ONE[] = MEMBER " WHERE patient_id = ? FOR UPDATE";
    static const char ALL[] = MEMBER " WHERE root_id = ? ORDER BY patient_id FOR UPDATE";
    struct worker *w = e->call->wrk;

    WARD_TRY(ward_db_run(w->event_ctx.db, e->call->mem, ONE, WARD_PARAMS(id_val(e->id)), asked,
                         err));
    if (asked->n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "PATIENT_NOT_FOUND", "no such patient");
    return ward_db_run(w->event_ctx.db, e->call->mem, ALL, WARD_PARAMS(id_val(e->id)), chart,
                       err);
}

static enum ward_code look(struct erasing *e, const struct ward_val *row, struct ward_err *err)
{
    bool done = row[2].p != NULL;

    if (!done && memcmp(row[1].p, e->id, RECORDS_ID) != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "PATIENT_MERGED",
                                "the patient was merged into another");
    e->resp->erased_at_us = e->now_us;
    if (done && !ward_i64(row[2].p, 0, INT64_MAX, &e->resp->erased_at_us))
        return WARD_FAIL(err, INTERNAL, "a stored time is invalid");
    e->resp->key_sha256.data = (uint8_t *)(uintptr_t)row[3].p;
    e->resp->key_sha256.len = row[3].n;
    return WARD_OK;
}

/* Erases a patient of the chart. For an already erased patient, deletes items that were
 * quarantined since the erasure. */
static enum ward_code erase_member(struct erasing *e, const struct ward_val *row,
                                   struct ward_err *err)
{
    const uint8_t *id = (const uint8_t *)row[0].p;

    if (row[2].p != NULL)
        return quarantine_forget(e->call->wrk, e->call->mem, id, err);
    WARD_TRY(forget(e, id, err));
    return memcmp(id, e->id, RECORDS_ID) == 0 ? WARD_OK : told(e, id, err);
}

static enum ward_code erase(struct erasing *e, struct ward_err *err)
{
    struct ward_rows asked, chart;

    WARD_TRY(hold(e, &asked, &chart, err));
    WARD_TRY(look(e, asked.at[0], err));
    if (chart.n == 0) /* the patient was merged, and erased with the surviving record's chart */
        WARD_TRY(erase_member(e, asked.at[0], err));
    for (size_t i = 0; i < chart.n; i++)
        WARD_TRY(erase_member(e, chart.at[i], err));
    return told(e, e->id, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct erasing *e = arg;
    ProtobufCMessage *kept = NULL;

    WARD_TRY(ward_call_stored_answer(e->call, db, &e->idem,
                                     &ward__records__v1__erase_patient_response__descriptor,
                                     &kept, err));
    if (kept != NULL) {
        e->resp->erased_at_us = ((EraseResponse *)kept)->erased_at_us;
        e->resp->key_sha256 = ((EraseResponse *)kept)->key_sha256;
        return told(e, e->id, err);
    }
    WARD_TRY(erase(e, err));
    return ward_call_store_answer(e->call, db, &e->idem, &e->resp->base, err);
}

static bool is_case(const char *s)
{
    static const char CHARS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-";
    size_t n = strspn(s, CHARS);

    return n > 0 && n <= CASE_MAX && s[n] == '\0';
}

enum ward_code erase_patient_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    static const char *const roles[] = {"privacy-officer"};
    struct erasing e = {.call = c, .req = (const EraseRequest *)q, .resp = (EraseResponse *)r};
    struct worker *w = c->wrk;

    ward_event_begin(&e.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    e.now_us = ward_wall_us();
    WARD_TRY(ward_call_id(c, "patient_id", e.req->patient_id, e.id, w->event_ctx.patient));
    WARD_TRY(view_of(c, USE_READ, &e.view, c->err));
    view_only(&e.view, c, USE_READ, roles, WARD_COUNT(roles));
    WARD_TRY(view_allows(&e.view, c, USE_READ, KIND_PATIENT, c->err));
    WARD_TRY(ward_call_idem(c, e.req->idempotency_key, q, &e.idem));
    if (!is_case(e.req->case_reference))
        return WARD_FAIL_FIELD(c->err, "case_reference",
                               "must be 1 to %d characters of A-Z a-z 0-9 . _ / -", CASE_MAX);
    return ward_db_tx(w->event_ctx.db, in_tx, &e, c->err);
}
